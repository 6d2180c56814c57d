/**

```text
 bytes      field
 0..2       e: e8m0 x 2
 2..6       qs: u8 x 4
```

8 weights in 6 bytes: 6 bits per weight.*/
#[derive(Clone, Copy, Debug)]
#[allow(non_camel_case_types, dead_code)]
pub(crate) struct Short;
/// One block of [`Short`] as stored: 6 bytes, align 1.
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
pub(crate) struct BlockShort {
    /// 2 x e8m0, from byte 0.
    pub(crate) e: [u8; 2],
    /// 4 x u8, from byte 2.
    pub(crate) qs: [u8; 4],
}
const _: () = ::core::assert!(::core::mem::size_of:: < BlockShort > () == 6);
#[allow(clippy::all, clippy::pedantic, missing_docs, unreachable_pub, unused_imports)]
mod kernels_of_short {
    use super::{BlockShort, Short};
    use ::kernels::isa::{Fields, Rows, Shift, Spots};
    use ::kernels::format::{Link, Order};
    use ::kernels::{Coded, Format, FormatInfo, Isa, float, format, layout, zerocopy};
    const Q_BITS: layout::Numbers = layout::Numbers {
        name: "q",
        len: 8,
        width: 4,
        signed: true,
        runs: &[
            layout::Run::new(0..2, 0, 4, (2, 0), (0, 4)),
            layout::Run::new(2..4, 0, 4, (3, 0), (0, 4)),
            layout::Run::new(4..6, 0, 4, (4, 0), (0, 4)),
            layout::Run::new(6..8, 0, 4, (5, 0), (0, 4)),
        ],
    };
    impl BlockShort {
        /// The weights, decoded by the equation of the declaration.
        #[must_use]
        pub fn dequantize(&self) -> [f32; 8] {
            let bytes = zerocopy::IntoBytes::as_bytes(self);
            let e = self.e.map(float::e8m0);
            let q: [f32; 8] = Q_BITS.read(bytes);
            core::array::from_fn(|i| 3.0 - (q[i] + 0.5) * e[i / 4] * 2.0)
        }
    }
    impl Format for Short {
        const SPAN: usize = 8;
        type Span = [u8; 6];
        fn info() -> &'static FormatInfo {
            &INFO
        }
        #[inline(always)]
        fn floats<I: Isa>(isa: I, span: &Self::Span, each: impl FnMut(usize, I::F32)) {
            let block: &BlockShort = zerocopy::transmute_ref!(span);
            format::plain_floats(isa, &block.dequantize(), each)
        }
    }
    static LAYOUT: layout::Layout = layout::Layout {
        fields: &[
            layout::Field {
                name: "e",
                kind: layout::Kind::E8m0,
                count: 2,
                offset: 0,
            },
            layout::Field {
                name: "qs",
                kind: layout::Kind::U8,
                count: 4,
                offset: 2,
            },
        ],
        numbers: &[&Q_BITS],
        codes: &Q_BITS,
        levels: &[
            0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, -7.5, -6.5, -5.5, -4.5, -3.5, -2.5,
            -1.5, -0.5,
        ],
        scale: Some(layout::Part {
            constant: -2.0,
            float: Some((0, 4)),
            integer: None,
        }),
        extra: Some(
            Some(layout::Part {
                constant: 3.0,
                float: None,
                integer: None,
            }),
        ),
    };
    ::kernels::kernels! {
        Short
    }
    static INFO: FormatInfo = FormatInfo {
        name: "Short",
        summary: "",
        ggml_type: None,
        block_len: 8,
        block_bytes: 6,
        code_hash: 8744405238005324913u64,
        layout: Some(&LAYOUT),
        dequantize: |bytes, weights| {
            format::dequantize_blocks::<
                BlockShort,
                8,
            >(bytes, weights, BlockShort::dequantize)
        },
        kernels: Short_KERNELS,
    };
}
