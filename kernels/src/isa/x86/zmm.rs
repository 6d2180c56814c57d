//! 512-bit registers: AVX-512 with VNNI, VBMI and GFNI.

mod spots;

use super::{chunk, chunk_mut, quad_of, x86_isa};
use crate::activations::{GROUP, HALF, ROUND};
use crate::isa::{Fields, Kept, Rows, Shift, Spots, array};
use std::arch::asm;
use std::arch::x86_64::*;

x86_isa!(Avx512Vnni {
    const LANES: usize = 64;
    const SATURATES: bool = false;
    type Bytes = __m512i;
    type I32 = __m512i;
    type F32 = __m512;
    type Groups = __m512;
    type Small = __m128i;

    fn load(self, from: &[u8], at: usize) -> __m512i {
        let p: &[u8; 64] = chunk(from, at);
        // SAFETY: `p` refers to the 64 bytes that are read.
        unsafe { _mm512_loadu_si512(p.as_ptr().cast()) }
    }
    fn load_prefix(self, from: &[u8]) -> __m512i {
        let mask = u64::MAX >> (64 - from.len());
        // SAFETY: the mask has a bit for each byte of `from`; no other byte is read.
        unsafe { _mm512_maskz_loadu_epi8(mask, from.as_ptr().cast()) }
    }
    fn load_halves(self, from: &[u8], low: usize, high: usize) -> __m512i {
        let (low, high): (&[u8; 32], &[u8; 32]) = (chunk(from, low), chunk(from, high));
        // SAFETY: `low` refers to the 32 bytes that are read.
        let low = unsafe { _mm256_loadu_si256(low.as_ptr().cast()) };
        // SAFETY: `high` refers to the 32 bytes that are read.
        let high = unsafe { _mm256_loadu_si256(high.as_ptr().cast()) };
        _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high)
    }
    fn load_i8(self, from: &[i8], at: usize) -> __m512i {
        let p: &[i8; 64] = chunk(from, at);
        // SAFETY: `p` refers to the 64 bytes that are read.
        unsafe { _mm512_loadu_si512(p.as_ptr().cast()) }
    }
    fn quad(self, from: &[i8], at: usize) -> __m512i {
        _mm512_set1_epi32(quad_of(from, at))
    }
    fn store(self, v: __m512i, to: &mut [u8], at: usize) {
        let p: &mut [u8; 64] = chunk_mut(to, at);
        // SAFETY: `p` refers to the 64 bytes that are written.
        unsafe { _mm512_storeu_si512(p.as_mut_ptr().cast(), v) }
    }
    #[inline(always)]
    fn dwords(self, rows: &Rows<'_>, at: usize) -> [__m512i; 4] {
        let dwords = self.turned(array(#[inline(always)] |r| {
            self.in_quarters(array(#[inline(always)] |l| chunk(rows.bytes(r + 4 * l, at, 16), 0)))
        }));
        array(#[inline(always)] |n| self.as_bytes(dwords[n]))
    }
    fn splat_u8(self, value: u8) -> __m512i {
        _mm512_set1_epi8(value.cast_signed())
    }
    fn permute(self, v: __m512i, index: &[u8]) -> __m512i {
        let index: &[u8; 64] = chunk(index, 0);
        // SAFETY: `index` refers to the 64 bytes that are read.
        let index = unsafe { _mm512_loadu_si512(index.as_ptr().cast()) };
        _mm512_permutexvar_epi8(index, v)
    }
    fn permute2(self, a: __m512i, b: __m512i, index: &[u8]) -> __m512i {
        let index: &[u8; 64] = chunk(index, 0);
        // SAFETY: `index` refers to the 64 bytes that are read.
        let index = unsafe { _mm512_loadu_si512(index.as_ptr().cast()) };
        _mm512_permutex2var_epi8(a, index, b)
    }
    fn shuffle(self, v: __m512i, index: &[u8]) -> __m512i {
        let index: &[u8; 64] = chunk(index, 0);
        // SAFETY: `index` refers to the 64 bytes that are read.
        let index = unsafe { _mm512_loadu_si512(index.as_ptr().cast()) };
        _mm512_shuffle_epi8(v, index)
    }
    fn lookup(self, v: __m512i, table: &[u8; 16]) -> __m512i {
        // SAFETY: `table` refers to the 16 bytes that are read.
        let table = unsafe { _mm_loadu_si128(table.as_ptr().cast()) };
        _mm512_permutexvar_epi8(v, _mm512_broadcast_i32x4(table))
    }
    fn and(self, a: __m512i, b: __m512i) -> __m512i {
        _mm512_and_si512(a, b)
    }
    fn or(self, a: __m512i, b: __m512i) -> __m512i {
        _mm512_or_si512(a, b)
    }
    fn xor(self, a: __m512i, b: __m512i) -> __m512i {
        _mm512_xor_si512(a, b)
    }
    fn shr(self, v: __m512i, bits: u32) -> __m512i {
        _mm512_srl_epi16(v, _mm_cvtsi32_si128(bits.cast_signed()))
    }
    fn shl(self, v: __m512i, bits: u32) -> __m512i {
        _mm512_sll_epi16(v, _mm_cvtsi32_si128(bits.cast_signed()))
    }
    fn shift_dwords(self, v: __m512i, by: &Shift) -> __m512i {
        // SAFETY: `by.dwords` has the 64 bytes that are read.
        let counts = unsafe { _mm512_loadu_si512(by.dwords.as_ptr().cast()) };
        // Of counts that it cannot rule out, the compiler zeroes the lanes beside the shift.
        _mm512_srlv_epi32(v, _mm512_and_si512(counts, _mm512_set1_epi32(31)))
    }
    fn shift_bytes(self, v: __m512i, by: &Shift) -> __m512i {
        // SAFETY: `by.offsets` has the 64 bytes that are read.
        let offsets = unsafe { _mm512_loadu_si512(by.offsets.as_ptr().cast()) };
        // SAFETY: `by.kept` has the 64 bytes that are read.
        let kept = unsafe { _mm512_loadu_si512(by.kept.as_ptr().cast()) };
        _mm512_and_si512(_mm512_multishift_epi64_epi8(offsets, v), kept)
    }
    fn fields(self, v: __m512i, fields: &Fields) -> __m512i {
        // SAFETY: `fields.matrices` has the 64 bytes that are read.
        let matrices = unsafe { _mm512_loadu_si512(fields.matrices.as_ptr().cast()) };
        _mm512_gf2p8affine_epi64_epi8::<0>(v, matrices)
    }
    fn s_shift_bytes(self, v: __m128i, by: &Shift) -> __m128i {
        // SAFETY: `by.offsets` has 64 bytes.
        let offsets = unsafe { _mm_loadu_si128(by.offsets.as_ptr().cast()) };
        // SAFETY: `by.kept` has 64 bytes.
        let kept = unsafe { _mm_loadu_si128(by.kept.as_ptr().cast()) };
        _mm_and_si128(_mm_multishift_epi64_epi8(offsets, v), kept)
    }
    fn test_bits(self, v: __m512i, bits: &[u8], set: u8) -> __m512i {
        let bits: &[u8; 64] = chunk(bits, 0);
        // SAFETY: `bits` refers to the 64 bytes that are read.
        let bits = unsafe { _mm512_loadu_si512(bits.as_ptr().cast()) };
        _mm512_maskz_set1_epi8(_mm512_test_epi8_mask(v, bits), set.cast_signed())
    }

    fn splat_i32(self, value: i32) -> __m512i {
        _mm512_set1_epi32(value)
    }
    fn dot(self, sum: __m512i, codes: __m512i, quants: __m512i, _code_max: u32) -> __m512i {
        _mm512_dpbusd_epi32(sum, codes, quants)
    }
    fn pairs(self, codes: __m512i, quants: __m512i) -> __m512i {
        _mm512_maddubs_epi16(codes, quants)
    }
    fn add_pairs(self, a: __m512i, b: __m512i) -> __m512i {
        _mm512_add_epi16(a, b)
    }
    fn sum_pairs(self, sum: __m512i, pairs: __m512i) -> __m512i {
        _mm512_add_epi32(sum, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)))
    }
    fn sub_i32(self, a: __m512i, b: __m512i) -> __m512i {
        _mm512_sub_epi32(a, b)
    }
    fn to_f32(self, v: __m512i) -> __m512 {
        _mm512_cvtepi32_ps(v)
    }
    fn in_turn(self, sums: __m512i) -> __m512i {
        let same;
        // SAFETY: there is no instruction.
        unsafe {
            asm!("/* {0} */", inout(zmm_reg) sums => same, options(nomem, nostack, preserves_flags));
        }
        same
    }
    fn as_f32(self, v: __m512i) -> __m512 {
        _mm512_castsi512_ps(v)
    }

    fn splat(self, value: f32) -> __m512 {
        _mm512_set1_ps(value)
    }
    fn load_f32(self, from: &[f32], at: usize) -> __m512 {
        let p: &[f32; 16] = chunk(from, at);
        // SAFETY: `p` refers to the 16 floats that are read.
        unsafe { _mm512_loadu_ps(p.as_ptr()) }
    }
    fn store_f32(self, v: __m512, to: &mut [f32], at: usize) {
        let p: &mut [f32; 16] = chunk_mut(to, at);
        // SAFETY: `p` refers to the 16 floats that are written.
        unsafe { _mm512_storeu_ps(p.as_mut_ptr(), v) }
    }
    fn add(self, a: __m512, b: __m512) -> __m512 {
        _mm512_add_ps(a, b)
    }
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        _mm512_mul_ps(a, b)
    }
    fn fma(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        _mm512_fmadd_ps(a, b, c)
    }
    fn dot_bf16(self, sum: __m512, a: __m512i, b: __m512i) -> __m512 {
        let mut sum = sum;
        // The instruction itself: not every CPU with this instruction set has it, and kernels that
        // use it are made ready only where it was detected.
        // SAFETY: an instruction on registers alone, of a feature that was detected.
        unsafe {
            asm!(
                "vdpbf16ps {0}, {1}, {2}",
                inout(zmm_reg) sum,
                in(zmm_reg) a,
                in(zmm_reg) b,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        sum
    }
    fn to_bf16(self, a: __m512, b: __m512) -> __m512 {
        let pairs: __m512;
        // Its second source comes first. Where it may be used: see `dot_bf16`.
        // SAFETY: an instruction on registers alone, of a feature that was detected.
        unsafe {
            asm!(
                "vcvtne2ps2bf16 {0}, {1}, {2}",
                out(zmm_reg) pairs,
                in(zmm_reg) b,
                in(zmm_reg) a,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        pairs
    }
    fn of_bf16(self, pairs: __m512) -> [__m512; 2] {
        let bits = _mm512_castps_si512(pairs);
        let second = _mm512_and_si512(bits, _mm512_set1_epi32(-1 << 16));
        [_mm512_castsi512_ps(_mm512_slli_epi32::<16>(bits)), _mm512_castsi512_ps(second)]
    }
    fn sum(self, v: __m512) -> f32 {
        let high = _mm512_extractf32x8_ps::<1>(v);
        let v = _mm256_add_ps(_mm512_castps512_ps256(v), high);
        let v = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
        let v = _mm_add_ps(v, _mm_movehl_ps(v, v));
        _mm_cvtss_f32(_mm_add_ss(v, _mm_shuffle_ps::<1>(v, v)))
    }
    fn widen(self, v: __m512i, part: usize) -> __m512 {
        let sixteen = match part {
            0 => _mm512_castsi512_si128(v),
            1 => _mm512_extracti32x4_epi32::<1>(v),
            2 => _mm512_extracti32x4_epi32::<2>(v),
            _ => _mm512_extracti32x4_epi32::<3>(v),
        };
        _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(sixteen))
    }
    fn f32s(self, from: &[u8], at: usize) -> __m512 {
        let p: &[u8; 64] = chunk(from, at);
        // SAFETY: `p` refers to the 64 bytes that are read.
        unsafe { _mm512_loadu_ps(p.as_ptr().cast()) }
    }
    fn f16s(self, from: &[u8], at: usize) -> __m512 {
        let p: &[u8; 32] = chunk(from, at);
        // SAFETY: `p` refers to the 32 bytes that are read.
        let halves = unsafe { _mm256_loadu_si256(p.as_ptr().cast()) };
        _mm512_cvtph_ps(halves)
    }
    fn bf16s(self, from: &[u8], at: usize) -> __m512 {
        let p: &[u8; 32] = chunk(from, at);
        // SAFETY: `p` refers to the 32 bytes that are read.
        let halves = unsafe { _mm256_loadu_si256(p.as_ptr().cast()) };
        _mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(halves)))
    }
    #[inline(always)]
    fn columns(self, from: &[f32], at: usize, stride: usize) -> [__m512; 16] {
        let from = &from[at..at + 15 * stride + 16];
        let fours: [[__m512; 4]; 4] = array(#[inline(always)] |n| {
            self.turned(array(#[inline(always)] |r| {
                self.quarters(from, 4 * n + r * stride, 4 * stride)
            }))
        });
        array(#[inline(always)] |n| fours[n / 4][n % 4])
    }

    fn g_splat(self, value: f32) -> __m512 {
        _mm512_set1_ps(value)
    }
    fn g_load(self, from: &[f32], at: usize) -> __m512 {
        let p: &[f32; 16] = chunk(from, at);
        // SAFETY: `p` refers to the 16 floats that are read.
        unsafe { _mm512_loadu_ps(p.as_ptr()) }
    }
    fn g_store(self, v: __m512, to: &mut [f32], at: usize) {
        let p: &mut [f32; 16] = chunk_mut(to, at);
        // SAFETY: `p` refers to the 16 floats that are written.
        unsafe { _mm512_storeu_ps(p.as_mut_ptr(), v) }
    }
    fn g_add(self, a: __m512, b: __m512) -> __m512 {
        _mm512_add_ps(a, b)
    }
    fn g_sub(self, a: __m512, b: __m512) -> __m512 {
        _mm512_sub_ps(a, b)
    }
    fn g_mul(self, a: __m512, b: __m512) -> __m512 {
        _mm512_mul_ps(a, b)
    }
    fn g_fma(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        _mm512_fmadd_ps(a, b, c)
    }
    fn g_mul_few(self, a: __m512, b: __m512) -> __m512 {
        let (a, b) = (_mm512_castps512_ps256(a), _mm512_castps512_ps256(b));
        _mm512_castps256_ps512(_mm256_mul_ps(a, b))
    }
    fn g_fma_few(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        let (a, b) = (_mm512_castps512_ps256(a), _mm512_castps512_ps256(b));
        _mm512_castps256_ps512(_mm256_fmadd_ps(a, b, _mm512_castps512_ps256(c)))
    }
    fn g_first(self, v: __m512, count: usize) -> __m512 {
        _mm512_maskz_mov_ps(((1u32 << count) - 1) as u16, v)
    }
    fn g_fold(self, v: __m512) -> __m512 {
        v
    }
    fn g_u8(self, v: __m128i) -> __m512 {
        _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(v))
    }
    fn g_e8m0(self, v: __m128i) -> __m512 {
        let exponent = _mm512_slli_epi32::<23>(_mm512_cvtepu8_epi32(v));
        // The smallest power is subnormal, the largest code is NaN: both have bit 22.
        let bit = _mm512_set1_epi32(1 << 22);
        let infinite = _mm512_cmpeq_epi32_mask(exponent, _mm512_set1_epi32(0xFF << 23));
        let value = _mm512_mask_or_epi32(exponent, infinite, exponent, bit);
        _mm512_castsi512_ps(_mm512_max_epi32(value, bit))
    }
    fn g_ue4m3(self, v: __m128i) -> __m512 {
        let byte = _mm256_cvtepu8_epi16(v);
        let bits = _mm256_and_si256(byte, _mm256_set1_epi16(0x7F));
        let counts = _mm256_cmpneq_epi16_mask(byte, _mm256_set1_epi16(0x7F));
        // As an f16 it is 256 times too small, subnormals included, and converts at full speed.
        let halves = _mm256_maskz_slli_epi16::<7>(counts, bits);
        _mm512_mul_ps(_mm512_cvtph_ps(halves), _mm512_set1_ps(256.0))
    }
    fn g_f16s(self, halves: &[u16; 16]) -> __m512 {
        // SAFETY: `halves` refers to the 32 bytes that are read.
        let halves = unsafe { _mm256_loadu_si256(halves.as_ptr().cast()) };
        _mm512_cvtph_ps(halves)
    }
    #[inline(always)]
    fn g_f16(self, from: &[u8], spots: &Spots) -> __m512 {
        self.f16s_at(from, spots)
    }
    #[inline(always)]
    fn s_bytes(self, from: &[u8], spots: &Spots) -> __m128i {
        self.bytes_at(from, spots)
    }
    fn g_f16_splat(self, from: &[u8], at: usize) -> __m512 {
        _mm512_cvtph_ps(_mm256_set1_epi16(i16::from_le_bytes(*chunk(from, at))))
    }
    fn g_keep(self, v: __m512, to: &mut Kept) {
        // SAFETY: `to` has the 16 floats that are written.
        unsafe { _mm512_store_ps(to.0.as_mut_ptr(), v) };
    }
    #[inline(always)]
    fn spread(self, kept: &Kept, (first, step): (usize, usize), per: usize) -> __m512 {
        let lanes = array(#[inline(always)] |n| (first + step * (n / per)) as i32);
        self.lanes_of(self.kept(kept), &lanes)
    }
});

#[kernel_macros::fence]
impl crate::isa::Avx512Vnni {
    fn kept(self, kept: &Kept) -> __m512 {
        // SAFETY: `kept` has the 16 floats that are read.
        unsafe { _mm512_load_ps(kept.0.as_ptr()) }
    }
    /// In each quarter l, the four floats at `at + l * step`.
    #[inline(always)]
    fn quarters(self, from: &[f32], at: usize, step: usize) -> __m512 {
        self.in_quarters(array(
            #[inline(always)]
            |l| {
                let floats: &[f32; 4] = chunk(from, at + l * step);
                zerocopy::transmute_ref!(floats)
            },
        ))
    }
    /// Each of four runs of 16 bytes in a quarter.
    fn in_quarters(self, runs: [&[u8; 16]; 4]) -> __m512 {
        let quarters: [__m512; 4] = array(
            #[inline(always)]
            |l| {
                // SAFETY: the run has the 16 bytes that are read.
                _mm512_broadcast_f32x4(unsafe { _mm_loadu_ps(runs[l].as_ptr().cast()) })
            },
        );
        let low = _mm512_mask_mov_ps(quarters[0], 0x00F0, quarters[1]);
        let low = _mm512_mask_mov_ps(low, 0x0F00, quarters[2]);
        _mm512_mask_mov_ps(low, 0xF000, quarters[3])
    }
    fn as_bytes(self, v: __m512) -> __m512i {
        _mm512_castps_si512(v)
    }
    /// Squares of four by four in each quarter, transposed.
    fn turned(self, [a, b, c, d]: [__m512; 4]) -> [__m512; 4] {
        let low_ab = _mm512_castps_pd(_mm512_unpacklo_ps(a, b));
        let low_cd = _mm512_castps_pd(_mm512_unpacklo_ps(c, d));
        let high_ab = _mm512_castps_pd(_mm512_unpackhi_ps(a, b));
        let high_cd = _mm512_castps_pd(_mm512_unpackhi_ps(c, d));
        [
            _mm512_castpd_ps(_mm512_unpacklo_pd(low_ab, low_cd)),
            _mm512_castpd_ps(_mm512_unpackhi_pd(low_ab, low_cd)),
            _mm512_castpd_ps(_mm512_unpacklo_pd(high_ab, high_cd)),
            _mm512_castpd_ps(_mm512_unpackhi_pd(high_ab, high_cd)),
        ]
    }
    /// Lane n takes lane `lane[n]`.
    fn lanes_of(self, v: __m512, lane: &[i32; 16]) -> __m512 {
        // SAFETY: `lane` has the 64 bytes that are read.
        let lane = unsafe { _mm512_loadu_si512(lane.as_ptr().cast()) };
        _mm512_permutexvar_ps(lane, v)
    }
}
