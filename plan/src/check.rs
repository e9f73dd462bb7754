//! What a plan lacks before it can run an incident: gaps, each with its place, and notes.
//!
//! Deliberately not here: whether the plan is wise (people review it), and reading or storing it.

mod duties;
mod organisation;
mod register;
mod shape;
mod tasks;

pub use shape::{REQUIRED_TEXTS, places};

use crate::Plan;
use model::PositionId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// One gap or note.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Gap {
    pub severity: Severity,
    pub code: GapCode,
    /// Path by ids as in a diff, for example `groups.leading.lead`; what it concerns follows
    /// in brackets, for example `authority.approve_repair (head_finance)`.
    pub place: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The plan cannot run as it should.
    Gap,
    /// It runs; a person ought to know.
    Note,
}

/// What is wrong. The catalogue has a text for each, `gap-CODE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GapCode {
    GroupWithoutLead,
    LeadWithoutHolder,
    LeadWithoutStandIn,
    PositionWithoutHolder,
    StandInCycle,
    StepMissing,
    StepWithoutTask,
    TaskUnknownOwner,
    TaskUnknownGroup,
    TaskOwnerOutsideGroup,
    TaskBeyondStep,
    TaskAfterUnknown,
    TaskAfterLater,
    TaskAfterOtherGrade,
    TaskCycle,
    ExitNeverMet,
    ClockWithoutRecipient,
    ClockFollowsNothing,
    ActWithoutPosition,
    FourEyesByOne,
    LevelMissing,
    LevelCallsNobody,
    LevelUnknown,
    CallTime,
    RiskMissing,
    SchemeMissing,
    TextMissing,
    TextPlacesDiffer,
    LanguageMissing,
    DuplicateId,
    UnknownReference,
    RegisterGrantor,
    RegisterEntry,
    GuestMay,
    GuestRules,
    NumberUnconfirmed,
    ClockUnconfirmed,
    ContactToFillIn,
    NotApproved,
}

impl GapCode {
    pub const ALL: [Self; 39] = [
        Self::GroupWithoutLead,
        Self::LeadWithoutHolder,
        Self::LeadWithoutStandIn,
        Self::PositionWithoutHolder,
        Self::StandInCycle,
        Self::StepMissing,
        Self::StepWithoutTask,
        Self::TaskUnknownOwner,
        Self::TaskUnknownGroup,
        Self::TaskOwnerOutsideGroup,
        Self::TaskBeyondStep,
        Self::TaskAfterUnknown,
        Self::TaskAfterLater,
        Self::TaskAfterOtherGrade,
        Self::TaskCycle,
        Self::ExitNeverMet,
        Self::ClockWithoutRecipient,
        Self::ClockFollowsNothing,
        Self::ActWithoutPosition,
        Self::FourEyesByOne,
        Self::LevelMissing,
        Self::LevelCallsNobody,
        Self::LevelUnknown,
        Self::CallTime,
        Self::RiskMissing,
        Self::SchemeMissing,
        Self::TextMissing,
        Self::TextPlacesDiffer,
        Self::LanguageMissing,
        Self::DuplicateId,
        Self::UnknownReference,
        Self::RegisterGrantor,
        Self::RegisterEntry,
        Self::GuestMay,
        Self::GuestRules,
        Self::NumberUnconfirmed,
        Self::ClockUnconfirmed,
        Self::ContactToFillIn,
        Self::NotApproved,
    ];

    /// As in the catalogue's key `gap-CODE`, for example `group-without-lead`.
    pub fn code(self) -> String {
        // A unit variant always serialises as its name.
        match serde_json::to_value(self) {
            Ok(serde_json::Value::String(code)) => code,
            _ => String::new(),
        }
    }
    pub const fn severity(self) -> Severity {
        match self {
            Self::NumberUnconfirmed
            | Self::ClockUnconfirmed
            | Self::ContactToFillIn
            | Self::NotApproved => Severity::Note,
            _ => Severity::Gap,
        }
    }
    /// In plain English; pages use the catalogue.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::GroupWithoutLead => "the group has no lead",
            Self::LeadWithoutHolder => "nobody holds the position that leads a group",
            Self::LeadWithoutStandIn => "nobody stands in for the lead of a group",
            Self::PositionWithoutHolder => "nobody holds the position",
            Self::StandInCycle => "stand-ins lead back to the position itself",
            Self::StepMissing => "the step is missing",
            Self::StepWithoutTask => "the step has no task",
            Self::TaskUnknownOwner => "the task's owner is no position of the plan",
            Self::TaskUnknownGroup => "the task's group is no group of the plan",
            Self::TaskOwnerOutsideGroup => "the task's owner is not in the task's group",
            Self::TaskBeyondStep => "the task's target lies beyond that of its step",
            Self::TaskAfterUnknown => "the task waits for a task that the plan does not have",
            Self::TaskAfterLater => "the task waits for a task of a later step",
            Self::TaskAfterOtherGrade => {
                "the task waits for a task that is not there at each of its grades"
            }
            Self::TaskCycle => "the tasks wait for one another",
            Self::ExitNeverMet => "no required task up to this step can meet the exit condition",
            Self::ClockWithoutRecipient => "the clock names no recipient",
            Self::ClockFollowsNothing => "the clock waits for a filing of no known clock",
            Self::ActWithoutPosition => "no position may do the act",
            Self::FourEyesByOne => "no two people can do the two sides of the act",
            Self::LevelMissing => "the response level has no rule",
            Self::LevelCallsNobody => "the response level calls nobody",
            Self::LevelUnknown => "response levels are 1 to 4",
            Self::CallTime => "a call waits for an answer between 30 seconds and a day",
            Self::RiskMissing => "the risk is not in the register",
            Self::SchemeMissing => "no statutory grading table",
            Self::TextMissing => "the text is missing",
            Self::TextPlacesDiffer => "the {places} of the two languages differ",
            Self::LanguageMissing => "the text is empty in this language",
            Self::DuplicateId => "the id stands twice",
            Self::UnknownReference => "it refers to something that the plan does not have",
            Self::RegisterGrantor => "whoever grants the resource may not grant any",
            Self::RegisterEntry => "quantity, currency or terms do not fit the kind of resource",
            Self::GuestMay => "the position of guests may do more than answer orders",
            Self::GuestRules => "experts are listed, and the rules for guests are not whole",
            Self::NumberUnconfirmed => "the law's number needs legal confirmation",
            Self::ClockUnconfirmed => "the clock's facts need legal confirmation",
            Self::ContactToFillIn => "the company's own contact is to be filled in",
            Self::NotApproved => "this version is not approved yet",
        }
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Gap => "gap",
            Severity::Note => "note",
        };
        write!(f, "{severity}: {}: {}", self.place, self.code.meaning())
    }
}

/// All gaps, then all notes, each kind by code and place. `holders` counts the people in each
/// position; a position that it does not name has none.
pub fn check(plan: &Plan, holders: &BTreeMap<PositionId, usize>) -> Vec<Gap> {
    let mut found = Found::default();
    organisation::groups(plan, holders, &mut found);
    organisation::stand_ins(plan, &mut found);
    organisation::authority(plan, holders, &mut found);
    organisation::levels(plan, &mut found);
    duties::steps(plan, &mut found);
    tasks::waiting(plan, &mut found);
    register::register(plan, &mut found);
    duties::clocks(plan, &mut found);
    duties::grading(plan, &mut found);
    shape::references(plan, &mut found);
    shape::texts(plan, &mut found);
    shape::everywhere(plan, &mut found);
    let mut gaps = found.gaps;
    gaps.sort();
    gaps.dedup();
    gaps
}

#[derive(Default)]
struct Found {
    gaps: Vec<Gap>,
}

impl Found {
    fn add(&mut self, code: GapCode, place: impl Into<String>) {
        self.gaps.push(Gap {
            severity: code.severity(),
            code,
            place: place.into(),
        });
    }
    fn add_if(&mut self, wrong: bool, code: GapCode, place: impl FnOnce() -> String) {
        if wrong {
            self.add(code, place());
        }
    }
}
