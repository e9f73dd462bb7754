//! The statutory clocks of one incident: each clock of the plan with how it stands.
//!
//! Deliberately not here: the computation of one clock (`plan::clock::state`).

use crate::communication::{Filing, Waiver};
use crate::grading::ClockChange;
use crate::incident::Incident;
use model::{ClockId, Grade, Instant};
use plan::clock::{Anchors, ClockState, StatutoryClock, TriggerFacts};
use plan::{Anchor, Direction, Plan};

/// A clock of the plan in this incident.
#[derive(Clone, Debug)]
pub struct IncidentClock<'a> {
    pub clock: &'a StatutoryClock,
    pub state: ClockState,
    /// The first filing, which meets the duty.
    pub filing: Option<&'a Filing>,
    pub waiver: Option<&'a Waiver>,
}

/// All clocks of the plan, in its order.
pub fn clocks<'a>(plan: &'a Plan, incident: &'a Incident, now: Instant) -> Vec<IncidentClock<'a>> {
    let facts = trigger_facts(incident, incident.grade());
    let one = |clock| one_clock(clock, incident, &incident.anchors, &facts, now);
    plan.clocks.iter().map(one).collect()
}

/// The next legal deadline still running or overdue, the earliest first.
pub fn next_deadline<'a>(
    plan: &'a Plan,
    incident: &'a Incident,
    now: Instant,
) -> Option<(&'a StatutoryClock, Instant)> {
    clocks(plan, incident, now)
        .into_iter()
        .filter_map(|c| due(&c.state).map(|due| (c.clock, due)))
        .min_by_key(|(_, due)| *due)
}

/// When a clock that still runs is due; duties without a number have no such time.
pub const fn due(state: &ClockState) -> Option<Instant> {
    match state {
        ClockState::Running { due, .. }
        | ClockState::DueSoon { due, .. }
        | ClockState::Overdue { due, .. } => Some(*due),
        _ => None,
    }
}

/// `running`, `overdue` and so on, as the state is serialised.
pub const fn state_code(state: &ClockState) -> &'static str {
    match state {
        ClockState::NotApplicable { .. } => "not_applicable",
        ClockState::Undecided { .. } => "undecided",
        ClockState::NotStarted { .. } => "not_started",
        ClockState::Running { .. } => "running",
        ClockState::DueSoon { .. } => "due_soon",
        ClockState::Overdue { .. } => "overdue",
        ClockState::Duty { .. } => "duty",
        ClockState::Filed { late: false, .. } => "filed",
        ClockState::Filed { late: true, .. } => "filed_late",
        ClockState::Waived { .. } => "waived",
    }
}

/// Whether a clock of this state keeps the incident open. Duties between authorities are not
/// ours, and what runs from the end of the handling is met after closing.
pub(crate) fn blocks(clock: &IncidentClock<'_>) -> bool {
    let ours = clock.clock.direction != Direction::AuthorityToAuthority;
    let later = after_handling(clock.clock);
    let settled = matches!(
        clock.state,
        ClockState::NotApplicable { .. } | ClockState::Filed { .. } | ClockState::Waived { .. }
    );
    ours && !later && !settled
}

fn after_handling(clock: &StatutoryClock) -> bool {
    clock.anchor == Anchor::Handled
}

/// What a grade changes in the clocks.
pub(crate) fn changes(
    plan: &Plan,
    incident: &Incident,
    grade: Grade,
    classified: Option<Instant>,
    now: Instant,
) -> Vec<ClockChange> {
    let facts = trigger_facts(incident, grade);
    let mut anchors = incident.anchors.clone();
    anchors.classified = classified;
    clocks(plan, incident, now)
        .into_iter()
        .filter_map(|before| {
            let after = one_clock(before.clock, incident, &anchors, &facts, now);
            let (before_code, after_code) = (state_code(&before.state), state_code(&after.state));
            (before_code != after_code).then(|| ClockChange {
                clock: before.clock.id.clone(),
                before: before_code.to_owned(),
                after: after_code.to_owned(),
            })
        })
        .collect()
}

fn one_clock<'a>(
    clock: &'a StatutoryClock,
    incident: &'a Incident,
    anchors: &Anchors,
    facts: &TriggerFacts,
    now: Instant,
) -> IncidentClock<'a> {
    let filing = first_filing(incident, &clock.id);
    let waiver = incident.waivers.iter().find(|w| w.clock == clock.id);
    let followed = clock
        .follows
        .as_ref()
        .and_then(|id| first_filing(incident, id));
    let anchors = Anchors {
        filed_previous: followed.map(|f| f.filed_at),
        ..anchors.clone()
    };
    let state = plan::clock::state(
        clock,
        &anchors,
        facts,
        filing.map(|f| f.filed_at),
        waiver.map(|w| w.at),
        now,
    );
    IncidentClock {
        clock,
        state,
        filing,
        waiver,
    }
}

fn first_filing<'a>(incident: &'a Incident, clock: &ClockId) -> Option<&'a Filing> {
    incident
        .filings
        .iter()
        .filter(|f| f.clock == *clock)
        .min_by_key(|f| f.filed_at)
}

fn trigger_facts(incident: &Incident, grade: Grade) -> TriggerFacts {
    TriggerFacts {
        grade: Some(grade),
        ..incident.trigger_facts.clone()
    }
}
