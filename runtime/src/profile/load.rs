//! Reading a profile: whatever is wrong with it is a warning.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use kernels::{FormatInfo, Profile};

use super::file::{ProfileFile, Unusable};
use super::path::{PathError, is_named, path};

/// What writes a new profile, and so mends a bad one.
const REMEDY: &str = "run `cargo run -p tuning` to write a new one";

/// No profile is nearly as large; what is, is something else.
const MOST_BYTES: u64 = 16 << 20;

/// What came of reading a profile.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loaded {
    /// The entries that can be used here; `None` if there is no file, or none that can be used.
    pub profile: Option<Profile>,
    /// What was wrong, one line each, with what to do about it.
    pub warnings: Vec<String>,
}

/// Reads the profile of this machine from its [place](path). With `TILEWRIGHT_PROFILE=off` there
/// is none. That there is no file yet is nothing to warn of, unless the user named one.
#[must_use]
pub fn load_default() -> Loaded {
    match path() {
        Ok(path) if is_named() && !path.exists() => {
            Loaded::refused(&path, "TILEWRIGHT_PROFILE names it, but there is no such file")
        }
        Ok(path) => load(&path),
        Err(PathError::Off) => Loaded::default(),
        Err(error) => Loaded { profile: None, warnings: vec![format!("no profile: {error}")] },
    }
}

/// Reads a profile, for the formats of this crate. The file is only read, never mended or moved.
#[must_use]
pub fn load(path: &Path) -> Loaded {
    load_with(path, &kernels::formats::all())
}

/// Reads a profile, for the given formats: those of this crate and of others.
#[must_use]
pub fn load_with(path: &Path, formats: &[&'static FormatInfo]) -> Loaded {
    match read(path).map(|text| text.map(|text| ProfileFile::parse(&text))) {
        Ok(None) => Loaded::default(),
        Ok(Some(Ok(file))) => usable(path, &file, formats),
        Ok(Some(Err(error))) => Loaded::refused(path, &error.to_string()),
        Err(error) => Loaded::refused(path, &error),
    }
}

impl Loaded {
    fn refused(path: &Path, reason: &str) -> Self {
        let path = path.display();
        let warning = format!("profile {path}: {reason}. Default kernels are used; {REMEDY}");
        Self { profile: None, warnings: vec![warning] }
    }
}

/// The text of a file; `None` if there is none.
pub(super) fn read(path: &Path) -> Result<Option<String>, String> {
    let about = match std::fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        about => about.map_err(|error| format!("cannot be read: {error}"))?,
    };
    if !about.is_file() {
        return Err("it is not a file".to_owned());
    }
    if about.len() > MOST_BYTES {
        return Err(format!("{} bytes are too many for a profile", about.len()));
    }
    let bytes = std::fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(text)),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
            Err(format!("line {line}: byte {at} is not UTF-8"))
        }
    }
}

/// The part of a sound file that this build can use on this machine.
fn usable(path: &Path, file: &ProfileFile, formats: &[&'static FormatInfo]) -> Loaded {
    let (here, there) = (super::machine().class, &file.fingerprint.class);
    if *there != here {
        let reason = format!("it was measured on {there}, but this machine is {here}");
        return Loaded::refused(path, &reason);
    }
    let mut entries = Vec::new();
    let mut dropped: BTreeMap<Unusable, usize> = BTreeMap::new();
    for entry in &file.entries {
        match entry.resolve(formats) {
            Ok(entry) => entries.push(entry),
            Err(reason) => *dropped.entry(reason).or_default() += 1,
        }
    }
    let total = file.entries.len();
    let warn = |(reason, count): (&Unusable, &usize)| {
        let remedy = match reason {
            Unusable::Format(_) => "load the profile with that format, if another crate has it",
            _ => REMEDY,
        };
        let path = path.display();
        format!(
            "profile {path}: {count} of {total} entries are {reason}. They are not used; {remedy}"
        )
    };
    let warnings = dropped.iter().map(warn).collect();
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let profile = Profile { name: format!("profile {name}"), entries };
    Loaded { profile: (!profile.entries.is_empty()).then_some(profile), warnings }
}
