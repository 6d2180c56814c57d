//! Arguments. What the commands do is in their own files.

mod bench;
mod inspect;
mod progress;
mod quantize;
mod verify;

use clap::{Parser, Subcommand};
use runtime::units::size;
use tracing_subscriber::EnvFilter;

/// Looks into model files, converts them, and times their Linear layers on this machine.
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
        }
    }
}
