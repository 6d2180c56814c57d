//! The architectures, one file each. A new one is a file and a line in [`ALL`].

mod llama;

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
const ALL: &[Architecture] = &[Architecture { name: "llama", build: llama::build }];

/// Builds the network that the checkpoint's metadata names.
pub(crate) fn build(loader: &mut Loader<'_>) -> Result<Box<dyn Network>, LoadError> {
    let name = loader.keys().architecture();
    let Some(found) = ALL.iter().find(|architecture| architecture.name == name) else {
        let known: Vec<_> = ALL.iter().map(|architecture| architecture.name).collect();
        return Err(LoadError::Architecture { name: name.to_owned(), known: known.join(", ") });
    };
    (found.build)(loader)
}
