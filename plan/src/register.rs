//! The register of resources (资源清单) that an incident may draw on, and the rules for experts
//! from outside who are let in as guests.
//!
//! Deliberately not here: who has what at the moment (room `incident`), and means that stand ready
//! all the time and are not handed out (`Plan::resources`).

use crate::{Lang, Words};
use model::{Money, PositionId};
use serde::{Deserialize, Serialize};

/// Something that is requested, granted and given back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterEntry {
    pub id: String,
    pub kind: ResourceKind,
    pub title: Words,
    /// What it is good for, where it stands, how it is reached.
    pub note: Words,
    /// How much there is: pieces or persons; minor units of the currency for a budget.
    pub quantity: i64,
    /// Currency of a budget (ISO 4217); nothing else has one.
    #[serde(default)]
    pub currency: Option<String>,
    /// Who grants it, or whoever stands in.
    pub grantor: PositionId,
    /// The grantor is never the one who asked.
    #[serde(default = "yes")]
    pub four_eyes: bool,
    /// Only for an expert from outside.
    #[serde(default)]
    pub expert: Option<ExpertTerms>,
}

const fn yes() -> bool {
    true
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResourceKind {
    Server,
    Tool,
    Budget,
    Expert,
}

impl ResourceKind {
    pub const ALL: [Self; 4] = [Self::Server, Self::Tool, Self::Budget, Self::Expert];
    pub const fn code(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Tool => "tool",
            Self::Budget => "budget",
            Self::Expert => "expert",
        }
    }
}

/// Under which contract an expert comes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpertTerms {
    pub firm: Words,
    /// Number of the contract; a place in brackets is for the company to fill in.
    pub contract: Words,
    pub contact: Words,
    /// When the firm answers, for example round the clock.
    pub hours: Words,
    #[serde(default)]
    pub per_hour: Option<Money>,
    #[serde(default)]
    pub per_day: Option<Money>,
}

/// Rules for the accounts of experts from outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuestRules {
    /// The position that a guest fills; it has no authority but to answer orders.
    pub position: PositionId,
    /// A guest's account ends at the latest so many days after it was issued.
    pub most_days: u32,
    /// What every guest agrees to before seeing anything (保密承诺).
    pub confidentiality: Words,
}

impl RegisterEntry {
    /// The entry and so much of it, as people read it.
    pub fn said(&self, amount: i64, lang: Lang) -> String {
        let title = self.title.in_lang(lang);
        match self.money(amount) {
            Some(money) => format!("{title} {money}"),
            None => format!("{title} × {amount}"),
        }
    }
    /// A quantity as money, for a budget.
    pub fn money(&self, amount: i64) -> Option<Money> {
        let currency = self.currency.clone()?;
        Some(Money::new(amount, currency))
    }
}
