//! An SMQ file of any bytes: refused, or its weights can be had in every way, and in GGUF's terms.

#![no_main]

mod model;

use libfuzzer_sys::fuzz_target;
use runtime::smq::{Severity, Smq};

fuzz_target!(|bytes: &[u8]| {
    let errors = Smq::check(bytes).iter().filter(|f| f.severity() == Severity::Error).count();
    let smq = match Smq::parse(bytes) {
        Err(error) => {
            assert_eq!(error.errors().len(), errors);
            assert!(error.to_string().len() < 1 << 16);
            return;
        }
        Ok(smq) => smq,
    };
    assert_eq!(errors, 0);
    for entry in smq.entries() {
        let (values, rows) = (entry.values(), entry.rows());
        let mut weights = vec![0.0; values.len()];
        rows.format.dequantize(&rows.bytes, &mut weights).expect("whole rows");
        // Bits, for scales may be no numbers.
        assert!(values.iter().zip(&weights).all(|(a, b)| a == b || a.is_nan() && b.is_nan()));
    }
    model::open("smq", bytes);
});
