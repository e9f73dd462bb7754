//! A PostgreSQL shop under guard: what is lawful stays quiet, what is not is found, whatever breaks
//! in between.

use crate::shop::{World, fill, shop_name, told};
use model::FindingKind;
use testkit::postgres::{Database, Server};

fn shop(server: &Server, orders: u32) -> (Database, World) {
    let database = server.database();
    fill(&database, orders);
    let world = World::new("postgres", &database.url());
    (database, world)
}

const LAWFUL: &str = "
BEGIN; INSERT INTO orders VALUES (1001, 3, 'placed', 7.50, 'CNY', NULL, now());
       UPDATE orders SET total = 8.50, updated_at = clock_timestamp() WHERE id = 1001; COMMIT;
BEGIN; INSERT INTO payments VALUES (1001, 1001, 8.50, 'settled', now());
       UPDATE orders SET status = 'paid', updated_at = clock_timestamp() WHERE id = 1001; COMMIT;
BEGIN; INSERT INTO order_changes VALUES (1, 1001, 'a line was taken back');
       UPDATE orders SET total = 6.50, updated_at = clock_timestamp() WHERE id = 1001; COMMIT;
UPDATE orders SET status = 'shipped', updated_at = clock_timestamp() WHERE id = 1001;
UPDATE customers SET phone = '139' WHERE id = 3;
UPDATE orders SET note = note WHERE id = 2;
BEGIN; UPDATE orders SET total = 0 WHERE id = 4; ROLLBACK;
";

#[test]
fn lawful_trade_is_quiet_and_tampering_is_named_by_column() {
    let (database, world) = shop(Server::shared(), 50);
    database.run(LAWFUL);
    assert_eq!(world.audited().discrepancies, []);
    assert_eq!(told(&world.all()), Vec::<String>::new());
    database.run(
        "UPDATE orders SET total = 0.01, updated_at = clock_timestamp() WHERE id = 7;
         UPDATE customers SET \"bankAccount\" = 'EVIL' WHERE id = 8;
         DELETE FROM payments WHERE id = 9;
         UPDATE orders SET status = 'refunded' WHERE id = 10;
         INSERT INTO orders VALUES (2000, 5, 'paid', 1, 'CNY', NULL, now());
         UPDATE order_changes SET why = 'x' WHERE id = 1;",
    );
    let found = told(&world.findings(6));
    let expected = [
        "customers 8 altered frozen [bankAccount]",
        "order_changes 1 altered append_only [why]",
        "orders 10 altered together [status]",
        "orders 2000 forged initial []",
        "orders 7 altered frozen [total]",
        "payments 9 deleted no_delete []",
    ];
    assert_eq!(found, expected);
    let audit = world.audited();
    assert_eq!(audit.discrepancies.len(), 6, "{:?}", audit.discrepancies);
    assert_eq!(world.all().len(), 6, "an audit finds nothing new");
}

#[test]
fn what_happened_while_nobody_ran_is_told_by_the_log_once() {
    let (database, world) = shop(Server::shared(), 20);
    database.run(LAWFUL);
    let stopped = world.stop();
    database.run(
        "BEGIN; INSERT INTO order_changes VALUES (2, 6, 'price agreed');
                UPDATE orders SET total = 5, updated_at = clock_timestamp() WHERE id = 6; COMMIT;
         UPDATE orders SET total = 0.01 WHERE id = 7;
         UPDATE orders SET total = 17.00 WHERE id = 7;
         UPDATE orders SET total = 0.02 WHERE id = 8;",
    );
    let world = stopped.start();
    // Both steps of order 7 are told, the second of which put it right.
    let found = world.findings(2);
    assert_eq!(
        told(&found),
        [
            "orders 7 altered frozen [total]",
            "orders 8 altered frozen [total]",
        ]
    );
    assert!(found.iter().all(|f| f.witnessed), "{found:?}");
    let world = world.stop().start();
    assert_eq!(told(&world.all()).len(), 2);
    let audit = world.audited();
    assert_eq!(audit.discrepancies.len(), 1, "{:?}", audit.discrepancies);
}

#[test]
fn a_server_that_is_killed_and_comes_back_costs_nothing() {
    let server = Server::start();
    let (database, world) = shop(&server, 20);
    database.run(LAWFUL);
    server.kill_and_start();
    database.run("UPDATE orders SET total = 0.01 WHERE id = 7;");
    assert_eq!(
        told(&world.findings(1)),
        ["orders 7 altered frozen [total]"]
    );
    server.restart();
    database.run("UPDATE orders SET total = 0.01 WHERE id = 8;");
    assert_eq!(world.findings(2).len(), 2);
    assert_eq!(world.audited().discrepancies.len(), 2);
    world.desk.stop();
}

#[test]
fn a_slot_that_is_gone_is_said_and_what_it_hid_is_listed() {
    let (database, world) = shop(Server::shared(), 20);
    let slot = world.config.source[0].slot.clone().unwrap();
    let stopped = world.stop();
    database.run(&format!("SELECT pg_drop_replication_slot('{slot}')"));
    database.run(
        "UPDATE orders SET total = 0.01 WHERE id = 7;
         UPDATE orders SET note = 'called' WHERE id = 8;",
    );
    let world = stopped.start();
    let found = world.findings(3);
    let lines = told(&found);
    assert!(lines.iter().any(|l| l.contains("blind")), "{lines:?}");
    // Whether an `order_changes` row stood in its transaction nobody can tell any more; that
    // `updated_at` did not change is told by the row itself.
    let altered = "orders 7 altered together [total]".to_owned();
    assert!(lines.contains(&altered), "{lines:?}");
    let unwitnessed: Vec<_> = (found.iter())
        .filter(|f| f.kind == FindingKind::Unwitnessed)
        .map(|f| f.key.as_str())
        .collect();
    assert_eq!(unwitnessed, ["8"]);
    database.run("UPDATE orders SET total = 0.01 WHERE id = 9;");
    assert_eq!(world.findings(4).len(), 4);
}

#[test]
fn a_truncated_table_is_a_finding_for_every_row() {
    let (database, world) = shop(Server::shared(), 12);
    database.run("TRUNCATE payments");
    let found = world.findings(13);
    let deleted = found.iter().filter(|f| f.kind == FindingKind::Deleted);
    assert_eq!(deleted.count(), 12, "{:?}", told(&found));
}

#[test]
fn an_audit_beside_trade_finds_no_false_discrepancy() {
    let (database, world) = shop(Server::shared(), 400);
    let trading = std::sync::atomic::AtomicBool::new(true);
    let audits = std::thread::scope(|scope| {
        let trade = scope.spawn(|| {
            let mut rounds = 0;
            while trading.load(std::sync::atomic::Ordering::Relaxed) {
                database.run(
                    "DO $$ BEGIN FOR i IN 1..400 LOOP
                       UPDATE customers SET phone = phone || 'x' WHERE id = i;
                       UPDATE orders SET note = clock_timestamp()::text WHERE id = i;
                       COMMIT; END LOOP; END $$;",
                );
                rounds += 1;
            }
            rounds
        });
        let audits: Vec<_> = (0..5).map(|_| world.audited()).collect();
        trading.store(false, std::sync::atomic::Ordering::Relaxed);
        assert!(trade.join().unwrap() > 0);
        audits
    });
    for audit in audits {
        assert_eq!(audit.discrepancies, []);
        assert_eq!(audit.rows, 1_200);
    }
    assert_eq!(told(&world.all()), Vec::<String>::new());
}

#[test]
fn a_part_is_audited_and_says_what_it_may_have_missed() {
    use desk::audit_part::Part;
    let (database, world) = shop(Server::shared(), 100);
    database.run("UPDATE payments SET amount = 0 WHERE id = 50;");
    world.findings(1);
    let mut found = 0;
    let mut shares = Vec::new();
    for _ in 0..4 {
        let part = Part::InTurn { rows: 90 };
        let report = world.desk.audit_part(&shop_name(), part).unwrap();
        found += report.discrepancies.len();
        shares.push((report.share * 100.0).round());
    }
    assert_eq!(shares, [30.0, 60.0, 90.0, 100.0]);
    assert_eq!(found, 1);
    let all = world
        .desk
        .audit_part(&shop_name(), Part::Sample { rows: 1_000 });
    let all = all.unwrap();
    assert_eq!(
        (all.rows, all.share, all.discrepancies.len()),
        (300, 1.0, 1)
    );
}

#[test]
fn a_policy_is_learnt_from_what_the_guard_has_seen() {
    let (database, world) = shop(Server::shared(), 60);
    let statements: Vec<String> = (1..=60)
        .map(|id| {
            format!(
                "BEGIN; INSERT INTO order_changes VALUES ({id}, {id}, 'a line was taken back');
                        UPDATE orders SET total = total - 1, updated_at = clock_timestamp() WHERE id = {id}; COMMIT;
                 UPDATE orders SET status = 'shipped', updated_at = clock_timestamp() WHERE id = {id};"
            )
        })
        .collect();
    database.run(&statements.join("\n"));
    assert_eq!(world.audited().discrepancies, []);
    // What is unlawful already teaches nothing.
    database.run("UPDATE payments SET amount = 0 WHERE id = 3;");
    world.findings(1);
    let proposal = world.desk.learn(&shop_name()).unwrap();
    assert_eq!((proposal.transactions, proposal.writes), (120, 180));
    let text = proposal.to_toml("shop");
    let policy: toml::Value = toml::from_str(&text).unwrap();
    let source = policy["source"].get(0).unwrap_or(&policy["source"]);
    let tables = source["table"].as_array().unwrap();
    let orders = tables.iter().find(|t| t["name"].as_str() == Some("orders"));
    let orders = orders.unwrap().to_string();
    assert!(orders.contains("updated_at"), "{text}");
    assert!(orders.contains("order_changes"), "{text}");
}

#[test]
fn a_slot_of_another_database_is_left_alone() {
    let (_, world) = shop(Server::shared(), 5);
    let other = Server::shared().database();
    fill(&other, 5);
    let folder = testkit::TempFolder::new();
    let mut config = crate::shop::config(&folder, "postgres", &other.url());
    let slot = world.config.source[0].slot.clone();
    config.source[0].slot.clone_from(&slot);
    let desk = desk::Desk::open(desk::DataFolder::new(folder.join("data")), config).unwrap();
    let refused = desk.attach(&shop_name()).unwrap_err().told();
    assert!(refused.contains("another database"), "{refused}");
    assert!(refused.contains("slot"), "{refused}");
    drop(desk.detach(&shop_name()));
    let name = slot.unwrap();
    let kept = format!("SELECT count(*) FROM pg_replication_slots WHERE slot_name = '{name}'");
    assert_eq!(other.value(&kept), "1");
}
