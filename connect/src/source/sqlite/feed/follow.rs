//! Following the write-ahead log: snapshots handed over, frames taken up, ranges looked at.

use super::{Feed, LOOKS_AFTER_CHANGE, State, stamp};
use crate::ConnectError;
use crate::source::sqlite::source::wal_mode;
use crate::source::sqlite::wal::{Changed, WalError, WalReader};
use crate::source::sqlite::watch::Differences;
use crate::source::sqlite::{LostReason, Polled};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often a snapshot is sought that no commit came before; then the next poll looks again.
const SNAPSHOT_TRIES: u32 = 8;
/// Looks in a row at which pages may not fit.
const MAX_MISREADS: u32 = 3;
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

impl Feed {
    /// Begins a snapshot on reader 0 such that every commit behind it stands in `changed` or is yet to be scanned.
    pub(super) fn attach(&mut self) -> Result<(), ConnectError> {
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

    pub(super) fn follow_log(&mut self) -> Result<Option<Polled>, ConnectError> {
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

    /// Our snapshot keeps a checkpoint from finishing while commits go on, and a log that is not
    /// finished cannot be started anew. So a long log is let go for moments, and held again as
    /// soon as it began anew. What was committed meanwhile is found in it, or it is said to be lost.
    pub(super) fn let_go_of_a_long_log(&mut self) -> Result<(), ConnectError> {
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

    /// Nothing happened. A fresh snapshot needs no frame of a log that stands in the database
    /// already, so that the shop can start the log anew.
    pub(super) fn refresh(&mut self) -> Result<(), ConnectError> {
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
