//! Holds and repairs: two persons, a bound in time, a digest.

use super::checks::{self, bad, conflict, room, second_person, unknown, wrong_state};
use super::{Asked, Decision};
use crate::bounds::{MAX_HOLDS, MAX_REPAIRS, MAX_TEXT_CHARS};
use crate::containment::{Hold, HoldState, Repair, RepairScope, RepairState};
use crate::fact::Fact;
use crate::refusal::{BadValue, Refusal};
use crate::rows::{RowCounts, TableRows};
use model::{Digest, HoldId, Instant, ProposalId};

pub(super) fn propose_hold(asked: Asked<'_>, rows: Vec<TableRows>, until: Instant) -> Decision {
    let holds = &asked.incident.holds;
    room("holds", holds.len(), MAX_HOLDS)?;
    checks::rows(&rows)?;
    checks::future("until", until, asked.op.now)?;
    checks::reason(asked)?;
    let hold = HoldId::new(format!("H-{}", holds.len() + 1));
    Ok(vec![Fact::HoldProposed { hold, rows, until }])
}

fn hold_in<'a>(asked: Asked<'a>, id: &HoldId, state: &HoldState) -> Result<&'a Hold, Refusal> {
    let hold = asked.incident.holds.iter().find(|h| h.id == *id);
    let hold = hold.ok_or_else(|| unknown("hold", id))?;
    if hold.state != *state {
        return Err(wrong_state("hold", hold.state.code()));
    }
    Ok(hold)
}

pub(super) fn approve_hold(asked: Asked<'_>, hold: HoldId) -> Decision {
    let found = hold_in(asked, &hold, &HoldState::Proposed)?;
    second_person(asked, &found.proposed_by)?;
    checks::future("until", found.until, asked.op.now)?;
    Ok(vec![Fact::HoldApproved { hold }])
}

pub(super) fn refuse_hold(asked: Asked<'_>, hold: HoldId) -> Decision {
    hold_in(asked, &hold, &HoldState::Proposed)?;
    checks::reason(asked)?;
    Ok(vec![Fact::HoldRefused { hold }])
}

pub(super) fn lift_hold(asked: Asked<'_>, hold: HoldId) -> Decision {
    hold_in(asked, &hold, &HoldState::Active)?;
    checks::reason(asked)?;
    Ok(vec![Fact::HoldLifted { hold }])
}

pub(super) fn expire_hold(asked: Asked<'_>, hold: HoldId) -> Decision {
    let found = hold_in(asked, &hold, &HoldState::Active)?;
    if asked.op.now < found.until {
        return Err(conflict("hold", "too-early"));
    }
    Ok(vec![Fact::HoldExpired { hold }])
}

/// `proposed` is a `RepairProposed` fact that names nothing superseded yet.
pub(super) fn propose_repair(asked: Asked<'_>, proposed: Fact) -> Decision {
    let repairs = &asked.incident.repairs;
    let Fact::RepairProposed {
        proposal,
        digest,
        source,
        scope,
        counts,
        made_at,
        ..
    } = proposed
    else {
        return Ok(Vec::new());
    };
    room("repairs", repairs.len(), MAX_REPAIRS)?;
    if repairs.iter().any(|r| r.proposal == proposal) {
        return Err(conflict("repair", "taken"));
    }
    let underway = |r: &Repair| {
        matches!(
            r.state,
            RepairState::Approved | RepairState::Applying { .. }
        )
    };
    if repairs.iter().any(underway) {
        return Err(conflict("repair", "underway"));
    }
    checks::name("proposal", proposal.as_str())?;
    checks::past("made-at", made_at, asked.op.now)?;
    if let RepairScope::Rows { rows } = &scope {
        checks::rows(rows)?;
    }
    if counts.total() == 0 {
        return Err(bad("rows", BadValue::Empty));
    }
    let supersedes = repairs
        .iter()
        .filter(|r| r.state == RepairState::Proposed)
        .map(|r| r.proposal.clone())
        .collect();
    Ok(vec![Fact::RepairProposed {
        proposal,
        digest,
        source,
        scope,
        counts,
        made_at,
        supersedes,
    }])
}

fn repair_in<'a>(
    asked: Asked<'a>,
    id: &ProposalId,
    fits: impl Fn(&RepairState) -> bool,
) -> Result<&'a Repair, Refusal> {
    let repair = asked.incident.repairs.iter().find(|r| r.proposal == *id);
    let repair = repair.ok_or_else(|| unknown("repair", id))?;
    if !fits(&repair.state) {
        return Err(wrong_state("repair", repair.state.code()));
    }
    Ok(repair)
}

pub(super) fn approve_repair(asked: Asked<'_>, proposal: ProposalId, digest: Digest) -> Decision {
    let repair = repair_in(asked, &proposal, |s| *s == RepairState::Proposed)?;
    second_person(asked, &repair.proposed_by)?;
    if repair.digest != digest {
        return Err(conflict("repair", "digest"));
    }
    Ok(vec![Fact::RepairApproved { proposal, digest }])
}

pub(super) fn reject_repair(asked: Asked<'_>, proposal: ProposalId) -> Decision {
    repair_in(asked, &proposal, |s| *s == RepairState::Proposed)?;
    checks::reason(asked)?;
    Ok(vec![Fact::RepairRejected { proposal }])
}

pub(super) fn start_repair(asked: Asked<'_>, proposal: ProposalId) -> Decision {
    repair_in(asked, &proposal, |s| *s == RepairState::Approved)?;
    Ok(vec![Fact::RepairStarted { proposal }])
}

const fn going(state: &RepairState) -> bool {
    matches!(state, RepairState::Approved | RepairState::Applying { .. })
}

pub(super) fn applied(asked: Asked<'_>, proposal: ProposalId, repaired: RowCounts) -> Decision {
    repair_in(asked, &proposal, going)?;
    Ok(vec![Fact::RepairApplied { proposal, repaired }])
}

pub(super) fn failed(asked: Asked<'_>, proposal: ProposalId, why: String) -> Decision {
    repair_in(asked, &proposal, going)?;
    // The database's own words may be long; the head says what is wrong.
    let why = why.chars().take(MAX_TEXT_CHARS).collect();
    Ok(vec![Fact::RepairFailed { proposal, why }])
}
