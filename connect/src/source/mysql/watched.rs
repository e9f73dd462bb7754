//! The tables whose row events matter: those guarded, and those whose rows take guarded rows with
//! them (foreign keys that cascade, of which InnoDB's binlog says nothing).

use super::catalog::{Reference, Table};
use super::event::{TableMap, Wire};
use super::guarded::Access;
use super::image;
use super::kind::Kind;
use super::statement::Named;
use std::collections::HashMap;

/// What becomes of guarded tables when rows of another one are deleted or their keys changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cascades {
    /// The guarded table that a deleted row may take rows of.
    pub(super) on_delete: Option<String>,
    /// The same for a changed key: the columns referred to, by position in this table.
    pub(super) on_update: Option<(String, Vec<usize>)>,
}

#[derive(Clone, Debug)]
pub(super) struct Watched {
    /// `None`: only its cascades matter.
    pub(super) guarded: Option<Access>,
    pub(super) columns: Vec<Option<Kind>>,
    pub(super) cascades: Cascades,
    /// Its columns are not known.
    pub(super) unseen: bool,
    /// `None`: the shop's.
    database: Option<String>,
    name: String,
    label: String,
}

/// The database, `None` for the shop's, and the name.
pub(super) type Key = (Option<String>, String);

/// By name, as the server writes it.
#[derive(Clone, Debug, Default)]
pub(super) struct WatchedTables {
    pub(super) database: String,
    /// The server does not tell names apart by case.
    pub(super) lower_case: bool,
    tables: HashMap<Key, Watched>,
}

/// A table as the binlog's row events number it.
#[derive(Clone, Debug)]
pub(super) enum Mapped {
    /// None of ours.
    Other,
    /// Its columns are not those that were found.
    Differs(String),
    Known {
        key: Key,
        wires: Vec<Wire>,
    },
}

impl Watched {
    pub(super) fn label(&self) -> &str {
        &self.label
    }
}

impl WatchedTables {
    pub(super) fn new(
        database: &str,
        lower_case: bool,
        tables: &[Table],
        guarded: &[Access],
    ) -> Self {
        let mut watched = Self {
            database: database.to_owned(),
            lower_case,
            tables: HashMap::new(),
        };
        for table in tables {
            let access = guarded.iter().find(|a| is_of(a, table));
            let cascades = cascades(table, tables, guarded);
            if access.is_none() && cascades == Cascades::default() {
                continue;
            }
            let kinds = table.columns.iter().map(|c| match access {
                Some(_) if c.generated => None,
                _ => c.kind.clone(),
            });
            let this = Watched {
                guarded: access.cloned(),
                columns: kinds.collect(),
                cascades,
                unseen: table.is_unseen(),
                database: table.database.clone(),
                name: table.name.clone(),
                label: table.label(),
            };
            let database = table.database.as_deref().map(|d| watched.key(d));
            let key = (database, watched.key(&table.name));
            watched.tables.insert(key, this);
        }
        watched
    }

    fn key(&self, name: &str) -> String {
        if self.lower_case {
            name.to_lowercase()
        } else {
            name.to_owned()
        }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = Named<'_>> {
        self.tables.values().map(|w| Named {
            database: w.database.as_deref().unwrap_or(&self.database),
            table: &w.name,
            there: !w.unseen,
        })
    }

    pub(super) fn label(&self, named: Named<'_>) -> String {
        if named.database == self.database {
            named.table.to_owned()
        } else {
            format!("{}.{}", named.database, named.table)
        }
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Watched> {
        self.tables.get(key)
    }

    /// Looks at how the binlog describes a table.
    pub(super) fn map(&self, map: &TableMap) -> Mapped {
        let text = |bytes: &[u8]| self.key(&String::from_utf8_lossy(bytes));
        let database = text(&map.database);
        let database = Some(database).filter(|name| *name != self.key(&self.database));
        let key = (database, text(&map.table));
        let Some(watched) = self.tables.get(&key) else {
            return Mapped::Other;
        };
        let fit = |(kind, wire): (&Option<Kind>, &Wire)| {
            kind.as_ref().is_none_or(|kind| image::fits(kind, *wire))
        };
        let same = watched.columns.len() == map.columns.len()
            && watched.columns.iter().zip(&map.columns).all(fit);
        let same = same || watched.unseen;
        if same {
            Mapped::Known {
                key,
                wires: map.columns.clone(),
            }
        } else {
            Mapped::Differs(watched.label.clone())
        }
    }
}

fn is_of(access: &Access, table: &Table) -> bool {
    table.database.is_none() && access.table.name == table.name
}

/// Follows foreign keys from a table to those that refer to it, and on to theirs.
fn cascades(table: &Table, tables: &[Table], guarded: &[Access]) -> Cascades {
    let mut found = Cascades::default();
    for (child, reference) in children(table, tables) {
        if !reference.acts() {
            continue;
        }
        let Some(reached) = reached(child, tables, guarded) else {
            continue;
        };
        if reference.on_delete {
            found.on_delete.get_or_insert_with(|| reached.clone());
        }
        if reference.on_update {
            let names = reference.key.references.iter();
            let places = names.filter_map(|n| table.columns.iter().position(|c| c.name == *n));
            let (_, all) = found.on_update.get_or_insert((reached, Vec::new()));
            all.extend(places);
        }
    }
    found
}

fn children<'t>(
    parent: &'t Table,
    tables: &'t [Table],
) -> impl Iterator<Item = (&'t Table, &'t Reference)> {
    let all = tables
        .iter()
        .flat_map(|table| table.foreign_keys.iter().map(move |key| (table, key)));
    all.filter(move |(_, key)| key.is_to(parent))
}

/// A guarded table among this one and all that follow it by foreign keys that act. What a key that
/// is emptied does to the next one is a change, whatever began it.
fn reached(first: &Table, tables: &[Table], guarded: &[Access]) -> Option<String> {
    let (mut known, mut open) = (vec![first], vec![first]);
    while let Some(table) = open.pop() {
        if guarded.iter().any(|access| is_of(access, table)) {
            return Some(table.name.clone());
        }
        for (child, reference) in children(table, tables) {
            if reference.acts() && !known.iter().any(|k| std::ptr::eq(*k, child)) {
                known.push(child);
                open.push(child);
            }
        }
    }
    None
}

/// All tables whose rows take rows of this one with them, near ones first.
pub(super) fn ancestors<'t>(table: &'t Table, tables: &'t [Table]) -> Vec<&'t Table> {
    let mut found: Vec<&Table> = Vec::new();
    let mut open = vec![table];
    while let Some(child) = open.pop() {
        for reference in child.foreign_keys.iter().filter(|key| key.acts()) {
            let parent = tables.iter().find(|t| reference.is_to(t));
            for parent in parent.into_iter() {
                if !found.iter().any(|k| std::ptr::eq(*k, parent)) {
                    found.push(parent);
                    open.push(parent);
                }
            }
        }
    }
    found
}
