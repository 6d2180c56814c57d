//! The profile: what the tuner found on this machine, as a file.
//!
//! A profile is TOML, one file per class of machine. `tuning` writes it, [`Context`] reads it when
//! it is made, and nothing computes differently with it: an entry is a choice among kernels that
//! all give the same numbers. So nothing about it may stop a program either. A file that is
//! missing, damaged, foreign or out of date costs speed, and [`load`] says so in one warning each,
//! with the command that mends it.
//!
//! ```toml
//! schema = 1
//!
//! [meta]                     # who wrote it, when, how
//! [fingerprint]              # which machine; `class` must agree for the file to be used
//! [measured]                 # what the machine can do at best
//!
//! [[entry]]                  # the choice for a shape of a format
//! format = "Q4_K"
//! code_hash = "0x0123456789abcdef"   # of the kernels: an entry for others is stale
//! class = "q8"
//! isa = "avx512vnni"
//! threads = 2
//! rows = 4096
//! depth = 4096
//! status = "tuned"
//! params = { rows = 2, prefetch = 4096 }     # a knob that is not named has the matrix's default
//! [[entry.measured]]         # what the choice gained, by batch
//!
//! [seal]
//! integrity = "blake3:..."   # over everything before this line
//! ```
//!
//! The keys of `params` are those of [`kernels::Params`], whatever they are: a new knob needs no
//! change here. The last line finds out truncated files and slips of an editor; it is no defence
//! against anyone.
//!
//! [`Context`]: crate::Context

mod file;
mod load;
mod machine;
mod path;
mod save;
mod time;

pub use file::{Advisory, Entry, Measured, Meta, ParseError, Peaks, ProfileFile, Status, Unusable};
pub use load::{Loaded, load, load_default, load_with};
pub use machine::{Fingerprint, machine};
pub use path::{PathError, default_path, path};
pub use save::{SaveError, Saved, check_place, save};
pub use time::now;
