//! Matrices of `f32` in NumPy's files: `np.load` reads what is written here.
//!
//! The form is that of version 1.0 (numpy.org/doc/stable/reference/generated/numpy.lib.format.html):
//! `\x93NUMPY`, version, length of the header, the header as a Python dictionary padded to 64 bytes,
//! then the numbers. Only little-endian `f32` in two dimensions is read and written; rows are
//! handed over one window at a time, so a file may be larger than memory.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use regex::Regex;
use tempfile::NamedTempFile;

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// The header and what is before it fill a multiple of this.
const ALIGNMENT: usize = 64;
/// No header of a matrix is longer.
const LONGEST: usize = 1 << 16;

/// A matrix that is being written. The file appears when it is whole.
pub(crate) struct Writer {
    path: PathBuf,
    out: BufWriter<NamedTempFile>,
    left: usize,
}

/// A matrix that is being read.
#[derive(Debug)]
pub(crate) struct Reader {
    path: PathBuf,
    file: BufReader<File>,
    /// Rows and columns.
    pub(crate) shape: [usize; 2],
}

impl Writer {
    /// Begins a matrix of `[rows, columns]`.
    pub(crate) fn create(path: &Path, [rows, columns]: [usize; 2]) -> anyhow::Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let file = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))
            .with_context(|| format!("cannot write {}", path.display()))?;
        let mut header =
            format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
        let before = MAGIC.len() + 4;
        let padded = (before + header.len() + 1).next_multiple_of(ALIGNMENT) - before;
        header.extend(std::iter::repeat_n(' ', padded - 1 - header.len()));
        header.push('\n');
        let mut all = MAGIC.to_vec();
        all.extend([1, 0]);
        all.extend(u16::try_from(padded).context("a long header")?.to_le_bytes());
        all.extend(header.bytes());
        let left = rows * columns;
        let mut writer = Self { path: path.to_owned(), out: BufWriter::new(file), left };
        writer.write_bytes(&all)?;
        Ok(writer)
    }

    /// The next numbers, row after row.
    pub(crate) fn write(&mut self, numbers: &[f32]) -> anyhow::Result<()> {
        ensure!(numbers.len() <= self.left, "{}: more numbers than said", self.path.display());
        self.left -= numbers.len();
        let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.write_bytes(&bytes)
    }

    /// The file is whole.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        let Self { path, out, left } = self;
        ensure!(left == 0, "{}: {left} numbers are missing", path.display());
        let file = out.into_inner().map_err(|error| error.into_error());
        let name = || format!("cannot write {}", path.display());
        file.with_context(name)?.persist(&path).with_context(name)?;
        Ok(())
    }

    fn write_bytes(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.out.write_all(bytes).with_context(|| format!("cannot write {}", self.path.display()))
    }
}

impl Reader {
    /// Reads the header.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let name = || format!("cannot read {}", path.display());
        let mut file = BufReader::new(File::open(path).with_context(name)?);
        let mut start = [0; 8];
        file.read_exact(&mut start).with_context(name)?;
        if !start.starts_with(MAGIC) {
            bail!("{}: not an .npy file; --save-logits writes one", path.display());
        }
        let len = match start[6] {
            1 => u16::from_le_bytes(read(&mut file).with_context(name)?) as usize,
            2 | 3 => u32::from_le_bytes(read(&mut file).with_context(name)?) as usize,
            version => bail!("{}: .npy version {version} is not known", path.display()),
        };
        ensure!(len <= LONGEST, "{}: a header of {len} bytes is none", path.display());
        let mut header = vec![0; len];
        file.read_exact(&mut header).with_context(name)?;
        let header = String::from_utf8_lossy(&header);
        let Some(shape) = shape(&header) else {
            let header = header.trim();
            bail!(
                "{}: {header:?} is no matrix of little-endian f32 (descr '<f4', two dimensions, \
                 not fortran_order)",
                path.display()
            );
        };
        Ok(Self { path: path.to_owned(), file, shape })
    }

    /// The next numbers.
    pub(crate) fn read(&mut self, numbers: &mut [f32]) -> anyhow::Result<()> {
        let mut bytes = vec![0; 4 * numbers.len()];
        self.file
            .read_exact(&mut bytes)
            .with_context(|| format!("cannot read {}", self.path.display()))?;
        for (number, bytes) in numbers.iter_mut().zip(bytes.as_chunks().0) {
            *number = f32::from_le_bytes(*bytes);
        }
        Ok(())
    }
}

fn read<const BYTES: usize>(file: &mut impl Read) -> std::io::Result<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Rows and columns, if a header says that it is a matrix of the one form.
fn shape(header: &str) -> Option<[usize; 2]> {
    let matches = |pattern: &str| Regex::new(pattern).expect("a valid pattern").captures(header);
    matches(r"'descr'\s*:\s*'<f4'")?;
    matches(r"'fortran_order'\s*:\s*False")?;
    let shape = matches(r"'shape'\s*:\s*\(\s*(\d+)\s*,\s*(\d+)\s*,?\s*\)")?;
    Some([shape[1].parse().ok()?, shape[2].parse().ok()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.npy");
        let mut writer = Writer::create(&path, [2, 3]).unwrap();
        writer.write(&[1.0, 2.0, 3.0]).unwrap();
        assert!(!path.exists());
        writer.write(&[4.0, 5.0, f32::INFINITY]).unwrap();
        writer.finish().unwrap();

        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(bytes.len(), 128 + 4 * 6);
        assert_eq!(bytes[127], b'\n');
        let mut reader = Reader::open(&path).unwrap();
        assert_eq!(reader.shape, [2, 3]);
        let mut numbers = [0.0; 6];
        reader.read(&mut numbers).unwrap();
        assert_eq!(numbers, [1.0, 2.0, 3.0, 4.0, 5.0, f32::INFINITY]);
        assert!(reader.read(&mut numbers).is_err());
    }

    #[test]
    fn a_matrix_is_as_large_as_it_was_said_to_be() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.npy");
        let mut writer = Writer::create(&path, [1, 2]).unwrap();
        assert!(writer.write(&[0.0; 3]).is_err());
        writer.write(&[0.0]).unwrap();
        let error = writer.finish().unwrap_err().to_string();
        assert!(error.contains("m.npy") && error.contains("1 numbers are missing"), "{error}");
        assert!(!path.exists());
    }

    #[test]
    fn other_files_are_refused_with_their_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.npy");
        let header = |text: &str| {
            let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
            bytes.extend((text.len() as u16).to_le_bytes());
            bytes.extend(text.bytes());
            bytes
        };
        for (bytes, part) in [
            (b"GGUF and more".to_vec(), "not an .npy file"),
            (b"\x93NUM".to_vec(), "cannot read"),
            (b"\x93NUMPY\x09\x00\x00\x00".to_vec(), "version 9"),
            (b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec(), "4294967295"),
            (header("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2), }"), "f32"),
            (header("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 2), }"), "f32"),
            (header("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }"), "f32"),
        ] {
            std::fs::write(&path, bytes).unwrap();
            let error = format!("{:#}", Reader::open(&path).unwrap_err());
            assert!(error.contains("m.npy") && error.contains(part), "{error}");
        }
    }
}
