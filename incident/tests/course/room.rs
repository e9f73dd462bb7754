//! What is said in the war room: on the record, in order, never taken back.

use crate::world::{World, holder, person};
use expect_test::expect;
use incident::people::Addressee;
use incident::room::{MAX_MENTIONS, Mark, RoomCommand, Said};
use incident::{Command, Effect, Page, Recorded, Refusal};
use model::{Actor, GroupId, PositionId};

fn write(text: &str, mark: Mark) -> RoomCommand {
    RoomCommand::Write {
        text: text.to_owned(),
        mark,
        mentions: Vec::new(),
        corrects: None,
        said: None,
    }
}

fn put_right(text: &str, earlier: u32) -> RoomCommand {
    RoomCommand::Write {
        text: text.to_owned(),
        mark: Mark::Plain,
        mentions: Vec::new(),
        corrects: Some(earlier),
        said: None,
    }
}

fn naming(mentions: Vec<Addressee>) -> RoomCommand {
    RoomCommand::Write {
        text: "look".to_owned(),
        mark: Mark::Plain,
        mentions,
        corrects: None,
        said: None,
    }
}

fn position(id: &str) -> Addressee {
    Addressee::Position(PositionId::from(id))
}

fn table(world: &mut World, asks: Vec<(&Actor, &str, RoomCommand)>) -> String {
    let told = |answer: Result<Vec<Recorded>, Refusal>| match answer {
        Ok(facts) => format!("{} facts", facts.len()),
        Err(refusal) => format!("refused {}: {refusal}", refusal.code()),
    };
    let lines = asks
        .into_iter()
        .map(|(actor, reason, command)| told(world.give(actor, reason, Command::Room(command))));
    let out = lines.collect::<Vec<_>>().join("\n");
    world.check();
    out
}

#[test]
fn notes_are_numbered_and_put_right_by_their_own_author_once() {
    let mut world = World::new();
    let (cio, admin, auditor) = (holder("cio"), holder("sysadmin"), holder("auditor"));
    let asks = vec![
        (&cio, "", write("the payouts are frozen", Mark::Decision)),
        (&admin, "", write("no", Mark::Decision)),
        (&admin, "", write("since when?", Mark::Question)),
        (&auditor, "", write("hm", Mark::Plain)),
        (&admin, "", write("  \n ", Mark::Plain)),
        (&admin, "", write(&"长".repeat(2_000), Mark::Plain)),
        (&admin, "", write(&"长".repeat(2_001), Mark::Plain)),
        (&admin, "", put_right("not frozen", 1)),
        (&cio, "", put_right("frozen from 10:00", 1)),
        (&cio, "", put_right("frozen from 11:00", 1)),
        (&cio, "", put_right("x", 99)),
    ];
    expect![[r#"
        1 facts
        refused not-allowed: the plan does not give `record_decision` to the positions held
        1 facts
        refused not-allowed: the plan does not give `write_note` to the positions held
        refused bad: `text` is not acceptable: empty
        1 facts
        refused bad: `text` is not acceptable: too-long
        refused conflict: note conflicts with what stands: of-another
        1 facts
        refused conflict: note conflicts with what stands: changed
        refused unknown: there is no note `99` in this incident"#]]
    .assert_eq(&table(&mut world, asks));
    let room = &world.incident.room;
    let numbers: Vec<u32> = room.notes.iter().map(|n| n.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
    assert_eq!(room.note(1).and_then(|n| n.corrected_by), Some(4));
    assert_eq!(
        room.decisions().count(),
        0,
        "a decision put right stands no more"
    );
}

#[test]
fn words_from_elsewhere_keep_the_time_at_which_they_were_said() {
    let mut world = World::new();
    let said_at = world.now;
    world.later(3_600);
    let quoted = |at| RoomCommand::Write {
        text: "I have pulled the plug".to_owned(),
        mark: Mark::Plain,
        mentions: Vec::new(),
        corrects: None,
        said: Some(Said {
            by: "night shift".to_owned(),
            place: "ops chat".to_owned(),
            at,
        }),
    };
    let admin = holder("sysadmin");
    let tomorrow = world.now.plus_s(86_400);
    let asks = vec![
        (&admin, "", quoted(said_at)),
        (&admin, "", quoted(tomorrow)),
    ];
    expect![[r#"
        1 facts
        refused bad: `said-at` is not acceptable: time"#]]
    .assert_eq(&table(&mut world, asks));
    let line = world.incident.timeline.last().expect("a line of it");
    assert_eq!(
        (line.kind.as_str(), line.at, line.recorded_at),
        ("room-quoted", said_at, world.now)
    );
}

#[test]
fn who_is_named_is_told_once() {
    let mut world = World::new();
    let cio = holder("cio");
    let group = world.plan.groups[1].clone();
    let named = vec![
        position("legal_counsel"),
        position("legal_counsel"),
        Addressee::Group(group.id.clone()),
        position(group.lead.as_str()),
    ];
    let before = world.effects.len();
    let crowd = vec![position("cio"); MAX_MENTIONS + 1];
    let nobody = vec![Addressee::Group(GroupId::from("no-such"))];
    let asks = vec![
        (&cio, "", naming(named)),
        (&cio, "", naming(crowd)),
        (&cio, "", naming(nobody)),
    ];
    let said = table(&mut world, asks);
    assert!(said.starts_with("1 facts\nrefused bound: "), "{said}");
    assert!(said.ends_with("not-in-plan"), "{said}");
    let told: Vec<String> = world.effects[before..]
        .iter()
        .filter_map(|effect| match effect {
            Effect::Page {
                page: Page::Mention {
                    position, note: 1, ..
                },
                ..
            } => Some(position.to_string()),
            _ => None,
        })
        .collect();
    let mut once = told.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), told.len(), "{told:?}");
    assert!(told.contains(&"legal_counsel".to_owned()) && told.contains(&group.lead.to_string()));
}

#[test]
fn one_objective_stands_and_the_code_name_changes_with_a_reason() {
    let mut world = World::new();
    let (cio, admin) = (holder("cio"), holder("sysadmin"));
    let both = person("both", &["ciso", "sysadmin"]);
    let aim = |text: &str| RoomCommand::SetObjective {
        text: text.to_owned(),
    };
    let name = |text: &str| RoomCommand::Rename {
        code_name: text.to_owned(),
    };
    let asks = vec![
        (&admin, "", aim("stop the refunds")),
        (&cio, "", aim("stop the refunds")),
        (&both, "", aim("stop the refunds")),
        (&both, "", aim("find the way in")),
        (&cio, "", name("Heron")),
        (&cio, "the old one tells too much", name("Heron")),
        (&cio, "again", name("Heron")),
    ];
    expect![[r#"
        refused not-allowed: the plan does not give `issue_order` to the positions held
        1 facts
        refused conflict: objective conflicts with what stands: unchanged
        1 facts
        refused reason-needed: a reason is needed
        1 facts
        refused conflict: code-name conflicts with what stands: unchanged"#]]
    .assert_eq(&table(&mut world, asks));
    let (room, i) = (&world.incident.room, &world.incident);
    assert_eq!(
        room.objective().map(|o| o.text.as_str()),
        Some("find the way in")
    );
    assert_eq!(
        (i.code_name.as_str(), room.former_names.as_slice()),
        ("Heron", &["Lantern".to_owned()][..])
    );
}
