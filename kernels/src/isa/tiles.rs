//! Registers that hold matrices, and what is done with them.
//!
//! [`Tiles`] is the vocabulary, [`PlainTiles`] its meaning.

use crate::float;

/// Rows, and columns, of what a register of sums holds.
const SIDE: usize = 16;
/// Bytes of a row of a register.
const BYTES: usize = 64;

/// Sums of 32 rows times 32 columns, row by row.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub struct Square(pub [f32; 4 * SIDE * SIDE]);

impl Square {
    /// No sums yet.
    pub const ZERO: Self = Self([0.0; 4 * SIDE * SIDE]);
}

/// Registers of sums of 32 rows of weights times 32 columns of activations.
pub trait Tiles {
    /// Sets all sums to zero.
    fn zero(&mut self);
    /// Sets all sums to what they were.
    fn resume(&mut self, from: &Square);
    /// Adds to each sum the products of 32 bfloat16 weights of its row with 32 bfloat16 activations of
    /// its column, as `f32` and in any order. What is subnormal counts as zero.
    ///
    /// `rows` are the first and the second 16 rows: the 64 bytes of each lie `stride` bytes apart.
    /// `pairs` are 16 pairs of activations of each column, `[pair][column]`, four bytes each.
    ///
    /// # Panics
    /// If the rows do not lie within the slices.
    fn add_products(&mut self, rows: [&[u8]; 2], stride: usize, pairs: &[u8; PAIRS]);
    /// The sums.
    fn sums(&self, to: &mut Square);
}

/// Bytes of 16 rows of weights that follow each other.
pub const ROWS: usize = SIDE * BYTES;
/// Bytes of 16 pairs of 32 columns of activations.
pub const PAIRS: usize = SIDE * 2 * BYTES;

/// Whether 16 rows lie within a slice.
pub(super) fn holds(rows: &[u8], stride: usize) -> bool {
    let room = rows.len().checked_sub(BYTES);
    room.is_some_and(|room| stride <= room / (SIDE - 1))
}

/// Plain Rust on every CPU: the meaning of each operation, written out.
#[derive(Clone, Debug)]
pub struct PlainTiles(Square);

impl Default for PlainTiles {
    fn default() -> Self {
        Self(Square::ZERO)
    }
}

impl Tiles for PlainTiles {
    fn zero(&mut self) {
        *self = Self::default();
    }

    fn resume(&mut self, from: &Square) {
        self.0 = *from;
    }

    fn add_products(&mut self, rows: [&[u8]; 2], stride: usize, pairs: &[u8; PAIRS]) {
        assert!(rows.iter().all(|rows| holds(rows, stride)), "rows outside of the slices");
        let bf16 = |bytes: &[u8], at: usize| {
            let value = float::bf16([bytes[at], bytes[at + 1]]);
            if value.is_subnormal() { 0.0 } else { value }
        };
        for row in 0..2 * SIDE {
            let weights = &rows[row / SIDE][row % SIDE * stride..][..BYTES];
            for column in 0..2 * SIDE {
                let sum = &mut self.0.0[row * 2 * SIDE + column];
                for k in 0..BYTES / 2 {
                    let x = bf16(pairs, k / 2 * 2 * BYTES + column * 4 + k % 2 * 2);
                    *sum = bf16(weights, 2 * k).mul_add(x, *sum);
                }
            }
        }
    }

    fn sums(&self, to: &mut Square) {
        *to = self.0;
    }
}
