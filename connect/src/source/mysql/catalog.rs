//! What the server's catalogue says of one database's tables.

use super::charset::{self, Charset};
use super::kind::{Declared, Kind};
use super::lexer::{self, Part, Reading};
use super::session::{Session, literal, quoted};
use crate::ConnectError;
use model::TableSchema;
use model::policy::{ColumnSchema, ForeignKey};
use std::collections::BTreeMap;

const DOING: &str = "reading the catalogue";
/// Tables of other databases that are asked for; those beyond count as not seen.
const MAX_ELSEWHERE: usize = 256;

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
    /// `None`: the session's own.
    pub(super) database: Option<String>,
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
    /// The referenced table's; `None`: the session's own.
    pub(super) database: Option<String>,
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

    /// Nothing is known of it: it is not there, or the account may not see it.
    pub(super) fn is_unseen(&self) -> bool {
        self.columns.is_empty()
    }

    /// Its name, with its database where that is another one.
    pub(super) fn label(&self) -> String {
        match &self.database {
            Some(database) => format!("{database}.{}", self.name),
            None => self.name.clone(),
        }
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == name)
    }
}

impl Reference {
    pub(super) fn acts(&self) -> bool {
        self.on_delete || self.on_update
    }

    pub(super) fn is_to(&self, table: &Table) -> bool {
        self.database == table.database && self.key.table == table.name
    }
}

impl Column {
    pub(super) fn quoted(&self) -> String {
        quoted(&self.name)
    }
}

/// What is asked for: a database, or one table of it.
struct Scope<'n> {
    database: &'n str,
    table: Option<&'n str>,
}

impl Scope<'_> {
    fn condition(&self, of: &str) -> String {
        let database = literal(self.database);
        match self.table {
            Some(table) => format!(
                "{of}TABLE_SCHEMA = {database} AND {of}TABLE_NAME = {}",
                literal(table)
            ),
            None => format!("{of}TABLE_SCHEMA = {database}"),
        }
    }
}

/// All tables and views of the session's database, by name.
pub(super) fn read(session: &mut Session) -> Result<Vec<Table>, ConnectError> {
    let database = session.database.clone();
    let scope = Scope {
        database: &database,
        table: None,
    };
    Ok(within(session, &scope)?.into_values().collect())
}

/// The same, and behind them all tables elsewhere whose rows take rows of these with them, as far
/// as the account sees them.
pub(super) fn read_with_parents(session: &mut Session) -> Result<Vec<Table>, ConnectError> {
    let mut tables = read(session)?;
    let mut next = 0;
    while next < tables.len() {
        let wanted: Vec<(Option<String>, String)> = tables[next]
            .foreign_keys
            .iter()
            .filter(|key| key.acts() && !tables.iter().any(|table| key.is_to(table)))
            .map(|key| (key.database.clone(), key.key.table.clone()))
            .collect();
        next += 1;
        for (database, name) in wanted {
            let same = |t: &Table| t.database == database && t.name == name;
            if tables.iter().any(same) {
                continue;
            }
            let here = session.database.clone();
            let scope = Scope {
                database: database.as_deref().unwrap_or(&here),
                table: Some(&name),
            };
            let mut found = BTreeMap::new();
            if tables.iter().filter(|t| t.database.is_some()).count() < MAX_ELSEWHERE {
                found = within(session, &scope)?;
            }
            let found = found.remove(&name).unwrap_or_default();
            tables.push(Table {
                database,
                name,
                ..found
            });
        }
    }
    Ok(tables)
}

fn within(
    session: &mut Session,
    scope: &Scope<'_>,
) -> Result<BTreeMap<String, Table>, ConnectError> {
    let sql = format!(
        "SELECT TABLE_NAME, TABLE_TYPE, ENGINE, TABLE_ROWS FROM information_schema.TABLES \
         WHERE {} ORDER BY TABLE_NAME",
        scope.condition("")
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
    columns(session, scope, &mut tables)?;
    indexes(session, scope, &mut tables)?;
    references(session, scope, &mut tables)?;
    Ok(tables)
}

fn columns(
    session: &mut Session,
    scope: &Scope<'_>,
    tables: &mut BTreeMap<String, Table>,
) -> Result<(), ConnectError> {
    let sql = format!(
        "SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, DATA_TYPE, CHARACTER_SET_NAME, \
         EXTRA, GENERATION_EXPRESSION FROM information_schema.COLUMNS \
         WHERE {} ORDER BY TABLE_NAME, ORDINAL_POSITION",
        scope.condition("")
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
    scope: &Scope<'_>,
    tables: &mut BTreeMap<String, Table>,
) -> Result<(), ConnectError> {
    let sql = format!(
        "SELECT TABLE_NAME, INDEX_NAME, COLUMN_NAME, SUB_PART, NULLABLE FROM information_schema.STATISTICS \
         WHERE {} AND NON_UNIQUE = 0 \
         ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX",
        scope.condition("")
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

/// A server tells what keys do only those who may do more than read; what it makes a table with,
/// it tells anybody who reads it.
fn references(
    session: &mut Session,
    scope: &Scope<'_>,
    tables: &mut BTreeMap<String, Table>,
) -> Result<(), ConnectError> {
    let sql = format!(
        "SELECT k.TABLE_NAME, k.CONSTRAINT_NAME, k.COLUMN_NAME, k.REFERENCED_TABLE_NAME, \
         k.REFERENCED_COLUMN_NAME, k.REFERENCED_TABLE_SCHEMA, r.DELETE_RULE, r.UPDATE_RULE \
         FROM information_schema.KEY_COLUMN_USAGE k \
         LEFT JOIN information_schema.REFERENTIAL_CONSTRAINTS r ON r.CONSTRAINT_SCHEMA = {} \
         AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME AND r.TABLE_NAME = k.TABLE_NAME \
         WHERE {} AND k.REFERENCED_TABLE_NAME IS NOT NULL \
         ORDER BY k.TABLE_NAME, k.CONSTRAINT_NAME, k.ORDINAL_POSITION",
        literal(scope.database),
        scope.condition("k.")
    );
    let mut last = (String::new(), String::new());
    for row in session.rows(DOING, &sql)? {
        let mut cells = row.into_iter();
        let mut cell = || cells.next().flatten();
        let mut next = || cell().unwrap_or_default();
        let (table, constraint, column, target, referenced) =
            (next(), next(), next(), next(), next());
        let database = Some(next()).filter(|database| *database != session.database);
        let (on_delete, on_update) = (cell(), cell());
        let this = (table, constraint);
        let Some(found) = tables.get_mut(&this.0) else {
            continue;
        };
        if this != last {
            let acts = |rule: &str| !matches!(rule, "RESTRICT" | "NO ACTION");
            let (on_delete, on_update) = match (&on_delete, &on_update) {
                (Some(on_delete), Some(on_update)) => (acts(on_delete), acts(on_update)),
                _ => as_made(session, scope.database, &this)?,
            };
            found.foreign_keys.push(Reference {
                key: ForeignKey {
                    columns: Vec::new(),
                    table: target,
                    references: Vec::new(),
                },
                database,
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

/// What a key does when rows are deleted and when they are changed, as the table is made with it.
/// What cannot be told counts as doing both.
fn as_made(
    session: &mut Session,
    database: &str,
    (table, constraint): &(String, String),
) -> Result<(bool, bool), ConnectError> {
    let sql = format!("SHOW CREATE TABLE {}.{}", quoted(database), quoted(table));
    let text = match session.rows(DOING, &sql) {
        Ok(rows) => rows
            .into_iter()
            .next()
            .and_then(|row| row.into_iter().nth(1)),
        Err(ConnectError::Server { .. }) => None,
        Err(error) => return Err(error),
    };
    let text = text.flatten().unwrap_or_default();
    Ok(rules(&text, constraint).unwrap_or((true, true)))
}

fn rules(text: &str, constraint: &str) -> Option<(bool, bool)> {
    let how = Reading {
        runs: true,
        escapes: true,
    };
    let parts = lexer::parts(text, how).parts;
    let name = Part::Quoted(constraint.to_owned());
    let is_it =
        |three: &[Part]| three[0].is("CONSTRAINT") && three[1] == name && three[2].is("FOREIGN");
    let at = parts.windows(3).position(is_it)?;
    let end = |part: &Part| part.is("CONSTRAINT") || part.is("ENGINE");
    let behind = &parts[at + 1..];
    let behind = &behind[..behind.iter().position(end)?];
    let acts = |event: &str| {
        behind.windows(3).any(|rule| {
            let does = rule[2].is("CASCADE") || rule[2].is("SET");
            rule[0].is("ON") && rule[1].is(event) && does
        })
    };
    Some((acts("DELETE"), acts("UPDATE")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keys_do_is_read_from_what_makes_the_table() {
        let text = "CREATE TABLE `c` (\n  `a` int(11) COMMENT 'it''s CONSTRAINT `k` FOREIGN ON DELETE CASCADE',\n  \
                    CONSTRAINT `k` FOREIGN KEY (`a`) REFERENCES `p` (`a`),\n  \
                    CONSTRAINT `l` FOREIGN KEY (`a`) REFERENCES `evil`.`p` (`a`) ON DELETE SET NULL ON UPDATE CASCADE,\n  \
                    CONSTRAINT `m` FOREIGN KEY (`a`) REFERENCES `p` (`a`) ON DELETE NO ACTION ON UPDATE SET NULL\n) ENGINE=InnoDB";
        assert_eq!(rules(text, "k"), Some((false, false)));
        assert_eq!(rules(text, "l"), Some((true, true)));
        assert_eq!(rules(text, "m"), Some((false, true)));
        assert_eq!(rules(text, "n"), None);
    }
}
