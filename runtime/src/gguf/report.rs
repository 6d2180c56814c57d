//! The compatibility report: how much of a file this build can compute with.

use std::collections::BTreeMap;
use std::fmt;

use super::Gguf;
use super::split::Split;

/// How many tensors of a file are supported, and what to do about the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Tensors in the file.
    pub total: usize,
    /// Tensors of a type that this build has a format for.
    pub supported: usize,
    /// The other types, in the order of their numbers.
    pub unsupported: Vec<Unsupported>,
    /// Which part of a split model the file is, if it is one.
    pub split: Option<Split>,
}

/// A type that this build has no format for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// The number of the type.
    pub type_id: u32,
    /// Its name, or `unknown`.
    pub type_name: &'static str,
    /// How many tensors have it.
    pub count: usize,
    /// What to do about them.
    pub advice: &'static str,
}

impl Report {
    pub(crate) fn new(gguf: &Gguf<'_>) -> Self {
        let mut unsupported = BTreeMap::new();
        for tensor in gguf.tensors() {
            if let Some(advice) = tensor.advice() {
                let row = Unsupported {
                    type_id: tensor.type_id,
                    type_name: tensor.type_name(),
                    count: 0,
                    advice,
                };
                unsupported.entry(tensor.type_id).or_insert(row).count += 1;
            }
        }
        let unsupported: Vec<Unsupported> = unsupported.into_values().collect();
        let total = gguf.tensors().len();
        let missing: usize = unsupported.iter().map(|row| row.count).sum();
        Self { total, supported: total - missing, unsupported, split: gguf.split() }
    }

    /// Whether the file holds a whole model and every tensor is supported.
    pub fn is_compatible(&self) -> bool {
        self.unsupported.is_empty() && self.split.is_none()
    }
}

/// One line of sums, then one line for each type that is not supported.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let missing = self.total - self.supported;
        write!(f, "{} tensors: {} supported, {missing} not supported", self.total, self.supported)?;
        for row in &self.unsupported {
            write!(
                f,
                "\n  {} (id {}): {} tensors; {}",
                row.type_name, row.type_id, row.count, row.advice
            )?;
        }
        if let Some(split) = self.split {
            write!(
                f,
                "\n  the file is {split} of a split model; join the parts with \
                 llama-gguf-split --merge"
            )?;
        }
        Ok(())
    }
}
