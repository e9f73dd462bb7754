//! The statement that sets a forged row aside, where it is simple enough to know beforehand what
//! it leaves: `UPDATE t SET column = literal[, ...] WHERE key = :key [AND ...]`.
//!
//! Anything else (expressions, other tables, functions) is not guessed at; a person decides.

use crate::stored::Kind;
use crate::token::Tokens;
use model::{Dialect, TableSchema, Value};

/// What the statement writes, by column position.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Void {
    pub(crate) set: Vec<(u16, Value)>,
}

/// `None`: not of the simple form, or it does not name exactly this table and its whole key.
pub(crate) fn parse(
    dialect: Dialect,
    sql: &str,
    schema: &TableSchema,
    key: &[u16],
) -> Option<Void> {
    let mut tokens = Tokens::of(sql)?;
    tokens.keyword("update")?;
    if !names(&tokens.table()?, dialect, schema) {
        return None;
    }
    tokens.keyword("set")?;
    let mut set: Vec<(u16, Value)> = Vec::new();
    loop {
        let column = column(schema, &tokens.name()?)?;
        tokens.sign('=')?;
        let declared = &schema.columns[usize::from(column)].declared;
        let value = Kind::of(dialect, declared).keeps(tokens.literal()?)?;
        if key.contains(&column) || set.iter().any(|(c, _)| *c == column) {
            return None;
        }
        set.push((column, value));
        if tokens.sign(',').is_none() {
            break;
        }
    }
    tokens.keyword("where")?;
    let mut named = Vec::new();
    loop {
        let name = tokens.name()?;
        tokens.sign('=')?;
        let parameter = tokens.parameter()?;
        if !name.eq_ignore_ascii_case(&parameter) {
            return None;
        }
        named.push(column(schema, &name)?);
        if tokens.keyword("and").is_none() {
            break;
        }
    }
    tokens.end()?;
    let mut whole = key.to_vec();
    named.sort_unstable();
    whole.sort_unstable();
    (named == whole).then_some(Void { set })
}

/// SQL names are compared without case: the statement is written anew with the schema's own.
pub(crate) fn names(table: &str, dialect: Dialect, schema: &TableSchema) -> bool {
    let bare = match dialect {
        Dialect::Postgres => table.strip_prefix("public.").unwrap_or(table),
        _ => table,
    };
    [table, bare]
        .iter()
        .any(|t| t.eq_ignore_ascii_case(&schema.name))
}

/// The column of that very name, else the only one that differs from it by case.
pub(crate) fn column(schema: &TableSchema, name: &str) -> Option<u16> {
    if let Some(column) = schema.column(name) {
        return Some(column);
    }
    let mut found = schema.columns.iter().enumerate();
    let mut next = || found.find(|(_, c)| c.name.eq_ignore_ascii_case(name));
    let (first, second) = (next()?, next());
    second.is_none().then_some(first.0 as u16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use model::policy::ColumnSchema;

    fn check(sql: &str, expected: Expect) {
        let column = |name: &str, declared: &str| ColumnSchema {
            name: name.into(),
            declared: declared.into(),
            not_null: false,
        };
        let schema = TableSchema {
            name: "orders".into(),
            columns: vec![
                column("id", "INTEGER"),
                column("status", "TEXT"),
                column("n", "INTEGER"),
            ],
            primary_key: vec![0],
            foreign_keys: Vec::new(),
        };
        let parsed = parse(Dialect::Sqlite, sql, &schema, &[0]).map(|void| {
            let shown = |(c, v): &(u16, Value)| format!("{}={}", schema.name_of(*c), v.as_ref());
            void.set.iter().map(shown).collect::<Vec<_>>().join(" ")
        });
        expected.assert_eq(&parsed.unwrap_or_else(|| "a person".into()));
    }

    #[test]
    fn simple_statements_are_understood() {
        check(
            "UPDATE orders SET status = 'void' WHERE id = :id",
            expect!["status=void"],
        );
        check(
            "update \"orders\" set \"status\"='it''s', n = -5 where ID=:id;",
            expect!["status=it's n=-5"],
        );
        check(
            "UPDATE orders SET status = NULL WHERE id = :id",
            expect!["status=NULL"],
        );
        check(
            "UPDATE orders SET status = 7 WHERE id = :id",
            expect!["status=7"],
        );
    }

    #[test]
    fn anything_else_goes_to_a_person() {
        for sql in [
            "DELETE FROM orders WHERE id = :id",
            "UPDATE payments SET status = 'void' WHERE id = :id",
            "UPDATE orders SET status = 'void'",
            "UPDATE orders SET status = 'void' WHERE id = :id OR 1 = 1",
            "UPDATE orders SET status = lower('VOID') WHERE id = :id",
            "UPDATE orders SET n = n + 1 WHERE id = :id",
            "UPDATE orders SET n = 'x' WHERE id = :id",
            "UPDATE orders SET n = 99999999999999999999 WHERE id = :id",
            "UPDATE orders SET n = 1.5 WHERE id = :id",
            "UPDATE orders SET id = 9 WHERE id = :id",
            "UPDATE orders SET status = 'void' WHERE n = :id",
            "UPDATE orders SET status = 'void' WHERE id = :id; DROP TABLE orders",
            "UPDATE orders SET status = 'void' -- WHERE id = :id",
            "UPDATE orders SET status = 'void",
            "",
        ] {
            check(sql, expect!["a person"]);
        }
    }
}
