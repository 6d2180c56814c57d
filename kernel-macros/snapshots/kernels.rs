#[cfg(target_arch = "x86_64")]
#[target_feature(
    enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi,gfni"
)]
fn q4_0_avx512vnni_gemv_q8_1x1(args: &::kernels::gemv::Args<'_>, out: &mut [f32]) {
    let isa = ::kernels::isa::Avx512Vnni::assume_supported();
    ::kernels::gemv::rows_q8::<_, Q4_0, 1, 1>(isa, args, out)
}
#[cfg(target_arch = "x86_64")]
#[target_feature(
    enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi,gfni"
)]
fn q4_0_avx512vnni_gemv_q8_2x1(args: &::kernels::gemv::Args<'_>, out: &mut [f32]) {
    let isa = ::kernels::isa::Avx512Vnni::assume_supported();
    ::kernels::gemv::rows_q8::<_, Q4_0, 2, 1>(isa, args, out)
}
#[cfg(target_arch = "x86_64")]
#[target_feature(
    enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi,gfni"
)]
fn q4_0_avx512vnni_gemv_q8_4x1(args: &::kernels::gemv::Args<'_>, out: &mut [f32]) {
    let isa = ::kernels::isa::Avx512Vnni::assume_supported();
    ::kernels::gemv::rows_q8::<_, Q4_0, 4, 1>(isa, args, out)
}
#[cfg(target_arch = "x86_64")]
#[target_feature(
    enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi,gfni"
)]
fn q4_0_avx512vnni_gemv_q8_1x2(args: &::kernels::gemv::Args<'_>, out: &mut [f32]) {
    let isa = ::kernels::isa::Avx512Vnni::assume_supported();
    ::kernels::gemv::rows_q8::<_, Q4_0, 1, 2>(isa, args, out)
}
#[cfg(target_arch = "x86_64")]
#[target_feature(
    enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi,gfni"
)]
fn q4_0_avx512vnni_gemv_q8_4x2(args: &::kernels::gemv::Args<'_>, out: &mut [f32]) {
    let isa = ::kernels::isa::Avx512Vnni::assume_supported();
    ::kernels::gemv::rows_q8::<_, Q4_0, 4, 2>(isa, args, out)
}
#[cfg(target_arch = "x86_64")]
#[target_feature(
    enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi,gfni"
)]
fn q4_0_avx512vnni_gemv_q8_1x3(args: &::kernels::gemv::Args<'_>, out: &mut [f32]) {
    let isa = ::kernels::isa::Avx512Vnni::assume_supported();
    ::kernels::gemv::rows_q8::<_, Q4_0, 1, 3>(isa, args, out)
}
#[cfg(target_arch = "x86_64")]
#[target_feature(
    enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi,gfni"
)]
fn q4_0_avx512vnni_gemv_q8_1x4(args: &::kernels::gemv::Args<'_>, out: &mut [f32]) {
    let isa = ::kernels::isa::Avx512Vnni::assume_supported();
    ::kernels::gemv::rows_q8::<_, Q4_0, 1, 4>(isa, args, out)
}
#[cfg(target_arch = "x86_64")]
#[target_feature(
    enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi,gfni"
)]
fn q4_0_avx512vnni_gemv_q8_4x4(args: &::kernels::gemv::Args<'_>, out: &mut [f32]) {
    let isa = ::kernels::isa::Avx512Vnni::assume_supported();
    ::kernels::gemv::rows_q8::<_, Q4_0, 4, 4>(isa, args, out)
}
#[cfg(target_arch = "x86_64")]
#[target_feature(
    enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi,gfni"
)]
fn q4_0_avx512vnni_unpack_q8(
    source: &::kernels::panel::Source<'_>,
    panel: &mut ::kernels::panel::Panel,
) {
    let isa = ::kernels::isa::Avx512Vnni::assume_supported();
    ::kernels::panel::unpack_q8::<_, Q4_0>(isa, source, panel)
}
#[cfg(target_arch = "x86_64")]
#[target_feature(
    enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi,gfni"
)]
fn q4_0_avx512vnni_gemv_f32_1x1(args: &::kernels::gemv::Args<'_>, out: &mut [f32]) {
    let isa = ::kernels::isa::Avx512Vnni::assume_supported();
    ::kernels::gemv::rows_f32::<_, Q4_0, 1, 1>(isa, args, out)
}
#[cfg(target_arch = "x86_64")]
#[target_feature(
    enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi,gfni"
)]
fn q4_0_avx512vnni_gemv_f32_1x4(args: &::kernels::gemv::Args<'_>, out: &mut [f32]) {
    let isa = ::kernels::isa::Avx512Vnni::assume_supported();
    ::kernels::gemv::rows_f32::<_, Q4_0, 1, 4>(isa, args, out)
}
#[cfg(target_arch = "x86_64")]
#[target_feature(
    enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi,gfni"
)]
fn q4_0_avx512vnni_unpack_f32(
    source: &::kernels::panel::Source<'_>,
    panel: &mut ::kernels::panel::Panel,
) {
    let isa = ::kernels::isa::Avx512Vnni::assume_supported();
    ::kernels::panel::unpack_f32::<_, Q4_0>(isa, source, panel)
}
const Q4_0_KERNELS: &[::kernels::Kernel] = {
    use ::kernels::format::Order;
    use ::kernels::{Entry, Isa, Kernel, Numerics, isa};
    const STEPS: usize = <Q4_0 as ::kernels::Coded>::UNIT / 4;
    const CENTERED: bool = <Q4_0 as ::kernels::Coded>::CENTER.is_some();
    const ORDER_WIDE: Option<Order> = <Q4_0 as ::kernels::Coded>::ORDER_WIDE;
    const ORDER_NARROW: Option<Order> = <Q4_0 as ::kernels::Coded>::ORDER_NARROW;
    &[
        #[cfg(target_arch = "x86_64")]
        Kernel {
            name: "q4_0_avx512vnni_gemv_q8_1x1",
            isa: &isa::avx512vnni::INFO,
            class: Numerics::Q8,
            rows: 1,
            columns: 1,
            span: <Q4_0 as ::kernels::Format>::SPAN,
            order: ORDER_WIDE,
            entry: Entry::GemvQ8(q4_0_avx512vnni_gemv_q8_1x1),
        },
        #[cfg(target_arch = "x86_64")]
        Kernel {
            name: "q4_0_avx512vnni_gemv_q8_2x1",
            isa: &isa::avx512vnni::INFO,
            class: Numerics::Q8,
            rows: 2,
            columns: 1,
            span: <Q4_0 as ::kernels::Format>::SPAN,
            order: ORDER_WIDE,
            entry: Entry::GemvQ8(q4_0_avx512vnni_gemv_q8_2x1),
        },
        #[cfg(target_arch = "x86_64")]
        Kernel {
            name: "q4_0_avx512vnni_gemv_q8_4x1",
            isa: &isa::avx512vnni::INFO,
            class: Numerics::Q8,
            rows: 4,
            columns: 1,
            span: <Q4_0 as ::kernels::Format>::SPAN,
            order: ORDER_WIDE,
            entry: Entry::GemvQ8(q4_0_avx512vnni_gemv_q8_4x1),
        },
        #[cfg(target_arch = "x86_64")]
        Kernel {
            name: "q4_0_avx512vnni_gemv_q8_1x2",
            isa: &isa::avx512vnni::INFO,
            class: Numerics::Q8,
            rows: 1,
            columns: 2,
            span: <Q4_0 as ::kernels::Format>::SPAN,
            order: ORDER_WIDE,
            entry: Entry::GemvQ8(q4_0_avx512vnni_gemv_q8_1x2),
        },
        #[cfg(target_arch = "x86_64")]
        Kernel {
            name: "q4_0_avx512vnni_gemv_q8_4x2",
            isa: &isa::avx512vnni::INFO,
            class: Numerics::Q8,
            rows: 4,
            columns: 2,
            span: <Q4_0 as ::kernels::Format>::SPAN,
            order: ORDER_WIDE,
            entry: Entry::GemvQ8(q4_0_avx512vnni_gemv_q8_4x2),
        },
        #[cfg(target_arch = "x86_64")]
        Kernel {
            name: "q4_0_avx512vnni_gemv_q8_1x3",
            isa: &isa::avx512vnni::INFO,
            class: Numerics::Q8,
            rows: 1,
            columns: 3,
            span: <Q4_0 as ::kernels::Format>::SPAN,
            order: ORDER_WIDE,
            entry: Entry::GemvQ8(q4_0_avx512vnni_gemv_q8_1x3),
        },
        #[cfg(target_arch = "x86_64")]
        Kernel {
            name: "q4_0_avx512vnni_gemv_q8_1x4",
            isa: &isa::avx512vnni::INFO,
            class: Numerics::Q8,
            rows: 1,
            columns: 4,
            span: <Q4_0 as ::kernels::Format>::SPAN,
            order: ORDER_WIDE,
            entry: Entry::GemvQ8(q4_0_avx512vnni_gemv_q8_1x4),
        },
        #[cfg(target_arch = "x86_64")]
        Kernel {
            name: "q4_0_avx512vnni_gemv_q8_4x4",
            isa: &isa::avx512vnni::INFO,
            class: Numerics::Q8,
            rows: 4,
            columns: 4,
            span: <Q4_0 as ::kernels::Format>::SPAN,
            order: ORDER_WIDE,
            entry: Entry::GemvQ8(q4_0_avx512vnni_gemv_q8_4x4),
        },
        #[cfg(target_arch = "x86_64")]
        Kernel {
            name: "q4_0_avx512vnni_gemm_q8",
            isa: &isa::avx512vnni::INFO,
            class: Numerics::Q8,
            rows: 2 * <isa::Avx512Vnni as Isa>::LANES / 4,
            columns: 6,
            span: <Q4_0 as ::kernels::Format>::SPAN,
            order: ORDER_WIDE,
            entry: {
                const CLASS: u32 = ::kernels::gemm::code_class::<
                    isa::Avx512Vnni,
                >(<Q4_0 as ::kernels::Coded>::CODE_MAX);
                Entry::GemmQ8 {
                    unpack: q4_0_avx512vnni_unpack_q8,
                    tiles: &[
                        isa::avx512vnni::tile_q8::<STEPS, CENTERED, CLASS, 1>,
                        isa::avx512vnni::tile_q8::<STEPS, CENTERED, CLASS, 2>,
                        isa::avx512vnni::tile_q8::<STEPS, CENTERED, CLASS, 3>,
                        isa::avx512vnni::tile_q8::<STEPS, CENTERED, CLASS, 4>,
                        isa::avx512vnni::tile_q8::<STEPS, CENTERED, CLASS, 5>,
                        isa::avx512vnni::tile_q8::<STEPS, CENTERED, CLASS, 6>,
                    ],
                    shape: ::kernels::panel::Shape::of::<isa::Avx512Vnni, Q4_0>(),
                }
            },
        },
        #[cfg(target_arch = "x86_64")]
        Kernel {
            name: "q4_0_avx512vnni_gemm_q8_256",
            isa: &isa::avx512vnni::INFO,
            class: Numerics::Q8x256,
            rows: 2 * <isa::Avx512Vnni as Isa>::LANES / 4,
            columns: 6,
            span: <Q4_0 as ::kernels::Format>::SPAN,
            order: None,
            entry: {
                const CLASS: u32 = ::kernels::gemm::code_class::<
                    isa::Avx512Vnni,
                >(<Q4_0 as ::kernels::Coded>::CODE_MAX);
                Entry::GemmQ8 {
                    unpack: q4_0_avx512vnni_unpack_q8,
                    tiles: &[
                        isa::avx512vnni::tile_q8_256::<STEPS, CENTERED, CLASS, 1>,
                        isa::avx512vnni::tile_q8_256::<STEPS, CENTERED, CLASS, 2>,
                        isa::avx512vnni::tile_q8_256::<STEPS, CENTERED, CLASS, 3>,
                        isa::avx512vnni::tile_q8_256::<STEPS, CENTERED, CLASS, 4>,
                        isa::avx512vnni::tile_q8_256::<STEPS, CENTERED, CLASS, 5>,
                        isa::avx512vnni::tile_q8_256::<STEPS, CENTERED, CLASS, 6>,
                    ],
                    shape: ::kernels::panel::Shape::of::<isa::Avx512Vnni, Q4_0>(),
                }
            },
        },
        #[cfg(target_arch = "x86_64")]
        Kernel {
            name: "q4_0_avx512vnni_gemv_f32_1x1",
            isa: &isa::avx512vnni::INFO,
            class: Numerics::F32,
            rows: 1,
            columns: 1,
            span: <Q4_0 as ::kernels::Format>::SPAN,
            order: None,
            entry: Entry::GemvF32(q4_0_avx512vnni_gemv_f32_1x1),
        },
        #[cfg(target_arch = "x86_64")]
        Kernel {
            name: "q4_0_avx512vnni_gemv_f32_1x4",
            isa: &isa::avx512vnni::INFO,
            class: Numerics::F32,
            rows: 1,
            columns: 4,
            span: <Q4_0 as ::kernels::Format>::SPAN,
            order: None,
            entry: Entry::GemvF32(q4_0_avx512vnni_gemv_f32_1x4),
        },
        #[cfg(target_arch = "x86_64")]
        Kernel {
            name: "q4_0_avx512vnni_gemm_f32",
            isa: &isa::avx512vnni::INFO,
            class: Numerics::F32,
            rows: 2 * <isa::Avx512Vnni as Isa>::LANES / 4,
            columns: 6,
            span: <Q4_0 as ::kernels::Format>::SPAN,
            order: None,
            entry: Entry::GemmF32 {
                unpack: q4_0_avx512vnni_unpack_f32,
                tiles: &[
                    isa::avx512vnni::tile_f32::<1>,
                    isa::avx512vnni::tile_f32::<2>,
                    isa::avx512vnni::tile_f32::<3>,
                    isa::avx512vnni::tile_f32::<4>,
                    isa::avx512vnni::tile_f32::<5>,
                    isa::avx512vnni::tile_f32::<6>,
                ],
            },
        },
    ]
};
