//! The oracle: every block layout once more, as plainly as its specification reads.
//!
//! Nothing here shares a line with the code under test: no macro, no vector type, no float crate. Each
//! decoder is one formula `w[i] = ...` evaluated element by element, and the table below says everything
//! else there is to know about a layout. Floats are evaluated in `f32` and in the order of the formula, so
//! the results equal those of ggml's reference decoders bit for bit. Kernels are judged against
//! [`matmul`], whose sums run in `f64` and are therefore exact enough to be called the truth.
//!
//! A test includes this module with `mod naive;`, draws weights with [`adversarial_blocks`] and activations
//! with [`Rng`] (which prints its seed under `{:?}`), and compares by [`nmse`] or by bits.

// Every test binary is a crate of its own and uses another part of this module.
#![allow(dead_code, unused_imports, unreachable_pub)]

mod codebooks;
mod data;
mod floats;
mod kquants;
mod legacy;
mod rng;
mod ternary;

pub use data::{adversarial_blocks, bless, golden, shared_golden};
pub use floats::Float;
pub use rng::Rng;

use Float::{Bf16, E8m0, F16, F32, Ue4m3};

/// One block layout: what a file calls it, its size, and what its bytes mean.
pub struct Decoder {
    pub name: &'static str,
    /// The type's number in GGUF.
    pub ggml_type: u32,
    /// Weights in a block.
    pub block_len: usize,
    /// Bytes of a block.
    pub block_bytes: usize,
    /// The float fields, each by its offset in the block: what a generator of test data has to keep finite.
    pub floats: &'static [(usize, Float)],
    /// `block_bytes` bytes to `block_len` weights.
    pub decode: fn(block: &[u8], out: &mut [f32]),
}

type Floats = &'static [(usize, Float)];
type Decode = fn(&[u8], &mut [f32]);

const fn row(
    (name, ggml_type): (&'static str, u32),
    (block_len, block_bytes): (usize, usize),
    floats: Floats,
    decode: Decode,
) -> Decoder {
    Decoder { name, ggml_type, block_len, block_bytes, floats, decode }
}

/// Every layout the oracle knows: (name, GGUF number), (weights, bytes), float fields, decoder.
#[rustfmt::skip] // a table
pub static DECODERS: &[Decoder] = &[
    row(("F32", 0),     (1, 4),     &[(0, F32)],            floats::f32_block),
    row(("F16", 1),     (1, 2),     &[(0, F16)],            floats::f16_block),
    row(("BF16", 30),   (1, 2),     &[(0, Bf16)],           floats::bf16_block),
    row(("Q4_0", 2),    (32, 18),   &[(0, F16)],            legacy::q4_0),
    row(("Q4_1", 3),    (32, 20),   &[(0, F16), (2, F16)],  legacy::q4_1),
    row(("Q5_0", 6),    (32, 22),   &[(0, F16)],            legacy::q5_0),
    row(("Q5_1", 7),    (32, 24),   &[(0, F16), (2, F16)],  legacy::q5_1),
    row(("Q8_0", 8),    (32, 34),   &[(0, F16)],            legacy::q8_0),
    row(("Q2_K", 10),   (256, 84),  &[(80, F16), (82, F16)], kquants::q2_k),
    row(("Q3_K", 11),   (256, 110), &[(108, F16)],          kquants::q3_k),
    row(("Q4_K", 12),   (256, 144), &[(0, F16), (2, F16)],  kquants::q4_k),
    row(("Q5_K", 13),   (256, 176), &[(0, F16), (2, F16)],  kquants::q5_k),
    row(("Q6_K", 14),   (256, 210), &[(208, F16)],          kquants::q6_k),
    row(("IQ4_NL", 20), (32, 18),   &[(0, F16)],            codebooks::iq4_nl),
    row(("IQ4_XS", 23), (256, 136), &[(0, F16)],            codebooks::iq4_xs),
    row(("MXFP4", 39),  (32, 17),   &[(0, E8m0)],           codebooks::mxfp4),
    row(("NVFP4", 40),  (64, 36),   &[(0, Ue4m3), (1, Ue4m3), (2, Ue4m3), (3, Ue4m3)], codebooks::nvfp4),
    row(("TQ2_0", 35),  (256, 66),  &[(64, F16)],           ternary::tq2_0),
    row(("Q1_0", 41),   (128, 18),  &[(0, F16)],            ternary::q1_0),
    row(("Q2_0", 42),   (64, 18),   &[(0, F16)],            ternary::q2_0),
];

/// The decoder of a layout, by the name it has in GGUF.
pub fn decoder(name: &str) -> Option<&'static Decoder> {
    DECODERS.iter().find(|d| d.name == name)
}

/// As [`decoder`], for tests that name a layout which must be there.
fn expect_decoder(name: &str) -> &'static Decoder {
    decoder(name).unwrap_or_else(|| panic!("the oracle has no decoder for {name}"))
}

/// Whole blocks to weights.
///
/// # Panics
///
/// If the oracle does not know `name`, or `bytes` ends inside a block.
pub fn decode(name: &str, bytes: &[u8]) -> Vec<f32> {
    let format = expect_decoder(name);
    let blocks = bytes.chunks_exact(format.block_bytes);
    assert!(
        blocks.remainder().is_empty(),
        "{name}: {} bytes are not a multiple of {}",
        bytes.len(),
        format.block_bytes
    );
    let mut weights = vec![0.0; blocks.len() * format.block_len];
    for (block, out) in blocks.zip(weights.chunks_exact_mut(format.block_len)) {
        (format.decode)(block, out);
    }
    weights
}

/// The textbook product `y = x w^T` over decoded weights, summed in `f64`.
///
/// `weights` is (n, k) in blocks along k, `x` is (m, k), the result is (m, n); all row-major.
///
/// # Panics
///
/// If the oracle does not know `format` or the sizes do not agree.
pub fn matmul(format: &str, weights: &[u8], n: usize, k: usize, x: &[f32], m: usize) -> Vec<f64> {
    let w = decode(format, weights); // (n, k)
    assert_eq!(w.len(), n * k, "{format}: weights are not ({n}, {k})");
    assert_eq!(x.len(), m * k, "activations are not ({m}, {k})");
    let mut y = vec![0.0; m * n]; // (m, n)
    for i in 0..m {
        for j in 0..n {
            for l in 0..k {
                // A product of two f32 is exact in f64; only the sum rounds.
                y[i * n + j] += f64::from(x[i * k + l]) * f64::from(w[j * k + l]);
            }
        }
    }
    y
}

/// The normalized mean squared error `sum (got - want)^2 / sum want^2`.
///
/// Zero if both are zero throughout. A NaN or an infinity has to be met by the same one: where it is, the
/// element does not count; where it is not, the error is infinite, so that no tolerance lets it pass.
///
/// # Panics
///
/// If the lengths differ.
pub fn nmse(got: &[f32], want: &[f64]) -> f64 {
    assert_eq!(got.len(), want.len(), "lengths differ");
    let (mut error, mut power) = (0.0, 0.0);
    for (&got, &want) in got.iter().zip(want) {
        let got = f64::from(got);
        if got.is_finite() && want.is_finite() {
            error += (got - want).powi(2);
            power += want.powi(2);
        } else if got != want && !(got.is_nan() && want.is_nan()) {
            return f64::INFINITY;
        }
    }
    if error == 0.0 { 0.0 } else { error / power }
}

/// F16 weights with as few bits as bfloat16 has: rounding them to that changes nothing.
#[allow(dead_code)]
pub fn shortened(mut weights: Vec<u8>) -> Vec<u8> {
    weights.iter_mut().step_by(2).for_each(|low| *low &= 0xF8);
    weights
}
