//! What an event says: by default no more than to log in.
//!
//! Deliberately not here: who gets it (`worker`) and how it is signed (room `connect`).

use super::kind::EventKind;
use super::queue::{Delivery, DeliveryState};
use super::subscription::Subscription;
use crate::Desk;
use connect::notify::webhook::MAX_BODY_BYTES;
use incident::access::Access;
use incident::{Incident, Recorded};
use model::{Digest, Instant};
use serde_json::{Value, json};

/// What may be said of something that not everybody may know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Saying {
    Nothing,
    Bare,
    Details,
}

impl Desk {
    /// What a subscription may be told of something with this access, as it stands now.
    pub(super) fn saying(&self, hook: &Subscription, access: &Access) -> Saying {
        match (access.open(), self.config().webhooks.send_restricted) {
            (true, _) if hook.details => Saying::Details,
            (true, _) | (false, true) => Saying::Bare,
            (false, false) => Saying::Nothing,
        }
    }

    /// The delivery of a fact, or `None` where the subscription may not know.
    pub(super) fn fact_delivery(
        &self,
        hook: &Subscription,
        incident: &Incident,
        recorded: &Recorded,
    ) -> Option<Delivery> {
        let (kind, about) = EventKind::of(&recorded.fact)?;
        let saying = self.saying(hook, &incident.access);
        if !hook.wants(kind) || saying == Saying::Nothing {
            return None;
        }
        let mut data = json!({
            "incident": incident.id,
            "sequence": recorded.sequence,
            "exercise": incident.exercise,
            "grade": incident.grade().number(),
            "level": incident.level,
            "link": self.outside(&format!("/incidents/{}", incident.id)),
        });
        if let Some(about) = about {
            data["about"] = json!(about);
        }
        let name = format!("{}/{}/{}", hook.id, incident.id, recorded.sequence);
        let at = recorded.operation.now;
        let mut delivery = delivery(hook, kind, &name, at);
        delivery.incident = Some(incident.id.clone());
        let bare = body(kind, at, &data);
        delivery.body = bare;
        if saying == Saying::Details {
            data["details"] = details(incident, recorded);
            let full = body(kind, at, &data);
            // Longer than a receiver must take: the link leads to the rest.
            if full.len() < MAX_BODY_BYTES {
                (delivery.body, delivery.detailed) = (full, true);
            }
        }
        Some(delivery)
    }

    pub(super) fn report_delivery(
        &self,
        hook: &Subscription,
        report: &crate::ReportView,
    ) -> Option<Delivery> {
        let kind = EventKind::ReportReceived;
        let saying = self.saying(hook, &report.access);
        if !hook.wants(kind) || saying == Saying::Nothing {
            return None;
        }
        let name = format!("{}/report/{}", hook.id, report.receipt);
        let mut delivery = delivery(hook, kind, &name, report.received_at);
        let mut data = json!({
            "report": report.receipt,
            "exercise": false,
            "link": self.outside("/triage"),
        });
        delivery.report = Some(report.receipt.clone());
        delivery.body = body(kind, report.received_at, &data);
        if saying == Saying::Details {
            data["details"] = json!({
                "what": report.what, "where": report.where_seen, "when": report.when_text,
                "risk": report.risk, "files": report.files.len(),
            });
            let full = body(kind, report.received_at, &data);
            if full.len() < MAX_BODY_BYTES {
                (delivery.body, delivery.detailed) = (full, true);
            }
        }
        Some(delivery)
    }

    pub(super) fn test_delivery(&self, hook: &Subscription, unique: &str) -> Delivery {
        let (kind, now) = (EventKind::Test, self.now());
        let mut delivery = delivery(hook, kind, unique, now);
        let link = self.outside(&format!("/settings/webhooks/{}", hook.id));
        let data = json!({ "webhook": hook.id, "exercise": true, "link": link });
        delivery.body = body(kind, now, &data);
        delivery
    }
}

fn body(kind: EventKind, at: Instant, data: &Value) -> String {
    json!({ "type": kind.code(), "timestamp": at, "data": data }).to_string()
}

fn delivery(hook: &Subscription, kind: EventKind, name: &str, at: Instant) -> Delivery {
    let digest = Digest::of(name.as_bytes()).to_string();
    Delivery {
        // Of subscription, incident and fact: made again it is the same one.
        id: format!("evt_{}", digest.get(..32).unwrap_or_default()),
        webhook: hook.id.clone(),
        kind,
        incident: None,
        report: None,
        made_at: at,
        detailed: false,
        body: String::new(),
        due_at: Some(at),
        state: DeliveryState::Waiting,
        tries: Vec::new(),
        again_by: None,
    }
}

/// The line of the course of events, as the API shows it to people.
fn details(incident: &Incident, recorded: &Recorded) -> Value {
    let line = (incident.timeline.iter().rev()).find(|l| l.sequence == recorded.sequence);
    json!({
        "code_name": incident.code_name,
        "risk": incident.risk,
        "category": incident.category,
        "actor": recorded.operation.actor,
        "reason": recorded.operation.reason,
        "kind": line.map(|l| &l.kind),
        "params": line.map(|l| &l.params),
    })
}
