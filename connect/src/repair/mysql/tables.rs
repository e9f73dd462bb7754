//! What the server says of the tables of a repair: their columns, and what acts when they are written.

use super::client::{Cells, Client};
use crate::repair::server::Failure;
use crate::repair::statement::Verb;
use model::{Dialect, Value};

pub(super) struct Table {
    pub(super) engine: String,
    pub(super) transactional: bool,
    pub(super) partitioned: bool,
    pub(super) columns: Vec<Column>,
    /// Keys of other tables that do something to their rows when this table's are written.
    pub(super) acting: Vec<Acting>,
}

pub(super) struct Column {
    pub(super) name: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Integer,
    Decimal,
    Real,
    Bit,
    Bytes,
    Text,
}

/// A foreign key with CASCADE or SET NULL.
pub(super) struct Acting {
    /// Schema and table, in quotes.
    pub(super) child: String,
    /// Column there, in quotes, and the column here that it points to.
    pub(super) columns: Vec<(String, String)>,
    pub(super) on_delete: bool,
    pub(super) on_update: bool,
}

/// A text as a literal that needs no escapes and has its own character set.
pub(super) fn literal(text: &str) -> String {
    format!("_utf8mb4 X'{}'", model::digest::hex(text.as_bytes()))
}

fn text(cell: Option<Vec<u8>>) -> String {
    String::from_utf8_lossy(&cell.unwrap_or_default()).into_owned()
}

/// `None`: the account sees no such table.
pub(super) fn find(client: &mut Client, name: &str) -> Result<Option<Table>, Failure> {
    let here = format!(
        "TABLE_SCHEMA = DATABASE() AND TABLE_NAME = {}",
        literal(name)
    );
    let engine = client.rows(&format!(
        "SELECT t.ENGINE, e.TRANSACTIONS, t.CREATE_OPTIONS FROM information_schema.TABLES t \
         LEFT JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE \
         WHERE t.{here} AND t.TABLE_TYPE = 'BASE TABLE'",
        here = here.replace("AND TABLE_NAME", "AND t.TABLE_NAME"),
    ))?;
    let Some(engine) = engine.into_iter().next() else {
        return Ok(None);
    };
    let mut engine = engine.into_iter();
    let mut next = || text(engine.next().flatten());
    let (engine, transactions, options) = (next(), next(), next());
    let columns = client.rows(&format!(
        "SELECT COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS WHERE {here} \
         AND COALESCE(GENERATION_EXPRESSION, '') = '' ORDER BY ORDINAL_POSITION"
    ))?;
    let column = |row: Cells| {
        let mut row = row.into_iter();
        Column {
            name: text(row.next().flatten()),
            kind: Kind::of(&text(row.next().flatten())),
        }
    };
    Ok(Some(Table {
        engine,
        transactional: transactions == "YES",
        partitioned: options.contains("partitioned"),
        columns: columns.into_iter().map(column).collect(),
        acting: acting(client, name)?,
    }))
}

fn acting(client: &mut Client, name: &str) -> Result<Vec<Acting>, Failure> {
    let rows = client.rows(&format!(
        "SELECT k.CONSTRAINT_SCHEMA, k.CONSTRAINT_NAME, k.TABLE_SCHEMA, k.TABLE_NAME, k.COLUMN_NAME, \
           k.REFERENCED_COLUMN_NAME, r.DELETE_RULE, r.UPDATE_RULE \
         FROM information_schema.KEY_COLUMN_USAGE k \
         JOIN information_schema.REFERENTIAL_CONSTRAINTS r ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA \
           AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME AND r.TABLE_NAME = k.TABLE_NAME \
         WHERE k.REFERENCED_TABLE_SCHEMA = DATABASE() AND k.REFERENCED_TABLE_NAME = {} \
         ORDER BY 1, 3, 4, 2, k.ORDINAL_POSITION",
        literal(name)
    ))?;
    let mut found: Vec<Acting> = Vec::new();
    let mut last = Vec::new();
    for row in rows {
        let row: Vec<String> = row.into_iter().map(text).collect();
        let [_, _, schema, table, column, referenced, delete, update] = row.as_slice() else {
            continue;
        };
        let acts = |rule: &str| !matches!(rule, "RESTRICT" | "NO ACTION");
        let quoted = |name: &str| Dialect::Mysql.quoted(name);
        if row[..4] != last[..] {
            found.push(Acting {
                child: format!("{}.{}", quoted(schema), quoted(table)),
                columns: Vec::new(),
                on_delete: acts(delete),
                on_update: acts(update),
            });
            last = row[..4].to_vec();
        }
        if let Some(key) = found.last_mut() {
            key.columns.push((quoted(column), referenced.clone()));
        }
    }
    found.retain(|key| key.on_delete || key.on_update);
    Ok(found)
}

/// Triggers that such a statement sets off.
pub(super) fn triggers(
    client: &mut Client,
    table: &str,
    verb: Verb,
) -> Result<Vec<String>, Failure> {
    let event = match verb {
        Verb::Insert => "INSERT",
        Verb::Update => "UPDATE",
        Verb::Delete => "DELETE",
    };
    let rows = client.rows(&format!(
        "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = DATABASE() \
         AND EVENT_OBJECT_TABLE = {} AND EVENT_MANIPULATION = '{event}' ORDER BY 1",
        literal(table)
    ))?;
    Ok(rows.into_iter().flatten().map(text).collect())
}

/// An account without this right is told that there are none.
pub(super) fn may_see_triggers(client: &mut Client) -> Result<bool, Failure> {
    let grants = client.rows("SHOW GRANTS")?;
    let given = |cell| {
        let grant = text(cell);
        // Behind it stand names, which may be anything.
        let rights = grant.split(" ON ").next().unwrap_or_default();
        rights.contains("ALL PRIVILEGES") || rights.contains("TRIGGER")
    };
    Ok(grants.into_iter().flatten().any(given))
}

impl Table {
    pub(super) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name == name)
    }

    pub(super) fn select(&self) -> String {
        let one = |column: &Column| {
            let name = Dialect::Mysql.quoted(&column.name);
            match column.kind {
                // As it is, not rounded for display. A product, so that minus zero stays what it is.
                Kind::Real => format!("({name} * 1e0)"),
                _ => name,
            }
        };
        self.columns.iter().map(one).collect::<Vec<_>>().join(", ")
    }
}

/// The column, in quotes, holds this value, in the database's own sense.
pub(super) fn holds(column: &str, value: &Value) -> String {
    match value {
        Value::Null => format!("{column} IS NULL"),
        Value::Integer(i) => format!("{column} = {i}"),
        Value::Real(r) => format!("{column} = {r:e}"),
        Value::Text(bytes) => format!("{column} = _utf8mb4 X'{}'", model::digest::hex(bytes)),
        Value::Blob(bytes) => format!("{column} = X'{}'", model::digest::hex(bytes)),
    }
}

impl Column {
    /// The server's text in canonical form, as the source that is watched gives it.
    pub(super) fn value(&self, cell: Option<Vec<u8>>) -> Value {
        let Some(cell) = cell else {
            return Value::Null;
        };
        let parsed = std::str::from_utf8(&cell).ok();
        match self.kind {
            // Unsigned numbers beyond `i64` stay texts.
            Kind::Integer => parsed
                .and_then(|t| t.parse().ok())
                .map_or_else(|| Value::Text(cell.clone()), Value::Integer),
            Kind::Real => parsed
                .and_then(|t| t.parse().ok())
                .map_or_else(|| Value::Text(cell.clone()), Value::Real),
            Kind::Decimal => Value::Text(decimal(&cell)),
            Kind::Bit if cell.len() < 8 || cell.first().is_some_and(|b| *b < 0x80) => {
                Value::Integer(cell.iter().fold(0, |n, b| n << 8 | i64::from(*b)))
            }
            Kind::Bit | Kind::Bytes => Value::Blob(cell),
            Kind::Text => Value::Text(cell),
        }
    }
}

impl Kind {
    fn of(data_type: &str) -> Self {
        match data_type.to_ascii_lowercase().as_str() {
            "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "year" => Self::Integer,
            "decimal" => Self::Decimal,
            "float" | "double" => Self::Real,
            "bit" => Self::Bit,
            "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob"
            | "geometry" | "point" | "linestring" | "polygon" | "multipoint"
            | "multilinestring" | "multipolygon" | "geometrycollection" | "geomcollection" => {
                Self::Bytes
            }
            _ => Self::Text,
        }
    }
}

/// Without the zeros of ZEROFILL, and without the sign of zero.
fn decimal(text: &[u8]) -> Vec<u8> {
    let (negative, digits) = match text.split_first() {
        Some((b'-', digits)) => (true, digits),
        _ => (false, text),
    };
    let zeros = digits
        .windows(2)
        .take_while(|pair| pair[0] == b'0' && pair[1].is_ascii_digit());
    let digits = &digits[zeros.count()..];
    let zero = digits.iter().all(|d| matches!(d, b'0' | b'.'));
    let sign: &[u8] = if negative && !zero { b"-" } else { b"" };
    [sign, digits].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_in_canonical_form() {
        let value = |data_type: &str, cell: &[u8]| {
            let column = Column {
                name: String::new(),
                kind: Kind::of(data_type),
            };
            column.value(Some(cell.to_vec()))
        };
        assert_eq!(value("decimal", b"-0.00"), Value::text("0.00"));
        assert_eq!(value("decimal", b"0012.50"), Value::text("12.50"));
        assert_eq!(
            value("bigint", b"18446744073709551615"),
            Value::text("18446744073709551615")
        );
        assert_eq!(value("int", b"-7"), Value::Integer(-7));
        assert_eq!(value("double", b"1e100"), Value::Real(1e100));
        assert_eq!(value("bit", &[1, 0]), Value::Integer(256));
        assert_eq!(value("blob", b"a"), Value::Blob(b"a".to_vec()));
        assert_eq!(value("enum", b"a"), Value::text("a"));
    }
}
