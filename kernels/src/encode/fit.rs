//! The best scale and bias of one group, and the nearest code of one weight.

/// The levels of a format's codes, sorted.
pub(super) struct Levels {
    /// Level and raw code, ascending.
    sorted: Vec<(f32, u8)>,
    /// From each level to the next: the middle, and the difference.
    steps: Vec<(f32, f32)>,
    /// Whether levels are one apart, so that the nearest is found by rounding.
    even: bool,
}

/// What a group's bias may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bias {
    None,
    NonPositive,
    Free,
}

/// Which scales a group may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signs {
    Both,
    Positive,
    Negative,
}

impl Signs {
    fn allow(self, scale: f32) -> bool {
        match self {
            Self::Both => true,
            Self::Positive => scale >= 0.0,
            Self::Negative => scale <= 0.0,
        }
    }
}

/// `x = scale * level + bias`, and how much the error depends on the scale.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fit {
    pub(super) scale: f32,
    pub(super) bias: f32,
    pub(super) weight: f32,
}

impl Levels {
    pub(super) fn new(levels: &[f32]) -> Self {
        let mut sorted: Vec<(f32, u8)> =
            levels.iter().enumerate().map(|(raw, level)| (*level, raw as u8)).collect();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let step = |pair: &[(f32, u8)]| ((pair[0].0 + pair[1].0) / 2.0, pair[1].0 - pair[0].0);
        let steps: Vec<(f32, f32)> = sorted.windows(2).map(step).collect();
        let even = steps.iter().all(|(_, difference)| *difference == 1.0);
        Self { sorted, steps, even }
    }

    fn lowest(&self) -> f32 {
        self.sorted[0].0
    }

    fn highest(&self) -> f32 {
        self.sorted[self.sorted.len() - 1].0
    }

    /// Place in `sorted` of the level nearest to `x / scale`.
    fn place(&self, x: f32, scale: f32) -> usize {
        let last = self.sorted.len() - 1;
        let value = if scale == 0.0 { 0.0 } else { x / scale };
        if self.even {
            // A cast of NaN is zero, and casts saturate.
            return ((value - self.lowest()).round() as usize).min(last);
        }
        let above = self.sorted.partition_point(|(level, _)| *level < value).min(last);
        let below = above.saturating_sub(1);
        let nearer = (value - self.sorted[below].0) < (self.sorted[above].0 - value);
        if nearer { below } else { above }
    }

    /// The raw code whose level, times `scale`, is nearest to `x`.
    pub(super) fn nearest(&self, x: f32, scale: f32) -> u8 {
        self.sorted[self.place(x, scale)].1
    }

    /// The scale and bias with the least squared error, searched near the obvious ones.
    pub(super) fn fit(&self, x: &[f32], bias: Bias, signs: Signs) -> Fit {
        let (low, high) = x
            .iter()
            .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), x| (low.min(*x), high.max(*x)));
        match bias {
            Bias::None => self.fit_scale(x, [low, high], signs),
            Bias::NonPositive => self.fit_both(x, low.min(0.0), high.max(0.0), bias),
            Bias::Free => self.fit_both(x, low, high, bias),
        }
    }

    /// No bias: an extreme weight lands near the lowest or the highest level.
    fn fit_scale(&self, x: &[f32], extremes: [f32; 2], signs: Signs) -> Fit {
        let nothing = Fit { scale: 0.0, bias: 0.0, weight: 0.0 };
        let mut best = (0.0, nothing);
        let [low, high] = extremes;
        let larger = if -low > high { low } else { high };
        let smaller = if -low > high { high } else { low };
        // Where there are many levels it is the larger that gets one of the last, for sure.
        let is_sure = signs == Signs::Both && self.sorted.len() > 4;
        let extremes = if is_sure { &[larger][..] } else { &[larger, smaller] };
        for end in [self.lowest(), self.highest()].into_iter().filter(|end| *end != 0.0) {
            for extreme in extremes.iter().filter(|extreme| **extreme != 0.0) {
                if !signs.allow(extreme / end) {
                    continue;
                }
                for step in -8..=8 {
                    let scale = extreme / (end * (1.0 + step as f32 / 48.0));
                    let sums = self.sums(x, &Fit { scale, ..nothing });
                    let fit = sums.fit(Bias::None);
                    // By how much these codes, under their best scale, lower the squared error.
                    let gain = sums.lx * sums.lx / sums.ll;
                    if gain > best.0 && signs.allow(fit.scale) {
                        best = (gain, fit);
                    }
                }
            }
        }
        self.polished(x, best.1, Bias::None, signs)
    }

    /// A bias: the levels span the weights, more or less.
    fn fit_both(&self, x: &[f32], low: f32, high: f32, bias: Bias) -> Fit {
        let range = self.highest() - self.lowest();
        let mut best: Option<(f64, Fit)> = None;
        for step in -2..=10 {
            let scale = (high - low) / (range + step as f32 / 8.0 * (range / 8.0).min(1.0));
            let start = Fit { scale, bias: low - scale * self.lowest(), weight: 0.0 };
            let fit = self.sums(x, &start).fit(bias);
            let fit = if fit.scale.is_finite() && fit.bias.is_finite() { fit } else { start };
            let error = self.error(x, &fit);
            if fit.scale.is_finite() && best.is_none_or(|(least, _)| error < least) {
                best = Some((error, fit));
            }
        }
        let nothing = Fit { scale: 0.0, bias: low, weight: 0.0 };
        self.polished(x, best.map_or(nothing, |(_, fit)| fit), bias, Signs::Both)
    }

    /// One more round: the nearest codes of a fit, and the best fit of those codes.
    fn polished(&self, x: &[f32], fit: Fit, bias: Bias, signs: Signs) -> Fit {
        let again = self.sums(x, &fit).fit(bias);
        let is_allowed = again.scale.is_finite() && signs.allow(again.scale);
        let is_better = is_allowed && self.error(x, &again) < self.error(x, &fit);
        if is_better { again } else { fit }
    }

    /// Sums over the weights and the nearest levels of a fit.
    fn sums(&self, x: &[f32], fit: &Fit) -> Sums {
        match self.even {
            true => Sums::of(x, self.rounding(fit)),
            false => Sums::of(x, self.stepping(fit)),
        }
    }

    /// The nearest of levels that are one apart, without a look at them.
    #[inline(always)]
    fn rounding(&self, fit: &Fit) -> impl Fn(Lanes) -> Lanes {
        /// A float of this size has no bits left for a fraction: adding it rounds.
        const WHOLE: f32 = (3 << 22) as f32;
        let (low, high, bias, per) = (self.lowest(), self.highest(), fit.bias, fit.per());
        move |x| x.map(|x| (((x - bias) * per).clamp(low, high) + WHOLE) - WHOLE)
    }

    /// The nearest level: the lowest, and every step to the next whose middle is passed.
    #[inline(always)]
    fn stepping(&self, fit: &Fit) -> impl Fn(Lanes) -> Lanes {
        let (low, bias, per) = (self.lowest(), fit.bias, fit.per());
        move |x| {
            let value = x.map(|x| (x - bias) * per);
            let mut level = [low; LANES];
            for &(middle, difference) in &self.steps {
                // In bits, which compilers know how to mask.
                let passed = |n: usize| if value[n] >= middle { difference.to_bits() } else { 0 };
                level = std::array::from_fn(|n| level[n] + f32::from_bits(passed(n)));
            }
            level
        }
    }

    /// A fit with the bias that suits its scale best.
    pub(super) fn rebiased(&self, x: &[f32], fit: Fit, bias: Bias) -> Fit {
        if bias == Bias::None || x.is_empty() {
            return fit;
        }
        let rest = |x: &f32| x - fit.scale * self.sorted[self.place(x - fit.bias, fit.scale)].0;
        let mean = x.iter().map(rest).sum::<f32>() / x.len() as f32;
        let bias = if bias == Bias::NonPositive { mean.min(0.0) } else { mean };
        let rebiased = Fit { bias, ..fit };
        if self.error(x, &rebiased) < self.error(x, &fit) { rebiased } else { fit }
    }

    /// The squared error of a fit, with the nearest codes. In `f64`, where squares of the
    /// smallest and of the largest weights still are numbers.
    pub(super) fn error(&self, x: &[f32], fit: &Fit) -> f64 {
        match self.even {
            true => squares(x, fit, self.rounding(fit)),
            false => squares(x, fit, self.stepping(fit)),
        }
    }
}

impl Fit {
    /// The reciprocal of the scale.
    fn per(&self) -> f32 {
        match self.scale {
            0.0 => 0.0,
            // Of the smallest numbers it is infinite, and zero times that is no number.
            scale => (1.0 / scale).clamp(f32::MIN, f32::MAX),
        }
    }
}

/// Weights that are looked at side by side, so that registers are filled.
const LANES: usize = 8;
type Lanes = [f32; LANES];

/// Hands weights to `each` in lanes, and how many of these there are.
#[inline(always)]
fn in_lanes(x: &[f32], mut each: impl FnMut(Lanes, usize)) {
    let (whole, rest) = x.as_chunks::<LANES>();
    for lanes in whole {
        each(*lanes, LANES);
    }
    if !rest.is_empty() {
        let mut lanes = [0.0; LANES];
        lanes[..rest.len()].copy_from_slice(rest);
        each(lanes, rest.len());
    }
}

/// Sums over weights `x` and their levels `l`.
struct Sums {
    n: f64,
    l: f64,
    ll: f64,
    lx: f64,
    x: f64,
}

impl Sums {
    #[inline(always)]
    fn of(x: &[f32], level: impl Fn(Lanes) -> Lanes) -> Self {
        // Levels are integers, and their sums exact.
        let (mut l, mut ll) = ([0.0f32; LANES], [0.0f32; LANES]);
        let (mut lx, mut sum) = ([0.0f64; LANES], [0.0f64; LANES]);
        in_lanes(x, |x, count| {
            let level = level(x);
            for n in 0..count {
                l[n] += level[n];
                ll[n] += level[n] * level[n];
                lx[n] += f64::from(level[n]) * f64::from(x[n]);
                sum[n] += f64::from(x[n]);
            }
        });
        let whole = |lanes: Lanes| lanes.iter().map(|lane| f64::from(*lane)).sum();
        let n = x.len() as f64;
        Self { n, l: whole(l), ll: whole(ll), lx: lx.iter().sum(), x: sum.iter().sum() }
    }

    /// Least squares for these levels.
    fn fit(&self, bias: Bias) -> Fit {
        let Self { n, l, ll, lx, x } = *self;
        let weight = ll as f32;
        let alone = Fit { scale: (lx / ll) as f32, bias: 0.0, weight };
        let determinant = n * ll - l * l;
        if bias == Bias::None || determinant <= 0.0 {
            return alone;
        }
        let scale = (n * lx - l * x) / determinant;
        let fitted = Fit { scale: scale as f32, bias: ((x - scale * l) / n) as f32, weight };
        // Where the best bias is out of bounds: the best scale without one.
        if bias == Bias::NonPositive && fitted.bias > 0.0 { alone } else { fitted }
    }
}

/// The squared error of a fit and its levels.
#[inline(always)]
fn squares(x: &[f32], fit: &Fit, level: impl Fn(Lanes) -> Lanes) -> f64 {
    let mut sums = [0.0f64; LANES];
    in_lanes(x, |x, count| {
        let level = level(x);
        for n in 0..count {
            let error = f64::from(x[n] - fit.bias - fit.scale * level[n]);
            sums[n] += error * error;
        }
    });
    sums.iter().sum()
}
