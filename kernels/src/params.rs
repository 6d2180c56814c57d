//! Everything the tuner may vary.

use crate::isa::IsaInfo;
use crate::kernel::Numerics;
use crate::plan::Problem;
use kernel_macros::Tunable;

/// A knob: what `derive(Tunable)` knows of a field.
#[derive(Clone, Copy, Debug)]
pub struct Knob {
    /// Key in profiles.
    pub name: &'static str,
    /// What it does.
    pub manual: &'static str,
    /// Values worth trying.
    pub choices: &'static [u32],
    /// The value without a profile.
    pub default: u32,
    /// Whether the choices are kernels, rather than arguments of one.
    pub compiled: bool,
}

/// A struct of knobs as a table.
pub trait Tunable: Default {
    /// One per field, in order.
    const KNOBS: &'static [Knob];
    /// The value of a knob; `None` for an unknown name.
    fn get(&self, knob: &str) -> Option<u32>;
    /// Sets a knob; `false` for an unknown name, or a value that its type cannot hold.
    fn set(&mut self, knob: &str, value: u32) -> bool;
}

/// One field, one knob; its doc comment is its manual.
#[derive(Tunable, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Params {
    /// Weight rows that gemv decodes side by side (MR). More rows share activations, and are more
    /// streams of reads.
    #[tune(compiled, choices = [1, 2, 4], default = 1)]
    pub rows: u8,
    /// Activation columns of gemm's register tile (NR). More columns reuse the codes longer,
    /// until registers run out.
    #[tune(compiled, choices = [3, 4, 5, 6], default = 6)]
    pub columns: u8,
    /// The batch from which gemm, which unpacks weights first, replaces gemv.
    #[tune(choices = [2, 3, 4, 5, 6, 8, 12, 16, 32], default = 5)]
    pub switch_at: u16,
    /// The batch from which tile registers multiply in bfloat16 what is quantized otherwise, on CPUs
    /// that have them; 65535 is never. A tile costs as much as 32 columns, however many there are.
    #[tune(choices = [12, 64, 65535], default = 64)]
    pub tiles_at: u16,
    /// Weight rows of a gemv job. Small balances threads, large saves trips to the counter.
    #[tune(choices = [16, 32, 64, 128, 256], default = 128)]
    pub grain: u16,
    /// Register tiles of weights that gemm keeps in L2 at a time, for batches above 32. Each column
    /// panel is read once for all.
    #[tune(choices = [1, 2, 4, 8], default = 4)]
    pub panels: u16,
    /// Bytes that gemv asks for ahead of use; 0 leaves it to the hardware.
    #[tune(choices = [0, 1024, 2048, 3072, 4096, 8192], default = 3072)]
    pub prefetch: u16,
    /// Cache lines that gemv asks for where a page starts, the rest is left to the hardware, which
    /// follows a stream of reads but not into the next page; 64 is every line, as for several
    /// streams always.
    #[tune(choices = [0, 4, 8, 16, 64], default = 8)]
    pub lines: u8,
    /// The cache that gemv asks for lines to come to. 1 asks for every line.
    #[tune(choices = [1, 2], default = 2)]
    pub level: u8,
    /// Threads to use; 0 is all of the pool.
    #[tune(choices = [0, 1, 2, 4, 8, 16, 32, 64], default = 0)]
    pub threads: u16,
}

impl Params {
    /// The knobs for a problem on an instruction set without a profile.
    ///
    /// Dense weights are all that there is to do: hardware sees their stream and follows it better by
    /// itself, as long as it is one. Weights of less than four bits take long to decode and little
    /// to read: hardware does not run far ahead of such a stream.
    ///
    /// Activations are read again for every row. Where those of a column outgrow half of L1, reading
    /// them takes the places of loads that wait for weights, and several rows must share them; where
    /// those of a few columns do, gemm is faster, which reads them once for a whole panel of rows.
    ///
    /// Servers with tile registers wait longer for memory, and their hardware does not run far
    /// enough ahead of one stream: four rows side by side, asked for line by line, are read 1.1 to 1.6
    /// times as fast (Emerald Rapids; dense weights gain most, those below three bits nothing).
    #[must_use]
    pub fn untuned(problem: &Problem, isa: &IsaInfo) -> Self {
        let Problem { format, depth, .. } = *problem;
        let class = problem.class_on(isa);
        let bits = 8 * format.block_bytes / format.block_len;
        let is_dense = bits >= 16;
        let defaults = match (isa.has_tiles, bits) {
            (true, 6..) => Self { rows: 4, prefetch: 8192, lines: EVERY, ..Self::default() },
            (true, 3..=5) => Self { rows: 4, prefetch: 3072, lines: EVERY, ..Self::default() },
            (true, ..=2) | (false, ..=3) => Self { prefetch: 2048, level: 1, ..Self::default() },
            (false, 16..) => Self { prefetch: 8192, lines: 0, ..Self::default() },
            (false, 4..=15) => Self::default(),
        };
        let bytes = match class {
            // Quants have a scale, and a sum times the scale, for every 32 of them.
            Numerics::Q8 | Numerics::Q8x256 => depth.saturating_add(depth / 4),
            Numerics::Bf16 if format.is_bf16() => depth.saturating_mul(2),
            _ => depth.saturating_mul(4),
        };
        let rows = if bytes > HALF_OF_L1 { 4 } else { defaults.rows };
        let switch_at = gemm_from(problem, isa, bytes);
        // What has no integer kernels is multiplied in floats until then, several times as slowly.
        let tiles_at = if is_dense { TILES_FROM } else { defaults.tiles_at };
        Self { rows, switch_at, tiles_at, ..defaults }
    }
}

/// The batch from which unpacking once is less work than decoding for every few columns of `bytes`.
fn gemm_from(problem: &Problem, isa: &IsaInfo, bytes: usize) -> u16 {
    let (class, format) = (problem.class_on(isa), problem.format);
    let bits = 8 * format.block_bytes / format.block_len;
    let has_bf16 = format.kernels.iter().any(|k| k.isa == isa && k.class == Numerics::Bf16);
    let in_bf16 = has_bf16 && isa.multiplies_bf16();
    match class {
        Numerics::Q8 | Numerics::Q8x256 if isa.has_tiles => FROM_ON_SERVERS,
        Numerics::Q8 | Numerics::Q8x256 => match bits {
            4.. => {
                let fit = HALF_OF_L1 * 3 / 2 / bytes.max(1);
                u16::try_from(fit + 1).map_or(FROM, |from| from.clamp(2, FROM))
            }
            3 => FROM,
            _ => 5,
        },
        // Multiplied twice as fast as floats; but in gemv, too, pairs are worth something. A tile
        // takes 32 columns in the time of one.
        Numerics::Bf16 if in_bf16 && format.is_bf16() => 6,
        Numerics::Bf16 if in_bf16 && !isa.has_tiles => 3,
        Numerics::Bf16 if in_bf16 && bits >= 16 => 9,
        Numerics::F32 if in_bf16 && isa.has_tiles && problem.class.quantizes() => TILES_FROM,
        _ if bits < 16 => 5,
        _ if isa.lanes == WIDE => DENSE_FROM,
        _ => 8,
    }
}

/// Measured on Zen 4, 4096 x 4096 times 4: gemm takes 0.7 to 1.15 of gemv's time with one thread,
/// 1.0 to 1.1 with two; in a noisy run Q4_K once took 1.5. Where there is little to decode, 5 is
/// better.
const FROM: u16 = 4;
/// On Emerald Rapids, whose first-level cache is larger by half: times 4, gemv takes 0.84 (Q8_0) to
/// 1.1 (Q4_0) of gemm's time with rows of 4096 weights, and less on a busy machine; times 5 more.
const FROM_ON_SERVERS: u16 = 5;
/// Dense weights, which gemv need only widen, there: F16 takes 0.7 of gemm's time times 8, 0.83 times
/// 12, 0.9 times 16, and 1.2 times 24.
const DENSE_FROM: u16 = 17;
/// Tile registers take 0.8 of gemv's time times 12, and 0.65 times 16.
const TILES_FROM: u16 = 12;
/// Lanes of instruction sets whose registers hold wide tiles of dense weights.
const WIDE: usize = 64;
/// Cache lines of a page: every one is asked for.
const EVERY: u8 = 64;
/// Bytes of the smallest first-level data cache that is common, halved: the rest is for weights.
const HALF_OF_L1: usize = 16 << 10;
