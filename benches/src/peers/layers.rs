//! Products of weight matrices: every format, shape, batch and number of threads.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use kernels::{FormatInfo, IsaInfo, Numerics, Pool, Problem, Profile, Selection, formats};
use runtime::profile::{self, Peaks};
use serde::{Deserialize, Serialize};
use tuning::rng::Rng;
use tuning::stats::{self, Gain};
use tuning::{data, machine, space};

use crate::candle::{self, Candle};
use crate::cli::Layers;
use crate::contest::{self, Contestant, Effort};
use crate::ggml::{self, Ggml, Layout, TILES, Tiles, Weights};
use crate::ours::Ours;
use crate::weights::{self, Exact, Matrix};
use crate::{plot, report, tiles};

/// The most that weights are made to take by default, however large the caches are.
const MOST_COLD: usize = 2 << 30;
/// A result this far from the exact product is wrong. Activations in int8 by groups of 256, with
/// outliers, come to about 0.003; what is really wrong comes to 1 and more.
const WRONG: f64 = 0.05;
/// Measuring the bounds, before each format.
const PROBE: Duration = Duration::from_millis(1500);

/// Everything measured with one number of threads.
#[derive(Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) threads: usize,
    /// What the machine could do, as measured before each format.
    pub(crate) peaks: Vec<Peaks>,
    pub(crate) cells: Vec<Cell>,
}

impl Session {
    /// How many, in words.
    pub(crate) fn threads(&self) -> String {
        format!("{} thread{}", self.threads, if self.threads == 1 { "" } else { "s" })
    }
}

/// One product by all engines.
#[derive(Serialize, Deserialize)]
pub(crate) struct Cell {
    pub(crate) format: String,
    pub(crate) rows: usize,
    pub(crate) depth: usize,
    pub(crate) batch: usize,
    /// Of the weights in a file.
    pub(crate) bytes: usize,
    /// What bounds it (`read`, `dot`, `fma`), and the seconds that it takes at least.
    pub(crate) bound: Option<(String, f64)>,
    /// Tilewright's first, in the class that all are compared with.
    pub(crate) scores: Vec<Score>,
}

impl Cell {
    /// Each engine with its score. The first is called Tilewright, whichever its class; further
    /// classes have theirs in their names.
    pub(crate) fn engines(&self) -> impl Iterator<Item = (&str, &Score)> {
        let peers = self.scores.iter().skip(1).map(|score| (score.engine.as_str(), score));
        self.scores.iter().take(1).map(|score| (OURS, score)).chain(peers)
    }
}

/// Names of all engines in alphabetical order; so Tilewright is the first.
pub(crate) fn engines<'c>(cells: impl IntoIterator<Item = &'c Cell>) -> Vec<&'c str> {
    let names = cells.into_iter().flat_map(|cell| cell.engines().map(|(name, _)| name));
    let names: BTreeSet<&str> = names.collect();
    names.into_iter().collect()
}

/// Tilewright among engines.
const OURS: &str = "Tilewright";

/// What one engine made of it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Score {
    pub(crate) engine: String,
    /// Median of a call's seconds.
    pub(crate) seconds: f64,
    /// Median of its time over that of the first engine in the same round.
    pub(crate) ratio: f64,
    /// Squared error of the result in units of the squared result.
    pub(crate) error: f64,
}

/// Measures and reports.
pub(crate) fn run(args: &Layers) -> anyhow::Result<()> {
    if let Some(threads) = args.alone {
        println!("{}", serde_json::to_string(&measure(args, threads)?)?);
        return Ok(());
    }
    let (mut notes, mut more) = (vec![], vec![]);
    if !tiles::work()? {
        notes.push(tiles::REMEDY);
        more.push("--without-tiles");
    }
    let sessions = args.threads().into_iter().map(|threads| apart(threads, &more));
    let sessions = sessions.collect::<anyhow::Result<Vec<Session>>>()?;
    let text = report::document(&sessions, &notes);
    println!("{text}");
    if let Some(path) = &args.markdown {
        std::fs::write(path, text).with_context(|| path.display().to_string())?;
    }
    if let Some(path) = &args.plot {
        plot::draw(&sessions, path)?;
    }
    Ok(())
}

/// Measures with so many threads in a process of its own: candle starts its threads once, as many
/// as its environment says.
fn apart(threads: usize, more: &[&str]) -> anyhow::Result<Session> {
    let program = std::env::current_exe().context("this program's file")?;
    let number = threads.to_string();
    let child = Command::new(program)
        .args(std::env::args_os().skip(1))
        .args(["--alone", &number])
        .args(more)
        .envs(candle::THREADS.map(|name| (name, &number)))
        .stdout(Stdio::piped())
        .spawn()
        .context("this program could not be started again")?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "measuring with {threads} threads: {}", output.status);
    serde_json::from_slice(&output.stdout).context("what was measured is no JSON")
}

/// Engines that all products share, and what decides about them.
struct Bench<'a> {
    args: &'a Layers,
    pool: Pool,
    ggml: Ggml,
    layouts: Vec<Layout>,
    /// candle's.
    tiles: Tiles,
    profile: Option<Profile>,
    cold: usize,
    progress: ProgressBar,
}

fn measure(args: &Layers, threads: usize) -> anyhow::Result<Session> {
    let all = formats::all();
    let shared = all.iter().filter(|format| ggml::type_of(format).is_some());
    let formats: Vec<&FormatInfo> = match args.formats.is_empty() {
        true => shared.filter(|format| format.name != "F32").copied().collect(),
        false => args.formats.clone(),
    };
    let loaded = profile::load_default();
    loaded.warnings.iter().for_each(|warning| eprintln!("{warning}"));
    let cold = (machine::COLD * machine::last_level_cache()).min(MOST_COLD);
    let products = formats.len() * args.shapes().len() * args.batches().len();
    let ggml = Ggml::new(threads)?;
    let mut layouts = ggml.layouts();
    layouts.retain(|layout| !(args.without_tiles && layout.name == TILES));
    let bench = Bench {
        args,
        pool: Pool::new(threads)?,
        ggml,
        tiles: Tiles::beside(&layouts),
        layouts,
        profile: loaded.profile,
        cold: args.cold.map_or(cold, |mib| (mib as usize) << 20),
        progress: progress(products, threads),
    };
    let (mut peaks, mut products) = (vec![], vec![]);
    for format in formats {
        bench.progress.set_message(format.name);
        peaks.push(machine::peaks(threads, &space::isas(), bench.cold, PROBE));
        for &shape in args.shapes() {
            let found = bench.matrix(format, shape);
            products.extend(found.with_context(|| {
                format!("{} {} x {} with {threads} threads", format.name, shape.0, shape.1)
            })?);
        }
    }
    bench.progress.finish_and_clear();
    // Against the best of the whole run: a bound that is too low would flatter.
    let best = best(&peaks);
    let bounded = |Product { mut cell, problem, with }: Product| {
        let bound = machine::bound(&best, &problem, with, cell.batch);
        cell.bound = bound.map(|bound| (bound.peak.to_owned(), bound.seconds));
        cell
    };
    let cells = products.into_iter().map(bounded).collect();
    Ok(Session { threads, peaks, cells })
}

fn progress(products: usize, threads: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} {msg}, {eta} left");
    ProgressBar::new(products as u64)
        .with_style(style.expect("a valid template"))
        .with_prefix(format!("{threads} threads"))
}

/// A cell, and what its bound depends on.
struct Product {
    cell: Cell,
    problem: Problem,
    with: (&'static IsaInfo, Numerics),
}

impl Bench<'_> {
    /// All batches of one matrix.
    fn matrix(
        &self,
        format: &'static FormatInfo,
        (rows, depth): (usize, usize),
    ) -> anyhow::Result<Vec<Product>> {
        let mut rng = Rng::new(self.args.seed);
        let blocks = weights::blocks(format, (rows, depth), &mut rng)?;
        let exact = Exact::new(format, (rows, depth), &blocks)?;
        // There are two engines at least, so that all copies are as large as they should be.
        let copies = self.cold.div_ceil(2 * blocks.len());
        let matrix = Matrix { format, rows, depth, bytes: &blocks, copies };
        let ours = self.ours(matrix)?;
        let plan = ours[0].plan();
        let (problem, with) = (*plan.problem(), (plan.isa(), plan.class()));
        let classes = ours.len();
        let mut engines: Vec<Box<dyn Contestant + '_>> = vec![];
        engines.extend(ours.into_iter().map(|ours| Box::new(ours) as _));
        for layout in &self.layouts {
            let weights = Weights::new(&self.ggml, layout, matrix)?;
            engines.extend(weights.map(|weights| Box::new(weights) as _));
        }
        let candle = Candle::new(&self.tiles, matrix)?;
        engines.extend(candle.map(|candle| Box::new(candle) as _));

        let effort = Effort { time: Duration::from_secs_f64(self.args.seconds) };
        let mut products = vec![];
        for &batch in self.args.batches() {
            let x = data::activations(batch * depth, &mut rng);
            let mut errors = vec![];
            for engine in &mut engines {
                errors.push(check(&mut **engine, &exact, &x, batch)?);
            }
            let times = contest::run(&mut engines, effort, &mut rng)?;
            let score = |n: usize| Score {
                engine: match engines[n].name() {
                    class if (1..classes).contains(&n) => format!("{OURS} {class}"),
                    name => name.to_owned(),
                },
                seconds: stats::median(&times[n]),
                ratio: Gain::of(&times[n], &times[0]).ratio,
                error: errors[n],
            };
            let scores = (0..engines.len()).map(score).collect();
            let (format, bytes) = (format.name.to_owned(), blocks.len());
            let cell = Cell { format, rows, depth, batch, bytes, bound: None, scores };
            products.push(Product { cell, problem, with });
            self.progress.inc(1);
        }
        Ok(products)
    }

    /// Tilewright in the classes asked for, without those that come to the same.
    fn ours(&self, matrix: Matrix<'_>) -> anyhow::Result<Vec<Ours<'_>>> {
        let threads = self.pool.threads();
        let selection =
            Selection { profile: self.profile.as_ref(), threads, ..Selection::default() };
        let mut all: Vec<Ours<'_>> = vec![];
        for &class in &self.args.class {
            let class = match matrix.format.name {
                "F16" | "BF16" => Numerics::Bf16,
                _ => class,
            };
            let ours = Ours::new(&self.pool, &selection, class, matrix)?;
            if all.iter().all(|other| other.plan().class() != ours.plan().class()) {
                all.push(ours);
            }
        }
        Ok(all)
    }
}

/// Prepares an engine, and compares what it makes of it with the exact product.
fn check(
    engine: &mut dyn Contestant,
    exact: &Exact,
    x: &[f32],
    batch: usize,
) -> anyhow::Result<f64> {
    let name = engine.name().to_owned();
    let mut look = || {
        engine.prepare(x, batch)?;
        engine.multiply()?;
        let error = exact.error(x, &engine.out()?);
        engine.rest();
        ensure!(error < WRONG, "the result is wrong: an error of {error:.2e}");
        Ok(error)
    };
    look().with_context(|| format!("{name}, batch {batch}"))
}

/// The best of each.
pub(crate) fn best(peaks: &[Peaks]) -> Peaks {
    let mut best = Peaks::default();
    for peaks in peaks {
        best.threads = peaks.threads;
        best.read_gbps = best.read_gbps.max(peaks.read_gbps);
        let both =
            [(&mut best.dot_gmacs, &peaks.dot_gmacs), (&mut best.fma_gmacs, &peaks.fma_gmacs)];
        for (best, found) in both {
            for (isa, gmacs) in found {
                let best = best.entry(isa.clone()).or_insert(0.0);
                *best = best.max(*gmacs);
            }
        }
    }
    best
}
