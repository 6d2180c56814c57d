//! `w[i] = ...` to `scale * (code + center) + extra`, or an explained refusal.
//!
//! The equation is linear in the code: whatever else it says is arithmetic over numbers that a
//! whole group of weights shares. [`Linear`] keeps the three parts apart while the expression is
//! walked from the leaves up.

use super::literal::{factor, fits_f32, size};
use super::model::Numbers;
use super::parse::{bare, is_path, path_ident};
use super::scope::{Named, Scope};
use super::tree::{Op, Tree};
use crate::errors::both;
use quote::ToTokens;
use syn::{BinOp, Expr, ExprIndex, Ident, UnOp};

/// A weight in normal form: `scale * (level + center) + extra`, where `level` is the code, or
/// the table's entry for it.
#[derive(Clone, Debug)]
pub(crate) struct Equation {
    pub(crate) code: Code,
    pub(crate) scale: Tree,
    pub(crate) center: f64,
    pub(crate) extra: Option<Tree>,
    pub(crate) uses: Vec<Use>,
    /// Fields the equation reads as floats.
    pub(crate) floats: Vec<usize>,
}

/// Which numbers are the codes, and the table they index, if any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Code {
    pub(crate) numbers: usize,
    pub(crate) table: Option<usize>,
}

/// `name[i / group]` as written, for checks that need the block length.
#[derive(Clone, Debug)]
pub(crate) struct Use {
    pub(crate) expr: ExprIndex,
    pub(crate) name: Ident,
    pub(crate) length: usize,
    pub(crate) group: usize,
}

/// Reads the right side of `w[i] = ...`. Returns the numbers that it uses, in order of use.
pub(crate) fn read(expr: &Expr, scope: &Scope) -> syn::Result<(Equation, Vec<Numbers>)> {
    let mut reader = Reader { scope, numbers: vec![], uses: vec![], floats: vec![] };
    match reader.form(expr)? {
        Form::Group(_) => {
            Err(syn::Error::new_spanned(expr, "no code: the equation needs a number `q[i]`"))
        }
        Form::Linear(Linear { code, scale, center, extra }) => {
            let Reader { numbers, uses, floats, .. } = reader;
            Ok((Equation { code, scale, center, extra, uses, floats }, numbers))
        }
    }
}

/// An expression on its way to the normal form.
enum Form {
    Group(Tree),
    Linear(Linear),
}

struct Linear {
    code: Code,
    scale: Tree,
    center: f64,
    extra: Option<Tree>,
}

struct Reader<'a> {
    scope: &'a Scope,
    numbers: Vec<Numbers>,
    uses: Vec<Use>,
    floats: Vec<usize>,
}

impl Reader<'_> {
    fn form(&mut self, expr: &Expr) -> syn::Result<Form> {
        match bare(expr) {
            Expr::Lit(lit) => factor(lit).map(|value| Form::Group(Tree::Literal(value))),
            Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => {
                Ok(scaled(self.form(&unary.expr)?, Tree::Literal(-1.0)))
            }
            Expr::Binary(binary) => self.binary(binary),
            Expr::Index(index) => self.index(index),
            Expr::Path(_) => self.scalar(expr),
            other => Err(syn::Error::new_spanned(
                other,
                "a weight is arithmetic: numbers, names, `+`, `-`, `*` and brackets",
            )),
        }
    }

    fn binary(&mut self, binary: &syn::ExprBinary) -> syn::Result<Form> {
        let op = match binary.op {
            BinOp::Add(_) => Op::Add,
            BinOp::Sub(_) => Op::Sub,
            BinOp::Mul(_) => Op::Mul,
            op => {
                return Err(syn::Error::new_spanned(op, "a weight is made with `+`, `-` and `*`"));
            }
        };
        let (left, right) = (self.form(&binary.left), self.form(&binary.right));
        Ok(match (op, both(left, right)?) {
            (_, (Form::Group(a), Form::Group(b))) => Form::Group(Tree::binary(op, a, b)),
            (_, (Form::Linear(_), Form::Linear(_))) => {
                let term = crate::text::text(binary.to_token_stream());
                let message = format!("`{term}`: a weight may use its code once");
                return Err(syn::Error::new_spanned(binary, message));
            }
            (Op::Mul, (linear @ Form::Linear(_), Form::Group(by)))
            | (Op::Mul, (Form::Group(by), linear @ Form::Linear(_))) => scaled(linear, by),
            (Op::Add, (linear @ Form::Linear(_), Form::Group(by)))
            | (Op::Add, (Form::Group(by), linear @ Form::Linear(_))) => shifted(linear, by),
            (Op::Sub, (linear @ Form::Linear(_), Form::Group(by))) => shifted(linear, by.negated()),
            (Op::Sub, (Form::Group(by), linear @ Form::Linear(_))) => {
                shifted(scaled(linear, Tree::Literal(-1.0)), by)
            }
        })
    }

    /// `name[i]`, `name[i / G]`, `TABLE[name[...]]`.
    fn index(&mut self, index: &ExprIndex) -> syn::Result<Form> {
        let name = indexed_name(index)?;
        if let Some(table) = self.scope.tables.iter().position(|table| table.name == *name) {
            let Expr::Index(inner) = bare(&index.index) else {
                let message = format!("a table is used as `{name}[q[i]]`");
                return Err(syn::Error::new_spanned(&index.index, message));
            };
            return self.integers(inner, Some(table));
        }
        match self.scope.find(name)? {
            Named::Float(field, found) => {
                let Subscript::Group(group) = subscript(&index.index)? else {
                    let message = format!("`{name}` holds floats; a code is an integer");
                    return Err(syn::Error::new_spanned(index, message));
                };
                let Some(length) = found.count else {
                    let message = format!("`{name}` is a scalar: write `{name}`");
                    return Err(syn::Error::new_spanned(index, message));
                };
                self.uses.push(Use { expr: index.clone(), name: name.clone(), length, group });
                self.floats.push(field);
                Ok(Form::Group(Tree::Float { field, group: Some(group) }))
            }
            Named::Integers(_) => self.integers(index, None),
        }
    }

    /// `name[i]` or `name[i / G]` of integers, which may index a table.
    fn integers(&mut self, index: &ExprIndex, table: Option<usize>) -> syn::Result<Form> {
        let name = indexed_name(index)?;
        let (known, subscript) = both(self.note(name), subscript(&index.index))?;
        let found = &self.numbers[known];
        if let Some(table) = table {
            let (width, levels) = (found.width, self.scope.tables[table].levels.len());
            if 1 << width != levels {
                let message =
                    format!("`{name}` is {width} bits wide, but the table has {levels} levels");
                return Err(syn::Error::new_spanned(index, message));
            }
            if found.signed {
                let message = format!("`{name}` is signed; the index of a table is `u{width}`");
                return Err(syn::Error::new_spanned(index, message));
            }
        }
        Ok(match subscript {
            Subscript::Weight => Form::Linear(Linear {
                code: Code { numbers: known, table },
                scale: Tree::Literal(1.0),
                center: 0.0,
                extra: None,
            }),
            Subscript::Group(group) => {
                let length = found.bits.len();
                self.uses.push(Use { expr: index.clone(), name: name.clone(), length, group });
                Form::Group(Tree::Integer { numbers: known, group, table })
            }
        })
    }

    /// The place of the integers called `name` among those that the equation uses.
    fn note(&mut self, name: &Ident) -> syn::Result<usize> {
        if let Some(known) = self.numbers.iter().position(|numbers| numbers.name == *name) {
            return Ok(known);
        }
        let numbers = match self.scope.find(name)? {
            Named::Integers(numbers) => numbers,
            Named::Float(_, field) => {
                let message = format!("`{name}` holds {}, not integers", field.kind.name());
                return Err(syn::Error::new_spanned(name, message));
            }
        };
        if numbers.width > 8 {
            let message = format!(
                "`{name}` is {} bits wide; the equation takes up to 8, cut it in a `let`",
                numbers.width
            );
            return Err(syn::Error::new_spanned(name, message));
        }
        self.numbers.push(numbers);
        Ok(self.numbers.len() - 1)
    }

    /// A float field of the block by its name alone.
    fn scalar(&mut self, expr: &Expr) -> syn::Result<Form> {
        let name = path_ident(expr)
            .ok_or_else(|| syn::Error::new_spanned(expr, "expected the name of a field"))?;
        if name == "i" {
            let message = "`i` is the number of the weight: it stands in brackets";
            return Err(syn::Error::new_spanned(name, message));
        }
        let message = match self.scope.find(name)? {
            Named::Float(field, found) if found.count.is_none() => {
                self.floats.push(field);
                return Ok(Form::Group(Tree::Float { field, group: None }));
            }
            Named::Float(..) => format!("`{name}` is an array: write `{name}[i / G]`"),
            Named::Integers(_) => {
                format!("`{name}` is many numbers: write `{name}[i]` or `{name}[i / G]`")
            }
        };
        Err(syn::Error::new_spanned(expr, message))
    }
}

fn scaled(form: Form, by: Tree) -> Form {
    match form {
        Form::Group(tree) => Form::Group(Tree::binary(Op::Mul, by, tree)),
        Form::Linear(Linear { code, scale, center, extra }) => Form::Linear(Linear {
            code,
            scale: Tree::binary(Op::Mul, by.clone(), scale),
            center,
            extra: extra.map(|extra| Tree::binary(Op::Mul, by, extra)),
        }),
    }
}

/// A constant added before any scale moves the center; all else is an extra term.
fn shifted(form: Form, by: Tree) -> Form {
    match (form, by) {
        (Form::Group(tree), by) => Form::Group(Tree::binary(Op::Add, tree, by)),
        (Form::Linear(linear), Tree::Literal(value))
            if linear.scale.is(1.0)
                && linear.extra.is_none()
                && fits_f32(linear.center + value) =>
        {
            Form::Linear(Linear { center: linear.center + value, ..linear })
        }
        (Form::Linear(linear), by) => {
            let extra = match linear.extra {
                Some(extra) => Tree::binary(Op::Add, extra, by),
                None => by,
            };
            Form::Linear(Linear { extra: Some(extra), ..linear })
        }
    }
}

/// The name before the brackets.
fn indexed_name(index: &ExprIndex) -> syn::Result<&Ident> {
    path_ident(&index.expr)
        .ok_or_else(|| syn::Error::new_spanned(&index.expr, "expected the name of a field or let"))
}

/// What stands in the brackets of `name[...]`.
pub(crate) enum Subscript {
    Weight,
    Group(usize),
}

pub(crate) fn subscript(expr: &Expr) -> syn::Result<Subscript> {
    match bare(expr) {
        expr if is_path(expr, "i") => Ok(Subscript::Weight),
        Expr::Binary(binary)
            if matches!(binary.op, BinOp::Div(_)) && is_path(&binary.left, "i") =>
        {
            size(&binary.right).map(Subscript::Group)
        }
        other => Err(syn::Error::new_spanned(other, "expected `i` or `i / G`")),
    }
}
