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
//! load ports, beside them. Were all lines read from L2, 4 KiB a step, that would be 64 bytes a cycle,
//! twice what L2 gives for long. So a few tiles, side by side in a strip, take the same 16 steps of
//! activations, which stay in L1 meanwhile; their sums wait in memory for the next 16. Measured on a
//! guest on Emerald Rapids, K = 4096: 560 GMAC/s a tile at a time, 630 a strip of four. For minutes at
//! a time the same loops ran at 225 there, wherever their lines came from, while `vpdpbusd` lost less
//! than half; why is not known.
//!
//! Sums of activations scaled in groups have no place here: while tile registers are in use Intel's
//! cores close one of the two pipes that scale, convert and multiply vectors (measured on Emerald
//! Rapids: 512-bit `vfmadd`, `vcvtdq2ps` and `vpdpbusd` run at one a cycle for about 100 cycles after
//! any instruction on tiles), and what a unit of 32 weights needs besides its dot products then takes
//! longer than these.

use super::Wanted;
use crate::isa::{Isa, Square, Tiles, tiles};
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

/// Tiles side by side in a strip, at most.
pub const TILES: usize = 4;
/// Steps whose activations stay in L1 while all tiles of a strip take them.
const STAY: usize = 16;

/// What a strip multiplies: panels of weights, two a tile, and up to 32 columns.
pub struct TileRows<'a> {
    /// 16 rows each, at most [`TILES`] times two.
    pub panels: &'a [&'a [u8]],
    /// How they lie.
    pub layout: Layout,
    /// Activations, step by step, zeros past the depth: `[pair of k][column]`, four bytes each.
    pub pairs: &'a [i8],
    /// What to ask for meanwhile.
    pub wanted: Wanted,
    /// Products: `[tile][column][row of the panels]`.
    pub out: &'a mut [f32],
}

/// Panels of rows of bfloat16 times up to 32 columns of bfloat16.
#[inline(always)]
pub fn tile_bf16<I: Isa, T: Tiles>(isa: I, mut tiles: T, strip: &mut TileRows<'_>) {
    let TileRows { panels, layout, pairs, wanted, .. } = *strip;
    let (panels, _) = panels.as_chunks::<2>();
    assert!(panels.len() <= TILES, "more tiles than a strip has");
    let (pairs, _) = pairs.as_bytes().as_chunks::<{ tiles::PAIRS }>();
    let mut sums = [const { Square([0.0; ROWS * COLUMNS]) }; TILES];
    for (part, pairs) in pairs.chunks(STAY).enumerate() {
        for (tile, ([first, second], sums)) in panels.iter().zip(&mut sums).enumerate() {
            match part {
                0 => tiles.zero(),
                _ => tiles.resume(sums),
            }
            for (step, pairs) in (part * STAY..).zip(pairs) {
                if tile == 0 {
                    wanted.ask(isa, step);
                }
                let at = step * layout.step;
                tiles.add_products([&first[at..], &second[at..]], layout.row, pairs);
            }
            tiles.sums(sums);
        }
    }
    let columns = strip.out.len() / panels.len();
    for (sums, out) in sums.iter().zip(strip.out.chunks_exact_mut(columns)) {
        put_turned(isa, sums, out);
    }
}

/// Stores `[column][row]`, as many columns as `out` has room for.
#[inline(always)]
fn put_turned<I: Isa>(isa: I, sums: &Square, out: &mut [f32]) {
    let side = I::LANES / 4;
    for row in (0..ROWS).step_by(side) {
        for column in (0..COLUMNS).step_by(side) {
            let square = isa.columns(&sums.0, row * COLUMNS + column, COLUMNS);
            for c in 0..side {
                let at = (column + c) * ROWS + row;
                if at < out.len() {
                    isa.store_f32(square[c], out, at);
                }
            }
        }
    }
}
