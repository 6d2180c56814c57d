//! What can be chosen: instruction sets and knobs, less what cannot make a difference.
//!
//! Knobs come from [`Params::KNOBS`], so a field added to `Params` is searched without a word
//! here. [`role`] only saves time: it says which loop a knob acts on, and a knob that it does not
//! know is searched for both.

use std::error::Error;
use std::fmt;
use std::hash::{Hash, Hasher};

use kernels::params::{Knob, Params, Tunable};
use kernels::{IsaInfo, Plan, Problem, isa};

/// The knob that the crossing of both loops decides, not a search.
pub const SWITCH: &str = "switch_at";

/// A choice: what a plan is made of, besides the problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The instruction set.
    pub isa: &'static IsaInfo,
    /// The knobs.
    pub params: Params,
}

impl Candidate {
    /// Every knob at its default.
    #[must_use]
    pub fn default_on(isa: &'static IsaInfo) -> Self {
        Self { isa, params: Params::default() }
    }

    /// The candidate with one knob at another value.
    ///
    /// # Panics
    /// If there is no such knob, or it cannot hold the value.
    #[must_use]
    pub fn with(mut self, knob: &str, value: u32) -> Self {
        assert!(self.params.set(knob, value), "knob {knob} cannot be {value}");
        self
    }

    /// The value of a knob.
    ///
    /// # Panics
    /// If there is no such knob.
    #[must_use]
    pub fn get(&self, knob: &str) -> u32 {
        self.params.get(knob).unwrap_or_else(|| panic!("no knob {knob}"))
    }

    /// The plan that measures it.
    ///
    /// # Errors
    /// If the problem is not whole blocks, or has no kernels on the instruction set.
    pub fn plan(&self, problem: Problem) -> Result<Plan, impl Error + Send + Sync + use<>> {
        Plan::with_params(problem, self.isa, self.params)
    }

    /// Takes over what another candidate chose for some knobs.
    #[must_use]
    pub fn adopt(mut self, other: &Self, knobs: impl Fn(Role) -> bool) -> Self {
        for knob in Params::KNOBS.iter().filter(|knob| knobs(role(knob.name))) {
            self = self.with(knob.name, other.get(knob.name));
        }
        if knobs(Role::Both) {
            self.isa = other.isa;
        }
        self
    }
}

impl Hash for Candidate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.isa.name.hash(state);
        self.params.hash(state);
    }
}

/// The instruction set, and every knob that is not at its default.
impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.isa.name)?;
        for knob in Params::KNOBS {
            let value = self.get(knob.name);
            if value != knob.default {
                write!(f, " {}={value}", knob.name)?;
            }
        }
        Ok(())
    }
}

/// The loop that a knob acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `gemv`, which decodes.
    Decode,
    /// `gemm`, which prefills.
    Prefill,
    /// The choice between them.
    Switch,
    /// Both, or unknown; the instruction set is one of these.
    Both,
}

/// The loop that a knob acts on; [`Role::Both`] for a knob that nobody has told us of.
#[must_use]
pub fn role(knob: &str) -> Role {
    match knob {
        "rows" | "grain" | "prefetch" | "lines" | "level" => Role::Decode,
        "columns" | "panels" | "tiles_at" => Role::Prefill,
        SWITCH => Role::Switch,
        _ => Role::Both,
    }
}

/// Which knobs a search may turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Those of one loop, and those that both share.
    Shared,
    /// Those of one loop.
    Own,
}

/// What a search varies.
#[derive(Clone, Debug)]
pub enum Axis {
    /// The instruction set.
    Isa(Vec<&'static IsaInfo>),
    /// A knob.
    Knob(&'static Knob),
}

impl Axis {
    /// For messages.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Isa(_) => "isa",
            Self::Knob(knob) => knob.name,
        }
    }

    /// A candidate with this axis where another has it.
    #[must_use]
    pub fn back(&self, candidate: &Candidate, to: &Candidate) -> Candidate {
        match self {
            Self::Isa(_) => Candidate { isa: to.isa, ..*candidate },
            Self::Knob(knob) => candidate.with(knob.name, to.get(knob.name)),
        }
    }
}

/// All candidates for a problem.
#[derive(Clone, Debug)]
pub struct Space {
    problem: Problem,
    loops: Role,
    threads: usize,
    axes: Vec<Axis>,
}

impl Space {
    /// The candidates for a loop. `isas` are the instruction sets to choose from, `threads` is the
    /// size of the pool.
    #[must_use]
    pub fn new(
        problem: Problem,
        loops: Role,
        reach: Reach,
        (isas, threads): (&[&'static IsaInfo], usize),
    ) -> Self {
        let mut axes = vec![];
        let isas: Vec<_> = isas.iter().copied().filter(|isa| has_kernels(&problem, isa)).collect();
        if reach == Reach::Shared && isas.len() > 1 {
            axes.push(Axis::Isa(isas));
        }
        for knob in Params::KNOBS {
            let role = role(knob.name);
            if role == loops || (role == Role::Both && reach == Reach::Shared) {
                axes.push(Axis::Knob(knob));
            }
        }
        Self { problem, loops, threads, axes }
    }

    /// What it varies.
    #[must_use]
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// Candidates that differ from `from` along one axis, and in what they run.
    #[must_use]
    pub fn moves(&self, axis: &Axis, from: &Candidate) -> Vec<Candidate> {
        let all: Vec<Candidate> = match axis {
            Axis::Isa(isas) => isas.iter().map(|isa| Candidate { isa, ..*from }).collect(),
            Axis::Knob(knob) => {
                knob.choices.iter().map(|value| from.with(knob.name, *value)).collect()
            }
        };
        let mut seen = vec![self.footprint(from)];
        let mut moves = vec![];
        for candidate in all {
            let footprint = self.footprint(&candidate);
            if !seen.contains(&footprint) && !self.starves(&candidate) {
                seen.push(footprint);
                moves.push(candidate);
            }
        }
        moves
    }

    /// Number of points, were all combinations tried.
    #[must_use]
    pub fn points(&self, from: &Candidate) -> usize {
        self.axes.iter().map(|axis| 1 + self.moves(axis, from).len()).product()
    }

    /// What a candidate comes to: two with the same footprint run the same instructions.
    fn footprint(&self, candidate: &Candidate) -> (Vec<&'static str>, Candidate) {
        /// One batch for each number of columns of a `gemv` tile.
        const FEW: [usize; 8] = [1, 2, 3, 4, 5, 6, 7, 8];
        /// One for `gemm` as well.
        const ALL: [usize; 9] = [1, 2, 3, 4, 5, 6, 7, 8, usize::MAX];
        let batches = if self.loops == Role::Decode { &FEW[..] } else { &ALL };
        let mut plain = *candidate;
        // Kernels' names say which rows were taken, and which instruction set, which one with tile
        // registers shares for all but large batches.
        plain.params.rows = Params::default().rows;
        plain.params.columns = plain.params.columns.min(candidate.isa.columns as u8);
        plain.params.tiles_at = Params::default().tiles_at;
        plain.isa = isa::ISAS[0];
        plain.params.grain =
            plain.params.grain.min(u16::try_from(self.problem.rows).unwrap_or(u16::MAX));
        if usize::from(plain.params.threads) >= self.threads {
            plain.params.threads = 0;
        }
        // Either loop at any batch, so that its kernels are seen wherever the switch is.
        let gemv = Candidate { ..*candidate }.with(SWITCH, u32::from(u16::MAX));
        let plan = gemv.plan(self.problem);
        let kernels: Vec<_> =
            plan.iter().flat_map(|plan| batches.iter().map(|batch| plan.kernel(*batch))).collect();
        // Tiles are as wide as their registers.
        if kernels.last().is_some_and(|kernel| kernel.columns > candidate.isa.columns) {
            plain.params.columns = Params::default().columns;
        }
        (kernels.iter().map(|kernel| kernel.name).collect(), plain)
    }

    /// Whether jobs are so large that threads get none.
    fn starves(&self, candidate: &Candidate) -> bool {
        let Params { grain, threads, .. } = candidate.params;
        let default = grain == Params::default().grain;
        let threads = match usize::from(threads) {
            0 => self.threads,
            threads => threads.min(self.threads),
        };
        !default && self.problem.rows.div_ceil(usize::from(grain).max(1)) < threads
    }
}

/// Instruction sets worth timing: all of this CPU but plain Rust, which is the specification and
/// twenty times slower than anything else. It is all there is on some machines, though.
#[must_use]
pub fn isas() -> Vec<&'static IsaInfo> {
    let mut isas = isa::supported();
    if isas.len() > 1 {
        isas.retain(|isa| isa.name != "scalar");
    }
    isas
}

fn has_kernels(problem: &Problem, isa: &'static IsaInfo) -> bool {
    Candidate::default_on(isa).plan(*problem).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernels::{Numerics, formats};

    fn problem(rows: usize) -> Problem {
        let format = formats::by_name("Q4_K").unwrap();
        Problem { format, rows, depth: 1024, class: Numerics::Q8 }
    }

    fn space(loops: Role, reach: Reach, threads: usize) -> Space {
        Space::new(problem(4096), loops, reach, (&isas(), threads))
    }

    fn names(space: &Space) -> Vec<&str> {
        space.axes().iter().map(Axis::name).filter(|name| *name != "isa").collect()
    }

    #[test]
    fn every_knob_is_in_some_space_and_the_roles_name_real_knobs() {
        let spaces = [Role::Decode, Role::Prefill].map(|role| space(role, Reach::Shared, 8));
        for knob in Params::KNOBS {
            let found = spaces.iter().any(|space| names(space).contains(&knob.name));
            assert!(found || knob.name == SWITCH, "nobody searches {}", knob.name);
        }
        for name in
            ["rows", "grain", "prefetch", "lines", "level", "columns", "panels", "tiles_at", SWITCH]
        {
            assert!(Params::KNOBS.iter().any(|knob| knob.name == name), "{name} is gone");
        }
        assert_eq!(role("a knob of tomorrow"), Role::Both);
    }

    #[test]
    fn a_loops_own_knobs_exclude_what_both_share() {
        assert!(names(&space(Role::Decode, Reach::Shared, 8)).contains(&"threads"));
        assert_eq!(names(&space(Role::Prefill, Reach::Own, 8)), ["columns", "tiles_at", "panels"]);
    }

    #[test]
    fn moves_differ_in_what_they_run_and_only_along_their_axis() {
        let from = Candidate::default_on(isas()[0]);
        for role in [Role::Decode, Role::Prefill] {
            let space = space(role, Reach::Shared, 2);
            for axis in space.axes() {
                for candidate in space.moves(axis, &from) {
                    assert_ne!(space.footprint(&candidate), space.footprint(&from));
                    if let Axis::Knob(knob) = axis {
                        let back = candidate.with(knob.name, from.get(knob.name));
                        assert_eq!(back, from);
                    }
                }
            }
            assert!(space.points(&from) > 1);
        }
    }

    #[test]
    fn what_cannot_matter_is_left_out() {
        let from = Candidate::default_on(isas()[0]);
        let moves = |space: &Space, name: &str| -> Vec<u32> {
            let axis = space.axes().iter().find(|axis| axis.name() == name).unwrap();
            space.moves(axis, &from).iter().map(|candidate| candidate.get(name)).collect()
        };
        // Of two threads, "all" and "two or more" are the same.
        assert_eq!(moves(&space(Role::Decode, Reach::Shared, 2), "threads"), [1]);
        // Jobs of all rows leave one of two threads idle.
        let few = Space::new(problem(60), Role::Decode, Reach::Own, (&isas(), 2));
        assert!(!moves(&few, "grain").is_empty());
        assert!(moves(&few, "grain").iter().all(|grain| *grain < 60));
    }

    #[test]
    fn instruction_sets_that_run_the_same_kernels_are_tried_once() {
        let space = space(Role::Decode, Reach::Shared, 2);
        let footprint = |isa| space.footprint(&Candidate::default_on(isa));
        let large = Space { loops: Role::Prefill, ..space.clone() };
        for pair in isas().windows(2) {
            // Tile registers multiply large batches alone.
            let of_large = |isa| large.footprint(&Candidate::default_on(isa));
            assert_ne!(of_large(pair[0]), of_large(pair[1]), "{pair:?}");
            let same = pair.iter().all(|isa| ["amx", "avx512vnni"].contains(&isa.name));
            assert_eq!(footprint(pair[0]) == footprint(pair[1]), same, "{pair:?}");
        }
    }

    #[test]
    fn a_candidate_shows_what_is_not_default() {
        let isa = isas()[0];
        let candidate = Candidate::default_on(isa);
        assert_eq!(candidate.to_string(), isa.name);
        let knob = &Params::KNOBS[0];
        let other = knob.choices.iter().find(|choice| **choice != knob.default).unwrap();
        let changed = candidate.with(knob.name, *other);
        assert_eq!(changed.to_string(), format!("{} {}={other}", isa.name, knob.name));
        assert_eq!(candidate.adopt(&changed, |role| role == super::role(knob.name)), changed);
        assert_eq!(candidate.adopt(&changed, |_| false), candidate);
    }
}
