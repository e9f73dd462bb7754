//! How a group's transaction begins and ends, on a file and on a server.
//!
//! A server may be gone when it should answer a COMMIT. So each transaction leaves its number in
//! `writer_mark`; after the loss the number tells whether it stands. The row also holds the epoch,
//! which every opening raises: whoever comes back to another epoch knows that others wrote meanwhile.

use crate::sql::Connection;
use crate::sql::postgres::{Door, Link, Purpose, pause};
use crate::sql::{SqlError, values};
use crate::{StoreError, schema};
use std::time::{Duration, Instant};

/// Advisory lock of the one writer, beside the name of the schema: "balf" in ASCII.
const WRITER_LOCK: i32 = 0x6261_6c66;
/// SQLSTATE of a lock that was not had in time.
const LOCK_NOT_AVAILABLE: &str = "55P03";
/// How long it is tried to learn what became of a commit. A server that is started again is back
/// within this time, and has let a dead connection go.
const FIND_OUT_WITHIN: Duration = Duration::from_secs(90);
const BETWEEN_TRIES: Duration = Duration::from_millis(500);

/// The write connection.
pub(crate) enum Writing {
    File(Connection),
    Server(Server),
}

impl Writing {
    pub fn db(&self) -> &Connection {
        match self {
            Self::File(db) => db,
            Self::Server(server) => &server.db,
        }
    }

    pub fn begin(&mut self) -> Result<(), StoreError> {
        match self {
            Self::File(db) => db
                .run("BEGIN IMMEDIATE")
                .map_err(|e| StoreError::of(e, "beginning to write")),
            Self::Server(server) => server.begin(),
        }
    }

    /// Whether the group stands; after an error nothing of it does, but for
    /// [`StoreError::ends_the_writer`].
    pub fn commit(&mut self) -> Result<(), StoreError> {
        if let Self::Server(server) = self {
            server.mark()?;
        }
        // A crash before this line: nobody was answered, nothing stands.
        fail::fail_point!("store-before-commit");
        // As if the write-ahead log could not be fsynced.
        fail::fail_point!("store-commit-fails", |_| Err(StoreError::Disk {
            detail: "failpoint".to_owned()
        }));
        match self {
            Self::File(db) => db
                .run("COMMIT")
                .map_err(|e| StoreError::of(e, "committing"))?,
            Self::Server(server) => server.commit()?,
        }
        // A crash after this line: the group stands, though nobody was answered.
        fail::fail_point!("store-after-commit");
        Ok(())
    }

    pub fn roll_back(&self) {
        // Fails when the connection is gone, and the transaction with it.
        drop(self.db().run("ROLLBACK"));
    }
}

/// The one writer of a server's database.
pub(crate) struct Server {
    door: Door,
    db: Connection,
    epoch: i64,
    /// Of the last transaction that stands.
    number: i64,
}

impl Server {
    /// Takes the lock, brings the schema up to date and begins an epoch.
    pub fn open(door: Door) -> Result<Self, StoreError> {
        let db = locked(&door)?;
        schema::migrate(&db)?;
        let sql = "UPDATE writer_mark SET epoch = epoch + 1, number = 0 RETURNING epoch";
        let epoch = db
            .one(sql, &[], |row| row.get(0))
            .map_err(|e| StoreError::of(e, "opening the store"))?;
        Ok(Self {
            door,
            db,
            epoch,
            number: 0,
        })
    }

    pub fn door(&self) -> &Door {
        &self.door
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        let begun = self.db.run("BEGIN");
        let Err(error) = begun else {
            return Ok(());
        };
        if !error.is_lost() {
            return Err(StoreError::of(error, "beginning to write"));
        }
        // Nothing was asked of the lost connection; whoever waits need not hear of it.
        let stands = self.come_back()?;
        if stands != self.number {
            return Err(went_back());
        }
        self.db
            .run("BEGIN")
            .map_err(|e| StoreError::of(e, "beginning to write"))
    }

    /// Fails in a transaction that a statement has spoilt, whose COMMIT would be a quiet ROLLBACK.
    fn mark(&self) -> Result<(), StoreError> {
        let sql = "UPDATE writer_mark SET number = ?1 WHERE epoch = ?2";
        let marked = self
            .db
            .execute(sql, values![self.number + 1, self.epoch])
            .map_err(|e| StoreError::of(e, "marking a transaction"))?;
        match marked {
            1 => Ok(()),
            _ => Err(others_wrote()),
        }
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        // While it waits for a standby that it must wait for, a server takes the end of the time of a
        // statement for leave to answer "done" without it.
        match self.db.run("SET LOCAL statement_timeout = 0; COMMIT") {
            Ok(()) => {
                self.number += 1;
                Ok(())
            }
            Err(SqlError::Lost { detail }) => self.find_out(detail),
            Err(error) => Err(StoreError::of(error, "committing")),
        }
    }

    /// After a COMMIT without an answer. The lock is only had when the server has ended the lost
    /// connection, and with it the transaction, this way or that.
    fn find_out(&mut self, detail: String) -> Result<(), StoreError> {
        // As if the server never came back.
        fail::fail_point!("store-never-answered", |_| Err(StoreError::InDoubt));
        let begun = Instant::now();
        while begun.elapsed() < FIND_OUT_WITHIN {
            let stands = match self.come_back() {
                Ok(stands) => stands,
                Err(error) if error.ends_the_writer() => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, "asking what became of a commit");
                    pause(BETWEEN_TRIES);
                    continue;
                }
            };
            if stands == self.number + 1 {
                self.number = stands;
                return Ok(());
            }
            if stands == self.number {
                return Err(StoreError::Lost {
                    doing: "committing",
                    detail,
                });
            }
            return Err(went_back());
        }
        Err(StoreError::InDoubt)
    }

    /// Connects anew; the number of the last transaction that stands.
    fn come_back(&mut self) -> Result<i64, StoreError> {
        let db = locked(&self.door)?;
        let sql = "SELECT epoch, number FROM writer_mark";
        let (epoch, number): (i64, i64) = db
            .one(sql, &[], |row| Ok((row.get(0)?, row.get(1)?)))
            .map_err(|e| StoreError::of(e, "coming back to the store"))?;
        if epoch != self.epoch {
            return Err(others_wrote());
        }
        self.db = db;
        Ok(number)
    }
}

const fn others_wrote() -> StoreError {
    StoreError::Overtaken {
        what: "another Balefire has written to it",
    }
}

const fn went_back() -> StoreError {
    StoreError::Overtaken {
        what: "writes that it had acknowledged are gone",
    }
}

/// A write connection that holds the lock of the writer until it ends.
fn locked(door: &Door) -> Result<Connection, StoreError> {
    let link: Link = door.open(Purpose::Write)?;
    let db = Connection::Postgres(Box::new(link));
    let sql =
        format!("SELECT pg_advisory_lock({WRITER_LOCK}, hashtext(coalesce(current_schema(), '')))");
    match db.run(&sql) {
        Ok(()) => Ok(db),
        Err(error) if error.code() == Some(LOCK_NOT_AVAILABLE) => Err(StoreError::Taken {
            server: door.server(),
        }),
        Err(error) => Err(StoreError::of(error, "taking the lock of the store")),
    }
}
