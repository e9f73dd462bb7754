//! A page on its way: its receivers, the messages to each, and the state of every message.
//!
//! Kept as one document a page, so that the state of all of it changes in one transaction.
//! Deliberately not here: what is done next (`engine`) and the words (`words`).

use model::{AccountId, IncidentId, Instant, OutboxId, PositionId};
use plan::Lang;
use serde::{Deserialize, Serialize};

/// People who are told by one page at most; a position has fewer holders.
pub(crate) const MAX_RECEIVERS: usize = 200;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Paged {
    /// The outbox row that asked for it.
    pub id: OutboxId,
    /// Kind of that row: `page`, `report`, `brief`, `test`.
    pub kind: String,
    pub incident: Option<IncidentId>,
    /// The number of the call that it carries, where it calls somebody out.
    #[serde(default)]
    pub call: Option<u32>,
    #[serde(default)]
    pub position: Option<PositionId>,
    /// Goes before everything else and never waits for a bundle.
    pub urgent: bool,
    pub exercise: bool,
    pub due_at: Instant,
    pub receivers: Vec<Receiver>,
    /// Why a person must look at it.
    #[serde(default)]
    pub red: Option<Red>,
    /// Answered or not needed any more: nothing new is sent.
    #[serde(default)]
    pub settled: bool,
    /// Nothing is left to send, and nothing is under way.
    #[serde(default)]
    pub over_at: Option<Instant>,
}

/// Why a page reaches nobody by itself. Shown in red until somebody answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Red {
    NobodyOnDuty,
    /// Somebody is on duty whom no configured channel reaches.
    NoAddress,
    /// Every channel of a receiver has failed; they are tried again and again.
    AllFailing,
}

impl Red {
    pub const ALL: [Self; 3] = [Self::NobodyOnDuty, Self::NoAddress, Self::AllFailing];
    pub const fn code(self) -> &'static str {
        match self {
            Self::NobodyOnDuty => "nobody-on-duty",
            Self::NoAddress => "no-address",
            Self::AllFailing => "all-failing",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receiver {
    /// Account, or the position itself where nobody holds it.
    pub who: String,
    pub account: Option<AccountId>,
    pub name: String,
    pub lang: Lang,
    /// Ways to this person in the order in which they are tried; never empty.
    pub routes: Vec<Route>,
    /// The route in use.
    pub route: usize,
    /// Times that all routes failed one after the other.
    #[serde(default)]
    pub rounds: u32,
    #[serde(default)]
    pub failing_since: Option<Instant>,
    /// One for each route in use so far.
    pub messages: Vec<Leg>,
    /// Must not know any more, or is no longer there: nothing further is sent.
    #[serde(default)]
    pub withdrawn: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    pub channel: String,
    pub to: String,
}

/// The message on one route.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Leg {
    /// Stable over all tries.
    pub id: OutboxId,
    pub route: usize,
    pub state: LegState,
    pub tries: u32,
    /// An earlier try may have arrived.
    pub possible_duplicate: bool,
    pub queued_at: Instant,
    pub next_at: Instant,
    pub sending_at: Option<Instant>,
    pub sent_at: Option<Instant>,
    /// The message that carried this one along.
    pub bundled_with: Option<OutboxId>,
    /// What the channel said last; never a secret.
    #[serde(default)]
    pub why: String,
    #[serde(default)]
    pub provider_id: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LegState {
    Queued,
    Sending,
    Sent,
    /// The provider says that it reached the device.
    Delivered,
    /// The next channel took over.
    FailedOver,
    /// Answered or over before it went out.
    Dropped,
}

impl LegState {
    pub const ALL: [Self; 6] = [
        Self::Queued,
        Self::Sending,
        Self::Sent,
        Self::Delivered,
        Self::FailedOver,
        Self::Dropped,
    ];
    pub const fn code(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::FailedOver => "failed-over",
            Self::Dropped => "dropped",
        }
    }
}

impl Receiver {
    /// A channel has taken a message to this person.
    pub fn told(&self) -> bool {
        let taken = |leg: &Leg| matches!(leg.state, LegState::Sent | LegState::Delivered);
        self.messages.iter().any(taken)
    }
    /// Nothing more is to be said to this person.
    pub(crate) fn done(&self) -> bool {
        self.withdrawn || self.told()
    }
    pub(crate) fn flying(&self) -> bool {
        self.messages
            .iter()
            .any(|leg| leg.state == LegState::Sending)
    }
    /// The message of the route in use; made where there is none yet.
    pub(crate) fn open_leg(&mut self, page: &OutboxId, now: Instant, next_at: Instant) {
        let (who, route) = (&self.who, self.route);
        // What another channel may have delivered may come twice.
        let doubt = |leg: &Leg| leg.possible_duplicate || leg.state == LegState::Sending;
        let doubt = self.messages.iter().any(doubt);
        if let Some(leg) = self.messages.iter_mut().find(|leg| leg.route == route) {
            if leg.state != LegState::Sending {
                leg.state = LegState::Queued;
            }
            leg.possible_duplicate |= doubt;
            leg.next_at = next_at;
            return;
        }
        let id = match route {
            0 => format!("{page}-{who}"),
            n => format!("{page}-{who}~{n}"),
        };
        self.messages.push(Leg {
            id: OutboxId::new(id),
            route,
            state: LegState::Queued,
            tries: 0,
            possible_duplicate: doubt,
            queued_at: now,
            next_at,
            sending_at: None,
            sent_at: None,
            bundled_with: None,
            why: String::new(),
            provider_id: None,
        });
    }
}

impl Paged {
    /// Everybody was told, or there is nothing more to say.
    pub fn over(&self) -> bool {
        self.over_at.is_some()
    }
}
