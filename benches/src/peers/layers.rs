//! Products of weight matrices: every format, shape, batch and number of threads.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use kernels::{FormatInfo, Numerics, Pool, Profile, Selection, formats};
use runtime::profile;
use tuning::rng::Rng;
use tuning::stats::{self, Gain};
use tuning::{data, machine, space};

use crate::candle::{self, Candle};
use crate::cli::Layers;
use crate::contest::{self, Contestant, Effort};
use crate::ggml::{self, Ggml, Layout, TILES, Tiles, Weights};
use crate::interrupt::Interrupt;
use crate::ours::Ours;
use crate::record::{Line, Record, Run, Setup};
use crate::results::{Cell, OURS, Score, in_words};
use crate::weights::{self, Exact, Matrix};
use crate::{report, tiles};

/// A result this far from the exact product is wrong. Activations in int8 by groups of 256, with
/// outliers, come to about 0.003; what is really wrong comes to 1 and more.
const WRONG: f64 = 0.05;
/// What a build for this very processor does to Tilewright on AMD's.
const SSE4A: &str = "this build may use SSE4a, which has no AVX form: each such instruction in a \
    loop of AVX can cost 150 ns, and makes Tilewright's decode up to 50 times slower; add \
    `-C target-feature=-sse4a` to RUSTFLAGS";
/// What has glibc ask for huge pages. In small ones, where in memory an engine's weights happen to
/// lie makes it up to a quarter faster or slower than another.
const HUGE_PAGES: (&str, &str) = ("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1");
/// Measuring the bounds, before each format.
const PROBE: Duration = Duration::from_millis(1500);

/// Measures what the record lacks, and reports all that it has. Whether all that was asked for is
/// measured.
pub(crate) fn run(args: &Layers) -> anyhow::Result<bool> {
    if let Some(threads) = args.alone {
        measure(args, threads)?;
        return Ok(true);
    }
    let (mut notes, mut more) = (vec![], vec![]);
    if !args.without_tiles && !tiles::work()? {
        notes.push(tiles::REMEDY);
        more.push("--without-tiles");
    }
    if cfg!(target_feature = "sse4a") {
        notes.push(SSE4A);
    }
    let mut record = Record::open(args.record.as_deref(), this_run(args, &more)?)?;
    let interrupt = Interrupt::listen()?;
    let end = args.minutes.map(|minutes| Instant::now() + Duration::from_secs_f64(60.0 * minutes));
    let mut outcome = Ok(true);
    for threads in args.threads() {
        outcome = apart(threads, &more, &mut record, &interrupt, end);
        if !matches!(outcome, Ok(true)) {
            break;
        }
    }
    if let Ok(false) = outcome {
        notes.push("this run ended before everything was measured");
    }
    // What was measured before something failed is worth telling, too.
    report::give(&record, &notes, &args.report)?;
    outcome
}

/// This run, as a record tells of it. `more` are arguments that leave out tiles, if any.
fn this_run(args: &Layers, more: &[&str]) -> anyhow::Result<Run> {
    let program = std::env::current_exe().and_then(std::fs::read).context("this program's file")?;
    let mut hasher = DefaultHasher::new();
    program.hash(&mut hasher);
    let classes: Vec<&str> = args.class.iter().map(|class| class.name()).collect();
    Ok(Run {
        at: profile::now(),
        arguments: std::env::args().skip(1).collect::<Vec<_>>().join(" "),
        setup: Setup {
            machine: profile::machine().class,
            peers: report::peers(),
            program: format!("{:016x}", hasher.finish()),
            classes: classes.join(","),
            tiles: more.is_empty() && !args.without_tiles,
            seed: args.seed,
            cold: args.cold(),
        },
    })
}

/// Measures with so many threads in a process of its own: candle starts its threads once, as many
/// as its environment says. `false` if that was interrupted, or time was up.
fn apart(
    threads: usize,
    more: &[&str],
    record: &mut Record,
    interrupt: &Interrupt,
    end: Option<Instant>,
) -> anyhow::Result<bool> {
    if interrupt.came() || end.is_some_and(|end| Instant::now() >= end) {
        return Ok(false);
    }
    let program = std::env::current_exe().context("this program's file")?;
    let number = threads.to_string();
    let mut child = Command::new(program)
        .args(std::env::args_os().skip(1))
        .args(["--alone", &number])
        .args(more)
        .envs(candle::THREADS.map(|name| (name, &number)))
        .env(HUGE_PAGES.0, HUGE_PAGES.1)
        .stdout(Stdio::piped())
        .spawn()
        .context("this program could not be started again")?;
    let lines = child.stdout.take().context("its output")?;
    interrupt.ends(child);
    let mut late = false;
    for line in BufReader::new(lines).lines() {
        // It may have been ended in the middle of a line.
        let Ok(line) = serde_json::from_str::<Line>(&line?) else { break };
        let is_cell = matches!(line, Line::Cell(_));
        record.add(line)?;
        late = is_cell && end.is_some_and(|end| Instant::now() >= end);
        if late {
            interrupt.end();
            break;
        }
    }
    let status = interrupt.take().context("measuring")?.wait()?;
    if interrupt.came() || (late && !status.success()) {
        return Ok(false);
    }
    ensure!(status.success(), "measuring with {}: {status}", in_words(threads));
    Ok(true)
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
    progress: Progress,
}

/// Products of one matrix that are to be measured.
struct Open {
    shape: (usize, usize),
    batches: Vec<usize>,
}

/// Measures what the record lacks, and prints its lines for the parent.
fn measure(args: &Layers, threads: usize) -> anyhow::Result<()> {
    let all = formats::all();
    let shared = all.iter().filter(|format| ggml::type_of(format).is_some());
    let formats: Vec<&FormatInfo> = match args.formats.is_empty() {
        true => shared.filter(|format| format.name != "F32").copied().collect(),
        false => args.formats.clone(),
    };
    let open = open(args, threads, &formats)?;
    let products: usize =
        open.iter().flat_map(|(_, open)| open).map(|open| open.batches.len()).sum();
    if products == 0 {
        return Ok(());
    }
    let loaded = profile::load_default();
    loaded.warnings.iter().for_each(|warning| eprintln!("{warning}"));
    let ggml = Ggml::new(threads)?;
    let mut layouts = ggml.layouts();
    layouts.retain(|layout| !(args.without_tiles && layout.name == TILES));
    let mut bench = Bench {
        args,
        pool: Pool::new(threads)?,
        ggml,
        tiles: Tiles::beside(&layouts),
        layouts,
        profile: loaded.profile,
        progress: Progress::new(products, threads),
    };
    for (format, open) in open {
        bench.progress.begin(&format!("{}, the machine's bounds", format.name));
        tell(&Line::Peaks(machine::peaks(threads, &space::isas(), args.cold(), PROBE)))?;
        for matrix in open {
            let (rows, depth) = matrix.shape;
            let what = || format!("{} {rows} x {depth} with {}", format.name, in_words(threads));
            bench.matrix(format, &matrix).with_context(what)?;
        }
    }
    Ok(())
}

/// By format, what was asked for and the record does not have.
fn open<'f>(
    args: &Layers,
    threads: usize,
    formats: &[&'f FormatInfo],
) -> anyhow::Result<Vec<(&'f FormatInfo, Vec<Open>)>> {
    let record = match &args.record {
        Some(path) if path.exists() => Some(Record::load(path)?),
        _ => None,
    };
    let is_known = |format: &FormatInfo, (rows, depth): (usize, usize), batch: usize| {
        let mut known = record.iter().flat_map(Record::cells);
        known.any(|cell| {
            (cell.threads, &*cell.format) == (threads, format.name)
                && (cell.rows, cell.depth, cell.batch) == (rows, depth, batch)
        })
    };
    let of_format = |format: &'f FormatInfo| {
        let of_shape = |&shape: &(usize, usize)| {
            let batches = args.batches().iter().copied();
            Open { shape, batches: batches.filter(|m| !is_known(format, shape, *m)).collect() }
        };
        let open = args.shapes().iter().map(of_shape).filter(|open| !open.batches.is_empty());
        (format, open.collect::<Vec<_>>())
    };
    let all = formats.iter().map(|format| of_format(format));
    Ok(all.filter(|(_, open)| !open.is_empty()).collect())
}

/// Gives the parent a line.
fn tell(line: &Line) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(line)?);
    Ok(())
}

/// How far it is: a bar on terminals, and a line for each product everywhere; on standard error.
struct Progress {
    bar: ProgressBar,
    threads: usize,
    done: usize,
    products: usize,
}

impl Progress {
    fn new(products: usize, threads: usize) -> Self {
        let style = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} {msg}, {eta} left");
        let bar = ProgressBar::new(products as u64)
            .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
            .with_prefix(in_words(threads));
        Self { bar, threads, done: 0, products }
    }

    fn begin(&self, what: &str) {
        self.bar.set_message(what.to_owned());
        self.bar.tick();
    }

    fn end(&mut self, cell: &Cell) {
        self.done += 1;
        let Self { bar, threads, done, products } = self;
        bar.suspend(|| {
            eprintln!("{done:>4}/{products}  {}  {}", in_words(*threads), report::line(cell));
        });
        bar.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Bench<'_> {
    /// All batches of one matrix that are open.
    fn matrix(&mut self, format: &'static FormatInfo, open: &Open) -> anyhow::Result<()> {
        let Self { args, pool, ggml, layouts, tiles, profile, progress } = self;
        let (rows, depth) = open.shape;
        progress.begin(&format!("{} {rows} x {depth}", format.name));
        let mut rng = Rng::new(args.seed);
        let blocks = weights::blocks(format, (rows, depth), &mut rng)?;
        let exact = Exact::new(format, (rows, depth), &blocks)?;
        // There are two engines at least, so that all copies are as large as they should be.
        let copies = args.cold().div_ceil(2 * blocks.len());
        let matrix = Matrix { format, rows, depth, bytes: &blocks, copies };
        let ours = ours(args, pool, profile.as_ref(), matrix)?;
        let isa = ours[0].plan().isa().name;
        let classes = ours.len();
        let mut engines: Vec<Box<dyn Contestant + '_>> = vec![];
        engines.extend(ours.into_iter().map(|ours| Box::new(ours) as _));
        for layout in layouts.iter() {
            let weights = Weights::new(ggml, layout, matrix)?;
            engines.extend(weights.map(|weights| Box::new(weights) as _));
        }
        let candle = Candle::new(tiles, matrix)?;
        engines.extend(candle.map(|candle| Box::new(candle) as _));

        let effort = Effort { time: Duration::from_secs_f64(args.seconds) };
        for &batch in &open.batches {
            progress.begin(&format!("{} {rows} x {depth}, M = {batch}", format.name));
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
            let cell = Cell {
                threads: pool.threads(),
                format: format.name.to_owned(),
                rows,
                depth,
                batch,
                bytes: blocks.len(),
                isa: isa.to_owned(),
                scores: (0..engines.len()).map(score).collect(),
            };
            progress.end(&cell);
            tell(&Line::Cell(cell))?;
        }
        Ok(())
    }
}

/// Tilewright in the classes asked for, without those that come to the same.
fn ours<'p>(
    args: &Layers,
    pool: &'p Pool,
    profile: Option<&Profile>,
    matrix: Matrix<'_>,
) -> anyhow::Result<Vec<Ours<'p>>> {
    let selection = Selection { profile, threads: pool.threads(), ..Selection::default() };
    let mut all: Vec<Ours<'_>> = vec![];
    let classes = match matrix.format.name {
        // Exact first, as it is with peers; rounded to bfloat16 by name.
        "F16" => &[Numerics::F32, Numerics::Bf16],
        "BF16" => &[Numerics::Bf16][..],
        _ => &args.class,
    };
    for &class in classes {
        let ours = Ours::new(pool, &selection, class, matrix)?;
        if all.iter().all(|other| other.plan().class() != ours.plan().class()) {
            all.push(ours);
        }
    }
    Ok(all)
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
