//! Schemathesis against the API's own description: requests of every shape, sound and unsound, in
//! a world where something has happened. Nothing that it sends may break the program, and no
//! answer may be one that the description does not know.

use crate::world::{SMALL_SHOP, World};
use desk::identity::Collected;
use desk::identity::api_token::{NewToken, Scope, TokenOutcome};
use model::{AccountId, Actor, Operation, PositionId, RequestId};
use std::time::Duration;
use testkit::Schemathesis;

/// Requests that are made up at least.
const CASES: u64 = 1_000;
/// Some 3,000 requests take 60 s on two busy cores.
const WITHIN: Duration = Duration::from_secs(900);

#[test]
fn a_thousand_made_up_requests_get_the_answers_that_are_described() {
    let Some(schemathesis) = Schemathesis::ready(env!("CARGO_TARGET_TMPDIR")) else {
        return;
    };
    let world = World::new();
    let incident = world.attacked();
    let receipt = world.report("an order of nobody");
    let token = token(&world);
    let served = web::start(world.desk.clone(), web::WebOptions::default()).expect("served");
    // What it makes up would otherwise end at an incident that is not there. Sound shapes may
    // still be refused: a cursor that we never gave, a command that the state does not allow.
    let settings = format!(
        "[headers]\nAuthorization = \"Bearer {token}\"\n\n[parameters]\n\
         \"path.id\" = \"{incident}\"\n\"path.receipt\" = \"{receipt}\"\n\
         \"path.source\" = \"{SMALL_SHOP}\"\n\n[checks.positive_data_acceptance]\n\
         expected-statuses = [\"2xx\", 304, 400, 401, 403, 404, 409, 412, 422, 429]\n\n\
         [checks.negative_data_rejection]\n\
         expected-statuses = [400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 428, 429]\n"
    );
    let document = format!("{}/api/v1/openapi.json", served.url());
    let arguments = [
        [document.as_str(), "--checks", "all"],
        ["--seed", "4", "--continue-on-failure"],
        ["--max-examples", "50", "--no-shrink"],
    ];
    let ended = schemathesis.run(
        world.folder.path(),
        &settings,
        arguments.as_flattened(),
        WITHIN,
    );
    served.stop();
    let said = format!("{}\n{}", ended.out, ended.err);
    assert_eq!(ended.code, Some(0), "{said}");
    assert!(cases(&ended.out) >= CASES, "{said}");
}

/// The number in its line `N generated, ...`.
fn cases(said: &str) -> u64 {
    let line = said.lines().find(|line| line.contains(" generated, "));
    let words = line.unwrap_or_default().split_whitespace();
    let numbers = words.filter_map(|word| word.replace(',', "").parse::<u64>().ok());
    numbers.max().unwrap_or(0)
}

/// A token for everything, which a second person allowed.
fn token(world: &World) -> String {
    let plan = world.desk.plan();
    let all: Vec<PositionId> = plan.positions.iter().map(|p| p.id.clone()).collect();
    let (_, _) = (world.everything("fuzz"), world.everything("second"));
    let by = |account: &str| Operation {
        actor: Actor::Person {
            account: AccountId::new(account),
            name: account.to_owned(),
            positions: all.clone(),
        },
        reason: "the interface is tried".to_owned(),
        request: RequestId::new(format!("token-{account}")),
        now: world.desk.now(),
    };
    let asked = NewToken {
        name: "fuzz".to_owned(),
        scopes: Scope::ALL.to_vec(),
        days: 1,
    };
    let outcome = (world.desk).new_token(&by("fuzz"), asked);
    let TokenOutcome::Proposed(proposal) = outcome.expect("a token is asked for") else {
        panic!("the plan wants two persons for a token that acts");
    };
    (world.desk)
        .approve_account_proposal(&by("second"), &proposal.id)
        .expect("another person allows it");
    let collected = (world.desk).collect_account_proposal(&by("fuzz"), &proposal.id);
    let Collected::Token(token) = collected.expect("its owner collects it") else {
        panic!("a token was asked for");
    };
    token
}
