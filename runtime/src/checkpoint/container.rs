//! Which container a file is, by its first bytes: names lie.

use std::fmt;

use crate::{gguf, hf, smnd, smq};

/// A kind of file that models come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// llama.cpp's; see [`gguf`].
    Gguf,
    /// SmallMind's container of quantized weights; see [`smq`].
    Smq,
    /// SmallMind's f32 checkpoint; see [`smnd`].
    Smnd,
    /// The hub's container of tensors; see [`hf`].
    Safetensors,
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gguf => "GGUF",
            Self::Smq => "SMQ",
            Self::Smnd => "SMND",
            Self::Safetensors => "safetensors",
        })
    }
}

impl Container {
    /// The container that a file with these first bytes wants to be.
    #[must_use]
    pub fn sniff(bytes: &[u8]) -> Option<Self> {
        let is = |magic: &[u8]| bytes.starts_with(magic);
        if is(&gguf::MAGIC) {
            Some(Self::Gguf)
        } else if is(&smq::MAGIC[..3]) {
            Some(Self::Smq)
        } else if is(&smnd::MAGIC) {
            Some(Self::Smnd)
        } else if hf::is_safetensors(bytes) {
            Some(Self::Safetensors)
        } else {
            None
        }
    }
}
