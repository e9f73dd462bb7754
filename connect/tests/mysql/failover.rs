//! What a failover must come to, whatever brand the servers are of.

use crate::shop::{self, Shop};
use connect::source::{LostReason, Polled, TlsMode};
use testkit::mariadb::{Database, Server};

/// How one brand replicates.
pub struct Brand {
    /// On the replica; `<port>` is the primary's.
    pub follow: &'static str,
    pub promote: &'static str,
}

fn insert(database: &Database, id: i32) {
    database.run(&format!("INSERT INTO o VALUES ({id}, 'a')"));
}

/// Waits until the replica has this row.
fn wait_for(database: &Database, id: i32) {
    for _ in 0..500 {
        let there = database.try_run(&format!("SELECT 'is there' FROM o WHERE id = {id}"));
        if there.is_ok_and(|out| out.contains("is there")) {
            return;
        }
        testkit::pause(std::time::Duration::from_millis(20));
    }
    panic!("row {id} was not replicated");
}

fn other_history(told: Polled) {
    match told {
        Polled::Lost {
            reason: LostReason::OtherHistory { .. },
        } => {}
        other => panic!("{other:?}"),
    }
}

pub fn goes_on_exactly_once(brand: &Brand, start: &dyn Fn(&[&str]) -> Server) {
    let (primary, replica) = (start(&[]), start(&["server-id=2"]));
    let follow = brand.follow.replace("<port>", &primary.port().to_string());
    replica.maintenance().run(&follow);
    let shop = Shop::on(&primary, "CREATE TABLE o (id INT PRIMARY KEY, state TEXT)");
    let second = replica.database_named(shop.database.name());
    let guarded = shop.guarded(&[("o", &["id"])]);
    let mut feed = shop.feed(&guarded, None);
    shop::rescan(feed.as_mut());
    // The replica's files are others than the primary's.
    primary
        .maintenance()
        .run("FLUSH BINARY LOGS; FLUSH BINARY LOGS; FLUSH BINARY LOGS");
    for id in 1..=3 {
        insert(&shop.database, id);
    }
    assert_eq!(shop::keys(&shop::batches(feed.as_mut())), ["1", "2", "3"]);
    let before = feed.position().unwrap();
    for id in 4..=5 {
        insert(&shop.database, id);
    }
    wait_for(&second, 5);
    primary.kill();
    replica.maintenance().run(brand.promote);
    shop.location_of(&second.url(), TlsMode::Off, None);
    insert(&second, 6);
    second.run("FLUSH BINARY LOGS");
    insert(&second, 7);
    let mut seen = Vec::new();
    while seen.len() < 4 {
        seen.push(shop::next_batch(feed.as_mut()));
        if shop::keys(&seen).len() >= 4 {
            break;
        }
    }
    seen.extend(shop::batches(feed.as_mut()));
    assert_eq!(shop::keys(&seen), ["4", "5", "6", "7"]);
    let positions: Vec<u64> = (seen.iter().flat_map(|b| &b.transactions))
        .map(|t| t.position)
        .collect();
    assert!(
        positions.is_sorted() && positions[0] > before,
        "{positions:?}"
    );
    // On and on, over a restart of the server that took over.
    replica.restart();
    insert(&second, 8);
    assert_eq!(shop::keys(&[shop::next_batch(feed.as_mut())]), ["8"]);
    assert!(shop::batches(feed.as_mut()).is_empty());
    // And over a look at every row.
    assert_eq!(shop::rescan(feed.as_mut()).len(), 8);
    insert(&second, 9);
    assert_eq!(shop::keys(&[shop::next_batch(feed.as_mut())]), ["9"]);
}

pub fn another_history_is_said(brand: &Brand, start: &dyn Fn(&[&str]) -> Server) {
    let (primary, replica) = (start(&[]), start(&["server-id=2"]));
    let follow = brand.follow.replace("<port>", &primary.port().to_string());
    replica.maintenance().run(&follow);
    let shop = Shop::on(&primary, "CREATE TABLE o (id INT PRIMARY KEY, state TEXT)");
    let second = replica.database_named(shop.database.name());
    let guarded = shop.guarded(&[("o", &["id"])]);
    let mut feed = shop.feed(&guarded, None);
    shop::rescan(feed.as_mut());
    insert(&shop.database, 1);
    wait_for(&second, 1);
    // What was read last never came to the server that takes over.
    replica.maintenance().run(brand.promote);
    insert(&shop.database, 2);
    assert_eq!(shop::keys(&shop::batches(feed.as_mut())), ["1", "2"]);
    primary.kill();
    shop.location_of(&second.url(), TlsMode::Off, None);
    insert(&second, 3);
    other_history(shop::poll_until_told(feed.as_mut()));
    assert_eq!(shop::rescan(feed.as_mut()).len(), 2);
    insert(&second, 4);
    assert_eq!(shop::keys(&[shop::next_batch(feed.as_mut())]), ["4"]);
    // A server that was never a replica, with a database of the same name; MariaDB's names of
    // transactions come again on it.
    let stranger = start(&["server-id=2"]);
    let name = shop.database.name();
    stranger.maintenance().run(&format!(
        "CREATE DATABASE {name}; USE {name}; CREATE TABLE o (id INT PRIMARY KEY, state TEXT)"
    ));
    let third = stranger.database_named(name);
    for id in 1..=9 {
        insert(&third, id);
    }
    replica.kill();
    shop.location_of(&third.url(), TlsMode::Off, None);
    other_history(shop::poll_until_told(feed.as_mut()));
    assert_eq!(shop::rescan(feed.as_mut()).len(), 9);
}
