//! The encoder that every declared format has.
//!
//! For each group the scale (and minimum) with the least squared error is searched near the
//! obvious one; the group's small integers and the block's floats are then chosen to come near
//! the groups' wishes; last, with what the block really stores decoded again, every weight takes
//! its nearest code. The layout says where the bits go.

mod fit;

use crate::float;
use crate::format::{FormatInfo, ShapeError};
use crate::layout::{Field, Kind, Layout, Part};
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
    let (scale, extra) = (Term::new(scale), extra.map(Term::new));
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
    scale: Term,
    extra: Option<Term>,
    levels: Levels,
}

/// A product that groups share, and its integers for the search.
struct Term {
    part: Part,
    factors: Option<Levels>,
}

impl Term {
    fn new(part: Part) -> Self {
        Self { part, factors: part.integer.map(|integer| Levels::new(integer.values)) }
    }
}

/// A group of weights and what would suit it best.
struct Group<'a> {
    weights: &'a [f32],
    fit: Fit,
}

/// What groups want of a part, and what a value would cost them.
struct Wishes<'a> {
    /// The value that suits each group, and how much its error depends on it.
    values: Vec<(f32, f32)>,
    /// Squared error of a group that gets a value.
    cost: &'a dyn Fn(usize, f32) -> f64,
}

impl Encoder {
    fn block(&self, weights: &[f32], block: &mut [u8]) {
        block.fill(0);
        let group = self.group(weights.len());
        // A bias that is a constant leaves no choice: what is left has none.
        let (fixed, extra) = match &self.extra {
            Some(Term { part: Part { constant, float: None, integer: None }, .. }) => {
                (*constant, None)
            }
            extra => (0.0, extra.as_ref()),
        };
        // Weights that are not finite have no nearest code: they count as zero.
        let finite = |w: &f32| if w.is_finite() { *w } else { 0.0 };
        let weights: Vec<f32> = weights.iter().map(|w| finite(w) - fixed).collect();
        let bias = match extra {
            None => Bias::None,
            // Unsigned integers under one float: biases of one sign, as in the K-quants.
            Some(term) if term.part.integer.is_some() => Bias::NonPositive,
            Some(_) => Bias::Free,
        };
        let signs = self.signs();
        let mut groups: Vec<Group<'_>> = weights
            .chunks(group)
            .map(|weights| Group { weights, fit: self.levels.fit(weights, bias, signs) })
            .collect();
        let scales = self.store_scales(&groups, group, block);
        for (group, scale) in groups.iter_mut().zip(&scales) {
            // The bias that suits the scale that is stored, not the one that was wished for.
            group.fit =
                self.levels.rebiased(group.weights, Fit { scale: *scale, ..group.fit }, bias);
        }
        let biases = match extra {
            Some(extra) => self.store_biases(extra, &groups, group, block),
            None => vec![0.0; groups.len()],
        };
        let codes: Vec<u8> = weights
            .iter()
            .enumerate()
            .map(|(i, w)| self.levels.nearest(*w - biases[i / group], scales[i / group]))
            .collect();
        self.layout.codes.write_raw(&codes, block);
    }

    fn store_scales(&self, groups: &[Group<'_>], group: usize, block: &mut [u8]) -> Vec<f32> {
        let wishes = Wishes {
            values: groups.iter().map(|group| (group.fit.scale, group.fit.weight)).collect(),
            cost: &|n, scale| {
                let Group { weights, fit } = &groups[n];
                self.levels.error(weights, &Fit { scale, ..*fit })
            },
        };
        self.store(&self.scale, &wishes, group, block)
    }

    fn store_biases(
        &self,
        extra: &Term,
        groups: &[Group<'_>],
        group: usize,
        block: &mut [u8],
    ) -> Vec<f32> {
        let wishes = Wishes {
            values: groups.iter().map(|group| (group.fit.bias, 1.0)).collect(),
            cost: &|n, bias| {
                let Group { weights, fit } = &groups[n];
                self.levels.error(weights, &Fit { bias, ..*fit })
            },
        };
        self.store(extra, &wishes, group, block)
    }

    /// Whether groups can have scales of either sign, each its own.
    fn signs(&self) -> Signs {
        let float = self.scale.part.float.map(|(field, _)| self.layout.fields[field].kind);
        let is_signed = match self.scale.part.integer {
            Some(integer) => integer.values.iter().any(|value| *value < 0.0),
            None => !matches!(float, Some(Kind::E8m0 | Kind::Ue4m3)),
        };
        match is_signed {
            true => Signs::Both,
            false if self.scale.part.constant < 0.0 => Signs::Negative,
            false => Signs::Positive,
        }
    }

    /// Weights that share all group values.
    fn group(&self, block: usize) -> usize {
        let of = |Term { part, .. }: &Term| {
            let float = part.float.map_or(block, |(_, group)| group);
            part.integer.map_or(float, |integer| integer.group.min(float))
        };
        of(&self.scale).min(self.extra.as_ref().map_or(block, of))
    }

    /// Chooses a part's float and integers for what groups wish, packs them, and returns what
    /// each group gets.
    fn store(&self, term: &Term, wishes: &Wishes<'_>, group: usize, block: &mut [u8]) -> Vec<f32> {
        let part = &term.part;
        let mut got = vec![0.0; wishes.values.len()];
        let mut raws: Vec<u8> = vec![];
        let together = part.float.map_or(got.len(), |(_, share)| share / group);
        for (n, got) in got.chunks_mut(together).enumerate() {
            let choice = Choice { term, wishes, first: n * together, count: got.len(), group };
            match part.float {
                Some((field, _)) => {
                    let field = &self.layout.fields[field];
                    let (place, codec) = stored(field, n);
                    (codec.write)(choice.float(field.kind), &mut block[place.clone()]);
                    raws.extend(choice.give((codec.read)(&block[place]), got));
                }
                None => raws.extend(choice.give(1.0, got)),
            }
        }
        if let Some(integer) = &part.integer {
            integer.numbers.write_raw(&raws, block);
        }
        got
    }
}

/// What is to be chosen for the groups that share a float.
struct Choice<'a> {
    term: &'a Term,
    wishes: &'a Wishes<'a>,
    /// The groups: `count` from `first` on, of `group` weights each.
    first: usize,
    count: usize,
    group: usize,
}

impl Choice<'_> {
    fn values(&self) -> &[(f32, f32)] {
        &self.wishes.values[self.first..self.first + self.count]
    }

    /// The float that serves the groups best.
    fn float(&self, kind: Kind) -> f32 {
        let wanted = super_scale(self.values(), self.term);
        let cost = |float: &f32| -> f64 {
            let mut got = vec![0.0; self.count];
            self.give(*float, &mut got);
            got.iter().enumerate().map(|(n, got)| (self.wishes.cost)(self.first + n, *got)).sum()
        };
        // Floats of few bits are far apart: the nearest may be much worse than its neighbour.
        let near = neighbours(kind, wanted).into_iter();
        near.min_by(|a, b| cost(a).total_cmp(&cost(b))).unwrap_or(wanted)
    }

    /// What each group gets under a float, and the integers that say so.
    fn give(&self, float: f32, got: &mut [f32]) -> Vec<u8> {
        let unit = self.term.part.constant * float;
        let Term { part: Part { integer: Some(integer), .. }, factors: Some(factors) } = self.term
        else {
            got.fill(unit);
            return vec![];
        };
        let per = integer.group / self.group;
        let choose = |n: usize, wishes: &[(f32, f32)], got: &mut [f32]| {
            let raw = factors.nearest(mean(wishes), unit);
            let value = |raw: u8| unit * integer.values[usize::from(raw)];
            let groups = self.first + n * per..self.first + n * per + wishes.len();
            let cost = |raw: &u8| -> f64 {
                groups.clone().map(|group| (self.wishes.cost)(group, value(*raw))).sum()
            };
            let last = (integer.values.len() - 1) as u8;
            let near = [raw, raw.saturating_sub(1), raw.saturating_add(1).min(last)];
            let best = near.into_iter().min_by(|a, b| cost(a).total_cmp(&cost(b))).unwrap_or(raw);
            got.fill(value(best));
            best
        };
        let values = self.values().chunks(per).zip(got.chunks_mut(per)).enumerate();
        values.map(|(n, (wishes, got))| choose(n, wishes, got)).collect()
    }
}

/// The floats of a kind that are nearest to a value: on either side, where there are few.
fn neighbours(kind: Kind, value: f32) -> Vec<f32> {
    let around = |byte: u8, last: u8, decode: fn(u8) -> f32| {
        (byte.saturating_sub(1)..=byte.saturating_add(1).min(last)).map(decode).collect()
    };
    match kind {
        Kind::E8m0 => around(float::to_e8m0(value), 0xFE, float::e8m0),
        Kind::Ue4m3 => around(float::to_ue4m3(value), 0x7E, float::ue4m3),
        _ => vec![value],
    }
}

/// Weighted mean of wishes; zero if nobody cares. In `f64`, which the largest wishes fit.
fn mean(wishes: &[(f32, f32)]) -> f32 {
    let wishes = wishes.iter().map(|(wish, weight)| (f64::from(*wish), f64::from(*weight)));
    let (sum, weight) =
        wishes.fold((0.0, 0.0), |(sum, all), (wish, weight)| (sum + wish * weight, all + weight));
    if weight == 0.0 { 0.0 } else { (sum / weight) as f32 }
}

/// The float under which integers come nearest to what groups wish.
fn super_scale(wishes: &[(f32, f32)], term: &Term) -> f32 {
    let constant = term.part.constant;
    let Term { part: Part { integer: Some(integer), .. }, factors: Some(factors) } = term else {
        return mean(wishes) / constant;
    };
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
            let got = unit * integer.values[usize::from(factors.nearest(*wish, unit))];
            weight * (wish - got) * (wish - got)
        };
        wishes.iter().map(error).sum::<f32>()
    };
    candidates
        .map(|end| extreme / (constant * end))
        .min_by(|a, b| error(*a).total_cmp(&error(*b)))
        .unwrap_or(0.0)
}

/// Where element `n` of a float field lies, and how its bytes are read and written.
fn stored(field: &Field, n: usize) -> (std::ops::Range<usize>, FloatCodec) {
    let codec = FloatCodec::of(field.kind);
    let start = field.offset + n * codec.bytes;
    (start..start + codec.bytes, codec)
}

struct FloatCodec {
    bytes: usize,
    write: fn(f32, &mut [u8]),
    read: fn(&[u8]) -> f32,
}

impl FloatCodec {
    fn of(kind: Kind) -> Self {
        let codec = |bytes, write, read| Self { bytes, write, read };
        match kind {
            Kind::F16 => codec(
                2,
                |value, to| to.copy_from_slice(&float::to_f16(value)),
                |from| float::f16([from[0], from[1]]),
            ),
            Kind::Bf16 => codec(
                2,
                |value, to| to.copy_from_slice(&float::to_bf16(value)),
                |from| float::bf16([from[0], from[1]]),
            ),
            Kind::F32 => codec(
                4,
                |value, to| to.copy_from_slice(&value.to_le_bytes()),
                |from| float::f32([from[0], from[1], from[2], from[3]]),
            ),
            Kind::E8m0 => {
                codec(1, |value, to| to[0] = float::to_e8m0(value), |from| float::e8m0(from[0]))
            }
            Kind::Ue4m3 => {
                codec(1, |value, to| to[0] = float::to_ue4m3(value), |from| float::ue4m3(from[0]))
            }
            Kind::U8 | Kind::I8 | Kind::U16 | Kind::U32 => {
                unreachable!("the equation's floats are float fields")
            }
        }
    }
}
