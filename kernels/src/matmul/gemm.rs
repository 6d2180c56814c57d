//! Jobs of large batches: a few panels of weights, and every block of columns passes over them.
//!
//! Panels of a job stay in L2 while blocks of columns pass. Where these are few, unpacking takes as
//! long as multiplying, and what it writes is read but once or twice: then a job is one tile of rows,
//! unpacked a slice of K at a time, which stays in L1 ([`Gemm::run_slices`]). Tile registers have jobs
//! of their own (`tiles`).

mod tiles;

use super::columns::{PackedColumns, Weights};
use crate::activations::{Activations, WIDE_GROUP};
use crate::gemm::Wanted;
use crate::kernel::{Entry, Ready};
use crate::lines::LINE;
use crate::panel::{Panel, Source};
use crate::plan::Plan;
use crate::threads::{Columns, Scratch};
use std::ops::Range;

/// A batch this small takes one register tile of weights a job: it waits for memory, too, and what
/// is asked for during a job should not be much.
const FEW: usize = 32;
/// A batch this small takes it slice by slice.
const FEWER: usize = 16;
/// Panels of a slice may fill this much of L1.
const SLICE_BYTES: usize = 24 << 10;

/// Panels of a job may fill this much of L2; what passes over them needs the rest.
const PANEL_BYTES: usize = 512 << 10;
/// The same for tile registers: CPUs that have them have 2 MiB of L2.
const TILE_PANEL_BYTES: usize = 1 << 20;
/// Weights of K that a slice for tile registers has at most: 256 KiB of 32 rows, or columns.
const TILE_SLICE: usize = 4096;

pub(super) struct Gemm<'a> {
    kernel: Ready,
    weights: &'a [u8],
    row_bytes: usize,
    depth: usize,
    /// Register tiles of weights, side by side, in a job.
    tiles: usize,
    /// Weights of a row that are unpacked at a time, if not all.
    slice: Option<usize>,
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
        let (entry, isa) = (&kernel.kernel().entry, kernel.kernel().isa);
        let tile_bytes = |depth: usize| {
            isa.panels
                * match entry {
                    Entry::GemmQ8 { shape, .. } => shape.bytes(depth),
                    Entry::GemmBf16 { .. } | Entry::GemmTiles { .. } => {
                        isa.lanes * depth.div_ceil(2)
                    }
                    _ => isa.lanes * depth,
                }
        };
        let on_tiles = matches!(entry, Entry::GemmTiles { .. });
        // Whole spans, and whole groups of activations.
        let unit = lcm(kernel.kernel().span, WIDE_GROUP);
        let slice = match (on_tiles, batch) {
            // As equal as can be.
            (true, _) => Some(depth.div_ceil(depth.div_ceil(TILE_SLICE)).next_multiple_of(unit)),
            (false, 0..=FEWER) => Some((SLICE_BYTES / tile_bytes(unit)).max(1) * unit),
            _ => None,
        };
        let room = if on_tiles { TILE_PANEL_BYTES } else { PANEL_BYTES };
        let tiles = match batch {
            0..=FEW => 1,
            _ => {
                let bytes = tile_bytes(slice.map_or(depth, |slice| slice.min(depth)));
                usize::from(plan.params.panels).min(room / bytes).max(1)
            }
        };
        let row_bytes = weights.len() / problem.rows;
        Self { kernel, weights, row_bytes, depth, tiles, slice, x: columns, threads }
    }

    /// Rows of weights of a job, and what those of a smaller one are a multiple of.
    pub(super) fn grains(&self) -> (usize, usize) {
        let rows = self.kernel.kernel().rows;
        (self.tiles * rows, rows)
    }

    pub(super) fn run(&self, columns: &mut Columns<'_>, scratch: &mut Scratch) {
        match (self.slice, &self.kernel.kernel().entry) {
            (Some(slice), Entry::GemmTiles { .. }) => self.run_on_tiles(slice, columns, scratch),
            (Some(slice), _) => self.run_slices(slice, columns, scratch),
            (None, _) => self.run_panels(columns, scratch),
        }
    }

    /// One tile of rows: a slice of K after the other, each times all columns.
    fn run_slices(&self, slice: usize, columns: &mut Columns<'_>, scratch: &mut Scratch) {
        let Self { kernel, weights, row_bytes, depth, .. } = *self;
        let isa = kernel.kernel().isa;
        let (rows, panel_rows) = (kernel.kernel().rows, isa.lanes / 4);
        let range = columns.range();
        let bytes = &weights[range.start * row_bytes..range.end * row_bytes];
        let blocks = self.x.blocks.iter().zip(&self.x.panels);
        let Scratch { panels, out, .. } = scratch;
        panels.resize_with(panels.len().max(isa.panels), Default::default);
        out.clear();
        out.resize(blocks.clone().map(|(block, _)| block.count * rows).sum(), 0.0);
        let mut next = NextJob::of_slices(self, &range);
        for first in (0..depth).step_by(slice) {
            let count = slice.min(depth - first);
            let spans = count.div_ceil(kernel.kernel().span);
            for (weights, panel) in bytes.chunks(panel_rows * row_bytes).zip(panels.iter_mut()) {
                let source = Source::whole(weights, weights.len() / row_bytes, depth);
                let wanted = next.while_unpacking(panel_rows * spans);
                kernel
                    .unpack(&source.part(row_bytes * first / depth, count).wanting(wanted), panel);
            }
            let filled = self.filled(panels, range.len());
            let mut out = out.as_mut_slice();
            for (block, x) in blocks.clone() {
                let of_block = out.split_off_mut(..block.count * rows).expect("room for all");
                let wanted = next.while_multiplying(x.steps(count));
                x.tile(kernel, Weights { panels: &filled, part: (first, count), wanted }, of_block);
            }
        }
        for (c, values) in out.chunks_exact(rows).enumerate() {
            columns.put(c, range.start, &values[..range.len()]);
        }
    }

    /// Whole panels, which stay while blocks of columns pass.
    fn run_panels(&self, columns: &mut Columns<'_>, scratch: &mut Scratch) {
        let Self { kernel, weights, row_bytes, depth, .. } = *self;
        let isa = kernel.kernel().isa;
        let (rows, panel_rows) = (kernel.kernel().rows, isa.lanes / 4);
        let range = columns.range();
        let Scratch { panels, out, .. } = scratch;
        let count = range.len().div_ceil(panel_rows);
        let bytes = &weights[range.start * row_bytes..range.end * row_bytes];
        panels.resize_with(panels.len().max(count), Default::default);
        for (weights, panel) in bytes.chunks(panel_rows * row_bytes).zip(panels.iter_mut()) {
            kernel.unpack(&Source::whole(weights, weights.len() / row_bytes, depth), panel);
        }
        let filled = self.filled(panels, range.len());
        let mut next = NextJob::of_panels(self, &range);
        for (block, x) in self.x.blocks.iter().zip(&self.x.panels) {
            let tiles = filled.chunks_exact(isa.panels);
            for (panels, first) in tiles.zip(range.clone().step_by(rows)) {
                out.resize(block.count * rows, 0.0);
                out.fill(0.0);
                let wanted = next.while_multiplying(x.steps(depth));
                x.tile(kernel, Weights { panels, part: (0, depth), wanted }, out);
                let have = rows.min(range.end - first);
                for (c, values) in out.chunks_exact(rows).enumerate() {
                    columns.put(block.first + c, first, &values[..have]);
                }
            }
        }
    }

    /// Panels of so many rows as whole tiles. One that lacks panels multiplies its last one again;
    /// nobody reads the products.
    fn filled<'p>(&self, panels: &'p [Panel], rows: usize) -> Vec<&'p [u8]> {
        let isa = self.kernel.kernel().isa;
        let count = rows.div_ceil(isa.lanes / 4);
        let mut filled: Vec<&[u8]> = panels[..count].iter().map(Panel::bytes).collect();
        filled.resize(count.next_multiple_of(isa.panels), filled[count - 1]);
        filled
    }

    /// Where the next job's weights start, and how many cache lines they are.
    fn next(&self, range: &Range<usize>) -> (*const u8, usize) {
        let rows = range.len();
        let first = range.end + (self.threads - 1) * rows;
        let from = self.weights.as_ptr().wrapping_add(first * self.row_bytes);
        (from, (rows * self.row_bytes).div_ceil(LINE))
    }
}

/// The weights of this thread's next job, if jobs go round: to be asked for during this one, so that
/// memory is never idle.
struct NextJob {
    from: *const u8,
    /// Cache lines that were not asked for yet.
    left: usize,
    /// Lines to ask for with each span of a row that is unpacked.
    unpacking: usize,
    /// Lines to ask for with each step of a tile.
    multiplying: usize,
}

impl NextJob {
    fn of_panels(gemm: &Gemm<'_>, range: &Range<usize>) -> Self {
        let tiles = range.len().div_ceil(gemm.kernel.kernel().rows);
        let steps = tiles * gemm.x.steps(gemm.depth);
        let (from, left) = gemm.next(range);
        // Where tiles ask for nothing, panels leave no room for more in L2.
        let left = if steps == 0 { 0 } else { left };
        Self { from, left, unpacking: 0, multiplying: left.div_ceil(steps.max(1)) }
    }

    /// Unpacking and multiplying ask for half each.
    fn of_slices(gemm: &Gemm<'_>, range: &Range<usize>) -> Self {
        let (from, left) = gemm.next(range);
        let spans = range.len() * gemm.depth.div_ceil(gemm.kernel.kernel().span);
        let steps = gemm.x.steps(gemm.depth);
        let share = if steps == 0 { left } else { left / 2 };
        let unpacking = ((share + spans / 2) / spans).max(1);
        let multiplying = left.saturating_sub(spans * unpacking).div_ceil(steps.max(1));
        Self { from, left, unpacking, multiplying }
    }

    fn while_unpacking(&mut self, spans: usize) -> Wanted {
        self.take(spans, self.unpacking)
    }

    fn while_multiplying(&mut self, steps: usize) -> Wanted {
        self.take(steps, self.multiplying)
    }

    /// What to ask for in so many steps.
    fn take(&mut self, steps: usize, lines: usize) -> Wanted {
        if self.left == 0 {
            return Wanted::NOTHING;
        }
        let wanted = Wanted { from: self.from, lines };
        self.from = self.from.wrapping_add(steps * lines * LINE);
        self.left = self.left.saturating_sub(steps * lines);
        wanted
    }
}

fn lcm(a: usize, b: usize) -> usize {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    a / x * b
}
