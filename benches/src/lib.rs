#![doc = include_str!("../README.md")]

use kernels::{Activations, FormatInfo, Numerics, Plan, Pool, Problem, Selection, float};
use std::cell::Cell;

/// Rows and columns of every benchmarked matrix.
pub const SIDE: usize = 4096;
/// Bytes of weights that a ring cycles through, many times a last-level cache.
const RING: usize = 192 << 20;

/// A matrix of one format in several copies, multiplied one copy after the other.
pub struct Layer {
    plan: Plan,
    ring: Vec<Vec<u8>>,
    next: Cell<usize>,
}

impl Layer {
    /// Random weights of standard deviation 0.02, quantized, in as many copies as make a ring.
    ///
    /// # Panics
    /// If the format cannot be encoded or planned; both are bugs.
    #[must_use]
    pub fn new(format: &'static FormatInfo, class: Numerics, pool: &Pool) -> Self {
        let problem = Problem { format, rows: SIDE, depth: SIDE, class };
        let selection = Selection { threads: pool.threads(), ..Selection::default() };
        let plan = Plan::new(problem, &selection).expect("whole blocks");
        let bytes = format.bytes(SIDE, SIDE).expect("a size that fits memory");
        // One encoded row, repeated: encoding 16 million weights would take longer than timing.
        let row: Vec<f32> = noise(SIDE, 1).into_iter().map(|w| 0.02 * w).collect();
        let mut blocks = vec![0; bytes / SIDE];
        format.quantize(&row, &mut blocks).expect("an encoder");
        let copies = RING.div_ceil(bytes).max(2);
        Self { plan, ring: vec![blocks.repeat(SIDE); copies], next: Cell::new(0) }
    }

    /// The next copy of the blocks.
    #[must_use]
    pub fn blocks(&self) -> &[u8] {
        let n = self.next.get();
        self.next.set((n + 1) % self.ring.len());
        &self.ring[n]
    }

    /// Multiplies `x (batch, SIDE)` with the next copy: `out (batch, SIDE)`.
    ///
    /// # Panics
    /// If the buffers do not fit; that is a bug.
    pub fn multiply(&self, pool: &Pool, x: &[f32], batch: usize, out: &mut [f32]) {
        self.plan.multiply(pool, self.blocks(), x, batch, out).expect("buffers that fit");
    }

    /// Compares some outputs with the naive product in `f64`.
    ///
    /// # Panics
    /// If one is off by more than rounding: a benchmark of a wrong result is worth nothing.
    pub fn check(&self, pool: &Pool, x: &[f32], batch: usize) {
        let format = self.plan.problem().format;
        let mut out = vec![f32::NAN; batch * SIDE];
        self.multiply(pool, x, batch, &mut out);
        let row_bytes = self.ring[0].len() / SIDE;
        let mut w = vec![0.0; SIDE];
        for row in [0, 1, SIDE / 2, SIDE - 1] {
            let blocks = &self.ring[0][row * row_bytes..(row + 1) * row_bytes];
            format.dequantize(blocks, &mut w).expect("whole blocks");
            if self.plan.kernel(batch).class == Numerics::Bf16 {
                w.iter_mut().for_each(|w| *w = float::rounded_to_bf16(*w));
            }
            for m in [0, batch - 1] {
                let mut activations = Activations::default();
                activations.fill(self.plan.class_for(batch), &x[m * SIDE..(m + 1) * SIDE], 1, SIDE);
                let x = activations.seen(0);
                let terms = || w.iter().zip(&x).map(|(w, x)| f64::from(*w) * f64::from(*x));
                let (want, size): (f64, f64) = (terms().sum(), terms().map(f64::abs).sum());
                let got = f64::from(out[m * SIDE + row]);
                assert!((got - want).abs() <= 1e-4 * size, "{}: {got}, not {want}", format.name);
            }
        }
    }
}

/// Normal noise, roughly: sums of uniform numbers from a fixed seed.
#[must_use]
pub fn noise(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut uniform = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u32 << 23) as f32 - 1.0
    };
    (0..count).map(|_| (0..3).map(|_| uniform()).sum()).collect()
}
