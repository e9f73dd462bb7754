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

use super::open::{identity, open_read_only, translate};
use super::read::{read_keys, scan_by_key};
use super::schema::Access;
use super::source::wal_mode;
use super::tree::Range;
use super::wal::{Changed, Cursor, WalError, WalReader};
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

/// How often a snapshot is sought that no commit came before; then the next poll looks again.
const SNAPSHOT_TRIES: u32 = 8;
/// Looks in a row at which pages may not fit.
const MAX_MISREADS: u32 = 3;
/// A file's time of change is only as fine as the kernel's tick (up to 10 ms): after a change
/// the database is asked itself for as many looks.
const LOOKS_AFTER_CHANGE: u32 = 4;

/// A snapshot taken behind a scan of the log.
///
/// A writer puts its frames into the log first, makes them durable, and only then lets readers see
/// them. So the last commit scanned may not be visible in the snapshot, and what it points to is
/// looked at once more: as soon as `data_version` moves or another commit follows, which
/// cannot happen before it is visible.
#[derive(Debug)]
struct Snapshot {
    reader: usize,
    schema: i64,
    /// Nothing was committed between the scan and the beginning of the snapshot.
    stable: bool,
    /// `data_version` is another one than at the last look.
    moved: bool,
    /// All that the last look scanned is visible now.
    settled: bool,
}

/// The log is let go for this long at a time, once for each `release_after_frames` frames in it, ...
const LET_GO_STEP: Duration = Duration::from_millis(2);
/// ... but at most so often, which is 50 ms: the longer the log, the harder it is tried.
const LET_GO_STEPS: u32 = 25;

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

    /// Begins a snapshot on reader 0 such that every commit behind it stands in `changed` or is yet to be scanned.
    fn attach(&mut self) -> Result<(), ConnectError> {
        let wal = self.failed("reading the journal mode", wal_mode(&self.witness))?;
        let size = self
            .witness
            .pragma_query_value(None, "page_size", |row| row.get(0));
        self.page_size = self.failed("reading the page size", size)?;
        self.stamp = stamp(&self.path);
        self.looks_left = LOOKS_AFTER_CHANGE;
        self.data_version = self.read_data_version()?;
        self.may_lag = true;
        self.recheck = false;
        self.misreads = 0;
        self.changed = Changed::new(self.options.max_batch_pages);
        if !wal {
            self.wal = None;
            self.schema_version = self.begin(0)?;
            self.held = Some(0);
            return Ok(());
        }
        let mut log = WalReader::new(log_path(&self.path));
        for _ in 0..SNAPSHOT_TRIES {
            log.reset();
            let scanned = log.scan(true, &mut Changed::new(0));
            // The last commit may not be visible yet; it is looked at by the first poll.
            log.step_back();
            self.data_version = self.read_data_version()?;
            self.schema_version = self.begin(0)?;
            self.held = Some(0);
            let scanned = scanned.and_then(|()| log.scan(false, &mut self.changed));
            match scanned {
                Ok(()) => {
                    self.covered = true;
                    break;
                }
                Err(WalError::Io(source)) => {
                    return Err(ConnectError::Wal {
                        path: log.path,
                        source,
                    });
                }
                // The log began anew in between; the scan of a new generation can only end well.
                Err(WalError::Lost(_)) => self.release()?,
            }
        }
        if self.held.is_none() {
            let source = std::io::Error::other("it begins anew faster than it can be read");
            return Err(ConnectError::Wal {
                path: log.path,
                source,
            });
        }
        self.looked_to = log.cursor();
        self.wal = Some(log);
        Ok(())
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

    /// Our snapshot keeps a checkpoint from finishing while commits go on, and a log that is not
    /// finished cannot be started anew. So a long log is let go for moments, and held again as
    /// soon as it began anew. What was committed meanwhile is found in it, or it is said to be lost.
    fn let_go_of_a_long_log(&mut self) -> Result<(), ConnectError> {
        let frames = self.wal.as_ref().map_or(0, WalReader::frames);
        let steps = frames
            .checked_div(self.options.release_after_frames)
            .unwrap_or(0);
        if steps == 0 {
            return Ok(());
        }
        // While it is held still: what is seen now cannot be lost any more.
        self.scan_ahead(self.covered)?;
        self.release()?;
        for _ in 0..steps.min(LET_GO_STEPS) {
            if self.wake.1.recv_timeout(LET_GO_STEP).is_ok() {
                // It was meant for the waiting behind this.
                let _ = self.wake.0.try_send(());
            }
            let Some(log) = &mut self.wal else {
                return Ok(());
            };
            let path = log.path.clone();
            if log
                .began_anew()
                .map_err(|source| ConnectError::Wal { path, source })?
            {
                break;
            }
        }
        Ok(())
    }

    /// Takes frames up for the next look.
    fn scan_ahead(&mut self, covered: bool) -> Result<(), ConnectError> {
        let Some(log) = &mut self.wal else {
            return Ok(());
        };
        if let Err(error) = log.scan(covered, &mut self.changed) {
            let reason = sort(error, &self.path)?;
            return self.lost(reason).map(|_| ());
        }
        self.covered = self.held.is_some();
        self.unfinished |= !self.changed.is_empty();
        Ok(())
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

    /// Nothing happened. A fresh snapshot needs no frame of a log that stands in the database
    /// already, so that the shop can start the log anew.
    fn refresh(&mut self) -> Result<(), ConnectError> {
        if self.wal.is_none() {
            return Ok(());
        }
        let Some(old) = self.held else {
            self.begin(0)?;
            self.held = Some(0);
            return self.scan_ahead(false);
        };
        self.begin(1 - old)?;
        self.held = Some(1 - old);
        self.end(old)
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

    fn follow_log(&mut self) -> Result<Option<Polled>, ConnectError> {
        let snapshot = match self.snapshot_of_frames()? {
            Ok(found) => found,
            Err(reason) => return self.lost(reason).map(Some),
        };
        let polled = self.look(&snapshot)?;
        if matches!(self.state, State::Watching) {
            let old = self.held.replace(snapshot.reader);
            if let Some(old) = old {
                self.end(old)?;
            }
        }
        Ok(polled)
    }

    /// Scans the log and opens a snapshot behind what was scanned.
    fn snapshot_of_frames(&mut self) -> Result<Result<Snapshot, LostReason>, ConnectError> {
        let reader = self.held.map_or(0, |old| 1 - old);
        let held = self.held.is_some();
        let Some(log) = &mut self.wal else {
            return Err(ConnectError::NotScanned);
        };
        if let Err(error) = log.scan(self.covered, &mut self.changed) {
            return sort(error, &self.path).map(Err);
        }
        for tries in 1.. {
            let before = self.wal.as_ref().and_then(WalReader::cursor);
            let version = self.read_data_version()?;
            let schema = self.begin(reader)?;
            let Some(log) = &mut self.wal else {
                return Err(ConnectError::NotScanned);
            };
            if let Err(error) = log.scan(held, &mut self.changed) {
                return sort(error, &self.path).map(Err);
            }
            self.covered = true;
            let stable = log.cursor() == before;
            if stable || tries == SNAPSHOT_TRIES {
                let moved = version != self.data_version;
                let settled = moved || before != self.looked_to;
                self.data_version = version;
                self.looked_to = log.cursor();
                return Ok(Ok(Snapshot {
                    reader,
                    schema,
                    stable,
                    moved,
                    settled,
                }));
            }
            self.covered = held;
            self.end(reader)?;
        }
        Err(ConnectError::NotScanned)
    }

    /// Looks at what the changed pages point to, and again at what the last look pointed to.
    fn look(&mut self, snapshot: &Snapshot) -> Result<Option<Polled>, ConnectError> {
        let commits = std::mem::take(&mut self.changed.commits);
        // `data_version` moved and no frame says why. Either the last look was a moment ahead of
        // it, or the log was begun anew with nothing in it, or it is damaged on disk: SQL decides.
        let cut_off = self.wal.as_ref().is_some_and(|log| log.cursor().is_none());
        let unexplained = snapshot.moved && commits == 0 && !self.may_lag && !cut_off;
        self.may_lag = commits > 0;
        self.unfinished = !snapshot.stable;
        let schema_moved = snapshot.schema != self.schema_version;
        if schema_moved || self.changed.too_many || self.recheck || unexplained {
            let polled = self.compare_all(snapshot.reader, snapshot.schema, commits)?;
            // The pages stay to be taken up once more: the last commit may lie behind the snapshot.
            // Taking a page up twice does no harm. Pages that were not kept cost a second comparison.
            self.recheck =
                std::mem::take(&mut self.changed.too_many) || self.recheck && !snapshot.settled;
            return Ok(polled);
        }
        if let Some(first) = self.changed.images.get(&1) {
            self.usable = self.page_size - u32::from(first[20]);
        }
        let mut out = Differences::new(self.options.max_batch_rows);
        for (watch, carried) in self.watches.iter_mut().zip(&mut self.carried) {
            let ranges = match watch.absorb(&self.changed.images, self.usable) {
                Ok(ranges) => ranges,
                Err(detail) => return self.misread(snapshot, commits, detail),
            };
            let again = std::mem::replace(carried, ranges.clone());
            if !snapshot.settled {
                carried.extend_from_slice(&again);
            }
            let ranges = ranges.into_iter().chain(again).collect();
            let reader = &self.readers[snapshot.reader];
            watch.look(reader, &self.hasher, ranges, snapshot.settled, &mut out)?;
        }
        self.misreads = 0;
        self.changed = Changed::new(self.options.max_batch_pages);
        self.batch(out, commits, commits > 1)
    }

    /// The pages do not fit the trees. After a vacuum whose commit is not visible yet this is as it
    /// should be, and the comparison mends it; again and again it is a fault.
    fn misread(
        &mut self,
        snapshot: &Snapshot,
        commits: u32,
        detail: String,
    ) -> Result<Option<Polled>, ConnectError> {
        self.misreads += 1;
        if self.misreads > MAX_MISREADS {
            return self.lost(LostReason::Misread { detail }).map(Some);
        }
        tracing::warn!(
            detail,
            "changed pages do not fit the table's tree; comparing all rows"
        );
        self.changed = Changed::new(self.options.max_batch_pages);
        self.recheck = true;
        self.compare_all(snapshot.reader, snapshot.schema, commits)
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
            transactions: commits,
            coalesced,
        })))
    }
}

/// A gap becomes a reason; a failing disk stays an error.
fn sort(error: WalError, path: &Path) -> Result<LostReason, ConnectError> {
    match error {
        WalError::Lost(reason) => Ok(reason),
        WalError::Io(source) => Err(ConnectError::Wal {
            path: log_path(path),
            source,
        }),
    }
}

/// SQLite's rule: the database's path with `-wal` behind it, links resolved.
fn log_path(path: &Path) -> PathBuf {
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut name = real.into_os_string();
    name.push("-wal");
    name.into()
}

fn stamp(path: &Path) -> Option<(std::time::SystemTime, u64)> {
    let found = std::fs::metadata(path).ok()?;
    Some((found.modified().ok()?, found.len()))
}
