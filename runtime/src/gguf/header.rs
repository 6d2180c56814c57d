//! Everything before the tensor data, and where the data has to be.
//!
//! A header is parsed from bytes but placed in a file of a given length, so that the writer can
//! check what it is about to write before it writes the first tensor.

use super::cursor::{Cursor, Part};
use super::error::{GgufError, shown};
use super::info::{LEAST_INFO_BYTES, TensorInfo};
use super::metadata::{LEAST_ENTRY_BYTES, Metadata};
use super::split::Split;

/// The first bytes of every GGUF file, of either byte order.
pub(crate) const MAGIC: [u8; 4] = *b"GGUF";

/// The key that sets the alignment, and the alignment without it.
pub(crate) const ALIGNMENT_KEY: &str = "general.alignment";
pub(crate) const DEFAULT_ALIGNMENT: u32 = 32;

#[derive(Debug)]
pub(crate) struct Header<'a> {
    pub(crate) version: u32,
    pub(crate) metadata: Metadata<'a>,
    pub(crate) tensors: Vec<TensorInfo<'a>>,
    /// Indices into `tensors`, sorted by name.
    by_name: Vec<usize>,
    /// A power of two.
    pub(crate) alignment: usize,
    /// Where the data section begins; past the end of a file that has no tensors and no padding.
    pub(crate) data_offset: u64,
    pub(crate) split: Option<Split>,
    pub(crate) warnings: Vec<String>,
}

impl<'a> Header<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, GgufError> {
        let cursor = &mut Cursor::new(bytes);
        let mut warnings = Vec::new();

        let found = cursor.array(Part::Header)?;
        if found != MAGIC {
            return Err(GgufError::Magic { found });
        }
        let version = read_version(cursor)?;
        let counts_at = cursor.at();
        let tensor_count = cursor.u64(Part::Header)?;
        let entry_count = cursor.u64(Part::Header)?;
        let left = cursor.left();
        for (what, count, offset, least) in [
            ("tensors", tensor_count, counts_at, LEAST_INFO_BYTES),
            ("metadata entries", entry_count, counts_at + 8, LEAST_ENTRY_BYTES),
        ] {
            let most = left as u64 / least;
            if count > most {
                return Err(GgufError::Count { what, count, offset, left, most });
            }
        }

        let metadata = Metadata::read(cursor, entry_count, &mut warnings)?;
        let alignment = read_alignment(&metadata)?;
        let mut tensors = Vec::new();
        for index in 0..tensor_count {
            tensors.push(TensorInfo::read(cursor, index)?);
        }
        let by_name = sorted_by_name(&tensors);
        let split = Split::read(&metadata)?;
        if let Some(split) = split {
            warnings.push(format!("the file is {split} of a split model"));
        }
        Ok(Self {
            version,
            metadata,
            tensors,
            by_name,
            alignment,
            // Both are below 2^63.
            data_offset: (cursor.at() as u64).next_multiple_of(alignment as u64),
            split,
            warnings,
        })
    }

    /// All that is wrong with names and places of tensors in a file of `file` bytes: names are
    /// unique, data lies at aligned places inside the file, and no two share a byte. A tensor of
    /// unknown type has an unknown length and counts as one byte.
    pub(crate) fn check(&self, file: u64) -> Vec<GgufError> {
        let names = self.by_name.windows(2).filter_map(|pair| {
            let (first, second) = (&self.tensors[pair[0]], &self.tensors[pair[1]]);
            (first.name == second.name).then(|| GgufError::DuplicateTensor {
                tensor: shown(first.name),
                first: first.described_at,
                second: second.described_at,
            })
        });
        let places = self.tensors.iter().filter_map(|tensor| self.misplaced(tensor, file));
        let mut order: Vec<&TensorInfo<'_>> = self.tensors.iter().collect();
        order.sort_by_key(|tensor| tensor.offset);
        let overlaps = order.windows(2).filter_map(|pair| {
            let (before, after) = (pair[0], pair[1]);
            let end = before.offset.saturating_add(before.least_bytes() as u64);
            (after.offset < end).then(|| GgufError::Overlap {
                tensor: shown(after.name),
                offset: after.described_at,
                data: after.offset,
                other: shown(before.name),
            })
        });
        names.chain(places).chain(overlaps).collect()
    }

    /// What is wrong with the place of one tensor by itself.
    fn misplaced(&self, tensor: &TensorInfo<'_>, file: u64) -> Option<GgufError> {
        if !tensor.offset.is_multiple_of(self.alignment as u64) {
            return Some(GgufError::Misaligned {
                tensor: shown(tensor.name),
                offset: tensor.described_at,
                data: tensor.offset,
                alignment: self.alignment,
            });
        }
        let end = self
            .data_offset
            .checked_add(tensor.offset)
            .and_then(|start| start.checked_add(tensor.least_bytes() as u64));
        end.is_none_or(|end| end > file).then(|| GgufError::OutsideFile {
            tensor: shown(tensor.name),
            offset: tensor.described_at,
            data: tensor.offset,
            bytes: tensor.least_bytes(),
            section: self.data_offset,
            file,
        })
    }

    pub(crate) fn tensor(&self, name: &str) -> Option<&TensorInfo<'a>> {
        let found = self.by_name.binary_search_by(|&index| self.tensors[index].name.cmp(name));
        found.ok().map(|at| &self.tensors[self.by_name[at]])
    }
}

fn read_version(cursor: &mut Cursor<'_>) -> Result<u32, GgufError> {
    let version = cursor.u32(Part::Header)?;
    match (version, version.swap_bytes()) {
        (2 | 3, _) => Ok(version),
        (_, swapped @ 1..=3) => Err(GgufError::BigEndian { version: swapped }),
        _ => Err(GgufError::Version { version }),
    }
}

fn read_alignment(metadata: &Metadata<'_>) -> Result<usize, GgufError> {
    let alignment: u32 = metadata.find(ALIGNMENT_KEY)?.unwrap_or(DEFAULT_ALIGNMENT);
    if !alignment.is_power_of_two() {
        let offset = metadata.offset(ALIGNMENT_KEY).unwrap_or_default();
        return Err(GgufError::Alignment { offset, alignment });
    }
    Ok(alignment as usize)
}

/// Indices of the tensors in the order of their names.
fn sorted_by_name(tensors: &[TensorInfo<'_>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..tensors.len()).collect();
    order.sort_by_key(|&index| tensors[index].name);
    order
}
