//! Statutory clocks as data (时限): what starts them, how long they run, whom they serve.
//! Their state in one incident is computed by `clock::state`.

use crate::Words;
use model::{ClockId, Grade, Instant};
use serde::{Deserialize, Serialize};

/// One duty or deadline of the law. Numbers come from the instrument named, with confidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatutoryClock {
    pub id: ClockId,
    pub title: Words,
    /// Instrument and article, for example `国家网络安全事件报告管理办法 art. 4`.
    pub instrument: Words,
    pub article: String,
    pub effective_from: String,
    pub direction: Direction,
    pub recipient: Words,
    pub trigger: Trigger,
    pub anchor: Anchor,
    pub deadline: Deadline,
    /// Our own target in hours where the law names no number; shown as ours.
    #[serde(default)]
    pub internal_target_h: Option<f64>,
    pub contents: Vec<Words>,
    /// `high`, `medium`, `low`.
    pub confidence: String,
    pub channel: Vec<Words>,
    /// Clock whose filing this one follows (anchor `FiledPrevious`).
    #[serde(default)]
    pub follows: Option<ClockId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Regulator,
    Individual,
    Police,
    Upstream,
    AuthorityToAuthority,
}

/// When the clock applies at all. All parts given must hold.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    /// Statutory grade at least as grave as this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grade_at_least: Option<Grade>,
    /// Only for operators of critical information infrastructure (true) or only for others (false).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cii: Option<bool>,
    /// Only when personal information leaked, was tampered with or lost (or may have been).
    #[serde(default)]
    pub personal_information: bool,
    /// Only when a crime is suspected.
    #[serde(default)]
    pub suspected_crime: bool,
    /// Only when lawful interests of users, merchants or partners are harmed.
    #[serde(default)]
    pub interested_parties: bool,
    /// Only when unauthorised payments are found.
    #[serde(default)]
    pub unauthorised_payment: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Anchor {
    Occurred,
    /// The organisation discovered or learned of it (发现或获知).
    Discovered,
    Classified,
    FiledPrevious,
    /// Handling ended.
    Handled,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Deadline {
    /// Clock hours; they run through nights and holidays.
    Hours { value: f64 },
    /// Day zero is the anchor's day in `Asia/Shanghai` and is not counted; due at the end of the last day.
    CalendarDays { value: u32 },
    /// The text says "at once" and gives no number: a duty, not a deadline.
    Immediate,
    /// Without undue delay, no number: a duty.
    UndueDelay,
}

/// The anchors of one incident, each missing until it happened.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Anchors {
    pub occurred: Option<Instant>,
    pub discovered: Option<Instant>,
    pub classified: Option<Instant>,
    pub filed_previous: Option<Instant>,
    pub handled: Option<Instant>,
}

/// Facts of the incident that triggers look at. `None`: not known yet.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TriggerFacts {
    pub grade: Option<Grade>,
    pub cii: Option<bool>,
    pub personal_information: Option<bool>,
    pub suspected_crime: Option<bool>,
    pub interested_parties: Option<bool>,
    pub unauthorised_payment: Option<bool>,
}

/// How a clock stands. See the engine rules in the facts: a missing anchor gives no date,
/// not started is never overdue, duties without a number are not deadlines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ClockState {
    /// The trigger does not hold; `reason` names the part (`grade`, `cii`, ...).
    NotApplicable {
        reason: String,
    },
    /// Whether it applies is not known yet; `missing` names the fact.
    Undecided {
        missing: String,
    },
    /// It applies, but its anchor has not happened.
    NotStarted {
        anchor: Anchor,
    },
    Running {
        started: Instant,
        due: Instant,
    },
    DueSoon {
        started: Instant,
        due: Instant,
    },
    Overdue {
        started: Instant,
        due: Instant,
    },
    /// A duty without a number; `target` is ours.
    Duty {
        started: Instant,
        target: Option<Instant>,
    },
    Filed {
        at: Instant,
        late: bool,
    },
    Waived {
        at: Instant,
    },
}
