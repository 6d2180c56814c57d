//! Networks with experts.

use super::check;
use super::decoders::{self, Kin};
use super::naive::*;
use super::tiny::{self, Tiny};

const HIDDEN: usize = 32;
const EXPERTS: usize = 5;
const USED: usize = 2;
const WIDE: usize = 32;

pub(crate) fn with_experts(mut tiny: Tiny) -> Tiny {
    tiny.key("expert_count", EXPERTS as u32)
        .key("expert_used_count", USED as u32)
        .key("expert_feed_forward_length", WIDE as u32);
    for n in 0..2 {
        let name = |part: &str| format!("blk.{n}.ffn_{part}.weight");
        ["gate", "up", "down"].iter().for_each(|part| {
            tiny.remove(&name(part));
        });
        tiny.matrix(&name("gate_inp"), EXPERTS, HIDDEN)
            .stack(&name("gate_exps"), EXPERTS, WIDE, HIDDEN)
            .stack(&name("up_exps"), EXPERTS, WIDE, HIDDEN)
            .stack(&name("down_exps"), EXPERTS, HIDDEN, WIDE);
    }
    tiny
}

/// Token by token: softmax over all experts, the best few, their probabilities made to add to 1.
pub(crate) fn naive(tiny: &Tiny, n: usize, x: &Rows, router: &[f64]) -> Rows {
    let get = |part: &str| tiny.get(&format!("blk.{n}.ffn_{part}_exps.weight"));
    let (gates, ups, downs) = (get("gate"), get("up"), get("down"));
    let token = |x: &Row| {
        let x = vec![x.clone()];
        let chances = softmax(&linear(&x, router, None)[0]);
        let mut order: Vec<usize> = (0..EXPERTS).collect();
        order.sort_by(|a, b| chances[*b].total_cmp(&chances[*a]));
        let total: f64 = order[..USED].iter().map(|e| chances[*e]).sum();
        let mut out = vec![vec![0.0; HIDDEN]];
        for e in &order[..USED] {
            let part = |all: &[f64]| all[e * WIDE * HIDDEN..(e + 1) * WIDE * HIDDEN].to_vec();
            let gate = map(&linear(&x, &part(&gates), None), silu);
            let h = multiply(&gate, &linear(&x, &part(&ups), None));
            let h = linear(&h, &part(&downs), None);
            out = add(&out, &map(&h, |x| x * chances[*e] / total));
        }
        out.remove(0)
    };
    x.iter().map(token).collect()
}

#[test]
fn mixtral_is_a_llama_with_experts() {
    let tiny = with_experts(decoders::llama());
    check(&tiny, 40, |ids| Kin::llama().forward(&tiny, ids));
}

#[test]
fn qwen3moe_is_a_qwen3_with_experts() {
    let tiny = with_experts(decoders::qwen3("qwen3moe"));
    let kin = Kin { pairs: Pairs::Halves, ..Kin::llama() };
    check(&tiny, 40, |ids| kin.forward(&tiny, ids));
}

#[test]
fn experts_may_be_tensors_of_their_own() {
    let whole = with_experts(decoders::llama());
    let mut tiny = with_experts(decoders::llama());
    for n in 0..2 {
        for part in ["gate", "up", "down"] {
            tiny.split(&format!("blk.{n}.ffn_{part}_exps.weight"), |expert| {
                format!("blk.{n}.ffn_{part}.{expert}.weight")
            });
        }
    }
    check(&tiny, 40, |ids| Kin::llama().forward(&whole, ids));

    tiny.remove("blk.1.ffn_up.3.weight");
    let error = tiny.load(&tiny::options()).unwrap_err().to_string();
    assert!(error.contains("\"blk.1.ffn_up.3.weight\" is missing"), "{error}");
}
