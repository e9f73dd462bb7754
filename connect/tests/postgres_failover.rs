//! A standby of PostgreSQL 17 or later takes over, with the slot that `attach` made. Debian's stable
//! release has 15, so this stands behind a feature and is no part of the usual run:
//! `BALEFIRE_POSTGRES=/path/to/bin cargo test -p connect --features postgres-17 --test postgres_failover`.

#[path = "postgres/shop.rs"]
#[expect(dead_code, reason = "shared with the other tests of PostgreSQL")]
mod shop;

use connect::source::{Feed, LostReason, Polled};
use shop::{Following, Shop};
use std::time::Duration;
use testkit::postgres::{Database, Server};

const ORDERS: &str = "CREATE TABLE o (id int PRIMARY KEY, state text)";

fn wait_until(database: &Database, sql: &str) {
    for _ in 0..1_500 {
        if database.value(sql) == "t" {
            return;
        }
        testkit::pause(Duration::from_millis(20));
    }
    panic!("not in time: {sql}");
}

/// The standby keeps the slot for good once the guard has confirmed what came after its copy was
/// begun: in a shop that trades, by itself.
fn synced(shop: &Shop, standby: &Server, following: &mut Following) {
    let kept = format!(
        "SELECT count(*) = 1 FROM pg_replication_slots WHERE slot_name = '{}' AND failover AND synced \
         AND NOT temporary AND invalidation_reason IS NULL",
        shop.address.slot
    );
    for _ in 0..600 {
        if standby.maintenance().value(&kept) == "t" {
            return;
        }
        shop.db.run("SELECT pg_log_standby_snapshot()");
        assert_eq!(told(following), Vec::<String>::new());
        confirm(following);
        testkit::pause(Duration::from_millis(50));
    }
    panic!("the slot was not kept on the standby: {}", standby.log());
}

fn confirm(following: &mut Following) -> u64 {
    let position = following.feed.position().unwrap();
    following.feed.acknowledge(position).unwrap();
    position
}

fn primary() -> Server {
    // What the standby does not have yet is not sent to the guard.
    Server::start_with(&["synchronized_standby_slots=standby"])
}

fn insert(database: &Database, id: i32) {
    database.run(&format!("INSERT INTO o VALUES ({id}, 'a')"));
}

/// The keys that come until all that is committed is here, each as often as it comes.
fn told(following: &mut Following) -> Vec<String> {
    let batches = following.catch_up();
    let rows = batches.iter().flat_map(|b| &b.observed);
    rows.map(|o| o.key.to_string()).collect()
}

#[test]
fn a_promoted_standby_is_followed_exactly_once() {
    let primary = primary();
    let standby = primary.standby();
    let shop = Shop::new(&primary, ORDERS);
    let mut following = shop.follow(&["o"]);
    let second = standby.database_named(shop.db.name());
    for id in 1..=3 {
        insert(&shop.db, id);
    }
    assert_eq!(told(&mut following), ["1", "2", "3"]);
    confirm(&mut following);
    synced(&shop, &standby, &mut following);
    for id in 4..=5 {
        insert(&shop.db, id);
    }
    wait_until(&second, "SELECT count(*) = 5 FROM o");
    primary.kill();
    standby.promote();
    shop.url(&second.url());
    insert(&second, 6);
    assert_eq!(told(&mut following), ["4", "5", "6"]);
    let position = confirm(&mut following);
    drop(following);
    // And after a restart of the guard.
    insert(&second, 7);
    let mut following = shop.resume(&["o"], Some(position));
    assert_eq!(told(&mut following), ["7"]);
    standby.restart();
    insert(&second, 8);
    assert_eq!(told(&mut following), ["8"]);
}

#[test]
fn a_standby_that_lacks_what_was_read_is_another_history() {
    // Nothing holds the guard back: it may read what the standby does not have.
    let primary = Server::start();
    let standby = primary.standby();
    let shop = Shop::new(&primary, ORDERS);
    let mut following = shop.follow(&["o"]);
    let second = standby.database_named(shop.db.name());
    insert(&shop.db, 1);
    assert_eq!(told(&mut following), ["1"]);
    confirm(&mut following);
    synced(&shop, &standby, &mut following);
    wait_until(&second, "SELECT count(*) = 1 FROM o");
    second.run("SELECT pg_wal_replay_pause()");
    standby.stop();
    insert(&shop.db, 2);
    assert_eq!(told(&mut following), ["2"]);
    primary.kill();
    standby.start_again();
    standby.promote();
    shop.url(&second.url());
    insert(&second, 3);
    for _ in 0..500 {
        match following.feed.poll(Duration::from_millis(100)) {
            Ok(Polled::Quiet) | Err(_) => {}
            Ok(Polled::Lost { reason }) => {
                let said = matches!(reason, LostReason::OtherHistory { .. });
                assert!(said, "{reason}");
                return;
            }
            Ok(other) => panic!("{other:?}"),
        }
    }
    panic!("nothing was said");
}
