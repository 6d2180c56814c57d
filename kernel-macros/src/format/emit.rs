//! A checked format to the program text it stands for.
//!
//! For `Q4_K`: the block as stored (`BlockQ4_K`) with its scalar `dequantize`, the marker type
//! `Q4_K` with `impl Format` and, if the vector loops can take it, `impl Coded`; its row in the
//! table of formats with layout, encoder and kernels.

mod docs;
mod layout;
mod scalar;
mod vector;

use super::model::{Field, Format, Kind, made};
use super::parse::Declaration;
use super::recipe::{Recipe, recipe};
use crate::kernels;
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

/// The expansion of a declaration without mistakes.
pub(crate) fn format(format: &Format, hash: u64) -> TokenStream {
    let recipe = recipe(format);
    let block = block(format);
    let layout = layout::layout(format);
    let scalar = scalar::dequantize(format);
    let traits = match recipe {
        Some(recipe) => coded(format, recipe),
        None => plain(format),
    };
    let rows = kernels::rows(&format.name, recipe.is_some());
    let info = info(format, hash);
    let (name, block_name) = (&format.name, block_name(format));
    // A module of its own: the compiler optimizes modules in parallel.
    let module = format_ident!("kernels_of_{}", name.to_string().to_lowercase());
    quote! {
        #block
        #[allow(clippy::all, clippy::pedantic, missing_docs, unreachable_pub)]
        mod #module {
            use super::{#name, #block_name};
            #scalar
            #traits
            #rows
            #layout
            #info
        }
    }
}

/// What a declaration with mistakes still stands for, so that its users do not fail as well.
pub(crate) fn stub(declaration: &Declaration) -> TokenStream {
    let (vis, name, attrs) =
        (&declaration.item.vis, &declaration.item.ident, &declaration.item.attrs);
    quote! {
        #(#attrs)*
        #[derive(Clone, Copy, Debug)]
        #vis struct #name;
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
    let (vis, name) = (&format.item.vis, &format.name);
    let block = block_name(format);
    let docs = docs::marker(format);
    let attrs = format.item.attrs.iter();
    let fields = format.fields.iter().map(|field| {
        let (name, ty) = (&field.name, stored(field));
        let doc = match field.count {
            Some(count) => format!("{count} x {}, from byte {}.", field.kind.name(), field.offset),
            None => format!("{}, at byte {}.", field.kind.name(), field.offset),
        };
        quote! { #[doc = #doc] #vis #name: #ty }
    });
    let bytes = Literal::usize_unsuffixed(format.bytes);
    let doc = format!("One block of [`{name}`] as stored: {} bytes, align 1.", format.bytes);
    quote! {
        #(#attrs)*
        #[doc = #docs]
        #[derive(Clone, Copy, Debug)]
        #[allow(non_camel_case_types)]
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
        #[allow(non_camel_case_types)]
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
    let center = match code.center {
        Some(center) => {
            let center = Literal::i32_unsuffixed(center);
            quote! { ::core::option::Option::Some(#center) }
        }
        None => quote! { ::core::option::Option::None },
    };
    let (codes, scales, biases) = (
        vector::codes(format, recipe, &code),
        vector::scales(format, recipe),
        vector::biases(format, recipe, &code),
    );
    quote! {
        impl ::kernels::Format for #name {
            const SPAN: usize = #span;
            type Span = [u8; #bytes];
            fn info() -> &'static ::kernels::FormatInfo { &INFO }
            #[inline(always)]
            fn floats<I: ::kernels::Isa>(
                isa: I, span: &Self::Span, each: impl FnMut(usize, I::F32),
            ) {
                ::kernels::format::coded_floats::<I, Self>(isa, span, each)
            }
        }
        impl ::kernels::Coded for #name {
            const UNIT: usize = #unit;
            const CODE_MAX: u32 = #code_max;
            const CENTER: ::core::option::Option<i32> = #center;
            #codes
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
        impl ::kernels::Format for #name {
            const SPAN: usize = #span;
            type Span = [u8; #bytes];
            fn info() -> &'static ::kernels::FormatInfo { &INFO }
            #[inline(always)]
            fn floats<I: ::kernels::Isa>(
                isa: I, span: &Self::Span, each: impl FnMut(usize, I::F32),
            ) {
                let block: &#block = ::kernels::zerocopy::transmute_ref!(span);
                ::kernels::format::plain_floats(isa, &block.dequantize(), each)
            }
        }
    }
}

fn info(format: &Format, hash: u64) -> TokenStream {
    let (name, block) = (format.name.to_string(), block_name(format));
    let [len, bytes] = [format.block(), format.bytes].map(Literal::usize_unsuffixed);
    let ggml_type = match format.ggml_type {
        Some(id) => {
            let id = Literal::u32_unsuffixed(id);
            quote! { ::core::option::Option::Some(#id) }
        }
        None => quote! { ::core::option::Option::None },
    };
    let summary = docs::summary(format);
    let marker = made("INFO");
    quote! {
        static #marker: ::kernels::FormatInfo = ::kernels::FormatInfo {
            name: #name,
            summary: #summary,
            ggml_type: #ggml_type,
            block_len: #len,
            block_bytes: #bytes,
            code_hash: #hash,
            layout: ::core::option::Option::Some(&LAYOUT),
            dequantize: |bytes, weights| {
                ::kernels::format::dequantize_blocks::<#block, #len>(bytes, weights, #block::dequantize)
            },
            kernels: KERNELS,
        };
    }
}
