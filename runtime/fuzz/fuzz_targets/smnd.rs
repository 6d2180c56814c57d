//! An SMND file of any bytes: refused, or all of its weights are there, in GGUF's terms.

#![no_main]

mod model;

use libfuzzer_sys::fuzz_target;
use runtime::smnd::Smnd;

fuzz_target!(|bytes: &[u8]| {
    match Smnd::parse(bytes) {
        Err(error) => assert!(error.to_string().len() < 1 << 16),
        Ok(smnd) => {
            for parameter in &smnd.parameters {
                assert_eq!(parameter.values().len(), parameter.dims.iter().product::<usize>());
            }
            model::open("smnd", bytes);
        }
    }
});
