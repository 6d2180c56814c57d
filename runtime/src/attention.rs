//! Attention: what each token takes from the tokens before it (Vaswani et al. 2017), with several
//! query heads to a key head (Ainslie et al. 2023, grouped-query attention).
//!
//! The queries of a group of heads, of some consecutive tokens, are one matrix, and the chunks of
//! the [cache](crate::cache) are the weights it is multiplied with, by the same kernels as any
//! Linear. A softmax needs the scores of all positions; here it runs along with the chunks, by
//! correcting what was added so far whenever a larger score turns up (Milakov and Gimelshein
//! 2018; Dao et al. 2022). Every row meets the same chunks in the same order whatever else is in
//! the batch, and chunks that a row sees nothing of are left out for it: so the result of a row is
//! its own, if only the kernels' products are. Of the last chunk that many rows see they are
//! multiplied with its first positions alone, as far as one of them sees; what is left out would add
//! zeros.

use std::ops::Range;

use kernels::{MatmulError, Numerics, Plan, Pool, Problem};

use crate::activation::{add, exp, exp_and_sum, map, maximum, scale, tanh};
use crate::cache::{CHUNK, HeadCache, Store};
use crate::context::{Context, PlanError};
use crate::pass::{Pass, Span};
use crate::rows::Rows;

/// Rows of queries that a job multiplies at a time, about.
const ROWS_PER_JOB: usize = 256;
/// Numbers of the widest register; divides [`CHUNK`].
const LANES: usize = 16;
/// A chunk is cut short to a multiple of so many positions.
const STEP: usize = 64;
/// Rows from which that is worth a copy of the values.
const MANY: usize = 16;

/// What a token sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mask {
    /// Itself and everything before.
    Causal,
    /// Itself and some tokens before, so many in all.
    Window(usize),
    /// All tokens of the pass, those after it, too.
    Everything,
}

/// Numbers from which an [`Attention`] is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AttentionConfig {
    /// Heads of queries.
    pub(crate) heads: usize,
    /// Heads of keys and values; divides `heads`.
    pub(crate) groups: usize,
    /// Keys and values of a head.
    pub(crate) store: Store,
    /// Scores are multiplied by it.
    pub(crate) scale: f32,
    /// Scores are bent to stay below it: `cap tanh(score / cap)`.
    pub(crate) softcap: Option<f32>,
    /// What a token sees.
    pub(crate) mask: Mask,
}

/// The attention of a layer, without its projections.
#[derive(Debug)]
pub(crate) struct Attention {
    config: AttentionConfig,
    /// Products with the first [`STEP`] positions of a chunk, with twice as many, up to all.
    products: Vec<Products>,
}

/// Products with the first positions of a chunk.
#[derive(Debug)]
struct Products {
    positions: usize,
    /// Queries times keys.
    keys: Plan,
    /// Weights times values.
    values: Plan,
}

impl Attention {
    pub(crate) fn new(context: &Context, config: AttentionConfig) -> Result<Self, PlanError> {
        let Store { key, value, .. } = config.store;
        let plan = |rows, depth| {
            let (format, class) = (config.store.format(), Numerics::F32);
            context.plan(Problem { format, rows, depth, class })
        };
        let products = |positions| {
            let (keys, values) = (plan(positions, key)?, plan(value, positions)?);
            Ok(Products { positions, keys, values })
        };
        let all: Result<_, PlanError> = (STEP..=CHUNK).step_by(STEP).map(products).collect();
        Ok(Self { config, products: all? })
    }

    /// Products of some rows that see positions of a chunk before `end`.
    fn products(&self, rows: usize, end: usize) -> &Products {
        let short = self.products.iter().find(|products| rows >= MANY && products.positions >= end);
        short.unwrap_or(&self.products[self.products.len() - 1])
    }

    /// Numbers of a query or key of one head.
    pub(crate) fn key_size(&self) -> usize {
        self.config.store.key
    }

    /// Keeps `k (rows, groups * key size)` and `v (rows, groups * value size)` in the sequences'
    /// caches, and tells what `q (rows, heads * key size)` get: `(rows, heads * value size)`.
    pub(crate) fn attend(&self, pass: &mut Pass<'_>, layer: usize, [q, k, v]: [&Rows; 3]) -> Rows {
        self.keep(pass, layer, k, v);
        let pass = &*pass;
        let AttentionConfig { heads, groups, store, .. } = self.config;
        let width = heads / groups * store.value;
        let mut out = pass.rows(heads * store.value);
        let mut jobs = self.jobs(pass.spans);
        // Each job writes the numbers of its group in its rows.
        let mut parts = out.chunks_exact_mut(width);
        let mut first = 0;
        while first < jobs.len() {
            for _ in jobs[first].rows.clone() {
                for (job, part) in jobs[first..first + groups].iter_mut().zip(&mut parts) {
                    job.out.push(part);
                }
            }
            first += groups;
        }
        pass.pool().for_each_chunk(&mut jobs, 1, |_, job| {
            let job = &mut job[0];
            let head = pass.sequences[job.span.sequence].head(layer, job.group);
            self.run(pass, q, head, job);
        });
        drop(jobs);
        out
    }

    /// Jobs in the order of rows, the groups of the same rows one after the other.
    fn jobs<'a>(&self, spans: &'a [Span]) -> Vec<Job<'a>> {
        let AttentionConfig { heads, groups, .. } = self.config;
        let step = (ROWS_PER_JOB * groups / heads).max(1);
        let mut jobs = vec![];
        for span in spans {
            for start in span.rows.clone().step_by(step) {
                let rows = start..span.rows.end.min(start + step);
                let job = |group| Job { span, group, rows: rows.clone(), out: vec![] };
                jobs.extend((0..groups).map(job));
            }
        }
        jobs
    }

    fn keep(&self, pass: &mut Pass<'_>, layer: usize, k: &Rows, v: &Rows) {
        struct Task<'a> {
            span: &'a Span,
            group: usize,
            head: &'a mut HeadCache,
        }
        let AttentionConfig { groups, store, .. } = self.config;
        let mut tasks = vec![];
        for (n, sequence) in pass.sequences.iter_mut().enumerate() {
            let Some(span) = pass.spans.iter().find(|span| span.sequence == n) else { continue };
            let heads = sequence.layer_mut(layer, groups).iter_mut().enumerate();
            tasks.extend(heads.map(|(group, head)| Task { span, group, head }));
        }
        pass.context.pool().for_each_chunk(&mut tasks, 1, |_, task| {
            let Task { span, group, head } = &mut task[0];
            for (n, row) in span.rows.clone().enumerate() {
                let key = &k.row(row)[*group * store.key..][..store.key];
                let value = &v.row(row)[*group * store.value..][..store.value];
                head.put(&store, span.position + n, key, value);
            }
        });
    }

    fn run(&self, pass: &Pass<'_>, q: &Rows, head: &HeadCache, job: &mut Job<'_>) {
        let AttentionConfig { heads, groups, store: Store { key, value, .. }, .. } = self.config;
        let members = heads / groups;
        let count = job.rows.len() * members;
        let mut queries = pass.rows_of(count, key);
        let parts = queries.chunks_exact_mut(members * key);
        for (part, row) in parts.zip(job.rows.clone()) {
            let query = &q.row(row)[job.group * members * key..][..members * key];
            part.iter_mut().zip(query).for_each(|(to, x)| *to = x * self.config.scale);
        }
        let mut scores = pass.rows_of(count, CHUNK);
        let mut part = pass.rows_of(count, value);
        let mut state = State {
            sums: pass.rows_of(count, value),
            most: vec![f32::NEG_INFINITY; count],
            total: vec![0.0; count],
        };
        state.sums.fill(0.0);
        let mut values = vec![];
        for (n, chunk) in head.chunks().iter().enumerate() {
            // What each row sees of the chunk. Rows that see nothing come first or last.
            let chunk_at = n * CHUNK..(n + 1) * CHUNK;
            let seen = |row: usize| self.seen(job.span, row, &chunk_at);
            let blind = |row: &usize| seen(*row).is_empty();
            let first = job.rows.clone().take_while(blind).count();
            let last = job.rows.len() - job.rows.clone().rev().take_while(blind).count();
            if first >= last {
                continue;
            }
            let rows = first * members..last * members;
            // Rows see as far as those before them, or further.
            let products = self.products(rows.len(), seen(job.rows.start + last - 1).end);
            let positions = products.positions;
            let queries = &queries[rows.start * key..rows.end * key];
            let scores = &mut scores[..rows.len() * positions];
            let keys = &chunk.keys[..chunk.keys.len() / CHUNK * positions];
            product(&products.keys, pass.pool(), keys, queries, scores);
            for (scores, row) in scores.chunks_exact_mut(positions).zip(rows.clone()) {
                let seen = seen(job.rows.start + row / members);
                state.weigh(row, scores, seen.clone(), self.config.softcap);
                if !chunk.scales.is_empty() {
                    let weights = scores[seen.clone()].iter_mut();
                    weights.zip(&chunk.scales[seen]).for_each(|(weight, scale)| *weight *= scale);
                }
            }
            let part = &mut part[..rows.len() * value];
            let values = chunk.first_values(positions, value, &mut values);
            product(&products.values, pass.pool(), values, scores, part);
            add(&mut state.sums[rows.start * value..rows.end * value], part);
        }
        for (n, out) in job.out.iter_mut().enumerate() {
            for (m, out) in out.chunks_exact_mut(value).enumerate() {
                let row = n * members + m;
                let scale = 1.0 / state.total[row];
                out.iter_mut().zip(state.sums.row(row)).for_each(|(out, sum)| *out = sum * scale);
            }
        }
    }

    /// The positions, within a chunk, that a row sees.
    fn seen(&self, span: &Span, row: usize, chunk: &Range<usize>) -> Range<usize> {
        let position = span.position + row - span.rows.start;
        let seen = match self.config.mask {
            Mask::Causal => 0..position + 1,
            Mask::Window(size) => (position + 1).saturating_sub(size)..position + 1,
            Mask::Everything => 0..span.position + span.rows.len(),
        };
        let within = |at: usize| at.clamp(chunk.start, chunk.end) - chunk.start;
        within(seen.start)..within(seen.end)
    }
}

/// The queries of one group of heads in some rows.
struct Job<'a> {
    span: &'a Span,
    group: usize,
    rows: Range<usize>,
    /// Where the outcome goes: of each row, the numbers of the group.
    out: Vec<&'a mut [f32]>,
}

/// What a job has computed so far.
struct State {
    /// `(queries, value size)`: of all chunks so far, relative to `most`.
    sums: Rows,
    /// The largest score of each query.
    most: Vec<f32>,
    /// The sum of weights of each query.
    total: Vec<f32>,
}

impl State {
    /// Makes weights of the scores of a row, of which the positions `seen` count.
    fn weigh(&mut self, row: usize, scores: &mut [f32], seen: Range<usize>, softcap: Option<f32>) {
        if seen.is_empty() {
            return scores.fill(0.0);
        }
        if let Some(cap) = softcap {
            map(&mut scores[seen.clone()], |score| cap * tanh(score / cap));
        }
        // Whole registers: what is not seen in them weighs e^-inf.
        let wide = seen.start / LANES * LANES..seen.end.next_multiple_of(LANES);
        scores[..wide.start].fill(0.0);
        scores[wide.start..seen.start].fill(f32::NEG_INFINITY);
        scores[seen.end..wide.end].fill(f32::NEG_INFINITY);
        scores[wide.end..].fill(0.0);
        let scores = &mut scores[wide];
        let before = self.most[row];
        let most = maximum(scores).max(before);
        let total = exp_and_sum(scores, most);
        if most > before {
            let correction = exp(before - most);
            self.total[row] *= correction;
            scale(self.sums.row_mut(row), correction);
            self.most[row] = most;
        }
        self.total[row] += total;
    }
}

/// `out (rows, N) = x (rows, K) * chunk (N, K)^T`.
fn product(plan: &Plan, pool: &Pool, chunk: &[u8], x: &[f32], out: &mut [f32]) {
    let rows = x.len() / plan.problem().depth;
    let result: Result<(), MatmulError> = plan.multiply(pool, chunk, x, rows, out);
    result.expect("chunks and rows have the sizes that the plan was made for");
}
