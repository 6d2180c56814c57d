//! Writing a profile so that no file is ever lost: not the old one to a crash, nor to another
//! tuner, nor to a mistake about what it was.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::file::{Entry, ParseError, ProfileFile, Unusable};
use super::load::read;
use super::time::stamp;
use crate::replace::Replacement;

/// What [`save`] did with what it found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// Entries of the file that was there, for shapes that the new profile does not have.
    pub kept: usize,
    /// Entries of the file that was there which this build could not use: measured on other code,
    /// or with knobs that there are no longer.
    pub dropped: usize,
    /// Where the file that was there lies now, if it was no profile of this machine's class.
    pub moved: Option<PathBuf>,
}

/// A profile could not be written; what was there before is still there.
#[derive(Debug, Error)]
#[error("profile {}: cannot {action}: {source}", path.display())]
pub struct SaveError {
    /// The file that was to be written.
    pub path: PathBuf,
    /// What was attempted.
    pub action: &'static str,
    /// The operating system's reason.
    pub source: io::Error,
}

/// Whether [`save`] could write a profile to a place, for programs that measure for minutes first.
/// Its folder is made; what is there is not touched.
///
/// # Errors
/// As [`save`].
pub fn check_place(path: &Path) -> Result<(), SaveError> {
    let failed = |action| move |source| SaveError { path: path.to_owned(), action, source };
    let _lock = enter(path)?;
    Replacement::of(path).map_err(failed("write beside it"))?;
    Ok(())
}

/// Writes a profile, making its folder.
///
/// A sound profile of the same class that is already there is merged: its entries for shapes that
/// `file` has no entry for are kept, but for those that are stale. (Formats that this crate does
/// not know may be another's; their entries are kept.) Anything else that is there is kept too,
/// under another name: `<name>.bad-<time>`, or `.foreign-` if it is of another class, or `.newer-`
/// if of a later schema. What is no file at all (a folder, a device) stays what it is, and no
/// profile is written. Readers see the old file or the new one, never a part; writers wait for
/// each other.
///
/// # Errors
/// If the operating system refuses; the old file is untouched then.
pub fn save(path: &Path, file: &ProfileFile) -> Result<Saved, SaveError> {
    let failed = |action| move |source| SaveError { path: path.to_owned(), action, source };
    let _lock = enter(path)?;
    let mut merged = file.clone();
    let mut saved = Saved::default();
    match found(path, &file.fingerprint.class) {
        Ok(None) => {}
        Ok(Some(old)) => {
            let formats = kernels::formats::all();
            let is_new = |entry: &Entry| file.entries.iter().all(|new| new.key() != entry.key());
            for entry in old.entries.into_iter().filter(is_new) {
                match entry.resolve(&formats) {
                    Ok(_) | Err(Unusable::Format(_)) => merged.entries.push(entry),
                    Err(_) => saved.dropped += 1,
                }
            }
            saved.kept = merged.entries.len() - file.entries.len();
        }
        Err(kind) => {
            saved.moved = Some(set_aside(path, kind).map_err(failed("move the old file aside"))?);
        }
    }
    let mut replacement = Replacement::of(path).map_err(failed("write beside it"))?;
    replacement.write_all(merged.to_toml().as_bytes()).map_err(failed("write it"))?;
    replacement.commit().map_err(failed("put it in its place"))?;
    Ok(saved)
}

/// Makes the folder of a profile and waits for the right to write there.
fn enter(path: &Path) -> Result<Option<File>, SaveError> {
    let failed = |action| move |source| SaveError { path: path.to_owned(), action, source };
    if fs::metadata(path).is_ok_and(|about| !about.is_file()) {
        let source = io::Error::other("it is a folder or a device, not a file");
        return Err(failed("replace what is there")(source));
    }
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).map_err(failed("make its folder"))?;
    lock(path).map_err(failed("lock it"))
}

/// The profile that is there, if any; or what is to be said in the name of what is there instead.
fn found(path: &Path, class: &str) -> Result<Option<ProfileFile>, &'static str> {
    match read(path).map(|text| text.map(|text| ProfileFile::parse(&text))) {
        Ok(None) => Ok(None),
        Ok(Some(Ok(old))) if old.fingerprint.class == class => Ok(Some(old)),
        Ok(Some(Ok(_))) => Err("foreign"),
        Ok(Some(Err(ParseError::Newer { .. }))) => Err("newer"),
        Ok(Some(Err(_))) | Err(_) => Err("bad"),
    }
}

/// Renames a file to `<name>.<kind>-<time>`, with a number if there is such a file.
fn set_aside(path: &Path, kind: &str) -> io::Result<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let stem = format!("{name}.{kind}-{}", stamp());
    let free = (0..1000)
        .map(|n| if n == 0 { stem.clone() } else { format!("{stem}.{n}") })
        .map(|name| path.with_file_name(name))
        .find(|to| fs::symlink_metadata(to).is_err())
        .ok_or_else(|| io::Error::from(io::ErrorKind::AlreadyExists))?;
    fs::rename(path, &free)?;
    Ok(free)
}

/// Waits until no other tuner is writing. The lock is a file of its own, because the profile's is
/// replaced; it goes with the process that holds it.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.lock"));
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(beside)?;
    match file.lock() {
        Ok(()) => Ok(Some(file)),
        // A file system without locks: the rename is still whole.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(None),
        Err(error) => Err(error),
    }
}
