//! Text of tokens that come one by one.

use super::Tokenizer;

/// What a replaced byte is shown as.
const REPLACEMENT: char = '\u{FFFD}';

/// Turns tokens into text as they are generated. A character may be spread over several tokens;
/// it is given out once it is whole.
///
/// Unlike [`Tokenizer::decode`], which takes the tokens of a whole text, this continues one: a
/// space that the first token begins with is kept.
pub struct Stream<'t> {
    tokenizer: &'t Tokenizer,
    /// Printed, and not given out yet.
    bytes: Vec<u8>,
    text: String,
}

impl<'t> Stream<'t> {
    pub(super) fn new(tokenizer: &'t Tokenizer) -> Self {
        Self { tokenizer, bytes: vec![], text: String::new() }
    }

    /// What can be shown now that `id` has come, or `None` if that is nothing yet. Bytes that are
    /// no UTF-8 come out as U+FFFD; control tokens print nothing.
    pub fn push(&mut self, id: u32) -> Option<&str> {
        self.tokenizer.print(id, &mut self.bytes);
        self.text.clear();
        let mut taken = 0;
        for chunk in self.bytes.utf8_chunks() {
            self.text.push_str(chunk.valid());
            taken += chunk.valid().len();
            let invalid = chunk.invalid();
            // At the very end these may be the beginning of a character.
            if taken + invalid.len() == self.bytes.len() && may_go_on(invalid) {
                break;
            }
            taken += invalid.len();
            self.text.extend((!invalid.is_empty()).then_some(REPLACEMENT));
        }
        self.bytes.drain(..taken);
        (!self.text.is_empty()).then_some(&*self.text)
    }

    /// What is left when no token follows: a replacement for a character that was cut short.
    pub fn finish(self) -> Option<&'static str> {
        (!self.bytes.is_empty()).then_some("\u{FFFD}")
    }
}

/// Whether bytes are the beginning of a character.
fn may_go_on(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}
