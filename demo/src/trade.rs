//! The shop's lawful trade: orders are placed, paid, shipped, refunded and cancelled on a
//! thread and a connection of its own.
//!
//! It stands for the shop's own programs: it knows nothing of Balefire. The one thing that it
//! honours is the shop's hold list, a file that names rows not to be shipped, refunded or
//! cancelled for the time being, and it makes the checks that any shop makes before it pays
//! money back (see [`step`]).

mod holds;
mod step;

use crate::shop::{self, RowName, ShopError};
use holds::HoldFile;
use model::{Clock, Instant};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use step::{Step, Trader};

/// Requests that may wait for the trade's thread: each caller waits for its answer, so this
/// many callers at once.
const REQUESTS: usize = 16;
/// Most rows in one nudge; the rest is left alone.
pub const MOST_NUDGED: usize = 1_000;
/// Fastest trade, in transactions a second.
pub const FASTEST: u32 = 1_000;

#[derive(Clone, Debug)]
pub struct TradeOptions {
    /// The shop's database.
    pub shop: PathBuf,
    /// The shop's hold list; absent means that nothing is held.
    pub holds: PathBuf,
    pub transactions_per_s: u32,
    pub seed: u64,
}

impl TradeOptions {
    pub fn new(shop: impl Into<PathBuf>, holds: impl Into<PathBuf>) -> Self {
        Self {
            shop: shop.into(),
            holds: holds.into(),
            transactions_per_s: 30,
            seed: 1,
        }
    }
}

/// What the trade has done so far, in transactions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct TradeStats {
    pub placed: u64,
    pub paid: u64,
    pub shipped: u64,
    pub refunded: u64,
    /// Refunds that went from requested to done.
    pub refunds_done: u64,
    pub cancelled: u64,
    /// Customers who changed their address.
    pub moved: u64,
    /// Rows passed over because the hold list names them.
    pub held: u64,
    /// Transactions given up because another writer held the database too long.
    pub busy: u64,
}

impl TradeStats {
    /// All transactions committed.
    pub const fn committed(&self) -> u64 {
        self.placed
            + self.paid
            + self.shipped
            + self.refunded
            + self.refunds_done
            + self.cancelled
            + self.moved
    }
    fn count(&mut self, step: &Step) {
        let counter = match step {
            Step::Placed(_) => &mut self.placed,
            Step::Paid(_) => &mut self.paid,
            Step::Shipped(_) => &mut self.shipped,
            Step::Refunded { .. } => &mut self.refunded,
            Step::RefundDone(_) => &mut self.refunds_done,
            Step::Cancelled(_) => &mut self.cancelled,
            Step::Moved(_) => &mut self.moved,
            Step::Held => &mut self.held,
            Step::Nothing => return,
        };
        *counter += 1;
    }
}

enum Request {
    Nudge(Vec<RowName>, SyncSender<Vec<RowName>>),
}

/// A running trade. Dropping it stops it.
#[derive(Debug)]
pub struct Trade {
    requests: Option<SyncSender<Request>>,
    thread: Option<JoinHandle<Result<(), ShopError>>>,
    books: Arc<Books>,
}

/// The trade's statistics, and who waits for them.
#[derive(Debug, Default)]
struct Books {
    stats: Mutex<TradeStats>,
    changed: Condvar,
}

/// Starts the trade. Its clock gives the times that it writes into rows.
pub fn start(options: &TradeOptions, clock: Arc<dyn Clock>) -> Result<Trade, ShopError> {
    let trader = Trader::new(shop::open(&options.shop)?, options.seed)?;
    let (requests, inbox) = sync_channel(REQUESTS);
    let books = Arc::new(Books::default());
    let pace = Duration::from_secs(1) / options.transactions_per_s.clamp(1, FASTEST);
    let mut business = Business {
        trader,
        holds: HoldFile::new(&options.holds),
        clock,
        books: Arc::clone(&books),
    };
    let thread = std::thread::Builder::new()
        .name("shop-trade".into())
        .spawn(move || business.run(&inbox, pace))
        .map_err(ShopError::Thread)?;
    Ok(Trade {
        requests: Some(requests),
        thread: Some(thread),
        books,
    })
}

impl Trade {
    pub fn stats(&self) -> TradeStats {
        *self
            .books
            .stats
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the trade has committed that many transactions since its start; false when
    /// it has not within `timeout`.
    pub fn wait_for(&self, committed: u64, timeout: Duration) -> bool {
        let stats = self
            .books
            .stats
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .books
            .changed
            .wait_timeout_while(stats, timeout, |stats| stats.committed() < committed);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Carries the given rows one lawful step on: a paid order is shipped, a placed one paid,
    /// a requested refund done. Rows that are held, gone or at their end stay as they are.
    /// Returns the rows changed; each change is committed by then.
    pub fn nudge(&self, rows: &[RowName]) -> Result<Vec<RowName>, ShopError> {
        let (answer, answered) = sync_channel(1);
        let rows = rows.iter().take(MOST_NUDGED).cloned().collect();
        self.requests
            .as_ref()
            .ok_or(ShopError::TradeEnded)?
            .send(Request::Nudge(rows, answer))
            .map_err(|_| ShopError::TradeEnded)?;
        answered.recv().map_err(|_| ShopError::TradeEnded)
    }

    /// Whether the trade still goes on; false after an error that [`Trade::stop`] returns.
    pub fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|t| !t.is_finished())
    }

    /// Ends the trade after the transaction that is under way.
    pub fn stop(mut self) -> Result<TradeStats, ShopError> {
        self.end()?;
        Ok(self.stats())
    }

    fn end(&mut self) -> Result<(), ShopError> {
        self.requests = None;
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(outcome)) => outcome,
            Some(Err(_)) => Err(ShopError::TradeEnded),
            None => Ok(()),
        }
    }
}

impl Drop for Trade {
    fn drop(&mut self) {
        // Whoever wants to know of an error calls `stop`.
        let _ = self.end();
    }
}

struct Business {
    trader: Trader,
    holds: HoldFile,
    clock: Arc<dyn Clock>,
    books: Arc<Books>,
}

impl Business {
    /// Works until every sender is gone. Being late by more than one transaction is let go:
    /// a shop does not catch up on orders that nobody placed.
    fn run(&mut self, inbox: &Receiver<Request>, pace: Duration) -> Result<(), ShopError> {
        let pace_us = i64::try_from(pace.as_micros()).unwrap_or(i64::MAX);
        let mut due = self.clock.now();
        loop {
            match inbox.recv_timeout(until(due, self.clock.now(), pace)) {
                Ok(Request::Nudge(rows, answer)) => {
                    let changed = self.nudge(rows)?;
                    // A caller that went away does not need the answer.
                    let _ = answer.send(changed);
                }
                Err(RecvTimeoutError::Timeout) => {
                    let now = self.clock.now();
                    due = Instant(due.0.max(now.0 - pace_us).min(now.0) + pace_us);
                    self.one(|trader, holds| trader.any(now, holds))?;
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }

    fn nudge(&mut self, rows: Vec<RowName>) -> Result<Vec<RowName>, ShopError> {
        let mut changed = Vec::new();
        for row in rows {
            let now = self.clock.now();
            let step = self.one(|trader, holds| trader.push_on(&row, now, holds))?;
            if !matches!(step, Step::Nothing | Step::Held) {
                changed.push(row);
            }
        }
        Ok(changed)
    }

    fn one(
        &mut self,
        work: impl FnOnce(&mut Trader, &holds::Held) -> Result<Step, ShopError>,
    ) -> Result<Step, ShopError> {
        let held = self.holds.read(self.clock.now());
        let outcome = work(&mut self.trader, held);
        let mut stats = self
            .books
            .stats
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(step) => {
                stats.count(&step);
                self.books.changed.notify_all();
                Ok(step)
            }
            // The transaction was rolled back; the next one may find the database free.
            Err(ShopError::Sqlite(error)) if is_busy(&error) => {
                stats.busy += 1;
                Ok(Step::Nothing)
            }
            Err(error) => Err(error),
        }
    }
}

/// Time to the next transaction; never longer than one pace, however the clock jumps.
fn until(due: Instant, now: Instant, pace: Duration) -> Duration {
    let left_us = u64::try_from(due.0.saturating_sub(now.0)).unwrap_or(0);
    Duration::from_micros(left_us).min(pace)
}

fn is_busy(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};
    matches!(
        error.sqlite_error_code(),
        Some(DatabaseBusy | DatabaseLocked)
    )
}

#[cfg(test)]
mod tests;
