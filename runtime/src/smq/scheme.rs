//! How SMQ stores the numbers of a tensor.

use kernels::{FormatInfo, formats};

use super::planar::Planar;

/// A row of the table of schemes.
///
/// `F32` and `F16` are plain numbers, and `Q8_0` and `Q4_0` planar. The original writer defines a
/// code but no layout for the others; here they are the blocks of the format of that name, in
/// data, with nothing in aux.
#[derive(Debug, PartialEq)]
pub struct Scheme {
    /// As in the file format's description, and the name of the [format](Scheme::format) that
    /// comes closest.
    pub name: &'static str,
    /// The number in the file.
    pub code: u32,
    /// Codes and scales in separate blobs; `None` where data is rows of the format's blocks.
    pub planar: Option<Planar>,
}

/// Every scheme of version 1.
pub static SCHEMES: [Scheme; 8] = [
    Scheme { name: "F32", code: 1, planar: None },
    Scheme { name: "F16", code: 2, planar: None },
    Scheme { name: "Q8_0", code: 10, planar: Some(Planar::Q8) },
    Scheme { name: "Q4_0", code: 11, planar: Some(Planar::Q4) },
    Scheme { name: "Q4_1", code: 12, planar: None },
    Scheme { name: "Q5_0", code: 13, planar: None },
    Scheme { name: "Q4_K", code: 20, planar: None },
    Scheme { name: "Q6_K", code: 21, planar: None },
];

impl Scheme {
    /// The scheme with a number.
    #[must_use]
    pub fn by_code(code: u32) -> Option<&'static Self> {
        SCHEMES.iter().find(|scheme| scheme.code == code)
    }

    /// The scheme that stores weights like a format does.
    #[must_use]
    pub fn of(format: &FormatInfo) -> Option<&'static Self> {
        SCHEMES.iter().find(|scheme| scheme.name == format.name)
    }

    /// The format of the scheme's name.
    ///
    /// # Panics
    /// Never: a test compares the tables.
    #[must_use]
    pub fn format(&self) -> &'static FormatInfo {
        formats::by_name(self.name).expect("every scheme is named after a format")
    }

    /// The block size that a file has to state, or `None` if the writer may choose.
    pub(super) fn fixed_block(&self) -> Option<u32> {
        match (self.planar, self.format().block_len) {
            (Some(_), _) => None,
            (None, 1) => Some(0),
            (None, len) => Some(len as u32),
        }
    }

    /// Bytes of data and of aux for so many elements, in blocks of `block`; `None` if more than
    /// can be counted.
    pub(super) fn lengths(&self, elements: u64, block: u32) -> Option<(u64, u64)> {
        match self.planar {
            Some(planar) => planar.lengths(elements, block),
            None => {
                let format = self.format();
                let blocks = elements.div_ceil(format.block_len as u64);
                Some((blocks.checked_mul(format.block_bytes as u64)?, 0))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_are_found_by_code_and_by_format() {
        for scheme in &SCHEMES {
            assert_eq!(scheme.format().name, scheme.name);
            assert_eq!(Scheme::by_code(scheme.code), Some(scheme));
            assert_eq!(Scheme::of(scheme.format()), Some(scheme));
        }
        assert_eq!(Scheme::by_code(3), None);
        assert_eq!(Scheme::of(formats::by_name("Q5_K").unwrap()), None);
    }

    #[test]
    fn lengths_follow_the_table_of_the_format() {
        let lengths =
            |code, elements, block| Scheme::by_code(code).unwrap().lengths(elements, block);
        assert_eq!(lengths(1, 5, 0), Some((20, 0)));
        assert_eq!(lengths(2, 5, 0), Some((10, 0)));
        assert_eq!(lengths(10, 100, 64), Some((100, 8)));
        assert_eq!(lengths(11, 101, 64), Some((51, 8)));
        assert_eq!(lengths(20, 512, 256), Some((288, 0)));
        assert_eq!(lengths(1, u64::MAX, 0), None);
    }
}
