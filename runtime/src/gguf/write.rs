//! Writes GGUF version 3: first what is in the file, then the data, tensor by tensor.
//!
//! The header of a GGUF file tells where each tensor is, so every shape and format has to be known
//! before the first byte of data. The data itself need not: it is handed over one tensor at a time,
//! and a quantizer never holds more than one.
//!
//! Before anything is written the header is given to the reader's own checks, so what this module
//! writes, [`Gguf::parse`](super::Gguf::parse) reads.

use std::collections::{HashMap, VecDeque};
use std::io::{self, Write};

use kernels::FormatInfo;
use thiserror::Error;

use super::error::GgufError;
use super::header::{ALIGNMENT_KEY, DEFAULT_ALIGNMENT, Header, MAGIC};
use super::metadata::FromValue;
use super::value::{Element, Value, ValueType};
use crate::tensor::{Shape, ShapeError};

const VERSION: u32 = 3;

/// The contents of a GGUF file, without the data.
#[derive(Clone)]
pub struct Writer {
    /// Keys and encoded types and values, in file order.
    metadata: Vec<(String, Vec<u8>)>,
    /// Index into `metadata` by key.
    by_key: HashMap<String, usize>,
    tensors: Vec<Planned>,
    alignment: u32,
}

/// A tensor to come.
#[derive(Clone)]
struct Planned {
    name: String,
    format: &'static FormatInfo,
    shape: Shape,
}

/// Why a file could not be written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The file would be one that the reader refuses.
    #[error("the file would be invalid: {0}")]
    Invalid(#[from] GgufError),

    /// A format that GGUF has no number for.
    #[error("tensor {tensor:?}: the format {format} has no GGUF type number")]
    NoTypeNumber {
        /// The tensor.
        tensor: String,
        /// Its format.
        format: &'static str,
    },

    /// A shape that the format cannot hold.
    #[error("tensor {tensor:?}: {source}")]
    Shape {
        /// The tensor.
        tensor: String,
        /// What is wrong.
        source: ShapeError,
    },

    /// Data of a tensor whose turn it is not.
    #[error("data of tensor {found:?}, but {} is due", match due {
        Some(due) => format!("that of {due:?}"),
        None => "the end".to_owned(),
    })]
    Order {
        /// The tensor whose data was handed over, or `(end)`.
        found: String,
        /// The tensor whose turn it is.
        due: Option<String>,
    },

    /// Data of another length than the tensor's shape and format need.
    #[error("tensor {tensor:?}: {found} bytes of data, but its shape and format need {expected}")]
    Length {
        /// The tensor.
        tensor: String,
        /// Bytes needed.
        expected: usize,
        /// Bytes handed over.
        found: usize,
    },

    /// The output failed.
    #[error("cannot write {part}: {source}")]
    Io {
        /// What was being written.
        part: String,
        /// The reason.
        source: io::Error,
    },
}

impl Default for Writer {
    fn default() -> Self {
        Self::new()
    }
}

impl Writer {
    /// A file with nothing in it.
    pub fn new() -> Self {
        Self {
            metadata: Vec::new(),
            by_key: HashMap::new(),
            tensors: Vec::new(),
            alignment: DEFAULT_ALIGNMENT,
        }
    }

    /// Sets the value of a key; a key set before keeps its place and changes its value. Setting
    /// `general.alignment` aligns the data accordingly.
    pub fn metadata<'v>(&mut self, key: &str, value: impl Into<Value<'v>>) -> &mut Self {
        let value = value.into();
        // By the reader's own conversion; what does not convert, it refuses in `begin`.
        if let (ALIGNMENT_KEY, Some(alignment)) = (key, u32::from_value(value)) {
            self.alignment = alignment;
        }
        let mut encoded = (value.value_type() as u32).to_le_bytes().to_vec();
        value.encode(&mut encoded);
        self.set(key, encoded)
    }

    /// Sets a key to an array of numbers, bools or strings.
    pub fn array<'v, T: Element<'v>>(
        &mut self,
        key: &str,
        values: impl IntoIterator<Item = T>,
    ) -> &mut Self {
        let mut elements = Vec::new();
        let mut len = 0u64;
        for value in values {
            value.into().encode(&mut elements);
            len += 1;
        }
        let mut encoded = (ValueType::Array as u32).to_le_bytes().to_vec();
        encoded.extend((T::TYPE as u32).to_le_bytes());
        encoded.extend(len.to_le_bytes());
        encoded.extend(elements);
        self.set(key, encoded)
    }

    fn set(&mut self, key: &str, encoded: Vec<u8>) -> &mut Self {
        match self.by_key.get(key) {
            Some(&index) => self.metadata[index].1 = encoded,
            None => {
                self.by_key.insert(key.to_owned(), self.metadata.len());
                self.metadata.push((key.to_owned(), encoded));
            }
        }
        self
    }

    /// Adds a tensor. Data comes later, in the same order.
    pub fn tensor(&mut self, name: &str, format: &'static FormatInfo, shape: Shape) -> &mut Self {
        self.tensors.push(Planned { name: name.to_owned(), format, shape });
        self
    }

    /// Checks and writes everything before the data.
    ///
    /// # Errors
    ///
    /// [`WriteError::Invalid`], [`WriteError::NoTypeNumber`] or [`WriteError::Shape`], all before the
    /// first byte is written, and [`WriteError::Io`].
    pub fn begin<W: Write>(&self, mut out: W) -> Result<DataWriter<W>, WriteError> {
        if !self.alignment.is_power_of_two() {
            let (offset, alignment) = (0, self.alignment);
            return Err(GgufError::Alignment { offset, alignment }.into());
        }
        let alignment = self.alignment as usize;

        let mut header = Vec::from(MAGIC);
        header.extend(VERSION.to_le_bytes());
        header.extend((self.tensors.len() as u64).to_le_bytes());
        header.extend((self.metadata.len() as u64).to_le_bytes());
        for (key, encoded) in &self.metadata {
            Value::from(key.as_str()).encode(&mut header);
            header.extend(encoded);
        }
        let mut due = VecDeque::new();
        let mut offset = 0u64;
        for tensor in &self.tensors {
            let bytes = tensor.describe(offset, &mut header)?;
            offset = offset.saturating_add((bytes as u64).next_multiple_of(alignment as u64));
            due.push_back((tensor.name.clone(), bytes));
        }
        header.resize(header.len().next_multiple_of(alignment), 0);
        let whole = (header.len() as u64).saturating_add(offset);
        if let Some(error) = Header::parse(&header)?.check(whole).into_iter().next() {
            return Err(error.into());
        }

        write_all(&mut out, &header, "the header")?;
        Ok(DataWriter { out, due, alignment })
    }
}

impl Planned {
    /// Appends the tensor's description and tells the length of its data.
    fn describe(&self, offset: u64, header: &mut Vec<u8>) -> Result<usize, WriteError> {
        let tensor = || self.name.clone();
        let Some(type_id) = self.format.ggml_type else {
            let (tensor, format) = (tensor(), self.format.name);
            return Err(WriteError::NoTypeNumber { tensor, format });
        };
        let bytes = self.shape.bytes(self.format);
        let bytes = bytes.map_err(|source| WriteError::Shape { tensor: tensor(), source })?;
        Value::from(self.name.as_str()).encode(header);
        header.extend((self.shape.rank() as u32).to_le_bytes());
        for &dim in self.shape.dims() {
            header.extend((dim as u64).to_le_bytes());
        }
        header.extend(type_id.to_le_bytes());
        header.extend(offset.to_le_bytes());
        Ok(bytes)
    }
}

/// Takes the data of the tensors, in the order they were added to the [`Writer`].
pub struct DataWriter<W> {
    out: W,
    /// Names and lengths of the tensors to come.
    due: VecDeque<(String, usize)>,
    alignment: usize,
}

impl<W: Write> DataWriter<W> {
    /// Writes the data of a tensor and pads it to the alignment.
    ///
    /// # Errors
    ///
    /// [`WriteError::Order`], [`WriteError::Length`] or [`WriteError::Io`].
    pub fn write(&mut self, name: &str, data: &[u8]) -> Result<(), WriteError> {
        match self.due.front() {
            Some((due, expected)) if due == name => {
                let (expected, found) = (*expected, data.len());
                if expected != found {
                    let tensor = name.to_owned();
                    return Err(WriteError::Length { tensor, expected, found });
                }
            }
            _ => return Err(self.out_of_order(name)),
        }
        write_all(&mut self.out, data, name)?;
        let padding = data.len().next_multiple_of(self.alignment) - data.len();
        write_all(&mut self.out, &vec![0; padding], name)?;
        self.due.pop_front();
        Ok(())
    }

    /// Flushes the output and gives it back.
    ///
    /// # Errors
    ///
    /// [`WriteError::Order`] if data is missing, or [`WriteError::Io`].
    pub fn finish(mut self) -> Result<W, WriteError> {
        if !self.due.is_empty() {
            return Err(self.out_of_order("(end)"));
        }
        self.out.flush().map_err(|source| WriteError::Io { part: "the end".to_owned(), source })?;
        Ok(self.out)
    }

    fn out_of_order(&self, found: &str) -> WriteError {
        WriteError::Order {
            found: found.to_owned(),
            due: self.due.front().map(|(name, _)| name.clone()),
        }
    }
}

fn write_all(out: &mut impl Write, bytes: &[u8], part: &str) -> Result<(), WriteError> {
    out.write_all(bytes).map_err(|source| WriteError::Io { part: part.to_owned(), source })
}
