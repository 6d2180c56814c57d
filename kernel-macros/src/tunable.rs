//! `derive(Tunable)`: a struct of knobs as a table, so that search space, profile keys and manual
//! are the struct itself.
//!
//! Each field is an unsigned integer with `#[tune(choices = [..], default = n)]`; `compiled` marks a
//! knob whose choices are kernels rather than arguments. The doc comment is the manual entry.

use crate::text::doc_lines;
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Expr, ExprArray, Fields};

pub(crate) fn expand(input: TokenStream) -> TokenStream {
    match derive(input) {
        Ok(tokens) => tokens,
        Err(error) => error.into_compile_error(),
    }
}

/// What `#[tune(...)]` says of a field.
struct Tune {
    compiled: bool,
    choices: ExprArray,
    default: Expr,
}

fn derive(input: TokenStream) -> syn::Result<TokenStream> {
    let input: DeriveInput = syn::parse2(input)?;
    let Data::Struct(data) = &input.data else {
        return Err(syn::Error::new_spanned(&input, "only a struct is tunable"));
    };
    let Fields::Named(fields) = &data.fields else {
        return Err(syn::Error::new_spanned(&input, "knobs need names"));
    };
    let name = &input.ident;
    let mut knobs = vec![];
    let (mut idents, mut types, mut defaults) = (vec![], vec![], vec![]);
    for field in &fields.named {
        let ident = field.ident.as_ref().expect("named fields have names");
        let Tune { compiled, choices, default } = tune(field)?;
        let text = ident.to_string();
        // The doc comment as one line of text.
        let manual = doc_lines(&field.attrs).collect::<Vec<_>>().join(" ");
        let choices = choices.elems.iter();
        knobs.push(quote! { ::kernels::params::Knob {
            name: #text, manual: #manual, choices: &[#(#choices),*],
            default: #default, compiled: #compiled,
        } });
        idents.push(ident);
        types.push(&field.ty);
        defaults.push(default);
    }
    let texts: Vec<String> = idents.iter().map(ToString::to_string).collect();
    Ok(quote! {
        impl ::core::default::Default for #name {
            fn default() -> Self {
                Self { #(#idents: #defaults),* }
            }
        }
        impl ::kernels::params::Tunable for #name {
            const KNOBS: &'static [::kernels::params::Knob] = &[#(#knobs),*];
            fn get(&self, knob: &str) -> ::core::option::Option<u32> {
                match knob {
                    #(#texts => ::core::option::Option::Some(u32::from(self.#idents)),)*
                    _ => ::core::option::Option::None,
                }
            }
            fn set(&mut self, knob: &str, value: u32) -> bool {
                match knob {
                    #(#texts => match <#types>::try_from(value) {
                        ::core::result::Result::Ok(value) => { self.#idents = value; true }
                        ::core::result::Result::Err(_) => false,
                    },)*
                    _ => false,
                }
            }
        }
    })
}

fn tune(field: &syn::Field) -> syn::Result<Tune> {
    let (mut compiled, mut choices, mut default) = (false, None, None);
    for attr in field.attrs.iter().filter(|attr| attr.path().is_ident("tune")) {
        attr.parse_nested_meta(|meta| {
            if meta.path.is_ident("compiled") {
                compiled = true;
            } else if meta.path.is_ident("default") {
                default = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("choices") {
                choices = Some(meta.value()?.parse()?);
            } else {
                return Err(meta.error("expected `compiled`, `choices = [..]` or `default = n`"));
            }
            Ok(())
        })?;
    }
    match (choices, default) {
        (Some(choices), Some(default)) => Ok(Tune { compiled, choices, default }),
        _ => Err(syn::Error::new_spanned(field, "a knob needs `choices = [..]` and `default = n`")),
    }
}
