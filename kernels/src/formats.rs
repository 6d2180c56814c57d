//! The page of block layouts.
//!
//! Each declaration is the whole truth about its format: file layout, weight equation, and with
//! them kernels for every instruction set, encoder, documentation and tests. Sources: `ggml`
//! (`ggml-common.h`, `ggml-quants.c`) for the layouts of GGUF files; the OCP Microscaling
//! Formats specification for MXFP4.

use crate::Format;
use crate::FormatInfo;
pub use crate::dense::{BF16, F16, F32};
use kernel_macros::quant_format;

/// Every format of this crate, by `ggml_type`.
#[must_use]
pub fn all() -> [&'static FormatInfo; 20] {
    [
        F32::info(),
        F16::info(),
        Q4_0::info(),
        Q4_1::info(),
        Q5_0::info(),
        Q5_1::info(),
        Q8_0::info(),
        Q2_K::info(),
        Q3_K::info(),
        Q4_K::info(),
        Q5_K::info(),
        Q6_K::info(),
        IQ4_NL::info(),
        IQ4_XS::info(),
        BF16::info(),
        TQ2_0::info(),
        MXFP4::info(),
        NVFP4::info(),
        Q1_0::info(),
        Q2_0::info(),
    ]
}

/// The format with a `ggml_type` of GGUF files.
#[must_use]
pub fn by_ggml_type(id: u32) -> Option<&'static FormatInfo> {
    all().into_iter().find(|format| format.ggml_type == Some(id))
}

/// The format with a name, in any case.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static FormatInfo> {
    all().into_iter().find(|format| format.name.eq_ignore_ascii_case(name))
}

quant_format! {
    /// 32 weights, one scale.
    pub struct Q4_0 { d: f16, qs: [u8; 16] }
    ggml_type = 2;
    let q: [u4; 32] = qs.planes(16);
    w[i] = d * (q[i] - 8);
}

quant_format! {
    /// 32 weights, one scale and one minimum.
    pub struct Q4_1 { d: f16, m: f16, qs: [u8; 16] }
    ggml_type = 3;
    let q: [u4; 32] = qs.planes(16);
    w[i] = d * q[i] + m;
}

quant_format! {
    /// 32 weights, one scale; the fifth bits lie apart.
    pub struct Q5_0 { d: f16, qh: [u8; 4], qs: [u8; 16] }
    ggml_type = 6;
    let lo: [u4; 32] = qs.planes(16);
    let hi: [u1; 32] = qh.planes(1);
    let q:  [u5; 32] = lo | hi << 4;
    w[i] = d * (q[i] - 16);
}

quant_format! {
    /// 32 weights, one scale and one minimum; the fifth bits lie apart.
    pub struct Q5_1 { d: f16, m: f16, qh: [u8; 4], qs: [u8; 16] }
    ggml_type = 7;
    let lo: [u4; 32] = qs.planes(16);
    let hi: [u1; 32] = qh.planes(1);
    let q:  [u5; 32] = lo | hi << 4;
    w[i] = d * q[i] + m;
}

quant_format! {
    /// 32 bytes, one scale.
    pub struct Q8_0 { d: f16, qs: [i8; 32] }
    ggml_type = 8;
    w[i] = d * qs[i];
}

quant_format! {
    /// 2-bit K-quant: 16 groups of 16 weights, each with a 4-bit scale and minimum.
    pub struct Q2_K { scales: [u8; 16], qs: [u8; 64], d: f16, dmin: f16 }
    ggml_type = 10;
    let sc: [u4; 16]  = scales.bits(0..4);
    let m:  [u4; 16]  = scales.bits(4..8);
    let q:  [u2; 256] = qs.planes(32);
    w[i] = d * sc[i / 16] * q[i] - dmin * m[i / 16];
}

quant_format! {
    /// 3-bit K-quant: 16 groups of 16 weights with 6-bit scales.
    pub struct Q3_K { hmask: [u8; 32], qs: [u8; 64], scales: [u8; 12], d: f16 }
    ggml_type = 11;
    // Low four bits of the scales in bytes 0..8, then their high two bits in bytes 8..12.
    let sl: [u4; 16] = scales[0..8].planes(8);
    let sh: [u2; 16] = scales[8..12].planes(4);
    let sc: [u6; 16] = sl | sh << 4;
    let lo: [u2; 256] = qs.planes(32);
    let hi: [u1; 256] = hmask.planes(32);
    let q:  [u3; 256] = lo | hi << 2;
    w[i] = d * (sc[i / 16] - 32) * (q[i] - 4);
}

quant_format! {
    /// 4-bit K-quant: 8 groups of 32 weights, each with a 6-bit scale and minimum.
    pub struct Q4_K { d: f16, dmin: f16, scales: [u8; 12], qs: [u8; 128] }
    ggml_type = 12;
    // Groups 0..4 keep their six bits whole. Groups 4..8 keep four bits in the last
    // row of `scales` and borrow the two high bits left over in the first two.
    let sc: [u6; 8]   = [scales[0..4].bits(0..6), scales[8..12].bits(0..4) | scales[0..4].bits(6..8) << 4];
    let m:  [u6; 8]   = [scales[4..8].bits(0..6), scales[8..12].bits(4..8) | scales[4..8].bits(6..8) << 4];
    let q:  [u4; 256] = qs.planes(32);
    w[i] = d * sc[i / 32] * q[i] - dmin * m[i / 32];
}

quant_format! {
    /// 5-bit K-quant: 8 groups of 32 weights, each with a 6-bit scale and minimum.
    pub struct Q5_K { d: f16, dmin: f16, scales: [u8; 12], qh: [u8; 32], qs: [u8; 128] }
    ggml_type = 13;
    let sc: [u6; 8]   = [scales[0..4].bits(0..6), scales[8..12].bits(0..4) | scales[0..4].bits(6..8) << 4];
    let m:  [u6; 8]   = [scales[4..8].bits(0..6), scales[8..12].bits(4..8) | scales[4..8].bits(6..8) << 4];
    let lo: [u4; 256] = qs.planes(32);
    let hi: [u1; 256] = qh.planes(32);
    let q:  [u5; 256] = lo | hi << 4;
    w[i] = d * sc[i / 32] * q[i] - dmin * m[i / 32];
}

quant_format! {
    /// 6-bit K-quant: 16 groups of 16 weights with 8-bit scales.
    pub struct Q6_K { ql: [u8; 128], qh: [u8; 64], scales: [i8; 16], d: f16 }
    ggml_type = 14;
    let lo: [u4; 256] = ql.planes(64);
    let hi: [u2; 256] = qh.planes(32);
    let q:  [u6; 256] = lo | hi << 4;
    w[i] = d * scales[i / 16] * (q[i] - 32);
}

quant_format! {
    /// 4-bit codes into a table of non-linear levels, 32 weights to a scale.
    pub struct IQ4_NL { d: f16, qs: [u8; 16] }
    ggml_type = 20;
    const LEVELS: [i8; 16] = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];
    let q: [u4; 32] = qs.planes(16);
    w[i] = d * LEVELS[q[i]];
}

quant_format! {
    /// The levels of IQ4_NL in blocks of 8 groups of 32 weights with 6-bit scales.
    pub struct IQ4_XS { d: f16, scales_h: [u8; 2], scales_l: [u8; 4], qs: [u8; 128] }
    ggml_type = 23;
    const LEVELS: [i8; 16] = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];
    let sl: [u4; 8]   = scales_l.planes(1);
    let sh: [u2; 8]   = scales_h.planes(1);
    let sc: [u6; 8]   = sl | sh << 4;
    let q:  [u4; 256] = qs.planes(16);
    w[i] = d * (sc[i / 32] - 32) * LEVELS[q[i]];
}

quant_format! {
    /// Ternary weights, two bits each, 256 to a scale.
    pub struct TQ2_0 { qs: [u8; 64], d: f16 }
    ggml_type = 35;
    let q: [u2; 256] = qs.planes(32);
    w[i] = d * (q[i] - 1);
}

quant_format! {
    /// OCP microscaling FP4 (E2M1) with a power-of-two scale per 32 weights.
    pub struct MXFP4 { e: e8m0, qs: [u8; 16] }
    ggml_type = 39;
    /// E2M1, doubled so that every level is an integer.
    const LEVELS: [i8; 16] = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];
    let q: [u4; 32] = qs.planes(16);
    w[i] = 0.5 * e * LEVELS[q[i]];
}

quant_format! {
    /// NVIDIA FP4 (E2M1) with an FP8 scale per 16 weights.
    pub struct NVFP4 { d: [ue4m3; 4], qs: [u8; 32] }
    ggml_type = 40;
    /// E2M1, doubled so that every level is an integer.
    const LEVELS: [i8; 16] = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];
    let q: [u4; 64] = qs.planes(8);
    w[i] = 0.5 * d[i / 16] * LEVELS[q[i]];
}

quant_format! {
    /// One bit a weight, the sign of the scale, 128 to a scale.
    pub struct Q1_0 { d: f16, qs: [u8; 16] }
    ggml_type = 41;
    const SIGNS: [i8; 2] = [-1, 1];
    let q: [u1; 128] = qs.planes(1);
    w[i] = d * SIGNS[q[i]];
}

quant_format! {
    /// Two bits a weight, levels -1 to 2, 64 to a scale.
    pub struct Q2_0 { d: f16, qs: [u8; 16] }
    ggml_type = 42;
    let q: [u2; 64] = qs.planes(1);
    w[i] = d * (q[i] - 1);
}
