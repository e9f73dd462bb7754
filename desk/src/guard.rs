//! One source under guard: a thread that owns feed, ledger and judge, and does one thing at a time.
//!
//! Everything that needs a consistent view of shop and ledger (an audit's confirmation, a repair's
//! expected images) is a request to this thread, answered between two polls.

use crate::daybook::Daybook;
use crate::expected_writers::ExpectedWriters;
use crate::intake::{Ingested, Intake, Seen};
use crate::ledger::WatchEntry;
use crate::open_source::Opened;
use crate::open_source::reshape::Reshape;
use crate::resume::{self, Resumed};
use crate::server_log::ServerLog;
use crate::source::mark_findings;
use crate::stamps::Stamps;
use crate::unsent;
use crate::watch_status::Status;
use crate::{Desk, DeskError};
use connect::source::{Feed, FeedBatch, GuardedTable, Polled};
use model::policy::Sees;
use model::{Finding, Instant, SourceName};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// One poll waits at most this long for the shop to commit; requests wait as long.
const POLL: Duration = Duration::from_millis(20);
/// Requests waiting for the guard; each is a person or a command line, more are told to come back.
const REQUESTS: usize = 64;
/// The shop's own checks across tables run at most this often.
const CHECK_EVERY_S: f64 = 1.0;
/// Polls without anything new after which a source that owes us its commits is given up: 60 s.
const MAX_QUIET_POLLS: u32 = 3_000;
/// How often the time up to which the guard was looking is stored.
const HEARTBEAT_S: f64 = 5.0;

/// Work done on the guard's thread between two polls.
pub(crate) type Request = Box<dyn FnOnce(&mut Guard) + Send>;

pub(crate) struct Guard {
    pub source: SourceName,
    pub intake: Intake,
    pub feed: Box<dyn Feed>,
    pub tables: Arc<Vec<GuardedTable>>,
    pub status: Arc<Status>,
    pub desk: Desk,
    pub checks: crate::cross_check::CrossChecks,
    pub stamps: Stamps,
    pub log: Option<ServerLog>,
    pub expected_writers: Option<ExpectedWriters>,
    pub daybook: Option<Daybook>,
    /// Findings are stored and listed, but nobody is called.
    pub shadow: bool,
    pub resumed: Resumed,
    /// The tables have changed since every row was looked at.
    pub reshape: Option<Reshape>,
    pub heartbeat_at: Instant,
    /// Position up to which everything that the source told is durable and judged.
    pub position: Option<u64>,
    /// A poll failed: nothing may be marked as stored any more.
    broken: Option<DeskError>,
    /// Stored findings wait for an incident.
    unraised: bool,
}

/// The desk's end of a guard.
pub(crate) struct GuardHandle {
    pub status: Arc<Status>,
    requests: SyncSender<Request>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Guard>>,
}

impl GuardHandle {
    /// Starts the thread. The feed has taken its first look and what happened meanwhile is ingested.
    pub fn start(guard: Guard) -> Result<Self, DeskError> {
        let (requests, inbox) = sync_channel(REQUESTS);
        let stop = Arc::new(AtomicBool::new(false));
        let (status, stopped) = (Arc::clone(&guard.status), Arc::clone(&stop));
        let thread = std::thread::Builder::new()
            .name(format!("guard-{}", guard.source))
            .spawn(move || run(guard, &inbox, &stopped))
            .map_err(|e| DeskError::GuardStopped(e.to_string()))?;
        Ok(Self {
            status,
            requests,
            stop,
            thread: Some(thread),
        })
    }

    /// A guard that could not be started: it answers every request with its problem.
    pub fn ended(status: Arc<Status>) -> Self {
        let (requests, _) = sync_channel(1);
        Self {
            status,
            requests,
            stop: Arc::new(AtomicBool::new(true)),
            thread: None,
        }
    }

    /// Runs `work` on the guard's thread and waits for its answer.
    pub fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Guard) -> Result<T, DeskError> + Send + 'static,
    ) -> Result<T, DeskError> {
        let (answer, wait) = sync_channel(1);
        let request: Request = Box::new(move |guard| {
            // Whoever asked may have given up; the work is done all the same.
            let _ = answer.send(work(guard));
        });
        self.requests
            .try_send(request)
            .map_err(|error| match error {
                TrySendError::Full(_) => DeskError::Refused(crate::Told::new("guard-busy")),
                TrySendError::Disconnected(_) => DeskError::GuardStopped(self.status.problem()),
            })?;
        wait.recv()
            .map_err(|_| DeskError::GuardStopped(self.status.problem()))?
    }

    /// Gives the guard back, and with it the ledger.
    pub fn stop(&mut self) -> Option<Guard> {
        self.stop.store(true, Ordering::SeqCst);
        // A panic in the guard was already reported by the thread itself.
        self.thread.take()?.join().ok()
    }
}

/// Says that the guard has stopped when its thread ends by a panic, which is our own mistake.
struct Told(Arc<Status>);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let at = model::Clock::now(&model::SystemClock);
            self.0
                .stopped(at, "a fault in the program itself; start Balefire again");
        }
    }
}

fn run(mut guard: Guard, inbox: &Receiver<Request>, stop: &AtomicBool) -> Guard {
    let _told = Told(Arc::clone(&guard.status));
    while !stop.load(Ordering::SeqCst) {
        let turned = guard.turn();
        while let Ok(request) = inbox.try_recv() {
            if guard.broken.is_some() {
                break;
            }
            request(&mut guard);
        }
        // A poll may also have failed within a request: what it took in but did not store is made
        // again from the ledger when the guard starts anew, so it must not go on as if nothing was.
        if let Some(error) = turned.err().or(guard.broken.take()) {
            let told = error.told();
            tracing::error!(source = %guard.source, error = %told, "the guard has stopped");
            guard.status.stopped(guard.desk.now(), &told);
            guard.status.may_pass(error.may_pass());
            return guard;
        }
    }
    if let Err(error) = guard.finish() {
        tracing::error!(source = %guard.source, %error, "the guard did not end in good order");
    }
    guard
}

impl Guard {
    pub fn new(source: SourceName, desk: Desk, opened: Opened, status: Arc<Status>) -> Self {
        let checks = crate::cross_check::CrossChecks::of(&desk, &source);
        let heartbeat_at = desk.now();
        let config = desk.source_config(&source).ok();
        let shadow = config.is_some_and(|c| c.shadow);
        let expected_writers = config.and_then(ExpectedWriters::of_source);
        Self {
            source,
            intake: opened.intake,
            feed: opened.feed,
            tables: opened.tables,
            status,
            desk,
            checks,
            stamps: opened.stamps,
            log: opened.log,
            expected_writers,
            daybook: None,
            shadow,
            resumed: opened.resumed,
            reshape: opened.reshape,
            heartbeat_at,
            position: opened.resumed.position,
            broken: None,
            unraised: false,
        }
    }

    /// One poll and what follows from it.
    fn turn(&mut self) -> Result<(), DeskError> {
        self.poll()?;
        let now = self.desk.now();
        self.name_late_writers(now)?;
        if self.checks.due(now, CHECK_EVERY_S) {
            self.run_checks(now)?;
        }
        if now.since_s(self.heartbeat_at).abs() >= HEARTBEAT_S {
            self.heartbeat_at = now;
            // All findings of what is durable are stored: this thread stores them before it goes on.
            let covered = self.intake.ledger.reader.size();
            let mut marks = vec![
                (mark_looking(&self.source), now.0.unsigned_abs()),
                (mark_findings(&self.source), covered),
            ];
            marks.extend(self.position_marks(covered));
            marks.extend(self.intake.windows.marks());
            self.desk.store_marks(marks)?;
            let load = self.feed.load();
            self.status.load(load);
            if let Some(book) = &mut self.daybook {
                book.load(load);
                book.keep(&self.desk, now)?;
            }
            if self.unraised && !self.shadow {
                self.raise_waiting();
            }
            self.flush_if_worth()?;
        }
        Ok(())
    }

    /// Takes in what the feed has seen; true when there was something.
    pub fn poll(&mut self) -> Result<bool, DeskError> {
        if self.broken.is_some() {
            return Err(DeskError::GuardStopped("it is being started anew".into()));
        }
        let looked = self.look();
        if let Err(error) = &looked {
            self.broken = Some(DeskError::Broken {
                told: error.told(),
                may_pass: error.may_pass(),
            });
        }
        looked
    }

    /// All that was committed in the shop when this began is in the ledger after it, however busy
    /// the shop is.
    pub fn catch_up_with_shop(&mut self) -> Result<(), DeskError> {
        self.feed.request_catch_up()?;
        let mut quiet = 0;
        while !self.feed.caught_up() {
            quiet = if self.poll()? { 0 } else { quiet + 1 };
            if quiet > MAX_QUIET_POLLS {
                return Err(DeskError::GuardStopped(
                    "the source does not tell what it has committed; it is tried again".into(),
                ));
            }
        }
        self.intake.ledger.settle()
    }

    fn look(&mut self) -> Result<bool, DeskError> {
        match self.feed.poll(POLL)? {
            Polled::Quiet => Ok(false),
            Polled::Changes(batch) => {
                self.take_in(batch)?;
                Ok(true)
            }
            Polled::Lost { reason } => {
                self.lost(&reason.to_string())?;
                Ok(true)
            }
            Polled::SchemaChanged { tables } => Err(self.schema_changed(&tables)),
        }
    }

    fn take_in(&mut self, mut batch: FeedBatch) -> Result<(), DeskError> {
        let at = self.desk.now();
        unsent::fill_in(
            &mut self.intake.ledger,
            self.feed.as_mut(),
            &mut batch.observed,
        )?;
        let stamps = self.stamps.of(&self.source, &batch.transactions, at);
        if let Some(log) = &mut self.log {
            log.name(&mut batch.transactions);
        }
        let seen = Seen {
            at,
            // Of a transaction that a crash cut in two only the second half comes now.
            witnessed: self.resumed.torn.is_none_or(|torn| torn != batch.position),
            coalesced: batch.coalesced,
            source_position: batch.position,
            transactions: &batch.transactions,
            stamps: &stamps,
        };
        let before = self.intake.ledger.reader.size();
        let ingested = self.intake.ingest(batch.observed, seen)?;
        let found: Vec<u64> = ingested.findings.iter().map(|f| f.position).collect();
        self.store(ingested)?;
        let counted = self.intake.windows.marks();
        if !counted.is_empty() {
            self.desk.store_marks(counted)?;
        }
        self.name_writers((before, &found), &batch.transactions, at)?;
        self.without_key(&batch.unreadable, at)?;
        self.checks.changed();
        // A crash before this line: the source tells the batch again, and the ledger has it.
        self.feed.acknowledge(batch.position)?;
        if self.feed.sees() == Sees::Transactions {
            self.position = Some(batch.position);
        }
        Ok(())
    }

    /// Marks of the position to go on from; `covered`: size of the ledger, all durable and judged.
    pub fn position_marks(&self, covered: u64) -> impl Iterator<Item = (String, u64)> {
        let position = self.feed.position().max(self.position);
        let marks = position.map(|position| resume::marks(&self.source, position, covered));
        marks.into_iter().flatten()
    }

    /// Waits until the entries are durable, stores the findings, and lets triage see them.
    pub fn store(&mut self, mut ingested: Ingested) -> Result<(), DeskError> {
        self.intake.ledger.settle()?;
        let mut findings = std::mem::take(&mut ingested.findings);
        let now = self.desk.now();
        findings.iter_mut().for_each(|f| f.stored_at = now);
        let covered = self.intake.ledger.reader.size();
        let new = if findings.is_empty() {
            Vec::new()
        } else {
            self.desk.store_findings(&self.source, findings, covered)?
        };
        self.status
            .judged(&self.intake.policy, &ingested, &new, self.desk.now());
        if let Some(book) = &mut self.daybook {
            book.changes(ingested.tally.changes);
            book.found(&new);
        }
        self.desk.touched();
        self.raise(new);
        Ok(())
    }

    /// Hands new findings to triage. A failure there must not stop the guard: the findings are
    /// stored, and are raised again until an incident holds them.
    fn raise(&mut self, new: Vec<Finding>) {
        let alarms: Vec<Finding> = new.into_iter().filter(|f| f.kind.alarms()).collect();
        if alarms.is_empty() || self.shadow {
            return;
        }
        if let Err(error) = crate::triage::raise(&self.desk, &self.source, &alarms) {
            self.not_raised(&error);
        }
    }

    fn not_raised(&mut self, error: &crate::CommandError) {
        self.unraised = true;
        let error = crate::error::chain(error);
        tracing::error!(source = %self.source, %error, "findings are stored but joined no incident yet; it is tried again");
        self.status.problem_is(error);
    }

    fn raise_waiting(&mut self) {
        match crate::triage::raise_waiting(&self.desk, &self.source) {
            Ok(()) => {
                self.unraised = false;
                self.status.looking();
            }
            Err(error) => self.not_raised(&error),
        }
    }

    fn run_checks(&mut self, now: Instant) -> Result<(), DeskError> {
        let found = self
            .checks
            .run(&self.source, self.feed.as_mut(), &self.intake, now);
        self.store_at_once(found)
    }

    /// Stores and raises findings that rest on no entry of their own.
    pub fn store_at_once(&mut self, found: Vec<Finding>) -> Result<(), DeskError> {
        if !found.is_empty() {
            let covered = self.intake.ledger.reader.size();
            let new = self.desk.store_findings(&self.source, found, covered)?;
            if let Some(book) = &mut self.daybook {
                book.found(&new);
            }
            self.raise(new);
        }
        Ok(())
    }

    /// Writes the index's newest part out. Findings up to here are stored, so a replay from
    /// what the index covers makes every finding that might be missing.
    fn flush_if_worth(&mut self) -> Result<(), DeskError> {
        if self.intake.ledger.index.wants_flush() {
            self.flush()?;
        }
        Ok(())
    }

    pub fn flush(&mut self) -> Result<(), DeskError> {
        self.intake.ledger.settle()?;
        let covered = self.intake.ledger.reader.size();
        Ok(self.intake.ledger.index.flush(covered)?)
    }

    fn finish(&mut self) -> Result<(), DeskError> {
        self.catch_up_with_shop()?;
        let at = self.desk.now();
        self.intake
            .ledger
            .push(&WatchEntry::Stopped { at }.entry()?)?;
        self.flush()?;
        let load = self.feed.load();
        if let Some(book) = &mut self.daybook {
            book.load(load);
            book.write(&self.desk, at)?;
        }
        self.desk
            .store_mark(&mark_looking(&self.source), at.0.unsigned_abs())
    }
}

/// Name of the mark that holds the time up to which the source was looked at.
pub(crate) fn mark_looking(source: &SourceName) -> String {
    format!("looking/{source}")
}
