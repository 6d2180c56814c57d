//! Arguments. What the commands do is in their own files.

mod catalog;
mod check;
mod show;
mod tune;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use kernels::{FormatInfo, IsaInfo, Numerics};
use tuning::matrix;

/// Finds the fastest kernels and knobs for this machine, and writes them where the runtime finds
/// them.
///
/// Without a command: `tune`, for the shapes of two well-known models in the common formats. It
/// takes two minutes, does no harm to a profile that is already there, and can be stopped with
/// Ctrl-C at any time: what is proven until then is saved.
#[derive(Parser)]
#[command(
    version,
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  tuning                                      two minutes, the common formats
  tuning --budget 600 --model my.gguf         ten minutes, for one model's layers
  tuning --formats q4_k,q6_k --shapes llama-3b,4096x11008
  tuning show                                 what was found, and what it gains

Exit codes: 0 done, 1 it failed, 2 wrong usage, 3 nothing beat the defaults (with
--fail-if-no-gain), 4 a kernel computes wrongly, 6 not everything was tuned (with
--fail-if-partial), 7 the profile is damaged or foreign (show), 130 interrupted."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    tune: tune::Args,
}

#[derive(Subcommand)]
enum Command {
    Tune(tune::Args),
    List(catalog::ListArgs),
    Probe(catalog::ProbeArgs),
    Check(check::Args),
    Show(show::Args),
}

/// How a command ended, if it did not fail.
pub(crate) struct Done {
    /// For standard output.
    pub(crate) text: String,
    pub(crate) code: Code,
}

/// Exit codes; the help text lists them.
#[derive(Clone, Copy)]
pub(crate) enum Code {
    Done = 0,
    NoGain = 3,
    Wrong = 4,
    Partial = 6,
    Unusable = 7,
    Interrupted = 130,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

impl Cli {
    /// Does what was asked for.
    pub(crate) fn run(self) -> anyhow::Result<Done> {
        match self.command {
            None => tune::run(&self.tune),
            Some(Command::Tune(args)) => tune::run(&args),
            Some(Command::List(args)) => catalog::list(&args),
            Some(Command::Probe(args)) => catalog::probe(&args),
            Some(Command::Check(args)) => check::run(&args),
            Some(Command::Show(args)) => show::run(&args),
        }
    }
}

fn format(name: &str) -> Result<&'static FormatInfo, String> {
    matrix::format(name)
}

fn isa(name: &str) -> Result<&'static IsaInfo, String> {
    kernels::isa::by_name(name).map_err(|error| error.to_string())
}

fn class(name: &str) -> Result<Numerics, String> {
    let known = || Numerics::ALL.map(Numerics::name).join(", ");
    Numerics::by_name(name).ok_or_else(|| format!("there are {}", known()))
}

fn seconds(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "no number".to_owned())?;
    let fits = (0.1..=604_800.0).contains(&value);
    fits.then_some(value).ok_or_else(|| "between 0.1 seconds and a week of 604800".to_owned())
}

/// What `--isa` says, else `TILEWRIGHT_ISA`, which would force it on whoever uses the profile.
fn forced(isa: Option<&'static IsaInfo>) -> anyhow::Result<Option<&'static IsaInfo>> {
    match (isa, std::env::var_os("TILEWRIGHT_ISA")) {
        (None, Some(name)) if !name.is_empty() => {
            let chosen = kernels::isa::chosen();
            Ok(Some(chosen.map_err(|error| anyhow::anyhow!("TILEWRIGHT_ISA: {error}"))?))
        }
        _ => Ok(isa),
    }
}
