//! Who does what, why and when: the context of every command.

use crate::{AccountId, Instant, PositionId, RequestId};
use serde::{Deserialize, Serialize};

/// Who acts. A person acts under the positions held at that moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    Person {
        account: AccountId,
        name: String,
        positions: Vec<PositionId>,
    },
    /// The program itself; `part` says which of its parts (`triage`, `clock`, `repair`).
    System { part: String },
    /// Somebody who reports without login; known by the receipt alone.
    Reporter,
}

impl Actor {
    pub fn system(part: &str) -> Self {
        Self::System {
            part: part.to_owned(),
        }
    }
    pub fn account(&self) -> Option<&AccountId> {
        match self {
            Self::Person { account, .. } => Some(account),
            _ => None,
        }
    }
    pub fn positions(&self) -> &[PositionId] {
        match self {
            Self::Person { positions, .. } => positions,
            _ => &[],
        }
    }
    pub fn holds(&self, position: &PositionId) -> bool {
        self.positions().contains(position)
    }
}

/// The circumstances of one command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    pub actor: Actor,
    /// Why, in the actor's words; empty where the command needs no reason.
    #[serde(default)]
    pub reason: String,
    pub request: RequestId,
    pub now: Instant,
}
