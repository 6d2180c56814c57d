//! The metadata of a file: an ordered list of keys and values, and typed questions to it.

use super::array::Array;
use super::cursor::{Cursor, Part};
use super::error::{GgufError, shown};
use super::value::{Value, ValueType};

/// The shortest entry: key length, one byte of key, type, one byte of value.
pub(crate) const LEAST_ENTRY_BYTES: u64 = 8 + 1 + 4 + 1;

/// Duplicates named one by one; a file made of nothing else should not become a million warnings.
const NAMED_DUPLICATES: usize = 8;

/// Keys and values in file order. A key that stands in the file twice has the last value.
#[derive(Clone, Debug, Default)]
pub struct Metadata<'a> {
    entries: Vec<Entry<'a>>,
    /// Indices into `entries`, sorted by key.
    by_key: Vec<usize>,
}

#[derive(Clone, Debug)]
struct Entry<'a> {
    key: &'a str,
    value: Value<'a>,
    /// Where the value (its type, that is) stands in the file.
    offset: usize,
}

/// A Rust type that a metadata value can be read as. Integers convert if the number fits, because
/// writers disagree about widths; an f64 is rounded to an f32; nothing else converts.
pub trait FromValue<'a>: Sized {
    /// The type's name, for errors.
    const NAME: &'static str;

    /// The value as this type, if it can be.
    fn from_value(value: Value<'a>) -> Option<Self>;
}

macro_rules! from_integers {
    ($($integer:ident)*) => { $(
        impl FromValue<'_> for $integer {
            const NAME: &'static str = stringify!($integer);

            fn from_value(value: Value<'_>) -> Option<Self> {
                value.as_integer()?.try_into().ok()
            }
        }
    )* };
}

from_integers! { u8 i8 u16 i16 u32 i32 u64 i64 usize }

macro_rules! from_exact {
    ($($type:ty, $name:literal, $pattern:pat => $value:expr;)*) => { $(
        impl<'a> FromValue<'a> for $type {
            const NAME: &'static str = $name;

            fn from_value(value: Value<'a>) -> Option<Self> {
                match value {
                    $pattern => Some($value),
                    _ => None,
                }
            }
        }
    )* };
}

from_exact! {
    bool, "bool", Value::Bool(value) => value;
    &'a str, "string", Value::String(value) => value;
    Array<'a>, "array", Value::Array(value) => value;
}

impl FromValue<'_> for f32 {
    const NAME: &'static str = "f32";

    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::F32(value) => Some(value),
            Value::F64(value) => Some(value as f32),
            _ => None,
        }
    }
}

impl<'a> Metadata<'a> {
    /// Number of keys.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All keys and values in file order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&'a str, &Value<'a>)> {
        self.entries.iter().map(|entry| (entry.key, &entry.value))
    }

    /// The value of `key`, of whatever type.
    pub fn get(&self, key: &str) -> Option<&Value<'a>> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The value of `key` as a `T`, or `None` if the key is absent:
    /// `metadata.find::<f32>("llama.rope.freq_base")?.unwrap_or(10000.0)`.
    ///
    /// # Errors
    ///
    /// [`GgufError::WrongType`] if the value is no `T`.
    pub fn find<T: FromValue<'a>>(&self, key: &str) -> Result<Option<T>, GgufError> {
        let Some(entry) = self.entry(key) else {
            return Ok(None);
        };
        let value = T::from_value(entry.value).ok_or_else(|| GgufError::WrongType {
            key: shown(key),
            offset: entry.offset,
            expected: T::NAME,
            found: entry.value.value_type(),
            value: entry.value.to_string(),
        })?;
        Ok(Some(value))
    }

    /// The value of `key` as a `T`.
    ///
    /// # Errors
    ///
    /// [`GgufError::MissingKey`] if the key is absent, [`GgufError::WrongType`] if the value is no `T`.
    pub fn require<T: FromValue<'a>>(&self, key: &str) -> Result<T, GgufError> {
        self.find(key)?.ok_or_else(|| GgufError::MissingKey { key: key.to_owned() })
    }

    /// The value of `key` as an unsigned integer; errors as [`require`](Self::require).
    pub fn u32(&self, key: &str) -> Result<u32, GgufError> {
        self.require(key)
    }

    /// The value of `key` as a count; errors as [`require`](Self::require).
    pub fn usize(&self, key: &str) -> Result<usize, GgufError> {
        self.require(key)
    }

    /// The value of `key` as a float; errors as [`require`](Self::require).
    pub fn f32(&self, key: &str) -> Result<f32, GgufError> {
        self.require(key)
    }

    /// The value of `key` as a bool; errors as [`require`](Self::require).
    pub fn bool(&self, key: &str) -> Result<bool, GgufError> {
        self.require(key)
    }

    /// The value of `key` as a string; errors as [`require`](Self::require).
    pub fn str(&self, key: &str) -> Result<&'a str, GgufError> {
        self.require(key)
    }

    /// The value of `key` as an array; errors as [`require`](Self::require).
    pub fn array(&self, key: &str) -> Result<Array<'a>, GgufError> {
        self.require(key)
    }

    /// Where the value of `key` stands in the file.
    pub(crate) fn offset(&self, key: &str) -> Option<usize> {
        self.entry(key).map(|entry| entry.offset)
    }

    fn entry(&self, key: &str) -> Option<&Entry<'a>> {
        let found = self.by_key.binary_search_by(|&index| self.entries[index].key.cmp(key));
        found.ok().map(|at| &self.entries[self.by_key[at]])
    }

    /// Reads `count` entries.
    pub(crate) fn read(
        cursor: &mut Cursor<'a>,
        count: u64,
        warnings: &mut Vec<String>,
    ) -> Result<Self, GgufError> {
        // No capacity is reserved: the list grows with entries that are really there.
        let mut entries = Vec::new();
        for index in 0..count {
            let key = cursor.name(Part::Key(index))?;
            let offset = cursor.at();
            let kind = ValueType::read(cursor, key)?;
            let value = Value::read(kind, cursor, key)?;
            entries.push(Entry { key, value, offset });
        }
        let mut metadata = Self { by_key: sorted_by_key(&entries), entries };
        metadata.drop_duplicates(warnings);
        Ok(metadata)
    }

    /// Keeps the last value of each key, which is what readers that fill a map do.
    fn drop_duplicates(&mut self, warnings: &mut Vec<String>) {
        let mut superseded = vec![false; self.entries.len()];
        let mut duplicates = 0;
        for pair in self.by_key.windows(2) {
            let (earlier, later) = (&self.entries[pair[0]], &self.entries[pair[1]]);
            if earlier.key == later.key {
                superseded[pair[0]] = true;
                duplicates += 1;
                if duplicates <= NAMED_DUPLICATES {
                    warnings.push(format!(
                        "metadata {:?} has a value at byte {} and another at byte {}; the last counts",
                        shown(earlier.key),
                        earlier.offset,
                        later.offset,
                    ));
                }
            }
        }
        if duplicates == 0 {
            return;
        }
        if duplicates > NAMED_DUPLICATES {
            let more = duplicates - NAMED_DUPLICATES;
            warnings.push(format!("metadata: {more} more values of duplicate keys"));
        }
        let mut superseded = superseded.into_iter();
        self.entries.retain(|_| superseded.next() == Some(false));
        self.by_key = sorted_by_key(&self.entries);
    }
}

/// Indices of the entries in the order of their keys, equal keys in file order.
fn sorted_by_key(entries: &[Entry<'_>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_by_key(|&index| entries[index].key);
    order
}
