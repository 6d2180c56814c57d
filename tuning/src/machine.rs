//! What the machine could do at best: the bounds that kernels are measured against.
//!
//! Probes are the kernels' own loops with nothing else in them, on all threads at once. Of each
//! the best pass counts: whatever interferes can only slow a pass down, and a bound that is too
//! low would flatter the kernels.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Barrier;
use std::time::{Duration, Instant};

use kernels::probe::Probe;
use kernels::{IsaInfo, Kernel, Numerics, Problem};
use runtime::pages::Pages;
use runtime::profile::{Peaks, machine};

use crate::space;

/// Where nothing is known about caches, as much as servers have.
const USUAL_L3: usize = 32 << 20;
/// Memory must be this much larger than the last-level cache to be cold when it comes round.
pub const COLD: usize = 4;

/// Bytes of last-level cache that this machine's processors see, all of them together.
#[must_use]
pub fn last_level_cache() -> usize {
    let all = caches_of_linux().unwrap_or(machine().l3_kib << 10);
    if all == 0 { USUAL_L3 } else { all }
}

/// Sums third-level caches, each once however many processors share it.
fn caches_of_linux() -> Option<usize> {
    let mut seen = BTreeSet::new();
    let mut total = 0;
    for entry in std::fs::read_dir("/sys/devices/system/cpu").ok()?.flatten() {
        let read = |name: &str| {
            let path = entry.path().join("cache/index3").join(name);
            std::fs::read_to_string(path).map(|text| text.trim().to_owned()).ok()
        };
        let (Some(size), Some(shared)) = (read("size"), read("shared_cpu_list")) else { continue };
        if seen.insert(shared) {
            total += size.strip_suffix('K')?.parse::<usize>().ok()? << 10;
        }
    }
    (total > 0).then_some(total)
}

/// Measures the peaks of some instruction sets with so many threads, in about so much time. Memory
/// is read over `cold` bytes, which should be [`COLD`] times the last-level cache.
#[must_use]
pub fn peaks(threads: usize, isas: &[&'static IsaInfo], cold: usize, time: Duration) -> Peaks {
    let mut peaks = Peaks { threads, ..Peaks::default() };
    if let Some(isa) = isas.first() {
        peaks.read_gbps = read(threads, isa, cold, time / 3);
    }
    let each = time / 3 / isas.len().max(1) as u32;
    for isa in isas {
        let dot = compute(threads, each, &|rounds| isa.run_probe(&mut Probe::Dot { rounds }));
        let fma = compute(threads, each, &|rounds| isa.run_probe(&mut Probe::Fma { rounds }));
        let most = threads as f64 * MOST_REGISTERS * isa.lanes as f64;
        let mut found = vec![
            (&mut peaks.dot_gmacs, dot * isa.dot_macs() as f64, most),
            (&mut peaks.fma_gmacs, fma * isa.fma_macs() as f64, most / 4.0),
        ];
        if isa.multiplies_bf16() {
            let bf16 = compute(threads, each, &|rounds| isa.run_probe(&mut Probe::Bf16 { rounds }));
            found.push((&mut peaks.bf16_gmacs, bf16 * isa.bf16_macs() as f64, most / 2.0));
        }
        for (peaks, gmacs, most) in found {
            if gmacs <= most {
                peaks.insert(isa.name.to_owned(), gmacs);
            }
        }
    }
    peaks
}

/// No processor multiplies more registers than two a clock at 8 GHz, 1e9 a second. A loop that
/// seems to was seen through by the compiler: better no bound than one that no kernel can reach.
const MOST_REGISTERS: f64 = 2.0 * 8.0;

/// Reading memory, 1e9 bytes/s: the best of several ways to read, each by its median. What others
/// leave of the memory's bandwidth changes by the second, and the shortest pass of all is of a
/// moment that no kernel may see again.
fn read(threads: usize, isa: &IsaInfo, cold: usize, time: Duration) -> f64 {
    let each = (cold / threads).next_multiple_of(1 << 12);
    let mut bytes = Pages::zeroed(threads * each).expect("memory larger than the caches");
    // Pages that nobody wrote are one page.
    bytes.fill(1);
    let ways = [1, 2, 4, 8].map(|streams| [0, 1024, 4096].map(|prefetch| (streams, prefetch)));
    let ways = ways.as_flattened();
    let mut times = vec![vec![]; ways.len()];
    let end = Instant::now() + time;
    while times[0].len() < 3 || Instant::now() < end {
        for (times, &(streams, prefetch)) in times.iter_mut().zip(ways) {
            let pass = together(threads, |n| {
                let bytes = &bytes[n * each..(n + 1) * each];
                isa.run_probe(&mut Probe::Read { bytes, streams, prefetch });
            });
            times.push(pass.as_secs_f64());
        }
    }
    let medians = times.iter().map(|times| crate::stats::median(times));
    bytes.len() as f64 / medians.fold(f64::INFINITY, f64::min) * 1e-9
}

/// 1e9 rounds of a probe a second, on all threads.
fn compute(threads: usize, time: Duration, probe: &(impl Fn(usize) + Sync)) -> f64 {
    const PASS: Duration = Duration::from_millis(2);
    let pass = |rounds| together(threads, |_| probe(rounds));
    let mut rounds = 1000;
    while pass(rounds) < PASS && rounds < 1 << 40 {
        rounds *= 2;
    }
    (threads * rounds) as f64 / best_pass(time / 2, || pass(rounds)).as_secs_f64() * 1e-9
}

/// The shortest of the passes that fit a time; three at least.
fn best_pass(time: Duration, pass: impl Fn() -> Duration) -> Duration {
    let end = Instant::now() + time;
    let mut best = pass().min(pass()).min(pass());
    while Instant::now() < end {
        best = best.min(pass());
    }
    best
}

/// Runs a job on so many threads at once: the time from the first start to the last end.
fn together(threads: usize, job: impl Fn(usize) + Sync) -> Duration {
    let start = Barrier::new(threads);
    let run = |n| {
        start.wait();
        let started = Instant::now();
        job(n);
        (started, Instant::now())
    };
    let spans: Vec<(Instant, Instant)> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|n| scope.spawn(move || run(n))).collect();
        let mine = run(0);
        others
            .into_iter()
            .map(|other| other.join().expect("a probe does not panic"))
            .chain([mine])
            .collect()
    });
    let first = spans.iter().map(|span| span.0).min().expect("a thread at least");
    let last = spans.iter().map(|span| span.1).max().expect("a thread at least");
    last - first
}

/// What bounds a product, and the least time that it could take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound {
    /// `read`, `dot`, `fma` or `bf16`.
    pub peak: &'static str,
    /// At least.
    pub seconds: f64,
}

/// The bound of a product computed on an instruction set in a class: its weights must be read
/// once, and its multiply-adds made. `None` if the peaks were not measured.
#[must_use]
pub fn bound(
    peaks: &Peaks,
    problem: &Problem,
    (isa, class): (&IsaInfo, Numerics),
    batch: usize,
) -> Option<Bound> {
    let bytes = problem.format.bytes(problem.rows, problem.depth).ok()?;
    let macs = (batch * problem.rows * problem.depth) as f64;
    let (peak, gmacs) = match class {
        Numerics::Q8 | Numerics::Q8x256 => ("dot", peaks.dot_gmacs.get(isa.name)?),
        Numerics::Bf16 if multiplies_bf16(problem, isa) => {
            ("bf16", peaks.bf16_gmacs.get(isa.name)?)
        }
        Numerics::F32 | Numerics::Bf16 => ("fma", peaks.fma_gmacs.get(isa.name)?),
    };
    let read = Bound { peak: "read", seconds: bytes as f64 / (peaks.read_gbps * 1e9) };
    let compute = Bound { peak, seconds: macs / (gmacs * 1e9) };
    let bound = if read.seconds >= compute.seconds { read } else { compute };
    (peaks.read_gbps > 0.0 && *gmacs > 0.0).then_some(bound)
}

/// Whether products of many rows are dot products of bfloat16.
fn multiplies_bf16(problem: &Problem, isa: &IsaInfo) -> bool {
    let has_kernel = |kernel: &Kernel| kernel.isa == isa && kernel.class == Numerics::Bf16;
    isa.multiplies_bf16() && problem.format.kernels.iter().any(has_kernel)
}

/// Facts and peaks as lines for people.
#[must_use]
pub fn describe(peaks: &Peaks) -> Vec<String> {
    let found = machine();
    let brand = &found.advisory.brand;
    let mut lines = vec![
        format!(
            "machine  {}{}",
            found.class,
            if brand.is_empty() { String::new() } else { format!(" ({brand})") }
        ),
        format!(
            "caches   L1d {} KiB, L2 {} KiB, last level {} MiB in all; {} usable CPUs",
            found.l1d_kib,
            found.l2_kib,
            last_level_cache() >> 20,
            found.cpus_usable
        ),
        format!("read     {:.1} GB/s with {} threads", peaks.read_gbps, peaks.threads),
    ];
    for isa in space::isas().iter().map(|isa| isa.name) {
        let peak = |peaks: &BTreeMap<String, f64>| {
            peaks.get(isa).map_or("unknown".to_owned(), |peak| format!("{peak:.0} GMAC/s"))
        };
        let (dot, fma) = (peak(&peaks.dot_gmacs), peak(&peaks.fma_gmacs));
        let mut line = format!("{isa:<14} int8 dot {dot}, f32 fma {fma}");
        if peaks.bf16_gmacs.contains_key(isa) {
            line += &format!(", bf16 dot {}", peak(&peaks.bf16_gmacs));
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernels::{formats, isa};

    #[test]
    fn a_small_product_is_bound_by_reading_and_a_large_one_by_computing() {
        let isa = isa::best();
        let name = || isa.name.to_owned();
        let peaks = Peaks {
            threads: 2,
            read_gbps: 10.0,
            dot_gmacs: [(name(), 400.0)].into(),
            fma_gmacs: [(name(), 100.0)].into(),
            bf16_gmacs: [(name(), 200.0)].into(),
        };
        let format = formats::by_name("Q8_0").unwrap();
        let problem = Problem { format, rows: 1000, depth: 3200, class: Numerics::Q8 };
        let of = |class, batch| bound(&peaks, &problem, (isa, class), batch).unwrap();
        let small = of(Numerics::Q8, 1);
        assert_eq!(small.peak, "read");
        assert!((small.seconds - 3.4e6 / 10e9).abs() < 1e-12);
        let large = of(Numerics::Q8, 1000);
        assert_eq!(large.peak, "dot");
        assert!((large.seconds - 3.2e9 / 400e9).abs() < 1e-12);
        assert_eq!(of(Numerics::F32, 1000).peak, "fma");
        // Quantized weights are multiplied in floats there, but on tile registers.
        let want = if isa.has_tiles { "bf16" } else { "fma" };
        assert_eq!(of(Numerics::Bf16, 1000).peak, want);
        let half = Problem { format: formats::by_name("F16").unwrap(), ..problem };
        let peak = bound(&peaks, &half, (isa, Numerics::Bf16), 1000).unwrap().peak;
        assert_eq!(peak, if isa.multiplies_bf16() { "bf16" } else { "fma" });
        assert_eq!(bound(&Peaks::default(), &problem, (isa, Numerics::Q8), 1), None);
    }

    #[test]
    fn peaks_are_measured_for_every_instruction_set_asked_for() {
        let isas = space::isas();
        let peaks = peaks(2, &isas, 1 << 20, Duration::from_millis(50));
        assert!(peaks.read_gbps > 0.0);
        assert!(peaks.fma_gmacs.len() <= isas.len() && !peaks.dot_gmacs.is_empty());
        assert!(peaks.dot_gmacs.values().chain(peaks.fma_gmacs.values()).all(|peak| *peak > 0.0));
        assert!(last_level_cache() > 0);
    }

    #[test]
    fn a_job_runs_once_on_every_thread() {
        let counts = [const { std::sync::atomic::AtomicUsize::new(0) }; 3];
        together(3, |n| {
            counts[n].fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        });
        assert!(counts.iter().all(|count| count.load(std::sync::atomic::Ordering::Relaxed) == 1));
    }
}
