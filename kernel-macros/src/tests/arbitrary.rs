//! Whatever stands in a macro's brackets, the macro answers with items, never with a panic.

use super::odd;
use crate::{fence, format, isa, kernels, tunable};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::RngSeed;
use std::cell::Cell;
use std::str::FromStr;

/// Sound declarations to start from.
fn declarations() -> Vec<TokenStream> {
    let odd = odd::ALL.into_iter().map(|text| TokenStream::from_str(text).unwrap());
    super::formats().into_iter().map(|(_, tokens)| tokens).chain(odd).collect()
}

/// Tokens to put in: those of all declarations, the refused ones, too.
fn pool() -> TokenStream {
    let refused = super::path("diagnostics").read_dir().unwrap().map(|file| {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        TokenStream::from_str(&text).unwrap()
    });
    declarations().into_iter().chain(refused).collect()
}

/// A change of a token stream at one of its places.
#[derive(Clone, Debug)]
enum Change {
    Remove,
    Repeat,
    /// Swap with the token behind.
    Swap,
    /// Put a token of some declaration in its place.
    Replace(Index),
    /// Put a text in its place.
    Write(&'static str),
    /// Put it in brackets of another kind.
    Wrap(Delimiter),
}

/// What is hard to digest: extremes, other kinds of tokens, other parts of Rust.
const TEXTS: &[&str] = &[
    "0",
    "1",
    "7",
    "8",
    "65536",
    "65537",
    "18446744073709551616",
    "0x10",
    "1_0",
    "3u8",
    "1e39",
    "0.5",
    "1e-50",
    "-1",
    "'c'",
    "\"s\"",
    "b\"s\"",
    "r#type",
    "größe",
    "ŉ",
    "_",
    "_x",
    "i",
    "w",
    "d",
    "q",
    "qs",
    "u4",
    "i8",
    "f16",
    "e8m0",
    "..",
    "..=",
    "<<",
    "|",
    "|x| x",
    "::",
    ";",
    ",",
    "#",
    "=>",
    "[0; 4]",
    "[]",
    "()",
    "{}",
    "q[i]",
    "d[i / 4]",
    "x.planes(0)",
    "qs.stream()",
    "qs.bits(0..1)",
    "qs << 60000",
    "if a { b } else { c }",
    "unsafe { f() }",
    "let",
    "const",
    "struct",
    "#[doc = 1]",
    "///x\n",
    "ggml_type = 1;",
    "[qs, qs, qs, qs]",
    "-q[i]",
    "1 - 1",
    "crate::q",
    "<T>::q",
];

fn change() -> impl Strategy<Value = Change> {
    let delimiter = prop::sample::select(vec![
        Delimiter::None,
        Delimiter::Parenthesis,
        Delimiter::Bracket,
        Delimiter::Brace,
    ]);
    prop_oneof![
        Just(Change::Remove),
        Just(Change::Repeat),
        Just(Change::Swap),
        any::<Index>().prop_map(Change::Replace),
        prop::sample::select(TEXTS).prop_map(Change::Write),
        delimiter.prop_map(Change::Wrap),
    ]
}

/// How many tokens a stream has, those within brackets included.
fn count(tokens: &TokenStream) -> usize {
    let within = |token| match token {
        TokenTree::Group(group) => 1 + count(&group.stream()),
        _ => 1,
    };
    tokens.clone().into_iter().map(within).sum()
}

/// Token number `at` of a stream.
fn token(tokens: &TokenStream, mut at: usize) -> Option<TokenTree> {
    for token in tokens.clone() {
        if at == 0 {
            return Some(token);
        }
        at -= 1;
        if let TokenTree::Group(group) = &token {
            let inside = count(&group.stream());
            if at < inside {
                return self::token(&group.stream(), at);
            }
            at -= inside;
        }
    }
    None
}

/// Applies a change at token `at`; the pool is what replacements are taken from.
fn changed(tokens: TokenStream, at: usize, change: &Change, pool: &TokenStream) -> TokenStream {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut out: Vec<TokenTree> = vec![];
    let mut left = Some(at);
    let mut n = 0;
    while n < tokens.len() {
        let current = tokens[n].clone();
        n += 1;
        match (left, &current) {
            (Some(0), _) => {
                left = None;
                match change {
                    Change::Remove => {}
                    Change::Repeat => out.extend([current.clone(), current]),
                    Change::Swap => {
                        out.extend(tokens.get(n).cloned());
                        out.push(current);
                        n += 1;
                    }
                    Change::Replace(index) => out.extend(token(pool, index.index(count(pool)))),
                    Change::Write(text) => {
                        out.extend(TokenStream::from_str(text).expect("tokens"));
                    }
                    Change::Wrap(delimiter) => {
                        let stream = TokenStream::from(current);
                        out.push(Group::new(*delimiter, stream).into());
                    }
                }
            }
            (Some(left_over), TokenTree::Group(group)) => {
                let inside = count(&group.stream());
                if left_over <= inside {
                    left = None;
                    let stream = changed(group.stream(), left_over - 1, change, pool);
                    let mut group = Group::new(group.delimiter(), stream);
                    group.set_span(current.span());
                    out.push(group.into());
                } else {
                    left = Some(left_over - 1 - inside);
                    out.push(current);
                }
            }
            (Some(left_over), _) => {
                left = Some(left_over - 1);
                out.push(current);
            }
            (None, _) => out.push(current),
        }
    }
    out.into_iter().collect()
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        max_shrink_iters: 300,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

#[test]
fn a_changed_declaration_expands_to_items() {
    let declarations = declarations();
    let pool = pool();
    let changes = prop::collection::vec((any::<Index>(), change()), 1..3);
    let mut runner = proptest::test_runner::TestRunner::new(config(1500));
    let accepted = Cell::new(0);
    runner
        .run(&(any::<Index>(), changes), |(which, changes)| {
            let mut tokens = which.get(&declarations).clone();
            for (at, change) in &changes {
                if !tokens.is_empty() {
                    let at = at.index(count(&tokens));
                    tokens = changed(tokens, at, change, &pool);
                }
            }
            let text = tokens.to_string();
            accepted.set(accepted.get() + u32::from(format::read(tokens.clone()).1.is_ok()));
            let expansion = format::expand(tokens);
            prop_assert!(syn::parse2::<syn::File>(expansion).is_ok(), "{}", text);
            Ok(())
        })
        .unwrap();
    // Some changes leave a declaration sound: these are expanded to the end.
    let accepted = accepted.get();
    assert!(accepted > 40, "only {accepted} were accepted");
}

proptest! {
    #![proptest_config(config(1000))]

    #[test]
    fn any_tokens_expand_to_items(text in "[a-z0-9 \\[\\](){};:.,|<=/*+#_'\"!-]{0,80}") {
        let Ok(tokens) = TokenStream::from_str(&text) else { return Ok(()) };
        let expansions = [
            format::expand(tokens.clone()),
            kernels::expand(tokens.clone()),
            isa::expand_tokens(tokens.clone()),
            fence::expand(TokenStream::new(), tokens.clone()),
            tunable::expand(tokens),
        ];
        for expansion in expansions {
            prop_assert!(syn::parse2::<syn::File>(expansion).is_ok());
        }
    }
}
