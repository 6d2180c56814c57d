//! Where the profile lies.

use std::path::PathBuf;

use etcetera::BaseStrategy;
use thiserror::Error;

/// Names another file, or switches profiles `off`.
const VARIABLE: &str = "TILEWRIGHT_PROFILE";

/// Why there is no place for a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PathError {
    /// The user wants none.
    #[error("TILEWRIGHT_PROFILE=off switches profiles off")]
    Off,
    /// The user has no home.
    #[error("there is no home folder to keep a profile in; set TILEWRIGHT_PROFILE=FILE")]
    NoHome,
}

/// The profile's file: what `TILEWRIGHT_PROFILE` names, else [`default_path`]. It need not exist.
///
/// # Errors
/// [`PathError::Off`] if `TILEWRIGHT_PROFILE=off`, else as [`default_path`].
pub fn path() -> Result<PathBuf, PathError> {
    match std::env::var_os(VARIABLE) {
        Some(value) if value == "off" => Err(PathError::Off),
        Some(value) if !value.is_empty() => Ok(value.into()),
        _ => default_path(),
    }
}

/// Whether the user says which file it is.
pub(super) fn is_named() -> bool {
    std::env::var_os(VARIABLE).is_some_and(|value| !value.is_empty() && value != "off")
}

/// `tilewright/<class>.toml` in the folder where the system wants the state of programs kept:
/// `~/.local/state` or `$XDG_STATE_HOME`, on Windows the roaming application data. A home that
/// several machines share holds a file for each class of them.
///
/// # Errors
/// [`PathError::NoHome`] if the user has no home.
pub fn default_path() -> Result<PathBuf, PathError> {
    let places = etcetera::choose_base_strategy().map_err(|_| PathError::NoHome)?;
    let state = places.state_dir().unwrap_or_else(|| places.data_dir());
    Ok(state.join("tilewright").join(format!("{}.toml", super::machine().class)))
}
