//! Literals: sizes, positions, ranges, levels and factors.

use super::parse::bare;
use syn::{Expr, Lit, UnOp};

/// The largest size or position: far above any block, far below what would make the macro slow.
pub(crate) const MOST: usize = 1 << 16;

/// A size, a position or a length.
pub(crate) fn size(expr: &Expr) -> syn::Result<usize> {
    if let Expr::Lit(lit) = bare(expr)
        && let Lit::Int(int) = &lit.lit
        && int.suffix().is_empty()
        && let Ok(value @ 0..=MOST) = int.base10_parse()
    {
        return Ok(value);
    }
    Err(syn::Error::new_spanned(expr, format!("expected an integer literal up to {MOST}")))
}

/// `a..b`
pub(crate) fn range(expr: &Expr) -> syn::Result<(usize, usize)> {
    if let Expr::Range(range) = bare(expr)
        && let (Some(low), Some(high)) = (&range.start, &range.end)
        && matches!(range.limits, syn::RangeLimits::HalfOpen(_))
    {
        return Ok((size(low)?, size(high)?));
    }
    Err(syn::Error::new_spanned(expr, "expected a range `a..b`"))
}

/// An entry of a table.
pub(crate) fn level(expr: &Expr) -> syn::Result<i64> {
    let (negative, digits) = match bare(expr) {
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => (true, &*unary.expr),
        digits => (false, digits),
    };
    let value = size(digits).ok().and_then(|value| i64::try_from(value).ok());
    match value.map(|value| if negative { -value } else { value }) {
        Some(level @ -128..=127) => Ok(level),
        _ => Err(syn::Error::new_spanned(expr, "a level is an integer literal from -128 to 127")),
    }
}

/// A constant of the equation.
pub(crate) fn factor(lit: &syn::ExprLit) -> syn::Result<f64> {
    let value = match &lit.lit {
        Lit::Int(int) if int.suffix().is_empty() => int.base10_parse(),
        Lit::Float(float) if float.suffix().is_empty() => float.base10_parse(),
        _ => return Err(syn::Error::new_spanned(lit, "expected a number without a suffix")),
    }?;
    if !fits_f32(value) {
        return Err(syn::Error::new_spanned(lit, "this number is too large for an f32"));
    }
    Ok(value)
}

/// Whether a constant stays finite when it is computed with.
pub(crate) fn fits_f32(value: f64) -> bool {
    (value as f32).is_finite()
}
