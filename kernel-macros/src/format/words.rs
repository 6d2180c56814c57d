//! The words of a `let`: expressions to bit lists.
//!
//! | word | meaning |
//! |---|---|
//! | `x[a..b]` | elements a..b |
//! | `x.bits(lo..hi)` | of each element the bits lo..hi |
//! | `x.planes(run)` | runs of `run` bytes: the lowest N bits of every byte, then the next N, ... |
//! | `x.stream()` | all bits in file order, cut every N bits |
//! | `[x, y]` | x's numbers, then y's |
//! | `x \| y << n` | low and high parts, number by number |
//!
//! A word that cuts bytes into numbers cuts them as wide as the let asks for; a part of `|` is as
//! wide as the room up to the next part. A new word is an arm in [`method`] and nothing else: the
//! bit lists say the rest.

use super::literal::{MOST, range, size};
use super::model::Bit;
use super::parse::{bare, path_ident};
use super::scope::{Named, Scope};
use crate::errors::both;
use syn::{BinOp, Expr};

/// Numbers before they have a name.
type Bits = Vec<Vec<Bit>>;

/// The numbers that an expression stands for, `width` bits wide as far as it leaves that open.
pub(crate) fn numbers(expr: &Expr, width: usize, scope: &Scope) -> syn::Result<Bits> {
    match bare(expr) {
        Expr::Array(array) => concatenate(array, width, scope),
        Expr::Index(index) => slice(index, width, scope),
        Expr::MethodCall(call) => method(call, width, scope),
        Expr::Binary(binary) => match binary.op {
            BinOp::BitOr(_) => join(expr, width, scope),
            BinOp::Shl(_) => lifted(binary, width, scope),
            op => Err(syn::Error::new_spanned(op, "numbers are joined with `|` and `<<`")),
        },
        other => {
            let name = path_ident(other)
                .ok_or_else(|| syn::Error::new_spanned(other, "expected a field or a let"))?;
            match scope.find(name)? {
                Named::Integers(numbers) => Ok(numbers.bits),
                Named::Float(_, field) => Err(syn::Error::new_spanned(
                    name,
                    format!("`{name}` holds {}, not integers", field.kind.name()),
                )),
            }
        }
    }
}

/// `[x, y]`
fn concatenate(array: &syn::ExprArray, width: usize, scope: &Scope) -> syn::Result<Bits> {
    let mut all = Ok(vec![]);
    for part in &array.elems {
        let (mut before, more) = match both(all, numbers(part, width, scope)) {
            Ok(parts) => parts,
            Err(error) => {
                all = Err(error);
                continue;
            }
        };
        if before.len() + more.len() > MOST {
            let message = format!("more than {MOST} numbers");
            return Err(syn::Error::new_spanned(part, message));
        }
        before.extend(more);
        all = Ok(before);
    }
    all
}

/// `x[a..b]`
fn slice(index: &syn::ExprIndex, width: usize, scope: &Scope) -> syn::Result<Bits> {
    let (whole, (low, high)) = both(numbers(&index.expr, width, scope), range(&index.index))?;
    if low >= high || high > whole.len() {
        let message = format!("{low}..{high} lies outside the {} elements there are", whole.len());
        return Err(syn::Error::new_spanned(&index.index, message));
    }
    Ok(whole[low..high].to_vec())
}

fn method(call: &syn::ExprMethodCall, width: usize, scope: &Scope) -> syn::Result<Bits> {
    let source = || numbers(&call.receiver, 8, scope);
    let arguments: Vec<&Expr> = call.args.iter().collect();
    let name = call.method.to_string();
    match (name.as_str(), &arguments[..]) {
        ("bits", [at]) => bits(source()?, at),
        ("planes", [run]) => planes(&source()?, run, width, call),
        ("stream", []) => stream(&source()?, width, call),
        ("bits" | "planes" | "stream", _) => {
            let message = "expected `bits(lo..hi)`, `planes(run)` or `stream()`";
            Err(syn::Error::new_spanned(call, message))
        }
        _ => Err(syn::Error::new_spanned(
            &call.method,
            format!("unknown word `{name}`; there are `bits`, `planes` and `stream`"),
        )),
    }
}

fn bits(source: Bits, at: &Expr) -> syn::Result<Bits> {
    let (low, high) = range(at)?;
    let wide = source.iter().map(Vec::len).min().unwrap_or(0);
    if low >= high || high > wide {
        let message = format!("bits {low}..{high} lie outside the {wide} bits there are");
        return Err(syn::Error::new_spanned(at, message));
    }
    Ok(source.into_iter().map(|bits| bits[low..high].to_vec()).collect())
}

fn planes(
    source: &[Vec<Bit>],
    run: &Expr,
    width: usize,
    call: &syn::ExprMethodCall,
) -> syn::Result<Bits> {
    if let Some(odd) = source.iter().map(Vec::len).find(|bits| !bits.is_multiple_of(8)) {
        let message = format!("`planes` cuts bytes, but these numbers are {odd} bits wide");
        return Err(syn::Error::new_spanned(&call.receiver, message));
    }
    if ![1, 2, 4, 8].contains(&width) {
        let message = format!(
            "{width} bits do not divide a byte: join planes of 1, 2 or 4 bits with `|`, or use \
             `stream()`"
        );
        return Err(syn::Error::new_spanned(&call.method, message));
    }
    let bytes: Vec<&[Bit]> = source.iter().flat_map(|bits| bits.chunks(8)).collect();
    let length = size(run)?;
    if length == 0 || !bytes.len().is_multiple_of(length) {
        let message = format!("{} bytes are not whole runs of {length}", bytes.len());
        return Err(syn::Error::new_spanned(run, message));
    }
    let plane = |run: &[&[Bit]], low: usize| -> Bits {
        run.iter().map(|byte| byte[low..low + width].to_vec()).collect()
    };
    let lows = || (0..8).step_by(width);
    Ok(bytes.chunks(length).flat_map(|run| lows().flat_map(move |low| plane(run, low))).collect())
}

fn stream(source: &[Vec<Bit>], width: usize, call: &syn::ExprMethodCall) -> syn::Result<Bits> {
    let bits: Vec<Bit> = source.iter().flatten().copied().collect();
    if !bits.len().is_multiple_of(width) {
        let message = format!("{} bits are not whole numbers of {width} bits", bits.len());
        return Err(syn::Error::new_spanned(&call.receiver, message));
    }
    Ok(bits.chunks(width).map(<[Bit]>::to_vec).collect())
}

/// `x << n`: zeros below x.
fn lifted(binary: &syn::ExprBinary, width: usize, scope: &Scope) -> syn::Result<Bits> {
    let shift = shift(&binary.right, width)?;
    let lift = |bits: Vec<Bit>| vec![None; shift].into_iter().chain(bits).collect();
    Ok(numbers(&binary.left, width - shift, scope)?.into_iter().map(lift).collect())
}

fn shift(expr: &Expr, width: usize) -> syn::Result<usize> {
    let shift = size(expr)?;
    if shift >= width {
        let message = format!("a shift by {shift} leaves no room in {width} bits");
        return Err(syn::Error::new_spanned(expr, message));
    }
    Ok(shift)
}

/// `x | y << n | ...`, number by number.
fn join(expr: &Expr, width: usize, scope: &Scope) -> syn::Result<Bits> {
    let mut parts = vec![];
    flatten(expr, &mut parts);
    let shifts = parts.iter().map(|part| match part {
        Expr::Binary(binary) if matches!(binary.op, BinOp::Shl(_)) => shift(&binary.right, width),
        _ => Ok(0),
    });
    let shifts = shifts.collect::<syn::Result<Vec<usize>>>()?;
    let room = |shift| shifts.iter().copied().filter(|next| *next > shift).min().unwrap_or(width);
    let mut joined: Option<Bits> = None;
    for (part, shift) in parts.iter().zip(&shifts) {
        let next = numbers(part, room(*shift), scope)?;
        joined = Some(match joined {
            Some(below) => overlay(below, next, part)?,
            None => next,
        });
    }
    Ok(joined.expect("`|` has two sides"))
}

/// The parts of `x | y | z`, without brackets around them.
fn flatten<'a>(expr: &'a Expr, parts: &mut Vec<&'a Expr>) {
    match bare(expr) {
        Expr::Binary(binary) if matches!(binary.op, BinOp::BitOr(_)) => {
            flatten(&binary.left, parts);
            flatten(&binary.right, parts);
        }
        part => parts.push(part),
    }
}

/// Sets the bits of `part` in what is joined so far.
fn overlay(mut joined: Bits, part: Bits, at: &Expr) -> syn::Result<Bits> {
    if joined.len() != part.len() {
        let message =
            format!("{} numbers on the left of `|`, but {} here", joined.len(), part.len());
        return Err(syn::Error::new_spanned(at, message));
    }
    for (below, bits) in joined.iter_mut().zip(part) {
        below.resize(below.len().max(bits.len()), None);
        for (n, bit) in bits.into_iter().enumerate().filter(|(_, bit)| bit.is_some()) {
            if below[n].is_some() {
                let message = format!("bit {n} is already set by the left side");
                return Err(syn::Error::new_spanned(at, message));
            }
            below[n] = bit;
        }
    }
    Ok(joined)
}
