//! Proposals: read as people read them, and run against a real SQLite file.

use crate::world::{CUSTOMERS, DDL, ORDERS, customer, key, order, policy, schemas, tables};
use expect_test::expect;
use model::{Instant, Key, ProposalId, RepairProposal, Row, SourcePolicy, Value, ValueRef};
use recover::{
    DiscrepancyKind, ProposalLimits, ProposalRequest, Proposed, RecoverError, RowToRepair,
    expected_images, propose,
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
