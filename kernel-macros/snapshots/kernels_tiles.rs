#[cfg(target_arch = "x86_64")]
#[target_feature(
    enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi,gfni"
)]
fn q4_0_amx_unpack_rows(
    source: &::kernels::panel::Source<'_>,
    panel: &mut ::kernels::panel::Panel,
) {
    let isa = ::kernels::isa::Avx512Vnni::assume_supported();
    ::kernels::panel::unpack_rows::<_, Q4_0>(isa, source, panel)
}
const Q4_0_KERNELS: &[::kernels::Kernel] = {
    use ::kernels::format::Order;
    use ::kernels::{Entry, Isa, Kernel, Numerics, isa};
    &[
        #[cfg(target_arch = "x86_64")]
        Kernel {
            name: "q4_0_avx512vnni_gemv_f32_1x1",
            isa: &isa::amx::INFO,
            class: Numerics::F32,
            rows: 1,
            columns: 1,
            span: <Q4_0 as ::kernels::Format>::SPAN,
            order: None,
            entry: Entry::GemvF32(q4_0_avx512vnni_gemv_f32_1x1),
        },
        #[cfg(target_arch = "x86_64")]
        Kernel {
            name: "q4_0_avx512vnni_gemv_bf16_1x1",
            isa: &isa::amx::INFO,
            class: Numerics::Bf16,
            rows: 1,
            columns: 1,
            span: <Q4_0 as ::kernels::Format>::SPAN,
            order: None,
            entry: Entry::GemvF32(q4_0_avx512vnni_gemv_bf16_1x1),
        },
        #[cfg(target_arch = "x86_64")]
        Kernel {
            name: "q4_0_avx512vnni_gemv_f32_2x1",
            isa: &isa::amx::INFO,
            class: Numerics::F32,
            rows: 2,
            columns: 1,
            span: <Q4_0 as ::kernels::Format>::SPAN,
            order: None,
            entry: Entry::GemvF32(q4_0_avx512vnni_gemv_f32_2x1),
        },
        #[cfg(target_arch = "x86_64")]
        Kernel {
            name: "q4_0_avx512vnni_gemv_bf16_2x1",
            isa: &isa::amx::INFO,
            class: Numerics::Bf16,
            rows: 2,
            columns: 1,
            span: <Q4_0 as ::kernels::Format>::SPAN,
            order: None,
            entry: Entry::GemvF32(q4_0_avx512vnni_gemv_bf16_2x1),
        },
        #[cfg(target_arch = "x86_64")]
        Kernel {
            name: "q4_0_avx512vnni_gemv_f32_4x1",
            isa: &isa::amx::INFO,
            class: Numerics::F32,
            rows: 4,
            columns: 1,
            span: <Q4_0 as ::kernels::Format>::SPAN,
            order: None,
            entry: Entry::GemvF32(q4_0_avx512vnni_gemv_f32_4x1),
        },
        #[cfg(target_arch = "x86_64")]
        Kernel {
            name: "q4_0_avx512vnni_gemv_bf16_4x1",
            isa: &isa::amx::INFO,
            class: Numerics::Bf16,
            rows: 4,
            columns: 1,
            span: <Q4_0 as ::kernels::Format>::SPAN,
            order: None,
            entry: Entry::GemvF32(q4_0_avx512vnni_gemv_bf16_4x1),
        },
        #[cfg(target_arch = "x86_64")]
        Kernel {
            name: "q4_0_avx512vnni_gemv_f32_2x2",
            isa: &isa::amx::INFO,
            class: Numerics::F32,
            rows: 2,
            columns: 2,
            span: <Q4_0 as ::kernels::Format>::SPAN,
            order: None,
            entry: Entry::GemvF32(q4_0_avx512vnni_gemv_f32_2x2),
        },
        #[cfg(target_arch = "x86_64")]
        Kernel {
            name: "q4_0_avx512vnni_gemv_bf16_2x2",
            isa: &isa::amx::INFO,
            class: Numerics::Bf16,
            rows: 2,
            columns: 2,
            span: <Q4_0 as ::kernels::Format>::SPAN,
            order: None,
            entry: Entry::GemvF32(q4_0_avx512vnni_gemv_bf16_2x2),
        },
        #[cfg(target_arch = "x86_64")]
        Kernel {
            name: "q4_0_avx512vnni_gemv_f32_3x4",
            isa: &isa::amx::INFO,
            class: Numerics::F32,
            rows: 3,
            columns: 4,
            span: <Q4_0 as ::kernels::Format>::SPAN,
            order: None,
            entry: Entry::GemvF32(q4_0_avx512vnni_gemv_f32_3x4),
        },
        #[cfg(target_arch = "x86_64")]
        Kernel {
            name: "q4_0_avx512vnni_gemv_bf16_3x4",
            isa: &isa::amx::INFO,
            class: Numerics::Bf16,
            rows: 3,
            columns: 4,
            span: <Q4_0 as ::kernels::Format>::SPAN,
            order: None,
            entry: Entry::GemvF32(q4_0_avx512vnni_gemv_bf16_3x4),
        },
        #[cfg(target_arch = "x86_64")]
        Kernel {
            name: "q4_0_avx512vnni_gemm_f32",
            isa: &isa::amx::INFO,
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
        #[cfg(target_arch = "x86_64")]
        Kernel {
            name: "q4_0_amx_gemm_bf16",
            isa: &isa::amx::INFO,
            class: Numerics::Bf16,
            rows: ::kernels::gemm::tiles::ROWS,
            columns: ::kernels::gemm::tiles::COLUMNS,
            span: <Q4_0 as ::kernels::Format>::SPAN,
            order: None,
            entry: Entry::GemmTiles {
                unpack: q4_0_amx_unpack_rows,
                pack: isa::amx::pack,
                tile: isa::amx::tile_bf16,
                in_place: true,
            },
        },
    ]
};
