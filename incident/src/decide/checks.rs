//! Checks of values that several commands share.

use super::Asked;
use crate::bounds::{CLOCK_TOLERANCE_S, MAX_KEYS_PER_COMMAND, MAX_NAME_CHARS, MAX_TEXT_CHARS};
use crate::refusal::{BadValue, Refusal};
use crate::rows::{self, TableRows};
use model::{Actor, Figure, Instant, PositionId};
use plan::{Act, Plan};

pub(crate) fn bad(field: &str, why: BadValue) -> Refusal {
    Refusal::Bad {
        field: field.to_owned(),
        why,
    }
}

pub(crate) fn unknown(what: &str, id: impl ToString) -> Refusal {
    Refusal::Unknown {
        what: what.to_owned(),
        id: id.to_string(),
    }
}

pub(crate) fn wrong_state(what: &str, state: &str) -> Refusal {
    Refusal::WrongState {
        what: what.to_owned(),
        state: state.to_owned(),
    }
}

pub(crate) fn conflict(what: &str, why: &str) -> Refusal {
    Refusal::Conflict {
        what: what.to_owned(),
        why: why.to_owned(),
    }
}

/// Refused when `len` is beyond the limit.
pub(crate) fn bound(name: &str, len: usize, limit: usize) -> Result<(), Refusal> {
    if len <= limit {
        return Ok(());
    }
    Err(Refusal::Bound {
        bound: name.to_owned(),
        limit: limit as u64,
    })
}

/// Refused when there is no room for one more.
pub(crate) fn room(name: &str, len: usize, limit: usize) -> Result<(), Refusal> {
    bound(name, len.saturating_add(1), limit)
}

pub(crate) fn no_longer(field: &str, text: &str, max_chars: usize) -> Result<(), Refusal> {
    if text.chars().nth(max_chars).is_some() {
        return Err(bad(field, BadValue::TooLong));
    }
    Ok(())
}

/// A text that must say something.
pub(crate) fn text(field: &str, text: &str, max_chars: usize) -> Result<(), Refusal> {
    if text.trim().is_empty() {
        return Err(bad(field, BadValue::Empty));
    }
    no_longer(field, text, max_chars)
}

pub(crate) fn long_text(field: &str, words: &str) -> Result<(), Refusal> {
    text(field, words, MAX_TEXT_CHARS)
}

pub(crate) fn name(field: &str, words: &str) -> Result<(), Refusal> {
    text(field, words, MAX_NAME_CHARS)
}

pub(crate) fn reason(asked: Asked<'_>) -> Result<(), Refusal> {
    if asked.op.reason.trim().is_empty() {
        return Err(Refusal::ReasonNeeded);
    }
    Ok(())
}

/// A time that has happened, within the tolerance between clocks.
pub(crate) fn past(field: &str, at: Instant, now: Instant) -> Result<(), Refusal> {
    if at > now.plus_s(CLOCK_TOLERANCE_S) {
        return Err(bad(field, BadValue::Time));
    }
    Ok(())
}

pub(crate) fn future(field: &str, at: Instant, now: Instant) -> Result<(), Refusal> {
    if at <= now {
        return Err(bad(field, BadValue::Time));
    }
    Ok(())
}

pub(crate) fn figure(field: &str, figure: Figure) -> Result<(), Refusal> {
    let fine = match figure {
        Figure::Known { value } => value >= 0,
        Figure::Estimated { low, high } => low >= 0 && low <= high,
        Figure::Unknown => true,
    };
    if fine {
        Ok(())
    } else {
        Err(bad(field, BadValue::Number))
    }
}

/// Rows that a command names: some, and not more than the bound.
pub(crate) fn rows(named: &[TableRows]) -> Result<(), Refusal> {
    let empty = named
        .iter()
        .any(|r| r.keys.is_empty() || r.table.is_empty());
    if named.is_empty() || empty {
        return Err(bad("rows", BadValue::Empty));
    }
    bound("keys", rows::count(named), MAX_KEYS_PER_COMMAND)
}

/// Two different accounts. Positions do not matter: one person may hold several.
pub(crate) fn second_person(asked: Asked<'_>, first: &Actor) -> Result<(), Refusal> {
    let (first, second) = (first.account(), asked.op.actor.account());
    if second.is_none() || first == second {
        return Err(Refusal::SamePerson);
    }
    Ok(())
}

pub(crate) fn act(asked: Asked<'_>, act: Act) -> Result<(), Refusal> {
    if asked.plan.allows(act, asked.op.actor.positions()) {
        return Ok(());
    }
    Err(Refusal::NotAllowed { act })
}

/// The actor holds the position, or one that stands in for it.
pub(crate) fn answers_for(plan: &Plan, actor: &Actor, position: &PositionId) -> bool {
    let stand_ins = plan.position(position).map_or(&[][..], |p| &p.stand_ins);
    actor.holds(position) || stand_ins.iter().any(|p| actor.holds(p))
}
