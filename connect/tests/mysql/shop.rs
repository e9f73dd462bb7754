//! A database of a test's own, and what its feed saw.

use connect::source::address::OnFull;
use connect::source::{
    Feed, FeedBatch, GuardedTable, Location, Polled, ServerAddress, Source, TlsMode,
};
use model::{Key, Row};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use testkit::mariadb::{Database, Server};

pub type Rows = BTreeMap<(u16, Key), Row>;

/// Polls that bring nothing before a test gives up; each waits a moment.
const MAX_POLLS: usize = 400;
const POLL: Duration = Duration::from_millis(50);

pub struct Shop {
    pub database: Database,
    folder: tempfile::TempDir,
    pub slot: String,
}

impl Shop {
    pub fn new(sql: &str) -> Self {
        Self::on(Server::shared(), sql)
    }

    pub fn on(server: &Server, sql: &str) -> Self {
        let database = server.database();
        database.run(sql);
        Self {
            slot: database.name().to_owned(),
            database,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub fn location(&self) -> Location {
        self.location_of(&self.database.url(), TlsMode::Off, None)
    }

    pub fn location_of(&self, url: &str, tls: TlsMode, ca_file: Option<PathBuf>) -> Location {
        let url_file = self.folder.path().join("url");
        std::fs::write(&url_file, url).unwrap();
        Location::Mysql(ServerAddress {
            url_file,
            tls,
            ca_file,
            slot: self.slot.clone(),
            max_retained_mib: 1_024,
            on_full: OnFull::LetGo,
        })
    }

    pub fn source(&self) -> Box<dyn Source> {
        self.location().source().unwrap()
    }

    pub fn guarded(&self, tables: &[(&str, &[&str])]) -> Vec<GuardedTable> {
        let schemas = self.source().tables().unwrap();
        let find = |name: &str| schemas.iter().find(|s| s.name == name).unwrap().clone();
        let guard = |(name, key): &(&str, &[&str])| GuardedTable::new(find(name), key).unwrap();
        tables.iter().map(guard).collect()
    }

    pub fn feed(&self, tables: &[GuardedTable], resume: Option<u64>) -> Box<dyn Feed> {
        self.location().feed(tables.to_vec(), resume).unwrap()
    }

    pub fn scan(&self, tables: &[GuardedTable]) -> Rows {
        let mut rows = Rows::new();
        let mut last = None;
        let mut each = |table: u16, key: &Key, row: &Row| {
            assert!(last.as_ref() < Some(&(table, key.clone())), "order");
            last = Some((table, key.clone()));
            rows.insert((table, key.clone()), row.clone());
            Ok(())
        };
        let report = self.source().scan_all(tables, &mut each).unwrap();
        assert_eq!(report.rows, rows.len() as u64);
        rows
    }
}

pub fn rescan(feed: &mut dyn Feed) -> Rows {
    let mut rows = Rows::new();
    feed.rescan(&mut |observed| {
        rows.insert((observed.table, observed.key), observed.row.unwrap());
        Ok(())
    })
    .unwrap();
    rows
}

/// All batches up to what is committed by now.
pub fn batches(feed: &mut dyn Feed) -> Vec<FeedBatch> {
    let mut found = Vec::new();
    feed.request_catch_up().unwrap();
    for _ in 0..MAX_POLLS {
        if feed.caught_up() {
            return found;
        }
        match feed.poll(POLL).unwrap() {
            Polled::Quiet => {}
            Polled::Changes(batch) => {
                feed.acknowledge(batch.position).unwrap();
                found.push(batch);
            }
            other => panic!("{other:?}, behind {found:?}"),
        }
    }
    panic!("it did not catch up: {found:?}");
}

pub fn next_batch(feed: &mut dyn Feed) -> FeedBatch {
    match poll_until_told(feed) {
        Polled::Changes(batch) => batch,
        other => panic!("{other:?}"),
    }
}

pub fn poll_until_told(feed: &mut dyn Feed) -> Polled {
    for _ in 0..MAX_POLLS {
        match feed.poll(POLL).unwrap() {
            Polled::Quiet => {}
            told => return told,
        }
    }
    panic!("nothing came");
}

pub fn keys(batches: &[FeedBatch]) -> Vec<String> {
    let rows = batches.iter().flat_map(|b| &b.observed);
    rows.map(|o| o.key.to_string()).collect()
}

/// The rows as they are once everything that is committed was told.
pub fn state_after(feed: &mut dyn Feed, mut rows: Rows) -> Rows {
    for batch in batches(feed) {
        for observed in batch.observed {
            assert!(observed.unsent.is_empty());
            let at = (observed.table, observed.key);
            match observed.row {
                Some(row) => rows.insert(at, row),
                None => rows.remove(&at),
            };
        }
    }
    rows
}
