//! Jobs of small batches: some rows of weights, all columns of activations for each.

use super::Product;
use crate::activations::Activations;
use crate::format::Order;
use crate::gemv::Args;
use crate::kernel::Ready;
use crate::lines::Lines;
use crate::params::Params;
use crate::plan::Plan;
use crate::threads::{Columns, Pool, Scratch};

/// Rows of weights that are worth a trip to the counter of jobs: about a microsecond.
const ROWS: usize = 16;

/// Weights that several passes read, the first from memory and the others from L2, may fill this much
/// of it.
const CHUNK_BYTES: usize = 128 << 10;
/// Rows of a chunk are a multiple of this: whole tiles.
const CHUNK_ROWS: usize = 12;

pub(super) struct Gemv<'a> {
    plan: &'a Plan,
    weights: &'a [u8],
    x: &'a Activations,
    quants: &'a [i8],
}

impl<'a> Gemv<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        weights: &'a [u8],
        x: &'a Activations,
        ordered: &'a Ordered,
    ) -> Self {
        Self { plan, weights, x, quants: ordered.quants(plan, x) }
    }

    /// Rows of weights of a job, and what those of a smaller one are a multiple of.
    pub(super) fn grains(&self) -> (usize, usize) {
        (usize::from(self.plan.params.grain).max(1), ROWS)
    }

    pub(super) fn run(&self, columns: &mut Columns<'_>, scratch: &mut Scratch) {
        let Self { plan, weights, x, quants } = *self;
        let (batch, _) = x.shape();
        let row_bytes = weights.len() / plan.problem.rows;
        let range = columns.range();
        let passes: Vec<_> = plan.passes(batch).collect();
        let chunk = match passes.len() {
            1 => range.len(),
            _ => (CHUNK_BYTES / row_bytes.max(1)).next_multiple_of(CHUNK_ROWS),
        };
        let Params { prefetch, lines, level, .. } = plan.params;
        let (prefetch, lines, level) = (prefetch.into(), lines.into(), level.into());
        for first in range.clone().step_by(chunk) {
            let rows = chunk.min(range.end - first);
            let weights = &weights[first * row_bytes..(first + rows) * row_bytes];
            for (pass, (column, kernel)) in passes.iter().enumerate() {
                let kernel_rows = kernel.kernel().rows;
                // The second pass asks for what the first one will read next.
                let prefetch = match pass {
                    0 if first == range.start => prefetch,
                    1 => (rows + 1).saturating_sub(kernel_rows) * row_bytes,
                    _ => 0,
                };
                let column = *column;
                let args = Args { weights, rows, x, quants, column, prefetch, lines, level };
                let nr = kernel.kernel().columns;
                scratch.out.resize(nr * rows, 0.0);
                kernel.gemv(&args, &mut scratch.out);
                for (c, values) in scratch.out.chunks_exact(rows).enumerate() {
                    columns.put(column + c, first, values);
                }
            }
        }
    }
}

/// Quants in the orders that `gemv` kernels take, each once.
pub(super) struct Ordered(Vec<(Order, Lines<i8>)>);

impl Ordered {
    pub(super) fn of(pool: &Pool, forms: &[Activations], products: &[Product<'_>]) -> Self {
        let mut all = Self(vec![]);
        for plan in products.iter().map(|product| product.plan) {
            let x = plan.form_of(forms).filter(|form| plan.takes_gemv(form));
            if let (Some(x), Some(order)) = (x, plan.order())
                && all.place(order).is_none()
            {
                let mut quants = pool.quants();
                x.in_order(order, &mut quants);
                all.0.push((order, quants));
            }
        }
        all
    }

    /// For the pool to use again.
    pub(super) fn give_back(self, pool: &Pool) {
        self.0.into_iter().for_each(|(_, quants)| pool.keep_quants(quants));
    }

    fn place(&self, order: Order) -> Option<usize> {
        self.0.iter().position(|(known, _)| *known == order)
    }

    fn quants<'a>(&'a self, plan: &Plan, x: &'a Activations) -> &'a [i8] {
        let place = plan.order().and_then(|order| self.place(order));
        place.map_or(x.quants(), |place| &self.0[place].1)
    }
}

impl Plan {
    /// The order in which the `gemv` kernels take quants.
    fn order(&self) -> Option<Order> {
        self.gemv[0].kernel().order
    }

    /// Cuts a batch into passes of nearly equal width: the first column and the kernel of each.
    fn passes(&self, batch: usize) -> impl Iterator<Item = (usize, Ready)> + '_ {
        let widest = self.gemv.last().map_or(1, |kernel| kernel.kernel().columns);
        let width = batch.div_ceil(batch.div_ceil(widest));
        let mut column = 0;
        std::iter::from_fn(move || {
            let left = batch - column;
            let fits = |kernel: &&Ready| kernel.kernel().columns <= left.min(width);
            let kernel = *self.gemv.iter().rev().find(fits)?;
            let first = column;
            column += kernel.kernel().columns;
            Some((first, kernel))
        })
    }
}
