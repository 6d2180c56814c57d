//! Phi 3 (Abdin et al. 2024): a llama that stores the weights of queries, keys and values as one,
//! and those of gate and up; tokens may see a window, and long contexts divide each rotation by a
//! factor of its own.

use crate::activation::silu;
use crate::attention::{Attention, AttentionConfig};
use crate::embedding::Embedding;
use crate::feed_forward::Gated;
use crate::linear::{Linear, LinearError};
use crate::load::{LoadError, Loader};
use crate::model::{Network, Sizes};
use crate::norm::RmsNorm;
use crate::pass::Pass;
use crate::rope::{Order, Rope};
use crate::rows::Rows;

#[derive(Debug)]
struct Phi3 {
    sizes: Sizes,
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
    v: Linear,               // (values, hidden)
    attention: Attention,
    o: Linear,     // (hidden, values of all heads)
    norm: RmsNorm, // (hidden)
    feed_forward: Gated,
}

pub(super) fn build(load: &mut Loader<'_>) -> Result<Box<dyn Network>, LoadError> {
    let keys = load.keys();
    let (sizes, heads) = (load.sizes()?, load.heads()?);
    let hidden = sizes.hidden;
    let epsilon = keys.require("attention.layer_norm_rms_epsilon")?;
    let wide = keys.count("feed_forward_length")?;
    let config = AttentionConfig { mask: load.mask()?, ..load.attention_config(heads) };
    let layer = |n: usize, load: &mut Loader<'_>| {
        let block = format!("blk.{n}");
        let projections = [heads.queries(), heads.keys(), heads.values()];
        let [q, k, v] = load.fused(&format!("{block}.attn_qkv"), projections, hidden);
        let [gate, up] = load.fused(&format!("{block}.ffn_up"), [wide, wide], hidden);
        let down = load.linear(&format!("{block}.ffn_down"), hidden, wide);
        Ok(Layer {
            attention_norm: load.rms_norm(&format!("{block}.attn_norm"), hidden, epsilon),
            q,
            k,
            v,
            attention: load.attention(config)?,
            o: load.linear(&format!("{block}.attn_output"), hidden, heads.mixed()),
            norm: load.rms_norm(&format!("{block}.ffn_norm"), hidden, epsilon),
            feed_forward: Gated { gate, up, down },
        })
    };
    Ok(Box::new(Phi3 {
        sizes,
        embedding: load.embedding("token_embd", sizes.vocabulary, hidden),
        rope: load.rope(Order::Halves, heads.key)?,
        layers: (0..sizes.layers).map(|n| layer(n, load)).collect::<Result<_, LoadError>>()?,
        norm: load.rms_norm("output_norm", hidden, epsilon),
        output: load.output(sizes.vocabulary, hidden),
    }))
}

impl Network for Phi3 {
    fn sizes(&self) -> Sizes {
        self.sizes
    }

    fn forward(&self, pass: &mut Pass<'_>) -> Result<Rows, LinearError> {
        let angles = self.rope.angles(pass);
        let mut x = self.embedding.look_up(pass); // (rows, hidden)
        for (n, layer) in self.layers.iter().enumerate() {
            let h = layer.attention_norm.apply(pass, &x); // (rows, hidden)
            // (rows, queries), (rows, keys), (rows, values)
            let [mut q, mut k, v] = pass.linear([&layer.q, &layer.k, &layer.v], &h)?;
            angles.rotate(pass, &mut q, layer.attention.key_size());
            angles.rotate(pass, &mut k, layer.attention.key_size());
            let mut h = layer.attention.attend(pass, n, [&q, &k, &v]); // (rows, values of all heads)
            if n + 1 == self.layers.len() {
                [x, h] = pass.only_wanted([x, h]); // (wanted, ...) from here
            }
            let [h] = pass.linear([&layer.o], &h)?; // (rows, hidden)
            pass.add(&mut x, &h);

            let h = layer.norm.apply(pass, &x); // (rows, hidden)
            let h = layer.feed_forward.forward(pass, &h, silu)?; // (rows, hidden)
            pass.add(&mut x, &h);
        }
        let x = self.norm.apply(pass, &x); // (wanted, hidden)
        let [logits] = pass.linear([&self.output], &x)?; // (wanted, vocabulary)
        Ok(logits)
    }
}
