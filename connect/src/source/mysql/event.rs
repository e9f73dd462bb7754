//! Events of the binlog, taken apart (MySQL and MariaDB documentation, "Replication Protocol").
//!
//! Deliberately not here: what they mean together, and the values in rows. Nothing of an event is
//! believed before its length and its checksum are right; what is not understood is said.

use super::gtid::{mariadb_gtid, mysql_gtid, tagged_gtid, xid};
use super::reader::Reader;
use flate2::Crc;
use flate2::read::ZlibDecoder;
use std::borrow::Cow;
use std::io::Read;

const HEADER_BYTES: usize = 19;
const CHECKSUM_BYTES: usize = 4;
/// What a compressed event may become.
const MAX_INFLATED: u64 = 1 << 30;
/// MySQL 9.6 and later: what foreign keys did to other tables' rows stands in the log too.
const TELLS_CASCADES: u16 = 0x10;
/// A whole transaction, compressed.
pub(super) const PAYLOAD: u8 = 40;
/// The event may be passed over by who does not know it.
const IGNORABLE: u16 = 0x80;
/// The server made it up for us; it stands in no file.
const ARTIFICIAL: u16 = 0x20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) timestamp: u32,
    pub(super) kind: u8,
    pub(super) server_id: u32,
    pub(super) size: u32,
    /// Where the next event stands; its lower 32 bits.
    pub(super) next: u32,
    pub(super) flags: u16,
}

impl Header {
    pub(super) fn is_artificial(&self) -> bool {
        self.flags & ARTIFICIAL != 0
    }
}

/// What the first event of a file says of those behind it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Format {
    checksums: bool,
    /// Old servers wrote table numbers in 4 bytes.
    short_tables: bool,
}

impl Format {
    /// Of events within a compressed transaction.
    pub(super) fn of_payload(self) -> Self {
        Self {
            checksums: false,
            ..self
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// Cut off, or of another layout than is known here.
    Shape,
    Checksum,
}

#[derive(Debug, PartialEq)]
pub(super) enum Event<'a> {
    Rotate {
        position: u64,
        file: String,
    },
    Gtid(Gtid),
    Query(Query<'a>),
    /// The transaction is committed.
    Xid(u64),
    XaPrepare {
        one_phase: bool,
        xid: Vec<u8>,
    },
    TableMap(TableMap),
    Rows(Rows<'a>),
    /// The statement that the following rows come from.
    Annotate(&'a [u8]),
    Heartbeat,
    /// Says nothing of rows.
    Nothing,
    /// The server itself says that something is missing.
    Incident,
    /// What may concern rows and is not understood here.
    Beyond(&'static str),
    Unknown(u8),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gtid {
    pub(super) text: String,
    /// No transaction follows, but one event by itself; `None` where the server does not say.
    pub(super) standalone: Option<bool>,
    /// Microseconds since 1970, where the server says them.
    pub(super) committed_us: Option<u64>,
    /// Of a prepared or completed XA transaction.
    pub(super) xid: Option<Vec<u8>>,
    pub(super) completes_xa: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Query<'a> {
    pub(super) thread: u32,
    pub(super) database: &'a [u8],
    pub(super) sql: Cow<'a, [u8]>,
}

/// How a column's values stand in row images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wire {
    pub(super) code: u8,
    pub(super) meta: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TableMap {
    pub(super) id: u64,
    pub(super) database: Vec<u8>,
    pub(super) table: Vec<u8>,
    pub(super) columns: Vec<Wire>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Insert,
    Update,
    Delete,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rows<'a> {
    pub(super) action: Action,
    pub(super) table: u64,
    pub(super) columns: usize,
    /// Which columns stand in the first image, and in the one after an update; a bit each.
    pub(super) present: &'a [u8],
    pub(super) present_after: &'a [u8],
    pub(super) data: Cow<'a, [u8]>,
    /// Second images hold parts of JSON documents.
    pub(super) partial: bool,
    /// Rows that go or change with these are logged themselves.
    pub(super) tells_cascades: bool,
}

/// Splits an event into header and body, and verifies its checksum.
pub(super) fn split<'a>(event: &'a [u8], format: &Format) -> Result<(Header, &'a [u8]), Wrong> {
    let mut reader = Reader(event);
    let header = header(&mut reader).ok_or(Wrong::Shape)?;
    if header.size as usize != event.len() {
        return Err(Wrong::Shape);
    }
    let end = event.len() - CHECKSUM_BYTES.min(event.len() - HEADER_BYTES);
    let (covered, sum) = event.split_at(end);
    let is_right = || {
        let mut crc = Crc::new();
        crc.update(covered);
        sum == crc.sum().to_le_bytes()
    };
    let checksums = match header.kind {
        // The event that tells of checksums has one itself, if only it says so.
        15 => format_of(reader.0).ok_or(Wrong::Shape)?.checksums,
        // The server makes one up before anything was told of checksums.
        4 if header.next == 0 => is_right(),
        _ => format.checksums,
    };
    if !checksums {
        return Ok((header, reader.0));
    }
    if !is_right() {
        return Err(Wrong::Checksum);
    }
    Ok((header, &covered[HEADER_BYTES..]))
}

fn header(reader: &mut Reader<'_>) -> Option<Header> {
    Some(Header {
        timestamp: reader.u32()?,
        kind: reader.u8()?,
        server_id: reader.u32()?,
        size: reader.u32()?,
        next: reader.u32()?,
        flags: reader.u16()?,
    })
}

/// From the body of the first event of a file, its checksum still behind it.
pub(super) fn format_of(body: &[u8]) -> Option<Format> {
    let mut reader = Reader(body);
    if reader.u16()? != 4 {
        return None;
    }
    let version = reader.take(50)?;
    reader.u32()?;
    if usize::from(reader.u8()?) != HEADER_BYTES {
        return None;
    }
    // Lengths of the fixed parts of events, then the algorithm, then the checksum's place.
    let lengths = reader.0.len().checked_sub(1 + CHECKSUM_BYTES);
    let knows = knows_checksums(version);
    let (lengths, checksums) = match lengths.filter(|_| knows) {
        Some(length) => (&reader.0[..length], reader.0[length] == 1),
        None => (reader.0, false),
    };
    Some(Format {
        checksums,
        short_tables: lengths.get(18) == Some(&6),
    })
}

fn knows_checksums(version: &[u8]) -> bool {
    let text = String::from_utf8_lossy(version);
    if text.contains("MariaDB") {
        return true;
    }
    let mut parts = text.split(|c: char| !c.is_ascii_digit());
    let mut part = || parts.next().and_then(|p| p.parse().ok()).unwrap_or(0);
    (part(), part(), part()) >= (5_u32, 6_u32, 1_u32)
}

pub(super) fn parse<'a>(
    header: &Header,
    body: &'a [u8],
    format: &Format,
) -> Result<Event<'a>, Wrong> {
    read(header, body, format).ok_or(Wrong::Shape)
}

fn read<'a>(header: &Header, body: &'a [u8], format: &Format) -> Option<Event<'a>> {
    let mut reader = Reader(body);
    Some(match header.kind {
        2 => Event::Query(query(&mut reader, false)?),
        165 => Event::Query(query(&mut reader, true)?),
        4 => Event::Rotate {
            position: reader.u64()?,
            file: String::from_utf8_lossy(reader.0).into_owned(),
        },
        16 => Event::Xid(reader.u64()?),
        38 => Event::XaPrepare {
            one_phase: reader.u8()? != 0,
            xid: xid(&mut reader, true)?,
        },
        19 => Event::TableMap(table_map(&mut reader, format)?),
        23 | 30 | 166 | 169 => Event::Rows(rows(header.kind, Action::Insert, &mut reader, format)?),
        24 | 31 | 39 | 167 | 170 => {
            Event::Rows(rows(header.kind, Action::Update, &mut reader, format)?)
        }
        25 | 32 | 168 | 171 => Event::Rows(rows(header.kind, Action::Delete, &mut reader, format)?),
        162 => Event::Gtid(mariadb_gtid(header, &mut reader)?),
        33 | 34 => Event::Gtid(mysql_gtid(header.kind, &mut reader)?),
        42 => Event::Gtid(tagged_gtid(&mut reader)?),
        160 => Event::Annotate(reader.0),
        29 => {
            reader.u8()?;
            Event::Annotate(reader.0)
        }
        27 | 41 => Event::Heartbeat,
        26 => Event::Incident,
        // Stop, context of statements, format, checkpoints, lists of GTIDs, encryption, groups.
        3 | 5 | 13 | 14 | 15 | 28 | 35 | 36 | 37 | 161 | 163 | 164 => Event::Nothing,
        17 | 18 | 6..=12 => Event::Beyond("LOAD DATA was logged as a statement"),
        20..=22 => Event::Beyond("rows are logged in a form of before MySQL 5.1"),
        _ if header.flags & IGNORABLE != 0 => Event::Nothing,
        kind => Event::Unknown(kind),
    })
}

fn query<'a>(reader: &mut Reader<'a>, compressed: bool) -> Option<Query<'a>> {
    let thread = reader.u32()?;
    reader.u32()?;
    let database = usize::from(reader.u8()?);
    reader.u16()?;
    let variables = usize::from(reader.u16()?);
    reader.take(variables)?;
    let database = reader.take(database)?;
    reader.u8()?;
    let sql = match compressed {
        true => Cow::Owned(inflated(reader.0)?),
        false => Cow::Borrowed(reader.0),
    };
    Some(Query {
        thread,
        database,
        sql,
    })
}

fn table_number(reader: &mut Reader<'_>, format: &Format) -> Option<u64> {
    reader.le(if format.short_tables { 4 } else { 6 })
}

fn table_map(reader: &mut Reader<'_>, format: &Format) -> Option<TableMap> {
    let id = table_number(reader, format)?;
    reader.u16()?;
    let mut name = || {
        let length = usize::from(reader.u8()?);
        let name = reader.take(length)?.to_vec();
        reader.u8()?;
        Some(name)
    };
    let (database, table) = (name()?, name()?);
    let count = reader.size()?;
    let types = reader.take(count)?;
    let mut meta = Reader(reader.sized()?);
    let mut columns = Vec::with_capacity(types.len());
    for code in types {
        let meta = match code {
            4 | 5 | 140 | 242 | 245 | 249..=252 | 255 => u16::from(meta.u8()?),
            17..=19 => u16::from(meta.u8()?),
            15 | 16 | 141 | 253 => meta.u16()?,
            // The type itself and its length, the precision and the scale.
            246..=248 | 254 => meta.be(2)? as u16,
            1..=3 | 6..=14 => 0,
            _ => return None,
        };
        columns.push(Wire { code: *code, meta });
    }
    Some(TableMap {
        id,
        database,
        table,
        columns,
    })
}

fn rows<'a>(
    kind: u8,
    action: Action,
    reader: &mut Reader<'a>,
    format: &Format,
) -> Option<Rows<'a>> {
    let table = table_number(reader, format)?;
    let flags = reader.u16()?;
    if matches!(kind, 30..=32 | 39 | 169..=171) {
        let extra = usize::from(reader.u16()?);
        reader.take(extra.checked_sub(2)?)?;
    }
    let columns = reader.size()?;
    let bits = columns.div_ceil(8);
    let present = reader.take(bits)?;
    let present_after = match action {
        Action::Update => reader.take(bits)?,
        _ => present,
    };
    let data = match kind {
        166..=171 => Cow::Owned(inflated(reader.0)?),
        _ => Cow::Borrowed(reader.0),
    };
    Some(Rows {
        action,
        table,
        columns,
        present,
        present_after,
        data,
        partial: kind == 39,
        tells_cascades: kind < 160 && flags & TELLS_CASCADES != 0,
    })
}

/// MariaDB's compressed part of an event: a byte that says how, the length, zlib's stream.
fn inflated(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut reader = Reader(bytes);
    let head = reader.u8()?;
    // 0x80 and the algorithm (zlib is 0) in the upper bits, the length's length in the lower.
    if head & 0xf0 != 0x80 {
        return None;
    }
    let length = reader.be(usize::from(head & 7))?;
    if length > MAX_INFLATED {
        return None;
    }
    let mut out = Vec::new();
    let decoder = ZlibDecoder::new(reader.0);
    decoder.take(length + 1).read_to_end(&mut out).ok()?;
    (out.len() as u64 == length).then_some(out)
}

/// The events of a compressed transaction, one behind the other.
pub(super) fn unpacked(body: &[u8]) -> Option<Vec<u8>> {
    const ZSTD: u64 = 0;
    const NONE: u64 = 255;
    let mut reader = Reader(body);
    let (mut how, mut whole) = (NONE, None);
    loop {
        let field = reader.size()?;
        if field == 0 {
            break;
        }
        let mut value = Reader(reader.sized()?);
        match field {
            2 => how = value.size()? as u64,
            3 => whole = Some(value.size()? as u64),
            _ => {}
        }
    }
    if how == NONE {
        return Some(reader.0.to_vec());
    }
    let whole = whole.filter(|w| how == ZSTD && *w <= MAX_INFLATED)?;
    let mut out = Vec::new();
    let decoder = zstd::Decoder::with_buffer(reader.0).ok()?;
    decoder.take(whole + 1).read_to_end(&mut out).ok()?;
    (out.len() as u64 == whole).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event(kind: u8, body: &[u8]) -> Vec<u8> {
        let mut out = vec![1, 0, 0, 0, kind, 7, 0, 0, 0];
        out.extend_from_slice(&((HEADER_BYTES + body.len()) as u32).to_le_bytes());
        out.extend_from_slice(&[9, 0, 0, 0, 0, 0]);
        out.extend_from_slice(body);
        out
    }

    fn with_checksum(kind: u8, body: &[u8]) -> Vec<u8> {
        let mut out = event(kind, &[body, &[0; 4]].concat());
        let end = out.len() - 4;
        let mut crc = Crc::new();
        crc.update(&out[..end]);
        let sum = crc.sum().to_le_bytes();
        out[end..].copy_from_slice(&sum);
        out
    }

    const SUMMED: Format = Format {
        checksums: true,
        short_tables: false,
    };

    #[test]
    fn a_damaged_event_is_said_to_be() {
        let good = with_checksum(16, &42_u64.to_le_bytes());
        let (header, body) = split(&good, &SUMMED).unwrap();
        assert_eq!(parse(&header, body, &SUMMED), Ok(Event::Xid(42)));
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(split(&bad, &SUMMED).is_err(), "byte {at}");
            assert!(split(&good[..at], &SUMMED).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn names_of_transactions_are_read() {
        let mut body = 42_u64.to_le_bytes().to_vec();
        body.extend_from_slice(&[3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        let (header, _) = split(&event(162, &body), &Format::default())
            .map(|(h, b)| (h, b.len()))
            .unwrap();
        let Ok(Event::Gtid(gtid)) = parse(&header, &body, &Format::default()) else {
            panic!("no name");
        };
        assert_eq!(
            (gtid.text.as_str(), gtid.standalone),
            ("3-7-42", Some(true))
        );
        let mut body = vec![1];
        body.extend_from_slice(&[0xab; 16]);
        body.extend_from_slice(&5_u64.to_le_bytes());
        body.push(2);
        body.extend_from_slice(&[0; 16]);
        body.extend_from_slice(&1_700_000_000_000_001_u64.to_le_bytes()[..7]);
        let header = Header { kind: 33, ..header };
        let Ok(Event::Gtid(gtid)) = parse(&header, &body, &Format::default()) else {
            panic!("no name");
        };
        assert_eq!(gtid.text, "abababab-abab-abab-abab-abababababab:5");
        assert_eq!(gtid.committed_us, Some(1_700_000_000_000_001));
        // As MySQL 9.7.4 wrote it.
        let body = [
            0x02, 0x78, 0x00, 0x00, 0x00, 0x02, 0x69, 0x03, 0xe9, 0x03, 0xb1, 0x02, 0xcd, 0x03,
            0x99, 0x03, 0xed, 0x03, 0x22, 0xc5, 0x03, 0x65, 0x02, 0x2e, 0x04, 0xf1, 0x03, 0, 0, 0,
            0x02, 0x04, 0x04, 0x06, 0x0a, b'm', b'y', b't', b'a', b'g', 0x08, 0x08, 0x0a, 0x0c,
            0x0c, 0x7f, 0x7c, 0x95, 0x5d, 0xb1, 0xea, 0x60, 0x06, 0x10, 0x71, 0x05, 0x12, 0x83,
            0x12, 0x0b,
        ];
        let header = Header { kind: 42, ..header };
        let Ok(Event::Gtid(gtid)) = parse(&header, &body, &Format::default()) else {
            panic!("no name");
        };
        assert_eq!(gtid.text, "dafaacf3-e6fb-11f1-9917-02fc00000001:mytag:1");
        assert_eq!(gtid.committed_us, Some(1_795_410_974_578_044));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(kind in any::<u8>(), body in proptest::collection::vec(any::<u8>(), 0..200), summed in any::<bool>()) {
            let format = Format { checksums: summed, short_tables: false };
            let whole = if summed { with_checksum(kind, &body) } else { event(kind, &body) };
            if let Ok((header, body)) = split(&whole, &format) {
                drop(parse(&header, body, &format));
            }
            prop_assert!(split(&body, &format).is_err() || body.len() >= HEADER_BYTES);
            prop_assert!(format_of(&body).is_none() || body.len() > 50);
            drop(inflated(&body));
            drop(unpacked(&body));
        }

        #[test]
        fn what_is_compressed_comes_back(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            use std::io::Write as _;
            let mut block = vec![0x82];
            block.extend_from_slice(&(bytes.len() as u16).to_be_bytes());
            let mut encoder = flate2::write::ZlibEncoder::new(block, flate2::Compression::default());
            encoder.write_all(&bytes).unwrap();
            let block = encoder.finish().unwrap();
            prop_assert_eq!(inflated(&block), Some(bytes));
        }
    }
}
