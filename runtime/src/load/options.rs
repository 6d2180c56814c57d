//! How to load a model.

use std::sync::Arc;

use kernels::{IsaInfo, Knob, Numerics, Params, Tunable};
use regex::Regex;
use thiserror::Error;

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
    /// Which of its kernels, and how they run: knobs that are not as the profile has them. `rows`
    /// and `columns` are the tiles of `gemv` and `gemm`, `switch_at` is the batch at which the one
    /// takes over from the other.
    pub settings: Vec<Setting>,
}

/// A knob of the kernels, set by hand.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    knob: &'static Knob,
    value: u32,
}

/// There is no such knob or choice.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SettingError {
    /// No knob has that name.
    #[error("{0:?} is no knob; there are {known}", known = Params::KNOBS.iter().map(|knob| knob.name).collect::<Vec<_>>().join(", "))]
    Knob(String),
    /// The knob has no such position.
    #[error("{knob} cannot be {value}: it is one of {choices:?}")]
    Value {
        /// The knob.
        knob: &'static str,
        /// What was asked for.
        value: u32,
        /// What there is.
        choices: &'static [u32],
    },
}

impl Setting {
    /// `knob` is one of [`Params`], and `value` among its choices.
    ///
    /// # Errors
    /// If it is not.
    pub fn new(knob: &str, value: u32) -> Result<Self, SettingError> {
        let known = Params::KNOBS.iter().find(|known| known.name == knob);
        let knob = known.ok_or_else(|| SettingError::Knob(knob.to_owned()))?;
        if !knob.choices.contains(&value) {
            return Err(SettingError::Value { knob: knob.name, value, choices: knob.choices });
        }
        Ok(Self { knob, value })
    }

    pub(super) fn apply(&self, params: &mut Params) {
        let known = params.set(self.knob.name, self.value);
        debug_assert!(known, "a knob takes its choices");
    }
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
