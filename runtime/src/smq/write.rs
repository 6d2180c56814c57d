//! Writes SMQ: first what is in the file, then the blobs, tensor by tensor.
//!
//! As with [`gguf::Writer`](crate::gguf::Writer), shapes come first and data is handed over one
//! tensor at a time. What this writes, [`Smq::parse`](super::Smq::parse) reads.

use std::collections::{HashSet, VecDeque};
use std::io::{self, Write};

use thiserror::Error;

use super::scheme::Scheme;
use super::{HEADER_BYTES, MAGIC, NAME_BYTES};

/// The contents of an SMQ file, without the weights.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    json: Vec<u8>,
    tensors: Vec<Planned>,
}

/// A tensor to come.
#[derive(Clone, Debug)]
struct Planned {
    name: String,
    scheme: &'static Scheme,
    dims: Vec<usize>,
    block: u32,
}

/// Why a file could not be written.
#[derive(Debug, Error)]
#[non_exhaustive]
#[allow(missing_docs)] // The messages say it.
pub enum WriteError {
    /// A tensor that the format cannot hold.
    #[error("tensor {tensor:?}: {problem}")]
    Tensor { tensor: String, problem: String },
    /// More metadata than the format can hold.
    #[error("{0} bytes of metadata are more than SMQ can hold")]
    Metadata(usize),
    /// More tensors than the format can hold.
    #[error("{0} tensors are more than SMQ can hold")]
    Tensors(usize),
    /// Data of a tensor whose turn it is not.
    #[error("data of tensor {found:?}, but {} is due", match due {
        Some(due) => format!("that of {due:?}"),
        None => "the end".to_owned(),
    })]
    Order { found: String, due: Option<String> },
    /// Data of another length than the tensor's shape and scheme need.
    #[error("tensor {tensor:?}: {found} bytes of {what}, but its shape and scheme need {expected}")]
    Length { tensor: String, what: &'static str, expected: u64, found: usize },
    /// The output failed.
    #[error("cannot write {part}: {source}")]
    Io { part: String, source: io::Error },
}

impl Writer {
    /// A file with a JSON object, copied as it is; empty for none.
    #[must_use]
    pub fn new(json: impl Into<Vec<u8>>) -> Self {
        Self { json: json.into(), tensors: vec![] }
    }

    /// Adds a tensor: dimensions outermost first, and the block size of a planar scheme (ignored
    /// where the scheme has its own). Data comes later, in the same order.
    pub fn tensor(
        &mut self,
        name: &str,
        scheme: &'static Scheme,
        dims: &[usize],
        block: u32,
    ) -> &mut Self {
        let block = scheme.fixed_block().unwrap_or(block);
        self.tensors.push(Planned { name: name.to_owned(), scheme, dims: dims.to_vec(), block });
        self
    }

    /// Checks and writes everything before the blobs.
    ///
    /// # Errors
    /// Before the first byte is written if the format cannot hold the contents, and
    /// [`WriteError::Io`].
    pub fn begin<W: Write>(&self, mut out: W) -> Result<BlobWriter<W>, WriteError> {
        let json = u32::try_from(self.json.len());
        let json = json.map_err(|_| WriteError::Metadata(self.json.len()))?;
        let count = u32::try_from(self.tensors.len());
        let count = count.map_err(|_| WriteError::Tensors(self.tensors.len()))?;
        let mut header = Vec::from(MAGIC);
        for word in [1, HEADER_BYTES as u32, count, json, 0, 0] {
            header.extend(word.to_le_bytes());
        }
        header.extend(&self.json);

        let mut offset = HEADER_BYTES + u64::from(json) + u64::from(count) * super::ENTRY_BYTES;
        let (mut names, mut due) = (HashSet::new(), VecDeque::new());
        for tensor in &self.tensors {
            let lengths = tensor.describe(&mut offset, &mut header)?;
            if !names.insert(tensor.name.as_str()) {
                return Err(tensor.refuse("the name stands twice"));
            }
            due.push_back((tensor.name.clone(), lengths));
        }
        write_all(&mut out, &header, "the header")?;
        Ok(BlobWriter { out, due })
    }
}

impl Planned {
    fn refuse(&self, problem: impl Into<String>) -> WriteError {
        WriteError::Tensor { tensor: self.name.clone(), problem: problem.into() }
    }

    /// Appends the tensor's directory entry, moves `offset` past its blobs, and tells their
    /// lengths.
    fn describe(&self, offset: &mut u64, header: &mut Vec<u8>) -> Result<(u64, u64), WriteError> {
        let name = self.name.as_bytes();
        if name.is_empty() || name.len() > NAME_BYTES || name.contains(&0) {
            let problem = format!("a name in SMQ has 1 to {NAME_BYTES} bytes, none of them NUL");
            return Err(self.refuse(problem));
        }
        if !(1..=8).contains(&self.dims.len()) {
            let problem = format!("{} dimensions, but SMQ has 1 to 8", self.dims.len());
            return Err(self.refuse(problem));
        }
        let mut dims = [0i32; 8];
        for (to, dim) in dims.iter_mut().zip(&self.dims) {
            let fits = i32::try_from(*dim).ok().filter(|dim| *dim > 0);
            *to = fits.ok_or_else(|| self.refuse(format!("a dimension of {dim} is not SMQ's")))?;
        }
        if self.scheme.planar.is_some() && self.block == 0 {
            return Err(self.refuse("blocks of 0"));
        }
        let depth = self.dims[self.dims.len() - 1];
        let format = self.scheme.format();
        if self.scheme.planar.is_none() && !depth.is_multiple_of(format.block_len) {
            let (name, block) = (format.name, format.block_len);
            let problem = format!("{depth} columns are not a multiple of {name}'s {block}");
            return Err(self.refuse(problem));
        }
        let elements = self.dims.iter().try_fold(1u64, |all, dim| all.checked_mul(*dim as u64));
        let lengths = elements.and_then(|elements| self.scheme.lengths(elements, self.block));
        let end = |(data, aux)| offset.checked_add(data)?.checked_add(aux);
        let (Some((data, aux)), Some(end)) = (lengths, lengths.and_then(end)) else {
            return Err(self.refuse("its size does not fit 64 bits"));
        };

        let mut padded = [0; NAME_BYTES];
        padded[..name.len()].copy_from_slice(name);
        header.extend(padded);
        header.extend(self.scheme.code.to_le_bytes());
        header.extend((self.dims.len() as i32).to_le_bytes());
        header.extend(dims.iter().flat_map(|dim| dim.to_le_bytes()));
        header.extend(self.block.to_le_bytes());
        let aux_offset = if aux == 0 { 0 } else { *offset + data };
        for word in [*offset, data, aux_offset, aux, 0, 0] {
            header.extend(word.to_le_bytes());
        }
        *offset = end;
        Ok((data, aux))
    }
}

/// Takes the blobs of the tensors, in the order they were added to the [`Writer`].
#[derive(Debug)]
pub struct BlobWriter<W> {
    out: W,
    /// Names and lengths, data and aux, of the tensors to come.
    due: VecDeque<(String, (u64, u64))>,
}

impl<W: Write> BlobWriter<W> {
    /// Writes data and aux of a tensor.
    ///
    /// # Errors
    /// [`WriteError::Order`], [`WriteError::Length`] or [`WriteError::Io`].
    pub fn write(&mut self, name: &str, data: &[u8], aux: &[u8]) -> Result<(), WriteError> {
        let Some((_, lengths)) = self.due.pop_front_if(|(due, _)| due == name) else {
            return Err(self.out_of_order(name));
        };
        for (what, blob, expected) in [("data", data, lengths.0), ("aux", aux, lengths.1)] {
            if blob.len() as u64 != expected {
                let (tensor, found) = (name.to_owned(), blob.len());
                return Err(WriteError::Length { tensor, what, expected, found });
            }
            write_all(&mut self.out, blob, name)?;
        }
        Ok(())
    }

    /// Flushes the output and gives it back.
    ///
    /// # Errors
    /// [`WriteError::Order`] if data is missing, or [`WriteError::Io`].
    pub fn finish(mut self) -> Result<W, WriteError> {
        if !self.due.is_empty() {
            return Err(self.out_of_order("(end)"));
        }
        self.out.flush().map_err(|source| WriteError::Io { part: "the end".to_owned(), source })?;
        Ok(self.out)
    }

    fn out_of_order(&self, found: &str) -> WriteError {
        let due = self.due.front().map(|(name, _)| name.clone());
        WriteError::Order { found: found.to_owned(), due }
    }
}

fn write_all(out: &mut impl Write, bytes: &[u8], part: &str) -> Result<(), WriteError> {
    out.write_all(bytes).map_err(|source| WriteError::Io { part: part.to_owned(), source })
}
