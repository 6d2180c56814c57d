//! `bench`: every distinct Linear layer of a model, timed with default and with tuned plans.

mod check;
mod peaks;
mod report;
mod ring;
mod time;
mod work;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};
use kernels::{Numerics, Plan, Problem, Source};
use runtime::Context;
use runtime::gguf::{Gguf, Mapped};
use runtime::profile;

use super::loading::Loading;
use peaks::Peaks;
use report::{Outcome, Report};
use ring::Ring;
use work::Work;

/// Time the Linear layers of a model: default kernels against tuned ones, against the machine.
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
  runtime bench --synthetic llama-8b:q4_k
  runtime bench --synthetic 4096x4096:all --batch 8,64,512
  runtime bench --synthetic 14336x4096 --format q4_0,q8_0 --isa avx2 --json

Models that --synthetic knows:
  qwen-0.5b, llama-1b, qwen-1.5b, gemma-2b, llama-3b, qwen-7b, mistral-7b, llama-8b, llama-70b")]
pub(crate) struct Args {
    /// A GGUF file.
    #[arg(required_unless_present = "synthetic", conflicts_with = "synthetic")]
    file: Option<PathBuf>,
    /// No file: the layers of a model, or a matrix of N rows and K columns, with random weights.
    #[arg(long, value_name = "MODEL|NxK[:TYPE]")]
    synthetic: Option<String>,
    /// Types of the synthetic weights, or `all`; the same as TYPE behind the colon.
    #[arg(long, value_name = "TYPE,...", requires = "synthetic")]
    format: Option<String>,
    /// Rows of activations, besides one.
    #[arg(long, value_delimiter = ',', default_value = "512",
        value_parser = clap::value_parser!(u32).range(1..=65_536))]
    batch: Vec<u32>,
    /// About how long to measure, in all.
    #[arg(long, default_value_t = 20.0, value_parser = seconds)]
    seconds: f64,
    /// Say of each layer why its kernels were chosen.
    #[arg(long)]
    explain: bool,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    loading: Loading,
}

fn seconds(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "no number".to_owned())?;
    let fits = (0.001..=86_400.0).contains(&value);
    fits.then_some(value).ok_or_else(|| "between 0.001 and 86400 seconds".to_owned())
}

pub(crate) fn run(args: &Args) -> anyhow::Result<String> {
    match (&args.file, &args.synthetic) {
        (Some(path), _) => {
            let open = if args.loading.no_mmap { Mapped::read } else { Mapped::open };
            let file = open(path)?;
            let gguf = Gguf::parse(file.bytes()).with_context(|| path.display().to_string())?;
            let (work, notes) = work::of_file(&gguf);
            let title = path.display().to_string();
            measure(args, &title, &work, notes).with_context(|| title)
        }
        (None, Some(spec)) => {
            let (work, notes) = work::synthetic(spec, args.format.as_deref())?;
            measure(args, spec, &work, notes)
        }
        (None, None) => bail!("name a GGUF file, or --synthetic llama-8b:q4_k"),
    }
}

fn measure(
    args: &Args,
    title: &str,
    work: &[Work<'_>],
    mut notes: Vec<String>,
) -> anyhow::Result<String> {
    if work.is_empty() {
        bail!("there is no weight matrix to measure. {}", notes.join("; "));
    }
    let context = args.loading.context()?;
    let machine = profile::machine();
    let mut batches = vec![1];
    batches.extend(args.batch.iter().map(|batch| *batch as usize));
    batches.sort_unstable();
    batches.dedup();

    let steps = work.len() * batches.len();
    let progress = Progress::new(steps);
    let start = Instant::now();
    let total = Duration::from_secs_f64(args.seconds);
    progress.say("reading memory and multiplying registers, for the bounds");
    let cold = ring::cold_bytes(machine.l3_kib);
    let mut peaks = Peaks::read(context.pool().threads(), cold, total / 10);

    let mut ring = Ring::new(cold);
    let mut outcomes = Vec::with_capacity(steps);
    for work in work {
        ring.fill(work)?;
        for &batch in &batches {
            progress.step(&format!("{work}, batch {batch}"));
            let left = total.saturating_sub(start.elapsed()) / (steps - outcomes.len()) as u32;
            let case = Case::new(&context, work, batch, args.loading.activations)?;
            notes.extend(case.note());
            outcomes.push(case.run(&context, &ring, &mut peaks, left)?);
        }
    }
    progress.finish();
    notes.sort();
    notes.dedup();
    let report = Report { title, machine, context: &context, peaks, outcomes, notes };
    Ok(match (args.json, args.explain) {
        (true, _) => report.json(),
        (false, true) => report.table() + &report.reasons(),
        (false, false) => report.table(),
    })
}

/// A weight matrix, a batch, and the plans to compare.
struct Case<'a> {
    work: &'a Work<'a>,
    batch: usize,
    default: Plan,
    /// None if the profile has nothing better for the shape than the defaults.
    tuned: Option<Plan>,
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
        let tuned = context.plan(problem).with_context(|| work.to_string())?;
        let tuned = (*tuned.source() != Source::Default).then_some(tuned);
        Ok(Self { work, batch, default, tuned })
    }

    /// What a reader of the numbers should know.
    fn note(&self) -> Option<String> {
        let (asked, class) = (self.default.problem().class, self.default.class());
        (asked != class).then(|| {
            let name = self.work.format.name;
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
        let plans: Vec<&Plan> =
            [Some(&self.default), self.tuned.as_ref()].into_iter().flatten().collect();
        let x = ring::activations(batch * work.depth);
        let mut out = vec![0.0; batch * work.rows];
        check::plans(context.pool(), &plans, ring.slot(0), &x, batch)
            .with_context(|| work.to_string())?;
        let used = *plans.last().expect("the default plan");
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
