//! The batch from which `gemm` replaces `gemv`: both are timed side by side, and the switch goes
//! where they cross.

use kernels::params::{Params, Tunable};

use crate::search::{Course, Halt};
use crate::space::{Candidate, SWITCH};
use crate::stage::Stage;
use crate::stats::{self, Verdict};
use crate::tuner::Weights;

/// Batches to compare at.
const BATCHES: [usize; 8] = [2, 3, 4, 6, 8, 12, 16, 32];
/// Rounds at each.
const ROUNDS: usize = 5;
/// Where `gemm` leads by this much at two batches in a row, it leads from there on.
const CLEAR: f64 = 0.10;
/// The part of a stage's time that comparing may take.
const SHARE: f64 = 0.2;
/// A batch at which this little is gained does not move the switch.
const STEP: f64 = 0.01;

/// What `gemm` gains over `gemv` at a batch: the logarithm of the ratio of times.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Lead {
    batch: usize,
    log: f64,
}

impl Stage<'_> {
    /// Moves the switch to where it is best, if that is proven where it matters.
    pub(crate) fn switch(&mut self) -> Result<(), Halt> {
        let best = self.trial.best;
        let leads = match self.leads(&best) {
            Err(Halt::Budget) => return Ok(()),
            leads => leads?,
        };
        let default = self.trial.default.get(SWITCH);
        let Some(chosen) = cross(&leads, default) else { return Ok(()) };
        let candidate = best.with(SWITCH, chosen);
        // Only batches between both switches run another loop than they do by default.
        let between = (default.min(chosen) as usize)..(default.max(chosen) as usize);
        let batches: Vec<usize> =
            leads.iter().map(|lead| lead.batch).filter(|batch| between.contains(batch)).collect();
        let mut ends = vec![];
        for batch in [batches.first(), batches.last()].into_iter().flatten() {
            if ends.iter().all(|(done, _)| done != batch) {
                ends.push((*batch, self.hold_out(*batch, &candidate)?));
            }
        }
        let slower = ends.iter().any(|(_, gain)| gain.verdict() == Verdict::Slower);
        let faster = ends.iter().any(|(_, gain)| gain.verdict() == Verdict::Faster);
        if faster && !slower {
            self.trial.best = candidate;
            ends.into_iter().for_each(|(batch, gain)| self.trial.record(batch, gain));
        }
        Ok(())
    }

    fn leads(&mut self, best: &Candidate) -> Result<Vec<Lead>, Halt> {
        let gemv = best.with(SWITCH, u32::from(u16::MAX));
        let gemm = best.with(SWITCH, 1);
        let until = self.deadline.within(self.time.mul_f64(SHARE));
        let mut leads: Vec<Lead> = vec![];
        for batch in BATCHES {
            let mut track = self.track(Weights::Search, batch);
            track.deadline = until.clone();
            track.calibrate(&gemv);
            let mut logs = vec![];
            for _ in 0..ROUNDS {
                let times = track.round(&[gemv, gemm])?;
                logs.push((times[0] / times[1]).ln());
            }
            leads.push(Lead { batch, log: stats::median(&logs) });
            if let [.., a, b] = &leads[..]
                && a.log > CLEAR
                && b.log > CLEAR
            {
                break;
            }
        }
        Ok(leads)
    }
}

/// The value of the knob that loses the least time over all batches; `None` if the default is as
/// good.
fn cross(leads: &[Lead], default: u32) -> Option<u32> {
    // Against gemv throughout, a switch gains what gemm leads by from there on.
    let gain = |switch: u32| -> f64 {
        leads.iter().filter(|lead| lead.batch >= switch as usize).map(|lead| lead.log).sum()
    };
    let knob = Params::KNOBS.iter().find(|knob| knob.name == SWITCH)?;
    let best = knob.choices.iter().copied().max_by(|a, b| gain(*a).total_cmp(&gain(*b)))?;
    let moved = leads
        .iter()
        .filter(|lead| (lead.batch >= best as usize) != (lead.batch >= default as usize))
        .count();
    (gain(best) - gain(default) > STEP * moved as f64 && moved > 0).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leads(logs: [f64; 8]) -> Vec<Lead> {
        BATCHES.into_iter().zip(logs).map(|(batch, log)| Lead { batch, log }).collect()
    }

    #[test]
    fn the_switch_goes_where_the_loops_cross() {
        let late = leads([-0.9, -0.6, -0.4, -0.3, -0.2, 0.1, 0.3, 0.5]);
        assert_eq!(cross(&late, 5), Some(12));
        let early = leads([-0.2, 0.1, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8]);
        assert_eq!(cross(&early, 5), Some(3));
    }

    #[test]
    fn where_the_default_is_as_good_it_stays() {
        let right = leads([-0.9, -0.6, -0.4, 0.1, 0.2, 0.3, 0.3, 0.5]);
        assert_eq!(cross(&right, 5), None);
        let tie = leads([-0.9, -0.6, 0.005, 0.1, 0.2, 0.3, 0.3, 0.5]);
        assert_eq!(cross(&tie, 5), None);
        assert_eq!(cross(&[], 5), None);
    }

    #[test]
    fn batches_that_were_not_compared_say_nothing() {
        // The comparison ended early, because gemm was clearly ahead.
        assert_eq!(cross(&leads([0.2, 0.3, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])[..2], 5), Some(2));
    }
}
