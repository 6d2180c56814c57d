//! The best scale and bias of one group, and the nearest code of one weight.

/// The levels of a format's codes, sorted.
pub(super) struct Levels {
    /// Level and raw code, ascending.
    sorted: Vec<(f32, u8)>,
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
        let even = sorted.windows(2).all(|pair| pair[1].0 - pair[0].0 == 1.0);
        Self { sorted, even }
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
        let mut best: Option<(f64, Fit)> = None;
        for end in [self.lowest(), self.highest()].into_iter().filter(|end| *end != 0.0) {
            for extreme in extremes.into_iter().filter(|extreme| *extreme != 0.0) {
                if !signs.allow(extreme / end) {
                    continue;
                }
                for step in -8..=8 {
                    let scale = extreme / (end * (1.0 + step as f32 / 48.0));
                    let start = Fit { scale, ..nothing };
                    let fit = self.refined(x, start, Bias::None);
                    if signs.allow(fit.scale) {
                        keep_better(&mut best, self.error(x, &fit), fit);
                    }
                }
            }
        }
        best.map_or(nothing, |(_, fit)| fit)
    }

    /// A bias: the levels span the weights, more or less.
    fn fit_both(&self, x: &[f32], low: f32, high: f32, bias: Bias) -> Fit {
        let range = self.highest() - self.lowest();
        let mut best = None;
        for step in -2..=10 {
            let scale = (high - low) / (range + step as f32 / 8.0 * (range / 8.0).min(1.0));
            let start = Fit { scale, bias: low - scale * self.lowest(), weight: 0.0 };
            let fit = self.refined(x, start, bias);
            keep_better(&mut best, self.error(x, &fit), fit);
        }
        best.map_or(Fit { scale: 0.0, bias: low, weight: 0.0 }, |(_, fit)| fit)
    }

    /// Least squares for the codes that a fit gives.
    fn refined(&self, x: &[f32], fit: Fit, bias: Bias) -> Fit {
        let level = |x: f32| self.sorted[self.place(x - fit.bias, fit.scale)].0;
        let (mut n, mut l, mut ll, mut lx, mut sum) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for x in x {
            let level = level(*x);
            (n, l, ll) = (n + 1.0, l + level, ll + level * level);
            (lx, sum) = (lx + level * x, sum + x);
        }
        let determinant = n * ll - l * l;
        let fitted = match bias {
            Bias::None if ll > 0.0 => Fit { scale: lx / ll, bias: 0.0, weight: ll },
            Bias::Free | Bias::NonPositive if determinant > 0.0 => {
                let scale = (n * lx - l * sum) / determinant;
                Fit { scale, bias: (sum - scale * l) / n, weight: ll }
            }
            _ => Fit { weight: ll, ..fit },
        };
        match bias {
            // The best bias is out of bounds: the best scale without one.
            Bias::NonPositive if fitted.bias > 0.0 && ll > 0.0 => {
                Fit { scale: lx / ll, bias: 0.0, weight: ll }
            }
            _ => fitted,
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
        let error = |x: &f32| {
            let level = self.sorted[self.place(x - fit.bias, fit.scale)].0;
            let error = f64::from(x - fit.bias - fit.scale * level);
            error * error
        };
        x.iter().map(error).sum()
    }
}

fn keep_better(best: &mut Option<(f64, Fit)>, error: f64, fit: Fit) {
    if fit.scale.is_finite() && best.is_none_or(|(least, _)| error < least) {
        *best = Some((error, fit));
    }
}
