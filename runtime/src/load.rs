//! From a model's files to a model that runs.
//!
//! Loading copies no weights: it checks every tensor's shape, looks up a plan for every matrix and
//! reads the small vectors. Matrices stay where the files have them, as the files have them,
//! unless the options say otherwise. A model is only made of a checkpoint that has every tensor
//! that its architecture wants, in the right shape, and none that it does not know: what is wrong
//! is one error that lists all of it.

mod dequantize;
mod error;
mod keys;
mod loader;
mod options;
mod parts;
mod report;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use tracing::info;

pub use error::{ConfigError, LoadError, TensorProblem};
pub(crate) use keys::Keys;
pub(crate) use loader::Loader;
pub use options::{LoadOptions, Override, Setting, SettingError};
pub use report::{Report, Treatment, Weight};

use crate::checkpoint::{Checkpoint, Files};
use crate::context::Context;
use crate::gguf::Metadata;
use crate::model::Model;
use crate::tokenizer::Tokenizer;

/// A model and what came with it.
#[derive(Debug)]
pub struct Loaded {
    /// What computes.
    pub model: Model,
    /// What was done with the weights.
    pub report: Report,
    files: Files,
}

impl Loaded {
    /// Keys and values of the files, such as `general.name`. Parses the files' headers again.
    ///
    /// # Errors
    /// If the files have been damaged since they were loaded.
    pub fn metadata(&self) -> Result<Metadata<'_>, LoadError> {
        Ok(Checkpoint::parse(&self.files)?.metadata().clone())
    }

    /// The tokenizer that the files describe. Builds it, which takes longer than loading the model:
    /// up to a second for the largest vocabularies.
    ///
    /// # Errors
    /// If the files have no tokenizer, or one that cannot be built.
    pub fn tokenizer(&self) -> Result<Tokenizer, LoadError> {
        Ok(Tokenizer::from_metadata(&self.metadata()?)?)
    }
}

/// Loads a model from a file, or from all parts of a split one.
///
/// # Errors
/// If a file cannot be read or is damaged, its architecture is not known, a key is missing or
/// absurd, or tensors are missing, wrongly shaped or too many.
pub fn load(path: impl AsRef<Path>, options: &LoadOptions) -> Result<Loaded, LoadError> {
    let (path, preserve) = (path.as_ref(), options.preserve_quantization);
    info!("loading {} (preserve_quantization={preserve})", path.display());
    let start = Instant::now();
    let files = Files::open(path, options.access)?;
    let (model, mut report) = load_checkpoint(&Checkpoint::parse(&files)?, options)?;
    report.file_bytes = files.bytes();
    report.time = start.elapsed();
    report.log();
    Ok(Loaded { model, report, files })
}

/// Loads a model from files that are open already.
///
/// # Errors
/// As [`load`], but for what concerns opening.
pub fn load_checkpoint(
    checkpoint: &Checkpoint<'_>,
    options: &LoadOptions,
) -> Result<(Model, Report), LoadError> {
    let context = match &options.context {
        Some(context) => Arc::clone(context),
        None => Arc::new(Context::new(Default::default())?),
    };
    let mut loader = Loader::new(checkpoint, &context, options)?;
    let network = crate::models::build(&mut loader)?;
    let report = loader.finish()?;
    Ok((Model::new(context, network), report))
}
