//! Pages as people see them: every message of every person with its state and times, and which
//! groups' leads were reached.
//!
//! Deliberately not here: who may see them; the caller asks for an incident through its door.

use super::answer::{ANSWER_S, answered_at};
use super::page::{LegState, Paged, Receiver, Red};
use crate::{Desk, DeskError};
use incident::Incident;
use incident::access::Viewer;
use incident::people::{CallOut, CallRole, CallState};
use model::{GroupId, Instant, OutboxId, PositionId};
use serde::Serialize;

/// One page with its receivers.
#[derive(Clone, Debug, Serialize)]
pub struct PageView {
    pub page: Paged,
    pub receivers: Vec<ReceiverView>,
}

#[derive(Clone, Debug, Serialize)]
pub struct ReceiverView {
    pub name: String,
    pub account: Option<model::AccountId>,
    pub answered_at: Option<Instant>,
    /// May no longer be told, and was not: what had not gone out was taken back.
    pub withdrawn: bool,
    pub messages: Vec<MessageView>,
}

#[derive(Clone, Debug, Serialize)]
pub struct MessageView {
    pub id: OutboxId,
    pub channel: String,
    /// `queued`, `sending`, `sent`, `delivered`, `acknowledged`, `failed-over`, `dropped`.
    pub state: &'static str,
    pub tries: u32,
    pub queued_at: Instant,
    /// The state's own time.
    pub at: Instant,
    pub next_at: Option<Instant>,
    pub possible_duplicate: bool,
    pub bundled: bool,
    pub why: String,
}

/// Whether a group's lead, or whoever stands in, was reached.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LeadReached {
    pub group: GroupId,
    /// `None`: the group was not called out.
    pub place: Option<LeadState>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum LeadState {
    /// Somebody who leads the group answered.
    Reached { position: PositionId, at: Instant },
    /// Called, and the answer is not here; `red` where nothing gets through.
    Waiting {
        position: PositionId,
        since: Instant,
        due_at: Instant,
        red: Option<Red>,
    },
    /// Everybody who could lead was called in vain.
    NotReached { since: Instant },
}

impl Desk {
    /// The pages of the last day that the viewer may know of, newest first.
    pub fn recent_pages(&self, viewer: &Viewer) -> Result<Vec<PageView>, DeskError> {
        let pages = self.pages_since(self.now().plus_s(-ANSWER_S))?;
        let hidden = self.hidden_from(viewer);
        let receipts = self.hidden_receipts(viewer)?;
        let of_report = |p: &Paged| receipts.iter().any(|r| p.id.as_str().starts_with(r));
        let seen = pages.into_iter().filter(|p| {
            let of_incident = p.incident.as_ref().is_some_and(|id| hidden.contains(id));
            !of_incident && !of_report(p)
        });
        Ok(seen.map(|page| self.page_view(page)).collect())
    }

    /// The pages of one incident; the caller has asked for it through its door.
    pub fn pages_of(&self, incident: &Incident) -> Vec<PageView> {
        let calls = incident.calls.iter().rev();
        let pages = calls.filter_map(|c| self.page(&c.outbox).ok().flatten());
        pages.map(|page| self.page_view(page)).collect()
    }

    fn page_view(&self, page: Paged) -> PageView {
        let receivers = page
            .receivers
            .iter()
            .map(|r| self.receiver_view(&page, r))
            .collect();
        PageView { receivers, page }
    }

    fn receiver_view(&self, page: &Paged, receiver: &Receiver) -> ReceiverView {
        let answered_at = answered_at(self, page, receiver);
        let messages = receiver.messages.iter().map(|leg| {
            let taken = matches!(leg.state, LegState::Sent | LegState::Delivered);
            let (state, at) = match (answered_at, leg.state) {
                (Some(at), _) if taken => ("acknowledged", at),
                (_, LegState::Queued) => (leg.state.code(), leg.queued_at),
                (_, LegState::Sent | LegState::Delivered) => {
                    (leg.state.code(), leg.sent_at.unwrap_or(leg.queued_at))
                }
                _ => (leg.state.code(), leg.sending_at.unwrap_or(leg.queued_at)),
            };
            MessageView {
                id: leg.id.clone(),
                channel: receiver.routes[leg.route].channel.clone(),
                state,
                tries: leg.tries,
                queued_at: leg.queued_at,
                at,
                next_at: (leg.state == LegState::Queued).then_some(leg.next_at),
                possible_duplicate: leg.possible_duplicate,
                bundled: leg.bundled_with.is_some(),
                why: leg.why.clone(),
            }
        });
        ReceiverView {
            name: receiver.name.clone(),
            account: receiver.account.clone(),
            answered_at,
            withdrawn: receiver.withdrawn,
            messages: messages.collect(),
        }
    }

    /// For each group of the plan: whether its lead was reached in this incident.
    pub fn leads_reached(&self, incident: &Incident) -> Vec<LeadReached> {
        let plan = self.plan();
        let state = |group: &GroupId| {
            let calls: Vec<&CallOut> = incident
                .calls
                .iter()
                .filter(|c| c.call.group == *group)
                .filter(|c| c.call.role != CallRole::Member || c.call.acting_for.is_some())
                .collect();
            self.lead_state(&calls)
        };
        plan.groups
            .iter()
            .map(|group| LeadReached {
                group: group.id.clone(),
                place: state(&group.id),
            })
            .collect()
    }

    fn lead_state(&self, calls: &[&CallOut]) -> Option<LeadState> {
        let first = calls.first()?;
        for call in calls {
            if let CallState::Acknowledged { at, .. } = &call.state {
                return Some(LeadState::Reached {
                    position: call.call.position.clone(),
                    at: *at,
                });
            }
        }
        let open = calls.iter().find(|c| c.state == CallState::Called);
        Some(match open {
            Some(call) => LeadState::Waiting {
                position: call.call.position.clone(),
                since: first.called_at,
                due_at: call.call.due_at,
                red: self.page(&call.outbox).ok().flatten().and_then(|p| p.red),
            },
            None => LeadState::NotReached {
                since: first.called_at,
            },
        })
    }
}
