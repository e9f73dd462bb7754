//! Resources from the request to the return: who answers, how much there is, what must be back.

use crate::world::{World, holder, person, system};
use incident::conditions::{self, Leaving};
use incident::refusal::BadValue;
use incident::resource::{Late, ResourceCommand, ReturnCondition};
use incident::{Command, Effect, Page, Refusal};

fn ask(world: &World, what: &str, amount: i64) -> Command {
    Command::Resource(ResourceCommand::Request {
        what: what.to_owned(),
        amount,
        order: None,
        task: Some("p1-receive-report".into()),
        needed_by: world.now.plus_s(600),
    })
}

fn grant(world: &World, request: &str, amount: i64) -> Command {
    Command::Resource(ResourceCommand::Grant {
        request: request.to_owned(),
        amount,
        conditions: "wiped afterwards".to_owned(),
        until: world.now.plus_s(3600),
    })
}

fn back(request: &str, amount: i64, condition: ReturnCondition) -> Command {
    Command::Resource(ResourceCommand::Return {
        request: request.to_owned(),
        amount,
        condition,
    })
}

fn told(world: &World) -> Vec<String> {
    let page = |e: &Effect| match e {
        Effect::Page {
            page:
                Page::Resource {
                    request,
                    position,
                    news,
                    account,
                    ..
                },
            ..
        } => Some(format!(
            "{request} {news:?} {position} {}",
            account.is_some()
        )),
        _ => None,
    };
    world.effects.iter().filter_map(page).collect()
}

#[test]
fn a_server_goes_out_and_comes_back() {
    let mut world = World::new();
    let (admin, head) = (holder("sysadmin"), holder("head_support"));
    let wanted = ask(&world, "standby-database-server", 2);
    world.done(&admin, wanted);
    let given = grant(&world, "R-1", 2);
    let stranger = world.refused(&holder("head_legal"), given.clone());
    assert!(
        matches!(stranger, Refusal::NotAddressed { .. }),
        "{stranger}"
    );
    world.done(&head, given);
    assert_eq!(
        told(&world),
        ["R-1 Asked head_support false", "R-1 Granted sysadmin true"]
    );
    let codes = |world: &World| -> Vec<String> {
        let missing =
            conditions::missing(world.plan, &world.incident, Leaving::Incident, world.now);
        let about = missing
            .into_iter()
            .filter(|m| m.code.starts_with("resource"));
        about.map(|m| m.code).collect()
    };
    assert_eq!(codes(&world), ["resource-out"]);
    world.done(&admin, back("R-1", 1, ReturnCondition::Good));
    let lost = world.refused(
        &holder("legal_counsel"),
        back("R-1", 1, ReturnCondition::WrittenOff),
    );
    assert!(
        matches!(lost, Refusal::NotAddressed { .. }),
        "whoever answers for it writes it off"
    );
    let silent = world.give(&head, "", back("R-1", 1, ReturnCondition::WrittenOff));
    assert_eq!(silent.unwrap_err(), Refusal::ReasonNeeded);
    world.done(&head, back("R-1", 1, ReturnCondition::WrittenOff));
    assert_eq!(codes(&world), Vec::<String>::new());
    let gone = world.refused(&admin, back("R-1", 1, ReturnCondition::Good));
    assert!(matches!(gone, Refusal::WrongState { .. }));
    // One of the two is lost for good.
    let wanted = ask(&world, "standby-database-server", 2);
    world.done(&admin, wanted);
    let given = grant(&world, "R-2", 2);
    let refused = world.refused(&head, given);
    assert!(matches!(refused, Refusal::Conflict { .. }), "{refused}");
    let one = grant(&world, "R-2", 1);
    world.done(&head, one);
    world.check();
}

#[test]
fn nobody_grants_what_they_asked_for_where_the_plan_wants_two() {
    let mut world = World::new();
    let head = person("h", &["head_support"]);
    let wanted = ask(&world, "standby-app-server", 1);
    world.done(&head, wanted);
    let given = grant(&world, "R-1", 1);
    assert_eq!(world.refused(&head, given.clone()), Refusal::SamePerson);
    world.done(&person("other", &["head_support"]), given);
    let wanted = ask(&world, "emergency-phone", 3);
    world.done(&head, wanted);
    let given = grant(&world, "R-2", 3);
    world.done(&head, given);
    world.check();
}

#[test]
fn amounts_are_whole_positive_and_within_the_register() {
    let mut world = World::new();
    let cio = holder("cio");
    for amount in [0, -1, 20_000_001, i64::MAX, i64::MIN] {
        let wanted = ask(&world, "response-budget", amount);
        let refused = world.refused(&holder("ciso"), wanted);
        let bad = matches!(
            &refused,
            Refusal::Bad {
                why: BadValue::Number,
                ..
            }
        );
        assert!(bad, "{amount}: {refused}");
    }
    let wanted = ask(&world, "no-such", 1);
    let unknown = world.refused(&cio, wanted);
    assert!(matches!(
        unknown,
        Refusal::Bad {
            why: BadValue::NotInPlan,
            ..
        }
    ));
    for _ in 0..2 {
        let wanted = ask(&world, "response-budget", 15_000_000);
        world.done(&holder("ciso"), wanted);
    }
    let given = grant(&world, "R-1", 15_000_001);
    assert!(
        matches!(world.refused(&cio, given), Refusal::Bad { .. }),
        "more than was asked for"
    );
    let given = grant(&world, "R-1", 15_000_000);
    world.done(&cio, given);
    let given = grant(&world, "R-2", 5_000_001);
    assert!(matches!(
        world.refused(&cio, given),
        Refusal::Conflict { .. }
    ));
    let given = grant(&world, "R-2", 5_000_000);
    world.done(&cio, given);
    world.check();
}

#[test]
fn what_is_late_is_said_once() {
    let mut world = World::new();
    let wanted = ask(&world, "standby-app-server", 1);
    world.done(&holder("sysadmin"), wanted);
    let remind = |about| {
        let request = "R-1".to_owned();
        Command::Resource(ResourceCommand::Remind { request, about })
    };
    let early = world.refused(&system(), remind(Late::Answer));
    assert!(matches!(early, Refusal::Conflict { .. }));
    world.later(601);
    world.done(&system(), remind(Late::Answer));
    assert!(matches!(
        world.refused(&system(), remind(Late::Answer)),
        Refusal::Conflict { .. }
    ));
    let given = grant(&world, "R-1", 1);
    world.done(&holder("head_support"), given);
    world.later(3601);
    world.done(&system(), remind(Late::Return));
    let late: Vec<String> = told(&world)
        .into_iter()
        .filter(|t| t.contains("Late"))
        .collect();
    assert_eq!(
        late,
        [
            "R-1 LateAnswer head_support false",
            "R-1 LateReturn head_support false",
            "R-1 LateReturn sysadmin false"
        ]
    );
    world.check();
}

#[test]
fn a_request_is_withdrawn_by_its_owner_and_refused_with_a_reason() {
    let mut world = World::new();
    for _ in 0..2 {
        let wanted = ask(&world, "standby-app-server", 1);
        world.done(&holder("sysadmin"), wanted);
    }
    let withdraw = Command::Resource(ResourceCommand::Withdraw {
        request: "R-1".to_owned(),
    });
    let other = world.refused(&holder("ciso"), withdraw.clone());
    assert!(matches!(other, Refusal::NotAddressed { .. }));
    world.done(&holder("sysadmin"), withdraw);
    let refuse = |n: u8| {
        Command::Resource(ResourceCommand::Refuse {
            request: format!("R-{n}"),
        })
    };
    let settled = world.refused(&holder("head_support"), refuse(1));
    assert!(matches!(settled, Refusal::WrongState { .. }));
    let silent = world.give(&holder("head_support"), "", refuse(2));
    assert_eq!(silent.unwrap_err(), Refusal::ReasonNeeded);
    world.done(&holder("head_support"), refuse(2));
    world.check();
}
