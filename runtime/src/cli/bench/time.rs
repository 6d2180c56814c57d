//! The clock: several things to do, timed in turns.

use std::time::{Duration, Instant};

/// A sample is at least this long: calls shorter than it are timed several at once.
const SAMPLE: Duration = Duration::from_micros(300);
/// Waking threads takes microseconds, so a call shorter than this is made once more before a sample:
/// within a model's token they are awake.
const LONG: Duration = Duration::from_millis(5);
/// A median of fewer samples says little, but a very slow thing is not worth waiting for.
const LEAST: usize = 5;
const PATIENCE: u32 = 4;
const PATIENT: Duration = Duration::from_secs(1);
const MOST: usize = 400;

/// Times of one of the things.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// Median, nanoseconds a call.
    pub(crate) ns: f64,
    /// Samples that the median is of.
    pub(crate) samples: usize,
}

/// How long something takes.
pub(crate) fn once(call: impl FnOnce()) -> Duration {
    let start = Instant::now();
    call();
    start.elapsed()
}

/// Calls `timed(0)`, `timed(1)`, ... until `budget` is spent; they tell how long they took. They take
/// turns, forwards and backwards, so that whatever else goes on with the machine meets all of them
/// alike.
pub(crate) fn interleaved(
    things: usize,
    budget: Duration,
    mut timed: impl FnMut(usize) -> Duration,
) -> Vec<Times> {
    let start = Instant::now();
    let mut time =
        |thing: usize, calls: usize| -> Duration { (0..calls).map(|_| timed(thing)).sum() };
    // How many calls come before a sample and how many make it. Buffers grew when the results were
    // checked.
    let calls: Vec<(usize, usize)> = (0..things)
        .map(|thing| {
            let once = time(thing, 1).max(Duration::from_nanos(1));
            let calls = SAMPLE.as_nanos().div_ceil(once.as_nanos()).clamp(1, 10_000) as usize;
            (usize::from(once < LONG), calls)
        })
        .collect();
    let mut samples = vec![Vec::new(); things];
    for round in 0..MOST {
        let (spent, late) = (start.elapsed(), budget * PATIENCE);
        if (round >= LEAST && spent >= budget) || (round > 0 && spent >= late.max(PATIENT)) {
            break;
        }
        for turn in 0..things {
            let thing = if round % 2 == 0 { turn } else { things - 1 - turn };
            let (before, calls) = calls[thing];
            time(thing, before);
            let spent = time(thing, calls).as_nanos() as f64;
            samples[thing].push(spent / calls as f64);
        }
    }
    let times = |mut samples: Vec<f64>| Times { ns: median(&mut samples), samples: samples.len() };
    samples.into_iter().map(times).collect()
}

fn median(samples: &mut [f64]) -> f64 {
    samples.sort_by(f64::total_cmp);
    let half = samples.len() / 2;
    match samples.len() % 2 {
        1 => samples[half],
        _ => (samples[half - 1] + samples[half]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_ignores_an_outlier() {
        assert_eq!(median(&mut [3.0, 1000.0, 1.0, 2.0, 2.5]), 2.5);
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), 2.5);
    }

    #[test]
    fn things_take_turns() {
        let mut calls = [0usize; 3];
        let times = interleaved(3, Duration::ZERO, |n| {
            calls[n] += 1;
            SAMPLE
        });
        assert_eq!(calls, [2 * LEAST + 1; 3]);
        assert!(times.iter().all(|t| t.samples == LEAST && t.ns == SAMPLE.as_nanos() as f64));
    }
}
