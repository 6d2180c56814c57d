//! The filter `tojson` as `transformers` has it: Python's `json.dumps` without escapes for what is
//! not ASCII. The engine's own escapes `<` and `'`, for web pages, and models are not trained on
//! that.

use std::io;

use minijinja::value::Kwargs;
use minijinja::{Error, ErrorKind, Value};
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

/// The largest indentation: a template needs 2 or 4, and memory is made of it.
const MOST_INDENT: usize = 16;

/// `value | tojson` and `value | tojson(indent=4)`.
pub(super) fn to_json(value: &Value, options: Kwargs) -> Result<Value, Error> {
    let indent: Option<usize> = options.get("indent")?;
    // Escaping is what this does not do, whatever is asked for; keys keep their order.
    let _: Option<bool> = options.get("ensure_ascii")?;
    options.assert_all_used()?;
    let mut out = vec![];
    let written = match indent {
        None => write(value, Spaced(CompactFormatter), &mut out),
        Some(n) => {
            let spaces = " ".repeat(n.min(MOST_INDENT));
            write(value, PrettyFormatter::with_indent(spaces.as_bytes()), &mut out)
        }
    };
    let invalid = |error: String| Error::new(ErrorKind::BadSerialization, error);
    written.map_err(|error| invalid(error.to_string()))?;
    let text = String::from_utf8(out).map_err(|error| invalid(error.to_string()))?;
    Ok(Value::from_safe_string(text))
}

fn write(value: &Value, formatter: impl Formatter, out: &mut Vec<u8>) -> serde_json::Result<()> {
    value.serialize(&mut Serializer::with_formatter(out, formatter))
}

/// On one line, with a space after commas and colons, as Python does it.
struct Spaced(CompactFormatter);

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }
}
