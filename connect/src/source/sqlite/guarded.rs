//! A SQLite file as one of the sources that can be guarded.

use super::{Feed, SqliteSource};
use crate::ConnectError;
use crate::error::ReceiverError;
use crate::source::{
    Advice, CheckRow, Examination, GuardedTable, Polled, Receive, ReceiveRow, ScanReport,
    SourceLoad,
};
use model::policy::Sees;
use model::{Dialect, Key, Row, TableSchema};
use std::time::Duration;

impl crate::source::Source for SqliteSource {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn tables(&mut self) -> Result<Vec<TableSchema>, ConnectError> {
        Self::tables(self)
    }

    fn scan_all(
        &mut self,
        tables: &[GuardedTable],
        each: ReceiveRow<'_>,
    ) -> Result<ScanReport, ConnectError> {
        Self::scan_all(self, tables, each)
    }

    fn scan_part(
        &mut self,
        number: u16,
        table: &GuardedTable,
        after: Option<&Key>,
        most: u64,
        each: ReceiveRow<'_>,
    ) -> Result<ScanReport, ConnectError> {
        let mut given = 0;
        let scanned = self.scan_borrowed(number, table, &mut |key, row| {
            if after.is_some_and(|after| key <= after) {
                return Ok(());
            }
            if given == most {
                return Err(Box::new(Enough) as ReceiverError);
            }
            given += 1;
            each(number, key, row)
        });
        match scanned {
            Err(ConnectError::Receiver(error)) if error.is::<Enough>() => {}
            Err(error) => return Err(error),
            Ok(_) => {}
        }
        Ok(ScanReport {
            rows: given,
            ..ScanReport::default()
        })
    }

    fn read(
        &mut self,
        table: &GuardedTable,
        keys: &[Key],
    ) -> Result<Vec<Option<Row>>, ConnectError> {
        Self::read(self, table, keys)
    }

    fn check(&mut self, sql: &str) -> Result<Vec<CheckRow>, ConnectError> {
        Self::check(self, sql)
    }

    fn estimate(&mut self, table: &GuardedTable) -> Result<u64, ConnectError> {
        let name = Dialect::Sqlite.quoted(&table.schema.name);
        let rows = Self::check(self, &format!("SELECT 'rows', count(*), '' FROM {name}"))?;
        Ok(rows.iter().filter_map(|r| r.key.parse::<u64>().ok()).sum())
    }

    fn examine(&mut self, _: &[GuardedTable]) -> Result<Examination, ConnectError> {
        let mut found = Examination {
            server: "SQLite".into(),
            ..Examination::default()
        };
        if !self.is_wal()? {
            found.warnings.push(Advice {
                what: "the file is not in WAL mode: changes are found by comparing whole tables"
                    .into(),
                mend: "PRAGMA journal_mode=WAL in the shop makes it cheap".into(),
            });
        }
        Ok(found)
    }
}

/// Ends a scan that has given as many rows as were asked for.
#[derive(Debug, thiserror::Error)]
#[error("enough rows")]
struct Enough;

impl crate::source::Feed for Feed {
    fn rescan(&mut self, each: Receive<'_>) -> Result<ScanReport, ConnectError> {
        Self::rescan(self, each)
    }

    fn poll(&mut self, timeout: Duration) -> Result<Polled, ConnectError> {
        Self::poll(self, timeout)
    }

    fn request_catch_up(&mut self) -> Result<(), ConnectError> {
        self.begin_to_catch_up();
        Ok(())
    }

    fn caught_up(&self) -> bool {
        self.has_caught_up()
    }

    fn read(&mut self, table: u16, keys: &[Key]) -> Result<Vec<Option<Row>>, ConnectError> {
        Self::read(self, table, keys)
    }

    fn check(&mut self, sql: &str) -> Result<Vec<CheckRow>, ConnectError> {
        Self::check(self, sql)
    }

    /// A file forgets nothing on our word.
    fn acknowledge(&mut self, _: u64) -> Result<(), ConnectError> {
        Ok(())
    }

    fn sees(&self) -> Sees {
        Sees::States
    }

    fn load(&mut self) -> SourceLoad {
        SourceLoad {
            whole_comparisons: self.whole_comparisons(),
            connections: 3,
            ..SourceLoad::default()
        }
    }
}
