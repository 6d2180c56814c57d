//! `inspect`: what a file holds, and what this build can do with it.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use comfy_table::{CellAlignment, Table, presets};
use runtime::gguf::{Gguf, Mapped, TensorInfo};

/// Show a GGUF file: metadata, tensors, and whether this build can run it.
///
/// Only the header is looked at, so this is instant for a file of any size. Values of weights are
/// not checked. The last lines are the compatibility report: how many tensors have a type that
/// there are kernels for, and what to do about the others.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  runtime inspect model.gguf
  runtime inspect model.gguf | grep attn_q")]
pub(crate) struct Args {
    /// The file.
    file: PathBuf,
    /// Read the file instead of mapping it: for network shares and files that may be overwritten.
    #[arg(long)]
    no_mmap: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<String> {
    let open = if args.no_mmap { Mapped::read } else { Mapped::open };
    let file = open(&args.file)?;
    let gguf = Gguf::parse(file.bytes()).with_context(|| args.file.display().to_string())?;
    for warning in gguf.warnings() {
        tracing::warn!("{}: {warning}", args.file.display());
    }
    Ok(describe(&args.file, file.bytes().len(), &gguf)?)
}

fn describe(path: &Path, bytes: usize, gguf: &Gguf<'_>) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    let (path, bytes) = (path.display(), super::size(bytes as u64));
    writeln!(text, "{path}: GGUF version {}, {bytes}", gguf.version())?;

    writeln!(text, "\nmetadata, {} keys", gguf.metadata().len())?;
    let mut table = columns();
    for (key, value) in gguf.metadata().iter() {
        table.add_row([format!("  {key}"), value.to_string()]);
    }
    writeln!(text, "{}", trimmed(&table))?;

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
    for column in [3, 4] {
        let column = table.column_mut(column).expect("the header has five columns");
        column.set_cell_alignment(CellAlignment::Right);
    }
    writeln!(text, "{}", trimmed(&table))?;

    writeln!(text, "\n{}", gguf.report())?;
    Ok(text)
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
