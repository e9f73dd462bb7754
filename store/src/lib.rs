//! One concrete store, on embedded SQLite or on a PostgreSQL server: facts, findings, documents,
//! outbox, leaves, accounts.
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
mod readers;
mod schema;
mod search;
mod sql;
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
pub use sql::SqlError;
pub use sql::postgres::{PostgresSettings, PostgresTls};

use readers::Readers;
use sql::postgres::Door;
use sql::{Connection, sqlite};
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use writer::{Server, Writer, Writing};

/// A handle on the store. Cheap to clone; any thread.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    writer: Writer,
    readers: Readers,
    changes: Arc<Changes>,
    /// How often an account was added or changed.
    accounts: AtomicU64,
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
        sqlite::private(path)?;
        let db = sqlite::connect(path, false)?;
        schema::migrate(&db)?;
        let readers = Readers::of_file(path)?;
        Self::start(Writing::File(db), readers)
    }

    /// Opens the database of a server, which must be there, and brings its schema up to date. A
    /// second process is refused with [`StoreError::Taken`].
    pub fn open_postgres(settings: PostgresSettings) -> Result<Self, StoreError> {
        let server = Server::open(Door::new(settings)?)?;
        let readers = Readers::of_server(server.door().clone())?;
        Self::start(Writing::Server(server), readers)
    }

    fn start(writing: Writing, readers: Readers) -> Result<Self, StoreError> {
        let changes = Arc::new(Changes::default());
        let writer = Writer::start(writing, Arc::clone(&changes))?;
        Ok(Self {
            inner: Arc::new(Inner {
                writer,
                readers,
                changes,
                accounts: AtomicU64::new(0),
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

    /// Runs a question on a read connection; again when a server had ended the connection before.
    pub(crate) fn read<T>(
        &self,
        ask: impl Fn(&Connection) -> Result<T, SqlError>,
    ) -> Result<T, StoreError> {
        self.inner.readers.ask(ask)
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
