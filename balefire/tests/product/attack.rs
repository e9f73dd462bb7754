//! Somebody who writes into the shop's file past the shop, and remembers what was done.

use crate::guarded::Guarded;
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use testkit::{Seed, SmallShop};

/// Table and key, as findings and audits name a row.
pub type RowName = (String, String);

/// What was done to the shop past its rules.
pub struct Attack {
    db: Connection,
    /// Rows that stand wrong now, by what the audit must call them.
    pub wrong: BTreeMap<RowName, &'static str>,
    /// How often a row was tampered with, ever.
    pub acts: BTreeMap<(RowName, &'static str), u32>,
    /// Orders that were paid when the guard last looked: what is frozen in them is known to it.
    paid: Vec<i64>,
}

impl Attack {
    pub fn on(shop: &SmallShop) -> Self {
        let db = shop.intruder();
        db.busy_timeout(Duration::from_secs(10))
            .expect("a timeout is set");
        let mut attack = Self {
            db,
            wrong: BTreeMap::new(),
            acts: BTreeMap::new(),
            paid: Vec::new(),
        };
        attack.settled(shop);
        attack
    }

    /// The guard has seen the shop as it stands: later tampering has something to be held against.
    pub fn settled(&mut self, shop: &SmallShop) {
        self.paid = shop.orders_in("paid");
    }

    /// One unlawful write. The attacker keeps to orders whose number leaves 0 (refunds forged) or 1
    /// (amounts, payments) when divided by 4, so that lawful trade does not make them right.
    pub fn strike(&mut self, seed: &mut Seed) {
        match seed.below(3) {
            0 => self.alter(seed),
            1 => self.delete(seed),
            _ => self.forge(seed),
        }
    }

    pub fn alter(&mut self, seed: &mut Seed) {
        if let Some(order) = self.victim(1, "orders", seed) {
            self.write(
                "UPDATE orders SET total_minor = total_minor + 777 WHERE id = ?1",
                order,
            );
            self.note("orders", order, "altered");
        }
    }

    fn delete(&mut self, seed: &mut Seed) {
        let Some(order) = self.victim(1, "", seed) else {
            return;
        };
        let find = "SELECT id FROM payments WHERE order_id = ?1";
        let payment = self.db.query_row(find, [order], |row| row.get(0));
        // Deleted already.
        if let Ok(payment) = payment {
            self.write("DELETE FROM payments WHERE id = ?1", payment);
            self.note("payments", payment, "deleted");
        }
    }

    fn forge(&mut self, seed: &mut Seed) {
        if let Some(order) = self.victim(0, "", seed) {
            let sql =
                "INSERT INTO refunds (order_id, status, amount_minor) VALUES (?1, 'done', 99)";
            self.write(sql, order);
            let refund = self.db.last_insert_rowid();
            self.note("refunds", refund, "forged");
        }
    }

    /// A paid order of this remainder whose row in `table` is not wrong yet.
    fn victim(&self, remainder: i64, table: &str, seed: &mut Seed) -> Option<i64> {
        let free = |id: &&i64| {
            **id % 4 == remainder && !self.wrong.contains_key(&(table.to_owned(), id.to_string()))
        };
        let free: Vec<i64> = self.paid.iter().filter(free).copied().collect();
        (!free.is_empty()).then(|| *seed.pick(&free))
    }

    fn write(&self, sql: &str, id: i64) {
        let rows = self.db.execute(sql, [id]).expect("the intruder writes");
        assert_eq!(rows, 1, "{sql} {id}");
    }

    fn note(&mut self, table: &str, id: i64, kind: &'static str) {
        let row = (table.to_owned(), id.to_string());
        *self.acts.entry((row.clone(), kind)).or_default() += 1;
        self.wrong.insert(row, kind);
    }

    /// The audit names exactly the rows that stand wrong.
    pub fn agrees_with_audit(&self, guarded: &Guarded) {
        let report = guarded.json(&["audit", "shop"]);
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let named: BTreeMap<RowName, String> = report["discrepancies"]
            .as_array()
            .expect("an audit lists discrepancies")
            .iter()
            .map(|d| ((text(&d["table"]), text(&d["key"])), text(&d["kind"])))
            .collect();
        let wrong: BTreeMap<RowName, String> = self
            .wrong
            .iter()
            .map(|(row, kind)| (row.clone(), (*kind).to_owned()))
            .collect();
        assert_eq!(named, wrong, "{report}");
    }

    /// Every unlawful write was found, each once, and nothing else was.
    pub fn agrees_with_findings(&self, guarded: &Guarded) {
        let mut found: BTreeMap<(RowName, String), u32> = BTreeMap::new();
        let mut ids = BTreeSet::new();
        for finding in guarded.findings() {
            let text = |name: &str| finding[name].as_str().unwrap_or_default().to_owned();
            assert!(ids.insert(text("id")), "a finding came twice: {finding}");
            let kind = text("kind");
            if ["altered", "forged", "deleted"].contains(&kind.as_str()) {
                *found
                    .entry(((text("table"), text("key")), kind))
                    .or_default() += 1;
            }
        }
        let acts: BTreeMap<(RowName, String), u32> = self
            .acts
            .iter()
            .map(|((row, kind), n)| ((row.clone(), (*kind).to_owned()), *n))
            .collect();
        assert_eq!(found, acts);
    }
}

/// One lawful step of the shop, on orders that the attacker leaves alone.
pub fn trade(shop: &mut SmallShop, seed: &mut Seed) {
    let mine = |state: &str, shop: &SmallShop| -> Vec<i64> {
        let mut orders = shop.orders_in(state);
        orders.retain(|id| id % 4 >= 2);
        orders
    };
    for (state, step) in [
        ("shipped", SmallShop::refund as fn(&mut SmallShop, i64)),
        ("paid", SmallShop::ship),
        ("placed", SmallShop::pay),
    ] {
        let orders = mine(state, shop);
        if seed.chance(40) && !orders.is_empty() {
            let order = *seed.pick(&orders);
            return step(shop, order);
        }
    }
    shop.place();
}
