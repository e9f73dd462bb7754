//! What a column keeps of a literal, in the canonical form in which it is read back.
//!
//! A wrong guess does no harm: the row is read back before a repair is committed. It is made only
//! where the declared type leaves little doubt.

use model::{Dialect, Value};

/// A literal of SQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Literal {
    Null,
    Integer(i64),
    Text(String),
    Boolean(bool),
}

/// What a column's declared type makes of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Integer,
    Real,
    /// Decimals shown; `None`: as many as were written.
    Decimal(Option<usize>),
    Boolean,
    Text,
    /// PostgreSQL's `character(n)`, filled with blanks.
    Padded(usize),
    Blob,
    /// SQLite: kept as it comes.
    Any,
    Other,
}

impl Kind {
    pub(crate) fn of(dialect: Dialect, declared: &str) -> Self {
        let declared = declared.trim().to_lowercase();
        match dialect {
            Dialect::Sqlite => sqlite(&declared),
            Dialect::Postgres => postgres(&declared),
            Dialect::Mysql => mysql(&declared),
        }
    }

    /// `None` where a conversion would have to be guessed.
    pub(crate) fn keeps(self, literal: Literal) -> Option<Value> {
        Some(match (self, literal) {
            (_, Literal::Null) => Value::Null,
            (Self::Integer | Self::Any, Literal::Integer(i)) => Value::Integer(i),
            // Beyond 2^53 a real would not be the integer.
            (Self::Real, Literal::Integer(i)) if i.unsigned_abs() <= 1 << 53 => {
                Value::Real(i as f64)
            }
            (Self::Decimal(scale), Literal::Integer(i)) => match scale {
                Some(scale @ 1..) => Value::text(&format!("{i}.{}", "0".repeat(scale))),
                _ => Value::text(&i.to_string()),
            },
            (Self::Text, Literal::Integer(i)) => Value::text(&i.to_string()),
            (Self::Padded(length), Literal::Text(text)) => {
                let missing = length.saturating_sub(text.chars().count());
                Value::text(&(text + &" ".repeat(missing)))
            }
            (Self::Text | Self::Any | Self::Other, Literal::Text(text)) => Value::text(&text),
            (Self::Boolean, Literal::Boolean(truth)) => Value::text(&truth.to_string()),
            (Self::Integer, Literal::Boolean(truth)) => Value::Integer(truth.into()),
            _ => return None,
        })
    }
}

/// SQLite, "Datatypes in SQLite", 3.1. Other affinities convert what looks like a number.
fn sqlite(declared: &str) -> Kind {
    let has = |parts: &[&str]| parts.iter().any(|p| declared.contains(p));
    if has(&["int"]) {
        Kind::Integer
    } else if has(&["char", "clob", "text"]) {
        Kind::Text
    } else if declared.is_empty() || has(&["blob"]) {
        Kind::Any
    } else if has(&["real", "floa", "doub"]) {
        Kind::Real
    } else {
        Kind::Integer
    }
}

/// As `format_type` writes it.
fn postgres(declared: &str) -> Kind {
    match base(declared) {
        _ if declared.ends_with(']') => Kind::Other,
        "smallint" | "integer" | "bigint" => Kind::Integer,
        "real" | "double precision" => Kind::Real,
        "numeric" => Kind::Decimal(within(declared).map(|p| p.get(1).copied().unwrap_or(0))),
        "boolean" => Kind::Boolean,
        "text" | "character varying" => Kind::Text,
        "character" => Kind::Padded(
            within(declared)
                .and_then(|p| p.first().copied())
                .unwrap_or(1),
        ),
        "bytea" => Kind::Blob,
        _ => Kind::Other,
    }
}

/// As `COLUMN_TYPE` says it.
fn mysql(declared: &str) -> Kind {
    let first = base(declared).split(' ').next().unwrap_or_default();
    match first {
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "year" => Kind::Integer,
        "float" | "double" => Kind::Real,
        "decimal" => {
            let scale = within(declared).and_then(|p| p.get(1).copied());
            Kind::Decimal(Some(scale.unwrap_or(0)))
        }
        "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" | "enum" | "set" => {
            Kind::Text
        }
        "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => Kind::Blob,
        _ => Kind::Other,
    }
}

fn base(declared: &str) -> &str {
    declared.split('(').next().unwrap_or_default().trim()
}

/// The numbers in a type's parentheses.
fn within(declared: &str) -> Option<Vec<usize>> {
    let (_, rest) = declared.split_once('(')?;
    let (numbers, _) = rest.split_once(')')?;
    numbers.split(',').map(|n| n.trim().parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_is_kept_as_the_column_keeps_it() {
        let kept = |dialect, declared: &str, literal| {
            let value = Kind::of(dialect, declared).keeps(literal);
            value.map_or("?".to_owned(), |v| v.as_ref().to_string())
        };
        use Dialect::{Mysql, Postgres, Sqlite};
        let int = Literal::Integer;
        let text = |t: &str| Literal::Text(t.to_owned());
        assert_eq!(kept(Postgres, "numeric(12,2)", int(-5)), "-5.00");
        assert_eq!(kept(Postgres, "numeric", int(0)), "0");
        assert_eq!(kept(Postgres, "numeric(5)", int(0)), "0");
        assert_eq!(kept(Postgres, "character(6)", text("void")), "void  ");
        assert_eq!(kept(Postgres, "boolean", Literal::Boolean(true)), "true");
        assert_eq!(kept(Postgres, "boolean", int(1)), "?");
        assert_eq!(kept(Postgres, "public.state", text("void")), "void");
        assert_eq!(kept(Postgres, "integer", text("1")), "?");
        assert_eq!(kept(Postgres, "integer[]", int(1)), "?");
        assert_eq!(kept(Mysql, "decimal(12,2)", int(0)), "0.00");
        assert_eq!(kept(Mysql, "decimal(12,2) unsigned", int(7)), "7.00");
        assert_eq!(kept(Mysql, "tinyint(1)", Literal::Boolean(false)), "0");
        assert_eq!(kept(Mysql, "int unsigned", int(3)), "3");
        assert_eq!(kept(Mysql, "enum('a','void')", text("void")), "void");
        assert_eq!(kept(Sqlite, "VARCHAR(3)", int(3)), "3");
        assert_eq!(kept(Sqlite, "INTEGER", text("x")), "?");
    }
}
