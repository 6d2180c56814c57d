//! x86-64. Registers of 256 bits in `ymm.rs`, of 512 bits in `zmm.rs`; here what both share: the
//! 16 bytes that become group values.

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
            fn s_shift_bytes(self, v: __m128i, by: &Shift) -> __m128i {
                let (even, odd) = (by.even.as_ptr().cast(), by.odd.as_ptr().cast());
                // SAFETY: `by.even` has 64 bytes.
                let even = unsafe { _mm_loadu_si128(even) };
                // SAFETY: `by.odd` has 64 bytes.
                let odd = unsafe { _mm_loadu_si128(odd) };
                let low = _mm_set1_epi16(0xFF);
                let even = _mm_srli_epi16::<8>(_mm_mullo_epi16(_mm_and_si128(v, low), even));
                let odd = _mm_mullo_epi16(_mm_srli_epi16::<8>(v), odd);
                _mm_or_si128(even, _mm_andnot_si128(low, odd))
            }
            // A prefetch reads nothing that a program can see, and never faults.
            #[allow(clippy::not_unsafe_ptr_arg_deref)]
            fn prefetch(self, at: *const u8) {
                _mm_prefetch::<_MM_HINT_T1>(at.cast());
            }
        }
    };
}
use x86_isa;
