//! Jobs on tile registers: slices of K whose panels and columns L2 holds, every block of columns for
//! each before the next. Sums wait in memory from slice to slice.

use super::{Gemm, NextJob};
use crate::gemm::Wanted;
use crate::gemm::tiles::{Begin, DEPTH, Layout, Outputs, TileRows};
use crate::isa::Square;
use crate::kernel::Entry;
use crate::lines::LINE;
use crate::panel::Source;
use crate::threads::{Columns, Scratch};
use std::ops::Range;

impl Gemm<'_> {
    pub(super) fn run_on_tiles(
        &self,
        slice: usize,
        columns: &mut Columns<'_>,
        scratch: &mut Scratch,
    ) {
        let Self { kernel, weights, row_bytes, depth, .. } = *self;
        let rows = kernel.kernel().rows;
        let panel_rows = kernel.kernel().isa.lanes / 4;
        let range = columns.range();
        let tiles = range.len().div_ceil(rows);
        let Scratch { panels, sums, .. } = scratch;
        let bytes = &weights[range.start * row_bytes..range.end * row_bytes];
        let in_place = self.reads_in_place(&range);
        // What is read where it lies does not wait for anything in L2.
        let slice = if in_place { depth } else { slice };
        let blocks = &self.x.blocks;
        let whole = slice >= depth;
        // Sums of all blocks wait, or those of one go straight to where they belong.
        let waiting = if whole { tiles } else { tiles * blocks.len() };
        sums.resize(sums.len().max(waiting), Square::ZERO);
        let mut next = NextJob::of_panels(self, &range);
        for first in (0..depth).step_by(slice) {
            let part = (first, slice.min(depth - first));
            let (layout, filled): (_, Vec<&[u8]>) = if in_place {
                (Layout::of_rows(row_bytes), bytes.chunks_exact(panel_rows * row_bytes).collect())
            } else {
                let count = range.len().div_ceil(panel_rows);
                panels.resize_with(panels.len().max(count), Default::default);
                let rows = bytes.chunks(panel_rows * row_bytes);
                for (weights, panel) in rows.zip(panels.iter_mut()) {
                    let source = Source::whole(weights, weights.len() / row_bytes, depth);
                    kernel.unpack(&source.part(row_bytes * first / depth, part.1), panel);
                }
                (Layout::PACKED, self.filled(panels, range.len()))
            };
            let (begin, last) = match first {
                0 => (Begin::Zero, whole),
                _ => (Begin::Resume, first + slice >= depth),
            };
            for (n, block) in blocks.iter().enumerate() {
                let at = if whole { 0 } else { n * tiles };
                let steps = tiles * part.1.div_ceil(DEPTH);
                let out =
                    Outputs { columns: &mut *columns, first: block.first, count: block.count };
                kernel.tile_rows(&mut TileRows {
                    panels: &filled,
                    layout,
                    pairs: self.x.panels[n].steps_of(part),
                    wanted: [next.while_multiplying(steps), self.columns_after(n, part, tiles)],
                    begin,
                    sums: &mut sums[at..at + tiles],
                    out: last.then_some(out),
                });
            }
        }
    }

    /// The columns of the block after block `n`, which all threads share and no L2 holds: to be asked
    /// for while `tiles` tiles multiply those of that block.
    fn columns_after(&self, n: usize, part: (usize, usize), tiles: usize) -> Wanted {
        if n + 1 >= self.x.blocks.len() {
            return Wanted::NOTHING;
        }
        /// Cache lines of the columns of a step.
        const LINES: usize = DEPTH * 64 / LINE;
        let from = self.x.panels[n + 1].steps_of(part).as_ptr().cast();
        Wanted { from, lines: LINES.div_ceil(tiles) }
    }

    /// Whether tiles read the file's own rows: they pass once, and fill tile registers.
    fn reads_in_place(&self, range: &Range<usize>) -> bool {
        let kernel = self.kernel.kernel();
        let can = matches!(kernel.entry, Entry::GemmTiles { in_place: true, .. });
        let whole = range.len().is_multiple_of(kernel.rows) && self.depth.is_multiple_of(DEPTH);
        can && whole && self.x.blocks.len() == 1
    }
}
