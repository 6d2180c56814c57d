//! What SMND and SMQ files of SmallMind's own tools leave unsaid: the names of their tensors and
//! the keys of their sizes.
//!
//! Both hold a GPT with learned positions, layer norms with biases, one projection for queries,
//! keys and values, and a GELU feed-forward. Weights come in the order of the model's parameters:
//! an SMND file does not name them at all, an SMQ file by number (`param_0004`, `tensor_004`).
//! Here they get the names and the keys that GGUF files of a `gpt2` have.

use serde_json::{Map, Value as Json};

use crate::gguf::{Metadata, Writer};

/// Tensors before the layers, in each layer, and after.
const FIRST: [&str; 2] = ["token_embd.weight", "position_embd.weight"];
const LAYER: [&str; 12] = [
    "attn_norm.weight",
    "attn_norm.bias",
    "attn_qkv.weight",
    "attn_qkv.bias",
    "attn_output.weight",
    "attn_output.bias",
    "ffn_norm.weight",
    "ffn_norm.bias",
    "ffn_up.weight",
    "ffn_up.bias",
    "ffn_down.weight",
    "ffn_down.bias",
];
const LAST: [&str; 3] = ["output_norm.weight", "output_norm.bias", "output.weight"];

/// The epsilon of the layer norms, which no file has: a constant of SmallMind's `LayerNorm`.
const EPSILON: f32 = 1e-5;

/// Sizes of a model, as far as its file has them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sizes {
    pub(crate) name: Option<String>,
    pub(crate) vocabulary: Option<u32>,
    pub(crate) context: Option<u32>,
    pub(crate) embedding: Option<u32>,
    pub(crate) feed_forward: Option<u32>,
    pub(crate) layers: Option<u32>,
    pub(crate) heads: Option<u32>,
}

/// The names of `count` tensors in the order of parameters, if a model has as many.
pub(crate) fn names(count: usize) -> Option<Vec<String>> {
    let inner = count.checked_sub(FIRST.len() + LAST.len())?;
    if !inner.is_multiple_of(LAYER.len()) {
        return None;
    }
    let layers = (0..inner / LAYER.len())
        .flat_map(|layer| LAYER.iter().map(move |name| format!("blk.{layer}.{name}")));
    let first = FIRST.map(str::to_owned).into_iter();
    Some(first.chain(layers).chain(LAST.map(str::to_owned)).collect())
}

/// The number in a name such as `param_0004` or `tensor_004`.
pub(crate) fn number(name: &str) -> Option<usize> {
    let digits = name.strip_prefix("param_").or_else(|| name.strip_prefix("tensor_"))?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// Whether a tensor is a vector: all that is no weight of a Linear and no table.
pub(crate) fn is_vector(name: &str) -> bool {
    name.ends_with(".bias") || name.ends_with("norm.weight")
}

/// Sets the keys of a `gpt2`.
pub(crate) fn describe(sizes: &Sizes, writer: &mut Writer) {
    writer.metadata("general.architecture", "gpt2");
    if let Some(name) = &sizes.name {
        writer.metadata("general.name", name.as_str());
    }
    for (key, size) in [
        ("gpt2.vocab_size", sizes.vocabulary),
        ("gpt2.context_length", sizes.context),
        ("gpt2.embedding_length", sizes.embedding),
        // Four times the embedding, where the file does not say.
        (
            "gpt2.feed_forward_length",
            sizes.feed_forward.or_else(|| sizes.embedding.and_then(|size| size.checked_mul(4))),
        ),
        ("gpt2.block_count", sizes.layers),
        ("gpt2.attention.head_count", sizes.heads),
    ] {
        if let Some(size) = size {
            writer.metadata(key, size);
        }
    }
    writer.metadata("gpt2.attention.layer_norm_epsilon", EPSILON);
}

/// The JSON object that SmallMind's tools would write for a model: its sizes, as strings.
pub(crate) fn json(metadata: &Metadata<'_>, now: &str) -> Map<String, Json> {
    let size = |key: &str| metadata.find::<u32>(&format!("gpt2.{key}")).ok().flatten();
    let name = metadata.find::<&str>("general.name").ok().flatten().map(str::to_owned);
    let sizes = [
        ("vocab_size", size("vocab_size")),
        ("block_size", size("context_length")),
        ("embed_dim", size("embedding_length")),
        ("num_layers", size("block_count")),
        ("num_heads", size("attention.head_count")),
    ];
    let sizes = sizes.map(|(key, size)| (key, size.map(|size| size.to_string())));
    let first = [("model_name", name), ("format_version", Some("1".to_owned()))];
    let last = [("created_utc", Some(now.to_owned()))];
    let all = first.into_iter().chain(sizes).chain(last);
    all.filter_map(|(key, value)| Some((key.to_owned(), value?.into()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_are_named_by_their_order() {
        let names = names(29).unwrap();
        assert_eq!(names.len(), 29);
        assert_eq!(names[1], "position_embd.weight");
        assert_eq!(names[4], "blk.0.attn_qkv.weight");
        assert_eq!(names[25], "blk.1.ffn_down.bias");
        assert_eq!(names[28], "output.weight");
        for count in [0, 4, 6, 16, 30] {
            assert_eq!(super::names(count), None);
        }
    }

    #[test]
    fn numbered_names_have_a_number() {
        assert_eq!(number("param_0004"), Some(4));
        assert_eq!(number("tensor_028"), Some(28));
        for name in ["param_", "param_-1", "blk.0.ffn_up.weight", "tensor_99999999999999999999"] {
            assert_eq!(number(name), None);
        }
    }
}
