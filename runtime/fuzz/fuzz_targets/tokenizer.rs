//! A vocabulary in the metadata of a GGUF file of any bytes, and a text for it after the file.

#![no_main]

use libfuzzer_sys::fuzz_target;
use runtime::Tokenizer;
use runtime::gguf::Gguf;
use runtime::tokenizer::Special;

fuzz_target!(|bytes: &[u8]| {
    let Ok(gguf) = Gguf::parse(bytes) else { return };
    let tokenizer = match Tokenizer::from_metadata(gguf.metadata()) {
        Ok(tokenizer) => tokenizer,
        Err(error) => {
            assert!(error.to_string().len() < 1 << 16);
            return;
        }
    };
    // What follows the header is a text as good as any.
    let start = (gguf.data_offset() as usize).min(bytes.len());
    let text = String::from_utf8_lossy(&bytes[start..]);
    for text in [&text, "a b\u{301}\n 12<s></s>"] {
        for special in [Special::Add, Special::Omit] {
            if let Ok(ids) = tokenizer.encode(text, special) {
                assert!(ids.iter().all(|id| (*id as usize) < tokenizer.vocabulary()));
                let _ = tokenizer.decode(&ids);
            }
            let _ = tokenizer.encode_markup(text, special);
        }
    }
    let _ = tokenizer.decode(&[0, 1, u32::MAX, tokenizer.vocabulary() as u32]);
    let _ = (tokenizer.bos(), tokenizer.eos(), tokenizer.token(u32::MAX));
});
