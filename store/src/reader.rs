//! A few read-only connections. Reads never wait for the writer, nor the writer for them.

use crate::StoreError;
use crate::error::sql;
use rusqlite::{Connection, OpenFlags};
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

pub(crate) struct Readers {
    path: PathBuf,
    /// Connections open at most; one more reader waits until one comes back.
    limit: usize,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Default)]
struct State {
    idle: Vec<Connection>,
    lent: usize,
}

impl Readers {
    pub(crate) fn new(path: PathBuf, limit: usize) -> Self {
        Self {
            path,
            limit: limit.max(1),
            state: Mutex::default(),
            freed: Condvar::new(),
        }
    }

    pub(crate) fn with<T>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut loan = self.borrow();
        if loan.connection.is_none() {
            loan.connection = Some(self.connect()?);
        }
        loan.connection
            .as_ref()
            .map_or(Err(StoreError::Closed), query)
    }

    fn borrow(&self) -> Loan<'_> {
        let mut state = self
            .freed
            .wait_while(self.lock(), |state| state.lent >= self.limit)
            .unwrap_or_else(PoisonError::into_inner);
        state.lent += 1;
        let connection = state.idle.pop();
        Loan {
            readers: self,
            connection,
        }
    }

    fn connect(&self) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(&self.path, flags).map_err(sql("open for reading"))?;
        db.busy_timeout(crate::open::BUSY_TIMEOUT)
            .map_err(sql("set the busy timeout"))?;
        db.execute_batch(
            "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;",
        )
        .map_err(sql("set up a read connection"))?;
        Ok(db)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives the connection back, also when the query failed or panicked.
struct Loan<'a> {
    readers: &'a Readers,
    connection: Option<Connection>,
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        let mut state = self.readers.lock();
        state.lent -= 1;
        state.idle.extend(self.connection.take());
        self.readers.freed.notify_one();
    }
}
