//! What can be read and still cannot be meant: group lengths and bit accounting.
//!
//! Bit accounting is the check that finds what all others let pass: a forgotten minimum, scales
//! of which only half the bits are used. Every bit of the block is read exactly once, or declared
//! to be padding.

use super::model::{Format, is_padding};
use crate::errors::Errors;
use std::collections::BTreeSet;
use syn::Ident;

/// Notes everything that is wrong with a format. Weights and bits are only counted where nothing
/// else is wrong: a let that cannot be read leaves its bits unread.
pub(crate) fn check(format: &Format, errors: &mut Errors) {
    let is_sound = errors.is_empty();
    groups(format, errors);
    if is_sound {
        block(format, errors);
        bits(format, errors);
    }
}

/// Every `name[i / G]` holds exactly one element per group of G weights, and the vector loops
/// can cut groups into units.
fn groups(format: &Format, errors: &mut Errors) {
    let block = format.block();
    for used in &format.equation.uses {
        let (name, group, length) = (&used.name, used.group, used.length);
        if group == 0 || !group.is_multiple_of(4) {
            errors.at(&used.expr, format!("groups of {group}; a length is a multiple of 4"));
        } else if length * group != block {
            let message = match block.is_multiple_of(group) {
                true => {
                    let need = block / group;
                    format!(
                        "`{name}` holds {length} numbers, but {block} weights in groups of \
                         {group} need {need}"
                    )
                }
                false => format!("{block} weights are not whole groups of {group}"),
            };
            errors.at(&used.expr, message);
        }
    }
}

fn block(format: &Format, errors: &mut Errors) {
    let block = format.block();
    if !block.is_multiple_of(4) {
        let message = format!("a block of {block} weights; its length must be a multiple of 4");
        errors.at(&format.codes().name, message);
    }
}

/// Every bit of the block is read exactly once, or is padding.
fn bits(format: &Format, errors: &mut Errors) {
    let mut readers: Vec<Option<&Ident>> = vec![None; 8 * format.bytes];
    for (reader, bits) in reads(format) {
        let mut twice = None;
        for bit in bits {
            match readers[bit] {
                Some(first) => twice = twice.or(Some((bit, first))),
                None => readers[bit] = Some(reader),
            }
        }
        if let Some((bit, first)) = twice {
            let (field, byte, bit) = place(format, bit);
            let message =
                format!("bit {bit} of byte {byte} of `{field}` is read before, by `{first}`");
            errors.at(reader, message);
        }
    }
    for field in format.fields.iter().filter(|field| !is_padding(&field.name)) {
        let unread: Vec<usize> = field.bits().filter(|bit| readers[*bit].is_none()).collect();
        if let Some(first) = unread.first() {
            let (name, byte, bit) = place(format, *first);
            let message = match unread.len() {
                1 => format!("1 bit of `{name}` is never read, bit {bit} of byte {byte}"),
                count => format!(
                    "{count} bits of `{name}` are never read, the first is bit {bit} of byte {byte}"
                ),
            };
            errors.at(name, message);
        }
    }
}

/// Who reads which bits: numbers, padding, and fields that the equation takes as floats.
fn reads(format: &Format) -> Vec<(&Ident, Vec<usize>)> {
    let numbers =
        format.numbers.iter().chain(&format.padding).map(|numbers| {
            (&numbers.name, numbers.bits.iter().flatten().flatten().copied().collect())
        });
    let floats: BTreeSet<usize> = format.equation.floats.iter().copied().collect();
    let floats = floats.into_iter().map(|field| {
        let field = &format.fields[field];
        (&field.name, field.bits().collect())
    });
    numbers.chain(floats).collect()
}

/// The field that a bit lies in, with byte and bit counted from its start.
fn place(format: &Format, bit: usize) -> (&Ident, usize, usize) {
    let field = format.fields.iter().find(|field| field.bits().contains(&bit));
    let field = field.expect("every bit of a block lies in a field");
    (&field.name, bit / 8 - field.offset, bit % 8)
}
