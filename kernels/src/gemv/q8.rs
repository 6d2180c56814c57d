//! Class `q8`: codes times quants, summed as integers.

use super::ahead::Ahead;
use super::{Args, put, spans};
use crate::activations::{GROUP, Q8};
use crate::format::{Coded, Format, Link, center, counts_signed, together};
use crate::isa::{Isa, Kept, array};
use zerocopy::{FromBytes, FromZeros, IntoBytes};

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
    let (bytes, ahead) = (args.row_bytes(), Ahead::<MR>::of::<NR>(args));
    let rows: [(&[F::Span], &[u8]); MR] = array(
        #[inline(always)]
        |r| spans::<F>(&args.weights[(first + r) * bytes..(first + r + 1) * bytes]),
    );
    let mut sums: [Sums<I, NR>; MR] = array(
        #[inline(always)]
        |_| Sums { codes: [[isa.splat(0.0); 2]; NR], biases: [isa.g_splat(0.0); NR] },
    );
    let (whole, units, size) = (rows[0].0.len(), F::SPAN / F::UNIT, size_of::<F::Span>());
    let mut s = 0;
    if const { MR == 1 && NR <= 2 && I::LANES == WIDE } {
        let mut own = sums[0];
        while s + TOGETHER <= whole {
            let spans: &[F::Span; TOGETHER] = rows[0].0[s..].first_chunk().expect("as many spans");
            ahead.ask(isa, spans.as_bytes(), s * size);
            let x = array(
                #[inline(always)]
                |c| x[c].part(s * F::SPAN, TOGETHER * F::SPAN),
            );
            for n in 0..TOGETHER {
                step_q8::<I, F, NR>(isa, &spans[n], (n, units), &x, &mut own);
            }
            s += TOGETHER;
        }
        sums[0] = own;
    } else {
        while s < whole {
            for r in 0..MR {
                let span = &rows[r].0[s];
                ahead.ask(isa, span.as_bytes(), s * size);
                // A copy, to be kept in registers where the compiler leaves this a loop.
                let mut own = sums[r];
                step_q8::<I, F, NR>(isa, span, (s, units), x, &mut own);
                sums[r] = own;
            }
            s += 1;
        }
    }
    // What is left: of pairs a single span, and the blocks that do not fill one.
    let mut room = F::Span::new_zeroed();
    while s * size < bytes {
        for r in 0..MR {
            let left = &args.weights[(first + r) * bytes + s * size..];
            let span = cut_short::<F>(left, &mut room);
            let units = units.min(units_of::<F>(bytes - s * size));
            let mut own = sums[r];
            step_q8::<I, F, NR>(isa, span, (s, units), x, &mut own);
            sums[r] = own;
        }
        s += 1;
    }
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
                        Some(center) => isa.fma(
                            isa.splat(center as f32),
                            isa.g_fold(isa.g_first(biases, units)),
                            codes,
                        ),
                        None => isa.add(codes, isa.g_fold(isa.g_first(biases, units))),
                    })
                },
            )
        },
    )
}

/// Spans that follow each other without a branch where there is little else to do: while one load
/// waits for memory, a core looks only some hundred instructions ahead for the next.
const TOGETHER: usize = 2;
/// Lanes of instruction sets with 32 registers of that width, which hold the constants of two spans;
/// with 16 they are loaded again and again, and Q8_0 takes a fifth longer.
const WIDE: usize = 64;

/// Units in so many bytes of blocks.
#[inline(always)]
fn units_of<F: Coded>(bytes: usize) -> usize {
    let info = F::info();
    bytes / info.block_bytes * (info.block_len / F::UNIT)
}

/// The span that begins with the last blocks of a row, and goes on with what follows them in
/// `weights`: the next row, or zeros after the last one.
#[inline(always)]
fn cut_short<'a, F: Format>(weights: &'a [u8], room: &'a mut F::Span) -> &'a F::Span {
    match F::Span::ref_from_prefix(weights) {
        Ok((span, _)) => span,
        Err(_) => {
            room.as_mut_bytes()[..weights.len()].copy_from_slice(weights);
            room
        }
    }
}

/// Adds span number `s` of a row, or the first `units` of it.
#[inline(always)]
fn step_q8<I: Isa, F: Coded, const NR: usize>(
    isa: I,
    span: &F::Span,
    (s, units): (usize, usize),
    x: &[Q8<'_>; NR],
    sums: &mut Sums<I, NR>,
) {
    let scales = isa.g_first(F::scales(isa, span), units);
    let quants: [&[i8]; NR] = array(
        #[inline(always)]
        |c| &x[c].quants[s * F::SPAN..(s + 1) * F::SPAN],
    );
    let mut scaled = [scales; NR];
    for c in 0..NR {
        let (xs, parts) = match F::UNIT {
            GROUP => (x[c].scales, x[c].parts),
            _ => (x[c].half_scales, x[c].half_parts),
        };
        let at = s * F::SPAN / F::UNIT;
        let (xs, parts) = (isa.g_load(xs, at), isa.g_load(parts, at));
        let of_parts = match const { center::<I, F>() } {
            Some(_) => scales,
            None => isa.g_first(F::biases(isa, span), units),
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
