//! A file of what was measured, a line of JSON for each product as soon as it is known.
//!
//! So a run that takes hours may be interrupted and go on later, or be split: products that the
//! file has are not measured again. All that is in a file must be comparable, so it tells what was
//! measured by what ([`Setup`]), and a run of another kind does not go on with it.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use kernels::formats;
use runtime::profile::Peaks;
use serde::{Deserialize, Serialize};

use crate::results::{Cell, Session};

/// A line of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Line {
    /// What measured the lines after it.
    Run(Run),
    /// Bounds, as found before a format.
    Peaks(Peaks),
    /// A product.
    Cell(Cell),
}

/// A run of this program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Run {
    /// When it began.
    pub(crate) at: String,
    /// How it was called.
    pub(crate) arguments: String,
    pub(crate) setup: Setup,
}

/// What all runs of a file have in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Setup {
    /// Class of the machine.
    pub(crate) machine: String,
    /// Versions of the other engines.
    pub(crate) peers: String,
    /// Hash of this program.
    pub(crate) program: String,
    /// Classes of Tilewright's products.
    pub(crate) classes: String,
    /// Whether AMX kernels of ggml take part.
    pub(crate) tiles: bool,
    pub(crate) seed: u64,
    /// Bytes that count as larger than the caches.
    pub(crate) cold: usize,
}

impl Setup {
    /// The first thing that is not the same: what, there, here.
    fn differs(&self, other: &Self) -> Option<(&'static str, String, String)> {
        let all = |setup: &Self| {
            let Setup { machine, peers, program, classes, tiles, seed, cold } = setup.clone();
            let tiles = if tiles { "with AMX" } else { "without AMX" }.to_owned();
            let (seed, cold) = (seed.to_string(), cold.to_string());
            [
                ("the machine", machine),
                ("the peers", peers),
                ("the program", program),
                ("--class", classes),
                ("ggml's layouts", tiles),
                ("--seed", seed),
                ("--cold", cold),
            ]
        };
        let mut both = all(self).into_iter().zip(all(other));
        both.find(|(a, b)| a != b).map(|((what, there), (_, here))| (what, there, here))
    }
}

/// What was measured, here and before.
pub(crate) struct Record {
    file: Option<(PathBuf, File)>,
    lines: Vec<Line>,
    /// This run, as long as it has measured nothing.
    run: Option<Run>,
}

impl Record {
    /// Goes on with what a file has, if there is one. Without a file it is only in memory.
    pub(crate) fn open(path: Option<&Path>, run: Run) -> anyhow::Result<Self> {
        let Some(path) = path else {
            return Ok(Self { file: None, lines: vec![], run: Some(run) });
        };
        let (lines, good) = read(path)?;
        for line in &lines {
            let Line::Run(before) = line else { continue };
            if let Some((what, there, here)) = before.setup.differs(&run.setup) {
                let name = path.display();
                bail!(
                    "{name} was measured otherwise, {what}: {there} there, {here} here. Another \
                     --record starts anew; `peers report {name}` tells what this one has"
                );
            }
        }
        let name = || path.display().to_string();
        let mut options = OpenOptions::new();
        let file = options.create(true).append(true).open(path).with_context(name)?;
        file.set_len(good as u64).with_context(name)?;
        Ok(Self { file: Some((path.to_owned(), file)), lines, run: Some(run) })
    }

    /// What a file has, to look at.
    pub(crate) fn load(path: &Path) -> anyhow::Result<Self> {
        ensure!(path.exists(), "{}: there is no such file", path.display());
        Ok(Self { file: None, lines: read(path)?.0, run: None })
    }

    /// Keeps a line.
    pub(crate) fn add(&mut self, line: Line) -> anyhow::Result<()> {
        if let Some(run) = self.run.take() {
            self.keep(Line::Run(run))?;
        }
        self.keep(line)
    }

    fn keep(&mut self, line: Line) -> anyhow::Result<()> {
        if let Some((path, file)) = &mut self.file {
            let text = format!("{}\n", serde_json::to_string(&line)?);
            file.write_all(text.as_bytes()).with_context(|| path.display().to_string())?;
        }
        self.lines.push(line);
        Ok(())
    }

    pub(crate) fn cells(&self) -> impl Iterator<Item = &Cell> {
        self.lines.iter().filter_map(|line| match line {
            Line::Cell(cell) => Some(cell),
            _ => None,
        })
    }

    /// Those that measured something.
    pub(crate) fn runs(&self) -> impl Iterator<Item = &Run> {
        self.lines.iter().filter_map(|line| match line {
            Line::Run(run) => Some(run),
            _ => None,
        })
    }

    /// By number of threads, products in the order of formats, shapes and batches.
    pub(crate) fn sessions(&self) -> Vec<Session> {
        let order: Vec<&str> = formats::all().iter().map(|format| format.name).collect();
        let place = |name: &str| order.iter().position(|other| *other == name);
        let mut threads: Vec<usize> = self.cells().map(|cell| cell.threads).collect();
        threads.sort_unstable();
        threads.dedup();
        let session = |threads: usize| {
            let mut cells: Vec<Cell> =
                self.cells().filter(|cell| cell.threads == threads).cloned().collect();
            cells.sort_by_key(|cell| (place(&cell.format), cell.rows, cell.depth, cell.batch));
            let peaks = self.lines.iter().filter_map(|line| match line {
                Line::Peaks(peaks) if peaks.threads == threads => Some(peaks.clone()),
                _ => None,
            });
            Session { threads, peaks: peaks.collect(), cells }
        };
        threads.into_iter().map(session).collect()
    }
}

/// The lines of a file, and how many bytes they are: what follows was cut off while it was written.
/// No file has no lines.
fn read(path: &Path) -> anyhow::Result<(Vec<Line>, usize)> {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        text => text.with_context(|| path.display().to_string())?,
    };
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    let parse = |(n, line): (usize, &str)| {
        let place = || format!("{}, line {}: not what `peers` writes", path.display(), n + 1);
        serde_json::from_str(line).with_context(place)
    };
    let lines: Vec<Line> =
        text[..whole].lines().enumerate().map(parse).collect::<Result<_, _>>()?;
    // Nor is a file emptied that has no line at all, unless it could be the beginning of ours.
    let begins_well = match lines.first() {
        None => text.is_empty() || text.starts_with(r#"{"run":"#),
        Some(line) => matches!(line, Line::Run(_)),
    };
    ensure!(begins_well, "{}: does not begin with a run of `peers`", path.display());
    Ok((lines, whole))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Score;

    fn run(seed: u64) -> Run {
        let setup = Setup {
            machine: "m".to_owned(),
            peers: "p".to_owned(),
            program: "1".to_owned(),
            classes: "q8".to_owned(),
            tiles: true,
            seed,
            cold: 1,
        };
        Run { at: "now".to_owned(), arguments: "layers".to_owned(), setup }
    }

    fn cell(format: &str, threads: usize) -> Cell {
        let score = |engine: &str| Score {
            engine: engine.to_owned(),
            seconds: 1e-3,
            ratio: 1.0,
            error: 1e-5,
        };
        Cell {
            threads,
            format: format.to_owned(),
            rows: 32,
            depth: 256,
            batch: 1,
            bytes: 1,
            isa: "scalar".to_owned(),
            scores: vec![score("q8"), score("ggml")],
        }
    }

    #[test]
    fn a_run_goes_on_where_the_one_before_was_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record");
        let mut record = Record::open(Some(&path), run(1)).unwrap();
        for (format, threads) in [("Q8_0", 2), ("Q4_0", 2), ("Q4_0", 1)] {
            record.add(Line::Cell(cell(format, threads))).unwrap();
        }
        drop(record);
        // The last line is cut short, as by the end of the process.
        let text = std::fs::read(&path).unwrap();
        std::fs::write(&path, &text[..text.len() - 5]).unwrap();
        let mut record = Record::open(Some(&path), run(1)).unwrap();
        assert_eq!(record.cells().count(), 2);
        record.add(Line::Cell(cell("Q4_0", 1))).unwrap();

        let record = Record::load(&path).unwrap();
        assert_eq!(record.runs().count(), 2);
        let sessions = record.sessions();
        let found: Vec<(usize, &str)> = sessions
            .iter()
            .flat_map(|session| session.cells.iter().map(|cell| (session.threads, &*cell.format)))
            .collect();
        assert_eq!(found, [(1, "Q4_0"), (2, "Q4_0"), (2, "Q8_0")]);
        assert_eq!(sessions[0].cells[0], cell("Q4_0", 1));
    }

    #[test]
    fn a_run_that_measures_nothing_adds_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record");
        drop(Record::open(Some(&path), run(1)).unwrap());
        assert_eq!(std::fs::read(&path).unwrap(), b"");
    }

    #[test]
    fn what_cannot_be_compared_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record");
        let mut record = Record::open(Some(&path), run(1)).unwrap();
        record.add(Line::Cell(cell("Q8_0", 2))).unwrap();
        let error = Record::open(Some(&path), run(7)).err().unwrap().to_string();
        assert!(error.contains("--seed: 1 there, 7 here"), "{error}");
        std::fs::write(&path, "{\"run\": 5}\n").unwrap();
        let error = Record::open(Some(&path), run(1)).err().unwrap().to_string();
        assert!(error.contains("line 1"), "{error}");
        std::fs::write(&path, "a file of somebody else's").unwrap();
        assert!(Record::open(Some(&path), run(1)).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"a file of somebody else's");
        let other = folder.path().join("none");
        assert!(Record::load(&other).err().unwrap().to_string().contains("no such file"));
    }
}
