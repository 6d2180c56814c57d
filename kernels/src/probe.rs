//! Loops that measure the machine: what the kernels' loops could reach if they did nothing else.
//!
//! No clock here; whoever has one runs a probe and divides.

use crate::gemm::tiles::{COLUMNS, ROWS};
use crate::isa::{Isa, IsaInfo, Square, Tiles, array, tiles};
use std::hint::black_box;

/// A measuring loop.
pub enum Probe<'a> {
    /// Int8 dot products on registers, as `gemm` makes them: `rounds * DOTS * LANES`
    /// multiply-adds.
    Dot {
        /// Iterations.
        rounds: usize,
    },
    /// `f32` fused multiply-adds on registers: `rounds * FMAS * LANES / 4`.
    Fma {
        /// Iterations.
        rounds: usize,
    },
    /// Bfloat16 dot products on registers: `rounds` times [`IsaInfo::bf16_macs`]. Only where
    /// [`IsaInfo::multiplies_bf16`] holds.
    Bf16 {
        /// Iterations.
        rounds: usize,
    },
    /// Reads of all whole kibibytes of `bytes`, as `streams` streams side by side.
    Read {
        /// Larger than the caches.
        bytes: &'a [u8],
        /// 1, 2, 4 or 8.
        streams: usize,
        /// Bytes to prefetch ahead; 0 does not prefetch.
        prefetch: usize,
    },
}

/// Dot products of registers in a round of [`Probe::Dot`].
pub const DOTS: usize = SUMS * 8;
/// Sums that take turns: more than the cycles that a dot product takes, times two a cycle.
const SUMS: usize = 12;
/// Operations on registers in a round of [`Probe::Fma`] and of [`Probe::Bf16`].
pub const FMAS: usize = 12;

impl IsaInfo {
    /// Runs a measuring loop on this instruction set.
    ///
    /// # Panics
    /// If this CPU does not have it.
    pub fn run_probe(&self, probe: &mut Probe<'_>) {
        let supported = match probe {
            Probe::Bf16 { .. } => self.multiplies_bf16(),
            _ => self.is_supported(),
        };
        assert!(supported, "{} is not supported by this CPU", self.name);
        // SAFETY: the CPU has the instruction set's features, as asserted.
        unsafe { (self.probe)(probe) }
    }

    /// Multiply-adds of one round of [`Probe::Dot`].
    #[must_use]
    pub fn dot_macs(&self) -> usize {
        DOTS * self.lanes
    }

    /// Multiply-adds of one round of [`Probe::Bf16`].
    #[must_use]
    pub fn bf16_macs(&self) -> usize {
        FMAS * self.bf16_macs
    }

    /// Multiply-adds of one round of [`Probe::Fma`].
    #[must_use]
    pub fn fma_macs(&self) -> usize {
        FMAS * self.lanes / 4
    }
}

/// Runs a probe.
#[inline(always)]
pub fn run<I: Isa>(isa: I, probe: &mut Probe<'_>) {
    match probe {
        Probe::Dot { rounds } => dots(isa, *rounds),
        Probe::Fma { rounds } => fmas(isa, *rounds),
        Probe::Bf16 { rounds } => bf16_dots(isa, *rounds),
        Probe::Read { bytes, streams, prefetch } => match streams {
            8.. => read::<I, 8>(isa, bytes, *prefetch),
            4.. => read::<I, 4>(isa, bytes, *prefetch),
            2.. => read::<I, 2>(isa, bytes, *prefetch),
            _ => read::<I, 1>(isa, bytes, *prefetch),
        },
    }
}

/// Runs a probe on an instruction set with tile registers.
#[inline(always)]
pub fn run_tiles<I: Isa, T: Tiles>(isa: I, tiles: T, probe: &mut Probe<'_>) {
    match probe {
        Probe::Bf16 { rounds } => tile_dots(tiles, *rounds),
        probe => run(isa, probe),
    }
}

#[inline(always)]
fn dots<I: Isa>(isa: I, rounds: usize) {
    /// Codes of four bits: the shortest sequence where dot products saturate.
    const CODE_MAX: u32 = 15;
    let codes: [I::Bytes; 8] = array(
        #[inline(always)]
        |n| isa.splat_u8(black_box(n as u8)),
    );
    // Each sum has quants of its own, and none of them is known from round to round: otherwise a
    // compiler would multiply once and only add. Sums take turns, so that none waits for itself.
    let mut quants: [[i8; 32]; SUMS] = [[1; 32]; SUMS];
    let mut sums = [isa.splat_i32(0); SUMS];
    for _ in 0..rounds {
        let quants = black_box(&mut quants);
        if I::SATURATES {
            // Two registers of codes share quants, as two panels do.
            let mut pairs = [isa.splat_u8(0); SUMS];
            for step in 0..8 {
                for n in 0..SUMS {
                    let quad = isa.quad(&quants[n / 2], 4 * step);
                    pairs[n] =
                        isa.add_pairs(pairs[n], isa.pairs(codes[4 * (n % 2) + step / 2], quad));
                }
            }
            for n in 0..SUMS {
                sums[n] = isa.sum_pairs(sums[n], pairs[n]);
            }
        } else {
            for step in 0..8 {
                for n in 0..SUMS {
                    let quad = isa.quad(&quants[n], 4 * step);
                    sums[n] = isa.dot(sums[n], codes[step], quad, CODE_MAX);
                }
            }
        }
    }
    let mut total = isa.splat(0.0);
    for sum in sums {
        total = isa.add(total, isa.to_f32(sum));
    }
    black_box(isa.sum(total));
}

#[inline(always)]
fn fmas<I: Isa>(isa: I, rounds: usize) {
    let (a, b) = (isa.splat(black_box(0.5)), isa.splat(black_box(0.25)));
    let mut sums = [isa.splat(0.0); FMAS];
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = isa.fma(*sum, a, b);
        }
    }
    let mut total = isa.splat(0.0);
    for sum in sums {
        total = isa.add(total, sum);
    }
    black_box(isa.sum(total));
}

#[inline(always)]
fn bf16_dots<I: Isa>(isa: I, rounds: usize) {
    let (a, b) = (isa.splat_u8(black_box(0x3F)), isa.splat_u8(black_box(0x3E)));
    let mut sums = [isa.splat(0.0); FMAS];
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = isa.dot_bf16(*sum, a, b);
        }
    }
    let mut total = isa.splat(0.0);
    for sum in sums {
        total = isa.add(total, sum);
    }
    black_box(isa.sum(total));
}

/// With their loads, without which tile registers multiply nothing: all of the same few lines.
#[inline(always)]
fn tile_dots<T: Tiles>(mut registers: T, rounds: usize) {
    #[repr(align(64))]
    struct Operands([u8; tiles::ROWS], [u8; tiles::PAIRS]);
    let operands = black_box(Operands([0x3F; tiles::ROWS], [0x3E; tiles::PAIRS]));
    registers.zero();
    for _ in 0..rounds * FMAS {
        registers.add_products([&operands.0; 2], 64, &operands.1);
    }
    let mut sums = Square([0.0; ROWS * COLUMNS]);
    registers.sums(&mut sums);
    black_box(sums);
}

#[inline(always)]
fn read<I: Isa, const STREAMS: usize>(isa: I, bytes: &[u8], prefetch: usize) {
    const STEP: usize = 256;
    let length = bytes.len() / STREAMS / STEP * STEP;
    let streams: [&[u8]; STREAMS] = array(
        #[inline(always)]
        |n| &bytes[n * length..(n + 1) * length],
    );
    let mut seen = [isa.splat_u8(0); STREAMS];
    for at in (0..length).step_by(STEP) {
        for n in 0..STREAMS {
            if prefetch > 0 {
                for line in 0..STEP / 64 {
                    isa.prefetch(streams[n].as_ptr().wrapping_add(at + prefetch + 64 * line));
                }
            }
            let chunk = &streams[n][at..at + STEP];
            for register in 0..STEP / I::LANES {
                seen[n] = isa.xor(seen[n], isa.load(chunk, register * I::LANES));
            }
        }
    }
    let mut all = isa.splat_u8(0);
    for seen in seen {
        all = isa.or(all, seen);
    }
    black_box(isa.sum(isa.widen(all, 0)));
}
