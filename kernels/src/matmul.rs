//! The macrokernel: a whole product from register tiles.
//!
//! `out (batch, rows) = x (batch, depth) * weights (rows, depth)^T`. Small batches take `gemv`:
//! jobs of some weight rows, all columns for each before the next rows are read. Larger ones take
//! `gemm`: a job unpacks a few panels of weights, which stay in L2 while every panel of columns
//! passes over them. Meanwhile the weights of the thread's next job are asked for.

mod columns;

pub(crate) use columns::ColumnPanel;

use crate::activations::{Activations, FloatRow};
use crate::format::{Order, ShapeError};
use crate::gemm::Wanted;
use crate::gemm::tiles::{DEPTH, Layout, TILES};
use crate::gemv;
use crate::kernel::{Entry, Numerics, Ready};
use crate::lines::{LINE, Lines};
use crate::panel::{Panel, Source};
use crate::params::Params;
use crate::plan::Plan;
use crate::threads::{Columns, Out, Pool, Scratch};
use columns::{Packed, PackedColumns, Weights};
use std::ops::Range;
use thiserror::Error;

/// Rows of activations that a thread prepares at a time.
const ROWS: usize = 8;

/// Rows of weights that are worth a trip to the counter of jobs: about a microsecond.
const GEMV_ROWS: usize = 16;

/// A batch this small takes one register tile of weights a job: it waits for memory, too, and what
/// is asked for during a job should not be much.
const FEW: usize = 32;

/// Panels of a job may fill this much of L2; what passes over them needs the rest.
const PANEL_BYTES: usize = 512 << 10;
/// The same for tile registers: CPUs that have them have 2 MiB of L2.
const TILE_PANEL_BYTES: usize = 1 << 20;

/// Buffers that do not fit the plan.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum MatmulError {
    /// A buffer does not have the size that the shapes ask for.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// Activations of another class than the plan's kernels take.
    #[error("activations of class {have}, but the plan computes in {need}")]
    Class {
        /// What they were prepared for.
        have: Numerics,
        /// What the plan needs.
        need: Numerics,
    },
}

impl Plan {
    /// `out (batch, rows) = x (batch, depth) * weights (rows, depth)^T`, all row-major.
    ///
    /// `weights` are the rows' blocks as they lie in the file, at any alignment.
    ///
    /// # Errors
    /// If a buffer's length is not what the plan's shape and `batch` ask for.
    pub fn multiply(
        &self,
        pool: &Pool,
        weights: &[u8],
        x: &[f32],
        batch: usize,
        out: &mut [f32],
    ) -> Result<(), MatmulError> {
        let mut activations = pool.activations();
        self.prepare(pool, x, batch, &mut activations)?;
        let result = self.multiply_prepared(pool, weights, &activations, out);
        pool.keep(activations);
        result
    }

    /// Brings `x (batch, depth)` into the form that the plan's kernels take for such a batch. Plans
    /// of the same depth and [class](Plan::class_for) can share it.
    ///
    /// # Errors
    /// If `x` is not `batch` rows.
    pub fn prepare(
        &self,
        pool: &Pool,
        x: &[f32],
        batch: usize,
        activations: &mut Activations,
    ) -> Result<(), MatmulError> {
        let depth = self.problem.depth;
        length("the input", x.len(), batch.checked_mul(depth))?;
        match self.class_for(batch) {
            class @ (Numerics::F32 | Numerics::Bf16) => {
                let mut rows = activations.float_rows(class, x, (batch, depth));
                pool.for_each_chunk(&mut rows, ROWS, |_, rows| {
                    rows.iter_mut().for_each(FloatRow::fill);
                });
            }
            Numerics::Q8 | Numerics::Q8x256 => self.quantize(pool, x, batch, activations),
        }
        Ok(())
    }

    fn quantize(&self, pool: &Pool, x: &[f32], batch: usize, activations: &mut Activations) {
        let mut rows = activations.q8_rows(self.class, x, (batch, self.problem.depth));
        let quantize = self.gemm.kernel().isa.quantize;
        pool.for_each_chunk(&mut rows, ROWS, |_, rows| {
            for row in rows {
                // SAFETY: the plan's kernels are ready: this CPU has their instruction set.
                unsafe { quantize(row) }
            }
        });
    }

    /// [`Plan::multiply`] with activations that [`Plan::prepare`] made.
    ///
    /// # Errors
    /// If a buffer's length is not what the shapes ask for, or the activations were prepared for
    /// another class.
    pub fn multiply_prepared(
        &self,
        pool: &Pool,
        weights: &[u8],
        x: &Activations,
        out: &mut [f32],
    ) -> Result<(), MatmulError> {
        multiply_each(pool, std::slice::from_ref(x), &mut [Product { plan: self, weights, out }])
    }

    fn check(&self, weights: &[u8], x: &Activations, out: &[f32]) -> Result<(), ShapeError> {
        let problem = &self.problem;
        let (batch, depth) = x.shape();
        let need = problem.format.bytes(problem.rows, problem.depth)?;
        if weights.len() != need {
            let (what, unit) = ("the weight", "bytes");
            return Err(ShapeError::Length { what, unit, have: weights.len(), need });
        }
        length("the input's row", depth, Some(problem.depth))?;
        length("the output", out.len(), batch.checked_mul(problem.rows))
    }

    fn takes_gemv(&self, x: &Activations) -> bool {
        let (batch, _) = x.shape();
        let on_tiles = x.class() != self.class;
        !(on_tiles || self.is_gemm(batch) && x.suits_gemm())
    }

    /// The activations that the plan multiplies: in the class that is best for such a batch, or in
    /// its own.
    fn form_of<'a>(&self, forms: &'a [Activations]) -> Option<&'a Activations> {
        let best = |form: &&Activations| form.class() == self.class_for(form.shape().0);
        let own = |form: &&Activations| form.class() == self.class;
        forms.iter().find(best).or_else(|| forms.iter().find(own))
    }

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

/// A plan, its weights, and where `x (batch, depth) * weights (rows, depth)^T` goes.
#[derive(Debug)]
pub struct Product<'a> {
    /// What multiplies.
    pub plan: &'a Plan,
    /// The rows' blocks as they lie in the file, at any alignment.
    pub weights: &'a [u8],
    /// `(batch, rows)`, row-major.
    pub out: &'a mut [f32],
}

/// Several products with the same activations, such as a query, key and value projection, as
/// one piece of work for the threads: less waiting than one after the other, and `x (batch,
/// depth)` is quantized once.
///
/// # Errors
/// If a buffer's length is not what the shapes ask for; then nothing is multiplied.
pub fn multiply_together(
    pool: &Pool,
    x: &[f32],
    batch: usize,
    products: &mut [Product<'_>],
) -> Result<(), MatmulError> {
    let mut forms: Vec<Activations> = vec![];
    for Product { plan, .. } in &*products {
        if forms.iter().all(|form| form.class() != plan.class_for(batch)) {
            let mut form = pool.activations();
            plan.prepare(pool, x, batch, &mut form)?;
            forms.push(form);
        }
    }
    let result = multiply_each(pool, &forms, products);
    forms.into_iter().for_each(|form| pool.keep(form));
    result
}

/// Each product with the activations, of `forms`, in its plan's class.
fn multiply_each(
    pool: &Pool,
    forms: &[Activations],
    products: &mut [Product<'_>],
) -> Result<(), MatmulError> {
    let form_of = |plan: &Plan| {
        let (have, need) = (forms[0].class(), plan.class_for(forms[0].shape().0));
        plan.form_of(forms).ok_or(MatmulError::Class { have, need })
    };
    for product in &*products {
        product.plan.check(product.weights, form_of(product.plan)?, product.out)?;
    }
    // The most threads that one of them wants; 0 is all there are.
    let threads = products.iter().map(|product| usize::from(product.plan.params.threads));
    let threads = threads.max_by_key(|threads| threads.wrapping_sub(1)).unwrap_or(0);
    let ordered = Ordered::of(pool, forms, products);
    let packed = Packed::of(pool, forms, products);
    let mut work = vec![];
    let mut outs = vec![];
    for Product { plan, weights, out } in products.iter_mut() {
        let (weights, x) = (*weights, form_of(plan)?);
        let (_, depth) = x.shape();
        if depth == 0 {
            out.fill(0.0);
        }
        if out.is_empty() || depth == 0 {
            continue;
        }
        let next = match plan.takes_gemv(x) {
            false => {
                let columns = packed.of_plan(plan, x.class());
                Work::Gemm(Gemm::new(plan, weights, x, (columns, pool.limit(threads))))
            }
            true => Work::Gemv(Gemv { plan, weights, x, quants: ordered.quants(plan, x) }),
        };
        let (width, (grain, least)) = (plan.problem.rows, next.grains());
        outs.push(Out { width, grain, least, data: out });
        work.push(next);
    }
    pool.run_columns(threads, &mut outs, |n, columns, scratch| match &work[n] {
        Work::Gemv(gemv) => gemv.run(columns, scratch),
        Work::Gemm(gemm) => gemm.run(columns, scratch),
    });
    packed.0.into_iter().for_each(|(_, columns)| pool.keep_packed(columns.panels));
    ordered.0.into_iter().for_each(|(_, quants)| pool.keep_quants(quants));
    Ok(())
}

/// Quants in the orders that `gemv` kernels take, each once.
struct Ordered(Vec<(Order, Lines<i8>)>);

impl Ordered {
    fn of(pool: &Pool, forms: &[Activations], products: &[Product<'_>]) -> Self {
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

    fn place(&self, order: Order) -> Option<usize> {
        self.0.iter().position(|(known, _)| *known == order)
    }

    fn quants<'a>(&'a self, plan: &Plan, x: &'a Activations) -> &'a [i8] {
        let place = plan.order().and_then(|order| self.place(order));
        place.map_or(x.quants(), |place| &self.0[place].1)
    }
}

/// A product, ready to be computed some rows of weights at a time.
enum Work<'a> {
    Gemv(Gemv<'a>),
    Gemm(Gemm<'a>),
}

impl Work<'_> {
    /// Rows of weights of a job, and what those of a smaller one are a multiple of.
    fn grains(&self) -> (usize, usize) {
        match self {
            Self::Gemv(gemv) => (usize::from(gemv.plan.params.grain).max(1), GEMV_ROWS),
            Self::Gemm(gemm) => {
                let rows = gemm.kernel.kernel().rows;
                (gemm.tiles * rows, rows)
            }
        }
    }
}

struct Gemv<'a> {
    plan: &'a Plan,
    weights: &'a [u8],
    x: &'a Activations,
    quants: &'a [i8],
}

impl Gemv<'_> {
    fn run(&self, columns: &mut Columns<'_>, scratch: &mut Scratch) {
        let Self { plan, weights, x, quants } = *self;
        let (batch, _) = x.shape();
        let row_bytes = weights.len() / plan.problem.rows;
        let range = columns.range();
        let weights = &weights[range.start * row_bytes..range.end * row_bytes];
        let rows = range.len();
        let Params { prefetch, lines, level, .. } = plan.params;
        let (prefetch, lines, level) = (prefetch.into(), lines.into(), level.into());
        for (column, kernel) in plan.passes(batch) {
            let args = gemv::Args { weights, rows, x, quants, column, prefetch, lines, level };
            let nr = kernel.kernel().columns;
            scratch.out.resize(nr * rows, 0.0);
            kernel.gemv(&args, &mut scratch.out);
            for (c, values) in scratch.out.chunks_exact(rows).enumerate() {
                columns.put(column + c, range.start, values);
            }
        }
    }
}

struct Gemm<'a> {
    kernel: Ready,
    weights: &'a [u8],
    row_bytes: usize,
    depth: usize,
    /// Register tiles of weights, side by side, in a job.
    tiles: usize,
    x: &'a PackedColumns,
    /// That take jobs in turns.
    threads: usize,
}

impl<'a> Gemm<'a> {
    fn new(
        plan: &Plan,
        weights: &'a [u8],
        x: &Activations,
        (columns, threads): (&'a PackedColumns, usize),
    ) -> Self {
        let (problem, kernel) = (&plan.problem, plan.gemm_for(x.class()));
        let (batch, depth) = x.shape();
        let entry = &kernel.kernel().entry;
        let tile_bytes = kernel.kernel().isa.panels
            * match entry {
                Entry::GemmQ8 { shape, .. } => shape.bytes(depth),
                Entry::GemmBf16 { .. } | Entry::GemmTiles { .. } => {
                    kernel.kernel().isa.lanes * depth.div_ceil(2)
                }
                _ => kernel.kernel().isa.lanes * depth,
            };
        let room = match entry {
            Entry::GemmTiles { .. } => TILE_PANEL_BYTES,
            _ => PANEL_BYTES,
        };
        let tiles = match batch {
            0..=FEW => 1,
            _ => usize::from(plan.params.panels).min(room / tile_bytes).max(1),
        };
        let row_bytes = weights.len() / problem.rows;
        Self { kernel, weights, row_bytes, depth, tiles, x: columns, threads }
    }

    fn run(&self, columns: &mut Columns<'_>, scratch: &mut Scratch) {
        let Self { kernel, weights, row_bytes, depth, .. } = *self;
        let isa = kernel.kernel().isa;
        let (rows, panel_rows) = (kernel.kernel().rows, isa.lanes / 4);
        let range = columns.range();
        let Scratch { panels, out } = scratch;
        let count = range.len().div_ceil(panel_rows);
        let bytes = &weights[range.start * row_bytes..range.end * row_bytes];
        let (layout, mut filled): (_, Vec<&[u8]>) = if self.reads_in_place(&range) {
            (Layout::of_rows(row_bytes), bytes.chunks_exact(panel_rows * row_bytes).collect())
        } else {
            panels.resize_with(panels.len().max(count), Default::default);
            for (weights, panel) in bytes.chunks(panel_rows * row_bytes).zip(panels.iter_mut()) {
                kernel.unpack(&Source { weights, rows: weights.len() / row_bytes, depth }, panel);
            }
            (Layout::PACKED, panels[..count].iter().map(Panel::bytes).collect())
        };
        // A tile that lacks panels multiplies its last one again; nobody reads the products.
        filled.resize(count.next_multiple_of(isa.panels), filled[count - 1]);
        let mut wanted = self.wanted(&range);
        let together = self.together();
        for (block, x) in self.x.blocks.iter().zip(&self.x.panels) {
            let at_once = filled.chunks(together * isa.panels);
            for (panels, first) in at_once.zip(range.clone().step_by(together * rows)) {
                let tiles = panels.len() / isa.panels;
                out.resize(tiles * block.count * rows, 0.0);
                let wanted = wanted.next(x.steps);
                x.tile(kernel, Weights { panels, layout, wanted }, out);
                for (tile, out) in out.chunks_exact(block.count * rows).enumerate() {
                    let first = first + tile * rows;
                    let have = rows.min(range.end - first);
                    for (c, values) in out.chunks_exact(rows).enumerate() {
                        columns.put(block.first + c, first, &values[..have]);
                    }
                }
            }
        }
    }

    /// Register tiles that are multiplied with a block of columns at once.
    fn together(&self) -> usize {
        match self.kernel.kernel().entry {
            Entry::GemmTiles { .. } => TILES,
            _ => 1,
        }
    }

    /// Whether tiles read the file's own rows: they pass once, and fill tile registers.
    fn reads_in_place(&self, range: &Range<usize>) -> bool {
        let kernel = self.kernel.kernel();
        let can = matches!(kernel.entry, Entry::GemmTiles { in_place: true, .. });
        let whole = range.len().is_multiple_of(kernel.rows) && self.depth.is_multiple_of(DEPTH);
        can && whole && self.x.blocks.len() == 1
    }

    /// The weights of this thread's next job, if jobs go round: to be asked for during this one.
    fn wanted(&self, range: &Range<usize>) -> NextJob {
        let (rows, tile) = (range.len(), self.kernel.kernel().rows);
        let lines = (rows * self.row_bytes).div_ceil(LINE);
        let blocks = &self.x.panels[..self.x.blocks.len()];
        let steps =
            blocks.iter().map(|x| x.steps).sum::<usize>() * rows.div_ceil(self.together() * tile);
        if steps == 0 {
            return NextJob { wanted: Wanted::NOTHING, left: 0 };
        }
        let first = range.end + (self.threads - 1) * rows;
        let from = self.weights.as_ptr().wrapping_add(first * self.row_bytes);
        NextJob { wanted: Wanted { from, lines: lines.div_ceil(steps) }, left: lines }
    }
}

/// Cache lines of a job that were not asked for yet.
struct NextJob {
    wanted: Wanted,
    left: usize,
}

impl NextJob {
    /// The share of the next tile, which asks `steps` times.
    fn next(&mut self, steps: usize) -> Wanted {
        if self.left == 0 {
            return Wanted::NOTHING;
        }
        let wanted = self.wanted;
        let lines = steps * wanted.lines;
        self.wanted.from = wanted.from.wrapping_add(lines * LINE);
        self.left = self.left.saturating_sub(lines);
        wanted
    }
}

fn length(what: &'static str, have: usize, need: Option<usize>) -> Result<(), ShapeError> {
    match need {
        Some(need) if need == have => Ok(()),
        need => {
            let need = need.unwrap_or(usize::MAX);
            Err(ShapeError::Length { what, unit: "numbers", have, need })
        }
    }
}
