//! A tensor decoded to `f32`.

use std::iter::repeat_n;
use std::sync::Arc;

use kernels::{Pool, formats};

use crate::tensor::{AsTensor, ShapeError, Tensor};

/// Bytes that a thread decodes at a time, about.
const JOB: usize = 1 << 20;

/// The same numbers as `f32`, in memory.
pub(super) fn to_f32(tensor: &Tensor, pool: &Pool) -> Result<Tensor, ShapeError> {
    let view = tensor.view();
    let f32 = formats::by_name("F32").expect("every build has it");
    // Made in one piece: a vector that becomes an `Arc` would be there twice for a moment.
    let mut bytes: Arc<[u8]> = repeat_n(0, view.shape.bytes(f32)?).collect();
    let row = 4 * view.depth();
    let rows = (JOB / row).max(1);
    let all = Arc::get_mut(&mut bytes).expect("nobody else has it yet");
    pool.for_each_chunk(all, rows * row, |job, bytes| {
        let mut numbers = vec![0.0; view.depth()];
        for (n, bytes) in bytes.chunks_exact_mut(row).enumerate() {
            let blocks = view.row(job * rows + n);
            view.format.dequantize(blocks, &mut numbers).expect("rows are whole blocks");
            for (to, x) in bytes.as_chunks_mut().0.iter_mut().zip(&numbers) {
                *to = x.to_le_bytes();
            }
        }
    });
    Tensor::in_memory(view.name, f32, view.shape, bytes)
}
