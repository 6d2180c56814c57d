//! A plan: the kernels and knobs that multiply with one weight matrix, resolved once.

use crate::format::{FormatInfo, ShapeError};
use crate::isa::{self, IsaInfo, UnknownIsa};
use crate::kernel::{Entry, Kernel, Numerics, Ready};
use crate::params::Params;
use crate::profile::Profile;

/// What is to be multiplied: a weight matrix `(rows, depth)` of a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Of the weights.
    pub format: &'static FormatInfo,
    /// Rows of the weight matrix (N), the features that come out.
    pub rows: usize,
    /// Columns of the weight matrix (K), the features that go in.
    pub depth: usize,
    /// How activations enter.
    pub class: Numerics,
}

impl Problem {
    /// The class that is computed in on an instruction set: the one asked for, if the format has
    /// kernels of it. Weights without integer kernels need no quants: those of bfloat16 take
    /// activations of bfloat16, where the CPU multiplies it, and are exact; others take `f32`.
    #[must_use]
    pub fn class_on(&self, isa: &IsaInfo) -> Numerics {
        let mut kernels = self.format.kernels.iter().filter(|kernel| kernel.isa == isa);
        let multiplies_bf16 = || isa.multiplies_bf16() && self.format.is_bf16();
        match self.class.quantizes() && kernels.all(|kernel| kernel.class != Numerics::Q8) {
            false => self.class,
            true if multiplies_bf16() => Numerics::Bf16,
            true => Numerics::F32,
        }
    }
}

/// What a plan is chosen with.
#[derive(Clone, Debug, Default)]
pub struct Selection<'a> {
    /// Tuned choices, if there are any.
    pub profile: Option<&'a Profile>,
    /// Threads of the pool that will run the plan.
    pub threads: usize,
    /// Only this instruction set. Without, the profile's, `TILEWRIGHT_ISA`, or the best.
    pub isa: Option<&'static IsaInfo>,
    /// What a row's result may depend on.
    pub batching: Batching,
}

/// What a row's result may depend on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Batching {
    /// The row itself, and in its last bits the batch that it is part of: large batches take
    /// `gemm`, which adds in another order than `gemv`. On tile registers large batches are not
    /// quantized, which shows in more than the last bits, and is nearer to the exact product.
    #[default]
    Fast,
    /// The row alone, bit for bit: every batch takes `gemv`, whose sums are the same whatever the
    /// tile, the number of threads and the other knobs. Prefill is as slow as that.
    Invariant,
}

/// Who chose the knobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody: the defaults.
    Default,
    /// The tuner, for this shape.
    Tuned {
        /// The profile's name.
        profile: String,
    },
    /// The tuner, for a shape near this one.
    Nearest {
        /// The profile's name.
        profile: String,
        /// The shape that was tuned.
        rows: usize,
        /// The shape that was tuned.
        depth: usize,
    },
    /// The caller.
    Given,
}

/// The kernels and knobs for one weight matrix.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(crate) problem: Problem,
    pub(crate) params: Params,
    pub(crate) class: Numerics,
    /// By number of columns, ascending; the first has one.
    pub(crate) gemv: Vec<Ready>,
    pub(crate) gemm: Ready,
    /// `gemm` on tile registers, for large batches where quantizing was asked for.
    tiles: Option<Ready>,
    isa: &'static IsaInfo,
    source: Source,
    batching: Batching,
}

/// A plan cannot be made.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PlanError {
    /// The matrix is not whole blocks.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// `TILEWRIGHT_ISA` names no usable instruction set.
    #[error("TILEWRIGHT_ISA: {0}")]
    Isa(#[from] UnknownIsa),
    /// The instruction set is not this CPU's.
    #[error("no kernels of {format} run on {isa} here")]
    NoKernels {
        /// Of the weights.
        format: &'static str,
        /// That was asked for.
        isa: &'static str,
    },
}

impl Plan {
    /// Chooses kernels and knobs.
    ///
    /// # Errors
    /// If the matrix is not whole blocks, or an instruction set was asked for that this CPU does
    /// not have.
    pub fn new(problem: Problem, selection: &Selection<'_>) -> Result<Self, PlanError> {
        let forced = match (selection.isa, std::env::var_os("TILEWRIGHT_ISA")) {
            (Some(isa), _) => Some(isa),
            (None, Some(name)) if !name.is_empty() => Some(isa::chosen()?),
            _ => None,
        };
        let found = selection
            .profile
            .and_then(|profile| profile.lookup(&problem, selection.threads, forced));
        let (isa, params, source) = found.unwrap_or_else(|| {
            let isa = forced.unwrap_or_else(isa::best);
            (isa, Params::untuned(&problem, isa), Source::Default)
        });
        Ok(Self { batching: selection.batching, ..Self::resolve(problem, isa, params, source)? })
    }

    /// A plan with given knobs: what a tuner measures.
    ///
    /// # Errors
    /// If the matrix is not whole blocks, or this CPU lacks the instruction set.
    pub fn with_params(
        problem: Problem,
        isa: &'static IsaInfo,
        params: Params,
    ) -> Result<Self, PlanError> {
        Self::resolve(problem, isa, params, Source::Given)
    }

    fn resolve(
        problem: Problem,
        isa: &'static IsaInfo,
        params: Params,
        source: Source,
    ) -> Result<Self, PlanError> {
        let format = problem.format;
        format.bytes(problem.rows, problem.depth)?;
        let kernels: Vec<Ready> = format
            .kernels
            .iter()
            .filter(|kernel| kernel.isa == isa)
            .filter_map(Ready::new)
            .collect();
        let of = |class: Numerics| choose(&kernels, class, &params).map(|found| (class, found));
        // A format without kernels of a class is multiplied in floats, and the plan says so.
        let (class, (gemv, gemm)) = of(problem.class_on(isa))
            .or_else(|| of(Numerics::F32))
            .ok_or(PlanError::NoKernels { format: format.name, isa: isa.name })?;
        let on_tiles = |ready: &&Ready| matches!(ready.kernel().entry, Entry::GemmTiles { .. });
        let lossy = problem.class.quantizes() && class != Numerics::Bf16;
        let tiles = kernels.iter().find(on_tiles).copied().filter(|_| lossy);
        let batching = Batching::Fast;
        Ok(Self { problem, params, class, gemv, gemm, tiles, isa, source, batching })
    }

    /// What the plan is for.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// The knobs.
    #[must_use]
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// Who chose the knobs.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The instruction set.
    #[must_use]
    pub fn isa(&self) -> &'static IsaInfo {
        self.isa
    }

    /// The numerics class that is really computed in, as far as [`Plan::class_for`] does not say
    /// otherwise.
    #[must_use]
    pub fn class(&self) -> Numerics {
        self.class
    }

    /// The class that a batch of `rows` activations is computed in: that of the plan, or `bf16` where
    /// tile registers multiply a large batch faster than quants, and with less error.
    #[must_use]
    pub fn class_for(&self, rows: usize) -> Numerics {
        let large = self.is_gemm(rows) && rows >= usize::from(self.params.tiles_at);
        if large && self.tiles.is_some() { Numerics::Bf16 } else { self.class }
    }

    /// The `gemm` kernel for activations of a class.
    pub(crate) fn gemm_for(&self, class: Numerics) -> Ready {
        self.tiles.filter(|tiles| tiles.kernel().class == class).unwrap_or(self.gemm)
    }

    /// The kernel that a batch of `rows` activations runs, the widest if it takes several.
    #[must_use]
    pub fn kernel(&self, rows: usize) -> &'static Kernel {
        match self.is_gemm(rows) {
            true => self.gemm_for(self.class_for(rows)).kernel(),
            false => {
                let fits = |ready: &&Ready| ready.kernel().columns <= rows;
                self.gemv.iter().rev().find(fits).unwrap_or(&self.gemv[0]).kernel()
            }
        }
    }

    pub(crate) fn is_gemm(&self, rows: usize) -> bool {
        self.batching == Batching::Fast && rows >= usize::from(self.params.switch_at)
    }

    /// Which kernels run, why, and what was given up.
    #[must_use]
    pub fn explain(&self) -> String {
        let Problem { format, rows, depth, class } = self.problem;
        let source = match &self.source {
            Source::Default => "defaults: no tuned entry for this shape".to_owned(),
            Source::Tuned { profile } => format!("tuned, {profile}"),
            Source::Nearest { profile, rows, depth } => {
                format!("tuned for {rows} x {depth}, {profile}")
            }
            Source::Given => "given".to_owned(),
        };
        let large = match self.batching {
            Batching::Fast => {
                let from = |ready: Ready, batch| {
                    format!("{} (batch {batch} and more)", ready.kernel().name)
                };
                let Params { switch_at, tiles_at, .. } = self.params;
                let tiles = self.tiles.map(|tiles| from(tiles, tiles_at.max(switch_at)));
                let all = [Some(from(self.gemm, switch_at)), tiles];
                all.into_iter().flatten().collect::<Vec<_>>().join(", ")
            }
            Batching::Invariant => "the same for every batch, bit by bit".to_owned(),
        };
        let small = self.kernel(1).name;
        let mut text =
            format!("{} {rows} x {depth}: {small} (batch 1), {large}; {source}", format.name);
        if class != self.class {
            text += &format!(
                "; class {class} was asked for, but {} has no {class} kernels: computed in {}",
                format.name, self.class
            );
        }
        text
    }
}

/// The `gemv` kernels by number of columns, and the `gemm` kernel, of a class.
fn choose(kernels: &[Ready], class: Numerics, params: &Params) -> Option<(Vec<Ready>, Ready)> {
    let of_class = |class| kernels.iter().copied().filter(move |r| r.kernel().class == class);
    let (for_gemv, for_gemm) = class.of_kernels();
    let is_gemv =
        |ready: &Ready| matches!(ready.kernel().entry, Entry::GemvQ8(_) | Entry::GemvF32(_));
    let wanted = usize::from(params.rows);
    // For each number of columns, the tile nearest to the rows asked for.
    let of_gemv = |class: &Numerics| of_class(*class).filter(is_gemv).collect::<Vec<Ready>>();
    let mut gemv = for_gemv.iter().map(of_gemv).find(|found| !found.is_empty())?;
    gemv.sort_by_key(|ready| {
        let kernel = ready.kernel();
        (kernel.columns, kernel.rows.abs_diff(wanted))
    });
    gemv.dedup_by_key(|ready| ready.kernel().columns);
    let gemm = |class| of_class(class).find(|ready| !is_gemv(ready));
    Some((gemv, for_gemm.iter().copied().find_map(gemm)?))
}
