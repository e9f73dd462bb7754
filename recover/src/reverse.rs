//! The statement that takes a ledger's forged row back by another row, where it is simple enough to
//! know beforehand what it writes:
//! `INSERT INTO t (column, ...) VALUES (literal | :column | -:column, ...)`.
//!
//! The forged row's whole key must be bound somewhere: only so can it be told that a row was taken
//! back already.

use crate::seal::cell;
use crate::stored::{Kind, Literal};
use crate::token::Tokens;
use crate::void::{column, names};
use model::{Dialect, Row, TableSchema, Value};

/// The columns that the entry sets, by position.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reverse {
    columns: Vec<(u16, Term)>,
}

#[derive(Clone, Debug, PartialEq)]
enum Term {
    Literal(Literal),
    Column(u16),
    Negated(u16),
}

/// `None`: not of the simple form, or it does not bind the whole key of this table's row.
pub(crate) fn parse(
    dialect: Dialect,
    sql: &str,
    schema: &TableSchema,
    key: &[u16],
) -> Option<Reverse> {
    let mut tokens = Tokens::of(sql)?;
    tokens.keyword("insert")?;
    tokens.keyword("into")?;
    if !names(&tokens.table()?, dialect, schema) {
        return None;
    }
    let columns = listed(&mut tokens, |tokens| column(schema, &tokens.name()?))?;
    tokens.keyword("values")?;
    let terms = listed(&mut tokens, |tokens| {
        if let Some(literal) = tokens.literal() {
            return Some(Term::Literal(literal));
        }
        let negated = tokens.sign('-').is_some();
        let bound = column(schema, &tokens.parameter()?)?;
        Some(if negated {
            Term::Negated(bound)
        } else {
            Term::Column(bound)
        })
    })?;
    tokens.end()?;
    let mut once = columns.clone();
    once.sort_unstable();
    once.dedup();
    // A key bound into itself would be the forged row's own.
    let binds = |k: &u16| {
        let mut pairs = columns.iter().zip(&terms);
        pairs.any(|(c, t)| *t == Term::Column(*k) && c != k)
    };
    let sound = columns.len() == terms.len() && once.len() == columns.len();
    (sound && key.iter().all(binds)).then(|| Reverse {
        columns: columns.into_iter().zip(terms).collect(),
    })
}

fn listed<T>(tokens: &mut Tokens, mut one: impl FnMut(&mut Tokens) -> Option<T>) -> Option<Vec<T>> {
    tokens.sign('(')?;
    let mut list = Vec::new();
    loop {
        list.push(one(tokens)?);
        if tokens.sign(',').is_none() {
            break;
        }
    }
    tokens.sign(')')?;
    Some(list)
}

impl Reverse {
    /// The entry that takes this row back; `None` where a value would have to be guessed.
    pub(crate) fn entry(
        &self,
        dialect: Dialect,
        schema: &TableSchema,
        forged: &Row,
    ) -> Option<Vec<(u16, Value)>> {
        let kind = |c: u16| Kind::of(dialect, &schema.columns[usize::from(c)].declared);
        let one = |(column, term): &(u16, Term)| {
            let value = match term {
                Term::Literal(literal) => kind(*column).keeps(literal.clone())?,
                Term::Column(from) => {
                    let value = cell(forged, *from);
                    converted(value, kind(*from), kind(*column))?
                }
                Term::Negated(from) => negated(cell(forged, *from), kind(*from), kind(*column))?,
            };
            Some((*column, value))
        };
        self.columns.iter().map(one).collect()
    }
}

/// A value of another column, kept as it is: only where both columns hold it alike.
fn converted(value: Value, from: Kind, to: Kind) -> Option<Value> {
    match (value, to) {
        (Value::Null, _) => Some(Value::Null),
        (Value::Integer(i), Kind::Text) => Some(Value::text(&i.to_string())),
        (value, to) if from == to => Some(value),
        (value @ Value::Text(_), Kind::Text) => Some(value),
        _ => None,
    }
}

fn negated(value: Value, from: Kind, to: Kind) -> Option<Value> {
    if from != to {
        return None;
    }
    Some(match value {
        Value::Null => Value::Null,
        Value::Integer(i) => Value::Integer(i.checked_neg()?),
        Value::Real(r) => Value::Real(-r),
        Value::Text(text) if matches!(from, Kind::Decimal(_)) => {
            let text = String::from_utf8(text).ok()?;
            let (negative, digits) = match text.strip_prefix('-') {
                Some(digits) => (true, digits),
                None => (false, text.as_str()),
            };
            if !digits.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
                return None;
            }
            let zero = digits.bytes().all(|b| matches!(b, b'0' | b'.'));
            let sign = if negative || zero { "" } else { "-" };
            Value::text(&format!("{sign}{digits}"))
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use model::ValueRef;
    use model::policy::ColumnSchema;
    use proptest::prelude::*;

    fn check(sql: &str, expected: Expect) {
        let column = |name: &str, declared: &str| ColumnSchema {
            name: name.into(),
            declared: declared.into(),
            not_null: false,
        };
        let schema = TableSchema {
            name: "book.entries".into(),
            columns: vec![
                column("id", "bigint"),
                column("amount", "numeric(12,2)"),
                column("reverses", "bigint"),
                column("note", "text"),
            ],
            primary_key: vec![0],
            foreign_keys: Vec::new(),
        };
        let forged = Row::from_values([
            ValueRef::Integer(7),
            ValueRef::Text(b"12.50"),
            ValueRef::Null,
            ValueRef::Text(b"x"),
        ]);
        let entry = parse(Dialect::Postgres, sql, &schema, &[0])
            .and_then(|r| r.entry(Dialect::Postgres, &schema, &forged));
        let shown = |(c, v): &(u16, Value)| format!("{}={}", schema.name_of(*c), v.as_ref());
        let entry = entry.map(|e| e.iter().map(shown).collect::<Vec<_>>().join(" "));
        expected.assert_eq(&entry.unwrap_or_else(|| "a person".into()));
    }

    #[test]
    fn an_entry_takes_a_row_back() {
        check(
            "INSERT INTO book.entries (amount, reverses, note) VALUES (-:amount, :id, 'reversed')",
            expect!["amount=-12.50 reverses=7 note=reversed"],
        );
        check(
            "insert into book.entries (reverses, note) values (:id, :id);",
            expect!["reverses=7 note=7"],
        );
    }

    #[test]
    fn anything_else_goes_to_a_person() {
        for sql in [
            "INSERT INTO book.entries (amount) VALUES (-:amount)",
            "INSERT INTO book.entries (id, amount) VALUES (:id, -:amount)",
            "INSERT INTO entries (reverses) VALUES (:id)",
            "INSERT INTO book.entries (reverses, note) VALUES (:id)",
            "INSERT INTO book.entries (reverses, reverses) VALUES (:id, :id)",
            "INSERT INTO book.entries (reverses, note) VALUES (:id, now())",
            "INSERT INTO book.entries (reverses, note) VALUES (:id, -:note)",
            "INSERT INTO book.entries (reverses) VALUES (:id) ON CONFLICT DO NOTHING",
            "INSERT INTO book.entries (reverses) VALUES (:id); DROP TABLE x",
            "INSERT INTO book.entries (reverses) SELECT 1",
            "",
        ] {
            check(sql, expect!["a person"]);
        }
    }

    proptest! {
        /// An operator may write anything.
        #[test]
        fn nothing_makes_it_stumble(sql in "(INSERT INTO t \\(|UPDATE t SET )?[-a-z0-9é'\"`:;=(),. \\n]{0,60}") {
            let schema = TableSchema {
                name: "t".into(),
                columns: Vec::new(),
                primary_key: Vec::new(),
                foreign_keys: Vec::new(),
            };
            for dialect in [Dialect::Sqlite, Dialect::Postgres, Dialect::Mysql] {
                prop_assert_eq!(parse(dialect, &sql, &schema, &[]), None);
                prop_assert_eq!(crate::void::parse(dialect, &sql, &schema, &[]), None);
            }
        }
    }
}
