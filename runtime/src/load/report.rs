//! What was done with a model's weights.

use kernels::Plan;

use crate::tensor::TensorView;

/// What was done with a model's weights: one entry a tensor.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// In the order in which the model took them.
    pub weights: Vec<Weight>,
}

/// What was done with a tensor.
#[derive(Clone, Debug)]
pub struct Weight {
    /// The tensor.
    pub name: String,
    /// Its format in the file.
    pub format: &'static str,
    /// Its elements.
    pub elements: usize,
    /// Its bytes in the file.
    pub bytes: usize,
    /// What was done.
    pub treatment: Treatment,
    /// Whether its bytes are a mapped file's, in place.
    pub in_place: bool,
    /// The plan of a Linear layer.
    pub plan: Option<Plan>,
}

/// What is done with a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// Computed with as it lies in the file.
    Kept,
    /// Decoded to `f32` when the model was loaded.
    Dequantized,
    /// A small vector, as `f32`.
    Vector,
}

impl Weight {
    pub(crate) fn linear(
        view: &TensorView<'_>,
        treatment: Treatment,
        in_place: bool,
        plan: &Plan,
    ) -> Self {
        Self { treatment, in_place, plan: Some(plan.clone()), ..Self::vector(view) }
    }

    pub(crate) fn looked_up(view: &TensorView<'_>) -> Self {
        Self { treatment: Treatment::Kept, in_place: true, ..Self::vector(view) }
    }

    pub(crate) fn vector(view: &TensorView<'_>) -> Self {
        Self {
            name: view.name.to_owned(),
            format: view.format.name,
            elements: view.shape.elements(),
            bytes: view.bytes.len(),
            treatment: Treatment::Vector,
            in_place: false,
            plan: None,
        }
    }
}

impl Report {
    pub(crate) fn add(&mut self, weight: Weight) {
        self.weights.push(weight);
    }
}
