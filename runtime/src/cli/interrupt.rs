//! Ctrl-C: the first ends what is being computed, in good order; the second ends the program.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;

/// What shells take for "ended by SIGINT".
const EXIT: i32 = 130;

/// Whether Ctrl-C was pressed.
#[derive(Clone)]
pub(crate) struct Interrupt(Arc<State>);

#[derive(Default)]
struct State {
    /// Whether something is being computed that looks at `came`.
    watched: AtomicBool,
    came: AtomicBool,
}

impl Interrupt {
    /// From now on Ctrl-C ends the program only where nothing is being computed.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let state = Arc::new(State::default());
        let seen = Arc::clone(&state);
        ctrlc::set_handler(move || {
            let watched = seen.watched.load(Ordering::Relaxed);
            if seen.came.swap(true, Ordering::Relaxed) || !watched {
                std::process::exit(EXIT);
            }
        })
        .context("cannot listen to Ctrl-C")?;
        Ok(Self(state))
    }

    /// Runs what looks at [`Interrupt::came`].
    pub(crate) fn watch<T>(&self, work: impl FnOnce() -> T) -> T {
        self.0.watched.store(true, Ordering::Relaxed);
        let outcome = work();
        self.0.watched.store(false, Ordering::Relaxed);
        outcome
    }

    /// Whether it is time to end.
    pub(crate) fn came(&self) -> bool {
        self.0.came.load(Ordering::Relaxed)
    }
}

/// From now on Ctrl-C removes a file, and all that were named before, and then ends the program.
pub(crate) fn remove_at_end(path: &Path) -> anyhow::Result<()> {
    static FILES: Mutex<Vec<PathBuf>> = Mutex::new(vec![]);
    let files = || FILES.lock().unwrap_or_else(PoisonError::into_inner);
    let listening = {
        let mut files = files();
        files.push(path.to_owned());
        files.len() > 1
    };
    if listening {
        return Ok(());
    }
    ctrlc::set_handler(move || {
        for path in &*files() {
            // Nobody is left to tell if that fails.
            let _ = std::fs::remove_file(path);
        }
        std::process::exit(EXIT);
    })
    .context("cannot listen to Ctrl-C")
}
