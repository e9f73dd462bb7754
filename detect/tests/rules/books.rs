//! Rules about values: columns that change together, numbers that rise or fall, allowed values,
//! twins and sums, within a row and across rows; with the ways round them.

use crate::world::World;
use expect_test::{Expect, expect};
use model::policy::Sees;
use proptest::prelude::*;

fn check(world: &dyn Fn() -> World, batch: &str, expected: Expect) {
    expected.assert_eq(&world().batch(batch));
}

#[test]
fn columns_that_change_together() {
    let rules = r#"
        [[tables]]
        name = "orders"
        together = [{ columns = ["total", "payee"], with = ["updated", "version"] }]
    "#;
    let world = || {
        World::new("orders id total payee updated version note", rules)
            .learn("orders 1 10 A t0 1 x")
    };
    check(&world, "orders 1 11 A t1 2 x", expect![""]);
    check(
        &world,
        "orders 1 11 B t1 1 x",
        expect!["orders 1: Altered[1, 2] together[1, 2]"],
    );
    check(
        &world,
        "orders 1 11 A t0 1 y",
        expect!["orders 1: Altered[1] together[1]"],
    );
    check(&world, "orders 1 10 A t0 1 y", expect![""]);
    check(&world, "orders 1 10 A t1 2 y", expect![""]);
    check(
        &world,
        "orders 1 NULL A t0 1 x",
        expect!["orders 1: Altered[1] together[1]"],
    );
    check(&world, "orders 2 5 A t0 1 y", expect![""]);
    // Between two looks as well.
    let mut world = World::seen(
        "orders id total payee updated version note",
        rules,
        Sees::States,
    )
    .learn("orders 1 10 A t0 1 x");
    world.coalesced = true;
    expect![""].assert_eq(&world.batch("orders 1 11 A t1 2 x"));
    expect!["orders 1: Altered[1] together[1]"].assert_eq(&world.batch("orders 1 12 A t1 2 x"));
}

#[test]
fn a_column_moved_ahead_by_hand_is_not_held_against_the_lawful_step() {
    let rules = r#"
        [[tables]]
        name = "orders"
        together = [{ columns = ["paid"], with = ["state"] }, { columns = ["state"], with = ["version"] }]
    "#;
    let mut world = World::new("orders id state paid version", rules).learn("orders 1 open 0 1");
    expect!["orders 1: Altered[1] together[1]"].assert_eq(&world.batch("orders 1 done 0 1"));
    // The shop pays the order, and finds the state where it wants it.
    expect![""].assert_eq(&world.batch("orders 1 done 7 2"));
    // Where the state stands lawfully, it has to move.
    let mut world = World::new("orders id state paid version", rules).learn("orders 1 open 0 1");
    expect!["orders 1: Altered[2] together[2]"].assert_eq(&world.batch("orders 1 open 7 2"));
}

#[test]
fn numbers_that_only_rise_or_fall() {
    let rules = r#"
        [[tables]]
        name = "gifts"
        only_fall = ["balance"]
        only_rise = ["version"]
    "#;
    let check = |before: &str, batch: &str, expected: Expect| {
        let world = World::new("gifts id balance version", rules);
        expected.assert_eq(&world.learn(before).batch(batch));
    };
    let gift = "gifts 1 #100.00 5";
    check(gift, "gifts 1 #99.99 6", expect![""]);
    check(
        gift,
        "gifts 1 #100.01 5",
        expect!["gifts 1: Altered[1] only_fall[1]"],
    );
    check(
        gift,
        "gifts 1 #99.99 4",
        expect!["gifts 1: Altered[2] only_rise[2]"],
    );
    // Another scale is no other number; texts compare as numbers and not as texts.
    check(gift, "gifts 1 #100.0 5", expect![""]);
    check(gift, "gifts 1 #100 5", expect![""]);
    check(gift, "gifts 1 #99.990 5", expect![""]);
    check(
        "gifts 1 #9.00 5",
        "gifts 1 #10.00 5",
        expect!["gifts 1: Altered[1] only_fall[1]"],
    );
    check("gifts 1 #10.00 5", "gifts 1 #9.00 10", expect![""]);
    check(gift, "gifts 1 99 5", expect![""]);
    check(gift, "gifts 1 99.5r 5", expect![""]);
    check(gift, "gifts 1 #-100.00 5", expect![""]);
    // What is no number is held against the row, and so is the number that is taken away.
    check(
        gift,
        "gifts 1 NaNr 5",
        expect!["gifts 1: Altered[1] only_fall[1]"],
    );
    check(
        gift,
        "gifts 1 #NaN 5",
        expect!["gifts 1: Altered[1] only_fall[1]"],
    );
    check(
        gift,
        "gifts 1 #1e2 5",
        expect!["gifts 1: Altered[1] only_fall[1]"],
    );
    check(
        gift,
        "gifts 1 NULL 5",
        expect!["gifts 1: Altered[1] only_fall[1]"],
    );
    check(
        "gifts 1 abc 5",
        "gifts 1 abd 5",
        expect!["gifts 1: Altered[1] only_fall[1]"],
    );
    check("gifts 1 NULL 5", "gifts 1 #7 5", expect![""]);
    // Down by a tamper and up again: what counts is what it lawfully was.
    let mut world = World::new("gifts id balance version", rules).learn(gift);
    expect!["gifts 1: Altered[1] only_fall[1]"].assert_eq(&world.batch("gifts 1 #500 5"));
    expect!["gifts 1: Altered[1] only_fall[1]"].assert_eq(&world.batch("gifts 1 #400 5"));
    expect![""].assert_eq(&world.batch("gifts 1 #90 5"));
}

#[test]
fn values_as_people_read_them() {
    let rules = r#"
        [[tables]]
        name = "refunds"
        values = { state = ["pending", "settled"], kind = ["1", "2"], share = ["0.5"] }
    "#;
    let world =
        || World::new("refunds id state kind share", rules).learn("refunds 1 pending 1 0.5r");
    check(&world, "refunds 1 settled 2 0.5r", expect![""]);
    check(&world, "refunds 1 settled #2 #0.5", expect![""]);
    check(&world, "refunds 1 NULL NULL NULL", expect![""]);
    check(
        &world,
        "refunds 1 Settled 3 NaNr",
        expect!["refunds 1: Altered[1, 2, 3] values[1, 2, 3]"],
    );
    check(&world, "refunds 2 pending 1 0.5r", expect![""]);
    check(
        &world,
        "refunds 2 done 1 0.5r",
        expect!["refunds 2: Forged values[1]"],
    );
    check(
        &world,
        "refunds 2 #NULL 1 0.5r",
        expect!["refunds 2: Forged values[1]"],
    );
    // An old value that is not allowed is left alone as long as nobody writes it.
    let world = || World::new("refunds id state kind share", rules).learn("refunds 1 old 1 0.5r");
    check(&world, "refunds 1 old 2 0.5r", expect![""]);
}

#[test]
fn twins_in_one_row() {
    let rules = r#"
        [[tables]]
        name = "payments"
        equal = [{ column = "amount", equals = "captured" }]
    "#;
    let world =
        || World::new("payments id amount captured note", rules).learn("payments 1 #10.0 10 x");
    check(&world, "payments 1 #11 #11.00 x", expect![""]);
    check(&world, "payments 1 #10.00 10 x", expect![""]);
    check(
        &world,
        "payments 1 #11 10 x",
        expect!["payments 1: Altered[1] equal[1]"],
    );
    check(
        &world,
        "payments 1 #10.0 11 x",
        expect!["payments 1: Altered[2] equal[2]"],
    );
    check(
        &world,
        "payments 1 #12 11 x",
        expect!["payments 1: Altered[1, 2] equal[1, 2]"],
    );
    check(
        &world,
        "payments 1 NULL 10 x",
        expect!["payments 1: Altered[1] equal[1]"],
    );
    check(&world, "payments 1 NULL NULL x", expect![""]);
    check(
        &world,
        "payments 2 5 6 x",
        expect!["payments 2: Forged equal[1, 2]"],
    );
    check(&world, "payments 2 5 #5.0 x", expect![""]);
    // Codes are no numbers.
    check(
        &world,
        "payments 2 #007 7 x",
        expect!["payments 2: Forged equal[1, 2]"],
    );
    // A tampered twin does not spoil the lawful writes of the other columns.
    let mut world = world();
    expect!["payments 1: Altered[1] equal[1]"].assert_eq(&world.batch("payments 1 #99 10 x"));
    expect![""].assert_eq(&world.batch("payments 1 #99 10 y"));
    expect![""].assert_eq(&world.batch("payments 1 12 12 y"));
}

#[test]
fn twins_across_tables() {
    let rules = r#"
        [[tables]]
        name = "payments"
        equal = [{ column = "amount", equals = "total", table = "orders", via = "order_id" }]
    "#;
    let world = || {
        World::new("orders id total note; payments id order_id amount", rules).learn(
            "payments 7 1 10
             orders 1 #10.00 x
             orders 2 #20.00 x
             payments 8 2 20",
        )
    };
    check(
        &world,
        "payments 7 1 11",
        expect!["payments 7: Altered[2] equal[2]"],
    );
    check(
        &world,
        "orders 1 #11.00 x",
        expect!["orders 1: Altered[1] equal[1]"],
    );
    check(&world, "payments 7 1 11\norders 1 #11.00 x", expect![""]);
    check(&world, "orders 1 #10.0 x", expect![""]);
    check(&world, "payments 9 1 #10.000", expect![""]);
    check(
        &world,
        "payments 9 1 11",
        expect!["payments 9: Forged equal[2]"],
    );
    check(&world, "orders 3 #5 x\npayments 9 3 5", expect![""]);
    check(
        &world,
        "payments 9 3 5\norders 3 #6 x",
        expect!["payments 9: Forged equal[2]"],
    );
    // In two transactions the first one is wrong, and the second judged by what is lawful.
    check(
        &world,
        "orders 1 #11.00 x\n--\npayments 7 1 11",
        expect![[r#"
            orders 1: Altered[1] equal[1]
            payments 7: Altered[2] equal[2]"#]],
    );
    // Swapped pointers, a pointer to nothing, one to a row that does not exist.
    check(
        &world,
        "payments 7 2 10\npayments 8 1 20",
        expect![[r#"
            payments 7: Altered[1] equal[1]
            payments 8: Altered[1] equal[1]"#]],
    );
    check(&world, "payments 7 NULL 10", expect![""]);
    check(&world, "payments 7 9 10", expect![""]);
    check(
        &world,
        "payments 9 1 NULL",
        expect!["payments 9: Forged equal[2]"],
    );
    // A twin that is given up does not shield the other row.
    check(
        &world,
        "orders 1 #99 x\npayments 7 1 98",
        expect![[r#"
            orders 1: Altered[1] equal[1]
            payments 7: Altered[2] equal[2]"#]],
    );
    check(&world, "- payments 7\norders 1 #99 x", expect![""]);
    // The judge remembers what is lawful, and not what stands there.
    let mut world = world();
    expect!["orders 1: Altered[1] equal[1]"].assert_eq(&world.batch("orders 1 #99 x"));
    expect!["payments 9: Forged equal[2]"].assert_eq(&world.batch("payments 9 1 99"));
    expect![""].assert_eq(&world.batch("payments 10 1 10"));
    world.judge.learn(
        1,
        &model::Key::of([model::ValueRef::Integer(10)]).unwrap(),
        None,
    );
}

#[test]
fn sums_in_one_row() {
    let rules = r#"
        [[tables]]
        name = "orders"
        state = "state"
        initial = ["open"]
        transitions = { open = ["paid"] }
        sum = [{ column = "total", terms = ["goods", "shipping", "-discount"], states = ["paid"] },
               { column = "goods", terms = ["net", "tax"], within = "0.01" }]
    "#;
    let world = || {
        World::new(
            "orders id state total goods shipping discount net tax",
            rules,
        )
        .learn("orders 1 paid #11.50 #10.00 #2.0 #0.50 #8.40 #1.60\norders 2 open 0 3 0 0 3 0")
    };
    check(
        &world,
        "orders 1 paid #12.50 #11.00 2 #0.5 #9.00 2",
        expect![""],
    );
    check(
        &world,
        "orders 1 paid #11.500 10 2 #0.50 #8.40 #1.60",
        expect![""],
    );
    check(
        &world,
        "orders 1 paid #1.50 #10.00 #2.0 #0.50 #8.40 #1.60",
        expect!["orders 1: Altered[2] sum[2]"],
    );
    check(
        &world,
        "orders 1 paid #11.50 #10.00 #2.0 #5.50 #8.40 #1.60",
        expect!["orders 1: Altered[5] sum[5]"],
    );
    // NULL counts as 0; what is no number adds up to nothing.
    check(
        &world,
        "orders 1 paid #11.50 #10.00 #2.0 NULL #8.40 #1.60",
        expect!["orders 1: Altered[5] sum[5]"],
    );
    check(
        &world,
        "orders 1 paid #12 #10.00 #2.0 NULL #8.40 #1.60",
        expect![""],
    );
    check(
        &world,
        "orders 1 paid NaNr #10.00 #2.0 #0.50 #8.40 #1.60",
        expect!["orders 1: Altered[2] sum[2]"],
    );
    check(
        &world,
        "orders 1 paid #11.50 #10.00 #2.0 #0.50 #8.40 NaNr",
        expect!["orders 1: Altered[7] sum[7]"],
    );
    // Rounded, but not more than that.
    check(
        &world,
        "orders 1 paid #11.50 #10.00 #2.0 #0.50 #8.40 #1.61",
        expect![""],
    );
    check(
        &world,
        "orders 1 paid #11.50 #10.00 #2.0 #0.50 #8.40 #1.611",
        expect!["orders 1: Altered[7] sum[7]"],
    );
    // Only from a state on, and at the step into it.
    check(&world, "orders 2 open 99 3 0 0 3 0", expect![""]);
    check(&world, "orders 2 paid 3 3 0 0 3 0", expect![""]);
    check(
        &world,
        "orders 2 paid 0 3 0 0 3 0",
        expect!["orders 2: Altered[1] sum[1]"],
    );
    check(
        &world,
        "orders 3 open 0 4 0 0 3 0",
        expect!["orders 3: Forged sum[3]"],
    );
    // Floating numbers add up as people read them.
    check(&world, "orders 4 open 0 0.3r 0 0 0.1r 0.2r", expect![""]);
    check(
        &world,
        "orders 4 open 0 0.30000000000000004r 0 0 0.1r 0.2r",
        expect![""],
    );
    check(
        &world,
        "orders 4 open 0 0.5r 0 0 0.1r 0.2r",
        expect!["orders 4: Forged sum[3]"],
    );
}

const LINES: &str = "orders id state goods shipping; lines id order_id price quantity note; log id";

const SUM_OVER: &str = r#"
    [[tables]]
    name = "orders"
    state = "state"
    initial = ["open"]
    transitions = { open = ["paid"], paid = ["void"] }
    sum = [{ column = "goods", terms = ["shipping"], of = { table = "lines", via = "order_id", column = "price", times = "quantity" }, states = ["open", "paid"] }]
    [[tables]]
    name = "lines"
    values = { note = ["x", "y"] }
"#;

fn shop() -> World {
    World::new(LINES, SUM_OVER).learn(
        "lines 1 1 #2.50 2 x
         orders 1 open #6.00 1
         lines 2 2 #0.10 3 x
         lines 3 2 1 1 x
         orders 2 paid #1.30 0",
    )
}

#[test]
fn sums_over_other_rows() {
    let cases = [
        // The shop writes both in one transaction, in whatever order.
        ("lines 9 1 #1.5 2 x\norders 1 open #9.00 1", expect![""]),
        ("orders 1 open #9.00 1\nlines 9 1 #1.5 2 x", expect![""]),
        ("lines 1 1 #2.50 3 x\norders 1 open #8.500 1", expect![""]),
        ("- lines 1\norders 1 open 1 1", expect![""]),
        ("orders 5 open 3 1\nlines 9 5 1 2 x", expect![""]),
        ("lines 9 1 0 2 x", expect![""]),
        ("lines 9 1 NULL 2 x\nlines 10 1 7 NULL x", expect![""]),
        // The order was written: it is the one.
        (
            "orders 1 open #5.99 1",
            expect!["orders 1: Altered[2] sum[2]"],
        ),
        (
            "orders 1 open #6.00 2",
            expect!["orders 1: Altered[3] sum[3]"],
        ),
        (
            "orders 1 open NULL 1",
            expect!["orders 1: Altered[2] sum[2]"],
        ),
        (
            "orders 1 open NaNr 1",
            expect!["orders 1: Altered[2] sum[2]"],
        ),
        (
            "lines 9 1 #1.5 2 x\norders 1 open #8.00 1",
            expect!["orders 1: Altered[2] sum[2]"],
        ),
        ("orders 5 open 3 1", expect!["orders 5: Forged sum[2]"]),
        // Only the lines were.
        ("lines 1 1 #2.51 2 x", expect!["lines 1: Altered[2] sum[2]"]),
        ("lines 1 1 #2.50 1 x", expect!["lines 1: Altered[3] sum[3]"]),
        ("lines 9 1 1 1 x", expect!["lines 9: Forged sum[2]"]),
        ("- lines 1", expect!["lines 1: Deleted sum[]"]),
        ("lines 1 1 NaNr 2 x", expect!["lines 1: Altered[2] sum[2]"]),
        (
            "lines 1 NULL #2.50 2 x",
            expect!["lines 1: Altered[1] sum[1]"],
        ),
        // Another scale, another split: the same sum.
        ("lines 2 2 #0.100 3 x", expect![""]),
        ("lines 2 2 #0.30 1 y", expect![""]),
        ("lines 2 2 #0.20 3 x\nlines 3 2 #0.7 1 x", expect![""]),
    ];
    for (batch, expected) in cases {
        check(&shop, batch, expected);
    }
}

#[test]
fn ways_round_a_sum_over_other_rows() {
    let cases = [
        // The order in one transaction, its line in the next: each is judged at its own end.
        (
            "orders 1 open #9.00 1\n--\nlines 9 1 #1.5 2 x",
            expect![[r#"
                lines 9: Forged sum[2]
                orders 1: Altered[2] sum[2]"#]],
        ),
        // A line hung on another order: both orders are out.
        ("lines 3 1 1 1 x", expect!["lines 3: Altered[1] sum[1]"]),
        (
            "lines 3 1 1 1 x\norders 1 open #7.00 1\norders 2 paid #0.30 0",
            expect![""],
        ),
        (
            "lines 3 1 1 1 x\norders 1 open #7.00 1",
            expect![[r#"
                lines 3: Altered[1] sum[1]
                orders 1: Altered[2] sum[2]"#]],
        ),
        // A forged line makes up for nothing.
        (
            "lines 9 1 #1.5 2 forged\norders 1 open #9.00 1",
            expect![[r#"
                lines 9: Forged values[4]
                orders 1: Altered[2] sum[2]"#]],
        ),
        // A negative line beside a positive one is nothing to the sum; the policy has `values` for that.
        ("lines 9 1 5 1 x\nlines 10 1 -5 1 x", expect![""]),
        // The rule ends with its states, and holds at the step into one.
        ("orders 2 void 99 0", expect![""]),
        // Numbers beyond all measure.
        (
            "lines 9 1 #99999999999999999999999999999999999999 2 x",
            expect!["lines 9: Forged sum[2]"],
        ),
        (
            "lines 9 1 #0.0000000000001 1 x",
            expect!["lines 9: Forged sum[2]"],
        ),
        (
            "lines 9 1 9223372036854775807 9223372036854775807 x",
            expect!["lines 9: Forged sum[2]"],
        ),
    ];
    for (batch, expected) in cases {
        check(&shop, batch, expected);
    }
}

#[test]
fn sums_are_of_what_is_lawful() {
    let mut world = shop();
    expect!["lines 1: Altered[2] sum[2]"].assert_eq(&world.batch("lines 1 1 #9.99 2 x"));
    // The shop goes on beside the tampered price, and computes with it at its own risk.
    expect![""].assert_eq(&world.batch("lines 9 1 1 1 x\norders 1 open 7 1"));
    expect!["orders 1: Altered[2] sum[2]"].assert_eq(&world.batch("orders 1 open #21.98 1"));
    // Put right, all is well.
    expect![""].assert_eq(&world.batch("lines 1 1 #2.50 2 x\norders 1 open 7 1"));
    expect![""].assert_eq(&world.batch("- lines 9\norders 1 open 6 1"));
    expect!["lines 1: Deleted sum[]"].assert_eq(&world.batch("- lines 1"));
    expect![""].assert_eq(&world.batch("orders 1 open #6.0 1"));
    expect![""].assert_eq(&world.batch("lines 1 1 #2.50 2 x"));
    // A repair is learnt and not judged; once more does not count twice.
    let key = |id| model::Key::of([model::ValueRef::Integer(id)]).unwrap();
    let row = model::Row::from_values([20, 1, 4, 1].map(model::ValueRef::Integer));
    for _ in 0..2 {
        world.judge.learn(1, &key(20), Some(&row));
    }
    expect![""].assert_eq(&world.batch("orders 1 open 10 1"));
    world.judge.learn(1, &key(20), None);
    expect![""].assert_eq(&world.batch("orders 1 open 6 1"));
}

#[test]
fn books_are_not_opened_for_what_nobody_witnessed() {
    let mut world = shop();
    world.witnessed = false;
    expect!["lines 9: Unwitnessed Clean "].assert_eq(&world.batch("lines 9 1 1 1 x"));
    expect!["orders 1: Unwitnessed Clean "].assert_eq(&world.batch("orders 1 open 7 1"));
    // But they are kept.
    world.witnessed = true;
    expect![""].assert_eq(&world.batch("lines 10 1 1 1 x\norders 1 open 8 1"));
}

#[test]
fn sums_of_unknown_rows_are_not_judged() {
    let mut world = World::new(LINES, SUM_OVER);
    world.judge.judge_partial_history(true);
    // Lines of an order that is older than the history, and then the order itself.
    expect![""].assert_eq(&world.batch("lines 9 1 1 1 x"));
    let mut changes = world.changes("orders 1 open 100 1");
    changes[0].old = world.changes("orders 1 open 99 1")[0].new.clone();
    expect![""].assert_eq(&world.judged(changes));
    // What began under our eyes is known.
    expect![""].assert_eq(&world.batch("orders 5 open 3 1\nlines 15 5 1 2 x"));
    expect!["lines 15: Altered[2] sum[2]"].assert_eq(&world.batch("lines 15 5 2 2 x"));
    // An older line comes to it: nobody knows what it is worth.
    let mut changes = world.changes("lines 20 5 NULL 1 x");
    changes[0].old = world.changes("lines 20 NULL NULL 1 x")[0].new.clone();
    expect![""].assert_eq(&world.judged(changes));
    expect![""].assert_eq(&world.batch("orders 5 open 77 1"));
}

#[test]
fn older_rows_are_known_by_what_they_show() {
    let rules = r#"
        [[tables]]
        name = "payments"
        equal = [{ column = "amount", equals = "total", table = "orders", via = "order_id" }]
        sum = [{ column = "amount", terms = ["fee", "net"] }]
    "#;
    let world = || {
        let tables = "orders id total note; payments id order_id amount fee net";
        let mut world = World::new(tables, rules);
        world.judge.judge_partial_history(true);
        world.learn("orders 1 10 x\norders 2 NULL x\npayments 7 1 NULL 1 NULL")
    };
    check(&world, "payments 8 1 10 1 9", expect![""]);
    check(
        &world,
        "payments 8 1 11 2 9",
        expect!["payments 8: Forged equal[2]"],
    );
    check(
        &world,
        "payments 8 2 11 2 9\npayments 9 3 11 2 9",
        expect![""],
    );
    check(&world, "payments 7 1 NULL 2 NULL", expect![""]);
    check(
        &world,
        "payments 7 1 11 2 9",
        expect!["payments 7: Altered[2] equal[2]"],
    );
    check(
        &world,
        "payments 7 1 10 2 9\norders 1 10 y",
        expect!["payments 7: Altered[2] sum[2]"],
    );
    // What an older order was before shows in the write itself.
    let mut world = world();
    let mut changes = world.changes("orders 3 10 y\npayments 8 3 11 2 9");
    changes[0].old = world.changes("orders 3 10 x")[0].new.clone();
    expect!["payments 8: Forged equal[2]"].assert_eq(&world.judged(changes));
}

/// What the shop lawfully does in one transaction.
fn step(
    orders: &mut Vec<Vec<(i64, i64)>>,
    next_line: &mut i64,
    choice: (u8, usize, i64),
) -> String {
    let (kind, which, amount) = choice;
    let mut written = Vec::new();
    let mut touched = Vec::new();
    let shown = |cents: i64| format!("#{}.{:02}", cents / 100, cents % 100);
    let which = if orders.is_empty() {
        0
    } else {
        which % orders.len()
    };
    match kind {
        0 => {
            orders.push(Vec::new());
            touched.push(orders.len() - 1);
        }
        _ if orders.is_empty() => {}
        1 | 2 => {
            *next_line += 1;
            orders[which].push((*next_line, amount));
            written.push(format!(
                "lines {next_line} {} {} 1 x",
                which + 1,
                shown(amount)
            ));
            touched.push(which);
        }
        3 => {
            if let Some((line, price)) = orders[which].last_mut() {
                *price = amount;
                written.push(format!("lines {line} {} {}0 1 y", which + 1, shown(amount)));
                touched.push(which);
            }
        }
        4 => {
            if let Some((line, _)) = orders[which].pop() {
                written.push(format!("- lines {line}"));
                touched.push(which);
            }
        }
        _ => {
            // Moves a line to the next order.
            let to = (which + 1) % orders.len();
            if let Some((line, price)) = orders[which].pop() {
                orders[to].push((line, price));
                written.push(format!("lines {line} {} {} 1 x", to + 1, shown(price)));
                touched.extend([which, to]);
            }
        }
    }
    touched.sort_unstable();
    touched.dedup();
    for order in touched {
        let goods: i64 = orders[order].iter().map(|(_, price)| price).sum();
        written.push(format!(
            "orders {} open {} 1",
            order + 1,
            shown(goods + 100)
        ));
    }
    written.join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_lawful_trade_never_alarms_and_a_tamper_always_does(
        choices in proptest::collection::vec((0_u8..6, 0_usize..4, 1_i64..5000), 1..40),
        backwards: bool,
        cents in 1_i64..1000,
    ) {
        let mut world = World::new(LINES, SUM_OVER);
        let (mut orders, mut next_line) = (Vec::new(), 0);
        for choice in choices {
            let batch = step(&mut orders, &mut next_line, choice);
            let mut changes = world.changes(&batch);
            if backwards {
                changes.reverse();
            }
            prop_assert_eq!(world.judged(changes), "", "{}", batch);
        }
        for (at, lines) in orders.iter().enumerate() {
            let goods: i64 = lines.iter().map(|(_, price)| price).sum::<i64>() + 100 + cents;
            let tampered = format!("orders {} open #{}.{:02} 1", at + 1, goods / 100, goods % 100);
            prop_assert_eq!(world.batch(&tampered), format!("orders {}: Altered[2] sum[2]", at + 1));
        }
    }

    #[test]
    fn the_order_inside_a_batch_is_nothing_to_the_books(
        rows in proptest::collection::vec((0_u8..2, 1_i64..4, 1_i64..4, -3_i64..4, 0_u8..4, 0_u8..3), 1..14),
        seed in any::<u64>(),
    ) {
        // Lawful or not: one change a row, in three transactions, in two orders.
        let mut batches = [const { Vec::new() }; 3];
        let mut seen = std::collections::BTreeSet::new();
        for (kind, id, order, price, note, transaction) in rows {
            let (name, line) = if kind == 0 {
                ("orders", format!("orders {id} open {price} 1"))
            } else {
                let note = if note == 0 { "forged" } else { "x" };
                ("lines", format!("lines {id} {order} {price} 1 {note}"))
            };
            if seen.insert((name, id)) {
                batches[usize::from(transaction)].push(line);
            }
        }
        let batch = batches.map(|lines| lines.join("\n")).join("\n--\n");
        let straight = shop().batch(&batch);
        let mut changes = shop().changes(&batch);
        let mut random = seed;
        for i in (1..changes.len()).rev() {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            changes.swap(i, (random >> 33) as usize % (i + 1));
        }
        prop_assert_eq!(shop().judged(changes), straight, "{}", batch);
    }
}
