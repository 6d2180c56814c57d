/// OCP microscaling FP4 (E2M1) with a power-of-two scale per 32 weights.
/**

```text
 bytes      field
 0..1       e: e8m0
 1..17      qs: u8 x 16
```

32 weights in 17 bytes: 4.25 bits per weight.*/
#[derive(Clone, Copy, Debug)]
#[allow(non_camel_case_types, dead_code)]
pub struct MXFP4;
/// One block of [`MXFP4`] as stored: 17 bytes, align 1.
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
pub struct BlockMXFP4 {
    /// e8m0, at byte 0.
    pub e: u8,
    /// 16 x u8, from byte 1.
    pub qs: [u8; 16],
}
const _: () = ::core::assert!(::core::mem::size_of:: < BlockMXFP4 > () == 17);
#[allow(clippy::all, clippy::pedantic, missing_docs, unreachable_pub, unused_imports)]
mod kernels_of_mxfp4 {
    use super::{BlockMXFP4, MXFP4};
    use ::kernels::isa::{Fields, Rows, Shift, Spots};
    use ::kernels::format::{Link, Order};
    use ::kernels::{Coded, Format, FormatInfo, Isa, float, format, layout, zerocopy};
    const Q_BITS: layout::Numbers = layout::Numbers {
        name: "q",
        len: 32,
        width: 4,
        signed: false,
        runs: &[
            layout::Run::new(0..16, 0, 4, (1, 1), (0, 0)),
            layout::Run::new(16..32, 0, 4, (1, 1), (4, 0)),
        ],
    };
    impl BlockMXFP4 {
        /// The weights, decoded by the equation of the declaration.
        #[must_use]
        pub fn dequantize(&self) -> [f32; 32] {
            const LEVELS: [f32; 16] = [
                0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 0.0, -1.0, -2.0, -3.0, -4.0,
                -6.0, -8.0, -12.0,
            ];
            let bytes = zerocopy::IntoBytes::as_bytes(self);
            let e = float::e8m0(self.e);
            let q: [f32; 32] = Q_BITS.read(bytes);
            core::array::from_fn(|i| 0.5 * e * LEVELS[q[i] as usize])
        }
    }
    impl Format for MXFP4 {
        const SPAN: usize = 256;
        type Span = [u8; 136];
        fn info() -> &'static FormatInfo {
            &INFO
        }
        #[inline(always)]
        fn floats<I: Isa>(isa: I, span: &Self::Span, each: impl FnMut(usize, I::F32)) {
            format::coded_floats::<I, Self>(isa, span, each)
        }
    }
    impl Coded for MXFP4 {
        const UNIT: usize = 32;
        const CODE_MAX: u32 = 24;
        const CENTER: Option<i32> = Some(-12);
        #[inline(always)]
        fn codes<I: Isa>(
            isa: I,
            span: &Self::Span,
            mut each: impl FnMut(usize, I::Bytes),
        ) {
            const AT0: &[u8; 64] = &[
                0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5,
                6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 22, 23, 24, 25,
                26, 27, 28, 29, 30, 31, 32, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27,
                28, 29, 30, 31, 32,
            ];
            const AT1: &[u8; 16] = &[
                12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0,
            ];
            const AT2: &[u8; 64] = &[
                31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 31, 32,
                33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 48, 49, 50, 51,
                52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 48, 49, 50, 51, 52, 53,
                54, 55, 56, 57, 58, 59, 60, 61, 62, 63,
            ];
            const BY0: &Shift = &Shift::new(
                &[
                    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 4, 4, 4, 4, 4, 4,
                    4, 4, 4, 4, 4, 4, 4, 4, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                    0, 0, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
                ],
            );
            const BY1: &Shift = &Shift::new(
                &[
                    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 4, 4, 4, 4, 4, 4,
                    4, 4, 4, 4, 4, 4, 4, 4, 4,
                ],
            );
            if const { I::LANES == 64 } {
                let from = isa.permute(isa.load(span, 1), AT0);
                each(0, isa.lookup(isa.shift_dwords(from, BY0), AT1));
                let from = isa.permute(isa.load(span, 35), AT0);
                each(1, isa.lookup(isa.shift_dwords(from, BY0), AT1));
                let from = isa.permute(isa.load(span, 69), AT0);
                each(2, isa.lookup(isa.shift_dwords(from, BY0), AT1));
                let from = isa.permute(isa.load(span, 72), AT2);
                each(3, isa.lookup(isa.shift_dwords(from, BY0), AT1));
            } else {
                let from = isa.load_halves(span, 1, 1);
                each(0, isa.lookup(isa.shift_dwords(from, BY1), AT1));
                let from = isa.load_halves(span, 18, 18);
                each(1, isa.lookup(isa.shift_dwords(from, BY1), AT1));
                let from = isa.load_halves(span, 35, 35);
                each(2, isa.lookup(isa.shift_dwords(from, BY1), AT1));
                let from = isa.load_halves(span, 52, 52);
                each(3, isa.lookup(isa.shift_dwords(from, BY1), AT1));
                let from = isa.load_halves(span, 69, 69);
                each(4, isa.lookup(isa.shift_dwords(from, BY1), AT1));
                let from = isa.load_halves(span, 86, 86);
                each(5, isa.lookup(isa.shift_dwords(from, BY1), AT1));
                let from = isa.load_halves(span, 103, 103);
                each(6, isa.lookup(isa.shift_dwords(from, BY1), AT1));
                let from = isa.load_halves(span, 120, 120);
                each(7, isa.lookup(isa.shift_dwords(from, BY1), AT1));
            }
        }
        const STRETCH: usize = 32;
        const REACH: usize = 17;
        #[inline(always)]
        fn columns<I: Isa>(
            isa: I,
            rows: &Rows<'_>,
            at: usize,
            mut each: impl FnMut(usize, I::Bytes),
        ) {
            const AT0: &[u8; 16] = &[
                12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0,
            ];
            if const { I::LANES == 64 } {
                let run0 = isa.dwords(rows, at + 1);
                for d in 0..4 {
                    let from = run0[d];
                    each(0 + d, isa.lookup(from, AT0));
                }
                for d in 0..4 {
                    let from = run0[d];
                    each(4 + d, isa.lookup(isa.shr(from, 4), AT0));
                }
            } else {
                let run0 = isa.dwords(rows, at + 1);
                for d in 0..4 {
                    let from = run0[d];
                    each(0 + d, isa.lookup(from, AT0));
                }
                for d in 0..4 {
                    let from = run0[d];
                    each(4 + d, isa.lookup(isa.shr(from, 4), AT0));
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
                0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 21,
                22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 34, 35, 36, 37, 38, 39, 40,
                41, 42, 43, 44, 45, 46, 47, 48, 49, 51, 52, 53, 54, 55, 56, 57, 58, 59,
                60, 61, 62, 63, 64, 65, 66,
            ];
            const AT1: &[u8; 16] = &[
                12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0,
            ];
            const AT2: &[u8; 64] = &[
                4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 21, 22, 23, 24,
                25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 38, 39, 40, 41, 42, 43,
                44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 55, 56, 57, 58, 59, 60, 61, 62,
                63, 121, 122, 123, 124, 125, 126, 127,
            ];
            if const { I::LANES == 64 } {
                let from = isa.permute2(isa.load(span, 1), isa.load(span, 65), AT0);
                each(Link::first(0, 0, 4), isa.lookup(from, AT1));
                let from = isa.permute2(isa.load(span, 1), isa.load(span, 65), AT0);
                each(Link::last(1, 0, 4), isa.lookup(isa.shr(from, 4), AT1));
                let from = isa.permute2(isa.load(span, 65), isa.load(span, 72), AT2);
                each(Link::first(2, 4, 4), isa.lookup(from, AT1));
                let from = isa.permute2(isa.load(span, 65), isa.load(span, 72), AT2);
                each(Link::last(3, 4, 4), isa.lookup(isa.shr(from, 4), AT1));
            } else {
                let from = isa.load_halves(span, 1, 18);
                each(Link::first(0, 0, 4), isa.lookup(from, AT1));
                let from = isa.load_halves(span, 1, 18);
                each(Link::last(1, 0, 4), isa.lookup(isa.shr(from, 4), AT1));
                let from = isa.load_halves(span, 35, 52);
                each(Link::first(2, 2, 4), isa.lookup(from, AT1));
                let from = isa.load_halves(span, 35, 52);
                each(Link::last(3, 2, 4), isa.lookup(isa.shr(from, 4), AT1));
                let from = isa.load_halves(span, 69, 86);
                each(Link::first(4, 4, 4), isa.lookup(from, AT1));
                let from = isa.load_halves(span, 69, 86);
                each(Link::last(5, 4, 4), isa.lookup(isa.shr(from, 4), AT1));
                let from = isa.load_halves(span, 103, 120);
                each(Link::first(6, 6, 4), isa.lookup(from, AT1));
                let from = isa.load_halves(span, 103, 120);
                each(Link::last(7, 6, 4), isa.lookup(isa.shr(from, 4), AT1));
            }
        }
        #[inline(always)]
        fn scales<I: Isa>(isa: I, span: &Self::Span) -> I::Groups {
            const SPOTS0: &Spots = &Spots::new::<
                8, 1,
            >([0, 17, 34, 51, 68, 85, 102, 119], 136);
            isa.g_mul(isa.g_splat(0.5), isa.g_e8m0(isa.s_bytes(span, SPOTS0)))
        }
    }
    static LAYOUT: layout::Layout = layout::Layout {
        fields: &[
            layout::Field {
                name: "e",
                kind: layout::Kind::E8m0,
                count: 1,
                offset: 0,
            },
            layout::Field {
                name: "qs",
                kind: layout::Kind::U8,
                count: 16,
                offset: 1,
            },
        ],
        numbers: &[&Q_BITS],
        codes: &Q_BITS,
        levels: &[
            0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 0.0, -1.0, -2.0, -3.0, -4.0, -6.0,
            -8.0, -12.0,
        ],
        scale: Some(layout::Part {
            constant: 0.5,
            float: Some((0, 32)),
            integer: None,
        }),
        extra: None,
    };
    ::kernels::kernels! {
        coded MXFP4
    }
    static INFO: FormatInfo = FormatInfo {
        name: "MXFP4",
        summary: "OCP microscaling FP4 (E2M1) with a power-of-two scale per 32 weights.",
        ggml_type: Some(39),
        block_len: 32,
        block_bytes: 17,
        code_hash: 9361854054852291681u64,
        layout: Some(&LAYOUT),
        dequantize: |bytes, weights| {
            format::dequantize_blocks::<
                BlockMXFP4,
                32,
            >(bytes, weights, BlockMXFP4::dequantize)
        },
        kernels: MXFP4_KERNELS,
    };
}
