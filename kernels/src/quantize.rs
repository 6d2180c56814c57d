//! Rows of floats become int8 quants, scales and sums: class `q8`, and `q8_256` where groups share
//! the scale of the largest number of all.
//!
//! A row takes one pass after the other, and in none of them a group waits for the one before it.
//! In a single pass each group would wait for its maximum, then for a division, then for its
//! quants, longer than all the work takes.

use crate::activations::{GROUP, HALF, LARGEST_SCALE, Row};
use crate::isa::Isa;
use std::sync::atomic::Ordering;

/// Quantizes a row.
///
/// A group with a NaN or an infinity gets the scale NaN, so that the output shows it. A group
/// below 1e-36 counts as zero.
#[inline(always)]
pub(crate) fn quantize_row<I: Isa>(isa: I, row: &mut Row<'_>) {
    let (whole, rest) = row.x.as_chunks::<GROUP>();
    let mut last = [[0.0; GROUP]];
    last.as_flattened_mut()[..rest.len()].copy_from_slice(rest);
    let last = &last[..rest.len().min(1)];
    let groups = whole.len() + last.len();

    let scales = used(row.scales, groups);
    for part in [(0, whole), (whole.len(), last)] {
        for (n, x) in part.1.iter().enumerate() {
            scales[part.0 + n] = isa.largest(x);
        }
    }
    if row.share > 1 {
        for shared in scales.chunks_mut(row.share) {
            let largest = shared.iter().map(|largest| largest.to_bits()).max().unwrap_or(0);
            shared.fill(f32::from_bits(largest));
        }
    }
    // Parts are not known yet; until then their place has what makes quants of numbers.
    let inverses = used(row.parts, groups);
    for (inverse, scale) in inverses.iter_mut().zip(&mut *scales) {
        (*inverse, *scale) = inverse_and_scale(*scale);
    }
    // Without a way out on the way, several are compared at a time.
    if !scales.iter().fold(true, |suits, scale| suits & (*scale <= LARGEST_SCALE)) {
        row.suits_gemm.store(false, Ordering::Relaxed);
    }
    let quants = used(row.quants, groups * GROUP);
    let (of_groups, _) = quants.as_chunks_mut::<GROUP>();
    for part in [(0, whole), (whole.len(), last)] {
        for (n, x) in part.1.iter().enumerate() {
            isa.round(x, inverses[part.0 + n], &mut of_groups[part.0 + n]);
        }
    }
    let sums = used(row.sums, 2 * groups);
    for (sum, quants) in sums.iter_mut().zip(quants.as_chunks::<HALF>().0) {
        *sum = isa.sum_of(quants);
    }
    let (sums, _) = sums.as_chunks::<2>();
    let (half_scales, _) = used(row.half_scales, 2 * groups).as_chunks_mut::<2>();
    let (half_parts, _) = used(row.half_parts, 2 * groups).as_chunks_mut::<2>();
    for group in 0..groups {
        let (scale, [first, second]) = (scales[group], sums[group]);
        half_scales[group] = [scale; 2];
        half_parts[group] = [scale * first as f32, scale * second as f32];
        inverses[group] = scale * (first + second) as f32;
    }
}

/// The first of some values; zeros in place of what a longer row left behind.
#[inline(always)]
fn used<T: Default + Copy>(values: &mut [T], count: usize) -> &mut [T] {
    let (used, beyond) = values.split_at_mut(count);
    beyond.fill(T::default());
    used
}

/// What makes quants of numbers up to `largest`, and numbers of these quants.
#[inline(always)]
fn inverse_and_scale(largest: f32) -> (f32, f32) {
    /// All but the last two bits: with 22, three halves of a scale are exact.
    const BITS: u32 = !3;
    const LEAST: f32 = 1e-36;
    let finite = largest < f32::INFINITY;
    let inverse = if finite && largest >= LEAST { 127.0 / largest } else { 0.0 };
    let scale = f32::from_bits((largest / 127.0).to_bits() & BITS);
    (inverse, if finite { scale } else { f32::NAN })
}
