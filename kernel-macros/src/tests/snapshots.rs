//! Expansions, pretty-printed and checked in: `snapshots/*.rs`.

use super::odd;
use crate::kernels::Decodes;
use crate::{fence, format, isa, kernels, tunable};
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use std::str::FromStr;

/// Generated code is read by people: a format is some screens, half of them data and lines that
/// differ in a number.
const MOST_LINES: usize = 1000;
/// As in the sources.
const COLUMNS: usize = 89;

fn printed(expansion: TokenStream) -> String {
    packed(&prettyplease::unparse(&syn::parse2(expansion).expect("an expansion is items")))
}

/// Compares an expansion with the one that was reviewed.
fn snapshot(name: &str, expansion: TokenStream) {
    super::check_file(&super::path(&format!("snapshots/{name}.rs")), &printed(expansion));
}

/// Joins lines of one number each, as the printer leaves tables of them.
fn packed(text: &str) -> String {
    let is_number = |line: &str| line.trim().trim_end_matches(',').parse::<f32>().is_ok();
    let mut lines: Vec<String> = vec![];
    let mut after_number = false;
    for line in text.lines() {
        let number = line.trim();
        match lines.last_mut() {
            Some(last)
                if after_number && is_number(line) && last.len() + 1 + number.len() <= COLUMNS =>
            {
                *last += " ";
                *last += number;
            }
            _ => lines.push(line.to_owned()),
        }
        after_number = is_number(line);
    }
    lines.join("\n") + "\n"
}

#[test]
fn formats_expand_as_reviewed() {
    let known = super::formats();
    let known = |wanted: &str| {
        known.iter().find(|(name, _)| name == wanted).expect("a known format").1.clone()
    };
    let declarations = [
        known("Q4_0"),
        known("Q4_K"),
        known("Q6_K"),
        known("MXFP4"),
        TokenStream::from_str(odd::STREAMED).unwrap(),
        TokenStream::from_str(odd::SHORT).unwrap(),
    ];
    for declaration in declarations {
        snapshot(&super::name(&declaration).to_lowercase(), format::expand(declaration));
    }
}

#[test]
fn every_format_expands_to_some_screens() {
    for (name, declaration) in super::formats() {
        let lines = printed(format::expand(declaration)).lines().count();
        assert!(lines <= MOST_LINES, "{name} expands to {lines} lines");
    }
}

#[test]
fn entry_points_expand_as_reviewed() {
    let name = Ident::new("Q4_0", Span::call_site());
    let best = isa::ISAS.last().expect("there are instruction sets").code();
    snapshot("kernels", kernels::rows_on(std::slice::from_ref(best), &name, Decodes::Codes));
    let tiles = isa::ISAS.last().expect("there are instruction sets");
    snapshot("kernels_tiles", kernels::rows_on(std::slice::from_ref(tiles), &name, Decodes::Pairs));
}

#[test]
fn an_instruction_set_expands_as_reviewed() {
    let best = isa::ISAS.last().expect("there are instruction sets");
    snapshot("isa_tiles", isa::tokens(best));
    snapshot("isa_token", isa::tokens(best.code()));
    let operations = quote! {
        impl Isa for Avx2 {
            const LANES: usize = 32;
            fn and(self, a: __m256i, b: __m256i) -> __m256i { _mm256_and_si256(a, b) }
            fn shift<const N: i32>(self, v: __m256i) -> __m256i { _mm256_srli_epi16::<N>(v) }
            #[inline(always)]
            fn both(self, a: __m256i, b: __m256i) -> __m256i { self.and(self.shift::<4>(a), b) }
        }
    };
    snapshot("fence", fence::expand(TokenStream::new(), operations));
}

#[test]
fn knobs_expand_as_reviewed() {
    let knobs = quote! {
        struct Params {
            /// Weight rows per register tile.
            /// Each load of activations is used so often.
            #[tune(compiled, choices = [1, 2, 4], default = 4)]
            pub rows: u8,
            /// Blocks fetched ahead of use.
            #[tune(choices = [0, 2, 4, 8], default = 0)]
            pub prefetch: u16,
        }
    };
    snapshot("tunable", tunable::expand(knobs));
}

#[test]
fn the_code_hash_follows_the_code() {
    let hash = |declaration: &str| {
        let expansion = format::expand(TokenStream::from_str(declaration).unwrap()).to_string();
        let (_, hash) = expansion.split_once("code_hash : ").expect("a hash");
        hash.split(',').next().expect("a number").to_owned()
    };
    let declaration = "struct X { d: f16, qs: [u8; 16] } let q: [u4; 32] = qs.planes(16); \
                       w[i] = d * (q[i] - 8);";
    // What the code is does not depend on the words around it, nor on the run of the compiler.
    assert_eq!(hash(declaration), hash(declaration));
    assert_eq!(hash(declaration), hash(&format!("/// Documented.\n{declaration}")));
    assert_eq!(hash(declaration), hash(&declaration.replace("q", "code")));
    assert_eq!(hash(declaration), hash(&format!("{declaration} ggml_type = 9;")));
    let others = [
        declaration.replace("planes(16)", "planes(1)"),
        declaration.replace("- 8", "- 7"),
        declaration.replace("d: f16, qs: [u8; 16]", "qs: [u8; 16], d: f16"),
        declaration.replace("f16", "bf16"),
        declaration.replace("u4", "i4"),
        declaration.replace("struct X", "struct Y"),
    ];
    let mut hashes: Vec<String> = others.iter().map(|other| hash(other)).collect();
    hashes.push(hash(declaration));
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), others.len() + 1);
}
