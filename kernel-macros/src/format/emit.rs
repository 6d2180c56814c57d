//! A checked format to the program text it stands for.
//!
//! For `Q4_K`: the block as stored (`BlockQ4_K`) with its scalar `dequantize`, the marker type
//! `Q4_K` with `impl Format` and, if the vector loops can take it, `impl Coded`; its row in the
//! table of formats, with the layout for encoder and tools, and the kernels.

mod columns;
mod docs;
mod layout;
mod scalar;
mod vector;

use self::layout::option;
use super::model::{Field, Format, Kind, made};
use super::parse::Declaration;
use super::recipe::{Recipe, recipe};
use crate::kernels::{self, Decodes};
use crate::text::text;
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{ToTokens, format_ident, quote};

/// The expansion of a declaration without mistakes.
pub(crate) fn format(format: &Format) -> TokenStream {
    let block = block(format);
    let scalar = scalar::dequantize(format);
    let (traits, decodes) = match recipe(format) {
        Some(recipe) => (coded(format, recipe), Decodes::Codes),
        None => (plain(format), Decodes::Floats),
    };
    let layout = layout::layout(format);
    let rows = kernels::rows(&format.name, decodes);
    let hash = match decodes {
        Decodes::Codes => code_hash(&[&traits, &rows]),
        _ => code_hash(&[&traits, &rows, &scalar]),
    };
    let info = info(format, hash);
    let (name, block_name) = (&format.name, block_name(format));
    let coded = (decodes == Decodes::Codes).then(|| made("coded"));
    // A module of its own: the compiler optimizes modules in parallel.
    let module = format_ident!("kernels_of_{}", name.to_string().to_lowercase());
    quote! {
        #block
        #[allow(clippy::all, clippy::pedantic, missing_docs, unreachable_pub, unused_imports)]
        mod #module {
            use super::{#block_name, #name};
            use ::kernels::isa::{Fields, Rows, Shift, Spots};
            use ::kernels::format::{Link, Order};
            use ::kernels::{Coded, Format, FormatInfo, Isa, float, format, layout, zerocopy};
            #scalar
            #traits
            #layout
            ::kernels::kernels! { #coded #name }
            #info
        }
    }
}

/// Changes when the kernels of the format change: a profile was measured with other code then.
/// Documentation and the names of lets do not count.
fn code_hash(code: &[&TokenStream]) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(env!("CARGO_PKG_VERSION").as_bytes());
    for tokens in code {
        hasher.update(text((*tokens).clone()).as_bytes());
    }
    let [a, b, c, d, e, f, g, h, ..] = *hasher.finalize().as_bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// What a declaration with mistakes still stands for, so that its users do not fail as well.
pub(crate) fn stub(declaration: &Declaration) -> TokenStream {
    let Declaration { docs, vis, name, .. } = declaration;
    let block = format_ident!("Block{name}");
    quote! {
        #(#docs)*
        #[derive(Clone, Copy, Debug)]
        #[allow(non_camel_case_types, dead_code)]
        #vis struct #name;
        #[doc(hidden)]
        #[derive(Clone, Copy, Debug)]
        #[allow(non_camel_case_types, dead_code)]
        #vis struct #block;
        impl ::kernels::Format for #name {
            const SPAN: usize = 1;
            type Span = [u8; 1];
            fn info() -> &'static ::kernels::FormatInfo {
                ::core::panic!("the declaration has mistakes")
            }
            fn floats<I: ::kernels::Isa>(_: I, _: &[u8; 1], _: impl FnMut(usize, I::F32)) {}
        }
    }
}

fn block(format: &Format) -> TokenStream {
    let Format { docs, vis, name, .. } = format;
    let block = block_name(format);
    let diagram = docs::diagram(format);
    let fields = format.fields.iter().map(|field| {
        let (docs, name, ty) = (&field.docs, &field.name, stored(field));
        let place = match field.count {
            Some(count) => format!(" {count} x {}, from byte {}.", field.kind.name(), field.offset),
            None => format!(" {}, at byte {}.", field.kind.name(), field.offset),
        };
        quote! { #(#docs)* #[doc = #place] #vis #name: #ty }
    });
    let bytes = Literal::usize_unsuffixed(format.bytes);
    let doc = format!(" One block of [`{name}`] as stored: {} bytes, align 1.", format.bytes);
    quote! {
        #(#docs)*
        #[doc = #diagram]
        #[derive(Clone, Copy, Debug)]
        #[allow(non_camel_case_types, dead_code)]
        #vis struct #name;

        #[doc = #doc]
        #[derive(
            Clone, Copy, Debug,
            ::kernels::zerocopy::FromBytes, ::kernels::zerocopy::IntoBytes,
            ::kernels::zerocopy::Immutable, ::kernels::zerocopy::KnownLayout,
            ::kernels::zerocopy::Unaligned,
        )]
        #[zerocopy(crate = "::kernels::zerocopy")]
        #[repr(C)]
        #[allow(non_camel_case_types, dead_code)]
        #vis struct #block { #(#fields),* }
        const _: () = ::core::assert!(::core::mem::size_of::<#block>() == #bytes);
    }
}

fn block_name(format: &Format) -> Ident {
    format_ident!("Block{}", format.name)
}

/// A field's type in the block struct: bytes, so that the block has align 1.
fn stored(field: &Field) -> TokenStream {
    let element = match (field.kind, field.kind.bytes()) {
        (Kind::I8, _) => quote! { i8 },
        (_, 1) => quote! { u8 },
        (_, n) => {
            let n = Literal::usize_unsuffixed(n);
            quote! { [u8; #n] }
        }
    };
    match field.count {
        Some(count) => {
            let count = Literal::usize_unsuffixed(count);
            quote! { [#element; #count] }
        }
        None => element,
    }
}

/// Traits of a format that the vector loops take as codes and scales.
fn coded(format: &Format, recipe: Recipe) -> TokenStream {
    let name = &format.name;
    let span = Literal::usize_unsuffixed(recipe.blocks * format.block());
    let bytes = Literal::usize_unsuffixed(recipe.blocks * format.bytes);
    let unit = Literal::usize_unsuffixed(recipe.unit);
    let code = vector::Code::of(format);
    let code_max = Literal::u32_unsuffixed(code.max);
    let center =
        option(code.center.map(|center| Literal::i32_unsuffixed(center).into_token_stream()));
    let (codes, columns, links, scales, biases) = (
        vector::codes(format, recipe, &code),
        columns::columns(format, recipe, &code),
        vector::links(format, recipe, &code),
        vector::scales(format, recipe),
        vector::biases(format, recipe, &code),
    );
    quote! {
        impl Format for #name {
            const SPAN: usize = #span;
            type Span = [u8; #bytes];
            fn info() -> &'static FormatInfo { &INFO }
            #[inline(always)]
            fn floats<I: Isa>(isa: I, span: &Self::Span, each: impl FnMut(usize, I::F32)) {
                format::coded_floats::<I, Self>(isa, span, each)
            }
        }
        impl Coded for #name {
            const UNIT: usize = #unit;
            const CODE_MAX: u32 = #code_max;
            const CENTER: Option<i32> = #center;
            #codes
            #columns
            #links
            #scales
            #biases
        }
    }
}

/// Traits of a format that is decoded block by block with the scalar code.
fn plain(format: &Format) -> TokenStream {
    let (name, block) = (&format.name, block_name(format));
    let [span, bytes] = [format.block(), format.bytes].map(Literal::usize_unsuffixed);
    quote! {
        impl Format for #name {
            const SPAN: usize = #span;
            type Span = [u8; #bytes];
            fn info() -> &'static FormatInfo { &INFO }
            #[inline(always)]
            fn floats<I: Isa>(isa: I, span: &Self::Span, each: impl FnMut(usize, I::F32)) {
                let block: &#block = zerocopy::transmute_ref!(span);
                format::plain_floats(isa, &block.dequantize(), each)
            }
        }
    }
}

fn info(format: &Format, hash: u64) -> TokenStream {
    let (name, block) = (format.name.to_string(), block_name(format));
    let [len, bytes] = [format.block(), format.bytes].map(Literal::usize_unsuffixed);
    let ggml_type =
        option(format.ggml_type.map(|id| Literal::u32_unsuffixed(id).into_token_stream()));
    let summary = docs::summary(format);
    let kernels = kernels::table(&format.name);
    quote! {
        static INFO: FormatInfo = FormatInfo {
            name: #name,
            summary: #summary,
            ggml_type: #ggml_type,
            block_len: #len,
            block_bytes: #bytes,
            code_hash: #hash,
            layout: Some(&LAYOUT),
            dequantize: |bytes, weights| {
                format::dequantize_blocks::<#block, #len>(bytes, weights, #block::dequantize)
            },
            kernels: #kernels,
        };
    }
}
