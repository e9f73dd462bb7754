//! Signed outgoing webhooks: what happens, told to other programs by Standard Webhooks 1.0.0.
//!
//! ```text
//! facts committed ─► followed: deliveries and the mark in one transaction ─► sent ─► outcome stored
//!     │ crash: followed          │ crash: they wait in the store               │ crash: sent again,
//!     │ again from the mark      │                                             │ same id and body
//! ```
//! Deliberately not here: channels that reach people (`channels`), which never wait for a webhook,
//! since this has threads and a queue of its own.

mod event;
mod history;
mod kind;
mod queue;
mod subscription;
mod worker;

pub use history::DeliveryView;
pub use kind::EventKind;
pub use queue::{DeliveryState, Try};
pub use subscription::{
    MAX_OVERLAP_H, NewWebhook, OffWhy, WebhookChange, WebhookRefusal, WebhookView,
};
pub(crate) use worker::run;

use crate::config::Config;
use crate::{Desk, DeskError, Told};
use connect::outbound::{AllowList, Outbound, SystemLookup};
use model::{AccountId, Operation};
use plan::Act;
use queue::{Delivery, Health, Kept};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::{Batch, PutDocument, Store, StoreError};
use subscription::{MAX_WEBHOOKS, Subscription, check_kinds, check_name};

const SUBSCRIPTIONS: &str = "webhook";
const DELIVERIES: &str = "webhook_delivery";
const HEALTH: &str = "webhook_health";
/// Facts up to this number have been followed.
const MARK: &str = "webhook_facts";
/// Test events of one subscription within an hour.
const MAX_TESTS: usize = 6;
/// Waiting and finished ones of all subscriptions.
const MAX_DELIVERIES: u32 = ((queue::MAX_WAITING + queue::MAX_FINISHED) * MAX_WEBHOOKS) as u32;

/// `[webhooks]` of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebhooksConfig {
    /// Hosts and networks inside that may be sent to, and to which plain http may be spoken.
    pub allow: Vec<String>,
    /// Certificates (PEM) of the authorities of receivers; the system's when absent.
    pub ca_file: Option<PathBuf>,
    /// Events of incidents that not everybody may see are sent too, never with details.
    pub send_restricted: bool,
}

/// What webhooks hold on to while the desk is open.
pub(crate) struct Parts {
    outbound: Outbound,
    kept: Mutex<Kept>,
}

impl Parts {
    pub fn open(config: &Config, store: &Store) -> Result<Self, DeskError> {
        let wrong = |why: String| DeskError::Refused(Told::new("webhooks-fault").with("why", why));
        let settings = &config.webhooks;
        let allow = AllowList::parse(&settings.allow).map_err(wrong)?;
        let outbound = Outbound::new(allow, settings.ca_file.as_deref(), Arc::new(SystemLookup));
        Ok(Self {
            outbound: outbound.map_err(|error| wrong(error.to_string()))?,
            kept: Mutex::new(read(store)?),
        })
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(store: &Store) -> Result<Kept, DeskError> {
    let mut kept = Kept::default();
    for found in store.documents(SUBSCRIPTIONS, MAX_WEBHOOKS as u32)? {
        let hook: Subscription = serde_json::from_str(&found.json)?;
        kept.lanes.entry(hook.id.clone()).or_default();
        kept.hooks.insert(hook.id.clone(), (hook, found.version));
    }
    if kept.hooks.is_empty() {
        return Ok(kept);
    }
    for found in store.documents(DELIVERIES, MAX_DELIVERIES)? {
        let delivery: Delivery = serde_json::from_str(&found.json)?;
        if let Some(lane) = kept.lanes.get_mut(&delivery.webhook) {
            lane.take(&delivery);
        }
    }
    for (id, lane) in &mut kept.lanes {
        if let Some(found) = store.document(HEALTH, id)? {
            lane.health = serde_json::from_str::<Health>(&found.json)?;
        }
    }
    Ok(kept)
}

impl Desk {
    pub(crate) fn webhooks_parts(&self) -> &Parts {
        &self.inner.webhooks
    }

    /// All subscriptions, the newest first.
    pub fn webhooks(&self) -> Vec<WebhookView> {
        let (now, kept) = (self.now(), self.webhooks_parts().kept());
        let view = |(hook, version): &(Subscription, u64)| {
            let health = kept.lanes.get(&hook.id).map(|lane| lane.health);
            hook.view(*version, health.unwrap_or_default(), now)
        };
        let mut all: Vec<_> = kept.hooks.values().map(view).collect();
        all.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
        all
    }

    pub fn webhook(&self, id: &str) -> Option<WebhookView> {
        self.webhooks().into_iter().find(|hook| hook.id == id)
    }

    /// Makes a subscription; gives it with the text of its secret, which nothing shows again.
    pub fn new_webhook(
        &self,
        op: &Operation,
        asked: &NewWebhook,
    ) -> Result<(WebhookView, String), DeskError> {
        let by = self.may_manage_webhooks(op)?;
        check_name(&asked.name)?;
        check_kinds(&asked.kinds)?;
        if asked.details {
            self.may_send_details(op)?;
        }
        if self.webhooks_parts().kept().hooks.len() >= MAX_WEBHOOKS {
            return Err(WebhookRefusal::Full.into());
        }
        let mut hook = Subscription::begin(self.new_id("wh")?, asked, by, op.now);
        self.set_url(&mut hook, &asked.url)?;
        let secret = self.set_secret(&mut hook, None)?;
        hook.after_fact = self.store().last_fact()?;
        self.put_webhook(op, hook.clone(), 0, "webhook-made")?;
        Ok((self.webhook_now(&hook.id)?, secret))
    }

    /// Changes what is given; `seen` is the version that the person looked at.
    pub fn change_webhook(
        &self,
        op: &Operation,
        id: &str,
        seen: Option<u64>,
        change: &WebhookChange,
    ) -> Result<WebhookView, DeskError> {
        self.may_manage_webhooks(op)?;
        let (mut hook, version) = self.webhook_at(id, seen)?;
        // Details go where somebody with authority has sent them, and nowhere else.
        let details = change.details.unwrap_or(hook.details);
        let more = |kinds: &BTreeSet<EventKind>| !kinds.is_subset(&hook.kinds);
        let wider = change.url.is_some() || change.kinds.as_ref().is_some_and(more);
        if details && (wider || !hook.details) {
            self.may_send_details(op)?;
        }
        if let Some(name) = &change.name {
            check_name(name)?;
            name.trim().clone_into(&mut hook.name);
        }
        if let Some(kinds) = &change.kinds {
            check_kinds(kinds)?;
            hook.kinds.clone_from(kinds);
        }
        if let Some(url) = &change.url {
            self.set_url(&mut hook, url)?;
        }
        hook.details = details;
        match change.enabled {
            Some(false) if hook.off.is_none() => hook.off = Some((OffWhy::Person, op.now)),
            Some(true) if hook.off.is_some() => {
                hook.off = None;
                // What happened meanwhile is not made up for.
                hook.after_fact = self.store().last_fact()?;
            }
            _ => {}
        }
        hook.changed_at = op.now;
        self.put_webhook(op, hook, version, "webhook-changed")?;
        self.webhook_now(id)
    }

    /// Gives the subscription a new secret, shown this once. The old one signs too for so many
    /// hours; one that was still good from an exchange before ends now.
    pub fn rotate_webhook(
        &self,
        op: &Operation,
        id: &str,
        seen: Option<u64>,
        overlap_h: u32,
    ) -> Result<(WebhookView, String), DeskError> {
        self.may_manage_webhooks(op)?;
        if overlap_h > MAX_OVERLAP_H {
            return Err(WebhookRefusal::Overlap.into());
        }
        let (mut hook, version) = self.webhook_at(id, seen)?;
        let until = op.now.plus_s(i64::from(overlap_h) * 3_600);
        let secret = self.set_secret(&mut hook, (overlap_h > 0).then_some(until))?;
        hook.changed_at = op.now;
        self.put_webhook(op, hook, version, "webhook-secret")?;
        Ok((self.webhook_now(id)?, secret))
    }

    /// Ends a subscription, with what waits for it and its log.
    pub fn delete_webhook(
        &self,
        op: &Operation,
        id: &str,
        seen: Option<u64>,
    ) -> Result<(), DeskError> {
        let by = self.may_manage_webhooks(op)?;
        let (mut hook, version) = self.webhook_at(id, seen)?;
        hook.off = Some((OffWhy::Person, op.now));
        let deliveries: Vec<String> = {
            let mut kept = self.webhooks_parts().kept();
            let lane = kept.lane(id);
            lane.all.iter().map(|(_, id)| id.clone()).collect()
        };
        let mut forget = vec![(SUBSCRIPTIONS, id.to_owned()), (HEALTH, id.to_owned())];
        forget.extend(deliveries.into_iter().map(|id| (DELIVERIES, id)));
        let leaf = json!({ "kind": "webhook-deleted", "webhook": id, "by": by, "at": op.now });
        // The last write tells whether somebody else changed it meanwhile.
        let document = self.webhook_document(&hook, version)?;
        self.webhook_commit(Batch {
            documents: vec![document],
            forget,
            leaves: vec![serde_json::to_vec(&leaf)?],
            ..Batch::default()
        })?;
        let mut kept = self.webhooks_parts().kept();
        kept.hooks.remove(id);
        kept.lanes.remove(id);
        drop(kept);
        self.touched();
        Ok(())
    }

    /// The deliveries of a report, for its own transaction; `webhooks_take` when that is done.
    pub(crate) fn report_webhooks(&self, report: &crate::ReportView) -> Vec<Delivery> {
        let kept = self.webhooks_parts().kept();
        let room = |h: &&Subscription| kept.lanes.get(&h.id).is_none_or(|lane| !lane.full());
        let on = kept.on().filter(room);
        on.filter_map(|hook| self.report_delivery(hook, report))
            .collect()
    }

    pub(crate) fn webhook_rows(made: &[Delivery]) -> Result<Vec<PutDocument>, DeskError> {
        made.iter().map(|delivery| put(delivery, 0)).collect()
    }

    pub(crate) fn webhooks_take(&self, made: &[Delivery]) {
        let mut kept = self.webhooks_parts().kept();
        for delivery in made {
            kept.lane(&delivery.webhook).take(delivery);
        }
    }

    fn may_manage_webhooks(&self, op: &Operation) -> Result<AccountId, WebhookRefusal> {
        let plan = self.plan();
        let account = op.actor.account();
        let may = account.filter(|_| plan.allows(Act::ManageChannels, op.actor.positions()));
        may.cloned().ok_or(WebhookRefusal::NotAllowed)
    }

    fn may_send_details(&self, op: &Operation) -> Result<(), WebhookRefusal> {
        match (self.plan()).allows(Act::RestrictAccess, op.actor.positions()) {
            true => Ok(()),
            false => Err(WebhookRefusal::Details),
        }
    }

    fn webhook_now(&self, id: &str) -> Result<WebhookView, DeskError> {
        self.webhook(id).ok_or_else(unknown)
    }

    fn webhook_at(&self, id: &str, seen: Option<u64>) -> Result<(Subscription, u64), DeskError> {
        let kept = self.webhooks_parts().kept();
        let (hook, version) = kept.hooks.get(id).cloned().ok_or_else(unknown)?;
        match seen.is_none_or(|seen| seen == version) {
            true => Ok((hook, version)),
            false => Err(WebhookRefusal::Changed.into()),
        }
    }

    fn put_webhook(
        &self,
        op: &Operation,
        hook: Subscription,
        version: u64,
        kind: &str,
    ) -> Result<(), DeskError> {
        let leaf = json!({
            "kind": kind, "webhook": hook.id, "origin": hook.origin, "kinds": hook.kinds,
            "details": hook.details, "enabled": hook.off.is_none(), "by": op.actor.account(),
            "at": op.now,
        });
        self.webhook_commit(Batch {
            documents: vec![self.webhook_document(&hook, version)?],
            leaves: vec![serde_json::to_vec(&leaf)?],
            ..Batch::default()
        })?;
        self.webhook_stands(hook, version + 1);
        Ok(())
    }

    fn webhook_document(
        &self,
        hook: &Subscription,
        version: u64,
    ) -> Result<PutDocument, DeskError> {
        let json = serde_json::to_string(hook)?;
        Ok(self.document(SUBSCRIPTIONS, &hook.id, version, json))
    }

    fn webhook_commit(&self, batch: Batch) -> Result<(), DeskError> {
        match self.store().commit(batch) {
            Ok(_) => Ok(()),
            Err(StoreError::Conflict { .. }) => Err(WebhookRefusal::Changed.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Shows what is stored; an older version than the one shown changes nothing.
    fn webhook_stands(&self, hook: Subscription, version: u64) {
        let mut kept = self.webhooks_parts().kept();
        kept.lanes.entry(hook.id.clone()).or_default();
        let at = kept.hooks.entry(hook.id.clone());
        let at = at.or_insert_with(|| (hook.clone(), version));
        if at.1 < version {
            *at = (hook, version);
        }
        drop(kept);
        self.touched();
        self.store().wake();
    }
}

fn put(delivery: &Delivery, version: u64) -> Result<PutDocument, DeskError> {
    Ok(PutDocument {
        collection: DELIVERIES,
        id: delivery.id.clone(),
        expect_version: (version > 0).then_some(version),
        json: serde_json::to_string(delivery)?,
        at: delivery.made_at,
    })
}

fn unknown() -> DeskError {
    DeskError::NotFound(Told::new("subscription-unknown"))
}
