//! Buffers that start at a cache line.
//!
//! A register as wide as a cache line takes two reads where it is loaded across two lines. What
//! kernels load over and over, activations and panels, starts at one.

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout};

/// Bytes of a cache line.
pub(crate) const LINE: usize = 64;

/// A cache line.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable)]
#[repr(C, align(64))]
struct Line([u64; 8]);

/// Numbers, of any content at first, from the start of a cache line on.
#[derive(Debug)]
pub(crate) struct Lines<T> {
    lines: Vec<Line>,
    len: usize,
    of: PhantomData<T>,
}

impl<T> Default for Lines<T> {
    /// None.
    fn default() -> Self {
        Self { lines: vec![], len: 0, of: PhantomData }
    }
}

impl<T: FromBytes + IntoBytes + Immutable + KnownLayout> Lines<T> {
    /// Makes room for `len` numbers, and allocates only to grow. What is new is zero; what was
    /// there before may still be there.
    pub(crate) fn reserve(&mut self, len: usize) -> &mut [T] {
        let bytes = len.checked_mul(size_of::<T>()).expect("a size that memory can have");
        let lines = bytes.div_ceil(size_of::<Line>());
        if lines > self.lines.len() {
            self.lines.resize(lines, Line::new_zeroed());
        }
        self.len = len;
        self
    }
}

impl<T: FromBytes + IntoBytes + Immutable + KnownLayout> Deref for Lines<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        let bytes = &self.lines.as_bytes()[..self.len * size_of::<T>()];
        <[T]>::ref_from_bytes(bytes).expect("a line is aligned for any number")
    }
}

impl<T: FromBytes + IntoBytes + Immutable + KnownLayout> DerefMut for Lines<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        let bytes = &mut self.lines.as_mut_bytes()[..self.len * size_of::<T>()];
        <[T]>::mut_from_bytes(bytes).expect("a line is aligned for any number")
    }
}
