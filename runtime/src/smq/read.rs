//! One pass over header, metadata and directory that collects what is there and what is wrong.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use serde_json::{Map, Value as Json};

use super::finding::{Fault, Finding, MANY_TENSORS, MUCH_METADATA};
use super::scheme::Scheme;
use super::{ENTRY_BYTES, Entry, HEADER_BYTES, MAGIC, NAME_BYTES, Smq};

/// The file, if enough of it could be read, and all findings.
pub(super) fn read(bytes: &[u8]) -> (Option<Smq<'_>>, Vec<Finding>) {
    let mut findings = Vec::new();
    let smq = read_into(bytes, &mut findings);
    (smq, findings)
}

fn read_into<'a>(bytes: &'a [u8], findings: &mut Vec<Finding>) -> Option<Smq<'a>> {
    if !bytes.starts_with(&MAGIC) {
        findings.push(Finding::Magic { found: bytes[..bytes.len().min(8)].to_vec() });
        return None;
    }
    if (bytes.len() as u64) < HEADER_BYTES {
        findings.push(Finding::Header { length: bytes.len() });
        return None;
    }
    let [version, header, tensors, length] = [8, 12, 16, 20].map(|at| u32_at(bytes, at));
    if version != 1 {
        findings.push(Finding::Version { found: version });
    }
    if u64::from(header) != HEADER_BYTES {
        findings.push(Finding::HeaderSize { found: header });
    }
    if tensors > MANY_TENSORS {
        findings.push(Finding::ManyTensors { tensors });
    }
    if length > MUCH_METADATA {
        findings.push(Finding::MuchMetadata { length });
    }

    let after = &bytes[HEADER_BYTES as usize..];
    let Some((json, rest)) = after.split_at_checked(length as usize) else {
        findings.push(Finding::Metadata { length, left: after.len() as u64 });
        // The directory follows the metadata, so there is none either.
        return None;
    };
    let metadata = object(json).unwrap_or_else(|problem| {
        findings.push(Finding::Json { problem });
        Map::new()
    });

    let directory = HEADER_BYTES + u64::from(length);
    if u64::from(tensors) * ENTRY_BYTES > rest.len() as u64 {
        let (offset, left) = (directory, rest.len() as u64);
        findings.push(Finding::Directory { tensors, offset, left });
        return None;
    }
    let mut places = vec![Place {
        start: 0,
        end: directory + u64::from(tensors) * ENTRY_BYTES,
        what: "header",
        tensor: "",
    }];
    let mut names = HashMap::new();
    let mut entries = Vec::new();
    for (index, entry) in rest.chunks_exact(ENTRY_BYTES as usize).take(tensors as usize).enumerate()
    {
        let raw = Raw(entry);
        let mut faults = Vec::new();
        let name = raw.name(&mut faults);
        match names.entry(name) {
            Slot::Occupied(first) if !name.is_empty() => {
                faults.push(Fault::Duplicate { first: *first.get() });
            }
            Slot::Occupied(_) => {}
            Slot::Vacant(slot) => {
                slot.insert(index);
            }
        }
        if let Some((entry, blobs)) = raw.entry(bytes, name, &mut faults) {
            places.extend(blobs);
            entries.push(entry);
        }
        let offset = directory + index as u64 * ENTRY_BYTES;
        let tensor = |fault| Finding::Tensor { index, name: name.to_owned(), offset, fault };
        findings.extend(faults.into_iter().map(tensor));
    }
    overlaps(places, findings);
    Some(Smq { json, metadata, entries, warnings: vec![] })
}

fn object(json: &[u8]) -> Result<Map<String, Json>, String> {
    if json.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(json) {
        Ok(Json::Object(object)) => Ok(object),
        Ok(_) => Err("it is JSON, but not an object".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// A directory entry, as it stands in the file.
struct Raw<'a>(&'a [u8]);

impl<'a> Raw<'a> {
    /// The name; what is no name is a fault.
    fn name(&self, faults: &mut Vec<Fault>) -> &'a str {
        let bytes = &self.0[..NAME_BYTES];
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(NAME_BYTES);
        match std::str::from_utf8(&bytes[..end]) {
            Ok("") => {
                faults.push(Fault::Unnamed);
                ""
            }
            Ok(name) => name,
            Err(error) => {
                faults.push(Fault::NotUtf8);
                // As much as is UTF-8.
                std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or("")
            }
        }
    }

    /// The tensor and the places of its blobs, if nothing is wrong with them.
    fn entry(
        &self,
        file: &'a [u8],
        name: &'a str,
        faults: &mut Vec<Fault>,
    ) -> Option<(Entry<'a>, [Place<'a>; 2])> {
        let scheme = Scheme::by_code(u32_at(self.0, 64));
        if scheme.is_none() {
            faults.push(Fault::Scheme(u32_at(self.0, 64)));
        }
        let dims = self.dims(faults);
        let block = u32_at(self.0, 104);
        if let Some(scheme) = scheme {
            check_block(scheme, block, dims.as_deref(), faults);
        }
        let data = self.blob(file, "data", 108, faults);
        let aux = self.blob(file, "aux", 124, faults);

        let (scheme, dims) = (scheme?, dims?);
        let elements: usize = dims.iter().product();
        // A block size that is a fault has no lengths that could be compared.
        if scheme.fixed_block().map_or(block > 0, |fixed| fixed == block) {
            match scheme.lengths(elements as u64, block) {
                Some((data, aux)) => {
                    for (what, at, expected) in [("data", 116, data), ("aux", 132, aux)] {
                        let length = u64_at(self.0, at);
                        if length != expected {
                            faults.push(Fault::Length { what, length, expected });
                        }
                    }
                }
                None => faults.push(Fault::Elements),
            }
        }
        if !faults.is_empty() {
            return None;
        }
        let (data, aux) = (data?, aux?);
        let place = |what, tensor, offset: u64, blob: &[u8]| Place {
            start: offset,
            end: offset + blob.len() as u64,
            what,
            tensor,
        };
        let offset = u64_at(self.0, 108);
        let places =
            [place("data", name, offset, data), place("aux", name, u64_at(self.0, 124), aux)];
        let place = offset..offset + data.len() as u64;
        let block = block as usize;
        Some((Entry { name, scheme, dims, block, data, aux, place }, places))
    }

    fn dims(&self, faults: &mut Vec<Fault>) -> Option<Vec<usize>> {
        let rank = u32_at(self.0, 68) as i32;
        if !(1..=8).contains(&rank) {
            faults.push(Fault::Rank(rank));
            return None;
        }
        let lengths = (0..rank as usize).map(|axis| u32_at(self.0, 72 + 4 * axis) as i32);
        let count = faults.len();
        for (axis, length) in lengths.clone().enumerate().filter(|(_, length)| *length <= 0) {
            faults.push(Fault::Dimension { axis, length });
        }
        if faults.len() > count {
            return None;
        }
        let dims: Vec<usize> = lengths.map(|length| length as usize).collect();
        match dims.iter().try_fold(1usize, |product, dim| product.checked_mul(*dim)) {
            Some(_) => Some(dims),
            None => {
                faults.push(Fault::Elements);
                None
            }
        }
    }

    /// The bytes that two u64 at `at` say, offset and length.
    fn blob(
        &self,
        file: &'a [u8],
        what: &'static str,
        at: usize,
        faults: &mut Vec<Fault>,
    ) -> Option<&'a [u8]> {
        let (offset, length) = (u64_at(self.0, at), u64_at(self.0, at + 8));
        if length == 0 {
            // Nothing lies nowhere.
            return Some(&[]);
        }
        let end = offset.checked_add(length).filter(|end| *end <= file.len() as u64);
        match end {
            Some(end) => Some(&file[offset as usize..end as usize]),
            None => {
                let file = file.len() as u64;
                faults.push(Fault::Outside { what, offset, length, file });
                None
            }
        }
    }
}

/// Whether a block size suits the scheme and the rows.
fn check_block(scheme: &Scheme, block: u32, dims: Option<&[usize]>, faults: &mut Vec<Fault>) {
    let expected = match scheme.fixed_block() {
        Some(fixed) if fixed != block => fixed.to_string(),
        None if block == 0 => "at least 1".to_owned(),
        _ => {
            let columns = dims.and_then(|dims| dims.last().copied());
            let of = scheme.fixed_block().unwrap_or(0) as usize;
            if let Some(columns) = columns.filter(|columns| of > 0 && columns % of != 0) {
                faults.push(Fault::Columns { scheme: scheme.name, columns, block: of });
            }
            return;
        }
    };
    faults.push(Fault::Block { scheme: scheme.name, found: block, expected });
}

/// Some bytes of the file, and whose they are.
struct Place<'a> {
    start: u64,
    end: u64,
    what: &'static str,
    tensor: &'a str,
}

impl Place<'_> {
    fn describe(&self) -> String {
        match self.tensor {
            "" => "the header and the directory".to_owned(),
            tensor => format!("the {} of tensor {tensor:?}", self.what),
        }
    }
}

fn overlaps(mut places: Vec<Place<'_>>, findings: &mut Vec<Finding>) {
    places.retain(|place| place.start < place.end);
    places.sort_by_key(|place| (place.start, place.end));
    let mut places = places.into_iter();
    let Some(mut reaches) = places.next() else { return };
    for place in places {
        if place.start < reaches.end {
            findings.push(Finding::Overlap {
                first: reaches.describe(),
                second: place.describe(),
                offset: place.start,
            });
        }
        // Of those before, the one that reaches farthest is what the next may run into.
        if place.end > reaches.end {
            reaches = place;
        }
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}
