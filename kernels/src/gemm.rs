//! Hot loop 2: a panel of weights times a panel of activations.
//!
//! Prefill multiplies each weight with hundreds of columns, so unpacking is cheap and the dot
//! product instruction is the bound. Lanes run along the rows of the panel. For each unit of 16
//! or 32 weights, the panel's codes stay in registers while `NR` columns pass:
//!
//! ```text
//! per unit and column:  4 or 8 dot products, each with four quants of the column in all lanes
//!                       (a broadcast that x86 folds into the load), then one conversion,
//!                       one multiply (weight scale x activation scale) and one fma.
//! ```
//!
//! No sum over lanes is ever needed. Group scales are exact. Where a format's bias is a constant
//! times its scale, the integer sums start at `center * sum(quants)`, which is known before, and
//! the bias costs nothing; otherwise it is one more `fma` with the scaled sum.
//!
//! Port budget of a unit of 32 and a column on a core with two vector pipes for dot products and
//! multiplies: 8 + 2 of them, so 80 % of the dot product peak is the ceiling (with a bias: 73 %;
//! units of 16: 67 %). Loads are one per dot product, two per cycle: just enough.

use crate::isa::{Isa, array};

/// What a class `q8` tile multiplies: one panel of weights, `NR` columns.
pub struct TileQ8<'a> {
    /// Registers of the panel.
    pub panel: &'a [u8],
    /// Units along K.
    pub units: usize,
    /// Quants: `[unit][column][weights of a unit]`.
    pub quants: &'a [i8],
    /// Activation scales: `[unit][column]`.
    pub scales: &'a [f32],
    /// Where the integer sums start: `[unit][column]`, if the panel has no biases.
    pub starts: &'a [i32],
    /// Scaled sums of quants: `[unit][column]`, if the panel has biases.
    pub parts: &'a [f32],
    /// Products: `[column][row of the panel]`.
    pub out: &'a mut [f32],
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

/// Panel times columns in class `q8`. `STEPS` registers of codes make a unit.
#[inline(always)]
pub fn tile_q8<
    I: Isa,
    const STEPS: usize,
    const CENTERED: bool,
    const CODE_MAX: u32,
    const NR: usize,
>(
    isa: I,
    tile: &mut TileQ8<'_>,
) {
    let registers = STEPS + if CENTERED { 1 } else { 2 };
    let (weights, columns) = (registers * I::LANES, NR * 4 * STEPS);
    let mut acc = [isa.splat(0.0); NR];
    for u in 0..tile.units {
        let unit = &tile.panel[u * weights..(u + 1) * weights];
        let quants = &tile.quants[u * columns..(u + 1) * columns];
        let scales = &tile.scales[u * NR..(u + 1) * NR];
        let starts = if CENTERED { &tile.starts[u * NR..(u + 1) * NR] } else { &[] };
        let codes: [I::Bytes; STEPS] = array(
            #[inline(always)]
            |step| isa.load(unit, step * I::LANES),
        );
        let scale = isa.f32s(unit, STEPS * I::LANES);
        for c in 0..NR {
            let start = if CENTERED { starts[c] } else { 0 };
            let quants = &quants[c * 4 * STEPS..(c + 1) * 4 * STEPS];
            let sum = isa.dot_quads(isa.splat_i32(start), &codes, quants, CODE_MAX);
            let scaled = isa.mul(scale, isa.splat(scales[c]));
            acc[c] = isa.fma(scaled, isa.to_f32(sum), acc[c]);
        }
        if !CENTERED {
            let bias = isa.f32s(unit, (STEPS + 1) * I::LANES);
            let parts = &tile.parts[u * NR..(u + 1) * NR];
            for c in 0..NR {
                acc[c] = isa.fma(bias, isa.splat(parts[c]), acc[c]);
            }
        }
    }
    for c in 0..NR {
        isa.store_f32(acc[c], tile.out, c * (I::LANES / 4));
    }
}

/// What a class `f32` tile multiplies: one panel of weights, `NR` columns.
pub struct TileF32<'a> {
    /// Registers of the panel, one per weight of K.
    pub panel: &'a [u8],
    /// Activations: `[k][column]`.
    pub x: &'a [f32],
    /// Products: `[column][row of the panel]`.
    pub out: &'a mut [f32],
}

/// Panel times columns in class `f32`.
#[inline(always)]
pub fn tile_f32<I: Isa, const NR: usize>(isa: I, tile: &mut TileF32<'_>) {
    let mut acc = [isa.splat(0.0); NR];
    for k in 0..tile.x.len() / NR {
        let x = &tile.x[k * NR..(k + 1) * NR];
        let w = isa.f32s(tile.panel, k * I::LANES);
        for c in 0..NR {
            acc[c] = isa.fma(w, isa.splat(x[c]), acc[c]);
        }
    }
    for c in 0..NR {
        isa.store_f32(acc[c], tile.out, c * (I::LANES / 4));
    }
}
