#![doc = include_str!("../README.md")]
// Only `gguf/map.rs` may: mapping a file is a promise about the file.
#![deny(unsafe_code)]

pub mod activation;
mod attention;
pub mod cache;
pub mod chat;
pub mod checkpoint;
pub mod context;
mod embed;
mod embedding;
mod experts;
mod feed_forward;
pub mod gguf;
pub mod hf;
pub mod linear;
pub mod load;
pub mod matrix;
pub mod model;
mod models;
mod norm;
pub mod pages;
mod pass;
pub mod perplexity;
pub mod presets;
pub mod profile;
pub mod quantize;
mod replace;
mod rope;
mod rows;
pub mod sampler;
pub mod session;
mod smallmind;
pub mod smnd;
pub mod smq;
pub mod tensor;
pub mod tokenizer;
mod told;
pub mod units;
pub mod verify;

pub use checkpoint::{Checkpoint, Container, Files};
pub use context::Context;
pub use linear::Linear;
pub use load::{LoadOptions, Loaded, load};
pub use matrix::Matrix;
pub use model::Model;
pub use sampler::{Sampler, SamplerOptions};
pub use session::Session;
pub use tensor::{AsTensor, Tensor, TensorView};
pub use tokenizer::Tokenizer;
pub use told::told;
