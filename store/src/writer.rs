//! The one writer thread. It drains what waits into one transaction, makes it durable with one
//! fsync, and answers everybody who was in it.
//!
//! ```text
//! callers   A──┐ B──┐ C──┐              D──┐ E──┐
//! writer      [A    B    C] commit+fsync  [D    E] commit+fsync
//! answers                              A B C                  D E
//! ```

use crate::StoreError;
use crate::change::Changes;
use crate::error::sql;
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

/// Batches waiting at most; a further caller blocks until the writer has taken some. Four groups.
pub const QUEUE_BATCHES: usize = 1_024;
/// Batches in one transaction at most, so that the first in line does not wait for a thousand.
pub const MAX_GROUP_BATCHES: usize = 256;
/// Bytes in one transaction; the batch that passes it is the last one of its group.
const MAX_GROUP_BYTES: usize = 16 << 20;
/// Pages written (an estimate) after which the write-ahead log is copied into the database: 8 MiB.
const CHECKPOINT_PAGES: usize = 2_048;
const PAGE_BYTES: usize = 4_096;
/// Pages that even the smallest group writes.
const GROUP_PAGES: usize = 8;

type Answer = Result<(), StoreError>;

/// One caller's writes and the way back to the caller.
pub(crate) struct Task {
    /// Whether readers who wait for changes are to be woken.
    tells: bool,
    bytes: usize,
    step: Box<dyn FnMut(Step<'_>) -> Answer + Send>,
}

enum Step<'a> {
    /// May be asked again, when the transaction around it was lost.
    Write(&'a Connection),
    Answer(Answer),
}

impl Task {
    pub(crate) fn new<T: Send + 'static>(
        tells: bool,
        bytes: usize,
        mut work: impl FnMut(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> (Self, Receiver<Result<T, StoreError>>) {
        let (reply, answer) = sync_channel(1);
        let mut done = None;
        let step = Box::new(move |step: Step<'_>| {
            match step {
                Step::Write(db) => done = Some(work(db)?),
                Step::Answer(outcome) => {
                    let outcome = outcome.and_then(|()| done.take().ok_or(StoreError::Closed));
                    // A caller who no longer waits has nobody to tell.
                    let _ = reply.send(outcome);
                }
            }
            Ok(())
        });
        (Self { tells, bytes, step }, answer)
    }

    fn write(&mut self, db: &Connection) -> Answer {
        (self.step)(Step::Write(db))
    }

    fn answer(mut self, outcome: Answer) {
        // This step only sends and never fails.
        let _ = (self.step)(Step::Answer(outcome));
    }
}

pub(crate) struct Writer {
    db: Connection,
    path: PathBuf,
    changes: Arc<Changes>,
    /// Set when the disk failed: nothing is accepted any more.
    broken: Option<StoreError>,
    pages_since_checkpoint: usize,
}

impl Writer {
    pub(crate) fn new(db: Connection, path: PathBuf, changes: Arc<Changes>) -> Self {
        Self {
            db,
            path,
            changes,
            broken: None,
            pages_since_checkpoint: 0,
        }
    }

    pub(crate) fn run(mut self, queue: &Receiver<Task>) {
        while let Ok(first) = queue.recv() {
            let mut bytes = first.bytes;
            let mut group = vec![first];
            while group.len() < MAX_GROUP_BATCHES && bytes < MAX_GROUP_BYTES {
                let Ok(task) = queue.try_recv() else { break };
                bytes += task.bytes;
                group.push(task);
            }
            self.pages_since_checkpoint += GROUP_PAGES + group.len() + bytes / PAGE_BYTES;
            self.settle(group);
            if self.pages_since_checkpoint >= CHECKPOINT_PAGES {
                self.checkpoint("PASSIVE");
            }
        }
        self.checkpoint("TRUNCATE");
    }

    /// Writes a group and answers everybody in it.
    fn settle(&mut self, mut group: Vec<Task>) {
        let outcomes = match self.attempt(&mut group) {
            Ok(outcomes) => outcomes,
            // The group as a whole found no room. A small batch may still fit where the one that
            // needed the room does not, so each now stands for itself.
            Err(StoreError::Full { .. }) if group.len() > 1 => group
                .iter_mut()
                .map(|task| self.attempt(std::slice::from_mut(task)).and_then(only))
                .collect(),
            Err(error) => vec![Err(error); group.len()],
        };
        let tells = group
            .iter()
            .zip(&outcomes)
            .any(|(task, outcome)| task.tells && outcome.is_ok());
        if tells {
            self.changes.tell();
        }
        for (task, outcome) in group.into_iter().zip(outcomes) {
            task.answer(outcome);
        }
    }

    /// One transaction. `Err` means that nothing of the whole group is stored.
    fn attempt(&mut self, group: &mut [Task]) -> Result<Vec<Answer>, StoreError> {
        if let Some(broken) = &self.broken {
            return Err(broken.clone());
        }
        self.transaction(group).map_err(|error| {
            if !self.db.is_autocommit()
                && let Err(error) = self.db.execute_batch("ROLLBACK")
            {
                tracing::error!(%error, "the store could not roll back");
            }
            let error = error.located(&self.path);
            if matches!(error, StoreError::Disk { .. }) {
                // After a failed fsync the system may have dropped the pages and call the next
                // fsync a success; only a restart reads what is really there.
                self.broken = Some(error.clone());
            }
            error
        })
    }

    fn transaction(&self, group: &mut [Task]) -> Result<Vec<Answer>, StoreError> {
        self.run_sql("BEGIN IMMEDIATE", "begin a transaction")?;
        let mut outcomes = Vec::with_capacity(group.len());
        for task in group {
            outcomes.push(self.batch(task)?);
        }
        if outcomes.iter().all(Result::is_err) {
            self.run_sql("ROLLBACK", "leave an empty transaction")?;
            return Ok(outcomes);
        }
        // A crash before this commit leaves nothing of the group, and nobody was answered.
        fail::fail_point!("store-before-commit");
        self.run_sql("COMMIT", "commit")?;
        // A crash after it leaves all of it, though its callers got no answer and will repeat:
        // ids and expected versions tell the repetition from a new command.
        fail::fail_point!("store-after-commit");
        Ok(outcomes)
    }

    /// One batch under its own savepoint, so that its failure does not spoil its neighbours.
    /// `Err` when the transaction itself can no longer go on.
    fn batch(&self, task: &mut Task) -> Result<Answer, StoreError> {
        self.run_sql("SAVEPOINT batch", "begin a batch")?;
        let outcome = task
            .write(&self.db)
            .map_err(|error| error.located(&self.path));
        if let Err(error) = &outcome {
            // SQLite itself ends the transaction on some errors, a full disk among them.
            if self.db.is_autocommit() || matches!(error, StoreError::Disk { .. }) {
                return Err(error.clone());
            }
            self.run_sql("ROLLBACK TO batch", "undo a batch")?;
        }
        self.run_sql("RELEASE batch", "end a batch")?;
        Ok(outcome)
    }

    fn run_sql(&self, statement: &str, context: &'static str) -> Result<(), StoreError> {
        self.db
            .prepare_cached(statement)
            .and_then(|mut prepared| prepared.execute([]))
            .map(drop)
            .map_err(sql(context))
    }

    /// Copies the write-ahead log into the database. Everything in it is durable already, so a
    /// failure loses nothing: without room it is tried again later, a broken disk stops the writer.
    fn checkpoint(&mut self, mode: &str) {
        self.pages_since_checkpoint = 0;
        if self.broken.is_some() {
            return;
        }
        let result = self
            .db
            .query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(()))
            .map_err(|error| sql("copy the write-ahead log")(error).located(&self.path));
        if let Err(error) = result {
            tracing::warn!(%error, "the store's write-ahead log was not copied");
            if matches!(error, StoreError::Disk { .. }) {
                self.broken = Some(error);
            }
        }
    }
}

fn only(mut outcomes: Vec<Answer>) -> Answer {
    outcomes.pop().unwrap_or(Err(StoreError::Closed))
}
