/// Five bits in file order.
/**

```text
 bytes      field
 0..4       d: f32
 4..8       m: bf16 x 2
 8..48      packed: u32 x 10
 48..49     s: u8 x 1
 49..52     _pad: u8 x 3
```

64 weights in 52 bytes: 6.5 bits per weight.*/
#[derive(Clone, Copy, Debug)]
#[allow(non_camel_case_types, dead_code)]
struct Streamed;
/// One block of [`Streamed`] as stored: 52 bytes, align 1.
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
struct BlockStreamed {
    /// Scale of the block.
    /// f32, at byte 0.
    d: [u8; 4],
    /// 2 x bf16, from byte 4.
    m: [[u8; 2]; 2],
    /// 10 x u32, from byte 8.
    packed: [[u8; 4]; 10],
    /// 1 x u8, from byte 48.
    s: [u8; 1],
    /// 3 x u8, from byte 49.
    _pad: [u8; 3],
}
const _: () = ::core::assert!(::core::mem::size_of:: < BlockStreamed > () == 52);
#[allow(clippy::all, clippy::pedantic, missing_docs, unreachable_pub, unused_imports)]
mod kernels_of_streamed {
    use super::{BlockStreamed, Streamed};
    use ::kernels::isa::{Fields, Shift, Spots};
    use ::kernels::format::{Link, Order};
    use ::kernels::{Coded, Format, FormatInfo, Isa, float, format, layout, zerocopy};
    const SC_BITS: layout::Numbers = layout::Numbers {
        name: "sc",
        len: 4,
        width: 2,
        signed: false,
        runs: &[layout::Run::new(0..4, 0, 2, (48, 0), (0, 2))],
    };
    const Q_BITS: layout::Numbers = layout::Numbers {
        name: "q",
        len: 64,
        width: 5,
        signed: false,
        runs: &[
            layout::Run::new(0..1, 0, 5, (8, 0), (0, 0)),
            layout::Run::new(1..2, 0, 3, (8, 0), (5, 0)),
            layout::Run::new(2..3, 0, 5, (9, 0), (2, 0)),
            layout::Run::new(3..4, 0, 1, (9, 0), (7, 0)),
            layout::Run::new(4..5, 0, 4, (10, 0), (4, 0)),
            layout::Run::new(5..6, 0, 5, (11, 0), (1, 0)),
            layout::Run::new(6..7, 0, 2, (11, 0), (6, 0)),
            layout::Run::new(7..9, 0, 5, (12, 1), (3, -3)),
            layout::Run::new(9..10, 0, 3, (13, 0), (5, 0)),
            layout::Run::new(10..11, 0, 5, (14, 0), (2, 0)),
            layout::Run::new(11..12, 0, 1, (14, 0), (7, 0)),
            layout::Run::new(12..13, 0, 4, (15, 0), (4, 0)),
            layout::Run::new(13..14, 0, 5, (16, 0), (1, 0)),
            layout::Run::new(14..15, 0, 2, (16, 0), (6, 0)),
            layout::Run::new(15..17, 0, 5, (17, 1), (3, -3)),
            layout::Run::new(17..18, 0, 3, (18, 0), (5, 0)),
            layout::Run::new(18..19, 0, 5, (19, 0), (2, 0)),
            layout::Run::new(19..20, 0, 1, (19, 0), (7, 0)),
            layout::Run::new(20..21, 0, 4, (20, 0), (4, 0)),
            layout::Run::new(21..22, 0, 5, (21, 0), (1, 0)),
            layout::Run::new(22..23, 0, 2, (21, 0), (6, 0)),
            layout::Run::new(23..25, 0, 5, (22, 1), (3, -3)),
            layout::Run::new(25..26, 0, 3, (23, 0), (5, 0)),
            layout::Run::new(26..27, 0, 5, (24, 0), (2, 0)),
            layout::Run::new(27..28, 0, 1, (24, 0), (7, 0)),
            layout::Run::new(28..29, 0, 4, (25, 0), (4, 0)),
            layout::Run::new(29..30, 0, 5, (26, 0), (1, 0)),
            layout::Run::new(30..31, 0, 2, (26, 0), (6, 0)),
            layout::Run::new(31..33, 0, 5, (27, 1), (3, -3)),
            layout::Run::new(33..34, 0, 3, (28, 0), (5, 0)),
            layout::Run::new(34..35, 0, 5, (29, 0), (2, 0)),
            layout::Run::new(35..36, 0, 1, (29, 0), (7, 0)),
            layout::Run::new(36..37, 0, 4, (30, 0), (4, 0)),
            layout::Run::new(37..38, 0, 5, (31, 0), (1, 0)),
            layout::Run::new(38..39, 0, 2, (31, 0), (6, 0)),
            layout::Run::new(39..41, 0, 5, (32, 1), (3, -3)),
            layout::Run::new(41..42, 0, 3, (33, 0), (5, 0)),
            layout::Run::new(42..43, 0, 5, (34, 0), (2, 0)),
            layout::Run::new(43..44, 0, 1, (34, 0), (7, 0)),
            layout::Run::new(44..45, 0, 4, (35, 0), (4, 0)),
            layout::Run::new(45..46, 0, 5, (36, 0), (1, 0)),
            layout::Run::new(46..47, 0, 2, (36, 0), (6, 0)),
            layout::Run::new(47..49, 0, 5, (37, 1), (3, -3)),
            layout::Run::new(49..50, 0, 3, (38, 0), (5, 0)),
            layout::Run::new(50..51, 0, 5, (39, 0), (2, 0)),
            layout::Run::new(51..52, 0, 1, (39, 0), (7, 0)),
            layout::Run::new(52..53, 0, 4, (40, 0), (4, 0)),
            layout::Run::new(53..54, 0, 5, (41, 0), (1, 0)),
            layout::Run::new(54..55, 0, 2, (41, 0), (6, 0)),
            layout::Run::new(55..57, 0, 5, (42, 1), (3, -3)),
            layout::Run::new(57..58, 0, 3, (43, 0), (5, 0)),
            layout::Run::new(58..59, 0, 5, (44, 0), (2, 0)),
            layout::Run::new(59..60, 0, 1, (44, 0), (7, 0)),
            layout::Run::new(60..61, 0, 4, (45, 0), (4, 0)),
            layout::Run::new(61..62, 0, 5, (46, 0), (1, 0)),
            layout::Run::new(62..63, 0, 2, (46, 0), (6, 0)),
            layout::Run::new(63..64, 0, 5, (47, 0), (3, 0)),
            layout::Run::new(1..2, 3, 2, (9, 0), (0, 0)),
            layout::Run::new(3..4, 1, 4, (10, 0), (0, 0)),
            layout::Run::new(4..5, 4, 1, (11, 0), (0, 0)),
            layout::Run::new(6..7, 2, 3, (12, 0), (0, 0)),
            layout::Run::new(9..10, 3, 2, (14, 0), (0, 0)),
            layout::Run::new(11..12, 1, 4, (15, 0), (0, 0)),
            layout::Run::new(12..13, 4, 1, (16, 0), (0, 0)),
            layout::Run::new(14..15, 2, 3, (17, 0), (0, 0)),
            layout::Run::new(17..18, 3, 2, (19, 0), (0, 0)),
            layout::Run::new(19..20, 1, 4, (20, 0), (0, 0)),
            layout::Run::new(20..21, 4, 1, (21, 0), (0, 0)),
            layout::Run::new(22..23, 2, 3, (22, 0), (0, 0)),
            layout::Run::new(25..26, 3, 2, (24, 0), (0, 0)),
            layout::Run::new(27..28, 1, 4, (25, 0), (0, 0)),
            layout::Run::new(28..29, 4, 1, (26, 0), (0, 0)),
            layout::Run::new(30..31, 2, 3, (27, 0), (0, 0)),
            layout::Run::new(33..34, 3, 2, (29, 0), (0, 0)),
            layout::Run::new(35..36, 1, 4, (30, 0), (0, 0)),
            layout::Run::new(36..37, 4, 1, (31, 0), (0, 0)),
            layout::Run::new(38..39, 2, 3, (32, 0), (0, 0)),
            layout::Run::new(41..42, 3, 2, (34, 0), (0, 0)),
            layout::Run::new(43..44, 1, 4, (35, 0), (0, 0)),
            layout::Run::new(44..45, 4, 1, (36, 0), (0, 0)),
            layout::Run::new(46..47, 2, 3, (37, 0), (0, 0)),
            layout::Run::new(49..50, 3, 2, (39, 0), (0, 0)),
            layout::Run::new(51..52, 1, 4, (40, 0), (0, 0)),
            layout::Run::new(52..53, 4, 1, (41, 0), (0, 0)),
            layout::Run::new(54..55, 2, 3, (42, 0), (0, 0)),
            layout::Run::new(57..58, 3, 2, (44, 0), (0, 0)),
            layout::Run::new(59..60, 1, 4, (45, 0), (0, 0)),
            layout::Run::new(60..61, 4, 1, (46, 0), (0, 0)),
            layout::Run::new(62..63, 2, 3, (47, 0), (0, 0)),
        ],
    };
    impl BlockStreamed {
        /// The weights, decoded by the equation of the declaration.
        #[must_use]
        pub fn dequantize(&self) -> [f32; 64] {
            const STEPS: [f32; 4] = [1.0, 2.0, 4.0, 8.0];
            let bytes = zerocopy::IntoBytes::as_bytes(self);
            let d = float::f32(self.d);
            let m = self.m.map(float::bf16);
            let sc: [f32; 4] = SC_BITS.read(bytes);
            let q: [f32; 64] = Q_BITS.read(bytes);
            core::array::from_fn(|i| {
                d * STEPS[sc[i / 16] as usize] * q[i] - 0.5 * m[i / 32]
            })
        }
    }
    impl Format for Streamed {
        const SPAN: usize = 256;
        type Span = [u8; 208];
        fn info() -> &'static FormatInfo {
            &INFO
        }
        #[inline(always)]
        fn floats<I: Isa>(isa: I, span: &Self::Span, each: impl FnMut(usize, I::F32)) {
            format::coded_floats::<I, Self>(isa, span, each)
        }
    }
    impl Coded for Streamed {
        const UNIT: usize = 16;
        const CODE_MAX: u32 = 31;
        const CENTER: Option<i32> = None;
        #[inline(always)]
        fn codes<I: Isa>(
            isa: I,
            span: &Self::Span,
            mut each: impl FnMut(usize, I::Bytes),
        ) {
            const AT0: &[u8; 64] = &[
                0, 0, 1, 1, 2, 3, 3, 4, 5, 5, 6, 6, 7, 8, 8, 9, 10, 10, 11, 11, 12, 13,
                13, 14, 15, 15, 16, 16, 17, 18, 18, 19, 20, 20, 21, 21, 22, 23, 23, 24,
                25, 25, 26, 26, 27, 28, 28, 29, 30, 30, 31, 31, 32, 33, 33, 34, 35, 35,
                36, 36, 37, 38, 38, 39,
            ];
            const AT1: &[u8; 64] = &[
                31, 7, 31, 1, 15, 31, 3, 31, 31, 7, 31, 1, 15, 31, 3, 31, 31, 7, 31, 1,
                15, 31, 3, 31, 31, 7, 31, 1, 15, 31, 3, 31, 31, 7, 31, 1, 15, 31, 3, 31,
                31, 7, 31, 1, 15, 31, 3, 31, 31, 7, 31, 1, 15, 31, 3, 31, 31, 7, 31, 1,
                15, 31, 3, 31,
            ];
            const AT2: &[u8; 64] = &[
                0, 0, 0, 1, 2, 0, 3, 0, 0, 5, 0, 6, 7, 0, 8, 0, 0, 10, 0, 11, 12, 0, 13,
                0, 0, 15, 0, 16, 17, 0, 18, 0, 0, 20, 0, 21, 22, 0, 23, 0, 0, 25, 0, 26,
                27, 0, 28, 0, 0, 30, 0, 31, 32, 0, 33, 0, 0, 35, 0, 36, 37, 0, 38, 0,
            ];
            const AT3: &[u8; 64] = &[
                0, 24, 0, 30, 16, 0, 28, 0, 0, 24, 0, 30, 16, 0, 28, 0, 0, 24, 0, 30, 16,
                0, 28, 0, 0, 24, 0, 30, 16, 0, 28, 0, 0, 24, 0, 30, 16, 0, 28, 0, 0, 24,
                0, 30, 16, 0, 28, 0, 0, 24, 0, 30, 16, 0, 28, 0, 0, 24, 0, 30, 16, 0, 28,
                0,
            ];
            const AT4: &[u8; 64] = &[
                20, 20, 21, 21, 22, 23, 23, 24, 25, 25, 26, 26, 27, 28, 28, 29, 30, 30,
                31, 31, 32, 33, 33, 34, 35, 35, 36, 36, 37, 38, 38, 39, 40, 40, 41, 41,
                42, 43, 43, 44, 45, 45, 46, 46, 47, 48, 48, 49, 50, 50, 51, 51, 52, 53,
                53, 54, 55, 55, 56, 56, 57, 58, 58, 59,
            ];
            const AT5: &[u8; 64] = &[
                0, 21, 0, 22, 23, 0, 24, 0, 0, 26, 0, 27, 28, 0, 29, 0, 0, 31, 0, 32, 33,
                0, 34, 0, 0, 36, 0, 37, 38, 0, 39, 0, 0, 41, 0, 42, 43, 0, 44, 0, 0, 46,
                0, 47, 48, 0, 49, 0, 0, 51, 0, 52, 53, 0, 54, 0, 0, 56, 0, 57, 58, 0, 59,
                0,
            ];
            const AT6: &[u8; 32] = &[
                0, 0, 1, 1, 2, 3, 3, 4, 5, 5, 6, 6, 7, 8, 8, 9, 0, 0, 1, 1, 2, 3, 3, 4,
                5, 5, 6, 6, 7, 8, 8, 9,
            ];
            const AT7: &[u8; 32] = &[
                31, 7, 31, 1, 15, 31, 3, 31, 31, 7, 31, 1, 15, 31, 3, 31, 31, 7, 31, 1,
                15, 31, 3, 31, 31, 7, 31, 1, 15, 31, 3, 31,
            ];
            const AT8: &[u8; 32] = &[
                128, 0, 128, 1, 2, 128, 3, 128, 128, 5, 128, 6, 7, 128, 8, 128, 128, 0,
                128, 1, 2, 128, 3, 128, 128, 5, 128, 6, 7, 128, 8, 128,
            ];
            const AT9: &[u8; 32] = &[
                0, 24, 0, 30, 16, 0, 28, 0, 0, 24, 0, 30, 16, 0, 28, 0, 0, 24, 0, 30, 16,
                0, 28, 0, 0, 24, 0, 30, 16, 0, 28, 0,
            ];
            const AT10: &[u8; 32] = &[
                0, 0, 1, 1, 2, 3, 3, 4, 5, 5, 6, 6, 7, 8, 8, 9, 2, 2, 3, 3, 4, 5, 5, 6,
                7, 7, 8, 8, 9, 10, 10, 11,
            ];
            const AT11: &[u8; 32] = &[
                128, 0, 128, 1, 2, 128, 3, 128, 128, 5, 128, 6, 7, 128, 8, 128, 128, 3,
                128, 4, 5, 128, 6, 128, 128, 8, 128, 9, 10, 128, 11, 128,
            ];
            const BY0: &Shift = &Shift::new(
                &[
                    0, 5, 2, 7, 4, 1, 6, 3, 0, 5, 2, 7, 4, 1, 6, 3, 0, 5, 2, 7, 4, 1, 6,
                    3, 0, 5, 2, 7, 4, 1, 6, 3, 0, 5, 2, 7, 4, 1, 6, 3, 0, 5, 2, 7, 4, 1,
                    6, 3, 0, 5, 2, 7, 4, 1, 6, 3, 0, 5, 2, 7, 4, 1, 6, 3,
                ],
            );
            const BY1: &Shift = &Shift::new(
                &[
                    0, -3, 0, -1, -4, 0, -2, 0, 0, -3, 0, -1, -4, 0, -2, 0, 0, -3, 0, -1,
                    -4, 0, -2, 0, 0, -3, 0, -1, -4, 0, -2, 0, 0, -3, 0, -1, -4, 0, -2, 0,
                    0, -3, 0, -1, -4, 0, -2, 0, 0, -3, 0, -1, -4, 0, -2, 0, 0, -3, 0, -1,
                    -4, 0, -2, 0,
                ],
            );
            const BY2: &Shift = &Shift::new(
                &[
                    0, 5, 2, 7, 4, 1, 6, 3, 0, 5, 2, 7, 4, 1, 6, 3, 0, 5, 2, 7, 4, 1, 6,
                    3, 0, 5, 2, 7, 4, 1, 6, 3,
                ],
            );
            const BY3: &Shift = &Shift::new(
                &[
                    0, -3, 0, -1, -4, 0, -2, 0, 0, -3, 0, -1, -4, 0, -2, 0, 0, -3, 0, -1,
                    -4, 0, -2, 0, 0, -3, 0, -1, -4, 0, -2, 0,
                ],
            );
            if const { I::LANES == 64 } {
                let from = isa.permute(isa.load(span, 8), AT0);
                let part0 = isa.and(isa.shift_bytes(from, BY0), isa.load(AT1, 0));
                let from = isa.permute(isa.load(span, 9), AT2);
                let part1 = isa.and(isa.shift_bytes(from, BY1), isa.load(AT3, 0));
                each(0, isa.or(part0, part1));
                let from = isa.permute(isa.load(span, 60), AT0);
                let part2 = isa.and(isa.shift_bytes(from, BY0), isa.load(AT1, 0));
                let from = isa.permute(isa.load(span, 61), AT2);
                let part3 = isa.and(isa.shift_bytes(from, BY1), isa.load(AT3, 0));
                each(1, isa.or(part2, part3));
                let from = isa.permute(isa.load(span, 112), AT0);
                let part4 = isa.and(isa.shift_bytes(from, BY0), isa.load(AT1, 0));
                let from = isa.permute(isa.load(span, 113), AT2);
                let part5 = isa.and(isa.shift_bytes(from, BY1), isa.load(AT3, 0));
                each(2, isa.or(part4, part5));
                let from = isa.permute(isa.load(span, 144), AT4);
                let part6 = isa.and(isa.shift_bytes(from, BY0), isa.load(AT1, 0));
                let from = isa.permute(isa.load(span, 144), AT5);
                let part7 = isa.and(isa.shift_bytes(from, BY1), isa.load(AT3, 0));
                each(3, isa.or(part6, part7));
            } else {
                let from = isa.shuffle(isa.load_halves(span, 8, 18), AT6);
                let part0 = isa.and(isa.shift_bytes(from, BY2), isa.load(AT7, 0));
                let from = isa.shuffle(isa.load_halves(span, 9, 19), AT8);
                let part1 = isa.and(isa.shift_bytes(from, BY3), isa.load(AT9, 0));
                each(0, isa.or(part0, part1));
                let from = isa.shuffle(isa.load_halves(span, 28, 38), AT6);
                let part2 = isa.and(isa.shift_bytes(from, BY2), isa.load(AT7, 0));
                let from = isa.shuffle(isa.load_halves(span, 29, 39), AT8);
                let part3 = isa.and(isa.shift_bytes(from, BY3), isa.load(AT9, 0));
                each(1, isa.or(part2, part3));
                let from = isa.shuffle(isa.load_halves(span, 60, 70), AT6);
                let part4 = isa.and(isa.shift_bytes(from, BY2), isa.load(AT7, 0));
                let from = isa.shuffle(isa.load_halves(span, 61, 71), AT8);
                let part5 = isa.and(isa.shift_bytes(from, BY3), isa.load(AT9, 0));
                each(2, isa.or(part4, part5));
                let from = isa.shuffle(isa.load_halves(span, 80, 90), AT6);
                let part6 = isa.and(isa.shift_bytes(from, BY2), isa.load(AT7, 0));
                let from = isa.shuffle(isa.load_halves(span, 81, 91), AT8);
                let part7 = isa.and(isa.shift_bytes(from, BY3), isa.load(AT9, 0));
                each(3, isa.or(part6, part7));
                let from = isa.shuffle(isa.load_halves(span, 112, 122), AT6);
                let part8 = isa.and(isa.shift_bytes(from, BY2), isa.load(AT7, 0));
                let from = isa.shuffle(isa.load_halves(span, 113, 123), AT8);
                let part9 = isa.and(isa.shift_bytes(from, BY3), isa.load(AT9, 0));
                each(4, isa.or(part8, part9));
                let from = isa.shuffle(isa.load_halves(span, 132, 142), AT6);
                let part10 = isa.and(isa.shift_bytes(from, BY2), isa.load(AT7, 0));
                let from = isa.shuffle(isa.load_halves(span, 133, 143), AT8);
                let part11 = isa.and(isa.shift_bytes(from, BY3), isa.load(AT9, 0));
                each(5, isa.or(part10, part11));
                let from = isa.shuffle(isa.load_halves(span, 164, 174), AT6);
                let part12 = isa.and(isa.shift_bytes(from, BY2), isa.load(AT7, 0));
                let from = isa.shuffle(isa.load_halves(span, 165, 175), AT8);
                let part13 = isa.and(isa.shift_bytes(from, BY3), isa.load(AT9, 0));
                each(6, isa.or(part12, part13));
                let from = isa.shuffle(isa.load_halves(span, 184, 192), AT10);
                let part14 = isa.and(isa.shift_bytes(from, BY2), isa.load(AT7, 0));
                let from = isa.shuffle(isa.load_halves(span, 185, 192), AT11);
                let part15 = isa.and(isa.shift_bytes(from, BY3), isa.load(AT9, 0));
                each(7, isa.or(part14, part15));
            }
        }
        #[inline(always)]
        fn scales<I: Isa>(isa: I, span: &Self::Span) -> I::Groups {
            const AT0: &[u8; 16] = &[0, 1, 3, 7, 0, 1, 3, 7, 0, 1, 3, 7, 0, 1, 3, 7];
            const BY0: &Shift = &Shift::new(
                &[0, 2, 4, 6, 0, 2, 4, 6, 0, 2, 4, 6, 0, 2, 4, 6],
            );
            const SPOTS0: &Spots = &Spots::new::<
                16, 1,
            >(
                [
                    48, 48, 48, 48, 100, 100, 100, 100, 152, 152, 152, 152, 204, 204,
                    204, 204,
                ],
                208,
            );
            let from = isa.s_bytes(span, SPOTS0);
            isa.g_mul(
                isa
                    .g_load(
                        &[
                            float::f32([span[0], span[1], span[2], span[3]]),
                            float::f32([span[0], span[1], span[2], span[3]]),
                            float::f32([span[0], span[1], span[2], span[3]]),
                            float::f32([span[0], span[1], span[2], span[3]]),
                            float::f32([span[52], span[53], span[54], span[55]]),
                            float::f32([span[52], span[53], span[54], span[55]]),
                            float::f32([span[52], span[53], span[54], span[55]]),
                            float::f32([span[52], span[53], span[54], span[55]]),
                            float::f32([span[104], span[105], span[106], span[107]]),
                            float::f32([span[104], span[105], span[106], span[107]]),
                            float::f32([span[104], span[105], span[106], span[107]]),
                            float::f32([span[104], span[105], span[106], span[107]]),
                            float::f32([span[156], span[157], span[158], span[159]]),
                            float::f32([span[156], span[157], span[158], span[159]]),
                            float::f32([span[156], span[157], span[158], span[159]]),
                            float::f32([span[156], span[157], span[158], span[159]]),
                        ],
                        0,
                    ),
                isa
                    .g_add(
                        isa
                            .g_u8(
                                isa
                                    .s_lookup(
                                        isa.s_and(isa.s_shift_bytes(from, BY0), isa.s_splat_u8(3)),
                                        AT0,
                                    ),
                            ),
                        isa.g_splat(1.0),
                    ),
            )
        }
        #[inline(always)]
        fn biases<I: Isa>(isa: I, span: &Self::Span) -> I::Groups {
            isa.g_mul(
                isa.g_splat(-1.0),
                isa
                    .g_mul(
                        isa.g_splat(0.5),
                        isa
                            .g_load(
                                &[
                                    float::bf16([span[4], span[5]]),
                                    float::bf16([span[4], span[5]]),
                                    float::bf16([span[6], span[7]]),
                                    float::bf16([span[6], span[7]]),
                                    float::bf16([span[56], span[57]]),
                                    float::bf16([span[56], span[57]]),
                                    float::bf16([span[58], span[59]]),
                                    float::bf16([span[58], span[59]]),
                                    float::bf16([span[108], span[109]]),
                                    float::bf16([span[108], span[109]]),
                                    float::bf16([span[110], span[111]]),
                                    float::bf16([span[110], span[111]]),
                                    float::bf16([span[160], span[161]]),
                                    float::bf16([span[160], span[161]]),
                                    float::bf16([span[162], span[163]]),
                                    float::bf16([span[162], span[163]]),
                                ],
                                0,
                            ),
                    ),
            )
        }
    }
    static LAYOUT: layout::Layout = layout::Layout {
        fields: &[
            layout::Field {
                name: "d",
                kind: layout::Kind::F32,
                count: 1,
                offset: 0,
            },
            layout::Field {
                name: "m",
                kind: layout::Kind::Bf16,
                count: 2,
                offset: 4,
            },
            layout::Field {
                name: "packed",
                kind: layout::Kind::U32,
                count: 10,
                offset: 8,
            },
            layout::Field {
                name: "s",
                kind: layout::Kind::U8,
                count: 1,
                offset: 48,
            },
            layout::Field {
                name: "_pad",
                kind: layout::Kind::U8,
                count: 3,
                offset: 49,
            },
        ],
        numbers: &[&SC_BITS, &Q_BITS],
        codes: &Q_BITS,
        levels: &[
            0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0,
            14.0, 15.0, 16.0, 17.0, 18.0, 19.0, 20.0, 21.0, 22.0, 23.0, 24.0, 25.0, 26.0,
            27.0, 28.0, 29.0, 30.0, 31.0,
        ],
        scale: Some(layout::Part {
            constant: 1.0,
            float: Some((0, 64)),
            integer: Some(layout::Integer {
                numbers: &SC_BITS,
                group: 16,
                values: &[1.0, 2.0, 4.0, 8.0],
            }),
        }),
        extra: Some(
            Some(layout::Part {
                constant: -0.5,
                float: Some((1, 32)),
                integer: None,
            }),
        ),
    };
    ::kernels::kernels! {
        coded Streamed
    }
    static INFO: FormatInfo = FormatInfo {
        name: "Streamed",
        summary: "Five bits in file order.",
        ggml_type: None,
        block_len: 64,
        block_bytes: 52,
        code_hash: 10795566428282175812u64,
        layout: Some(&LAYOUT),
        dequantize: |bytes, weights| {
            format::dequantize_blocks::<
                BlockStreamed,
                64,
            >(bytes, weights, BlockStreamed::dequantize)
        },
        kernels: Streamed_KERNELS,
    };
}
