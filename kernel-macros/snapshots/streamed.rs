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
    use ::kernels::isa::{Fields, Rows, Shift, Spots};
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
        const STRETCH: usize = 64;
        const REACH: usize = 52;
        #[inline(always)]
        fn columns<I: Isa>(
            isa: I,
            rows: &Rows<'_>,
            at: usize,
            mut each: impl FnMut(usize, I::Bytes),
        ) {
            const AT0: &[u8; 64] = &[
                0, 0, 1, 1, 4, 4, 5, 5, 8, 8, 9, 9, 12, 12, 13, 13, 16, 16, 17, 17, 20,
                20, 21, 21, 24, 24, 25, 25, 28, 28, 29, 29, 32, 32, 33, 33, 36, 36, 37,
                37, 40, 40, 41, 41, 44, 44, 45, 45, 48, 48, 49, 49, 52, 52, 53, 53, 56,
                56, 57, 57, 60, 60, 61, 61,
            ];
            const AT1: &[u8; 64] = &[
                31, 7, 31, 1, 31, 7, 31, 1, 31, 7, 31, 1, 31, 7, 31, 1, 31, 7, 31, 1, 31,
                7, 31, 1, 31, 7, 31, 1, 31, 7, 31, 1, 31, 7, 31, 1, 31, 7, 31, 1, 31, 7,
                31, 1, 31, 7, 31, 1, 31, 7, 31, 1, 31, 7, 31, 1, 31, 7, 31, 1, 31, 7, 31,
                1,
            ];
            const AT2: &[u8; 64] = &[
                0, 1, 0, 2, 0, 5, 0, 6, 0, 9, 0, 10, 0, 13, 0, 14, 0, 17, 0, 18, 0, 21,
                0, 22, 0, 25, 0, 26, 0, 29, 0, 30, 0, 33, 0, 34, 0, 37, 0, 38, 0, 41, 0,
                42, 0, 45, 0, 46, 0, 49, 0, 50, 0, 53, 0, 54, 0, 57, 0, 58, 0, 61, 0, 62,
            ];
            const AT3: &[u8; 64] = &[
                0, 24, 0, 30, 0, 24, 0, 30, 0, 24, 0, 30, 0, 24, 0, 30, 0, 24, 0, 30, 0,
                24, 0, 30, 0, 24, 0, 30, 0, 24, 0, 30, 0, 24, 0, 30, 0, 24, 0, 30, 0, 24,
                0, 30, 0, 24, 0, 30, 0, 24, 0, 30, 0, 24, 0, 30, 0, 24, 0, 30, 0, 24, 0,
                30,
            ];
            const AT4: &[u8; 64] = &[
                2, 3, 3, 64, 6, 7, 7, 68, 10, 11, 11, 72, 14, 15, 15, 76, 18, 19, 19, 80,
                22, 23, 23, 84, 26, 27, 27, 88, 30, 31, 31, 92, 34, 35, 35, 96, 38, 39,
                39, 100, 42, 43, 43, 104, 46, 47, 47, 108, 50, 51, 51, 112, 54, 55, 55,
                116, 58, 59, 59, 120, 62, 63, 63, 124,
            ];
            const AT5: &[u8; 64] = &[
                15, 31, 3, 31, 15, 31, 3, 31, 15, 31, 3, 31, 15, 31, 3, 31, 15, 31, 3,
                31, 15, 31, 3, 31, 15, 31, 3, 31, 15, 31, 3, 31, 15, 31, 3, 31, 15, 31,
                3, 31, 15, 31, 3, 31, 15, 31, 3, 31, 15, 31, 3, 31, 15, 31, 3, 31, 15,
                31, 3, 31, 15, 31, 3, 31,
            ];
            const AT6: &[u8; 64] = &[
                3, 0, 64, 0, 7, 0, 68, 0, 11, 0, 72, 0, 15, 0, 76, 0, 19, 0, 80, 0, 23,
                0, 84, 0, 27, 0, 88, 0, 31, 0, 92, 0, 35, 0, 96, 0, 39, 0, 100, 0, 43, 0,
                104, 0, 47, 0, 108, 0, 51, 0, 112, 0, 55, 0, 116, 0, 59, 0, 120, 0, 63,
                0, 124, 0,
            ];
            const AT7: &[u8; 64] = &[
                16, 0, 28, 0, 16, 0, 28, 0, 16, 0, 28, 0, 16, 0, 28, 0, 16, 0, 28, 0, 16,
                0, 28, 0, 16, 0, 28, 0, 16, 0, 28, 0, 16, 0, 28, 0, 16, 0, 28, 0, 16, 0,
                28, 0, 16, 0, 28, 0, 16, 0, 28, 0, 16, 0, 28, 0, 16, 0, 28, 0, 16, 0, 28,
                0,
            ];
            const AT8: &[u8; 64] = &[
                1, 1, 2, 2, 5, 5, 6, 6, 9, 9, 10, 10, 13, 13, 14, 14, 17, 17, 18, 18, 21,
                21, 22, 22, 25, 25, 26, 26, 29, 29, 30, 30, 33, 33, 34, 34, 37, 37, 38,
                38, 41, 41, 42, 42, 45, 45, 46, 46, 49, 49, 50, 50, 53, 53, 54, 54, 57,
                57, 58, 58, 61, 61, 62, 62,
            ];
            const AT9: &[u8; 64] = &[
                0, 2, 0, 3, 0, 6, 0, 7, 0, 10, 0, 11, 0, 14, 0, 15, 0, 18, 0, 19, 0, 22,
                0, 23, 0, 26, 0, 27, 0, 30, 0, 31, 0, 34, 0, 35, 0, 38, 0, 39, 0, 42, 0,
                43, 0, 46, 0, 47, 0, 50, 0, 51, 0, 54, 0, 55, 0, 58, 0, 59, 0, 62, 0, 63,
            ];
            const AT10: &[u8; 64] = &[
                3, 64, 64, 65, 7, 68, 68, 69, 11, 72, 72, 73, 15, 76, 76, 77, 19, 80, 80,
                81, 23, 84, 84, 85, 27, 88, 88, 89, 31, 92, 92, 93, 35, 96, 96, 97, 39,
                100, 100, 101, 43, 104, 104, 105, 47, 108, 108, 109, 51, 112, 112, 113,
                55, 116, 116, 117, 59, 120, 120, 121, 63, 124, 124, 125,
            ];
            const AT11: &[u8; 64] = &[
                0, 0, 1, 0, 4, 0, 5, 0, 8, 0, 9, 0, 12, 0, 13, 0, 16, 0, 17, 0, 20, 0,
                21, 0, 24, 0, 25, 0, 28, 0, 29, 0, 32, 0, 33, 0, 36, 0, 37, 0, 40, 0, 41,
                0, 44, 0, 45, 0, 48, 0, 49, 0, 52, 0, 53, 0, 56, 0, 57, 0, 60, 0, 61, 0,
            ];
            const AT12: &[u8; 64] = &[
                2, 2, 3, 3, 6, 6, 7, 7, 10, 10, 11, 11, 14, 14, 15, 15, 18, 18, 19, 19,
                22, 22, 23, 23, 26, 26, 27, 27, 30, 30, 31, 31, 34, 34, 35, 35, 38, 38,
                39, 39, 42, 42, 43, 43, 46, 46, 47, 47, 50, 50, 51, 51, 54, 54, 55, 55,
                58, 58, 59, 59, 62, 62, 63, 63,
            ];
            const AT13: &[u8; 64] = &[
                0, 3, 0, 64, 0, 7, 0, 68, 0, 11, 0, 72, 0, 15, 0, 76, 0, 19, 0, 80, 0,
                23, 0, 84, 0, 27, 0, 88, 0, 31, 0, 92, 0, 35, 0, 96, 0, 39, 0, 100, 0,
                43, 0, 104, 0, 47, 0, 108, 0, 51, 0, 112, 0, 55, 0, 116, 0, 59, 0, 120,
                0, 63, 0, 124,
            ];
            const AT14: &[u8; 64] = &[
                0, 1, 1, 2, 4, 5, 5, 6, 8, 9, 9, 10, 12, 13, 13, 14, 16, 17, 17, 18, 20,
                21, 21, 22, 24, 25, 25, 26, 28, 29, 29, 30, 32, 33, 33, 34, 36, 37, 37,
                38, 40, 41, 41, 42, 44, 45, 45, 46, 48, 49, 49, 50, 52, 53, 53, 54, 56,
                57, 57, 58, 60, 61, 61, 62,
            ];
            const AT15: &[u8; 64] = &[
                1, 0, 2, 0, 5, 0, 6, 0, 9, 0, 10, 0, 13, 0, 14, 0, 17, 0, 18, 0, 21, 0,
                22, 0, 25, 0, 26, 0, 29, 0, 30, 0, 33, 0, 34, 0, 37, 0, 38, 0, 41, 0, 42,
                0, 45, 0, 46, 0, 49, 0, 50, 0, 53, 0, 54, 0, 57, 0, 58, 0, 61, 0, 62, 0,
            ];
            const AT16: &[u8; 64] = &[
                1, 2, 2, 3, 5, 6, 6, 7, 9, 10, 10, 11, 13, 14, 14, 15, 17, 18, 18, 19,
                21, 22, 22, 23, 25, 26, 26, 27, 29, 30, 30, 31, 33, 34, 34, 35, 37, 38,
                38, 39, 41, 42, 42, 43, 45, 46, 46, 47, 49, 50, 50, 51, 53, 54, 54, 55,
                57, 58, 58, 59, 61, 62, 62, 63,
            ];
            const AT17: &[u8; 64] = &[
                2, 0, 3, 0, 6, 0, 7, 0, 10, 0, 11, 0, 14, 0, 15, 0, 18, 0, 19, 0, 22, 0,
                23, 0, 26, 0, 27, 0, 30, 0, 31, 0, 34, 0, 35, 0, 38, 0, 39, 0, 42, 0, 43,
                0, 46, 0, 47, 0, 50, 0, 51, 0, 54, 0, 55, 0, 58, 0, 59, 0, 62, 0, 63, 0,
            ];
            const AT18: &[u8; 64] = &[
                3, 3, 64, 64, 7, 7, 68, 68, 11, 11, 72, 72, 15, 15, 76, 76, 19, 19, 80,
                80, 23, 23, 84, 84, 27, 27, 88, 88, 31, 31, 92, 92, 35, 35, 96, 96, 39,
                39, 100, 100, 43, 43, 104, 104, 47, 47, 108, 108, 51, 51, 112, 112, 55,
                55, 116, 116, 59, 59, 120, 120, 63, 63, 124, 124,
            ];
            const AT19: &[u8; 64] = &[
                0, 0, 0, 1, 0, 4, 0, 5, 0, 8, 0, 9, 0, 12, 0, 13, 0, 16, 0, 17, 0, 20, 0,
                21, 0, 24, 0, 25, 0, 28, 0, 29, 0, 32, 0, 33, 0, 36, 0, 37, 0, 40, 0, 41,
                0, 44, 0, 45, 0, 48, 0, 49, 0, 52, 0, 53, 0, 56, 0, 57, 0, 60, 0, 61,
            ];
            const AT20: &[u8; 32] = &[
                0, 0, 1, 1, 4, 4, 5, 5, 8, 8, 9, 9, 12, 12, 13, 13, 0, 0, 1, 1, 4, 4, 5,
                5, 8, 8, 9, 9, 12, 12, 13, 13,
            ];
            const AT21: &[u8; 32] = &[
                31, 7, 31, 1, 31, 7, 31, 1, 31, 7, 31, 1, 31, 7, 31, 1, 31, 7, 31, 1, 31,
                7, 31, 1, 31, 7, 31, 1, 31, 7, 31, 1,
            ];
            const AT22: &[u8; 32] = &[
                128, 1, 128, 2, 128, 5, 128, 6, 128, 9, 128, 10, 128, 13, 128, 14, 128,
                1, 128, 2, 128, 5, 128, 6, 128, 9, 128, 10, 128, 13, 128, 14,
            ];
            const AT23: &[u8; 32] = &[
                0, 24, 0, 30, 0, 24, 0, 30, 0, 24, 0, 30, 0, 24, 0, 30, 0, 24, 0, 30, 0,
                24, 0, 30, 0, 24, 0, 30, 0, 24, 0, 30,
            ];
            const AT24: &[u8; 32] = &[
                2, 3, 3, 128, 6, 7, 7, 128, 10, 11, 11, 128, 14, 15, 15, 128, 2, 3, 3,
                128, 6, 7, 7, 128, 10, 11, 11, 128, 14, 15, 15, 128,
            ];
            const AT25: &[u8; 32] = &[
                128, 128, 128, 0, 128, 128, 128, 4, 128, 128, 128, 8, 128, 128, 128, 12,
                128, 128, 128, 0, 128, 128, 128, 4, 128, 128, 128, 8, 128, 128, 128, 12,
            ];
            const AT26: &[u8; 32] = &[
                15, 31, 3, 31, 15, 31, 3, 31, 15, 31, 3, 31, 15, 31, 3, 31, 15, 31, 3,
                31, 15, 31, 3, 31, 15, 31, 3, 31, 15, 31, 3, 31,
            ];
            const AT27: &[u8; 32] = &[
                3, 128, 128, 128, 7, 128, 128, 128, 11, 128, 128, 128, 15, 128, 128, 128,
                3, 128, 128, 128, 7, 128, 128, 128, 11, 128, 128, 128, 15, 128, 128, 128,
            ];
            const AT28: &[u8; 32] = &[
                128, 128, 0, 128, 128, 128, 4, 128, 128, 128, 8, 128, 128, 128, 12, 128,
                128, 128, 0, 128, 128, 128, 4, 128, 128, 128, 8, 128, 128, 128, 12, 128,
            ];
            const AT29: &[u8; 32] = &[
                16, 0, 28, 0, 16, 0, 28, 0, 16, 0, 28, 0, 16, 0, 28, 0, 16, 0, 28, 0, 16,
                0, 28, 0, 16, 0, 28, 0, 16, 0, 28, 0,
            ];
            const AT30: &[u8; 32] = &[
                1, 1, 2, 2, 5, 5, 6, 6, 9, 9, 10, 10, 13, 13, 14, 14, 1, 1, 2, 2, 5, 5,
                6, 6, 9, 9, 10, 10, 13, 13, 14, 14,
            ];
            const AT31: &[u8; 32] = &[
                128, 2, 128, 3, 128, 6, 128, 7, 128, 10, 128, 11, 128, 14, 128, 15, 128,
                2, 128, 3, 128, 6, 128, 7, 128, 10, 128, 11, 128, 14, 128, 15,
            ];
            const AT32: &[u8; 32] = &[
                128, 0, 0, 1, 128, 4, 4, 5, 128, 8, 8, 9, 128, 12, 12, 13, 128, 0, 0, 1,
                128, 4, 4, 5, 128, 8, 8, 9, 128, 12, 12, 13,
            ];
            const AT33: &[u8; 32] = &[
                0, 128, 1, 128, 4, 128, 5, 128, 8, 128, 9, 128, 12, 128, 13, 128, 0, 128,
                1, 128, 4, 128, 5, 128, 8, 128, 9, 128, 12, 128, 13, 128,
            ];
            const AT34: &[u8; 32] = &[
                2, 2, 3, 3, 6, 6, 7, 7, 10, 10, 11, 11, 14, 14, 15, 15, 2, 2, 3, 3, 6, 6,
                7, 7, 10, 10, 11, 11, 14, 14, 15, 15,
            ];
            const AT35: &[u8; 32] = &[
                128, 3, 128, 128, 128, 7, 128, 128, 128, 11, 128, 128, 128, 15, 128, 128,
                128, 3, 128, 128, 128, 7, 128, 128, 128, 11, 128, 128, 128, 15, 128, 128,
            ];
            const AT36: &[u8; 32] = &[
                0, 1, 1, 2, 4, 5, 5, 6, 8, 9, 9, 10, 12, 13, 13, 14, 0, 1, 1, 2, 4, 5, 5,
                6, 8, 9, 9, 10, 12, 13, 13, 14,
            ];
            const AT37: &[u8; 32] = &[
                1, 128, 2, 128, 5, 128, 6, 128, 9, 128, 10, 128, 13, 128, 14, 128, 1,
                128, 2, 128, 5, 128, 6, 128, 9, 128, 10, 128, 13, 128, 14, 128,
            ];
            const AT38: &[u8; 32] = &[
                1, 2, 2, 3, 5, 6, 6, 7, 9, 10, 10, 11, 13, 14, 14, 15, 1, 2, 2, 3, 5, 6,
                6, 7, 9, 10, 10, 11, 13, 14, 14, 15,
            ];
            const AT39: &[u8; 32] = &[
                2, 128, 3, 128, 6, 128, 7, 128, 10, 128, 11, 128, 14, 128, 15, 128, 2,
                128, 3, 128, 6, 128, 7, 128, 10, 128, 11, 128, 14, 128, 15, 128,
            ];
            const AT40: &[u8; 32] = &[
                3, 3, 128, 128, 7, 7, 128, 128, 11, 11, 128, 128, 15, 15, 128, 128, 3, 3,
                128, 128, 7, 7, 128, 128, 11, 11, 128, 128, 15, 15, 128, 128,
            ];
            const AT41: &[u8; 32] = &[
                128, 128, 0, 0, 128, 128, 4, 4, 128, 128, 8, 8, 128, 128, 12, 12, 128,
                128, 0, 0, 128, 128, 4, 4, 128, 128, 8, 8, 128, 128, 12, 12,
            ];
            const AT42: &[u8; 32] = &[
                128, 0, 128, 1, 128, 4, 128, 5, 128, 8, 128, 9, 128, 12, 128, 13, 128, 0,
                128, 1, 128, 4, 128, 5, 128, 8, 128, 9, 128, 12, 128, 13,
            ];
            const BY0: &Shift = &Shift::new(
                &[
                    0, 5, 2, 7, 0, 5, 2, 7, 0, 5, 2, 7, 0, 5, 2, 7, 0, 5, 2, 7, 0, 5, 2,
                    7, 0, 5, 2, 7, 0, 5, 2, 7, 0, 5, 2, 7, 0, 5, 2, 7, 0, 5, 2, 7, 0, 5,
                    2, 7, 0, 5, 2, 7, 0, 5, 2, 7, 0, 5, 2, 7, 0, 5, 2, 7,
                ],
            );
            const BY1: &Shift = &Shift::new(
                &[
                    0, -3, 0, -1, 0, -3, 0, -1, 0, -3, 0, -1, 0, -3, 0, -1, 0, -3, 0, -1,
                    0, -3, 0, -1, 0, -3, 0, -1, 0, -3, 0, -1, 0, -3, 0, -1, 0, -3, 0, -1,
                    0, -3, 0, -1, 0, -3, 0, -1, 0, -3, 0, -1, 0, -3, 0, -1, 0, -3, 0, -1,
                    0, -3, 0, -1,
                ],
            );
            const BY2: &Shift = &Shift::new(
                &[
                    4, 1, 6, 3, 4, 1, 6, 3, 4, 1, 6, 3, 4, 1, 6, 3, 4, 1, 6, 3, 4, 1, 6,
                    3, 4, 1, 6, 3, 4, 1, 6, 3, 4, 1, 6, 3, 4, 1, 6, 3, 4, 1, 6, 3, 4, 1,
                    6, 3, 4, 1, 6, 3, 4, 1, 6, 3, 4, 1, 6, 3, 4, 1, 6, 3,
                ],
            );
            const BY3: &Shift = &Shift::new(
                &[
                    -4, 0, -2, 0, -4, 0, -2, 0, -4, 0, -2, 0, -4, 0, -2, 0, -4, 0, -2, 0,
                    -4, 0, -2, 0, -4, 0, -2, 0, -4, 0, -2, 0, -4, 0, -2, 0, -4, 0, -2, 0,
                    -4, 0, -2, 0, -4, 0, -2, 0, -4, 0, -2, 0, -4, 0, -2, 0, -4, 0, -2, 0,
                    -4, 0, -2, 0,
                ],
            );
            const BY4: &Shift = &Shift::new(
                &[
                    0, 5, 2, 7, 0, 5, 2, 7, 0, 5, 2, 7, 0, 5, 2, 7, 0, 5, 2, 7, 0, 5, 2,
                    7, 0, 5, 2, 7, 0, 5, 2, 7,
                ],
            );
            const BY5: &Shift = &Shift::new(
                &[
                    0, -3, 0, -1, 0, -3, 0, -1, 0, -3, 0, -1, 0, -3, 0, -1, 0, -3, 0, -1,
                    0, -3, 0, -1, 0, -3, 0, -1, 0, -3, 0, -1,
                ],
            );
            const BY6: &Shift = &Shift::new(
                &[
                    4, 1, 6, 3, 4, 1, 6, 3, 4, 1, 6, 3, 4, 1, 6, 3, 4, 1, 6, 3, 4, 1, 6,
                    3, 4, 1, 6, 3, 4, 1, 6, 3,
                ],
            );
            const BY7: &Shift = &Shift::new(
                &[
                    -4, 0, -2, 0, -4, 0, -2, 0, -4, 0, -2, 0, -4, 0, -2, 0, -4, 0, -2, 0,
                    -4, 0, -2, 0, -4, 0, -2, 0, -4, 0, -2, 0,
                ],
            );
            if const { I::LANES == 64 } {
                let run0 = isa.dwords(rows, at + 8);
                for d in 0..1 {
                    let from = isa.permute(run0[d], AT0);
                    let part0 = isa.and(isa.shift_bytes(from, BY0), isa.load(AT1, 0));
                    let from = isa.permute(run0[d], AT2);
                    let part1 = isa.and(isa.shift_bytes(from, BY1), isa.load(AT3, 0));
                    each(0 + d, isa.or(part0, part1));
                }
                for d in 0..1 {
                    let from = isa.permute2(run0[d], run0[d + 1], AT4);
                    let part0 = isa.and(isa.shift_bytes(from, BY2), isa.load(AT5, 0));
                    let from = isa.permute2(run0[d], run0[d + 1], AT6);
                    let part1 = isa.and(isa.shift_bytes(from, BY3), isa.load(AT7, 0));
                    each(1 + d, isa.or(part0, part1));
                }
                for d in 0..1 {
                    let from = isa.permute(run0[d + 1], AT8);
                    let part0 = isa.and(isa.shift_bytes(from, BY0), isa.load(AT1, 0));
                    let from = isa.permute(run0[d + 1], AT9);
                    let part1 = isa.and(isa.shift_bytes(from, BY1), isa.load(AT3, 0));
                    each(2 + d, isa.or(part0, part1));
                }
                for d in 0..1 {
                    let from = isa.permute2(run0[d + 1], run0[d + 2], AT10);
                    let part0 = isa.and(isa.shift_bytes(from, BY2), isa.load(AT5, 0));
                    let from = isa.permute(run0[d + 2], AT11);
                    let part1 = isa.and(isa.shift_bytes(from, BY3), isa.load(AT7, 0));
                    each(3 + d, isa.or(part0, part1));
                }
                for d in 0..1 {
                    let from = isa.permute(run0[d + 2], AT12);
                    let part0 = isa.and(isa.shift_bytes(from, BY0), isa.load(AT1, 0));
                    let from = isa.permute2(run0[d + 2], run0[d + 3], AT13);
                    let part1 = isa.and(isa.shift_bytes(from, BY1), isa.load(AT3, 0));
                    each(4 + d, isa.or(part0, part1));
                }
                for d in 0..1 {
                    let from = isa.permute(run0[d + 3], AT14);
                    let part0 = isa.and(isa.shift_bytes(from, BY2), isa.load(AT5, 0));
                    let from = isa.permute(run0[d + 3], AT15);
                    let part1 = isa.and(isa.shift_bytes(from, BY3), isa.load(AT7, 0));
                    each(5 + d, isa.or(part0, part1));
                }
                let run1 = isa.dwords(rows, at + 24);
                for d in 0..1 {
                    let from = isa.permute(run1[d], AT16);
                    let part0 = isa.and(isa.shift_bytes(from, BY2), isa.load(AT5, 0));
                    let from = isa.permute(run1[d], AT17);
                    let part1 = isa.and(isa.shift_bytes(from, BY3), isa.load(AT7, 0));
                    each(7 + d, isa.or(part0, part1));
                }
                for d in 0..1 {
                    let from = isa.permute(run1[d + 1], AT0);
                    let part0 = isa.and(isa.shift_bytes(from, BY0), isa.load(AT1, 0));
                    let from = isa.permute(run1[d + 1], AT2);
                    let part1 = isa.and(isa.shift_bytes(from, BY1), isa.load(AT3, 0));
                    each(8 + d, isa.or(part0, part1));
                }
                for d in 0..1 {
                    let from = isa.permute2(run1[d + 1], run1[d + 2], AT4);
                    let part0 = isa.and(isa.shift_bytes(from, BY2), isa.load(AT5, 0));
                    let from = isa.permute2(run1[d + 1], run1[d + 2], AT6);
                    let part1 = isa.and(isa.shift_bytes(from, BY3), isa.load(AT7, 0));
                    each(9 + d, isa.or(part0, part1));
                }
                for d in 0..1 {
                    let from = isa.permute(run1[d + 2], AT8);
                    let part0 = isa.and(isa.shift_bytes(from, BY0), isa.load(AT1, 0));
                    let from = isa.permute(run1[d + 2], AT9);
                    let part1 = isa.and(isa.shift_bytes(from, BY1), isa.load(AT3, 0));
                    each(10 + d, isa.or(part0, part1));
                }
                for d in 0..1 {
                    let from = isa.permute2(run0[d + 3], run1[d], AT18);
                    let part0 = isa.and(isa.shift_bytes(from, BY0), isa.load(AT1, 0));
                    let from = isa.permute(run1[d], AT19);
                    let part1 = isa.and(isa.shift_bytes(from, BY1), isa.load(AT3, 0));
                    each(6 + d, isa.or(part0, part1));
                }
                let run2 = isa.dwords(rows, at + 36);
                for d in 0..1 {
                    let from = isa.permute(run2[d], AT12);
                    let part0 = isa.and(isa.shift_bytes(from, BY0), isa.load(AT1, 0));
                    let from = isa.permute2(run2[d], run2[d + 1], AT13);
                    let part1 = isa.and(isa.shift_bytes(from, BY1), isa.load(AT3, 0));
                    each(12 + d, isa.or(part0, part1));
                }
                for d in 0..1 {
                    let from = isa.permute(run2[d + 1], AT14);
                    let part0 = isa.and(isa.shift_bytes(from, BY2), isa.load(AT5, 0));
                    let from = isa.permute(run2[d + 1], AT15);
                    let part1 = isa.and(isa.shift_bytes(from, BY3), isa.load(AT7, 0));
                    each(13 + d, isa.or(part0, part1));
                }
                for d in 0..1 {
                    let from = isa.permute2(run2[d + 1], run2[d + 2], AT18);
                    let part0 = isa.and(isa.shift_bytes(from, BY0), isa.load(AT1, 0));
                    let from = isa.permute(run2[d + 2], AT19);
                    let part1 = isa.and(isa.shift_bytes(from, BY1), isa.load(AT3, 0));
                    each(14 + d, isa.or(part0, part1));
                }
                for d in 0..1 {
                    let from = isa.permute(run2[d + 2], AT16);
                    let part0 = isa.and(isa.shift_bytes(from, BY2), isa.load(AT5, 0));
                    let from = isa.permute(run2[d + 2], AT17);
                    let part1 = isa.and(isa.shift_bytes(from, BY3), isa.load(AT7, 0));
                    each(15 + d, isa.or(part0, part1));
                }
                for d in 0..1 {
                    let from = isa.permute2(run1[d + 2], run2[d], AT10);
                    let part0 = isa.and(isa.shift_bytes(from, BY2), isa.load(AT5, 0));
                    let from = isa.permute(run2[d], AT11);
                    let part1 = isa.and(isa.shift_bytes(from, BY3), isa.load(AT7, 0));
                    each(11 + d, isa.or(part0, part1));
                }
            } else {
                let run0 = isa.dwords(rows, at + 8);
                for d in 0..1 {
                    let from = isa.shuffle(run0[d], AT20);
                    let part0 = isa.and(isa.shift_bytes(from, BY4), isa.load(AT21, 0));
                    let from = isa.shuffle(run0[d], AT22);
                    let part1 = isa.and(isa.shift_bytes(from, BY5), isa.load(AT23, 0));
                    each(0 + d, isa.or(part0, part1));
                }
                for d in 0..1 {
                    let from = isa
                        .or(isa.shuffle(run0[d], AT24), isa.shuffle(run0[d + 1], AT25));
                    let part0 = isa.and(isa.shift_bytes(from, BY6), isa.load(AT26, 0));
                    let from = isa
                        .or(isa.shuffle(run0[d], AT27), isa.shuffle(run0[d + 1], AT28));
                    let part1 = isa.and(isa.shift_bytes(from, BY7), isa.load(AT29, 0));
                    each(1 + d, isa.or(part0, part1));
                }
                for d in 0..1 {
                    let from = isa.shuffle(run0[d + 1], AT30);
                    let part0 = isa.and(isa.shift_bytes(from, BY4), isa.load(AT21, 0));
                    let from = isa.shuffle(run0[d + 1], AT31);
                    let part1 = isa.and(isa.shift_bytes(from, BY5), isa.load(AT23, 0));
                    each(2 + d, isa.or(part0, part1));
                }
                for d in 0..1 {
                    let from = isa
                        .or(
                            isa.shuffle(run0[d + 1], AT27),
                            isa.shuffle(run0[d + 2], AT32),
                        );
                    let part0 = isa.and(isa.shift_bytes(from, BY6), isa.load(AT26, 0));
                    let from = isa.shuffle(run0[d + 2], AT33);
                    let part1 = isa.and(isa.shift_bytes(from, BY7), isa.load(AT29, 0));
                    each(3 + d, isa.or(part0, part1));
                }
                for d in 0..1 {
                    let from = isa.shuffle(run0[d + 2], AT34);
                    let part0 = isa.and(isa.shift_bytes(from, BY4), isa.load(AT21, 0));
                    let from = isa
                        .or(
                            isa.shuffle(run0[d + 2], AT35),
                            isa.shuffle(run0[d + 3], AT25),
                        );
                    let part1 = isa.and(isa.shift_bytes(from, BY5), isa.load(AT23, 0));
                    each(4 + d, isa.or(part0, part1));
                }
                for d in 0..1 {
                    let from = isa.shuffle(run0[d + 3], AT36);
                    let part0 = isa.and(isa.shift_bytes(from, BY6), isa.load(AT26, 0));
                    let from = isa.shuffle(run0[d + 3], AT37);
                    let part1 = isa.and(isa.shift_bytes(from, BY7), isa.load(AT29, 0));
                    each(5 + d, isa.or(part0, part1));
                }
                let run1 = isa.dwords(rows, at + 24);
                for d in 0..1 {
                    let from = isa.shuffle(run1[d], AT38);
                    let part0 = isa.and(isa.shift_bytes(from, BY6), isa.load(AT26, 0));
                    let from = isa.shuffle(run1[d], AT39);
                    let part1 = isa.and(isa.shift_bytes(from, BY7), isa.load(AT29, 0));
                    each(7 + d, isa.or(part0, part1));
                }
                for d in 0..1 {
                    let from = isa.shuffle(run1[d + 1], AT20);
                    let part0 = isa.and(isa.shift_bytes(from, BY4), isa.load(AT21, 0));
                    let from = isa.shuffle(run1[d + 1], AT22);
                    let part1 = isa.and(isa.shift_bytes(from, BY5), isa.load(AT23, 0));
                    each(8 + d, isa.or(part0, part1));
                }
                for d in 0..1 {
                    let from = isa
                        .or(
                            isa.shuffle(run1[d + 1], AT24),
                            isa.shuffle(run1[d + 2], AT25),
                        );
                    let part0 = isa.and(isa.shift_bytes(from, BY6), isa.load(AT26, 0));
                    let from = isa
                        .or(
                            isa.shuffle(run1[d + 1], AT27),
                            isa.shuffle(run1[d + 2], AT28),
                        );
                    let part1 = isa.and(isa.shift_bytes(from, BY7), isa.load(AT29, 0));
                    each(9 + d, isa.or(part0, part1));
                }
                for d in 0..1 {
                    let from = isa.shuffle(run1[d + 2], AT30);
                    let part0 = isa.and(isa.shift_bytes(from, BY4), isa.load(AT21, 0));
                    let from = isa.shuffle(run1[d + 2], AT31);
                    let part1 = isa.and(isa.shift_bytes(from, BY5), isa.load(AT23, 0));
                    each(10 + d, isa.or(part0, part1));
                }
                for d in 0..1 {
                    let from = isa
                        .or(isa.shuffle(run0[d + 3], AT40), isa.shuffle(run1[d], AT41));
                    let part0 = isa.and(isa.shift_bytes(from, BY4), isa.load(AT21, 0));
                    let from = isa.shuffle(run1[d], AT42);
                    let part1 = isa.and(isa.shift_bytes(from, BY5), isa.load(AT23, 0));
                    each(6 + d, isa.or(part0, part1));
                }
                let run2 = isa.dwords(rows, at + 36);
                for d in 0..1 {
                    let from = isa.shuffle(run2[d], AT34);
                    let part0 = isa.and(isa.shift_bytes(from, BY4), isa.load(AT21, 0));
                    let from = isa
                        .or(isa.shuffle(run2[d], AT35), isa.shuffle(run2[d + 1], AT25));
                    let part1 = isa.and(isa.shift_bytes(from, BY5), isa.load(AT23, 0));
                    each(12 + d, isa.or(part0, part1));
                }
                for d in 0..1 {
                    let from = isa.shuffle(run2[d + 1], AT36);
                    let part0 = isa.and(isa.shift_bytes(from, BY6), isa.load(AT26, 0));
                    let from = isa.shuffle(run2[d + 1], AT37);
                    let part1 = isa.and(isa.shift_bytes(from, BY7), isa.load(AT29, 0));
                    each(13 + d, isa.or(part0, part1));
                }
                for d in 0..1 {
                    let from = isa
                        .or(
                            isa.shuffle(run2[d + 1], AT40),
                            isa.shuffle(run2[d + 2], AT41),
                        );
                    let part0 = isa.and(isa.shift_bytes(from, BY4), isa.load(AT21, 0));
                    let from = isa.shuffle(run2[d + 2], AT42);
                    let part1 = isa.and(isa.shift_bytes(from, BY5), isa.load(AT23, 0));
                    each(14 + d, isa.or(part0, part1));
                }
                for d in 0..1 {
                    let from = isa.shuffle(run2[d + 2], AT38);
                    let part0 = isa.and(isa.shift_bytes(from, BY6), isa.load(AT26, 0));
                    let from = isa.shuffle(run2[d + 2], AT39);
                    let part1 = isa.and(isa.shift_bytes(from, BY7), isa.load(AT29, 0));
                    each(15 + d, isa.or(part0, part1));
                }
                for d in 0..1 {
                    let from = isa
                        .or(isa.shuffle(run1[d + 2], AT27), isa.shuffle(run2[d], AT32));
                    let part0 = isa.and(isa.shift_bytes(from, BY6), isa.load(AT26, 0));
                    let from = isa.shuffle(run2[d], AT33);
                    let part1 = isa.and(isa.shift_bytes(from, BY7), isa.load(AT29, 0));
                    each(11 + d, isa.or(part0, part1));
                }
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
        code_hash: 13557258816090599108u64,
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
