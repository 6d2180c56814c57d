//! A profile of any text: as it is, and with the digest that makes it credible.

#![no_main]

use libfuzzer_sys::fuzz_target;
use runtime::profile::ProfileFile;

fuzz_target!(|text: &str| {
    let _ = read(text);
    let body = text.rsplit_once("integrity").map_or(text, |(body, _)| body);
    let digest = blake3::hash(body.as_bytes()).to_hex();
    if let Some(file) = read(&format!("{body}integrity = \"blake3:{digest}\"\n")) {
        // What was read can be written, and is read as the same again.
        assert_eq!(read(&file.to_toml()).map(|file| file.to_toml()), Some(file.to_toml()));
    }
});

fn read(text: &str) -> Option<ProfileFile> {
    match ProfileFile::parse(text) {
        Ok(file) => {
            for entry in &file.entries {
                let _ = entry.resolve(&kernels::formats::all());
            }
            Some(file)
        }
        Err(error) => {
            let _ = error.to_string();
            None
        }
    }
}
