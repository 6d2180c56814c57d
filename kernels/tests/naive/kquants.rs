//! The K-quants: 256 weights, whose groups of 16 or 32 have integer scales under one f16 super-scale.

use super::floats::f16;
use super::legacy::split_nibble;

/// Two-bit code `i` of 256 in 64 bytes: 32 bytes hold 128 codes, 32 consecutive ones at each shift.
pub(super) fn strip_crumb(bytes: &[u8], i: usize) -> u8 {
    let (half, group, j) = (i / 128, i % 128 / 32, i % 32);
    (bytes[32 * half + j] >> (2 * group)) & 3
}

/// Scale and minimum of group `j` of 8: six bits each, the upper two of the last four groups put where the
/// first four leave room.
fn q4_k_scale_min(s: &[u8], j: usize) -> (u8, u8) {
    if j < 4 {
        (s[j] & 63, s[j + 4] & 63)
    } else {
        ((s[j + 4] & 15) | ((s[j - 4] >> 6) << 4), (s[j + 4] >> 4) | ((s[j] >> 6) << 4))
    }
}

/// Scale of group `j` of 16: four low bits from nibbles, two high bits from the last four bytes, less 32.
fn q3_k_scale(s: &[u8], j: usize) -> f32 {
    let low = split_nibble(&s[..8], j);
    let high = (s[8 + j % 4] >> (2 * (j / 4))) & 3;
    f32::from(low | (high << 4)) - 32.0
}

/// `scales[16]; qs[64]; d; dmin`: `w = d sc q - dmin m`, scale and minimum a nibble each per 16.
pub(super) fn q2_k(block: &[u8], out: &mut [f32]) {
    let (d, dmin) = (f16(&block[80..]), f16(&block[82..]));
    for (i, w) in out.iter_mut().enumerate() {
        let (sc, m) = (block[i / 16] & 15, block[i / 16] >> 4);
        let q = strip_crumb(&block[16..80], i);
        *w = d * f32::from(sc) * f32::from(q) - dmin * f32::from(m);
    }
}

/// `hmask[32]; qs[64]; scales[12]; d`: `w = d sc q`, q of three bits less 4; the top one is in `hmask`,
/// a bit plane per 32 weights.
pub(super) fn q3_k(block: &[u8], out: &mut [f32]) {
    let d = f16(&block[108..]);
    for (i, w) in out.iter_mut().enumerate() {
        let sc = q3_k_scale(&block[96..108], i / 16);
        let high = (block[i % 32] >> (i / 32)) & 1;
        let q = strip_crumb(&block[32..96], i) | (high << 2);
        *w = d * sc * (f32::from(q) - 4.0);
    }
}

/// `d; dmin; scales[12]; qs[128]`: `w = d sc q - dmin m` per 32; 64 weights are split over 32 bytes.
pub(super) fn q4_k(block: &[u8], out: &mut [f32]) {
    let (d, dmin) = (f16(block), f16(&block[2..]));
    for (i, w) in out.iter_mut().enumerate() {
        let (sc, m) = q4_k_scale_min(&block[4..16], i / 32);
        let run = &block[16 + 32 * (i / 64)..][..32];
        let q = split_nibble(run, i % 64);
        *w = d * f32::from(sc) * f32::from(q) - dmin * f32::from(m);
    }
}

/// `d; dmin; scales[12]; qh[32]; qs[128]`: Q4_K with a fifth bit, a bit plane of `qh` per 32 weights.
pub(super) fn q5_k(block: &[u8], out: &mut [f32]) {
    let (d, dmin) = (f16(block), f16(&block[2..]));
    for (i, w) in out.iter_mut().enumerate() {
        let (sc, m) = q4_k_scale_min(&block[4..16], i / 32);
        let run = &block[48 + 32 * (i / 64)..][..32];
        let high = (block[16 + i % 32] >> (i / 32)) & 1;
        let q = split_nibble(run, i % 64) | (high << 4);
        *w = d * f32::from(sc) * f32::from(q) - dmin * f32::from(m);
    }
}

/// `ql[128]; qh[64]; i8 scales[16]; d`: `w = d sc (q - 32)` per 16; 128 weights are split over 64 bytes
/// of `ql`, their upper two bits are 32-wide strips of `qh`.
pub(super) fn q6_k(block: &[u8], out: &mut [f32]) {
    let d = f16(&block[208..]);
    for (i, w) in out.iter_mut().enumerate() {
        let sc = block[192 + i / 16] as i8;
        let run = &block[64 * (i / 128)..][..64];
        let q = split_nibble(run, i % 128) | (strip_crumb(&block[128..192], i) << 4);
        *w = d * f32::from(sc) * (f32::from(q) - 32.0);
    }
}
