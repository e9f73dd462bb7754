//! Rows as they stand in the binlog, brought into the same canonical values as scans bring.

use super::event::Wire;
use super::kind::{self, Kind};
use super::reader::Reader;
use model::row::RowBuilder;
use model::{Row, ValueRef};
use std::fmt::Write as _;

/// Bytes of a decimal for 0 to 9 digits.
const DIGIT_BYTES: [usize; 10] = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4];

/// An image of a row: its guarded columns, and which of them it leaves out.
#[derive(Debug, PartialEq)]
pub(super) struct Image {
    pub(super) row: Row,
    pub(super) absent: Vec<u16>,
}

/// Whether values that stand so can be of this kind.
pub(super) fn fits(kind: &Kind, wire: Wire) -> bool {
    let [high, low] = wire.meta.to_be_bytes();
    match kind {
        Kind::Integer { bytes, .. } => {
            [(1, 1), (2, 2), (9, 3), (3, 4), (8, 8)].contains(&(wire.code, *bytes))
        }
        Kind::Year => wire.code == 13,
        Kind::Decimal { precision, scale } => {
            wire.code == 246 && (high, low) == (*precision, *scale)
        }
        Kind::Float => wire.code == 4,
        Kind::Double { .. } => wire.code == 5,
        Kind::Bit(bits) => wire.code == 16 && u16::from(low) + u16::from(high) * 8 == *bits,
        Kind::Date => matches!(wire.code, 10 | 14),
        Kind::Time(digits) => of_second(wire, 19, 11, *digits),
        Kind::Datetime(digits) => of_second(wire, 18, 12, *digits),
        Kind::Timestamp(digits) => of_second(wire, 17, 7, *digits),
        Kind::Text(_) => matches!(wire.code, 15 | 249..=253) || real_string(wire).is_some(),
        Kind::Bytes => matches!(wire.code, 15 | 249..=253 | 255),
        Kind::Enum(..) => matches!(wire.code, 247 | 254) && high == 247,
        Kind::Set(..) => matches!(wire.code, 248 | 254) && high == 248,
        Kind::Fixed(bytes) => real_string(wire) == Some(*bytes),
        Kind::Json => wire.code == 245,
        Kind::Uuid | Kind::Inet6 => real_string(wire) == Some(16),
        Kind::Inet4 => real_string(wire) == Some(4),
    }
}

fn of_second(wire: Wire, code: u8, old: u8, digits: u8) -> bool {
    (wire.code == code && wire.meta == u16::from(digits)) || (wire.code == old && digits == 0)
}

/// The most bytes of a CHAR or BINARY. Lengths above 255 have their upper bits, turned round, in
/// the type.
fn real_string(wire: Wire) -> Option<usize> {
    let [high, low] = wire.meta.to_be_bytes();
    if wire.code != 254 || matches!(high, 247 | 248) {
        return None;
    }
    let upper = (usize::from(high & 0x30) ^ 0x30) << 4;
    Some(upper | usize::from(low))
}

/// Reads one image; `None` when its bytes are not of these columns. `kinds`: what is guarded of
/// each column, `None` for one that is passed over.
pub(super) fn read(
    reader: &mut Reader<'_>,
    wires: &[Wire],
    kinds: &[Option<Kind>],
    present: &[u8],
) -> Option<Image> {
    read_over(reader, wires, kinds, present, None)
}

/// Reads the image behind an update in which documents may stand as what changed in them
/// (`binlog_row_value_options = PARTIAL_JSON`).
pub(super) fn read_partial(
    reader: &mut Reader<'_>,
    wires: &[Wire],
    kinds: &[Option<Kind>],
    present: &[u8],
    before: &Image,
) -> Option<Image> {
    const PARTIAL_JSON: usize = 1;
    let documents = wires.iter().filter(|w| w.code == 245).count();
    let parts = match reader.size()? {
        0 => None,
        PARTIAL_JSON => Some((reader.take(documents.div_ceil(8))?, before)),
        _ => return None,
    };
    read_over(reader, wires, kinds, present, parts)
}

/// `parts`: for each JSON column of the table, whether what changed in the image before is told.
fn read_over(
    reader: &mut Reader<'_>,
    wires: &[Wire],
    kinds: &[Option<Kind>],
    present: &[u8],
    parts: Option<(&[u8], &Image)>,
) -> Option<Image> {
    let mut document = 0;
    let is_present = |at: usize| present.get(at / 8).is_some_and(|b| b >> (at % 8) & 1 == 1);
    let count = (0..wires.len()).filter(|at| is_present(*at)).count();
    let nulls = reader.take(count.div_ceil(8))?;
    let mut builder = RowBuilder::default();
    let (mut absent, mut place, mut column) = (Vec::new(), 0, 0_u16);
    for (at, (wire, kind)) in wires.iter().zip(kinds).enumerate() {
        let part = parts.filter(|(told, _)| {
            wire.code == 245
                && told
                    .get(document / 8)
                    .is_some_and(|b| b >> (document % 8) & 1 == 1)
        });
        document += usize::from(wire.code == 245);
        if !is_present(at) {
            if kind.is_some() {
                absent.push(column);
                builder.push(ValueRef::Null);
            }
        } else {
            let null = nulls.get(place / 8)? >> (place % 8) & 1 == 1;
            place += 1;
            let value = if null {
                None
            } else {
                Some(bytes(reader, *wire)?)
            };
            match (kind, value) {
                (Some(_), Some(changes)) if let Some((_, before)) = part => {
                    if before.absent.contains(&column) {
                        return None;
                    }
                    let ValueRef::Text(text) = before.row.get(usize::from(column))? else {
                        return None;
                    };
                    let changed = super::json_parts::applied(text, changes)?;
                    builder.push(ValueRef::Text(&changed));
                }
                (Some(kind), Some(value)) => push(kind, *wire, value, &mut builder)?,
                (Some(_), None) => builder.push(ValueRef::Null),
                (None, _) => {}
            }
        }
        column += u16::from(kind.is_some());
    }
    Some(Image {
        row: builder.finish(),
        absent,
    })
}

/// The bytes of one value.
fn bytes<'a>(reader: &mut Reader<'a>, wire: Wire) -> Option<&'a [u8]> {
    let [high, low] = wire.meta.to_be_bytes();
    let fraction = usize::from(wire.meta).div_ceil(2);
    let size = match wire.code {
        1 | 13 => 1,
        2 => 2,
        9 | 10 | 11 | 14 => 3,
        3 | 4 | 7 => 4,
        5 | 8 | 12 => 8,
        6 => 0,
        16 => usize::from(high) + usize::from(low > 0),
        17 => 4 + fraction,
        18 => 5 + fraction,
        19 => 3 + fraction,
        246 => decimal_bytes(high, low)?,
        247 | 248 => usize::from(low),
        254 if matches!(high, 247 | 248) => usize::from(low),
        254 => reader.le(if real_string(wire)? > 255 { 2 } else { 1 })? as usize,
        15 | 141 | 253 => reader.le(if wire.meta > 255 { 2 } else { 1 })? as usize,
        140 | 242 | 245 | 249..=252 | 255 if (1..=4).contains(&wire.meta) => {
            reader.le(usize::from(wire.meta))? as usize
        }
        _ => return None,
    };
    reader.take(size)
}

fn push(kind: &Kind, wire: Wire, bytes: &[u8], builder: &mut RowBuilder) -> Option<()> {
    let mut reader = Reader(bytes);
    match kind {
        Kind::Integer { unsigned, .. } => push_integer(bytes, *unsigned, builder)?,
        Kind::Year => builder.push(ValueRef::Integer(match reader.u8()? {
            0 => 0,
            years => 1900 + i64::from(years),
        })),
        Kind::Decimal { precision, scale } => {
            let text = decimal(bytes, *precision, *scale)?;
            builder.push(ValueRef::Text(&kind::decimal(&text)));
        }
        Kind::Float => builder.push(ValueRef::Real(f32::from_le_bytes(reader.array()?).into())),
        Kind::Double { .. } => builder.push(ValueRef::Real(f64::from_le_bytes(reader.array()?))),
        Kind::Bit(bits) => kind::push_bits(*bits, bytes, builder),
        Kind::Date => builder.push(ValueRef::Text(date(reader.le(3)?)?.as_bytes())),
        Kind::Time(digits) => builder.push(ValueRef::Text(time(wire, bytes, *digits)?.as_bytes())),
        Kind::Datetime(digits) => {
            builder.push(ValueRef::Text(datetime(wire, bytes, *digits)?.as_bytes()));
        }
        Kind::Timestamp(digits) => {
            builder.push(ValueRef::Text(timestamp(wire, bytes, *digits)?.as_bytes()));
        }
        Kind::Text(charset) => {
            let mut text = Vec::with_capacity(bytes.len());
            charset.decode(bytes, &mut text);
            builder.push(ValueRef::Text(&text));
        }
        Kind::Enum(labels, _) => {
            let number = reader.le(bytes.len())?;
            // 0 is the value of what was no label; it reads as the empty text.
            let label = match number.checked_sub(1) {
                None => "",
                Some(at) => labels.get(usize::try_from(at).ok()?)?,
            };
            builder.push(ValueRef::Text(label.as_bytes()));
        }
        Kind::Set(labels, _) => {
            let bits = reader.le(bytes.len())?;
            if bits.checked_shr(labels.len() as u32).unwrap_or(0) != 0 {
                return None;
            }
            let chosen = labels.iter().enumerate();
            let chosen = chosen
                .filter(|(i, _)| bits >> i & 1 == 1)
                .map(|(_, l)| l.as_str());
            let text = chosen.collect::<Vec<_>>().join(",");
            builder.push(ValueRef::Text(text.as_bytes()));
        }
        Kind::Bytes => builder.push(ValueRef::Blob(bytes)),
        Kind::Fixed(length) => {
            let mut whole = bytes.to_vec();
            whole.resize((*length).max(bytes.len()), 0);
            builder.push(ValueRef::Blob(&whole));
        }
        Kind::Json => builder.push(ValueRef::Text(&super::json::from_binary(bytes)?)),
        Kind::Uuid => builder.push(ValueRef::Text(uuid(bytes)?.as_bytes())),
        Kind::Inet4 => {
            let address = std::net::Ipv4Addr::from(<[u8; 4]>::try_from(padded(bytes, 4)).ok()?);
            builder.push(ValueRef::Text(address.to_string().as_bytes()));
        }
        Kind::Inet6 => {
            let address = std::net::Ipv6Addr::from(<[u8; 16]>::try_from(padded(bytes, 16)).ok()?);
            builder.push(ValueRef::Text(address.to_string().as_bytes()));
        }
    }
    Some(())
}

fn padded(bytes: &[u8], length: usize) -> Vec<u8> {
    let mut whole = bytes.to_vec();
    whole.resize(length.max(bytes.len()), 0);
    whole
}

fn push_integer(bytes: &[u8], unsigned: bool, builder: &mut RowBuilder) -> Option<()> {
    let number = Reader(bytes).le(bytes.len())?;
    let unused = 64_u32.checked_sub(bytes.len() as u32 * 8)?;
    if unsigned {
        match i64::try_from(number) {
            Ok(number) => builder.push(ValueRef::Integer(number)),
            Err(_) => builder.push(ValueRef::Text(number.to_string().as_bytes())),
        }
    } else {
        let shifted = number.checked_shl(unused).unwrap_or(0) as i64;
        builder.push(ValueRef::Integer(shifted.checked_shr(unused).unwrap_or(0)));
    }
    Some(())
}

fn decimal_bytes(precision: u8, scale: u8) -> Option<usize> {
    let (whole, scale) = (precision.checked_sub(scale)?, usize::from(scale));
    let whole = usize::from(whole);
    Some(whole / 9 * 4 + DIGIT_BYTES[whole % 9] + scale / 9 * 4 + DIGIT_BYTES[scale % 9])
}

/// Groups of nine digits in four bytes, the first bit turned round, all bits when negative.
pub(super) fn decimal(bytes: &[u8], precision: u8, scale: u8) -> Option<Vec<u8>> {
    let negative = bytes.first()? & 0x80 == 0;
    let mut turned: Vec<u8> = bytes.to_vec();
    turned[0] ^= 0x80;
    if negative {
        turned.iter_mut().for_each(|b| *b = !*b);
    }
    let whole = usize::from(precision.checked_sub(scale)?);
    let scale = usize::from(scale);
    let mut reader = Reader(&turned);
    let mut text = String::with_capacity(usize::from(precision) + 3);
    if negative {
        text.push('-');
    }
    let mut group = |text: &mut String, digits: usize| {
        let number = reader.be(*DIGIT_BYTES.get(digits)?)?;
        if digits > 0 {
            write!(text, "{number:0digits$}").ok()?;
        }
        Some(())
    };
    group(&mut text, whole % 9)?;
    for _ in 0..whole / 9 {
        group(&mut text, 9)?;
    }
    if whole == 0 {
        text.push('0');
    }
    if scale > 0 {
        text.push('.');
    }
    for _ in 0..scale / 9 {
        group(&mut text, 9)?;
    }
    group(&mut text, scale % 9)?;
    Some(text.into_bytes())
}

/// Day in 5 bits, month in 4, year.
fn date(packed: u64) -> Option<String> {
    Some(format!(
        "{:04}-{:02}-{:02}",
        packed >> 9,
        packed >> 5 & 15,
        packed & 31
    ))
}

/// Digits behind the second as microseconds, and what stands before them.
fn with_fraction(text: &mut String, micro: u64, digits: u8) -> Option<()> {
    if digits > 0 {
        let shown = micro / 10_u64.checked_pow(6_u32.checked_sub(digits.into())?)?;
        write!(text, ".{shown:0width$}", width = usize::from(digits)).ok()?;
    }
    Some(())
}

fn fraction(bytes: &[u8]) -> Option<u64> {
    let scale = [1, 10_000, 100, 1].get(bytes.len())?;
    Some(Reader(bytes).be(bytes.len())? * scale)
}

fn datetime(wire: Wire, bytes: &[u8], digits: u8) -> Option<String> {
    let mut reader = Reader(bytes);
    if wire.code == 12 {
        let n = reader.u64()?;
        let (date, time) = (n / 1_000_000, n % 1_000_000);
        return Some(format!(
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
            date / 10_000,
            date / 100 % 100,
            date % 100,
            time / 10_000,
            time / 100 % 100,
            time % 100
        ));
    }
    let packed = reader.be(5)?.checked_sub(0x80_0000_0000)?;
    let (days, seconds) = (packed >> 17, packed & 0x1_ffff);
    let months = days >> 5;
    let mut text = format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        months / 13,
        months % 13,
        days & 31,
        seconds >> 12,
        seconds >> 6 & 63,
        seconds & 63
    );
    with_fraction(&mut text, fraction(reader.0)?, digits)?;
    Some(text)
}

fn timestamp(wire: Wire, bytes: &[u8], digits: u8) -> Option<String> {
    let mut reader = Reader(bytes);
    let seconds = match wire.code {
        7 => u64::from(reader.u32()?),
        _ => reader.be(4)?,
    };
    let micro = fraction(reader.0)?;
    let mut text = if (seconds, micro) == (0, 0) {
        // The zero of timestamps is no moment.
        "0000-00-00 00:00:00".to_owned()
    } else {
        moment(seconds)
    };
    with_fraction(&mut text, micro, digits)?;
    Some(text)
}

/// Seconds since 1970 as UTC; the civil calendar by eras of 400 years.
fn moment(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468;
    let (era, day) = (shifted / 146_097, shifted % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year + era * 400 + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}",
        second / 3_600,
        second / 60 % 60,
        second % 60
    )
}

fn time(wire: Wire, bytes: &[u8], digits: u8) -> Option<String> {
    let mut reader = Reader(bytes);
    if wire.code == 11 {
        let number = reader.le(3)?;
        let (sign, n) = match number & 0x80_0000 {
            0 => ("", number),
            _ => ("-", 0x100_0000 - number),
        };
        let (hours, minutes, seconds) = (n / 10_000, n / 100 % 100, n % 100);
        return Some(format!("{sign}{hours:02}:{minutes:02}:{seconds:02}"));
    }
    // One number: seconds in packed form and 24 bits of microseconds, offset so that it sorts.
    if !(3..=6).contains(&bytes.len()) {
        return None;
    }
    let bits = bytes.len() as u32 * 8;
    let offset = 1_i64.checked_shl(bits.checked_sub(1)?)?;
    let number = i64::try_from(reader.be(bytes.len())?).ok()? - offset;
    let (negative, number) = (number < 0, number.unsigned_abs());
    let fraction_bits = bits.checked_sub(24)?;
    let (packed, rest) = (number >> fraction_bits, number & ((1 << fraction_bits) - 1));
    let micro = rest * [1, 10_000, 100, 1].get(fraction_bits as usize / 8)?;
    let mut text = format!(
        "{}{:02}:{:02}:{:02}",
        if negative { "-" } else { "" },
        packed >> 12 & 1023,
        packed >> 6 & 63,
        packed & 63
    );
    with_fraction(&mut text, micro, digits)?;
    Some(text)
}

/// MariaDB keeps the parts of a UUID from the last to the first, so that those of version 1 sort by
/// time; from version 6 on they do so as they are.
fn uuid(bytes: &[u8]) -> Option<String> {
    let stored: [u8; 16] = padded(bytes, 16).try_into().ok()?;
    let parts: [&[u8]; 5] = if is_turned(&stored) {
        [
            &stored[12..],
            &stored[10..12],
            &stored[8..10],
            &stored[6..8],
            &stored[..6],
        ]
    } else {
        [
            &stored[..4],
            &stored[4..6],
            &stored[6..8],
            &stored[8..10],
            &stored[10..],
        ]
    };
    Some(parts.map(model::digest::hex).join("-"))
}

/// As the server tells them apart: by the variant and a version from 1 to 5, where they stand when
/// turned.
fn is_turned(stored: &[u8; 16]) -> bool {
    stored[6] & 0x80 != 0 && (1..0x60).contains(&stored[8])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::mysql::charset::Charset;
    use proptest::prelude::*;
    use std::sync::Arc;

    fn shown(kind: &Kind, wire: Wire, bytes: &[u8]) -> Option<String> {
        let mut builder = RowBuilder::default();
        push(kind, wire, bytes, &mut builder)?;
        Some(builder.finish().get(0)?.to_string())
    }

    fn wire(code: u8, meta: u16) -> Wire {
        Wire { code, meta }
    }

    /// Examples of the server's own documentation and sources.
    #[test]
    fn packed_values_are_unpacked() {
        let decimal = Kind::Decimal {
            precision: 14,
            scale: 4,
        };
        let bytes = [0x81, 0x0d, 0xfb, 0x38, 0xd2, 0x04, 0xd2];
        let of = |bytes: &[u8]| shown(&decimal, wire(246, 14 << 8 | 4), bytes);
        assert_eq!(of(&bytes).as_deref(), Some("1234567890.1234"));
        let turned: Vec<u8> = bytes.iter().map(|b| !b).collect();
        assert_eq!(of(&turned).as_deref(), Some("-1234567890.1234"));
        assert_eq!(of(&bytes[..4]), None);
        let year = |b| shown(&Kind::Year, wire(13, 0), &[b]);
        assert_eq!(
            (year(0).as_deref(), year(126).as_deref()),
            (Some("0"), Some("2026"))
        );
        let date = shown(&Kind::Date, wire(10, 0), &[0x76, 0xd5, 0x0f]);
        assert_eq!(date.as_deref(), Some("2026-11-22"));
        let old = shown(
            &Kind::Datetime(0),
            wire(12, 0),
            &20_261_122_202_325_u64.to_le_bytes(),
        );
        assert_eq!(old.as_deref(), Some("2026-11-22 20:23:25"));
        assert_eq!(moment(951_782_400), "2000-02-29 00:00:00");
        assert_eq!(moment(4_107_542_399), "2100-02-28 23:59:59");
    }

    fn kinds() -> impl Strategy<Value = Kind> {
        let labels = Arc::new(vec!["a".to_owned(), "b".to_owned()]);
        prop_oneof![
            (1..9_u8, any::<bool>())
                .prop_map(|(bytes, unsigned)| Kind::Integer { bytes, unsigned }),
            (any::<u8>(), any::<u8>())
                .prop_map(|(precision, scale)| Kind::Decimal { precision, scale }),
            any::<u16>().prop_map(Kind::Bit),
            (0..9_u8).prop_map(Kind::Time),
            (0..9_u8).prop_map(Kind::Datetime),
            (0..9_u8).prop_map(Kind::Timestamp),
            (0..300_usize).prop_map(Kind::Fixed),
            prop_oneof![
                Just(Kind::Year),
                Just(Kind::Float),
                Just(Kind::Double { rounded: false }),
                Just(Kind::Date),
                Just(Kind::Text(Charset::Utf16)),
                Just(Kind::Enum(Arc::clone(&labels), Charset::Utf8)),
                Just(Kind::Set(labels, Charset::Utf8)),
                Just(Kind::Bytes),
                Just(Kind::Json),
                Just(Kind::Uuid),
                Just(Kind::Inet4),
                Just(Kind::Inet6),
            ],
        ]
    }

    proptest! {
        #[test]
        fn no_bytes_panic(
            columns in proptest::collection::vec((kinds(), any::<u8>(), any::<u16>()), 1..12),
            present in proptest::collection::vec(any::<u8>(), 0..3),
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let wires: Vec<Wire> = columns.iter().map(|(_, c, m)| wire(*c, *m)).collect();
            let kinds: Vec<Option<Kind>> = columns.iter().map(|(k, _, _)| Some(k.clone())).collect();
            for (kind, wire) in columns.iter().map(|(k, c, m)| (k, wire(*c, *m))) {
                fits(kind, wire);
                drop(shown(kind, wire, &bytes));
            }
            drop(read(&mut Reader(&bytes), &wires, &kinds, &present));
        }
    }
}
