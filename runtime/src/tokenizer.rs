//! Tokenizers, built from the vocabulary that a GGUF file carries.
//!
//! | `tokenizer.ggml.model` | is | models | in |
//! |---|---|---|---|
//! | `llama` | SentencePiece BPE: scores, bytes as `<0x0A>` | Llama 1 and 2, Mistral, Gemma, Phi-3 | `spm.rs` |
//! | `gpt2` | byte-level BPE: merge rules, a pre-tokenizer | Llama 3, Qwen, GPT-2, most others | `bpe.rs`, `pre_tokenizers.rs` |
//! | `bert` | WordPiece | BERT and its kin | `wordpiece.rs` |
//!
//! Ids are those of llama.cpp, on which the formats of quantized models rest, for its own test
//! cases of each kind; where it only approximates the pattern of a model's own tokenizer, as for
//! Tekken, the model's is used. The `tokenizers` crate normalizes, cuts into words, and merges.
//!
//! # Special tokens
//!
//! Three things are easily confused. *Putting tokens around a text* (BOS, EOS; `[CLS]` and
//! `[SEP]`) is what [`Special`] decides, and the file says which. *Reading the names of control
//! tokens in a text* is right for what a chat template wrote and dangerous for what a user wrote,
//! so it is another function: [`Tokenizer::encode_markup`]. *Printing them* never happens; their
//! names are [`Tokenizer::token`].
//!
//! ```
//! use runtime::gguf::{Gguf, Writer};
//! use runtime::tokenizer::{Special, Tokenizer};
//!
//! let mut writer = Writer::new();
//! writer
//!     .metadata("tokenizer.ggml.model", "llama")
//!     .array("tokenizer.ggml.tokens", ["<unk>", "<s>", "▁", "a", "b", "ab", "▁ab"])
//!     .array("tokenizer.ggml.scores", [0.0f32, 0.0, -5.0, -6.0, -7.0, -1.0, -2.0])
//!     .array("tokenizer.ggml.token_type", [2, 3, 1, 1, 1, 1, 1]);
//! let file = writer.begin(Vec::new())?.finish()?;
//!
//! let tokenizer = Tokenizer::from_metadata(Gguf::parse(&file)?.metadata())?;
//! assert_eq!(tokenizer.encode("ab aba", Special::Add)?, [1, 6, 6, 3]);
//! assert_eq!(tokenizer.decode(&[1, 6, 6, 3]), "ab aba");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bpe;
mod byte_level;
mod error;
mod keys;
mod markup;
mod pre_tokenizers;
mod special;
mod spm;
mod stream;
mod vocabulary;
mod wordpiece;

use std::fmt;

pub use error::TokenizerError;
pub use stream::Stream;

use crate::gguf::Metadata;
use bpe::Bpe;
use markup::{Markup, Part, Reading, SpaceAfter};
use special::{Defaults, Specials};
use spm::Spm;
use vocabulary::{Spelling, Vocabulary};
use wordpiece::WordPiece;

/// Turns text into the ids of a model's vocabulary, and back.
pub struct Tokenizer {
    vocabulary: Vocabulary,
    specials: Specials,
    markup: Markup,
    algorithm: Algorithm,
}

enum Algorithm {
    Spm(Spm),
    Bpe(Bpe),
    WordPiece(WordPiece),
}

/// Whether the tokens that a model expects before and after a text are put there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Special {
    /// As the file says: `add_bos_token`, `add_eos_token`, and what its kind does by default.
    Add,
    /// Only the tokens of the text.
    Omit,
}

impl Tokenizer {
    /// Builds the tokenizer that a file describes. What it needs of the metadata is copied.
    ///
    /// # Errors
    /// If the file has no tokenizer, one of a kind that is not built here, or one that contradicts
    /// itself; each error names the key.
    pub fn from_metadata(metadata: &Metadata<'_>) -> Result<Self, TokenizerError> {
        let model = metadata.find::<&str>(keys::MODEL)?.ok_or(TokenizerError::None)?;
        let vocabulary = match model {
            "llama" | "gpt2" | "bert" => Vocabulary::read(metadata)?,
            _ => return Err(TokenizerError::Kind { found: model.to_owned() }),
        };
        let (specials, algorithm) = match model {
            "llama" => {
                // The ids of SentencePiece's own defaults.
                let (bos, eos, unknown) = (Some(1), Some(2), Some(0));
                let defaults = Defaults { bos, eos, unknown, add_bos: true };
                let specials = Specials::read(metadata, &vocabulary, defaults)?;
                let spm = Spm::read(metadata, &vocabulary, specials.unknown)?;
                (specials, Algorithm::Spm(spm))
            }
            "gpt2" => {
                let words = pre_tokenizers::of_file(metadata)?;
                let defaults = Defaults { add_bos: words.add_bos, ..Defaults::default() };
                let specials = Specials::read(metadata, &vocabulary, defaults)?;
                (specials, Algorithm::Bpe(Bpe::read(metadata, &vocabulary, words)?))
            }
            _ => {
                let specials = Specials::read_bert(metadata, &vocabulary)?;
                let wordpiece = WordPiece::read(metadata, &vocabulary, specials.unknown)?;
                (specials, Algorithm::WordPiece(wordpiece))
            }
        };
        let markup = Markup::new(&vocabulary, space_after(metadata)?)?;
        Ok(Self { vocabulary, specials, markup, algorithm })
    }

    /// The tokens of a plain text. Names of control tokens in it are text like any other; tokens
    /// that were added to the vocabulary by hand are read.
    ///
    /// # Errors
    /// If the vocabulary cannot spell the text and has no unknown token.
    pub fn encode(&self, text: &str, special: Special) -> Result<Vec<u32>, TokenizerError> {
        self.encode_reading(text, special, Reading::Plain)
    }

    /// The tokens of a text in which names of control tokens mean these tokens: a rendered chat
    /// template. A BOS or EOS token that the text itself has is not put there twice.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn encode_markup(&self, text: &str, special: Special) -> Result<Vec<u32>, TokenizerError> {
        self.encode_reading(text, special, Reading::Markup)
    }

    /// The text of tokens. Control tokens, and ids that there are no tokens for, print nothing;
    /// bytes that are no UTF-8 become U+FFFD. Where [`encode`](Self::encode) put a space before
    /// the text, it is taken away again.
    pub fn decode(&self, ids: &[u32]) -> String {
        let mut bytes = vec![];
        for &id in ids {
            self.print(id, &mut bytes);
        }
        let space_added = match &self.algorithm {
            Algorithm::Spm(spm) => spm.space_before,
            Algorithm::WordPiece(_) => true,
            Algorithm::Bpe(_) => false,
        };
        let added = usize::from(space_added && bytes.starts_with(b" "));
        String::from_utf8_lossy(&bytes[added..]).into_owned()
    }

    /// A decoder for tokens that come one by one.
    pub fn stream(&self) -> Stream<'_> {
        Stream::new(self)
    }

    /// The token that a text begins with, if the vocabulary has one.
    pub fn bos(&self) -> Option<u32> {
        self.specials.bos
    }

    /// The token that ends a text, if the vocabulary has one.
    pub fn eos(&self) -> Option<u32> {
        self.specials.eos
    }

    /// Whether a model that generates this token has nothing more to say: the end of a text or of
    /// a turn.
    pub fn is_end(&self, id: u32) -> bool {
        self.specials.is_end(id)
    }

    /// Number of tokens in the vocabulary. A model may have more rows than this, never less.
    pub fn vocabulary(&self) -> usize {
        self.vocabulary.len()
    }

    /// A token as the file spells it, with `▁` or `Ġ` for a space.
    pub fn token(&self, id: u32) -> Option<&str> {
        self.vocabulary.text(id)
    }

    fn encode_reading(
        &self,
        text: &str,
        special: Special,
        reading: Reading,
    ) -> Result<Vec<u32>, TokenizerError> {
        let mut ids = vec![];
        for part in self.markup.parts(text, reading) {
            match part {
                Part::Token(id) => ids.push(id),
                Part::Text(text) => self.encode_text(text, &mut ids)?,
            }
        }
        if special == Special::Add {
            let before = self.specials.before.filter(|&id| ids.first() != Some(&id));
            let after = self.specials.after.filter(|&id| ids.last() != Some(&id));
            ids.splice(..0, before);
            ids.extend(after);
        }
        Ok(ids)
    }

    /// Appends the tokens of a text without special tokens in it: all of it, or what is between two.
    fn encode_text(&self, text: &str, out: &mut Vec<u32>) -> Result<(), TokenizerError> {
        match &self.algorithm {
            Algorithm::Spm(spm) => spm.encode(text, out),
            Algorithm::Bpe(bpe) => bpe.encode(text, out),
            Algorithm::WordPiece(wordpiece) => wordpiece.encode(text, out),
        }
    }

    /// Appends what a token prints.
    fn print(&self, id: u32, out: &mut Vec<u8>) {
        let spelling = match self.algorithm {
            Algorithm::Bpe(_) => Spelling::Bytes,
            Algorithm::Spm(_) | Algorithm::WordPiece(_) => Spelling::Spaces,
        };
        self.vocabulary.print(id, spelling, out);
    }
}

/// Files do not say which special tokens swallow white space. Those of Phi-3 do, all but three.
fn space_after(metadata: &Metadata<'_>) -> Result<SpaceAfter, TokenizerError> {
    let name = metadata.find::<&str>("general.name")?.unwrap_or_default().to_lowercase();
    let phi_3 = name.contains("phi-3") || name.contains("phi3");
    Ok(match phi_3 {
        true => SpaceAfter::SwallowedExceptAfter(&["<unk>", "<s>", "<|endoftext|>"]),
        false => SpaceAfter::Kept,
    })
}

impl fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokenizer")
            .field("tokens", &self.vocabulary())
            .field("specials", &self.specials)
            .finish_non_exhaustive()
    }
}
