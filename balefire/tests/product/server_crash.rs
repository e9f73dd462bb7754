//! Exactly once from a real server: `kill -9` of the guard at named points and at random ones, and
//! of the server itself, while the shop trades. Afterwards every step of every row stands in the
//! ledger once, in order, judged as what it was.

use crate::guarded::Guarded;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use testkit::{Seed, postgres};

const ROWS: u64 = 256;
/// Steps sent at once, and the pause behind them: some hundred a second.
const STEPS: u64 = 10;
const PAUSE: Duration = Duration::from_millis(20);
const POINTS: [&str; 10] = [
    "journal-before-fsync:6",
    "journal-after-fsync:6",
    "verdict-before-index:25",
    "store-before-commit:1",
    "store-after-commit:1",
    "journal-before-fsync:30",
    "journal-after-fsync:30",
    "verdict-before-index:60",
    "store-before-commit:2",
    "store-after-commit:2",
];
const RANDOM: u32 = 6;
/// A point that is not reached by then is a point that is never reached.
const DIES_WITHIN: Duration = Duration::from_secs(30);

fn settings(url: &std::path::Path, slot: &str) -> String {
    format!(
        r#"[[source]]
name = "shop"
kind = "postgres"
url_file = {url:?}
tls = "off"
slot = "{slot}"
[[source.table]]
name = "counters"
key = ["id"]
plain = ["touched"]
only_rise = ["n"]
no_delete = true
[[source.table]]
name = "steps"
key = ["id"]
append_only = true
[[source.table.company]]
on = "insert"
any_of = [{{ table = "counters", op = "update", to = "counter" }}]
"#
    )
}

/// Ends the trade, also when an assertion fails beside it.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Steps that the shop has committed, by counter.
fn trade(database: &postgres::Database, round: &AtomicU64, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let from = round.fetch_add(STEPS, Ordering::Relaxed);
        let statements: Vec<String> = (from..from + STEPS)
            .map(|step| {
                let counter = step % ROWS;
                format!(
                    "BEGIN; UPDATE counters SET n = n + 1, touched = 'at {step}' WHERE id = {counter};
                     INSERT INTO steps VALUES ({step}, {counter}); COMMIT;"
                )
            })
            .collect();
        // The server itself may be killed in the middle: what was committed says the database.
        drop(database.try_run(&statements.join("\n")));
        testkit::pause(PAUSE);
    }
}

#[test]
fn every_step_stands_once_whatever_is_killed() {
    let server = postgres::Server::start();
    let database = server.database();
    database.run(&format!(
        "CREATE TABLE counters (id bigint PRIMARY KEY, n bigint NOT NULL, touched text);
         CREATE TABLE steps (id bigint PRIMARY KEY, counter bigint NOT NULL);
         INSERT INTO counters SELECT g, 0, '' FROM generate_series(0, {}) g;",
        ROWS - 1
    ));
    let mut guarded = Guarded::empty();
    let url = testkit::write_url_file(&guarded.data(), &database.url());
    guarded.settings(&settings(&url, "balefire_crash"));
    guarded.good(&["source", "attach", "shop"]);
    guarded.good(&["source", "baseline", "shop"]);
    let (round, stop) = (AtomicU64::new(1), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let _ends = Ends(&stop);
        let trading = scope.spawn(|| trade(&database, &round, &stop));
        let mut seed = Seed::new(71);
        for point in POINTS {
            guarded.serve_crashing(point);
            // It dies by itself; the trade goes on meanwhile.
            let begun = std::time::Instant::now();
            while !guarded.running().has_ended() {
                let waited = begun.elapsed();
                assert!(
                    waited < DIES_WITHIN,
                    "{point} was not reached: {:?}; {:?}",
                    guarded.running().stderr(),
                    guarded.json(&["audit", "shop"])
                );
                testkit::pause(Duration::from_millis(20));
            }
            guarded.kill();
        }
        for kill in 0..RANDOM {
            guarded.serve();
            testkit::pause(Duration::from_millis(50 + seed.below(900)));
            if kill % 2 == 1 {
                server.kill_and_start();
                testkit::pause(Duration::from_millis(seed.below(900)));
            }
            guarded.kill();
        }
        stop.store(true, Ordering::Relaxed);
        trading.join().expect("the trade ends");
    });
    // One more tamper, to know that it still looks.
    guarded.serve();
    database.run("UPDATE counters SET n = 0 WHERE id = 0;");
    let found = guarded.until(Guarded::findings, |found| !found.is_empty());
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["rule"], "only_rise");
    let audit = guarded.json(&["audit", "shop"]);
    assert_eq!(audit["discrepancies"].as_array().map(Vec::len), Some(1));
    guarded.stop();
    steps_stand_once(&guarded, &database);
    crate::checks::journal(&guarded);
}

fn steps_stand_once(guarded: &Guarded, database: &postgres::Database) {
    let committed: BTreeMap<String, u64> = database
        .rows("SELECT counter, count(*) FROM steps GROUP BY 1")
        .into_iter()
        .map(|row| {
            let cell = |i: usize| row[i].clone().expect("no NULL");
            (cell(0), cell(1).parse().expect("a number"))
        })
        .collect();
    assert!(committed.values().sum::<u64>() > 500, "{committed:?}");
    // A life takes a start of the program; some of them stand for all.
    for (counter, steps) in committed.into_iter().step_by(16) {
        let life = guarded.json(&["investigate", "--row", &format!("counters:{counter}")]);
        let seen = images(&life, "n");
        let mut expected: Vec<String> = (0..=steps).map(|n| n.to_string()).collect();
        if counter == "0" {
            expected.push("0".to_owned());
        }
        assert_eq!(seen, expected, "counter {counter}");
    }
}

/// The values of one column in a row's life, one a step.
fn images(life: &Value, column: &str) -> Vec<String> {
    let rows = life["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 1, "{life}");
    let steps = rows[0]["steps"].as_array().expect("steps");
    let cells = steps
        .iter()
        .map(|step| step["image"].as_array().expect("an image"));
    cells
        .map(|cells| {
            let cell = cells.iter().find(|cell| cell["name"] == column);
            cell.expect("the column")["value"]
                .as_str()
                .expect("text")
                .to_owned()
        })
        .collect()
}
