//! Normalization of rows.

use crate::pass::Pass;
use crate::rows::Rows;

/// Root mean square normalization (Zhang and Sennrich 2019): `x / rms(x) * weight`.
#[derive(Debug)]
pub(crate) struct RmsNorm {
    /// `(columns)`
    pub(crate) weight: Vec<f32>,
    /// Added to the mean square.
    pub(crate) epsilon: f32,
}

/// Layer normalization (Ba et al. 2016): mean 0, variance 1, then `* weight + bias`.
#[derive(Debug)]
pub(crate) struct LayerNorm {
    /// `(columns)`
    pub(crate) weight: Vec<f32>,
    /// `(columns)`
    pub(crate) bias: Vec<f32>,
    /// Added to the variance.
    pub(crate) epsilon: f32,
}

impl RmsNorm {
    /// `x (rows, columns)`, normalized.
    pub(crate) fn apply(&self, pass: &Pass<'_>, x: &Rows) -> Rows {
        let mut out = pass.rows_of(x.count(), x.columns());
        pass.each_row(&mut out, |n, out| {
            let x = x.row(n);
            let scale = self.scale(x);
            for ((out, x), weight) in out.iter_mut().zip(x).zip(&self.weight) {
                *out = x * scale * weight;
            }
        });
        out
    }

    /// Normalizes each part of `x (rows, parts * columns)` by itself, such as each head's.
    pub(crate) fn apply_to_parts(&self, pass: &Pass<'_>, x: &mut Rows) {
        pass.each_row(x, |_, row| {
            for part in row.chunks_exact_mut(self.weight.len()) {
                let scale = self.scale(part);
                for (x, weight) in part.iter_mut().zip(&self.weight) {
                    *x = *x * scale * weight;
                }
            }
        });
    }

    fn scale(&self, x: &[f32]) -> f32 {
        1.0 / (sum(x, |x| x * x) / x.len() as f32 + self.epsilon).sqrt()
    }
}

impl LayerNorm {
    /// `x (rows, columns)`, normalized.
    pub(crate) fn apply(&self, pass: &Pass<'_>, x: &Rows) -> Rows {
        let mut out = pass.rows_of(x.count(), x.columns());
        pass.each_row(&mut out, |n, out| {
            let x = x.row(n);
            let mean = sum(x, |x| x) / x.len() as f32;
            let variance = sum(x, |x| (x - mean) * (x - mean)) / x.len() as f32;
            let scale = 1.0 / (variance + self.epsilon).sqrt();
            let weights = self.weight.iter().zip(&self.bias);
            for ((out, x), (weight, bias)) in out.iter_mut().zip(x).zip(weights) {
                *out = (x - mean) * scale * weight + bias;
            }
        });
        out
    }
}

/// The sum of a function of numbers: in lanes, which is faster and more exact than one by one.
#[inline(always)]
pub(crate) fn sum(x: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0; 16];
    let (whole, rest) = x.as_chunks::<16>();
    for part in whole {
        for (lane, x) in lanes.iter_mut().zip(part) {
            *lane += term(*x);
        }
    }
    for (lane, x) in lanes.iter_mut().zip(rest) {
        *lane += term(*x);
    }
    lanes.iter().sum()
}
