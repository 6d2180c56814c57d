//! What the validator has to say about an SMQ file.

use thiserror::Error;

use super::{ENTRY_BYTES, HEADER_BYTES};

/// Tensors above which a file is thought odd, and bytes of metadata.
pub(super) const MANY_TENSORS: u32 = 100_000;
pub(super) const MUCH_METADATA: u32 = 10 << 20;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The file can be used.
    Warning,
    /// The file cannot be used.
    Error,
}

/// Something wrong or odd about a file. Offsets are bytes from its start.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum Finding {
    /// The file ends inside its header.
    #[error("the file has {length} bytes, fewer than the {HEADER_BYTES} of the header")]
    Header {
        /// Length of the file.
        length: usize,
    },
    /// The first eight bytes are something else.
    #[error(
        "not an SMQ file: byte 0 begins \"{}\" where \"SMQv0001\" belongs", found.escape_ascii()
    )]
    Magic {
        /// The bytes found.
        found: Vec<u8>,
    },
    /// A version this reader does not know.
    #[error("SMQ version {found} at byte 8 is not supported, 1 is")]
    Version {
        /// The version claimed.
        found: u32,
    },
    /// A header of another length.
    #[error("a header of {found} bytes by byte 12, but it has {HEADER_BYTES}")]
    HeaderSize {
        /// The length claimed.
        found: u32,
    },
    /// Metadata that ends outside the file.
    #[error("{length} bytes of metadata at byte {HEADER_BYTES}, but the file has {left} left")]
    Metadata {
        /// The length claimed.
        length: u32,
        /// Bytes after the header.
        left: u64,
    },
    /// Metadata that is no JSON object.
    #[error("the metadata at byte {HEADER_BYTES}: {problem}")]
    Json {
        /// What is wrong with it.
        problem: String,
    },
    /// A directory that ends outside the file.
    #[error(
        "a directory of {tensors} tensors, {ENTRY_BYTES} bytes each, at byte {offset}, but the \
         file has {left} bytes left; it is damaged or cut short"
    )]
    Directory {
        /// The number of tensors claimed.
        tensors: u32,
        /// Where the directory begins.
        offset: u64,
        /// Bytes from there to the end of the file.
        left: u64,
    },
    /// A directory entry that makes no tensor.
    #[error("tensor {index}, {name:?}, described at byte {offset}: {fault}")]
    Tensor {
        /// Which entry, from 0.
        index: usize,
        /// Its name, as far as it can be read.
        name: String,
        /// Where the entry begins.
        offset: u64,
        /// What is wrong.
        fault: Fault,
    },
    /// Two things that claim the same bytes.
    #[error("{second} begins at byte {offset}, inside {first}")]
    Overlap {
        /// What begins earlier.
        first: String,
        /// What begins later.
        second: String,
        /// Where that is.
        offset: u64,
    },
    /// More tensors than a model has.
    #[error("{tensors} tensors; models have fewer than {MANY_TENSORS}")]
    ManyTensors {
        /// How many.
        tensors: u32,
    },
    /// More metadata than a model has.
    #[error("{length} bytes of metadata; models have fewer than {MUCH_METADATA}")]
    MuchMetadata {
        /// How many bytes.
        length: u32,
    },
}

/// What is wrong with a directory entry.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
#[allow(missing_docs)] // The messages say it.
pub enum Fault {
    #[error("its name is not UTF-8")]
    NotUtf8,
    #[error("it has no name")]
    Unnamed,
    #[error("tensor {first} has the same name")]
    Duplicate { first: usize },
    #[error("scheme {0} is unknown; the file is damaged or of a later version")]
    Scheme(u32),
    #[error("{0} dimensions, but a tensor has 1 to 8")]
    Rank(i32),
    #[error("dimension {axis} is {length}")]
    Dimension { axis: usize, length: i32 },
    #[error("the product of the dimensions is more than can be addressed")]
    Elements,
    #[error("blocks of {found}, but {scheme} has blocks of {expected}")]
    Block { scheme: &'static str, found: u32, expected: String },
    #[error("{columns} columns are not a multiple of {scheme}'s {block}")]
    Columns { scheme: &'static str, columns: usize, block: usize },
    #[error("{length} bytes of {what}, but its shape and scheme need {expected}")]
    Length { what: &'static str, length: u64, expected: u64 },
    #[error("its {what}, {length} bytes at byte {offset}, lies outside the file of {file} bytes")]
    Outside { what: &'static str, offset: u64, length: u64, file: u64 },
}

impl Finding {
    /// Whether the file can be used all the same.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::ManyTensors { .. } | Self::MuchMetadata { .. } => Severity::Warning,
            _ => Severity::Error,
        }
    }
}
