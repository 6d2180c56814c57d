//! A bar on standard error, where that is a terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar of weights done.
pub(super) fn weights(all: u64, what: &'static str) -> ProgressBar {
    // Hidden by indicatif itself if standard error is no terminal.
    let bar = ProgressBar::new(all);
    let style = ProgressStyle::with_template("{bar:30} {percent:>3} % {eta} left, {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message(what);
    bar
}
