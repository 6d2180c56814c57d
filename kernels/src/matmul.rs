//! The macrokernel: a whole product from register tiles.
//!
//! `out (batch, rows) = x (batch, depth) * weights (rows, depth)^T`. Small batches take `gemv`:
//! jobs of some weight rows, all columns for each before the next rows are read. Larger ones take
//! `gemm`: a job unpacks a few panels of weights, which stay in L2 while every panel of columns
//! passes over them, or a slice of K at a time where columns are few. Meanwhile the weights of the
//! thread's next job are asked for.

mod columns;
mod gemm;
mod gemv;

pub(crate) use columns::ColumnPanel;

use crate::activations::{Activations, Reads};
use crate::format::ShapeError;
use crate::gemm::tiles;
use crate::isa::VECTOR;
use crate::kernel::Numerics;
use crate::plan::Plan;
use crate::threads::{Columns, Out, Pool, Scratch};
use columns::Packed;
use gemm::Gemm;
use gemv::{Gemv, Ordered};
use thiserror::Error;

/// Rows of activations that a thread prepares at a time.
const ROWS: usize = 8;

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
        multiply_together(pool, x, batch, &mut [Product { plan: self, weights, out }])
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
        self.fill(pool, (x, batch), Reads::ALL, activations)
    }

    fn fill(
        &self,
        pool: &Pool,
        (x, batch): (&[f32], usize),
        reads: Reads,
        activations: &mut Activations,
    ) -> Result<(), MatmulError> {
        let depth = self.problem.depth;
        length("the input", x.len(), batch.checked_mul(depth))?;
        match self.class_for(batch) {
            class @ (Numerics::F32 | Numerics::Bf16) => {
                let mut rows = activations.float_rows(class, x, (batch, depth), reads);
                let round = self.gemm.kernel().isa.round;
                pool.for_each_chunk(&mut rows, ROWS, |_, rows| {
                    for row in rows {
                        // SAFETY: the plan's kernels are ready: this CPU has their instruction set.
                        unsafe { round(row) }
                    }
                });
            }
            Numerics::Q8 | Numerics::Q8x256 => self.quantize(pool, x, batch, activations),
        }
        Ok(())
    }

    /// What the kernels for a batch of a float class read.
    fn reads(&self, batch: usize) -> Reads {
        let kernel = self.kernel(batch);
        let beyond = if self.is_gemm(batch) { tiles::DEPTH } else { kernel.span + VECTOR };
        Reads { floats: kernel.class == Numerics::F32, beyond }
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
        let class = plan.class_for(batch);
        if forms.iter().all(|form| form.class() != class) {
            let mut form = pool.activations();
            let plans = products.iter().map(|product| product.plan);
            let same = plans.filter(|plan| plan.class_for(batch) == class);
            let reads = same.map(|plan| plan.reads(batch)).fold(Reads::NOTHING, Reads::or);
            plan.fill(pool, (x, batch), reads, &mut form)?;
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
            true => Work::Gemv(Gemv::new(plan, weights, x, &ordered)),
        };
        let (width, (grain, least)) = (plan.problem.rows, next.grains());
        outs.push(Out { width, grain, least, data: out });
        work.push(next);
    }
    pool.run_columns(threads, &mut outs, |n, columns, scratch| work[n].run(columns, scratch));
    packed.give_back(pool);
    ordered.give_back(pool);
    Ok(())
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
            Self::Gemv(gemv) => gemv.grains(),
            Self::Gemm(gemm) => gemm.grains(),
        }
    }

    fn run(&self, columns: &mut Columns<'_>, scratch: &mut Scratch) {
        match self {
            Self::Gemv(gemv) => gemv.run(columns, scratch),
            Self::Gemm(gemm) => gemm.run(columns, scratch),
        }
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
