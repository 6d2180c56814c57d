//! What a format is: at compile time a trait, at run time a row.
//!
//! Every block format is, per group, an affine map from small integer codes to weights:
//! `w = scale * code + bias`. [`Coded`] is that normal form, a vector register at a time;
//! [`Format`] only promises weights. The loops ([`gemv`](crate::gemv), [`gemm`](crate::gemm))
//! know nothing else. `quant_format!` writes both impls; a layout that its language cannot say
//! is a hand-written impl of the same traits (`dense.rs` has three).

use crate::encode;
use crate::isa::{Isa, Kept, Rows};
use crate::kernel::{Entry, Kernel, Numerics};
use crate::layout::Layout;
use crate::sources;
use thiserror::Error;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// A stretch of a row as stored: whole blocks, any alignment, any content.
pub trait Stored: FromBytes + IntoBytes + Immutable + KnownLayout + Unaligned + Copy {}
impl<T: FromBytes + IntoBytes + Immutable + KnownLayout + Unaligned + Copy> Stored for T {}

/// A quantization format at compile time.
pub trait Format: Copy + Send + Sync + 'static {
    /// Weights in a span: the stretch of a row that the loops decode at once, whole blocks.
    const SPAN: usize;
    /// A span as stored.
    type Span: Stored;

    /// The format at run time. Its address is the format's identity.
    fn info() -> &'static FormatInfo;

    /// Hands the weights of a span to `each`, register by register: `each(n, w)` has weights
    /// `n * LANES / 4 ..`. Lanes past the end of the span are zero.
    fn floats<I: Isa>(isa: I, span: &Self::Span, each: impl FnMut(usize, I::F32));

    /// The same rounded to bfloat16, two weights a lane: `each(n, w)` has weights `n * LANES / 2 ..`.
    /// For spans that are a multiple of that, on CPUs that [multiply
    /// bfloat16](crate::IsaInfo::multiplies_bf16).
    #[inline(always)]
    fn pairs<I: Isa>(isa: I, span: &Self::Span, mut each: impl FnMut(usize, I::F32)) {
        let mut even = isa.splat(0.0);
        Self::floats(
            isa,
            span,
            #[inline(always)]
            |n, w| match n % 2 {
                0 => even = w,
                _ => each(n / 2, isa.to_bf16(even, w)),
            },
        );
    }
}

/// A format in normal form: unsigned codes, and a scale and bias per unit of weights.
pub trait Coded: Format {
    /// Weights that share every scale: 16 or 32. A span holds at most 16 units.
    const UNIT: usize;
    /// The largest code. On instruction sets whose dot products saturate it picks the sequence.
    const CODE_MAX: u32;
    /// The bias in units of the scale, `bias = scale * CENTER`, if it is that simple.
    const CENTER: Option<i32>;

    /// Hands the codes of a span to `each`, register by register, in the order of the weights.
    fn codes<I: Isa>(isa: I, span: &Self::Span, each: impl FnMut(usize, I::Bytes));

    /// Weights that [`Coded::columns`] decodes at once: whole blocks, whole units; they divide a span.
    const STRETCH: usize;
    /// Bytes of a stretch that it may read, from its start on: perhaps some past the end.
    const REACH: usize;

    /// The codes of a stretch of `LANES / 4` rows at once, from byte `at` of each: `each(n, codes)`
    /// has weights `4 * n..` of every row, a dword each. In any order.
    fn columns<I: Isa>(isa: I, rows: &Rows<'_>, at: usize, each: impl FnMut(usize, I::Bytes));

    /// The order of weights in [`Coded::links`] on registers of 64 codes. `None` is the order of
    /// [`Coded::codes`].
    const ORDER_WIDE: Option<Order> = None;
    /// The same on registers of 32 codes.
    const ORDER_NARROW: Option<Order> = None;

    /// Hands the codes of a span to `each`, register by register, in an order that lets registers
    /// be summed before their scales are applied: those whose lanes belong to the same units
    /// follow each other as links of a chain.
    #[inline(always)]
    fn links<I: Isa>(isa: I, span: &Self::Span, each: impl FnMut(Link, I::Bytes)) {
        links_in_order::<I, Self>(isa, span, each);
    }

    /// The scale of each unit. Lanes past the last unit may hold anything.
    fn scales<I: Isa>(isa: I, span: &Self::Span) -> I::Groups;

    /// The bias of each unit. Lanes past the last unit may hold anything.
    #[inline(always)]
    fn biases<I: Isa>(isa: I, span: &Self::Span) -> I::Groups {
        let center = Self::CENTER.expect("a format without a center has biases of its own");
        isa.g_mul(Self::scales(isa, span), isa.g_splat(center as f32))
    }
}

/// An order of the weights of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Neighbouring weights that stay together: 1 or 4.
    pub run: usize,
    /// The weights that run number n of the order holds, in runs.
    pub runs: &'static [u16],
}

/// Whether dot products count codes as 128 less than they are: where they saturate, the sign of a
/// code is worth more than its eighth bit. The center takes the difference: formats without one are
/// not counted so. The same for a format's largest code and for its class in `gemm`.
#[must_use]
pub const fn counts_signed<I: Isa>(code_max: u32) -> bool {
    I::SATURATES && code_max > 127
}

/// How many sums of two products, of codes up to `code_max` with any quants, fit 16 bits.
#[must_use]
pub const fn together(code_max: u32) -> usize {
    (i16::MAX as u32 / (2 * 127 * code_max)) as usize
}

/// [`Coded::CENTER`] for codes as dot products count them.
#[must_use]
pub const fn center<I: Isa, F: Coded>() -> Option<i32> {
    match F::CENTER {
        Some(center) if counts_signed::<I>(F::CODE_MAX) => Some(center + 128),
        center => center,
    }
}

/// A register of codes as [`Coded::links`] hands it out.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// Which register of the span it is.
    pub n: usize,
    /// The unit of its first sum.
    pub first: usize,
    /// From the unit of some sums to the unit of the next.
    pub step: usize,
    /// Neighbouring sums that belong to one unit.
    pub per: usize,
    /// Whether it is the first of its chain.
    pub starts: bool,
    /// Whether it is the last of its chain.
    pub ends: bool,
}

impl Link {
    /// The first of a chain.
    #[must_use]
    #[inline(always)]
    pub const fn first(n: usize, first: usize, per: usize) -> Self {
        Self { n, first, step: 1, per, starts: true, ends: false }
    }

    /// Neither the first nor the last.
    #[must_use]
    #[inline(always)]
    pub const fn inner(n: usize, first: usize, per: usize) -> Self {
        Self { n, first, step: 1, per, starts: false, ends: false }
    }

    /// The last of a chain.
    #[must_use]
    #[inline(always)]
    pub const fn last(n: usize, first: usize, per: usize) -> Self {
        Self { n, first, step: 1, per, starts: false, ends: true }
    }

    /// The same with units that lie apart.
    #[must_use]
    #[inline(always)]
    pub const fn every(self, step: usize) -> Self {
        Self { step, ..self }
    }
}

/// [`Coded::links`] in the order of [`Coded::codes`]: every register is a chain of its own.
#[inline(always)]
pub fn links_in_order<I: Isa, F: Coded>(
    isa: I,
    span: &F::Span,
    mut each: impl FnMut(Link, I::Bytes),
) {
    F::codes(
        isa,
        span,
        #[inline(always)]
        |n, codes| {
            let (first, per) = (n * I::LANES / F::UNIT, F::UNIT / 4);
            each(Link { n, first, step: 1, per, starts: true, ends: true }, codes);
        },
    );
}

/// [`Format::floats`] of a coded format: `scale * code + bias`, rounded once.
#[inline(always)]
pub fn coded_floats<I: Isa, F: Coded>(isa: I, span: &F::Span, mut each: impl FnMut(usize, I::F32)) {
    let (mut scales, mut biases) = (Kept::ROOM, Kept::ROOM);
    isa.g_keep(F::scales(isa, span), &mut scales);
    isa.g_keep(F::biases(isa, span), &mut biases);
    let wide = I::LANES / 4;
    F::codes(
        isa,
        span,
        #[inline(always)]
        |n, codes| {
            for part in 0..4 {
                let unit = (n * I::LANES + part * wide) / F::UNIT;
                let scale = isa.spread(&scales, (unit, 1), wide);
                let bias = isa.spread(&biases, (unit, 1), wide);
                each(4 * n + part, isa.fma(scale, isa.widen(codes, part), bias));
            }
        },
    );
}

/// [`Format::floats`] of a format that is decoded by scalar code.
#[inline(always)]
pub fn plain_floats<I: Isa, const N: usize>(
    isa: I,
    weights: &[f32; N],
    mut each: impl FnMut(usize, I::F32),
) {
    let wide = I::LANES / 4;
    for n in 0..N.div_ceil(wide) {
        let have = wide.min(N - n * wide);
        let mut lanes = [0.0; 16];
        lanes[..have].copy_from_slice(&weights[n * wide..n * wide + have]);
        each(n, isa.load_f32(&lanes, 0));
    }
}

/// Decodes rows of blocks with a block's scalar decoder.
pub fn dequantize_blocks<B: Stored, const N: usize>(
    bytes: &[u8],
    weights: &mut [f32],
    decode: fn(&B) -> [f32; N],
) {
    for (block, weights) in bytes.chunks_exact(size_of::<B>()).zip(weights.chunks_exact_mut(N)) {
        let mut stored = B::new_zeroed();
        stored.as_mut_bytes().copy_from_slice(block);
        weights.copy_from_slice(&decode(&stored));
    }
}

/// Bytes, weights or shapes that do not go together.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ShapeError {
    /// A row must be whole blocks.
    #[error("{columns} columns are not a multiple of {format}'s {block}")]
    Columns { format: &'static str, columns: usize, block: usize },
    /// A buffer does not have the size that its shape asks for.
    #[error("{what} has {have} {unit}, but its shape needs {need}")]
    Length { what: &'static str, unit: &'static str, have: usize, need: usize },
    /// A shape whose size does not fit memory.
    #[error("{rows} x {columns} {format} weights are more than an address space holds")]
    Overflow { format: &'static str, rows: usize, columns: usize },
    /// Encoding needs a layout whose equation is a product.
    #[error("{format} has no encoder; its file must come from elsewhere")]
    NoEncoder { format: &'static str },
}

/// A quantization format at run time: a row of the table of formats.
///
/// Identity is the address: compare with [`std::ptr::eq`] or `==`.
pub struct FormatInfo {
    /// As in files and on the command line: `Q4_K`.
    pub name: &'static str,
    /// One line for tables.
    pub summary: &'static str,
    /// `ggml_type` in GGUF files.
    pub ggml_type: Option<u32>,
    /// Weights in a block.
    pub block_len: usize,
    /// Bytes of a block.
    pub block_bytes: usize,
    /// Changes when what is generated from the declaration changes; 0 if nothing is. The machine
    /// code of kernels is told apart by [`FormatInfo::kernel_hash`].
    pub code_hash: u64,
    /// Declared formats: where everything lies.
    pub layout: Option<&'static Layout>,
    #[doc(hidden)]
    pub dequantize: fn(&[u8], &mut [f32]),
    /// Every kernel of the format, on every instruction set of this build.
    pub kernels: &'static [Kernel],
}

impl std::fmt::Debug for FormatInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for FormatInfo {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for FormatInfo {}

impl FormatInfo {
    /// Changes when the kernels change: what is generated from the declaration, or the sources of
    /// the loops that it is compiled into. What was measured with other kernels says nothing about
    /// these.
    #[must_use]
    pub const fn kernel_hash(&self) -> u64 {
        sources::add(sources::HASH, &self.code_hash.to_le_bytes())
    }

    /// Storage cost, scales included.
    #[must_use]
    pub fn bits_per_weight(&self) -> f64 {
        8.0 * self.block_bytes as f64 / self.block_len as f64
    }

    /// Whether its weights are bfloat16, which `gemv` has kernels for, too.
    pub(crate) fn is_bf16(&self) -> bool {
        let is_gemv = |entry: &Entry| matches!(entry, Entry::GemvQ8(_) | Entry::GemvF32(_));
        self.kernels.iter().any(|kernel| kernel.class == Numerics::Bf16 && is_gemv(&kernel.entry))
    }

    /// Bytes of a row of `columns` weights.
    ///
    /// # Errors
    /// If `columns` is not whole blocks, or the size overflows.
    pub fn row_bytes(&self, columns: usize) -> Result<usize, ShapeError> {
        let format = self.name;
        if !columns.is_multiple_of(self.block_len) {
            return Err(ShapeError::Columns { format, columns, block: self.block_len });
        }
        (columns / self.block_len).checked_mul(self.block_bytes).ok_or(ShapeError::Overflow {
            format,
            rows: 1,
            columns,
        })
    }

    /// Bytes of `rows` rows of `columns` weights.
    ///
    /// # Errors
    /// If `columns` is not whole blocks, or the size overflows.
    pub fn bytes(&self, rows: usize, columns: usize) -> Result<usize, ShapeError> {
        self.row_bytes(columns)?.checked_mul(rows).ok_or(ShapeError::Overflow {
            format: self.name,
            rows,
            columns,
        })
    }

    /// Decodes whole blocks to `f32`, with the equation of the declaration.
    ///
    /// # Errors
    /// If `weights` is not whole blocks, or `bytes` not exactly those blocks.
    pub fn dequantize(&self, bytes: &[u8], weights: &mut [f32]) -> Result<(), ShapeError> {
        self.check(bytes.len(), weights.len())?;
        (self.dequantize)(bytes, weights);
        Ok(())
    }

    /// Encodes weights: the nearest codes under scales chosen for the least squared error.
    ///
    /// # Errors
    /// If `weights` is not whole blocks, `bytes` not exactly those blocks, or the layout has no
    /// encoder.
    pub fn quantize(&self, weights: &[f32], bytes: &mut [u8]) -> Result<(), ShapeError> {
        self.check(bytes.len(), weights.len())?;
        encode::encode(self, weights, bytes)
    }

    fn check(&self, bytes: usize, weights: usize) -> Result<(), ShapeError> {
        let need = self.row_bytes(weights)?;
        if bytes != need {
            return Err(ShapeError::Length { what: self.name, unit: "bytes", have: bytes, need });
        }
        Ok(())
    }
}
