//! `embed`: vectors of texts.

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use runtime::tokenizer::Special;

use super::loading::Loading;

/// Turn texts into vectors, such that texts that mean the same have vectors that are near.
///
/// The model must be one that encodes, such as BERT; how the vectors of its tokens become one is
/// written in its file. Each text is a line of numbers, in the order of the texts.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  runtime embed bge-small.gguf \"a cat\" \"a kitten\" --normalize
  runtime embed bge-small.gguf --file sentences.txt --json > vectors.json")]
pub(crate) struct Args {
    /// The model file.
    model: PathBuf,
    /// The texts.
    #[arg(value_name = "TEXT", required_unless_present = "file")]
    texts: Vec<String>,
    /// Take each line of a file as a text.
    #[arg(long, value_name = "F", conflicts_with = "texts")]
    file: Option<PathBuf>,
    /// Bring vectors to length 1: products of two are then the cosine of the angle between them.
    #[arg(long)]
    normalize: bool,
    /// Print an array of objects with text, tokens and vector.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    loading: Loading,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<String> {
    let texts = match &args.file {
        Some(file) => super::read_text(file)?.lines().map(str::to_owned).collect(),
        None => args.texts.clone(),
    };
    let loaded = args.loading.load(&args.model, None)?;
    let name = || args.model.display().to_string();
    let tokenizer = loaded.tokenizer().with_context(name)?;
    let context = loaded.model.sizes().context;
    let mut ids = Vec::with_capacity(texts.len());
    for (n, text) in texts.iter().enumerate() {
        let of_text = tokenizer.encode(text, Special::Add)?;
        let (number, count) = (n + 1, of_text.len());
        ensure!(count > 0, "text {number} is empty");
        ensure!(
            count <= context,
            "text {number} has {count} tokens, but the model's context has {context}; cut it in \
             pieces"
        );
        ids.push(of_text);
    }
    let slices: Vec<&[u32]> = ids.iter().map(Vec::as_slice).collect();
    let mut vectors = loaded.model.embed(&slices).with_context(name)?;
    if args.normalize {
        let columns = vectors.columns();
        vectors.data_mut().chunks_exact_mut(columns).for_each(normalize);
    }
    let rows = (0..texts.len()).map(|n| vectors.row(n));
    if args.json {
        let objects = texts.iter().zip(&ids).zip(rows).map(|((text, ids), vector)| {
            serde_json::json!({"text": text, "tokens": ids.len(), "vector": vector})
        });
        return Ok(format!("{:#}\n", objects.collect::<serde_json::Value>()));
    }
    let mut out = String::new();
    for row in rows {
        for (n, x) in row.iter().enumerate() {
            write!(out, "{}{x}", if n == 0 { "" } else { " " })?;
        }
        out.push('\n');
    }
    Ok(out)
}

/// To length 1; a vector of zeros has no direction and stays.
fn normalize(vector: &mut [f32]) {
    let square: f64 = vector.iter().map(|x| f64::from(*x).powi(2)).sum();
    if square > 0.0 {
        vector.iter_mut().for_each(|x| *x = (f64::from(*x) / square.sqrt()) as f32);
    }
}
