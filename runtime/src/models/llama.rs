//! Llama (Touvron et al. 2023): the architecture that most others vary. Also Mistral (Jiang et
//! al. 2023), which is a llama whose tokens see a window of those before.
//!
//! Shapes: `rows` is the tokens of a pass, `hidden` what a token has between layers, `queries` and
//! `keys` are heads times their size.

use crate::activation::silu;
use crate::attention::{Attention, AttentionConfig, Mask};
use crate::cache::Store;
use crate::embedding::Embedding;
use crate::linear::{Linear, LinearError};
use crate::load::{LoadError, Loader};
use crate::model::{Network, Sizes};
use crate::norm::RmsNorm;
use crate::pass::Pass;
use crate::rope::{Order, Rope};
use crate::rows::Rows;

#[derive(Debug)]
struct Llama {
    sizes: Sizes,
    /// Numbers of a query's or key's head.
    head: usize,
    embedding: Embedding, // (vocabulary, hidden)
    rope: Rope,
    layers: Vec<Layer>,
    norm: RmsNorm,  // (hidden)
    output: Linear, // (vocabulary, hidden)
}

#[derive(Debug)]
struct Layer {
    attention_norm: RmsNorm, // (hidden)
    q: Linear,               // (queries, hidden)
    k: Linear,               // (keys, hidden)
    v: Linear,               // (keys, hidden)
    attention: Attention,
    o: Linear,     // (hidden, queries)
    norm: RmsNorm, // (hidden)
    gate: Linear,  // (wide, hidden)
    up: Linear,    // (wide, hidden)
    down: Linear,  // (hidden, wide)
}

pub(super) fn build(load: &mut Loader<'_>) -> Result<Box<dyn Network>, LoadError> {
    let keys = load.keys();
    let sizes = load.sizes()?;
    let (hidden, wide) = (sizes.hidden, keys.count("feed_forward_length")?);
    let heads = load.heads()?;
    let epsilon = keys.require("attention.layer_norm_rms_epsilon")?;
    let (queries, k_size, v_size) =
        (heads.count * heads.key, heads.groups * heads.key, heads.groups * heads.value);
    let window = keys.find("attention.sliding_window")?;
    let config = AttentionConfig {
        heads: heads.count,
        groups: heads.groups,
        store: Store { kind: load.options().cache, key: heads.key, value: heads.value },
        scale: keys.positive("attention.scale")?.unwrap_or(1.0 / (heads.key as f32).sqrt()),
        softcap: None,
        mask: window.filter(|size| *size > 0).map_or(Mask::Causal, Mask::Window),
    };
    let layer = |n: usize, load: &mut Loader<'_>| {
        let name = |part: &str| format!("blk.{n}.{part}");
        Ok(Layer {
            attention_norm: load.rms_norm(&name("attn_norm"), hidden, epsilon),
            q: load.linear(&name("attn_q"), queries, hidden),
            k: load.linear(&name("attn_k"), k_size, hidden),
            v: load.linear(&name("attn_v"), v_size, hidden),
            attention: load.attention(config)?,
            o: load.linear(&name("attn_output"), hidden, heads.count * heads.value),
            norm: load.rms_norm(&name("ffn_norm"), hidden, epsilon),
            gate: load.linear(&name("ffn_gate"), wide, hidden),
            up: load.linear(&name("ffn_up"), wide, hidden),
            down: load.linear(&name("ffn_down"), hidden, wide),
        })
    };
    Ok(Box::new(Llama {
        sizes,
        head: heads.key,
        embedding: load.embedding("token_embd", sizes.vocabulary, hidden),
        rope: load.rope(Order::Adjacent, heads.key)?,
        layers: (0..sizes.layers).map(|n| layer(n, load)).collect::<Result<_, LoadError>>()?,
        norm: load.rms_norm("output_norm", hidden, epsilon),
        output: load.output(sizes.vocabulary, hidden),
    }))
}

impl Network for Llama {
    fn sizes(&self) -> Sizes {
        self.sizes
    }

    fn forward(&self, pass: &mut Pass<'_>) -> Result<Rows, LinearError> {
        let angles = self.rope.angles(pass);
        let mut x = self.embedding.look_up(pass); // (rows, hidden)
        for (n, layer) in self.layers.iter().enumerate() {
            let h = layer.attention_norm.apply(pass, &x); // (rows, hidden)
            let [mut q, mut k, v] = pass.linear([&layer.q, &layer.k, &layer.v], &h)?; // (rows, queries or keys)
            angles.rotate(pass, &mut q, self.head);
            angles.rotate(pass, &mut k, self.head);
            let h = layer.attention.attend(pass, n, [&q, &k, &v]); // (rows, queries)
            let [h] = pass.linear([&layer.o], &h)?; // (rows, hidden)
            pass.add(&mut x, &h);

            let h = layer.norm.apply(pass, &x); // (rows, hidden)
            let [mut gate, up] = pass.linear([&layer.gate, &layer.up], &h)?; // (rows, wide)
            pass.gate(&mut gate, &up, silu);
            let [h] = pass.linear([&layer.down], &gate)?; // (rows, hidden)
            pass.add(&mut x, &h);
        }
        let x = self.norm.apply(pass, &pass.wanted(&x)); // (wanted, hidden)
        let [logits] = pass.linear([&self.output], &x)?; // (wanted, vocabulary)
        Ok(logits)
    }
}
