//! x86-64. Registers of 256 bits in `ymm.rs`, of 512 bits in `zmm.rs`; here what both share: the
//! 16 bytes that become group values. Tile registers in `amx.rs`.

mod amx;
mod ymm;
mod zmm;

/// `N` elements of a slice, checked.
#[inline(always)]
fn chunk<T, const N: usize>(from: &[T], at: usize) -> &[T; N] {
    from[at..at + N].first_chunk().expect("a slice of that length")
}

/// `N` elements of a slice to be written, checked.
#[inline(always)]
fn chunk_mut<T, const N: usize>(to: &mut [T], at: usize) -> &mut [T; N] {
    to[at..at + N].first_chunk_mut().expect("a slice of that length")
}

/// Four quants as one dword.
#[inline(always)]
fn quad_of(from: &[i8], at: usize) -> i32 {
    let [a, b, c, d] = *chunk(from, at);
    i32::from_le_bytes([a.cast_unsigned(), b.cast_unsigned(), c.cast_unsigned(), d.cast_unsigned()])
}

/// Implements `Isa` for a token: the given operations, and those on 16 bytes.
macro_rules! x86_isa {
    ($token:ident { $($own:tt)* }) => {
        #[kernel_macros::fence]
        impl crate::isa::Isa for crate::isa::$token {
            $($own)*

            fn s_load(self, from: &[u8], at: usize) -> __m128i {
                let p: &[u8; 16] = chunk(from, at);
                // SAFETY: `p` refers to the 16 bytes that are read.
                unsafe { _mm_loadu_si128(p.as_ptr().cast()) }
            }
            fn s_splat_u8(self, value: u8) -> __m128i {
                _mm_set1_epi8(value.cast_signed())
            }
            fn s_shuffle(self, v: __m128i, index: &[u8; 16]) -> __m128i {
                // SAFETY: `index` refers to the 16 bytes that are read.
                let index = unsafe { _mm_loadu_si128(index.as_ptr().cast()) };
                _mm_shuffle_epi8(v, index)
            }
            fn s_lookup(self, v: __m128i, table: &[u8; 16]) -> __m128i {
                // SAFETY: `table` refers to the 16 bytes that are read.
                let table = unsafe { _mm_loadu_si128(table.as_ptr().cast()) };
                _mm_shuffle_epi8(table, v)
            }
            fn s_and(self, a: __m128i, b: __m128i) -> __m128i {
                _mm_and_si128(a, b)
            }
            fn s_or(self, a: __m128i, b: __m128i) -> __m128i {
                _mm_or_si128(a, b)
            }
            fn s_xor(self, a: __m128i, b: __m128i) -> __m128i {
                _mm_xor_si128(a, b)
            }
            fn s_shr(self, v: __m128i, bits: u32) -> __m128i {
                _mm_srl_epi16(v, _mm_cvtsi32_si128(bits.cast_signed()))
            }
            fn s_shl(self, v: __m128i, bits: u32) -> __m128i {
                _mm_sll_epi16(v, _mm_cvtsi32_si128(bits.cast_signed()))
            }
            #[inline(always)]
            fn largest(self, x: &[f32; GROUP]) -> f32 {
                self.largest_of(self.group(x))
            }
            #[inline(always)]
            fn round(self, x: &[f32; GROUP], inverse: f32, to: &mut [i8; GROUP]) {
                self.round_all(self.group(x), inverse, to);
            }
            fn sum_of(self, quants: &[i8; HALF]) -> i32 {
                // SAFETY: `quants` refers to the 16 bytes that are read.
                let quants = unsafe { _mm_loadu_si128(quants.as_ptr().cast()) };
                // Bytes without signs are what can be added up at once.
                let bytes = _mm_xor_si128(quants, _mm_set1_epi8(-128));
                let sums = _mm_sad_epu8(bytes, _mm_setzero_si128());
                let sum = _mm_add_epi32(sums, _mm_shuffle_epi32::<0b1110>(sums));
                _mm_cvtsi128_si32(sum) - 128 * HALF as i32
            }

            // A prefetch reads nothing that a program can see, and never faults.
            #[allow(clippy::not_unsafe_ptr_arg_deref)]
            fn prefetch(self, at: *const u8) {
                _mm_prefetch::<_MM_HINT_T1>(at.cast());
            }
            #[allow(clippy::not_unsafe_ptr_arg_deref)]
            fn prefetch_near(self, at: *const u8) {
                _mm_prefetch::<_MM_HINT_T0>(at.cast());
            }
        }

        #[kernel_macros::fence]
        impl crate::isa::$token {
            fn group(self, x: &[f32; GROUP]) -> [__m256; 4] {
                array(
                    #[inline(always)]
                    |n| {
                        let p: &[f32; 8] = chunk(x, 8 * n);
                        // SAFETY: `p` refers to the eight floats that are read.
                        unsafe { _mm256_loadu_ps(p.as_ptr()) }
                    },
                )
            }
            fn largest_of(self, x: [__m256; 4]) -> f32 {
                let bits: [__m256i; 4] = array(
                    #[inline(always)]
                    |n| _mm256_and_si256(_mm256_castps_si256(x[n]), _mm256_set1_epi32(i32::MAX)),
                );
                let (a, b) = (_mm256_max_epu32(bits[0], bits[1]), _mm256_max_epu32(bits[2], bits[3]));
                let v = _mm256_max_epu32(a, b);
                let v = _mm_max_epu32(_mm256_castsi256_si128(v), _mm256_extracti128_si256::<1>(v));
                let v = _mm_max_epu32(v, _mm_shuffle_epi32::<0b1110>(v));
                let v = _mm_max_epu32(v, _mm_shuffle_epi32::<0b01>(v));
                _mm_cvtss_f32(_mm_castsi128_ps(v))
            }
            fn round_all(self, x: [__m256; 4], inverse: f32, to: &mut [i8; GROUP]) {
                let (by, round) = (_mm256_set1_ps(inverse), _mm256_set1_ps(ROUND));
                let v: [__m256i; 4] = array(
                    #[inline(always)]
                    |n| {
                        let sum = _mm256_add_ps(_mm256_mul_ps(x[n], by), round);
                        _mm256_sub_epi32(_mm256_castps_si256(sum), _mm256_castps_si256(round))
                    },
                );
                let (a, b) = (_mm256_packs_epi32(v[0], v[1]), _mm256_packs_epi32(v[2], v[3]));
                // Four of each of `v`, then the other four of each.
                let order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
                let quants = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(a, b), order);
                // SAFETY: `to` refers to the 32 bytes that are written.
                unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), quants) }
            }
        }
    };
}
use x86_isa;
