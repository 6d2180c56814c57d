//! Class `f32`: weights as floats times activations as they are.

use super::ahead::Ahead;
use super::{Args, put, spans};
use crate::format::Format;
use crate::isa::{Isa, array};
use zerocopy::{FromZeros, IntoBytes};

/// Products of all rows with `NR` columns in class `f32`: `out[c * rows + r]`.
#[inline(always)]
pub fn rows_f32<I: Isa, F: Format, const MR: usize, const NR: usize>(
    isa: I,
    args: &Args<'_>,
    out: &mut [f32],
) {
    let x: [&[f32]; NR] = array(
        #[inline(always)]
        |c| args.x.floats(args.column + c),
    );
    let whole = args.rows - args.rows % MR;
    for first in (0..whole).step_by(MR) {
        let sums = tile_f32::<I, F, MR, NR>(isa, args, first, &x);
        put(&sums, first, args.rows, out);
    }
    for first in whole..args.rows {
        let sums = tile_f32::<I, F, 1, NR>(isa, args, first, &x);
        put(&sums, first, args.rows, out);
    }
}

/// `MR` rows of weights from `first` times `NR` columns.
#[inline(always)]
fn tile_f32<I: Isa, F: Format, const MR: usize, const NR: usize>(
    isa: I,
    args: &Args<'_>,
    first: usize,
    x: &[&[f32]; NR],
) -> [[f32; NR]; MR] {
    let (bytes, ahead) = (args.row_bytes(), Ahead::<MR>::of::<NR>(args));
    let rows: [(&[F::Span], &[u8]); MR] = array(
        #[inline(always)]
        |r| spans::<F>(&args.weights[(first + r) * bytes..(first + r + 1) * bytes]),
    );
    let mut sums = [[[isa.splat(0.0); WAYS]; NR]; MR];
    let whole = rows[0].0.len();
    let mut s = 0;
    if const { NR == 1 && F::SPAN <= SHORT } && ahead.is_silent() {
        while s + TOGETHER <= whole {
            let spans: [&[F::Span; TOGETHER]; MR] = array(
                #[inline(always)]
                |r| rows[r].0[s..s + TOGETHER].first_chunk().expect("as many spans"),
            );
            let x: [&[f32]; NR] = array(
                #[inline(always)]
                |c| &x[c][s * F::SPAN..(s + TOGETHER) * F::SPAN],
            );
            for n in 0..TOGETHER {
                let spans = array(
                    #[inline(always)]
                    |r| &spans[r][n],
                );
                step_f32::<I, F, MR, NR>(isa, &spans, n, &x, &mut sums);
            }
            s += TOGETHER;
        }
    }
    for s in s..whole {
        let spans: [&F::Span; MR] = array(
            #[inline(always)]
            |r| &rows[r].0[s],
        );
        for r in 0..MR {
            ahead.ask(isa, spans[r].as_bytes(), s * size_of::<F::Span>());
        }
        step_f32::<I, F, MR, NR>(isa, &spans, s, x, &mut sums);
    }
    if !rows[0].1.is_empty() {
        let rest = padded_all::<F, MR>(&rows);
        let spans: [&F::Span; MR] = array(
            #[inline(always)]
            |r| &rest[r],
        );
        step_f32::<I, F, MR, NR>(isa, &spans, whole, x, &mut sums);
    }
    array(
        #[inline(always)]
        |r| {
            array(
                #[inline(always)]
                |c| {
                    let [even, odd] = sums[r][c];
                    isa.sum(isa.add(even, odd))
                },
            )
        },
    )
}

/// Weights of a span that is little work.
const SHORT: usize = 64;
/// Such spans that follow each other without a branch. While one load waits for memory, the core
/// looks only some hundred instructions ahead for the next; those of a loop take their share.
const TOGETHER: usize = 4;

/// Accumulators of a row and a column in class `f32`, which hide the latency of the `fma`. As many
/// in every tile: a result depends on no tile.
const WAYS: usize = 2;

/// Adds span number `s` of each row.
#[inline(always)]
fn step_f32<I: Isa, F: Format, const MR: usize, const NR: usize>(
    isa: I,
    spans: &[&F::Span; MR],
    s: usize,
    x: &[&[f32]; NR],
    sums: &mut [[[I::F32; WAYS]; NR]; MR],
) {
    /// Registers of a span of dense weights, which are what has tiles of several rows.
    const MOST: usize = 16;
    let wide = I::LANES / 4;
    // Of known length, so that no load within them is checked: whole registers, as weights are.
    let x: [&[f32]; NR] = array(
        #[inline(always)]
        |c| &x[c][s * F::SPAN..s * F::SPAN + F::SPAN.next_multiple_of(wide)],
    );
    if MR == 1 || NR == 1 || F::SPAN > MOST * wide {
        for r in 0..MR {
            F::floats(
                isa,
                spans[r],
                #[inline(always)]
                |n, w| {
                    for c in 0..NR {
                        let x = isa.load_f32(x[c], n * wide);
                        let sum = &mut sums[r][c][n % WAYS];
                        *sum = isa.fma(w, x, *sum);
                    }
                },
            );
        }
        return;
    }
    // Rows share the activations that are loaded.
    let mut weights = [[isa.splat(0.0); MOST]; MR];
    for r in 0..MR {
        F::floats(
            isa,
            spans[r],
            #[inline(always)]
            |n, w| weights[r][n] = w,
        );
    }
    for n in 0..F::SPAN.div_ceil(wide) {
        for c in 0..NR {
            let x = isa.load_f32(x[c], n * wide);
            for r in 0..MR {
                let sum = &mut sums[r][c][n % WAYS];
                *sum = isa.fma(weights[r][n], x, *sum);
            }
        }
    }
}

/// What is left over of each row, as spans.
#[inline(always)]
fn padded_all<F: Format, const MR: usize>(rows: &[(&[F::Span], &[u8]); MR]) -> [F::Span; MR] {
    array(
        #[inline(always)]
        |r| padded::<F>(rows[r].1),
    )
}

/// Blocks that do not fill a span, as a span that ends in zeros.
#[inline(always)]
fn padded<F: Format>(blocks: &[u8]) -> F::Span {
    let mut span = F::Span::new_zeroed();
    span.as_mut_bytes()[..blocks.len()].copy_from_slice(blocks);
    span
}
