//! Arguments.

use std::path::PathBuf;

use anyhow::ensure;
use clap::{Parser, Subcommand};
use kernels::{FormatInfo, Numerics};
use runtime::profile;
use tuning::{machine, matrix};

use crate::record::Record;

/// The exit code if not all was measured that was asked for.
pub(crate) const UNFINISHED: u8 = 3;
/// The most that weights are made to take by default, however large the caches are.
const MOST_COLD: usize = 2 << 30;

/// Shapes of the record: square, both ways of a feed-forward layer, a small model's, and a head.
const RECORD_SHAPES: [(usize, usize); 5] =
    [(4096, 4096), (4096, 14336), (14336, 4096), (2048, 8192), (128_256, 4096)];
/// Batches of the record.
const RECORD_BATCHES: [usize; 8] = [1, 2, 4, 8, 16, 32, 128, 512];
/// What a quick look is about.
const QUICK_SHAPES: [(usize, usize); 1] = [(4096, 4096)];
/// Decode and prefill.
const QUICK_BATCHES: [usize; 2] = [1, 512];

/// Tilewright beside ggml (llama.cpp) and candle: the same weights, the same threads, in turns.
#[derive(Parser)]
#[command(
    version,
    after_help = "\
Build it for this machine, or the peers run without their best instructions:
  RUSTFLAGS=\"-C target-cpu=native\" cargo run -p benches --release --features peers --bin peers -- layers

Examples (after `--`):
  layers                                  every format, 4096 x 4096, decode and prefill
  layers --formats q4_k,q6_k --threads 1  two formats, one thread
  layers --full --record peers.jsonl      the record; takes hours. Ctrl-C, and the same again
                                          goes on; `--minutes 5` does a part
  report peers.jsonl --markdown peers.md --plot peers.svg
  model llama-8b.q4_k_m.gguf              tokens a second of a whole model

Exit codes: 0 done, 1 it failed, 2 wrong usage, 3 ended before everything was measured."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Layers(Layers),
    /// Tell again what a record has.
    Report {
        /// What `layers --record FILE` wrote, on this machine.
        #[arg(value_name = "FILE")]
        record: PathBuf,
        #[command(flatten)]
        report: Report,
    },
    Model(Model),
    /// Multiply with ggml's AMX kernels, which may end the process.
    #[command(hide = true, name = crate::tiles::COMMAND)]
    Tiles,
}

/// Multiply weight matrices of every format by batches of activations.
///
/// All engines have the same weights, larger than the caches all copies together, and the same
/// activations, and take turns in random order. Every result is compared with the exact product.
/// The table shows medians of Tilewright's times, what part of the machine's bound they are, and
/// for each other engine how many times longer it took: more than 1 means that Tilewright is
/// faster. ggml appears once for each layout of weights that it has kernels for.
///
/// Ctrl-C ends it with a report of what was measured until then.
#[derive(clap::Args)]
pub(crate) struct Layers {
    /// Formats of the weights [default: all that ggml has, except F32].
    #[arg(long, value_delimiter = ',', value_parser = matrix::format, value_name = "FORMAT,...")]
    pub(crate) formats: Vec<&'static FormatInfo>,
    /// Shapes of the weights: rows (features out) x columns (features in) [default: 4096x4096].
    #[arg(long, value_delimiter = ',', value_parser = shape, value_name = "NxK,...")]
    shapes: Vec<(usize, usize)>,
    /// Rows of activations (M): 1 is decode, many are prefill [default: 1,512].
    #[arg(long, value_delimiter = ',', value_parser = batch, value_name = "M,...")]
    batches: Vec<usize>,
    /// All shapes and batches of the record, instead of the defaults.
    #[arg(long)]
    full: bool,
    /// Numbers of threads; `all` means one per usable CPU.
    #[arg(long, value_delimiter = ',', value_parser = threads, default_value = "1,all",
        value_name = "T,...")]
    threads: Vec<usize>,
    /// How activations enter Tilewright's products with quantized weights. Peers are compared
    /// with the first class. F16 is multiplied in f32 and in bf16, BF16 in bf16.
    #[arg(long, value_delimiter = ',', value_parser = class, default_value = "q8",
        value_name = "CLASS,...")]
    pub(crate) class: Vec<Numerics>,
    /// Seconds to measure each product for, all engines together. Slow ones take longer.
    #[arg(long, default_value_t = 2.0, value_parser = seconds)]
    pub(crate) seconds: f64,
    /// MiB that count as larger than the caches [default: four times the last-level cache, but at
    /// most 2048].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1 << 16), value_name = "MIB")]
    cold: Option<u32>,
    /// Decides weights, activations and orders.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Keep each result in this file as soon as it is known, and do not measure again what it has.
    /// So a run can go on after Ctrl-C, and be split by formats, shapes, batches, threads or time.
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// End after so many minutes, when the product that is being measured is done.
    #[arg(long, value_parser = minutes)]
    pub(crate) minutes: Option<f64>,
    #[command(flatten)]
    pub(crate) report: Report,
    /// Measure with so many threads in this process, and print the results for the parent.
    #[arg(long, hide = true)]
    pub(crate) alone: Option<usize>,
    /// Leave ggml's AMX kernels out.
    #[arg(long)]
    pub(crate) without_tiles: bool,
}

/// Where a report goes besides standard output.
#[derive(clap::Args)]
pub(crate) struct Report {
    /// Write what is printed to this file, too: tables in Markdown.
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,
    /// Draw throughput by format and engine, as SVG.
    #[arg(long, value_name = "FILE")]
    pub(crate) plot: Option<PathBuf>,
}

/// Run whole models from GGUF files in both engines: tokens a second of prefill and decode.
///
/// Both take the same random tokens, in turns: a prompt at once, then further ones one by one.
/// Ratios above 1 mean that Tilewright is faster. Ctrl-C ends it with what was measured.
#[derive(clap::Args)]
pub(crate) struct Model {
    /// The models, each for itself.
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Tokens of the prompt [default: 512, or what the model has room for].
    #[arg(long, value_parser = tokens)]
    pub(crate) prompt: Option<usize>,
    /// Tokens after it, one by one [default: 64, or a quarter of what the model has room for].
    #[arg(long, value_parser = tokens)]
    pub(crate) tokens: Option<usize>,
    /// Rounds, after one that does not count.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) rounds: u32,
    /// Numbers of threads; `all` means one per usable CPU.
    #[arg(long, value_delimiter = ',', value_parser = threads, default_value = "1,all",
        value_name = "T,...")]
    threads: Vec<usize>,
    /// Decides tokens and orders.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Write what is printed to this file, too.
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,
}

impl Model {
    pub(crate) fn threads(&self) -> Vec<usize> {
        unique(&self.threads)
    }
}

impl Cli {
    /// Whether all was done that was asked for.
    pub(crate) fn run(self) -> anyhow::Result<bool> {
        match self.command {
            Command::Layers(args) => crate::layers::run(&args),
            Command::Report { record, report } => {
                let found = Record::load(&record)?;
                let (here, name) = (profile::machine().class, record.display());
                for run in found.runs() {
                    let there = &run.setup.machine;
                    ensure!(*there == here, "{name} is of another machine: {there}, not {here}");
                }
                crate::report::give(&found, &[], &report)?;
                Ok(true)
            }
            Command::Model(args) => crate::model::run(&args),
            Command::Tiles => crate::tiles::try_them().map(|()| true),
        }
    }
}

impl Layers {
    pub(crate) fn shapes(&self) -> &[(usize, usize)] {
        match (self.full, self.shapes.is_empty()) {
            (_, false) => &self.shapes,
            (true, true) => &RECORD_SHAPES,
            (false, true) => &QUICK_SHAPES,
        }
    }

    pub(crate) fn batches(&self) -> &[usize] {
        match (self.full, self.batches.is_empty()) {
            (_, false) => &self.batches,
            (true, true) => &RECORD_BATCHES,
            (false, true) => &QUICK_BATCHES,
        }
    }

    pub(crate) fn threads(&self) -> Vec<usize> {
        unique(&self.threads)
    }

    /// Bytes that count as larger than the caches.
    pub(crate) fn cold(&self) -> usize {
        let usual = || (machine::COLD * machine::last_level_cache()).min(MOST_COLD);
        self.cold.map_or_else(usual, |mib| (mib as usize) << 20)
    }
}

/// Each once, ascending: on a machine with one CPU `all` is 1.
fn unique(threads: &[usize]) -> Vec<usize> {
    let mut threads = threads.to_vec();
    threads.sort_unstable();
    threads.dedup();
    threads
}

fn shape(text: &str) -> Result<(usize, usize), String> {
    let sides = text.split_once(['x', 'X']);
    let sides = sides.and_then(|(rows, depth)| Some((rows.parse().ok()?, depth.parse().ok()?)));
    match sides {
        Some((rows @ 1.., depth @ 1..)) => Ok((rows, depth)),
        _ => Err("rows and columns, such as 4096x14336".to_owned()),
    }
}

fn batch(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(batch @ 1..=8192) => Ok(batch),
        _ => Err("a number from 1 to 8192".to_owned()),
    }
}

fn tokens(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(tokens @ 1..=131_072) => Ok(tokens),
        _ => Err("a number from 1 to 131072".to_owned()),
    }
}

fn minutes(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(minutes) if (0.01..=1e5).contains(&minutes) => Ok(minutes),
        _ => Err("a number from 0.01 to 100000".to_owned()),
    }
}

fn threads(text: &str) -> Result<usize, String> {
    match (text, text.parse()) {
        ("all", _) => Ok(std::thread::available_parallelism().map_or(1, usize::from)),
        (_, Ok(threads @ 1..=512)) => Ok(threads),
        _ => Err("a number from 1 to 512, or `all`".to_owned()),
    }
}

fn class(name: &str) -> Result<Numerics, String> {
    let names = || Numerics::ALL.map(Numerics::name).join(", ");
    Numerics::by_name(name).ok_or_else(|| format!("there are {}", names()))
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.01..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("a number from 0.01 to 3600".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_shape_is_two_positive_numbers() {
        assert_eq!(shape("4096x14336"), Ok((4096, 14336)));
        assert!(["", "4096", "0x5", "5x0", "-1x4", "axb"].iter().all(|text| shape(text).is_err()));
    }
}
