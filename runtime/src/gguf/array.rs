//! Arrays of metadata, left as they lie in the file.
//!
//! A vocabulary is an array of a hundred thousand strings. Decoding it into a `Vec` while the header
//! is parsed would cost more than the header itself, and most readers never ask for it. So an array
//! is a borrowed byte slice. It is walked once while parsing, which proves every element valid; its
//! elements are decoded when asked for.

use std::fmt;

use super::cursor::{Cursor, Part};
use super::error::{GgufError, shown};
use super::value::{Element, Value, ValueType};

/// Elements of one type, which is not itself `Array`, still encoded.
#[derive(Clone, Copy, PartialEq)]
pub struct Array<'a> {
    element: ValueType,
    len: usize,
    bytes: &'a [u8],
}

impl<'a> Array<'a> {
    /// Element type and length, the least an array takes.
    pub(crate) const LEAST_BYTES: u64 = 4 + 8;

    /// The type of the elements; never [`ValueType::Array`].
    pub fn element_type(&self) -> ValueType {
        self.element
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The elements as the file encodes them: little endian, each string with a u64 length before it.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The elements, decoded one by one.
    pub fn iter(&self) -> Values<'a> {
        Values { element: self.element, left: self.len, cursor: Cursor::new(self.bytes) }
    }

    /// The elements as `T`, or `None` if that is not their type: `array.values::<&str>()`.
    pub fn values<T: Element<'a>>(&self) -> Option<impl Iterator<Item = T> + use<'a, T>> {
        (self.element == T::TYPE).then(|| self.iter().filter_map(T::exactly))
    }

    /// Reads the array that the metadata entry `key` holds.
    pub(crate) fn read(cursor: &mut Cursor<'a>, key: &str) -> Result<Self, GgufError> {
        let offset = cursor.at();
        let element = ValueType::read(cursor, key)?;
        if element == ValueType::Array {
            let key = shown(key);
            return Err(GgufError::NestedArray { key, offset });
        }
        let part = Part::Value(key);
        let len = cursor.u64(part)?;
        // No element takes less than a byte, so what passes here bounds the walk below, too.
        let least = len.saturating_mul(element.least_bytes());
        cursor.expect(least, part)?;
        let bytes = match element {
            // Elements that vary in length or can be wrong are walked.
            ValueType::String | ValueType::Bool => {
                let mut end = cursor.clone();
                for _ in 0..len {
                    Value::read(element, &mut end, key)?;
                }
                (end.at() - cursor.at()) as u64
            }
            _ => least,
        };
        Ok(Array {
            element,
            // `len` is not more than the bytes left, and those are a usize.
            len: len as usize,
            bytes: cursor.take(bytes, part)?,
        })
    }

    /// Appends the array as a file holds it: element type, length, elements.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.extend((self.element as u32).to_le_bytes());
        out.extend((self.len as u64).to_le_bytes());
        out.extend(self.bytes);
    }
}

impl<'a> IntoIterator for Array<'a> {
    type Item = Value<'a>;
    type IntoIter = Values<'a>;

    fn into_iter(self) -> Values<'a> {
        self.iter()
    }
}

/// The elements of an [`Array`], decoded one by one.
#[derive(Clone)]
pub struct Values<'a> {
    element: ValueType,
    left: usize,
    cursor: Cursor<'a>,
}

impl<'a> Iterator for Values<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        self.left = self.left.checked_sub(1)?;
        // `Array::read` checked the elements, so there is no error to lose here.
        Value::read(self.element, &mut self.cursor, "").ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Values<'_> {}

/// `[F32; 3] 1, 2, 3`, with no more than a few elements.
impl fmt::Debug for Array<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 4;
        write!(f, "[{}; {}]", self.element, self.len)?;
        for (i, value) in self.iter().take(SHOWN).enumerate() {
            let separator = if i == 0 { " " } else { ", " };
            write!(f, "{separator}{value}")?;
        }
        if self.len > SHOWN {
            write!(f, ", ...")?;
        }
        Ok(())
    }
}
