//! What was measured.

use std::collections::BTreeSet;

use kernels::{Numerics, Problem, formats, isa};
use runtime::profile::Peaks;
use serde::{Deserialize, Serialize};
use tuning::machine;

/// Everything measured with one number of threads.
pub(crate) struct Session {
    pub(crate) threads: usize,
    /// What the machine could do, as measured before each format.
    pub(crate) peaks: Vec<Peaks>,
    pub(crate) cells: Vec<Cell>,
}

impl Session {
    /// How many, in words.
    pub(crate) fn threads(&self) -> String {
        in_words(self.threads)
    }

    /// What bounds a product (`read`, `dot`, `fma`, `bf16`), and the seconds that it takes at least, by the
    /// best of the whole session: a bound that is too low would flatter.
    pub(crate) fn bound(&self, cell: &Cell) -> Option<machine::Bound> {
        let Cell { rows, depth, batch, .. } = *cell;
        let format = formats::by_name(&cell.format)?;
        let class = Numerics::by_name(&cell.scores.first()?.engine)?;
        let problem = Problem { format, rows, depth, class };
        let isa = isa::by_name(&cell.isa).ok()?;
        machine::bound(&best(&self.peaks), &problem, (isa, class), batch)
    }
}

/// So many threads.
pub(crate) fn in_words(threads: usize) -> String {
    format!("{threads} thread{}", if threads == 1 { "" } else { "s" })
}

/// One product by all engines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cell {
    pub(crate) threads: usize,
    pub(crate) format: String,
    pub(crate) rows: usize,
    pub(crate) depth: usize,
    pub(crate) batch: usize,
    /// Of the weights in a file.
    pub(crate) bytes: usize,
    /// What Tilewright computed on.
    pub(crate) isa: String,
    /// Tilewright's first, in the class that all are compared with.
    pub(crate) scores: Vec<Score>,
}

/// What one engine made of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Score {
    pub(crate) engine: String,
    /// Median of a call's seconds.
    pub(crate) seconds: f64,
    /// Median of its time over that of the first engine in the same round.
    pub(crate) ratio: f64,
    /// Squared error of the result in units of the squared result.
    pub(crate) error: f64,
}

impl Cell {
    /// Each engine with its score. The first is called Tilewright, whichever its class; further
    /// classes have theirs in their names.
    pub(crate) fn engines(&self) -> impl Iterator<Item = (&str, &Score)> {
        let peers = self.scores.iter().skip(1).map(|score| (score.engine.as_str(), score));
        self.scores.iter().take(1).map(|score| (OURS, score)).chain(peers)
    }
}

/// Names of all engines in alphabetical order; so Tilewright is the first.
pub(crate) fn engines<'c>(cells: impl IntoIterator<Item = &'c Cell>) -> Vec<&'c str> {
    let names = cells.into_iter().flat_map(|cell| cell.engines().map(|(name, _)| name));
    let names: BTreeSet<&str> = names.collect();
    names.into_iter().collect()
}

/// Tilewright among engines.
pub(crate) const OURS: &str = "Tilewright";

/// The best of each.
pub(crate) fn best(peaks: &[Peaks]) -> Peaks {
    let mut best = Peaks::default();
    for peaks in peaks {
        best.threads = peaks.threads;
        best.read_gbps = best.read_gbps.max(peaks.read_gbps);
        let all = [
            (&mut best.dot_gmacs, &peaks.dot_gmacs),
            (&mut best.fma_gmacs, &peaks.fma_gmacs),
            (&mut best.bf16_gmacs, &peaks.bf16_gmacs),
        ];
        for (best, found) in all {
            for (isa, gmacs) in found {
                let best = best.entry(isa.clone()).or_insert(0.0);
                *best = best.max(*gmacs);
            }
        }
    }
    best
}
