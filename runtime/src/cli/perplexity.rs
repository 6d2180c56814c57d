//! `perplexity`: how surprised a model is by a text, and how its logits differ from another's.

mod divergence;
mod npy;

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use runtime::perplexity::{Window, perplexity};
use runtime::tokenizer::Special;

use super::interrupt::Interrupt;
use super::loading::Loading;
use divergence::Divergence;

/// Tokens of a window where nothing else is said, as far as the model goes along.
const CONTEXT: usize = 512;

/// Tell how surprised a model is by a text: the lower, the better it knows such texts.
///
/// The whole text is turned into tokens and cut into windows without overlap, without a token for
/// the beginning. In each window every token but the first is predicted. The perplexity is the
/// exponential of the mean negative log-likelihood over all windows; tokens that do not fill the
/// last window do not count.
///
/// What a type of weights costs is seen best with --kl: save the logits of the original model, and
/// compare those of the quantized one.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  runtime perplexity model.gguf text.txt --context 512
  runtime perplexity model.f16.gguf text.txt --windows 20 --save-logits f16.npy
  runtime perplexity model.q4_k.gguf text.txt --windows 20 --kl f16.npy")]
pub(crate) struct Args {
    /// The model file.
    model: PathBuf,
    /// A text file.
    text: PathBuf,
    /// Tokens of a window; 512 by default, or what the model was trained for if that is less.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..))]
    context: Option<u32>,
    /// Take the first N windows only.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    windows: Option<u32>,
    /// Write the logits of all positions of all windows to a file for NumPy: f32, (positions,
    /// vocabulary).
    #[arg(long, value_name = "F.npy")]
    save_logits: Option<PathBuf>,
    /// Compare with the logits in such a file: mean Kullback-Leibler divergence from its
    /// probabilities to those of this model, at the positions that are predicted.
    #[arg(long, value_name = "F.npy")]
    kl: Option<PathBuf>,
    #[command(flatten)]
    loading: Loading,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<String> {
    let text = super::read_text(&args.text)?;
    let loaded = args.loading.load(&args.model, args.context)?;
    let tokenizer = loaded.tokenizer().with_context(|| args.model.display().to_string())?;
    let ids = tokenizer.encode(&text, Special::Omit)?;
    if ids.len() < 2 {
        bail!("{}: {} tokens; there is nothing to predict", args.text.display(), ids.len());
    }
    let sizes = loaded.model.sizes();
    let context = args.context.map_or(CONTEXT.min(sizes.context), |tokens| tokens as usize);
    let context = context.min(ids.len());
    let windows = args.windows.map_or(usize::MAX, |windows| windows as usize);
    let windows = windows.min(ids.len() / context);

    let shape = [windows * context, sizes.vocabulary];
    let save = args.save_logits.as_deref();
    let mut save = save.map(|path| npy::Writer::create(path, shape)).transpose()?;
    let mut compare = args.kl.as_deref().map(|path| Comparison::open(path, shape)).transpose()?;
    let progress = bar(windows);
    let interrupt = Interrupt::new()?;
    let each = |window: Window<'_>| {
        // So that no part of a file is left behind.
        ensure!(!interrupt.came(), "interrupted");
        if let Some(save) = &mut save {
            save.write(window.logits.data())?;
        }
        if let Some(compare) = &mut compare {
            compare.add(&window)?;
        }
        progress.inc(1);
        progress.set_message(format!("perplexity {:.4}", window.so_far.value()));
        Ok(())
    };
    let ids = &ids[..windows * context];
    let all = interrupt.watch(|| perplexity(&loaded.model, ids, context, each))?;
    progress.finish_and_clear();
    if let Some(save) = save {
        save.finish()?;
    }
    let mut out = format!("perplexity: {:.6}\n", all.value());
    if let Some(Comparison { divergence, .. }) = compare {
        let (mean, largest) = (divergence.mean(), divergence.largest());
        writeln!(out, "mean KL divergence: {mean:.6} nats, at most {largest:.6}")?;
        writeln!(out, "same most likely token: {:.3} %", divergence.same_best())?;
    }
    Ok(out)
}

/// Logits of another model on the same text.
struct Comparison {
    reader: npy::Reader,
    reference: Vec<f32>,
    divergence: Divergence,
}

impl Comparison {
    fn open(path: &Path, shape: [usize; 2]) -> anyhow::Result<Self> {
        let reader = npy::Reader::open(path)?;
        ensure!(
            reader.shape == shape,
            "{}: logits of {} positions by {} tokens, but the model and the text make {} by {}; \
             save them with the same text, --context and --windows",
            path.display(),
            reader.shape[0],
            reader.shape[1],
            shape[0],
            shape[1],
        );
        Ok(Self { reader, reference: vec![], divergence: Divergence::default() })
    }

    fn add(&mut self, window: &Window<'_>) -> anyhow::Result<()> {
        self.reference.resize(window.logits.data().len(), 0.0);
        self.reader.read(&mut self.reference)?;
        // What comes after the last is not predicted.
        self.divergence.add(window.logits, window.ids.len() - 1, &self.reference);
        Ok(())
    }
}

/// Hidden by indicatif itself if standard error is no terminal.
fn bar(windows: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} windows, {eta} left, {msg}");
    let bar = ProgressBar::new(windows as u64);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
