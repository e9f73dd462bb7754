//! The hand-over between shifts, and the brief at the plan's cadence.

use crate::world::{World, holder, person, system};
use incident::brief::SentBrief;
use incident::grading::Impact;
use incident::handover::{HandoverCommand, TAKE_WITHIN_S};
use incident::learning::Topic;
use incident::room::{Mark, RoomCommand};
use incident::{Command, Effect, Fact, Page, Refusal, brief};
use model::{Actor, Digest, PositionId};

fn prepare(world: &mut World, who: &Actor, position: &str) -> Result<(), Refusal> {
    let command = HandoverCommand::Prepare {
        position: PositionId::from(position),
        remarks: "the bank calls back at noon".to_owned(),
    };
    world.give(who, "", Command::Handover(command)).map(drop)
}

fn take(world: &mut World, who: &Actor, number: u32, digest: Digest) -> Result<(), Refusal> {
    let command = HandoverCommand::Take { number, digest };
    world.give(who, "", Command::Handover(command)).map(drop)
}

fn code(answer: Result<(), Refusal>) -> &'static str {
    answer.map_or_else(|refusal| refusal.code(), |()| "done")
}

#[test]
fn two_persons_sign_the_same_sheet() {
    let mut world = World::new();
    let (day, night) = (person("day", &["ciso"]), person("night", &["ciso"]));
    let clerk = holder("marketing_specialist");
    let question = RoomCommand::Write {
        text: "who has the vendor's number?".to_owned(),
        mark: Mark::Question,
        mentions: Vec::new(),
        corrects: None,
        said: None,
    };
    world.done(&day, Command::Room(question));
    assert_eq!(
        code(prepare(&mut world, &clerk, "ciso")),
        "conflict",
        "not theirs"
    );
    assert_eq!(code(prepare(&mut world, &day, "no-such")), "bad");
    assert_eq!(code(prepare(&mut world, &day, "ciso")), "done");
    assert_eq!(
        code(prepare(&mut world, &day, "ciso")),
        "conflict",
        "one waits already"
    );
    let made = world.incident.handovers[0].clone();
    assert_eq!(made.sheet.questions[0].text, "who has the vendor's number?");
    assert!(!made.sheet.tasks.is_empty());
    let other = Digest::of(b"another sheet");
    assert_eq!(code(take(&mut world, &night, 1, other)), "conflict");
    assert_eq!(code(take(&mut world, &day, 1, made.digest)), "same-person");
    assert_eq!(code(take(&mut world, &clerk, 1, made.digest)), "conflict");
    assert_eq!(code(take(&mut world, &night, 2, made.digest)), "unknown");
    assert_eq!(code(take(&mut world, &night, 1, made.digest)), "done");
    assert_eq!(
        code(take(&mut world, &night, 1, made.digest)),
        "wrong-state"
    );
    let signed = &world.incident.handovers[0];
    assert_eq!(signed.sheet, made.sheet, "what was signed does not change");
    world.check();
}

#[test]
fn a_sheet_that_nobody_takes_grows_too_old() {
    let mut world = World::new();
    let (day, night) = (person("day", &["ciso"]), person("night", &["ciso"]));
    prepare(&mut world, &day, "ciso").expect("prepared");
    let digest = world.incident.handovers[0].digest;
    world.later(TAKE_WITHIN_S + 1);
    assert_eq!(code(take(&mut world, &night, 1, digest)), "wrong-state");
    assert_eq!(
        code(prepare(&mut world, &day, "ciso")),
        "done",
        "a fresh one is made"
    );
    let withdraw = |number| Command::Handover(HandoverCommand::Withdraw { number });
    let refused = world.give(&night, "mine", withdraw(2)).map(drop);
    assert_eq!(code(refused), "conflict");
    let bare = world.give(&day, "", withdraw(2)).map(drop);
    assert_eq!(code(bare), "reason-needed");
    world
        .give(&day, "the shift goes on", withdraw(2))
        .expect("withdrawn");
    world.check();
}

#[test]
fn the_largest_sheet_fits_into_a_leaf() {
    let mut world = World::new();
    let day = person("day", &["ciso", "cio"]);
    let worst = "\u{1}".repeat(2_000);
    for _ in 0..40 {
        let due_at = world.now.plus_s(600);
        world.done(
            &day,
            Command::IssueOrder {
                to: incident::people::Addressee::Position(PositionId::from("sysadmin")),
                text: worst.clone(),
                constraint: String::new(),
                due_at,
            },
        );
        for mark in [Mark::Question, Mark::Decision] {
            let write = RoomCommand::Write {
                text: worst.clone(),
                mark,
                mentions: Vec::new(),
                corrects: None,
                said: None,
            };
            world.done(&day, Command::Room(write));
        }
    }
    let command = HandoverCommand::Prepare {
        position: PositionId::from("ciso"),
        remarks: worst,
    };
    world.done(&day, Command::Handover(command));
    assert!(world.incident.handovers[0].sheet.left_out >= 25);
}

#[test]
fn the_management_is_briefed_at_the_cadence_of_the_level() {
    let mut world = World::new();
    let every_s = world
        .plan
        .level(world.incident.level)
        .expect("a level")
        .brief_every_s;
    let first = world.now.plus_s(i64::from(every_s));
    let due = |world: &World| brief::next_due(world.plan, &world.incident);
    assert_eq!(due(&world), Some(first));
    let remind = |at| Command::Room(RoomCommand::RemindBrief { due_at: at });
    let early = world.give(&system(), "", remind(first)).map(drop);
    assert_eq!(code(early), "conflict", "too early");
    world.later(i64::from(every_s) - 60);
    let person = world.give(&holder("cio"), "", remind(first)).map(drop);
    assert_eq!(code(person), "system-only");
    let before = world.effects.len();
    world.done(&system(), remind(first));
    assert!(matches!(
        &world.effects[before..],
        [Effect::Page { page: Page::BriefSoon { due_at, .. }, .. }] if *due_at == first
    ));
    assert_eq!(
        brief::to_remind(world.plan, &world.incident, world.now),
        None,
        "once"
    );
    world.later(120);
    world.done(&system(), Command::SendBrief);
    assert_eq!(due(&world), Some(world.now.plus_s(i64::from(every_s))));
    world.check();
}

#[test]
fn a_brief_stays_as_it_went_out() {
    let mut world = World::new();
    let cio = holder("cio");
    world.done(&system(), Command::SendBrief);
    let decide = |text: &str| Command::RecordDecision {
        topic: Topic::General,
        text: text.to_owned(),
    };
    world.done(&cio, decide("freeze the payouts"));
    world.later(600);
    world.done(&cio, Command::SendBrief);
    world.done(&cio, decide("open them again"));
    let mut stored = world.facts.clone();
    let sent: Vec<SentBrief> = brief::sent(stored.iter()).collect();
    let texts = |sent: &SentBrief| -> Vec<String> {
        let lines = sent.brief.decisions.iter();
        lines.map(|d| d.text.clone()).collect()
    };
    assert_eq!(sent.len(), 2);
    assert_eq!(texts(&sent[0]), Vec::<String>::new());
    assert_eq!(texts(&sent[1]), ["freeze the payouts"]);
    assert_eq!((sent[1].number, &sent[1].by), (2, &cio));
    assert_eq!(sent[1].at.since_s(sent[0].at), 600.0);
    assert!(sent.iter().all(SentBrief::holds));
    world.check();

    // Whoever changes what is stored changes what its digest says.
    for recorded in &mut stored {
        if let Fact::BriefSent {
            kept: Some(kept), ..
        } = &mut recorded.fact
        {
            kept.text = kept.text.replacen("\"altered\":0", "\"altered\":1", 1);
        }
    }
    let changed: Vec<bool> = brief::sent(stored.iter()).map(|s| !s.holds()).collect();
    assert_eq!(changed, [true, true]);
    // Those from before briefs were kept as they went out are read, and cannot be shown.
    for old in [
        r#"{"fact":"brief_sent","number":7}"#,
        r#"{"fact":"brief_sent","number":7,"kept":null}"#,
        r#"{"fact":"brief_sent","number":7,"kept":{"brief":{"code_name":"x"},"digest":"00"}}"#,
    ] {
        let old: Fact = serde_json::from_str(old).expect("read");
        let none = Fact::BriefSent {
            number: 7,
            kept: None,
        };
        assert_eq!(old, none);
    }
}

#[test]
fn the_largest_brief_fits_into_a_leaf() {
    let mut world = World::new();
    let cio = person("cio", &["cio", "ciso", "sysadmin"]);
    let worst = "\u{1}".repeat(2_000);
    for _ in 0..30 {
        let due_at = world.now.plus_s(600);
        let order = Command::IssueOrder {
            to: incident::people::Addressee::Position(PositionId::from("sysadmin")),
            text: worst.clone(),
            constraint: worst.clone(),
            due_at,
        };
        world.done(&cio, order);
        let decision = Command::RecordDecision {
            topic: Topic::General,
            text: worst.clone(),
        };
        world.done(&cio, decision);
    }
    let impact = Impact {
        note: worst,
        ..Impact::default()
    };
    world.done(&cio, Command::RecordImpact { impact });
    world.later(1_200);
    world.done(&cio, Command::SendBrief);
    let sent = brief::sent(world.facts.iter()).next().expect("sent");
    assert_eq!(sent.brief.orders.len(), brief::BRIEF_ORDERS);
    assert_eq!(sent.brief.more_orders, 30 - brief::BRIEF_ORDERS as u32);
    assert!(
        sent.brief
            .orders
            .iter()
            .all(|o| o.overdue && o.text.ends_with('…'))
    );
    assert!(sent.holds());
}
