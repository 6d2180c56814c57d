//! Metadata values: what types there are, and how each is read, written and shown.

use std::fmt;

use super::array::Array;
use super::cursor::{Cursor, Part};
use super::error::{GgufError, shown};

/// The type of a metadata value; the discriminants are the numbers that stand in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
#[allow(missing_docs)] // The names say it.
pub enum ValueType {
    U8 = 0,
    I8 = 1,
    U16 = 2,
    I16 = 3,
    U32 = 4,
    I32 = 5,
    F32 = 6,
    Bool = 7,
    String = 8,
    Array = 9,
    U64 = 10,
    I64 = 11,
    F64 = 12,
}

/// A metadata value. Strings and arrays are borrowed from the file.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)] // The names say it.
pub enum Value<'a> {
    U8(u8),
    I8(i8),
    U16(u16),
    I16(i16),
    U32(u32),
    I32(i32),
    F32(f32),
    Bool(bool),
    String(&'a str),
    Array(Array<'a>),
    U64(u64),
    I64(i64),
    F64(f64),
}

/// A Rust type that stands for exactly one GGUF value type: the numbers, `bool` and `&str`.
pub trait Element<'a>: Into<Value<'a>> {
    /// The GGUF type.
    const TYPE: ValueType;

    /// The value, if it is of this very type; nothing is converted.
    fn exactly(value: Value<'a>) -> Option<Self>;
}

/// How a type lies in a file.
trait Stored<'a>: Sized {
    /// The width of a value, or the least one where it varies. Never zero.
    const LEAST_BYTES: u64;

    /// Reads a value of the metadata entry `key`.
    fn read(cursor: &mut Cursor<'a>, key: &str) -> Result<Self, GgufError>;

    /// Appends the value.
    fn write(&self, out: &mut Vec<u8>);

    /// Shows the value to people.
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}

macro_rules! store_numbers {
    ($($number:ty)*) => { $(
        impl<'a> Stored<'a> for $number {
            const LEAST_BYTES: u64 = size_of::<$number>() as u64;

            fn read(cursor: &mut Cursor<'a>, key: &str) -> Result<Self, GgufError> {
                cursor.array(Part::Value(key)).map(<$number>::from_le_bytes)
            }

            fn write(&self, out: &mut Vec<u8>) {
                out.extend(self.to_le_bytes());
            }

            fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{self}")
            }
        }
    )* };
}

store_numbers! { u8 i8 u16 i16 u32 i32 f32 u64 i64 f64 }

impl<'a> Stored<'a> for bool {
    const LEAST_BYTES: u64 = 1;

    fn read(cursor: &mut Cursor<'a>, key: &str) -> Result<Self, GgufError> {
        let offset = cursor.at();
        match cursor.array(Part::Value(key))? {
            [0] => Ok(false),
            [1] => Ok(true),
            [found] => Err(GgufError::Bool { key: shown(key), offset, found }),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.push((*self).into());
    }

    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl<'a> Stored<'a> for &'a str {
    /// The length field.
    const LEAST_BYTES: u64 = 8;

    fn read(cursor: &mut Cursor<'a>, key: &str) -> Result<Self, GgufError> {
        cursor.string(Part::Value(key))
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend((self.len() as u64).to_le_bytes());
        out.extend(self.as_bytes());
    }

    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", shown(self))
    }
}

/// The one list of GGUF types and the Rust types that hold them. `Array` stands apart: its elements
/// can be any of the others but no array.
macro_rules! value_types {
    ($($variant:ident($type:ty)),*) => {
        $(
            impl<'a> Element<'a> for $type {
                const TYPE: ValueType = ValueType::$variant;

                fn exactly(value: Value<'a>) -> Option<Self> {
                    match value {
                        Value::$variant(value) => Some(value),
                        _ => None,
                    }
                }
            }

            impl<'a> From<$type> for Value<'a> {
                fn from(value: $type) -> Self {
                    Value::$variant(value)
                }
            }
        )*

        impl<'a> ValueType {
            pub(crate) const ALL: &'static [ValueType] = &[$(ValueType::$variant,)* ValueType::Array];

            /// The type's name.
            pub fn name(self) -> &'static str {
                match self {
                    $(ValueType::$variant => stringify!($variant),)*
                    ValueType::Array => "Array",
                }
            }

            /// The least number of bytes that a value takes; never zero.
            pub(crate) fn least_bytes(self) -> u64 {
                match self {
                    $(ValueType::$variant => <$type as Stored<'a>>::LEAST_BYTES,)*
                    ValueType::Array => Array::LEAST_BYTES,
                }
            }
        }

        impl<'a> Value<'a> {
            /// The value's type.
            pub fn value_type(&self) -> ValueType {
                match self {
                    $(Value::$variant(_) => ValueType::$variant,)*
                    Value::Array(_) => ValueType::Array,
                }
            }

            /// Reads a value of type `kind` of the metadata entry `key`.
            pub(crate) fn read(
                kind: ValueType,
                cursor: &mut Cursor<'a>,
                key: &str,
            ) -> Result<Self, GgufError> {
                Ok(match kind {
                    $(ValueType::$variant => Value::$variant(Stored::read(cursor, key)?),)*
                    ValueType::Array => Value::Array(Array::read(cursor, key)?),
                })
            }

            /// Appends the value as a file holds it, without its type.
            pub(crate) fn encode(&self, out: &mut Vec<u8>) {
                match self {
                    $(Value::$variant(value) => value.write(out),)*
                    Value::Array(array) => array.encode(out),
                }
            }
        }

        /// For people: strings are escaped, long strings and arrays cut.
        impl fmt::Display for Value<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Value::$variant(value) => value.show(f),)*
                    Value::Array(array) => write!(f, "{array:?}"),
                }
            }
        }
    };
}

value_types! {
    U8(u8), I8(i8), U16(u16), I16(i16), U32(u32), I32(i32), F32(f32), Bool(bool), String(&'a str),
    U64(u64), I64(i64), F64(f64)
}

impl<'a> From<Array<'a>> for Value<'a> {
    fn from(array: Array<'a>) -> Self {
        Value::Array(array)
    }
}

impl ValueType {
    /// The type with this number, if GGUF defines one.
    pub fn from_id(id: u32) -> Option<Self> {
        Self::ALL.iter().copied().find(|&kind| kind as u32 == id)
    }

    /// Reads the type of the metadata entry `key`, or of its elements.
    pub(crate) fn read(cursor: &mut Cursor<'_>, key: &str) -> Result<Self, GgufError> {
        let offset = cursor.at();
        let id = cursor.u32(Part::Value(key))?;
        Self::from_id(id).ok_or_else(|| GgufError::UnknownValueType { key: shown(key), id, offset })
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Value<'_> {
    /// The value if it is an integer, of whatever width and sign.
    pub fn as_integer(&self) -> Option<i128> {
        Some(match *self {
            Value::U8(value) => value.into(),
            Value::I8(value) => value.into(),
            Value::U16(value) => value.into(),
            Value::I16(value) => value.into(),
            Value::U32(value) => value.into(),
            Value::I32(value) => value.into(),
            Value::U64(value) => value.into(),
            Value::I64(value) => value.into(),
            _ => return None,
        })
    }
}
