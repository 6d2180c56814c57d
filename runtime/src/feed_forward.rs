//! The gated feed-forward network (Shazeer 2020): `down(function(gate x) * up x)`.

use crate::activation::Function;
use crate::experts::Experts;
use crate::linear::{Linear, LinearError};
use crate::load::{LoadError, Loader};
use crate::pass::Pass;
use crate::rows::Rows;

/// A gated network, or several to choose from.
#[derive(Debug)]
pub(crate) enum FeedForward {
    Dense(Box<Gated>),
    Experts(Box<Experts>),
}

/// One gated network.
#[derive(Debug)]
pub(crate) struct Gated {
    pub(crate) gate: Linear, // (wide, hidden)
    pub(crate) up: Linear,   // (wide, hidden)
    pub(crate) down: Linear, // (hidden, wide)
}

impl FeedForward {
    /// `BLOCK.ffn_*`: of experts if the keys say that there are some.
    pub(crate) fn load(load: &mut Loader<'_>, block: &str) -> Result<Self, LoadError> {
        match load.keys().find::<usize>("expert_count")? {
            None | Some(0) => Ok(Self::Dense(Box::new(Gated::load(load, block)?))),
            Some(count) => Ok(Self::Experts(Box::new(Experts::load(load, block, count)?))),
        }
    }

    /// `x (rows, hidden)` to as many.
    pub(crate) fn forward(
        &self,
        pass: &Pass<'_>,
        x: &Rows,
        function: impl Function,
    ) -> Result<Rows, LinearError> {
        match self {
            Self::Dense(gated) => gated.forward(pass, x, function),
            Self::Experts(experts) => experts.forward(pass, x, function),
        }
    }
}

impl Gated {
    /// `BLOCK.ffn_gate`, `ffn_up` and `ffn_down`.
    pub(crate) fn load(load: &mut Loader<'_>, block: &str) -> Result<Self, LoadError> {
        let keys = load.keys();
        let (hidden, wide) = (keys.count("embedding_length")?, keys.count("feed_forward_length")?);
        Ok(Self {
            gate: load.linear(&format!("{block}.ffn_gate"), wide, hidden),
            up: load.linear(&format!("{block}.ffn_up"), wide, hidden),
            down: load.linear(&format!("{block}.ffn_down"), hidden, wide),
        })
    }

    /// `x (rows, hidden)` to as many.
    pub(crate) fn forward(
        &self,
        pass: &Pass<'_>,
        x: &Rows,
        function: impl Function,
    ) -> Result<Rows, LinearError> {
        let [mut gate, up] = pass.linear([&self.gate, &self.up], x)?; // (rows, wide)
        pass.gate(&mut gate, &up, function);
        let [out] = pass.linear([&self.down], &gate)?; // (rows, hidden)
        Ok(out)
    }
}
