//! WordPiece (BERT): a text is cleaned, lowercased and cut at white space and punctuation; each
//! word is the longest token that begins it, then the longest that goes on from there, and so on;
//! a word that cannot be spelled so is one unknown token. The `tokenizers` crate does all of it.
//!
//! A GGUF file marks the beginnings of words (`▁play`, `ing`) where BERT's own vocabulary marks
//! what goes on (`play`, `##ing`); so the marks are turned round.

use tokenizers::models::bpe::Vocab;
use tokenizers::models::wordpiece::WordPiece as Pieces;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::{
    Model, NormalizedString, Normalizer, OffsetType, PreTokenizedString, PreTokenizer,
};

use super::error::TokenizerError;
use super::keys;
use super::vocabulary::{SPACE, TokenKind, Vocabulary};
use crate::gguf::Metadata;

/// What BERT's vocabulary puts before a piece that does not begin a word.
const GOES_ON: &str = "##";

/// A vocabulary of pieces of words.
pub(super) struct WordPiece {
    normalizer: BertNormalizer,
    pieces: Pieces,
}

impl WordPiece {
    pub(super) fn read(
        metadata: &Metadata<'_>,
        vocabulary: &Vocabulary,
        unknown: Option<u32>,
    ) -> Result<Self, TokenizerError> {
        let unnamed = TokenizerError::Unnamed { wanted_by: keys::MODEL, key: keys::UNKNOWN };
        let unknown = unknown.ok_or(unnamed)?;
        let mut ids = Vocab::with_capacity(vocabulary.len());
        for (id, kind, text) in vocabulary.iter() {
            let text = match (kind, text.strip_prefix(SPACE)) {
                (TokenKind::Control | TokenKind::Unknown, _) => text.to_owned(),
                (_, Some(word)) => word.to_owned(),
                (_, None) => format!("{GOES_ON}{text}"),
            };
            ids.entry(text).or_insert(id);
        }
        // Under its own name, which it has whatever its kind.
        let unknown_text = vocabulary.text(unknown).unwrap_or_default().to_owned();
        ids.insert(unknown_text.clone(), unknown);
        let pieces = Pieces::builder()
            .vocab(ids)
            .unk_token(unknown_text)
            .continuing_subword_prefix(GOES_ON.to_owned())
            .build()
            .map_err(TokenizerError::library("WordPiece"))?;
        let lowercase = metadata.find(keys::LOWERCASE)?.unwrap_or(true);
        let strip_accents = metadata.find(keys::STRIP_ACCENTS)?;
        Ok(Self { normalizer: BertNormalizer::new(true, true, strip_accents, lowercase), pieces })
    }

    /// Appends the tokens of `text`.
    pub(super) fn encode(&self, text: &str, out: &mut Vec<u32>) -> Result<(), TokenizerError> {
        self.encode_words(text, out).map_err(TokenizerError::library("WordPiece"))
    }

    fn encode_words(&self, text: &str, out: &mut Vec<u32>) -> tokenizers::Result<()> {
        let mut text = NormalizedString::from(text);
        self.normalizer.normalize(&mut text)?;
        let mut words = PreTokenizedString::from(text);
        BertPreTokenizer.pre_tokenize(&mut words)?;
        words.tokenize(|word| self.pieces.tokenize(word.get()))?;
        out.extend(words.into_encoding(None, 0, OffsetType::None)?.get_ids());
        Ok(())
    }
}
