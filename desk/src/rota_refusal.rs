//! Why the rota, an absence, an override or a test call was refused: codes that the catalogue has
//! words for, under `call-out-refusal-CODE`.
//!
//! Deliberately not here: refusals of the answer to a call (`incident::Refusal`).

use incident::rota::{
    MAX_ABSENCES, MAX_LAYERS, MAX_OVERRIDES, MAX_PARTICIPANTS, MAX_TITLE_CHARS, RotaProblem,
};
use model::AccountId;
use plan::Words;
use thiserror::Error;

/// Schedules in all; one for each position and group, and as many again.
pub const MAX_SCHEDULES: usize = 60;
/// Test calls of one person within an hour: a channel may cost money.
pub const MAX_TESTS: u32 = 5;

#[derive(Clone, Debug, PartialEq, Error)]
pub enum RotaRefusal {
    /// The schedule itself is not sound.
    #[error(transparent)]
    Schedule(RotaProblem),
    /// Whoever is on duty must be able to answer.
    #[error("`{who}` cannot answer for {}: give the position, or one that stands in for it, to this person first", position.en)]
    Person { who: AccountId, position: Words },
    #[error("there are {MAX_SCHEDULES} schedules already; retire one first")]
    Full,
    #[error("there is no such schedule any more")]
    Gone,
    #[error("there is no such rotation in the schedule any more")]
    LayerGone,
    #[error("there is no such override in the schedule any more")]
    OverrideGone,
    #[error("the plan has no such position or group")]
    NotInPlan,
    #[error("say for which position or group the schedule is")]
    Covers,
    #[error("say from when to when, and let it end after it begins")]
    Span,
    #[error("no absence of this person begins then")]
    NoAbsence,
    #[error("say who")]
    Who,
    #[error("at most {MAX_ABSENCES} absences are kept for one person")]
    Absences,
    #[error("say how long a turn is, in whole weeks, days or hours")]
    Length,
    #[error("say the first day")]
    FirstDay,
    #[error("the last day is not a day, or lies before the first")]
    LastDay,
    #[error("say the time of the hand-over")]
    HandOver,
    #[error("it was changed by somebody else meanwhile; look at it again")]
    Changed,
    #[error("{MAX_TESTS} test calls an hour are enough; wait a little")]
    Tests,
}

impl RotaRefusal {
    /// One of each, for the test that holds the catalogue against them.
    pub fn all() -> Vec<Self> {
        let person = Self::Person {
            who: AccountId::from("somebody"),
            position: Words {
                zh: "岗位".into(),
                en: "position".into(),
            },
        };
        let others = [
            person,
            Self::Full,
            Self::Gone,
            Self::LayerGone,
            Self::OverrideGone,
            Self::NotInPlan,
            Self::Covers,
            Self::Span,
            Self::NoAbsence,
            Self::Who,
            Self::Absences,
            Self::Length,
            Self::FirstDay,
            Self::LastDay,
            Self::HandOver,
            Self::Changed,
            Self::Tests,
        ];
        let schedules = RotaProblem::ALL.map(Self::Schedule);
        schedules.into_iter().chain(others).collect()
    }

    pub const fn code(&self) -> &'static str {
        match self {
            Self::Schedule(problem) => problem.code(),
            Self::Person { .. } => "person",
            Self::Full => "full",
            Self::Gone => "gone",
            Self::LayerGone => "layer-gone",
            Self::OverrideGone => "override-gone",
            Self::NotInPlan => "not-in-plan",
            Self::Covers => "covers",
            Self::Span => "span",
            Self::NoAbsence => "no-absence",
            Self::Who => "who",
            Self::Absences => "absences",
            Self::Length => "length",
            Self::FirstDay => "first-day",
            Self::LastDay => "last-day",
            Self::HandOver => "hand-over",
            Self::Changed => "changed",
            Self::Tests => "tests",
        }
    }

    /// The named bound that was passed, where it is one; `{ $most }` in the words.
    pub const fn most(&self) -> Option<usize> {
        match self {
            Self::Schedule(RotaProblem::Title) => Some(MAX_TITLE_CHARS),
            Self::Schedule(RotaProblem::Layers) => Some(MAX_LAYERS),
            Self::Schedule(RotaProblem::Participants) => Some(MAX_PARTICIPANTS),
            Self::Schedule(RotaProblem::Spans) => Some(MAX_OVERRIDES),
            Self::Full => Some(MAX_SCHEDULES),
            Self::Absences => Some(MAX_ABSENCES),
            Self::Tests => Some(MAX_TESTS as usize),
            _ => None,
        }
    }

    /// What stands in the way is already there; nothing is wrong with what was sent.
    pub const fn is_conflict(&self) -> bool {
        matches!(
            self,
            Self::Full | Self::Changed | Self::Tests | Self::NoAbsence
        )
    }
    /// What it was about is not there.
    pub const fn is_gone(&self) -> bool {
        matches!(self, Self::Gone | Self::LayerGone | Self::OverrideGone)
    }
}
