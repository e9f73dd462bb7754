//! Acts on accounts that the plan lists under `four_eyes`: proposed by one, approved by another.
//!
//! What an approval gives once (codes, a token) goes to whoever proposed it, who collects it: the
//! approver never holds a secret that is not theirs.

use super::membership::{self, AccountRefusal};
use crate::{Desk, DeskError, Told};
use incident::access::Viewer;
use model::{AccountId, Instant, Operation, PositionId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Batch, PutDocument};

const PROPOSALS: &str = "account_proposal";
/// A proposal that nobody approves ends by itself.
const PROPOSAL_S: i64 = 7 * 24 * 3600;
/// Proposals listed and counted; older ones stay in the journal.
const LISTED: u32 = 500;
/// Open at a time; one person must not bury the others' proposals.
const MOST_OPEN: usize = 100;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Proposed {
    Positions {
        account: AccountId,
        positions: Vec<PositionId>,
        /// Those that it held when this was proposed; `None`: it is new.
        #[serde(default)]
        held: Option<Vec<PositionId>>,
    },
    Enable {
        account: AccountId,
    },
    ResetSecondFactor {
        account: AccountId,
    },
    BreakGlassCodes {
        count: u32,
    },
    Token {
        asked: super::api_token::NewToken,
    },
}

impl Proposed {
    /// The account that it concerns and that therefore does not approve it.
    pub fn account(&self) -> Option<&AccountId> {
        match self {
            Self::Positions { account, .. }
            | Self::Enable { account }
            | Self::ResetSecondFactor { account } => Some(account),
            Self::BreakGlassCodes { .. } | Self::Token { .. } => None,
        }
    }
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Positions { .. } => "positions",
            Self::Enable { .. } => "enable",
            Self::ResetSecondFactor { .. } => "reset-second-factor",
            Self::BreakGlassCodes { .. } => "break-glass-codes",
            Self::Token { .. } => "token",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProposalState {
    Open,
    /// Approved; what it gives was not collected yet.
    Approved,
    Done,
    Refused,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccountProposal {
    pub id: String,
    pub proposed: Proposed,
    pub state: ProposalState,
    pub by: AccountId,
    pub by_name: String,
    pub at: Instant,
    #[serde(default)]
    pub decided_by: Option<AccountId>,
    #[serde(default)]
    pub decided_at: Option<Instant>,
}

/// What was collected, shown once.
pub enum Collected {
    Codes(Vec<String>),
    Token(String),
}

impl AccountProposal {
    pub fn is_open(&self, now: Instant) -> bool {
        self.state == ProposalState::Open && now < self.at.plus_s(PROPOSAL_S)
    }
}

impl Desk {
    /// Newest first.
    pub fn account_proposals(&self) -> Result<Vec<AccountProposal>, DeskError> {
        let found = self.store().documents(PROPOSALS, LISTED)?;
        found
            .iter()
            .map(|d| Ok(serde_json::from_str(&d.json)?))
            .collect()
    }

    /// Those that concern nobody of whom the viewer may not know.
    pub fn account_proposals_for(
        &self,
        viewer: &Viewer,
    ) -> Result<Vec<AccountProposal>, DeskError> {
        let known = self.accounts_for(viewer)?;
        let mut all = self.account_proposals()?;
        let may_know = |id: &AccountId| known.iter().any(|p| p.id == *id);
        all.retain(|p| p.proposed.account().is_none_or(may_know));
        Ok(all)
    }

    pub(crate) fn propose(
        &self,
        op: &Operation,
        proposed: Proposed,
    ) -> Result<AccountProposal, DeskError> {
        let by = self.actor(op)?;
        let open = self.account_proposals()?;
        let open: Vec<_> = open.iter().filter(|p| p.is_open(op.now)).collect();
        if let Some(same) = open.iter().find(|p| p.proposed == proposed) {
            return Ok((*same).clone());
        }
        if open.len() >= MOST_OPEN {
            return Err(AccountRefusal::Full.into());
        }
        let proposal = AccountProposal {
            id: self.new_id("ap")?,
            proposed,
            state: ProposalState::Open,
            by: by.id,
            by_name: self.name_of(op),
            at: op.now,
            decided_by: None,
            decided_at: None,
        };
        let put = self.proposal_document(&proposal, 0)?;
        let leaf = json!({ "kind": "account-proposal", "proposal": proposal, "at": op.now });
        self.store().commit(Batch {
            documents: vec![put],
            leaves: vec![serde_json::to_vec(&leaf)?],
            ..Batch::default()
        })?;
        self.touched();
        Ok(proposal)
    }

    /// Approves as a second person and does it; the state it was decided for must still stand.
    pub fn approve_account_proposal(
        &self,
        op: &Operation,
        id: &str,
    ) -> Result<AccountProposal, DeskError> {
        let actor = self.actor(op)?;
        let (mut proposal, version) = self.open_proposal(op, id)?;
        let about = proposal.proposed.account();
        membership::approve(&self.plan(), &actor, &proposal.by, about)?;
        proposal.decided_by = Some(actor.id.clone());
        proposal.decided_at = Some(op.now);
        proposal.state = match proposal.proposed {
            Proposed::BreakGlassCodes { .. } | Proposed::Token { .. } => ProposalState::Approved,
            _ => ProposalState::Done,
        };
        let put = vec![self.proposal_document(&proposal, version)?];
        let target = |account: &AccountId| {
            let found = self.member(account)?;
            found.ok_or(DeskError::from(AccountRefusal::State))
        };
        match &proposal.proposed {
            Proposed::Positions {
                account,
                positions,
                held,
            } => {
                let target = target(account)?;
                if let Some(held) = held {
                    target.holds_still(held)?;
                }
                if target.state == store::AccountState::Disabled {
                    return Err(AccountRefusal::State.into());
                }
                self.give_positions(&actor.id, &target, positions, put)?;
            }
            Proposed::Enable { account } => self.let_in(&actor.id, &target(account)?, put)?,
            Proposed::ResetSecondFactor { account } => {
                self.take_factor_off(&actor.id, &target(account)?, put)?;
            }
            Proposed::BreakGlassCodes { .. } | Proposed::Token { .. } => {
                self.put_account_proposal(&proposal, put)?;
            }
        }
        Ok(proposal)
    }

    /// Anybody who may manage accounts refuses; whoever proposed it takes it back.
    pub fn refuse_account_proposal(
        &self,
        op: &Operation,
        id: &str,
    ) -> Result<AccountProposal, DeskError> {
        let actor = self.actor(op)?;
        let (mut proposal, version) = self.open_proposal(op, id)?;
        if actor.id != proposal.by {
            membership::manager(&self.plan(), &actor)?;
        }
        proposal.state = ProposalState::Refused;
        proposal.decided_by = Some(actor.id);
        proposal.decided_at = Some(op.now);
        let put = vec![self.proposal_document(&proposal, version)?];
        self.put_account_proposal(&proposal, put)?;
        Ok(proposal)
    }

    /// Whoever proposed it takes what the approval gives, once.
    pub fn collect_account_proposal(
        &self,
        op: &Operation,
        id: &str,
    ) -> Result<Collected, DeskError> {
        let actor = self.actor(op)?;
        if actor.state != store::AccountState::Active {
            return Err(AccountRefusal::NotActive.into());
        }
        let (mut proposal, version) = self.proposal_of_account(id)?;
        let fresh = op.now < proposal.at.plus_s(PROPOSAL_S);
        if proposal.by != actor.id || proposal.state != ProposalState::Approved || !fresh {
            return Err(AccountRefusal::Decided.into());
        }
        proposal.state = ProposalState::Done;
        let put = self.proposal_document(&proposal, version)?;
        match &proposal.proposed {
            Proposed::BreakGlassCodes { count } => {
                membership::manager(&self.plan(), &actor)?;
                let codes = self.make_break_glass(&actor.id, *count, vec![put])?;
                Ok(Collected::Codes(codes))
            }
            Proposed::Token { asked } => {
                let token = self.make_token(&actor, asked, vec![put])?;
                Ok(Collected::Token(token))
            }
            _ => Err(AccountRefusal::Decided.into()),
        }
    }

    fn open_proposal(&self, op: &Operation, id: &str) -> Result<(AccountProposal, u64), DeskError> {
        let (proposal, version) = self.proposal_of_account(id)?;
        if let Some(account) = proposal.proposed.account()
            && !self.knows_of(op, account)?
        {
            return Err(no_such_proposal());
        }
        match proposal.is_open(op.now) {
            true => Ok((proposal, version)),
            false => Err(AccountRefusal::Decided.into()),
        }
    }

    fn proposal_of_account(&self, id: &str) -> Result<(AccountProposal, u64), DeskError> {
        let found = self.store().document(PROPOSALS, id)?;
        let found = found.ok_or_else(no_such_proposal)?;
        Ok((serde_json::from_str(&found.json)?, found.version))
    }

    fn proposal_document(
        &self,
        proposal: &AccountProposal,
        version: u64,
    ) -> Result<PutDocument, DeskError> {
        let json = serde_json::to_string(proposal)?;
        Ok(self.document(PROPOSALS, &proposal.id, version, json))
    }

    fn put_account_proposal(
        &self,
        proposal: &AccountProposal,
        documents: Vec<PutDocument>,
    ) -> Result<(), DeskError> {
        let leaf =
            json!({ "kind": "account-proposal-decided", "proposal": proposal, "at": self.now() });
        self.store().commit(Batch {
            documents,
            leaves: vec![serde_json::to_vec(&leaf)?],
            ..Batch::default()
        })?;
        self.touched();
        Ok(())
    }

    fn name_of(&self, op: &Operation) -> String {
        match &op.actor {
            model::Actor::Person { name, .. } => name.clone(),
            _ => String::new(),
        }
    }
}

fn no_such_proposal() -> DeskError {
    DeskError::NotFound(Told::new("account-proposal-unknown"))
}
