//! The command line from outside: what it prints, and how it fails.

mod command;

use std::path::PathBuf;
use std::process::Output;

use kernels::{Numerics, Params, ProfileEntry, formats};
use runtime::gguf::Writer;
use runtime::profile::{self, Entry, Meta, ProfileFile};
use runtime::tensor::Shape;
use serde_json::Value;

use command::{fails, output, runtime, succeeds, text};

fn json(output: Output) -> Value {
    serde_json::from_str(&succeeds(output)).unwrap()
}

/// Right results matter here, times do not.
const TINY: [&str; 6] = ["--seconds", "0.01", "--batch", "3", "--memory", "1"];

fn bench(arguments: &[&str]) -> Output {
    output(&[&["bench"], arguments, &TINY, &["--json"]].concat())
}

/// A small model in a file.
fn model() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    let tensors = [
        ("token_embd.weight", "F32", vec![256, 40]),
        ("blk.0.attn_norm.weight", "F32", vec![256]),
        ("blk.0.attn_q.weight", "Q4_K", vec![256, 32]),
        ("blk.0.ffn_up.weight", "Q8_0", vec![256, 64]),
        ("blk.1.attn_q.weight", "Q4_K", vec![256, 32]),
        ("blk.1.attn_output.weight", "Q4_K", vec![256, 32]),
        ("blk.1.ffn_up_exps.weight", "Q4_0", vec![64, 24, 3]),
    ];
    let mut writer = Writer::new();
    writer.metadata("general.architecture", "llama").metadata("llama.block_count", 2u32);
    for (name, format, dims) in &tensors {
        writer.tensor(name, formats::by_name(format).unwrap(), Shape::new(dims).unwrap());
    }
    let mut data = writer.begin(std::fs::File::create(&path).unwrap()).unwrap();
    for (name, format, dims) in &tensors {
        let format = formats::by_name(format).unwrap();
        let count: usize = dims.iter().product();
        let weights: Vec<f32> = (0..count).map(|n| (n % 17) as f32 / 17.0 - 0.5).collect();
        let mut bytes = vec![0; format.row_bytes(count).unwrap()];
        format.quantize(&weights, &mut bytes).unwrap();
        data.write(name, &bytes).unwrap();
    }
    data.finish().unwrap();
    (folder, path)
}

#[test]
fn inspect_shows_metadata_tensors_and_the_report() {
    let (_folder, path) = model();
    for extra in [&[][..], &["--no-mmap"]] {
        let shown = succeeds(output(&[&["inspect", text(&path)], extra].concat()));
        for part in [
            "GGUF version 3",
            "general.architecture  \"llama\"",
            "blk.1.attn_q.weight",
            "[256, 32]",
            "7 tensors: 7 supported, 0 not supported",
        ] {
            assert!(shown.contains(part), "{part} is missing:\n{shown}");
        }
    }
}

#[test]
fn files_that_are_no_models_are_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("noise.gguf");
    std::fs::write(&path, b"this is not a model at all").unwrap();
    for command in ["inspect", "bench"] {
        let error = fails(&output(&[command, text(&path)]), 1);
        assert!(error.contains("noise.gguf") && error.contains("not a GGUF file"), "{error}");
        let error = fails(&output(&[command, "no/such/file.gguf"]), 1);
        assert!(error.contains("no/such/file.gguf"), "{error}");
        assert_eq!(error.matches("cannot open").count(), 1, "told once: {error}");
        let reason = error.rsplit(": ").next().unwrap();
        assert_eq!(error.matches(reason.trim()).count(), 1, "told once: {error}");
    }
}

#[test]
fn models_are_converted_and_verified() {
    let (folder, path) = model();
    let there = folder.path().join("there.smq");
    let back = folder.path().join("back.gguf");
    let shown = succeeds(output(&["quantize", text(&path), text(&back), "--type", "q8_0"]));
    assert!(shown.contains("bits a weight"), "{shown}");
    succeeds(output(&["import-gguf", text(&path), text(&there)]));
    succeeds(output(&["export-gguf", text(&there), text(&back)]));
    assert!(std::fs::read(&path).unwrap() == std::fs::read(&back).unwrap());
    let shown = succeeds(output(&["inspect", text(&there)]));
    assert!(shown.contains("SMQ version 1") && shown.contains("blk.1.attn_q.weight"), "{shown}");
    for file in [&path, &there, &back] {
        assert!(succeeds(output(&["verify", text(file)])).contains("sound; 7 tensors"));
    }
    let mut bytes = std::fs::read(&there).unwrap();
    bytes[8] = 7;
    std::fs::write(&there, bytes).unwrap();
    let verdict = output(&["verify", text(&there)]);
    assert_eq!(verdict.status.code(), Some(1));
    let findings = String::from_utf8_lossy(&verdict.stdout).into_owned();
    assert!(findings.contains("version 7") && findings.contains("SHA-256"), "{findings}");
}

#[test]
fn a_dry_run_shows_what_would_become_of_each_tensor() {
    let (folder, path) = model();
    let out = folder.path().join("out.gguf");
    let arguments = ["quantize", text(&path), text(&out), "-t", "q4_0", "--dry-run"];
    let shown = succeeds(output(&[&arguments[..], &["--tensor-type", "ffn_up=q5_k"]].concat()));
    for part in ["Q6_K     the head", "Q5_K     by --tensor-type", "F32      small"] {
        assert!(shown.contains(part), "{part} is missing:\n{shown}");
    }
    assert!(!out.exists());
    let error = fails(&output(&["quantize", text(&path), "out.bin", "-t", "q4_0"]), 1);
    assert!(error.contains("--to"), "{error}");
    let error = fails(&output(&["quantize", text(&path), text(&out), "-t", "q4_x"]), 2);
    assert!(error.contains("Q4_K"), "{error}");
    let error = fails(&output(&["quantize", text(&path), text(&path), "-t", "q4_0"]), 1);
    assert!(error.contains("the output is the input"), "{error}");
}

#[test]
fn every_format_is_measured_and_right() {
    let report = json(bench(&["--synthetic", "48x256:all"]));
    let results = report["results"].as_array().unwrap();
    assert_eq!(results.len(), 2 * formats::all().len());
    for result in results {
        for number in ["default_ns", "gbps", "gmacs", "percent_of_bound"] {
            assert!(result[number].as_f64().unwrap() > 0.0, "{result}");
        }
        assert_eq!(result["source"], "default");
        assert!(result["tuned_ns"].is_null());
    }
    assert!(report["read_gbps"].as_f64().unwrap() > 0.0);
}

#[test]
fn every_instruction_set_and_class_is_measured_and_right() {
    for isa in kernels::isa::supported() {
        for class in ["q8", "f32"] {
            let spec = ["--synthetic", "33x256", "--format", "q4_k,f16"];
            let wish = ["--isa", isa.name, "--activations", class, "--threads", "1"];
            let report = json(bench(&[&spec[..], &wish].concat()));
            assert_eq!(report["threads"], 1);
            for result in report["results"].as_array().unwrap() {
                let kernel = result["kernel"].as_str().unwrap();
                // With tile registers all but bfloat16 is what it is without.
                let name = if isa.has_tiles { "avx512vnni" } else { isa.name };
                assert!(kernel.contains(&format!("_{name}_")), "{kernel}");
            }
        }
    }
}

#[test]
fn the_distinct_layers_of_a_file_are_measured() {
    let (_folder, path) = model();
    let report = json(bench(&[text(&path)]));
    let results = report["results"].as_array().unwrap();
    let layers: Vec<String> = results
        .iter()
        .filter(|result| result["batch"] == 1)
        .map(|r| {
            format!("{} {} {} {} {}", r["count"], r["format"], r["rows"], r["depth"], r["roles"])
        })
        .collect();
    assert_eq!(
        layers,
        [
            // There is no head, so the embedding is multiplied with; a stack of experts is three.
            "1 \"F32\" 40 256 \"token_embd\"",
            "3 \"Q4_K\" 32 256 \"attn_q, attn_output\"",
            "1 \"Q8_0\" 64 256 \"ffn_up\"",
            "3 \"Q4_0\" 24 64 \"ffn_up_exps\"",
        ]
    );
    let table = succeeds(output(&[&["bench", text(&path), "--explain"], &TINY[..]].concat()));
    for part in
        ["bounds: read", "attn_q, attn_output", "all layers but the head", "cargo run -p tuning"]
    {
        assert!(table.contains(part), "{part} is missing:\n{table}");
    }
}

/// A profile of this machine with one entry for `Q4_K` 32 x 256 on two threads.
fn tuned() -> ProfileFile {
    let format = formats::by_name("Q4_K").unwrap();
    let entry = ProfileEntry {
        format: format.name.to_owned(),
        code_hash: format.kernel_hash(),
        class: Numerics::Q8,
        isa: kernels::isa::best().name.to_owned(),
        threads: 2,
        rows: 32,
        depth: 256,
        params: Params { grain: 16, ..Params::default() },
    };
    let mut file = ProfileFile::new(Meta::default());
    file.entries.push(Entry::new(&entry));
    file
}

#[test]
fn a_profile_in_its_place_is_picked_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(format!("tilewright/{}.toml", profile::machine().class));
    profile::save(&path, &tuned()).unwrap();
    let arguments = ["bench", "--synthetic", "32x256:q4_k", "--threads", "2", "--json"];
    let mut command = runtime(&[&arguments[..], &TINY].concat());
    command.env_remove("TILEWRIGHT_PROFILE");
    // Where state is kept, by the customs of each system.
    for variable in ["XDG_STATE_HOME", "XDG_DATA_HOME", "APPDATA"] {
        command.env(variable, folder.path());
    }
    let report = json(command.output().unwrap());
    for result in report["results"].as_array().unwrap() {
        assert_eq!(result["source"], "tuned");
        assert!(result["tuned_ns"].as_f64().unwrap() > 0.0);
        assert!(result["explain"].as_str().unwrap().contains("tuned, profile "), "{result}");
    }
    // Named, it is the same; switched off, it is not there.
    for (value, source) in [(text(&path), "tuned"), ("off", "default")] {
        let report = json(command.env("TILEWRIGHT_PROFILE", value).output().unwrap());
        assert_eq!(report["results"][0]["source"], source);
    }
}

#[test]
fn a_default_that_nothing_beat_is_not_compared_with_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.toml");
    let mut file = tuned();
    file.entries[0].params.clear();
    profile::save(&path, &file).unwrap();
    let arguments = ["bench", "--synthetic", "32x256:q4_k", "--threads", "2"];
    let mut command = runtime(&[&arguments[..], &TINY].concat());
    command.env("TILEWRIGHT_PROFILE", &path);
    let table = succeeds(command.output().unwrap());
    assert!(table.contains("tuned: default"), "{table}");
    let report = json(command.arg("--json").output().unwrap());
    assert_eq!(report["results"][0]["source"], "tuned");
    assert!(report["results"][0]["speedup"].is_null(), "{report}");
}

#[test]
fn a_bad_profile_is_a_warning_and_not_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.toml");
    std::fs::write(&path, tuned().to_toml().replace("grain = 16", "grain = 32")).unwrap();
    let arguments = ["bench", "--synthetic", "32x256:q4_k", "--threads", "2"];
    let mut command = runtime(&[&arguments[..], &TINY].concat());
    let output = command.env("TILEWRIGHT_PROFILE", &path).output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(log.contains("WARN") && log.contains("digest"), "{log}");
    assert!(log.contains("cargo run -p tuning"), "{log}");
    assert!(succeeds(output).contains("default"));
    // Nor is one that the user names, but that is not there.
    let output = command.env("TILEWRIGHT_PROFILE", "no/such/profile.toml").output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(log.contains("WARN profile no/such/profile.toml"), "{log}");
    assert!(succeeds(output).contains("default"));
}

#[test]
fn wrong_arguments_say_what_there_is() {
    let error = fails(&output(&["bench", "--synthetic", "llama-9b:q4_k"]), 1);
    assert!(error.contains("llama-8b"), "{error}");
    let error = fails(&output(&["bench", "--synthetic", "32x256:q4_x"]), 1);
    assert!(error.contains("Q4_K"), "{error}");
    let error = fails(&output(&["bench", "--synthetic", "32x100:q4_k"]), 1);
    assert!(error.contains("100 columns are not a multiple of Q4_K's 256"), "{error}");
    let error = fails(&output(&["bench", "--synthetic", "32x256:q4_k", "--isa", "mmx"]), 2);
    assert!(error.contains("scalar"), "{error}");
    let mut command = runtime(&["bench", "--synthetic", "32x256:q4_k"]);
    let error = fails(&command.env("TILEWRIGHT_ISA", "mmx").output().unwrap(), 1);
    assert!(error.contains("TILEWRIGHT_ISA") && error.contains("mmx"), "{error}");
    assert_eq!(error.matches("mmx").count(), 1, "told once: {error}");
    fails(&output(&["bench"]), 2);
    fails(&output(&["bench", "--synthetic", "32x256:q4_k", "--seconds", "-1"]), 2);
    fails(&output(&["bench", "--synthetic", "32x256:q4_k", "--batch", "0"]), 2);
}

#[test]
fn help_teaches() {
    let help = succeeds(output(&["bench", "--help"]));
    for preset in runtime::presets::ALL {
        assert!(help.contains(preset.name), "{} is missing:\n{help}", preset.name);
    }
    assert!(help.contains("--synthetic llama-8b:q4_k"));
    assert!(succeeds(output(&["--help"])).contains("TILEWRIGHT_PROFILE"));
}
