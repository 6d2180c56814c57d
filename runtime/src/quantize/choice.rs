//! Which type a tensor gets, and why.

use std::fmt;

use kernels::{FormatInfo, formats};

use super::{Naming, Options, Output, Policy, QuantizeError};
use crate::checkpoint::Checkpoint;
use crate::smq::{self, SCHEMES, Scheme};
use crate::tensor::TensorView;

/// The type of a tensor to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The tensor.
    pub tensor: String,
    /// Its type.
    pub format: &'static FormatInfo,
    /// Why it has that type.
    pub reason: Reason,
}

/// Why a tensor gets a type.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// It is the type that was asked for.
    Wanted,
    /// An override names it.
    Override,
    /// It has the type already and keeps it.
    Kept,
    /// A vector, positions, or a router: always F32.
    Small,
    /// The head, which gets more bits than the rest.
    Head,
    /// The rows are not whole blocks of another type.
    Rows {
        /// The type that it should have been.
        wanted: &'static FormatInfo,
        /// Numbers in a row.
        columns: usize,
    },
    /// The container cannot hold the type that it has.
    Container {
        /// That type.
        had: &'static FormatInfo,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wanted => write!(f, "as asked for"),
            Self::Override => write!(f, "by --tensor-type"),
            Self::Kept => write!(f, "kept"),
            Self::Small => write!(f, "small"),
            Self::Head => write!(f, "the head"),
            Self::Rows { wanted, columns } => {
                let (name, block) = (wanted.name, wanted.block_len);
                write!(f, "{columns} columns are not a multiple of {name}'s {block}")
            }
            Self::Container { had } => write!(f, "the container has no {}", had.name),
        }
    }
}

/// What takes the place of a type whose blocks are too long: the next with shorter blocks and at
/// least as many bits. Types that are not here are followed by F16, which has no blocks.
const SHORTER: [(&str, &str); 11] = [
    ("Q2_K", "IQ4_NL"),
    ("Q3_K", "IQ4_NL"),
    ("IQ4_XS", "IQ4_NL"),
    ("Q4_K", "Q5_0"),
    ("Q5_K", "Q5_1"),
    ("Q6_K", "Q8_0"),
    ("TQ1_0", "IQ4_NL"),
    ("TQ2_0", "IQ4_NL"),
    ("Q1_0", "IQ4_NL"),
    ("Q2_0", "IQ4_NL"),
    ("NVFP4", "IQ4_NL"),
];

/// Bits of a weight below which the head gets a type of its own: those of `Q6_K`.
const HEAD_BITS: f64 = 6.5625;

/// The type of one tensor.
pub(super) fn choose(
    view: &TensorView<'_>,
    checkpoint: &Checkpoint<'_>,
    options: &Options,
) -> Result<Choice, QuantizeError> {
    let numbered = matches!(&options.output, Output::Smq(smq) if smq.naming == Naming::Numbered);
    let named = options.overrides.iter().find(|(pattern, _)| pattern.is_match(view.name));
    let (mut format, mut reason) = match (named, options.policy) {
        (Some((_, format)), _) => (*format, Reason::Override),
        (None, Policy::Keep) => (kept(view.format, &options.output), Reason::Kept),
        (None, _) if !numbered && is_small(view) => (by_name("F32"), Reason::Small),
        (None, Policy::Mixed(format)) if is_head(view.name, checkpoint) => {
            match format.bits_per_weight() < HEAD_BITS {
                true => (by_name("Q6_K"), Reason::Head),
                false => (format, Reason::Wanted),
            }
        }
        (None, Policy::Pure(format) | Policy::Mixed(format)) => (format, Reason::Wanted),
    };
    let wanted = format;
    while !rows_fit(view, format, options) {
        reason = Reason::Rows { wanted, columns: view.depth() };
        let shorter = SHORTER.iter().find(|(long, _)| *long == format.name);
        format = by_name(shorter.map_or("F16", |(_, short)| short));
    }
    match reason {
        _ if holds(&options.output, format) => {}
        Reason::Kept => {
            (format, reason) = (by_name("F32"), Reason::Container { had: format });
        }
        _ => return Err(no_scheme(wanted)),
    }
    Ok(Choice { tensor: view.name.to_owned(), format, reason })
}

/// The type in which a tensor stays what it is. In SMQ the same scheme holds blocks with scales of
/// 16 and of 32 bits.
fn kept(format: &'static FormatInfo, output: &Output) -> &'static FormatInfo {
    match output {
        Output::Smq(_) => smq::interleaved(format).map_or(format, Scheme::format),
        Output::Gguf => format,
    }
}

/// Whether a tensor is none of the matrices that make a model large.
fn is_small(view: &TensorView<'_>) -> bool {
    view.shape.rank() == 1
        || ["position_embd.", "ffn_gate_inp", "rope_freqs", "rope_factors", "token_types."]
            .iter()
            .any(|part| view.name.contains(part))
}

/// Whether a tensor makes the logits: a model without a head uses its embeddings.
fn is_head(name: &str, checkpoint: &Checkpoint<'_>) -> bool {
    match name {
        "output.weight" => true,
        "token_embd.weight" => checkpoint.tensor("output.weight").is_none(),
        _ => false,
    }
}

/// Whether rows are whole blocks, or need not be.
fn rows_fit(view: &TensorView<'_>, format: &FormatInfo, options: &Options) -> bool {
    let is_planar = |format| Scheme::of(format).is_some_and(|scheme| scheme.planar.is_some());
    match &options.output {
        Output::Smq(_) if is_planar(format) => true,
        _ => view.depth().is_multiple_of(format.block_len),
    }
}

/// Whether a container has a type.
fn holds(output: &Output, format: &FormatInfo) -> bool {
    match output {
        Output::Gguf => format.ggml_type.is_some(),
        Output::Smq(_) => Scheme::of(format).is_some(),
    }
}

fn no_scheme(format: &FormatInfo) -> QuantizeError {
    let known: Vec<_> = SCHEMES.iter().map(|scheme| scheme.name).collect();
    QuantizeError::NoScheme { format: format.name, container: "SMQ", known: known.join(", ") }
}

fn by_name(name: &str) -> &'static FormatInfo {
    formats::by_name(name).expect("a format every build has")
}

impl Choice {
    /// What is to be said about a type that is another than was asked for.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let (tensor, name) = (&self.tensor, self.format.name);
        match &self.reason {
            Reason::Rows { .. } => {
                Some(format!("tensor {tensor:?}: {}; it becomes {name}", self.reason))
            }
            Reason::Container { had } => Some(format!(
                "tensor {tensor:?}: {}; it becomes {name}, with the same values and {:.1} times \
                 the size",
                self.reason,
                self.format.bits_per_weight() / had.bits_per_weight()
            )),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_the_place_of_a_type_has_shorter_blocks_and_no_fewer_bits() {
        for (long, short) in SHORTER {
            // A build need not have all of them.
            let Some(long) = formats::by_name(long) else { continue };
            let short = by_name(short);
            assert!(short.block_len < long.block_len, "{long:?} {short:?}");
            assert!(short.bits_per_weight() >= long.bits_per_weight(), "{long:?} {short:?}");
        }
        assert_eq!(HEAD_BITS, by_name("Q6_K").bits_per_weight());
    }

    #[test]
    fn every_long_block_has_something_to_take_its_place() {
        for format in formats::all().into_iter().filter(|format| format.block_len > 32) {
            assert!(SHORTER.iter().any(|(long, _)| *long == format.name), "{format:?}");
        }
    }
}
