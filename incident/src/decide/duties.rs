//! Reports filed, duties waived.

use super::checks::{self, bad, room, wrong_state};
use super::{Asked, Decision};
use crate::bounds::MAX_FILINGS;
use crate::fact::Fact;
use crate::refusal::{BadValue, Refusal};
use model::{ClockId, Instant};

fn in_plan(asked: Asked<'_>, clock: &ClockId) -> Result<(), Refusal> {
    if asked.plan.clocks.iter().any(|c| c.id == *clock) {
        return Ok(());
    }
    Err(bad("clock", BadValue::NotInPlan))
}

/// A second filing for one clock is a follow-up report (续报); the first one meets the duty.
pub(super) fn file(
    asked: Asked<'_>,
    clock: ClockId,
    filed_at: Instant,
    channel: String,
    receipt: String,
) -> Decision {
    in_plan(asked, &clock)?;
    room("filings", asked.incident.filings.len(), MAX_FILINGS)?;
    checks::name("channel", &channel)?;
    checks::name("receipt", &receipt)?;
    checks::past("filed-at", filed_at, asked.op.now)?;
    Ok(vec![Fact::ReportFiled {
        clock,
        filed_at,
        channel,
        receipt,
    }])
}

pub(super) fn waive(asked: Asked<'_>, clock: ClockId) -> Decision {
    in_plan(asked, &clock)?;
    if asked.incident.filings.iter().any(|f| f.clock == clock) {
        return Err(wrong_state("duty", "filed"));
    }
    if asked.incident.waivers.iter().any(|w| w.clock == clock) {
        return Err(wrong_state("duty", "waived"));
    }
    checks::reason(asked)?;
    Ok(vec![Fact::DutyWaived { clock }])
}
