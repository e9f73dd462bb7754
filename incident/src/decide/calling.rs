//! Who is called, who answered, who is called next.

use super::checks::{answers_for, conflict, room, unknown, wrong_state};
use super::{Asked, Decision, checks};
use crate::bounds::{MAX_CALL_ATTEMPTS, MAX_CALLS};
use crate::conditions::reached;
use crate::fact::Fact;
use crate::orders::OrderedPerson;
use crate::people::{Addressee, Call, CallOut, CallReason, CallRole, CallState};
use crate::refusal::{BadValue, Refusal};
use model::{GroupId, Instant, Level, PositionId};
use plan::{CallStage, Group, Plan};

/// Seconds to answer in where the plan has no rule for the level.
const ACK_WITHIN_S: u32 = 300;

/// The first calls of a level that were not made yet, numbered after those that were: the lead of
/// each group, or everyone at once where the plan wants it. Who follows when nobody answers is
/// `next_calls`'s.
pub(crate) fn level_calls(
    plan: &Plan,
    made: &[CallOut],
    groups: &[GroupId],
    level: Level,
    reason: CallReason,
    now: Instant,
) -> Vec<Fact> {
    let rule = plan.level(level);
    let everyone = rule.is_some_and(|r| r.everyone);
    let stage = match everyone {
        true => CallStage::Everyone,
        false => CallStage::Lead,
    };
    let due_at = due(plan, level, stage, now);
    let mut calls: Vec<Fact> = Vec::new();
    for group in groups.iter().filter_map(|id| plan.group(id)) {
        for position in group.everyone() {
            let role = role(group, position);
            let wanted = everyone || role == CallRole::Lead;
            let called = made
                .iter()
                .any(|c| c.call.group == group.id && c.call.position == *position);
            if !wanted || called || made.len() + calls.len() >= MAX_CALLS {
                continue;
            }
            let call = Call {
                number: (made.len() + calls.len() + 1) as u32,
                group: group.id.clone(),
                position: position.clone(),
                role,
                acting_for: None,
                reason,
                due_at,
                attempt: 1,
            };
            calls.push(Fact::CalledOut { call });
        }
    }
    calls
}

fn due(plan: &Plan, level: Level, stage: CallStage, now: Instant) -> Instant {
    let within = plan
        .level(level)
        .map_or(ACK_WITHIN_S, |rule| rule.stage_s(stage));
    now.plus_s(i64::from(within))
}

fn role(group: &Group, position: &PositionId) -> CallRole {
    if group.lead == *position {
        CallRole::Lead
    } else if group.deputy.as_ref() == Some(position) {
        CallRole::Deputy
    } else {
        CallRole::Member
    }
}

/// A person calls a whole group, or one position (in the first group that it stands in).
pub(super) fn call_out(asked: Asked<'_>, to: &Addressee) -> Decision {
    let (plan, incident) = (asked.plan, asked.incident);
    room("calls", incident.calls.len(), MAX_CALLS)?;
    let not_in_plan = || checks::bad("to", BadValue::NotInPlan);
    let (group, positions) = match to {
        Addressee::Group(id) => {
            let group = plan.group(id).ok_or_else(not_in_plan)?;
            (group, group.everyone().into_iter().cloned().collect())
        }
        Addressee::Position(id) | Addressee::Person(OrderedPerson { position: id, .. }) => {
            let stands = |g: &&Group| g.everyone().contains(&id);
            let group = plan.groups.iter().find(stands).ok_or_else(not_in_plan)?;
            (group, vec![id.clone()])
        }
    };
    // A whole group is everyone; one position is called in the stage of its place.
    let whole = matches!(to, Addressee::Group(_));
    let pending = |position: &PositionId| {
        incident.calls.iter().any(|c| {
            c.call.group == group.id
                && c.call.position == *position
                && matches!(c.state, CallState::Called | CallState::Acknowledged { .. })
        })
    };
    let mut facts = Vec::new();
    for position in positions.into_iter().filter(|p| !pending(p)) {
        if incident.calls.len() + facts.len() >= MAX_CALLS {
            break;
        }
        let number = (incident.calls.len() + facts.len() + 1) as u32;
        let role = role(group, &position);
        let attempt = attempts(asked, group, &position).saturating_add(1);
        let stage = match role {
            _ if whole => CallStage::Everyone,
            CallRole::Lead => CallStage::Lead,
            CallRole::Deputy => CallStage::Deputy,
            CallRole::Member => CallStage::Members,
        };
        let call = Call {
            number,
            group: group.id.clone(),
            position,
            role,
            acting_for: None,
            reason: CallReason::Manual,
            due_at: due(plan, incident.level, stage, asked.op.now),
            attempt,
        };
        facts.push(Fact::CalledOut { call });
    }
    if facts.is_empty() {
        return Err(conflict("call", "called-already"));
    }
    Ok(facts)
}

fn find(asked: Asked<'_>, number: u32) -> Result<&CallOut, Refusal> {
    let call = asked
        .incident
        .calls
        .iter()
        .find(|c| c.call.number == number);
    call.ok_or_else(|| unknown("call", number))
}

fn state_code(state: &CallState) -> &'static str {
    match state {
        CallState::Called => "called",
        CallState::Acknowledged { .. } => "acknowledged",
        CallState::Refused { .. } => "refused",
        CallState::Escalated { .. } => "escalated",
    }
}

fn addressed(asked: Asked<'_>, call: &CallOut) -> Result<(), Refusal> {
    if answers_for(asked.plan, &asked.op.actor, &call.call.position) {
        return Ok(());
    }
    Err(Refusal::NotAddressed {
        what: "call".to_owned(),
    })
}

/// One answer counts for every open call of a position that the person holds. A late answer
/// counts too, since whoever answers late is there now.
pub(super) fn acknowledge(asked: Asked<'_>, number: u32) -> Decision {
    let call = find(asked, number)?;
    addressed(asked, call)?;
    if !matches!(call.state, CallState::Called | CallState::Escalated { .. }) {
        return Err(wrong_state("call", state_code(&call.state)));
    }
    let also = asked.incident.calls.iter().filter(|c| {
        c.call.number != number
            && c.state == CallState::Called
            && asked.op.actor.holds(&c.call.position)
    });
    let numbers = std::iter::once(number).chain(also.map(|c| c.call.number));
    Ok(numbers
        .map(|call| Fact::CallAcknowledged { call })
        .collect())
}

pub(super) fn refuse(asked: Asked<'_>, number: u32) -> Decision {
    let call = find(asked, number)?;
    addressed(asked, call)?;
    if call.state != CallState::Called {
        return Err(wrong_state("call", state_code(&call.state)));
    }
    checks::reason(asked)?;
    let next = next_calls(asked, call, CallReason::Refused);
    let mut facts = vec![Fact::CallRefused { call: number }];
    facts.extend(next.into_iter().map(|call| Fact::CalledOut { call }));
    Ok(facts)
}

pub(super) fn escalate(asked: Asked<'_>, number: u32) -> Decision {
    let call = find(asked, number)?;
    if call.state != CallState::Called {
        return Err(wrong_state("call", state_code(&call.state)));
    }
    if !call.overdue(asked.op.now) {
        return Err(conflict("call", "too-early"));
    }
    let next = next_calls(asked, call, CallReason::Unanswered);
    Ok(escalated(number, next))
}

fn escalated(number: u32, next: Vec<Call>) -> Vec<Fact> {
    let to = next.first().map(|call| call.number);
    let mut facts = vec![Fact::CallEscalated { call: number, to }];
    facts.extend(next.into_iter().map(|call| Fact::CalledOut { call }));
    facts
}

/// Nobody is there for the call: whoever was not called yet is called at once. Where nobody is
/// left, the call stays open until its time, so that it is not passed round in a circle.
pub(super) fn pass(asked: Asked<'_>, number: u32) -> Decision {
    let call = find(asked, number)?;
    if call.state != CallState::Called {
        return Err(wrong_state("call", state_code(&call.state)));
    }
    let mut next = next_calls(asked, call, CallReason::Unanswered);
    if next.iter().all(|call| call.attempt > 1) {
        return Err(conflict("call", "nobody-left"));
    }
    next.retain(|call| call.attempt == 1);
    // Numbers go on without gaps.
    for (n, call) in next.iter_mut().enumerate() {
        call.number = (asked.incident.calls.len() + n + 1) as u32;
    }
    Ok(escalated(number, next))
}

/// Who is called when a call was not answered or was refused. For a lead's or deputy's place: the
/// deputy; then the members and whoever stands in; then everyone again, at once with the members
/// unless the plan gives these a time of their own. Nobody, once the group is reached or the
/// attempts are used up.
fn next_calls(asked: Asked<'_>, before: &CallOut, reason: CallReason) -> Vec<Call> {
    let (plan, incident) = (asked.plan, asked.incident);
    let Some(group) = plan.group(&before.call.group) else {
        return Vec::new();
    };
    if reached(incident, &group.id) {
        return Vec::new();
    }
    let next = Next {
        asked,
        group,
        before,
        reason,
    };
    let leads = before.call.role != CallRole::Member;
    let place = match &before.call.acting_for {
        Some(place) => Some(place.clone()),
        None => leads.then(|| before.call.position.clone()),
    };
    let Some(place) = place else {
        return next.again(before.call.position.clone());
    };
    let fresh = |position: &&PositionId| attempts(asked, group, position) == 0;
    let stand_ins = plan.position(&place).map_or(&[][..], |p| &p.stand_ins);
    // A group without a deputy has whoever stands in first.
    let mut second = group.deputy.iter().chain(stand_ins).take(1);
    if let Some(position) = second.find(fresh) {
        return next.calls(vec![position.clone()], Some(&place), CallStage::Deputy);
    }
    let others = stand_ins.iter().chain(group.everyone());
    let members: Vec<PositionId> = others.filter(fresh).cloned().collect();
    if members.is_empty() {
        return next.again(place);
    }
    if plan
        .level(incident.level)
        .is_some_and(|r| r.members_first())
    {
        return next.calls(members, None, CallStage::Members);
    }
    let all = members.into_iter().chain(next.heads()).collect();
    next.calls(all, None, CallStage::Everyone)
}

/// The calls that follow one that was not answered or was refused.
struct Next<'a> {
    asked: Asked<'a>,
    group: &'a Group,
    before: &'a CallOut,
    reason: CallReason,
}

impl Next<'_> {
    /// Lead and deputy, without whoever said that they cannot come.
    fn heads(&self) -> impl Iterator<Item = PositionId> {
        let heads = std::iter::once(&self.group.lead).chain(&self.group.deputy);
        heads.filter(|p| !self.refused(p)).cloned()
    }

    fn refused(&self, position: &PositionId) -> bool {
        let now = self.reason == CallReason::Refused && self.before.call.position == *position;
        let last = self.made(position).last();
        now || last.is_some_and(|c| matches!(c.state, CallState::Refused { .. }))
    }

    fn made(&self, position: &PositionId) -> impl Iterator<Item = &CallOut> {
        let all = self.asked.incident.calls.iter();
        all.filter(move |c| c.call.group == self.group.id && c.call.position == *position)
    }

    /// Everyone's stage: the place itself, and the heads whom nobody calls any more. Whoever has
    /// just refused is not asked the same again; as long as others are being called, they are
    /// waited for.
    fn again(&self, place: PositionId) -> Vec<Call> {
        let refused = self.reason == CallReason::Refused;
        let mut others =
            self.asked.incident.calls.iter().filter(|c| {
                c.call.number != self.before.call.number && c.call.group == self.group.id
            });
        if refused && others.any(|c| c.state == CallState::Called) {
            return Vec::new();
        }
        let heads = self.heads().filter(|p| self.made(p).next().is_some());
        let place = std::iter::once(place).filter(|p| !self.refused(p));
        self.calls(place.chain(heads).collect(), None, CallStage::Everyone)
    }

    /// One call to each position that is not being called already and has attempts left.
    fn calls(
        &self,
        positions: Vec<PositionId>,
        place: Option<&PositionId>,
        stage: CallStage,
    ) -> Vec<Call> {
        let (asked, group, before) = (self.asked, self.group, self.before);
        let made = &asked.incident.calls;
        let waits = |position: &PositionId| {
            self.made(position)
                .any(|c| c.call.number != before.call.number && c.state == CallState::Called)
        };
        let mut out: Vec<Call> = Vec::new();
        for position in positions {
            let attempt = attempts(asked, group, &position).saturating_add(1);
            let full = made.len() + out.len() >= MAX_CALLS || attempt > MAX_CALL_ATTEMPTS;
            if full || waits(&position) || out.iter().any(|c| c.position == position) {
                continue;
            }
            out.push(Call {
                number: (made.len() + out.len() + 1) as u32,
                group: group.id.clone(),
                role: role(group, &position),
                acting_for: place.filter(|place| **place != position).cloned(),
                position,
                reason: self.reason,
                due_at: due(asked.plan, asked.incident.level, stage, asked.op.now),
                attempt,
            });
        }
        out
    }
}

fn attempts(asked: Asked<'_>, group: &Group, position: &PositionId) -> u8 {
    let made = asked
        .incident
        .calls
        .iter()
        .filter(|c| c.call.group == group.id && c.call.position == *position)
        .count();
    u8::try_from(made).unwrap_or(u8::MAX)
}
