//! Reads the stream: connects, puts batches together, begins again after a lost connection.

mod reconnect;

use super::super::guarded::{self, Access};
use super::super::pgoutput;
use super::super::scan;
use super::super::snapshot::Snapshot;
use super::super::source::PostgresSource;
use super::super::wire::Wait;
use super::batch::Batch;
use super::meaning::{Meaning, Step};
use super::stream::{Arrived, History, Stream};
use super::transaction::Transaction;
use crate::ConnectError;
use crate::source::{FeedBatch, LostReason, ServerAddress};
use model::Key;
use reconnect::Outage;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// Messages between two looks at the clock.
const MESSAGES_AT_ONCE: u32 = 512;
/// From 1970 to 2000.
const EPOCH_US: i64 = 946_684_800_000_000;

pub(super) enum Turn {
    Quiet,
    Batch(Box<FeedBatch>),
    Lost(LostReason),
    Changed(Vec<String>),
}

/// Until when the caller wants to read.
enum Goal {
    Reached,
    Mark(Vec<u8>),
    Position(u64),
}

pub(super) struct Follower {
    address: ServerAddress,
    stream: Option<Stream>,
    meaning: Meaning,
    held: Option<Box<Transaction>>,
    history: Option<History>,
    outage: Option<Outage>,
    /// Nothing is durable yet at the caller's.
    fresh: bool,
    /// End of the last transaction that was handed over, and of the last that is durable.
    delivered: u64,
    acknowledged: u64,
    /// Nothing that concerns us and was not handed over lies before this.
    heard: u64,
    /// Up to where the slot was confirmed before every row was looked at.
    confirmed: u64,
    goal: Goal,
    /// A position that somebody waits for beside the caller.
    awaited: Option<u64>,
    lag_s: Option<f64>,
    /// Never sent to; it is what waiting without a connection waits for.
    quiet: (SyncSender<()>, Receiver<()>),
}

impl Follower {
    pub(super) fn new(address: ServerAddress, access: &[Access], resume: Option<u64>) -> Self {
        let mut follower = Self {
            address,
            stream: None,
            meaning: Meaning::default(),
            held: None,
            history: None,
            outage: None,
            fresh: resume.is_none(),
            delivered: resume.unwrap_or(0),
            acknowledged: resume.unwrap_or(0),
            heard: 0,
            confirmed: 0,
            goal: Goal::Reached,
            awaited: None,
            lag_s: None,
            quiet: sync_channel(0),
        };
        follower.look_at(access);
        follower
    }

    pub(super) fn is_fresh(&self) -> bool {
        self.fresh
    }

    pub(super) fn look_at(&mut self, access: &[Access]) {
        self.meaning.look_at(access);
        self.meaning.after = self.delivered;
    }

    /// What the look at every row showed.
    pub(super) fn looked(&mut self, snapshot: Snapshot) {
        self.meaning.look = Some(snapshot);
    }

    /// What the slot no longer sends, the coming look at every row shows.
    pub(super) fn expect_confirmed(&mut self, confirmed: u64) {
        self.confirmed = confirmed;
    }

    /// From now on only what the snapshot does not show. `elsewhere`: positions begin anew.
    pub(super) fn begin_behind(&mut self, snapshot: Snapshot, elsewhere: bool) {
        if elsewhere {
            (self.delivered, self.acknowledged, self.heard) = (0, 0, 0);
            self.history = None;
        }
        self.meaning.after = self.delivered;
        self.meaning.snapshot = Some(snapshot);
        // Whatever was asked for is in the snapshot.
        self.goal = Goal::Reached;
        self.fresh = false;
    }

    pub(super) fn stop(&mut self) {
        if let Some(mut stream) = self.stream.take() {
            // Whoever follows next begins there; the server would remember an older position.
            drop(stream.tell(self.durable(), false));
        }
        self.held = None;
        self.meaning.forget();
        self.outage = None;
    }

    pub(super) fn acknowledge(&mut self, position: u64) {
        self.acknowledged = self.acknowledged.max(position.min(self.delivered));
    }

    pub(super) fn caught_up(&self) -> bool {
        matches!(self.goal, Goal::Reached)
    }
    pub(super) fn wait_for_mark(&mut self, nonce: Vec<u8>) {
        self.goal = Goal::Mark(nonce);
    }
    pub(super) fn wait_for_position(&mut self, position: u64) {
        self.goal = Goal::Position(position);
    }
    /// Whether all that was committed before this position was handed over.
    pub(super) fn is_past(&mut self, position: u64) -> bool {
        let past = self.heard >= position && self.held.is_none();
        self.awaited = (!past).then_some(position);
        past
    }
    pub(super) fn connections(&self) -> u32 {
        u32::from(self.stream.is_some())
    }
    pub(super) fn lag_s(&self) -> Option<f64> {
        self.lag_s
    }

    /// Everything before this was handed over, or concerns nobody; `None` before the first look.
    pub(super) fn position(&self) -> Option<u64> {
        (!self.fresh).then(|| self.delivered.max(self.heard))
    }

    /// Everything before this is durable, or concerns nobody.
    fn durable(&self) -> u64 {
        if self.acknowledged >= self.delivered {
            self.acknowledged.max(self.heard)
        } else {
            self.acknowledged
        }
    }

    /// Gives the slot up, so that the server may throw its log away.
    pub(super) fn let_go(&mut self) -> Result<(), ConnectError> {
        self.stop();
        let (stream, _) = Stream::open(&self.address)?;
        stream.drop_slot(&self.address.slot)
    }

    pub(super) fn poll(
        &mut self,
        source: &mut PostgresSource,
        access: &[Access],
        timeout: Duration,
    ) -> Result<Turn, ConnectError> {
        let until = Instant::now() + timeout;
        if self.stream.is_none() {
            match self.connected(source, until)? {
                None if self.stream.is_none() => return Ok(Turn::Quiet),
                None => {}
                Some(reason) => return Ok(Turn::Lost(reason)),
            }
        }
        let mut batch = Batch::default();
        if let Some(mut held) = self.held.take() {
            self.fill_moved(source, access, &mut held)?;
            batch.add(*held);
        }
        let turn = match self.read(source, access, &mut batch, until) {
            Ok(turn) => turn,
            Err(error) => self.ended(error)?,
        };
        if !batch.is_empty() {
            // What else was found is found again: it lies behind this batch.
            if !matches!(turn, Turn::Quiet) {
                self.stop();
            }
            let batch = batch.finish();
            self.delivered = batch.position;
            self.meaning.after = self.delivered;
            return Ok(Turn::Batch(Box::new(batch)));
        }
        if matches!(turn, Turn::Quiet) {
            let (durable, now) = (self.durable(), Instant::now());
            let curious = self.awaited.is_some() || matches!(self.goal, Goal::Position(_));
            let told = self
                .stream
                .as_mut()
                .map(|stream| stream.confirm(durable, now, true, curious));
            if let Some(Err(error)) = told {
                return self.ended(error);
            }
        }
        Ok(turn)
    }

    fn read(
        &mut self,
        source: &mut PostgresSource,
        access: &[Access],
        batch: &mut Batch,
        until: Instant,
    ) -> Result<Turn, ConnectError> {
        let waiting = !self.caught_up();
        let mut messages = 0;
        while !batch.is_full() {
            messages += 1;
            if messages % MESSAGES_AT_ONCE == 0 {
                let now = Instant::now();
                let durable = self.durable();
                if let Some(stream) = self.stream.as_mut() {
                    stream.confirm(durable, now, false, false)?;
                }
                if now >= until {
                    break;
                }
            }
            let wait = if batch.is_empty() {
                Wait::Until(until)
            } else {
                Wait::Not
            };
            let step = match self.next(wait)? {
                Some(step) => step,
                None => break,
            };
            match step {
                Step::Nothing => {}
                Step::Done(transaction) => {
                    if !self.done(source, access, transaction, batch)? {
                        break;
                    }
                }
                Step::Lost(reason) => return Ok(Turn::Lost(reason)),
                Step::Differs { number, shape, oid } => {
                    let guarded: Vec<_> = access.iter().map(|a| a.guarded.clone()).collect();
                    let now = source.again(|session| guarded::find(session, &guarded));
                    let as_guarded = match now {
                        Ok(now) => now
                            .iter()
                            .zip(access)
                            .all(|(a, b)| a.table.oid == b.table.oid),
                        Err(error) if error.may_pass() => return Err(error),
                        Err(_) => false,
                    };
                    if !as_guarded {
                        let table = access.get(usize::from(number));
                        let table = table.map(|a| a.guarded.schema.name.clone());
                        return Ok(Turn::Changed(table.into_iter().collect()));
                    }
                    // A table that looks as it was guarded did not so when this was written.
                    if self.meaning.is_after_look() {
                        let table = access.get(usize::from(number));
                        let table = table.map(|a| a.guarded.schema.name.clone());
                        return Ok(Turn::Lost(LostReason::ColumnsForAWhile {
                            table: table.unwrap_or_default(),
                        }));
                    }
                    // Written before the table came to look as it does now; what of it is left out
                    // the look at every row shows.
                    self.meaning.accept(oid, shape);
                }
                Step::Wrong(what) => return Err(self.odd(what)),
            }
            if waiting && self.caught_up() && batch.is_empty() {
                break;
            }
        }
        Ok(Turn::Quiet)
    }

    /// Takes a whole transaction into the batch; false when it must wait for the next one.
    fn done(
        &mut self,
        source: &mut PostgresSource,
        access: &[Access],
        mut transaction: Box<Transaction>,
        batch: &mut Batch,
    ) -> Result<bool, ConnectError> {
        let position = transaction.source.position;
        if transaction.rows.is_empty() && transaction.unreadable.is_empty() {
            self.passed(position, &transaction.marks);
            return Ok(true);
        }
        if !batch.takes(&transaction) {
            self.held = Some(transaction);
            return Ok(false);
        }
        self.fill_moved(source, access, &mut transaction)?;
        self.passed(position, &transaction.marks);
        batch.add(*transaction);
        Ok(true)
    }

    /// Everything up to here was read.
    fn passed(&mut self, position: u64, marks: &[Vec<u8>]) {
        self.heard = self.heard.max(position);
        let reached = match &self.goal {
            Goal::Reached => true,
            Goal::Mark(nonce) => marks.contains(nonce),
            Goal::Position(goal) => self.heard >= *goal,
        };
        if reached {
            self.goal = Goal::Reached;
        }
    }

    /// Columns that the log left out of a row that came from another key are known nowhere: they
    /// are read as they stand now.
    fn fill_moved(
        &mut self,
        source: &mut PostgresSource,
        access: &[Access],
        transaction: &mut Transaction,
    ) -> Result<(), ConnectError> {
        for at in std::mem::take(&mut transaction.moved) {
            let observed = &mut transaction.rows[at];
            let Some(access) = access.get(usize::from(observed.table)) else {
                continue;
            };
            let keys: [Key; 1] = [observed.key.clone()];
            let read = source.again(|session| scan::by_keys(session, access, &keys))?;
            let (Some(present), Some(row)) = (read.into_iter().next().flatten(), &observed.row)
            else {
                continue;
            };
            let unsent = std::mem::take(&mut observed.unsent);
            let values: Vec<_> = unsent
                .iter()
                .filter_map(|c| Some((*c, present.get(usize::from(*c))?.to_value())))
                .collect();
            observed.row = Some(row.with(&values));
            observed.coalesced = true;
        }
        Ok(())
    }

    fn next(&mut self, wait: Wait) -> Result<Option<Step>, ConnectError> {
        let Some(stream) = self.stream.as_mut() else {
            return Ok(None);
        };
        match stream.next(wait)? {
            Arrived::Nothing => Ok(None),
            Arrived::Other => Ok(Some(Step::Nothing)),
            Arrived::Alive { position } => {
                if !self.meaning.within_transaction() && self.held.is_none() {
                    self.passed(position, &[]);
                }
                Ok(Some(Step::Nothing))
            }
            Arrived::Log { message, sent_us } => {
                let Some(said) = pgoutput::parse(stream.log(&message)) else {
                    return Ok(Some(Step::Wrong("a message of the log is not understood")));
                };
                let step = self.meaning.take(&said);
                if let Step::Done(transaction) = &step {
                    let committed = transaction.source.committed_at.0 - EPOCH_US;
                    self.lag_s = Some((sent_us - committed).max(0) as f64 / 1e6);
                }
                Ok(Some(step))
            }
        }
    }

    fn odd(&mut self, what: &str) -> ConnectError {
        let unknown = || ConnectError::Protocol {
            doing: "following the log".to_owned(),
            what: what.to_owned(),
        };
        self.stream
            .as_mut()
            .map_or_else(unknown, |stream| stream.odd(what))
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.stop();
    }
}
