//! What the server's catalogue says of one database's tables.

use super::charset::{self, Charset};
use super::kind::{Declared, Kind};
use super::session::{Session, literal, quoted};
use crate::ConnectError;
use model::TableSchema;
use model::policy::{ColumnSchema, ForeignKey};
use std::collections::BTreeMap;

const DOING: &str = "reading the catalogue";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) declared: String,
    pub(super) not_null: bool,
    /// `None`: of a type that is not guarded.
    pub(super) kind: Option<Kind>,
    /// Computed from others; left out of rows, but in the binlog it may stand.
    pub(super) generated: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) engine: String,
    /// `BASE TABLE`, or something else that is not guarded.
    pub(super) table_type: String,
    /// As the statistics say.
    pub(super) rows: u64,
    /// All of them, by position in the table.
    pub(super) columns: Vec<Column>,
    /// Positions in `columns`.
    pub(super) primary_key: Vec<usize>,
    /// Each unique index whose columns are whole and never NULL, by positions in `columns`.
    pub(super) unique: Vec<Vec<usize>>,
    pub(super) foreign_keys: Vec<Reference>,
}

/// A foreign key, and what it does to this table's rows by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) key: ForeignKey,
    /// The referenced table is of the same database.
    pub(super) same_database: bool,
    pub(super) on_delete: bool,
    pub(super) on_update: bool,
}

impl Table {
    /// Without computed columns.
    pub(super) fn guarded(&self) -> impl Iterator<Item = (usize, &Column)> {
        let columns = self.columns.iter().enumerate();
        columns.filter(|(_, column)| !column.generated)
    }

    pub(super) fn schema(&self) -> TableSchema {
        let columns: Vec<(usize, &Column)> = self.guarded().collect();
        let place = |at: &usize| {
            let found = columns.iter().position(|(i, _)| i == at);
            found.map(|i| i as u16)
        };
        let key: Option<Vec<u16>> = self.primary_key.iter().map(place).collect();
        let schemas = columns.iter().map(|(_, column)| ColumnSchema {
            name: column.name.clone(),
            declared: column.declared.clone(),
            not_null: column.not_null,
        });
        TableSchema {
            name: self.name.clone(),
            columns: schemas.collect(),
            primary_key: key.unwrap_or_default(),
            foreign_keys: self.foreign_keys.iter().map(|f| f.key.clone()).collect(),
        }
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == name)
    }
}

impl Column {
    pub(super) fn quoted(&self) -> String {
        quoted(&self.name)
    }
}

/// All tables and views of the session's database, by name.
pub(super) fn read(session: &mut Session) -> Result<Vec<Table>, ConnectError> {
    let database = literal(&session.database);
    let sql = format!(
        "SELECT TABLE_NAME, TABLE_TYPE, ENGINE, TABLE_ROWS FROM information_schema.TABLES \
         WHERE TABLE_SCHEMA = {database} ORDER BY TABLE_NAME"
    );
    let mut tables = BTreeMap::new();
    for row in session.rows(DOING, &sql)? {
        let mut cells = row.into_iter().map(Option::unwrap_or_default);
        let mut next = || cells.next().unwrap_or_default();
        let table = Table {
            name: next(),
            table_type: next(),
            engine: next(),
            rows: next().parse().unwrap_or(0),
            ..Table::default()
        };
        tables.insert(table.name.clone(), table);
    }
    columns(session, &database, &mut tables)?;
    indexes(session, &database, &mut tables)?;
    references(session, &database, &mut tables)?;
    Ok(tables.into_values().collect())
}

fn columns(
    session: &mut Session,
    database: &str,
    tables: &mut BTreeMap<String, Table>,
) -> Result<(), ConnectError> {
    let sql = format!(
        "SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, DATA_TYPE, CHARACTER_SET_NAME, \
         EXTRA, GENERATION_EXPRESSION FROM information_schema.COLUMNS \
         WHERE TABLE_SCHEMA = {database} ORDER BY TABLE_NAME, ORDINAL_POSITION"
    );
    for row in session.rows(DOING, &sql)? {
        let mut cells = row.into_iter().map(Option::unwrap_or_default);
        let mut next = || cells.next().unwrap_or_default();
        let (table, name, declared, nullable) = (next(), next(), next(), next());
        let (data_type, charset, extra) = (next(), next(), next().to_ascii_uppercase());
        let generated = extra.contains("GENERATED") && !extra.contains("DEFAULT_GENERATED");
        let charset = match charset.as_str() {
            "" => Charset::Utf8,
            name => charset::find(session, name)?,
        };
        let kind = Kind::of(
            Declared {
                data_type: &data_type.to_ascii_lowercase(),
                column_type: &declared,
                mariadb: session.mariadb,
            },
            charset,
        );
        if let Some(table) = tables.get_mut(&table) {
            table.columns.push(Column {
                name,
                declared,
                not_null: nullable == "NO",
                kind,
                generated: generated || !next().is_empty(),
            });
        }
    }
    Ok(())
}

fn indexes(
    session: &mut Session,
    database: &str,
    tables: &mut BTreeMap<String, Table>,
) -> Result<(), ConnectError> {
    let sql = format!(
        "SELECT TABLE_NAME, INDEX_NAME, COLUMN_NAME, SUB_PART, NULLABLE FROM information_schema.STATISTICS \
         WHERE TABLE_SCHEMA = {database} AND NON_UNIQUE = 0 \
         ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX"
    );
    // `None`: the index does not name rows.
    let mut found: BTreeMap<(String, String), Option<Vec<usize>>> = BTreeMap::new();
    for row in session.rows(DOING, &sql)? {
        let [table, index, column, part, nullable] = row.as_slice() else {
            continue;
        };
        let (Some(table), Some(index)) = (table, index) else {
            continue;
        };
        let place = tables
            .get(table)
            .and_then(|t| t.place(column.as_deref()?))
            .filter(|_| part.is_none() && nullable.as_deref().is_none_or(|n| n != "YES"));
        let columns = found
            .entry((table.clone(), index.clone()))
            .or_insert_with(|| Some(Vec::new()));
        match (columns.as_mut(), place) {
            (Some(columns), Some(place)) => columns.push(place),
            _ => *columns = None,
        }
    }
    for ((table, index), columns) in found {
        let (Some(table), Some(columns)) = (tables.get_mut(&table), columns) else {
            continue;
        };
        if index == "PRIMARY" {
            table.primary_key.clone_from(&columns);
        }
        table.unique.push(columns);
    }
    Ok(())
}

fn references(
    session: &mut Session,
    database: &str,
    tables: &mut BTreeMap<String, Table>,
) -> Result<(), ConnectError> {
    let sql = format!(
        "SELECT k.TABLE_NAME, k.CONSTRAINT_NAME, k.COLUMN_NAME, k.REFERENCED_TABLE_NAME, \
         k.REFERENCED_COLUMN_NAME, k.REFERENCED_TABLE_SCHEMA = k.TABLE_SCHEMA, r.DELETE_RULE, r.UPDATE_RULE \
         FROM information_schema.KEY_COLUMN_USAGE k \
         JOIN information_schema.REFERENTIAL_CONSTRAINTS r ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA \
         AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME AND r.TABLE_NAME = k.TABLE_NAME \
         WHERE k.TABLE_SCHEMA = {database} AND k.REFERENCED_TABLE_NAME IS NOT NULL \
         ORDER BY k.TABLE_NAME, k.CONSTRAINT_NAME, k.ORDINAL_POSITION"
    );
    let mut last = (String::new(), String::new());
    for row in session.rows(DOING, &sql)? {
        let mut cells = row.into_iter().map(Option::unwrap_or_default);
        let mut next = || cells.next().unwrap_or_default();
        let (table, constraint, column, target, referenced) =
            (next(), next(), next(), next(), next());
        let same_database = next() == "1";
        let acts = |rule: String| !matches!(rule.as_str(), "RESTRICT" | "NO ACTION");
        let (on_delete, on_update) = (acts(next()), acts(next()));
        let Some(found) = tables.get_mut(&table) else {
            continue;
        };
        let this = (table, constraint);
        if this != last {
            found.foreign_keys.push(Reference {
                key: ForeignKey {
                    columns: Vec::new(),
                    table: target,
                    references: Vec::new(),
                },
                same_database,
                on_delete,
                on_update,
            });
            last = this;
        }
        if let Some(reference) = found.foreign_keys.last_mut() {
            reference.key.columns.push(column);
            reference.key.references.push(referenced);
        }
    }
    Ok(())
}
