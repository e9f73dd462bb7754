//! One concrete store on embedded SQLite: facts, findings, documents, outbox, leaves, accounts.
//!
//! One writer thread owns the write connection and commits in groups; a few read connections
//! answer questions. All SQL of the product's own data stands in this room.
//! Deliberately not here: decisions, and what a fact means.

mod account;
mod batch;
mod error;
mod incident_index;
mod incident_list;
mod member;
mod query;
mod schema;
mod search;
mod writer;

pub use account::{Account, AccountState, LoginLink, NewSession, SessionRow};
pub use batch::{
    Batch, Committed, FindingRecord, NewFact, NewOutbox, OutboxChange, OutboxUpdate, PutDocument,
};
pub use error::StoreError;
pub use incident_index::IncidentEntry;
pub use incident_list::{
    Cursor, ListOrder, ListPage, ListQuery, MAX_COUNTED, MAX_HIDDEN, MAX_LIST_PAGE,
};
pub use member::{AccountChange, EndSessions, OpenSession};
pub use query::{Document, FactRow, FindingQuery, OutboxRow};
pub use search::TextPart;

use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use writer::Writer;

/// Read connections; a page needs one for microseconds.
const READERS: usize = 4;
/// How long SQLite waits for another process before it says that the file is busy.
const BUSY_MS: u64 = 5_000;
/// The store holds password hashes and personal data; -wal and -shm take these rights over.
const OWNER_ONLY: u32 = 0o600;

/// A handle on the store. Cheap to clone; any thread.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    writer: Writer,
    readers: Mutex<Vec<Connection>>,
    returned: Condvar,
    changes: Arc<Changes>,
}

/// Rises with every commit.
#[derive(Default)]
pub(crate) struct Changes {
    count: Mutex<u64>,
    risen: Condvar,
}

impl Changes {
    pub(crate) fn touch(&self) {
        *lock(&self.count) += 1;
        self.risen.notify_all();
    }
}

impl Store {
    /// Opens or creates the file (0600) and brings its schema up to date.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        private(path)?;
        let mut db = connect(path, false)?;
        schema::migrate(&mut db)?;
        let readers = (0..READERS)
            .map(|_| connect(path, true))
            .collect::<Result<_, _>>()?;
        let changes = Arc::new(Changes::default());
        let writer = Writer::start(db, Arc::clone(&changes))?;
        Ok(Self {
            inner: Arc::new(Inner {
                writer,
                readers: Mutex::new(readers),
                returned: Condvar::new(),
                changes,
            }),
        })
    }

    /// Stores the batch in one transaction; returns when it is fsynced.
    pub fn commit(&self, batch: Batch) -> Result<Committed, StoreError> {
        self.inner.writer.commit(batch)
    }

    /// Waits until something was committed after `seen`, or for the time given; gives the counter.
    pub fn wait_for_change(&self, seen: u64, timeout: Duration) -> u64 {
        let count = lock(&self.inner.changes.count);
        let quiet = |count: &mut u64| *count <= seen;
        match self
            .inner
            .changes
            .risen
            .wait_timeout_while(count, timeout, quiet)
        {
            Ok((count, _)) => *count,
            Err(poisoned) => *poisoned.into_inner().0,
        }
    }

    /// Lets everybody who waits for a change look again.
    pub fn wake(&self) {
        self.inner.changes.touch();
    }

    /// Runs a question on a read connection.
    pub(crate) fn read<T>(
        &self,
        ask: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let mut free = lock(&self.inner.readers);
        let db = loop {
            match free.pop() {
                Some(db) => break db,
                None => {
                    free = self
                        .inner
                        .returned
                        .wait(free)
                        .unwrap_or_else(PoisonError::into_inner)
                }
            }
        };
        drop(free);
        let answer = ask(&db);
        lock(&self.inner.readers).push(db);
        self.inner.returned.notify_one();
        answer.map_err(|e| StoreError::of(e, "reading"))
    }

    pub(crate) fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.inner.writer.run(work)
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn connect(path: &Path, read_only: bool) -> Result<Connection, StoreError> {
    let mut flags = OpenFlags::SQLITE_OPEN_NO_MUTEX;
    flags |= if read_only {
        OpenFlags::SQLITE_OPEN_READ_ONLY
    } else {
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE
    };
    let opened = || -> rusqlite::Result<Connection> {
        let db = Connection::open_with_flags(path, flags)?;
        db.busy_timeout(Duration::from_millis(BUSY_MS))?;
        db.set_prepared_statement_cache_capacity(128);
        if !read_only {
            db.pragma_update(None, "journal_mode", "WAL")?;
        }
        // FULL: a commit is fsynced before it is answered.
        db.pragma_update(None, "synchronous", "FULL")?;
        db.pragma_update(None, "foreign_keys", true)?;
        Ok(db)
    };
    opened().map_err(|e| StoreError::open(e, path))
}

/// The file belongs to its user alone: a new one from its first byte, an old one from now on.
fn private(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    let failed = |source| StoreError::File {
        path: PathBuf::from(path),
        source,
    };
    let mut options = std::fs::OpenOptions::new();
    match options
        .write(true)
        .create_new(true)
        .mode(OWNER_ONLY)
        .open(path)
    {
        Ok(file) => drop(file),
        // Narrowed by its name: opening and closing a database that this process uses would drop
        // SQLite's locks on it.
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
            let mode = std::fs::Permissions::from_mode(OWNER_ONLY);
            std::fs::set_permissions(path, mode).map_err(failed)?;
        }
        Err(e) => return Err(failed(e)),
    }
    Ok(())
}
