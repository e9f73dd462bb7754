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

mod django_oscar {
    use super::*;

    fn of_shop(writes: &[Vec<Value>]) -> Vec<String> {
        found("django-oscar", writes)
    }

    #[test]
    fn a_customer_deletes_the_profile_and_the_orders_stay() {
        let order = json!({"id": 1, "user_id": 4, "status": "Pending", "basket_id": 2});
        let used = json!({"id": 9, "voucher_id": 1, "user_id": 4, "order_id": 1});
        let user = json!({"id": 4, "username": "lin", "date_joined": "2026"});
        let forgotten = update("order_order", &order, json!({"user_id": null}));
        let rows = vec![
            forgotten.clone(),
            delete("voucher_voucherapplication", &used),
        ];
        let mut whole = rows.clone();
        whole.push(delete("auth_user", &user));
        assert_eq!(of_shop(&[whole]), NOTHING);
        let alone = [
            "order_order 1 altered frozen",
            "voucher_voucherapplication 9 deleted company",
        ];
        assert_eq!(of_shop(&[rows]), alone);
    }

    #[test]
    fn a_product_goes_out_of_the_catalogue_and_its_sold_lines_stay() {
        let line = json!({"id": 3, "order_id": 1, "product_id": 7, "stockrecord_id": 6,
            "partner_id": 1, "quantity": 2});
        let none = json!({"product_id": null, "stockrecord_id": null});
        let forgotten = update("order_line", &line, none);
        let record = json!({"id": 6, "product_id": 7, "partner_id": 1});
        let whole = vec![forgotten.clone(), delete("partner_stockrecord", &record)];
        assert_eq!(of_shop(&[whole]), NOTHING);
        assert_eq!(of_shop(&[vec![forgotten]]), ["order_line 3 altered frozen"]);
    }

    #[test]
    fn shipped_stock_goes_down_without_a_new_date() {
        let record = json!({"id": 6, "num_in_stock": 9, "num_allocated": 2, "price": "5.00",
            "price_currency": "GBP", "date_updated": "10:00"});
        let line = json!({"id": 3, "order_id": 1, "stockrecord_id": 6, "num_allocated": 2});
        let shipped = vec![
            update("order_line", &line, json!({"num_allocated": 0})),
            update(
                "partner_stockrecord",
                &record,
                json!({"num_in_stock": 7, "num_allocated": 0}),
            ),
        ];
        assert_eq!(of_shop(&[shipped]), NOTHING);
        let held = vec![update(
            "partner_stockrecord",
            &record,
            json!({"num_allocated": 0}),
        )];
        assert_eq!(of_shop(&[held]), ["partner_stockrecord 6 altered company"]);
        for changes in [json!({"price": "0.01"}), json!({"price_currency": "JPY"})] {
            let unseen = vec![update("partner_stockrecord", &record, changes.clone())];
            assert_eq!(
                of_shop(&[unseen]),
                ["partner_stockrecord 6 altered together"]
            );
            let mut seen = changes;
            seen["date_updated"] = json!("10:05");
            let by_clerk = vec![update("partner_stockrecord", &record, seen)];
            assert_eq!(of_shop(&[by_clerk]), NOTHING);
        }
    }

    #[test]
    fn who_pays_is_written_to_where_the_order_says() {
        let address = json!({"id": 2, "line1": "1 High St", "postcode": "N1"});
        let moved = update(
            "order_billingaddress",
            &address,
            json!({"line1": "9 Thief St"}),
        );
        let alone = of_shop(&[vec![moved.clone()]]);
        assert_eq!(alone, ["order_billingaddress 2 altered company"]);
        let note = json!({"id": 5, "order_id": 1, "note_type": "System"});
        assert_eq!(
            of_shop(&[vec![moved, insert("order_ordernote", note)]]),
            NOTHING
        );
        let gone = of_shop(&[vec![delete("order_billingaddress", &address)]]);
        assert_eq!(gone, ["order_billingaddress 2 deleted no_delete"]);
    }

    #[test]
    fn an_event_of_a_whole_order_comes_with_its_transaction() {
        let event = insert(
            "order_paymentevent",
            json!({"id": 8, "order_id": 1, "amount": "9.00"}),
        );
        let source = json!({"id": 1, "order_id": 1, "amount_debited": "0.00"});
        let debited = vec![
            update("payment_source", &source, json!({"amount_debited": "9.00"})),
            insert(
                "payment_transaction",
                json!({"id": 4, "source_id": 1, "amount": "9.00"}),
            ),
            event.clone(),
        ];
        assert_eq!(of_shop(&[debited]), NOTHING);
        let alone = of_shop(&[vec![event]]);
        assert_eq!(alone, ["order_paymentevent 8 forged company"]);
    }
}

mod generic {
    use super::*;

    fn of_shop(writes: &[Vec<Value>]) -> Vec<String> {
        found("generic", writes)
    }

    fn order(status: &str) -> Value {
        json!({"id": 1, "status": status, "total": 900, "currency": "EUR", "customer_id": 1,
            "updated_at": "10:00"})
    }

    #[test]
    fn items_change_with_their_order_until_it_is_paid() {
        let item =
            json!({"id": 3, "order_id": 1, "product_id": 2, "quantity": 2, "unit_price": 450});
        let step = |status, what: Value| {
            let later = json!({"updated_at": "10:05"});
            vec![update("orders", &order(status), later), what]
        };
        let changes = [
            (insert("order_items", item.clone()), "forged"),
            (
                update("order_items", &item, json!({"unit_price": 1})),
                "altered",
            ),
            (delete("order_items", &item), "deleted"),
        ];
        for (change, kind) in changes {
            for status in ["pending", "placed"] {
                assert_eq!(of_shop(&[step(status, change.clone())]), NOTHING);
            }
            let wrong = format!("order_items 3 {kind} company");
            assert_eq!(of_shop(&[step("shipped", change)]), [wrong]);
        }
        let new = vec![
            insert("orders", order("placed")),
            insert("order_items", item),
        ];
        assert_eq!(of_shop(&[new]), NOTHING);
    }

    #[test]
    fn money_that_came_moves_its_order_on() {
        let payment = |status: &str| {
            json!({"id": 4, "order_id": 1, "status": status, "amount": 900, "currency": "EUR",
                "method": "card", "updated_at": "10:00"})
        };
        let paid = json!({"status": "paid", "updated_at": "10:05"});
        let captured = json!({"status": "captured", "updated_at": "10:05"});
        let placed = vec![insert("orders", order("placed"))];
        let begun = vec![insert("payments", payment("authorized"))];
        let step = vec![
            update("payments", &payment("authorized"), captured.clone()),
            update("orders", &order("placed"), paid.clone()),
        ];
        assert_eq!(of_shop(&[placed.clone(), begun, step]), NOTHING);
        let at_once = vec![
            insert("payments", payment("captured")),
            update("orders", &order("placed"), paid),
        ];
        assert_eq!(of_shop(&[placed.clone(), at_once]), NOTHING);
        let forged = vec![insert("payments", payment("captured"))];
        assert_eq!(of_shop(&[placed, forged]), ["payments 4 forged company"]);
        let alone = vec![update("payments", &payment("authorized"), captured)];
        assert_eq!(of_shop(&[alone]), ["payments 4 altered company"]);
        let unseen = vec![update(
            "payments",
            &payment("pending"),
            json!({"status": "failed"}),
        )];
        assert_eq!(of_shop(&[unseen]), ["payments 4 altered together"]);
    }
}
