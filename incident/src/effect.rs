//! What the outside must be told or made to do because of a fact.
//!
//! The id of an effect is made of incident, fact and place, so that a retry makes no second one.
//! Deliberately not here: channels, texts and retries.

use crate::communication::NoticeKind;
use crate::fact::{Fact, Recorded};
use crate::incident::Incident;
use crate::orders::OrderFact;
use crate::people::{Addressee, Call, CallReason, CallRole};
use crate::resource::ResourceNews;
use crate::room::RoomFact;
use crate::rows::TableRows;
use model::{
    AccountId, GroupId, HoldId, IncidentId, Instant, Level, NoticeId, OrderId, OutboxId, PositionId,
};
use plan::{Lang, Plan};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    /// Calls whoever holds the position.
    Page {
        id: OutboxId,
        exercise: bool,
        page: Page,
    },
    Hold {
        id: OutboxId,
        exercise: bool,
        hold: HoldId,
        rows: Vec<TableRows>,
        until: Instant,
    },
    LiftHold {
        id: OutboxId,
        exercise: bool,
        hold: HoldId,
        rows: Vec<TableRows>,
    },
    SendNotice {
        id: OutboxId,
        exercise: bool,
        notice: NoticeId,
        kind: NoticeKind,
        texts: BTreeMap<Lang, String>,
        audience: u64,
    },
    /// The one-page brief for the senior management; its data come from `brief::management`.
    Brief {
        id: OutboxId,
        exercise: bool,
        number: u32,
    },
}

/// Why a position is paged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "page", rename_all = "snake_case")]
pub enum Page {
    CallOut {
        call: u32,
        group: GroupId,
        position: PositionId,
        role: CallRole,
        reason: CallReason,
        level: Level,
        due_at: Instant,
    },
    Order {
        order: OrderId,
        /// The group that it is addressed to; `None` for an order to one position.
        group: Option<GroupId>,
        position: PositionId,
        /// The one person that it is addressed to, among the holders of the position.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account: Option<AccountId>,
        due_at: Instant,
        /// 0: new or changed; 1: overdue; 2: overdue for long, said to issuer and lead.
        #[serde(default)]
        overdue: u8,
    },
    /// The brief to the management goes out soon.
    BriefSoon {
        position: PositionId,
        due_at: Instant,
    },
    /// Somebody was named in the war room.
    Mention {
        note: u32,
        position: PositionId,
        /// The one person that is named, where it is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account: Option<AccountId>,
    },
    /// A resource was asked for, answered, or is late.
    Resource {
        request: String,
        /// Id in the plan's register.
        what: String,
        position: PositionId,
        /// The one person that it concerns, among the holders of the position.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account: Option<AccountId>,
        news: ResourceNews,
        due_at: Instant,
    },
}

impl Page {
    pub fn position(&self) -> &PositionId {
        match self {
            Self::CallOut { position, .. }
            | Self::Order { position, .. }
            | Self::BriefSoon { position, .. }
            | Self::Mention { position, .. }
            | Self::Resource { position, .. } => position,
        }
    }
    /// The one person that it is for, among the holders of the position.
    pub fn account(&self) -> Option<&AccountId> {
        match self {
            Self::CallOut { .. } | Self::BriefSoon { .. } => None,
            Self::Order { account, .. }
            | Self::Mention { account, .. }
            | Self::Resource { account, .. } => account.as_ref(),
        }
    }
}

impl Effect {
    pub fn id(&self) -> &OutboxId {
        match self {
            Self::Page { id, .. }
            | Self::Hold { id, .. }
            | Self::LiftHold { id, .. }
            | Self::SendNotice { id, .. }
            | Self::Brief { id, .. } => id,
        }
    }
    pub fn exercise(&self) -> bool {
        match self {
            Self::Page { exercise, .. }
            | Self::Hold { exercise, .. }
            | Self::LiftHold { exercise, .. }
            | Self::SendNotice { exercise, .. }
            | Self::Brief { exercise, .. } => *exercise,
        }
    }
    /// `page`, `hold`, `lift_hold`, `send_notice`, `brief`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Page { .. } => "page",
            Self::Hold { .. } => "hold",
            Self::LiftHold { .. } => "lift_hold",
            Self::SendNotice { .. } => "send_notice",
            Self::Brief { .. } => "brief",
        }
    }
}

/// Id of the effect at a place among those of one fact.
pub fn outbox_id(incident: &IncidentId, sequence: u32, place: usize) -> OutboxId {
    OutboxId::new(format!("{incident}-{sequence}-{place}"))
}

/// What follows outside from a fact. `incident` is the incident after it.
pub fn effects(plan: &Plan, incident: &Incident, recorded: &Recorded) -> Vec<Effect> {
    let id = |place| outbox_id(&incident.id, recorded.sequence, place);
    let exercise = incident.exercise;
    match &recorded.fact {
        Fact::CalledOut { call } => paged(&id, exercise, vec![page_of(call, incident.level)]),
        Fact::OrderIssued {
            order, to, due_at, ..
        }
        | Fact::Order(OrderFact::Changed {
            order, to, due_at, ..
        }) => order_pages(plan, &id, exercise, order, to, *due_at),
        Fact::Order(OrderFact::Reminded {
            order,
            stage,
            to,
            due_at,
        }) => reminders(incident, &id, order, *stage, to, *due_at),
        Fact::Room(RoomFact::Written { note, mentions, .. }) => {
            mention_pages(plan, &id, exercise, *note, mentions)
        }
        Fact::Room(RoomFact::BriefReminded { due_at, to }) => {
            let position = to.clone();
            let due_at = *due_at;
            paged(&id, exercise, vec![Page::BriefSoon { position, due_at }])
        }
        Fact::Resource(fact) => paged(&id, exercise, crate::resource::pages(plan, incident, fact)),
        Fact::HoldApproved { hold } => held(incident, hold)
            .map(|(hold, rows, until)| Effect::Hold {
                id: id(0),
                exercise,
                hold,
                rows,
                until,
            })
            .into_iter()
            .collect(),
        Fact::HoldLifted { hold } | Fact::HoldExpired { hold } => held(incident, hold)
            .map(|(hold, rows, _)| Effect::LiftHold {
                id: id(0),
                exercise,
                hold,
                rows,
            })
            .into_iter()
            .collect(),
        Fact::NoticeApproved { notice } => incident
            .notices
            .iter()
            .filter(|n| n.id == *notice)
            .map(|n| Effect::SendNotice {
                id: id(0),
                exercise,
                notice: n.id.clone(),
                kind: n.kind,
                texts: n.texts.clone(),
                audience: n.audience,
            })
            .collect(),
        Fact::BriefSent { number, .. } => vec![Effect::Brief {
            id: id(0),
            exercise,
            number: *number,
        }],
        _ => Vec::new(),
    }
}

fn paged(id: &dyn Fn(usize) -> OutboxId, exercise: bool, pages: Vec<Page>) -> Vec<Effect> {
    let effect = |(place, page)| Effect::Page {
        id: id(place),
        exercise,
        page,
    };
    pages.into_iter().enumerate().map(effect).collect()
}

/// The page of an order to everybody that it is addressed to.
fn order_pages(
    plan: &Plan,
    id: &dyn Fn(usize) -> OutboxId,
    exercise: bool,
    order: &OrderId,
    to: &Addressee,
    due_at: Instant,
) -> Vec<Effect> {
    let group = match to {
        Addressee::Group(group) => Some(group.clone()),
        Addressee::Position(_) | Addressee::Person(_) => None,
    };
    let page = |(place, position)| Effect::Page {
        id: id(place),
        exercise,
        page: Page::Order {
            order: order.clone(),
            group: group.clone(),
            position,
            account: person(to),
            due_at,
            overdue: 0,
        },
    };
    ordered_positions(plan, to)
        .into_iter()
        .enumerate()
        .map(page)
        .collect()
}

/// A message to everybody whom a note names, once each.
fn mention_pages(
    plan: &Plan,
    id: &dyn Fn(usize) -> OutboxId,
    exercise: bool,
    note: u32,
    mentions: &[Addressee],
) -> Vec<Effect> {
    let mut told: Vec<(PositionId, Option<AccountId>)> = Vec::new();
    for mention in mentions {
        for position in ordered_positions(plan, mention) {
            let one = (position, person(mention));
            if !told.contains(&one) {
                told.push(one);
            }
        }
    }
    let page = |(place, (position, account))| Effect::Page {
        id: id(place),
        exercise,
        page: Page::Mention {
            note,
            position,
            account,
        },
    };
    told.into_iter().enumerate().map(page).collect()
}

fn reminders(
    incident: &Incident,
    id: &dyn Fn(usize) -> OutboxId,
    order: &OrderId,
    stage: u8,
    to: &[PositionId],
    due_at: Instant,
) -> Vec<Effect> {
    let addressed = incident.orders.iter().find(|o| o.id == *order);
    // A reminder goes to the person; that it did no good is told to positions.
    let account = addressed.filter(|_| stage == 1).and_then(|o| person(&o.to));
    let page = |(place, position): (usize, &PositionId)| Effect::Page {
        id: id(place),
        exercise: incident.exercise,
        page: Page::Order {
            order: order.clone(),
            group: None,
            position: position.clone(),
            account: account.clone(),
            due_at,
            overdue: stage,
        },
    };
    to.iter().enumerate().map(page).collect()
}

fn person(to: &Addressee) -> Option<AccountId> {
    match to {
        Addressee::Person(person) => Some(person.account.clone()),
        Addressee::Group(_) | Addressee::Position(_) => None,
    }
}

fn page_of(call: &Call, level: Level) -> Page {
    Page::CallOut {
        call: call.number,
        group: call.group.clone(),
        position: call.position.clone(),
        role: call.role,
        reason: call.reason,
        level,
        due_at: call.due_at,
    }
}

/// The lead and the deputy of a group, or the one position.
pub(crate) fn ordered_positions(plan: &Plan, to: &Addressee) -> Vec<PositionId> {
    match to {
        Addressee::Position(position) => vec![position.clone()],
        Addressee::Person(person) => vec![person.position.clone()],
        Addressee::Group(id) => plan.group(id).map_or_else(Vec::new, |group| {
            let deputy = group.deputy.iter().filter(|d| **d != group.lead);
            std::iter::once(&group.lead)
                .chain(deputy)
                .cloned()
                .collect()
        }),
    }
}

fn held(incident: &Incident, id: &HoldId) -> Option<(HoldId, Vec<TableRows>, Instant)> {
    let hold = incident.holds.iter().find(|h| h.id == *id)?;
    Some((hold.id.clone(), hold.rows.clone(), hold.until))
}
