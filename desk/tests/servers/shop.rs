//! A small shop on a real server, its policy, and a desk that guards it.

use desk::config::Config;
use desk::{DataFolder, Desk, FindingFilter};
use model::{Finding, FindingKind, SourceName};
use std::time::Duration;
use testkit::{TempFolder, mariadb, postgres};

pub const TABLES: &str = r#"
CREATE TABLE customers (id bigint PRIMARY KEY, name text NOT NULL, phone text, "bankAccount" text);
CREATE TABLE orders (
    id bigint PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customers(id), status text NOT NULL,
    total numeric(12,2) NOT NULL, currency text NOT NULL, note text, updated_at timestamptz NOT NULL);
CREATE TABLE payments (
    id bigint PRIMARY KEY, order_id bigint NOT NULL REFERENCES orders(id), amount numeric(12,2) NOT NULL,
    state text NOT NULL, paid_at timestamptz NOT NULL);
CREATE TABLE order_changes (id bigint PRIMARY KEY, order_id bigint NOT NULL REFERENCES orders(id), why text NOT NULL);
"#;

pub const POLICY: &str = r#"
[[table]]
name = "customers"
key = ["id"]
personal = { name = "name", phone = "phone", bankAccount = "bank_account" }
no_delete = true
frozen = { columns = ["bankAccount"] }

[[table]]
name = "orders"
key = ["id"]
subject = "customer_id"
state = "status"
initial = ["placed"]
transitions = { placed = ["paid", "cancelled"], paid = ["shipped", "refunded"], shipped = [], cancelled = [], refunded = [] }
requires = { paid = { table = "payments", via = "order_id" } }
plain = ["status", "currency", "total", "updated_at", "note"]
money = { amount = "total", currency = "currency" }
no_delete = true
together = [{ columns = ["status", "total", "customer_id"], with = ["updated_at"] }]
[[table.frozen]]
from = ["paid", "shipped", "refunded"]
columns = ["total", "currency", "customer_id"]
unless = [{ table = "order_changes", op = "insert", via = "order_id" }]

[[table]]
name = "payments"
key = ["id"]
plain = ["amount", "state", "paid_at"]
no_delete = true
frozen = { columns = ["order_id", "amount"] }

[[table]]
name = "order_changes"
key = ["id"]
plain = ["why"]
append_only = true
"#;

/// A shop with some orders of every state.
pub fn fill(database: &postgres::Database, orders: u32) {
    database.run(TABLES);
    database.run(&format!(
        "INSERT INTO customers SELECT g, 'customer ' || g, '1380000' || g, 'CN' || g FROM generate_series(1, {orders}) g;
         INSERT INTO orders SELECT g, g, 'paid', 10.00 + g, 'CNY', repeat(md5(g::text), 300), now() FROM generate_series(1, {orders}) g;
         INSERT INTO payments SELECT g, g, 10.00 + g, 'settled', now() FROM generate_series(1, {orders}) g;"
    ));
}

/// The same shop on MariaDB.
pub fn fill_mariadb(database: &mariadb::Database, orders: u32) {
    let tables = TABLES
        .replace("timestamptz", "datetime(6)")
        .replace("numeric", "decimal")
        .replace("\"bankAccount\"", "bankAccount");
    database.run(&tables);
    database.run(&format!(
        "INSERT INTO customers SELECT seq, CONCAT('customer ', seq), CONCAT('1380000', seq), CONCAT('CN', seq) FROM seq_1_to_{orders};
         INSERT INTO orders SELECT seq, seq, 'paid', 10.00 + seq, 'CNY', REPEAT(MD5(seq), 300), NOW(6) FROM seq_1_to_{orders};
         INSERT INTO payments SELECT seq, seq, 10.00 + seq, 'settled', NOW(6) FROM seq_1_to_{orders};"
    ));
}

pub struct World {
    pub desk: Desk,
    pub folder: TempFolder,
    pub config: Config,
}

pub fn shop_name() -> SourceName {
    SourceName::new("shop")
}

pub fn config(folder: &TempFolder, kind: &str, url: &str) -> Config {
    config_with(folder, kind, url, POLICY)
}

fn config_with(folder: &TempFolder, kind: &str, url: &str, policy: &str) -> Config {
    let file = testkit::write_url_file(folder.path(), url);
    let text = format!(
        "[[source]]\nname = \"shop\"\nkind = \"{kind}\"\nurl_file = {file:?}\ntls = \"off\"\n{}",
        policy.replace("[[table", "[[source.table")
    );
    let mut config = Config::parse(&text).unwrap();
    // Replication slots are the server's, not the database's.
    let own: u64 = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0);
    config.source[0].slot = Some(format!("balefire_{own:016x}"));
    config.source[0].repair.url_file = Some(file);
    config
}

impl World {
    pub fn new(kind: &str, url: &str) -> Self {
        Self::with_policy(kind, url, POLICY)
    }

    pub fn with_policy(kind: &str, url: &str, policy: &str) -> Self {
        let folder = TempFolder::new();
        let config = config_with(&folder, kind, url, policy);
        let desk = Desk::open(DataFolder::new(folder.join("data")), config.clone()).unwrap();
        desk.attach(&shop_name()).unwrap();
        desk.baseline(&shop_name(), false, &mut |_, _| {}).unwrap();
        desk.start_guards().unwrap();
        Self {
            desk,
            folder,
            config,
        }
    }

    pub fn stop(self) -> Stopped {
        self.desk.stop();
        Stopped {
            folder: self.folder,
            config: self.config,
        }
    }

    pub fn all(&self) -> Vec<Finding> {
        self.desk.findings(&FindingFilter {
            limit: 10_000,
            ..FindingFilter::default()
        })
    }

    /// Waits until as many findings are stored.
    pub fn findings(&self, count: usize) -> Vec<Finding> {
        let mut seen = 0;
        for _ in 0..100 {
            let found = self.all();
            if found.len() >= count {
                return found;
            }
            seen = self.desk.wait_for_change(seen, Duration::from_millis(300));
        }
        let status = self.desk.sources();
        panic!(
            "{count} findings were not stored in time: {:?}; {status:?}",
            self.all()
        );
    }

    /// All that the shop has committed is judged: an audit waits for it.
    pub fn audited(&self) -> desk::audit::AuditReport {
        let mut seen = 0;
        for _ in 0..100 {
            match self.desk.audit_source(&shop_name()) {
                // It goes on by itself when the server is back.
                Err(desk::DeskError::GuardStopped(_) | desk::DeskError::Connect(_)) => {
                    seen = (self.desk).wait_for_change(seen, Duration::from_millis(300));
                }
                done => return done.unwrap(),
            }
        }
        panic!("the guard did not go on: {:?}", self.desk.sources());
    }
}

pub struct Stopped {
    pub folder: TempFolder,
    pub config: Config,
}

impl Stopped {
    pub fn start(self) -> World {
        let Self { folder, config } = self;
        let desk = Desk::open(DataFolder::new(folder.join("data")), config.clone()).unwrap();
        desk.start_guards().unwrap();
        World {
            desk,
            folder,
            config,
        }
    }
}

/// `orders 7: total, rule frozen`, in the order of table, key.
pub fn told(findings: &[Finding]) -> Vec<String> {
    let mut lines: Vec<String> = findings
        .iter()
        .map(|f| {
            let columns: Vec<&str> = match f.kind {
                FindingKind::Altered => f.columns.iter().map(|c| c.name.as_str()).collect(),
                _ => Vec::new(),
            };
            let kind = serde_json::to_value(f.kind).unwrap();
            let kind = kind.as_str().unwrap();
            format!(
                "{} {} {kind} {} [{}]",
                f.table,
                f.key,
                f.rule,
                columns.join(",")
            )
        })
        .collect();
    lines.sort();
    lines
}
