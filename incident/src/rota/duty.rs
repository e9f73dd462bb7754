//! Who is on duty at a moment, and the shifts of a span of time.
//!
//! `shifts` asks `on_duty` between all moments at which the answer can change, so the two can
//! never say different things.

use super::rotation::Turns;
use super::{Absence, Schedule};
use model::{AccountId, Instant};
use serde::Serialize;

/// Shifts of one answer; a year of hours fits.
const MAX_SHIFTS: usize = 10_000;

/// Why somebody is on duty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// It is their turn.
    Turn,
    /// Whose turn it is is absent, and they are next.
    NextInLine,
    /// By an override.
    Override,
}

impl Why {
    pub const fn code(self) -> &'static str {
        match self {
            Self::Turn => "turn",
            Self::NextInLine => "next-in-line",
            Self::Override => "override",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Duty {
    pub who: AccountId,
    pub why: Why,
    /// Whose turn it would have been, where that is another.
    pub instead_of: Option<AccountId>,
}

/// A stretch of time with one answer. `None`: a gap, nobody is on duty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shift {
    pub from: Instant,
    pub to: Instant,
    pub duty: Option<Duty>,
}

/// Who is on duty; `None` is a gap.
pub fn on_duty(schedule: &Schedule, absences: &[Absence], at: Instant) -> Option<Duty> {
    let here = |who: &AccountId| {
        let away = |a: &Absence| a.who == *who && a.from <= at && at < a.to;
        !absences.iter().any(away)
    };
    let turn = by_turn(schedule, at, &here);
    let planned = turn
        .as_ref()
        .map(|d| d.instead_of.as_ref().unwrap_or(&d.who));
    // The override that was entered last counts.
    let entered = schedule.overrides.iter().rev().find(|o| {
        let runs = o.from <= at && at < o.to;
        let meant = match &o.instead_of {
            None => true,
            Some(whom) => planned == Some(whom) || turn.as_ref().is_some_and(|d| d.who == *whom),
        };
        runs && meant && here(&o.who)
    });
    match entered {
        Some(o) => Some(Duty {
            who: o.who.clone(),
            why: Why::Override,
            instead_of: planned.filter(|p| **p != o.who).cloned(),
        }),
        None => turn,
    }
}

/// By the topmost layer that has somebody who is not absent.
fn by_turn(schedule: &Schedule, at: Instant, here: &impl Fn(&AccountId) -> bool) -> Option<Duty> {
    let zone = schedule.zone();
    let mut first = None;
    for layer in schedule.layers.iter().rev() {
        let turns = Turns::of(layer, zone.clone());
        let Some(k) = turns.at(at) else { continue };
        for (i, who) in turns.people(k).enumerate() {
            if first.is_none() && i == 0 {
                first = Some(who);
            }
            if here(who) {
                let own = first == Some(who);
                return Some(Duty {
                    who: who.clone(),
                    why: if own { Why::Turn } else { Why::NextInLine },
                    instead_of: first.filter(|_| !own).cloned(),
                });
            }
        }
    }
    None
}

/// The shifts between two moments, in order, gaps among them, without a break between them.
pub fn shifts(schedule: &Schedule, absences: &[Absence], from: Instant, to: Instant) -> Vec<Shift> {
    let mut out: Vec<Shift> = Vec::new();
    let moments = moments(schedule, absences, from, to);
    for pair in moments.windows(2) {
        let duty = on_duty(schedule, absences, pair[0]);
        let full = out.len() >= MAX_SHIFTS;
        match out.last_mut() {
            Some(last) if last.duty == duty => last.to = pair[1],
            _ if full => break,
            _ => out.push(Shift {
                from: pair[0],
                to: pair[1],
                duty,
            }),
        }
    }
    out
}

/// Every moment at which the answer can change, both ends included.
fn moments(schedule: &Schedule, absences: &[Absence], from: Instant, to: Instant) -> Vec<Instant> {
    let mut out = vec![from, to];
    let zone = schedule.zone();
    for layer in &schedule.layers {
        let turns = Turns::of(layer, zone.clone());
        // Before the first turn nothing changes.
        let mut k = turns.at(from.max(turns.begins(0))).unwrap_or(0);
        let mut made = 0;
        while turns.begins(k) < to && made < MAX_SHIFTS {
            out.push(turns.begins(k));
            (k, made) = (k + 1, made + 1);
            // Past the last turn `at` says `None`; its end is a change too.
            if turns.at(turns.begins(k)).is_none() {
                out.push(turns.begins(k));
                break;
            }
        }
    }
    let spans = schedule.overrides.iter().map(|o| (o.from, o.to));
    let away = absences.iter().map(|a| (a.from, a.to));
    out.extend(spans.chain(away).flat_map(|(a, b)| [a, b]));
    out.retain(|at| from <= *at && *at <= to);
    out.sort_unstable();
    out.dedup();
    out
}
