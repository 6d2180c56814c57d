//! One forward pass: some tokens of some sequences, and what every architecture does with rows.
//!
//! The rows of a pass are tokens: first those of one sequence, then those of the next. Everything
//! but attention treats rows alike, so prefill (many rows of one sequence) and decoding (one row
//! of each of many) are the same code.

use std::ops::Range;
use std::sync::Arc;

use kernels::Pool;

use crate::activation::{self, Function};
use crate::cache::Sequence;
use crate::context::Context;
use crate::linear::{self, Linear, LinearError};
use crate::rows::{Buffers, Rows};

/// Numbers that a thread computes at a time where rows are independent: some microseconds.
const NUMBERS_PER_JOB: usize = 16_384;

/// The tokens of one sequence.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    /// Index of the sequence.
    pub(crate) sequence: usize,
    /// Its rows in the pass.
    pub(crate) rows: Range<usize>,
    /// Position of its first row.
    pub(crate) position: usize,
}

/// A forward pass.
pub(crate) struct Pass<'a> {
    pub(crate) context: &'a Context,
    /// Of each row.
    pub(crate) ids: &'a [u32],
    /// In the order of rows.
    pub(crate) spans: &'a [Span],
    /// The rows whose outcome is asked for, ascending.
    pub(crate) wanted: &'a [usize],
    pub(crate) sequences: &'a mut [Sequence],
    pub(crate) buffers: &'a Arc<Buffers>,
}

impl Pass<'_> {
    /// The threads.
    pub(crate) fn pool(&self) -> &Pool {
        self.context.pool()
    }

    /// New rows: one per token.
    pub(crate) fn rows(&self, columns: usize) -> Rows {
        self.rows_of(self.ids.len(), columns)
    }

    /// New rows.
    pub(crate) fn rows_of(&self, count: usize, columns: usize) -> Rows {
        self.buffers.take(count, columns)
    }

    /// The position of each row in its sequence.
    pub(crate) fn positions(&self) -> Vec<usize> {
        let of_span = |span: &Span| span.position..span.position + span.rows.len();
        self.spans.iter().flat_map(of_span).collect()
    }

    /// `job(n, row n)` for every row, spread over the threads.
    pub(crate) fn each_row(&self, x: &mut Rows, job: impl Fn(usize, &mut [f32]) + Sync) {
        let columns = x.columns().max(1);
        let rows = (NUMBERS_PER_JOB / columns).max(1);
        self.pool().for_each_chunk(x, rows * columns, |chunk, x| {
            for (n, row) in x.chunks_exact_mut(columns).enumerate() {
                job(chunk * rows + n, row);
            }
        });
    }

    /// `x (rows, K) * weight (N, K)^T + bias`, of every layer: `(rows, N of the layer)`.
    pub(crate) fn linear<const COUNT: usize>(
        &self,
        layers: [&Linear; COUNT],
        x: &Rows,
    ) -> Result<[Rows; COUNT], LinearError> {
        let mut outs = layers.map(|layer| self.rows_of(x.count(), layer.weight().rows()));
        let mut slices = outs.each_mut().map(|out| &mut **out);
        linear::forward_many(self.context, &layers, x, x.count(), &mut slices)?;
        Ok(outs)
    }

    /// `to += x`, row by row.
    pub(crate) fn add(&self, to: &mut Rows, x: &Rows) {
        self.each_row(to, |n, to| activation::add(to, x.row(n)));
    }

    /// `gate = function(gate) * up`, number by number.
    pub(crate) fn gate(&self, gate: &mut Rows, up: &Rows, function: impl Function) {
        self.each_row(gate, |n, gate| activation::gate(gate, up.row(n), function));
    }

    /// `x = function(x)`, number by number.
    pub(crate) fn map(&self, x: &mut Rows, function: impl Function) {
        self.each_row(x, |_, x| activation::map(x, function));
    }

    /// Of each matrix, the rows whose outcome is asked for. What comes after the last attention
    /// is needed of no other.
    pub(crate) fn only_wanted<const COUNT: usize>(&self, x: [Rows; COUNT]) -> [Rows; COUNT] {
        if self.wanted.len() == self.ids.len() {
            return x;
        }
        x.map(|x| {
            let mut out = self.rows_of(self.wanted.len(), x.columns());
            for (n, row) in self.wanted.iter().enumerate() {
                out.row_mut(n).copy_from_slice(x.row(*row));
            }
            out
        })
    }
}
