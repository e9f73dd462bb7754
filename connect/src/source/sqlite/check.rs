//! Checks across tables in the shop's own SQL; each row that one returns is a violation.

use super::super::{CheckRow, MAX_CHECK_ROWS};
use super::read::value_of;
use crate::ConnectError;
use rusqlite::Connection;

pub(super) fn run(db: &Connection, sql: &str) -> Result<Vec<CheckRow>, ConnectError> {
    let failed = |source| match source {
        rusqlite::Error::MultipleStatement => ConnectError::CheckWrites,
        source => ConnectError::Sql {
            doing: "running a check".to_owned(),
            source,
        },
    };
    let mut statement = db.prepare(sql).map_err(failed)?;
    if !statement.readonly() {
        return Err(ConnectError::CheckWrites);
    }
    if statement.column_count() != 3 {
        return Err(ConnectError::CheckColumns {
            found: statement.column_count(),
        });
    }
    let text =
        |row: &rusqlite::Row<'_>, column| row.get_ref(column).map(|v| value_of(v).to_string());
    let mut rows = statement.query([]).map_err(failed)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let read = || {
            Ok(CheckRow {
                table: text(row, 0)?,
                key: text(row, 1)?,
                detail: text(row, 2)?,
            })
        };
        found.push(read().map_err(failed)?);
        if found.len() == MAX_CHECK_ROWS {
            break;
        }
    }
    Ok(found)
}
