//! The change feed of one SQLite file.
//!
//! ```text
//! connection A  ├── read transaction ──────────┤
//! connection B                   ├── read transaction ──────────┤
//! poll                 scan, begin B, scan, look, end A     scan, begin A, ...
//! ```
//! As long as a read transaction is open, SQLite cannot start the log anew over frames behind
//! its snapshot. The second scan shows whether anything was committed between the first scan and
//! the beginning of the transaction: if not, what SQL shows is just what the frames say. If
//! commits keep coming in between, the same ranges are looked at again by the next poll.

mod follow;

use super::open::{identity, open_read_only, translate};
use super::read::{read_keys, scan_by_key};
use super::schema::Access;
use super::source::wal_mode;
use super::tree::Range;
use super::wal::{Changed, Cursor, WalReader};
use super::watch::{Differences, Take, Watch};
use super::{CheckRow, FeedBatch, GuardedTable, LostReason, Polled, ScanReport};
use crate::ConnectError;
use crate::error::ReceiverError;
use model::{Key, Observed, Row};
use rusqlite::Connection;
use std::hash::RandomState;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

#[derive(Clone, Debug)]
pub struct FeedOptions {
    /// Time between two looks while nothing happens.
    pub tick: Duration,
    /// From this many frames on the log is let go for moments, so that the shop's checkpoints can
    /// start it anew. SQLite's own checkpoints begin at 1,000 pages.
    pub release_after_frames: u32,
    /// Changed pages kept of one look: 16,384 pages of 4 KiB are 64 MiB. With more, whole tables are compared.
    pub max_batch_pages: usize,
    /// Changed rows handed over at once; more of them are [`LostReason::TooManyRows`].
    pub max_batch_rows: usize,
}

impl Default for FeedOptions {
    fn default() -> Self {
        Self {
            tick: Duration::from_millis(10),
            release_after_frames: 1_000,
            max_batch_pages: 16_384,
            max_batch_rows: 200_000,
        }
    }
}

/// Ends a [`Feed::poll`] that waits, from another thread.
#[derive(Clone, Debug)]
pub struct FeedWaker(SyncSender<()>);

impl FeedWaker {
    pub fn wake(&self) {
        // Full means that a wake-up is on its way already.
        let _ = self.0.try_send(());
    }
}

#[derive(Clone, Debug)]
enum State {
    NotScanned,
    Watching,
    Lost(LostReason),
    SchemaChanged(Vec<String>),
}

/// A file's time of change is only as fine as the kernel's tick (up to 10 ms): after a change
/// the database is asked itself for as many looks.
const LOOKS_AFTER_CHANGE: u32 = 4;

#[derive(Debug)]
pub struct Feed {
    path: PathBuf,
    identity: Option<(u64, u64)>,
    options: FeedOptions,
    tables: Vec<GuardedTable>,
    watches: Vec<Watch>,
    hasher: RandomState,
    readers: [Connection; 2],
    /// Which reader has a transaction open.
    held: Option<usize>,
    /// A transaction was open all the time since the log was scanned last.
    covered: bool,
    /// Never in a transaction: tells whether anything was committed.
    witness: Connection,
    data_version: i64,
    schema_version: i64,
    /// `None`: the database is not in WAL mode.
    wal: Option<WalReader>,
    page_size: u32,
    usable: u32,
    changed: Changed,
    /// What the last look pointed to in each table.
    carried: Vec<Vec<Range>>,
    /// Where the log stood at the last look.
    looked_to: Option<Cursor>,
    /// Pages of the last look were not kept: compare all rows once more.
    recheck: bool,
    misreads: u32,
    comparisons: u64,
    /// There is more to look at although nothing new was committed.
    unfinished: bool,
    /// The last look took commits up; one of them may show in `data_version` only now.
    may_lag: bool,
    /// Time of change and length of a file that is not in WAL mode.
    stamp: Option<(std::time::SystemTime, u64)>,
    looks_left: u32,
    looks: u64,
    state: State,
    wake: (SyncSender<()>, Receiver<()>),
    /// Polls until all that was committed at a request has been handed over.
    polls_to_catch_up: u32,
}

impl Feed {
    /// Opens the file and checks that each table can be guarded. Nothing is read yet: call [`Self::rescan`].
    pub fn open(
        path: impl AsRef<Path>,
        tables: Vec<GuardedTable>,
        options: FeedOptions,
    ) -> Result<Self, ConnectError> {
        let path = path.as_ref().to_owned();
        let readers = [open_read_only(&path)?, open_read_only(&path)?];
        let witness = open_read_only(&path)?;
        for (number, table) in tables.iter().enumerate() {
            Access::find(&witness, number as u16, table)?;
        }
        Ok(Self {
            identity: identity(&path),
            carried: vec![Vec::new(); tables.len()],
            changed: Changed::new(options.max_batch_pages),
            watches: Vec::new(),
            hasher: RandomState::new(),
            held: None,
            covered: false,
            data_version: 0,
            schema_version: 0,
            wal: None,
            page_size: 0,
            usable: 0,
            looked_to: None,
            recheck: false,
            misreads: 0,
            comparisons: 0,
            unfinished: false,
            may_lag: false,
            stamp: None,
            looks_left: 0,
            looks: 0,
            state: State::NotScanned,
            wake: sync_channel(1),
            polls_to_catch_up: 0,
            path,
            options,
            tables,
            readers,
            witness,
        })
    }

    pub fn waker(&self) -> FeedWaker {
        FeedWaker(self.wake.0.clone())
    }

    /// Hands over every row of every table at one moment, table by table in key order, and
    /// remembers what is needed to notice changes from that moment on.
    pub fn rescan(
        &mut self,
        each: &mut dyn FnMut(Observed) -> Result<(), ReceiverError>,
    ) -> Result<ScanReport, ConnectError> {
        self.state = State::NotScanned;
        self.release()?;
        if identity(&self.path) != self.identity {
            self.readers = [open_read_only(&self.path)?, open_read_only(&self.path)?];
            self.witness = open_read_only(&self.path)?;
            self.identity = identity(&self.path);
        }
        self.attach()?;
        let mut report = ScanReport::default();
        let db = &self.readers[0];
        let mut watches = Vec::with_capacity(self.tables.len());
        for (number, table) in self.tables.iter().enumerate() {
            let mut watch = Watch::new(Access::find(db, number as u16, table)?, self.wal.is_some());
            watch.take(db, &self.hasher, Take::All(&mut report, each))?;
            watches.push(watch);
        }
        self.watches = watches;
        self.usable = self.known_usable();
        self.carried = vec![Vec::new(); self.tables.len()];
        self.unfinished = !self.changed.is_empty();
        if self.wal.is_none() {
            self.release()?;
        }
        self.state = State::Watching;
        Ok(report)
    }

    /// Waits until something changed, at most `timeout`, or until woken.
    pub fn poll(&mut self, timeout: Duration) -> Result<Polled, ConnectError> {
        self.polls_to_catch_up = self.polls_to_catch_up.saturating_sub(1);
        let mut left = timeout;
        loop {
            if matches!(self.state, State::Watching) {
                self.let_go_of_a_long_log()?;
            }
            if let Some(polled) = self.tick()? {
                return Ok(polled);
            }
            if left.is_zero() {
                return Ok(Polled::Quiet);
            }
            let wait = left.min(self.options.tick);
            left -= wait;
            if self.wake.1.recv_timeout(wait).is_ok() {
                left = Duration::ZERO;
            }
        }
    }

    /// The rows with these keys as of the last poll; without a log as of now.
    pub fn read(&mut self, table: u16, keys: &[Key]) -> Result<Vec<Option<Row>>, ConnectError> {
        let watch = self
            .watches
            .get(usize::from(table))
            .ok_or(ConnectError::NotScanned)?;
        read_keys(self.snapshot(), &watch.access, keys)
    }

    /// All rows of one table in key order, as of the last poll; without a log as of now.
    pub fn scan(
        &mut self,
        table: u16,
        each: &mut dyn FnMut(&Key, &Row) -> Result<(), ReceiverError>,
    ) -> Result<ScanReport, ConnectError> {
        let watch = self
            .watches
            .get(usize::from(table))
            .ok_or(ConnectError::NotScanned)?;
        let mut report = ScanReport::default();
        scan_by_key(self.snapshot(), &watch.access, &mut report, each)?;
        Ok(report)
    }

    /// Runs one of the shop's own checks, at the same moment as [`Self::read`].
    pub fn check(&mut self, sql: &str) -> Result<Vec<CheckRow>, ConnectError> {
        super::check::run(self.snapshot(), sql)
    }

    /// What the second poll hands over was committed before it began, however busy the shop is.
    pub(super) fn begin_to_catch_up(&mut self) {
        self.polls_to_catch_up = 2;
    }

    pub(super) fn has_caught_up(&self) -> bool {
        self.polls_to_catch_up == 0
    }

    /// How often every row was compared instead of following the log: part of the load on the shop.
    pub fn whole_comparisons(&self) -> u64 {
        self.comparisons
    }

    fn snapshot(&self) -> &Connection {
        &self.readers[self.held.unwrap_or(0)]
    }

    fn failed<T>(&self, doing: &str, result: rusqlite::Result<T>) -> Result<T, ConnectError> {
        result.map_err(|e| translate(&self.path, doing, e))
    }

    fn read_data_version(&self) -> Result<i64, ConnectError> {
        let read = || {
            self.witness
                .prepare_cached("PRAGMA data_version")?
                .query_row([], |row| row.get(0))
        };
        self.failed("looking for commits", read())
    }

    /// Opens a read transaction and gives the schema's version in it.
    fn begin(&self, reader: usize) -> Result<i64, ConnectError> {
        let db = &self.readers[reader];
        let begin = || {
            db.prepare_cached("BEGIN")?.execute([])?;
            db.prepare_cached("PRAGMA schema_version")?
                .query_row([], |row| row.get(0))
        };
        self.failed("beginning to read", begin()).inspect_err(|_| {
            // A transaction that has read nothing holds nothing, but must not stay open.
            let _ = self.end(reader);
        })
    }

    fn end(&self, reader: usize) -> Result<(), ConnectError> {
        let db = &self.readers[reader];
        if db.is_autocommit() {
            return Ok(());
        }
        let end = || db.prepare_cached("COMMIT")?.execute([]).map(|_| ());
        self.failed("ending to read", end())
    }

    fn release(&mut self) -> Result<(), ConnectError> {
        self.held = None;
        self.covered = false;
        self.end(0)?;
        self.end(1)
    }

    fn known_usable(&self) -> u32 {
        self.watches
            .iter()
            .filter_map(|watch| watch.usable)
            .max()
            .filter(|u| {
                // Only a full overflow page tells the size; reserved bytes are at most 255.
                *u <= self.page_size && *u + 255 >= self.page_size
            })
            .unwrap_or(self.page_size)
    }

    fn tick(&mut self) -> Result<Option<Polled>, ConnectError> {
        match &self.state {
            State::NotScanned => return Err(ConnectError::NotScanned),
            State::Lost(reason) => {
                return Ok(Some(Polled::Lost {
                    reason: reason.clone(),
                }));
            }
            State::SchemaChanged(tables) => {
                return Ok(Some(Polled::SchemaChanged {
                    tables: tables.clone(),
                }));
            }
            State::Watching => {}
        }
        if identity(&self.path) != self.identity {
            return self.lost(LostReason::Replaced).map(Some);
        }
        let version = self.moved_version()?;
        let looked = match (version, self.wal.is_some()) {
            (None, _) => {
                self.refresh()?;
                return Ok(None);
            }
            (Some(_), true) => self.follow_log(),
            (Some(version), false) => self.compare_file(version),
        };
        if looked.is_err() {
            // What was taken up but not handed over is lost; a whole look finds it.
            self.lost(LostReason::Failed)?;
        }
        looked
    }

    /// The database's `data_version` when there is something to look at.
    fn moved_version(&mut self) -> Result<Option<i64>, ConnectError> {
        if self.wal.is_some() {
            let version = self.read_data_version()?;
            return Ok((version != self.data_version || self.unfinished).then_some(version));
        }
        // Asking a database without a log takes a lock that a writer may trip over, so the file's
        // time of change is asked first.
        let stamp = stamp(&self.path);
        if stamp != self.stamp {
            self.stamp = stamp;
            self.looks_left = LOOKS_AFTER_CHANGE;
        } else if self.looks_left == 0 {
            return Ok(None);
        } else {
            self.looks_left -= 1;
        }
        match self.read_data_version() {
            // A writer is at it; it is asked again.
            Err(ConnectError::Locked { .. }) => {
                self.looks_left = LOOKS_AFTER_CHANGE;
                Ok(None)
            }
            version => version.map(|version| (version != self.data_version).then_some(version)),
        }
    }

    fn lost(&mut self, reason: LostReason) -> Result<Polled, ConnectError> {
        self.release()?;
        self.state = State::Lost(reason.clone());
        Ok(Polled::Lost { reason })
    }

    /// Without a log every row is compared.
    fn compare_file(&mut self, version: i64) -> Result<Option<Polled>, ConnectError> {
        if self.failed("reading the journal mode", wal_mode(&self.witness))? {
            return self.lost(LostReason::JournalMode).map(Some);
        }
        let schema = self.begin(0)?;
        let polled = self.compare_all(0, schema, 0)?;
        self.end(0)?;
        self.data_version = version;
        Ok(polled)
    }

    /// Compares every row of every table with what was seen last: after a vacuum, a change of the
    /// schema elsewhere, more changed pages than are worth keeping, or without a log.
    fn compare_all(
        &mut self,
        reader: usize,
        schema: i64,
        commits: u32,
    ) -> Result<Option<Polled>, ConnectError> {
        let db = &self.readers[reader];
        if schema != self.schema_version {
            let mut changed = Vec::new();
            for (watch, table) in self.watches.iter_mut().zip(&self.tables) {
                match Access::find(db, watch.access.number, table) {
                    Ok(access) if access.rowid == watch.access.rowid => watch.access = access,
                    Err(error @ ConnectError::Sql { .. }) => return Err(error),
                    _ => changed.push(table.schema.name.clone()),
                }
            }
            if !changed.is_empty() {
                self.state = State::SchemaChanged(changed.clone());
                self.release()?;
                return Ok(Some(Polled::SchemaChanged { tables: changed }));
            }
        }
        self.schema_version = schema;
        self.comparisons += 1;
        let mut out = Differences::new(self.options.max_batch_rows);
        for watch in &mut self.watches {
            watch.take(db, &self.hasher, Take::Differences(&mut out))?;
        }
        self.usable = self.known_usable();
        self.carried.iter_mut().for_each(Vec::clear);
        self.batch(out, commits, true)
    }

    fn batch(
        &mut self,
        mut out: Differences,
        commits: u32,
        coalesced: bool,
    ) -> Result<Option<Polled>, ConnectError> {
        if out.full {
            let most = self.options.max_batch_rows;
            return self.lost(LostReason::TooManyRows { most }).map(Some);
        }
        out.settle_keys(&self.hasher);
        self.looks += 1;
        if out.observed.is_empty() && out.unreadable.is_empty() {
            return Ok(None);
        }
        let log = self.wal.as_ref().and_then(WalReader::cursor);
        Ok(Some(Polled::Changes(FeedBatch {
            observed: out.observed,
            unreadable: out.unreadable,
            position: log.map_or(self.looks, |cursor| cursor.position()),
            commits,
            transactions: Vec::new(),
            coalesced,
        })))
    }
}

fn stamp(path: &Path) -> Option<(std::time::SystemTime, u64)> {
    let found = std::fs::metadata(path).ok()?;
    Some((found.modified().ok()?, found.len()))
}
