//! A model's files, whatever their container: metadata and named tensors.
//!
//! Which container a file is, its first bytes tell ([`Container`]). Metadata has GGUF's keys and
//! tensors have GGUF's names, shapes and order of dimensions, also where a file has others.
//!
//! [`Files`] owns the bytes, one map a file; [`Checkpoint`] borrows the metadata from them and
//! hands out [`Tensor`]s, which keep their file alive by themselves. So a loader parses once,
//! takes what it needs, and drops both.
//!
//! A model in safetensors files is opened by its folder, by its index or by one of its files.
//!
//! A split model (`name-00001-of-00003.gguf`) is opened by any of its parts; the others are found
//! by name. The first part's metadata counts.

mod container;
mod translated;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use crate::gguf::{self, Gguf, GgufError, MapError, Mapped, Metadata, Split};
use crate::hf::{self, HfError};
use crate::smnd::{Smnd, SmndError};
use crate::smq::{Smq, SmqError};
use crate::tensor::{AsTensor, Tensor};
pub use container::Container;
use translated::Translated;

/// The files of a model, opened.
#[derive(Debug)]
pub struct Files {
    container: Container,
    parts: Vec<Part>,
    /// What the files are in GGUF's terms, if they are none.
    translated: Option<Translated>,
}

#[derive(Debug)]
struct Part {
    path: PathBuf,
    bytes: Arc<Mapped>,
}

/// How a file gets into memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Mapped: instant, shared with other processes, at the mercy of whoever writes to the file.
    #[default]
    Map,
    /// Read: a copy that owes the file nothing.
    Read,
}

/// A model's files cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// A file could not be opened, mapped or read.
    #[error(transparent)]
    File(#[from] MapError),
    /// A GGUF file is damaged.
    #[error("{}: {source}", path.display())]
    Gguf {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: GgufError,
    },
    /// An SMQ file is damaged.
    #[error("{}: {source}", path.display())]
    Smq {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: SmqError,
    },
    /// An SMND file is damaged.
    #[error("{}: {source}", path.display())]
    Smnd {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: SmndError,
    },
    /// A model in safetensors files cannot be read.
    #[error(transparent)]
    Hf(#[from] HfError),
    /// Metadata that GGUF's keys and values cannot have.
    #[error("{}: its metadata cannot be said in GGUF: {source}", path.display())]
    Metadata {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: gguf::WriteError,
    },
    /// No container that is known.
    #[error(
        "{}: not a GGUF file, nor SMQ, SMND or safetensors: it begins \"{}\"",
        path.display(), found.escape_ascii()
    )]
    Unknown {
        /// The file.
        path: PathBuf,
        /// Its first bytes.
        found: Vec<u8>,
    },
    /// A part of a split model that is not where the others are.
    #[error("{}: {split} of a split model, {problem}", path.display())]
    Split {
        /// The part that was opened.
        path: PathBuf,
        /// Which one it says it is.
        split: Split,
        /// What is wrong.
        problem: String,
    },
    /// Two parts have a tensor of the same name.
    #[error("{}: tensor {tensor:?} is in another part, too", path.display())]
    Duplicate {
        /// The second part.
        path: PathBuf,
        /// The tensor.
        tensor: String,
    },
}

impl Files {
    /// Opens a file, and the other parts if it is one of several; or the folder of a model in
    /// safetensors files.
    ///
    /// # Errors
    /// If a file cannot be opened, a part is missing, or a file is of no known container. Of
    /// containers other than GGUF, whatever is wrong with them.
    pub fn open(path: impl AsRef<Path>, access: Access) -> Result<Self, CheckpointError> {
        let path = path.as_ref();
        let open = |path: PathBuf| {
            let bytes = match access {
                Access::Map => Mapped::open(&path),
                Access::Read => Mapped::read(&path),
            }?;
            Ok::<_, CheckpointError>(Part { path, bytes: Arc::new(bytes) })
        };
        let all = |paths: Vec<PathBuf>| paths.into_iter().map(open).collect::<Result<Vec<_>, _>>();
        let mut parts = match Split::of_path(path).and_then(|split| split.siblings(path)) {
            _ if hf::is_model(path) => vec![],
            Some(siblings) => all(siblings)?,
            None => all(vec![path.to_owned()])?,
        };
        let container = parts.first().map_or(Ok(Container::Safetensors), Part::container)?;
        if container == Container::Safetensors {
            parts = all(hf::shards(path)?)?;
        }
        let translated = match (container, &parts[..]) {
            (Container::Smq, [part, ..]) => Some(part.smq()?),
            (Container::Smnd, [part, ..]) => Some(part.smnd()?),
            (Container::Safetensors, parts) => Some(Translated::hf(&hf::config(path), parts)?),
            _ => None,
        };
        Ok(Self { container, parts, translated })
    }

    /// The container that the files are.
    #[must_use]
    pub fn container(&self) -> Container {
        self.container
    }

    /// Where the files with the weights are.
    pub fn paths(&self) -> impl ExactSizeIterator<Item = &Path> {
        self.parts.iter().map(|part| part.path.as_path())
    }

    /// Bytes of all files.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.parts.iter().map(|part| part.bytes.bytes().len()).sum()
    }
}

/// Metadata and tensors of a model.
#[derive(Debug)]
pub struct Checkpoint<'a> {
    metadata: Metadata<'a>,
    tensors: Vec<Tensor>,
    /// Index into `tensors` by name.
    by_name: BTreeMap<&'a str, usize>,
    unsupported: Vec<String>,
    warnings: Vec<String>,
}

impl<'a> Checkpoint<'a> {
    /// Parses the headers of the files. Values of weights are not looked at.
    ///
    /// # Errors
    /// Whatever is wrong with a file, or parts that do not go together.
    pub fn parse(files: &'a Files) -> Result<Self, CheckpointError> {
        let mut all = Self {
            metadata: Metadata::default(),
            tensors: vec![],
            by_name: BTreeMap::new(),
            unsupported: vec![],
            warnings: vec![],
        };
        if let (Some(translated), Some(part)) = (&files.translated, files.parts.first()) {
            all.metadata = part.gguf(&translated.header)?.metadata().clone();
            all.unsupported.clone_from(&translated.unsupported);
            all.warnings.clone_from(&translated.warnings);
            for tensor in &translated.tensors {
                all.push(part, tensor.view().name, tensor.clone())?;
            }
            return Ok(all);
        }
        for (n, part) in files.parts.iter().enumerate() {
            let gguf = part.gguf(part.bytes.bytes())?;
            check_split(part, gguf.split(), n, files.parts.len())?;
            if n == 0 {
                all.metadata = gguf.metadata().clone();
            }
            // That a part is one of several is known, and no warning.
            all.warnings.extend(gguf.warnings().iter().filter(|_| gguf.split().is_none()).cloned());
            for info in gguf.tensors() {
                match gguf.tensor(info.name) {
                    Ok(view) => all.push(part, info.name, Tensor::of_file(&part.bytes, &view))?,
                    Err(error) => all.unsupported.push(error.to_string()),
                }
            }
        }
        Ok(all)
    }

    fn push(&mut self, part: &Part, name: &'a str, tensor: Tensor) -> Result<(), CheckpointError> {
        if self.by_name.insert(name, self.tensors.len()).is_some() {
            let (path, tensor) = (part.path.clone(), name.to_owned());
            return Err(CheckpointError::Duplicate { path, tensor });
        }
        self.tensors.push(tensor);
        Ok(())
    }

    /// Keys and values.
    #[must_use]
    pub fn metadata(&self) -> &Metadata<'a> {
        &self.metadata
    }

    /// The tensor called `name`, if there is one of a type that this build knows.
    #[must_use]
    pub fn tensor(&self, name: &str) -> Option<&Tensor> {
        self.by_name.get(name).map(|index| &self.tensors[*index])
    }

    /// All tensors of types that this build knows, in file order.
    pub fn tensors(&self) -> impl ExactSizeIterator<Item = &Tensor> {
        self.tensors.iter()
    }

    /// Of each tensor whose type this build does not know: what it is, and what to do.
    #[must_use]
    pub fn unsupported(&self) -> &[String] {
        &self.unsupported
    }

    /// What is odd about the files, but no error.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl Part {
    fn container(&self) -> Result<Container, CheckpointError> {
        let bytes = self.bytes.bytes();
        Container::sniff(bytes).ok_or_else(|| {
            let found = bytes[..bytes.len().min(8)].to_vec();
            CheckpointError::Unknown { path: self.path.clone(), found }
        })
    }

    fn gguf<'b>(&self, bytes: &'b [u8]) -> Result<Gguf<'b>, CheckpointError> {
        Gguf::parse(bytes)
            .map_err(|source| CheckpointError::Gguf { path: self.path.clone(), source })
    }

    fn smq(&self) -> Result<Translated, CheckpointError> {
        let path = || self.path.clone();
        let smq = Smq::parse(self.bytes.bytes())
            .map_err(|source| CheckpointError::Smq { path: path(), source })?;
        Translated::smq(&self.bytes, &smq)
            .map_err(|source| CheckpointError::Metadata { path: path(), source })
    }

    fn smnd(&self) -> Result<Translated, CheckpointError> {
        let path = || self.path.clone();
        let smnd = Smnd::parse(self.bytes.bytes())
            .map_err(|source| CheckpointError::Smnd { path: path(), source })?;
        Translated::smnd(&self.bytes, &smnd)
            .map_err(|source| CheckpointError::Metadata { path: path(), source })
    }
}

/// Whether part `n` of `count` files is what its metadata says it is.
fn check_split(
    part: &Part,
    split: Option<Split>,
    n: usize,
    count: usize,
) -> Result<(), CheckpointError> {
    let problem = match split {
        None if count == 1 => return Ok(()),
        Some(split) if (usize::from(split.no), usize::from(split.count)) == (n, count) => {
            return Ok(());
        }
        Some(split) if count == 1 => format!(
            "but its name does not say so: name the parts NAME-{:05}-of-{:05}.gguf and so on",
            split.no + 1,
            split.count
        ),
        _ => format!("but by its name it should be part {} of {count}", n + 1),
    };
    let no = u16::try_from(n).unwrap_or(u16::MAX);
    let split = split.unwrap_or(Split { no, count: 1, tensors: None });
    Err(CheckpointError::Split { path: part.path.clone(), split, problem })
}
