//! Takes tensors out of a checkpoint, and remembers what was taken and what was wrong.
//!
//! An architecture asks for its tensors one after the other and always gets something. What is
//! wrong with a tensor is noted, and something empty stands in for it, so that the next can be
//! asked for, too; [`Loader::finish`] refuses a model that has such things in it.

use std::collections::BTreeSet;
use std::ops::Range;

use kernels::{Numerics, Plan, Problem, Profile, ProfileEntry, formats};
use tracing::warn;

use super::dequantize::to_f32;
use super::report::{Report, Treatment, Weight};
use super::{Keys, LoadError, LoadOptions, Override, TensorProblem};
use crate::attention::{Attention, AttentionConfig};
use crate::checkpoint::Checkpoint;
use crate::context::{Context, PlanError};
use crate::embedding::Embedding;
use crate::linear::{Linear, LinearError};
use crate::tensor::{AsTensor, Shape, Tensor};

/// A checkpoint that is being made a model.
pub(crate) struct Loader<'a> {
    checkpoint: &'a Checkpoint<'a>,
    keys: Keys<'a>,
    context: &'a Context,
    options: &'a LoadOptions,
    taken: BTreeSet<String>,
    problems: Vec<TensorProblem>,
    /// Of each override, whether it concerned any layer.
    overridden: Vec<bool>,
    /// Plans made so far: layers of the same shape share theirs. The second is which override
    /// they are under.
    plans: Vec<(Problem, Option<usize>, Plan)>,
    report: Report,
}

impl<'a> Loader<'a> {
    pub(crate) fn new(
        checkpoint: &'a Checkpoint<'a>,
        context: &'a Context,
        options: &'a LoadOptions,
    ) -> Result<Self, LoadError> {
        let keys = Keys::new(checkpoint.metadata())?;
        Ok(Self {
            checkpoint,
            keys,
            context,
            options,
            taken: BTreeSet::new(),
            problems: vec![],
            overridden: vec![false; options.overrides.len()],
            plans: vec![],
            report: Report::new(context),
        })
    }

    /// The architecture's metadata.
    pub(crate) fn keys(&self) -> Keys<'a> {
        self.keys
    }

    /// The options.
    pub(crate) fn options(&self) -> &'a LoadOptions {
        self.options
    }

    /// How many tensors the file has.
    pub(crate) fn tensors(&self) -> usize {
        self.checkpoint.tensors().len()
    }

    /// Rows or columns of the largest tensor.
    pub(crate) fn largest(&self) -> usize {
        let sides = |tensor: &Tensor| tensor.view().rows().max(tensor.view().depth());
        self.checkpoint.tensors().map(sides).max().unwrap_or(0)
    }

    /// Whether there is a tensor of that name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.checkpoint.tensor(name).is_some()
    }

    /// Rows of a tensor that must be there: how many there are is for the file to say.
    pub(crate) fn rows_of(&self, name: &str) -> usize {
        self.checkpoint.tensor(name).map_or(1, |tensor| tensor.view().rows())
    }

    /// A layer `(rows, depth)`: `NAME.weight` and, if there is one, `NAME.bias`.
    pub(crate) fn linear(&mut self, name: &str, rows: usize, depth: usize) -> Linear {
        let [linear] = self.fused(name, [rows], depth);
        linear
    }

    /// Layers whose weights `(rows, depth)` lie one after the other in `NAME.weight`, and so do
    /// their biases, if there are any, in `NAME.bias`.
    pub(crate) fn fused<const COUNT: usize>(
        &mut self,
        name: &str,
        rows: [usize; COUNT],
        depth: usize,
    ) -> [Linear; COUNT] {
        let all = rows.iter().sum();
        let weight = self.tensor(&format!("{name}.weight"), &[depth, all]);
        let bias = format!("{name}.bias");
        let bias = self.has(&bias).then(|| self.vector(&bias, all));
        let mut first = 0;
        rows.map(|rows| {
            let part = first..first + rows;
            first += rows;
            let bias = bias.as_ref().and_then(|bias| bias.get(part.clone())).map(Vec::from);
            self.wire(weight.as_ref(), part, bias)
        })
    }

    /// `count` layers `(rows, depth)`, one after the other in `NAME_exps.weight`; or each a tensor
    /// of its own, `NAME.0.weight` and so on, as in files of Mixtral from before there were stacks.
    pub(crate) fn stacked(
        &mut self,
        name: &str,
        count: usize,
        [rows, depth]: [usize; 2],
    ) -> Vec<Linear> {
        let stack = format!("{name}_exps");
        if !self.has(&format!("{stack}.weight")) && self.has(&format!("{name}.0.weight")) {
            // What is not there is not asked for as often as the metadata says.
            let some = count.min(self.tensors());
            return (0..some).map(|n| self.linear(&format!("{name}.{n}"), rows, depth)).collect();
        }
        let name = stack;
        let weight = self.tensor(&format!("{name}.weight"), &[depth, rows, count]);
        // What is not there is not asked for as often as the metadata says.
        let count = weight.as_ref().map_or(0, |_| count);
        (0..count).map(|n| self.wire(weight.as_ref(), n * rows..(n + 1) * rows, None)).collect()
    }

    /// Rows of vectors, to be looked up: `NAME.weight (rows, columns)`.
    pub(crate) fn embedding(&mut self, name: &str, rows: usize, columns: usize) -> Embedding {
        let tensor = self.tensor(&format!("{name}.weight"), &[columns, rows]);
        if let Some(tensor) = &tensor {
            self.note(Weight::new(tensor, 0, treatment(tensor), None));
        }
        Embedding::new(tensor.unwrap_or_else(stand_in))
    }

    /// `count` numbers.
    pub(crate) fn vector(&mut self, name: &str, count: usize) -> Vec<f32> {
        let Some(tensor) = self.tensor(name, &[count]) else { return vec![] };
        let view = tensor.view();
        let mut numbers = vec![0.0; count];
        if let Err(error) = view.format.dequantize(view.bytes, &mut numbers) {
            self.problems.push(TensorProblem::Unusable(format!("{name:?}: {error}")));
        }
        self.note(Weight::new(&tensor, 0, Treatment::Vector, None));
        numbers
    }

    /// The attention of a layer.
    pub(crate) fn attention(&mut self, config: AttentionConfig) -> Result<Attention, LoadError> {
        Ok(Attention::new(self.context, config)?)
    }

    fn tensor(&mut self, name: &str, dims: &[usize]) -> Option<Tensor> {
        self.taken.insert(name.to_owned());
        let need = || format!("{dims:?}");
        let Some(tensor) = self.checkpoint.tensor(name) else {
            self.problems.push(TensorProblem::Missing { name: name.to_owned(), need: need() });
            return None;
        };
        let shape = tensor.view().shape;
        if !same(&shape, dims) {
            let (name, have) = (name.to_owned(), shape.to_string());
            self.problems.push(TensorProblem::Shape { name, have, need: need() });
            return None;
        }
        Some(tensor.clone())
    }

    /// The layer of some rows of a weight.
    fn wire(
        &mut self,
        weight: Option<&Tensor>,
        rows: Range<usize>,
        bias: Option<Vec<f32>>,
    ) -> Linear {
        let linear = weight.and_then(|weight| match self.multiplier(weight, rows, bias) {
            Ok(linear) => Some(linear),
            Err(error) => {
                self.problems.push(TensorProblem::Unusable(error));
                None
            }
        });
        linear.unwrap_or_else(|| {
            Linear::new(self.context, stand_in(), None, Numerics::F32).expect("any kernel takes it")
        })
    }

    /// [`Loader::wire`], as the options want it.
    fn multiplier(
        &mut self,
        whole: &Tensor,
        rows: Range<usize>,
        bias: Option<Vec<f32>>,
    ) -> Result<Linear, String> {
        let first = rows.start;
        let weight = whole.rows(rows);
        let (name, format) = (weight.view().name, weight.view().format);
        let options = self.options;
        let exception = options.overrides.iter().position(|o| o.tensors.is_match(name));
        exception.inspect(|n| self.overridden[*n] = true);
        let is_float = format.name == "F32";
        if options.preserve_quantization || is_float {
            match self.plan(&weight, exception) {
                Ok(plan) => {
                    let kept = treatment(&weight);
                    self.note(Weight::new(&weight, first, kept, Some(&plan)));
                    let linear = Linear::with_plan(weight, bias, plan);
                    return linear.map_err(|error| error.to_string());
                }
                Err(error) if is_float => return Err(error.to_string()),
                Err(error) => self.warn(format!("{error}; it is dequantized to f32")),
            }
        }
        let decoded = to_f32(&weight, self.context.pool());
        let decoded = decoded.map_err(|error| format!("{name:?}: {error}"))?;
        let plan = self.plan(&decoded, exception).map_err(|error| error.to_string())?;
        self.note(Weight::new(&weight, first, Treatment::Dequantized, Some(&plan)));
        Linear::with_plan(decoded, bias, plan).map_err(|error| error.to_string())
    }

    /// The plan for a weight, under an override if one is given.
    fn plan(&mut self, weight: &Tensor, exception: Option<usize>) -> Result<Plan, LinearError> {
        let view = weight.view();
        let exceptions = exception.map(|n| &self.options.overrides[n]);
        let class = exceptions.and_then(|o| o.activations).unwrap_or(self.options.activations);
        let problem =
            Problem { format: view.format, rows: view.rows(), depth: view.depth(), class };
        let known = self.plans.iter().find(|known| known.0 == problem && known.1 == exception);
        if let Some((_, _, plan)) = known {
            return Ok(plan.clone());
        }
        let plan = match exceptions {
            Some(exceptions) => plan_under(self.context, problem, exceptions),
            None => self.context.plan(problem),
        };
        let tensor = || view.name.to_owned();
        let plan = plan.map_err(|source| LinearError::Plan { tensor: tensor(), source })?;
        self.plans.push((problem, exception, plan.clone()));
        Ok(plan)
    }

    fn note(&mut self, weight: Weight) {
        self.report.weights.push(weight);
    }

    /// Logs a warning and keeps it for the report.
    pub(super) fn warn(&mut self, warning: String) {
        warn!("{warning}");
        self.report.warnings.push(warning);
    }

    /// What was done, if nothing was wrong.
    pub(crate) fn finish(mut self) -> Result<Report, LoadError> {
        for warning in self.checkpoint.warnings() {
            self.warn(warning.clone());
        }
        // Types that this build does not know are the likely reason why a tensor is missing.
        let unusable = self.checkpoint.unsupported().iter().cloned();
        self.problems.extend(unusable.map(TensorProblem::Unusable));
        let names = self.checkpoint.tensors().map(|tensor| tensor.view().name.to_owned());
        let extra = names.filter(|name| !self.taken.contains(name));
        self.problems.extend(extra.map(|name| TensorProblem::Extra { name }));
        if !self.problems.is_empty() {
            let (architecture, problems) = (self.keys.architecture().to_owned(), self.problems);
            return Err(LoadError::Tensors { architecture, problems });
        }
        for (n, exception) in self.options.overrides.iter().enumerate() {
            if !self.overridden[n] {
                self.warn(format!("no Linear layer is called {}", exception.tensors));
            }
        }
        Ok(self.report)
    }
}

/// A plan with the instruction set and knobs of an override.
fn plan_under(
    context: &Context,
    problem: Problem,
    exceptions: &Override,
) -> Result<Plan, PlanError> {
    let plan = context.plan_on(problem, exceptions.isa)?;
    if exceptions.settings.is_empty() {
        return Ok(plan);
    }
    let mut params = *plan.params();
    exceptions.settings.iter().for_each(|setting| setting.apply(&mut params));
    let entry = ProfileEntry {
        format: problem.format.name.to_owned(),
        code_hash: problem.format.kernel_hash(),
        class: problem.class,
        isa: plan.isa().name.to_owned(),
        threads: context.pool().threads(),
        rows: problem.rows,
        depth: problem.depth,
        params,
    };
    let name = format!("override {}", exceptions.tensors);
    context.choose(problem, Some(&Profile { name, entries: vec![entry] }), Some(plan.isa()))
}

/// What is done with a tensor that stays as it is.
fn treatment(tensor: &Tensor) -> Treatment {
    if tensor.is_in_place() { Treatment::Mapped } else { Treatment::Read }
}

/// Whether a shape is `dims`, but for dimensions of 1 at the end.
fn same(shape: &Shape, dims: &[usize]) -> bool {
    let longest = shape.rank().max(dims.len());
    let at = |dims: &[usize], n: usize| dims.get(n).copied().unwrap_or(1);
    (0..longest).all(|n| at(shape.dims(), n) == at(dims, n))
}

/// Stands for a tensor that is wrong or missing, in a model that will not be made.
fn stand_in() -> Tensor {
    let f32 = formats::by_name("F32").expect("every build has it");
    let shape = Shape::new(&[1]).expect("one number is a shape");
    Tensor::in_memory("", f32, shape, [0; 4]).expect("one number has 4 bytes")
}
