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
//! Registers whose lanes belong to the same units are summed as integers first ([`Coded::links`]);
//! weights and quants take an order in which there are many such registers. The second term needs
//! no codes: scaled sums of the activations are known, so it is one `fma` per 16 units, in a
//! vector of its own (a center, `bias = scale * center`, waits for the row's end). For the first,
//! scales of weights and activations are multiplied as vectors of units, each register of codes
//! costs a dot product, and each chain of registers a conversion, a permute that spreads its
//! units' scales over the lanes, and an `fma`. Lanes stay partial sums until the row ends. Two accumulators a column hide the latency of the `fma`.
//!
//! Weights are one stream of reads, which hardware follows by itself up to the end of a page. What
//! it needs is the start of the next one (`ahead`): measured on Zen 4, asking for eight lines of
//! each page reads 4 to 9 % more than asking for none, and asking for all of them 2 to 17 % less;
//! below four bits asking for all, to L1, is 4 to 18 % faster (`Params::untuned`).
//!
//! A row's last span may be cut short by the end of the row: its blocks are copied to a span of
//! zeros. Nothing past the end of the weights is ever read; prefetches may point there.
//!
//! `NR` columns share the decoded codes. `MR` rows are decoded side by side, which spreads the
//! reads over as many streams.

use crate::activations::{Activations, Q8};
use crate::format::{Coded, Format, Link, center, counts_signed, together};
use crate::isa::{Isa, Kept, array};
use zerocopy::{FromBytes, FromZeros, IntoBytes};

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

/// Products of all rows with `NR` columns in class `q8`: `out[c * rows + r]`.
#[inline(always)]
pub fn rows_q8<I: Isa, F: Coded, const MR: usize, const NR: usize>(
    isa: I,
    args: &Args<'_>,
    out: &mut [f32],
) {
    let x: [Q8; NR] = array(
        #[inline(always)]
        |c| Q8 {
            quants: args.x.row_of(args.quants, args.column + c),
            ..args.x.q8(args.column + c)
        },
    );
    let whole = args.rows - args.rows % MR;
    for first in (0..whole).step_by(MR) {
        let sums = tile_q8::<I, F, MR, NR>(isa, args, first, &x);
        put(&sums, first, args.rows, out);
    }
    for first in whole..args.rows {
        let sums = tile_q8::<I, F, 1, NR>(isa, args, first, &x);
        put(&sums, first, args.rows, out);
    }
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

/// The spans of a row, and the blocks that are left over.
#[inline(always)]
pub(crate) fn spans<F: Format>(row: &[u8]) -> (&[F::Span], &[u8]) {
    let whole = row.len() / size_of::<F::Span>();
    <[F::Span]>::ref_from_prefix_with_elems(row, whole).expect("spans are whole by construction")
}

/// Blocks that do not fill a span, as a span that ends in zeros.
#[inline(always)]
fn padded<F: Format>(blocks: &[u8]) -> F::Span {
    let mut span = F::Span::new_zeroed();
    span.as_mut_bytes()[..blocks.len()].copy_from_slice(blocks);
    span
}

/// What is left over of each row, as spans.
#[inline(always)]
fn padded_all<F: Format, const MR: usize>(rows: &[(&[F::Span], &[u8]); MR]) -> [F::Span; MR] {
    array(
        #[inline(always)]
        |r| padded::<F>(rows[r].1),
    )
}

/// Running sums of one row of weights with `NR` columns.
#[derive(Clone, Copy)]
struct Sums<I: Isa, const NR: usize> {
    /// Products with codes, lanes along K.
    codes: [[I::F32; 2]; NR],
    /// Products with biases, lanes along units; where the bias is a center, with scales.
    biases: [I::Groups; NR],
}

/// `MR` rows of weights from `first` times `NR` columns.
#[inline(always)]
fn tile_q8<I: Isa, F: Coded, const MR: usize, const NR: usize>(
    isa: I,
    args: &Args<'_>,
    first: usize,
    x: &[Q8<'_>; NR],
) -> [[f32; NR]; MR] {
    let bytes = args.row_bytes();
    let rows: [(&[F::Span], &[u8]); MR] = array(
        #[inline(always)]
        |r| spans::<F>(&args.weights[(first + r) * bytes..(first + r + 1) * bytes]),
    );
    let mut sums: [Sums<I, NR>; MR] = array(
        #[inline(always)]
        |_| Sums { codes: [[isa.splat(0.0); 2]; NR], biases: [isa.g_splat(0.0); NR] },
    );
    let padded_rows;
    let rest: &[F::Span] = match rows[0].1 {
        [] => &[],
        _ => {
            padded_rows = padded_all::<F, MR>(&rows);
            &padded_rows
        }
    };
    let whole: [&[F::Span]; MR] = array(
        #[inline(always)]
        |r| rows[r].0,
    );
    let last: [&[F::Span]; MR] = array(
        #[inline(always)]
        |r| rest.get(r..=r).unwrap_or_default(),
    );
    let mut s = 0;
    for part in [whole, last] {
        for n in 0..part[0].len() {
            for r in 0..MR {
                let span = &part[r][n];
                ahead::<I, F::Span, MR, NR>(isa, span, s * size_of::<F::Span>(), args);
                // A copy, to be kept in registers where the compiler leaves this a loop.
                let mut own = sums[r];
                step_q8::<I, F, NR>(isa, span, s, x, &mut own);
                sums[r] = own;
            }
            s += 1;
        }
    }
    let units = F::SPAN / F::UNIT;
    array(
        #[inline(always)]
        |r| {
            array(
                #[inline(always)]
                |c| {
                    let Sums { codes, biases } = sums[r];
                    let (codes, biases) = (isa.add(codes[c][0], codes[c][1]), biases[c]);
                    isa.sum(match const { center::<I, F>() } {
                        Some(0) => codes,
                        Some(center) => {
                            isa.fma(isa.splat(center as f32), isa.g_fold(biases, units), codes)
                        }
                        None => isa.add(codes, isa.g_fold(biases, units)),
                    })
                },
            )
        },
    )
}

/// Bytes that are surely one piece of physical memory; hardware prefetchers stop at their end.
const PAGE: usize = 4096;
/// Bytes of a cache line.
const LINE: usize = 64;
/// With so many columns, the streams of activations are more than hardware prefetchers follow
/// besides that of the weights: then each line of these is asked for.
const MANY: usize = 4;

/// Prefetches ahead of `span`, which lies at byte `at` of its row: along the row, then along the
/// rows after the `MR` that are read side by side.
#[inline(always)]
fn ahead<I: Isa, S, const MR: usize, const NR: usize>(
    isa: I,
    span: &S,
    at: usize,
    args: &Args<'_>,
) {
    if args.prefetch == 0 {
        return;
    }
    let (size, bytes) = (size_of::<S>(), args.row_bytes());
    let beyond = if MR > 1 && at + args.prefetch >= bytes { (MR - 1) * bytes } else { 0 };
    let from = std::ptr::from_ref(span).cast::<u8>().wrapping_add(args.prefetch + beyond);
    if args.level < 2 {
        each_line(
            from,
            size,
            #[inline(always)]
            |line| isa.prefetch_near(line),
        );
        return;
    }
    if NR >= MANY || args.lines >= PAGE / LINE {
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

/// Adds span number `s` of a row.
#[inline(always)]
fn step_q8<I: Isa, F: Coded, const NR: usize>(
    isa: I,
    span: &F::Span,
    s: usize,
    x: &[Q8<'_>; NR],
    sums: &mut Sums<I, NR>,
) {
    let scales = F::scales(isa, span);
    let quants: [&[i8]; NR] = array(
        #[inline(always)]
        |c| &x[c].quants[s * F::SPAN..(s + 1) * F::SPAN],
    );
    let mut scaled = [scales; NR];
    for c in 0..NR {
        let (xs, parts) = if F::UNIT == 32 {
            (isa.g_load(x[c].scales, s * F::SPAN / 32), isa.g_load(x[c].parts, s * F::SPAN / 32))
        } else {
            let parts = isa.g_load(x[c].half_parts, s * F::SPAN / 16);
            (isa.g_load_pairs(x[c].scales, s * F::SPAN / 32), parts)
        };
        let of_parts = match const { center::<I, F>() } {
            Some(_) => scales,
            None => F::biases(isa, span),
        };
        let few = F::SPAN / F::UNIT <= 8;
        scaled[c] = if few { isa.g_mul_few(scales, xs) } else { isa.g_mul(scales, xs) };
        sums.biases[c] = match const { center::<I, F>() } {
            Some(0) => sums.biases[c],
            _ if few => isa.g_fma_few(of_parts, parts, sums.biases[c]),
            _ => isa.g_fma(of_parts, parts, sums.biases[c]),
        };
    }
    let mut kept = [Kept::ROOM; NR];
    for c in 0..NR {
        isa.g_keep(scaled[c], &mut kept[c]);
    }
    let mut chains = [Chain::<I> { sum: isa.splat_i32(0), pairs: isa.splat_u8(0), held: 0 }; NR];
    F::links(
        isa,
        span,
        #[inline(always)]
        |link, codes| {
            for c in 0..NR {
                let x = isa.load_i8(quants[c], link.n * I::LANES);
                chains[c].add::<F>(isa, link, codes, x);
                if link.ends {
                    let scale = isa.spread(&kept[c], (link.first, link.step), link.per);
                    let sum = &mut sums.codes[c][link.n / 2 % 2];
                    *sum = isa.fma(scale, isa.to_f32(chains[c].sum), *sum);
                }
            }
        },
    );
}

/// The integer sums of a chain of registers.
#[derive(Clone, Copy)]
struct Chain<I: Isa> {
    sum: I::I32,
    /// Where dot products saturate: sums of 16 bits, widened as seldom as codes allow.
    pairs: I::Bytes,
    /// Registers in `pairs`.
    held: usize,
}

impl<I: Isa> Chain<I> {
    #[inline(always)]
    fn add<F: Coded>(&mut self, isa: I, link: Link, codes: I::Bytes, x: I::Bytes) {
        if link.starts {
            self.sum = isa.splat_i32(0);
        }
        if const { F::CENTER.is_some() && counts_signed::<I>(F::CODE_MAX) } {
            self.sum = isa.dot_signed(self.sum, codes, x);
        } else if const { I::SATURATES && together(F::CODE_MAX) > 0 } {
            let more = isa.pairs(codes, x);
            self.pairs = if self.held == 0 { more } else { isa.add_pairs(self.pairs, more) };
            self.held += 1;
            if link.ends || self.held == const { together(F::CODE_MAX) } {
                self.sum = isa.sum_pairs(self.sum, self.pairs);
                self.held = 0;
            }
        } else {
            self.sum = isa.dot(self.sum, codes, x, F::CODE_MAX);
        }
    }
}

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
    let bytes = args.row_bytes();
    let rows: [(&[F::Span], &[u8]); MR] = array(
        #[inline(always)]
        |r| spans::<F>(&args.weights[(first + r) * bytes..(first + r + 1) * bytes]),
    );
    let mut sums = [[[isa.splat(0.0); WAYS]; NR]; MR];
    let whole = rows[0].0.len();
    for s in 0..whole {
        let spans: [&F::Span; MR] = array(
            #[inline(always)]
            |r| &rows[r].0[s],
        );
        for r in 0..MR {
            ahead::<I, F::Span, MR, NR>(isa, spans[r], s * size_of::<F::Span>(), args);
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
    if MR == 1 || NR == 1 || F::SPAN > MOST * wide {
        for r in 0..MR {
            F::floats(
                isa,
                spans[r],
                #[inline(always)]
                |n, w| {
                    for c in 0..NR {
                        let x = isa.load_f32(x[c], s * F::SPAN + n * wide);
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
            let x = isa.load_f32(x[c], s * F::SPAN + n * wide);
            for r in 0..MR {
                let sum = &mut sums[r][c][n % WAYS];
                *sum = isa.fma(weights[r][n], x, *sum);
            }
        }
    }
}
