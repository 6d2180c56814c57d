//! The macros run in-process: on the formats of `kernels`, on odd ones, on mistakes.

mod arbitrary;
mod diagnostics;
mod lowering;
mod odd;
mod readme;
mod snapshots;

use proc_macro2::TokenStream;
use std::path::{Path, PathBuf};

/// A path within this crate.
fn path(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(relative)
}

fn read(relative: &str) -> String {
    let path = path(relative);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Compares a file with what it should hold; `BLESS=1` writes it instead.
fn check_file(path: &Path, expected: &str) {
    let found = std::fs::read_to_string(path).unwrap_or_default();
    if found == expected {
        return;
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, expected).unwrap();
        return;
    }
    let pairs = found.lines().zip(expected.lines());
    let line = pairs.take_while(|(found, expected)| found == expected).count();
    panic!(
        "{}:{}: differs from what the macro writes now\n  file:  {}\n  macro: {}\n\
         BLESS=1 renews the files; review the difference like code",
        path.display(),
        line + 1,
        found.lines().nth(line).unwrap_or("(ends)"),
        expected.lines().nth(line).unwrap_or("(ends)"),
    );
}

/// The declarations of `kernels`, by name.
fn formats() -> Vec<(String, TokenStream)> {
    let file = syn::parse_file(&read("../kernels/src/formats.rs")).unwrap();
    let formats: Vec<_> = file
        .items
        .into_iter()
        .filter_map(|item| match item {
            syn::Item::Macro(item) if item.mac.path.is_ident("quant_format") => {
                Some((name(&item.mac.tokens), item.mac.tokens))
            }
            _ => None,
        })
        .collect();
    assert!(formats.len() >= 17, "the page of formats is where it was");
    formats
}

/// The name behind `struct`.
fn name(declaration: &TokenStream) -> String {
    let mut tokens = declaration.clone().into_iter();
    tokens.find(|token| token.to_string() == "struct");
    tokens.next().expect("a struct has a name").to_string()
}
