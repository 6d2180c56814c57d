//! Hot loop 2 on tile registers: bfloat16 weights times bfloat16 activations.
//!
//! A step takes 32 of K: two registers of 16 rows of weights, two of 16 columns of activations, and
//! four products of them. Each product is 16 x 16 x 32 multiply-adds in 16 cycles, as many as 32
//! (on Intel's cores 64) `vdpbf16ps` take. Rows of weights stay rows: nothing is transposed on the
//! way in, and of what comes out one number in K is.
//!
//! Budget of a step: four products are 64 cycles, four loads of 16 cache lines 32 cycles of both
//! load ports. All lines come from L2, 4 KiB a step: 64 bytes a cycle, which is all that L2 has, and
//! about twice what it gives for long. So the loop is bound by L2, at about half of the peak.
//!
//! Sums of activations scaled in groups have no place here: while tile registers are in use Intel's
//! cores close one of the two pipes that scale, convert and multiply vectors (measured on Emerald
//! Rapids: 512-bit `vfmadd`, `vcvtdq2ps` and `vpdpbusd` run at one a cycle for about 100 cycles after
//! any instruction on tiles), and what a unit of 32 weights needs besides its dot products then takes
//! longer than these.

use super::TileBf16;
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

/// Two panels of rows of bfloat16 times up to 32 columns of bfloat16.
#[inline(always)]
pub fn tile_bf16<I: Isa, T: Tiles>(isa: I, mut tiles: T, tile: &mut TileBf16<'_>) {
    let TileBf16 { panels, pairs, wanted, .. } = *tile;
    let [first, second] = panels.first_chunk().expect("two panels");
    let (first, second) = (first.as_chunks::<{ tiles::ROWS }>().0, second.as_chunks().0);
    let (pairs, _) = pairs.as_bytes().as_chunks::<{ tiles::PAIRS }>();
    tiles.zero();
    for (step, pairs) in pairs.iter().enumerate() {
        wanted.ask(isa, step);
        tiles.add_products([&first[step], &second[step]], pairs);
    }
    let mut sums = Square([0.0; ROWS * COLUMNS]);
    tiles.sums(&mut sums);
    put_turned(isa, &sums, tile.out);
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
