//! Time, honestly: cold weights, turns in random order, disturbed samples taken again.
//!
//! A model reads each weight once per token, so a kernel never finds its weights in a cache. A
//! benchmark that multiplies with the same matrix over and over does, and ranks kernels by
//! something that does not happen. Here the weights of each call are the next stretch of a
//! [`Ring`] of at least four times the last-level cache, so that what comes round again has long
//! been evicted. Activations stay warm, as they do in a model.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kernels::{FormatInfo, Plan, Pool, Problem};
use runtime::pages::Pages;

use crate::check::{self, Gate, Wrong};
use crate::data::{self, Style};
use crate::quiet::Quiet;
use crate::rng::Rng;
use crate::search::{Course, Halt};
use crate::space::Candidate;
use crate::stats::{self, Gain};

/// The least time of a sample: below it, the clock and the way into a call would show.
const SAMPLE: Duration = Duration::from_micros(200);
/// A disturbed sample is taken again so many times.
const AGAIN: usize = 3;

/// Weights enough that no cache holds them until they come round again.
pub struct Ring {
    bytes: Pages,
    next: usize,
}

impl std::fmt::Debug for Ring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ring({} MiB)", self.bytes.len() >> 20)
    }
}

impl Ring {
    /// At least `bytes` of blocks of a format.
    ///
    /// # Panics
    /// If the system does not have so much memory.
    #[must_use]
    pub fn new(format: &FormatInfo, bytes: usize, rng: &mut Rng) -> Self {
        /// Drawing blocks takes longer than reading them; these are repeated.
        const DRAWN: usize = 1 << 18;
        let count = (DRAWN / format.block_bytes).max(1);
        let drawn = data::blocks(format, count, Style::Usual, rng);
        let whole = bytes.next_multiple_of(format.block_bytes);
        let mut ring = Pages::zeroed(whole).expect("memory for weights larger than the caches");
        for part in ring.chunks_mut(drawn.len()) {
            part.copy_from_slice(&drawn[..part.len()]);
        }
        Self { bytes: ring, next: 0 }
    }

    /// The next stretch of `len` bytes, whole blocks.
    ///
    /// # Panics
    /// If the ring is shorter.
    pub fn take(&mut self, len: usize) -> &[u8] {
        assert!(len <= self.bytes.len(), "{len} bytes of a ring of {}", self.bytes.len());
        if self.next + len > self.bytes.len() {
            self.next = 0;
        }
        self.next += len;
        &self.bytes[self.next - len..self.next]
    }
}

/// When to stop.
#[derive(Clone, Debug)]
pub struct Deadline {
    /// At this moment.
    pub at: Instant,
    /// Or as soon as this is set.
    pub stop: Arc<AtomicBool>,
}

impl Deadline {
    /// Whether it is time.
    ///
    /// # Errors
    /// Why, if it is.
    pub fn check(&self) -> Result<(), Halt> {
        if self.stop.load(Ordering::Relaxed) {
            Err(Halt::Interrupted)
        } else if Instant::now() >= self.at {
            Err(Halt::Budget)
        } else {
            Ok(())
        }
    }

    /// What is left.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }

    /// An earlier one: in so much time.
    #[must_use]
    pub fn within(&self, time: Duration) -> Self {
        Self { at: self.at.min(Instant::now() + time), ..self.clone() }
    }
}

/// What timing needs.
#[derive(Debug)]
pub struct Tools<'a> {
    /// Runs the products.
    pub pool: &'a Pool,
    /// Refuses what computes wrongly.
    pub gate: &'a mut Gate,
    /// Where weights come from.
    pub ring: &'a mut Ring,
    /// Notices what else the machine does.
    pub quiet: &'a mut Quiet,
    /// Decides who goes first.
    pub rng: &'a mut Rng,
}

/// What is timed: a product at one batch size, on weights from a ring.
pub struct Track<'a> {
    /// When to stop.
    pub deadline: Deadline,
    tools: Tools<'a>,
    problem: Problem,
    bytes: usize,
    x: Vec<f32>,
    out: Vec<f32>,
    batch: usize,
    calls: usize,
    plans: HashMap<Candidate, Plan>,
}

impl std::fmt::Debug for Track<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Track({:?}, batch {})", self.problem, self.batch)
    }
}

impl<'a> Track<'a> {
    /// Prepares to time a problem at a batch.
    ///
    /// # Panics
    /// If the problem is not whole blocks.
    #[must_use]
    pub fn new(tools: Tools<'a>, (problem, batch): (Problem, usize), deadline: Deadline) -> Self {
        let Problem { format, rows, depth, .. } = problem;
        let bytes = format.bytes(rows, depth).expect("a problem of whole blocks");
        let x = data::activations(batch * depth, tools.rng);
        let out = vec![0.0; batch * rows];
        let plans = HashMap::new();
        Self { deadline, tools, problem, bytes, x, out, batch, calls: 1, plans }
    }

    /// Times a candidate once to know how many calls make a sample. Seconds of a call.
    pub fn calibrate(&mut self, candidate: &Candidate) -> f64 {
        self.calls = 1;
        // The first call grows scratch memory, wakes threads and the clock of the cores.
        self.time(candidate);
        let seconds = self.time(candidate).min(self.time(candidate));
        self.calls = (SAMPLE.as_secs_f64() / seconds).ceil().clamp(1.0, 1e4) as usize;
        seconds
    }

    /// How many pairs fit a time, given a call's.
    #[must_use]
    pub fn pairs_in(&self, time: Duration, seconds: f64) -> usize {
        /// More hardly narrows the bound.
        const MOST: usize = 49;
        let pair = 2.0 * seconds * self.calls as f64;
        ((time.as_secs_f64() / pair) as usize).clamp(stats::LEAST_PAIRS, MOST)
    }

    /// Pairs of the default and a candidate, as many as asked for: the number must not depend on
    /// what they show.
    ///
    /// # Errors
    /// If time is over before all are done.
    pub fn pairs(
        &mut self,
        default: &Candidate,
        candidate: &Candidate,
        pairs: usize,
    ) -> Result<Gain, Halt> {
        let (mut before, mut after) = (vec![], vec![]);
        for _ in 0..pairs {
            let times = self.round(&[*default, *candidate])?;
            before.push(times[0]);
            after.push(times[1]);
        }
        Ok(Gain::of(&before, &after))
    }

    /// Runs a candidate on timed weights and looks at what comes out.
    ///
    /// # Errors
    /// If it is wrong.
    pub fn verify(&mut self, candidate: &Candidate) -> Result<(), Wrong> {
        let plan = plan(&mut self.plans, self.problem, candidate);
        let weights = self.tools.ring.take(self.bytes);
        self.out.fill(f32::NAN);
        multiply(plan, self.tools.pool, weights, &self.x, &mut self.out);
        check::spot_check(plan, candidate, (weights, &self.x, &self.out))
    }

    /// Seconds of a call, over as many as make a sample.
    fn time(&mut self, candidate: &Candidate) -> f64 {
        let plan = plan(&mut self.plans, self.problem, candidate);
        let started = Instant::now();
        for _ in 0..self.calls {
            let weights = self.tools.ring.take(self.bytes);
            multiply(plan, self.tools.pool, weights, &self.x, &mut self.out);
        }
        started.elapsed().as_secs_f64() / self.calls as f64
    }

    /// A sample, taken again if the system took the processor away meanwhile.
    fn sample(&mut self, candidate: &Candidate) -> f64 {
        let mut tries = 0;
        loop {
            self.tools.quiet.begin();
            let seconds = self.time(candidate);
            let disturbed = self.tools.quiet.end(seconds * self.calls as f64);
            // Whether a sample counts depends on what the system did, never on the time itself.
            if !disturbed || tries == AGAIN || self.tools.quiet.is_hopeless() {
                return seconds;
            }
            tries += 1;
        }
    }
}

impl Course for Track<'_> {
    fn round(&mut self, candidates: &[Candidate]) -> Result<Vec<f64>, Halt> {
        self.deadline.check()?;
        let mut order: Vec<usize> = (0..candidates.len()).collect();
        self.tools.rng.shuffle(&mut order);
        let mut times = vec![f64::INFINITY; candidates.len()];
        for n in order {
            if self.tools.gate.admit(self.tools.pool, &candidates[n]).is_ok() {
                times[n] = self.sample(&candidates[n]);
            }
        }
        Ok(times)
    }
}

fn plan<'p>(
    plans: &'p mut HashMap<Candidate, Plan>,
    problem: Problem,
    candidate: &Candidate,
) -> &'p Plan {
    plans
        .entry(*candidate)
        .or_insert_with(|| candidate.plan(problem).expect("a candidate of the problem's space"))
}

fn multiply(plan: &Plan, pool: &Pool, weights: &[u8], x: &[f32], out: &mut [f32]) {
    let batch = out.len() / plan.problem().rows;
    plan.multiply(pool, weights, x, batch, out).expect("buffers of the plan's shape");
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernels::{Numerics, formats, isa};

    #[test]
    fn a_ring_hands_out_whole_blocks_and_all_of_itself() {
        let format = formats::by_name("Q6_K").unwrap();
        let mut ring = Ring::new(format, 1_000_000, &mut Rng::new(1));
        let start = ring.bytes.as_ptr() as usize;
        let len = 300 * format.block_bytes;
        let mut starts = vec![];
        for _ in 0..2 * ring.bytes.len() / len {
            let at = ring.take(len).as_ptr() as usize - start;
            assert_eq!(at % format.block_bytes, 0);
            starts.push(at);
        }
        starts.dedup();
        starts.sort_unstable();
        starts.dedup();
        assert_eq!(starts.len(), ring.bytes.len() / len);
    }

    #[test]
    fn a_round_times_everyone_and_a_pair_counts_calls() {
        let format = formats::by_name("Q8_0").unwrap();
        let problem = Problem { format, rows: 64, depth: 256, class: Numerics::Q8 };
        let pool = Pool::new(1).unwrap();
        let (mut rng, mut quiet) = (Rng::new(2), Quiet::new());
        let mut ring = Ring::new(format, 1 << 20, &mut rng);
        let mut gate = Gate::new(format, Numerics::Q8, 3);
        let deadline =
            Deadline { at: Instant::now() + Duration::from_secs(600), stop: Arc::default() };
        let tools = Tools {
            pool: &pool,
            gate: &mut gate,
            ring: &mut ring,
            quiet: &mut quiet,
            rng: &mut rng,
        };
        let mut track = Track::new(tools, (problem, 2), deadline.clone());
        let candidate = Candidate::default_on(isa::best());
        track.calibrate(&candidate);
        assert!(track.calls > 1);
        let gain = track.pairs(&candidate, &candidate.with("grain", 16), 8).unwrap();
        assert!(gain.pairs == 8 && gain.default > 0.0 && gain.tuned > 0.0);
        track.verify(&candidate).unwrap();
        deadline.stop.store(true, Ordering::Relaxed);
        assert_eq!(track.round(&[candidate]), Err(Halt::Interrupted));
    }

    #[test]
    fn a_deadline_within_another_is_not_later() {
        let at = Instant::now() + Duration::from_secs(100);
        let deadline = Deadline { at, stop: Arc::default() };
        assert!(deadline.within(Duration::from_secs(50)).at < at);
        assert_eq!(deadline.within(Duration::from_secs(200)).at, at);
        let over = Deadline { at: Instant::now(), ..deadline };
        assert_eq!((over.check(), over.left()), (Err(Halt::Budget), Duration::ZERO));
    }
}
