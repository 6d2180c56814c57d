//! What a run found, for people.

use comfy_table::{CellAlignment, ContentArrangement, Table, TableComponent, presets};
use kernels::{Numerics, Problem};

use crate::machine::COLD;
use crate::record::bound_of;
use crate::stage::PREFILL;
use crate::stats::Verdict;
use crate::trial::{Measurement, Progress, Trial};
use crate::tuner::Outcome;

/// Wrong candidates to tell of: more are seldom another mistake.
const WRONG: usize = 5;

/// A table in the style of all tables of this crate; columns from the second on align right.
#[must_use]
pub fn plain_table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.remove_style(TableComponent::HorizontalLines);
    table.remove_style(TableComponent::MiddleIntersections);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Default against tuned, for one row of activations and for many.
#[must_use]
pub fn table(outcome: &Outcome) -> Table {
    let mut table = plain_table(&[
        "weights",
        "batch 1",
        "gain",
        "GB/s",
        "of bound",
        &format!("batch {PREFILL}"),
        "gain",
        "GMAC/s",
        "of bound",
        "choice",
    ]);
    if let Some(choice) = table.column_mut(9) {
        choice.set_cell_alignment(CellAlignment::Left);
    }
    for trial in &outcome.trials {
        let Problem { format, rows, depth, .. } = trial.problem;
        let mut row = vec![format!("{} {rows} x {depth}", format.name)];
        row.extend(cells(trial, outcome, 1));
        row.extend(cells(trial, outcome, PREFILL));
        row.push(match (&trial.wrong, trial.progress) {
            (Some(_), _) => "computes wrongly".to_owned(),
            (None, Progress::Untried) => "not reached".to_owned(),
            (None, Progress::Decoded) => format!("{} (prefill not reached)", trial.best),
            (None, Progress::Complete) if trial.is_tuned() => {
                format!("{}{}", trial.best, elsewhere(trial))
            }
            (None, Progress::Complete) => format!("{} (default)", trial.best),
        });
        table.add_row(row);
    }
    table
}

/// Gains at batches that have no columns: those that the switch moved.
fn elsewhere(trial: &Trial) -> String {
    let shown = |measurement: &&Measurement| {
        ![1, PREFILL].contains(&measurement.batch) && measurement.gain.verdict() == Verdict::Faster
    };
    let gains = trial.measured.iter().filter(shown).map(|Measurement { batch, gain }| {
        format!("; {:+.1} % at batch {batch}", 100.0 * (gain.ratio - 1.0))
    });
    gains.collect()
}

/// Times, gain, rate and part of the bound at a batch.
fn cells(trial: &Trial, outcome: &Outcome, batch: usize) -> [String; 4] {
    let Some(Measurement { gain, .. }) = trial.at(batch) else {
        return ["", "", "", ""].map(str::to_owned);
    };
    let Problem { format, rows, depth, .. } = trial.problem;
    let (before, after) = (time(gain.default), time(gain.tuned));
    let times = if gain.default == gain.tuned { after } else { format!("{before} -> {after}") };
    let verdict = match gain.verdict() {
        Verdict::Faster => format!("{:+.1} %", 100.0 * (gain.ratio - 1.0)),
        Verdict::Tie | Verdict::Slower => "tie".to_owned(),
    };
    let amount = match batch {
        1 => format.bytes(rows, depth).unwrap_or(0),
        _ => batch * rows * depth,
    };
    let rate = format!("{:.1}", amount as f64 / gain.tuned * 1e-9);
    let bound = bound_of(trial, &outcome.peaks, batch);
    let part = bound.map(|bound| format!("{:.0} %", 100.0 * bound.seconds / gain.tuned));
    [times, verdict, rate, part.unwrap_or_default()]
}

/// `412 us`, `12.3 ms`.
fn time(seconds: f64) -> String {
    match seconds {
        s if s < 1e-3 => format!("{:.0} us", s * 1e6),
        s if s < 0.1 => format!("{:.2} ms", s * 1e3),
        s => format!("{:.0} ms", s * 1e3),
    }
}

/// What one should know about the numbers, a sentence each.
#[must_use]
pub fn notes(outcome: &Outcome) -> Vec<String> {
    let mut notes = vec![];
    let trials = &outcome.trials;
    let tuned = trials.iter().filter(|trial| trial.is_tuned()).count();
    let tried: usize = trials.iter().map(|trial| trial.tried).sum();
    notes.push(format!(
        "{tuned} of {} matrices run faster than by default ({tried} candidates timed); the others \
         keep the defaults.",
        trials.len()
    ));
    let short = trials.iter().filter(|trial| trial.progress < Progress::Complete).count();
    if let Some(halt) = outcome.halted {
        notes.push(format!(
            "Tuning ended before it was done: {halt}. {short} matrices are not finished; \
             run again, or with a larger --budget."
        ));
    } else if short > 0 {
        notes.push(format!(
            "{short} matrices got too little time to be finished; a larger --budget gives more."
        ));
    }
    notes.push(noise(trials));
    if outcome.disturbed > 0.05 {
        notes.push(format!(
            "Other programs took processor time during {:.0} % of the samples. Gains are proven \
             all the same, but small ones are missed: tune on an idle machine.",
            100.0 * outcome.disturbed
        ));
    }
    if outcome.coldness < COLD as f64 {
        notes.push(format!(
            "Weights went round {:.1} times the last-level cache instead of {COLD}, for want of \
             memory, and may have been warm: allow more with --memory.",
            outcome.coldness
        ));
    }
    if let Some((format, class)) = in_floats(trials) {
        notes.push(format!("{format} has no int8 kernels: it was computed in {class}."));
    }
    let wrong = outcome.wrong.iter().take(WRONG);
    notes.extend(wrong.map(|wrong| format!("{wrong}. It was not used.")));
    if let Some(more @ 1..) = outcome.wrong.len().checked_sub(WRONG) {
        notes.push(format!("{more} more candidates compute wrongly: see `tuning check`."));
    }
    notes.extend(trials.iter().filter_map(|trial| trial.wrong.as_ref()).map(|wrong| {
        format!("{wrong}. That is the default: do not use the format on this machine.")
    }));
    notes
}

/// The default against itself: what the samples of this run are worth.
fn noise(trials: &[Trial]) -> String {
    let gains: Vec<f64> =
        trials.iter().flat_map(|trial| &trial.noise).map(|gain| gain.ratio.ln().abs()).collect();
    let all = trials.iter().flat_map(|trial| &trial.noise);
    let false_gains = all.filter(|gain| gain.verdict() == Verdict::Faster).count();
    match gains.len() {
        0 => "The default was never timed against itself.".to_owned(),
        count => format!(
            "The default against itself, {count} times: {:.2} % apart in the median, called \
             faster {false_gains} times.",
            100.0 * crate::stats::median(&gains).exp_m1()
        ),
    }
}

fn in_floats(trials: &[Trial]) -> Option<(&'static str, Numerics)> {
    let mut floats = trials.iter().filter_map(|trial| {
        let class = trial.best.plan(trial.problem).ok()?.class();
        let changed = trial.problem.class.quantizes() && !class.quantizes();
        changed.then_some((trial.problem.format.name, class))
    });
    floats.next()
}
