//! The planar schemes: all codes of a tensor in one blob, a scale for each block in another.
//!
//! A block is a run of the flattened, row-major array; the last may be short, and rows begin
//! where they begin. `w = scale * code`. The scale of a block is its largest magnitude divided by
//! the largest code, or 1 if all of it is zero; a code is `w * (1 / scale)`, clamped, rounded half
//! to even: the arithmetic of the original writer, to the bit.

use std::ops::Range;

/// A planar scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planar {
    /// A signed byte for each element.
    Q8,
    /// Four bits in two's complement, element `2 i` in the low half of byte `i`.
    Q4,
}

impl Planar {
    /// Bytes of data and of aux for so many elements in blocks of `block`.
    pub(super) fn lengths(self, elements: u64, block: u32) -> Option<(u64, u64)> {
        let scales = elements.div_ceil(u64::from(block.max(1)));
        let data = match self {
            Self::Q8 => elements,
            Self::Q4 => elements.div_ceil(2),
        };
        Some((data, scales.checked_mul(4)?))
    }

    /// The codes that the encoder uses.
    fn codes(self) -> Range<f32> {
        match self {
            Self::Q8 => -127.0..127.0,
            Self::Q4 => -8.0..7.0,
        }
    }

    /// The code of element `n`.
    pub(super) fn code(self, data: &[u8], n: usize) -> i8 {
        match self {
            Self::Q8 => data[n] as i8,
            Self::Q4 => ((data[n / 2] >> (4 * (n % 2))) << 4) as i8 >> 4,
        }
    }

    /// Decodes the elements from `first` on.
    pub(super) fn decode(
        self,
        block: usize,
        (data, aux): (&[u8], &[u8]),
        first: usize,
        weights: &mut [f32],
    ) {
        for (n, weight) in (first..).zip(weights) {
            *weight = scale(aux, n / block) * f32::from(self.code(data, n));
        }
    }
}

/// Scale number `n`.
pub(super) fn scale(aux: &[u8], n: usize) -> f32 {
    f32::from_le_bytes([aux[4 * n], aux[4 * n + 1], aux[4 * n + 2], aux[4 * n + 3]])
}

/// Encodes weights, from the start of a block on, to codes and scales. A weight that is not
/// finite has no nearest code and counts as zero.
///
/// # Panics
/// If `block` is zero, or `data` and `aux` do not have exactly the bytes that so many weights
/// need.
pub fn encode(planar: Planar, block: usize, weights: &[f32], data: &mut [u8], aux: &mut [u8]) {
    let (scales, rest) = aux.as_chunks_mut::<4>();
    assert!(rest.is_empty() && scales.len() == weights.len().div_ceil(block), "scales");
    let codes = planar.codes();
    let mut all = weights.chunks(block).zip(scales).flat_map(|(weights, scale)| {
        let finite = |w: &f32| if w.is_finite() { *w } else { 0.0 };
        let most = weights.iter().map(finite).fold(0.0f32, |most, w| most.max(w.abs()));
        let step = if most == 0.0 { 1.0 } else { most / codes.end };
        *scale = step.to_le_bytes();
        // The reciprocal of a subnormal may be infinite, and zero times that no number.
        let per = (1.0 / step).min(f32::MAX);
        let codes = codes.clone();
        weights.iter().map(move |w| {
            (finite(w) * per).clamp(codes.start, codes.end).round_ties_even() as i8 as u8
        })
    });
    match planar {
        Planar::Q8 => {
            assert_eq!(data.len(), weights.len(), "codes");
            data.iter_mut().zip(all).for_each(|(byte, code)| *byte = code);
        }
        Planar::Q4 => {
            assert_eq!(data.len(), weights.len().div_ceil(2), "codes");
            for byte in data {
                let (low, high) = (all.next().unwrap_or(0), all.next().unwrap_or(0));
                *byte = low & 15 | high << 4;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(planar: Planar, block: usize, weights: &[f32]) -> (Vec<u8>, Vec<u8>) {
        let lengths = planar.lengths(weights.len() as u64, block as u32).unwrap();
        let (mut data, mut aux) = (vec![0; lengths.0 as usize], vec![0; lengths.1 as usize]);
        encode(planar, block, weights, &mut data, &mut aux);
        (data, aux)
    }

    fn decoded(planar: Planar, block: usize, blobs: &(Vec<u8>, Vec<u8>), count: usize) -> Vec<f32> {
        let mut weights = vec![f32::NAN; count];
        planar.decode(block, (&blobs.0, &blobs.1), 0, &mut weights);
        weights
    }

    #[test]
    fn codes_are_scaled_by_the_largest_of_their_block() {
        // Blocks of 3: the last has one element.
        let weights = [127.0, -63.5, 0.5, 0.0, 0.0, 0.0, -2.0];
        let (data, aux) = encoded(Planar::Q8, 3, &weights);
        // Half to even: -63.5 to -64, 0.5 to 0.
        assert_eq!(data, [127, -64i8 as u8, 0, 0, 0, 0, -127i8 as u8]);
        assert_eq!((0..3).map(|n| scale(&aux, n)).collect::<Vec<_>>(), [1.0, 1.0, 2.0 / 127.0]);
    }

    #[test]
    fn nibbles_are_twos_complement_low_half_first() {
        let (data, aux) = encoded(Planar::Q4, 64, &[7.0, -1.0, -7.0, 2.5, 3.5]);
        assert_eq!(scale(&aux, 0), 1.0);
        assert_eq!(data, [0xF7, 0x29, 0x04]);
        assert_eq!(decoded(Planar::Q4, 64, &(data, aux), 5), [7.0, -1.0, -7.0, 2.0, 4.0]);
    }

    #[test]
    fn every_weight_is_within_half_a_step() {
        let weights: Vec<f32> =
            (0..333).map(|n| ((n * 7919) % 1000) as f32 / 999.0 - 0.5).collect();
        for (planar, most) in [(Planar::Q8, 127.0), (Planar::Q4, 7.0)] {
            for block in [1, 3, 32, 64, 1000] {
                let blobs = encoded(planar, block, &weights);
                let back = decoded(planar, block, &blobs, weights.len());
                for (n, (w, b)) in weights.iter().zip(&back).enumerate() {
                    let largest = weights[n / block * block..].iter().take(block);
                    let step = largest.fold(0.0f32, |most, w| most.max(w.abs())) / most;
                    assert!((w - b).abs() <= step * 0.5001, "{planar:?} {block} {n}: {w} {b}");
                }
            }
        }
    }

    #[test]
    fn odd_numbers_become_finite_ones() {
        let weights = [f32::NAN, f32::INFINITY, 1e-45, -1.0];
        for planar in [Planar::Q8, Planar::Q4] {
            for block in [1, 4] {
                let blobs = encoded(planar, block, &weights);
                assert!(decoded(planar, block, &blobs, 4).iter().all(|w| w.is_finite()));
            }
        }
    }
}
