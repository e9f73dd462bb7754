//! The log of deliveries for people, a test event, and sending again.
//!
//! Whoever may not know of an incident does not see its deliveries either.

use super::queue::{Delivery, DeliveryState, Try};
use super::{DELIVERIES, EventKind, MAX_TESTS, WebhookRefusal, put, unknown};
use crate::{Desk, DeskError, Told};
use incident::access::Viewer;
use model::{AccountId, IncidentId, Instant, Operation, ReceiptNo};
use serde::Serialize;
use store::Batch;

/// An hour.
const TESTS_WITHIN_S: i64 = 3_600;

/// A delivery as people and programs see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeliveryView {
    /// The `webhook-id`.
    pub id: String,
    pub kind: EventKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<ReceiptNo>,
    pub made_at: Instant,
    pub state: DeliveryState,
    /// When it is tried next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Instant>,
    pub tries: Vec<Try>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub again_by: Option<AccountId>,
    /// What is sent, where it holds no details: those are for the receiver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

impl Desk {
    /// The deliveries of a subscription that the viewer may know of, the newest first.
    pub fn webhook_deliveries(
        &self,
        viewer: &Viewer,
        id: &str,
        most: usize,
    ) -> Result<Vec<DeliveryView>, DeskError> {
        let ids: Vec<String> = {
            let kept = self.webhooks_parts().kept();
            let lane = kept.lanes.get(id).ok_or_else(unknown)?;
            lane.all.iter().rev().map(|(_, id)| id.clone()).collect()
        };
        let mut out = Vec::new();
        for delivery in ids {
            if out.len() >= most {
                break;
            }
            let Some((delivery, _)) = self.delivery_at(&delivery)? else {
                continue;
            };
            if self.sees_delivery(viewer, &delivery) {
                out.push(view(delivery));
            }
        }
        Ok(out)
    }

    /// Sends one test event, marked as an exercise; its outcome stands in the log.
    pub fn test_webhook(&self, op: &Operation, id: &str) -> Result<String, DeskError> {
        self.may_manage_webhooks(op)?;
        let (hook, _) = self.webhook_at(id, None)?;
        if hook.off.is_some() {
            return Err(WebhookRefusal::Off.into());
        }
        {
            let mut kept = self.webhooks_parts().kept();
            let lane = kept.lane(id);
            lane.tests
                .retain(|at| op.now.since_s(*at) < TESTS_WITHIN_S as f64);
            if lane.tests.len() >= MAX_TESTS || lane.full() {
                return Err(WebhookRefusal::Tests.into());
            }
            lane.tests.push(op.now);
        }
        let delivery = self.test_delivery(&hook, &self.new_id("test")?);
        self.store().commit(Batch {
            documents: vec![put(&delivery, 0)?],
            ..Batch::default()
        })?;
        self.webhooks_take(std::slice::from_ref(&delivery));
        self.store().wake();
        Ok(delivery.id)
    }

    /// Has a delivery that is over sent again: same id, same body.
    pub fn resend_webhook(
        &self,
        op: &Operation,
        viewer: &Viewer,
        id: &str,
        delivery: &str,
    ) -> Result<(), DeskError> {
        let by = self.may_manage_webhooks(op)?;
        let (hook, _) = self.webhook_at(id, None)?;
        if hook.off.is_some() {
            return Err(WebhookRefusal::Off.into());
        }
        let none = || DeskError::NotFound(Told::new("delivery-unknown"));
        let (mut found, version) = self.delivery_at(delivery)?.ok_or_else(none)?;
        if found.webhook != id || !self.sees_delivery(viewer, &found) {
            return Err(none());
        }
        if found.state == DeliveryState::Waiting {
            return Err(WebhookRefusal::Waiting.into());
        }
        if !self.may_go(&hook, &found) {
            return Err(WebhookRefusal::Withheld.into());
        }
        found.state = DeliveryState::Waiting;
        found.due_at = Some(op.now);
        found.tries.clear();
        found.again_by = Some(by);
        let stored = self.webhook_commit(Batch {
            documents: vec![put(&found, version)?],
            ..Batch::default()
        });
        stored.map_err(|error| match error {
            // Somebody else had it sent again in the same moment.
            DeskError::Webhook(_) => WebhookRefusal::Waiting.into(),
            error => error,
        })?;
        self.webhooks_take(std::slice::from_ref(&found));
        self.touched();
        self.store().wake();
        Ok(())
    }

    pub(super) fn delivery_at(&self, id: &str) -> Result<Option<(Delivery, u64)>, DeskError> {
        let found = self.store().document(DELIVERIES, id)?;
        Ok(match found {
            Some(found) => Some((serde_json::from_str(&found.json)?, found.version)),
            None => None,
        })
    }

    fn sees_delivery(&self, viewer: &Viewer, delivery: &Delivery) -> bool {
        let incident = |id| self.incident_for(viewer, id).is_some();
        let report = |name| matches!(self.report_for(viewer, name), Ok(Some(_)));
        delivery.incident.as_ref().is_none_or(incident)
            && delivery.report.as_ref().is_none_or(report)
    }
}

fn view(delivery: Delivery) -> DeliveryView {
    DeliveryView {
        body: (!delivery.detailed).then_some(delivery.body),
        id: delivery.id,
        kind: delivery.kind,
        incident: delivery.incident,
        report: delivery.report,
        made_at: delivery.made_at,
        state: delivery.state,
        due_at: delivery.due_at,
        tries: delivery.tries,
        again_by: delivery.again_by,
    }
}
