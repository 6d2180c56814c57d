//! A model: weights and what is computed with them.

use std::fmt;
use std::sync::Arc;

use crate::context::Context;
use crate::linear::LinearError;
use crate::pass::Pass;
use crate::rows::Rows;
use crate::session::Session;

/// A network that a file describes: what each architecture provides.
pub(crate) trait Network: fmt::Debug + Send + Sync {
    /// Sizes that callers need.
    fn sizes(&self) -> Sizes;

    /// Runs the tokens of a pass through the network. The outcome is a row for each of
    /// [`Pass::wanted`]: the scores of every token to come next.
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

    /// Starts a sequence: nothing said yet.
    #[must_use]
    pub fn session(&self) -> Session {
        Session::new(self.clone())
    }

    /// Sizes.
    #[must_use]
    pub fn sizes(&self) -> Sizes {
        self.0.network.sizes()
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
