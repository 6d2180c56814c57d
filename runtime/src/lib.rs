#![doc = include_str!("../README.md")]
// Only `gguf/map.rs` may: mapping a file is a promise about the file.
#![deny(unsafe_code)]

pub mod checkpoint;
pub mod context;
pub mod gguf;
pub mod hf;
pub mod linear;
pub mod matrix;
pub mod presets;
pub mod profile;
mod smallmind;
pub mod smnd;
pub mod smq;
pub mod tensor;

pub use checkpoint::{Checkpoint, Container, Files};
pub use context::Context;
pub use linear::Linear;
pub use matrix::Matrix;
pub use tensor::{AsTensor, Tensor, TensorView};
