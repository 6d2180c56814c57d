//! Integers survive. With scales of one and quants that are the activations themselves, every sum
//! of a product is an integer below 2^24, which `f32` holds exactly in any order of addition: so
//! every kernel must give the exact integer product, bit for bit. And panels: what one instruction
//! set unpacks is what plain Rust unpacks.
//!
//! This is possible for every coded format: each has a float that can be one (or two, where the
//! equation halves it), and each integer scale has a raw value that stands for one.

mod blocks;
mod naive;

use kernels::isa::Lanes;
use kernels::layout::Part;
use kernels::panel::{Panel, Shape, Source, unpack_q8};
use kernels::{
    Coded, Entry, FormatInfo, IsaInfo, Kernel, Numerics, Params, Plan, Pool, Problem, formats, isa,
};
use naive::Rng;

/// Below this, `f32` holds every integer.
const EXACT: f64 = (1 << 24) as f64;

/// A random block whose scales are small integers, mostly one, and whose biases are integers.
fn integer_block(format: &FormatInfo, scales: &[f32], rng: &mut Rng) -> Vec<u8> {
    let layout = format.layout.unwrap();
    let mut block: Vec<u8> = (0..format.block_bytes).map(|_| rng.byte()).collect();
    let part = |part: &Part, floats: &[f32], factors: &[f32], block: &mut [u8], rng: &mut Rng| {
        if let Some((field, _)) = part.float {
            let field = &layout.fields[field];
            for n in 0..field.count {
                let float = floats[rng.range(0, floats.len())] / part.constant.abs();
                blocks::put_float(field, n, float, block);
            }
        }
        if let Some(integer) = &part.integer {
            let mut raw = || blocks::raw_of(integer, factors[rng.range(0, factors.len())]);
            let raws: Vec<u8> = (0..integer.numbers.len).map(|_| raw()).collect();
            blocks::put(integer.numbers, &raws, block);
        }
    };
    let scale = layout.scale.unwrap();
    part(&scale, &[1.0], scales, &mut block, rng);
    if let Some(extra) = layout.extra.flatten() {
        let biases: &[f32] = match extra.integer {
            Some(_) => &[1.0],
            None => &[-20.0, -3.0, 0.0, 1.0, 17.0],
        };
        part(&extra, biases, &[0.0, 1.0, 2.0, 13.0, 15.0], &mut block, rng);
    }
    block
}

/// Integer activations with the scale one: each group of 32 contains a 127.
fn integer_row(depth: usize, rng: &mut Rng) -> Vec<f32> {
    let extreme = rng.range(0, 3) == 0;
    let mut row: Vec<f32> = (0..depth)
        .map(|_| match extreme {
            true => [-127.0, 127.0][rng.range(0, 2)],
            false => rng.range(0, 255) as f32 - 127.0,
        })
        .collect();
    for group in row.chunks_mut(32) {
        let at = rng.range(0, group.len());
        group[at] = [-127.0, 127.0][rng.range(0, 2)];
    }
    row
}

/// A product of integers.
struct Case {
    format: &'static FormatInfo,
    rows: usize,
    depth: usize,
    batch: usize,
    weights: Vec<u8>,
    x: Vec<f32>,
    want: Vec<f32>,
    seed: String,
}

impl Case {
    fn new(
        format: &'static FormatInfo,
        (rows, depth, batch): (usize, usize, usize),
        rng: &mut Rng,
    ) -> Self {
        let seed = format!("{rng:?}");
        // Sub-scales other than one only where sums stay small.
        let layout = format.layout.unwrap();
        let signed = |integer: kernels::layout::Integer| integer.values.contains(&-1.0);
        let scales: &[f32] = match layout.scale.unwrap().integer {
            Some(integer) if signed(integer) => &[1.0, -1.0],
            _ => &[1.0],
        };
        let count = rows * depth / format.block_len;
        let weights: Vec<u8> =
            (0..count).flat_map(|_| integer_block(format, scales, rng)).collect();
        let x: Vec<f32> = (0..batch).flat_map(|_| integer_row(depth, rng)).collect();

        let decoded = naive::decode(format.name, &weights);
        assert!(decoded.iter().all(|w| w.fract() == 0.0), "{} is not an integer", format.name);
        // Codes and biases are summed apart: twice the largest magnitude bounds them together.
        let terms = blocks::terms(format, &weights, &x, depth);
        assert!(terms.iter().all(|terms| 2.0 * terms < EXACT), "{}: sums too large", format.name);
        let mut want = vec![];
        for x in x.chunks(depth) {
            for w in decoded.chunks(depth) {
                let products = x.iter().zip(w).map(|(x, w)| *x as i64 * *w as i64);
                want.push(products.sum::<i64>() as f32);
            }
        }
        Self { format, rows, depth, batch, weights, x, want, seed }
    }

    fn check(&self, pool: &Pool, isa: &'static IsaInfo, params: Params) -> &'static Kernel {
        let Self { format, rows, depth, batch, .. } = *self;
        let problem = Problem { format, rows, depth, class: Numerics::Q8 };
        let plan = Plan::with_params(problem, isa, params).unwrap();
        let mut got = vec![f32::NAN; self.want.len()];
        plan.multiply(pool, &self.weights, &self.x, batch, &mut got).unwrap();
        let kernel = plan.kernel(batch);
        for (n, (got, want)) in got.iter().zip(&self.want).enumerate() {
            let (m, n) = (n / rows, n % rows);
            assert!(
                got == want,
                "{} of {} {rows} x {depth}, batch {batch}, {params:?}: [{m}, {n}] is {got}, not {want}",
                kernel.name,
                self.seed,
            );
        }
        kernel
    }
}

fn kernels_of(format: &FormatInfo, isa: &'static IsaInfo) -> impl Iterator<Item = &'static Kernel> {
    let is_one = move |kernel: &&Kernel| kernel.isa == isa && kernel.class == Numerics::Q8;
    format.kernels.iter().filter(is_one)
}

#[test]
fn every_gemv_tile_gives_the_exact_integer_product() {
    let pool = Pool::new(1).unwrap();
    for (n, format) in blocks::coded().enumerate() {
        let mut rng = Rng::new(0x6E0 + n as u64);
        for isa in isa::supported() {
            for kernel in kernels_of(format, isa) {
                let Entry::GemvQ8(_) = kernel.entry else { continue };
                // Rows that do not fill the last tile; a span alone, several, and one cut short.
                for (rows, depth) in [(5, format.block_len), (7, 256), (4, 512)] {
                    let case = Case::new(format, (rows, depth, kernel.columns), &mut rng);
                    let params = Params {
                        rows: kernel.rows as u8,
                        switch_at: u16::MAX,
                        ..Params::default()
                    };
                    let ran = case.check(&pool, isa, params);
                    assert_eq!(ran.name, kernel.name, "the plan took another tile");
                }
            }
        }
    }
}

#[test]
fn every_gemm_tile_gives_the_exact_integer_product() {
    let pool = Pool::new(1).unwrap();
    for (n, format) in blocks::coded().enumerate() {
        let mut rng = Rng::new(0x6E1 + n as u64);
        for isa in isa::supported() {
            for kernel in kernels_of(format, isa) {
                let Entry::GemmQ8 { .. } = kernel.entry else { continue };
                for columns in 1..=kernel.columns {
                    // Panels that are full and panels that are not.
                    for (rows, depth) in [(kernel.rows + 3, format.block_len), (2, 512)] {
                        let case = Case::new(format, (rows, depth, columns), &mut rng);
                        let params =
                            Params { columns: columns as u8, switch_at: 1, ..Params::default() };
                        assert_eq!(case.check(&pool, isa, params).name, kernel.name);
                    }
                }
            }
        }
    }
}

/// One block deep; rows up to a panel and one, batches through every cut into tiles; one format of
/// each kind: a center, groups with biases, groups of 16, a table of levels.
#[test]
fn every_small_shape_gives_the_exact_integer_product() {
    let pool = Pool::new(1).unwrap();
    for (n, name) in ["Q4_0", "Q4_K", "Q6_K", "MXFP4"].into_iter().enumerate() {
        let format = formats::by_name(name).unwrap();
        let mut rng = Rng::new(0x5A + n as u64);
        for rows in 1..=17 {
            for batch in 1..=33 {
                let case = Case::new(format, (rows, format.block_len, batch), &mut rng);
                for isa in isa::supported() {
                    for switch_at in [1, u16::MAX] {
                        let params = Params { rows: 2, switch_at, ..Params::default() };
                        case.check(&pool, isa, params);
                    }
                }
            }
        }
    }
}

// Panels.

/// Unpacks with the instruction set's own entry point.
fn unpacked(kernel: &Kernel, source: &Source<'_>) -> Vec<u8> {
    let Entry::GemmQ8 { unpack, shape, .. } = kernel.entry else { unreachable!() };
    assert!(kernel.isa.is_supported());
    let mut panel = Panel::default();
    // SAFETY: the CPU has the features of the kernel's instruction set, as asserted.
    unsafe { unpack(source, &mut panel) };
    panel.bytes()[..shape.bytes(source.depth)].to_vec()
}

/// Sources of a format: rows that fill a panel and rows that do not, spans cut short.
fn each_source(format: &FormatInfo, rng: &mut Rng, rows: usize, mut test: impl FnMut(&Source<'_>)) {
    for rows in [1, rows - 1, rows] {
        for count in [1, 3, 8] {
            let weights = naive::adversarial_blocks(format.name, rng, rows * count);
            test(&Source::whole(&weights, rows, count * format.block_len));
        }
    }
}

/// Register by register: codes of four weights of each row, then scales, then biases.
fn a_panel_is_what_its_essay_says<const L: usize, const Q: usize, F: Coded>() {
    let format = F::info();
    let layout = format.layout.unwrap();
    let shape = Shape::of::<Lanes<L, Q>, F>();
    assert_eq!((shape.rows, shape.unit), (Q, F::UNIT));
    let mut rng = Rng::new(0x9A + L as u64);
    let what = format!("{rng:?} {} {L}", format.name);
    each_source(format, &mut rng, Q, |source| {
        let mut panel = Panel::default();
        unpack_q8::<Lanes<L, Q>, F>(Lanes, source, &mut panel);
        let units = panel.bytes().chunks_exact(shape.registers() * L);
        let row_bytes = source.weights.len() / source.rows;
        for (unit, registers) in units.enumerate().take(source.depth / F::UNIT) {
            let float = |register: usize, row: usize| {
                let at = register * L + 4 * row;
                f64::from(f32::from_le_bytes(registers[at..at + 4].try_into().unwrap()))
            };
            for r in 0..Q {
                // The panel repeats the last row.
                let blocks = &source.weights[r.min(source.rows - 1) * row_bytes..][..row_bytes];
                let mut raw = vec![0; source.depth];
                let pairs = blocks.chunks(format.block_bytes).zip(raw.chunks_mut(format.block_len));
                pairs.for_each(|(block, raw)| layout.codes.read_raw(block, raw));
                let want = naive::decode(format.name, blocks);
                let scale = float(F::UNIT / 4, r);
                let bias = match F::CENTER {
                    Some(center) => scale * f64::from(center),
                    None => float(F::UNIT / 4 + 1, r),
                };
                for k in 0..F::UNIT {
                    let code = registers[k / 4 * L + 4 * r + k % 4];
                    let weight = unit * F::UNIT + k;
                    let level = layout.levels[usize::from(raw[weight])];
                    let center = F::CENTER.unwrap_or(0) as f32;
                    assert_eq!(f32::from(code) + center, level, "{what}: row {r}, weight {weight}");
                    // A few roundings of scale and bias, in the decoder and here.
                    let product = scale * f64::from(code);
                    let terms = product.abs() + bias.abs();
                    let bound = 3.0 * (f64::from(f32::EPSILON) * terms + 2f64.powi(-149));
                    let error = (product + bias - f64::from(want[weight])).abs();
                    assert!(error <= bound, "{what}: row {r}, weight {weight} is off by {error:e}");
                }
            }
        }
    });
}

/// What an instruction set unpacks equals, to the bit, what plain Rust of its width unpacks.
fn panels_equal_plain_rust<F: Coded>() {
    let format = F::info();
    for isa in isa::supported() {
        for kernel in kernels_of(format, isa) {
            let Entry::GemmQ8 { shape, .. } = kernel.entry else { continue };
            let mut rng = Rng::new(0x9B + shape.rows as u64);
            let what = format!("{rng:?} {}", kernel.name);
            each_source(format, &mut rng, shape.rows, |source| {
                let mut plain = Panel::default();
                match isa.lanes {
                    64 => unpack_q8::<Lanes<64, 16>, F>(Lanes, source, &mut plain),
                    32 => unpack_q8::<Lanes<32, 8>, F>(Lanes, source, &mut plain),
                    other => panic!("{other} lanes"),
                }
                let got = unpacked(kernel, source);
                let want = &plain.bytes()[..got.len()];
                for (at, (got, want)) in got.chunks(4).zip(want.chunks(4)).enumerate() {
                    assert_eq!(got, want, "{what}: {} rows, dword {at}", source.rows);
                }
            });
        }
    }
}

macro_rules! panels {
    ($($format:ident)*) => {
        const TESTED: &[&str] = &[$(stringify!($format)),*];

        #[test]
        fn panels_hold_codes_scales_and_biases_in_the_order_of_the_loop() {
            $(
                a_panel_is_what_its_essay_says::<64, 16, formats::$format>();
                a_panel_is_what_its_essay_says::<32, 8, formats::$format>();
            )*
        }

        #[test]
        fn every_instruction_set_unpacks_what_plain_rust_unpacks() {
            $(panels_equal_plain_rust::<formats::$format>();)*
        }
    };
}

panels! {
    Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K Q4_K Q5_K Q6_K IQ4_NL IQ4_XS TQ2_0 MXFP4 NVFP4 Q1_0 Q2_0
}

#[test]
fn every_coded_format_is_tested() {
    assert!(blocks::coded().map(|format| format.name).eq(TESTED.iter().copied()));
}
