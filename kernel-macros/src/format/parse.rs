//! Tokens to syntax.
//!
//! ```text
//! declaration = attribute* "pub"? "struct" Name "{" (field ":" type),* "}" statement*
//! statement   = "ggml_type" "=" integer ";"
//!             | attribute* "const" NAME ":" "[i8; N]" "=" "[" integer,* "]" ";"
//!             | "let" name ":" "[" uN|iN ";" LEN "]" "=" numbers ";"
//!             | "w" "[" "i" "]" "=" weight ";"
//! numbers     = name | numbers "[" a ".." b "]" | numbers ".bits(" lo ".." hi ")"
//!             | numbers ".planes(" run ")" | "[" numbers,* "]" | numbers "|" numbers
//!             | numbers "<<" n
//! weight      = Rust arithmetic over literals, scalar fields, name[i], name[i / G], TABLE[...]
//! ```

use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Expr, Ident, ItemConst, ItemStruct, Token, Type};

/// A declaration as written.
pub(crate) struct Declaration {
    pub(crate) item: ItemStruct,
    pub(crate) ggml_type: Option<u32>,
    pub(crate) tables: Vec<ItemConst>,
    pub(crate) lets: Vec<Let>,
    pub(crate) weight: Expr,
}

/// `let name: ty = value;`
pub(crate) struct Let {
    pub(crate) name: Ident,
    pub(crate) ty: Type,
    pub(crate) value: Expr,
}

impl Parse for Declaration {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let item: ItemStruct = input.parse()?;
        let (mut ggml_type, mut tables, mut lets, mut weight) = (None, vec![], vec![], None);
        while !input.is_empty() {
            if input.peek(Token![let]) {
                lets.push(parse_let(input)?);
            } else if input.peek(Token![const]) || input.peek(Token![#]) {
                let attributes = input.call(Attribute::parse_outer)?;
                let mut table: ItemConst = input.parse()?;
                table.attrs = attributes;
                tables.push(table);
            } else if input.peek(Ident) && input.peek2(Token![=]) {
                let name: Ident = input.parse()?;
                if name != "ggml_type" {
                    let message = format!("unknown setting `{name}`; there is `ggml_type = N;`");
                    return Err(syn::Error::new_spanned(name, message));
                }
                input.parse::<Token![=]>()?;
                ggml_type = Some(input.parse::<syn::LitInt>()?.base10_parse()?);
                input.parse::<Token![;]>()?;
            } else {
                let equation = parse_equation(input)?;
                if weight.is_some() {
                    return Err(syn::Error::new_spanned(equation, "a second equation for `w[i]`"));
                }
                weight = Some(equation);
            }
        }
        let weight = weight.ok_or_else(|| {
            syn::Error::new_spanned(&item.ident, "no equation: say what a weight is, `w[i] = ...;`")
        })?;
        Ok(Self { item, ggml_type, tables, lets, weight })
    }
}

fn parse_let(input: ParseStream) -> syn::Result<Let> {
    input.parse::<Token![let]>()?;
    let name = input.parse()?;
    input.parse::<Token![:]>()?;
    let ty = input.parse()?;
    input.parse::<Token![=]>()?;
    let value = input.parse()?;
    input.parse::<Token![;]>()?;
    Ok(Let { name, ty, value })
}

/// `w[i] = expression;`, of which the expression is kept.
fn parse_equation(input: ParseStream) -> syn::Result<Expr> {
    let expr: Expr = input.parse()?;
    input.parse::<Token![;]>()?;
    match expr {
        Expr::Assign(assign) if is_weight(&assign.left) => Ok(*assign.right),
        other => Err(syn::Error::new_spanned(
            other,
            "expected `let`, `const`, `ggml_type = N;` or the equation `w[i] = ...;`",
        )),
    }
}

fn is_weight(expr: &Expr) -> bool {
    let Expr::Index(index) = expr else { return false };
    is_path(&index.expr, "w") && is_path(&index.index, "i")
}

/// Whether an expression is exactly the name `name`.
pub(crate) fn is_path(expr: &Expr, name: &str) -> bool {
    path_ident(expr).is_some_and(|ident| ident == name)
}

/// The name that an expression consists of, if it is one.
pub(crate) fn path_ident(expr: &Expr) -> Option<&Ident> {
    match expr {
        Expr::Path(path) => path.path.get_ident(),
        Expr::Paren(inner) => path_ident(&inner.expr),
        Expr::Group(inner) => path_ident(&inner.expr),
        _ => None,
    }
}
