//! Engines in turns.
//!
//! A round times every engine once, in random order, so that whatever else happens on the machine
//! meets all alike; what counts of a round is the ratios in it. Each sample is a few calls, as many
//! of one engine as of any other, and each call takes the next copy of the weights. So between two
//! uses of a copy every other copy of every engine has been read, and all copies together are
//! larger than the caches: weights are cold, as a model's are. Activations and results are warm.
//!
//! An engine's threads are awake when its sample begins, and asleep when the next one's does.
//! A model's products follow each other closely, so waking is nothing that they wait for; and two
//! engines that both wait for work in a loop would measure each other.

use std::time::{Duration, Instant};

use tuning::quiet::Quiet;
use tuning::rng::Rng;

/// A sample is so long at least, if that is not too many calls.
const SAMPLE: Duration = Duration::from_millis(1);
/// A call that is longer needs no other before it to wake threads: that takes microseconds.
const LONG: f64 = 5e-3;
/// Between two engines: longer than any of ours, rayon's or candle's threads looks for work.
const PAUSE: Duration = Duration::from_micros(300);
/// A disturbed sample is taken again so many times.
const AGAIN: usize = 3;
/// Rounds: that a median means something, and that nobody waits for the last half percent.
const ROUNDS: (usize, usize) = (3, 41);

/// One engine with a ring of copies of a weight matrix.
pub(crate) trait Contestant {
    /// Engine and way.
    fn name(&self) -> &str;

    /// Takes `x (batch, depth)`, and whatever memory products with it need.
    fn prepare(&mut self, x: &[f32], batch: usize) -> anyhow::Result<()>;

    /// Multiplies the next copy of the weights with what was prepared.
    fn multiply(&mut self) -> anyhow::Result<()>;

    /// What the last product was: `(batch, rows)`.
    fn out(&self) -> anyhow::Result<Vec<f32>>;

    /// Lets threads sleep that would look for work for long.
    fn rest(&mut self) {}
}

/// How much to measure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// For all engines together.
    pub(crate) time: Duration,
}

/// Seconds of a call: `[engine][round]`.
pub(crate) fn run(
    engines: &mut [Box<dyn Contestant + '_>],
    effort: Effort,
    rng: &mut Rng,
) -> anyhow::Result<Vec<Vec<f64>>> {
    // What a call takes, about. The first one grows memory and wakes threads.
    let mut seconds = vec![];
    for engine in &mut *engines {
        engine.multiply()?;
        seconds.push(time(&mut **engine, 1)?);
        engine.rest();
        std::thread::sleep(PAUSE);
    }
    let fastest = seconds.iter().copied().fold(f64::INFINITY, f64::min);
    let calls = (SAMPLE.as_secs_f64() / fastest).ceil().clamp(1.0, 1e4) as usize;
    let round: f64 = seconds.iter().map(|seconds| seconds * (calls + awake(*seconds)) as f64).sum();
    let rounds = ((effort.time.as_secs_f64() / round) as usize).clamp(ROUNDS.0, ROUNDS.1);
    // Now that all threads have started.
    let mut quiet = Quiet::new();
    let mut times = vec![vec![]; engines.len()];
    let mut order: Vec<usize> = (0..engines.len()).collect();
    for _ in 0..rounds {
        rng.shuffle(&mut order);
        for &n in &order {
            let engine = &mut *engines[n];
            for _ in 0..awake(seconds[n]) {
                engine.multiply()?;
            }
            times[n].push(sample(engine, calls, &mut quiet)?);
            engine.rest();
            std::thread::sleep(PAUSE);
        }
    }
    Ok(times)
}

/// Calls before a sample that wake the threads.
fn awake(seconds: f64) -> usize {
    usize::from(seconds < LONG)
}

/// Seconds of a call, taken again if the system took the processor away meanwhile.
fn sample(engine: &mut dyn Contestant, calls: usize, quiet: &mut Quiet) -> anyhow::Result<f64> {
    let mut tries = 0;
    loop {
        quiet.begin();
        let seconds = time(engine, calls)?;
        let disturbed = quiet.end(seconds * calls as f64);
        // Whether a sample counts depends on what the system did, never on the time itself.
        if !disturbed || tries == AGAIN || quiet.is_hopeless() {
            return Ok(seconds);
        }
        tries += 1;
    }
}

fn time(engine: &mut dyn Contestant, calls: usize) -> anyhow::Result<f64> {
    let started = Instant::now();
    for _ in 0..calls {
        engine.multiply()?;
    }
    Ok(started.elapsed().as_secs_f64() / calls as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    /// Sleeps, and says in a common book that it was called.
    struct Sleeper<'a>(&'static str, u64, &'a RefCell<Vec<&'static str>>);

    impl Contestant for Sleeper<'_> {
        fn name(&self) -> &str {
            self.0
        }
        fn prepare(&mut self, _: &[f32], _: usize) -> anyhow::Result<()> {
            Ok(())
        }
        fn multiply(&mut self) -> anyhow::Result<()> {
            self.2.borrow_mut().push(self.0);
            std::thread::sleep(Duration::from_millis(self.1));
            Ok(())
        }
        fn out(&self) -> anyhow::Result<Vec<f32>> {
            Ok(vec![])
        }
    }

    #[test]
    fn engines_take_turns_and_are_called_equally_often() {
        let book = RefCell::new(vec![]);
        let mut engines: Vec<Box<dyn Contestant>> =
            vec![Box::new(Sleeper("fast", 6, &book)), Box::new(Sleeper("slow", 12, &book))];
        let effort = Effort { time: Duration::from_millis(120) };
        let times = run(&mut engines, effort, &mut Rng::new(1)).unwrap();
        assert!(times[0].len() == times[1].len() && times[0].len() >= ROUNDS.0);
        // Asleep at least as long as asked for.
        assert!(times[0].iter().all(|t| *t >= 6e-3) && times[1].iter().all(|t| *t >= 12e-3));
        drop(engines);
        let book = book.into_inner();
        let fast = book.iter().filter(|name| **name == "fast").count();
        // Disturbed samples are repeated, which costs calls.
        assert!(fast >= 2 + times[0].len() && book.len() - fast >= 2 + times[0].len());
    }
}
