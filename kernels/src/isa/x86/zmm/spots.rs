//! Scales, which lie here and there in a span, brought side by side.

use crate::isa::x86::chunk;
use crate::isa::{Isa, Spots, array};
use std::arch::asm;
use std::arch::x86_64::*;

#[kernel_macros::fence]
impl crate::isa::Avx512Vnni {
    /// [`Isa::g_f16`].
    #[inline(always)]
    pub(super) fn f16s_at(self, from: &[u8], spots: &Spots) -> __m512 {
        // A conversion costs as much as its result is wide.
        if spots.different <= 4 {
            let four = self.half_f16s(spots.four_halves(from, 0), 0);
            self.lanes_of(four, &spots.kind)
        } else if spots.count > 8 || spots.different < spots.count {
            self.all_f16(from, spots)
        } else if spots.fits && spots.from_third == 0 {
            self.half_f16s_of(self.spots(from, spots))
        } else {
            self.half_f16s(spots.four_halves(from, 0), spots.four_halves(from, 4))
        }
    }
    /// [`Isa::s_bytes`].
    #[inline(always)]
    pub(super) fn bytes_at(self, from: &[u8], spots: &Spots) -> __m128i {
        if spots.fits {
            self.first_bytes(self.spots(from, spots))
        } else {
            self.s_load(&spots.bytes(from), 0)
        }
    }
    /// Sixteen `f16`, wherever they are.
    #[inline(always)]
    fn all_f16(self, from: &[u8], spots: &Spots) -> __m512 {
        if spots.fits {
            self.f16s_of(self.spots(from, spots))
        } else if spots.at[15] + 4 <= from.len() {
            self.gathered_f16s(from, spots)
        } else {
            self.g_f16s(&spots.halves(from))
        }
    }
    /// Four `f16` each of two qwords; the upper lanes may be anything.
    fn half_f16s(self, low: u64, high: u64) -> __m512 {
        let halves = _mm_set_epi64x(high.cast_signed(), low.cast_signed());
        _mm512_castps256_ps512(_mm256_cvtph_ps(halves))
    }
    /// The first eight `f16`; the upper lanes may be anything.
    fn half_f16s_of(self, bytes: __m512i) -> __m512 {
        _mm512_castps256_ps512(_mm256_cvtph_ps(_mm512_castsi512_si128(bytes)))
    }
    /// The `f16` in the low half of the dword at each spot; the last dword lies within `from`.
    fn gathered_f16s(self, from: &[u8], spots: &Spots) -> __m512 {
        let from = &from[..spots.at[15] + 4];
        let at: [i32; 16] = array(
            #[inline(always)]
            |n| spots.at[n] as i32,
        );
        // SAFETY: `at` has the 64 bytes that are read.
        let at = unsafe { _mm512_loadu_si512(at.as_ptr().cast()) };
        // SAFETY: spots ascend; the dword at the last one is the end of `from`.
        let dwords = unsafe { _mm512_i32gather_epi32::<1>(at, from.as_ptr().cast()) };
        _mm512_cvtph_ps(_mm512_cvtepi32_epi16(dwords))
    }
    /// The bytes of all spots, one after the other.
    #[inline(always)]
    fn spots(self, from: &[u8], spots: &Spots) -> __m512i {
        let [a, b, c] = spots.windows;
        if from.len() < 64 {
            let all = self.load_prefix(from);
            return self.of_two(all, all, &spots.index);
        }
        let (a, b) = (self.window(chunk(from, a)), self.window(chunk(from, b)));
        let two = self.of_two(a, b, &spots.index);
        if spots.from_third == 0 {
            return two;
        }
        let c = self.window(chunk(from, c));
        self.and_third(two, spots.from_third, c, &spots.third)
    }
    /// 64 bytes, by a load that the compiler cannot see into: it would make later loads within
    /// them from this register, with half a dozen permutes instead of one load.
    fn window(self, from: &[u8; 64]) -> __m512i {
        let bytes;
        // SAFETY: `from` refers to the 64 bytes that are read.
        unsafe {
            asm!(
                "vmovdqu64 {0}, [{1}]",
                out(zmm_reg) bytes,
                in(reg) from,
                options(pure, readonly, nostack, preserves_flags)
            );
        }
        bytes
    }
    fn of_two(self, a: __m512i, b: __m512i, index: &[u8; 32]) -> __m512i {
        // SAFETY: `index` refers to the 32 bytes that are read.
        let index = unsafe { _mm256_loadu_si256(index.as_ptr().cast()) };
        _mm512_permutex2var_epi8(a, _mm512_castsi256_si512(index), b)
    }
    fn and_third(self, two: __m512i, which: u64, c: __m512i, index: &[u8; 32]) -> __m512i {
        // SAFETY: `index` refers to the 32 bytes that are read.
        let index = unsafe { _mm256_loadu_si256(index.as_ptr().cast()) };
        _mm512_mask_permutexvar_epi8(two, which, _mm512_castsi256_si512(index), c)
    }
    fn f16s_of(self, bytes: __m512i) -> __m512 {
        _mm512_cvtph_ps(_mm512_castsi512_si256(bytes))
    }
    fn first_bytes(self, bytes: __m512i) -> __m128i {
        _mm512_castsi512_si128(bytes)
    }
}
