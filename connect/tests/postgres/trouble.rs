//! A server that restarts, dies, forgets, changes, or is somebody else.

use super::shop::{Shop, ids, image_of};
use connect::ConnectError;
use connect::source::address::OnFull;
use connect::source::postgres::{PostgresFeed, PostgresSource, attach, detach};
use connect::source::{Feed, LostReason, Polled, Source, TlsMode};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use testkit::postgres::Server;
use testkit::{TempFolder, certificates};

const TABLE: &str = "CREATE TABLE t (id int PRIMARY KEY, n int)";
const WAIT: Duration = Duration::from_millis(200);

#[test]
fn reading_goes_on_exactly_behind_every_transaction() {
    let shop = Shop::new(Server::shared(), TABLE);
    let mut following = shop.follow(&["t"]);
    for id in 1..=6 {
        shop.db.run(&format!("INSERT INTO t VALUES ({id}, 0)"));
    }
    shop.db.run("UPDATE t SET n = 1 WHERE id IN (1, 2)");
    let batches = following.catch_up();
    let positions: Vec<u64> = batches
        .iter()
        .flat_map(|b| &b.transactions)
        .map(|t| t.position)
        .collect();
    assert_eq!(positions.len(), 7);
    let told = ids(&batches);
    assert_eq!(told, [1, 2, 3, 4, 5, 6, 1, 2]);
    drop(following);
    for (done, position) in positions.iter().enumerate() {
        let mut again = shop.resume(&["t"], Some(*position));
        let batches = again.catch_up();
        let rest: Vec<u64> = batches
            .iter()
            .flat_map(|b| &b.transactions)
            .map(|t| t.position)
            .collect();
        assert_eq!(rest, positions[done + 1..], "behind transaction {done}");
        let from = (done + 1).min(6);
        assert_eq!(
            ids(&batches),
            if done == 6 { &[][..] } else { &told[from..] }
        );
    }
}

#[test]
fn what_the_baseline_shows_is_not_told_again() {
    let shop = Shop::new(Server::shared(), TABLE);
    let tables = shop.tables(&["t"]);
    attach(&shop.address, &tables).unwrap();
    assert!(attach(&shop.address, &tables).unwrap().is_empty());
    for n in 0..5 {
        shop.db.run(&format!(
            "INSERT INTO t VALUES (1, {n}) ON CONFLICT (id) DO UPDATE SET n = {n}"
        ));
    }
    let mut following = shop.resume(&["t"], None);
    assert!(following.catch_up().is_empty());
    shop.db.run("UPDATE t SET n = 7");
    assert_eq!(ids(&following.catch_up()), [1]);
}

#[test]
fn a_baseline_taken_while_the_shop_trades_misses_nothing() {
    let shop = Shop::new(Server::shared(), TABLE);
    shop.db
        .run("INSERT INTO t SELECT i, 0 FROM generate_series(1, 2000) i");
    attach(&shop.address, &shop.tables(&["t"])).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for writer in 0..3 {
            let (db, stop) = (shop.db.clone(), &stop);
            scope.spawn(move || {
                let mut n = 0;
                while !stop.load(Ordering::SeqCst) {
                    let statements: Vec<String> = (0..30)
                        .map(|i| {
                            n += 1;
                            let id = 1 + (n * 37 + i * 11 + writer * 701) % 2000;
                            format!(
                                "BEGIN; UPDATE t SET n = n + 1 WHERE id = {id}; \
                                 DELETE FROM t WHERE id = {0}; INSERT INTO t VALUES ({0}, {n}); COMMIT;",
                                10_000 + writer * 1_000 + n % 50
                            )
                        })
                        .collect();
                    db.run(&statements.join(" "));
                }
            });
        }
        let mut following = shop.resume(&["t"], None);
        for _ in 0..3 {
            following.catch_up();
        }
        // A look in the middle, with nothing lost: what lies between comes again as changes.
        following.rescan();
        stop.store(true, Ordering::SeqCst);
        let patience = Instant::now() + Duration::from_secs(20);
        while following.image != image_of(&shop, &shop.tables(&["t"])) {
            assert!(Instant::now() < patience, "the images do not meet");
            following.catch_up();
        }
        assert!(!following.batches.is_empty());
    });
}

#[test]
fn restarts_and_kills_of_the_server_lose_and_double_nothing() {
    let server = Server::start();
    let shop = Shop::new(&server, TABLE);
    let mut following = shop.follow(&["t"]);
    let mut next = 1;
    for round in 0..4 {
        let last = next + 2;
        shop.db.run(&format!(
            "INSERT INTO t SELECT i, 0 FROM generate_series({next}, {last}) i"
        ));
        // Some rounds confirm, some do not; the end comes with changes that nobody has read.
        if round % 2 == 0 {
            following.catch_up();
            following.acknowledge_all();
        }
        shop.db
            .run(&format!("INSERT INTO t VALUES ({}, 0)", last + 1));
        next += 4;
        let began = Instant::now();
        following.while_polling(|| {
            if round < 2 {
                server.restart()
            } else {
                server.kill_and_start()
            }
        });
        // A shop's server does not wait for a guard that has not confirmed everything.
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "{:?}",
            began.elapsed()
        );
        following.catch_up();
    }
    assert_eq!(ids(&following.batches), (1..next).collect::<Vec<_>>());
    // While nobody answers it is quiet at first, then an error that may pass.
    following.while_polling(|| server.stop());
    let began = Instant::now();
    let error = loop {
        match following.feed.poll(WAIT) {
            Ok(Polled::Quiet) => assert!(began.elapsed() < Duration::from_secs(60)),
            Ok(other) => panic!("{other:?}"),
            Err(error) => break error,
        }
    };
    assert!(error.may_pass(), "{error}");
    assert!(
        began.elapsed() > Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    server.start_again();
    shop.db.run("INSERT INTO t VALUES (99, 0)");
    assert_eq!(ids(&following.catch_up()), [99]);
}

#[test]
fn a_slot_that_was_dropped_is_said_and_made_anew() {
    let shop = Shop::new(Server::shared(), TABLE);
    let mut following = shop.follow(&["t"]);
    shop.db.run("INSERT INTO t VALUES (1, 0)");
    following.catch_up();
    let position = following.acknowledge_all();
    drop(following);
    let slot = &shop.address.slot;
    let gone = format!(
        "SELECT pg_drop_replication_slot('{slot}') FROM pg_replication_slots WHERE slot_name = '{slot}' AND NOT active"
    );
    until(|| shop.db.rows(&gone).len() == 1);
    shop.db.run("INSERT INTO t VALUES (2, 0)");
    // The guard comes back with a position, and nobody can tell what happened since.
    let mut following = shop.resume(&["t"], Some(position));
    assert_eq!(following.image.len(), 2);
    assert!(matches!(following.lost(), LostReason::SlotGone { .. }));
    following.rescan();
    shop.db.run("INSERT INTO t VALUES (3, 0)");
    assert_eq!(ids(&following.catch_up()), [3]);
    // Dropped under a running guard: the walsender is ended first.
    shop.db.run(&format!("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '{slot}'"));
    until(|| {
        shop.db
            .try_run(&format!("SELECT pg_drop_replication_slot('{slot}')"))
            .is_ok()
    });
    assert!(matches!(following.lost(), LostReason::SlotGone { .. }));
    assert!(
        matches!(following.lost(), LostReason::SlotGone { .. }),
        "said until it is heard"
    );
    following.rescan();
    shop.db.run("INSERT INTO t VALUES (4, 0)");
    assert_eq!(ids(&following.catch_up()), [4]);
    drop(following);
    let done = detach_when_free(&shop);
    assert_eq!(done.len(), 2, "{done:?}");
    assert!(detach(&shop.address).unwrap().is_empty());
    let missing = PostgresFeed::open(&shop.address, shop.tables(&["t"]), None)
        .unwrap()
        .rescan(&mut |_| Ok(()));
    assert!(
        matches!(missing, Err(ConnectError::NotAttached { .. })),
        "{missing:?}"
    );
}

fn detach_when_free(shop: &Shop) -> Vec<String> {
    let mut done = Vec::new();
    until(|| match detach(&shop.address) {
        Ok(what) => {
            done = what;
            true
        }
        Err(error) => {
            assert!(error.may_pass(), "{error}");
            false
        }
    });
    done
}

/// Asks until it is so.
fn until(mut so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "it does not come to be so"
        );
        testkit::pause(Duration::from_millis(20));
    }
}

#[test]
fn a_truncate_is_never_silent() {
    let shop = Shop::new(
        Server::shared(),
        &format!("{TABLE}; CREATE TABLE u (id int PRIMARY KEY)"),
    );
    shop.db
        .run("INSERT INTO t SELECT i, 0 FROM generate_series(1, 9) i; INSERT INTO u VALUES (1)");
    let mut following = shop.follow(&["t", "u"]);
    shop.db.run("UPDATE t SET n = 1 WHERE id = 1; BEGIN; TRUNCATE t; INSERT INTO t VALUES (3, 3); COMMIT; UPDATE t SET n = 4");
    // What was before is told first.
    let reason = following.lost();
    assert_eq!(ids(&following.batches), [1]);
    assert_eq!(reason, LostReason::TableTruncated { table: "t".into() });
    following.rescan();
    assert_eq!(following.image, image_of(&shop, &shop.tables(&["t", "u"])));
    assert_eq!(following.image.len(), 2);
    let before = following.batches.len();
    assert!(following.catch_up().is_empty(), "the snapshot showed it");
    shop.db.run("UPDATE t SET n = 5");
    assert_eq!(ids(&following.catch_up()), [3]);
    assert_eq!(following.batches.len(), before + 1);
}

#[test]
fn changed_columns_are_told_with_the_next_row() {
    for (change, write) in [
        (
            "ALTER TABLE t ADD COLUMN note text",
            "INSERT INTO t VALUES (2, 0, 'x')",
        ),
        ("ALTER TABLE t DROP COLUMN n", "INSERT INTO t VALUES (2)"),
        (
            "ALTER TABLE t RENAME COLUMN n TO m",
            "INSERT INTO t VALUES (2, 0)",
        ),
        (
            "ALTER TABLE t ALTER COLUMN n TYPE bigint",
            "INSERT INTO t VALUES (2, 0)",
        ),
        (
            "ALTER TABLE t RENAME TO s; CREATE TABLE t (id int PRIMARY KEY, n int)",
            "INSERT INTO s VALUES (2, 0)",
        ),
    ] {
        let shop = Shop::new(Server::shared(), TABLE);
        let mut following = shop.follow(&["t"]);
        shop.db.run("INSERT INTO t VALUES (1, 0)");
        shop.db.run(change);
        shop.db.run(write);
        let said = following.verdict();
        assert_eq!(
            said,
            Polled::SchemaChanged {
                tables: vec!["t".into()]
            },
            "{change}"
        );
        assert_eq!(
            ids(&following.batches),
            [1],
            "{change}: what was before is told"
        );
        let position = following.acknowledge_all();
        drop(following);
        if change.contains("CREATE") {
            continue;
        }
        // Opened anew with the new columns, nothing is missing.
        let mut following = shop.resume(&["t"], Some(position));
        assert_eq!(ids(&following.catch_up()), [2], "{change}");
        assert_eq!(
            following.image,
            image_of(&shop, &shop.tables(&["t"])),
            "{change}"
        );
    }
}

#[test]
fn rows_written_before_a_change_of_columns_are_read_after_it() {
    let shop = Shop::new(
        Server::shared(),
        "CREATE TABLE t (id int PRIMARY KEY, n int, gone text)",
    );
    let following = shop.follow(&["t"]);
    drop(following);
    shop.db.run("INSERT INTO t VALUES (1, 5, 'x'); ALTER TABLE t DROP COLUMN gone; ALTER TABLE t ADD COLUMN late int DEFAULT 3; INSERT INTO t VALUES (2, 6)");
    let mut following = shop.resume(&["t"], Some(1));
    let batches = following.catch_up();
    let rows: Vec<_> = batches.iter().flat_map(|b| &b.observed).collect();
    assert_eq!(ids(&batches), [1, 2]);
    assert_eq!(
        (rows[0].unsent.as_slice(), rows[1].unsent.as_slice()),
        (&[2][..], &[][..])
    );
    assert_eq!(
        super::shop::shown(rows[0].row.as_ref().unwrap()),
        ["i1", "i5", "NULL"]
    );
}

/// What only a look at the catalogue shows; it is taken every few seconds.
#[test]
fn what_the_log_does_not_say_is_seen_in_the_catalogue() {
    let server = Server::shared();
    let column = Shop::new(server, TABLE);
    let publication = Shop::new(server, TABLE);
    let partition = Shop::new(
        server,
        "CREATE TABLE t (id int PRIMARY KEY, n int) PARTITION BY RANGE (id); \
         CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (100); INSERT INTO t VALUES (1, 1)",
    );
    let mut full = Shop::new(server, TABLE);
    full.address.max_retained_mib = 1;
    let mut kept = Shop::new(server, TABLE);
    (kept.address.max_retained_mib, kept.address.on_full) = (1, OnFull::Keep);
    let shops = [&column, &publication, &partition, &full, &kept];
    let mut all: Vec<_> = shops.iter().map(|shop| shop.follow(&["t"])).collect();
    column.db.run("ALTER TABLE t ADD COLUMN x int");
    let name = &publication.address.slot;
    publication.db.run(
        &format!(
            "ALTER PUBLICATION {name} SET TABLE pg_temp.x" // does not exist: the publication stays
        )
        .replace("SET TABLE pg_temp.x", "SET (publish = 'insert')"),
    );
    publication.db.run(&format!("UPDATE t SET n = 9; ALTER PUBLICATION {name} SET (publish = 'insert, update, delete, truncate')"));
    partition.db.run("TRUNCATE t1");
    // Nobody reads meanwhile, so the log cannot be let go.
    for db in [&full.db, &kept.db] {
        db.run("INSERT INTO t SELECT i, 0 FROM generate_series(1, 30000) i");
    }
    assert_eq!(
        all[0].verdict(),
        Polled::SchemaChanged {
            tables: vec!["t".into()]
        }
    );
    assert!(matches!(
        all[1].lost(),
        LostReason::PublicationChanged { .. }
    ));
    assert!(matches!(
        all[2].lost(),
        LostReason::PublicationChanged { .. }
    ));
    let LostReason::SlotGone { detail, .. } = all[3].lost() else {
        panic!()
    };
    assert!(detail.contains("let go"), "{detail}");
    let slots = format!(
        "SELECT count(*) FROM pg_replication_slots WHERE slot_name = '{}'",
        full.address.slot
    );
    assert_eq!(full.db.value(&slots), "0");
    all[3].rescan();
    assert_eq!(full.db.value(&slots), "1");
    full.db.run("UPDATE t SET n = 1 WHERE id = 5");
    assert_eq!(ids(&all[3].catch_up()), [5]);
    all[4].catch_up();
    assert!(all[4].feed.load().retained_bytes.unwrap() > 1 << 20);
    assert_eq!(all[4].image.len(), 30_000);
}

#[test]
fn log_that_concerns_nobody_is_let_go() {
    let shop = Shop::new(
        Server::shared(),
        &format!("{TABLE}; CREATE TABLE other (n int)"),
    );
    let mut following = shop.follow(&["t"]);
    following.catch_up();
    let confirmed = format!(
        "SELECT confirmed_flush_lsn - '0/0' FROM pg_replication_slots WHERE slot_name = '{}'",
        shop.address.slot
    );
    let at = |shop: &Shop| shop.db.value(&confirmed).parse::<u64>().unwrap();
    shop.db.run("INSERT INTO t VALUES (1, 1)");
    following.catch_up();
    let held = at(&shop);
    shop.db
        .run("INSERT INTO other SELECT generate_series(1, 1000)");
    let end: u64 = shop
        .db
        .value("SELECT pg_current_wal_lsn() - '0/0'")
        .parse()
        .unwrap();
    for _ in 0..5 {
        following.feed.poll(WAIT).unwrap();
    }
    assert!(
        at(&shop) <= following.batches[0].position,
        "not before the caller says so"
    );
    assert!(at(&shop) >= held);
    following.acknowledge_all();
    until(|| {
        assert_eq!(following.feed.poll(WAIT).unwrap(), Polled::Quiet);
        at(&shop) >= end
    });
}

#[test]
fn another_server_behind_the_address_is_noticed() {
    let (one, two) = (Server::start(), Server::start());
    let shop = Shop::new(&one, TABLE);
    let mut following = shop.follow(&["t"]);
    shop.db.run("INSERT INTO t VALUES (1, 0)");
    following.catch_up();
    let position = following.acknowledge_all();
    // Another cluster, with a slot and a table of the same names.
    let other = Shop::new(&two, TABLE);
    let mut address = other.address.clone();
    address.slot.clone_from(&shop.address.slot);
    attach(&address, &other.tables(&["t"])).unwrap();
    other
        .db
        .run("INSERT INTO t SELECT generate_series(5, 8000), 0");
    shop.url(&other.db.url());
    one.kill();
    assert!(matches!(following.lost(), LostReason::OtherHistory { .. }));
    following.rescan();
    assert_eq!(following.image.len(), 7996);
    other.db.run("UPDATE t SET n = 1 WHERE id = 6");
    assert_eq!(ids(&following.catch_up()), [6]);
    drop(following);
    // A position that the server never reached.
    let mut following = shop.resume(&["t"], Some(position + (1 << 40)));
    assert!(matches!(following.lost(), LostReason::OtherHistory { .. }));
}

#[test]
fn tls_is_checked_against_the_given_authority() {
    let (mine, others) = (TempFolder::new(), TempFolder::new());
    let certificates = certificates(mine.path());
    let server = Server::start_with_tls(&certificates);
    let mut shop = Shop::new(&server, TABLE);
    let slot = shop.address.slot.clone();
    let url = shop.db.user(&format!("tls_{slot}"), "ge:he/im@");
    shop.db.run(&format!("ALTER ROLE \"tls_{slot}\" SUPERUSER"));
    shop.url(&url);
    shop.address.tls = TlsMode::Verify;
    shop.address.ca_file = Some(certificates.ca.clone());
    let mut following = shop.follow(&["t"]);
    let seen = shop.db.value(&format!(
        "SELECT count(*) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) WHERE s.ssl AND a.usename = 'tls_{slot}' AND application_name = 'balefire'"
    ));
    assert!(seen.parse::<u32>().unwrap() >= 1, "{seen}");
    shop.db
        .run("INSERT INTO t SELECT i, 0 FROM generate_series(1, 20000) i");
    following.catch_up();
    assert_eq!(following.image.len(), 20_000);
    let refused = |address: &connect::source::ServerAddress| {
        let error = PostgresSource::open(address).err().unwrap();
        assert!(matches!(error, ConnectError::Tls { .. }), "{error}");
        let mut told = format!("{error} {error:?}");
        told.push_str(error.advice());
        assert!(!told.contains("ge:he") && !told.contains("ge%3A"), "{told}");
    };
    let mut wrong = shop.address.clone();
    wrong.ca_file = Some(testkit::certificates(others.path()).ca);
    refused(&wrong);
    wrong.ca_file = None;
    refused(&wrong);
    // The name in the certificate counts.
    shop.url(&url.replace("127.0.0.1", "127.0.0.2"));
    if let Err(error) = PostgresSource::open(&shop.address) {
        assert!(
            matches!(
                error,
                ConnectError::Tls { .. } | ConnectError::Unreachable { .. }
            ),
            "{error}"
        );
    } else {
        panic!("another name was taken");
    }
    // Without TLS only on this machine.
    shop.address.tls = TlsMode::Off;
    shop.url("postgres://guard:geheim@192.0.2.1/shop");
    let error = PostgresSource::open(&shop.address).err().unwrap();
    assert!(matches!(error, ConnectError::TlsWanted { .. }), "{error}");
    let plain = Server::shared().database();
    shop.address.tls = TlsMode::Verify;
    shop.url(&plain.url());
    refused(&shop.address);
}

#[test]
fn an_account_with_only_the_printed_grants_is_enough() {
    let shop = Shop::new(
        Server::shared(),
        "CREATE SCHEMA \"Sales\"; CREATE TABLE \"Sales\".\"Orders\" (id int PRIMARY KEY, n int); CREATE TABLE t (id int PRIMARY KEY); \
         CREATE TABLE other (id int PRIMARY KEY); CREATE TABLE nameless (n int)",
    );
    let names = ["Sales.Orders", "t"];
    let tables = shop.tables(&names);
    let role = format!("role_{}", shop.address.slot);
    let url = shop.db.user(&role, "p");
    shop.url(&url);
    let mut source = shop.source();
    let before = source.examine(&tables).unwrap();
    let whats: Vec<&str> = before.problems.iter().map(|a| a.what.as_str()).collect();
    let all = whats.join("\n");
    for part in [
        "may not read the server's log",
        "may not read \"Sales\"",
        "no publication",
        "no replication slot",
    ] {
        assert!(all.contains(part), "{part} in\n{all}");
    }
    assert!(
        before
            .warnings
            .iter()
            .any(|a| a.what.contains("not guarded: other"))
    );
    assert!(before.warnings.iter().any(|a| a.what.contains("nameless")));
    assert!(
        before
            .warnings
            .iter()
            .any(|a| a.what.contains("max_slot_wal_keep_size"))
    );
    assert!(
        before.server.starts_with("PostgreSQL 1"),
        "{}",
        before.server
    );
    assert!(attach(&shop.address, &tables).is_err());
    // An owner runs what was printed, and nothing else.
    for statement in &before.grants {
        shop.db.run(statement);
    }
    attach(&shop.address, &tables).unwrap();
    let after = shop.source().examine(&tables).unwrap();
    assert!(after.problems.is_empty(), "{:?}", after.problems);
    let mut following = shop.resume(&names, None);
    shop.db
        .run("INSERT INTO \"Sales\".\"Orders\" VALUES (1, 1); INSERT INTO t VALUES (4)");
    assert_eq!(ids(&following.catch_up()), [1, 4]);
    assert!(
        following
            .feed
            .check("SELECT 'Sales.Orders', id, n FROM \"Sales\".\"Orders\"")
            .is_ok()
    );
    assert!(shop.db.try_run_as(&role, "p", "DELETE FROM t").is_err());
    assert_eq!(shop.source().estimate(&tables[0]).unwrap(), 1);
}

#[test]
fn whoever_is_not_let_in_is_told_without_the_password() {
    let shop = Shop::new(Server::shared(), TABLE);
    let role = format!("wrong_{}", shop.address.slot);
    shop.db.user(&role, "right");
    shop.url(&shop.db.url_for(&role, "geheim"));
    let error = PostgresSource::open(&shop.address).err().unwrap();
    assert!(
        matches!(error, ConnectError::LoginRefused { .. }),
        "{error:?}"
    );
    assert!(!format!("{error} {error:?}").contains("geheim"));
    assert!(!error.may_pass());
    std::fs::write(shop.file("url"), "postgres://u:geheim@h:port/d").unwrap();
    let error = PostgresSource::open(&shop.address).err().unwrap();
    assert!(!format!("{error} {error:?} {}", error.advice()).contains("geheim"));
}

#[test]
fn a_promoted_standby_goes_on_where_the_primary_ended() {
    let server = Server::start();
    let shop = Shop::new(&server, TABLE);
    let mut following = shop.follow(&["t"]);
    shop.db.run("INSERT INTO t VALUES (1, 0)");
    following.catch_up();
    following.while_polling(|| {
        server.stop();
        std::fs::write(server.folder().join("data/standby.signal"), "").unwrap();
        server.start_again();
        shop.db.run("SELECT pg_promote()");
    });
    shop.db.run("INSERT INTO t VALUES (2, 0)");
    assert_eq!(
        shop.db
            .value("SELECT timeline_id FROM pg_control_checkpoint()"),
        "2"
    );
    following.catch_up();
    assert_eq!(ids(&following.batches), [1, 2]);
}

#[test]
fn a_publication_that_was_dropped_is_said_and_made_anew() {
    let shop = Shop::new(Server::shared(), TABLE);
    let mut following = shop.follow(&["t"]);
    shop.db
        .run(&format!("DROP PUBLICATION {}", shop.address.slot));
    shop.db.run("INSERT INTO t VALUES (1, 0)");
    assert!(matches!(
        following.lost(),
        LostReason::PublicationChanged { .. }
    ));
    following.feed.request_catch_up().unwrap();
    following.rescan();
    assert!(following.feed.caught_up(), "the snapshot shows it all");
    assert_eq!(following.image.len(), 1);
    shop.db.run("INSERT INTO t VALUES (2, 0)");
    assert_eq!(ids(&following.catch_up()), [2]);
}
