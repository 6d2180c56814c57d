//! What was measured, as Markdown that can be read on a terminal.

use std::fmt::Write;

use anyhow::Context as _;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use tuning::machine;

use crate::cli::Report;
use crate::ggml::TILES;
use crate::record::Record;
use crate::results::{Cell, Session, best, engines};
use crate::{candle, ggml, plot};

/// Ratios that the goals are about.
const GOALS: [f64; 3] = [1.0, 1.2, 1.5];

/// Tells what a record has: prints it, and writes the files asked for.
pub(crate) fn give(record: &Record, notes: &[&str], report: &Report) -> anyhow::Result<()> {
    let sessions = record.sessions();
    if sessions.is_empty() {
        eprintln!("nothing was measured");
        return Ok(());
    }
    let text = document(record, &sessions, notes);
    println!("{text}");
    if let Some(path) = &report.markdown {
        std::fs::write(path, text).with_context(|| path.display().to_string())?;
    }
    if let Some(path) = &report.plot {
        plot::draw(&sessions, path)?;
    }
    Ok(())
}

/// Other engines and their versions.
pub(crate) fn peers() -> String {
    format!("{}; {}", ggml::version(), candle::VERSION)
}

/// Everything: machine, bounds, products, errors, summary; and notes about them.
fn document(record: &Record, sessions: &[Session], notes: &[&str]) -> String {
    let mut text = String::new();
    for session in sessions {
        text += &chapter(session);
    }
    let notes: String = notes.iter().map(|note| format!("Note: {note}.\n\n")).collect();
    format!("{}{notes}{text}{}", head(record, sessions), errors(sessions))
}

fn head(record: &Record, sessions: &[Session]) -> String {
    let Some(last) = sessions.last() else { return String::new() };
    let mut text = "```text\n".to_owned();
    for line in machine::describe(&best(&last.peaks)) {
        text += &format!("{line}\n");
    }
    let mut runs = record.runs();
    if let Some(first) = runs.next() {
        let _ = writeln!(text, "peers    {}", first.setup.peers);
        let _ = writeln!(text, "run      {}, peers {}", first.at, first.arguments);
    }
    if let Some(last) = runs.last() {
        let _ = writeln!(text, "to       {}, in {} runs", last.at, record.runs().count());
    }
    text + "```\n\n"
}

/// A product in a line, while others are measured.
pub(crate) fn line(cell: &Cell) -> String {
    let Cell { format, rows, depth, batch, scores, .. } = cell;
    let mut text = format!("{format} {rows} x {depth}, M = {batch}: ");
    text += &scores.first().map_or_else(String::new, |score| time(score.seconds));
    for (name, score) in cell.engines().skip(1) {
        let _ = write!(text, "; {name} {:.2}", score.ratio);
    }
    text
}

/// The products with one number of threads, and what they come to.
fn chapter(session: &Session) -> String {
    let Session { peaks, cells, .. } = session;
    let mut text = format!("### {}\n\n", session.threads());
    let reads = || peaks.iter().map(|peaks| peaks.read_gbps);
    let least = reads().fold(f64::INFINITY, f64::min);
    let _ = writeln!(
        text,
        "Memory is read at {:.1} GB/s at best; before each format it was {least:.1} and more.\n",
        best(peaks).read_gbps
    );
    let engines = engines(cells);
    let Some((ours, others)) = engines.split_first() else { return text };
    let mut header =
        ["weights", "M", "class", ours, "GB/s", "GMAC/s", "of bound"].map(String::from).to_vec();
    header.extend(others.iter().map(|name| (*name).to_owned()));
    let mut table = table(&header);
    for cell in cells {
        table.add_row(row(session, cell, others));
    }
    let _ = writeln!(text, "{table}\n");
    let _ = writeln!(text, "{}\n", summary(cells, others));
    text
}

fn row(session: &Session, cell: &Cell, others: &[&str]) -> Vec<String> {
    let Cell { format, rows, depth, batch, bytes, scores, .. } = cell;
    let seconds = scores[0].seconds;
    let macs = (rows * depth * batch) as f64;
    let mut row = vec![
        format!("{format} {rows} x {depth}"),
        batch.to_string(),
        scores[0].engine.clone(),
        time(seconds),
        format!("{:.1}", *bytes as f64 / seconds * 1e-9),
        format!("{:.1}", macs / seconds * 1e-9),
        session.bound(cell).map_or("unknown".to_owned(), |bound| {
            format!("{:.0} % {}", 100.0 * bound.seconds / seconds, bound.peak)
        }),
    ];
    row.extend(others.iter().map(|name| {
        let ratio = cell.ratio(name);
        ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"))
    }));
    row
}

impl Cell {
    /// How many times longer an engine took than ours.
    fn ratio(&self, engine: &str) -> Option<f64> {
        self.engines().find(|(name, _)| *name == engine).map(|(_, score)| score.ratio)
    }

    /// The same of the best of ggml's layouts that every processor has.
    fn ratio_of_ggml(&self) -> Option<f64> {
        let peers = self.scores.iter().skip(1).filter(|score| score.engine.starts_with("ggml"));
        let peers = peers.filter(|score| score.engine != TILES).map(|score| score.ratio);
        peers.reduce(f64::min)
    }
}

fn time(seconds: f64) -> String {
    match seconds {
        ..1e-3 => format!("{:.0} us", seconds * 1e6),
        ..1.0 => format!("{:.2} ms", seconds * 1e3),
        _ => format!("{seconds:.2} s"),
    }
}

/// For each batch and engine: how many times faster Tilewright is, on the whole and at least.
fn summary(cells: &[Cell], others: &[&str]) -> Table {
    let mut header = ["M", "beside", "mean", "least", "by"].map(String::from).to_vec();
    header.extend(GOALS.map(|goal| format!("{goal:.1} and more")));
    let mut table = table(&header);
    let mut batches: Vec<usize> = cells.iter().map(|cell| cell.batch).collect();
    batches.sort_unstable();
    batches.dedup();
    for batch in batches {
        let of_batch = || cells.iter().filter(|cell| cell.batch == batch);
        let mut add = |name: &str, ratio: &dyn Fn(&Cell) -> Option<f64>| {
            let ratios: Vec<(f64, &Cell)> =
                of_batch().filter_map(|cell| Some((ratio(cell)?, cell))).collect();
            let Some(least) = ratios.iter().min_by(|a, b| a.0.total_cmp(&b.0)) else { return };
            let logs: f64 = ratios.iter().map(|(ratio, _)| ratio.ln()).sum();
            let mut row = vec![
                batch.to_string(),
                name.to_owned(),
                format!("{:.2}", (logs / ratios.len() as f64).exp()),
                format!("{:.2}", least.0),
                format!("{} {} x {}", least.1.format, least.1.rows, least.1.depth),
            ];
            row.extend(GOALS.map(|goal| {
                let reach = ratios.iter().filter(|(ratio, _)| *ratio >= goal).count();
                format!("{reach} of {}", ratios.len())
            }));
            table.add_row(row);
        };
        add("ggml's best but AMX", &Cell::ratio_of_ggml);
        for name in others {
            add(name, &|cell| cell.ratio(name));
        }
    }
    table
}

/// How far results are from the exact product: it does not depend on shape or threads, so the
/// largest of all is told.
fn errors(sessions: &[Session]) -> String {
    let cells: Vec<&Cell> = sessions.iter().flat_map(|session| &session.cells).collect();
    let engines = engines(cells.iter().copied());
    let mut formats: Vec<&str> = vec![];
    for cell in &cells {
        if !formats.contains(&cell.format.as_str()) {
            formats.push(&cell.format);
        }
    }
    let mut header = vec!["weights".to_owned()];
    header.extend(engines.iter().map(|name| (*name).to_owned()));
    let mut table = table(&header);
    for format in formats {
        let error = |engine: &&str| {
            let of_format = cells.iter().filter(|cell| cell.format == format);
            let scores = of_format.flat_map(|cell| cell.engines());
            let errors = scores.filter(|(name, _)| name == engine).map(|(_, score)| score.error);
            errors.reduce(f64::max).map_or_else(String::new, |error| format!("{error:.1e}"))
        };
        let mut row = vec![format.to_owned()];
        row.extend(engines.iter().map(error));
        table.add_row(row);
    }
    format!(
        "### Errors\n\nSquared, in units of the squared exact product; the largest.\n\n{table}\n"
    )
}

/// A Markdown table; columns from the second on align right.
pub(crate) fn table(header: &[String]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Score;
    use kernels::isa;
    use runtime::profile::Peaks;

    fn cell(format: &str, scores: &[(&str, f64)]) -> Cell {
        let score = |&(engine, ratio): &(&str, f64)| Score {
            engine: engine.to_owned(),
            seconds: ratio * 1e-3,
            ratio,
            error: 1e-5,
        };
        Cell {
            threads: 2,
            format: format.to_owned(),
            rows: 1000,
            depth: 1024,
            batch: 1,
            bytes: 576_000,
            isa: isa::best().name.to_owned(),
            scores: scores.iter().map(score).collect(),
        }
    }

    #[test]
    fn a_product_is_told_with_its_rates_and_everybodys_ratio() {
        let cell = cell("Q4_0", &[("q8", 1.0), ("ggml", 1.5), ("ggml AMX", 0.5)]);
        // The best of both counts: 0.9 ms to read the weights.
        let peaks = [0.5, 0.64].map(|read_gbps| Peaks {
            threads: 2,
            read_gbps,
            dot_gmacs: [(isa::best().name.to_owned(), 100.0)].into(),
            ..Peaks::default()
        });
        let session = Session { threads: 2, peaks: peaks.into(), cells: vec![] };
        let row = row(&session, &cell, &["ggml", "candle", "ggml AMX"]);
        let want = [
            "Q4_0 1000 x 1024",
            "1",
            "q8",
            "1.00 ms",
            "0.6",
            "1.0",
            "90 % read",
            "1.50",
            "",
            "0.50",
        ];
        assert_eq!(row, want);
        assert_eq!(cell.ratio_of_ggml(), Some(1.5));
        let line = line(&cell);
        assert_eq!(line, "Q4_0 1000 x 1024, M = 1: 1.00 ms; ggml 1.50; ggml AMX 0.50");
    }

    #[test]
    fn a_summary_names_the_least() {
        let cells = [
            cell("Q4_0", &[("q8", 1.0), ("ggml", 4.0), ("ggml CPU_REPACK", 2.0)]),
            cell("Q8_0", &[("q8", 1.0), ("ggml", 0.5)]),
        ];
        let text = summary(&cells, &["ggml", "ggml CPU_REPACK"]).to_string();
        let best = text.lines().nth(2).unwrap();
        // The mean of 2 and 1/2 is 1.
        for part in ["best but AMX", "1.00", "0.50", "Q8_0", "1 of 2"] {
            assert!(best.contains(part), "{part}: {best}");
        }
        assert_eq!(text.lines().count(), 2 + 3);
    }

    #[test]
    fn dense_weights_of_another_class_stay_in_the_first_column() {
        let cells = [
            cell("BF16", &[("bf16", 1.0), ("ggml", 0.5)]),
            cell("Q4_0", &[("q8", 1.0), ("Tilewright q8_256", 0.9), ("ggml", 4.0)]),
        ];
        assert_eq!(engines(&cells), ["Tilewright", "Tilewright q8_256", "ggml"]);
    }
}
