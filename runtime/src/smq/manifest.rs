//! The sidecar of an SMQ file: `model.smq.manifest.json`, for people and for their scripts.
//!
//! It repeats what the file says and has the file's SHA-256, by which a download is checked.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};
use thiserror::Error;

/// What a sidecar says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the SMQ file, 1.
    pub format_version: u32,
    /// The model's name, if it has one.
    #[serde(default)]
    pub model_name: Option<String>,
    /// When the file was written: `2026-01-31T12:00:00Z`.
    #[serde(default)]
    pub created_utc: String,
    /// How many tensors it has.
    pub tensor_count: usize,
    /// The schemes they have.
    #[serde(default)]
    pub quant_schemes: Vec<String>,
    /// The model's sizes, as far as they are known.
    #[serde(default)]
    pub model_dims: Option<Dims>,
    /// SHA-256 of the file, in hexadecimal.
    #[serde(default)]
    pub smq_sha256: Option<String>,
    /// Anything else.
    #[serde(default)]
    pub metadata: Option<Map<String, Json>>,
}

/// Sizes of a model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)] // The names say it.
pub struct Dims {
    pub n_layers: Option<u32>,
    pub n_heads: Option<u32>,
    pub hidden_dim: Option<u32>,
    pub vocab_size: Option<u32>,
    pub context_length: Option<u32>,
}

/// A sidecar that cannot be used, or that contradicts its file.
#[derive(Debug, Error)]
#[non_exhaustive]
#[allow(missing_docs)] // The messages say it.
pub enum ManifestError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{}: {source}", path.display())]
    Json { path: PathBuf, source: serde_json::Error },
    #[error(
        "{}: by it the file's SHA-256 is {expected}, but it is {found}; the file is damaged, or \
         the manifest is another's", path.display()
    )]
    Digest { path: PathBuf, expected: String, found: String },
    #[error("{}: by it the file has {expected} tensors, but it has {found}", path.display())]
    Tensors { path: PathBuf, expected: usize, found: usize },
}

impl Manifest {
    /// Where the sidecar of a file lies.
    #[must_use]
    pub fn path(file: &Path) -> PathBuf {
        let mut name = file.file_name().unwrap_or_default().to_owned();
        name.push(".manifest.json");
        file.with_file_name(name)
    }

    /// Reads the sidecar of a file; `None` if there is none.
    ///
    /// # Errors
    /// If it cannot be read or is no manifest.
    pub fn read(file: &Path) -> Result<Option<Self>, ManifestError> {
        let path = Self::path(file);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(ManifestError::Io { path, source }),
        };
        serde_json::from_slice(&text)
            .map(Some)
            .map_err(|source| ManifestError::Json { path, source })
    }

    /// Everything in which a file is not as the sidecar says: its contents, and how many tensors
    /// they are, if that is known.
    #[must_use]
    pub fn check(&self, file: &Path, bytes: &[u8], tensors: Option<usize>) -> Vec<ManifestError> {
        let path = || Self::path(file);
        let mut errors = vec![];
        if let Some(found) = tensors.filter(|found| *found != self.tensor_count) {
            let expected = self.tensor_count;
            errors.push(ManifestError::Tensors { path: path(), expected, found });
        }
        if let Some(expected) = &self.smq_sha256 {
            let found = hex(&Sha256::digest(bytes));
            if !found.eq_ignore_ascii_case(expected) {
                let expected = expected.clone();
                errors.push(ManifestError::Digest { path: path(), expected, found });
            }
        }
        errors
    }

    /// The sidecar as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("strings and numbers are JSON") + "\n"
    }
}

/// Hashes what is written through it.
#[derive(Debug)]
pub struct Hashed<W> {
    out: W,
    digest: Sha256,
}

impl<W> Hashed<W> {
    /// Passes everything on to `out`.
    pub fn new(out: W) -> Self {
        Self { out, digest: Sha256::new() }
    }

    /// The output, and the SHA-256 of all that went there in hexadecimal.
    pub fn finish(self) -> (W, String) {
        (self.out, hex(&self.digest.finalize()))
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.digest.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_sha256() {
        let mut hashed = Hashed::new(Vec::new());
        hashed.write_all(b"a").unwrap();
        hashed.write_all(b"bc").unwrap();
        let (out, digest) = hashed.finish();
        assert_eq!(out, b"abc");
        // FIPS 180-4's first example.
        assert_eq!(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn a_manifest_of_another_file_says_so() {
        let manifest = Manifest {
            tensor_count: 2,
            smq_sha256: Some(hex(&Sha256::digest(b"weights"))),
            ..Manifest::default()
        };
        let file = Path::new("folder/model.smq");
        assert_eq!(Manifest::path(file), Path::new("folder/model.smq.manifest.json"));
        assert!(manifest.check(file, b"weights", Some(2)).is_empty());
        let errors = manifest.check(file, b"other", Some(3));
        assert!(matches!(errors[0], ManifestError::Tensors { expected: 2, found: 3, .. }));
        assert!(errors[1].to_string().contains("SHA-256"));
        let back: Manifest = serde_json::from_str(&manifest.to_json()).unwrap();
        assert_eq!(back, manifest);
    }
}
