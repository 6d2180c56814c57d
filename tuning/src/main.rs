//! The command line of the tuner.

#![forbid(unsafe_code)]

mod cli;

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let done = cli::Cli::parse().run();
    match done.and_then(|done| print(&done.text).map(|()| done.code)) {
        Ok(code) => code.into(),
        Err(error) => {
            eprintln!("error: {}", runtime::told(&*error));
            ExitCode::FAILURE
        }
    }
}

/// Everything at once. That nobody wants to read all of it (`| head`) is no error.
fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
