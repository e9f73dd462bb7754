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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::built_in::plan;
    use expect_test::{Expect, expect};

    fn at(text: &str) -> Instant {
        Instant::parse(text).unwrap()
    }

    fn clock(id: &str) -> &'static StatutoryClock {
        plan().clocks.iter().find(|c| c.id.as_str() == id).unwrap()
    }

    fn shown(state: &ClockState) -> String {
        serde_json::to_string(state).unwrap()
    }

    /// States of a clock at some moments, for anchors all set to `start`.
    fn check(id: &str, facts: &TriggerFacts, start: &str, moments: &[&str], expected: Expect) {
        let start = Some(at(start));
        let anchors = Anchors {
            occurred: None,
            discovered: start,
            classified: None,
            filed_previous: start,
            handled: start,
        };
        let states = moments.iter().map(|moment| {
            let state = state(clock(id), &anchors, facts, None, None, at(moment));
            format!("{moment} {}", shown(&state))
        });
        expected.assert_eq(&states.collect::<Vec<_>>().join("\n"));
    }

    fn grave() -> TriggerFacts {
        TriggerFacts {
            grade: Some(Grade::RelativelyMajor),
            cii: Some(false),
            ..TriggerFacts::default()
        }
    }

    #[test]
    fn four_hours_run_over_the_new_year_and_end_with_their_last_moment() {
        check(
            "cn-cac-general-4h",
            &grave(),
            "2026-12-31T14:30:00Z",
            &[
                "2026-12-31T17:29:59Z",
                "2026-12-31T17:30:00Z",
                "2026-12-31T18:30:00Z",
                "2026-12-31T18:30:00.000001Z",
            ],
            expect![[r#"
                2026-12-31T17:29:59Z {"state":"running","started":"2026-12-31T14:30:00.000000Z","due":"2026-12-31T18:30:00.000000Z"}
                2026-12-31T17:30:00Z {"state":"due_soon","started":"2026-12-31T14:30:00.000000Z","due":"2026-12-31T18:30:00.000000Z"}
                2026-12-31T18:30:00Z {"state":"due_soon","started":"2026-12-31T14:30:00.000000Z","due":"2026-12-31T18:30:00.000000Z"}
                2026-12-31T18:30:00.000001Z {"state":"overdue","started":"2026-12-31T14:30:00.000000Z","due":"2026-12-31T18:30:00.000000Z"}"#]],
        );
    }

    #[test]
    fn thirty_days_are_days_in_shanghai() {
        // 15:59:59Z is one second before midnight in Shanghai, 16:00:00Z is the next day.
        let due = |start: &str| {
            let due = clock("cn-cac-summary-30d").due(at(start)).unwrap();
            format!("{due} = {}", due.in_zone(ZONE))
        };
        let table = [
            "2026-11-22T15:59:59Z",
            "2026-11-22T16:00:00Z",
            "2026-12-15T04:00:00Z",
            "2028-01-31T02:00:00Z",
        ]
        .map(|start| format!("{start} -> {}", due(start)));
        expect![[r#"
            2026-11-22T15:59:59Z -> 2026-12-22T15:59:59.999999Z = 2026-12-22 23:59:59
            2026-11-22T16:00:00Z -> 2026-12-23T15:59:59.999999Z = 2026-12-23 23:59:59
            2026-12-15T04:00:00Z -> 2027-01-14T15:59:59.999999Z = 2027-01-14 23:59:59
            2028-01-31T02:00:00Z -> 2028-03-01T15:59:59.999999Z = 2028-03-01 23:59:59"#]]
        .assert_eq(&table.join("\n"));
    }

    #[test]
    fn thirty_days_warn_three_days_before() {
        check(
            "cn-cac-summary-30d",
            &grave(),
            "2026-12-15T04:00:00Z",
            &[
                "2027-01-11T15:59:59Z",
                "2027-01-11T16:00:00Z",
                "2027-01-14T15:59:59Z",
                "2027-01-14T16:00:00Z",
            ],
            expect![[r#"
                2027-01-11T15:59:59Z {"state":"running","started":"2026-12-15T04:00:00.000000Z","due":"2027-01-14T15:59:59.999999Z"}
                2027-01-11T16:00:00Z {"state":"due_soon","started":"2026-12-15T04:00:00.000000Z","due":"2027-01-14T15:59:59.999999Z"}
                2027-01-14T15:59:59Z {"state":"due_soon","started":"2026-12-15T04:00:00.000000Z","due":"2027-01-14T15:59:59.999999Z"}
                2027-01-14T16:00:00Z {"state":"overdue","started":"2026-12-15T04:00:00.000000Z","due":"2027-01-14T15:59:59.999999Z"}"#]],
        );
    }

    #[test]
    fn a_duty_without_a_number_is_never_overdue() {
        check(
            "cn-ecl-30",
            &TriggerFacts::default(),
            "2026-11-22T00:00:00Z",
            &["2030-01-01T00:00:00Z"],
            expect![[
                r#"2030-01-01T00:00:00Z {"state":"duty","started":"2026-11-22T00:00:00.000000Z","target":"2026-11-22T04:00:00.000000Z"}"#
            ]],
        );
    }

    #[test]
    fn a_trigger_decides_by_what_is_certain() {
        let facts = [
            TriggerFacts::default(),
            TriggerFacts {
                grade: Some(Grade::General),
                ..TriggerFacts::default()
            },
            TriggerFacts {
                cii: Some(true),
                ..TriggerFacts::default()
            },
            TriggerFacts {
                grade: Some(Grade::EspeciallyMajor),
                ..TriggerFacts::default()
            },
        ];
        let states = facts.map(|facts| {
            let now = at("2026-11-22T00:00:00Z");
            let anchors = Anchors::default();
            shown(&state(
                clock("cn-cac-general-4h"),
                &anchors,
                &facts,
                None,
                None,
                now,
            ))
        });
        expect![[r#"
            {"state":"undecided","missing":"grade"}
            {"state":"not_applicable","reason":"grade"}
            {"state":"not_applicable","reason":"cii"}
            {"state":"undecided","missing":"cii"}"#]]
        .assert_eq(&states.join("\n"));
    }

    #[test]
    fn a_missing_anchor_gives_no_date_even_years_later() {
        for clock in &plan().clocks {
            let facts = TriggerFacts {
                grade: Some(Grade::EspeciallyMajor),
                cii: clock.trigger.cii,
                personal_information: Some(true),
                suspected_crime: Some(true),
                interested_parties: Some(true),
                unauthorised_payment: Some(true),
            };
            let now = at("2036-01-01T00:00:00Z");
            let got = state(clock, &Anchors::default(), &facts, None, None, now);
            let anchor = clock.anchor;
            assert_eq!(got, ClockState::NotStarted { anchor }, "{}", clock.id);
        }
    }

    #[test]
    fn filed_and_waived_stay() {
        let anchors = Anchors {
            discovered: Some(at("2026-11-22T00:00:00Z")),
            ..Anchors::default()
        };
        let (clock, now) = (clock("cn-cac-general-4h"), at("2026-11-23T00:00:00Z"));
        let filed = |time: &str, facts: &TriggerFacts| {
            let waived = Some(at("2026-11-22T01:00:00Z"));
            state(clock, &anchors, facts, Some(at(time)), waived, now)
        };
        let in_time = at("2026-11-22T04:00:00Z");
        let late = at("2026-11-22T04:00:01Z");
        assert_eq!(
            filed("2026-11-22T04:00:00Z", &grave()),
            ClockState::Filed {
                at: in_time,
                late: false
            }
        );
        assert_eq!(
            filed("2026-11-22T04:00:01Z", &TriggerFacts::default()),
            ClockState::Filed {
                at: late,
                late: true
            }
        );
        let waived = state(clock, &anchors, &grave(), None, Some(in_time), now);
        assert_eq!(waived, ClockState::Waived { at: in_time });
        let none = state(clock, &anchors, &grave(), None, None, now);
        assert!(matches!(none, ClockState::Overdue { .. }));
    }
}
