//! The language reference declares what it says can be declared, and quotes real messages.

use crate::format;
use crate::format::model::Kind;
use proc_macro2::TokenStream;
use std::str::FromStr;

/// The code blocks of the README in language `language`.
fn blocks(language: &str) -> Vec<String> {
    let readme = super::read("README.md");
    let opening = format!("```{language}\n");
    let blocks = readme.split(&opening).skip(1);
    blocks.map(|block| block.split("\n```").next().unwrap().replace("\n# ", "\n")).collect()
}

#[test]
fn every_declaration_of_the_reference_is_accepted() {
    let mut count = 0;
    for block in blocks("rust") {
        let block = block.trim_start_matches("# ");
        let file = syn::parse_file(block).unwrap_or_else(|error| panic!("{error}:\n{block}"));
        for item in file.items {
            let syn::Item::Macro(item) = item else { continue };
            if let Err(error) = format::read(item.mac.tokens).1 {
                panic!("{error}:\n{block}");
            }
            count += 1;
        }
    }
    assert_eq!(count, 5);
}

#[test]
fn every_quoted_message_is_one_that_the_macro_gives() {
    let given: String = super::path("diagnostics")
        .read_dir()
        .unwrap()
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    let given = without_numbers(&given);
    let blocks = blocks("text").join("\n");
    let quoted: Vec<&str> = blocks.lines().filter(|line| line.starts_with("error: ")).collect();
    assert!(quoted.len() >= 5);
    for message in quoted {
        assert!(given.contains(&without_numbers(message)), "no diagnostic says {message}");
    }
}

/// Numbers differ from one declaration to another.
fn without_numbers(text: &str) -> String {
    let mut plain = text.replace(|c: char| c.is_ascii_digit(), "#");
    while plain.contains("##") {
        plain = plain.replace("##", "#");
    }
    plain
}

#[test]
fn the_grammar_names_every_field_type_and_word() {
    let grammar = super::read("src/format/parse.rs");
    let readme = super::read("README.md");
    for kind in Kind::ALL.map(Kind::name) {
        assert!(grammar.contains(&format!("\"{kind}\"")), "the grammar lacks {kind}");
        assert!(readme.contains(&format!("`{kind}`")), "the reference lacks {kind}");
    }
    for word in ["bits", "planes", "stream"] {
        assert!(grammar.contains(&format!(".{word}(")), "the grammar lacks {word}");
        assert!(readme.contains(&format!("x.{word}(")), "the reference lacks {word}");
    }
}

#[test]
fn the_declaration_of_the_repository_is_accepted() {
    let readme = super::read("../README.md");
    let declaration = readme.split("quant_format! {").nth(1).expect("an example");
    let declaration = declaration.split("\n}\n").next().unwrap();
    let tokens = TokenStream::from_str(declaration).unwrap();
    assert!(format::read(tokens).1.is_ok());
}
