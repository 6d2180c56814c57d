//! Whole models: tokens a second of prefill and decode, both engines on the same file.
//!
//! Tokens are random ones of the vocabulary, the same for both: what they are does not change what
//! is computed. A round clears both engines' caches; each then takes the prompt at once (prefill)
//! and further tokens one by one (decode), and computes logits after each. Engines take turns, in
//! random order, as layers do.

use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use runtime::{LoadOptions, Session, context, load};
use tuning::rng::Rng;
use tuning::stats::{self, Gain};

use crate::cli::Model;
use crate::ggml::{self, Ggml, Llama};
use crate::{report, tiles};

/// Longer than threads of the other engine look for work.
const PAUSE: Duration = Duration::from_millis(1);

/// A model and one sequence of tokens.
pub(crate) trait Engine {
    /// Whose it is.
    fn name(&self) -> &str;

    /// Forgets all tokens.
    fn clear(&mut self);

    /// Takes the next tokens: the logits of what comes after them.
    fn take(&mut self, tokens: &[u32]) -> anyhow::Result<Vec<f32>>;

    /// Lets threads sleep that would look for work for long.
    fn rest(&mut self) {}
}

struct Ours(Session);

impl Engine for Ours {
    fn name(&self) -> &str {
        "Tilewright"
    }

    fn clear(&mut self) {
        self.0.truncate(0, 0);
    }

    fn take(&mut self, tokens: &[u32]) -> anyhow::Result<Vec<f32>> {
        Ok(self.0.forward(tokens)?.to_vec())
    }
}

/// Measures and reports.
pub(crate) fn run(args: &Model) -> anyhow::Result<()> {
    ensure!(tiles::work()?, tiles::REMEDY);
    let name = args.file.display();
    let mut text = format!("`{name}`, {}\n\n", ggml::version());
    for threads in args.threads() {
        let _ = writeln!(text, "{}", measure(args, threads).with_context(|| name.to_string())?);
    }
    println!("{text}");
    if let Some(path) = &args.markdown {
        std::fs::write(path, text).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

fn measure(args: &Model, threads: usize) -> anyhow::Result<String> {
    let options = context::Options { threads, ..context::Options::default() };
    let context = Some(Arc::new(runtime::Context::new(options)?));
    let loaded = load(&args.file, &LoadOptions { context, ..LoadOptions::default() })?;
    let ggml = Ggml::new(threads)?;
    let all = args.prompt + args.tokens;
    let llama = Llama::load(&ggml, &args.file, threads, all)?;
    let vocabulary = loaded.model.sizes().vocabulary;
    let mut engines: [Box<dyn Engine + '_>; 2] =
        [Box::new(Ours(loaded.model.session())), Box::new(llama)];

    let mut rng = Rng::new(args.seed);
    let tokens: Vec<u32> = (0..all).map(|_| rng.below(vocabulary) as u32).collect();
    let (prompt, rest) = tokens.split_at(args.prompt);
    let mut last: [Vec<f32>; 2] = [vec![], vec![]];
    // Seconds of each round: prefill and decode of each engine.
    let mut times: [[Vec<f64>; 2]; 2] = Default::default();
    let mut order = [0, 1];
    // The first round is for memory and caches.
    for round in 0..=args.rounds {
        rng.shuffle(&mut order);
        for n in order {
            let engine = &mut engines[n];
            engine.clear();
            let started = Instant::now();
            last[n] = engine.take(prompt)?;
            let prefilled = started.elapsed();
            for token in rest {
                last[n] = engine.take(std::slice::from_ref(token))?;
            }
            let decoded = started.elapsed() - prefilled;
            if round > 0 {
                times[0][n].push(prefilled.as_secs_f64());
                times[1][n].push(decoded.as_secs_f64());
            }
            engine.rest();
            std::thread::sleep(PAUSE);
        }
    }
    let error = difference(&last[0], &last[1])?;
    let header = ["threads", "what", engines[0].name(), engines[1].name(), "ratio"];
    let mut table = report::table(&header.map(String::from));
    let kinds = [("prefill", prompt.len()), ("decode", rest.len())];
    for ((kind, count), [ours, theirs]) in kinds.into_iter().zip(&times) {
        let rate = |times: &[f64]| format!("{:.1} tokens/s", count as f64 / stats::median(times));
        table.add_row([
            threads.to_string(),
            format!("{kind} of {count}"),
            rate(ours),
            rate(theirs),
            format!("{:.2}", Gain::of(theirs, ours).ratio),
        ]);
    }
    Ok(format!("{table}\n\nLogits differ by {error:.1e} (squared, of theirs squared).\n"))
}

/// Squared difference of logits in units of theirs squared.
fn difference(ours: &[f32], theirs: &[f32]) -> anyhow::Result<f64> {
    ensure!(ours.len() == theirs.len(), "{} logits beside {}", ours.len(), theirs.len());
    let square = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>();
    let both = ours.iter().zip(theirs);
    let wrong = square(&mut both.map(|(a, b)| f64::from(*a) - f64::from(*b)));
    Ok(wrong / square(&mut theirs.iter().map(|b| f64::from(*b))))
}
