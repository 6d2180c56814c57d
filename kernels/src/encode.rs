//! The encoder that every declared format has.
//!
//! For each group the scale (and minimum) with the least squared error is searched near the
//! obvious one; the group's small integers and the block's floats are then chosen to come near
//! the groups' wishes; last, with what the block really stores decoded again, every weight takes
//! its nearest code. The layout says where the bits go.

mod fit;

use crate::float;
use crate::format::{FormatInfo, ShapeError};
use crate::layout::{Field, Integer, Kind, Layout, Part};
use fit::{Bias, Fit, Levels, Signs};

/// Encodes whole blocks; the caller has checked the lengths.
pub(crate) fn encode(
    format: &FormatInfo,
    weights: &[f32],
    bytes: &mut [u8],
) -> Result<(), ShapeError> {
    let no_encoder = ShapeError::NoEncoder { format: format.name };
    let Some(layout) = format.layout else {
        return dense(format, weights, bytes).ok_or(no_encoder);
    };
    let scale = layout.scale.ok_or_else(|| no_encoder.clone())?;
    let extra = layout.extra.map(|extra| extra.ok_or(no_encoder)).transpose()?;
    let encoder = Encoder { layout, scale, extra, levels: Levels::new(layout.levels) };
    let blocks = bytes.chunks_exact_mut(format.block_bytes);
    for (weights, block) in weights.chunks_exact(format.block_len).zip(blocks) {
        encoder.block(weights, block);
    }
    Ok(())
}

/// F32, F16, BF16: each weight by itself.
fn dense(format: &FormatInfo, weights: &[f32], bytes: &mut [u8]) -> Option<()> {
    let encode: fn(f32, &mut [u8]) = match format.name {
        "F32" => |w, to| to.copy_from_slice(&w.to_le_bytes()),
        "F16" => |w, to| to.copy_from_slice(&half::f16::from_f32(w).to_le_bytes()),
        "BF16" => |w, to| to.copy_from_slice(&half::bf16::from_f32(w).to_le_bytes()),
        _ => return None,
    };
    for (w, to) in weights.iter().zip(bytes.chunks_exact_mut(format.block_bytes)) {
        encode(*w, to);
    }
    Some(())
}

struct Encoder {
    layout: &'static Layout,
    scale: Part,
    extra: Option<Part>,
    levels: Levels,
}

impl Encoder {
    fn block(&self, weights: &[f32], block: &mut [u8]) {
        block.fill(0);
        let group = self.group(weights.len());
        // Weights that are not finite have no nearest code: they count as zero.
        let weights: Vec<f32> =
            weights.iter().map(|w| if w.is_finite() { *w } else { 0.0 }).collect();
        let bias = match &self.extra {
            None => Bias::None,
            // Unsigned integers under one float: biases of one sign, as in the K-quants.
            Some(part) if part.integer.is_some() => Bias::NonPositive,
            Some(_) => Bias::Free,
        };
        let signs = self.signs();
        let fits: Vec<Fit> =
            weights.chunks(group).map(|x| self.levels.fit(x, bias, signs)).collect();
        let wishes: Vec<(f32, f32)> = fits.iter().map(|fit| (fit.scale, fit.weight)).collect();
        let scales = self.store(&self.scale, &wishes, group, block);
        let biases = match &self.extra {
            Some(extra) => {
                let wishes: Vec<(f32, f32)> = fits.iter().map(|fit| (fit.bias, 1.0)).collect();
                self.store(extra, &wishes, group, block)
            }
            None => vec![0.0; fits.len()],
        };
        let codes: Vec<u8> = weights
            .iter()
            .enumerate()
            .map(|(i, w)| self.levels.nearest(*w - biases[i / group], scales[i / group]))
            .collect();
        self.layout.codes.write_raw(&codes, block);
    }

    /// Whether groups can have scales of either sign, each its own.
    fn signs(&self) -> Signs {
        let float = self.scale.float.map(|(field, _)| self.layout.fields[field].kind);
        let is_signed = match self.scale.integer {
            Some(integer) => integer.values.iter().any(|value| *value < 0.0),
            None => !matches!(float, Some(Kind::E8m0 | Kind::Ue4m3)),
        };
        if is_signed { Signs::Both } else { Signs::Positive }
    }

    /// Weights that share all group values.
    fn group(&self, block: usize) -> usize {
        let of = |part: &Part| {
            let float = part.float.map_or(block, |(_, group)| group);
            part.integer.map_or(float, |integer| integer.group.min(float))
        };
        of(&self.scale).min(self.extra.as_ref().map_or(block, of))
    }

    /// Chooses a part's float and integers for what groups wish (value, weight of the wish),
    /// packs them, and returns what each group gets.
    fn store(
        &self,
        part: &Part,
        wishes: &[(f32, f32)],
        group: usize,
        block: &mut [u8],
    ) -> Vec<f32> {
        let constant = part.constant;
        let mut got = vec![0.0; wishes.len()];
        let mut raws: Vec<u8> = vec![];
        let together = part.float.map_or(wishes.len(), |(_, share)| share / group);
        for (n, wishes) in wishes.chunks(together).enumerate() {
            let float = match (part.float, part.integer) {
                (Some((field, _)), integer) => {
                    let wanted = super_scale(wishes, constant, integer.as_ref());
                    write_float(&self.layout.fields[field], n, wanted, block)
                }
                (None, _) => 1.0,
            };
            let got = &mut got[n * together..][..wishes.len()];
            match &part.integer {
                Some(integer) => {
                    let per = integer.group / group;
                    for (wishes, got) in wishes.chunks(per).zip(got.chunks_mut(per)) {
                        let raw = nearest_value(integer, mean(wishes), constant * float);
                        raws.push(raw);
                        got.fill(constant * float * integer.values[usize::from(raw)]);
                    }
                }
                None => got.fill(constant * float),
            }
        }
        if let Some(integer) = &part.integer {
            integer.numbers.write_raw(&raws, block);
        }
        got
    }
}

/// Weighted mean of wishes.
fn mean(wishes: &[(f32, f32)]) -> f32 {
    let weight: f32 = wishes.iter().map(|(_, weight)| weight).sum();
    if weight == 0.0 {
        return 0.0;
    }
    wishes.iter().map(|(wish, weight)| wish * weight).sum::<f32>() / weight
}

/// The integer whose factor, times `unit`, is nearest to `wish`.
fn nearest_value(integer: &Integer, wish: f32, unit: f32) -> u8 {
    let error = |raw: &u8| (wish - unit * integer.values[usize::from(*raw)]).abs();
    let raws = 0..=(integer.values.len() - 1) as u8;
    raws.min_by(|a, b| error(a).total_cmp(&error(b))).unwrap_or(0)
}

/// The float under which integers come nearest to what groups wish.
fn super_scale(wishes: &[(f32, f32)], constant: f32, integer: Option<&Integer>) -> f32 {
    let Some(integer) = integer else { return mean(wishes) / constant };
    let extreme = wishes.iter().fold(
        0.0f32,
        |most, (wish, _)| {
            if wish.abs() > most.abs() { *wish } else { most }
        },
    );
    if extreme == 0.0 {
        return 0.0;
    }
    let (low, high) = integer
        .values
        .iter()
        .fold((0.0f32, 0.0f32), |(low, high), value| (low.min(*value), high.max(*value)));
    // The extreme wish gets an integer near the end of the range, on either side of zero.
    let ends = [high, low].into_iter().filter(|end| *end != 0.0);
    let candidates = ends.flat_map(|end| (0..8).map(move |back| end * (1.0 - back as f32 / 64.0)));
    let error = |float: f32| {
        let unit = constant * float;
        let error = |(wish, weight): &(f32, f32)| {
            let got = unit * integer.values[usize::from(nearest_value(integer, *wish, unit))];
            weight * (wish - got) * (wish - got)
        };
        wishes.iter().map(error).sum::<f32>()
    };
    candidates
        .map(|end| extreme / (constant * end))
        .min_by(|a, b| error(*a).total_cmp(&error(*b)))
        .unwrap_or(0.0)
}

/// Stores element `n` of a float field and returns what it decodes to.
fn write_float(field: &Field, n: usize, value: f32, block: &mut [u8]) -> f32 {
    let at = |bytes: usize| field.offset + n * bytes;
    match field.kind {
        Kind::F16 => {
            let bytes = float::to_f16(value);
            block[at(2)..at(2) + 2].copy_from_slice(&bytes);
            float::f16(bytes)
        }
        Kind::Bf16 => {
            let bytes = float::to_bf16(value);
            block[at(2)..at(2) + 2].copy_from_slice(&bytes);
            float::bf16(bytes)
        }
        Kind::F32 => {
            block[at(4)..at(4) + 4].copy_from_slice(&value.to_le_bytes());
            value
        }
        Kind::E8m0 => {
            block[at(1)] = float::to_e8m0(value);
            float::e8m0(block[at(1)])
        }
        Kind::Ue4m3 => {
            block[at(1)] = float::to_ue4m3(value);
            float::ue4m3(block[at(1)])
        }
        Kind::U8 | Kind::I8 | Kind::U16 | Kind::U32 => {
            unreachable!("{} is an integer field", field.name)
        }
    }
}
