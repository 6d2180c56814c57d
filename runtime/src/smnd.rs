//! Reads SMND, the f32 checkpoint that SmallMind writes and its quantizer starts from.
//!
//! All little endian:
//!
//! ```text
//! "SMND" | i32 version 1 | i64 reserved, 0 | i32 JSON length (up to 1 MiB) | JSON
//! i32 parameters (up to 10,000)
//! each: i32 rank (up to 8) | i32 dims[rank], outermost first | i32 elements | f32 data
//! ```
//!
//! Parameters have no names; `smallmind.rs` knows them by their order.
//!
//! As in [`gguf`](crate::gguf), nothing is trusted: every length is compared with what is left of
//! the file before it is used, and data is borrowed.

use serde::Deserialize;
use thiserror::Error;

/// The first bytes of every SMND file.
pub const MAGIC: [u8; 4] = *b"SMND";

const VERSION: u64 = 1;
const MAX_JSON: u64 = 1 << 20;
const MAX_PARAMETERS: u64 = 10_000;
const MAX_RANK: u64 = 8;
const MAX_ELEMENTS: u64 = 100_000_000;

/// An SMND file, parsed and checked, borrowing from its bytes.
#[derive(Debug)]
pub struct Smnd<'a> {
    /// The model's sizes.
    pub config: Config,
    /// The weights, in the model's order.
    pub parameters: Vec<Parameter<'a>>,
}

/// What the JSON of an SMND file says about the model.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)] // The names say it; BlockSize is the length of the context.
pub struct Config {
    #[serde(default)]
    pub model_type: String,
    pub vocab_size: u32,
    pub block_size: u32,
    pub embed_dim: u32,
    pub num_heads: u32,
    pub num_layers: u32,
    pub ffn_hidden_dim: Option<u32>,
}

/// A parameter: dimensions and numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter<'a> {
    /// Outermost first, as C arrays have them: `(out, in)` for the weight of a Linear.
    pub dims: Vec<usize>,
    /// The f32 numbers, little endian, at no particular alignment.
    pub bytes: &'a [u8],
}

/// What is wrong with an SMND file. Offsets are bytes from the start of the file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SmndError {
    /// The first four bytes are something else.
    #[error("not an SMND file: byte 0 begins \"{}\" where \"SMND\" belongs", found.escape_ascii())]
    Magic {
        /// The bytes found.
        found: Vec<u8>,
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
    /// A number outside the bounds that the format sets.
    #[error("{part} at byte {offset} is {found}, but has to be {least} to {most}")]
    Range {
        /// Which number.
        part: String,
        /// Where it is.
        offset: usize,
        /// The number.
        found: i64,
        /// The least it may be.
        least: u64,
        /// The most it may be.
        most: u64,
    },
    /// The JSON is none, or has no sizes.
    #[error("the JSON at byte {offset}: {source}")]
    Json {
        /// Where it begins.
        offset: usize,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// Dimensions and number of elements that contradict each other.
    #[error(
        "parameter {index} at byte {offset}: dimensions {dims:?} do not make {elements} elements"
    )]
    Elements {
        /// Which parameter, from 0.
        index: u64,
        /// Where it begins.
        offset: usize,
        /// Its dimensions.
        dims: Vec<usize>,
        /// The number of elements that the file claims.
        elements: u64,
    },
    /// Bytes after the last parameter.
    #[error("{left} bytes follow the last parameter, which ends at byte {offset}")]
    Trailing {
        /// Where the last parameter ends.
        offset: usize,
        /// How many bytes follow.
        left: usize,
    },
}

impl<'a> Smnd<'a> {
    /// Parses a file. The numbers are not looked at.
    ///
    /// # Errors
    /// Whatever is wrong with the file, with the byte offset.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, SmndError> {
        if !bytes.starts_with(&MAGIC) {
            return Err(SmndError::Magic { found: bytes[..bytes.len().min(4)].to_vec() });
        }
        let cursor = &mut Cursor { bytes, at: MAGIC.len() };
        cursor.number("the version", VERSION..=VERSION)?;
        cursor.take("the header", 8)?;
        let length = cursor.number("the JSON's length", 0..=MAX_JSON)?;
        let offset = cursor.at;
        let config = serde_json::from_slice(cursor.take("the JSON", length)?)
            .map_err(|source| SmndError::Json { offset, source })?;
        let count = cursor.number("the number of parameters", 0..=MAX_PARAMETERS)?;
        let parameters = (0..count).map(|index| Parameter::read(cursor, index));
        let parameters = parameters.collect::<Result<_, _>>()?;
        match bytes.len() - cursor.at {
            0 => Ok(Self { config, parameters }),
            left => Err(SmndError::Trailing { offset: cursor.at, left }),
        }
    }
}

impl<'a> Parameter<'a> {
    fn read(cursor: &mut Cursor<'a>, index: u64) -> Result<Self, SmndError> {
        let offset = cursor.at;
        let part = |what| format!("the {what} of parameter {index}");
        let rank = cursor.number(&part("rank"), 0..=MAX_RANK)?;
        let dims = (0..rank)
            .map(|_| cursor.number(&part("dimension"), 1..=i32::MAX as u64))
            .collect::<Result<Vec<u64>, _>>()?;
        let elements = cursor.number(&part("number of elements"), 1..=MAX_ELEMENTS)?;
        let product = dims.iter().try_fold(1u64, |product, dim| product.checked_mul(*dim));
        // A dimension is positive and an i32, so it is a usize.
        let dims = dims.into_iter().map(|dim| dim as usize).collect();
        if product != Some(elements) {
            return Err(SmndError::Elements { index, offset, dims, elements });
        }
        Ok(Self { dims, bytes: cursor.take(&part("data"), 4 * elements)? })
    }

    /// The numbers.
    pub fn values(&self) -> impl ExactSizeIterator<Item = f32> + use<'a> {
        let (numbers, _) = self.bytes.as_chunks::<4>();
        numbers.iter().map(|bytes| f32::from_le_bytes(*bytes))
    }
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, part: &str, needed: u64) -> Result<&'a [u8], SmndError> {
        let rest = &self.bytes[self.at..];
        let length = usize::try_from(needed).ok().filter(|length| *length <= rest.len());
        let Some(length) = length else {
            let (part, offset) = (part.to_owned(), self.at);
            return Err(SmndError::Truncated { part, offset, needed, left: rest.len() });
        };
        self.at += length;
        Ok(&rest[..length])
    }

    /// An i32 within bounds.
    fn number(
        &mut self,
        part: &str,
        bounds: std::ops::RangeInclusive<u64>,
    ) -> Result<u64, SmndError> {
        let offset = self.at;
        let bytes = self.take(part, 4)?;
        let found = i64::from(i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
        u64::try_from(found).ok().filter(|number| bounds.contains(number)).ok_or_else(|| {
            let (least, most) = (*bounds.start(), *bounds.end());
            SmndError::Range { part: part.to_owned(), offset, found, least, most }
        })
    }
}
