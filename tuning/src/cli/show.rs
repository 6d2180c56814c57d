//! `show`: a profile as a table.

use std::path::PathBuf;

use anyhow::Context as _;
use runtime::profile::{self, Entry, ProfileFile, Status};
use tuning::report::plain_table;

use super::{Code, Done};

/// Show what a profile holds, and what its choices gained when they were measured.
#[derive(clap::Args)]
pub(super) struct Args {
    /// A profile [default: the one that the runtime would use].
    path: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Done> {
    let path = match &args.path {
        Some(path) => path.clone(),
        None => profile::path()?,
    };
    let name = path.display();
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && args.path.is_none() => {
            let text = format!("There is no profile yet: `cargo run -p tuning` writes {name}\n");
            return Ok(Done { text, code: Code::Done });
        }
        text => text.with_context(|| name.to_string())?,
    };
    let mut out = format!("profile {name}\n");
    let warnings = profile::load(&path).warnings;
    let file = ProfileFile::parse(&text);
    if let Ok(file) = &file {
        out += &header(file);
        out += &format!("{}\n", table(file));
    }
    for warning in &warnings {
        out += &format!("{warning}\n");
    }
    // Entries of another crate's formats are no fault of the file.
    let here = file.is_ok_and(|file| file.fingerprint.class == profile::machine().class);
    let code = if here { Code::Done } else { Code::Unusable };
    Ok(Done { text: out, code })
}

fn header(file: &ProfileFile) -> String {
    let ProfileFile { meta, fingerprint, peaks, entries, .. } = file;
    format!(
        "written  {} by {}: {}\nmachine  {}\nread     {:.1} GB/s with {} threads\n{} entries\n",
        meta.created,
        meta.tool,
        meta.command,
        fingerprint.class,
        peaks.read_gbps,
        peaks.threads,
        entries.len()
    )
}

fn table(file: &ProfileFile) -> comfy_table::Table {
    let header = ["weights", "threads", "batch: gain, of bound", "choice"];
    let mut table = plain_table(&header);
    for entry in &file.entries {
        let Entry { format, rows, depth, threads, measured, status, .. } = entry;
        let measured: Vec<String> = measured
            .iter()
            .map(|m| format!("{}: x{:.3}, {:.0} %", m.batch, m.speedup, m.percent_of_bound))
            .collect();
        let choice = match status {
            Status::Default => format!("{} (default)", entry.isa),
            Status::Tuned => choice(entry),
        };
        table.add_row(vec![
            format!("{format} {rows} x {depth}"),
            threads.to_string(),
            measured.join("; "),
            choice,
        ]);
    }
    table
}

/// The instruction set, and the knobs that are not at their defaults.
fn choice(entry: &Entry) -> String {
    let defaults = kernels::params::Params::default();
    let changed = entry.params.iter().filter(|(name, value)| {
        kernels::params::Tunable::get(&defaults, name).map(i64::from) != Some(**value)
    });
    changed.fold(entry.isa.clone(), |text, (name, value)| format!("{text} {name}={value}"))
}
