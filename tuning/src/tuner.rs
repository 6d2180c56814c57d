//! The run: which matrix is worked on when, and how long.
//!
//! Decode comes first for every matrix, prefill and the switch in a second pass, so that a run
//! whose time ends early has done the most useful part. Each stage gets its share of the time that
//! is left, so what one does not use the others have.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use kernels::{
    FormatInfo, IsaInfo, Numerics, Plan, Pool, Problem, Profile, ProfileEntry, Selection, isa,
};
use runtime::profile::Peaks;
use thiserror::Error;

use crate::check::{Gate, Wrong};
use crate::clock::{Deadline, Ring, Tools, Track};
use crate::machine::{self, COLD};
use crate::matrix::Matrix;
use crate::quiet::Quiet;
use crate::rng::Rng;
use crate::search::Halt;
use crate::space::{self, Candidate};
use crate::stage::Stage;
use crate::trial::{Progress, Trial};

/// How to tune.
#[derive(Clone, Debug)]
pub struct Options {
    /// Wall-clock time for everything.
    pub budget: Duration,
    /// Threads, the caller's among them; 0 means one per usable CPU.
    pub threads: usize,
    /// Only this instruction set.
    pub isa: Option<&'static IsaInfo>,
    /// How activations enter.
    pub class: Numerics,
    /// Decides orders and data, and so makes a run repeatable but for the times themselves.
    pub seed: u64,
    /// Bytes that weights may take while they are timed.
    pub memory: usize,
    /// What the machine can do, if it was measured already.
    pub peaks: Option<Peaks>,
    /// Older choices: they take part in the search.
    pub incumbents: Profile,
    /// Setting it ends the run after the sample at hand.
    pub stop: Arc<AtomicBool>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            budget: Duration::from_secs(120),
            threads: 0,
            isa: None,
            class: Numerics::Q8,
            seed: 1,
            memory: 512 << 20,
            peaks: None,
            incumbents: Profile::default(),
            stop: Arc::default(),
        }
    }
}

/// Tuning cannot begin.
#[derive(Debug, Error)]
pub enum TuneError {
    /// The operating system refuses the threads.
    #[error(transparent)]
    Threads(Box<dyn std::error::Error + Send + Sync>),
    /// A format's default kernels compute wrongly.
    #[error("{0}")]
    Wrong(Box<Wrong>),
    /// A matrix that is not whole blocks, or that no kernels here multiply.
    #[error("{format} {rows} x {depth}: {reason}")]
    Problem {
        /// Of the weights.
        format: &'static str,
        /// Rows of weights.
        rows: usize,
        /// Columns of weights.
        depth: usize,
        /// Why.
        reason: String,
    },
}

/// What a run came to.
#[derive(Debug)]
pub struct Outcome {
    /// One for each matrix, in the order given.
    pub trials: Vec<Trial>,
    /// Candidates that compute wrongly.
    pub wrong: Vec<Wrong>,
    /// Why the run ended before everything was done.
    pub halted: Option<Halt>,
    /// The bounds.
    pub peaks: Peaks,
    /// Size of the ring of weights, in last-level caches. Below [`COLD`] weights may be warm.
    pub coldness: f64,
    /// The part of all samples that other programs disturbed.
    pub disturbed: f64,
}

impl Outcome {
    /// The choices, as profiles hold them: one for each matrix of which something is known.
    #[must_use]
    pub fn entries(&self) -> Vec<ProfileEntry> {
        let known = |trial: &&Trial| trial.wrong.is_none() && trial.progress > Progress::Untried;
        self.trials.iter().filter(known).map(Trial::entry).collect()
    }

    /// The choices as a profile, to make plans with.
    #[must_use]
    pub fn profile(&self, name: &str) -> Profile {
        Profile { name: name.to_owned(), entries: self.entries() }
    }
}

/// Who wants to know how far a run is.
pub trait Watch {
    /// Work on a part of the run begins: the `done + 1`-th of `all`.
    fn begin(&mut self, what: &str, done: usize, all: usize);
}

/// Nobody.
impl Watch for () {
    fn begin(&mut self, _: &str, _: usize, _: usize) {}
}

/// Which ring of weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weights {
    Search,
    HoldOut,
}

/// What all matrices share.
#[derive(Debug)]
pub(crate) struct Lab {
    pool: Pool,
    quiet: Quiet,
    rng: Rng,
    /// To choose from.
    pub(crate) isas: Vec<&'static IsaInfo>,
    pub(crate) wrong: Vec<Wrong>,
}

/// What the matrices of a format share.
#[derive(Debug)]
pub(crate) struct Bench {
    gate: Gate,
    search: Ring,
    hold_out: Ring,
}

impl Lab {
    /// Prepares to time a problem at a batch.
    pub(crate) fn track<'a>(
        &'a mut self,
        bench: &'a mut Bench,
        weights: Weights,
        work: (Problem, usize),
        deadline: Deadline,
    ) -> Track<'a> {
        let ring = match weights {
            Weights::Search => &mut bench.search,
            Weights::HoldOut => &mut bench.hold_out,
        };
        let Self { pool, quiet, rng, .. } = self;
        Track::new(Tools { pool, gate: &mut bench.gate, ring, quiet, rng }, work, deadline)
    }
}

/// The part of the budget that measuring the peaks may take, and the most.
const PEAKS_SHARE: f64 = 0.05;
const PEAKS_MOST: Duration = Duration::from_secs(3);
/// How long a pass is, compared with the other.
const PASSES: [(Progress, f64); 2] = [(Progress::Decoded, 1.0), (Progress::Complete, 3.0)];

/// Tunes matrices. Those of a format should follow each other.
///
/// # Errors
/// If a matrix cannot be multiplied here at all, or the threads do not start.
pub fn tune(
    matrices: &[Matrix],
    options: &Options,
    watch: &mut dyn Watch,
) -> Result<Outcome, TuneError> {
    let at = Instant::now() + options.budget;
    let deadline = Deadline { at, stop: Arc::clone(&options.stop) };
    let pool = Pool::new(options.threads).map_err(|error| TuneError::Threads(error.into()))?;
    let threads = pool.threads();
    let isas = options.isa.map_or_else(space::isas, |isa| vec![isa]);
    let mut trials = vec![];
    for &Matrix { format, rows, depth, kind, .. } in matrices {
        let problem = Problem { format, rows, depth, class: options.class };
        let default = default_of(problem, options.isa)?;
        trials.push(Trial::new(problem, kind, threads, default));
    }
    let cold = COLD * machine::last_level_cache();
    let largest = trials.iter().map(|trial| bytes(&trial.problem)).max().unwrap_or(0);
    let ring = cold.min(options.memory / 2).max(largest);
    watch.begin("peaks", 0, 1);
    let peaks = options.peaks.clone().unwrap_or_else(|| {
        let time = options.budget.mul_f64(PEAKS_SHARE).min(PEAKS_MOST);
        machine::peaks(threads, &isas, cold.min(options.memory), time)
    });
    let lab = Lab { pool, quiet: Quiet::new(), rng: Rng::new(options.seed), isas, wrong: vec![] };
    let mut run = Run { lab, ring, deadline, options, watch };
    let halted = run.passes(&mut trials).err();
    let disturbed = run.lab.quiet.disturbed();
    let mut wrong = run.lab.wrong;
    wrong.sort_by_cached_key(ToString::to_string);
    wrong.dedup();
    let coldness = ring as f64 * COLD as f64 / cold as f64;
    Ok(Outcome { trials, wrong, halted, peaks, coldness, disturbed })
}

/// What would run without a profile.
fn default_of(problem: Problem, isa: Option<&'static IsaInfo>) -> Result<Candidate, TuneError> {
    let Problem { format, rows, depth, .. } = problem;
    let reason = |reason| TuneError::Problem { format: format.name, rows, depth, reason };
    let isa = isa.unwrap_or_else(isa::best);
    let selection = Selection { isa: Some(isa), ..Selection::default() };
    let plan = Plan::new(problem, &selection).map_err(|error| reason(error.to_string()))?;
    if rows == 0 || depth == 0 {
        return Err(reason("there is nothing to multiply".to_owned()));
    }
    Ok(Candidate { isa, params: *plan.params() })
}

fn bytes(problem: &Problem) -> usize {
    problem.format.bytes(problem.rows, problem.depth).expect("a plan was made for it")
}

struct Run<'a> {
    lab: Lab,
    ring: usize,
    deadline: Deadline,
    options: &'a Options,
    watch: &'a mut dyn Watch,
}

impl Run<'_> {
    fn passes(&mut self, trials: &mut [Trial]) -> Result<(), Halt> {
        let all = PASSES.len() * trials.len();
        let mut work: f64 = PASSES.iter().map(|(_, weight)| weight * trials.len() as f64).sum();
        let mut done = 0;
        for (pass, weight) in PASSES {
            for trials in trials.chunk_by_mut(|a, b| a.problem.format == b.problem.format) {
                self.deadline.check()?;
                let format = trials[0].problem.format;
                let mut bench = self.bench(format);
                for trial in trials {
                    let what = match pass {
                        Progress::Decoded | Progress::Untried => "decode",
                        Progress::Complete => "prefill",
                    };
                    let Problem { rows, depth, .. } = trial.problem;
                    let what = format!("{} {rows} x {depth} {what}", format.name);
                    self.watch.begin(&what, done, all);
                    let share = (weight / work).min(1.0);
                    self.stage(trial, &mut bench, pass, share)?;
                    work -= weight;
                    done += 1;
                }
                let refused = bench.gate.refused().cloned();
                self.lab.wrong.extend(refused);
            }
        }
        Ok(())
    }

    /// Weights enough to be cold, twice: for the search, and for what must not know of it.
    fn bench(&mut self, format: &'static FormatInfo) -> Bench {
        let Options { class, seed, .. } = *self.options;
        Bench {
            gate: Gate::new(format, class, seed),
            search: Ring::new(format, self.ring, &mut self.lab.rng),
            hold_out: Ring::new(format, self.ring, &mut self.lab.rng),
        }
    }

    fn stage(
        &mut self,
        trial: &mut Trial,
        bench: &mut Bench,
        pass: Progress,
        share: f64,
    ) -> Result<(), Halt> {
        if trial.wrong.is_some() {
            return Ok(());
        }
        if let Err(wrong) = bench.gate.admit(&self.lab.pool, &trial.default) {
            trial.wrong = Some(wrong);
            return Ok(());
        }
        let hint = self.hint(trial);
        let (lab, deadline) = (&mut self.lab, self.deadline.clone());
        let time = deadline.left().mul_f64(share);
        let mut stage = Stage { trial, lab, bench, deadline, time, hint };
        let result = match pass {
            Progress::Decoded | Progress::Untried => stage.decode(),
            Progress::Complete => stage.prefill(),
        };
        match result {
            Err(Halt::Interrupted) => Err(Halt::Interrupted),
            // A search's time being over is not the end.
            Err(Halt::Budget) => self.deadline.check(),
            Ok(()) => Ok(()),
        }
    }

    /// What an older profile chose for exactly this matrix.
    fn hint(&self, trial: &Trial) -> Option<Candidate> {
        let want = trial.entry();
        let same = |entry: &&ProfileEntry| {
            let (isa, params) = (entry.isa.clone(), entry.params);
            **entry == ProfileEntry { isa, params, ..want.clone() }
        };
        let entry = self.options.incumbents.entries.iter().find(same)?;
        let isa = self.lab.isas.iter().find(|isa| isa.name == entry.isa)?;
        Some(Candidate { isa, params: entry.params })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::Kind;
    use kernels::{Params, formats};

    fn quick() -> Options {
        let peaks = Peaks { threads: 2, read_gbps: 10.0, ..Peaks::default() };
        let budget = Duration::from_millis(600);
        Options { budget, threads: 2, memory: 4 << 20, peaks: Some(peaks), ..Options::default() }
    }

    fn matrix(format: &'static FormatInfo, rows: usize, depth: usize) -> Matrix {
        Matrix { format, rows, depth, kind: Kind::Layer, count: 1 }
    }

    #[test]
    fn a_run_ends_in_time_and_says_what_it_knows() {
        let format = formats::by_name("Q4_0").unwrap();
        let matrices = [matrix(format, 256, 256), matrix(format, 70, 320)];
        let started = Instant::now();
        let outcome = tune(&matrices, &quick(), &mut ()).unwrap();
        // Ten times the budget, for machines under load.
        assert!(started.elapsed() < Duration::from_secs(6));
        assert_eq!(outcome.trials.len(), 2);
        assert!(outcome.wrong.is_empty(), "{:?}", outcome.wrong);
        for trial in &outcome.trials {
            let entry = trial.entry();
            assert_eq!((entry.threads, entry.code_hash), (2, format.kernel_hash()));
            assert_eq!(trial.progress == Progress::Untried, trial.measured.is_empty());
            assert!(trial.measured.iter().all(|m| m.gain.default > 0.0 && m.gain.tuned > 0.0));
        }
    }

    #[test]
    fn a_run_that_is_stopped_stops() {
        let format = formats::by_name("Q8_0").unwrap();
        let options = Options { budget: Duration::from_secs(3600), ..quick() };
        options.stop.store(true, std::sync::atomic::Ordering::Relaxed);
        let outcome = tune(&[matrix(format, 256, 256)], &options, &mut ()).unwrap();
        assert_eq!(outcome.halted, Some(Halt::Interrupted));
        assert_eq!(outcome.trials[0].progress, Progress::Untried);
        let problem = Problem { format, rows: 256, depth: 256, class: Numerics::Q8 };
        let untuned = Params::untuned(&problem, isa::best());
        assert_eq!(outcome.trials[0].entry().params, untuned);
    }

    #[test]
    fn what_cannot_be_multiplied_is_refused_by_name() {
        let format = formats::by_name("Q4_K").unwrap();
        let refused =
            |rows, depth| tune(&[matrix(format, rows, depth)], &quick(), &mut ()).unwrap_err();
        let error = refused(8, 100).to_string();
        assert_eq!(error, "Q4_K 8 x 100: 100 columns are not a multiple of Q4_K's 256");
        assert!(refused(0, 256).to_string().contains("nothing to multiply"));
        assert!(refused(usize::MAX, 256).to_string().contains("address space"));
    }

    #[test]
    fn an_older_choice_for_the_same_matrix_is_a_hint() {
        let format = formats::by_name("Q4_0").unwrap();
        let mut options = quick();
        let problem = Problem { format, rows: 256, depth: 256, class: Numerics::Q8 };
        let mut trial = Trial::new(problem, Kind::Layer, 2, Candidate::default_on(isa::best()));
        let older = trial.default.with("grain", 16);
        trial.best = older;
        options.incumbents.entries = vec![trial.entry()];
        let lab = Lab {
            pool: Pool::new(1).unwrap(),
            quiet: Quiet::default(),
            rng: Rng::new(1),
            isas: space::isas(),
            wrong: vec![],
        };
        let deadline = Deadline { at: Instant::now(), stop: Arc::default() };
        let run = Run { lab, ring: 0, deadline, options: &options, watch: &mut () };
        assert_eq!(run.hint(&trial), Some(older));
        trial.problem.rows = 512;
        assert_eq!(run.hint(&trial), None);
    }
}
