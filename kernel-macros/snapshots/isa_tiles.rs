///As avx512vnni, and large batches on tile registers, in bfloat16 (AMX: Sapphire Rapids and later).
#[derive(Clone, Copy, Debug)]
#[cfg(target_arch = "x86_64")]
pub struct Amx(());
#[cfg(target_arch = "x86_64")]
impl Amx {
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
            && ::std::arch::is_x86_feature_detected!("gfni") && Self::granted())
            .then_some(Self(()))
    }
    /// The token, for code that runs only where `detect` found one.
    ///
    /// # Safety
    /// `detect` must have given a token on this CPU.
    #[must_use]
    pub unsafe fn assume_supported() -> Self {
        Self(())
    }
}
/// Entry points that carry the features of the instruction set.
#[cfg(target_arch = "x86_64")]
#[allow(missing_docs, unreachable_pub)]
pub mod amx {
    pub use super::avx512vnni::{quantize, round};
    #[target_feature(
        enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi,gfni"
    )]
    #[doc(hidden)]
    pub fn pack(columns: &mut crate::gemm::tiles::TileColumns<'_>) {
        let isa = super::Avx512Vnni::assume_supported();
        crate::gemm::tiles::pack(isa, columns);
    }
    /// # Safety
    /// `detect` must have given a token of this instruction set on this CPU.
    #[target_feature(
        enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi,gfni"
    )]
    #[doc(hidden)]
    pub unsafe fn tile_bf16(tile: &mut crate::gemm::tiles::TileRows<'_, '_>) {
        let token = unsafe { super::Amx::assume_supported() };
        let (isa, tiles) = (super::Avx512Vnni::assume_supported(), token.tiles());
        crate::gemm::tiles::tile_bf16(isa, tiles, tile);
    }
    /// # Safety
    /// `detect` must have given a token of this instruction set on this CPU.
    #[target_feature(
        enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi,gfni"
    )]
    #[doc(hidden)]
    pub unsafe fn probe(probe: &mut crate::probe::Probe<'_>) {
        let token = unsafe { super::Amx::assume_supported() };
        let (isa, tiles) = (super::Avx512Vnni::assume_supported(), token.tiles());
        crate::probe::run_tiles(isa, tiles, probe);
    }
    pub static INFO: super::IsaInfo = super::IsaInfo {
        name: "amx",
        summary: "As avx512vnni, and large batches on tile registers, in bfloat16 (AMX: Sapphire Rapids and later).",
        lanes: 64,
        panels: 2,
        columns: 6,
        has_tiles: true,
        detect: || super::Amx::detect().is_some(),
        detect_bf16: || ::std::arch::is_x86_feature_detected!("avx512bf16"),
        bf16_macs: crate::gemm::tiles::MACS,
        quantize,
        round,
        probe,
    };
}
