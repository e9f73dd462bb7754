//! Guests: who may let one in, for how long, and everything that ends their access.

use crate::world::{World, holder, person};
use incident::refusal::BadValue;
use incident::resource::{GuestCommand, GuestPage, ResourceCommand, ReturnCondition};
use incident::{Command, Refusal};
use model::AccountId;

const DAY_S: i64 = 86_400;
const ACCOUNT: &str = "li.expert";

fn guest(command: GuestCommand) -> Command {
    Command::Resource(ResourceCommand::Guest(command))
}

fn invite(world: &World, account: &str, days: i64) -> Command {
    guest(GuestCommand::Invite {
        account: AccountId::new(account),
        name: "Li".to_owned(),
        request: "R-1".to_owned(),
        pages: vec![GuestPage::Orders, GuestPage::Orders],
        may_act: true,
        until: world.now.plus_s(days * DAY_S),
    })
}

fn change(world: &World, days: i64) -> Command {
    guest(GuestCommand::Change {
        account: AccountId::new(ACCOUNT),
        pages: vec![GuestPage::Timeline],
        may_act: false,
        until: world.now.plus_s(days * DAY_S),
    })
}

/// With one expert granted for a day.
fn world() -> World {
    let mut world = World::new();
    let wanted = ResourceCommand::Request {
        what: "expert-forensics".to_owned(),
        amount: 1,
        order: None,
        task: None,
        needed_by: world.now.plus_s(600),
    };
    world.done(&holder("security_engineer"), Command::Resource(wanted));
    let entry = world
        .plan
        .registered("expert-forensics")
        .expect("in the plan");
    let grantor = holder(entry.grantor.as_str());
    let given = ResourceCommand::Grant {
        request: "R-1".to_owned(),
        amount: 1,
        conditions: String::new(),
        until: world.now.plus_s(DAY_S),
    };
    world.done(&grantor, Command::Resource(given));
    world
}

fn here(world: &World) -> bool {
    let account = AccountId::new(ACCOUNT);
    world.incident.guest_now(&account, world.now).is_some()
}

#[test]
fn a_guest_is_let_in_within_the_plans_bounds_and_out_by_the_time_alone() {
    let mut world = world();
    let most = i64::from(world.plan.guests.as_ref().expect("in the plan").most_days);
    let (lead, staff) = (holder("cio"), holder("security_engineer"));
    let asked = invite(&world, ACCOUNT, 2);
    assert!(matches!(
        world.refused(&staff, asked.clone()),
        Refusal::NotAllowed { .. }
    ));
    let long = invite(&world, ACCOUNT, most + 1);
    assert!(matches!(
        world.refused(&lead, long),
        Refusal::Bad {
            why: BadValue::Time,
            ..
        }
    ));
    world.done(&lead, asked);
    assert!(here(&world));
    let guest = world.incident.resources.guest(&AccountId::new(ACCOUNT));
    assert_eq!(guest.expect("known").pages, [GuestPage::Orders]);
    // One was granted.
    let second = invite(&world, "wu.expert", 1);
    assert!(matches!(
        world.refused(&lead, second),
        Refusal::Conflict { .. }
    ));
    world.later(2 * DAY_S - 1);
    assert!(here(&world));
    // The most is counted from the invitation, not from each change.
    let longer = change(&world, most);
    assert!(matches!(
        world.refused(&lead, longer),
        Refusal::Bad {
            why: BadValue::Time,
            ..
        }
    ));
    let within = change(&world, 1);
    world.done(&lead, within);
    world.later(DAY_S - 1);
    assert!(here(&world));
    world.later(1);
    assert!(!here(&world), "over at the instant itself");
    // What has ended is not lengthened, but another account takes the place.
    let late = change(&world, 1);
    assert!(matches!(
        world.refused(&lead, late),
        Refusal::WrongState { .. }
    ));
    let next = invite(&world, "wu.expert", 1);
    world.done(&lead, next);
    world.check();
}

#[test]
fn a_guest_agrees_for_themselves_and_goes_with_the_resource() {
    let mut world = world();
    let lead = holder("cio");
    let asked = invite(&world, ACCOUNT, 5);
    world.done(&lead, asked);
    let agree = || {
        guest(GuestCommand::Agree {
            account: AccountId::new(ACCOUNT),
        })
    };
    assert!(matches!(
        world.refused(&lead, agree()),
        Refusal::NotAddressed { .. }
    ));
    let li = person(ACCOUNT, &["outside_expert"]);
    world.done(&li, agree());
    assert!(matches!(
        world.refused(&li, agree()),
        Refusal::WrongState { .. }
    ));
    let kinds: Vec<&str> = world
        .incident
        .timeline
        .iter()
        .map(|e| e.kind.as_str())
        .collect();
    assert!(
        kinds.ends_with(&["guest-invited", "guest-agreed"]),
        "{kinds:?}"
    );
    let back = ResourceCommand::Return {
        request: "R-1".to_owned(),
        amount: 1,
        condition: ReturnCondition::Good,
    };
    world.done(&holder("security_engineer"), Command::Resource(back));
    assert!(!here(&world));
    world.check();
}
