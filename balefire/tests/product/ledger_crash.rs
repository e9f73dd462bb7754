//! A repair that takes a forged ledger row back by an entry with a key of the database's own, cut
//! short by `kill -9` before its COMMIT and behind it.

use crate::guarded::{ENGINEER, Guarded};
use serde_json::Value;
use std::time::Duration;
use testkit::postgres;

const LONG: Duration = Duration::from_secs(60);

fn settings(url: &std::path::Path) -> String {
    format!(
        r#"[[source]]
name = "shop"
kind = "postgres"
url_file = {url:?}
tls = "off"
slot = "balefire_ledger_crash"
[source.repair]
url_file = {url:?}
[[source.table]]
name = "orders"
key = ["id"]
[[source.table]]
name = "ledger"
key = ["id"]
plain = ["order_id", "amount", "reverses"]
append_only = true
company = [{{ on = "insert", any_of = [{{ table = "orders", op = "insert", to = "order_id" }}] }}]
reverse = "INSERT INTO ledger (amount, reverses) VALUES (-:amount, :id)"
"#
    )
}

fn state(guarded: &Guarded, incident: &str, proposal: &str) -> String {
    let incident = guarded.json(&["incident", "show", incident]);
    let repairs = incident["repairs"].as_array().expect("repairs");
    let repair = repairs.iter().find(|r| r["proposal"] == proposal);
    let state = &repair.expect("the repair")["state"]["state"];
    state.as_str().expect("a state").to_owned()
}

fn discrepancies(guarded: &Guarded) -> usize {
    let audit = guarded.json(&["audit", "shop"]);
    audit["discrepancies"].as_array().map_or(0, Vec::len)
}

/// A guarded shop with a forged entry, the server that it stands on, and the incident.
fn forged() -> (Guarded, postgres::Server, postgres::Database, String) {
    let server = postgres::Server::start();
    let database = server.database();
    database.run(
        "CREATE TABLE orders (id bigint PRIMARY KEY, total numeric(12,2));
         CREATE TABLE ledger (id bigserial PRIMARY KEY, order_id bigint, amount numeric(12,2), reverses bigint);
         BEGIN; INSERT INTO orders VALUES (1, 9.50); INSERT INTO ledger (order_id, amount) VALUES (1, 9.50); COMMIT;",
    );
    let mut guarded = Guarded::empty();
    let url = testkit::write_url_file(&guarded.data(), &database.url());
    guarded.settings(&settings(&url));
    guarded.good(&["source", "attach", "shop"]);
    guarded.good(&["source", "baseline", "shop"]);
    guarded.people();
    guarded.serve();
    database.run("INSERT INTO ledger (order_id, amount) VALUES (1, 700.00)");
    let incident = guarded.incident();
    (guarded, server, database, incident)
}

/// Proposes, approves and applies with a server that dies at the point; gives the proposal.
fn dies_at(guarded: &mut Guarded, point: &str) -> String {
    let proposal = guarded.approved_proposal();
    guarded.kill();
    assert!(guarded.serve_crashing(point));
    guarded.log_in(ENGINEER);
    let apply = guarded.program().args(["repair", "apply", &proposal]);
    drop(apply.run(LONG));
    guarded.running().wait_for_end(LONG);
    proposal
}

#[test]
fn an_entry_with_a_key_of_the_database_is_known_again_after_a_crash() {
    let (mut guarded, _server, database, incident) = forged();
    for (point, ended, left) in [
        ("repair-before-commit", "failed", 1),
        ("repair-after-commit", "applied", 0),
    ] {
        let proposal = dies_at(&mut guarded, point);
        guarded.serve();
        assert_eq!(state(&guarded, &incident, &proposal), ended, "{point}");
        assert_eq!(discrepancies(&guarded), left, "{point}");
    }
    let found: Vec<Value> = guarded.findings();
    assert_eq!(found.len(), 1, "the entry is nobody's forgery: {found:?}");
    let entries = database.rows("SELECT amount FROM ledger ORDER BY id");
    let amounts: Vec<_> = entries.into_iter().flatten().flatten().collect();
    assert_eq!(amounts, ["9.50", "700.00", "-700.00"]);
    guarded.stop();
    crate::checks::journal(&guarded);
}

#[test]
fn a_row_that_was_taken_back_and_written_over_in_the_crash_stays_unlawful() {
    let (mut guarded, _server, database, incident) = forged();
    let proposal = dies_at(&mut guarded, "repair-after-commit");
    database.run("UPDATE ledger SET amount = 900.00 WHERE id = 2");
    guarded.serve();
    assert_eq!(state(&guarded, &incident, &proposal), "applied");
    assert_eq!(discrepancies(&guarded), 1);
    guarded.stop();
}
