//! Every declared format against the oracle: its scalar decoder bit for bit, its row in the table,
//! its encoder within a derived bound, and both vector lowerings against the scalar decoder.

mod blocks;
mod naive;

use kernels::isa::{Isa, Lanes, Rows};
use kernels::layout::{Kind, Layout};
use kernels::zerocopy::FromBytes;
use kernels::{Coded, Format, FormatInfo, ShapeError, formats};
use naive::Rng;
use std::collections::BTreeSet;

/// Equal bits, or both zero, or both NaN.
fn same(a: f32, b: f32) -> bool {
    a.to_bits() == b.to_bits() || a == b || (a.is_nan() && b.is_nan())
}

fn dequantized(format: &FormatInfo, blocks: &[u8]) -> Vec<f32> {
    let mut weights = vec![f32::NAN; blocks.len() / format.block_bytes * format.block_len];
    format.dequantize(blocks, &mut weights).unwrap();
    weights
}

fn quantized(format: &FormatInfo, weights: &[f32]) -> Vec<u8> {
    // Not zero before, so that a byte that the encoder forgets is seen.
    let mut blocks = vec![0xA5; format.row_bytes(weights.len()).unwrap()];
    format.quantize(weights, &mut blocks).unwrap();
    blocks
}

fn assert_same(format: &FormatInfo, got: &[f32], want: &[f32], what: &str) {
    assert_eq!(got.len(), want.len(), "{} {what}", format.name);
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        assert!(same(*got, *want), "{} {what}, weight {i}: {got:e} is not {want:e}", format.name);
    }
}

fn each_format(mut test: impl FnMut(&'static FormatInfo, &mut Rng)) {
    for (n, format) in formats::all().into_iter().enumerate() {
        test(format, &mut Rng::new(0xF0 + n as u64));
    }
}

// Decoders.

#[test]
fn every_dequantize_equals_the_naive_decoder_bit_for_bit() {
    each_format(|format, rng| {
        let what = format!("{rng:?}");
        let mut blocks = naive::adversarial_blocks(format.name, rng, 60);
        // Bytes without any sense, floats that are no numbers among them.
        blocks.extend((0..64 * format.block_bytes).map(|_| rng.byte()));
        let want = naive::decode(format.name, &blocks);
        assert_same(format, &dequantized(format, &blocks), &want, &what);
    });
}

#[test]
fn golden_blocks_decode_to_golden_weights() {
    if std::env::var_os("BLESS").is_some() {
        naive::bless();
    }
    each_format(|format, _| {
        let golden = naive::golden(format.name);
        let (blocks, want) =
            golden.unwrap_or_else(|| panic!("no golden blocks of {}", format.name));
        assert!(!want.is_empty());
        assert_same(format, &dequantized(format, &blocks), &want, "golden");
    });
}

#[test]
fn shared_golden_blocks_decode_to_the_weights_of_the_reference() {
    each_format(|format, _| match naive::shared_golden(format.name) {
        Some((blocks, want)) => {
            assert_same(format, &dequantized(format, &blocks), &want, "shared golden");
        }
        None => {
            eprintln!("SKIPPED: no shared golden blocks of {} beside the checkout", format.name)
        }
    });
}

// The table.

#[test]
fn the_table_agrees_with_the_oracle() {
    let row = |name: &'static str, id, len, bytes| (name, id, len, bytes);
    let declared: BTreeSet<_> = formats::all()
        .into_iter()
        .map(|format| row(format.name, format.ggml_type, format.block_len, format.block_bytes))
        .collect();
    let known: BTreeSet<_> = naive::DECODERS
        .iter()
        .map(|format| {
            row(format.name, Some(format.ggml_type), format.block_len, format.block_bytes)
        })
        .collect();
    assert_eq!(declared, known);
}

#[test]
fn formats_are_found_by_name_and_by_type() {
    each_format(|format, _| {
        assert_eq!(formats::by_name(format.name), Some(format));
        assert_eq!(formats::by_name(&format.name.to_lowercase()), Some(format));
        assert_eq!(formats::by_ggml_type(format.ggml_type.unwrap()), Some(format));
    });
    assert_eq!(formats::by_name("Q4"), None);
    // The first number that no type of ggml has.
    assert_eq!(formats::by_ggml_type(u32::MAX), None);
}

#[test]
fn float_fields_lie_where_the_oracle_reads_them() {
    each_format(|format, _| {
        let Some(layout) = format.layout else { return };
        let kind = |kind| match kind {
            Kind::F16 => Some((naive::Float::F16, 2)),
            Kind::Bf16 => Some((naive::Float::Bf16, 2)),
            Kind::F32 => Some((naive::Float::F32, 4)),
            Kind::E8m0 => Some((naive::Float::E8m0, 1)),
            Kind::Ue4m3 => Some((naive::Float::Ue4m3, 1)),
            Kind::U8 | Kind::I8 | Kind::U16 | Kind::U32 => None,
        };
        let mut floats = vec![];
        for field in layout.fields {
            if let Some((float, bytes)) = kind(field.kind) {
                floats.extend((0..field.count).map(|n| (field.offset + n * bytes, float)));
            }
        }
        assert_eq!(floats, naive::decoder(format.name).unwrap().floats, "{}", format.name);
    });
}

#[test]
fn bits_per_weight_count_the_scales() {
    each_format(|format, _| {
        let bits = 8.0 * format.block_bytes as f64 / format.block_len as f64;
        assert_eq!(format.bits_per_weight(), bits, "{}", format.name);
    });
    // As published with llama.cpp's types.
    for (name, bits) in [
        ("Q4_0", 4.5),
        ("Q4_1", 5.0),
        ("Q8_0", 8.5),
        ("Q2_K", 2.625),
        ("Q3_K", 3.4375),
        ("Q4_K", 4.5),
        ("Q5_K", 5.5),
        ("Q6_K", 6.5625),
        ("IQ4_XS", 4.25),
        ("MXFP4", 4.25),
        ("NVFP4", 4.5),
        ("TQ2_0", 2.0625),
        ("Q1_0", 1.125),
    ] {
        assert_eq!(formats::by_name(name).unwrap().bits_per_weight(), bits, "{name}");
    }
}

#[test]
fn sizes_that_do_not_go_together_are_errors_that_name_the_format_and_the_numbers() {
    each_format(|format, _| {
        let FormatInfo { name, block_len: block, block_bytes: bytes, .. } = *format;
        if block > 1 {
            let columns = 3 * block + 1;
            let error = format.row_bytes(columns).unwrap_err();
            assert_eq!(error, ShapeError::Columns { format: name, columns, block });
            let message = format!("{columns} columns are not a multiple of {name}'s {block}");
            assert_eq!(error.to_string(), message);
            assert_eq!(format.bytes(7, columns), Err(error.clone()));
            assert_eq!(format.dequantize(&[], &mut vec![0.0; columns]), Err(error.clone()));
            assert_eq!(format.quantize(&vec![0.0; columns], &mut []), Err(error));
        }
        assert_eq!(format.row_bytes(5 * block), Ok(5 * bytes));
        assert_eq!(format.bytes(3, 5 * block), Ok(15 * bytes));
        assert_eq!(format.row_bytes(0), Ok(0));

        let overflow = format.bytes(usize::MAX, 2 * block).unwrap_err();
        let message = overflow.to_string();
        assert!(message.contains(name) && message.contains(&usize::MAX.to_string()), "{message}");

        for have in [2 * bytes - 1, 2 * bytes + 1] {
            let error = format.dequantize(&vec![0; have], &mut vec![0.0; 2 * block]).unwrap_err();
            let need = 2 * bytes;
            let message = format!("{name} has {have} bytes, but its shape needs {need}");
            assert_eq!(error.to_string(), message);
            assert_eq!(format.quantize(&vec![0.0; 2 * block], &mut vec![0; have]), Err(error));
        }
        assert_eq!(format.dequantize(&[], &mut []), Ok(()));
        assert_eq!(format.quantize(&[], &mut []), Ok(()));
    });
}

// Encoders.

/// Weights to encode, by the name of their distribution.
fn distributions(rng: &mut Rng, len: usize) -> Vec<(&'static str, Vec<f32>)> {
    let mut uniform = || rng.range(0, 1 << 24) as f32 / (1 << 23) as f32 - 1.0;
    let uniform: Vec<f32> = (0..len).map(|_| uniform()).collect();
    let gaussian: Vec<f32> = (0..len).map(|_| rng.normal()).collect();
    let scaled = |factor: f32| gaussian.iter().map(|x| x * factor).collect::<Vec<_>>();
    let outlier = |x: f32| {
        let outlier = |(i, small): (usize, &f32)| if i % 97 == 13 { x } else { 0.01 * small };
        gaussian.iter().enumerate().map(outlier).collect::<Vec<_>>()
    };
    vec![
        ("gaussian", gaussian.clone()),
        ("uniform", uniform.clone()),
        ("all positive", uniform.iter().map(|x| x + 2.0).collect()),
        ("all negative", uniform.iter().map(|x| x - 2.0).collect()),
        ("constant", vec![0.75; len]),
        ("negative constant", vec![-3.1; len]),
        ("zero", vec![0.0; len]),
        ("one outlier", outlier(5.0)),
        ("one negative outlier", outlier(-5.0)),
        ("small", scaled(1e-4)),
        ("tiny", scaled(1e-30)),
        ("huge", scaled(1e30)),
        ("as far as f32 goes", scaled(5e37)),
    ]
}

/// What can be written in the declaration's own numbers about how well weights can be stored.
struct Precision {
    low: f32,
    high: f32,
    /// Largest gap between neighbouring levels.
    step: f32,
    /// Weights that share a scale, and a bias.
    group: usize,
}

impl Precision {
    fn of(format: &FormatInfo, layout: &Layout) -> Self {
        let mut levels = layout.levels.to_vec();
        levels.sort_by(f32::total_cmp);
        let step = levels.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f32::max);
        let parts = layout.scale.into_iter().chain(layout.extra.flatten());
        let groups = parts.flat_map(|part| {
            [part.float.map(|(_, group)| group), part.integer.map(|integer| integer.group)]
        });
        let group = groups.flatten().min().unwrap_or(format.block_len);
        Self { low: levels[0], high: levels[levels.len() - 1], step, group }
    }

    fn largest(&self) -> f32 {
        self.high.max(-self.low)
    }

    /// The end of the levels that a group's farthest weight can be scaled to without any other
    /// weight leaving their range.
    fn safe_end(&self) -> f32 {
        [self.high, -self.low].into_iter().filter(|end| *end > 0.0).fold(f32::INFINITY, f32::min)
    }
}

/// Relative and absolute error of the nearest float of a kind, to any value that is not too
/// large for it: half a unit in the last place, and half the distance of subnormals. E8M0 has
/// nothing between a power and the next: in the middle, at 1.5, a third.
fn rounding(layout: &Layout, float: Option<(usize, usize)>) -> (f32, f32) {
    match float.map(|(field, _)| layout.fields[field].kind) {
        None => (0.0, 0.0),
        Some(Kind::F32) => (2f32.powi(-24), 0.0),
        Some(Kind::F16) => (2f32.powi(-11), 2f32.powi(-25)),
        Some(Kind::Bf16) => (2f32.powi(-8), 0.0),
        Some(Kind::E8m0) => (1.0 / 3.0, 2f32.powi(-127)),
        Some(Kind::Ue4m3) => (2f32.powi(-4), 2f32.powi(-10)),
        Some(kind) => panic!("{kind:?} is no float"),
    }
}

/// What a decoded weight may differ from the level that is really nearest, and what sums of
/// squares in `f32` may hide from the search for scales: a few units in the last place.
const SLACK: f32 = 8.0 * f32::EPSILON;

#[test]
fn every_weight_takes_the_nearest_of_its_levels() {
    each_format(|format, rng| {
        let Some(layout) = format.layout else { return };
        let precision = Precision::of(format, layout);
        let seed = format!("{rng:?}");
        for (what, weights) in distributions(rng, 2048) {
            let blocks = quantized(format, &weights);
            let got = dequantized(format, &blocks);
            let raws = (0..=u8::MAX).take(layout.levels.len());
            let levels: Vec<Vec<f32>> =
                raws.map(|raw| blocks::with_code(format, &blocks, raw)).collect();
            for (i, (weight, got)) in weights.iter().zip(&got).enumerate() {
                assert!(got.is_finite(), "{seed} {} {what} [{i}]: {got}", format.name);
                let of = |level: &Vec<f32>| level[i];
                let least = levels.iter().map(|l| (of(l) - weight).abs()).fold(f32::MAX, f32::min);
                let (low, high) = levels
                    .iter()
                    .map(of)
                    .fold((f32::MAX, f32::MIN), |(low, high), w| (low.min(w), high.max(w)));
                let error = (got - weight).abs();
                let slack = SLACK * (low.abs().max(high.abs()) + weight.abs());
                assert!(
                    error <= least + slack,
                    "{seed} {} {what} [{i}]: {weight:e} became {got:e}, but {least:e} is possible",
                    format.name,
                );
                // Within the range, half a step is enough.
                let scale = (high - low) / (precision.high - precision.low);
                if low <= *weight && *weight <= high {
                    let bound = 0.5 * precision.step * scale + slack;
                    assert!(error <= bound, "{seed} {} {what} [{i}]: {error:e}", format.name);
                }
            }
        }
    });
}

/// A bound on the root mean square error of a block, from the declaration and the weights.
///
/// Write `|.|` for the root mean square over a block. The encoder first fits each group by itself,
/// then stores scales and biases with what precision the block has, and last takes the nearest
/// codes; those can only be better than the codes of the fit. So by the triangle inequality
///
/// ```text
/// |error| <= |fit error| + |scale error * level| + |bias error|
/// ```
///
/// *Fit.* Among the scales tried is one under which every weight lies within the levels and which
/// is at most 6/5 of the smallest such scale; there the error is at most half a step. Least
/// squares can only improve on it.
///
/// *Scale.* A least squares fit `s * level` is a projection of the weights, so it is no longer
/// than they are; the farthest weight alone has a level of at least `5/6 end - step/2`, so
/// `s <= sqrt(group) |x| / that` (with a bias the two ends of the weights say the same of the
/// range of levels, and twice the projection leaves room for the cases where the fit is not
/// taken). Integers are nearest for the best of several units, of which one is the largest scale
/// over the end of the integers' range: an error of at most half a gap of that unit. The float
/// is rounded on top.
///
/// *Bias.* In the same way; a bias is no farther from zero than the weights and their scaled
/// levels together.
fn bound(format: &FormatInfo, layout: &Layout, block: &[f32]) -> f32 {
    let precision = Precision::of(format, layout);
    let scale = layout.scale.expect("a format with an encoder");
    let extra = layout.extra.map(|extra| extra.expect("a format with an encoder"));
    let (mut fit, mut size, mut most) = (0.0f32, 0.0f32, 0.0f32);
    for x in block.chunks(precision.group) {
        let low = x.iter().copied().fold(f32::INFINITY, f32::min);
        let high = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let obvious = match &extra {
            None => high.max(-low) / precision.safe_end(),
            // Biases of one sign: the range has to reach zero.
            Some(part) if part.integer.is_some() => {
                (high.max(0.0) - low.min(0.0)) / (precision.high - precision.low)
            }
            Some(_) => (high - low) / (precision.high - precision.low),
        };
        fit = fit.max(0.5 * precision.step * 1.2 * obvious);
        size = size.max((x.iter().map(|x| x * x).sum::<f32>() / x.len() as f32).sqrt());
        most = most.max(high.max(-low));
    }
    let least_level = match extra {
        None => (precision.safe_end() / 1.2 - 0.5 * precision.step).max(1.0),
        Some(_) => 0.5 * (precision.high - precision.low - precision.step),
    };
    let largest_scale = (precision.group as f32).sqrt() * size / least_level;
    let stored = |part: kernels::layout::Part, largest: f32| {
        let (relative, absolute) = rounding(layout, part.float);
        let absolute = absolute * part.constant.abs();
        let Some(integer) = part.integer else { return relative * largest + absolute };
        let mut values = integer.values.to_vec();
        values.sort_by(f32::total_cmp);
        let gap = values.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f32::max);
        let ends = [values[0].abs(), values[values.len() - 1].abs()];
        let end = ends.into_iter().filter(|end| *end > 0.0).fold(f32::INFINITY, f32::min);
        let reach = ends[0].max(ends[1]);
        // The largest unit tried is 8/7 of the obvious one.
        0.5 * gap * largest / end + (relative * 8.0 / 7.0 * largest / end + absolute) * reach
    };
    let mut bound = fit + stored(scale, largest_scale) * precision.largest();
    if let Some(extra) = extra {
        bound += stored(extra, most + largest_scale * precision.largest());
    }
    bound + SLACK * (block.len() as f32).sqrt() * (most + largest_scale * precision.largest())
}

#[test]
fn encoders_round_trip_within_the_bound_of_their_layout() {
    each_format(|format, rng| {
        let Some(layout) = format.layout else { return };
        let seed = format!("{rng:?}");
        for (what, weights) in distributions(rng, 4096) {
            if weights.iter().any(|w| w.abs() > 1e6) {
                // More than the scales of a block can say.
                continue;
            }
            let got = dequantized(format, &quantized(format, &weights));
            let blocks = weights.chunks(format.block_len).zip(got.chunks(format.block_len));
            for (n, (weights, got)) in blocks.enumerate() {
                let squares: f64 =
                    weights.iter().zip(got).map(|(w, g)| f64::from(w - g).powi(2)).sum();
                let error = (squares / weights.len() as f64).sqrt();
                let bound = f64::from(bound(format, layout, weights));
                assert!(
                    error <= bound,
                    "{seed} {} {what}, block {n}: {error:e} is more than {bound:e}",
                    format.name
                );
            }
        }
    });
}

#[test]
fn dense_formats_round_to_the_nearest_float() {
    for (name, relative, absolute, most) in [
        ("F32", 0.0, 0.0, f32::MAX),
        ("F16", 2f32.powi(-11), 2f32.powi(-25), 65504.0),
        ("BF16", 2f32.powi(-8), 2f32.powi(-134), 3.38e38),
    ] {
        let format = formats::by_name(name).unwrap();
        let mut rng = Rng::new(0xDE);
        for (what, weights) in distributions(&mut rng, 512) {
            let got = dequantized(format, &quantized(format, &weights));
            for (weight, got) in weights.iter().zip(&got) {
                let bound = relative * weight.abs() + absolute;
                assert!(
                    (got - weight).abs() <= bound || weight.abs() > most,
                    "{rng:?} {name} {what}: {weight:e} became {got:e}"
                );
            }
        }
    }
}

#[test]
fn weights_that_are_not_finite_are_encoded_as_zeros() {
    each_format(|format, rng| {
        if format.layout.is_none() {
            return;
        }
        let mut zeroed: Vec<f32> = (0..512).map(|_| rng.normal()).collect();
        let mut broken = zeroed.clone();
        for i in (0..512).step_by(7) {
            zeroed[i] = 0.0;
            broken[i] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY][i % 3];
        }
        assert_eq!(quantized(format, &broken), quantized(format, &zeroed), "{}", format.name);
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN] {
            let got = dequantized(format, &quantized(format, &[bad; 512]));
            assert!(got.iter().all(|w| w.is_finite()), "{}: {bad} became {got:?}", format.name);
        }
    });
}

#[test]
fn zeros_are_encoded_as_zeros() {
    each_format(|format, _| {
        for zero in [0.0, -0.0] {
            let got = dequantized(format, &quantized(format, &[zero; 512]));
            assert!(got.iter().all(|w| *w == 0.0), "{}: {got:?}", format.name);
        }
    });
}

/// ggml's own test of its quantizers (`test-quantize-fns`): its data, its measure, its thresholds.
#[test]
fn errors_on_the_fields_test_data_are_below_its_thresholds() {
    let data: Vec<f32> = (0..4096).map(|i| 0.1 + 2.0 * (i as f32).cos()).collect();
    each_format(|format, _| {
        let threshold = match format.name {
            "Q1_0" => 0.025,
            "TQ2_0" | "Q2_0" => 0.01,
            "Q2_K" => 0.0075,
            "Q3_K" => 0.0040,
            "NVFP4" => 0.0030,
            _ => 0.002,
        };
        let got = dequantized(format, &quantized(format, &data));
        let squares: f64 = data.iter().zip(&got).map(|(a, b)| f64::from(a - b).powi(2)).sum();
        // The root of the sum, not of the mean, over the count.
        let error = squares.sqrt() / data.len() as f64;
        assert!(error < threshold, "{}: {error} is not below {threshold}", format.name);
    });
}

/// Weights after one and after two passes through blocks.
fn passes(format: &FormatInfo, weights: &[f32]) -> [Vec<f32>; 2] {
    let once = dequantized(format, &quantized(format, weights));
    let twice = dequantized(format, &quantized(format, &once));
    [once, twice]
}

/// With one f16 scale a block and codes of at most five bits, weights that came out of a block go
/// in again unchanged: scales are tried at steps of 1/48, so one of them is within 1/96 of that
/// of the block, which is less than half a step of up to 32 levels; with all codes right, least
/// squares gives the scale to within `f32` rounding, and its f16 is that of the block.
#[test]
fn a_second_pass_changes_nothing_where_a_block_has_one_scale_and_few_levels() {
    let mut tested = vec![];
    each_format(|format, rng| {
        let Some(layout) = format.layout else { return };
        let scale = layout.scale.unwrap();
        let is_f16 = scale.float.is_some_and(|(field, _)| layout.fields[field].kind == Kind::F16);
        if !is_f16 || scale.integer.is_some() || layout.codes.width > 5 {
            return;
        }
        tested.push(format.name);
        let seed = format!("{rng:?}");
        for (what, weights) in distributions(rng, 2048) {
            if ["gaussian", "uniform"].contains(&what) {
                let [once, twice] = passes(format, &weights);
                assert_same(format, &twice, &once, &format!("{what} {seed}"));
            }
        }
    });
    let few = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "IQ4_NL", "TQ2_0", "Q1_0", "Q2_0"];
    assert_eq!(tested, few);
}

/// Other formats choose the two factors of their scales anew, and may choose others; but a second
/// pass moves weights no farther than the first did, apart from rounding the scales twice.
#[test]
fn a_second_pass_moves_weights_no_farther_than_the_first() {
    let rms = |a: &[f32], b: &[f32]| {
        let squares: f64 = a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum();
        (squares / a.len() as f64).sqrt()
    };
    each_format(|format, rng| {
        let Some(layout) = format.layout else { return };
        let precision = Precision::of(format, layout);
        let scale = layout.scale.unwrap();
        let (relative, absolute) = rounding(layout, scale.float);
        let reach = scale.integer.map_or(1.0, |integer| {
            integer.values.iter().fold(0.0f32, |most, value| most.max(value.abs()))
        });
        let seed = format!("{rng:?}");
        for (what, weights) in distributions(rng, 2048) {
            if weights.iter().any(|w| w.abs() > 1e6) {
                continue;
            }
            let [once, twice] = passes(format, &weights);
            let most = once.iter().fold(0.0f32, |most, w| most.max(w.abs()));
            let rounded = relative * most + absolute * reach * precision.largest();
            let (moved, error) = (rms(&once, &twice), rms(&once, &weights));
            let bound = error + 2.0 * f64::from(rounded);
            let name = format.name;
            assert!(moved <= bound, "{seed} {name} {what}: {moved:e} after {error:e}");
        }
    });
}

// Vector lowerings.

/// A span as stored.
fn span<F: Format>(blocks: &[u8]) -> F::Span {
    F::Span::read_from_bytes(blocks).unwrap()
}

/// Spans of a format: adversarial blocks, every kind of them at every place of a span.
fn spans<F: Format>(rng: &mut Rng) -> Vec<Vec<u8>> {
    let format = F::info();
    // Fifteen kinds of blocks; spans hold powers of two of them.
    let blocks = naive::adversarial_blocks(format.name, rng, 15 * (F::SPAN / format.block_len));
    blocks.chunks_exact(size_of::<F::Span>()).map(<[u8]>::to_vec).collect()
}

/// `scale * code + bias`, unit by unit, against the scalar decoder; codes against the layout.
///
/// Bound: decoder and vectors each compute a scale or bias with at most two roundings and a weight
/// with at most three, each by half an eps of `|scale * code| + |bias|` or of a subnormal.
fn codes_scales_and_biases_agree<I: Isa, F: Coded>(isa: I) {
    let format = F::info();
    let layout = format.layout.unwrap();
    let mut rng = Rng::new(0x10 + I::LANES as u64);
    for bytes in spans::<F>(&mut rng) {
        let stored = span::<F>(&bytes);
        let (mut codes, mut registers) = (vec![0u8; F::SPAN], vec![]);
        F::codes(isa, &stored, |n, v| {
            registers.push(n);
            isa.store(v, &mut codes, n * I::LANES);
        });
        let what = format!("{rng:?} {}, {} lanes", format.name, I::LANES);
        assert!(registers.iter().copied().eq(0..F::SPAN / I::LANES), "{what}: {registers:?}");

        let mut raw = vec![0; F::SPAN];
        let blocks = bytes.chunks(format.block_bytes).zip(raw.chunks_mut(format.block_len));
        blocks.for_each(|(block, raw)| layout.codes.read_raw(block, raw));
        let center = F::CENTER.unwrap_or(0) as f32;
        for (i, (code, raw)) in codes.iter().zip(&raw).enumerate() {
            let level = layout.levels[usize::from(*raw)];
            assert_eq!(f32::from(*code) + center, level, "{what}: code {i}");
            assert!(u32::from(*code) <= F::CODE_MAX, "{what}: code {i} is {code}");
        }

        let (mut scales, mut biases) = ([0.0; 16], [0.0; 16]);
        isa.g_store(F::scales(isa, &stored), &mut scales, 0);
        isa.g_store(F::biases(isa, &stored), &mut biases, 0);
        let want = dequantized(format, &bytes);
        for (i, (code, want)) in codes.iter().zip(&want).enumerate() {
            let (scale, bias) = (f64::from(scales[i / F::UNIT]), f64::from(biases[i / F::UNIT]));
            let product = scale * f64::from(*code);
            assert_near(product + bias, *want, product.abs() + bias.abs(), &what, i);
        }
    }
}

/// The decode of panels against that of rows: rows of adversarial spans at any distance.
fn columns_are_the_codes_of_rows<I: Isa, F: Coded>(isa: I) {
    let (name, rows) = (F::info().name, I::LANES / 4);
    let (span_bytes, stretches) = (size_of::<F::Span>(), F::SPAN / F::STRETCH);
    assert!(F::SPAN.is_multiple_of(F::STRETCH) && F::STRETCH.is_multiple_of(F::UNIT), "{name}");
    let reach = span_bytes.max((stretches - 1) * (span_bytes / stretches) + F::REACH);
    let mut rng = Rng::new(0x11 + I::LANES as u64);
    for spans in spans::<F>(&mut rng).chunks(rows) {
        let stride = reach + rng.range(0, 7);
        let mut bytes = vec![0xA5; (rows - 1) * stride + reach];
        let mut want = vec![];
        for r in 0..rows {
            // The last chunk may lack rows.
            let own = &spans[r % spans.len()];
            bytes[r * stride..r * stride + span_bytes].copy_from_slice(own);
            let mut codes = vec![0u8; F::SPAN];
            F::codes(isa, &span::<F>(own), |n, v| isa.store(v, &mut codes, n * I::LANES));
            want.push(codes);
        }
        let from = Rows::new(&bytes, stride, (rows, reach)).expect("room for all rows");
        let mut dwords = vec![];
        for stretch in 0..stretches {
            F::columns(isa, &from, stretch * (span_bytes / stretches), |n, v| {
                let (mut got, first) = (vec![0; I::LANES], stretch * F::STRETCH + 4 * n);
                isa.store(v, &mut got, 0);
                for (got, want) in got.chunks_exact(4).zip(&want) {
                    let want = &want[first..first + 4];
                    assert_eq!(got, want, "{rng:?} {name}, {} lanes: weights {first}..", I::LANES);
                }
                dwords.push(first / 4);
            });
        }
        dwords.sort_unstable();
        assert!(dwords.into_iter().eq(0..F::SPAN / 4), "{name}: each dword once");
    }
}

fn assert_near(got: f64, want: f32, terms: f64, what: &str, i: usize) {
    let bound = 3.0 * (f64::from(f32::EPSILON) * terms + 2f64.powi(-149));
    assert!(
        (got - f64::from(want)).abs() <= bound,
        "{what}, weight {i}: {got:e} is not {want:e}, bound {bound:e}"
    );
}

/// [`Format::floats`] against the scalar decoder.
fn floats_agree<I: Isa, F: Format>(isa: I) {
    let format = F::info();
    let mut rng = Rng::new(0x50 + I::LANES as u64);
    let wide = I::LANES / 4;
    for bytes in spans::<F>(&mut rng) {
        let mut got = vec![f32::NAN; F::SPAN];
        let mut next = 0;
        F::floats(isa, &span::<F>(&bytes), |n, w| {
            assert_eq!(n, next, "{} registers come in order", format.name);
            next += 1;
            isa.store_f32(w, &mut got, n * wide);
        });
        assert_eq!(next, F::SPAN / wide);
        let want = dequantized(format, &bytes);
        let what = format!("{rng:?} {}, {} lanes", format.name, I::LANES);
        let terms = blocks::magnitudes(format, &bytes);
        for (i, (got, want)) in got.iter().zip(&want).enumerate() {
            match format.layout {
                // Nothing is computed.
                None => assert!(same(*got, *want), "{what}, weight {i}: {got:e} is not {want:e}"),
                // As above; a code's and a bias's terms are at most twice the largest weight.
                Some(_) => assert_near(f64::from(*got), *want, 3.0 * terms[i], &what, i),
            }
        }
    }
}

/// The narrow and the wide lowering, run on any CPU through plain Rust.
macro_rules! lowerings {
    (coded: $($coded:ident)*; dense: $($dense:ident)*) => {
        const CODED: &[&str] = &[$(stringify!($coded)),*];

        #[test]
        fn both_lowerings_of_codes_and_scales_equal_the_scalar_decoder() {
            $(
                codes_scales_and_biases_agree::<_, formats::$coded>(Lanes::<64, 16>);
                codes_scales_and_biases_agree::<_, formats::$coded>(Lanes::<32, 8>);
            )*
        }

        #[test]
        fn both_lowerings_of_columns_are_the_codes_of_rows() {
            $(
                columns_are_the_codes_of_rows::<_, formats::$coded>(Lanes::<64, 16>);
                columns_are_the_codes_of_rows::<_, formats::$coded>(Lanes::<32, 8>);
            )*
        }

        #[test]
        fn both_lowerings_to_floats_equal_the_scalar_decoder() {
            $(
                floats_agree::<_, formats::$coded>(Lanes::<64, 16>);
                floats_agree::<_, formats::$coded>(Lanes::<32, 8>);
            )*
            $(
                floats_agree::<_, formats::$dense>(Lanes::<64, 16>);
                floats_agree::<_, formats::$dense>(Lanes::<32, 8>);
            )*
        }
    };
}

lowerings! {
    coded: Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K Q4_K Q5_K Q6_K IQ4_NL IQ4_XS TQ2_0 MXFP4 NVFP4 Q1_0 Q2_0;
    dense: F32 F16 BF16
}

#[test]
fn every_format_with_integer_kernels_is_tested_above() {
    let coded: BTreeSet<_> = blocks::coded().map(|format| format.name).collect();
    assert_eq!(coded, CODED.iter().copied().collect());
}
