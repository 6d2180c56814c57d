#![doc = include_str!("../README.md")]

// The macros write `::kernels::` paths, so that they work in any crate; in this one, too.
extern crate self as kernels;

pub mod activations;
mod dense;
mod encode;
pub mod float;
pub mod format;
pub mod formats;
pub mod gemm;
pub mod gemv;
pub mod isa;
mod kernel;
pub mod layout;
mod lines;
mod matmul;
pub mod panel;
pub mod params;
mod plan;
pub mod probe;
mod profile;
mod quantize;
#[doc(hidden)]
pub mod sources;
#[doc(hidden)]
pub mod threads;

#[doc(hidden)]
pub use zerocopy;

pub use activations::Activations;
pub use format::{Coded, Format, FormatInfo, ShapeError};
pub use isa::{Isa, IsaInfo};
pub use kernel::{Entry, Kernel, Numerics};
pub use kernel_macros::{kernels, quant_format};
pub use matmul::{MatmulError, Product, multiply_together};
pub use params::{Knob, Params, Tunable};
pub use plan::{Batching, Plan, PlanError, Problem, Selection, Source};
pub use profile::{Entry as ProfileEntry, Profile};
pub use threads::{Pool, PoolError};
