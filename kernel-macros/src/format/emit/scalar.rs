//! The scalar reference: gather the numbers, then the equation as it was written.

use super::super::equation::{Subscript, subscript};
use super::super::literal::factor;
use super::super::model::{Format, Kind};
use super::super::parse::path_ident;
use super::super::runs;
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::Expr;

pub(super) fn dequantize(format: &Format) -> TokenStream {
    let block = super::block_name(format);
    // A name that no field or let can take away.
    let bytes = Ident::new("bytes", Span::mixed_site());
    let len = Literal::usize_unsuffixed(format.block());
    let consts = format.numbers.iter().map(|numbers| {
        let (name, tokens) = (constant(&numbers.name), runs::tokens(numbers));
        quote! { const #name: layout::Numbers = #tokens; }
    });
    let floats = (0..format.fields.len())
        .filter(|field| format.equation.floats.contains(field))
        .map(|field| float(format, field));
    let numbers = format.numbers.iter().map(|numbers| {
        let (name, constant) = (&numbers.name, constant(&numbers.name));
        let len = Literal::usize_unsuffixed(numbers.bits.len());
        quote! { let #name: [f32; #len] = #constant.read(#bytes); }
    });
    let tables = format.tables.iter().map(|table| {
        let (name, len) = (&table.name, Literal::usize_unsuffixed(table.levels.len()));
        let levels = table.levels.iter().map(|level| Literal::f32_unsuffixed(*level as f32));
        quote! { const #name: [f32; #len] = [#(#levels),*]; }
    });
    let weight = weight(&format.weight, format);
    quote! {
        #(#consts)*
        impl #block {
            /// The weights, decoded by the equation of the declaration.
            #[must_use]
            pub fn dequantize(&self) -> [f32; #len] {
                #(#tables)*
                let #bytes = zerocopy::IntoBytes::as_bytes(self);
                #(#floats)*
                #(#numbers)*
                core::array::from_fn(|i| #weight)
            }
        }
    }
}

/// The constant that holds a let's runs.
pub(super) fn constant(name: &Ident) -> Ident {
    format_ident!("{}_BITS", name.to_string().to_uppercase())
}

fn float(format: &Format, field: usize) -> TokenStream {
    let field = &format.fields[field];
    let (name, decode) = (&field.name, decoder(field.kind));
    match field.count {
        Some(_) => quote! { let #name = self.#name.map(#decode); },
        None => quote! { let #name = #decode(self.#name); },
    }
}

/// The function that decodes one element of a float field.
pub(super) fn decoder(kind: Kind) -> TokenStream {
    let name = format_ident!("{}", kind.name());
    quote! { float::#name }
}

/// The equation in `f32`: literals become floats, table indices become `usize`.
fn weight(expr: &Expr, format: &Format) -> TokenStream {
    match expr {
        Expr::Paren(syn::ExprParen { expr, .. }) | Expr::Group(syn::ExprGroup { expr, .. }) => {
            let inner = weight(expr, format);
            quote! { (#inner) }
        }
        Expr::Unary(unary) => {
            let inner = weight(&unary.expr, format);
            quote! { -#inner }
        }
        Expr::Binary(binary) => {
            let (left, op, right) =
                (weight(&binary.left, format), &binary.op, weight(&binary.right, format));
            quote! { #left #op #right }
        }
        Expr::Lit(lit) => {
            let value = factor(lit).expect("a literal that the equation was read from");
            Literal::f32_unsuffixed(value as f32).into_token_stream()
        }
        Expr::Index(index) => {
            let is_table = path_ident(&index.expr)
                .is_some_and(|name| format.tables.iter().any(|table| table.name == *name));
            let name = &index.expr;
            if is_table {
                let at = weight(&index.index, format);
                return quote! { #name[#at as usize] };
            }
            match subscript(&index.index).expect("brackets that the equation was read from") {
                Subscript::Weight => quote! { #name[i] },
                Subscript::Group(group) => {
                    let group = Literal::usize_unsuffixed(group);
                    quote! { #name[i / #group] }
                }
            }
        }
        other => quote! { #other },
    }
}
