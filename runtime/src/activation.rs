//! Functions that a feed-forward network bends its numbers with, and the exponential they need.
//!
//! Plain Rust without branches or calls, so that the compiler computes several numbers at a time.
//! Loops over many numbers are compiled for several kinds of CPU; the one at hand decides which is
//! run. All give the same numbers: nothing is fused or reordered.

use crate::norm::sum;
use multiversion::multiversion;

/// What numbers are bent with. By value: a call through a reference is one more function, which
/// the compiler does not always inline into such loops.
pub(crate) trait Function: Fn(f32) -> f32 + Copy + Sync {}

impl<F: Fn(f32) -> f32 + Copy + Sync> Function for F {}

/// `x = function(x)`, number by number.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
pub(crate) fn map<F: Function>(x: &mut [f32], function: F) {
    x.iter_mut().for_each(|x| *x = function(*x));
}

/// `x = function(x) * y`, number by number.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
pub(crate) fn gate<F: Function>(x: &mut [f32], y: &[f32], function: F) {
    x.iter_mut().zip(y).for_each(|(x, y)| *x = function(*x) * y);
}

/// `to += x`, number by number.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
pub(crate) fn add(to: &mut [f32], x: &[f32]) {
    to.iter_mut().zip(x).for_each(|(to, x)| *to += x);
}

/// `x *= factor`, number by number.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
pub(crate) fn scale(x: &mut [f32], factor: f32) {
    x.iter_mut().for_each(|x| *x *= factor);
}

/// The largest number.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
pub(crate) fn maximum(x: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; 16];
    let (whole, rest) = x.as_chunks::<16>();
    for part in whole {
        for (lane, x) in lanes.iter_mut().zip(part) {
            *lane = if *x > *lane { *x } else { *lane };
        }
    }
    let lanes = lanes.iter().chain(rest);
    lanes.fold(f32::NEG_INFINITY, |most, x| if *x > most { *x } else { most })
}

/// `x = e^(x - most)`, number by number, and the sum of that.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
pub(crate) fn exp_and_sum(x: &mut [f32], most: f32) -> f32 {
    x.iter_mut().for_each(|x| *x = exp(*x - most));
    sum(x, |x| x)
}

/// `e^x` within two units in the last place; 0 below -87.3, infinite above 88.7, NaN of NaN.
///
/// `x = n ln 2 + r` with `|r| <= ln 2 / 2`; `2^n` is made of bits, and `e^r` is the polynomial of
/// the Cephes library (`expf`, Moshier).
#[inline(always)]
#[must_use]
pub fn exp(x: f32) -> f32 {
    /// Adding it to a number below 2^22 leaves the nearest integer in the low bits.
    const ROUND: f32 = 12_582_912.0;
    /// `ln 2` in two parts, the first with few bits, so that `n * HIGH` is exact.
    const HIGH: f32 = 0.693_359_4;
    const LOW: f32 = -2.121_944_4e-4;
    const LEAST: f32 = -87.3;
    const MOST: f32 = 88.722_83;
    let inside = x.clamp(LEAST, MOST);
    let shifted = inside * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = inside - n * HIGH - n * LOW;
    let mut y = 1.987_569_1e-4;
    for c in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        y = y * r + c;
    }
    let y = y * r * r + r + 1.0;
    // 2^n in two factors: for the largest x, n is 128, which one exponent does not hold.
    let bits = shifted.to_bits().wrapping_sub(ROUND.to_bits()) as i32;
    let half = bits >> 1;
    // Wrapping, because a check for overflow is a branch.
    let power = |n: i32| f32::from_bits((n.wrapping_add(127) as u32) << 23);
    let y = y * power(half) * power(bits.wrapping_sub(half));
    let y = if x < LEAST { 0.0 } else { y };
    if x > MOST { f32::INFINITY } else { y }
}

/// `1 / (1 + e^-x)`.
#[inline(always)]
#[must_use]
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// `x sigmoid(x)` (Elfwing et al. 2017), also called swish.
#[inline(always)]
#[must_use]
pub fn silu(x: f32) -> f32 {
    x * sigmoid(x)
}

/// The hyperbolic tangent, within 1e-7 of 1.
#[inline(always)]
#[must_use]
pub fn tanh(x: f32) -> f32 {
    1.0 - 2.0 / (exp(2.0 * x) + 1.0)
}

/// The Gaussian error linear unit in its tanh form (Hendrycks and Gimpel 2016, section 2).
#[inline(always)]
#[must_use]
pub fn gelu(x: f32) -> f32 {
    /// `sqrt(2 / pi)`.
    const SCALE: f32 = 0.797_884_6;
    // x / 2 (1 + tanh(y)) = x sigmoid(2 y)
    x * sigmoid(2.0 * SCALE * x * (1.0 + 0.044_715 * x * x))
}

/// The Gaussian error linear unit (Hendrycks and Gimpel 2016): `x / 2 (1 + erf(x / sqrt(2)))`.
///
/// The error function is formula 7.1.26 of Abramowitz and Stegun, within 1.5e-7.
#[inline(always)]
#[must_use]
pub fn gelu_exact(x: f32) -> f32 {
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let mut y = 1.061_405_4;
    for c in [-1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6] {
        y = y * t + c;
    }
    // 1 - erf(z)
    let rest = y * t * exp(-z * z);
    0.5 * if x < 0.0 { x * rest } else { x * (2.0 - rest) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers() -> impl Iterator<Item = f32> {
        (-200_000..200_000).map(|n| n as f32 / 2000.0 + 1e-4)
    }

    #[test]
    fn the_exponential_is_within_two_units_in_the_last_place() {
        for x in numbers().filter(|x| (-87.3..=88.7).contains(x)) {
            let (got, want) = (f64::from(exp(x)), f64::from(x).exp());
            let bound = 2.0 * f64::from(f32::EPSILON) * want;
            assert!((got - want).abs() <= bound, "exp({x}) = {got}, not {want}");
        }
        assert_eq!(exp(0.0), 1.0);
        assert_eq!([exp(-90.0), exp(f32::NEG_INFINITY)], [0.0, 0.0]);
        assert_eq!([exp(89.0), exp(f32::INFINITY)], [f32::INFINITY; 2]);
        assert!(exp(f32::NAN).is_nan());
    }

    /// By its series where that converges well, else by the continued fraction of `1 - erf`.
    fn erf(z: f64) -> f64 {
        if z.abs() > 2.0 {
            let rest = (1..100).rev().fold(0.0, |f, n| f64::from(n) / 2.0 / (z.abs() + f));
            let rest = (-z * z).exp() / std::f64::consts::PI.sqrt() / (z.abs() + rest);
            return z.signum() * (1.0 - rest);
        }
        let (mut term, mut sum) = (z, z);
        for n in 1..100 {
            term *= -z * z / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        2.0 / std::f64::consts::PI.sqrt() * sum
    }

    #[test]
    fn activations_are_what_their_papers_say() {
        for x in numbers() {
            let wide = f64::from(x);
            let s = 1.0 / (1.0 + (-wide).exp());
            let near = |got: f32, want: f64| {
                (f64::from(got) - want).abs() <= 8.0 * f64::from(f32::EPSILON) * (1.0 + want.abs())
            };
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (wide + 0.044_715 * wide.powi(3));
            assert!(near(silu(x), wide * s), "silu({x})");
            assert!(near(tanh(x), wide.tanh()), "tanh({x})");
            assert!(near(gelu_exact(x), 0.5 * wide * (1.0 + erf(wide / 2f64.sqrt()))), "gelu({x})");
            assert!(near(gelu(x), 0.5 * wide * (1.0 + inner.tanh())), "gelu({x})");
        }
    }
}
