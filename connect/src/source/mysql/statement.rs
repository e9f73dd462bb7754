//! Statements in the binlog: which end a transaction, and which may concern guarded tables.
//!
//! Row events say what changed. A statement does not, so that one which may have changed guarded
//! rows or columns is never passed over. Where a statement cannot be told for sure, it concerns.

use super::lexer::{self, Part, Parts, Reading};

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

/// The server writes these by itself, in few words; what only looks alike is `None`.
pub(super) fn control(sql: &[u8]) -> Control {
    if sql.len() > MAX_CONTROL {
        return Control::None;
    }
    let text = String::from_utf8_lossy(sql);
    let read = lexer::parts(&text, READINGS[0]);
    if read.unsound || read.unended || read.uncertain > 0 || read.parts.contains(&Part::Sign(';')) {
        return Control::None;
    }
    let word = |part: &Part| match part {
        Part::Word(word) => word.clone(),
        _ => String::new(),
    };
    let all: Vec<String> = read.parts.iter().map(word).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    match all.as_slice() {
        ["BEGIN"] | ["BEGIN", "WORK"] | ["START", "TRANSACTION"] => Control::Begin,
        ["COMMIT"] | ["COMMIT", "WORK"] => Control::Commit,
        ["ROLLBACK"] | ["ROLLBACK", "WORK"] => Control::Rollback,
        ["ROLLBACK", "TO", _] | ["ROLLBACK", "TO", "SAVEPOINT", _] => Control::RollbackTo,
        ["SAVEPOINT", _] | ["RELEASE", "SAVEPOINT", _] => Control::Savepoint,
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

/// Longer texts are none of a transaction's beginning or end.
const MAX_CONTROL: usize = 1_024;
/// Longer texts are not looked into: they may concern anything.
const MAX_TEXT: usize = 1 << 20;
const READINGS: [Reading; 4] = [
    reading(true, true),
    reading(true, false),
    reading(false, true),
    reading(false, false),
];

const fn reading(runs: bool, escapes: bool) -> Reading {
    Reading { runs, escapes }
}

/// What a statement may do to rows and columns of which no row event tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Leaves all as they are, whatever it names.
    Nothing,
    /// Makes a table, unless it is there.
    Makes,
    /// Of the tables that it names only.
    Named,
    /// Of all tables of the databases that it names.
    Databases,
    /// It writes rows, or nobody knows: by views, triggers and functions of any table.
    Anything,
}

/// What a statement does, and the word that says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Meaning {
    pub(super) verb: String,
    pub(super) effect: Effect,
}

pub(super) fn meaning(sql: &[u8]) -> Meaning {
    let text = String::from_utf8_lossy(sql);
    let anything = |verb: String| Meaning {
        verb,
        effect: Effect::Anything,
    };
    if text.len() > MAX_TEXT {
        let first = text.split_whitespace().next().unwrap_or_default();
        return anything(first.chars().take(20).collect());
    }
    let mut known: Option<Meaning> = None;
    for how in READINGS {
        let read = lexer::parts(&text, how);
        if read.unended {
            continue;
        }
        let this = of(&read);
        if read.unsound || read.uncertain > 1 {
            return anything(this.verb);
        }
        match &known {
            Some(known) if *known != this => return anything(known.verb.clone()),
            _ => known = Some(this),
        }
        // Both differ only where there is something to be read in two ways.
        if read.uncertain == 0 && !text.contains('\\') {
            break;
        }
    }
    known.unwrap_or_else(|| anything(String::new()))
}

fn of(read: &Parts) -> Meaning {
    let (rest, sure) = behind_prefixes(&read.parts);
    let words: Vec<&str> = rest
        .iter()
        .map_while(|part| match part {
            Part::Word(word) => Some(word.as_str()),
            _ => None,
        })
        .take(8)
        .collect();
    let effect = if sure && !runs_more(rest, &words) {
        effect(&words, rest)
    } else {
        Effect::Anything
    };
    Meaning {
        verb: words.first().copied().unwrap_or_default().to_owned(),
        effect,
    }
}

/// What is run: behind `SET STATEMENT .. FOR`, `ANALYZE` of a statement, and brackets. `false`:
/// what stands before it may run something itself.
fn behind_prefixes(parts: &[Part]) -> (&[Part], bool) {
    let mut rest = parts;
    let mut sure = true;
    loop {
        rest = match rest {
            [Part::Sign('(' | ';' | '*' | '/'), rest @ ..] => rest,
            [set, statement, more @ ..] if set.is("SET") && statement.is("STATEMENT") => {
                // FOR is reserved: unquoted, no variable is called so.
                let Some(at) = more.iter().position(|part| part.is("FOR")) else {
                    return (rest, false);
                };
                sure &= !more[..at].contains(&Part::Sign('('));
                &more[at + 1..]
            }
            [analyze, format, Part::Sign('='), _, rest @ ..]
                if analyze.is("ANALYZE") && format.is("FORMAT") =>
            {
                sure = false;
                rest
            }
            [analyze, rest @ ..] if analyze.is("ANALYZE") && !of_table(rest) => {
                sure = false;
                rest
            }
            _ => return (rest, sure),
        };
    }
}

fn of_table(rest: &[Part]) -> bool {
    let rest = match rest {
        [quiet, rest @ ..] if quiet.is("NO_WRITE_TO_BINLOG") || quiet.is("LOCAL") => rest,
        _ => rest,
    };
    rest.first()
        .is_some_and(|part| part.is("TABLE") || part.is("TABLES"))
}

/// Whether another statement may follow this one. Programs that are only kept have several.
fn runs_more(rest: &[Part], words: &[&str]) -> bool {
    let kept = [
        "TRIGGER",
        "PROCEDURE",
        "FUNCTION",
        "EVENT",
        "PACKAGE",
        "DEFINER",
    ];
    if words.first() == Some(&"CREATE") && words.iter().any(|word| kept.contains(word)) {
        return false;
    }
    let ends = rest.iter().position(|part| *part == Part::Sign(';'));
    ends.is_some_and(|at| {
        let mut behind = rest[at..].iter();
        behind.any(|part| !matches!(part, Part::Sign(';' | '*' | '/')))
    })
}

fn effect(words: &[&str], parts: &[Part]) -> Effect {
    let (made, again) = match words {
        // A comment only.
        [] if parts.is_empty() => return Effect::Nothing,
        ["GRANT" | "REVOKE" | "FLUSH", ..] => return Effect::Nothing,
        ["SET", "PASSWORD", ..] => return Effect::Nothing,
        ["SET", ..] if !parts.contains(&Part::Sign('(')) => return Effect::Nothing,
        ["ANALYZE" | "OPTIMIZE" | "CHECK", ..] if of_table(&parts[1..]) => return Effect::Nothing,
        ["TRUNCATE" | "RENAME" | "REPAIR" | "IMPORT", ..] => return Effect::Named,
        // What a temporary table is called is its own.
        ["DROP", "TEMPORARY", ..] => return Effect::Nothing,
        ["CREATE", "OR", "REPLACE", made @ ..] => (made, true),
        ["CREATE", made @ ..] => (made, false),
        ["DROP" | "ALTER", made @ ..] => (made, true),
        _ => return Effect::Anything,
    };
    match made.first().copied().unwrap_or_default() {
        "USER" | "ROLE" | "VIEW" | "INDEX" | "EVENT" | "SERVER" | "ALGORITHM" | "SQL"
        | "UNIQUE" | "FULLTEXT" | "SPATIAL" => Effect::Nothing,
        // A definer may stand before any of these; none of them touches rows when it is made.
        "DEFINER" | "TRIGGER" | "PROCEDURE" | "FUNCTION" | "AGGREGATE" | "PACKAGE" => {
            Effect::Nothing
        }
        "DATABASE" | "SCHEMA" if again => Effect::Databases,
        "DATABASE" | "SCHEMA" => Effect::Nothing,
        // Functions that write rows are run by what fills a table.
        _ if words.first() == Some(&"CREATE") && is_filled(parts) => Effect::Anything,
        // One that is there already is not made again.
        "TABLE" if !again => Effect::Makes,
        "TEMPORARY" => Effect::Nothing,
        _ => Effect::Named,
    }
}

/// `CREATE TABLE .. SELECT`, `.. VALUES (..)`, `.. TABLE other`.
fn is_filled(parts: &[Part]) -> bool {
    let table = parts.iter().filter(|part| part.is("TABLE")).count() > 1;
    let values = |two: &[Part]| match two {
        [values, next] => values.is("VALUES") && !next.is("LESS") && !next.is("IN"),
        _ => false,
    };
    table
        || parts
            .iter()
            .any(|p| ["SELECT", "WITH", "EXECUTE"].iter().any(|w| p.is(w)))
        || parts.windows(2).any(values)
}

/// A table, and the database that it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Named<'t> {
    pub(super) database: &'t str,
    pub(super) table: &'t str,
    /// `false`: it may be made yet.
    pub(super) there: bool,
}

/// Which of these tables a statement may concern.
pub(super) fn concerned<'t>(
    sql: &[u8],
    default_database: &[u8],
    tables: impl Iterator<Item = Named<'t>>,
) -> Vec<Named<'t>> {
    let effect = meaning(sql).effect;
    match effect {
        Effect::Nothing => return Vec::new(),
        Effect::Anything => return tables.collect(),
        Effect::Makes | Effect::Named | Effect::Databases => {}
    }
    let text = String::from_utf8_lossy(sql);
    let names = Names::of(&text);
    let home = String::from_utf8_lossy(default_database).to_lowercase();
    let concerns = |table: &Named<'t>| {
        if effect == Effect::Makes && table.there {
            return false;
        }
        let database = table.database.to_lowercase();
        let names_database = names.has(&database);
        if effect == Effect::Databases {
            return names_database;
        }
        (home == database || names_database) && names.has(&table.table.to_lowercase())
    };
    tables.filter(concerns).collect()
}

/// All that may be a name in a text, in whichever way it is read.
struct Names {
    text: String,
    parts: Vec<String>,
}

impl Names {
    fn of(text: &str) -> Self {
        let parts = READINGS
            .iter()
            .flat_map(|how| lexer::parts(text, *how).parts);
        let parts = parts.filter_map(|part| match part {
            Part::Word(name) | Part::Quoted(name) => Some(name.to_lowercase()),
            Part::Sign(_) => None,
        });
        Self {
            parts: parts.collect(),
            text: text.to_lowercase(),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.parts.iter().any(|part| part == name) || names(&self.text, name)
    }
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

    fn of(sql: &str, database: &str) -> usize {
        let table = |table| Named {
            database: "shop",
            table,
            there: table != "unmade",
        };
        let tables = ["orders", "Order Line"].into_iter().map(table);
        concerned(sql.as_bytes(), database.as_bytes(), tables).len()
    }

    #[test]
    fn statements_that_may_change_rows_concern() {
        for (sql, database, expected) in [
            ("TRUNCATE TABLE orders", "shop", 1),
            ("TRUNCATE `shop`.`orders`", "other", 1),
            ("TRUNCATE shop/**/./*x*/orders", "other", 1),
            ("TRUNCATE orders", "other", 0),
            ("/* x */ alter table ORDERS add c int", "shop", 1),
            ("-- x\n#y\n alter table ORDERS add c int", "shop", 1),
            ("RENAME TABLE `Order Line` TO x, orders TO y", "shop", 2),
            ("RENAME TABLE other.a TO shop.orders", "other", 1),
            (
                "ALTER TABLE other.x EXCHANGE PARTITION p WITH TABLE shop.orders",
                "other",
                1,
            ),
            ("alter table old_orders add a int", "shop", 0),
            ("update old_orders set a = 1", "shop", 2),
            ("DELETE o FROM orders o", "shop", 2),
            (
                "DROP TABLE IF EXISTS `orders` /* generated by server */",
                "shop",
                1,
            ),
            ("CREATE OR REPLACE TABLE orders (a int)", "shop", 1),
            ("DROP DATABASE shop", "shop", 2),
            ("DROP DATABASE `shop`", "", 2),
            ("CREATE OR REPLACE DATABASE shop", "", 2),
            ("DROP DATABASE other", "shop", 0),
            ("REPAIR TABLE orders", "shop", 1),
            ("/*!50000 TRUNCATE */ orders", "shop", 1),
            ("TRUNCATE /*!50000orders*/", "shop", 1),
        ] {
            assert_eq!(of(sql, database), expected, "{sql}");
        }
    }

    #[test]
    fn what_stands_before_a_statement_hides_nothing() {
        let set = "SET STATEMENT max_statement_time=100";
        for sql in [
            format!("{set} FOR TRUNCATE TABLE orders"),
            format!("{set} FOR ALTER TABLE orders ADD c INT"),
            format!("{set}, sql_mode='a '' FOR FLUSH TABLES' FOR TRUNCATE orders"),
            format!("{set} FOR {set} FOR /* x */ TRUNCATE orders"),
            format!("/*!50000 {set} FOR */ /*!50000 TRUNCATE */ orders"),
            format!("/*M!100100 {set} FOR */ TRUNCATE orders"),
            "SET /* STATEMENT */ STATEMENT a=1 /* FOR */ FOR DROP TABLE orders".into(),
        ] {
            assert!(of(&sql, "shop") >= 1, "{sql}");
            let other = sql.replace("orders", "old_orders");
            let certain = !sql.contains("/*M!");
            assert!(!certain || of(&other, "shop") == 0, "{other}");
        }
    }

    #[test]
    fn what_writes_rows_or_is_not_known_concerns_all_from_anywhere() {
        for sql in [
            "update old_orders set a = 1",
            "UPDATE v SET total = 1",
            "INSERT INTO x VALUES (1)",
            "REPLACE INTO x VALUES (1)",
            "LOAD DATA INFILE 'x' INTO TABLE x",
            "CALL p()",
            "DO f()",
            "SELECT `shop`.`f`()",
            "(SELECT f())",
            "((UPDATE v SET a = 1))",
            "WITH a AS (SELECT 1) UPDATE v SET a = 1",
            "SET STATEMENT max_statement_time=1 FOR UPDATE v SET a = 1",
            "SET STATEMENT max_statement_time=f() FOR FLUSH TABLES",
            "SET STATEMENT max_statement_time=1",
            "SET @a = f()",
            "ANALYZE UPDATE v SET a = 1",
            "ANALYZE FORMAT=JSON DELETE FROM v",
            "SET STATEMENT a=1 FOR ANALYZE UPDATE v SET a = 1",
            "EXECUTE IMMEDIATE 'UPDATE v SET a = 1'",
            "BEGIN NOT ATOMIC UPDATE v SET a = 1; END",
            "CREATE TABLE x SELECT f() AS a",
            "CREATE TABLE x (a INT) AS (SELECT f() AS a)",
            "CREATE OR REPLACE TABLE x AS VALUES (f())",
            "CREATE TEMPORARY TABLE x SELECT f()",
            "CREATE TABLE x TABLE v",
            "GRANT SELECT ON x TO a; UPDATE v SET a = 1",
            "HANDLER v OPEN",
            "/*!99999 SET */ UPDATE v SET a = 1",
            "/*!99999 SET @x=1 */ /*!50000 TRUNCATE orders*/",
            "/*!99999 GRANT */ /*!99999 x */ TRUNCATE shop.orders",
            "/* unended UPDATE v",
            "SET @a = 'unended",
            "CREATE TABLE x (a INT) COMMENT 'a\\' SELECT f() AS 'b\\'",
        ] {
            assert_eq!(of(sql, "evil"), 2, "{sql}");
            assert_eq!(control(sql.as_bytes()), Control::None, "{sql}");
        }
        assert_eq!(
            control(b"/*!99999 COMMIT */ TRUNCATE orders"),
            Control::None
        );
        assert_eq!(control(b"COMMIT; TRUNCATE orders"), Control::None);
    }

    #[test]
    fn what_makes_a_table_concerns_one_that_was_missed() {
        let missed = |table, there| Named {
            database: "evil",
            table,
            there,
        };
        let tables = [missed("p", false), missed("q", true)];
        let found = concerned(b"CREATE TABLE p LIKE q", b"evil", tables.into_iter());
        assert_eq!(found, [missed("p", false)]);
        assert!(concerned(b"CREATE TABLE p LIKE q", b"shop", tables.into_iter()).is_empty());
    }

    #[test]
    fn what_changes_no_rows_is_passed_over() {
        let trigger = "CREATE DEFINER=`a`@`b` TRIGGER t BEFORE INSERT ON orders FOR EACH ROW";
        for sql in [
            "CREATE INDEX i ON orders (a)",
            &format!("{trigger} SET @a = 1"),
            &format!("{trigger} BEGIN UPDATE orders SET a = 1; DELETE FROM orders; END"),
            "CREATE TABLE more LIKE orders",
            "CREATE TABLE `more` (`a` int(11) DEFAULT NULL COMMENT 'it\\'s') ENGINE=InnoDB",
            "CREATE TABLE m (a INT) PARTITION BY RANGE (a) (PARTITION p VALUES LESS THAN (7))",
            "CREATE TABLE m (a INT) /*!50100 PARTITION BY HASH (a) */",
            "CREATE TABLE m (a INT) START TRANSACTION",
            "CREATE VIEW v AS SELECT f() FROM orders",
            "GRANT SELECT ON orders TO a",
            "SET PASSWORD FOR a = PASSWORD('x')",
            "SET DEFAULT ROLE a FOR b",
            "ANALYZE TABLE orders",
            "ANALYZE NO_WRITE_TO_BINLOG TABLE orders",
            "OPTIMIZE LOCAL TABLE orders",
            "SET STATEMENT max_statement_time=1 FOR ANALYZE TABLE orders",
            "CREATE DATABASE other",
            "DROP TEMPORARY TABLE IF EXISTS orders",
            "FLUSH TABLES orders;",
            "# a comment",
        ] {
            assert_eq!(of(sql, "shop"), 0, "{sql}");
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
                let tables = ["orders", "é"].map(|table| Named {
                    database: "shop",
                    table,
                    there: true,
                });
                concerned(sql, b"shop", tables.into_iter());
            }
        }
    }
}
