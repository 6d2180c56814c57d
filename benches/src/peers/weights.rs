//! Weights to multiply with, and what the products should be.

use kernels::FormatInfo;
use tuning::data::{self, Style};
use tuning::rng::Rng;

/// Rows that differ; a matrix repeats them. Encoding all would take longer than measuring.
const DISTINCT: usize = 61;
/// Standard deviation of weights, as in a trained layer.
const DEVIATION: f64 = 0.02;
/// Rows of the result that are compared with the exact product.
const SEEN: usize = 48;
/// Rows of activations for which they are.
const SEEN_BATCH: usize = 8;

/// What is to be multiplied: a weight matrix, in as many copies as make a ring.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    pub(crate) format: &'static FormatInfo,
    pub(crate) rows: usize,
    pub(crate) depth: usize,
    /// The rows' blocks, as in a file.
    pub(crate) bytes: &'a [u8],
    pub(crate) copies: usize,
}

/// Blocks of a matrix `(rows, depth)`: encoded normal weights, or random blocks if the format has
/// no encoder.
pub(crate) fn blocks(
    format: &'static FormatInfo,
    (rows, depth): (usize, usize),
    rng: &mut Rng,
) -> anyhow::Result<Vec<u8>> {
    let row_bytes = format.row_bytes(depth)?;
    let weights: Vec<f32> =
        (0..DISTINCT * depth).map(|_| (DEVIATION * rng.normal()) as f32).collect();
    let mut distinct = vec![0; DISTINCT * row_bytes];
    if format.quantize(&weights, &mut distinct).is_err() {
        distinct = data::blocks(format, distinct.len() / format.block_bytes, Style::Usual, rng);
    }
    let mut bytes = Vec::with_capacity(rows * row_bytes);
    for row in 0..rows {
        bytes.extend_from_slice(&distinct[row % DISTINCT * row_bytes..][..row_bytes]);
    }
    Ok(bytes)
}

/// Some rows of a matrix, exactly.
pub(crate) struct Exact {
    rows: usize,
    depth: usize,
    /// Which rows, and their weights.
    seen: Vec<(usize, Vec<f32>)>,
}

impl Exact {
    /// Of a matrix `(rows, depth)`: rows from everywhere, the first and the last among them.
    pub(crate) fn new(
        format: &FormatInfo,
        (rows, depth): (usize, usize),
        bytes: &[u8],
    ) -> anyhow::Result<Self> {
        let row_bytes = format.row_bytes(depth)?;
        let mut which: Vec<usize> = (0..SEEN).map(|n| n * (rows - 1) / (SEEN - 1)).collect();
        which.dedup();
        let seen = which.into_iter().map(|row| {
            let mut weights = vec![0.0; depth];
            format.dequantize(&bytes[row * row_bytes..][..row_bytes], &mut weights)?;
            Ok((row, weights))
        });
        Ok(Self { rows, depth, seen: seen.collect::<anyhow::Result<_>>()? })
    }

    /// How far `out (batch, rows)` is from the exact weights times `x (batch, depth)`: squared
    /// difference in units of the squared product (NMSE), over what is compared.
    pub(crate) fn error(&self, x: &[f32], out: &[f32]) -> f64 {
        let (mut wrong, mut size) = (0.0, 0.0);
        for (x, out) in x.chunks_exact(self.depth).zip(out.chunks_exact(self.rows)).take(SEEN_BATCH)
        {
            for (row, weights) in &self.seen {
                let terms = weights.iter().zip(x).map(|(w, x)| f64::from(*w) * f64::from(*x));
                let exact: f64 = terms.sum();
                wrong += (f64::from(out[*row]) - exact).powi(2);
                size += exact.powi(2);
            }
        }
        wrong / size
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernels::formats;

    #[test]
    fn an_exact_product_has_no_error_and_nothing_has_all() {
        let format = formats::by_name("Q8_0").unwrap();
        let (rows, depth, batch) = (70, 64, 3);
        let mut rng = Rng::new(7);
        let bytes = blocks(format, (rows, depth), &mut rng).unwrap();
        assert_eq!(bytes.len(), format.bytes(rows, depth).unwrap());
        let mut weights = vec![0.0; rows * depth];
        format.dequantize(&bytes, &mut weights).unwrap();
        let x = data::activations(batch * depth, &mut rng);
        let product = |x: &[f32], w: &[f32]| x.iter().zip(w).map(|(x, w)| x * w).sum::<f32>();
        let out: Vec<f32> = x
            .chunks_exact(depth)
            .flat_map(|x| weights.chunks_exact(depth).map(move |w| product(x, w)))
            .collect();
        let exact = Exact::new(format, (rows, depth), &bytes).unwrap();
        // Sums of 64 terms in f32: relative error below 64 * 2^-24, squared.
        assert!(exact.error(&x, &out) < 1e-10);
        assert_eq!(exact.error(&x, &vec![0.0; out.len()]), 1.0);
        let far: Vec<f32> = out.iter().map(|y| 1.1 * y).collect();
        assert!((exact.error(&x, &far) - 0.01).abs() < 1e-4);
    }
}
