//! Tilewright beside what one would use instead: ggml and candle, in one run.
//!
//! The README of the crate says how to build and read it.
#![deny(unsafe_code)]

mod candle;
mod cli;
mod contest;
#[allow(unsafe_code, reason = "ggml is a C library; its fence is this one file")]
mod ggml;
mod interrupt;
mod layers;
mod model;
mod ours;
mod plot;
mod record;
mod report;
mod results;
mod tiles;
mod weights;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match cli::Cli::parse().run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(cli::UNFINISHED),
        Err(error) => {
            eprintln!("error: {}", runtime::told(&*error));
            ExitCode::FAILURE
        }
    }
}
