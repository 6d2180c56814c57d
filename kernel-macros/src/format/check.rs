//! Widths, lengths, ranges and bit accounting: what parses and still cannot be meant.

use super::model::{Field, Format};
use crate::errors::Errors;

/// Notes everything that is wrong with a format.
pub(crate) fn check(format: &Format, errors: &mut Errors) {
    groups(format, errors);
    for name in &format.unused {
        errors.at(name, format!("`{name}` is never used"));
    }
    bits(format, errors);
}

/// Every `name[i / G]` must hold exactly one element per group of G weights.
fn groups(format: &Format, errors: &mut Errors) {
    let block = format.block();
    if !block.is_multiple_of(4) {
        let codes = format.codes();
        errors.at(
            &codes.name,
            format!("a block of {block} weights; its length must be a multiple of 4"),
        );
    }
    for used in &format.equation.uses {
        let (name, group) = (&used.name, used.group);
        if group == 0 || !group.is_multiple_of(4) {
            errors.at(&used.expr, format!("groups of {group}; a length is a multiple of 4"));
        } else if used.length * group != block {
            errors.at(
                &used.expr,
                format!(
                    "`{name}` holds {} numbers, but {block} weights in groups of {group} need {}",
                    used.length,
                    block.div_ceil(group)
                ),
            );
        }
    }
}

/// Every bit of the block is read exactly once, or is padding.
fn bits(format: &Format, errors: &mut Errors) {
    let mut readers: Vec<Option<String>> = vec![None; 8 * format.bytes];
    let mut twice = None;
    let mut read = |bit: usize, by: &syn::Ident| match &readers[bit] {
        Some(first) if twice.is_none() => twice = Some((bit, first.clone(), by.clone())),
        _ => readers[bit] = Some(by.to_string()),
    };
    for numbers in format.numbers.iter().chain(&format.padding) {
        for bit in numbers.bits.iter().flatten().flatten() {
            read(*bit, &numbers.name);
        }
    }
    let mut floats = format.equation.floats.clone();
    floats.sort_unstable();
    floats.dedup();
    for field in floats.into_iter().map(|field| &format.fields[field]) {
        (field_bits(field)).for_each(|bit| read(bit, &field.name));
    }
    if let Some((bit, first, second)) = twice {
        let (field, byte, bit) = place(format, bit);
        errors.at(
            second,
            format!("bit {bit} of byte {byte} of `{field}` is read before, by `{first}`"),
        );
    }
    for field in format.fields.iter().filter(|field| !field.is_pad()) {
        let unread: Vec<usize> = field_bits(field).filter(|bit| readers[*bit].is_none()).collect();
        if let Some(first) = unread.first() {
            let (_, byte, bit) = place(format, *first);
            errors.at(
                &field.name,
                format!(
                    "{} bits of `{}` are never read, the first is bit {bit} of byte {byte}",
                    unread.len(),
                    field.name
                ),
            );
        }
    }
}

fn field_bits(field: &Field) -> std::ops::Range<usize> {
    8 * field.offset..8 * (field.offset + field.bytes())
}

/// The field that a bit lies in, with byte and bit counted from its start.
fn place(format: &Format, bit: usize) -> (&syn::Ident, usize, usize) {
    let field = format
        .fields
        .iter()
        .find(|field| field_bits(field).contains(&bit))
        .expect("every bit of a block lies in a field");
    (&field.name, bit / 8 - field.offset, bit % 8)
}
