//! People as the settings show and change them: invited, edited, disabled, let in again.
//!
//! Every step is decided by `membership`, stored with its leaf of the record, and announced, so
//! that sessions and streams of somebody who was disabled end at once.

use super::membership::{self, AccountRefusal, Member, Ruling, Step};
use super::proposal::{AccountProposal, Proposed};
use crate::account::{MAX_NAME_CHARS, Person, check_password, hash_slowly};
use crate::{Desk, DeskError, LoginError, Told};
use model::{AccountId, Operation, PositionId};
use plan::Act;
use serde_json::json;
use store::{Account, AccountChange, AccountState, Batch, EndSessions, LoginLink, PutDocument};

/// An invitation is good for three days: people read mail on Mondays.
pub const INVITATION_S: i64 = 72 * 3600;
/// Opens with no password: an account that signs in elsewhere, or not yet.
pub(crate) const NO_PASSWORD: &str = "!";
/// By account: at which issuer, as whom.
pub(crate) const SIGN_ONS: &str = "sign_on";
/// Bytes of an account's name.
const MAX_ID_BYTES: usize = 64;

/// What came of a step.
#[derive(Clone, Debug)]
pub enum Outcome {
    Done,
    /// The one-time link's token, shown once.
    Link(String),
    /// Somebody else has to approve it.
    Proposed(AccountProposal),
}

/// An invitation: the link's token, and what still wants a second person.
#[derive(Clone, Debug)]
pub struct Invited {
    pub token: String,
    pub proposed: Option<AccountProposal>,
}

impl Desk {
    /// Makes an account without a password and a link with which its owner sets one. Positions
    /// that want a second person are proposed; the others are given.
    pub fn invite(
        &self,
        op: &Operation,
        id: &AccountId,
        name: &str,
        positions: &[PositionId],
    ) -> Result<Invited, DeskError> {
        check_name(id, name)?;
        let target = Member {
            id: id.clone(),
            state: AccountState::Invited,
            positions: Vec::new(),
        };
        let actor = self.actor(op)?;
        let step = Step::Invite(positions.to_vec());
        let plan = self.plan();
        let ruling = membership::decide(&plan, &actor, &target, &step, &[])?;
        if self.store().account(id)?.is_some() {
            return Err(AccountRefusal::Name.into());
        }
        let manages = |p: &PositionId| plan.allows(Act::ManageAccounts, std::slice::from_ref(p));
        let mut given = positions.to_vec();
        if matches!(ruling, Ruling::ByTwo(_)) {
            given.retain(|p| !manages(p));
        }
        let leaf = json!({ "kind": "account-invited", "account": id, "positions": given, "by": actor.id, "at": op.now });
        let account = Account {
            id: id.clone(),
            name: name.trim().to_owned(),
            password_hash: NO_PASSWORD.to_owned(),
            positions: given.clone(),
            state: AccountState::Invited,
            created_at: op.now,
        };
        let stored = self
            .store()
            .add_account(account, serde_json::to_vec(&leaf)?);
        stored.map_err(|e| match e {
            store::StoreError::Conflict { .. } => AccountRefusal::Name.into(),
            other => DeskError::from(other),
        })?;
        let proposed = match ruling {
            Ruling::Now => None,
            Ruling::ByTwo(_) => Some(self.propose(
                op,
                Proposed::Positions {
                    account: id.clone(),
                    positions: positions.to_vec(),
                    held: Some(given),
                },
            )?),
        };
        let token = self.link(id, INVITATION_S)?;
        self.touched();
        Ok(Invited { token, proposed })
    }

    /// A new one-time link with which the owner sets a password.
    pub fn new_link(&self, op: &Operation, id: &AccountId) -> Result<String, DeskError> {
        let (actor, target, _) = self.rule(op, id, &Step::NewLink)?;
        let change = AccountChange::of(id, &[target.state]);
        self.change_member(change, "account-link", &actor.id, Vec::new())?;
        self.link(id, INVITATION_S)
    }

    /// Gives an account exactly these positions, where it still holds those that the caller saw;
    /// `None`: whatever it holds.
    ///
    /// # Errors
    /// `Changed` where it holds others by now.
    pub fn set_positions(
        &self,
        op: &Operation,
        id: &AccountId,
        positions: &[PositionId],
        seen: Option<&[PositionId]>,
    ) -> Result<Outcome, DeskError> {
        let step = Step::SetPositions(positions.to_vec());
        let (actor, mut target, ruling) = self.rule(op, id, &step)?;
        if let Some(seen) = seen {
            target.holds_still(seen)?;
            target.positions = seen.to_vec();
        }
        if ruling != Ruling::Now {
            let asked = Proposed::Positions {
                account: id.clone(),
                positions: positions.to_vec(),
                held: Some(target.positions),
            };
            return Ok(Outcome::Proposed(self.propose(op, asked)?));
        }
        self.give_positions(&actor.id, &target, positions, Vec::new())?;
        Ok(Outcome::Done)
    }

    pub fn disable(&self, op: &Operation, id: &AccountId) -> Result<Outcome, DeskError> {
        let (actor, target, _) = self.rule(op, id, &Step::Disable)?;
        let mut change = AccountChange::of(id, &[target.state]);
        change.state = Some(AccountState::Disabled);
        change.end_sessions = Some(EndSessions { but: None });
        self.change_member(change, "account-disabled", &actor.id, Vec::new())?;
        Ok(Outcome::Done)
    }

    /// Lets an account in again; one that never set a password is invited as before.
    pub fn enable(&self, op: &Operation, id: &AccountId) -> Result<Outcome, DeskError> {
        let (actor, target, ruling) = self.rule(op, id, &Step::Enable)?;
        if ruling != Ruling::Now {
            let asked = Proposed::Enable {
                account: id.clone(),
            };
            return Ok(Outcome::Proposed(self.propose(op, asked)?));
        }
        self.let_in(&actor.id, &target, Vec::new())?;
        Ok(Outcome::Done)
    }

    pub fn reset_second_factor(
        &self,
        op: &Operation,
        id: &AccountId,
    ) -> Result<Outcome, DeskError> {
        let (actor, target, ruling) = self.rule(op, id, &Step::ResetSecondFactor)?;
        if ruling != Ruling::Now {
            let asked = Proposed::ResetSecondFactor {
                account: id.clone(),
            };
            return Ok(Outcome::Proposed(self.propose(op, asked)?));
        }
        self.take_factor_off(&actor.id, &target, Vec::new())?;
        Ok(Outcome::Done)
    }

    /// The name that others see, and the profile, which the caller read at `version`.
    pub fn edit_person(
        &self,
        op: &Operation,
        id: &AccountId,
        name: &str,
        profile: &crate::Profile,
        version: u64,
    ) -> Result<(), DeskError> {
        let (actor, target, _) = self.rule(op, id, &Step::EditProfile)?;
        check_name(id, name)?;
        // Nobody hides from need-to-know by naming another manager, not even an administrator.
        let own = actor.id == *id;
        let (known, _) = self.profile(id)?;
        if own && known.reports_to != profile.reports_to {
            return Err(AccountRefusal::Own.into());
        }
        self.set_profile(id, profile, version)?;
        let mut change = AccountChange::of(id, &[target.state]);
        change.name = Some(name.trim().to_owned());
        self.change_member(change, "account-edited", &actor.id, Vec::new())
    }

    /// Sets the password of whoever the link was made for, and uses the link up; gives the account.
    pub fn set_password_by_link(
        &self,
        token: &str,
        password: &str,
    ) -> Result<AccountId, LoginError> {
        check_password(password)?;
        let hash = hash_slowly(password)?;
        // Used up before anything changes: of two at once one is let in.
        let id = self.take_link(token)?.ok_or(LoginError::Link)?;
        let open = [AccountState::Invited, AccountState::Active];
        let mut change = AccountChange::of(&id, &open);
        change.password_hash = Some(hash);
        change.state = Some(AccountState::Active);
        change.end_sessions = Some(EndSessions { but: None });
        self.change_member(change, "password-set", &id, Vec::new())?;
        Ok(id)
    }

    /// A new password for one's own account: the old one is asked for, and other sessions end.
    pub fn change_password(
        &self,
        token: &str,
        account: &AccountId,
        old: &str,
        new: &str,
    ) -> Result<(), DeskError> {
        check_password(new)?;
        self.check_own_password(account, old)?;
        let mut change = AccountChange::of(account, &[AccountState::Active]);
        change.password_hash = Some(hash_slowly(new)?);
        change.end_sessions = Some(EndSessions {
            but: Some(crate::account::token_hash(token)),
        });
        self.change_member(change, "password-changed", account, Vec::new())
    }

    /// The person, with the state.
    pub fn person(&self, id: &AccountId) -> Result<Option<Person>, DeskError> {
        Ok(self.store().account(id)?.map(Person::of))
    }

    /// Whether the account has a password here, so that it can be changed.
    pub fn has_password(&self, id: &AccountId) -> Result<bool, DeskError> {
        let found = self.store().account(id)?;
        Ok(found.is_some_and(|a| a.password_hash != NO_PASSWORD))
    }

    pub(crate) fn member(&self, id: &AccountId) -> Result<Option<Member>, DeskError> {
        Ok(self.person(id)?.map(Member::of))
    }

    /// Who acts, as the store knows them now: not as an old session remembers them.
    pub(crate) fn actor(&self, op: &Operation) -> Result<Member, DeskError> {
        let id = op.actor.account().ok_or(AccountRefusal::NotActive)?;
        Ok(self.member(id)?.ok_or(AccountRefusal::NotActive)?)
    }

    /// What `membership` says to a step on an account that is there.
    pub(crate) fn rule(
        &self,
        op: &Operation,
        id: &AccountId,
        step: &Step,
    ) -> Result<(Member, Member, Ruling), DeskError> {
        let actor = self.actor(op)?;
        let plan = self.plan();
        // Before the target is looked up: who may not, does not learn whether it is there.
        membership::manager(&plan, &actor)?;
        let viewer = self.viewer(&actor.id, &actor.positions);
        let known = self.person_for(&viewer, id)?;
        let target = known.map(Member::of);
        let target = target.ok_or_else(|| DeskError::NotFound(Told::new("no-account")))?;
        let ruling = membership::decide(&plan, &actor, &target, step, &self.account_managers()?)?;
        Ok((actor, target, ruling))
    }

    /// Whether single sign-on made the account: it has no password here, by nature.
    pub fn signs_in_elsewhere(&self, id: &AccountId) -> Result<bool, DeskError> {
        Ok(self.store().document(SIGN_ONS, id.as_str())?.is_some())
    }

    fn account_managers(&self) -> Result<Vec<AccountId>, DeskError> {
        let plan = self.plan();
        let accounts = self.store().accounts()?.into_iter();
        let active = accounts.filter(|a| {
            let lasting = !a.id.as_str().starts_with(crate::account::EMERGENCY);
            lasting
                && a.state == AccountState::Active
                && plan.allows(Act::ManageAccounts, &a.positions)
        });
        Ok(active.map(|a| a.id).collect())
    }

    pub(crate) fn give_positions(
        &self,
        by: &AccountId,
        target: &Member,
        positions: &[PositionId],
        documents: Vec<PutDocument>,
    ) -> Result<(), DeskError> {
        let mut change = AccountChange::of(&target.id, &[target.state]);
        change.held = Some(target.positions.clone());
        change.positions = Some(positions.to_vec());
        match self.change_member(change, "account-positions", by, documents) {
            Err(error) if error.is_conflict() => Err(AccountRefusal::Changed.into()),
            done => done,
        }
    }

    pub(crate) fn let_in(
        &self,
        by: &AccountId,
        target: &Member,
        documents: Vec<PutDocument>,
    ) -> Result<(), DeskError> {
        let stored = self.store().account(&target.id)?;
        let invited = stored.is_some_and(|a| a.password_hash == NO_PASSWORD)
            && !self.signs_in_elsewhere(&target.id)?;
        let mut change = AccountChange::of(&target.id, &[AccountState::Disabled]);
        change.state = Some(match invited {
            true => AccountState::Invited,
            false => AccountState::Active,
        });
        self.change_member(change, "account-enabled", by, documents)
    }

    pub(crate) fn take_factor_off(
        &self,
        by: &AccountId,
        target: &Member,
        mut documents: Vec<PutDocument>,
    ) -> Result<(), DeskError> {
        documents.extend(self.drop_second_factor(&target.id)?);
        let mut change = AccountChange::of(&target.id, &[AccountState::Active]);
        change.end_sessions = Some(EndSessions { but: None });
        self.change_member(change, "second-factor-reset", by, documents)
    }

    /// Stores a change with its leaf: who did what to whom, never a secret.
    pub(crate) fn change_member(
        &self,
        change: AccountChange,
        kind: &str,
        by: &AccountId,
        documents: Vec<PutDocument>,
    ) -> Result<(), DeskError> {
        let leaf = json!({
            "kind": kind, "account": change.id, "positions": change.positions,
            "state": change.state, "by": by, "at": self.now(),
        });
        let batch = Batch {
            leaves: vec![serde_json::to_vec(&leaf)?],
            documents,
            ..Batch::default()
        };
        self.store().change_account(change, batch)?;
        self.touched();
        Ok(())
    }

    /// A link by which an invited person sets their password.
    pub(crate) fn invitation(&self, id: &AccountId) -> Result<String, DeskError> {
        self.link(id, INVITATION_S)
    }

    fn link(&self, id: &AccountId, seconds: i64) -> Result<String, DeskError> {
        let token = crate::account::token()?;
        self.store().add_login_link(LoginLink {
            token_hash: crate::account::token_hash(&token),
            account: id.clone(),
            expires_at: self.now().plus_s(seconds),
        })?;
        Ok(token)
    }
}

/// Names are looked at in lists and logs: letters, digits and a little punctuation.
pub(crate) fn check_name(id: &AccountId, name: &str) -> Result<(), AccountRefusal> {
    let text = id.as_str();
    let sound = !text.is_empty()
        && text.len() <= MAX_ID_BYTES
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.@".contains(&b))
        && text.bytes().any(|b| b.is_ascii_alphanumeric())
        && !text.starts_with(crate::account::EMERGENCY);
    let name = name.trim();
    let shown = !name.is_empty()
        && name.chars().count() <= MAX_NAME_CHARS
        && !name.chars().any(char::is_control);
    match sound && shown {
        true => Ok(()),
        false => Err(AccountRefusal::Name),
    }
}
