//! What can be wrong with a GGUF file, in words that say where and what to do.

use thiserror::Error;

use super::map::MapError;
use super::split::Split;
use super::value::ValueType;
use crate::tensor::ShapeError;

/// A file that cannot be read, or a question it cannot answer. Offsets are bytes from the start of
/// the file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GgufError {
    /// The file could not be opened, mapped or read.
    #[error(transparent)]
    File(#[from] MapError),

    /// The first four bytes are something else.
    #[error("not a GGUF file: byte 0 begins \"{}\" where \"GGUF\" belongs", found.escape_ascii())]
    Magic {
        /// The bytes found.
        found: [u8; 4],
    },

    /// A version this reader does not know.
    #[error(
        "GGUF version {version} at byte 4 is not supported, 2 and 3 are; convert the model again \
         with a current converter"
    )]
    Version {
        /// The version claimed.
        version: u32,
    },

    /// The version reads as a small number when its bytes are swapped.
    #[error(
        "the file is big endian (version {version} at byte 4, bytes swapped), which is not \
         supported; convert it with gguf_convert_endian.py from the gguf Python package"
    )]
    BigEndian {
        /// The version, once swapped.
        version: u32,
    },

    /// More entries claimed than the rest of the file could hold.
    #[error(
        "header at byte {offset} claims {count} {what}, but the {left} bytes that follow hold at \
         most {most}; the file is damaged or cut short"
    )]
    Count {
        /// `tensors` or `metadata entries`.
        what: &'static str,
        /// The number claimed.
        count: u64,
        /// Where the claim is.
        offset: usize,
        /// Bytes after the header.
        left: usize,
        /// Entries that would fit if each were as short as can be.
        most: u64,
    },

    /// Something needs more bytes than there are.
    #[error(
        "{part}: {needed} bytes needed at byte {offset}, but the file has {left} left; it is \
         damaged or cut short"
    )]
    Truncated {
        /// What was being read.
        part: String,
        /// Where the bytes should have begun.
        offset: usize,
        /// Bytes needed.
        needed: u64,
        /// Bytes left.
        left: usize,
    },

    /// A string that is not UTF-8.
    #[error("{part}: invalid UTF-8 at byte {offset}")]
    Utf8 {
        /// What was being read.
        part: String,
        /// The first byte that is wrong.
        offset: usize,
    },

    /// A key or a tensor name that names nothing.
    #[error("{part} {problem} at byte {offset}")]
    Name {
        /// Which name.
        part: String,
        /// Where it goes wrong.
        offset: usize,
        /// What is wrong.
        problem: &'static str,
    },

    /// A metadata value type that GGUF does not define.
    #[error("metadata {key:?}: unknown value type {id} at byte {offset}, 0 to 12 are defined")]
    UnknownValueType {
        /// The key.
        key: String,
        /// The type's number.
        id: u32,
        /// Where it is.
        offset: usize,
    },

    /// An array of arrays. GGUF allows it on paper, no writer makes it and no reader takes it.
    #[error("metadata {key:?}: an array of arrays at byte {offset} is not supported")]
    NestedArray {
        /// The key.
        key: String,
        /// Where the element type is.
        offset: usize,
    },

    /// A bool that is neither 0 nor 1.
    #[error("metadata {key:?}: the bool at byte {offset} is {found}, not 0 or 1")]
    Bool {
        /// The key.
        key: String,
        /// Where the bool is.
        offset: usize,
        /// The byte found.
        found: u8,
    },

    /// `general.alignment` is no power of two.
    #[error("metadata \"general.alignment\" at byte {offset}: {alignment} is not a power of two")]
    Alignment {
        /// Where the value is.
        offset: usize,
        /// The value.
        alignment: u32,
    },

    /// `split.no` is not below `split.count`.
    #[error("metadata \"split.no\": part {no} (counted from 0) of a model in {count} parts")]
    Split {
        /// `split.no`.
        no: u16,
        /// `split.count`.
        count: u16,
    },

    /// Dimensions that make no tensor.
    #[error("tensor {tensor:?}, described at byte {offset}: {source}")]
    Shape {
        /// The tensor.
        tensor: String,
        /// Where its description begins.
        offset: usize,
        /// What is wrong with the dimensions.
        source: ShapeError,
    },

    /// Two tensors of one name.
    #[error("tensor {tensor:?} is described twice, at byte {first} and at byte {second}")]
    DuplicateTensor {
        /// The name.
        tensor: String,
        /// Where the first description begins.
        first: usize,
        /// Where the second does.
        second: usize,
    },

    /// Data that does not begin at a multiple of the alignment.
    #[error(
        "tensor {tensor:?}, described at byte {offset}: its data offset {data} is not a multiple \
         of the alignment {alignment}"
    )]
    Misaligned {
        /// The tensor.
        tensor: String,
        /// Where its description begins.
        offset: usize,
        /// Its offset in the data section.
        data: u64,
        /// The file's alignment.
        alignment: usize,
    },

    /// Data past the end of the file.
    #[error(
        "tensor {tensor:?}, described at byte {offset}: its data, {bytes} bytes at {data} in the \
         data section that begins at byte {section}, lies outside the file of {file} bytes; the \
         file is damaged or not fully downloaded"
    )]
    OutsideFile {
        /// The tensor.
        tensor: String,
        /// Where its description begins.
        offset: usize,
        /// Its offset in the data section.
        data: u64,
        /// Its length in bytes; 1 where the type is unknown.
        bytes: usize,
        /// Where the data section begins.
        section: u64,
        /// The length of the file.
        file: u64,
    },

    /// Two tensors that claim the same bytes.
    #[error(
        "tensor {tensor:?}, described at byte {offset}: its data begins at {data} in the data \
         section, inside that of tensor {other:?}"
    )]
    Overlap {
        /// The tensor that begins later.
        tensor: String,
        /// Where its description begins.
        offset: usize,
        /// Its offset in the data section.
        data: u64,
        /// The tensor it runs into.
        other: String,
    },

    /// No tensor of that name.
    #[error("no tensor {tensor:?} in the file{}", hint(split))]
    NoSuchTensor {
        /// The name asked for.
        tensor: String,
        /// Which part of a split model the file is, if it is one.
        split: Option<Split>,
    },

    /// A tensor whose type has no format here.
    #[error(
        "tensor {tensor:?}, described at byte {offset}: type {type_name} (id {type_id}) is not \
         supported; {advice}"
    )]
    UnsupportedType {
        /// The tensor.
        tensor: String,
        /// Where its description begins.
        offset: usize,
        /// The type's name, or `unknown`.
        type_name: &'static str,
        /// The type's number.
        type_id: u32,
        /// What to do about it.
        advice: &'static str,
    },

    /// A key that has to be there and is not.
    #[error("metadata {key:?} is missing")]
    MissingKey {
        /// The key.
        key: String,
    },

    /// A value of another type than the one asked for, or a number that does not fit it.
    #[error("metadata {key:?} at byte {offset}: expected {expected}, found {found} ({value})")]
    WrongType {
        /// The key.
        key: String,
        /// Where the value is.
        offset: usize,
        /// The type asked for.
        expected: &'static str,
        /// The type in the file.
        found: ValueType,
        /// The value in the file, abbreviated.
        value: String,
    },
}

fn hint(split: &Option<Split>) -> String {
    match split {
        None => String::new(),
        Some(split) => format!("; it is {split} and the tensor may be in another part"),
    }
}

/// A name as errors carry it: names come from the file and may be megabytes long. Errors print
/// them with `{:?}`, so that control characters cannot reach a terminal.
pub(crate) fn shown(name: &str) -> String {
    const LIMIT: usize = 128;
    match name.char_indices().nth(LIMIT) {
        None => name.to_owned(),
        Some((end, _)) => format!("{}...", &name[..end]),
    }
}
