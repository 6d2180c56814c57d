//! Writes a model with other types of weights, or in another container.
//!
//! Input is a [`Checkpoint`] of whatever container and types: quantized weights are decoded, each
//! exactly to the f32 it stands for. Output is GGUF or SMQ. What is written has the same names,
//! shapes and metadata; tensors that have the wanted type already are copied.
//!
//! # Which tensor gets which type
//!
//! The [`Choice`] of a tensor says the type and why; [`plan`] tells all of them before anything is
//! written. In this order:
//!
//! 1. what an [override](Options::overrides) says;
//! 2. F32 for vectors, for positions and for the router of experts: small, and worth it;
//! 3. under [`Policy::Mixed`], `Q6_K` for the head where the wanted type has fewer bits: errors
//!    there go straight into the choice of a token;
//! 4. the wanted type.
//!
//! Where the rows of a tensor are not whole blocks of its type, another takes its place
//! ([`choice`]), and the choice says so.
//!
//! # What happens to files
//!
//! The output is written under another name in the same folder and renamed when it is whole. So
//! nothing is lost when the program is interrupted, and the input may be mapped all the while; an
//! output that is the input is refused. One tensor of output is in memory at a time.

pub mod choice;
mod encode;
mod file_type;
mod sink;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use kernels::{FormatInfo, formats};
use regex::Regex;
use thiserror::Error;
use tracing::warn;

use crate::checkpoint::{Checkpoint, CheckpointError, Files};
use crate::gguf;
use crate::smq;
use crate::tensor::AsTensor;
pub use choice::{Choice, Reason};
use sink::Sink;

/// What to write.
#[derive(Clone, Debug)]
pub struct Options {
    /// How types are chosen.
    pub policy: Policy,
    /// Types of tensors whose names match, the first that does; vectors among them.
    pub overrides: Vec<(Regex, &'static FormatInfo)>,
    /// The container.
    pub output: Output,
}

/// How types are chosen.
#[derive(Clone, Copy, Debug)]
pub enum Policy {
    /// Each tensor keeps the type it has, if the container can hold it, else it becomes F32: no
    /// value changes.
    Keep,
    /// All matrices get this type.
    Pure(&'static FormatInfo),
    /// Matrices get this type, and the head one that has enough bits for it.
    Mixed(&'static FormatInfo),
}

/// A container to write.
#[derive(Clone, Debug)]
pub enum Output {
    /// GGUF version 3.
    Gguf,
    /// SMQ version 1, and its manifest.
    Smq(SmqOptions),
}

/// What there is to choose about an SMQ file.
#[derive(Clone, Debug)]
pub struct SmqOptions {
    /// Numbers that share a scale in the planar schemes. Tensors that are copied keep theirs.
    pub block: u32,
    /// How tensors are named.
    pub naming: Naming,
    /// The metadata, as it shall stand in the file; made from the model's if `None`.
    pub json: Option<Vec<u8>>,
}

impl Default for SmqOptions {
    fn default() -> Self {
        Self { block: smq::DEFAULT_BLOCK, naming: Naming::Gguf, json: None }
    }
}

/// How tensors of an SMQ file are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// As in GGUF.
    Gguf,
    /// By number, as SmallMind's tools do; as they do, vectors are matrices of one row and get
    /// the type of the others.
    Numbered,
}

/// What was written.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Summary {
    /// Bytes of weights in the input, and in the output.
    pub bytes: [u64; 2],
    /// Numbers.
    pub weights: u64,
    /// What changed although nobody asked for it, one line each.
    pub warnings: Vec<String>,
}

/// Why nothing was written.
#[derive(Debug, Error)]
#[non_exhaustive]
#[allow(missing_docs)] // The messages say it.
pub enum QuantizeError {
    #[error(transparent)]
    Input(#[from] CheckpointError),
    #[error("{}: the output is the input; write to another file", path.display())]
    SameFile { path: PathBuf },
    #[error(
        "{format} has no encoder, so no file can be converted to it; copy it from one that has it"
    )]
    NoEncoder { format: &'static str },
    #[error("{format} is no type of {container}, which has {known}")]
    NoScheme { format: &'static str, container: &'static str, known: String },
    #[error("the input cannot be converted whole: {}{}", .tensors[0], match .tensors.len() {
        1 => String::new(),
        count => format!(" (and {} more)", count - 1),
    })]
    Unsupported { tensors: Vec<String> },
    #[error("tensor {tensor:?}: {source}")]
    Tensor { tensor: String, source: kernels::ShapeError },
    #[error("{}: cannot {action}: {source}", path.display())]
    Io { path: PathBuf, action: &'static str, source: io::Error },
    #[error("{}: {source}", path.display())]
    Gguf { path: PathBuf, source: gguf::WriteError },
    #[error("{}: {source}", path.display())]
    Smq { path: PathBuf, source: smq::WriteError },
}

/// The type of each tensor, in file order.
///
/// # Errors
/// If the container does not have a type that was asked for, there is no encoder for it, or the
/// input has tensors of types that this build does not know.
pub fn plan(checkpoint: &Checkpoint<'_>, options: &Options) -> Result<Vec<Choice>, QuantizeError> {
    if !checkpoint.unsupported().is_empty() {
        return Err(QuantizeError::Unsupported { tensors: checkpoint.unsupported().to_vec() });
    }
    let choices: Vec<Choice> = checkpoint
        .tensors()
        .map(|tensor| choice::choose(&tensor.view(), checkpoint, options))
        .collect::<Result<_, _>>()?;
    for (tensor, choice) in checkpoint.tensors().zip(&choices) {
        let is_new = tensor.view().format != choice.format;
        if is_new && !encode::has_encoder(choice.format) {
            return Err(QuantizeError::NoEncoder { format: choice.format.name });
        }
    }
    Ok(choices)
}

/// Writes the model to `path`. `progress` is told how many more weights are done, by several
/// threads; they are those of the `rayon` pool this is called in.
///
/// # Errors
/// As [`plan`], and if `path` is a file of the input or cannot be written. What is at `path` is
/// then untouched.
pub fn quantize(
    files: &Files,
    path: &Path,
    options: &Options,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Summary, QuantizeError> {
    let checkpoint = &Checkpoint::parse(files)?;
    let is_same = |input: &Path| match (fs::canonicalize(input), fs::canonicalize(path)) {
        (Ok(input), Ok(output)) => input == output,
        _ => false,
    };
    if files.paths().any(is_same) {
        return Err(QuantizeError::SameFile { path: path.to_owned() });
    }
    let choices = plan(checkpoint, options)?;
    let mut summary = Summary::default();
    summary.warnings.extend(checkpoint.warnings().iter().cloned());
    summary.warnings.extend(choices.iter().filter_map(Choice::warning));

    let mut sink = Sink::new(path, checkpoint, &choices, options)?;
    let mut odd = BTreeSet::new();
    for (tensor, choice) in checkpoint.tensors().zip(&choices) {
        let view = tensor.view();
        let encoded = sink.encode(&view, choice, progress)?;
        summary.bytes[0] += view.bytes.len() as u64;
        summary.bytes[1] += encoded.bytes() as u64;
        summary.weights += view.shape.elements() as u64;
        if let Some(row) = encoded.odd_row {
            odd.insert(format!(
                "tensor {:?}: row {row} has weights that are not finite",
                view.name
            ));
        }
        sink.write(&view, &encoded)?;
    }
    sink.finish()?;
    summary.warnings.extend(odd);
    for warning in &summary.warnings {
        warn!("{warning}");
    }
    Ok(summary)
}

/// The format with a name on the command line.
///
/// # Errors
/// A list of those that there are.
pub fn format(name: &str) -> Result<&'static FormatInfo, String> {
    formats::by_name(name).ok_or_else(|| {
        let known: Vec<_> = formats::all().iter().map(|format| format.name).collect();
        format!("no type {name:?}; there are {}", known.join(", "))
    })
}
