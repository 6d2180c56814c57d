//! Qwen 2 (Yang et al. 2024): a llama with biases of queries, keys and values, which
//! [`Linear`] layers take along where the file has them, and the other order of rotation.

use crate::activation::silu;
use crate::attention::Attention;
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
struct Qwen2 {
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
    q: Linear,               // (queries, hidden), with bias
    k: Linear,               // (keys, hidden), with bias
    v: Linear,               // (values, hidden), with bias
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
    let config = load.attention_config(heads);
    let layer = |n: usize, load: &mut Loader<'_>| {
        let block = format!("blk.{n}");
        let [q, k, v] = load.projections(&block, heads, hidden);
        Ok(Layer {
            attention_norm: load.rms_norm(&format!("{block}.attn_norm"), hidden, epsilon),
            q,
            k,
            v,
            attention: load.attention(config)?,
            o: load.linear(&format!("{block}.attn_output"), hidden, heads.mixed()),
            norm: load.rms_norm(&format!("{block}.ffn_norm"), hidden, epsilon),
            feed_forward: Gated::load(load, &block)?,
        })
    };
    Ok(Box::new(Qwen2 {
        sizes,
        embedding: load.embedding("token_embd", sizes.vocabulary, hidden),
        rope: load.rope(Order::Halves, heads.key)?,
        layers: (0..sizes.layers).map(|n| layer(n, load)).collect::<Result<_, LoadError>>()?,
        norm: load.rms_norm("output_norm", hidden, epsilon),
        output: load.output(sizes.vocabulary, hidden),
    }))
}

impl Network for Qwen2 {
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
