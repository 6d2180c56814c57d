//! Networks that encode text.

use super::assert_near;
use super::naive::*;
use super::tiny::{self, Tiny, VOCABULARY};
use runtime::LoadOptions;
use runtime::cache::CacheType;

const HIDDEN: usize = 32;
const WIDE: usize = 64;
const HEADS: usize = 4;
const EPSILON: f64 = 1e-12;

pub(crate) fn bert(pooling: u32) -> Tiny {
    let mut tiny = Tiny::new("bert");
    tiny.key("context_length", 64u32)
        .key("embedding_length", HIDDEN as u32)
        .key("block_count", 2u32)
        .key("feed_forward_length", WIDE as u32)
        .key("attention.head_count", HEADS as u32)
        .key("attention.layer_norm_epsilon", EPSILON as f32)
        .key("pooling_type", pooling)
        .matrix("token_embd.weight", VOCABULARY, HIDDEN)
        .matrix("token_types.weight", 2, HIDDEN)
        .matrix("position_embd.weight", 64, HIDDEN)
        .vector("token_embd_norm.weight", HIDDEN, 1.0)
        .vector("token_embd_norm.bias", HIDDEN, 0.0);
    for n in 0..2 {
        for (part, rows, depth) in [
            ("attn_q", HIDDEN, HIDDEN),
            ("attn_k", HIDDEN, HIDDEN),
            ("attn_v", HIDDEN, HIDDEN),
            ("attn_output", HIDDEN, HIDDEN),
            ("ffn_up", WIDE, HIDDEN),
            ("ffn_down", HIDDEN, WIDE),
        ] {
            tiny.matrix(&format!("blk.{n}.{part}.weight"), rows, depth);
            tiny.vector(&format!("blk.{n}.{part}.bias"), rows, 0.0);
        }
        for part in ["attn_output_norm", "layer_output_norm"] {
            tiny.vector(&format!("blk.{n}.{part}.weight"), HIDDEN, 1.0);
            tiny.vector(&format!("blk.{n}.{part}.bias"), HIDDEN, 0.0);
        }
    }
    tiny
}

/// A vector for each token.
fn naive(tiny: &Tiny, ids: &[u32]) -> Rows {
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
    let ids = ids.iter().map(|id| *id as usize);
    let count = ids.len();
    let tokens = look_up(&tiny.get("token_embd.weight"), HIDDEN, ids);
    let positions = look_up(&tiny.get("position_embd.weight"), HIDDEN, 0..count);
    let types = look_up(&tiny.get("token_types.weight"), HIDDEN, std::iter::repeat_n(0, count));
    let mut x = norm(&add(&add(&tokens, &positions), &types), "token_embd_norm");
    for n in 0..2 {
        let name = |part: &str| format!("blk.{n}.{part}");
        let [q, k, v] = ["attn_q", "attn_k", "attn_v"].map(|part| project(&x, &name(part)));
        let how = Attention {
            heads: HEADS,
            groups: HEADS,
            scale: 1.0 / ((HIDDEN / HEADS) as f64).sqrt(),
            cap: None,
            sees: &|_, _| true,
        };
        let h = project(&attention(&q, &k, &v, &how), &name("attn_output"));
        x = norm(&add(&x, &h), &name("attn_output_norm"));
        let h = map(&project(&x, &name("ffn_up")), gelu);
        x = norm(&add(&x, &project(&h, &name("ffn_down"))), &name("layer_output_norm"));
    }
    x
}

/// With the error function as its series: `2 / sqrt(pi) * sum((-1)^n z^(2n+1) / (n! (2n+1)))`.
fn gelu(x: f64) -> f64 {
    let z = x / std::f64::consts::SQRT_2;
    if z.abs() > 5.0 {
        return x.max(0.0);
    }
    let (mut term, mut sum) = (z, z);
    for n in 1..100 {
        term *= -z * z / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    0.5 * x * (1.0 + 2.0 / std::f64::consts::PI.sqrt() * sum)
}

#[test]
pub(crate) fn bert_gives_vectors_of_texts() {
    let texts = [tiny::ids(20, 1), tiny::ids(1, 2), tiny::ids(64, 3)];
    for (pooling, pool) in [
        (1, (|rows| mean(&rows)) as fn(Rows) -> Row),
        (2, |mut rows| rows.remove(0)),
        (3, |mut rows| rows.pop().unwrap()),
    ] {
        let tiny = bert(pooling);
        let options = LoadOptions {
            activations: kernels::Numerics::F32,
            cache: CacheType::F32,
            ..tiny::options()
        };
        let model = tiny.load(&options).unwrap().model;
        let got = model.embed(&texts.each_ref().map(|text| &text[..])).unwrap();
        assert_eq!(got.shape(), [3, HIDDEN]);
        for (n, text) in texts.iter().enumerate() {
            let want = pool(naive(&tiny, text));
            assert_near(got.row(n), &want, &format!("pooling {pooling}, text {n}"));
        }
    }
}

fn mean(rows: &Rows) -> Row {
    (0..HIDDEN).map(|n| rows.iter().map(|row| row[n]).sum::<f64>() / rows.len() as f64).collect()
}

#[test]
fn encoders_encode_and_decoders_do_not() {
    let model = bert(1).load(&tiny::options()).unwrap().model;
    let error = model.session().forward(&[1]).unwrap_err().to_string();
    assert!(error.contains("Model::embed"), "{error}");
    assert!(model.embed(&[&[1], &[]]).is_err());
    assert!(model.embed(&[&tiny::ids(65, 1)]).unwrap_err().to_string().contains("65 tokens"));

    let model = super::decoders::llama().load(&tiny::options()).unwrap().model;
    let error = model.embed(&[&[1]]).unwrap_err().to_string();
    assert!(error.contains("Model::session"), "{error}");
}
