//! The documentation that a declaration becomes: byte diagram and bits per weight.

use super::super::model::Format;
use crate::text::doc_lines;

/// Appended to the user's own doc comment.
pub(super) fn diagram(format: &Format) -> String {
    let mut text = String::from("\n\n```text\n bytes      field\n");
    for field in &format.fields {
        let range = format!("{}..{}", field.offset, field.offset + field.bytes());
        let count = field.count.map_or(String::new(), |count| format!(" x {count}"));
        text += &format!(" {range:<10} {}: {}{count}\n", field.name, field.kind.name());
    }
    let (bytes, block) = (format.bytes, format.block());
    let bits = 8.0 * bytes as f64 / block as f64;
    // Exact where it can be: 4.5, but 3.3333.
    let bits = (bits * 1e4).round() / 1e4;
    text + &format!("```\n\n{block} weights in {bytes} bytes: {bits} bits per weight.")
}

/// The first line of the user's doc comment.
pub(super) fn summary(format: &Format) -> String {
    doc_lines(&format.docs).next().unwrap_or_default()
}
