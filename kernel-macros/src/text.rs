//! Tokens as text, the same whichever compiler runs the macro: compilers differ in where they
//! print spaces, and so would messages and hashes.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// `q[i] * (x - 8)`: a space between tokens, none within brackets or between a name and them.
pub(crate) fn text(tokens: TokenStream) -> String {
    let mut text = String::new();
    let mut after_name = false;
    for token in tokens {
        let is_group = matches!(token, TokenTree::Group(_));
        let is_attached = is_group && after_name;
        if !text.is_empty() && !is_attached {
            text.push(' ');
        }
        after_name = is_group || matches!(token, TokenTree::Ident(_));
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                text += open;
                text += &self::text(group.stream());
                text += close;
            }
            other => text += &other.to_string(),
        }
    }
    text
}

/// The lines of a doc comment.
pub(crate) fn doc_lines(attributes: &[Attribute]) -> impl Iterator<Item = String> {
    attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(line), .. }) => Some(line.value().trim().to_owned()),
            _ => None,
        },
        _ => None,
    })
}
