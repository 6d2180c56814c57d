//! The small floats that scale a block, decoded by the definition of each.
//!
//! All of them are exact in `f32`, subnormals included, so no rounding hides in here.

use super::rng::Rng;

/// A float as a block stores it. Little endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Float {
    F32,
    F16,
    Bf16,
    /// OCP MX: a power of two, 8 bits of exponent.
    E8m0,
    /// 4 bits of exponent, 3 of mantissa, no sign.
    Ue4m3,
}

/// What an adversarial block's float fields hold. All of it is finite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// Between 2^-9 and 1, of either sign.
    Sane,
    Zero,
    /// As `Sane`, but below zero.
    Negative,
    Denormal,
    /// What f16 can just hold; for E8M0, which reaches beyond f32, 2^96.
    Large,
}

pub(super) fn f32_block(block: &[u8], out: &mut [f32]) {
    out[0] = f32::from_le_bytes([block[0], block[1], block[2], block[3]]);
}

pub(super) fn f16_block(block: &[u8], out: &mut [f32]) {
    out[0] = f16(block);
}

pub(super) fn bf16_block(block: &[u8], out: &mut [f32]) {
    // bf16 is the upper half of an f32.
    out[0] = f32::from_le_bytes([0, 0, block[0], block[1]]);
}

/// IEEE binary16 at the start of `bytes`.
pub(super) fn f16(bytes: &[u8]) -> f32 {
    let bits = u16::from_le_bytes([bytes[0], bytes[1]]);
    let exponent = i32::from((bits >> 10) & 31);
    let mantissa = bits & 1023;
    let magnitude = match exponent {
        0 => f32::from(mantissa) * pow2(-24),
        31 if mantissa == 0 => f32::INFINITY,
        31 => f32::NAN,
        _ => f32::from(1024 + mantissa) * pow2(exponent - 25),
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}

/// Half of E8M0's `2^(e - 127)`, for codebooks that hold every value doubled.
///
/// 0xFF is NaN by OCP MX 1.0; ggml does not look for it and reads half of 2^128.
pub(super) fn e8m0_half(e: u8) -> f32 {
    if e == 0xFF { f32::NAN } else { pow2(i32::from(e) - 128) }
}

/// Half of UE4M3, for codebooks that hold every value doubled.
///
/// 0x7F, the NaN of E4M3, is zero as in ggml. The top bit is ignored, as there, but only after that test:
/// 0xFF is a number.
pub(super) fn ue4m3_half(bits: u8) -> f32 {
    if bits == 0x7F {
        return 0.0;
    }
    let exponent = i32::from((bits >> 3) & 15);
    let mantissa = bits & 7;
    match exponent {
        0 => f32::from(mantissa) * pow2(-10),
        _ => f32::from(8 + mantissa) * pow2(exponent - 11),
    }
}

/// `2^e` for any `e` that f32 can hold, subnormal powers included. `powi` may round; bits do not.
fn pow2(e: i32) -> f32 {
    assert!((-149..=127).contains(&e), "f32 has no 2^{e}");
    f32::from_bits(if e < -126 { 1 << (e + 149) } else { ((e + 127) as u32) << 23 })
}

impl Float {
    /// The bytes of a random value of this type, as `scale` wants it.
    pub(super) fn draw(self, scale: Scale, rng: &mut Rng) -> Vec<u8> {
        match self {
            Float::F32 => ieee(8, 23, scale, rng).to_le_bytes().to_vec(),
            Float::F16 => ieee(5, 10, scale, rng).to_le_bytes()[..2].to_vec(),
            Float::Bf16 => ieee(8, 7, scale, rng).to_le_bytes()[..2].to_vec(),
            Float::E8m0 => vec![match scale {
                // It has neither sign nor zero: the smallest power stands for zero.
                Scale::Sane | Scale::Negative => rng.range(118, 128) as u8,
                Scale::Zero => 0,
                // Halved, these two are the subnormal ones.
                Scale::Denormal => rng.range(0, 2) as u8,
                Scale::Large => 127 + 96,
            }],
            Float::Ue4m3 => vec![match scale {
                Scale::Sane => rng.range(0x18, 0x48) as u8,
                Scale::Zero => 0,
                // It has no sign: its second zero takes the place.
                Scale::Negative => 0x7F,
                Scale::Denormal => rng.range(1, 8) as u8,
                Scale::Large => 0x7E,
            }],
        }
    }
}

/// A random float with a sign and the given bits of exponent and mantissa.
fn ieee(exponent_bits: u32, mantissa_bits: u32, scale: Scale, rng: &mut Rng) -> u32 {
    let bias = (1 << (exponent_bits - 1)) - 1;
    let mantissas = 1 << mantissa_bits;
    let (exponent, mantissa) = match scale {
        Scale::Sane | Scale::Negative => (bias - rng.range(1, 10), rng.range(0, mantissas)),
        Scale::Zero => (0, 0),
        Scale::Denormal => (0, rng.range(1, mantissas)),
        Scale::Large => (bias + 15, mantissas - 1),
    };
    let sign = match scale {
        Scale::Zero => 0,
        Scale::Negative => 1,
        Scale::Sane | Scale::Denormal | Scale::Large => rng.range(0, 2),
    };
    ((((sign << exponent_bits) | exponent) << mantissa_bits) | mantissa) as u32
}
