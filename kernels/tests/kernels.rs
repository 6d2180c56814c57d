//! Every kernel row against the naive product: all formats, instruction sets and classes, tails
//! in every dimension, adversarial blocks.

mod naive;

use kernels::{
    Activations, FormatInfo, IsaInfo, Numerics, Params, Plan, Pool, Problem, formats, isa,
};
use naive::Rng;

/// Weights `(rows, depth)`, activations `(batch, depth)`.
#[derive(Clone, Copy, Debug)]
struct Size {
    rows: usize,
    depth: usize,
    batch: usize,
}

struct Case {
    format: &'static FormatInfo,
    class: Numerics,
    size: Size,
    weights: Vec<u8>,
    x: Vec<f32>,
    want: Vec<f64>,
    /// The same of weights rounded to bfloat16, as tile registers take them, in class `bf16`.
    want_rounded: Vec<f64>,
    /// For each output the sum of the magnitudes that rounding is relative to.
    terms: Vec<f64>,
}

/// The upper half of the bits, rounded half to even.
fn rounded_to_bf16(x: f32) -> f32 {
    let bits = x.to_bits();
    f32::from_bits((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF_0000)
}

impl Case {
    fn new(format: &'static FormatInfo, class: Numerics, size: Size, rng: &mut Rng) -> Self {
        let Size { rows, depth, batch } = size;
        let weights = naive::adversarial_blocks(format.name, rng, rows * depth / format.block_len);
        // Rounding them is a test of its own.
        let weights = match (format.name, class) {
            ("F16", Numerics::Bf16) => naive::shortened(weights),
            _ => weights,
        };
        let mut x: Vec<f32> = (0..batch * depth).map(|_| rng.normal()).collect();
        // Where the CPU multiplies bfloat16, these are rounded to it; elsewhere they stay.
        if format.name == "BF16" && class.quantizes() {
            x.iter_mut().for_each(|x| *x = rounded_to_bf16(*x));
        }
        // In class q8 the oracle gets the kernel's own quantized activations, so that nothing
        // but rounding is left.
        let quantizes = format.kernels.iter().any(|kernel| kernel.class == Numerics::Q8);
        let exact = match class {
            Numerics::Q8 | Numerics::Q8x256 if quantizes => dequantized(class, &x, (batch, depth)),
            Numerics::Bf16 => x.iter().map(|x| rounded_to_bf16(*x)).collect(),
            Numerics::Q8 | Numerics::Q8x256 | Numerics::F32 => x.clone(),
        };
        let want = naive::matmul(format.name, &weights, rows, depth, &exact, batch);
        let want_rounded = match class {
            Numerics::Bf16 => {
                let decoded = naive::decode(format.name, &weights);
                // What is subnormal counts as zero.
                let seen = |w: f32| if w.is_subnormal() { 0.0 } else { rounded_to_bf16(w) };
                let bytes: Vec<u8> = decoded.iter().flat_map(|w| seen(*w).to_le_bytes()).collect();
                naive::matmul("F32", &bytes, rows, depth, &exact, batch)
            }
            _ => vec![],
        };
        let magnitudes = magnitudes(format, &weights);
        let mut terms = vec![0.0; batch * rows];
        for (m, terms) in terms.chunks_mut(rows).enumerate() {
            for (term, magnitudes) in terms.iter_mut().zip(magnitudes.chunks(depth)) {
                let x = &exact[m * depth..(m + 1) * depth];
                *term = magnitudes.iter().zip(x).map(|(w, x)| w * f64::from(x.abs())).sum();
            }
        }
        Self { format, class, size, weights, x, want, want_rounded, terms }
    }

    fn plan(&self, isa: &'static IsaInfo, params: Params) -> Plan {
        let Size { rows, depth, .. } = self.size;
        let problem = Problem { format: self.format, rows, depth, class: self.class };
        Plan::with_params(problem, isa, params).unwrap()
    }

    /// A sum of n products rounded in any order is off by at most about n eps of the sum of
    /// magnitudes; pairwise over lanes and spans, by far less.
    fn check(&self, plan: &Plan, got: &[f32], what: &str) {
        let steps = (self.size.depth as f64).sqrt() + 16.0;
        // Tile registers have no subnormal numbers: each product may lose one.
        let (want, lost) = match plan.kernel(self.size.batch).class {
            Numerics::Bf16 if self.format.block_len > 1 => (&self.want_rounded, self.size.depth),
            _ => (&self.want, 1),
        };
        for (at, ((got, want), terms)) in got.iter().zip(want).zip(&self.terms).enumerate() {
            let bound = steps * f64::from(f32::EPSILON) * terms
                + lost as f64 * f64::from(f32::MIN_POSITIVE);
            let error = (f64::from(*got) - want).abs();
            assert!(
                error <= bound,
                "{what} {} {} {:?} [{at}]: {got} instead of {want}, bound {bound:e}",
                self.format.name,
                self.class,
                self.size,
            );
        }
    }
}

fn dequantized(class: Numerics, x: &[f32], (batch, depth): (usize, usize)) -> Vec<f32> {
    let mut quantized = Activations::default();
    quantized.fill(class, x, batch, depth);
    let row = |m: usize| {
        let row = quantized.q8(m);
        (0..depth).map(|i| row.scales[i / 32] * f32::from(row.quants[i])).collect::<Vec<_>>()
    };
    (0..batch).flat_map(row).collect()
}

/// For each weight, the largest magnitude that any code could give it under its block's scales:
/// kernels add `scale * code` and `bias` separately, and round relative to those.
fn magnitudes(format: &FormatInfo, weights: &[u8]) -> Vec<f64> {
    let Some(layout) = format.layout else {
        return naive::decode(format.name, weights).iter().map(|w| f64::from(w.abs())).collect();
    };
    let extremes: Vec<u8> = [f32::total_cmp, |a: &f32, b: &f32| b.total_cmp(a)]
        .map(|order: fn(&f32, &f32) -> _| {
            let levels = layout.levels.iter().enumerate();
            levels.max_by(|a, b| order(a.1, b.1)).unwrap().0 as u8
        })
        .to_vec();
    let mut most = vec![0.0f64; weights.len() / format.block_bytes * format.block_len];
    for raw in extremes {
        let mut blocks = weights.to_vec();
        for block in blocks.chunks_mut(format.block_bytes) {
            // Clear what the codes' bits hold, then write the extreme code everywhere.
            let mut old = vec![0; format.block_len];
            layout.codes.read_raw(block, &mut old);
            let mut bits = vec![0; format.block_bytes];
            layout.codes.write_raw(&old, &mut bits);
            block.iter_mut().zip(&bits).for_each(|(byte, bits)| *byte &= !bits);
            layout.codes.write_raw(&vec![raw; format.block_len], block);
        }
        for (most, w) in most.iter_mut().zip(naive::decode(format.name, &blocks)) {
            *most = most.max(f64::from(w.abs()));
        }
    }
    most
}

fn sizes(format: &FormatInfo) -> Vec<Size> {
    let mut sizes = vec![];
    for blocks in [1, 3, 8, 17] {
        let depth = if format.block_len == 1 { 13 * blocks } else { blocks * format.block_len };
        for (rows, batch) in [(1, 1), (5, 2), (17, 3), (9, 4), (19, 5), (33, 9), (40, 13)] {
            // Every tail in some combination; the longest rows only with few columns.
            if depth * batch <= 6000 {
                sizes.push(Size { rows, depth, batch });
            }
        }
    }
    // Whole tiles, which tile registers read where they lie, and a rest that they do not.
    if format.block_len == 1 {
        let of = |(rows, depth, batch)| Size { rows, depth, batch };
        sizes.extend([(32, 32, 1), (64, 96, 5), (72, 160, 17), (64, 64, 33)].map(of));
    }
    sizes
}

fn every_case(mut test: impl FnMut(&Case, &'static IsaInfo, u64)) {
    for (n, format) in formats::all().into_iter().enumerate() {
        for class in Numerics::ALL {
            let seed = 1000 + n as u64;
            let mut rng = Rng::new(seed);
            for size in sizes(format) {
                let case = Case::new(format, class, size, &mut rng);
                isa::supported().into_iter().for_each(|isa| test(&case, isa, seed));
            }
        }
    }
}

#[test]
fn every_kernel_matches_the_naive_product() {
    let pool = Pool::new(2).unwrap();
    every_case(|case, isa, seed| {
        for (rows, columns, switch_at) in [(1, 8, 5), (2, 12, 1000), (4, 4, 1)] {
            let params =
                Params { rows, columns, switch_at, grain: 16, panels: 1, ..Params::default() };
            let plan = case.plan(isa, params);
            let mut got = vec![f32::NAN; case.want.len()];
            plan.multiply(&pool, &case.weights, &case.x, case.size.batch, &mut got).unwrap();
            case.check(&plan, &got, &format!("seed {seed} {}", plan.kernel(case.size.batch).name));
        }
    });
}

/// What may be quantized is multiplied as in class `bf16`, with activations of that class.
#[test]
fn large_batches_on_tile_registers_match_the_product_of_bfloat16() {
    let pool = Pool::new(2).unwrap();
    let with_tiles: Vec<_> = isa::supported().into_iter().filter(|isa| isa.has_tiles).collect();
    if with_tiles.is_empty() {
        eprintln!("SKIPPED: this CPU has no tile registers");
    }
    for (isa, format) in with_tiles.into_iter().flat_map(|isa| {
        // Those in which quantizing can be asked for, and is not better left alone.
        let lossy =
            formats::all().into_iter().filter(|format| !["F32", "BF16"].contains(&format.name));
        lossy.map(move |format| (isa, format))
    }) {
        let mut rng = Rng::new(0x711E);
        // Several tiles in a job, the last one short; several slices of K, and a rest; two blocks.
        let deep = (8300_usize).next_multiple_of(format.block_len);
        let jobs = Size { rows: 147, depth: deep, batch: 37 };
        for size in sizes(format).into_iter().chain([jobs]) {
            let case = Case::new(format, Numerics::Bf16, size, &mut rng);
            for class in [Numerics::Q8, Numerics::Q8x256] {
                let params =
                    Params { switch_at: 1, tiles_at: size.batch as u16, ..Params::default() };
                let problem = Problem { format, rows: size.rows, depth: size.depth, class };
                let plan = Plan::with_params(problem, isa, params).unwrap();
                assert_eq!(plan.class_for(size.batch), Numerics::Bf16, "{}", format.name);
                assert_eq!(plan.class_for(size.batch - 1), plan.class(), "{}", format.name);
                let mut got = vec![f32::NAN; case.want.len()];
                plan.multiply(&pool, &case.weights, &case.x, size.batch, &mut got).unwrap();
                case.check(&plan, &got, plan.kernel(size.batch).name);
            }
        }
    }
}

#[test]
fn large_batches_round_f16_weights_where_the_cpu_multiplies_bfloat16() {
    let pool = Pool::new(1).unwrap();
    let (rows, depth, batch) = (19, 77, 6);
    let mut rng = Rng::new(5);
    let w: Vec<f32> = (0..rows * depth).map(|_| rng.normal()).collect();
    let x: Vec<f32> = (0..batch * depth).map(|_| rounded_to_bf16(rng.normal())).collect();
    let format = kernels::formats::by_name("F16").unwrap();
    let mut weights = vec![0; 2 * w.len()];
    format.quantize(&w, &mut weights).unwrap();
    let mut w = vec![0.0; w.len()];
    format.dequantize(&weights, &mut w).unwrap();
    for isa in isa::supported() {
        let problem = Problem { format, rows, depth, class: Numerics::Bf16 };
        let params = Params { switch_at: 1, ..Params::default() };
        let plan = Plan::with_params(problem, isa, params).unwrap();
        let mut got = vec![f32::NAN; batch * rows];
        plan.multiply(&pool, &weights, &x, batch, &mut got).unwrap();
        let seen = |w: f32| if isa.multiplies_bf16() { rounded_to_bf16(w) } else { w };
        for (at, got) in got.iter().enumerate() {
            let (m, n) = (at / rows, at % rows);
            let terms = w[n * depth..][..depth].iter().zip(&x[m * depth..]);
            let want: f64 = terms.map(|(w, x)| f64::from(seen(*w)) * f64::from(*x)).sum();
            assert!(
                (f64::from(*got) - want).abs() < 1e-4,
                "{} [{at}]: {got}, not {want}",
                isa.name
            );
        }
    }
}

#[test]
fn weights_without_integer_kernels_take_the_class_that_is_exact_and_fast() {
    for isa in isa::supported() {
        for asked in Numerics::ALL {
            for format in formats::all() {
                let problem = Problem { format, rows: 16, depth: 256, class: asked };
                let want = match (format.name, asked) {
                    ("BF16", Numerics::Q8 | Numerics::Q8x256) if isa.multiplies_bf16() => {
                        Numerics::Bf16
                    }
                    ("F32" | "F16" | "BF16", Numerics::Q8 | Numerics::Q8x256) => Numerics::F32,
                    _ => asked,
                };
                assert_eq!(problem.class_on(isa), want, "{} {asked} {}", format.name, isa.name);
                let plan = Plan::with_params(problem, isa, Params::default()).unwrap();
                let computed = plan.class();
                assert!(computed == want || computed == Numerics::F32 && !want.quantizes());
            }
        }
    }
}

/// The loops read past a row's end, into the next: what lies there must not matter.
#[test]
fn no_row_changes_another() {
    let pool = Pool::new(1).unwrap();
    let mut rng = Rng::new(77);
    let rows = 7;
    for format in formats::all() {
        let row_of = |blocks: usize| match format.block_len {
            1 => (13 * blocks, 13 * blocks * format.block_bytes),
            len => (blocks * len, blocks * format.block_bytes),
        };
        for (depth, bytes) in [1, 3, 17].map(row_of) {
            let usual =
                naive::adversarial_blocks(format.name, &mut rng, rows * bytes / format.block_bytes);
            let x: Vec<f32> = (0..5 * depth).map(|_| rng.normal()).collect();
            let with = |other: u8| {
                let mut weights = usual.clone();
                weights.chunks_mut(bytes).skip(1).step_by(2).for_each(|row| row.fill(other));
                weights
            };
            // Ones everywhere: scales that are NaN, largest codes.
            let (zeros, ones) = (with(0), with(0xFF));
            for isa in isa::supported() {
                for (class, tile, batch) in Numerics::ALL
                    .into_iter()
                    .flat_map(|class| [1, 2, 4].map(|tile| (class, tile)))
                    .flat_map(|(class, tile)| [1, 5].map(|batch| (class, tile, batch)))
                {
                    let problem = Problem { format, rows, depth, class };
                    let params = Params { rows: tile, switch_at: 1000, ..Params::default() };
                    let plan = Plan::with_params(problem, isa, params).unwrap();
                    let [got, want] = [&ones, &zeros].map(|weights| {
                        let mut out = vec![f32::NAN; batch * rows];
                        plan.multiply(&pool, weights, &x[..batch * depth], batch, &mut out)
                            .unwrap();
                        out
                    });
                    for (at, (got, want)) in got.iter().zip(&want).enumerate() {
                        if at % rows % 2 == 0 {
                            let what =
                                format!("{} x {depth}, batch {batch}", plan.kernel(batch).name);
                            assert_eq!(
                                got.to_bits(),
                                want.to_bits(),
                                "{what} [{at}]: {got}, not {want}"
                            );
                        }
                    }
                }
            }
        }
    }
}
