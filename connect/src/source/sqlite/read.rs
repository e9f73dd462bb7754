//! Rows as SQL shows them, in the canonical form. Buffers are used again from row to row.

use super::schema::Access;
use super::{ScanReport, UnreadableReason, UnreadableRow};
use crate::ConnectError;
use crate::error::ReceiverError;
use model::row::RowBuilder;
use model::{Key, Row, Value, ValueRef};
use rusqlite::Connection;
use rusqlite::types::ValueRef as SqlValue;

pub(crate) fn value_of(value: SqlValue<'_>) -> ValueRef<'_> {
    match value {
        SqlValue::Null => ValueRef::Null,
        SqlValue::Integer(i) => ValueRef::Integer(i),
        SqlValue::Real(r) => ValueRef::Real(r),
        SqlValue::Text(t) => ValueRef::Text(t),
        SqlValue::Blob(b) => ValueRef::Blob(b),
    }
}

/// A value as a parameter; text goes in as the bytes it is, UTF-8 or not.
pub(crate) fn bound(value: &Value) -> rusqlite::types::ToSqlOutput<'_> {
    use rusqlite::types::ToSqlOutput::Borrowed;
    Borrowed(match value {
        Value::Null => SqlValue::Null,
        Value::Integer(i) => SqlValue::Integer(*i),
        Value::Real(r) => SqlValue::Real(*r),
        Value::Text(t) => SqlValue::Text(t),
        Value::Blob(b) => SqlValue::Blob(b),
    })
}

/// Reads `count` columns from the column `first` on into `buffer`.
pub(super) fn read_row(
    row: &rusqlite::Row<'_>,
    first: usize,
    count: usize,
    buffer: Vec<u8>,
) -> rusqlite::Result<Row> {
    let mut builder = RowBuilder::reusing(buffer);
    for column in first..first + count {
        builder.push(value_of(row.get_ref(column)?));
    }
    Ok(builder.finish())
}

/// A row of a scan, borrowed from the scan's buffers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scanned<'a> {
    pub(super) rowid: Option<i64>,
    /// `None`: a column of the key is NULL.
    pub(super) key: Option<&'a Key>,
    pub(super) row: &'a Row,
}

/// Runs a statement of [`Access`] whose first column is the rowid (or NULL) and hands over its rows.
pub(super) fn each_row(
    db: &Connection,
    access: &Access,
    sql: &str,
    range: Option<(i64, i64)>,
    each: &mut dyn FnMut(Scanned<'_>) -> Result<(), ConnectError>,
) -> Result<(), ConnectError> {
    let name = &access.table.schema.name;
    let failed = |source| ConnectError::Sql {
        doing: format!("reading table {name}"),
        source,
    };
    let mut statement = db.prepare_cached(sql).map_err(failed)?;
    let mut rows = match range {
        Some(range) => statement.query(range),
        None => statement.query([]),
    }
    .map_err(failed)?;
    let count = access.table.schema.columns.len();
    let (mut row_buffer, mut key_buffer) = (Vec::new(), Vec::new());
    while let Some(found) = rows.next().map_err(failed)? {
        let rowid = match found.get_ref(0).map_err(failed)? {
            SqlValue::Integer(rowid) => Some(rowid),
            _ => None,
        };
        let columns = access.table.key.0.iter();
        let values = columns.map(|c| {
            found
                .get_ref(1 + usize::from(*c))
                .map_or(ValueRef::Null, value_of)
        });
        let key = Key::of_reusing(key_buffer, values);
        let row = read_row(found, 1, count, row_buffer).map_err(failed)?;
        each(Scanned {
            rowid,
            key: key.as_ref(),
            row: &row,
        })?;
        row_buffer = row.into_bytes();
        key_buffer = key.map_or_else(Vec::new, |key| key.0);
    }
    Ok(())
}

/// All rows of a table in the order of their keys; rows without a key go into the report.
pub(super) fn scan_by_key(
    db: &Connection,
    access: &Access,
    report: &mut ScanReport,
    each: &mut dyn FnMut(&Key, &Row) -> Result<(), ReceiverError>,
) -> Result<(), ConnectError> {
    each_row(db, access, &access.by_key(), None, &mut |found| {
        report.rows += 1;
        match found.key {
            Some(key) => each(key, found.row).map_err(ConnectError::Receiver),
            None => {
                report.unreadable(access.number, found.rowid);
                Ok(())
            }
        }
    })
}

/// The present rows with these keys, in the order of the keys.
pub(super) fn read_keys(
    db: &Connection,
    access: &Access,
    keys: &[Key],
) -> Result<Vec<Option<Row>>, ConnectError> {
    let name = &access.table.schema.name;
    let failed = |source| ConnectError::Sql {
        doing: format!("reading rows of {name}"),
        source,
    };
    let mut statement = db.prepare_cached(&access.by_one_key()).map_err(failed)?;
    let columns = access.table.schema.columns.len();
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        let Some(values) = key
            .values()
            .filter(|values| values.len() == access.table.key.0.len())
        else {
            found.push(None);
            continue;
        };
        let mut rows = statement
            .query(rusqlite::params_from_iter(values.iter().map(bound)))
            .map_err(failed)?;
        let mut kept = None;
        while let Some(row) = rows.next().map_err(failed)? {
            let row = read_row(row, 0, columns, Vec::new()).map_err(failed)?;
            // `1 = 1.0` in SQL, but they are two keys.
            if access.table.key_of(&row).as_ref() == Some(key) {
                kept = Some(row);
            }
        }
        found.push(kept);
    }
    Ok(found)
}

pub(super) fn null_key(table: u16, rowid: Option<i64>) -> UnreadableRow {
    UnreadableRow {
        table,
        rowid,
        reason: UnreadableReason::NullKey,
    }
}
