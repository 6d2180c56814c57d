//! A tensor as it lies in a file: a name, a format, a shape and borrowed bytes.
//!
//! Every container (GGUF, SMQ) hands out the same [`TensorView`], so the code that multiplies never
//! knows where a weight came from. The shape is kept in storage order: `dims[0]` is the contiguous
//! dimension. A Linear weight of `out` rows and `in` columns is therefore `[in, out]`, and the two
//! numbers a matmul wants have names: [`depth`](Shape::depth) (K, contiguous, cut into blocks) and
//! [`rows`](Shape::rows) (N, everything else).

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use kernels::FormatInfo;
use thiserror::Error;

use crate::gguf::Mapped;

/// The most dimensions a tensor can have. The limit is ggml's (`GGML_MAX_DIMS`).
pub const MAX_RANK: usize = 4;

/// One to four dimensions in storage order, contiguous first. None is zero and their product fits
/// a `usize`, so [`elements`](Shape::elements) cannot overflow.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Unused dimensions are 1, so that products need no special case.
    dims: [usize; MAX_RANK],
    rank: u8,
}

/// Why dimensions are no shape, or why a shape cannot be stored in a format.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ShapeError {
    /// No dimension, or more than [`MAX_RANK`].
    #[error("{rank} dimensions, but a tensor has 1 to {MAX_RANK}")]
    Rank {
        /// How many dimensions there were.
        rank: u64,
    },
    /// A dimension of length zero.
    #[error("dimension {axis} is zero")]
    Zero {
        /// Index of the dimension, contiguous first.
        axis: usize,
    },
    /// More elements or more bytes than this machine can address.
    #[error("the product of the dimensions does not fit {} bits", usize::BITS)]
    Overflow,
    /// Blocks lie along a row, so a row must be a whole number of them.
    #[error("{depth} columns are not a multiple of {format}'s {block}")]
    Depth {
        /// Elements in a row.
        depth: usize,
        /// Name of the format.
        format: &'static str,
        /// Elements in one of its blocks.
        block: usize,
    },
    /// A view whose bytes are not as many as its shape and format need.
    #[error("{found} bytes of data, but the shape needs {expected}")]
    Bytes {
        /// Bytes the shape takes in this format.
        expected: usize,
        /// Bytes there are.
        found: usize,
    },
}

impl Shape {
    /// A shape from dimensions in storage order, contiguous first.
    ///
    /// # Errors
    ///
    /// [`ShapeError::Rank`], [`ShapeError::Zero`] or [`ShapeError::Overflow`].
    pub fn new(dims: &[usize]) -> Result<Self, ShapeError> {
        if !(1..=MAX_RANK).contains(&dims.len()) {
            let rank = dims.len() as u64;
            return Err(ShapeError::Rank { rank });
        }
        if let Some(axis) = dims.iter().position(|&dim| dim == 0) {
            return Err(ShapeError::Zero { axis });
        }
        dims.iter()
            .try_fold(1usize, |product, &dim| product.checked_mul(dim))
            .ok_or(ShapeError::Overflow)?;
        let mut padded = [1; MAX_RANK];
        padded[..dims.len()].copy_from_slice(dims);
        Ok(Self { dims: padded, rank: dims.len() as u8 })
    }

    /// The dimensions in storage order, contiguous first; 1 to 4 of them.
    pub fn dims(&self) -> &[usize] {
        &self.dims[..self.rank()]
    }

    /// Number of dimensions, 1 to 4.
    pub fn rank(&self) -> usize {
        usize::from(self.rank)
    }

    /// Elements in a row: the contiguous dimension, K of a matmul.
    pub fn depth(&self) -> usize {
        self.dims[0]
    }

    /// Number of rows: the product of all other dimensions, N of a matmul. A vector has one row.
    pub fn rows(&self) -> usize {
        self.dims[1..].iter().product()
    }

    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.dims.iter().product()
    }

    /// Bytes the shape takes in `format`, rows back to back.
    ///
    /// # Errors
    ///
    /// [`ShapeError::Depth`] if a row is not a whole number of blocks, [`ShapeError::Overflow`] if
    /// the bytes cannot be addressed.
    pub fn bytes(&self, format: &FormatInfo) -> Result<usize, ShapeError> {
        if !self.depth().is_multiple_of(format.block_len) {
            return Err(ShapeError::Depth {
                depth: self.depth(),
                format: format.name,
                block: format.block_len,
            });
        }
        (self.elements() / format.block_len)
            .checked_mul(format.block_bytes)
            .ok_or(ShapeError::Overflow)
    }
}

/// `[4096, 14336]`: storage order, as files and `inspect` show it.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.dims())
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A tensor in a file, borrowed: nothing is copied or decoded.
#[derive(Clone, Copy)]
pub struct TensorView<'a> {
    /// The name the file gives it, such as `blk.3.attn_k.weight`.
    pub name: &'a str,
    /// How its blocks are laid out. Identity is by address: a format is a row of a table.
    pub format: &'static FormatInfo,
    /// Dimensions in storage order, contiguous first.
    pub shape: Shape,
    /// The blocks, row after row, with no alignment promised.
    pub bytes: &'a [u8],
}

impl<'a> TensorView<'a> {
    /// A view of `bytes`, checked to hold exactly the blocks that `shape` takes in `format`.
    ///
    /// # Errors
    ///
    /// [`ShapeError::Depth`], [`ShapeError::Overflow`] or [`ShapeError::Bytes`].
    pub fn new(
        name: &'a str,
        format: &'static FormatInfo,
        shape: Shape,
        bytes: &'a [u8],
    ) -> Result<Self, ShapeError> {
        let expected = shape.bytes(format)?;
        if bytes.len() != expected {
            let found = bytes.len();
            return Err(ShapeError::Bytes { expected, found });
        }
        Ok(Self { name, format, shape, bytes })
    }

    /// Number of rows, N of a matmul.
    pub fn rows(&self) -> usize {
        self.shape.rows()
    }

    /// Elements in a row, K of a matmul.
    pub fn depth(&self) -> usize {
        self.shape.depth()
    }

    /// Bytes from one row to the next.
    pub fn row_bytes(&self) -> usize {
        self.depth() / self.format.block_len * self.format.block_bytes
    }

    /// The blocks of row `n`.
    ///
    /// # Panics
    ///
    /// If `n` is not below [`rows`](Self::rows), as indexing a slice would.
    pub fn row(&self, n: usize) -> &'a [u8] {
        let rows = self.rows();
        assert!(n < rows, "tensor {:?}: row {n} of {rows} does not exist", self.name);
        let bytes = self.row_bytes();
        &self.bytes[n * bytes..][..bytes]
    }
}

/// The bytes are left out: a weight is megabytes.
impl fmt::Debug for TensorView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TensorView")
            .field("name", &self.name)
            .field("format", &self.format.name)
            .field("shape", &self.shape)
            .field("bytes", &self.bytes.len())
            .finish()
    }
}

/// Something that is a tensor: borrowed ([`TensorView`]) or owned ([`Tensor`]).
pub trait AsTensor {
    /// The tensor.
    fn view(&self) -> TensorView<'_>;
}

impl AsTensor for TensorView<'_> {
    fn view(&self) -> TensorView<'_> {
        *self
    }
}

/// A tensor that owns a share of where its bytes lie: a file that it keeps mapped, or memory.
/// Cloning copies no weights.
#[derive(Clone)]
pub struct Tensor {
    name: Arc<str>,
    format: &'static FormatInfo,
    shape: Shape,
    bytes: Bytes,
}

#[derive(Clone)]
enum Bytes {
    File(Arc<Mapped>, Range<usize>),
    Memory(Arc<[u8]>, Range<usize>),
}

impl Tensor {
    /// A view into a file, made to last.
    ///
    /// # Panics
    /// If the view's bytes are not bytes of the file.
    #[must_use]
    pub fn of_file(file: &Arc<Mapped>, view: &TensorView<'_>) -> Self {
        let all = file.bytes().as_ptr_range();
        let own = view.bytes.as_ptr_range();
        assert!(all.start <= own.start && own.end <= all.end, "a view into another file");
        let start = own.start.addr() - all.start.addr();
        let bytes = Bytes::File(Arc::clone(file), start..start + view.bytes.len());
        Self { name: view.name.into(), format: view.format, shape: view.shape, bytes }
    }

    /// Bytes in memory, checked to hold exactly the blocks that `shape` takes in `format`.
    ///
    /// # Errors
    /// As [`TensorView::new`].
    pub fn in_memory(
        name: &str,
        format: &'static FormatInfo,
        shape: Shape,
        bytes: impl Into<Arc<[u8]>>,
    ) -> Result<Self, ShapeError> {
        let bytes = bytes.into();
        TensorView::new(name, format, shape, &bytes)?;
        let all = 0..bytes.len();
        Ok(Self { name: name.into(), format, shape, bytes: Bytes::Memory(bytes, all) })
    }

    /// Some of the rows, as a matrix: a part of several weights that were stored as one.
    ///
    /// # Panics
    /// If there are no such rows, or `rows` is empty.
    #[must_use]
    pub fn rows(&self, rows: Range<usize>) -> Self {
        let view = self.view();
        assert!(!rows.is_empty() && rows.end <= view.rows(), "rows {rows:?} of {view:?}");
        let shape = Shape::new(&[view.depth(), rows.len()]).expect("smaller than the whole");
        let (start, end) = (rows.start * view.row_bytes(), rows.end * view.row_bytes());
        let part = |all: &Range<usize>| all.start + start..all.start + end;
        let bytes = match &self.bytes {
            Bytes::File(file, all) => Bytes::File(Arc::clone(file), part(all)),
            Bytes::Memory(bytes, all) => Bytes::Memory(Arc::clone(bytes), part(all)),
        };
        Self { name: Arc::clone(&self.name), format: self.format, shape, bytes }
    }

    /// Whether the bytes are a file's, in place.
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        matches!(&self.bytes, Bytes::File(file, _) if file.is_mapped())
    }
}

impl AsTensor for Tensor {
    fn view(&self) -> TensorView<'_> {
        let bytes = match &self.bytes {
            Bytes::File(file, range) => &file.bytes()[range.clone()],
            Bytes::Memory(bytes, range) => &bytes[range.clone()],
        };
        TensorView { name: &self.name, format: self.format, shape: self.shape, bytes }
    }
}

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.view(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(name: &str) -> &'static FormatInfo {
        kernels::formats::by_name(name).expect("a format every build has")
    }

    #[test]
    fn rows_are_everything_but_the_contiguous_dimension() {
        let shape = Shape::new(&[64, 3, 5]).unwrap();
        assert_eq!((shape.rows(), shape.depth()), (15, 64));
        assert_eq!(shape.elements(), 960);
        assert_eq!(shape.to_string(), "[64, 3, 5]");
        assert_eq!(Shape::new(&[7]).unwrap().rows(), 1);
    }

    #[test]
    fn impossible_dimensions_are_refused() {
        assert_eq!(Shape::new(&[]), Err(ShapeError::Rank { rank: 0 }));
        assert_eq!(Shape::new(&[1; 5]), Err(ShapeError::Rank { rank: 5 }));
        assert_eq!(Shape::new(&[4, 0]), Err(ShapeError::Zero { axis: 1 }));
        assert_eq!(Shape::new(&[usize::MAX, 2]), Err(ShapeError::Overflow));
    }

    #[test]
    fn a_row_is_a_whole_number_of_blocks() {
        let error = Shape::new(&[4100, 2]).unwrap().bytes(format("Q4_K"));
        assert_eq!(error.unwrap_err().to_string(), "4100 columns are not a multiple of Q4_K's 256");
        assert_eq!(
            Shape::new(&[usize::MAX]).unwrap().bytes(format("F32")),
            Err(ShapeError::Overflow)
        );
    }

    #[test]
    fn rows_lie_back_to_back() {
        let bytes: Vec<u8> = (0..2 * 68).collect();
        let shape = Shape::new(&[64, 2]).unwrap();
        let view = TensorView::new("w", format("Q8_0"), shape, &bytes).unwrap();
        assert_eq!((view.rows(), view.depth(), view.row_bytes()), (2, 64, 68));
        assert_eq!(view.row(1), &bytes[68..]);
        let tensor = Tensor::in_memory("w", view.format, shape, bytes.clone()).unwrap();
        assert_eq!(tensor.rows(1..2).rows(0..1).view().bytes, &bytes[68..]);
        let short = TensorView::new("w", format("Q8_0"), shape, &bytes[1..]);
        assert_eq!(short.unwrap_err(), ShapeError::Bytes { expected: 136, found: 135 });
    }
}
