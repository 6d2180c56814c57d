//! Panels: `ROWS` rows of weights, unpacked for the prefill loop.
//!
//! A panel is a run of registers in the order in which `gemm` reads them. In class `q8`, for
//! each unit of 16 or 32 weights along K: the codes, four of K by `ROWS` rows a register; then
//! the scale of each row, and its bias unless the format's center says it:
//!
//! ```text
//! unit 0: [codes k 0..4 of rows 0..ROWS] [codes k 4..8 ...] ... [scales] [biases]
//! unit 1: ...
//! ```
//!
//! Nothing is requantized: codes and scales are those of the file. In class `f32` a register
//! holds one weight of each row, in class `bf16` a pair. Only this file knows a format; the loop
//! does not.

use crate::activations::GROUP;
use crate::format::{Coded, Format, center};
use crate::gemv::{prefetch_all, spans};
use crate::isa::Isa;
use crate::lines::Lines;
use zerocopy::{FromZeros, IntoBytes};

/// Room for a panel; it grows and is reused.
#[derive(Debug, Default)]
pub struct Panel {
    registers: Lines<f32>,
    scratch: Lines<f32>,
}

impl Panel {
    /// Room for `floats` floats, and as scratch for `scratch` floats.
    fn reserve(&mut self, floats: usize, scratch: usize) -> (&mut [f32], &mut [f32]) {
        (self.registers.reserve(floats), self.scratch.reserve(scratch))
    }

    /// The panel's registers as bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.registers.as_bytes()
    }
}

/// Rows of weights to unpack.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// `rows` rows of blocks, one after the other.
    pub weights: &'a [u8],
    /// Rows, at most the panel's; the panel repeats the last one.
    pub rows: usize,
    /// Weights of a row.
    pub depth: usize,
}

impl Source<'_> {
    #[inline(always)]
    fn row(&self, r: usize) -> &[u8] {
        let bytes = self.weights.len() / self.rows;
        let r = r.min(self.rows - 1);
        &self.weights[r * bytes..(r + 1) * bytes]
    }
}

/// How the registers of a class `q8` panel are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Rows of weights in the panel.
    pub rows: usize,
    /// Weights of a unit.
    pub unit: usize,
    /// The bias in units of the scale, where that says it, for codes as dot products count them.
    pub center: Option<i32>,
}

impl Shape {
    /// Of a format's panels on an instruction set.
    #[must_use]
    pub const fn of<I: Isa, F: Coded>() -> Self {
        Self { rows: I::LANES / 4, unit: F::UNIT, center: center::<I, F>() }
    }

    /// Registers of one unit.
    #[must_use]
    pub const fn registers(&self) -> usize {
        self.unit / 4 + if self.center.is_some() { 1 } else { 2 }
    }

    /// Units of rows of `depth` weights, in whole groups of activations.
    #[must_use]
    pub const fn units(&self, depth: usize) -> usize {
        depth.div_ceil(GROUP) * (GROUP / self.unit)
    }

    /// Bytes of a panel of rows of `depth` weights.
    #[must_use]
    pub const fn bytes(&self, depth: usize) -> usize {
        self.units(depth) * self.registers() * 4 * self.rows
    }
}

/// Span `s` of a row. Blocks that do not fill one are copied to `room`, which must end in zeros:
/// of all rows of a panel so many are left over.
#[inline(always)]
fn span_at<'a, F: Format>(row: &'a [u8], s: usize, room: &'a mut F::Span) -> &'a F::Span {
    let (whole, rest) = spans::<F>(row);
    match whole.get(s) {
        Some(span) => span,
        None => {
            room.as_mut_bytes()[..rest.len()].copy_from_slice(rest);
            room
        }
    }
}

/// Asks for what lies further on in the row of `span`, the one `s` of `count`, and past its end in
/// the row of the panel that comes next.
#[inline(always)]
fn further_on<I: Isa, F: Format>(
    isa: I,
    span: &F::Span,
    (s, count): (usize, usize),
    source: &Source<'_>,
) {
    /// Spans.
    const AHEAD: usize = 4;
    let size = size_of::<F::Span>();
    let beyond =
        if s + AHEAD < count { 0 } else { source.weights.len().wrapping_sub(count * size) };
    let next =
        std::ptr::from_ref(span).cast::<u8>().wrapping_add(AHEAD * size).wrapping_add(beyond);
    prefetch_all(isa, next, size);
}

/// Codes, scales and biases of up to `ROWS` rows to a panel.
#[inline(always)]
pub fn unpack_q8<I: Isa, F: Coded>(isa: I, source: &Source<'_>, panel: &mut Panel) {
    let shape = const { Shape::of::<I, F>() };
    let (rows, registers) = (shape.rows, shape.registers());
    let (units, steps) = (F::SPAN / F::UNIT, F::UNIT / 4);
    let count = source.depth.div_ceil(F::SPAN);
    // Whole spans, and whole groups of activations.
    let whole = (count * units).next_multiple_of(GROUP / F::UNIT);
    let (written, floats) = (count * units * registers * rows, whole * registers * rows);
    // Registers of codes as they come, a row after the other; then 16 scales and biases a row.
    let codes_len = F::SPAN / I::LANES * rows * rows;
    let (out, scratch) = panel.reserve(floats, codes_len + 2 * 16 * rows);
    out[written..].fill(0.0);
    let (codes, groups) = scratch.split_at_mut(codes_len);
    let (scales, biases) = groups.split_at_mut(16 * rows);
    let mut room = F::Span::new_zeroed();
    for s in 0..count {
        for r in 0..rows {
            let span = span_at::<F>(source.row(r), s, &mut room);
            further_on::<I, F>(isa, span, (s, count), source);
            let bytes = codes.as_mut_bytes();
            F::codes(
                isa,
                span,
                #[inline(always)]
                |n, v| isa.store(v, bytes, (n * rows + r) * I::LANES),
            );
            isa.g_store(F::scales(isa, span), scales, 16 * r);
            if shape.center.is_none() {
                isa.g_store(F::biases(isa, span), biases, 16 * r);
            }
        }
        let out = &mut out[s * units * registers * rows..][..units * registers * rows];
        for n in 0..F::SPAN / I::LANES {
            let square = isa.columns(codes, n * rows * rows, rows);
            for j in 0..rows {
                let (unit, step) = ((n * rows + j) / steps, (n * rows + j) % steps);
                isa.store_f32(square[j], out, (unit * registers + step) * rows);
            }
        }
        spread_groups::<I>(isa, scales, out, (units, registers, steps));
        if shape.center.is_none() {
            spread_groups::<I>(isa, biases, out, (units, registers, steps + 1));
        }
    }
}

/// Group values from 16 a row to a register a unit: register `at` of each unit's `registers`.
#[inline(always)]
fn spread_groups<I: Isa>(
    isa: I,
    values: &[f32],
    out: &mut [f32],
    (units, registers, at): (usize, usize, usize),
) {
    let rows = I::LANES / 4;
    for part in 0..16 / rows {
        let square = isa.columns(values, part * rows, 16);
        for j in 0..rows.min(units.saturating_sub(part * rows)) {
            let unit = part * rows + j;
            isa.store_f32(square[j], out, (unit * registers + at) * rows);
        }
    }
}

/// Weights of up to `ROWS` rows, rounded to bfloat16, to a panel: a register per pair of K.
#[inline(always)]
pub fn unpack_bf16<I: Isa, F: Format>(isa: I, source: &Source<'_>, panel: &mut Panel) {
    let rows = I::LANES / 4;
    turned::<I, F>(
        isa,
        (source, F::SPAN / 2),
        panel,
        #[inline(always)]
        |span, r, scratch| {
            F::pairs(
                isa,
                span,
                #[inline(always)]
                |n, w| isa.store_f32(w, scratch, (n * rows + r) * rows),
            );
        },
    );
}

/// Weights of up to `ROWS` rows to a panel: a register per weight of K.
#[inline(always)]
pub fn unpack_f32<I: Isa, F: Format>(isa: I, source: &Source<'_>, panel: &mut Panel) {
    let rows = I::LANES / 4;
    turned::<I, F>(
        isa,
        (source, F::SPAN),
        panel,
        #[inline(always)]
        |span, r, scratch| {
            F::floats(
                isa,
                span,
                #[inline(always)]
                |n, w| isa.store_f32(w, scratch, (n * rows + r) * rows),
            );
        },
    );
}

/// A panel of `steps` registers a span. `write` puts a span of row `r` where squares have that row.
#[inline(always)]
fn turned<I: Isa, F: Format>(
    isa: I,
    (source, steps): (&Source<'_>, usize),
    panel: &mut Panel,
    write: impl Fn(&F::Span, usize, &mut [f32]),
) {
    let rows = I::LANES / 4;
    let count = source.depth.div_ceil(F::SPAN);
    let squares = steps.div_ceil(rows);
    let (out, scratch) = panel.reserve(count * steps * rows, squares * rows * rows);
    let mut room = F::Span::new_zeroed();
    for s in 0..count {
        for r in 0..rows {
            let span = span_at::<F>(source.row(r), s, &mut room);
            further_on::<I, F>(isa, span, (s, count), source);
            write(span, r, scratch);
        }
        for n in 0..squares {
            let square = isa.columns(scratch, n * rows * rows, rows);
            for j in 0..rows.min(steps - n * rows) {
                isa.store_f32(square[j], out, (s * steps + n * rows + j) * rows);
            }
        }
    }
}
