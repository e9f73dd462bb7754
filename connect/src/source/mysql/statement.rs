//! Statements in the binlog: which end a transaction, and which may concern guarded tables.
//!
//! Row events say what changed. A statement does not, so that one which may have changed guarded
//! rows or columns is never passed over. Where a statement cannot be told for sure, it concerns.

/// What a statement is to the transaction that it stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Control {
    Begin,
    Commit,
    Rollback,
    /// Sets a point to roll back to; nothing happens.
    Savepoint,
    /// Takes back a part of the transaction that stands in the log already.
    RollbackTo,
    XaStart,
    XaEnd,
    XaCommit,
    XaRollback,
    /// Anything else.
    None,
}

pub(super) fn control(sql: &[u8]) -> Control {
    let head = words(sql, 4);
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    match head.as_slice() {
        ["BEGIN", ..] | ["START", "TRANSACTION", ..] => Control::Begin,
        ["COMMIT", ..] => Control::Commit,
        ["ROLLBACK"] | ["ROLLBACK", "WORK"] => Control::Rollback,
        ["ROLLBACK", ..] => Control::RollbackTo,
        ["SAVEPOINT", ..] | ["RELEASE", "SAVEPOINT", ..] => Control::Savepoint,
        ["XA", "START" | "BEGIN", ..] => Control::XaStart,
        ["XA", "END", ..] => Control::XaEnd,
        ["XA", "COMMIT", ..] => Control::XaCommit,
        ["XA", "ROLLBACK", ..] => Control::XaRollback,
        _ => Control::None,
    }
}

/// The name of an XA transaction as the server writes it, `X'6131',X'',1`, in the form of
/// `event::Gtid::xid`.
pub(super) fn xid(sql: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(sql).ok()?;
    let (_, rest) = text.split_once("X'")?;
    let (global, rest) = rest.split_once("',X'")?;
    let (branch, rest) = rest.split_once("',")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    let mut out = digits.parse::<u32>().ok()?.to_le_bytes().to_vec();
    for hex in [global, branch] {
        for pair in hex.as_bytes().chunks(2) {
            let pair = std::str::from_utf8(pair).ok()?;
            out.push(u8::from_str_radix(pair, 16).ok()?);
        }
    }
    Some(out)
}

/// Whether a statement leaves every row and every column as they are, whatever it names.
fn is_harmless(head: &[String]) -> bool {
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    let made = match head.as_slice() {
        ["CREATE", "OR", "REPLACE", rest @ ..] => rest,
        // One that is there already is not made again; what a temporary one is called is its own.
        ["CREATE", "TABLE" | "TEMPORARY", ..] | ["DROP", "TEMPORARY", ..] => return true,
        ["CREATE" | "DROP" | "ALTER", rest @ ..] => rest,
        [
            "GRANT" | "REVOKE" | "FLUSH" | "ANALYZE" | "SET" | "OPTIMIZE" | "CHECK",
            ..,
        ] => {
            return true;
        }
        _ => return false,
    };
    match made.first() {
        Some(&("USER" | "ROLE" | "VIEW" | "INDEX" | "EVENT" | "SERVER" | "ALGORITHM" | "SQL")) => {
            true
        }
        Some(&("UNIQUE" | "FULLTEXT" | "SPATIAL")) => true,
        // A definer may stand before any of these; none of them touches rows when it is made.
        Some(&("DEFINER" | "TRIGGER" | "PROCEDURE" | "FUNCTION" | "AGGREGATE")) => true,
        _ => false,
    }
}

/// Which of these tables of this database a statement may concern.
pub(super) fn concerned<'t>(
    sql: &[u8],
    default_database: &[u8],
    database: &str,
    tables: impl Iterator<Item = &'t str>,
) -> Vec<&'t str> {
    if is_harmless(&words(sql, 6)) {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(sql).to_lowercase();
    let database = database.to_lowercase();
    let at_home = String::from_utf8_lossy(default_database).to_lowercase() == database;
    if !at_home && !names(&text, &database) {
        return Vec::new();
    }
    let whole = words(sql, 2);
    let whole: Vec<&str> = whole.iter().map(String::as_str).collect();
    // What writes rows may fire triggers and call functions, which name other tables.
    let writes = [
        "INSERT", "UPDATE", "DELETE", "REPLACE", "LOAD", "WITH", "SELECT", "DO", "CALL",
    ];
    let by_triggers = whole.first().is_some_and(|word| writes.contains(word));
    if by_triggers || matches!(whole.as_slice(), ["DROP" | "ALTER", "DATABASE" | "SCHEMA"]) {
        return tables.collect();
    }
    tables
        .filter(|table| names(&text, &table.to_lowercase()))
        .collect()
}

/// Whether a name stands in a text by itself.
fn names(text: &str, name: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find(name)) {
        let (start, end) = (from + at, from + at + name.len());
        let before = text[..start].chars().next_back();
        let behind = text[end..].chars().next();
        if !before.is_some_and(part) && !behind.is_some_and(part) {
            return true;
        }
        from = start + text[start..].chars().next().map_or(1, char::len_utf8);
    }
    false
}

/// The first words in upper case, comments left out; other signs part words.
fn words(sql: &[u8], most: usize) -> Vec<String> {
    let text = String::from_utf8_lossy(sql);
    let mut rest = text.as_ref();
    let mut words = Vec::new();
    while words.len() < most && !rest.is_empty() {
        if let Some(comment) = rest.strip_prefix("/*") {
            // What stands in /*! */ is run: it is read like the rest.
            rest = match comment
                .strip_prefix('!')
                .or_else(|| comment.strip_prefix("M!"))
            {
                Some(run) => run.trim_start_matches(|c: char| c.is_ascii_digit()),
                None => comment.split_once("*/").map_or("", |(_, rest)| rest),
            };
        } else if rest.starts_with("-- ") || rest.starts_with('#') {
            rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
        } else {
            let end = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            if end > 0 {
                words.push(rest[..end].to_uppercase());
                rest = &rest[end..];
            } else {
                let first = rest.chars().next().map_or(1, char::len_utf8);
                rest = &rest[first..];
            }
        }
    }
    words
}

/// What a stamp's comment begins with, at the very beginning or the very end of a statement.
const STAMP: &str = "balefire:";
/// Longer comments are none of ours.
const MAX_STAMP: usize = 1_024;

/// The shop's stamp in a statement. Only a comment that begins or ends the statement counts: what
/// a customer wrote may stand in a literal, and never there.
pub(super) fn stamp(sql: &[u8]) -> Option<Vec<u8>> {
    let sql = sql.trim_ascii();
    let leading = sql.strip_prefix(b"/*").and_then(|rest| {
        let end = rest.windows(2).take(MAX_STAMP).position(|w| w == b"*/")?;
        rest.get(..end)
    });
    let trailing = || {
        let sql = sql.strip_suffix(b";").unwrap_or(sql).trim_ascii_end();
        let rest = sql.strip_suffix(b"*/")?;
        let from = rest.len().saturating_sub(MAX_STAMP);
        let start = rest[from..].windows(2).rposition(|w| w == b"/*")?;
        rest.get(from + start + 2..)
    };
    let of = |comment: &[u8]| {
        let token = comment.trim_ascii().strip_prefix(STAMP.as_bytes())?;
        Some(token.trim_ascii().to_vec())
    };
    leading.and_then(of).or_else(|| trailing().and_then(of))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_ends_of_transactions_are_told_apart() {
        assert_eq!(control(b"BEGIN"), Control::Begin);
        assert_eq!(control(b"commit"), Control::Commit);
        assert_eq!(control(b"ROLLBACK"), Control::Rollback);
        assert_eq!(control(b"ROLLBACK TO `a`"), Control::RollbackTo);
        assert_eq!(control(b"SAVEPOINT `a`"), Control::Savepoint);
        assert_eq!(control(b"XA COMMIT X'61',X'',1"), Control::XaCommit);
        assert_eq!(control(b"DROP TABLE commits"), Control::None);
    }

    #[test]
    fn statements_that_may_change_rows_concern() {
        let of = |sql: &str, database: &str| {
            let tables = ["orders", "Order Line"].into_iter();
            concerned(sql.as_bytes(), database.as_bytes(), "shop", tables).len()
        };
        for (sql, database, expected) in [
            ("TRUNCATE TABLE orders", "shop", 1),
            ("TRUNCATE `shop`.`orders`", "other", 1),
            ("TRUNCATE orders", "other", 0),
            ("/* x */ alter table ORDERS add c int", "shop", 1),
            ("RENAME TABLE `Order Line` TO x, orders TO y", "shop", 2),
            ("alter table old_orders add a int", "shop", 0),
            ("update old_orders set a = 1", "shop", 2),
            ("update old_orders set a = 1", "other", 0),
            ("DELETE o FROM orders o", "shop", 2),
            (
                "DROP TABLE IF EXISTS `orders` /* generated by server */",
                "shop",
                1,
            ),
            ("CREATE OR REPLACE TABLE orders (a int)", "shop", 1),
            ("DROP DATABASE shop", "shop", 2),
            ("CREATE INDEX i ON orders (a)", "shop", 0),
            (
                "CREATE DEFINER=`a`@`b` TRIGGER t BEFORE INSERT ON orders FOR EACH ROW SET @a = 1",
                "shop",
                0,
            ),
            ("CREATE TABLE more LIKE orders", "shop", 0),
            ("/*!50000 TRUNCATE */ orders", "shop", 1),
            ("GRANT SELECT ON orders TO a", "shop", 0),
        ] {
            assert_eq!(of(sql, database), expected, "{sql}");
        }
    }

    #[test]
    fn a_stamp_stands_at_an_end_of_its_statement() {
        let found = |sql: &str| stamp(sql.as_bytes()).map(|s| String::from_utf8(s).unwrap());
        assert_eq!(
            found("/* balefire:v1.a.1.ff */ update t set a = 1"),
            Some("v1.a.1.ff".into())
        );
        assert_eq!(
            found("update t set a = 1 /*balefire:v1.a.1.ff*/ ; "),
            Some("v1.a.1.ff".into())
        );
        assert_eq!(found("update t set a = '/*balefire:v1.a.1.ff*/'"), None);
        assert_eq!(found("update t set a = 1 /* other */"), None);
        assert_eq!(found("/*balefire:unended"), None);
    }

    proptest! {
        #[test]
        fn nothing_panics(sql in proptest::collection::vec(any::<u8>(), 0..80), text in "\\PC{0,40}") {
            for sql in [sql.as_slice(), text.as_bytes()] {
                control(sql);
                stamp(sql);
                concerned(sql, b"shop", "shop", ["orders", "é"].into_iter());
            }
        }
    }
}
