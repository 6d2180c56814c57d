//! `generate`: a model goes on with a text, or answers.

mod chat;
mod generator;
mod statistics;
mod stops;

use std::io::{ErrorKind, IsTerminal, Read, Write};
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context as _;
use runtime::tokenizer::Special;
use runtime::{Sampler, SamplerOptions};

use super::loading::Loading;
use chat::Chat;
use generator::{End, Generator};

/// Let a model go on with a text, or answer a message.
///
/// The text that the model writes goes to standard output while it is written; how fast it was is
/// said on standard error at the end. Ctrl-C ends the text, and a second one the program.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  runtime generate model.gguf \"Once upon a time\"
  runtime generate model.gguf --temperature 0 --tokens 50 \"The capital of France is\"
  runtime generate model.gguf --chat --system \"Be brief.\" \"What is a tensor?\"
  runtime generate model.gguf --chat
  cat story.txt | runtime generate model.gguf --stop \"The End\" -")]
pub(crate) struct Args {
    /// The model file.
    model: PathBuf,
    /// The text to go on with; `-` reads it from standard input, without its last line end.
    #[arg(allow_hyphen_values = true, required_unless_present = "chat")]
    prompt: Option<String>,
    /// The prompt is a message, put into words by the file's chat template. Without a prompt, each
    /// line of standard input is a message, and the conversation goes on.
    #[arg(long)]
    chat: bool,
    /// In a chat, what the model should be.
    #[arg(long, value_name = "TEXT", requires = "chat")]
    system: Option<String>,
    /// Names of control tokens in the prompt, such as <|im_start|>, mean these tokens.
    #[arg(long, conflicts_with = "chat")]
    markup: bool,
    /// Tokens to write, at most.
    #[arg(short = 'n', long, default_value_t = 256, value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..))]
    tokens: u32,
    /// Ends the text when the model is about to write this; may be given several times.
    #[arg(long, value_name = "TEXT",
        value_parser = clap::builder::NonEmptyStringValueParser::new())]
    stop: Vec<String>,
    /// Tokens that prompt and text may have together; what the model was trained for by default.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    context: Option<u32>,
    #[command(flatten)]
    sampling: Sampling,
    #[command(flatten)]
    loading: Loading,
}

/// How tokens are drawn.
#[derive(clap::Args)]
#[command(next_help_heading = "Sampling")]
struct Sampling {
    /// Where the draws begin: the same seed and options give the same text.
    #[arg(long, default_value_t = SamplerOptions::default().seed, value_name = "N")]
    seed: u64,
    /// Above 1 bolder, below 1 safer; 0 always takes the most likely token.
    #[arg(long, default_value_t = SamplerOptions::default().temperature, value_name = "X",
        allow_negative_numbers = true)]
    temperature: f32,
    /// Draw among so many of the most likely tokens; 0 is all.
    #[arg(long, default_value_t = SamplerOptions::default().top_k, value_name = "N")]
    top_k: usize,
    /// Draw among the fewest tokens that together are as likely as this; 1 is all.
    #[arg(long, default_value_t = SamplerOptions::default().top_p, value_name = "X",
        allow_negative_numbers = true)]
    top_p: f32,
    /// Draw among tokens that are so many times as likely as the most likely; 0 is all.
    #[arg(long, default_value_t = SamplerOptions::default().min_p, value_name = "X",
        allow_negative_numbers = true)]
    min_p: f32,
    /// Make the last 64 tokens less likely to come again; 1 does nothing.
    #[arg(long, default_value_t = SamplerOptions::default().repetition_penalty, value_name = "X",
        allow_negative_numbers = true, visible_alias = "repetition-penalty")]
    repeat_penalty: f32,
}

impl Sampling {
    fn options(&self) -> SamplerOptions {
        SamplerOptions {
            temperature: self.temperature,
            top_k: self.top_k,
            top_p: self.top_p,
            min_p: self.min_p,
            repetition_penalty: self.repeat_penalty,
            seed: self.seed,
            ..SamplerOptions::default()
        }
    }
}

pub(crate) fn run(args: &Args) -> anyhow::Result<String> {
    let sampler = Sampler::new(args.sampling.options())?;
    let start = Instant::now();
    let loaded = args.loading.load(&args.model, args.context)?;
    let tokenizer = loaded.tokenizer().with_context(|| args.model.display().to_string())?;
    let mut generator = Generator::new(&loaded.model, &tokenizer, sampler)?;
    generator.limit = args.tokens as usize;
    generator.stops = &args.stop;
    generator.statistics.load = start.elapsed();
    match args.chat {
        false => {
            let prompt = args.prompt()?;
            let ids = match args.markup {
                true => tokenizer.encode_markup(&prompt, Special::Add)?,
                false => tokenizer.encode(&prompt, Special::Add)?,
            };
            let end = generator.write(&ids, show)?;
            finish_line();
            note(end);
        }
        true => {
            let mut chat = Chat::new(&loaded, &args.model, args.system.as_deref())?;
            match args.prompt {
                Some(_) => note(chat.answer(&mut generator, args.prompt()?)?),
                None => chat.talk(&mut generator)?,
            }
        }
    }
    eprintln!("{}", generator.statistics);
    Ok(String::new())
}

impl Args {
    /// The prompt, wherever it is.
    fn prompt(&self) -> anyhow::Result<String> {
        match self.prompt.as_deref() {
            Some("-") => {
                let mut text = String::new();
                std::io::stdin().read_to_string(&mut text).context("cannot read the prompt")?;
                let len = text.trim_end_matches('\n').len().max(text.len().saturating_sub(1));
                text.truncate(len);
                Ok(text)
            }
            prompt => Ok(prompt.unwrap_or_default().to_owned()),
        }
    }
}

/// Shows text at once. That nobody wants more of it (`| head`) ends it.
fn show(text: &str) -> anyhow::Result<Show> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(Show::More),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Show::Enough),
        Err(error) => Err(error).context("cannot write the text"),
    }
}

/// Whether somebody reads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Show {
    More,
    Enough,
}

/// On a terminal the next thing said is on a new line; a program gets the text alone.
fn finish_line() {
    if std::io::stdout().is_terminal() {
        println!();
    }
}

/// Says why a text ended where it may be a surprise.
fn note(end: End) {
    match end {
        End::Context(tokens) => eprintln!(
            "note: the context of {tokens} tokens is full; --context allows more, as far as the \
             model goes along"
        ),
        End::Interrupted => eprintln!("note: interrupted"),
        End::Model | End::Stop | End::Limit | End::Unread => {}
    }
}
