//! The sheet for the day on which the usual channels are down lies on disk as people, positions,
//! days and plan stand, without anybody asking for it.

use desk::config::Config;
use desk::{DataFolder, Desk, Profile};
use model::{AccountId, Actor, Operation, PositionId, RequestId};
use std::sync::Arc;
use std::time::{Duration, Instant};
use testkit::{TempFolder, VirtualClock};

const PASSWORD: &str = "correct horse battery staple";
const LONG: Duration = Duration::from_secs(20);

fn sheet(desk: &Desk) -> String {
    let path = desk.folder().emergency().join("call-tree.en.txt");
    std::fs::read_to_string(path).unwrap_or_default()
}

/// Waits until the sheet on disk is `right`.
fn until(desk: &Desk, clock: &VirtualClock, what: &str, right: impl Fn(&str) -> bool) {
    let begun = Instant::now();
    let mut seen = 0;
    while !right(&sheet(desk)) {
        assert!(begun.elapsed() < LONG, "{what}: {}", sheet(desk));
        // Changes wait a second of the desk's clock for one another.
        clock.advance_s(1);
        seen = desk.wait_for_change(seen, Duration::from_millis(20));
    }
}

fn op(desk: &Desk, request: &str) -> Operation {
    Operation {
        actor: Actor::Person {
            account: AccountId::new("second"),
            name: "second".into(),
            positions: vec![PositionId::new("ciso")],
        },
        reason: "a new post".into(),
        request: RequestId::new(request),
        now: desk.now(),
    }
}

#[test]
fn the_sheet_follows_people_positions_days_and_plan() {
    let folder = TempFolder::new();
    let data = DataFolder::new(folder.join("data"));
    let clock = VirtualClock::default();
    let open = |config: Config| {
        let clock = Arc::new(clock.clone());
        Desk::open_with(data.clone(), config, clock).expect("a desk opens")
    };
    let desk = open(Config::default());
    let positions = |names: &[&str]| {
        names
            .iter()
            .map(|p| PositionId::from(*p))
            .collect::<Vec<_>>()
    };
    for (name, held) in [("boss", "cio"), ("second", "ciso"), ("zhao", "sysadmin")] {
        let id = AccountId::new(name);
        let added = desk.add_account(&id, name, &positions(&[held]), PASSWORD);
        added.expect("a new account");
    }
    let zhao = AccountId::new("zhao");
    let profile = Profile {
        phone: "+86 571 8888 0000".into(),
        ..Profile::default()
    };
    desk.set_profile(&zhao, &profile, 0).expect("a profile");
    until(&desk, &clock, "a new person", |s| {
        s.contains("+86 571 8888 0000")
    });

    let outcome = desk.disable(&op(&desk, "disable"), &zhao);
    outcome.expect("the account is closed");
    until(&desk, &clock, "somebody who left", |s| {
        s.contains("boss") && !s.contains("8888 0000")
    });
    let made = |text: &str| {
        text.lines()
            .find(|l| l.contains("2026-01-"))
            .map(str::to_owned)
    };
    let before = made(&sheet(&desk)).expect("when it was made");
    clock.advance_s(2 * 86_400);
    until(&desk, &clock, "another day", |s| {
        made(s).is_some_and(|now| now != before)
    });
    desk.stop();
    drop(desk);

    let mut plan = plan::built_in::plan().clone();
    plan.contacts[0].reach.en = "ring 0571-5555 and say heron".into();
    let file = folder.join("plan.json");
    std::fs::write(&file, serde_json::to_string(&plan).expect("JSON")).expect("a file");
    let mut config = Config::default();
    config.plan.file = Some(file);
    let desk = open(config);
    until(&desk, &clock, "another plan", |s| s.contains("say heron"));
    desk.stop();
}
