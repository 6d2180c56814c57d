//! A fast wrong kernel is no kernel: results against weights dequantized and multiplied in f64.

use anyhow::bail;
use kernels::{Activations, Numerics, Plan, Pool, float};

/// Rows of the weights that are compared, and rows of activations.
const ROWS: usize = 12;
const BATCH: usize = 3;

/// Multiplies with every plan and compares each with the exact product, and with the first.
pub(crate) fn plans(
    pool: &Pool,
    plans: &[&Plan],
    weights: &[u8],
    x: &[f32],
    batch: usize,
) -> anyhow::Result<()> {
    let mut first: Option<(&Plan, Vec<f32>)> = None;
    for plan in plans {
        let problem = plan.problem();
        let mut out = vec![f32::NAN; batch * problem.rows];
        plan.multiply(pool, weights, x, batch, &mut out)?;
        let exact = Exact::new(pool, plan, weights, x, batch)?;
        let name = plan.kernel(batch).name;
        for m in spread(batch, BATCH) {
            for n in spread(problem.rows, ROWS) {
                exact.check(m, n, out[m * problem.rows + n], name)?;
            }
        }
        // Other kernels round in another order, so both may be off, each its own way.
        let (other, first) = first.get_or_insert_with(|| (plan, out.clone()));
        // Those of another class round other numbers.
        if other.kernel(batch).class != plan.kernel(batch).class {
            continue;
        }
        for (at, (a, b)) in first.iter().zip(&out).enumerate() {
            let (m, n) = (at / problem.rows, at % problem.rows);
            let same = a == b || (a.is_nan() && b.is_nan());
            if !same && (a - b).abs() > 2.0 * exact.bound_of_largest(m) {
                bail!("{name} gives {b} for row {n} of batch row {m}, the default plan {a}");
            }
        }
    }
    Ok(())
}

/// About `count` of `0..len`, the ends among them.
fn spread(len: usize, count: usize) -> impl Iterator<Item = usize> {
    let count = count.min(len);
    (0..count).map(move |n| if count == 1 { 0 } else { n * (len - 1) / (count - 1) })
}

/// What a plan should compute.
struct Exact<'a> {
    plan: &'a Plan,
    weights: &'a [u8],
    /// Activations as the plan's class has them, `(batch, depth)`.
    x: Vec<f32>,
    /// Whether the kernel rounds weights to bfloat16.
    rounds: bool,
    /// The largest weight of the rows that are compared.
    largest: f32,
}

impl<'a> Exact<'a> {
    fn new(
        pool: &Pool,
        plan: &'a Plan,
        weights: &'a [u8],
        x: &[f32],
        batch: usize,
    ) -> anyhow::Result<Self> {
        // What quantizing activations loses is its own affair: compare with the quantized ones.
        let mut activations = Activations::default();
        plan.prepare(pool, x, batch, &mut activations)?;
        let x = (0..batch).flat_map(|m| activations.seen(m)).collect();
        let rounds = plan.kernel(batch).class == Numerics::Bf16;
        let mut exact = Self { plan, weights, x, rounds, largest: 0.0 };
        for n in spread(plan.problem().rows, ROWS) {
            exact.largest = exact.row(n)?.iter().fold(exact.largest, |most, w| most.max(w.abs()));
        }
        Ok(exact)
    }

    /// Row `n` of the weights, as the kernel sees them.
    fn row(&self, n: usize) -> anyhow::Result<Vec<f32>> {
        let problem = self.plan.problem();
        let bytes = problem.format.row_bytes(problem.depth)?;
        let mut weights = vec![0.0; problem.depth];
        problem.format.dequantize(&self.weights[n * bytes..][..bytes], &mut weights)?;
        if self.rounds {
            weights.iter_mut().for_each(|w| *w = float::rounded_to_bf16(*w));
        }
        Ok(weights)
    }

    fn activations(&self, m: usize) -> &[f32] {
        let depth = self.plan.problem().depth;
        &self.x[m * depth..][..depth]
    }

    fn check(&self, m: usize, n: usize, got: f32, name: &str) -> anyhow::Result<()> {
        let row = self.row(n)?;
        let products =
            row.iter().zip(self.activations(m)).map(|(w, x)| f64::from(*w) * f64::from(*x));
        let want: f64 = products.sum();
        let most = row.iter().fold(0.0f32, |most, w| most.max(w.abs()));
        let error = (f64::from(got) - want).abs();
        // Weights that are not finite make sums that are not; there is nothing to compare.
        if want.is_finite() && (error.is_nan() || error > f64::from(self.bound(m, most))) {
            bail!("{name} gives {got} for row {n} of batch row {m}, but {want} is right");
        }
        Ok(())
    }

    /// How far rounding may take a sum of `depth` products with weights up to `most`. Kernels add
    /// `scale * code` and `bias` apart, and either may be several times the largest weight.
    fn bound(&self, m: usize, most: f32) -> f32 {
        let x = self.activations(m);
        let terms: f32 = x.iter().map(|x| x.abs()).sum::<f32>() * most * 4.0;
        let steps = (x.len() as f32).sqrt() + 16.0;
        steps * f32::EPSILON * terms + f32::MIN_POSITIVE
    }

    fn bound_of_largest(&self, m: usize) -> f32 {
        self.bound(m, 4.0 * self.largest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernels::{Problem, Selection, formats};

    #[test]
    fn a_right_result_passes_and_one_that_is_a_little_wrong_does_not() {
        let pool = Pool::new(2).unwrap();
        let (rows, depth) = (30, 1024);
        // The second is large enough for tile registers.
        for (format, batch) in formats::all().into_iter().flat_map(|f| [(f, 5), (f, 70)]) {
            let source: Vec<f32> = (0..rows * depth).map(|n| (n as f32 * 0.7).sin()).collect();
            let mut weights = vec![0; format.bytes(rows, depth).unwrap()];
            if format.quantize(&source, &mut weights).is_err() {
                continue;
            }
            let x: Vec<f32> = (0..batch * depth).map(|n| (n as f32 * 0.3).cos()).collect();
            for class in [Numerics::Q8, Numerics::Q8x256, Numerics::F32] {
                let problem = Problem { format, rows, depth, class };
                let plan = Plan::new(problem, &Selection::default()).unwrap();
                plans(&pool, &[&plan, &plan], &weights, &x, batch).unwrap();

                let exact = Exact::new(&pool, &plan, &weights, &x, batch).unwrap();
                let mut out = vec![0.0; batch * rows];
                plan.multiply(&pool, &weights, &x, batch, &mut out).unwrap();
                exact.check(2, 7, out[2 * rows + 7], "kernel").unwrap();
                // As if one product in a hundred had been forgotten.
                let most = exact.row(7).unwrap().iter().fold(0.0f32, |m, w| m.max(w.abs()));
                let wrong = out[2 * rows + 7] + most * depth as f32 / 100.0;
                let error = exact.check(2, 7, wrong, "kernel").unwrap_err().to_string();
                assert!(error.starts_with("kernel gives "), "{error}");
                assert!(exact.check(2, 7, f32::NAN, "kernel").is_err());
            }
        }
    }
}
