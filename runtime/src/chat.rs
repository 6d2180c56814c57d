//! Chat templates: a conversation as the one text that a model was trained to continue.
//!
//! A GGUF file carries the template of its model, a Jinja program (`tokenizer.chat_template`).
//! Templates are written for the `transformers` library, so they run as they do there: the same
//! white space rules, `raise_exception` and `strftime_now`, methods of Python strings, a `tojson`
//! that writes what Python's `json.dumps` does. What comes out has the names of control tokens in
//! it; [`Tokenizer::encode_markup`](crate::Tokenizer::encode_markup) reads them.
//!
//! A template is a program from a stranger. It can neither read files nor include anything, and it
//! is given fuel in proportion to the conversation, which bounds its time and its memory: what
//! would take more of either is an error. (The engine, minijinja, charges for most of what a
//! template does; `chat/bounds.rs` sees to the rest.)
//!
//! ```
//! use runtime::chat::{AddGenerationPrompt, Message, Template};
//! use runtime::gguf::{Gguf, Writer};
//!
//! let chatml = "{% for message in messages %}<|im_start|>{{ message.role }}\n\
//!     {{ message.content }}<|im_end|>\n{% endfor %}\
//!     {% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
//! let mut writer = Writer::new();
//! writer.metadata("tokenizer.chat_template", chatml);
//! let file = writer.begin(Vec::new())?.finish()?;
//!
//! let template = Template::from_metadata(Gguf::parse(&file)?.metadata())?;
//! let text = template.render(&[Message::user("Hello!")], AddGenerationPrompt::Yes)?;
//! assert_eq!(text, "<|im_start|>user\nHello!<|im_end|>\n<|im_start|>assistant\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bounds;
mod json;

use std::fmt;

use minijinja::machinery::{eval, make_string_output};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, context};
use regex::Regex;
use serde::Serialize;
use thiserror::Error;

use crate::gguf::{Array, GgufError, Metadata};

/// The template of a model.
const TEMPLATE: &str = "tokenizer.chat_template";
/// The name it has for the engine, which shows in messages.
const NAME: &str = "chat_template";

/// What a template may do in units of the engine: one is an instruction, or 64 bytes of text made.
/// Templates with all that can be written for tools take some thousand instructions, some dozen
/// more a message, and copy what is said a few times; these bounds are ten times that.
const FUEL: u64 = 20_000;
/// More for each message.
const FUEL_A_MESSAGE: u64 = 2_000;
/// Bytes said that are worth one more.
const BYTES_A_FUEL: u64 = 1;

/// The chat template of a model.
pub struct Template {
    engine: Environment<'static>,
    source: String,
    bos: String,
    eos: String,
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Who says it: `system`, `user`, `assistant`, or what else a template knows.
    pub role: String,
    /// What is said.
    pub content: String,
}

/// Whether the text ends with the beginning of an answer, for the model to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The names say it.
pub enum AddGenerationPrompt {
    Yes,
    No,
}

/// There is no template, or it does not work.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// The key has a value of the wrong type, or another key that a template needs does.
    #[error(transparent)]
    Metadata(#[from] GgufError),

    /// The file has no template.
    #[error(
        "the file has no chat template (metadata {TEMPLATE:?}): the model may not be one for \
         chats; give it a plain prompt, written as it was trained to read conversations"
    )]
    Missing,

    /// The template is no Jinja, or uses what is not known here.
    #[error("metadata {TEMPLATE:?} cannot be read: {0}")]
    Syntax(String),

    /// The template refuses the conversation, fails, or does not end.
    #[error("metadata {TEMPLATE:?} failed: {0}")]
    Render(String),
}

impl Template {
    /// The template that a file carries.
    ///
    /// # Errors
    /// If it carries none, or one that cannot be read.
    pub fn from_metadata(metadata: &Metadata<'_>) -> Result<Self, TemplateError> {
        let source = metadata.find::<&str>(TEMPLATE)?.ok_or(TemplateError::Missing)?;
        let mut template = Self::new(source)?;
        template.bos = token(metadata, "tokenizer.ggml.bos_token_id")?;
        template.eos = token(metadata, "tokenizer.ggml.eos_token_id")?;
        Ok(template)
    }

    /// A template that is not from a file. It knows no BOS and EOS tokens.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn new(source: &str) -> Result<Self, TemplateError> {
        let mut engine = Environment::new();
        engine.set_undefined_behavior(UndefinedBehavior::Lenient);
        bounds::add_to(&mut engine);
        engine.add_function("raise_exception", raise_exception);
        engine.add_function("strftime_now", strftime_now);
        engine.add_filter("tojson", json::to_json);
        let wrong = |error: Error| TemplateError::Syntax(full(&error));
        let source = without_generation_blocks(source);
        let source = bounds::unfolded(&source, white_space_rules()).map_err(wrong)?;
        bounds::compile(NAME, &source, white_space_rules()).map_err(wrong)?;
        Ok(Self { engine, source, bos: String::new(), eos: String::new() })
    }

    /// A conversation as text.
    ///
    /// # Errors
    /// If the template refuses the conversation (some insist on turns that alternate), uses
    /// something that is not there, or does more than a conversation of that length should need.
    pub fn render(
        &self,
        messages: &[Message],
        prompt: AddGenerationPrompt,
    ) -> Result<String, TemplateError> {
        let mut engine = self.engine.clone();
        engine.set_fuel(Some(fuel(messages)));
        let program = bounds::compile(NAME, &self.source, white_space_rules()).map_err(failed)?;
        let given = context! {
            messages => Serde(messages),
            add_generation_prompt => prompt == AddGenerationPrompt::Yes,
            bos_token => self.bos.as_str(),
            eos_token => self.eos.as_str(),
            tools => (),
            documents => (),
        };
        let (mut text, no_escape) = (String::new(), AutoEscape::None);
        let mut out = make_string_output(&mut text);
        eval(&engine, &program.instructions, given, &program.blocks, &mut out, no_escape)
            .map_err(failed)?;
        drop(out);
        Ok(text)
    }
}

impl Message {
    /// What the user says.
    pub fn user(content: impl Into<String>) -> Self {
        Self { role: "user".to_owned(), content: content.into() }
    }

    /// What the model said.
    pub fn assistant(content: impl Into<String>) -> Self {
        Self { role: "assistant".to_owned(), content: content.into() }
    }

    /// What the model should be.
    pub fn system(content: impl Into<String>) -> Self {
        Self { role: "system".to_owned(), content: content.into() }
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template")
            .field("bos", &self.bos)
            .field("eos", &self.eos)
            .finish_non_exhaustive()
    }
}

/// The text of the token that `key` names; empty if there is none.
fn token(metadata: &Metadata<'_>, key: &str) -> Result<String, TemplateError> {
    let Some(id) = metadata.find::<i64>(key)? else { return Ok(String::new()) };
    let tokens = metadata.find::<Array<'_>>("tokenizer.ggml.tokens")?;
    let text = tokens.and_then(|tokens| {
        let id = usize::try_from(id).ok().filter(|&id| id < tokens.len())?;
        tokens.values::<&str>()?.nth(id)
    });
    Ok(text.unwrap_or_default().to_owned())
}

/// A block on a line of its own leaves no trace of the line, as `transformers` sets it.
fn white_space_rules() -> SyntaxConfig {
    SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()
        .expect("the delimiters are the standard ones")
}

/// `{% generation %}` marks what a model is trained on, and does nothing when it runs.
fn without_generation_blocks(source: &str) -> String {
    let tags = Regex::new(r"(\{%[-+]?\s*)(end)?generation(\s*[-+]?%\})").expect("a valid pattern");
    let plain = |tag: &regex::Captures<'_>| {
        let stands_for = if tag.get(2).is_some() { "endif" } else { "if true" };
        format!("{}{stands_for}{}", &tag[1], &tag[3])
    };
    tags.replace_all(source, plain).into_owned()
}

/// How a template says that it cannot do something.
fn raise_exception(message: &str) -> Result<String, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message.to_owned()))
}

/// The present moment, in the form that a template wants.
fn strftime_now(format: &str) -> Result<String, Error> {
    jiff::fmt::strtime::format(format, &jiff::ZonedDateTime::now())
        .map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))
}

fn fuel(messages: &[Message]) -> u64 {
    let bytes: usize = messages.iter().map(|message| message.content.len()).sum();
    FUEL + FUEL_A_MESSAGE * messages.len() as u64 + bytes as u64 / BYTES_A_FUEL
}

fn failed(error: Error) -> TemplateError {
    TemplateError::Render(full(&error))
}

/// The engine's message and what began it.
fn full(error: &Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    match causes.last() {
        Some(root) => format!("{error}: {root}"),
        None => error.to_string(),
    }
}
