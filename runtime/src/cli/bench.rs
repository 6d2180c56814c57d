//! `bench`: every distinct Linear layer of a model, timed with default and with tuned plans, and
//! the whole model.

mod check;
mod memory;
mod peaks;
mod report;
mod ring;
mod synthetic;
mod time;
mod whole;
mod work;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};
use kernels::{Numerics, Plan, Problem};
use runtime::profile;
use runtime::{Checkpoint, Context, Files, LoadOptions};

use super::loading::Loading;
use peaks::Peaks;
use report::{Layers, Outcome, Report};
use ring::Ring;
use whole::Whole;
use work::{Spec, Work};

/// Time a model and its Linear layers: default kernels against tuned ones, against the machine.
///
/// The whole model reads a prompt and writes, in turns with its Linear layers alone, one after the
/// other: the share that is theirs is the time that nothing else took. With --dequantize it is
/// measured once more with all weights decoded to f32. Peak memory is that of loading, reading and
/// writing, mapped files included.
///
/// Each distinct weight matrix (shape and type) of the file is multiplied with one row of
/// activations, as when a model generates, and with many, as when it reads a prompt. Weights are
/// cold: calls go round a ring of buffers of four times the last-level cache. Default and tuned
/// plans take turns, times are medians, and every result is compared with one computed from
/// dequantized weights in f64: a wrong one is an error.
///
/// The bound is measured, too: reading memory with all threads, or int8 dot products (f32 multiply-
/// adds with --activations f32) in registers, whichever takes longer for the layer.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  runtime bench model.gguf
  runtime bench model.gguf --only model --dequantize
  runtime bench --synthetic llama-8b:q4_k
  runtime bench --synthetic llama-8b:q4_k --layers 4 --only model
  runtime bench --synthetic llama-1b:q4_0 --layers 16 --keep llama-1b.gguf --only model
  runtime bench --synthetic 4096x4096:all --batch 8,64,512
  runtime bench --synthetic 14336x4096 --format q4_0,q8_0 --isa avx2 --json

Models that --synthetic knows:
  qwen-0.5b, llama-1b, qwen-1.5b, gemma-2b, llama-3b, qwen-7b, mistral-7b, llama-8b, llama-70b")]
pub(crate) struct Args {
    /// A model file.
    #[arg(required_unless_present = "synthetic", conflicts_with = "synthetic")]
    file: Option<PathBuf>,
    /// No file: the layers of a model, or a matrix of N rows and K columns, with random weights.
    #[arg(long, value_name = "MODEL|NxK[:TYPE]")]
    synthetic: Option<String>,
    /// Types of the synthetic weights, or `all`; the same as TYPE behind the colon.
    #[arg(long, value_name = "TYPE,...", requires = "synthetic")]
    format: Option<String>,
    /// With --synthetic MODEL: a whole model of so many layers, too, as a temporary file.
    #[arg(long, value_name = "N", requires = "synthetic",
        value_parser = clap::value_parser!(u16).range(1..=1024))]
    layers: Option<u16>,
    /// With --layers: writes the model to a new file that stays, for other programs to measure.
    #[arg(long, value_name = "FILE", requires = "layers")]
    keep: Option<PathBuf>,
    /// Only that part: the Linear layers, or the whole model.
    #[arg(long, value_name = "layers|model")]
    only: Option<Part>,
    /// Rows of activations, besides one. The largest is the prompt of the whole model.
    #[arg(long, value_delimiter = ',', default_value = "512",
        value_parser = clap::value_parser!(u32).range(1..=65_536))]
    batch: Vec<u32>,
    /// About how long to measure, in all.
    #[arg(long, default_value_t = 20.0, value_parser = seconds)]
    seconds: f64,
    /// MiB for the ring of weights, instead of four times the last-level cache. With less than that
    /// weights come out of the cache.
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..))]
    memory: Option<u32>,
    /// Say of each layer why its kernels were chosen.
    #[arg(long)]
    explain: bool,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    loading: Loading,
}

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    Layers,
    Model,
}

fn seconds(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "no number".to_owned())?;
    let fits = (0.001..=86_400.0).contains(&value);
    fits.then_some(value).ok_or_else(|| "between 0.001 and 86400 seconds".to_owned())
}

pub(crate) fn run(args: &Args) -> anyhow::Result<String> {
    let bench = Bench { args, context: args.loading.context()? };
    match (&args.file, &args.synthetic) {
        (Some(path), _) => {
            let title = path.display().to_string();
            let files = Files::open(path, args.loading.access())?;
            let checkpoint = Checkpoint::parse(&files)?;
            bench.run(&title, Some(path), || Ok(work::of_file(&checkpoint))).with_context(|| title)
        }
        (None, Some(spec)) => {
            let spec = Spec::parse(spec, args.format.as_deref(), args.layers)?;
            if args.layers.is_none() {
                return bench.run(&spec.to_string(), None, || spec.work());
            }
            let (preset, format) = spec.model()?;
            if let Some(path) = &args.keep {
                synthetic::keep(path, &preset, format)?;
                return bench.run(&spec.to_string(), Some(path), || spec.work());
            }
            // The file is there as long as the value is.
            let file = synthetic::write(&preset, format)?;
            bench.run(&spec.to_string(), Some(file.path()), || spec.work())
        }
        (None, None) => bail!("name a model file, or --synthetic llama-8b:q4_k"),
    }
}

/// What to measure with.
struct Bench<'a> {
    args: &'a Args,
    context: Arc<Context>,
}

impl Bench<'_> {
    /// Measures a model's file, if there is one, and its matrices.
    fn run<'w>(
        &self,
        title: &str,
        model: Option<&Path>,
        work: impl FnOnce() -> anyhow::Result<(Vec<Work<'w>>, Vec<String>)>,
    ) -> anyhow::Result<String> {
        let wants = |part| self.args.only.is_none_or(|only| only == part);
        let total = Duration::from_secs_f64(self.args.seconds);
        let mut notes = vec![];
        // First: the memory that it takes must not be hidden by that for the layers.
        let whole = match model.filter(|_| wants(Part::Model)) {
            Some(path) => match self.whole(path, total / 2) {
                Err(error) if self.args.only.is_none() => {
                    let error = format!("{error:#}");
                    let line = error.lines().next().unwrap_or_default();
                    notes.push(format!("the whole model was not measured: {line}"));
                    None
                }
                whole => Some(whole?),
            },
            None => None,
        };
        let layers = match wants(Part::Layers) {
            true => {
                let (work, more) = work()?;
                notes.extend(more);
                let budget = if whole.is_some() { total / 2 } else { total };
                Some(self.layers(&work, &mut notes, budget)?)
            }
            false => None,
        };
        notes.sort();
        notes.dedup();
        let (context, machine) = (&*self.context, profile::machine());
        let report = Report { title, machine, context, layers, whole, notes };
        Ok(match (self.args.json, self.args.explain) {
            (true, _) => report.json(),
            (false, true) => report.table() + &report.reasons(),
            (false, false) => report.table(),
        })
    }

    fn whole(&self, path: &Path, budget: Duration) -> anyhow::Result<Whole> {
        let options = self.args.loading.options(Arc::clone(&self.context));
        let kept = LoadOptions { preserve_quantization: true, ..options.clone() };
        let tokens = self.args.batch.iter().copied().max().unwrap_or(512) as usize;
        let share = if self.args.loading.dequantize { budget / 2 } else { budget };
        let mut whole = whole::measure(path, &kept, tokens, share)?;
        if self.args.loading.dequantize {
            whole.compare(path, &options, share)?;
        }
        Ok(whole)
    }

    fn layers(
        &self,
        work: &[Work<'_>],
        notes: &mut Vec<String>,
        total: Duration,
    ) -> anyhow::Result<Layers> {
        if work.is_empty() {
            bail!("there is no weight matrix to measure. {}", notes.join("; "));
        }
        let mut batches = vec![1];
        batches.extend(self.args.batch.iter().map(|batch| *batch as usize));
        batches.sort_unstable();
        batches.dedup();

        let steps = work.len() * batches.len();
        let progress = Progress::new(steps);
        let start = Instant::now();
        progress.say("reading memory and multiplying registers, for the bounds");
        let mut cold = ring::cold_bytes(profile::machine().l3_kib);
        if let Some(mib) = self.args.memory {
            let memory = (mib as usize) << 20;
            if memory < cold {
                notes.push(format!(
                    "weights went round {mib} MiB, less than four times the last-level cache: they \
                     were not cold"
                ));
            }
            cold = memory;
        }
        let mut peaks = Peaks::read(self.context.pool().threads(), cold, total / 10)
            .context("no memory to measure how fast it is read")?;

        let mut ring = Ring::new(cold);
        let mut outcomes = Vec::with_capacity(steps);
        for work in work {
            ring.fill(work)?;
            for &batch in &batches {
                progress.step(&format!("{work}, batch {batch}"));
                let left = total.saturating_sub(start.elapsed()) / (steps - outcomes.len()) as u32;
                let case = Case::new(&self.context, work, batch, self.args.loading.activations)?;
                notes.extend(case.note());
                let outcome = case.run(&self.context, &ring, &mut peaks, left)?;
                notes.extend(outcome.note());
                outcomes.push(outcome);
            }
        }
        progress.finish();
        Ok(Layers { peaks, outcomes })
    }
}

/// A weight matrix, a batch, and the plans to compare.
struct Case<'a> {
    work: &'a Work<'a>,
    batch: usize,
    default: Plan,
    /// The plan in use, which may be the default one: by the profile, or because it has none.
    chosen: Plan,
}

impl<'a> Case<'a> {
    fn new(
        context: &Context,
        work: &'a Work<'a>,
        batch: usize,
        class: Numerics,
    ) -> anyhow::Result<Self> {
        let problem = Problem { format: work.format, rows: work.rows, depth: work.depth, class };
        let default = context.default_plan(problem).with_context(|| work.to_string())?;
        let chosen = context.plan(problem).with_context(|| work.to_string())?;
        Ok(Self { work, batch, default, chosen })
    }

    /// The plans to time: a plan against itself would show nothing but noise.
    fn plans(&self) -> Vec<&Plan> {
        let Self { default, chosen, .. } = self;
        match (default.isa(), default.params()) == (chosen.isa(), chosen.params()) {
            true => vec![chosen],
            false => vec![default, chosen],
        }
    }

    /// What a reader of the numbers should know.
    fn note(&self) -> Option<String> {
        let (asked, class) = (self.default.problem().class, self.default.class());
        (asked != class).then(|| {
            let (name, class) = (self.work.format.name, self.default.class_for(self.batch));
            format!("{name} has no {asked} kernels: it was computed in {class}")
        })
    }

    fn run(
        &self,
        context: &Context,
        ring: &Ring,
        peaks: &mut Peaks,
        budget: Duration,
    ) -> anyhow::Result<Outcome> {
        let Self { work, batch, .. } = *self;
        let plans = self.plans();
        let x = ring::activations(batch * work.depth);
        let mut out = vec![0.0; batch * work.rows];
        check::plans(context.pool(), &plans, ring.slot(0), &x, batch)
            .with_context(|| work.to_string())?;
        let used = *plans.last().expect("the plan in use");
        let bound = peaks.bound(used, ring.slot(0).len(), batch);
        // The last to take turns is the bound itself.
        let mut times = time::interleaved(plans.len() + 1, budget, |n| match plans.get(n) {
            None => peaks.probe(&bound),
            Some(plan) => time::once(|| {
                plan.multiply(context.pool(), ring.next(), &x, batch, &mut out)
                    .expect("a plan that multiplied when it was checked");
            }),
        });
        let probe = times.pop().expect("a time for each");
        Ok(Outcome::new(work, batch, used, &times, (bound.name, bound.probes * probe.ns)))
    }
}

/// A bar on a terminal, lines elsewhere; both on standard error.
struct Progress(ProgressBar);

impl Progress {
    fn new(steps: usize) -> Self {
        // Hidden by indicatif itself if standard error is no terminal.
        let bar = ProgressBar::new(steps as u64);
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self(bar)
    }

    fn say(&self, what: &str) {
        match self.0.is_hidden() {
            true => eprintln!("{what}"),
            false => self.0.set_message(what.to_owned()),
        }
    }

    fn step(&self, what: &str) {
        self.say(what);
        self.0.inc(1);
    }

    fn finish(&self) {
        self.0.finish_and_clear();
    }
}
