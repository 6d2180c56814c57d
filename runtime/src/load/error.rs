//! Why a model cannot be loaded.

use std::fmt::Write;

use thiserror::Error;

use crate::checkpoint::CheckpointError;
use crate::context::{ContextError, PlanError};
use crate::gguf::GgufError;
use crate::tokenizer::TokenizerError;

/// A model cannot be loaded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The files cannot be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Threads or an instruction set cannot be had.
    #[error(transparent)]
    Context(#[from] ContextError),
    /// No kernels for attention.
    #[error("attention: {0}")]
    Plan(#[from] PlanError),
    /// An architecture that this build does not know.
    #[error("general.architecture is {name:?}, which is not supported; there are {known}")]
    Architecture {
        /// As the file says.
        name: String,
        /// Those that are supported.
        known: String,
    },
    /// The files' tokenizer cannot be built.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// Metadata that no model can be made of.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Tensors that are missing, wrong or too many: all of them.
    #[error("{} tensors do not make a {architecture} model:{}", problems.len(), listed(problems))]
    Tensors {
        /// The model's architecture.
        architecture: String,
        /// What is wrong.
        problems: Vec<TensorProblem>,
    },
}

/// Metadata that no model can be made of.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A key that is missing, or has a value of another type.
    #[error(transparent)]
    Key(#[from] GgufError),
    /// A value that makes no sense.
    #[error("metadata {key:?} is {value}, but {need}")]
    Value {
        /// The key.
        key: String,
        /// Its value.
        value: String,
        /// What it should be.
        need: String,
    },
}

/// What is wrong with a tensor.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum TensorProblem {
    /// It is not there.
    #[error("{name:?} is missing; a tensor {need} belongs there")]
    Missing {
        /// The tensor.
        name: String,
        /// Its shape, in storage order.
        need: String,
    },
    /// It has another shape.
    #[error("{name:?} is {have}, but should be {need}")]
    Shape {
        /// The tensor.
        name: String,
        /// Its shape, in storage order.
        have: String,
        /// What it should be.
        need: String,
    },
    /// The architecture has no use for it.
    #[error("{name:?} is not known")]
    Extra {
        /// The tensor.
        name: String,
    },
    /// It is there, but nothing can be done with it.
    #[error("{0}")]
    Unusable(String),
}

fn listed(problems: &[TensorProblem]) -> String {
    /// A file of nothing but problems should not become a million lines.
    const SHOWN: usize = 50;
    let mut text = String::new();
    for problem in problems.iter().take(SHOWN) {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n  {problem}");
    }
    if problems.len() > SHOWN {
        let _ = write!(text, "\n  and {} more", problems.len() - SHOWN);
    }
    text
}
