//! The file as a value, and the value as a file.

use std::collections::BTreeMap;

use kernels::params::{Params, Tunable};
use kernels::{FormatInfo, Numerics, Problem, ProfileEntry};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::machine::Fingerprint;

/// A profile as it lies in a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProfileFile {
    /// Version of the file's meaning: [`ProfileFile::SCHEMA`] when written by this build.
    pub schema: u32,
    /// Who wrote it, when, how.
    #[serde(default)]
    pub meta: Meta,
    /// The machine that was measured.
    pub fingerprint: Fingerprint,
    /// What the machine can do at best.
    #[serde(default, rename = "measured")]
    pub peaks: Peaks,
    /// The choices.
    #[serde(default, rename = "entry")]
    pub entries: Vec<Entry>,
}

/// Where a profile comes from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Meta {
    /// Name and version of the program, such as `tuning 0.1.0`.
    pub tool: String,
    /// UTC, as [`now`](super::now) gives it.
    pub created: String,
    /// Seed of the search.
    pub seed: i64,
    /// Seconds that the search was given.
    pub budget_s: f64,
    /// The command line.
    pub command: String,
}

/// Facts that are recorded for people and never compared.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Advisory {
    /// The processor's name. Guests of a cloud often get to see a mask.
    pub brand: String,
    /// The operating system.
    pub os: String,
}

/// What the machine can do at best, as measured by probes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Peaks {
    /// Threads that measured.
    pub threads: usize,
    /// Reading memory, 1e9 bytes/s.
    pub read_gbps: f64,
    /// Int8 dot products by instruction set, 1e9 multiply-adds/s.
    pub dot_gmacs: BTreeMap<String, f64>,
    /// `f32` fused multiply-adds by instruction set, 1e9 multiply-adds/s.
    pub fma_gmacs: BTreeMap<String, f64>,
    /// Bfloat16 dot products by instruction set, where the CPU has them, 1e9 multiply-adds/s.
    pub bf16_gmacs: BTreeMap<String, f64>,
}

/// The choice for one shape of one format.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Format, by name.
    pub format: String,
    /// [`FormatInfo::kernel_hash`] of the code that was measured.
    #[serde(with = "hex")]
    pub code_hash: u64,
    /// Numerics class, by name.
    pub class: String,
    /// Instruction set, by name.
    pub isa: String,
    /// Threads of the pool that measured.
    pub threads: usize,
    /// Rows of the weight matrix (N).
    pub rows: usize,
    /// Columns of the weight matrix (K).
    pub depth: usize,
    /// Whether the search found something better than the defaults.
    #[serde(default)]
    pub status: Status,
    /// The choice: values by the names of knobs. A knob that is not named has its default.
    pub params: BTreeMap<String, i64>,
    /// What the choice gained, by batch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measured: Vec<Measured>,
}

/// What a search came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Better than the defaults.
    #[default]
    Tuned,
    /// Nothing beat the defaults; the entry keeps others from being used for this shape.
    Default,
}

/// Times of an entry at one batch size.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Measured {
    /// Rows of activations (M).
    pub batch: usize,
    /// Median of a call with the default knobs, nanoseconds.
    pub default_ns: f64,
    /// Median of a call with the chosen knobs, nanoseconds.
    pub tuned_ns: f64,
    /// Calls that each median is of.
    pub samples: usize,
    /// Weights as stored over time, 1e9 bytes/s, with the chosen knobs.
    pub gbps: f64,
    /// 1e9 multiply-adds/s, with the chosen knobs.
    pub gmacs: f64,
    /// Which of the measured peaks bounds it: `read`, `dot` or `fma`.
    pub bound: String,
    /// How much of that peak is reached.
    pub percent_of_bound: f64,
    /// Times faster than the defaults.
    pub speedup: f64,
}

/// Why a text is no profile.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[allow(missing_docs)]
pub enum ParseError {
    /// No TOML, or not with the keys and types of a profile.
    #[error("line {line}, column {column}: {message}")]
    Syntax { line: usize, column: usize, message: String },
    /// Written by a later version.
    #[error("it has schema {found}, written by {tool}, but this build reads schemas up to {known}")]
    Newer { found: u64, known: u32, tool: String },
    /// The last line is missing.
    #[error("it does not end with its integrity line: it was truncated, or edited by hand")]
    Unsealed,
    /// The last line is not that of this text.
    #[error("its text does not have the digest on its last line: it is damaged, or edited by hand")]
    Digest,
}

/// Why an entry cannot be used by this build on this machine.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Error)]
pub enum Unusable {
    /// No format of that name.
    #[error("for format \"{0}\", which this build does not have")]
    Format(String),
    /// The format's kernels have changed since.
    #[error("measured on other code than this build's")]
    Stale,
    /// No numerics class of that name.
    #[error("for numerics class \"{0}\", which this build does not have")]
    Class(String),
    /// This CPU or this build lacks the instruction set.
    #[error("for instruction set \"{0}\", which this build or CPU does not have")]
    Isa(String),
    /// No knob of that name.
    #[error("with knob \"{0}\", which this build does not have")]
    Knob(String),
    /// A value that is none of the knob's choices.
    #[error("with {knob} = {value}, which is not among the knob's choices")]
    Value {
        /// The knob.
        knob: String,
        /// What the entry says.
        value: i64,
    },
}

const SEAL: &str = "[seal]";

impl ProfileFile {
    /// The version of the file's meaning that this build writes, and the newest that it reads.
    pub const SCHEMA: u32 = 1;

    /// A profile of this machine without entries.
    #[must_use]
    pub fn new(meta: Meta) -> Self {
        let fingerprint = super::machine();
        let (peaks, entries) = (Peaks::default(), Vec::new());
        Self { schema: Self::SCHEMA, meta, fingerprint, peaks, entries }
    }

    /// Reads a profile's text. Whether the entries can be used here is
    /// [another question](Entry::resolve).
    ///
    /// # Errors
    /// If the text is no profile, of a later schema, or not as it was written.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let table: toml::Table = text.parse().map_err(|error| syntax(text, &error))?;
        // First of all: nothing else about a later schema can be relied on.
        if let Some(found) = table.get("schema").and_then(toml::Value::as_integer)
            && found > i64::from(Self::SCHEMA)
        {
            let tool = table.get("meta").and_then(|meta| meta.get("tool")?.as_str());
            let tool = tool.unwrap_or("an unknown tool").to_owned();
            return Err(ParseError::Newer {
                found: found.unsigned_abs(),
                known: Self::SCHEMA,
                tool,
            });
        }
        check_seal(text)?;
        toml::from_str(text).map_err(|error| syntax(text, &error))
    }

    /// The profile as a text that [`ProfileFile::parse`] reads.
    ///
    /// # Panics
    /// If a number is more than TOML holds (an `i64`).
    #[must_use]
    pub fn to_toml(&self) -> String {
        let body = toml::to_string(self).expect("numbers within i64, and keys that are strings");
        let body = format!("{body}\n{SEAL}\n");
        let digest = blake3::hash(body.as_bytes()).to_hex();
        format!("{body}integrity = \"blake3:{digest}\"\n")
    }
}

fn check_seal(text: &str) -> Result<(), ParseError> {
    let end = text.trim_end().rfind('\n').map_or(0, |at| at + 1);
    let (body, last) = text.split_at(end);
    let digest = last
        .trim_end()
        .strip_prefix("integrity = \"blake3:")
        .and_then(|rest| rest.strip_suffix('"'))
        .ok_or(ParseError::Unsealed)?;
    match *blake3::hash(body.as_bytes()).to_hex() == *digest {
        true => Ok(()),
        false => Err(ParseError::Digest),
    }
}

fn syntax(text: &str, error: &toml::de::Error) -> ParseError {
    let at = error.span().map_or(0, |span| span.start).min(text.len());
    let before = text.get(..at).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    ParseError::Syntax { line, column, message: error.message().replace('\n', " ") }
}

impl Entry {
    /// An entry of status `tuned` without measurements.
    #[must_use]
    pub fn new(choice: &ProfileEntry) -> Self {
        let knob = |name: &str| choice.params.get(name).expect("a knob's own name");
        let params = Params::KNOBS.iter().map(|k| (k.name.to_owned(), knob(k.name).into()));
        Self {
            format: choice.format.clone(),
            code_hash: choice.code_hash,
            class: choice.class.name().to_owned(),
            isa: choice.isa.clone(),
            threads: choice.threads,
            rows: choice.rows,
            depth: choice.depth,
            status: Status::Tuned,
            params: params.collect(),
            measured: Vec::new(),
        }
    }

    /// The entry as kernels take it, if this build has its format, code, class, instruction set
    /// and knobs.
    ///
    /// # Errors
    /// The first reason against it.
    pub fn resolve(&self, formats: &[&'static FormatInfo]) -> Result<ProfileEntry, Unusable> {
        let format = formats.iter().find(|format| format.name == self.format);
        let format = format.ok_or_else(|| Unusable::Format(self.format.clone()))?;
        if format.kernel_hash() != self.code_hash {
            return Err(Unusable::Stale);
        }
        let class = Numerics::by_name(&self.class);
        let class = class.ok_or_else(|| Unusable::Class(self.class.clone()))?;
        let isa = kernels::isa::by_name(&self.isa);
        let isa = isa.map_err(|_| Unusable::Isa(self.isa.clone()))?;
        let problem = Problem { format, rows: self.rows, depth: self.depth, class };
        Ok(ProfileEntry {
            format: self.format.clone(),
            code_hash: self.code_hash,
            class,
            isa: self.isa.clone(),
            threads: self.threads,
            rows: self.rows,
            depth: self.depth,
            params: self.params(Params::untuned(&problem, isa))?,
        })
    }

    /// The knobs: those that are not named have their default.
    fn params(&self, mut params: Params) -> Result<Params, Unusable> {
        for (name, &value) in &self.params {
            let knob = Params::KNOBS.iter().find(|knob| knob.name == name);
            let knob = knob.ok_or_else(|| Unusable::Knob(name.clone()))?;
            let choice = knob.choices.iter().find(|choice| i64::from(**choice) == value);
            if !choice.is_some_and(|choice| params.set(name, *choice)) {
                return Err(Unusable::Value { knob: name.clone(), value });
            }
        }
        Ok(params)
    }

    /// What an entry is the choice for: of two entries with the same key the later one counts.
    pub(crate) fn key(&self) -> (&str, &str, &str, usize, usize, usize) {
        (&self.format, &self.class, &self.isa, self.threads, self.rows, self.depth)
    }
}

/// TOML has no unsigned 64-bit numbers, and people compare hashes in hexadecimal anyway.
mod hex {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(hash: &u64, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{hash:#018x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        let text = String::deserialize(from)?;
        let digits = text.strip_prefix("0x").filter(|digits| digits.len() == 16);
        digits
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
            .ok_or_else(|| D::Error::custom(format!("\"{text}\" is no hash such as 0x00ff...")))
    }
}
