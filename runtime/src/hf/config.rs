//! `config.json`, and the keys that GGUF has for it.

use std::f64::consts::TAU;
use std::path::{Path, PathBuf};

use kernels::formats;
use serde_json::{Map, Value as Json};

use super::{HfError, read_json};
use crate::gguf::Writer;
use crate::tensor::{Shape, Tensor};

/// A family of models: its `model_type`, its name in GGUF, and which rows its rotations pair.
struct Family {
    model_type: &'static str,
    architecture: &'static str,
    rotation: Rotation,
}

/// What rotary positions rotate against each other in the GGUF files of a family. In safetensors
/// files it is the halves of a head, always.
#[derive(PartialEq)]
enum Rotation {
    Neighbours,
    Halves,
}

#[rustfmt::skip]
static FAMILIES: [Family; 4] = [
    Family { model_type: "llama", architecture: "llama", rotation: Rotation::Neighbours },
    Family { model_type: "mistral", architecture: "llama", rotation: Rotation::Neighbours },
    Family { model_type: "qwen2", architecture: "qwen2", rotation: Rotation::Halves },
    Family { model_type: "qwen3", architecture: "qwen3", rotation: Rotation::Halves },
];

/// A `config.json`, read.
pub(super) struct Config {
    path: PathBuf,
    json: Map<String, Json>,
    family: &'static Family,
}

impl Config {
    pub(super) fn read(path: &Path) -> Result<Self, HfError> {
        let json = read_json(path)?;
        let found = json.get("model_type").and_then(Json::as_str).unwrap_or("(none)");
        let Some(family) = FAMILIES.iter().find(|family| family.model_type == found) else {
            let found = found.to_owned();
            let known = FAMILIES.each_ref().map(|family| family.model_type).join(", ");
            return Err(HfError::Architecture { path: path.to_owned(), found, known });
        };
        Ok(Self { path: path.to_owned(), json, family })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn architecture(&self) -> &'static str {
        self.family.architecture
    }

    /// Sets the keys.
    pub(super) fn describe(&self, writer: &mut Writer) -> Result<(), HfError> {
        let architecture = self.architecture();
        let key = |name: &str| format!("{architecture}.{name}");
        writer.metadata("general.architecture", architecture);
        let folder = self.path.parent().and_then(Path::file_name);
        if let Some(name) = folder.and_then(|name| name.to_str()) {
            writer.metadata("general.name", name);
        }
        for (theirs, name) in [
            ("vocab_size", "vocab_size"),
            ("max_position_embeddings", "context_length"),
            ("hidden_size", "embedding_length"),
            ("intermediate_size", "feed_forward_length"),
            ("num_hidden_layers", "block_count"),
            ("num_attention_heads", "attention.head_count"),
        ] {
            writer.metadata(&key(name), self.size(theirs)?);
        }
        writer.metadata(&key("attention.head_count_kv"), self.groups()?);
        let epsilon = self.number(&self.json, "rms_norm_eps")?;
        writer.metadata(&key("attention.layer_norm_rms_epsilon"), epsilon as f32);
        let head = self.head()?;
        writer.metadata(&key("attention.key_length"), head);
        writer.metadata(&key("attention.value_length"), head);
        writer.metadata(&key("rope.dimension_count"), head);
        writer.metadata(&key("rope.freq_base"), self.base()? as f32);
        if let Some(window) = self.window()? {
            writer.metadata(&key("attention.sliding_window"), window);
        }
        self.describe_scaling(writer)?;
        for (theirs, name) in [("bos_token_id", "bos"), ("eos_token_id", "eos")] {
            // Models with several ends have a list; the first is that of a text.
            let id = match self.json.get(theirs) {
                Some(Json::Array(ids)) => ids.first().and_then(Json::as_u64),
                id => id.and_then(Json::as_u64),
            };
            if let Some(id) = id.and_then(|id| u32::try_from(id).ok()) {
                writer.metadata(&format!("tokenizer.ggml.{name}_token_id"), id);
            }
        }
        Ok(())
    }

    /// How positions beyond the trained context are scaled, where GGUF has keys for it.
    fn describe_scaling(&self, writer: &mut Writer) -> Result<(), HfError> {
        let Some((kind, scaling)) = self.scaling() else { return Ok(()) };
        let key = |name: &str| format!("{}.rope.scaling.{name}", self.architecture());
        match kind {
            // Said by a tensor, see `rope_factors`.
            "llama3" => {}
            "linear" | "yarn" => {
                writer.metadata(&key("type"), kind);
                writer.metadata(&key("factor"), self.number(scaling, "factor")? as f32);
                let original = scaling.get("original_max_position_embeddings");
                if let Some(original) = original.and_then(Json::as_u64) {
                    let original = u32::try_from(original).unwrap_or(u32::MAX);
                    writer.metadata(&key("original_context_length"), original);
                }
                for (theirs, name) in
                    [("beta_fast", "yarn_beta_fast"), ("beta_slow", "yarn_beta_slow")]
                {
                    if let Some(beta) = scaling.get(theirs).and_then(Json::as_f64) {
                        writer.metadata(&key(name), beta as f32);
                    }
                }
            }
            other => {
                let problem =
                    format!("of type {other:?} is not known; linear, yarn and llama3 are");
                return Err(self.refuse("rope_scaling", problem));
            }
        }
        Ok(())
    }

    /// Llama 3's scaling as the tensor that its GGUF files have: what each frequency is divided
    /// by. (`_compute_llama3_parameters` of transformers' `modeling_rope_utils.py`.)
    pub(super) fn rope_factors(&self) -> Result<Option<Tensor>, HfError> {
        let Some(("llama3", scaling)) = self.scaling() else { return Ok(None) };
        let number = |key| self.number(scaling, key);
        let (factor, low, high) =
            (number("factor")?, number("low_freq_factor")?, number("high_freq_factor")?);
        let original = number("original_max_position_embeddings")?;
        let (head, base) = (self.head()? as usize, self.base()?);
        // Half a head may be no more than the file has numbers for; a real one is 32 to 128.
        if !(2..=1 << 16).contains(&head) {
            return Err(self.refuse("head_dim", format!("of {head} has no rotations")));
        }
        let factors = (0..head / 2).map(|n| {
            let wavelength = TAU * base.powf(2.0 * n as f64 / head as f64);
            if wavelength < original / high {
                1.0
            } else if wavelength > original / low {
                factor
            } else {
                let smooth = (original / wavelength - low) / (high - low);
                1.0 / ((1.0 - smooth) / factor + smooth)
            }
        });
        let bytes: Vec<u8> = factors.flat_map(|factor| (factor as f32).to_le_bytes()).collect();
        let f32 = formats::by_name("F32").expect("a format every build has");
        let refuse = |source| HfError::Tensor { tensor: "rope_freqs.weight".to_owned(), source };
        let shape = Shape::new(&[head / 2]).map_err(refuse)?;
        Tensor::in_memory("rope_freqs.weight", f32, shape, bytes).map(Some).map_err(refuse)
    }

    /// The number of heads in a tensor whose rows have to be reordered.
    pub(super) fn rotated_heads(&self, tensor: &str) -> Option<usize> {
        if self.family.rotation == Rotation::Halves {
            return None;
        }
        let (_, part) = tensor.strip_prefix("blk.")?.split_once('.')?;
        let heads = match part.split_once('.')?.0 {
            "attn_q" => self.size("num_attention_heads"),
            "attn_k" => self.groups(),
            _ => return None,
        };
        heads.ok().map(|heads| heads as usize)
    }

    /// Heads of keys and values.
    fn groups(&self) -> Result<u32, HfError> {
        match self.json.get("num_key_value_heads") {
            None | Some(Json::Null) => self.size("num_attention_heads"),
            Some(_) => self.size("num_key_value_heads"),
        }
    }

    /// Numbers in a head.
    fn head(&self) -> Result<u32, HfError> {
        match self.json.get("head_dim") {
            None | Some(Json::Null) => {
                let (size, heads) = (self.size("hidden_size")?, self.size("num_attention_heads")?);
                Ok(size / heads)
            }
            Some(_) => self.size("head_dim"),
        }
    }

    /// The base of the rotary frequencies, at one of two places.
    fn base(&self) -> Result<f64, HfError> {
        let base = |object: &Map<String, Json>| object.get("rope_theta").and_then(Json::as_f64);
        let base = base(&self.json).or_else(|| self.scaling_object().and_then(base));
        // What transformers takes where the file says nothing.
        Ok(base.unwrap_or(10_000.0))
    }

    /// The sliding window, if it is used.
    fn window(&self) -> Result<Option<u32>, HfError> {
        let used = self.json.get("use_sliding_window").and_then(Json::as_bool).unwrap_or(true);
        match self.json.get("sliding_window") {
            Some(Json::Number(_)) if used => self.size("sliding_window").map(Some),
            _ => Ok(None),
        }
    }

    /// Type and numbers of the scaling of positions, if there is one.
    fn scaling(&self) -> Option<(&str, &Map<String, Json>)> {
        let scaling = self.scaling_object()?;
        let kind = scaling.get("rope_type").or_else(|| scaling.get("type"))?.as_str()?;
        (kind != "default").then_some((kind, scaling))
    }

    fn scaling_object(&self) -> Option<&Map<String, Json>> {
        let object = |key| self.json.get(key).and_then(Json::as_object);
        object("rope_scaling").or_else(|| object("rope_parameters"))
    }

    /// A size: an integer of at least 1.
    fn size(&self, key: &str) -> Result<u32, HfError> {
        let value = self.json.get(key).ok_or_else(|| self.refuse(key, "is missing"))?;
        let size =
            value.as_u64().and_then(|size| u32::try_from(size).ok()).filter(|size| *size > 0);
        size.ok_or_else(|| self.refuse(key, "is no size"))
    }

    /// A number above zero.
    fn number(&self, object: &Map<String, Json>, key: &str) -> Result<f64, HfError> {
        let value = object.get(key).ok_or_else(|| self.refuse(key, "is missing"))?;
        value
            .as_f64()
            .filter(|value| *value > 0.0)
            .ok_or_else(|| self.refuse(key, "is no number above 0"))
    }

    fn refuse(&self, key: &str, problem: impl Into<String>) -> HfError {
        HfError::Config { path: self.path.clone(), key: key.to_owned(), problem: problem.into() }
    }
}
