//! What follows from an outcome: another try, the next channel, or the first one again.
//!
//! Part of the engine. Deliberately not here: what goes out in which order (`engine`).

use super::engine::{Engine, Part};
use super::limit::Ticks;
use super::page::{Leg, LegState, Red};
use connect::notify::{Handed, SendError};
use model::{Instant, OutboxId};

/// Seconds until the second try on the same channel.
const RETRY_S: i64 = 5;
/// Tries on one channel before the next one takes over.
const TRIES: u32 = 2;
/// Seconds between two rounds through all channels: doubled from the first to the last.
const ROUND_S: i64 = 10;
const ROUND_MOST_S: i64 = 300;
/// Seconds after the first fault at which the next channel takes over, whatever the first does.
pub(super) const FALL_OVER_S: i64 = 20;

impl Engine {
    pub(super) fn handed(&mut self, part: &Part, handed: &Handed, now: Instant) {
        let Some(leg) = self.leg(part) else { return };
        leg.state = match handed.delivered {
            true => LegState::Delivered,
            false => LegState::Sent,
        };
        leg.tries += 1;
        leg.sent_at = Some(now);
        leg.provider_id.clone_from(&handed.provider_id);
        let Some(page) = self.pages.get_mut(&part.page) else {
            return;
        };
        let receiver = &mut page.receivers[part.receiver];
        receiver.failing_since = None;
        // Another channel was about to take over; it need not.
        for leg in &mut receiver.messages {
            if leg.state == LegState::Queued {
                leg.state = LegState::Dropped;
            }
        }
    }

    pub(super) fn failed(&mut self, part: &Part, error: &SendError, now: Instant) {
        let Some(leg) = self.leg(part) else { return };
        leg.tries += 1;
        let (why, wait_s) = match error {
            SendError::Again { after_s, why } => {
                // A provider that names a time has refused; any other fault may hide an arrival.
                leg.possible_duplicate |= after_s.is_none();
                (why, Some(after_s.map_or(RETRY_S, i64::from).max(1)))
            }
            SendError::Never { why } | SendError::Broken { why } => (why, None),
        };
        why.clone_into(&mut leg.why);
        leg.state = LegState::Queued;
        let tries = leg.tries;
        let Some(page) = self.pages.get_mut(&part.page) else {
            return;
        };
        let over = page.settled;
        let receiver = &mut page.receivers[part.receiver];
        let told = receiver.told();
        let route = part.route;
        // A late word of an earlier channel says nothing of the one that took over.
        if receiver.route == route {
            receiver.failing_since.get_or_insert(now);
        }
        let leg = receiver.messages.iter_mut().find(|leg| leg.route == route);
        let Some(leg) = leg else { return };
        if over || told || receiver.route != part.route {
            // Another channel took over, or nobody waits for it.
            leg.state = match over || told {
                true => LegState::Dropped,
                false => LegState::FailedOver,
            };
            return;
        }
        let others = receiver.routes.len() > 1;
        match wait_s {
            Some(wait_s) if !tries.is_multiple_of(TRIES) && wait_s <= FALL_OVER_S => {
                leg.next_at = now.plus_s(wait_s);
            }
            Some(wait_s) if !others => {
                let wait_s = wait_s.max(round_s(receiver.rounds));
                leg.next_at = now.plus_s(wait_s);
                receiver.rounds = receiver.rounds.saturating_add(1);
                page.red = Some(Red::AllFailing);
            }
            _ => self.fall_over(&part.page, part.receiver, now),
        }
    }

    /// The next channel of the receiver takes over; after the last the first, a while later.
    fn fall_over(&mut self, id: &OutboxId, receiver: usize, now: Instant) {
        let Some(page) = self.pages.get_mut(id) else {
            return;
        };
        let receiver = &mut page.receivers[receiver];
        let route = receiver.route;
        let current = receiver.messages.iter_mut().find(|leg| leg.route == route);
        if let Some(leg) = current.filter(|leg| leg.state == LegState::Queued) {
            leg.state = LegState::FailedOver;
        }
        receiver.route = (route + 1) % receiver.routes.len();
        let mut next_at = now;
        if receiver.route == 0 {
            next_at = now.plus_s(round_s(receiver.rounds));
            receiver.rounds = receiver.rounds.saturating_add(1);
            page.red = Some(Red::AllFailing);
        }
        // Each channel has its own time in which it must succeed.
        receiver.failing_since = None;
        receiver.open_leg(id, now, next_at);
        self.dirty.insert(id.clone());
    }

    /// Whoever was not told within the time after the first fault: the next channel, even while
    /// the first still tries.
    pub(super) fn fall_over_late(&mut self, now: Instant) {
        let late: Vec<(OutboxId, usize)> = self
            .waiting()
            .filter(|(page, i)| {
                let receiver = &page.receivers[*i];
                let since = receiver.failing_since;
                receiver.routes.len() > 1
                    && since.is_some_and(|since| now >= since.plus_s(FALL_OVER_S))
            })
            .map(|(page, i)| (page.id.clone(), i))
            .collect();
        for (page, receiver) in late {
            self.fall_over(&page, receiver, now);
        }
    }

    /// First tries go past a channel that is known to be down, where another is up.
    pub(super) fn skip_what_is_down(&mut self, now: Instant, ticks: Ticks) {
        let up = |channel: &str| self.channels.get(channel).is_some_and(|c| c.up(ticks));
        let mut past = Vec::new();
        for (page, i) in self.waiting() {
            let receiver = &page.receivers[i];
            let due = |leg: &Leg| {
                leg.route == receiver.route && leg.state == LegState::Queued && leg.next_at <= now
            };
            let after = &receiver.routes[receiver.route + 1..];
            if receiver.messages.iter().any(due)
                && !up(&receiver.routes[receiver.route].channel)
                && after.iter().any(|route| up(&route.channel))
            {
                past.push((page.id.clone(), i));
            }
        }
        for (page, receiver) in past {
            self.fall_over(&page, receiver, now);
        }
    }

    pub(super) fn past_the_limit(&mut self, part: &Part, now: Instant, ticks: Ticks) {
        let Some(page) = self.pages.get(&part.page) else {
            return;
        };
        let receiver = &page.receivers[part.receiver];
        let Some(next) = receiver.routes.get(part.route + 1) else {
            return;
        };
        let next = next.channel.clone();
        let room = self.channels.get_mut(&next);
        if receiver.route == part.route && room.is_some_and(|c| c.up(ticks) && c.free(ticks) > 0) {
            self.fall_over(&part.page, part.receiver, now);
        }
    }
}

fn round_s(rounds: u32) -> i64 {
    (ROUND_S << rounds.min(10)).min(ROUND_MOST_S)
}
