//! Types of columns, and their values in canonical form: the same bytes from PostgreSQL's text
//! (the feed, single reads) and from its binary form (scans).
//!
//! Binary forms follow the servers' own `*_send` functions (src/backend/utils/adt). A type whose
//! binary form is not read here is read as the text that its own output function makes of it.

use super::moment;
use model::ValueRef;
use model::row::RowBuilder;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    /// 2, 4 or 8 bytes.
    Integer(u8),
    Float4,
    Float8,
    Numeric,
    /// The same bytes in both forms: text, varchar, json.
    Text,
    /// As text, filled with blanks.
    Padded,
    Jsonb,
    Bytea,
    Uuid,
    Date,
    Time,
    Timestamp,
    Timestamptz,
    /// The server's text.
    Other,
}

impl Kind {
    /// By the number of the type, or of a domain's base type (pg_type.dat; these never change).
    pub(super) const fn of(oid: u32) -> Self {
        match oid {
            16 => Self::Bool,
            17 => Self::Bytea,
            21 => Self::Integer(2),
            23 => Self::Integer(4),
            20 => Self::Integer(8),
            700 => Self::Float4,
            701 => Self::Float8,
            1700 => Self::Numeric,
            25 | 1043 | 114 => Self::Text,
            1042 => Self::Padded,
            3802 => Self::Jsonb,
            2950 => Self::Uuid,
            1082 => Self::Date,
            1083 => Self::Time,
            1114 => Self::Timestamp,
            1184 => Self::Timestamptz,
            _ => Self::Other,
        }
    }

    /// Appends a value in PostgreSQL's text form, made under the session settings of `session`.
    pub(super) fn push_text(self, text: &[u8], scratch: &mut Vec<u8>, out: &mut RowBuilder) {
        let parsed = std::str::from_utf8(text).ok();
        let value = match self {
            Self::Bool if text == b"t" => ValueRef::Text(b"true"),
            Self::Bool if text == b"f" => ValueRef::Text(b"false"),
            Self::Integer(_) => parsed
                .and_then(|t| t.parse().ok())
                .map_or(ValueRef::Text(text), ValueRef::Integer),
            Self::Float4 => parsed
                .and_then(|t| t.parse::<f32>().ok())
                .map_or(ValueRef::Text(text), |f| real(f64::from(f))),
            Self::Float8 => parsed
                .and_then(|t| t.parse().ok())
                .map_or(ValueRef::Text(text), real),
            Self::Bytea => match unhex(text, scratch) {
                Some(()) => ValueRef::Blob(scratch),
                None => ValueRef::Text(text),
            },
            _ => ValueRef::Text(text),
        };
        out.push(value);
    }

    /// Appends a value in binary form; `None` when the bytes are not of this kind.
    pub(super) fn push_binary(
        self,
        bytes: &[u8],
        scratch: &mut Vec<u8>,
        out: &mut RowBuilder,
    ) -> Option<()> {
        scratch.clear();
        let value = match self {
            Self::Text | Self::Padded | Self::Other => ValueRef::Text(bytes),
            Self::Bytea => ValueRef::Blob(bytes),
            Self::Jsonb => match bytes.split_first()? {
                (1, text) => ValueRef::Text(text),
                _ => return None,
            },
            Self::Bool => match bytes {
                [0] => ValueRef::Text(b"false"),
                [1] => ValueRef::Text(b"true"),
                _ => return None,
            },
            Self::Integer(_) => ValueRef::Integer(match *bytes {
                [a, b] => i16::from_be_bytes([a, b]).into(),
                [a, b, c, d] => i32::from_be_bytes([a, b, c, d]).into(),
                _ => i64_of(bytes)?,
            }),
            Self::Float4 => real(f64::from(f32::from_bits(u32::from_be_bytes(
                bytes.try_into().ok()?,
            )))),
            Self::Float8 => real(f64::from_bits(i64_of(bytes)? as u64)),
            Self::Numeric => {
                numeric(bytes, scratch)?;
                ValueRef::Text(scratch)
            }
            Self::Uuid => {
                uuid(bytes.try_into().ok()?, scratch);
                ValueRef::Text(scratch)
            }
            Self::Date => {
                moment::date(i32::from_be_bytes(bytes.try_into().ok()?), scratch);
                ValueRef::Text(scratch)
            }
            Self::Time => {
                moment::time(i64_of(bytes)?, scratch);
                ValueRef::Text(scratch)
            }
            Self::Timestamp | Self::Timestamptz => {
                let zone = if self == Self::Timestamptz { "+00" } else { "" };
                moment::timestamp(i64_of(bytes)?, zone, scratch);
                ValueRef::Text(scratch)
            }
        };
        out.push(value);
        Some(())
    }
}

fn i64_of(bytes: &[u8]) -> Option<i64> {
    Some(i64::from_be_bytes(bytes.try_into().ok()?))
}

/// There is one NaN; its sign and payload say nothing.
fn real<'a>(value: f64) -> ValueRef<'a> {
    ValueRef::Real(if value.is_nan() { f64::NAN } else { value })
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// `\x` and two digits a byte (`bytea_output = hex`).
pub(super) fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"\\x");
    for byte in bytes {
        out.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
    }
}

fn unhex(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let digits = text.strip_prefix(b"\\x")?;
    out.clear();
    let digit = |d: u8| (d as char).to_digit(16);
    for pair in digits.chunks(2) {
        let [high, low] = *pair else { return None };
        out.push((digit(high)? << 4 | digit(low)?) as u8);
    }
    Some(())
}

fn uuid(bytes: [u8; 16], out: &mut Vec<u8>) {
    for (i, byte) in bytes.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        out.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
    }
}

/// `numeric_send`: number of base 10,000 digits, weight of the first, sign, decimals shown, digits.
fn numeric(bytes: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let (head, digits) = bytes.split_at_checked(8)?;
    let field = |i: usize| u16::from_be_bytes([head[i], head[i + 1]]);
    let (count, weight, sign, scale) = (field(0), field(2) as i16, field(4), field(6));
    match sign {
        0x0000 => {}
        0x4000 => out.push(b'-'),
        0xc000 => return named(out, b"NaN"),
        0xd000 => return named(out, b"Infinity"),
        0xf000 => return named(out, b"-Infinity"),
        _ => return None,
    }
    if digits.len() != usize::from(count) * 2 {
        return None;
    }
    // Digit of weight 10,000^-place; those that are not stored are zero.
    let digit = |place: i32| {
        let i = usize::try_from(i32::from(weight) + place).ok()?;
        let pair = digits.get(i * 2..i * 2 + 2)?;
        Some(u16::from_be_bytes([pair[0], pair[1]]))
    };
    let four = |place: i32| {
        let d = digit(place).unwrap_or(0);
        [d / 1000, d / 100 % 10, d / 10 % 10, d % 10].map(|d| b'0' + (d % 10) as u8)
    };
    if weight < 0 {
        out.push(b'0');
    }
    for place in -i32::from(weight)..=0 {
        let group = four(place);
        let leading = place == -i32::from(weight);
        let zeros = group
            .iter()
            .take(3)
            .take_while(|d| leading && **d == b'0')
            .count();
        out.extend_from_slice(&group[zeros..]);
    }
    if scale > 0 {
        out.push(b'.');
        let mut left = usize::from(scale);
        for place in 1.. {
            let shown = left.min(4);
            out.extend_from_slice(&four(place)[..shown]);
            left -= shown;
            if left == 0 {
                break;
            }
        }
    }
    Some(())
}

fn named(out: &mut Vec<u8>, name: &[u8]) -> Option<()> {
    out.extend_from_slice(name);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn numeric_text(count: u16, weight: i16, sign: u16, scale: u16, digits: &[u16]) -> String {
        let mut bytes = Vec::new();
        for field in [count, weight as u16, sign, scale].iter().chain(digits) {
            bytes.extend_from_slice(&field.to_be_bytes());
        }
        let mut out = Vec::new();
        numeric(&bytes, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numerics_stand_as_the_server_writes_them() {
        assert_eq!(numeric_text(2, 0, 0, 2, &[12, 5000]), "12.50");
        assert_eq!(numeric_text(0, 0, 0, 0, &[]), "0");
        assert_eq!(numeric_text(0, 0, 0, 3, &[]), "0.000");
        assert_eq!(numeric_text(1, -1, 0x4000, 4, &[1]), "-0.0001");
        assert_eq!(numeric_text(1, -2, 0, 6, &[1200]), "0.000012");
        assert_eq!(numeric_text(1, 2, 0, 0, &[1]), "100000000");
        assert_eq!(numeric_text(0, 0, 0xc000, 0, &[]), "NaN");
        assert_eq!(numeric_text(0, 0, 0xd000, 0, &[]), "Infinity");
        assert_eq!(numeric_text(0, 0, 0xf000, 0, &[]), "-Infinity");
    }

    #[test]
    fn text_and_binary_of_simple_kinds_give_the_same_bytes() {
        let both = |kind: Kind, text: &[u8], binary: &[u8]| {
            let (mut scratch, mut a, mut b) =
                (Vec::new(), RowBuilder::default(), RowBuilder::default());
            kind.push_text(text, &mut scratch, &mut a);
            kind.push_binary(binary, &mut scratch, &mut b).unwrap();
            assert_eq!(a.finish(), b.finish(), "{kind:?}");
        };
        both(Kind::Bool, b"t", &[1]);
        both(Kind::Integer(2), b"-7", &(-7_i16).to_be_bytes());
        both(Kind::Integer(8), b"-7", &(-7_i64).to_be_bytes());
        both(Kind::Float4, b"0.1", &0.1_f32.to_be_bytes());
        both(Kind::Float8, b"NaN", &(-f64::NAN).to_be_bytes());
        both(Kind::Float8, b"-Infinity", &f64::NEG_INFINITY.to_be_bytes());
        both(Kind::Float8, b"-0", &(-0.0_f64).to_be_bytes());
        both(Kind::Bytea, b"\\x00ff", &[0, 255]);
        both(Kind::Jsonb, b"{}", b"\x01{}");
        both(
            Kind::Uuid,
            b"00010203-0405-0607-0809-0a0b0c0d0e0f",
            &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_stumble(oid in prop::sample::select(vec![16_u32, 17, 20, 21, 23, 25, 700, 701, 1082, 1083, 1114, 1184, 1700, 2950, 3802]),
                                    bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let kind = Kind::of(oid);
            let (mut scratch, mut out) = (Vec::new(), RowBuilder::default());
            kind.push_text(&bytes, &mut scratch, &mut out);
            kind.push_binary(&bytes, &mut scratch, &mut out);
        }
    }
}
