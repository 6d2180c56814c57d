//! Syntax to model: a declaration's fields, tables, lets and equation, in this order.
//!
//! A part with a mistake is noted and left out, and whatever rests on it is not read, so that one
//! mistake gives one message. A let whose type can be read stands in with the numbers that its
//! type promises, so that the parts after it are checked all the same.

use super::equation;
use super::literal::{level, size};
use super::model::{Field, Format, Kind, Numbers, Table, is_padding};
use super::parse::{Declaration, Let, bare};
use super::scope::{Scope, mentioned};
use super::words;
use crate::errors::{Errors, both};
use std::collections::{BTreeMap, BTreeSet};
use syn::{Expr, Ident, Type};

/// Reads a declaration. `None` where nothing can be said of it; then errors hold the reason.
pub(crate) fn resolve(declaration: &Declaration, errors: &mut Errors) -> Option<Format> {
    check_names(declaration, errors);
    let mut scope = Scope::default();
    fields(declaration, &mut scope, errors);
    tables(declaration, &mut scope, errors);
    lets(declaration, &mut scope, errors);
    let weight = declaration.weight.clone()?;
    check_uses(declaration, &weight, errors);
    if scope.rests_on_broken(&weight) {
        return None;
    }
    let (equation, numbers) = errors.keep(equation::read(&weight, &scope))?;
    let padding = scope.lets.iter().filter(|numbers| is_padding(&numbers.name)).cloned();
    Some(Format {
        docs: declaration.docs.clone(),
        vis: declaration.vis.clone(),
        name: declaration.name.clone(),
        ggml_type: declaration.ggml_type,
        bytes: scope.fields.iter().map(Field::bytes).sum(),
        numbers,
        padding: padding.collect(),
        fields: scope.fields,
        tables: scope.tables,
        equation,
        weight,
    })
}

/// Names become symbols and constants of the program, so they must be plain and differ there.
fn check_names(declaration: &Declaration, errors: &mut Errors) {
    let fields = declaration.fields.iter().filter_map(|field| field.ident.as_ref());
    let lets = declaration.lets.iter().map(|item| &item.name);
    let tables = declaration.tables.iter().map(|item| &item.name);
    let numbers: Vec<&Ident> = fields.chain(lets).collect();
    let mut known = BTreeSet::new();
    for name in numbers.iter().copied().chain(tables.clone()).chain([&declaration.name]) {
        let text = name.to_string();
        if !text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            let message = format!("`{name}`: a name is made of ASCII letters, digits and `_`");
            errors.at(name, message);
        }
        if ["i", "w"].contains(&text.as_str()) {
            errors.at(name, format!("`{name}` is taken: `w[i]` is the weight"));
        }
        if !known.insert(text) {
            errors.at(name, format!("`{name}` is declared twice"));
        }
    }
    let mut constants: BTreeMap<String, &Ident> =
        tables.map(|name| (name.to_string(), name)).collect();
    for name in numbers {
        let constant = format!("{}_BITS", name.to_string().to_uppercase());
        if let Some(twin) = constants.insert(constant.clone(), name)
            && twin != name
        {
            let message = format!("`{twin}` and `{name}` both become `{constant}`: rename one");
            errors.at(name, message);
        }
    }
}

fn fields(declaration: &Declaration, scope: &mut Scope, errors: &mut Errors) {
    let mut offset = 0;
    for field in &declaration.fields {
        let Some(name) = field.ident.clone() else { continue };
        match errors.keep(field_type(&field.ty)) {
            Some((kind, count)) => {
                let field = Field { docs: field.attrs.clone(), name, kind, count, offset };
                offset += field.bytes();
                scope.fields.push(field);
            }
            None => {
                scope.broken.insert(name.to_string());
            }
        }
    }
}

fn field_type(ty: &Type) -> syn::Result<(Kind, Option<usize>)> {
    let (element, count) = match ty {
        Type::Array(array) => (&*array.elem, Some(length(&array.len))),
        other => (other, None),
    };
    let kind = type_name(element).and_then(|name| {
        Kind::named(&name).ok_or_else(|| {
            let kinds = Kind::ALL.map(Kind::name).join(" ");
            let message = format!("unknown field type `{name}`; there are {kinds}");
            syn::Error::new_spanned(&name, message)
        })
    });
    both(kind, count.transpose())
}

/// The length of an array.
fn length(expr: &Expr) -> syn::Result<usize> {
    match size(expr)? {
        0 => Err(syn::Error::new_spanned(expr, "an array holds at least one element")),
        length => Ok(length),
    }
}

fn type_name(ty: &Type) -> syn::Result<Ident> {
    match ty {
        Type::Path(path) => path.path.get_ident().cloned(),
        _ => None,
    }
    .ok_or_else(|| syn::Error::new_spanned(ty, "expected a scalar type or an array of them"))
}

fn tables(declaration: &Declaration, scope: &mut Scope, errors: &mut Errors) {
    for item in &declaration.tables {
        match errors.keep(table(item)) {
            Some(table) => scope.tables.push(table),
            None => {
                scope.broken.insert(item.name.to_string());
            }
        }
    }
}

/// `const NAME: [i8; LENGTH] = [level, ...];`
fn table(item: &Let) -> syn::Result<Table> {
    let Type::Array(array) = &item.ty else {
        return Err(syn::Error::new_spanned(&item.ty, "expected `[i8; LENGTH]`"));
    };
    let element = type_name(&array.elem)?;
    if element != "i8" {
        return Err(syn::Error::new_spanned(element, "levels are `i8`"));
    }
    let Expr::Array(values) = bare(&item.value) else {
        return Err(syn::Error::new_spanned(&item.value, "expected `[level, level, ...]`"));
    };
    let mut levels = Ok(vec![]);
    for value in &values.elems {
        levels = both(levels, level(value)).map(|(mut levels, level)| {
            levels.push(level);
            levels
        });
    }
    let (levels, length) = both(levels, length(&array.len))?;
    if levels.len() != length {
        let message =
            format!("`{}` is declared with {length} levels, but has {}", item.name, levels.len());
        return Err(syn::Error::new_spanned(&array.len, message));
    }
    if ![2, 4, 8, 16].contains(&length) {
        let message = "a table holds 2, 4, 8 or 16 levels, one for every code";
        return Err(syn::Error::new_spanned(&array.len, message));
    }
    Ok(Table { name: item.name.clone(), levels })
}

fn lets(declaration: &Declaration, scope: &mut Scope, errors: &mut Errors) {
    for item in &declaration.lets {
        let Some(mut numbers) = errors.keep(let_type(item)) else {
            scope.broken.insert(item.name.to_string());
            continue;
        };
        if !scope.rests_on_broken(&item.value)
            && let Some(bits) = errors.keep(let_value(item, &numbers, scope))
        {
            numbers.bits = bits;
        }
        scope.lets.push(numbers);
    }
}

/// What `[uN; LENGTH]` promises: numbers, yet without bits.
fn let_type(item: &Let) -> syn::Result<Numbers> {
    let Type::Array(array) = &item.ty else {
        return Err(syn::Error::new_spanned(&item.ty, "expected `[uN; LENGTH]` or `[iN; LENGTH]`"));
    };
    let element = type_name(&array.elem).and_then(|name| integer_type(&name));
    let ((signed, width), length) = both(element, length(&array.len))?;
    Ok(Numbers { name: item.name.clone(), width, signed, bits: vec![vec![None; width]; length] })
}

fn integer_type(name: &Ident) -> syn::Result<(bool, usize)> {
    let width = |prefix: char| (1..=8).find(|width| name == &format!("{prefix}{width}"));
    match (width('u'), width('i')) {
        (Some(width), _) => Ok((false, width)),
        (_, Some(width @ 2..)) => Ok((true, width)),
        _ => Err(syn::Error::new_spanned(name, "expected u1 to u8 or i2 to i8")),
    }
}

/// The bits of a let, as many as its type promises.
fn let_value(
    item: &Let,
    promised: &Numbers,
    scope: &Scope,
) -> syn::Result<Vec<Vec<Option<usize>>>> {
    let Numbers { name, width, bits, .. } = promised;
    let value = words::numbers(&item.value, *width, scope)?;
    let Type::Array(array) = &item.ty else { return Ok(value) };
    if value.len() != bits.len() {
        let (declared, held) = (bits.len(), value.len());
        let message =
            format!("`{name}` is declared with {declared} numbers, but its bytes hold {held}");
        return Err(syn::Error::new_spanned(&array.len, message));
    }
    if let Some(read) = value.iter().map(Vec::len).find(|read| read != width) {
        let only = if read < *width { "only " } else { "" };
        let message =
            format!("`{name}` is declared {width} bits wide, but {only}{read} bits are read");
        return Err(syn::Error::new_spanned(&array.elem, message));
    }
    Ok(value)
}

/// Every let and every table says something about the weight.
fn check_uses(declaration: &Declaration, weight: &Expr, errors: &mut Errors) {
    let lets = &declaration.lets;
    let used: BTreeSet<String> =
        lets.iter().map(|item| &item.value).chain([weight]).flat_map(mentioned).collect();
    for Let { name, .. } in lets.iter().chain(&declaration.tables) {
        if !used.contains(&name.to_string()) && !is_padding(name) {
            errors.at(name, format!("`{name}` is never used"));
        }
    }
}
