//! What can be wrong with a vocabulary, or with a text for one.

use thiserror::Error;

use super::keys;
use crate::gguf::{GgufError, ValueType};

/// A tokenizer that cannot be built from a file's metadata, or a text that it has no tokens for.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TokenizerError {
    /// A key is missing or has a value of the wrong type.
    #[error(transparent)]
    Metadata(#[from] GgufError),

    /// There is no vocabulary.
    #[error(
        "the model has no vocabulary (metadata {:?} is missing): tokenize elsewhere, and hand over \
         the ids",
        keys::MODEL
    )]
    None,

    /// A kind of tokenizer that is not built here.
    #[error(
        "metadata {:?} is {found:?}; \"llama\" (SentencePiece), \"gpt2\" (byte-level BPE) and \
         \"bert\" (WordPiece) are supported: tokenize elsewhere, and hand over the ids",
        keys::MODEL
    )]
    Kind {
        /// The name in the file.
        found: String,
    },

    /// An array whose elements are of another type than the key is defined to have.
    #[error("metadata {key:?} is an array of {found}, but {expected} belong there")]
    Elements {
        /// The key.
        key: &'static str,
        /// What the elements should be.
        expected: &'static str,
        /// What they are.
        found: ValueType,
    },

    /// An array with another number of elements than there are tokens.
    #[error(
        "metadata {key:?} has {found} elements, but {:?} has {expected}; the file is damaged, \
         convert the model again",
        keys::TOKENS
    )]
    Length {
        /// The key.
        key: &'static str,
        /// Its elements.
        found: usize,
        /// Tokens.
        expected: usize,
    },

    /// A token type that GGUF does not define.
    #[error("metadata {:?}: token {id} has type {found}, but types are 1 to 6", keys::TOKEN_TYPE)]
    TokenType {
        /// The token.
        id: usize,
        /// The number in the file.
        found: i128,
    },

    /// More tokens than ids, or a token longer than any vocabulary has.
    #[error("metadata {:?}: {problem}", keys::TOKENS)]
    Tokens {
        /// What is out of bounds.
        problem: String,
    },

    /// A special token that is not in the vocabulary.
    #[error("metadata {key:?} is {id}, but ids are 0 to {}", tokens.saturating_sub(1))]
    Id {
        /// The key.
        key: &'static str,
        /// The id in the file.
        id: i64,
        /// Tokens in the vocabulary.
        tokens: usize,
    },

    /// A special token is wanted and not named.
    #[error("metadata {wanted_by:?} asks for a token that {key:?} should name, but does not")]
    Unnamed {
        /// The key that asks for it.
        wanted_by: &'static str,
        /// The key that is missing.
        key: &'static str,
    },

    /// A merge rule that is none.
    #[error("metadata {:?}: merge {index} {merge:?} {problem}", keys::MERGES)]
    Merge {
        /// Its place in the array.
        index: usize,
        /// The rule.
        merge: String,
        /// What is wrong with it.
        problem: &'static str,
    },

    /// The library that does the work refuses the vocabulary or the text.
    #[error("{doing}: {problem}")]
    Library {
        /// What was being done.
        doing: &'static str,
        /// In the library's words.
        problem: String,
    },

    /// A character that the vocabulary cannot spell.
    #[error(
        "the vocabulary has no token for {character:?}, none for its bytes, and no unknown token \
         (metadata {:?})",
        keys::UNKNOWN
    )]
    NoToken {
        /// The character.
        character: char,
    },
}

impl TokenizerError {
    /// An error of the library, whose errors are of any type.
    pub(super) fn library(doing: &'static str) -> impl Fn(tokenizers::Error) -> Self {
        move |error| Self::Library { doing, problem: error.to_string() }
    }
}
