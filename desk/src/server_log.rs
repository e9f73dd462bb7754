//! What the server's own log says of who wrote: lines are joined to transactions by their id.
//!
//! A thread reads the files (a log on a share that hangs must not hold up the guard) into a bounded
//! map; the guard looks there for each transaction before it is journaled. A line often comes a
//! moment after the change: transactions with findings wait for theirs. What the log says proves
//! nothing and changes no verdict.

use crate::config::SourceConfig;
use crate::guard::Guard;
use crate::log_line::{self, Line};
use crate::log_tail::{Read, Tail, format_of};
use crate::{Desk, DeskError};
use model::entry::LedgerEntry;
use model::{Finding, Instant, LoggedWriter, SourceName, SourceTransaction};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use store::{Batch, PutDocument};

const WRITERS: &str = "logged-writer";
/// Transactions that the log told of and the feed has not, some 300 bytes each.
const MOST_KNOWN: usize = 100_000;
/// Transactions with findings that the log has not told of yet.
const MOST_WAITING: usize = 10_000;
/// A line that has not come by then does not come.
const WAIT_S: f64 = 600.0;
const MOST_FILES: usize = 16;
const READ_BYTES: usize = 256 * 1024;
/// A change is journaled so much later at most, to have its writer with it.
const GRACE: Duration = Duration::from_millis(50);
/// Batches for which the log had nothing to tell, until the guard waits for it no more.
const PATIENCE: u32 = 10;
/// How long a log without news rests.
const REST: Duration = Duration::from_millis(5);
/// ... and one that cannot be read.
const REST_BAD: Duration = Duration::from_secs(1);

/// `[source.audit_log]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditLogConfig {
    /// Log files (`.json`, `.csv`), or folders whose newest one is followed.
    pub files: Vec<PathBuf>,
}

impl AuditLogConfig {
    pub(crate) fn problem(&self) -> Option<String> {
        if self.files.is_empty() || self.files.len() > MOST_FILES {
            return Some(format!("names 1 to {MOST_FILES} `files`"));
        }
        let foreign = |f: &&PathBuf| format_of(f).is_none() && f.extension().is_some();
        let file = self.files.iter().find(foreign)?.display();
        Some(format!(
            "`{file}`: a log is a .json file (log_destination = 'jsonlog'), a .csv file ('csvlog'), or the folder of either"
        ))
    }

    /// What keeps the logs from being read now.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let tried = self.files.iter().filter_map(|file| {
            let mut tail = Tail::new(file.clone());
            let error = tail.read(&mut [0], &mut |_, _, _| {}).err()?;
            Some(format!(
                "the server's log {} cannot be read ({error}); give this account the right to read it and its folder, for instance by log_file_mode = 0640 and a group",
                file.display()
            ))
        });
        tried.collect()
    }
}

/// What stands in the store of one transaction.
#[derive(Debug, Serialize, Deserialize)]
struct Told {
    source: SourceName,
    transaction: String,
    writer: LoggedWriter,
}

#[derive(Default)]
struct Known {
    writers: HashMap<u32, LoggedWriter>,
    /// Oldest first.
    order: VecDeque<u32>,
    /// Rises with every new one.
    count: u64,
    unreadable: u64,
}

impl Known {
    fn take(&mut self, line: Line) {
        match line {
            // The first line counts: whoever adds to a log later comes too late.
            Line::Writer(xid, writer) => {
                if self.writers.contains_key(&xid) {
                    return;
                }
                if self.order.len() >= MOST_KNOWN
                    && let Some(oldest) = self.order.pop_front()
                {
                    self.writers.remove(&oldest);
                }
                self.order.push_back(xid);
                self.writers.insert(xid, writer);
                self.count += 1;
            }
            Line::Other => {}
            Line::Unreadable => self.unreadable += 1,
        }
    }
}

#[derive(Default)]
struct Shared {
    known: Mutex<Known>,
    risen: Condvar,
}

/// A transaction and who wrote it.
pub(crate) struct Named {
    pub position: u64,
    /// One of its row entries: that of a finding, where there is one.
    pub entry: u64,
    /// It has findings.
    pub found: bool,
    pub transaction: String,
    pub writer: LoggedWriter,
}

/// A transaction whose line has not come and that somebody asks for.
struct Waiting {
    position: u64,
    entry: u64,
    found: bool,
    xid: u32,
    since: Instant,
}

/// The guard's end of the reading thread, which ends with it.
pub(crate) struct ServerLog {
    shared: Arc<Shared>,
    /// Batches that the guard will still wait for in vain.
    patience: u32,
    waiting: VecDeque<Waiting>,
    /// Of `Known::count`, as it was looked at last.
    seen: u64,
    unreadable: u64,
    _stop: SyncSender<()>,
}

impl ServerLog {
    /// `None`: the operator has named no log.
    pub fn of_source(config: &SourceConfig) -> Result<Option<Self>, DeskError> {
        let Some(log) = &config.audit_log else {
            return Ok(None);
        };
        let shared = Arc::new(Shared::default());
        let (stop, stopped) = sync_channel(1);
        let tails = log.files.iter().cloned().map(Tail::new).collect();
        let into = Arc::clone(&shared);
        std::thread::Builder::new()
            .name(format!("log-{}", config.name))
            .spawn(move || follow(tails, &into, &stopped))
            .map_err(|e| DeskError::GuardStopped(e.to_string()))?;
        Ok(Some(Self {
            shared,
            patience: PATIENCE,
            waiting: VecDeque::new(),
            seen: 0,
            unreadable: 0,
            _stop: stop,
        }))
    }

    /// Puts to the transactions what is known of them by now, or in a moment: the log and the
    /// change come at the same time, by different ways.
    pub fn name(&mut self, transactions: &mut [SourceTransaction]) {
        let missing = |known: &mut Known| {
            let mut xids = transactions.iter().filter_map(xid_of);
            xids.any(|xid| !known.writers.contains_key(&xid))
        };
        let mut known = lock(&self.shared.known);
        if self.patience > 0 {
            let waited = self.shared.risen.wait_timeout_while(known, GRACE, missing);
            known = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let mut named = false;
        for told in transactions {
            told.logged = xid_of(told).and_then(|xid| known.writers.get(&xid).cloned());
            named |= told.logged.is_some();
        }
        // A log that tells nothing of those who write must not slow the guard down.
        self.patience = match named {
            true => PATIENCE,
            false => self.patience.saturating_sub(1),
        };
    }

    fn wait_for(&mut self, told: &SourceTransaction, (entry, found): (u64, bool), since: Instant) {
        let Some(xid) = xid_of(told) else { return };
        // A flood of lawful changes that no line tells of must not push the findings out.
        if !found && self.waiting.len() >= MOST_WAITING / 2 {
            return;
        }
        if self.waiting.len() >= MOST_WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back(Waiting {
            position: told.position,
            entry,
            found,
            xid,
            since,
        });
        // Its line may have come since the transaction was journaled.
        self.seen = self.seen.saturating_sub(1);
    }

    /// Those whose lines have come; the others go on waiting, for a while.
    fn late(&mut self, now: Instant) -> Vec<Named> {
        let known = lock(&self.shared.known);
        if known.unreadable > self.unreadable {
            let lines = known.unreadable - self.unreadable;
            tracing::warn!(
                lines,
                "lines of the server's log cannot be read and are left out"
            );
            self.unreadable = known.unreadable;
        }
        if self.waiting.is_empty() || known.count == self.seen {
            return Vec::new();
        }
        self.seen = known.count;
        let mut came = Vec::new();
        self.waiting.retain(|w| match known.writers.get(&w.xid) {
            Some(writer) => {
                came.push(Named {
                    position: w.position,
                    entry: w.entry,
                    found: w.found,
                    transaction: w.xid.to_string(),
                    writer: writer.clone(),
                });
                false
            }
            None => now.since_s(w.since) < WAIT_S,
        });
        came
    }
}

fn xid_of(told: &SourceTransaction) -> Option<u32> {
    told.id.parse().ok().filter(|xid| *xid != 0)
}

fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads until the guard's end is gone.
fn follow(mut tails: Vec<Tail>, shared: &Shared, stopped: &Receiver<()>) {
    let mut buffer = vec![0; READ_BYTES];
    let mut bad: Vec<Option<String>> = vec![None; tails.len()];
    loop {
        let mut rest = Some(REST);
        for (tail, bad) in tails.iter_mut().zip(&mut bad) {
            let mut lines = Vec::new();
            let mut each = |format, record: &[u8], whole| {
                lines.push(log_line::read(format, record, whole));
            };
            let read = tail.read(&mut buffer, &mut each);
            if !lines.is_empty() {
                let mut known = lock(&shared.known);
                lines.into_iter().for_each(|line| known.take(line));
                shared.risen.notify_all();
            }
            match read {
                Ok(Read::More) => rest = None,
                Ok(Read::End) => *bad = None,
                Err(error) => {
                    let told = error.to_string();
                    if bad.as_ref() != Some(&told) {
                        let file = tail.path().display();
                        tracing::warn!(%file, error = told, "the server's log cannot be read; it is tried again");
                    }
                    *bad = Some(told);
                }
            }
        }
        if bad.iter().all(Option::is_some) {
            rest = Some(REST_BAD);
        }
        let gone = match rest {
            Some(rest) => stopped.recv_timeout(rest) == Err(RecvTimeoutError::Disconnected),
            None => stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Disconnected),
        };
        if gone {
            return;
        }
    }
}

impl Guard {
    /// Puts who wrote the transactions of these findings, ledger positions, beside them. `before`:
    /// size of the ledger before the batch.
    pub fn name_writers(
        &mut self,
        (before, found): (u64, &[u64]),
        transactions: &[SourceTransaction],
        now: Instant,
    ) -> Result<(), DeskError> {
        let all = self.expected_writers.is_some();
        if self.log.is_none() || (found.is_empty() && !all) {
            return Ok(());
        }
        let size = self.intake.ledger.reader.size();
        let others = if all { before..size } else { 0..0 };
        let entries = found.iter().map(|entry| (*entry, true));
        let mut places = HashMap::new();
        for (entry, found) in entries.chain(others.map(|entry| (entry, false))) {
            let bytes = self.intake.ledger.reader.entry(entry)?;
            if let LedgerEntry::Row(row) = LedgerEntry::decode(&bytes)? {
                places.entry(row.source_position).or_insert((entry, found));
            }
        }
        let mut known = Vec::new();
        for told in transactions {
            let Some((entry, found)) = places.get(&told.position).copied() else {
                continue;
            };
            match (&told.logged, &mut self.log) {
                (Some(writer), _) => known.push(Named {
                    position: told.position,
                    entry,
                    found,
                    transaction: told.id.clone(),
                    writer: writer.clone(),
                }),
                (None, Some(log)) => log.wait_for(told, (entry, found), now),
                (None, None) => {}
            }
        }
        self.keep_writers(known, now)
    }

    /// Takes what the log has told since.
    pub fn name_late_writers(&mut self, now: Instant) -> Result<(), DeskError> {
        let came = self.log.as_mut().map(|log| log.late(now));
        self.keep_writers(came.unwrap_or_default(), now)
    }

    fn keep_writers(&mut self, mut named: Vec<Named>, now: Instant) -> Result<(), DeskError> {
        if named.is_empty() {
            return Ok(());
        }
        let foreign = self.foreign_writers(&mut named, now)?;
        self.store_at_once(foreign)?;
        named.retain(|named| named.found);
        let log = &self.intake.ledger.name;
        // A failure here must not stop the guard: the findings are stored.
        match self.desk.store_writers((&self.source, log), named, now) {
            Ok(()) => self.desk.touched(),
            Err(error) => {
                let error = crate::error::chain(&error);
                tracing::error!(source = %self.source, error, "who wrote is told by the log, but cannot be stored");
            }
        }
        Ok(())
    }
}

impl Desk {
    fn store_writers(
        &self,
        (source, log): (&SourceName, &str),
        named: Vec<Named>,
        now: Instant,
    ) -> Result<(), DeskError> {
        let mut batch = Batch::default();
        for named in named {
            let position = named.position;
            let id = place(log, position);
            // After a crash the source tells a transaction again.
            if self.store().document(WRITERS, &id)?.is_some() {
                continue;
            }
            let told = Told {
                source: source.clone(),
                transaction: named.transaction,
                writer: named.writer,
            };
            let leaf = serde_json::json!({
                "record": "logged_writer", "at": now, "position": position, "told": told,
            });
            batch.leaves.push(serde_json::to_vec(&leaf)?);
            batch.documents.push(PutDocument {
                collection: WRITERS,
                id,
                expect_version: None,
                json: serde_json::to_string(&told)?,
                at: now,
            });
        }
        if !batch.documents.is_empty() {
            self.store().commit(batch)?;
        }
        Ok(())
    }

    /// Who wrote the transaction at this position of a source, according to the server's log.
    pub(crate) fn logged_at(
        &self,
        log: &str,
        position: u64,
    ) -> Result<Option<LoggedWriter>, DeskError> {
        let stored = self.store().document(WRITERS, &place(log, position))?;
        let told: Option<Told> = stored.map(|d| serde_json::from_str(&d.json)).transpose()?;
        Ok(told.map(|told| told.writer))
    }

    /// Who made the change of a finding, according to the server's log; `None`: it does not say.
    pub fn logged_writer(&self, finding: &Finding) -> Option<LoggedWriter> {
        let found = self.logged_writer_of(finding);
        found.unwrap_or_else(|error| {
            tracing::error!(error = %crate::error::chain(&error), "who wrote cannot be read");
            None
        })
    }

    fn logged_writer_of(&self, finding: &Finding) -> Result<Option<LoggedWriter>, DeskError> {
        let reader = self.log_reader(&finding.log);
        let Some(reader) = reader.filter(|reader| finding.position < reader.size()) else {
            return Ok(None);
        };
        match LedgerEntry::decode(&reader.entry(finding.position)?)? {
            LedgerEntry::Row(row) if row.source_position != 0 => {
                self.logged_at(&finding.log, row.source_position)
            }
            _ => Ok(None),
        }
    }

    /// Findings as they are listed, each with who wrote it as far as the server's log says so.
    pub fn findings_told(&self, filter: &crate::view::FindingFilter) -> Vec<FindingTold> {
        let findings = self.findings(filter).into_iter();
        let told = findings.map(|finding| FindingTold {
            logged: self.logged_writer(&finding),
            finding,
        });
        told.collect()
    }
}

/// A finding with its writer.
#[derive(Debug, Serialize)]
pub struct FindingTold {
    #[serde(flatten)]
    pub finding: Finding,
    /// According to the server's log: not proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logged: Option<LoggedWriter>,
}

fn place(log: &str, position: u64) -> String {
    format!("{log}@{position}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> ServerLog {
        ServerLog {
            shared: Arc::default(),
            patience: 0,
            waiting: VecDeque::new(),
            seen: 0,
            unreadable: 0,
            _stop: sync_channel(1).0,
        }
    }

    fn line(xid: u32, role: &str) -> Line {
        let writer = LoggedWriter {
            role: role.into(),
            application: None,
            address: None,
            session: String::new(),
            logged_at: String::new(),
        };
        Line::Writer(xid, writer)
    }

    fn transaction(xid: u32) -> SourceTransaction {
        SourceTransaction {
            position: u64::from(xid) * 10,
            id: xid.to_string(),
            ..SourceTransaction::default()
        }
    }

    #[test]
    fn memory_is_bounded_and_the_first_line_counts() {
        let mut known = Known::default();
        for xid in 1..=MOST_KNOWN as u32 + 5 {
            known.take(line(xid, "first"));
            known.take(line(xid, "forged"));
        }
        assert_eq!(known.writers.len(), MOST_KNOWN);
        assert_eq!(known.order.len(), MOST_KNOWN);
        assert!(!known.writers.contains_key(&5));
        assert_eq!(known.writers[&6].role, "first");
    }

    #[test]
    fn findings_wait_before_lawful_changes_and_not_for_ever() {
        let mut log = log();
        let at = Instant::from_secs(1_800_000_000);
        for xid in 1..=2 * MOST_WAITING as u32 {
            log.wait_for(&transaction(xid), (0, false), at);
        }
        assert_eq!(log.waiting.len(), MOST_WAITING / 2);
        let found = 4_000_000_000;
        log.wait_for(&transaction(found), (7, true), at);
        lock(&log.shared.known).take(line(found, "mallory"));
        let came = log.late(at.plus_s(1));
        assert_eq!(came.len(), 1);
        assert_eq!((came[0].entry, came[0].found), (7, true));
        assert_eq!(came[0].writer.role, "mallory");
        lock(&log.shared.known).take(line(3_999_999_999, "shop"));
        assert!(log.late(at.plus_s(WAIT_S as i64 + 1)).is_empty());
        assert!(log.waiting.is_empty());
    }
}
