//! Looks for everything that is wrong with a model's files: their structure, and numbers that are
//! none.
//!
//! Opening a file stops at the first error, and looks at no weights; this does neither. A scale
//! that is NaN or infinite makes a row of a layer's output so, and soon all of it; [`verify`] tells
//! in which tensor and row. It reads every byte, with all threads.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use crate::checkpoint::{Access, Checkpoint, CheckpointError, Container, Files};
use crate::gguf::{Gguf, MapError, Mapped, Split};
use crate::smq::{Manifest, Severity, Smq};
use crate::tensor::{AsTensor, TensorView};

/// Weights that a thread takes at a time, about.
const JOB: usize = 1 << 16;

/// What is wrong or odd, in words that name the file and the place.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What it is.
    pub message: String,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Verdict {
    /// Everything wrong or odd.
    pub findings: Vec<Finding>,
    /// Tensors whose weights were looked at; none if the structure has errors.
    pub tensors: usize,
    /// Numbers in them.
    pub weights: u64,
}

impl Verdict {
    /// How many findings are of a severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    fn add(&mut self, severity: Severity, message: impl ToString) {
        self.findings.push(Finding { severity, message: message.to_string() });
    }
}

/// Verifies the model at a path: a file, all parts of a split one, or a folder. `progress` is told
/// how many more weights are done and how many there are, by several threads.
///
/// # Errors
/// If a file cannot be opened at all.
pub fn verify(
    path: &Path,
    access: Access,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Verdict, MapError> {
    let mut verdict = Verdict::default();
    if path.is_file() {
        for part in parts(path) {
            let file = match access {
                Access::Map => Mapped::open(&part),
                Access::Read => Mapped::read(&part),
            }?;
            structure(&part, file.bytes(), &mut verdict);
        }
    }
    if verdict.count(Severity::Error) > 0 {
        return Ok(verdict);
    }
    let files = match Files::open(path, access) {
        Ok(files) => files,
        Err(CheckpointError::File(error)) => return Err(error),
        Err(error) => {
            verdict.add(Severity::Error, error);
            return Ok(verdict);
        }
    };
    match Checkpoint::parse(&files) {
        Ok(checkpoint) => {
            for message in checkpoint.warnings().iter().chain(checkpoint.unsupported()) {
                verdict.add(Severity::Warning, message);
            }
            weights(&checkpoint, progress, &mut verdict);
        }
        Err(error) => verdict.add(Severity::Error, error),
    }
    Ok(verdict)
}

/// The first row of a tensor with a weight that is NaN or infinite, and how many such rows there
/// are. A weight is that if a scale or minimum of its block is.
#[must_use]
pub fn odd_rows(view: &TensorView<'_>) -> Option<(usize, usize)> {
    odd_rows_with(view, &|_| ())
}

fn odd_rows_with(view: &TensorView<'_>, progress: &(dyn Fn(u64) + Sync)) -> Option<(usize, usize)> {
    let (depth, row_bytes) = (view.depth(), view.row_bytes());
    let rows = (JOB / depth).max(1);
    let (first, count) = (AtomicUsize::new(usize::MAX), AtomicUsize::new(0));
    view.bytes.par_chunks(rows * row_bytes).enumerate().for_each(|(n, bytes)| {
        let mut weights = vec![0.0; bytes.len() / row_bytes * depth];
        let decoded = view.format.dequantize(bytes, &mut weights);
        decoded.expect("a view is whole rows");
        for (row, weights) in (n * rows..).zip(weights.chunks_exact(depth)) {
            if weights.iter().any(|weight| !weight.is_finite()) {
                first.fetch_min(row, Ordering::Relaxed);
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
        progress(weights.len() as u64);
    });
    let (first, count) = (first.into_inner(), count.into_inner());
    (count > 0).then_some((first, count))
}

/// The file at a path, or all parts of the model it is a part of, as far as they are there.
fn parts(path: &Path) -> Vec<PathBuf> {
    let siblings = Split::of_path(path).and_then(|split| split.siblings(path));
    let siblings = siblings.unwrap_or_default();
    match siblings.iter().all(|path| path.is_file()) && !siblings.is_empty() {
        true => siblings,
        false => vec![path.to_owned()],
    }
}

/// Findings that opening the file would stop at the first of.
fn structure(path: &Path, bytes: &[u8], verdict: &mut Verdict) {
    let at = |message: &dyn std::fmt::Display| format!("{}: {message}", path.display());
    match Container::sniff(bytes) {
        Some(Container::Gguf) => {
            for error in Gguf::check(bytes) {
                verdict.add(Severity::Error, at(&error));
            }
        }
        Some(Container::Smq) => {
            let findings = Smq::check(bytes);
            // Warnings come with the checkpoint, if there are no errors.
            let is_sound = findings.iter().all(|finding| finding.severity() != Severity::Error);
            for finding in findings.iter().filter(|_| !is_sound) {
                verdict.add(finding.severity(), at(finding));
            }
            match Manifest::read(path) {
                Ok(None) => {}
                Ok(Some(manifest)) => {
                    let tensors = Smq::parse(bytes).ok().map(|smq| smq.entries().len());
                    for error in manifest.check(path, bytes, tensors) {
                        verdict.add(Severity::Error, error);
                    }
                }
                Err(error) => verdict.add(Severity::Error, error),
            }
        }
        Some(Container::Smnd | Container::Safetensors) | None => {}
    }
}

fn weights(
    checkpoint: &Checkpoint<'_>,
    progress: &(dyn Fn(u64, u64) + Sync),
    verdict: &mut Verdict,
) {
    let all = checkpoint.tensors().map(|tensor| tensor.view().shape.elements() as u64).sum();
    for tensor in checkpoint.tensors() {
        let view = tensor.view();
        if let Some((row, count)) = odd_rows_with(&view, &|done| progress(done, all)) {
            verdict.add(
                Severity::Error,
                format!(
                    "tensor {:?}: row {row} has weights that are NaN or infinite, and so have \
                     {count} of {} rows; the file is damaged, or was made from a damaged one",
                    view.name,
                    view.rows()
                ),
            );
        }
        verdict.tensors += 1;
        verdict.weights += view.shape.elements() as u64;
    }
}
