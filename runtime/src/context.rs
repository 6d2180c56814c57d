//! What multiplying needs besides weights: threads, tuned choices, an instruction set.
//!
//! A [`Context`] is a value that a program makes and passes on; there is no global one. It reads
//! the profile once. What is wrong with the profile is a warning, logged and kept, and the
//! defaults are used; only an instruction set that the CPU lacks, or threads that the system
//! refuses, are errors.

use std::error::Error as StdError;
use std::path::PathBuf;

use kernels::isa::UnknownIsa;
use kernels::{Batching, IsaInfo, Plan, Pool, Problem, Profile, Selection};
use thiserror::Error;
use tracing::{info, warn};

use crate::profile::{self, Loaded};

/// How to make a [`Context`]. The default: every usable CPU, this machine's profile, the best
/// instruction set.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Threads, the caller's among them; 0 means one per usable CPU.
    pub threads: usize,
    /// Only this instruction set. Without, `TILEWRIGHT_ISA`'s, the profile's, or the best.
    pub isa: Option<&'static IsaInfo>,
    /// Where tuned choices come from.
    pub profile: ProfileSource,
    /// What a row's result may depend on. By default, in its last bits, the batch.
    pub batching: Batching,
}

/// Where tuned choices come from.
#[derive(Clone, Debug, Default)]
pub enum ProfileSource {
    /// This machine's profile, or what `TILEWRIGHT_PROFILE` says.
    #[default]
    Machine,
    /// A file.
    File(PathBuf),
    /// A profile at hand.
    Given(Profile),
    /// Nowhere: defaults.
    Off,
}

/// Threads, tuned choices and an instruction set.
#[derive(Debug)]
pub struct Context {
    pool: Pool,
    profile: Option<Profile>,
    forced: Option<&'static IsaInfo>,
    batching: Batching,
    warnings: Vec<String>,
}

/// A context cannot be made.
#[derive(Debug, Error)]
pub enum ContextError {
    /// `TILEWRIGHT_ISA` names no usable instruction set.
    #[error("TILEWRIGHT_ISA: {0}")]
    Isa(#[from] UnknownIsa),
    /// The operating system refuses the threads.
    #[error(transparent)]
    Threads(Box<dyn StdError + Send + Sync>),
}

/// No kernels can multiply as asked.
#[derive(Debug, Error)]
#[error(transparent)]
pub struct PlanError(Box<dyn StdError + Send + Sync>);

impl Context {
    /// Starts threads and reads the profile.
    ///
    /// # Errors
    /// If `TILEWRIGHT_ISA` names no instruction set of this CPU, or the threads cannot start.
    pub fn new(options: Options) -> Result<Self, ContextError> {
        let forced = match (options.isa, std::env::var_os("TILEWRIGHT_ISA")) {
            (Some(isa), _) => Some(isa),
            (None, Some(name)) if !name.is_empty() => Some(kernels::isa::chosen()?),
            _ => None,
        };
        let pool =
            Pool::new(options.threads).map_err(|error| ContextError::Threads(error.into()))?;
        let Loaded { profile, mut warnings } = match options.profile {
            ProfileSource::Machine => profile::load_default(),
            ProfileSource::File(path) => profile::load(&path),
            ProfileSource::Given(profile) => Loaded { profile: Some(profile), warnings: vec![] },
            ProfileSource::Off => Loaded::default(),
        };
        warnings.extend(profile.as_ref().and_then(|profile| idle(profile, pool.threads())));
        for warning in &warnings {
            warn!("{warning}");
        }
        if let Some(profile) = &profile {
            info!("{}: {} tuned choices", profile.name, profile.entries.len());
        }
        Ok(Self { pool, profile, forced, batching: options.batching, warnings })
    }

    /// Kernels and knobs for a weight matrix: tuned ones if the profile has the shape or one near
    /// it, else the defaults. [`Plan::explain`] says which.
    ///
    /// # Errors
    /// If the matrix is not whole blocks of its format.
    pub fn plan(&self, problem: Problem) -> Result<Plan, PlanError> {
        self.plan_on(problem, None)
    }

    /// [`Context::plan`] with kernels of one instruction set, if one is given.
    ///
    /// # Errors
    /// As [`Context::plan`], or if the CPU lacks the instruction set.
    pub fn plan_on(
        &self,
        problem: Problem,
        isa: Option<&'static IsaInfo>,
    ) -> Result<Plan, PlanError> {
        self.choose(problem, self.profile.as_ref(), isa)
    }

    /// [`Context::plan`] as it would be without a profile.
    ///
    /// # Errors
    /// As [`Context::plan`].
    pub fn default_plan(&self, problem: Problem) -> Result<Plan, PlanError> {
        self.choose(problem, None, None)
    }

    /// A plan with knobs from anywhere.
    pub(crate) fn choose(
        &self,
        problem: Problem,
        profile: Option<&Profile>,
        isa: Option<&'static IsaInfo>,
    ) -> Result<Plan, PlanError> {
        let selection = Selection {
            profile,
            threads: self.pool.threads(),
            isa: isa.or(self.forced),
            batching: self.batching,
        };
        Plan::new(problem, &selection).map_err(|error| PlanError(error.into()))
    }

    /// The threads.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// The tuned choices, if there are any.
    #[must_use]
    pub fn profile(&self) -> Option<&Profile> {
        self.profile.as_ref()
    }

    /// The instruction set of plans that the profile says nothing about.
    #[must_use]
    pub fn isa(&self) -> &'static IsaInfo {
        self.forced.unwrap_or_else(kernels::isa::best)
    }

    /// What was wrong with the profile, one line each. It has been logged.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

/// A warning if the profile is for other thread counts only.
fn idle(profile: &Profile, threads: usize) -> Option<String> {
    let mut others: Vec<usize> = profile.entries.iter().map(|entry| entry.threads).collect();
    if others.is_empty() || others.contains(&threads) {
        return None;
    }
    others.sort_unstable();
    others.dedup();
    let others: Vec<String> = others.iter().map(ToString::to_string).collect();
    Some(format!(
        "{} was tuned with {} threads, but this program computes with {threads}. Default kernels \
         are used; run `cargo run -p tuning -- --threads {threads}`",
        profile.name,
        others.join(", "),
    ))
}
