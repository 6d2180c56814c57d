//! What can be wrong with a model's files, and what is done with what is right.

use kernels::{Format, Numerics, Plan, Source, formats};
use regex::Regex;
use runtime::LoadOptions;
use runtime::checkpoint::Access;
use runtime::load::{LoadError, Override, Setting, Treatment};

use super::decoders;
use super::tiny::{self, Tiny};

fn error(tiny: &Tiny) -> LoadError {
    tiny.load(&tiny::options()).unwrap_err()
}

#[test]
fn everything_that_is_wrong_with_tensors_is_one_error() {
    let mut tiny = decoders::llama();
    tiny.remove("blk.1.attn_k.weight")
        .matrix("blk.0.ffn_up.weight", 65, 32)
        .vector("output_norm.weight", 31, 1.0)
        .vector("blk.7.attn_norm.weight", 32, 1.0);
    let error = error(&tiny).to_string();
    for line in [
        "4 tensors do not make a llama model:",
        "\"blk.0.ffn_up.weight\" is [32, 65], but should be [32, 64]",
        "\"blk.1.attn_k.weight\" is missing; a tensor [32, 16] belongs there",
        "\"output_norm.weight\" is [31], but should be [32]",
        "\"blk.7.attn_norm.weight\" is not known",
    ] {
        assert!(error.contains(line), "{line:?} is not in:\n{error}");
    }
}

#[test]
fn metadata_that_makes_no_sense_is_named() {
    let change = |change: &dyn Fn(&mut Tiny)| {
        let mut tiny = decoders::llama();
        change(&mut tiny);
        error(&tiny).to_string()
    };
    for (got, want) in [
        (change(&|t| _ = t.key("block_count", u32::MAX)), "the file has only 21 tensors"),
        (change(&|t| _ = t.key("block_count", 0u32)), "\"llama.block_count\" is 0"),
        (change(&|t| _ = t.key("attention.head_count", 0u32)), "must be at least 1"),
        (change(&|t| _ = t.key("attention.head_count", 5u32)), "\"llama.attention.head_count"),
        (change(&|t| _ = t.key("attention.head_count_kv", 3u32)), "must divide the 4 heads"),
        (change(&|t| _ = t.key("attention.key_length", u64::MAX)), "llama.attention"),
        (change(&|t| _ = t.key("attention.key_length", 1u64 << 40)), "no weight of the file has"),
        (change(&|t| _ = t.key("embedding_length", "many")), "\"llama.embedding_length\""),
        (change(&|t| _ = t.key("rope.dimension_count", 9u32)), "must be even and at most the 8"),
        (change(&|t| _ = t.key("rope.freq_base", f32::NAN)), "must be a positive number"),
        (change(&|t| _ = t.key("expert_count", u32::MAX)), "expert_used_count"),
        (
            change(&|t| {
                t.key("rope.scaling.factor", 2.0f32).key("rope.scaling.type", "magic");
            }),
            "none, linear, yarn and longrope are known",
        ),
    ] {
        assert!(got.contains(want), "{want:?} is not in:\n{got}");
    }
    let error = error(&Tiny::new("perceptron")).to_string();
    assert!(error.contains("\"perceptron\"") && error.contains("llama, qwen2"), "{error}");
}

#[test]
fn the_report_tells_what_was_done() {
    let mut tiny = decoders::llama();
    tiny.quantize(formats::Q4_0::info());
    let loaded = tiny.load(&LoadOptions { access: Access::Map, ..tiny::options() }).unwrap();
    let report = &loaded.report;
    assert_eq!(report.tensors(), 21);
    assert_eq!(report.lines()[0], "21 tensors: 16 quantized kept, 0 dequantized, 5 f32");
    // All matrices, and the vectors: 5 of 32 numbers.
    let matrices = 2 * 40 * 32 + 2 * (2 * 32 * 32 + 2 * 16 * 32 + 3 * 64 * 32);
    assert_eq!(report.mapped_bytes(), matrices * 18 / 32);
    assert_eq!(report.memory_bytes(), 5 * 32 * 4);
    assert_eq!(report.float_bytes(), 4 * (matrices + 5 * 32));
    assert!(report.file_bytes > report.mapped_bytes());
    let ratio = report.float_bytes() as f64 / (matrices * 18 / 32 + 5 * 32 * 4) as f64;
    assert_eq!(report.ratio(), ratio);
    let table = report.explain();
    assert!(table.contains("blk.*.attn_q.weight") && table.contains("q4_0_"), "{table}");

    let decoded =
        LoadOptions { preserve_quantization: false, access: Access::Map, ..tiny::options() };
    let decoded = tiny.load(&decoded).unwrap();
    assert_eq!(
        decoded.report.lines()[0],
        // The table of tokens is looked up, not multiplied with.
        "21 tensors: 1 quantized kept, 15 dequantized, 5 f32"
    );
    let ids = tiny::ids(20, 1);
    let run = |loaded: &runtime::Loaded| loaded.model.session().forward(&ids).unwrap().to_vec();
    let options = LoadOptions { activations: Numerics::F32, ..tiny::options() };
    let (kept, decoded) = (run(&tiny.load(&options).unwrap()), run(&decoded));
    let error: f32 = kept.iter().zip(&decoded).map(|(a, b)| (a - b).abs()).sum();
    assert!(error < 1e-3, "{error}");
}

#[test]
fn exceptions_are_made_by_name() {
    let mut tiny = decoders::llama();
    tiny.quantize(formats::Q8_0::info());
    let exception = |tensors, activations, isa| Override {
        tensors: Regex::new(tensors).unwrap(),
        activations,
        isa,
        settings: vec![],
    };
    let scalar = kernels::isa::by_name("scalar").unwrap();
    let overrides = vec![
        exception("ffn_down", Some(Numerics::F32), None),
        exception("^blk\\.0\\.", None, Some(scalar)),
        exception("nothing", None, None),
    ];
    let report = tiny.load(&LoadOptions { overrides, ..tiny::options() }).unwrap().report;
    assert_eq!(report.warnings, ["no Linear layer is called nothing"]);
    for weight in &report.weights {
        let Some(plan) = &weight.plan else { continue };
        let down = weight.name.contains("ffn_down");
        assert_eq!(plan.class(), if down { Numerics::F32 } else { Numerics::Q8 });
        assert_eq!(*plan.source(), Source::Default);
        if weight.name.starts_with("blk.0.") && !down {
            assert_eq!(plan.isa(), scalar, "{}", weight.name);
        }
        assert_eq!(weight.treatment, Treatment::Read);
    }
}

#[test]
fn knobs_are_set_by_name() {
    let mut tiny = decoders::llama();
    tiny.quantize(formats::Q8_0::info());
    let overrides = vec![Override {
        tensors: Regex::new("ffn_(up|gate)").unwrap(),
        activations: None,
        isa: None,
        settings: vec![Setting::new("rows", 2).unwrap(), Setting::new("switch_at", 8).unwrap()],
    }];
    let options = LoadOptions { overrides, ..tiny::options() };
    let loaded = tiny.load(&options).unwrap();
    let plain = tiny.load(&tiny::options()).unwrap();
    for (weight, default) in loaded.report.weights.iter().zip(&plain.report.weights) {
        let (Some(plan), Some(default)) = (&weight.plan, &default.plan) else { continue };
        let set = weight.name.contains("ffn_up") || weight.name.contains("ffn_gate");
        let knobs = |plan: &Plan| (plan.params().rows, plan.params().switch_at);
        assert_ne!(knobs(default), (2, 8));
        assert_eq!(knobs(plan), if set { (2, 8) } else { knobs(default) }, "{}", weight.name);
        let rows = if set { 2 } else { default.kernel(1).rows };
        assert_eq!(plan.kernel(1).rows, rows, "{}", weight.name);
        assert_eq!(plan.explain().contains("override ffn_(up|gate)"), set, "{}", plan.explain());
    }
    // The same products, by other kernels.
    let ids = tiny::ids(6, 1);
    let got = loaded.model.session().forward(&ids).unwrap().to_vec();
    let want = plain.model.session().forward(&ids).unwrap().to_vec();
    let error: f32 = got.iter().zip(&want).map(|(a, b)| (a - b).abs()).sum();
    assert!(error < 1e-3, "{error}");

    assert!(Setting::new("rows", 3).unwrap_err().to_string().contains("one of [1, 2, 4]"));
    assert!(Setting::new("colour", 3).unwrap_err().to_string().contains("switch_at"));
}

#[test]
fn a_damaged_file_is_an_error_or_a_model_but_never_a_panic() {
    let mut llama = decoders::llama();
    llama.key("rope.scaling.type", "yarn").key("rope.scaling.factor", 2.0f32);
    llama.key("attention.sliding_window", 3u32).vector("rope_freqs.weight", 4, 1.0);
    let experts = super::experts::with_experts(decoders::qwen3("qwen3moe"));
    let files = [llama, experts, super::encoders::bert(1)].map(|tiny| tiny.bytes());
    // The data is long, and any numbers are weights: damage goes to what is before.
    let headers = files.map(|file| {
        let start = runtime::gguf::Gguf::parse(&file).unwrap().data_offset() as usize;
        file[..start].to_vec()
    });
    let data: Vec<u8> = (0..50_000).flat_map(|n| ((n % 7) as f32 - 3.0).to_le_bytes()).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.gguf");
    let options = LoadOptions { access: Access::Read, ..tiny::options() };
    let (accepted, refused) = super::damage::survive(&headers, 3000, |header| {
        std::fs::write(&path, [header, &data].concat()).unwrap();
        let Ok(loaded) = runtime::load(&path, &options) else { return false };
        let _ = loaded.tokenizer();
        let ids: Vec<u32> = (0..loaded.model.sizes().vocabulary.min(5) as u32).collect();
        let _ = loaded.model.session().forward(&ids);
        let _ = loaded.model.embed(&[&ids]);
        true
    });
    assert!(accepted > 10 && refused > 100, "{accepted} accepted, {refused} refused");
}
