//! Parts that many architectures have under the same names: sizes, heads, norms, rotation, head.

use super::{ConfigError, LoadError, Loader};
use crate::attention::{AttentionConfig, Mask};
use crate::cache::{CacheType, Store};
use crate::linear::Linear;
use crate::model::Sizes;
use crate::norm::{LayerNorm, RmsNorm};
use crate::rope::{Order, Rope, RopeConfig, Scaling};

/// Heads of attention.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heads {
    /// Heads of queries.
    pub(crate) count: usize,
    /// Heads of keys and values.
    pub(crate) groups: usize,
    /// Numbers of a query or key.
    pub(crate) key: usize,
    /// Numbers of a value.
    pub(crate) value: usize,
}

impl Heads {
    /// Numbers of all queries.
    pub(crate) fn queries(&self) -> usize {
        self.count * self.key
    }

    /// Numbers of all keys.
    pub(crate) fn keys(&self) -> usize {
        self.groups * self.key
    }

    /// Numbers of all values.
    pub(crate) fn values(&self) -> usize {
        self.groups * self.value
    }

    /// Numbers that come out of attention.
    pub(crate) fn mixed(&self) -> usize {
        self.count * self.value
    }
}

impl Loader<'_> {
    /// The model's sizes. The vocabulary is as large as the table of tokens.
    pub(crate) fn sizes(&self) -> Result<Sizes, LoadError> {
        let keys = self.keys();
        let (layers, tensors) = (keys.count("block_count")?, self.tensors());
        // So that nothing is made in vain.
        if layers > tensors {
            let need = format!("the file has only {tensors} tensors");
            return Err(keys.wrong("block_count", layers, need).into());
        }
        let trained = keys.count("context_length")?;
        Ok(Sizes {
            vocabulary: self.rows_of("token_embd.weight"),
            context: self.options().context_length.unwrap_or(trained),
            layers,
            hidden: keys.count("embedding_length")?,
        })
    }

    /// Heads of attention; of `embedding_length / head_count` numbers unless the keys say more.
    pub(crate) fn heads(&self) -> Result<Heads, LoadError> {
        let keys = self.keys();
        let count = keys.count("attention.head_count")?;
        let groups = match keys.find("attention.head_count_kv")? {
            Some(groups) if groups == 0 || count % groups != 0 => {
                let need = format!("must divide the {count} heads of queries");
                return Err(keys.wrong("attention.head_count_kv", groups, need).into());
            }
            groups => groups.unwrap_or(count),
        };
        let size = |name: &str| -> Result<usize, ConfigError> {
            match keys.find(name)? {
                Some(0) => Err(keys.wrong(name, 0, "must be at least 1")),
                Some(size) => Ok(size),
                None => {
                    let hidden = keys.count("embedding_length")?;
                    if hidden % count == 0 {
                        return Ok(hidden / count);
                    }
                    let need = format!("must divide the {hidden} numbers of a token");
                    Err(keys.wrong("attention.head_count", count, need))
                }
            }
        };
        let (key, value) = (size("attention.key_length")?, size("attention.value_length")?);
        // So that nothing is made in vain.
        let rows = self.largest();
        let all = |size: usize| size.checked_mul(count);
        if [key, value].into_iter().any(|size| all(size).is_none_or(|all| all > rows)) {
            let need = format!("no weight of the file has {key} rows for each");
            return Err(keys.wrong("attention.head_count", count, need).into());
        }
        Ok(Heads { count, groups, key, value })
    }

    /// Projections to queries, keys and values: `attn_q`, `attn_k` and `attn_v`.
    pub(crate) fn projections(&mut self, block: &str, heads: Heads, hidden: usize) -> [Linear; 3] {
        [("attn_q", heads.queries()), ("attn_k", heads.keys()), ("attn_v", heads.values())]
            .map(|(name, rows)| self.linear(&format!("{block}.{name}"), rows, hidden))
    }

    /// Attention as it is unless an architecture says otherwise.
    pub(crate) fn attention_config(&mut self, heads: Heads) -> AttentionConfig {
        let Heads { count, groups, key, value } = heads;
        AttentionConfig {
            heads: count,
            groups,
            store: Store { kind: self.cache_type(key), key, value },
            scale: 1.0 / (key as f32).sqrt(),
            softcap: None,
            mask: Mask::Causal,
        }
    }

    /// The cache that the options ask for, if it can hold keys of `size` numbers.
    fn cache_type(&mut self, size: usize) -> CacheType {
        match self.options().cache {
            CacheType::Q8 if !size.is_multiple_of(32) => {
                self.warn(format!(
                    "keys and values are cached as f16: q8 needs heads of a multiple of 32 \
                     numbers, and these have {size}"
                ));
                CacheType::F16
            }
            kind => kind,
        }
    }

    /// What a token sees: a window, if there is a key for it.
    pub(crate) fn mask(&self) -> Result<Mask, ConfigError> {
        let window = self.keys().find("attention.sliding_window")?;
        Ok(window.filter(|size| *size > 0).map_or(Mask::Causal, Mask::Window))
    }

    /// A root mean square norm: `NAME.weight`.
    pub(crate) fn rms_norm(&mut self, name: &str, columns: usize, epsilon: f32) -> RmsNorm {
        RmsNorm { weight: self.vector(&format!("{name}.weight"), columns), epsilon }
    }

    /// A layer norm: `NAME.weight` and `NAME.bias`.
    pub(crate) fn layer_norm(&mut self, name: &str, columns: usize, epsilon: f32) -> LayerNorm {
        let [weight, bias] =
            ["weight", "bias"].map(|part| self.vector(&format!("{name}.{part}"), columns));
        LayerNorm { weight, bias, epsilon }
    }

    /// The output head: `output`, or the table of tokens if the model has no other.
    pub(crate) fn output(&mut self, vocabulary: usize, hidden: usize) -> Linear {
        let name = if self.has("output.weight") { "output" } else { "token_embd" };
        self.linear(name, vocabulary, hidden)
    }

    /// The rotation of heads of `size` numbers, as the keys and tensors of the file say.
    pub(crate) fn rope(&mut self, order: Order, size: usize) -> Result<Rope, LoadError> {
        let mut config = self.rope_config(order, size)?;
        config.factors = self.rope_factors(config.dimensions / 2)?;
        Ok(Rope::new(&config))
    }

    /// What divides the frequency of each pair: `rope_freqs`, or one of `rope_factors_long` and
    /// `rope_factors_short`, as the context is longer or not than that of the training.
    fn rope_factors(&mut self, pairs: usize) -> Result<Option<Vec<f32>>, ConfigError> {
        if self.has("rope_freqs.weight") {
            return Ok(Some(self.vector("rope_freqs.weight", pairs)));
        }
        if !self.has("rope_factors_long.weight") {
            return Ok(None);
        }
        let [long, short] =
            ["long", "short"].map(|n| self.vector(&format!("rope_factors_{n}.weight"), pairs));
        let keys = self.keys();
        let trained = keys.count("context_length")?;
        let original = keys.find("rope.scaling.original_context_length")?.unwrap_or(trained);
        let context = self.options().context_length.unwrap_or(trained);
        Ok(Some(if context > original { long } else { short }))
    }

    /// The rotation of heads of `size` numbers, as the `rope.*` keys say.
    pub(crate) fn rope_config(&self, order: Order, size: usize) -> Result<RopeConfig, ConfigError> {
        let keys = self.keys();
        let dimensions = keys.find("rope.dimension_count")?.unwrap_or(size);
        if dimensions > size || dimensions % 2 != 0 {
            let need = format!("must be even and at most the {size} numbers of a head");
            return Err(keys.wrong("rope.dimension_count", dimensions, need));
        }
        let number = |name: &str| -> Result<Option<f64>, ConfigError> {
            Ok(keys.positive(name)?.map(f64::from))
        };
        // Old files have the factor of linear scaling under another name, without a type.
        let factor = match number("rope.scaling.factor")? {
            Some(factor) => Some(factor),
            None => number("rope.scale_linear")?,
        };
        let kind = keys.find("rope.scaling.type")?;
        let scaling = match (kind, factor) {
            // What longrope does is in tensors.
            (Some("none" | "longrope"), _) | (_, None) => Scaling::None,
            (None | Some("linear"), Some(factor)) => Scaling::Linear { factor },
            (Some("yarn"), Some(factor)) => Scaling::Yarn {
                factor,
                original: match keys.find::<usize>("rope.scaling.original_context_length")? {
                    Some(original) => original.max(1) as f64,
                    None => keys.count("context_length")? as f64,
                },
                fast: number("rope.scaling.yarn_beta_fast")?.unwrap_or(32.0),
                slow: number("rope.scaling.yarn_beta_slow")?.unwrap_or(1.0),
            },
            (Some(kind), Some(_)) => {
                let need = "none, linear, yarn and longrope are known";
                return Err(keys.wrong("rope.scaling.type", kind, need));
            }
        };
        Ok(RopeConfig {
            order,
            dimensions,
            base: number("rope.freq_base")?.unwrap_or(10_000.0),
            scaling,
            factors: None,
            magnitude: number("rope.scaling.attn_factor")?.unwrap_or(1.0),
        })
    }
}
