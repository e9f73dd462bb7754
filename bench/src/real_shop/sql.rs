//! The statements of the measured shop: one table of ten columns, its lawful trade and its faults.

use crate::servers::Kind;
use std::fmt::Write as _;

/// Rows that are tampered with before the audit.
pub const FAULTS: u64 = 100;
/// Rows that one lawful transaction of a backlog changes.
pub const PER_TRANSACTION: u64 = 100;
/// Rows are counted in steps of this, so that faults, attacks and trade keep out of each other's way.
const STEP: u64 = 2_000;
/// Orders of one customer.
const ORDERS_EACH: u64 = 25;
/// Rows that one INSERT makes.
const AT_ONCE: u64 = 500_000;

/// The columns that are tampered with in turn, and the values that they get.
const TAMPERED: [(&str, &str); 4] = [
    ("total", "total + 1"),
    ("payee_account", "'CN-EVIL-000001'"),
    ("currency", "'USD'"),
    ("status", "'placed'"),
];

pub const COLUMNS: [&str; 10] = [
    "id",
    "customer_id",
    "status",
    "total",
    "currency",
    "payee_account",
    "receiver_name",
    "address",
    "placed_at",
    "updated_at",
];

/// The policy of the table.
pub const POLICY: &str = r#"
[[source.table]]
name = "orders"
key = ["id"]
subject = "customer_id"
personal = { receiver_name = "name", address = "address" }
plain = ["status", "total", "currency", "payee_account", "placed_at", "updated_at"]
state = "status"
initial = ["placed"]
transitions = { placed = ["paid", "cancelled"], paid = ["shipped"], shipped = [], cancelled = [] }
frozen = { from = ["paid", "shipped"], columns = ["total", "currency", "customer_id", "payee_account"] }
no_delete = true
money = { amount = "total", currency = "currency" }
"#;

/// A size that the ids below can be laid out in.
pub fn whole(rows: u64) -> u64 {
    (rows - rows % STEP).max(STEP)
}

/// Makes and fills the table; every order is paid.
pub fn create(kind: Kind, rows: u64) -> String {
    let mut sql = String::new();
    let customers = (rows / ORDERS_EACH).max(1);
    match kind {
        Kind::Postgres => {
            let _ = writeln!(
                sql,
                "CREATE TABLE orders (id bigint NOT NULL, customer_id bigint NOT NULL, status text NOT NULL, \
                 total numeric(12,2) NOT NULL, currency text NOT NULL, payee_account text NOT NULL, \
                 receiver_name text NOT NULL, address text NOT NULL, placed_at timestamptz NOT NULL, \
                 updated_at timestamptz NOT NULL);\n\
                 INSERT INTO orders SELECT g, g * 7919 % {customers}, 'paid', (1000 + g * 7919 % 90000) / 100.0, \
                 'CNY', 'CN-MERCHANT-' || g % 40, 'Receiver ' || g, \
                 'No. ' || g % 999 || ', a street of some length, a city', \
                 timestamptz '2026-01-01' + g * interval '1 second', \
                 timestamptz '2026-01-01' + g * interval '1.000137 second' FROM generate_series(1::bigint, {rows}) g;\n\
                 ALTER TABLE orders ADD PRIMARY KEY (id);\n\
                 VACUUM (FREEZE, ANALYZE) orders;\nCHECKPOINT;"
            );
        }
        Kind::Mariadb => {
            // A guard that is not there yet needs no record of it.
            let _ = writeln!(
                sql,
                "SET sql_log_bin = 0;\n\
                 CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL, status varchar(20) NOT NULL, \
                 total decimal(12,2) NOT NULL, currency varchar(3) NOT NULL, payee_account varchar(40) NOT NULL, \
                 receiver_name varchar(60) NOT NULL, address varchar(200) NOT NULL, placed_at datetime(6) NOT NULL, \
                 updated_at datetime(6) NOT NULL) ENGINE=InnoDB;"
            );
            for first in (1..=rows).step_by(AT_ONCE as usize) {
                let last = (first + AT_ONCE - 1).min(rows);
                let _ = writeln!(
                    sql,
                    "INSERT INTO orders SELECT seq, seq * 7919 % {customers}, 'paid', \
                     (1000 + seq * 7919 % 90000) / 100.0, 'CNY', CONCAT('CN-MERCHANT-', seq % 40), \
                     CONCAT('Receiver ', seq), CONCAT('No. ', seq % 999, ', a street of some length, a city'), \
                     '2026-01-01' + INTERVAL seq SECOND, '2026-01-01' + INTERVAL seq * 1000137 MICROSECOND \
                     FROM seq_{first}_to_{last};"
                );
            }
            sql += "ANALYZE TABLE orders;\n";
        }
    }
    sql
}

/// A copy of the whole shop as it lawfully is, for those that compare two databases.
pub fn copy(kind: Kind) -> &'static str {
    match kind {
        Kind::Postgres => "CREATE DATABASE lawful TEMPLATE shop STRATEGY file_copy;",
        Kind::Mariadb => {
            "SET sql_log_bin = 0;\nCREATE DATABASE lawful;\n\
             CREATE TABLE lawful.orders LIKE orders;\nINSERT INTO lawful.orders SELECT * FROM orders;\n\
             ANALYZE TABLE lawful.orders;"
        }
    }
}

/// Reads the whole table as plainly as the server can. In key order PostgreSQL might sort it first,
/// at twice the price.
pub fn plain_read(kind: Kind) -> &'static str {
    match kind {
        Kind::Postgres => "COPY orders TO STDOUT (FORMAT binary)",
        Kind::Mariadb => "SELECT * FROM orders",
    }
}

/// Ids of the tampered rows with the column of each; all in the upper half.
pub fn faults(rows: u64) -> Vec<(u64, &'static str)> {
    (0..FAULTS)
        .map(|k| {
            let step = spaced(rows, FAULTS);
            let (column, _) = TAMPERED[k as usize % TAMPERED.len()];
            (rows / 2 + 1 + k * step, column)
        })
        .collect()
}

pub fn tamper_all(rows: u64) -> String {
    let mut sql = String::new();
    for (k, (id, column)) in faults(rows).iter().enumerate() {
        let (_, value) = TAMPERED[k % TAMPERED.len()];
        let _ = writeln!(sql, "UPDATE orders SET {column} = {value} WHERE id = {id};");
    }
    sql
}

/// Attack `number` of `attacks`, on rows of its own.
pub fn attacked(rows: u64, attacks: u64, number: u64) -> u64 {
    rows / 2 + 1 + number * spaced(rows, attacks) + 5
}

/// The last row of a backlog: when it is found, everything before it is judged.
pub fn sentinel(rows: u64) -> u64 {
    rows / 2 + 1 + 7
}

pub fn tamper(id: u64) -> String {
    format!("UPDATE orders SET total = total + 1 WHERE id = {id};")
}

/// Distance of `count` rows that share the upper half, in tens.
fn spaced(rows: u64, count: u64) -> u64 {
    let each = rows / 2 / count;
    (each - each % 10).max(10)
}

/// `changes` lawful changes in the lower half: paid orders are shipped.
pub fn backlog(changes: u64) -> String {
    let mut sql = String::new();
    for first in (1..=changes).step_by(PER_TRANSACTION as usize) {
        let last = (first + PER_TRANSACTION - 1).min(changes);
        let _ = writeln!(
            sql,
            "UPDATE orders SET status = 'shipped', updated_at = '2026-06-01 10:00:00' \
             WHERE id BETWEEN {first} AND {last};"
        );
    }
    sql
}

/// One lawful transaction of writer `writer`: some receivers move house.
pub fn trade(rows: u64, writer: u64, changes: u64, random: &mut fastrand::Rng) -> String {
    let ids: Vec<String> = (0..changes)
        .map(|_| (random.u64(0..rows / 10) * 10 + 2 + writer).to_string())
        .collect();
    format!(
        "UPDATE orders SET address = 'No. {}, another street, a city', updated_at = CURRENT_TIMESTAMP(6) \
         WHERE id IN ({});",
        random.u32(..),
        ids.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn faults_attacks_and_trade_keep_out_of_each_others_way() {
        for rows in [2_000, 4_000, 1_000_000, 5_000_000] {
            assert_eq!(whole(rows + 1_999), rows);
            let attacks = 100;
            let mut ids: BTreeSet<u64> = faults(rows).iter().map(|(id, _)| *id).collect();
            ids.extend((0..attacks).map(|n| attacked(rows, attacks, n)));
            ids.insert(sentinel(rows));
            assert_eq!(ids.len(), FAULTS as usize + attacks as usize + 1);
            assert!(ids.iter().all(|id| *id > rows / 2 && *id <= rows));
            // Trade has the ids that end in 2 and 3.
            assert!(ids.iter().all(|id| id % 10 != 2 && id % 10 != 3));
        }
    }

    #[test]
    fn a_backlog_has_as_many_changes_as_it_says() {
        let sql = backlog(250);
        assert_eq!(sql.lines().count(), 3);
        assert!(sql.contains("BETWEEN 201 AND 250"), "{sql}");
    }
}
