//! Whole tables as binary copies, decoded row by row into buffers that are used again.

use super::guarded::{Access, array_of};
use super::kind::Kind;
use super::session::Session;
use super::wire::Reader;
use crate::ConnectError;
use crate::source::{ReceiveRow, ScanReport};
use model::row::RowBuilder;
use model::{Key, Row};

/// Keys that one statement looks up.
const KEYS_AT_ONCE: usize = 1_000;
/// `PGCOPY\n\377\r\n\0`, then flags and the length of what follows the header.
const COPY_HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// Begins a transaction in which every statement sees the same moment.
pub(super) fn begin(session: &mut Session) -> Result<(), ConnectError> {
    session.simple(
        "beginning a snapshot",
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0",
    )?;
    Ok(())
}

pub(super) fn end(session: &mut Session) -> Result<(), ConnectError> {
    session.simple("ending a snapshot", "COMMIT").map(drop)
}

/// One table, or a part of it, in key order.
pub(super) fn table(
    session: &mut Session,
    access: &Access,
    after: Option<&Key>,
    most: Option<u64>,
    report: &mut ScanReport,
    each: ReceiveRow<'_>,
) -> Result<(), ConnectError> {
    let name = &access.guarded.schema.name;
    let after = after.and_then(Key::values);
    let sql = access.copy_statement(after.as_deref(), most);
    let doing = format!("reading table {name}");
    let mut rows = Rows::new(access);
    let mut cut = false;
    let copied = session.copy(&doing, &sql, &mut |bytes| {
        let taken = rows.take(bytes, report, each)?;
        cut |= taken.is_none();
        Ok(())
    });
    copied?;
    if cut {
        return Err(session.odd(&doing, "a row of the copy is not of its columns' types"));
    }
    Ok(())
}

struct Rows<'a> {
    access: &'a Access,
    kinds: Vec<Kind>,
    begun: bool,
    row: Vec<u8>,
    key: Vec<u8>,
    last: Vec<u8>,
    scratch: Vec<u8>,
}

impl<'a> Rows<'a> {
    fn new(access: &'a Access) -> Self {
        Self {
            kinds: access.kinds(),
            access,
            begun: false,
            row: Vec::new(),
            key: Vec::new(),
            last: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// The rows of one message; `None` when it is not understood.
    fn take(
        &mut self,
        bytes: &[u8],
        report: &mut ScanReport,
        each: ReceiveRow<'_>,
    ) -> Result<Option<()>, ConnectError> {
        let mut reader = Reader(bytes);
        if !self.begun {
            let Some(()) = skip_header(&mut reader) else {
                return Ok(None);
            };
            self.begun = true;
        }
        while !reader.0.is_empty() {
            match reader.i16() {
                Some(-1) => break,
                Some(count) if count as usize == self.kinds.len() => {}
                _ => return Ok(None),
            }
            let Some(row) = self.row(&mut reader) else {
                return Ok(None);
            };
            self.hand_over(row, report, each)?;
        }
        Ok(Some(()))
    }

    fn row(&mut self, reader: &mut Reader<'_>) -> Option<Row> {
        let mut builder = RowBuilder::reusing(std::mem::take(&mut self.row));
        for kind in &self.kinds {
            match reader.i32()? {
                -1 => builder.push(model::ValueRef::Null),
                length => {
                    let bytes = reader.take(usize::try_from(length).ok()?)?;
                    kind.push_binary(bytes, &mut self.scratch, &mut builder)?;
                }
            }
        }
        Some(builder.finish())
    }

    fn hand_over(
        &mut self,
        row: Row,
        report: &mut ScanReport,
        each: ReceiveRow<'_>,
    ) -> Result<(), ConnectError> {
        report.rows += 1;
        let columns = self.access.guarded.key.0.iter();
        let values = columns.map(|c| row.get(usize::from(*c)).unwrap_or(model::ValueRef::Null));
        match Key::of_reusing(std::mem::take(&mut self.key), values) {
            Some(key) => {
                if key.0 <= self.last {
                    return Err(ConnectError::KeyOrder {
                        table: self.access.guarded.schema.name.clone(),
                    });
                }
                each(self.access.number, &key, &row).map_err(ConnectError::Receiver)?;
                self.key = std::mem::replace(&mut self.last, key.0);
            }
            None => report.unreadable(self.access.number, None),
        }
        self.row = row.into_bytes();
        Ok(())
    }
}

fn skip_header(reader: &mut Reader<'_>) -> Option<()> {
    if reader.take(COPY_HEADER.len())? != COPY_HEADER {
        return None;
    }
    let _flags = reader.u32()?;
    let extension = reader.u32()?;
    reader.take(usize::try_from(extension).ok()?)?;
    Some(())
}

/// The present rows with these keys, in the order of the keys.
pub(super) fn by_keys(
    session: &mut Session,
    access: &Access,
    keys: &[Key],
) -> Result<Vec<Option<Row>>, ConnectError> {
    let sql = access.read_statement();
    let doing = format!("reading rows of {}", access.guarded.schema.name);
    let kinds = access.kinds();
    let mut found: Vec<Option<Row>> = vec![None; keys.len()];
    let mut scratch = Vec::new();
    for (part, keys) in keys.chunks(KEYS_AT_ONCE).enumerate() {
        // A key that is none of this table's names no row.
        let texts: Vec<(usize, Vec<Vec<u8>>)> = keys
            .iter()
            .enumerate()
            .filter_map(|(i, key)| Some((i, access.key_texts(key)?)))
            .collect();
        let arrays: Vec<Vec<u8>> = (0..access.guarded.key.0.len())
            .map(|column| array_of(texts.iter().map(|(_, t)| t[column].as_slice())))
            .collect();
        let parameters: Vec<&[u8]> = arrays.iter().map(Vec::as_slice).collect();
        let mut rows = Vec::with_capacity(keys.len());
        session.each_row(&doing, &sql, &parameters, &mut |cells| {
            let place = cells
                .first()
                .copied()
                .flatten()
                .and_then(|c| std::str::from_utf8(c).ok()?.parse::<usize>().ok());
            let mut builder = RowBuilder::default();
            for (kind, cell) in kinds.iter().zip(cells.iter().skip(1)) {
                match cell {
                    Some(text) => kind.push_text(text, &mut scratch, &mut builder),
                    None => builder.push(model::ValueRef::Null),
                }
            }
            rows.push((place.unwrap_or(0), builder.finish()));
            Ok(())
        })?;
        for (place, row) in rows {
            let Some((i, _)) = place.checked_sub(1).and_then(|p| texts.get(p)) else {
                continue;
            };
            // `1.0 = 1.00` in SQL, but they are two keys.
            if access.guarded.key_of(&row).as_ref() == keys.get(*i)
                && let Some(slot) = found.get_mut(part * KEYS_AT_ONCE + i)
            {
                *slot = Some(row);
            }
        }
    }
    Ok(found)
}
