//! The writer: one thread, one write connection, group commit.
//!
//! It takes what waits, runs each piece of work under a savepoint of its own (so that one that
//! fails does not spoil the others), commits once (one fsync), and only then answers.

use crate::batch::{self, Batch, Committed};
use crate::{Changes, StoreError};
use rusqlite::Connection;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

/// Pieces of work in one transaction.
const GROUP: usize = 256;
/// Pieces of work waiting; at a few KiB each, some megabytes.
const QUEUE: usize = 8_192;

/// Work inside the group's transaction. It gives what to do when the group was committed or has failed.
/// Without a connection nothing is run: the transaction could not begin.
type Work = Box<dyn FnOnce(Option<&Connection>) -> Finish + Send>;
type Finish = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

pub(crate) struct Writer {
    queue: SyncSender<Work>,
}

impl Writer {
    pub fn start(db: Connection, changes: Arc<Changes>) -> Result<Self, StoreError> {
        let (queue, inbox) = sync_channel(QUEUE);
        std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || run(&db, &inbox, &changes))
            .map_err(|_| StoreError::Closed)?;
        Ok(Self { queue })
    }

    pub fn commit(&self, batch: Batch) -> Result<Committed, StoreError> {
        self.run(move |db| batch::put(db, &batch))
    }

    /// Runs `work` in the next group; returns when it is durable.
    pub fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, wait) = sync_channel(1);
        let work: Work = Box::new(move |db| {
            let result = db.map_or(Err(StoreError::Busy), |db| in_savepoint(db, work));
            Box::new(move |committed| {
                // Whoever asked may have gone; what was committed stands.
                let _ = answer.send(committed.and(result));
            })
        });
        self.queue.try_send(work).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Overloaded,
            TrySendError::Disconnected(_) => StoreError::Closed,
        })?;
        wait.recv().map_err(|_| StoreError::Closed)?
    }
}

fn in_savepoint<T>(
    db: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let sql = |text| {
        db.execute_batch(text)
            .map_err(|e| StoreError::of(e, "writing"))
    };
    sql("SAVEPOINT work")?;
    let result = work(db);
    match &result {
        Ok(_) => sql("RELEASE work")?,
        // After a full disk SQLite may have rolled the whole transaction back; then there is no savepoint.
        Err(_) if db.is_autocommit() => {}
        Err(_) => sql("ROLLBACK TO work; RELEASE work")?,
    }
    result
}

fn run(db: &Connection, inbox: &Receiver<Work>, changes: &Changes) {
    while let Ok(first) = inbox.recv() {
        let mut group = vec![first];
        while group.len() < GROUP {
            match inbox.try_recv() {
                Ok(work) => group.push(work),
                Err(_) => break,
            }
        }
        let (finishes, committed) = commit_group(db, group);
        let failed = committed.as_ref().err().map(StoreError::again);
        if failed.is_none() {
            changes.touch();
        }
        for finish in finishes {
            finish(failed.as_ref().map_or(Ok(()), |e| Err(e.again())));
        }
    }
}

fn commit_group(db: &Connection, group: Vec<Work>) -> (Vec<Finish>, Result<(), StoreError>) {
    if let Err(error) = db.execute_batch("BEGIN IMMEDIATE") {
        let finishes = group.into_iter().map(|work| work(None)).collect();
        return (finishes, Err(StoreError::of(error, "beginning to write")));
    }
    let finishes: Vec<Finish> = group.into_iter().map(|work| work(Some(db))).collect();
    if db.is_autocommit() {
        // SQLite ended the transaction by itself; nothing of the group stands.
        return (finishes, Err(StoreError::Full));
    }
    // A crash before this line: nobody was answered, nothing stands.
    fail::fail_point!("store-before-commit");
    let committed = db
        .execute_batch("COMMIT")
        .map_err(|e| StoreError::of(e, "committing"));
    // A crash after this line: the group stands, though nobody was answered.
    fail::fail_point!("store-after-commit");
    if committed.is_err() && !db.is_autocommit() {
        drop(db.execute_batch("ROLLBACK"));
    }
    (finishes, committed)
}
