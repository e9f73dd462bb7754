//! Properties: lawful trade never alarms, a tampered column is named exactly, and the order of
//! changes inside a batch is nothing.

use crate::shop::{self, ORDERS, PAYMENTS, REFUNDS, change, order_to, payment, refund};
use detect::{Judge, compile};
use model::{Change, Judgement, Row, Standing, Value, Verdict};
use proptest::prelude::*;

fn judge() -> Judge {
    Judge::new(compile(&shop::policy(), &shop::schemas()).unwrap())
}

const NEXT: [(&str, &[&str]); 5] = [
    ("placed", &["paid", "cancelled"]),
    ("paid", &["shipped", "refunded"]),
    ("shipped", &["refunded"]),
    ("refunded", &[]),
    ("cancelled", &[]),
];

/// One order's lawful life: each step with the rows that the shop writes in the same transaction.
fn life(id: i64, choices: &[usize]) -> Vec<Vec<(u16, Option<Row>, Row)>> {
    let row = |state: &str| order_to(id, state, 100 + id, "ACCT-1");
    let mut steps = vec![vec![(ORDERS, None, row("placed"))]];
    let mut state = "placed";
    for choice in choices {
        let (_, next) = NEXT.iter().find(|(from, _)| *from == state).unwrap();
        if next.is_empty() {
            break;
        }
        let to = next[choice % next.len()];
        let mut step = vec![(ORDERS, Some(row(state)), row(to))];
        match to {
            "paid" => step.push((PAYMENTS, None, payment(id, id, 100 + id))),
            "refunded" => step.push((REFUNDS, None, refund(id, id, 100 + id, "requested"))),
            _ => {}
        }
        steps.push(step);
        state = to;
    }
    steps
}

/// Several steps as a source that sees states shows them: one change a row, from first to last.
fn merged(steps: &[(u16, Option<Row>, Row)]) -> Vec<Change> {
    let mut out: Vec<Change> = Vec::new();
    for (table, old, new) in steps {
        let mut next = change(*table, old.clone(), Some(new.clone()));
        next.coalesced = true;
        match out
            .iter_mut()
            .find(|c| c.table == *table && c.key == next.key)
        {
            Some(known) => known.new = next.new,
            None => out.push(next),
        }
    }
    out
}

fn all_lawful(judgements: &[Judgement]) -> bool {
    judgements
        .iter()
        .all(|j| *j == Judgement::lawful(Standing::Clean))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_lawful_walk_never_alarms(
        lives in proptest::collection::vec(proptest::collection::vec(0_usize..4, 0..5), 1..6),
        width in 1_usize..5,
    ) {
        let lives: Vec<_> = (1..).zip(&lives).map(|(id, choices)| life(id, choices)).collect();
        // Step by step, all orders side by side.
        let mut exact = judge();
        let mut out = Vec::new();
        for at in 0..6 {
            let batch: Vec<Change> = lives
                .iter()
                .filter_map(|life| life.get(at))
                .flatten()
                .map(|(table, old, new)| change(*table, old.clone(), Some(new.clone())))
                .collect();
            exact.judge(&batch, &mut out);
            prop_assert!(all_lawful(&out), "{out:?}");
        }
        // The same with several steps seen as one.
        let mut coarse = judge();
        for life in &lives {
            for steps in life.chunks(width) {
                coarse.judge(&merged(&steps.concat()), &mut out);
                prop_assert!(all_lawful(&out), "{out:?}");
            }
        }
    }

    #[test]
    fn a_tampered_frozen_column_is_named_alone(
        amount in any::<i64>(),
        payee in "[A-Z]{1,8}",
        both in 0_u8..3,
        state in prop::sample::select(vec!["paid", "shipped", "refunded"]),
        coalesced: bool,
    ) {
        let old = order_to(1, state, 100, "acct");
        let mut columns = Vec::new();
        if both != 0 && amount != 100 { columns.push((2, Value::Integer(amount))) }
        if both != 1 { columns.push((4, Value::text(&payee))) }
        // A column that is free changes lawfully beside it.
        let mut new = columns.clone();
        new.push((6, Value::text("call before delivery")));
        let mut tampered = change(ORDERS, Some(old.clone()), Some(old.with(&new)));
        tampered.coalesced = coalesced;
        let mut out = Vec::new();
        judge().judge(&[tampered], &mut out);
        let named: Vec<u16> = columns.iter().map(|(c, _)| *c).collect();
        if named.is_empty() {
            prop_assert!(all_lawful(&out));
        } else {
            prop_assert_eq!(out[0].verdict, Verdict::Unlawful);
            prop_assert_eq!(&out[0].standing, &Standing::Altered { columns: named.clone() });
            prop_assert_eq!(&out[0].hits[0].columns, &named);
        }
    }

    #[test]
    fn the_order_inside_a_batch_is_nothing(
        kinds in proptest::collection::vec((0_u8..6, 0_usize..5, 1_i64..4), 1..12),
        seed in any::<u64>(),
    ) {
        // Whatever it is, lawful or not: one change a row, in two orders.
        let mut batch: Vec<Change> = Vec::new();
        for (id, (kind, state, to)) in (1_i64..).zip(&kinds) {
            let state = NEXT[*state].0;
            let mut next = match kind {
                0 | 1 => change(ORDERS, None, Some(order_to(id, state, 100, "ACCT-1"))),
                2 => change(
                    ORDERS,
                    Some(order_to(id, "placed", 100, "ACCT-1")),
                    Some(order_to(id, state, 100, "ACCT-1")),
                ),
                3 | 4 => change(PAYMENTS, None, Some(payment(100 + id, *to, 100))),
                _ => change(REFUNDS, None, Some(refund(100 + id, *to, 100, "requested"))),
            };
            next.coalesced = id % 2 == 0;
            batch.push(next);
        }
        let run = |batch: &[Change]| {
            let mut judge = judge();
            for known in batch.iter().filter(|c| c.table == ORDERS) {
                judge.learn(ORDERS, &known.key, known.old.as_ref());
            }
            let mut out = Vec::new();
            judge.judge(batch, &mut out);
            let mut named: Vec<_> = batch.iter().map(|c| (c.table, c.key.clone())).zip(out).collect();
            named.sort_by(|a, b| a.0.cmp(&b.0));
            named
        };
        let straight = run(&batch);
        let mut random = seed;
        for i in (1..batch.len()).rev() {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            batch.swap(i, (random >> 33) as usize % (i + 1));
        }
        prop_assert_eq!(straight, run(&batch));
    }
}
