//! What the machine can do at best: bytes read and multiply-adds a second, with all threads.
//!
//! A peak is the best of several tries: whatever disturbs a try makes it slower, never faster. But
//! on a shared machine the best of one second is not to be had in the next, so what a product is
//! held against is the same probe run in turns with it.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, OnceLock};
use std::time::{Duration, Instant};

use kernels::probe::Probe;
use kernels::{IsaInfo, Numerics, Plan};
use runtime::pages::Pages;

/// A probe is at least this long, so that starting threads does not show.
const PROBE: Duration = Duration::from_millis(3);
/// Bytes that a thread reads at a time.
const CHUNK: usize = 4 << 20;
/// Turns that a thread takes at multiplying.
const PIECES: usize = 16;

/// Peaks measured so far.
pub(crate) struct Peaks {
    threads: usize,
    /// What to read.
    memory: Pages,
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
    /// Of one turn.
    rounds: usize,
    /// Multiply-adds a nanosecond.
    pub(crate) gmacs: f64,
}

/// What keeps a product from being faster, and how to try it.
#[derive(Clone, Copy)]
pub(crate) struct Bound {
    /// `read`, `dot`, `fma` or `bf16`.
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
    /// Measures how fast `threads` threads read `bytes` bytes: the best of several patterns.
    pub(crate) fn read(threads: usize, bytes: usize, budget: Duration) -> io::Result<Self> {
        let mut memory = Pages::zeroed(bytes.next_multiple_of(CHUNK))?;
        // Pages that nobody wrote are one page.
        memory.fill(1);
        let (pattern, multiply) = ((1, 0), BTreeMap::new());
        let mut peaks = Self { threads, memory, pattern, read_gbps: 0.0, multiply, budget };
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
        peaks.read_gbps = peaks.memory.len() as f64 / best.as_nanos() as f64;
        Ok(peaks)
    }

    fn read_once(&self, (streams, prefetch): (usize, usize)) -> Duration {
        together(self.threads, self.memory.len() / CHUNK, |n| {
            let bytes = &self.memory[n * CHUNK..][..CHUNK];
            // Whatever multiplies: the machine's memory does not become slower with it.
            kernels::isa::best().run_probe(&mut Probe::Read { bytes, streams, prefetch });
        })
    }

    /// What bounds `plan`: reading its weights, or multiplying.
    pub(crate) fn bound(&mut self, plan: &Plan, bytes: usize, batch: usize) -> Bound {
        let (problem, isa, class) = (plan.problem(), plan.isa(), plan.kernel(batch).class);
        let (threads, budget) = (self.threads, self.budget);
        let peak = *self
            .multiply
            .entry((isa.name, class))
            .or_insert_with(|| Multiply::measure(threads, isa, class, budget));
        let macs = (problem.rows * problem.depth * batch) as f64;
        if bytes as f64 / self.read_gbps >= macs / peak.gmacs {
            return Bound {
                name: "read",
                probes: bytes as f64 / self.memory.len() as f64,
                of: Of::Read,
            };
        }
        let rounds = peak.rounds;
        let name = bound_name(class);
        let probes = macs / (rounds * macs_of(isa, class) * PIECES * threads) as f64;
        Bound { name, probes, of: Of::Multiply { isa, class, rounds } }
    }

    /// One probe; how long it took.
    pub(crate) fn probe(&self, bound: &Bound) -> Duration {
        match bound.of {
            Of::Read => self.read_once(self.pattern),
            Of::Multiply { isa, class, rounds } => multiply_once(self.threads, isa, class, rounds),
        }
    }
}

impl Multiply {
    fn measure(threads: usize, isa: &'static IsaInfo, class: Numerics, budget: Duration) -> Self {
        let mut rounds = 1 << 6;
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
        let macs = rounds * macs_of(isa, class) * PIECES * threads;
        Self { rounds, gmacs: macs as f64 / best.as_nanos() as f64 }
    }
}

/// What the bound of a class is called.
pub(crate) fn bound_name(class: Numerics) -> &'static str {
    match class {
        Numerics::Q8 | Numerics::Q8x256 => "dot",
        Numerics::F32 => "fma",
        Numerics::Bf16 => "bf16",
    }
}

/// Multiply-adds of a round, of one thread.
fn macs_of(isa: &IsaInfo, class: Numerics) -> usize {
    match class {
        Numerics::Q8 | Numerics::Q8x256 => isa.dot_macs(),
        Numerics::F32 => isa.fma_macs(),
        Numerics::Bf16 => isa.bf16_macs(),
    }
}

fn multiply_once(
    threads: usize,
    isa: &'static IsaInfo,
    class: Numerics,
    rounds: usize,
) -> Duration {
    together(threads, PIECES * threads, |_| match class {
        Numerics::Q8 | Numerics::Q8x256 => isa.run_probe(&mut Probe::Dot { rounds }),
        Numerics::F32 => isa.run_probe(&mut Probe::Fma { rounds }),
        Numerics::Bf16 => isa.run_probe(&mut Probe::Bf16 { rounds }),
    })
}

/// Runs `work` for each of `jobs` jobs on several threads, this one among them; how long it took.
/// Jobs are handed out one at a time, as kernels do it: a thread that something else holds up gets
/// fewer.
fn together(threads: usize, jobs: usize, work: impl Fn(usize) + Sync) -> Duration {
    let (ready, next) = (Barrier::new(threads), AtomicUsize::new(0));
    // That of whichever thread is the first to go on, which need not be this one.
    let start = OnceLock::new();
    let take = || {
        ready.wait();
        start.get_or_init(Instant::now);
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= jobs {
                break Instant::now();
            }
            work(n);
        }
    };
    let end = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(take)).collect();
        let mine = take();
        let others = others.into_iter().map(|other| other.join().expect("probes do not panic"));
        others.fold(mine, Instant::max)
    });
    end - *start.get_or_init(Instant::now)
}
