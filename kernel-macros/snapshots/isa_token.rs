///512-bit registers, `vpdpbusd`, byte permutes and bit matrices (VBMI, GFNI: Ice Lake, Zen 4 and later).
#[derive(Clone, Copy, Debug)]
#[cfg(target_arch = "x86_64")]
pub struct Avx512Vnni(());
#[cfg(target_arch = "x86_64")]
impl Avx512Vnni {
    /// The token, if this CPU and its operating system have the features.
    #[must_use]
    pub fn detect() -> Option<Self> {
        (true && ::std::arch::is_x86_feature_detected!("avx2")
            && ::std::arch::is_x86_feature_detected!("fma")
            && ::std::arch::is_x86_feature_detected!("f16c")
            && ::std::arch::is_x86_feature_detected!("avx512f")
            && ::std::arch::is_x86_feature_detected!("avx512bw")
            && ::std::arch::is_x86_feature_detected!("avx512dq")
            && ::std::arch::is_x86_feature_detected!("avx512vl")
            && ::std::arch::is_x86_feature_detected!("avx512vnni")
            && ::std::arch::is_x86_feature_detected!("avx512vbmi")
            && ::std::arch::is_x86_feature_detected!("gfni"))
            .then_some(Self(()))
    }
    /// The token, for code that is compiled with the features: only such code can
    /// call this without `unsafe`.
    #[target_feature(
        enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi,gfni"
    )]
    #[must_use]
    pub fn assume_supported() -> Self {
        Self(())
    }
}
/// Entry points that carry the features of the instruction set.
#[cfg(target_arch = "x86_64")]
#[allow(missing_docs, unreachable_pub)]
pub mod avx512vnni {
    #[target_feature(
        enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi,gfni"
    )]
    #[doc(hidden)]
    pub fn tile_q8<
        const STEPS: usize,
        const CENTERED: bool,
        const CODE_MAX: u32,
        const NR: usize,
    >(tile: &mut crate::gemm::TileQ8<'_>) {
        let isa = super::Avx512Vnni::assume_supported();
        crate::gemm::tile_q8::<_, 2, STEPS, CENTERED, CODE_MAX, NR>(isa, tile);
    }
    #[target_feature(
        enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi,gfni"
    )]
    #[doc(hidden)]
    pub fn tile_q8_256<
        const STEPS: usize,
        const CENTERED: bool,
        const CODE_MAX: u32,
        const NR: usize,
    >(tile: &mut crate::gemm::TileQ8<'_>) {
        let isa = super::Avx512Vnni::assume_supported();
        crate::gemm::tile_q8_256::<_, 2, STEPS, CENTERED, CODE_MAX, NR>(isa, tile);
    }
    #[target_feature(
        enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi,gfni"
    )]
    #[doc(hidden)]
    pub fn tile_bf16<const NR: usize>(tile: &mut crate::gemm::TileBf16<'_>) {
        let isa = super::Avx512Vnni::assume_supported();
        crate::gemm::tile_bf16::<_, 2, NR>(isa, tile);
    }
    #[target_feature(
        enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi,gfni"
    )]
    #[doc(hidden)]
    pub fn tile_f32<const NR: usize>(tile: &mut crate::gemm::TileF32<'_>) {
        let isa = super::Avx512Vnni::assume_supported();
        crate::gemm::tile_f32::<_, 2, NR>(isa, tile);
    }
    #[target_feature(
        enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi,gfni"
    )]
    #[doc(hidden)]
    pub fn quantize(row: &mut crate::activations::Row<'_>) {
        let isa = super::Avx512Vnni::assume_supported();
        crate::quantize::quantize_row(isa, row);
    }
    #[target_feature(
        enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi,gfni"
    )]
    #[doc(hidden)]
    pub fn round(row: &mut crate::activations::FloatRow<'_>) {
        let isa = super::Avx512Vnni::assume_supported();
        crate::activations::fill_row(isa, row);
    }
    #[target_feature(
        enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi,gfni"
    )]
    #[doc(hidden)]
    pub fn probe(probe: &mut crate::probe::Probe<'_>) {
        let isa = super::Avx512Vnni::assume_supported();
        crate::probe::run(isa, probe);
    }
    const _: () = assert!(< super::Avx512Vnni as super::Isa > ::LANES == 64);
    pub static INFO: super::IsaInfo = super::IsaInfo {
        name: "avx512vnni",
        summary: "512-bit registers, `vpdpbusd`, byte permutes and bit matrices (VBMI, GFNI: Ice Lake, Zen 4 and later).",
        lanes: 64,
        panels: 2,
        columns: 6,
        has_tiles: false,
        detect: || super::Avx512Vnni::detect().is_some(),
        detect_bf16: || ::std::arch::is_x86_feature_detected!("avx512bf16"),
        bf16_macs: 64 / 2,
        quantize,
        round,
        probe,
    };
}
