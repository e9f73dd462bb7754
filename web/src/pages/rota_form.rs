//! A form of the rota that comes back: what was typed into it, what is wrong at which field, and
//! what it would change.
//!
//! Deliberately not here: reading the forms (`rota`) and the page around them (`call_out`).

use crate::fields::Fields;
use crate::pages::schedule::{Names, ScheduleCard};
use crate::view::View;
use desk::KeptSchedule;
use desk::rota_refusal::RotaRefusal;
use incident::rota::{RotaProblem, Schedule};

/// What came of a form that was not stored.
#[derive(Default)]
pub(crate) struct Outcome {
    /// In the reader's words.
    pub problem: Option<String>,
    /// The field that it is about; empty where it is about none.
    pub field: &'static str,
    /// The schedule as it would be, where that was asked for.
    pub preview: Option<Schedule>,
}

/// What was typed into the one form that comes back; the others are as they always are.
pub(crate) struct Typed<'a> {
    fields: Option<&'a Fields>,
    problem: Option<String>,
    field: &'static str,
}

impl<'a> Typed<'a> {
    pub fn of(fields: &'a Fields, outcome: &Outcome) -> Self {
        let back = outcome.problem.is_some() || outcome.preview.is_some();
        Self {
            fields: Some(fields).filter(|_| back),
            problem: outcome.problem.clone(),
            field: outcome.field,
        }
    }

    /// Whether this is the form that comes back.
    pub fn is(&self, form: &str) -> bool {
        self.fields.is_some_and(|f| f.get("form") == form)
    }
    pub fn get(&self, form: &str, name: &str, usual: &str) -> String {
        let typed = self.fields.filter(|_| self.is(form));
        typed.map_or(usual, |f| f.get(name)).to_owned()
    }
    pub fn chosen(&self, form: &str, name: &str, value: impl AsRef<str>) -> bool {
        self.is(form) && self.fields.is_some_and(|f| f.get(name) == value.as_ref())
    }
    /// Why the field is refused.
    pub fn why(&self, form: &str, name: &str) -> Option<&str> {
        let problem = self.problem.as_deref().filter(|_| self.is(form));
        problem.filter(|_| self.field == name)
    }
}

/// The field of a form that a refusal is about.
pub(crate) fn field_of(refusal: &RotaRefusal, form: &str) -> &'static str {
    // A rotation names several people, every other form one.
    let one = form.starts_with("o-") || form == "away";
    match refusal {
        RotaRefusal::Schedule(RotaProblem::Title) => "title",
        RotaRefusal::Schedule(RotaProblem::Zone) => "zone",
        RotaRefusal::Covers | RotaRefusal::NotInPlan => "covers",
        RotaRefusal::Schedule(RotaProblem::Turn) | RotaRefusal::Length => "n",
        RotaRefusal::Schedule(RotaProblem::Participants) => "people",
        RotaRefusal::Person { .. } if !one => "people",
        RotaRefusal::Person { .. } | RotaRefusal::Who => "who",
        RotaRefusal::Schedule(RotaProblem::Spans) | RotaRefusal::Span => "to",
        RotaRefusal::FirstDay => "from",
        RotaRefusal::LastDay => "until",
        RotaRefusal::HandOver => "hand_over",
        _ => "",
    }
}

/// A schedule as it would be, its turns marked where somebody else is on duty than now.
pub(crate) fn preview(
    v: &View<'_>,
    names: &Names,
    schedule: Schedule,
    kept: Option<&KeptSchedule>,
) -> ScheduleCard {
    let proposed = KeptSchedule {
        id: kept.map_or_else(String::new, |k| k.id.clone()),
        version: 0,
        schedule,
        retired: false,
    };
    let mut card = ScheduleCard::of(v, names, proposed);
    if let Some(kept) = kept {
        card.compare(v, names, &kept.schedule);
    }
    card
}
