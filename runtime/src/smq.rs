//! Reads and writes SMQ version 1, SmallMind's container of quantized weights.
//!
//! # The file
//!
//! All little endian; no alignment, no padding; offsets count from the start of the file.
//!
//! ```text
//! "SMQv0001" | u32 version 1 | u32 header size 32 | u32 tensors | u32 JSON bytes | u64 0
//! JSON: one object
//! tensor, 156 bytes: name[64] | u32 scheme | i32 rank | i32 dims[8] | u32 block size
//!                    u64 data offset | u64 data length | u64 aux offset | u64 aux length | 0[16]
//! blobs, in the order of the tensors: data, then aux
//! ```
//!
//! `dims` are those of C arrays, `(out, in)`: the reverse of GGUF's. A name may fill its 64 bytes;
//! a shorter one is padded with NULs. What data and aux hold is the scheme's business, see
//! [`Scheme`]: the schemes of the original writer are *planar*, with all codes in one blob and a
//! scale for each block of the flattened array in the other, so that a block may straddle rows.
//!
//! # What is checked
//!
//! [`Smq::check`] reports everything that is wrong or odd about a file, not only the first thing;
//! [`Smq::parse`] refuses a file with an error among its findings. Nothing in a file is trusted:
//! the directory is compared with the length of the file before it is walked, and what is
//! allocated is in proportion to it.
//!
//! # How it is computed with
//!
//! Kernels take rows of blocks. [`Entry::rows`] hands those schemes that are rows of blocks over
//! in place and brings the planar ones into such a form: exactly, always.

mod finding;
mod keys;
pub mod manifest;
mod planar;
mod read;
mod rows;
mod scheme;
mod write;

use std::ops::Range;

use kernels::FormatInfo;
use serde_json::{Map, Value as Json};
use thiserror::Error;

use crate::tensor::{Shape, ShapeError};

pub use finding::{Fault, Finding, Severity};
pub(crate) use keys::{from_gguf, to_gguf};
pub use manifest::Manifest;
pub use planar::{Planar, encode};
pub use rows::Rows;
pub(crate) use rows::{LEN as BLOCK_LEN, interleaved, planes};
pub use scheme::{SCHEMES, Scheme};
pub use write::{BlobWriter, WriteError, Writer};

/// The first bytes of every SMQ file.
pub const MAGIC: [u8; 8] = *b"SMQv0001";

/// The block size of the original writer, where nothing else is asked for.
pub const DEFAULT_BLOCK: u32 = 64;

/// Bytes of the header and of a directory entry.
const HEADER_BYTES: u64 = 32;
const ENTRY_BYTES: u64 = 156;
/// Bytes that a name may have.
const NAME_BYTES: usize = 64;

/// An SMQ file, parsed and checked, borrowing from its bytes.
#[derive(Debug)]
pub struct Smq<'a> {
    json: &'a [u8],
    metadata: Map<String, Json>,
    entries: Vec<Entry<'a>>,
    warnings: Vec<Finding>,
}

/// A tensor of a file.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// Its name, unique in the file.
    pub name: &'a str,
    /// How its numbers are stored.
    pub scheme: &'static Scheme,
    /// One to eight dimensions, outermost first; none is zero.
    pub dims: Vec<usize>,
    /// Numbers that share a scale; 0 where each is by itself.
    pub block: usize,
    /// Codes, or whole blocks.
    pub data: &'a [u8],
    /// Scales of a planar scheme.
    pub aux: &'a [u8],
    /// Where `data` lies in the file.
    pub place: Range<u64>,
}

/// A file that cannot be used.
#[derive(Debug, Error)]
#[error("{}{}", .errors[0], match .errors.len() {
    1 => String::new(),
    count => format!(" (and {} more errors; `verify` lists them)", count - 1),
})]
pub struct SmqError {
    errors: Vec<Finding>,
}

impl<'a> Smq<'a> {
    /// Parses a file. The weights are not looked at.
    ///
    /// # Errors
    /// If [`Smq::check`] finds an error.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, SmqError> {
        let (smq, findings) = read::read(bytes);
        let (errors, warnings): (Vec<_>, Vec<_>) =
            findings.into_iter().partition(|finding| finding.severity() == Severity::Error);
        match smq {
            Some(smq) if errors.is_empty() => Ok(Self { warnings, ..smq }),
            _ => Err(SmqError { errors }),
        }
    }

    /// Everything that is wrong or odd about a file, in the order of the file.
    #[must_use]
    pub fn check(bytes: &[u8]) -> Vec<Finding> {
        read::read(bytes).1
    }

    /// The JSON object, as it stands in the file; empty if there is none.
    #[must_use]
    pub fn json(&self) -> &'a [u8] {
        self.json
    }

    /// The JSON object; empty if there is none.
    #[must_use]
    pub fn metadata(&self) -> &Map<String, Json> {
        &self.metadata
    }

    /// The tensors in file order.
    #[must_use]
    pub fn entries(&self) -> &[Entry<'a>] {
        &self.entries
    }

    /// What is odd about the file but no error.
    #[must_use]
    pub fn warnings(&self) -> &[Finding] {
        &self.warnings
    }
}

impl SmqError {
    /// All errors of the file; at least one.
    #[must_use]
    pub fn errors(&self) -> &[Finding] {
        &self.errors
    }
}

impl Entry<'_> {
    /// Number of elements.
    #[must_use]
    pub fn elements(&self) -> usize {
        self.dims.iter().product()
    }

    /// The shape in storage order, contiguous first.
    ///
    /// # Errors
    /// If the tensor has more than [`MAX_RANK`](crate::tensor::MAX_RANK) dimensions.
    pub fn shape(&self) -> Result<Shape, ShapeError> {
        let dims: Vec<usize> = self.dims.iter().rev().copied().collect();
        Shape::new(&dims)
    }

    /// The scheme's format, where it is rows of a format's blocks.
    #[must_use]
    pub fn format(&self) -> Option<&'static FormatInfo> {
        self.scheme.planar.is_none().then(|| self.scheme.format())
    }
}
