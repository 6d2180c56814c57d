//! GPT-2 (Radford et al. 2019): positions are learned vectors, norms are layer norms, everything
//! has a bias, and the feed-forward network has no gate.

use crate::activation::gelu;
use crate::attention::Attention;
use crate::embedding::Embedding;
use crate::linear::{Linear, LinearError};
use crate::load::{LoadError, Loader};
use crate::model::{Network, Sizes};
use crate::norm::LayerNorm;
use crate::pass::Pass;
use crate::rows::Rows;

#[derive(Debug)]
struct Gpt2 {
    sizes: Sizes,
    embedding: Embedding, // (vocabulary, hidden)
    positions: Embedding, // (context, hidden)
    layers: Vec<Layer>,
    norm: LayerNorm, // (hidden)
    output: Linear,  // (vocabulary, hidden)
}

#[derive(Debug)]
struct Layer {
    attention_norm: LayerNorm, // (hidden)
    q: Linear,                 // (hidden, hidden), with bias
    k: Linear,                 // (hidden, hidden), with bias
    v: Linear,                 // (hidden, hidden), with bias
    attention: Attention,
    o: Linear,       // (hidden, hidden), with bias
    norm: LayerNorm, // (hidden)
    up: Linear,      // (wide, hidden), with bias
    down: Linear,    // (hidden, wide), with bias
}

pub(super) fn build(load: &mut Loader<'_>) -> Result<Box<dyn Network>, LoadError> {
    let keys = load.keys();
    let heads = load.heads()?;
    let positions = load.rows_of("position_embd.weight");
    let sizes = load.sizes()?;
    let sizes = Sizes { context: sizes.context.min(positions), ..sizes };
    let (hidden, wide) = (sizes.hidden, keys.count("feed_forward_length")?);
    let epsilon = keys.require("attention.layer_norm_epsilon")?;
    let config = load.attention_config(heads);
    let layer = |n: usize, load: &mut Loader<'_>| {
        let name = |part: &str| format!("blk.{n}.{part}");
        let projections = [heads.queries(), heads.keys(), heads.values()];
        let [q, k, v] = load.fused(&name("attn_qkv"), projections, hidden);
        Ok(Layer {
            attention_norm: load.layer_norm(&name("attn_norm"), hidden, epsilon),
            q,
            k,
            v,
            attention: load.attention(config)?,
            o: load.linear(&name("attn_output"), hidden, heads.mixed()),
            norm: load.layer_norm(&name("ffn_norm"), hidden, epsilon),
            up: load.linear(&name("ffn_up"), wide, hidden),
            down: load.linear(&name("ffn_down"), hidden, wide),
        })
    };
    Ok(Box::new(Gpt2 {
        sizes,
        embedding: load.embedding("token_embd", sizes.vocabulary, hidden),
        positions: load.embedding("position_embd", positions, hidden),
        layers: (0..sizes.layers).map(|n| layer(n, load)).collect::<Result<_, LoadError>>()?,
        norm: load.layer_norm("output_norm", hidden, epsilon),
        output: load.output(sizes.vocabulary, hidden),
    }))
}

impl Network for Gpt2 {
    fn sizes(&self) -> Sizes {
        self.sizes
    }

    fn forward(&self, pass: &mut Pass<'_>) -> Result<Rows, LinearError> {
        let mut x = self.embedding.look_up(pass); // (rows, hidden)
        let positions = self.positions.of_positions(pass); // (rows, hidden)
        pass.add(&mut x, &positions);
        for (n, layer) in self.layers.iter().enumerate() {
            let h = layer.attention_norm.apply(pass, &x); // (rows, hidden)
            let [q, k, v] = pass.linear([&layer.q, &layer.k, &layer.v], &h)?; // (rows, hidden)
            let mut h = layer.attention.attend(pass, n, [&q, &k, &v]); // (rows, hidden)
            if n + 1 == self.layers.len() {
                [x, h] = pass.only_wanted([x, h]); // (wanted, ...) from here
            }
            let [h] = pass.linear([&layer.o], &h)?; // (rows, hidden)
            pass.add(&mut x, &h);

            let h = layer.norm.apply(pass, &x); // (rows, hidden)
            let [mut h] = pass.linear([&layer.up], &h)?; // (rows, wide)
            pass.map(&mut h, gelu);
            let [h] = pass.linear([&layer.down], &h)?; // (rows, hidden)
            pass.add(&mut x, &h);
        }
        let x = self.norm.apply(pass, &x); // (wanted, hidden)
        let [logits] = pass.linear([&self.output], &x)?; // (wanted, vocabulary)
        Ok(logits)
    }
}
