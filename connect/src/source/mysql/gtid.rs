//! How transactions are named in the binlog: MariaDB's events, MySQL's, and those with a tag.

use super::event::{Gtid, Header};
use super::reader::Reader;

pub(super) fn mariadb_gtid(header: &Header, reader: &mut Reader<'_>) -> Option<Gtid> {
    const STANDALONE: u8 = 1;
    const GROUP_COMMIT: u8 = 2;
    const PREPARED_XA: u8 = 0x40;
    const COMPLETED_XA: u8 = 0x80;
    let (sequence, domain, flags) = (reader.u64()?, reader.u32()?, reader.u8()?);
    if flags & GROUP_COMMIT != 0 {
        reader.u64()?;
    }
    let xid = match flags & (PREPARED_XA | COMPLETED_XA) {
        0 => None,
        _ => Some(xid(reader, false)?),
    };
    Some(Gtid {
        text: format!("{domain}-{}-{sequence}", header.server_id),
        standalone: Some(flags & STANDALONE != 0),
        committed_us: None,
        xid,
        completes_xa: flags & COMPLETED_XA != 0,
    })
}

/// The name of an XA transaction, as one string of bytes.
pub(super) fn xid(reader: &mut Reader<'_>, wide: bool) -> Option<Vec<u8>> {
    let mut out = reader.take(4)?.to_vec();
    let (global, branch) = match wide {
        true => (reader.u32()? as usize, reader.u32()? as usize),
        false => (usize::from(reader.u8()?), usize::from(reader.u8()?)),
    };
    out.extend_from_slice(reader.take(global.checked_add(branch)?)?);
    Some(out)
}

pub(super) fn mysql_gtid(kind: u8, reader: &mut Reader<'_>) -> Option<Gtid> {
    reader.u8()?;
    let uuid = reader.take(16)?;
    let number = reader.u64()?;
    let text = match kind {
        33 => format!("{}:{number}", uuid_text(uuid)),
        _ => String::new(),
    };
    // Kind of logical clock, two clocks, then (8.0) the commit in microseconds in 7 bytes.
    let mut committed = || {
        if reader.u8()? != 2 {
            return None;
        }
        reader.take(16)?;
        Some(reader.le(7)? & !(1 << 55))
    };
    Some(Gtid {
        text,
        standalone: None,
        committed_us: committed(),
        xid: None,
        completes_xa: false,
    })
}

fn uuid_text(bytes: &[u8]) -> String {
    let hex = model::digest::hex(bytes);
    let ends = [0, 8, 12, 16, 20, hex.len()];
    let parts = ends.windows(2).filter_map(|w| hex.get(w[0]..w[1]));
    parts.collect::<Vec<_>>().join("-")
}

/// MySQL 8.3 and later, for names with a tag: numbered fields after their version, their length
/// and the number of the last that must be known (`mysql::serialization`).
pub(super) fn tagged_gtid(reader: &mut Reader<'_>) -> Option<Gtid> {
    let (_version, _length, _known) = (varint(reader)?, varint(reader)?, varint(reader)?);
    let (mut uuid, mut number, mut tag, mut committed_us) = (None, None, "", None);
    while !reader.0.is_empty() {
        match varint(reader)? {
            1 => {
                let byte = |_| u8::try_from(varint(reader)?).ok();
                uuid = Some((0..16).map(byte).collect::<Option<Vec<u8>>>()?);
            }
            // The sign stands in the lowest bit.
            2 => number = Some(varint(reader)? >> 1),
            3 => {
                let length = usize::try_from(varint(reader)?).ok()?;
                tag = std::str::from_utf8(reader.take(length)?).ok()?;
            }
            6 => committed_us = Some(varint(reader)?),
            _ => {
                varint(reader)?;
            }
        }
    }
    Some(Gtid {
        text: format!("{}:{tag}:{}", uuid_text(&uuid?), number?),
        standalone: None,
        committed_us,
        xid: None,
        completes_xa: false,
    })
}

/// As many ones as end the first byte, so many bytes follow it.
fn varint(reader: &mut Reader<'_>) -> Option<u64> {
    let more = reader.0.first()?.trailing_ones();
    if more == 8 {
        reader.u8()?;
        return reader.u64();
    }
    Some(reader.le(more as usize + 1)? >> (more + 1))
}
