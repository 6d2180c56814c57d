//! A run as a profile: what goes into the file, and what of the old one stays.

use std::path::Path;

use kernels::{FormatInfo, IsaInfo, Profile, isa};
use runtime::profile::{
    self, Entry, Measured, Meta, Peaks, ProfileFile, SaveError, Saved, Status, machine,
};

use crate::machine::{Bound, bound};
use crate::trial::{Measurement, Progress, Trial};
use crate::tuner::{Options, Outcome};

/// What a profile already says about this machine.
#[derive(Clone, Debug, Default)]
pub struct Older {
    /// Its entries as they lie in the file, if it is of this machine's class.
    pub entries: Vec<Entry>,
    /// Those that this build can use.
    pub profile: Profile,
    /// What was wrong with it.
    pub warnings: Vec<String>,
}

/// Reads a profile that is about to be renewed, for the formats that will be tuned.
#[must_use]
pub fn older(path: &Path, formats: &[&'static FormatInfo]) -> Older {
    let loaded = profile::load_with(path, formats);
    let file = std::fs::read_to_string(path).ok();
    let file = file.and_then(|text| ProfileFile::parse(&text).ok());
    let file = file.filter(|file| file.fingerprint.class == machine().class);
    Older {
        entries: file.map(|file| file.entries).unwrap_or_default(),
        profile: loaded.profile.unwrap_or_default(),
        warnings: loaded.warnings,
    }
}

/// The bound of a measurement of the chosen kernels, if the peaks are known.
#[must_use]
pub fn bound_of(trial: &Trial, peaks: &Peaks, batch: usize) -> Option<Bound> {
    let plan = trial.best.plan(trial.problem).ok()?;
    bound(peaks, &trial.problem, (trial.best.isa, plan.class_for(batch)), batch)
}

/// What [`save`] wrote.
#[derive(Clone, Debug)]
pub struct Written {
    /// Entries of the run.
    pub entries: usize,
    /// What became of the file that was there.
    pub saved: Saved,
}

/// Writes what a run found; `None` if it found nothing. Entries of other matrices that are already
/// in the file stay. A file that is no profile of this machine is set aside, not overwritten.
///
/// # Errors
/// If the operating system refuses; the old file is untouched then.
pub fn save(
    path: &Path,
    outcome: &Outcome,
    options: &Options,
    command: &str,
) -> Result<Option<Written>, SaveError> {
    let formats: Vec<_> = outcome.trials.iter().map(|trial| trial.problem.format).collect();
    let meta = Meta {
        tool: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned(),
        created: profile::now(),
        seed: options.seed.cast_signed(),
        budget_s: options.budget.as_secs_f64(),
        command: command.to_owned(),
    };
    // Read again: another tuner may have written meanwhile.
    let file = profile_of(outcome, meta, &older(path, &formats), options.isa);
    if file.entries.is_empty() {
        return Ok(None);
    }
    let saved = profile::save(path, &file)?;
    Ok(Some(Written { entries: file.entries.len(), saved }))
}

/// A profile of what a run found. `forced` is the only instruction set that it could choose, if
/// there was one.
fn profile_of(
    outcome: &Outcome,
    meta: Meta,
    older: &Older,
    forced: Option<&'static IsaInfo>,
) -> ProfileFile {
    let mut file = ProfileFile::new(meta);
    file.peaks = outcome.peaks.clone();
    for trial in &outcome.trials {
        let new = entry_of(trial, &outcome.peaks);
        let same = |old: &&Entry| matrix_of(old) == matrix_of(&new);
        let before: Vec<&Entry> = older.entries.iter().filter(same).collect();
        // Half a search does not replace the whole one that an older entry comes from.
        let enough = match before.iter().any(|old| old.isa == new.isa) {
            true => Progress::Complete,
            false => Progress::Decoded,
        };
        if trial.wrong.is_some() || trial.progress < enough {
            continue;
        }
        // Of entries for the same matrix the first counts, unless an instruction set is forced.
        // What was found for a forced one must not become everyone's choice.
        if forced.is_some_and(|forced| forced != isa::best()) {
            let others = before.into_iter().filter(|old| old.isa != new.isa).cloned();
            let count = file.entries.len();
            file.entries.extend(others);
            if file.entries.len() == count {
                file.entries.push(guard(&new));
            }
        }
        file.entries.push(new);
    }
    file
}

/// The default on the best instruction set, not measured.
fn guard(entry: &Entry) -> Entry {
    Entry {
        isa: isa::best().name.to_owned(),
        status: Status::Default,
        params: std::collections::BTreeMap::new(),
        measured: vec![],
        ..entry.clone()
    }
}

/// What was measured: format, its code, class, threads, rows and columns.
fn matrix_of(entry: &Entry) -> (&str, u64, &str, usize, usize, usize) {
    let Entry { format, code_hash, class, threads, rows, depth, .. } = entry;
    (format, *code_hash, class, *threads, *rows, *depth)
}

/// A trial as the file has it. Matrices where nothing beat the default have entries, too: without,
/// a neighbour's choice would be used for them.
fn entry_of(trial: &Trial, peaks: &Peaks) -> Entry {
    let mut entry = Entry::new(&trial.entry());
    entry.status = if trial.is_tuned() { Status::Tuned } else { Status::Default };
    entry.measured =
        trial.measured.iter().map(|measurement| measured(trial, measurement, peaks)).collect();
    entry
}

fn measured(trial: &Trial, measurement: &Measurement, peaks: &Peaks) -> Measured {
    let Measurement { batch, gain } = *measurement;
    let problem = &trial.problem;
    let bytes = problem.format.bytes(problem.rows, problem.depth).unwrap_or(0) as f64;
    let macs = (batch * problem.rows * problem.depth) as f64;
    let bound = bound_of(trial, peaks, batch);
    Measured {
        batch,
        default_ns: (gain.default * 1e9).round(),
        tuned_ns: (gain.tuned * 1e9).round(),
        samples: gain.pairs,
        gbps: round(bytes / gain.tuned * 1e-9),
        gmacs: round(macs / gain.tuned * 1e-9),
        bound: bound.map_or_else(String::new, |bound| bound.peak.to_owned()),
        percent_of_bound: bound.map_or(0.0, |bound| round(100.0 * bound.seconds / gain.tuned)),
        speedup: round(gain.ratio),
    }
}

/// Three decimals: more would be noise.
fn round(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::Kind;
    use crate::space::{Candidate, isas};
    use crate::stats::Gain;
    use kernels::{Numerics, Problem, formats};

    fn trial(rows: usize, progress: Progress, isa: &'static IsaInfo) -> Trial {
        let format = formats::by_name("Q4_K").unwrap();
        let problem = Problem { format, rows, depth: 4096, class: Numerics::Q8 };
        let mut trial = Trial::new(problem, Kind::Layer, 2, Candidate::default_on(isa));
        trial.best = trial.default.with("grain", 16);
        trial.record(1, Gain::of(&[2e-3; 9], &[1e-3; 9]));
        trial.progress = progress;
        trial
    }

    fn outcome(trials: Vec<Trial>) -> Outcome {
        let peak = |gmacs| isas().iter().map(|isa| (isa.name.to_owned(), gmacs)).collect();
        let (dot_gmacs, fma_gmacs) = (peak(400.0), peak(100.0));
        let peaks = Peaks { threads: 2, read_gbps: 40.0, dot_gmacs, fma_gmacs, ..Peaks::default() };
        Outcome { trials, wrong: vec![], halted: None, peaks, coldness: 4.0, disturbed: 0.0 }
    }

    #[test]
    fn what_was_measured_is_what_the_file_says() {
        let outcome = outcome(vec![trial(4096, Progress::Complete, isas()[0])]);
        let file = profile_of(&outcome, Meta::default(), &Older::default(), None);
        let entry = &file.entries[0];
        let measured = &entry.measured[0];
        assert_eq!((entry.rows, entry.threads, entry.params["grain"]), (4096, 2, 16));
        assert_eq!((measured.default_ns, measured.tuned_ns, measured.samples), (2e6, 1e6, 9));
        assert_eq!((measured.speedup, measured.bound.as_str()), (2.0, "read"));
        assert!((measured.gbps - 9.437).abs() < 1e-3 && (measured.gmacs - 16.777).abs() < 1e-3);
        assert!((measured.percent_of_bound - 100.0 * 9.437 / 40.0).abs() < 0.01);
        assert_eq!(ProfileFile::parse(&file.to_toml()).unwrap(), file);
        assert!(entry.resolve(&formats::all()).is_ok());
    }

    #[test]
    fn an_unfinished_search_is_saved_only_where_there_was_nothing() {
        let old = outcome(vec![trial(4096, Progress::Complete, isas()[0])]);
        let old = profile_of(&old, Meta::default(), &Older::default(), None);
        let older = Older { entries: old.entries, ..Older::default() };
        let trials = [
            trial(4096, Progress::Decoded, isas()[0]),
            trial(1024, Progress::Decoded, isas()[0]),
            trial(2048, Progress::Untried, isas()[0]),
        ];
        let file = profile_of(&outcome(trials.into()), Meta::default(), &older, None);
        assert_eq!(file.entries.iter().map(|entry| entry.rows).collect::<Vec<_>>(), [1024]);
    }

    #[test]
    fn a_forced_instruction_set_does_not_become_everyones_choice() {
        let Some(other) = isas().into_iter().find(|isa| *isa != isa::best()) else { return };
        let forced = outcome(vec![trial(4096, Progress::Complete, other)]);
        let file = profile_of(&forced, Meta::default(), &Older::default(), Some(other));
        let isas_of = |file: &ProfileFile| -> Vec<String> {
            file.entries.iter().map(|entry| entry.isa.clone()).collect()
        };
        assert_eq!(isas_of(&file), [isa::best().name, other.name]);
        assert!(file.entries[0].params.is_empty() && file.entries[0].status == Status::Default);
        // An older entry for the best is as good a guard, and better.
        let older = profile_of(
            &outcome(vec![trial(4096, Progress::Complete, isa::best())]),
            Meta::default(),
            &Older::default(),
            None,
        );
        let older = Older { entries: older.entries, ..Older::default() };
        let file = profile_of(&forced, Meta::default(), &older, Some(other));
        assert_eq!(isas_of(&file), [isa::best().name, other.name]);
        assert_eq!(file.entries[0].params["grain"], 16);
    }

    #[test]
    fn a_matrix_whose_default_is_wrong_has_no_entry() {
        let mut trial = trial(4096, Progress::Complete, isas()[0]);
        trial.wrong = Some(crate::check::Wrong {
            format: "Q4_K",
            kernel: "k",
            candidate: String::new(),
            rows: 1,
            depth: 1,
            batch: 1,
            at: 0,
            got: 0.0,
            want: 1.0,
            bound: 0.5,
        });
        let file = profile_of(&outcome(vec![trial]), Meta::default(), &Older::default(), None);
        assert!(file.entries.is_empty());
    }
}
