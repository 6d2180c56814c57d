//! Perplexity: how surprised a model is by a text.
//!
//! The text's tokens are cut into windows without overlap, each a sequence of its own; in a window
//! every token but the first is predicted from those before it. The perplexity is the exponential
//! of the mean negative log-likelihood over all windows. Tokens that do not fill the last window
//! do not count, unless it is the only one.

use crate::matrix::Matrix;
use crate::model::Model;
use crate::session::{ForwardError, Input, Logits};

/// How surprised a model is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Perplexity {
    /// Windows.
    pub windows: usize,
    /// Tokens that were predicted.
    pub tokens: usize,
    /// Negative log-likelihood of all of them, in nats.
    pub surprise: f64,
}

/// A window that has been computed.
#[derive(Clone, Copy, Debug)]
pub struct Window<'a> {
    /// Its number.
    pub number: usize,
    /// Its tokens.
    pub ids: &'a [u32],
    /// What the model expected after each: `(ids, vocabulary)`.
    pub logits: &'a Matrix,
    /// The sum up to this window.
    pub so_far: Perplexity,
}

impl Perplexity {
    /// The exponential of the mean.
    #[must_use]
    pub fn value(&self) -> f64 {
        (self.surprise / self.tokens as f64).exp()
    }
}

/// The perplexity of `model` on `ids`, in windows of `context` tokens. `each` sees every window,
/// and its first error ends the run.
///
/// # Errors
/// If there are fewer than two tokens, the model does not take them, or `each` fails.
pub fn perplexity<E: From<ForwardError>>(
    model: &Model,
    ids: &[u32],
    context: usize,
    mut each: impl FnMut(Window<'_>) -> Result<(), E>,
) -> Result<Perplexity, E> {
    let context = context.min(ids.len());
    if context < 2 {
        return Err(ForwardError::Empty.into());
    }
    let mut session = model.session();
    let mut all = Perplexity::default();
    for (number, ids) in ids.chunks_exact(context).enumerate() {
        session.truncate(0, 0);
        let logits = session.run(&[Input { sequence: 0, ids, logits: Logits::All }])?;
        let surprises = ids[1..].iter().enumerate();
        all.surprise += surprises.map(|(n, id)| surprise(logits.row(n), *id)).sum::<f64>();
        all.tokens += ids.len() - 1;
        all.windows += 1;
        each(Window { number, ids, logits, so_far: all })?;
    }
    Ok(all)
}

/// The negative log-likelihood of a token, in nats.
///
/// # Panics
/// If the token is none of those that there are logits for.
#[must_use]
pub fn surprise(logits: &[f32], id: u32) -> f64 {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f64 = logits.iter().map(|x| f64::from(x - most).exp()).sum();
    total.ln() - f64::from(logits[id as usize] - most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surprise_is_the_logarithm_of_the_softmax() {
        assert!((surprise(&[0.0; 8], 3) - 8f64.ln()).abs() < 1e-12);
        let logits = [1000.0, 1001.0];
        assert!((surprise(&logits, 1) - (1.0 + (-1f64).exp()).ln()).abs() < 1e-12);
    }
}
