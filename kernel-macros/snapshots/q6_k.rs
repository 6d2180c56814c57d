/// 6-bit K-quant: 16 groups of 16 weights with 8-bit scales.
/**

```text
 bytes      field
 0..128     ql: u8 x 128
 128..192   qh: u8 x 64
 192..208   scales: i8 x 16
 208..210   d: f16
```

256 weights in 210 bytes: 6.5625 bits per weight.*/
#[derive(Clone, Copy, Debug)]
#[allow(non_camel_case_types, dead_code)]
pub struct Q6_K;
/// One block of [`Q6_K`] as stored: 210 bytes, align 1.
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
pub struct BlockQ6_K {
    /// 128 x u8, from byte 0.
    pub ql: [u8; 128],
    /// 64 x u8, from byte 128.
    pub qh: [u8; 64],
    /// 16 x i8, from byte 192.
    pub scales: [i8; 16],
    /// f16, at byte 208.
    pub d: [u8; 2],
}
const _: () = ::core::assert!(::core::mem::size_of:: < BlockQ6_K > () == 210);
#[allow(clippy::all, clippy::pedantic, missing_docs, unreachable_pub, unused_imports)]
mod kernels_of_q6_k {
    use super::{BlockQ6_K, Q6_K};
    use ::kernels::isa::{Fields, Rows, Shift, Spots};
    use ::kernels::format::{Link, Order};
    use ::kernels::{Coded, Format, FormatInfo, Isa, float, format, layout, zerocopy};
    const SCALES_BITS: layout::Numbers = layout::Numbers {
        name: "scales",
        len: 16,
        width: 8,
        signed: true,
        runs: &[layout::Run::new(0..16, 0, 8, (192, 1), (0, 0))],
    };
    const Q_BITS: layout::Numbers = layout::Numbers {
        name: "q",
        len: 256,
        width: 6,
        signed: false,
        runs: &[
            layout::Run::new(0..64, 0, 4, (0, 1), (0, 0)),
            layout::Run::new(64..128, 0, 4, (0, 1), (4, 0)),
            layout::Run::new(128..192, 0, 4, (64, 1), (0, 0)),
            layout::Run::new(192..256, 0, 4, (64, 1), (4, 0)),
            layout::Run::new(0..32, 4, 2, (128, 1), (0, 0)),
            layout::Run::new(32..64, 4, 2, (128, 1), (2, 0)),
            layout::Run::new(64..96, 4, 2, (128, 1), (4, 0)),
            layout::Run::new(96..128, 4, 2, (128, 1), (6, 0)),
            layout::Run::new(128..160, 4, 2, (160, 1), (0, 0)),
            layout::Run::new(160..192, 4, 2, (160, 1), (2, 0)),
            layout::Run::new(192..224, 4, 2, (160, 1), (4, 0)),
            layout::Run::new(224..256, 4, 2, (160, 1), (6, 0)),
        ],
    };
    impl BlockQ6_K {
        /// The weights, decoded by the equation of the declaration.
        #[must_use]
        pub fn dequantize(&self) -> [f32; 256] {
            let bytes = zerocopy::IntoBytes::as_bytes(self);
            let d = float::f16(self.d);
            let scales: [f32; 16] = SCALES_BITS.read(bytes);
            let q: [f32; 256] = Q_BITS.read(bytes);
            core::array::from_fn(|i| d * scales[i / 16] * (q[i] - 32.0))
        }
    }
    impl Format for Q6_K {
        const SPAN: usize = 256;
        type Span = [u8; 210];
        fn info() -> &'static FormatInfo {
            &INFO
        }
        #[inline(always)]
        fn floats<I: Isa>(isa: I, span: &Self::Span, each: impl FnMut(usize, I::F32)) {
            format::coded_floats::<I, Self>(isa, span, each)
        }
    }
    impl Coded for Q6_K {
        const UNIT: usize = 16;
        const CODE_MAX: u32 = 63;
        const CENTER: Option<i32> = Some(-32);
        #[inline(always)]
        fn codes<I: Isa>(
            isa: I,
            span: &Self::Span,
            mut each: impl FnMut(usize, I::Bytes),
        ) {
            const FIELDS0: &Fields = &Fields::new([
                (-4, 48),
                (-4, 48),
                (-4, 48),
                (-4, 48),
                (-2, 48),
                (-2, 48),
                (-2, 48),
                (-2, 48),
            ]);
            const FIELDS1: &Fields = &Fields::new([
                (4, 15),
                (4, 15),
                (4, 15),
                (4, 15),
                (4, 15),
                (4, 15),
                (4, 15),
                (4, 15),
            ]);
            const FIELDS2: &Fields = &Fields::new([
                (0, 48),
                (0, 48),
                (0, 48),
                (0, 48),
                (2, 48),
                (2, 48),
                (2, 48),
                (2, 48),
            ]);
            if const { I::LANES == 64 } {
                let from = isa.load(span, 0);
                let part0 = isa.and(from, isa.splat_u8(15));
                let part1 = isa.fields(isa.load_halves(span, 128, 128), FIELDS0);
                each(0, isa.or(part0, part1));
                let part2 = isa.fields(isa.load(span, 0), FIELDS1);
                let part3 = isa.fields(isa.load_halves(span, 128, 128), FIELDS2);
                each(1, isa.or(part2, part3));
                let from = isa.load(span, 64);
                let part4 = isa.and(from, isa.splat_u8(15));
                let part5 = isa.fields(isa.load_halves(span, 160, 160), FIELDS0);
                each(2, isa.or(part4, part5));
                let part6 = isa.fields(isa.load(span, 64), FIELDS1);
                let part7 = isa.fields(isa.load_halves(span, 160, 160), FIELDS2);
                each(3, isa.or(part6, part7));
            } else {
                let from = isa.load(span, 0);
                let part0 = isa.and(from, isa.splat_u8(15));
                let from = isa.load(span, 128);
                let part1 = isa.and(isa.shl(from, 4), isa.splat_u8(48));
                each(0, isa.or(part0, part1));
                let from = isa.load(span, 32);
                let part2 = isa.and(from, isa.splat_u8(15));
                let from = isa.load(span, 128);
                let part3 = isa.and(isa.shl(from, 2), isa.splat_u8(48));
                each(1, isa.or(part2, part3));
                let from = isa.load(span, 0);
                let part4 = isa.and(isa.shr(from, 4), isa.splat_u8(15));
                let from = isa.load(span, 128);
                let part5 = isa.and(from, isa.splat_u8(48));
                each(2, isa.or(part4, part5));
                let from = isa.load(span, 32);
                let part6 = isa.and(isa.shr(from, 4), isa.splat_u8(15));
                let from = isa.load(span, 128);
                let part7 = isa.and(isa.shr(from, 2), isa.splat_u8(48));
                each(3, isa.or(part6, part7));
                let from = isa.load(span, 64);
                let part8 = isa.and(from, isa.splat_u8(15));
                let from = isa.load(span, 160);
                let part9 = isa.and(isa.shl(from, 4), isa.splat_u8(48));
                each(4, isa.or(part8, part9));
                let from = isa.load(span, 96);
                let part10 = isa.and(from, isa.splat_u8(15));
                let from = isa.load(span, 160);
                let part11 = isa.and(isa.shl(from, 2), isa.splat_u8(48));
                each(5, isa.or(part10, part11));
                let from = isa.load(span, 64);
                let part12 = isa.and(isa.shr(from, 4), isa.splat_u8(15));
                let from = isa.load(span, 160);
                let part13 = isa.and(from, isa.splat_u8(48));
                each(6, isa.or(part12, part13));
                let from = isa.load(span, 96);
                let part14 = isa.and(isa.shr(from, 4), isa.splat_u8(15));
                let from = isa.load(span, 160);
                let part15 = isa.and(isa.shr(from, 2), isa.splat_u8(48));
                each(7, isa.or(part14, part15));
            }
        }
        const STRETCH: usize = 256;
        const REACH: usize = 192;
        #[inline(always)]
        fn columns<I: Isa>(
            isa: I,
            rows: &Rows<'_>,
            at: usize,
            mut each: impl FnMut(usize, I::Bytes),
        ) {
            const FIELDS0: &Fields = &Fields::new([
                (-4, 48),
                (-4, 48),
                (-4, 48),
                (-4, 48),
                (-4, 48),
                (-4, 48),
                (-4, 48),
                (-4, 48),
            ]);
            const FIELDS1: &Fields = &Fields::new([
                (4, 15),
                (4, 15),
                (4, 15),
                (4, 15),
                (4, 15),
                (4, 15),
                (4, 15),
                (4, 15),
            ]);
            const FIELDS2: &Fields = &Fields::new([
                (-2, 48),
                (-2, 48),
                (-2, 48),
                (-2, 48),
                (-2, 48),
                (-2, 48),
                (-2, 48),
                (-2, 48),
            ]);
            const FIELDS3: &Fields = &Fields::new([
                (2, 48),
                (2, 48),
                (2, 48),
                (2, 48),
                (2, 48),
                (2, 48),
                (2, 48),
                (2, 48),
            ]);
            if const { I::LANES == 64 } {
                let run0 = isa.dwords(rows, at + 0);
                let run8 = isa.dwords(rows, at + 128);
                for d in 0..4 {
                    let from = run0[d];
                    let part0 = isa.and(from, isa.splat_u8(15));
                    let part1 = isa.fields(run8[d], FIELDS0);
                    each(0 + d, isa.or(part0, part1));
                }
                for d in 0..4 {
                    let part0 = isa.fields(run0[d], FIELDS1);
                    let from = run8[d];
                    let part1 = isa.and(from, isa.splat_u8(48));
                    each(16 + d, isa.or(part0, part1));
                }
                let run2 = isa.dwords(rows, at + 32);
                for d in 0..4 {
                    let from = run2[d];
                    let part0 = isa.and(from, isa.splat_u8(15));
                    let part1 = isa.fields(run8[d], FIELDS2);
                    each(8 + d, isa.or(part0, part1));
                }
                for d in 0..4 {
                    let part0 = isa.fields(run2[d], FIELDS1);
                    let part1 = isa.fields(run8[d], FIELDS3);
                    each(24 + d, isa.or(part0, part1));
                }
                let run1 = isa.dwords(rows, at + 16);
                let run9 = isa.dwords(rows, at + 144);
                for d in 0..4 {
                    let from = run1[d];
                    let part0 = isa.and(from, isa.splat_u8(15));
                    let part1 = isa.fields(run9[d], FIELDS0);
                    each(4 + d, isa.or(part0, part1));
                }
                for d in 0..4 {
                    let part0 = isa.fields(run1[d], FIELDS1);
                    let from = run9[d];
                    let part1 = isa.and(from, isa.splat_u8(48));
                    each(20 + d, isa.or(part0, part1));
                }
                let run3 = isa.dwords(rows, at + 48);
                for d in 0..4 {
                    let from = run3[d];
                    let part0 = isa.and(from, isa.splat_u8(15));
                    let part1 = isa.fields(run9[d], FIELDS2);
                    each(12 + d, isa.or(part0, part1));
                }
                for d in 0..4 {
                    let part0 = isa.fields(run3[d], FIELDS1);
                    let part1 = isa.fields(run9[d], FIELDS3);
                    each(28 + d, isa.or(part0, part1));
                }
                let run4 = isa.dwords(rows, at + 64);
                let run10 = isa.dwords(rows, at + 160);
                for d in 0..4 {
                    let from = run4[d];
                    let part0 = isa.and(from, isa.splat_u8(15));
                    let part1 = isa.fields(run10[d], FIELDS0);
                    each(32 + d, isa.or(part0, part1));
                }
                for d in 0..4 {
                    let part0 = isa.fields(run4[d], FIELDS1);
                    let from = run10[d];
                    let part1 = isa.and(from, isa.splat_u8(48));
                    each(48 + d, isa.or(part0, part1));
                }
                let run6 = isa.dwords(rows, at + 96);
                for d in 0..4 {
                    let from = run6[d];
                    let part0 = isa.and(from, isa.splat_u8(15));
                    let part1 = isa.fields(run10[d], FIELDS2);
                    each(40 + d, isa.or(part0, part1));
                }
                for d in 0..4 {
                    let part0 = isa.fields(run6[d], FIELDS1);
                    let part1 = isa.fields(run10[d], FIELDS3);
                    each(56 + d, isa.or(part0, part1));
                }
                let run5 = isa.dwords(rows, at + 80);
                let run11 = isa.dwords(rows, at + 176);
                for d in 0..4 {
                    let from = run5[d];
                    let part0 = isa.and(from, isa.splat_u8(15));
                    let part1 = isa.fields(run11[d], FIELDS0);
                    each(36 + d, isa.or(part0, part1));
                }
                for d in 0..4 {
                    let part0 = isa.fields(run5[d], FIELDS1);
                    let from = run11[d];
                    let part1 = isa.and(from, isa.splat_u8(48));
                    each(52 + d, isa.or(part0, part1));
                }
                let run7 = isa.dwords(rows, at + 112);
                for d in 0..4 {
                    let from = run7[d];
                    let part0 = isa.and(from, isa.splat_u8(15));
                    let part1 = isa.fields(run11[d], FIELDS2);
                    each(44 + d, isa.or(part0, part1));
                }
                for d in 0..4 {
                    let part0 = isa.fields(run7[d], FIELDS1);
                    let part1 = isa.fields(run11[d], FIELDS3);
                    each(60 + d, isa.or(part0, part1));
                }
            } else {
                let run0 = isa.dwords(rows, at + 0);
                let run8 = isa.dwords(rows, at + 128);
                for d in 0..4 {
                    let from = run0[d];
                    let part0 = isa.and(from, isa.splat_u8(15));
                    let from = run8[d];
                    let part1 = isa.and(isa.shl(from, 4), isa.splat_u8(48));
                    each(0 + d, isa.or(part0, part1));
                }
                for d in 0..4 {
                    let from = run0[d];
                    let part0 = isa.and(isa.shr(from, 4), isa.splat_u8(15));
                    let from = run8[d];
                    let part1 = isa.and(from, isa.splat_u8(48));
                    each(16 + d, isa.or(part0, part1));
                }
                let run2 = isa.dwords(rows, at + 32);
                for d in 0..4 {
                    let from = run2[d];
                    let part0 = isa.and(from, isa.splat_u8(15));
                    let from = run8[d];
                    let part1 = isa.and(isa.shl(from, 2), isa.splat_u8(48));
                    each(8 + d, isa.or(part0, part1));
                }
                for d in 0..4 {
                    let from = run2[d];
                    let part0 = isa.and(isa.shr(from, 4), isa.splat_u8(15));
                    let from = run8[d];
                    let part1 = isa.and(isa.shr(from, 2), isa.splat_u8(48));
                    each(24 + d, isa.or(part0, part1));
                }
                let run1 = isa.dwords(rows, at + 16);
                let run9 = isa.dwords(rows, at + 144);
                for d in 0..4 {
                    let from = run1[d];
                    let part0 = isa.and(from, isa.splat_u8(15));
                    let from = run9[d];
                    let part1 = isa.and(isa.shl(from, 4), isa.splat_u8(48));
                    each(4 + d, isa.or(part0, part1));
                }
                for d in 0..4 {
                    let from = run1[d];
                    let part0 = isa.and(isa.shr(from, 4), isa.splat_u8(15));
                    let from = run9[d];
                    let part1 = isa.and(from, isa.splat_u8(48));
                    each(20 + d, isa.or(part0, part1));
                }
                let run3 = isa.dwords(rows, at + 48);
                for d in 0..4 {
                    let from = run3[d];
                    let part0 = isa.and(from, isa.splat_u8(15));
                    let from = run9[d];
                    let part1 = isa.and(isa.shl(from, 2), isa.splat_u8(48));
                    each(12 + d, isa.or(part0, part1));
                }
                for d in 0..4 {
                    let from = run3[d];
                    let part0 = isa.and(isa.shr(from, 4), isa.splat_u8(15));
                    let from = run9[d];
                    let part1 = isa.and(isa.shr(from, 2), isa.splat_u8(48));
                    each(28 + d, isa.or(part0, part1));
                }
                let run4 = isa.dwords(rows, at + 64);
                let run10 = isa.dwords(rows, at + 160);
                for d in 0..4 {
                    let from = run4[d];
                    let part0 = isa.and(from, isa.splat_u8(15));
                    let from = run10[d];
                    let part1 = isa.and(isa.shl(from, 4), isa.splat_u8(48));
                    each(32 + d, isa.or(part0, part1));
                }
                for d in 0..4 {
                    let from = run4[d];
                    let part0 = isa.and(isa.shr(from, 4), isa.splat_u8(15));
                    let from = run10[d];
                    let part1 = isa.and(from, isa.splat_u8(48));
                    each(48 + d, isa.or(part0, part1));
                }
                let run6 = isa.dwords(rows, at + 96);
                for d in 0..4 {
                    let from = run6[d];
                    let part0 = isa.and(from, isa.splat_u8(15));
                    let from = run10[d];
                    let part1 = isa.and(isa.shl(from, 2), isa.splat_u8(48));
                    each(40 + d, isa.or(part0, part1));
                }
                for d in 0..4 {
                    let from = run6[d];
                    let part0 = isa.and(isa.shr(from, 4), isa.splat_u8(15));
                    let from = run10[d];
                    let part1 = isa.and(isa.shr(from, 2), isa.splat_u8(48));
                    each(56 + d, isa.or(part0, part1));
                }
                let run5 = isa.dwords(rows, at + 80);
                let run11 = isa.dwords(rows, at + 176);
                for d in 0..4 {
                    let from = run5[d];
                    let part0 = isa.and(from, isa.splat_u8(15));
                    let from = run11[d];
                    let part1 = isa.and(isa.shl(from, 4), isa.splat_u8(48));
                    each(36 + d, isa.or(part0, part1));
                }
                for d in 0..4 {
                    let from = run5[d];
                    let part0 = isa.and(isa.shr(from, 4), isa.splat_u8(15));
                    let from = run11[d];
                    let part1 = isa.and(from, isa.splat_u8(48));
                    each(52 + d, isa.or(part0, part1));
                }
                let run7 = isa.dwords(rows, at + 112);
                for d in 0..4 {
                    let from = run7[d];
                    let part0 = isa.and(from, isa.splat_u8(15));
                    let from = run11[d];
                    let part1 = isa.and(isa.shl(from, 2), isa.splat_u8(48));
                    each(44 + d, isa.or(part0, part1));
                }
                for d in 0..4 {
                    let from = run7[d];
                    let part0 = isa.and(isa.shr(from, 4), isa.splat_u8(15));
                    let from = run11[d];
                    let part1 = isa.and(isa.shr(from, 2), isa.splat_u8(48));
                    each(60 + d, isa.or(part0, part1));
                }
            }
        }
        #[inline(always)]
        fn scales<I: Isa>(isa: I, span: &Self::Span) -> I::Groups {
            isa.g_mul(
                isa.g_f16_splat(span, 208),
                isa
                    .g_add(
                        isa.g_u8(isa.s_xor(isa.s_load(span, 192), isa.s_splat_u8(128))),
                        isa.g_splat(-128.0),
                    ),
            )
        }
    }
    static LAYOUT: layout::Layout = layout::Layout {
        fields: &[
            layout::Field {
                name: "ql",
                kind: layout::Kind::U8,
                count: 128,
                offset: 0,
            },
            layout::Field {
                name: "qh",
                kind: layout::Kind::U8,
                count: 64,
                offset: 128,
            },
            layout::Field {
                name: "scales",
                kind: layout::Kind::I8,
                count: 16,
                offset: 192,
            },
            layout::Field {
                name: "d",
                kind: layout::Kind::F16,
                count: 1,
                offset: 208,
            },
        ],
        numbers: &[&SCALES_BITS, &Q_BITS],
        codes: &Q_BITS,
        levels: &[
            -32.0, -31.0, -30.0, -29.0, -28.0, -27.0, -26.0, -25.0, -24.0, -23.0, -22.0,
            -21.0, -20.0, -19.0, -18.0, -17.0, -16.0, -15.0, -14.0, -13.0, -12.0, -11.0,
            -10.0, -9.0, -8.0, -7.0, -6.0, -5.0, -4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0,
            3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0,
            17.0, 18.0, 19.0, 20.0, 21.0, 22.0, 23.0, 24.0, 25.0, 26.0, 27.0, 28.0, 29.0,
            30.0, 31.0,
        ],
        scale: Some(layout::Part {
            constant: 1.0,
            float: Some((3, 256)),
            integer: Some(layout::Integer {
                numbers: &SCALES_BITS,
                group: 16,
                values: &[
                    0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0,
                    13.0, 14.0, 15.0, 16.0, 17.0, 18.0, 19.0, 20.0, 21.0, 22.0, 23.0,
                    24.0, 25.0, 26.0, 27.0, 28.0, 29.0, 30.0, 31.0, 32.0, 33.0, 34.0,
                    35.0, 36.0, 37.0, 38.0, 39.0, 40.0, 41.0, 42.0, 43.0, 44.0, 45.0,
                    46.0, 47.0, 48.0, 49.0, 50.0, 51.0, 52.0, 53.0, 54.0, 55.0, 56.0,
                    57.0, 58.0, 59.0, 60.0, 61.0, 62.0, 63.0, 64.0, 65.0, 66.0, 67.0,
                    68.0, 69.0, 70.0, 71.0, 72.0, 73.0, 74.0, 75.0, 76.0, 77.0, 78.0,
                    79.0, 80.0, 81.0, 82.0, 83.0, 84.0, 85.0, 86.0, 87.0, 88.0, 89.0,
                    90.0, 91.0, 92.0, 93.0, 94.0, 95.0, 96.0, 97.0, 98.0, 99.0, 100.0,
                    101.0, 102.0, 103.0, 104.0, 105.0, 106.0, 107.0, 108.0, 109.0, 110.0,
                    111.0, 112.0, 113.0, 114.0, 115.0, 116.0, 117.0, 118.0, 119.0, 120.0,
                    121.0, 122.0, 123.0, 124.0, 125.0, 126.0, 127.0, -128.0, -127.0,
                    -126.0, -125.0, -124.0, -123.0, -122.0, -121.0, -120.0, -119.0,
                    -118.0, -117.0, -116.0, -115.0, -114.0, -113.0, -112.0, -111.0,
                    -110.0, -109.0, -108.0, -107.0, -106.0, -105.0, -104.0, -103.0,
                    -102.0, -101.0, -100.0, -99.0, -98.0, -97.0, -96.0, -95.0, -94.0,
                    -93.0, -92.0, -91.0, -90.0, -89.0, -88.0, -87.0, -86.0, -85.0, -84.0,
                    -83.0, -82.0, -81.0, -80.0, -79.0, -78.0, -77.0, -76.0, -75.0, -74.0,
                    -73.0, -72.0, -71.0, -70.0, -69.0, -68.0, -67.0, -66.0, -65.0, -64.0,
                    -63.0, -62.0, -61.0, -60.0, -59.0, -58.0, -57.0, -56.0, -55.0, -54.0,
                    -53.0, -52.0, -51.0, -50.0, -49.0, -48.0, -47.0, -46.0, -45.0, -44.0,
                    -43.0, -42.0, -41.0, -40.0, -39.0, -38.0, -37.0, -36.0, -35.0, -34.0,
                    -33.0, -32.0, -31.0, -30.0, -29.0, -28.0, -27.0, -26.0, -25.0, -24.0,
                    -23.0, -22.0, -21.0, -20.0, -19.0, -18.0, -17.0, -16.0, -15.0, -14.0,
                    -13.0, -12.0, -11.0, -10.0, -9.0, -8.0, -7.0, -6.0, -5.0, -4.0, -3.0,
                    -2.0, -1.0,
                ],
            }),
        }),
        extra: None,
    };
    ::kernels::kernels! {
        coded Q6_K
    }
    static INFO: FormatInfo = FormatInfo {
        name: "Q6_K",
        summary: "6-bit K-quant: 16 groups of 16 weights with 8-bit scales.",
        ggml_type: Some(14),
        block_len: 256,
        block_bytes: 210,
        code_hash: 12337700549736185086u64,
        layout: Some(&LAYOUT),
        dequantize: |bytes, weights| {
            format::dequantize_blocks::<
                BlockQ6_K,
                256,
            >(bytes, weights, BlockQ6_K::dequantize)
        },
        kernels: Q6_K_KERNELS,
    };
}
