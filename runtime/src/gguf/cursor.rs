//! A reader that cannot leave its slice, and says what it was reading when it tried.
//!
//! Lengths come from the file and may be anything up to `u64::MAX`. Every read compares the length
//! with what is left *before* it is used, so no length reaches an allocation or an index unchecked.

use std::fmt;

use super::error::{GgufError, shown};

/// What is being read, for error messages. `Copy`, so that the happy path formats nothing.
#[derive(Clone, Copy)]
pub(crate) enum Part<'a> {
    Header,
    /// The n-th key, which has no name until it is read.
    Key(u64),
    /// The value of a key.
    Value(&'a str),
    /// The name of the n-th tensor.
    TensorName(u64),
    /// The description of a tensor.
    Tensor(&'a str),
}

impl fmt::Display for Part<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Part::Header => write!(f, "header"),
            Part::Key(index) => write!(f, "metadata key {index}"),
            Part::Value(key) => write!(f, "metadata {:?}", shown(key)),
            Part::TensorName(index) => write!(f, "name of tensor {index}"),
            Part::Tensor(name) => write!(f, "tensor {:?}", shown(name)),
        }
    }
}

/// A position in a byte slice. Everything it hands out is borrowed from the slice.
#[derive(Clone)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bytes read so far, which is the offset of the next one.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Bytes not read yet.
    pub(crate) fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// The next `count` bytes.
    pub(crate) fn take(&mut self, count: u64, part: Part<'_>) -> Result<&'a [u8], GgufError> {
        self.expect(count, part)?;
        // `expect` compared `count` with a usize, so it fits one.
        let taken = &self.bytes[self.at..][..count as usize];
        self.at += taken.len();
        Ok(taken)
    }

    /// Errs unless `count` more bytes are there.
    pub(crate) fn expect(&self, count: u64, part: Part<'_>) -> Result<(), GgufError> {
        if count <= self.left() as u64 {
            return Ok(());
        }
        Err(GgufError::Truncated {
            part: part.to_string(),
            offset: self.at,
            needed: count,
            left: self.left(),
        })
    }

    pub(crate) fn array<const N: usize>(&mut self, part: Part<'_>) -> Result<[u8; N], GgufError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N as u64, part)?);
        Ok(array)
    }

    pub(crate) fn u32(&mut self, part: Part<'_>) -> Result<u32, GgufError> {
        self.array(part).map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self, part: Part<'_>) -> Result<u64, GgufError> {
        self.array(part).map(u64::from_le_bytes)
    }

    /// A GGUF string: u64 length, then UTF-8.
    pub(crate) fn string(&mut self, part: Part<'_>) -> Result<&'a str, GgufError> {
        let length = self.u64(part)?;
        let start = self.at;
        std::str::from_utf8(self.take(length, part)?).map_err(|error| GgufError::Utf8 {
            part: part.to_string(),
            offset: start + error.valid_up_to(),
        })
    }

    /// A string that names something. C readers end a name at its first NUL, so one with a NUL
    /// inside would mean different things to different programs; an empty one means nothing.
    pub(crate) fn name(&mut self, part: Part<'_>) -> Result<&'a str, GgufError> {
        let start = self.at;
        let name = self.string(part)?;
        let (offset, problem) = match name.find('\0') {
            Some(nul) => (start + size_of::<u64>() + nul, "contains a NUL"),
            None if name.is_empty() => (start, "is empty"),
            None => return Ok(name),
        };
        Err(GgufError::Name { part: part.to_string(), offset, problem })
    }
}
