//! Ways past the desk itself: rows that go round a log that is whole, values that read like the
//! journal's own marks, rows that no entry can hold.

use crate::shop::{POLICY, World, fill, fill_mariadb, shop_name, told};
use desk::audit_part::Part;
use desk::config::{Config, SourceConfig};
use desk::{DataFolder, Desk, FindingFilter};
use model::{FindingKind, TablePolicy, Verdict};
use testkit::{SmallShop, TempFolder, mariadb, postgres, small_shop_policy};

/// The policy allows all of it, and the binlog tells nothing of it.
const ROUND: &str = "SET sql_log_bin = 0;
    UPDATE customers SET phone = '139' WHERE id = 7;
    INSERT INTO orders VALUES (900, 3, 'placed', 7.50, 'CNY', NULL, NOW(6));";
const FOUND: [&str; 2] = [
    "customers 7 altered round_the_log [phone]",
    "orders 900 forged round_the_log []",
];
const BACK: &str = "SET sql_log_bin = 0;
    UPDATE customers SET phone = '13800007' WHERE id = 7; DELETE FROM orders WHERE id = 900;";

fn shop() -> (mariadb::Database, World) {
    let database = mariadb::Server::shared().database();
    fill_mariadb(&database, 20);
    let world = World::new("mysql", &database.url());
    (database, world)
}

#[test]
fn what_an_audit_finds_beside_the_log_alarms_and_keeps_its_lawful_image() {
    let (database, world) = shop();
    database.run("UPDATE customers SET phone = '13800007' WHERE id = 7");
    assert_eq!(world.audited().discrepancies, []);
    assert_eq!(told(&world.all()), Vec::<String>::new());
    database.run(ROUND);
    for _ in 0..2 {
        let audit = world.audited();
        let named: Vec<&str> = audit.discrepancies.iter().map(|d| d.key.as_str()).collect();
        assert_eq!(named, ["7", "900"], "{audit:?}");
        let phone = &audit.discrepancies[0].columns[0];
        assert_eq!(phone.lawful.as_deref(), Some("13800007"), "{audit:?}");
        assert_eq!(told(&world.all()), FOUND);
    }
    let found = world.all();
    let unlawful = |f: &model::Finding| f.verdict == Verdict::Unlawful && !f.witnessed;
    assert!(found.iter().all(unlawful), "{found:?}");
    assert!(found.iter().all(|f| f.kind.alarms()), "{found:?}");
    // What the log tells of the same rows is judged as ever, and leaves what is wrong.
    database.run("UPDATE customers SET name = 'another' WHERE id = 7");
    assert_eq!(world.audited().discrepancies.len(), 2);
    assert_eq!(told(&world.all()), FOUND);
    // The index forgets nothing of it, and the same rows are not told again.
    let world = world.stop().start();
    assert_eq!(world.audited().discrepancies.len(), 2);
    assert_eq!(told(&world.all()), FOUND);
    database.run(BACK);
    assert_eq!(world.audited().discrepancies, []);
    assert_eq!(told(&world.all()), FOUND);
}

#[test]
fn what_went_round_the_log_while_no_guard_ran_alarms_too() {
    let (database, world) = shop();
    database.run("UPDATE customers SET phone = '13800007' WHERE id = 7");
    assert_eq!(world.audited().discrepancies, []);
    let halted = world.stop();
    database.run("UPDATE customers SET phone = '138' WHERE id = 8");
    database.run(ROUND);
    let world = halted.start();
    assert_eq!(told(&world.findings(2)), FOUND);
    assert_eq!(world.audited().discrepancies.len(), 2);
}

#[test]
fn an_audit_of_a_part_finds_what_went_round_the_log() {
    let (database, world) = shop();
    database.run("UPDATE customers SET phone = '13800007' WHERE id = 7");
    assert_eq!(world.audited().discrepancies, []);
    database.run(ROUND);
    let part = Part::InTurn { rows: 1_000 };
    let report = world.desk.audit_part(&shop_name(), part).unwrap();
    assert_eq!(report.discrepancies.len(), 2);
    assert_eq!(told(&world.all()), FOUND);
}

#[test]
fn what_went_round_the_log_is_put_right() {
    let (database, world) = shop();
    assert_eq!(world.audited().discrepancies, []);
    database.run("SET sql_log_bin = 0; UPDATE customers SET phone = '139' WHERE id = 7");
    assert_eq!(world.audited().discrepancies.len(), 1);
    crate::repair::mended(&world);
    let phone = database.value("SELECT phone FROM customers WHERE id = 7");
    assert_eq!(phone, "13800007");
    assert_eq!(told(&world.all()), FOUND[..1]);
}

/// Of a time for which the guard was blind nothing is proven: what keeps to the policy is listed,
/// and an audit says how much of it nobody has accepted.
#[test]
fn an_audit_counts_what_nobody_witnessed_until_it_is_accepted() {
    let database = postgres::Server::shared().database();
    fill(&database, 5);
    let world = World::new("postgres", &database.url());
    assert_eq!(world.audited().unwitnessed, 0);
    let slot = world.config.source[0].slot.clone().unwrap();
    let halted = world.stop();
    database.run(&format!("SELECT pg_drop_replication_slot('{slot}')"));
    database.run("UPDATE customers SET phone = '139' WHERE id IN (2, 3)");
    let world = halted.start();
    let audit = world.audited();
    assert_eq!((audit.discrepancies.len(), audit.unwitnessed), (0, 2));
    let mut found = world.all();
    found.retain(|f| f.kind == FindingKind::Unwitnessed);
    for (finding, lawful, left) in [(0, true, 1), (1, false, 1), (1, true, 0)] {
        let op = crate::repair::person(&world, "owner", "ciso");
        let id = &found[finding].id;
        (world.desk)
            .judge_finding(&op, id, lawful, "asked")
            .unwrap();
        assert_eq!(world.audited().unwitnessed, left);
    }
}

/// A value that reads like what the journal puts in place of a long cell.
#[test]
fn a_value_that_reads_like_the_journals_own_hash_hides_nothing() {
    let database = postgres::Server::shared().database();
    fill(&database, 3);
    database.run("CREATE TABLE files (id bigint PRIMARY KEY, body bytea NOT NULL)");
    let files =
        "[[table]]\nname = \"files\"\nkey = [\"id\"]\nplain = [\"body\"]\nappend_only = true\n";
    let world = World::with_policy("postgres", &database.url(), &format!("{POLICY}\n{files}"));
    let forged = |word: &str| {
        format!("'\\x00'::bytea || 'balefire-long-cell-sha256:'::bytea || sha256('{word}')")
    };
    for (id, word) in [(1, "evil"), (2, "worse")] {
        database.run(&format!(
            "INSERT INTO files VALUES ({id}, {})",
            forged(word)
        ));
    }
    assert_eq!(world.audited().discrepancies, []);
    database.run("UPDATE files SET body = 'evil' WHERE id = 1");
    let expected = ["files 1 altered append_only [body]"];
    assert_eq!(told(&world.findings(1)), expected);
    // Read from the journal, not from what is remembered.
    let world = world.stop().start();
    database.run("UPDATE files SET body = 'worse' WHERE id = 2");
    assert_eq!(world.findings(2).len(), 2);
    assert_eq!(world.audited().discrepancies.len(), 2);
    assert_eq!(world.all().len(), 2, "{:?}", told(&world.all()));
}

#[test]
fn a_row_that_no_entry_can_hold_is_a_finding() {
    let folder = TempFolder::new();
    let shop = SmallShop::create(&folder.join("shop.db"), 5, 7);
    let sql = |sql: &str| shop.intruder().execute_batch(sql).unwrap();
    sql("CREATE TABLE notes (code TEXT PRIMARY KEY NOT NULL, note TEXT)");
    let mut policy = small_shop_policy();
    let name = policy.source.clone();
    policy.tables.push(TablePolicy {
        name: "notes".to_owned(),
        key: vec!["code".to_owned()],
        plain: vec!["note".to_owned()],
        ..TablePolicy::default()
    });
    let config = Config {
        source: vec![SourceConfig::sqlite(policy, shop.path())],
        ..Config::default()
    };
    let desk = Desk::open(DataFolder::new(folder.join("data")), config).unwrap();
    desk.baseline(&name, false, &mut |_, _| {}).unwrap();
    desk.start_guards().unwrap();
    sql("INSERT INTO notes VALUES ('short', 'a'), (hex(zeroblob(40000)), 'b')");
    let all = FindingFilter {
        limit: 100,
        ..FindingFilter::default()
    };
    for _ in 0..2 {
        let audit = desk.audit_source(&name).unwrap();
        assert_eq!(audit.discrepancies.len(), 1);
        let found = desk.findings(&all);
        assert_eq!(told(&found).len(), 1, "{found:?}");
        assert_eq!(found[0].kind, FindingKind::Unreadable);
        assert_eq!(found[0].table, "notes");
        assert!(found[0].detail.contains("too large"), "{found:?}");
        assert!(found[0].key.len() < 300, "{found:?}");
    }
}
