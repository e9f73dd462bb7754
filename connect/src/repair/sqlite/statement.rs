//! Which statements a repair may run: one plain INSERT, UPDATE or DELETE on the step's own table.
//!
//! `OR REPLACE` and the like are refused, because they delete rows that nobody counts. That it
//! is a single statement, and what it really changed, is checked when it runs.

use super::RowFault;
use model::RepairStep;

pub(super) fn check(step: &RepairStep) -> Result<(), RowFault> {
    let (verb, rest) = word(&step.sql);
    let rest = match verb.to_ascii_uppercase().as_str() {
        "UPDATE" => rest,
        "INSERT" => after(rest, "INTO")?,
        "DELETE" => after(rest, "FROM")?,
        _ => return Err(RowFault::Statement),
    };
    let (table, _) = name(rest).ok_or(RowFault::Statement)?;
    if !table.eq_ignore_ascii_case(&step.table) {
        return Err(RowFault::OtherTable { table });
    }
    Ok(())
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

/// A name, bare or in double quotes (doubled inside). A schema in front is refused: `main` is meant.
fn name(sql: &str) -> Option<(String, &str)> {
    let sql = sql.trim_start();
    let (name, rest) = match sql.strip_prefix('"') {
        None => {
            let (name, rest) = word(sql);
            (name.to_owned(), rest)
        }
        Some(quoted) => {
            let mut name = String::new();
            let mut chars = quoted.char_indices().peekable();
            loop {
                match chars.next()? {
                    (_, '"') if chars.next_if(|(_, c)| *c == '"').is_some() => name.push('"'),
                    (at, '"') => break (name, &quoted[at + 1..]),
                    (_, c) => name.push(c),
                }
            }
        }
    };
    (!name.is_empty() && !rest.trim_start().starts_with('.')).then_some((name, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::RepairAction;

    fn checked(sql: &str) -> Result<(), RowFault> {
        check(&RepairStep {
            action: RepairAction::Void,
            table: "orders".into(),
            key: "1".into(),
            columns: Vec::new(),
            sql: sql.into(),
            parameters: Vec::new(),
            key_values: Vec::new(),
            expect_live: Vec::new(),
            expect_after: Vec::new(),
            position: 0,
            set_aside: model::proposal::SetAside::Mark,
            entry: Vec::new(),
        })
    }

    #[test]
    fn plain_statements_on_the_own_table_pass() {
        for sql in [
            "UPDATE orders SET a = 1",
            " update \"Orders\" set a = 1",
            "INSERT INTO orders(a) VALUES (1)",
            "DELETE FROM \"orders\" WHERE id = 1",
        ] {
            assert_eq!(checked(sql), Ok(()), "{sql}");
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
            "UPDATE /* orders */ staff SET a = 1",
            "UPDATE staff SET a = 1",
            "UPDATE \"orders",
            "",
        ] {
            assert!(checked(sql).is_err(), "{sql}");
        }
    }
}
