//! The paging engine: which messages go out now, on which channel of the person, when to try
//! again, when the next channel takes over, what is bundled.
//!
//! ```text
//! queued ─► sending ─► sent ─► (delivered)
//!    ▲         │ fault: once more after 5 s, then the next channel (within 30 s of the first fault)
//!    └─────────┤ crash: back to queued, marked as a possible duplicate
//!              └ refused for good, broken channel: the next channel at once
//! ```
//! After the last channel the first one again, later and later, and the page is red: no message
//! ends as failed. Pure: the caller brings the time of day and the ticks of a clock that never
//! jumps, stores what changed before it hands messages over, and brings their outcomes.
//! Deliberately not here: who is called, words, threads, storing.

use super::fall_over::FALL_OVER_S;
use super::limit::{AT_ONCE, ChannelState, Ticks, Window};
use super::page::{Leg, LegState, Paged, Receiver, Red};
use connect::notify::{Handed, Limit, SendError};
use model::{Instant, OutboxId};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Pages named in one message.
const MAX_BUNDLE: usize = 20;
/// A time of day that moves by so much more or less than the ticks was set.
const JUMP_US: i64 = 1_000_000;
/// How often a message that waits for a place is looked at.
const LOOK_US: i64 = 100_000;
/// An urgent message waits so long for a place in a window before the next channel takes over.
const URGENT_WAIT: Ticks = Ticks::from_millis(800);

/// A message to hand over; its state is `sending` already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Send {
    /// Id of the first message that it carries.
    pub id: OutboxId,
    pub channel: String,
    pub to: String,
    pub possible_duplicate: bool,
    /// What it carries; several are a bundle.
    pub parts: Vec<Part>,
}

/// One message of one receiver of one page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub page: OutboxId,
    pub receiver: usize,
    pub route: usize,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Engine {
    pub(super) channels: BTreeMap<String, ChannelState>,
    pub(super) pages: BTreeMap<OutboxId, Paged>,
    flights: HashMap<OutboxId, Send>,
    pub(super) dirty: BTreeSet<OutboxId>,
    /// The last look at both clocks.
    last: Option<(Instant, Ticks)>,
}

/// A message that may go out now.
struct Candidate {
    part: Part,
    to: String,
    urgent: bool,
    /// Nothing that is meant in earnest stands in one message with an exercise.
    exercise: bool,
    due_at: Instant,
    next_at: Instant,
}

impl Engine {
    pub fn new<'a>(channels: impl Iterator<Item = (&'a str, Limit)>) -> Self {
        Self {
            channels: channels
                .map(|(name, limit)| (name.to_owned(), ChannelState::new(limit)))
                .collect(),
            ..Self::default()
        }
    }

    pub fn restore(&mut self, channel: &str, window: &Window, now: Instant, ticks: Ticks) {
        if let Some(channel) = self.channels.get_mut(channel) {
            channel.restore(window, now, ticks);
        }
    }

    pub fn page(&self, id: &OutboxId) -> Option<&Paged> {
        self.pages.get(id)
    }
    pub fn pages(&self) -> impl Iterator<Item = &Paged> {
        self.pages.values()
    }

    /// Takes a page on: a new one, or one that was stored before the process ended. What was being
    /// sent then may have arrived.
    pub fn add(&mut self, mut page: Paged, now: Instant) {
        let id = page.id.clone();
        for receiver in &mut page.receivers {
            // Whoever has it from another channel, or needs it no more, is not sent it again.
            let over = page.settled || receiver.done();
            for leg in &mut receiver.messages {
                match leg.state {
                    LegState::Sending | LegState::Queued if over => leg.state = LegState::Dropped,
                    LegState::Sending => {
                        leg.state = LegState::Queued;
                        leg.tries += 1;
                        leg.possible_duplicate = true;
                        leg.next_at = now;
                    }
                    LegState::Queued => leg.next_at = leg.next_at.min(now),
                    _ => {}
                }
            }
            // The clock may have been set in the meantime.
            receiver.failing_since = receiver.failing_since.map(|at| at.min(now));
            if receiver.messages.is_empty() && !receiver.withdrawn {
                receiver.open_leg(&id, now, now);
            }
        }
        self.dirty.insert(id.clone());
        self.pages.insert(id.clone(), page);
        self.finish(&id, now);
    }

    /// Nobody needs the page any more: it was answered, or its incident is closed.
    pub fn settle(&mut self, id: &OutboxId, now: Instant) {
        let Some(page) = self.pages.get_mut(id) else {
            return;
        };
        for leg in page.receivers.iter_mut().flat_map(|r| &mut r.messages) {
            if leg.state == LegState::Queued {
                leg.state = LegState::Dropped;
            }
        }
        page.settled = true;
        self.dirty.insert(id.clone());
        self.finish(id, now);
    }

    /// Takes a page from those who must not have it any more (indices of its receivers) and gives
    /// it to those whom it is for now. What is already under way cannot be called back.
    pub fn readdress(&mut self, id: &OutboxId, gone: &[usize], fresh: &Paged, now: Instant) {
        let Some(page) = self.pages.get_mut(id) else {
            return;
        };
        for i in gone {
            if let Some(receiver) = page.receivers.get_mut(*i) {
                receiver.withdrawn = true;
            }
        }
        for receiver in &mut page.receivers {
            let queued = |leg: &&mut Leg| leg.state == LegState::Queued;
            if receiver.withdrawn {
                let legs = receiver.messages.iter_mut().filter(queued);
                legs.for_each(|leg| leg.state = LegState::Dropped);
            }
        }
        for new in &fresh.receivers {
            if page.receivers.iter().all(|r| r.who != new.who) {
                let mut new = new.clone();
                new.open_leg(id, now, now);
                page.receivers.push(new);
            }
        }
        page.red = fresh.red.or(page.red);
        self.dirty.insert(id.clone());
        self.finish(id, now);
    }

    /// Opens the next way to whom the first has not reached in time. Comes before it is asked who
    /// may still be told: what is opened here goes out in the same turn.
    pub fn open_next_ways(&mut self, now: Instant, ticks: Ticks) {
        self.follow_clock(now, ticks);
        self.fall_over_late(now);
    }

    /// What is to be handed over now. Store what changed first.
    pub fn turn(&mut self, now: Instant, ticks: Ticks) -> Vec<Send> {
        self.open_next_ways(now, ticks);
        self.skip_what_is_down(now, ticks);
        let mut sends = Vec::new();
        let names: Vec<String> = self.channels.keys().cloned().collect();
        for name in names {
            self.take_from(&name, now, ticks, &mut sends);
        }
        sends
    }

    /// Time until something is to be done that no outcome and no new page brings about.
    pub fn sleeps(&self, now: Instant) -> Option<Ticks> {
        let mut least: Option<i64> = None;
        for (page, i) in self.waiting() {
            let receiver = &page.receivers[i];
            let queued = |leg: &&Leg| leg.state == LegState::Queued;
            let tries = receiver
                .messages
                .iter()
                .filter(queued)
                .map(|leg| leg.next_at);
            let late = receiver.failing_since.filter(|_| receiver.routes.len() > 1);
            let late = late.map(|since| since.plus_s(FALL_OVER_S));
            for at in tries.chain(late) {
                // What is due and not on its way waits for a place: looked at often.
                let left = (at.0 - now.0).max(LOOK_US);
                least = Some(least.map_or(left, |least| least.min(left)));
            }
        }
        least.map(|us| Ticks::from_micros(u64::try_from(us).unwrap_or(0)))
    }

    /// Pages that changed since they were last asked for, and windows with them.
    pub fn take_changed(
        &mut self,
        now: Instant,
        ticks: Ticks,
    ) -> (Vec<Paged>, Vec<(String, Window)>) {
        let dirty = std::mem::take(&mut self.dirty);
        let mut pages = Vec::with_capacity(dirty.len());
        for id in &dirty {
            let Some(page) = self.pages.get(id) else {
                continue;
            };
            pages.push(page.clone());
            if page.over() {
                self.pages.remove(id);
            }
        }
        let mut windows = Vec::new();
        for (name, channel) in &mut self.channels {
            if std::mem::take(&mut channel.changed) {
                windows.push((name.clone(), channel.window(now, ticks)));
            }
        }
        (pages, windows)
    }

    /// What became of a message.
    pub fn result(
        &mut self,
        id: &OutboxId,
        outcome: &Result<Handed, SendError>,
        now: Instant,
        ticks: Ticks,
    ) {
        let Some(send) = self.flights.remove(id) else {
            return;
        };
        if let Some(channel) = self.channels.get_mut(&send.channel) {
            channel.end(ticks);
            match outcome {
                Ok(_) => channel.good(),
                Err(SendError::Again { .. }) => channel.fault(ticks),
                Err(SendError::Broken { .. }) => channel.broken(ticks),
                // The address is wrong, not the channel.
                Err(SendError::Never { .. }) => {}
            }
        }
        for part in &send.parts {
            match outcome {
                Ok(handed) => self.handed(part, handed, now),
                Err(error) => self.failed(part, error, now),
            }
            self.finish(&part.page, now);
        }
    }

    pub(super) fn leg(&mut self, part: &Part) -> Option<&mut Leg> {
        let page = self.pages.get_mut(&part.page)?;
        self.dirty.insert(part.page.clone());
        let receiver = page.receivers.get_mut(part.receiver)?;
        let route = part.route;
        receiver.messages.iter_mut().find(|leg| leg.route == route)
    }

    /// A time of day that was set moves everything that waits for one along.
    fn follow_clock(&mut self, now: Instant, ticks: Ticks) {
        let last = self.last.replace((now, ticks));
        let Some((then, before)) = last else { return };
        let passed = i64::try_from(ticks.saturating_sub(before).as_micros()).unwrap_or(i64::MAX);
        let jump = (now.0 - then.0).saturating_sub(passed);
        if jump.abs() < JUMP_US {
            return;
        }
        let moved = |at: Instant| Instant(at.0.saturating_add(jump));
        for (id, page) in &mut self.pages {
            for receiver in &mut page.receivers {
                receiver.failing_since = receiver.failing_since.map(moved);
                let queued = |leg: &&mut Leg| leg.state == LegState::Queued;
                for leg in receiver.messages.iter_mut().filter(queued) {
                    leg.next_at = moved(leg.next_at);
                }
            }
            self.dirty.insert(id.clone());
        }
        // The windows count ticks; what is stored of them is in times of day.
        self.channels
            .values_mut()
            .for_each(|c| c.changed = c.limited());
    }

    /// Receivers who were told by no channel yet.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (&Paged, usize)> {
        let open = self.pages.values().filter(|page| !page.settled);
        open.flat_map(|page| (0..page.receivers.len()).map(move |i| (page, i)))
            .filter(|(page, i)| !page.receivers[*i].done())
    }

    fn candidates(&self, channel: &str, now: Instant) -> Vec<Candidate> {
        let mut out = Vec::new();
        for (page, i) in self.waiting() {
            let receiver = &page.receivers[i];
            for leg in &receiver.messages {
                let route = &receiver.routes[leg.route];
                if leg.state == LegState::Queued && leg.next_at <= now && route.channel == channel {
                    out.push(Candidate {
                        part: Part {
                            page: page.id.clone(),
                            receiver: i,
                            route: leg.route,
                        },
                        to: route.to.clone(),
                        urgent: page.urgent,
                        exercise: page.exercise,
                        due_at: page.due_at,
                        next_at: leg.next_at,
                    });
                }
            }
        }
        out.sort_by(|a, b| {
            let key = |c: &Candidate| (!c.urgent, c.due_at, c.part.page.clone(), c.part.receiver);
            key(a).cmp(&key(b))
        });
        out
    }

    fn take_from(&mut self, name: &str, now: Instant, ticks: Ticks, sends: &mut Vec<Send>) {
        let mut waiting = self.candidates(name, now);
        loop {
            let Some(channel) = self.channels.get_mut(name) else {
                return;
            };
            let (free, rest) = (channel.free(ticks), channel.free_for_rest(ticks));
            let hands = AT_ONCE.saturating_sub(channel.flying);
            let limited = channel.limited();
            let may = |c: &Candidate| hands > 0 && if c.urgent { free > 0 } else { rest > 0 };
            let Some(at) = waiting.iter().position(may) else {
                break;
            };
            let first = waiting.remove(at);
            let mut parts = vec![first];
            // Pressure: not everybody who waits gets a message of their own.
            if limited && waiting.len() >= free.min(rest.max(1)) {
                let (to, exercise) = (parts[0].to.clone(), parts[0].exercise);
                let same = |c: &mut Candidate| c.to == to && c.exercise == exercise;
                parts.extend(waiting.extract_if(.., same).take(MAX_BUNDLE - 1));
            }
            sends.push(self.begin(name, parts, now));
        }
        // A window that is full holds nobody up who can be reached otherwise.
        let full = self.channels.get_mut(name).map(|c| c.free(ticks)) == Some(0);
        for late in waiting.iter().filter(|c| c.urgent && full) {
            let waited = now.0.saturating_sub(late.next_at.0);
            if waited >= i64::try_from(URGENT_WAIT.as_micros()).unwrap_or(i64::MAX) {
                self.past_the_limit(&late.part, now, ticks);
            }
        }
    }

    /// Marks the messages as being sent.
    fn begin(&mut self, name: &str, taken: Vec<Candidate>, now: Instant) -> Send {
        let to = taken.first().map_or(String::new(), |c| c.to.clone());
        let parts: Vec<Part> = taken.into_iter().map(|c| c.part).collect();
        let id = self
            .leg(&parts[0])
            .map_or_else(|| parts[0].page.clone(), |leg| leg.id.clone());
        let bundle = parts.len() > 1;
        let mut possible_duplicate = false;
        for part in &parts {
            if let Some(leg) = self.leg(part) {
                leg.state = LegState::Sending;
                leg.sending_at = Some(now);
                leg.bundled_with = bundle.then(|| id.clone());
                possible_duplicate |= leg.possible_duplicate;
            }
        }
        if let Some(channel) = self.channels.get_mut(name) {
            channel.begin();
        }
        let send = Send {
            id: id.clone(),
            channel: name.to_owned(),
            to,
            possible_duplicate,
            parts,
        };
        self.flights.insert(id, send.clone());
        send
    }

    /// A page is over when everybody was told or nobody needs it, and nothing of it is under way.
    fn finish(&mut self, id: &OutboxId, now: Instant) {
        let Some(page) = self.pages.get_mut(id) else {
            return;
        };
        let done = page.settled || page.receivers.iter().all(Receiver::done);
        if !page.over() && done && !page.receivers.iter().any(|r| r.flying()) {
            page.over_at = Some(now);
            if page.red == Some(Red::AllFailing) {
                page.red = None;
            }
            self.dirty.insert(id.clone());
        }
    }
}
