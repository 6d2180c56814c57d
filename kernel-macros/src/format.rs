//! One declaration, start to end:
//!
//! ```text
//! tokens --parse--> Declaration --model--> Format --check--> Format --lower, emit--> tokens
//! ```
//!
//! A format that fails a check still becomes a struct and a stub, so that code which names it
//! does not add errors of its own to the one that matters.

mod check;
mod emit;
mod equation;
mod lower;
mod model;
mod parse;
mod recipe;
mod runs;

use crate::errors::Errors;
use proc_macro2::TokenStream;

/// Expands one `quant_format!` declaration.
pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let hash = code_hash(&input);
    let declaration = match syn::parse2::<parse::Declaration>(input) {
        Ok(declaration) => declaration,
        Err(error) => return error.into_compile_error(),
    };
    let mut errors = Errors::default();
    let format = model::build(&declaration, &mut errors);
    if let Some(format) = &format {
        check::check(format, &mut errors);
    }
    match (format, errors.into_inner()) {
        (Some(format), None) => emit::format(&format, hash),
        (_, error) => {
            let message = error.map(|e| e.into_compile_error());
            let stub = emit::stub(&declaration);
            quote::quote! { #message #stub }
        }
    }
}

/// The kernels that a declaration becomes change with its text and with this crate.
fn code_hash(input: &TokenStream) -> u64 {
    let text = format!("{} {input}", env!("CARGO_PKG_VERSION"));
    let digest = blake3::hash(text.as_bytes());
    u64::from_le_bytes(digest.as_bytes()[..8].try_into().expect("a digest has 32 bytes"))
}
