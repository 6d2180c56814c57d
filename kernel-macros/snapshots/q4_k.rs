/// 4-bit K-quant: 8 groups of 32 weights, each with a 6-bit scale and minimum.
/**

```text
 bytes      field
 0..2       d: f16
 2..4       dmin: f16
 4..16      scales: u8 x 12
 16..144    qs: u8 x 128
```

256 weights in 144 bytes: 4.5 bits per weight.*/
#[derive(Clone, Copy, Debug)]
#[allow(non_camel_case_types, dead_code)]
pub struct Q4_K;
/// One block of [`Q4_K`] as stored: 144 bytes, align 1.
#[derive(
    Clone,
    Copy,
    Debug,
    ::kernels::zerocopy::FromBytes,
    ::kernels::zerocopy::IntoBytes,
    ::kernels::zerocopy::Immutable,
    ::kernels::zerocopy::KnownLayout,
    ::kernels::zerocopy::Unaligned,
)]
#[zerocopy(crate = "::kernels::zerocopy")]
#[repr(C)]
#[allow(non_camel_case_types, dead_code)]
pub struct BlockQ4_K {
    /// f16, at byte 0.
    pub d: [u8; 2],
    /// f16, at byte 2.
    pub dmin: [u8; 2],
    /// 12 x u8, from byte 4.
    pub scales: [u8; 12],
    /// 128 x u8, from byte 16.
    pub qs: [u8; 128],
}
const _: () = ::core::assert!(::core::mem::size_of:: < BlockQ4_K > () == 144);
#[allow(clippy::all, clippy::pedantic, missing_docs, unreachable_pub, unused_imports)]
mod kernels_of_q4_k {
    use super::{BlockQ4_K, Q4_K};
    use ::kernels::isa::{Fields, Rows, Shift, Spots};
    use ::kernels::format::{Link, Order};
    use ::kernels::{Coded, Format, FormatInfo, Isa, float, format, layout, zerocopy};
    const SC_BITS: layout::Numbers = layout::Numbers {
        name: "sc",
        len: 8,
        width: 6,
        signed: false,
        runs: &[
            layout::Run::new(0..4, 0, 6, (4, 1), (0, 0)),
            layout::Run::new(4..8, 0, 4, (12, 1), (0, 0)),
            layout::Run::new(4..8, 4, 2, (4, 1), (6, 0)),
        ],
    };
    const Q_BITS: layout::Numbers = layout::Numbers {
        name: "q",
        len: 256,
        width: 4,
        signed: false,
        runs: &[
            layout::Run::new(0..32, 0, 4, (16, 1), (0, 0)),
            layout::Run::new(32..64, 0, 4, (16, 1), (4, 0)),
            layout::Run::new(64..96, 0, 4, (48, 1), (0, 0)),
            layout::Run::new(96..128, 0, 4, (48, 1), (4, 0)),
            layout::Run::new(128..160, 0, 4, (80, 1), (0, 0)),
            layout::Run::new(160..192, 0, 4, (80, 1), (4, 0)),
            layout::Run::new(192..224, 0, 4, (112, 1), (0, 0)),
            layout::Run::new(224..256, 0, 4, (112, 1), (4, 0)),
        ],
    };
    const M_BITS: layout::Numbers = layout::Numbers {
        name: "m",
        len: 8,
        width: 6,
        signed: false,
        runs: &[
            layout::Run::new(0..4, 0, 6, (8, 1), (0, 0)),
            layout::Run::new(4..8, 0, 4, (12, 1), (4, 0)),
            layout::Run::new(4..8, 4, 2, (8, 1), (6, 0)),
        ],
    };
    impl BlockQ4_K {
        /// The weights, decoded by the equation of the declaration.
        #[must_use]
        pub fn dequantize(&self) -> [f32; 256] {
            let bytes = zerocopy::IntoBytes::as_bytes(self);
            let d = float::f16(self.d);
            let dmin = float::f16(self.dmin);
            let sc: [f32; 8] = SC_BITS.read(bytes);
            let q: [f32; 256] = Q_BITS.read(bytes);
            let m: [f32; 8] = M_BITS.read(bytes);
            core::array::from_fn(|i| d * sc[i / 32] * q[i] - dmin * m[i / 32])
        }
    }
    impl Format for Q4_K {
        const SPAN: usize = 512;
        type Span = [u8; 288];
        fn info() -> &'static FormatInfo {
            &INFO
        }
        #[inline(always)]
        fn floats<I: Isa>(isa: I, span: &Self::Span, each: impl FnMut(usize, I::F32)) {
            format::coded_floats::<I, Self>(isa, span, each)
        }
    }
    impl Coded for Q4_K {
        const UNIT: usize = 32;
        const CODE_MAX: u32 = 15;
        const CENTER: Option<i32> = None;
        #[inline(always)]
        fn codes<I: Isa>(
            isa: I,
            span: &Self::Span,
            mut each: impl FnMut(usize, I::Bytes),
        ) {
            const FIELDS0: &Fields = &Fields::new([
                (0, 15),
                (0, 15),
                (0, 15),
                (0, 15),
                (4, 15),
                (4, 15),
                (4, 15),
                (4, 15),
            ]);
            if const { I::LANES == 64 } {
                each(0, isa.fields(isa.load_halves(span, 16, 16), FIELDS0));
                each(1, isa.fields(isa.load_halves(span, 48, 48), FIELDS0));
                each(2, isa.fields(isa.load_halves(span, 80, 80), FIELDS0));
                each(3, isa.fields(isa.load_halves(span, 112, 112), FIELDS0));
                each(4, isa.fields(isa.load_halves(span, 160, 160), FIELDS0));
                each(5, isa.fields(isa.load_halves(span, 192, 192), FIELDS0));
                each(6, isa.fields(isa.load_halves(span, 224, 224), FIELDS0));
                each(7, isa.fields(isa.load_halves(span, 256, 256), FIELDS0));
            } else {
                let from = isa.load(span, 16);
                each(0, isa.and(from, isa.splat_u8(15)));
                let from = isa.load(span, 16);
                each(1, isa.and(isa.shr(from, 4), isa.splat_u8(15)));
                let from = isa.load(span, 48);
                each(2, isa.and(from, isa.splat_u8(15)));
                let from = isa.load(span, 48);
                each(3, isa.and(isa.shr(from, 4), isa.splat_u8(15)));
                let from = isa.load(span, 80);
                each(4, isa.and(from, isa.splat_u8(15)));
                let from = isa.load(span, 80);
                each(5, isa.and(isa.shr(from, 4), isa.splat_u8(15)));
                let from = isa.load(span, 112);
                each(6, isa.and(from, isa.splat_u8(15)));
                let from = isa.load(span, 112);
                each(7, isa.and(isa.shr(from, 4), isa.splat_u8(15)));
                let from = isa.load(span, 160);
                each(8, isa.and(from, isa.splat_u8(15)));
                let from = isa.load(span, 160);
                each(9, isa.and(isa.shr(from, 4), isa.splat_u8(15)));
                let from = isa.load(span, 192);
                each(10, isa.and(from, isa.splat_u8(15)));
                let from = isa.load(span, 192);
                each(11, isa.and(isa.shr(from, 4), isa.splat_u8(15)));
                let from = isa.load(span, 224);
                each(12, isa.and(from, isa.splat_u8(15)));
                let from = isa.load(span, 224);
                each(13, isa.and(isa.shr(from, 4), isa.splat_u8(15)));
                let from = isa.load(span, 256);
                each(14, isa.and(from, isa.splat_u8(15)));
                let from = isa.load(span, 256);
                each(15, isa.and(isa.shr(from, 4), isa.splat_u8(15)));
            }
        }
        const STRETCH: usize = 256;
        const REACH: usize = 144;
        #[inline(always)]
        fn columns<I: Isa>(
            isa: I,
            rows: &Rows<'_>,
            at: usize,
            mut each: impl FnMut(usize, I::Bytes),
        ) {
            const FIELDS0: &Fields = &Fields::new([
                (4, 15),
                (4, 15),
                (4, 15),
                (4, 15),
                (4, 15),
                (4, 15),
                (4, 15),
                (4, 15),
            ]);
            if const { I::LANES == 64 } {
                let run0 = isa.dwords(rows, at + 16);
                for d in 0..4 {
                    let from = run0[d];
                    each(0 + d, isa.and(from, isa.splat_u8(15)));
                }
                for d in 0..4 {
                    each(8 + d, isa.fields(run0[d], FIELDS0));
                }
                let run1 = isa.dwords(rows, at + 32);
                for d in 0..4 {
                    let from = run1[d];
                    each(4 + d, isa.and(from, isa.splat_u8(15)));
                }
                for d in 0..4 {
                    each(12 + d, isa.fields(run1[d], FIELDS0));
                }
                let run2 = isa.dwords(rows, at + 48);
                for d in 0..4 {
                    let from = run2[d];
                    each(16 + d, isa.and(from, isa.splat_u8(15)));
                }
                for d in 0..4 {
                    each(24 + d, isa.fields(run2[d], FIELDS0));
                }
                let run3 = isa.dwords(rows, at + 64);
                for d in 0..4 {
                    let from = run3[d];
                    each(20 + d, isa.and(from, isa.splat_u8(15)));
                }
                for d in 0..4 {
                    each(28 + d, isa.fields(run3[d], FIELDS0));
                }
                let run4 = isa.dwords(rows, at + 80);
                for d in 0..4 {
                    let from = run4[d];
                    each(32 + d, isa.and(from, isa.splat_u8(15)));
                }
                for d in 0..4 {
                    each(40 + d, isa.fields(run4[d], FIELDS0));
                }
                let run5 = isa.dwords(rows, at + 96);
                for d in 0..4 {
                    let from = run5[d];
                    each(36 + d, isa.and(from, isa.splat_u8(15)));
                }
                for d in 0..4 {
                    each(44 + d, isa.fields(run5[d], FIELDS0));
                }
                let run6 = isa.dwords(rows, at + 112);
                for d in 0..4 {
                    let from = run6[d];
                    each(48 + d, isa.and(from, isa.splat_u8(15)));
                }
                for d in 0..4 {
                    each(56 + d, isa.fields(run6[d], FIELDS0));
                }
                let run7 = isa.dwords(rows, at + 128);
                for d in 0..4 {
                    let from = run7[d];
                    each(52 + d, isa.and(from, isa.splat_u8(15)));
                }
                for d in 0..4 {
                    each(60 + d, isa.fields(run7[d], FIELDS0));
                }
            } else {
                let run0 = isa.dwords(rows, at + 16);
                for d in 0..4 {
                    let from = run0[d];
                    each(0 + d, isa.and(from, isa.splat_u8(15)));
                }
                for d in 0..4 {
                    let from = run0[d];
                    each(8 + d, isa.and(isa.shr(from, 4), isa.splat_u8(15)));
                }
                let run1 = isa.dwords(rows, at + 32);
                for d in 0..4 {
                    let from = run1[d];
                    each(4 + d, isa.and(from, isa.splat_u8(15)));
                }
                for d in 0..4 {
                    let from = run1[d];
                    each(12 + d, isa.and(isa.shr(from, 4), isa.splat_u8(15)));
                }
                let run2 = isa.dwords(rows, at + 48);
                for d in 0..4 {
                    let from = run2[d];
                    each(16 + d, isa.and(from, isa.splat_u8(15)));
                }
                for d in 0..4 {
                    let from = run2[d];
                    each(24 + d, isa.and(isa.shr(from, 4), isa.splat_u8(15)));
                }
                let run3 = isa.dwords(rows, at + 64);
                for d in 0..4 {
                    let from = run3[d];
                    each(20 + d, isa.and(from, isa.splat_u8(15)));
                }
                for d in 0..4 {
                    let from = run3[d];
                    each(28 + d, isa.and(isa.shr(from, 4), isa.splat_u8(15)));
                }
                let run4 = isa.dwords(rows, at + 80);
                for d in 0..4 {
                    let from = run4[d];
                    each(32 + d, isa.and(from, isa.splat_u8(15)));
                }
                for d in 0..4 {
                    let from = run4[d];
                    each(40 + d, isa.and(isa.shr(from, 4), isa.splat_u8(15)));
                }
                let run5 = isa.dwords(rows, at + 96);
                for d in 0..4 {
                    let from = run5[d];
                    each(36 + d, isa.and(from, isa.splat_u8(15)));
                }
                for d in 0..4 {
                    let from = run5[d];
                    each(44 + d, isa.and(isa.shr(from, 4), isa.splat_u8(15)));
                }
                let run6 = isa.dwords(rows, at + 112);
                for d in 0..4 {
                    let from = run6[d];
                    each(48 + d, isa.and(from, isa.splat_u8(15)));
                }
                for d in 0..4 {
                    let from = run6[d];
                    each(56 + d, isa.and(isa.shr(from, 4), isa.splat_u8(15)));
                }
                let run7 = isa.dwords(rows, at + 128);
                for d in 0..4 {
                    let from = run7[d];
                    each(52 + d, isa.and(from, isa.splat_u8(15)));
                }
                for d in 0..4 {
                    let from = run7[d];
                    each(60 + d, isa.and(isa.shr(from, 4), isa.splat_u8(15)));
                }
            }
        }
        const ORDER_WIDE: Option<Order> = Some(Order {
            run: 4,
            runs: &[
                0, 1, 2, 3, 16, 17, 18, 19, 32, 33, 34, 35, 48, 49, 50, 51, 4, 5, 6, 7,
                20, 21, 22, 23, 36, 37, 38, 39, 52, 53, 54, 55, 64, 65, 66, 67, 80, 81,
                82, 83, 96, 97, 98, 99, 112, 113, 114, 115, 68, 69, 70, 71, 84, 85, 86,
                87, 100, 101, 102, 103, 116, 117, 118, 119, 8, 9, 10, 11, 24, 25, 26, 27,
                40, 41, 42, 43, 56, 57, 58, 59, 12, 13, 14, 15, 28, 29, 30, 31, 44, 45,
                46, 47, 60, 61, 62, 63, 72, 73, 74, 75, 88, 89, 90, 91, 104, 105, 106,
                107, 120, 121, 122, 123, 76, 77, 78, 79, 92, 93, 94, 95, 108, 109, 110,
                111, 124, 125, 126, 127,
            ],
        });
        #[inline(always)]
        fn links<I: Isa>(
            isa: I,
            span: &Self::Span,
            mut each: impl FnMut(Link, I::Bytes),
        ) {
            const AT0: &[u8; 64] = &[
                0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 32, 33, 34, 35, 36,
                37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 64, 65, 66, 67, 68, 69, 70,
                71, 72, 73, 74, 75, 76, 77, 78, 79, 96, 97, 98, 99, 100, 101, 102, 103,
                104, 105, 106, 107, 108, 109, 110, 111,
            ];
            const AT1: &[u8; 64] = &[
                16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 48, 49,
                50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 80, 81, 82, 83,
                84, 85, 86, 87, 88, 89, 90, 91, 92, 93, 94, 95, 112, 113, 114, 115, 116,
                117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127,
            ];
            const AT2: &[u8; 64] = &[
                0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 32, 33, 34, 35, 36,
                37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 80, 81, 82, 83, 84, 85, 86,
                87, 88, 89, 90, 91, 92, 93, 94, 95, 112, 113, 114, 115, 116, 117, 118,
                119, 120, 121, 122, 123, 124, 125, 126, 127,
            ];
            const FIELDS0: &Fields = &Fields::new([
                (4, 15),
                (4, 15),
                (4, 15),
                (4, 15),
                (4, 15),
                (4, 15),
                (4, 15),
                (4, 15),
            ]);
            if const { I::LANES == 64 } {
                let from = isa.permute2(isa.load(span, 16), isa.load(span, 80), AT0);
                each(Link::first(0, 0, 4).every(2), isa.and(from, isa.splat_u8(15)));
                let from = isa.permute2(isa.load(span, 16), isa.load(span, 80), AT1);
                each(Link::last(1, 0, 4).every(2), isa.and(from, isa.splat_u8(15)));
                let from = isa.permute2(isa.load(span, 144), isa.load(span, 208), AT1);
                each(Link::first(2, 8, 4).every(2), isa.and(from, isa.splat_u8(15)));
                let from = isa.permute2(isa.load(span, 176), isa.load(span, 224), AT2);
                each(Link::last(3, 8, 4).every(2), isa.and(from, isa.splat_u8(15)));
                each(
                    Link::first(4, 1, 4).every(2),
                    isa
                        .fields(
                            isa.permute2(isa.load(span, 16), isa.load(span, 80), AT0),
                            FIELDS0,
                        ),
                );
                each(
                    Link::last(5, 1, 4).every(2),
                    isa
                        .fields(
                            isa.permute2(isa.load(span, 16), isa.load(span, 80), AT1),
                            FIELDS0,
                        ),
                );
                each(
                    Link::first(6, 9, 4).every(2),
                    isa
                        .fields(
                            isa.permute2(isa.load(span, 144), isa.load(span, 208), AT1),
                            FIELDS0,
                        ),
                );
                each(
                    Link::last(7, 9, 4).every(2),
                    isa
                        .fields(
                            isa.permute2(isa.load(span, 176), isa.load(span, 224), AT2),
                            FIELDS0,
                        ),
                );
            } else {
                format::links_in_order::<I, Self>(isa, span, each)
            }
        }
        #[inline(always)]
        fn scales<I: Isa>(isa: I, span: &Self::Span) -> I::Groups {
            const AT0: &[u8; 16] = &[
                0, 1, 2, 3, 8, 9, 10, 11, 128, 128, 128, 128, 128, 128, 128, 128,
            ];
            const AT1: &[u8; 16] = &[
                128, 128, 128, 128, 128, 128, 128, 128, 0, 1, 2, 3, 8, 9, 10, 11,
            ];
            const AT2: &[u8; 16] = &[
                0, 1, 2, 3, 0, 1, 2, 3, 128, 128, 128, 128, 128, 128, 128, 128,
            ];
            const AT3: &[u8; 16] = &[
                128, 128, 128, 128, 128, 128, 128, 128, 0, 1, 2, 3, 0, 1, 2, 3,
            ];
            const BY0: &Shift = &Shift::new(
                &[0, 0, 0, 0, 2, 2, 2, 2, 0, 0, 0, 0, 2, 2, 2, 2],
            );
            const SPOTS0: &Spots = &Spots::new::<
                16, 2,
            >([0, 0, 0, 0, 0, 0, 0, 0, 144, 144, 144, 144, 144, 144, 144, 144], 288);
            let from = isa
                .s_or(
                    isa.s_shuffle(isa.s_load(span, 4), AT0),
                    isa.s_shuffle(isa.s_load(span, 148), AT1),
                );
            let part0 = isa.s_and(from, isa.s_splat_u8(15));
            let from = isa
                .s_or(
                    isa.s_shuffle(isa.s_load(span, 4), AT2),
                    isa.s_shuffle(isa.s_load(span, 148), AT3),
                );
            let part1 = isa.s_and(isa.s_shift_bytes(from, BY0), isa.s_splat_u8(48));
            isa.g_mul(isa.g_f16(span, SPOTS0), isa.g_u8(isa.s_or(part0, part1)))
        }
        #[inline(always)]
        fn biases<I: Isa>(isa: I, span: &Self::Span) -> I::Groups {
            const AT0: &[u8; 16] = &[
                0, 1, 2, 3, 4, 5, 6, 7, 128, 128, 128, 128, 128, 128, 128, 128,
            ];
            const AT1: &[u8; 16] = &[
                128, 128, 128, 128, 128, 128, 128, 128, 0, 1, 2, 3, 4, 5, 6, 7,
            ];
            const AT2: &[u8; 16] = &[
                0, 1, 2, 3, 0, 1, 2, 3, 128, 128, 128, 128, 128, 128, 128, 128,
            ];
            const AT3: &[u8; 16] = &[
                128, 128, 128, 128, 128, 128, 128, 128, 0, 1, 2, 3, 0, 1, 2, 3,
            ];
            const BY0: &Shift = &Shift::new(
                &[0, 0, 0, 0, 4, 4, 4, 4, 0, 0, 0, 0, 4, 4, 4, 4],
            );
            const BY1: &Shift = &Shift::new(
                &[0, 0, 0, 0, 2, 2, 2, 2, 0, 0, 0, 0, 2, 2, 2, 2],
            );
            const SPOTS0: &Spots = &Spots::new::<
                16, 2,
            >([2, 2, 2, 2, 2, 2, 2, 2, 146, 146, 146, 146, 146, 146, 146, 146], 288);
            let from = isa
                .s_or(
                    isa.s_shuffle(isa.s_load(span, 8), AT0),
                    isa.s_shuffle(isa.s_load(span, 152), AT1),
                );
            let part0 = isa.s_and(isa.s_shift_bytes(from, BY0), isa.s_splat_u8(15));
            let from = isa
                .s_or(
                    isa.s_shuffle(isa.s_load(span, 8), AT2),
                    isa.s_shuffle(isa.s_load(span, 152), AT3),
                );
            let part1 = isa.s_and(isa.s_shift_bytes(from, BY1), isa.s_splat_u8(48));
            isa.g_mul(
                isa.g_splat(-1.0),
                isa.g_mul(isa.g_f16(span, SPOTS0), isa.g_u8(isa.s_or(part0, part1))),
            )
        }
    }
    static LAYOUT: layout::Layout = layout::Layout {
        fields: &[
            layout::Field {
                name: "d",
                kind: layout::Kind::F16,
                count: 1,
                offset: 0,
            },
            layout::Field {
                name: "dmin",
                kind: layout::Kind::F16,
                count: 1,
                offset: 2,
            },
            layout::Field {
                name: "scales",
                kind: layout::Kind::U8,
                count: 12,
                offset: 4,
            },
            layout::Field {
                name: "qs",
                kind: layout::Kind::U8,
                count: 128,
                offset: 16,
            },
        ],
        numbers: &[&SC_BITS, &Q_BITS, &M_BITS],
        codes: &Q_BITS,
        levels: &[
            0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0,
            14.0, 15.0,
        ],
        scale: Some(layout::Part {
            constant: 1.0,
            float: Some((0, 256)),
            integer: Some(layout::Integer {
                numbers: &SC_BITS,
                group: 32,
                values: &[
                    0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0,
                    13.0, 14.0, 15.0, 16.0, 17.0, 18.0, 19.0, 20.0, 21.0, 22.0, 23.0,
                    24.0, 25.0, 26.0, 27.0, 28.0, 29.0, 30.0, 31.0, 32.0, 33.0, 34.0,
                    35.0, 36.0, 37.0, 38.0, 39.0, 40.0, 41.0, 42.0, 43.0, 44.0, 45.0,
                    46.0, 47.0, 48.0, 49.0, 50.0, 51.0, 52.0, 53.0, 54.0, 55.0, 56.0,
                    57.0, 58.0, 59.0, 60.0, 61.0, 62.0, 63.0,
                ],
            }),
        }),
        extra: Some(
            Some(layout::Part {
                constant: -1.0,
                float: Some((1, 256)),
                integer: Some(layout::Integer {
                    numbers: &M_BITS,
                    group: 32,
                    values: &[
                        0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0,
                        12.0, 13.0, 14.0, 15.0, 16.0, 17.0, 18.0, 19.0, 20.0, 21.0, 22.0,
                        23.0, 24.0, 25.0, 26.0, 27.0, 28.0, 29.0, 30.0, 31.0, 32.0, 33.0,
                        34.0, 35.0, 36.0, 37.0, 38.0, 39.0, 40.0, 41.0, 42.0, 43.0, 44.0,
                        45.0, 46.0, 47.0, 48.0, 49.0, 50.0, 51.0, 52.0, 53.0, 54.0, 55.0,
                        56.0, 57.0, 58.0, 59.0, 60.0, 61.0, 62.0, 63.0,
                    ],
                }),
            }),
        ),
    };
    ::kernels::kernels! {
        coded Q4_K
    }
    static INFO: FormatInfo = FormatInfo {
        name: "Q4_K",
        summary: "4-bit K-quant: 8 groups of 32 weights, each with a 6-bit scale and minimum.",
        ggml_type: Some(12),
        block_len: 256,
        block_bytes: 144,
        code_hash: 17326810253764730045u64,
        layout: Some(&LAYOUT),
        dequantize: |bytes, weights| {
            format::dequantize_blocks::<
                BlockQ4_K,
                256,
            >(bytes, weights, BlockQ4_K::dequantize)
        },
        kernels: Q4_K_KERNELS,
    };
}
