//! The meaning of every operation, on arrays.
//!
//! Written to be read, and not inlined: a kernel of this instruction set is a list of calls.
//! [`Lanes`] is generic over the width, so that both the narrow and the wide lowering of a format
//! run on any CPU; [`Scalar`], the instruction set, is the narrow one.

use super::{Fields, Isa, Kept, Rows, Shift, array};
use crate::activations::{GROUP, HALF, ROUND};
use crate::float;

/// Registers of `L` bytes and `Q = L / 4` sums, in plain Rust.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lanes<const L: usize, const Q: usize>;

fn bytes<const L: usize>(from: &[u8], at: usize) -> [u8; L] {
    from[at..at + L].try_into().expect("a slice of that length")
}

/// Applies `f` to the little-endian words of `W` bytes each.
fn words<const L: usize>(v: [u8; L], width: usize, f: impl Fn(u32, usize) -> u32) -> [u8; L] {
    let mut out = [0; L];
    for (n, (from, to)) in v.chunks(width).zip(out.chunks_mut(width)).enumerate() {
        let mut word = [0; 4];
        word[..width].copy_from_slice(from);
        to.copy_from_slice(&f(u32::from_le_bytes(word), n).to_le_bytes()[..width]);
    }
    out
}

fn shuffle<const L: usize>(v: [u8; L], index: &[u8]) -> [u8; L] {
    array(|n| match index[n] {
        128.. => 0,
        at => v[n / 16 * 16 + usize::from(at % 16)],
    })
}

fn shift_bytes<const L: usize>(v: [u8; L], by: &Shift) -> [u8; L] {
    array(|n| shift(v[n], by.counts[n]))
}

/// Right by `count`, or left.
fn shift(byte: u8, count: i8) -> u8 {
    match count {
        right @ 0.. => byte >> right,
        left => byte << -left,
    }
}

fn zip<const N: usize, T: Copy, R: Copy>(a: [T; N], b: [T; N], f: impl Fn(T, T) -> R) -> [R; N] {
    array(|n| f(a[n], b[n]))
}

impl<const L: usize, const Q: usize> Isa for Lanes<L, Q> {
    const LANES: usize = L;
    const SATURATES: bool = false;
    type Bytes = [u8; L];
    type I32 = [i32; Q];
    type F32 = [f32; Q];
    type Groups = [f32; 16];
    type Small = [u8; 16];

    fn load(self, from: &[u8], at: usize) -> [u8; L] {
        bytes(from, at)
    }
    fn load_prefix(self, from: &[u8]) -> [u8; L] {
        array(|n| from.get(n).copied().unwrap_or(0))
    }
    fn load_halves(self, from: &[u8], low: usize, high: usize) -> [u8; L] {
        let half = L / 2;
        array(|n| if n < half { from[low + n] } else { from[high + n - half] })
    }
    fn load_i8(self, from: &[i8], at: usize) -> [u8; L] {
        array(|n| from[at + n].cast_unsigned())
    }
    fn quad(self, from: &[i8], at: usize) -> [u8; L] {
        array(|n| from[at + n % 4].cast_unsigned())
    }
    fn store(self, v: [u8; L], to: &mut [u8], at: usize) {
        to[at..at + L].copy_from_slice(&v);
    }
    fn dwords(self, rows: &Rows<'_>, at: usize) -> [[u8; L]; 4] {
        array(|n| array(|lane| rows.bytes(lane / 4, at + 4 * n, 4)[lane % 4]))
    }
    fn splat_u8(self, value: u8) -> [u8; L] {
        [value; L]
    }
    fn permute(self, v: [u8; L], index: &[u8]) -> [u8; L] {
        array(|n| v[usize::from(index[n]) % L])
    }
    fn permute2(self, a: [u8; L], b: [u8; L], index: &[u8]) -> [u8; L] {
        array(|n| match usize::from(index[n]) % (2 * L) {
            at if at < L => a[at],
            at => b[at - L],
        })
    }
    fn shuffle(self, v: [u8; L], index: &[u8]) -> [u8; L] {
        shuffle(v, index)
    }
    fn lookup(self, v: [u8; L], table: &[u8; 16]) -> [u8; L] {
        array(|n| {
            let lane = v[n];
            table[usize::from(lane) % 16]
        })
    }
    fn and(self, a: [u8; L], b: [u8; L]) -> [u8; L] {
        zip(a, b, |a, b| a & b)
    }
    fn or(self, a: [u8; L], b: [u8; L]) -> [u8; L] {
        zip(a, b, |a, b| a | b)
    }
    fn xor(self, a: [u8; L], b: [u8; L]) -> [u8; L] {
        zip(a, b, |a, b| a ^ b)
    }
    fn shr(self, v: [u8; L], bits: u32) -> [u8; L] {
        words(v, 2, |word, _| word >> bits)
    }
    fn shl(self, v: [u8; L], bits: u32) -> [u8; L] {
        words(v, 2, |word, _| word << bits)
    }
    fn shift_dwords(self, v: [u8; L], by: &Shift) -> [u8; L] {
        words(v, 4, |word, n| word >> by.dwords[n])
    }
    fn shift_bytes(self, v: [u8; L], by: &Shift) -> [u8; L] {
        shift_bytes(v, by)
    }
    fn fields(self, v: [u8; L], fields: &Fields) -> [u8; L] {
        array(|n| shift(v[n], fields.of[n / 8].0) & fields.of[n / 8].1)
    }
    fn test_bits(self, v: [u8; L], bits: &[u8], set: u8) -> [u8; L] {
        array(|n| if v[n] & bits[n] == 0 { 0 } else { set })
    }

    fn splat_i32(self, value: i32) -> [i32; Q] {
        [value; Q]
    }
    fn dot(self, sum: [i32; Q], codes: [u8; L], quants: [u8; L], _: u32) -> [i32; Q] {
        let mut sum = sum;
        for n in 0..L {
            sum[n / 4] += i32::from(codes[n]) * i32::from(quants[n].cast_signed());
        }
        sum
    }
    fn dot_signed(self, sum: [i32; Q], codes: [u8; L], quants: [u8; L]) -> [i32; Q] {
        let mut sum = sum;
        for n in 0..L {
            sum[n / 4] += (i32::from(codes[n]) - 128) * i32::from(quants[n].cast_signed());
        }
        sum
    }
    fn pairs(self, codes: [u8; L], quants: [u8; L]) -> [u8; L] {
        let product = |n: usize| i32::from(codes[n]) * i32::from(quants[n].cast_signed());
        words(codes, 2, |_, n| {
            let sum = product(2 * n) + product(2 * n + 1);
            sum.clamp(i16::MIN.into(), i16::MAX.into()).cast_unsigned()
        })
    }
    fn add_pairs(self, a: [u8; L], b: [u8; L]) -> [u8; L] {
        words(a, 2, |word, n| word.wrapping_add(u16::from_le_bytes(bytes(&b, 2 * n)).into()))
    }
    fn sum_pairs(self, sum: [i32; Q], pairs: [u8; L]) -> [i32; Q] {
        let word = |n: usize| i32::from(i16::from_le_bytes(bytes(&pairs, 2 * n)));
        array(|n| sum[n] + word(2 * n) + word(2 * n + 1))
    }
    fn sub_i32(self, a: [i32; Q], b: [i32; Q]) -> [i32; Q] {
        zip(a, b, i32::wrapping_sub)
    }
    fn to_f32(self, v: [i32; Q]) -> [f32; Q] {
        array(|n| {
            let lane = v[n];
            lane as f32
        })
    }
    fn as_f32(self, v: [i32; Q]) -> [f32; Q] {
        array(|n| {
            let lane = v[n];
            f32::from_bits(lane.cast_unsigned())
        })
    }

    fn splat(self, value: f32) -> [f32; Q] {
        [value; Q]
    }
    fn load_f32(self, from: &[f32], at: usize) -> [f32; Q] {
        from[at..at + Q].try_into().expect("a slice of that length")
    }
    fn store_f32(self, v: [f32; Q], to: &mut [f32], at: usize) {
        to[at..at + Q].copy_from_slice(&v);
    }
    fn add(self, a: [f32; Q], b: [f32; Q]) -> [f32; Q] {
        zip(a, b, |a, b| a + b)
    }
    fn mul(self, a: [f32; Q], b: [f32; Q]) -> [f32; Q] {
        zip(a, b, |a, b| a * b)
    }
    fn fma(self, a: [f32; Q], b: [f32; Q], c: [f32; Q]) -> [f32; Q] {
        array(|n| fma(a[n], b[n], c[n]))
    }
    fn dot_bf16(self, sum: [f32; Q], a: [u8; L], b: [u8; L]) -> [f32; Q] {
        let value = |v: &[u8; L], n: usize| float::bf16(bytes(v, 2 * n));
        let product = |n: usize| value(&a, n) * value(&b, n);
        array(|n| sum[n] + product(2 * n + 1) + product(2 * n))
    }
    fn to_bf16(self, a: [f32; Q], b: [f32; Q]) -> [f32; Q] {
        let both = |n: usize| if n < Q { a[n] } else { b[n - Q] };
        let bits = |n: usize| u32::from(half::bf16::from_f32(both(n)).to_bits());
        array(|n| f32::from_bits(bits(2 * n) | bits(2 * n + 1) << 16))
    }
    fn of_bf16(self, pairs: [f32; Q]) -> [[f32; Q]; 2] {
        let of = |bits: fn(u32) -> u32| pairs.map(|pair| f32::from_bits(bits(pair.to_bits())));
        [of(|pair| pair << 16), of(|pair| pair & 0xFFFF_0000)]
    }
    fn sum(self, v: [f32; Q]) -> f32 {
        let mut v = v;
        let mut half = Q / 2;
        while half > 0 {
            for n in 0..half {
                v[n] += v[n + half];
            }
            half /= 2;
        }
        v[0]
    }
    fn widen(self, v: [u8; L], part: usize) -> [f32; Q] {
        array(|n| f32::from(v[part * Q + n]))
    }
    fn f32s(self, from: &[u8], at: usize) -> [f32; Q] {
        array(|n| float::f32(bytes(from, at + 4 * n)))
    }
    fn f16s(self, from: &[u8], at: usize) -> [f32; Q] {
        array(|n| float::f16(bytes(from, at + 2 * n)))
    }
    fn bf16s(self, from: &[u8], at: usize) -> [f32; Q] {
        array(|n| float::bf16(bytes(from, at + 2 * n)))
    }
    fn columns(self, from: &[f32], at: usize, stride: usize) -> [[f32; Q]; 16] {
        let mut columns = [[0.0; Q]; 16];
        for (n, column) in columns.iter_mut().enumerate().take(Q) {
            *column = array(|r| from[at + r * stride + n]);
        }
        columns
    }

    fn g_splat(self, value: f32) -> [f32; 16] {
        [value; 16]
    }
    fn g_load(self, from: &[f32], at: usize) -> [f32; 16] {
        from[at..at + 16].try_into().expect("a slice of that length")
    }
    fn g_store(self, v: [f32; 16], to: &mut [f32], at: usize) {
        to[at..at + 16].copy_from_slice(&v);
    }
    fn g_add(self, a: [f32; 16], b: [f32; 16]) -> [f32; 16] {
        zip(a, b, |a, b| a + b)
    }
    fn g_sub(self, a: [f32; 16], b: [f32; 16]) -> [f32; 16] {
        zip(a, b, |a, b| a - b)
    }
    fn g_mul(self, a: [f32; 16], b: [f32; 16]) -> [f32; 16] {
        zip(a, b, |a, b| a * b)
    }
    fn g_fma(self, a: [f32; 16], b: [f32; 16], c: [f32; 16]) -> [f32; 16] {
        array(|n| fma(a[n], b[n], c[n]))
    }
    fn g_mul_few(self, a: [f32; 16], b: [f32; 16]) -> [f32; 16] {
        array(|n| if n < 8 { a[n] * b[n] } else { 0.0 })
    }
    fn g_fma_few(self, a: [f32; 16], b: [f32; 16], c: [f32; 16]) -> [f32; 16] {
        array(|n| if n < 8 { fma(a[n], b[n], c[n]) } else { 0.0 })
    }
    fn g_first(self, v: [f32; 16], count: usize) -> [f32; 16] {
        array(|n| if n < count { v[n] } else { 0.0 })
    }
    fn g_fold(self, v: [f32; 16]) -> [f32; Q] {
        let mut sums = array(|n| v[n]);
        for first in (Q..16).step_by(Q) {
            for n in 0..Q {
                sums[n] += v[first + n];
            }
        }
        sums
    }
    fn g_u8(self, v: [u8; 16]) -> [f32; 16] {
        array(|n| f32::from(v[n]))
    }
    fn g_e8m0(self, v: [u8; 16]) -> [f32; 16] {
        array(|n| float::e8m0(v[n]))
    }
    fn g_ue4m3(self, v: [u8; 16]) -> [f32; 16] {
        array(|n| float::ue4m3(v[n]))
    }
    fn g_f16s(self, halves: &[u16; 16]) -> [f32; 16] {
        array(|n| float::f16(halves[n].to_le_bytes()))
    }
    fn g_f16_splat(self, from: &[u8], at: usize) -> [f32; 16] {
        [float::f16(bytes(from, at)); 16]
    }
    fn g_keep(self, v: [f32; 16], to: &mut Kept) {
        to.0 = v;
    }
    fn spread(self, kept: &Kept, (first, step): (usize, usize), per: usize) -> [f32; Q] {
        array(|n| kept.0[first + step * (n / per)])
    }

    fn s_load(self, from: &[u8], at: usize) -> [u8; 16] {
        bytes(from, at)
    }
    fn s_splat_u8(self, value: u8) -> [u8; 16] {
        [value; 16]
    }
    fn s_shuffle(self, v: [u8; 16], index: &[u8; 16]) -> [u8; 16] {
        shuffle(v, index)
    }
    fn s_lookup(self, v: [u8; 16], table: &[u8; 16]) -> [u8; 16] {
        array(|n| {
            let lane = v[n];
            table[usize::from(lane) % 16]
        })
    }
    fn s_and(self, a: [u8; 16], b: [u8; 16]) -> [u8; 16] {
        zip(a, b, |a, b| a & b)
    }
    fn s_or(self, a: [u8; 16], b: [u8; 16]) -> [u8; 16] {
        zip(a, b, |a, b| a | b)
    }
    fn s_xor(self, a: [u8; 16], b: [u8; 16]) -> [u8; 16] {
        zip(a, b, |a, b| a ^ b)
    }
    fn s_shr(self, v: [u8; 16], bits: u32) -> [u8; 16] {
        words(v, 2, |word, _| word >> bits)
    }
    fn s_shl(self, v: [u8; 16], bits: u32) -> [u8; 16] {
        words(v, 2, |word, _| word << bits)
    }
    fn s_shift_bytes(self, v: [u8; 16], by: &Shift) -> [u8; 16] {
        shift_bytes(v, by)
    }

    fn largest(self, x: &[f32; GROUP]) -> f32 {
        f32::from_bits(x.iter().fold(0, |most, x| most.max(x.abs().to_bits())))
    }
    fn round(self, x: &[f32; GROUP], inverse: f32, to: &mut [i8; GROUP]) {
        for n in 0..GROUP {
            to[n] = (x[n] * inverse + ROUND).to_bits().wrapping_sub(ROUND.to_bits()) as i8;
        }
    }
    fn sum_of(self, quants: &[i8; HALF]) -> i32 {
        quants.iter().fold(0, |sum, quant| sum + i32::from(*quant))
    }

    fn prefetch(self, _: *const u8) {}
    fn prefetch_near(self, _: *const u8) {}
}

/// `a * b + c` rounded once, as far as two `f64` operations can: the product is exact, the sum
/// rounds to 53 bits and then to 24. `f32::mul_add` would be a library call on a plain x86-64.
fn fma(a: f32, b: f32, c: f32) -> f32 {
    (f64::from(a) * f64::from(b) + f64::from(c)) as f32
}

/// The scalar instruction set: the narrow registers.
pub type Scalar = Lanes<32, 8>;

impl Scalar {
    /// Every CPU has it.
    #[must_use]
    pub fn detect() -> Option<Self> {
        Some(Self)
    }

    /// Every CPU has it.
    #[must_use]
    pub fn assume_supported() -> Self {
        Self
    }
}
