//! What of the plan's register is free: one resource is never granted to two incidents.
//!
//! The commander's one thread asks here after an incident has agreed and before anything is
//! stored, so two grants at once are decided one after the other, on what both incidents hold.
//! Deliberately not here: who may grant (room `incident`).

use crate::error::CommandError;
use crate::{Desk, DeskError};
use incident::access::Viewer;
use incident::resource::{ResourceFact, ReturnCondition};
use incident::{Fact, Incident, Refusal};
use model::Instant;
use plan::Plan;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use store::{PutDocument, Store};

/// By id of the register: what was written off in all incidents, closed ones too.
const WRITTEN_OFF: &str = "resource_written_off";

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct WrittenOff {
    amount: i64,
}

/// What stands of the facts beyond their incident: documents to be stored with them, or a refusal.
/// `out` says how much of a resource the open incidents hold, this one before these facts included.
pub(crate) fn settle(
    store: &Store,
    plan: &Plan,
    facts: &[Fact],
    out: impl Fn(&str) -> i64,
    now: Instant,
) -> Result<Vec<PutDocument>, CommandError> {
    let mut documents = Vec::new();
    for fact in facts {
        match fact {
            Fact::Resource(ResourceFact::Granted { what, amount, .. }) => {
                let there = plan.registered(what).map_or(0, |entry| entry.quantity);
                let (gone, _) = written_off(store, what)?;
                let used = out(what).checked_add(gone);
                let after = used.and_then(|used| used.checked_add(*amount));
                if after.is_none_or(|after| after > there) {
                    let refusal = Refusal::Conflict {
                        what: "resource".to_owned(),
                        why: "not-free".to_owned(),
                    };
                    return Err(refusal.into());
                }
            }
            Fact::Resource(ResourceFact::Returned {
                what,
                amount,
                condition: ReturnCondition::WrittenOff,
                ..
            }) => {
                let (gone, version) = written_off(store, what)?;
                let amount = gone.saturating_add(*amount);
                documents.push(PutDocument {
                    collection: WRITTEN_OFF,
                    id: what.clone(),
                    expect_version: version,
                    json: serde_json::to_string(&WrittenOff { amount }).map_err(DeskError::from)?,
                    at: now,
                });
            }
            _ => {}
        }
    }
    Ok(documents)
}

fn written_off(store: &Store, what: &str) -> Result<(i64, Option<u64>), DeskError> {
    match store.document(WRITTEN_OFF, what)? {
        None => Ok((0, None)),
        Some(document) => {
            let known: WrittenOff = serde_json::from_str(&document.json)?;
            Ok((known.amount, Some(document.version)))
        }
    }
}

/// An entry of the register as somebody may know it.
pub struct RegisterUse {
    pub id: String,
    pub written_off: i64,
    /// In use by incidents that they may know of.
    pub out: i64,
    /// Those incidents.
    pub incidents: Vec<Arc<Incident>>,
}

impl Desk {
    /// The register with what is in use. What an incident holds, or has used up, that the viewer must
    /// not know of is not counted: a number would give it away.
    pub fn register_use(&self, viewer: &Viewer) -> Result<Vec<RegisterUse>, DeskError> {
        let open = self.open_incidents_for(viewer);
        let hidden = self.hidden_from(viewer);
        let hidden = hidden.iter().map(|id| self.listed_incident(id));
        let hidden = hidden.collect::<Result<Vec<_>, DeskError>>()?;
        let gone_there = |what: &str| -> i64 {
            let all = hidden.iter().flat_map(|i| &i.resources.requests);
            let gone = all.filter(|r| r.what == what).map(|r| r.gone());
            gone.fold(0, i64::saturating_add)
        };
        let plan = self.plan();
        let one = |entry: &plan::RegisterEntry| {
            let holds = |i: &&Arc<Incident>| i.resources.out(&entry.id) > 0;
            let incidents: Vec<Arc<Incident>> = open.iter().filter(holds).cloned().collect();
            let out = incidents.iter().map(|i| i.resources.out(&entry.id));
            Ok(RegisterUse {
                id: entry.id.clone(),
                written_off: (written_off(self.store(), &entry.id)?.0)
                    .saturating_sub(gone_there(&entry.id)),
                out: out.fold(0, i64::saturating_add),
                incidents,
            })
        };
        plan.register.iter().map(one).collect()
    }
}

/// Reminders of resources that are due: one request id for each, whenever it is asked again. Pure.
pub(crate) fn late(incident: &Incident, now: Instant) -> Vec<(String, incident::Command)> {
    use incident::resource::{Late, ResourceCommand};
    let due = |r: &incident::resource::ResourceRequest| {
        let about = r.reminder_due(now)?;
        let request = r.id.clone();
        let stage = match about {
            Late::Answer => "answer",
            Late::Return => "return",
        };
        let id = format!("resource-{request}-{stage}");
        let remind = ResourceCommand::Remind { request, about };
        Some((id, incident::Command::Resource(remind)))
    };
    let requests = incident.resources.requests.iter();
    requests.filter_map(due).collect()
}
