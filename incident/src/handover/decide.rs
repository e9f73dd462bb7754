//! From a command on a hand-over to a fact, or to a refusal. Pure.

use super::{Handover, HandoverCommand, HandoverFact, MAX_HANDOVERS, Sheet};
use crate::bounds::MAX_TEXT_CHARS;
use crate::decide::{Asked, Decision, checks};
use crate::fact::Fact;
use crate::refusal::{BadValue, Refusal};
use model::{Digest, PositionId};

pub(crate) fn decide(asked: Asked<'_>, command: HandoverCommand) -> Decision {
    let fact = match command {
        HandoverCommand::Prepare { position, remarks } => prepare(asked, position, remarks)?,
        HandoverCommand::Take { number, digest } => take(asked, number, digest)?,
        HandoverCommand::Withdraw { number } => {
            let found = waiting(asked, number)?;
            if found.left.by.account() != asked.op.actor.account() {
                return Err(checks::conflict("handover", "of-another"));
            }
            checks::reason(asked)?;
            HandoverFact::Withdrawn { number }
        }
    };
    Ok(vec![Fact::Handover(fact)])
}

fn prepare(
    asked: Asked<'_>,
    position: PositionId,
    remarks: String,
) -> Result<HandoverFact, Refusal> {
    let all = &asked.incident.handovers;
    checks::room("handovers", all.len(), MAX_HANDOVERS)?;
    checks::no_longer("remarks", &remarks, MAX_TEXT_CHARS)?;
    if asked.plan.position(&position).is_none() {
        return Err(checks::bad("position", BadValue::NotInPlan));
    }
    answers_for(asked, &position)?;
    let waits = |h: &&Handover| h.position == position && h.open(asked.op.now);
    if all.iter().any(|h| waits(&h)) {
        return Err(checks::conflict("handover", "waits"));
    }
    let sheet = Sheet::of(asked.plan, asked.incident, asked.op.now);
    // Structs of texts and numbers always serialise; were one not to, the digest would say nothing.
    let signed = serde_json::to_vec(&(&position, &remarks, &sheet))
        .map_err(|_| checks::bad("handover", BadValue::Empty))?;
    Ok(HandoverFact::Prepared {
        number: all.last().map_or(0, |h| h.number).saturating_add(1),
        position,
        remarks,
        sheet: Box::new(sheet),
        digest: Digest::of(&signed),
    })
}

fn take(asked: Asked<'_>, number: u32, digest: Digest) -> Result<HandoverFact, Refusal> {
    let found = waiting(asked, number)?;
    if found.digest != digest {
        return Err(checks::conflict("handover", "changed"));
    }
    checks::second_person(asked, &found.left.by)?;
    answers_for(asked, &found.position)?;
    Ok(HandoverFact::Taken {
        number,
        digest,
        position: found.position.clone(),
    })
}

/// Whoever leaves a place and whoever takes it must both be able to fill it.
fn answers_for(asked: Asked<'_>, position: &PositionId) -> Result<(), Refusal> {
    match checks::answers_for(asked.plan, &asked.op.actor, position) {
        true => Ok(()),
        false => Err(checks::conflict("handover", "not-yours")),
    }
}

fn waiting<'a>(asked: Asked<'a>, number: u32) -> Result<&'a Handover, Refusal> {
    let mut all = asked.incident.handovers.iter();
    let found = all
        .find(|h| h.number == number)
        .ok_or_else(|| checks::unknown("handover", number))?;
    match found.open(asked.op.now) {
        true => Ok(found),
        false => Err(checks::wrong_state("handover", found.code(asked.op.now))),
    }
}
