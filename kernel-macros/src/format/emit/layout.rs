//! The layout as a value of the program: what the encoder, tools and tests read.

use super::super::equation::{Op, Tree};
use super::super::model::{Format, Numbers, made};
use super::scalar::constant;
use proc_macro2::{Literal, TokenStream};
use quote::quote;

pub(super) fn layout(format: &Format) -> TokenStream {
    let fields = format.fields.iter().map(|field| {
        let (name, kind) = (field.name.to_string(), made(&format!("{:?}", field.kind)));
        let count = Literal::usize_unsuffixed(field.count.unwrap_or(1));
        let offset = Literal::usize_unsuffixed(field.offset);
        quote! { ::kernels::layout::Field {
            name: #name, kind: ::kernels::layout::Kind::#kind, count: #count, offset: #offset,
        } }
    });
    let numbers = format.numbers.iter().map(|numbers| constant(&numbers.name));
    let code = constant(&format.codes().name);
    let equation = &format.equation;
    let table = equation.code.table;
    let levels = levels(format, format.codes(), table).into_iter();
    let levels = levels.map(|level| Literal::f32_unsuffixed((level + equation.center) as f32));
    let scale = part(format, &equation.scale);
    let extra = match &equation.extra {
        Some(extra) => {
            let part = part(format, extra);
            quote! { ::core::option::Option::Some(#part) }
        }
        None => quote! { ::core::option::Option::None },
    };
    quote! {
        static LAYOUT: ::kernels::layout::Layout = ::kernels::layout::Layout {
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
/// any other shape.
fn part(format: &Format, tree: &Tree) -> TokenStream {
    let mut factors = vec![];
    flatten(tree, &mut factors);
    let (mut constant_factor, mut float, mut integer) = (1.0, None, None);
    for factor in factors {
        match factor {
            Tree::Literal(value) => constant_factor *= value,
            Tree::Float { field, group } if float.is_none() => float = Some((*field, *group)),
            other => match single_integer(format, other) {
                Some(found) if integer.is_none() => integer = Some(found),
                _ => return quote! { ::core::option::Option::None },
            },
        }
    }
    let constant_factor = Literal::f32_unsuffixed(constant_factor as f32);
    let float = option(float.map(|(field, group)| {
        let field = Literal::usize_unsuffixed(field);
        let group = Literal::usize_unsuffixed(group.unwrap_or(format.block()));
        quote! { (#field, #group) }
    }));
    let integer = option(integer.map(|(numbers, group, values)| {
        let (name, group) =
            (constant(&format.numbers[numbers].name), Literal::usize_unsuffixed(group));
        let values = values.into_iter().map(|value| Literal::f32_unsuffixed(value as f32));
        quote! { ::kernels::layout::Integer {
            numbers: &#name, group: #group, values: &[#(#values),*],
        } }
    }));
    quote! { ::core::option::Option::Some(::kernels::layout::Part {
        constant: #constant_factor, float: #float, integer: #integer,
    }) }
}

fn option(value: Option<TokenStream>) -> TokenStream {
    match value {
        Some(value) => quote! { ::core::option::Option::Some(#value) },
        None => quote! { ::core::option::Option::None },
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
        Tree::Binary(op, left, right) => {
            let apply = |a: f64, b: f64| match op {
                Op::Add => a + b,
                Op::Sub => a - b,
                Op::Mul => a * b,
            };
            match (&**left, &**right) {
                (Tree::Literal(a), tree) => {
                    let (numbers, group, values) = single_integer(format, tree)?;
                    Some((numbers, group, values.into_iter().map(|b| apply(*a, b)).collect()))
                }
                (tree, Tree::Literal(b)) => {
                    let (numbers, group, values) = single_integer(format, tree)?;
                    Some((numbers, group, values.into_iter().map(|a| apply(a, *b)).collect()))
                }
                _ => None,
            }
        }
        Tree::Literal(_) | Tree::Float { .. } => None,
    }
}
