//! What may be said about two kernels after timing them in turn.
//!
//! **The statistic.** Times of shared machines are skewed: interference adds, never subtracts, and
//! it drifts. So the unit is a *pair*, default and candidate timed back to back on weights that
//! neither has in cache, in random order; and the number kept of it is the logarithm of the ratio
//! of both times. Drift that both see cancels. Of the log ratios the *median* counts, which a few
//! disturbed pairs do not move.
//!
//! **The bound.** Order statistics bound a median without assuming anything about the shape of
//! the noise: if the k-th smallest of n log ratios is above x although the median is not, then
//! fewer than k of n fair coins fell heads. That is the sign test, turned around. A paired t
//! interval would be narrower for normal noise (the sign test spends n pairs where t needs about
//! 0.64 n) and wrong for noise with spikes, and pairs are cheap here.
//!
//! **The decision.** A candidate replaces the default only if, in fresh pairs that the search has
//! not seen, the median's lower 99 % bound lies above a gain of 1 %, and the fastest sample of
//! each side agrees. All else is a tie, and ties go to the default. The search picks the luckiest
//! of many candidates (the winner's curse: of 100 equal ones the best looks 2.5 standard errors
//! better than it is), which is why its own samples prove nothing.

/// Chance of error of a one-sided bound.
pub const ALPHA: f64 = 0.01;
/// A gain below this is no gain: layouts of code and pages shift times by as much.
pub const LEAST_GAIN: f64 = 0.01;
/// The fewest pairs that can bound a median at [`ALPHA`]: seven heads of seven are 1 in 128.
pub const LEAST_PAIRS: usize = 7;

/// The middle value; of an even number, the mean of the middle two. NaN for none.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// The `q`-quantile, interpolated. NaN for none.
#[must_use]
pub fn quantile(values: &[f64], q: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let at = q * last as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    low + (high - low) * at.fract()
}

/// Probability of at most `most` heads in `n` throws of a fair coin.
#[must_use]
pub fn at_most(most: usize, n: usize) -> f64 {
    let mut term = 0.5f64.powi(n as i32);
    let mut sum = term;
    for heads in 1..=most.min(n) {
        term *= (n + 1 - heads) as f64 / heads as f64;
        sum += term;
    }
    sum.min(1.0)
}

/// How many of the smallest of `n` values a one-sided bound of the median passes over: the bound
/// is `sorted[rank]`. `None` if there are too few values to bound it.
fn rank(n: usize, alpha: f64) -> Option<usize> {
    (0..n).take_while(|most| at_most(*most, n) <= alpha).last()
}

/// What pairs of times say: how much faster the candidate is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gain {
    /// Median of default time over candidate time: above 1, the candidate is faster.
    pub ratio: f64,
    /// One-sided lower bound of the ratio at [`ALPHA`]; 0 with too few pairs.
    pub low: f64,
    /// One-sided upper bound of the ratio at [`ALPHA`]; infinite with too few pairs.
    pub high: f64,
    /// Ratio of the fastest samples.
    pub fastest: f64,
    /// Pairs.
    pub pairs: usize,
    /// Median time of the default, in seconds.
    pub default: f64,
    /// Median time of the candidate, in seconds.
    pub tuned: f64,
}

/// What a gain amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Faster by more than [`LEAST_GAIN`], beyond doubt.
    Faster,
    /// Not shown to be either.
    Tie,
    /// Slower by more than [`LEAST_GAIN`], as far as the median tells.
    Slower,
}

impl Gain {
    /// From the times of both sides, pair by pair, in seconds.
    #[must_use]
    pub fn of(default: &[f64], candidate: &[f64]) -> Self {
        let mut logs: Vec<f64> = default.iter().zip(candidate).map(|(d, c)| (d / c).ln()).collect();
        logs.sort_by(f64::total_cmp);
        let (low, high) = match rank(logs.len(), ALPHA) {
            Some(rank) => (logs[rank].exp(), logs[logs.len() - 1 - rank].exp()),
            None => (0.0, f64::INFINITY),
        };
        let least = |times: &[f64]| times.iter().copied().fold(f64::INFINITY, f64::min);
        Self {
            ratio: median(&logs).exp(),
            low,
            high,
            fastest: least(default) / least(candidate),
            pairs: logs.len(),
            default: median(default),
            tuned: median(candidate),
        }
    }

    /// Of a candidate that did not win: what runs is the default, and it gains nothing.
    #[must_use]
    pub fn tie(self) -> Self {
        Self { ratio: 1.0, low: 1.0, high: 1.0, fastest: 1.0, tuned: self.default, ..self }
    }

    /// Whether the candidate is faster, slower, or neither was shown.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if self.low > 1.0 + LEAST_GAIN && self.fastest > 1.0 {
            Verdict::Faster
        } else if self.ratio < 1.0 - LEAST_GAIN {
            Verdict::Slower
        } else {
            Verdict::Tie
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    /// Pairs of a candidate that is faster by `gain`, on a machine with noise of `deviation` on
    /// each time, a drift of a fifth that both see, and now and then an interruption.
    fn pairs(rng: &mut Rng, n: usize, gain: f64, deviation: f64) -> Gain {
        let (mut default, mut candidate) = (vec![], vec![]);
        for pair in 0..n {
            let drift = 1.0 + 0.2 * (pair as f64 / 7.0).sin();
            let mut time = |base: f64| {
                let spike = if rng.uniform() < 0.08 { 1.0 + 2.0 * rng.uniform() } else { 1.0 };
                base * drift * spike * (deviation * rng.normal()).exp()
            };
            default.push(time(1.0));
            candidate.push(time(1.0 / (1.0 + gain)));
        }
        Gain::of(&default, &candidate)
    }

    fn rate(seed: u64, n: usize, gain: f64, deviation: f64, verdict: Verdict) -> f64 {
        const TRIALS: usize = 4000;
        let mut rng = Rng::new(seed);
        let hits = (0..TRIALS)
            .filter(|_| pairs(&mut rng, n, gain, deviation).verdict() == verdict)
            .count();
        hits as f64 / TRIALS as f64
    }

    #[test]
    fn the_default_against_itself_is_a_tie() {
        for (n, deviation) in [(7, 0.02), (12, 0.03), (24, 0.01), (24, 0.05), (60, 0.05)] {
            let seed = n as u64;
            let promoted = rate(seed, n, 0.0, deviation, Verdict::Faster);
            // One in a hundred is promised for a gain of 1 %; no gain at all comes nowhere near.
            assert!(promoted <= ALPHA, "seed {seed}, {n} pairs, noise {deviation}: {promoted}");
        }
    }

    #[test]
    fn a_gain_of_one_percent_is_promoted_no_more_often_than_promised() {
        for n in [7, 12, 24, 60] {
            let seed = 100 + n as u64;
            let promoted = rate(seed, n, LEAST_GAIN, 0.02, Verdict::Faster);
            // 4000 trials know a rate of 0.01 to within 0.005 (three standard errors).
            assert!(promoted <= ALPHA + 0.005, "seed {seed}, {n} pairs: {promoted}");
        }
    }

    #[test]
    fn a_real_gain_is_found() {
        for (n, gain, deviation) in [(24, 0.05, 0.01), (16, 0.10, 0.02), (49, 0.03, 0.01)] {
            let seed = 200 + n as u64;
            let found = rate(seed, n, gain, deviation, Verdict::Faster);
            assert!(found >= 0.85, "seed {seed}, {n} pairs, gain {gain}: found {found}");
        }
    }

    #[test]
    fn a_loss_is_called_one() {
        assert!(rate(3, 24, -0.05, 0.02, Verdict::Slower) >= 0.95);
        assert!(rate(3, 24, -0.05, 0.02, Verdict::Faster) == 0.0);
    }

    #[test]
    fn too_few_pairs_prove_nothing() {
        let gain = Gain::of(&[2.0; LEAST_PAIRS - 1], &[1.0; LEAST_PAIRS - 1]);
        assert_eq!((gain.low, gain.high, gain.verdict()), (0.0, f64::INFINITY, Verdict::Tie));
        let gain = Gain::of(&[2.0; LEAST_PAIRS], &[1.0; LEAST_PAIRS]);
        assert!(gain.low > 1.99 && gain.verdict() == Verdict::Faster);
        assert_eq!(Gain::of(&[], &[]).verdict(), Verdict::Tie);
    }

    #[test]
    fn fastest_samples_that_disagree_with_the_median_make_a_tie() {
        let mut default = vec![1.1; 24];
        default[5] = 0.5;
        assert_eq!(Gain::of(&default, &[1.0; 24]).verdict(), Verdict::Tie);
        assert_eq!(Gain::of(&[1.1; 24], &[1.0; 24]).verdict(), Verdict::Faster);
    }

    #[test]
    fn coins_fall_as_coins_do() {
        assert_eq!(at_most(0, 1), 0.5);
        assert_eq!(at_most(1, 2), 0.75);
        assert_eq!(at_most(9, 9), 1.0);
        assert!((at_most(2, 16) - 137.0 / 65536.0).abs() < 1e-12);
    }

    #[test]
    fn quantiles_interpolate() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0, 5.0], 0.25), 2.0);
        assert!(median(&[]).is_nan());
    }
}
