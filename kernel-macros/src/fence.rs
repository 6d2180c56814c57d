//! The fence around an instruction set: its operations are compiled with its features.

use crate::isa::ISAS;
use proc_macro2::TokenStream;
use quote::quote;
use syn::{ImplItem, ItemImpl};

/// `#[fence] impl Isa for Avx2 { fn add(self, a: A, b: B) -> C { body } }`: every operation with
/// a `self` becomes a call, always inlined, of a function with the token's features. Operations
/// that say how they are inlined are made of other operations, and stay as they are.
pub(crate) fn expand(args: TokenStream, input: TokenStream) -> TokenStream {
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
