//! Arguments. What the commands do is in their own files.

mod bench;
mod embed;
mod generate;
mod inspect;
mod interrupt;
mod loading;
mod perplexity;
mod progress;
mod quantize;
mod tokenize;
mod verify;

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use runtime::units::size;
use tracing_subscriber::EnvFilter;

/// Runs quantized models on the CPU, looks into their files, converts and times them.
///
/// Two variables change which kernels run: TILEWRIGHT_ISA=NAME allows only one instruction set,
/// TILEWRIGHT_PROFILE=FILE takes tuned choices from another file, or none with `off`. Tuned
/// choices are written by `cargo run -p tuning`.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// Say more: -v tells what is loaded, -vv everything.
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    verbose: u8,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Inspect(inspect::Args),
    Verify(verify::Args),
    Quantize(quantize::Args),
    ImportGguf(quantize::ImportArgs),
    ExportGguf(quantize::ExportArgs),
    Bench(bench::Args),
    Tokenize(tokenize::Args),
    Generate(generate::Args),
    Perplexity(perplexity::Args),
    Embed(embed::Args),
}

impl Cli {
    /// Does what was asked for; the text is for standard output.
    pub(crate) fn run(self) -> anyhow::Result<String> {
        let level = ["warn", "info", "debug"][usize::from(self.verbose.min(2))];
        // RUST_LOG, where it is set, knows better.
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .with_target(false)
            .without_time()
            .init();
        match self.command {
            Command::Inspect(args) => inspect::run(&args),
            Command::Verify(args) => verify::run(&args),
            Command::Quantize(args) => quantize::run(&args),
            Command::ImportGguf(args) => quantize::import(&args),
            Command::ExportGguf(args) => quantize::export(&args),
            Command::Bench(args) => bench::run(&args),
            Command::Tokenize(args) => tokenize::run(&args),
            Command::Generate(args) => generate::run(&args),
            Command::Perplexity(args) => perplexity::run(&args),
            Command::Embed(args) => embed::run(&args),
        }
    }
}

/// A text file, all of it.
fn read_text(file: &Path) -> anyhow::Result<String> {
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    String::from_utf8(bytes).with_context(|| format!("{} is no text in UTF-8", file.display()))
}
