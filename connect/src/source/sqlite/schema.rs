//! What a database says of its tables, and the statements that read a guarded one.
//!
//! Generated columns are left out: they follow from the others and cannot be tampered with
//! by themselves. Views, virtual tables and SQLite's own tables are no shop tables.

use super::{GuardedTable, KeyColumns};
use crate::ConnectError;
use model::TableSchema;
use model::policy::{ColumnSchema, ForeignKey};
use rusqlite::Connection;

/// `"name"`, with quotes inside doubled.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub(super) fn read_tables(db: &Connection) -> rusqlite::Result<Vec<TableSchema>> {
    let mut names = db.prepare(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' \
         AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
    )?;
    let names: Vec<String> = names
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut tables = Vec::with_capacity(names.len());
    for name in names {
        if let Some(table) = read_table(db, &name)? {
            tables.push(table);
        }
    }
    Ok(tables)
}

/// `None` when there is no such table.
pub(super) fn read_table(db: &Connection, name: &str) -> rusqlite::Result<Option<TableSchema>> {
    let mut statement = db.prepare_cached(
        "SELECT name, type, \"notnull\", pk FROM pragma_table_xinfo(?1) WHERE hidden = 0 ORDER BY cid",
    )?;
    let mut columns = Vec::new();
    let mut key: Vec<(i64, u16)> = Vec::new();
    let mut rows = statement.query([name])?;
    while let Some(row) = rows.next()? {
        let place: i64 = row.get(3)?;
        if place > 0 {
            key.push((place, columns.len() as u16));
        }
        columns.push(ColumnSchema {
            name: row.get(0)?,
            declared: row.get(1)?,
            not_null: row.get::<_, i64>(2)? != 0,
        });
    }
    if columns.is_empty() {
        return Ok(None);
    }
    key.sort_unstable();
    Ok(Some(TableSchema {
        name: name.to_owned(),
        columns,
        primary_key: key.into_iter().map(|(_, column)| column).collect(),
        foreign_keys: read_foreign_keys(db, name)?,
    }))
}

fn read_foreign_keys(db: &Connection, table: &str) -> rusqlite::Result<Vec<ForeignKey>> {
    let mut statement = db.prepare_cached(
        "SELECT id, \"table\", \"from\", \"to\" FROM pragma_foreign_key_list(?1) ORDER BY id, seq",
    )?;
    let mut found: Vec<(i64, ForeignKey)> = Vec::new();
    let mut rows = statement.query([table])?;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        if found.last().is_none_or(|(last, _)| *last != id) {
            let parent: String = row.get(1)?;
            let key = ForeignKey {
                columns: Vec::new(),
                table: parent,
                references: Vec::new(),
            };
            found.push((id, key));
        }
        if let Some((_, key)) = found.last_mut() {
            key.columns.push(row.get(2)?);
            key.references.extend(row.get::<_, Option<String>>(3)?);
        }
    }
    let mut keys: Vec<ForeignKey> = found.into_iter().map(|(_, key)| key).collect();
    for key in keys.iter_mut().filter(|key| key.references.is_empty()) {
        // `REFERENCES parent` alone means the parent's primary key.
        let mut names =
            db.prepare_cached("SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk")?;
        key.references = names
            .query_map([&key.table], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
    }
    Ok(keys)
}

/// How the rows of a guarded table are reached.
#[derive(Clone, Debug)]
pub(super) struct Access {
    pub(super) number: u16,
    pub(super) table: GuardedTable,
    /// A name under which the rowid can be read; `None` for WITHOUT ROWID tables.
    pub(super) rowid: Option<String>,
    /// The key is the rowid itself (`INTEGER PRIMARY KEY`).
    pub(super) key_is_rowid: bool,
    /// Integers and reals stand mixed in a key column, which SQLite orders by value and keys by kind.
    mixed_key: bool,
}

impl Access {
    pub(super) fn find(
        db: &Connection,
        number: u16,
        table: &GuardedTable,
    ) -> Result<Self, ConnectError> {
        let name = &table.schema.name;
        let failed = |source| ConnectError::Sql {
            doing: format!("reading the schema of {name}"),
            source,
        };
        let present = read_table(db, name).map_err(failed)?;
        let present = present.ok_or_else(|| ConnectError::TableMissing {
            table: name.clone(),
        })?;
        if present.columns != table.schema.columns
            || present.primary_key != table.schema.primary_key
        {
            return Err(ConnectError::SchemaDiffers {
                table: name.clone(),
            });
        }
        if table.key.0.is_empty() {
            return Err(ConnectError::NoKey {
                table: name.clone(),
            });
        }
        if let Some(column) = table
            .key
            .0
            .iter()
            .find(|c| usize::from(**c) >= present.columns.len())
        {
            return Err(ConnectError::ColumnMissing {
                table: name.clone(),
                column: format!("#{column}"),
            });
        }
        let alias = rowid_alias(db, &present).map_err(failed)?;
        let key_is_rowid =
            alias.is_some() && table.key.0.first() == alias.as_ref() && table.key.0.len() == 1;
        if !key_is_rowid && !names_one_row(db, &present, &table.key).map_err(failed)? {
            let columns = table
                .key
                .0
                .iter()
                .map(|c| present.name_of(*c).to_owned())
                .collect();
            return Err(ConnectError::KeyNotUnique {
                table: name.clone(),
                columns,
            });
        }
        let rowid = rowid_name(db, &present, alias).map_err(failed)?;
        let mut access = Self {
            number,
            table: table.clone(),
            rowid,
            key_is_rowid,
            mixed_key: false,
        };
        access.mixed_key = access.finds_mixed_key(db).map_err(failed)?;
        Ok(access)
    }

    fn columns(&self) -> String {
        let names: Vec<String> = self
            .table
            .schema
            .columns
            .iter()
            .map(|c| quoted(&c.name))
            .collect();
        names.join(", ")
    }
    fn name(&self) -> String {
        quoted(&self.table.schema.name)
    }
    /// The rowid, then the columns; rows `?1..=?2` of the rowid in its order.
    pub(super) fn by_rowid(&self, rowid: &str) -> String {
        let (columns, name) = (self.columns(), self.name());
        format!(
            "SELECT {rowid}, {columns} FROM {name} WHERE {rowid} BETWEEN ?1 AND ?2 ORDER BY {rowid}"
        )
    }
    /// The rowid (or NULL), then the columns; all rows in the order of [`model::Key`].
    pub(super) fn by_key(&self) -> String {
        let rowid = self.rowid.as_deref().unwrap_or("NULL");
        let order: Vec<String> = self
            .key_names()
            .map(|column| {
                let kind = if self.mixed_key {
                    kind_rank(&column)
                } else {
                    String::new()
                };
                format!("{kind}{column} COLLATE BINARY")
            })
            .collect();
        let order = match (&self.rowid, self.key_is_rowid) {
            (Some(rowid), true) => rowid.clone(),
            _ => order.join(", "),
        };
        format!(
            "SELECT {rowid}, {} FROM {} ORDER BY {order}",
            self.columns(),
            self.name()
        )
    }
    /// The columns of one row; its key bound to `?1`, `?2`, ...
    pub(super) fn by_one_key(&self) -> String {
        let tests: Vec<String> = self
            .key_names()
            .enumerate()
            .map(|(i, column)| format!("{column} = ?{} COLLATE BINARY", i + 1))
            .collect();
        format!(
            "SELECT {} FROM {} WHERE {}",
            self.columns(),
            self.name(),
            tests.join(" AND ")
        )
    }
    fn key_names(&self) -> impl Iterator<Item = String> {
        self.table
            .key
            .0
            .iter()
            .map(|column| quoted(self.table.schema.name_of(*column)))
    }
    fn finds_mixed_key(&self, db: &Connection) -> rusqlite::Result<bool> {
        if self.key_is_rowid {
            return Ok(false);
        }
        for column in self.key_names() {
            let sql = format!(
                "SELECT 1 FROM {} WHERE typeof({column}) = 'real' LIMIT 1",
                self.name()
            );
            if db.prepare(&sql)?.exists([])? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// SQL for the rank of a value's kind in the order of [`model::Key`], as a leading ORDER BY term.
fn kind_rank(column: &str) -> String {
    format!(
        "CASE typeof({column}) WHEN 'null' THEN 0 WHEN 'integer' THEN 1 WHEN 'real' THEN 2 \
         WHEN 'text' THEN 3 ELSE 4 END, "
    )
}

/// The column that is SQLite's rowid under another name. `INTEGER PRIMARY KEY DESC` is not one:
/// SQLite then keeps an index for the key, and so does any other key.
fn rowid_alias(db: &Connection, table: &TableSchema) -> rusqlite::Result<Option<u16>> {
    let [column] = table.primary_key[..] else {
        return Ok(None);
    };
    if !table.columns[usize::from(column)]
        .declared
        .eq_ignore_ascii_case("INTEGER")
    {
        return Ok(None);
    }
    let indexed = db
        .prepare_cached("SELECT 1 FROM pragma_index_list(?1) WHERE origin = 'pk'")?
        .exists([&table.name])?;
    Ok((!indexed && !without_rowid(db, &table.name)?).then_some(column))
}

fn without_rowid(db: &Connection, table: &str) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT 1 FROM pragma_table_list(?1) WHERE schema = 'main' AND wr = 1")?
        .exists([table])
}

fn rowid_name(
    db: &Connection,
    table: &TableSchema,
    alias: Option<u16>,
) -> rusqlite::Result<Option<String>> {
    if let Some(column) = alias {
        return Ok(Some(quoted(table.name_of(column))));
    }
    if without_rowid(db, &table.name)? {
        return Ok(None);
    }
    // A generated column may hide the name too, so every column counts here.
    let mut names = db.prepare_cached("SELECT lower(name) FROM pragma_table_xinfo(?1)")?;
    let taken: Vec<String> = names
        .query_map([&table.name], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let free = ["rowid", "_rowid_", "oid"]
        .into_iter()
        .find(|name| !taken.iter().any(|t| t == name));
    Ok(free.map(str::to_owned))
}

/// Whether the primary key, or a unique index over whole rows, consists of just these columns.
fn names_one_row(db: &Connection, table: &TableSchema, key: &KeyColumns) -> rusqlite::Result<bool> {
    let mut wanted = key.0.clone();
    wanted.sort_unstable();
    let mut primary = table.primary_key.clone();
    primary.sort_unstable();
    if wanted == primary {
        return Ok(true);
    }
    let mut indexes =
        db.prepare("SELECT name FROM pragma_index_list(?1) WHERE \"unique\" = 1 AND partial = 0")?;
    let indexes: Vec<String> = indexes
        .query_map([&table.name], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for index in indexes {
        let mut columns = db.prepare_cached("SELECT name FROM pragma_index_info(?1)")?;
        let columns: Vec<Option<String>> = columns
            .query_map([&index], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let mut found: Vec<u16> = columns
            .iter()
            .flatten()
            .filter_map(|name| table.column(name))
            .collect();
        found.sort_unstable();
        if found == wanted && columns.len() == wanted.len() {
            return Ok(true);
        }
    }
    Ok(false)
}
