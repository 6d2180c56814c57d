//! Blocks to time and to check with, of any format, drawn from its layout alone.

use kernels::FormatInfo;
use kernels::layout::Kind;

use crate::rng::Rng;

/// What floats a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Scales as in a trained model, codes at random.
    Usual,
    /// Zero, negative, denormal and large scales in turn, with random codes, all zeros, all ones.
    Adversarial,
}

/// `count` blocks of a format. Every weight in them is finite.
#[must_use]
pub fn blocks(format: &FormatInfo, count: usize, style: Style, rng: &mut Rng) -> Vec<u8> {
    (0..count).flat_map(|n| block(format, n, style, rng)).collect()
}

/// `count` numbers like a model's activations: normal, and one in 64 is an outlier.
#[must_use]
pub fn activations(count: usize, rng: &mut Rng) -> Vec<f32> {
    let mut draw = || (rng.normal() * if rng.below(64) == 0 { 20.0 } else { 1.0 }) as f32;
    (0..count).map(|_| draw()).collect()
}

fn block(format: &FormatInfo, n: usize, style: Style, rng: &mut Rng) -> Vec<u8> {
    // Three payloads and five scales share no factor: fifteen blocks in a row meet all pairs.
    let payload = match (style, n % 3) {
        (Style::Adversarial, 1) => Some(0x00),
        (Style::Adversarial, 2) => Some(0xFF),
        _ => None,
    };
    let mut block: Vec<u8> =
        (0..format.block_bytes).map(|_| payload.unwrap_or_else(|| rng.byte())).collect();
    let Some(layout) = format.layout else {
        finite(format, &mut block, rng);
        return block;
    };
    for field in layout.fields {
        let (width, sane) = float_bytes(field.kind, rng);
        if width == 0 {
            continue;
        }
        for at in (0..field.count).map(|element| field.offset + element * width) {
            let bits = match style {
                Style::Usual => sane,
                Style::Adversarial => special(field.kind, n % 5).unwrap_or(sane),
            };
            block[at..at + width].copy_from_slice(&bits.to_le_bytes()[..width]);
        }
    }
    block
}

/// Bytes of a float field's element, 0 if the kind is no float, and a moderate value's bits.
fn float_bytes(kind: Kind, rng: &mut Rng) -> (usize, u32) {
    match kind {
        // 2^-9 to 2^-5, any fraction.
        Kind::F16 => (2, ((6 + rng.below(4) as u32) << 10) | rng.below(1 << 10) as u32),
        Kind::Bf16 => (2, ((118 + rng.below(4) as u32) << 7) | rng.below(1 << 7) as u32),
        Kind::F32 => (4, ((118 + rng.below(4) as u32) << 23) | rng.below(1 << 23) as u32),
        Kind::E8m0 => (1, 118 + rng.below(4) as u32),
        // Its exponents end at 2^-6.
        Kind::Ue4m3 => (1, 8 + rng.below(24) as u32),
        Kind::U8 | Kind::I8 | Kind::U16 | Kind::U32 => (0, 0),
    }
}

/// Zero, negative, smallest denormal, large; `None` for the usual.
fn special(kind: Kind, which: usize) -> Option<u32> {
    let bits = match kind {
        Kind::F16 => [0, 0xA666, 0x0001, 0x7BFF],
        Kind::Bf16 => [0, 0xBC4D, 0x0001, 0x461C],
        Kind::F32 => [0, 0xBC4C_CCCD, 0x0000_0001, 0x461C_4000],
        // No sign and no zero: 2^-127, 2^-37, 1, 2^13.
        Kind::E8m0 => [0, 90, 127, 140],
        Kind::Ue4m3 => [0, 8, 1, 0x7E],
        Kind::U8 | Kind::I8 | Kind::U16 | Kind::U32 => return None,
    };
    bits.get(which).copied()
}

/// A format without a layout says nothing about its bytes: redraws those that decode to something
/// wild until none does.
fn finite(format: &FormatInfo, block: &mut [u8], rng: &mut Rng) {
    /// Dense formats hold a weight in one or two tries in three; a scale shared by a block too.
    const TRIES: usize = 1000;
    let mut weights = vec![0.0; format.block_len];
    for _ in 0..TRIES {
        let decoded = format.dequantize(block, &mut weights);
        let calm = |w: &f32| *w == 0.0 || (1e-6..1e6).contains(&w.abs());
        if decoded.is_ok() && weights.iter().all(calm) {
            return;
        }
        block.fill_with(|| rng.byte());
    }
    // Zeros decode to something finite in every format that anyone uses.
    block.fill(0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernels::formats;

    #[test]
    fn every_formats_blocks_are_finite_and_not_all_zero() {
        for format in formats::all() {
            for style in [Style::Usual, Style::Adversarial] {
                let blocks = blocks(format, 30, style, &mut Rng::new(7));
                let mut weights = vec![0.0; 30 * format.block_len];
                format.dequantize(&blocks, &mut weights).unwrap();
                assert!(weights.iter().all(|w| w.is_finite()), "{} {style:?}", format.name);
                assert!(weights.iter().any(|w| *w != 0.0), "{} {style:?}", format.name);
            }
        }
    }

    #[test]
    fn usual_weights_are_of_a_models_size() {
        for format in formats::all().into_iter().filter(|format| format.layout.is_some()) {
            let blocks = blocks(format, 40, Style::Usual, &mut Rng::new(8));
            let mut weights = vec![0.0; 40 * format.block_len];
            format.dequantize(&blocks, &mut weights).unwrap();
            let most = weights.iter().fold(0.0f32, |most, w| most.max(w.abs()));
            assert!((1e-3..5e3).contains(&most), "{}: {most}", format.name);
        }
    }
}
