//! The Linear layers of well-known models, so that tools can measure without a file.
//!
//! Shapes are those of the published checkpoints (`config.json`: `hidden_size`,
//! `intermediate_size`, `head_dim`, heads times that, `vocab_size`). An output head counts even where it
//! shares its weights with the embedding: it is multiplied with all the same.

/// Layers of one shape in a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layer {
    /// What they are, by their names in GGUF files.
    pub roles: &'static str,
    /// Rows of the weight (N).
    pub rows: usize,
    /// Columns of the weight (K).
    pub depth: usize,
    /// How many the model has.
    pub count: usize,
}

/// Sizes of a model of the Llama family: attention with grouped keys and values, a gated
/// feed-forward network, no biases that matter here.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// As on the command line.
    pub name: &'static str,
    /// The model.
    pub summary: &'static str,
    /// Layers of attention and feed-forward network.
    pub layers: usize,
    /// Numbers of a token between layers.
    pub hidden: usize,
    /// Numbers of a head of attention (`head_dim`).
    pub head: usize,
    /// Heads times their size.
    pub queries: usize,
    /// Key heads times their size.
    pub keys: usize,
    /// Numbers of a token within the feed-forward network.
    pub feed_forward: usize,
    /// Tokens.
    pub vocabulary: usize,
}

/// Every preset, the smallest first.
#[rustfmt::skip]
pub const ALL: &[Preset] = &[
    preset("qwen-0.5b", "Qwen2.5 0.5B", 24, [896, 64, 896, 128, 4864, 151_936]),
    preset("llama-1b", "Llama 3.2 1B", 16, [2048, 64, 2048, 512, 8192, 128_256]),
    preset("qwen-1.5b", "Qwen2.5 1.5B", 28, [1536, 128, 1536, 256, 8960, 151_936]),
    preset("gemma-2b", "Gemma 2 2B", 26, [2304, 256, 2048, 1024, 9216, 256_000]),
    preset("llama-3b", "Llama 3.2 3B", 28, [3072, 128, 3072, 1024, 8192, 128_256]),
    preset("qwen-7b", "Qwen2.5 7B", 28, [3584, 128, 3584, 512, 18_944, 152_064]),
    preset("mistral-7b", "Mistral 7B v0.3", 32, [4096, 128, 4096, 1024, 14_336, 32_768]),
    preset("llama-8b", "Llama 3.1 8B", 32, [4096, 128, 4096, 1024, 14_336, 128_256]),
    preset("llama-70b", "Llama 3.1 70B", 80, [8192, 128, 8192, 1024, 28_672, 128_256]),
];

const fn preset(
    name: &'static str,
    summary: &'static str,
    layers: usize,
    [hidden, head, queries, keys, feed_forward, vocabulary]: [usize; 6],
) -> Preset {
    Preset { name, summary, layers, hidden, head, queries, keys, feed_forward, vocabulary }
}

/// The preset called `name`, in any case.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Preset> {
    ALL.iter().find(|preset| preset.name.eq_ignore_ascii_case(name))
}

impl Preset {
    /// The model's Linear layers, each shape once, in the order of a forward pass.
    #[must_use]
    pub fn linears(&self) -> Vec<Layer> {
        let Self { layers, hidden, queries, keys, feed_forward, vocabulary, .. } = *self;
        let layer = |roles, rows, depth, count| Layer { roles, rows, depth, count };
        let mut all = vec![layer("attn_k, attn_v", keys, hidden, 2 * layers)];
        match queries == hidden {
            true => all.insert(0, layer("attn_q, attn_output", hidden, hidden, 2 * layers)),
            false => {
                all.insert(0, layer("attn_q", queries, hidden, layers));
                all.push(layer("attn_output", hidden, queries, layers));
            }
        }
        all.push(layer("ffn_gate, ffn_up", feed_forward, hidden, 2 * layers));
        all.push(layer("ffn_down", hidden, feed_forward, layers));
        all.push(layer("output", vocabulary, hidden, 1));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Weights of the Linear layers: the parameters that the models' cards tell, less embeddings
    /// that are not shared.
    #[test]
    fn presets_have_the_sizes_that_their_names_say() {
        for (name, billions) in [
            ("qwen-0.5b", 0.49),
            ("llama-1b", 1.24),
            ("qwen-1.5b", 1.54),
            ("gemma-2b", 2.61),
            ("llama-3b", 3.21),
            ("mistral-7b", 7.25 - 0.13),
            ("qwen-7b", 7.62 - 0.54),
            ("llama-8b", 8.03 - 0.53),
            ("llama-70b", 70.55 - 1.05),
        ] {
            let layers = by_name(name).unwrap().linears();
            let weights: usize = layers.iter().map(|l| l.count * l.rows * l.depth).sum();
            let found = weights as f64 / 1e9;
            assert!((found / billions - 1.0).abs() < 0.01, "{name}: {found} instead of {billions}");
        }
        assert!(ALL.is_sorted_by_key(|preset| {
            preset.linears().iter().map(|l| l.count * l.rows * l.depth).sum::<usize>()
        }));
    }
}
