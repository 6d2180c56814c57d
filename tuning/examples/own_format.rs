//! A format of your own, from its declaration to a tuned product.
//!
//! `cargo run -p tuning --example own_format`

use kernels::{Activations, Format, FormatInfo, Numerics, Params, Plan, Pool, Problem, isa};
use std::error::Error;
use std::time::Duration;
use tuning::{Options, report, tune_format};

kernels::quant_format! {
    /// 3-bit codes in groups of 32, each with a 4-bit scale.
    pub struct Q3_96 { d: f16, sub: [u8; 2], lo: [u8; 24], hi: [u8; 12] }
    let nibbles: [u4; 4] = sub.planes(1);
    let sc: [u4; 3]  = nibbles[0..3];
    let _spare: [u4; 1] = nibbles[3..4];
    let q:  [u3; 96] = lo.planes(8) | hi.planes(1) << 2;
    w[i] = d * sc[i / 32] * (q[i] - 4);
}

/// Rows and columns of the weight matrix; 40 blocks a row.
const SHAPE: (usize, usize) = (1536, 3840);
/// Rows of activations: few, for `gemv`, and many, for `gemm`.
const BATCHES: [usize; 3] = [1, 3, 37];

fn main() -> Result<(), Box<dyn Error>> {
    let format = Q3_96::info();
    println!("{}: {} ({:.2} bits a weight)", format.name, format.summary, format.bits_per_weight());

    let (rows, depth) = SHAPE;
    let weights = noise(rows * depth, 1);
    let mut blocks = vec![0; format.bytes(rows, depth)?];
    format.quantize(&weights, &mut blocks)?;
    let mut decoded = vec![0.0; weights.len()];
    format.dequantize(&blocks, &mut decoded)?;
    let error = nmse(decoded.iter().zip(&weights).map(|(a, b)| (f64::from(*a), f64::from(*b))));
    println!("encoded {} weights, NMSE {error:.4}", weights.len());
    assert!(error < 0.03, "three bits hold random weights better than that");

    for isa in isa::supported() {
        let worst = worst_error(format, &blocks, &decoded, isa)?;
        println!("{:14} NMSE against the naive product {worst:.1e}", isa.name);
        assert!(worst < 1e-10, "{} computes wrongly", isa.name);
    }

    let options = Options { budget: Duration::from_secs(10), ..Options::default() };
    let outcome = tune_format(format, &[SHAPE], &options)?;
    println!("{}", report::table(&outcome));
    Ok(())
}

/// The largest error of a product on one instruction set, over batches.
fn worst_error(
    format: &'static FormatInfo,
    blocks: &[u8],
    weights: &[f32],
    isa: &'static kernels::IsaInfo,
) -> Result<f64, Box<dyn Error>> {
    let (rows, depth) = SHAPE;
    let pool = Pool::new(2)?;
    let problem = Problem { format, rows, depth, class: Numerics::Q8 };
    let plan = Plan::with_params(problem, isa, Params::default())?;
    let mut worst = 0.0f64;
    for batch in BATCHES {
        let x = noise(batch * depth, 2);
        let mut out = vec![f32::NAN; batch * rows];
        plan.multiply(&pool, blocks, &x, batch, &mut out)?;
        // The oracle multiplies the activations that the kernel sees: those after rounding.
        let mut quantized = Activations::default();
        quantized.fill_q8(&x, batch, depth);
        let pairs = (0..batch).flat_map(|m| {
            let row = quantized.q8(m);
            let x: Vec<f64> = (0..depth)
                .map(|i| f64::from(row.scales[i / 32]) * f64::from(row.quants[i]))
                .collect();
            let dot = |w: &[f32]| w.iter().zip(&x).map(|(w, x)| f64::from(*w) * x).sum::<f64>();
            // Some rows are enough for a slow oracle.
            let rows = (0..rows).step_by(97);
            rows.map(|n| {
                (f64::from(out[m * SHAPE.0 + n]), dot(&weights[n * depth..(n + 1) * depth]))
            })
            .collect::<Vec<_>>()
        });
        worst = worst.max(nmse(pairs));
    }
    Ok(worst)
}

/// Squared error by squared size: pairs of what is and what should be.
fn nmse(pairs: impl Iterator<Item = (f64, f64)>) -> f64 {
    let (error, size) = pairs.fold((0.0, 0.0), |(error, size), (is, should)| {
        (error + (is - should) * (is - should), size + should * should)
    });
    error / size
}

/// Roughly normal noise from a seed.
fn noise(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut uniform = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u32 << 23) as f32 - 1.0
    };
    (0..count).map(|_| (0..3).map(|_| uniform()).sum()).collect()
}
