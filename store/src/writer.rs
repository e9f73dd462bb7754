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
    // After a failed fsync the system may have dropped the pages and call the next one a success,
    // so nothing more is accepted; only a restart reads what is really there.
    let mut broken: Option<StoreError> = None;
    while let Ok(first) = inbox.recv() {
        let mut group = vec![first];
        while group.len() < GROUP {
            match inbox.try_recv() {
                Ok(work) => group.push(work),
                Err(_) => break,
            }
        }
        let (finishes, committed) = match &broken {
            Some(error) => (
                group.into_iter().map(|work| work(None)).collect(),
                Err(error.again()),
            ),
            None => commit_group(db, group),
        };
        if let Err(error @ StoreError::Disk { .. }) = &committed {
            broken = Some(error.again());
        }
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
    // A full disk may make SQLite end the transaction in the middle of the group. What came after
    // would then stand by itself while its caller is told that nothing does, so it is not run.
    let finishes: Vec<Finish> = group
        .into_iter()
        .map(|work| work((!db.is_autocommit()).then_some(db)))
        .collect();
    if db.is_autocommit() {
        // SQLite ended the transaction by itself; nothing of the group stands.
        return (finishes, Err(StoreError::Full));
    }
    let committed = commit(db);
    if committed.is_err() && !db.is_autocommit() {
        drop(db.execute_batch("ROLLBACK"));
    }
    (finishes, committed)
}

fn commit(db: &Connection) -> Result<(), StoreError> {
    // A crash before this line: nobody was answered, nothing stands.
    fail::fail_point!("store-before-commit");
    // As if the write-ahead log could not be fsynced.
    fail::fail_point!("store-commit-fails", |_| Err(StoreError::Disk {
        detail: "failpoint".to_owned()
    }));
    db.execute_batch("COMMIT")
        .map_err(|e| StoreError::of(e, "committing"))?;
    // A crash after this line: the group stands, though nobody was answered.
    fail::fail_point!("store-after-commit");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, channel};

    fn database(folder: &tempfile::TempDir) -> Connection {
        let db = Connection::open(folder.path().join("group.db")).unwrap();
        db.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (bytes BLOB);")
            .unwrap();
        db
    }

    fn insert(bytes: u32) -> (Work, Receiver<Result<(), StoreError>>) {
        let (tell, told) = channel();
        let work: Work = Box::new(move |db| {
            let result = db.map_or(Err(StoreError::Busy), |db| {
                in_savepoint(db, |db| {
                    db.execute("INSERT INTO t VALUES (zeroblob(?1))", [bytes])
                        .map(drop)
                        .map_err(|e| StoreError::of(e, "testing"))
                })
            });
            Box::new(move |committed| tell.send(committed.and(result)).unwrap())
        });
        (work, told)
    }

    fn rows(db: &Connection) -> i64 {
        db.query_row("SELECT count(*) FROM t", [], |row| row.get(0))
            .unwrap()
    }

    #[test]
    fn after_a_failed_fsync_nothing_is_accepted_any_more() {
        let scenario = fail::FailScenario::setup();
        let folder = tempfile::tempdir().unwrap();
        let writer = Writer::start(database(&folder), Arc::default()).unwrap();
        let put = || {
            writer.run(|db| {
                db.execute("INSERT INTO t VALUES (x'01')", [])
                    .map(drop)
                    .map_err(|e| StoreError::of(e, "testing"))
            })
        };
        put().unwrap();
        fail::cfg("store-commit-fails", "1*return").unwrap();
        for _ in 0..3 {
            let error = put().unwrap_err();
            assert!(matches!(error, StoreError::Disk { .. }), "{error:?}");
        }
        let db = Connection::open(folder.path().join("group.db")).unwrap();
        assert_eq!(rows(&db), 1);
        scenario.teardown();
    }

    #[test]
    fn who_is_told_that_the_disk_is_full_has_nothing_stored() {
        let scenario = fail::FailScenario::setup();
        let folder = tempfile::tempdir().unwrap();
        let db = database(&folder);
        db.pragma_update_and_check(None, "max_page_count", 20, |_| Ok(()))
            .unwrap();
        // The second one fills the disk and makes SQLite end the transaction of all three.
        let (group, told): (Vec<_>, Vec<_>) = [10, 1_000_000, 10].map(insert).into_iter().unzip();
        let (finishes, committed) = commit_group(&db, group);
        let again = committed.as_ref().err().map(StoreError::again);
        for finish in finishes {
            finish(again.as_ref().map_or(Ok(()), |e| Err(e.again())));
        }
        let acknowledged = told.iter().filter(|t| t.recv().unwrap().is_ok()).count();
        assert_eq!(rows(&db), acknowledged as i64);
        // The writer goes on.
        let (work, _told) = insert(10);
        assert!(commit_group(&db, vec![work]).1.is_ok());
        assert_eq!(rows(&db), acknowledged as i64 + 1);
        scenario.teardown();
    }
}
