//! Models as the Hugging Face hub has them: weights in safetensors files, sizes in `config.json`.
//!
//! ```text
//! folder/config.json
//! folder/model.safetensors                  or, of a large model,
//! folder/model.safetensors.index.json       which names the file of each tensor
//! folder/model-00001-of-00004.safetensors   and so on
//! ```
//!
//! A safetensors file is a u64 length, a JSON header that gives each tensor a type, a shape
//! (outermost dimension first) and a place, and the data without gaps. The crate `safetensors`
//! reads the header and checks the places against each other; here they are checked against the
//! file.
//!
//! Names and keys become those of GGUF (`names.rs`, `config.rs`), and so does the order of rows
//! where the two differ: `llama` and `mistral` rotate halves of a head against each other, their
//! GGUF files neighbours. Weights in f32, f16 and bf16 stay where they are, but for those
//! reordered rows.

mod config;
mod names;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kernels::{FormatInfo, formats};
use safetensors::tensor::{Dtype, Metadata, TensorInfo};
use serde_json::{Map, Value as Json};
use thiserror::Error;

use crate::gguf::{self, Mapped};
use crate::tensor::{Shape, ShapeError, Tensor, TensorView};
use config::Config;

const CONFIG: &str = "config.json";
const WEIGHTS: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

/// Bytes of the length at the beginning of a file.
const LENGTH_BYTES: usize = 8;

/// A model that cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
#[allow(missing_docs)] // The messages say it.
pub enum HfError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{}: {source}", path.display())]
    Json { path: PathBuf, source: serde_json::Error },
    #[error("{}: {problem}", path.display())]
    Index { path: PathBuf, problem: String },
    #[error("{}: the folder has neither {WEIGHTS} nor {INDEX}", path.display())]
    NoWeights { path: PathBuf },
    #[error(
        "{}: a header of {claimed} bytes at byte 8, but the file has {left} left; it is damaged \
         or cut short", path.display()
    )]
    Header { path: PathBuf, claimed: u64, left: usize },
    #[error("{}: the header at byte 8: {source}", path.display())]
    Safetensors { path: PathBuf, source: serde_json::Error },
    #[error(
        "{}: {needed} bytes of data at byte {offset}, but the file has {left} left; it is damaged \
         or cut short", path.display()
    )]
    Data { path: PathBuf, offset: usize, needed: usize, left: usize },
    #[error("{}: {key:?} {problem}", path.display())]
    Config { path: PathBuf, key: String, problem: String },
    #[error(
        "{}: models of type {found:?} are not known, {known} are; convert the model to GGUF \
         with llama.cpp's convert_hf_to_gguf.py", path.display()
    )]
    Architecture { path: PathBuf, found: String, known: String },
    #[error("tensor {tensor:?}: {source}")]
    Tensor { tensor: String, source: ShapeError },
    #[error("tensor {tensor:?}: {rows} rows are not those of {heads} heads")]
    Heads { tensor: String, rows: usize, heads: usize },
    #[error("{}: its metadata cannot be said in GGUF: {source}", path.display())]
    Metadata { path: PathBuf, source: gguf::WriteError },
}

/// A model in GGUF's terms.
pub(crate) struct Model {
    /// A GGUF file without tensors.
    pub(crate) header: Vec<u8>,
    pub(crate) tensors: Vec<Tensor>,
    pub(crate) unsupported: Vec<String>,
}

/// Whether a file looks like a safetensors file: it begins with the length of a JSON object.
pub(crate) fn is_safetensors(bytes: &[u8]) -> bool {
    bytes.get(LENGTH_BYTES) == Some(&b'{')
}

/// Whether a path is that of a model in safetensors files, without a look into them.
pub(crate) fn is_model(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.is_dir() || name.ends_with(".safetensors.index.json")
}

/// The folder of the model at a path: that of a folder, an index, or a file.
fn folder(path: &Path) -> &Path {
    if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) }
}

/// Where the sizes of the model at a path are.
pub(crate) fn config(path: &Path) -> PathBuf {
    folder(path).join(CONFIG)
}

/// The files of the model at a path.
pub(crate) fn shards(path: &Path) -> Result<Vec<PathBuf>, HfError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let in_folder = |name| folder(path).join(name);
    if name.ends_with(".index.json") {
        indexed(path)
    } else if (path.is_dir() || name.contains("-of-")) && in_folder(INDEX).is_file() {
        // A part of a model stands for all of it.
        indexed(&in_folder(INDEX))
    } else if path.is_dir() && in_folder(WEIGHTS).is_file() {
        Ok(vec![in_folder(WEIGHTS)])
    } else if path.is_dir() {
        Err(HfError::NoWeights { path: path.to_owned() })
    } else {
        Ok(vec![path.to_owned()])
    }
}

/// The files that an index names, in order.
fn indexed(index: &Path) -> Result<Vec<PathBuf>, HfError> {
    let refuse = |problem: String| HfError::Index { path: index.to_owned(), problem };
    let object = read_json(index)?;
    let map = object.get("weight_map").and_then(Json::as_object);
    let map = map.ok_or_else(|| refuse("it has no object \"weight_map\"".to_owned()))?;
    let mut shards = BTreeSet::new();
    for (tensor, file) in map {
        // A name, and not the way out of the folder.
        let file = file.as_str().filter(|file| Path::new(file).file_name() == Some(file.as_ref()));
        let file = file.ok_or_else(|| refuse(format!("tensor {tensor:?} is in no file")))?;
        shards.insert(index.with_file_name(file));
    }
    match shards.is_empty() {
        true => Err(refuse("it names no files".to_owned())),
        false => Ok(shards.into_iter().collect()),
    }
}

fn read_json(path: &Path) -> Result<Map<String, Json>, HfError> {
    let path = || path.to_owned();
    let text = fs::read(path()).map_err(|source| HfError::Io { path: path(), source })?;
    serde_json::from_slice(&text).map_err(|source| HfError::Json { path: path(), source })
}

impl Model {
    /// What the files of a layout have.
    pub(crate) fn read(config: &Path, shards: &[(&Path, &Arc<Mapped>)]) -> Result<Self, HfError> {
        let config = Config::read(config)?;
        let mut writer = gguf::Writer::new();
        config.describe(&mut writer)?;
        let mut model = Self { header: vec![], tensors: vec![], unsupported: vec![] };
        model.tensors.extend(config.rope_factors()?);
        for (path, file) in shards {
            model.add(path, file, &config)?;
        }
        let path = || config.path().to_owned();
        let header = writer.begin(Vec::new()).and_then(gguf::DataWriter::finish);
        model.header = header.map_err(|source| HfError::Metadata { path: path(), source })?;
        Ok(model)
    }

    fn add(&mut self, path: &Path, file: &Arc<Mapped>, config: &Config) -> Result<(), HfError> {
        let (metadata, data) = header(path, file.bytes())?;
        for name in metadata.offset_keys() {
            let info = metadata.info(&name).expect("a key of this header");
            // Constants that old checkpoints store beside the weights.
            if name.ends_with(".rotary_emb.inv_freq") || name.ends_with(".masked_bias") {
                continue;
            }
            let known = names::gguf(&name);
            match (known, format(info.dtype)) {
                (None, _) => self.unsupported.push(format!(
                    "tensor {name:?}: a {} has none of that name",
                    config.architecture()
                )),
                (_, None) => self.unsupported.push(format!(
                    "tensor {name:?}: weights of type {} are not supported, F32, F16 and BF16 are",
                    info.dtype
                )),
                (Some(known), Some(format)) => {
                    let tensor = tensor(file, data, &known, format, info)?;
                    self.tensors.push(match config.rotated_heads(&known) {
                        Some(heads) => neighbours(&tensor, heads)?,
                        None => tensor,
                    });
                }
            }
        }
        Ok(())
    }
}

/// The header of a file, and its data.
pub(crate) fn header<'a>(path: &Path, bytes: &'a [u8]) -> Result<(Metadata, &'a [u8]), HfError> {
    let path = || path.to_owned();
    let short = |claimed, left| HfError::Header { path: path(), claimed, left };
    let (length, rest) = bytes
        .split_first_chunk::<LENGTH_BYTES>()
        .ok_or_else(|| short(0, bytes.len().saturating_sub(LENGTH_BYTES)))?;
    let claimed = u64::from_le_bytes(*length);
    let (header, data) = usize::try_from(claimed)
        .ok()
        .and_then(|length| rest.split_at_checked(length))
        .ok_or_else(|| short(claimed, rest.len()))?;
    // The crate would compare with the file, too, but by a sum that may overflow.
    let metadata: Metadata = serde_json::from_slice(header)
        .map_err(|source| HfError::Safetensors { path: path(), source })?;
    let (needed, left) = (metadata.data_len(), data.len());
    if needed != left {
        let offset = LENGTH_BYTES + header.len();
        return Err(HfError::Data { path: path(), offset, needed, left });
    }
    Ok((metadata, data))
}

/// The format of numbers of a type, if there are kernels for it.
pub(crate) fn format(dtype: Dtype) -> Option<&'static FormatInfo> {
    match dtype {
        Dtype::F32 | Dtype::F16 | Dtype::BF16 => formats::by_name(&dtype.to_string()),
        _ => None,
    }
}

fn tensor(
    file: &Arc<Mapped>,
    data: &[u8],
    name: &str,
    format: &'static FormatInfo,
    info: &TensorInfo,
) -> Result<Tensor, HfError> {
    let refuse = |source| HfError::Tensor { tensor: name.to_owned(), source };
    let dims: Vec<usize> = info.shape.iter().rev().copied().collect();
    let shape = Shape::new(&dims).map_err(refuse)?;
    let bytes = &data[info.data_offsets.0..info.data_offsets.1];
    let view = TensorView::new(name, format, shape, bytes).map_err(refuse)?;
    Ok(Tensor::of_file(file, &view))
}

/// Reorders the rows of each head: those that are rotated together, half a head apart, become
/// neighbours.
fn neighbours(tensor: &Tensor, heads: usize) -> Result<Tensor, HfError> {
    let view = crate::AsTensor::view(tensor);
    let name = || view.name.to_owned();
    // A bias is one row of numbers, of which each is a row of the weight.
    let is_vector = view.shape.rank() == 1;
    let rows = if is_vector { view.depth() } else { view.rows() };
    let size = rows.checked_div(heads).filter(|size| size * heads == rows && size % 2 == 0);
    let size = size.ok_or_else(|| HfError::Heads { tensor: name(), rows, heads })?;
    let row_bytes = view.bytes.len() / rows;
    let mut bytes = Vec::with_capacity(view.bytes.len());
    for row in 0..rows {
        let (head, within) = (row / size, row % size);
        let from = head * size + (within % 2) * (size / 2) + within / 2;
        bytes.extend(&view.bytes[from * row_bytes..][..row_bytes]);
    }
    Tensor::in_memory(view.name, view.format, view.shape, bytes)
        .map_err(|source| HfError::Tensor { tensor: name(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AsTensor;

    #[test]
    fn halves_of_a_head_become_neighbours() {
        let f32 = formats::by_name("F32").unwrap();
        let rows: Vec<u8> = (0..8).flat_map(|n| (n as f32).to_le_bytes()).collect();
        let shape = Shape::new(&[1, 8]).unwrap();
        let tensor = Tensor::in_memory("w", f32, shape, rows).unwrap();
        let order = |heads| -> Vec<f32> {
            let tensor = neighbours(&tensor, heads).unwrap();
            let mut rows = vec![0.0; 8];
            f32.dequantize(tensor.view().bytes, &mut rows).unwrap();
            rows
        };
        assert_eq!(order(1), [0.0, 4.0, 1.0, 5.0, 2.0, 6.0, 3.0, 7.0]);
        assert_eq!(order(2), [0.0, 2.0, 1.0, 3.0, 4.0, 6.0, 5.0, 7.0]);
        for heads in [0, 3, 8] {
            assert!(matches!(neighbours(&tensor, heads), Err(HfError::Heads { .. })));
        }
    }
}
