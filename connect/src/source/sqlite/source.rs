//! A shop's file as a whole: which tables it has, and their rows at one moment.

use super::open::{open_read_only, translate};
use super::read::{read_keys, scan_by_key};
use super::schema::{Access, read_table, read_tables};
use super::{CheckRow, GuardedTable, ScanReport};
use crate::ConnectError;
use crate::error::ReceiverError;
use model::{Key, Observed, Row, TableSchema};
use rusqlite::Connection;
use std::path::{Path, PathBuf};

/// Reads a shop's file without guarding it: schema, audits, single rows.
#[derive(Debug)]
pub struct SqliteSource {
    path: PathBuf,
    db: Connection,
}

impl SqliteSource {
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ConnectError> {
        let path = path.as_ref().to_owned();
        let db = open_read_only(&path)?;
        Ok(Self { path, db })
    }

    /// All tables, by name.
    pub fn tables(&self) -> Result<Vec<TableSchema>, ConnectError> {
        read_tables(&self.db).map_err(|e| translate(&self.path, "reading the schema", e))
    }

    pub fn schema(&self, table: &str) -> Result<TableSchema, ConnectError> {
        read_table(&self.db, table)
            .map_err(|e| translate(&self.path, "reading the schema", e))?
            .ok_or_else(|| ConnectError::TableMissing {
                table: table.to_owned(),
            })
    }

    /// Whether the file is in WAL mode, in which readers and writers do not wait for each other.
    pub fn is_wal(&self) -> Result<bool, ConnectError> {
        wal_mode(&self.db).map_err(|e| translate(&self.path, "reading the journal mode", e))
    }

    /// All rows of one table in key order; `number` goes into [`Observed::table`].
    pub fn scan(
        &self,
        number: u16,
        table: &GuardedTable,
        each: &mut dyn FnMut(Observed) -> Result<(), ReceiverError>,
    ) -> Result<ScanReport, ConnectError> {
        self.scan_borrowed(number, table, &mut |key, row| {
            each(Observed::state(number, key.clone(), Some(row.clone())))
        })
    }

    /// As [`Self::scan`], without a copy of each row: for audits.
    pub fn scan_borrowed(
        &self,
        number: u16,
        table: &GuardedTable,
        each: &mut dyn FnMut(&Key, &Row) -> Result<(), ReceiverError>,
    ) -> Result<ScanReport, ConnectError> {
        let access = Access::find(&self.db, number, table)?;
        let mut report = ScanReport::default();
        scan_by_key(&self.db, &access, &mut report, each)?;
        Ok(report)
    }

    /// All rows of all tables, at one moment, table by table in key order.
    pub fn scan_all(
        &self,
        tables: &[GuardedTable],
        each: &mut dyn FnMut(u16, &Key, &Row) -> Result<(), ReceiverError>,
    ) -> Result<ScanReport, ConnectError> {
        let snapshot = self
            .db
            .unchecked_transaction()
            .map_err(|e| translate(&self.path, "beginning to read", e))?;
        let mut report = ScanReport::default();
        for (number, table) in tables.iter().enumerate() {
            let number = number as u16;
            let access = Access::find(&snapshot, number, table)?;
            scan_by_key(&snapshot, &access, &mut report, &mut |key, row| {
                each(number, key, row)
            })?;
        }
        Ok(report)
    }

    /// The present rows with these keys.
    pub fn read(
        &self,
        table: &GuardedTable,
        keys: &[Key],
    ) -> Result<Vec<Option<Row>>, ConnectError> {
        read_keys(&self.db, &Access::find(&self.db, 0, table)?, keys)
    }

    /// Runs one of the shop's own checks.
    pub fn check(&self, sql: &str) -> Result<Vec<CheckRow>, ConnectError> {
        super::check::run(&self.db, sql)
    }
}

pub(super) fn wal_mode(db: &Connection) -> rusqlite::Result<bool> {
    let mode: String = db.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    Ok(mode.eq_ignore_ascii_case("wal"))
}
