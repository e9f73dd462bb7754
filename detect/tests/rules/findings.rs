//! What a verdict says in words, and the money at risk by it.

use crate::shop::{self, ORDERS, PAYMENTS, change, order, order_to, payment};
use detect::{CompiledPolicy, FindingAt, Judge, compile, finding};
use expect_test::{Expect, expect};
use model::{Change, Finding, Instant};
use std::sync::Arc;

fn policy() -> Arc<CompiledPolicy> {
    compile(&shop::policy(), &shop::schemas()).unwrap()
}

const AT: FindingAt<'static> = FindingAt {
    log: "ledger/0",
    position: 7,
    stored_at: Instant(1_000_000),
};

fn findings(changes: &[Change]) -> Vec<Finding> {
    let policy = policy();
    let mut judge = Judge::new(Arc::clone(&policy));
    judge.learn(ORDERS, &shop::key(1), Some(&order(1, "paid", 100)));
    let mut out = Vec::new();
    judge.judge(changes, &mut out);
    changes
        .iter()
        .zip(&out)
        .flat_map(|(c, j)| finding(&policy, c, j, AT))
        .collect()
}

fn check(change: Change, expected: Expect) {
    let mut text = String::new();
    for f in findings(&[change]) {
        let money = f.at_risk.map_or_else(|| "-".into(), |m| m.to_string());
        text += &format!(
            "{:?} {} {}/{} at risk {money}",
            f.kind, f.rule, f.table, f.key
        );
        if !f.detail.is_empty() {
            text += &format!(" also {}", f.detail);
        }
        for c in f.columns {
            let show = |v: Option<String>| v.unwrap_or_else(|| "(none)".into());
            let mark = if c.personal { " personal" } else { "" };
            text += &format!(
                "\n  {}: {} -> {}{mark}",
                c.name,
                show(c.lawful),
                show(c.live)
            );
        }
        text.push('\n');
    }
    expected.assert_eq(&text);
}

#[test]
fn each_kind_in_words() {
    let paid = || Some(order(1, "paid", 100));
    check(
        change(ORDERS, paid(), Some(order(1, "shipped", 100))),
        expect![""],
    );
    check(
        change(ORDERS, paid(), Some(order_to(1, "paid", 99_900, "ACCT-9"))),
        expect![[r#"
            Altered frozen orders/1 at risk CNY 999.00
              total_minor: 100 -> 99900
              payee: ACCT-1 -> ACCT-9 personal
        "#]],
    );
    check(
        change(ORDERS, paid(), Some(order_to(1, "paid", 100, "ACCT-9"))),
        expect![[r#"
            Altered frozen orders/1 at risk CNY 1.00
              payee: ACCT-1 -> ACCT-9 personal
        "#]],
    );
    check(
        change(ORDERS, paid(), Some(order(1, "placed", 7))),
        expect![[r#"
            Altered transition orders/1 at risk CNY 1.00 also frozen
              status: paid -> placed
              total_minor: 100 -> 7
        "#]],
    );
    check(
        change(ORDERS, paid(), None),
        expect![[r#"
        Deleted no_delete orders/1 at risk CNY 1.00
          id: 1 -> (none)
          status: paid -> (none)
          total_minor: 100 -> (none)
          currency: CNY -> (none)
          note:  -> (none)
    "#]],
    );
    check(
        change(ORDERS, None, Some(order(9, "paid", 12_345))),
        expect![[r#"
            Forged initial orders/9 at risk CNY 123.45 also requires
              id: (none) -> 9
              status: (none) -> paid
              total_minor: (none) -> 12345
              currency: (none) -> CNY
              note: (none) -> 
        "#]],
    );
    check(
        change(PAYMENTS, None, Some(payment(9, 77, 5))),
        expect![[r#"
        Forged parent payments/9 at risk CNY 0.05
          id: (none) -> 9
          order_id: (none) -> 77
          amount_minor: (none) -> 5
    "#]],
    );
    let mut unseen = change(ORDERS, paid(), Some(order(1, "shipped", 100)));
    unseen.witnessed = false;
    check(
        unseen,
        expect![[r#"
        Unwitnessed unwitnessed orders/1 at risk -
          status: paid -> shipped
    "#]],
    );
}

#[test]
fn money_at_risk_never_overflows() {
    let paid = |amount| Some(order(1, "paid", amount));
    for (lawful, live) in [(i64::MIN, 0), (0, i64::MIN), (i64::MAX, i64::MIN)] {
        let found = findings(&[change(ORDERS, paid(lawful), paid(live))]);
        assert_eq!(found[0].at_risk.as_ref().unwrap().amount_minor, i64::MAX);
    }
    // An amount beyond 64 bits arrives as a real: the lawful one is all that is known.
    let beyond = order(1, "paid", 1).with(&[(2, model::Value::Real(1e300))]);
    let found = findings(&[change(ORDERS, paid(100), Some(beyond))]);
    assert_eq!(found[0].at_risk.as_ref().unwrap().amount_minor, 100);
}

#[test]
fn a_replay_makes_the_same_ids_and_another_position_others() {
    let tampered = || {
        change(
            ORDERS,
            Some(order(1, "paid", 100)),
            Some(order(1, "paid", 9)),
        )
    };
    let (first, again) = (findings(&[tampered()]), findings(&[tampered()]));
    assert_eq!(first, again);
    let mut out = Vec::new();
    Judge::new(policy()).judge(&[tampered()], &mut out);
    let later = finding(
        &policy(),
        &tampered(),
        &out[0],
        FindingAt { position: 8, ..AT },
    );
    assert_ne!(first[0].id, later[0].id);
}

#[test]
fn money_in_decimals_is_money_too() {
    let check = |amount: &str, currency: &str, expected: Expect| {
        let rules = format!(
            "[[tables]]\nname = \"orders\"\nno_delete = true\nmoney = {{ amount = \"total\", fixed = \"{currency}\" }}"
        );
        let tables = "orders id total";
        let policy = crate::world::policy(tables, &rules);
        let compiled = compile(&policy, &crate::world::schemas(tables)).unwrap();
        let world = crate::world::World::new(tables, &rules).learn(&format!("orders 1 {amount}"));
        let gone = world.changes("- orders 1").remove(0);
        let mut out = Vec::new();
        Judge::new(Arc::clone(&compiled)).judge(std::slice::from_ref(&gone), &mut out);
        let found = finding(&compiled, &gone, &out[0], AT).remove(0).at_risk;
        assert_eq!(
            compiled.money(0, gone.old.as_ref().unwrap()).is_some(),
            found.is_some()
        );
        expected.assert_eq(&found.map_or_else(|| "-".to_owned(), |m| m.to_string()));
    };
    check("1250", "CNY", expect!["CNY 12.50"]);
    check("#12.50", "CNY", expect!["CNY 12.50"]);
    check("#12.5", "CNY", expect!["CNY 12.50"]);
    check("#1250", "CNY", expect!["CNY 1,250.00"]);
    check("#-12.50", "CNY", expect!["CNY 12.50"]);
    check("12.5r", "CNY", expect!["CNY 12.50"]);
    check("#1250", "JPY", expect!["JPY 1,250"]);
    check("#1250.00", "KRW", expect!["KRW 1,250"]);
    check("#1.234", "KWD", expect!["KWD 1.234"]);
    // No float is in the way: this one has no exact `f64`.
    check(
        "#90071992547409.93",
        "CNY",
        expect!["CNY 90,071,992,547,409.93"],
    );
    check("#12.501", "CNY", expect!["CNY 12.51"]);
    check(
        "#99999999999999999999999999",
        "CNY",
        expect!["CNY 92,233,720,368,547,758.07"],
    );
    check("abc", "CNY", expect!["-"]);
    check("NaNr", "CNY", expect!["-"]);
    check("NULL", "CNY", expect!["-"]);
}
