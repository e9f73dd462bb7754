//! The feed against real SQLite files that other connections write to: after each poll what it
//! said must add up to what SQL shows.

use connect::source::sqlite::{
    Feed, FeedBatch, FeedOptions, GuardedTable, LostReason, Polled, SqliteSource,
};
use model::{Key, Row, ValueRef};
use proptest::prelude::*;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const SCHEMA: &str = "
    CREATE TABLE orders (id INTEGER PRIMARY KEY, status TEXT, total REAL, note);
    CREATE TABLE lines (order_id INTEGER NOT NULL, line_no INTEGER NOT NULL, sku TEXT, PRIMARY KEY (order_id, line_no));
    CREATE TABLE stock (sku TEXT NOT NULL, place TEXT NOT NULL, number INTEGER, PRIMARY KEY (sku, place)) WITHOUT ROWID;
    CREATE TABLE elsewhere (id INTEGER PRIMARY KEY, text TEXT);
    CREATE INDEX orders_by_status ON orders(status);
";
const TABLES: [(&str, &[&str]); 3] = [
    ("orders", &["id"]),
    ("lines", &["order_id", "line_no"]),
    ("stock", &["sku", "place"]),
];

struct Shop {
    _folder: tempfile::TempDir,
    path: PathBuf,
    writer: Connection,
}

fn writer(path: &Path) -> Connection {
    let db = Connection::open(path).unwrap();
    // A writer that waits for nobody: whoever blocks it makes the test fail.
    db.busy_timeout(Duration::ZERO).unwrap();
    db
}

impl Shop {
    fn new(mode: &str, extra: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        let writer = writer(&path);
        writer.execute_batch(extra).unwrap();
        writer.pragma_update(None, "journal_mode", mode).unwrap();
        writer.pragma_update(None, "synchronous", "OFF").unwrap();
        writer.execute_batch(SCHEMA).unwrap();
        Self {
            _folder: folder,
            path,
            writer,
        }
    }
    fn run(&self, sql: &str) {
        self.writer.execute_batch(sql).unwrap();
    }
    fn guarded(&self) -> Vec<GuardedTable> {
        let source = SqliteSource::open(&self.path).unwrap();
        let table = |(name, key): &(&str, &[&str])| {
            GuardedTable::new(source.schema(name).unwrap(), key).unwrap()
        };
        TABLES.iter().map(table).collect()
    }
    fn watcher(&self) -> Watcher {
        self.watcher_with(FeedOptions::default())
    }
    fn watcher_with(&self, options: FeedOptions) -> Watcher {
        let feed = Feed::open(&self.path, self.guarded(), options).unwrap();
        let mut watcher = Watcher {
            feed,
            known: BTreeMap::new(),
        };
        watcher.rescan();
        watcher
    }
    fn truth(&self) -> BTreeMap<(u16, Key), Row> {
        let source = SqliteSource::open(&self.path).unwrap();
        let mut truth = BTreeMap::new();
        source
            .scan_all(&self.guarded(), &mut |table, key, row| {
                truth.insert((table, key.clone()), row.clone());
                Ok(())
            })
            .unwrap();
        truth
    }
    fn log_bytes(&self) -> u64 {
        std::fs::metadata(self.path.with_extension("db-wal")).map_or(0, |m| m.len())
    }
}

struct Watcher {
    feed: Feed,
    known: BTreeMap<(u16, Key), Row>,
}

impl Watcher {
    fn rescan(&mut self) {
        self.known.clear();
        let known = &mut self.known;
        let mut last = None;
        self.feed
            .rescan(&mut |seen| {
                let place = (seen.table, seen.key);
                assert!(last.as_ref() < Some(&place), "not in key order");
                last = Some(place.clone());
                known.insert(place, seen.row.unwrap());
                Ok(())
            })
            .unwrap();
    }
    /// Takes one poll up; every image must be a real change.
    fn poll(&mut self) -> Option<FeedBatch> {
        let polled = self.feed.poll(Duration::ZERO).unwrap();
        self.take(polled)
    }
    fn take(&mut self, polled: Polled) -> Option<FeedBatch> {
        match polled {
            Polled::Quiet => None,
            Polled::Changes(batch) => {
                for seen in &batch.observed {
                    let place = (seen.table, seen.key.clone());
                    let before = match &seen.row {
                        Some(row) => self.known.insert(place, row.clone()),
                        None => self.known.remove(&place),
                    };
                    assert_ne!(before, seen.row, "no change at all");
                }
                Some(batch)
            }
            other => panic!("{other:?}"),
        }
    }
    /// On a starved machine the log may be overwritten in the moment in which it is let go: then
    /// it must be said, and a rescan must mend it.
    fn poll_or_rescan(&mut self) -> Option<FeedBatch> {
        let polled = self.feed.poll(Duration::ZERO).unwrap();
        if let Polled::Lost { reason } = polled {
            assert!(
                matches!(reason, LostReason::Overwritten | LostReason::Generations),
                "{reason}"
            );
            self.rescan();
            return None;
        }
        self.take(polled)
    }
    fn lost(&mut self) -> LostReason {
        match self.feed.poll(Duration::ZERO).unwrap() {
            Polled::Lost { reason } => reason,
            other => panic!("not lost: {other:?}"),
        }
    }
    #[track_caller]
    fn agrees_with(&mut self, shop: &Shop) {
        self.poll();
        let truth = shop.truth();
        let apart = |a: &BTreeMap<(u16, Key), Row>, b: &BTreeMap<(u16, Key), Row>| {
            let apart = a.iter().filter(|(place, row)| b.get(place) != Some(row));
            apart
                .map(|((table, key), _)| format!("{table}:{key}"))
                .take(20)
                .collect::<Vec<_>>()
        };
        let (known, there) = (apart(&self.known, &truth), apart(&truth, &self.known));
        assert!(
            known.is_empty() && there.is_empty(),
            "the feed says {known:?}, SQL {there:?}"
        );
    }
}

fn changes(batch: Option<FeedBatch>) -> Vec<(u16, String, bool)> {
    let seen = batch.map_or_else(Vec::new, |batch| batch.observed);
    seen.into_iter()
        .map(|o| (o.table, o.key.to_string(), o.row.is_some()))
        .collect()
}

fn fill(shop: &Shop, rows: i64) {
    shop.run(&format!(
        "INSERT INTO orders SELECT value, 'placed', value * 1.5, hex(zeroblob(value % 90)) FROM
           (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < {rows}) SELECT value FROM n);
         INSERT INTO lines SELECT id, 1, 'a' FROM orders;
         INSERT INTO stock SELECT 'sku' || id, 'here', id FROM orders WHERE id % 10 = 0;"
    ));
}

#[test]
fn single_changes_come_out_alone() {
    let shop = Shop::new("wal", "");
    fill(&shop, 2_000);
    let mut watcher = shop.watcher();
    assert!(watcher.known == shop.truth());
    assert_eq!(watcher.poll(), None);
    shop.run("UPDATE orders SET total = 7 WHERE id = 900");
    let batch = watcher.poll().unwrap();
    assert_eq!((batch.commits, batch.coalesced), (1, false));
    assert_eq!(batch.observed.len(), 1);
    let row = batch.observed[0].row.as_ref().unwrap();
    assert_eq!(
        row.get(2),
        Some(ValueRef::Real(7.0)),
        "a real that is stored as an integer is a real"
    );
    shop.run("DELETE FROM orders WHERE id = 5; INSERT INTO lines VALUES (5, 2, 'b')");
    let batch = watcher.poll();
    assert_eq!(
        batch.as_ref().map(|b| (b.commits, b.coalesced)),
        Some((2, true))
    );
    assert_eq!(
        changes(batch),
        [(0, "5".into(), false), (1, "5,2".into(), true)]
    );
    shop.run(
        "UPDATE stock SET number = 0 WHERE sku = 'sku10'; DELETE FROM stock WHERE sku = 'sku20'",
    );
    assert_eq!(
        changes(watcher.poll()),
        [
            (2, "sku10,here".into(), true),
            (2, "sku20,here".into(), false)
        ]
    );
    shop.run("INSERT INTO elsewhere(text) VALUES ('x'); UPDATE orders SET status = status");
    assert_eq!(
        watcher.poll(),
        None,
        "nothing of the guarded tables changed"
    );
    watcher.agrees_with(&shop);
}

#[test]
fn a_long_value_written_over_in_place_is_seen() {
    let shop = Shop::new("wal", "");
    fill(&shop, 300);
    shop.run("UPDATE orders SET note = printf('%.*c', 20000, 'a') WHERE id % 7 = 0; PRAGMA wal_checkpoint(TRUNCATE)");
    let mut watcher = shop.watcher();
    // Same length, another last letter: only the last overflow page changes.
    shop.run("UPDATE orders SET note = printf('%.*c', 19999, 'a') || 'b' WHERE id = 70");
    assert_eq!(changes(watcher.poll()), [(0, "70".into(), true)]);
    watcher.agrees_with(&shop);
    // Its neighbour changes: the chain of 70 is followed from what is remembered.
    shop.run("UPDATE orders SET status = 'paid' WHERE id = 71; PRAGMA wal_checkpoint(PASSIVE)");
    assert_eq!(changes(watcher.poll()), [(0, "71".into(), true)]);
    shop.run("UPDATE orders SET note = printf('%.*c', 19999, 'a') || 'c' WHERE id = 70");
    assert_eq!(changes(watcher.poll()), [(0, "70".into(), true)]);
}

#[test]
fn rows_that_exchange_their_keys_stay_there() {
    let shop = Shop::new("wal", "");
    shop.run("INSERT INTO lines VALUES (1, 1, 'a'), (1, 2, 'b')");
    let mut watcher = shop.watcher();
    shop.run(
        "BEGIN; UPDATE lines SET line_no = 9 WHERE line_no = 1; UPDATE lines SET line_no = 1 WHERE line_no = 2;
         UPDATE lines SET line_no = 2 WHERE line_no = 9; COMMIT",
    );
    assert_eq!(
        changes(watcher.poll()),
        [(1, "1,2".into(), true), (1, "1,1".into(), true)]
    );
    watcher.agrees_with(&shop);
}

#[test]
fn the_log_stays_small_without_commits_too() {
    let shop = Shop::new("wal", "");
    fill(&shop, 500);
    let mut watcher = shop.watcher();
    shop.run("UPDATE orders SET total = 1 WHERE id = 1");
    watcher.poll();
    shop.run("PRAGMA wal_checkpoint(PASSIVE)");
    assert_eq!(watcher.poll(), None);
    let before = shop.log_bytes();
    for round in 0..20 {
        shop.run(&format!(
            "UPDATE orders SET total = {round} + 2 WHERE id = 1; PRAGMA wal_checkpoint(PASSIVE)"
        ));
        watcher.poll();
        shop.run("PRAGMA wal_checkpoint(PASSIVE)");
        watcher.poll();
    }
    assert_eq!(
        shop.log_bytes(),
        before,
        "a checkpointed log must be used again from its beginning"
    );
    watcher.agrees_with(&shop);
}

#[test]
fn a_held_log_is_never_lost_whatever_the_checkpoints() {
    let shop = Shop::new("wal", "");
    fill(&shop, 500);
    let mut watcher = shop.watcher();
    for mode in [
        "TRUNCATE", "RESTART", "FULL", "PASSIVE", "TRUNCATE", "TRUNCATE",
    ] {
        for _ in 0..3 {
            shop.run(&format!(
                "UPDATE orders SET total = total + 1 WHERE id < 9; PRAGMA wal_checkpoint({mode})"
            ));
            shop.run(&format!("DELETE FROM orders WHERE id = (SELECT max(id) FROM orders); PRAGMA wal_checkpoint({mode})"));
        }
        watcher.agrees_with(&shop);
        assert_eq!(watcher.poll(), None);
        shop.run(&format!("PRAGMA wal_checkpoint({mode})"));
        assert_eq!(watcher.poll(), None);
    }
}

#[test]
fn a_vacuum_is_followed_and_a_schema_change_is_said() {
    let shop = Shop::new("wal", "");
    fill(&shop, 3_000);
    let mut watcher = shop.watcher();
    shop.run("DELETE FROM orders WHERE id BETWEEN 100 AND 2500");
    watcher.agrees_with(&shop);
    shop.run("UPDATE orders SET total = 1 WHERE id = 3; VACUUM; UPDATE orders SET total = 1 WHERE id = 2900");
    assert_eq!(
        changes(watcher.poll()),
        [(0, "3".into(), true), (0, "2900".into(), true)]
    );
    shop.run("UPDATE orders SET total = 2 WHERE id = 2900; CREATE TABLE more (x)");
    assert_eq!(changes(watcher.poll()), [(0, "2900".into(), true)]);
    watcher.agrees_with(&shop);
    shop.run("ALTER TABLE orders ADD COLUMN extra TEXT DEFAULT 'd'");
    let said = watcher.feed.poll(Duration::ZERO).unwrap();
    assert_eq!(
        said,
        Polled::SchemaChanged {
            tables: vec!["orders".into()]
        }
    );
    // A feed with the new schema reads the default of rows that do not hold the column.
    let mut watcher = shop.watcher();
    let row = watcher.known.values().next().unwrap().clone();
    assert_eq!(row.get(4), Some(ValueRef::Text(b"d")));
    shop.run("UPDATE orders SET total = 5 WHERE id = 2");
    watcher.agrees_with(&shop);
    shop.run("DROP TABLE lines");
    let said = watcher.feed.poll(Duration::ZERO).unwrap();
    assert_eq!(
        said,
        Polled::SchemaChanged {
            tables: vec!["lines".into()]
        }
    );
}

#[test]
fn a_database_without_a_log_is_compared_as_a_whole() {
    let shop = Shop::new("delete", "");
    fill(&shop, 200);
    let mut watcher = shop.watcher();
    shop.run("UPDATE orders SET total = 7 WHERE id = 90; DELETE FROM lines WHERE order_id = 3; UPDATE stock SET number = 1 WHERE sku = 'sku100'");
    let seen = changes(watcher.poll());
    assert_eq!(
        seen,
        [
            (0, "90".into(), true),
            (1, "3,1".into(), false),
            (2, "sku100,here".into(), true)
        ]
    );
    watcher.agrees_with(&shop);
    for round in 0..20 {
        shop.run(&format!("UPDATE orders SET total = -{round} WHERE id = 7"));
        watcher.agrees_with(&shop);
    }
}

#[test]
fn another_file_in_its_place_is_noticed() {
    let shop = Shop::new("wal", "");
    fill(&shop, 20);
    let mut watcher = shop.watcher();
    let backup = shop.path.with_extension("old");
    shop.run(&format!("VACUUM INTO '{}'", backup.display()));
    assert_eq!(watcher.poll(), None);
    std::fs::rename(&backup, &shop.path).unwrap();
    assert_eq!(watcher.lost(), LostReason::Replaced);
}

#[test]
fn a_key_that_is_null_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let db = writer(&path);
    db.pragma_update(None, "journal_mode", "wal").unwrap();
    db.execute_batch("CREATE TABLE t (no TEXT PRIMARY KEY, x); INSERT INTO t VALUES ('a', 1), (NULL, 2), (x'ff', x'00')").unwrap();
    db.execute("INSERT INTO t VALUES (CAST(x'ff61' AS TEXT), 9.5)", [])
        .unwrap();
    let schema = SqliteSource::open(&path).unwrap().schema("t").unwrap();
    let table = GuardedTable::new(schema, &["no"]).unwrap();
    let mut feed = Feed::open(&path, vec![table], FeedOptions::default()).unwrap();
    let mut seen = Vec::new();
    let report = feed
        .rescan(&mut |o| {
            seen.push(o.key);
            Ok(())
        })
        .unwrap();
    assert_eq!(
        (
            report.rows,
            report.unreadable_rows,
            report.unreadable[0].rowid
        ),
        (4, 1, Some(2))
    );
    assert_eq!(
        seen[1],
        Key::of([ValueRef::Text(b"\xffa")]).unwrap(),
        "text that is not UTF-8 is kept"
    );
    let rows = feed.read(0, &seen).unwrap();
    assert!(rows.iter().all(Option::is_some), "{rows:?}");
    db.execute_batch(
        "UPDATE t SET no = NULL WHERE no = 'a'; UPDATE t SET no = 'was null' WHERE rowid = 2",
    )
    .unwrap();
    let Polled::Changes(batch) = feed.poll(Duration::ZERO).unwrap() else {
        panic!()
    };
    assert_eq!(batch.unreadable.len(), 1);
    assert_eq!(
        changes(Some(batch)),
        [(0, "a".into(), false), (0, "was null".into(), true)]
    );
}

#[test]
fn too_many_changes_and_pages_are_bounded() {
    let shop = Shop::new("wal", "");
    fill(&shop, 2_000);
    let options = FeedOptions {
        max_batch_rows: 100,
        max_batch_pages: 3,
        ..FeedOptions::default()
    };
    let mut watcher = shop.watcher_with(options);
    shop.run("UPDATE orders SET total = 1 WHERE id % 50 = 0");
    assert_eq!(
        watcher.poll().unwrap().observed.len(),
        40,
        "more pages than kept: compared as a whole"
    );
    shop.run("UPDATE orders SET total = 2");
    assert_eq!(watcher.lost(), LostReason::TooManyRows { most: 100 });
    watcher.rescan();
    watcher.agrees_with(&shop);
}

#[test]
fn poll_waits_and_can_be_woken() {
    let shop = Shop::new("wal", "");
    let mut watcher = shop.watcher();
    let waker = watcher.feed.waker();
    let path = shop.path.clone();
    let hand = std::thread::spawn(move || {
        writer(&path)
            .execute_batch("INSERT INTO orders VALUES (1, 'placed', 1, NULL)")
            .unwrap();
    });
    let said = watcher.feed.poll(Duration::from_secs(20)).unwrap();
    assert!(matches!(said, Polled::Changes(_)), "{said:?}");
    hand.join().unwrap();
    waker.wake();
    // Without the waking this would take an hour.
    assert_eq!(
        watcher.feed.poll(Duration::from_secs(3_600)).unwrap(),
        Polled::Quiet
    );
}

#[test]
fn writers_are_never_made_to_wait_and_nothing_is_missed_under_load() {
    let shop = Shop::new("wal", "PRAGMA page_size = 1024");
    fill(&shop, 1_000);
    let mut watcher = shop.watcher_with(FeedOptions {
        release_after_frames: 2_000,
        ..FeedOptions::default()
    });
    let path = shop.path.clone();
    let stop = Arc::new(AtomicBool::new(false));
    let enough = Arc::clone(&stop);
    let trade = std::thread::spawn(move || {
        let db = writer(&path);
        db.pragma_update(None, "synchronous", "OFF").unwrap();
        db.pragma_update(None, "wal_autocheckpoint", 1_500).unwrap();
        for i in 0..60_000_i64 {
            if i >= 4_000 && enough.load(Ordering::Relaxed) {
                break;
            }
            // Any SQLITE_BUSY makes this fail.
            match i % 4 {
                0 => db.execute(
                    "INSERT INTO orders VALUES (?1, 'placed', 1.5, zeroblob(?2))",
                    (2_000 + i, i % 3_000),
                ),
                1 => db.execute(
                    "UPDATE orders SET status = 'paid', total = ?1 WHERE id = ?1 % 1000",
                    [i],
                ),
                2 => db.execute("DELETE FROM orders WHERE id = ?1", [(i * 7) % 6_000]),
                _ => db.execute("UPDATE stock SET number = ?1 WHERE sku = 'sku10'", [i]),
            }
            .unwrap();
        }
    });
    let mut generation = 0;
    while !trade.is_finished() {
        let batch = watcher.poll_or_rescan();
        generation = generation.max(batch.map_or(0, |batch| batch.position >> 32));
        stop.store(generation > 0, Ordering::Relaxed);
    }
    trade.join().unwrap();
    watcher.poll_or_rescan();
    watcher.agrees_with(&shop);
    assert_eq!(
        watcher.feed.whole_comparisons(),
        0,
        "the pages always fit the trees"
    );
    assert!(generation > 0, "the log was never started anew");
}

#[derive(Clone, Debug)]
enum Step {
    Insert { id: i64, rows: i64, bytes: usize },
    Update { id: i64, rows: i64, bytes: usize },
    Overwrite { id: i64 },
    Delete { id: i64, rows: i64 },
    DeleteAll,
    Stock(i64),
    Vacuum,
    Checkpoint(&'static str),
    RolledBack { id: i64 },
    Poll,
}

fn step() -> impl Strategy<Value = Step> {
    let id = prop_oneof![3 => 0..3_000_i64, 1 => any::<i64>()];
    let bytes = prop_oneof![4 => 0..200_usize, 1 => 3_000..13_000_usize];
    prop_oneof![
        5 => (id.clone(), 1..120_i64, bytes.clone()).prop_map(|(id, rows, bytes)| Step::Insert { id, rows, bytes }),
        4 => (0..3_000_i64, 1..60_i64, bytes).prop_map(|(id, rows, bytes)| Step::Update { id, rows, bytes }),
        2 => (0..3_000_i64).prop_map(|id| Step::Overwrite { id }),
        3 => (0..3_000_i64, 1..900_i64).prop_map(|(id, rows)| Step::Delete { id, rows }),
        1 => Just(Step::DeleteAll),
        1 => (0..20_i64).prop_map(Step::Stock),
        1 => Just(Step::Vacuum),
        2 => prop_oneof![Just("PASSIVE"), Just("RESTART"), Just("TRUNCATE")].prop_map(Step::Checkpoint),
        1 => id.prop_map(|id| Step::RolledBack { id }),
        5 => Just(Step::Poll),
    ]
}

impl Step {
    fn run(&self, db: &Connection) {
        let spread =
            "WITH RECURSIVE n(v) AS (SELECT 0 UNION ALL SELECT v + 1 FROM n WHERE v < ?2 - 1)";
        let insert = format!(
            "{spread} INSERT OR IGNORE INTO orders SELECT ?1 / 4 * 4 + v * 3, 'placed', v, zeroblob(?3) FROM n"
        );
        match self {
            Self::Insert { id, rows, bytes } => {
                // Near the ends of i64 the sum becomes a real, which is no rowid.
                let id = (*id).clamp(i64::MIN / 2, i64::MAX / 2);
                db.execute(&insert, (id, rows, *bytes as i64)).unwrap();
                db.execute(
                    "INSERT OR IGNORE INTO lines VALUES (?1, 1, 'x'), (?1, 2, 'y')",
                    [id],
                )
                .unwrap();
            }
            Self::Update { id, rows, bytes } => {
                let sql = "UPDATE orders SET note = randomblob(?3), total = total + 1 WHERE id >= ?1 AND id < ?1 + ?2";
                db.execute(sql, (id, rows, *bytes as i64)).unwrap();
                db.execute(
                    "UPDATE lines SET line_no = line_no + 1 WHERE order_id = ?1 AND line_no = 2",
                    [id],
                )
                .unwrap();
            }
            Self::Overwrite { id } => {
                let sql = "UPDATE orders SET note = randomblob(length(note)) WHERE id >= ?1 AND id < ?1 + 40 AND length(note) > 0";
                db.execute(sql, [id]).unwrap();
            }
            Self::Delete { id, rows } => {
                db.execute(
                    "DELETE FROM orders WHERE id >= ?1 AND id < ?1 + ?2",
                    (id, rows),
                )
                .unwrap();
                db.execute("DELETE FROM lines WHERE order_id % 3 = ?1 % 3", [id])
                    .unwrap();
            }
            Self::DeleteAll => drop(db.execute("DELETE FROM orders", []).unwrap()),
            Self::Stock(n) => {
                db.execute(
                    "INSERT OR REPLACE INTO stock VALUES ('s' || (?1 % 7), 'p', ?1)",
                    [n],
                )
                .unwrap();
            }
            Self::Vacuum => db.execute_batch("VACUUM").unwrap(),
            Self::Checkpoint(mode) => db
                .execute_batch(&format!("PRAGMA wal_checkpoint({mode})"))
                .unwrap(),
            Self::RolledBack { id } => {
                db.execute_batch("PRAGMA cache_size = 5; BEGIN").unwrap();
                db.execute(&insert, (id.clamp(&0, &3_000), 100, 5_000))
                    .unwrap();
                db.execute_batch("ROLLBACK").unwrap();
            }
            Self::Poll => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn after_each_poll_the_feed_agrees_with_sql(
        steps in proptest::collection::vec(step(), 1..40),
        page_size in prop_oneof![Just(512), Just(4096)],
        vacuum in 0..2,
        autocheckpoint in prop_oneof![Just(1), Just(20), Just(1000)],
        release_after_frames in prop_oneof![Just(40), Just(1000)],
    ) {
        let shop = Shop::new("wal", &format!("PRAGMA page_size = {page_size}; PRAGMA auto_vacuum = {vacuum}"));
        shop.run(&format!("PRAGMA wal_autocheckpoint = {autocheckpoint}"));
        fill(&shop, 300);
        let mut watcher = shop.watcher_with(FeedOptions { release_after_frames, ..FeedOptions::default() });
        for step in steps.iter().chain([&Step::Poll]) {
            step.run(&shop.writer);
            if !matches!(step, Step::Poll) {
                continue;
            }
            match watcher.feed.poll(Duration::ZERO).unwrap() {
                Polled::Changes(batch) => for seen in batch.observed {
                    let place = (seen.table, seen.key);
                    let before = match &seen.row {
                        Some(row) => watcher.known.insert(place, row.clone()),
                        None => watcher.known.remove(&place),
                    };
                    prop_assert_ne!(before, seen.row);
                },
                Polled::Quiet => {}
                other => prop_assert!(false, "{:?}", other),
            }
            prop_assert!(watcher.known == shop.truth(), "the feed and SQL differ");
        }
    }
}
