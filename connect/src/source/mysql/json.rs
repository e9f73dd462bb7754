//! MySQL's JSON, which the binlog has in binary, brought into the text that the server prints.
//! MariaDB's JSON is a text.
//!
//! Numbers are the one thing that the two write differently: both sides go through
//! [`number`].

use super::reader::Reader;
use std::fmt::Write as _;

/// Documents nest this deep at most (MySQL allows 100).
const MAX_DEPTH: usize = 128;

/// The text that the server prints, its numbers in our form.
pub(super) fn canonical(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        match first {
            b'"' => {
                let end = end_of_string(tail)?;
                out.push(b'"');
                out.extend_from_slice(&tail[..end]);
                rest = &tail[end..];
            }
            b'-' | b'0'..=b'9' => {
                let in_number =
                    |b: &u8| matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
                let end = rest.iter().position(|b| !in_number(b));
                let (digits, tail) = rest.split_at(end.unwrap_or(rest.len()));
                out.extend_from_slice(number(std::str::from_utf8(digits).ok()?).as_bytes());
                rest = tail;
            }
            _ => {
                out.push(first);
                rest = tail;
            }
        }
    }
    Some(out)
}

/// Behind the closing quote.
pub(super) fn end_of_string(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// Whole numbers stay as they are. Others, if a double holds all their digits, become the shortest
/// text of that double; else they stay.
fn number(text: &str) -> String {
    if !text.contains(['.', 'e', 'E']) {
        return text.to_owned();
    }
    let digits = text.split(['e', 'E']).next().unwrap_or_default();
    let digits = digits
        .chars()
        .filter(char::is_ascii_digit)
        .collect::<String>();
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    match text.parse::<f64>() {
        Ok(real) if significant.len() <= 17 => format!("{real:?}"),
        _ => text.to_owned(),
    }
}

/// Binary JSON; `None` when it is cut off or of an unknown type.
pub(super) fn from_binary(bytes: &[u8]) -> Option<Vec<u8>> {
    // An empty value is what an empty text was before the column became JSON.
    let Some((&kind, body)) = bytes.split_first() else {
        return Some(Vec::new());
    };
    let mut out = String::new();
    value(kind, body, 0, &mut out)?;
    Some(out.into_bytes())
}

fn value(kind: u8, body: &[u8], depth: usize, out: &mut String) -> Option<()> {
    if depth > MAX_DEPTH {
        return None;
    }
    let mut reader = Reader(body);
    match kind {
        0..=3 => container(kind, body, depth, out)?,
        4 => out.push_str(match reader.u8()? {
            0 => "null",
            1 => "true",
            2 => "false",
            _ => return None,
        }),
        5 => write!(out, "{}", reader.u16()? as i16).ok()?,
        6 => write!(out, "{}", reader.u16()?).ok()?,
        7 => write!(out, "{}", reader.u32()? as i32).ok()?,
        8 => write!(out, "{}", reader.u32()?).ok()?,
        9 => write!(out, "{}", reader.u64()? as i64).ok()?,
        10 => write!(out, "{}", reader.u64()?).ok()?,
        11 => write!(out, "{:?}", f64::from_le_bytes(reader.array()?)).ok()?,
        12 => {
            let length = variable(&mut reader)?;
            string(reader.take(length)?, out);
        }
        15 => opaque(&mut reader, out)?,
        _ => return None,
    }
    Some(())
}

/// Objects (0 and 1) and arrays (2 and 3), small (even) and large.
fn container(kind: u8, body: &[u8], depth: usize, out: &mut String) -> Option<()> {
    let (object, width) = (kind < 2, if matches!(kind, 0 | 2) { 2 } else { 4 });
    let mut reader = Reader(body);
    let count = reader.le(width)? as usize;
    let size = reader.le(width)? as usize;
    let body = body.get(..size)?;
    let mut keys = Vec::new();
    if object {
        for _ in 0..count.min(body.len()) {
            let (at, length) = (reader.le(width)? as usize, reader.u16()? as usize);
            keys.push(body.get(at..at.checked_add(length)?)?);
        }
    }
    out.push(if object { '{' } else { '[' });
    for i in 0..count.min(body.len()) {
        if i > 0 {
            out.push_str(", ");
        }
        if object {
            string(keys.get(i)?, out);
            out.push_str(": ");
        }
        let kind = reader.u8()?;
        let place = reader.take(width)?;
        // Small values stand in their entry, others where it points to.
        let inlined = matches!(kind, 4..=6) || (width == 4 && matches!(kind, 7 | 8));
        if inlined {
            value(kind, place, depth + 1, out)?;
        } else {
            let at = Reader(place).le(width)? as usize;
            value(kind, body.get(at..)?, depth + 1, out)?;
        }
    }
    out.push(if object { '}' } else { ']' });
    Some(())
}

/// Seven bits a byte, the lowest first.
fn variable(reader: &mut Reader<'_>) -> Option<usize> {
    let mut length = 0_usize;
    for shift in (0..35).step_by(7) {
        let byte = reader.u8()?;
        length |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(length);
        }
    }
    None
}

pub(super) fn string(bytes: &[u8], out: &mut String) {
    out.push('"');
    for c in String::from_utf8_lossy(bytes).chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c < ' ' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Decimals, dates and times; other values of SQL as the server prints them.
fn opaque(reader: &mut Reader<'_>, out: &mut String) -> Option<()> {
    let kind = reader.u8()?;
    let length = variable(reader)?;
    let bytes = reader.take(length)?;
    let packed = || {
        let number = i64::from_le_bytes(bytes.try_into().ok()?);
        Some((number < 0, number.unsigned_abs()))
    };
    match kind {
        246 => {
            let (precision, scale) = (*bytes.first()?, *bytes.get(1)?);
            let text = super::image::decimal(bytes.get(2..)?, precision, scale)?;
            out.push_str(&number(
                std::str::from_utf8(&super::kind::decimal(&text)).ok()?,
            ));
        }
        10 => {
            let days = packed()?.1 >> 41;
            let months = days >> 5;
            write!(
                out,
                "\"{:04}-{:02}-{:02}\"",
                months / 13,
                months % 13,
                days & 31
            )
            .ok()?;
        }
        7 | 12 => {
            let (_, number) = packed()?;
            let (days, seconds, micro) =
                (number >> 41, number >> 24 & 0x1_ffff, number & 0xff_ffff);
            let months = days >> 5;
            let date = format!("{:04}-{:02}-{:02}", months / 13, months % 13, days & 31);
            write!(out, "\"{date} {}.{micro:06}\"", clock(seconds)).ok()?;
        }
        11 => {
            let (negative, number) = packed()?;
            let sign = if negative { "-" } else { "" };
            let (seconds, micro) = (number >> 24 & 0x3f_ffff, number & 0xff_ffff);
            write!(out, "\"{sign}{}.{micro:06}\"", clock(seconds)).ok()?;
        }
        // Bytes of another type: base64 in the server's text, which is compared by nobody here.
        _ => return None,
    }
    Some(())
}

fn clock(packed: u64) -> String {
    format!(
        "{:02}:{:02}:{:02}",
        packed >> 12 & 1023,
        packed >> 6 & 63,
        packed & 63
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_forms_become_the_same_text() {
        // {"a": 1, "b": [true, 2.5]}, laid out as the documentation describes.
        let array = [2, 0, 18, 0, 4, 1, 0, 11, 10, 0, 0, 0, 0, 0, 0, 0, 4, 0x40];
        let mut binary = vec![
            0, 2, 0, 38, 0, 18, 0, 1, 0, 19, 0, 1, 0, 5, 1, 0, 2, 20, 0, b'a', b'b',
        ];
        binary.extend_from_slice(&array);
        let text = String::from_utf8(from_binary(&binary).unwrap()).unwrap();
        assert_eq!(text, r#"{"a": 1, "b": [true, 2.5]}"#);
        let printed = canonical(br#"{"a": 1, "b": [true, 2.50]}"#).unwrap();
        assert_eq!(printed, text.as_bytes());
    }

    #[test]
    fn numbers_keep_their_digits() {
        assert_eq!(number("12345678901234567890"), "12345678901234567890");
        assert_eq!(number("12.50"), "12.5");
        assert_eq!(number("1e20"), "1e20");
        assert_eq!(
            number("0.1234567890123456789012"),
            "0.1234567890123456789012"
        );
        assert_eq!(
            canonical(br#"{"1.50": "2.50\"3.0"}"#).unwrap(),
            br#"{"1.50": "2.50\"3.0"}"#
        );
        assert_eq!(canonical(br#""open"#), None);
    }

    proptest! {
        #[test]
        fn nothing_panics(kind in 0..16_u8, bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let mut whole = vec![kind];
            whole.extend_from_slice(&bytes);
            drop(from_binary(&whole));
            drop(canonical(&bytes));
        }
    }
}
