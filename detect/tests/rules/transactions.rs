//! Rules about the same transaction: lawful exceptions of frozen columns, and company; with the
//! ways round them that an attacker would try.

use crate::world::World;
use expect_test::{Expect, expect};
use model::Standing;
use model::policy::Sees;

fn check(mut world: World, batch: &str, expected: Expect) {
    expected.assert_eq(&world.batch(batch));
}

const TABLES: &str = "orders id state total payee updated; mods id order_id approved; \
                      refunds id payment_id total; payments id order_id amount refund_id; \
                      log id text";

const FROZEN: &str = r#"
[[tables]]
name = "orders"
state = "state"
initial = ["placed"]
transitions = { placed = ["paid"], paid = ["cancelled"] }
no_delete = true
[[tables.frozen]]
from = ["paid", "cancelled"]
columns = ["total"]
unless = [{ table = "mods", op = "insert", via = "order_id", holds = { approved = "yes" } }]
[[tables.frozen]]
from = ["paid", "cancelled"]
columns = ["payee"]
[[tables]]
name = "mods"
parent = { table = "orders", via = "order_id", states = ["paid"] }
append_only = true
[[tables]]
name = "payments"
frozen = { columns = ["amount"], unless = [{ table = "refunds", op = "insert", to = "refund_id" }] }
"#;

fn frozen() -> World {
    World::new(TABLES, FROZEN).learn(
        "orders 1 paid #10.00 ACCT t0
         orders 2 paid #20.00 ACCT t0
         orders 3 placed #30.00 ACCT t0
         payments 1 1 100 NULL
         payments 2 2 200 NULL",
    )
}

#[test]
fn a_frozen_column_needs_its_companion() {
    check(
        frozen(),
        "orders 1 paid #99.00 ACCT t1",
        expect!["orders 1: Altered[2] frozen[2]"],
    );
    check(
        frozen(),
        "mods 1 1 yes\norders 1 paid #99.00 ACCT t1",
        expect![""],
    );
    check(
        frozen(),
        "orders 1 paid #99.00 ACCT t1\nmods 1 1 yes",
        expect![""],
    );
    // One rule's exception is none for the other rule.
    check(
        frozen(),
        "mods 1 1 yes\norders 1 paid #99.00 MINE t1",
        expect!["orders 1: Altered[3] frozen[3]"],
    );
    check(
        frozen(),
        "orders 1 paid #99.00 MINE t1",
        expect!["orders 1: Altered[2, 3] frozen[2, 3]"],
    );
    // Not yet frozen, and frozen by the very step into the state.
    check(frozen(), "orders 3 placed #99.00 MINE t1", expect![""]);
    check(
        frozen(),
        "orders 3 paid #99.00 ACCT t1",
        expect!["orders 3: Altered[2] frozen[2]"],
    );
}

#[test]
fn a_companion_that_is_none_excuses_nothing() {
    for (batch, expected) in [
        // Of another order.
        (
            "mods 1 2 yes\norders 1 paid #99.00 ACCT t1",
            expect!["orders 1: Altered[2] frozen[2]"],
        ),
        // Of no order.
        (
            "mods 1 NULL yes\norders 1 paid #99.00 ACCT t1",
            expect![[r#"
                mods 1: Forged parent[1]
                orders 1: Altered[2] frozen[2]"#]],
        ),
        // Does not hold what it must, or holds nothing.
        (
            "mods 1 1 no\norders 1 paid #99.00 ACCT t1",
            expect!["orders 1: Altered[2] frozen[2]"],
        ),
        (
            "mods 1 1 NULL\norders 1 paid #99.00 ACCT t1",
            expect!["orders 1: Altered[2] frozen[2]"],
        ),
        // In another transaction, before or after.
        (
            "mods 1 1 yes\n--\norders 1 paid #99.00 ACCT t1",
            expect!["orders 1: Altered[2] frozen[2]"],
        ),
        (
            "orders 1 paid #99.00 ACCT t1\n--\nmods 1 1 yes",
            expect!["orders 1: Altered[2] frozen[2]"],
        ),
    ] {
        check(frozen(), batch, expected);
    }
}

#[test]
fn a_forged_companion_excuses_nothing() {
    // A modification of an order that is not paid is forged: it does not excuse the log's line.
    let rules = format!(
        "{FROZEN}\n[[tables]]\nname = \"log\"\ncompany = [{{ on = \"insert\", any_of = [{{ table = \"mods\" }}] }}]"
    );
    let world = World::new(TABLES, &rules).learn("orders 3 placed #30.00 ACCT t0");
    check(
        world,
        "mods 1 3 yes\nlog 1 hello",
        expect![[r#"
            log 1: Forged company[]
            mods 1: Forged parent[1]"#]],
    );
    let mut world = frozen();
    // Forged by a stamp that is missing.
    world.stamp = model::Stamp::Missing;
    check(
        world,
        "mods 1 1 yes\norders 1 paid #99.00 ACCT t1",
        expect![[r#"
            mods 1: Forged unstamped[]
            orders 1: Altered[2, 4] frozen[2] unstamped[2, 4]"#]],
    );
    // A companion that was forged before is changed, deleted, or stands there still.
    let mut world = frozen();
    expect!["mods 1: Forged parent[1]"].assert_eq(&world.batch("mods 1 3 yes"));
    expect!["orders 1: Altered[2] frozen[2]"]
        .assert_eq(&world.batch("mods 1 1 yes\norders 1 paid #99.00 ACCT t1"));
    // An old one that is altered is no insert, and altering it is unlawful besides.
    let mut world = frozen().learn("mods 7 2 yes");
    expect![[r#"
        mods 7: Altered[1] append_only[1]
        orders 1: Altered[2] frozen[2]"#]]
    .assert_eq(&world.batch("mods 7 1 yes\norders 1 paid #99.00 ACCT t1"));
}

#[test]
fn what_was_tampered_with_before_speaks_for_nobody() {
    let rules = r#"
        [[tables]]
        name = "orders"
        frozen = { columns = ["total"], unless = [{ table = "mods", via = "order_id", holds = { approved = "yes" } }, { table = "mods", to = "updated" }] }
        [[tables]]
        name = "mods"
        frozen = { columns = ["order_id", "approved"] }
    "#;
    let world = || {
        World::new(
            "orders id state total payee updated; mods id order_id approved note",
            rules,
        )
        .learn("orders 1 paid 10 A NULL\norders 2 paid 20 A NULL\nmods 7 1 yes x\nmods 8 2 no x")
    };
    let mut one = world();
    expect!["mods 7: Altered[1] frozen[1]"].assert_eq(&one.batch("mods 7 2 yes x"));
    expect!["mods 8: Altered[2] frozen[2]"].assert_eq(&one.batch("mods 8 2 yes x"));
    // Lawful writes of other columns, and deletions, count for what the rows lawfully hold.
    expect!["orders 2: Altered[2] frozen[2]"]
        .assert_eq(&one.batch("mods 7 2 yes y\nmods 8 2 yes y\norders 2 paid 99 A NULL"));
    expect![""].assert_eq(&one.batch("mods 7 2 yes z\norders 1 paid 99 A NULL"));
    expect!["orders 2: Altered[2] frozen[2]"]
        .assert_eq(&one.batch("- mods 7\n- mods 8\norders 2 paid 98 A NULL"));
    let mut other = world();
    expect![""].assert_eq(&other.batch("mods 7 1 yes y\norders 2 paid 98 A 7"));
}

#[test]
fn a_pointer_to_the_companion_is_followed() {
    check(
        frozen(),
        "payments 1 1 90 NULL",
        expect!["payments 1: Altered[2] frozen[2]"],
    );
    check(frozen(), "payments 1 1 90 5\nrefunds 5 1 10", expect![""]);
    // It points to a refund that was there before, to none, or to another one.
    let world = frozen().learn("refunds 5 1 10");
    check(
        world,
        "payments 1 1 90 5",
        expect!["payments 1: Altered[2] frozen[2]"],
    );
    check(
        frozen(),
        "payments 1 1 90 NULL\nrefunds 5 1 10",
        expect!["payments 1: Altered[2] frozen[2]"],
    );
    // Swapped pointers: one refund excuses only who points to it.
    check(
        frozen(),
        "payments 1 1 90 5\npayments 2 2 190 6\nrefunds 5 1 10",
        expect!["payments 2: Altered[2] frozen[2]"],
    );
}

#[test]
fn a_tampered_row_is_judged_by_what_it_lawfully_was() {
    let mut world = frozen();
    expect!["orders 1: Altered[2] frozen[2]"]
        .assert_eq(&world.batch("orders 1 paid #99.00 ACCT t1"));
    // Put back by whom it may: right again.
    expect![""].assert_eq(&world.batch("orders 1 paid #10.00 ACCT t1"));
    expect!["orders 1: Altered[2] frozen[2]"]
        .assert_eq(&world.batch("orders 1 paid #99.00 ACCT t1"));
    // A lawful modification writes the column anew.
    expect![""].assert_eq(&world.batch("mods 1 1 yes\norders 1 paid #12.00 ACCT t2"));
    // Two updates of one row in one transaction are one change.
    world.coalesced = true;
    expect!["orders 1: Altered[2] frozen[2]"]
        .assert_eq(&world.batch("orders 1 paid #13.00 ACCT t3"));
    expect![""].assert_eq(&world.batch("mods 2 1 yes\norders 1 paid #14.00 ACCT t4"));
}

#[test]
fn what_nobody_witnessed_is_not_asked_for_company() {
    let mut world = frozen();
    world.witnessed = false;
    check(
        world,
        "orders 1 paid #99.00 ACCT t1\npayments 1 1 90 NULL",
        expect![[r#"
            orders 1: Unwitnessed Clean 
            payments 1: Unwitnessed Clean "#]],
    );
    // Rules that know no exception are kept all the same.
    let mut world = frozen();
    world.witnessed = false;
    check(
        world,
        "orders 1 paid #10.00 MINE t1",
        expect!["orders 1: Altered[3] frozen[3]"],
    );
}

const COMPANY: &str = r#"
[[tables]]
name = "orders"
[[tables.company]]
on = "update"
columns = ["total"]
when = { state = "paid" }
any_of = [{ table = "mods", via = "order_id" }, { table = "log", op = "update", changes = ["text"] }]
[[tables]]
name = "refunds"
[[tables.company]]
on = "insert"
any_of = [{ table = "payments", op = "update", changes = ["refund_id"], to = "payment_id" }]
[[tables.company]]
on = "delete"
any_of = [{ table = "log", op = "delete" }, { table = "refunds", op = "insert" }]
[[tables]]
name = "payments"
only_rise = ["amount"]
"#;

fn company() -> World {
    World::new(TABLES, COMPANY).learn(
        "orders 1 paid #10.00 ACCT t0
         orders 2 open #20.00 ACCT t0
         payments 1 1 100 NULL
         payments 2 2 200 NULL
         refunds 9 1 10
         refunds 8 1 10
         log 1 hello",
    )
}

#[test]
fn an_update_needs_company() {
    let cases = [
        (
            "orders 1 paid #11.00 ACCT t1",
            expect!["orders 1: Altered[2] company[2]"],
        ),
        ("orders 1 paid #11.00 ACCT t1\nmods 1 1 x", expect![""]),
        (
            "orders 1 paid #11.00 ACCT t1\nmods 1 2 x",
            expect!["orders 1: Altered[2] company[2]"],
        ),
        ("orders 1 paid #11.00 ACCT t1\nlog 1 world", expect![""]),
        // An update that changes nothing is no write, and an insert no update.
        (
            "orders 1 paid #11.00 ACCT t1\nlog 1 hello",
            expect!["orders 1: Altered[2] company[2]"],
        ),
        (
            "orders 1 paid #11.00 ACCT t1\nlog 2 world",
            expect!["orders 1: Altered[2] company[2]"],
        ),
        // Neither the column nor the state.
        ("orders 1 paid #10.00 MINE t1", expect![""]),
        ("orders 2 open #11.00 ACCT t1", expect![""]),
        (
            "orders 2 paid #11.00 ACCT t1",
            expect!["orders 2: Altered[2] company[2]"],
        ),
    ];
    for (batch, expected) in cases {
        check(company(), batch, expected);
    }
}

#[test]
fn an_insert_and_a_delete_need_company() {
    let cases = [
        ("refunds 1 1 10", expect!["refunds 1: Forged company[]"]),
        ("refunds 1 1 10\npayments 1 1 100 1", expect![""]),
        (
            "refunds 1 1 10\npayments 2 2 200 1",
            expect!["refunds 1: Forged company[]"],
        ),
        (
            "refunds 1 NULL 10\npayments 1 1 100 1",
            expect!["refunds 1: Forged company[]"],
        ),
        // The companion is altered unlawfully in another column of the same row: what is lawful of
        // it speaks for the refund, as it would if it stood alone.
        (
            "refunds 1 1 10\npayments 1 1 90 1",
            expect!["payments 1: Altered[2] only_rise[2]"],
        ),
        // Nothing of the companion is lawful.
        (
            "refunds 1 1 10\npayments 1 1 90 NULL",
            expect![[r#"
                payments 1: Altered[2] only_rise[2]
                refunds 1: Forged company[]"#]],
        ),
        ("- refunds 9", expect!["refunds 9: Deleted company[]"]),
        ("- refunds 9\n- log 1", expect![""]),
        // A row is not its own company, nor is a forged one.
        (
            "- refunds 9\n- refunds 8",
            expect![[r#"
            refunds 8: Deleted company[]
            refunds 9: Deleted company[]"#]],
        ),
        (
            "- refunds 9\nrefunds 1 1 10",
            expect![[r#"
            refunds 1: Forged company[]
            refunds 9: Deleted company[]"#]],
        ),
        (
            "- refunds 9\nrefunds 1 1 10\npayments 1 1 100 1",
            expect![""],
        ),
    ];
    for (batch, expected) in cases {
        check(company(), batch, expected);
    }
}

#[test]
fn a_chain_of_excuses_falls_with_its_first_link() {
    let rules = r#"
        [[tables]]
        name = "a"
        frozen = { columns = ["v"], unless = [{ table = "b", op = "update" }] }
        [[tables]]
        name = "b"
        frozen = { columns = ["v"], unless = [{ table = "c", op = "update" }] }
        [[tables]]
        name = "c"
        frozen = { columns = ["v"], unless = [{ table = "d", op = "insert" }] }
    "#;
    let world = || World::new("a id v; b id v; c id v; d id v", rules).learn("a 1 1\nb 1 1\nc 1 1");
    check(world(), "a 1 2\nb 1 2\nc 1 2\nd 1 1", expect![""]);
    check(
        world(),
        "a 1 2\nb 1 2\nc 1 2",
        expect![[r#"
        a 1: Altered[1] frozen[1]
        b 1: Altered[1] frozen[1]
        c 1: Altered[1] frozen[1]"#]],
    );
    // A row does not excuse itself.
    let rules = r#"
        [[tables]]
        name = "a"
        frozen = { columns = ["v"], unless = [{ table = "a", op = "update" }] }
    "#;
    let world = || World::new("a id v", rules).learn("a 1 1\na 2 1");
    check(world(), "a 1 2", expect!["a 1: Altered[1] frozen[1]"]);
    check(world(), "a 1 2\na 2 2", expect![""]);
}

#[test]
fn a_row_that_was_deleted_without_company_counts_and_may_come_back() {
    let rules = r#"
        [[tables]]
        name = "orders"
        state = "state"
        initial = ["placed"]
        transitions = { placed = ["paid"] }
        requires = { paid = { table = "payments", via = "order_id" } }
        [[tables]]
        name = "payments"
        company = [{ on = "delete", any_of = [{ table = "log", op = "insert" }] }]
    "#;
    let world = || {
        World::new("orders id state; payments id order_id; log id", rules)
            .learn("orders 1 placed\npayments 5 1")
    };
    let mut one = world();
    // The payment was deleted unlawfully, so that it still pays.
    expect!["payments 5: Deleted company[]"].assert_eq(&one.batch("- payments 5"));
    expect![""].assert_eq(&one.batch("orders 1 paid"));
    expect![""].assert_eq(&one.batch("payments 5 1"));
    let mut other = world();
    expect!["payments 5: Deleted company[]"].assert_eq(&other.batch("- payments 5\norders 1 paid"));
    expect!["payments 5: Altered[1] company[1]"].assert_eq(&other.batch("payments 5 2"));
    let mut gone = world();
    expect![""].assert_eq(&gone.batch("- payments 5\nlog 1"));
    expect!["orders 1: Altered[1] requires[1]"].assert_eq(&gone.batch("orders 1 paid"));
}

#[test]
fn a_batch_of_transactions_is_as_many_batches() {
    // A companion row in a later transaction comes too late, in whatever batch it comes.
    let rules = r#"
        [[tables]]
        name = "orders"
        state = "state"
        initial = ["placed"]
        transitions = { placed = ["paid"] }
        requires = { paid = { table = "payments", via = "order_id" } }
    "#;
    let world = |sees| {
        World::seen("orders id state; payments id order_id", rules, sees).learn("orders 1 placed")
    };
    let batch = "orders 1 paid\n--\npayments 5 1";
    check(
        world(Sees::Transactions),
        batch,
        expect!["orders 1: Altered[1] requires[1]"],
    );
    // A source of states counts no transactions: the numbers say nothing.
    check(world(Sees::States), batch, expect![""]);
    check(
        world(Sees::Transactions),
        "payments 5 1\n--\norders 1 paid",
        expect![""],
    );
    check(
        world(Sees::Transactions),
        "payments 5 1\norders 1 paid",
        expect![""],
    );
}

#[test]
fn an_unstamped_write_is_a_finding_whatever_it_touched() {
    for stamp in [model::Stamp::Missing, model::Stamp::Wrong] {
        let unstamped = || {
            let mut world = World::new("notes id text more", "").learn("notes 1 a b\nnotes 2 a b");
            world.stamp = stamp;
            world
        };
        check(
            unstamped(),
            "notes 1 x y",
            expect!["notes 1: Altered[1, 2] unstamped[1, 2]"],
        );
        check(
            unstamped(),
            "notes 3 x y",
            expect!["notes 3: Forged unstamped[]"],
        );
        check(
            unstamped(),
            "- notes 2",
            expect!["notes 2: Deleted unstamped[]"],
        );
        check(unstamped(), "notes 1 a b", expect![""]);
    }
    let mut world = World::new("notes id text more", "").learn("notes 1 a b");
    world.stamp = model::Stamp::Valid;
    expect![""].assert_eq(&world.batch("notes 1 x y\nnotes 2 a b\n"));
    expect![""].assert_eq(&world.batch("- notes 1"));
    // Put back by hand it is as it was, stamp or none.
    world.stamp = model::Stamp::Missing;
    expect!["notes 2: Altered[1] unstamped[1]"].assert_eq(&world.batch("notes 2 x b"));
    expect![""].assert_eq(&world.batch("notes 2 a b"));
}

#[test]
fn history_that_starts_in_the_middle_accuses_nobody() {
    let partial = |tables, rules| {
        let mut world = World::new(tables, rules);
        world.judge.judge_partial_history(true);
        world
    };
    let check = |world: World, old: &str, batch: &str, expected: Expect| {
        let (mut world, before) = (world, old);
        let mut changes = world.changes(batch);
        for was in world.changes(before) {
            let change = changes
                .iter_mut()
                .find(|c| c.key == was.key && c.table == was.table);
            let change = change.unwrap();
            change.old = was.new;
            change.standing = Standing::Clean;
        }
        expected.assert_eq(&world.judged(changes));
    };
    // Older rows point to nothing that is known, and NULL stands for what is not known.
    check(
        partial(TABLES, COMPANY),
        "payments 1 NULL 100 NULL\nrefunds 9 NULL 10",
        "payments 1 NULL 100 1\nrefunds 9 NULL 10\nrefunds 1 1 10",
        expect![""],
    );
    check(partial(TABLES, FROZEN), "", "mods 1 77 yes", expect![""]);
    check(
        partial(TABLES, FROZEN),
        "orders 1 paid #10.00 ACCT t0",
        "orders 1 paid #10.00 MINE t0",
        expect!["orders 1: Altered[3] frozen[3]"],
    );
    // What was inserted since is known.
    let mut world = partial(TABLES, FROZEN);
    expect![""].assert_eq(&world.batch("orders 1 placed #10.00 ACCT t0"));
    expect!["mods 1: Forged parent[1]"].assert_eq(&world.batch("mods 1 1 yes"));
}

#[test]
fn order_inside_a_batch_makes_no_difference() {
    let batch = "mods 1 1 yes\norders 1 paid #99.00 ACCT t1\npayments 1 1 90 5\nrefunds 5 1 10\n--\n\
                 orders 2 paid #99.00 ACCT t1\nmods 2 3 yes\npayments 2 2 90 7";
    let straight = frozen().batch(batch);
    expect![[r#"
        mods 2: Forged parent[1]
        orders 2: Altered[2] frozen[2]
        payments 2: Altered[2] frozen[2]"#]]
    .assert_eq(&straight);
    let mut changes = frozen().changes(batch);
    for _ in 0..changes.len() {
        changes.rotate_left(1);
        assert_eq!(frozen().judged(changes.clone()), straight);
        let mut turned = changes.clone();
        turned.reverse();
        assert_eq!(frozen().judged(turned), straight);
    }
}

const BOTH: &str = r#"
[[tables]]
name = "orders"
state = "state"
initial = ["placed"]
transitions = { placed = ["paid"], paid = ["cancelled"] }
requires = { paid = { table = "payments", via = "order_id" } }
together = [{ columns = ["total"], with = ["updated"] }]
[[tables.frozen]]
from = ["paid", "cancelled"]
columns = ["total"]
unless = [{ table = "mods", op = "insert", via = "order_id" }]
[[tables]]
name = "mods"
parent = { table = "orders", via = "order_id", states = ["paid"] }
values = { approved = ["yes", "no"] }
company = [{ on = "insert", any_of = [{ table = "orders", op = "update", to = "order_id" }] }]
[[tables]]
name = "payments"
only_fall = ["amount"]
frozen = { columns = ["amount"], unless = [{ table = "refunds", op = "insert", to = "refund_id", holds = { total = "10" } }] }
company = [{ on = "delete", any_of = [{ table = "log", op = "insert" }] }]
[[tables]]
name = "refunds"
company = [{ on = "insert", any_of = [{ table = "payments", op = "update", to = "payment_id", changes = ["amount"] }] }]
equal = [{ column = "total", equals = "payee", table = "orders", via = "payment_id" }]
[[tables]]
name = "log"
values = { text = ["a"] }
"#;

const KNOWN: &str = "orders 1 paid #10.00 10 t0
                     orders 2 paid #20.00 10 t0
                     orders 3 placed #30.00 10 t0
                     payments 1 1 100 NULL
                     payments 2 2 200 NULL
                     payments 3 1 100 NULL";

fn both() -> World {
    World::new(TABLES, BOTH).learn(KNOWN)
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(96))]

    /// Whatever is written, lawful or not: chains of companions stand and fall alike in any order.
    #[test]
    fn chains_of_company_end_alike_in_any_order(
        writes in proptest::collection::vec((0_usize..5, 1_i64..4, 0_i64..4, 0_u8..4), 1..14),
        split in 0_usize..14,
        seed in proptest::prelude::any::<u64>(),
    ) {
        let mut seen = std::collections::BTreeSet::new();
        let mut lines = Vec::new();
        for (table, id, to, how) in writes {
            if !seen.insert((table, id)) {
                continue;
            }
            let to = if to == 0 { "NULL".to_owned() } else { to.to_string() };
            lines.push(match (table, how) {
                (0, 0) => format!("orders {id} paid #99 10 t1"),
                (0, 1) => format!("orders {id} paid #99 10 t0"),
                (0, 2) => format!("orders {id} cancelled #10.00 10 t1"),
                (0, _) => format!("orders {id} paid #10.00 10 t2"),
                (1, 0) => format!("mods {id} {to} maybe"),
                (1, _) => format!("mods {id} {to} yes"),
                (2, 0) => format!("- payments {id}"),
                (2, 1) => format!("payments {id} {to} 900 {to}"),
                (2, _) => format!("payments {id} {to} 90 {to}"),
                (3, 0) => format!("refunds {id} {to} 11"),
                (3, _) => format!("refunds {id} {to} 10"),
                (_, 0) => format!("log {id} b"),
                (_, _) => format!("log {id} a"),
            });
        }
        lines.insert(split.min(lines.len()), "--".to_owned());
        let batch = lines.join("\n");
        let straight = both().batch(&batch);
        let mut changes = both().changes(&batch);
        let mut random = seed;
        for i in (1..changes.len()).rev() {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            changes.swap(i, (random >> 33) as usize % (i + 1));
        }
        proptest::prop_assert_eq!(both().judged(changes), straight, "{}", batch);
    }

    /// A shop that always writes what its policy asks for.
    #[test]
    fn lawful_company_never_alarms(steps in proptest::collection::vec((0_u8..4, 1_i64..4), 1..20)) {
        let mut world = frozen();
        let (mut next, mut states) = (100, ["paid", "paid", "placed"].map(str::to_owned));
        for (step, id) in steps {
            next += 1;
            let at = (id - 1) as usize;
            let batch = match (step, states[at].as_str()) {
                (0, "placed") => {
                    states[at] = "paid".into();
                    format!("orders {id} paid #{id}0.00 ACCT t{next}")
                }
                (1, "paid") => format!("mods {next} {id} yes\norders {id} paid #{next}.00 ACCT t{next}"),
                (2, "placed") => format!("orders {id} placed #{id}0.00 ACCT t{next}"),
                _ if id < 3 => format!("payments {id} {id} {next} {next}\nrefunds {next} {id} 1"),
                _ => format!("log {next} hello"),
            };
            proptest::prop_assert_eq!(world.batch(&batch), "", "{}", batch);
        }
    }
}
