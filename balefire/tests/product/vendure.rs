//! A real shop, Vendure on PostgreSQL: real orders through its own interfaces, and a hand in its
//! database.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "how long npm and Vendure took, and that the test did not run, is for who runs it"
)]

mod shop;

use shop::Shop;

/// The precondition of all that follows: the shop shows what stands in its tables, kept nowhere
/// else, so that what is repaired there is right for its customers.
#[test]
fn an_orders_life_and_what_a_hand_in_the_database_does_to_it() {
    let Some(mut shop) = Shop::open() else {
        return;
    };
    let mut clerk = shop.clerk();

    let wallet = shop.customer().buy("mei", &[(1, 2), (4, 3)], "wallet");
    assert_eq!(wallet["state"], "PaymentSettled", "{wallet}");
    let card = shop.customer().buy("jo", &[(2, 1)], "card");
    assert_eq!(card["state"], "PaymentAuthorized", "{card}");
    clerk.settle(&card["payments"][0]);
    clerk.modify_street(&card, "9 New Lane");
    clerk.deliver(&card);
    clerk.deliver(&wallet);
    clerk.refund(&wallet["payments"][0], 1_000);
    clerk.cancel_one(&wallet);

    let code = wallet["code"].as_str().expect("an order has a code");
    let honest = shop.order(code);
    assert_eq!(honest["state"], "Delivered", "{honest}");
    assert_eq!(honest["payments"][0]["amount"], wallet["totalWithTax"]);
    assert_eq!(honest["payments"][0]["refunds"][0]["state"], "Settled");
    let moved = shop.order(card["code"].as_str().expect("an order has a code"));
    assert_eq!(moved["shippingAddress"]["streetLine1"], "9 New Lane");
    let id = wallet["id"].as_str().expect("an order has an id");
    let stored = shop.database.rows(&format!(
        "SELECT code, \"subTotalWithTax\" + \"shippingWithTax\" FROM \"order\" WHERE id = {id}"
    ));
    assert_eq!(stored[0][0].as_deref(), Some(code));
    let total = honest["totalWithTax"].to_string();
    assert_eq!(stored[0][1].as_deref(), Some(total.as_str()));

    shop.database.run(&format!(
        "UPDATE payment SET amount = amount - 20000 WHERE \"orderId\" = {id}; \
         UPDATE \"order\" SET \"shippingAddress\" = \
         replace(\"shippingAddress\", '7 Willow Road', '1 Drop Street') WHERE id = {id}"
    ));
    let tampered = shop.order(code);
    let amount = |order: &serde_json::Value| order["payments"][0]["amount"].as_i64();
    assert_eq!(
        amount(&tampered),
        amount(&honest).map(|minor| minor - 20_000)
    );
    assert_eq!(tampered["shippingAddress"]["streetLine1"], "1 Drop Street");
    assert!(shop.is_open());
}
