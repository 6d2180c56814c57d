//! Finds special tokens written out in a text, before anything else looks at it.
//!
//! Tokens added to a vocabulary by hand are found in every text. Control tokens are found only
//! where the caller says that the text is markup, as a chat template writes it: a user who types
//! `<|im_end|>` into a chat must not end a turn. Where several tokens begin at one place, the
//! longest is meant; of two that overlap, the one that begins first.

use aho_corasick::{AhoCorasick, MatchKind};

use super::error::TokenizerError;
use super::vocabulary::{TokenKind, Vocabulary};

/// The special tokens that are looked for in a text.
pub(super) struct Markup {
    /// For plain text.
    added: Finder,
    /// For markup.
    all: Finder,
}

/// Which special tokens are read in a text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// Tokens added by hand.
    Plain,
    /// These and control tokens.
    Markup,
}

/// A part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part<'t> {
    /// Plain text, not empty.
    Text(&'t str),
    /// A special token, written out.
    Token(u32),
}

/// Whether special tokens swallow the white space that follows them, as those of Phi-3 do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum SpaceAfter {
    Kept,
    /// Only these tokens keep it.
    SwallowedExceptAfter(&'static [&'static str]),
}

struct Finder {
    /// `None` if there is nothing to find.
    texts: Option<AhoCorasick>,
    /// Of each text looked for: the token, and whether it swallows the space after it.
    tokens: Vec<(u32, bool)>,
}

impl Markup {
    pub(super) fn new(vocabulary: &Vocabulary, after: SpaceAfter) -> Result<Self, TokenizerError> {
        let finder = |kinds: &[TokenKind]| {
            let special = |&(_, kind, text): &(u32, TokenKind, &str)| {
                kinds.contains(&kind) && !text.is_empty()
            };
            let found: Vec<_> = vocabulary.iter().filter(special).collect();
            let swallows = |text| match after {
                SpaceAfter::Kept => false,
                SpaceAfter::SwallowedExceptAfter(tokens) => !tokens.contains(&text),
            };
            let tokens = found.iter().map(|&(id, _, text)| (id, swallows(text))).collect();
            Finder::new(found.iter().map(|&(.., text)| text), tokens)
        };
        Ok(Self {
            added: finder(&[TokenKind::UserDefined])?,
            all: finder(&[TokenKind::UserDefined, TokenKind::Control, TokenKind::Unknown])?,
        })
    }

    /// The parts of a text, in order.
    pub(super) fn parts<'t>(&self, text: &'t str, reading: Reading) -> Vec<Part<'t>> {
        match reading {
            Reading::Plain => self.added.parts(text),
            Reading::Markup => self.all.parts(text),
        }
    }
}

impl Finder {
    fn new<'v>(
        texts: impl ExactSizeIterator<Item = &'v str>,
        tokens: Vec<(u32, bool)>,
    ) -> Result<Self, TokenizerError> {
        let texts = match texts.len() {
            0 => None,
            _ => Some(
                AhoCorasick::builder()
                    .match_kind(MatchKind::LeftmostLongest)
                    .build(texts)
                    .map_err(|error| TokenizerError::Library {
                        doing: "special tokens of the vocabulary",
                        problem: error.to_string(),
                    })?,
            ),
        };
        Ok(Self { texts, tokens })
    }

    fn parts<'t>(&self, text: &'t str) -> Vec<Part<'t>> {
        let mut parts = vec![];
        let mut at = 0;
        for found in self.texts.iter().flat_map(|texts| texts.find_iter(text)) {
            // A space swallowed may be where a token of spaces begins.
            if found.start() < at {
                continue;
            }
            parts.extend(plain(&text[at..found.start()]));
            let (id, swallows) = self.tokens[found.pattern().as_usize()];
            parts.push(Part::Token(id));
            at = found.end();
            if swallows {
                at = text.len() - text[at..].trim_ascii_start().len();
            }
        }
        parts.extend(plain(&text[at..]));
        parts
    }
}

fn plain(text: &str) -> Option<Part<'_>> {
    (!text.is_empty()).then_some(Part::Text(text))
}
