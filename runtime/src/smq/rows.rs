//! Tensors of SMQ files as rows of blocks, the form that kernels take.
//!
//! Schemes that are blocks already are handed over in place. A planar tensor is rewritten, each
//! code beside its scale, and no value changes: to the ggml block of the same name if the scales
//! are f16 numbers (as in files that came from GGUF), else to a block of the same codes with an
//! f32 scale. Blocks of the file need not be blocks of rows for that: as long as both the file's
//! block size and the length of a row are multiples of 32, every 32 consecutive codes of a row
//! share a scale. Where they are not, the tensor becomes f32.

use std::borrow::Cow;

use kernels::{Format, FormatInfo, float, formats, quant_format};

use super::Entry;
use super::planar::{Planar, scale};
use super::scheme::Scheme;
use crate::tensor::TensorView;

/// Weights in a block of the formats below, and of `Q8_0` and `Q4_0`.
pub(crate) const LEN: usize = 32;

quant_format! {
    /// 32 bytes, one f32 scale: Q8_0 of an SMQ file.
    pub struct SMQ_Q8 { d: f32, qs: [i8; 32] }
    w[i] = d * qs[i];
}

quant_format! {
    /// 32 weights of 4 bits, one f32 scale: Q4_0 of an SMQ file.
    pub struct SMQ_Q4 { d: f32, qs: [u8; 16] }
    let q: [u4; 32] = qs.planes(16);
    w[i] = d * (q[i] - 8);
}

/// A tensor as rows of blocks.
#[derive(Clone, Debug)]
pub struct Rows<'a> {
    /// The format of the blocks.
    pub format: &'static FormatInfo,
    /// The blocks, row after row: the file's bytes, or others of the same values.
    pub bytes: Cow<'a, [u8]>,
}

impl<'a> Entry<'a> {
    /// The tensor as rows of blocks of some format, every value as the file has it.
    #[must_use]
    pub fn rows(&self) -> Rows<'a> {
        let Some(planar) = self.scheme.planar else {
            return Rows { format: self.scheme.format(), bytes: Cow::Borrowed(self.data) };
        };
        let depth = *self.dims.last().expect("a tensor has a dimension");
        if !depth.is_multiple_of(LEN) || !self.block.is_multiple_of(LEN) {
            let bytes = self.values().into_iter().flat_map(f32::to_le_bytes).collect();
            return Rows { format: f32_format(), bytes: Cow::Owned(bytes) };
        }
        let is_f16 = |n| {
            let scale = scale(self.aux, n);
            float::f16(float::to_f16(scale)).to_bits() == scale.to_bits()
        };
        let halves = (0..self.aux.len() / 4).all(is_f16);
        let (format, scale_bytes): (_, fn(f32) -> Vec<u8>) = match (planar, halves) {
            (_, true) => (self.scheme.format(), |scale| float::to_f16(scale).to_vec()),
            (Planar::Q8, false) => (SMQ_Q8::info(), |scale| scale.to_le_bytes().to_vec()),
            (Planar::Q4, false) => (SMQ_Q4::info(), |scale| scale.to_le_bytes().to_vec()),
        };
        let mut bytes = Vec::with_capacity(self.elements() / LEN * format.block_bytes);
        for start in (0..self.elements()).step_by(LEN) {
            bytes.extend(scale_bytes(scale(self.aux, start / self.block)));
            match planar {
                Planar::Q8 => bytes.extend(&self.data[start..start + LEN]),
                // Pairs of the file are neighbours, those of a block are half a block apart.
                Planar::Q4 => bytes.extend((start..start + LEN / 2).map(|n| {
                    let code = |n| (planar.code(self.data, n) + 8) as u8;
                    code(n) | code(n + LEN / 2) << 4
                })),
            }
        }
        Rows { format, bytes: Cow::Owned(bytes) }
    }

    /// All weights, row-major.
    #[must_use]
    pub fn values(&self) -> Vec<f32> {
        let mut weights = vec![0.0; self.elements()];
        match self.scheme.planar {
            Some(planar) => planar.decode(self.block, (self.data, self.aux), 0, &mut weights),
            None => {
                let decoded = self.scheme.format().dequantize(self.data, &mut weights);
                decoded.expect("the lengths were compared when the file was read");
            }
        }
        weights
    }
}

/// The planar scheme whose planes the blocks of a format are, interleaved.
pub(crate) fn interleaved(format: &FormatInfo) -> Option<&'static Scheme> {
    let name = match format.name {
        "Q8_0" => "Q8_0",
        "Q4_0" => "Q4_0",
        _ if format == SMQ_Q8::info() => "Q8_0",
        _ if format == SMQ_Q4::info() => "Q4_0",
        _ => return None,
    };
    Scheme::of(formats::by_name(name)?)
}

/// Data and aux, in blocks of [`LEN`], of [`interleaved`] planes: the way back from
/// [`Entry::rows`]. Every value stays what it is.
pub(crate) fn planes(view: &TensorView<'_>) -> Option<(Vec<u8>, Vec<u8>)> {
    let planar = interleaved(view.format)?.planar?;
    let scale_bytes = view.format.block_bytes - planar.lengths(LEN as u64, LEN as u32)?.0 as usize;
    let (mut data, mut aux) = (Vec::new(), Vec::new());
    for block in view.bytes.chunks_exact(view.format.block_bytes) {
        let (scale, codes) = block.split_at(scale_bytes);
        match *scale {
            [a, b] => aux.extend(float::f16([a, b]).to_le_bytes()),
            _ => aux.extend(scale),
        }
        match planar {
            Planar::Q8 => data.extend(codes),
            Planar::Q4 => {
                let code = |n: usize| {
                    let nibble = codes[n % (LEN / 2)] >> (4 * (n / (LEN / 2))) & 15;
                    nibble.wrapping_sub(8) & 15
                };
                data.extend((0..LEN).step_by(2).map(|n| code(n) | code(n + 1) << 4));
            }
        }
    }
    Some((data, aux))
}

fn f32_format() -> &'static FormatInfo {
    formats::by_name("F32").expect("a format every build has")
}
