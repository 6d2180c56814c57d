//! Nothing is timed that computes wrongly.
//!
//! Before its first sample every candidate multiplies a set of small matrices, ragged in every
//! dimension, of usual and of adversarial blocks. The reference is the format's own scalar decoder
//! and a product in `f64`, over the very activations that the kernel gets (in class `q8` the
//! quantized ones), so that rounding is all that may differ. Rounding is relative to the sum of
//! the magnitudes that are added, so the bound is, too: a fixed tolerance would wave wrong kernels
//! through where weights are small and refuse right ones where they are large.

use std::collections::HashMap;
use std::fmt;

use kernels::float;
use kernels::layout::Layout;
use kernels::{Activations, FormatInfo, Numerics, Plan, Pool, Problem};
use thiserror::Error;

use crate::data::{self, Style};
use crate::rng::Rng;
use crate::space::Candidate;

/// A kernel's output that no rounding explains.
#[derive(Clone, Debug, Error, PartialEq)]
#[error(
    "{kernel} computes wrongly: {format} {rows} x {depth}, batch {batch}, with {candidate}: \
     output {at} is {got:e} instead of {want:e}, more than {bound:e} away"
)]
#[allow(missing_docs)]
pub struct Wrong {
    pub format: &'static str,
    pub kernel: &'static str,
    pub candidate: String,
    pub rows: usize,
    pub depth: usize,
    pub batch: usize,
    pub at: usize,
    pub got: f32,
    pub want: f64,
    pub bound: f64,
}

/// Shapes to check with: blocks of depth, rows, batch. Rows are whole tiles of no kernel; batches
/// pass every number of columns of a tile, and both loops.
const SIZES: [(usize, usize, usize); 9] = [
    (1, 1, 1),
    (1, 70, 2),
    (2, 37, 3),
    (3, 19, 5),
    (5, 33, 4),
    (8, 9, 13),
    (9, 131, 1),
    (2, 300, 9),
    (1, 45, 67),
];
/// The most weights in a row of a check; dense formats have blocks of one weight.
const LEAST_DEPTH: usize = 13;

/// Checks candidates of a format, each once.
pub struct Gate {
    cases: Vec<Case>,
    seen: HashMap<Candidate, Result<(), Wrong>>,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gate({} cases, {} candidates)", self.cases.len(), self.seen.len())
    }
}

impl Gate {
    /// Draws the matrices and computes what must come out.
    #[must_use]
    pub fn new(format: &'static FormatInfo, class: Numerics, seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let mut cases = vec![];
        for (n, (blocks, rows, batch)) in SIZES.into_iter().enumerate() {
            let depth =
                blocks * format.block_len.max(LEAST_DEPTH).next_multiple_of(format.block_len);
            let style = if n % 2 == 0 { Style::Adversarial } else { Style::Usual };
            let problem = Problem { format, rows, depth, class };
            let weights = data::blocks(format, rows * depth / format.block_len, style, &mut rng);
            let x = data::activations(batch * depth, &mut rng);
            cases.push(Case::new(problem, weights, x, batch));
        }
        Self { cases, seen: HashMap::new() }
    }

    /// Whether a candidate computes rightly.
    ///
    /// # Errors
    /// The first output that is wrong.
    pub fn admit(&mut self, pool: &Pool, candidate: &Candidate) -> Result<(), Wrong> {
        if let Some(known) = self.seen.get(candidate) {
            return known.clone();
        }
        let verdict = self.cases.iter_mut().try_for_each(|case| case.run(pool, candidate));
        self.seen.insert(*candidate, verdict.clone());
        verdict
    }

    /// Candidates that were refused.
    pub fn refused(&self) -> impl Iterator<Item = &Wrong> {
        self.seen.values().filter_map(|verdict| verdict.as_ref().err())
    }
}

/// A product whose result is known.
struct Case {
    problem: Problem,
    weights: Vec<u8>,
    x: Vec<f32>,
    batch: usize,
    /// By how a plan computes such a batch.
    want: HashMap<Rounding, Vec<Output>>,
}

/// What a plan rounds before it multiplies.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Rounding {
    /// Activations: to numbers of this class.
    x: Numerics,
    /// Weights: to bfloat16.
    weights: bool,
}

impl Rounding {
    fn of(plan: &Plan, batch: usize) -> Self {
        let weights = plan.kernel(batch).class == Numerics::Bf16;
        Self { x: plan.class_for(batch), weights }
    }
}

/// What an output must be, and how far rounding may take it.
#[derive(Clone, Copy)]
struct Output {
    value: f64,
    bound: f64,
}

impl Case {
    fn new(problem: Problem, weights: Vec<u8>, x: Vec<f32>, batch: usize) -> Self {
        Self { problem, weights, x, batch, want: HashMap::new() }
    }

    fn run(&mut self, pool: &Pool, candidate: &Candidate) -> Result<(), Wrong> {
        let Self { problem, weights, x, batch, want } = self;
        let plan = candidate.plan(*problem).expect("a candidate's plan, of whole blocks");
        let rounding = Rounding::of(&plan, *batch);
        let want = want
            .entry(rounding)
            .or_insert_with(|| expected(problem, rounding, weights, (x, *batch)));
        // Numbers that no product gives, so that an output that is never written shows.
        let mut out = vec![f32::NAN; want.len()];
        plan.multiply(pool, weights, x, *batch, &mut out).expect("buffers of the plan's shape");
        let outputs = out.iter().zip(want.iter()).enumerate();
        compare(&plan, candidate, *batch, outputs.map(|(at, (got, want))| (at, *got, *want)))
    }
}

/// Checks some outputs of a product that was timed, on the weights that it was timed with.
///
/// `out (batch, rows)` is what `plan` made of `weights` and `x (batch, depth)`.
///
/// # Errors
/// The first output that is wrong.
pub fn spot_check(
    plan: &Plan,
    candidate: &Candidate,
    (weights, x, out): (&[u8], &[f32], &[f32]),
) -> Result<(), Wrong> {
    /// Rows of weights and of activations to look at.
    const LOOKS: (usize, usize) = (24, 4);
    let problem = *plan.problem();
    let Problem { rows, depth, .. } = problem;
    let batch = out.len() / rows;
    let row_bytes = weights.len() / rows;
    for m in spread(batch, LOOKS.1) {
        let x = &x[m * depth..(m + 1) * depth];
        for row in spread(rows, LOOKS.0) {
            let weights = &weights[row * row_bytes..(row + 1) * row_bytes];
            let one = Problem { rows: 1, ..problem };
            let want = expected(&one, Rounding::of(plan, batch), weights, (x, 1));
            let at = m * rows + row;
            compare(plan, candidate, batch, [(at, out[at], want[0])])?;
        }
    }
    Ok(())
}

/// At most `looks` places among `count`: the first, the last, and some between.
fn spread(count: usize, looks: usize) -> impl Iterator<Item = usize> {
    let looks = looks.min(count);
    (0..looks).map(move |n| n * (count - 1) / (looks - 1).max(1))
}

fn compare(
    plan: &Plan,
    candidate: &Candidate,
    batch: usize,
    outputs: impl IntoIterator<Item = (usize, f32, Output)>,
) -> Result<(), Wrong> {
    for (at, got, Output { value, bound }) in outputs {
        let error = (f64::from(got) - value).abs();
        // NaN is wrong, too, and is not `<=` anything.
        let right = error <= bound;
        if !right {
            let &Problem { format, rows, depth, .. } = plan.problem();
            return Err(Wrong {
                format: format.name,
                kernel: plan.kernel(batch).name,
                candidate: candidate.to_string(),
                rows,
                depth,
                batch,
                at,
                got,
                want: value,
                bound,
            });
        }
    }
    Ok(())
}

/// `x (batch, depth) * weights (rows, depth)^T`, in `f64`.
fn expected(
    problem: &Problem,
    rounding: Rounding,
    weights: &[u8],
    (x, batch): (&[f32], usize),
) -> Vec<Output> {
    let &Problem { format, rows, depth, .. } = problem;
    let mut activations = Activations::default();
    activations.fill(rounding.x, x, batch, depth);
    let x: Vec<f32> = (0..batch).flat_map(|row| activations.seen(row)).collect();
    let mut decoded = vec![0.0; rows * depth];
    format.dequantize(weights, &mut decoded).expect("whole blocks");
    let magnitudes = magnitudes(format, weights, &decoded);
    if rounding.weights {
        decoded.iter_mut().for_each(|w| *w = float::rounded_to_bf16(*w));
    }
    // A sum of n terms, rounded in any order, is off by at most about n eps of the sum of their
    // magnitudes; errors of either sign make it the root of n, and lanes and spans less still.
    let steps = (depth as f64).sqrt() + 16.0;
    let least = f64::from(f32::MIN_POSITIVE);
    let mut outputs = Vec::with_capacity(batch * rows);
    for x in x.chunks(depth) {
        for (weights, magnitudes) in decoded.chunks(depth).zip(magnitudes.chunks(depth)) {
            let (mut value, mut terms, mut lost) = (0.0, 0.0, 0.0);
            for ((w, magnitude), x) in weights.iter().zip(magnitudes).zip(x) {
                value += f64::from(*w) * f64::from(*x);
                terms += f64::from(*magnitude) * f64::from(x.abs());
                // Where bfloat16 is multiplied, what is subnormal may count as zero.
                lost += if rounding.weights { least * f64::from(x.abs().max(1.0)) } else { 0.0 };
            }
            let bound = steps * f64::from(f32::EPSILON) * terms + least + lost;
            outputs.push(Output { value, bound });
        }
    }
    outputs
}

/// For each weight the largest magnitude that any code would give it: kernels add `scale * code`
/// and `bias` apart, and round relative to those, not to their sum.
fn magnitudes(format: &FormatInfo, weights: &[u8], decoded: &[f32]) -> Vec<f32> {
    let mut most: Vec<f32> = decoded.iter().map(|w| w.abs()).collect();
    let Some(layout) = format.layout else {
        // Without a layout a block's largest weight stands for its scales.
        for block in most.chunks_mut(format.block_len) {
            let largest = block.iter().copied().fold(0.0, f32::max);
            block.fill(2.0 * largest);
        }
        return most;
    };
    let mut with = vec![0.0; decoded.len()];
    for code in extremes(layout) {
        let mut blocks = weights.to_vec();
        blocks.chunks_mut(format.block_bytes).for_each(|block| overwrite(layout, block, code));
        format.dequantize(&blocks, &mut with).expect("whole blocks");
        most.iter_mut().zip(&with).for_each(|(most, w)| *most = most.max(w.abs()));
    }
    most
}

/// The codes of the lowest and the highest level.
fn extremes(layout: &Layout) -> [u8; 2] {
    let level = |code: &u8| layout.levels[usize::from(*code)];
    let codes = || 0..=(layout.levels.len() - 1) as u8;
    let lowest = codes().min_by(|a, b| level(a).total_cmp(&level(b))).unwrap_or(0);
    let highest = codes().max_by(|a, b| level(a).total_cmp(&level(b))).unwrap_or(0);
    [lowest, highest]
}

/// Gives every weight of a block the same code.
fn overwrite(layout: &Layout, block: &mut [u8], code: u8) {
    let mut codes = vec![0; layout.codes.len];
    layout.codes.read_raw(block, &mut codes);
    let mut bits = vec![0; block.len()];
    layout.codes.write_raw(&codes, &mut bits);
    block.iter_mut().zip(&bits).for_each(|(byte, bits)| *byte &= !bits);
    codes.fill(code);
    layout.codes.write_raw(&codes, block);
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernels::{formats, isa};

    #[test]
    fn defaults_of_some_formats_pass_on_every_instruction_set() {
        let pool = Pool::new(2).unwrap();
        for name in ["Q4_0", "Q4_K", "Q6_K", "F16"] {
            let format = formats::by_name(name).unwrap();
            let mut gate = Gate::new(format, Numerics::Q8, 11);
            for isa in isa::supported() {
                gate.admit(&pool, &Candidate::default_on(isa)).unwrap();
            }
            assert_eq!(gate.refused().count(), 0);
        }
    }

    #[test]
    fn an_output_past_its_bound_is_reported_with_all_that_is_needed_to_see_it_again() {
        let format = formats::by_name("Q8_0").unwrap();
        let mut gate = Gate::new(format, Numerics::Q8, 12);
        let pool = Pool::new(1).unwrap();
        let candidate = Candidate::default_on(isa::best());
        gate.admit(&pool, &candidate.with("panels", 1)).unwrap();
        for output in gate.cases[3].want.values_mut().flatten() {
            output.value += 3.0 * output.bound;
        }
        let wrong = gate.admit(&pool, &candidate).unwrap_err();
        assert_eq!((wrong.rows, wrong.depth, wrong.batch), (19, 96, 5));
        assert!(wrong.to_string().contains("computes wrongly: Q8_0 19 x 96, batch 5"));
        assert_eq!(gate.refused().count(), 1);
    }

    #[test]
    fn a_product_is_spot_checked_to_its_last_row() {
        let format = formats::by_name("Q4_K").unwrap();
        let problem = Problem { format, rows: 50, depth: 512, class: Numerics::Q8 };
        let mut rng = Rng::new(13);
        let weights = data::blocks(format, 100, Style::Usual, &mut rng);
        let x = data::activations(3 * 512, &mut rng);
        let candidate = Candidate::default_on(isa::best());
        let plan = candidate.plan(problem).unwrap();
        let mut out = vec![0.0; 150];
        plan.multiply(&Pool::new(1).unwrap(), &weights, &x, 3, &mut out).unwrap();
        spot_check(&plan, &candidate, (&weights, &x, &out)).unwrap();
        out[149] = f32::NAN;
        assert!(spot_check(&plan, &candidate, (&weights, &x, &out)).is_err());
    }
}
