//! What the attacker reports is what was done to the file, and nothing else.

use super::*;
use crate::shop::tests::{TABLES, rows, small};
use std::collections::{BTreeMap, BTreeSet};

struct At(Instant);

impl Clock for At {
    fn now(&self) -> Instant {
        self.0
    }
}

const NOON: At = At(Instant::from_secs(1_800_000_000));

type Content = BTreeMap<(&'static str, i64), String>;

fn content(path: &Path) -> Content {
    let shop = Connection::open(path).expect("a shop");
    let of = |table| {
        rows(&shop, table)
            .into_iter()
            .map(move |(id, row)| ((table, id), row))
    };
    TABLES.into_iter().flat_map(of).collect()
}

fn names(rows: &[AttackedRow]) -> BTreeSet<(&str, i64)> {
    rows.iter()
        .map(|a| (a.row.table.as_str(), a.row.id))
        .collect()
}

#[test]
fn what_is_reported_is_what_was_done_and_nothing_else() {
    let (_folder, path) = small(3);
    let before = content(&path);
    let done = attack(&path, &AttackOptions::default(), &NOON).expect("an attack");
    let after = content(&path);
    let altered: BTreeSet<_> = before
        .iter()
        .filter(|(name, row)| after.get(name).is_some_and(|now| now != *row))
        .map(|(name, _)| *name)
        .collect();
    let deleted: BTreeSet<_> = before
        .keys()
        .filter(|n| !after.contains_key(n))
        .copied()
        .collect();
    let inserted: BTreeSet<_> = after
        .keys()
        .filter(|n| !before.contains_key(n))
        .copied()
        .collect();
    assert_eq!(names(&done.altered), altered);
    assert_eq!(names(&done.deleted), deleted);
    let (forged, perfect) = (names(&done.forged), names(&done.undetectable));
    assert!(forged.is_subset(&inserted) && perfect.is_subset(&inserted));
    let mut belongs: Vec<_> = inserted
        .iter()
        .filter(|name| !forged.contains(*name) && !perfect.contains(*name))
        .map(|(table, _)| *table)
        .collect();
    belongs.sort_unstable();
    assert_eq!(
        belongs,
        ["order_lines", "payments"],
        "of the perfect forgery"
    );
    assert_eq!(
        (altered.len(), forged.len(), deleted.len(), perfect.len()),
        (12, 6, 4, 1)
    );
    assert!(done.deleted.iter().all(|a| a.row.table == "refunds"));
    assert!(
        done.altered
            .iter()
            .all(|a| !a.columns.is_empty() && a.committed_at == NOON.0)
    );
    let tables = |rows: &[AttackedRow]| -> BTreeSet<String> {
        rows.iter().map(|a| a.row.table.clone()).collect()
    };
    assert_eq!(
        tables(&done.altered).len(),
        3,
        "orders, payments and refunds"
    );
    assert_eq!(tables(&done.forged).len(), 2, "orders and refunds");
    assert!(
        5 * done.nudgeable().len() > 12 + 6 + 4,
        "a fifth can be carried on"
    );
}

#[test]
fn the_harms_break_the_rules_that_they_are_meant_to_break() {
    let (_folder, path) = small(3);
    let done = attack(&path, &AttackOptions::default(), &NOON).expect("an attack");
    let shop = Connection::open(&path).expect("a shop");
    let holds = |row: &AttackedRow, sql: &str| -> bool {
        shop.query_row(sql, [row.row.id], |row| row.get(0))
            .expect(sql)
    };
    for row in &done.forged {
        let unlawful = match row.row.table.as_str() {
            "orders" => "SELECT status = 'paid' AND NOT EXISTS (SELECT 1 FROM payments p WHERE p.order_id = o.id)
                FROM orders o WHERE id = ?1",
            _ => "SELECT o.status <> 'refunded' FROM refunds r JOIN orders o ON o.id = r.order_id WHERE r.id = ?1",
        };
        assert!(holds(row, unlawful), "{row:?}");
    }
    for row in &done.undetectable {
        let lawful = "SELECT status = 'paid' AND EXISTS (SELECT 1 FROM payments p WHERE p.order_id = o.id
                AND p.amount_minor = o.total_minor AND p.payee_account = o.payee_account)
            AND total_minor = (SELECT sum(quantity * unit_minor) FROM order_lines l WHERE l.order_id = o.id)
            FROM orders o WHERE id = ?1";
        assert!(holds(row, lawful), "{row:?}");
    }
}

#[test]
fn a_seed_repeats_an_attack_and_too_small_a_shop_is_refused() {
    let run = |seed, altered| {
        let (_folder, path) = small(3);
        let options = AttackOptions {
            seed,
            altered,
            ..AttackOptions::default()
        };
        attack(&path, &options, &NOON).map(|done| (done, content(&path)))
    };
    assert!(run(1, 12).expect("an attack") == run(1, 12).expect("an attack"));
    assert!(run(1, 12).expect("an attack") != run(2, 12).expect("an attack"));
    assert!(matches!(run(1, 10_000), Err(ShopError::TooFew { .. })));
}

#[test]
fn rows_touched_just_now_are_left_alone() {
    let (_folder, path) = small(3);
    let shop = Connection::open(&path).expect("a shop");
    let touched = crate::shop::stamp(NOON.0.plus_s(-3));
    shop.execute(
        "UPDATE orders SET updated_at = ?1 WHERE id % 2 = 0",
        [&touched],
    )
    .expect("touched");
    shop.execute(
        "UPDATE refunds SET created_at = ?1 WHERE id % 2 = 0",
        [&touched],
    )
    .expect("touched");
    let done = attack(&path, &AttackOptions::default(), &NOON).expect("an attack");
    for row in done.altered.iter().chain(&done.deleted) {
        assert!(
            row.row.table == "payments" || row.row.id % 2 == 1,
            "{row:?}"
        );
    }
}

#[test]
fn without_open_refunds_more_orders_are_altered() {
    let (_folder, path) = small(3);
    Connection::open(&path)
        .and_then(|shop| shop.execute_batch("UPDATE refunds SET status = 'done'"))
        .expect("all paid out");
    let done = attack(&path, &AttackOptions::default(), &NOON).expect("an attack");
    assert_eq!(done.altered.len(), 12);
    assert!(done.altered.iter().all(|a| a.row.table != "refunds"));
}

#[test]
fn one_order_is_tampered_with_by_the_button_and_by_the_line() {
    let (_folder, path) = small(3);
    let before = content(&path);
    let done = tamper_one(&path, None, &NOON).expect("tampered");
    assert_eq!(done.total_after_minor, done.total_before_minor * 10);
    let changed = |now: &Content| -> Vec<i64> {
        let differs = |(name, row): &(&(&str, i64), &String)| now.get(*name) != Some(row);
        before
            .iter()
            .filter(differs)
            .map(|((_, id), _)| *id)
            .collect()
    };
    assert_eq!(changed(&content(&path)), [done.attacked.row.id]);
    assert!(matches!(
        tamper_one(&path, Some(1_000_000), &NOON),
        Err(ShopError::TooFew { .. })
    ));

    let (_folder, path) = small(3);
    let awkward = path.with_file_name("it's a shop.db");
    std::fs::rename(&path, &awkward).expect("renamed");
    let order = paid_order(&awkward, 9, &NOON).expect("an order");
    let line = tamper_line(&awkward, order);
    let ran = std::process::Command::new("sh")
        .args(["-c", &line])
        .status()
        .expect("a shell");
    if ran.code() == Some(127) {
        // No sqlite3 here: the same statement by our own hand. CI has it.
        assert!(
            std::env::var_os("CI").is_none(),
            "CI lacks the sqlite3 shell"
        );
        let sql = line.rsplit('\'').nth(1).expect("a statement");
        Connection::open(&awkward)
            .and_then(|shop| shop.execute_batch(sql))
            .expect("tampered");
    } else {
        assert!(ran.success(), "{line}");
    }
    assert_eq!(changed(&content(&awkward)), [order]);
}
