//! The tokens of a vocabulary: their texts, what kind each is, and the bytes it stands for.
//!
//! A token's text is not what it prints. A SentencePiece vocabulary writes spaces as `▁` and has
//! 256 tokens `<0x00>` to `<0xFF>` for bytes that no other token spells; a byte-level vocabulary
//! writes every byte as one printable character (a space is `Ġ`). Texts of special tokens are
//! meant as they are.

use super::byte_level;
use super::error::TokenizerError;
use super::keys;
use crate::gguf::{Array, Metadata};

/// The longest text of a token, in bytes. The longest in use are runs of a few hundred spaces;
/// this bounds what the tables built from a hostile file can cost.
const LONGEST_TOKEN: usize = 1 << 16;

/// What SentencePiece writes for a space.
pub(super) const SPACE: char = '▁';

/// All tokens of a vocabulary, by id.
pub(super) struct Vocabulary {
    /// All texts, one after another.
    texts: String,
    /// Where each token's text ends in `texts`.
    ends: Vec<usize>,
    kinds: Vec<TokenKind>,
}

/// What a token is for; the discriminants are the numbers in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A piece of text.
    Normal = 1,
    /// Stands for whatever the vocabulary cannot spell.
    Unknown = 2,
    /// Steers the model, prints nothing, and is read in a text only where that is asked for.
    Control = 3,
    /// Added to the vocabulary by hand: read in every text, before all else.
    UserDefined = 4,
    /// Never used.
    Unused = 5,
    /// One byte.
    Byte = 6,
}

/// How texts of normal tokens are spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    /// `▁` is a space, all else is as it is.
    Spaces,
    /// Each character is a byte.
    Bytes,
}

impl Vocabulary {
    /// Reads texts and kinds of all tokens.
    pub(super) fn read(metadata: &Metadata<'_>) -> Result<Self, TokenizerError> {
        let tokens = metadata.array(keys::TOKENS)?;
        if u32::try_from(tokens.len()).is_err() || tokens.is_empty() {
            let problem = format!("{} tokens make no vocabulary", tokens.len());
            return Err(TokenizerError::Tokens { problem });
        }
        let mut texts = String::with_capacity(tokens.as_bytes().len());
        let mut ends = Vec::with_capacity(tokens.len());
        // What the names say, where nothing else does.
        let mut kinds = Vec::with_capacity(tokens.len());
        for (id, text) in strings(tokens, keys::TOKENS)?.enumerate() {
            if text.len() > LONGEST_TOKEN {
                let problem =
                    format!("token {id} has {} bytes, {LONGEST_TOKEN} at most", text.len());
                return Err(TokenizerError::Tokens { problem });
            }
            texts.push_str(text);
            ends.push(texts.len());
            kinds.push(byte(text).map_or(TokenKind::Normal, |_| TokenKind::Byte));
        }
        if let Some(types) = metadata.find::<Array<'_>>(keys::TOKEN_TYPE)? {
            kinds = read_kinds(types, ends.len())?;
        }
        Ok(Self { texts, ends, kinds })
    }

    /// Number of tokens.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The text of a token, as the file spells it.
    pub(super) fn text(&self, id: u32) -> Option<&str> {
        let id = id as usize;
        let end = *self.ends.get(id)?;
        let start = id.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(&self.texts[start..end])
    }

    /// What a token is for.
    pub(super) fn kind(&self, id: u32) -> Option<TokenKind> {
        self.kinds.get(id as usize).copied()
    }

    /// All tokens: id, kind, text.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, TokenKind, &str)> {
        (0..self.len() as u32).filter_map(|id| Some((id, self.kind(id)?, self.text(id)?)))
    }

    /// Appends what a token prints: nothing for control and unknown tokens, and for ids that there
    /// are no tokens for.
    pub(super) fn print(&self, id: u32, spelling: Spelling, out: &mut Vec<u8>) {
        let (Some(text), Some(kind)) = (self.text(id), self.kind(id)) else {
            return;
        };
        match (kind, spelling) {
            (TokenKind::Control | TokenKind::Unknown, _) => {}
            (TokenKind::UserDefined, _) => out.extend(text.as_bytes()),
            (TokenKind::Byte, _) => out.extend(byte(text)),
            (_, Spelling::Spaces) => {
                let mut parts = text.split(SPACE);
                out.extend(parts.next().unwrap_or_default().as_bytes());
                for part in parts {
                    out.push(b' ');
                    out.extend(part.as_bytes());
                }
            }
            (_, Spelling::Bytes) => {
                for c in text.chars() {
                    match byte_level::byte(c) {
                        Some(byte) => out.push(byte),
                        None => out.extend(c.encode_utf8(&mut [0; 4]).as_bytes()),
                    }
                }
            }
        }
    }
}

/// The elements of an array of strings.
pub(super) fn strings<'a>(
    array: Array<'a>,
    key: &'static str,
) -> Result<impl Iterator<Item = &'a str>, TokenizerError> {
    let found = array.element_type();
    let expected = "strings";
    array.values::<&str>().ok_or(TokenizerError::Elements { key, expected, found })
}

/// Whether an array has one element for each token.
pub(super) fn expect_one_each(
    array: Array<'_>,
    key: &'static str,
    tokens: usize,
) -> Result<(), TokenizerError> {
    match array.len() == tokens {
        true => Ok(()),
        false => Err(TokenizerError::Length { key, found: array.len(), expected: tokens }),
    }
}

fn read_kinds(types: Array<'_>, tokens: usize) -> Result<Vec<TokenKind>, TokenizerError> {
    use TokenKind::*;
    expect_one_each(types, keys::TOKEN_TYPE, tokens)?;
    let read = |(id, value): (usize, crate::gguf::Value<'_>)| {
        let found = value.as_integer().ok_or(TokenizerError::Elements {
            key: keys::TOKEN_TYPE,
            expected: "integers",
            found: types.element_type(),
        })?;
        [Normal, Unknown, Control, UserDefined, Unused, Byte]
            .into_iter()
            .find(|&kind| kind as i128 == found)
            .ok_or(TokenizerError::TokenType { id, found })
    };
    types.iter().enumerate().map(read).collect()
}

/// The byte that a token like `<0x0A>` stands for.
pub(super) fn byte(text: &str) -> Option<u8> {
    let digits = text.strip_prefix("<0x")?.strip_suffix('>')?;
    let hexadecimal = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    u8::from_str_radix(digits, 16).ok().filter(|_| hexadecimal)
}
