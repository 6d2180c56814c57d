//! A GGUF file of any bytes: refused, or all that it offers holds.

#![no_main]

use libfuzzer_sys::fuzz_target;
use runtime::gguf::{Gguf, Value};
use runtime::verify::odd_rows;

fuzz_target!(|bytes: &[u8]| {
    let found = Gguf::check(bytes);
    let gguf = match Gguf::parse(bytes) {
        Err(error) => {
            assert!(!found.is_empty());
            assert!(error.to_string().len() < 1 << 16);
            return;
        }
        Ok(gguf) => gguf,
    };
    assert!(found.is_empty());
    for (key, value) in gguf.metadata().iter() {
        assert!(gguf.metadata().get(key).is_some());
        assert!(value.to_string().len() < 1 << 16);
        if let Value::Array(array) = value {
            assert_eq!(array.iter().count(), array.len());
        }
    }
    for tensor in gguf.tensors() {
        if let Ok(view) = gguf.tensor(tensor.name) {
            assert_eq!(view.bytes.len(), view.rows() * view.row_bytes());
            let _ = odd_rows(&view);
        }
    }
    assert!(!gguf.report().to_string().is_empty());
});
