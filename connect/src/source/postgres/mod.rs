//! A PostgreSQL shop: read, followed, examined.

use super::{
    CheckRow, Examination, Feed, GuardedTable, Polled, Receive, ReceiveRow, ScanReport,
    ServerAddress, Source, SourceLoad,
};
use crate::ConnectError;
use model::policy::Sees;
use model::{Dialect, Key, Row, TableSchema};
use std::time::Duration;

pub struct PostgresSource;
impl PostgresSource {
    pub fn open(_: &ServerAddress) -> Result<Self, ConnectError> {
        unimplemented!()
    }
}
impl Source for PostgresSource {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }
    fn tables(&mut self) -> Result<Vec<TableSchema>, ConnectError> {
        unimplemented!()
    }
    fn scan_all(
        &mut self,
        _: &[GuardedTable],
        _: ReceiveRow<'_>,
    ) -> Result<ScanReport, ConnectError> {
        unimplemented!()
    }
    fn scan_part(
        &mut self,
        _: u16,
        _: &GuardedTable,
        _: Option<&Key>,
        _: u64,
        _: ReceiveRow<'_>,
    ) -> Result<ScanReport, ConnectError> {
        unimplemented!()
    }
    fn read(&mut self, _: &GuardedTable, _: &[Key]) -> Result<Vec<Option<Row>>, ConnectError> {
        unimplemented!()
    }
    fn check(&mut self, _: &str) -> Result<Vec<CheckRow>, ConnectError> {
        unimplemented!()
    }
    fn estimate(&mut self, _: &GuardedTable) -> Result<u64, ConnectError> {
        unimplemented!()
    }
    fn examine(&mut self, _: &[GuardedTable]) -> Result<Examination, ConnectError> {
        unimplemented!()
    }
}
pub struct PostgresFeed;
impl PostgresFeed {
    pub fn open(
        _: &ServerAddress,
        _: Vec<GuardedTable>,
        _: Option<u64>,
    ) -> Result<Self, ConnectError> {
        unimplemented!()
    }
}
impl Feed for PostgresFeed {
    fn rescan(&mut self, _: Receive<'_>) -> Result<ScanReport, ConnectError> {
        unimplemented!()
    }
    fn poll(&mut self, _: Duration) -> Result<Polled, ConnectError> {
        unimplemented!()
    }
    fn request_catch_up(&mut self) -> Result<(), ConnectError> {
        unimplemented!()
    }
    fn caught_up(&self) -> bool {
        unimplemented!()
    }
    fn read(&mut self, _: u16, _: &[Key]) -> Result<Vec<Option<Row>>, ConnectError> {
        unimplemented!()
    }
    fn check(&mut self, _: &str) -> Result<Vec<CheckRow>, ConnectError> {
        unimplemented!()
    }
    fn acknowledge(&mut self, _: u64) -> Result<(), ConnectError> {
        unimplemented!()
    }
    fn sees(&self) -> Sees {
        Sees::Transactions
    }
    fn load(&mut self) -> SourceLoad {
        unimplemented!()
    }
}
pub fn attach(_: &ServerAddress, _: &[GuardedTable]) -> Result<Vec<String>, ConnectError> {
    unimplemented!()
}
pub fn detach(_: &ServerAddress) -> Result<Vec<String>, ConnectError> {
    unimplemented!()
}
