//! Vectors of tokens, looked up in a table that stays as the file has it.

use crate::pass::Pass;
use crate::rows::Rows;
use crate::tensor::{AsTensor, Tensor};

/// A table `(rows, columns)`.
#[derive(Debug)]
pub(crate) struct Embedding {
    table: Tensor,
}

impl Embedding {
    pub(crate) fn new(table: Tensor) -> Self {
        Self { table }
    }

    /// The vector of each token of a pass: `(rows, columns)`.
    pub(crate) fn look_up(&self, pass: &Pass<'_>) -> Rows {
        let mut out = pass.rows(self.table.view().depth());
        pass.each_row(&mut out, |n, row| self.read(pass.ids[n] as usize, row));
        out
    }

    /// The vector of each token's position: `(rows, columns)`.
    pub(crate) fn of_positions(&self, pass: &Pass<'_>) -> Rows {
        let positions = pass.positions();
        let mut out = pass.rows(self.table.view().depth());
        pass.each_row(&mut out, |n, row| self.read(positions[n], row));
        out
    }

    /// Row `n` of the table for each token: `(rows, columns)`.
    pub(crate) fn of_row(&self, pass: &Pass<'_>, n: usize) -> Rows {
        let mut out = pass.rows(self.table.view().depth());
        pass.each_row(&mut out, |_, row| self.read(n, row));
        out
    }

    /// Row `n` of the table.
    fn read(&self, n: usize, out: &mut [f32]) {
        let view = self.table.view();
        // A row is whole blocks; that was checked when the file was opened.
        view.format.dequantize(view.row(n), out).expect("rows are whole blocks");
    }
}
