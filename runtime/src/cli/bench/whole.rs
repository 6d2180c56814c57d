//! The whole model: how fast it reads and writes, next to its Linear layers alone, what it takes
//! to load, and in memory.
//!
//! "Alone" is all products of a pass, one after the other, with the same plans and the same weights
//! in the same file, on activations that do not matter. Both take turns, as everything that is
//! compared here, so that a noisy machine is as noisy for one as for the other.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use runtime::linear::{LinearError, forward_many};
use runtime::load::{Report, Treatment};
use runtime::units::size;
use runtime::{Checkpoint, Context, Files, Linear, LoadOptions, Loaded, Session, Tensor, load};
use serde::Serialize;

use super::{memory, ring, time, work};

/// Tokens before those that are written while the clock runs, and those.
const BEFORE: usize = 16;
const WRITTEN: usize = 64;

/// What was measured.
#[derive(Serialize)]
pub(crate) struct Whole {
    load_ms: f64,
    file_bytes: u64,
    cache_bytes: u64,
    /// The most memory that was resident after loading, reading and writing.
    peak_bytes: Option<u64>,
    prefill: Speed,
    decode: Speed,
    dequantized: Option<Dequantized>,
    weight_bytes: usize,
    /// What the loader says.
    report: Vec<String>,
    #[serde(skip)]
    explanation: String,
}

/// How fast tokens go through.
#[derive(Serialize)]
struct Speed {
    /// Tokens at a time.
    tokens: usize,
    /// Time of so many.
    ns: f64,
    /// Time of the Linear layers alone.
    linear_ns: Option<f64>,
}

/// The same model with weights decoded to `f32`.
#[derive(Serialize)]
struct Dequantized {
    load_ms: f64,
    weight_bytes: usize,
    decode: Speed,
}

/// Loads a model and measures it. `tokens` is how many a prompt has, at most.
pub(crate) fn measure(
    path: &Path,
    options: &LoadOptions,
    tokens: usize,
    budget: Duration,
) -> anyhow::Result<Whole> {
    // The first load may have to wait for the disk.
    drop(load(path, options)?);
    let loaded = load(path, options)?;
    let mut run = Run::new(&loaded, tokens)?;
    // Before the layers are opened for themselves: a second map would count twice.
    let (peak_bytes, cache_bytes) = (memory::peak(), run.session.cache_bytes() as u64);
    let files = Files::open(path, options.access)?;
    run.layers = Layers::new(&loaded.report, &Checkpoint::parse(&files)?)?;
    Ok(Whole {
        load_ms: 1e3 * loaded.report.time.as_secs_f64(),
        file_bytes: loaded.report.file_bytes as u64,
        cache_bytes,
        peak_bytes,
        prefill: run.prefill(budget / 2)?,
        decode: run.decode(budget / 2)?,
        dequantized: None,
        weight_bytes: loaded.report.mapped_bytes() + loaded.report.memory_bytes(),
        report: loaded.report.lines(),
        explanation: loaded.report.explain(),
    })
}

impl Whole {
    /// Measures the model once more, with options that decode its weights.
    pub(crate) fn compare(
        &mut self,
        path: &Path,
        options: &LoadOptions,
        budget: Duration,
    ) -> anyhow::Result<()> {
        let loaded = load(path, options)?;
        self.dequantized = Some(Dequantized {
            load_ms: 1e3 * loaded.report.time.as_secs_f64(),
            weight_bytes: loaded.report.mapped_bytes() + loaded.report.memory_bytes(),
            decode: Run::new(&loaded, BEFORE)?.decode(budget)?,
        });
        Ok(())
    }

    /// The table of layers and kernels.
    pub(crate) fn explanation(&self) -> &str {
        &self.explanation
    }

    /// What may be resident (containers' contract): the file and a tenth, the cache, and 64 MiB.
    fn allowed_bytes(&self) -> u64 {
        self.file_bytes + self.file_bytes / 10 + self.cache_bytes + (64 << 20)
    }
}

impl Speed {
    fn rate(&self) -> f64 {
        1e9 * self.tokens as f64 / self.ns
    }
}

impl fmt::Display for Whole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "whole model, loaded in {:.1} ms with a warm page cache", self.load_ms)?;
        for line in &self.report {
            writeln!(f, "  {line}")?;
        }
        writeln!(f, "  prefill of {} tokens: {}", self.prefill.tokens, self.prefill)?;
        writeln!(f, "  decode after {BEFORE} tokens: {}", self.decode)?;
        if let Some(peak) = self.peak_bytes {
            let allowed = self.allowed_bytes();
            let verdict = if peak <= allowed { "within" } else { "ABOVE" };
            writeln!(
                f,
                "  peak memory {}, {verdict} the bound of {}: file + 10 %, {} of cache, 64 MiB",
                size(peak),
                size(allowed),
                size(self.cache_bytes),
            )?;
        }
        let Some(other) = &self.dequantized else { return Ok(()) };
        writeln!(
            f,
            "  decoded to f32: loaded in {:.1} ms, decode {}; as the file has it the model is {:.2}x \
             as fast and {:.2}x smaller",
            other.load_ms,
            other.decode,
            other.decode.ns / self.decode.ns,
            other.weight_bytes as f64 / self.weight_bytes as f64,
        )
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} tokens/s", self.rate())?;
        let Some(linear) = self.linear_ns else { return Ok(()) };
        let alone = 1e9 * self.tokens as f64 / linear;
        write!(f, ", {:.1} % of its Linear layers alone ({alone:.2})", 100.0 * linear / self.ns)
    }
}

/// A model that is being measured.
struct Run {
    session: Session,
    prompt: Vec<u32>,
    /// None if they are not what the model multiplies with.
    layers: Option<Layers>,
}

impl Run {
    /// Reads a prompt and writes a token, so that everything is in memory.
    fn new(loaded: &Loaded, tokens: usize) -> anyhow::Result<Self> {
        let sizes = loaded.model.sizes();
        let ids = (0..tokens.min(sizes.context - 1)).map(|n| (7 * n + 1) % sizes.vocabulary);
        let prompt: Vec<u32> = ids.map(|id| id as u32).collect();
        let mut session = loaded.model.session();
        session.forward(&prompt)?;
        session.forward(&prompt[..1])?;
        Ok(Self { session, prompt, layers: None })
    }

    fn prefill(&mut self, budget: Duration) -> anyhow::Result<Speed> {
        let rows = self.prompt.len();
        self.interleave(budget, rows, |session, prompt| {
            session.truncate(0, 0);
            time::once(|| drop(session.forward(prompt).map(<[f32]>::len)))
        })
    }

    fn decode(&mut self, budget: Duration) -> anyhow::Result<Speed> {
        let before = BEFORE.min(self.prompt.len());
        let last = self.session.model().sizes().context.min(before + WRITTEN);
        self.session.truncate(0, before);
        self.interleave(budget, 1, |session, prompt| {
            if session.len(0) >= last {
                session.truncate(0, before);
            }
            time::once(|| drop(session.forward(&prompt[..1]).map(<[f32]>::len)))
        })
    }

    /// Times a pass of so many rows, in turns with the Linear layers alone.
    fn interleave(
        &mut self,
        budget: Duration,
        rows: usize,
        mut pass: impl FnMut(&mut Session, &[u32]) -> Duration,
    ) -> anyhow::Result<Speed> {
        let Self { session, prompt, layers } = self;
        let context = session.model().context().clone();
        if let Some(layers) = layers {
            layers.run(&context, rows)?;
        }
        let things = 1 + usize::from(layers.is_some());
        let times = time::interleaved(things, budget, |thing| match (thing, &mut *layers) {
            (1, Some(layers)) => time::once(|| {
                layers.run(&context, rows).expect("products that were computed before");
            }),
            _ => pass(session, prompt),
        });
        Ok(Speed { tokens: rows, ns: times[0].ns, linear_ns: times.get(1).map(|times| times.ns) })
    }
}

/// The Linear layers of a model, by what is multiplied with the same activations.
struct Layers {
    groups: Vec<Vec<Linear<Tensor>>>,
    x: Vec<f32>,
    outs: Vec<Vec<f32>>,
}

impl Layers {
    /// The layers that a report tells of, if they are used as the files have them and by all
    /// tokens.
    fn new(report: &Report, checkpoint: &Checkpoint<'_>) -> anyhow::Result<Option<Self>> {
        let mut groups: Vec<Vec<Linear<Tensor>>> = vec![];
        let mut last = None;
        for weight in &report.weights {
            let Some(plan) = &weight.plan else { continue };
            if weight.treatment == Treatment::Dequantized || weight.name.contains("_exps.") {
                return Ok(None);
            }
            let tensor = checkpoint.tensor(&weight.name).context("the file has changed")?;
            let tensor = tensor.rows(weight.row..weight.row + plan.problem().rows);
            let linear = Linear::with_plan(tensor, None, plan.clone())?;
            let together = together(work::role(&weight.name));
            match groups.last_mut() {
                Some(group) if together.is_some() && together == last => group.push(linear),
                _ => groups.push(vec![linear]),
            }
            last = together;
        }
        Ok(Some(Self { groups, x: vec![], outs: vec![] }))
    }

    /// All products of a pass of so many rows, of which the last is asked for.
    fn run(&mut self, context: &Context, rows: usize) -> Result<(), LinearError> {
        for group in &self.groups {
            let is_head = matches!(work::role(group[0].weight().name), "output" | "token_embd");
            let rows = if is_head { 1 } else { rows };
            let need = rows * group[0].weight().depth();
            if self.x.len() < need {
                self.x = ring::activations(need);
            }
            self.outs.resize_with(self.outs.len().max(group.len()), Vec::new);
            let mut outs: Vec<&mut [f32]> = vec![];
            for (layer, out) in group.iter().zip(&mut self.outs) {
                let need = rows * layer.weight().rows();
                if out.len() < need {
                    out.resize(need, 0.0);
                }
                outs.push(&mut out[..need]);
            }
            let layers: Vec<&Linear<Tensor>> = group.iter().collect();
            forward_many(context, &layers, &self.x[..need], rows, &mut outs)?;
        }
        Ok(())
    }
}

/// A name for layers that a model multiplies with the same activations.
fn together(role: &str) -> Option<&'static str> {
    match role {
        "attn_q" | "attn_k" | "attn_v" | "attn_qkv" => Some("projections"),
        "ffn_gate" | "ffn_up" => Some("feed-forward"),
        _ => None,
    }
}
