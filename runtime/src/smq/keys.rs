//! Metadata of SMQ files and the keys of GGUF.
//!
//! A file that was imported from GGUF has GGUF's keys in its JSON object. JSON knows fewer types
//! than GGUF, so a value is read as the type that suits it best (`U32` for a small number, `F32`
//! for one with a point, ...), and a type that this does not meet is put down in one more entry,
//! [`TYPES`]: a line `key type` for each such key, `key [type]` for an array. So metadata comes
//! back as it was. A file without that entry is another writer's, who may have put down numbers
//! as strings.
//!
//! A file of SmallMind's own tools has sizes, as numbers or as strings, and names its tensors by
//! number; see [`smallmind`].

use std::collections::HashMap;

use serde_json::{Map, Number, Value as Json};

use super::Smq;
use crate::gguf::{self, Element, Metadata, Value, ValueType};
use crate::smallmind::{self, Sizes};

/// The entry that has the types which JSON does not tell.
const TYPES: &str = "gguf.types";

/// The key by which metadata is known to be GGUF's.
const ARCHITECTURE: &str = "general.architecture";

/// Sets the keys that the file has, or those that its sizes amount to. What cannot be said in
/// GGUF is a warning.
pub(crate) fn to_gguf(smq: &Smq<'_>, writer: &mut gguf::Writer) -> Vec<String> {
    let json = smq.metadata();
    if !json.contains_key(ARCHITECTURE) {
        smallmind::describe(&sizes(smq), writer);
        return vec![];
    }
    let types: Option<HashMap<&str, &str>> = json
        .get(TYPES)
        .and_then(Json::as_str)
        .map(|lines| lines.lines().filter_map(|line| line.rsplit_once(' ')).collect());
    let mut warnings = Vec::new();
    for (key, value) in json.iter().filter(|(key, _)| *key != TYPES) {
        let kind = match &types {
            Some(types) => types.get(key.as_str()).and_then(|name| named(name)),
            None => number(value),
        };
        let kind = kind.or_else(|| guess(value));
        if kind.and_then(|kind| set(writer, key, kind, value)).is_none() {
            warnings.push(format!("metadata {key:?} has no equivalent in GGUF and is left out"));
        }
    }
    warnings
}

/// The JSON object that has all of a GGUF file's metadata.
pub(crate) fn from_gguf(metadata: &Metadata<'_>) -> Map<String, Json> {
    let mut object = Map::new();
    let mut types = Vec::new();
    for (key, value) in metadata.iter() {
        let (json, kind) = to_json(value);
        if guess(&json) != Some(kind) {
            types.push(match kind {
                Kind::One(kind) => format!("{key} {kind}"),
                Kind::Many(kind) => format!("{key} [{kind}]"),
            });
        }
        object.insert(key.to_owned(), json);
    }
    object.insert(TYPES.to_owned(), types.join("\n").into());
    object
}

/// The sizes that a file of SmallMind's own tools has.
fn sizes(smq: &Smq<'_>) -> Sizes {
    let size = |key| smq.metadata().get(key).and_then(u32::from_json);
    Sizes {
        name: smq.metadata().get("model_name").and_then(Json::as_str).map(str::to_owned),
        vocabulary: size("vocab_size"),
        context: size("block_size"),
        embedding: size("embed_dim"),
        // Not among the sizes, but the output of a layer's first feed-forward weight.
        feed_forward: smallmind::names(smq.entries().len()).and_then(|names| {
            let up = names.iter().position(|name| name == "blk.0.ffn_up.weight")?;
            u32::try_from(*smq.entries()[up].dims.first()?).ok()
        }),
        layers: size("num_layers"),
        heads: size("num_heads"),
    }
}

/// The type of a value, or that of an array's elements.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    One(ValueType),
    Many(ValueType),
}

fn named(name: &str) -> Option<Kind> {
    let find = |name: &str| ValueType::ALL.iter().copied().find(|kind| kind.name() == name);
    match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        Some(element) => find(element).map(Kind::Many),
        None => find(name).map(Kind::One),
    }
}

/// The type that a JSON value is read as, where nothing else is said.
fn guess(json: &Json) -> Option<Kind> {
    match json {
        Json::Array(values) => {
            let fits = |kind: &ValueType| values.iter().all(|value| scalar(value, *kind).is_some());
            GUESSES.iter().copied().find(fits).map(Kind::Many)
        }
        value => GUESSES.iter().copied().find(|kind| scalar(value, *kind).is_some()).map(Kind::One),
    }
}

/// The type of a number that stands in a string.
fn number(json: &Json) -> Option<Kind> {
    let number: Json = json.as_str()?.parse().map(Json::Number).ok()?;
    guess(&number)
}

/// In this order; a number with a point is none of the integers.
const GUESSES: [ValueType; 8] = [
    ValueType::String,
    ValueType::Bool,
    ValueType::U32,
    ValueType::I32,
    ValueType::U64,
    ValueType::I64,
    ValueType::F32,
    ValueType::F64,
];

/// Whether a value is of a type as it stands: no string for a number, nothing rounded.
fn scalar(json: &Json, kind: ValueType) -> Option<()> {
    let is = match (json, kind) {
        (Json::String(_), ValueType::String) | (Json::Bool(_), ValueType::Bool) => true,
        (Json::Number(number), ValueType::F64) => number.is_f64(),
        (Json::Number(number), ValueType::F32) => {
            number.as_f64().is_some_and(|value| number.is_f64() && f64::from(value as f32) == value)
        }
        (Json::Number(_), ValueType::U32) => u32::from_json(json).is_some(),
        (Json::Number(_), ValueType::I32) => i32::from_json(json).is_some(),
        (Json::Number(_), ValueType::U64) => u64::from_json(json).is_some(),
        (Json::Number(_), ValueType::I64) => i64::from_json(json).is_some(),
        _ => false,
    };
    is.then_some(())
}

/// A value of GGUF that JSON can stand for.
trait FromJson<'j>: Element<'j> {
    fn from_json(json: &'j Json) -> Option<Self>;
}

macro_rules! integers_from_json {
    ($($number:ident)*) => { $(
        impl FromJson<'_> for $number {
            /// From a number, or a string of one.
            fn from_json(json: &Json) -> Option<Self> {
                match json {
                    Json::Number(number) => integer(number)?.try_into().ok(),
                    Json::String(text) => text.parse().ok(),
                    _ => None,
                }
            }
        }
    )* };
}

integers_from_json! { u8 i8 u16 i16 u32 i32 u64 i64 }

macro_rules! floats_from_json {
    ($($float:ident)*) => { $(
        impl FromJson<'_> for $float {
            /// From a number, or a string of one, which may be no JSON number (`NaN`, `inf`).
            fn from_json(json: &Json) -> Option<Self> {
                match json {
                    Json::Number(number) => number.as_f64().map(|value| value as $float),
                    Json::String(text) => text.parse().ok(),
                    _ => None,
                }
            }
        }
    )* };
}

floats_from_json! { f32 f64 }

impl FromJson<'_> for bool {
    fn from_json(json: &Json) -> Option<Self> {
        json.as_bool()
    }
}

impl<'j> FromJson<'j> for &'j str {
    fn from_json(json: &'j Json) -> Option<Self> {
        json.as_str()
    }
}

fn integer(number: &Number) -> Option<i128> {
    number.as_u64().map(i128::from).or_else(|| number.as_i64().map(i128::from))
}

/// Calls a function for the Rust type that stands for a GGUF type; arrays have none.
macro_rules! call {
    ($kind:expr, $function:ident $arguments:tt) => {
        call!(@ $kind, $function $arguments; U8 u8, I8 i8, U16 u16, I16 i16, U32 u32, I32 i32,
            F32 f32, Bool bool, String &str, U64 u64, I64 i64, F64 f64)
    };
    (@ $kind:expr, $function:ident $arguments:tt; $($variant:ident $type:ty),*) => {
        match $kind {
            $(ValueType::$variant => call!(@@ $function::<$type>, $arguments),)*
            ValueType::Array => None,
        }
    };
    (@@ $function:expr, ($($argument:expr),*)) => { $function($($argument),*) };
}

/// Sets a key, if the JSON is of that kind.
fn set(writer: &mut gguf::Writer, key: &str, kind: Kind, json: &Json) -> Option<()> {
    match (kind, json) {
        (Kind::One(kind), json) => call!(kind, set_one(writer, key, json)),
        (Kind::Many(kind), Json::Array(values)) => call!(kind, set_many(writer, key, values)),
        _ => None,
    }
}

fn set_one<'j, T: FromJson<'j>>(
    writer: &mut gguf::Writer,
    key: &str,
    json: &'j Json,
) -> Option<()> {
    writer.metadata(key, T::from_json(json)?);
    Some(())
}

fn set_many<'j, T: FromJson<'j>>(
    writer: &mut gguf::Writer,
    key: &str,
    values: &'j [Json],
) -> Option<()> {
    writer.array(key, values.iter().map(T::from_json).collect::<Option<Vec<T>>>()?);
    Some(())
}

fn to_json(value: &Value<'_>) -> (Json, Kind) {
    match value {
        Value::Array(array) => {
            let values = array.iter().map(|value| to_json(&value).0).collect();
            (Json::Array(values), Kind::Many(array.element_type()))
        }
        value => (one_to_json(value), Kind::One(value.value_type())),
    }
}

fn one_to_json(value: &Value<'_>) -> Json {
    // What is no number in JSON is a string.
    let float =
        |value: f64| Number::from_f64(value).map_or_else(|| value.to_string().into(), Json::Number);
    match *value {
        Value::Bool(value) => value.into(),
        Value::String(value) => value.into(),
        Value::F32(value) => float(value.into()),
        Value::F64(value) => float(value),
        Value::U64(value) => value.into(),
        Value::I64(value) => value.into(),
        Value::U8(value) => value.into(),
        Value::I8(value) => value.into(),
        Value::U16(value) => value.into(),
        Value::I16(value) => value.into(),
        Value::U32(value) => value.into(),
        Value::I32(value) => value.into(),
        // Arrays hold no arrays, and `to_json` takes those that are values.
        Value::Array(_) => Json::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gguf::Gguf;

    fn header(writer: &gguf::Writer) -> Vec<u8> {
        writer.begin(Vec::new()).unwrap().finish().unwrap()
    }

    #[test]
    fn metadata_comes_back_as_it_was() {
        let mut writer = gguf::Writer::new();
        writer.metadata(ARCHITECTURE, "llama").metadata("a.bool", true);
        writer.metadata("u8", 7u8).metadata("i8", -7i8).metadata("u16", 7u16).metadata("i16", 7i16);
        writer.metadata("u32", 7u32).metadata("i32", 7i32).metadata("i32.negative", -7i32);
        writer.metadata("u64", u64::MAX).metadata("u64.small", 7u64).metadata("i64", i64::MIN);
        writer.metadata("f32", 1e-5f32).metadata("f32.whole", 2.0f32).metadata("f64", 0.1f64);
        writer.metadata("f64.short", 0.5f64).metadata("inf", f32::INFINITY);
        writer.array("words", ["a", "é", ""]).array("types", [1i32, 3]).array("scores", [0.1f32]);
        writer.array("nothing", [0i16; 0]).array("flags", [true, false]);
        let file = header(&writer);
        let metadata = Gguf::parse(&file).unwrap().metadata().clone();

        let json = serde_json::to_vec(&Json::Object(from_gguf(&metadata))).unwrap();
        let smq = super::super::Writer::new(json).begin(Vec::new()).unwrap().finish().unwrap();
        let mut back = gguf::Writer::new();
        assert_eq!(to_gguf(&Smq::parse(&smq).unwrap(), &mut back), [""; 0]);
        let back = header(&back);
        let back = Gguf::parse(&back).unwrap();
        let pairs = |metadata: &Metadata<'_>| -> Vec<String> {
            metadata.iter().map(|(k, v)| format!("{k} {v:?}")).collect()
        };
        assert_eq!(pairs(back.metadata()), pairs(&metadata));
    }

    #[test]
    fn sizes_may_be_strings() {
        let json = br#"{"model_name":"m","vocab_size":"50","block_size":32,"embed_dim":"64",
            "num_layers":2,"num_heads":"4","created_utc":"2026-02-04T04:41:27Z"}"#;
        let file =
            super::super::Writer::new(&json[..]).begin(Vec::new()).unwrap().finish().unwrap();
        let mut writer = gguf::Writer::new();
        to_gguf(&Smq::parse(&file).unwrap(), &mut writer);
        let file = header(&writer);
        let gguf = Gguf::parse(&file).unwrap();
        let metadata = gguf.metadata();
        assert_eq!(metadata.str(ARCHITECTURE).unwrap(), "gpt2");
        assert_eq!(metadata.u32("gpt2.context_length").unwrap(), 32);
        assert_eq!(metadata.u32("gpt2.embedding_length").unwrap(), 64);
        assert_eq!(metadata.u32("gpt2.feed_forward_length").unwrap(), 256);
        assert_eq!(metadata.u32("gpt2.attention.head_count").unwrap(), 4);
    }

    #[test]
    fn what_gguf_cannot_say_is_a_warning() {
        let json =
            br#"{"general.architecture":"llama","nested":{"a":1},"mixed":[1,"a"],"none":null}"#;
        let file =
            super::super::Writer::new(&json[..]).begin(Vec::new()).unwrap().finish().unwrap();
        let warnings = to_gguf(&Smq::parse(&file).unwrap(), &mut gguf::Writer::new());
        assert_eq!(warnings.len(), 3);
        assert!(warnings[0].contains("\"nested\""), "{warnings:?}");
    }
}
