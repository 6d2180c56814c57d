//! A mixture of experts (Shazeer et al. 2017; Jiang et al. 2024, Mixtral): of many feed-forward
//! networks, each token runs through the few that a router finds best for it.
//!
//! Rows are sorted by expert, so that each expert that is used at all multiplies once, with all
//! rows that want it.

use crate::activation::{Function, exp};
use crate::feed_forward::Gated;
use crate::linear::{Linear, LinearError};
use crate::load::{LoadError, Loader};
use crate::pass::Pass;
use crate::rows::Rows;

/// Networks, and who chooses among them.
#[derive(Debug)]
pub(crate) struct Experts {
    router: Linear, // (experts, hidden)
    experts: Vec<Gated>,
    /// How many a token runs through.
    used: usize,
}

/// That a row runs through an expert.
#[derive(Clone, Copy)]
struct Visit {
    expert: usize,
    row: usize,
    weight: f32,
}

impl Experts {
    /// `BLOCK.ffn_gate_inp` and `BLOCK.ffn_*_exps`.
    pub(crate) fn load(
        load: &mut Loader<'_>,
        block: &str,
        count: usize,
    ) -> Result<Self, LoadError> {
        let keys = load.keys();
        let hidden = keys.count("embedding_length")?;
        let wide = match keys.find("expert_feed_forward_length")? {
            Some(wide) => wide,
            None => keys.count("feed_forward_length")?,
        };
        let used = keys.count("expert_used_count")?;
        if used > count {
            let need = format!("there are only {count} experts");
            return Err(keys.wrong("expert_used_count", used, need).into());
        }
        let router = load.linear(&format!("{block}.ffn_gate_inp"), count, hidden);
        let gates = load.stacked(&format!("{block}.ffn_gate"), count, [wide, hidden]);
        let ups = load.stacked(&format!("{block}.ffn_up"), count, [wide, hidden]);
        let downs = load.stacked(&format!("{block}.ffn_down"), count, [hidden, wide]);
        let experts = gates.into_iter().zip(ups).zip(downs);
        let experts = experts.map(|((gate, up), down)| Gated { gate, up, down }).collect();
        Ok(Self { router, experts, used })
    }

    /// `x (rows, hidden)` to as many.
    pub(crate) fn forward(
        &self,
        pass: &Pass<'_>,
        x: &Rows,
        function: impl Function,
    ) -> Result<Rows, LinearError> {
        let [scores] = pass.linear([&self.router], x)?; // (rows, experts)
        let mut visits: Vec<Visit> =
            (0..x.count()).flat_map(|row| self.choose(row, scores.row(row))).collect();
        visits.sort_by_key(|visit| (visit.expert, visit.row));
        let mut out = pass.rows_of(x.count(), x.columns());
        out.fill(0.0);
        for visits in visits.chunk_by(|a, b| a.expert == b.expert) {
            let mut gathered = pass.rows_of(visits.len(), x.columns());
            for (n, visit) in visits.iter().enumerate() {
                gathered.row_mut(n).copy_from_slice(x.row(visit.row));
            }
            let parts = self.experts[visits[0].expert].forward(pass, &gathered, function)?;
            for (n, visit) in visits.iter().enumerate() {
                let to = out.row_mut(visit.row).iter_mut();
                to.zip(parts.row(n)).for_each(|(to, part)| *to += visit.weight * part);
            }
        }
        Ok(out)
    }

    /// The best experts for a row, with weights that add to 1: the softmax of their scores.
    fn choose(&self, row: usize, scores: &[f32]) -> impl Iterator<Item = Visit> + use<> {
        let mut order: Vec<usize> = (0..scores.len()).collect();
        // Of equals the first.
        order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
        order.truncate(self.used);
        let most = scores[order[0]];
        let weights: Vec<f32> = order.iter().map(|n| exp(scores[*n] - most)).collect();
        let total: f32 = weights.iter().sum();
        let visits = order.into_iter().zip(weights);
        visits.map(move |(expert, weight)| Visit { expert, row, weight: weight / total })
    }
}
