//! What PostgreSQL says of the tables of a repair: their columns, and what acts when they are written.

use super::client::{Client, Texts};
use crate::repair::server::Failure;
use crate::repair::statement::Verb;
use model::{Dialect, Value};

pub(super) struct Table {
    /// In quotes, with its schema.
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
}

pub(super) struct Column {
    pub(super) name: String,
    declared: String,
    /// Of the base type, below domains.
    oid: u32,
    /// It has an equality of the system's.
    comparable: bool,
}

/// A text as a literal; the server reads backslashes as they are (`standard_conforming_strings`).
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// `None`: the account sees no such table.
pub(super) fn find(client: &mut Client, label: &str) -> Result<Option<Table>, Failure> {
    let name = Dialect::Postgres.table(label);
    let sql = format!(
        "WITH RECURSIVE under(id, oid) AS (\
           SELECT oid, oid FROM pg_catalog.pg_type \
           UNION ALL SELECT u.id, t.typbasetype FROM under u \
           JOIN pg_catalog.pg_type t ON t.oid = u.oid WHERE t.typtype = 'd') \
         SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), b.oid, \
           EXISTS(SELECT FROM pg_catalog.pg_opclass o JOIN pg_catalog.pg_am m ON m.oid = o.opcmethod \
             WHERE o.opcnamespace = 'pg_catalog'::regnamespace AND m.amname IN ('btree', 'hash') AND o.opcdefault AND (o.opcintype = b.oid \
             OR o.opcintype = 'anyenum'::regtype AND b.typtype = 'e' \
             OR o.opcintype = 'text'::regtype AND b.oid = 1043)) \
         FROM pg_catalog.pg_attribute a \
         JOIN pg_catalog.pg_class c ON c.oid = a.attrelid \
         JOIN under u ON u.id = a.atttypid \
         JOIN pg_catalog.pg_type b ON b.oid = u.oid AND b.typtype <> 'd' \
         WHERE a.attrelid = to_regclass({table}) \
           AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' \
         ORDER BY a.attnum",
        table = literal(&name),
    );
    let rows = client.rows(&sql)?;
    let columns: Vec<Column> = rows.into_iter().filter_map(column).collect();
    Ok((!columns.is_empty()).then_some(Table { name, columns }))
}

fn column(row: Texts) -> Option<Column> {
    let [name, declared, oid, comparable] = <[Option<String>; 4]>::try_from(row).ok()?;
    Some(Column {
        name: name?,
        declared: declared?,
        oid: oid?.parse().ok()?,
        comparable: comparable.as_deref() == Some("t"),
    })
}

/// Triggers and rules that such a statement sets off, on the table or on its partitions.
pub(super) fn triggers(
    client: &mut Client,
    table: &Table,
    verb: Verb,
) -> Result<Vec<String>, Failure> {
    // pg_trigger.tgtype and pg_rewrite.ev_type (src/include/catalog/pg_trigger.h, pg_rewrite.h).
    let (bit, event) = match verb {
        Verb::Insert => (4, '3'),
        Verb::Delete => (8, '4'),
        Verb::Update => (16, '2'),
    };
    let sql = format!(
        "WITH concerned AS (SELECT to_regclass({name})::oid AS oid \
           UNION SELECT relid FROM pg_catalog.pg_partition_tree(to_regclass({name}))) \
         SELECT DISTINCT tgname::text FROM pg_catalog.pg_trigger JOIN concerned c ON c.oid = tgrelid \
           WHERE NOT tgisinternal AND tgenabled IN ('O', 'A') AND tgtype & {bit} <> 0 \
         UNION SELECT rulename::text FROM pg_catalog.pg_rewrite JOIN concerned c ON c.oid = ev_class \
           WHERE ev_enabled IN ('O', 'A') AND ev_type = '{event}' ORDER BY 1",
        name = literal(&table.name),
    );
    let rows = client.rows(&sql)?;
    Ok(rows.into_iter().flatten().flatten().collect())
}

impl Table {
    pub(super) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name == name)
    }

    pub(super) fn select(&self) -> String {
        let names = self
            .columns
            .iter()
            .map(|c| Dialect::Postgres.quoted(&c.name));
        names.collect::<Vec<_>>().join(", ")
    }
}

impl Column {
    /// The column holds this value, in the database's own sense.
    pub(super) fn holds(&self, value: &Value) -> String {
        let name = Dialect::Postgres.quoted(&self.name);
        match super::client::text_of(value) {
            None => format!("{name} IS NULL"),
            // With `=` an index is used.
            Some(text) if self.comparable => {
                format!("{name} = {}::{}", literal(&text), self.declared)
            }
            // Not `::text`: that may be a cast by the owner of the type.
            Some(text) => format!("format('%s', {name}) = {}", literal(&text)),
        }
    }

    /// The server's text in canonical form, as the source that is watched gives it.
    pub(super) fn value(&self, text: Option<String>) -> Value {
        let Some(text) = text else {
            return Value::Null;
        };
        let real = |r: f64| Value::Real(if r.is_nan() { f64::NAN } else { r });
        let value = match self.oid {
            16 if text == "t" => Some(Value::text("true")),
            16 if text == "f" => Some(Value::text("false")),
            20 | 21 | 23 => text.parse().ok().map(Value::Integer),
            700 => text.parse::<f32>().ok().map(|r| real(f64::from(r))),
            701 => text.parse::<f64>().ok().map(real),
            17 => unhex(&text).map(Value::Blob),
            _ => None,
        };
        value.unwrap_or_else(|| Value::Text(text.into_bytes()))
    }
}

/// `bytea_output = hex`.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("\\x")?.as_bytes();
    let digit = |d: u8| (d as char).to_digit(16);
    let byte = |pair: &[u8]| match *pair {
        [high, low] => Some((digit(high)? << 4 | digit(low)?) as u8),
        _ => None,
    };
    digits.chunks(2).map(byte).collect()
}
