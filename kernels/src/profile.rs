//! Tuned choices as a value; looking one up is a pure function. Files are `runtime`'s business.

use crate::format::FormatInfo;
use crate::isa::{self, IsaInfo};
use crate::kernel::Numerics;
use crate::params::Params;
use crate::plan::{Problem, Source};

/// What a tuner found best for one shape of one format.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Format, by name.
    pub format: String,
    /// The format's [`code_hash`](FormatInfo::code_hash) when it was tuned.
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
            let FormatInfo { name, code_hash, .. } = problem.format;
            entry.format == *name
                && entry.code_hash == *code_hash
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats;

    fn entry(rows: usize, depth: usize) -> Entry {
        let format = formats::by_name("Q4_K").unwrap();
        Entry {
            format: format.name.into(),
            code_hash: format.code_hash,
            class: Numerics::Q8,
            isa: "scalar".into(),
            threads: 2,
            rows,
            depth,
            params: Params { grain: 16, ..Params::default() },
        }
    }

    fn problem(rows: usize, depth: usize) -> Problem {
        Problem { format: formats::by_name("Q4_K").unwrap(), rows, depth, class: Numerics::Q8 }
    }

    #[test]
    fn the_same_shape_wins_then_the_nearest_within_a_factor_of_two() {
        let profile =
            Profile { name: "p".into(), entries: vec![entry(4096, 4096), entry(8192, 4096)] };
        let found = |rows, depth| profile.lookup(&problem(rows, depth), 2, None).map(|f| f.2);
        assert!(matches!(found(4096, 4096), Some(Source::Tuned { .. })));
        assert!(matches!(found(8192, 4096), Some(Source::Tuned { .. })));
        assert!(matches!(found(5120, 4096), Some(Source::Nearest { rows: 4096, .. })));
        assert_eq!(found(1024, 4096), None);
        assert_eq!(found(4096, 14336), None);
    }

    #[test]
    fn entries_for_other_code_threads_or_instruction_sets_do_not_count() {
        let changed = [
            Entry { code_hash: 1, ..entry(4096, 4096) },
            Entry { threads: 1, ..entry(4096, 4096) },
            Entry { isa: "nonesuch".into(), ..entry(4096, 4096) },
            Entry { class: Numerics::F32, ..entry(4096, 4096) },
        ];
        for entry in changed {
            let profile = Profile { name: "p".into(), entries: vec![entry] };
            assert_eq!(profile.lookup(&problem(4096, 4096), 2, None), None);
        }
    }
}
