//! Refused declarations with the exact messages: `diagnostics/*.rs`, each a declaration and, as
//! comments behind it, what the compiler will say and where.

use crate::format;
use proc_macro2::TokenStream;
use std::str::FromStr;

#[test]
fn every_refused_declaration_is_told_what_is_wrong_and_where() {
    let mut count = 0;
    let mut files: Vec<_> =
        super::path("diagnostics").read_dir().unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let (declaration, _) = text.split_once("\n// error: ").unwrap_or((&text, ""));
        let declaration = declaration.trim_end();
        super::check_file(&file, &format!("{declaration}\n{}", messages(declaration)));
        count += 1;
    }
    assert!(count >= 50, "only {count} diagnostics were found");
}

/// What the compiler would print for a declaration.
fn messages(declaration: &str) -> String {
    let tokens = TokenStream::from_str(declaration).expect("a declaration is Rust tokens");
    let Err(mistakes) = format::read(tokens).1 else {
        panic!("accepted, but it should not be:\n{declaration}")
    };
    mistakes.into_iter().map(|error| message(declaration, &error)).collect()
}

fn message(declaration: &str, error: &syn::Error) -> String {
    let (start, end) = (error.span().start(), error.span().end());
    let line = declaration.lines().nth(start.line - 1).unwrap_or_default();
    let wide = line.chars().count();
    // The end of the input has no place of its own.
    let last = if end.line == start.line { end.column } else { wide };
    let carets = "^".repeat(last.saturating_sub(start.column).max(1));
    let (number, indent) = (start.line, " ".repeat(start.column));
    format!("\n// error: {error}\n// {number:>2} | {line}\n//    | {indent}{carets}\n")
}

#[test]
fn a_mistake_leaves_the_format_and_its_block_declared() {
    let text = super::read("diagnostics/several_at_once.rs");
    let tokens = TokenStream::from_str(&text).unwrap();
    let expansion = syn::parse2::<syn::File>(format::expand(tokens)).unwrap();
    let (mut structs, mut impls, mut messages) = (vec![], vec![], 0);
    for item in expansion.items {
        match item {
            syn::Item::Struct(item) => structs.push(item.ident.to_string()),
            syn::Item::Impl(item) => {
                impls.push(item.trait_.unwrap().1.segments[1].ident.to_string())
            }
            syn::Item::Macro(item) => {
                assert_eq!(item.mac.path.segments.last().unwrap().ident, "compile_error");
                messages += 1;
            }
            other => panic!("a stub is not {other:?}"),
        }
    }
    assert_eq!(
        (&structs[..], &impls[..]),
        (&["X".into(), "BlockX".into()][..], &["Format".into()][..])
    );
    assert!(messages >= 4, "several mistakes give several messages, not {messages}");
}
