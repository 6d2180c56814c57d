//! Dense weights: F32, F16, BF16. No codes, so only the classes `f32` and, for those of 16 bits,
//! `bf16` of kernels; the impls show what a format outside the declaration language writes by hand.

use crate::float;
use crate::format::{Format, FormatInfo};
use crate::isa::Isa;
use kernel_macros::kernels;

kernels! { F32, bf16 F16, pairs BF16 }

/// Weights of a span; any multiple of a register.
const SPAN: usize = 64;

macro_rules! dense {
    ($name:ident, $doc:literal, $id:literal, $bytes:literal, $load:ident, $decode:path, $kernels:ident $(, $pairs:item)?) => {
        #[doc = $doc]
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl Format for $name {
            const SPAN: usize = SPAN;
            type Span = [u8; $bytes * SPAN];

            fn info() -> &'static FormatInfo {
                static INFO: FormatInfo = FormatInfo {
                    name: stringify!($name),
                    summary: $doc,
                    ggml_type: Some($id),
                    block_len: 1,
                    block_bytes: $bytes,
                    code_hash: 0,
                    layout: None,
                    dequantize: |bytes, weights| {
                        for (bytes, w) in bytes.as_chunks::<$bytes>().0.iter().zip(weights) {
                            *w = $decode(*bytes);
                        }
                    },
                    kernels: $kernels,
                };
                &INFO
            }

            #[inline(always)]
            fn floats<I: Isa>(isa: I, span: &Self::Span, mut each: impl FnMut(usize, I::F32)) {
                let wide = I::LANES / 4;
                for n in 0..SPAN / wide {
                    each(n, isa.$load(span, $bytes * n * wide));
                }
            }

            $($pairs)?
        }
    };
}

dense!(F32, "IEEE single precision.", 0, 4, f32s, float::f32, F32_KERNELS);
dense!(F16, "IEEE half precision.", 1, 2, f16s, float::f16, F16_KERNELS);
dense!(
    BF16,
    "bfloat16: the upper half of a single.",
    30,
    2,
    bf16s,
    float::bf16,
    BF16_KERNELS,
    #[inline(always)]
    fn pairs<I: Isa>(isa: I, span: &Self::Span, mut each: impl FnMut(usize, I::F32)) {
        for n in 0..2 * SPAN / I::LANES {
            each(n, isa.f32s(span, n * I::LANES));
        }
    }
);
