//! Who leads, who holds, who stands in, who may, who is called.

use super::{Found, GapCode};
use crate::{Act, Plan};
use model::{Level, PositionId};
use std::collections::{BTreeMap, BTreeSet};

/// Seconds that a call may wait for an answer.
const CALL_WAITS_S: std::ops::RangeInclusive<u32> = 30..=86_400;

type Holders = BTreeMap<PositionId, usize>;

pub(super) fn groups(plan: &Plan, holders: &Holders, found: &mut Found) {
    let held = |position: &PositionId| holders.get(position).is_some_and(|n| *n > 0);
    let mut leads = BTreeSet::new();
    for group in &plan.groups {
        let place = || format!("groups.{}.lead", group.id);
        if group.lead.as_str().is_empty() {
            found.add(GapCode::GroupWithoutLead, place());
            continue;
        }
        leads.insert(&group.lead);
        let concerned = || format!("{} ({})", place(), group.lead);
        found.add_if(!held(&group.lead), GapCode::LeadWithoutHolder, concerned);
        // A lead that the plan does not know is reported as an unknown reference.
        let known = plan.position(&group.lead);
        let alone = known.is_some_and(|p| p.stand_ins.is_empty()) && group.deputy.is_none();
        found.add_if(alone, GapCode::LeadWithoutStandIn, concerned);
    }
    for position in &plan.positions {
        // Guests come when an incident needs them.
        let guests = plan.guests.as_ref().map(|g| &g.position) == Some(&position.id);
        let wanting = !held(&position.id) && !leads.contains(&position.id) && !guests;
        found.add_if(wanting, GapCode::PositionWithoutHolder, || {
            format!("positions.{}", position.id)
        });
    }
}

/// A cycle would leave a call-out going round for ever; each position on one is named.
pub(super) fn stand_ins(plan: &Plan, found: &mut Found) {
    for position in &plan.positions {
        let mut open: Vec<&PositionId> = position.stand_ins.iter().collect();
        let mut seen = BTreeSet::new();
        while let Some(id) = open.pop() {
            if seen.insert(id) {
                open.extend(plan.position(id).into_iter().flat_map(|p| &p.stand_ins));
            }
        }
        found.add_if(seen.contains(&position.id), GapCode::StandInCycle, || {
            format!("positions.{}.stand_ins", position.id)
        });
    }
}

pub(super) fn authority(plan: &Plan, holders: &Holders, found: &mut Found) {
    for act in Act::ALL {
        found.add_if(
            may(plan, act).is_empty(),
            GapCode::ActWithoutPosition,
            || format!("authority.{}", act.code()),
        );
    }
    for (one, other) in Act::FOUR_EYES {
        let (ones, others) = (may(plan, one), may(plan, other));
        // Without any position the act itself is the gap.
        let wanting = !ones.is_empty() && !others.is_empty() && !by_two(&ones, &others, holders);
        found.add_if(wanting, GapCode::FourEyesByOne, || {
            format!("authority.{} (and {})", one.code(), other.code())
        });
    }
}

fn may(plan: &Plan, act: Act) -> BTreeSet<&PositionId> {
    let rules = plan.authority.iter().filter(|rule| rule.act == act);
    rules.flat_map(|rule| &rule.positions).collect()
}

/// Whether two people can do one side each. Only heads are counted: a person who holds two
/// positions counts twice, and the incident refuses that person the second side.
fn by_two(ones: &BTreeSet<&PositionId>, others: &BTreeSet<&PositionId>, holders: &Holders) -> bool {
    let people = |positions: &BTreeSet<&PositionId>| -> usize {
        positions.iter().filter_map(|p| holders.get(*p)).sum()
    };
    let both: BTreeSet<&PositionId> = ones.union(others).copied().collect();
    people(ones) > 0 && people(others) > 0 && people(&both) > 1
}

pub(super) fn levels(plan: &Plan, found: &mut Found) {
    for number in 1..=4 {
        found.add_if(
            plan.level(Level(number)).is_none(),
            GapCode::LevelMissing,
            || format!("levels.{number}"),
        );
    }
    for rule in &plan.levels {
        let place = format!("levels.{}", rule.level.0);
        found.add_if(!known(rule.level), GapCode::LevelUnknown, || place.clone());
        for (stage, wait_s) in rule.stages() {
            let wrong = !CALL_WAITS_S.contains(&wait_s);
            found.add_if(wrong, GapCode::CallTime, || {
                format!("{place}.stages.{}", stage.code())
            });
        }
        // Only groups that exist can be called.
        let nobody = rule.call_out.iter().all(|id| plan.group(id).is_none());
        found.add_if(nobody, GapCode::LevelCallsNobody, || {
            format!("{place}.call_out")
        });
    }
    for own in &plan.own_criteria {
        found.add_if(!known(own.level), GapCode::LevelUnknown, || {
            format!("own_criteria.{}.level", own.id)
        });
    }
}

fn known(level: Level) -> bool {
    (1..=4).contains(&level.0)
}
