//! Gemma 3 (Gemma Team 2025): Gemma 2 without caps on scores, with queries and keys normalized
//! head by head, and five layers that see a window and rotate by their own base to one that sees
//! everything.
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
use crate::rope::{Order, Rope, RopeConfig, Scaling};
use crate::rows::Rows;

/// Layers of the model of 27 billion, whose scores are scaled in another way.
const LAYERS_27B: usize = 62;
/// Of so many layers, the last sees everything.
const PATTERN: usize = 6;
/// Base of the rotation in layers that see a window.
const WINDOW_BASE: f64 = 10_000.0;

#[derive(Debug)]
struct Gemma3 {
    sizes: Sizes,
    embedding: Embedding, // (vocabulary, hidden)
    /// Of layers that see everything.
    rope: Rope,
    /// Of layers that see a window.
    window_rope: Rope,
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
    q_norm: RmsNorm,         // (a head of queries)
    k_norm: RmsNorm,         // (a head of keys)
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
    let config =
        AttentionConfig { scale: 1.0 / (scaled_by as f32).sqrt(), ..load.attention_config(heads) };
    let window = load.mask()?;
    let layer = |n: usize, load: &mut Loader<'_>| {
        let block = format!("blk.{n}");
        let [q, k, v] = load.projections(&block, heads, hidden);
        let mut norm = |name| load.rms_norm(&format!("{block}.{name}"), hidden, epsilon);
        let [attention_norm, after_attention, norm, after_feed_forward] =
            ["attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"].map(&mut norm);
        let mask = if sees_everything(n) { Mask::Causal } else { window };
        Ok(Layer {
            attention_norm,
            q,
            k,
            v,
            q_norm: load.rms_norm(&format!("{block}.attn_q_norm"), heads.key, epsilon),
            k_norm: load.rms_norm(&format!("{block}.attn_k_norm"), heads.key, epsilon),
            attention: load.attention(AttentionConfig { mask, ..config })?,
            o: load.linear(&format!("{block}.attn_output"), hidden, heads.mixed()),
            after_attention,
            norm,
            feed_forward: Gated::load(load, &block)?,
            after_feed_forward,
        })
    };
    Ok(Box::new(Gemma3 {
        sizes,
        embedding: load.embedding("token_embd", sizes.vocabulary, hidden),
        rope: load.rope(Order::Halves, heads.key)?,
        window_rope: Rope::new(&RopeConfig {
            base: keys.positive("rope.freq_base_swa")?.map_or(WINDOW_BASE, f64::from),
            scaling: Scaling::None,
            ..load.rope_config(Order::Halves, heads.key)?
        }),
        layers: (0..sizes.layers).map(|n| layer(n, load)).collect::<Result<_, LoadError>>()?,
        norm: load.rms_norm("output_norm", hidden, epsilon),
        output: load.output(sizes.vocabulary, hidden),
        cap: keys.positive("final_logit_softcapping")?,
    }))
}

/// Whether layer `n` sees everything before, not only a window.
fn sees_everything(n: usize) -> bool {
    n % PATTERN == PATTERN - 1
}

impl Network for Gemma3 {
    fn sizes(&self) -> Sizes {
        self.sizes
    }

    fn forward(&self, pass: &mut Pass<'_>) -> Result<Rows, LinearError> {
        let [everywhere, near] = [&self.rope, &self.window_rope].map(|rope| rope.angles(pass));
        let mut x = self.embedding.look_up(pass); // (rows, hidden)
        let scale = (self.sizes.hidden as f32).sqrt();
        pass.map(&mut x, |x| scale * x);
        for (n, layer) in self.layers.iter().enumerate() {
            let h = layer.attention_norm.apply(pass, &x); // (rows, hidden)
            // (rows, queries), (rows, keys), (rows, values)
            let [mut q, mut k, v] = pass.linear([&layer.q, &layer.k, &layer.v], &h)?;
            layer.q_norm.apply_to_parts(pass, &mut q);
            layer.k_norm.apply_to_parts(pass, &mut k);
            let angles = if sees_everything(n) { &everywhere } else { &near };
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
