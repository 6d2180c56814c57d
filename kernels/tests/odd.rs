//! Layouts that no file format has: every construct of the language, declared in a crate of its
//! own as a user would, against decoders written by hand and on every instruction set.

mod blocks;
mod naive;

use kernels::{
    Activations, Coded, Format, FormatInfo, IsaInfo, Numerics, Params, Plan, Pool, Problem, float,
    isa, quant_format,
};
use naive::Rng;

quant_format! {
    /// Five bits in file order, straddling bytes and words; a table of scales, two minima.
    struct Streamed {
        d: f32,
        m: [bf16; 2],
        packed: [u32; 10],
        s: [u8; 1],
        _pad: [u8; 3],
    }
    const STEPS: [i8; 4] = [1, 2, 4, 8];
    let q: [u5; 64] = packed.stream();
    let sc: [u2; 4] = s.stream();
    w[i] = d * STEPS[sc[i / 16]] * q[i] - 0.5 * m[i / 32];
}

/// Weight `i` of a block of `Streamed`.
fn streamed(block: &[u8], i: usize) -> f32 {
    let bit = |n: usize| u32::from(block[8 + n / 8] >> (n % 8) & 1);
    let q: u32 = (0..5).map(|n| bit(5 * i + n) << n).sum();
    let step = 1u32 << (block[48] >> (2 * (i / 16)) & 3);
    let d = float::f32(block[0..4].try_into().unwrap());
    let m = 4 + 2 * (i / 32);
    d * step as f32 * q as f32 - 0.5 * float::bf16(block[m..m + 2].try_into().unwrap())
}

quant_format! {
    /// Two's complement, groups too short for the vector loops.
    struct Short { e: [e8m0; 2], qs: [u8; 4] }
    let q: [i4; 8] = qs.planes(1);
    w[i] = 3 - (q[i] + 0.5) * e[i / 4] * 2;
}

/// Weight `i` of a block of `Short`.
fn short(block: &[u8], i: usize) -> f32 {
    let raw = block[2 + i / 2] >> (4 * (i % 2)) & 15;
    let q = f32::from((raw << 4).cast_signed() >> 4);
    3.0 - (q + 0.5) * float::e8m0(block[i / 4]) * 2.0
}

quant_format! {
    /// The second half of the codes has constant low bits.
    struct Lifted { d: ue4m3, a: [u8; 16], b: [u8; 8] }
    let q: [u4; 64] = [a.planes(4), b.planes(2) << 2];
    w[i] = d * q[i];
}

/// Weight `i` of a block of `Lifted`.
fn lifted(block: &[u8], i: usize) -> f32 {
    let q = match i {
        0..32 => block[1 + 4 * (i / 8) + i % 4] >> (4 * (i % 8 / 4)) & 15,
        _ => (block[17 + 2 * ((i - 32) / 8) + i % 2] >> (2 * (i % 8 / 2)) & 3) << 2,
    };
    float::ue4m3(block[0]) * f32::from(q)
}

quant_format! {
    /// A third part that is one bit, an odd block, an integer field for a scale.
    struct Thirds { lo: [u8; 24], s: [i8; 3], mid: [u8; 12], hi: [u8; 12], d: f16 }
    let q: [u4; 96] = lo.planes(24) | mid.planes(12) << 2 | hi.planes(1) << 3;
    w[i] = -(8 - q[i]) * (d * s[i / 32]);
}

/// Weight `i` of a block of `Thirds`.
fn thirds(block: &[u8], i: usize) -> f32 {
    let lo = block[i % 24] >> (2 * (i / 24)) & 3;
    let mid = block[27 + i % 12] >> (i / 12) & 1;
    let hi = block[39 + i / 8] >> (i % 8) & 1;
    let q = f32::from(lo | mid << 2 | hi << 3);
    let d = float::f16(block[51..53].try_into().unwrap());
    -(8.0 - q) * (d * f32::from(block[24 + i / 32].cast_signed()))
}

quant_format! {
    /// Rows of activations are not whole spans of it, and quants take an order of their own.
    struct Uneven { d: f16, qs: [u8; 48] }
    let q: [u4; 96] = qs.planes(16);
    w[i] = d * (q[i] - 8);
}

/// Weight `i` of a block of `Uneven`.
fn uneven(block: &[u8], i: usize) -> f32 {
    let q = block[2 + 16 * (i / 32) + i % 16] >> (4 * (i % 32 / 16)) & 15;
    float::f16(block[0..2].try_into().unwrap()) * (f32::from(q) - 8.0)
}

/// A format, and a weight of its blocks decoded by hand.
type Case = (&'static FormatInfo, fn(&[u8], usize) -> f32);

fn cases() -> [Case; 5] {
    [
        (Streamed::info(), streamed),
        (Short::info(), short),
        (Lifted::info(), lifted),
        (Thirds::info(), thirds),
        (Uneven::info(), uneven),
    ]
}

/// Random blocks whose scales are of moderate size.
fn random_blocks(format: &FormatInfo, count: usize, rng: &mut Rng) -> Vec<u8> {
    let layout = format.layout.expect("a declared format has a layout");
    let mut bytes: Vec<u8> = (0..count * format.block_bytes).map(|_| rng.byte()).collect();
    for block in bytes.chunks_mut(format.block_bytes) {
        for field in layout.fields.iter().filter(|field| blocks::is_float(field)) {
            for n in 0..field.count {
                let value = rng.range(16, 64) as f32 / 32.0;
                blocks::put_float(field, n, value, block);
            }
        }
    }
    bytes
}

fn decoded(format: &FormatInfo, blocks: &[u8]) -> Vec<f32> {
    let mut weights = vec![0.0; blocks.len() / format.block_bytes * format.block_len];
    format.dequantize(blocks, &mut weights).unwrap();
    weights
}

#[test]
fn every_construct_means_what_the_language_says() {
    for (format, weight) in cases() {
        let blocks = random_blocks(format, 200, &mut Rng::new(1));
        let weights = decoded(format, &blocks);
        for (n, w) in weights.iter().enumerate() {
            let (block, i) = (n / format.block_len, n % format.block_len);
            let block = &blocks[block * format.block_bytes..][..format.block_bytes];
            assert_eq!(*w, weight(block, i), "{} weight {i} of {block:?}", format.name);
        }
    }
}

#[test]
fn every_instruction_set_multiplies_odd_layouts() {
    // Else it would not be what its comment says.
    assert!(Uneven::ORDER_WIDE.is_some() && !512usize.is_multiple_of(Uneven::SPAN));
    for (format, _) in cases() {
        for class in [Numerics::Q8, Numerics::F32] {
            if !format.kernels.iter().any(|kernel| kernel.class == class) {
                continue;
            }
            for isa in isa::supported() {
                for batch in [1, 3, 37] {
                    compare(format, class, isa, batch);
                }
            }
        }
    }
}

/// A product with seven rows of eleven blocks against sums in `f64`.
fn compare(format: &'static FormatInfo, class: Numerics, isa: &'static IsaInfo, batch: usize) {
    let (rows, depth) = (7, 11 * format.block_len);
    let mut rng = Rng::new(2);
    let blocks = random_blocks(format, rows * 11, &mut rng);
    let weights = decoded(format, &blocks);
    let x: Vec<f32> = (0..batch * depth).map(|_| rng.normal()).collect();
    let problem = Problem { format, rows, depth, class };
    let plan = Plan::with_params(problem, isa, Params::default()).unwrap();
    let mut out = vec![f32::NAN; batch * rows];
    plan.multiply(&Pool::new(2).unwrap(), &blocks, &x, batch, &mut out).unwrap();
    let mut activations = Activations::default();
    activations.fill(class, &x, batch, depth);
    // Codes and biases are summed apart: no part of a weight is larger than four times the largest
    // weight here. Rounding grows with the number of sums at worst.
    let largest = weights.iter().fold(0.0, |most: f32, w| most.max(w.abs()));
    for m in 0..batch {
        let x: Vec<f64> = activations.seen(m).into_iter().map(f64::from).collect();
        let size: f64 = x.iter().map(|x| x.abs()).sum();
        let tolerance = depth as f64 * f64::from(f32::EPSILON) * 4.0 * f64::from(largest) * size;
        for n in 0..rows {
            let row = &weights[n * depth..][..depth];
            let want: f64 = row.iter().zip(&x).map(|(w, x)| f64::from(*w) * x).sum();
            let got = f64::from(out[m * rows + n]);
            let what = format!("{} {class} {} batch {batch}, ({m}, {n})", format.name, isa.name);
            assert!((got - want).abs() <= tolerance, "{what}: {got}, not {want}");
        }
    }
}

#[test]
fn odd_layouts_are_encoded_where_their_equation_is_a_product() {
    let mut rng = Rng::new(3);
    for (format, _) in cases() {
        let weights: Vec<f32> = (0..64 * format.block_len).map(|_| rng.normal()).collect();
        let mut blocks = vec![0; format.row_bytes(weights.len()).unwrap()];
        if format.quantize(&weights, &mut blocks).is_err() {
            continue;
        }
        let again = decoded(format, &blocks);
        let error: f32 = again.iter().zip(&weights).map(|(a, b)| (a - b) * (a - b)).sum();
        let size: f32 = weights.iter().map(|w| w * w).sum();
        // Layouts without negative weights lose half of them.
        assert!(error < 0.6 * size, "{}: NMSE {}", format.name, error / size);
    }
}
