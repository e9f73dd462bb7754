//! Who of those who hold a position is called now: schedules, absences, hand-overs.
//!
//! Pure, so that it can be tried on ten thousand nights. Deliberately not here: the arithmetic of
//! turns (`incident::rota`), keeping schedules (`rota`), who may know of an incident (`access`).

use crate::account::Person;
use crate::rota::KeptSchedule;
use incident::Incident;
use incident::rota::{Absence, Covers, Schedule, on_duty};
use model::{AccountId, Instant, PositionId};
use plan::Plan;

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

impl Rota {
    /// Who of `holders` is on duty for a position at a moment.
    pub fn on_duty_among(
        &self,
        plan: &Plan,
        position: &PositionId,
        holders: Vec<Person>,
        at: Instant,
    ) -> OnDuty {
        let away = |who: &AccountId| {
            let is = |a: &Absence| a.who == *who && a.from <= at && at < a.to;
            self.absences.iter().any(is)
        };
        let mut here = holders;
        here.retain(|p| !away(&p.id));
        let covering = self.covering(plan, position);
        let scheduled = covering.is_some();
        let duty = covering.and_then(|s| on_duty(s, &self.absences, at));
        let chosen = duty.and_then(|duty| here.iter().find(|p| p.id == duty.who).cloned());
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

    /// Who of `holders` is called: on duty, and after a hand-over who took the position over
    /// instead of who left it, until the next one.
    pub fn called(
        &self,
        plan: &Plan,
        incident: Option<&Incident>,
        position: &PositionId,
        holders: Vec<Person>,
        at: Instant,
    ) -> Vec<Person> {
        let shift = incident.and_then(|i| i.taken_over(position));
        // Whoever has gone since, or may no longer know, is not told.
        let here = shift.and_then(|(_, by)| holders.iter().find(|p| p.id == *by).cloned());
        let mut people = self.on_duty_among(plan, position, holders, at).people;
        if let (Some((left, _)), Some(taken)) = (shift, here) {
            people.retain(|p| p.id != *left && p.id != taken.id);
            people.insert(0, taken);
        }
        people
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
