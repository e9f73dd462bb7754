//! What a learner makes of small shops, and what a replay of its policy then finds.

use detect::learn::Learner;
use detect::replay::{Replay, ReplayFinding, ReplayKind};
use detect::{Judge, JudgeOptions};
use model::policy::{ColumnSchema, ForeignKey, Sees, WriteKind};
use model::{
    Instant, Key, PartRow, Row, RowWrite, SourceName, TableSchema, Value, WrittenTransaction,
};

const ORDERS: u16 = 0;
const LINES: u16 = 1;
const PAYMENTS: u16 = 2;
const HISTORY: u16 = 3;

fn schemas() -> Vec<TableSchema> {
    let table = |name: &str, columns: &[(&str, &str)], to_order: bool| TableSchema {
        name: name.to_owned(),
        columns: columns
            .iter()
            .map(|(name, declared)| ColumnSchema {
                name: (*name).to_owned(),
                declared: (*declared).to_owned(),
                not_null: true,
            })
            .collect(),
        primary_key: vec![0],
        foreign_keys: to_order
            .then(|| ForeignKey {
                columns: vec!["order_id".to_owned()],
                table: "orders".to_owned(),
                references: vec!["id".to_owned()],
            })
            .into_iter()
            .collect(),
    };
    vec![
        table(
            "orders",
            &[("id", "bigint"), ("state", "text"), ("total", "bigint")],
            false,
        ),
        table(
            "order_lines",
            &[
                ("id", "bigint"),
                ("order_id", "bigint"),
                ("price", "bigint"),
            ],
            true,
        ),
        table(
            "payments",
            &[
                ("id", "bigint"),
                ("order_id", "bigint"),
                ("amount", "bigint"),
            ],
            true,
        ),
        table(
            "order_history",
            &[("id", "bigint"), ("order_id", "bigint"), ("note", "text")],
            true,
        ),
    ]
}

/// A shop that trades; every call is one step of it.
#[derive(Default)]
struct Trade {
    done: Vec<WrittenTransaction>,
    line: u64,
}

type Cells<'a> = &'a [Value];

impl Trade {
    fn transaction(&mut self, writes: Vec<(u16, WriteKind, Vec<Value>, Vec<Value>)>) {
        let writes = writes.into_iter().map(|(table, op, old, new)| {
            self.line += 1;
            let part = |cells: Cells<'_>| {
                let row = Row::from_values(cells.iter().map(Value::as_ref));
                (!cells.is_empty()).then(|| PartRow::whole(row))
            };
            let id = new.first().or(old.first()).expect("a key");
            RowWrite {
                table,
                op,
                key: Key::of([id.as_ref()]).expect("a key"),
                old: part(&old),
                new: part(&new),
                at: Instant(self.line as i64),
                said_at: self.line.to_string(),
                line: self.line,
            }
        });
        let writes = writes.collect();
        let id = (self.done.len() + 1).to_string();
        self.done.push(WrittenTransaction { id, writes });
    }

    fn insert(table: u16, cells: Vec<Value>) -> (u16, WriteKind, Vec<Value>, Vec<Value>) {
        (table, WriteKind::Insert, Vec::new(), cells)
    }

    fn order(&mut self, id: i64) {
        self.transaction(vec![
            Self::insert(ORDERS, order(id, "placed", 10 * id)),
            Self::insert(LINES, row(id, id, 10 * id)),
            Self::insert(HISTORY, note(2 * id, id, "placed")),
        ]);
        self.step(
            id,
            "placed",
            "paid",
            Some(Self::insert(PAYMENTS, row(id, id, 10 * id))),
        );
    }

    fn step(
        &mut self,
        id: i64,
        from: &str,
        to: &str,
        more: Option<(u16, WriteKind, Vec<Value>, Vec<Value>)>,
    ) {
        let (old, new) = (order(id, from, 10 * id), order(id, to, 10 * id));
        let mut writes = vec![
            (ORDERS, WriteKind::Update, old, new),
            Self::insert(HISTORY, note(1_000 + self.line as i64, id, to)),
        ];
        writes.extend(more);
        self.transaction(writes);
    }
}

fn order(id: i64, state: &str, total: i64) -> Vec<Value> {
    vec![
        Value::Integer(id),
        Value::text(state),
        Value::Integer(total),
    ]
}
fn row(id: i64, order: i64, amount: i64) -> Vec<Value> {
    [id, order, amount].map(Value::Integer).to_vec()
}
fn note(id: i64, order: i64, text: &str) -> Vec<Value> {
    vec![Value::Integer(id), Value::Integer(order), Value::text(text)]
}

fn replay(lawful: &Trade, then: &Trade) -> Vec<ReplayFinding> {
    replay_in(&schemas(), lawful, then)
}

fn replay_in(schemas: &[TableSchema], lawful: &Trade, then: &Trade) -> Vec<ReplayFinding> {
    let mut learner = Learner::new(schemas);
    lawful.done.iter().for_each(|t| learner.transaction(t));
    let policy = learner.propose().policy(SourceName::new("shop"));
    let compiled = detect::policy::compile_for(&policy, schemas, Sees::Transactions)
        .unwrap_or_else(|problems| panic!("{problems:?}"));
    let options = JudgeOptions {
        tainted_input: false,
    };
    let mut replay = Replay::new(Judge::with_options(compiled, options), schemas);
    then.done
        .iter()
        .flat_map(|t| replay.transaction(t))
        .collect()
}

fn lawful() -> Trade {
    let mut trade = Trade::default();
    (1..=6).for_each(|id| trade.order(id));
    trade
}

#[test]
fn a_step_never_seen_passes_in_the_usual_company_and_not_alone() {
    let mut then = Trade::default();
    then.step(2, "paid", "shipped", None);
    assert_eq!(replay(&lawful(), &then), []);
    then.transaction(vec![(
        ORDERS,
        WriteKind::Update,
        order(3, "paid", 30),
        order(3, "shipped", 30),
    )]);
    let found = replay(&lawful(), &then);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].table.as_str(), found[0].rules[0].as_str()),
        ("orders", "company")
    );
    assert_eq!(found[0].key, [("id".to_owned(), Value::Integer(3))]);
    assert_eq!(found[0].columns[0].name, "state");
    assert_eq!(found[0].columns[0].lawful, Some(Value::text("paid")));
}

#[test]
fn lone_rows_amounts_and_deletions_are_found() {
    let mut then = Trade::default();
    then.transaction(vec![Trade::insert(PAYMENTS, row(99, 2, 20))]);
    then.transaction(vec![(
        PAYMENTS,
        WriteKind::Update,
        row(2, 2, 20),
        row(2, 2, 1),
    )]);
    then.transaction(vec![(
        ORDERS,
        WriteKind::Update,
        order(2, "paid", 20),
        order(2, "paid", 1),
    )]);
    then.transaction(vec![(
        PAYMENTS,
        WriteKind::Delete,
        row(3, 3, 30),
        Vec::new(),
    )]);
    let kinds: Vec<ReplayKind> = replay(&lawful(), &then).iter().map(|f| f.kind).collect();
    let altered = ReplayKind::Altered;
    assert_eq!(
        kinds,
        [ReplayKind::Forged, altered, altered, ReplayKind::Deleted]
    );
}

#[test]
fn a_row_tampered_with_keeps_its_lawful_value_and_is_found_each_time() {
    let mut then = Trade::default();
    let set =
        |from: i64, to: i64| vec![(PAYMENTS, WriteKind::Update, row(2, 2, from), row(2, 2, to))];
    then.transaction(set(20, 1));
    then.transaction(set(1, 2));
    then.transaction(set(2, 20));
    let found = replay(&lawful(), &then);
    let lawful_values: Vec<_> = found.iter().map(|f| f.columns[0].lawful.clone()).collect();
    assert_eq!(lawful_values, vec![Some(Value::Integer(20)); 2]);
}

/// An insert may be written again in its transaction, but not in what never changes.
#[test]
fn nothing_hides_within_the_transaction_that_inserted_the_row() {
    let mut then = Trade::default();
    let paid = |writes| {
        let (old, new) = (order(7, "placed", 70), order(7, "paid", 70));
        let mut all = vec![
            (ORDERS, WriteKind::Update, old, new),
            Trade::insert(HISTORY, note(900, 7, "paid")),
            Trade::insert(PAYMENTS, row(7, 7, 70)),
        ];
        all.push(writes);
        all
    };
    then.transaction(paid((
        PAYMENTS,
        WriteKind::Update,
        row(7, 7, 70),
        row(7, 7, 1),
    )));
    let found = replay(&lawful(), &then);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].columns[0].live, Some(Value::Integer(1)));
    let mut then = Trade::default();
    then.transaction(paid((
        PAYMENTS,
        WriteKind::Delete,
        row(7, 7, 70),
        Vec::new(),
    )));
    let found = replay(&lawful(), &then);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].kind, ReplayKind::Deleted);
}

/// The next line of the same transaction shows the row as if nothing had been done to it.
#[test]
fn a_change_that_the_next_line_does_not_show_is_not_lost() {
    let mut then = Trade::default();
    let tampered = (PAYMENTS, WriteKind::Update, row(2, 2, 20), row(2, 2, 1));
    let as_before = (PAYMENTS, WriteKind::Update, row(2, 2, 20), row(2, 2, 20));
    then.transaction(vec![tampered, as_before]);
    let found = replay(&lawful(), &then);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].line, 1);
    assert_eq!(found[0].columns[0].live, Some(Value::Integer(1)));
}

/// Where every row has a transaction of its own, company means nothing, and nothing is made up.
#[test]
fn a_shop_that_writes_row_by_row_is_told_what_cannot_be_decided() {
    let mut alone = Trade::default();
    for transaction in lawful().done {
        for write in transaction.writes {
            let cells = |part: Option<PartRow>| -> Vec<Value> {
                part.iter()
                    .flat_map(|p| p.row.iter())
                    .map(|v| v.to_value())
                    .collect()
            };
            alone.transaction(vec![(
                write.table,
                write.op,
                cells(write.old),
                cells(write.new),
            )]);
        }
    }
    let mut learner = Learner::new(&schemas());
    alone.done.iter().for_each(|t| learner.transaction(t));
    let proposal = learner.propose();
    let payments = proposal
        .tables
        .iter()
        .find(|t| t.name == "payments")
        .expect("payments");
    assert!(!payments.undecided.is_empty());
    assert!(
        proposal
            .to_toml("test")
            .contains("# Undecided: rows were inserted alone")
    );
    assert_eq!(replay(&alone, &alone), []);
}

/// The same shop, where neither names nor types nor foreign keys say anything.
fn nameless() -> Vec<TableSchema> {
    (1..)
        .zip(schemas())
        .map(|(t, table)| TableSchema {
            name: format!("t{t}"),
            columns: (1..)
                .zip(table.columns)
                .map(|(c, column)| ColumnSchema {
                    name: format!("c{c}"),
                    declared: String::new(),
                    ..column
                })
                .collect(),
            foreign_keys: Vec::new(),
            ..table
        })
        .collect()
}

#[test]
fn a_shop_without_words_is_learnt_by_what_it_does() {
    let mut lawful = Trade::default();
    (1..=80).for_each(|id| lawful.order(id));
    let mut then = Trade::default();
    then.order(81);
    then.transaction(vec![Trade::insert(PAYMENTS, row(99, 2, 20))]);
    let set = |table, new: Vec<Value>, old| vec![(table, WriteKind::Update, old, new)];
    then.transaction(set(PAYMENTS, row(3, 3, 1), row(3, 3, 30)));
    then.transaction(vec![
        Trade::insert(ORDERS, order(82, "placed", 820)),
        Trade::insert(LINES, row(82, 82, 820)),
        Trade::insert(HISTORY, note(164, 82, "placed")),
    ]);
    then.transaction(set(
        ORDERS,
        order(82, "paid", 820),
        order(82, "placed", 820),
    ));
    then.transaction(set(LINES, row(5, 6, 50), row(5, 5, 50)));
    then.transaction(vec![(LINES, WriteKind::Delete, row(6, 6, 60), Vec::new())]);
    let found: Vec<(String, ReplayKind)> = replay_in(&nameless(), &lawful, &then)
        .into_iter()
        .map(|f| (f.table, f.kind))
        .collect();
    let at = |table: &str, kind| (table.to_owned(), kind);
    assert_eq!(
        found,
        [
            at("t3", ReplayKind::Forged),
            at("t3", ReplayKind::Altered),
            at("t1", ReplayKind::Altered),
            at("t2", ReplayKind::Altered),
            at("t2", ReplayKind::Deleted),
        ]
    );
}

/// A name alone is no reason to forbid what was never seen either way.
#[test]
fn a_table_that_was_hardly_seen_is_left_alone() {
    let mut schemas = schemas();
    let mut returns = schemas[1].clone();
    returns.name = "order_returns".to_owned();
    returns.columns[2].name = "received_quantity".to_owned();
    schemas.push(returns);
    let mut then = Trade::default();
    then.transaction(vec![
        Trade::insert(4, row(1, 2, 0)),
        Trade::insert(HISTORY, note(900, 2, "return")),
        (
            ORDERS,
            WriteKind::Update,
            order(2, "paid", 20),
            order(2, "returned", 20),
        ),
    ]);
    then.transaction(vec![(4, WriteKind::Update, row(1, 2, 0), row(1, 2, 1))]);
    assert_eq!(replay_in(&schemas, &lawful(), &then), []);
}

/// Steps are closed from a state that many rows came to, and from no other.
#[test]
fn steps_are_closed_state_by_state() {
    let mut trade = Trade::default();
    for id in 1..=130 {
        trade.order(id);
        let to = if id % 30 == 0 { "cancelled" } else { "shipped" };
        trade.step(id, "paid", to, None);
    }
    let mut then = Trade::default();
    then.step(120, "cancelled", "paid", None);
    then.step(7, "shipped", "placed", None);
    let found: Vec<ReplayFinding> = replay(&trade, &then)
        .into_iter()
        .filter(|f| f.table == "orders")
        .collect();
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].key, [("id".to_owned(), Value::Integer(7))]);
    assert!(found[0].rules.contains(&"transition".to_owned()));
}
