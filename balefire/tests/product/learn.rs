//! Policies that ship, and policies that are learnt, on what two real shops wrote: nothing lawful
//! is a finding, and every write that goes round the shop is one, with its table, key and columns.

use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use testkit::{Program, TempFolder};

const PATIENCE: Duration = Duration::from_secs(60);

/// What is done to a row, straight in the database and in a transaction of its own.
enum Tamper {
    /// Table, key, column, value; and `updatedAt` is moved on as the shop would.
    Set(&'static str, Value, &'static str, Value),
    SetUnseen(&'static str, Value, &'static str, Value),
    /// A copy of this row under a new key, with one column changed.
    Forge(&'static str, Value, &'static str, Value),
    Delete(&'static str, Value),
}
use Tamper::{Delete, Forge, Set, SetUnseen};

fn vendure_tampers() -> Vec<Tamper> {
    vec![
        Set("order", json!(2), "subTotal", json!(1)),
        SetUnseen("order", json!(2), "subTotalWithTax", json!(1)),
        Set("order", json!(3), "shipping", json!(0)),
        SetUnseen("order", json!(3), "shippingWithTax", json!(0)),
        Set("order", json!(2), "state", json!("Cancelled")),
        SetUnseen("order", json!(3), "state", json!("PaymentSettled")),
        Set("order", json!(2), "code", json!("ANOTHER1")),
        Set("order", json!(2), "currencyCode", json!("JPY")),
        Set("order", json!(3), "customerId", json!(1)),
        SetUnseen("order", json!(3), "shippingAddress", json!("{}")),
        Set("order", json!(2), "active", json!(true)),
        Set(
            "order",
            json!(2),
            "orderPlacedAt",
            json!("2020-01-01T00:00:00"),
        ),
        Set("payment", json!(2), "amount", json!(1)),
        SetUnseen("payment", json!(3), "amount", json!(99_999)),
        Set("payment", json!(2), "state", json!("Cancelled")),
        SetUnseen("payment", json!(3), "state", json!("Declined")),
        Set("payment", json!(2), "orderId", json!(3)),
        Set("payment", json!(2), "method", json!("cash")),
        Set("payment", json!(3), "transactionId", json!("T-FORGED")),
        SetUnseen("refund", json!(1), "total", json!(1)),
        Set("refund", json!(1), "paymentId", json!(3)),
        Set("refund", json!(1), "state", json!("Failed")),
        Set("refund", json!(1), "transactionId", json!("RF-2")),
        Set("order_line", json!(3), "quantity", json!(9)),
        SetUnseen("order_line", json!(3), "listPrice", json!(1)),
        Set("order_line", json!(5), "initialListPrice", json!(1)),
        Set("order_line", json!(4), "orderPlacedQuantity", json!(5)),
        Set("order_line", json!(4), "orderId", json!(3)),
        Set("shipping_line", json!(2), "listPrice", json!(0)),
        Set("fulfillment", json!(2), "state", json!("Pending")),
        Set("stock_level", json!(7), "stockOnHand", json!(900)),
        SetUnseen("stock_movement", json!(11), "quantity", json!(-9)),
        SetUnseen("history_entry", json!(13), "type", json!("ORDER_NOTE")),
        SetUnseen("product_variant_price", json!(6), "price", json!(1)),
        Set(
            "product_variant_price",
            json!(6),
            "currencyCode",
            json!("JPY"),
        ),
        Forge("payment", json!(2), "amount", json!(62_777)),
        Forge("refund", json!(1), "total", json!(5_000)),
        Forge("history_entry", json!(17), "orderId", json!(3)),
        Forge("stock_movement", json!(11), "quantity", json!(-50)),
        Forge("order_line", json!(3), "quantity", json!(3)),
        Forge("order_line_reference", json!(5), "quantity", json!(7)),
        Delete("payment", json!(2)),
        Delete("refund", json!(1)),
        Delete("order", json!(2)),
        Delete("order_line", json!(3)),
        Delete("history_entry", json!(24)),
        Delete("stock_movement", json!(12)),
    ]
}

fn oscar_tampers() -> Vec<Tamper> {
    vec![
        Set("order_order", json!(2), "total_incl_tax", json!(0.01)),
        Set("order_order", json!(2), "total_excl_tax", json!(0.01)),
        Set("order_order", json!(2), "shipping_incl_tax", json!(5.0)),
        Set("order_order", json!(2), "shipping_excl_tax", json!(5.0)),
        Set("order_order", json!(2), "currency", json!("JPY")),
        Set("order_order", json!(2), "number", json!("100999")),
        Set("order_order", json!(2), "status", json!("Pending")),
        Set("order_order", json!(2), "status", json!("Cancelled")),
        Set("order_order", json!(2), "user_id", json!(1)),
        Set(
            "order_order",
            json!(2),
            "guest_email",
            json!("x@example.com"),
        ),
        Set("order_order", json!(2), "shipping_address_id", json!(1)),
        Set("order_line", json!(2), "quantity", json!(9)),
        Set("order_line", json!(2), "unit_price_incl_tax", json!(0.01)),
        Set("order_line", json!(3), "line_price_incl_tax", json!(0.01)),
        Set(
            "order_line",
            json!(3),
            "line_price_before_discounts_excl_tax",
            json!(0.01),
        ),
        Set("order_line", json!(3), "product_id", json!(1)),
        Set("order_line", json!(2), "status", json!("Complete")),
        Set("order_line", json!(3), "num_allocated", json!(0)),
        Set("order_lineprice", json!(2), "price_incl_tax", json!(0.01)),
        Set("order_orderdiscount", json!(2), "amount", json!(900.0)),
        Set("order_orderlinediscount", json!(1), "amount", json!(900.0)),
        Set("order_paymentevent", json!(1), "amount", json!(1.0)),
        Set("order_paymentevent", json!(2), "order_id", json!(1)),
        Set("order_paymenteventquantity", json!(1), "quantity", json!(1)),
        Set("order_shippingevent", json!(1), "order_id", json!(1)),
        Set(
            "order_orderstatuschange",
            json!(1),
            "new_status",
            json!("Cancelled"),
        ),
        Set("order_ordernote", json!(1), "order_id", json!(1)),
        Set(
            "order_shippingaddress",
            json!(2),
            "line1",
            json!("9 Thief St"),
        ),
        Set("payment_source", json!(1), "amount_allocated", json!(1.0)),
        Set("payment_source", json!(1), "amount_debited", json!(1.0)),
        Set("payment_source", json!(1), "amount_refunded", json!(20.0)),
        Set("payment_source", json!(1), "reference", json!("FORGED")),
        Set("payment_source", json!(1), "currency", json!("JPY")),
        Set("partner_stockrecord", json!(6), "num_allocated", json!(90)),
        Set("basket_line", json!(1), "price_incl_tax", json!(0.01)),
        Forge("order_order", json!(2), "number", json!("100777")),
        Forge("order_line", json!(2), "quantity", json!(5)),
        Forge("payment_source", json!(1), "amount_allocated", json!(5.0)),
        Forge("order_paymentevent", json!(2), "amount", json!(12.0)),
        Forge(
            "order_orderstatuschange",
            json!(1),
            "new_status",
            json!("Complete"),
        ),
        Forge("order_orderdiscount", json!(2), "amount", json!(3.0)),
        Delete("order_order", json!(2)),
        Delete("order_line", json!(2)),
        Delete("payment_source", json!(1)),
        Delete("order_paymentevent", json!(1)),
        Delete("order_orderstatuschange", json!(1)),
        Delete("order_shippingaddress", json!(2)),
    ]
}

#[test]
fn the_vendure_pack_finds_every_tamper_and_nothing_else() {
    judged_by_pack("vendure", "vendure", vendure_tampers());
}

#[test]
fn the_oscar_pack_finds_every_tamper_and_nothing_else() {
    judged_by_pack("oscar", "django-oscar", oscar_tampers());
}

fn judged_by_pack(shop: &str, pack: &str, tampers: Vec<Tamper>) {
    let Some(shop) = Shop::of(shop) else { return };
    let policy = format!("pack:{pack}");
    assert!(tampers.len() >= 30);
    for schema in [true, false] {
        let lawful = shop.replay(&shop.lines, &policy, schema);
        assert_eq!(lawful["findings"], json!([]), "lawful, schema: {schema}");
        shop.all_found(&policy, schema, &shop.lines, &tampers);
    }
}

/// On a part of the recording the shop's rules are learnt; the rest of it, with steps that the part
/// never showed, stays without a finding, and what is done to rows known by then is found.
#[test]
fn what_is_learnt_from_a_part_judges_the_rest() {
    for (name, parts, tampers) in [
        ("vendure", [30, 50, 70], vendure_tampers()),
        ("oscar", [40, 60, 80], oscar_tampers()),
    ] {
        let Some(shop) = Shop::of(name) else { return };
        for percent in parts {
            let (part, rest) = shop.split(percent);
            let policy = shop.learn(&part);
            let lawful = shop.replay(&rest, &policy, true);
            assert_eq!(
                lawful["findings"],
                json!([]),
                "{name} learnt from {percent} %"
            );
        }
        // Who is written to, and where goods go, is no money: that is left to the packs.
        let of_money = |t: &Tamper| {
            let (Set(table, ..) | SetUnseen(table, ..) | Forge(table, ..) | Delete(table, _)) = t;
            let written_to = ["shippingAddress", "guest_email"];
            !table.contains("address") && t.column().is_none_or(|c| !written_to.contains(&c))
        };
        let tampers: Vec<Tamper> = tampers.into_iter().filter(of_money).collect();
        let policy = shop.learn(&shop.lines);
        let missed = shop.missed(&policy, true, &shop.lines, &tampers);
        let most = tampers.len() / 20;
        assert!(missed.len() <= most, "{name}: not found: {missed:#?}");
    }
}

#[test]
fn a_trace_that_cannot_be_read_is_named_with_its_line() {
    let folder = TempFolder::new();
    let path = folder.path().join("trace.ndjson");
    let whole = json!({"table": "orders", "op": "insert", "new": {"id": 1}}).to_string();
    std::fs::write(&path, format!("{whole}\n{}", &whole[..20])).unwrap();
    for verb in ["learn", "replay"] {
        let mut arguments = vec!["source", verb, "--trace", path.to_str().unwrap()];
        if verb == "replay" {
            arguments.extend(["--policy", "pack:generic"]);
        }
        let ended = Program::balefire().args(arguments).run(PATIENCE);
        assert_eq!(ended.code, Some(2), "{verb}");
        assert!(ended.err.contains("line 2"), "{}", ended.err);
    }
}

#[test]
fn packs_are_listed_and_printed() {
    let list = Program::balefire().args(["source", "pack"]).run(PATIENCE);
    for name in ["vendure", "django-oscar", "generic"] {
        assert!(list.out.contains(name), "{}", list.out);
        let one = Program::balefire()
            .args(["source", "pack", name])
            .run(PATIENCE);
        assert!(one.out.contains("[[source.table]]"));
    }
    let none = Program::balefire()
        .args(["source", "pack", "magic"])
        .run(PATIENCE);
    assert_eq!(none.code, Some(2));
}

/// A recording with its schema, and a place for what is made of it.
struct Shop {
    schema: PathBuf,
    lines: Vec<Value>,
    folder: TempFolder,
}

impl Shop {
    #[expect(clippy::print_stderr, reason = "a test that did not run says so")]
    fn of(name: &str) -> Option<Self> {
        let samples = std::env::var_os("BALEFIRE_SAMPLES").map(PathBuf::from);
        let Some(sample) = samples.map(|s| s.join(name)).filter(|s| s.exists()) else {
            let missing = "BALEFIRE_SAMPLES is not set, or holds no recordings of shops";
            assert!(std::env::var_os("CI").is_none(), "{missing}");
            eprintln!("did not run: {missing}");
            return None;
        };
        let text = std::fs::read_to_string(sample.join("trace.ndjson")).expect("a trace");
        let lines = text.lines().map(|l| serde_json::from_str(l).expect("JSON"));
        Some(Self {
            schema: sample.join("schema.sql"),
            lines: lines.collect(),
            folder: TempFolder::new(),
        })
    }

    fn file(&self, name: &str, lines: &[Value]) -> PathBuf {
        let text: Vec<String> = lines.iter().map(Value::to_string).collect();
        let path = self.folder.path().join(name);
        std::fs::write(&path, text.join("\n")).expect("written");
        path
    }

    /// Transactions in the order of their ends; the first part of them, and the others.
    fn split(&self, percent: usize) -> (Vec<Value>, Vec<Value>) {
        let mut ends: HashMap<String, usize> = HashMap::new();
        for (at, line) in self.lines.iter().enumerate() {
            ends.insert(line["tx"].to_string(), at);
        }
        let mut order: Vec<usize> = ends.values().copied().collect();
        order.sort_unstable();
        let until = order[order.len() * percent / 100];
        let early = |line: &Value| ends[&line["tx"].to_string()] < until;
        self.lines.iter().cloned().partition(early)
    }

    fn learn(&self, lines: &[Value]) -> String {
        let policy = self.folder.path().join("policy.toml");
        let trace = self.file("part.ndjson", lines);
        let ended = Program::balefire()
            .args(["source", "learn", "--trace"])
            .args([&trace])
            .args(["--schema"])
            .args([&self.schema])
            .args(["--out"])
            .args([&policy])
            .run(PATIENCE);
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        policy.to_str().expect("a path").to_owned()
    }

    fn replay(&self, lines: &[Value], policy: &str, schema: bool) -> Value {
        let trace = self.file("rest.ndjson", lines);
        let mut program = Program::balefire()
            .args(["--json", "source", "replay", "--policy", policy, "--trace"])
            .args([&trace]);
        if schema {
            program = program.args(["--schema"]).args([&self.schema]);
        }
        let ended = program.run(PATIENCE);
        let report: Value =
            serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("no report: {}", ended.err));
        let found = report["findings"].as_array().map_or(0, Vec::len);
        assert_eq!(ended.code, Some(i32::from(found > 0)));
        report
    }

    /// Every tamper alone, after the end of the recording: its row, columns and time, and no other finding.
    fn all_found(&self, policy: &str, schema: bool, lines: &[Value], tampers: &[Tamper]) {
        let missed = self.missed(policy, schema, lines, tampers);
        assert!(
            missed.is_empty(),
            "schema: {schema}; not found: {missed:#?}"
        );
    }

    fn missed(
        &self,
        policy: &str,
        schema: bool,
        lines: &[Value],
        tampers: &[Tamper],
    ) -> Vec<String> {
        let rows = rows_of(lines);
        let mut all = lines.to_vec();
        let made: Vec<Value> = (0..).zip(tampers).map(|(n, t)| t.line(&rows, n)).collect();
        all.extend(made.iter().cloned());
        let report = self.replay(&all, policy, schema);
        let findings = report["findings"].as_array().cloned().unwrap_or_default();
        let mut missed = Vec::new();
        for (line, tamper) in made.iter().zip(tampers) {
            let mine: Vec<&Value> = findings.iter().filter(|f| f["tx"] == line["tx"]).collect();
            let right = mine.len() == 1
                && mine[0]["table"] == line["table"]
                && mine[0]["key"] == line["key"]
                && mine[0]["at"] == line["at"]
                && mine[0]["kind"] == tamper.kind()
                && tamper
                    .column()
                    .is_none_or(|c| mine[0]["columns"] == json!([c]));
            if !right {
                missed.push(format!("{line}: {mine:?}"));
            }
        }
        let of_tampers = |f: &&Value| made.iter().any(|line| line["tx"] == f["tx"]);
        let others: Vec<&Value> = findings.iter().filter(|f| !of_tampers(f)).collect();
        assert!(others.is_empty(), "lawful rows: {others:#?}");
        missed
    }
}

type Rows = HashMap<(String, String), Map<String, Value>>;

/// Rows as they stand at the end; of rows older than the recording, what it tells of them.
fn rows_of(lines: &[Value]) -> Rows {
    let mut rows = Rows::new();
    for line in lines {
        let table = line["table"].as_str().expect("a table").to_owned();
        let row = rows.entry((table, line["key"].to_string())).or_default();
        let new = line["new"].as_object().into_iter().flatten();
        row.extend(new.map(|(c, v)| (c.clone(), v.clone())));
    }
    rows
}

impl Tamper {
    fn kind(&self) -> &'static str {
        match self {
            Set(..) | SetUnseen(..) => "altered",
            Forge(..) => "forged",
            Delete(..) => "deleted",
        }
    }

    fn column(&self) -> Option<&'static str> {
        match self {
            Set(_, _, column, _) | SetUnseen(_, _, column, _) => Some(column),
            _ => None,
        }
    }

    fn line(&self, rows: &Rows, number: u32) -> Value {
        let (table, id) = match self {
            Set(table, id, ..) | SetUnseen(table, id, ..) | Forge(table, id, ..) => (table, id),
            Delete(table, id) => (table, id),
        };
        let key = json!({"id": id});
        let old = rows
            .get(&((*table).to_owned(), key.to_string()))
            .unwrap_or_else(|| panic!("no row {table} {id}"));
        let mut new = old.clone();
        let at = format!("2026-11-22T21:00:{:02}.{number:06}+00:00", number % 60);
        let mut line = json!({"at": at, "tx": 9_000_000 + number, "table": table, "key": key});
        match self {
            Set(_, _, column, value) | SetUnseen(_, _, column, value) => {
                assert_ne!(old[*column], *value, "{table}.{column}");
                new.insert((*column).to_owned(), value.clone());
                let unseen = matches!(self, SetUnseen(..));
                if let Some(time) = new.get_mut("updatedAt").filter(|_| !unseen) {
                    *time = json!("2026-11-22T21:00:00.1");
                }
                line["op"] = json!("update");
                line["old"] = json!(old);
                line["new"] = json!(new);
                line["partial"] = json!(true);
            }
            Forge(_, _, column, value) => {
                new.insert((*column).to_owned(), value.clone());
                new.insert("id".to_owned(), json!(7_000 + number));
                line["op"] = json!("insert");
                line["key"] = json!({"id": 7_000 + number});
                line["new"] = json!(new);
            }
            Delete(..) => {
                line["op"] = json!("delete");
                line["old"] = json!(old);
            }
        }
        line
    }
}

#[test]
fn a_policy_that_does_not_fit_is_refused() {
    let folder = TempFolder::new();
    let write = |name: &str, text: &str| -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let trace = write(
        "t.ndjson",
        &json!({"table": "orders", "op": "insert", "new": {"id": 1}}).to_string(),
    );
    for (text, what) in [
        (
            "[[source.table]]\nname = \"orders\"\nkey = [\"id\"]\nfrozn = 1\n",
            "frozn",
        ),
        ("x = 1\n", "source"),
        ("[[source]]\nname = \"a\"\n", "source.table"),
    ] {
        let policy = write("p.toml", text);
        let ended = replay_of(&trace, &policy);
        assert_eq!(ended.0, Some(2), "{text}");
        assert!(ended.1.contains(what), "{}", ended.1);
    }
    let missing = replay_of(&trace, Path::new("/nowhere/policy.toml"));
    assert_eq!(missing.0, Some(2));
    assert!(missing.1.contains("/nowhere/policy.toml"));
}

fn replay_of(trace: &Path, policy: &Path) -> (Option<i32>, String) {
    let ended = Program::balefire()
        .args(["source", "replay", "--trace"])
        .args([trace])
        .args(["--policy"])
        .args([policy])
        .run(PATIENCE);
    (ended.code, ended.err)
}
