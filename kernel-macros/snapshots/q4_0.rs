/// 32 weights, one scale.
/**

```text
 bytes      field
 0..2       d: f16
 2..18      qs: u8 x 16
```

32 weights in 18 bytes: 4.5 bits per weight.*/
#[derive(Clone, Copy, Debug)]
#[allow(non_camel_case_types, dead_code)]
pub struct Q4_0;
/// One block of [`Q4_0`] as stored: 18 bytes, align 1.
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
pub struct BlockQ4_0 {
    /// f16, at byte 0.
    pub d: [u8; 2],
    /// 16 x u8, from byte 2.
    pub qs: [u8; 16],
}
const _: () = ::core::assert!(::core::mem::size_of:: < BlockQ4_0 > () == 18);
#[allow(clippy::all, clippy::pedantic, missing_docs, unreachable_pub, unused_imports)]
mod kernels_of_q4_0 {
    use super::{BlockQ4_0, Q4_0};
    use ::kernels::isa::{Fields, Rows, Shift, Spots};
    use ::kernels::format::{Link, Order};
    use ::kernels::{Coded, Format, FormatInfo, Isa, float, format, layout, zerocopy};
    const Q_BITS: layout::Numbers = layout::Numbers {
        name: "q",
        len: 32,
        width: 4,
        signed: false,
        runs: &[
            layout::Run::new(0..16, 0, 4, (2, 1), (0, 0)),
            layout::Run::new(16..32, 0, 4, (2, 1), (4, 0)),
        ],
    };
    impl BlockQ4_0 {
        /// The weights, decoded by the equation of the declaration.
        #[must_use]
        pub fn dequantize(&self) -> [f32; 32] {
            let bytes = zerocopy::IntoBytes::as_bytes(self);
            let d = float::f16(self.d);
            let q: [f32; 32] = Q_BITS.read(bytes);
            core::array::from_fn(|i| d * (q[i] - 8.0))
        }
    }
    impl Format for Q4_0 {
        const SPAN: usize = 256;
        type Span = [u8; 144];
        fn info() -> &'static FormatInfo {
            &INFO
        }
        #[inline(always)]
        fn floats<I: Isa>(isa: I, span: &Self::Span, each: impl FnMut(usize, I::F32)) {
            format::coded_floats::<I, Self>(isa, span, each)
        }
    }
    impl Coded for Q4_0 {
        const UNIT: usize = 32;
        const CODE_MAX: u32 = 15;
        const CENTER: Option<i32> = Some(-8);
        #[inline(always)]
        fn codes<I: Isa>(
            isa: I,
            span: &Self::Span,
            mut each: impl FnMut(usize, I::Bytes),
        ) {
            const AT0: &[u8; 64] = &[
                0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5,
                6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 18, 19, 20, 21, 22, 23, 24, 25, 26,
                27, 28, 29, 30, 31, 32, 33, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28,
                29, 30, 31, 32, 33,
            ];
            const AT1: &[u8; 64] = &[
                30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 30, 31,
                32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 48, 49, 50, 51,
                52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 48, 49, 50, 51, 52, 53,
                54, 55, 56, 57, 58, 59, 60, 61, 62, 63,
            ];
            const BY0: &Shift = &Shift::new(
                &[
                    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 4, 4, 4, 4, 4, 4,
                    4, 4, 4, 4, 4, 4, 4, 4, 4,
                ],
            );
            const FIELDS0: &Fields = &Fields::new([
                (0, 15),
                (0, 15),
                (4, 15),
                (4, 15),
                (0, 15),
                (0, 15),
                (4, 15),
                (4, 15),
            ]);
            if const { I::LANES == 64 } {
                each(0, isa.fields(isa.permute(isa.load(span, 2), AT0), FIELDS0));
                each(1, isa.fields(isa.permute(isa.load(span, 38), AT0), FIELDS0));
                each(2, isa.fields(isa.permute(isa.load(span, 74), AT0), FIELDS0));
                each(3, isa.fields(isa.permute(isa.load(span, 80), AT1), FIELDS0));
            } else {
                let from = isa.load_halves(span, 2, 2);
                each(0, isa.and(isa.shift_dwords(from, BY0), isa.splat_u8(15)));
                let from = isa.load_halves(span, 20, 20);
                each(1, isa.and(isa.shift_dwords(from, BY0), isa.splat_u8(15)));
                let from = isa.load_halves(span, 38, 38);
                each(2, isa.and(isa.shift_dwords(from, BY0), isa.splat_u8(15)));
                let from = isa.load_halves(span, 56, 56);
                each(3, isa.and(isa.shift_dwords(from, BY0), isa.splat_u8(15)));
                let from = isa.load_halves(span, 74, 74);
                each(4, isa.and(isa.shift_dwords(from, BY0), isa.splat_u8(15)));
                let from = isa.load_halves(span, 92, 92);
                each(5, isa.and(isa.shift_dwords(from, BY0), isa.splat_u8(15)));
                let from = isa.load_halves(span, 110, 110);
                each(6, isa.and(isa.shift_dwords(from, BY0), isa.splat_u8(15)));
                let from = isa.load_halves(span, 128, 128);
                each(7, isa.and(isa.shift_dwords(from, BY0), isa.splat_u8(15)));
            }
        }
        const STRETCH: usize = 32;
        const REACH: usize = 18;
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
                let run0 = isa.dwords(rows, at + 2);
                for d in 0..4 {
                    let from = run0[d];
                    each(0 + d, isa.and(from, isa.splat_u8(15)));
                }
                for d in 0..4 {
                    each(4 + d, isa.fields(run0[d], FIELDS0));
                }
            } else {
                let run0 = isa.dwords(rows, at + 2);
                for d in 0..4 {
                    let from = run0[d];
                    each(0 + d, isa.and(from, isa.splat_u8(15)));
                }
                for d in 0..4 {
                    let from = run0[d];
                    each(4 + d, isa.and(isa.shr(from, 4), isa.splat_u8(15)));
                }
            }
        }
        const ORDER_WIDE: Option<Order> = Some(Order {
            run: 4,
            runs: &[
                0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27, 4, 5, 6, 7, 12,
                13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31, 32, 33, 34, 35, 40, 41, 42,
                43, 48, 49, 50, 51, 56, 57, 58, 59, 36, 37, 38, 39, 44, 45, 46, 47, 52,
                53, 54, 55, 60, 61, 62, 63,
            ],
        });
        const ORDER_NARROW: Option<Order> = Some(Order {
            run: 4,
            runs: &[
                0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15, 16, 17, 18, 19, 24,
                25, 26, 27, 20, 21, 22, 23, 28, 29, 30, 31, 32, 33, 34, 35, 40, 41, 42,
                43, 36, 37, 38, 39, 44, 45, 46, 47, 48, 49, 50, 51, 56, 57, 58, 59, 52,
                53, 54, 55, 60, 61, 62, 63,
            ],
        });
        #[inline(always)]
        fn links<I: Isa>(
            isa: I,
            span: &Self::Span,
            mut each: impl FnMut(Link, I::Bytes),
        ) {
            const AT0: &[u8; 64] = &[
                0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 18, 19, 20, 21, 22,
                23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 36, 37, 38, 39, 40, 41, 42,
                43, 44, 45, 46, 47, 48, 49, 50, 51, 54, 55, 56, 57, 58, 59, 60, 61, 62,
                63, 64, 65, 66, 67, 68, 69,
            ];
            const AT1: &[u8; 64] = &[
                8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 26, 27, 28,
                29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 44, 45, 46, 47, 48,
                49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 62, 63, 114, 115, 116, 117,
                118, 119, 120, 121, 122, 123, 124, 125, 126, 127,
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
                let from = isa.permute2(isa.load(span, 2), isa.load(span, 66), AT0);
                each(Link::first(0, 0, 4), isa.and(from, isa.splat_u8(15)));
                each(
                    Link::last(1, 0, 4),
                    isa
                        .fields(
                            isa.permute2(isa.load(span, 2), isa.load(span, 66), AT0),
                            FIELDS0,
                        ),
                );
                let from = isa.permute2(isa.load(span, 66), isa.load(span, 80), AT1);
                each(Link::first(2, 4, 4), isa.and(from, isa.splat_u8(15)));
                each(
                    Link::last(3, 4, 4),
                    isa
                        .fields(
                            isa.permute2(isa.load(span, 66), isa.load(span, 80), AT1),
                            FIELDS0,
                        ),
                );
            } else {
                let from = isa.load_halves(span, 2, 20);
                each(Link::first(0, 0, 4), isa.and(from, isa.splat_u8(15)));
                let from = isa.load_halves(span, 2, 20);
                each(Link::last(1, 0, 4), isa.and(isa.shr(from, 4), isa.splat_u8(15)));
                let from = isa.load_halves(span, 38, 56);
                each(Link::first(2, 2, 4), isa.and(from, isa.splat_u8(15)));
                let from = isa.load_halves(span, 38, 56);
                each(Link::last(3, 2, 4), isa.and(isa.shr(from, 4), isa.splat_u8(15)));
                let from = isa.load_halves(span, 74, 92);
                each(Link::first(4, 4, 4), isa.and(from, isa.splat_u8(15)));
                let from = isa.load_halves(span, 74, 92);
                each(Link::last(5, 4, 4), isa.and(isa.shr(from, 4), isa.splat_u8(15)));
                let from = isa.load_halves(span, 110, 128);
                each(Link::first(6, 6, 4), isa.and(from, isa.splat_u8(15)));
                let from = isa.load_halves(span, 110, 128);
                each(Link::last(7, 6, 4), isa.and(isa.shr(from, 4), isa.splat_u8(15)));
            }
        }
        #[inline(always)]
        fn scales<I: Isa>(isa: I, span: &Self::Span) -> I::Groups {
            const SPOTS0: &Spots = &Spots::new::<
                8, 2,
            >([0, 18, 36, 54, 72, 90, 108, 126], 144);
            isa.g_f16(span, SPOTS0)
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
                name: "qs",
                kind: layout::Kind::U8,
                count: 16,
                offset: 2,
            },
        ],
        numbers: &[&Q_BITS],
        codes: &Q_BITS,
        levels: &[
            -8.0, -7.0, -6.0, -5.0, -4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0,
            6.0, 7.0,
        ],
        scale: Some(layout::Part {
            constant: 1.0,
            float: Some((0, 32)),
            integer: None,
        }),
        extra: None,
    };
    ::kernels::kernels! {
        coded Q4_0
    }
    static INFO: FormatInfo = FormatInfo {
        name: "Q4_0",
        summary: "32 weights, one scale.",
        ggml_type: Some(2),
        block_len: 32,
        block_bytes: 18,
        code_hash: 17252302869639099722u64,
        layout: Some(&LAYOUT),
        dequantize: |bytes, weights| {
            format::dequantize_blocks::<
                BlockQ4_0,
                32,
            >(bytes, weights, BlockQ4_0::dequantize)
        },
        kernels: Q4_0_KERNELS,
    };
}
