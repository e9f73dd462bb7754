//! Schemathesis against the API's own description: requests of every shape, sound and unsound, in
//! a world where something has happened. Nothing that it sends may break the program, and no
//! answer may be one that the description does not know.

use crate::scopes::token;
use crate::world::{SMALL_SHOP, World};
use desk::identity::api_token::Scope;
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
    let token = token(&world, "fuzz", &Scope::ALL);
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
