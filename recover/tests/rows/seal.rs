//! Personal values: sealed, bound to their place, and gone with their key.

use crate::world::{CUSTOMERS, ORDERS, World, customer, key, order};
use model::{Row, Value, ValueRef};
use proptest::prelude::*;
use std::sync::OnceLock;

fn sealer() -> recover::RowSealer {
    static WORLD: OnceLock<recover::RowSealer> = OnceLock::new();
    WORLD
        .get_or_init(|| {
            let mut world = World::new();
            world.keys.ensure(&[b"a", b"b"]).unwrap();
            let sealer = world.sealer.clone();
            // The vault's reader lives on in the sealer.
            drop(world);
            sealer
        })
        .clone()
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::Integer),
        any::<f64>().prop_map(Value::Real),
        proptest::collection::vec(any::<u8>(), 0..60).prop_map(Value::Text),
        proptest::collection::vec(any::<u8>(), 0..60).prop_map(Value::Blob),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_sealed_row_opens_to_itself(phone in value(), status in value(), other in value()) {
        let sealer = sealer();
        let row = Row::from_values(
            [ValueRef::Integer(1), ValueRef::Integer(2), status.as_ref(), ValueRef::Null, phone.as_ref()],
        );
        let sealed = sealer.seal(ORDERS, &key(1), b"a", &row).unwrap();
        prop_assert_eq!(sealer.open(ORDERS, &key(1), b"a", &sealed).unwrap(), row.clone());
        prop_assert_eq!(sealed.get(2).unwrap().to_value().as_ref().to_string(), status.as_ref().to_string());
        if phone == Value::Null {
            prop_assert_eq!(&sealed, &row);
        } else {
            prop_assert!(matches!(sealed.get(4), Some(ValueRef::Sealed(_))));
            prop_assert!(sealer.open(ORDERS, &key(2), b"a", &sealed).is_err(), "another row");
            prop_assert!(sealer.open(ORDERS, &key(1), b"b", &sealed).is_err(), "another subject");
        }
        // A digest sees every column.
        let changed = row.with(&[(4, other.clone())]);
        let digest = |row: &Row| sealer.digest(ORDERS, b"a", row);
        prop_assert_eq!(digest(&row) == digest(&changed), row == changed);
        prop_assert_ne!(digest(&row), sealer.digest(ORDERS, b"b", &row));
    }
}

#[test]
fn a_cell_moved_to_another_column_or_table_does_not_open() {
    let sealer = sealer();
    let row = order(1, 2, "paid", 3, b"138");
    let sealed = sealer.seal(ORDERS, &key(1), b"a", &row).unwrap();
    let cell = sealed.get(4).unwrap();
    let moved = Row::from_values([ValueRef::Integer(1), cell]);
    assert!(sealer.open(CUSTOMERS, &key(1), b"a", &moved).is_err());
    let moved = Row::from_values([ValueRef::Integer(1), ValueRef::Null, cell]);
    assert!(sealer.open(ORDERS, &key(1), b"a", &moved).is_err());
}

#[test]
fn one_customer_is_one_subject_in_every_table() {
    let sealer = sealer();
    let at_home = sealer.subject_of(CUSTOMERS, &key(7), &customer(7, "x"));
    assert_eq!(
        at_home,
        sealer.subject_of(ORDERS, &key(1), &order(1, 7, "paid", 3, b""))
    );
    assert_ne!(
        at_home,
        sealer.subject_of(ORDERS, &key(1), &order(1, 8, "paid", 3, b""))
    );
    // An order of nobody stands for itself, and not for the customer of the same number.
    let nobody = order(7, 7, "paid", 3, b"").with(&[(1, Value::Null)]);
    assert_ne!(at_home, sealer.subject_of(ORDERS, &key(7), &nobody));
}

#[test]
fn with_the_key_the_values_are_gone() {
    let mut world = World::new();
    let row = order(1, 7, "paid", 3, b"13800000000");
    world.record(ORDERS, &key(1), Some(&row), Some(&row));
    world.seal_group();
    assert_eq!(world.lawful(ORDERS, &key(1)), Some(row.clone()));
    let entry = world.log.reader().entry(0).unwrap();
    assert!(
        !entry.windows(11).any(|w| w == b"13800000000"),
        "in the clear"
    );
    let subject = world.sealer.subject_of(ORDERS, &key(1), &row);
    let before = world.sealer.digest_of(ORDERS, &key(1), &row);
    assert!(world.keys.destroy(&subject).unwrap());
    let record = world.image(ORDERS, &key(1)).unwrap();
    assert!(recover::lawful_image(&record, &world.log.reader(), &world.sealer).is_err());
    assert_ne!(before, world.sealer.digest_of(ORDERS, &key(1), &row));
}
