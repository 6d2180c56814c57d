//! Classes `f32` and `bf16`: weights as floats times activations as they are, or rounded.

use super::ahead::Ahead;
use super::{Args, put, spans};
use crate::activations::Activations;
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
    rows::<I, F, Floats, MR, NR>(isa, args, out);
}

/// The same in class `bf16`, of weights that are stored as bfloat16: pairs meet pairs, and all are
/// floats when they are multiplied. Activations take half the place.
#[inline(always)]
pub fn rows_bf16<I: Isa, F: Format, const MR: usize, const NR: usize>(
    isa: I,
    args: &Args<'_>,
    out: &mut [f32],
) {
    rows::<I, F, Pairs, MR, NR>(isa, args, out);
}

/// How weights and activations become registers of floats whose lanes belong together.
trait Terms<F: Format> {
    /// Bytes of an activation.
    const BYTES: usize;

    /// A row of activations.
    fn row(x: &Activations, row: usize) -> &[u8];

    /// Register `n` of a span's activations.
    fn activations<I: Isa>(isa: I, x: &[u8], n: usize) -> I::F32;

    /// Hands the weights of a span to `each`, register by register.
    fn weights<I: Isa>(isa: I, span: &F::Span, each: impl FnMut(usize, I::F32));
}

/// Along K.
struct Floats;

impl<F: Format> Terms<F> for Floats {
    const BYTES: usize = 4;

    #[inline(always)]
    fn row(x: &Activations, row: usize) -> &[u8] {
        x.floats(row).as_bytes()
    }

    #[inline(always)]
    fn activations<I: Isa>(isa: I, x: &[u8], n: usize) -> I::F32 {
        isa.f32s(x, n * I::LANES)
    }

    #[inline(always)]
    fn weights<I: Isa>(isa: I, span: &F::Span, each: impl FnMut(usize, I::F32)) {
        F::floats(isa, span, each);
    }
}

/// The first of each pair, then the second.
struct Pairs;

impl<F: Format> Terms<F> for Pairs {
    const BYTES: usize = 2;

    #[inline(always)]
    fn row(x: &Activations, row: usize) -> &[u8] {
        x.halves(row).as_bytes()
    }

    #[inline(always)]
    fn activations<I: Isa>(isa: I, x: &[u8], n: usize) -> I::F32 {
        isa.of_bf16(isa.f32s(x, n / 2 * I::LANES))[n % 2]
    }

    #[inline(always)]
    fn weights<I: Isa>(isa: I, span: &F::Span, mut each: impl FnMut(usize, I::F32)) {
        F::pairs(
            isa,
            span,
            #[inline(always)]
            |n, pairs| {
                let [first, second] = isa.of_bf16(pairs);
                each(2 * n, first);
                each(2 * n + 1, second);
            },
        );
    }
}

/// Products of all rows with `NR` columns.
#[inline(always)]
fn rows<I: Isa, F: Format, T: Terms<F>, const MR: usize, const NR: usize>(
    isa: I,
    args: &Args<'_>,
    out: &mut [f32],
) {
    let x: [&[u8]; NR] = array(
        #[inline(always)]
        |c| T::row(args.x, args.column + c),
    );
    let whole = args.rows - args.rows % MR;
    for first in (0..whole).step_by(MR) {
        let sums = tile::<I, F, T, MR, NR>(isa, args, first, &x);
        put(&sums, first, args.rows, out);
    }
    for first in whole..args.rows {
        let sums = tile::<I, F, T, 1, NR>(isa, args, first, &x);
        put(&sums, first, args.rows, out);
    }
}

/// `MR` rows of weights from `first` times `NR` columns.
#[inline(always)]
fn tile<I: Isa, F: Format, T: Terms<F>, const MR: usize, const NR: usize>(
    isa: I,
    args: &Args<'_>,
    first: usize,
    x: &[&[u8]; NR],
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
            let x: [&[u8]; NR] = array(
                #[inline(always)]
                |c| &x[c][s * F::SPAN * T::BYTES..(s + TOGETHER) * F::SPAN * T::BYTES],
            );
            for n in 0..TOGETHER {
                let spans = array(
                    #[inline(always)]
                    |r| &spans[r][n],
                );
                step::<I, F, T, MR, NR>(isa, &spans, n, &x, &mut sums);
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
        step::<I, F, T, MR, NR>(isa, &spans, s, x, &mut sums);
    }
    if !rows[0].1.is_empty() {
        let rest = padded_all::<F, MR>(&rows);
        let spans: [&F::Span; MR] = array(
            #[inline(always)]
            |r| &rest[r],
        );
        step::<I, F, T, MR, NR>(isa, &spans, whole, x, &mut sums);
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
fn step<I: Isa, F: Format, T: Terms<F>, const MR: usize, const NR: usize>(
    isa: I,
    spans: &[&F::Span; MR],
    s: usize,
    x: &[&[u8]; NR],
    sums: &mut [[[I::F32; WAYS]; NR]; MR],
) {
    /// Registers of a span of dense weights, which are what has tiles of several rows.
    const MOST: usize = 16;
    let wide = I::LANES / 4;
    // Of known length, so that no load within them is checked: whole registers, as weights are.
    let x: [&[u8]; NR] = array(
        #[inline(always)]
        |c| &x[c][s * F::SPAN * T::BYTES..][..F::SPAN.next_multiple_of(wide) * T::BYTES],
    );
    if MR == 1 || NR == 1 || F::SPAN > MOST * wide {
        for r in 0..MR {
            T::weights(
                isa,
                spans[r],
                #[inline(always)]
                |n, w| {
                    for c in 0..NR {
                        let x = T::activations(isa, x[c], n);
                        let sum = &mut sums[r][c][n % WAYS];
                        *sum = isa.fma(w, x, *sum);
                    }
                },
            );
        }
        return;
    }
    // Rows share the activations that are loaded.
    for n in 0..F::SPAN.div_ceil(wide) {
        // Register `n` of each row; the others are not even loaded.
        let weights: [I::F32; MR] = array(
            #[inline(always)]
            |r| {
                let mut own = isa.splat(0.0);
                T::weights(
                    isa,
                    spans[r],
                    #[inline(always)]
                    |m, w| {
                        if m == n {
                            own = w;
                        }
                    },
                );
                own
            },
        );
        for c in 0..NR {
            let x = T::activations(isa, x[c], n);
            for r in 0..MR {
                let sum = &mut sums[r][c][n % WAYS];
                *sum = isa.fma(weights[r], x, *sum);
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
