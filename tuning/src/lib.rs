#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod check;
pub mod clock;
pub mod data;
pub mod machine;
pub mod matrix;
pub mod quiet;
pub mod record;
pub mod report;
pub mod rng;
pub mod search;
pub mod space;
mod stage;
pub mod stats;
mod switch;
pub mod trial;
pub mod tuner;

use kernels::FormatInfo;

use matrix::{Kind, Matrix};
pub use tuner::{Options, Outcome, TuneError, tune};

/// Tunes a format, one of this workspace or your own, for weight matrices of some shapes
/// `(rows, depth)`.
///
/// # Errors
/// If a shape is not whole blocks, the threads do not start, or the format's default kernels
/// compute wrongly: then nothing else about them matters.
pub fn tune_format(
    format: &'static FormatInfo,
    shapes: &[(usize, usize)],
    options: &Options,
) -> Result<Outcome, TuneError> {
    let matrix = |&(rows, depth)| Matrix { format, rows, depth, kind: Kind::Layer, count: 1 };
    let matrices: Vec<Matrix> = shapes.iter().map(matrix).collect();
    let mut outcome = tune(&matrices, options, &mut ())?;
    match outcome.trials.iter_mut().find_map(|trial| trial.wrong.take()) {
        Some(wrong) => Err(TuneError::Wrong(Box::new(wrong))),
        None => Ok(outcome),
    }
}
