//! Rows of activations, in memory that is used again.
//!
//! A forward pass needs a dozen matrices per layer, the same sizes in every layer and for every
//! token. [`Buffers`] keeps what is no longer needed, so that a warm pass allocates none of them.
//! The numbers of new [`Rows`] are whatever was left there: who takes them, fills them.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

/// Memory that is free to be used.
#[derive(Debug, Default)]
pub(crate) struct Buffers(Mutex<Vec<Vec<f32>>>);

/// A row-major matrix `(rows, columns)` that goes back to its [`Buffers`] when dropped.
#[derive(Debug)]
pub(crate) struct Rows {
    data: Vec<f32>,
    len: usize,
    columns: usize,
    home: Arc<Buffers>,
}

impl Buffers {
    /// `rows` rows of `columns` numbers that mean nothing yet.
    pub(crate) fn take(self: &Arc<Self>, rows: usize, columns: usize) -> Rows {
        let len = rows.checked_mul(columns).expect("more numbers than an address space holds");
        let mut data = self.best(len);
        if data.len() < len {
            data.resize(len, 0.0);
        }
        Rows { data, len, columns, home: Arc::clone(self) }
    }

    /// The smallest buffer of at least `len` numbers, else a new one.
    fn best(&self, len: usize) -> Vec<f32> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = kept.iter().enumerate().filter(|(_, data)| data.len() >= len);
        match fits.min_by_key(|(_, data)| data.len()) {
            Some((n, _)) => kept.swap_remove(n),
            None => Vec::new(),
        }
    }
}

impl Rows {
    /// How many rows.
    pub(crate) fn count(&self) -> usize {
        self.len.checked_div(self.columns).unwrap_or(0)
    }

    /// Numbers in a row.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// Row `n`.
    pub(crate) fn row(&self, n: usize) -> &[f32] {
        &self[n * self.columns..][..self.columns]
    }

    /// Row `n`.
    pub(crate) fn row_mut(&mut self, n: usize) -> &mut [f32] {
        let columns = self.columns;
        &mut self[n * columns..][..columns]
    }
}

impl Deref for Rows {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.data[..self.len]
    }
}

impl DerefMut for Rows {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.data[..self.len]
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        let data = std::mem::take(&mut self.data);
        self.home.0.lock().unwrap_or_else(PoisonError::into_inner).push(data);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_used_again() {
        let buffers = Arc::new(Buffers::default());
        let large = buffers.take(10, 100);
        let small = buffers.take(1, 100);
        let places = [large.as_ptr(), small.as_ptr()];
        drop((large, small));
        let small = buffers.take(2, 40);
        let large = buffers.take(5, 150);
        assert_eq!([large.as_ptr(), small.as_ptr()], places);
        assert_eq!((large.count(), large.columns(), large.len()), (5, 150, 750));
        assert_eq!(large.row(4).len(), 150);
    }
}
