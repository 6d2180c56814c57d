//! A safetensors file and its `config.json`, of any bytes, cut at the first NUL.

#![no_main]

mod model;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some(cut) = bytes.iter().position(|byte| *byte == 0) else { return };
    let (config, file) = (&bytes[..cut], &bytes[cut + 1..]);
    std::fs::write(model::folder().join("config.json"), config).expect("a temporary file");
    model::open("safetensors", file);
});
