//! Hot loop 1: weights as they lie in the file, times a few columns of activations.
//!
//! Decoding a model reads every weight once per token, so this loop is done when it reads memory
//! as fast as memory can be read; everything else is a few instructions per byte that must fit in
//! the time a byte takes to arrive.
//!
//! Lanes run along K. A row is cut into *spans* of whole blocks (`Format::SPAN`, usually 256
//! weights). For each span the format yields registers of unsigned codes in the order of the
//! weights, and one vector each of scales and biases, a lane per unit of 16 or 32 weights:
//!
//! ```text
//! sum(w x) = sum over units of  scale * sum(code * x)  +  bias * sum(x)
//! ```
//!
//! Registers whose lanes belong to the same units are summed as integers first
//! ([`crate::Coded::links`]); weights and quants take an order in which there are many such
//! registers. The second term needs no codes: scaled sums of the activations are known, so it is one `fma` per 16 units, in a
//! vector of its own (a center, `bias = scale * center`, waits for the row's end). For the first,
//! scales of weights and activations are multiplied as vectors of units, each register of codes
//! costs a dot product, and each chain of registers a conversion, a permute that spreads its
//! units' scales over the lanes, and an `fma`. Lanes stay partial sums until the row ends.
//! Two accumulators a column hide the latency of the `fma`.
//!
//! On 64-byte registers the loop of one or two columns takes two spans without a branch between
//! them, that of one column of dense weights four short ones on all (`TOGETHER`). While a load waits
//! for memory a core looks some hundred instructions ahead for the next one, and what a loop needs
//! besides its work takes a share of them: F16 is read 5 to 10 % faster for it, and 256 weights of
//! Q4_0 in L2 take 17.0 cycles instead of 18.6. The other bound is the number of vector steps, above
//! all those that shuffle and shift: a field of a byte is one step (`Isa::fields`), and what can be
//! stored twice is not permuted.
//!
//! Weights are one stream of reads, which hardware follows by itself up to the end of a page. What
//! it needs is the start of the next one (`ahead`): measured on Zen 4, asking for eight lines of
//! each page reads 4 to 9 % more than asking for none, and asking for all of them 2 to 17 % less.
//! Below four bits asking for all, to L1, is 4 to 18 % faster; dense weights are read 8 to 10 %
//! faster by one thread without being asked for, and as fast by two (`Params::untuned`). Several
//! streams are another matter: asking for every line saves up to a third of the time.
//!
//! Activations are to stay in L1 besides that stream. Those of class `bf16` meet weights of bfloat16
//! as pairs (`rows_bf16`): half the place, and for one thread a sixth less time, more on a busy
//! machine. Where they outgrow half of L1, rows share them.
//!
//! A row's last span may be cut short by the end of the row. It is read into the next row, whose
//! scales count as zero; copying its blocks aside costs several times as much, because loads wait
//! for stores that they overlap in part. Only after the last row zeros are put, so nothing past the
//! end of the weights is ever read; prefetches may point there.
//!
//! `NR` columns share the decoded codes. `MR` rows are decoded side by side, which spreads the
//! reads over as many streams. More columns than a kernel has are passes over the same rows, some rows
//! at a time, which stay in L2; the second pass asks for the rows that come next. Dense weights need
//! so little decoding that this is faster than unpacking up to 16 columns (Emerald Rapids): 3 x 4
//! products of F16 are 12 `fma` and 3 conversions a register, 24 sums in registers, and no spills.

mod ahead;
mod f32;
mod q8;

pub use f32::{rows_bf16, rows_f32};
pub use q8::rows_q8;

pub(crate) use ahead::prefetch_all;

use crate::activations::Activations;
use crate::format::Format;
use zerocopy::FromBytes;

/// What a `gemv` kernel multiplies: whole rows of weights with `NR` rows of activations.
#[derive(Clone, Copy, Debug)]
pub struct Args<'a> {
    /// `rows` rows of blocks, one after the other.
    pub weights: &'a [u8],
    /// Rows of weights.
    pub rows: usize,
    /// All activations, in the kernel's class.
    pub x: &'a Activations,
    /// Their quants, in the kernel's order.
    pub quants: &'a [i8],
    /// The first row of activations to use.
    pub column: usize,
    /// Bytes to prefetch ahead of use; 0 does not prefetch.
    pub prefetch: usize,
    /// Cache lines to prefetch where a page starts; as many as a page has, or more, are every line.
    pub lines: usize,
    /// 1: every line to L1. 2: to L2.
    pub level: usize,
}

impl Args<'_> {
    #[inline(always)]
    fn row_bytes(&self) -> usize {
        self.weights.len() / self.rows.max(1)
    }
}

/// The spans of a row, and the blocks that are left over.
#[inline(always)]
pub(crate) fn spans<F: Format>(row: &[u8]) -> (&[F::Span], &[u8]) {
    let whole = row.len() / size_of::<F::Span>();
    <[F::Span]>::ref_from_prefix_with_elems(row, whole).expect("spans are whole by construction")
}

#[inline(always)]
fn put<const MR: usize, const NR: usize>(
    sums: &[[f32; NR]; MR],
    first: usize,
    rows: usize,
    out: &mut [f32],
) {
    for (r, sums) in sums.iter().enumerate() {
        for (c, sum) in sums.iter().enumerate() {
            out[c * rows + first + r] = *sum;
        }
    }
}
