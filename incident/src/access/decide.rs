//! What may be changed about who sees an incident.

use super::{AccessCommand, AccessFact, MAX_ADMITTED, MAX_SUSPECTS};
use crate::decide::{Asked, Decision, checks};
use crate::fact::Fact;
use crate::refusal::BadValue;
use model::{AccountId, PositionId};
use std::collections::BTreeSet;

pub(crate) fn decide(asked: Asked<'_>, command: AccessCommand) -> Decision {
    let access = &asked.incident.access;
    let fact = match command {
        AccessCommand::NameSuspect { account } => {
            checks::reason(asked)?;
            not_oneself(asked, &account)?;
            checks::room("suspects", access.suspects.len(), MAX_SUSPECTS)?;
            unless(access.suspects.contains(&account), "suspect-already")?;
            AccessFact::SuspectNamed { account }
        }
        AccessCommand::ClearSuspect { account } => {
            checks::reason(asked)?;
            if !access.suspects.contains(&account) {
                return Err(checks::unknown("suspect", account));
            }
            AccessFact::SuspectCleared { account }
        }
        AccessCommand::Restrict { positions, seen } => {
            known(asked, &positions)?;
            let changed = seen.is_some_and(|seen| seen != access.positions);
            unless(changed, "changed")?;
            unless(access.positions == positions, "as-it-stands")?;
            AccessFact::Restricted { positions }
        }
        AccessCommand::Admit { account } => {
            checks::room("admitted", access.admitted.len(), MAX_ADMITTED)?;
            unless(access.admitted.contains(&account), "admitted-already")?;
            unless(access.suspects.contains(&account), "admits-a-suspect")?;
            AccessFact::Admitted { account }
        }
        AccessCommand::Dismiss { account } => {
            if !access.admitted.contains(&account) {
                return Err(checks::unknown("admitted", account));
            }
            AccessFact::Dismissed { account }
        }
        AccessCommand::SetStandIns { stand_ins } if stand_ins == access.stand_ins => {
            return Ok(Vec::new());
        }
        AccessCommand::SetStandIns { stand_ins } => AccessFact::StandInsSet { stand_ins },
    };
    Ok(vec![Fact::Access(fact)])
}

/// Nobody takes themselves out of an incident: a suspicion is somebody else's to voice.
fn not_oneself(asked: Asked<'_>, account: &AccountId) -> Result<(), crate::Refusal> {
    match asked.op.actor.account() == Some(account) {
        true => Err(crate::Refusal::SamePerson),
        false => Ok(()),
    }
}

fn known(asked: Asked<'_>, positions: &BTreeSet<PositionId>) -> Result<(), crate::Refusal> {
    match positions.iter().all(|p| asked.plan.position(p).is_some()) {
        true => Ok(()),
        false => Err(checks::bad("positions", BadValue::NotInPlan)),
    }
}

fn unless(wrong: bool, why: &str) -> Result<(), crate::Refusal> {
    match wrong {
        true => Err(checks::conflict("access", why)),
        false => Ok(()),
    }
}
