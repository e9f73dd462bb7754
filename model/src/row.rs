//! Rows and keys in one canonical byte form: what is compared, digested and journaled.
//!
//! A row is one buffer: `u16` column count, then for each column a tag byte and its
//! payload (integers and reals 8 bytes, texts and blobs `u32` length + bytes; big-endian).
//! Tag, length and value all stand in it, so that NULLs and concatenations cannot be confused.
//! Column names are not in it; the digest of a row binds them through the schema (see `entry`).

use crate::digest::hex;
use serde::{Deserialize, Serialize};
use std::fmt;

const NULL: u8 = 0;
const INTEGER: u8 = 1;
const REAL: u8 = 2;
const TEXT: u8 = 3;
const BLOB: u8 = 4;
/// A personal value, encrypted under its data subject's key; only in journal entries.
const SEALED: u8 = 5;

/// One value, owned. Text is bytes: a shop's text need not be UTF-8, and nothing is skipped for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    Null,
    Integer(i64),
    Real(f64),
    Text(Vec<u8>),
    Blob(Vec<u8>),
}

/// One value, borrowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ValueRef<'a> {
    Null,
    Integer(i64),
    Real(f64),
    Text(&'a [u8]),
    Blob(&'a [u8]),
    Sealed(&'a [u8]),
}

impl Value {
    pub fn text(text: &str) -> Self {
        Self::Text(text.as_bytes().to_vec())
    }
    pub fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Self::Null => ValueRef::Null,
            Self::Integer(i) => ValueRef::Integer(*i),
            Self::Real(r) => ValueRef::Real(*r),
            Self::Text(t) => ValueRef::Text(t),
            Self::Blob(b) => ValueRef::Blob(b),
        }
    }
}

impl ValueRef<'_> {
    /// An owned copy; a sealed value becomes the blob of its sealed bytes.
    pub fn to_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Integer(i) => Value::Integer(i),
            Self::Real(r) => Value::Real(r),
            Self::Text(t) => Value::Text(t.to_vec()),
            Self::Blob(b) | Self::Sealed(b) => Value::Blob(b.to_vec()),
        }
    }
    pub fn as_i64(self) -> Option<i64> {
        match self {
            Self::Integer(i) => Some(i),
            _ => None,
        }
    }
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(t) => std::str::from_utf8(t).ok(),
            _ => None,
        }
    }
}

/// For people: text as it is (broken UTF-8 with replacement marks), blobs as hex, NULL as `NULL`.
impl fmt::Display for ValueRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Integer(i) => write!(f, "{i}"),
            Self::Real(r) => write!(f, "{r}"),
            Self::Text(t) => f.write_str(&String::from_utf8_lossy(t)),
            Self::Blob(b) => write!(f, "x'{}'", hex(b)),
            Self::Sealed(_) => f.write_str("(sealed)"),
        }
    }
}

/// A row in canonical bytes. Equality is equality of bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Row {
    bytes: Vec<u8>,
}

impl Row {
    pub fn builder() -> RowBuilder {
        RowBuilder::default()
    }
    pub fn from_values<'a>(values: impl IntoIterator<Item = ValueRef<'a>>) -> Self {
        let mut builder = Self::builder();
        for value in values {
            builder.push(value);
        }
        builder.finish()
    }
    /// Takes bytes that [`Row::as_bytes`] gave; `None` when they are not a whole row.
    pub fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        let row = Self { bytes };
        let mut cells = row.cells();
        let count = cells.by_ref().take_while(Option::is_some).count();
        (row.bytes.len() >= 2 && cells.rest.is_empty() && cells.left == 0 && count == row.len())
            .then_some(row)
    }
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
    /// Gives the buffer back, for [`RowBuilder::reusing`].
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
    /// Number of columns.
    pub fn len(&self) -> usize {
        self.bytes
            .get(..2)
            .map_or(0, |b| usize::from(u16::from_be_bytes([b[0], b[1]])))
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    pub fn iter(&self) -> impl Iterator<Item = ValueRef<'_>> {
        self.cells().map_while(|cell| cell)
    }
    pub fn get(&self, column: usize) -> Option<ValueRef<'_>> {
        self.iter().nth(column)
    }
    /// Columns (by position) in which two rows of one table differ.
    pub fn differing(&self, other: &Self) -> Vec<u16> {
        let (mut mine, mut theirs) = (self.iter(), other.iter());
        let mut out = Vec::new();
        for column in 0..self.len().max(other.len()) {
            if !same(mine.next(), theirs.next()) {
                out.push(column as u16);
            }
        }
        out
    }
    /// The same row with some columns replaced; columns are by position.
    pub fn with(&self, replaced: &[(u16, Value)]) -> Self {
        Self::from_values(self.iter().enumerate().map(|(i, value)| {
            replaced
                .iter()
                .find(|(c, _)| usize::from(*c) == i)
                .map_or(value, |(_, v)| v.as_ref())
        }))
    }
    fn cells(&self) -> Cells<'_> {
        Cells {
            rest: self.bytes.get(2..).unwrap_or(&[]),
            left: self.len(),
        }
    }
}

/// Equal as stored: reals by bits, so that NaN equals itself and -0.0 differs from 0.0.
fn same(a: Option<ValueRef<'_>>, b: Option<ValueRef<'_>>) -> bool {
    match (a, b) {
        (Some(ValueRef::Real(a)), Some(ValueRef::Real(b))) => a.to_bits() == b.to_bits(),
        (a, b) => a == b,
    }
}

#[derive(Debug, Default)]
pub struct RowBuilder {
    bytes: Vec<u8>,
    count: u16,
}

impl RowBuilder {
    /// Builds into a buffer that was used before; its contents are dropped, its capacity kept.
    pub fn reusing(mut buffer: Vec<u8>) -> Self {
        buffer.clear();
        Self {
            bytes: buffer,
            count: 0,
        }
    }
    pub fn push(&mut self, value: ValueRef<'_>) {
        if self.bytes.is_empty() {
            self.bytes.extend_from_slice(&[0, 0]);
        }
        self.count += 1;
        encode(&mut self.bytes, value);
    }
    pub fn finish(mut self) -> Row {
        if self.bytes.is_empty() {
            self.bytes.extend_from_slice(&[0, 0]);
        }
        self.bytes[..2].copy_from_slice(&self.count.to_be_bytes());
        Row { bytes: self.bytes }
    }
}

/// Appends one cell in the row's form, for writers that make a row's bytes in place: first the
/// `u16` column count, then each cell.
pub fn append_cell(out: &mut Vec<u8>, value: ValueRef<'_>) {
    encode(out, value);
}

fn encode(out: &mut Vec<u8>, value: ValueRef<'_>) {
    let mut sized = |tag: u8, bytes: &[u8]| {
        out.push(tag);
        out.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
        out.extend_from_slice(bytes);
    };
    match value {
        ValueRef::Text(t) => sized(TEXT, t),
        ValueRef::Blob(b) => sized(BLOB, b),
        ValueRef::Sealed(b) => sized(SEALED, b),
        ValueRef::Null => out.push(NULL),
        ValueRef::Integer(i) => {
            out.push(INTEGER);
            out.extend_from_slice(&i.to_be_bytes());
        }
        ValueRef::Real(r) => {
            out.push(REAL);
            out.extend_from_slice(&r.to_bits().to_be_bytes());
        }
    }
}

struct Cells<'a> {
    rest: &'a [u8],
    left: usize,
}

impl<'a> Cells<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.rest.split_at_checked(n)?;
        self.rest = rest;
        Some(head)
    }
    fn cell(&mut self) -> Option<ValueRef<'a>> {
        let tag = self.take(1)?[0];
        let fixed = |bytes: &[u8]| <[u8; 8]>::try_from(bytes).ok();
        Some(match tag {
            NULL => ValueRef::Null,
            INTEGER => ValueRef::Integer(i64::from_be_bytes(fixed(self.take(8)?)?)),
            REAL => ValueRef::Real(f64::from_bits(u64::from_be_bytes(fixed(self.take(8)?)?))),
            TEXT | BLOB | SEALED => {
                let len = u32::from_be_bytes(self.take(4)?.try_into().ok()?);
                let bytes = self.take(len as usize)?;
                match tag {
                    TEXT => ValueRef::Text(bytes),
                    BLOB => ValueRef::Blob(bytes),
                    _ => ValueRef::Sealed(bytes),
                }
            }
            _ => return None,
        })
    }
}

impl<'a> Iterator for Cells<'a> {
    type Item = Option<ValueRef<'a>>;
    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        Some(self.cell())
    }
}

/// A primary key in bytes whose order (memcmp) is the order of its values:
/// NULL < integers < reals < texts < blobs, columns in sequence.
///
/// Integers: tag 1 and 8 bytes with the sign bit flipped. Reals: tag 2, IEEE 754 total
/// order. Texts and blobs: tag 3 or 4, bytes with 0x00 written as 0x00 0xFF, end 0x00 0x00.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub Vec<u8>);

impl Key {
    /// `None` when a column is NULL: such a key names no row.
    pub fn of<'a>(values: impl IntoIterator<Item = ValueRef<'a>>) -> Option<Self> {
        Self::of_reusing(Vec::with_capacity(16), values)
    }
    /// As [`Key::of`], built into a buffer that was used before.
    pub fn of_reusing<'a>(
        mut out: Vec<u8>,
        values: impl IntoIterator<Item = ValueRef<'a>>,
    ) -> Option<Self> {
        out.clear();
        for value in values {
            match value {
                ValueRef::Null | ValueRef::Sealed(_) => return None,
                ValueRef::Integer(i) => {
                    out.push(INTEGER);
                    out.extend_from_slice(&((i as u64) ^ (1 << 63)).to_be_bytes());
                }
                ValueRef::Real(r) => {
                    let bits = r.to_bits();
                    let flip = if bits >> 63 == 1 { u64::MAX } else { 1 << 63 };
                    out.push(REAL);
                    out.extend_from_slice(&(bits ^ flip).to_be_bytes());
                }
                ValueRef::Text(t) => escaped(&mut out, TEXT, t),
                ValueRef::Blob(b) => escaped(&mut out, BLOB, b),
            }
        }
        Some(Self(out))
    }
    /// The values that the key was made of; `None` when the bytes are no key.
    pub fn values(&self) -> Option<Vec<Value>> {
        let mut rest = self.0.as_slice();
        let mut out = Vec::new();
        while let Some((&tag, tail)) = rest.split_first() {
            let (value, tail) = match tag {
                INTEGER | REAL => {
                    let (head, tail) = tail.split_at_checked(8)?;
                    let bits = u64::from_be_bytes(head.try_into().ok()?);
                    let value = if tag == INTEGER {
                        Value::Integer((bits ^ (1 << 63)) as i64)
                    } else {
                        let flip = if bits >> 63 == 1 { 1 << 63 } else { u64::MAX };
                        Value::Real(f64::from_bits(bits ^ flip))
                    };
                    (value, tail)
                }
                TEXT | BLOB => {
                    let (bytes, tail) = unescape(tail)?;
                    (
                        if tag == TEXT {
                            Value::Text(bytes)
                        } else {
                            Value::Blob(bytes)
                        },
                        tail,
                    )
                }
                _ => return None,
            };
            out.push(value);
            rest = tail;
        }
        Some(out)
    }
}

fn escaped(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    for &b in bytes {
        out.push(b);
        if b == 0 {
            out.push(0xff);
        }
    }
    out.extend_from_slice(&[0, 0]);
}

fn unescape(bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut out = Vec::new();
    let mut i = 0;
    loop {
        match (*bytes.get(i)?, bytes.get(i + 1)) {
            (0, Some(0)) => return Some((out, &bytes[i + 2..])),
            (0, Some(0xff)) => {
                out.push(0);
                i += 2;
            }
            (0, _) => return None,
            (b, _) => {
                out.push(b);
                i += 1;
            }
        }
    }
}

/// For people: the values joined by commas.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = self.values().unwrap_or_default();
        let texts: Vec<String> = values.iter().map(|v| v.as_ref().to_string()).collect();
        f.write_str(&texts.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::Integer),
            any::<f64>().prop_map(Value::Real),
            proptest::collection::vec(any::<u8>(), 0..20).prop_map(Value::Text),
            proptest::collection::vec(any::<u8>(), 0..20).prop_map(Value::Blob),
        ]
    }

    proptest! {
        #[test]
        fn a_row_comes_back_from_its_bytes(values in proptest::collection::vec(value(), 0..9)) {
            let row = Row::from_values(values.iter().map(Value::as_ref));
            prop_assert_eq!(Row::from_bytes(row.as_bytes().to_vec()), Some(row.clone()));
            prop_assert_eq!(row.len(), values.len());
            prop_assert!(row.differing(&row).is_empty());
            if !values.is_empty() {
                let cut = row.as_bytes()[..row.as_bytes().len() - 1].to_vec();
                prop_assert_eq!(Row::from_bytes(cut), None);
            }
        }

        #[test]
        fn keys_order_as_their_integers(a in any::<i64>(), b in any::<i64>()) {
            let key = |i| Key::of([ValueRef::Integer(i)]).unwrap();
            prop_assert_eq!(key(a).cmp(&key(b)), a.cmp(&b));
        }

        #[test]
        fn keys_order_as_their_texts(a in proptest::collection::vec(0..3_u8, 0..6), b in proptest::collection::vec(0..3_u8, 0..6)) {
            let key = |t: &[u8]| Key::of([ValueRef::Text(t), ValueRef::Integer(1)]).unwrap();
            prop_assert_eq!(key(&a).cmp(&key(&b)), a.cmp(&b));
            prop_assert_eq!(key(&a).values().unwrap()[0].clone(), Value::Text(a));
        }
    }

    #[test]
    fn a_key_with_null_names_no_row() {
        assert_eq!(Key::of([ValueRef::Integer(1), ValueRef::Null]), None);
    }

    #[test]
    fn a_concatenation_is_not_confused() {
        let row = |a: &str, b: &str| {
            Row::from_values([ValueRef::Text(a.as_bytes()), ValueRef::Text(b.as_bytes())])
        };
        assert_ne!(row("ab", "c"), row("a", "bc"));
        assert_eq!(row("ab", "c").differing(&row("a", "bc")), vec![0, 1]);
    }
}
