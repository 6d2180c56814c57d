//! `general.file_type`: a number for what most of a file's tensors are, which tools show.

/// Type and number, of `enum llama_ftype` in llama.cpp's `llama.h`. Mixtures of K-quants have
/// several numbers; these are those of the plain ones.
const FILE_TYPES: [(&str, u32); 19] = [
    ("F32", 0),
    ("F16", 1),
    ("Q4_0", 2),
    ("Q4_1", 3),
    ("Q8_0", 7),
    ("Q5_0", 8),
    ("Q5_1", 9),
    ("Q2_K", 10),
    ("Q3_K", 11),
    ("Q4_K", 14),
    ("Q5_K", 16),
    ("Q6_K", 18),
    ("IQ4_NL", 25),
    ("IQ4_XS", 30),
    ("BF16", 32),
    ("TQ1_0", 36),
    ("TQ2_0", 37),
    ("MXFP4", 38),
    ("NVFP4", 39),
];

/// The number for files of a type, if there is one.
pub(super) fn number(format: &str) -> Option<u32> {
    FILE_TYPES.iter().find(|(name, _)| *name == format).map(|(_, number)| *number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_this_build_have_one_number_each() {
        let mut numbers = FILE_TYPES.map(|(_, number)| number);
        numbers.sort_unstable();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(number("Q4_K"), Some(14));
        assert_eq!(number("(none)"), None);
    }
}
