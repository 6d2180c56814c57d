//! Kernels as rows of a table.

use crate::format::Order;
use crate::gemm::tiles::{TileColumns, TileRows};
use crate::gemm::{TileBf16, TileF32, TileQ8};
use crate::gemv;
use crate::isa::IsaInfo;
use crate::panel::{Panel, Shape, Source};
use std::fmt;

/// How activations enter a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Numerics {
    /// Int8 quants in groups of 32 with `f32` scales; integer dot products. The default. Where the
    /// CPU has tile registers, large batches are computed in [`Numerics::Bf16`], with less error.
    Q8,
    /// Int8 quants in groups of 256: faster for large batches, and less exact; the same on tile
    /// registers.
    Q8x256,
    /// Exact weights times `f32` activations.
    F32,
    /// Weights times activations rounded to bfloat16; `f32` products and sums. Weights are exact,
    /// but where the CPU multiplies bfloat16, large batches round F16 weights, too, and on tile
    /// registers those of every format, and take what is subnormal for zero.
    Bf16,
}

impl Numerics {
    /// Every class, the default first.
    pub const ALL: [Self; 4] = [Self::Q8, Self::Q8x256, Self::F32, Self::Bf16];

    /// As in profiles and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Q8 => "q8",
            Self::Q8x256 => "q8_256",
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        }
    }

    /// The class called `name`.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }

    /// Whether activations are quantized, and multiplied as integers.
    #[must_use]
    pub fn quantizes(self) -> bool {
        matches!(self, Self::Q8 | Self::Q8x256)
    }

    /// The classes of the `gemv` kernels that compute it, and of the `gemm` kernels, the best first.
    /// A `gemv` kernel asks for a scale of each 32 quants, whether they differ or not; in class `f32`
    /// it takes what was rounded to bfloat16, too.
    pub(crate) fn of_kernels(self) -> (&'static [Self], &'static [Self]) {
        match self {
            Self::Q8 => (&[Self::Q8], &[Self::Q8]),
            Self::Q8x256 => (&[Self::Q8], &[Self::Q8x256]),
            Self::Bf16 => (&[Self::Bf16, Self::F32], &[Self::Bf16, Self::F32]),
            Self::F32 => (&[Self::F32], &[Self::F32]),
        }
    }
}

impl fmt::Display for Numerics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A compiled kernel: one format on one instruction set.
pub struct Kernel {
    /// The symbol a profiler shows.
    pub name: &'static str,
    /// What the CPU must have.
    pub isa: &'static IsaInfo,
    /// What activations it takes.
    pub class: Numerics,
    /// Rows of weights in its register tile (MR).
    pub rows: usize,
    /// Columns of activations in its register tile (NR), at most.
    pub columns: usize,
    /// Weights of a row that it decodes at a time.
    pub span: usize,
    /// The order in which it takes quants (see `Coded::ORDER_WIDE`).
    #[doc(hidden)]
    pub order: Option<Order>,
    #[doc(hidden)]
    pub entry: Entry,
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Entry points. Each is compiled with its instruction set's features: calling one is sound only
/// on a CPU that has them, which a [`Ready`] kernel proves.
#[doc(hidden)]
#[allow(missing_docs)]
pub enum Entry {
    GemvQ8(unsafe fn(&gemv::Args<'_>, &mut [f32])),
    /// Classes `f32` and `bf16`.
    GemvF32(unsafe fn(&gemv::Args<'_>, &mut [f32])),
    GemmQ8 {
        unpack: unsafe fn(&Source<'_>, &mut Panel),
        /// By number of columns, less one.
        tiles: &'static [unsafe fn(&mut TileQ8<'_>)],
        shape: Shape,
    },
    GemmF32 {
        unpack: unsafe fn(&Source<'_>, &mut Panel),
        tiles: &'static [unsafe fn(&mut TileF32<'_>)],
    },
    /// Needs [`IsaInfo::multiplies_bf16`] as well.
    GemmBf16 {
        unpack: unsafe fn(&Source<'_>, &mut Panel),
        tiles: &'static [unsafe fn(&mut TileBf16<'_>)],
    },
    /// The same on tile registers: panels of rows, and one tile for any number of columns.
    GemmTiles {
        unpack: unsafe fn(&Source<'_>, &mut Panel),
        pack: unsafe fn(&mut TileColumns<'_>),
        tile: unsafe fn(&mut TileRows<'_, '_>),
        /// Whether rows can also be read where they lie: they are bfloat16.
        in_place: bool,
    },
}

/// A kernel that this CPU can run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ready(&'static Kernel);

impl Ready {
    pub(crate) fn new(kernel: &'static Kernel) -> Option<Self> {
        let supported = match kernel.entry {
            Entry::GemmBf16 { .. } | Entry::GemmTiles { .. } => kernel.isa.multiplies_bf16(),
            _ => kernel.isa.is_supported(),
        };
        supported.then_some(Self(kernel))
    }

    pub(crate) fn kernel(self) -> &'static Kernel {
        self.0
    }

    /// Runs a `gemv` kernel: `out[c * rows + r]`.
    pub(crate) fn gemv(self, args: &gemv::Args<'_>, out: &mut [f32]) {
        let (Entry::GemvQ8(run) | Entry::GemvF32(run)) = self.0.entry else {
            unreachable!("{} is no gemv kernel", self.0.name)
        };
        // SAFETY: a ready kernel's features were detected on this CPU.
        unsafe { run(args, out) }
    }

    /// Unpacks rows of weights for a `gemm` kernel.
    pub(crate) fn unpack(self, source: &Source<'_>, panel: &mut Panel) {
        let (Entry::GemmQ8 { unpack, .. }
        | Entry::GemmF32 { unpack, .. }
        | Entry::GemmBf16 { unpack, .. }
        | Entry::GemmTiles { unpack, .. }) = self.0.entry
        else {
            unreachable!("{} is no gemm kernel", self.0.name)
        };
        // SAFETY: a ready kernel's features were detected on this CPU.
        unsafe { unpack(source, panel) }
    }

    /// Runs a class `q8` tile of `columns` columns.
    pub(crate) fn tile_q8(self, columns: usize, tile: &mut TileQ8<'_>) {
        let Entry::GemmQ8 { tiles, .. } = self.0.entry else {
            unreachable!("{} is no q8 gemm kernel", self.0.name)
        };
        // SAFETY: a ready kernel's features were detected on this CPU.
        unsafe { tiles[columns - 1](tile) }
    }

    /// Runs a class `bf16` tile of `columns` columns.
    pub(crate) fn tile_bf16(self, columns: usize, tile: &mut TileBf16<'_>) {
        let Entry::GemmBf16 { tiles, .. } = self.0.entry else {
            unreachable!("{} is no bf16 gemm kernel", self.0.name)
        };
        // SAFETY: a ready kernel's features were detected on this CPU.
        unsafe { tiles[columns - 1](tile) }
    }

    /// Packs columns of class `bf16` for tile registers.
    pub(crate) fn pack_tiles(self, columns: &mut TileColumns<'_>) {
        let Entry::GemmTiles { pack, .. } = self.0.entry else {
            unreachable!("{} is no gemm kernel on tile registers", self.0.name)
        };
        // SAFETY: a ready kernel's features were detected on this CPU.
        unsafe { pack(columns) }
    }

    /// Runs tiles of class `bf16` on tile registers.
    pub(crate) fn tile_rows(self, rows: &mut TileRows<'_, '_>) {
        let Entry::GemmTiles { tile, .. } = self.0.entry else {
            unreachable!("{} is no gemm kernel on tile registers", self.0.name)
        };
        // SAFETY: a ready kernel's features were detected on this CPU.
        unsafe { tile(rows) }
    }

    /// Runs a class `f32` tile of `columns` columns.
    pub(crate) fn tile_f32(self, columns: usize, tile: &mut TileF32<'_>) {
        let Entry::GemmF32 { tiles, .. } = self.0.entry else {
            unreachable!("{} is no f32 gemm kernel", self.0.name)
        };
        // SAFETY: a ready kernel's features were detected on this CPU.
        unsafe { tiles[columns - 1](tile) }
    }
}
