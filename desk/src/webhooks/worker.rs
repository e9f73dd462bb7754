//! The thread of webhooks: follows the facts, sends what is due, stores what came of it.
//!
//! A receiver has one request at a time, and all receivers together a few: a slow one waits for
//! itself. Deliberately not here: when to try again (`queue`) and what is said (`event`).

use super::event::Saying;
use super::kind::EventKind;
use super::queue::{Delivery, DeliveryState, Try, again_at, said};
use super::subscription::{OffWhy, Subscription};
use super::{DELIVERIES, HEALTH, MARK, put};
use crate::{Desk, DeskError, ReportState};
use connect::outbound::{Answer, OutboundError};
use incident::Recorded;
use model::Instant;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use store::{Batch, FactRow, PutDocument};

/// Requests under way at once, each a thread for at most 15 s.
const SENDERS: usize = 8;
/// Facts followed in one transaction.
const FACTS: u32 = 256;
/// How long the thread waits for a change before it looks by itself.
const IDLE: Duration = Duration::from_millis(500);
/// The place in the facts is stored at least so often.
const MARK_EVERY_S: f64 = 30.0;
/// Nothing taken for so long switches a subscription off: five days, which is longer than all
/// tries of one event.
const FAILING_S: f64 = 5.0 * 86_400.0;
/// An incident that cannot be read holds the others up for so long.
const UNREADABLE_S: f64 = 60.0;
/// How long the end waits for what is under way.
const LAST: Duration = Duration::from_secs(1);

struct Outcome {
    webhook: String,
    delivery: String,
    at: Instant,
    answer: Result<Answer, OutboundError>,
}

struct Worker {
    desk: Desk,
    tell: Sender<Outcome>,
    outcomes: Receiver<Outcome>,
    /// Subscriptions with a request under way.
    flying: BTreeSet<String>,
    /// Facts up to this number are followed; `None` while nobody listens.
    followed: Option<u64>,
    marked_at: Instant,
    looked_at: Instant,
    /// Since when the next fact's incident cannot be read.
    stuck_since: Option<Instant>,
}

/// Runs until `stopped` says so.
pub(crate) fn run(desk: &Desk, stopped: impl Fn() -> bool) {
    let (tell, outcomes) = channel();
    let mut worker = Worker {
        marked_at: desk.now(),
        looked_at: desk.now(),
        desk: desk.clone(),
        tell,
        outcomes,
        flying: BTreeSet::new(),
        followed: None,
        stuck_since: None,
    };
    let mut seen = 0;
    while !stopped() {
        match worker.turn() {
            Ok(true) => {}
            Ok(false) => seen = desk.store().wait_for_change(seen, IDLE),
            Err(error) => {
                tracing::error!(error = %crate::error::chain(&error), "webhooks cannot be worked on; trying again");
                desk.pause(IDLE);
            }
        }
    }
    worker.end();
}

impl Worker {
    /// True when there may be more to do at once.
    fn turn(&mut self) -> Result<bool, DeskError> {
        let now = self.desk.now();
        let last = std::mem::replace(&mut self.looked_at, now);
        if now.since_s(last) < -1.0 {
            self.desk.webhooks_parts().kept().hasten(now);
        }
        while let Ok(outcome) = self.outcomes.try_recv() {
            self.settle(outcome)?;
        }
        let more = self.follow()?;
        self.send_due()?;
        Ok(more)
    }

    /// Makes deliveries of the facts that came; true when there are more.
    fn follow(&mut self) -> Result<bool, DeskError> {
        let hooks: Vec<Subscription> = {
            let kept = self.desk.webhooks_parts().kept();
            kept.on().cloned().collect()
        };
        let Some(first) = hooks.iter().map(|h| h.after_fact).min() else {
            self.followed = None;
            return Ok(false);
        };
        let start = match self.followed {
            Some(at) => at,
            None => first.max(self.desk.store().mark(MARK)?.unwrap_or(0)),
        };
        self.followed = Some(start);
        let rows = self.desk.store().facts_after(start, FACTS)?;
        let many = rows.len() as u32 == FACTS;
        let (mut made, mut at) = (Vec::new(), start);
        for row in rows {
            let Some(deliveries) = self.of_fact(&hooks, &row)? else {
                break;
            };
            made.extend(deliveries);
            at = row.number;
        }
        let now = self.desk.now();
        let due = !made.is_empty() || now.since_s(self.marked_at).abs() > MARK_EVERY_S;
        if at > start && due {
            self.store_followed(&mut made, at)?;
            self.marked_at = now;
        }
        self.followed = Some(at);
        Ok(many && at > start)
    }

    /// `None`: the incident as it is shown does not have this fact yet, so who may know of it is
    /// not known either.
    fn of_fact(
        &mut self,
        hooks: &[Subscription],
        row: &FactRow,
    ) -> Result<Option<Vec<Delivery>>, DeskError> {
        let recorded: Recorded = serde_json::from_str(&row.json)?;
        let Some((kind, _)) = EventKind::of(&recorded.fact) else {
            return Ok(Some(Vec::new()));
        };
        let wants = |h: &&Subscription| h.after_fact < row.number && h.wants(kind);
        let hooks: Vec<_> = hooks.iter().filter(wants).collect();
        if hooks.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let incident = self.desk.incident(&row.incident);
        let Some(incident) = incident.filter(|i| i.next_sequence > row.sequence) else {
            let now = self.desk.now();
            let since = *self.stuck_since.get_or_insert(now);
            if now.since_s(since) <= UNREADABLE_S {
                return Ok(None);
            }
            self.stuck_since = None;
            tracing::error!(incident = %row.incident, "an incident cannot be read; its event is not sent");
            return Ok(Some(Vec::new()));
        };
        self.stuck_since = None;
        let made = hooks.into_iter();
        let made = made.filter_map(|hook| self.desk.fact_delivery(hook, &incident, &recorded));
        Ok(Some(made.collect()))
    }

    /// Stores deliveries and the place in the facts together: a crash before it follows the same
    /// facts again, a crash behind it finds them waiting.
    fn store_followed(&mut self, made: &mut Vec<Delivery>, at: u64) -> Result<(), DeskError> {
        let mut behind = BTreeSet::new();
        {
            let mut kept = self.desk.webhooks_parts().kept();
            made.retain(|d| {
                let room = !kept.lane(&d.webhook).full();
                if !room {
                    behind.insert(d.webhook.clone());
                }
                room
            });
        }
        fail::fail_point!("webhook-before-queue");
        self.desk.store().commit(Batch {
            documents: made.iter().map(|d| put(d, 0)).collect::<Result<_, _>>()?,
            marks: vec![(MARK.into(), at)],
            ..Batch::default()
        })?;
        self.desk.webhooks_take(made);
        for webhook in behind {
            self.switch_off(&webhook, OffWhy::Behind)?;
        }
        Ok(())
    }

    fn send_due(&mut self) -> Result<(), DeskError> {
        let now = self.desk.now();
        let due = self.desk.webhooks_parts().kept().due(now, &self.flying);
        for (webhook, delivery) in due {
            if self.flying.len() >= SENDERS {
                break;
            }
            self.send(&webhook, &delivery)?;
        }
        Ok(())
    }

    fn send(&mut self, webhook: &str, id: &str) -> Result<(), DeskError> {
        let now = self.desk.now();
        let Ok((hook, _)) = self.desk.webhook_at(webhook, None) else {
            return Ok(());
        };
        let Some((delivery, version)) = self.desk.delivery_at(id)? else {
            // Deleted meanwhile.
            let mut kept = self.desk.webhooks_parts().kept();
            let lane = kept.lane(webhook);
            lane.waiting.retain(|(_, waits)| waits != id);
            lane.all.retain(|(_, known)| known != id);
            return Ok(());
        };
        // Who may know is asked again each time: it may have been restricted since.
        if !self.desk.may_go(&hook, &delivery) {
            let over = ended(delivery, DeliveryState::Withheld);
            return self.keep(&over, version, None);
        }
        let (target, keys) = (self.desk.target_of(&hook), self.desk.keys_of(&hook, now));
        let Some(target) = target.filter(|_| !keys.is_empty()) else {
            tracing::error!(
                webhook,
                "a subscription's URL or secret cannot be opened; another master key?"
            );
            return self.failed(&hook, delivery, version, now, None, "sealed".into(), None);
        };
        self.flying.insert(webhook.to_owned());
        let (desk, tell) = (self.desk.clone(), self.tell.clone());
        let webhook = webhook.to_owned();
        let work = move || {
            fail::fail_point!("webhook-before-send");
            let outbound = &desk.webhooks_parts().outbound;
            let (id, body) = (&delivery.id, &delivery.body);
            let at = desk.now();
            let answer = connect::notify::webhook::deliver(outbound, &target, &keys, id, body, at);
            fail::fail_point!("webhook-after-send");
            // Nobody listens any more when the desk has ended: it is sent again at the next start.
            let _ = tell.send(Outcome {
                webhook,
                delivery: delivery.id,
                at,
                answer,
            });
            desk.store().wake();
        };
        let thread = std::thread::Builder::new().name("webhook".into());
        thread.spawn(work).map(drop).map_err(|error| {
            self.flying.clear();
            DeskError::GuardStopped(error.to_string())
        })
    }

    fn settle(&mut self, outcome: Outcome) -> Result<(), DeskError> {
        self.flying.remove(&outcome.webhook);
        let Ok((hook, _)) = self.desk.webhook_at(&outcome.webhook, None) else {
            return Ok(());
        };
        let Some((mut delivery, version)) = self.desk.delivery_at(&outcome.delivery)? else {
            return Ok(());
        };
        let at = outcome.at;
        match outcome.answer {
            Ok(answer) if (200..300).contains(&answer.status) => {
                delivery.tries.push(tried(at, &answer));
                let over = ended(delivery, DeliveryState::Delivered);
                self.keep(&over, version, Some(true))
            }
            Ok(answer) if answer.status == 410 => {
                delivery.tries.push(tried(at, &answer));
                let over = ended(delivery, DeliveryState::Failed);
                self.keep(&over, version, Some(false))?;
                self.switch_off(&hook.id, OffWhy::Gone)
            }
            Ok(answer) => {
                let this = tried(at, &answer);
                let after = answer.retry_after_s;
                self.failed(
                    &hook,
                    delivery,
                    version,
                    at,
                    Some(this),
                    String::new(),
                    after,
                )
            }
            Err(error) => self.failed(&hook, delivery, version, at, None, error.to_string(), None),
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one failed try with all that is known of it"
    )]
    fn failed(
        &mut self,
        hook: &Subscription,
        mut delivery: Delivery,
        version: u64,
        at: Instant,
        answered: Option<Try>,
        why: String,
        retry_after_s: Option<u32>,
    ) -> Result<(), DeskError> {
        let status = answered.as_ref().and_then(|t| t.status);
        let none = Try {
            at,
            status: None,
            why,
            said: String::new(),
        };
        delivery.tries.push(answered.unwrap_or(none));
        tracing::warn!(webhook = %hook.id, delivery = %delivery.id, status, tries = delivery.tries.len(), "a webhook was not taken");
        let now = self.desk.now();
        let next = again_at(&delivery.id, delivery.tries.len(), retry_after_s, now);
        match next {
            Some(due_at) => delivery.due_at = Some(due_at),
            None => delivery = ended(delivery, DeliveryState::Failed),
        }
        self.keep(&delivery, version, Some(false))?;
        let failing = (self.desk.webhooks_parts().kept().lane(&hook.id).health).failing_since;
        // Somebody who changed it since has begun anew.
        let failing = failing.map(|since| since.max(hook.changed_at));
        match failing.is_some_and(|since| now.since_s(since) > FAILING_S) {
            true => self.switch_off(&hook.id, OffWhy::Failing),
            false => Ok(()),
        }
    }

    /// Stores a delivery as it stands, how its receiver fares, and forgets the oldest that is over.
    fn keep(
        &mut self,
        delivery: &Delivery,
        version: u64,
        taken: Option<bool>,
    ) -> Result<(), DeskError> {
        let now = self.desk.now();
        let (surplus, health, before) = {
            let mut kept = self.desk.webhooks_parts().kept();
            let lane = kept.lane(&delivery.webhook);
            lane.take(delivery);
            let before = lane.health;
            match taken {
                Some(true) => {
                    lane.health.failing_since = None;
                    lane.health.delivered_at = Some(now);
                }
                Some(false) => drop(lane.health.failing_since.get_or_insert(now)),
                None => {}
            }
            let surplus = lane.surplus();
            lane.all.retain(|known| !surplus.contains(known));
            (surplus, lane.health, before)
        };
        let mut batch = Batch {
            documents: vec![put(delivery, version)?],
            forget: surplus
                .into_iter()
                .map(|(_, id)| (DELIVERIES, id))
                .collect(),
            ..Batch::default()
        };
        if health != before {
            let stored = self.desk.store().document(HEALTH, &delivery.webhook)?;
            batch.documents.push(PutDocument {
                collection: HEALTH,
                id: delivery.webhook.clone(),
                expect_version: stored.map(|s| s.version),
                json: serde_json::to_string(&health)?,
                at: now,
            });
        }
        match self.desk.store().commit(batch) {
            // Deleted while it was under way.
            Err(store::StoreError::Conflict { .. }) | Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        self.desk.touched();
        Ok(())
    }

    /// Switches a subscription off by itself; what waits stays, should a person switch it on.
    fn switch_off(&self, webhook: &str, why: OffWhy) -> Result<(), DeskError> {
        let now = self.desk.now();
        let Ok((mut hook, version)) = self.desk.webhook_at(webhook, None) else {
            return Ok(());
        };
        if hook.off.is_some() {
            return Ok(());
        }
        hook.off = Some((why, now));
        hook.changed_at = now;
        tracing::warn!(webhook, why = why.code(), "a webhook was switched off");
        let leaf = json!({ "kind": "webhook-off", "webhook": webhook, "why": why, "at": now });
        let stored = self.desk.webhook_commit(Batch {
            documents: vec![self.desk.webhook_document(&hook, version)?],
            leaves: vec![serde_json::to_vec(&leaf)?],
            ..Batch::default()
        });
        match stored {
            Ok(()) => self.desk.webhook_stands(hook, version + 1),
            // A person was faster; the next failure tries again.
            Err(DeskError::Webhook(_)) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn end(&mut self) {
        while !self.flying.is_empty() {
            let Ok(outcome) = self.outcomes.recv_timeout(LAST) else {
                break;
            };
            if let Err(error) = self.settle(outcome) {
                tracing::warn!(error = %error.told(), "the last outcome is not stored; it is sent again");
            }
        }
    }
}

impl Desk {
    /// Whether a delivery may go out as things stand now.
    pub(super) fn may_go(&self, hook: &Subscription, delivery: &Delivery) -> bool {
        let mut says = vec![Saying::Details];
        let mut of_incident = |id| match self.incident(id) {
            Some(incident) => says.push(self.saying(hook, &incident.access)),
            None => says.push(Saying::Nothing),
        };
        if let Some(id) = &delivery.incident {
            of_incident(id);
        }
        if let Some(name) = &delivery.report {
            match self.report_named(name) {
                Ok(Some(report)) => {
                    if let ReportState::Joined { incident } = &report.state {
                        of_incident(incident);
                    }
                    says.push(self.saying(hook, &report.access));
                }
                _ => says.push(Saying::Nothing),
            }
        }
        let detailed = |s: &Saying| *s == Saying::Details || !delivery.detailed;
        says.iter().all(|s| *s != Saying::Nothing && detailed(s))
    }
}

fn ended(mut delivery: Delivery, state: DeliveryState) -> Delivery {
    delivery.state = state;
    delivery.due_at = None;
    delivery
}

fn tried(at: Instant, answer: &Answer) -> Try {
    Try {
        at,
        status: Some(answer.status),
        why: String::new(),
        said: said(&answer.body),
    }
}
