//! An architecture's metadata: keys that begin with its name.

use std::fmt::Display;

use super::error::ConfigError;
use crate::gguf::{FromValue, Metadata};

/// The keys of an architecture: `embedding_length` is `llama.embedding_length`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keys<'a> {
    metadata: &'a Metadata<'a>,
    architecture: &'a str,
}

impl<'a> Keys<'a> {
    pub(crate) fn new(metadata: &'a Metadata<'a>) -> Result<Self, ConfigError> {
        Ok(Self { metadata, architecture: metadata.str("general.architecture")? })
    }

    /// As in `general.architecture`.
    pub(crate) fn architecture(&self) -> &'a str {
        self.architecture
    }

    /// The key in full.
    pub(crate) fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.architecture)
    }

    /// A value that there may be.
    pub(crate) fn find<T: FromValue<'a>>(&self, name: &str) -> Result<Option<T>, ConfigError> {
        Ok(self.metadata.find(&self.key(name))?)
    }

    /// A value that must be there.
    pub(crate) fn require<T: FromValue<'a>>(&self, name: &str) -> Result<T, ConfigError> {
        Ok(self.metadata.require(&self.key(name))?)
    }

    /// A count that must be there and at least 1.
    pub(crate) fn count(&self, name: &str) -> Result<usize, ConfigError> {
        match self.require(name)? {
            0 => Err(self.wrong(name, 0, "must be at least 1")),
            count => Ok(count),
        }
    }

    /// A positive number that there may be.
    pub(crate) fn positive(&self, name: &str) -> Result<Option<f32>, ConfigError> {
        match self.find::<f32>(name)? {
            Some(value) if !(value > 0.0 && value.is_finite()) => {
                Err(self.wrong(name, value, "must be a positive number"))
            }
            value => Ok(value),
        }
    }

    /// The error that a value is not what it should be.
    pub(crate) fn wrong(
        &self,
        name: &str,
        value: impl Display,
        need: impl Into<String>,
    ) -> ConfigError {
        ConfigError::Value { key: self.key(name), value: value.to_string(), need: need.into() }
    }
}
