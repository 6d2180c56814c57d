//! `quantize`, `import-gguf` and `export-gguf`: a model with other types of weights, or in another
//! container.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use comfy_table::{CellAlignment, Table, presets};
use kernels::FormatInfo;
use regex::Regex;
use runtime::checkpoint::Access;
use runtime::quantize::{self, Choice, Naming, Options, Output, Policy, SmqOptions};
use runtime::smq::{self, Smq};
use runtime::units::size;
use runtime::{AsTensor, Checkpoint, Container, Files};

/// Write a model with other types of weights.
///
/// IN is a GGUF file (any part of a split one), an SMQ or SMND file, a safetensors file or the
/// folder of a model in such files; what it is, its contents tell. OUT is GGUF or SMQ, by its
/// extension. Weights may be quantized already: they are decoded exactly, so that `--type f32`
/// dequantizes a file.
///
/// Vectors, positions and routers become F32. The head becomes Q6_K if TYPE has fewer bits, unless
/// --pure says that all matrices shall have the same type. A matrix whose rows are not whole blocks
/// of its type gets another, and a warning says which. Names, shapes and metadata stay.
///
/// OUT appears when it is complete; until then, and if the program is interrupted, whatever was
/// there stays.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  runtime quantize model-f16.gguf model-q4_k.gguf --type q4_k
  runtime quantize hub/model-folder model-q8_0.gguf --type q8_0
  runtime quantize in.gguf out.gguf --type q4_k --tensor-type 'attn_v=q6_k' --tensor-type 'ffn_down=q5_k'
  runtime quantize model-q4_k.gguf model-f32.gguf --type f32
  runtime quantize demo-model.smnd model.smq --type q8_0 --block-size 32
  runtime quantize in.gguf out.gguf --type q4_0 --dry-run")]
pub(crate) struct Args {
    /// The model.
    input: PathBuf,
    /// The file to write.
    output: PathBuf,
    /// The type of the weights: f32, f16, bf16, q8_0, q6_k, q5_k, q4_k, q4_0, ...
    #[arg(long = "type", short = 't', value_parser = quantize::format, value_name = "TYPE")]
    format: &'static FormatInfo,
    /// Another type for tensors whose names match, the first that does; may be given several times.
    #[arg(long = "tensor-type", value_parser = tensor_type, value_name = "REGEX=TYPE")]
    overrides: Vec<(Regex, &'static FormatInfo)>,
    /// Give the head the type of all other matrices.
    #[arg(long)]
    pure: bool,
    /// The container, where OUT's extension does not tell.
    #[arg(long, value_enum)]
    to: Option<To>,
    /// Show what each tensor would become, and write nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    smq: SmqArgs,
    #[command(flatten)]
    common: Common,
}

/// Write a GGUF model as SMQ, without changing a value.
///
/// Types that SMQ has stay what they are; others become F32, and a warning says how much larger
/// that is. Beside FILE.smq goes FILE.smq.manifest.json, with the SHA-256 that `verify` checks.
/// `export-gguf` is the way back. (IN may be of any container that `quantize` reads.)
#[derive(clap::Args)]
#[command(after_help = "Examples:
  runtime import-gguf model.gguf model.smq
  runtime export-gguf model.smq model.gguf")]
pub(crate) struct ImportArgs {
    /// The model.
    input: PathBuf,
    /// The SMQ file to write.
    output: PathBuf,
    #[command(flatten)]
    common: Common,
}

/// Write an SMQ model as GGUF, without changing a value.
///
/// Weights with f32 scales, which GGUF has no type for, become F32, and a warning says so; use
/// `quantize` for a smaller file. (IN may be of any container that `quantize` reads.)
#[derive(clap::Args)]
#[command(after_help = "Examples:
  runtime export-gguf model.smq model.gguf")]
pub(crate) struct ExportArgs {
    /// The model.
    input: PathBuf,
    /// The GGUF file to write.
    output: PathBuf,
    #[command(flatten)]
    common: Common,
}

#[derive(clap::Args)]
struct SmqArgs {
    /// SMQ: weights that share a scale, in q8_0 and q4_0.
    #[arg(long, value_name = "N", default_value_t = smq::DEFAULT_BLOCK,
        value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    block_size: u32,
    /// SMQ: name tensors by number and quantize vectors, too, as SmallMind's own tools do.
    #[arg(long)]
    numbered: bool,
    /// SMQ: take the metadata from a JSON file, or from another SMQ file, byte for byte.
    #[arg(long, value_name = "FILE")]
    metadata: Option<PathBuf>,
}

#[derive(clap::Args)]
struct Common {
    /// Threads; 0 means one per usable CPU.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=1024))]
    threads: u16,
    /// Read the input instead of mapping it.
    #[arg(long)]
    no_mmap: bool,
}

/// A container to write.
#[derive(Clone, Copy, ValueEnum)]
enum To {
    Gguf,
    Smq,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<String> {
    let output = match args.to.map_or_else(|| to(&args.output), Ok)? {
        To::Gguf => Output::Gguf,
        To::Smq => Output::Smq(SmqOptions {
            block: args.smq.block_size,
            naming: if args.smq.numbered { Naming::Numbered } else { Naming::Gguf },
            json: args.smq.metadata.as_deref().map(json).transpose()?,
        }),
    };
    let policy = match args.pure || args.smq.numbered {
        true => Policy::Pure(args.format),
        false => Policy::Mixed(args.format),
    };
    let options = Options { policy, overrides: args.overrides.clone(), output };
    if args.dry_run {
        let files = Files::open(&args.input, args.common.access())?;
        let checkpoint = Checkpoint::parse(&files)?;
        return Ok(table(&checkpoint, &quantize::plan(&checkpoint, &options)?));
    }
    write(&args.input, &args.output, &options, &args.common)
}

pub(crate) fn import(args: &ImportArgs) -> anyhow::Result<String> {
    keep(&args.input, &args.output, Output::Smq(SmqOptions::default()), &args.common)
}

pub(crate) fn export(args: &ExportArgs) -> anyhow::Result<String> {
    keep(&args.input, &args.output, Output::Gguf, &args.common)
}

fn keep(input: &Path, path: &Path, output: Output, common: &Common) -> anyhow::Result<String> {
    let options = Options { policy: Policy::Keep, overrides: vec![], output };
    write(input, path, &options, common)
}

fn write(input: &Path, path: &Path, options: &Options, common: &Common) -> anyhow::Result<String> {
    let files = Files::open(input, common.access())?;
    let weights =
        Checkpoint::parse(&files)?.tensors().map(|t| t.view().shape.elements() as u64).sum();
    let bar = super::progress::weights(weights, "quantizing");
    let threads = rayon::ThreadPoolBuilder::new().num_threads(common.threads.into()).build()?;
    let summary =
        threads.install(|| quantize::quantize(&files, path, options, &|done| bar.inc(done)));
    bar.finish_and_clear();
    let summary = summary?;
    let [before, after] = summary.bytes;
    Ok(format!(
        "{}: {} weights, {} from {} ({:.2} bits a weight)\n",
        path.display(),
        summary.weights,
        size(after),
        size(before),
        after as f64 * 8.0 / summary.weights.max(1) as f64
    ))
}

/// What each tensor would become.
fn table(checkpoint: &Checkpoint<'_>, choices: &[Choice]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(["tensor", "shape", "has", "becomes", "why"]);
    for (tensor, choice) in checkpoint.tensors().zip(choices) {
        let view = tensor.view();
        table.add_row([
            view.name.escape_debug().to_string(),
            view.shape.to_string(),
            view.format.name.to_owned(),
            choice.format.name.to_owned(),
            choice.reason.to_string(),
        ]);
    }
    if let Some(column) = table.column_mut(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim().to_owned() + "\n").collect();
    lines.concat()
}

impl Common {
    fn access(&self) -> Access {
        if self.no_mmap { Access::Read } else { Access::Map }
    }
}

/// The container that a file's name asks for.
fn to(path: &Path) -> anyhow::Result<To> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("gguf") => Ok(To::Gguf),
        Some("smq") => Ok(To::Smq),
        _ => bail!(
            "{}: is it to be GGUF or SMQ? Say so with --to, or by .gguf or .smq",
            path.display()
        ),
    }
}

/// Metadata to copy: a JSON file, or that of an SMQ file.
fn json(path: &Path) -> anyhow::Result<Vec<u8>> {
    let name = || path.display().to_string();
    let bytes = std::fs::read(path).with_context(name)?;
    if Container::sniff(&bytes) == Some(Container::Smq) {
        return Ok(Smq::parse(&bytes).with_context(name)?.json().to_vec());
    }
    serde_json::from_slice::<serde_json::Map<_, serde_json::Value>>(&bytes).with_context(name)?;
    Ok(bytes)
}

fn tensor_type(text: &str) -> Result<(Regex, &'static FormatInfo), String> {
    let (pattern, format) = text.rsplit_once('=').ok_or("it is REGEX=TYPE")?;
    let pattern = Regex::new(pattern).map_err(|error| error.to_string())?;
    Ok((pattern, quantize::format(format)?))
}
