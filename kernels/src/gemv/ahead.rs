//! What is asked for before it is read.

use super::Args;
use crate::isa::Isa;
use crate::lines::LINE;

/// Bytes that are surely one piece of physical memory; hardware prefetchers stop at their end.
const PAGE: usize = 4096;
/// Columns whose streams of activations are more than hardware prefetchers follow besides that of
/// the weights.
const MANY: usize = 4;

/// How to ask for what comes after `MR` rows that are read side by side.
#[derive(Clone, Copy)]
pub(super) struct Ahead<const MR: usize> {
    /// Bytes from what is read now.
    distance: usize,
    /// Bytes of a row.
    row: usize,
    which: Which,
}

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Nothing,
    /// So many lines where a page starts.
    Starts(usize),
    Lines,
    /// Every line, to L1.
    NearLines,
}

impl<const MR: usize> Ahead<MR> {
    /// For products with `NR` columns. Of several streams each line is asked for.
    #[inline(always)]
    pub(super) fn of<const NR: usize>(args: &Args<'_>) -> Self {
        let which = match (args.prefetch, args.level, args.lines) {
            (0, ..) => Which::Nothing,
            (_, 0..2, _) => Which::NearLines,
            _ if MR > 1 || NR >= MANY => Which::Lines,
            (_, _, 0) => Which::Nothing,
            (_, _, lines) if lines < PAGE / LINE => Which::Starts(lines),
            _ => Which::Lines,
        };
        Self { distance: args.prefetch, row: args.row_bytes(), which }
    }

    /// Whether nothing is asked for.
    #[inline(always)]
    pub(super) fn is_silent(&self) -> bool {
        self.which == Which::Nothing
    }

    /// Asks for what lies ahead of `blocks`, which are at byte `at` of their row: along the row,
    /// then along the rows after those that are read side by side.
    #[inline(always)]
    pub(super) fn ask<I: Isa>(&self, isa: I, blocks: &[u8], at: usize) {
        let size = blocks.len();
        let beyond = if MR > 1 && at + self.distance >= self.row { (MR - 1) * self.row } else { 0 };
        let from = blocks.as_ptr().wrapping_add(self.distance + beyond);
        match self.which {
            Which::Nothing => {}
            Which::Starts(lines) => {
                let skip = from.addr().wrapping_neg() % PAGE;
                if skip < size {
                    for line in 0..lines {
                        isa.prefetch(from.wrapping_add(skip + LINE * line));
                    }
                }
            }
            Which::Lines => prefetch_all(isa, from, size),
            Which::NearLines => each_line(
                from,
                size,
                #[inline(always)]
                |line| isa.prefetch_near(line),
            ),
        }
    }
}

/// Prefetches the lines that start within `size` bytes.
#[inline(always)]
pub(crate) fn prefetch_all<I: Isa>(isa: I, from: *const u8, size: usize) {
    each_line(
        from,
        size,
        #[inline(always)]
        |line| isa.prefetch(line),
    );
}

/// The lines that start within `size` bytes, each once: a prefetch of a line that is already on
/// its way still takes a slot.
#[inline(always)]
fn each_line(from: *const u8, size: usize, prefetch: impl Fn(*const u8)) {
    let skip = from.addr().wrapping_neg() % LINE;
    for line in 0..size / LINE {
        prefetch(from.wrapping_add(skip + LINE * line));
    }
    if skip < size % LINE {
        prefetch(from.wrapping_add(skip + size / LINE * LINE));
    }
}
