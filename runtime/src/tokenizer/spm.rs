//! SentencePiece's BPE, as llama.cpp runs it: of all neighbours that make a token together, the
//! pair whose token has the best score is merged, the leftmost of equals, until none is left.
//! What then is no token is spelled in bytes.
//!
//! The `tokenizers` crate has a BPE, too, and does the other kinds here. It wants a list of merge
//! rules in order of rank. These can be derived from scores, but equal scores cannot be expressed
//! so, and files converted from a `tokenizer.json` have the same score for every token. Hence these
//! few lines.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};

use super::error::TokenizerError;
use super::keys;
use super::vocabulary::{self, SPACE, TokenKind, Vocabulary, expect_one_each};
use crate::gguf::{Metadata, Value};

/// No symbol before the first, none after the last.
const NONE: usize = usize::MAX;

/// A vocabulary with scores.
pub(super) struct Spm {
    ids: HashMap<Box<str>, u32>,
    /// By id; larger merges sooner.
    scores: Vec<f32>,
    /// The longest token, in bytes.
    longest: usize,
    /// The token of each byte.
    bytes: Box<[Option<u32>; 256]>,
    unknown: Option<u32>,
    /// Texts get a space before them, as words have inside a text.
    pub(super) space_before: bool,
}

/// A piece of the text that is one token, or one character that is none.
#[derive(Clone, Copy)]
struct Symbol {
    start: usize,
    /// Equal to `start` once the symbol is part of the one before.
    end: usize,
    before: usize,
    after: usize,
}

/// Two neighbours that make a token together.
struct Pair {
    score: f32,
    left: usize,
    right: usize,
    /// Bytes of both when they met. One that has grown since is another pair.
    bytes: usize,
}

impl Spm {
    pub(super) fn read(
        metadata: &Metadata<'_>,
        vocabulary: &Vocabulary,
        unknown: Option<u32>,
    ) -> Result<Self, TokenizerError> {
        let scores = metadata.array(keys::SCORES)?;
        expect_one_each(scores, keys::SCORES, vocabulary.len())?;
        let score = |value: Value<'_>| match value {
            // Adding zero makes one zero of the two, so that they tie.
            Value::F32(score) => Some(score + 0.0),
            other => other.as_integer().map(|score| score as f32),
        };
        let scores: Option<Vec<f32>> = scores.iter().map(score).collect();
        let scores = scores.ok_or(TokenizerError::Elements {
            key: keys::SCORES,
            expected: "floats",
            found: metadata.array(keys::SCORES)?.element_type(),
        })?;

        let mut ids = HashMap::with_capacity(vocabulary.len());
        let mut bytes = Box::new([None; 256]);
        let mut longest = 0;
        for (id, kind, text) in vocabulary.iter().filter(|(.., text)| !text.is_empty()) {
            match kind {
                // No merges lead to these: a text cannot spell them.
                TokenKind::Control | TokenKind::Unknown => {}
                TokenKind::Byte => {
                    if let Some(byte) = vocabulary::byte(text) {
                        bytes[usize::from(byte)].get_or_insert(id);
                    }
                }
                TokenKind::Normal | TokenKind::UserDefined | TokenKind::Unused => {
                    longest = longest.max(text.len());
                    ids.entry(Box::from(text)).or_insert(id);
                }
            }
        }
        let space_before = metadata.find(keys::ADD_SPACE_PREFIX)?.unwrap_or(true);
        Ok(Self { ids, scores, longest, bytes, unknown, space_before })
    }

    /// Appends the tokens of `text`.
    pub(super) fn encode(&self, text: &str, out: &mut Vec<u32>) -> Result<(), TokenizerError> {
        let spelled = |c| if c == ' ' { SPACE } else { c };
        let before = self.space_before.then_some(SPACE);
        let text: String = before.into_iter().chain(text.chars().map(spelled)).collect();
        let text = &*text;
        let mut symbols = characters(text);
        let mut pairs = BinaryHeap::new();
        for left in 0..symbols.len().saturating_sub(1) {
            pairs.extend(self.pair(text, &symbols, left, left + 1));
        }
        while let Some(Pair { left, right, bytes, .. }) = pairs.pop() {
            let (l, r) = (symbols[left], symbols[right]);
            if l.is_gone() || r.is_gone() || l.bytes() + r.bytes() != bytes {
                continue;
            }
            symbols[left].end = r.end;
            symbols[left].after = r.after;
            symbols[right].end = r.start;
            if r.after != NONE {
                symbols[r.after].before = left;
            }
            pairs.extend(self.pair(text, &symbols, l.before, left));
            pairs.extend(self.pair(text, &symbols, left, r.after));
        }
        for symbol in symbols.iter().filter(|symbol| !symbol.is_gone()) {
            self.spell(&text[symbol.start..symbol.end], out)?;
        }
        Ok(())
    }

    /// Two neighbours as a pair, if there is a token for both together.
    fn pair(&self, text: &str, symbols: &[Symbol], left: usize, right: usize) -> Option<Pair> {
        let (start, end) = (symbols.get(left)?.start, symbols.get(right)?.end);
        let bytes = end - start;
        if bytes > self.longest {
            return None;
        }
        let id = *self.ids.get(&text[start..end])?;
        Some(Pair { score: self.scores[id as usize], left, right, bytes })
    }

    /// A symbol as a token, or as its bytes.
    fn spell(&self, symbol: &str, out: &mut Vec<u32>) -> Result<(), TokenizerError> {
        if let Some(&id) = self.ids.get(symbol) {
            out.push(id);
            return Ok(());
        }
        let bytes: Option<Vec<u32>> = symbol.bytes().map(|b| self.bytes[usize::from(b)]).collect();
        match (bytes, self.unknown, symbol.chars().next()) {
            (Some(bytes), ..) => out.extend(bytes),
            (None, Some(unknown), _) => out.push(unknown),
            (None, None, Some(character)) => return Err(TokenizerError::NoToken { character }),
            (None, None, None) => {}
        }
        Ok(())
    }
}

/// A symbol for each character.
fn characters(text: &str) -> Vec<Symbol> {
    let symbol = |(index, (start, c)): (usize, (usize, char))| Symbol {
        start,
        end: start + c.len_utf8(),
        before: index.checked_sub(1).unwrap_or(NONE),
        after: index + 1,
    };
    let mut symbols: Vec<Symbol> = text.char_indices().enumerate().map(symbol).collect();
    if let Some(last) = symbols.last_mut() {
        last.after = NONE;
    }
    symbols
}

impl Symbol {
    fn bytes(&self) -> usize {
        self.end - self.start
    }

    fn is_gone(&self) -> bool {
        self.start == self.end
    }
}

/// The best score first, of equals the leftmost.
impl Ord for Pair {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then(other.left.cmp(&self.left))
    }
}

impl PartialOrd for Pair {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Pair {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Pair {}
