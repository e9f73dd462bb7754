//! Guarded tables beside what the catalogue says of them, and the statements that read them.

use super::catalog::{self, Table};
use super::kind::Kind;
use super::session::{Session, bytes_literal, literal, quoted};
use crate::ConnectError;
use crate::source::GuardedTable;
use model::row::RowBuilder;
use model::{Key, Row, Value, ValueRef};

/// The largest number of an unsigned column that is an integer here.
const LAST_INTEGER: i64 = i64::MAX;

/// A guarded table, found.
#[derive(Clone, Debug)]
pub(super) struct Access {
    pub(super) number: u16,
    pub(super) guarded: GuardedTable,
    pub(super) table: Table,
    /// For each guarded column its position in the table and its kind.
    pub(super) columns: Vec<(usize, Kind)>,
}

/// Finds all guarded tables, with the columns that they were set up with.
pub(super) fn find(
    session: &mut Session,
    guarded: &[GuardedTable],
) -> Result<Vec<Access>, ConnectError> {
    let tables = catalog::read(session)?;
    among(&tables, guarded)
}

pub(super) fn among(
    tables: &[Table],
    guarded: &[GuardedTable],
) -> Result<Vec<Access>, ConnectError> {
    let mut found = Vec::with_capacity(guarded.len());
    for (number, guarded) in guarded.iter().enumerate() {
        let name = &guarded.schema.name;
        let table = tables
            .iter()
            .find(|t| t.database.is_none() && t.name == *name);
        let table = table.ok_or_else(|| ConnectError::TableMissing {
            table: name.clone(),
        })?;
        found.push(Access::new(number as u16, guarded, table)?);
    }
    Ok(found)
}

impl Access {
    fn new(number: u16, guarded: &GuardedTable, table: &Table) -> Result<Self, ConnectError> {
        let name = &guarded.schema.name;
        let schema = table.schema();
        if schema.columns != guarded.schema.columns {
            return Err(ConnectError::SchemaDiffers {
                table: name.clone(),
            });
        }
        let cannot = |why: String| ConnectError::CannotGuard {
            table: name.clone(),
            why,
        };
        if table.table_type != "BASE TABLE" {
            return Err(cannot(format!("it is a {}", table.table_type)));
        }
        let mut columns = Vec::with_capacity(schema.columns.len());
        for (at, column) in table.guarded() {
            let kind = column.kind.clone().ok_or_else(|| {
                cannot(format!(
                    "its column {} is of type {}",
                    column.name, column.declared
                ))
            })?;
            columns.push((at, kind));
        }
        let at = |column: &u16| columns.get(usize::from(*column)).map(|(at, _)| *at);
        let key: Option<Vec<usize>> = guarded.key.0.iter().map(at).collect();
        let mut key = key.unwrap_or_default();
        key.sort_unstable();
        let unique = table.unique.iter().any(|index| {
            let mut index = index.clone();
            index.sort_unstable();
            index == key
        });
        if !unique {
            let names = guarded.key.0.iter();
            return Err(ConnectError::KeyNotUnique {
                table: name.clone(),
                columns: names
                    .map(|c| guarded.schema.name_of(*c).to_owned())
                    .collect(),
            });
        }
        Ok(Self {
            number,
            guarded: guarded.clone(),
            table: table.clone(),
            columns,
        })
    }

    fn key_columns(&self) -> impl Iterator<Item = (String, &Kind)> {
        self.guarded.key.0.iter().filter_map(|c| {
            let (at, kind) = self.columns.get(usize::from(*c))?;
            Some((self.table.columns.get(*at)?.quoted(), kind))
        })
    }

    /// Asks whether the key holds numbers that are beyond `i64`; `None` when it cannot.
    pub(super) fn beyond_statement(&self) -> Option<String> {
        let beyond: Vec<String> = self
            .key_columns()
            .filter(|(_, kind)| kind.may_be_beyond())
            .map(|(name, _)| format!("{name} > {LAST_INTEGER}"))
            .collect();
        (!beyond.is_empty()).then(|| {
            let table = quoted(&self.table.name);
            format!(
                "SELECT EXISTS(SELECT 1 FROM {table} WHERE {})",
                beyond.join(" OR ")
            )
        })
    }

    /// Reads the table in key order, from behind `after`, at most `most` rows. `beyond`: the key
    /// holds numbers beyond `i64`, so that its own order is not ours.
    pub(super) fn scan_statement(
        &self,
        after: Option<&[Value]>,
        most: Option<u64>,
        beyond: bool,
    ) -> String {
        let order = self.order(beyond);
        let mut sql = self.select();
        if let Some(after) = after {
            let bounds: Vec<Vec<String>> = self
                .key_columns()
                .zip(after)
                .map(|((_, kind), value)| bounds(kind, value, beyond))
                .collect();
            let bounds: Vec<String> = bounds.into_iter().flatten().collect();
            let flat: Vec<&String> = order.iter().collect();
            sql += &format!(" WHERE {}", behind(&flat, &bounds));
        }
        sql += &format!(" ORDER BY {}", order.join(", "));
        if let Some(most) = most {
            sql += &format!(" LIMIT {most}");
        }
        sql
    }

    fn order(&self, beyond: bool) -> Vec<String> {
        let mut order = Vec::new();
        for (name, kind) in self.key_columns() {
            if beyond && kind.may_be_beyond() {
                order.push(format!("({name} > {LAST_INTEGER})"));
                order.push(format!(
                    "IF({name} > {LAST_INTEGER}, CAST({name} AS BINARY), X'')"
                ));
                order.push(format!("LEAST({name}, {LAST_INTEGER})"));
            } else {
                order.push(kind.ordered(&name));
            }
        }
        order
    }

    fn select(&self) -> String {
        let columns: Vec<String> = self
            .columns
            .iter()
            .filter_map(|(at, kind)| Some(kind.selected(&self.table.columns.get(*at)?.quoted())))
            .collect();
        format!(
            "SELECT {} FROM {}",
            columns.join(", "),
            quoted(&self.table.name)
        )
    }

    /// Reads the rows with these keys, in any order. More rows may come: collations hold texts for
    /// equal that are two keys.
    pub(super) fn read_statement<'k>(&self, keys: impl Iterator<Item = &'k Key>) -> Option<String> {
        let names: Vec<(String, &Kind)> = self.key_columns().collect();
        let mut wanted = Vec::new();
        for key in keys {
            // A key that is none of this table's names no row.
            let Some(values) = key.values().filter(|v| v.len() == names.len()) else {
                continue;
            };
            let mut parts = Vec::with_capacity(names.len());
            for ((name, kind), value) in names.iter().zip(&values) {
                parts.push(format!("{name} = {}", compared(kind, value)));
            }
            wanted.push(format!("({})", parts.join(" AND ")));
        }
        (!wanted.is_empty()).then(|| format!("{} WHERE {}", self.select(), wanted.join(" OR ")))
    }

    /// A row from the cells of a scan.
    pub(super) fn row(&self, cells: &super::session::Cells<'_>, buffer: Vec<u8>) -> Option<Row> {
        let mut builder = RowBuilder::reusing(buffer);
        for (i, (_, kind)) in self.columns.iter().enumerate() {
            match cells.get(i) {
                Some(cell) => kind.push_text(cell, &mut builder)?,
                None => builder.push(ValueRef::Null),
            }
        }
        Some(builder.finish())
    }
}

/// `(a > x) OR (a = x AND b > y)`: the server uses an index for this, not for `(a, b) > (x, y)`.
fn behind(names: &[&String], bounds: &[String]) -> String {
    let mut any = Vec::with_capacity(names.len());
    for last in 0..names.len().min(bounds.len()) {
        let mut all: Vec<String> = (0..last)
            .map(|i| format!("{} = {}", names[i], bounds[i]))
            .collect();
        all.push(format!("{} > {}", names[last], bounds[last]));
        any.push(format!("({})", all.join(" AND ")));
    }
    format!("({})", any.join(" OR "))
}

/// A value as the terms of the order hold it.
fn bounds(kind: &Kind, value: &Value, beyond: bool) -> Vec<String> {
    if beyond && kind.may_be_beyond() {
        return match value {
            Value::Text(t) => vec!["1".to_owned(), bytes_literal(t), LAST_INTEGER.to_string()],
            value => vec!["0".to_owned(), "X''".to_owned(), compared(kind, value)],
        };
    }
    let by_bytes = match kind {
        Kind::Decimal { .. }
        | Kind::Time(_)
        | Kind::Uuid
        | Kind::Inet4
        | Kind::Inet6
        | Kind::Enum(..)
        | Kind::Set(..)
        | Kind::Text(_)
        | Kind::Json => true,
        Kind::Integer { .. }
        | Kind::Year
        | Kind::Float
        | Kind::Double { .. }
        | Kind::Bit(_)
        | Kind::Date
        | Kind::Datetime(_)
        | Kind::Timestamp(_)
        | Kind::Bytes
        | Kind::Fixed(_) => false,
    };
    vec![match value {
        Value::Text(t) if by_bytes => bytes_literal(t),
        value => compared(kind, value),
    }]
}

/// A value as a literal that the column's index can be asked for.
fn compared(kind: &Kind, value: &Value) -> String {
    match (kind, value) {
        (_, Value::Null) => "NULL".to_owned(),
        (_, Value::Integer(i)) => i.to_string(),
        (_, Value::Real(r)) => format!("{r:e}"),
        (Kind::Bit(_), Value::Blob(b)) => format!("CAST({} AS UNSIGNED)", bytes_number(b)),
        (_, Value::Blob(b)) => bytes_literal(b),
        // Digits only, which `of_digits` makes sure of.
        (Kind::Decimal { .. } | Kind::Integer { .. }, Value::Text(t)) if of_digits(t) => {
            String::from_utf8_lossy(t).into_owned()
        }
        (_, Value::Text(t)) => match std::str::from_utf8(t) {
            Ok(text) => literal(text),
            Err(_) => bytes_literal(t),
        },
    }
}

fn of_digits(text: &[u8]) -> bool {
    !text.is_empty()
        && text
            .iter()
            .all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'.'))
}

fn bytes_number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b))
}
