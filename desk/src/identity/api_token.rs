//! Tokens for programs: bound to an account, never more than it may, ended with it.
//!
//! A token is `bfp_`, 43 random characters and a checksum of six: secret scanners find it by its
//! prefix, and a flood of invented tokens is refused by the checksum before the store is asked.

use super::membership::{AccountRefusal, Member};
use super::proposal::{AccountProposal, Proposed};
use crate::account::{token, token_hash};
use crate::view::Session;
use crate::{Desk, DeskError, Told};
use model::{AccountId, Digest, Instant, Operation};
use plan::{Act, PairedAct};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{AccountState, Batch, PutDocument};

const TOKENS: &str = "api_token";
/// For secret scanners.
pub const PREFIX: &str = "bfp_";
const RANDOM_CHARS: usize = 43;
const CHECK_CHARS: usize = 6;
/// Tokens that one account has at a time.
const PER_ACCOUNT: usize = 20;
/// Tokens looked through at most.
const LISTED: u32 = 5_000;
pub const MAX_DAYS: u32 = 366;
const MAX_TOKEN_NAME_CHARS: usize = 100;
/// The last use is noted at most so often.
const SEEN_EVERY_S: i64 = 60;

/// What a token may be used for, whatever else its owner may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Scope {
    #[serde(rename = "read")]
    Read,
    #[serde(rename = "report")]
    Report,
    #[serde(rename = "intake")]
    Intake,
    #[serde(rename = "export")]
    Export,
    #[serde(rename = "act:incident")]
    ActIncident,
    #[serde(rename = "act:containment")]
    ActContainment,
    #[serde(rename = "act:notice")]
    ActNotice,
    #[serde(rename = "act:source")]
    ActSource,
}

impl Scope {
    pub const ALL: [Self; 8] = [
        Self::Read,
        Self::Report,
        Self::Intake,
        Self::Export,
        Self::ActIncident,
        Self::ActContainment,
        Self::ActNotice,
        Self::ActSource,
    ];
    pub const fn code(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Report => "report",
            Self::Intake => "intake",
            Self::Export => "export",
            Self::ActIncident => "act:incident",
            Self::ActContainment => "act:containment",
            Self::ActNotice => "act:notice",
            Self::ActSource => "act:source",
        }
    }
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.code() == text)
    }
    /// Whether it changes what the platform does, and so wants a second person.
    pub const fn acts(self) -> bool {
        matches!(
            self,
            Self::ActIncident | Self::ActContainment | Self::ActNotice | Self::ActSource
        )
    }
    /// The scope that an act asks of a token. Managing accounts is no program's: `None`. An act
    /// that is new to this table belongs to the incident.
    pub const fn of(act: Act) -> Option<Self> {
        Some(match act {
            Act::ManageAccounts => return None,
            Act::ViewIncident | Act::ReadOutbox => Self::Read,
            Act::ReadEvidence => Self::Export,
            Act::OpenIncident => Self::Report,
            Act::ProposeHold
            | Act::ApproveHold
            | Act::LiftHold
            | Act::ProposeRepair
            | Act::ApproveRepair
            | Act::ApplyRepair
            | Act::AcceptUnwitnessed => Self::ActContainment,
            Act::DraftNotice | Act::ApproveNotice | Act::FileReport => Self::ActNotice,
            Act::ManageSource | Act::ManageChannels => Self::ActSource,
            _ => Self::ActIncident,
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    pub name: String,
    pub scopes: Vec<Scope>,
    pub days: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    id: String,
    account: AccountId,
    name: String,
    scopes: Vec<Scope>,
    created_at: Instant,
    expires_at: Instant,
    #[serde(default)]
    seen_at: Option<Instant>,
    #[serde(default)]
    revoked_at: Option<Instant>,
}

/// A token as its owner and the administrators see it: never the token itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TokenView {
    pub id: String,
    pub account: AccountId,
    pub name: String,
    pub scopes: Vec<Scope>,
    pub created_at: Instant,
    pub expires_at: Instant,
    pub seen_at: Option<Instant>,
    pub revoked_at: Option<Instant>,
}

/// A new token, shown once, or the proposal that somebody else approves first.
pub enum TokenOutcome {
    Made(String),
    Proposed(AccountProposal),
}

impl Desk {
    /// Makes a token for one's own account.
    pub fn new_token(&self, op: &Operation, asked: NewToken) -> Result<TokenOutcome, DeskError> {
        let actor = self.actor(op)?;
        self.check_token(&actor, &asked)?;
        let acts = asked.scopes.iter().any(|s| s.acts());
        if acts && self.plan().four_eyes.contains(&PairedAct::ActToken) {
            let proposed = self.propose(op, Proposed::Token { asked })?;
            return Ok(TokenOutcome::Proposed(proposed));
        }
        let made = self.make_token(&actor, &asked, Vec::new())?;
        Ok(TokenOutcome::Made(made))
    }

    pub(crate) fn make_token(
        &self,
        owner: &Member,
        asked: &NewToken,
        mut documents: Vec<PutDocument>,
    ) -> Result<String, DeskError> {
        self.check_token(owner, asked)?;
        let random = token()?;
        let text = format!("{PREFIX}{random}{}", checksum(&random));
        let kept = Kept {
            id: self.new_id("t")?,
            account: owner.id.clone(),
            name: asked.name.trim().to_owned(),
            scopes: sorted(&asked.scopes),
            created_at: self.now(),
            expires_at: self.now().plus_s(i64::from(asked.days) * 24 * 3600),
            seen_at: None,
            revoked_at: None,
        };
        let leaf = json!({ "kind": "api-token", "token": kept.id, "account": kept.account, "scopes": kept.scopes, "until": kept.expires_at, "at": kept.created_at });
        let json = serde_json::to_string(&kept)?;
        documents.push(self.document(TOKENS, &token_hash(&text), 0, json));
        self.store().commit(Batch {
            documents,
            leaves: vec![serde_json::to_vec(&leaf)?],
            ..Batch::default()
        })?;
        self.touched();
        Ok(text)
    }

    /// Own tokens; all of them for who may manage accounts and asks for all.
    pub fn tokens(&self, of: Option<&AccountId>) -> Result<Vec<TokenView>, DeskError> {
        let all = self.kept_tokens()?.into_iter();
        let mine = all.filter(|(_, kept, _)| of.is_none_or(|id| kept.account == *id));
        let mut views: Vec<TokenView> = mine.map(|(_, kept, _)| view(kept)).collect();
        views.sort_by_key(|t| (t.revoked_at.is_some(), std::cmp::Reverse(t.created_at)));
        Ok(views)
    }

    /// Ends a token of one's own; of anybody, for who may manage accounts.
    pub fn revoke_token(&self, op: &Operation, id: &str) -> Result<(), DeskError> {
        let actor = self.actor(op)?;
        let manages = super::membership::manager(&self.plan(), &actor).is_ok();
        let all = self.kept_tokens()?.into_iter();
        let found = all
            .filter(|(_, kept, _)| manages || kept.account == actor.id)
            .find(|(_, kept, _)| kept.id == id && kept.revoked_at.is_none());
        let (hash, mut kept, version) =
            found.ok_or_else(|| DeskError::NotFound(Told::new("token-unknown")))?;
        kept.revoked_at = Some(self.now());
        let leaf = json!({ "kind": "api-token-revoked", "token": kept.id, "account": kept.account, "by": actor.id, "at": self.now() });
        self.store().commit(Batch {
            documents: vec![self.document(TOKENS, &hash, version, serde_json::to_string(&kept)?)],
            leaves: vec![serde_json::to_vec(&leaf)?],
            ..Batch::default()
        })?;
        self.touched();
        Ok(())
    }

    /// Who a token stands for, while it, its account and its time are good.
    ///
    /// # Errors
    /// The store cannot be read: nobody knows yet whether the token is good.
    pub fn session_of_token(&self, text: &str) -> Result<Option<Session>, DeskError> {
        if !is_sound(text) {
            return Ok(None);
        }
        let hash = token_hash(text);
        let Some(found) = self.store().document(TOKENS, &hash)? else {
            return Ok(None);
        };
        let mut kept: Kept = serde_json::from_str(&found.json)?;
        let now = self.now();
        if kept.revoked_at.is_some() || kept.expires_at <= now {
            return Ok(None);
        }
        let owner = self.store().account(&kept.account)?;
        let Some(owner) = owner.filter(|o| o.state == AccountState::Active) else {
            return Ok(None);
        };
        let session = Session {
            account: owner.id,
            name: owner.name,
            positions: owner.positions,
            csrf: String::new(),
            language: None,
            scopes: Some(kept.scopes.clone()),
            needs_second_factor: false,
        };
        if kept.seen_at.is_none_or(|at| at.plus_s(SEEN_EVERY_S) <= now) {
            kept.seen_at = Some(now);
            let json = serde_json::to_string(&kept)?;
            // Somebody else noted it in the same moment: as good. Revoked meanwhile: stays so.
            drop(self.store().commit(Batch {
                documents: vec![self.document(TOKENS, &hash, found.version, json)],
                ..Batch::default()
            }));
        }
        Ok(Some(session))
    }

    fn check_token(&self, owner: &Member, asked: &NewToken) -> Result<(), DeskError> {
        if owner.state != AccountState::Active {
            return Err(AccountRefusal::NotActive.into());
        }
        let name = asked.name.trim();
        if name.is_empty() || name.chars().count() > MAX_TOKEN_NAME_CHARS {
            return Err(AccountRefusal::Name.into());
        }
        let days = (1..=MAX_DAYS).contains(&asked.days);
        if asked.scopes.is_empty() || asked.scopes.len() > Scope::ALL.len() || !days {
            return Err(AccountRefusal::Scope.into());
        }
        let live = self.tokens(Some(&owner.id))?;
        let now = self.now();
        let live = live
            .iter()
            .filter(|t| t.revoked_at.is_none() && t.expires_at > now);
        match live.count() < PER_ACCOUNT {
            true => Ok(()),
            false => Err(AccountRefusal::Full.into()),
        }
    }

    fn kept_tokens(&self) -> Result<Vec<(String, Kept, u64)>, DeskError> {
        let found = self.store().documents(TOKENS, LISTED)?;
        found
            .into_iter()
            .map(|d| Ok((d.id, serde_json::from_str(&d.json)?, d.version)))
            .collect()
    }
}

impl Session {
    /// Whether the token, if it is one, is good for this scope. People have no scopes.
    pub fn scoped(&self, scope: Scope) -> bool {
        self.scopes
            .as_ref()
            .is_none_or(|held| held.contains(&scope))
    }
    /// Whether the token, if it is one, is good for any change at all.
    pub fn changes(&self) -> bool {
        let reads = |scope: &Scope| matches!(scope, Scope::Read | Scope::Export);
        (self.scopes.as_ref()).is_none_or(|held| held.iter().any(|scope| !reads(scope)))
    }
    /// Whether the token, if it is one, is good for this act.
    pub fn scope_allows(&self, act: Act) -> bool {
        match (&self.scopes, Scope::of(act)) {
            (None, _) => true,
            (Some(held), Some(scope)) => held.contains(&scope),
            (Some(_), None) => false,
        }
    }
}

fn view(kept: Kept) -> TokenView {
    TokenView {
        id: kept.id,
        account: kept.account,
        name: kept.name,
        scopes: kept.scopes,
        created_at: kept.created_at,
        expires_at: kept.expires_at,
        seen_at: kept.seen_at,
        revoked_at: kept.revoked_at,
    }
}

fn sorted(scopes: &[Scope]) -> Vec<Scope> {
    let mut scopes = scopes.to_vec();
    scopes.sort_unstable();
    scopes.dedup();
    scopes
}

fn checksum(random: &str) -> String {
    let digest = Digest::of(format!("{PREFIX}{random}").as_bytes()).to_string();
    digest.chars().rev().take(CHECK_CHARS).collect()
}

/// Looks only at the text: what was never given out does not reach the store.
fn is_sound(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(PREFIX) else {
        return false;
    };
    if rest.len() != RANDOM_CHARS + CHECK_CHARS || !rest.is_ascii() {
        return false;
    }
    let (random, check) = rest.split_at(RANDOM_CHARS);
    checksum(random) == check
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_given_out_is_looked_up() {
        let random = "A".repeat(RANDOM_CHARS);
        let good = format!("{PREFIX}{random}{}", checksum(&random));
        assert!(is_sound(&good));
        for bad in [
            "",
            "bfp_",
            &random,
            &good[..good.len() - 1],
            &good.replace("AAAA", "AAAB"),
            &format!("{PREFIX}{}", "é".repeat(30)),
        ] {
            assert!(!is_sound(bad), "{bad}");
        }
    }

    #[test]
    fn every_act_but_accounts_has_its_scope() {
        for act in Act::ALL {
            assert_eq!(Scope::of(act).is_none(), act == Act::ManageAccounts);
        }
        for scope in Scope::ALL {
            assert_eq!(Scope::parse(scope.code()), Some(scope));
            let json = serde_json::to_value(scope).unwrap();
            assert_eq!(json, scope.code());
        }
    }
}
