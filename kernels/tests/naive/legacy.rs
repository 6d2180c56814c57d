//! The first ggml layouts: 32 weights under one f16 scale, some with an f16 minimum.

use super::floats::f16;

/// Nibble `i` of a run whose low nibbles are its first half and whose high nibbles are its second.
pub(super) fn split_nibble(bytes: &[u8], i: usize) -> u8 {
    (bytes[i % bytes.len()] >> (4 * (i / bytes.len()))) & 15
}

/// Bit `i` of a little endian bit string.
pub(super) fn bit(bytes: &[u8], i: usize) -> u8 {
    (bytes[i / 8] >> (i % 8)) & 1
}

/// `d; qs[16]`: `w = d (q - 8)`.
pub(super) fn q4_0(block: &[u8], out: &mut [f32]) {
    let d = f16(block);
    for (i, w) in out.iter_mut().enumerate() {
        let q = split_nibble(&block[2..18], i);
        *w = d * (f32::from(q) - 8.0);
    }
}

/// `d; m; qs[16]`: `w = d q + m`.
pub(super) fn q4_1(block: &[u8], out: &mut [f32]) {
    let (d, m) = (f16(block), f16(&block[2..]));
    for (i, w) in out.iter_mut().enumerate() {
        let q = split_nibble(&block[4..20], i);
        *w = d * f32::from(q) + m;
    }
}

/// `d; qh[4]; qs[16]`: `w = d (q - 16)`, the fifth bits in `qh`.
pub(super) fn q5_0(block: &[u8], out: &mut [f32]) {
    let d = f16(block);
    for (i, w) in out.iter_mut().enumerate() {
        let q = split_nibble(&block[6..22], i) | (bit(&block[2..6], i) << 4);
        *w = d * (f32::from(q) - 16.0);
    }
}

/// `d; m; qh[4]; qs[16]`: `w = d q + m`, the fifth bits in `qh`.
pub(super) fn q5_1(block: &[u8], out: &mut [f32]) {
    let (d, m) = (f16(block), f16(&block[2..]));
    for (i, w) in out.iter_mut().enumerate() {
        let q = split_nibble(&block[8..24], i) | (bit(&block[4..8], i) << 4);
        *w = d * f32::from(q) + m;
    }
}

/// `d; i8 qs[32]`: `w = d q`.
pub(super) fn q8_0(block: &[u8], out: &mut [f32]) {
    let d = f16(block);
    for (i, w) in out.iter_mut().enumerate() {
        *w = d * f32::from(block[2 + i] as i8);
    }
}
