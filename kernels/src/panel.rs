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
//! All rows keep their codes at the same places, so runs of 16 bytes of all rows are turned as they
//! lie in the file, and decoded when they are columns ([`Coded::columns`]):
//! half as much is turned as after decoding 4-bit codes, and nothing waits in memory between the two
//! steps, where stores of whole registers are what takes the time. On Zen 4, in cycles for 256
//! weights: Q4_0 18 instead of 31, Q4_K 21 (30), Q8_0 27 (32), TQ2_0 13 (24).
//!
//! Nothing is requantized: codes and scales are those of the file. In class `f32` a register
//! holds one weight of each row, in class `bf16` a pair. Only this file knows a format; the loop
//! does not.

use crate::activations::GROUP;
use crate::format::{Coded, Format, center};
use crate::gemm::Wanted;
use crate::gemv::{prefetch_all, spans};
use crate::isa::{Isa, Rows};
use crate::lines::Lines;
use zerocopy::{FromBytes, FromZeros, IntoBytes};

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

/// Rows of weights to unpack, or a part of each.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// `rows` rows of blocks, one after the other.
    pub weights: &'a [u8],
    /// Rows, at most the panel's; the panel repeats the last one.
    pub rows: usize,
    /// Weights of a row that are to be unpacked.
    pub depth: usize,
    /// Where they start and end in each row, in bytes.
    part: (usize, usize),
    /// What to ask for meanwhile, with each span of each row.
    wanted: Wanted,
}

impl<'a> Source<'a> {
    /// Rows of `depth` weights.
    #[must_use]
    pub const fn whole(weights: &'a [u8], rows: usize, depth: usize) -> Self {
        let part = (0, weights.len() / rows);
        Self { weights, rows, depth, part, wanted: Wanted::NOTHING }
    }

    /// `depth` weights of each row: whole spans that begin at byte `start` of it, or all that follow.
    pub(crate) fn part(self, start: usize, depth: usize) -> Self {
        let bytes = (self.part.1 - self.part.0) * depth / self.depth;
        Self { part: (start, start + bytes), depth, ..self }
    }

    /// The same, with something to ask for.
    pub(crate) const fn wanting(self, wanted: Wanted) -> Self {
        Self { wanted, ..self }
    }

    /// Bytes from a row to the next.
    #[inline(always)]
    fn stride(&self) -> usize {
        self.weights.len() / self.rows
    }

    #[inline(always)]
    fn row(&self, r: usize) -> &[u8] {
        let (first, (start, end)) = (r.min(self.rows - 1) * self.stride(), self.part);
        &self.weights[first + start..first + end]
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

/// Asks for what lies further on in row `r` than `span`, the one `s`, and past the row's end in that
/// of the panel that comes next; and for what is wanted.
#[inline(always)]
fn further_on<I: Isa, F: Format>(
    isa: I,
    span: &F::Span,
    (s, r): (usize, usize),
    source: &Source<'_>,
) {
    /// Spans.
    const AHEAD: usize = 4;
    let (size, stride) = (size_of::<F::Span>(), source.stride());
    let within = source.part.0 + (s + AHEAD) * size < stride;
    let beyond = if within { 0 } else { source.weights.len().wrapping_sub(stride) };
    let next =
        std::ptr::from_ref(span).cast::<u8>().wrapping_add(AHEAD * size).wrapping_add(beyond);
    prefetch_all(isa, next, size);
    source.wanted.ask(isa, s * (I::LANES / 4) + r);
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
    let of_groups = 2 * 16 * rows;
    let (out, scratch) = panel.reserve(floats, of_groups + const { reach::<F>() } * rows);
    out[written..].fill(0.0);
    let (groups, aside) = scratch.split_at_mut(of_groups);
    let (scales, biases) = groups.split_at_mut(16 * rows);
    for s in 0..count {
        let spans = span_of_rows::<F>(source, s, rows, aside.as_mut_bytes());
        for r in 0..rows {
            let span = spans.bytes(r, 0, size_of::<F::Span>());
            let span = F::Span::ref_from_bytes(span).expect("as many bytes");
            further_on::<I, F>(isa, span, (s, r), source);
            isa.g_store(F::scales(isa, span), scales, 16 * r);
            if shape.center.is_none() {
                isa.g_store(F::biases(isa, span), biases, 16 * r);
            }
        }
        let out = &mut out[s * units * registers * rows..][..units * registers * rows];
        codes::<I, F>(isa, &spans, out);
        spread_groups::<I>(isa, scales, out, (units, registers, steps));
        if shape.center.is_none() {
            spread_groups::<I>(isa, biases, out, (units, registers, steps + 1));
        }
    }
}

/// Bytes of a span that are read, from its start on.
const fn reach<F: Coded>() -> usize {
    let (span, stretches) = (size_of::<F::Span>(), F::SPAN / F::STRETCH);
    let last = (stretches - 1) * (span / stretches) + F::REACH;
    if last > span { last } else { span }
}

/// Span `s` of as many rows as a panel has, where it lies. Put aside where it does not lie there as
/// such: blocks that do not fill a span, a panel that lacks rows, the end of the weights.
#[inline(always)]
fn span_of_rows<'a, F: Coded>(
    source: &Source<'a>,
    s: usize,
    rows: usize,
    aside: &'a mut [u8],
) -> Rows<'a> {
    let reach = const { reach::<F>() };
    let (size, stride) = (size_of::<F::Span>(), source.stride());
    let (start, end) = (source.part.0 + s * size, source.part.1);
    if source.rows == rows
        && start + size <= end
        && let Some(spans) = Rows::new(&source.weights[start..], stride, (rows, reach))
    {
        return spans;
    }
    for (r, aside) in aside.chunks_exact_mut(reach).enumerate().take(rows) {
        let left = &source.row(r)[s * size..];
        let have = left.len().min(size);
        aside[..have].copy_from_slice(&left[..have]);
        aside[have..].fill(0);
    }
    Rows::new(aside, reach, (rows, reach)).expect("room for all rows")
}

/// Codes of a span of every row to the registers of its units.
#[inline(always)]
fn codes<I: Isa, F: Coded>(isa: I, spans: &Rows<'_>, out: &mut [f32]) {
    let shape = const { Shape::of::<I, F>() };
    let (steps, size) = (F::UNIT / 4, F::STRETCH / F::UNIT * shape.registers() * shape.rows);
    let bytes = size_of::<F::Span>() / (F::SPAN / F::STRETCH);
    for (stretch, out) in out.chunks_exact_mut(size).enumerate() {
        let out = out.as_mut_bytes();
        F::columns(
            isa,
            spans,
            stretch * bytes,
            #[inline(always)]
            |n, codes| {
                let register = n / steps * shape.registers() + n % steps;
                isa.store(codes, out, register * I::LANES);
            },
        );
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

/// Weights of up to `ROWS` rows, rounded to bfloat16, to a panel for tile registers: 64 bytes of
/// every row, then the next 64 bytes of every row. Rows that are not there may be anything.
#[inline(always)]
pub fn unpack_rows<I: Isa, F: Format>(isa: I, source: &Source<'_>, panel: &mut Panel) {
    let (rows, register) = (I::LANES / 4, I::LANES / 4);
    let count = source.depth.div_ceil(F::SPAN);
    let size = F::SPAN / 2 * rows;
    let (out, _) = panel.reserve(count * size, 0);
    let mut room = F::Span::new_zeroed();
    for (s, out) in out.chunks_exact_mut(size).enumerate() {
        for r in 0..source.rows {
            let span = span_at::<F>(source.row(r), s, &mut room);
            further_on::<I, F>(isa, span, (s, r), source);
            F::pairs(
                isa,
                span,
                #[inline(always)]
                |n, w| isa.store_f32(w, out, (n * rows + r) * register),
            );
        }
    }
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
            further_on::<I, F>(isa, span, (s, r), source);
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
