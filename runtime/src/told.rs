//! Errors as programs tell them.

use std::error::Error;

/// An error and its causes in one line. A cause that its effect has already told is not told again:
/// errors of libraries that people read one at a time name their cause, and hand it out, too.
#[must_use]
pub fn told(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut told = text.clone();
    let mut cause = error.source();
    while let Some(error) = cause {
        let this = error.to_string();
        if !told.contains(&this) {
            text = format!("{text}: {this}");
        }
        told = this;
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn every_cause_is_told_once() {
        let missing = || std::io::Error::other("no such disk");
        let wrapped = anyhow::Error::new(missing()).context("a.gguf").context("loading");
        assert_eq!(told(&*wrapped), "loading: a.gguf: no such disk");
        // An error that names its cause itself.
        let named = crate::gguf::Mapped::open("no/such/file").unwrap_err();
        let reason = named.source().expect("the system's reason").to_string();
        let text = told(&*Err::<(), _>(named).context("loading").unwrap_err());
        assert_eq!(text, format!("loading: no/such/file: cannot open the file: {reason}"));
    }
}
