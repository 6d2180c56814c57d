//! Whole models against reference logits of the shared test data, which may not be there.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kernels::Numerics;
use runtime::checkpoint::Access;
use runtime::context::{Options, ProfileSource};
use runtime::perplexity::perplexity;
use runtime::quantize::{self, Output, Policy};
use runtime::session::{ForwardError, Input, Logits};
use runtime::tokenizer::Special;
use runtime::{Context, Files, LoadOptions, Loaded, Matrix};
use serde_json::Value;

/// The folder of reference models.
fn folder() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/models");
    if !folder.join("reference.json").exists() {
        eprintln!("SKIPPED: there is no {}, so no real model is tested", folder.display());
        return None;
    }
    Some(folder)
}

/// What is known of a model: its name and its entry in `reference.json`.
fn references(folder: &Path) -> Vec<(String, Value)> {
    let text = std::fs::read_to_string(folder.join("reference.json")).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    let models = all["models"].as_object().unwrap();
    models.iter().map(|(name, entry)| (name.clone(), entry.clone())).collect()
}

fn ids(value: &Value) -> Vec<u32> {
    value.as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect()
}

fn floats(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap();
    bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

fn load(path: &Path, class: Numerics) -> Loaded {
    let profile = ProfileSource::Off;
    let context = Context::new(Options { threads: 2, profile, ..Options::default() }).unwrap();
    let options = LoadOptions {
        context: Some(Arc::new(context)),
        activations: class,
        ..LoadOptions::default()
    };
    runtime::load(path, &options).unwrap()
}

fn all_logits(loaded: &Loaded, ids: &[u32]) -> Matrix {
    let input = Input { sequence: 0, ids, logits: Logits::All };
    loaded.model.session().run(&[input]).unwrap().clone()
}

/// Squared error by squared power.
fn nmse(got: &[f32], want: &[f32]) -> f64 {
    assert_eq!(got.len(), want.len());
    let power: f64 = want.iter().map(|x| f64::from(*x).powi(2)).sum();
    let pairs = got.iter().zip(want);
    let error: f64 = pairs.map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    error / power
}

fn best(logits: &[f32]) -> u32 {
    let best = logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap();
    best.0 as u32
}

#[test]
fn logits_are_those_of_the_reference() {
    let Some(folder) = folder() else { return };
    for (name, entry) in references(&folder) {
        let prompt = ids(&entry["ids"]);
        let want = floats(&folder.join(entry["logits"].as_str().unwrap()));
        let got = all_logits(&load(&folder.join(&name), Numerics::F32), &prompt);
        let error = nmse(got.data(), &want);
        eprintln!("{name}: f32 NMSE {error:e}");
        assert!(error <= 1e-6, "{name}: NMSE {error:e}");
        for (n, want) in want.chunks_exact(got.columns()).enumerate() {
            assert_eq!(best(got.row(n)), best(want), "{name}: position {n}");
        }
        let Some(bound) = entry["q8_activation_nmse_bound"].as_f64() else { continue };
        let got = all_logits(&load(&folder.join(&name), Numerics::Q8), &prompt);
        let error = nmse(got.data(), &want);
        eprintln!("{name}: q8 NMSE {error:e}, bound {bound:e}");
        assert!(error <= bound, "{name}: NMSE {error:e}, bound {bound:e}");
    }
}

#[test]
fn greedy_text_is_that_of_the_reference() {
    let Some(folder) = folder() else { return };
    for (name, entry) in references(&folder) {
        let Some(want) = entry.get("greedy").map(ids) else { continue };
        let loaded = load(&folder.join(&name), Numerics::F32);
        let mut session = loaded.model.session();
        let mut next = best(session.forward(&ids(&entry["ids"])).unwrap());
        let mut got = vec![next];
        while got.len() < want.len() {
            next = best(session.forward(&[next]).unwrap());
            got.push(next);
        }
        assert_eq!(got, want, "{name}");
    }
}

/// How the reference measures perplexity, and what it measured.
struct Measure {
    context: usize,
    windows: usize,
    text: String,
    /// By type of the weights.
    types: Vec<(String, f64)>,
}

impl Measure {
    fn read(folder: &Path) -> Self {
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
        let all: Value = serde_json::from_str(&read("reference.json")).unwrap();
        let number = |value: &Value| value.as_u64().unwrap() as usize;
        let types = all["perplexity"]["types"].as_object().unwrap();
        Self {
            context: number(&all["context"]),
            windows: number(&all["perplexity"]["windows"]),
            text: read("eval.txt"),
            types: types.iter().map(|(k, v)| (k.clone(), v.as_f64().unwrap())).collect(),
        }
    }

    fn of(&self, model: &Path, class: Numerics) -> f64 {
        let loaded = load(model, class);
        let ids = loaded.tokenizer().unwrap().encode(&self.text, Special::Omit).unwrap();
        let ids = &ids[..ids.len().min(self.windows * self.context)];
        let done = |_: runtime::perplexity::Window<'_>| Ok::<_, ForwardError>(());
        let got = perplexity(&loaded.model, ids, self.context, done).unwrap();
        assert_eq!(got.windows, self.windows);
        got.value()
    }
}

#[test]
fn perplexity_is_that_of_the_reference() {
    let Some(folder) = folder() else { return };
    let measure = Measure::read(&folder);
    let mut files = 0;
    for (kind, want) in &measure.types {
        let model = folder.join(format!("prose-6m.{kind}.gguf"));
        if model.exists() {
            let got = measure.of(&model, Numerics::Q8);
            eprintln!("{kind}: {got} instead of {want}");
            assert!((got / want - 1.0).abs() <= 0.005, "{kind}: {got} not {want}");
            files += 1;
        }
    }
    assert!(files >= 4, "of {files} types there are files and perplexities");
}

/// The file of all matrices in one type that this build writes, against that of the reference
/// quantizer: no more than 1 % more surprised.
#[test]
fn quantized_models_are_as_good_as_those_of_the_reference() {
    let Some(folder) = folder() else { return };
    let measure = Measure::read(&folder);
    let f16 = Files::open(folder.join("prose-6m.f16.gguf"), Access::Map).unwrap();
    let made = tempfile::tempdir().unwrap();
    for (kind, want) in measure.types.iter().filter(|(kind, _)| kind != "f16") {
        let format = kernels::formats::by_name(&kind.to_uppercase()).unwrap();
        let policy = Policy::Pure(format);
        let options = quantize::Options { policy, overrides: vec![], output: Output::Gguf };
        let path = made.path().join(format!("{kind}.gguf"));
        quantize::quantize(&f16, &path, &options, &|_| ()).unwrap();
        // What int8 activations add is a hundredth of what is allowed.
        let got = measure.of(&path, Numerics::Q8);
        eprintln!("{kind}: {got}, of the reference {want}: {:+.3} %", 100.0 * (got / want - 1.0));
        assert!(got <= 1.01 * want, "{kind}: {got}, of the reference {want}");
    }
}
