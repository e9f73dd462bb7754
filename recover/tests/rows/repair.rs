//! Proposals: read as people read them, and run against a real SQLite file.

use crate::world::{CUSTOMERS, DDL, ORDERS, customer, key, order, policy, schemas, tables};
use expect_test::expect;
use model::policy::{ColumnSchema, ForeignKey, ForgedRows};
use model::proposal::SetAside;
use model::{
    Dialect, Instant, Key, ProposalId, RepairProposal, Row, SourcePolicy, TablePolicy, TableSchema,
    Value, ValueRef,
};
use recover::{
    DiscrepancyKind, ProposalLimits, ProposalRequest, Proposed, RecoverError, RowToRepair,
    SealTable, UndoRequest, expected_images, first_portion, propose, propose_for, undo,
};
use rusqlite::Connection;
use rusqlite::ToSql;
use rusqlite::types::ToSqlOutput;

fn row(table: u16, id: i64, live: Option<Row>, lawful: Option<Row>) -> RowToRepair {
    let kind = match (&live, &lawful) {
        (Some(_), Some(_)) => DiscrepancyKind::Altered,
        (Some(_), None) => DiscrepancyKind::Forged,
        _ => DiscrepancyKind::Deleted,
    };
    RowToRepair {
        table,
        key: key(id),
        kind,
        live,
        lawful,
        position: id as u64,
    }
}

/// An altered, a forged and a deleted order, and the deleted order's deleted customer.
fn harm() -> Vec<RowToRepair> {
    vec![
        row(ORDERS, 3, None, Some(order(3, 2, "paid", 300, b"\xff\xfe"))),
        row(ORDERS, 9, Some(order(9, 1, "paid", 900, b"")), None),
        row(
            ORDERS,
            1,
            Some(order(1, 1, "shipped", -5, b"139")),
            Some(order(1, 1, "shipped", 100, b"138")),
        ),
        row(CUSTOMERS, 2, None, Some(customer(2, "it's"))),
    ]
}

fn made(
    policy: &SourcePolicy,
    rows: &[RowToRepair],
    max_rows: usize,
) -> Result<Proposed, RecoverError> {
    let request = ProposalRequest {
        id: &ProposalId::from("p-1"),
        policy,
        schemas: &schemas(),
        tables: &tables(),
        made_at: Instant(0),
        ledger_size: 10,
        limits: ProposalLimits { max_rows },
    };
    propose(&request, rows)
}

fn open() -> Connection {
    let shop = Connection::open_in_memory().unwrap();
    shop.execute_batch(DDL).unwrap();
    shop.execute_batch("PRAGMA foreign_keys = ON").unwrap();
    shop.execute("INSERT INTO customers VALUES (1, 'a')", [])
        .unwrap();
    shop.execute("INSERT INTO orders VALUES (1, 1, 'shipped', -5, '139')", [])
        .unwrap();
    shop.execute("INSERT INTO orders VALUES (9, 1, 'paid', 900, '')", [])
        .unwrap();
    shop
}

/// Binds text as the bytes that it is, UTF-8 or not.
struct Bound<'a>(&'a Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        use rusqlite::types::ValueRef::{Blob, Integer, Null, Real, Text};
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => Null,
            Value::Integer(i) => Integer(*i),
            Value::Real(r) => Real(*r),
            Value::Text(t) => Text(t),
            Value::Blob(b) => Blob(b),
        }))
    }
}

fn read(shop: &Connection, table: u16, key: &Key) -> Option<Row> {
    let name = &schemas()[usize::from(table)].name;
    let values = key.values().unwrap();
    let sql = format!("SELECT * FROM {name} WHERE id = ?1");
    let mut statement = shop.prepare(&sql).unwrap();
    let mut rows = statement.query([Bound(&values[0])]).unwrap();
    let row = rows.next().unwrap()?;
    let mut out = Row::builder();
    for column in 0..row.as_ref().column_count() {
        out.push(match row.get_ref(column).unwrap() {
            rusqlite::types::ValueRef::Null => ValueRef::Null,
            rusqlite::types::ValueRef::Integer(i) => ValueRef::Integer(i),
            rusqlite::types::ValueRef::Real(r) => ValueRef::Real(r),
            rusqlite::types::ValueRef::Text(t) => ValueRef::Text(t),
            rusqlite::types::ValueRef::Blob(b) => ValueRef::Blob(b),
        });
    }
    Some(out.finish())
}

fn shown(proposed: &Proposed) -> String {
    let pairs = |list: &[(String, Value)]| {
        let one = |(name, value): &(String, Value)| format!("{name}={}", value.as_ref());
        list.iter().map(one).collect::<Vec<_>>().join(" ")
    };
    let mut out = String::new();
    for step in &proposed.proposal.steps {
        let values: Vec<String> = step
            .parameters
            .iter()
            .map(|v| v.as_ref().to_string())
            .collect();
        out += &format!("{:?} {}\n  {values:?}\n", step.action, step.sql);
        out += &format!("  before: {}\n", pairs(&step.expect_live));
        out += &format!("  after: {}\n", pairs(&step.expect_after));
    }
    for person in &proposed.needs_person {
        out += &format!(
            "person: {}/{}: {}\n",
            person.table, person.key, person.reason
        );
    }
    out
}

#[test]
fn a_proposal_reads_step_by_step() {
    let proposed = made(&policy(), &harm(), 10).unwrap();
    expect![[r#"
        Reinsert INSERT INTO "customers" ("id", "name") VALUES (?1, ?2)
          ["2", "it's"]
          before: 
          after: id=2 name=it's
        Reinsert INSERT INTO "orders" ("id", "customer_id", "status", "total ""minor""", "phone") VALUES (?1, ?2, ?3, ?4, ?5)
          ["3", "2", "paid", "300", "��"]
          before: 
          after: id=3 customer_id=2 status=paid total "minor"=300 phone=��
        RestoreColumns UPDATE "orders" SET "total ""minor""" = ?1, "phone" = ?2 WHERE "id" = ?3 AND "status" IS ?4 AND "total ""minor""" IS ?5 AND "phone" IS ?6
          ["100", "138", "1", "shipped", "-5", "139"]
          before: id=1 status=shipped total "minor"=-5 phone=139
          after: id=1 status=shipped total "minor"=100 phone=138
        Void UPDATE "orders" SET "status" = ?1 WHERE "id" = ?2 AND "status" IS ?3
          ["void", "9", "paid"]
          before: id=9 customer_id=1 status=paid total "minor"=900 phone=
          after: id=9 customer_id=1 status=void total "minor"=900 phone=
    "#]].assert_eq(&shown(&proposed));
    // The order in which the discrepancies came is nothing; what is proposed is the digest.
    let mut rows = harm();
    rows.reverse();
    assert_eq!(
        made(&policy(), &rows, 10).unwrap().proposal.digest(),
        proposed.proposal.digest()
    );
}

#[test]
fn a_proposal_puts_a_real_shop_right() {
    let harm = harm();
    let proposal = made(&policy(), &harm, 10).unwrap().proposal;
    let shop = open();
    let expected = expected_images(&proposal, &tables(), |t, k| read(&shop, t, k)).unwrap();
    for step in &proposal.steps {
        let values = step.parameters.iter().map(Bound);
        let changed = shop
            .execute(&step.sql, rusqlite::params_from_iter(values))
            .unwrap();
        assert_eq!(changed, 1, "{}", step.sql);
    }
    for image in expected {
        assert_eq!(read(&shop, image.table, &image.key), image.row);
    }
    for fixed in harm.iter().filter(|row| row.lawful.is_some()) {
        assert_eq!(read(&shop, fixed.table, &fixed.key), fixed.lawful);
    }
    let status: String = shop
        .query_row("SELECT status FROM orders WHERE id = 9", [], |r| r.get(0))
        .unwrap();
    assert_eq!(status, "void");
}

#[test]
fn a_proposal_is_stale_when_a_row_it_touches_has_changed() {
    let proposal = made(&policy(), &harm(), 10).unwrap().proposal;
    let stale = |proposal: &RepairProposal, sql: &str| {
        let shop = open();
        shop.execute(sql, []).unwrap();
        expected_images(proposal, &tables(), |t, k| read(&shop, t, k)).is_err()
    };
    assert!(stale(
        &proposal,
        "UPDATE orders SET status = 'refunded' WHERE id = 1"
    ));
    assert!(stale(
        &proposal,
        "UPDATE orders SET phone = 'x' WHERE id = 9"
    ));
    assert!(stale(&proposal, "DELETE FROM orders WHERE id = 9"));
    assert!(stale(
        &proposal,
        "INSERT INTO customers VALUES (2, 'again')"
    ));
    // A lawful change of a column that the repair neither touches nor needs goes on.
    assert!(!stale(
        &proposal,
        "UPDATE orders SET customer_id = NULL WHERE id = 1"
    ));
}

#[test]
fn what_the_policy_does_not_allow_goes_to_a_person() {
    let mut policy = policy();
    policy.tables[1].repairable = vec!["phone".into(), "status".into()];
    policy.tables[1].void = None;
    let proposed = made(&policy, &harm(), 10).unwrap();
    expect![[r#"
        Reinsert INSERT INTO "customers" ("id", "name") VALUES (?1, ?2)
          ["2", "it's"]
          before: 
          after: id=2 name=it's
        RestoreColumns UPDATE "orders" SET "phone" = ?1 WHERE "id" = ?2 AND "status" IS ?3 AND "phone" IS ?4
          ["138", "1", "shipped", "139"]
          before: id=1 status=shipped phone=139
          after: id=1 status=shipped phone=138
        person: orders/3: the policy does not allow a repair to write customer_id, total "minor"
        person: orders/1: the policy does not allow a repair to write total "minor"
        person: orders/9: the policy does not say how a forged row is set aside
    "#]]
    .assert_eq(&shown(&proposed));
    policy.tables[1].void = Some("DELETE FROM orders WHERE id = :id".into());
    let proposed = made(&policy, &harm()[1..2], 10).unwrap();
    assert!(proposed.proposal.steps.is_empty());
    assert_eq!(proposed.needs_person.len(), 1);
}

#[test]
fn too_many_rows_are_refused() {
    assert!(matches!(
        made(&policy(), &harm(), 3),
        Err(RecoverError::TooManyRows { rows: 4, max: 3 })
    ));
}

/// A shop whose categories hang on each other, with lines on its orders.
fn hanging(dialect: Dialect) -> (SourcePolicy, Vec<TableSchema>, Vec<SealTable>) {
    let column = |name: &str| ColumnSchema {
        name: name.into(),
        declared: if dialect == Dialect::Postgres {
            "bigint".into()
        } else {
            "INTEGER".into()
        },
        not_null: false,
    };
    let points = |column: &str, table: &str| ForeignKey {
        columns: vec![column.into()],
        table: table.into(),
        references: vec!["id".into()],
    };
    let table = |name: &str, foreign_keys| TableSchema {
        name: name.into(),
        columns: vec![column("id"), column("up"), column("amount")],
        primary_key: vec![0],
        foreign_keys,
    };
    // The children's table comes first.
    let schemas = vec![
        table("lines", vec![points("up", "tree")]),
        table("tree", vec![points("up", "tree")]),
    ];
    let policy = SourcePolicy {
        source: "shop".into(),
        tables: schemas
            .iter()
            .map(|s| TablePolicy {
                name: s.name.clone(),
                key: vec!["id".into()],
                ..TablePolicy::default()
            })
            .collect(),
        checks: Vec::new(),
    };
    let tables = schemas.iter().map(|s| SealTable::new(s, &[0], &[], None));
    let tables = tables.collect();
    (policy, schemas, tables)
}

fn hung(id: i64, up: Option<i64>) -> Row {
    let up = up.map_or(ValueRef::Null, ValueRef::Integer);
    Row::from_values([ValueRef::Integer(id), up, ValueRef::Integer(7)])
}

fn made_for(dialect: Dialect, forged: ForgedRows, rows: &[RowToRepair]) -> Proposed {
    let (mut policy, schemas, tables) = hanging(dialect);
    policy.tables[1].forged = forged;
    policy.tables[0].reverse = Some("INSERT INTO lines (up, amount) VALUES (:id, -:amount)".into());
    let request = ProposalRequest {
        id: &ProposalId::from("p-1"),
        policy: &policy,
        schemas: &schemas,
        tables: &tables,
        made_at: Instant(0),
        ledger_size: 10,
        limits: ProposalLimits { max_rows: 10 },
    };
    propose_for(dialect, &request, rows).unwrap()
}

fn keys(proposed: &Proposed) -> String {
    let steps = proposed.proposal.steps.iter();
    let steps = steps.map(|s| format!("{}/{}", s.table, s.key));
    let asked = proposed.needs_person.iter();
    let asked = asked.map(|p| format!("person {}/{}", p.table, p.key));
    steps.chain(asked).collect::<Vec<_>>().join(" ")
}

#[test]
fn rows_come_back_behind_those_that_they_hang_on() {
    let deleted = |table, id, up| row(table, id, None, Some(hung(id, up)));
    let rows = [
        deleted(0, 1, Some(5)),
        deleted(1, 1, Some(9)),
        deleted(1, 5, Some(1)),
        deleted(1, 9, None),
        deleted(1, 3, Some(77)),
    ];
    let proposed = made_for(Dialect::Mysql, ForgedRows::SetAside, &rows);
    assert_eq!(keys(&proposed), "tree/3 tree/9 tree/1 tree/5 lines/1");
    // Forged rows go the other way round.
    let forged = |table, id, up| row(table, id, Some(hung(id, up)), None);
    let rows = [
        forged(1, 1, Some(9)),
        forged(1, 5, Some(1)),
        forged(1, 9, None),
    ];
    let proposed = made_for(Dialect::Mysql, ForgedRows::Delete, &rows);
    assert_eq!(keys(&proposed), "tree/5 tree/1 tree/9");
}

#[test]
fn a_circle_is_deferred_or_named() {
    let deleted = |table, id, up| row(table, id, None, Some(hung(id, up)));
    let rows = [
        deleted(0, 1, Some(1)),
        deleted(1, 1, Some(2)),
        deleted(1, 2, Some(1)),
        deleted(1, 3, Some(3)),
    ];
    let proposed = made_for(Dialect::Mysql, ForgedRows::SetAside, &rows);
    // A row that points to itself is no circle.
    assert_eq!(
        keys(&proposed),
        "tree/3 person lines/1 person tree/1 person tree/2"
    );
    let reason = proposed.needs_person[0].reason.to_string();
    assert!(
        reason.starts_with("rows of lines, tree point to each other"),
        "{reason}"
    );
    let proposed = made_for(Dialect::Postgres, ForgedRows::SetAside, &rows);
    assert_eq!(keys(&proposed), "tree/3 lines/1 tree/1 tree/2");
}

#[test]
fn a_family_comes_back_in_one_proposal() {
    let deleted = |table, id, up| row(table, id, None, Some(hung(id, up)));
    let altered = row(1, 8, Some(hung(8, None)), Some(hung(8, Some(1))));
    let rows = vec![
        altered.clone(),
        deleted(0, 1, Some(1)),
        deleted(0, 2, Some(2)),
        deleted(0, 3, Some(2)),
        deleted(1, 1, None),
        deleted(1, 2, None),
    ];
    let (policy, schemas, _) = hanging(Dialect::Sqlite);
    let portion = |most| {
        let chosen = first_portion(&policy, &schemas, rows.clone(), most);
        let shown = |r: &RowToRepair| format!("{}/{}", r.table, r.key);
        chosen.iter().map(shown).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(portion(6), "1/8 0/1 0/2 0/3 1/1 1/2");
    // Two families, of two and of three rows.
    assert_eq!(portion(5), "0/1 0/2 0/3 1/1 1/2");
    assert_eq!(portion(4), "1/8 0/1 1/1");
    assert_eq!(portion(3), "1/8 0/1 1/1");
    assert_eq!(portion(2), "0/1 1/1");
    // Too large for any: from its root downwards.
    assert_eq!(portion(1), "1/1");
    assert_eq!(portion(0), "");
}

#[test]
fn statements_are_written_for_their_database() {
    let rows = [
        row(0, 1, Some(hung(1, Some(1))), None),
        row(1, 2, None, Some(hung(2, None))),
        row(1, 3, Some(hung(3, None)), Some(hung(3, Some(2)))),
        row(1, 4, Some(hung(4, None)), None),
    ];
    let proposed = made_for(Dialect::Postgres, ForgedRows::Delete, &rows);
    expect![[r#"
        Reinsert INSERT INTO "public"."tree" ("id", "up", "amount") OVERRIDING SYSTEM VALUE VALUES ($1::text::bigint, $2::text::bigint, $3::text::bigint)
          ["2", "NULL", "7"]
          before: 
          after: id=2 up=NULL amount=7
        RestoreColumns UPDATE "public"."tree" SET "up" = $1::text::bigint WHERE "id" = $2::text::bigint AND "up" IS NOT DISTINCT FROM $3::text::bigint
          ["2", "3", "NULL"]
          before: id=3 up=NULL
          after: id=3 up=2
        Void DELETE FROM "public"."tree" WHERE "id" = $1::text::bigint AND "up" IS NOT DISTINCT FROM $2::text::bigint AND "amount" IS NOT DISTINCT FROM $3::text::bigint
          ["4", "NULL", "7"]
          before: id=4 up=NULL amount=7
          after: 
        Void INSERT INTO "public"."lines" ("up", "amount") OVERRIDING SYSTEM VALUE VALUES ($1::text::bigint, $2::text::bigint)
          ["1", "-7"]
          before: id=1 up=1 amount=7
          after: id=1 up=1 amount=7
    "#]]
    .assert_eq(&shown(&proposed));
    let entry = &proposed.proposal.steps[3];
    assert_eq!(entry.set_aside, SetAside::Entry);
    assert_eq!(entry.entry.len(), 2);
    // The feed will see the deleted row gone; the entry's number is not known beforehand.
    let (_, _, tables) = hanging(Dialect::Postgres);
    let live = |table: u16, key: &Key| {
        let found = rows.iter().find(|r| r.table == table && r.key == *key);
        found.and_then(|r| r.live.clone())
    };
    let images = expected_images(&proposed.proposal, &tables, live).unwrap();
    let images: Vec<_> = images.iter().map(|i| (i.table, i.row.is_some())).collect();
    assert_eq!(images, [(1, true), (1, true), (1, false)]);
    // What can be undone is undone backwards; an entry only by another one.
    let (policy, schemas, _) = hanging(Dialect::Postgres);
    let request = UndoRequest {
        id: &ProposalId::from("p-2"),
        policy: &policy,
        schemas: &schemas,
        made_at: Instant(1),
        ledger_size: 11,
    };
    let refused = undo(&request, &proposed.proposal);
    assert!(matches!(refused, Err(RecoverError::CannotUndo { table, .. }) if table == "lines"));
    let mut without = proposed.proposal.clone();
    without.steps.pop();
    let undone = Proposed {
        proposal: undo(&request, &without).unwrap(),
        needs_person: Vec::new(),
    };
    expect![[r#"
        Reinsert INSERT INTO "public"."tree" ("id", "up", "amount") OVERRIDING SYSTEM VALUE VALUES ($1::text::bigint, $2::text::bigint, $3::text::bigint)
          ["4", "NULL", "7"]
          before: 
          after: id=4 up=NULL amount=7
        RestoreColumns UPDATE "public"."tree" SET "up" = $1::text::bigint WHERE "id" = $2::text::bigint AND "up" IS NOT DISTINCT FROM $3::text::bigint
          ["NULL", "3", "2"]
          before: id=3 up=2
          after: id=3 up=NULL
        Void DELETE FROM "public"."tree" WHERE "id" = $1::text::bigint AND "up" IS NOT DISTINCT FROM $2::text::bigint AND "amount" IS NOT DISTINCT FROM $3::text::bigint
          ["2", "NULL", "7"]
          before: id=2 up=NULL amount=7
          after: 
    "#]]
    .assert_eq(&shown(&undone));
}
