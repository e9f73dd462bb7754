//! The paging thread: takes rows of the outbox on, asks the engine what to do, stores it, hands
//! messages over.
//!
//! ```text
//! row pending ─► page stored, messages `sending` ─(one commit)─► handed over ─► outcome stored
//!                                                  │ crash just before: the row is pending, nothing went out
//!                                                  │ crash just after: `sending` goes back to queued,
//!                                                  │ marked as a possible duplicate
//! ```
//! Each message is handed over in a thread of its own, at most `AT_ONCE` for a channel, so that a
//! channel that hangs delays no other. Deliberately not here: what is decided (`engine`).

use super::engine::{Engine, Send};
use super::expand::{KINDS, expand, may_be_told, said};
use super::file_sink::FILE;
use super::follow::{pass_on, settled};
use super::limit::{Ticks, Window};
use super::page::{Leg, LegState, Paged, Red, Route};
use super::words;
use crate::{Desk, DeskError};
use connect::notify::{Channel, Handed, Message, SendError};
use model::{Instant, OutboxId, RequestId};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::mpsc::{Receiver as Inbox, Sender, channel};
use std::time::Duration;
use store::{Batch, OutboxChange, OutboxRow, OutboxUpdate, PutDocument};

pub(crate) const PAGES: &str = "page";
const WINDOWS: &str = "page_window";
/// Rows taken on at once.
const AT_ONCE: u32 = 256;
/// Seconds for which changes of people wait for one another, so that many at once write one sheet.
const SHEET_GAP_S: f64 = 1.0;
/// Seconds after which the shifts on the sheet are no longer those of the next days.
const SHEET_S: f64 = 6.0 * 3_600.0;
/// How long the thread waits for a change before it looks by itself.
const IDLE: Duration = Duration::from_millis(200);
/// Seconds until a row that cannot be read is looked at again.
const UNREADABLE_S: i64 = 60;
/// After a fault of the store.
const FAULT: Duration = Duration::from_millis(500);
/// At the end, what is being handed over is waited for so long; the next start sends the rest.
const LAST: Duration = Duration::from_secs(2);

type Outcome = (OutboxId, Result<Handed, SendError>);

struct Driver {
    desk: Desk,
    engine: Engine,
    began: std::time::Instant,
    rows: HashMap<OutboxId, OutboxRow>,
    versions: HashMap<OutboxId, u64>,
    window_versions: HashMap<String, u64>,
    /// Decided and not stored yet: tried again until it is.
    unstored: Unstored,
    outcomes: Inbox<Outcome>,
    tell: Sender<Outcome>,
    flying: usize,
    last: Option<Instant>,
    /// Something in red was stored and does not stand on the emergency sheet yet.
    red: bool,
    /// When the emergency sheet was made last.
    sheet: Option<Made>,
}

/// As of when the emergency sheet stands.
#[derive(Clone, Copy)]
struct Made {
    accounts: u64,
    at: Instant,
}

#[derive(Default)]
struct Unstored {
    pages: HashMap<OutboxId, Paged>,
    windows: HashMap<String, Window>,
    updates: Vec<OutboxUpdate>,
    sends: Vec<Send>,
}

/// Runs until `stopped` says so.
pub(crate) fn run(desk: &Desk, stopped: impl Fn() -> bool) {
    let mut driver = Driver::new(desk);
    let mut seen = 0;
    while !stopped() {
        let idle = match driver.turn() {
            Ok(idle) => idle,
            Err(error) => {
                tracing::error!(error = %error.told(), "pages cannot be stored; they wait and are tried again");
                FAULT
            }
        };
        seen = desk.store().wait_for_change(seen, idle);
    }
    driver.end();
}

impl Driver {
    fn new(desk: &Desk) -> Self {
        let (tell, outcomes) = channel();
        let all = desk.channels().iter().map(|c| (c.name(), c.limit()));
        let file = desk.file_sink();
        let engine = Engine::new(all.chain([(file.name(), file.limit())]));
        let mut driver = Self {
            desk: desk.clone(),
            engine,
            began: std::time::Instant::now(),
            rows: HashMap::new(),
            versions: HashMap::new(),
            window_versions: HashMap::new(),
            unstored: Unstored::default(),
            outcomes,
            tell,
            flying: 0,
            last: None,
            red: false,
            sheet: None,
        };
        if let Err(error) = driver.restore_windows() {
            tracing::warn!(error = %error.told(), "what was sent before the start is not known; a channel's limit may be passed once");
        }
        driver
    }

    fn restore_windows(&mut self) -> Result<(), DeskError> {
        let (now, ticks) = (self.desk.now(), self.ticks());
        for document in self.desk.store().documents(WINDOWS, 1_000)? {
            let window: Window = serde_json::from_str(&document.json)?;
            self.engine.restore(&document.id, &window, now, ticks);
            self.window_versions.insert(document.id, document.version);
        }
        Ok(())
    }

    fn ticks(&self) -> Ticks {
        self.began.elapsed()
    }

    /// One look at everything; gives how long nothing needs to be done.
    fn turn(&mut self) -> Result<Duration, DeskError> {
        let now = self.desk.now();
        self.take_outcomes(now);
        self.after_a_jump(now)?;
        self.take_on(now)?;
        self.settle(now);
        let ticks = self.ticks();
        self.engine.open_next_ways(now, ticks);
        self.readdress(now)?;
        let sends = self.engine.turn(now, ticks);
        let (pages, windows) = self.engine.take_changed(now, ticks);
        self.unstored.sends.extend(sends);
        self.unstored.windows.extend(windows);
        for page in pages {
            if let Some(at) = page.over_at {
                let (id, change) = (page.id.clone(), OutboxChange::Sent { at });
                self.unstored.updates.push(OutboxUpdate { id, change });
            }
            self.unstored.pages.insert(page.id.clone(), page);
        }
        self.store(now)?;
        for send in std::mem::take(&mut self.unstored.sends) {
            self.hand_over(send);
        }
        self.forget();
        self.keep_sheet(now);
        Ok(self.engine.sleeps(now).map_or(IDLE, |s| s.min(IDLE)))
    }

    /// The emergency sheet follows calls that reach nobody at once, and people and the days of the
    /// schedule soon; it is last of all in a turn, since a call never waits for it.
    fn keep_sheet(&mut self, now: Instant) {
        let accounts = self.desk.store().accounts_changed();
        let stale = self.sheet.is_none_or(|made| {
            let age_s = now.since_s(made.at);
            (made.accounts != accounts && age_s >= SHEET_GAP_S) || !(0.0..SHEET_S).contains(&age_s)
        });
        if std::mem::take(&mut self.red) || stale {
            self.sheet = Some(Made { accounts, at: now });
            self.desk.refresh_emergency_sheet();
        }
    }

    fn take_outcomes(&mut self, now: Instant) {
        let ticks = self.ticks();
        while let Ok((id, outcome)) = self.outcomes.try_recv() {
            self.flying = self.flying.saturating_sub(1);
            if let Err(error) = &outcome {
                tracing::warn!(id = %id, %error, "a message was not taken");
            }
            self.engine.result(&id, &outcome, now, ticks);
        }
    }

    /// Rows that wait for a time which the clock has left again are due.
    fn after_a_jump(&mut self, now: Instant) -> Result<(), DeskError> {
        let last = self.last.replace(now);
        if last.is_some_and(|last| now.since_s(last) < -1.0) {
            self.desk.store().outbox_hasten(now)?;
        }
        Ok(())
    }

    fn take_on(&mut self, now: Instant) -> Result<(), DeskError> {
        for row in self.desk.store().outbox_due(now, AT_ONCE)? {
            if !KINDS.contains(&row.kind.as_str()) {
                continue;
            }
            let waits = |u: &OutboxUpdate| u.id == row.id;
            if self.unstored.updates.iter().any(waits) {
                continue;
            }
            if self.engine.page(&row.id).is_some() {
                let (id, change) = (row.id.clone(), OutboxChange::Sending);
                self.unstored.updates.push(OutboxUpdate { id, change });
                continue;
            }
            let stored = self.desk.store().document(PAGES, row.id.as_str())?;
            let page = match &stored {
                None => expand(&self.desk, &row, now),
                Some(stored) => serde_json::from_str(&stored.json)
                    .map_err(DeskError::from)
                    .map(|page| self.known_routes(page)),
            };
            let page = match page {
                Ok(page) => page,
                Err(error) => {
                    // One row that cannot be read holds up no other.
                    tracing::error!(id = %row.id, error = %error.told(), "a page cannot be made; it is tried again");
                    let due_at = now.plus_s(UNREADABLE_S);
                    let (id, change) = (row.id.clone(), OutboxChange::Again { due_at });
                    self.unstored.updates.push(OutboxUpdate { id, change });
                    continue;
                }
            };
            self.unstored.updates.push(OutboxUpdate {
                id: row.id.clone(),
                change: OutboxChange::Sending,
            });
            if let Some(stored) = stored {
                self.versions.insert(row.id.clone(), stored.version);
            } else {
                self.pass_on(&page);
            }
            self.rows.insert(row.id.clone(), row);
            self.engine.add(page, now);
        }
        Ok(())
    }

    /// A channel that was taken out of the configuration since leaves the file.
    fn known_routes(&self, mut page: Paged) -> Paged {
        let known = |route: &Route| {
            route.channel == FILE
                || self
                    .desk
                    .channels()
                    .iter()
                    .any(|c| c.name() == route.channel)
        };
        for receiver in &mut page.receivers {
            if !receiver.told() && !receiver.routes.iter().any(known) {
                receiver.routes.push(Route {
                    channel: FILE.into(),
                    to: receiver.who.clone(),
                });
                page.red = Some(Red::NoAddress);
            }
        }
        page
    }

    /// Nobody is there for it: the next in the plan's order, at once.
    fn pass_on(&self, page: &Paged) {
        let Some((op, incident, command)) = pass_on(page, self.desk.now()) else {
            return;
        };
        let why = page.red.map(Red::code);
        tracing::warn!(incident = %incident, call = page.call, why, "a call reaches nobody; the next is called");
        // Where nobody else is left, the call stays open and red.
        if let Err(error) = self.desk.execute(op, &incident, command) {
            tracing::debug!(%error, "a call was not passed on");
        }
    }

    /// What was answered is not tried any further.
    fn settle(&mut self, now: Instant) {
        let mut done = Vec::new();
        for page in self.engine.pages() {
            let incident = page.incident.as_ref().and_then(|id| self.desk.incident(id));
            if incident.is_some_and(|incident| settled(page, &incident)) {
                done.push(page.id.clone());
            }
        }
        done.iter().for_each(|id| self.engine.settle(id, now));
    }

    /// Whoever was named a suspect, or disabled, while their message waited does not get it; whom it
    /// is for now does.
    fn readdress(&mut self, now: Instant) -> Result<(), DeskError> {
        let mut gone: BTreeMap<OutboxId, Vec<usize>> = BTreeMap::new();
        for (page, i) in self.engine.waiting() {
            let receiver = &page.receivers[i];
            let due = |leg: &Leg| leg.state == LegState::Queued && leg.next_at <= now;
            let (Some(who), Some(row)) = (&receiver.account, self.rows.get(&page.id)) else {
                continue;
            };
            if receiver.messages.iter().any(due) && !may_be_told(&self.desk, row, who)? {
                gone.entry(page.id.clone()).or_default().push(i);
            }
        }
        for (id, receivers) in gone {
            let Some(row) = self.rows.get(&id) else {
                continue;
            };
            // Who stands in is put on the record a moment after the suspicion.
            if let Some(incident) = &row.incident {
                let request = RequestId::new(format!("readdress-{id}"));
                if let Err(error) = self.desk.settle_stand_ins(incident, &request) {
                    tracing::debug!(%error, "who stands in is not settled");
                }
            }
            let fresh = expand(&self.desk, row, now)?;
            self.engine.readdress(&id, &receivers, &fresh, now);
            if let Some(page) = self.engine.page(&id) {
                self.pass_on(page);
            }
        }
        Ok(())
    }

    fn store(&mut self, now: Instant) -> Result<(), DeskError> {
        let unstored = &self.unstored;
        if unstored.pages.is_empty() && unstored.windows.is_empty() && unstored.updates.is_empty() {
            return Ok(());
        }
        let mut batch = Batch {
            outbox_updates: unstored.updates.clone(),
            ..Batch::default()
        };
        for (id, page) in &unstored.pages {
            batch.documents.push(PutDocument {
                collection: PAGES,
                id: id.to_string(),
                expect_version: self.versions.get(id).copied(),
                json: serde_json::to_string(page)?,
                at: page.due_at,
            });
        }
        for (name, window) in &unstored.windows {
            batch.documents.push(PutDocument {
                collection: WINDOWS,
                id: name.clone(),
                expect_version: self.window_versions.get(name).copied(),
                json: serde_json::to_string(window)?,
                at: now,
            });
        }
        self.desk.store().commit(batch)?;
        let red = unstored.pages.values().any(|page| page.red.is_some());
        for id in unstored.pages.keys() {
            *self.versions.entry(id.clone()).or_insert(0) += 1;
        }
        for name in unstored.windows.keys() {
            *self.window_versions.entry(name.clone()).or_insert(0) += 1;
        }
        self.unstored.pages.clear();
        self.unstored.windows.clear();
        self.unstored.updates.clear();
        self.desk.touched();
        self.red |= red;
        Ok(())
    }

    fn hand_over(&mut self, send: Send) {
        let id = send.id.clone();
        self.flying += 1;
        let handed = self.compose(&send).and_then(|(channel, message)| {
            let (desk, tell) = (self.desk.clone(), self.tell.clone());
            let work = move || {
                fail::fail_point!("outbox-before-send");
                let outcome = channel.send(&message, desk.now());
                fail::fail_point!("outbox-after-send");
                // Nobody listens any more when the desk has ended.
                let _ = tell.send((message.id, outcome));
                desk.store().wake();
            };
            let thread = std::thread::Builder::new().name("page".into()).spawn(work);
            thread.map(drop).map_err(|e| e.to_string())
        });
        if let Err(why) = handed {
            let outcome = Err(SendError::Again { after_s: None, why });
            let _ = self.tell.send((id, outcome));
        }
    }

    fn compose(&self, send: &Send) -> Result<(Arc<dyn Channel>, Message), String> {
        let channel = self
            .desk
            .channel(&send.channel)
            .ok_or_else(|| format!("no channel is called `{}`", send.channel))?;
        let mut parts = Vec::with_capacity(send.parts.len());
        for part in &send.parts {
            let page = self.engine.page(&part.page);
            if let Some(page) = page
                && let Some(receiver) = page.receivers.get(part.receiver)
            {
                parts.push((page.clone(), receiver.clone()));
            }
        }
        let words = |page: &Paged, lang| {
            let row = self.rows.get(&page.id);
            let said = row.map(|row| said(&self.desk, row, lang));
            said.and_then(Result::ok).unwrap_or_default()
        };
        if parts.is_empty() {
            return Err("the page is not there any more".into());
        }
        let message = words::message(&self.desk, send, channel.kind(), &parts, &words);
        Ok((channel, message))
    }

    /// What is over is kept in the store only.
    fn forget(&mut self) {
        let open = |id: &OutboxId| self.engine.page(id).is_some();
        self.rows.retain(|id, _| open(id));
        self.versions.retain(|id, _| open(id));
    }

    fn end(&mut self) {
        let until = std::time::Instant::now() + LAST;
        while self.flying > 0 {
            let left = until.saturating_duration_since(std::time::Instant::now());
            let Ok((id, outcome)) = self.outcomes.recv_timeout(left) else {
                break;
            };
            self.flying -= 1;
            let (now, ticks) = (self.desk.now(), self.ticks());
            self.engine.result(&id, &outcome, now, ticks);
            let (pages, windows) = self.engine.take_changed(now, ticks);
            self.unstored.windows.extend(windows);
            for page in pages {
                if let Some(at) = page.over_at {
                    let (id, change) = (page.id.clone(), OutboxChange::Sent { at });
                    self.unstored.updates.push(OutboxUpdate { id, change });
                }
                self.unstored.pages.insert(page.id.clone(), page);
            }
        }
        if let Err(error) = self.store(self.desk.now()) {
            tracing::warn!(error = %error.told(), "the last outcomes are not stored; the next start sends those messages again");
        }
    }
}
