//! Statutory clocks as data (时限): what starts them, how long they run, whom they serve.
//! Their state in one incident is computed by `clock::state`.

use crate::Words;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
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

/// Zone of the Chinese calendar days; the law's days are days there.
pub const ZONE: &str = "Asia/Shanghai";

/// A deadline is near when less than this share of its whole time is left (ours, not the law's):
/// the last 15 minutes of one hour, the last hour of four, the last six of twenty-four.
const DUE_SOON_SHARE: i64 = 4;
/// ... and never sooner than three days before, so that thirty days do not warn for a week.
const DUE_SOON_AT_MOST_US: i64 = 72 * HOUR_US;

const HOUR_US: i64 = 3_600_000_000;

/// How a clock stands at `now`.
///
/// Whatever was filed or waived stays so, even where a new grade would not ask for it any more.
/// Exactly at the deadline it is still in time (不得超过 includes the moment). Clocks know
/// nothing of each other: each one is asked alone.
pub fn state(
    clock: &StatutoryClock,
    anchors: &Anchors,
    facts: &TriggerFacts,
    filed: Option<Instant>,
    waived: Option<Instant>,
    now: Instant,
) -> ClockState {
    let started = anchors.get(clock.anchor);
    let due = started.and_then(|started| clock.due(started));
    if let Some(at) = filed {
        let late = due.is_some_and(|due| at > due);
        return ClockState::Filed { at, late };
    }
    if let Some(at) = waived {
        return ClockState::Waived { at };
    }
    match clock.trigger.holds(facts) {
        Holds::No(reason) => {
            let reason = reason.to_owned();
            return ClockState::NotApplicable { reason };
        }
        Holds::Unknown(missing) => {
            let missing = missing.to_owned();
            return ClockState::Undecided { missing };
        }
        Holds::Yes => {}
    }
    match (started, due) {
        (None, _) => ClockState::NotStarted {
            anchor: clock.anchor,
        },
        (Some(started), None) => ClockState::Duty {
            started,
            target: clock.internal_target_h.map(|hours| after(started, hours)),
        },
        (Some(started), Some(due)) if now > due => ClockState::Overdue { started, due },
        (Some(started), Some(due)) if now >= near(started, due) => {
            ClockState::DueSoon { started, due }
        }
        (Some(started), Some(due)) => ClockState::Running { started, due },
    }
}

impl StatutoryClock {
    /// The last moment that is in time, for a clock started then; `None` where the law names no
    /// number.
    pub fn due(&self, started: Instant) -> Option<Instant> {
        match self.deadline {
            Deadline::Hours { value } => Some(after(started, value)),
            Deadline::CalendarDays { value } => end_of_day_after(started, value),
            Deadline::Immediate | Deadline::UndueDelay => None,
        }
    }
    /// Whether the law names a number: a deadline, else a duty.
    pub fn has_deadline(&self) -> bool {
        !matches!(self.deadline, Deadline::Immediate | Deadline::UndueDelay)
    }
}

impl Anchors {
    pub fn get(&self, anchor: Anchor) -> Option<Instant> {
        match anchor {
            Anchor::Occurred => self.occurred,
            Anchor::Discovered => self.discovered,
            Anchor::Classified => self.classified,
            Anchor::FiledPrevious => self.filed_previous,
            Anchor::Handled => self.handled,
        }
    }
}

enum Holds {
    Yes,
    No(&'static str),
    Unknown(&'static str),
}

impl Trigger {
    /// All parts must hold; one that certainly does not decides, whatever else is unknown.
    fn holds(&self, facts: &TriggerFacts) -> Holds {
        let grade = self
            .grade_at_least
            .map(|least| facts.grade.map(|grade| grade >= least));
        let cii = self.cii.map(|wanted| facts.cii.map(|cii| cii == wanted));
        let parts = [
            ("grade", grade),
            ("cii", cii),
            (
                "personal_information",
                self.personal_information
                    .then_some(facts.personal_information),
            ),
            (
                "suspected_crime",
                self.suspected_crime.then_some(facts.suspected_crime),
            ),
            (
                "interested_parties",
                self.interested_parties.then_some(facts.interested_parties),
            ),
            (
                "unauthorised_payment",
                self.unauthorised_payment
                    .then_some(facts.unauthorised_payment),
            ),
        ];
        let asked = || {
            parts
                .iter()
                .filter_map(|(name, part)| Some((*name, (*part)?)))
        };
        if let Some((name, _)) = asked().find(|(_, fact)| *fact == Some(false)) {
            return Holds::No(name);
        }
        match asked().find(|(_, fact)| fact.is_none()) {
            Some((name, _)) => Holds::Unknown(name),
            None => Holds::Yes,
        }
    }
}

fn after(started: Instant, hours: f64) -> Instant {
    // A cast from float saturates; deadlines are far from the bounds.
    Instant(
        started
            .0
            .saturating_add((hours * HOUR_US as f64).round() as i64),
    )
}

fn near(started: Instant, due: Instant) -> Instant {
    let whole = due.0.saturating_sub(started.0);
    Instant(due.0 - (whole / DUE_SOON_SHARE).min(DUE_SOON_AT_MOST_US))
}

/// The last microsecond of the day that lies `days` after the start's own day in [`ZONE`].
/// `None` beyond the calendar's range: no date is better than a wrong one.
fn end_of_day_after(started: Instant, days: u32) -> Option<Instant> {
    let zone = TimeZone::get(ZONE).ok()?;
    let start = Timestamp::from_microsecond(started.0).ok()?;
    let day = start.to_zoned(zone.clone()).date();
    let next = day
        .checked_add(Span::new().try_days(i64::from(days) + 1).ok()?)
        .ok()?;
    let midnight = next.to_zoned(zone).ok()?.timestamp();
    Some(Instant(midnight.as_microsecond() - 1))
}
