//! The architectures, one file each. A new one is a file and a line in [`ALL`].

mod bert;
mod gemma2;
mod gemma3;
mod gpt2;
mod llama;
mod phi3;
mod qwen2;
mod qwen3;

use crate::load::{LoadError, Loader};
use crate::model::Network;

/// An architecture.
struct Architecture {
    /// As in `general.architecture`.
    name: &'static str,
    /// Takes tensors and builds the network.
    build: fn(&mut Loader<'_>) -> Result<Box<dyn Network>, LoadError>,
}

/// Every architecture of this build.
#[rustfmt::skip]
const ALL: &[Architecture] = &[
    Architecture { name: "llama", build: llama::build },
    Architecture { name: "qwen2", build: qwen2::build },
    Architecture { name: "qwen3", build: qwen3::build },
    Architecture { name: "qwen3moe", build: qwen3::build },
    Architecture { name: "gemma2", build: gemma2::build },
    Architecture { name: "gemma3", build: gemma3::build },
    Architecture { name: "phi3", build: phi3::build },
    Architecture { name: "gpt2", build: gpt2::build },
    Architecture { name: "bert", build: bert::build },
];

/// Builds the network that the checkpoint's metadata names.
pub(crate) fn build(loader: &mut Loader<'_>) -> Result<Box<dyn Network>, LoadError> {
    let name = loader.keys().architecture();
    let Some(found) = ALL.iter().find(|architecture| architecture.name == name) else {
        let known: Vec<_> = ALL.iter().map(|architecture| architecture.name).collect();
        return Err(LoadError::Architecture { name: name.to_owned(), known: known.join(", ") });
    };
    (found.build)(loader)
}
