//! Whole tables and single rows, read row by row into buffers that are used again.

use super::guarded::Access;
use super::session::{Session, odd};
use crate::ConnectError;
use crate::source::{ReceiveRow, ScanReport};
use model::{Key, Row, ValueRef};
use std::collections::HashMap;

/// Keys that one statement looks up.
const KEYS_AT_ONCE: usize = 500;

/// Begins a transaction in which every statement sees the same moment (in InnoDB's tables).
pub(super) fn begin(session: &mut Session) -> Result<(), ConnectError> {
    let doing = "beginning a snapshot";
    session.run(
        doing,
        "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    )?;
    session.run(
        doing,
        "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
    )
}

pub(super) fn end(session: &mut Session) -> Result<(), ConnectError> {
    session.run("ending a snapshot", "ROLLBACK")
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
    let doing = format!("reading table {}", access.guarded.schema.name);
    let beyond = match access.beyond_statement() {
        Some(sql) => session.value(&doing, &sql)?.as_deref() == Some("1"),
        None => false,
    };
    let after = after.and_then(Key::values);
    let sql = access.scan_statement(after.as_deref(), most, beyond);
    let (mut buffer, mut key_buffer, mut last) = (Vec::new(), Vec::new(), Vec::new());
    session.each_row(&doing, &sql, &mut |cells| {
        let row = access.row(cells, std::mem::take(&mut buffer));
        let row = row.ok_or_else(|| odd(&doing, "a value is not of its column's type"))?;
        report.rows += 1;
        let columns = access.guarded.key.0.iter();
        let values = columns.map(|c| row.get(usize::from(*c)).unwrap_or(ValueRef::Null));
        match Key::of_reusing(std::mem::take(&mut key_buffer), values) {
            Some(key) => {
                if key.0 <= last {
                    return Err(ConnectError::KeyOrder {
                        table: access.guarded.schema.name.clone(),
                    });
                }
                each(access.number, &key, &row).map_err(ConnectError::Receiver)?;
                key_buffer = std::mem::replace(&mut last, key.0);
            }
            None => report.unreadable(access.number, None),
        }
        buffer = row.into_bytes();
        Ok(())
    })
}

/// The present rows with these keys, in the order of the keys.
pub(super) fn by_keys(
    session: &mut Session,
    access: &Access,
    keys: &[Key],
) -> Result<Vec<Option<Row>>, ConnectError> {
    let doing = format!("reading rows of {}", access.guarded.schema.name);
    let mut found: Vec<Option<Row>> = vec![None; keys.len()];
    for (part, keys) in keys.chunks(KEYS_AT_ONCE).enumerate() {
        let Some(sql) = access.read_statement(keys.iter()) else {
            continue;
        };
        let mut places: HashMap<&Key, Vec<usize>> = HashMap::with_capacity(keys.len());
        for (i, key) in keys.iter().enumerate() {
            places.entry(key).or_default().push(part * KEYS_AT_ONCE + i);
        }
        session.each_row(&doing, &sql, &mut |cells| {
            let row = access.row(cells, Vec::new());
            let row = row.ok_or_else(|| odd(&doing, "a value is not of its column's type"))?;
            let Some(key) = access.guarded.key_of(&row) else {
                return Ok(());
            };
            for place in places.get(&key).into_iter().flatten() {
                if let Some(slot) = found.get_mut(*place) {
                    *slot = Some(row.clone());
                }
            }
            Ok(())
        })?;
    }
    Ok(found)
}
