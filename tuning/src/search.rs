//! Coordinate descent under noise: one axis at a time, from the default, until a sweep changes
//! nothing.
//!
//! Along an axis the candidate in hand and its rivals run side by side. A few rounds *screen*: they
//! only decide who is worth a closer look. Fresh rounds then *confirm*: a rival takes over if it
//! wins nearly all of them and its median gain is not nothing. That is a weaker test than the one
//! that a promotion needs ([`stats`]), on purpose: here a mistake costs a detour, and the samples
//! of a search prove nothing anyway.
//!
//! Last, each knob that moved is put back, and stays there unless that costs time: what does not
//! matter keeps its default.

use thiserror::Error;

use crate::space::{Candidate, Space};
use crate::stats;

/// Why a search or a measurement stopped early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Halt {
    /// The time for it is over.
    #[error("its time is over")]
    Budget,
    /// The user wants an end.
    #[error("interrupted")]
    Interrupted,
}

/// Who times candidates: a machine, or in tests a formula.
pub trait Course {
    /// Times every candidate once, in random order. Seconds, by candidate; infinite for one that
    /// must not run.
    ///
    /// # Errors
    /// If time is over.
    fn round(&mut self, candidates: &[Candidate]) -> Result<Vec<f64>, Halt>;
}

/// What a search found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// The best candidate, as far as the search came.
    pub best: Candidate,
    /// Candidates that were timed, the first included.
    pub tried: usize,
    /// Why it ended before a sweep changed nothing.
    pub halted: Option<Halt>,
}

/// Rounds that screen.
const SCREEN: usize = 3;
/// Rounds that confirm.
const CONFIRM: usize = 9;
/// Rivals that are worth confirming.
const SHORTLIST: usize = 2;
/// A rival this much slower in its first round is not run again.
const HOPELESS: f64 = 2.0;
/// A median gain below this is not worth a move.
const STEP: f64 = 0.005;
/// Chance that a coin would win as many confirming rounds.
const DOUBT: f64 = 0.1;
/// A knob may have to be revisited after another; more often never helped.
const SWEEPS: usize = 3;

/// Searches a space from `start`. `hints` are candidates that may be good, such as those of an
/// older profile.
pub fn descend(
    course: &mut dyn Course,
    space: &Space,
    start: Candidate,
    hints: &[Candidate],
) -> Found {
    let mut found = Found { best: start, tried: 1, halted: None };
    let result = (|| {
        let hints: Vec<Candidate> = hints.iter().copied().filter(|hint| *hint != start).collect();
        found.race(course, &hints)?;
        for _ in 0..SWEEPS {
            let before = found.best;
            for axis in space.axes() {
                let rivals = space.moves(axis, &found.best);
                found.race(course, &rivals)?;
            }
            if found.best == before {
                break;
            }
        }
        found.retreat(course, space, start)
    })();
    found.halted = result.err();
    found
}

impl Found {
    /// Lets rivals challenge the best; the winner is the best after it.
    fn race(&mut self, course: &mut dyn Course, rivals: &[Candidate]) -> Result<(), Halt> {
        if rivals.is_empty() {
            return Ok(());
        }
        self.tried += rivals.len();
        let mut runners = vec![self.best];
        runners.extend(rivals);
        let first = course.round(&runners)?;
        let mut logs: Vec<(Candidate, Vec<f64>)> = (1..runners.len())
            .filter(|n| first[*n] < HOPELESS * first[0])
            .map(|n| (runners[n], vec![(first[0] / first[n]).ln()]))
            .collect();
        self.rounds(course, &mut logs, SCREEN - 1)?;
        logs.retain(|(_, logs)| stats::median(logs) > 0.0);
        logs.sort_by(|a, b| stats::median(&b.1).total_cmp(&stats::median(&a.1)));
        logs.truncate(SHORTLIST);

        logs.iter_mut().for_each(|(_, logs)| logs.clear());
        self.rounds(course, &mut logs, CONFIRM)?;
        logs.retain(|(_, logs)| leads(logs));
        let best = logs.iter().max_by(|a, b| stats::median(&a.1).total_cmp(&stats::median(&b.1)));
        if let Some((winner, _)) = best {
            self.best = *winner;
        }
        Ok(())
    }

    /// Puts back what gains nothing.
    fn retreat(
        &mut self,
        course: &mut dyn Course,
        space: &Space,
        start: Candidate,
    ) -> Result<(), Halt> {
        for axis in space.axes() {
            let back = axis.back(&self.best, &start);
            if back == self.best {
                continue;
            }
            let mut logs = vec![(back, vec![])];
            self.rounds(course, &mut logs, CONFIRM)?;
            let gains: Vec<f64> = logs[0].1.iter().map(|log| -log).collect();
            if !leads(&gains) {
                self.best = back;
            }
        }
        Ok(())
    }

    /// Appends to each rival's log ratios against the best.
    fn rounds(
        &self,
        course: &mut dyn Course,
        rivals: &mut [(Candidate, Vec<f64>)],
        rounds: usize,
    ) -> Result<(), Halt> {
        if rivals.is_empty() {
            return Ok(());
        }
        let mut runners = vec![self.best];
        runners.extend(rivals.iter().map(|(rival, _)| *rival));
        for _ in 0..rounds {
            let times = course.round(&runners)?;
            for ((_, logs), time) in rivals.iter_mut().zip(&times[1..]) {
                logs.push((times[0] / time).ln());
            }
        }
        Ok(())
    }
}

fn leads(logs: &[f64]) -> bool {
    let losses = logs.iter().filter(|log| **log <= 0.0).count();
    stats::median(logs) > (1.0 + STEP).ln() && stats::at_most(losses, logs.len()) <= DOUBT
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;
    use crate::space::{Reach, Role, isas};
    use kernels::params::{Params, Tunable};
    use kernels::{Numerics, Problem, formats};

    /// A machine made of a formula.
    struct Formula<F> {
        cost: F,
        noise: f64,
        rng: Rng,
        rounds: usize,
        most: usize,
    }

    impl<F: Fn(&Candidate) -> f64> Course for Formula<F> {
        fn round(&mut self, candidates: &[Candidate]) -> Result<Vec<f64>, Halt> {
            if self.rounds == self.most {
                return Err(Halt::Budget);
            }
            self.rounds += 1;
            let mut time =
                |candidate| (self.cost)(candidate) * (self.noise * self.rng.normal()).exp();
            Ok(candidates.iter().map(&mut time).collect())
        }
    }

    fn formula<F: Fn(&Candidate) -> f64>(cost: F, noise: f64, seed: u64) -> Formula<F> {
        Formula { cost, noise, rng: Rng::new(seed), rounds: 0, most: usize::MAX }
    }

    fn space() -> Space {
        let format = formats::by_name("Q4_K").unwrap();
        let problem = Problem { format, rows: 4096, depth: 4096, class: Numerics::Q8 };
        Space::new(problem, Role::Decode, Reach::Own, (&isas(), 2))
    }

    fn start() -> Candidate {
        Candidate::default_on(isas()[0])
    }

    /// A value worth trying for a knob, by its place among them.
    fn choice(knob: &str, place: usize) -> u32 {
        let found = Params::KNOBS.iter().find(|found| found.name == knob).unwrap();
        found.choices[place % found.choices.len()]
    }

    /// The best point of [`bowl`].
    fn lowest() -> Candidate {
        start().with("grain", choice("grain", 4)).with("prefetch", choice("prefetch", 1))
    }

    /// Costs more with every choice away from [`lowest`]; a bad prefetch hurts more in bad jobs.
    fn bowl(candidate: &Candidate) -> f64 {
        let away = |knob| {
            let place = |value| (0..).find(|place| choice(knob, *place) == value).unwrap();
            f64::from(place(candidate.get(knob)) as i32 - place(lowest().get(knob)) as i32).abs()
        };
        let (grain, prefetch) = (away("grain"), away("prefetch"));
        1.0 + 0.08 * grain + 0.04 * prefetch * (1.0 + 0.3 * grain)
    }

    #[test]
    fn the_best_point_is_found_through_noise() {
        for seed in 0..20 {
            let found = descend(&mut formula(bowl, 0.01, seed), &space(), start(), &[]);
            assert_eq!((bowl(&found.best), found.halted), (1.0, None), "seed {seed}");
        }
    }

    #[test]
    fn knobs_that_gain_nothing_are_put_back() {
        let rows = |candidate: &Candidate| candidate.get("rows") != start().get("rows");
        let moved = (0..100).filter(|seed| {
            rows(&descend(&mut formula(bowl, 0.01, *seed), &space(), start(), &[]).best)
        });
        // Nothing depends on them; twice in a hundred noise says so twice.
        let moved = moved.count();
        assert!(moved <= 8, "{moved} of 100");
    }

    #[test]
    fn noise_alone_rarely_moves_it() {
        let moved = (0..100)
            .filter(|seed| {
                let course = &mut formula(|_| 1.0, 0.02, *seed);
                descend(course, &space(), start(), &[]).best != start()
            })
            .count();
        // A detour that the hold-out ends.
        assert!(moved <= 15, "{moved} of 100");
    }

    #[test]
    fn a_hint_is_taken_if_it_is_good_and_only_then() {
        let good = lowest();
        let bad = start().with("grain", choice("grain", 0));
        let cost = |candidate: &Candidate| if *candidate == good { 0.5 } else { 1.0 };
        let found = descend(&mut formula(cost, 0.0, 1), &space(), start(), &[bad, good, start()]);
        assert_eq!(found.best, good);
    }

    #[test]
    fn it_stops_when_time_is_over_with_the_best_so_far() {
        let mut unhurried = formula(bowl, 0.0, 1);
        descend(&mut unhurried, &space(), start(), &[]);
        for most in 0..unhurried.rounds {
            let mut course = Formula { most, ..formula(bowl, 0.0, 1) };
            let found = descend(&mut course, &space(), start(), &[]);
            assert_eq!((course.rounds, found.halted), (most, Some(Halt::Budget)));
            assert!(bowl(&found.best) <= bowl(&start()));
        }
    }

    #[test]
    fn the_hopeless_are_timed_once_and_the_forbidden_never_win() {
        let forbidden = choice("grain", 4);
        let cost = |candidate: &Candidate| match candidate.get("grain") {
            grain if grain == start().get("grain") => 1.0,
            grain if grain == forbidden => f64::INFINITY,
            _ => 5.0,
        };
        let mut course = formula(cost, 0.0, 1);
        let found = descend(&mut course, &space(), start(), &[]);
        assert_eq!(found.best.get("grain"), start().get("grain"));
    }
}
