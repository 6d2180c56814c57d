//! How long it took.

use std::fmt;
use std::time::Duration;

/// Tokens and times of a run.
#[derive(Default)]
pub(crate) struct Statistics {
    /// Until the model was there.
    pub(crate) load: Duration,
    /// Tokens read.
    pub(crate) prompt: usize,
    /// Reading them.
    pub(crate) prefill: Duration,
    /// From a prompt to the first token of the answer; of the first answer.
    pub(crate) first: Option<Duration>,
    /// Tokens written.
    pub(crate) written: usize,
    /// Steps: tokens written that were read again, for the next one.
    pub(crate) steps: usize,
    /// What the steps took.
    pub(crate) decode: Duration,
}

impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "prompt {} tokens, {}; first token after {:.1} ms; generated {} tokens, {}; loaded in \
             {:.1} ms",
            self.prompt,
            rate(self.prompt, self.prefill),
            ms(self.first.unwrap_or_default()),
            self.written,
            rate(self.steps, self.decode),
            ms(self.load),
        )
    }
}

fn rate(tokens: usize, time: Duration) -> String {
    if tokens == 0 {
        return "no steps".to_owned();
    }
    format!("{:.1} tokens/s", tokens as f64 / time.as_secs_f64().max(1e-9))
}

fn ms(time: Duration) -> f64 {
    1e3 * time.as_secs_f64()
}
