//! Textbook pieces of networks, in f64.

pub(crate) type Row = Vec<f64>;
pub(crate) type Rows = Vec<Row>;

/// `x * weight^T + bias`; `weight` has as many rows as fit.
pub(crate) fn linear(x: &Rows, weight: &[f64], bias: Option<&[f64]>) -> Rows {
    let dot = |row: &Row, w: &[f64]| row.iter().zip(w).map(|(x, w)| x * w).sum::<f64>();
    let apply = |row: &Row| {
        let outs = weight.chunks_exact(row.len()).enumerate();
        outs.map(|(n, w)| dot(row, w) + bias.map_or(0.0, |bias| bias[n])).collect()
    };
    x.iter().map(apply).collect()
}

/// Rows of a table.
pub(crate) fn look_up(table: &[f64], columns: usize, rows: impl Iterator<Item = usize>) -> Rows {
    rows.map(|n| table[n * columns..][..columns].to_vec()).collect()
}

pub(crate) fn add(a: &Rows, b: &Rows) -> Rows {
    a.iter().zip(b).map(|(a, b)| a.iter().zip(b).map(|(a, b)| a + b).collect()).collect()
}

pub(crate) fn map(x: &Rows, function: impl Fn(f64) -> f64) -> Rows {
    x.iter().map(|row| row.iter().map(|x| function(*x)).collect()).collect()
}

pub(crate) fn multiply(a: &Rows, b: &Rows) -> Rows {
    a.iter().zip(b).map(|(a, b)| a.iter().zip(b).map(|(a, b)| a * b).collect()).collect()
}

/// Root mean square norm, of parts as long as the weight.
pub(crate) fn rms_norm(x: &Rows, weight: &[f64], epsilon: f64) -> Rows {
    let norm = |part: &[f64]| {
        let mean = part.iter().map(|x| x * x).sum::<f64>() / part.len() as f64;
        let root = (mean + epsilon).sqrt();
        part.iter().zip(weight).map(|(x, w)| x / root * w).collect::<Row>()
    };
    x.iter().map(|row| row.chunks_exact(weight.len()).flat_map(norm).collect()).collect()
}

pub(crate) fn layer_norm(x: &Rows, weight: &[f64], bias: &[f64], epsilon: f64) -> Rows {
    let norm = |row: &Row| {
        let count = row.len() as f64;
        let mean = row.iter().sum::<f64>() / count;
        let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
        let root = (variance + epsilon).sqrt();
        row.iter().zip(weight).zip(bias).map(|((x, w), b)| (x - mean) / root * w + b).collect()
    };
    x.iter().map(norm).collect()
}

pub(crate) fn silu(x: f64) -> f64 {
    x / (1.0 + (-x).exp())
}

pub(crate) fn gelu_tanh(x: f64) -> f64 {
    0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3))).tanh())
}

pub(crate) fn softmax(x: &[f64]) -> Row {
    let most = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = x.iter().map(|x| (x - most).exp()).sum();
    x.iter().map(|x| (x - most).exp() / total).collect()
}

/// Which numbers of a head are a pair.
#[derive(Clone, Copy)]
pub(crate) enum Pairs {
    Adjacent,
    Halves,
}

/// Turns each head of `size` numbers: pair `i` by `position * frequencies[i]`.
pub(crate) fn rotate(x: &Rows, size: usize, pairs: Pairs, frequencies: &[f64]) -> Rows {
    let count = frequencies.len();
    let turn = |(position, row): (usize, &Row)| {
        let mut row = row.clone();
        for head in row.chunks_exact_mut(size) {
            for (i, frequency) in frequencies.iter().enumerate() {
                let (sin, cos) = (position as f64 * frequency).sin_cos();
                let (a, b) = match pairs {
                    Pairs::Adjacent => (2 * i, 2 * i + 1),
                    Pairs::Halves => (i, i + count),
                };
                (head[a], head[b]) = (head[a] * cos - head[b] * sin, head[a] * sin + head[b] * cos);
            }
        }
        row
    };
    x.iter().enumerate().map(turn).collect()
}

/// `base^(-2 i / n)`.
pub(crate) fn frequencies(base: f64, n: usize) -> Vec<f64> {
    (0..n / 2).map(|i| base.powf(-2.0 * i as f64 / n as f64)).collect()
}

/// How attention is done.
pub(crate) struct Attention<'a> {
    pub(crate) heads: usize,
    pub(crate) groups: usize,
    pub(crate) scale: f64,
    pub(crate) cap: Option<f64>,
    /// Whether the token at the first position sees that at the second.
    pub(crate) sees: &'a dyn Fn(usize, usize) -> bool,
}

pub(crate) fn attention(q: &Rows, k: &Rows, v: &Rows, how: &Attention<'_>) -> Rows {
    let (key, value) = (q[0].len() / how.heads, v[0].len() / how.groups);
    let head = |i: usize, h: usize| -> Row {
        let group = h / (how.heads / how.groups);
        let query = &q[i][h * key..][..key];
        let seen: Vec<usize> = (0..k.len()).filter(|j| (how.sees)(i, *j)).collect();
        let score = |j: &usize| {
            let key = &k[*j][group * key..][..key];
            let score = how.scale * query.iter().zip(key).map(|(q, k)| q * k).sum::<f64>();
            how.cap.map_or(score, |cap| cap * (score / cap).tanh())
        };
        let weights = softmax(&seen.iter().map(score).collect::<Row>());
        let mut out = vec![0.0; value];
        for (j, weight) in seen.iter().zip(weights) {
            for (out, v) in out.iter_mut().zip(&v[*j][group * value..]) {
                *out += weight * v;
            }
        }
        out
    };
    (0..q.len()).map(|i| (0..how.heads).flat_map(|h| head(i, h)).collect()).collect()
}
