//! One state machine for accounts: who may bring whom from which state to which, and which steps
//! want a second person.
//!
//! Pure: it decides, `people` and `proposal` do. Every way in (pages, command line, single
//! sign-on) asks here. The rules against which others failed (CVE-2026-43913: an unconfirmed
//! owner acted; CVE-2026-27803, CVE-2026-27898: a grantee edited a grant) stand at the top.

use crate::account::Person;
use model::{AccountId, PositionId};
use plan::{Act, PairedAct, Plan};
use std::collections::BTreeSet;
use store::AccountState;

/// An account as far as a decision needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub id: AccountId,
    pub state: AccountState,
    pub positions: Vec<PositionId>,
}

impl Member {
    pub fn of(person: Person) -> Self {
        Self {
            id: person.id,
            state: person.state,
            positions: person.positions,
        }
    }

    /// Refuses where somebody has given or taken a position since it was looked at.
    pub fn holds_still(&self, seen: &[PositionId]) -> Result<(), AccountRefusal> {
        let held: BTreeSet<_> = self.positions.iter().collect();
        match held == seen.iter().collect() {
            true => Ok(()),
            false => Err(AccountRefusal::Changed),
        }
    }
}

/// What somebody wants to do to an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make it, with these positions.
    Invite(Vec<PositionId>),
    /// A new one-time link, for a lost invitation or a forgotten password.
    NewLink,
    SetPositions(Vec<PositionId>),
    EditProfile,
    ResetSecondFactor,
    EndSessions,
    Disable,
    Enable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling {
    Now,
    /// Only proposed; another person approves.
    ByTwo(PairedAct),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountRefusal {
    #[error("your account is not active")]
    NotActive,
    #[error("the plan gives the management of accounts to other positions than yours")]
    NotManager,
    #[error("nobody changes their own positions or state; ask somebody else")]
    Own,
    #[error("the account is in a state in which this cannot be done; look at it again")]
    State,
    #[error("the plan has no such position")]
    UnknownPosition,
    #[error("nobody would be left who may manage accounts")]
    LastManager,
    #[error("whoever proposed it, and whom it concerns, cannot approve it; ask somebody else")]
    SecondPerson,
    #[error("its positions were changed meanwhile; look at them again")]
    Changed,
    #[error("the proposal was decided already or has expired")]
    Decided,
    #[error("the name is taken or is no name for an account")]
    Name,
    #[error("a password has at least 15 characters and at most 1024 bytes")]
    Password,
    #[error("the password or the code is wrong")]
    WrongSecret,
    #[error("too many attempts; wait a while")]
    TooMany,
    #[error("a token cannot do more than its owner")]
    Scope,
    #[error("too many are open; revoke some first")]
    Full,
}

impl AccountRefusal {
    /// Key of the words for it: `account-refusal-CODE`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotActive => "not-active",
            Self::NotManager => "not-manager",
            Self::Own => "own",
            Self::State => "state",
            Self::UnknownPosition => "unknown-position",
            Self::LastManager => "last-manager",
            Self::SecondPerson => "second-person",
            Self::Changed => "changed",
            Self::Decided => "decided",
            Self::Name => "name",
            Self::Password => "password",
            Self::WrongSecret => "wrong-secret",
            Self::TooMany => "too-many",
            Self::Scope => "scope",
            Self::Full => "full",
        }
    }
}

/// Decides about one step. `managers` are the active accounts that may manage accounts.
pub fn decide(
    plan: &Plan,
    actor: &Member,
    target: &Member,
    step: &Step,
    managers: &[AccountId],
) -> Result<Ruling, AccountRefusal> {
    manager(plan, actor)?;
    if actor.id == target.id && !matches!(step, Step::EditProfile | Step::EndSessions) {
        return Err(AccountRefusal::Own);
    }
    in_state(target.state, step)?;
    if let Step::Invite(positions) | Step::SetPositions(positions) = step {
        let unknown = positions.iter().any(|p| plan.position(p).is_none());
        if unknown || positions.len() > plan.positions.len() {
            return Err(AccountRefusal::UnknownPosition);
        }
    }
    if takes_manager(plan, target, step) && !managers.iter().any(|m| *m != target.id) {
        return Err(AccountRefusal::LastManager);
    }
    Ok(match paired(plan, target, step) {
        Some(act) if plan.four_eyes.contains(&act) => Ruling::ByTwo(act),
        _ => Ruling::Now,
    })
}

/// Whether this account may approve what another one proposed about `target`.
pub fn approve(
    plan: &Plan,
    actor: &Member,
    proposer: &AccountId,
    target: Option<&AccountId>,
) -> Result<(), AccountRefusal> {
    manager(plan, actor)?;
    if actor.id == *proposer || target == Some(&actor.id) {
        return Err(AccountRefusal::SecondPerson);
    }
    Ok(())
}

/// An active account whose positions may manage accounts.
pub fn manager(plan: &Plan, actor: &Member) -> Result<(), AccountRefusal> {
    if actor.state != AccountState::Active {
        return Err(AccountRefusal::NotActive);
    }
    match plan.allows(Act::ManageAccounts, &actor.positions) {
        true => Ok(()),
        false => Err(AccountRefusal::NotManager),
    }
}

/// The steps that each state knows.
fn in_state(state: AccountState, step: &Step) -> Result<(), AccountRefusal> {
    let fits = match step {
        Step::Invite(_) => state == AccountState::Invited,
        Step::NewLink | Step::SetPositions(_) | Step::EditProfile | Step::Disable => {
            state != AccountState::Disabled
        }
        Step::ResetSecondFactor | Step::EndSessions => state == AccountState::Active,
        Step::Enable => state == AccountState::Disabled,
    };
    if fits {
        Ok(())
    } else {
        Err(AccountRefusal::State)
    }
}

fn paired(plan: &Plan, target: &Member, step: &Step) -> Option<PairedAct> {
    let manages = |p: &PositionId| plan.allows(Act::ManageAccounts, std::slice::from_ref(p));
    match step {
        Step::Invite(positions) => positions
            .iter()
            .any(manages)
            .then_some(PairedAct::GrantManageAccounts),
        Step::SetPositions(positions) => positions
            .iter()
            .any(|p| manages(p) && !target.positions.contains(p))
            .then_some(PairedAct::GrantManageAccounts),
        // Enabling gives back whatever the account held.
        Step::Enable => target
            .positions
            .iter()
            .any(manages)
            .then_some(PairedAct::GrantManageAccounts),
        Step::ResetSecondFactor => Some(PairedAct::ResetSecondFactor),
        _ => None,
    }
}

fn takes_manager(plan: &Plan, target: &Member, step: &Step) -> bool {
    let holds = plan.allows(Act::ManageAccounts, &target.positions);
    match step {
        Step::Disable => holds,
        Step::SetPositions(positions) => holds && !plan.allows(Act::ManageAccounts, positions),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(id: &str, state: AccountState, positions: &[&str]) -> Member {
        Member {
            id: AccountId::new(id),
            state,
            positions: list(positions),
        }
    }
    fn list(positions: &[&str]) -> Vec<PositionId> {
        positions.iter().map(|p| PositionId::new(*p)).collect()
    }
    fn ask(actor: &Member, target: &Member, step: Step) -> Result<Ruling, AccountRefusal> {
        let managers = [AccountId::new("boss"), AccountId::new("other")];
        decide(plan::built_in::plan(), actor, target, &step, &managers)
    }
    fn steps() -> Vec<Step> {
        vec![
            Step::Invite(list(&["cs_agent"])),
            Step::NewLink,
            Step::SetPositions(list(&["cs_agent"])),
            Step::EditProfile,
            Step::ResetSecondFactor,
            Step::EndSessions,
            Step::Disable,
            Step::Enable,
        ]
    }

    #[test]
    fn who_is_invited_or_disabled_does_nothing() {
        let target = member("t", AccountState::Active, &["cs_agent"]);
        for state in [AccountState::Invited, AccountState::Disabled] {
            let actor = member("boss", state, &["ciso", "sysadmin"]);
            for step in steps() {
                assert_eq!(ask(&actor, &target, step), Err(AccountRefusal::NotActive));
            }
            let approving = approve(plan::built_in::plan(), &actor, &target.id, None);
            assert_eq!(approving, Err(AccountRefusal::NotActive));
        }
        let plain = member("p", AccountState::Active, &["cio", "cs_agent"]);
        for step in steps() {
            assert_eq!(ask(&plain, &target, step), Err(AccountRefusal::NotManager));
        }
    }

    #[test]
    fn nobody_changes_their_own_grants() {
        let boss = member("boss", AccountState::Active, &["ciso"]);
        for step in steps() {
            let own = matches!(step, Step::EditProfile | Step::EndSessions);
            assert_eq!(ask(&boss, &boss, step).is_ok(), own);
        }
    }

    #[test]
    fn every_state_knows_its_steps() {
        let boss = member("boss", AccountState::Active, &["ciso"]);
        let table = [
            (AccountState::Invited, "invite new-link set edit disable"),
            (AccountState::Active, "new-link set edit reset end disable"),
            (AccountState::Disabled, "enable"),
        ];
        let names = [
            "invite", "new-link", "set", "edit", "reset", "end", "disable", "enable",
        ];
        for (state, expected) in table {
            let target = member("t", state, &["cs_agent"]);
            let fits: Vec<&str> = (steps().into_iter().zip(names))
                .filter(|(step, _)| ask(&boss, &target, step.clone()).is_ok())
                .map(|(_, name)| name)
                .collect();
            assert_eq!(fits.join(" "), expected, "{state:?}");
        }
    }

    #[test]
    fn power_is_given_by_two_and_never_all_taken() {
        let boss = member("boss", AccountState::Active, &["ciso"]);
        let two = Ok(Ruling::ByTwo(PairedAct::GrantManageAccounts));
        let agent = member("t", AccountState::Active, &["cs_agent"]);
        let grant = Step::SetPositions(list(&["cs_agent", "sysadmin"]));
        assert_eq!(ask(&boss, &agent, grant), two);
        let admin = member("t", AccountState::Active, &["sysadmin"]);
        let keep = Step::SetPositions(list(&["sysadmin", "cs_agent"]));
        assert_eq!(ask(&boss, &admin, keep), Ok(Ruling::Now));
        let gone = member("t", AccountState::Disabled, &["sysadmin"]);
        assert_eq!(ask(&boss, &gone, Step::Enable), two);
        let plan = plan::built_in::plan();
        for step in [Step::Disable, Step::SetPositions(Vec::new())] {
            let last = decide(plan, &boss, &admin, &step, &[AccountId::new("t")]);
            assert_eq!(last, Err(AccountRefusal::LastManager));
        }
        let unknown = Step::SetPositions(list(&["emperor"]));
        assert_eq!(
            ask(&boss, &agent, unknown),
            Err(AccountRefusal::UnknownPosition)
        );
    }

    #[test]
    fn a_second_person_is_neither_the_first_nor_the_one_concerned() {
        let plan = plan::built_in::plan();
        let boss = member("boss", AccountState::Active, &["ciso"]);
        let (other, agent) = (AccountId::new("other"), AccountId::new("agent"));
        assert_eq!(approve(plan, &boss, &other, Some(&agent)), Ok(()));
        for (by, about) in [(&boss.id, &agent), (&other, &boss.id)] {
            let own = approve(plan, &boss, by, Some(about));
            assert_eq!(own, Err(AccountRefusal::SecondPerson));
        }
    }
}
