//! What a file says about a tensor: name, type, shape and place.

use std::fmt;

use kernels::FormatInfo;

use super::cursor::{Cursor, Part};
use super::error::{GgufError, shown};
use super::types;
use crate::tensor::{MAX_RANK, Shape, ShapeError};

/// The shortest description: name length, one byte of name, rank, one dimension, type, offset.
pub(crate) const LEAST_INFO_BYTES: u64 = 8 + 1 + 4 + 8 + 4 + 8;

/// A tensor as the file describes it.
#[derive(Clone)]
pub struct TensorInfo<'a> {
    /// The tensor's name, unique in the file.
    pub name: &'a str,
    /// The number of its type.
    pub type_id: u32,
    /// The format with that number, or `None` if this build has no such format.
    pub format: Option<&'static FormatInfo>,
    /// Dimensions in storage order: `[K, N]` for the weight of a Linear with N outputs.
    pub shape: Shape,
    /// Where its data begins, in bytes from the start of the data section.
    pub offset: u64,
    /// Length of its data in bytes, or `None` where the format is unknown and so is the length.
    pub bytes: Option<usize>,
    /// Where this description stands in the file, for errors.
    pub(crate) described_at: usize,
}

impl<'a> TensorInfo<'a> {
    /// The shape as a matmul sees it: `(rows, depth)`, that is N and K.
    pub fn shape(&self) -> (usize, usize) {
        (self.shape.rows(), self.shape.depth())
    }

    /// The name of the tensor's type, or `unknown`.
    pub fn type_name(&self) -> &'static str {
        match self.format {
            Some(format) => format.name,
            None => types::known(self.type_id).0,
        }
    }

    /// What to do about the type if it is not supported, or `None` if it is.
    pub fn advice(&self) -> Option<&'static str> {
        match self.format {
            Some(_) => None,
            None => Some(types::known(self.type_id).1.advice()),
        }
    }

    /// Bytes of data the tensor is known to have: at least one, for every tensor has an element.
    pub(crate) fn least_bytes(&self) -> usize {
        self.bytes.unwrap_or(1)
    }

    /// Reads the description of the `index`-th tensor.
    pub(crate) fn read(cursor: &mut Cursor<'a>, index: u64) -> Result<Self, GgufError> {
        let described_at = cursor.at();
        let name = cursor.name(Part::TensorName(index))?;
        let part = Part::Tensor(name);
        let refuse =
            |source| GgufError::Shape { tensor: shown(name), offset: described_at, source };

        let rank = cursor.u32(part)? as usize;
        if rank > MAX_RANK {
            let rank = rank as u64;
            return Err(refuse(ShapeError::Rank { rank }));
        }
        let mut dims = [0; MAX_RANK];
        for dim in &mut dims[..rank] {
            let claimed = cursor.u64(part)?;
            *dim = usize::try_from(claimed).map_err(|_| refuse(ShapeError::Overflow))?;
        }
        let shape = Shape::new(&dims[..rank]).map_err(refuse)?;
        let type_id = cursor.u32(part)?;
        let offset = cursor.u64(part)?;

        let format = kernels::formats::by_ggml_type(type_id);
        let bytes = format.map(|format| shape.bytes(format));
        Ok(Self {
            name,
            type_id,
            format,
            shape,
            offset,
            bytes: bytes.transpose().map_err(refuse)?,
            described_at,
        })
    }
}

impl fmt::Debug for TensorInfo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TensorInfo")
            .field("name", &self.name)
            .field("type", &self.type_name())
            .field("type_id", &self.type_id)
            .field("shape", &self.shape)
            .field("offset", &self.offset)
            .field("bytes", &self.bytes)
            .finish()
    }
}
