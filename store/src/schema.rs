//! The numbered scripts that make the schema, run in one transaction, and the refusal of a newer one.

use crate::StoreError;
use crate::error::sql;
use rusqlite::Connection;
use std::path::Path;

/// Script `n` (from 1) brings version `n - 1` to `n`. A published script is never edited.
const SCRIPTS: [&str; 1] = [include_str!("schema/0001_start.sql")];

/// Marks the file as Balefire's ("BFIR").
const APPLICATION_ID: i32 = 0x4246_4952;

/// Brings the file to the newest version.
///
/// A crash before the commit leaves the old version as it was; after it, the new one is complete.
pub(crate) fn migrate(db: &Connection, path: &Path) -> Result<(), StoreError> {
    let known = SCRIPTS.len() as u32;
    refuse_foreign(db, path)?;
    db.execute_batch("BEGIN IMMEDIATE")
        .map_err(sql("begin the migration"))?;
    let found = version(db)?;
    if found > known {
        db.execute_batch("ROLLBACK")
            .map_err(sql("leave the newer schema alone"))?;
        return Err(StoreError::Newer {
            path: path.to_owned(),
            found,
            known,
        });
    }
    for (script, number) in SCRIPTS.iter().zip(1..).skip(found as usize) {
        db.execute_batch(script)
            .map_err(sql("run a migration script"))?;
        db.execute("UPDATE schema_version SET version = ?1", [number])
            .map_err(sql("note the schema version"))?;
    }
    db.pragma_update(None, "application_id", APPLICATION_ID)
        .map_err(sql("mark the file"))?;
    db.execute_batch("COMMIT")
        .map_err(sql("commit the migration"))
}

fn refuse_foreign(db: &Connection, path: &Path) -> Result<(), StoreError> {
    let id: i32 = db
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .map_err(sql("read the file's mark"))?;
    let tables: i64 = db
        .query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))
        .map_err(sql("read the schema"))?;
    if id == APPLICATION_ID || tables == 0 {
        return Ok(());
    }
    Err(StoreError::Damaged {
        path: path.to_owned(),
        detail: "it is a database of another program".to_owned(),
    })
}

fn version(db: &Connection) -> Result<u32, StoreError> {
    db.execute_batch(
        "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL);
         INSERT INTO schema_version SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM schema_version);",
    )
    .map_err(sql("read the schema version"))?;
    db.query_row("SELECT version FROM schema_version", [], |row| row.get(0))
        .map_err(sql("read the schema version"))
}
