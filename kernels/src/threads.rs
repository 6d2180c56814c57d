//! Threads: who computes which rows of the output, and the scratch memory of each.
//!
//! The calling thread takes part; a pool of `n` threads keeps `n - 1` rayon workers. Work is cut
//! into jobs of whole weight rows, handed out one at a time by a counter, so that a slow core
//! simply takes fewer. How the workers get to know of work is `team`'s business.

mod team;

use crate::activations::Activations;
use crate::isa::Square;
use crate::lines::Lines;
use crate::matmul::ColumnPanel;
use crate::panel::Panel;
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
pub use team::{PATIENCE, Team};

/// Threads that compute together, and what they keep between calls.
pub struct Pool {
    team: Team,
    threads: usize,
    scratch: Mutex<Vec<Scratch>>,
    activations: Mutex<Vec<Activations>>,
    packed: Mutex<Vec<Vec<ColumnPanel>>>,
    quants: Mutex<Vec<Lines<i8>>>,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pool({} threads)", self.threads)
    }
}

/// Memory that a thread works in; kept, so that a call allocates nothing once warm.
#[derive(Debug, Default)]
pub struct Scratch {
    pub panels: Vec<Panel>,
    /// Of tile registers, while K goes on.
    pub sums: Vec<Square>,
    pub out: Vec<f32>,
}

/// The pool could not start its threads.
#[derive(Debug, thiserror::Error)]
#[error("cannot start {threads} threads: {source}")]
pub struct PoolError {
    threads: usize,
    source: rayon::ThreadPoolBuildError,
}

impl Pool {
    /// A pool of `threads` threads, the caller's among them; 0 means one per usable CPU.
    ///
    /// # Errors
    /// If the operating system refuses the threads.
    pub fn new(threads: usize) -> Result<Self, PoolError> {
        let threads = match threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        let team = Team::new(threads - 1).map_err(|source| PoolError { threads, source })?;
        let (scratch, activations, packed, quants) = Default::default();
        Ok(Self { team, threads, scratch, activations, packed, quants })
    }

    /// Threads, the caller's included.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Runs `job(0)`, `job(1)`, ... up to `jobs` of them, spread over the threads, each exactly
    /// once. Returns when all are done.
    ///
    /// # Panics
    /// If a job does.
    pub fn for_each(&self, jobs: usize, job: impl Fn(usize) + Sync) {
        self.run(0, jobs, &|n, _| job(n));
    }

    /// Cuts `data` into chunks of `len` (the last may be shorter) and runs `job(n, chunk n)` for
    /// each, spread over the threads.
    ///
    /// # Panics
    /// If `len` is zero, or a job panics.
    pub fn for_each_chunk<T: Send>(
        &self,
        data: &mut [T],
        len: usize,
        job: impl Fn(usize, &mut [T]) + Sync,
    ) {
        if data.len() <= len {
            if !data.is_empty() {
                job(0, data);
            }
            return;
        }
        let chunks: Vec<Mutex<&mut [T]>> = data.chunks_mut(len).map(Mutex::new).collect();
        self.for_each(chunks.len(), |n| job(n, &mut chunks[n].lock().expect("each runs once")));
    }

    /// Runs jobs `0..jobs` on at most `threads` threads (0: all), each exactly once.
    pub(crate) fn run(
        &self,
        threads: usize,
        jobs: usize,
        job: &(impl Fn(usize, &mut Scratch) + Sync),
    ) {
        let next = AtomicUsize::new(0);
        let work = || {
            let mut scratch = take(&self.scratch);
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= jobs {
                    break;
                }
                job(n, &mut scratch);
            }
            give(&self.scratch, scratch);
        };
        self.team.run(self.limit(threads).min(jobs).saturating_sub(1), &work);
    }

    /// Activations from an earlier call, or new ones; [`Pool::keep`] takes them back.
    pub(crate) fn activations(&self) -> Activations {
        take(&self.activations)
    }

    pub(crate) fn keep(&self, activations: Activations) {
        give(&self.activations, activations);
    }

    /// Column panels from an earlier call, or none; [`Pool::keep_packed`] takes them back.
    pub(crate) fn packed(&self) -> Vec<ColumnPanel> {
        take(&self.packed)
    }

    pub(crate) fn keep_packed(&self, packed: Vec<ColumnPanel>) {
        give(&self.packed, packed);
    }

    /// Room for quants from an earlier call, or none; [`Pool::keep_quants`] takes it back.
    pub(crate) fn quants(&self) -> Lines<i8> {
        take(&self.quants)
    }

    pub(crate) fn keep_quants(&self, quants: Lines<i8>) {
        give(&self.quants, quants);
    }

    /// Cuts the columns of row-major matrices into jobs, and runs each with the right to write
    /// its columns of every row: `job(n, ...)` for columns of matrix `n`.
    ///
    /// Towards the end jobs become smaller, so that threads finish together though one is slower.
    #[doc(hidden)]
    pub fn run_columns(
        &self,
        threads: usize,
        outs: &mut [Out<'_>],
        job: impl Fn(usize, &mut Columns<'_>, &mut Scratch) + Sync,
    ) {
        let jobs = cut(outs, self.limit(threads));
        let shared: Vec<Shared> = outs.iter_mut().map(Shared::of).collect();
        self.run(threads, jobs.len(), &|n, scratch| {
            let (which, range) = &jobs[n];
            job(*which, &mut shared[*which].columns(range.clone()), scratch);
        });
    }

    /// How many threads at most `threads` are; 0 is all.
    pub(crate) fn limit(&self, threads: usize) -> usize {
        if threads == 0 { self.threads } else { threads.min(self.threads) }
    }
}

/// Columns of each matrix, a job each: `grain` of them, but, for several threads, never more than
/// half of what is a thread's share of all that is left.
fn cut(outs: &[Out<'_>], threads: usize) -> Vec<(usize, Range<usize>)> {
    let mut left: usize = outs.iter().map(|out| out.width).sum();
    let mut jobs = vec![];
    for (which, out) in outs.iter().enumerate() {
        let mut start = 0;
        while start < out.width {
            let share = match threads {
                1 => out.grain,
                _ => left.div_ceil(2 * threads).next_multiple_of(out.least),
            };
            let end = out.width.min(start + share.min(out.grain));
            jobs.push((which, start..end));
            left -= end - start;
            start = end;
        }
    }
    jobs
}

fn take<T: Default>(kept: &Mutex<Vec<T>>) -> T {
    kept.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
}

fn give<T>(kept: &Mutex<Vec<T>>, value: T) {
    kept.lock().unwrap_or_else(PoisonError::into_inner).push(value);
}

/// A row-major matrix of `width` columns that is written by jobs of some columns.
pub struct Out<'a> {
    pub data: &'a mut [f32],
    pub width: usize,
    /// Columns of a job.
    pub grain: usize,
    /// What columns of a smaller job are a multiple of; at least one.
    pub least: usize,
}

struct Shared {
    out: *mut f32,
    len: usize,
    width: usize,
}

// SAFETY: the pointer is used through `Columns` alone; jobs have disjoint ranges of columns and
// each runs once, so no two threads write the same element.
unsafe impl Sync for Shared {}

impl Shared {
    fn of(out: &mut Out<'_>) -> Self {
        Self { out: out.data.as_mut_ptr(), len: out.data.len(), width: out.width }
    }

    fn columns(&self, range: Range<usize>) -> Columns<'_> {
        let Self { out, len, width } = *self;
        Columns { out, len, width, range, borrow: PhantomData }
    }
}

/// Some columns of a row-major matrix, to be written by one thread.
pub struct Columns<'a> {
    out: *mut f32,
    len: usize,
    width: usize,
    range: Range<usize>,
    borrow: PhantomData<&'a mut [f32]>,
}

impl Columns<'_> {
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// Writes `values` to `row`, from column `column` on.
    pub fn put(&mut self, row: usize, column: usize, values: &[f32]) {
        self.place(row, column, values.len()).copy_from_slice(values);
    }

    /// `count` columns of `row`, from `column` on.
    #[inline]
    pub fn place(&mut self, row: usize, column: usize, count: usize) -> &mut [f32] {
        let end = column + count;
        assert!(self.range.start <= column && end <= self.range.end, "columns of another job");
        let at = row * self.width + column;
        assert!(at + count <= self.len, "a row past the end");
        // SAFETY: `at` lies within the matrix, as asserted.
        let from = unsafe { self.out.add(at) };
        // SAFETY: the elements lie within the matrix and within the columns of this job, as
        // asserted; `run_columns` borrowed the matrix mutably and gave the columns to no other, and
        // `self` hands out one part at a time.
        unsafe { std::slice::from_raw_parts_mut(from, count) }
    }
}
