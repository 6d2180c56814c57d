//! Gemma 2 (Gemma Team 2024): norms after attention and feed-forward as well as before, scores
//! and logits that are bent to stay below a cap, and a window of sight in every other layer.
//!
//! The files have `1 + weight` for the weights of norms that the published model has.

use crate::activation::{gelu, tanh};
use crate::attention::{Attention, AttentionConfig, Mask};
use crate::embedding::Embedding;
use crate::feed_forward::Gated;
use crate::linear::{Linear, LinearError};
use crate::load::{LoadError, Loader};
use crate::model::{Network, Sizes};
use crate::norm::RmsNorm;
use crate::pass::Pass;
use crate::rope::{Order, Rope};
use crate::rows::Rows;

/// Layers of the model of 27 billion, whose scores are scaled in another way.
const LAYERS_27B: usize = 46;

#[derive(Debug)]
struct Gemma2 {
    sizes: Sizes,
    embedding: Embedding, // (vocabulary, hidden)
    rope: Rope,
    layers: Vec<Layer>,
    norm: RmsNorm,  // (hidden)
    output: Linear, // (vocabulary, hidden)
    /// Logits stay below.
    cap: Option<f32>,
}

#[derive(Debug)]
struct Layer {
    attention_norm: RmsNorm, // (hidden)
    q: Linear,               // (queries, hidden)
    k: Linear,               // (keys, hidden)
    v: Linear,               // (values, hidden)
    attention: Attention,
    o: Linear,                // (hidden, values of all heads)
    after_attention: RmsNorm, // (hidden)
    norm: RmsNorm,            // (hidden)
    feed_forward: Gated,
    after_feed_forward: RmsNorm, // (hidden)
}

pub(super) fn build(load: &mut Loader<'_>) -> Result<Box<dyn Network>, LoadError> {
    let keys = load.keys();
    let (sizes, heads) = (load.sizes()?, load.heads()?);
    let hidden = sizes.hidden;
    let epsilon = keys.require("attention.layer_norm_rms_epsilon")?;
    let scaled_by = if sizes.layers == LAYERS_27B { hidden / heads.count } else { heads.key };
    let config = AttentionConfig {
        scale: 1.0 / (scaled_by as f32).sqrt(),
        softcap: keys.positive("attn_logit_softcapping")?,
        ..load.attention_config(heads)
    };
    let window = load.mask()?;
    let layer = |n: usize, load: &mut Loader<'_>| {
        let block = format!("blk.{n}");
        let [q, k, v] = load.projections(&block, heads, hidden);
        let mut norm = |name| load.rms_norm(&format!("{block}.{name}"), hidden, epsilon);
        let [attention_norm, after_attention, norm, after_feed_forward] =
            ["attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"].map(&mut norm);
        let mask = if n.is_multiple_of(2) { window } else { Mask::Causal };
        Ok(Layer {
            attention_norm,
            q,
            k,
            v,
            attention: load.attention(AttentionConfig { mask, ..config })?,
            o: load.linear(&format!("{block}.attn_output"), hidden, heads.mixed()),
            after_attention,
            norm,
            feed_forward: Gated::load(load, &block)?,
            after_feed_forward,
        })
    };
    Ok(Box::new(Gemma2 {
        sizes,
        embedding: load.embedding("token_embd", sizes.vocabulary, hidden),
        rope: load.rope(Order::Halves, heads.key)?,
        layers: (0..sizes.layers).map(|n| layer(n, load)).collect::<Result<_, LoadError>>()?,
        norm: load.rms_norm("output_norm", hidden, epsilon),
        output: load.output(sizes.vocabulary, hidden),
        cap: keys.positive("final_logit_softcapping")?,
    }))
}

impl Network for Gemma2 {
    fn sizes(&self) -> Sizes {
        self.sizes
    }

    fn forward(&self, pass: &mut Pass<'_>) -> Result<Rows, LinearError> {
        let angles = self.rope.angles(pass);
        let mut x = self.embedding.look_up(pass); // (rows, hidden)
        let scale = (self.sizes.hidden as f32).sqrt();
        pass.map(&mut x, |x| scale * x);
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
            let h = layer.after_attention.apply(pass, &h); // (rows, hidden)
            pass.add(&mut x, &h);

            let h = layer.norm.apply(pass, &x); // (rows, hidden)
            let h = layer.feed_forward.forward(pass, &h, gelu)?; // (rows, hidden)
            let h = layer.after_feed_forward.apply(pass, &h); // (rows, hidden)
            pass.add(&mut x, &h);
        }
        let x = self.norm.apply(pass, &x); // (wanted, hidden)
        let [mut logits] = pass.linear([&self.output], &x)?; // (wanted, vocabulary)
        if let Some(cap) = self.cap {
            pass.map(&mut logits, |x| cap * tanh(x / cap));
        }
        Ok(logits)
    }
}
