//! What the names of tables and columns say about their meaning. Evidence, not proof: data decides
//! where there is any.

use model::TableSchema;
use model::policy::ColumnSchema;

/// What a table is for, as its name tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Sort {
    /// Money that moved: payments, refunds, transactions, payouts.
    Ledger,
    /// What was ordered, and for how much.
    Order,
    /// What happened, written down: history, movements, audit.
    History,
    /// Has money or a state, and is none of the above: prices, stock, offers.
    Valued,
    /// Neither money nor state, and nobody's companion worth naming.
    Plain,
    /// Sessions, jobs, caches: written by everything, says nothing.
    Noise,
}

/// What a column holds, as its name and type tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Role {
    Money,
    /// Money that grows with other rows: captured, refunded, balance.
    Running,
    Quantity,
    Currency,
    Payee,
    State,
    /// When a step was taken, or whether it was.
    Flag,
    /// Moves on with every update.
    Touched,
    /// Number or code by which people know the row.
    Code,
    /// What sort of row it is.
    Discriminator,
    Other,
}

/// `subTotalWithTax`, `total_incl_tax`, `ORDERLINE` -> lower-case words.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut before = ' ';
    for c in name.chars() {
        if !c.is_alphanumeric() {
            out.push(String::new());
        } else {
            if c.is_uppercase() && before.is_lowercase() || out.is_empty() {
                out.push(String::new());
            }
            if let Some(word) = out.last_mut() {
                word.extend(c.to_lowercase());
            }
        }
        before = c;
    }
    out.retain(|word| !word.is_empty());
    out
}

fn any(words: &[String], of: &[&str]) -> bool {
    words.iter().any(|w| of.contains(&w.as_str()))
}

/// Words that are run together: `orderpayment`, `paymenteventtype`.
fn contains(words: &[String], of: &[&str]) -> bool {
    words.iter().any(|w| of.iter().any(|o| w.contains(o)))
}

pub(super) fn sort_of(table: &TableSchema, roles: &[Role]) -> Sort {
    let words = words(&table.name);
    const NOISE: [&str; 26] = [
        "session",
        "job",
        "cache",
        "token",
        "search",
        "thumbnail",
        "migration",
        "analytics",
        "queue",
        "lock",
        "notification",
        "webhook",
        "index",
        "outbox",
        "email",
        "mail",
        "scheduled",
        "cached",
        "kvstore",
        "heartbeat",
        "worker",
        "oauth",
        "translation",
        "workflow",
        "sequence",
        "counter",
    ];
    const SETTINGS: [&str; 15] = [
        "type",
        "method",
        "provider",
        "setting",
        "config",
        "template",
        "gateway",
        "option",
        "category",
        "group",
        "region",
        "zone",
        "rule",
        "profile",
        "permission",
    ];
    let valued = roles
        .iter()
        .any(|r| matches!(r, Role::Money | Role::Running | Role::Payee));
    let ends_as_setting = words.last().is_some_and(|w| {
        SETTINGS
            .iter()
            .any(|s| w.ends_with(s) || w.strip_suffix('s').is_some_and(|w| w.ends_with(s)))
    });
    if words
        .iter()
        .any(|w| NOISE.contains(&w.as_str()) || NOISE.contains(&w.trim_end_matches('s')))
        && !payment_session(&words)
    {
        return Sort::Noise;
    }
    if ends_as_setting {
        return if valued { Sort::Valued } else { Sort::Plain };
    }
    const LEDGER: [&str; 21] = [
        "payment",
        "refund",
        "transaction",
        "ledger",
        "journal",
        "payout",
        "settlement",
        "capture",
        "chargeback",
        "invoice",
        "withdrawal",
        "transfer",
        "creditline",
        "credit",
        "giftcard",
        "wallet",
        "deposit",
        "dispute",
        "remittance",
        "disbursement",
        "commission",
    ];
    const HISTORY: [&str; 11] = [
        "history",
        "audit",
        "movement",
        "log",
        "logentry",
        "statuschange",
        "event",
        "entry",
        "note",
        "activity",
        "timeline",
    ];
    const ORDER: [&str; 13] = [
        "order",
        "line",
        "item",
        "sale",
        "purchase",
        "booking",
        "subscription",
        "checkout",
        "fulfillment",
        "fulfilment",
        "shipment",
        "return",
        "surcharge",
    ];
    let is = |of: &[&str]| {
        words.iter().any(|w| {
            let one = w.strip_suffix('s').unwrap_or(w);
            of.contains(&w.as_str()) || of.contains(&one)
        })
    };
    let history =
        is(&HISTORY) || contains(&words, &["statuschange", "logentry", "history", "event"]);
    // What is not ordered yet changes freely.
    if contains(&words, &["cart", "basket", "wishlist", "quote", "draft"]) {
        return if valued { Sort::Valued } else { Sort::Plain };
    }
    if is(&LEDGER)
        || contains(
            &words,
            &[
                "payment",
                "refund",
                "transaction",
                "invoice",
                "payout",
                "giftcard",
                "chargeback",
            ],
        )
    {
        return Sort::Ledger;
    }
    if history && !valued {
        return Sort::History;
    }
    if is(&ORDER) || contains(&words, &["order", "lineitem"]) {
        return if valued || roles.contains(&Role::State) || roles.contains(&Role::Quantity) {
            Sort::Order
        } else if history {
            Sort::History
        } else {
            Sort::Plain
        };
    }
    if valued {
        return Sort::Valued;
    }
    Sort::Plain
}

/// A try to pay, and not a visitor's session.
fn payment_session(words: &[String]) -> bool {
    any(words, &["payment"]) && any(words, &["session"])
}

pub(super) fn roles_of(table: &TableSchema, numeric: impl Fn(u16) -> bool) -> Vec<Role> {
    let is_address = words(&table.name).iter().any(|w| w.contains("address"))
        || table.columns.iter().any(|c| {
            any(
                &words(&c.name),
                &["postcode", "zip", "zipcode", "postal", "city"],
            )
        });
    (0..table.columns.len() as u16)
        .map(|c| {
            let column = &table.columns[usize::from(c)];
            let points = table.primary_key.contains(&c)
                || table
                    .foreign_keys
                    .iter()
                    .any(|f| f.columns.contains(&column.name));
            if points {
                return Role::Other;
            }
            match role_of(column, numeric(c)) {
                Role::State if is_address => Role::Other,
                role => role,
            }
        })
        .collect()
}

fn role_of(column: &ColumnSchema, numeric: bool) -> Role {
    let name = words(&column.name);
    let declared = column.declared.to_ascii_lowercase();
    let text = declared.is_empty() && !numeric
        || ["char", "text", "enum", "string", "user-defined"]
            .iter()
            .any(|t| declared.contains(t));
    let moment = declared.contains("timestamp")
        || declared.starts_with("date")
        || declared.starts_with("time");
    let last = name.last().map_or("", String::as_str);
    if any(&name, &["updated", "modified", "changed"])
        && (matches!(
            last,
            "at" | "on" | "date" | "updated" | "modified" | "time" | "changed"
        ) || moment)
        || name.join("") == "lastmodified"
        || (numeric && any(&name, &["version", "etag", "revision"]))
        || declared == "rowversion"
    {
        return Role::Touched;
    }
    if any(&name, &["currency"]) || column.name.eq_ignore_ascii_case("ccy") {
        return if last == "rate" {
            Role::Money
        } else {
            Role::Currency
        };
    }
    if last == "id" || last == "ids" || last == "uuid" {
        // A provider's name for the row; pointers into the shop are told apart by their tables.
        return if text { Role::Code } else { Role::Other };
    }
    const PAYEE: [&str; 17] = [
        "iban",
        "bic",
        "swift",
        "bank",
        "payee",
        "recipient",
        "wallet",
        "beneficiary",
        "routing",
        "sortcode",
        "payout",
        "bankaccount",
        "cardnumber",
        "accountnumber",
        "payer",
        "card",
        "pan",
    ];
    if text
        && (any(&name, &PAYEE)
            || any(&name, &["account"]) && any(&name, &["number", "no", "holder", "name"]))
    {
        return Role::Payee;
    }
    if moment || matches!(last, "at" | "on" | "date" | "time") {
        let step = [
            "created", "expires", "expiry", "start", "starts", "end", "ends", "valid", "last",
            "birth", "updated", "joined",
        ];
        return if any(&name, &step) {
            Role::Other
        } else {
            Role::Flag
        };
    }
    if text && matches!(last, "state" | "status" | "phase" | "stage")
        || column.name.eq_ignore_ascii_case("status")
        || column.name.eq_ignore_ascii_case("state")
    {
        return Role::State;
    }
    if declared.starts_with("bool") || declared == "tinyint(1)" {
        let step = [
            "active",
            "paid",
            "captured",
            "settled",
            "refunded",
            "cancelled",
            "canceled",
            "void",
            "voided",
            "approved",
            "confirmed",
            "completed",
            "closed",
            "locked",
        ];
        return if any(&name, &step) {
            Role::Flag
        } else {
            Role::Other
        };
    }
    if numeric {
        return number_role(&name, last);
    }
    if text
        && (matches!(last, "type" | "kind" | "discriminator" | "event" | "action")
            || any(&name, &["txn"]) && last == "type")
    {
        return Role::Discriminator;
    }
    const NAMED: &str = " code number reference ref method provider processor handler gateway label direction identifier ";
    if text && NAMED.contains(&format!(" {last} ")) {
        return Role::Code;
    }
    // A decimal kept twice: `raw_amount` beside `amount`.
    if declared.contains("json") && name.first().is_some_and(|w| w == "raw") {
        return number_role(&name, last);
    }
    Role::Other
}

fn number_role(name: &[String], last: &str) -> Role {
    const RUNNING: [&str; 15] = [
        "captured",
        "authorized",
        "authorised",
        "refunded",
        "allocated",
        "debited",
        "paid",
        "balance",
        "used",
        "remaining",
        "settled",
        "spent",
        "redeemed",
        "outstanding",
        "pending",
    ];
    const MONEY: [&str; 32] = [
        "amount",
        "total",
        "price",
        "subtotal",
        "tax",
        "fee",
        "fees",
        "cost",
        "discount",
        "charge",
        "credit",
        "debit",
        "payable",
        "due",
        "net",
        "gross",
        "commission",
        "tip",
        "deposit",
        "payout",
        "shipping",
        "surcharge",
        "value",
        "sum",
        "vat",
        "money",
        "revenue",
        "cents",
        "minor",
        "adjustment",
        "rate",
        "totals",
    ];
    const QUANTITY: [&str; 8] = [
        "quantity",
        "qty",
        "units",
        "stock",
        "allocated",
        "reserved",
        "fulfilled",
        "shipped",
    ];
    if any(
        name,
        &[
            "count",
            "num",
            "position",
            "index",
            "priority",
            "percent",
            "percentage",
            "attempts",
            "days",
            "orders",
        ],
    ) {
        return if any(name, &["amount", "total"]) && !any(name, &["count", "num"]) {
            Role::Money
        } else {
            Role::Other
        };
    }
    if any(name, &QUANTITY[..4])
        || name
            .iter()
            .any(|w| w.starts_with("stock") || w.starts_with("quantity"))
    {
        return Role::Quantity;
    }
    if any(name, &RUNNING) {
        return Role::Running;
    }
    if any(name, &MONEY) || contains(name, &["amount", "price", "total"]) {
        return Role::Money;
    }
    let _ = last;
    Role::Other
}

/// Whether two columns are one thing told twice: `subTotal` and `subTotalWithTax`, `amount` and `raw_amount`.
pub(super) fn same_stem(a: &str, b: &str) -> bool {
    let strip = |name: &str| {
        let mut words = words(name);
        words.retain(|w| {
            !matches!(
                w.as_str(),
                "with"
                    | "tax"
                    | "incl"
                    | "excl"
                    | "raw"
                    | "net"
                    | "gross"
                    | "including"
                    | "excluding"
                    | "base"
            )
        });
        words
    };
    let (a, b) = (strip(a), strip(b));
    !a.is_empty() && a == b
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, columns: &[(&str, &str)]) -> TableSchema {
        TableSchema {
            name: name.to_owned(),
            columns: columns
                .iter()
                .map(|(name, declared)| ColumnSchema {
                    name: (*name).to_owned(),
                    declared: (*declared).to_owned(),
                    not_null: false,
                })
                .collect(),
            primary_key: vec![0],
            foreign_keys: Vec::new(),
        }
    }

    #[test]
    fn names_tell_what_columns_hold() {
        let columns = [
            ("id", "integer", Role::Other),
            ("subTotalWithTax", "integer", Role::Money),
            ("captured_amount", "numeric", Role::Running),
            ("currencyCode", "character varying", Role::Currency),
            ("iban", "text", Role::Payee),
            ("payment_status", "text", Role::State),
            ("captured_at", "timestamp with time zone", Role::Flag),
            ("updatedAt", "timestamp", Role::Touched),
            ("created_at", "timestamp", Role::Other),
            ("quantity", "integer", Role::Quantity),
            ("num_orders", "integer", Role::Other),
            ("raw_amount", "jsonb", Role::Money),
            ("code", "text", Role::Code),
            ("type", "text", Role::Discriminator),
        ];
        let pairs: Vec<(&str, &str)> = columns.iter().map(|(n, d, _)| (*n, *d)).collect();
        let table = table("t", &pairs);
        let numeric = |c: u16| ["integer", "numeric"].contains(&columns[usize::from(c)].1);
        let found = roles_of(&table, numeric);
        for ((name, _, role), found) in columns.iter().zip(found) {
            assert_eq!(found, *role, "{name}");
        }
    }

    #[test]
    fn names_tell_what_tables_are_for() {
        for (name, sort) in [
            ("payment", Sort::Ledger),
            ("pretixbase_orderpayment", Sort::Ledger),
            ("order_paymenteventtype", Sort::Plain),
            ("payment_method", Sort::Plain),
            ("job_record", Sort::Noise),
            ("history_entry", Sort::History),
            ("order_orderstatuschange", Sort::History),
            ("payment_session", Sort::Ledger),
            ("django_session", Sort::Noise),
        ] {
            assert_eq!(sort_of(&table(name, &[]), &[]), sort, "{name}");
        }
        assert_eq!(
            sort_of(&table("order_line", &[]), &[Role::Money]),
            Sort::Order
        );
        assert_eq!(
            sort_of(&table("product_price", &[]), &[Role::Money]),
            Sort::Valued
        );
    }

    #[test]
    fn a_stem_told_twice_is_seen() {
        assert!(same_stem("subTotal", "subTotalWithTax"));
        assert!(same_stem("amount", "raw_amount"));
        assert!(same_stem("total_incl_tax", "total_excl_tax"));
        assert!(!same_stem("shipping", "subTotal"));
    }
}
