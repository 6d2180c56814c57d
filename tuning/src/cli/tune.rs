//! `tune`: measure, search, prove, write.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};
use kernels::{FormatInfo, IsaInfo, Numerics};
use runtime::gguf::{Gguf, Mapped};
use runtime::profile;
use tuning::matrix::{self, COMMON, MODELS, Matrix};
use tuning::record::{self, Written};
use tuning::search::Halt;
use tuning::trial::{Progress, Trial};
use tuning::tuner::{Options, Outcome, Watch};
use tuning::{machine, report};

use super::{Code, Done};

/// Search the fastest kernels and knobs, prove that they are faster, write the profile.
///
/// For each weight matrix the knobs of both loops (gemv, which generates, and gemm, which reads
/// prompts) and the instruction set are searched. Every candidate is first checked against an exact
/// product, then timed on weights that are not in any cache, in turns with the default. It replaces
/// the default only if it is more than 1 % faster beyond doubt (99 %), in samples that the search
/// has not seen, and at no tested batch slower.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Wall-clock seconds for everything.
    #[arg(long, default_value = "120", value_parser = super::seconds, value_name = "SECONDS")]
    budget: f64,
    /// Formats of the weights [default: the common ones, see `tuning list`].
    #[arg(long, visible_alias = "format", value_delimiter = ',', value_parser = super::format,
        value_name = "FORMAT,...")]
    formats: Vec<&'static FormatInfo>,
    /// Shapes of the weights: rows x columns, or all of a known model.
    #[arg(long, value_delimiter = ',', value_name = "NxK|MODEL,...",
        default_values = MODELS)]
    shapes: Vec<String>,
    /// Instead of --shapes: the weight matrices of a GGUF file, in their formats. Only its header
    /// is read.
    #[arg(long, value_name = "FILE", conflicts_with = "shapes")]
    model: Option<PathBuf>,
    /// Only this instruction set. Without: TILEWRIGHT_ISA, or the best of all.
    #[arg(long, value_parser = super::isa)]
    isa: Option<&'static IsaInfo>,
    /// Threads; 0 means one per usable CPU. A profile counts for programs with as many.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=1024))]
    threads: u16,
    /// How activations enter: as int8 in groups of 32, or of 256, or as they are.
    #[arg(long, default_value = "q8", value_parser = super::class, value_name = "q8|q8_256|f32")]
    activations: Numerics,
    /// Decides orders and random data.
    #[arg(long, default_value_t = 1)]
    seed: u32,
    /// MiB that weights may take while they are timed. Matrices larger than half of it are left
    /// out.
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u32).range(16..=1 << 20),
        value_name = "MIB")]
    memory: u32,
    /// Write the profile to this file instead of the place where the runtime looks.
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// Only say what would be tuned, and where the profile would go.
    #[arg(long)]
    dry_run: bool,
    /// Exit with code 3 if nothing beat the defaults.
    #[arg(long)]
    fail_if_no_gain: bool,
    /// Exit with code 6 if there was not time enough for everything.
    #[arg(long)]
    fail_if_partial: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Done> {
    let forced = super::forced(args.isa)?;
    let path = match &args.out {
        Some(path) => path.clone(),
        None => profile::path().context("nowhere to write the profile; say --out PATH")?,
    };
    let (matrices, skipped) = matrices(args)?;
    if matrices.is_empty() {
        bail!("nothing to tune: {}", skipped.join("; "));
    }
    if args.dry_run {
        return Ok(Done { text: plan(&matrices, &skipped, &path), code: Code::Done });
    }
    // Now, not after minutes of measuring.
    profile::check_place(&path).context("the profile could not be saved; say --out PATH")?;
    let mut formats: Vec<&'static FormatInfo> = matrices.iter().map(|m| m.format).collect();
    formats.dedup();
    let older = record::older(&path, &formats);
    let options = Options {
        budget: Duration::from_secs_f64(args.budget),
        threads: args.threads.into(),
        isa: forced,
        class: args.activations,
        seed: args.seed.into(),
        memory: (args.memory as usize) << 20,
        peaks: None,
        incumbents: older.profile.clone(),
        stop: interrupt(),
    };
    let mut bar = Bar::new(options.budget);
    let outcome = tuning::tuner::tune(&matrices, &options, &mut bar)?;
    bar.0.finish_and_clear();
    let mut text = machine::describe(&outcome.peaks).join("\n") + "\n\n";
    text += &format!("{}\n", report::table(&outcome));
    for note in report::notes(&outcome).iter().chain(&skipped).chain(&older.warnings) {
        text += &format!("{note}\n");
    }
    match record::save(&path, &outcome, &options, &command())? {
        Some(written) => text += &told(&path, &written),
        None => text += "Nothing was proven, so no profile was written.\n",
    }
    Ok(Done { text, code: code(args, &outcome) })
}

/// What to tune, and what had to be left out.
fn matrices(args: &Args) -> anyhow::Result<(Vec<Matrix>, Vec<String>)> {
    let all = match &args.model {
        Some(path) => {
            let file = Mapped::open(path)?;
            let gguf = Gguf::parse(file.bytes()).with_context(|| path.display().to_string())?;
            let mut all = matrix::of_file(&gguf);
            all.retain(|matrix| args.formats.is_empty() || args.formats.contains(&matrix.format));
            all
        }
        None if args.formats.is_empty() => {
            let common = COMMON.iter().map(|name| matrix::format(name));
            let common: Vec<_> = common.collect::<Result<_, _>>().map_err(anyhow::Error::msg)?;
            matrix::of_names(&common, &args.shapes)?
        }
        None => matrix::of_names(&args.formats, &args.shapes)?,
    };
    let most = (args.memory as usize) << 19;
    let (mut fit, mut skipped) = (vec![], vec![]);
    for matrix in all {
        match matrix.format.bytes(matrix.rows, matrix.depth) {
            Err(error) => skipped.push(format!("{matrix} was left out: {error}")),
            Ok(bytes) if bytes > most => skipped.push(format!(
                "{matrix} was left out: its {} MiB are more than half of --memory {}",
                bytes >> 20,
                args.memory
            )),
            Ok(_) => fit.push(matrix),
        }
    }
    Ok((fit, skipped))
}

fn plan(matrices: &[Matrix], skipped: &[String], path: &Path) -> String {
    let mut text = format!("{} matrices would be tuned:\n", matrices.len());
    for matrix in matrices {
        text += &format!("  {matrix}\n");
    }
    for note in skipped {
        text += &format!("{note}\n");
    }
    text + &format!("The profile would be written to {}\n", path.display())
}

/// Where the profile lies, and what became of the old one.
fn told(path: &Path, written: &Written) -> String {
    let Written { entries, saved } = written;
    let mut text = format!("profile {}: {entries} entries", path.display());
    if saved.kept > 0 {
        text += &format!(", {} older ones kept", saved.kept);
    }
    if saved.dropped > 0 {
        text += &format!(", {} outdated ones dropped", saved.dropped);
    }
    if let Some(moved) = &saved.moved {
        text += &format!("; what was there before is now {}", moved.display());
    }
    text + "\n"
}

fn code(args: &Args, outcome: &Outcome) -> Code {
    let trials = &outcome.trials;
    let partial = trials.iter().any(|trial| trial.progress < Progress::Complete);
    let wrong = !outcome.wrong.is_empty() || trials.iter().any(|trial| trial.wrong.is_some());
    if outcome.halted == Some(Halt::Interrupted) {
        Code::Interrupted
    } else if wrong {
        Code::Wrong
    } else if args.fail_if_partial && partial {
        Code::Partial
    } else if args.fail_if_no_gain && !trials.iter().any(Trial::is_tuned) {
        Code::NoGain
    } else {
        Code::Done
    }
}

/// The command line, as it could be typed again.
fn command() -> String {
    let args: Vec<String> =
        std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    ["tuning".to_owned()].into_iter().chain(args).collect::<Vec<_>>().join(" ")
}

/// Set by the first Ctrl-C, or a polite request to end; the second ends the program at once. No
/// profile is lost by that: it is written whole, or not at all.
fn interrupt() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let handler = move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(Code::Interrupted as i32);
        }
        eprintln!("\nfinishing the sample, then saving; Ctrl-C again to drop everything");
    };
    if let Err(error) = ctrlc::set_handler(handler) {
        eprintln!("warning: Ctrl-C will not save: {error}");
    }
    stop
}

/// A bar on a terminal, lines elsewhere; both on standard error.
struct Bar(ProgressBar, Instant, Duration);

impl Bar {
    fn new(budget: Duration) -> Self {
        // Hidden by indicatif itself if standard error is no terminal.
        let bar = ProgressBar::new(0);
        let template = "{bar:30} {pos}/{len} {elapsed} of {prefix} {wide_msg}";
        let style = ProgressStyle::with_template(template);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_prefix(format!("{} s", budget.as_secs()));
        Self(bar, Instant::now(), Duration::ZERO)
    }
}

impl Watch for Bar {
    fn begin(&mut self, what: &str, done: usize, all: usize) {
        /// Lines further apart than this can be read.
        const PAUSE: Duration = Duration::from_secs(2);
        let Self(bar, started, next) = self;
        bar.set_length(all as u64);
        bar.set_position(done as u64);
        bar.set_message(what.to_owned());
        let elapsed = started.elapsed();
        if bar.is_hidden() && elapsed >= *next {
            eprintln!("{:>4} s  {}/{all}  {what}", elapsed.as_secs(), done + 1);
            *next = elapsed + PAUSE;
        }
    }
}
