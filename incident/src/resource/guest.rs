//! Experts from outside in one incident: which pages they see there, and when that ends.
//!
//! A guest's access is never ended by something that must run: whether it stands is asked of the
//! time and of the incident at each look.
//! Deliberately not here: accounts, links and sessions (the desk), and what the pages show.

use crate::incident::Incident;
use crate::people::Signed;
use crate::timeline::{Param, Params};
use model::{AccountId, Digest, Instant};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Guests of one incident, those that ended included.
pub const MAX_GUESTS: usize = 50;

/// A part of the incident that a guest may be let see.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum GuestPage {
    /// Orders that are addressed to the guest, and no others.
    Orders,
    Findings,
    Timeline,
}

impl GuestPage {
    pub const ALL: [Self; 3] = [Self::Orders, Self::Findings, Self::Timeline];
    pub const fn code(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Findings => "findings",
            Self::Timeline => "timeline",
        }
    }
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.code() == code)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "guest_command", rename_all = "snake_case", deny_unknown_fields)]
pub enum GuestCommand {
    /// For a grant of experts. The desk makes the account and the link first.
    #[schemars(skip)]
    Invite {
        account: AccountId,
        name: String,
        request: String,
        pages: Vec<GuestPage>,
        /// May accept, refuse and finish orders; otherwise only read.
        may_act: bool,
        until: Instant,
    },
    Change {
        account: AccountId,
        pages: Vec<GuestPage>,
        may_act: bool,
        until: Instant,
    },
    /// The operation's reason says why.
    End { account: AccountId },
    /// By the guest: the plan's words on confidentiality are agreed to.
    Agree { account: AccountId },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "guest_fact", rename_all = "snake_case")]
pub enum GuestFact {
    Invited {
        account: AccountId,
        name: String,
        request: String,
        pages: Vec<GuestPage>,
        may_act: bool,
        until: Instant,
    },
    Changed {
        account: AccountId,
        pages: Vec<GuestPage>,
        may_act: bool,
        until: Instant,
    },
    Ended {
        account: AccountId,
    },
    Agreed {
        account: AccountId,
        /// SHA-256 of the words in both languages, as the plan had them.
        words: Digest,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guest {
    pub account: AccountId,
    pub name: String,
    /// The grant that the guest came with.
    pub request: String,
    pub pages: Vec<GuestPage>,
    pub may_act: bool,
    pub until: Instant,
    pub invited: Signed,
    #[serde(default)]
    pub agreed: Option<(Instant, Digest)>,
    #[serde(default)]
    pub ended: Option<(Signed, String)>,
}

impl Guest {
    pub(super) fn invited(fact: &GuestFact, signed: Signed) -> Option<Self> {
        let GuestFact::Invited {
            account,
            name,
            request,
            pages,
            may_act,
            until,
        } = fact
        else {
            return None;
        };
        Some(Self {
            account: account.clone(),
            name: name.clone(),
            request: request.clone(),
            pages: pages.clone(),
            may_act: *may_act,
            until: *until,
            invited: signed,
            agreed: None,
            ended: None,
        })
    }

    pub(super) fn follow(&mut self, fact: &GuestFact, signed: Signed, reason: &str) {
        match fact {
            GuestFact::Invited { .. } => {}
            GuestFact::Changed {
                pages,
                may_act,
                until,
                ..
            } => {
                self.pages.clone_from(pages);
                self.may_act = *may_act;
                self.until = *until;
            }
            GuestFact::Ended { .. } => self.ended = Some((signed, reason.to_owned())),
            GuestFact::Agreed { words, .. } => self.agreed = Some((signed.at, *words)),
        }
    }
}

impl GuestFact {
    pub const fn account(&self) -> &AccountId {
        match self {
            Self::Invited { account, .. }
            | Self::Changed { account, .. }
            | Self::Ended { account }
            | Self::Agreed { account, .. } => account,
        }
    }
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Invited { .. } => "guest-invited",
            Self::Agreed { .. } => "guest-agreed",
            Self::Changed { .. } => "guest-changed",
            Self::Ended { .. } => "guest-ended",
        }
    }
    pub(super) fn params(&self) -> Params {
        let account = ("account", Param::Text(self.account().to_string()));
        match self {
            Self::Invited { name, until, .. } => vec![
                account,
                ("name", Param::Text(name.clone())),
                ("until", Param::Time(*until)),
            ],
            Self::Changed { until, .. } => vec![account, ("until", Param::Time(*until))],
            Self::Ended { .. } | Self::Agreed { .. } => vec![account],
        }
    }
}

impl Incident {
    /// The guest of this account, while the access stands: not ended, its time not over, the
    /// expert not given back, the incident not closed.
    pub fn guest_now(&self, account: &AccountId, now: Instant) -> Option<&Guest> {
        let guest = self.resources.guest(account)?;
        let here = |g: &&Guest| {
            let grant = self.resources.request(&g.request);
            g.ended.is_none() && now < g.until && grant.is_some_and(|r| r.out() > 0)
        };
        Some(guest).filter(here).filter(|_| !self.closed())
    }
}
