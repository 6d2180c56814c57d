//! The numbers, for people and for programs.

use std::fmt::Write;

use comfy_table::{CellAlignment, Table, presets};
use kernels::{Plan, Source};
use runtime::Context;
use runtime::profile::Fingerprint;
use serde::Serialize;

use super::peaks::{Peaks, bound_name};
use super::time::Times;
use super::whole::Whole;
use super::work::Work;

/// Everything that was measured.
pub(crate) struct Report<'a> {
    pub(crate) title: &'a str,
    pub(crate) machine: Fingerprint,
    pub(crate) context: &'a Context,
    pub(crate) layers: Option<Layers>,
    pub(crate) whole: Option<Whole>,
    pub(crate) notes: Vec<String>,
}

/// What was measured of Linear layers.
pub(crate) struct Layers {
    pub(crate) peaks: Peaks,
    pub(crate) outcomes: Vec<Outcome>,
}

/// One shape and format at one batch. Rates are those of the plan in use: the tuned one, if any.
/// Where the tuner found nothing better than the defaults, `source` is `tuned` all the same, and
/// there is no second time.
#[derive(Serialize)]
pub(crate) struct Outcome {
    format: &'static str,
    rows: usize,
    depth: usize,
    count: usize,
    roles: String,
    #[serde(skip)]
    group: &'static str,
    #[serde(skip)]
    is_head: bool,
    bytes: usize,
    batch: usize,
    kernel: &'static str,
    source: &'static str,
    explain: String,
    default_ns: f64,
    tuned_ns: Option<f64>,
    samples: usize,
    gbps: f64,
    gmacs: f64,
    bound: &'static str,
    percent_of_bound: f64,
    speedup: Option<f64>,
}

impl Outcome {
    pub(crate) fn new(
        work: &Work<'_>,
        batch: usize,
        plan: &Plan,
        times: &[Times],
        (bound, bound_ns): (&'static str, f64),
    ) -> Self {
        let (default, used) = (times[0], times[times.len() - 1]);
        let tuned_ns = (times.len() > 1).then_some(used.ns);
        let source = match plan.source() {
            Source::Default => "default",
            Source::Tuned { .. } => "tuned",
            Source::Nearest { .. } => "nearest",
            Source::Given => "given",
        };
        Self {
            format: work.format.name,
            rows: work.rows,
            depth: work.depth,
            count: work.count,
            roles: work.roles.clone(),
            group: work.group,
            is_head: work.is_head(),
            bytes: work.bytes(),
            batch,
            kernel: plan.kernel(batch).name,
            source,
            explain: plan.explain(),
            default_ns: default.ns,
            tuned_ns,
            samples: used.samples,
            gbps: work.bytes() as f64 / used.ns,
            gmacs: (work.rows * work.depth * batch) as f64 / used.ns,
            bound,
            percent_of_bound: 100.0 * bound_ns / used.ns,
            speedup: tuned_ns.map(|tuned| default.ns / tuned),
        }
    }

    /// What a reader of the share should know.
    pub(crate) fn note(&self) -> Option<String> {
        /// Samples of a few, of the bound and of the layer, are no more exact than that.
        const SURE: f64 = 110.0;
        (self.percent_of_bound > SURE).then(|| {
            "shares above 100% say that the bound was measured low, because other programs took \
             the processor, or that weights came out of a cache: measure longer, on an idle machine"
                .to_owned()
        })
    }

    fn choice(&self) -> String {
        match (self.source, self.tuned_ns) {
            ("tuned" | "nearest", None) => format!("{}: default", self.source),
            (source, _) => source.to_owned(),
        }
    }

    fn used_ns(&self) -> f64 {
        self.tuned_ns.unwrap_or(self.default_ns)
    }
}

impl Report<'_> {
    /// For programs.
    pub(crate) fn json(&self) -> String {
        let layers = self.layers.as_ref();
        let peaks: Vec<_> = layers
            .into_iter()
            .flat_map(Layers::peak_rows)
            .map(
                |(name, isa, gmacs)| serde_json::json!({"bound": name, "isa": isa, "gmacs": gmacs}),
            )
            .collect();
        let value = serde_json::json!({
            "title": self.title,
            "machine": self.machine,
            "threads": self.context.pool().threads(),
            "profile": self.context.profile().map(|profile| &profile.name),
            "read_gbps": layers.map(|layers| layers.peaks.read_gbps),
            "peaks": peaks,
            "results": layers.map(|layers| &layers.outcomes),
            "model": self.whole,
            "notes": self.notes,
            "warnings": self.context.warnings(),
        });
        format!("{value:#}\n")
    }

    /// For people.
    pub(crate) fn table(&self) -> String {
        let mut text = String::new();
        self.write(&mut text).expect("writing to a string does not fail");
        text
    }

    /// Of each layer, why its kernels were chosen.
    pub(crate) fn reasons(&self) -> String {
        let outcomes = self.layers.iter().flat_map(|layers| &layers.outcomes);
        let mut lines: Vec<&str> = outcomes.map(|o| o.explain.as_str()).collect();
        lines.dedup();
        lines.extend(self.whole.as_ref().map(Whole::explanation));
        lines.into_iter().flat_map(|line| [line, "\n"]).collect()
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        let threads = self.context.pool().threads();
        writeln!(text, "{}: {} on {threads} threads", self.title, self.machine.class)?;
        if let Some(layers) = &self.layers {
            layers.write(text)?;
        }
        if let Some(whole) = &self.whole {
            write!(text, "{whole}")?;
        }
        for note in &self.notes {
            writeln!(text, "note: {note}")?;
        }
        if self.context.profile().is_none() {
            writeln!(text, "note: there is no profile; `cargo run -p tuning` measures one")?;
        }
        Ok(())
    }
}

impl Layers {
    fn write(&self, text: &mut String) -> std::fmt::Result {
        write!(text, "bounds: read {:.1} GB/s", self.peaks.read_gbps)?;
        for (name, isa, gmacs) in self.peak_rows() {
            write!(text, ", {name} {gmacs:.0} GMAC/s ({isa})")?;
        }
        writeln!(text, "\n{}", self.rows())?;
        self.totals(text)
    }

    fn rows(&self) -> Table {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING);
        table.set_header([
            "type", "N x K", "count", "batch", "kernel", "choice", "default", "tuned", "gain",
            "GB/s", "GMAC/s", "of bound", "layers",
        ]);
        for outcome in &self.outcomes {
            let share = format!("{:.0}% {}", outcome.percent_of_bound, outcome.bound);
            table.add_row([
                outcome.format.to_owned(),
                format!("{} x {}", outcome.rows, outcome.depth),
                outcome.count.to_string(),
                outcome.batch.to_string(),
                outcome.kernel.to_owned(),
                outcome.choice(),
                time(outcome.default_ns),
                outcome.tuned_ns.map_or_else(|| "-".to_owned(), time),
                outcome.speedup.map_or_else(|| "-".to_owned(), |gain| format!("{gain:.2}x")),
                format!("{:.1}", outcome.gbps),
                format!("{:.1}", outcome.gmacs),
                share,
                outcome.roles.clone(),
            ]);
        }
        for column in [2, 3, 6, 7, 8, 9, 10, 11] {
            let column = table.column_mut(column).expect("the header has thirteen columns");
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }

    /// By model and batch: what all layers take, one after the other.
    fn totals(&self, text: &mut String) -> std::fmt::Result {
        let kind = |outcome: &Outcome| (outcome.group, outcome.batch);
        let mut kinds: Vec<_> = self.outcomes.iter().map(kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        for (group, batch) in kinds {
            let counts = |o: &&Outcome| kind(o) == (group, batch) && !(o.is_head && batch > 1);
            let layers: Vec<&Outcome> = self.outcomes.iter().filter(counts).collect();
            if layers.iter().map(|outcome| outcome.count).sum::<usize>() < 2 {
                continue;
            }
            let sum = |of: fn(&Outcome) -> f64| {
                layers.iter().map(|outcome| of(outcome) * outcome.count as f64).sum::<f64>()
            };
            let (used, default) = (sum(Outcome::used_ns), sum(|outcome| outcome.default_ns));
            writeln!(
                text,
                "{group}, batch {batch}: all layers{} {}, with defaults {}; {:.1} GB/s, \
                 {:.1} GMAC/s, {:.1} tokens/s if nothing else took time",
                if batch > 1 { " but the head" } else { "" },
                time(used),
                time(default),
                sum(|outcome| outcome.bytes as f64) / used,
                sum(|outcome| (outcome.rows * outcome.depth * outcome.batch) as f64) / used,
                1e9 * batch as f64 / used,
            )?;
        }
        Ok(())
    }

    /// Bound, instruction set and GMAC/s of what was measured.
    fn peak_rows(&self) -> impl Iterator<Item = (&'static str, &'static str, f64)> {
        let peaks = self.peaks.multiply.iter();
        peaks.map(|((isa, class), peak)| (bound_name(*class), *isa, peak.gmacs))
    }
}

/// `1.23 ms`.
fn time(ns: f64) -> String {
    match ns {
        ..1e3 => format!("{ns:.0} ns"),
        ..1e6 => format!("{:.1} us", ns / 1e3),
        ..1e9 => format!("{:.2} ms", ns / 1e6),
        _ => format!("{:.2} s", ns / 1e9),
    }
}
