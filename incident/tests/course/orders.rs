//! Orders after their issue: to a person, changed, checked by a second person, late.

use crate::world::{World, holder, person, system};
use expect_test::expect;
use incident::orders::{OrderCommand, OrderedPerson};
use incident::people::{Addressee, OrderState};
use incident::{Command, Effect, Page, Recorded, Refusal};
use model::{AccountId, Actor, Instant, OrderId, PositionId};
use proptest::prelude::*;

fn admin() -> Addressee {
    Addressee::Person(OrderedPerson {
        account: AccountId::from("sysadmin"),
        name: "sysadmin".to_owned(),
        position: PositionId::from("sysadmin"),
    })
}

fn issue(due_at: Instant) -> Command {
    Command::IssueOrder {
        to: admin(),
        text: "rotate the keys".to_owned(),
        constraint: String::new(),
        due_at,
    }
}

fn first() -> OrderId {
    OrderId::from("O-1")
}

fn bind(constraints: &[&str], verify: bool) -> Command {
    Command::Order(OrderCommand::Bind {
        constraints: constraints.iter().map(|c| (*c).to_owned()).collect(),
        verify,
    })
}

fn accept(seen: u32) -> Command {
    Command::AcceptOrder {
        order: first(),
        seen: Some(seen),
    }
}

fn complete() -> Command {
    Command::CompleteOrder {
        order: first(),
        result: "rotated".to_owned(),
    }
}

fn change(seen: u32, text: &str, due_at: Instant) -> Command {
    Command::Order(OrderCommand::Change {
        order: first(),
        seen,
        to: admin(),
        text: text.to_owned(),
        due_at,
    })
}

fn verify(seen: u32) -> Command {
    Command::Order(OrderCommand::Verify {
        order: first(),
        seen,
    })
}

fn send_back(seen: u32) -> Command {
    Command::Order(OrderCommand::SendBack {
        order: first(),
        seen,
    })
}

fn remind(stage: u8) -> Command {
    Command::Order(OrderCommand::Remind {
        order: first(),
        stage,
    })
}

fn told(answer: &Result<Vec<Recorded>, Refusal>) -> String {
    match answer {
        Err(refusal) => format!("refused {}: {refusal}", refusal.code()),
        Ok(facts) => {
            let kinds = facts.iter().map(|f| {
                let json = serde_json::to_value(&f.fact).unwrap();
                let name = json.get("order_fact").unwrap_or(&json["fact"]).clone();
                name.as_str().unwrap().to_owned()
            });
            kinds.collect::<Vec<_>>().join(", ")
        }
    }
}

fn table(world: &mut World, asks: Vec<(&Actor, &str, Command)>) -> String {
    let lines = asks
        .into_iter()
        .map(|(actor, reason, command)| told(&world.give(actor, reason, command)));
    let out = lines.collect::<Vec<_>>().join("\n");
    world.check();
    out
}

#[test]
fn a_result_is_checked_by_somebody_else_where_the_plan_asks_for_it() {
    let mut world = World::new();
    let (cio, ciso, admin) = (holder("cio"), holder("ciso"), holder("sysadmin"));
    let both = person("sysadmin", &["sysadmin", "ciso"]);
    let due = world.now.plus_s(600);
    let asks = vec![
        (&cio, "", bind(&[], true)),
        (&cio, "", issue(due)),
        (&ciso, "", bind(&["no_wipe"], false)),
        (&cio, "", bind(&["no_such"], false)),
        (&cio, "", bind(&["no_wipe"], false)),
        (&ciso, "", accept(0)),
        (&admin, "", complete()),
        (&admin, "", accept(0)),
        (&cio, "", verify(0)),
        (&admin, "", complete()),
        (&admin, "", verify(0)),
        (&both, "", verify(0)),
        (&ciso, "", send_back(0)),
        (&ciso, "the old key still works", send_back(0)),
        (&admin, "", complete()),
        (&ciso, "", verify(1)),
        (&ciso, "", verify(0)),
        (&cio, "", verify(0)),
    ];
    expect![[r#"
        refused unknown: there is no order `` in this incident
        order_issued
        refused unknown: there is no order `` in this incident
        refused bad: `constraint` is not acceptable: not-in-plan
        bound
        refused not-addressed: this order is addressed to somebody else
        refused wrong-state: order is `issued`, which does not allow this
        order_accepted
        refused wrong-state: order is `accepted`, which does not allow this
        order_completed
        refused not-allowed: the plan does not give `issue_order` to the positions held
        refused same-person: the person who did the first half must not do the second
        refused reason-needed: a reason is needed
        sent_back
        order_completed
        refused conflict: order conflicts with what stands: changed
        verified
        refused wrong-state: order is `done`, which does not allow this"#]]
    .assert_eq(&table(&mut world, asks));
}

#[test]
fn a_changed_order_is_asked_again_and_keeps_what_it_was() {
    let mut world = World::new();
    let (cio, admin) = (holder("cio"), holder("sysadmin"));
    let due = world.now.plus_s(600);
    let asks = vec![
        (&cio, "", issue(due)),
        (&admin, "", accept(0)),
        (&cio, "", change(0, "rotate all keys", due)),
        (&cio, "more was touched", change(0, "rotate the keys", due)),
        (&cio, "more was touched", change(0, "rotate all keys", due)),
        (&cio, "more was touched", change(0, "lost update", due)),
        (&admin, "", complete()),
        (&admin, "", accept(0)),
        (&admin, "", accept(1)),
    ];
    expect![[r#"
        order_issued
        order_accepted
        refused reason-needed: a reason is needed
        refused conflict: order conflicts with what stands: unchanged
        changed
        refused conflict: order conflicts with what stands: changed
        refused wrong-state: order is `issued`, which does not allow this
        refused conflict: order conflicts with what stands: changed
        order_accepted"#]]
    .assert_eq(&table(&mut world, asks));
    let order = &world.incident.orders[0];
    assert_eq!(order.text, "rotate all keys");
    assert_eq!(order.course.earlier[0].text, "rotate the keys");
}

#[test]
fn a_late_order_reminds_once_and_goes_up_once() {
    let mut world = World::new();
    let (cio, clock) = (holder("ciso"), system());
    world.done(&cio, issue(world.now.plus_s(600)));
    let before = world.effects.len();
    assert_eq!(
        world.refused(&clock, remind(1)).code(),
        "conflict",
        "not late yet"
    );
    world.later(601);
    world.done(&clock, remind(1));
    assert_eq!(world.refused(&clock, remind(1)).code(), "conflict");
    assert_eq!(world.refused(&clock, remind(2)).code(), "conflict");
    assert_eq!(world.refused(&cio, remind(2)).code(), "system-only");
    world.later(900);
    world.done(&clock, remind(2));
    assert_eq!(world.refused(&clock, remind(2)).code(), "conflict");
    let told: Vec<String> = world.effects[before..]
        .iter()
        .filter_map(|e| match e {
            Effect::Page {
                page:
                    Page::Order {
                        position,
                        account,
                        overdue,
                        ..
                    },
                ..
            } => Some(format!("{overdue} {position} {account:?}")),
            _ => None,
        })
        .collect();
    expect![[r#"
        1 sysadmin Some(AccountId("sysadmin"))
        2 ciso None
        2 cio None"#]]
    .assert_eq(&told.join("\n"));
    world.check();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Done never without accepted, checked never by the doer, each reminder once a version.
    #[test]
    fn no_course_of_an_order_breaks_its_rules(
        asks in proptest::collection::vec((0..9_u8, 0..3_u8, 0..3_u32, 0..700_i64), 1..60),
    ) {
        let mut world = World::new();
        let people = [
            person("one", &["cio", "sysadmin"]),
            person("sysadmin", &["sysadmin", "ciso"]),
            holder("ciso"),
        ];
        world.done(&people[0], issue(world.now.plus_s(600)));
        world.done(&people[0], bind(&["two_persons"], false));
        let (mut accepted, mut reminders) = (false, Vec::new());
        for (which, who, seen, secs) in asks {
            world.later(secs);
            let command = match which {
                0 => accept(seen),
                1 => Command::RefuseOrder { order: first() },
                2 => complete(),
                3 | 4 => verify(seen),
                5 => send_back(seen),
                6 => change(seen, &format!("text {secs}"), world.now.plus_s(60)),
                n => remind(n - 6),
            };
            let late = matches!(command, Command::Order(OrderCommand::Remind { .. }));
            let actor = if late { system() } else { people[usize::from(who)].clone() };
            let version = world.incident.orders[0].course.version;
            if world.give(&actor, "because", command).is_ok() {
                match which {
                    0 => accepted = true,
                    2 => prop_assert!(accepted, "done without being accepted"),
                    6 => accepted = false,
                    7 | 8 => {
                        prop_assert!(!reminders.contains(&(version, which)));
                        reminders.push((version, which));
                    }
                    _ => {}
                }
            }
            let order = &world.incident.orders[0];
            if let (OrderState::Done { by, .. }, Some(checked)) = (&order.state, &order.course.verified) {
                prop_assert_ne!(by.account(), checked.by.account());
                prop_assert!(order.settled());
            }
        }
        world.check();
    }
}
