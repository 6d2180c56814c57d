//! Reads GGUF, the file format of llama.cpp, versions 2 and 3.
//!
//! # The file
//!
//! Everything is little endian; a string is a u64 length and UTF-8.
//!
//! ```text
//! "GGUF" | u32 version | u64 tensors | u64 metadata entries
//! metadata entry: string key | u32 type | value                    see `Value`
//!                 an array is u32 element type | u64 length | elements
//! tensor:         string name | u32 rank | u64 dims[rank] | u32 type | u64 offset
//! padding to `general.alignment` (32 unless set)
//! data section:   each tensor at its offset from here, padded to the alignment
//! ```
//!
//! `dims[0]` is the contiguous dimension: the weight of a Linear with K inputs and N outputs is stored
//! as `[K, N]`, row n at `n * row_bytes`. The format is described in ggml's `docs/gguf.md`.
//!
//! # What is trusted
//!
//! Nothing. Models are downloaded, and every length in a file may be a lie. The rules that keep the
//! reader out of trouble are few:
//!
//! - it reads from a slice through a cursor that compares each length with what is left, first;
//! - it never reserves memory for a claim: lists grow with entries that are really there, strings and
//!   arrays are borrowed. What it allocates is bounded by a small multiple of the header;
//! - it checks the place of every tensor while parsing, so a [`TensorView`] cannot fail later;
//! - no loop runs over a number that has not been compared with the bytes left.
//!
//! A damaged file is an error that names the key or the tensor and the byte. A file that is sound but
//! has tensors of a type this build does not know still opens: the tensors are listed, the
//! [`report`](Gguf::report) says what to do about them, and only using one is an error. Values of
//! weights are not looked at here.
//!
//! ```
//! use runtime::gguf::{Gguf, Writer};
//! use runtime::tensor::Shape;
//!
//! let f32 = kernels::formats::by_name("F32").unwrap();
//! let mut writer = Writer::new();
//! writer.metadata("general.name", "tiny");
//! writer.tensor("output.weight", f32, Shape::new(&[2, 1])?);
//! let mut data = writer.begin(Vec::new())?;
//! data.write("output.weight", &[0; 8])?;
//! let file = data.finish()?;
//!
//! let gguf = Gguf::parse(&file)?;
//! assert_eq!(gguf.metadata().str("general.name")?, "tiny");
//! let weight = gguf.tensor("output.weight")?;
//! assert_eq!((weight.rows(), weight.depth()), (1, 2));
//! assert_eq!(gguf.report().to_string(), "1 tensors: 1 supported, 0 not supported");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod array;
mod cursor;
mod error;
mod header;
mod info;
pub mod map;
mod metadata;
mod report;
mod split;
mod types;
mod value;
mod write;

pub use array::{Array, Values};
pub use error::GgufError;
pub(crate) use header::MAGIC;
pub use info::TensorInfo;
pub use map::{MapError, Mapped};
pub use metadata::{FromValue, Metadata};
pub use report::{Report, Unsupported};
pub use split::Split;
pub use value::{Element, Value, ValueType};
pub use write::{DataWriter, WriteError, Writer};

use crate::tensor::TensorView;
use error::shown;
use header::Header;

/// A GGUF file, parsed and checked, borrowing from its bytes.
pub struct Gguf<'a> {
    bytes: &'a [u8],
    header: Header<'a>,
}

impl<'a> Gguf<'a> {
    /// Parses the header and checks the place of every tensor. The data is not read, so this takes
    /// time in proportion to the header.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the file, with the key or tensor and the byte offset.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, GgufError> {
        let header = Header::parse(bytes)?;
        match header.check(bytes.len() as u64).into_iter().next() {
            Some(error) => Err(error),
            None => Ok(Self { bytes, header }),
        }
    }

    /// Everything that is wrong with a file. Of metadata and tensor descriptions that is the
    /// first thing, for what follows it cannot be found; of names and places of tensors it is all.
    #[must_use]
    pub fn check(bytes: &[u8]) -> Vec<GgufError> {
        match Header::parse(bytes) {
            Ok(header) => header.check(bytes.len() as u64),
            Err(error) => vec![error],
        }
    }

    /// The version of the format: 2 or 3.
    pub fn version(&self) -> u32 {
        self.header.version
    }

    /// Keys and values, in file order.
    pub fn metadata(&self) -> &Metadata<'a> {
        &self.header.metadata
    }

    /// The tensors in the order of the file's list, supported or not.
    pub fn tensors(&self) -> &[TensorInfo<'a>] {
        &self.header.tensors
    }

    /// The data of the tensor called `name`.
    ///
    /// # Errors
    ///
    /// [`GgufError::NoSuchTensor`], or [`GgufError::UnsupportedType`] if this build has no format for
    /// it.
    pub fn tensor(&self, name: &str) -> Result<TensorView<'a>, GgufError> {
        match self.header.tensor(name) {
            Some(info) => self.view(info),
            None => Err(GgufError::NoSuchTensor { tensor: shown(name), split: self.header.split }),
        }
    }

    /// What the file says about the tensor called `name`, supported or not.
    pub fn info(&self, name: &str) -> Option<&TensorInfo<'a>> {
        self.header.tensor(name)
    }

    fn view(&self, info: &TensorInfo<'a>) -> Result<TensorView<'a>, GgufError> {
        let (Some(format), Some(bytes)) = (info.format, info.bytes) else {
            return Err(GgufError::UnsupportedType {
                tensor: shown(info.name),
                offset: info.described_at,
                type_name: info.type_name(),
                type_id: info.type_id,
                advice: info.advice().unwrap_or_default(),
            });
        };
        // In range, and so a usize: `parse` checked the place of every tensor.
        let start = (self.header.data_offset + info.offset) as usize;
        Ok(TensorView {
            name: info.name,
            format,
            shape: info.shape,
            bytes: &self.bytes[start..][..bytes],
        })
    }

    /// What is odd about the file but no error: duplicate keys, a part of a split model.
    pub fn warnings(&self) -> &[String] {
        &self.header.warnings
    }

    /// What the offsets of tensors are multiples of, in bytes; a power of two.
    pub fn alignment(&self) -> usize {
        self.header.alignment
    }

    /// Where the data section begins, in bytes from the start of the file. A file without tensors may
    /// end before it.
    pub fn data_offset(&self) -> u64 {
        self.header.data_offset
    }

    /// Which part of a split model the file is, or `None` if it holds a whole one.
    pub fn split(&self) -> Option<Split> {
        self.header.split
    }

    /// How much of the file this build can compute with, and what to do about the rest.
    pub fn report(&self) -> Report {
        Report::new(self)
    }
}

impl std::fmt::Debug for Gguf<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gguf")
            .field("bytes", &self.bytes.len())
            .field("header", &self.header)
            .finish()
    }
}
