//! 256-bit registers: AVX2, and AVX2 with `vpdpbusd` in either of its encodings.
//!
//! The three differ in the dot product alone. Without VNNI it goes through `vpmaddubsw`, whose
//! sums of two products saturate at 16 bits: exact while `2 * 127 * code` stays below 32,768, and
//! up to that bound several results can be added before they are widened.

use super::{chunk, chunk_mut, quad_of, x86_isa};
use crate::activations::{GROUP, HALF, ROUND};
use crate::isa::{Fields, Kept, Rows, Shift, array};
use std::arch::asm;
use std::arch::x86_64::*;

macro_rules! ymm_isa {
    ($token:ident { $($dot:tt)* }) => { x86_isa!($token {
        const LANES: usize = 32;
        type Bytes = __m256i;
        type I32 = __m256i;
        type F32 = __m256;
        type Groups = [__m256; 2];
        type Small = __m128i;

        $($dot)*

        fn load(self, from: &[u8], at: usize) -> __m256i {
            let p: &[u8; 32] = chunk(from, at);
            // SAFETY: `p` refers to the 32 bytes that are read.
            unsafe { _mm256_loadu_si256(p.as_ptr().cast()) }
        }
        fn load_prefix(self, from: &[u8]) -> __m256i {
            let mut bytes = [0u8; 32];
            bytes[..from.len()].copy_from_slice(from);
            // SAFETY: `bytes` has the 32 bytes that are read.
            unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
        }
        fn load_halves(self, from: &[u8], low: usize, high: usize) -> __m256i {
            let (low, high): (&[u8; 16], &[u8; 16]) = (chunk(from, low), chunk(from, high));
            // SAFETY: `low` refers to the 16 bytes that are read.
            let low = unsafe { _mm_loadu_si128(low.as_ptr().cast()) };
            // SAFETY: `high` refers to the 16 bytes that are read.
            let high = unsafe { _mm_loadu_si128(high.as_ptr().cast()) };
            _mm256_set_m128i(high, low)
        }
        fn load_i8(self, from: &[i8], at: usize) -> __m256i {
            let p: &[i8; 32] = chunk(from, at);
            // SAFETY: `p` refers to the 32 bytes that are read.
            unsafe { _mm256_loadu_si256(p.as_ptr().cast()) }
        }
        fn quad(self, from: &[i8], at: usize) -> __m256i {
            _mm256_set1_epi32(quad_of(from, at))
        }
        fn store(self, v: __m256i, to: &mut [u8], at: usize) {
            let p: &mut [u8; 32] = chunk_mut(to, at);
            // SAFETY: `p` refers to the 32 bytes that are written.
            unsafe { _mm256_storeu_si256(p.as_mut_ptr().cast(), v) }
        }
        #[inline(always)]
        fn dwords(self, rows: &Rows<'_>, at: usize) -> [__m256i; 4] {
            let dwords = self.turned(array(#[inline(always)] |r| {
                self.in_halves(array(#[inline(always)] |l| chunk(rows.bytes(r + 4 * l, at, 16), 0)))
            }));
            array(#[inline(always)] |n| self.as_bytes(dwords[n]))
        }
        fn splat_u8(self, value: u8) -> __m256i {
            _mm256_set1_epi8(value.cast_signed())
        }
        #[inline(always)]
        fn permute(self, v: __m256i, index: &[u8]) -> __m256i {
            self.permute2(v, v, index)
        }
        fn permute2(self, a: __m256i, b: __m256i, index: &[u8]) -> __m256i {
            // The narrow lowering never asks for this: a plain detour through memory.
            let (mut from, mut to) = ([[0u8; 32]; 2], [0u8; 32]);
            // SAFETY: `from[0]` has the 32 bytes that are written.
            unsafe { _mm256_storeu_si256(from[0].as_mut_ptr().cast(), a) };
            // SAFETY: `from[1]` has the 32 bytes that are written.
            unsafe { _mm256_storeu_si256(from[1].as_mut_ptr().cast(), b) };
            let from = from.as_flattened();
            to.iter_mut().zip(index).for_each(|(to, at)| *to = from[usize::from(*at) % 64]);
            // SAFETY: `to` has the 32 bytes that are read.
            unsafe { _mm256_loadu_si256(to.as_ptr().cast()) }
        }
        fn shuffle(self, v: __m256i, index: &[u8]) -> __m256i {
            let index: &[u8; 32] = chunk(index, 0);
            // SAFETY: `index` refers to the 32 bytes that are read.
            let index = unsafe { _mm256_loadu_si256(index.as_ptr().cast()) };
            _mm256_shuffle_epi8(v, index)
        }
        fn lookup(self, v: __m256i, table: &[u8; 16]) -> __m256i {
            // SAFETY: `table` refers to the 16 bytes that are read.
            let table = unsafe { _mm_loadu_si128(table.as_ptr().cast()) };
            let index = _mm256_and_si256(v, _mm256_set1_epi8(15));
            _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(table), index)
        }
        fn and(self, a: __m256i, b: __m256i) -> __m256i {
            _mm256_and_si256(a, b)
        }
        fn or(self, a: __m256i, b: __m256i) -> __m256i {
            _mm256_or_si256(a, b)
        }
        fn xor(self, a: __m256i, b: __m256i) -> __m256i {
            _mm256_xor_si256(a, b)
        }
        fn shr(self, v: __m256i, bits: u32) -> __m256i {
            _mm256_srl_epi16(v, _mm_cvtsi32_si128(bits.cast_signed()))
        }
        fn shl(self, v: __m256i, bits: u32) -> __m256i {
            _mm256_sll_epi16(v, _mm_cvtsi32_si128(bits.cast_signed()))
        }
        fn shift_dwords(self, v: __m256i, by: &Shift) -> __m256i {
            // SAFETY: `by.dwords` has 64 bytes.
            let counts = unsafe { _mm256_loadu_si256(by.dwords.as_ptr().cast()) };
            // Of counts that it cannot rule out, the compiler zeroes the lanes beside the shift.
            _mm256_srlv_epi32(v, _mm256_and_si256(counts, _mm256_set1_epi32(31)))
        }
        fn shift_bytes(self, v: __m256i, by: &Shift) -> __m256i {
            // SAFETY: `by.even` has 64 bytes.
            let even = unsafe { _mm256_loadu_si256(by.even.as_ptr().cast()) };
            // SAFETY: `by.odd` has 64 bytes.
            let odd = unsafe { _mm256_loadu_si256(by.odd.as_ptr().cast()) };
            let low = _mm256_set1_epi16(0xFF);
            let even = _mm256_srli_epi16::<8>(_mm256_mullo_epi16(_mm256_and_si256(v, low), even));
            let odd = _mm256_mullo_epi16(_mm256_srli_epi16::<8>(v), odd);
            _mm256_or_si256(even, _mm256_andnot_si256(low, odd))
        }
        #[inline(always)]
        fn fields(self, v: __m256i, fields: &Fields) -> __m256i {
            self.and(self.shift_bytes(v, &fields.shift), self.load(&fields.masks, 0))
        }
        fn s_shift_bytes(self, v: __m128i, by: &Shift) -> __m128i {
            // SAFETY: `by.even` has 64 bytes.
            let even = unsafe { _mm_loadu_si128(by.even.as_ptr().cast()) };
            // SAFETY: `by.odd` has 64 bytes.
            let odd = unsafe { _mm_loadu_si128(by.odd.as_ptr().cast()) };
            let low = _mm_set1_epi16(0xFF);
            let even = _mm_srli_epi16::<8>(_mm_mullo_epi16(_mm_and_si128(v, low), even));
            let odd = _mm_mullo_epi16(_mm_srli_epi16::<8>(v), odd);
            _mm_or_si128(even, _mm_andnot_si128(low, odd))
        }
        fn test_bits(self, v: __m256i, bits: &[u8], set: u8) -> __m256i {
            let bits: &[u8; 32] = chunk(bits, 0);
            // SAFETY: `bits` refers to the 32 bytes that are read.
            let bits = unsafe { _mm256_loadu_si256(bits.as_ptr().cast()) };
            let unset = _mm256_cmpeq_epi8(_mm256_and_si256(v, bits), _mm256_setzero_si256());
            _mm256_andnot_si256(unset, _mm256_set1_epi8(set.cast_signed()))
        }

        fn splat_i32(self, value: i32) -> __m256i {
            _mm256_set1_epi32(value)
        }
        fn pairs(self, codes: __m256i, quants: __m256i) -> __m256i {
            _mm256_maddubs_epi16(codes, quants)
        }
        fn add_pairs(self, a: __m256i, b: __m256i) -> __m256i {
            _mm256_add_epi16(a, b)
        }
        fn sum_pairs(self, sum: __m256i, pairs: __m256i) -> __m256i {
            _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
        }
        fn sub_i32(self, a: __m256i, b: __m256i) -> __m256i {
            _mm256_sub_epi32(a, b)
        }
        fn to_f32(self, v: __m256i) -> __m256 {
            _mm256_cvtepi32_ps(v)
        }
        fn in_turn(self, sums: __m256i) -> __m256i {
            let same;
            // SAFETY: there is no instruction.
            unsafe {
                asm!("/* {0} */", inout(ymm_reg) sums => same, options(nomem, nostack, preserves_flags));
            }
            same
        }
        fn pairs_in_turn(self, pairs: __m256i) -> __m256i {
            let same;
            // SAFETY: there is no instruction.
            unsafe {
                asm!("/* {0} */", inout(ymm_reg) pairs => same, options(nomem, nostack, preserves_flags));
            }
            same
        }
        fn as_f32(self, v: __m256i) -> __m256 {
            _mm256_castsi256_ps(v)
        }

        fn splat(self, value: f32) -> __m256 {
            _mm256_set1_ps(value)
        }
        fn load_f32(self, from: &[f32], at: usize) -> __m256 {
            let p: &[f32; 8] = chunk(from, at);
            // SAFETY: `p` refers to the eight floats that are read.
            unsafe { _mm256_loadu_ps(p.as_ptr()) }
        }
        fn store_f32(self, v: __m256, to: &mut [f32], at: usize) {
            let p: &mut [f32; 8] = chunk_mut(to, at);
            // SAFETY: `p` refers to the eight floats that are written.
            unsafe { _mm256_storeu_ps(p.as_mut_ptr(), v) }
        }
        fn add(self, a: __m256, b: __m256) -> __m256 {
            _mm256_add_ps(a, b)
        }
        fn mul(self, a: __m256, b: __m256) -> __m256 {
            _mm256_mul_ps(a, b)
        }
        fn fma(self, a: __m256, b: __m256, c: __m256) -> __m256 {
            _mm256_fmadd_ps(a, b, c)
        }
        fn dot_bf16(self, sum: __m256, a: __m256i, b: __m256i) -> __m256 {
            let high = _mm256_set1_epi32(0xFFFF_0000_u32.cast_signed());
            let odd = |v| _mm256_castsi256_ps(_mm256_and_si256(v, high));
            let even = |v| _mm256_castsi256_ps(_mm256_slli_epi32::<16>(v));
            _mm256_fmadd_ps(even(a), even(b), _mm256_fmadd_ps(odd(a), odd(b), sum))
        }
        fn to_bf16(self, a: __m256, b: __m256) -> __m256 {
            let rounded = |v| {
                let bits = _mm256_castps_si256(v);
                let odd = _mm256_and_si256(_mm256_srli_epi32::<16>(bits), _mm256_set1_epi32(1));
                let half = _mm256_add_epi32(odd, _mm256_set1_epi32(0x7FFF));
                _mm256_srli_epi32::<16>(_mm256_add_epi32(bits, half))
            };
            let packed = _mm256_packus_epi32(rounded(a), rounded(b));
            _mm256_castsi256_ps(_mm256_permute4x64_epi64::<0b11_01_10_00>(packed))
        }
        fn of_bf16(self, pairs: __m256) -> [__m256; 2] {
            let bits = _mm256_castps_si256(pairs);
            let second = _mm256_and_si256(bits, _mm256_set1_epi32(-1 << 16));
            [_mm256_castsi256_ps(_mm256_slli_epi32::<16>(bits)), _mm256_castsi256_ps(second)]
        }
        fn sum(self, v: __m256) -> f32 {
            let v = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
            let v = _mm_add_ps(v, _mm_movehl_ps(v, v));
            _mm_cvtss_f32(_mm_add_ss(v, _mm_shuffle_ps::<1>(v, v)))
        }
        fn widen(self, v: __m256i, part: usize) -> __m256 {
            let half = match part / 2 {
                0 => _mm256_castsi256_si128(v),
                _ => _mm256_extracti128_si256::<1>(v),
            };
            let eight = if part % 2 == 0 { half } else { _mm_srli_si128::<8>(half) };
            _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(eight))
        }
        fn f32s(self, from: &[u8], at: usize) -> __m256 {
            let p: &[u8; 32] = chunk(from, at);
            // SAFETY: `p` refers to the 32 bytes that are read.
            unsafe { _mm256_loadu_ps(p.as_ptr().cast()) }
        }
        fn f16s(self, from: &[u8], at: usize) -> __m256 {
            let p: &[u8; 16] = chunk(from, at);
            // SAFETY: `p` refers to the 16 bytes that are read.
            let halves = unsafe { _mm_loadu_si128(p.as_ptr().cast()) };
            _mm256_cvtph_ps(halves)
        }
        fn bf16s(self, from: &[u8], at: usize) -> __m256 {
            let p: &[u8; 16] = chunk(from, at);
            // SAFETY: `p` refers to the 16 bytes that are read.
            let halves = unsafe { _mm_loadu_si128(p.as_ptr().cast()) };
            _mm256_castsi256_ps(_mm256_slli_epi32::<16>(_mm256_cvtepu16_epi32(halves)))
        }
        #[inline(always)]
        fn columns(self, from: &[f32], at: usize, stride: usize) -> [__m256; 16] {
            let from = &from[at..at + 7 * stride + 8];
            let fours: [[__m256; 4]; 2] = array(#[inline(always)] |n| {
                self.turned(array(#[inline(always)] |r| {
                    self.halves(from, 4 * n + r * stride, 4 * stride)
                }))
            });
            array(#[inline(always)] |n| fours[n / 4 % 2][n % 4])
        }

        fn g_splat(self, value: f32) -> [__m256; 2] {
            [_mm256_set1_ps(value); 2]
        }
        fn g_load(self, from: &[f32], at: usize) -> [__m256; 2] {
            let p: &[f32; 16] = chunk(from, at);
            // SAFETY: `p` refers to 16 floats, of which the first eight are read.
            let low = unsafe { _mm256_loadu_ps(p.as_ptr()) };
            // SAFETY: `p` refers to 16 floats, of which the last eight are read.
            let high = unsafe { _mm256_loadu_ps(p[8..].as_ptr()) };
            [low, high]
        }
        fn g_store(self, v: [__m256; 2], to: &mut [f32], at: usize) {
            let p: &mut [f32; 16] = chunk_mut(to, at);
            // SAFETY: `p` refers to 16 floats, of which the first eight are written.
            unsafe { _mm256_storeu_ps(p.as_mut_ptr(), v[0]) };
            // SAFETY: `p` refers to 16 floats, of which the last eight are written.
            unsafe { _mm256_storeu_ps(p[8..].as_mut_ptr(), v[1]) };
        }
        fn g_add(self, a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
            [_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])]
        }
        fn g_sub(self, a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
            [_mm256_sub_ps(a[0], b[0]), _mm256_sub_ps(a[1], b[1])]
        }
        fn g_mul(self, a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
            [_mm256_mul_ps(a[0], b[0]), _mm256_mul_ps(a[1], b[1])]
        }
        fn g_fma(self, a: [__m256; 2], b: [__m256; 2], c: [__m256; 2]) -> [__m256; 2] {
            [_mm256_fmadd_ps(a[0], b[0], c[0]), _mm256_fmadd_ps(a[1], b[1], c[1])]
        }
        fn g_mul_few(self, a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
            [_mm256_mul_ps(a[0], b[0]), a[1]]
        }
        fn g_fma_few(self, a: [__m256; 2], b: [__m256; 2], c: [__m256; 2]) -> [__m256; 2] {
            [_mm256_fmadd_ps(a[0], b[0], c[0]), c[1]]
        }
        fn g_first(self, v: [__m256; 2], count: usize) -> [__m256; 2] {
            let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
            array(#[inline(always)] |n| {
                let left = _mm256_set1_epi32(count as i32 - 8 * n as i32);
                _mm256_and_ps(v[n], _mm256_castsi256_ps(_mm256_cmpgt_epi32(left, lanes)))
            })
        }
        fn g_fold(self, v: [__m256; 2]) -> __m256 {
            _mm256_add_ps(v[0], v[1])
        }
        fn g_u8(self, v: __m128i) -> [__m256; 2] {
            let halves = [v, _mm_srli_si128::<8>(v)];
            array(#[inline(always)] |n| _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(halves[n])))
        }
        fn g_e8m0(self, v: __m128i) -> [__m256; 2] {
            let halves = [v, _mm_srli_si128::<8>(v)];
            array(#[inline(always)] |n| {
                let exponent = _mm256_slli_epi32::<23>(_mm256_cvtepu8_epi32(halves[n]));
                // The smallest power is subnormal, the largest code is NaN: both have bit 22.
                let bit = _mm256_set1_epi32(1 << 22);
                let infinite = _mm256_cmpeq_epi32(exponent, _mm256_set1_epi32(0xFF << 23));
                let value = _mm256_or_si256(exponent, _mm256_and_si256(infinite, bit));
                _mm256_castsi256_ps(_mm256_max_epi32(value, bit))
            })
        }
        fn g_ue4m3(self, v: __m128i) -> [__m256; 2] {
            let byte = _mm256_cvtepu8_epi16(v);
            let bits = _mm256_and_si256(byte, _mm256_set1_epi16(0x7F));
            let zero = _mm256_cmpeq_epi16(byte, _mm256_set1_epi16(0x7F));
            // As an f16 it is 256 times too small, subnormals included, and converts at full
            // speed.
            let halves = _mm256_slli_epi16::<7>(_mm256_andnot_si256(zero, bits));
            let low = _mm256_cvtph_ps(_mm256_castsi256_si128(halves));
            let high = _mm256_cvtph_ps(_mm256_extracti128_si256::<1>(halves));
            let unbias = _mm256_set1_ps(256.0);
            [_mm256_mul_ps(low, unbias), _mm256_mul_ps(high, unbias)]
        }
        fn g_f16s(self, halves: &[u16; 16]) -> [__m256; 2] {
            // SAFETY: `halves` refers to 16 halves, of which the first eight are read.
            let low = unsafe { _mm_loadu_si128(halves.as_ptr().cast()) };
            // SAFETY: `halves` refers to 16 halves, of which the last eight are read.
            let high = unsafe { _mm_loadu_si128(halves[8..].as_ptr().cast()) };
            [_mm256_cvtph_ps(low), _mm256_cvtph_ps(high)]
        }
        fn g_f16_splat(self, from: &[u8], at: usize) -> [__m256; 2] {
            let word = i16::from_le_bytes(*chunk(from, at));
            [_mm256_cvtph_ps(_mm_set1_epi16(word)); 2]
        }
        fn g_keep(self, v: [__m256; 2], to: &mut Kept) {
            // SAFETY: `to` has 16 floats, of which the first eight are written.
            unsafe { _mm256_store_ps(to.0.as_mut_ptr(), v[0]) };
            // SAFETY: `to` has 16 floats, of which the last eight are written.
            unsafe { _mm256_store_ps(to.0[8..].as_mut_ptr(), v[1]) };
            // SAFETY: there is no instruction. The compiler takes what was written for changed,
            // and loads it instead of permuting the registers that it came from.
            unsafe { asm!("/* {0} */", in(reg) to, options(nostack, preserves_flags)) };
        }
        #[inline(always)]
        fn spread(self, kept: &Kept, (first, step): (usize, usize), per: usize) -> __m256 {
            match (per, step) {
                (8.., _) => self.splat(kept.0[first]),
                (4, 1) => self.two(chunk(&kept.0, first)),
                (2, 1) => self.four(chunk(&kept.0, first)),
                (1, 1) => self.load_f32(&kept.0, first),
                // No lowering asks for this.
                _ => {
                    let lanes: [f32; 8] = array(
                        #[inline(always)]
                        |n| kept.0[first + step * (n / per)],
                    );
                    self.load_f32(&lanes, 0)
                }
            }
        }
    });

    #[kernel_macros::fence]
    impl crate::isa::$token {
        /// In each half l, the four floats at `at + l * step`.
        #[inline(always)]
        fn halves(self, from: &[f32], at: usize, step: usize) -> __m256 {
            self.in_halves(array(#[inline(always)] |l| {
                let floats: &[f32; 4] = chunk(from, at + l * step);
                zerocopy::transmute_ref!(floats)
            }))
        }
        /// Each of two runs of 16 bytes in a half.
        fn in_halves(self, runs: [&[u8; 16]; 2]) -> __m256 {
            // SAFETY: the run has the 16 bytes that are read.
            let low = unsafe { _mm_loadu_ps(runs[0].as_ptr().cast()) };
            // SAFETY: the run has the 16 bytes that are read.
            let high = unsafe { _mm_loadu_ps(runs[1].as_ptr().cast()) };
            _mm256_set_m128(high, low)
        }
        fn as_bytes(self, v: __m256) -> __m256i {
            _mm256_castps_si256(v)
        }
        /// Squares of four by four in each half, transposed.
        fn turned(self, [a, b, c, d]: [__m256; 4]) -> [__m256; 4] {
            let low_ab = _mm256_castps_pd(_mm256_unpacklo_ps(a, b));
            let low_cd = _mm256_castps_pd(_mm256_unpacklo_ps(c, d));
            let high_ab = _mm256_castps_pd(_mm256_unpackhi_ps(a, b));
            let high_cd = _mm256_castps_pd(_mm256_unpackhi_ps(c, d));
            [
                _mm256_castpd_ps(_mm256_unpacklo_pd(low_ab, low_cd)),
                _mm256_castpd_ps(_mm256_unpackhi_pd(low_ab, low_cd)),
                _mm256_castpd_ps(_mm256_unpacklo_pd(high_ab, high_cd)),
                _mm256_castpd_ps(_mm256_unpackhi_pd(high_ab, high_cd)),
            ]
        }
        /// Each of two floats in half of the lanes.
        fn two(self, floats: &[f32; 2]) -> __m256 {
            let (low, high) = (floats[0].to_bits(), floats[1].to_bits());
            let pair = u64::from(low) | u64::from(high) << 32;
            let pairs = _mm256_set1_epi64x(pair.cast_signed());
            let lane = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
            _mm256_permutevar_ps(_mm256_castsi256_ps(pairs), lane)
        }
        /// Each of four floats in a quarter of the lanes.
        fn four(self, floats: &[f32; 4]) -> __m256 {
            // SAFETY: `floats` refers to the 16 bytes that are read.
            let four = unsafe { _mm_loadu_ps(floats.as_ptr()) };
            let lane = _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3);
            _mm256_permutevar_ps(_mm256_set_m128(four, four), lane)
        }
    } };
}

ymm_isa!(Avx2 {
    const SATURATES: bool = true;

    #[inline(always)]
    fn dot(self, sum: __m256i, codes: __m256i, quants: __m256i, code_max: u32) -> __m256i {
        if code_max <= 128 {
            return self.sum_pairs(sum, self.pairs(codes, quants));
        }
        // Seven bits and the eighth apart: neither part exceeds 128.
        let low = self.pairs(self.and(codes, self.splat_u8(0x7F)), quants);
        let top = self.pairs(self.and(codes, self.splat_u8(0x80)), quants);
        self.sum_pairs(self.sum_pairs(sum, low), top)
    }
    fn dot_signed(self, sum: __m256i, codes: __m256i, quants: __m256i) -> __m256i {
        // The sign goes to the quants, so that what is left of a code does not exceed 128.
        let signed = _mm256_xor_si256(codes, _mm256_set1_epi8(-128));
        let quants = _mm256_sign_epi8(quants, signed);
        let pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(signed), quants);
        _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
    }
});

ymm_isa!(AvxVnni {
    const SATURATES: bool = false;

    fn dot(self, sum: __m256i, codes: __m256i, quants: __m256i, _code_max: u32) -> __m256i {
        _mm256_dpbusd_avx_epi32(sum, codes, quants)
    }
});

ymm_isa!(Avx512Vnni256 {
    const SATURATES: bool = false;

    fn dot(self, sum: __m256i, codes: __m256i, quants: __m256i, _code_max: u32) -> __m256i {
        _mm256_dpbusd_epi32(sum, codes, quants)
    }
});
