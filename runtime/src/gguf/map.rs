//! A file as a byte slice: mapped, or read into memory.
//!
//! Mapping is what makes a load instant and lets the page cache hold the weights for every process
//! that uses them. Its price is that the bytes are the file's: whoever writes to the file while it is
//! mapped changes them under us, and whoever truncates it turns the next access past its new end into
//! a SIGBUS that ends the process. No check can rule that out. Downloaded models are replaced by
//! renaming, not by writing in place, so this is rare; where it is not, on a network share or a disk
//! another program writes to, [`Mapped::read`] (`--no-mmap`) copies the bytes and owes the file nothing.

#![allow(unsafe_code)]

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use thiserror::Error;

/// The bytes of a file, for as long as this lives.
pub struct Mapped(Storage);

enum Storage {
    Map(Mmap),
    Memory(Vec<u8>),
}

/// A file that could not be opened, mapped or read.
#[derive(Debug, Error)]
#[error("{}: cannot {action} the file: {source}", path.display())]
pub struct MapError {
    /// The file.
    pub path: PathBuf,
    /// What was attempted: `open`, `map` or `read`.
    pub action: &'static str,
    /// The operating system's reason.
    pub source: io::Error,
}

impl Mapped {
    /// Maps a file, read-only.
    ///
    /// The file must not be written to or truncated while the result lives: see the
    /// [module](self) for what happens if it is, and [`Mapped::read`] for the way out.
    ///
    /// # Errors
    ///
    /// [`MapError`] if the file cannot be opened or mapped.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, MapError> {
        let path = path.as_ref();
        let file = File::open(path).map_err(failure(path, "open"))?;
        // Which the system would call "no such device".
        if file.metadata().is_ok_and(|about| !about.is_file()) {
            let reason = io::Error::other("it is a folder or a device, not a file");
            return Err(failure(path, "map")(reason));
        }
        // SAFETY: the map is read-only, and it owns its range until it is dropped; every slice of it
        // borrows from `self`. What is left is that the bytes must not change meanwhile. Only the
        // caller can see to that, and `open` asks for it. If the file is truncated all the same, an
        // access past its new end raises SIGBUS: the process ends, no other memory is read. If it is
        // overwritten, we compute with other weights, and a `str` checked earlier may no longer be
        // UTF-8; lengths and places are copied out of the map when they are checked, so no index
        // changes after its check.
        let map = unsafe { Mmap::map(&file) }.map_err(failure(path, "map"))?;
        Ok(Self(Storage::Map(map)))
    }

    /// Reads a file into memory, after which the file may change, shrink or vanish.
    ///
    /// # Errors
    ///
    /// [`MapError`] if the file cannot be read.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, MapError> {
        let path = path.as_ref();
        let bytes = fs::read(path).map_err(failure(path, "read"))?;
        Ok(Self(Storage::Memory(bytes)))
    }

    /// The bytes of the file.
    pub fn bytes(&self) -> &[u8] {
        match &self.0 {
            Storage::Map(map) => map,
            Storage::Memory(bytes) => bytes,
        }
    }

    /// Whether the bytes are the file's own rather than a copy.
    pub fn is_mapped(&self) -> bool {
        matches!(self.0, Storage::Map(_))
    }
}

impl fmt::Debug for Mapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mapped")
            .field("bytes", &self.bytes().len())
            .field("is_mapped", &self.is_mapped())
            .finish()
    }
}

fn failure(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> MapError {
    move |source| MapError { path: path.to_owned(), action, source }
}
