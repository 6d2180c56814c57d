//! Tokens to syntax.
//!
//! ```text
//! declaration = doc* visibility? "struct" Name "{" field,* "}" statement*
//! field       = doc* name ":" ( type | "[" type ";" COUNT "]" )
//! type        = "f16" | "bf16" | "f32" | "e8m0" | "ue4m3" | "u8" | "i8" | "u16" | "u32"
//! statement   = "ggml_type" "=" integer ";"
//!             | doc* "const" NAME ":" "[" "i8" ";" COUNT "]" "=" "[" level,* "]" ";"
//!             | doc* "let" name ":" "[" uN|iN ";" COUNT "]" "=" numbers ";"
//!             | "w" "[" "i" "]" "=" weight ";"
//! numbers     = name | numbers "[" a ".." b "]" | "[" numbers,* "]"
//!             | numbers ".bits(" lo ".." hi ")" | numbers ".planes(" run ")"
//!             | numbers ".stream()" | numbers "<<" n | numbers "|" numbers
//! weight      = number | scalar | name "[" "i" "]" | name "[" "i" "/" G "]" | NAME "[" name "[...]" "]"
//!             | weight "+" weight | weight "-" weight | weight "*" weight | "-" weight
//!             | "(" weight ")"
//! ```
//!
//! All of it is Rust's own syntax, so that `syn` reads the expressions and every token keeps its
//! place in the user's file. A statement that cannot be read is noted and skipped up to its
//! semicolon, so that the next one is read as well.

use crate::errors::Errors;
use proc_macro2::{TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Attribute, Expr, Field, Ident, Token, Type, Visibility};

/// A declaration as written.
pub(crate) struct Declaration {
    /// Doc comments.
    pub(crate) docs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) name: Ident,
    pub(crate) fields: Vec<Field>,
    pub(crate) ggml_type: Option<u32>,
    pub(crate) tables: Vec<Let>,
    pub(crate) lets: Vec<Let>,
    /// The right side of `w[i] = ...`.
    pub(crate) weight: Option<Expr>,
}

/// `let name: ty = value;`, or `const` for a table.
pub(crate) struct Let {
    pub(crate) name: Ident,
    pub(crate) ty: Type,
    pub(crate) value: Expr,
}

/// Reads a declaration as far as it can be read; `None` if it does not even have a name.
pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Option<Declaration> {
    let mut declaration = None;
    let read = |input: ParseStream| {
        let mut head = head(input, errors)?;
        while !input.is_empty() {
            if let Err(error) = statement(input, &mut head, errors) {
                errors.push(error);
                skip_statement(input);
            }
        }
        if head.weight.is_none() && errors.is_empty() {
            let message = "no equation: say what a weight is, `w[i] = ...;`";
            errors.at(&head.name, message);
        }
        declaration = Some(head);
        Ok(())
    };
    // `syn` adds an error of its own about what a failed statement left unread.
    if let Err(error) = read.parse2(tokens)
        && (declaration.is_none() || errors.is_empty())
    {
        errors.push(error);
    }
    declaration
}

/// `pub struct Name { fields }`
fn head(input: ParseStream, errors: &mut Errors) -> syn::Result<Declaration> {
    let docs = docs(input, errors)?;
    let vis = input.parse()?;
    input.parse::<Token![struct]>()?;
    let name = input.parse()?;
    let content;
    syn::braced!(content in input);
    let mut fields: Vec<Field> = vec![];
    while !content.is_empty() {
        let field = Field::parse_named(&content).and_then(|field| {
            if !content.is_empty() {
                content.parse::<Token![,]>()?;
            }
            Ok(field)
        });
        match field {
            Ok(mut field) => {
                keep_docs(&mut field.attrs, errors);
                fields.push(field);
            }
            Err(error) => {
                errors.push(error);
                skip_all(&content);
            }
        }
    }
    Ok(Declaration {
        docs,
        vis,
        name,
        fields,
        ggml_type: None,
        tables: vec![],
        lets: vec![],
        weight: None,
    })
}

fn statement(
    input: ParseStream,
    declaration: &mut Declaration,
    errors: &mut Errors,
) -> syn::Result<()> {
    if input.peek(Token![#]) || input.peek(Token![let]) || input.peek(Token![const]) {
        docs(input, errors)?;
        if input.peek(Token![const]) {
            input.parse::<Token![const]>()?;
            declaration.tables.push(input.parse()?);
        } else {
            input.parse::<Token![let]>()?;
            declaration.lets.push(input.parse()?);
        }
        return Ok(());
    }
    if input.peek(Ident::peek_any) && input.peek2(Token![=]) {
        return setting(input, declaration);
    }
    let equation = equation(input)?;
    if declaration.weight.is_some() {
        return Err(syn::Error::new_spanned(equation, "a second equation for `w[i]`"));
    }
    declaration.weight = Some(equation);
    Ok(())
}

impl Parse for Let {
    /// `name: ty = value;`
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let name = input.parse()?;
        input.parse::<Token![:]>()?;
        let ty = input.parse()?;
        input.parse::<Token![=]>()?;
        let value = input.parse()?;
        input.parse::<Token![;]>()?;
        Ok(Self { name, ty, value })
    }
}

/// `ggml_type = N;`
fn setting(input: ParseStream, declaration: &mut Declaration) -> syn::Result<()> {
    let name = input.call(Ident::parse_any)?;
    if name != "ggml_type" {
        let message = format!("unknown setting `{name}`; there is `ggml_type = N;`");
        return Err(syn::Error::new_spanned(name, message));
    }
    input.parse::<Token![=]>()?;
    let literal = input.parse::<syn::LitInt>()?;
    let id = literal.base10_parse().map_err(|_| {
        syn::Error::new_spanned(&literal, format!("expected an integer literal up to {}", u32::MAX))
    })?;
    input.parse::<Token![;]>()?;
    match declaration.ggml_type.replace(id) {
        Some(_) => Err(syn::Error::new_spanned(name, "a second `ggml_type`")),
        None => Ok(()),
    }
}

/// `w[i] = expression;`, of which the expression is kept.
fn equation(input: ParseStream) -> syn::Result<Expr> {
    let expr: Expr = input.parse()?;
    let expected = "expected `let`, `const`, `ggml_type = N;` or the equation `w[i] = ...;`";
    let Expr::Assign(assign) = expr else {
        return Err(syn::Error::new_spanned(expr, expected));
    };
    if !is_weight(&assign.left) {
        return Err(syn::Error::new_spanned(assign.left, expected));
    }
    input.parse::<Token![;]>()?;
    Ok(*assign.right)
}

fn is_weight(expr: &Expr) -> bool {
    let Expr::Index(index) = expr else { return false };
    is_path(&index.expr, "w") && is_path(&index.index, "i")
}

fn docs(input: ParseStream, errors: &mut Errors) -> syn::Result<Vec<Attribute>> {
    let mut attributes = input.call(Attribute::parse_outer)?;
    keep_docs(&mut attributes, errors);
    Ok(attributes)
}

/// Derives and the like would land on one of several items, and not on the one that was meant.
fn keep_docs(attributes: &mut Vec<Attribute>, errors: &mut Errors) {
    for attribute in attributes.extract_if(.., |attribute| !attribute.path().is_ident("doc")) {
        errors.at(attribute, "a declaration takes doc comments and no other attributes");
    }
}

/// Goes on behind the next semicolon.
fn skip_statement(input: ParseStream) {
    while let Ok(token) = input.parse::<TokenTree>() {
        if matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ';') {
            return;
        }
    }
}

fn skip_all(input: ParseStream) {
    while input.parse::<TokenTree>().is_ok() {}
}

/// Whether an expression is exactly the name `name`.
pub(crate) fn is_path(expr: &Expr, name: &str) -> bool {
    path_ident(expr).is_some_and(|ident| ident == name)
}

/// The name that an expression consists of, if it is one.
pub(crate) fn path_ident(expr: &Expr) -> Option<&Ident> {
    match bare(expr) {
        Expr::Path(path) => path.path.get_ident(),
        _ => None,
    }
}

/// An expression without brackets around it, visible or (from another macro) invisible.
pub(crate) fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(inner) => bare(&inner.expr),
        Expr::Group(inner) => bare(&inner.expr),
        _ => expr,
    }
}
