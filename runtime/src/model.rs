//! A model: weights and what is computed with them.

use std::fmt;
use std::sync::Arc;

use crate::context::Context;
use crate::linear::LinearError;
use crate::pass::Pass;
use crate::rows::Rows;
use crate::session::{ForwardError, Session};

/// A network that a file describes: what each architecture provides.
pub(crate) trait Network: fmt::Debug + Send + Sync {
    /// Sizes that callers need.
    fn sizes(&self) -> Sizes;

    /// What comes out.
    fn outcome(&self) -> Outcome {
        Outcome::Logits
    }

    /// Runs the tokens of a pass through the network. The outcome is a row for each of
    /// [`Pass::wanted`].
    fn forward(&self, pass: &mut Pass<'_>) -> Result<Rows, LinearError>;
}

/// Sizes of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Tokens that it knows; their numbers are below.
    pub vocabulary: usize,
    /// Positions that it was trained for.
    pub context: usize,
    /// Layers.
    pub layers: usize,
    /// Numbers of a token between layers.
    pub hidden: usize,
}

/// What comes out of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Of each token, a score for every token that could come next: [`Model::session`].
    Logits,
    /// Of a whole text, a vector: [`Model::embed`].
    Vectors(Pooling),
}

/// How the vectors of tokens become the vector of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// Their mean.
    Mean,
    /// The first, which is that of a token made for it.
    First,
    /// The last.
    Last,
}

impl Sizes {
    /// Whether a sequence may have `length` tokens, of which `ids` come now.
    pub(crate) fn check(
        &self,
        sequence: usize,
        length: usize,
        ids: &[u32],
    ) -> Result<(), ForwardError> {
        let Self { context, vocabulary, .. } = *self;
        if ids.is_empty() {
            return Err(ForwardError::Empty);
        }
        if length > context {
            return Err(ForwardError::Context { sequence, need: length, context });
        }
        match ids.iter().find(|id| **id as usize >= vocabulary) {
            Some(&id) => Err(ForwardError::Token { id, vocabulary }),
            None => Ok(()),
        }
    }
}

/// A model that is ready to run. It never changes, and cloning it copies no weights.
#[derive(Clone)]
pub struct Model(Arc<Inner>);

struct Inner {
    context: Arc<Context>,
    network: Box<dyn Network>,
}

impl Model {
    pub(crate) fn new(context: Arc<Context>, network: Box<dyn Network>) -> Self {
        Self(Arc::new(Inner { context, network }))
    }

    /// Starts a sequence that has no tokens yet.
    #[must_use]
    pub fn session(&self) -> Session {
        Session::new(self.clone())
    }

    /// Sizes.
    #[must_use]
    pub fn sizes(&self) -> Sizes {
        self.0.network.sizes()
    }

    /// What comes out: logits, or vectors.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.0.network.outcome()
    }

    /// Threads and tuned choices.
    #[must_use]
    pub fn context(&self) -> &Arc<Context> {
        &self.0.context
    }

    pub(crate) fn forward(&self, pass: &mut Pass<'_>) -> Result<Rows, LinearError> {
        self.0.network.forward(pass)
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model").field("sizes", &self.sizes()).finish_non_exhaustive()
    }
}
