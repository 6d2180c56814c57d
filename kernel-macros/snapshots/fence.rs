impl Isa for Avx2 {
    const LANES: usize = 32;
    #[inline(always)]
    fn and(self, a: __m256i, b: __m256i) -> __m256i {
        #[inline]
        #[target_feature(enable = "avx2,fma,f16c")]
        fn op(a: __m256i, b: __m256i) -> __m256i {
            _mm256_and_si256(a, b)
        }
        unsafe { op(a, b) }
    }
    #[inline(always)]
    fn shift<const N: i32>(self, v: __m256i) -> __m256i {
        #[inline]
        #[target_feature(enable = "avx2,fma,f16c")]
        fn op<const N: i32>(v: __m256i) -> __m256i {
            _mm256_srli_epi16::<N>(v)
        }
        unsafe { op::<N>(v) }
    }
    #[inline(always)]
    fn both(self, a: __m256i, b: __m256i) -> __m256i {
        self.and(self.shift::<4>(a), b)
    }
}
