//! Special tokens: which ids they have, which of them are put around a text, and which end one.
//!
//! Files name a few by key. Models with a chat template end their turns with another token than
//! the one that ends a document, and most files name only one of them; so tokens with the names
//! that turns are known to end with count as ends, too, as they do in llama.cpp.

use super::error::TokenizerError;
use super::keys;
use super::vocabulary::{TokenKind, Vocabulary};
use crate::gguf::Metadata;

/// Names of tokens after which a model has nothing more to say, if they are special tokens.
const END_NAMES: &[&str] = &[
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end_of_text|>",
    "<|im_end|>",
    "<|endoftext|>",
    "<|end|>",
    "<end_of_turn>",
    "<eos>",
    "</s>",
    "<EOT>",
    "[EOS]",
    "<｜end▁of▁sentence｜>",
];

/// What a kind of tokenizer takes for granted where a file does not say.
#[derive(Clone, Copy, Default)]
pub(super) struct Defaults {
    pub(super) bos: Option<u32>,
    pub(super) eos: Option<u32>,
    pub(super) unknown: Option<u32>,
    pub(super) add_bos: bool,
}

/// The special tokens of a vocabulary.
#[derive(Debug)]
pub(super) struct Specials {
    pub(super) bos: Option<u32>,
    pub(super) eos: Option<u32>,
    pub(super) unknown: Option<u32>,
    /// Put before a text.
    pub(super) before: Option<u32>,
    /// Put after a text.
    pub(super) after: Option<u32>,
    /// Tokens that end a text or a turn, sorted.
    ends: Vec<u32>,
}

impl Specials {
    pub(super) fn read(
        metadata: &Metadata<'_>,
        vocabulary: &Vocabulary,
        defaults: Defaults,
    ) -> Result<Self, TokenizerError> {
        let named = |key, default: Option<u32>| {
            let default = default.filter(|&id| (id as usize) < vocabulary.len());
            Ok::<_, TokenizerError>(id(metadata, key, vocabulary.len())?.or(default))
        };
        let bos = named(keys::BOS, defaults.bos)?;
        let eos = named(keys::EOS, defaults.eos)?;
        let added = |key, default, token: Option<u32>, named_by| match (
            metadata.find::<bool>(key)?.unwrap_or(default),
            token,
        ) {
            (false, _) => Ok(None),
            (true, None) => Err(TokenizerError::Unnamed { wanted_by: key, key: named_by }),
            (true, token) => Ok(token),
        };
        let turns = [named(keys::EOT, None)?, named(keys::EOM, None)?];
        Ok(Self {
            before: added(keys::ADD_BOS, defaults.add_bos, bos, keys::BOS)?,
            after: added(keys::ADD_EOS, false, eos, keys::EOS)?,
            unknown: named(keys::UNKNOWN, defaults.unknown)?,
            ends: ends(vocabulary, [eos, turns[0], turns[1]]),
            bos,
            eos,
        })
    }

    /// The special tokens of BERT: `[CLS]` before a text and `[SEP]` after it. Where a file does
    /// not name them, they have the ids of Google's vocabulary.
    pub(super) fn read_bert(
        metadata: &Metadata<'_>,
        vocabulary: &Vocabulary,
    ) -> Result<Self, TokenizerError> {
        let named = |key| id(metadata, key, vocabulary.len());
        let known = |id: u32| Some(id).filter(|&id| (id as usize) < vocabulary.len());
        let cls = named(keys::CLS)?.or(named(keys::BOS)?).or(known(101));
        let sep = named(keys::SEP)?.or(known(102));
        Ok(Self {
            bos: cls,
            eos: named(keys::EOS)?.or(sep),
            unknown: named(keys::UNKNOWN)?.or(known(100)),
            before: cls,
            after: sep,
            ends: ends(vocabulary, [sep, None, None]),
        })
    }

    pub(super) fn is_end(&self, id: u32) -> bool {
        self.ends.binary_search(&id).is_ok()
    }
}

/// The id that a key names. Converters write -1, in whatever width, for none.
fn id(
    metadata: &Metadata<'_>,
    key: &'static str,
    tokens: usize,
) -> Result<Option<u32>, TokenizerError> {
    const NONE: i64 = u32::MAX as i64;
    match metadata.find::<i64>(key)? {
        None | Some(-1 | NONE) => Ok(None),
        Some(id) => match u32::try_from(id) {
            Ok(known) if (known as usize) < tokens => Ok(Some(known)),
            _ => Err(TokenizerError::Id { key, id, tokens }),
        },
    }
}

fn ends(vocabulary: &Vocabulary, named: [Option<u32>; 3]) -> Vec<u32> {
    let special = |kind| matches!(kind, TokenKind::Control | TokenKind::UserDefined);
    let known = vocabulary
        .iter()
        .filter(|&(_, kind, text)| special(kind) && END_NAMES.contains(&text))
        .map(|(id, ..)| id);
    let mut ends: Vec<u32> = named.into_iter().flatten().chain(known).collect();
    ends.sort_unstable();
    ends.dedup();
    ends
}
