//! The merge of live rows with the index finds each harm and nothing else.

use crate::world::{CUSTOMERS, ORDERS, World, customer, key, order, tables};
use expect_test::expect;
use model::Row;
use recover::audit::{AuditCounts, table_records};
use recover::{Candidate, RecoverError, TableAudit, confirm};

fn run(world: &mut World, table: u16, live: &[(i64, Row)]) -> (AuditCounts, Vec<Candidate>) {
    let snapshot = world.snapshot();
    let mut found = Vec::new();
    let mut audit = TableAudit::new(&world.sealer, table, table_records(&snapshot, table)).unwrap();
    for (id, row) in live {
        audit.row(&key(*id), row, &mut |c| found.push(c)).unwrap();
    }
    let counts = audit.finish(&mut |c| found.push(c)).unwrap();
    (counts, found)
}

#[test]
fn each_harm_is_found_and_named() {
    let mut world = World::new();
    let lawful = |id: i64| order(id, id % 3, "paid", 100 * id, b"138");
    for id in 1..=9 {
        world.record(ORDERS, &key(id), Some(&lawful(id)), Some(&lawful(id)));
    }
    // The feed saw order 5 forged and order 6 tampered with; 7 and 8 went round it.
    let other = customer(5, "neighbour");
    world.record(CUSTOMERS, &key(5), Some(&other), Some(&other));
    let forged = order(50, 1, "paid", 5, b"");
    world.record(ORDERS, &key(50), Some(&forged), None);
    let tampered = order(6, 0, "paid", 1, b"138");
    world.record(ORDERS, &key(6), Some(&tampered), Some(&lawful(6)));
    world.record(ORDERS, &key(51), Some(&forged), None);
    world.record(ORDERS, &key(52), Some(&forged), None);
    world.record(ORDERS, &key(52), None, None);
    world.seal_group();

    let mut live: Vec<(i64, Row)> = (1..=9)
        .filter(|id| *id != 8)
        .map(|id| (id, lawful(id)))
        .collect();
    live[5].1 = tampered;
    live[6].1 = order(7, 2, "paid", 700, b"139");
    live.insert(0, (-3, order(-3, 1, "paid", 9, b"")));
    live.push((50, forged));
    let (counts, found) = run(&mut world, ORDERS, &live);
    assert_eq!(
        counts,
        AuditCounts {
            rows: 10,
            records: 11,
            candidates: 5
        }
    );
    let reader = world.log.reader();
    let named: Vec<String> = found
        .iter()
        .map(|c| {
            let lawful = c
                .record
                .as_ref()
                .and_then(|record| recover::lawful_image(record, &reader, &world.sealer).unwrap());
            let (live, record) = (c.live.as_ref(), c.record.as_ref());
            let table = &tables()[usize::from(c.table)];
            let found =
                confirm(&"shop".into(), table, &c.key, live, record, lawful.as_ref()).unwrap();
            assert_eq!(found.kind, c.kind);
            serde_json::to_string(&found).unwrap()
        })
        .collect();
    expect![[r#"
        {"source":"shop","table":"orders","key":"-3","kind":"forged","columns":[{"name":"id","lawful":null,"live":"-3","personal":false},{"name":"customer_id","lawful":null,"live":"1","personal":false},{"name":"status","lawful":null,"live":"paid","personal":false},{"name":"total \"minor\"","lawful":null,"live":"9","personal":false}],"position":null}
        {"source":"shop","table":"orders","key":"6","kind":"altered","columns":[{"name":"total \"minor\"","lawful":"600","live":"1","personal":false}],"position":5}
        {"source":"shop","table":"orders","key":"7","kind":"altered","columns":[{"name":"customer_id","lawful":"1","live":"2","personal":false},{"name":"phone","lawful":"138","live":"139","personal":true}],"position":6}
        {"source":"shop","table":"orders","key":"8","kind":"deleted","columns":[{"name":"id","lawful":"8","live":null,"personal":false},{"name":"customer_id","lawful":"2","live":null,"personal":false},{"name":"status","lawful":"paid","live":null,"personal":false},{"name":"total \"minor\"","lawful":"800","live":null,"personal":false}],"position":7}
        {"source":"shop","table":"orders","key":"50","kind":"forged","columns":[{"name":"id","lawful":null,"live":"50","personal":false},{"name":"customer_id","lawful":null,"live":"1","personal":false},{"name":"status","lawful":null,"live":"paid","personal":false},{"name":"total \"minor\"","lawful":null,"live":"5","personal":false}],"position":10}"#]].assert_eq(&named.join("\n"));
}

#[test]
fn a_clean_table_is_clean_and_a_neighbour_is_not_looked_at() {
    let mut world = World::new();
    let rows: Vec<(i64, Row)> = (-20..20).map(|id| (id, customer(id, "name"))).collect();
    for (id, row) in &rows {
        world.record(CUSTOMERS, &key(*id), Some(row), Some(row));
        let order = order(*id, *id, "placed", 1, b"1");
        world.record(ORDERS, &key(*id), Some(&order), Some(&order));
    }
    let (counts, found) = run(&mut world, CUSTOMERS, &rows);
    assert_eq!((counts.rows, counts.records, found), (40, 40, Vec::new()));
}

#[test]
fn rows_out_of_order_are_refused() {
    let mut world = World::new();
    let snapshot = world.snapshot();
    let mut audit = TableAudit::new(
        &world.sealer,
        CUSTOMERS,
        table_records(&snapshot, CUSTOMERS),
    )
    .unwrap();
    audit.row(&key(2), &customer(2, "b"), &mut |_| {}).unwrap();
    let refused = audit.row(&key(2), &customer(2, "b"), &mut |_| {});
    assert!(matches!(refused, Err(RecoverError::OutOfOrder { .. })));
}

#[test]
fn what_changed_back_meanwhile_is_no_discrepancy() {
    let row = customer(1, "a");
    let confirmed =
        |live, lawful| confirm(&"shop".into(), &tables()[0], &key(1), live, None, lawful);
    assert_eq!(confirmed(Some(&row), Some(&row)), None);
    assert_eq!(confirmed(None, None), None);
    assert!(confirmed(None, Some(&row)).is_some());
}
