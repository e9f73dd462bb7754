//! Vendure as a process of its own on a throwaway PostgreSQL, and what is asked of it: installed
//! from the npm registry, opened, shopped in, tended.
//!
//! Vendure is GPL-3 and stays outside: npm brings it into the target folder, and we speak to it
//! over HTTP and SQL only.

use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};
use testkit::postgres::{Database, Server};
use testkit::{Program, Running, npm};
use ureq::Agent;

/// For Vendure to make its tables and open (10 s on two busy cores).
const OPEN: Duration = Duration::from_secs(120);
/// For one answer.
const ANSWER: Duration = Duration::from_secs(30);
/// Vendure needs some 200 MiB; without a bound, node takes what the machine has.
const HEAP_MIB: u32 = 512;
const ADMIN_PASSWORD: &str = "keeper-of-the-shop";
/// What the shop itself logs in as.
const DATABASE_USER: &str = "vendure";
const DATABASE_PASSWORD: &str = "of-the-shop-itself";
const FILES: &[(&str, &str)] = &[
    ("package.json", include_str!("package.json")),
    ("package-lock.json", include_str!("package-lock.json")),
    ("shop.js", include_str!("shop.js")),
    ("goods.csv", include_str!("goods.csv")),
];

/// What we want to know of an order.
const ORDER: &str = "id code state totalWithTax shippingAddress { fullName streetLine1 } \
                     lines { id quantity unitPriceWithTax } \
                     payments { id state amount refunds { id state total } }";

/// An open shop with goods; closed, and its database gone, when dropped.
pub struct Shop {
    /// Before `server`: the shop closes before its database goes.
    process: Running,
    pub database: Database,
    #[expect(dead_code, reason = "lives as long as the shop")]
    pub server: Server,
    base: String,
}

impl Shop {
    /// `None`: npm's registry is out of reach and this is not CI, where that is a failure.
    pub fn open() -> Option<Self> {
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let folder = npm::install(cache, "vendure", FILES)?;
        let server = Server::start();
        let database = server.database();
        database.user(DATABASE_USER, DATABASE_PASSWORD);
        let name = database.name();
        database.run(&format!("ALTER DATABASE {name} OWNER TO {DATABASE_USER}"));
        let began = Instant::now();
        let process = Program::at(Path::new("node"))
            .args([format!("--max-old-space-size={HEAP_MIB}")])
            .args([folder.join("shop.js")])
            .folder(&folder)
            .env("SHOP_FIRST", "1")
            .env("SHOP_ADMIN_PASSWORD", ADMIN_PASSWORD)
            .env("SHOP_DATABASE", name)
            .env("SHOP_DATABASE_PORT", server.port().to_string())
            .env("SHOP_DATABASE_USER", DATABASE_USER)
            .env("SHOP_DATABASE_PASSWORD", DATABASE_PASSWORD)
            .start();
        let line = process.wait_for_line(|line| line.starts_with("shop is open at "), OPEN);
        println!("Vendure opened in {:.1?}", began.elapsed());
        Some(Self {
            process,
            database,
            server,
            base: line["shop is open at ".len()..].to_owned(),
        })
    }

    pub fn customer(&self) -> Session {
        Session::new(format!("{}/shop-api", self.base))
    }

    /// The administrator, logged in.
    pub fn clerk(&self) -> Session {
        let mut clerk = Session::new(format!("{}/admin-api", self.base));
        clerk.ask(
            "mutation ($password: String!) { login(username: \"keeper\", password: $password) \
             { __typename ... on ErrorResult { message } } }",
            &json!({ "password": ADMIN_PASSWORD }),
        );
        clerk
    }

    /// What anybody with the order's code is shown for some time after a purchase.
    pub fn order(&self, code: &str) -> Value {
        self.customer().ask(
            &format!("query ($code: String!) {{ orderByCode(code: $code) {{ {ORDER} }} }}"),
            &json!({ "code": code }),
        )
    }

    /// Still open, after all that was done.
    pub fn is_open(&mut self) -> bool {
        !self.process.has_ended()
    }
}

/// Somebody who speaks to one of the shop's interfaces.
pub struct Session {
    agent: Agent,
    url: String,
    token: Option<String>,
}

impl Session {
    fn new(url: String) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(ANSWER))
            .build();
        Self {
            agent: config.into(),
            url,
            token: None,
        }
    }

    /// The only field of the answer. Panics when the shop refuses.
    pub fn ask(&mut self, query: &str, variables: &Value) -> Value {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let mut request = self.agent.post(&self.url);
        request = request.header("content-type", "application/json");
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let mut answer = request.send(body).expect("the shop answers");
        if let Some(token) = answer.headers().get("vendure-auth-token") {
            self.token = Some(token.to_str().expect("a token of letters").to_owned());
        }
        let text = answer.body_mut().read_to_string().expect("it answers");
        let answer: Value = serde_json::from_str(&text).expect("it answers in JSON");
        assert!(answer["errors"].is_null(), "{query}\n{text}");
        let data = answer["data"].as_object().expect("an answer has data");
        let only = data.values().next().expect("one field was asked for");
        assert!(only["message"].is_null(), "{query}\n{text}");
        only.clone()
    }

    /// As [`Session::ask`], for mutations that give an order (or a refusal).
    pub fn change(&mut self, arguments: &str, call: &str, variables: &Value) -> Value {
        let query = format!(
            "mutation {arguments} {{ {call} {{ __typename ... on Order {{ {ORDER} }} \
             ... on ErrorResult {{ message }} }} }}"
        );
        self.ask(&query, variables)
    }

    /// A guest buys so many of each of the goods (product variants' ids) and pays by `Card`, which
    /// authorises only, or `Wallet`, which settles at once.
    pub fn buy(&mut self, guest: &str, goods: &[(u32, u32)], method: &str) -> Value {
        for (variant, quantity) in goods {
            self.change(
                "($v: ID!, $q: Int!)",
                "addItemToOrder(productVariantId: $v, quantity: $q)",
                &json!({ "v": variant.to_string(), "q": quantity }),
            );
        }
        self.change(
            "($i: CreateCustomerInput!)",
            "setCustomerForOrder(input: $i)",
            &json!({ "i": {
                "emailAddress": format!("{guest}@shop.test"),
                "firstName": guest, "lastName": "Guest",
            } }),
        );
        self.change(
            "($i: CreateAddressInput!)",
            "setOrderShippingAddress(input: $i)",
            &json!({ "i": {
                "fullName": format!("{guest} Guest"), "streetLine1": "7 Willow Road",
                "city": "Hangzhou", "postalCode": "310000", "countryCode": "CN",
            } }),
        );
        let methods = self.ask("{ eligibleShippingMethods { id } }", &json!({}));
        self.change(
            "($m: [ID!]!)",
            "setOrderShippingMethod(shippingMethodId: $m)",
            &json!({ "m": [methods[0]["id"]] }),
        );
        self.change(
            "",
            "transitionOrderToState(state: \"ArrangingPayment\")",
            &json!({}),
        );
        self.change(
            "($m: String!)",
            "addPaymentToOrder(input: { method: $m, metadata: {} })",
            &json!({ "m": method }),
        )
    }

    pub fn settle(&mut self, payment: &Value) {
        self.ask(
            "mutation ($id: ID!) { settlePayment(id: $id) \
             { __typename ... on Payment { state } ... on ErrorResult { message } } }",
            &json!({ "id": payment["id"] }),
        );
    }

    /// Sends everything and says that it arrived.
    pub fn deliver(&mut self, order: &Value) {
        let parcel = self.ask(
            "mutation ($l: [OrderLineInput!]!) { addFulfillmentToOrder(input: { lines: $l, \
             handler: { code: \"manual-fulfillment\", arguments: [ \
             { name: \"method\", value: \"Post\" }, { name: \"trackingCode\", value: \"P1\" }] } \
             }) { __typename ... on Fulfillment { id } ... on ErrorResult { message } } }",
            &json!({ "l": lines(order) }),
        );
        for state in ["Shipped", "Delivered"] {
            self.ask(
                "mutation ($id: ID!, $s: String!) { transitionFulfillmentToState(id: $id, \
                 state: $s) { __typename ... on ErrorResult { message } } }",
                &json!({ "id": parcel["id"], "s": state }),
            );
        }
    }

    /// Gives money back for one piece of the order's first line, from its first payment: the
    /// refund as Vendure's own dashboard asks for it, then its settlement.
    pub fn refund(&mut self, order: &Value, amount_minor: i64) {
        let refund = self.ask(
            "mutation ($i: RefundOrderInput!) { refundOrder(input: $i) \
             { __typename ... on Refund { id } ... on ErrorResult { message } } }",
            &json!({ "i": {
                "paymentId": order["payments"][0]["id"], "amount": amount_minor,
                "lines": [{ "orderLineId": order["lines"][0]["id"], "quantity": 1 }],
                "shipping": 0, "adjustment": 0, "reason": "damaged",
            } }),
        );
        self.ask(
            "mutation ($id: ID!) { settleRefund(input: { id: $id, transactionId: \"R1\" }) \
             { __typename ... on ErrorResult { message } } }",
            &json!({ "id": refund["id"] }),
        );
    }

    /// Takes back one piece of the first line.
    pub fn cancel_one(&mut self, order: &Value) -> Value {
        self.change(
            "($i: CancelOrderInput!)",
            "cancelOrder(input: $i)",
            &json!({ "i": {
                "orderId": order["id"], "reason": "returned",
                "lines": [{ "orderLineId": order["lines"][0]["id"], "quantity": 1 }],
            } }),
        )
    }

    /// Another street, on the customer's word, after payment.
    pub fn modify_street(&mut self, order: &Value, street: &str) {
        let id = &order["id"];
        let to = |state: &str| json!({ "id": id, "s": state });
        let transition = "transitionOrderToState(id: $id, state: $s)";
        self.change("($id: ID!, $s: String!)", transition, &to("Modifying"));
        self.change(
            "($i: ModifyOrderInput!)",
            "modifyOrder(input: $i)",
            &json!({ "i": {
                "dryRun": false, "orderId": id,
                "updateShippingAddress": { "streetLine1": street },
            } }),
        );
        self.change("($id: ID!, $s: String!)", transition, &to("PaymentSettled"));
    }
}

fn lines(order: &Value) -> Vec<Value> {
    let lines = order["lines"].as_array().expect("an order has lines");
    lines
        .iter()
        .map(|line| json!({ "orderLineId": line["id"], "quantity": line["quantity"] }))
        .collect()
}
