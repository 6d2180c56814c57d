#![doc = include_str!("../README.md")]
// Only `gguf/map.rs` may: mapping a file is a promise about the file.
#![deny(unsafe_code)]

pub mod chat;
pub mod checkpoint;
pub mod context;
pub mod gguf;
pub mod linear;
pub mod matrix;
pub mod presets;
pub mod profile;
pub mod tensor;
pub mod tokenizer;

pub use checkpoint::{Checkpoint, Files};
pub use context::Context;
pub use linear::Linear;
pub use matrix::Matrix;
pub use tensor::{AsTensor, Tensor, TensorView};
pub use tokenizer::Tokenizer;
