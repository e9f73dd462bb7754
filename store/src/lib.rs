//! One concrete [`Store`] on embedded SQLite: facts, findings, documents, outbox, the bytes of
//! journal leaves, progress marks, accounts and sessions. What a call acknowledged is on the disk.
//!
//! Deliberately not here: decisions (facts and documents are opaque JSON), the journal itself,
//! hashing of passwords or tokens, clock reads. All SQL of Balefire's own data is in this room.

mod account;
mod batch;
mod change;
mod document;
mod error;
mod fact;
mod finding;
mod leaf;
mod login;
mod open;
mod outbox;
mod page;
mod reader;
mod schema;
mod session;
mod writer;

pub use account::Account;
pub use batch::{AccessChange, Batch, Committed, MAX_BATCH_BYTES, MAX_BATCH_ITEMS};
pub use change::{MAX_LISTENERS, Subscription};
pub use document::{Document, PutDocument};
pub use error::StoreError;
pub use fact::{MAX_FACTS_PER_INCIDENT, NewFact, StoredFact};
pub use finding::{FindingFilter, FindingRecord, StoredFinding};
pub use leaf::{MAX_LEAF_BYTES, MAX_LEAVES_READ};
pub use login::{Attempt, AttemptLimit, LoginLink, MAX_LOGIN_COUNTERS};
pub use open::StoreOptions;
pub use outbox::{NewOutbox, OutboxChange, OutboxRow, OutboxState, OutboxUpdate};
pub use page::{MAX_PAGE, Page, PageRequest};
pub use session::{LiveSession, MAX_SESSIONS_PER_ACCOUNT, Session};
pub use writer::{MAX_GROUP_BATCHES, QUEUE_BATCHES};

use change::Changes;
use reader::Readers;
use rusqlite::Connection;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;
use writer::Task;

/// A handle on the store; clones share one writer thread and a few read connections.
///
/// Every method blocks; call them from threads that may wait. A write returns only after the
/// transaction that holds it was fsynced, and a read begun after that sees it. The last handle
/// that is dropped ends the writer thread and gives the file free.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

/// A batch that was handed in and will be durable once [`Pending::wait`] returns.
#[must_use = "only `wait` tells whether the batch became durable"]
#[derive(Debug)]
pub struct Pending {
    answer: Receiver<Result<Committed, StoreError>>,
}

impl Pending {
    pub fn wait(self) -> Result<Committed, StoreError> {
        // The writer ended without an answer: whether the batch is stored is unknown, and a
        // repetition is told so by `Conflict` or by its idempotent ids.
        self.answer.recv().unwrap_or(Err(StoreError::Closed))
    }
}

struct Shared {
    path: PathBuf,
    queue: RwLock<Option<SyncSender<Task>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    readers: Readers,
    changes: Arc<Changes>,
    /// Held while the store is open; see [`open`].
    _lock: File,
}

impl Store {
    /// Opens or makes the store at `path`, brings its schema up to date and puts outbox rows that
    /// a crash left in `sending` back to `pending`, marked as possible duplicates.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_with(path, &StoreOptions::default())
    }

    pub fn open_with(path: &Path, options: &StoreOptions) -> Result<Self, StoreError> {
        open::open(path, options)
    }

    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Stores the whole batch or nothing of it; returns when it is durable.
    pub fn commit(&self, batch: Batch) -> Result<Committed, StoreError> {
        self.submit(batch)?.wait()
    }

    /// Hands a batch to the writer without waiting for the disk; blocks only while the queue is
    /// full. Batches submitted by one thread are stored in that order.
    pub fn submit(&self, batch: Batch) -> Result<Pending, StoreError> {
        let bytes = batch.check()?;
        let answer = self.enqueue(true, bytes, move |db| batch.write(db))?;
        Ok(Pending { answer })
    }

    /// Number of the last change; each group of durable writes makes a greater one. It counts
    /// anew in each process and is no name for anything stored.
    pub fn change(&self) -> u64 {
        self.shared.changes.current()
    }

    /// Waits until a change later than `after` is durable, at most `timeout`; the present number.
    /// Session touches and login attempts are no changes in this sense.
    pub fn wait_for_change(&self, after: u64, timeout: Duration) -> u64 {
        self.shared.changes.wait(after, timeout)
    }

    /// A cursor over changes from now on.
    pub fn subscribe(&self) -> Subscription {
        Subscription::new(Arc::clone(&self.shared.changes))
    }

    /// Calls `listener` on the writer thread after each change, until it returns false. It must
    /// be quick and must not call the store: it is there to wake somebody else.
    pub fn on_change(
        &self,
        listener: impl FnMut(u64) -> bool + Send + 'static,
    ) -> Result<(), StoreError> {
        self.shared.changes.listen(Box::new(listener))
    }

    /// Ends the writer after what is queued; every later write answers [`StoreError::Closed`].
    pub fn close(&self) {
        self.shared.close();
    }

    /// Reads the whole file and names the first fault; for a person who asks, not for each start.
    pub fn check(&self) -> Result<(), StoreError> {
        let verdict: String = self.read("check the file", |db| {
            db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        })?;
        if verdict == "ok" {
            return Ok(());
        }
        Err(StoreError::Damaged {
            path: self.shared.path.clone(),
            detail: verdict,
        })
    }

    /// The most that the database file may grow to (a quota of our own); `None` lifts it.
    pub fn set_max_bytes(&self, max_bytes: Option<u64>) -> Result<(), StoreError> {
        self.write_quietly(move |db| open::limit_size(db, max_bytes))
    }

    fn read<T>(
        &self,
        context: &'static str,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        self.shared
            .readers
            .with(|db| query(db).map_err(error::sql(context)))
            .map_err(|error| error.located(&self.shared.path))
    }

    /// A durable write that wakes nobody.
    fn write_quietly<T: Send + 'static>(
        &self,
        work: impl FnMut(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.enqueue(false, 0, work)?
            .recv()
            .unwrap_or(Err(StoreError::Closed))
    }

    fn enqueue<T: Send + 'static>(
        &self,
        tells: bool,
        bytes: usize,
        work: impl FnMut(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<Receiver<Result<T, StoreError>>, StoreError> {
        let (task, answer) = Task::new(tells, bytes, work);
        let queue = self
            .shared
            .queue
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let sender = queue.as_ref().ok_or(StoreError::Closed)?;
        sender.send(task).map_err(|_| StoreError::Closed)?;
        Ok(answer)
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("path", &self.shared.path)
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn close(&self) {
        // Without a sender the writer finishes its queue and ends.
        self.queue
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let writer = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(writer) = writer {
            // A panic of the writer was already answered to its callers as `Closed`.
            let _ = writer.join();
        }
        self.changes.close();
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.close();
    }
}
