//! What names stand for, while a declaration is read from top to bottom.

use super::model::{Field, Numbers, Table, is_padding};
use std::collections::BTreeSet;
use syn::visit::{self, Visit};
use syn::{Expr, Ident};

/// Everything declared so far.
#[derive(Default)]
pub(crate) struct Scope {
    pub(crate) fields: Vec<Field>,
    pub(crate) tables: Vec<Table>,
    pub(crate) lets: Vec<Numbers>,
    /// Names whose declaration has a mistake: what uses them is not to blame.
    pub(crate) broken: BTreeSet<String>,
}

/// What a name stands for.
pub(crate) enum Named<'a> {
    /// A field of floats, and its place among the fields.
    Float(usize, &'a Field),
    /// A let, or a field of integers.
    Integers(Numbers),
}

impl Scope {
    /// The field or let called `name`.
    pub(crate) fn find(&self, name: &Ident) -> syn::Result<Named<'_>> {
        if let Some(numbers) = self.lets.iter().find(|numbers| numbers.name == *name) {
            return Ok(Named::Integers(numbers.clone()));
        }
        let found = self.fields.iter().enumerate().find(|(_, field)| field.name == *name);
        match found {
            Some((_, field)) if is_padding(&field.name) => {
                let message = format!("`{name}` is padding: a name with `_` is never read");
                Err(syn::Error::new_spanned(name, message))
            }
            Some((at, field)) if field.kind.is_float() => Ok(Named::Float(at, field)),
            Some((_, field)) => Ok(Named::Integers(field.numbers())),
            None => Err(syn::Error::new_spanned(name, self.unknown(name))),
        }
    }

    fn unknown(&self, name: &Ident) -> String {
        let fields = self.fields.iter().map(|field| &field.name);
        let known = fields.chain(self.lets.iter().map(|numbers| &numbers.name));
        let known: Vec<String> =
            known.filter(|name| !is_padding(name)).map(ToString::to_string).collect();
        match &known[..] {
            [] => format!("no field or let is called `{name}`"),
            known => format!("no field or let is called `{name}`; there are {}", known.join(" ")),
        }
    }

    /// Whether an expression uses a name that has a mistake of its own.
    pub(crate) fn rests_on_broken(&self, expr: &Expr) -> bool {
        !self.broken.is_disjoint(&mentioned(expr))
    }
}

/// The names that occur in an expression.
pub(crate) fn mentioned(expr: &Expr) -> BTreeSet<String> {
    struct Names(BTreeSet<String>);
    impl Visit<'_> for Names {
        fn visit_expr_path(&mut self, path: &syn::ExprPath) {
            self.0.extend(path.path.get_ident().map(ToString::to_string));
            visit::visit_expr_path(self, path);
        }
    }
    let mut names = Names(BTreeSet::new());
    names.visit_expr(expr);
    names.0
}
