//! What was done with a model's weights: numbers that are true, and why.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
use kernels::{Plan, Source};
use tracing::info;

use crate::context::Context;
use crate::tensor::{AsTensor, Tensor};
use crate::units::size;

/// What was done with a model's weights.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// An entry for each use of a tensor, in the order in which the model took them. A table of
    /// tokens that is the output head, too, has two.
    pub weights: Vec<Weight>,
    /// What was not as it should be, one line each. It has been logged.
    pub warnings: Vec<String>,
    /// Bytes of the files.
    pub file_bytes: usize,
    /// How long it took.
    pub time: Duration,
    /// The profile that plans came from, if there was one.
    profile: Option<String>,
}

/// What was done with a tensor.
#[derive(Clone, Debug)]
pub struct Weight {
    /// The tensor.
    pub name: String,
    /// The first of its rows that are used so; all of them, unless weights are stored as one.
    pub row: usize,
    /// Its format in the file.
    pub format: &'static str,
    /// Elements that are used so.
    pub elements: usize,
    /// Their bytes in the file.
    pub bytes: usize,
    /// What was done.
    pub treatment: Treatment,
    /// The plan, if it is multiplied with.
    pub plan: Option<Plan>,
    quantized: bool,
}

/// What is done with a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// Used as it lies in the mapped file.
    Mapped,
    /// Used as the file has it, but read to memory.
    Read,
    /// Decoded to `f32` in memory.
    Dequantized,
    /// A vector, decoded to `f32` in memory.
    Vector,
}

impl Weight {
    pub(super) fn new(
        tensor: &Tensor,
        row: usize,
        treatment: Treatment,
        plan: Option<&Plan>,
    ) -> Self {
        let view = tensor.view();
        Self {
            name: view.name.to_owned(),
            row,
            format: view.format.name,
            elements: view.shape.elements(),
            bytes: view.bytes.len(),
            treatment,
            plan: plan.cloned(),
            quantized: view.format.block_len > 1,
        }
    }

    fn is_kept(&self) -> bool {
        matches!(self.treatment, Treatment::Mapped | Treatment::Read)
    }

    /// Bytes as `f32`.
    fn floats(&self) -> usize {
        4 * self.elements
    }
}

impl Report {
    pub(super) fn new(context: &Context) -> Self {
        let profile = context.profile().map(|profile| profile.name.clone());
        Self { profile, ..Self::default() }
    }

    /// How many tensors there are.
    #[must_use]
    pub fn tensors(&self) -> usize {
        self.weights.iter().map(|weight| &weight.name).collect::<BTreeSet<_>>().len()
    }

    /// Weights that are used where the file is mapped, in bytes.
    #[must_use]
    pub fn mapped_bytes(&self) -> usize {
        self.once(|weight| weight.treatment == Treatment::Mapped, |weight| weight.bytes)
    }

    /// Memory that weights take besides what is mapped, in bytes.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.once(|weight| weight.treatment == Treatment::Read, |weight| weight.bytes)
            + self.once(|weight| !weight.is_kept(), Weight::floats)
    }

    /// What all weights would take as `f32`, in bytes.
    #[must_use]
    pub fn float_bytes(&self) -> usize {
        self.once(|_| true, Weight::floats)
    }

    /// How many times smaller the weights are than as `f32`.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.float_bytes() as f64 / (self.mapped_bytes() + self.memory_bytes()).max(1) as f64
    }

    /// The sum over some weights, each once.
    fn once(&self, which: impl Fn(&Weight) -> bool, bytes: impl Fn(&Weight) -> usize) -> usize {
        let mut seen = BTreeSet::new();
        let weights = self.weights.iter().filter(|weight| which(weight));
        weights.filter(|weight| seen.insert((&weight.name, weight.row))).map(bytes).sum()
    }

    /// One line each about tensors, bytes and kernels.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let count = |which: &dyn Fn(&Weight) -> bool| {
            let weights = self.weights.iter().filter(|weight| which(weight));
            weights.map(|weight| &weight.name).collect::<BTreeSet<_>>().len()
        };
        let quantized = count(&|weight| weight.is_kept() && weight.quantized);
        let dequantized = count(&|weight| weight.treatment == Treatment::Dequantized);
        let floats = self.tensors() - quantized - dequantized;
        let half = count(&|weight| weight.is_kept() && matches!(weight.format, "F16" | "BF16"));
        let mut tensors = format!(
            "{} tensors: {quantized} quantized kept, {dequantized} dequantized, {} f32",
            self.tensors(),
            floats - half,
        );
        if half > 0 {
            tensors += &format!(", {half} f16 or bf16");
        }
        let bytes = |bytes: usize| size(bytes as u64);
        let weights = format!(
            "weights {} in the file, {} mapped, {} in memory, {} as f32 ({:.1}x smaller)",
            bytes(self.once(|_| true, |weight| weight.bytes)),
            bytes(self.mapped_bytes()),
            bytes(self.memory_bytes()),
            bytes(self.float_bytes()),
            self.ratio(),
        );
        let plans = || self.weights.iter().filter_map(|weight| weight.plan.as_ref());
        let of = |which: fn(&Source) -> bool| plans().filter(|plan| which(plan.source())).count();
        let profile = self.profile.as_ref().map(|name| format!(" ({name})"));
        let kernels = format!(
            "kernels: {} tuned{}, {} tuned for a shape near, {} default",
            of(|source| matches!(source, Source::Tuned { .. })),
            profile.unwrap_or_default(),
            of(|source| matches!(source, Source::Nearest { .. })),
            of(|source| matches!(source, Source::Default | Source::Given)),
        );
        vec![tensors, weights, kernels]
    }

    /// A table of the layers, those of the same name in different blocks together: their weights,
    /// the kernels that multiply with them, and why those.
    #[must_use]
    pub fn explain(&self) -> String {
        let mut rows: Vec<(String, Vec<&Weight>)> = vec![];
        let mut places = BTreeMap::new();
        for weight in &self.weights {
            let Some(plan) = &weight.plan else { continue };
            let key = (blocks_alike(&weight.name), plan.explain(), weight.treatment as u8);
            let place = *places.entry(key.clone()).or_insert_with(|| {
                rows.push((key.0, vec![]));
                rows.len() - 1
            });
            rows[place].1.push(weight);
        }
        let mut table = Table::new();
        table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
        table.set_header(["tensor", "count", "format", "N x K", "one row", "many rows", "why"]);
        for (name, weights) in rows {
            let Some(plan) = &weights[0].plan else { continue };
            let problem = plan.problem();
            let class = match plan.class() == problem.class {
                true => String::new(),
                false => format!("; {} has no {} kernels", problem.format.name, problem.class),
            };
            let source = match plan.source() {
                Source::Default => "default".to_owned(),
                Source::Tuned { .. } => "tuned".to_owned(),
                Source::Nearest { rows, depth, .. } => format!("tuned for {rows} x {depth}"),
                Source::Given => "given".to_owned(),
            };
            let decoded = match weights[0].treatment {
                Treatment::Dequantized => "; dequantized",
                _ => "",
            };
            table.add_row([
                name,
                weights.len().to_string(),
                weights[0].format.to_owned(),
                format!("{} x {}", problem.rows, problem.depth),
                plan.kernel(1).name.to_owned(),
                plan.kernel(usize::MAX).name.to_owned(),
                format!("{source}{class}{decoded}"),
            ]);
        }
        if let Some(counts) = table.column_mut(1) {
            counts.set_cell_alignment(CellAlignment::Right);
        }
        table.to_string()
    }

    pub(super) fn log(&self) {
        self.lines().iter().for_each(|line| info!("{line}"));
        info!("loaded in {:.1} ms", 1e3 * self.time.as_secs_f64());
    }
}

/// `blk.17.attn_q.weight` as `blk.*.attn_q.weight`.
fn blocks_alike(name: &str) -> String {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let parts: Vec<_> =
        name.split('.').map(|part| if is_number(part) { "*" } else { part }).collect();
    parts.join(".")
}
