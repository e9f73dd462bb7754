//! The writer: one thread, one write connection, group commit.
//!
//! It takes what waits, runs each piece of work under a savepoint of its own (so that one that
//! fails does not spoil the others), commits once (one fsync), and only then answers.
//! Deliberately not here: what beginning and committing mean on each database (`transaction`).

mod transaction;

pub(crate) use transaction::{Server, Writing};

use crate::batch::{self, Batch, Committed};
use crate::sql::{Connection, SqlError};
use crate::{Changes, StoreError};
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
    pub fn start(writing: Writing, changes: Arc<Changes>) -> Result<Self, StoreError> {
        let (queue, inbox) = sync_channel(QUEUE);
        std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || run(writing, &inbox, &changes))
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
    let sql = |text| db.run(text).map_err(|e| StoreError::of(e, "writing"));
    sql("SAVEPOINT work")?;
    let result = work(db);
    match &result {
        Ok(_) => sql("RELEASE work")?,
        // The whole transaction is gone; then there is no savepoint.
        Err(_) if !db.in_transaction() => {}
        Err(_) => sql("ROLLBACK TO work; RELEASE work")?,
    }
    result
}

fn run(mut writing: Writing, inbox: &Receiver<Work>, changes: &Changes) {
    // After a failed fsync the system may have dropped the pages and call the next one a success,
    // so nothing more is accepted; only a restart reads what is really there. The same holds when
    // a server does not say what became of a commit.
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
            None => commit_group(&mut writing, group),
        };
        if let Err(error) = &committed
            && error.ends_the_writer()
        {
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

fn commit_group(writing: &mut Writing, group: Vec<Work>) -> (Vec<Finish>, Result<(), StoreError>) {
    if let Err(error) = writing.begin() {
        let finishes = group.into_iter().map(|work| work(None)).collect();
        return (finishes, Err(error));
    }
    // A full disk may make SQLite end the transaction in the middle of the group. What came after
    // would then stand by itself while its caller is told that nothing does, so it is not run.
    let db = writing.db();
    let finishes: Vec<Finish> = group
        .into_iter()
        .map(|work| work(db.in_transaction().then_some(db)))
        .collect();
    if db.is_lost() {
        let lost = SqlError::lost("in the middle of a group");
        return (finishes, Err(StoreError::of(lost, "writing")));
    }
    if !db.in_transaction() {
        // SQLite ended the transaction by itself; nothing of the group stands.
        return (finishes, Err(StoreError::Full));
    }
    let committed = writing.commit();
    if committed.is_err() && writing.db().in_transaction() {
        writing.roll_back();
    }
    (finishes, committed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::values;
    use std::sync::mpsc::{Receiver, channel};

    fn database(folder: &tempfile::TempDir) -> Connection {
        let db = crate::sql::sqlite::connect(&folder.path().join("group.db"), false).unwrap();
        db.run("CREATE TABLE t (bytes BLOB)").unwrap();
        db
    }

    fn insert(bytes: u32) -> (Work, Receiver<Result<(), StoreError>>) {
        let (tell, told) = channel();
        let work: Work = Box::new(move |db| {
            let result = db.map_or(Err(StoreError::Busy), |db| {
                in_savepoint(db, |db| {
                    db.execute("INSERT INTO t VALUES (zeroblob(?1))", values![bytes])
                        .map(drop)
                        .map_err(|e| StoreError::of(e, "testing"))
                })
            });
            Box::new(move |committed| tell.send(committed.and(result)).unwrap())
        });
        (work, told)
    }

    fn rows(db: &Connection) -> i64 {
        db.one("SELECT count(*) FROM t", &[], |row| row.get(0))
            .unwrap()
    }

    #[test]
    fn after_a_failed_fsync_nothing_is_accepted_any_more() {
        let scenario = fail::FailScenario::setup();
        let folder = tempfile::tempdir().unwrap();
        let writer = Writer::start(Writing::File(database(&folder)), Arc::default()).unwrap();
        let put = || {
            writer.run(|db| {
                db.execute("INSERT INTO t VALUES (x'01')", &[])
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
        let db = crate::sql::sqlite::connect(&folder.path().join("group.db"), true).unwrap();
        assert_eq!(rows(&db), 1);
        scenario.teardown();
    }

    #[test]
    fn who_is_told_that_the_disk_is_full_has_nothing_stored() {
        let scenario = fail::FailScenario::setup();
        let folder = tempfile::tempdir().unwrap();
        let db = database(&folder);
        db.run("PRAGMA max_page_count = 20").unwrap();
        let mut db = Writing::File(db);
        // The second one fills the disk and makes SQLite end the transaction of all three.
        let (group, told): (Vec<_>, Vec<_>) = [10, 1_000_000, 10].map(insert).into_iter().unzip();
        let (finishes, committed) = commit_group(&mut db, group);
        let again = committed.as_ref().err().map(StoreError::again);
        for finish in finishes {
            finish(again.as_ref().map_or(Ok(()), |e| Err(e.again())));
        }
        let acknowledged = told.iter().filter(|t| t.recv().unwrap().is_ok()).count();
        assert_eq!(rows(db.db()), acknowledged as i64);
        // The writer goes on.
        let (work, _told) = insert(10);
        assert!(commit_group(&mut db, vec![work]).1.is_ok());
        assert_eq!(rows(db.db()), acknowledged as i64 + 1);
        scenario.teardown();
    }
}
