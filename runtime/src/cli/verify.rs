//! `verify`: everything that is wrong with a model's files.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::bail;
use runtime::checkpoint::Access;
use runtime::smq::Severity;
use runtime::verify::verify;

/// Look for everything that is wrong with a model: structure, checksum, weights that are no numbers.
///
/// Each finding is a line, and they all are reported, not only the first. The weights of every
/// tensor are decoded: a scale that is NaN or infinite is an error that names tensor and row. An SMQ
/// file is compared with the SHA-256 in its manifest, FILE.smq.manifest.json, if there is one.
///
/// The exit status is 0 if there are no errors; warnings do not count.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  runtime verify model.gguf
  runtime verify model-00001-of-00003.gguf      (all parts)
  runtime verify model.smq && echo sound")]
pub(crate) struct Args {
    /// A GGUF, SMQ, SMND or safetensors file, or the folder of a model in safetensors files.
    file: PathBuf,
    /// Read the file instead of mapping it.
    #[arg(long)]
    no_mmap: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<String> {
    let access = if args.no_mmap { Access::Read } else { Access::Map };
    let bar = super::progress::weights(0, "looking at weights");
    let verdict = verify(&args.file, access, &|done, all| {
        bar.set_length(all);
        bar.inc(done);
    });
    bar.finish_and_clear();
    let verdict = verdict?;
    let mut text = String::new();
    for finding in &verdict.findings {
        let kind = match finding.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        writeln!(text, "{kind}: {}", finding.message)?;
    }
    let [errors, warnings] = [Severity::Error, Severity::Warning].map(|kind| verdict.count(kind));
    let path = args.file.display();
    if errors > 0 {
        std::io::stdout().write_all(text.as_bytes())?;
        bail!("{path}: {errors} errors, {warnings} warnings");
    }
    let (tensors, weights) = (verdict.tensors, verdict.weights);
    writeln!(text, "{path}: sound; {tensors} tensors, {weights} weights, {warnings} warnings")?;
    Ok(text)
}
