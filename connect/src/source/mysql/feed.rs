//! Follows the binlog of a MariaDB or MySQL shop.
//!
//! One thread, two connections: one on which the server sends the binlog, one on which rows are
//! read. What the caller does not take, the server holds back in its connection.

mod elsewhere;
mod follow;

use super::dump::Dump;
use super::group::{Assembler, Transaction};
use super::source::MysqlSource;
use super::statement::{self, Effect};
use super::watched::WatchedTables;
use super::{catalog, guarded, place, scan};
use crate::ConnectError;
use crate::source::{
    CheckRow, Feed, FeedBatch, GuardedTable, LostReason, Polled, Receive, ScanReport,
    ServerAddress, Source, SourceLoad,
};
use follow::Following;
use model::policy::Sees;
use model::{Clock, Key, Observed, Row, SystemClock};
use std::collections::HashSet;
use std::time::{Duration, Instant};

/// A batch ends with the transaction that reaches this.
const BATCH_ROWS: usize = 4_096;
const BATCH_TRANSACTIONS: usize = 1_024;

pub struct MysqlFeed {
    address: ServerAddress,
    tables: Vec<GuardedTable>,
    source: MysqlSource,
    /// Where to read on from once the tables were looked at.
    resume: Option<u64>,
    following: Option<Following>,
    /// What was known of the server before a look at the tables, behind which reading goes on.
    known: Option<follow::Known>,
    /// Said again until the tables are looked at anew.
    lost: Option<LostReason>,
    /// Said again until the feed is opened anew.
    changed: Option<Vec<String>>,
    /// A transaction that touches a row of the batch before it.
    waiting: Option<Box<Transaction>>,
    /// Up to here everything was handed over.
    handed: u64,
    /// Where the server stood when every row was looked at.
    looked: u64,
    /// Rows were handed over since.
    told: bool,
    acknowledged: u64,
    wanted: Option<u64>,
    lag_s: Option<f64>,
}

impl MysqlFeed {
    pub fn open(
        address: &ServerAddress,
        tables: Vec<GuardedTable>,
        resume: Option<u64>,
    ) -> Result<Self, ConnectError> {
        let mut source = MysqlSource::open(address)?;
        source.again(|session| guarded::find(session, &tables))?;
        Ok(Self {
            address: address.clone(),
            tables,
            source,
            resume,
            following: None,
            known: None,
            lost: None,
            changed: None,
            waiting: None,
            handed: 0,
            looked: 0,
            told: false,
            acknowledged: 0,
            wanted: None,
            lag_s: None,
        })
    }

    fn look(&mut self, each: Receive<'_>) -> Result<ScanReport, ConnectError> {
        let tables = &self.tables;
        self.source
            .again(|session| session.run("looking whether the server is there", "DO 1"))?;
        let session = self.source.session()?;
        let found = catalog::read_with_parents(session)?;
        let guarded = guarded::among(&found, tables)?;
        let lower = session.value(
            "asking how names are told apart",
            "SELECT @@GLOBAL.lower_case_table_names",
        )?;
        let watched = WatchedTables::new(
            &session.database,
            lower.is_some_and(|l| l != "0"),
            &found,
            &guarded,
        );
        let at = place::snapshot(session)?;
        let mut report = ScanReport::default();
        let mut state = |number: u16, key: &Key, row: &Row| {
            each(Observed::state(number, key.clone(), Some(row.clone())))
        };
        let scanned = guarded.iter().try_for_each(|access| {
            scan::table(session, access, None, None, &mut report, &mut state)
        });
        if !session.broken {
            let ended = scan::end(session);
            if scanned.is_ok() {
                ended?;
            }
        }
        scanned?;
        let from = self.resume.take().unwrap_or(at);
        self.handed = from;
        let known = self.known.take();
        let following = Following::new(Assembler::new(watched), from, known);
        self.looked = following.counted(at);
        self.following = Some(following);
        self.told = false;
        self.changed = None;
        self.lost = None;
        self.waiting = None;
        Ok(report)
    }

    /// Takes what came until the time is up or the batch is full.
    fn gather(&mut self, deadline: Instant) -> Result<FeedBatch, ConnectError> {
        let mut batch = Gathered::default();
        if let Some(waiting) = self.waiting.take() {
            self.hand_over(&mut batch, *waiting);
        }
        while !batch.is_full() && self.lost.is_none() && self.changed.is_none() {
            let Some(following) = &mut self.following else {
                break;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            let left = if batch.is_empty() {
                left
            } else {
                Duration::ZERO
            };
            let next = match following.next(&self.address, &mut self.source, left) {
                Ok(next) => next,
                // What was taken in is told first; the same fails again.
                Err(_) if !batch.is_empty() => break,
                Err(error) => return Err(error),
            };
            // Places of the server before say nothing any more.
            if following.has_moved() {
                self.looked = 0;
                if self.wanted.is_some() {
                    self.wanted = Some(u64::MAX);
                    self.request_catch_up()?;
                }
            }
            match next {
                follow::Next::Transaction(transaction) => {
                    if batch.touches(&transaction) {
                        self.waiting = Some(transaction);
                        break;
                    }
                    self.hand_over(&mut batch, *transaction);
                }
                follow::Next::Quiet(at) => {
                    self.handed = self.handed.max(at);
                    if Instant::now() >= deadline {
                        break;
                    }
                }
                follow::Next::Nothing(at) => {
                    self.handed = self.handed.max(at);
                    if left.is_zero() || !batch.is_empty() || Instant::now() >= deadline {
                        break;
                    }
                }
                follow::Next::Lost(reason) => self.lose(reason),
                follow::Next::Statement { tables, sql } => self.meet(&tables, &sql),
                follow::Next::Differs { table } => self.differs(table),
            }
        }
        Ok(batch.finish(self.handed))
    }

    fn hand_over(&mut self, batch: &mut Gathered, transaction: Transaction) {
        self.handed = self.handed.max(transaction.told.position);
        self.told |= !transaction.observed.is_empty();
        let now = SystemClock.now();
        let lag_s = now.since_s(transaction.told.committed_at).max(0.0);
        self.lag_s = Some(lag_s);
        if let Some(following) = &mut self.following {
            following.is_behind(lag_s);
        }
        batch.add(transaction);
    }

    /// Reading stops before what changed these tables.
    fn change(&mut self, tables: Vec<String>) {
        if let Some(following) = self.following.take() {
            self.resume = Some(self.handed);
            self.known = Some(following.known().before());
        }
        self.changed = Some(tables);
    }

    fn lose(&mut self, reason: LostReason) {
        self.following = None;
        self.lost = Some(reason);
    }

    /// A statement that rows do not tell of: columns changed, or rows did unseen.
    fn meet(&mut self, tables: &[String], sql: &str) {
        let names = |table: &&String| self.tables.iter().any(|g| g.schema.name == **table);
        let guarded: Vec<String> = tables.iter().filter(names).cloned().collect();
        let meaning = statement::meaning(sql.as_bytes());
        let (first, any) = (meaning.verb, meaning.effect == Effect::Anything);
        let unlogged = LostReason::Unlogged {
            what: format!(
                "{first}, which may concern {}, was logged as a statement",
                tables.join(", ")
            ),
        };
        let read = self.source.again(|session| {
            Ok((
                catalog::read_with_parents(session)?,
                session.database.clone(),
            ))
        });
        // The catalogue cannot be asked now: looking at every row is right in any case.
        let Ok((found, database)) = read else {
            return self.lose(unlogged);
        };
        let Ok(access) = guarded::among(&found, &self.tables) else {
            self.following = None;
            self.changed = Some(if guarded.is_empty() {
                tables.to_vec()
            } else {
                guarded
            });
            return;
        };
        let writes = any || first == "TRUNCATE";
        let alters = !any && ["ALTER", "RENAME", "CREATE", "DROP"].contains(&first.as_str());
        // Every row was looked at behind it, with the columns that it left, and none was read before
        // it with these.
        let behind = self
            .following
            .as_ref()
            .is_some_and(|f| f.place() <= self.looked);
        let seen = alters && behind && !self.told;
        match (first.as_str(), guarded.first()) {
            ("TRUNCATE", Some(table)) => self.lose(LostReason::TableTruncated {
                table: table.clone(),
            }),
            // It may have written rows, though the columns look as before.
            (_, Some(_)) if alters && !seen => self.change(guarded),
            (_, Some(_)) if !seen => self.lose(unlogged),
            _ if writes => self.lose(unlogged),
            _ => {
                if let Some(following) = &mut self.following {
                    following.watch(&database, &found, &access);
                }
            }
        }
    }

    /// Rows that were logged with other columns than the table has: it was changed since, or is
    /// being changed now.
    fn differs(&mut self, table: String) {
        let tables = &self.tables;
        match self.source.again(|session| guarded::find(session, tables)) {
            Ok(_) => self.lose(LostReason::OldShape { table }),
            // The catalogue cannot be asked now: looking at every row is right in any case.
            Err(error) if error.may_pass() => self.lose(LostReason::OldShape { table }),
            Err(_) => {
                self.following = None;
                self.changed = Some(vec![table]);
            }
        }
    }
}

impl Feed for MysqlFeed {
    fn rescan(&mut self, each: Receive<'_>) -> Result<ScanReport, ConnectError> {
        match (&self.lost, self.following.take()) {
            // The look itself failed; what was to be read on from still is.
            (Some(LostReason::Failed), _) => {}
            // What lies between cannot be read: everything is as it is now.
            (Some(_), _) => (self.resume, self.known) = (None, None),
            (None, Some(following)) => {
                self.resume = Some(self.handed);
                self.known = Some(following.known());
            }
            (None, None) => {}
        }
        let looked = self.look(each);
        if looked.is_err() {
            self.lost = Some(LostReason::Failed);
        }
        looked
    }

    fn poll(&mut self, timeout: Duration) -> Result<Polled, ConnectError> {
        let deadline = Instant::now() + timeout;
        if self.following.is_some() || self.waiting.is_some() {
            let batch = self.gather(deadline)?;
            if !batch.observed.is_empty() || !batch.unreadable.is_empty() {
                return Ok(Polled::Changes(batch));
            }
        }
        if let Some(reason) = &self.lost {
            return Ok(Polled::Lost {
                reason: reason.clone(),
            });
        }
        if let Some(tables) = &self.changed {
            return Ok(Polled::SchemaChanged {
                tables: tables.clone(),
            });
        }
        if self.following.is_none() {
            return Err(ConnectError::NotScanned);
        }
        Ok(Polled::Quiet)
    }

    fn request_catch_up(&mut self) -> Result<(), ConnectError> {
        let end = match &mut self.following {
            Some(following) => self.source.again(|session| following.end(session))?,
            None => Some(self.source.again(place::end)?),
        };
        // Known once reading has moved to the server that answers now.
        self.wanted = Some(end.unwrap_or(u64::MAX));
        Ok(())
    }

    fn caught_up(&self) -> bool {
        self.waiting.is_none() && self.wanted.is_none_or(|wanted| self.handed >= wanted)
    }

    fn read(&mut self, table: u16, keys: &[Key]) -> Result<Vec<Option<Row>>, ConnectError> {
        match self.tables.get(usize::from(table)) {
            Some(guarded) => self.source.read(guarded, keys),
            None => Ok(vec![None; keys.len()]),
        }
    }

    fn check(&mut self, sql: &str) -> Result<Vec<CheckRow>, ConnectError> {
        self.source.check(sql)
    }

    fn acknowledge(&mut self, position: u64) -> Result<(), ConnectError> {
        // The server keeps its binlog for a time, whoever has read it: there is nothing to tell it.
        self.acknowledged = self.acknowledged.max(position);
        Ok(())
    }

    fn position(&self) -> Option<u64> {
        // Behind what changed a table, rows are of other columns; up to there they were handed over.
        let knows = self.following.is_some() || self.changed.is_some();
        knows.then_some(self.handed)
    }

    fn sees(&self) -> Sees {
        Sees::Transactions
    }

    fn load(&mut self) -> SourceLoad {
        let following = self.following.as_ref().is_some_and(Following::is_connected);
        SourceLoad {
            whole_comparisons: 0,
            retained_bytes: None,
            connections: self.source.connections() + u32::from(following),
            lag_s: self.lag_s,
            server_cpu_s: None,
        }
    }
}

/// A batch in the making.
#[derive(Default)]
struct Gathered {
    batch: FeedBatch,
    rows: HashSet<(u16, Key)>,
}

impl Gathered {
    fn is_empty(&self) -> bool {
        self.batch.transactions.is_empty()
    }

    fn is_full(&self) -> bool {
        self.batch.observed.len() >= BATCH_ROWS
            || self.batch.transactions.len() >= BATCH_TRANSACTIONS
    }

    fn touches(&self, transaction: &Transaction) -> bool {
        let mut rows = transaction.observed.iter();
        rows.any(|o| self.rows.contains(&(o.table, o.key.clone())))
    }

    fn add(&mut self, transaction: Transaction) {
        let number = self.batch.transactions.len() as u32;
        for mut observed in transaction.observed {
            observed.transaction = number;
            self.rows.insert((observed.table, observed.key.clone()));
            self.batch.observed.push(observed);
        }
        self.batch.unreadable.extend(transaction.unreadable);
        self.batch.position = transaction.told.position;
        self.batch.commits += 1;
        self.batch.transactions.push(transaction.told);
    }

    fn finish(mut self, handed: u64) -> FeedBatch {
        if self.batch.transactions.is_empty() {
            self.batch.position = handed;
        }
        self.batch
    }
}
