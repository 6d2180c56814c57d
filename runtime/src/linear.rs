//! A Linear layer: weights in place, a plan to multiply with them, perhaps a bias.
//!
//! `out (M, N) = x (M, K) * weight (N, K)^T + bias (N)`. The weights stay where the file has them,
//! in the file's form; nothing is unpacked or repacked when a layer is made, so making one costs
//! a lookup in the profile.

use kernels::{MatmulError, Numerics, Plan, Problem, Product};
use thiserror::Error;

use crate::context::{Context, PlanError};
use crate::matrix::Matrix;
use crate::tensor::{AsTensor, Shape, Tensor, TensorView};

/// A weight matrix that multiplies: a [`Tensor`] that keeps its file mapped, or a borrowed
/// [`TensorView`].
#[derive(Clone, Debug)]
pub struct Linear<W = Tensor> {
    weight: W,
    plan: Plan,
    bias: Option<Vec<f32>>,
}

/// What does not fit a Linear layer. Every message names the weight's tensor.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LinearError {
    /// The tensor is no matrix.
    #[error("tensor {tensor:?}: the weight of a Linear has 2 dimensions, not those of {shape}")]
    Rank {
        /// Name of the tensor.
        tensor: String,
        /// Its shape.
        shape: Shape,
    },
    /// The bias does not have a number for each row of the weight.
    #[error("tensor {tensor:?}: {have} numbers of bias for {rows} rows of weights")]
    Bias {
        /// Name of the weight's tensor.
        tensor: String,
        /// Length of the bias.
        have: usize,
        /// Rows of the weight.
        rows: usize,
    },
    /// No kernels can multiply with the tensor.
    #[error("tensor {tensor:?}: {source}")]
    Plan {
        /// Name of the tensor.
        tensor: String,
        /// Why not.
        source: PlanError,
    },
    /// Input or output do not have the sizes that the weight asks for.
    #[error("tensor {tensor:?}: {source}")]
    Multiply {
        /// Name of the tensor.
        tensor: String,
        /// Which buffer, and what it should have.
        source: MatmulError,
    },
    /// An input of another width.
    #[error("tensor {tensor:?}: rows of {have} numbers, but the weight takes {depth}")]
    Input {
        /// Name of the tensor.
        tensor: String,
        /// Columns of the input.
        have: usize,
        /// Columns of the weight.
        depth: usize,
    },
}

impl<W: AsTensor> Linear<W> {
    /// A layer of a weight `(N, K)`, stored as `[K, N]`, and a bias of `N` numbers.
    ///
    /// # Errors
    /// If the tensor has more than two dimensions, the bias another length than `N`, or no kernel
    /// takes the tensor.
    pub fn new(
        context: &Context,
        weight: W,
        bias: Option<Vec<f32>>,
        class: Numerics,
    ) -> Result<Self, LinearError> {
        let view = weight.view();
        let problem =
            Problem { format: view.format, rows: view.rows(), depth: view.depth(), class };
        let plan = context
            .plan(problem)
            .map_err(|source| LinearError::Plan { tensor: view.name.to_owned(), source })?;
        Self::with_plan(weight, bias, plan)
    }

    /// A layer that multiplies with the plan of another weight of the same shape and format.
    ///
    /// # Errors
    /// If the tensor has more than two dimensions, or the bias another length than `N`.
    pub fn with_plan(weight: W, bias: Option<Vec<f32>>, plan: Plan) -> Result<Self, LinearError> {
        let view = weight.view();
        let tensor = || view.name.to_owned();
        // A vector is the weight of a layer with one output.
        if view.shape.rank() > 2 {
            return Err(LinearError::Rank { tensor: tensor(), shape: view.shape });
        }
        let rows = view.rows();
        if let Some(have) = bias.as_ref().map(Vec::len).filter(|have| *have != rows) {
            return Err(LinearError::Bias { tensor: tensor(), have, rows });
        }
        Ok(Self { weight, plan, bias })
    }

    /// `out (rows, N) = x (rows, K) * weight^T + bias`, all row-major.
    ///
    /// # Errors
    /// If `x` or `out` do not have those sizes.
    pub fn forward(
        &self,
        context: &Context,
        x: &[f32],
        rows: usize,
        out: &mut [f32],
    ) -> Result<(), LinearError> {
        let weight = self.weight.view();
        self.plan
            .multiply(context.pool(), weight.bytes, x, rows, out)
            .map_err(|source| LinearError::Multiply { tensor: weight.name.to_owned(), source })?;
        self.add_bias(out);
        Ok(())
    }

    fn add_bias(&self, out: &mut [f32]) {
        let Some(bias) = &self.bias else { return };
        for row in out.chunks_exact_mut(bias.len()) {
            row.iter_mut().zip(bias).for_each(|(out, bias)| *out += bias);
        }
    }

    /// [`Linear::forward`] of a matrix `(M, K)` into a new one `(M, N)`.
    ///
    /// # Errors
    /// If `x` does not have `K` columns.
    pub fn apply(&self, context: &Context, x: &Matrix) -> Result<Matrix, LinearError> {
        let weight = self.weight.view();
        let (rows, depth) = (weight.rows(), weight.depth());
        if x.columns() != depth {
            let (tensor, have) = (weight.name.to_owned(), x.columns());
            return Err(LinearError::Input { tensor, have, depth });
        }
        let mut out = Matrix::zeros([x.rows(), rows]);
        self.forward(context, x.data(), x.rows(), out.data_mut())?;
        Ok(out)
    }

    /// The weight, as it lies in the file.
    #[must_use]
    pub fn weight(&self) -> TensorView<'_> {
        self.weight.view()
    }

    /// The kernels and knobs; [`Plan::explain`] puts them in words.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The bias, if there is one.
    #[must_use]
    pub fn bias(&self) -> Option<&[f32]> {
        self.bias.as_deref()
    }
}

/// [`Linear::forward`] of several layers that take the same `x`, such as a query, key and value
/// projection: `outs[n] (rows, N of layer n)`. The activations are brought into the kernels' form
/// once for all.
///
/// # Errors
/// If `x` or one of `outs` does not have the size that its layer asks for.
pub fn forward_many<W: AsTensor>(
    context: &Context,
    layers: &[&Linear<W>],
    x: &[f32],
    rows: usize,
    outs: &mut [&mut [f32]],
) -> Result<(), LinearError> {
    let parts = layers.iter().zip(outs.iter_mut());
    let mut products: Vec<Product<'_>> = parts
        .map(|(layer, out)| Product { plan: &layer.plan, weights: layer.weight.view().bytes, out })
        .collect();
    kernels::multiply_together(context.pool(), x, rows, &mut products).map_err(|source| {
        let names: Vec<_> =
            layers.iter().map(|layer| layer.weight.view().name.to_owned()).collect();
        LinearError::Multiply { tensor: names.join(", "), source }
    })?;
    for (layer, out) in layers.iter().zip(outs) {
        layer.add_bias(out);
    }
    Ok(())
}
