//! Conversion: types by the rules, values exact where they have to be, files whole or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use kernels::{FormatInfo, formats};
use regex::Regex;
use runtime::checkpoint::Access;
use runtime::gguf::Writer;
use runtime::quantize::{
    Naming, Options, Output, Policy, QuantizeError, Reason, SmqOptions, Summary, plan, quantize,
};
use runtime::smq::{Manifest, Severity, Smq};
use runtime::tensor::{AsTensor, Shape};
use runtime::verify::verify;
use runtime::{Checkpoint, Files};

fn by_name(name: &str) -> &'static FormatInfo {
    formats::by_name(name).unwrap()
}

/// Formats that weights can be encoded to.
fn encodable() -> Vec<&'static FormatInfo> {
    let encodes = |format: &&'static FormatInfo| {
        let mut block = vec![0; format.block_bytes];
        format.quantize(&vec![0.0; format.block_len], &mut block).is_ok()
    };
    formats::all().into_iter().filter(encodes).collect()
}

/// Roughly what weights look like.
fn wave(count: usize) -> Vec<f32> {
    (0..count).map(|n| ((n * 7919) % 1009) as f32 / 1009.0 - 0.5).collect()
}

/// A model: a head and embeddings, a layer with a vector, a matrix of odd rows, and a router.
const TENSORS: [(&str, &[usize]); 7] = [
    ("token_embd.weight", &[256, 12]),
    ("blk.0.attn_norm.weight", &[256]),
    ("blk.0.attn_q.weight", &[256, 8]),
    ("blk.0.ffn_down.weight", &[96, 8]),
    ("blk.0.ffn_gate_inp.weight", &[256, 4]),
    ("blk.0.ffn_up_exps.weight", &[256, 4, 3]),
    ("output.weight", &[256, 12]),
];

/// Writes the model with tensors of one type, as far as their rows allow, else F32.
fn model(folder: &Path, format: &'static FormatInfo) -> PathBuf {
    let of = |dims: &[usize]| {
        let fits = dims.len() > 1 && dims[0].is_multiple_of(format.block_len);
        if fits { format } else { by_name("F32") }
    };
    let mut writer = Writer::new();
    writer.metadata("general.architecture", "llama").metadata("general.file_type", 1u32);
    writer.metadata("llama.block_count", 1u32).metadata("llama.rope.freq_base", 1e4f32);
    writer.array("tokenizer.ggml.token_type", [1i32, 3]);
    for (name, dims) in TENSORS {
        writer.tensor(name, of(dims), Shape::new(dims).unwrap());
    }
    let path = folder.join(format!("in-{}.gguf", format.name));
    let mut data = writer.begin(fs::File::create(&path).unwrap()).unwrap();
    for (name, dims) in TENSORS {
        let weights = wave(dims.iter().product());
        let mut bytes = vec![0; of(dims).row_bytes(weights.len()).unwrap()];
        of(dims).quantize(&weights, &mut bytes).unwrap();
        data.write(name, &bytes).unwrap();
    }
    data.finish().unwrap();
    path
}

fn options(policy: Policy) -> Options {
    Options { policy, overrides: vec![], output: Output::Gguf }
}

fn smq(policy: Policy) -> Options {
    Options { output: Output::Smq(SmqOptions::default()), ..options(policy) }
}

fn open(path: &Path) -> Files {
    Files::open(path, Access::Map).unwrap()
}

fn convert(input: &Path, output: &Path, options: &Options) -> Summary {
    quantize(&open(input), output, options, &|_| ()).unwrap()
}

/// Names, types and values of all tensors.
fn contents(path: &Path) -> Vec<(String, &'static str, Vec<f32>)> {
    let files = open(path);
    let checkpoint = Checkpoint::parse(&files).unwrap();
    let contents = checkpoint.tensors().map(|tensor| {
        let view = tensor.view();
        let mut weights = vec![0.0; view.shape.elements()];
        view.format.dequantize(view.bytes, &mut weights).unwrap();
        (view.name.to_owned(), view.format.name, weights)
    });
    contents.collect()
}

fn metadata(path: &Path) -> Vec<String> {
    let files = open(path);
    let checkpoint = Checkpoint::parse(&files).unwrap();
    checkpoint.metadata().iter().map(|(key, value)| format!("{key} = {value:?}")).collect()
}

#[test]
fn every_type_is_written_as_its_encoder_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let input = model(folder.path(), by_name("F32"));
    let output = folder.path().join("out.gguf");
    for format in encodable() {
        convert(&input, &output, &options(Policy::Pure(format)));
        for (name, has, weights) in contents(&output) {
            let dims = TENSORS.iter().find(|(tensor, _)| *tensor == name).unwrap().1;
            let source = wave(weights.len());
            if dims.len() == 1 || name.contains("ffn_gate_inp") {
                assert_eq!((has, &weights), ("F32", &source), "{name}");
            } else if dims[0].is_multiple_of(format.block_len) {
                assert_eq!(has, format.name, "{name}");
                // In one call, what the file has in pieces.
                let mut blocks = vec![0; format.row_bytes(source.len()).unwrap()];
                format.quantize(&source, &mut blocks).unwrap();
                let mut want = vec![0.0; source.len()];
                format.dequantize(&blocks, &mut want).unwrap();
                assert_eq!(weights, want, "{name} in {format:?}");
            } else {
                assert_ne!(has, format.name, "{name}");
            }
        }
    }
}

#[test]
fn quantized_files_are_dequantized_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out.gguf");
    for format in encodable() {
        let input = model(folder.path(), format);
        convert(&input, &output, &options(Policy::Mixed(by_name("F32"))));
        let (before, after) = (contents(&input), contents(&output));
        assert!(after.iter().all(|(_, has, _)| *has == "F32"));
        for (before, after) in before.iter().zip(&after) {
            assert_eq!((&before.0, &before.2), (&after.0, &after.2), "{format:?}");
        }
    }
}

#[test]
fn metadata_stays_but_for_the_type_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let input = model(folder.path(), by_name("F16"));
    let output = folder.path().join("out.gguf");
    convert(&input, &output, &options(Policy::Mixed(by_name("Q4_K"))));
    let want: Vec<String> = metadata(&input)
        .iter()
        .map(|line| line.replace("general.file_type = U32(1)", "general.file_type = U32(14)"))
        .chain(["general.quantization_version = U32(2)".to_owned()])
        .collect();
    assert_eq!(metadata(&output), want);
}

/// Type and reason of every tensor.
fn choices(input: &Path, options: &Options) -> Vec<(String, &'static str, Reason)> {
    let files = open(input);
    let checkpoint = Checkpoint::parse(&files).unwrap();
    let choices = plan(&checkpoint, options).unwrap();
    choices.into_iter().map(|choice| (choice.tensor, choice.format.name, choice.reason)).collect()
}

#[test]
fn the_head_has_more_bits_unless_all_shall_be_alike() {
    let folder = tempfile::tempdir().unwrap();
    let input = model(folder.path(), by_name("F32"));
    let of = |policy: fn(&'static FormatInfo) -> Policy, format| {
        let choices = choices(&input, &options(policy(by_name(format))));
        let head = choices.into_iter().find(|(name, ..)| name == "output.weight").unwrap();
        (head.1, head.2)
    };
    assert_eq!(of(Policy::Mixed, "Q4_0"), ("Q6_K", Reason::Head));
    assert_eq!(of(Policy::Pure, "Q4_0"), ("Q4_0", Reason::Wanted));
    assert_eq!(of(Policy::Mixed, "Q8_0"), ("Q8_0", Reason::Wanted));
    assert_eq!(of(Policy::Mixed, "F16"), ("F16", Reason::Wanted));
}

#[test]
fn the_first_override_that_matches_counts_for_vectors_too() {
    let folder = tempfile::tempdir().unwrap();
    let input = model(folder.path(), by_name("F32"));
    let overrides = [("attn_q", "Q8_0"), ("attn", "F16"), ("gate_inp", "BF16")];
    let overrides = overrides.map(|(regex, name)| (Regex::new(regex).unwrap(), by_name(name)));
    let options =
        Options { overrides: overrides.to_vec(), ..options(Policy::Pure(by_name("Q4_K"))) };
    let types: Vec<&str> = choices(&input, &options).iter().map(|choice| choice.1).collect();
    assert_eq!(types, ["Q4_K", "F16", "Q8_0", "Q5_0", "BF16", "Q4_K", "Q4_K"]);
}

#[test]
fn rows_that_are_no_blocks_get_a_named_type_and_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let input = model(folder.path(), by_name("F32"));
    let output = folder.path().join("out.gguf");
    for (wanted, got) in
        [("Q4_K", "Q5_0"), ("Q6_K", "Q8_0"), ("Q2_K", "IQ4_NL"), ("Q2_0", "IQ4_NL")]
    {
        let summary = convert(&input, &output, &options(Policy::Pure(by_name(wanted))));
        let [warning] = &summary.warnings[..] else { panic!("{:?}", summary.warnings) };
        let block = by_name(wanted).block_len;
        let want = format!(
            "tensor \"blk.0.ffn_down.weight\": 96 columns are not a multiple of {wanted}'s \
             {block}; it becomes {got}"
        );
        assert_eq!(warning, &want);
        assert_eq!(contents(&output)[3].1, got);
    }
    // Blocks of 32 are too long, as well.
    let path = folder.path().join("odd.gguf");
    let mut writer = Writer::new();
    writer.tensor("w", by_name("F32"), Shape::new(&[172, 3]).unwrap());
    let mut data = writer.begin(fs::File::create(&path).unwrap()).unwrap();
    data.write("w", &vec![0; 4 * 172 * 3]).unwrap();
    data.finish().unwrap();
    let summary = convert(&path, &output, &options(Policy::Pure(by_name("Q4_K"))));
    assert!(summary.warnings[0].contains("172 columns are not a multiple of Q4_K's 256"));
    assert_eq!(contents(&output)[0].1, "F16");
}

#[test]
fn smq_and_back_is_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    let (there, back) = (folder.path().join("there.smq"), folder.path().join("back.gguf"));
    for name in ["F32", "F16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q4_K", "Q6_K"] {
        let input = model(folder.path(), by_name(name));
        let summary = convert(&input, &there, &smq(Policy::Keep));
        assert_eq!(summary.warnings, [""; 0], "{name}");
        convert(&there, &back, &options(Policy::Keep));
        assert!(fs::read(&input).unwrap() == fs::read(&back).unwrap(), "{name}");
    }
}

#[test]
fn types_that_smq_lacks_become_f32_with_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let there = folder.path().join("there.smq");
    for name in ["BF16", "Q5_K", "IQ4_XS"] {
        let input = model(folder.path(), by_name(name));
        let summary = convert(&input, &there, &smq(Policy::Keep));
        let warning = &summary.warnings[0];
        assert!(
            warning.contains(&format!("no {name}; it becomes F32, with the same")),
            "{warning}"
        );
        for (before, after) in contents(&input).iter().zip(contents(&there)) {
            assert_eq!((&before.0, &before.2), (&after.0, &after.2), "{name}");
        }
    }
    let input = model(folder.path(), by_name("F32"));
    let error = quantize(&open(&input), &there, &smq(Policy::Pure(by_name("Q5_K"))), &|_| ());
    let error = error.unwrap_err();
    assert!(matches!(error, QuantizeError::NoScheme { format: "Q5_K", .. }), "{error}");
    assert!(error.to_string().contains("Q6_K"), "{error}");
}

#[test]
fn planar_blocks_straddle_rows() {
    let folder = tempfile::tempdir().unwrap();
    let input = model(folder.path(), by_name("F32"));
    let output = folder.path().join("out.smq");
    for (name, steps) in [("Q8_0", 127.0), ("Q4_0", 7.0)] {
        for block in [1, 7, 32, 64, 100, 4096] {
            let output_options = SmqOptions { block, ..SmqOptions::default() };
            let options = Options {
                output: Output::Smq(output_options),
                ..options(Policy::Pure(by_name(name)))
            };
            convert(&input, &output, &options);
            let bytes = fs::read(&output).unwrap();
            for entry in Smq::parse(&bytes).unwrap().entries() {
                let source = wave(entry.elements());
                if entry.scheme.planar.is_none() {
                    assert_eq!(entry.values(), source);
                    continue;
                }
                assert_eq!(entry.block, block as usize);
                let blocks = source.chunks(entry.block).zip(entry.aux.as_chunks().0);
                for (weights, scale) in blocks {
                    let most = weights.iter().fold(0.0f32, |most, w| most.max(w.abs()));
                    let want = if most == 0.0 { 1.0 } else { most / steps };
                    assert_eq!(f32::from_le_bytes(*scale), want, "{name} {block}");
                }
                let worst = source
                    .iter()
                    .zip(entry.values())
                    .fold(0.0f32, |worst, (w, v)| worst.max((w - v).abs()));
                assert!(worst <= 0.5001 * 0.5 / steps, "{name} {block}: {worst}");
            }
        }
    }
}

#[test]
fn numbered_files_are_those_of_the_original_tools() {
    let folder = tempfile::tempdir().unwrap();
    let input = model(folder.path(), by_name("F32"));
    let output = folder.path().join("out.smq");
    let json = br#"{ "a" : 1 }"#.to_vec();
    let output_options =
        SmqOptions { block: 32, naming: Naming::Numbered, json: Some(json.clone()) };
    let options =
        Options { output: Output::Smq(output_options), ..options(Policy::Pure(by_name("Q8_0"))) };
    convert(&input, &output, &options);
    let bytes = fs::read(&output).unwrap();
    let smq = Smq::parse(&bytes).unwrap();
    assert_eq!(smq.json(), json);
    let tensors: Vec<_> =
        smq.entries().iter().map(|e| (e.name, &e.dims[..], e.scheme.name)).collect();
    assert_eq!(tensors[1], ("tensor_001", &[1, 256][..], "Q8_0"));
    assert_eq!(tensors[5], ("tensor_005", &[3, 4, 256][..], "Q8_0"));
}

#[test]
fn the_golden_file_is_what_quantize_writes() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/smq");
    let Ok(golden) = fs::read(data.join("benchmark-model.smq")) else {
        eprintln!("SKIPPED: no {} with the golden pair", data.display());
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out.smq");
    let json = Smq::parse(&golden).unwrap().json().to_vec();
    let output_options = SmqOptions { block: 32, naming: Naming::Numbered, json: Some(json) };
    let options =
        Options { output: Output::Smq(output_options), ..options(Policy::Pure(by_name("Q8_0"))) };
    convert(&data.join("demo-model.smnd"), &output, &options);
    assert!(fs::read(&output).unwrap() == golden, "another file than the golden one");
    let manifest = Manifest::read(&output).unwrap().unwrap();
    assert_eq!(
        manifest.smq_sha256.unwrap(),
        "82033e7e615c4b245b8de99ad3f34e04def1b3df23275f8c42862be9d2c047cc"
    );
    assert_eq!(manifest.model_dims.unwrap().n_layers, Some(2));
}

#[test]
fn the_input_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let input = model(folder.path(), by_name("F32"));
    let before = fs::read(&input).unwrap();
    let roundabout = folder.path().join(".").join(input.file_name().unwrap());
    let wanted = options(Policy::Pure(by_name("Q8_0")));
    let error = quantize(&open(&input), &roundabout, &wanted, &|_| ()).unwrap_err();
    assert!(matches!(error, QuantizeError::SameFile { .. }), "{error}");
    assert!(fs::read(&input).unwrap() == before);
}

#[test]
fn a_file_is_whole_or_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let input = model(folder.path(), by_name("F32"));
    let files = || fs::read_dir(folder.path()).unwrap().count();
    let output = folder.path().join("out.gguf");
    fs::write(&output, "precious").unwrap();
    // Interrupted in the midst of it: what was there is there, and nothing else.
    let wanted = options(Policy::Pure(by_name("Q8_0")));
    let interrupted = std::panic::catch_unwind(|| {
        quantize(&open(&input), &output, &wanted, &|_| panic!("interrupted"))
    });
    assert!(interrupted.is_err());
    assert_eq!((fs::read(&output).unwrap(), files()), (b"precious".to_vec(), 2));
    convert(&input, &output, &wanted);
    assert_eq!(files(), 2);
    assert_eq!(contents(&output).len(), TENSORS.len());

    let nowhere = folder.path().join("no/such/folder/out.gguf");
    let error = quantize(&open(&input), &nowhere, &wanted, &|_| ()).unwrap_err().to_string();
    assert!(error.contains("no/such/folder/out.gguf: cannot write beside it"), "{error}");
}

#[test]
fn progress_adds_up_to_all_weights() {
    use std::sync::atomic::{AtomicU64, Ordering};
    let folder = tempfile::tempdir().unwrap();
    let input = model(folder.path(), by_name("F32"));
    let weights: usize = TENSORS.iter().map(|(_, dims)| dims.iter().product::<usize>()).sum();
    for options in [
        options(Policy::Mixed(by_name("Q4_K"))),
        smq(Policy::Mixed(by_name("Q4_0"))),
        smq(Policy::Keep),
    ] {
        let done = AtomicU64::new(0);
        let count = |n| {
            done.fetch_add(n, Ordering::Relaxed);
        };
        let summary =
            quantize(&open(&input), &folder.path().join("out"), &options, &count).unwrap();
        assert_eq!(done.into_inner(), weights as u64);
        assert_eq!(summary.weights, weights as u64);
    }
}

#[test]
fn weights_that_are_no_numbers_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let input = model(folder.path(), by_name("Q8_0"));
    let files = open(&input);
    let checkpoint = Checkpoint::parse(&files).unwrap();
    let scale = {
        let view = checkpoint.tensor("blk.0.attn_q.weight").unwrap().view();
        let bytes = fs::read(&input).unwrap();
        let row = view.row(5);
        bytes.windows(row.len()).position(|window| window == row).unwrap()
    };
    // The third row after is another with the same bytes or not; only the first place matters.
    let mut bytes = fs::read(&input).unwrap();
    bytes[scale..][..2].copy_from_slice(&[0xff, 0x7f]);
    let damaged = folder.path().join("damaged.gguf");
    fs::write(&damaged, bytes).unwrap();

    let verdict = verify(&damaged, Access::Map, &|_, _| ()).unwrap();
    let [finding] = &verdict.findings[..] else { panic!("{:?}", verdict.findings) };
    assert_eq!(finding.severity, Severity::Error);
    let message = &finding.message;
    assert!(message.contains(": row ") && message.contains("of "), "{message}");
    assert!(message.contains("1 of "), "{message}");

    let output = folder.path().join("out.gguf");
    let summary = convert(&damaged, &output, &options(Policy::Pure(by_name("Q4_K"))));
    assert!(summary.warnings.iter().any(|line| line.contains("not finite")), "{summary:?}");
    let sound = verify(&output, Access::Read, &|_, _| ()).unwrap();
    assert_eq!((sound.findings, sound.tensors), (vec![], TENSORS.len()));
}

#[test]
fn verify_reports_every_finding_of_every_part() {
    let folder = tempfile::tempdir().unwrap();
    let input = model(folder.path(), by_name("F32"));
    // Cut: the last tensors end outside the file, each a finding.
    let bytes = fs::read(&input).unwrap();
    let cut = folder.path().join("cut.gguf");
    fs::write(&cut, &bytes[..bytes.len() - 4 * 256 * 12 - 32]).unwrap();
    let verdict = verify(&cut, Access::Map, &|_, _| ()).unwrap();
    let outside = |name: &str| {
        let mut messages = verdict.findings.iter().map(|finding| &finding.message);
        messages.any(|message| message.contains(name) && message.contains("outside the file"))
    };
    assert_eq!(verdict.count(Severity::Error), 2, "{verdict:?}");
    assert!(outside("output.weight") && outside("ffn_up_exps.weight"), "{verdict:?}");

    let smq_path = folder.path().join("model.smq");
    convert(&input, &smq_path, &smq(Policy::Keep));
    assert!(verify(&smq_path, Access::Map, &|_, _| ()).unwrap().findings.is_empty());
    let mut bytes = fs::read(&smq_path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&smq_path, bytes).unwrap();
    let verdict = verify(&smq_path, Access::Map, &|_, _| ()).unwrap();
    assert_eq!(verdict.count(Severity::Error), 1);
    assert!(verdict.findings[0].message.contains("SHA-256"), "{verdict:?}");
}
