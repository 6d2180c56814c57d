//! Tuned choices as a value; looking one up is a pure function. Files are `runtime`'s business.

use crate::isa::{self, IsaInfo};
use crate::kernel::Numerics;
use crate::params::Params;
use crate::plan::{Problem, Source};

/// What a tuner found best for one shape of one format.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Format, by name.
    pub format: String,
    /// The format's [`kernel_hash`](crate::FormatInfo::kernel_hash) when it was tuned.
    pub code_hash: u64,
    /// Numerics class.
    pub class: Numerics,
    /// Instruction set, by name.
    pub isa: String,
    /// Threads of the pool it was tuned with.
    pub threads: usize,
    /// Rows of the weight matrix (N).
    pub rows: usize,
    /// Columns of the weight matrix (K).
    pub depth: usize,
    /// The choice.
    pub params: Params,
}

/// Tuned choices for a machine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// Where it came from, for [`Plan::explain`](crate::Plan::explain).
    pub name: String,
    /// In any order.
    pub entries: Vec<Entry>,
}

impl Profile {
    /// The best entry for a problem: the same shape, else the nearest shape whose sides are
    /// within a factor of two. Entries for other code, other thread counts or an instruction set
    /// that this CPU lacks do not count; with `isa` given, neither do other instruction sets.
    #[must_use]
    pub fn lookup(
        &self,
        problem: &Problem,
        threads: usize,
        isa: Option<&'static IsaInfo>,
    ) -> Option<(&'static IsaInfo, Params, Source)> {
        let usable = |entry: &&Entry| {
            let format = problem.format;
            entry.format == format.name
                && entry.code_hash == format.kernel_hash()
                && entry.class == problem.class
                && entry.threads == threads
                && isa.is_none_or(|isa| isa.name == entry.isa)
        };
        let nearest = self
            .entries
            .iter()
            .filter(usable)
            .filter_map(|entry| {
                Some((entry, isa::by_name(&entry.isa).ok()?, distance(entry, problem)?))
            })
            .min_by(|a, b| a.2.total_cmp(&b.2).then(b.0.depth.cmp(&a.0.depth)))?;
        let (entry, isa, distance) = nearest;
        let source = match distance {
            0.0 => Source::Tuned { profile: self.name.clone() },
            _ => {
                Source::Nearest { profile: self.name.clone(), rows: entry.rows, depth: entry.depth }
            }
        };
        Some((isa, entry.params, source))
    }
}

/// How far an entry's shape is from a problem's, if near enough to say anything about it.
fn distance(entry: &Entry, problem: &Problem) -> Option<f64> {
    let octaves = |a: usize, b: usize| (a as f64 / b as f64).log2().abs();
    let (rows, depth) = (octaves(entry.rows, problem.rows), octaves(entry.depth, problem.depth));
    (rows <= 1.0 && depth <= 1.0).then_some(rows + depth)
}
