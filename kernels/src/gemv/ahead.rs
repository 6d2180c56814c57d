//! What is asked for before it is read.

use super::Args;
use crate::isa::Isa;

/// Bytes that are surely one piece of physical memory; hardware prefetchers stop at their end.
const PAGE: usize = 4096;
/// Bytes of a cache line.
const LINE: usize = 64;
/// Columns whose streams of activations are more than hardware prefetchers follow besides that of
/// the weights.
const MANY: usize = 4;

/// Prefetches ahead of `blocks`, which lie at byte `at` of its row: along the row, then along the
/// rows after the `MR` that are read side by side. Of several streams each line is asked for.
#[inline(always)]
pub(super) fn ahead<I: Isa, const MR: usize, const NR: usize>(
    isa: I,
    blocks: &[u8],
    at: usize,
    args: &Args<'_>,
) {
    let many = MR > 1 || NR >= MANY;
    // Known before a row begins: the compiler makes a loop of its own, without a trace of this.
    if args.prefetch == 0 || !many && args.level >= 2 && args.lines == 0 {
        return;
    }
    let (size, bytes) = (blocks.len(), args.row_bytes());
    let beyond = if MR > 1 && at + args.prefetch >= bytes { (MR - 1) * bytes } else { 0 };
    let from = blocks.as_ptr().wrapping_add(args.prefetch + beyond);
    if args.level < 2 {
        each_line(
            from,
            size,
            #[inline(always)]
            |line| isa.prefetch_near(line),
        );
        return;
    }
    if many || args.lines >= PAGE / LINE {
        prefetch_all(isa, from, size);
        return;
    }
    let skip = from.addr().wrapping_neg() % PAGE;
    if skip < size {
        for line in 0..args.lines {
            isa.prefetch(from.wrapping_add(skip + LINE * line));
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
