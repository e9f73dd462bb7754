//! The shop's policy against its trade and its attacker, judged by the real judge: lawful trade
//! gives no finding, and of an attack under trade exactly the attacked rows are found.
//!
//! The feed is played by whole-table comparison, so that this tests policy and trade alone.

use demo::attacker::{AttackOptions, AttackedRow, attack};
use demo::shop::{self, ShopOptions};
use demo::trade::{self, Trade, TradeOptions};
use detect::{CompiledPolicy, FindingAt, Judge};
use model::policy::{ColumnSchema, ForeignKey, TableSchema};
use model::{
    Change, Clock, Finding, FindingKind, Instant, Key, Row, SourceName, SourcePolicy, Standing,
    SystemClock, Value, ValueRef,
};
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

fn source_policy() -> SourcePolicy {
    let mut whole: toml::Table = shop::policy_toml().parse().expect("TOML");
    let mut source = whole.remove("source").expect("a source")[0].clone();
    let section = source.as_table_mut().expect("a section");
    SourcePolicy {
        source: SourceName::from("shop"),
        tables: section["table"].clone().try_into().expect("tables"),
        checks: section["check"].clone().try_into().expect("checks"),
    }
}

fn schema(shop: &Connection, table: &str) -> TableSchema {
    let mut statement = shop
        .prepare("SELECT name, type, \"notnull\" FROM pragma_table_info(?1) ORDER BY cid")
        .expect("a schema");
    let columns = statement.query_map([table], |row| {
        Ok(ColumnSchema {
            name: row.get(0)?,
            declared: row.get(1)?,
            not_null: row.get(2)?,
        })
    });
    let mut statement = shop
        .prepare("SELECT \"from\", \"table\", \"to\" FROM pragma_foreign_key_list(?1)")
        .expect("a schema");
    let foreign_keys = statement.query_map([table], |row| {
        Ok(ForeignKey {
            columns: vec![row.get(0)?],
            table: row.get(1)?,
            references: vec![row.get(2)?],
        })
    });
    TableSchema {
        name: table.to_owned(),
        columns: columns
            .expect("columns")
            .collect::<Result<_, _>>()
            .expect("columns"),
        primary_key: vec![0],
        foreign_keys: foreign_keys
            .expect("keys")
            .collect::<Result<_, _>>()
            .expect("keys"),
    }
}

fn value(value: rusqlite::types::ValueRef<'_>) -> Value {
    match value {
        rusqlite::types::ValueRef::Null => Value::Null,
        rusqlite::types::ValueRef::Integer(i) => Value::Integer(i),
        rusqlite::types::ValueRef::Real(r) => Value::Real(r),
        rusqlite::types::ValueRef::Text(t) => Value::Text(t.to_vec()),
        rusqlite::types::ValueRef::Blob(b) => Value::Blob(b.to_vec()),
    }
}

type Rows = BTreeMap<(u16, Key), Row>;

/// A guard without a journal: what it saw last, what is lawful, and how rows stand.
struct Guard {
    shop: Connection,
    policy: Arc<CompiledPolicy>,
    tables: Vec<String>,
    judge: Judge,
    seen: Rows,
    /// Rows that do not stand as they lawfully do: their standing and lawful image.
    wrong: BTreeMap<(u16, Key), (Standing, Option<Row>)>,
    polls: u64,
}

impl Guard {
    fn new(path: &Path) -> Self {
        let shop = Connection::open(path).expect("a shop");
        let source = source_policy();
        let tables: Vec<_> = source.tables.iter().map(|t| t.name.clone()).collect();
        let schemas: Vec<_> = tables.iter().map(|table| schema(&shop, table)).collect();
        let policy = match detect::compile(&source, &schemas) {
            Ok(policy) => policy,
            Err(problems) => panic!("{problems:#?}"),
        };
        let mut guard = Self {
            shop,
            judge: Judge::new(Arc::clone(&policy)),
            policy,
            tables,
            seen: Rows::new(),
            wrong: BTreeMap::new(),
            polls: 0,
        };
        guard.seen = guard.live();
        for ((table, key), row) in &guard.seen {
            guard.judge.learn(*table, key, Some(row));
        }
        guard
    }

    /// Every row, in one snapshot.
    fn live(&self) -> Rows {
        let snapshot = self.shop.unchecked_transaction().expect("a snapshot");
        let mut live = Rows::new();
        for (number, table) in self.tables.iter().enumerate() {
            let mut statement = snapshot
                .prepare_cached(&format!("SELECT * FROM {table}"))
                .expect("a table");
            let columns = statement.column_count();
            let mut rows = statement.query([]).expect("rows");
            while let Some(row) = rows.next().expect("a row") {
                let values: Vec<_> = (0..columns)
                    .map(|column| value(row.get_ref(column).expect("a column")))
                    .collect();
                let row = Row::from_values(values.iter().map(Value::as_ref));
                let key = Key::of(row.get(0)).expect("a key");
                live.insert((number as u16, key), row);
            }
        }
        live
    }

    fn poll(&mut self) -> Vec<Finding> {
        self.polls += 1;
        let live = self.live();
        let names: BTreeSet<_> = self.seen.keys().chain(live.keys()).cloned().collect();
        let batch: Vec<Change> = names
            .into_iter()
            .filter(|name| self.seen.get(name) != live.get(name))
            .map(|name| self.change(name, &live))
            .collect();
        let mut judgements = Vec::new();
        self.judge.judge(&batch, &mut judgements);
        let mut findings = Vec::new();
        for (change, judgement) in batch.iter().zip(&judgements) {
            let at = FindingAt {
                log: "ledger/0",
                position: self.polls,
                stored_at: change.seen_at,
            };
            findings.extend(detect::finding(&self.policy, change, judgement, at));
            self.note(change, &judgement.standing);
        }
        self.seen = live;
        findings
    }

    fn change(&self, name: (u16, Key), live: &Rows) -> Change {
        let wrong = self.wrong.get(&name);
        Change {
            table: name.0,
            old: self.seen.get(&name).cloned(),
            new: live.get(&name).cloned(),
            lawful: wrong.map(|(_, lawful)| lawful.clone()),
            standing: wrong.map_or(Standing::Clean, |(standing, _)| standing.clone()),
            witnessed: true,
            coalesced: true,
            transaction: 0,
            stamp: model::Stamp::NotAsked,
            seen_at: SystemClock.now(),
            key: name.1,
        }
    }

    fn note(&mut self, change: &Change, standing: &Standing) {
        let name = (change.table, change.key.clone());
        let before = change.lawful.clone().unwrap_or_else(|| change.old.clone());
        let lawful = match (standing, &change.new, before) {
            (Standing::Altered { columns }, Some(new), Some(before)) => {
                let kept: Vec<(u16, Value)> = columns
                    .iter()
                    .map(|c| {
                        let lawful = before.get(usize::from(*c)).unwrap_or(ValueRef::Null);
                        (*c, lawful.to_value())
                    })
                    .collect();
                Some(new.with(&kept))
            }
            (Standing::Forged, ..) => None,
            (_, _, before) => before,
        };
        match standing {
            Standing::Clean | Standing::Gone => self.wrong.remove(&name),
            wrong => self.wrong.insert(name, (wrong.clone(), lawful)),
        };
    }
}

fn more(trade: &Trade, transactions: u64) {
    let goal = trade.stats().committed() + transactions;
    assert!(trade.wait_for(goal, PATIENCE), "{:?}", trade.stats());
}

fn trading(folder: &Path, seed: u64) -> Trade {
    let mut options = TradeOptions::new(folder.join("shop.db"), folder.join("holds.json"));
    options.transactions_per_s = trade::FASTEST;
    options.seed = seed;
    trade::start(&options, Arc::new(SystemClock)).expect("a trade")
}

fn a_shop(seed: u64) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let options = ShopOptions {
        orders: shop::MIN_ORDERS,
        seed,
    };
    shop::create(&folder.path().join("shop.db"), &options, &mut |_| ()).expect("a shop");
    folder
}

#[test]
fn lawful_trade_gives_no_finding() {
    let folder = a_shop(21);
    let mut guard = Guard::new(&folder.path().join("shop.db"));
    let trade = trading(folder.path(), 21);
    for transactions in [1, 1, 1, 3, 3, 7, 7, 15, 30, 60, 100, 150] {
        more(&trade, transactions);
        assert_eq!(guard.poll(), [], "after {:?}", trade.stats());
    }
    let stats = trade.stop().expect("a good end");
    assert_eq!(guard.poll(), []);
    assert!(
        stats.shipped > 0 && stats.refunded > 0 && stats.refunds_done > 0,
        "{stats:?}"
    );
}

fn found(findings: &[Finding], kind: FindingKind) -> BTreeSet<(String, String)> {
    let of_kind = findings.iter().filter(|f| f.kind == kind);
    of_kind.map(|f| (f.table.clone(), f.key.clone())).collect()
}

fn injected(rows: &[AttackedRow]) -> BTreeSet<(String, String)> {
    let name = |a: &AttackedRow| (a.row.table.clone(), a.row.id.to_string());
    rows.iter().map(name).collect()
}

#[test]
fn an_attack_under_trade_is_found_row_for_row_and_nothing_else() {
    for seed in 31..34 {
        let folder = a_shop(seed);
        let path = folder.path().join("shop.db");
        let mut guard = Guard::new(&path);
        let trade = trading(folder.path(), seed);
        more(&trade, 60);
        assert_eq!(guard.poll(), []);
        let options = AttackOptions {
            seed,
            ..AttackOptions::default()
        };
        let done = attack(&path, &options, &SystemClock).expect("an attack");
        let nudged = trade.nudge(&done.nudgeable()).expect("an answer");
        assert!(
            nudged.len() * 5 > 12 + 6 + 4,
            "a fifth is carried on: {nudged:?}"
        );
        let mut findings = guard.poll();
        for transactions in [20, 60, 200] {
            more(&trade, transactions);
            findings.extend(guard.poll());
        }
        trade.stop().expect("a good end");
        findings.extend(guard.poll());
        assert_eq!(
            found(&findings, FindingKind::Altered),
            injected(&done.altered)
        );
        assert_eq!(
            found(&findings, FindingKind::Forged),
            injected(&done.forged)
        );
        assert_eq!(
            found(&findings, FindingKind::Deleted),
            injected(&done.deleted)
        );
        assert_eq!(findings.len(), 12 + 6 + 4, "seed {seed}");
        for altered in &done.altered {
            let name = altered.row.id.to_string();
            let finding = findings
                .iter()
                .find(|f| f.table == altered.row.table && f.key == name)
                .expect("a finding");
            let columns: BTreeSet<_> = finding.columns.iter().map(|c| &c.name).collect();
            assert_eq!(columns, altered.columns.iter().collect());
        }
        still_standing(&guard, &done.nudgeable());
        let total: i64 = findings
            .iter()
            .filter_map(|f| f.at_risk.as_ref())
            .map(|money| money.amount_minor)
            .sum();
        assert!(total > 0);
    }
}

/// Rows altered and then carried on are still known as altered, with the lawful step in their
/// lawful image.
fn still_standing(guard: &Guard, rows: &[shop::RowName]) {
    for row in rows {
        let table = guard
            .tables
            .iter()
            .position(|t| *t == row.table)
            .expect("a table");
        let key = Key::of([ValueRef::Integer(row.id)]).expect("a key");
        let name = (table as u16, key);
        let (standing, lawful) = guard.wrong.get(&name).expect("an altered row");
        assert!(
            matches!(standing, Standing::Altered { .. }),
            "{row:?} {standing:?}"
        );
        let text = |row: &Row| -> Vec<String> { row.iter().map(|v| v.to_string()).collect() };
        let lawful = text(lawful.as_ref().expect("a lawful image"));
        let moved = if row.table == "orders" {
            "shipped"
        } else {
            "done"
        };
        assert!(
            lawful.iter().any(|value| value == moved),
            "{row:?}: {lawful:?}"
        );
        assert_ne!(lawful, text(&guard.seen[&name]));
    }
}

/// The clock is only read through the trait; a fixed one serves as well.
struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Instant {
        Instant::from_secs(1_800_000_000)
    }
}

#[test]
fn a_second_attack_on_the_same_shop_takes_other_rows() {
    let folder = a_shop(41);
    let path = folder.path().join("shop.db");
    let of = |seed| {
        let options = AttackOptions {
            seed,
            ..AttackOptions::default()
        };
        attack(&path, &options, &Fixed).expect("an attack")
    };
    let (first, second) = (of(1), of(2));
    assert!(injected(&first.forged).is_disjoint(&injected(&second.forged)));
    assert!(injected(&first.deleted).is_disjoint(&injected(&second.deleted)));
}
