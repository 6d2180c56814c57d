//! Four-bit codes that index a table of sixteen values.

use super::floats::{e8m0_half, f16, ue4m3_half};
use super::legacy::split_nibble;

/// IQ4_NL's sixteen levels: dense near zero, as weights are.
const IQ4: [i8; 16] = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

/// Twice the values of E2M1 (OCP MX 1.0), to be whole. Its -0 is 0, as in ggml.
const E2M1_DOUBLED: [i8; 16] = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

/// The value of code `i` of a split run.
fn look_up(table: &[i8; 16], bytes: &[u8], i: usize) -> f32 {
    f32::from(table[usize::from(split_nibble(bytes, i))])
}

/// `d; qs[16]`: `w = d kv[q]`.
pub(super) fn iq4_nl(block: &[u8], out: &mut [f32]) {
    let d = f16(block);
    for (i, w) in out.iter_mut().enumerate() {
        *w = d * look_up(&IQ4, &block[2..18], i);
    }
}

/// `d; u16 scales_h; scales_l[4]; qs[128]`: `w = d (sc - 32) kv[q]` per 32, four bits of a scale in
/// `scales_l`, two in `scales_h`.
pub(super) fn iq4_xs(block: &[u8], out: &mut [f32]) {
    let d = f16(block);
    let scales_h = u16::from_le_bytes([block[2], block[3]]);
    for (i, w) in out.iter_mut().enumerate() {
        let j = i / 32;
        let low = (block[4 + j / 2] >> (4 * (j % 2))) & 15;
        let high = ((scales_h >> (2 * j)) & 3) as u8;
        let sc = f32::from(low | (high << 4)) - 32.0;
        *w = d * sc * look_up(&IQ4, &block[8 + 16 * j..][..16], i % 32);
    }
}

/// `e; qs[16]`: `w = 2^(e - 127) E2M1(q)`.
pub(super) fn mxfp4(block: &[u8], out: &mut [f32]) {
    let d = e8m0_half(block[0]);
    for (i, w) in out.iter_mut().enumerate() {
        *w = d * look_up(&E2M1_DOUBLED, &block[1..17], i);
    }
}

/// `ue4m3 d[4]; qs[32]`: `w = d E2M1(q)` per 16, each 16 split over 8 bytes.
pub(super) fn nvfp4(block: &[u8], out: &mut [f32]) {
    for (i, w) in out.iter_mut().enumerate() {
        let j = i / 16;
        let d = ue4m3_half(block[j]);
        *w = d * look_up(&E2M1_DOUBLED, &block[4 + 8 * j..][..8], i % 16);
    }
}
