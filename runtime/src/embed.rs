//! Vectors of texts, from models that encode.

use std::sync::Arc;

use crate::cache::Sequence;
use crate::matrix::Matrix;
use crate::model::{Model, Outcome, Pooling};
use crate::pass::{Pass, Span};
use crate::rows::{Buffers, Rows};
use crate::session::{ForwardError, PASS};

impl Model {
    /// A vector for each text, given its tokens: `(texts, hidden)`, as long as they come, not
    /// brought to length 1.
    ///
    /// # Errors
    /// If the model does not encode, or a text is empty or longer than its context.
    pub fn embed(&self, texts: &[&[u32]]) -> Result<Matrix, ForwardError> {
        let Outcome::Vectors(pooling) = self.outcome() else { return Err(ForwardError::Decoder) };
        let sizes = self.sizes();
        for (sequence, ids) in texts.iter().enumerate() {
            sizes.check(sequence, ids.len(), ids)?;
        }
        let buffers = Arc::new(Buffers::default());
        let mut vectors = Vec::with_capacity(texts.len() * sizes.hidden);
        let mut rest = texts;
        while !rest.is_empty() {
            // Whole texts: their tokens see each other.
            let mut rows = 0;
            let fits = rest.iter().take_while(|ids| {
                rows += ids.len();
                rows <= PASS
            });
            let (now, later) = rest.split_at(fits.count().max(1));
            rest = later;
            self.encode(now, pooling, &buffers, &mut vectors)?;
        }
        Ok(Matrix::new([texts.len(), sizes.hidden], vectors).expect("a row for each text"))
    }

    fn encode(
        &self,
        texts: &[&[u32]],
        pooling: Pooling,
        buffers: &Arc<Buffers>,
        vectors: &mut Vec<f32>,
    ) -> Result<(), ForwardError> {
        let mut first = 0;
        let spans: Vec<Span> = (0..)
            .zip(texts)
            .map(|(sequence, ids)| {
                let rows = first..first + ids.len();
                first = rows.end;
                Span { sequence, rows, position: 0 }
            })
            .collect();
        let mut sequences: Vec<Sequence> = texts.iter().map(|_| Sequence::default()).collect();
        let rows = self.forward(&mut Pass {
            context: self.context(),
            ids: &texts.concat(),
            spans: &spans,
            wanted: &(0..first).collect::<Vec<_>>(),
            sequences: &mut sequences,
            buffers,
        })?;
        for span in &spans {
            vectors.extend(pool(&rows, span, pooling));
        }
        Ok(())
    }
}

/// The vector of a text, of those of its tokens.
fn pool(rows: &Rows, span: &Span, pooling: Pooling) -> Vec<f32> {
    match pooling {
        Pooling::First => rows.row(span.rows.start).to_vec(),
        Pooling::Last => rows.row(span.rows.end - 1).to_vec(),
        Pooling::Mean => {
            let mut sum = vec![0.0; rows.columns()];
            for row in span.rows.clone() {
                sum.iter_mut().zip(rows.row(row)).for_each(|(sum, x)| *sum += x);
            }
            let scale = 1.0 / span.rows.len() as f32;
            sum.iter_mut().for_each(|sum| *sum *= scale);
            sum
        }
    }
}
