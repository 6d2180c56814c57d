//! A model that nobody trained: the shapes of a well-known one, random weights, as a file.

use std::io::BufWriter;
use std::path::Path;

use anyhow::{Context as _, bail};
use kernels::{FormatInfo, formats};
use runtime::gguf::Writer;
use runtime::presets::Preset;
use runtime::tensor::Shape;
use tempfile::NamedTempFile;

use super::ring::Palette;
use crate::cli::interrupt;

/// A matrix or vector: name, format, storage order of its dimensions.
type Part = (String, &'static FormatInfo, Vec<usize>);

/// Writes a Llama of a preset's sizes, all matrices in one format, to a file that goes when the
/// value does.
pub(crate) fn write(preset: &Preset, format: &'static FormatInfo) -> anyhow::Result<NamedTempFile> {
    write_in(&std::env::temp_dir(), preset, format)
}

/// The same, to a file that stays.
pub(crate) fn keep(
    path: &Path,
    preset: &Preset,
    format: &'static FormatInfo,
) -> anyhow::Result<()> {
    // Models are worth too much to be overwritten by this one.
    if path.exists() {
        bail!("{} is there already; --keep wants the name of a new file", path.display());
    }
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let file = write_in(folder, preset, format)?;
    let name = || format!("cannot keep {}", path.display());
    // On disk before it has its name: a crash leaves all of it or nothing.
    file.as_file().sync_all().with_context(name)?;
    file.persist_noclobber(path).with_context(name)?;
    Ok(())
}

fn write_in(
    folder: &Path,
    preset: &Preset,
    format: &'static FormatInfo,
) -> anyhow::Result<NamedTempFile> {
    let name = format!("{} {}", preset.name, format.name);
    let file = tempfile::Builder::new().prefix("tilewright-").suffix(".gguf").tempfile_in(folder);
    let file = file.with_context(|| {
        format!("cannot make a file for the synthetic model in {}", folder.display())
    })?;
    // It is large.
    interrupt::remove_at_end(file.path())?;
    let parts = parts(preset, format)?;
    let mut writer = metadata(preset, &name);
    for (name, format, dims) in &parts {
        let shape = Shape::new(dims).with_context(|| name.clone())?;
        writer.tensor(name, format, shape);
    }
    let mut data = writer.begin(BufWriter::new(file))?;
    let mut random = Palette::new(format)?;
    let mut bytes = vec![];
    for (name, format, dims) in parts {
        bytes.clear();
        match dims[..] {
            [depth, rows] => {
                bytes.resize(format.bytes(rows, depth)?, 0);
                random.fill(&mut bytes);
            }
            // A norm that changes nothing.
            _ => bytes.extend([1f32.to_le_bytes()].concat().repeat(dims[0])),
        }
        data.write(&name, &bytes)?;
    }
    let file = data.finish()?.into_inner().map_err(|error| error.into_error());
    file.context("cannot write the synthetic model")
}

fn metadata(preset: &Preset, name: &str) -> Writer {
    let Preset { layers, hidden, head, queries, keys, feed_forward, vocabulary, .. } = *preset;
    let mut writer = Writer::new();
    writer.metadata("general.architecture", "llama").metadata("general.name", name);
    for (key, value) in [
        ("block_count", layers),
        ("context_length", 8192),
        ("embedding_length", hidden),
        ("feed_forward_length", feed_forward),
        ("attention.head_count", queries / head),
        ("attention.head_count_kv", keys / head),
        ("attention.key_length", head),
        ("attention.value_length", head),
        ("rope.dimension_count", head),
        ("vocab_size", vocabulary),
    ] {
        writer.metadata(&format!("llama.{key}"), value as u32);
    }
    writer.metadata("llama.attention.layer_norm_rms_epsilon", 1e-5f32);
    writer.metadata("llama.rope.freq_base", 500_000f32);
    // As llama.cpp calls a model whose tokens are numbers only.
    writer.metadata("tokenizer.ggml.model", "no_vocab");
    writer
}

fn parts(preset: &Preset, format: &'static FormatInfo) -> anyhow::Result<Vec<Part>> {
    let Preset { layers, hidden, queries, keys, feed_forward, vocabulary, .. } = *preset;
    if format.ggml_type.is_none() {
        bail!("{} has no GGUF type number, so there is no file of it", format.name);
    }
    let floats = formats::by_name("F32").context("every build has F32")?;
    let matrix = |name: String, rows, depth| (name, format, vec![depth, rows]);
    let norm = |name: String| (name, floats, vec![hidden]);
    let mut parts = vec![matrix("token_embd.weight".to_owned(), vocabulary, hidden)];
    for n in 0..layers {
        let name = |part: &str| format!("blk.{n}.{part}.weight");
        parts.extend([
            norm(name("attn_norm")),
            matrix(name("attn_q"), queries, hidden),
            matrix(name("attn_k"), keys, hidden),
            matrix(name("attn_v"), keys, hidden),
            matrix(name("attn_output"), hidden, queries),
            norm(name("ffn_norm")),
            matrix(name("ffn_gate"), feed_forward, hidden),
            matrix(name("ffn_up"), feed_forward, hidden),
            matrix(name("ffn_down"), hidden, feed_forward),
        ]);
    }
    parts.push(norm("output_norm.weight".to_owned()));
    parts.push(matrix("output.weight".to_owned(), vocabulary, hidden));
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use runtime::LoadOptions;

    use super::*;

    const SMALL: Preset = Preset {
        name: "small",
        summary: "",
        layers: 2,
        hidden: 256,
        head: 32,
        queries: 256,
        keys: 64,
        feed_forward: 512,
        vocabulary: 96,
    };

    #[test]
    fn a_synthetic_model_is_loaded_and_computes() {
        let file = write(&SMALL, formats::by_name("Q4_K").unwrap()).unwrap();
        let loaded = runtime::load(file.path(), &LoadOptions::default()).unwrap();
        assert_eq!(loaded.model.sizes().layers, 2);
        let weights: usize = loaded.report.weights.iter().map(|weight| weight.elements).sum();
        let linears: usize = SMALL.linears().iter().map(|l| l.count * l.rows * l.depth).sum();
        // Besides the layers: the table of tokens and five norms.
        assert_eq!(weights, linears + 96 * 256 + 5 * 256);
        let mut session = loaded.model.session();
        let logits = session.forward(&[1, 2, 3]).unwrap();
        assert!(logits.iter().all(|x| x.is_finite()) && logits.iter().any(|x| *x != logits[0]));
    }

    #[test]
    fn a_kept_model_stays_and_takes_no_other_files_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("small.gguf");
        let q4_k = formats::by_name("Q4_K").unwrap();
        keep(&path, &SMALL, q4_k).unwrap();
        let first = std::fs::read(&path).unwrap();
        let error = keep(&path, &SMALL, q4_k).unwrap_err().to_string();
        assert!(error.contains("small.gguf is there already"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), first);
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
    }
}
