//! Tilewright's own product.

use anyhow::Context as _;
use kernels::{Numerics, Plan, Pool, Problem, Selection};

use crate::contest::Contestant;
use crate::weights::Matrix;

/// Where copies begin, as ggml places its tensors.
const ALIGN: usize = 64;

/// Copies of a weight matrix, as they lie in a file.
pub(crate) struct Ours<'p> {
    /// The class that the batch at hand is computed in.
    name: String,
    plan: Plan,
    pool: &'p Pool,
    bytes: Vec<u8>,
    first: usize,
    stride: usize,
    copies: usize,
    turn: usize,
    x: Vec<f32>,
    out: Vec<f32>,
}

impl<'p> Ours<'p> {
    /// Plans products with a matrix in a class, and copies it.
    pub(crate) fn new(
        pool: &'p Pool,
        selection: &Selection<'_>,
        class: Numerics,
        matrix: Matrix<'_>,
    ) -> anyhow::Result<Self> {
        let Matrix { format, rows, depth, bytes: blocks, copies } = matrix;
        let plan = Plan::new(Problem { format, rows, depth, class }, selection)?;
        let stride = blocks.len().next_multiple_of(ALIGN);
        let mut bytes = vec![0; copies * stride + ALIGN];
        let first = bytes.as_ptr().align_offset(ALIGN);
        for copy in bytes[first..].chunks_exact_mut(stride).take(copies) {
            copy[..blocks.len()].copy_from_slice(blocks);
        }
        let name = plan.class().name().to_owned();
        Ok(Self { name, plan, pool, bytes, first, stride, copies, turn: 0, x: vec![], out: vec![] })
    }

    /// How it is multiplied.
    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }
}

impl Contestant for Ours<'_> {
    fn name(&self) -> &str {
        &self.name
    }

    fn prepare(&mut self, x: &[f32], batch: usize) -> anyhow::Result<()> {
        self.plan.class_for(batch).name().clone_into(&mut self.name);
        self.x = x.to_vec();
        self.out = vec![f32::NAN; batch * self.plan.problem().rows];
        Ok(())
    }

    fn multiply(&mut self) -> anyhow::Result<()> {
        let Problem { format, rows, depth, .. } = *self.plan.problem();
        self.turn = (self.turn + 1) % self.copies;
        let copy = &self.bytes[self.first + self.turn * self.stride..];
        let blocks = &copy[..format.bytes(rows, depth)?];
        let batch = self.out.len() / rows;
        self.plan
            .multiply(self.pool, blocks, &self.x, batch, &mut self.out)
            .with_context(|| self.plan.explain())
    }

    fn out(&self) -> anyhow::Result<Vec<f32>> {
        Ok(self.out.clone())
    }
}
