//! The rota: turns over the gaps and overlaps of summer time, year ends, overrides, absences, gaps.

use incident::rota::{
    Absence, Covers, Every, Layer, Override, RotaProblem, Schedule, Why, on_duty, shifts,
};
use jiff::civil::{Weekday, date, time};
use model::{AccountId, Instant};

const ZONES: [&str; 5] = [
    "Asia/Shanghai",
    "Europe/Berlin",
    "America/New_York",
    // Half an hour of summer time.
    "Australia/Lord_Howe",
    // Midnight itself is skipped.
    "America/Santiago",
];

fn schedule(zone: &str, every: Every, people: &[&str]) -> Schedule {
    Schedule {
        title: "leading".into(),
        covers: Covers::Position("cio".into()),
        time_zone: zone.into(),
        layers: vec![Layer {
            every,
            from: date(2025, 12, 29),
            until: None,
            hand_over: time(8, 0, 0, 0),
            weekday: Weekday::Monday,
            participants: people.iter().map(|p| AccountId::new(*p)).collect(),
        }],
        overrides: Vec::new(),
    }
}

fn at(zone: &str, local: &str) -> Instant {
    let local: jiff::civil::DateTime = local.parse().unwrap();
    Instant(local.in_tz(zone).unwrap().timestamp().as_microsecond())
}

fn who(schedule: &Schedule, absences: &[Absence], at: Instant) -> String {
    on_duty(schedule, absences, at).map_or("-".into(), |d| format!("{} {}", d.who, d.why.code()))
}

#[test]
fn a_weekly_turn_begins_on_its_weekday_at_the_wall_clock_in_every_zone_all_year() {
    for zone in ZONES {
        let weekly = schedule(zone, Every::Weeks(1), &["a", "b", "c"]);
        weekly.check().unwrap();
        let mut monday = date(2025, 12, 29);
        for week in 0..60 {
            let hand_over = monday.at(8, 0, 0, 0).in_tz(zone).unwrap();
            let hand_over = Instant(hand_over.timestamp().as_microsecond());
            let person = ["a", "b", "c"][week % 3];
            assert_eq!(
                who(&weekly, &[], hand_over),
                format!("{person} turn"),
                "{zone} {monday}"
            );
            if week > 0 {
                let before = ["a", "b", "c"][(week - 1) % 3];
                let just = Instant(hand_over.0 - 1);
                assert_eq!(
                    who(&weekly, &[], just),
                    format!("{before} turn"),
                    "{zone} {monday}"
                );
            }
            monday = monday.checked_add(jiff::Span::new().weeks(1)).unwrap();
        }
    }
}

#[test]
fn a_daily_turn_has_23_or_25_hours_when_the_clock_is_set() {
    let daily = schedule("Europe/Berlin", Every::Days(1), &["a", "b"]);
    let from = at("Europe/Berlin", "2026-03-27T08:00");
    let spring = shifts(&daily, &[], from, at("Europe/Berlin", "2026-03-31T08:00"));
    let hours: Vec<f64> = spring
        .iter()
        .map(|s| s.to.since_s(s.from) / 3600.0)
        .collect();
    assert_eq!(hours, [24.0, 23.0, 24.0, 24.0]);
    let from = at("Europe/Berlin", "2026-10-23T08:00");
    let autumn = shifts(&daily, &[], from, at("Europe/Berlin", "2026-10-27T08:00"));
    let hours: Vec<f64> = autumn
        .iter()
        .map(|s| s.to.since_s(s.from) / 3600.0)
        .collect();
    assert_eq!(hours, [24.0, 25.0, 24.0, 24.0]);
}

#[test]
fn a_turn_of_twelve_hours_stays_at_its_wall_clock_times() {
    let halves = schedule("America/New_York", Every::Hours(12), &["day", "night"]);
    for day in [
        "2026-03-07",
        "2026-03-08",
        "2026-03-09",
        "2026-11-01",
        "2026-12-31",
    ] {
        let local = |time: &str| at("America/New_York", &format!("{day}T{time}"));
        assert_eq!(who(&halves, &[], local("08:00")), "day turn", "{day}");
        assert_eq!(who(&halves, &[], local("19:59:59")), "day turn", "{day}");
        assert_eq!(who(&halves, &[], local("20:00")), "night turn", "{day}");
    }
}

#[test]
fn a_turn_that_falls_into_the_gap_has_no_length_and_nothing_is_left_open() {
    // In Berlin 02:00 to 03:00 does not exist on 2026-03-29.
    for zone in ZONES {
        let hourly = schedule(zone, Every::Hours(1), &["a", "b", "c", "d", "e"]);
        for (from, to) in [
            ("2026-03-28T00:00", "2026-04-07T00:00"),
            ("2026-09-04T00:00", "2026-09-08T00:00"),
            ("2026-10-03T00:00", "2026-11-03T00:00"),
        ] {
            let (from, to) = (at(zone, from), at(zone, to));
            let all = shifts(&hourly, &[], from, to);
            assert_eq!(all[0].from, from);
            assert_eq!(all.last().unwrap().to, to);
            for pair in all.windows(2) {
                assert_eq!(pair[0].to, pair[1].from);
                assert!(pair[0].from < pair[0].to);
            }
            for shift in &all {
                assert!(shift.duty.is_some(), "{zone}: a gap at {}", shift.from);
                let middle = Instant((shift.from.0 + shift.to.0) / 2);
                assert_eq!(shift.duty, on_duty(&hourly, &[], middle));
            }
        }
    }
}

#[test]
fn before_the_first_turn_and_after_the_last_there_is_a_gap() {
    let mut daily = schedule("Asia/Shanghai", Every::Days(1), &["a", "b"]);
    daily.layers[0].until = Some(date(2025, 12, 31));
    let local = |time: &str| at("Asia/Shanghai", time);
    assert_eq!(who(&daily, &[], local("2025-12-29T07:59")), "-");
    assert_eq!(who(&daily, &[], local("2025-12-31T12:00")), "a turn");
    assert_eq!(
        who(&daily, &[], local("2026-01-01T07:59")),
        "a turn",
        "over the year's end"
    );
    assert_eq!(who(&daily, &[], local("2026-01-01T08:00")), "-");
    let all = shifts(
        &daily,
        &[],
        local("2025-12-28T00:00"),
        local("2026-01-05T00:00"),
    );
    let people: Vec<Option<&str>> = all
        .iter()
        .map(|s| s.duty.as_ref().map(|d| d.who.as_str()))
        .collect();
    assert_eq!(people, [None, Some("a"), Some("b"), Some("a"), None]);
}

#[test]
fn an_absence_moves_the_duty_to_the_next_and_an_override_counts_before_all() {
    let mut weekly = schedule("Asia/Shanghai", Every::Weeks(1), &["a", "b", "c"]);
    let local = |time: &str| at("Asia/Shanghai", time);
    let away = |who: &str| Absence {
        who: who.into(),
        from: local("2026-01-06T00:00"),
        to: local("2026-01-08T00:00"),
    };
    // The week of 5 January is b's.
    let noon = local("2026-01-07T12:00");
    assert_eq!(who(&weekly, &[], noon), "b turn");
    assert_eq!(who(&weekly, &[away("b")], noon), "c next-in-line");
    assert_eq!(
        who(&weekly, &[away("b"), away("c")], noon),
        "a next-in-line"
    );
    let all = [away("a"), away("b"), away("c")];
    assert_eq!(
        who(&weekly, &all, noon),
        "-",
        "all absent: a gap, and it shows"
    );
    assert_eq!(
        who(&weekly, &[away("b")], local("2026-01-08T00:00")),
        "b turn"
    );

    weekly.overrides.push(Override {
        who: "d".into(),
        instead_of: Some("b".into()),
        from: local("2026-01-07T09:00"),
        to: local("2026-01-07T18:00"),
    });
    let duty = on_duty(&weekly, &[away("b")], noon).unwrap();
    assert_eq!((duty.who.as_str(), duty.why), ("d", Why::Override));
    assert_eq!(duty.instead_of, Some("b".into()));
    assert_eq!(
        who(&weekly, &[away("d")], noon),
        "b turn",
        "who stands in is absent too"
    );
    // For somebody who is not on duty then, an override means nothing.
    weekly.overrides[0].instead_of = Some("a".into());
    assert_eq!(who(&weekly, &[], noon), "b turn");
    weekly.overrides[0].instead_of = None;
    assert_eq!(who(&weekly, &all, noon), "d override", "it fills a gap");
}

#[test]
fn an_upper_layer_counts_where_it_has_somebody() {
    let mut both = schedule("Asia/Shanghai", Every::Weeks(1), &["a"]);
    let mut upper = both.layers[0].clone();
    upper.from = date(2026, 1, 10);
    upper.until = Some(date(2026, 1, 10));
    upper.every = Every::Days(2);
    upper.participants = vec!["w".into()];
    both.layers.push(upper);
    let local = |time: &str| at("Asia/Shanghai", time);
    assert_eq!(who(&both, &[], local("2026-01-10T07:00")), "a turn");
    assert_eq!(who(&both, &[], local("2026-01-11T23:00")), "w turn");
    assert_eq!(who(&both, &[], local("2026-01-12T08:00")), "a turn");
    let gone = Absence {
        who: "w".into(),
        from: local("2026-01-01T00:00"),
        to: local("2026-02-01T00:00"),
    };
    assert_eq!(
        who(&both, &[gone], local("2026-01-11T23:00")),
        "a next-in-line"
    );
}

#[test]
fn what_cannot_be_kept_is_refused() {
    let good = schedule("Asia/Shanghai", Every::Weeks(1), &["a"]);
    type Spoil = fn(&mut Schedule);
    let cases: [(Spoil, RotaProblem); 8] = [
        (|s| s.title = "a\nb".into(), RotaProblem::Title),
        (|s| s.title = "值".repeat(81), RotaProblem::Title),
        (|s| s.time_zone = "Beijing".into(), RotaProblem::Zone),
        (|s| s.layers.clear(), RotaProblem::Layers),
        (
            |s| s.layers[0].participants.push("a".into()),
            RotaProblem::Participants,
        ),
        (|s| s.layers[0].every = Every::Hours(0), RotaProblem::Turn),
        (|s| s.layers[0].from = date(9999, 12, 31), RotaProblem::Turn),
        (
            |s| {
                s.overrides.push(Override {
                    who: "a".into(),
                    instead_of: None,
                    from: Instant(5),
                    to: Instant(5),
                });
            },
            RotaProblem::Spans,
        ),
    ];
    assert_eq!(good.check(), Ok(()));
    for (spoil, problem) in cases {
        let mut bad = good.clone();
        spoil(&mut bad);
        assert_eq!(bad.check(), Err(problem));
    }
}

#[test]
fn a_schedule_is_read_back_as_it_was_written() {
    let mut full = schedule("Asia/Shanghai", Every::Hours(12), &["a", "b"]);
    full.layers[0].until = Some(date(2026, 12, 31));
    full.overrides.push(Override {
        who: "c".into(),
        instead_of: Some("a".into()),
        from: Instant(1),
        to: Instant(2),
    });
    let json = serde_json::to_string(&full).unwrap();
    assert_eq!(serde_json::from_str::<Schedule>(&json).unwrap(), full);
    assert!(
        json.contains("\"2026-12-31\"") && json.contains("\"weekday\":1"),
        "{json}"
    );
}
