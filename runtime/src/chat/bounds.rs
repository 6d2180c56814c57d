//! What a template may build: nothing that costs more than was paid for it.
//!
//! The engine charges a template for instructions and for text, and not for what lists and maps
//! hold. Twice a list is a list that remembers to be read twice, so doubling one forty times is
//! forty instructions, and whoever then prints or compares the result never ends; so it is with
//! `[x, x]`, and with a namespace that was made an attribute of itself.
//!
//! Therefore a template is compiled, and then changed: behind each instruction that makes a value
//! comes a call of [`weigh`], which pays for everything in it and puts a list in the place of what
//! only promises to be one. Before each assignment to an attribute stands a call of [`plain`]. What
//! a template holds is then in sum no larger than its fuel, never has a cycle and is never deep, so
//! that all that walks through a value takes little.
//!
//! The compiler computes what is constant, at no charge. Products are kept from it
//! ([`unfolded`]): all else that it makes is no larger than its text.

use std::borrow::Cow;
use std::sync::Arc;

use minijinja::machinery::{
    CompiledTemplate, Instruction, Instructions, TemplateConfig, Token, tokenize,
};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::ValueKind;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, State, Value};
use minijinja_contrib::pycompat::unknown_method_callback;

/// Names with a blank: no template can say them.
const WEIGH: &str = "weigh this";
const PLAIN: &str = "plain this";
/// A factor that the compiler does not know to be 1.
const ONE: &str = "_factor_of_one";

/// Lists in lists. Well-formed tools are some eight deep.
const DEEP: usize = 64;
/// Slots of lists and maps that are worth a fuel. The engine has charged for the memory of those
/// that are not in others; this is for walking through them.
const SLOTS_A_FUEL: u64 = 4;
/// The widest field of a formatted text in digits: 9999.
const WIDTH_DIGITS: usize = 4;

/// What compiled templates call.
pub(super) fn add_to(engine: &mut Environment<'_>) {
    engine.add_function(WEIGH, weigh);
    engine.add_function(PLAIN, plain);
    engine.add_global(ONE, 1);
    // Not of Jinja's, and read by nobody's template; it makes lists that nothing charges for.
    engine.remove_filter("chain");
    engine.set_unknown_method_callback(|state, value, method, arguments| {
        if method == "format" && value.as_str().is_some_and(is_wide) {
            return Err(refused("a field of a formatted text is too wide"));
        }
        unknown_method_callback(state, value, method, arguments)
    });
}

/// `source` with no product that is constant.
///
/// # Errors
/// If it cannot be read.
pub(super) fn unfolded(source: &str, syntax: SyntaxConfig) -> Result<String, Error> {
    let mut out = String::with_capacity(source.len());
    let (mut copied, mut begins) = (0, false);
    for token in tokenize(source, false, syntax) {
        let (token, span) = token?;
        // After a parenthesis or a comma a star spreads a list.
        if matches!(token, Token::Mul) && !begins {
            let end = span.end_offset as usize;
            out.push_str(&source[copied..end]);
            out.push_str(&format!(" {ONE} *"));
            copied = end;
        }
        begins = matches!(token, Token::ParenOpen | Token::Comma);
    }
    out.push_str(&source[copied..]);
    Ok(out)
}

/// `source` compiled and changed, as the module says.
///
/// # Errors
/// If it is no template.
pub(super) fn compile<'a>(
    name: &'a str,
    source: &'a str,
    syntax: SyntaxConfig,
) -> Result<CompiledTemplate<'a>, Error> {
    let config = TemplateConfig {
        syntax_config: syntax,
        default_auto_escape: Arc::new(|_| AutoEscape::None),
    };
    let mut template = CompiledTemplate::new(name, source, &config)?;
    template.instructions = guarded(&template.instructions);
    for block in template.blocks.values_mut() {
        *block = guarded(block);
    }
    Ok(template)
}

/// The same program with calls put in, and jumps that go where they went.
fn guarded<'a>(program: &Instructions<'a>) -> Instructions<'a> {
    use Instruction as I;

    let steps = || (0..).map_while(|at| Some((at, program.get(at)?)));
    // Where each step comes to stand, and where the end does.
    let mut places: Vec<u32> = Vec::new();
    let mut place = 0;
    for (_, step) in steps() {
        places.push(place);
        place += 1 + before(step).len() as u32 + after(step).len() as u32;
    }
    places.push(place);
    // There are jumps to no step, which are marks.
    let moved = |to: u32| places.get(to as usize).copied().unwrap_or(to);

    let mut out = Instructions::new(program.name(), program.source());
    for (at, step) in steps() {
        let there = match step {
            I::Iterate(to) => I::Iterate(moved(*to)),
            I::Jump(to) => I::Jump(moved(*to)),
            I::JumpIfFalse(to) => I::JumpIfFalse(moved(*to)),
            I::JumpIfFalseOrPop(to) => I::JumpIfFalseOrPop(moved(*to)),
            I::JumpIfTrueOrPop(to) => I::JumpIfTrueOrPop(moved(*to)),
            I::BuildMacro(name, to, flags) => I::BuildMacro(name, moved(*to), *flags),
            other => other.clone(),
        };
        let line = program.get_line(at).and_then(|line| u16::try_from(line).ok());
        for step in before(step).iter().chain([&there]).chain(after(step)) {
            match line {
                Some(line) => out.add_with_line(step.clone(), line),
                None => out.add(step.clone()),
            };
        }
    }
    out
}

/// What comes before a step.
fn before(step: &Instruction<'_>) -> &'static [Instruction<'static>] {
    use Instruction as I;

    match step {
        // The namespace is on top of the value.
        I::SetAttr(_) => const { &[I::Swap, I::CallFunction(PLAIN, Some(1)), I::Swap] },
        _ => &[],
    }
}

/// What comes after a step: a call if it makes a value. Others take one out of another, compare,
/// compute numbers, or copy text, which the engine charges for.
fn after(step: &Instruction<'_>) -> &'static [Instruction<'static>] {
    use Instruction as I;

    match step {
        I::BuildList(_)
        | I::BuildTuple(_)
        | I::BuildMap(_)
        | I::Add
        | I::Mul
        | I::Slice
        | I::ApplyFilter(..)
        | I::CallFunction(..)
        | I::CallMethod(..)
        | I::CallObject(_) => const { &[I::CallFunction(WEIGH, Some(1))] },
        _ => &[],
    }
}

/// A value, all of which has been paid for.
fn weigh(state: &State<'_, '_>, value: Value) -> Result<Value, Error> {
    let mut scale = Scale { state, slots: 0 };
    let value = if value.kind() == ValueKind::Iterable {
        let mut items = Vec::new();
        for item in value.try_iter()?.checked() {
            scale.pay()?;
            items.push(item?);
        }
        Value::from(items)
    } else {
        value
    };
    scale.inside(&value, 0)?;
    Ok(value)
}

/// A value that may become an attribute: it is no namespace. (It holds none: see [`Scale::inside`].)
fn plain(value: Value) -> Result<Value, Error> {
    if is_namespace(&value) {
        return Err(refused("a namespace cannot be part of a namespace"));
    }
    Ok(value)
}

struct Scale<'a> {
    state: &'a State<'a, 'a>,
    slots: u64,
}

impl Scale<'_> {
    /// Pays for all that `value`, which is `depth` deep in another, holds.
    fn inside(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        if depth > 0 && is_namespace(value) {
            // It could be changed later into something larger than what was paid for.
            return Err(refused("a namespace cannot be part of a value"));
        }
        let kind = value.kind();
        if !matches!(kind, ValueKind::Seq | ValueKind::Iterable | ValueKind::Map) {
            return Ok(());
        }
        if depth == DEEP {
            return Err(refused("a value is too deep"));
        }
        for item in value.try_iter()?.checked() {
            let item = item?;
            self.pay()?;
            self.inside(&item, depth + 1)?;
            if kind == ValueKind::Map {
                self.pay()?;
                self.inside(&value.get_item(&item)?, depth + 1)?;
            }
        }
        Ok(())
    }

    /// For one slot.
    fn pay(&mut self) -> Result<(), Error> {
        self.slots += 1;
        if self.slots.is_multiple_of(SLOTS_A_FUEL) { self.state.consume_fuel(1) } else { Ok(()) }
    }
}

/// The engine does not give the type away, only its name.
fn is_namespace(value: &Value) -> bool {
    value.as_object().is_some_and(|object| object.type_name().ends_with("::Namespace"))
}

/// Whether a format asks for more places than text needs.
fn is_wide(format: &str) -> bool {
    format.split(|c: char| !c.is_ascii_digit()).any(|digits| digits.len() > WIDTH_DIGITS)
}

fn refused(why: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, why)
}
