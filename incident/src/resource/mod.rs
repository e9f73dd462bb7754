//! Resources of the plan's register in one incident: asked for, granted, given back, written off;
//! and the experts from outside who work in it as guests.
//!
//! Deliberately not here: what other incidents hold of the same resource (the desk counts that),
//! accounts of guests, and how a message travels.

mod decide;
mod guest;
mod pages;
mod state;

pub use state::{Grant, RequestState, ResourceRequest, Resources, Returned};

use crate::timeline::{Param, Params};
use model::{Instant, OrderId, PositionId, TaskId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use decide::decide;
pub use guest::{Guest, GuestCommand, GuestFact, GuestPage, MAX_GUESTS};
pub use pages::ResourceNews;
pub(crate) use pages::pages;

/// Requests of one incident; they are numbered, and none is ever taken away.
pub const MAX_REQUESTS: usize = 500;
/// Times that one grant is given back in part.
pub const MAX_RETURNS: usize = 50;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(
    tag = "resource_command",
    rename_all = "snake_case",
    deny_unknown_fields
)]
pub enum ResourceCommand {
    /// `amount` is in pieces or persons, and in minor units for a budget. The operation's reason
    /// says why.
    Request {
        what: String,
        amount: i64,
        #[serde(default)]
        order: Option<OrderId>,
        #[serde(default)]
        task: Option<TaskId>,
        needed_by: Instant,
    },
    /// The whole or a part, until a time at which it is asked back.
    Grant {
        request: String,
        amount: i64,
        #[serde(default)]
        conditions: String,
        until: Instant,
    },
    /// The operation's reason says why.
    Refuse {
        request: String,
    },
    /// By whoever asked, before it is answered. The operation's reason says why.
    Withdraw {
        request: String,
    },
    /// What is damaged, or does not come back at all, wants the operation's reason.
    Return {
        request: String,
        amount: i64,
        condition: ReturnCondition,
    },
    /// System (clock).
    #[schemars(skip)]
    Remind {
        request: String,
        about: Late,
    },
    Guest(GuestCommand),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "resource_fact", rename_all = "snake_case")]
pub enum ResourceFact {
    Requested {
        /// `R-1` and so on within the incident.
        request: String,
        what: String,
        amount: i64,
        order: Option<OrderId>,
        task: Option<TaskId>,
        needed_by: Instant,
        /// Who grants it, by the plan.
        grantor: PositionId,
    },
    Granted {
        request: String,
        what: String,
        amount: i64,
        conditions: String,
        until: Instant,
    },
    Refused {
        request: String,
    },
    Withdrawn {
        request: String,
    },
    Returned {
        request: String,
        what: String,
        amount: i64,
        condition: ReturnCondition,
    },
    /// `to` are the positions that are told.
    Reminded {
        request: String,
        about: Late,
        to: Vec<PositionId>,
        due_at: Instant,
    },
    Guest(GuestFact),
}

/// How something comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReturnCondition {
    Good,
    Damaged,
    /// Lost, used up or, for a budget, spent: it does not come back.
    WrittenOff,
}

impl ReturnCondition {
    pub const ALL: [Self; 3] = [Self::Good, Self::Damaged, Self::WrittenOff];
    pub const fn code(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Damaged => "damaged",
            Self::WrittenOff => "written-off",
        }
    }
}

/// What is late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Late {
    /// The answer to a request.
    Answer,
    /// What was granted until a time that has passed.
    Return,
}

/// Kinds of the lines that these facts make in the course of events.
pub const KINDS: [&str; 11] = [
    "resource-requested",
    "resource-granted",
    "resource-refused",
    "resource-withdrawn",
    "resource-returned",
    "resource-written-off",
    "resource-reminded",
    "guest-invited",
    "guest-agreed",
    "guest-changed",
    "guest-ended",
];

impl ResourceFact {
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Requested { .. } => "resource-requested",
            Self::Granted { .. } => "resource-granted",
            Self::Refused { .. } => "resource-refused",
            Self::Withdrawn { .. } => "resource-withdrawn",
            Self::Returned {
                condition: ReturnCondition::WrittenOff,
                ..
            } => "resource-written-off",
            Self::Returned { .. } => "resource-returned",
            Self::Reminded { .. } => "resource-reminded",
            Self::Guest(guest) => guest.kind(),
        }
    }
    pub(crate) fn params(&self) -> Params {
        let id = |id: &String| ("request", Param::Text(id.clone()));
        let amount = |what: &String, amount: i64| {
            let amount = Param::Resource {
                id: what.clone(),
                amount,
            };
            ("what", amount)
        };
        match self {
            Self::Requested {
                request,
                what,
                amount: n,
                ..
            } => vec![id(request), amount(what, *n)],
            Self::Granted {
                request,
                what,
                amount: n,
                until,
                ..
            } => vec![
                id(request),
                amount(what, *n),
                ("until", Param::Time(*until)),
            ],
            Self::Returned {
                request,
                what,
                amount: n,
                condition,
            } => vec![
                id(request),
                amount(what, *n),
                (
                    "condition",
                    Param::Code(format!("returned-{}", condition.code())),
                ),
            ],
            Self::Reminded { request, about, .. } => {
                let late = match about {
                    Late::Answer => "late-answer",
                    Late::Return => "late-return",
                };
                vec![id(request), ("about", Param::Code(late.to_owned()))]
            }
            Self::Refused { request } | Self::Withdrawn { request } => vec![id(request)],
            Self::Guest(guest) => guest.params(),
        }
    }
}
