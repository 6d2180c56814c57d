//! Ctrl-C, or a polite request to end: what was measured until then is kept. The second ends the
//! program at once.

use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;

/// What shells take for "ended by SIGINT".
const EXIT: i32 = 130;

/// Whether it came, and who is to be ended then.
#[derive(Clone, Default)]
pub(crate) struct Interrupt(Arc<State>);

#[derive(Default)]
struct State {
    came: AtomicBool,
    child: Mutex<Option<Child>>,
}

impl Interrupt {
    /// Listens from now on.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let interrupt = Self::default();
        let seen = interrupt.clone();
        ctrlc::set_handler(move || {
            if seen.0.came.swap(true, Ordering::Relaxed) {
                std::process::exit(EXIT);
            }
            eprintln!("\nending with what was measured; again to drop it");
            seen.end();
        })
        .context("cannot listen to Ctrl-C")?;
        Ok(interrupt)
    }

    /// Whether it is time to end.
    pub(crate) fn came(&self) -> bool {
        self.0.came.load(Ordering::Relaxed)
    }

    /// A process that is to end when it comes.
    pub(crate) fn ends(&self, child: Child) {
        *self.child() = Some(child);
        if self.came() {
            self.end();
        }
    }

    /// Ends that process now. A terminal's Ctrl-C has reached it, too; a signal has not.
    pub(crate) fn end(&self) {
        if let Some(child) = &mut *self.child() {
            // It fails if the process is no more.
            let _ = child.kill();
        }
    }

    /// That process back.
    pub(crate) fn take(&self) -> Option<Child> {
        self.child().take()
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        self.0.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
