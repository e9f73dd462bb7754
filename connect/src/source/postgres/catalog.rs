//! What the database says of its tables: columns with their types, keys, identities, foreign keys.
//!
//! Generated columns are left out of rows: they follow from the others, and servers before 18 do
//! not send them. Partitions are no tables of their own here; what happens in them is their root's.

use super::kind::Kind;
use super::session::{Session, Texts};
use crate::ConnectError;
use model::policy::{ColumnSchema, ForeignKey};
use model::{Dialect, TableSchema};
use std::collections::BTreeMap;

/// A table as it stands in the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) oid: u32,
    pub(super) namespace: String,
    pub(super) relation: String,
    pub(super) owner: String,
    /// Its changes are in the server's log.
    pub(super) logged: bool,
    pub(super) identity: Identity,
    /// Without generated ones.
    pub(super) columns: Vec<Column>,
    /// Unique indexes, the primary key's first.
    pub(super) indexes: Vec<Index>,
    pub(super) foreign_keys: Vec<ForeignKey>,
    pub(super) partitioned: bool,
    /// The partitions that hold its rows.
    pub(super) parts: Vec<Part>,
    /// Tables that inherit from it though it is not partitioned: the shop reads their rows with it.
    pub(super) children: Vec<String>,
}

/// A partition, as far as it decides what the log tells of its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) oid: u32,
    pub(super) name: String,
    /// Columns of its replica identity; `None`: all.
    pub(super) identity: Option<Vec<String>>,
}

/// What of an old row stands in the log when it is changed or deleted (`REPLICA IDENTITY`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    Default,
    Index,
    Full,
    Nothing,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) number: i16,
    pub(super) name: String,
    pub(super) declared: String,
    pub(super) not_null: bool,
    /// Of the column itself, as the feed tells it.
    pub(super) type_oid: u32,
    pub(super) kind: Kind,
    /// Type under the domains, where there are any.
    base: Option<String>,
    /// The type's own function that makes its text.
    output: String,
    /// Its texts sort by their bytes.
    bytewise: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) name: String,
    /// Positions in [`Table::columns`].
    pub(super) columns: Vec<u16>,
    pub(super) primary: bool,
    /// Checked at once, whole, on plain columns without NULLs: it can name rows in the log.
    pub(super) names_rows: bool,
    pub(super) is_identity: bool,
}

impl Table {
    /// As policies write it.
    pub(super) fn label(&self) -> String {
        label(&self.namespace, &self.relation)
    }
    pub(super) fn quoted(&self) -> String {
        let name = |n: &str| Dialect::Postgres.quoted(n);
        format!("{}.{}", name(&self.namespace), name(&self.relation))
    }
    /// The table where rows are read: its own rows, and none of tables that inherit from it.
    pub(super) fn rows(&self) -> String {
        let only = if self.partitioned { "" } else { "ONLY " };
        format!("{only}{}", self.quoted())
    }
    pub(super) fn schema(&self) -> TableSchema {
        let columns = self.columns.iter().map(|c| ColumnSchema {
            name: c.name.clone(),
            declared: c.declared.clone(),
            not_null: c.not_null,
        });
        let primary = self.indexes.iter().find(|index| index.primary);
        TableSchema {
            name: self.label(),
            columns: columns.collect(),
            primary_key: primary.map_or_else(Vec::new, |index| index.columns.clone()),
            foreign_keys: self.foreign_keys.clone(),
        }
    }
    /// The index whose columns stand in the log for every changed and deleted row.
    pub(super) fn identity_index(&self) -> Option<&Index> {
        let mut usable = self.indexes.iter().filter(|index| index.names_rows);
        match self.identity {
            Identity::Default => usable.find(|index| index.primary),
            Identity::Index => usable.find(|index| index.is_identity),
            Identity::Full | Identity::Nothing => None,
        }
    }
}

impl Column {
    pub(super) fn quoted(&self) -> String {
        Dialect::Postgres.quoted(&self.name)
    }

    /// The column in a binary copy.
    pub(super) fn copied(&self) -> String {
        match self.kind {
            Kind::Other => self.as_text(),
            _ => self.quoted(),
        }
    }

    /// Exactly what the type's output function writes, which a cast to text is not for every type.
    fn as_text(&self) -> String {
        let name = self.quoted();
        let value = match &self.base {
            Some(base) => format!("CAST({name} AS {base})"),
            None => name,
        };
        format!("pg_catalog.textin({}({value}))", self.output)
    }

    /// An expression that sorts as the canonical bytes do, and what a value of it is written as.
    pub(super) fn ordered(&self, encoding: &str) -> (String, Ordered) {
        let name = self.quoted();
        match self.kind {
            Kind::Integer(_) => (name, Ordered::As("bigint")),
            Kind::Float4 => (name, Ordered::As("real")),
            Kind::Float8 => (name, Ordered::As("double precision")),
            Kind::Uuid => (name, Ordered::As("uuid")),
            Kind::Bool => (name, Ordered::As("boolean")),
            Kind::Bytea => (name, Ordered::As("bytea")),
            // Elsewhere the server's bytes sort otherwise than those that we get.
            Kind::Text if matches!(encoding, "UTF8" | "LATIN1") => {
                let collated = format!("{name} COLLATE pg_catalog.\"C\"");
                let sql = if self.bytewise { name } else { collated };
                (sql, Ordered::As("text"))
            }
            Kind::Text => (format!("pg_catalog.textsend({name}::text)"), Ordered::Bytes),
            Kind::Padded => (format!("pg_catalog.bpcharsend({name})"), Ordered::Bytes),
            _ => (
                format!("pg_catalog.textsend({})", self.as_text()),
                Ordered::Bytes,
            ),
        }
    }

    /// The type that a key's text is cast to for comparison.
    pub(super) fn compared_as(&self) -> &str {
        self.base.as_deref().unwrap_or(&self.declared)
    }
}

/// How a value of an expression of [`Column::ordered`] is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ordered {
    As(&'static str),
    /// As the bytes of its text.
    Bytes,
}

pub(super) fn label(namespace: &str, relation: &str) -> String {
    if namespace == "public" && !relation.contains('.') {
        relation.to_owned()
    } else {
        format!("{namespace}.{relation}")
    }
}

/// All tables that are the shop's own, by label.
pub(super) fn read(session: &mut Session) -> Result<Vec<Table>, ConnectError> {
    const DOING: &str = "reading the schema";
    let mut tables = BTreeMap::new();
    for row in session.simple(DOING, TABLES)? {
        let mut row = Cells::of(row);
        let table = Table {
            oid: row.number(),
            namespace: row.text(),
            relation: row.text(),
            owner: row.text(),
            logged: row.text() == "p",
            identity: match row.text().as_str() {
                "f" => Identity::Full,
                "i" => Identity::Index,
                "n" => Identity::Nothing,
                _ => Identity::Default,
            },
            columns: Vec::new(),
            indexes: Vec::new(),
            foreign_keys: Vec::new(),
            partitioned: row.flag(),
            parts: Vec::new(),
            children: Vec::new(),
        };
        tables.insert(table.oid, table);
    }
    let bytewise = database_is_bytewise(session)?;
    for row in session.simple(DOING, COLUMNS)? {
        let mut row = Cells::of(row);
        if let Some(table) = tables.get_mut(&row.number()) {
            table.columns.push(row.column(bytewise));
        }
    }
    for row in session.simple(DOING, INDEXES)? {
        let mut row = Cells::of(row);
        if let Some(table) = tables.get_mut(&row.number()) {
            // One that stands on a generated column, which rows do not have, names none of them.
            table.indexes.extend(row.index(&table.columns));
        }
    }
    for row in session.simple(DOING, FOREIGN_KEYS)? {
        let mut row = Cells::of(row);
        if let Some(table) = tables.get_mut(&row.number()) {
            let (namespace, relation) = (row.text(), row.text());
            table.foreign_keys.push(ForeignKey {
                columns: row.names(),
                table: label(&namespace, &relation),
                references: row.names(),
            });
        }
    }
    read_family(session, &mut tables)?;
    let mut tables: Vec<Table> = tables
        .into_values()
        .filter(|t| !t.columns.is_empty())
        .collect();
    tables.sort_by_key(Table::label);
    Ok(tables)
}

fn read_family(
    session: &mut Session,
    tables: &mut BTreeMap<u32, Table>,
) -> Result<(), ConnectError> {
    for row in session.simple("reading the schema", FAMILY)? {
        let mut row = Cells::of(row);
        if let Some(table) = tables.get_mut(&row.number()) {
            let (part, name) = (row.optional(), row.text());
            match part.and_then(|oid| oid.parse().ok()) {
                Some(oid) => {
                    let identity = row.optional();
                    let identity = identity.map(|names| serde_json::from_str(&names));
                    table.parts.push(Part {
                        oid,
                        name,
                        identity: identity.map(Result::unwrap_or_default),
                    });
                }
                None => table.children.push(name),
            }
        }
    }
    Ok(())
}

fn database_is_bytewise(session: &mut Session) -> Result<bool, ConnectError> {
    let sql = "SELECT datcollate FROM pg_catalog.pg_database WHERE datname = current_database()";
    let rows = session.simple("reading the schema", sql)?;
    let collation = rows.first().and_then(|row| row.first()?.as_deref());
    Ok(matches!(collation, Some("C" | "POSIX")))
}

/// Reads the cells of a row of text from the left.
struct Cells(std::vec::IntoIter<Option<String>>);

impl Cells {
    fn of(row: Texts) -> Self {
        Self(row.into_iter())
    }
    fn optional(&mut self) -> Option<String> {
        self.0.next().flatten()
    }
    fn text(&mut self) -> String {
        self.optional().unwrap_or_default()
    }
    fn number<N: std::str::FromStr + Default>(&mut self) -> N {
        self.text().parse().unwrap_or_default()
    }
    fn flag(&mut self) -> bool {
        self.text() == "t"
    }
    /// A list of names, as JSON.
    fn names(&mut self) -> Vec<String> {
        serde_json::from_str(&self.text()).unwrap_or_default()
    }
    fn column(&mut self, database_is_bytewise: bool) -> Column {
        Column {
            number: self.number(),
            name: self.text(),
            declared: self.text(),
            not_null: self.flag(),
            type_oid: self.number(),
            kind: Kind::of(self.number()),
            base: self.optional(),
            output: self.text(),
            bytewise: match self.text().as_str() {
                "C" | "POSIX" => true,
                "default" => database_is_bytewise,
                _ => false,
            },
        }
    }
    fn index(&mut self, columns: &[Column]) -> Option<Index> {
        let name = self.text();
        let (primary, is_identity, sound) = (self.flag(), self.flag(), self.flag());
        let numbers: Vec<i16> = serde_json::from_str(&self.text()).unwrap_or_default();
        let place = |number: &i16| {
            let found = columns.iter().position(|c| c.number == *number)?;
            Some(found as u16)
        };
        let places: Vec<u16> = numbers.iter().map(place).collect::<Option<_>>()?;
        let whole = places.iter().all(|p| columns[usize::from(*p)].not_null);
        Some(Index {
            name,
            columns: places,
            primary,
            names_rows: sound && whole && !numbers.is_empty(),
            is_identity,
        })
    }
}

/// Which relations are the shop's: ordinary and partitioned tables that are no partitions, outside
/// the system's schemas. A name with a dot in it could not be told from one with a schema.
macro_rules! shops_own {
    () => {
        "c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't' \
         AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') \
         AND n.nspname NOT LIKE 'pg\\_temp\\_%' AND strpos(n.nspname, '.') = 0"
    };
}

const TABLES: &str = concat!(
    "SELECT c.oid, n.nspname, c.relname, pg_get_userbyid(c.relowner), c.relpersistence, c.relreplident, \
       c.relkind = 'p' \
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ",
    shops_own!()
);

const COLUMNS: &str = concat!(
    "WITH RECURSIVE under(id, oid) AS (\
       SELECT oid, oid FROM pg_type \
       UNION ALL SELECT u.id, t.typbasetype FROM under u JOIN pg_type t ON t.oid = u.oid WHERE t.typtype = 'd') \
     SELECT a.attrelid, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), \
       a.attnotnull OR d.typnotnull, a.atttypid, b.oid, \
       CASE WHEN d.typtype = 'd' THEN format_type(b.oid, -1) END, \
       format('%I.%I', fn.nspname, f.proname), l.collname \
     FROM pg_attribute a \
     JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
     JOIN pg_type d ON d.oid = a.atttypid \
     JOIN under u ON u.id = a.atttypid JOIN pg_type b ON b.oid = u.oid AND b.typtype <> 'd' \
     JOIN pg_proc f ON f.oid = b.typoutput JOIN pg_namespace fn ON fn.oid = f.pronamespace \
     LEFT JOIN pg_collation l ON l.oid = a.attcollation \
     WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND ",
    shops_own!(),
    " ORDER BY a.attrelid, a.attnum"
);

const INDEXES: &str = concat!(
    "SELECT i.indrelid, x.relname, i.indisprimary, i.indisreplident, \
       i.indimmediate AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL, \
       (SELECT json_agg(k.number ORDER BY k.place) FROM unnest(i.indkey) WITH ORDINALITY k(number, place) \
        WHERE k.place <= i.indnkeyatts) \
     FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid \
     JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
     WHERE i.indisunique AND ",
    shops_own!(),
    " ORDER BY i.indrelid, i.indisprimary DESC, x.relname"
);

const FOREIGN_KEYS: &str = concat!(
    "SELECT k.conrelid, pn.nspname, p.relname, \
       (SELECT json_agg(a.attname ORDER BY u.place) FROM unnest(k.conkey) WITH ORDINALITY u(number, place) \
        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number), \
       (SELECT json_agg(a.attname ORDER BY u.place) FROM unnest(k.confkey) WITH ORDINALITY u(number, place) \
        JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.number) \
     FROM pg_constraint k \
     JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
     JOIN pg_class p ON p.oid = k.confrelid JOIN pg_namespace pn ON pn.oid = p.relnamespace \
     WHERE k.contype = 'f' AND k.conparentid = 0 AND ",
    shops_own!(),
    " ORDER BY k.conrelid, k.conname"
);

/// What belongs to a table under other names: partitions by number, heirs of other tables by name.
const FAMILY: &str = concat!(
    "SELECT c.oid, t.relid::oid, format('%I.%I', pn.nspname, p.relname), \
       CASE p.relreplident WHEN 'f' THEN NULL ELSE (SELECT coalesce(json_agg(a.attname)::text, '[]') FROM pg_index x \
         JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = ANY (x.indkey) WHERE x.indrelid = p.oid AND \
         CASE p.relreplident WHEN 'd' THEN x.indisprimary WHEN 'i' THEN x.indisreplident ELSE false END) END \
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, pg_partition_tree(c.oid) t \
     JOIN pg_class p ON p.oid = t.relid JOIN pg_namespace pn ON pn.oid = p.relnamespace \
     WHERE c.relkind = 'p' AND t.isleaf AND ",
    shops_own!(),
    " UNION ALL SELECT c.oid, NULL, format('%I.%I', kn.nspname, k.relname), NULL FROM pg_inherits i \
     JOIN pg_class c ON c.oid = i.inhparent JOIN pg_namespace n ON n.oid = c.relnamespace \
     JOIN pg_class k ON k.oid = i.inhrelid JOIN pg_namespace kn ON kn.oid = k.relnamespace \
     WHERE c.relkind = 'r' AND ",
    shops_own!()
);

#[cfg(test)]
impl Table {
    /// `t (id int PRIMARY KEY, n int)`.
    pub(super) fn example() -> Self {
        let column = |number, name: &str| Column {
            number,
            name: name.to_owned(),
            declared: "integer".to_owned(),
            not_null: number == 1,
            type_oid: 23,
            kind: Kind::of(23),
            base: None,
            output: "int4out".to_owned(),
            bytewise: false,
        };
        Self {
            oid: 7,
            namespace: "public".to_owned(),
            relation: "t".to_owned(),
            owner: "shop".to_owned(),
            logged: true,
            identity: Identity::Default,
            columns: vec![column(1, "id"), column(2, "n")],
            indexes: vec![Index {
                name: "t_pkey".to_owned(),
                columns: vec![0],
                primary: true,
                names_rows: true,
                is_identity: false,
            }],
            foreign_keys: Vec::new(),
            partitioned: false,
            parts: Vec::new(),
            children: Vec::new(),
        }
    }
}
