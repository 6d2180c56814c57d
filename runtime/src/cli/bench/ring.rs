//! Weights that are never in a cache when their turn comes: a ring of copies, larger than the
//! caches, that calls go round. Timing the same matrix over and over measures the cache, and
//! picks other kernels than a model wants, which reads each weight once per token.

use std::cell::Cell;

use anyhow::{Context as _, bail};
use kernels::FormatInfo;
use runtime::pages::Pages;

use super::work::Work;

/// Where tensors begin in a GGUF file.
const ALIGNMENT: usize = 32;

/// Blocks that random matrices are made of.
const PALETTE: usize = 256;

/// How many bytes are cold when they come around again: four times the last cache, because
/// replacement is not exactly the oldest first, and strangers may have more of it than we see.
pub(crate) fn cold_bytes(l3_kib: usize) -> usize {
    if l3_kib == 0 { 256 << 20 } else { 4 * (l3_kib << 10) }
}

/// Copies of weight matrices.
pub(crate) struct Ring {
    bytes: Option<Pages>,
    each: usize,
    stride: usize,
    cold: usize,
    turn: Cell<usize>,
}

impl Ring {
    /// A ring that is going to have at least `cold` bytes.
    pub(crate) fn new(cold: usize) -> Self {
        Self { bytes: None, each: 0, stride: 1, cold, turn: Cell::new(0) }
    }

    /// Fills the ring with the matrices of a shape, or with random ones.
    pub(crate) fn fill(&mut self, work: &Work<'_>) -> anyhow::Result<()> {
        self.each = work.bytes();
        self.stride = self.each.next_multiple_of(ALIGNMENT);
        let slots = self.cold.div_ceil(self.stride);
        let need = slots.checked_mul(self.stride).context("the weights are too large")?;
        // The old one first: both may be more than there is.
        self.bytes = None;
        let no_memory =
            || format!("{work}: there is no memory for {}", crate::cli::size(need as u64));
        let mut bytes = Pages::zeroed(need).with_context(no_memory)?;
        let mut random = match work.weights.is_empty() {
            true => Some(Palette::new(work.format)?),
            false => None,
        };
        for (slot, bytes) in bytes.chunks_exact_mut(self.stride).enumerate() {
            let bytes = &mut bytes[..self.each];
            match &mut random {
                Some(palette) => palette.fill(bytes),
                None => bytes.copy_from_slice(work.weights[slot % work.weights.len()]),
            }
        }
        self.bytes = Some(bytes);
        self.turn.set(0);
        Ok(())
    }

    /// Copy `n`, counted round.
    pub(crate) fn slot(&self, n: usize) -> &[u8] {
        let bytes = self.bytes.as_deref().unwrap_or_default();
        let slots = bytes.len() / self.stride;
        &bytes[n % slots * self.stride..][..self.each]
    }

    /// The copy that was not used for the longest time.
    pub(crate) fn next(&self) -> &[u8] {
        self.turn.set(self.turn.get() + 1);
        self.slot(self.turn.get())
    }
}

/// Blocks with weights as models have them; random bytes would be infinite here and there.
pub(crate) struct Palette {
    blocks: Vec<u8>,
    block: usize,
    random: Random,
}

impl Palette {
    pub(crate) fn new(format: &'static FormatInfo) -> anyhow::Result<Self> {
        let mut random = Random(0x7769_6C65);
        let weights: Vec<f32> =
            (0..PALETTE * format.block_len).map(|_| random.normal() * 0.05).collect();
        let mut blocks = vec![0; PALETTE * format.block_bytes];
        if format.quantize(&weights, &mut blocks).is_err() {
            blocks = random.blocks(format)?;
        }
        Ok(Self { blocks, block: format.block_bytes, random })
    }

    /// Fills room for whole blocks.
    pub(crate) fn fill(&mut self, to: &mut [u8]) {
        for block in to.chunks_exact_mut(self.block) {
            let at = self.random.below(PALETTE) * self.block;
            block.copy_from_slice(&self.blocks[at..at + self.block]);
        }
    }
}

/// Numbers to fill buffers with, the same in every run: splitmix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (((self.next() >> 32) * limit as u64) >> 32) as usize
    }

    /// Nearly normal, variance 1: the sum of four uniform numbers.
    fn normal(&mut self) -> f32 {
        let bits = self.next();
        let sum: u64 = (0..4).map(|n| bits >> (16 * n) & 0xFFFF).sum();
        (sum as f32 / 65_536.0 - 2.0) * 1.732
    }

    /// Random blocks of a format without encoder: those whose weights are finite and moderate.
    fn blocks(&mut self, format: &FormatInfo) -> anyhow::Result<Vec<u8>> {
        let mut blocks = Vec::with_capacity(PALETTE * format.block_bytes);
        let mut weights = vec![0.0; format.block_len];
        for _ in 0..1000 * PALETTE {
            let block: Vec<u8> = (0..format.block_bytes).map(|_| self.next() as u8).collect();
            format.dequantize(&block, &mut weights)?;
            if weights.iter().all(|w| w.abs() < 100.0) {
                blocks.extend_from_slice(&block);
            }
            if blocks.len() == blocks.capacity() {
                return Ok(blocks);
            }
        }
        bail!("no random block of {} has moderate weights", format.name)
    }
}

/// Activations to multiply with: nearly normal.
pub(crate) fn activations(count: usize) -> Vec<f32> {
    let mut random = Random(1);
    (0..count).map(|_| random.normal()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_weights_of_every_format_are_finite_and_not_all_alike() {
        for format in kernels::formats::all() {
            let blocks = 4 * format.block_len;
            let work = Work {
                format,
                rows: 3,
                depth: blocks,
                count: 1,
                roles: String::new(),
                group: "",
                weights: Vec::new(),
            };
            let mut ring = Ring::new(1000);
            ring.fill(&work).unwrap();
            let mut weights = vec![0.0; 3 * blocks];
            format.dequantize(ring.slot(1), &mut weights).unwrap();
            assert!(weights.iter().all(|w| w.is_finite()), "{}", format.name);
            assert!(weights.iter().any(|w| *w != weights[0]), "{}", format.name);
        }
    }

    #[test]
    fn a_ring_goes_round_the_matrices_of_a_file() {
        let (a, b) = ([1; 34], [2; 34]);
        let format = kernels::formats::by_name("Q8_0").unwrap();
        let work = Work {
            format,
            rows: 1,
            depth: 32,
            count: 2,
            roles: String::new(),
            group: "",
            weights: vec![&a, &b],
        };
        let mut ring = Ring::new(4 * 64);
        ring.fill(&work).unwrap();
        assert_eq!(ring.bytes.as_ref().map(|bytes| bytes.len()), Some(4 * 64));
        let turns: Vec<u8> = (0..5).map(|_| ring.next()[0]).collect();
        assert_eq!(turns, [2, 1, 2, 1, 2]);
        assert_eq!(ring.slot(0).len(), 34);
    }
}
