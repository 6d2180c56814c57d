//! Hot loop 2 on tile registers: bfloat16 weights times bfloat16 activations.
//!
//! Weights of every format come here, rounded to bfloat16, when a batch is large: in classes `q8` and
//! `q8_256`, too, because that is faster than integer dot products, and rounding takes less of the
//! result than quantizing would. A small batch would leave most columns of a tile empty.
//!
//! A step takes 32 of K: two registers of 16 rows of weights, two of 16 columns of activations, and
//! four products of them. Each product is 16 x 16 x 32 multiply-adds in 16 cycles, 32 times what
//! `vdpbf16ps` does meanwhile on these cores. Rows of weights stay rows: nothing is transposed on the
//! way in, and of what comes out one number in K is.
//!
//! Weights of bfloat16 that pass once, for few columns, are read where they lie in the file, 32 rows
//! side by side: a copy would take as long as the memory. For many columns they are packed, because
//! hardware runs ahead of a few streams but not of 32.
//!
//! Budget of a step: four products are 64 cycles, four loads of 16 cache lines 32 cycles of both
//! load ports, beside them. Both streams come from L2, 64 bytes a cycle, of which it gives 47; so much
//! that all tiles of a call take the same columns, and slices of K are chosen so that weights and
//! columns fit L2 (K = 14336 whole: half the speed). Activations that stay in L1 for a few steps of
//! several tiles would halve that stream, but sums would wait in memory: storing and loading them takes
//! 800 cycles, as long as 12 steps. Measured on a guest on Emerald Rapids, K = 4096: 820 GMAC/s is what
//! these loads and products alone take, 28 % less than with activations in L1; 700 with all of this
//! loop, 610 when sums waited after every 16 steps. For minutes at a time, or milliseconds, the same
//! loops run at a third of that there, wherever lines come from: products without loads do not, nor do
//! loads into vector registers. Likely it is the core's other thread; nothing here can change it.
//!
//! Unpacking takes 66 (F16) to 90 cycles (Q6_K) for 256 weights there, little of it decoding: it
//! writes eight cache lines that lie in L2.
//!
//! Sums of activations scaled in groups have no place here: while tile registers are in use Intel's
//! cores close one of the two pipes that scale, convert and multiply vectors (measured on Emerald
//! Rapids: 512-bit `vfmadd`, `vcvtdq2ps` and `vpdpbusd` run at one a cycle for about 100 cycles after
//! any instruction on tiles), and what a unit of 32 weights needs besides its dot products then takes
//! longer than these.

use super::Wanted;
use crate::isa::{Isa, Square, Tiles, tiles};
use crate::threads::Columns;
use zerocopy::IntoBytes;

/// Rows of weights of a tile.
pub const ROWS: usize = 32;
/// Columns of activations of a tile.
pub const COLUMNS: usize = 32;
/// Weights of a row that a step takes.
pub const DEPTH: usize = 32;
/// Multiply-adds of a step.
pub const MACS: usize = ROWS * COLUMNS * DEPTH;

/// How rows of bfloat16 lie in a panel of 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Bytes from a row to the next.
    pub row: usize,
    /// Bytes from the weights of a step to those of the next.
    pub step: usize,
}

impl Layout {
    /// The weights of a step one row after the other, then those of the next: one stream of reads.
    pub const PACKED: Self = Self { row: 2 * DEPTH, step: tiles::ROWS };

    /// As in a file of bfloat16: one row after the other.
    #[must_use]
    pub const fn of_rows(bytes: usize) -> Self {
        Self { row: bytes, step: 2 * DEPTH }
    }
}

/// Activations, to be brought into the order of [`TileRows::pairs`].
pub struct TileColumns<'a> {
    /// The bits of pairs of bfloat16, row by row.
    pub rows: &'a [f32],
    /// Pairs from a row to the next; past the depth they are zero.
    pub stride: usize,
    /// Rows, which become columns; those that are missing become zeros.
    pub count: usize,
    /// Whole steps.
    pub pairs: &'a mut [f32],
}

/// Packs up to 32 columns.
#[inline(always)]
pub(crate) fn pack<I: Isa>(isa: I, columns: &mut TileColumns<'_>) {
    const PAIRS: usize = DEPTH / 2;
    let TileColumns { rows, stride, count, ref mut pairs } = *columns;
    let side = I::LANES / 4;
    let (steps, _) = pairs.as_chunks_mut::<{ PAIRS * COLUMNS }>();
    for (step, to) in steps.iter_mut().enumerate() {
        for (first, k) in squares(side) {
            if first + side <= count {
                let square = isa.columns(rows, first * stride + step * PAIRS + k, stride);
                for n in 0..side {
                    isa.store_f32(square[n], to, (k + n) * COLUMNS + first);
                }
                continue;
            }
            for c in first..first + side {
                for n in k..k + side {
                    let pair = if c < count { rows[c * stride + step * PAIRS + n] } else { 0.0 };
                    to[n * COLUMNS + c] = pair;
                }
            }
        }
    }
}

/// Where squares of a step begin: the first column, and the first pair of K.
#[inline(always)]
fn squares(side: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..COLUMNS).step_by(side).flat_map(move |c| (0..DEPTH / 2).step_by(side).map(move |k| (c, k)))
}

/// How sums begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// With nothing: it is the first of K.
    Zero,
    /// Where the weights of K before these left them.
    Resume,
}

/// Tiles to multiply: panels of weights, two a tile, and up to 32 columns.
pub struct TileRows<'a, 'o> {
    /// 16 rows each.
    pub panels: &'a [&'a [u8]],
    /// How they lie.
    pub layout: Layout,
    /// Activations, step by step, zeros past the depth: `[pair of k][column]`, four bytes each.
    pub pairs: &'a [i8],
    /// What to ask for meanwhile, in each step of each tile: the next job's weights, and the next
    /// columns.
    pub wanted: [Wanted; 2],
    /// How sums begin.
    pub begin: Begin,
    /// Of each tile.
    pub sums: &'a mut [Square],
    /// Where sums go, if K ends here.
    pub out: Option<Outputs<'a, 'o>>,
}

/// Where products of a block of activations go.
pub struct Outputs<'a, 'o> {
    /// The rows of weights that are multiplied, as columns of the product.
    pub columns: &'a mut Columns<'o>,
    /// First row of the product.
    pub first: usize,
    /// Rows of the product.
    pub count: usize,
}

/// Panels of rows of bfloat16 times up to 32 columns of bfloat16.
#[inline(always)]
pub fn tile_bf16<I: Isa, T: Tiles>(isa: I, mut tiles: T, rows: &mut TileRows<'_, '_>) {
    let TileRows { panels, layout, pairs, wanted, begin, .. } = *rows;
    let (panels, _) = panels.as_chunks::<2>();
    let (pairs, _) = pairs.as_bytes().as_chunks::<{ tiles::PAIRS }>();
    let mut asked = 0;
    for ([first, second], sums) in panels.iter().zip(&mut *rows.sums) {
        match begin {
            Begin::Zero => tiles.zero(),
            Begin::Resume => tiles.resume(sums),
        }
        for (step, pairs) in pairs.iter().enumerate() {
            wanted.iter().for_each(|wanted| wanted.ask(isa, asked));
            asked += 1;
            let at = step * layout.step;
            tiles.add_products([&first[at..], &second[at..]], layout.row, pairs);
        }
        tiles.sums(sums);
    }
    if let Some(out) = &mut rows.out {
        for (tile, sums) in rows.sums.iter().enumerate() {
            put_turned(isa, sums, tile, out);
        }
    }
}

/// Puts the sums of a tile where they belong.
#[inline(always)]
fn put_turned<I: Isa>(isa: I, sums: &Square, tile: usize, out: &mut Outputs<'_, '_>) {
    let side = I::LANES / 4;
    let rows = out.columns.range();
    for row in (0..ROWS).step_by(side) {
        let at = rows.start + tile * ROWS + row;
        let have = side.min(rows.end.saturating_sub(at));
        if have == 0 {
            break;
        }
        for column in (0..out.count).step_by(side) {
            let square = isa.columns(&sums.0, row * COLUMNS + column, COLUMNS);
            for c in 0..side.min(out.count - column) {
                let to = out.columns.place(out.first + column + c, at, have);
                if have == side {
                    isa.store_f32(square[c], to, 0);
                } else {
                    let mut values = [0.0; ROWS];
                    isa.store_f32(square[c], &mut values, 0);
                    to.copy_from_slice(&values[..have]);
                }
            }
        }
    }
}
