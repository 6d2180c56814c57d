//! A chat template of any text: refused, or it is done with a conversation soon.

#![no_main]

use libfuzzer_sys::fuzz_target;
use runtime::chat::{AddGenerationPrompt, Message, Template};

fuzz_target!(|source: &str| {
    let template = match Template::new(source) {
        Err(error) => {
            assert!(error.to_string().len() < 1 << 16);
            return;
        }
        Ok(template) => template,
    };
    let talk = [Message::system("Be brief."), Message::user("1 + 1?"), Message::assistant("2")];
    for prompt in [AddGenerationPrompt::Yes, AddGenerationPrompt::No] {
        match template.render(&talk, prompt) {
            // What fuel there is buys no more.
            Ok(text) => assert!(text.len() < 4 << 20),
            Err(error) => assert!(error.to_string().len() < 1 << 16),
        }
    }
});
