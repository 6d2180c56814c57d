//! Jobs of large batches: a few panels of weights, and every block of columns passes over them.

use super::columns::{PackedColumns, Weights};
use crate::activations::Activations;
use crate::gemm::Wanted;
use crate::gemm::tiles::{DEPTH, Layout, TILES};
use crate::kernel::{Entry, Ready};
use crate::lines::LINE;
use crate::panel::{Panel, Source};
use crate::plan::Plan;
use crate::threads::{Columns, Scratch};
use std::ops::Range;

/// A batch this small takes one register tile of weights a job: it waits for memory, too, and what
/// is asked for during a job should not be much.
const FEW: usize = 32;

/// Panels of a job may fill this much of L2; what passes over them needs the rest.
const PANEL_BYTES: usize = 512 << 10;
/// The same for tile registers: CPUs that have them have 2 MiB of L2.
const TILE_PANEL_BYTES: usize = 1 << 20;

pub(super) struct Gemm<'a> {
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
    pub(super) fn new(
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

    /// Rows of weights of a job, and what those of a smaller one are a multiple of.
    pub(super) fn grains(&self) -> (usize, usize) {
        let rows = self.kernel.kernel().rows;
        (self.tiles * rows, rows)
    }

    pub(super) fn run(&self, columns: &mut Columns<'_>, scratch: &mut Scratch) {
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
