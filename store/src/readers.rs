//! The read connections: each question borrows one, and whoever finds none waits.

use crate::sql::postgres::{Door, Purpose};
use crate::sql::{Connection, SqlError, sqlite};
use crate::{StoreError, lock};
use std::path::Path;
use std::sync::{Condvar, Mutex, PoisonError};

/// Read connections; a page needs one for microseconds.
const READERS: usize = 4;
/// Times that a question is put: a server that was started again has ended all connections.
const TRIES: u32 = 2;

pub(crate) struct Readers {
    /// `None`: to be made again.
    free: Mutex<Vec<Option<Connection>>>,
    returned: Condvar,
    /// Makes connections to a server; a file's are never lost.
    door: Option<Door>,
}

impl Readers {
    pub fn of_file(path: &Path) -> Result<Self, StoreError> {
        Self::of(None, || sqlite::connect(path, true))
    }

    pub fn of_server(door: Door) -> Result<Self, StoreError> {
        Self::of(Some(door.clone()), || to_server(&door))
    }

    fn of(
        door: Option<Door>,
        connect: impl Fn() -> Result<Connection, StoreError>,
    ) -> Result<Self, StoreError> {
        let free = (0..READERS).map(|_| connect().map(Some));
        Ok(Self {
            free: Mutex::new(free.collect::<Result<_, _>>()?),
            returned: Condvar::new(),
            door,
        })
    }

    pub fn ask<T>(
        &self,
        question: impl Fn(&Connection) -> Result<T, SqlError>,
    ) -> Result<T, StoreError> {
        let mut borrowed = Borrowed {
            connection: self.take(),
            readers: self,
        };
        let mut tries = TRIES;
        loop {
            tries -= 1;
            let error = match question(borrowed.ready()?) {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if !error.is_lost() || tries == 0 {
                return Err(StoreError::of(error, "reading"));
            }
        }
    }

    fn take(&self) -> Option<Connection> {
        let mut free = lock(&self.free);
        loop {
            match free.pop() {
                Some(connection) => return connection,
                None => {
                    free = self
                        .returned
                        .wait(free)
                        .unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }
}

/// Goes back to the others whatever becomes of the question.
struct Borrowed<'a> {
    connection: Option<Connection>,
    readers: &'a Readers,
}

impl Borrowed<'_> {
    fn ready(&mut self) -> Result<&Connection, StoreError> {
        let kept = self.connection.take().filter(|db| !db.is_lost());
        let db = match (kept, &self.readers.door) {
            (Some(db), _) => db,
            (None, Some(door)) => to_server(door)?,
            (None, None) => return Err(StoreError::Closed),
        };
        Ok(self.connection.insert(db))
    }
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        lock(&self.readers.free).push(self.connection.take());
        self.readers.returned.notify_one();
    }
}

fn to_server(door: &Door) -> Result<Connection, StoreError> {
    let link = door.open(Purpose::Read)?;
    Ok(Connection::Postgres(Box::new(link)))
}
