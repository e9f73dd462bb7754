//! A JSON value as a cell. Digits are never lost on the way: a decimal stays the text that it was.

use model::Value;

/// How a column's values are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Integer,
    Real,
    /// With this many digits behind the point, where that is known.
    Decimal(Option<usize>),
    /// Anything else that is declared.
    Text,
    /// Nothing is declared; the values themselves tell.
    Unknown,
}

impl Kind {
    pub(super) fn of(declared: &str) -> Self {
        let declared = declared.to_ascii_lowercase();
        let base = declared.split(['(', ' ']).next().unwrap_or_default();
        if declared.ends_with(']') {
            return Self::Text;
        }
        match base {
            "" => Self::Unknown,
            "integer" | "int" | "bigint" | "smallint" | "tinyint" | "mediumint" | "int2"
            | "int4" | "int8" | "serial" | "bigserial" | "smallserial" | "year" => Self::Integer,
            "real" | "double" | "float" | "float4" | "float8" => Self::Real,
            "numeric" | "decimal" | "dec" => Self::Decimal(scale(&declared)),
            _ => Self::Text,
        }
    }
}

/// `numeric(12,2)` has 2, `numeric(12)` has 0, `numeric` any.
fn scale(declared: &str) -> Option<usize> {
    let inside = declared.split_once('(')?.1.split_once(')')?.0;
    match inside.split_once(',') {
        Some((_, scale)) => scale.trim().parse().ok(),
        None => Some(0),
    }
}

pub(super) fn cell(raw: &str, kind: Kind) -> Value {
    match raw.as_bytes().first() {
        None | Some(b'n') => Value::Null,
        Some(b't' | b'f') if kind == Kind::Integer => Value::Integer(i64::from(raw == "true")),
        Some(b't' | b'f') => Value::text(raw),
        Some(b'{' | b'[') => Value::Text(minified(raw).into_bytes()),
        Some(b'"') => {
            let text: String = serde_json::from_str(raw).unwrap_or_else(|_| raw.to_owned());
            let number = text.starts_with(|c: char| c.is_ascii_digit() || c == '-');
            match kind {
                Kind::Integer | Kind::Real | Kind::Decimal(_) if number => read_number(&text, kind),
                _ => Value::Text(text.into_bytes()),
            }
        }
        Some(_) => read_number(raw, kind),
    }
}

fn read_number(text: &str, kind: Kind) -> Value {
    let verbatim = || Value::text(text);
    match kind {
        Kind::Integer | Kind::Unknown => text.parse().map_or_else(|_| verbatim(), Value::Integer),
        Kind::Real => text.parse().map_or_else(|_| verbatim(), Value::Real),
        Kind::Decimal(Some(scale)) => Value::Text(scaled(text, scale).into_bytes()),
        Kind::Decimal(None) | Kind::Text => verbatim(),
    }
}

/// Digits behind the point of a JSON number; `None` for one with an exponent.
pub(super) fn digits_behind_point(raw: &str) -> Option<usize> {
    if raw.contains(['e', 'E']) {
        return None;
    }
    Some(raw.split_once('.').map_or(0, |(_, behind)| behind.len()))
}

/// 12.5 and 12.50 are the same amount in a column with two digits; a recorder may drop the zero.
fn scaled(text: &str, scale: usize) -> String {
    let Some(digits) = digits_behind_point(text) else {
        return text.to_owned();
    };
    let (whole, behind) = text.split_once('.').unwrap_or((text, ""));
    if digits > scale && behind[scale..].bytes().any(|b| b != b'0') {
        return text.to_owned();
    }
    if scale == 0 {
        return whole.to_owned();
    }
    let kept = &behind[..digits.min(scale)];
    format!("{whole}.{kept:0<scale$}")
}

/// JSON without white space between its tokens and with its strings escaped in one way, so that
/// the same value written by two programs is the same text.
fn minified(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(c) = rest.chars().next() {
        if c == '"' {
            let (string, tail) = rest.split_at(string_end(rest));
            match serde_json::from_str::<String>(string) {
                Ok(text) => out.push_str(&serde_json::Value::String(text).to_string()),
                Err(_) => out.push_str(string),
            }
            rest = tail;
            continue;
        }
        if !c.is_ascii_whitespace() {
            out.push(c);
        }
        rest = &rest[c.len_utf8()..];
    }
    out
}

fn string_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, b) in text.bytes().enumerate().skip(1) {
        match b {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_survive() {
        let text = |raw, declared| cell(raw, Kind::of(declared));
        assert_eq!(text("12.50", "numeric"), Value::text("12.50"));
        assert_eq!(text("12.5", "numeric(12,2)"), Value::text("12.50"));
        assert_eq!(text("12.500", "numeric(12,2)"), Value::text("12.50"));
        assert_eq!(text("12.505", "numeric(12,2)"), Value::text("12.505"));
        assert_eq!(text("-7", "decimal(10,2)"), Value::text("-7.00"));
        assert_eq!(text("\"7.1\"", "decimal(10,2)"), Value::text("7.10"));
        assert_eq!(
            text("1234567890123456789012.34", ""),
            Value::text("1234567890123456789012.34")
        );
        assert_eq!(
            text("9223372036854775807", "bigint"),
            Value::Integer(i64::MAX)
        );
        assert_eq!(
            text("18446744073709551615", "bigint(20) unsigned"),
            Value::text("18446744073709551615")
        );
        assert_eq!(text("0.1", "double precision"), Value::Real(0.1));
        assert_eq!(text("42", ""), Value::Integer(42));
        assert_eq!(text("\"42\"", "character varying"), Value::text("42"));
        assert_eq!(text("true", "boolean"), Value::text("true"));
        assert_eq!(text("true", "tinyint(1)"), Value::Integer(1));
        assert_eq!(text("null", "text"), Value::Null);
    }

    #[test]
    fn nested_values_have_one_form() {
        let a = cell("{\"a\": [1.50, \"x \\u00e9\\\" y\"]}", Kind::Text);
        let b = cell("{\"a\":[1.50,\"x é\\\" y\"]}", Kind::Unknown);
        assert_eq!(a, b);
    }
}
