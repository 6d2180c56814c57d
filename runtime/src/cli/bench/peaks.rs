//! What the machine can do at best: bytes read and multiply-adds a second, with all threads.
//!
//! A peak is the best of several tries: whatever disturbs a try makes it slower, never faster. But
//! on a shared machine the best of one second is not to be had in the next, so what a product is
//! held against is the same probe run in turns with it.

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use kernels::probe::Probe;
use kernels::{IsaInfo, Numerics, Plan};

/// A probe is at least this long, so that starting threads does not show.
const PROBE: Duration = Duration::from_millis(3);

/// Peaks measured so far.
pub(crate) struct Peaks {
    isa: &'static IsaInfo,
    /// What to read, a part for each thread.
    parts: Vec<Vec<u8>>,
    /// How it is read fastest: streams, and bytes to prefetch.
    pattern: (usize, usize),
    /// Bytes a nanosecond.
    pub(crate) read_gbps: f64,
    /// Multiply-adds.
    pub(crate) multiply: BTreeMap<(&'static str, Numerics), Multiply>,
    budget: Duration,
}

/// The peak of a class on an instruction set.
#[derive(Clone, Copy)]
pub(crate) struct Multiply {
    rounds: usize,
    /// Multiply-adds a nanosecond.
    pub(crate) gmacs: f64,
}

/// What keeps a product from being faster, and how to try it.
#[derive(Clone, Copy)]
pub(crate) struct Bound {
    /// `read`, `dot` or `fma`.
    pub(crate) name: &'static str,
    /// How much of it the product needs, in terms of one probe.
    pub(crate) probes: f64,
    of: Of,
}

#[derive(Clone, Copy)]
enum Of {
    Read,
    Multiply { isa: &'static IsaInfo, class: Numerics, rounds: usize },
}

impl Peaks {
    /// Measures how fast `threads` threads read `bytes` bytes, each its own part: the best of
    /// several patterns.
    pub(crate) fn read(
        threads: usize,
        isa: &'static IsaInfo,
        bytes: usize,
        budget: Duration,
    ) -> Self {
        let part = bytes / threads / 1024 * 1024;
        // Not zeros: pages that nobody wrote are one page.
        let parts = (0..threads).map(|_| vec![1; part]).collect();
        let mut peaks =
            Self { isa, parts, pattern: (1, 0), read_gbps: 0.0, multiply: BTreeMap::new(), budget };
        let start = Instant::now();
        let mut best = Duration::MAX;
        for round in 0..5 {
            if round > 0 && start.elapsed() > budget {
                break;
            }
            for streams in [1, 2, 4, 8] {
                for prefetch in [0, 512, 2048, 8192] {
                    let spent = peaks.read_once((streams, prefetch));
                    if spent < best {
                        (best, peaks.pattern) = (spent, (streams, prefetch));
                    }
                }
            }
        }
        peaks.read_gbps = peaks.bytes() as f64 / best.as_nanos() as f64;
        peaks
    }

    fn bytes(&self) -> usize {
        self.parts.iter().map(Vec::len).sum()
    }

    fn read_once(&self, (streams, prefetch): (usize, usize)) -> Duration {
        together(self.parts.len(), |n| {
            let bytes = &self.parts[n];
            self.isa.run_probe(&mut Probe::Read { bytes, streams, prefetch });
        })
    }

    /// What bounds `plan`: reading its weights, or multiplying.
    pub(crate) fn bound(&mut self, plan: &Plan, bytes: usize, batch: usize) -> Bound {
        let (problem, isa, class) = (plan.problem(), plan.isa(), plan.class());
        let (threads, budget) = (self.parts.len(), self.budget);
        let peak = *self
            .multiply
            .entry((isa.name, class))
            .or_insert_with(|| Multiply::measure(threads, isa, class, budget));
        let macs = (problem.rows * problem.depth * batch) as f64;
        if bytes as f64 / self.read_gbps >= macs / peak.gmacs {
            return Bound {
                name: "read",
                probes: bytes as f64 / self.bytes() as f64,
                of: Of::Read,
            };
        }
        let rounds = peak.rounds;
        let name = bound_name(class);
        let probes = macs / (rounds * macs_of(isa, class) * threads) as f64;
        Bound { name, probes, of: Of::Multiply { isa, class, rounds } }
    }

    /// One probe.
    pub(crate) fn probe(&self, bound: &Bound) {
        match bound.of {
            Of::Read => self.read_once(self.pattern),
            Of::Multiply { isa, class, rounds } => {
                multiply_once(self.parts.len(), isa, class, rounds)
            }
        };
    }
}

impl Multiply {
    fn measure(threads: usize, isa: &'static IsaInfo, class: Numerics, budget: Duration) -> Self {
        let mut rounds = 1 << 8;
        let mut best = Duration::ZERO;
        while best < PROBE && rounds < 1 << 40 {
            rounds *= 2;
            best = multiply_once(threads, isa, class, rounds);
        }
        let start = Instant::now();
        for round in 0..20 {
            if round > 2 && start.elapsed() > budget {
                break;
            }
            best = best.min(multiply_once(threads, isa, class, rounds));
        }
        let macs = rounds * macs_of(isa, class) * threads;
        Self { rounds, gmacs: macs as f64 / best.as_nanos() as f64 }
    }
}

/// What the bound of a class is called.
pub(crate) fn bound_name(class: Numerics) -> &'static str {
    match class {
        Numerics::Q8 => "dot",
        Numerics::F32 => "fma",
    }
}

/// Multiply-adds of a round, of one thread.
fn macs_of(isa: &IsaInfo, class: Numerics) -> usize {
    match class {
        Numerics::Q8 => isa.dot_macs(),
        Numerics::F32 => isa.fma_macs(),
    }
}

fn multiply_once(
    threads: usize,
    isa: &'static IsaInfo,
    class: Numerics,
    rounds: usize,
) -> Duration {
    together(threads, |_| match class {
        Numerics::Q8 => isa.run_probe(&mut Probe::Dot { rounds }),
        Numerics::F32 => isa.run_probe(&mut Probe::Fma { rounds }),
    })
}

/// Runs `work` on several threads at once, this one among them; how long all took.
fn together(threads: usize, work: impl Fn(usize) + Sync) -> Duration {
    let ready = Barrier::new(threads);
    std::thread::scope(|scope| {
        for n in 1..threads {
            let (ready, work) = (&ready, &work);
            scope.spawn(move || {
                ready.wait();
                work(n);
            });
        }
        ready.wait();
        let start = Instant::now();
        work(0);
        start
    })
    // The scope has joined the others.
    .elapsed()
}
