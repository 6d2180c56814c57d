//! A model's files, whatever their container: metadata and named tensors.
//!
//! [`Files`] owns the bytes, one map a file; [`Checkpoint`] borrows the metadata from them and
//! hands out [`Tensor`]s, which keep their file alive by themselves. So a loader parses once,
//! takes what it needs, and drops both.
//!
//! A split model (`name-00001-of-00003.gguf`) is opened by any of its parts; the others are found
//! by name. The first part's metadata counts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use crate::gguf::{Gguf, GgufError, MapError, Mapped, Metadata, Split};
use crate::tensor::Tensor;

/// The files of a model, opened.
#[derive(Debug)]
pub struct Files {
    parts: Vec<Part>,
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
    /// Opens a file, and the other parts if it is one of several.
    ///
    /// # Errors
    /// If a file cannot be opened, or a part is missing.
    pub fn open(path: impl AsRef<Path>, access: Access) -> Result<Self, CheckpointError> {
        let path = path.as_ref();
        let paths = match Split::of_path(path).and_then(|split| split.siblings(path)) {
            Some(siblings) => siblings,
            None => vec![path.to_owned()],
        };
        let open = |path: PathBuf| {
            let bytes = match access {
                Access::Map => Mapped::open(&path),
                Access::Read => Mapped::read(&path),
            }?;
            Ok(Part { path, bytes: Arc::new(bytes) })
        };
        let parts = paths.into_iter().map(open).collect::<Result<Vec<_>, CheckpointError>>()?;
        Ok(Self { parts })
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
    tensors: BTreeMap<&'a str, Tensor>,
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
            tensors: BTreeMap::new(),
            unsupported: vec![],
            warnings: vec![],
        };
        for (n, part) in files.parts.iter().enumerate() {
            let gguf = Gguf::parse(part.bytes.bytes())
                .map_err(|source| CheckpointError::Gguf { path: part.path.clone(), source })?;
            check_split(part, gguf.split(), n, files.parts.len())?;
            if n == 0 {
                all.metadata = gguf.metadata().clone();
            }
            // That a part is one of several is known, and no warning.
            all.warnings.extend(gguf.warnings().iter().filter(|_| gguf.split().is_none()).cloned());
            all.add(part, &gguf)?;
        }
        Ok(all)
    }

    fn add(&mut self, part: &Part, gguf: &Gguf<'a>) -> Result<(), CheckpointError> {
        for info in gguf.tensors() {
            match gguf.tensor(info.name) {
                Ok(view) => {
                    let tensor = Tensor::of_file(&part.bytes, &view);
                    if self.tensors.insert(info.name, tensor).is_some() {
                        let (path, tensor) = (part.path.clone(), info.name.to_owned());
                        return Err(CheckpointError::Duplicate { path, tensor });
                    }
                }
                Err(error) => self.unsupported.push(error.to_string()),
            }
        }
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
        self.tensors.get(name)
    }

    /// All tensors of types that this build knows, by name.
    pub fn tensors(&self) -> impl ExactSizeIterator<Item = &Tensor> {
        self.tensors.values()
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
