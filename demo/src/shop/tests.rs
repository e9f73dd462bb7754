//! A new shop keeps its own rules, its policy names what its schema has, and a seed repeats it.

use super::*;
use model::policy::{CrossCheck, TablePolicy};
use std::collections::BTreeSet;

pub(crate) const TABLES: [&str; 6] = [
    "customers",
    "staff",
    "orders",
    "order_lines",
    "payments",
    "refunds",
];

/// A small shop in a folder that goes away with the test.
pub(crate) fn small(seed: u64) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.db");
    let options = ShopOptions {
        orders: MIN_ORDERS,
        seed,
    };
    create(&path, &options, &mut |_| ()).expect("a shop");
    (folder, path)
}

/// Every row of a table as text, in key order.
pub(crate) fn rows(connection: &Connection, table: &str) -> Vec<(i64, String)> {
    let mut statement = connection
        .prepare(&format!("SELECT * FROM {table} ORDER BY id"))
        .expect("a table");
    let columns = statement.column_count();
    statement
        .query_map([], |row| {
            let text = (0..columns)
                .map(|column| Ok(format!("{:?}", row.get_ref(column)?)))
                .collect::<Result<Vec<_>, rusqlite::Error>>()?;
            Ok((row.get(0)?, text.join(" ")))
        })
        .expect("rows")
        .collect::<Result<_, _>>()
        .expect("rows")
}

fn content(path: &Path) -> Vec<Vec<(i64, String)>> {
    let connection = Connection::open(path).expect("a shop");
    TABLES.map(|table| rows(&connection, table)).to_vec()
}

fn count(connection: &Connection, sql: &str) -> u32 {
    connection.query_row(sql, [], |row| row.get(0)).expect(sql)
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceSection {
    name: String,
    kind: String,
    path: String,
    table: Vec<TablePolicy>,
    check: Vec<CrossCheck>,
}

fn policy() -> SourceSection {
    let mut whole: toml::Table = policy_toml().parse().expect("TOML");
    let toml::Value::Array(mut sources) = whole.remove("source").expect("a source") else {
        panic!("source is not a list")
    };
    sources.remove(0).try_into().expect("the known settings")
}

#[test]
fn a_seed_gives_the_same_shop_each_time() {
    let ((_a, first), (_b, again), (_c, other)) = (small(7), small(7), small(8));
    assert!(content(&first) == content(&again));
    assert!(content(&first) != content(&other));
}

#[test]
fn the_counts_are_those_of_the_tables_and_progress_reaches_the_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.db");
    let options = ShopOptions {
        orders: 1_500,
        seed: 3,
    };
    let mut seen = Vec::new();
    let counts = create(&path, &options, &mut |n| seen.push(n)).expect("a shop");
    assert_eq!(seen, [1_000, 1_500]);
    let connection = Connection::open(&path).expect("a shop");
    let of = |table| count(&connection, &format!("SELECT count(*) FROM {table}"));
    let told = ShopCounts {
        customers: of("customers"),
        staff: of("staff"),
        orders: of("orders"),
        order_lines: of("order_lines"),
        payments: of("payments"),
        refunds: of("refunds"),
    };
    assert_eq!(counts, told);
    assert_eq!(counts.orders, 1_500);
    let mode: String = connection
        .query_row("PRAGMA journal_mode", [], |row| row.get(0))
        .expect("a mode");
    assert_eq!(mode, "wal");
}

#[test]
fn a_new_shop_keeps_its_own_rules() {
    let (_folder, path) = small(11);
    let shop = Connection::open(path).expect("a shop");
    for broken in [
        "SELECT count(*) FROM pragma_foreign_key_check",
        "SELECT count(*) FROM orders o WHERE total_minor <>
            (SELECT sum(quantity * unit_minor) FROM order_lines l WHERE l.order_id = o.id)",
        "SELECT count(*) FROM orders o WHERE (status IN ('paid', 'shipped', 'refunded')) <>
            EXISTS (SELECT 1 FROM payments p WHERE p.order_id = o.id
                AND p.amount_minor = o.total_minor AND p.payee_account = o.payee_account)",
        "SELECT count(*) FROM orders o WHERE (status = 'refunded') <>
            EXISTS (SELECT 1 FROM refunds r WHERE r.order_id = o.id)",
        "SELECT count(*) FROM orders WHERE updated_at < placed_at",
        "SELECT count(*) FROM customers WHERE phone NOT GLOB '1040[0-9][0-9][0-9][0-9][0-9][0-9][0-9]'
            OR email NOT LIKE '%.example'",
    ] {
        assert_eq!(count(&shop, broken), 0, "{broken}");
    }
    for kind in ["placed", "cancelled", "paid", "shipped", "refunded"] {
        let sql = format!("SELECT count(*) FROM orders WHERE status = '{kind}'");
        assert!(count(&shop, &sql) > 0, "no order is {kind}");
    }
}

#[test]
fn the_policy_names_what_the_schema_has() {
    let (_folder, path) = small(1);
    let shop = Connection::open(path).expect("a shop");
    let policy = policy();
    assert_eq!(
        (policy.name.as_str(), policy.kind.as_str()),
        ("shop", "sqlite")
    );
    assert_eq!(policy.path, "shop.db");
    let names: Vec<_> = policy.table.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, TABLES);
    for table in &policy.table {
        let mut statement = shop
            .prepare("SELECT name, type FROM pragma_table_info(?1)")
            .expect("a schema");
        let columns: Vec<(String, String)> = statement
            .query_map([&table.name], |row| Ok((row.get(0)?, row.get(1)?)))
            .expect("columns")
            .collect::<Result<_, _>>()
            .expect("columns");
        let known: BTreeSet<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        let frozen = table.frozen.iter().flat_map(|f| &f.columns);
        let money = table
            .money
            .iter()
            .flat_map(|m| [Some(&m.amount), m.currency.as_ref()]);
        let named = (table
            .key
            .iter()
            .chain(&table.subject)
            .chain(table.personal.keys()))
        .chain(&table.plain)
        .chain(&table.state)
        .chain(frozen)
        .chain(table.parent.iter().map(|p| &p.via))
        .chain(money.flatten());
        for column in named {
            assert!(known.contains(column.as_str()), "{}.{column}", table.name);
        }
        for (name, _) in columns.iter().filter(|(_, declared)| declared == "TEXT") {
            let declared = table.plain.contains(name) || table.personal.contains_key(name);
            assert!(
                declared,
                "{}.{name} is neither plain nor personal",
                table.name
            );
        }
        let reachable: BTreeSet<_> = table.transitions.values().flatten().collect();
        assert!(
            !reachable.contains(&"void".to_owned()),
            "only a repair voids"
        );
    }
}

#[test]
fn the_check_is_silent_on_a_new_shop_and_names_an_excess() {
    let (_folder, path) = small(1);
    let shop = Connection::open(path).expect("a shop");
    let policy = policy();
    let broken = || -> Vec<(String, i64, String)> {
        let mut statement = shop.prepare(&policy.check[0].sql).expect("SQL");
        assert_eq!(statement.column_names(), ["table", "key", "detail"]);
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        rows.expect("rows").collect::<Result<_, _>>().expect("rows")
    };
    assert_eq!(broken(), []);
    let (refund, order): (i64, i64) = shop
        .query_row("SELECT id, order_id FROM refunds LIMIT 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .expect("a refund");
    shop.execute(
        "UPDATE refunds SET amount_minor = amount_minor + 1 WHERE id = ?1",
        [refund],
    )
    .expect("altered");
    let found = broken();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].0.as_str(), found[0].1), ("refunds", refund));
    assert!(
        found[0].2.starts_with(&format!("order {order}: refunded ")),
        "{}",
        found[0].2
    );
}

#[test]
fn nothing_is_overwritten_and_sizes_are_bounded() {
    let (_folder, path) = small(1);
    let again = create(&path, &ShopOptions::default(), &mut |_| ());
    assert!(matches!(again, Err(ShopError::AlreadyThere(_))));
    for orders in [0, MIN_ORDERS - 1, MAX_ORDERS + 1] {
        let options = ShopOptions { orders, seed: 1 };
        let elsewhere = path.with_file_name("other.db");
        let outcome = create(&elsewhere, &options, &mut |_| ());
        assert!(matches!(outcome, Err(ShopError::Size(n)) if n == orders));
        assert!(!elsewhere.exists());
    }
}

#[test]
fn a_shop_that_was_interrupted_is_begun_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.db");
    std::fs::write(folder.path().join("shop.db.making"), "half a file").expect("written");
    let options = ShopOptions {
        orders: MIN_ORDERS,
        seed: 1,
    };
    create(&path, &options, &mut |_| ()).expect("a shop");
    assert!(!folder.path().join("shop.db.making").exists());
}

#[test]
fn the_documentation_prints_the_schema_and_the_policy() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/demo.md");
    let page = std::fs::read_to_string(page).expect("docs/demo.md");
    for text in [DDL, &policy_toml()] {
        assert!(page.contains(text), "docs/demo.md differs from:\n{text}");
    }
}
