//! One declaration, start to end:
//!
//! ```text
//! tokens --parse--> Declaration --resolve--> Format --check--> Format --lower, emit--> tokens
//!           \__________________________ mistakes __________________/
//! ```
//!
//! A declaration with mistakes still becomes a struct and a stub, so that code which names it
//! does not add errors of its own to the ones that matter.

pub(crate) mod body;
mod chains;
mod check;
mod emit;
mod equation;
mod literal;
pub(crate) mod lower;
pub(crate) mod model;
mod parse;
mod recipe;
mod resolve;
mod runs;
mod scope;
mod tree;
mod words;

use crate::errors::Errors;
use proc_macro2::TokenStream;
use quote::quote;

/// Expands one `quant_format!` declaration.
pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let (declaration, format) = read(input);
    match format {
        Ok(format) => emit::format(&format),
        Err(mistakes) => {
            let messages = mistakes.into_compile_error();
            let stub = declaration.as_ref().map(emit::stub);
            quote! { #messages #stub }
        }
    }
}

/// A declaration as written, as far as it can be read, and as understood.
pub(crate) fn read(input: TokenStream) -> (Option<parse::Declaration>, syn::Result<model::Format>) {
    let mut errors = Errors::default();
    let declaration = parse::parse(input, &mut errors);
    let format = match &declaration {
        // What follows a statement that cannot be read would be blamed for its absence.
        Some(declaration) if errors.is_empty() => resolve::resolve(declaration, &mut errors),
        _ => None,
    };
    if let Some(format) = &format {
        check::check(format, &mut errors);
    }
    let format = match (errors.into_inner(), format) {
        (Some(mistakes), _) => Err(mistakes),
        (None, Some(format)) => Ok(format),
        (None, None) => unreachable!("a declaration that is not understood has mistakes"),
    };
    (declaration, format)
}
