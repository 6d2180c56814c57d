//! Rotary position embedding (Su et al. 2021, RoFormer), and the ways to stretch it.
//!
//! Pairs of a head's numbers are turned by an angle that grows with the position:
//! `angle(position, i) = position * base^(-2 i / n)` for pair `i` of `n / 2`. Numbers past the
//! first `n` of a head stay as they are. Angles are computed in f64, once per forward pass.

use std::f64::consts::PI;

use crate::pass::Pass;
use crate::rows::Rows;

/// Which numbers are a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// `2 i` and `2 i + 1`. Of the llama family, whose GGUF files have rows of the query and key
    /// weights in this order.
    Adjacent,
    /// `i` and `i + n / 2`, as in GPT-NeoX.
    Halves,
}

/// How angles are fitted to contexts longer than those of the training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scaling {
    /// Not at all.
    None,
    /// Positions divided by a factor (Chen et al. 2023, position interpolation).
    Linear {
        /// How much longer.
        factor: f64,
    },
    /// Slow pairs as with `Linear`, fast ones as they are, those between mixed (Peng et al. 2023,
    /// YaRN, section 3).
    Yarn {
        /// How much longer.
        factor: f64,
        /// Positions of the training.
        original: f64,
        /// Turns within `original` above which a pair is fast (32 in the paper).
        fast: f64,
        /// Turns within `original` below which a pair is slow (1 in the paper).
        slow: f64,
    },
}

/// The rotation of one kind of layer.
#[derive(Clone, Debug)]
pub(crate) struct Rope {
    order: Order,
    /// Angle per position, for each pair.
    frequencies: Vec<f64>,
    /// Rotated numbers are multiplied by it.
    magnitude: f64,
}

/// Numbers from which a [`Rope`] is made.
#[derive(Clone, Debug)]
pub(crate) struct RopeConfig {
    /// Which numbers are a pair.
    pub(crate) order: Order,
    /// Numbers of a head that are turned; even.
    pub(crate) dimensions: usize,
    /// `base` of the module's formula.
    pub(crate) base: f64,
    /// For long contexts.
    pub(crate) scaling: Scaling,
    /// Divides the frequency of each pair; none, or `dimensions / 2` numbers. How llama 3.1 and
    /// Phi 3 stretch theirs, computed when the file was made.
    pub(crate) factors: Option<Vec<f32>>,
    /// Rotated numbers are multiplied by it, besides what the scaling does.
    pub(crate) magnitude: f64,
}

impl Rope {
    pub(crate) fn new(config: &RopeConfig) -> Self {
        let n = config.dimensions as f64;
        let pairs = config.dimensions / 2;
        let factor = |i: usize| config.factors.as_ref().map_or(1.0, |f| f64::from(f[i]));
        let plain = |i: usize| config.base.powf(-2.0 * i as f64 / n) / factor(i);
        let (frequencies, magnitude) = match config.scaling {
            Scaling::None => ((0..pairs).map(plain).collect(), 1.0),
            Scaling::Linear { factor } => ((0..pairs).map(|i| plain(i) / factor).collect(), 1.0),
            Scaling::Yarn { factor, original, fast, slow } => {
                // The pair that makes so many turns within the original context.
                let pair = |turns: f64| {
                    n * (original / (turns * 2.0 * PI)).ln() / (2.0 * config.base.ln())
                };
                let first = pair(fast).floor().max(0.0);
                let last = pair(slow).ceil().min(n - 1.0);
                let mixed = |i: usize| {
                    let slowness = ((i as f64 - first) / (last - first).max(1e-3)).clamp(0.0, 1.0);
                    plain(i) * (1.0 - slowness) + plain(i) / factor * slowness
                };
                ((0..pairs).map(mixed).collect(), 1.0 + 0.1 * factor.ln())
            }
        };
        Self { order: config.order, frequencies, magnitude: magnitude * config.magnitude }
    }

    /// Sines and cosines for the positions of a pass.
    pub(crate) fn angles(&self, pass: &Pass<'_>) -> Angles {
        let pairs = self.frequencies.len();
        let mut table = pass.rows(2 * pairs);
        let positions = pass.positions();
        pass.each_row(&mut table, |n, row| {
            let (cos, sin) = row.split_at_mut(pairs);
            for ((cos, sin), frequency) in cos.iter_mut().zip(sin).zip(&self.frequencies) {
                let (s, c) = (positions[n] as f64 * frequency).sin_cos();
                *cos = (c * self.magnitude) as f32;
                *sin = (s * self.magnitude) as f32;
            }
        });
        Angles { order: self.order, table }
    }
}

/// Sines and cosines of a pass.
#[derive(Debug)]
pub(crate) struct Angles {
    order: Order,
    /// `(rows, cosine and then sine of each pair)`
    table: Rows,
}

impl Angles {
    /// Turns the heads, of `size` numbers each, in every row of `x (rows, heads * size)`.
    pub(crate) fn rotate(&self, pass: &Pass<'_>, x: &mut Rows, size: usize) {
        let pairs = self.table.columns() / 2;
        pass.each_row(x, |n, row| {
            let (cos, sin) = self.table.row(n).split_at(pairs);
            let heads = row.chunks_exact_mut(size);
            match self.order {
                Order::Adjacent => heads.for_each(|head| turn_adjacent(head, cos, sin)),
                Order::Halves => heads.for_each(|head| turn_halves(head, cos, sin)),
            }
        });
    }
}

fn turn_adjacent(head: &mut [f32], cos: &[f32], sin: &[f32]) {
    for ((pair, cos), sin) in head.as_chunks_mut::<2>().0.iter_mut().zip(cos).zip(sin) {
        let [a, b] = *pair;
        *pair = [a * cos - b * sin, a * sin + b * cos];
    }
}

fn turn_halves(head: &mut [f32], cos: &[f32], sin: &[f32]) {
    let (first, second) = head[..2 * cos.len()].split_at_mut(cos.len());
    for (((a, b), cos), sin) in first.iter_mut().zip(second).zip(cos).zip(sin) {
        (*a, *b) = (*a * cos - *b * sin, *a * sin + *b * cos);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(scaling: Scaling) -> RopeConfig {
        RopeConfig {
            order: Order::Halves,
            dimensions: 64,
            base: 10_000.0,
            scaling,
            factors: None,
            magnitude: 1.0,
        }
    }

    #[test]
    fn yarn_keeps_fast_pairs_and_stretches_slow_ones() {
        let plain = Rope::new(&config(Scaling::None));
        let scaling = Scaling::Yarn { factor: 4.0, original: 2048.0, fast: 32.0, slow: 1.0 };
        let yarn = Rope::new(&config(scaling));
        assert_eq!(yarn.frequencies[0], plain.frequencies[0]);
        assert_eq!(yarn.frequencies[31], plain.frequencies[31] / 4.0);
        let between = yarn.frequencies[14] / plain.frequencies[14];
        assert!(between > 0.25 && between < 1.0, "{between}");
        // YaRN, equation 22: sqrt(1 / t) = 0.1 ln(s) + 1.
        assert!((yarn.magnitude - 1.138_629).abs() < 1e-6);
    }

    #[test]
    fn both_orders_turn_by_the_same_angle() {
        let (sin, cos) = 0.3f32.sin_cos();
        let mut adjacent = [1.0, 2.0, 3.0, 4.0, 9.0];
        turn_adjacent(&mut adjacent, &[cos, 1.0], &[sin, 0.0]);
        let mut halves = [1.0, 3.0, 2.0, 4.0, 9.0];
        turn_halves(&mut halves, &[cos, 1.0], &[sin, 0.0]);
        assert_eq!(adjacent, [cos - 2.0 * sin, sin + 2.0 * cos, 3.0, 4.0, 9.0]);
        assert_eq!(halves, [adjacent[0], 3.0, adjacent[1], 4.0, 9.0]);
    }
}
