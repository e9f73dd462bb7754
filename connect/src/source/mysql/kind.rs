//! What a column holds, and how its text from the server becomes a canonical value.

use super::charset::Charset;
use model::ValueRef;
use model::row::RowBuilder;
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Integer {
        bytes: u8,
        unsigned: bool,
    },
    Year,
    Decimal {
        precision: u8,
        scale: u8,
    },
    Float,
    Double {
        /// `DOUBLE(10,2)`: its text is rounded, so that scans ask for something else.
        rounded: bool,
    },
    Bit(u16),
    Date,
    /// Digits behind the seconds, as in the two below.
    Time(u8),
    Datetime(u8),
    Timestamp(u8),
    Text(Charset),
    Enum(Arc<Vec<String>>, Charset),
    Set(Arc<Vec<String>>, Charset),
    Bytes,
    /// `BINARY(n)`; the binlog leaves trailing zeros out.
    Fixed(usize),
    /// MySQL's; MariaDB's is a text.
    Json,
    Uuid,
    Inet4,
    Inet6,
}

/// What information_schema says of a column's type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Declared<'a> {
    pub(super) data_type: &'a str,
    pub(super) column_type: &'a str,
    pub(super) mariadb: bool,
}

impl Kind {
    /// `None` for a type that is not guarded.
    pub(super) fn of(declared: Declared<'_>, charset: Charset) -> Option<Self> {
        let Declared {
            data_type,
            column_type,
            mariadb,
        } = declared;
        let unsigned = column_type.contains(" unsigned");
        let integer = |bytes| Self::Integer { bytes, unsigned };
        let numbers = numbers(column_type);
        let first = numbers.first().copied();
        let digits = first.and_then(|n| u8::try_from(n).ok()).unwrap_or(0);
        // Formats of before MariaDB 10.1 and MySQL 5.6, and compressed columns.
        if column_type.contains("/*") {
            return None;
        }
        Some(match data_type {
            "tinyint" => integer(1),
            "smallint" => integer(2),
            "mediumint" => integer(3),
            "int" => integer(4),
            "bigint" => integer(8),
            "year" => Self::Year,
            "decimal" => Self::Decimal {
                precision: digits,
                scale: u8::try_from(*numbers.get(1).unwrap_or(&0)).ok()?,
            },
            "float" => Self::Float,
            "double" => Self::Double {
                rounded: !numbers.is_empty(),
            },
            "bit" => Self::Bit(u16::try_from(first.unwrap_or(1)).ok()?),
            "date" => Self::Date,
            "time" => Self::Time(digits),
            "datetime" => Self::Datetime(digits),
            "timestamp" => Self::Timestamp(digits),
            "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" => {
                Self::Text(charset)
            }
            "json" if mariadb => Self::Text(charset),
            "json" => Self::Json,
            "enum" => Self::Enum(Arc::new(labels(column_type)?), charset),
            "set" => Self::Set(Arc::new(labels(column_type)?), charset),
            "binary" => Self::Fixed(first.unwrap_or(1)),
            "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" | "geometry"
            | "point" | "linestring" | "polygon" | "multipoint" | "multilinestring"
            | "multipolygon" | "geometrycollection" | "geomcollection" => Self::Bytes,
            "uuid" => Self::Uuid,
            "inet4" => Self::Inet4,
            "inet6" => Self::Inet6,
            _ => return None,
        })
    }

    /// How a scan asks for the column, so that nothing is rounded and texts come as UTF-8.
    pub(super) fn selected(&self, name: &str) -> String {
        match self {
            // A product, not a sum: minus zero stays what it is.
            Self::Float | Self::Double { rounded: true } => format!("({name} * 1e0)"),
            Self::Text(charset) | Self::Enum(_, charset) | Self::Set(_, charset)
                if charset.is_converted() =>
            {
                format!("CONVERT({name} USING utf8mb4)")
            }
            Self::Json => format!("CAST({name} AS CHAR CHARACTER SET utf8mb4)"),
            _ => name.to_owned(),
        }
    }

    /// What its canonical values are sorted by, and whether an index can give that order.
    pub(super) fn ordered(&self, name: &str) -> String {
        match self {
            Self::Integer { .. }
            | Self::Year
            | Self::Float
            | Self::Double { .. }
            | Self::Bit(..=63)
            | Self::Date
            | Self::Datetime(_)
            | Self::Timestamp(_)
            | Self::Bit(_)
            | Self::Bytes
            | Self::Fixed(_) => name.to_owned(),
            Self::Decimal { .. } | Self::Time(_) | Self::Uuid | Self::Inet4 | Self::Inet6 => {
                format!("CAST(CAST({name} AS CHAR) AS BINARY)")
            }
            Self::Enum(..) | Self::Set(..) => {
                format!("CAST(CONVERT({name} USING utf8mb4) AS BINARY)")
            }
            Self::Text(_) | Self::Json => format!("CAST({} AS BINARY)", self.selected(name)),
        }
    }

    /// Unsigned numbers beyond `i64` are texts, which come behind all integers, in another order.
    pub(super) fn may_be_beyond(&self) -> bool {
        matches!(
            self,
            Self::Integer {
                bytes: 8,
                unsigned: true
            }
        )
    }

    /// A cell of a scan.
    pub(super) fn push_text(&self, cell: &[u8], builder: &mut RowBuilder) -> Option<()> {
        match self {
            Self::Integer { .. } | Self::Year => match integer(cell) {
                Some(n) => builder.push(ValueRef::Integer(n)),
                None => builder.push(ValueRef::Text(cell)),
            },
            Self::Decimal { .. } => builder.push(ValueRef::Text(&decimal(cell))),
            Self::Float | Self::Double { .. } => {
                let text = std::str::from_utf8(cell).ok()?;
                builder.push(ValueRef::Real(text.parse().ok()?));
            }
            Self::Bit(bits) => push_bits(*bits, cell, builder),
            Self::Bytes | Self::Fixed(_) => builder.push(ValueRef::Blob(cell)),
            Self::Json => builder.push(ValueRef::Text(&super::json::canonical(cell)?)),
            Self::Date
            | Self::Time(_)
            | Self::Datetime(_)
            | Self::Timestamp(_)
            | Self::Text(_)
            | Self::Enum(..)
            | Self::Set(..)
            | Self::Uuid
            | Self::Inet4
            | Self::Inet6 => builder.push(ValueRef::Text(cell)),
        }
        Some(())
    }
}

/// Up to 63 bits are a number.
pub(super) fn push_bits(bits: u16, bytes: &[u8], builder: &mut RowBuilder) {
    if bits < 64 {
        let number = bytes.iter().fold(0_i64, |n, b| n << 8 | i64::from(*b));
        builder.push(ValueRef::Integer(number));
    } else {
        builder.push(ValueRef::Blob(bytes));
    }
}

fn integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.split_first()? {
        (b'-', digits) => (true, digits),
        _ => (false, text),
    };
    let mut number = 0_i64;
    for digit in digits {
        let digit = i64::from(digit.checked_sub(b'0').filter(|d| *d < 10)?);
        number = number.checked_mul(10)?;
        number = if negative {
            number.checked_sub(digit)?
        } else {
            number.checked_add(digit)?
        };
    }
    (!digits.is_empty()).then_some(number)
}

/// Without the zeros of ZEROFILL, and without the sign of zero.
pub(super) fn decimal(text: &[u8]) -> Vec<u8> {
    let (negative, digits) = match text.split_first() {
        Some((b'-', digits)) => (true, digits),
        _ => (false, text),
    };
    let leading = digits
        .iter()
        .zip(digits.iter().skip(1))
        .take_while(|(digit, next)| **digit == b'0' && next.is_ascii_digit());
    let digits = &digits[leading.count()..];
    let zero = digits.iter().all(|d| matches!(d, b'0' | b'.'));
    let mut out = Vec::with_capacity(digits.len() + 1);
    if negative && !zero {
        out.push(b'-');
    }
    out.extend_from_slice(digits);
    out
}

/// The numbers in the first pair of brackets: `decimal(12,2) unsigned`.
fn numbers(column_type: &str) -> Vec<usize> {
    let inside = column_type.split_once('(').map_or("", |(_, rest)| rest);
    let inside = inside.split_once(')').map_or("", |(inside, _)| inside);
    let numbers = inside.split(',').map(|n| n.trim().parse().ok());
    numbers.collect::<Option<_>>().unwrap_or_default()
}

/// The labels of `enum('a','it''s')`; a backslash is written twice, and ends of lines as letters.
fn labels(column_type: &str) -> Option<Vec<String>> {
    let inside = column_type.split_once('(')?.1;
    let (mut labels, mut label, mut quoted) = (Vec::new(), String::new(), false);
    let mut rest = inside.chars().peekable();
    while let Some(c) = rest.next() {
        match (quoted, c) {
            (false, '\'') => quoted = true,
            (false, ',') => labels.push(std::mem::take(&mut label)),
            (false, ')') => {
                labels.push(label);
                return Some(labels);
            }
            (false, _) => return None,
            (true, '\'') if rest.peek() == Some(&'\'') => {
                rest.next();
                label.push('\'');
            }
            (true, '\'') => quoted = false,
            (true, '\\') => label.push(match rest.next()? {
                '0' => '\0',
                'n' => '\n',
                'r' => '\r',
                other => other,
            }),
            (true, c) => label.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(column_type: &str) -> Option<Kind> {
        let data_type = column_type.split(['(', ' ']).next().unwrap();
        let declared = Declared {
            data_type,
            column_type,
            mariadb: true,
        };
        Kind::of(declared, Charset::Utf8)
    }

    #[test]
    fn types_are_read_as_they_are_declared() {
        let unsigned = Kind::Integer {
            bytes: 8,
            unsigned: true,
        };
        assert_eq!(kind("bigint(20) unsigned zerofill"), Some(unsigned));
        let decimal = Kind::Decimal {
            precision: 12,
            scale: 2,
        };
        assert_eq!(kind("decimal(12,2)"), Some(decimal));
        assert_eq!(kind("datetime(6)"), Some(Kind::Datetime(6)));
        assert_eq!(kind("timestamp"), Some(Kind::Timestamp(0)));
        assert_eq!(kind("double(8,2)"), Some(Kind::Double { rounded: true }));
        assert_eq!(kind("datetime /* mariadb-5.3 */"), None);
        let labels = ["a,(b)", "it's", "", "b\\s\n"].map(str::to_owned).to_vec();
        let found = kind("enum('a,(b)','it''s','','b\\\\s\\n')");
        assert_eq!(found, Some(Kind::Enum(Arc::new(labels), Charset::Utf8)));
        assert_eq!(kind("vector(3)"), None);
    }

    #[test]
    fn numbers_are_kept_exactly() {
        assert_eq!(integer(b"-9223372036854775808"), Some(i64::MIN));
        assert_eq!(integer(b"9223372036854775808"), None);
        assert_eq!(integer(b"00042"), Some(42));
        assert_eq!(integer(b""), None);
        assert_eq!(decimal(b"0012.50"), b"12.50");
        assert_eq!(decimal(b"-0.00"), b"0.00");
        assert_eq!(decimal(b"-0.10"), b"-0.10");
        assert_eq!(decimal(b"000"), b"0");
    }
}
