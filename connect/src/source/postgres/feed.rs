//! Follows the changes of the guarded tables through a replication slot.
//!
//! Three things happen on the server: rows are read on one connection, the log is streamed on
//! another, and every few seconds it is asked how slot, publication and tables stand.
//! ```text
//! slot ──► stream ──► transactions put together ──► batch ──► the caller ──► acknowledge ──► slot
//!           (a lost connection begins again behind the last transaction that was handed over)
//! ```

mod batch;
mod follow;
mod meaning;
mod stream;
mod transaction;
mod watch;

use super::guarded::{self, Access};
use super::session::{Purpose, Session, literal};
use super::snapshot::Snapshot;
use super::source::PostgresSource;
use super::{check, lsn, scan, slot};
use crate::ConnectError;
use crate::source::{
    CheckRow, Feed, GuardedTable, LostReason, Polled, Receive, ScanReport, ServerAddress,
    SourceLoad,
};
use follow::Follower;
use model::policy::Sees;
use model::{Key, Observed, Row};
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;
use watch::Watch;

/// The prefix of our own messages in the log.
const MARK: &str = "balefire.mark";
/// The prefix of the shop's stamps.
const STAMP: &str = "balefire.stamp";

pub struct PostgresFeed {
    address: ServerAddress,
    tables: Vec<GuardedTable>,
    access: Vec<Access>,
    source: PostgresSource,
    follower: Follower,
    watch: Watch,
    scanned: bool,
    /// Nothing may be said before the next rescan.
    lost: Option<LostReason>,
    changed: Vec<String>,
    /// Seen in the catalogue; said when all that was committed before is handed over.
    due: Option<(Due, u64)>,
}

enum Due {
    Lost(LostReason),
    Changed(Vec<String>),
}

impl PostgresFeed {
    /// Connects and compares the tables with the schema that they were set up with.
    pub fn open(
        address: &ServerAddress,
        tables: Vec<GuardedTable>,
        resume: Option<u64>,
    ) -> Result<Self, ConnectError> {
        let mut source = PostgresSource::open(address)?;
        let access = source.again(|session| guarded::find(session, &tables))?;
        can_follow(&access)?;
        Ok(Self {
            follower: Follower::new(address.clone(), &access, resume),
            watch: Watch::new(address.clone()),
            address: address.clone(),
            tables,
            access,
            source,
            scanned: false,
            lost: None,
            changed: Vec::new(),
            due: None,
        })
    }

    /// Sees to it that there are a slot and a whole publication before the snapshot. Where they had
    /// to be made anew nobody knows what happened since: why, to be said after the look.
    fn slot(&mut self) -> Result<Option<LostReason>, ConnectError> {
        let name = self.address.slot.clone();
        let access = &self.access;
        let (found, wrong) = self.source.again(|session| {
            let found = slot::look(session, &name)?;
            Ok((found, slot::published(session, &name, access)?))
        })?;
        // Log that was written while the publication was another one may not be readable at all,
        // so the slot must not go back to it.
        let renewed = matches!(
            self.lost,
            Some(LostReason::SlotGone { .. } | LostReason::PublicationChanged { .. })
        );
        let sound = found.as_ref().is_some_and(|slot| slot.sound);
        if sound && !renewed && wrong.is_empty() {
            return Ok(None);
        }
        if self.follower.is_fresh() && self.lost.is_none() {
            return Err(match sound {
                true => slot::not_whole(&name, access, &wrong),
                false => ConnectError::NotAttached { slot: name },
            });
        }
        // Whoever may not put the publication right keeps the slot.
        let mut session = Session::open(&self.address, Purpose::Attach)?;
        slot::publish(&mut session, &self.address, access, &mut Vec::new())?;
        if found.is_some_and(|slot| !slot.other_plugin) {
            self.follower.let_go()?;
        }
        slot::attach(&mut session, &self.address, &self.access)?;
        Ok(Some(match sound && !wrong.is_empty() {
            true => LostReason::PublicationChanged { publication: name },
            false => LostReason::SlotGone {
                slot: name,
                detail: "it was gone when the guard came back; it was made anew".to_owned(),
            },
        }))
    }

    fn look(&mut self) -> Result<(), ConnectError> {
        if self.lost.is_some() || !self.changed.is_empty() {
            return Ok(());
        }
        let (source, access) = (&mut self.source, &self.access);
        match self.watch.look(source, access, &mut self.follower)? {
            watch::Seen::AsBefore => {}
            watch::Seen::Lost(reason) => self.lost = Some(reason),
            _ if self.due.is_some() => {}
            watch::Seen::Changed { tables, until } => {
                self.due = Some((Due::Changed(tables), until))
            }
            watch::Seen::Unsure { reason, until } => self.due = Some((Due::Lost(reason), until)),
        }
        Ok(())
    }

    fn fall_due(&mut self) {
        match self.due.take() {
            Some((Due::Lost(reason), _)) => self.lost = Some(reason),
            Some((Due::Changed(tables), _)) => self.changed = tables,
            None => {}
        }
    }
}

impl Feed for PostgresFeed {
    fn rescan(&mut self, each: Receive<'_>) -> Result<ScanReport, ConnectError> {
        self.follower.stop();
        let tables = &self.tables;
        self.access = self
            .source
            .again(|session| guarded::find(session, tables))?;
        can_follow(&self.access)?;
        let made = self.slot()?;
        let name = self.address.slot.clone();
        let slot = self.source.again(|session| slot::look(session, &name))?;
        self.follower
            .expect_confirmed(slot.map_or(0, |slot| slot.confirmed));
        let said = self.lost.is_some();
        let begins = !self.scanned;
        self.follower.look_at(&self.access);
        self.watch.begin(&mut self.source, &self.access)?;
        let access = &self.access;
        let (report, snapshot) = self.source.in_snapshot(|session| {
            let snapshot = taken(session)?;
            let mut report = ScanReport::default();
            for access in access {
                scan::table(
                    session,
                    access,
                    None,
                    None,
                    &mut report,
                    &mut |number, key, row| {
                        each(Observed::state(number, key.clone(), Some(row.clone())))
                    },
                )?;
            }
            Ok((report, snapshot))
        })?;
        self.follower.looked(snapshot.clone());
        // What the caller was told to be lost, it has now from the snapshot. A caller that comes
        // back with a position wants every change since, told one by one.
        if said || made.is_some() || self.follower.is_fresh() {
            self.follower.begin_behind(
                snapshot,
                matches!(self.lost, Some(LostReason::OtherHistory { .. })),
            );
        }
        let inherited = || self.watch.inherited(&self.access);
        self.lost = made
            .filter(|_| !said)
            .or_else(|| inherited().filter(|_| begins));
        self.due = None;
        self.scanned = true;
        Ok(report)
    }

    fn poll(&mut self, timeout: Duration) -> Result<Polled, ConnectError> {
        if !self.scanned {
            return Err(ConnectError::NotScanned);
        }
        self.look()?;
        if self.lost.is_none() && self.changed.is_empty() {
            let (source, access) = (&mut self.source, &self.access);
            match self.follower.poll(source, access, timeout)? {
                follow::Turn::Batch(batch) => return Ok(Polled::Changes(*batch)),
                follow::Turn::Quiet => match &self.due {
                    Some((_, until)) if self.follower.is_past(*until) => self.fall_due(),
                    _ => return Ok(Polled::Quiet),
                },
                follow::Turn::Lost(reason) => self.lost = Some(reason),
                follow::Turn::Changed(tables) => self.changed = tables,
            }
        }
        if let Some(reason) = &self.lost {
            self.follower.stop();
            return Ok(Polled::Lost {
                reason: reason.clone(),
            });
        }
        Ok(Polled::SchemaChanged {
            tables: self.changed.clone(),
        })
    }

    fn request_catch_up(&mut self) -> Result<(), ConnectError> {
        let nonce = format!(
            "{:016x}{:016x}",
            RandomState::new().hash_one(0),
            RandomState::new().hash_one(1)
        );
        let marked = self.source.again(|session| marked(session, &nonce))?;
        match marked {
            None => self.follower.wait_for_mark(nonce.into_bytes()),
            Some(position) => self.follower.wait_for_position(position),
        }
        Ok(())
    }

    fn caught_up(&self) -> bool {
        self.follower.caught_up()
    }

    fn read(&mut self, table: u16, keys: &[Key]) -> Result<Vec<Option<Row>>, ConnectError> {
        let Some(access) = self.access.get(usize::from(table)) else {
            return Ok(vec![None; keys.len()]);
        };
        self.source
            .again(|session| scan::by_keys(session, access, keys))
    }

    fn check(&mut self, sql: &str) -> Result<Vec<CheckRow>, ConnectError> {
        self.source.again(|session| check::run(session, sql))
    }

    fn acknowledge(&mut self, position: u64) -> Result<(), ConnectError> {
        self.follower.acknowledge(position);
        Ok(())
    }

    fn position(&self) -> Option<u64> {
        self.follower.position()
    }

    fn sees(&self) -> Sees {
        Sees::Transactions
    }

    fn load(&mut self) -> SourceLoad {
        SourceLoad {
            whole_comparisons: 0,
            retained_bytes: self.watch.retained(),
            connections: self.source.connections() + self.follower.connections(),
            lag_s: self.follower.lag_s(),
            server_cpu_s: None,
        }
    }
}

fn can_follow(access: &[Access]) -> Result<(), ConnectError> {
    match access.iter().find_map(|a| Some((a, a.not_followed()?))) {
        None => Ok(()),
        Some((access, why)) => Err(ConnectError::CannotGuard {
            table: access.guarded.schema.name.clone(),
            why,
        }),
    }
}

/// What the snapshot of the transaction that has just begun shows.
fn taken(session: &mut Session) -> Result<Snapshot, ConnectError> {
    const DOING: &str = "taking a snapshot";
    let sql = "SELECT pg_current_snapshot(), CASE WHEN pg_is_in_recovery() \
               THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END";
    let row = session
        .simple(DOING, sql)?
        .into_iter()
        .next()
        .unwrap_or_default();
    let cell = |i: usize| row.get(i).cloned().flatten().unwrap_or_default();
    let snapshot = lsn::parse(&cell(1)).and_then(|until| Snapshot::parse(&cell(0), until));
    snapshot.ok_or_else(|| session.odd(DOING, "the snapshot is not understood"))
}

/// Puts a mark into the log behind everything that is committed. Where that is not allowed, the
/// position up to which the log must be read.
fn marked(session: &mut Session, nonce: &str) -> Result<Option<u64>, ConnectError> {
    const DOING: &str = "marking the log";
    if session.version >= 140_000 {
        let (prefix, nonce) = (literal(MARK), literal(nonce));
        let sql = format!("SELECT pg_logical_emit_message(true, {prefix}, {nonce})");
        match session.simple(DOING, &sql) {
            Ok(_) => return Ok(None),
            Err(ConnectError::Server { code, .. }) if !session.broken => {
                tracing::debug!(
                    code,
                    "the log cannot be marked; positions are compared instead"
                );
            }
            Err(error) => return Err(error),
        }
    }
    let sql = "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END";
    let position = session
        .simple(DOING, sql)?
        .into_iter()
        .flatten()
        .flatten()
        .next();
    let position = position.and_then(|p| lsn::parse(&p));
    position
        .map(Some)
        .ok_or_else(|| session.odd(DOING, "the position is not understood"))
}
