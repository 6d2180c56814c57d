//! How far a model's expectations are from those of another one, of which logits were saved.

use runtime::matrix::Matrix;

/// Positions compared so far.
#[derive(Default)]
pub(crate) struct Divergence {
    positions: usize,
    /// The sum of the Kullback-Leibler divergences, in nats.
    sum: f64,
    largest: f64,
    /// Positions at which both find the same token most likely.
    same: usize,
}

impl Divergence {
    /// Compares rows: logits of the model, and as many of the reference, one after the other.
    pub(crate) fn add(&mut self, logits: &Matrix, rows: usize, reference: &[f32]) {
        for (n, reference) in reference.chunks_exact(logits.columns()).enumerate().take(rows) {
            let divergence = divergence(reference, logits.row(n));
            self.sum += divergence;
            self.largest = self.largest.max(divergence);
            self.same += usize::from(best(reference) == best(logits.row(n)));
            self.positions += 1;
        }
    }

    /// In nats.
    pub(crate) fn mean(&self) -> f64 {
        self.sum / self.positions as f64
    }

    /// In nats.
    pub(crate) fn largest(&self) -> f64 {
        self.largest
    }

    /// In percent.
    pub(crate) fn same_best(&self) -> f64 {
        100.0 * self.same as f64 / self.positions as f64
    }
}

/// `sum(p ln(p / q))` of the probabilities that two rows of logits stand for, in nats.
fn divergence(p: &[f32], q: &[f32]) -> f64 {
    let (p_norm, q_norm) = (log_sum(p), log_sum(q));
    let terms = p.iter().zip(q).map(|(p, q)| {
        let (p, q) = (f64::from(*p) - p_norm, f64::from(*q) - q_norm);
        p.exp() * (p - q)
    });
    // A token that never comes adds nothing, though its logarithm is infinite.
    terms.filter(|term| !term.is_nan()).sum::<f64>().max(0.0)
}

/// `ln(sum(exp(x)))`.
fn log_sum(x: &[f32]) -> f64 {
    let most = f64::from(x.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    most + x.iter().map(|x| (f64::from(*x) - most).exp()).sum::<f64>().ln()
}

fn best(x: &[f32]) -> Option<usize> {
    let best = x.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    best.map(|(n, _)| n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divergence_is_that_of_the_probabilities() {
        // p = (1/2, 1/2), q = (1/4, 3/4): ln(2) / 2 + ln(2/3) / 2.
        let (p, q) = ([0.0, 0.0], [0.0, 3f32.ln()]);
        let want = 0.5 * 2f64.ln() + 0.5 * (2.0f64 / 3.0).ln();
        assert!((divergence(&p, &q) - want).abs() < 1e-7);
        assert_eq!(divergence(&[3.0, -1.0, 7.0], &[3.0, -1.0, 7.0]), 0.0);
        // Logits that only differ by a constant mean the same.
        assert!(divergence(&[1000.0, 1001.0], &[0.0, 1.0]) < 1e-12);
    }

    #[test]
    fn rows_are_summed_up() {
        let logits = Matrix::new([3, 2], vec![0.0, 1.0, 1.0, 0.0, 9.0, 9.0]).unwrap();
        let mut all = Divergence::default();
        all.add(&logits, 2, &[0.0, 1.0, 0.0, 1.0, 0.0, 0.0]);
        assert_eq!(all.positions, 2);
        assert_eq!(all.same_best(), 50.0);
        assert!((all.mean() - all.largest() / 2.0).abs() < 1e-12);
    }
}
