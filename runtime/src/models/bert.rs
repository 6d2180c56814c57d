//! BERT (Devlin et al. 2018): an encoder. Every token sees every other, norms come after what is
//! added, and the outcome is a vector of each token, not what comes next.

use crate::activation::gelu_exact;
use crate::attention::{Attention, AttentionConfig, Mask};
use crate::embedding::Embedding;
use crate::linear::{Linear, LinearError};
use crate::load::{LoadError, Loader};
use crate::model::{Network, Outcome, Pooling, Sizes};
use crate::norm::LayerNorm;
use crate::pass::Pass;
use crate::rows::Rows;

#[derive(Debug)]
struct Bert {
    sizes: Sizes,
    pooling: Pooling,
    embedding: Embedding, // (vocabulary, hidden)
    positions: Embedding, // (context, hidden)
    types: Embedding,     // (types, hidden)
    norm: LayerNorm,      // (hidden)
    layers: Vec<Layer>,
}

#[derive(Debug)]
struct Layer {
    q: Linear, // (hidden, hidden), with bias
    k: Linear, // (hidden, hidden), with bias
    v: Linear, // (hidden, hidden), with bias
    attention: Attention,
    o: Linear,                 // (hidden, hidden), with bias
    attention_norm: LayerNorm, // (hidden)
    up: Linear,                // (wide, hidden), with bias
    down: Linear,              // (hidden, wide), with bias
    norm: LayerNorm,           // (hidden)
}

pub(super) fn build(load: &mut Loader<'_>) -> Result<Box<dyn Network>, LoadError> {
    let keys = load.keys();
    let heads = load.heads()?;
    let [positions, types] =
        ["position_embd", "token_types"].map(|name| load.rows_of(&format!("{name}.weight")));
    let sizes = load.sizes()?;
    let sizes = Sizes { context: sizes.context.min(positions), ..sizes };
    let (hidden, wide) = (sizes.hidden, keys.count("feed_forward_length")?);
    let epsilon = keys.require("attention.layer_norm_epsilon")?;
    let config = AttentionConfig { mask: Mask::Everything, ..load.attention_config(heads) };
    let layer = |n: usize, load: &mut Loader<'_>| {
        let block = format!("blk.{n}");
        let name = |part: &str| format!("{block}.{part}");
        let [q, k, v] = load.projections(&block, heads, hidden);
        Ok(Layer {
            q,
            k,
            v,
            attention: load.attention(config)?,
            o: load.linear(&name("attn_output"), hidden, heads.mixed()),
            attention_norm: load.layer_norm(&name("attn_output_norm"), hidden, epsilon),
            up: load.linear(&name("ffn_up"), wide, hidden),
            down: load.linear(&name("ffn_down"), hidden, wide),
            norm: load.layer_norm(&name("layer_output_norm"), hidden, epsilon),
        })
    };
    // The numbers are llama.cpp's.
    let pooling = match keys.find::<u32>("pooling_type")? {
        None | Some(1) => Pooling::Mean,
        Some(2) => Pooling::First,
        Some(3) => Pooling::Last,
        Some(kind) => {
            return Err(keys
                .wrong("pooling_type", kind, "1 (mean), 2 (first), 3 (last) are known")
                .into());
        }
    };
    Ok(Box::new(Bert {
        sizes,
        pooling,
        embedding: load.embedding("token_embd", sizes.vocabulary, hidden),
        positions: load.embedding("position_embd", positions, hidden),
        types: load.embedding("token_types", types, hidden),
        norm: load.layer_norm("token_embd_norm", hidden, epsilon),
        layers: (0..sizes.layers).map(|n| layer(n, load)).collect::<Result<_, LoadError>>()?,
    }))
}

impl Network for Bert {
    fn sizes(&self) -> Sizes {
        self.sizes
    }

    fn outcome(&self) -> Outcome {
        Outcome::Vectors(self.pooling)
    }

    fn forward(&self, pass: &mut Pass<'_>) -> Result<Rows, LinearError> {
        let mut x = self.embedding.look_up(pass); // (rows, hidden)
        pass.add(&mut x, &self.positions.of_positions(pass));
        // All tokens are of the first type: there is one text, not a question and an answer.
        pass.add(&mut x, &self.types.of_row(pass, 0));
        let mut x = self.norm.apply(pass, &x); // (rows, hidden)
        for (n, layer) in self.layers.iter().enumerate() {
            let [q, k, v] = pass.linear([&layer.q, &layer.k, &layer.v], &x)?; // (rows, hidden)
            let h = layer.attention.attend(pass, n, [&q, &k, &v]); // (rows, hidden)
            let [h] = pass.linear([&layer.o], &h)?; // (rows, hidden)
            pass.add(&mut x, &h);
            x = layer.attention_norm.apply(pass, &x);

            let [mut h] = pass.linear([&layer.up], &x)?; // (rows, wide)
            pass.map(&mut h, gelu_exact);
            let [h] = pass.linear([&layer.down], &h)?; // (rows, hidden)
            pass.add(&mut x, &h);
            x = layer.norm.apply(pass, &x);
        }
        let [x] = pass.only_wanted([x]); // (wanted, hidden)
        Ok(x)
    }
}
