//! A real shop, Vendure on PostgreSQL, under guard: real orders through its own interfaces, a hand
//! in its database, what is found, and what its customers are shown.
#![expect(
    clippy::print_stdout,
    reason = "how long npm and Vendure took, and that the test did not run, is for who runs it"
)]

mod shop;

use crate::guarded::Guarded;
use serde_json::Value;
use shop::{Session, Shop};
use std::fs;
use testkit::write_url_file;

/// The guard's own account; it has the rights that `source check` prints and no others.
const GUARD: &str = "balefire";
/// Writes repairs, and only those: the guard's own account cannot write.
const MENDER: &str = "balefire_mender";

/// Balefire over this shop, as an operator sets it up: the ready policy pack and printed rights.
fn guard(shop: &Shop) -> Guarded {
    let mut guarded = Guarded::empty();
    let url = shop.database.user(GUARD, "of the guard");
    let file = write_url_file(&guarded.data(), &url);
    fs::rename(file, guarded.path("guard.url")).expect("a file is renamed");
    let url = shop.database.user(MENDER, "of the mender");
    let file = write_url_file(&guarded.data(), &url);
    fs::rename(file, guarded.path("mender.url")).expect("a file is renamed");
    shop.database.run(&format!(
        "GRANT USAGE ON SCHEMA public TO {MENDER}; \
         GRANT SELECT, UPDATE ON \"order\", payment TO {MENDER}"
    ));
    let pack = guarded.good(&["source", "pack", "vendure"]);
    guarded.settings(&format!(
        "[[source]]\nname = \"shop\"\nkind = \"postgres\"\nurl_file = \"guard.url\"\n\
         tls = \"off\"\nrepair = {{ url_file = \"mender.url\" }}\n\n{pack}"
    ));
    let grants = guarded.json(&["source", "check", "shop"])["grants"].clone();
    for grant in grants.as_array().expect("`source check` prints rights") {
        shop.database.run(grant.as_str().expect("a statement"));
    }
    guarded.good(&["source", "attach", "shop"]);
    guarded.good(&["source", "check", "shop"]);
    guarded.good(&["source", "baseline", "shop"]);
    guarded.people();
    guarded.serve();
    guarded
}

fn text<'a>(order: &'a Value, name: &str) -> &'a str {
    order[name].as_str().expect("an order has it as text")
}

/// Table, key and columns of a finding, as one line.
fn told(finding: &Value) -> String {
    let columns = finding["columns"].as_array().into_iter().flatten();
    let columns: Vec<&str> = columns.filter_map(|c| c["name"].as_str()).collect();
    let [table, key, kind] = ["table", "key", "kind"].map(|name| text(finding, name));
    format!("{table} {key} {kind} {}", columns.join(","))
}

/// What a shop does in an afternoon, all of it lawful; gives the order that is attacked later.
fn afternoon(shop: &Shop, clerk: &mut Session, before: &Value) -> Value {
    clerk.settle(&before["payments"][0]);
    clerk.modify_street(before, "9 New Lane");
    clerk.deliver(before);
    let order = shop.customer().buy("mei", &[(1, 2), (4, 3)], "wallet");
    assert_eq!(order["state"], "PaymentSettled", "{order}");
    clerk.deliver(&order);
    clerk.refund(&order, 1_000);
    clerk.cancel_one(&order);
    order
}

#[test]
fn a_hand_in_the_database_of_a_real_shop_is_found_and_undone() {
    let Some(mut shop) = Shop::open() else {
        return;
    };
    let mut clerk = shop.clerk();
    let before = shop.customer().buy("jo", &[(2, 1)], "card");
    assert_eq!(before["state"], "PaymentAuthorized", "{before}");
    let guarded = guard(&shop);

    let order = afternoon(&shop, &mut clerk, &before);
    let code = text(&order, "code");
    let honest = shop.order(code);
    assert_eq!(honest["state"], "Delivered", "{honest}");
    assert_eq!(honest["payments"][0]["amount"], order["totalWithTax"]);
    assert_eq!(honest["payments"][0]["refunds"][0]["state"], "Settled");
    let moved = shop.order(text(&before, "code"));
    assert_eq!(moved["shippingAddress"]["streetLine1"], "9 New Lane");
    // The audit reads up to what the server has committed: nothing lawful is still on its way.
    guarded.good(&["audit", "shop"]);
    let quiet: Vec<String> = guarded.findings().iter().map(told).collect();
    assert!(quiet.is_empty(), "lawful, and found: {quiet:#?}");

    let (id, payment) = (text(&order, "id"), text(&order["payments"][0], "id"));
    shop.database.run(&format!(
        "UPDATE payment SET amount = amount - 20000 WHERE id = {payment}; \
         UPDATE \"order\" SET \"shippingAddress\" = \
         replace(\"shippingAddress\", '7 Willow Road', '1 Drop Street') WHERE id = {id}"
    ));
    let tampered = shop.order(code);
    assert_ne!(tampered["payments"][0]["amount"], order["totalWithTax"]);
    assert_eq!(tampered["shippingAddress"]["streetLine1"], "1 Drop Street");
    let found = guarded.until(Guarded::findings, |found| found.len() >= 2);
    let mut found: Vec<String> = found.iter().map(told).collect();
    found.sort();
    let expected = [
        format!("order {id} altered shippingAddress"),
        format!("payment {payment} altered amount"),
    ];
    assert_eq!(found, expected);

    // The shop goes on meanwhile, also with the order that was attacked.
    clerk.refund(&order, 500);
    let next = shop.customer().buy("kim", &[(3, 1)], "wallet");
    guarded.repair();
    guarded.good(&["audit", "shop"]);
    guarded.good(&["journal", "verify"]);
    let mut right = shop.order(code);
    let refunds = right["payments"][0]["refunds"].as_array_mut();
    assert_eq!(refunds.map(|refunds| refunds.drain(1..).count()), Some(1));
    assert_eq!(right, honest, "as it was, but for the lawful refund");
    assert_eq!(shop.order(text(&next, "code"))["state"], "PaymentSettled");
    assert_eq!(guarded.findings().len(), 2, "a repair is no finding");
    assert!(shop.is_open());
}
