//! candle's quantized product, `QMatMul`.
//!
//! candle packs some formats when they are first multiplied with, each copy for itself, and holds
//! dense ones (F32, F16, BF16) as `f32`; both happen before anything is timed. Its threads are
//! started once in a process, as many as `CANDLE_NUM_THREADS` says.

use std::borrow::Cow;

use anyhow::Context as _;
use candle_core::quantized::{GgmlDType, QMatMul, QStorage, QTensor};
use candle_core::{Device, Module, Tensor};
use kernels::FormatInfo;

use crate::contest::Contestant;
use crate::weights::Matrix;

/// candle's variables: how many threads there are.
pub(crate) const THREADS: [&str; 2] = ["CANDLE_NUM_THREADS", "RAYON_NUM_THREADS"];

/// The crate's version that `Cargo.toml` asks for.
pub(crate) const VERSION: &str = "candle-core 0.11";

/// What is packed differently for more rows of activations is packed for so many.
const PACKED: usize = 32;

/// Copies of a weight matrix.
pub(crate) struct Candle {
    depth: usize,
    copies: Vec<QMatMul>,
    turn: usize,
    x: Option<Tensor>,
    out: Option<Tensor>,
}

/// candle's type of a format, if candle knows it and lays a block out in as many bytes.
fn type_of(format: &FormatInfo) -> Option<GgmlDType> {
    use GgmlDType::{BF16, F16, F32, Q2K, Q3K, Q4_0, Q4_1, Q4K, Q5_0, Q5_1, Q5K, Q6K, Q8_0};
    let all = [F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2K, Q3K, Q4K, Q5K, Q6K];
    // candle writes `Q4K`, everybody else `Q4_K`.
    let plain = |name: &str| name.replace('_', "");
    all.into_iter().find(|kind| {
        plain(&format!("{kind:?}")) == plain(format.name)
            && kind.block_size() == format.block_len
            && kind.type_size() == format.block_bytes
    })
}

impl Candle {
    /// Copies a matrix. `None` if candle does not have its format.
    pub(crate) fn new(matrix: Matrix<'_>) -> anyhow::Result<Option<Self>> {
        let Matrix { format, rows, depth, bytes, copies } = matrix;
        let Some(kind) = type_of(format) else { return Ok(None) };
        let copy = || {
            let storage = QStorage::from_data(Cow::Borrowed(bytes), &Device::Cpu, kind)?;
            QMatMul::from_qtensor(QTensor::new(storage, (rows, depth))?)
        };
        let copies = (0..copies).map(|_| copy()).collect::<Result<Vec<_>, _>>()?;
        Ok(Some(Self { depth, copies, turn: 0, x: None, out: None }))
    }
}

impl Contestant for Candle {
    fn name(&self) -> &str {
        "candle"
    }

    fn prepare(&mut self, x: &[f32], batch: usize) -> anyhow::Result<()> {
        let some = batch.min(PACKED);
        let few = Tensor::from_slice(&x[..some * self.depth], (some, self.depth), &Device::Cpu)?;
        for copy in &self.copies {
            copy.forward(&few)?;
        }
        self.x = Some(Tensor::from_slice(x, (batch, self.depth), &Device::Cpu)?);
        Ok(())
    }

    fn multiply(&mut self) -> anyhow::Result<()> {
        self.turn = (self.turn + 1) % self.copies.len();
        let x = self.x.as_ref().context("not prepared")?;
        self.out = Some(self.copies[self.turn].forward(x)?);
        Ok(())
    }

    fn out(&self) -> anyhow::Result<Vec<f32>> {
        Ok(self.out.as_ref().context("not multiplied")?.flatten_all()?.to_vec1()?)
    }
}
