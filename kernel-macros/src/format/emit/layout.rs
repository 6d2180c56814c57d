//! The layout as a value of the program: what the encoder, tools and tests read.

use super::super::literal::fits_f32;
use super::super::model::{Format, Numbers, made};
use super::super::tree::{Op, Tree};
use super::scalar::constant;
use proc_macro2::{Literal, TokenStream};
use quote::quote;

pub(super) fn layout(format: &Format) -> TokenStream {
    let fields = format.fields.iter().map(|field| {
        let (name, kind) = (field.name.to_string(), made(&format!("{:?}", field.kind)));
        let count = Literal::usize_unsuffixed(field.count.unwrap_or(1));
        let offset = Literal::usize_unsuffixed(field.offset);
        quote! { layout::Field {
            name: #name, kind: layout::Kind::#kind, count: #count, offset: #offset,
        } }
    });
    let numbers = format.numbers.iter().map(|numbers| constant(&numbers.name));
    let code = constant(&format.codes().name);
    let equation = &format.equation;
    let table = equation.code.table;
    let levels = levels(format, format.codes(), table).into_iter();
    let levels = levels.map(|level| Literal::f32_unsuffixed((level + equation.center) as f32));
    let scale = part(format, &equation.scale);
    let extra = option(equation.extra.as_ref().map(|extra| part(format, extra)));
    quote! {
        static LAYOUT: layout::Layout = layout::Layout {
            fields: &[#(#fields),*],
            numbers: &[#(&#numbers),*],
            codes: &#code,
            levels: &[#(#levels),*],
            scale: #scale,
            extra: #extra,
        };
    }
}

/// The value that each raw number stands for.
fn levels(format: &Format, numbers: &Numbers, table: Option<usize>) -> Vec<f64> {
    if let Some(table) = table {
        return format.tables[table].levels.iter().map(|level| *level as f64).collect();
    }
    let half = 1i64 << (numbers.width - 1);
    let value = |raw: i64| if numbers.signed && raw >= half { raw - 2 * half } else { raw };
    (0..1i64 << numbers.width).map(|raw| value(raw) as f64).collect()
}

/// A product `constant * float * f(integer)`, which the default encoder can choose; `None` for
/// any other shape, and for constants that leave the range of an `f32`.
fn part(format: &Format, tree: &Tree) -> TokenStream {
    let mut factors = vec![];
    flatten(tree, &mut factors);
    let (mut product, mut float, mut integer) = (1.0, None, None);
    for factor in factors {
        match factor {
            Tree::Literal(value) => product *= value,
            Tree::Float { field, group } if float.is_none() => float = Some((*field, *group)),
            other => match single_integer(format, other) {
                Some(found) if integer.is_none() => integer = Some(found),
                _ => return option(None),
            },
        }
    }
    let values = integer.as_ref().map_or(&[][..], |(_, _, values)| values);
    if !values.iter().chain([&product]).all(|value| fits_f32(*value)) {
        return option(None);
    }
    let product = Literal::f32_unsuffixed(product as f32);
    let float = option(float.map(|(field, group)| {
        let field = Literal::usize_unsuffixed(field);
        let group = Literal::usize_unsuffixed(group.unwrap_or(format.block()));
        quote! { (#field, #group) }
    }));
    let integer = option(integer.map(|(numbers, group, values)| {
        let (name, group) =
            (constant(&format.numbers[numbers].name), Literal::usize_unsuffixed(group));
        let values = values.into_iter().map(|value| Literal::f32_unsuffixed(value as f32));
        quote! { layout::Integer {
            numbers: &#name, group: #group, values: &[#(#values),*],
        } }
    }));
    option(Some(quote! { layout::Part {
        constant: #product, float: #float, integer: #integer,
    } }))
}

/// An `Option` in the program.
pub(super) fn option(value: Option<TokenStream>) -> TokenStream {
    match value {
        Some(value) => quote! { Some(#value) },
        None => quote! { None },
    }
}

fn flatten<'a>(tree: &'a Tree, factors: &mut Vec<&'a Tree>) {
    match tree {
        Tree::Binary(Op::Mul, left, right) => {
            flatten(left, factors);
            flatten(right, factors);
        }
        other => factors.push(other),
    }
}

/// Arithmetic over literals and one integer: its value for every raw number.
fn single_integer(format: &Format, tree: &Tree) -> Option<(usize, usize, Vec<f64>)> {
    match tree {
        Tree::Integer { numbers, group, table } => {
            Some((*numbers, *group, levels(format, &format.numbers[*numbers], *table)))
        }
        Tree::Binary(op, left, right) => match (&**left, &**right) {
            (Tree::Literal(a), tree) => {
                let (numbers, group, values) = single_integer(format, tree)?;
                Some((numbers, group, values.into_iter().map(|b| op.apply(*a, b)).collect()))
            }
            (tree, Tree::Literal(b)) => {
                let (numbers, group, values) = single_integer(format, tree)?;
                Some((numbers, group, values.into_iter().map(|a| op.apply(a, *b)).collect()))
            }
            _ => None,
        },
        Tree::Literal(_) | Tree::Float { .. } => None,
    }
}
