//! Verdicts on single changes and on batches.

use crate::shop;

use crate::shop::{LINES, ORDERS, PAYMENTS, REFUNDS, change, order, order_to, payment, refund};
use detect::{Judge, compile};
use expect_test::{Expect, expect};
use model::{Change, Judgement, Row, Standing};

fn judge() -> Judge {
    Judge::new(compile(&shop::policy(), &shop::schemas()).unwrap())
}

/// A judge that knows order 1 (paid 100, with its payment 1) and order 2 (placed, not paid).
fn opened() -> Judge {
    let mut judge = judge();
    judge.learn(ORDERS, &shop::key(1), Some(&order(1, "paid", 100)));
    judge.learn(PAYMENTS, &shop::key(1), Some(&payment(1, 1, 100)));
    judge.learn(ORDERS, &shop::key(2), Some(&order(2, "placed", 50)));
    judge
}

fn shown(judgements: &[Judgement]) -> String {
    let one = |j: &Judgement| {
        let hits: Vec<String> = j
            .hits
            .iter()
            .map(|h| format!("{}{:?}", h.rule, h.columns))
            .collect();
        let standing = match &j.standing {
            Standing::Altered { columns } => format!("Altered{columns:?}"),
            other => format!("{other:?}"),
        };
        format!("{:?} {standing} {}", j.verdict, hits.join(" "))
            .trim_end()
            .to_owned()
    };
    judgements.iter().map(one).collect::<Vec<_>>().join("\n")
}

fn check(judge: &mut Judge, batch: &[Change], expected: Expect) {
    let mut out = Vec::new();
    judge.judge(batch, &mut out);
    expected.assert_eq(&shown(&out));
}

fn coalesced(mut change: Change) -> Change {
    change.coalesced = true;
    change
}

fn update(old: Row, new: Row) -> Change {
    change(ORDERS, Some(old), Some(new))
}

/// A change of a row that is not as it lawfully is.
fn standing(mut change: Change, standing: Standing, lawful: Option<Row>) -> Change {
    change.standing = standing;
    change.lawful = Some(lawful);
    change
}

fn altered(columns: &[u16]) -> Standing {
    Standing::Altered {
        columns: columns.to_vec(),
    }
}

#[test]
fn the_shop_goes_on_lawfully() {
    let mut judge = opened();
    check(
        &mut judge,
        &[change(ORDERS, None, Some(order(3, "placed", 10)))],
        expect!["Lawful Clean"],
    );
    check(
        &mut judge,
        &[
            update(order(3, "placed", 10), order(3, "paid", 10)),
            change(PAYMENTS, None, Some(payment(3, 3, 10))),
        ],
        expect![[r#"
            Lawful Clean
            Lawful Clean"#]],
    );
    check(
        &mut judge,
        &[
            change(REFUNDS, None, Some(refund(1, 3, 10, "requested"))),
            update(order(3, "paid", 10), order(3, "refunded", 10)),
        ],
        expect![[r#"
            Lawful Clean
            Lawful Clean"#]],
    );
}

#[test]
fn frozen_columns_are_named() {
    let paid = || order(1, "paid", 100);
    check(
        &mut opened(),
        &[update(paid(), order(1, "paid", 999))],
        expect!["Unlawful Altered[2] frozen[2]"],
    );
    check(
        &mut opened(),
        &[update(paid(), order_to(1, "paid", 999, "ACCT-9"))],
        expect!["Unlawful Altered[2, 4] frozen[2, 4]"],
    );
    // Before it is paid an order may still be changed, also when both steps are seen as one.
    let placed = || order(2, "placed", 50);
    check(
        &mut opened(),
        &[update(placed(), order(2, "placed", 60))],
        expect!["Lawful Clean"],
    );
    check(
        &mut opened(),
        &[
            coalesced(update(placed(), order(2, "paid", 60))),
            change(PAYMENTS, None, Some(payment(2, 2, 60))),
        ],
        expect![[r#"
            Lawful Clean
            Lawful Clean"#]],
    );
    check(
        &mut opened(),
        &[
            update(placed(), order(2, "paid", 60)),
            change(PAYMENTS, None, Some(payment(2, 2, 60))),
        ],
        expect![[r#"
            Unlawful Altered[2] frozen[2]
            Lawful Clean tainted_input[1]"#]],
    );
}

#[test]
fn a_tampered_column_stays_tainted_and_the_others_go_on() {
    let tampered = || order(1, "paid", 999);
    let lawful = || Some(order(1, "paid", 100));
    let mut judge = opened();
    check(
        &mut judge,
        &[standing(
            update(tampered(), order(1, "shipped", 999)),
            altered(&[2]),
            lawful(),
        )],
        expect!["Lawful Altered[2]"],
    );
    let lawful = || Some(order(1, "shipped", 100));
    let shipped = || order(1, "shipped", 999);
    check(
        &mut judge,
        &[standing(
            update(shipped(), order(1, "shipped", 100)),
            altered(&[2]),
            lawful(),
        )],
        expect!["Lawful Clean"],
    );
    check(
        &mut judge,
        &[standing(
            update(shipped(), order(1, "shipped", 777)),
            altered(&[2]),
            lawful(),
        )],
        expect!["Unlawful Altered[2] frozen[2]"],
    );
    check(
        &mut judge,
        &[standing(
            update(shipped(), order_to(1, "shipped", 100, "ACCT-9")),
            altered(&[2]),
            lawful(),
        )],
        expect!["Unlawful Altered[4] frozen[4]"],
    );
}

#[test]
fn a_tampered_state_is_not_gone_on_from() {
    let mut judge = opened();
    check(
        &mut judge,
        &[update(order(1, "paid", 100), order(1, "placed", 100))],
        expect!["Unlawful Altered[1] transition[1]"],
    );
    let lawful = || Some(order(1, "paid", 100));
    check(
        &mut judge,
        &[standing(
            update(order(1, "placed", 100), order(1, "cancelled", 100)),
            altered(&[1]),
            lawful(),
        )],
        expect!["Unlawful Altered[1] transition[1]"],
    );
    // What is lawful from the lawful state puts the column right.
    check(
        &mut judge,
        &[standing(
            update(order(1, "cancelled", 100), order(1, "shipped", 100)),
            altered(&[1]),
            lawful(),
        )],
        expect!["Lawful Clean"],
    );
}

#[test]
fn a_paid_order_without_a_payment_is_forged() {
    let forged = || order(9, "paid", 5);
    check(
        &mut opened(),
        &[change(ORDERS, None, Some(forged()))],
        expect!["Unlawful Forged initial[1] requires[1]"],
    );
    check(
        &mut opened(),
        &[coalesced(change(ORDERS, None, Some(forged())))],
        expect!["Unlawful Forged requires[1]"],
    );
    // A shipped order was paid on its way, whatever way it was seen.
    check(
        &mut opened(),
        &[coalesced(change(
            ORDERS,
            None,
            Some(order(9, "shipped", 5)),
        ))],
        expect!["Unlawful Forged requires[1]"],
    );
    check(
        &mut opened(),
        &[coalesced(update(
            order(2, "placed", 50),
            order(2, "shipped", 50),
        ))],
        expect!["Unlawful Altered[1] requires[1]"],
    );
    check(
        &mut opened(),
        &[
            coalesced(change(ORDERS, None, Some(order(9, "shipped", 5)))),
            change(PAYMENTS, None, Some(payment(9, 9, 5))),
        ],
        expect![[r#"
            Lawful Clean
            Lawful Clean"#]],
    );
}

#[test]
fn a_child_needs_its_parent_in_the_right_state() {
    let line = |order: i64| {
        let mut change = change(LINES, None, Some(payment(order, 1, 7)));
        change.key = model::Key::of([order, 1].map(model::ValueRef::Integer)).unwrap();
        change
    };
    check(&mut opened(), &[line(1)], expect!["Lawful Clean"]);
    check(
        &mut opened(),
        &[line(77)],
        expect!["Unlawful Forged parent[0]"],
    );
    check(
        &mut opened(),
        &[change(REFUNDS, None, Some(refund(5, 1, 100, "requested")))],
        expect!["Unlawful Forged parent[1]"],
    );
    check(
        &mut opened(),
        &[change(PAYMENTS, None, Some(payment(5, 2, 50)))],
        expect!["Unlawful Forged parent[1]"],
    );
}

#[test]
fn what_hangs_on_a_forged_payment_falls_with_it() {
    // The payment alone is unlawful by its own (its order stands in no state to be paid), so the
    // order is not paid; and an unpaid order keeps its old state, so that the refund falls too.
    let mut judge = opened();
    check(
        &mut judge,
        &[
            change(REFUNDS, None, Some(refund(5, 2, 50, "requested"))),
            coalesced(update(order(2, "placed", 50), order(2, "refunded", 50))),
            change(PAYMENTS, None, Some(payment(5, 77, 50))),
        ],
        expect![[r#"
            Unlawful Forged parent[1]
            Unlawful Altered[1] requires[1]
            Unlawful Forged parent[1]"#]],
    );
}

#[test]
fn deleting_is_judged_and_undone() {
    let paid = || order(1, "paid", 100);
    let gone = || change(ORDERS, Some(paid()), None);
    check(
        &mut opened(),
        &[gone()],
        expect!["Unlawful Deleted no_delete[]"],
    );
    let back = |row| {
        standing(
            change(ORDERS, None, Some(row)),
            Standing::Deleted,
            Some(paid()),
        )
    };
    check(&mut opened(), &[back(paid())], expect!["Lawful Clean"]);
    check(
        &mut opened(),
        &[back(order_to(1, "paid", 100, "ACCT-9"))],
        expect!["Unlawful Altered[4] no_delete[4]"],
    );
    // A payment that was deleted unlawfully still pays.
    let mut judge = opened();
    check(
        &mut judge,
        &[change(PAYMENTS, Some(payment(1, 1, 100)), None)],
        expect!["Unlawful Deleted no_delete[]"],
    );
    check(
        &mut judge,
        &[coalesced(update(
            order(1, "paid", 100),
            order(1, "refunded", 100),
        ))],
        expect!["Lawful Clean"],
    );
}

#[test]
fn a_forged_row_makes_no_second_finding() {
    let forged = |old, new| standing(change(ORDERS, old, new), Standing::Forged, None);
    let mut judge = opened();
    check(
        &mut judge,
        &[change(ORDERS, None, Some(order(9, "paid", 5)))],
        expect!["Unlawful Forged initial[1] requires[1]"],
    );
    check(
        &mut judge,
        &[forged(
            Some(order(9, "paid", 5)),
            Some(order(9, "shipped", 5)),
        )],
        expect!["Lawful Forged"],
    );
    // What the shop itself hangs on it goes to a person.
    check(
        &mut judge,
        &[change(PAYMENTS, None, Some(payment(9, 9, 5)))],
        expect!["Lawful Clean tainted_input[1]"],
    );
    check(
        &mut judge,
        &[forged(Some(order(9, "shipped", 5)), None)],
        expect!["Lawful Gone"],
    );
    check(
        &mut judge,
        &[change(PAYMENTS, None, Some(payment(10, 9, 5)))],
        expect!["Unlawful Forged parent[1]"],
    );
}

#[test]
fn money_under_a_tainted_amount_goes_to_a_person() {
    let mut judge = opened();
    let tampered = order(1, "paid", 999);
    check(
        &mut judge,
        &[update(order(1, "paid", 100), tampered.clone())],
        expect!["Unlawful Altered[2] frozen[2]"],
    );
    let paid = || payment(8, 1, 999);
    check(
        &mut judge,
        &[change(PAYMENTS, None, Some(paid()))],
        expect!["Lawful Clean tainted_input[1]"],
    );
    // A restart knows of it by the standing; a repair clears it.
    let mut again = opened();
    again.learn_standing(ORDERS, &shop::key(1), Some(&tampered), &altered(&[2]));
    let batch = [change(PAYMENTS, None, Some(paid()))];
    check(&mut again, &batch, expect!["Lawful Clean tainted_input[1]"]);
    again.learn(ORDERS, &shop::key(1), Some(&order(1, "paid", 100)));
    check(
        &mut again,
        &[change(PAYMENTS, None, Some(payment(18, 1, 999)))],
        expect!["Lawful Clean"],
    );
}

#[test]
fn what_happened_while_nobody_looked_is_told_apart() {
    let unseen = |mut change: Change| {
        change.witnessed = false;
        change
    };
    let mut judge = opened();
    check(
        &mut judge,
        &[
            unseen(update(order(1, "paid", 100), order(1, "refunded", 100))),
            unseen(change(ORDERS, None, Some(order(4, "cancelled", 1)))),
            unseen(update(order(2, "placed", 50), order(2, "placed", 50))),
        ],
        expect![[r#"
            Unwitnessed Clean
            Unwitnessed Clean
            Lawful Clean"#]],
    );
    check(
        &mut judge,
        &[unseen(update(
            order(1, "refunded", 100),
            order(1, "refunded", 1),
        ))],
        expect!["Unlawful Altered[2] frozen[2]"],
    );
}

#[test]
fn nothing_becomes_lawful_that_went_round_the_log() {
    let mut judge = opened();
    let unseen = |mut change: Change| {
        change.witnessed = false;
        change
    };
    judge.judge_what_went_round(true);
    let refunded = order(1, "refunded", 100);
    check(
        &mut judge,
        &[
            unseen(update(order(1, "paid", 100), refunded.clone())),
            unseen(change(ORDERS, None, Some(order(4, "cancelled", 1)))),
            unseen(change(ORDERS, Some(order(2, "placed", 50)), None)),
        ],
        expect![[r#"
            Unlawful Altered[1] round_the_log[1]
            Unlawful Forged round_the_log[]
            Unlawful Deleted no_delete[] round_the_log[]"#]],
    );
    // Put back round the log it is as it lawfully was, and that is no news.
    let altered = Standing::Altered { columns: vec![1] };
    let back = update(refunded, order(1, "paid", 100));
    check(
        &mut judge,
        &[unseen(standing(back, altered, Some(order(1, "paid", 100))))],
        expect!["Lawful Clean"],
    );
    judge.judge_what_went_round(false);
    check(
        &mut judge,
        &[change(PAYMENTS, None, Some(payment(19, 4, 1)))],
        expect!["Unlawful Forged parent[1]"],
    );
}

#[test]
fn lines_are_only_ever_inserted() {
    let line = |amount| payment(1, 1, amount);
    check(
        &mut opened(),
        &[change(LINES, Some(line(7)), Some(line(8)))],
        expect!["Unlawful Altered[2] append_only[2]"],
    );
    check(
        &mut opened(),
        &[change(LINES, Some(line(7)), None)],
        expect!["Unlawful Deleted append_only[]"],
    );
}

#[test]
fn learning_twice_counts_once() {
    let mut judge = opened();
    judge.learn(PAYMENTS, &shop::key(7), Some(&payment(7, 2, 50)));
    judge.learn(PAYMENTS, &shop::key(7), Some(&payment(7, 2, 50)));
    judge.learn(PAYMENTS, &shop::key(7), None);
    check(
        &mut judge,
        &[update(order(2, "placed", 50), order(2, "paid", 50))],
        expect!["Unlawful Altered[1] requires[1]"],
    );
}
