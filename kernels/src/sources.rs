//! The sources that kernels are compiled from, besides what their format's declaration generates.
//!
//! What a profile holds was measured with certain machine code. A declaration accounts for its own
//! part of it ([`FormatInfo::code_hash`]); the loops, operations and threads around it are those of
//! this crate, and are told apart by [`HASH`]. [`FormatInfo::kernel_hash`] is both.
//!
//! [`FormatInfo::code_hash`]: crate::FormatInfo::code_hash
//! [`FormatInfo::kernel_hash`]: crate::FormatInfo::kernel_hash

macro_rules! sources {
    ($($path:literal)*) => {
        /// The sources, relative to this one.
        pub const PATHS: &[&str] = &[$($path),*];
        /// Changes with any line of code in them; comments, blank lines and indentation do not count.
        // The compiler reads a few hundred kilobytes for it, once.
        #[allow(long_running_const_eval)]
        pub const HASH: u64 = hash(&[$(include_bytes!($path)),*]);
    };
}

// `tests/house.rs` has the files that are missing here, each with the reason why.
sources! {
    "activations.rs"
    "dense.rs"
    "float.rs"
    "format.rs"
    "gemm.rs"
    "gemm/tiles.rs"
    "gemv.rs"
    "gemv/ahead.rs"
    "gemv/f32.rs"
    "gemv/q8.rs"
    "isa.rs"
    "isa/lanes.rs"
    "isa/rows.rs"
    "isa/shift.rs"
    "isa/spots.rs"
    "isa/tiles.rs"
    "isa/x86.rs"
    "isa/x86/amx.rs"
    "isa/x86/ymm.rs"
    "isa/x86/zmm.rs"
    "isa/x86/zmm/spots.rs"
    "kernel.rs"
    "lines.rs"
    "matmul.rs"
    "matmul/columns.rs"
    "matmul/gemm.rs"
    "matmul/gemm/tiles.rs"
    "matmul/gemv.rs"
    "panel.rs"
    "quantize.rs"
    "threads.rs"
    "threads/team.rs"
}

/// The hash of texts of Rust.
#[must_use]
pub const fn hash(texts: &[&[u8]]) -> u64 {
    let mut hash = 0xCBF2_9CE4_8422_2325;
    let mut n = 0;
    while n < texts.len() {
        let mut rest = texts[n];
        while !rest.is_empty() {
            let (line, after) = rest.split_at(line(rest));
            hash = add(hash, code(line));
            rest = after;
        }
        n += 1;
    }
    hash
}

/// A hash of bytes behind those of another hash (FNV-1a, 64 bits).
pub(crate) const fn add(mut hash: u64, bytes: &[u8]) -> u64 {
    let mut n = 0;
    while n < bytes.len() {
        hash = (hash ^ bytes[n] as u64).wrapping_mul(0x0100_0000_01B3);
        n += 1;
    }
    hash
}

/// Length of the first line, its end included.
const fn line(text: &[u8]) -> usize {
    let mut n = 0;
    while n < text.len() {
        n += 1;
        if text[n - 1] == b'\n' {
            break;
        }
    }
    n
}

/// A line without the white space around it, or nothing if it is a comment.
const fn code(line: &[u8]) -> &[u8] {
    match line.trim_ascii() {
        [b'/', b'/', ..] => &[],
        code => code,
    }
}
