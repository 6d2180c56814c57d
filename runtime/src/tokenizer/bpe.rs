//! Byte-level BPE (GPT-2 and most since): a text is cut into words, the bytes of each are written
//! in a printable alphabet and merged by rank. The `tokenizers` crate does all of it; this file
//! hands it what the GGUF file has.

use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{Model, OffsetType, PreTokenizedString, PreTokenizer, SplitDelimiterBehavior};

use super::error::TokenizerError;
use super::keys;
use super::pre_tokenizers::Words;
use super::vocabulary::{Vocabulary, strings};
use crate::gguf::{Array, Metadata};

/// A vocabulary with merge rules.
pub(super) struct Bpe {
    /// Cut a text into words, one after another.
    splits: Vec<Split>,
    bytes: ByteLevel,
    model: BPE,
}

impl Bpe {
    pub(super) fn read(
        metadata: &Metadata<'_>,
        vocabulary: &Vocabulary,
        words: &Words,
    ) -> Result<Self, TokenizerError> {
        // The first of equal tokens counts.
        let mut ids = Vocab::with_capacity(vocabulary.len());
        for (id, _, text) in vocabulary.iter() {
            ids.entry(text.to_owned()).or_insert(id);
        }
        warn_of_missing_bytes(&ids);
        let merges = merges(metadata.array(keys::MERGES)?, vocabulary)?;
        let model = BPE::builder()
            .vocab_and_merges(ids, merges)
            .ignore_merges(words.whole)
            // The cache is the thread's, and outlives the tokenizer.
            .cache_capacity(0)
            .build()
            .map_err(TokenizerError::library(keys::MERGES))?;
        let split = |&pattern: &&str| {
            let pattern = SplitPattern::Regex(pattern.to_owned());
            Split::new(pattern, SplitDelimiterBehavior::Isolated, false)
                .map_err(TokenizerError::library(keys::PRE))
        };
        let splits = words.patterns.iter().map(split).collect::<Result<_, _>>()?;
        Ok(Self { splits, bytes: ByteLevel::new(false, false, false), model })
    }

    /// Appends the tokens of `text`.
    pub(super) fn encode(&self, text: &str, out: &mut Vec<u32>) -> Result<(), TokenizerError> {
        self.encode_words(text, out).map_err(TokenizerError::library("byte-level BPE"))
    }

    fn encode_words(&self, text: &str, out: &mut Vec<u32>) -> tokenizers::Result<()> {
        let mut words = PreTokenizedString::from(text);
        for split in &self.splits {
            split.pre_tokenize(&mut words)?;
        }
        self.bytes.pre_tokenize(&mut words)?;
        words.tokenize(|word| self.model.tokenize(word.get()))?;
        out.extend(words.into_encoding(None, 0, OffsetType::None)?.get_ids());
        Ok(())
    }
}

/// The rules, each as its two sides.
fn merges(
    merges: Array<'_>,
    vocabulary: &Vocabulary,
) -> Result<Vec<(String, String)>, TokenizerError> {
    let longest = vocabulary.iter().map(|(.., text)| text.len()).max().unwrap_or(0);
    let split = |(index, merge): (usize, &str)| {
        let wrong = |problem| TokenizerError::Merge { index, merge: merge.to_owned(), problem };
        // A side may begin with a space where a vocabulary is not byte-level.
        let space = merge.char_indices().skip(1).find(|&(_, c)| c == ' ');
        let (at, _) = space.ok_or_else(|| wrong("is not two tokens with a space between them"))?;
        let (left, right) = (&merge[..at], &merge[at + 1..]);
        // The library takes for granted that what is merged fits where tokens do.
        if left.len() + right.len() > longest {
            return Err(wrong("makes something longer than any token"));
        }
        Ok((left.to_owned(), right.to_owned()))
    };
    strings(merges, keys::MERGES)?.enumerate().map(split).collect()
}

/// Bytes without a token are dropped from texts, by every tokenizer of this kind.
fn warn_of_missing_bytes(ids: &Vocab) {
    let missing =
        ByteLevel::alphabet().iter().filter(|c| !ids.contains_key(&c.to_string())).count();
    if missing > 0 {
        tracing::warn!(
            "{:?}: {missing} of 256 bytes have no token; texts with them lose them",
            keys::TOKENS
        );
    }
}
