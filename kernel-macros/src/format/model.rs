//! A format as data: every number is a list of source bits.
//!
//! What the block stores and what the lets say are reduced to [`Numbers`]: for each number the
//! positions, low bit first, of the bits it is made of. Checks, scalar code, vector code, encoder
//! and documentation all start from that.

use super::equation::{self, Equation};
use super::parse::{Declaration, path_ident};
use crate::errors::Errors;
use proc_macro2::Span;
use std::collections::BTreeMap;
use syn::{Expr, Ident, Lit, Type};

/// What a field's elements are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    F16,
    Bf16,
    F32,
    E8m0,
    Ue4m3,
    U8,
    I8,
    U16,
    U32,
}

impl Kind {
    fn named(ident: &Ident) -> Option<Self> {
        Some(match ident.to_string().as_str() {
            "f16" => Self::F16,
            "bf16" => Self::Bf16,
            "f32" => Self::F32,
            "e8m0" => Self::E8m0,
            "ue4m3" => Self::Ue4m3,
            "u8" => Self::U8,
            "i8" => Self::I8,
            "u16" => Self::U16,
            "u32" => Self::U32,
            _ => return None,
        })
    }

    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::E8m0 | Self::Ue4m3 | Self::U8 | Self::I8 => 1,
            Self::F16 | Self::Bf16 | Self::U16 => 2,
            Self::F32 | Self::U32 => 4,
        }
    }

    pub(crate) fn is_float(self) -> bool {
        !matches!(self, Self::U8 | Self::I8 | Self::U16 | Self::U32)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::F32 => "f32",
            Self::E8m0 => "e8m0",
            Self::Ue4m3 => "ue4m3",
            Self::U8 => "u8",
            Self::I8 => "i8",
            Self::U16 => "u16",
            Self::U32 => "u32",
        }
    }
}

/// A field of the block, `count` elements from byte `offset`.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: Ident,
    pub(crate) kind: Kind,
    /// Elements; `None` for a scalar.
    pub(crate) count: Option<usize>,
    pub(crate) offset: usize,
}

impl Field {
    pub(crate) fn bytes(&self) -> usize {
        self.kind.bytes() * self.count.unwrap_or(1)
    }

    /// Padding is stored but never read.
    pub(crate) fn is_pad(&self) -> bool {
        is_padding(&self.name)
    }
}

fn is_padding(name: &Ident) -> bool {
    name.to_string().starts_with('_')
}

/// The source of one bit of a number: a bit of the block, or a constant zero.
pub(crate) type Bit = Option<usize>;

/// Numbers of equal width, each a list of source bits, low bit first.
#[derive(Clone, Debug)]
pub(crate) struct Numbers {
    pub(crate) name: Ident,
    pub(crate) width: usize,
    /// Two's complement.
    pub(crate) signed: bool,
    pub(crate) bits: Vec<Vec<Bit>>,
}

/// A table of levels that codes index.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) name: Ident,
    pub(crate) levels: Vec<i64>,
}

/// A declared format, understood.
pub(crate) struct Format {
    pub(crate) item: syn::ItemStruct,
    pub(crate) name: Ident,
    pub(crate) ggml_type: Option<u32>,
    pub(crate) fields: Vec<Field>,
    /// Bytes of a block.
    pub(crate) bytes: usize,
    /// Numbers that the equation uses: lets, and integer fields used directly.
    pub(crate) numbers: Vec<Numbers>,
    /// Lets that the equation does not use, and that no used let was made of.
    pub(crate) unused: Vec<Ident>,
    /// Bits that a let named `_...` declares to be padding.
    pub(crate) padding: Vec<Numbers>,
    pub(crate) tables: Vec<Table>,
    pub(crate) equation: Equation,
    /// The right side as written, for the scalar code.
    pub(crate) weight: Expr,
}

impl Format {
    /// Weights per block.
    pub(crate) fn block(&self) -> usize {
        self.numbers[self.equation.code.numbers].bits.len()
    }

    pub(crate) fn codes(&self) -> &Numbers {
        &self.numbers[self.equation.code.numbers]
    }
}

/// Everything a name can stand for while a declaration is read.
pub(crate) struct Scope<'a> {
    pub(crate) fields: &'a [Field],
    pub(crate) tables: &'a [Table],
    lets: BTreeMap<String, (Numbers, bool)>,
}

impl Scope<'_> {
    pub(crate) fn field(&self, name: &Ident) -> Option<(usize, &Field)> {
        self.fields.iter().enumerate().find(|(_, field)| field.name == *name)
    }

    /// The integers called `name`: a let, or an integer field.
    pub(crate) fn numbers(&self, name: &Ident) -> Option<Numbers> {
        if let Some((numbers, _)) = self.lets.get(&name.to_string()) {
            return Some(numbers.clone());
        }
        let (_, field) = self.field(name)?;
        (!field.kind.is_float()).then(|| field_numbers(field))
    }
}

fn field_numbers(field: &Field) -> Numbers {
    let width = 8 * field.kind.bytes();
    let first = 8 * field.offset;
    let number = |n: usize| (first + n * width..first + (n + 1) * width).map(Some).collect();
    Numbers {
        name: field.name.clone(),
        width,
        signed: field.kind == Kind::I8,
        bits: (0..field.count.unwrap_or(1)).map(number).collect(),
    }
}

/// Reads a declaration. `None` where nothing useful can be said of it; errors hold the reason.
pub(crate) fn build(declaration: &Declaration, errors: &mut Errors) -> Option<Format> {
    let fields = fields(declaration, errors)?;
    let tables: Option<Vec<_>> =
        declaration.tables.iter().map(|item| errors.keep(table(item))).collect();
    let tables = tables?;
    let mut scope = Scope { fields: &fields, tables: &tables, lets: BTreeMap::new() };
    let mut sound = true;
    for item in &declaration.lets {
        match errors.keep(read_let(item, &mut scope)) {
            Some(numbers) => {
                scope.lets.insert(item.name.to_string(), (numbers, false));
            }
            None => sound = false,
        }
    }
    if !sound {
        return None;
    }
    let (equation, used) = errors.keep(equation::read(&declaration.weight, &scope))?;
    let by_equation = |name: &Ident| used.iter().any(|numbers| numbers.name == *name);
    let unused = declaration
        .lets
        .iter()
        .map(|item| &item.name)
        .filter(|name| !by_equation(name) && !scope.lets[&name.to_string()].1)
        .filter(|name| !is_padding(name))
        .cloned()
        .collect();
    let lets = declaration.lets.iter().filter(|item| is_padding(&item.name));
    let padding = lets.map(|item| scope.lets[&item.name.to_string()].0.clone()).collect();
    let bytes = fields.iter().map(Field::bytes).sum();
    Some(Format {
        name: declaration.item.ident.clone(),
        item: declaration.item.clone(),
        ggml_type: declaration.ggml_type,
        fields: fields.clone(),
        bytes,
        numbers: used,
        unused,
        padding,
        tables: tables.clone(),
        equation,
        weight: declaration.weight.clone(),
    })
}

fn fields(declaration: &Declaration, errors: &mut Errors) -> Option<Vec<Field>> {
    let mut offset = 0;
    let mut fields = vec![];
    let mut sound = true;
    for field in &declaration.item.fields {
        let Some(name) = field.ident.clone() else {
            errors.at(field, "a field needs a name");
            return None;
        };
        match errors.keep(field_type(&field.ty)) {
            Some((kind, count)) => {
                let field = Field { name, kind, count, offset };
                offset += field.bytes();
                fields.push(field);
            }
            None => sound = false,
        }
    }
    sound.then_some(fields)
}

fn field_type(ty: &Type) -> syn::Result<(Kind, Option<usize>)> {
    let (element, count) = match ty {
        Type::Array(array) => (&*array.elem, Some(literal(&array.len)?)),
        other => (other, None),
    };
    let ident = type_ident(element)?;
    let kind = Kind::named(&ident).ok_or_else(|| {
        syn::Error::new_spanned(
            &ident,
            format!(
                "unknown field type `{ident}`; there are f16 bf16 f32 e8m0 ue4m3 u8 i8 u16 u32"
            ),
        )
    })?;
    Ok((kind, count))
}

fn type_ident(ty: &Type) -> syn::Result<Ident> {
    match ty {
        Type::Path(path) => path.path.get_ident().cloned(),
        _ => None,
    }
    .ok_or_else(|| syn::Error::new_spanned(ty, "expected a scalar type or an array of them"))
}

/// `let name: [uN; LEN] = value;`
fn read_let(item: &super::parse::Let, scope: &mut Scope) -> syn::Result<Numbers> {
    let Type::Array(array) = &item.ty else {
        return Err(syn::Error::new_spanned(&item.ty, "expected `[uN; LEN]` or `[iN; LEN]`"));
    };
    let element = type_ident(&array.elem)?;
    let (signed, width) = integer_type(&element)?;
    let length = literal(&array.len)?;
    let mut value = numbers(&item.value, width, scope)?;
    let read = value.iter().map(Vec::len).max().unwrap_or(0);
    let name = &item.name;
    if value.len() != length {
        let message = format!(
            "`{name}` is declared with {length} numbers, but its bytes hold {}",
            value.len()
        );
        return Err(syn::Error::new_spanned(&array.len, message));
    }
    if read > width {
        let message = format!("`{name}` is declared {width} bits wide, but {read} bits are read");
        return Err(syn::Error::new_spanned(element, message));
    }
    if let Some(short) = value.iter().map(Vec::len).find(|bits| *bits < width) {
        let message =
            format!("`{name}` is declared {width} bits wide, but only {short} bits are read");
        return Err(syn::Error::new_spanned(element, message));
    }
    value.iter_mut().for_each(|bits| bits.truncate(width));
    Ok(Numbers { name: name.clone(), width, signed, bits: value })
}

fn integer_type(ident: &Ident) -> syn::Result<(bool, usize)> {
    let text = ident.to_string();
    let width = text.get(1..).and_then(|digits| digits.parse().ok());
    match (text.as_bytes().first(), width) {
        (Some(b'u'), Some(width @ 1..=8)) => Ok((false, width)),
        (Some(b'i'), Some(width @ 2..=8)) => Ok((true, width)),
        _ => Err(syn::Error::new_spanned(ident, "expected u1 to u8 or i2 to i8")),
    }
}

/// Numbers before they have a name: bit lists, `width` bits wide as far as the context says.
fn numbers(expr: &Expr, width: usize, scope: &mut Scope) -> syn::Result<Vec<Vec<Bit>>> {
    match expr {
        Expr::Paren(inner) => numbers(&inner.expr, width, scope),
        Expr::Group(inner) => numbers(&inner.expr, width, scope),
        Expr::Array(array) => {
            let mut all = vec![];
            for part in &array.elems {
                all.extend(numbers(part, width, scope)?);
            }
            Ok(all)
        }
        Expr::Index(index) => slice(index, width, scope),
        Expr::MethodCall(call) => method(call, width, scope),
        Expr::Binary(binary) => match binary.op {
            syn::BinOp::BitOr(_) => join(binary, width, scope),
            syn::BinOp::Shl(_) => {
                let shift = literal(&binary.right)?;
                let low = numbers(&binary.left, width.saturating_sub(shift), scope)?;
                let lift = |bits: Vec<Bit>| vec![None; shift].into_iter().chain(bits).collect();
                Ok(low.into_iter().map(lift).collect())
            }
            _ => Err(syn::Error::new_spanned(binary.op, "numbers are joined with `|` and `<<`")),
        },
        _ => {
            let name = path_ident(expr)
                .ok_or_else(|| syn::Error::new_spanned(expr, "expected a field or a let"))?;
            if let Some((_, read)) = scope.lets.get_mut(&name.to_string()) {
                *read = true;
            }
            if let Some(found) = scope.numbers(name) {
                return Ok(found.bits);
            }
            let message = match scope.field(name) {
                Some((_, field)) => {
                    format!("`{name}` holds {}, not integers", field.kind.name())
                }
                None => format!("no field or let is called `{name}`"),
            };
            Err(syn::Error::new_spanned(name, message))
        }
    }
}

fn slice(index: &syn::ExprIndex, width: usize, scope: &mut Scope) -> syn::Result<Vec<Vec<Bit>>> {
    let whole = numbers(&index.expr, width, scope)?;
    let (low, high) = range(&index.index)?;
    if low >= high || high > whole.len() {
        let message = format!("{low}..{high} lies outside the {} elements there are", whole.len());
        return Err(syn::Error::new_spanned(&index.index, message));
    }
    Ok(whole[low..high].to_vec())
}

fn method(
    call: &syn::ExprMethodCall,
    width: usize,
    scope: &mut Scope,
) -> syn::Result<Vec<Vec<Bit>>> {
    let [argument] = call.args.iter().collect::<Vec<_>>()[..] else {
        return Err(syn::Error::new_spanned(&call.args, "expected one argument"));
    };
    let source = numbers(&call.receiver, 8, scope)?;
    match call.method.to_string().as_str() {
        "bits" => {
            let (low, high) = range(argument)?;
            let wide = source.iter().map(Vec::len).min().unwrap_or(0);
            if low >= high || high > wide {
                let message = format!("bits {low}..{high} lie outside the {wide} bits there are");
                return Err(syn::Error::new_spanned(argument, message));
            }
            Ok(source.into_iter().map(|bits| bits[low..high].to_vec()).collect())
        }
        "planes" => planes(&source, literal(argument)?, width, argument),
        other => Err(syn::Error::new_spanned(
            &call.method,
            format!("unknown word `{other}`; there are `bits` and `planes`"),
        )),
    }
}

/// In each run of `run` bytes: the lowest `width` bits of every byte, then the next, ...
fn planes(source: &[Vec<Bit>], run: usize, width: usize, at: &Expr) -> syn::Result<Vec<Vec<Bit>>> {
    let bytes: Vec<&[Bit]> = source.iter().flat_map(|bits| bits.chunks(8)).collect();
    if run == 0 || !bytes.len().is_multiple_of(run) {
        let message = format!("{} bytes are not whole runs of {run}", bytes.len());
        return Err(syn::Error::new_spanned(at, message));
    }
    let planes = 8 / width.clamp(1, 8);
    let plane = |bytes: &[&[Bit]], p: usize| {
        bytes.iter().map(|byte| byte[p * width..(p + 1) * width].to_vec()).collect::<Vec<_>>()
    };
    Ok(bytes.chunks(run).flat_map(|run| (0..planes).flat_map(move |p| plane(run, p))).collect())
}

/// `low | high << n`, number by number.
fn join(binary: &syn::ExprBinary, width: usize, scope: &mut Scope) -> syn::Result<Vec<Vec<Bit>>> {
    let low_width = lowest_shift(&binary.right).unwrap_or(width);
    let low = numbers(&binary.left, low_width, scope)?;
    let high = numbers(&binary.right, width, scope)?;
    if low.len() != high.len() {
        let message =
            format!("{} numbers on the left, {} on the right of `|`", low.len(), high.len());
        return Err(syn::Error::new_spanned(binary, message));
    }
    let mut joined = low;
    for (low, high) in joined.iter_mut().zip(high) {
        low.resize(low.len().max(high.len()), None);
        for (n, bit) in high.into_iter().enumerate().filter(|(_, bit)| bit.is_some()) {
            if low[n].is_some() {
                let message = format!("bit {n} is already set by the left side");
                return Err(syn::Error::new_spanned(&binary.right, message));
            }
            low[n] = bit;
        }
    }
    Ok(joined)
}

/// How far the right side of a `|` is lifted: the width that is left for its left side.
fn lowest_shift(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Binary(binary) if matches!(binary.op, syn::BinOp::Shl(_)) => {
            literal(&binary.right).ok()
        }
        Expr::Paren(inner) => lowest_shift(&inner.expr),
        Expr::Array(array) => array.elems.first().and_then(lowest_shift),
        _ => None,
    }
}

fn table(item: &syn::ItemConst) -> syn::Result<Table> {
    let Expr::Array(array) = &*item.expr else {
        return Err(syn::Error::new_spanned(&item.expr, "expected `[level, level, ...]`"));
    };
    let levels = array.elems.iter().map(signed_literal).collect::<syn::Result<Vec<_>>>()?;
    if let Some(n) = levels.iter().position(|level| !(-128..=127).contains(level)) {
        return Err(syn::Error::new_spanned(&array.elems[n], "a level must fit an i8"));
    }
    if !(2..=16).contains(&levels.len()) {
        return Err(syn::Error::new_spanned(array, "a table holds 2 to 16 levels"));
    }
    Ok(Table { name: item.ident.clone(), levels })
}

fn range(expr: &Expr) -> syn::Result<(usize, usize)> {
    if let Expr::Range(range) = expr
        && let (Some(low), Some(high)) = (&range.start, &range.end)
        && matches!(range.limits, syn::RangeLimits::HalfOpen(_))
    {
        return Ok((literal(low)?, literal(high)?));
    }
    Err(syn::Error::new_spanned(expr, "expected a range `a..b`"))
}

/// An integer literal that is a size, a position or a length.
pub(crate) fn literal(expr: &Expr) -> syn::Result<usize> {
    /// Far above any block, far below what would make the macro slow.
    const MOST: usize = 1 << 16;
    if let Expr::Lit(lit) = expr
        && let Lit::Int(int) = &lit.lit
    {
        let value = int.base10_parse()?;
        if value <= MOST {
            return Ok(value);
        }
    }
    Err(syn::Error::new_spanned(expr, format!("expected an integer literal up to {MOST}")))
}

fn signed_literal(expr: &Expr) -> syn::Result<i64> {
    match expr {
        Expr::Unary(unary) if matches!(unary.op, syn::UnOp::Neg(_)) => {
            Ok(-signed_literal(&unary.expr)?)
        }
        Expr::Lit(lit) if matches!(&lit.lit, Lit::Int(_)) => Ok(literal(expr)? as i64),
        _ => Err(syn::Error::new_spanned(expr, "expected an integer literal")),
    }
}

/// A name made by the macro, not by the user.
pub(crate) fn made(name: &str) -> Ident {
    Ident::new(name, Span::call_site())
}
