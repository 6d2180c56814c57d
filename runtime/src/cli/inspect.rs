//! `inspect`: what a file holds, and what this build can do with it.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use comfy_table::{CellAlignment, Table, presets};
use runtime::checkpoint::Access;
use runtime::gguf::{Gguf, Mapped, Metadata, TensorInfo};
use runtime::smq::Smq;
use runtime::units::size;
use runtime::{AsTensor, Checkpoint, Container, Files};

/// Show a model: metadata, tensors, and whether this build can run it.
///
/// The file may be GGUF, SMQ, SMND or safetensors (or the folder of a model in such files); what it
/// is, its contents tell. Only headers are looked at, so this is instant for a file of any size;
/// `verify` looks at the weights. Of a GGUF file the last lines are the compatibility report: how
/// many tensors have a type that there are kernels for, and what to do about the others. Metadata
/// and tensors of SMND and safetensors files are shown as the loader sees them, in GGUF's terms.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  runtime inspect model.gguf
  runtime inspect model.gguf | grep attn_q
  runtime inspect hub/model-folder")]
pub(crate) struct Args {
    /// The file or folder.
    file: PathBuf,
    /// Read the file instead of mapping it: for network shares and files that may be overwritten.
    #[arg(long)]
    no_mmap: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<String> {
    let path = &args.file;
    if path.is_file() {
        let file = if args.no_mmap { Mapped::read(path) } else { Mapped::open(path) }?;
        let name = || path.display().to_string();
        match Container::sniff(file.bytes()) {
            Some(Container::Gguf) => {
                let gguf = Gguf::parse(file.bytes()).with_context(name)?;
                warn(path, gguf.warnings());
                return Ok(describe(path, file.bytes().len(), &gguf)?);
            }
            Some(Container::Smq) => {
                let smq = Smq::parse(file.bytes()).with_context(name)?;
                warn(path, smq.warnings());
                return Ok(describe_smq(path, file.bytes().len(), &smq)?);
            }
            _ => {}
        }
    }
    let files = Files::open(path, if args.no_mmap { Access::Read } else { Access::Map })?;
    let checkpoint = Checkpoint::parse(&files)?;
    warn(path, checkpoint.warnings());
    Ok(describe_other(path, &files, &checkpoint)?)
}

fn warn<W: std::fmt::Display>(path: &Path, warnings: &[W]) {
    for warning in warnings {
        tracing::warn!("{}: {warning}", path.display());
    }
}

fn describe(path: &Path, bytes: usize, gguf: &Gguf<'_>) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    let (path, bytes) = (path.display(), size(bytes as u64));
    writeln!(text, "{path}: GGUF version {}, {bytes}", gguf.version())?;

    describe_metadata(&mut text, gguf.metadata())?;
    let data = gguf.data_offset();
    writeln!(text, "\ntensors, {}; data begins at byte {data}", gguf.tensors().len())?;
    let mut table = columns();
    table.set_header(["  name", "type", "shape", "bytes", "offset"]);
    for tensor in gguf.tensors() {
        let bytes = tensor.bytes.map_or_else(|| "unknown".to_owned(), |bytes| bytes.to_string());
        table.add_row([
            format!("  {}", tensor.name.escape_debug()),
            kind(tensor),
            tensor.shape.to_string(),
            bytes,
            tensor.offset.to_string(),
        ]);
    }
    to_the_right(&mut table, &[3, 4]);
    writeln!(text, "{}", trimmed(&table))?;

    writeln!(text, "\n{}", gguf.report())?;
    Ok(text)
}

fn describe_metadata(text: &mut String, metadata: &Metadata<'_>) -> std::fmt::Result {
    writeln!(text, "\nmetadata, {} keys", metadata.len())?;
    let mut table = columns();
    for (key, value) in metadata.iter() {
        table.add_row([format!("  {key}"), value.to_string()]);
    }
    writeln!(text, "{}", trimmed(&table))
}

fn describe_smq(path: &Path, bytes: usize, smq: &Smq<'_>) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    writeln!(text, "{}: SMQ version 1, {}", path.display(), size(bytes as u64))?;
    writeln!(text, "\nmetadata, {} keys", smq.metadata().len())?;
    let mut table = columns();
    for (key, value) in smq.metadata() {
        table.add_row([format!("  {}", key.escape_debug()), shortened(&value.to_string())]);
    }
    writeln!(text, "{}", trimmed(&table))?;

    writeln!(text, "\ntensors, {}", smq.entries().len())?;
    let mut table = columns();
    table.set_header(["  name", "scheme", "block", "dims", "data", "aux", "offset"]);
    for entry in smq.entries() {
        table.add_row([
            format!("  {}", entry.name.escape_debug()),
            entry.scheme.name.to_owned(),
            entry.block.to_string(),
            format!("{:?}", entry.dims),
            entry.data.len().to_string(),
            entry.aux.len().to_string(),
            entry.place.start.to_string(),
        ]);
    }
    to_the_right(&mut table, &[2, 4, 5, 6]);
    writeln!(text, "{}", trimmed(&table))?;
    Ok(text)
}

fn describe_other(
    path: &Path,
    files: &Files,
    checkpoint: &Checkpoint<'_>,
) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    let (container, bytes) = (files.container(), size(files.bytes() as u64));
    writeln!(text, "{}: {container}, {bytes}", path.display())?;
    describe_metadata(&mut text, checkpoint.metadata())?;

    writeln!(text, "\ntensors, {}", checkpoint.tensors().len())?;
    let mut table = columns();
    table.set_header(["  name", "type", "shape", "bytes"]);
    for tensor in checkpoint.tensors() {
        let view = tensor.view();
        table.add_row([
            format!("  {}", view.name.escape_debug()),
            view.format.name.to_owned(),
            view.shape.to_string(),
            view.bytes.len().to_string(),
        ]);
    }
    to_the_right(&mut table, &[3]);
    writeln!(text, "{}", trimmed(&table))?;
    for line in checkpoint.unsupported() {
        writeln!(text, "not supported: {line}")?;
    }
    Ok(text)
}

/// As much of a text as fits a line.
fn shortened(text: &str) -> String {
    const LIMIT: usize = 100;
    match text.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// Aligns columns of numbers.
fn to_the_right(table: &mut Table, columns: &[usize]) {
    for column in columns {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

fn kind(tensor: &TensorInfo<'_>) -> String {
    match tensor.format {
        Some(format) => format.name.to_owned(),
        None => format!("{} (id {}, not supported)", tensor.type_name(), tensor.type_id),
    }
}

/// A table without lines, for grep and awk as much as for people.
fn columns() -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table
}

/// Without the blanks that fill the last column.
fn trimmed(table: &Table) -> String {
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    // The first blank of every line is the table's own margin.
    lines.iter().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n")
}
