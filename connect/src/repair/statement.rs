//! Which statements a repair may run: one plain INSERT, UPDATE or DELETE on the step's own table.
//!
//! `OR REPLACE` and the like are refused, because they delete rows that nobody counts. That it
//! is a single statement, and what it really changed, is checked when it runs.

use super::RowFault;
use model::proposal::SetAside;
use model::{Dialect, RepairAction, RepairStep};

/// What a statement does to its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Insert,
    Update,
    Delete,
}

pub(super) fn check(dialect: Dialect, step: &RepairStep) -> Result<Verb, RowFault> {
    let (verb, rest) = word(&step.sql);
    let (verb, rest) = match verb.to_ascii_uppercase().as_str() {
        "UPDATE" => (Verb::Update, rest),
        "INSERT" => (Verb::Insert, after(rest, "INTO")?),
        "DELETE" => (Verb::Delete, after(rest, "FROM")?),
        _ => return Err(RowFault::Statement),
    };
    let wanted = match (step.action, step.set_aside) {
        (RepairAction::Reinsert, _) | (RepairAction::Void, SetAside::Entry) => Verb::Insert,
        (RepairAction::Void, SetAside::Delete) => Verb::Delete,
        (RepairAction::RestoreColumns, _) | (RepairAction::Void, SetAside::Mark) => Verb::Update,
    };
    if verb != wanted {
        return Err(RowFault::Statement);
    }
    let (mut table, mut rest) = name(dialect, rest).ok_or(RowFault::Statement)?;
    // SQLite: `main` is meant; MySQL: the database of the writing account.
    if let Some(behind) = rest.trim_start().strip_prefix('.') {
        let (second, tail) = name(dialect, behind).ok_or(RowFault::Statement)?;
        if dialect != Dialect::Postgres || tail.trim_start().starts_with('.') {
            return Err(RowFault::Statement);
        }
        (table, rest) = (format!("{table}.{second}"), tail);
    } else if dialect == Dialect::Postgres && table == step.table {
        return Err(RowFault::NoSchema);
    }
    // PostgreSQL would otherwise read `ONLY` or `*`, others a list of tables or an index hint.
    let next = word(rest).0.to_ascii_uppercase();
    let begins = match verb {
        Verb::Update => next == "SET",
        Verb::Insert => rest.trim_start().starts_with('(') || next == "VALUES",
        Verb::Delete => next == "WHERE",
    };
    if !begins {
        return Err(RowFault::Statement);
    }
    let same = match dialect {
        Dialect::Sqlite => table.eq_ignore_ascii_case(&step.table),
        Dialect::Mysql => table == step.table,
        Dialect::Postgres => {
            let bare = table.strip_prefix("public.");
            table == step.table || bare.is_some_and(|t| t == step.table && !t.contains('.'))
        }
    };
    if !same {
        return Err(RowFault::OtherTable { table });
    }
    Ok(verb)
}

fn after<'a>(sql: &'a str, keyword: &str) -> Result<&'a str, RowFault> {
    let (found, rest) = word(sql);
    if found.eq_ignore_ascii_case(keyword) {
        Ok(rest)
    } else {
        Err(RowFault::Statement)
    }
}

fn word(sql: &str) -> (&str, &str) {
    let sql = sql.trim_start();
    let end = sql
        .find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(sql.len());
    sql.split_at(end)
}

/// A name, bare or in the quotes of this database (doubled inside).
fn name(dialect: Dialect, sql: &str) -> Option<(String, &str)> {
    let sql = sql.trim_start();
    let quote = match dialect {
        Dialect::Sqlite | Dialect::Postgres => '"',
        Dialect::Mysql => '`',
    };
    let (name, rest) = match sql.strip_prefix(quote) {
        None => {
            let (name, rest) = word(sql);
            // A bare name is another one where the database folds it.
            let folded = dialect == Dialect::Postgres && name.chars().any(char::is_uppercase);
            (
                if folded {
                    String::new()
                } else {
                    name.to_owned()
                },
                rest,
            )
        }
        Some(quoted) => {
            let mut name = String::new();
            let mut chars = quoted.char_indices().peekable();
            loop {
                match chars.next()? {
                    (_, c) if c == quote && chars.next_if(|(_, c)| *c == quote).is_some() => {
                        name.push(quote);
                    }
                    (at, c) if c == quote => break (name, &quoted[at + 1..]),
                    (_, c) => name.push(c),
                }
            }
        }
    };
    (!name.is_empty()).then_some((name, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nothing_makes_it_stumble(sql in "(UPDATE|DELETE FROM|INSERT INTO)?[-a-z0-9é'\"`:;=(),. \\n]{0,40}") {
            for dialect in [Dialect::Sqlite, Dialect::Postgres, Dialect::Mysql] {
                prop_assert!(checked(dialect, "another table", &sql).is_err());
            }
        }
    }

    fn checked(dialect: Dialect, table: &str, sql: &str) -> Result<Verb, RowFault> {
        let (action, set_aside) = match word(sql).0.to_ascii_uppercase().as_str() {
            "INSERT" => (RepairAction::Reinsert, SetAside::Mark),
            "DELETE" => (RepairAction::Void, SetAside::Delete),
            _ => (RepairAction::Void, SetAside::Mark),
        };
        let step = RepairStep {
            action,
            table: table.into(),
            key: "1".into(),
            columns: Vec::new(),
            sql: sql.into(),
            parameters: Vec::new(),
            key_values: Vec::new(),
            expect_live: Vec::new(),
            expect_after: Vec::new(),
            position: 0,
            set_aside,
            entry: Vec::new(),
        };
        check(dialect, &step)
    }

    #[test]
    fn plain_statements_on_the_own_table_pass() {
        for (dialect, table, sql) in [
            (Dialect::Sqlite, "orders", "UPDATE orders SET a = 1"),
            (Dialect::Sqlite, "orders", " update \"Orders\" set a = 1"),
            (
                Dialect::Sqlite,
                "orders",
                "INSERT INTO orders(a) VALUES (1)",
            ),
            (
                Dialect::Sqlite,
                "orders",
                "DELETE FROM \"orders\" WHERE id = 1",
            ),
            (
                Dialect::Postgres,
                "x\"; DROP TABLE a",
                "UPDATE \"public\".\"x\"\"; DROP TABLE a\" SET a = 1",
            ),
            (
                Dialect::Postgres,
                "sales.orders",
                "UPDATE \"sales\".\"orders\" SET a = 1",
            ),
            (
                Dialect::Mysql,
                "x`; DROP",
                "DELETE FROM `x``; DROP` WHERE id = 1",
            ),
        ] {
            assert!(checked(dialect, table, sql).is_ok(), "{sql}");
        }
    }

    #[test]
    fn others_do_not() {
        for sql in [
            "UPDATE OR REPLACE orders SET a = 1",
            "INSERT OR REPLACE INTO orders VALUES (1)",
            "REPLACE INTO orders VALUES (1)",
            "DROP TABLE orders",
            "PRAGMA user_version = 1",
            "WITH x AS (SELECT 1) DELETE FROM orders",
            "UPDATE orders.x SET a = 1",
            "UPDATE main.orders SET a = 1",
            "UPDATE /* orders */ staff SET a = 1",
            "UPDATE staff SET a = 1",
            "UPDATE orders AS o SET a = 1",
            "DELETE FROM orders",
            "INSERT INTO orders SELECT 1",
            "UPDATE \"orders",
            "",
        ] {
            assert!(checked(Dialect::Sqlite, "orders", sql).is_err(), "{sql}");
        }
        for sql in [
            "UPDATE ONLY orders SET a = 1",
            "UPDATE orders SET a = 1",
            "UPDATE orders * SET a = 1",
            "UPDATE other.orders SET a = 1",
            "UPDATE a.b.orders SET a = 1",
            "UPDATE \"Orders\" SET a = 1",
            "UPDATE ORDERS SET a = 1",
            "DELETE FROM orders USING staff WHERE true",
        ] {
            assert!(checked(Dialect::Postgres, "orders", sql).is_err(), "{sql}");
        }
        for sql in [
            "UPDATE `orders`, `staff` SET a = 1",
            "UPDATE LOW_PRIORITY orders SET a = 1",
            "UPDATE IGNORE orders SET a = 1",
            "UPDATE shop.orders SET a = 1",
            "DELETE QUICK FROM orders WHERE id = 1",
            "UPDATE `Orders` SET a = 1",
        ] {
            assert!(checked(Dialect::Mysql, "orders", sql).is_err(), "{sql}");
        }
    }

    /// A step says one thing to people and does another.
    #[test]
    fn the_verb_is_that_of_the_action() {
        let step = |action, set_aside, sql: &str| RepairStep {
            action,
            table: "orders".into(),
            key: "1".into(),
            columns: Vec::new(),
            sql: sql.into(),
            parameters: Vec::new(),
            key_values: Vec::new(),
            expect_live: Vec::new(),
            expect_after: Vec::new(),
            position: 0,
            set_aside,
            entry: Vec::new(),
        };
        let delete = "DELETE FROM orders WHERE id = 1";
        for (action, set_aside) in [
            (RepairAction::Void, SetAside::Mark),
            (RepairAction::RestoreColumns, SetAside::Mark),
            (RepairAction::RestoreColumns, SetAside::Delete),
            (RepairAction::Reinsert, SetAside::Delete),
            (RepairAction::Void, SetAside::Entry),
        ] {
            let found = check(Dialect::Mysql, &step(action, set_aside, delete));
            assert_eq!(found, Err(RowFault::Statement));
        }
    }
}
