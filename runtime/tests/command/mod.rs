//! The command line from outside: starting it, and reading what it says.

use std::path::Path;
use std::process::{Command, Output};

/// Without the profile and the wishes of whoever runs the tests.
pub(crate) fn runtime(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_runtime"));
    command.args(arguments).env("TILEWRIGHT_PROFILE", "off");
    command.env_remove("TILEWRIGHT_ISA").env_remove("RUST_LOG");
    command
}

pub(crate) fn output(arguments: &[&str]) -> Output {
    runtime(arguments).output().unwrap()
}

pub(crate) fn succeeds(output: Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// The one line of an error.
pub(crate) fn fails(output: &Output, code: i32) -> String {
    let errors = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{errors}");
    assert!(output.stdout.is_empty());
    let lines: Vec<&str> = errors.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(lines.len(), 1, "{errors}");
    assert!(!errors.contains("panicked"), "{errors}");
    lines[0].to_owned()
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
