//! Activations with their shape.

use thiserror::Error;

/// A dense row-major matrix of `f32`: rows of activations, `(rows, columns)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    shape: [usize; 2],
    data: Vec<f32>,
}

/// Numbers that do not fill a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{have} numbers do not make {} rows of {}", shape[0], shape[1])]
pub struct MatrixError {
    /// Rows and columns that were asked for.
    pub shape: [usize; 2],
    /// How many numbers there were.
    pub have: usize,
}

impl Matrix {
    /// A matrix of `[rows, columns]` from its rows, one after the other.
    ///
    /// # Errors
    /// If `data` does not have exactly as many numbers as the shape.
    pub fn new(shape: [usize; 2], data: Vec<f32>) -> Result<Self, MatrixError> {
        match shape[0].checked_mul(shape[1]) {
            Some(need) if need == data.len() => Ok(Self { shape, data }),
            _ => Err(MatrixError { shape, have: data.len() }),
        }
    }

    /// A matrix of `[rows, columns]` zeros.
    ///
    /// # Panics
    /// If memory does not hold as many.
    #[must_use]
    pub fn zeros(shape: [usize; 2]) -> Self {
        let [rows, columns] = shape;
        let count = rows.checked_mul(columns).expect("more numbers than an address space holds");
        Self { shape, data: vec![0.0; count] }
    }

    /// Rows and columns.
    #[must_use]
    pub fn shape(&self) -> [usize; 2] {
        self.shape
    }

    /// How many rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.shape[0]
    }

    /// How many columns.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.shape[1]
    }

    /// All numbers, row after row.
    #[must_use]
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// All numbers, row after row.
    #[must_use]
    pub fn data_mut(&mut self) -> &mut [f32] {
        &mut self.data
    }

    /// Row `n`.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn row(&self, n: usize) -> &[f32] {
        assert!(n < self.rows(), "row {n} of {} does not exist", self.rows());
        &self.data[n * self.columns()..][..self.columns()]
    }

    /// The numbers, without their shape.
    #[must_use]
    pub fn into_data(self) -> Vec<f32> {
        self.data
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_must_fill_the_shape() {
        let matrix = Matrix::new([2, 3], vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        assert_eq!(matrix.row(1), [3.0, 4.0, 5.0]);
        let error = Matrix::new([2, 3], vec![0.0; 5]).unwrap_err();
        assert_eq!(error.to_string(), "5 numbers do not make 2 rows of 3");
        assert!(Matrix::new([usize::MAX, 2], vec![]).is_err());
        assert_eq!(Matrix::new([0, 7], vec![]).unwrap().shape(), [0, 7]);
    }
}
