//! The macrokernel: a whole product from register tiles.
//!
//! `out (batch, rows) = x (batch, depth) * weights (rows, depth)^T`. Small batches take `gemv`:
//! jobs of some weight rows, all columns for each before the next rows are read. Larger ones take
//! `gemm`: a job unpacks a few panels of weights, which stay in L2 while every panel of columns
//! passes over them.

use crate::activations::{self, Activations};
use crate::format::ShapeError;
use crate::gemm::{TileF32, TileQ8};
use crate::gemv;
use crate::kernel::{Entry, Numerics, Ready};
use crate::panel::{Shape, Source};
use crate::plan::Plan;
use crate::threads::{Columns, Pool, Scratch};
use std::sync::Mutex;
use thiserror::Error;

/// Panels of a job may fill this much of L2; what passes over them needs the rest.
const PANEL_BYTES: usize = 512 << 10;

/// Buffers that do not fit the plan.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum MatmulError {
    /// A buffer does not have the size that the shapes ask for.
    #[error(transparent)]
    Shape(#[from] ShapeError),
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

    /// Brings `x (batch, depth)` into the form that the plan's kernels take. Plans of the same
    /// depth and class can share it.
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
        match self.class {
            Numerics::F32 => activations.fill_f32(x, batch, depth),
            Numerics::Q8 => self.quantize(pool, x, batch, activations),
        }
        Ok(())
    }

    fn quantize(&self, pool: &Pool, x: &[f32], batch: usize, activations: &mut Activations) {
        /// Rows a thread takes at a time.
        const ROWS: usize = 8;
        let mut rows = activations.q8_rows(x, batch, self.problem.depth);
        let quantize = self.gemm.kernel().isa.quantize;
        let jobs: Vec<Mutex<&mut [activations::Row<'_>]>> =
            rows.chunks_mut(ROWS).map(Mutex::new).collect();
        pool.run(usize::from(self.params.threads), jobs.len(), &|n, _| {
            for row in jobs[n].lock().expect("each job runs once").iter_mut() {
                // SAFETY: the plan's kernels are ready: this CPU has their instruction set.
                unsafe { quantize(row) }
            }
        });
    }

    /// [`Plan::multiply`] with activations that [`Plan::prepare`] made.
    ///
    /// # Errors
    /// If a buffer's length is not what the shapes ask for.
    pub fn multiply_prepared(
        &self,
        pool: &Pool,
        weights: &[u8],
        x: &Activations,
        out: &mut [f32],
    ) -> Result<(), MatmulError> {
        let problem = &self.problem;
        let (batch, depth) = x.shape();
        let need = problem.format.bytes(problem.rows, problem.depth)?;
        if weights.len() != need {
            let (what, unit) = ("the weight", "bytes");
            Err(ShapeError::Length { what, unit, have: weights.len(), need })?;
        }
        length("the input's row", depth, Some(problem.depth))?;
        length("the output", out.len(), batch.checked_mul(problem.rows))?;
        if out.is_empty() {
            return Ok(());
        }
        if depth == 0 {
            out.fill(0.0);
            return Ok(());
        }
        match self.is_gemm(batch) {
            true => self.gemm(pool, weights, x, out),
            false => self.gemv(pool, weights, x, out),
        }
        Ok(())
    }

    fn gemv(&self, pool: &Pool, weights: &[u8], x: &Activations, out: &mut [f32]) {
        let (batch, _) = x.shape();
        let rows = self.problem.rows;
        let row_bytes = weights.len() / rows;
        let prefetch = usize::from(self.params.prefetch);
        let job = |columns: &mut Columns<'_>, scratch: &mut Scratch| {
            let range = columns.range();
            let weights = &weights[range.start * row_bytes..range.end * row_bytes];
            let rows = range.len();
            for (column, kernel) in self.passes(batch) {
                let args = gemv::Args { weights, rows, x, column, prefetch };
                let nr = kernel.kernel().columns;
                scratch.out.resize(nr * rows, 0.0);
                kernel.gemv(&args, &mut scratch.out);
                for (c, values) in scratch.out.chunks_exact(rows).enumerate() {
                    columns.put(column + c, range.start, values);
                }
            }
        };
        let grain = usize::from(self.params.grain).max(1);
        pool.run_columns(usize::from(self.params.threads), out, (rows, grain), job);
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

    fn gemm(&self, pool: &Pool, weights: &[u8], x: &Activations, out: &mut [f32]) {
        let (problem, gemm) = (&self.problem, self.gemm);
        let (batch, depth) = x.shape();
        let threads = usize::from(self.params.threads);
        let widest = usize::from(self.params.columns).clamp(1, gemm.kernel().columns);
        let blocks = ColumnBlock::cut(batch, widest);
        let packed: Vec<Mutex<ColumnPanel>> = blocks.iter().map(|_| Mutex::default()).collect();
        pool.run(threads, blocks.len(), &|n, _| {
            let mut panel = packed[n].lock().expect("each job runs once");
            panel.pack(&gemm.kernel().entry, x, blocks[n]);
        });
        let packed: Vec<ColumnPanel> =
            packed.into_iter().map(|panel| panel.into_inner().expect("no job panicked")).collect();

        let rows = gemm.kernel().rows;
        let row_bytes = weights.len() / problem.rows;
        let panel_bytes = match gemm.kernel().entry {
            Entry::GemmQ8 { shape, .. } => shape.bytes(depth),
            _ => 4 * rows * depth,
        };
        let panels = usize::from(self.params.panels).min(PANEL_BYTES / panel_bytes).max(1);
        let job = |columns: &mut Columns<'_>, scratch: &mut Scratch| {
            let range = columns.range();
            let firsts = || range.clone().step_by(rows);
            let Scratch { panels, out } = scratch;
            panels.resize_with(panels.len().max(firsts().len()), Default::default);
            for (first, panel) in firsts().zip(panels.iter_mut()) {
                let last = range.end.min(first + rows);
                let weights = &weights[first * row_bytes..last * row_bytes];
                gemm.unpack(&Source { weights, rows: last - first, depth }, panel);
            }
            for (block, x) in blocks.iter().zip(&packed) {
                out.resize(block.count * rows, 0.0);
                for (first, panel) in firsts().zip(panels.iter()) {
                    x.tile(gemm, panel.bytes(), block.count, out);
                    let have = rows.min(range.end - first);
                    for (c, values) in out.chunks_exact(rows).enumerate() {
                        columns.put(block.first + c, first, &values[..have]);
                    }
                }
            }
        };
        pool.run_columns(threads, out, (problem.rows, panels * rows), job);
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

/// Some columns of activations that share a register tile.
#[derive(Clone, Copy)]
struct ColumnBlock {
    first: usize,
    count: usize,
}

impl ColumnBlock {
    /// Blocks of nearly equal width, at most `widest`: 9 columns are 5 and 4, not 8 and 1.
    fn cut(batch: usize, widest: usize) -> Vec<Self> {
        let blocks = batch.div_ceil(widest);
        let at = |n: usize| n * batch / blocks;
        (0..blocks).map(|n| Self { first: at(n), count: at(n + 1) - at(n) }).collect()
    }
}

/// A block of columns in the order in which `gemm` reads them.
#[derive(Default)]
struct ColumnPanel {
    units: usize,
    quants: Vec<i8>,
    scales: Vec<f32>,
    starts: Vec<i32>,
    parts: Vec<f32>,
    floats: Vec<f32>,
}

impl ColumnPanel {
    fn pack(&mut self, entry: &Entry, x: &Activations, block: ColumnBlock) {
        match entry {
            Entry::GemmQ8 { shape, .. } => self.pack_q8(*shape, x, block),
            _ => self.pack_f32(x, block),
        }
    }

    fn pack_q8(&mut self, shape: Shape, x: &Activations, block: ColumnBlock) {
        let (_, depth) = x.shape();
        let unit = shape.unit;
        self.units = depth.div_ceil(unit);
        let size = self.units * block.count;
        self.quants.resize(size * unit, 0);
        self.scales.resize(size, 0.0);
        match shape.center {
            Some(_) => self.starts.resize(size, 0),
            None => self.parts.resize(size, 0.0),
        }
        for c in 0..block.count {
            let row = x.q8(block.first + c);
            for u in 0..self.units {
                let at = u * block.count + c;
                self.quants[at * unit..(at + 1) * unit]
                    .copy_from_slice(&row.quants[u * unit..(u + 1) * unit]);
                self.scales[at] = row.scales[u * unit / activations::GROUP];
                let halves = u * unit / activations::HALF..(u + 1) * unit / activations::HALF;
                match shape.center {
                    Some(center) => {
                        self.starts[at] = center * row.sums[halves].iter().sum::<i32>();
                    }
                    None => self.parts[at] = row.half_parts[halves].iter().sum(),
                }
            }
        }
    }

    fn pack_f32(&mut self, x: &Activations, block: ColumnBlock) {
        let (_, depth) = x.shape();
        self.floats.resize(depth * block.count, 0.0);
        for c in 0..block.count {
            let row = &x.floats(block.first + c)[..depth];
            for (to, from) in self.floats[c..].iter_mut().step_by(block.count).zip(row) {
                *to = *from;
            }
        }
    }

    /// `out[column][row of the panel]`.
    fn tile(&self, gemm: Ready, panel: &[u8], columns: usize, out: &mut [f32]) {
        match gemm.kernel().entry {
            Entry::GemmQ8 { .. } => gemm.tile_q8(
                columns,
                &mut TileQ8 {
                    panel,
                    units: self.units,
                    quants: &self.quants,
                    scales: &self.scales,
                    starts: &self.starts,
                    parts: &self.parts,
                    out,
                },
            ),
            _ => gemm.tile_f32(columns, &mut TileF32 { panel, x: &self.floats, out }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn column_blocks_are_balanced_and_complete() {
        for batch in 1..70 {
            for widest in 1..13 {
                let blocks = ColumnBlock::cut(batch, widest);
                let (least, most) = (
                    blocks.iter().map(|block| block.count).min().unwrap(),
                    blocks.iter().map(|block| block.count).max().unwrap(),
                );
                assert!(most <= widest && most - least <= 1);
                let mut next = 0;
                for block in blocks {
                    assert_eq!(block.first, next);
                    next += block.count;
                }
                assert_eq!(next, batch);
            }
        }
    }
}
