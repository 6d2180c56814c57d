//! Conversations.

use std::io::{BufRead, IsTerminal};
use std::path::Path;

use anyhow::Context as _;
use runtime::Loaded;
use runtime::chat::{AddGenerationPrompt, Message, Template};
use runtime::tokenizer::Special;

use super::generator::{End, Generator};
use super::{note, show};

/// A conversation so far.
pub(crate) struct Chat {
    template: Template,
    messages: Vec<Message>,
}

impl Chat {
    /// Nothing said yet, but for what the model should be.
    pub(crate) fn new(loaded: &Loaded, model: &Path, system: Option<&str>) -> anyhow::Result<Self> {
        let template = Template::from_metadata(&loaded.metadata()?)
            .with_context(|| model.display().to_string())?;
        Ok(Self { template, messages: system.map(Message::system).into_iter().collect() })
    }

    /// Every line of standard input is a message.
    pub(crate) fn talk(&mut self, generator: &mut Generator<'_>) -> anyhow::Result<()> {
        let input = std::io::stdin();
        let prompt = || {
            if input.is_terminal() {
                eprint!("> ");
            }
        };
        prompt();
        for line in input.lock().lines() {
            let line = line.context("cannot read a message")?;
            if !line.trim().is_empty() {
                let end = self.answer(generator, line)?;
                note(end);
                if matches!(end, End::Interrupted | End::Unread | End::Context(_)) {
                    return Ok(());
                }
            }
            prompt();
        }
        Ok(())
    }

    /// Shows the answer to a message.
    pub(crate) fn answer(
        &mut self,
        generator: &mut Generator<'_>,
        message: String,
    ) -> anyhow::Result<End> {
        self.messages.push(Message::user(message));
        let text = self.template.render(&self.messages, AddGenerationPrompt::Yes)?;
        let ids = generator.tokenizer().encode_markup(&text, Special::Add)?;
        let mut answer = String::new();
        let end = generator.write(&ids, |text| {
            // Tokens of SentencePiece begin with the space before a word, the first one, too.
            let text = if answer.is_empty() { text.trim_start() } else { text };
            answer += text;
            show(text)
        })?;
        show("\n")?;
        self.messages.push(Message::assistant(answer));
        Ok(end)
    }
}
