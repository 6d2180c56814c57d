//! Whether ggml's AMX kernels work as they were built.
//!
//! GCC before 14 drops most of the tile configuration of ggml's sources, and the first product with
//! AMX then ends the process (ggml-org/llama.cpp#26954; `ggml/tiles.h` is the remedy). So another
//! process tries first.

use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use kernels::formats;

use crate::contest::Contestant as _;
use crate::ggml::{Ggml, TILES, Weights};
use crate::weights::Matrix;

/// What to do when they do not.
pub(crate) const REMEDY: &str = "ggml's AMX kernels crash as built here; the README of `benches` \
    has compiler flags that help, and CXX=clang++ does, too";

/// The command by which this program tries.
pub(crate) const COMMAND: &str = "try-tiles";

/// Whether a product survives. It does, too, where there is no AMX to use.
pub(crate) fn work() -> anyhow::Result<bool> {
    let program = std::env::current_exe().context("this program's file")?;
    let tried = Command::new(program).arg(COMMAND).stderr(Stdio::null()).status()?;
    Ok(tried.success())
}

/// Multiplies with AMX, if ggml has it.
pub(crate) fn try_them() -> anyhow::Result<()> {
    /// Fewer rows of activations are multiplied without tiles.
    const BATCH: usize = 32;
    let (rows, depth) = (64, 64);
    let format = formats::by_name("Q8_0").context("Q8_0")?;
    let bytes = vec![0; format.bytes(rows, depth)?];
    let matrix = Matrix { format, rows, depth, bytes: &bytes, copies: 1 };
    let ggml = Ggml::new(1)?;
    for layout in ggml.layouts().iter().filter(|layout| layout.name == TILES) {
        let mut weights = Weights::new(&ggml, layout, matrix)?.context("Q8_0 without tiles")?;
        weights.prepare(&[1.0; BATCH * 64], BATCH)?;
        weights.multiply()?;
        ensure!(weights.out()?.iter().all(|y| *y == 0.0), "wrong");
    }
    Ok(())
}
