//! The float types that blocks are made of, decoded from their little-endian bytes.

use half::slice::HalfFloatSliceExt;

/// IEEE 754 binary16.
#[must_use]
pub fn f16(bytes: [u8; 2]) -> f32 {
    half::f16::from_le_bytes(bytes).to_f32()
}

/// bfloat16: the upper half of an `f32`.
#[must_use]
pub fn bf16(bytes: [u8; 2]) -> f32 {
    half::bf16::from_le_bytes(bytes).to_f32()
}

/// IEEE 754 binary32.
#[must_use]
pub fn f32(bytes: [u8; 4]) -> f32 {
    f32::from_le_bytes(bytes)
}

/// A power of two, `2^(e - 127)`; 0xFF is NaN (OCP Microscaling Formats, section 5.4.1).
#[must_use]
pub fn e8m0(e: u8) -> f32 {
    match e {
        0 => f32::from_bits(1 << 22),
        0xFF => f32::NAN,
        e => f32::from_bits(u32::from(e) << 23),
    }
}

/// Unsigned E4M3 as in ggml's NVFP4: bit 7 is ignored, and 0x7F (NaN in E4M3) stands for zero.
#[must_use]
pub fn ue4m3(byte: u8) -> f32 {
    /// Moves the exponent bias from 7 to 127; also makes subnormals of subnormals.
    const REBIAS: f32 = f32::from_bits((127 + 120) << 23);
    match byte {
        0x7F => 0.0,
        byte => f32::from_bits(u32::from(byte & 0x7F) << 20) * REBIAS,
    }
}

/// The `f16` bytes nearest to a value that is to be a scale: finite, whatever the value.
#[must_use]
pub fn to_f16(value: f32) -> [u8; 2] {
    half::f16::from_f32(clamp(value, half::f16::MAX.to_f32())).to_le_bytes()
}

/// [`to_f16`] of several values, which CPUs convert at once.
#[must_use]
pub fn to_f16s<const N: usize>(values: &[f32; N]) -> [[u8; 2]; N] {
    let (mut clamped, mut halves, mut bytes) = ([0.0; N], [half::f16::ZERO; N], [[0; 2]; N]);
    let most = half::f16::MAX.to_f32();
    clamped.iter_mut().zip(values).for_each(|(to, value)| *to = clamp(*value, most));
    halves.convert_from_f32_slice(&clamped);
    bytes.iter_mut().zip(halves).for_each(|(to, half)| *to = half.to_le_bytes());
    bytes
}

/// The `bf16` bytes nearest to a value that is to be a scale: finite, whatever the value.
#[must_use]
pub fn to_bf16(value: f32) -> [u8; 2] {
    half::bf16::from_f32(clamp(value, half::bf16::MAX.to_f32())).to_le_bytes()
}

/// The E8M0 byte nearest to a value in the ratio; at least 2^-127.
#[must_use]
pub fn to_e8m0(value: f32) -> u8 {
    nearest(value, 0..=0xFE, e8m0)
}

/// The UE4M3 byte nearest to a value; values below zero become zero.
#[must_use]
pub fn to_ue4m3(value: f32) -> u8 {
    nearest(value, 0..=0x7E, ue4m3)
}

/// A value as kernels of class `bf16` see it: the nearest bfloat16, half to even. NaN stays NaN,
/// and what is beyond the largest bfloat16 becomes infinite.
#[must_use]
#[inline]
pub fn rounded_to_bf16(value: f32) -> f32 {
    const UPPER: u32 = 0xFFFF_0000;
    const QUIET: u32 = 1 << 22;
    let bits = value.to_bits();
    let rounded = bits.wrapping_add(0x7FFF + (bits >> 16 & 1));
    f32::from_bits(UPPER & if value.is_nan() { bits | QUIET } else { rounded })
}

#[inline]
fn clamp(value: f32, most: f32) -> f32 {
    if value.is_nan() { 0.0 } else { value.clamp(-most, most) }
}

/// Of bytes that decode in ascending order, the one nearest to `value`.
fn nearest(value: f32, bytes: std::ops::RangeInclusive<u8>, decode: fn(u8) -> f32) -> u8 {
    let (mut low, mut high) = (*bytes.start(), *bytes.end());
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if decode(middle) <= value { low = middle } else { high = middle }
    }
    if value - decode(low) <= decode(high) - value { low } else { high }
}
