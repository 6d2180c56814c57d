//! Tokenizers: small vocabularies of each kind made here, llama.cpp's own cases where the data is
//! there, and files that lie.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use runtime::Tokenizer;
use runtime::gguf::{Gguf, Mapped};
use runtime::tokenizer::Special;

/// A file of the shared data, or `None`, loudly, where there is none.
fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("SKIPPED: no {}", path.display());
    None
}

fn tokenizer(path: &Path) -> Tokenizer {
    let file = Mapped::open(path).unwrap();
    Tokenizer::from_metadata(Gguf::parse(file.bytes()).unwrap().metadata()).unwrap()
}

fn ids(line: &str) -> Vec<u32> {
    line.split_whitespace().map(|id| id.parse().unwrap()).collect()
}

#[test]
fn ids_are_those_of_llama_cpp_line_by_line() {
    const SEPARATOR: &str = "\n__ggml_vocab_test__\n";
    for name in ["gpt-2", "llama-bpe", "llama-spm", "qwen2"] {
        let Some(path) = shared(&format!("vocab/ggml-vocab-{name}.gguf")) else { return };
        let start = Instant::now();
        let tokenizer = tokenizer(&path);
        let taken = start.elapsed();
        eprintln!("{name}: {} tokens in {taken:.0?}", tokenizer.vocabulary());
        assert!(taken < Duration::from_secs(2), "{name}: {taken:?}");

        let inputs = fs::read_to_string(path.with_extension("gguf.inp")).unwrap();
        let outputs = fs::read_to_string(path.with_extension("gguf.out")).unwrap();
        let mut cases: Vec<&str> = inputs.split(SEPARATOR).collect();
        assert_eq!(cases.pop(), Some(""), "the last case ends with a separator, too");
        assert_eq!(cases.len(), outputs.lines().count(), "{name}");
        for (case, line) in cases.iter().zip(outputs.lines()) {
            let encoded = tokenizer.encode(case, Special::Omit).unwrap();
            assert_eq!(encoded, ids(line), "{name}: {case:?}");
            assert_eq!(tokenizer.decode(&encoded), *case, "{name}");
        }
    }
}
