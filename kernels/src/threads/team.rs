//! Workers that are there at once.
//!
//! A token is a few hundred products of tens of microseconds each, and waking a sleeping thread
//! takes as long as some of them. So a worker that has finished looks for more work for a while
//! before it goes back to rayon and sleeps: within a token the next product finds it awake. The
//! caller never waits for a worker that has not begun; it takes the call back instead. Nobody
//! spins for long: a machine with other things to do, or a pool with more threads than CPUs, must
//! not pay for ours.
//!
//! A worker's desk has one of four states. Only the caller, who holds `called`, moves it from
//! `ASLEEP` or `AWAKE`; only the worker moves it from `BUSY`; `CALLED` goes to whoever is first.
//!
//! ```text
//! ASLEEP --caller, spawns--> CALLED --worker begins--> BUSY --done--> AWAKE --tired--> ASLEEP
//!    AWAKE --caller--> CALLED --caller takes it back--> AWAKE
//! ```

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

/// How long a worker looks for more work: longer than what lies between the products of a token,
/// shorter than anybody notices.
pub const PATIENCE: Duration = Duration::from_micros(100);
/// Looks between two glances at the clock, which takes longer than a look.
const LOOKS: usize = 64;
/// Looks of a caller at a busy worker before it offers its CPU to whoever has none.
const WAITS: usize = 2000;

const ASLEEP: u8 = 0;
const AWAKE: u8 = 1;
const CALLED: u8 = 2;
const BUSY: u8 = 3;

type Work<'a> = dyn Fn() + Sync + 'a;

/// Some workers and the caller.
pub struct Team {
    pool: Option<ThreadPool>,
    shared: Arc<Shared>,
    /// Held while the workers are called. Whoever finds it taken does without them.
    called: Mutex<()>,
}

struct Shared {
    desks: Vec<Desk>,
    patience: Duration,
    panicked: AtomicBool,
}

/// Aligned, so that workers do not take each other's cache line away.
#[repr(align(128))]
struct Desk {
    state: AtomicU8,
    work: Mutex<Option<&'static Work<'static>>>,
}

impl Team {
    pub fn new(workers: usize) -> Result<Self, ThreadPoolBuildError> {
        let build = |workers| {
            ThreadPoolBuilder::new()
                .num_threads(workers)
                .thread_name(|n| format!("matmul-{}", n + 1))
                .build()
        };
        let pool = (workers > 0).then(|| build(workers)).transpose()?;
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        let patience = if workers < cpus { PATIENCE } else { Duration::ZERO };
        let desk = |_| Desk { state: AtomicU8::new(ASLEEP), work: Mutex::new(None) };
        let desks = (0..workers).map(desk).collect();
        let shared = Arc::new(Shared { desks, patience, panicked: AtomicBool::new(false) });
        Ok(Self { pool, shared, called: Mutex::new(()) })
    }

    /// Runs `work` on this thread and, as far as they come in time, on `helpers` workers. When
    /// this returns, nobody runs it any more.
    pub fn run(&self, helpers: usize, work: &Work<'_>) {
        let (Some(pool), true) = (&self.pool, helpers > 0) else { return work() };
        let _called = match self.called.try_lock() {
            Ok(called) => called,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // Another caller has the workers, or this is a worker: alone is better than waiting.
            Err(TryLockError::WouldBlock) => return work(),
        };
        // SAFETY: only the lifetime changes. The reference is used by workers between `CALLED`
        // and the end of `BUSY`; `Recall` takes back every call, or waits for it to end, before
        // this function returns or unwinds, and `work` outlives this function.
        let work: &'static Work<'static> =
            unsafe { std::mem::transmute::<&Work<'_>, &'static Work<'static>>(work) };
        let recall = Recall(&self.shared.desks[..helpers.min(self.shared.desks.len())]);
        for (n, desk) in recall.0.iter().enumerate() {
            *lock(&desk.work) = Some(work);
            if desk.state.swap(CALLED, Ordering::AcqRel) == ASLEEP {
                let shared = Arc::clone(&self.shared);
                pool.spawn(move || shared.attend(n));
            }
        }
        work();
        drop(recall);
        if self.shared.panicked.swap(false, Ordering::AcqRel) {
            resume_unwind(Box::new("a job on another thread panicked"));
        }
    }
}

/// Takes back what has not begun, and waits for what has.
struct Recall<'a>(&'a [Desk]);

impl Drop for Recall<'_> {
    fn drop(&mut self) {
        for desk in self.0 {
            let _ = desk.swap(CALLED, AWAKE);
        }
        for desk in self.0 {
            let mut looks = 0;
            while desk.state.load(Ordering::Acquire) == BUSY {
                looks += 1;
                if looks < WAITS { std::hint::spin_loop() } else { std::thread::yield_now() }
            }
            *lock(&desk.work) = None;
        }
    }
}

impl Desk {
    /// Whether the state was `from`, and now is `to`.
    fn swap(&self, from: u8, to: u8) -> bool {
        self.state.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

impl Shared {
    /// What worker `n` does until it goes back to sleep.
    fn attend(&self, n: usize) {
        let desk = &self.desks[n];
        loop {
            if desk.swap(CALLED, BUSY) {
                let work = *lock(&desk.work);
                let result = catch_unwind(AssertUnwindSafe(|| work.map(|work| work())));
                if result.is_err() {
                    self.panicked.store(true, Ordering::Release);
                }
                desk.state.store(AWAKE, Ordering::Release);
            }
            self.linger(desk);
            if desk.swap(AWAKE, ASLEEP) {
                return;
            }
        }
    }

    /// Waits until there is a call, or patience is over.
    fn linger(&self, desk: &Desk) {
        let since = Instant::now();
        while desk.state.load(Ordering::Acquire) == AWAKE && since.elapsed() < self.patience {
            for _ in 0..LOOKS {
                if desk.state.load(Ordering::Relaxed) != AWAKE {
                    break;
                }
                std::hint::spin_loop();
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
