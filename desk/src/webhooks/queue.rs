//! What waits for which receiver, in memory; the store has the same, and the bodies.
//!
//! Deliberately not here: the store and the network.

use super::subscription::Subscription;
use model::{AccountId, Digest, IncidentId, Instant, ReceiptNo};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

use super::kind::EventKind;

/// Deliveries that wait for one receiver; beyond that its subscription is switched off.
pub(super) const MAX_WAITING: usize = 300;
/// Deliveries that are over and still listed, of one subscription.
pub(super) const MAX_FINISHED: usize = 100;
/// Seconds after each failed try, by Standard Webhooks: three days in all.
const WAITS_S: [i64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// What a receiver may ask for by `Retry-After`.
const MAX_RETRY_AFTER_S: i64 = 86_400;
/// Of an answer, kept for people.
const SAID_CHARS: usize = 200;

/// One event for one subscription. Its id is the `webhook-id`; body and id never change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Delivery {
    pub id: String,
    pub webhook: String,
    pub kind: EventKind,
    #[serde(default)]
    pub incident: Option<IncidentId>,
    #[serde(default)]
    pub report: Option<ReceiptNo>,
    pub made_at: Instant,
    /// It says more than ids, grade and link.
    pub detailed: bool,
    pub body: String,
    /// `None`: it is over.
    pub due_at: Option<Instant>,
    pub state: DeliveryState,
    /// Since it was made or sent again, the last one last.
    pub tries: Vec<Try>,
    /// Who had it sent again.
    #[serde(default)]
    pub again_by: Option<AccountId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    Waiting,
    Delivered,
    Failed,
    /// What it is about is kept from others since.
    Withheld,
}

impl DeliveryState {
    pub const fn code(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Withheld => "withheld",
        }
    }
}

/// One try and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Try {
    pub at: Instant,
    /// The answer's status; `None` where no answer came.
    pub status: Option<u16>,
    /// Why no answer came.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// The first characters of the answer, control characters escaped.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub said: String,
}

/// When to try again after so many failures; `None`: no more. A tenth of jitter, by the id, so
/// that what failed together does not come back together.
pub(super) fn again_at(
    id: &str,
    failures: usize,
    retry_after_s: Option<u32>,
    now: Instant,
) -> Option<Instant> {
    let wait_s = *WAITS_S.get(failures.checked_sub(1)?)?;
    let digest = Digest::of(format!("{id}/{failures}").as_bytes());
    let jitter_us = wait_s * 100_000 * i64::from(digest.0[0]) / 256;
    let asked_s = retry_after_s.map_or(0, i64::from).min(MAX_RETRY_AFTER_S);
    Some(Instant(
        now.plus_s(wait_s.max(asked_s)).0.saturating_add(jitter_us),
    ))
}

/// What a receiver said, fit for a page and a line of a log.
pub(super) fn said(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let mut out = String::new();
    for sign in text.chars().take(SAID_CHARS) {
        match sign.is_control() || is_hidden(sign) {
            true => out.extend(sign.escape_default()),
            false => out.push(sign),
        }
    }
    out.trim().to_owned()
}

/// Signs that turn the direction of a line around or show nothing.
pub(super) fn is_hidden(sign: char) -> bool {
    matches!(sign, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// How a receiver has fared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Health {
    pub failing_since: Option<Instant>,
    pub delivered_at: Option<Instant>,
}

/// The deliveries of one subscription, by their ids.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// By when they are due.
    pub waiting: BTreeSet<(Instant, String)>,
    /// By when they were made.
    pub all: BTreeSet<(Instant, String)>,
    pub health: Health,
    pub tests: Vec<Instant>,
}

impl Lane {
    pub fn full(&self) -> bool {
        self.waiting.len() >= MAX_WAITING
    }
    /// Puts a delivery in, or as it stands now.
    pub fn take(&mut self, delivery: &Delivery) {
        self.waiting.retain(|(_, id)| *id != delivery.id);
        self.all.insert((delivery.made_at, delivery.id.clone()));
        if let Some(due_at) = delivery.due_at {
            self.waiting.insert((due_at, delivery.id.clone()));
        }
    }
    /// Those that are over, beyond what is listed; the oldest first.
    pub fn surplus(&self) -> Vec<(Instant, String)> {
        let waits = |id: &String| self.waiting.iter().any(|(_, w)| w == id);
        let over = self.all.len().saturating_sub(self.waiting.len());
        let most = over.saturating_sub(MAX_FINISHED);
        if most == 0 {
            return Vec::new();
        }
        let over = self.all.iter().filter(|(_, id)| !waits(id));
        over.take(most).cloned().collect()
    }
}

/// All that is known of subscriptions and what waits for them.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub hooks: BTreeMap<String, (Subscription, u64)>,
    pub lanes: BTreeMap<String, Lane>,
}

impl Kept {
    pub fn on(&self) -> impl Iterator<Item = &Subscription> {
        self.hooks
            .values()
            .map(|(hook, _)| hook)
            .filter(|h| h.off.is_none())
    }
    pub fn lane(&mut self, webhook: &str) -> &mut Lane {
        self.lanes.entry(webhook.to_owned()).or_default()
    }
    /// After the clock went back: nothing waits for the lost time.
    pub fn hasten(&mut self, now: Instant) {
        for lane in self.lanes.values_mut() {
            let waiting = std::mem::take(&mut lane.waiting);
            lane.waiting = waiting
                .into_iter()
                .map(|(at, id)| (at.min(now), id))
                .collect();
        }
    }
    /// What is due on lanes that are switched on and not under way, the longest due first.
    pub fn due(&self, now: Instant, flying: &BTreeSet<String>) -> Vec<(String, String)> {
        let mut due: Vec<(Instant, String, String)> = Vec::new();
        for hook in self.on().filter(|h| !flying.contains(&h.id)) {
            let first = self.lanes.get(&hook.id).and_then(|l| l.waiting.first());
            if let Some((at, id)) = first.filter(|(at, _)| *at <= now) {
                due.push((*at, hook.id.clone(), id.clone()));
            }
        }
        due.sort();
        due.into_iter().map(|(_, hook, id)| (hook, id)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_are_spaced_as_the_standard_says() {
        let now = Instant(0);
        let mut whole = 0.0;
        for (n, wait_s) in WAITS_S.iter().enumerate() {
            let waited = again_at("evt_1", n + 1, None, now).unwrap().since_s(now);
            let wait_s = *wait_s as f64;
            assert!((wait_s..wait_s * 1.1).contains(&waited), "{n}: {waited}");
            whole += waited;
        }
        assert!(again_at("evt_1", WAITS_S.len() + 1, None, now).is_none());
        assert!((3.0..4.0).contains(&(whole / 86_400.0)));
        let asked = |s| again_at("evt_1", 1, Some(s), now).unwrap().since_s(now);
        assert!((600.0..601.0).contains(&asked(600)));
        assert!(asked(u32::MAX) < 86_401.0 && asked(0) < 6.0);
    }

    #[test]
    fn what_a_receiver_says_is_short_and_shows_its_control_signs() {
        assert_eq!(
            said(b"ok\r\nInjected: 1\x1b[31m"),
            "ok\\r\\nInjected: 1\\u{1b}[31m"
        );
        assert_eq!(said("a\u{202e}b".as_bytes()), "a\\u{202e}b");
        assert_eq!(said(&[b'x'; 5_000]).len(), SAID_CHARS);
        assert_eq!(said(&[0xff, 0xfe]), "\u{fffd}\u{fffd}");
    }
}
