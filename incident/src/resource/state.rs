//! How the resources of one incident stand. Folding is total: what names something unknown
//! changes nothing.

use super::guest::{Guest, GuestFact};
use super::{Late, ResourceFact, ReturnCondition};
use crate::people::Signed;
use model::{AccountId, Instant, OrderId, PositionId, TaskId};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    pub requests: Vec<ResourceRequest>,
    #[serde(default)]
    pub guests: Vec<Guest>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceRequest {
    pub id: String,
    /// Id in the plan's register.
    pub what: String,
    /// Pieces, persons, or minor units of a budget.
    pub amount: i64,
    pub order: Option<OrderId>,
    pub task: Option<TaskId>,
    pub why: String,
    pub needed_by: Instant,
    pub asked: Signed,
    pub grantor: PositionId,
    pub state: RequestState,
    #[serde(default)]
    pub returned: Vec<Returned>,
    /// The grantor was reminded to answer.
    #[serde(default)]
    pub answer_reminded: bool,
    /// Whoever has it was reminded to give it back.
    #[serde(default)]
    pub return_reminded: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RequestState {
    Asked,
    Granted(Grant),
    Refused { signed: Signed, reason: String },
    Withdrawn { signed: Signed, reason: String },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    pub signed: Signed,
    pub amount: i64,
    pub conditions: String,
    /// When it is asked back.
    pub until: Instant,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Returned {
    pub signed: Signed,
    pub amount: i64,
    pub condition: ReturnCondition,
    pub reason: String,
}

impl RequestState {
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Granted(_) => "granted",
            Self::Refused { .. } => "refused",
            Self::Withdrawn { .. } => "withdrawn",
        }
    }
}

impl ResourceRequest {
    pub fn grant(&self) -> Option<&Grant> {
        match &self.state {
            RequestState::Granted(grant) => Some(grant),
            _ => None,
        }
    }
    /// What is still with the incident.
    pub fn out(&self) -> i64 {
        let back = self.returned.iter().map(|r| r.amount);
        let back = back.fold(0_i64, i64::saturating_add);
        let granted = self.grant().map_or(0, |g| g.amount);
        granted.saturating_sub(back).max(0)
    }
    /// What will not come back.
    pub fn gone(&self) -> i64 {
        let lost = |r: &&Returned| r.condition == ReturnCondition::WrittenOff;
        let lost = self.returned.iter().filter(lost).map(|r| r.amount);
        lost.fold(0_i64, i64::saturating_add)
    }
    pub fn asked(&self) -> bool {
        self.state == RequestState::Asked
    }
    /// `granted` with nothing out any more is `back`.
    pub fn code(&self) -> &'static str {
        match &self.state {
            RequestState::Granted(_) if self.out() == 0 => "back",
            state => state.code(),
        }
    }
    pub fn late(&self, now: Instant) -> Option<Late> {
        if self.asked() && now > self.needed_by {
            return Some(Late::Answer);
        }
        let until = self.grant().filter(|_| self.out() > 0).map(|g| g.until);
        until.is_some_and(|at| now > at).then_some(Late::Return)
    }
    /// The reminder that is due and was not sent yet.
    pub fn reminder_due(&self, now: Instant) -> Option<Late> {
        self.late(now).filter(|late| match late {
            Late::Answer => !self.answer_reminded,
            Late::Return => !self.return_reminded,
        })
    }
}

impl Resources {
    pub fn request(&self, id: &str) -> Option<&ResourceRequest> {
        self.requests.iter().find(|r| r.id == id)
    }
    pub fn guest(&self, account: &AccountId) -> Option<&Guest> {
        self.guests.iter().find(|g| g.account == *account)
    }
    /// Something is out, or a request waits for its answer.
    pub fn unsettled(&self) -> bool {
        self.requests.iter().any(|r| r.asked() || r.out() > 0)
    }
    pub fn out(&self, what: &str) -> i64 {
        self.sum(what, ResourceRequest::out)
    }
    pub fn gone(&self, what: &str) -> i64 {
        self.sum(what, ResourceRequest::gone)
    }
    fn sum(&self, what: &str, of: fn(&ResourceRequest) -> i64) -> i64 {
        let requests = self.requests.iter().filter(|r| r.what == what);
        requests.map(of).fold(0_i64, i64::saturating_add)
    }
    fn request_mut(&mut self, id: &str) -> Option<&mut ResourceRequest> {
        self.requests.iter_mut().find(|r| r.id == id)
    }

    pub(crate) fn apply(&mut self, fact: &ResourceFact, signed: Signed, reason: &str) {
        match fact {
            ResourceFact::Requested {
                request,
                what,
                amount,
                order,
                task,
                needed_by,
                grantor,
            } => self.requests.push(ResourceRequest {
                id: request.clone(),
                what: what.clone(),
                amount: *amount,
                order: order.clone(),
                task: task.clone(),
                why: reason.to_owned(),
                needed_by: *needed_by,
                asked: signed,
                grantor: grantor.clone(),
                state: RequestState::Asked,
                returned: Vec::new(),
                answer_reminded: false,
                return_reminded: false,
            }),
            ResourceFact::Granted {
                request,
                amount,
                conditions,
                until,
                ..
            } => {
                let grant = Grant {
                    signed,
                    amount: *amount,
                    conditions: conditions.clone(),
                    until: *until,
                };
                self.set(request, RequestState::Granted(grant));
            }
            ResourceFact::Refused { request } => {
                let reason = reason.to_owned();
                self.set(request, RequestState::Refused { signed, reason });
            }
            ResourceFact::Withdrawn { request } => {
                let reason = reason.to_owned();
                self.set(request, RequestState::Withdrawn { signed, reason });
            }
            ResourceFact::Returned {
                request,
                amount,
                condition,
                ..
            } => {
                if let Some(request) = self.request_mut(request) {
                    request.returned.push(Returned {
                        signed,
                        amount: *amount,
                        condition: *condition,
                        reason: reason.to_owned(),
                    });
                }
            }
            ResourceFact::Reminded { request, about, .. } => self.reminded(request, *about),
            ResourceFact::Guest(fact) => self.apply_guest(fact, signed, reason),
        }
    }

    fn apply_guest(&mut self, fact: &GuestFact, signed: Signed, reason: &str) {
        if let GuestFact::Invited { .. } = fact {
            self.guests.extend(Guest::invited(fact, signed));
            return;
        }
        let account = fact.account();
        if let Some(guest) = self.guests.iter_mut().find(|g| g.account == *account) {
            guest.follow(fact, signed, reason);
        }
    }

    fn reminded(&mut self, id: &str, about: Late) {
        if let Some(request) = self.request_mut(id) {
            match about {
                Late::Answer => request.answer_reminded = true,
                Late::Return => request.return_reminded = true,
            }
        }
    }

    fn set(&mut self, id: &str, state: RequestState) {
        if let Some(request) = self.request_mut(id) {
            request.state = state;
        }
    }
}
