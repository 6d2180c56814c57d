//! Whether the machine did something else while a sample was taken.
//!
//! Linux counts for every thread how long it was ready to run and had to wait for a processor
//! (`/proc/<pid>/task/<tid>/schedstat`, second number, nanoseconds). A sample in which that grew
//! noticeably was shared with another program. Elsewhere nothing is known, and nothing is called
//! disturbed. A hypervisor that takes the processor away leaves no trace here, either; against
//! that pairs and medians must do.

use std::fs::File;
use std::io;

/// A sample is disturbed if its threads waited for more than this part of it, all together.
const TOLERATED: f64 = 0.02;
/// Waking a thread takes microseconds on a machine that does nothing else, too.
const WAKING: f64 = 20e-6;
/// Samples that recent noise is judged by.
const RECENT: usize = 64;

/// Watches the threads of this process.
#[derive(Debug, Default)]
pub struct Quiet {
    threads: Vec<File>,
    before: u64,
    samples: usize,
    disturbed: usize,
    recent: Vec<bool>,
}

impl Quiet {
    /// Watches the threads that there are now: make it after the pool.
    #[must_use]
    pub fn new() -> Self {
        Self { threads: threads(), ..Self::default() }
    }

    /// A sample begins.
    pub fn begin(&mut self) {
        self.before = self.waited();
    }

    /// A sample of so many seconds has ended. Whether it was disturbed.
    pub fn end(&mut self, seconds: f64) -> bool {
        let waited = self.waited().saturating_sub(self.before) as f64 * 1e-9;
        let disturbed = waited > TOLERATED * seconds + WAKING;
        if self.recent.len() < RECENT {
            self.recent.push(disturbed);
        } else {
            self.recent[self.samples % RECENT] = disturbed;
        }
        self.samples += 1;
        self.disturbed += usize::from(disturbed);
        disturbed
    }

    /// Whether so many samples were disturbed lately that taking them again is futile.
    #[must_use]
    pub fn is_hopeless(&self) -> bool {
        let disturbed = self.recent.iter().filter(|disturbed| **disturbed).count();
        self.recent.len() == RECENT && disturbed > RECENT / 2
    }

    /// The part of all samples that was disturbed.
    #[must_use]
    pub fn disturbed(&self) -> f64 {
        self.disturbed as f64 / self.samples.max(1) as f64
    }

    /// Nanoseconds that all threads have waited so far.
    fn waited(&self) -> u64 {
        self.threads.iter().map(|file| wait_of(file).unwrap_or(0)).sum()
    }
}

fn threads() -> Vec<File> {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return vec![] };
    tasks.flatten().filter_map(|task| File::open(task.path().join("schedstat")).ok()).collect()
}

#[cfg(unix)]
fn wait_of(file: &File) -> io::Result<u64> {
    use std::os::unix::fs::FileExt;
    let mut text = [0; 64];
    let len = file.read_at(&mut text, 0)?;
    let text = std::str::from_utf8(&text[..len]).unwrap_or_default();
    Ok(text.split_whitespace().nth(1).and_then(|wait| wait.parse().ok()).unwrap_or(0))
}

#[cfg(not(unix))]
fn wait_of(_: &File) -> io::Result<u64> {
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_is_disturbance_and_too_much_of_it_is_hopeless() {
        let mut quiet = Quiet::default();
        for _ in 0..RECENT {
            quiet.begin();
            assert!(!quiet.end(1.0));
        }
        assert!(!quiet.is_hopeless());
        // No thread is watched, so what has been waited since is what lies before the epoch.
        quiet.recent.fill(true);
        assert!(quiet.is_hopeless());
        assert_eq!(quiet.disturbed(), 0.0);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn linux_counts_waiting() {
        let quiet = Quiet::new();
        assert!(!quiet.threads.is_empty());
        // A second count is not below the first.
        let first = quiet.waited();
        assert!(quiet.waited() >= first);
    }
}
