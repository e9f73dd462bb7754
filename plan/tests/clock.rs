//! States of the statutory clocks: bounds, year ends, midnight in Shanghai, missing anchors.

use expect_test::{Expect, expect};
use model::{Grade, Instant};
use plan::StatutoryClock;
use plan::built_in::plan;
use plan::clock::{Anchors, ClockState, TriggerFacts, ZONE, state};

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
