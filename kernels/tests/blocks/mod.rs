//! Blocks taken apart and put together, by the layout that their format declares.

// Every test binary is a crate of its own and uses another part of this module.
#![allow(dead_code, unreachable_pub)]

use crate::naive;
use kernels::layout::{Field, Integer, Kind, Layout, Numbers};
use kernels::{FormatInfo, Numerics, float};

/// The formats whose kernels work on integer codes.
pub fn coded() -> impl Iterator<Item = &'static FormatInfo> {
    let is_coded =
        |format: &&FormatInfo| format.kernels.iter().any(|kernel| kernel.class == Numerics::Q8);
    kernels::formats::all().into_iter().filter(is_coded)
}

/// Overwrites small integers of a block.
pub fn put(numbers: &Numbers, raw: &[u8], block: &mut [u8]) {
    let mut old = vec![0; numbers.len];
    numbers.read_raw(block, &mut old);
    let mut bits = vec![0; block.len()];
    numbers.write_raw(&old, &mut bits);
    block.iter_mut().zip(&bits).for_each(|(byte, bits)| *byte &= !bits);
    numbers.write_raw(raw, block);
}

/// Whether a field holds floats.
pub fn is_float(field: &Field) -> bool {
    !matches!(field.kind, Kind::U8 | Kind::I8 | Kind::U16 | Kind::U32)
}

/// Overwrites element `n` of a float field.
pub fn put_float(field: &Field, n: usize, value: f32, block: &mut [u8]) {
    let mut write = |bytes: &[u8]| {
        let at = field.offset + n * bytes.len();
        block[at..at + bytes.len()].copy_from_slice(bytes);
    };
    match field.kind {
        Kind::F16 => write(&float::to_f16(value)),
        Kind::Bf16 => write(&float::to_bf16(value)),
        Kind::F32 => write(&value.to_le_bytes()),
        Kind::E8m0 => write(&[float::to_e8m0(value)]),
        Kind::Ue4m3 => write(&[float::to_ue4m3(value)]),
        Kind::U8 | Kind::I8 | Kind::U16 | Kind::U32 => panic!("{} is no float field", field.name),
    }
}

/// The raw value that stands for a factor.
pub fn raw_of(integer: &Integer, factor: f32) -> u8 {
    let raw = integer.values.iter().position(|value| *value == factor);
    raw.unwrap_or_else(|| panic!("{} cannot be {factor}", integer.numbers.name)) as u8
}

/// What each weight would be if its code were the one with the raw bits `raw`: the same scales
/// and biases, another level. Decoded by the oracle.
pub fn with_code(format: &FormatInfo, blocks: &[u8], raw: u8) -> Vec<f32> {
    let layout = format.layout.expect("a declared format");
    let mut blocks = blocks.to_vec();
    for block in blocks.chunks_mut(format.block_bytes) {
        put(layout.codes, &vec![raw; format.block_len], block);
    }
    naive::decode(format.name, &blocks)
}

/// For each weight, the largest magnitude that any code could give it under its block's scales.
/// Kernels add `scale * code` and `bias` apart, and round relative to those.
pub fn magnitudes(format: &FormatInfo, blocks: &[u8]) -> Vec<f64> {
    let ends = |layout: &Layout| {
        let raws: Vec<u8> = (0..=u8::MAX).take(layout.levels.len()).collect();
        let level = |raw: &&u8| layout.levels[usize::from(**raw)];
        let lowest = raws.iter().min_by(|a, b| level(a).total_cmp(&level(b)));
        let highest = raws.iter().max_by(|a, b| level(a).total_cmp(&level(b)));
        [*lowest.unwrap(), *highest.unwrap()]
    };
    let decoded = match format.layout {
        None => vec![naive::decode(format.name, blocks)],
        Some(layout) => ends(layout).map(|raw| with_code(format, blocks, raw)).to_vec(),
    };
    let most = |n: usize| decoded.iter().map(|all| f64::from(all[n].abs())).fold(0.0, f64::max);
    (0..decoded[0].len()).map(most).collect()
}

/// For each output of `x (batch, depth) * blocks (rows, depth)^T` the sum of the magnitudes that
/// its rounding is relative to.
pub fn terms(format: &FormatInfo, blocks: &[u8], x: &[f32], depth: usize) -> Vec<f64> {
    let magnitudes = magnitudes(format, blocks);
    let mut terms = vec![];
    for x in x.chunks_exact(depth) {
        for magnitudes in magnitudes.chunks_exact(depth) {
            terms.push(magnitudes.iter().zip(x).map(|(w, x)| w * f64::from(x.abs())).sum());
        }
    }
    terms
}
