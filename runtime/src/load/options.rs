//! How to load a model.

use std::sync::Arc;

use kernels::{IsaInfo, Numerics};
use regex::Regex;

use crate::cache::CacheType;
use crate::checkpoint::Access;
use crate::context::Context;

/// How to load a model. The default: weights in place, int8 activations, all CPUs.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// Threads and tuned choices; `None` makes a [`Context`] with default options. Models may
    /// share one.
    pub context: Option<Arc<Context>>,
    /// How the files get into memory.
    pub access: Access,
    /// Whether matrices are multiplied with in the form that the file has. Otherwise they are
    /// decoded to `f32` in memory: slower and several times larger, but what a trainer or a check
    /// wants.
    pub preserve_quantization: bool,
    /// How activations enter products.
    pub activations: Numerics,
    /// Exceptions, for some tensors; the first that matches counts.
    pub overrides: Vec<Override>,
    /// Tokens that a sequence may have; `None` is what the model was trained for.
    pub context_length: Option<usize>,
    /// How sessions keep keys and values.
    pub cache: CacheType,
}

/// How some Linear layers are multiplied.
#[derive(Clone, Debug)]
pub struct Override {
    /// Which: those whose weight's name has a match, such as `ffn_down` or `^blk\.0\.`.
    pub tensors: Regex,
    /// How activations enter; `None` leaves it as it is.
    pub activations: Option<Numerics>,
    /// The instruction set of the kernels; `None` leaves it as it is.
    pub isa: Option<&'static IsaInfo>,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            context: None,
            access: Access::Map,
            preserve_quantization: true,
            activations: Numerics::Q8,
            overrides: vec![],
            context_length: None,
            cache: CacheType::default(),
        }
    }
}
