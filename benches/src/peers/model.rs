//! Whole models: tokens a second of prefill and decode, both engines on the same file.
//!
//! Tokens are random ones of the vocabulary, the same for both: what they are does not change what
//! is computed. A round clears both engines' caches; each then takes the prompt at once (prefill)
//! and further tokens one by one (decode), and computes logits after each. Engines take turns, in
//! random order, as layers do.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use runtime::{LoadOptions, Session, context, load, model};
use tuning::rng::Rng;
use tuning::stats::{self, Gain};

use crate::cli::Model;
use crate::ggml::{self, Ggml, Llama};
use crate::interrupt::Interrupt;
use crate::results::in_words;
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

/// Measures and reports. Whether all that was asked for is measured.
pub(crate) fn run(args: &Model) -> anyhow::Result<bool> {
    ensure!(tiles::work()?, tiles::REMEDY);
    let interrupt = Interrupt::listen()?;
    let mut text = String::new();
    let (mut outcome, mut whole) = (Ok(()), true);
    'all: for file in &args.files {
        let name = file.display().to_string();
        let _ = writeln!(text, "`{name}`, {}\n", ggml::version());
        for threads in args.threads() {
            match measure(args, file, threads, &interrupt).with_context(|| name.clone()) {
                Ok(found) => text += &found,
                Err(error) => {
                    outcome = Err(error);
                    break 'all;
                }
            }
            if interrupt.came() {
                whole = false;
                break 'all;
            }
        }
    }
    // What was measured before something failed is worth telling, too.
    println!("{text}");
    if let Some(path) = &args.markdown {
        std::fs::write(path, text).with_context(|| path.display().to_string())?;
    }
    outcome.map(|()| whole)
}

/// How many tokens at once, and one by one: what was asked for, or what a model has room for.
fn sizes(args: &Model, room: usize) -> anyhow::Result<(usize, usize)> {
    /// Usually.
    const PROMPT: usize = 512;
    /// Usually.
    const TOKENS: usize = 64;
    let tokens = args.tokens.unwrap_or(TOKENS.min(room / 4)).max(1);
    let prompt = args.prompt.unwrap_or(PROMPT.min(room.saturating_sub(tokens))).max(1);
    ensure!(
        prompt + tokens <= room,
        "it has room for {room} tokens; --prompt {prompt} --tokens {tokens} are {}",
        prompt + tokens
    );
    Ok((prompt, tokens))
}

fn measure(
    args: &Model,
    file: &Path,
    threads: usize,
    interrupt: &Interrupt,
) -> anyhow::Result<String> {
    let options = context::Options { threads, ..context::Options::default() };
    let context = Some(Arc::new(runtime::Context::new(options)?));
    let loaded = load(file, &LoadOptions { context, ..LoadOptions::default() })?;
    let model::Sizes { vocabulary, context: room, .. } = loaded.model.sizes();
    let (prompt, tokens) = sizes(args, room)?;
    let ggml = Ggml::new(threads)?;
    let llama = Llama::load(&ggml, file, threads, prompt + tokens)?;
    let mut engines: [Box<dyn Engine + '_>; 2] =
        [Box::new(Ours(loaded.model.session())), Box::new(llama)];

    let mut rng = Rng::new(args.seed);
    let tokens: Vec<u32> = (0..prompt + tokens).map(|_| rng.below(vocabulary) as u32).collect();
    let (prompt, rest) = tokens.split_at(prompt);
    let mut last: [Vec<f32>; 2] = [vec![], vec![]];
    // Seconds of each round: prefill and decode of each engine.
    let mut times: [[Vec<f64>; 2]; 2] = Default::default();
    let mut order = [0, 1];
    let bar = ProgressBar::new(u64::from(args.rounds) + 1)
        .with_style(ProgressStyle::with_template("{msg} {bar:30} {pos}/{len} rounds, {eta} left")?)
        .with_message(format!("{}, {}", file.display(), in_words(threads)));
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
        bar.inc(1);
        if interrupt.came() {
            break;
        }
    }
    bar.finish_and_clear();
    if times[0][0].is_empty() {
        return Ok(format!("{}: ended before a round was measured\n\n", in_words(threads)));
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
    Ok(format!("{table}\n\nLogits differ by {error:.1e} (squared, of theirs squared).\n\n"))
}

/// Squared difference of logits in units of theirs squared.
fn difference(ours: &[f32], theirs: &[f32]) -> anyhow::Result<f64> {
    ensure!(ours.len() == theirs.len(), "{} logits beside {}", ours.len(), theirs.len());
    let square = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>();
    let both = ours.iter().zip(theirs);
    let wrong = square(&mut both.map(|(a, b)| f64::from(*a) - f64::from(*b)));
    Ok(wrong / square(&mut theirs.iter().map(|b| f64::from(*b))))
}
