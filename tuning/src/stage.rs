//! What is done with one matrix: search, proof, promotion.
//!
//! Knobs fall into parts that act on different code: those of `gemv`, which decodes, those of
//! `gemm`, which prefills, and the switch between the two. Each part is searched and promoted by
//! itself, at the batches it is for:
//!
//! | part | searched at batch | promoted at | must not lose at |
//! |---|---|---|---|
//! | decode: own knobs, shared ones, instruction set | 1 | 1, twice | `gemv`'s last batch; 16 and 256 if shared |
//! | prefill: own knobs, shared ones, instruction set | 128 | 256 | 16; 1 if shared |
//! | switch | 2 to 32 | either end of the batches that change sides | the other end |
//!
//! Shared knobs and the instruction set change both loops. If what they gain one costs the other,
//! the search is run again without them.
//!
//! Decode is promoted twice: once after its search, and again when the matrix' prefill is due.
//! Between the two lie all other matrices, and the weights lie in other memory. What was a whim of
//! the moment or of the place does not happen twice.

use std::time::Duration;

use crate::clock::{Deadline, Track};
use crate::matrix::Kind;
use crate::search::{Found, Halt, descend};
use crate::space::{Candidate, Reach, Role, SWITCH, Space};
use crate::stats::{Gain, Verdict};
use crate::trial::{Progress, Trial};
use crate::tuner::{Bench, Lab, Weights};

/// The batch that prefill is confirmed at.
pub(crate) const PREFILL: usize = 256;
/// The smallest batch that prefill must not lose at.
pub(crate) const PREFILL_LEAST: usize = 16;
/// The batch that prefill is searched at: columns enough for every knob to act, in half the time.
const PREFILL_SEARCH: usize = 128;
/// Rows that prefill is searched with: threads have dozens of jobs, and more rows are more of the
/// same. It is confirmed with all rows.
const PREFILL_ROWS: usize = 4096;
/// The part of a stage's time that a search may take; proofs share the rest.
const SEARCH_SHARE: f64 = 0.6;
/// Hold-outs that a stage may come to need.
const PROOFS: f64 = 4.0;

/// Work on one matrix.
#[derive(Debug)]
pub(crate) struct Stage<'a> {
    pub(crate) trial: &'a mut Trial,
    pub(crate) lab: &'a mut Lab,
    pub(crate) bench: &'a mut Bench,
    /// Of the whole run. Proofs may use it up; they are short, and without them all was in vain.
    pub(crate) deadline: Deadline,
    /// For this stage.
    pub(crate) time: Duration,
    /// What an older profile chose.
    pub(crate) hint: Option<Candidate>,
}

/// What a proof came to.
enum Proof {
    /// Faster, and slower nowhere.
    Promoted(Gain),
    /// Not shown to be faster.
    Tie(Gain),
    /// Faster, at the cost of the other loop or another batch.
    Costly,
}

impl Stage<'_> {
    /// The knobs of `gemv`.
    pub(crate) fn decode(&mut self) -> Result<(), Halt> {
        for reach in [Reach::Shared, Reach::Own] {
            let found = self.search(Role::Decode, reach)?.best;
            match self.prove_decode(&found)? {
                Proof::Promoted(gain) => {
                    self.trial.best = found;
                    self.trial.record(1, gain);
                }
                Proof::Tie(gain) => self.trial.record(1, gain.tie()),
                Proof::Costly if reach == Reach::Shared && self.shares(&found) => continue,
                Proof::Costly => self.record_default(1)?,
            }
            break;
        }
        self.trial.progress = Progress::Decoded;
        Ok(())
    }

    /// The knobs of `gemv` once more, then those of `gemm`, then the switch. An output head runs
    /// `gemv` alone.
    pub(crate) fn prefill(&mut self) -> Result<(), Halt> {
        if self.trial.is_tuned() {
            self.decode_again()?;
        }
        if self.trial.kind == Kind::Head {
            self.trial.progress = Progress::Complete;
            return Ok(());
        }
        for reach in [Reach::Shared, Reach::Own] {
            let found = self.search(Role::Prefill, reach)?.best;
            match self.prove_prefill(&found)? {
                Proof::Promoted(gain) => {
                    self.trial.best = found;
                    self.trial.record(PREFILL, gain);
                }
                Proof::Tie(gain) if !self.shares(&self.trial.best) => {
                    self.trial.record(PREFILL, gain.tie());
                }
                Proof::Costly if reach == Reach::Shared && self.shares(&found) => continue,
                Proof::Tie(_) | Proof::Costly => {
                    let gain = self.hold_out(PREFILL, &self.trial.best.clone())?;
                    self.trial.record(PREFILL, gain);
                }
            }
            break;
        }
        self.switch()?;
        self.trial.progress = Progress::Complete;
        Ok(())
    }

    fn decode_again(&mut self) -> Result<(), Halt> {
        let gain = self.hold_out(1, &self.trial.best.clone())?;
        if gain.verdict() == Verdict::Faster {
            self.trial.record(1, gain);
        } else {
            self.trial.best = self.trial.default;
            self.trial.record(1, gain.tie());
        }
        Ok(())
    }

    fn search(&mut self, loops: Role, reach: Reach) -> Result<Found, Halt> {
        let mut problem = self.trial.problem;
        let batch = match loops {
            Role::Prefill => {
                problem.rows = problem.rows.min(PREFILL_ROWS);
                PREFILL_SEARCH
            }
            _ => 1,
        };
        let start = self.trial.best;
        let space = Space::new(problem, loops, reach, (&self.lab.isas, self.trial.threads));
        let turns = |role| role == loops || (role == Role::Both && reach == Reach::Shared);
        let hints: Vec<_> = self.hint.iter().map(|hint| start.adopt(hint, turns)).collect();
        let deadline = self.deadline.within(self.time.mul_f64(SEARCH_SHARE));
        deadline.check()?;
        let mut track = self.lab.track(self.bench, Weights::Search, (problem, batch), deadline);
        track.calibrate(&start);
        let found = descend(&mut track, &space, start, &hints);
        self.trial.tried += found.tried;
        match found.halted {
            Some(Halt::Interrupted) => Err(Halt::Interrupted),
            // What was found until then may still be proven.
            _ => Ok(found),
        }
    }

    fn prove_decode(&mut self, found: &Candidate) -> Result<Proof, Halt> {
        let gain = self.hold_out(1, found)?;
        if gain.verdict() != Verdict::Faster {
            return Ok(Proof::Tie(gain));
        }
        let last = (found.get(SWITCH) as usize).saturating_sub(1).max(2);
        let mut batches = vec![last];
        if self.shares(found) && self.trial.kind == Kind::Layer {
            batches.extend([PREFILL_LEAST, PREFILL]);
        }
        match self.loses_at(found, &batches)? {
            Some(_) => Ok(Proof::Costly),
            None => Ok(Proof::Promoted(gain)),
        }
    }

    fn prove_prefill(&mut self, found: &Candidate) -> Result<Proof, Halt> {
        let gain = self.hold_out(PREFILL, found)?;
        if gain.verdict() != Verdict::Faster {
            return Ok(Proof::Tie(gain));
        }
        if self.loses_at(found, &[PREFILL_LEAST])?.is_some() {
            return Ok(Proof::Costly);
        }
        let best = self.trial.best;
        if best.adopt(found, |role| role == Role::Both) != best {
            // Decode would run other code, so what was proven of it must be proven again.
            let again = self.hold_out(1, found)?;
            let proven = match again.verdict() {
                Verdict::Faster => true,
                Verdict::Tie => best == self.trial.default,
                Verdict::Slower => false,
            };
            if !proven {
                return Ok(Proof::Costly);
            }
            self.trial.record(1, again);
        }
        Ok(Proof::Promoted(gain))
    }

    /// Whether a candidate differs from the default in what both loops share.
    fn shares(&self, candidate: &Candidate) -> bool {
        let default = self.trial.default;
        default.adopt(candidate, |role| role == Role::Both) != default
    }

    /// The first of some batches at which a candidate is slower than the default.
    pub(crate) fn loses_at(
        &mut self,
        candidate: &Candidate,
        batches: &[usize],
    ) -> Result<Option<usize>, Halt> {
        for batch in batches {
            if self.hold_out(*batch, candidate)?.verdict() == Verdict::Slower {
                return Ok(Some(*batch));
            }
        }
        Ok(None)
    }

    /// The default's time, where nothing else may run.
    fn record_default(&mut self, batch: usize) -> Result<(), Halt> {
        let gain = self.hold_out(batch, &self.trial.default.clone())?;
        self.trial.record(batch, gain.tie());
        Ok(())
    }

    /// The default and a candidate in pairs that chose nothing, on weights that chose nothing.
    ///
    /// A candidate that computes wrongly on them gains nothing.
    pub(crate) fn hold_out(&mut self, batch: usize, candidate: &Candidate) -> Result<Gain, Halt> {
        let default = self.trial.default;
        let time = self.time.mul_f64((1.0 - SEARCH_SHARE) / PROOFS);
        let mut track = self.track(Weights::HoldOut, batch);
        track.deadline.check()?;
        let seconds = track.calibrate(&default);
        let pairs = track.pairs_in(time, seconds);
        let gain = track.pairs(&default, candidate, pairs)?;
        let verified = track.verify(candidate);
        if default == *candidate {
            self.trial.noise.push(gain);
        }
        Ok(match verified {
            Ok(()) => gain,
            Err(wrong) => {
                self.lab.wrong.push(wrong);
                Gain { ratio: 0.0, low: 0.0, high: 0.0, ..gain }
            }
        })
    }

    pub(crate) fn track(&mut self, weights: Weights, batch: usize) -> Track<'_> {
        let deadline = self.deadline.clone();
        self.lab.track(self.bench, weights, (self.trial.problem, batch), deadline)
    }
}
