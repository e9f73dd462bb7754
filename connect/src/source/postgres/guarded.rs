//! Guarded tables beside what the catalogue says of them, and the statements that read them.

use super::catalog::{self, Identity, Ordered, Table};
use super::kind::{self, Kind};
use super::session::{Session, literal};
use crate::ConnectError;
use crate::source::GuardedTable;
use model::{Key, Value};

/// A guarded table, found.
#[derive(Clone, Debug)]
pub(super) struct Access {
    pub(super) number: u16,
    pub(super) guarded: GuardedTable,
    pub(super) table: Table,
    /// For each column of the key, what it is sorted by and how a value of that is written.
    order: Vec<(String, Ordered)>,
}

/// Finds all guarded tables, with the columns that they were set up with.
pub(super) fn find(
    session: &mut Session,
    guarded: &[GuardedTable],
) -> Result<Vec<Access>, ConnectError> {
    let tables = catalog::read(session)?;
    find_in(session, &tables, guarded)?.into_iter().collect()
}

/// For each table by itself, whether it is there as it was set up.
pub(super) fn find_in(
    session: &mut Session,
    tables: &[Table],
    guarded: &[GuardedTable],
) -> Result<Vec<Result<Access, ConnectError>>, ConnectError> {
    let encoding = encoding(session)?;
    let one = |(number, guarded): (usize, &GuardedTable)| {
        let table = named(tables, &guarded.schema.name)?.clone();
        let same = |(a, b): (&catalog::Column, &model::policy::ColumnSchema)| {
            a.name == b.name && a.declared == b.declared
        };
        let columns = &guarded.schema.columns;
        if table.columns.len() != columns.len() || !table.columns.iter().zip(columns).all(same) {
            return Err(ConnectError::SchemaDiffers {
                table: guarded.schema.name.clone(),
            });
        }
        Access::new(number as u16, guarded, table, &encoding)
    };
    Ok(guarded.iter().enumerate().map(one).collect())
}

pub(super) fn named<'t>(tables: &'t [Table], name: &str) -> Result<&'t Table, ConnectError> {
    let bare = name.strip_prefix("public.").unwrap_or(name);
    tables
        .iter()
        .find(|t| t.label() == name || t.label() == bare)
        .ok_or_else(|| ConnectError::TableMissing {
            table: name.to_owned(),
        })
}

pub(super) fn encoding(session: &mut Session) -> Result<String, ConnectError> {
    let rows = session.simple("asking for the encoding", "SHOW server_encoding")?;
    let mut cells = rows.into_iter().flatten().flatten();
    Ok(cells.next().unwrap_or_default())
}

impl Access {
    fn new(
        number: u16,
        guarded: &GuardedTable,
        table: Table,
        encoding: &str,
    ) -> Result<Self, ConnectError> {
        let mut key = guarded.key.0.clone();
        key.sort_unstable();
        let unique = table.indexes.iter().any(|index| {
            let mut columns = index.columns.clone();
            columns.sort_unstable();
            index.names_rows && columns == key
        });
        if !unique {
            let names = guarded.key.0.iter();
            return Err(ConnectError::KeyNotUnique {
                table: guarded.schema.name.clone(),
                columns: names
                    .map(|c| guarded.schema.name_of(*c).to_owned())
                    .collect(),
            });
        }
        let order = guarded.key.0.iter();
        let order = order.map(|c| table.columns[usize::from(*c)].ordered(encoding));
        Ok(Self {
            number,
            order: order.collect(),
            guarded: guarded.clone(),
            table,
        })
    }

    /// Why changes of this table cannot be followed; `None` when they can.
    pub(super) fn not_followed(&self) -> Option<String> {
        let identity = self.table.identity_index();
        if !self.table.logged {
            return Some("it is UNLOGGED, so its changes are in no log".to_owned());
        }
        let covered = |columns: &[u16]| self.guarded.key.0.iter().all(|c| columns.contains(c));
        if let Some(part) = self.unnamed_part() {
            return Some(format!(
                "its key is not within the replica identity of its partition {part}, so the log does not say \
                 which rows are deleted there"
            ));
        }
        match (self.table.identity, identity) {
            (Identity::Full, _) => None,
            (_, Some(index)) if covered(&index.columns) => None,
            (_, Some(index)) => Some(format!(
                "its key is not within its replica identity ({}), so the log does not say which rows are deleted",
                index.name
            )),
            (Identity::Nothing, None) => Some(
                "its replica identity is NOTHING; were it published, the shop could not update it any more".to_owned(),
            ),
            (_, None) => Some(
                "it has no primary key that can serve as replica identity; were it published, the shop could \
                 not update it any more"
                    .to_owned(),
            ),
        }
    }

    /// A partition whose old rows the log does not name.
    pub(super) fn unnamed_part(&self) -> Option<&str> {
        let key = self.guarded.key.0.iter();
        let names: Vec<&str> = key.map(|c| self.guarded.schema.name_of(*c)).collect();
        let unnamed = |part: &&catalog::Part| {
            let identity = part.identity.as_ref();
            identity.is_some_and(|has| !names.iter().all(|n| has.iter().any(|h| h == n)))
        };
        self.table
            .parts
            .iter()
            .find(unnamed)
            .map(|part| part.name.as_str())
    }

    /// Rows that the shop reads with those of this table, and that are not guarded.
    pub(super) fn heirs(&self) -> Option<String> {
        let (children, name) = (self.table.children.join(", "), &self.guarded.schema.name);
        (!children.is_empty()).then(|| {
            format!("{children} inherits from {name}: the shop reads its rows as rows of {name}, and they are not guarded")
        })
    }

    pub(super) fn kinds(&self) -> Vec<Kind> {
        self.table.columns.iter().map(|c| c.kind).collect()
    }

    /// Copies the table in key order, from behind `after`, at most `most` rows.
    pub(super) fn copy_statement(&self, after: Option<&[Value]>, most: Option<u64>) -> String {
        let columns: Vec<String> = self.table.columns.iter().map(|c| c.copied()).collect();
        let order: Vec<&str> = self.order.iter().map(|(sql, _)| sql.as_str()).collect();
        let mut sql = format!(
            "COPY (SELECT {} FROM {}",
            columns.join(", "),
            self.table.rows()
        );
        if let Some(after) = after {
            let bounds = self.order.iter().zip(after);
            let bounds: Vec<String> = bounds.map(|((_, how), v)| bound(*how, v)).collect();
            sql += &format!(" WHERE ({}) > ({})", order.join(", "), bounds.join(", "));
        }
        sql += &format!(" ORDER BY {}", order.join(", "));
        if let Some(most) = most {
            sql += &format!(" LIMIT {most}");
        }
        sql + ") TO STDOUT (FORMAT binary)"
    }

    /// Reads rows by key: one array of texts for each column of the key, gives the place in the
    /// arrays and the row. Each key is looked up by itself, so that the index is used whatever the
    /// planner thinks of the arrays.
    pub(super) fn read_statement(&self) -> String {
        let columns: Vec<String> = self.table.columns.iter().map(|c| c.quoted()).collect();
        let keys = self.guarded.key.0.iter().enumerate();
        let keys: Vec<(usize, &catalog::Column)> = keys
            .map(|(i, c)| (i + 1, &self.table.columns[usize::from(*c)]))
            .collect();
        let arrays: Vec<String> = keys.iter().map(|(i, _)| format!("${i}::text[]")).collect();
        let names: Vec<String> = keys.iter().map(|(i, _)| format!("k{i}")).collect();
        let conditions: Vec<String> = keys
            .iter()
            .map(|(i, c)| format!("t.{} = CAST(k.k{i} AS {})", c.quoted(), c.compared_as()))
            .collect();
        format!(
            "SELECT k.place, r.* FROM unnest({}) WITH ORDINALITY AS k({}, place), \
             LATERAL (SELECT {} FROM {} AS t WHERE {} LIMIT 1) AS r",
            arrays.join(", "),
            names.join(", "),
            columns.join(", "),
            self.table.rows(),
            conditions.join(" AND "),
        )
    }

    /// The values of a key as elements of an array of texts.
    pub(super) fn key_texts(&self, key: &Key) -> Option<Vec<Vec<u8>>> {
        let values = key.values()?;
        if values.len() != self.guarded.key.0.len() {
            return None;
        }
        let kinds = self.guarded.key.0.iter();
        let kinds = kinds.map(|c| self.table.columns[usize::from(*c)].kind);
        Some(
            kinds
                .zip(&values)
                .map(|(kind, v)| text_of(kind, v))
                .collect(),
        )
    }
}

/// A value as PostgreSQL reads it.
fn text_of(kind: Kind, value: &Value) -> Vec<u8> {
    match value {
        Value::Null => Vec::new(),
        Value::Integer(i) => i.to_string().into_bytes(),
        Value::Real(r) if r.is_infinite() => if *r > 0.0 {
            &b"Infinity"[..]
        } else {
            b"-Infinity"
        }
        .to_vec(),
        Value::Real(r) if kind == Kind::Float4 => (*r as f32).to_string().into_bytes(),
        Value::Real(r) => r.to_string().into_bytes(),
        Value::Text(t) => t.clone(),
        Value::Blob(b) => {
            let mut out = Vec::new();
            kind::hex(b, &mut out);
            out
        }
    }
}

/// A literal for a comparison in key order.
fn bound(how: Ordered, value: &Value) -> String {
    let (text, name) = match (how, value) {
        (Ordered::Bytes, Value::Text(t)) => {
            (text_of(Kind::Bytea, &Value::Blob(t.clone())), "bytea")
        }
        (Ordered::Bytes, value) => (text_of(Kind::Other, value), "bytea"),
        (Ordered::As("real"), value) => (text_of(Kind::Float4, value), "real"),
        (Ordered::As(name), value) => (text_of(Kind::Other, value), name),
    };
    format!("{}::{name}", literal(&String::from_utf8_lossy(&text)))
}

/// An array of texts as PostgreSQL reads it.
pub(super) fn array_of<'a>(texts: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut out = vec![b'{'];
    for text in texts {
        if out.len() > 1 {
            out.push(b',');
        }
        out.push(b'"');
        for byte in text {
            if matches!(byte, b'"' | b'\\') {
                out.push(b'\\');
            }
            out.push(*byte);
        }
        out.push(b'"');
    }
    out.push(b'}');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Access {
        /// Of [`Table::example`].
        pub(in super::super) fn example() -> Self {
            let table = Table::example();
            let guarded = GuardedTable::new(table.schema(), &["id"]).unwrap();
            Self::new(0, &guarded, table, "UTF8").unwrap()
        }
    }

    #[test]
    fn statements_read_in_key_order() {
        let access = Access::example();
        assert_eq!(
            access.copy_statement(Some(&[Value::Integer(-4)]), Some(9)),
            "COPY (SELECT \"id\", \"n\" FROM ONLY \"public\".\"t\" WHERE (\"id\") > ('-4'::bigint) \
             ORDER BY \"id\" LIMIT 9) TO STDOUT (FORMAT binary)"
        );
        assert_eq!(
            access.read_statement(),
            "SELECT k.place, r.* FROM unnest($1::text[]) WITH ORDINALITY AS k(k1, place), LATERAL (SELECT \
             \"id\", \"n\" FROM ONLY \"public\".\"t\" AS t WHERE t.\"id\" = CAST(k.k1 AS integer) LIMIT 1) AS r"
        );
    }

    #[test]
    fn a_list_of_texts_is_read_back_whole() {
        let texts: [&[u8]; 3] = [b"a\"b", b"\\,{}", b""];
        assert_eq!(array_of(texts.into_iter()), br#"{"a\"b","\\,{}",""}"#);
    }

    #[test]
    fn tables_that_cannot_be_followed_are_said() {
        let mut access = Access::example();
        assert_eq!(access.not_followed(), None);
        access.table.identity = Identity::Nothing;
        assert!(access.not_followed().unwrap().contains("NOTHING"));
        access.table.identity = Identity::Default;
        access.table.indexes[0].names_rows = false;
        assert!(access.not_followed().unwrap().contains("no primary key"));
        access.table.identity = Identity::Full;
        assert_eq!(access.not_followed(), None);
        access.table.logged = false;
        assert!(access.not_followed().unwrap().contains("UNLOGGED"));
    }
}
