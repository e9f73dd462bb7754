//! The small shop keeps to its own policy, and a seed repeats it.

use model::policy::{ColumnSchema, ForeignKey};
use model::{SourcePolicy, TableSchema};
use rusqlite::Connection;
use testkit::{SmallShop, TempFolder, small_shop_policy};

fn column(name: &str, declared: &str) -> ColumnSchema {
    ColumnSchema {
        name: name.to_owned(),
        declared: declared.to_owned(),
        not_null: true,
    }
}

/// What the file itself says of a table.
fn schema(db: &Connection, name: &str) -> TableSchema {
    let columns: Vec<ColumnSchema> = db
        .prepare("SELECT name, type FROM pragma_table_info(?1)")
        .unwrap()
        .query_map([name], |row| {
            Ok(column(&row.get::<_, String>(0)?, &row.get::<_, String>(1)?))
        })
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(!columns.is_empty(), "no table {name}");
    let foreign_keys = db
        .prepare("SELECT \"from\", \"table\", \"to\" FROM pragma_foreign_key_list(?1)")
        .unwrap()
        .query_map([name], |row| {
            Ok(ForeignKey {
                columns: vec![row.get(0)?],
                table: row.get(1)?,
                references: vec![row.get(2)?],
            })
        })
        .unwrap()
        .map(Result::unwrap)
        .collect();
    TableSchema {
        name: name.to_owned(),
        columns,
        primary_key: vec![0],
        foreign_keys,
    }
}

fn schemas(db: &Connection, policy: &SourcePolicy) -> Vec<TableSchema> {
    policy
        .tables
        .iter()
        .map(|table| schema(db, &table.name))
        .collect()
}

fn dump(db: &Connection) -> Vec<String> {
    db.prepare(
        "SELECT 'o' || id || phone || status || total_minor FROM orders UNION ALL
         SELECT 'p' || id || order_id || payee || amount_minor FROM payments UNION ALL
         SELECT 'r' || id || order_id || status || amount_minor FROM refunds",
    )
    .unwrap()
    .query_map([], |row| row.get(0))
    .unwrap()
    .map(Result::unwrap)
    .collect()
}

#[test]
fn the_policy_fits_the_file() {
    let folder = TempFolder::new();
    let shop = SmallShop::create(&folder.join("shop.db"), 1, 1);
    let policy = small_shop_policy();
    let compiled = detect::policy::compile(&policy, &schemas(&shop.intruder(), &policy));
    assert!(compiled.is_ok(), "{:?}", compiled.err());
}

#[test]
fn a_seed_repeats_the_shop_and_every_state_has_rows() {
    let folder = TempFolder::new();
    let make = |name: &str, seed| SmallShop::create(&folder.join(name), 200, seed);
    let (one, same, other) = (make("1.db", 5), make("2.db", 5), make("3.db", 6));
    assert_eq!(dump(&one.intruder()), dump(&same.intruder()));
    assert_ne!(dump(&one.intruder()), dump(&other.intruder()));
    for state in ["placed", "paid", "shipped", "refunded"] {
        assert!(one.orders_in(state).len() > 10, "{state}");
    }
    let counts = one.counts();
    assert_eq!(counts.orders, 200);
    assert_eq!(counts.refunds as usize, one.orders_in("refunded").len());
    assert_eq!(
        counts.payments as usize,
        200 - one.orders_in("placed").len()
    );
}

#[test]
fn lawful_steps_move_an_order_on_and_unlawful_ones_stop_the_test() {
    let folder = TempFolder::new();
    let mut shop = SmallShop::create(&folder.join("shop.db"), 0, 1);
    let order = shop.place();
    shop.pay(order);
    shop.ship(order);
    shop.refund(order);
    assert_eq!(shop.orders_in("refunded"), [order]);
    let again = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| shop.ship(order)));
    assert!(again.is_err());
}

#[test]
fn the_settings_as_a_file_say_the_same_as_the_policy() {
    let config = desk::config::Config::parse(testkit::SMALL_SHOP_SETTINGS).unwrap();
    assert_eq!(config.source[0].policy(), small_shop_policy());
}
