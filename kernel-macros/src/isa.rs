//! The instruction sets: one table, and what is generated from it.
//!
//! This is the only place where names of CPU features stand. A row becomes a token type whose
//! values prove that the CPU has the features, a row of `kernels::isa::ISAS`, and the entry
//! points that carry the features into the loops.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{format_ident, quote};
use syn::{ImplItem, ItemImpl};

/// An instruction set.
pub(crate) struct Row {
    /// As in `TILEWRIGHT_ISA`, profiles and kernel names.
    pub(crate) name: &'static str,
    /// The token type.
    pub(crate) token: &'static str,
    /// `target_arch`, or "" for every architecture.
    pub(crate) arch: &'static str,
    pub(crate) features: &'static [&'static str],
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

/// Register tiles of `gemv` worth compiling where registers are wide.
const TILES: &[(usize, usize)] = &[(1, 1), (2, 1), (4, 1), (1, 2), (1, 3), (1, 4)];

/// From the most general to the one to prefer.
pub(crate) const ISAS: &[Row] = &[
    Row {
        name: "scalar",
        token: "Scalar",
        arch: "",
        features: &[],
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
        features: &[
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
        ],
        bf16: Some("avx512bf16"),
        lanes: 64,
        tiles: TILES,
        panels: 2,
        columns: 6,
        doc: "512-bit registers, `vpdpbusd`, byte permutes and bit matrices (VBMI, GFNI: Ice Lake, Zen 4 \
              and later).",
    },
];

impl Row {
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
    let (cfg, token, module, features) =
        (row.cfg(), row.token(), row.module(), row.target_feature());
    let (doc, name) = (row.doc, row.name);
    let [lanes, panels, columns] =
        [row.lanes, row.panels, row.columns].map(Literal::usize_unsuffixed);
    let detected = |feature: &&str| match row.arch {
        "aarch64" => quote! { ::std::arch::is_aarch64_feature_detected!(#feature) },
        _ => quote! { ::std::arch::is_x86_feature_detected!(#feature) },
    };
    let detect = row.features.iter().map(detected);
    let detect_bf16 = row.bf16.as_ref().map_or(quote! { false }, detected);
    let entry = |name: &str, generics: TokenStream, args: TokenStream, call: TokenStream| {
        let name = format_ident!("{name}");
        quote! {
            #features
            #[doc(hidden)]
            pub fn #name #generics (#args) { let isa = super::#token::assume_supported(); #call }
        }
    };
    let tile_of_quants = |name: &str| {
        let tile = format_ident!("{name}");
        entry(
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
            "tile_bf16",
            quote! { <const NR: usize> },
            quote! { tile: &mut crate::gemm::TileBf16<'_> },
            quote! { crate::gemm::tile_bf16::<_, #panels, NR>(isa, tile); },
        ),
        entry(
            "tile_f32",
            quote! { <const NR: usize> },
            quote! { tile: &mut crate::gemm::TileF32<'_> },
            quote! { crate::gemm::tile_f32::<_, #panels, NR>(isa, tile); },
        ),
        entry(
            "quantize",
            quote! {},
            quote! { row: &mut crate::activations::Row<'_> },
            quote! { crate::quantize::quantize_row(isa, row); },
        ),
        entry(
            "probe",
            quote! {},
            quote! { probe: &mut crate::probe::Probe<'_> },
            quote! { crate::probe::run(isa, probe); },
        ),
    ];
    // The instruction set without features has its token written out beside its operations.
    let token_type = (!row.features.is_empty()).then(|| {
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
                    (true #(&& #detect)*).then_some(Self(()))
                }

                /// The token, for code that is compiled with the features: only such code can
                /// call this without `unsafe`.
                #features
                #[must_use]
                pub fn assume_supported() -> Self {
                    Self(())
                }
            }
        }
    });
    quote! {
        #token_type

        /// Entry points that carry the features of the instruction set.
        #cfg
        #[allow(missing_docs, unreachable_pub)]
        pub mod #module {
            #(#entries)*
            const _: () = assert!(<super::#token as super::Isa>::LANES == #lanes);
            pub static INFO: super::IsaInfo = super::IsaInfo {
                name: #name,
                summary: #doc,
                lanes: #lanes,
                panels: #panels,
                columns: #columns,
                detect: || super::#token::detect().is_some(),
                detect_bf16: || #detect_bf16,
                quantize,
                probe,
            };
        }
    }
}

/// `#[fence] impl Isa for Avx2 { fn add(self, a: A, b: B) -> C { body } }`: every operation with
/// a `self` becomes a call, always inlined, of a function with the token's features. Operations
/// that say how they are inlined are made of other operations, and stay as they are.
pub(crate) fn expand_fence(args: TokenStream, input: TokenStream) -> TokenStream {
    match fence(args, input) {
        Ok(tokens) => tokens,
        Err(error) => error.into_compile_error(),
    }
}

fn fence(args: TokenStream, input: TokenStream) -> syn::Result<TokenStream> {
    if !args.is_empty() {
        return Err(syn::Error::new_spanned(args, "the token's row says which features"));
    }
    let mut item: ItemImpl = syn::parse2(input)?;
    let ty = &item.self_ty;
    let token = match &**ty {
        syn::Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
        _ => None,
    };
    let token = token.unwrap_or_default();
    let row = ISAS
        .iter()
        .find(|row| row.token == token)
        .ok_or_else(|| syn::Error::new_spanned(ty, format!("`{token}` has no row in the table")))?;
    let features = row.target_feature();
    for entry in &mut item.items {
        if let ImplItem::Fn(operation) = entry
            && operation.sig.receiver().is_some()
            && !operation.attrs.iter().any(|attr| attr.path().is_ident("inline"))
        {
            fence_operation(operation, &features);
        }
    }
    Ok(quote! { #item })
}

fn fence_operation(operation: &mut syn::ImplItemFn, features: &TokenStream) {
    let body = &operation.block;
    let inputs: Vec<_> = operation.sig.inputs.iter().skip(1).collect();
    let names = inputs.iter().map(|input| match input {
        syn::FnArg::Typed(typed) => {
            let name = &typed.pat;
            quote! { #name }
        }
        syn::FnArg::Receiver(_) => quote! { self },
    });
    let (output, generics) = (&operation.sig.output, &operation.sig.generics);
    let types = generics.split_for_impl().1;
    let turbofish = types.as_turbofish();
    operation.block = syn::parse_quote! {{
        #[inline]
        #features
        fn op #generics (#(#inputs),*) #output #body
        // SAFETY: `self` is a token. Tokens come from `detect`, which saw every feature of this
        // instruction set, or from `assume_supported`, which only code compiled with those
        // features can call without `unsafe`.
        unsafe { op #turbofish (#(#names),*) }
    }};
    operation.attrs.push(syn::parse_quote! { #[inline(always)] });
}
