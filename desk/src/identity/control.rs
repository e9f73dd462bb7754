//! Accounts over the control socket: the steps of the command line, each as the person of a session.

use super::people::Outcome;
use super::proposal::Collected;
use crate::{Desk, DeskError};
use model::{AccountId, Operation, PositionId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum AccountStep {
    Invite {
        id: AccountId,
        name: String,
        positions: Vec<PositionId>,
    },
    Link {
        id: AccountId,
    },
    Positions {
        id: AccountId,
        positions: Vec<PositionId>,
    },
    Disable {
        id: AccountId,
    },
    Enable {
        id: AccountId,
    },
    ResetSecondFactor {
        id: AccountId,
    },
    BreakGlass {
        count: u32,
    },
    Proposals,
    Approve {
        proposal: String,
    },
    Refuse {
        proposal: String,
    },
    Collect {
        proposal: String,
    },
}

impl Desk {
    /// Carries one step out. `link` is the path behind the server's address; secrets stand under
    /// `link`, `codes` and `token`, once.
    pub fn account_step(&self, op: &Operation, step: AccountStep) -> Result<Value, DeskError> {
        use AccountStep as S;
        Ok(match step {
            S::Invite {
                id,
                name,
                positions,
            } => {
                let invited = self.invite(op, &id, &name, &positions)?;
                json!({ "link": path(&invited.token), "proposed": invited.proposed })
            }
            S::Link { id } => json!({ "link": path(&self.new_link(op, &id)?) }),
            S::Positions { id, positions } => told(self.set_positions(op, &id, &positions, None)?),
            S::Disable { id } => told(self.disable(op, &id)?),
            S::Enable { id } => told(self.enable(op, &id)?),
            S::ResetSecondFactor { id } => told(self.reset_second_factor(op, &id)?),
            S::BreakGlass { count } => match self.ask_break_glass(op, count)? {
                Ok(codes) => json!({ "codes": codes }),
                Err(proposed) => json!({ "proposed": proposed }),
            },
            S::Proposals => {
                let mut open = self.account_proposals()?;
                open.retain(|p| p.is_open(op.now));
                json!({ "proposals": open })
            }
            S::Approve { proposal } => {
                json!({ "proposal": self.approve_account_proposal(op, &proposal)? })
            }
            S::Refuse { proposal } => {
                json!({ "proposal": self.refuse_account_proposal(op, &proposal)? })
            }
            S::Collect { proposal } => match self.collect_account_proposal(op, &proposal)? {
                Collected::Codes(codes) => json!({ "codes": codes }),
                Collected::Token(token) => json!({ "token": token }),
            },
        })
    }
}

fn told(outcome: Outcome) -> Value {
    match outcome {
        Outcome::Done => json!({ "done": true }),
        Outcome::Link(token) => json!({ "link": path(&token) }),
        Outcome::Proposed(proposed) => json!({ "proposed": proposed }),
    }
}

fn path(token: &str) -> String {
    format!("/welcome?token={token}")
}
