//! What happens to an order after it was issued: checked by a second person, changed, late.
//!
//! Deliberately not here: issuing, accepting, refusing and doing (`decide::people`), and how a
//! reminder travels.

mod decide;

use crate::people::{Addressee, Order, OrderState, Signed};
use crate::timeline::{Param, Params};
use model::{AccountId, Actor, Instant, OrderId, PositionId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use decide::decide;

/// Changes of one order; who wants more withdraws it and issues another.
pub const MAX_CHANGES: usize = 20;
/// Constraints picked from the plan's list for one order.
pub const MAX_CONSTRAINTS: usize = 12;

/// A person whom an order goes to. The position is the one that the order reaches them in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct OrderedPerson {
    pub account: AccountId,
    pub name: String,
    pub position: PositionId,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "order_command", rename_all = "snake_case", deny_unknown_fields)]
pub enum OrderCommand {
    /// Binds the order that the actor issued last to constraints of the plan's list, and to a
    /// check by a second person. Sent right after `IssueOrder`, before anybody can answer.
    Bind {
        constraints: Vec<String>,
        verify: bool,
    },
    /// A new text, time or addressee. `seen` is the version that the person looked at.
    Change {
        order: OrderId,
        seen: u32,
        to: Addressee,
        text: String,
        due_at: Instant,
    },
    /// Somebody else than the doer has looked at the result and found it good.
    Verify { order: OrderId, seen: u32 },
    /// Not good: the doer goes on. The operation's reason says what is missing.
    SendBack { order: OrderId, seen: u32 },
    /// System (clock): the order is late.
    #[schemars(skip)]
    Remind { order: OrderId, stage: u8 },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order_fact", rename_all = "snake_case")]
pub enum OrderFact {
    Bound {
        order: OrderId,
        constraints: Vec<String>,
        verify: bool,
    },
    Changed {
        order: OrderId,
        version: u32,
        to: Addressee,
        text: String,
        due_at: Instant,
    },
    Verified {
        order: OrderId,
    },
    SentBack {
        order: OrderId,
    },
    /// `to` are the positions that are told.
    Reminded {
        order: OrderId,
        stage: u8,
        to: Vec<PositionId>,
        due_at: Instant,
    },
}

/// An order as it stood before a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarlierOrder {
    pub to: Addressee,
    pub text: String,
    pub due_at: Instant,
    pub until: Instant,
    pub changed_by: Actor,
    pub reason: String,
}

/// What stands of an order beyond its issue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderCourse {
    /// Ids of the plan's list.
    #[serde(default)]
    pub constraints: Vec<String>,
    /// A second person looks at the result.
    #[serde(default)]
    pub verify: bool,
    #[serde(default)]
    pub verified: Option<Signed>,
    /// Why it was sent back, the last time.
    #[serde(default)]
    pub sent_back: Option<(Signed, String)>,
    /// Rises with each change.
    #[serde(default)]
    pub version: u32,
    #[serde(default)]
    pub earlier: Vec<EarlierOrder>,
    /// 1: the addressee was reminded, 2: issuer and lead were told.
    #[serde(default)]
    pub reminded: u8,
}

/// Kinds of the lines that these facts make in the course of events.
pub const KINDS: [&str; 5] = [
    "order-bound",
    "order-changed",
    "order-verified",
    "order-sent-back",
    "order-reminded",
];

impl OrderFact {
    pub const fn order(&self) -> &OrderId {
        match self {
            Self::Bound { order, .. }
            | Self::Changed { order, .. }
            | Self::Verified { order }
            | Self::SentBack { order }
            | Self::Reminded { order, .. } => order,
        }
    }
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Bound { .. } => "order-bound",
            Self::Changed { .. } => "order-changed",
            Self::Verified { .. } => "order-verified",
            Self::SentBack { .. } => "order-sent-back",
            Self::Reminded { .. } => "order-reminded",
        }
    }
    pub(crate) fn params(&self) -> Params {
        let mut params = vec![("order", Param::Text(self.order().to_string()))];
        match self {
            Self::Changed { text, due_at, .. } => {
                params.push(("text", Param::Text(text.clone())));
                params.push(("due", Param::Time(*due_at)));
            }
            Self::Reminded { stage, .. } => {
                params.push(("stage", Param::Number(i64::from(*stage))));
            }
            _ => {}
        }
        params
    }
}

impl Order {
    /// Reported done, and still to be looked at by a second person.
    pub fn to_verify(&self) -> bool {
        let done = matches!(self.state, OrderState::Done { .. });
        done && self.course.verify && self.course.verified.is_none()
    }
    /// Nothing more is expected of anybody.
    pub fn settled(&self) -> bool {
        !self.open() && !self.to_verify()
    }
    /// Who reported it done.
    pub fn doer(&self) -> Option<&Actor> {
        match &self.state {
            OrderState::Done { by, .. } => Some(by),
            _ => None,
        }
    }
    /// The stage of the reminder that is due, when one is: at the due time, and again
    /// `escalate_after_s` later.
    pub fn reminder_due(&self, escalate_after_s: u32, now: Instant) -> Option<u8> {
        if !self.overdue(now) {
            return None;
        }
        let graver = now > self.due_at.plus_s(i64::from(escalate_after_s));
        match (self.course.reminded, graver) {
            (0, _) => Some(1),
            (1, true) => Some(2),
            _ => None,
        }
    }

    pub(crate) fn follow(&mut self, fact: &OrderFact, signed: Signed, reason: &str) {
        match fact {
            OrderFact::Bound {
                constraints,
                verify,
                ..
            } => {
                self.course.constraints.clone_from(constraints);
                self.course.verify = *verify;
            }
            OrderFact::Changed {
                version,
                to,
                text,
                due_at,
                ..
            } => {
                self.course.earlier.push(EarlierOrder {
                    to: std::mem::replace(&mut self.to, to.clone()),
                    text: std::mem::replace(&mut self.text, text.clone()),
                    due_at: std::mem::replace(&mut self.due_at, *due_at),
                    until: signed.at,
                    changed_by: signed.by,
                    reason: reason.to_owned(),
                });
                self.course.version = *version;
                self.course.reminded = 0;
                self.course.sent_back = None;
                self.accepted = None;
                self.state = OrderState::Issued;
            }
            OrderFact::Verified { .. } => self.course.verified = Some(signed),
            OrderFact::SentBack { .. } => {
                self.course.sent_back = Some((signed, reason.to_owned()));
                self.state = OrderState::Accepted;
            }
            OrderFact::Reminded { stage, .. } => self.course.reminded = *stage,
        }
    }
}
