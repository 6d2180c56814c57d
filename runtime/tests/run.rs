//! Commands that run models: `generate`, `perplexity`, `embed`, and `bench` of whole models.

mod command;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use kernels::formats;
use runtime::gguf::Writer;
use runtime::tensor::Shape;
use serde_json::Value;

use command::{fails, output, runtime, succeeds, text};

const HIDDEN: usize = 32;
const WIDE: usize = 64;
const CONTEXT: u32 = 96;

/// A matrix `(rows, depth)`, or a vector of `rows`.
type Part = (String, usize, Option<usize>);

fn matrix(name: impl Into<String>, rows: usize, depth: usize) -> Part {
    (format!("{}.weight", name.into()), rows, Some(depth))
}

fn vector(name: impl Into<String>, rows: usize) -> Part {
    (name.into(), rows, None)
}

/// Adds tensors of random numbers to what a writer has, and writes a file.
fn write(path: &Path, writer: &mut Writer, parts: &[Part]) {
    let f32 = formats::by_name("F32").unwrap();
    for (name, rows, depth) in parts {
        let dims: Vec<usize> = depth.iter().copied().chain([*rows]).collect();
        writer.tensor(name, f32, Shape::new(&dims).unwrap());
    }
    let mut data = writer.begin(std::fs::File::create(path).unwrap()).unwrap();
    // The upper bits of a linear congruential generator (Knuth, MMIX).
    let mut random = 1u64;
    let mut uniform = || {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    for (name, rows, depth) in parts {
        let count = rows * depth.unwrap_or(1);
        let numbers = (0..count).map(|_| match depth {
            Some(_) => uniform(),
            None => 1.0 + 0.1 * uniform(),
        });
        let bytes: Vec<u8> = numbers.flat_map(f32::to_le_bytes).collect();
        data.write(name, &bytes).unwrap();
    }
    data.finish().unwrap();
}

/// A llama of one layer that knows bytes and small letters, and nothing of the world.
fn llama(folder: &Path) -> PathBuf {
    let mut tokens: Vec<String> = ["<unk>", "<s>", "</s>"].map(str::to_owned).to_vec();
    let mut kinds = vec![2, 3, 3];
    tokens.extend((0..=255).map(|byte| format!("<0x{byte:02X}>")));
    kinds.resize(tokens.len(), 6);
    tokens.push("▁".to_owned());
    tokens.extend(('a'..='z').map(String::from));
    kinds.resize(tokens.len(), 1);

    let mut writer = Writer::new();
    writer.metadata("general.architecture", "llama");
    for (key, value) in [
        ("block_count", 1),
        ("context_length", CONTEXT),
        ("embedding_length", HIDDEN as u32),
        ("feed_forward_length", WIDE as u32),
        ("attention.head_count", 4),
        ("attention.head_count_kv", 2),
    ] {
        writer.metadata(&format!("llama.{key}"), value);
    }
    writer.metadata("llama.attention.layer_norm_rms_epsilon", 1e-5f32);
    writer.metadata("tokenizer.ggml.model", "llama");
    writer.array("tokenizer.ggml.tokens", tokens.iter().map(String::as_str));
    writer.array("tokenizer.ggml.scores", vec![0f32; tokens.len()]);
    writer.array("tokenizer.ggml.token_type", kinds);
    writer.metadata(
        "tokenizer.chat_template",
        "{% for m in messages %}{{ m.role }}: {{ m.content }}</s>{% endfor %}",
    );
    let parts = [
        matrix("token_embd", tokens.len(), HIDDEN),
        vector("blk.0.attn_norm.weight", HIDDEN),
        matrix("blk.0.attn_q", HIDDEN, HIDDEN),
        matrix("blk.0.attn_k", HIDDEN / 2, HIDDEN),
        matrix("blk.0.attn_v", HIDDEN / 2, HIDDEN),
        matrix("blk.0.attn_output", HIDDEN, HIDDEN),
        vector("blk.0.ffn_norm.weight", HIDDEN),
        matrix("blk.0.ffn_gate", WIDE, HIDDEN),
        matrix("blk.0.ffn_up", WIDE, HIDDEN),
        matrix("blk.0.ffn_down", HIDDEN, WIDE),
        vector("output_norm.weight", HIDDEN),
        matrix("output", tokens.len(), HIDDEN),
    ];
    let path = folder.join("llama.gguf");
    write(&path, &mut writer, &parts);
    path
}

/// A bert without layers worth the name.
fn bert(folder: &Path) -> PathBuf {
    let tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "▁a", "▁cat", "s", "▁kitten"];
    let mut writer = Writer::new();
    writer.metadata("general.architecture", "bert");
    for (key, value) in [
        ("block_count", 1),
        ("context_length", 16),
        ("embedding_length", HIDDEN as u32),
        ("feed_forward_length", WIDE as u32),
        ("attention.head_count", 4),
        ("pooling_type", 1),
    ] {
        writer.metadata(&format!("bert.{key}"), value);
    }
    writer.metadata("bert.attention.layer_norm_epsilon", 1e-12f32);
    writer.metadata("tokenizer.ggml.model", "bert");
    writer.array("tokenizer.ggml.tokens", tokens);
    writer.array("tokenizer.ggml.token_type", [3, 2, 3, 3, 1, 1, 1, 1]);
    writer.metadata("tokenizer.ggml.unknown_token_id", 1u32);
    writer.metadata("tokenizer.ggml.cls_token_id", 2u32);
    writer.metadata("tokenizer.ggml.seperator_token_id", 3u32);
    let mut parts = vec![
        matrix("token_embd", tokens.len(), HIDDEN),
        matrix("token_types", 2, HIDDEN),
        matrix("position_embd", 16, HIDDEN),
    ];
    for (name, rows, depth) in [
        ("attn_q", HIDDEN, HIDDEN),
        ("attn_k", HIDDEN, HIDDEN),
        ("attn_v", HIDDEN, HIDDEN),
        ("attn_output", HIDDEN, HIDDEN),
        ("ffn_up", WIDE, HIDDEN),
        ("ffn_down", HIDDEN, WIDE),
    ] {
        parts.push(matrix(format!("blk.0.{name}"), rows, depth));
        parts.push(vector(format!("blk.0.{name}.bias"), rows));
    }
    for name in ["token_embd_norm", "blk.0.attn_output_norm", "blk.0.layer_output_norm"] {
        parts.push(vector(format!("{name}.weight"), HIDDEN));
        parts.push(vector(format!("{name}.bias"), HIDDEN));
    }
    let path = folder.join("bert.gguf");
    write(&path, &mut writer, &parts);
    path
}

/// Runs with something on standard input.
fn with_input(arguments: &[&str], input: &str) -> Output {
    let mut command = runtime(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn generate(model: &Path, arguments: &[&str]) -> Output {
    output(&[&["generate", text(model), "--threads", "2"], arguments].concat())
}

#[test]
fn a_model_goes_on_with_a_text() {
    let folder = tempfile::tempdir().unwrap();
    let model = llama(folder.path());
    let options = ["-n", "40", "--temperature", "0", "once upon"];
    let greedy = succeeds(generate(&model, &options));
    assert!(!greedy.is_empty());
    // The prompt may come from standard input, and its last line end is not part of it.
    let arguments = [&["generate", text(&model)], &options[..4], &["-"]].concat();
    assert_eq!(succeeds(with_input(&arguments, "once upon\n")), greedy);
    // Threads, and how weights and activations are taken, change no bit of a model in f32.
    for extra in [&["--threads", "1"][..], &["--invariant"], &["--no-mmap"], &["--dequantize"]] {
        let again = output(&[&["generate", text(&model)], &options[..], extra].concat());
        assert_eq!(succeeds(again), greedy, "{extra:?}");
    }
    let errors = generate(&model, &options).stderr;
    let errors = String::from_utf8(errors).unwrap();
    for part in ["prompt 11 tokens", "first token after", "generated 40 tokens", "loaded in"] {
        assert!(errors.contains(part), "{part} is missing: {errors}");
    }
}

#[test]
fn a_seed_decides_what_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let model = llama(folder.path());
    let drawn = |seed| {
        let options = ["-n", "30", "--temperature", "1.5", "--top-k", "0", "--top-p", "1"];
        let rest = ["--min-p", "0", "--repeat-penalty", "1.1", "--seed", seed, "a"];
        succeeds(generate(&model, &[&options[..], &rest].concat()))
    };
    assert_eq!(drawn("1"), drawn("1"));
    assert_ne!(drawn("1"), drawn("2"));
}

#[test]
fn a_stop_string_ends_the_text_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let model = llama(folder.path());
    let options = ["-n", "60", "--temperature", "0", "once upon"];
    let whole = succeeds(generate(&model, &options));
    // Two characters somewhere within.
    let chars: Vec<char> = whole.chars().collect();
    let stop: String = chars[chars.len() / 2..][..2].iter().collect();
    let end = whole.find(&stop).unwrap();
    let stopped =
        generate(&model, &[&["--stop", "not this", "--stop", &stop], &options[..]].concat());
    assert_eq!(succeeds(stopped), whole[..end]);
}

#[test]
fn a_full_context_ends_the_text_with_a_note() {
    let folder = tempfile::tempdir().unwrap();
    let model = llama(folder.path());
    let options = ["--temperature", "0", "--context", "12", "abcd"];
    let output = generate(&model, &options);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    // BOS, the space before a text, four letters; eight more fit, the last of them unread.
    assert!(
        errors.contains("prompt 6 tokens") && errors.contains("generated 7 tokens"),
        "{errors}"
    );
    assert!(errors.contains("12 tokens is full") && errors.contains("--context"), "{errors}");
    let error = fails(&generate(&model, &["--context", "3", "abcd"]), 1);
    assert!(error.contains("6 tokens") && error.contains("--context"), "{error}");
}

#[test]
fn a_conversation_goes_on_line_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let model = llama(folder.path());
    let options = ["generate", text(&model), "--chat", "-n", "5", "--temperature", "0"];
    let one = succeeds(output(&[&options[..], &["--system", "be kind", "hello"]].concat()));
    assert!(one.ends_with('\n'));
    let arguments = [&options[..], &["--system", "be kind"]].concat();
    let several = with_input(&arguments, "hello\n\nand you\n");
    let errors = String::from_utf8_lossy(&several.stderr).into_owned();
    assert!(succeeds(several).starts_with(&one), "{errors}");
    // What was said before is not read again: each message costs what it adds.
    assert!(errors.contains("generated 10 tokens"), "{errors}");
}

#[test]
fn a_model_without_a_template_does_not_chat() {
    let folder = tempfile::tempdir().unwrap();
    let error = fails(&generate(&bert(folder.path()), &["--chat", "hello"]), 1);
    assert!(error.contains("bert.gguf") && error.contains("tokenizer.chat_template"), "{error}");
}

#[test]
fn perplexity_compares_with_saved_logits() {
    let folder = tempfile::tempdir().unwrap();
    let model = llama(folder.path());
    let letters: String = (0..400).map(|n| char::from(b'a' + (n * n % 26) as u8)).collect();
    let file = folder.path().join("text.txt");
    std::fs::write(&file, letters).unwrap();
    let logits = folder.path().join("logits.npy");
    let run = |extra: &[&str]| {
        let arguments = ["perplexity", text(&model), text(&file), "--context", "50"];
        output(&[&arguments, extra].concat())
    };
    let plain = succeeds(run(&["--windows", "3", "--save-logits", text(&logits)]));
    let value: f64 = plain.trim().strip_prefix("perplexity: ").unwrap().parse().unwrap();
    // Nothing was learned, so it is about as good as guessing among 286 tokens.
    assert!((30.0..30_000.0).contains(&value), "{value}");
    // A header of 128 bytes, and f32 for each position and token.
    assert_eq!(std::fs::metadata(&logits).unwrap().len(), 128 + 4 * 150 * 286);

    let same = succeeds(run(&["--windows", "3", "--kl", text(&logits)]));
    assert!(same.starts_with(&plain), "{same}");
    assert!(same.contains("mean KL divergence: 0.000000 nats"), "{same}");
    assert!(same.contains("same most likely token: 100.000 %"), "{same}");
    // Half precision keys and values are near, and not the same.
    let near = succeeds(run(&["--windows", "3", "--kl", text(&logits), "--override", "attn=bf16"]));
    assert!(!near.contains("divergence: 0.000000"), "{near}");

    let error = fails(&run(&["--windows", "4", "--kl", text(&logits)]), 1);
    for part in ["logits.npy", "150 positions by 286", "200 by 286", "--windows"] {
        assert!(error.contains(part), "{error}");
    }
    let error = fails(&run(&["--kl", text(&file)]), 1);
    assert!(error.contains("not an .npy file"), "{error}");
    let error = fails(&run(&["--save-logits", "no/such/folder/f.npy"]), 1);
    assert!(error.contains("no/such/folder"), "{error}");
}

#[test]
fn texts_become_vectors() {
    let folder = tempfile::tempdir().unwrap();
    let model = bert(folder.path());
    let lines = succeeds(output(&["embed", text(&model), "a cat", "A  Kitten", "a cat"]));
    let vectors: Vec<Vec<f32>> =
        lines.lines().map(|line| line.split(' ').map(|x| x.parse().unwrap()).collect()).collect();
    assert_eq!(vectors.len(), 3);
    assert!(vectors.iter().all(|vector| vector.len() == HIDDEN));
    assert_eq!(vectors[0], vectors[2]);
    assert_ne!(vectors[0], vectors[1]);

    let file = folder.path().join("texts.txt");
    std::fs::write(&file, "a cat\na kitten\n").unwrap();
    let arguments = ["embed", text(&model), "--file", text(&file), "--json", "--normalize"];
    let all: Value = serde_json::from_str(&succeeds(output(&arguments))).unwrap();
    assert_eq!(all[1]["text"], "a kitten");
    assert_eq!(all[1]["tokens"], 4);
    let vector = all[0]["vector"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap());
    let direction: Vec<f64> = vector.collect();
    let length = direction.iter().map(|x| x * x).sum::<f64>().sqrt();
    assert!((length - 1.0).abs() < 1e-6, "{length}");
    let scale = f64::from(vectors[0][0]) / direction[0];
    for (long, short) in vectors[0].iter().zip(&direction) {
        assert!((f64::from(*long) - scale * short).abs() < 1e-5);
    }

    let long = "cat ".repeat(20);
    let error = fails(&output(&["embed", text(&model), "a", &long]), 1);
    assert!(error.contains("text 2") && error.contains("22 tokens"), "{error}");
}

#[test]
fn encoders_and_decoders_say_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let (llama, bert) = (llama(folder.path()), bert(folder.path()));
    let error = fails(&generate(&bert, &["a cat"]), 1);
    assert!(error.contains("encodes"), "{error}");
    let error = fails(&output(&["embed", text(&llama), "a"]), 1);
    assert!(error.contains("does not encode"), "{error}");
}

#[test]
fn bench_measures_the_whole_model() {
    let folder = tempfile::tempdir().unwrap();
    let model = llama(folder.path());
    let arguments = ["bench", text(&model), "--only", "model", "--seconds", "0.05", "--batch", "9"];
    let shown = succeeds(output(&[&arguments[..], &["--dequantize", "--explain"]].concat()));
    for part in [
        "whole model, loaded in",
        "prefill of 9 tokens",
        "% of its Linear layers alone",
        "decoded to f32",
        "blk.*.attn_q.weight",
    ] {
        assert!(shown.contains(part), "{part} is missing:\n{shown}");
    }
    let json = succeeds(output(&[&arguments[..], &["--json"]].concat()));
    let json: Value = serde_json::from_str(&json).unwrap();
    for speed in ["prefill", "decode"] {
        for time in ["ns", "linear_ns"] {
            assert!(json["model"][speed][time].as_f64().unwrap() > 0.0, "{json:#}");
        }
    }
    if cfg!(target_os = "linux") {
        assert!(json["model"]["peak_bytes"].as_u64().unwrap() > 1 << 20);
    }
}

#[test]
fn wrong_arguments_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    let model = llama(folder.path());
    for (arguments, code, parts) in [
        (&["generate", "no/such.gguf", "a"][..], 1, &["no/such.gguf"][..]),
        (&["perplexity", "no/such.gguf", "no/such.txt"], 1, &["no/such.txt"]),
        (&["embed", "no/such.gguf", "a"], 1, &["no/such.gguf"]),
        (&["generate", text(&model)], 2, &["<PROMPT>"]),
        (&["generate", text(&model), "a", "--override", "(=f32"], 2, &["--override"]),
        (&["generate", text(&model), "a", "--override", "x=q9"], 2, &["q8, q8_256, f32, bf16"]),
        (&["generate", text(&model), "a", "--activations", "f64"], 2, &["q8, q8_256, f32, bf16"]),
        (&["generate", text(&model), "a", "--cache", "q1"], 2, &["f16"]),
        (&["generate", text(&model), "a", "--isa", "mmx"], 2, &["scalar"]),
        (&["generate", text(&model), "a", "--stop", ""], 2, &["--stop"]),
        (
            &["generate", text(&model), "a", "--temperature", "-1"],
            1,
            &["temperature", "at least 0"],
        ),
        (&["generate", text(&model), "a", "--top-p", "1.5"], 1, &["top_p", "between 0 and 1"]),
        (&["perplexity", text(&model), text(&model)], 1, &["no text"]),
    ] {
        let output = output(arguments);
        let line = fails(&output, code);
        let all = String::from_utf8_lossy(&output.stderr);
        for part in parts {
            assert!(all.contains(part), "{arguments:?}: {part} is missing: {line}");
        }
    }
}

#[test]
fn help_teaches_every_command() {
    let help = succeeds(output(&["--help"]));
    let commands = help.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1);
    let commands: Vec<&str> = commands
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(commands.contains(&"generate") && commands.contains(&"perplexity"), "{help}");
    for command in commands {
        let help = succeeds(output(&[command, "--help"]));
        assert!(help.contains(&format!("runtime {command} ")), "{command} has no example:\n{help}");
    }
}

/// The folder of reference models.
fn references() -> Option<(PathBuf, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/models");
    let Ok(text) = std::fs::read_to_string(folder.join("reference.json")) else {
        eprintln!("SKIPPED: there is no {}, so no real model is run", folder.display());
        return None;
    };
    Some((folder, serde_json::from_str(&text).unwrap()))
}

#[test]
fn greedy_text_is_that_of_the_reference() {
    let Some((folder, reference)) = references() else { return };
    let entry = &reference["models"]["prose-6m.f16.gguf"];
    let model = folder.join("prose-6m.f16.gguf");
    let prompt = entry["prompt"].as_str().unwrap();
    let count = entry["greedy"].as_array().unwrap().len().to_string();
    let options = ["--temperature", "0", "--activations", "f32", "-n", &count, prompt];
    assert_eq!(succeeds(generate(&model, &options)), entry["greedy_text"].as_str().unwrap());
}

#[test]
fn quantized_weights_cost_little_perplexity() {
    let Some((folder, _)) = references() else { return };
    let of = |kind: &str| {
        let model = folder.join(format!("prose-6m.{kind}.gguf"));
        let file = folder.join("eval.txt");
        let arguments = ["perplexity", text(&model), text(&file), "--windows", "2"];
        let shown = succeeds(output(&arguments));
        shown.trim().strip_prefix("perplexity: ").unwrap().parse::<f64>().unwrap()
    };
    let (f16, q4_k) = (of("f16"), of("q4_k"));
    assert!((q4_k / f16 - 1.0).abs() < 0.05, "{q4_k} instead of {f16}");
}
