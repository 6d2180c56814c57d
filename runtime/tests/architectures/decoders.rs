//! Networks that continue text.

use super::check;
use super::naive::*;
use super::tiny::{Tiny, VOCABULARY};

const HIDDEN: usize = 32;
const WIDE: usize = 64;
const HEADS: usize = 4;
const GROUPS: usize = 2;
const SIZE: usize = 8;
const EPSILON: f64 = 1e-5;

/// Metadata and tensors that all have.
fn base(architecture: &'static str, layers: usize) -> Tiny {
    let mut tiny = Tiny::new(architecture);
    tiny.key("context_length", 1000u32)
        .key("embedding_length", HIDDEN as u32)
        .key("block_count", layers as u32)
        .key("feed_forward_length", WIDE as u32)
        .key("attention.head_count", HEADS as u32)
        .key("attention.head_count_kv", GROUPS as u32)
        .key("attention.layer_norm_rms_epsilon", EPSILON as f32)
        .matrix("token_embd.weight", VOCABULARY, HIDDEN)
        .vector("output_norm.weight", HIDDEN, 1.0);
    for n in 0..layers {
        let name = |part: &str| format!("blk.{n}.{part}.weight");
        tiny.vector(&name("attn_norm"), HIDDEN, 1.0)
            .matrix(&name("attn_q"), HEADS * SIZE, HIDDEN)
            .matrix(&name("attn_k"), GROUPS * SIZE, HIDDEN)
            .matrix(&name("attn_v"), GROUPS * SIZE, HIDDEN)
            .matrix(&name("attn_output"), HIDDEN, HEADS * SIZE)
            .vector(&name("ffn_norm"), HIDDEN, 1.0)
            .matrix(&name("ffn_gate"), WIDE, HIDDEN)
            .matrix(&name("ffn_up"), WIDE, HIDDEN)
            .matrix(&name("ffn_down"), HIDDEN, WIDE);
    }
    tiny
}

/// What differs between the relatives of llama, as functions of a layer's number.
pub(crate) struct Kin<'a> {
    pub(crate) layers: usize,
    pub(crate) pairs: Pairs,
    pub(crate) frequencies: &'a dyn Fn(usize) -> Row,
    pub(crate) scale: f64,
    pub(crate) cap: Option<f64>,
    pub(crate) sees: &'a dyn Fn(usize, usize, usize) -> bool,
    pub(crate) activation: fn(f64) -> f64,
    pub(crate) embedding_scale: f64,
}

impl Kin<'_> {
    pub(crate) fn llama() -> Self {
        Self {
            layers: 2,
            pairs: Pairs::Adjacent,
            frequencies: &|_| frequencies(10_000.0, SIZE),
            scale: 1.0 / (SIZE as f64).sqrt(),
            cap: None,
            sees: &|_, i, j| j <= i,
            activation: silu,
            embedding_scale: 1.0,
        }
    }

    /// Logits after each token. Norms of parts and norms after parts are there if the file has
    /// them.
    pub(crate) fn forward(&self, tiny: &Tiny, ids: &[u32]) -> Rows {
        let embedding = tiny.get("token_embd.weight");
        let mut x = look_up(&embedding, HIDDEN, ids.iter().map(|id| *id as usize));
        x = map(&x, |x| x * self.embedding_scale);
        for n in 0..self.layers {
            let find = |part: &str| tiny.find(&format!("blk.{n}.{part}"));
            let get = |part: &str| tiny.get(&format!("blk.{n}.{part}.weight"));
            let project = |x: &Rows, part: &str| {
                linear(x, &get(part), find(&format!("{part}.bias")).as_deref())
            };
            let norm = |x: Rows, part: &str| match find(&format!("{part}.weight")) {
                Some(weight) => rms_norm(&x, &weight, f64::from(EPSILON as f32)),
                None => x,
            };
            let turn = |x: Rows| rotate(&x, SIZE, self.pairs, &(self.frequencies)(n));
            let h = norm(x.clone(), "attn_norm");
            let q = turn(norm(project(&h, "attn_q"), "attn_q_norm"));
            let k = turn(norm(project(&h, "attn_k"), "attn_k_norm"));
            let v = project(&h, "attn_v");
            let h = attention(
                &q,
                &k,
                &v,
                &Attention {
                    heads: HEADS,
                    groups: GROUPS,
                    scale: self.scale,
                    cap: self.cap,
                    sees: &|i, j| (self.sees)(n, i, j),
                },
            );
            x = add(&x, &norm(project(&h, "attn_output"), "post_attention_norm"));
            let h = norm(x.clone(), "ffn_norm");
            let h = match find("ffn_gate_inp.weight") {
                Some(router) => super::experts::naive(tiny, n, &h, &router),
                None => {
                    let gate = map(&project(&h, "ffn_gate"), self.activation);
                    project(&multiply(&gate, &project(&h, "ffn_up")), "ffn_down")
                }
            };
            x = add(&x, &norm(h, "post_ffw_norm"));
        }
        let x = rms_norm(&x, &tiny.get("output_norm.weight"), f64::from(EPSILON as f32));
        linear(&x, &tiny.find("output.weight").unwrap_or(embedding), None)
    }
}

pub(crate) fn llama() -> Tiny {
    let mut tiny = base("llama", 2);
    tiny.matrix("output.weight", VOCABULARY, HIDDEN);
    tiny
}

#[test]
fn llama_is_what_its_paper_says() {
    let tiny = llama();
    // More positions than a chunk of the cache has.
    check(&tiny, 300, |ids| Kin::llama().forward(&tiny, ids));
}

#[test]
fn heads_may_have_sizes_of_their_own() {
    // Values of another size than keys, and one group.
    let mut tiny = llama();
    tiny.key("attention.head_count_kv", 1u32)
        .key("attention.key_length", SIZE as u32)
        .key("attention.value_length", 10u32);
    for n in 0..2 {
        tiny.matrix(&format!("blk.{n}.attn_k.weight"), SIZE, HIDDEN)
            .matrix(&format!("blk.{n}.attn_v.weight"), 10, HIDDEN)
            .matrix(&format!("blk.{n}.attn_output.weight"), HIDDEN, HEADS * 10);
    }
    let naive = |ids: &[u32]| {
        let mut x =
            look_up(&tiny.get("token_embd.weight"), HIDDEN, ids.iter().map(|id| *id as usize));
        for n in 0..2 {
            let get = |part: &str| tiny.get(&format!("blk.{n}.{part}.weight"));
            let epsilon = f64::from(EPSILON as f32);
            let h = rms_norm(&x, &get("attn_norm"), epsilon);
            let turn = |x: Rows| rotate(&x, SIZE, Pairs::Adjacent, &frequencies(10_000.0, SIZE));
            let q = turn(linear(&h, &get("attn_q"), None));
            let k = turn(linear(&h, &get("attn_k"), None));
            let v = linear(&h, &get("attn_v"), None);
            let (scale, sees) = (1.0 / (SIZE as f64).sqrt(), &|i, j| j <= i);
            let how = Attention { heads: HEADS, groups: 1, scale, cap: None, sees };
            x = add(&x, &linear(&attention(&q, &k, &v, &how), &get("attn_output"), None));
            let h = rms_norm(&x, &get("ffn_norm"), epsilon);
            let gate = map(&linear(&h, &get("ffn_gate"), None), silu);
            let h = multiply(&gate, &linear(&h, &get("ffn_up"), None));
            x = add(&x, &linear(&h, &get("ffn_down"), None));
        }
        let x = rms_norm(&x, &tiny.get("output_norm.weight"), f64::from(EPSILON as f32));
        linear(&x, &tiny.get("output.weight"), None)
    };
    check(&tiny, 30, naive);
}

#[test]
fn mistral_sees_a_window() {
    let mut tiny = llama();
    tiny.key("attention.sliding_window", 20u32);
    let kin = Kin { sees: &|_, i, j| j <= i && i - j < 20, ..Kin::llama() };
    // Windows that begin in one chunk of the cache and end in the next, and chunks left behind.
    check(&tiny, 300, |ids| kin.forward(&tiny, ids));
}

#[test]
fn positions_are_scaled_as_the_keys_say() {
    let mut linear = llama();
    linear.key("rope.scaling.type", "linear").key("rope.scaling.factor", 4.0f32);
    linear.key("rope.freq_base", 500.0f32);
    let scaled = |_| frequencies(500.0, SIZE).iter().map(|f| f / 4.0).collect();
    let kin = Kin { frequencies: &scaled, ..Kin::llama() };
    check(&linear, 30, |ids| kin.forward(&linear, ids));

    // Of llama 3.1, and any: what divides the frequency of each pair.
    let mut factors = llama();
    factors.vector("rope_freqs.weight", SIZE / 2, 3.0);
    let divisors = factors.get("rope_freqs.weight");
    let scaled =
        |_| frequencies(10_000.0, SIZE).iter().zip(&divisors).map(|(f, d)| f / d).collect();
    let kin = Kin { frequencies: &scaled, ..Kin::llama() };
    check(&factors, 30, |ids| kin.forward(&factors, ids));

    // YaRN, written as in its authors' code: how many turns a pair makes within the context of the
    // training decides how much of the two angles it gets.
    let mut yarn = llama();
    yarn.key("rope.scaling.type", "yarn")
        .key("rope.scaling.factor", 4.0f32)
        .key("rope.scaling.original_context_length", 64u32)
        .key("rope.scaling.yarn_beta_fast", 8.0f32)
        .key("rope.freq_base", 500.0f32);
    let dimension = |turns: f64| {
        SIZE as f64 * (64.0 / (turns * std::f64::consts::TAU)).ln() / (2.0 * 500f64.ln())
    };
    let (low, high) = (dimension(8.0).floor().max(0.0), dimension(1.0).ceil());
    assert_eq!((low, high), (0.0, 2.0), "some pairs fast, some slow, some between");
    let scaled = |_| {
        let pairs = frequencies(500.0, SIZE).into_iter().enumerate();
        let keep = |i: usize| 1.0 - ((i as f64 - low) / (high - low)).clamp(0.0, 1.0);
        pairs.map(|(i, f)| f / 4.0 * (1.0 - keep(i)) + f * keep(i)).collect()
    };
    // Queries and keys are both larger.
    let larger = 0.1 * 4f64.ln() + 1.0;
    let kin =
        Kin { frequencies: &scaled, scale: larger * larger / (SIZE as f64).sqrt(), ..Kin::llama() };
    check(&yarn, 90, |ids| kin.forward(&yarn, ids));

    // Only the first four numbers of a head are turned.
    let mut partial = llama();
    partial.key("rope.dimension_count", 4u32);
    let kin = Kin { frequencies: &|_| frequencies(10_000.0, 4), ..Kin::llama() };
    check(&partial, 30, |ids| kin.forward(&partial, ids));
}

#[test]
fn a_table_of_tokens_can_be_the_output_head() {
    let tiny = base("llama", 2);
    check(&tiny, 30, |ids| Kin::llama().forward(&tiny, ids));
}

#[test]
fn qwen2_has_biases() {
    let mut tiny = base("qwen2", 2);
    for n in 0..2 {
        for (part, size) in [("q", HEADS * SIZE), ("k", GROUPS * SIZE), ("v", GROUPS * SIZE)] {
            tiny.vector(&format!("blk.{n}.attn_{part}.bias"), size, 0.0);
        }
    }
    let kin = Kin { pairs: Pairs::Halves, ..Kin::llama() };
    check(&tiny, 30, |ids| kin.forward(&tiny, ids));
}

/// With norms of queries and keys.
pub(crate) fn qwen3(architecture: &'static str) -> Tiny {
    let mut tiny = base(architecture, 2);
    for n in 0..2 {
        tiny.vector(&format!("blk.{n}.attn_q_norm.weight"), SIZE, 1.0);
        tiny.vector(&format!("blk.{n}.attn_k_norm.weight"), SIZE, 1.0);
    }
    tiny
}

#[test]
fn qwen3_normalizes_queries_and_keys() {
    let tiny = qwen3("qwen3");
    let kin = Kin { pairs: Pairs::Halves, ..Kin::llama() };
    check(&tiny, 30, |ids| kin.forward(&tiny, ids));
}

#[test]
fn gemma2_caps_scores_and_logits() {
    let mut tiny = base("gemma2", 2);
    tiny.key("attn_logit_softcapping", 0.8f32)
        .key("final_logit_softcapping", 1.5f32)
        .key("attention.sliding_window", 5u32);
    for n in 0..2 {
        tiny.vector(&format!("blk.{n}.post_attention_norm.weight"), HIDDEN, 1.0);
        tiny.vector(&format!("blk.{n}.post_ffw_norm.weight"), HIDDEN, 1.0);
    }
    let kin = Kin {
        pairs: Pairs::Halves,
        cap: Some(f64::from(0.8f32)),
        sees: &|n, i, j| j <= i && (n % 2 == 1 || i - j < 5),
        activation: gelu_tanh,
        embedding_scale: f64::from((HIDDEN as f32).sqrt()),
        ..Kin::llama()
    };
    check(&tiny, 30, |ids| map(&kin.forward(&tiny, ids), |x| 1.5 * (x / 1.5).tanh()));
}

#[test]
fn gemma3_sees_everything_in_every_sixth_layer() {
    let mut tiny = base("gemma3", 7);
    tiny.key("attention.sliding_window", 5u32)
        .key("rope.freq_base", 1e6f32)
        .key("rope.scaling.type", "linear")
        .key("rope.scaling.factor", 8.0f32);
    for n in 0..7 {
        for (part, size) in [
            ("attn_q_norm", SIZE),
            ("attn_k_norm", SIZE),
            ("post_attention_norm", HIDDEN),
            ("post_ffw_norm", HIDDEN),
        ] {
            tiny.vector(&format!("blk.{n}.{part}.weight"), size, 1.0);
        }
    }
    let turned = |n| match n {
        5 => frequencies(1e6, SIZE).iter().map(|f| f / 8.0).collect(),
        _ => frequencies(10_000.0, SIZE),
    };
    let kin = Kin {
        layers: 7,
        pairs: Pairs::Halves,
        frequencies: &turned,
        sees: &|n, i, j| j <= i && (n == 5 || i - j < 5),
        activation: gelu_tanh,
        embedding_scale: f64::from((HIDDEN as f32).sqrt()),
        ..Kin::llama()
    };
    check(&tiny, 30, |ids| kin.forward(&tiny, ids));
}

#[test]
fn phi3_stores_weights_as_one() {
    // The same numbers: they are drawn in the same order.
    let split = base("phi3", 2);
    let mut tiny = base("phi3", 2);
    tiny.key("attention.sliding_window", 12u32)
        .key("rope.scaling.original_context_length", 500u32)
        .key("rope.scaling.attn_factor", 1.25f32)
        .vector("rope_factors_long.weight", SIZE / 2, 4.0)
        .vector("rope_factors_short.weight", SIZE / 2, 1.0);
    for n in 0..2 {
        let name = |part: &str| format!("blk.{n}.{part}.weight");
        tiny.join(&name("attn_qkv"), &["attn_q", "attn_k", "attn_v"].map(name));
        tiny.join(&name("ffn_up"), &["ffn_gate", "ffn_up"].map(name));
    }
    // The context of 1000 is more than that of the training.
    let divisors = tiny.get("rope_factors_long.weight");
    let scaled =
        |_| frequencies(10_000.0, SIZE).iter().zip(&divisors).map(|(f, d)| f / d).collect();
    let kin = Kin {
        pairs: Pairs::Halves,
        frequencies: &scaled,
        // Queries and keys are both larger by the factor.
        scale: 1.25 * 1.25 / (SIZE as f64).sqrt(),
        sees: &|_, i, j| j <= i && i - j < 12,
        ..Kin::llama()
    };
    check(&tiny, 30, |ids| kin.forward(&split, ids));
}

#[test]
fn gpt2_learns_its_positions() {
    let mut tiny = Tiny::new("gpt2");
    tiny.key("context_length", 64u32)
        .key("embedding_length", HIDDEN as u32)
        .key("block_count", 2u32)
        .key("feed_forward_length", WIDE as u32)
        .key("attention.head_count", HEADS as u32)
        .key("attention.layer_norm_epsilon", EPSILON as f32)
        .matrix("token_embd.weight", VOCABULARY, HIDDEN)
        .matrix("position_embd.weight", 64, HIDDEN)
        .vector("output_norm.weight", HIDDEN, 1.0)
        .vector("output_norm.bias", HIDDEN, 0.0);
    for n in 0..2 {
        for (part, rows, depth) in [
            ("attn_qkv", 3 * HIDDEN, HIDDEN),
            ("attn_output", HIDDEN, HIDDEN),
            ("ffn_up", WIDE, HIDDEN),
            ("ffn_down", HIDDEN, WIDE),
        ] {
            tiny.matrix(&format!("blk.{n}.{part}.weight"), rows, depth);
            tiny.vector(&format!("blk.{n}.{part}.bias"), rows, 0.0);
        }
        for part in ["attn_norm", "ffn_norm"] {
            tiny.vector(&format!("blk.{n}.{part}.weight"), HIDDEN, 1.0);
            tiny.vector(&format!("blk.{n}.{part}.bias"), HIDDEN, 0.0);
        }
    }
    let naive = |ids: &[u32]| {
        let both =
            |part: &str| (tiny.get(&format!("{part}.weight")), tiny.get(&format!("{part}.bias")));
        let project = |x: &Rows, part: &str| {
            let (weight, bias) = both(part);
            linear(x, &weight, Some(&bias))
        };
        let norm = |x: &Rows, part: &str| {
            let (weight, bias) = both(part);
            layer_norm(x, &weight, &bias, f64::from(EPSILON as f32))
        };
        let embedding = tiny.get("token_embd.weight");
        let tokens = look_up(&embedding, HIDDEN, ids.iter().map(|id| *id as usize));
        let positions = look_up(&tiny.get("position_embd.weight"), HIDDEN, 0..ids.len());
        let mut x = add(&tokens, &positions);
        for n in 0..2 {
            let name = |part: &str| format!("blk.{n}.{part}");
            let qkv = project(&norm(&x, &name("attn_norm")), &name("attn_qkv"));
            let part = |n: usize| -> Rows {
                qkv.iter().map(|row| row[n * HIDDEN..(n + 1) * HIDDEN].to_vec()).collect()
            };
            let how = Attention {
                heads: HEADS,
                groups: HEADS,
                scale: 1.0 / (SIZE as f64).sqrt(),
                cap: None,
                sees: &|i, j| j <= i,
            };
            let h = attention(&part(0), &part(1), &part(2), &how);
            x = add(&x, &project(&h, &name("attn_output")));
            let h = project(&norm(&x, &name("ffn_norm")), &name("ffn_up"));
            x = add(&x, &project(&map(&h, gelu_tanh), &name("ffn_down")));
        }
        linear(&norm(&x, "output_norm"), &embedding, None)
    };
    check(&tiny, 40, naive);
}
