//! Instruction sets: the operations that the loops are written in.
//!
//! [`Isa`] is the vocabulary. Its meaning is [`Scalar`], plain Rust on arrays; every
//! other instruction set says the same with intrinsics and is tested against it, operation by
//! operation. An instruction set is a *token*: a zero-sized value that can only be had from
//! `detect`, or inside code compiled with the features, so holding one proves that the CPU has
//! them. All of this is inlined into kernels; nothing here is called at run time.
//!
//! Registers:
//!
//! | type | holds |
//! |---|---|
//! | `Bytes` | `LANES` codes or quants, a byte each, along K |
//! | `I32`, `F32` | `LANES / 4` sums |
//! | `Groups` | 16 `f32`: one value per unit of a span |
//! | `Kept` | the same, to be spread over the lanes of sums |
//! | `Small` | 16 bytes: the integers that become `Groups` |
//!
//! Registers that hold matrices are another vocabulary, [`Tiles`], beside that of vectors.

use crate::activations::{FloatRow, GROUP, HALF, Row};
use crate::probe::Probe;
use kernel_macros::isa_tokens;

mod lanes;
mod rows;
mod shift;
mod spots;
pub mod tiles;
pub use lanes::{Lanes, Scalar};
pub use rows::Rows;
pub use shift::{Fields, Shift};
pub use spots::Spots;
pub use tiles::{PlainTiles, Square, Tiles};
#[cfg(target_arch = "x86_64")]
mod x86;

isa_tokens! {}

/// 32-bit numbers of the widest register: a loop over less takes a whole one.
pub(crate) const VECTOR: usize = 16;

/// `[f(0), f(1), ...]`, inlined whatever the build: `std::array::from_fn` may become a call where
/// the compiler works on parts of a crate apart.
#[inline(always)]
pub(crate) fn array<T: Copy, const N: usize>(mut f: impl FnMut(usize) -> T) -> [T; N] {
    let mut all = [f(0); N];
    let mut n = 1;
    while n < N {
        all[n] = f(n);
        n += 1;
    }
    all
}

/// An instruction set at run time.
pub struct IsaInfo {
    /// As in `TILEWRIGHT_ISA`, profiles and kernel names.
    pub name: &'static str,
    /// One line for tables.
    pub summary: &'static str,
    /// Bytes in a register.
    pub lanes: usize,
    /// Panels of weights side by side in a register tile of `gemm`.
    pub panels: usize,
    /// Widest register tile of `gemm`, in activation columns.
    pub columns: usize,
    /// Whether it multiplies matrices of bfloat16 on tile registers.
    pub has_tiles: bool,
    pub(crate) detect: fn() -> bool,
    pub(crate) detect_bf16: fn() -> bool,
    /// Multiply-adds of one operation on bfloat16.
    pub(crate) bf16_macs: usize,
    pub(crate) quantize: unsafe fn(&mut Row<'_>),
    pub(crate) round: unsafe fn(&mut FloatRow<'_>),
    pub(crate) probe: unsafe fn(&mut Probe<'_>),
}

impl IsaInfo {
    /// Whether this CPU and its operating system have it.
    #[must_use]
    pub fn is_supported(&self) -> bool {
        (self.detect)()
    }

    /// Whether this CPU has what its kernels for bfloat16 times bfloat16 need, too.
    #[must_use]
    pub fn multiplies_bf16(&self) -> bool {
        self.is_supported() && (self.detect_bf16)()
    }
}

impl std::fmt::Debug for IsaInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for IsaInfo {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for IsaInfo {}

/// The instruction sets of this CPU, the one to prefer first.
#[must_use]
pub fn supported() -> Vec<&'static IsaInfo> {
    ISAS.iter().rev().copied().filter(|isa| isa.is_supported()).collect()
}

/// The instruction set called `name`, if this CPU has it.
///
/// # Errors
/// If there is none of that name, or this CPU lacks it; the message lists what there is.
pub fn by_name(name: &str) -> Result<&'static IsaInfo, UnknownIsa> {
    let found = ISAS.iter().copied().find(|isa| isa.name == name);
    found.filter(|isa| isa.is_supported()).ok_or_else(|| UnknownIsa {
        name: name.to_owned(),
        known: found.is_some(),
        supported: supported().iter().map(|isa| isa.name).collect::<Vec<_>>().join(", "),
    })
}

/// The instruction set that kernels are chosen for: `TILEWRIGHT_ISA` if it is set, else the best.
///
/// # Errors
/// If `TILEWRIGHT_ISA` names no instruction set of this CPU.
pub fn chosen() -> Result<&'static IsaInfo, UnknownIsa> {
    match std::env::var_os("TILEWRIGHT_ISA") {
        Some(name) if !name.is_empty() => by_name(&name.to_string_lossy()),
        _ => Ok(best()),
    }
}

/// The best instruction set of this CPU.
#[must_use]
pub fn best() -> &'static IsaInfo {
    supported().first().copied().unwrap_or(&scalar::INFO)
}

/// A name that stands for no usable instruction set.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "instruction set \"{name}\" {}; this CPU has: {supported}",
    if *known { "is not supported by this CPU" } else { "does not exist" }
)]
pub struct UnknownIsa {
    name: String,
    known: bool,
    supported: String,
}

/// Group values that are to be spread over the lanes of sums.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub struct Kept(pub(crate) [f32; 16]);

impl Kept {
    /// Room for them.
    pub const ROOM: Self = Self([0.0; 16]);
}

/// The operations of an instruction set. Their meaning is written out in `lanes.rs`.
///
/// Loads take a slice and a position and panic outside of it; positions are constants after
/// inlining, so the checks vanish.
#[allow(missing_docs)]
pub trait Isa: Copy + Send + Sync + 'static {
    /// Bytes in a register.
    const LANES: usize;
    /// Whether `dot` works through 16-bit sums that saturate, so that codes must be small.
    const SATURATES: bool;
    type Bytes: Copy;
    type I32: Copy;
    type F32: Copy;
    type Groups: Copy;
    type Small: Copy;

    // Bytes: loads and moves.

    /// `LANES` bytes from `at`.
    fn load(self, from: &[u8], at: usize) -> Self::Bytes;
    /// All of `from`, fewer bytes than `LANES`; zeros after.
    fn load_prefix(self, from: &[u8]) -> Self::Bytes;
    /// Half a register from `low`, half from `high`.
    fn load_halves(self, from: &[u8], low: usize, high: usize) -> Self::Bytes;
    /// `LANES` quants from `at`.
    fn load_i8(self, from: &[i8], at: usize) -> Self::Bytes;
    /// Four quants from `at`, over and over.
    fn quad(self, from: &[i8], at: usize) -> Self::Bytes;
    fn store(self, v: Self::Bytes, to: &mut [u8], at: usize);
    /// Four dwords of each of `LANES / 4` rows, by columns: dword r of register n is dword n of the
    /// 16 bytes of row r from `at` on.
    fn dwords(self, rows: &Rows<'_>, at: usize) -> [Self::Bytes; 4];
    fn splat_u8(self, value: u8) -> Self::Bytes;
    /// Lane n takes lane `index[n] % LANES`.
    fn permute(self, v: Self::Bytes, index: &[u8]) -> Self::Bytes;
    /// Lane n takes lane `index[n] % (2 * LANES)` of `a` and `b` joined.
    fn permute2(self, a: Self::Bytes, b: Self::Bytes, index: &[u8]) -> Self::Bytes;
    /// Within each 16 lanes, lane n takes lane `index[n] % 16`, or zero if `index[n] >= 128`.
    fn shuffle(self, v: Self::Bytes, index: &[u8]) -> Self::Bytes;
    /// Lane n becomes `table[lane n % 16]`.
    fn lookup(self, v: Self::Bytes, table: &[u8; 16]) -> Self::Bytes;

    // Bytes: bits.

    fn and(self, a: Self::Bytes, b: Self::Bytes) -> Self::Bytes;
    fn or(self, a: Self::Bytes, b: Self::Bytes) -> Self::Bytes;
    fn xor(self, a: Self::Bytes, b: Self::Bytes) -> Self::Bytes;
    /// 16-bit words shifted right.
    fn shr(self, v: Self::Bytes, bits: u32) -> Self::Bytes;
    /// 16-bit words shifted left.
    fn shl(self, v: Self::Bytes, bits: u32) -> Self::Bytes;
    /// Dwords shifted right, each by its own count.
    fn shift_dwords(self, v: Self::Bytes, by: &Shift) -> Self::Bytes;
    /// Bytes shifted, each by its own count.
    fn shift_bytes(self, v: Self::Bytes, by: &Shift) -> Self::Bytes;
    /// A field of each byte, the same for the bytes of a qword.
    fn fields(self, v: Self::Bytes, fields: &Fields) -> Self::Bytes;
    /// `set` where a lane has a bit of `bits`, else zero.
    fn test_bits(self, v: Self::Bytes, bits: &[u8], set: u8) -> Self::Bytes;

    // Sums.

    fn splat_i32(self, value: i32) -> Self::I32;
    /// Adds to each lane the products of four unsigned codes with four signed quants, exactly.
    /// Codes are at most `code_max`, quants within -127..=127.
    fn dot(
        self,
        sum: Self::I32,
        codes: Self::Bytes,
        quants: Self::Bytes,
        code_max: u32,
    ) -> Self::I32;
    /// The same with codes that are 128 more than what they stand for: `(code - 128) * quant`.
    #[inline(always)]
    fn dot_signed(self, sum: Self::I32, codes: Self::Bytes, quants: Self::Bytes) -> Self::I32 {
        let less = self.dot(self.splat_i32(0), self.splat_u8(128), quants, 128);
        self.sub_i32(self.dot(sum, codes, quants, 255), less)
    }
    /// 16-bit words: the sums of two products each of unsigned codes with signed quants. Sums
    /// beyond 16 bits saturate.
    fn pairs(self, codes: Self::Bytes, quants: Self::Bytes) -> Self::Bytes;
    /// 16-bit words added; beyond 16 bits they wrap.
    fn add_pairs(self, a: Self::Bytes, b: Self::Bytes) -> Self::Bytes;
    /// Adds to each lane its two words.
    fn sum_pairs(self, sum: Self::I32, pairs: Self::Bytes) -> Self::I32;
    fn sub_i32(self, a: Self::I32, b: Self::I32) -> Self::I32;
    fn to_f32(self, v: Self::I32) -> Self::F32;
    /// The same sums, and a point that the compiler moves no work on them across: it must not
    /// turn sums that take turns into one after the other.
    #[inline(always)]
    fn in_turn(self, sums: Self::I32) -> Self::I32 {
        sums
    }
    /// The same for 16-bit words.
    #[inline(always)]
    fn pairs_in_turn(self, pairs: Self::Bytes) -> Self::Bytes {
        pairs
    }
    /// The floats whose bits the sums are.
    fn as_f32(self, v: Self::I32) -> Self::F32;

    // Floats.

    fn splat(self, value: f32) -> Self::F32;
    fn load_f32(self, from: &[f32], at: usize) -> Self::F32;
    fn store_f32(self, v: Self::F32, to: &mut [f32], at: usize);
    fn add(self, a: Self::F32, b: Self::F32) -> Self::F32;
    fn mul(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// `a * b + c`, rounded once.
    fn fma(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32;
    /// Adds to each lane the products of two bfloat16 weights with two bfloat16 activations. What is
    /// subnormal may count as zero; sums may be rounded after each product or after both. Where
    /// [`IsaInfo::multiplies_bf16`] does not hold, nothing may call this.
    fn dot_bf16(self, sum: Self::F32, a: Self::Bytes, b: Self::Bytes) -> Self::F32;
    /// `a`, then `b`, rounded to bfloat16, half to even: two in the bits of each lane. Of numbers
    /// that are finite and not subnormal. Like [`Isa::dot_bf16`], not for every CPU.
    fn to_bf16(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// Of two bfloat16 in the bits of each lane, the first and the second.
    fn of_bf16(self, pairs: Self::F32) -> [Self::F32; 2];
    /// The sum of all lanes, by halves: lane n with lane n + half, and so on.
    fn sum(self, v: Self::F32) -> f32;
    /// Bytes `part * LANES / 4 ..` as floats.
    fn widen(self, v: Self::Bytes, part: usize) -> Self::F32;
    /// `LANES / 4` little-endian floats from byte `at`.
    fn f32s(self, from: &[u8], at: usize) -> Self::F32;
    fn f16s(self, from: &[u8], at: usize) -> Self::F32;
    fn bf16s(self, from: &[u8], at: usize) -> Self::F32;
    /// A square of `LANES / 4` rows, by columns: lane r of register n is number n of row r. The
    /// rows lie `stride` floats apart, the first at `at`.
    fn columns(self, from: &[f32], at: usize, stride: usize) -> [Self::F32; 16];

    // Group values.

    fn g_splat(self, value: f32) -> Self::Groups;
    /// 16 floats from `at`.
    fn g_load(self, from: &[f32], at: usize) -> Self::Groups;
    fn g_store(self, v: Self::Groups, to: &mut [f32], at: usize);
    fn g_add(self, a: Self::Groups, b: Self::Groups) -> Self::Groups;
    fn g_sub(self, a: Self::Groups, b: Self::Groups) -> Self::Groups;
    fn g_mul(self, a: Self::Groups, b: Self::Groups) -> Self::Groups;
    fn g_fma(self, a: Self::Groups, b: Self::Groups, c: Self::Groups) -> Self::Groups;
    /// [`Isa::g_mul`] of the first eight values; the others may be anything.
    fn g_mul_few(self, a: Self::Groups, b: Self::Groups) -> Self::Groups;
    /// [`Isa::g_fma`] of the first eight values; the others may be anything.
    fn g_fma_few(self, a: Self::Groups, b: Self::Groups, c: Self::Groups) -> Self::Groups;
    /// The first `count` values; the others are zero.
    fn g_first(self, v: Self::Groups, count: usize) -> Self::Groups;
    /// All values, added up to lanes: lane n has values n, n + LANES / 4, ...
    fn g_fold(self, v: Self::Groups) -> Self::F32;
    fn g_u8(self, v: Self::Small) -> Self::Groups;
    fn g_e8m0(self, v: Self::Small) -> Self::Groups;
    fn g_ue4m3(self, v: Self::Small) -> Self::Groups;
    /// Sixteen `f16`, by their bits.
    fn g_f16s(self, halves: &[u16; 16]) -> Self::Groups;
    /// Lane n is the `f16` at `spots.at[n]`, as many as `spots` counts.
    #[inline(always)]
    fn g_f16(self, from: &[u8], spots: &Spots) -> Self::Groups {
        self.g_f16s(&spots.halves(from))
    }
    /// The `f16` at byte `at` in every lane.
    fn g_f16_splat(self, from: &[u8], at: usize) -> Self::Groups;
    /// Keeps group values where [`Isa::spread`] takes them from: a register, or memory where
    /// a load that repeats an element is cheaper than a permute.
    fn g_keep(self, v: Self::Groups, to: &mut Kept);
    /// Lane n takes group `first + step * (n / per)`; `per` is a power of two.
    fn spread(self, kept: &Kept, first_step: (usize, usize), per: usize) -> Self::F32;

    // The 16 bytes that become group values.

    fn s_load(self, from: &[u8], at: usize) -> Self::Small;
    /// Lane n is the byte at `spots.at[n]`, as many as `spots` counts.
    #[inline(always)]
    fn s_bytes(self, from: &[u8], spots: &Spots) -> Self::Small {
        self.s_load(&spots.bytes(from), 0)
    }
    fn s_splat_u8(self, value: u8) -> Self::Small;
    /// Lane n takes lane `index[n] % 16`, or zero if `index[n] >= 128`.
    fn s_shuffle(self, v: Self::Small, index: &[u8; 16]) -> Self::Small;
    fn s_lookup(self, v: Self::Small, table: &[u8; 16]) -> Self::Small;
    fn s_and(self, a: Self::Small, b: Self::Small) -> Self::Small;
    fn s_or(self, a: Self::Small, b: Self::Small) -> Self::Small;
    fn s_xor(self, a: Self::Small, b: Self::Small) -> Self::Small;
    fn s_shr(self, v: Self::Small, bits: u32) -> Self::Small;
    fn s_shl(self, v: Self::Small, bits: u32) -> Self::Small;
    fn s_shift_bytes(self, v: Self::Small, by: &Shift) -> Self::Small;

    // Activations, a group at a time.

    /// The largest magnitude, where order of magnitude is order of bits: NaN exceeds infinity.
    fn largest(self, x: &[f32; GROUP]) -> f32;
    /// Each `x * inverse`, within -127..=127, rounded half to even.
    fn round(self, x: &[f32; GROUP], inverse: f32, to: &mut [i8; GROUP]);
    /// The sum of sixteen quants.
    fn sum_of(self, quants: &[i8; HALF]) -> i32;

    /// Asks for the cache line at `at` to come to L2; any address will do.
    fn prefetch(self, at: *const u8);
    /// The same, to L1.
    fn prefetch_near(self, at: *const u8);
}
