//! A MariaDB or MySQL shop, read without guarding it.

use super::guarded::{self, Access};
use super::session::Session;
use super::{catalog, check, examine, scan};
use crate::ConnectError;
use crate::source::{
    CheckRow, Examination, GuardedTable, ReceiveRow, ScanReport, ServerAddress, Source,
};
use model::{Dialect, Key, Row, TableSchema};

pub struct MysqlSource {
    address: ServerAddress,
    session: Option<Session>,
    /// What was found for the tables asked for last.
    found: Option<(Vec<GuardedTable>, Vec<Access>)>,
}

impl MysqlSource {
    /// Connects at once, so that a wrong address is said here.
    pub fn open(address: &ServerAddress) -> Result<Self, ConnectError> {
        let mut source = Self {
            address: address.clone(),
            session: None,
            found: None,
        };
        source.session()?;
        Ok(source)
    }

    pub(super) fn session(&mut self) -> Result<&mut Session, ConnectError> {
        let session = match self.session.take().filter(|s| !s.broken) {
            Some(session) => session,
            None => Session::open(&self.address)?,
        };
        Ok(self.session.insert(session))
    }

    /// Runs something that only reads; once more on a new connection when the old one had ended.
    pub(super) fn again<T>(
        &mut self,
        mut run: impl FnMut(&mut Session) -> Result<T, ConnectError>,
    ) -> Result<T, ConnectError> {
        let had = self.session.is_some();
        let session = self.session()?;
        match run(session) {
            Err(error) if had && session.broken && error.may_pass() => run(self.session()?),
            done => done,
        }
    }

    /// Connections held open.
    pub(super) fn connections(&self) -> u32 {
        u32::from(self.session.as_ref().is_some_and(|s| !s.broken))
    }

    fn access(&mut self, tables: &[GuardedTable]) -> Result<Vec<Access>, ConnectError> {
        if let Some((asked, found)) = &self.found
            && asked == tables
        {
            return Ok(found.clone());
        }
        let found = self.again(|session| guarded::find(session, tables))?;
        self.found = Some((tables.to_vec(), found.clone()));
        Ok(found)
    }

    /// Scans in a snapshot of its own; whatever goes wrong, the transaction does not stay open.
    fn in_snapshot<T>(
        &mut self,
        run: impl FnOnce(&mut Session) -> Result<T, ConnectError>,
    ) -> Result<T, ConnectError> {
        self.again(|session| session.run("looking whether the server is there", "DO 1"))?;
        let session = self.session()?;
        scan::begin(session)?;
        let done = run(session);
        if !session.broken {
            let ended = scan::end(session);
            if done.is_ok() {
                ended?;
            }
        }
        done
    }
}

impl Source for MysqlSource {
    fn dialect(&self) -> Dialect {
        Dialect::Mysql
    }

    fn tables(&mut self) -> Result<Vec<TableSchema>, ConnectError> {
        let tables = self.again(catalog::read)?;
        let base = tables.iter().filter(|t| t.table_type == "BASE TABLE");
        Ok(base.map(catalog::Table::schema).collect())
    }

    fn scan_all(
        &mut self,
        tables: &[GuardedTable],
        each: ReceiveRow<'_>,
    ) -> Result<ScanReport, ConnectError> {
        // A column that was changed since would be read as what it was.
        self.found = None;
        let found = self.access(tables)?;
        self.in_snapshot(|session| {
            let mut report = ScanReport::default();
            for access in &found {
                scan::table(session, access, None, None, &mut report, each)?;
            }
            Ok(report)
        })
    }

    fn scan_part(
        &mut self,
        number: u16,
        table: &GuardedTable,
        after: Option<&Key>,
        most: u64,
        each: ReceiveRow<'_>,
    ) -> Result<ScanReport, ConnectError> {
        let mut found = self.access(std::slice::from_ref(table))?;
        for access in &mut found {
            access.number = number;
        }
        let scanned = self.in_snapshot(|session| {
            let mut report = ScanReport::default();
            for access in &found {
                scan::table(session, access, after, Some(most), &mut report, each)?;
            }
            Ok(report)
        });
        if scanned.is_err() {
            self.found = None;
        }
        scanned
    }

    fn read(
        &mut self,
        table: &GuardedTable,
        keys: &[Key],
    ) -> Result<Vec<Option<Row>>, ConnectError> {
        let found = self.access(std::slice::from_ref(table))?;
        let [access] = found.as_slice() else {
            return Ok(vec![None; keys.len()]);
        };
        let read = self.again(|session| scan::by_keys(session, access, keys));
        if read.is_err() {
            self.found = None;
        }
        read
    }

    fn check(&mut self, sql: &str) -> Result<Vec<CheckRow>, ConnectError> {
        self.again(|session| check::run(session, sql))
    }

    fn estimate(&mut self, table: &GuardedTable) -> Result<u64, ConnectError> {
        let tables = self.again(catalog::read)?;
        let name = &table.schema.name;
        let found = tables.iter().find(|t| t.name == *name);
        let found = found.ok_or_else(|| ConnectError::TableMissing {
            table: name.clone(),
        })?;
        Ok(found.rows)
    }

    fn examine(&mut self, tables: &[GuardedTable]) -> Result<Examination, ConnectError> {
        let address = self.address.clone();
        self.again(|session| examine::run(session, &address, tables))
    }
}
