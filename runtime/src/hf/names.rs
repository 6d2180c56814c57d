//! Names of tensors, theirs and GGUF's.

/// Outside the layers.
const MODEL: [(&str, &str); 3] = [
    ("model.embed_tokens.weight", "token_embd.weight"),
    ("model.norm.weight", "output_norm.weight"),
    ("lm_head.weight", "output.weight"),
];

/// In a layer, without `weight` or `bias`.
const LAYER: [(&str, &str); 11] = [
    ("input_layernorm", "attn_norm"),
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.o_proj", "attn_output"),
    ("self_attn.q_norm", "attn_q_norm"),
    ("self_attn.k_norm", "attn_k_norm"),
    ("post_attention_layernorm", "ffn_norm"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
];

/// GGUF's name for a tensor.
pub(super) fn gguf(name: &str) -> Option<String> {
    if let Some((_, known)) = MODEL.iter().find(|(theirs, _)| *theirs == name) {
        return Some((*known).to_owned());
    }
    let (layer, rest) = name.strip_prefix("model.layers.")?.split_once('.')?;
    let layer: u32 = layer.parse().ok()?;
    let (part, kind) =
        rest.rsplit_once('.').filter(|(_, kind)| ["weight", "bias"].contains(kind))?;
    let (_, known) = LAYER.iter().find(|(theirs, _)| *theirs == part)?;
    Some(format!("blk.{layer}.{known}.{kind}"))
}

#[cfg(test)]
mod tests {
    use super::gguf;

    #[test]
    fn names_are_translated() {
        for (theirs, known) in [
            ("lm_head.weight", Some("output.weight")),
            ("model.layers.11.self_attn.q_proj.bias", Some("blk.11.attn_q.bias")),
            ("model.layers.0.post_attention_layernorm.weight", Some("blk.0.ffn_norm.weight")),
            ("model.layers.0.mlp.experts.3.gate_proj.weight", None),
            ("model.layers.x.mlp.gate_proj.weight", None),
            ("model.layers.0.mlp.gate_proj.scales", None),
            ("classifier.weight", None),
        ] {
            assert_eq!(gguf(theirs).as_deref(), known, "{theirs}");
        }
    }
}
