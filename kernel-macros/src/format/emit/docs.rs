//! The documentation that a declaration becomes: byte diagram and bits per weight.

use super::super::model::Format;

/// Appended to the user's own doc comment.
pub(super) fn marker(format: &Format) -> String {
    let mut text = String::from("\n\n```text\n bytes      field\n");
    for field in &format.fields {
        let (from, to) = (field.offset, field.offset + field.bytes());
        let range = format!("{from}..{to}");
        let count = field.count.map_or(String::new(), |count| format!(" x {count}"));
        text += &format!(" {range:<10} {}: {}{count}\n", field.name, field.kind.name());
    }
    let (bytes, block) = (format.bytes, format.block());
    text += &format!(
        "```\n\n{block} weights in {bytes} bytes: {} bits per weight.",
        bits_per_weight(format)
    );
    text
}

fn bits_per_weight(format: &Format) -> f64 {
    8.0 * format.bytes as f64 / format.block() as f64
}

/// The first line of the user's doc comment.
pub(super) fn summary(format: &Format) -> String {
    let line = |attr: &syn::Attribute| match &attr.meta {
        syn::Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => {
                Some(text.value().trim().to_owned())
            }
            _ => None,
        },
        _ => None,
    };
    format.item.attrs.iter().find_map(line).unwrap_or_default()
}
