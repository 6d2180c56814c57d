//! Hot loop 2: panels of weights times a panel of activations.
//!
//! Prefill multiplies each weight with hundreds of columns, so unpacking is cheap and the dot
//! product instruction is the bound. Lanes run along the rows of a panel; `MR` panels lie side by
//! side. For each unit of 16 or 32 weights, 4 or 8 steps of four:
//!
//! ```text
//! per step:             the codes of MR panels; for each of NR columns its four quants in all
//!                       lanes, and MR dot products
//! per unit and column:  MR times two fmas (with a bias: three)
//! ```
//!
//! No sum over lanes is ever needed. Group scales are exact. Three things make it fast:
//!
//! - *Steps outside, columns inside.* The dot products of a column are a chain, each waiting four
//!   or five cycles for the last; `MR * NR` chains side by side keep two pipes busy.
//! - *Sums that are floats.* The integer sums start at the bits of [`ROUND`] = 1.5 * 2^23. Within
//!   2^22 of it neighbouring integers are neighbouring floats, so the bits of `ROUND + sum` are
//!   the float `ROUND + sum`, and no conversion is needed: the first `fma` gives
//!   `(ROUND + sum) * scale - ROUND * scale`, which is `sum * scale` rounded once, because
//!   activation scales have so few bits that the subtrahend is exact.
//! - *Starts that know the offset.* Where a format's bias is a constant times its scale, sums
//!   start at `ROUND + center * sum(quants)`, and the bias costs nothing; otherwise it is one
//!   more `fma` with the scaled sum.
//!
//! Port budget of a unit of 32, a column and a panel on a core with two vector pipes: 8 + 2, so
//! 80 % of the dot product peak is the ceiling (with a bias: 73 %). Loads are at most one per dot
//! product; two panels share the columns' and halve them.
//!
//! Two units of 16 have one activation scale. Their sums become floats by subtracting [`ROUND`],
//! are multiplied with their own scales, and enter together: 8 + 3 instead of 8 + 4 where another
//! pipe adds (AMD's cores: 73 %, with biases 62 %; elsewhere a subtraction more than it saves).
//! Integer products of sums are no way around the floats': they take the same two pipes.
//!
//! In class `q8_256` the activation scale waits for 256 weights. A unit costs a conversion and one
//! `fma`; on cores that convert beside the two pipes (Zen 4) the ceilings are 88 % (with a bias:
//! 79 %; units of 16: 79 and 66 %). [`ROUND`] is of no use there: without the scale's short
//! mantissa its product is not exact.
//!
//! Tiles wait for no memory, unpacking does: with few columns the next weights are asked for while
//! tiles multiply, and while the present ones, asked for earlier, are unpacked ([`Wanted`]).
//!
//! A tile adds to what `out` holds, so K may come in slices.
//!
//! Without VNNI (`Isa::SATURATES`) a dot product is `vpmaddubsw`, whose sums of two products are
//! 16-bit words, and `vpmaddwd` that widens them. Words are added as long as they cannot overflow
//! ([`together`]): eight steps of 4-bit codes, four of 5 bits, two of 6. The words of all columns
//! and panels are the chains that take turns then, and the floats' accumulators wait in memory,
//! which costs a load and a store per unit. The peak of `vpmaddubsw` is two loads of quants per
//! cycle as well, so it can only be reached by panels that share them. Codes of 8 bits
//! ([`counts_signed`]) leave no room for a second product in a word: each step widens, and twice
//! the multiplications make half the peak the ceiling.

pub mod tiles;

use crate::activations::{GROUP, ROUND, WIDE_GROUP};
use crate::format::{counts_signed, together};
use crate::isa::{Isa, array};
use crate::lines::LINE;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Cache lines that will be read by the next job, so that memory is busy during this one.
///
/// Unpacking reads memory, tiles do not, so tiles ask for the next weights at an even pace while they
/// multiply. On Zen 4 Q8_0 times five columns takes 65 instead of 92 cycles for 256 weights by that,
/// Q4_0 48 instead of 56. With few columns unpacking takes as long as multiplying, and asks for half of
/// them: Q8_0 times five takes 1.87 instead of 1.96 ms on Emerald Rapids (4096 x 4096).
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Where they start.
    pub from: *const u8,
    /// How many to ask for with each step: a unit of class `q8`, or [`STEP`] pairs of `bf16`.
    pub lines: usize,
}

impl Wanted {
    /// Nothing.
    pub const NOTHING: Self = Self { from: std::ptr::null(), lines: 0 };

    #[inline(always)]
    pub(crate) fn ask<I: Isa>(self, isa: I, step: usize) {
        for line in step * self.lines..(step + 1) * self.lines {
            isa.prefetch(self.from.wrapping_add(line * LINE));
        }
    }
}

/// Pairs of `bf16` between two times at which the next weights are asked for.
pub const STEP: usize = 16;

/// What a class `q8` tile multiplies: `MR` panels of weights, `NR` columns.
pub struct TileQ8<'a> {
    /// Registers of each panel.
    pub panels: &'a [&'a [u8]],
    /// Units along K.
    pub units: usize,
    /// Quants: `[unit][column][weights of a unit]`.
    pub quants: &'a [i8],
    /// What makes products of sums: `[unit][column]`.
    pub factors: &'a [Factors],
    /// What to ask for meanwhile.
    pub wanted: Wanted,
    /// Sums that products are added to: `[column][row of the panels]`.
    pub out: &'a mut [f32],
}

/// Of a unit of a column: what makes its share of the product from an integer sum.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Factors {
    /// Where the sum starts: the bits of `ROUND + center * sum(quants)`.
    pub start: i32,
    /// The activation scale.
    pub scale: f32,
    /// `-ROUND * scale`.
    pub offset: f32,
    /// `scale * sum(quants)`, for panels with biases.
    pub part: f32,
}

impl Factors {
    /// Of quants with a scale and a sum.
    #[must_use]
    pub fn new(center: Option<i32>, scale: f32, sum: i32, part: f32) -> Self {
        let start = ROUND.to_bits().cast_signed() + center.unwrap_or(0) * sum;
        Self { start, scale, offset: -ROUND * scale, part }
    }

    /// For class `q8_256`: sums start as integers, and parts wait for their scale.
    #[must_use]
    pub fn wide(center: Option<i32>, scale: f32, sum: i32) -> Self {
        Self { start: center.unwrap_or(0) * sum, scale, offset: 0.0, part: sum as f32 }
    }
}

/// The bound on codes that a loop is compiled for: few classes where dot products saturate, one
/// where they do not.
#[must_use]
pub const fn code_class<I: Isa>(code_max: u32) -> u32 {
    match (I::SATURATES, code_max) {
        (true, 0..=15) => 15,
        (true, 16..=31) => 31,
        (true, 32..=63) => 63,
        (true, 64..=127) => 127,
        _ => 255,
    }
}

/// One unit of a tile.
struct Unit<'a, const MR: usize, const NR: usize> {
    panels: [&'a [u8]; MR],
    quants: &'a [i8],
    factors: &'a [Factors; NR],
}

/// Unit `u` of a tile, `registers` of each panel.
#[inline(always)]
fn unit_at<'a, I: Isa, const MR: usize, const STEPS: usize, const NR: usize>(
    isa: I,
    tile: &TileQ8<'a>,
    u: usize,
    registers: usize,
) -> Unit<'a, MR, NR> {
    let panels: &[&[u8]; MR] = tile.panels.first_chunk().expect("MR panels");
    let (size, columns) = (registers * I::LANES, NR * 4 * STEPS);
    tile.wanted.ask(isa, u);
    Unit {
        panels: array(
            #[inline(always)]
            |r| &panels[r][u * size..(u + 1) * size],
        ),
        quants: &tile.quants[u * columns..(u + 1) * columns],
        factors: tile.factors[u * NR..(u + 1) * NR].first_chunk().expect("NR factors"),
    }
}

/// Panels times columns in class `q8`. `STEPS` registers of codes make a unit of a panel.
#[inline(always)]
pub fn tile_q8<
    I: Isa,
    const MR: usize,
    const STEPS: usize,
    const CENTERED: bool,
    const CODE_MAX: u32,
    const NR: usize,
>(
    isa: I,
    tile: &mut TileQ8<'_>,
) {
    let acc = match const { 4 * STEPS < GROUP } {
        true => halves_q8::<I, MR, STEPS, CENTERED, CODE_MAX, NR>(isa, tile),
        false => groups_q8::<I, MR, STEPS, CENTERED, CODE_MAX, NR>(isa, tile),
    };
    put(isa, &acc, tile.out);
}

/// Products where each unit has an activation scale of its own.
#[inline(always)]
fn groups_q8<
    I: Isa,
    const MR: usize,
    const STEPS: usize,
    const CENTERED: bool,
    const CODE_MAX: u32,
    const NR: usize,
>(
    isa: I,
    tile: &TileQ8<'_>,
) -> [[I::F32; NR]; MR] {
    let registers = STEPS + if CENTERED { 1 } else { 2 };
    let mut acc = taken::<I, MR, NR>(isa, tile.out);
    for u in 0..tile.units {
        let unit = unit_at::<I, MR, STEPS, NR>(isa, tile, u, registers);
        let sums = dots::<I, MR, STEPS, CENTERED, CODE_MAX, NR>(isa, &unit);
        for r in 0..MR {
            let scale = isa.f32s(unit.panels[r], STEPS * I::LANES);
            for c in 0..NR {
                let Factors { scale: by, offset, .. } = unit.factors[c];
                let sum = isa.fma(isa.as_f32(sums[r][c]), isa.splat(by), isa.splat(offset));
                acc[r][c] = isa.fma(sum, scale, acc[r][c]);
            }
            if !CENTERED {
                let bias = isa.f32s(unit.panels[r], (STEPS + 1) * I::LANES);
                for c in 0..NR {
                    acc[r][c] = isa.fma(bias, isa.splat(unit.factors[c].part), acc[r][c]);
                }
            }
        }
    }
    acc
}

/// Products where two units have the same activation scale, which enters once for both.
#[inline(always)]
fn halves_q8<
    I: Isa,
    const MR: usize,
    const STEPS: usize,
    const CENTERED: bool,
    const CODE_MAX: u32,
    const NR: usize,
>(
    isa: I,
    tile: &TileQ8<'_>,
) -> [[I::F32; NR]; MR] {
    let registers = STEPS + if CENTERED { 1 } else { 2 };
    let mut acc = taken::<I, MR, NR>(isa, tile.out);
    for u in (0..tile.units).step_by(2) {
        let first = unit_at::<I, MR, STEPS, NR>(isa, tile, u, registers);
        let second = unit_at::<I, MR, STEPS, NR>(isa, tile, u + 1, registers);
        let sums_first = dots::<I, MR, STEPS, CENTERED, CODE_MAX, NR>(isa, &first);
        let sums_second = dots::<I, MR, STEPS, CENTERED, CODE_MAX, NR>(isa, &second);
        for r in 0..MR {
            let scale_first = isa.f32s(first.panels[r], STEPS * I::LANES);
            let scale_second = isa.f32s(second.panels[r], STEPS * I::LANES);
            for c in 0..NR {
                let sum_first = isa.add(isa.as_f32(sums_first[r][c]), isa.splat(-ROUND));
                let sum_second = isa.add(isa.as_f32(sums_second[r][c]), isa.splat(-ROUND));
                let share = isa.fma(sum_second, scale_second, isa.mul(sum_first, scale_first));
                acc[r][c] = isa.fma(share, isa.splat(first.factors[c].scale), acc[r][c]);
            }
            if !CENTERED {
                let bias_first = isa.f32s(first.panels[r], (STEPS + 1) * I::LANES);
                let bias_second = isa.f32s(second.panels[r], (STEPS + 1) * I::LANES);
                for c in 0..NR {
                    acc[r][c] = isa.fma(bias_first, isa.splat(first.factors[c].part), acc[r][c]);
                    acc[r][c] = isa.fma(bias_second, isa.splat(second.factors[c].part), acc[r][c]);
                }
            }
        }
    }
    acc
}

/// Panels times columns in class `q8_256`, where the units of 256 weights share their activation
/// scale: it enters once for all of them, and a unit costs one `fma` besides its dot products.
#[inline(always)]
pub fn tile_q8_256<
    I: Isa,
    const MR: usize,
    const STEPS: usize,
    const CENTERED: bool,
    const CODE_MAX: u32,
    const NR: usize,
>(
    isa: I,
    tile: &mut TileQ8<'_>,
) {
    let registers = STEPS + if CENTERED { 1 } else { 2 };
    let mut acc = taken::<I, MR, NR>(isa, tile.out);
    let mut u = 0;
    while u < tile.units {
        let mut share = [[isa.splat(0.0); NR]; MR];
        let next = tile.units.min(u + WIDE_GROUP / (4 * STEPS));
        for u in u..next {
            let unit = unit_at::<I, MR, STEPS, NR>(isa, tile, u, registers);
            let sums = dots::<I, MR, STEPS, CENTERED, CODE_MAX, NR>(isa, &unit);
            for r in 0..MR {
                let scale = isa.f32s(unit.panels[r], STEPS * I::LANES);
                for c in 0..NR {
                    share[r][c] = isa.fma(isa.to_f32(sums[r][c]), scale, share[r][c]);
                }
                if !CENTERED {
                    let bias = isa.f32s(unit.panels[r], (STEPS + 1) * I::LANES);
                    for c in 0..NR {
                        share[r][c] = isa.fma(bias, isa.splat(unit.factors[c].part), share[r][c]);
                    }
                }
            }
        }
        let factors: &[Factors; NR] =
            tile.factors[u * NR..(u + 1) * NR].first_chunk().expect("NR factors");
        for c in 0..NR {
            for r in 0..MR {
                acc[r][c] = isa.fma(share[r][c], isa.splat(factors[c].scale), acc[r][c]);
            }
        }
        u = next;
    }
    put(isa, &acc, tile.out);
}

/// Integer sums of a unit.
#[inline(always)]
fn dots<
    I: Isa,
    const MR: usize,
    const STEPS: usize,
    const CENTERED: bool,
    const CODE_MAX: u32,
    const NR: usize,
>(
    isa: I,
    unit: &Unit<'_, MR, NR>,
) -> [[I::I32; NR]; MR] {
    let Unit { panels, quants, factors } = unit;
    let starts: [I::I32; NR] = array(
        #[inline(always)]
        |c| isa.splat_i32(factors[c].start),
    );
    let mut sums = [starts; MR];
    let signed = const { CENTERED && counts_signed::<I>(CODE_MAX) };
    if const { I::SATURATES && together(CODE_MAX) > 0 } {
        let together = const { together(CODE_MAX) };
        for first in (0..STEPS).step_by(together) {
            let mut pairs = [[isa.splat_u8(0); NR]; MR];
            for step in first..STEPS.min(first + together) {
                let codes: [I::Bytes; MR] = array(
                    #[inline(always)]
                    |r| isa.load(panels[r], step * I::LANES),
                );
                for c in 0..NR {
                    let quad = isa.quad(quants, 4 * (c * STEPS + step));
                    for r in 0..MR {
                        let more = isa.pairs(codes[r], quad);
                        pairs[r][c] = isa.pairs_in_turn(isa.add_pairs(pairs[r][c], more));
                    }
                }
            }
            for c in 0..NR {
                for r in 0..MR {
                    sums[r][c] = isa.sum_pairs(sums[r][c], pairs[r][c]);
                }
            }
        }
    } else {
        for step in 0..STEPS {
            let codes: [I::Bytes; MR] = array(
                #[inline(always)]
                |r| isa.load(panels[r], step * I::LANES),
            );
            for c in 0..NR {
                let quad = isa.quad(quants, 4 * (c * STEPS + step));
                for r in 0..MR {
                    let sum = match signed {
                        true => isa.dot_signed(sums[r][c], codes[r], quad),
                        false => isa.dot(sums[r][c], codes[r], quad, CODE_MAX),
                    };
                    sums[r][c] = isa.in_turn(sum);
                }
            }
        }
    }
    sums
}

/// Loads `[column][row of the panels]`.
#[inline(always)]
fn taken<I: Isa, const MR: usize, const NR: usize>(isa: I, out: &[f32]) -> [[I::F32; NR]; MR] {
    array(
        #[inline(always)]
        |r| {
            array(
                #[inline(always)]
                |c| isa.load_f32(out, (c * MR + r) * (I::LANES / 4)),
            )
        },
    )
}

/// Stores `[column][row of the panels]`.
#[inline(always)]
fn put<I: Isa, const MR: usize, const NR: usize>(
    isa: I,
    acc: &[[I::F32; NR]; MR],
    out: &mut [f32],
) {
    for c in 0..NR {
        for r in 0..MR {
            isa.store_f32(acc[r][c], out, (c * MR + r) * (I::LANES / 4));
        }
    }
}

/// What a class `bf16` tile multiplies: `MR` panels of weights, `NR` columns.
pub struct TileBf16<'a> {
    /// Registers of each panel, one per pair of weights of K.
    pub panels: &'a [&'a [u8]],
    /// Pairs of activations: `[pair of k][column]`, four bytes each.
    pub pairs: &'a [i8],
    /// What to ask for meanwhile.
    pub wanted: Wanted,
    /// Sums that products are added to: `[column][row of the panels]`.
    pub out: &'a mut [f32],
}

/// Panels of bfloat16 times columns of bfloat16.
#[inline(always)]
pub fn tile_bf16<I: Isa, const MR: usize, const NR: usize>(isa: I, tile: &mut TileBf16<'_>) {
    let panels: &[&[u8]; MR] = tile.panels.first_chunk().expect("MR panels");
    let mut acc = taken::<I, MR, NR>(isa, tile.out);
    for k in 0..tile.pairs.len() / (4 * NR) {
        if k % STEP == 0 {
            tile.wanted.ask(isa, k / STEP);
        }
        let pairs = &tile.pairs[k * 4 * NR..(k + 1) * 4 * NR];
        let w: [I::Bytes; MR] = array(
            #[inline(always)]
            |r| isa.load(panels[r], k * I::LANES),
        );
        for c in 0..NR {
            let x = isa.quad(pairs, 4 * c);
            for r in 0..MR {
                acc[r][c] = isa.dot_bf16(acc[r][c], w[r], x);
            }
        }
    }
    put(isa, &acc, tile.out);
}

/// What a class `f32` tile multiplies: `MR` panels of weights, `NR` columns.
pub struct TileF32<'a> {
    /// Registers of each panel, one per weight of K.
    pub panels: &'a [&'a [u8]],
    /// Activations: `[k][column]`.
    pub x: &'a [f32],
    /// Sums that products are added to: `[column][row of the panels]`.
    pub out: &'a mut [f32],
}

/// Panels times columns in class `f32`.
#[inline(always)]
pub fn tile_f32<I: Isa, const MR: usize, const NR: usize>(isa: I, tile: &mut TileF32<'_>) {
    let panels: &[&[u8]; MR] = tile.panels.first_chunk().expect("MR panels");
    let mut acc = taken::<I, MR, NR>(isa, tile.out);
    for k in 0..tile.x.len() / NR {
        let x = &tile.x[k * NR..(k + 1) * NR];
        let w: [I::F32; MR] = array(
            #[inline(always)]
            |r| isa.f32s(panels[r], k * I::LANES),
        );
        for c in 0..NR {
            let x = isa.splat(x[c]);
            for r in 0..MR {
                acc[r][c] = isa.fma(w[r], x, acc[r][c]);
            }
        }
    }
    put(isa, &acc, tile.out);
}
