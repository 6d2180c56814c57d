//! Rows of activations in the form that kernels take.
//!
//! Class `q8`: int8 quants in groups of 32 with one `f32` scale, `x = scale * quant`, quants
//! within -127..=127 and rounded half to even; scales have 22 significant bits (see `gemm`).
//! Because a weight is `scale * code + bias`, kernels also need sums of quants: per 16, as
//! integers for panels and multiplied by the scale for `gemv`. Class `q8_256`: the same, but
//! groups of 256 share their scale. Class `f32`: the rows as they are. Class `bf16`: the rows
//! rounded to bfloat16, in half the place, and as floats for kernels that take these.
//!
//! Rows are padded with zeros past the depth, so that a loop may finish its span.

use crate::float;
use crate::format::Order;
use crate::isa::{Isa, Scalar, VECTOR};
use crate::kernel::Numerics;
use crate::lines::{LINE, Lines};
use crate::quantize::quantize_row;
use std::sync::atomic::{AtomicBool, Ordering};
use zerocopy::{FromBytes, IntoBytes};

/// Activations that share a scale.
pub const GROUP: usize = 32;
/// Activations that share a scale in class `q8_256`.
pub const WIDE_GROUP: usize = 256;
/// Activations that share a sum.
pub const HALF: usize = 16;
/// Zeros after a row: a span holds at most 512 weights.
const PAD: usize = 512;

/// Adding it to a float below 2^22 rounds the float to an integer, half to even, and leaves that
/// integer in the low bits: from 2^23 to 2^24 floats are the integers. 1.5 * 2^23.
pub const ROUND: f32 = 12_582_912.0;

/// Activations of some class. Reused from call to call, it allocates only to grow.
#[derive(Debug)]
pub struct Activations {
    class: Numerics,
    rows: usize,
    depth: usize,
    stride: usize,
    quants: Lines<i8>,
    scales: Lines<f32>,
    parts: Lines<f32>,
    half_scales: Lines<f32>,
    half_parts: Lines<f32>,
    sums: Lines<i32>,
    floats: Lines<f32>,
    halves: Lines<u16>,
    /// Whether no scale is larger than [`LARGEST_SCALE`], or NaN.
    suits_gemm: AtomicBool,
}

/// `gemm` in class `q8` needs `ROUND * scale` to be finite.
pub(crate) const LARGEST_SCALE: f32 = f32::MAX / ROUND;

/// One row of class `q8` or `q8_256`, to be filled.
pub struct Row<'a> {
    pub(crate) x: &'a [f32],
    /// To be made false by a scale that is larger than [`LARGEST_SCALE`], or NaN.
    pub(crate) suits_gemm: &'a AtomicBool,
    /// Groups that share a scale.
    pub(crate) share: usize,
    pub(crate) quants: &'a mut [i8],
    pub(crate) scales: &'a mut [f32],
    pub(crate) parts: &'a mut [f32],
    pub(crate) half_scales: &'a mut [f32],
    pub(crate) half_parts: &'a mut [f32],
    pub(crate) sums: &'a mut [i32],
}

/// What kernels read of rows of class `f32` or `bf16`.
#[derive(Clone, Copy)]
pub(crate) struct Reads {
    /// Floats, in class `bf16`, besides what takes half the place.
    pub(crate) floats: bool,
    /// Numbers past the depth, that are to be zero.
    pub(crate) beyond: usize,
}

impl Reads {
    pub(crate) const NOTHING: Self = Self { floats: false, beyond: 0 };
    /// Whatever any kernel reads.
    pub(crate) const ALL: Self = Self { floats: true, beyond: PAD + HALF };

    /// What one of two kernels reads.
    pub(crate) fn or(self, other: Self) -> Self {
        let Self { floats, beyond } = self;
        Self { floats: floats | other.floats, beyond: beyond.max(other.beyond) }
    }
}

/// One row of class `f32` or `bf16`, to be filled.
pub struct FloatRow<'a> {
    x: &'a [f32],
    /// None where nobody reads them.
    floats: &'a mut [f32],
    /// None but in class `bf16`.
    halves: &'a mut [u16],
    /// Zeros to put past the depth.
    beyond: usize,
}

/// Fills a row. Plain Rust, compiled for each instruction set.
#[inline(always)]
pub(crate) fn fill_row<I: Isa>(_: I, row: &mut FloatRow<'_>) {
    let FloatRow { x, floats, halves, beyond } = row;
    let end = x.len() + *beyond;
    let rounds = !halves.is_empty();
    if rounds {
        map(x, &mut halves[..x.len()], |x| (float::rounded_to_bf16(x).to_bits() >> 16) as u16);
        halves[x.len()..end].fill(0);
    }
    if !floats.is_empty() {
        match rounds {
            true => map(x, &mut floats[..x.len()], float::rounded_to_bf16),
            false => floats[..x.len()].copy_from_slice(x),
        }
        floats[x.len()..end].fill(0.0);
    }
}

/// `to = function(x)`, number by number; in arrays, which become registers.
#[inline(always)]
fn map<T: Copy>(x: &[f32], to: &mut [T], function: impl Fn(f32) -> T) {
    const AT_ONCE: usize = 32;
    let ((x, x_rest), (to, to_rest)) = (x.as_chunks::<AT_ONCE>(), to.as_chunks_mut::<AT_ONCE>());
    for (to, x) in to.iter_mut().zip(x) {
        for n in 0..AT_ONCE {
            to[n] = function(x[n]);
        }
    }
    for (to, x) in to_rest.iter_mut().zip(x_rest) {
        *to = function(*x);
    }
}

/// One row of class `q8` or `q8_256`.
#[derive(Clone, Copy, Debug)]
pub struct Q8<'a> {
    /// Padded with zeros.
    pub quants: &'a [i8],
    /// One per 32 quants.
    pub scales: &'a [f32],
    /// Scale times sum, one per 32 quants.
    pub parts: &'a [f32],
    /// The scales again, one per 16 quants.
    pub half_scales: &'a [f32],
    /// Scale times sum, one per 16 quants.
    pub half_parts: &'a [f32],
    /// Sum, one per 16 quants.
    pub sums: &'a [i32],
}

impl Q8<'_> {
    /// `count` weights from weight `at` on, whole groups, with as many scales, parts and sums as a
    /// vector of them.
    #[inline(always)]
    pub(crate) fn part(&self, at: usize, count: usize) -> Self {
        let (group, half) = (at / GROUP, at / HALF);
        let (groups, halves) = (count / GROUP + VECTOR, count / HALF + VECTOR);
        Self {
            quants: &self.quants[at..at + count],
            scales: &self.scales[group..group + groups],
            parts: &self.parts[group..group + groups],
            half_scales: &self.half_scales[half..half + halves],
            half_parts: &self.half_parts[half..half + halves],
            sums: &self.sums[half..half + count / HALF],
        }
    }
}

impl Default for Activations {
    /// No rows.
    fn default() -> Self {
        Self {
            class: Numerics::Q8,
            rows: 0,
            depth: 0,
            stride: 0,
            quants: Lines::default(),
            scales: Lines::default(),
            parts: Lines::default(),
            half_scales: Lines::default(),
            half_parts: Lines::default(),
            sums: Lines::default(),
            floats: Lines::default(),
            halves: Lines::default(),
            suits_gemm: AtomicBool::new(true),
        }
    }
}

impl Activations {
    /// The class of what it holds.
    #[must_use]
    pub fn class(&self) -> Numerics {
        self.class
    }

    /// Rows and depth of what it holds.
    #[must_use]
    pub fn shape(&self) -> (usize, usize) {
        (self.rows, self.depth)
    }

    fn resize(&mut self, class: Numerics, (rows, depth): (usize, usize), stride: usize) {
        self.class = class;
        self.rows = rows;
        self.depth = depth;
        self.stride = stride;
    }

    /// Makes room for `rows` rows of `depth` quants and hands each out to be quantized.
    pub(crate) fn q8_rows<'a>(
        &'a mut self,
        class: Numerics,
        x: &'a [f32],
        (rows, depth): (usize, usize),
    ) -> Vec<Row<'a>> {
        // Rows of scales start at a cache line, too.
        let stride = depth.next_multiple_of(PAD) + PAD;
        self.resize(class, (rows, depth), stride);
        let share = if class == Numerics::Q8x256 { WIDE_GROUP / GROUP } else { 1 };
        let quants = self.quants.reserve(rows * stride).chunks_exact_mut(stride);
        let (groups, halves) = (stride / GROUP, stride / HALF);
        let scales = self.scales.reserve(rows * groups).chunks_exact_mut(groups);
        let parts = self.parts.reserve(rows * groups).chunks_exact_mut(groups);
        let half_scales = self.half_scales.reserve(rows * halves).chunks_exact_mut(halves);
        let half_parts = self.half_parts.reserve(rows * halves).chunks_exact_mut(halves);
        let sums = self.sums.reserve(rows * halves).chunks_exact_mut(halves);
        *self.suits_gemm.get_mut() = true;
        let suits_gemm = &self.suits_gemm;
        x.chunks_exact(depth.max(1))
            .zip(quants)
            .zip(scales.zip(parts))
            .zip(half_scales.zip(half_parts.zip(sums)))
            .map(|(((x, quants), (scales, parts)), (half_scales, (half_parts, sums)))| Row {
                x,
                suits_gemm,
                share,
                quants,
                scales,
                parts,
                half_scales,
                half_parts,
                sums,
            })
            .collect()
    }

    /// Makes room for `rows` rows of `depth` floats and hands each out to be filled.
    pub(crate) fn float_rows<'a>(
        &'a mut self,
        class: Numerics,
        x: &'a [f32],
        (rows, depth): (usize, usize),
        reads: Reads,
    ) -> Vec<FloatRow<'a>> {
        /// Halves of a cache line.
        const HALVES: usize = LINE / 2;
        // Lines in an odd number: rows apart by a power of two displace each other from caches.
        let lines = (depth + reads.beyond).div_ceil(HALVES) | 1;
        let stride = lines * HALVES;
        self.resize(class, (rows, depth), stride);
        let size = rows * stride;
        let [floats, halves] = match class {
            Numerics::Bf16 => [if reads.floats { size } else { 0 }, size],
            _ => [size, 0],
        };
        let mut floats = self.floats.reserve(floats).chunks_exact_mut(stride);
        let mut halves = self.halves.reserve(halves).chunks_exact_mut(stride);
        let rows = x.chunks_exact(depth.max(1)).map(|x| FloatRow {
            x,
            floats: floats.next().unwrap_or_default(),
            halves: halves.next().unwrap_or_default(),
            beyond: reads.beyond,
        });
        rows.collect()
    }

    /// Brings `rows` rows of `depth` floats into the form of a class, on this thread.
    pub fn fill(&mut self, class: Numerics, x: &[f32], rows: usize, depth: usize) {
        match class {
            Numerics::Q8 | Numerics::Q8x256 => {
                let mut rows = self.q8_rows(class, x, (rows, depth));
                rows.iter_mut().for_each(|row| quantize_row(Scalar::default(), row));
            }
            Numerics::F32 | Numerics::Bf16 => {
                let mut rows = self.float_rows(class, x, (rows, depth), Reads::ALL);
                rows.iter_mut().for_each(|row| fill_row(Scalar::default(), row));
            }
        }
    }

    /// Quantizes `rows` rows of `depth` floats in class `q8`, on this thread.
    pub fn fill_q8(&mut self, x: &[f32], rows: usize, depth: usize) {
        self.fill(Numerics::Q8, x, rows, depth);
    }

    /// What kernels multiply with: the numbers of a row as they are after quantization or
    /// rounding, without padding. For checks and tests.
    #[must_use]
    pub fn seen(&self, row: usize) -> Vec<f32> {
        match self.class {
            Numerics::Q8 | Numerics::Q8x256 => {
                let row = self.q8(row);
                let value = |k: usize| f32::from(row.quants[k]) * row.scales[k / GROUP];
                (0..self.depth).map(value).collect()
            }
            Numerics::Bf16 => {
                let whole = |half: &u16| float::bf16(half.to_le_bytes());
                self.halves(row)[..self.depth].iter().map(whole).collect()
            }
            Numerics::F32 => self.floats(row)[..self.depth].to_vec(),
        }
    }

    /// Whether `gemm` can take the rows: all but those with numbers beyond 1e33 or not finite.
    pub(crate) fn suits_gemm(&self) -> bool {
        self.class != Numerics::Q8 || self.suits_gemm.load(Ordering::Relaxed)
    }

    /// All quants in another order (see `Coded::ORDER_WIDE`), to be read with
    /// [`Activations::row_of`].
    pub(crate) fn in_order(&self, order: Order, quants: &mut Lines<i8>) {
        let to = quants.reserve(self.quants.len());
        // Row by row: a row need not be whole spans.
        let stride = self.stride.max(1);
        let rows = self.quants.chunks_exact(stride).zip(to.chunks_exact_mut(stride));
        for (from, to) in rows {
            match order.run {
                4 => put_in_order(from.as_chunks::<4>().0, order.runs, to.as_chunks_mut().0),
                _ => put_in_order(from, order.runs, to),
            }
        }
    }

    /// All quants, row after row.
    #[must_use]
    pub fn quants(&self) -> &[i8] {
        &self.quants
    }

    /// The quants of a row, padded with zeros, among those of all rows.
    #[inline(always)]
    pub(crate) fn row_of<'a>(&self, quants: &'a [i8], row: usize) -> &'a [i8] {
        &quants[row * self.stride..(row + 1) * self.stride]
    }

    /// A row of class `q8` or `q8_256`.
    #[must_use]
    #[inline(always)]
    pub fn q8(&self, row: usize) -> Q8<'_> {
        let (groups, halves) = (self.stride / GROUP, self.stride / HALF);
        Q8 {
            quants: self.row_of(&self.quants, row),
            scales: &self.scales[row * groups..(row + 1) * groups],
            parts: &self.parts[row * groups..(row + 1) * groups],
            half_scales: &self.half_scales[row * halves..(row + 1) * halves],
            half_parts: &self.half_parts[row * halves..(row + 1) * halves],
            sums: &self.sums[row * halves..(row + 1) * halves],
        }
    }

    /// A row of class `bf16` in half the place, padded with zeros.
    #[inline(always)]
    pub(crate) fn halves(&self, row: usize) -> &[u16] {
        &self.halves[row * self.stride..(row + 1) * self.stride]
    }

    /// The bits of pairs of `count` rows of class `bf16`, and how many are from a row to the next.
    pub(crate) fn pairs(&self, row: usize, count: usize) -> (&[f32], usize) {
        let rows = &self.halves[row * self.stride..(row + count) * self.stride];
        // A row is whole cache lines.
        let pairs = <[f32]>::ref_from_bytes(rows.as_bytes()).expect("rows at cache lines");
        (pairs, self.stride / 2)
    }

    /// A row of class `f32` or, where it was prepared for kernels that take floats, `bf16`,
    /// padded with zeros.
    #[must_use]
    #[inline(always)]
    pub fn floats(&self, row: usize) -> &[f32] {
        &self.floats[row * self.stride..(row + 1) * self.stride]
    }
}

/// Each whole span of `from` in the order `runs`.
fn put_in_order<T: Copy>(from: &[T], runs: &[u16], to: &mut [T]) {
    for (from, to) in from.chunks_exact(runs.len()).zip(to.chunks_exact_mut(runs.len())) {
        for (to, at) in to.iter_mut().zip(runs) {
            *to = from[usize::from(*at)];
        }
    }
}
