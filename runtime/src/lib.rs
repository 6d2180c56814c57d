#![doc = include_str!("../README.md")]
// Only `gguf/map.rs` may: mapping a file is a promise about the file.
#![deny(unsafe_code)]

pub mod gguf;
pub mod profile;
pub mod tensor;
