//! One weight matrix under test: what was tried, and what came of it.

use kernels::{Problem, ProfileEntry};

use crate::check::Wrong;
use crate::matrix::Kind;
use crate::space::Candidate;
use crate::stats::Gain;

/// A matrix under test.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The matrix.
    pub problem: Problem,
    /// What it is for.
    pub kind: Kind,
    /// Threads of the pool.
    pub threads: usize,
    /// What runs without a profile.
    pub default: Candidate,
    /// What is proven better, part by part; the default where nothing is.
    pub best: Candidate,
    /// What was measured, by batch.
    pub measured: Vec<Measurement>,
    /// Candidates that were timed.
    pub tried: usize,
    /// How far it came.
    pub progress: Progress,
    /// The default against itself, where that happened: what noise looks like on this machine.
    pub noise: Vec<Gain>,
    /// Why nothing can be said about the matrix, if so: its default computes wrongly.
    pub wrong: Option<Wrong>,
}

/// How far a trial came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Progress {
    /// Nothing is known.
    Untried,
    /// The decode part was searched and confirmed.
    Decoded,
    /// Everything was.
    Complete,
}

/// The default and the choice, at one batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measurement {
    /// Rows of activations.
    pub batch: usize,
    /// The choice against the default, in samples that chose nothing.
    pub gain: Gain,
}

impl Trial {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(problem: Problem, kind: Kind, threads: usize, default: Candidate) -> Self {
        Self {
            problem,
            kind,
            threads,
            default,
            best: default,
            measured: vec![],
            tried: 0,
            progress: Progress::Untried,
            noise: vec![],
            wrong: None,
        }
    }

    /// The choice as profiles hold it.
    #[must_use]
    pub fn entry(&self) -> ProfileEntry {
        let Problem { format, rows, depth, class } = self.problem;
        ProfileEntry {
            format: format.name.to_owned(),
            code_hash: format.kernel_hash(),
            class,
            isa: self.best.isa.name.to_owned(),
            threads: self.threads,
            rows,
            depth,
            params: self.best.params,
        }
    }

    /// Whether anything beat the default.
    #[must_use]
    pub fn is_tuned(&self) -> bool {
        self.best != self.default
    }

    /// The measurement at a batch.
    #[must_use]
    pub fn at(&self, batch: usize) -> Option<&Measurement> {
        self.measured.iter().find(|measured| measured.batch == batch)
    }

    pub(crate) fn record(&mut self, batch: usize, gain: Gain) {
        let gain = if self.is_tuned() { gain } else { gain.tie() };
        self.measured.retain(|measured| measured.batch != batch);
        self.measured.push(Measurement { batch, gain });
        self.measured.sort_by_key(|measured| measured.batch);
    }
}
