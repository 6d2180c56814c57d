//! `w[i] = ...` to `scale * (code + center) + extra`, or an explained refusal.
//!
//! The equation is linear in the code: whatever else it says is arithmetic over numbers that a
//! whole group of weights shares. [`Linear`] keeps the three parts apart while the expression is
//! walked from the leaves up.

use super::model::{Numbers, Scope, literal};
use super::parse::path_ident;
use syn::{BinOp, Expr, Lit, UnOp};

/// Arithmetic over values that a group of weights shares.
#[derive(Clone, Debug)]
pub(crate) enum Tree {
    Literal(f64),
    /// A float field: one a block, or with `Some(group)` one a group of that many weights.
    Float {
        field: usize,
        group: Option<usize>,
    },
    /// Integers, one per `group` weights, perhaps through a table of levels.
    Integer {
        numbers: usize,
        group: usize,
        table: Option<usize>,
    },
    Binary(Op, Box<Tree>, Box<Tree>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Add,
    Sub,
    Mul,
}

impl Tree {
    fn is(&self, value: f64) -> bool {
        matches!(self, Self::Literal(literal) if *literal == value)
    }

    fn binary(op: Op, left: Self, right: Self) -> Self {
        match (op, &left, &right) {
            (Op::Mul, Self::Literal(a), Self::Literal(b)) => Self::Literal(a * b),
            (Op::Add, Self::Literal(a), Self::Literal(b)) => Self::Literal(a + b),
            (Op::Sub, Self::Literal(a), Self::Literal(b)) => Self::Literal(a - b),
            (Op::Mul, one, _) if one.is(1.0) => right,
            (Op::Mul | Op::Sub, _, one) if one.is(if op == Op::Mul { 1.0 } else { 0.0 }) => left,
            _ => Self::Binary(op, Box::new(left), Box::new(right)),
        }
    }

    pub(crate) fn negated(self) -> Self {
        Self::binary(Op::Mul, Self::Literal(-1.0), self)
    }

    /// Group lengths named in the tree.
    pub(crate) fn groups(&self, found: &mut Vec<usize>) {
        match self {
            Self::Literal(_) | Self::Float { group: None, .. } => {}
            Self::Float { group: Some(group), .. } | Self::Integer { group, .. } => {
                found.push(*group);
            }
            Self::Binary(_, left, right) => {
                left.groups(found);
                right.groups(found);
            }
        }
    }
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
    pub(crate) expr: Expr,
    pub(crate) name: String,
    pub(crate) length: usize,
    pub(crate) group: usize,
}

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

struct Reader<'a> {
    scope: &'a Scope<'a>,
    numbers: Vec<Numbers>,
    uses: Vec<Use>,
    floats: Vec<usize>,
}

/// What stands in the brackets of `name[...]`.
enum Subscript {
    Weight,
    Group(usize),
}

impl Reader<'_> {
    fn form(&mut self, expr: &Expr) -> syn::Result<Form> {
        match expr {
            Expr::Paren(inner) => self.form(&inner.expr),
            Expr::Group(inner) => self.form(&inner.expr),
            Expr::Lit(lit) => number(lit).map(|value| Form::Group(Tree::Literal(value))),
            Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => {
                let inner = self.form(&unary.expr)?;
                Ok(scaled(inner, Tree::Literal(-1.0)))
            }
            Expr::Binary(binary) => self.binary(binary),
            Expr::Index(index) => self.index(index),
            Expr::Path(_) => self.scalar(expr),
            _ => Err(syn::Error::new_spanned(expr, "a weight is arithmetic: + - * and brackets")),
        }
    }

    fn binary(&mut self, binary: &syn::ExprBinary) -> syn::Result<Form> {
        let op = match binary.op {
            BinOp::Add(_) => Op::Add,
            BinOp::Sub(_) => Op::Sub,
            BinOp::Mul(_) => Op::Mul,
            op => {
                return Err(syn::Error::new_spanned(op, "a weight is made with +, - and *"));
            }
        };
        let (left, right) = (self.form(&binary.left)?, self.form(&binary.right)?);
        Ok(match (op, left, right) {
            (_, Form::Group(a), Form::Group(b)) => Form::Group(Tree::binary(op, a, b)),
            (_, Form::Linear(_), Form::Linear(_)) => {
                return Err(syn::Error::new_spanned(
                    binary,
                    format!("`{}`: a weight may use its code once", quote::quote!(#binary)),
                ));
            }
            (Op::Mul, Form::Linear(a), Form::Group(b)) => scaled(Form::Linear(a), b),
            (Op::Mul, Form::Group(a), Form::Linear(b)) => scaled(Form::Linear(b), a),
            (Op::Add, Form::Linear(a), Form::Group(b)) => Form::Linear(shifted(a, b)),
            (Op::Add, Form::Group(a), Form::Linear(b)) => Form::Linear(shifted(b, a)),
            (Op::Sub, Form::Linear(a), Form::Group(b)) => Form::Linear(shifted(a, b.negated())),
            (Op::Sub, Form::Group(a), Form::Linear(b)) => {
                match scaled(Form::Linear(b), Tree::Literal(-1.0)) {
                    Form::Linear(b) => Form::Linear(shifted(b, a)),
                    group => group,
                }
            }
        })
    }

    /// `name[i]`, `name[i / G]`, `TABLE[name[...]]`.
    fn index(&mut self, index: &syn::ExprIndex) -> syn::Result<Form> {
        let name = path_ident(&index.expr)
            .ok_or_else(|| syn::Error::new_spanned(&index.expr, "expected a name"))?;
        if let Some(table) = self.scope.tables.iter().position(|table| table.name == *name) {
            let Expr::Index(inner) = &*index.index else {
                return Err(syn::Error::new_spanned(&index.index, "expected `q[i]`"));
            };
            return self.lookup(table, inner);
        }
        let subscript = subscript(&index.index)?;
        if let Some((field, found)) = self.scope.field(name)
            && found.kind.is_float()
        {
            let Subscript::Group(group) = subscript else {
                let message = format!("`{name}` holds floats; a code is an integer");
                return Err(syn::Error::new_spanned(index, message));
            };
            let length = found.count.ok_or_else(|| {
                syn::Error::new_spanned(index, format!("`{name}` is a scalar: write `{name}`"))
            })?;
            self.note(index, length, group);
            self.floats.push(field);
            return Ok(Form::Group(Tree::Float { field, group: Some(group) }));
        }
        let (numbers, length) = self.integers(name)?;
        Ok(match subscript {
            Subscript::Weight => Form::Linear(Linear {
                code: Code { numbers, table: None },
                scale: Tree::Literal(1.0),
                center: 0.0,
                extra: None,
            }),
            Subscript::Group(group) => {
                self.note(index, length, group);
                Form::Group(Tree::Integer { numbers, group, table: None })
            }
        })
    }

    fn lookup(&mut self, table: usize, index: &syn::ExprIndex) -> syn::Result<Form> {
        let name = path_ident(&index.expr)
            .ok_or_else(|| syn::Error::new_spanned(&index.expr, "expected a name"))?;
        let (numbers, length) = self.integers(name)?;
        let (wide, levels) = (self.numbers[numbers].width, self.scope.tables[table].levels.len());
        if 1 << wide != levels || self.numbers[numbers].signed {
            let message =
                format!("`{name}` is {wide} bits wide, but the table has {levels} levels");
            return Err(syn::Error::new_spanned(index, message));
        }
        let table = Some(table);
        Ok(match subscript(&index.index)? {
            Subscript::Weight => Form::Linear(Linear {
                code: Code { numbers, table },
                scale: Tree::Literal(1.0),
                center: 0.0,
                extra: None,
            }),
            Subscript::Group(group) => {
                self.note(index, length, group);
                Form::Group(Tree::Integer { numbers, group, table })
            }
        })
    }

    /// A float field of the block by its name alone.
    fn scalar(&mut self, expr: &Expr) -> syn::Result<Form> {
        let name = path_ident(expr)
            .ok_or_else(|| syn::Error::new_spanned(expr, "expected the name of a field"))?;
        if let Some((field, found)) = self.scope.field(name) {
            if found.kind.is_float() && found.count.is_none() {
                self.floats.push(field);
                return Ok(Form::Group(Tree::Float { field, group: None }));
            }
            let message = match found.count {
                Some(_) => format!("`{name}` is an array: write `{name}[i / G]`"),
                None => format!("`{name}` is an integer: declare it as an array of one"),
            };
            return Err(syn::Error::new_spanned(expr, message));
        }
        let message = match self.scope.numbers(name) {
            Some(_) => format!("`{name}` is many numbers: write `{name}[i]` or `{name}[i / G]`"),
            None => format!("no field or let is called `{name}`"),
        };
        Err(syn::Error::new_spanned(expr, message))
    }

    fn integers(&mut self, name: &syn::Ident) -> syn::Result<(usize, usize)> {
        if let Some(known) = self.numbers.iter().position(|numbers| numbers.name == *name) {
            return Ok((known, self.numbers[known].bits.len()));
        }
        let numbers = self.scope.numbers(name).ok_or_else(|| {
            syn::Error::new_spanned(name, format!("no field or let is called `{name}`"))
        })?;
        if numbers.width > 8 {
            let message =
                format!("`{name}` is {} bits wide; cut it with `.bits(..)`", numbers.width);
            return Err(syn::Error::new_spanned(name, message));
        }
        let length = numbers.bits.len();
        self.numbers.push(numbers);
        Ok((self.numbers.len() - 1, length))
    }

    fn note(&mut self, index: &syn::ExprIndex, length: usize, group: usize) {
        let name = path_ident(&index.expr).map(ToString::to_string).unwrap_or_default();
        self.uses.push(Use { expr: index.clone().into(), name, length, group });
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
fn shifted(form: Linear, by: Tree) -> Linear {
    match (&by, form.scale.is(1.0), &form.extra) {
        (Tree::Literal(value), true, None) => Linear { center: form.center + value, ..form },
        _ => {
            let extra = match form.extra {
                Some(extra) => Tree::binary(Op::Add, extra, by),
                None => by,
            };
            Linear { extra: Some(extra), ..form }
        }
    }
}

fn subscript(expr: &Expr) -> syn::Result<Subscript> {
    if super::parse::is_path(expr, "i") {
        return Ok(Subscript::Weight);
    }
    if let Expr::Binary(binary) = expr
        && matches!(binary.op, BinOp::Div(_))
        && super::parse::is_path(&binary.left, "i")
    {
        return Ok(Subscript::Group(literal(&binary.right)?));
    }
    Err(syn::Error::new_spanned(expr, "expected `i` or `i / G`"))
}

fn number(lit: &syn::ExprLit) -> syn::Result<f64> {
    match &lit.lit {
        Lit::Int(int) => int.base10_parse(),
        Lit::Float(float) => float.base10_parse(),
        _ => Err(syn::Error::new_spanned(lit, "expected a number")),
    }
}
