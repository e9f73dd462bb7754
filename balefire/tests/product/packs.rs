//! What shops lawfully do beyond the recordings that the packs were made from, and what looks like
//! it: the first is no finding, the second is one, with its table, key and rule.

use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Program, TempFolder};

const PATIENCE: Duration = Duration::from_secs(60);

fn insert(table: &str, new: Value) -> Value {
    json!({"table": table, "op": "insert", "key": {"id": new["id"]}, "new": new})
}

/// A row with what changed of it.
fn update(table: &str, old: &Value, changes: Value) -> Value {
    let mut new = old.clone();
    for (column, value) in changes.as_object().expect("columns") {
        new[column] = value.clone();
    }
    json!({"table": table, "op": "update", "key": {"id": old["id"]}, "old": old, "new": new})
}

fn delete(table: &str, old: &Value) -> Value {
    json!({"table": table, "op": "delete", "key": {"id": old["id"]}, "old": old})
}

/// Findings on these transactions: `table id kind rule`.
fn found(pack: &str, transactions: &[Vec<Value>]) -> Vec<String> {
    let folder = TempFolder::new();
    let path = folder.path().join("trace.ndjson");
    let mut text = String::new();
    for (tx, writes) in (1..).zip(transactions) {
        for write in writes {
            let mut line = write.clone();
            line["tx"] = json!(tx);
            line["at"] = json!(format!("2026-11-23T01:{:02}:00+00:00", tx));
            text.push_str(&format!("{line}\n"));
        }
    }
    std::fs::write(&path, text).expect("written");
    let ended = Program::balefire()
        .args(["--json", "source", "replay", "--policy"])
        .args([&format!("pack:{pack}"), "--trace"])
        .args([&path])
        .run(PATIENCE);
    let report: Value =
        serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("no report: {}", ended.err));
    let findings = report["findings"].as_array().expect("findings");
    let word = |value: &Value| value.as_str().expect("a word").to_owned();
    findings
        .iter()
        .map(|f| {
            let (table, kind, rule) = (word(&f["table"]), word(&f["kind"]), word(&f["rule"]));
            format!("{table} {} {kind} {rule}", f["key"]["id"])
        })
        .collect()
}

const NOTHING: [&str; 0] = [];

mod vendure {
    use super::*;

    fn of_shop(writes: &[Vec<Value>]) -> Vec<String> {
        found("vendure", writes)
    }

    fn entry(id: u32, kind: &str) -> Value {
        json!({"id": id, "type": kind, "data": "{}", "isPublic": true, "orderId": 1,
            "administratorId": 1, "updatedAt": "10:00"})
    }

    fn order(state: &str) -> Value {
        json!({"id": 1, "state": state, "customerId": 1, "type": "Regular", "active": false,
            "currencyCode": "USD", "aggregateOrderId": null, "subTotal": 900,
            "subTotalWithTax": 999, "updatedAt": "10:00"})
    }

    fn refund(state: &str) -> Value {
        json!({"id": 1, "state": state, "total": 500, "items": 0, "paymentId": 1,
            "transactionId": null, "updatedAt": "10:00"})
    }

    #[test]
    fn a_refund_by_amount_waits_alone_and_is_settled_with_its_entry() {
        let settled = json!({"state": "Settled", "transactionId": "R1", "updatedAt": "10:05"});
        let of = |kind| entry(7, kind);
        let lawful = [
            vec![insert("refund", refund("Pending"))],
            vec![
                update("refund", &refund("Pending"), settled.clone()),
                insert("history_entry", of("ORDER_REFUND_TRANSITION")),
            ],
        ];
        assert_eq!(of_shop(&lawful), NOTHING);
        let whole = vec![
            insert("refund", refund("Settled")),
            insert("history_entry", of("ORDER_REFUND_TRANSITION")),
        ];
        assert_eq!(of_shop(&[whole]), NOTHING);
        let begun = vec![insert("refund", refund("Pending"))];
        let alone = vec![update("refund", &refund("Pending"), settled)];
        assert_eq!(of_shop(&[begun, alone]), ["refund 1 altered company"]);
        for state in ["Settled", "Failed"] {
            let forged = vec![
                insert("refund", refund(state)),
                insert("history_entry", of("ORDER_NOTE")),
            ];
            assert_eq!(of_shop(&[forged]), ["refund 1 forged company"]);
        }
    }

    #[test]
    fn only_a_payment_that_came_is_refunded() {
        let payment = |state: &str| {
            vec![
                insert(
                    "payment",
                    json!({"id": 1, "state": state, "amount": 999, "orderId": 1}),
                ),
                insert("history_entry", entry(5, "ORDER_PAYMENT_TRANSITION")),
            ]
        };
        let asked = vec![insert("refund", refund("Pending"))];
        assert_eq!(of_shop(&[payment("Settled"), asked.clone()]), NOTHING);
        let declined = of_shop(&[payment("Declined"), asked]);
        assert_eq!(declined, ["refund 1 forged parent"]);
    }

    #[test]
    fn an_order_gets_another_customer_only_as_the_history_says() {
        let (before, moved) = (order("PaymentSettled"), json!({"customerId": 2}));
        let with = |kind| {
            vec![
                update("order", &before, moved.clone()),
                insert("history_entry", entry(7, kind)),
            ]
        };
        assert_eq!(of_shop(&[with("ORDER_CUSTOMER_UPDATED")]), NOTHING);
        let noted = of_shop(&[with("ORDER_NOTE")]);
        assert_eq!(noted, ["order 1 altered frozen"]);
        let alone = vec![insert("history_entry", entry(7, "ORDER_CUSTOMER_UPDATED"))];
        assert_eq!(of_shop(&[alone]), ["history_entry 7 forged company"]);
    }

    #[test]
    fn drafts_and_carts_go_with_their_rows_and_placed_orders_stay() {
        let line = json!({"id": 3, "orderId": 1, "quantity": 2, "listPrice": 500});
        let gone = |state| {
            vec![
                delete("order", &order(state)),
                delete("order_line", &line),
                delete("history_entry", &entry(4, "ORDER_STATE_TRANSITION")),
            ]
        };
        for state in ["Draft", "AddingItems"] {
            assert_eq!(of_shop(&[gone(state)]), NOTHING, "{state}");
        }
        for state in [
            "PaymentAuthorized",
            "PaymentSettled",
            "Shipped",
            "Cancelled",
        ] {
            let all = [
                "order 1 deleted company",
                "order_line 3 deleted company",
                "history_entry 4 deleted company",
            ];
            assert_eq!(of_shop(&[gone(state)]), all, "{state}");
        }
        // A state that was tampered with makes no draft.
        let pretended = vec![update(
            "order",
            &order("Shipped"),
            json!({"state": "Draft"}),
        )];
        let after = [pretended, vec![delete("order", &order("Draft"))]];
        let both = ["order 1 altered transition", "order 1 deleted company"];
        assert_eq!(of_shop(&after), both);
    }

    #[test]
    fn notes_are_edited_and_deleted_and_what_the_shop_wrote_is_not() {
        let edited = json!({"data": "{\"note\":1}", "administratorId": 2, "updatedAt": "10:05"});
        for kind in ["ORDER_NOTE", "CUSTOMER_NOTE"] {
            let note = entry(7, kind);
            let changed = vec![update("history_entry", &note, edited.clone())];
            assert_eq!(of_shop(&[changed]), NOTHING);
            assert_eq!(of_shop(&[vec![delete("history_entry", &note)]]), NOTHING);
        }
        for kind in ["ORDER_PAYMENT_TRANSITION", "ORDER_REFUND_TRANSITION"] {
            let own = entry(7, kind);
            let changed = vec![update("history_entry", &own, edited.clone())];
            assert_eq!(of_shop(&[changed]), ["history_entry 7 altered company"]);
            let gone = of_shop(&[vec![delete("history_entry", &own)]]);
            assert_eq!(gone, ["history_entry 7 deleted company"]);
            // Called a note first, it is none.
            let called = vec![update("history_entry", &own, json!({"type": "ORDER_NOTE"}))];
            let gone = vec![delete("history_entry", &entry(7, "ORDER_NOTE"))];
            let both = [
                "history_entry 7 altered frozen",
                "history_entry 7 deleted company",
            ];
            assert_eq!(of_shop(&[called, gone]), both);
        }
    }

    #[test]
    fn stock_that_is_not_tracked_moves_without_a_level() {
        let movement = |kind: &str| {
            insert(
                "stock_movement",
                json!({"id": 8, "type": kind, "quantity": 1, "orderLineId": 3,
                    "productVariantId": 6}),
            )
        };
        let line = json!({"id": 3, "orderId": 1, "quantity": 1, "orderPlacedQuantity": 0,
            "productVariantId": 6, "updatedAt": "10:00"});
        let placed = json!({"orderPlacedQuantity": 1, "updatedAt": "10:05"});
        let settled = vec![
            update("order_line", &line, placed),
            movement("ALLOCATION"),
            update(
                "order",
                &order("ArrangingPayment"),
                json!({"state": "PaymentSettled"}),
            ),
            insert("history_entry", entry(7, "ORDER_STATE_TRANSITION")),
        ];
        assert_eq!(of_shop(&[settled]), NOTHING);
        for kind in [
            "ADJUSTMENT",
            "ALLOCATION",
            "SALE",
            "RELEASE",
            "CANCELLATION",
        ] {
            let alone = of_shop(&[vec![movement(kind)]]);
            assert_eq!(alone, ["stock_movement 8 forged company"], "{kind}");
        }
        let unknown = of_shop(&[vec![movement("GIFT")]]);
        assert_eq!(unknown, ["stock_movement 8 forged values"]);
    }

    #[test]
    fn an_order_is_split_among_sellers() {
        let mut seller = order("PaymentSettled");
        seller["id"] = json!(2);
        seller["type"] = json!("Seller");
        let forged = of_shop(&[vec![insert("order", seller.clone())]]);
        assert_eq!(forged, ["order 2 forged company"]);
        seller["aggregateOrderId"] = json!(1);
        let placed = json!({"type": "Aggregate", "state": "PaymentSettled"});
        let split = vec![
            update("order", &order("ArrangingPayment"), placed),
            insert("order", seller),
            insert("history_entry", entry(7, "ORDER_STATE_TRANSITION")),
        ];
        assert_eq!(of_shop(&[split]), NOTHING);
        let renamed = vec![update(
            "order",
            &order("Shipped"),
            json!({"type": "Aggregate"}),
        )];
        assert_eq!(of_shop(&[renamed]), ["order 1 altered frozen"]);
    }

    #[test]
    fn a_cart_may_get_another_currency() {
        let step = |state, kind| {
            vec![
                update("order", &order(state), json!({"currencyCode": "EUR"})),
                insert("history_entry", entry(7, kind)),
            ]
        };
        assert_eq!(
            of_shop(&[step("AddingItems", "ORDER_CURRENCY_UPDATED")]),
            NOTHING
        );
        for (state, kind) in [
            ("AddingItems", "ORDER_NOTE"),
            ("PaymentSettled", "ORDER_CURRENCY_UPDATED"),
        ] {
            let wrong = of_shop(&[step(state, kind)]);
            assert!(
                wrong.contains(&"order 1 altered frozen".to_owned()),
                "{wrong:?}"
            );
        }
    }

    #[test]
    fn a_line_of_a_placed_order_keeps_its_price_in_any_lawful_step() {
        let line = json!({"id": 3, "orderId": 1, "quantity": 2, "listPrice": 500,
            "updatedAt": "10:00"});
        let cheaper = json!({"listPrice": 1, "updatedAt": "10:05"});
        let step = vec![
            update(
                "order",
                &order("PaymentSettled"),
                json!({"state": "Shipped"}),
            ),
            insert("history_entry", entry(7, "ORDER_STATE_TRANSITION")),
            update("order_line", &line, cheaper.clone()),
        ];
        assert_eq!(of_shop(&[step]), ["order_line 3 altered company"]);
        let totals = json!({"subTotal": 2, "subTotalWithTax": 3});
        let cart = vec![
            update("order", &order("AddingItems"), totals),
            update("order_line", &line, cheaper),
        ];
        assert_eq!(of_shop(&[cart]), NOTHING);
    }
}
