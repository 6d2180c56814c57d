//! Writing files so that a reader sees the old one or the new one, never a part.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// A file to be, beside the one whose name it will get.
pub(crate) struct Replacement {
    path: PathBuf,
    temporary: BufWriter<NamedTempFile>,
}

impl Replacement {
    /// An empty file in the folder of `path`, where renaming is one step. What is at `path` stays
    /// until [`Replacement::commit`]; a file that is not committed goes when it is dropped.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let mut prefix = path.file_name().unwrap_or_default().to_owned();
        prefix.push(".partial-");
        let temporary = tempfile::Builder::new().prefix(&prefix).tempfile_in(folder)?;
        let temporary = BufWriter::with_capacity(1 << 20, temporary);
        Ok(Self { path: path.to_owned(), temporary })
    }

    /// Puts the file in its place, once it is on disk: a crash leaves the old file or the new one.
    pub(crate) fn commit(self) -> io::Result<()> {
        let temporary = self.temporary.into_inner().map_err(io::IntoInnerError::into_error)?;
        temporary.as_file().sync_all()?;
        readable(temporary.as_file())?;
        temporary.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }
}

impl Write for Replacement {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.temporary.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.temporary.flush()
    }
}

/// Temporary files are their owner's alone; what takes their place is for everyone.
#[cfg(unix)]
fn readable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable(_: &File) -> io::Result<()> {
    Ok(())
}
