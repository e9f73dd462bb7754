//! Who of those who hold a position is called now: schedules, absences, hand-overs.
//!
//! [`Rota`] is pure, so that it can be tried on ten thousand nights; [`Duties`] reads once what it
//! needs. Deliberately not here: the arithmetic of turns (`incident::rota`), keeping schedules
//! (`rota`), who may know of an incident (`access`).

use crate::Desk;
use crate::account::Person;
use crate::rota::KeptSchedule;
use incident::Incident;
use incident::rota::{Absence, Covers, Schedule, on_duty};
use model::{AccountId, Instant, PositionId};
use plan::Plan;
use std::sync::Arc;

/// Who is on duty for a position.
#[derive(Clone, Debug, PartialEq)]
pub struct OnDuty {
    pub people: Vec<Person>,
    /// By a schedule; else everybody who holds the position and is there.
    pub scheduled: bool,
    /// A schedule covers the position and nobody is on duty by it.
    pub gap: bool,
}

/// Schedules and absences as they are kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rota {
    pub schedules: Vec<KeptSchedule>,
    pub absences: Vec<Absence>,
}

/// Who may be told at a position.
#[derive(Clone, Debug, Default)]
pub(crate) struct Staff {
    pub holders: Vec<Person>,
    /// Holders of the positions that stand in for it: on duty only where a schedule names them.
    pub stand_ins: Vec<Person>,
}

/// People, schedules and absences as they are at one reading.
pub struct Duties {
    plan: Arc<Plan>,
    people: Vec<Person>,
    rota: Rota,
}

impl Duties {
    /// Who is called for a position at a moment.
    pub fn on_duty(&self, position: &PositionId, at: Instant) -> OnDuty {
        let staff = self.staff(position);
        self.rota.on_duty_among(&self.plan, position, staff, at)
    }

    fn staff(&self, position: &PositionId) -> Staff {
        Staff::of(&self.plan, position, |position| {
            let holds = |p: &&Person| p.holds(position);
            self.people.iter().filter(holds).cloned().collect()
        })
    }
}

impl Desk {
    /// Whoever is on duty where, read once for many positions.
    pub fn duties(&self) -> Duties {
        Duties {
            plan: self.plan(),
            people: self.accounts().unwrap_or_default(),
            rota: self.rota(),
        }
    }
}

impl Staff {
    pub fn of(
        plan: &Plan,
        position: &PositionId,
        holders: impl Fn(&PositionId) -> Vec<Person>,
    ) -> Self {
        let stand_ins = plan.position(position).map_or(&[][..], |p| &p.stand_ins);
        Self {
            holders: holders(position),
            stand_ins: stand_ins.iter().flat_map(holders).collect(),
        }
    }
}

impl Rota {
    /// Who of the staff is on duty for a position at a moment.
    pub fn on_duty_among(
        &self,
        plan: &Plan,
        position: &PositionId,
        staff: Staff,
        at: Instant,
    ) -> OnDuty {
        let mut here = staff.holders;
        here.retain(|p| !self.away(&p.id, at));
        let covering = self.covering(plan, position);
        let scheduled = covering.is_some();
        let duty = covering.and_then(|s| on_duty(s, &self.absences, at));
        let chosen = duty.and_then(|duty| {
            let mut staff = here.iter().chain(&staff.stand_ins);
            staff.find(|p| p.id == duty.who).cloned()
        });
        match chosen {
            Some(person) => OnDuty {
                people: vec![person],
                scheduled,
                gap: false,
            },
            // Better everybody than nobody.
            None => OnDuty {
                gap: scheduled,
                people: here,
                scheduled,
            },
        }
    }

    /// Who of the staff is called: on duty, and after a hand-over who took the position over
    /// instead of who left it, until the next one.
    pub fn called(
        &self,
        plan: &Plan,
        incident: Option<&Incident>,
        position: &PositionId,
        staff: Staff,
        at: Instant,
    ) -> Vec<Person> {
        let shift = incident.and_then(|i| i.taken_over(position));
        // Whoever has gone since, is away, or may no longer know, is not told.
        let there = |by: &AccountId| {
            let mut all = staff.holders.iter().chain(&staff.stand_ins);
            all.find(|p| p.id == *by && !self.away(by, at))
        };
        let here = shift.and_then(|(_, by)| there(by).cloned());
        let mut people = self.on_duty_among(plan, position, staff, at).people;
        if let (Some((left, _)), Some(taken)) = (shift, here) {
            people.retain(|p| p.id != *left && p.id != taken.id);
            people.insert(0, taken);
        }
        people
    }

    fn away(&self, who: &AccountId, at: Instant) -> bool {
        let is = |a: &Absence| a.who == *who && a.from <= at && at < a.to;
        self.absences.iter().any(is)
    }

    fn covering(&self, plan: &Plan, position: &PositionId) -> Option<&Schedule> {
        let covers = |kept: &&KeptSchedule| match &kept.schedule.covers {
            Covers::Position(id) => id == position,
            Covers::Group(id) => plan.group(id).is_some_and(|g| g.lead == *position),
        };
        self.schedules
            .iter()
            .find(covers)
            .map(|kept| &kept.schedule)
    }
}
