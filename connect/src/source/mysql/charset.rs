//! Texts of other character sets as UTF-8, exactly as the server itself converts them.
//!
//! Scans let the server convert. The binlog has a column's own bytes, so the server is asked once
//! for its whole table of a character set, and both sides are equal by construction.

use super::session::{Session, bytes_literal};
use crate::ConnectError;
use std::collections::HashMap;
use std::sync::Arc;

const DOING: &str = "asking for a character set";
/// What the server writes for bytes that are no character.
const UNKNOWN: &str = "?";

/// How the bytes of a text column become UTF-8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Charset {
    /// They are UTF-8, or a part of it.
    Utf8,
    /// One byte a character.
    Single(Arc<Vec<String>>),
    /// One byte below 0x80, two from there on; indexed by lead and trail byte.
    Double(Arc<Vec<String>>),
    Utf16,
    Utf16Le,
    Utf32,
    /// Not converted: the column's own bytes, here and in scans.
    Own,
}

/// The character sets of a server's columns, each asked for once.
pub(super) type Charsets = HashMap<String, Charset>;

pub(super) fn find(session: &mut Session, name: &str) -> Result<Charset, ConnectError> {
    if let Some(known) = session.charsets.get(name) {
        return Ok(known.clone());
    }
    let charset = match name {
        "utf8" | "utf8mb3" | "utf8mb4" | "ascii" => Charset::Utf8,
        // UCS-2 has no surrogates; a lone one is no character in either.
        "utf16" | "ucs2" => Charset::Utf16,
        "utf16le" => Charset::Utf16Le,
        "utf32" => Charset::Utf32,
        "gbk" | "gb2312" | "big5" | "euckr" => double(session, name)?,
        "latin1" | "latin2" | "latin5" | "latin7" | "cp1250" | "cp1251" | "cp1256" | "cp1257"
        | "cp850" | "cp852" | "cp866" | "koi8r" | "koi8u" | "greek" | "hebrew" | "dec8" | "hp8"
        | "swe7" | "macce" | "macroman" | "keybcs2" | "armscii8" | "geostd8" | "tis620" => {
            single(session, name)?
        }
        _ => Charset::Own,
    };
    session.charsets.insert(name.to_owned(), charset.clone());
    Ok(charset)
}

/// Each byte by itself: an unknown one must not shift the others.
fn single(session: &mut Session, name: &str) -> Result<Charset, ConnectError> {
    let bytes: Vec<Vec<u8>> = (0..=0xff).map(|b| vec![b]).collect();
    Ok(Charset::Single(Arc::new(converted(session, name, &bytes)?)))
}

fn double(session: &mut Session, name: &str) -> Result<Charset, ConnectError> {
    let mut all = Vec::with_capacity(0x80 * 0x100);
    for lead in 0x80..=0xff_u8 {
        let pairs: Vec<Vec<u8>> = (0..=0xff_u8).map(|trail| vec![lead, trail]).collect();
        all.extend(converted(session, name, &pairs)?);
    }
    Ok(Charset::Double(Arc::new(all)))
}

/// What the server makes of each of these texts.
fn converted(
    session: &mut Session,
    name: &str,
    texts: &[Vec<u8>],
) -> Result<Vec<String>, ConnectError> {
    // A literal of the character set would be refused where its bytes are no character.
    let one = |text: &Vec<u8>| {
        let bytes = bytes_literal(text);
        format!("CONVERT(CAST({bytes} AS CHAR CHARACTER SET {name}) USING utf8mb4)")
    };
    let list: Vec<String> = texts.iter().map(one).collect();
    let rows = session.rows(DOING, &format!("SELECT {}", list.join(", ")))?;
    let row = rows.into_iter().next().unwrap_or_default();
    Ok(row
        .into_iter()
        .map(|cell| cell.unwrap_or_else(|| UNKNOWN.to_owned()))
        .collect())
}

impl Charset {
    /// Whether scans let the server convert.
    pub(super) fn is_converted(&self) -> bool {
        !matches!(self, Self::Utf8 | Self::Own)
    }

    /// Adds a column's bytes as UTF-8.
    pub(super) fn decode(&self, bytes: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Utf8 | Self::Own => out.extend_from_slice(bytes),
            Self::Single(table) => {
                for byte in bytes {
                    let found = table.get(usize::from(*byte));
                    out.extend_from_slice(found.map_or(UNKNOWN, String::as_str).as_bytes());
                }
            }
            Self::Double(table) => decode_double(table, bytes, out),
            Self::Utf16 => {
                let units = bytes
                    .chunks(2)
                    .map(|c| c.iter().fold(0, |n, b| n << 8 | u16::from(*b)));
                decode_utf16(units, out);
            }
            Self::Utf16Le => {
                let units = bytes.chunks(2);
                let units = units.map(|c| c.iter().rev().fold(0, |n, b| n << 8 | u16::from(*b)));
                decode_utf16(units, out);
            }
            Self::Utf32 => {
                let points = bytes.chunks(4);
                for point in points.map(|c| c.iter().fold(0, |n, b| n << 8 | u32::from(*b))) {
                    push(char::from_u32(point), out);
                }
            }
        }
    }
}

fn decode_double(table: &[String], mut bytes: &[u8], out: &mut Vec<u8>) {
    while let Some((&lead, rest)) = bytes.split_first() {
        if lead < 0x80 {
            out.push(lead);
            bytes = rest;
            continue;
        }
        let Some((&trail, rest)) = rest.split_first() else {
            out.extend_from_slice(UNKNOWN.as_bytes());
            return;
        };
        let found = table.get(usize::from(lead - 0x80) << 8 | usize::from(trail));
        out.extend_from_slice(found.map_or(UNKNOWN, String::as_str).as_bytes());
        bytes = rest;
    }
}

fn decode_utf16(units: impl Iterator<Item = u16>, out: &mut Vec<u8>) {
    for unit in char::decode_utf16(units) {
        push(unit.ok(), out);
    }
}

fn push(character: Option<char>, out: &mut Vec<u8>) {
    let mut buffer = [0; 4];
    let text = match character {
        Some(c) => c.encode_utf8(&mut buffer),
        None => UNKNOWN,
    };
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decoded(charset: &Charset, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        charset.decode(bytes, &mut out);
        out
    }

    #[test]
    fn unicode_is_decoded_here() {
        assert_eq!(
            decoded(&Charset::Utf16, b"\x4e\x2d\xd8\x3d\xde\x00"),
            "中😀".as_bytes()
        );
        assert_eq!(decoded(&Charset::Utf16Le, b"\x2d\x4e"), "中".as_bytes());
        assert_eq!(
            decoded(&Charset::Utf32, b"\x00\x01\xf6\x00"),
            "😀".as_bytes()
        );
        assert_eq!(decoded(&Charset::Utf16, b"\xd8\x3d"), b"?");
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let table = Arc::new(vec!["x".to_owned(); 7]);
            for charset in [Charset::Utf8, Charset::Single(Arc::clone(&table)),
                Charset::Double(table), Charset::Utf16, Charset::Utf16Le, Charset::Utf32, Charset::Own] {
                decoded(&charset, &bytes);
            }
        }
    }
}
