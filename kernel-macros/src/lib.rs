#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

use proc_macro::TokenStream;

mod errors;
mod fence;
mod format;
mod isa;
mod kernels;
mod text;
mod tunable;

#[cfg(test)]
mod tests;

/// Declares a quantized block layout. See the [crate documentation](crate) for the language.
#[proc_macro]
pub fn quant_format(input: TokenStream) -> TokenStream {
    format::expand(input.into()).into()
}

/// Writes the kernel rows of formats whose `impl Format` was written by hand:
/// `kernels! { F16, BF16 }`. Formats declared with [`quant_format!`] have theirs already.
#[proc_macro]
pub fn kernels(input: TokenStream) -> TokenStream {
    kernels::expand(input.into()).into()
}

/// Writes the token types of every instruction set and the table of them.
#[proc_macro]
pub fn isa_tokens(input: TokenStream) -> TokenStream {
    isa::expand_tokens(input.into()).into()
}

/// The fence around an instruction set: on `impl Isa for Avx2 { ... }`, gives each operation the
/// CPU features of its token, so that the bodies may use intrinsics.
#[proc_macro_attribute]
pub fn fence(args: TokenStream, input: TokenStream) -> TokenStream {
    fence::expand(args.into(), input.into()).into()
}

/// Makes a struct of knobs searchable: a table of its fields (name, choices, default, manual).
#[proc_macro_derive(Tunable, attributes(tune))]
pub fn tunable(input: TokenStream) -> TokenStream {
    tunable::expand(input.into()).into()
}
