//! A format as data: every number is a list of source bits.
//!
//! What the block stores and what the lets say are reduced to [`Numbers`]: for each number the
//! positions, low bit first, of the bits it is made of. Checks, scalar code, vector code, encoder
//! and documentation all start from that.

use super::equation::Equation;
use syn::{Attribute, Expr, Ident, Visibility};

/// A declared format, understood.
pub(crate) struct Format {
    pub(crate) docs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) name: Ident,
    pub(crate) ggml_type: Option<u32>,
    pub(crate) fields: Vec<Field>,
    /// Bytes of a block.
    pub(crate) bytes: usize,
    /// Numbers that the equation uses: lets, and integer fields used directly.
    pub(crate) numbers: Vec<Numbers>,
    /// Bits that a let named `_...` declares to be padding.
    pub(crate) padding: Vec<Numbers>,
    pub(crate) tables: Vec<Table>,
    pub(crate) equation: Equation,
    /// The right side as written, for the scalar code.
    pub(crate) weight: Expr,
}

impl Format {
    /// Weights per block.
    pub(crate) fn block(&self) -> usize {
        self.codes().bits.len()
    }

    pub(crate) fn codes(&self) -> &Numbers {
        &self.numbers[self.equation.code.numbers]
    }
}

/// A field of the block, `count` elements from byte `offset`.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) docs: Vec<Attribute>,
    pub(crate) name: Ident,
    pub(crate) kind: Kind,
    /// Elements; `None` for a scalar.
    pub(crate) count: Option<usize>,
    pub(crate) offset: usize,
}

impl Field {
    pub(crate) fn bytes(&self) -> usize {
        self.kind.bytes() * self.count.unwrap_or(1)
    }

    /// Positions in the block, counted in bits.
    pub(crate) fn bits(&self) -> std::ops::Range<usize> {
        8 * self.offset..8 * (self.offset + self.bytes())
    }

    /// The elements of an integer field.
    pub(crate) fn numbers(&self) -> Numbers {
        let width = 8 * self.kind.bytes();
        let first = 8 * self.offset;
        let number = |n: usize| (first + n * width..first + (n + 1) * width).map(Some).collect();
        Numbers {
            name: self.name.clone(),
            width,
            signed: self.kind == Kind::I8,
            bits: (0..self.count.unwrap_or(1)).map(number).collect(),
        }
    }
}

/// Padding is stored but never read.
pub(crate) fn is_padding(name: &Ident) -> bool {
    name.to_string().starts_with('_')
}

/// The source of one bit of a number: a bit of the block, or a constant zero.
pub(crate) type Bit = Option<usize>;

/// Numbers of equal width, each a list of source bits, low bit first.
#[derive(Clone, Debug)]
pub(crate) struct Numbers {
    pub(crate) name: Ident,
    pub(crate) width: usize,
    /// Two's complement.
    pub(crate) signed: bool,
    pub(crate) bits: Vec<Vec<Bit>>,
}

/// A table of levels that codes index.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) name: Ident,
    pub(crate) levels: Vec<i64>,
}

/// What a field's elements are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    F16,
    Bf16,
    F32,
    E8m0,
    Ue4m3,
    U8,
    I8,
    U16,
    U32,
}

impl Kind {
    pub(crate) const ALL: [Self; 9] = [
        Self::F16,
        Self::Bf16,
        Self::F32,
        Self::E8m0,
        Self::Ue4m3,
        Self::U8,
        Self::I8,
        Self::U16,
        Self::U32,
    ];

    /// As in declarations, and as the decoder in `kernels::float`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::F32 => "f32",
            Self::E8m0 => "e8m0",
            Self::Ue4m3 => "ue4m3",
            Self::U8 => "u8",
            Self::I8 => "i8",
            Self::U16 => "u16",
            Self::U32 => "u32",
        }
    }

    pub(crate) fn named(name: &Ident) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| name == kind.name())
    }

    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::E8m0 | Self::Ue4m3 | Self::U8 | Self::I8 => 1,
            Self::F16 | Self::Bf16 | Self::U16 => 2,
            Self::F32 | Self::U32 => 4,
        }
    }

    pub(crate) fn is_float(self) -> bool {
        !matches!(self, Self::U8 | Self::I8 | Self::U16 | Self::U32)
    }
}

/// A name made by the macro, not by the user.
pub(crate) fn made(name: &str) -> Ident {
    Ident::new(name, proc_macro2::Span::call_site())
}
