//! Weights of one tensor in another type, by all threads.

use std::borrow::Cow;
use std::sync::Mutex;

use kernels::{FormatInfo, ShapeError};
use rayon::prelude::*;

use crate::smq::{self, Planar};
use crate::tensor::TensorView;

/// Weights that a thread takes at a time, about.
const JOB: usize = 1 << 16;

/// A tensor in its new type.
pub(super) struct Encoded<'a> {
    /// Blocks, or the codes of a planar scheme.
    pub(super) data: Cow<'a, [u8]>,
    /// The scales of a planar scheme.
    pub(super) aux: Vec<u8>,
    /// Weights that share one of those scales.
    pub(super) odd_row: Option<usize>,
}

impl Encoded<'_> {
    pub(super) fn bytes(&self) -> usize {
        self.data.len() + self.aux.len()
    }
}

/// Whether weights can be encoded to a format.
pub(super) fn has_encoder(format: &FormatInfo) -> bool {
    let (weights, mut block) = (vec![0.0; format.block_len], vec![0; format.block_bytes]);
    format.quantize(&weights, &mut block).is_ok()
}

/// Rows of blocks of `format`.
pub(super) fn blocks<'a>(
    view: &TensorView<'a>,
    format: &'static FormatInfo,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Encoded<'a>, ShapeError> {
    if view.format == format {
        progress(view.shape.elements() as u64);
        return Ok(Encoded { data: Cow::Borrowed(view.bytes), aux: vec![], odd_row: None });
    }
    let mut data = vec![0; format.bytes(view.rows(), view.depth())?];
    let row_bytes = format.row_bytes(view.depth())?;
    let rows = (JOB / view.depth()).max(1);
    let odd = Odd::default();
    data.par_chunks_mut(rows * row_bytes).enumerate().try_for_each(|(n, blocks)| {
        let first = n * rows;
        let weights = decoded(view, first, blocks.len() / row_bytes)?;
        odd.look(&weights, first, view.depth());
        format.quantize(&weights, blocks)?;
        progress(weights.len() as u64);
        Ok(())
    })?;
    Ok(Encoded { data: Cow::Owned(data), aux: vec![], odd_row: odd.row() })
}

/// Planes of codes and scales, with blocks that straddle rows.
pub(super) fn planes<'a>(
    view: &TensorView<'a>,
    planar: Planar,
    block: u32,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Encoded<'a>, ShapeError> {
    let (depth, block) = (view.depth(), block as usize);
    let elements = view.shape.elements();
    // A job begins with a row, a block, and a byte of codes.
    let unit = 2 * block / gcd(2 * block, depth);
    let rows = (JOB / depth / unit).max(1) * unit;
    let per_byte = match planar {
        Planar::Q8 => 1,
        Planar::Q4 => 2,
    };
    let mut data = vec![0; elements.div_ceil(per_byte)];
    let mut aux = vec![0; 4 * elements.div_ceil(block)];
    let odd = Odd::default();
    let jobs = data
        .par_chunks_mut(rows * depth / per_byte)
        .zip(aux.par_chunks_mut(4 * rows * depth / block));
    jobs.enumerate().try_for_each(|(n, (data, aux))| {
        let first = n * rows;
        let weights = decoded(view, first, rows.min(view.rows() - first))?;
        odd.look(&weights, first, depth);
        smq::encode(planar, block, &weights, data, aux);
        progress(weights.len() as u64);
        Ok(())
    })?;
    Ok(Encoded { data: Cow::Owned(data), aux, odd_row: odd.row() })
}

fn decoded(view: &TensorView<'_>, first: usize, rows: usize) -> Result<Vec<f32>, ShapeError> {
    let mut weights = vec![0.0; rows * view.depth()];
    let bytes = &view.bytes[first * view.row_bytes()..][..rows * view.row_bytes()];
    view.format.dequantize(bytes, &mut weights)?;
    Ok(weights)
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The first row with a weight that is not finite, found by whichever thread.
#[derive(Default)]
struct Odd(Mutex<Option<usize>>);

impl Odd {
    fn look(&self, weights: &[f32], first: usize, depth: usize) {
        if let Some(n) = weights.iter().position(|weight| !weight.is_finite()) {
            let mut row = self.0.lock().expect("no thread panics with it");
            *row = Some(row.unwrap_or(usize::MAX).min(first + n / depth));
        }
    }

    fn row(self) -> Option<usize> {
        self.0.into_inner().expect("no thread panics with it")
    }
}
