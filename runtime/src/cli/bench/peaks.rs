//! What the machine can do at best: bytes read and multiply-adds a second, with all threads.
//!
//! The best of several tries is taken: whatever disturbs a try makes it slower, never faster.

use std::collections::HashMap;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use kernels::probe::Probe;
use kernels::{IsaInfo, Numerics, Plan};

/// Peaks measured so far.
pub(crate) struct Peaks {
    threads: usize,
    /// Bytes a nanosecond.
    pub(crate) read_gbps: f64,
    /// Multiply-adds a nanosecond, by instruction set and class.
    pub(crate) gmacs: HashMap<(&'static str, Numerics), f64>,
    budget: Duration,
}

/// What keeps a product from being faster.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound {
    /// `read`, `dot` or `fma`.
    pub(crate) name: &'static str,
    /// Nanoseconds that it takes at least.
    pub(crate) ns: f64,
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
        let part = bytes / threads;
        // Not zeros: pages that nobody wrote are one page.
        let parts: Vec<Vec<u8>> = (0..threads).map(|_| vec![1; part]).collect();
        let patterns = [1, 2, 4, 8]
            .into_iter()
            .flat_map(|streams| [0, 512, 2048, 8192].map(|prefetch| (streams, prefetch)));
        let patterns: Vec<(usize, usize)> = patterns.collect();
        let start = Instant::now();
        let mut best = Duration::MAX;
        for round in 0..5 {
            if round > 0 && start.elapsed() > budget {
                break;
            }
            for &(streams, prefetch) in &patterns {
                let spent = together(threads, |n| {
                    isa.run_probe(&mut Probe::Read { bytes: &parts[n], streams, prefetch });
                });
                best = best.min(spent);
            }
        }
        let read_gbps = (part * threads) as f64 / best.as_nanos() as f64;
        Self { threads, read_gbps, gmacs: HashMap::new(), budget }
    }

    /// Multiply-adds a nanosecond of a class on an instruction set, with registers only.
    fn gmacs(&mut self, isa: &'static IsaInfo, class: Numerics) -> f64 {
        let Self { threads, budget, .. } = *self;
        *self
            .gmacs
            .entry((isa.name, class))
            .or_insert_with(|| multiply(threads, isa, class, budget))
    }

    /// The least time for `plan`: to read its weights, or to multiply.
    pub(crate) fn bound(&mut self, plan: &Plan, bytes: usize, batch: usize) -> Bound {
        let problem = plan.problem();
        let macs = (problem.rows * problem.depth * batch) as f64;
        let read = Bound { name: "read", ns: bytes as f64 / self.read_gbps };
        let name = match plan.class() {
            Numerics::Q8 => "dot",
            Numerics::F32 => "fma",
        };
        let multiply = Bound { name, ns: macs / self.gmacs(plan.isa(), plan.class()) };
        if read.ns >= multiply.ns { read } else { multiply }
    }
}

fn multiply(threads: usize, isa: &'static IsaInfo, class: Numerics, budget: Duration) -> f64 {
    let run = |rounds| match class {
        Numerics::Q8 => isa.run_probe(&mut Probe::Dot { rounds }),
        Numerics::F32 => isa.run_probe(&mut Probe::Fma { rounds }),
    };
    let macs = match class {
        Numerics::Q8 => isa.dot_macs(),
        Numerics::F32 => isa.fma_macs(),
    };
    let mut rounds = 1 << 8;
    let mut spent = Duration::ZERO;
    while spent < Duration::from_millis(4) && rounds < 1 << 40 {
        rounds *= 2;
        spent = together(threads, |_| run(rounds));
    }
    let start = Instant::now();
    for round in 0..20 {
        if round > 2 && start.elapsed() > budget {
            break;
        }
        spent = spent.min(together(threads, |_| run(rounds)));
    }
    (rounds * macs * threads) as f64 / spent.as_nanos() as f64
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
