//! Who was called, what was ordered, which tasks stand.
//!
//! Deliberately not here: who may do what (see `authority`) and how a page travels.

use crate::orders::{OrderCourse, OrderedPerson};
use crate::tasks::Started;
use model::{AccountId, Actor, GroupId, Instant, OrderId, OutboxId, PositionId, TaskId};
use plan::{StepId, TaskKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallRole {
    Lead,
    Deputy,
    Member,
}

impl CallRole {
    pub const fn code(self) -> &'static str {
        match self {
            Self::Lead => "lead",
            Self::Deputy => "deputy",
            Self::Member => "member",
        }
    }
}

/// Why somebody is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallReason {
    /// The incident was opened.
    Opened,
    /// The level rose.
    Level,
    /// A person called.
    Manual,
    /// Somebody before did not answer in time.
    Unanswered,
    /// Somebody before refused.
    Refused,
}

impl CallReason {
    pub const fn code(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Level => "level",
            Self::Manual => "manual",
            Self::Unanswered => "unanswered",
            Self::Refused => "refused",
        }
    }
}

/// A position to be called, as a fact carries it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Numbered from 1 within the incident.
    pub number: u32,
    pub group: GroupId,
    pub position: PositionId,
    pub role: CallRole,
    /// The lead's or deputy's place that this call is to fill, where another is called in turn.
    #[serde(default)]
    pub acting_for: Option<PositionId>,
    pub reason: CallReason,
    pub due_at: Instant,
    /// 1 for the first call of the position in the group.
    pub attempt: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallOut {
    #[serde(flatten)]
    pub call: Call,
    pub called_at: Instant,
    /// Who answered, where somebody did.
    pub account: Option<AccountId>,
    pub state: CallState,
    /// The page that carries this call.
    pub outbox: OutboxId,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum CallState {
    Called,
    Acknowledged {
        by: Actor,
        at: Instant,
    },
    Refused {
        by: Actor,
        at: Instant,
        reason: String,
    },
    /// Nobody answered in time; `to` is the call that followed, where anybody was left.
    Escalated {
        at: Instant,
        to: Option<u32>,
    },
}

impl CallOut {
    /// The answer is late.
    pub fn overdue(&self, now: Instant) -> bool {
        self.state == CallState::Called && now > self.call.due_at
    }
    /// Somebody who leads the group, or stands in for its lead or deputy, has acknowledged.
    pub fn reaches_the_lead(&self) -> bool {
        matches!(self.state, CallState::Acknowledged { .. })
            && (self.call.role != CallRole::Member || self.call.acting_for.is_some())
    }
}

/// Whom an order or a call goes to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum Addressee {
    Group(GroupId),
    Position(PositionId),
    Person(OrderedPerson),
}

/// An order (指令, form F-03).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// `O-1` and so on within the incident.
    pub id: OrderId,
    pub number: u32,
    pub issuer: Actor,
    pub issued_at: Instant,
    pub to: Addressee,
    pub text: String,
    /// Safety constraint (安全约束), such as evidence first, no shutdown.
    pub constraint: String,
    pub due_at: Instant,
    pub accepted: Option<Signed>,
    pub state: OrderState,
    #[serde(default)]
    pub course: OrderCourse,
}

/// Who and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    pub by: Actor,
    pub at: Instant,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum OrderState {
    Issued,
    Accepted,
    Refused {
        by: Actor,
        at: Instant,
        reason: String,
    },
    Done {
        by: Actor,
        at: Instant,
        result: String,
    },
    Withdrawn {
        by: Actor,
        at: Instant,
        reason: String,
    },
}

impl OrderState {
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Accepted => "accepted",
            Self::Refused { .. } => "refused",
            Self::Done { .. } => "done",
            Self::Withdrawn { .. } => "withdrawn",
        }
    }
}

impl Order {
    /// Neither done, refused nor withdrawn.
    pub fn open(&self) -> bool {
        matches!(self.state, OrderState::Issued | OrderState::Accepted)
    }
    pub fn overdue(&self, now: Instant) -> bool {
        self.open() && now > self.due_at
    }
}

/// A task of the plan as it was laid down when its step began. Its title stands in the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedTask {
    /// Id of the template in the plan.
    pub id: TaskId,
    pub group: GroupId,
    pub owner: PositionId,
    pub due_at: Instant,
    pub required: bool,
    pub kind: TaskKind,
    /// Tasks that are settled before this one is begun.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<TaskId>,
    /// It may be begun before those, with a reason.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub early: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    #[serde(flatten)]
    pub planned: PlannedTask,
    pub step: StepId,
    pub state: TaskState,
    #[serde(default)]
    pub started: Option<Started>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum TaskState {
    Open,
    Done {
        by: Actor,
        at: Instant,
        note: String,
    },
    Waived {
        by: Actor,
        at: Instant,
        reason: String,
    },
}

impl TaskState {
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Done { .. } => "done",
            Self::Waived { .. } => "waived",
        }
    }
}

impl Task {
    pub fn open(&self) -> bool {
        self.state == TaskState::Open
    }
    pub fn overdue(&self, now: Instant) -> bool {
        self.open() && now > self.planned.due_at
    }
}
