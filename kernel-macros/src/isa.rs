//! The instruction sets: one table, and what is generated from it.
//!
//! This is the only place where names of CPU features stand. A row becomes a token type whose
//! values prove that the CPU has the features, a row of `kernels::isa::ISAS`, and the entry
//! points that carry the features into the loops.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{format_ident, quote};

/// An instruction set.
pub(crate) struct Row {
    /// As in `TILEWRIGHT_ISA`, profiles and kernel names.
    pub(crate) name: &'static str,
    /// The token type.
    pub(crate) token: &'static str,
    /// `target_arch`, or "" for every architecture.
    pub(crate) arch: &'static str,
    pub(crate) features: &'static [&'static str],
    /// The instruction set that it adds tile registers to. Operations and kernels are that one's but
    /// for those that multiply matrices of bfloat16, which are made of tiles.
    pub(crate) base: Option<&'static str>,
    /// What kernels for bfloat16 times bfloat16 need besides, if there are any.
    pub(crate) bf16: Option<&'static str>,
    /// Bytes in a register.
    pub(crate) lanes: usize,
    /// Register tiles of `gemv`: weight rows x activation columns.
    pub(crate) tiles: &'static [(usize, usize)],
    /// Panels of weights side by side in a register tile of `gemm`: with 32 registers a column's
    /// quants are worth loading for two.
    pub(crate) panels: usize,
    /// Widest register tile of `gemm`, in activation columns.
    pub(crate) columns: usize,
    pub(crate) doc: &'static str,
}

/// Register tiles of `gemv` worth compiling where there is more than the plain loop.
const TILES: &[(usize, usize)] = &[(1, 1), (2, 1), (4, 1), (1, 2), (1, 3), (1, 4)];
/// The same where registers have 64 bytes: servers, on which several streams of reads are worth
/// having with a few columns, too.
const WIDE_TILES: &[(usize, usize)] =
    &[(1, 1), (2, 1), (4, 1), (1, 2), (4, 2), (1, 3), (1, 4), (4, 4)];

const AVX512VNNI: &[&str] = &[
    "avx2",
    "fma",
    "f16c",
    "avx512f",
    "avx512bw",
    "avx512dq",
    "avx512vl",
    "avx512vnni",
    "avx512vbmi",
    "gfni",
];

/// From the most general to the one to prefer.
pub(crate) const ISAS: &[Row] = &[
    Row {
        name: "scalar",
        token: "Scalar",
        arch: "",
        features: &[],
        base: None,
        bf16: None,
        lanes: 32,
        tiles: &[(1, 1)],
        panels: 1,
        columns: 4,
        doc: "Plain Rust on every CPU: the meaning of each operation, written out.",
    },
    Row {
        name: "avx2",
        token: "Avx2",
        arch: "x86_64",
        features: &["avx2", "fma", "f16c"],
        base: None,
        bf16: None,
        lanes: 32,
        tiles: TILES,
        panels: 2,
        columns: 6,
        doc: "256-bit registers, dot products through 16-bit sums (`vpmaddubsw`).",
    },
    Row {
        name: "avxvnni",
        token: "AvxVnni",
        arch: "x86_64",
        features: &["avx2", "fma", "f16c", "avxvnni"],
        base: None,
        bf16: None,
        lanes: 32,
        tiles: TILES,
        panels: 1,
        columns: 6,
        doc: "256-bit registers with `vpdpbusd` in its VEX form.",
    },
    Row {
        name: "avx512vnni256",
        token: "Avx512Vnni256",
        arch: "x86_64",
        features: &["avx2", "fma", "f16c", "avx512f", "avx512vl", "avx512vnni"],
        base: None,
        bf16: None,
        lanes: 32,
        tiles: TILES,
        panels: 2,
        columns: 6,
        doc: "256-bit registers with `vpdpbusd` in its EVEX form (AVX-512 VL and VNNI).",
    },
    Row {
        name: "avx512vnni",
        token: "Avx512Vnni",
        arch: "x86_64",
        features: AVX512VNNI,
        base: None,
        bf16: Some("avx512bf16"),
        lanes: 64,
        tiles: WIDE_TILES,
        panels: 2,
        columns: 6,
        doc: "512-bit registers, `vpdpbusd`, byte permutes and bit matrices (VBMI, GFNI: Ice Lake, Zen 4 \
              and later).",
    },
    Row {
        name: "amx",
        token: "Amx",
        arch: "x86_64",
        features: AVX512VNNI,
        base: Some("avx512vnni"),
        bf16: Some("avx512bf16"),
        lanes: 64,
        tiles: WIDE_TILES,
        panels: 2,
        columns: 6,
        doc: "As avx512vnni, and large batches on tile registers, in bfloat16 (AMX: Sapphire Rapids and later).",
    },
];

impl Row {
    /// The row whose operations and kernels it has.
    pub(crate) fn code(&self) -> &Self {
        let base = |name| ISAS.iter().find(|row| row.name == name).expect("a base is a row");
        self.base.map_or(self, base)
    }

    pub(crate) fn token(&self) -> Ident {
        Ident::new(self.token, Span::call_site())
    }

    /// The module of the row's entry points.
    pub(crate) fn module(&self) -> Ident {
        Ident::new(self.name, Span::call_site())
    }

    pub(crate) fn cfg(&self) -> TokenStream {
        match self.arch {
            "" => quote! {},
            arch => quote! { #[cfg(target_arch = #arch)] },
        }
    }

    pub(crate) fn target_feature(&self) -> TokenStream {
        match self.features {
            [] => quote! {},
            features => {
                let features = features.join(",");
                quote! { #[target_feature(enable = #features)] }
            }
        }
    }
}

/// `isa_tokens! {}`: token types, entry points and the table.
pub(crate) fn expand_tokens(input: TokenStream) -> TokenStream {
    if !input.is_empty() {
        return syn::Error::new_spanned(input, "isa_tokens! takes nothing").into_compile_error();
    }
    let rows = ISAS.iter().map(tokens);
    let table = ISAS.iter().map(|row| {
        let (cfg, module) = (row.cfg(), row.module());
        quote! { #cfg &#module::INFO }
    });
    quote! {
        #(#rows)*
        /// Every instruction set that this build has kernels for, the one to prefer last.
        pub static ISAS: &[&IsaInfo] = &[#(#table),*];
    }
}

/// The token type of an instruction set, and the module of its entry points.
pub(crate) fn tokens(row: &Row) -> TokenStream {
    let (cfg, module) = (row.cfg(), row.module());
    // The instruction set without features has its token written out beside its operations.
    let token_type = (!row.features.is_empty()).then(|| token_type(row));
    let entries = match row.base {
        Some(_) => entries_of_tiles(row),
        None => entries(row),
    };
    let info = info(row);
    quote! {
        #token_type

        /// Entry points that carry the features of the instruction set.
        #cfg
        #[allow(missing_docs, unreachable_pub)]
        pub mod #module {
            #entries
            #info
        }
    }
}

fn detected(row: &Row, feature: &str) -> TokenStream {
    match row.arch {
        "aarch64" => quote! { ::std::arch::is_aarch64_feature_detected!(#feature) },
        _ => quote! { ::std::arch::is_x86_feature_detected!(#feature) },
    }
}

fn token_type(row: &Row) -> TokenStream {
    let (cfg, token, features, doc) = (row.cfg(), row.token(), row.target_feature(), row.doc);
    let detect = row.features.iter().map(|feature| detected(row, feature));
    let granted = row.base.map(|_| quote! { && Self::granted() });
    let assume_supported = match row.base {
        None => quote! {
            /// The token, for code that is compiled with the features: only such code can
            /// call this without `unsafe`.
            #features
            #[must_use]
            pub fn assume_supported() -> Self {
                Self(())
            }
        },
        // Code is not compiled with tile registers: no feature stands for them.
        Some(_) => quote! {
            /// The token, for code that runs only where `detect` found one.
            ///
            /// # Safety
            /// `detect` must have given a token on this CPU.
            #[must_use]
            pub unsafe fn assume_supported() -> Self {
                Self(())
            }
        },
    };
    quote! {
        #[doc = #doc]
        #[derive(Clone, Copy, Debug)]
        #cfg
        pub struct #token(());

        #cfg
        impl #token {
            /// The token, if this CPU and its operating system have the features.
            #[must_use]
            pub fn detect() -> Option<Self> {
                (true #(&& #detect)* #granted).then_some(Self(()))
            }

            #assume_supported
        }
    }
}

/// An entry point that carries the features of an instruction set into a loop.
fn entry(
    row: &Row,
    name: &str,
    generics: TokenStream,
    args: TokenStream,
    call: TokenStream,
) -> TokenStream {
    let (features, token, name) = (row.target_feature(), row.token(), format_ident!("{name}"));
    quote! {
        #features
        #[doc(hidden)]
        pub fn #name #generics (#args) { let isa = super::#token::assume_supported(); #call }
    }
}

fn entries(row: &Row) -> TokenStream {
    let (token, panels) = (row.token(), Literal::usize_unsuffixed(row.panels));
    let lanes = Literal::usize_unsuffixed(row.lanes);
    let tile_of_quants = |name: &str| {
        let tile = format_ident!("{name}");
        entry(
            row,
            name,
            quote! { <const STEPS: usize, const CENTERED: bool, const CODE_MAX: u32, const NR: usize> },
            quote! { tile: &mut crate::gemm::TileQ8<'_> },
            quote! { crate::gemm::#tile::<_, #panels, STEPS, CENTERED, CODE_MAX, NR>(isa, tile); },
        )
    };
    let entries = [
        tile_of_quants("tile_q8"),
        tile_of_quants("tile_q8_256"),
        entry(
            row,
            "tile_bf16",
            quote! { <const NR: usize> },
            quote! { tile: &mut crate::gemm::TileBf16<'_> },
            quote! { crate::gemm::tile_bf16::<_, #panels, NR>(isa, tile); },
        ),
        entry(
            row,
            "tile_f32",
            quote! { <const NR: usize> },
            quote! { tile: &mut crate::gemm::TileF32<'_> },
            quote! { crate::gemm::tile_f32::<_, #panels, NR>(isa, tile); },
        ),
        entry(
            row,
            "quantize",
            quote! {},
            quote! { row: &mut crate::activations::Row<'_> },
            quote! { crate::quantize::quantize_row(isa, row); },
        ),
        entry(
            row,
            "round",
            quote! {},
            quote! { row: &mut crate::activations::FloatRow<'_> },
            quote! { crate::activations::fill_row(isa, row); },
        ),
        entry(
            row,
            "probe",
            quote! {},
            quote! { probe: &mut crate::probe::Probe<'_> },
            quote! { crate::probe::run(isa, probe); },
        ),
    ];
    quote! {
        #(#entries)*
        const _: () = assert!(<super::#token as super::Isa>::LANES == #lanes);
    }
}

/// Those of an instruction set with tile registers; the others are its base's.
fn entries_of_tiles(row: &Row) -> TokenStream {
    let (features, token, base) = (row.target_feature(), row.token(), row.code());
    let (base_token, base_module) = (base.token(), base.module());
    let pack = entry(
        base,
        "pack",
        quote! {},
        quote! { columns: &mut crate::gemm::tiles::TileColumns<'_> },
        quote! { crate::gemm::tiles::pack(isa, columns); },
    );
    let on_tiles = |name: &str, args: TokenStream, call: TokenStream| {
        let name = format_ident!("{name}");
        quote! {
            /// # Safety
            /// `detect` must have given a token of this instruction set on this CPU.
            #features
            #[doc(hidden)]
            pub unsafe fn #name(#args) {
                // SAFETY: the caller's.
                let token = unsafe { super::#token::assume_supported() };
                let (isa, tiles) = (super::#base_token::assume_supported(), token.tiles());
                #call
            }
        }
    };
    let tile_bf16 = on_tiles(
        "tile_bf16",
        quote! { tile: &mut crate::gemm::tiles::TileRows<'_, '_> },
        quote! { crate::gemm::tiles::tile_bf16(isa, tiles, tile); },
    );
    let probe = on_tiles(
        "probe",
        quote! { probe: &mut crate::probe::Probe<'_> },
        quote! { crate::probe::run_tiles(isa, tiles, probe); },
    );
    quote! {
        pub use super::#base_module::{quantize, round};
        #pack
        #tile_bf16
        #probe
    }
}

/// The row of the table of instruction sets.
fn info(row: &Row) -> TokenStream {
    let (token, doc, name) = (row.token(), row.doc, row.name);
    let [lanes, panels, columns] =
        [row.lanes, row.panels, row.columns].map(Literal::usize_unsuffixed);
    let detect_bf16 = row.bf16.map_or(quote! { false }, |feature| detected(row, feature));
    let has_tiles = row.base.is_some();
    let bf16_macs = match has_tiles {
        true => quote! { crate::gemm::tiles::MACS },
        false => quote! { #lanes / 2 },
    };
    quote! {
        pub static INFO: super::IsaInfo = super::IsaInfo {
            name: #name,
            summary: #doc,
            lanes: #lanes,
            panels: #panels,
            columns: #columns,
            has_tiles: #has_tiles,
            detect: || super::#token::detect().is_some(),
            detect_bf16: || #detect_bf16,
            bf16_macs: #bf16_macs,
            quantize,
            round,
            probe,
        };
    }
}
