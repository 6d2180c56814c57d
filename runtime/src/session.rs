//! Sequences of tokens on their way through a model.

use std::sync::Arc;

use thiserror::Error;

use crate::cache::Sequence;
use crate::linear::LinearError;
use crate::matrix::Matrix;
use crate::model::{Model, Outcome};
use crate::pass::{Pass, Span};
use crate::rows::Buffers;

/// Tokens of a pass, at most. More are several passes: the weights are read once for so many
/// tokens that reading costs nothing, and memory stays bounded.
pub(crate) const PASS: usize = 512;

/// One or more sequences, each with what it has had so far.
#[derive(Debug)]
pub struct Session {
    model: Model,
    sequences: Vec<Sequence>,
    buffers: Arc<Buffers>,
    logits: Matrix,
}

/// Tokens that come next in a sequence.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Number of the sequence.
    pub sequence: usize,
    /// The tokens.
    pub ids: &'a [u32],
    /// Of which tokens logits are asked for.
    pub logits: Logits,
}

/// Of which tokens logits are asked for. Computing them costs a product with a matrix as high as
/// the vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logits {
    /// Of none.
    None,
    /// Of the last.
    Last,
    /// Of each.
    All,
}

/// Tokens that cannot be computed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ForwardError {
    /// A number that is no token.
    #[error("token {id} does not exist; the model has {vocabulary}")]
    Token {
        /// The number.
        id: u32,
        /// Tokens that the model has.
        vocabulary: usize,
    },
    /// No tokens where there must be some.
    #[error("no tokens: nothing comes after nothing")]
    Empty,
    /// A sequence that does not exist.
    #[error("sequence {sequence} does not exist; the session has {count}")]
    Sequence {
        /// The number asked for.
        sequence: usize,
        /// Sequences that there are.
        count: usize,
    },
    /// The same sequence twice in a call.
    #[error("sequence {sequence} comes twice; give its tokens in one piece")]
    Twice {
        /// The sequence.
        sequence: usize,
    },
    /// More tokens than the model was made for.
    #[error(
        "{need} tokens in sequence {sequence}, but the model's context has {context}; truncate \
         the sequence or start a new one"
    )]
    Context {
        /// The sequence.
        sequence: usize,
        /// Tokens it would have.
        need: usize,
        /// Tokens it may have.
        context: usize,
    },
    /// A model that has no logits.
    #[error("the model encodes texts and cannot continue them: use Model::embed")]
    Encoder,
    /// A model that has no vectors of texts.
    #[error("the model continues texts and does not encode them: use Model::session")]
    Decoder,
    /// A product that cannot be computed.
    #[error(transparent)]
    Linear(#[from] LinearError),
}

impl Session {
    pub(crate) fn new(model: Model) -> Self {
        Self {
            model,
            sequences: vec![Sequence::default()],
            buffers: Arc::default(),
            logits: Matrix::zeros([0, 0]),
        }
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Another sequence, computed together with the others: its number. The first is 0.
    pub fn add_sequence(&mut self) -> usize {
        self.sequences.push(Sequence::default());
        self.sequences.len() - 1
    }

    /// Tokens that a sequence has had.
    ///
    /// # Panics
    /// If there is no such sequence.
    #[must_use]
    pub fn len(&self, sequence: usize) -> usize {
        self.sequences[sequence].len
    }

    /// Whether no sequence has had a token.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sequences.iter().all(|sequence| sequence.len == 0)
    }

    /// Forgets what came after the first `len` tokens of a sequence.
    ///
    /// # Panics
    /// If there is no such sequence.
    pub fn truncate(&mut self, sequence: usize, len: usize) {
        self.sequences[sequence].truncate(len);
    }

    /// Bytes of keys and values of all sequences.
    #[must_use]
    pub fn cache_bytes(&self) -> usize {
        self.sequences.iter().map(Sequence::bytes).sum()
    }

    /// Takes the next tokens of sequence 0, as many as there are; the logits, a number per token
    /// of the vocabulary, of what comes after them.
    ///
    /// # Errors
    /// If there are no tokens, or the model cannot take them.
    pub fn forward(&mut self, ids: &[u32]) -> Result<&[f32], ForwardError> {
        let all = self.run(&[Input { sequence: 0, ids, logits: Logits::Last }])?;
        Ok(all.row(0))
    }

    /// Takes the next tokens of several sequences at once. The logits asked for, `(rows,
    /// vocabulary)`, in the order of inputs and of their tokens.
    ///
    /// # Errors
    /// If there are no tokens, or the model cannot take them; then no sequence has taken any.
    pub fn run(&mut self, inputs: &[Input<'_>]) -> Result<&Matrix, ForwardError> {
        self.check(inputs)?;
        let asked = inputs.iter().map(|input| match input.logits {
            Logits::None => 0,
            Logits::Last => 1,
            Logits::All => input.ids.len(),
        });
        let vocabulary = self.model.sizes().vocabulary;
        let mut logits = std::mem::replace(&mut self.logits, Matrix::zeros([0, 0])).into_data();
        logits.clear();
        let asked: usize = asked.sum();
        logits.reserve(asked * vocabulary);
        let before: Vec<usize> = self.sequences.iter().map(|sequence| sequence.len).collect();
        for part in Part::cut(inputs, &before) {
            if let Err(error) = self.pass(&part, &mut logits) {
                let sequences = self.sequences.iter_mut().zip(before);
                sequences.for_each(|(sequence, len)| sequence.truncate(len));
                return Err(error.into());
            }
        }
        self.logits = Matrix::new([asked, vocabulary], logits).expect("a row for each asked for");
        Ok(&self.logits)
    }

    fn check(&self, inputs: &[Input<'_>]) -> Result<(), ForwardError> {
        let sizes = self.model.sizes();
        let mut seen = vec![false; self.sequences.len()];
        for Input { sequence, ids, .. } in inputs {
            let (sequence, count) = (*sequence, self.sequences.len());
            if sequence >= count {
                return Err(ForwardError::Sequence { sequence, count });
            }
            if std::mem::replace(&mut seen[sequence], true) {
                return Err(ForwardError::Twice { sequence });
            }
            let length = self.sequences[sequence].len.saturating_add(ids.len());
            sizes.check(sequence, length, ids)?;
        }
        match self.model.outcome() {
            Outcome::Vectors(_) => Err(ForwardError::Encoder),
            Outcome::Logits if inputs.is_empty() => Err(ForwardError::Empty),
            Outcome::Logits => Ok(()),
        }
    }

    fn pass(&mut self, part: &Part, logits: &mut Vec<f32>) -> Result<(), LinearError> {
        let mut pass = Pass {
            context: self.model.context(),
            ids: &part.ids,
            spans: &part.spans,
            wanted: &part.wanted,
            sequences: &mut self.sequences,
            buffers: &self.buffers,
        };
        let rows = self.model.forward(&mut pass)?;
        logits.extend_from_slice(&rows);
        for span in &part.spans {
            self.sequences[span.sequence].len += span.rows.len();
        }
        Ok(())
    }
}

/// The tokens of a pass.
#[derive(Default)]
struct Part {
    ids: Vec<u32>,
    spans: Vec<Span>,
    wanted: Vec<usize>,
}

impl Part {
    /// Cuts inputs into passes. `lens` is what each sequence has had.
    fn cut(inputs: &[Input<'_>], lens: &[usize]) -> Vec<Self> {
        let mut parts = vec![Self::default()];
        for input in inputs {
            let (mut ids, mut position) = (input.ids, lens[input.sequence]);
            while !ids.is_empty() {
                if parts.last().is_none_or(|part| part.ids.len() == PASS) {
                    parts.push(Self::default());
                }
                let part = parts.last_mut().expect("there is one");
                let (now, later) = ids.split_at(ids.len().min(PASS - part.ids.len()));
                let first = part.ids.len();
                let rows = first..first + now.len();
                match input.logits {
                    Logits::All => part.wanted.extend(rows.clone()),
                    Logits::Last if later.is_empty() => part.wanted.push(rows.end - 1),
                    Logits::Last | Logits::None => {}
                }
                part.ids.extend(now);
                part.spans.push(Span { sequence: input.sequence, rows, position });
                (ids, position) = (later, position + now.len());
            }
        }
        parts
    }
}
