//! Opening, reading and scanning shop files, and what is said when that cannot be done.

use connect::ConnectError;
use connect::source::sqlite::{CheckRow, Feed, FeedOptions, GuardedTable, SqliteSource};
use model::{Key, Row, ValueRef};
use proptest::prelude::*;
use rusqlite::Connection;
use std::path::PathBuf;

fn shop(sql: &str) -> (tempfile::TempDir, PathBuf, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let db = Connection::open(&path).unwrap();
    db.execute_batch(sql).unwrap();
    (folder, path, db)
}

fn guard(path: &PathBuf, table: &str, key: &[&str]) -> Result<GuardedTable, ConnectError> {
    let table = GuardedTable::new(SqliteSource::open(path)?.schema(table)?, key)?;
    Feed::open(path, vec![table.clone()], FeedOptions::default())?;
    Ok(table)
}

fn said(error: &ConnectError) -> String {
    assert!(!error.advice().is_empty());
    error
        .to_string()
        .split('/')
        .next_back()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn the_schema_is_read_as_it_is() {
    let (_folder, path, _db) = shop(
        "CREATE TABLE parent (a TEXT, b INTEGER, PRIMARY KEY (b, a)) WITHOUT ROWID;
         CREATE TABLE child (id INTEGER PRIMARY KEY, x TEXT NOT NULL, y REFERENCES parent, double AS (id * 2) STORED);
         CREATE VIEW v AS SELECT 1; CREATE VIRTUAL TABLE f USING fts5(t);",
    );
    let source = SqliteSource::open(&path).unwrap();
    let tables = source.tables().unwrap();
    assert_eq!(
        tables.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(),
        ["child", "parent"]
    );
    assert_eq!(tables[1].primary_key, [1, 0]);
    assert_eq!(
        tables[0].columns.len(),
        3,
        "a generated column follows from the others"
    );
    assert!(tables[0].columns[1].not_null);
    assert_eq!(tables[0].foreign_keys[0].references, ["b", "a"]);
}

#[test]
fn what_cannot_be_guarded_is_said_plainly() {
    let (folder, path, _db) = shop(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, x, u UNIQUE); CREATE UNIQUE INDEX part ON t(x) WHERE x > 1;",
    );
    let message = |result: Result<GuardedTable, ConnectError>| said(&result.unwrap_err());
    assert_eq!(
        message(guard(&folder.path().join("no.db"), "t", &["id"])),
        "no.db"
    );
    assert_eq!(
        message(guard(&folder.path().to_owned(), "t", &["id"]))
            .split(' ')
            .skip(1)
            .collect::<Vec<_>>(),
        ["is", "not", "a", "file"]
    );
    assert_eq!(
        message(guard(&path, "orders", &["id"])),
        "there is no table orders"
    );
    assert_eq!(
        message(guard(&path, "t", &["no"])),
        "table t has no column no"
    );
    assert_eq!(
        message(guard(&path, "t", &[])),
        "no key is named for table t"
    );
    assert!(
        message(guard(&path, "t", &["x"]))
            .starts_with("the key (x) of table t does not name one row")
    );
    guard(&path, "t", &["u"]).unwrap();
    let text = folder.path().join("text.db");
    std::fs::write(
        &text,
        "not a database, but long enough to be looked at as one: ".repeat(30),
    )
    .unwrap();
    assert_eq!(
        message(guard(&text, "t", &["id"])),
        "text.db is not an SQLite database, or it is encrypted"
    );
    let (_other, wide, _wide) =
        shop("PRAGMA encoding = 'UTF-16'; CREATE TABLE t (id INTEGER PRIMARY KEY)");
    assert!(message(guard(&wide, "t", &["id"])).contains("UTF-16le; only UTF-8"));
    let (_held, locked, holder) =
        shop("PRAGMA journal_mode = delete; CREATE TABLE t (id INTEGER PRIMARY KEY)");
    holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    assert_eq!(
        message(guard(&locked, "t", &["id"])),
        "shop.db is locked by another program"
    );
}

#[test]
fn a_schema_that_changed_since_is_refused() {
    let (_folder, path, db) = shop("CREATE TABLE t (id INTEGER PRIMARY KEY)");
    let table = guard(&path, "t", &["id"]).unwrap();
    db.execute_batch("ALTER TABLE t ADD COLUMN x").unwrap();
    let refused = Feed::open(&path, vec![table], FeedOptions::default()).unwrap_err();
    assert!(matches!(refused, ConnectError::SchemaDiffers { .. }));
}

#[test]
fn checks_are_read_only_and_have_three_columns() {
    let (_folder, path, _db) =
        shop("CREATE TABLE t (id INTEGER PRIMARY KEY, x); INSERT INTO t VALUES (1, 5), (2, 50)");
    let source = SqliteSource::open(&path).unwrap();
    let found = source
        .check("SELECT 't', id, 'x is ' || x FROM t WHERE x > 9")
        .unwrap();
    assert_eq!(
        found,
        [CheckRow {
            table: "t".into(),
            key: "2".into(),
            detail: "x is 50".into()
        }]
    );
    assert!(matches!(
        source.check("DELETE FROM t RETURNING 1, 2, 3"),
        Err(ConnectError::CheckWrites)
    ));
    assert!(matches!(
        source.check("SELECT 1, 2, 3; SELECT 1"),
        Err(ConnectError::CheckWrites)
    ));
    assert!(matches!(
        source.check("SELECT id FROM t"),
        Err(ConnectError::CheckColumns { found: 1 })
    ));
    assert!(matches!(
        source.check("SELECT nothing"),
        Err(ConnectError::Sql { .. })
    ));
}

#[test]
fn a_receiver_that_fails_ends_the_scan() {
    let (_folder, path, _db) =
        shop("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (2)");
    let table = guard(&path, "t", &["id"]).unwrap();
    let stopped = SqliteSource::open(&path)
        .unwrap()
        .scan(0, &table, &mut |_| Err("enough".into()));
    assert!(
        matches!(stopped, Err(ConnectError::Receiver(reason)) if reason.to_string() == "enough")
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    /// Keys of mixed kinds and collations come in the order of their bytes, and each row is found by its key.
    #[test]
    fn scans_are_in_key_order(keys in proptest::collection::vec((0..5_usize, -3..300_i64, "[a-cA-C\u{e9}]{0,3}"), 0..60)) {
        let (_folder, path, db) = shop("CREATE TABLE t (k NUMERIC COLLATE NOCASE, l BLOB, PRIMARY KEY (k, l))");
        for (kind, number, text) in keys {
            let sql = ["?1", "?1 + 0.5", "?2", "CAST(?2 AS BLOB)", "CAST(CAST(?2 AS BLOB) || x'ff00' AS TEXT)"][kind];
            db.execute(&format!("INSERT OR IGNORE INTO t VALUES ({sql}, coalesce(?1, ?2))"), (number, text)).unwrap();
        }
        let table = guard(&path, "t", &["k", "l"]).unwrap();
        let source = SqliteSource::open(&path).unwrap();
        let mut seen: Vec<(Key, Row)> = Vec::new();
        source.scan_borrowed(0, &table, &mut |key, row| { seen.push((key.clone(), row.clone())); Ok(()) }).unwrap();
        prop_assert!(seen.is_sorted_by(|a, b| a.0 < b.0));
        let count: i64 = db.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
        prop_assert_eq!(seen.len() as i64, count);
        let keys: Vec<Key> = seen.iter().map(|(key, _)| key.clone()).collect();
        let rows = source.read(&table, &keys).unwrap();
        prop_assert!(rows.into_iter().flatten().eq(seen.into_iter().map(|(_, row)| row)));
        prop_assert_eq!(source.read(&table, &[Key::of([ValueRef::Integer(999), ValueRef::Integer(1)]).unwrap()]).unwrap(), [None]);
    }
}
