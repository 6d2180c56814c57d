//! One and two bits a weight under one f16 scale.

use super::floats::f16;
use super::kquants::strip_crumb;
use super::legacy::bit;

/// `qs[64]; d`: `w = d (q - 1)`. Quantizers store 0, 1, 2; a 3 decodes to 2 d.
pub(super) fn tq2_0(block: &[u8], out: &mut [f32]) {
    let d = f16(&block[64..]);
    for (i, w) in out.iter_mut().enumerate() {
        let q = strip_crumb(&block[..64], i);
        *w = d * (f32::from(q) - 1.0);
    }
}

/// `d; qs[16]`: a bit set is d, a bit clear is -d.
pub(super) fn q1_0(block: &[u8], out: &mut [f32]) {
    let d = f16(block);
    for (i, w) in out.iter_mut().enumerate() {
        *w = if bit(&block[2..18], i) == 1 { d } else { -d };
    }
}

/// `d; qs[16]`: `w = d (q - 1)`, four consecutive weights in a byte.
pub(super) fn q2_0(block: &[u8], out: &mut [f32]) {
    let d = f16(block);
    for (i, w) in out.iter_mut().enumerate() {
        let q = (block[2 + i / 4] >> (2 * (i % 4))) & 3;
        *w = d * (f32::from(q) - 1.0);
    }
}
