//! `tokenize`: a text as ids, or ids as a text.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use runtime::checkpoint::Access;
use runtime::tokenizer::{Special, Tokenizer};
use runtime::{Checkpoint, Files};

/// Turn text into the ids of a model's vocabulary, or back.
///
/// Ids are printed on one line, with the tokens that the model expects around a text, and with
/// names of control tokens in the text read as these tokens, as in a rendered chat template.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  runtime tokenize model.gguf \"Once upon a time\"
  runtime tokenize model.gguf --file questions.txt --lines --no-special
  runtime tokenize model.gguf --decode \"1 403 407 261 378\"")]
pub(crate) struct Args {
    /// The model file; a file with a vocabulary and no weights will do.
    model: PathBuf,
    /// The text.
    #[arg(allow_hyphen_values = true, required_unless_present = "file")]
    text: Option<String>,
    /// Read the text from a file, all of it, its last line end, too.
    #[arg(long, value_name = "F", conflicts_with = "text")]
    file: Option<PathBuf>,
    /// Take each line as a text of its own: one line of ids for each.
    #[arg(long)]
    lines: bool,
    /// Plain text and nothing else: no tokens put around it, names of control tokens not read.
    #[arg(long)]
    no_special: bool,
    /// The text is ids, and what they mean is printed. Control tokens print nothing.
    #[arg(long, conflicts_with = "no_special")]
    decode: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<String> {
    let tokenizer = tokenizer(&args.model)?;
    let text = match (&args.text, &args.file) {
        (Some(text), _) => text.clone(),
        (None, Some(file)) => super::read_text(file)?,
        (None, None) => String::new(),
    };
    let texts = match args.lines {
        true => text.split_terminator('\n').collect(),
        false => vec![&*text],
    };
    let mut out = String::new();
    for text in texts {
        if args.decode {
            let ids = text.split_whitespace().map(|id| {
                id.parse().with_context(|| format!("{id:?} is no id: a number is expected"))
            });
            writeln!(out, "{}", tokenizer.decode(&ids.collect::<anyhow::Result<Vec<_>>>()?))?;
            continue;
        }
        let ids = match args.no_special {
            true => tokenizer.encode(text, Special::Omit)?,
            false => tokenizer.encode_markup(text, Special::Add)?,
        };
        let ids: Vec<String> = ids.iter().map(u32::to_string).collect();
        writeln!(out, "{}", ids.join(" "))?;
    }
    Ok(out)
}

fn tokenizer(model: &Path) -> anyhow::Result<Tokenizer> {
    let files = Files::open(model, Access::Map)?;
    let checkpoint = Checkpoint::parse(&files)?;
    Tokenizer::from_metadata(checkpoint.metadata())
        .with_context(|| format!("{}: no tokenizer", model.display()))
}
