//! Models split over several files.
//!
//! `llama-gguf-split` cuts a model into `name-00001-of-00003.gguf` and so on. Each part is a valid
//! GGUF file with some of the tensors; the first has all of the metadata. The keys `split.no`
//! (from 0), `split.count` and `split.tensors.count` say which part a file is. Reading a model from
//! its parts is the business of whoever opens files; here a part is recognised and its siblings named.

use std::fmt;
use std::path::{Path, PathBuf};

use super::error::GgufError;
use super::metadata::Metadata;

/// Which part of a split model a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// Number of the part, counted from 0 and below `count`.
    pub no: u16,
    /// How many parts there are, at least 2.
    pub count: u16,
    /// How many tensors there are in all parts together, where that is known.
    pub tensors: Option<u64>,
}

impl Split {
    /// What the metadata says. A model in one part is not split.
    pub(crate) fn read(metadata: &Metadata<'_>) -> Result<Option<Self>, GgufError> {
        let count: u16 = metadata.find("split.count")?.unwrap_or(0);
        if count < 2 {
            return Ok(None);
        }
        let no: u16 = metadata.require("split.no")?;
        if no >= count {
            return Err(GgufError::Split { no, count });
        }
        let tensors = metadata.find("split.tensors.count")?;
        Ok(Some(Self { no, count, tensors }))
    }

    /// What the name of a file says: `model-00002-of-00003.gguf` is part 1 (from 0) of 3.
    pub fn of_path(path: &Path) -> Option<Self> {
        let (_, no, count) = parse(path.file_name()?.to_str()?)?;
        Some(Self { no: no.checked_sub(1)?, count, tensors: None })
            .filter(|split| split.no < count && count > 1)
    }

    /// The paths of all parts in order, this one included, or `None` if the name of the file is not
    /// that of part `no` of `count`, so that nothing can be said about the others.
    pub fn siblings(&self, path: &Path) -> Option<Vec<PathBuf>> {
        let named = Self::of_path(path)?;
        if (named.no, named.count) != (self.no, self.count) {
            return None;
        }
        let (stem, _, count) = parse(path.file_name()?.to_str()?)?;
        let part = |no| path.with_file_name(format!("{stem}-{no:05}-of-{count:05}.gguf"));
        Some((1..=count).map(part).collect())
    }
}

/// `part 2 of 3`, counted from 1 as in file names.
impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "part {} of {}", u32::from(self.no) + 1, self.count)
    }
}

/// `stem-00002-of-00003.gguf` into stem, 2 and 3.
fn parse(name: &str) -> Option<(&str, u16, u16)> {
    let (rest, count) = name.strip_suffix(".gguf")?.rsplit_once("-of-")?;
    let (stem, no) = rest.rsplit_once('-')?;
    let number = |digits: &str| match digits.len() {
        5 if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok(),
        _ => None,
    };
    Some((stem, number(no)?, number(count)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_knows_its_siblings() {
        let path = Path::new("models/big-q4-00002-of-00003.gguf");
        let split = Split::of_path(path).unwrap();
        assert_eq!((split.no, split.count), (1, 3));
        assert_eq!(split.to_string(), "part 2 of 3");
        let siblings = split.siblings(path).unwrap();
        let expected = [1, 2, 3].map(|no| format!("models/big-q4-0000{no}-of-00003.gguf"));
        assert_eq!(siblings, expected.map(PathBuf::from));
    }

    #[test]
    fn other_names_are_no_parts() {
        for name in [
            "model.gguf",
            "model-00000-of-00003.gguf",
            "model-00004-of-00003.gguf",
            "model-00001-of-00001.gguf",
            "model-1-of-3.gguf",
            "model-+0001-of-00003.gguf",
            "00001-of-00003.gguf",
            "model-00001-of-99999.gguf",
            "model-00001-of-00003.bin",
        ] {
            assert_eq!(Split::of_path(Path::new(name)), None, "{name}");
        }
    }

    #[test]
    fn a_renamed_part_has_no_known_siblings() {
        let split = Split { no: 0, count: 3, tensors: None };
        assert_eq!(split.siblings(Path::new("model-00002-of-00003.gguf")), None);
        assert_eq!(split.siblings(Path::new("first.gguf")), None);
    }
}
