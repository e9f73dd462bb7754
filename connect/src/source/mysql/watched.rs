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
    name: String,
}

/// By name, as the server writes it.
#[derive(Clone, Debug, Default)]
pub(super) struct WatchedTables {
    pub(super) database: String,
    /// The server does not tell names apart by case.
    pub(super) lower_case: bool,
    tables: HashMap<String, Watched>,
}

/// A table as the binlog's row events number it.
#[derive(Clone, Debug)]
pub(super) enum Mapped {
    /// None of ours.
    Other,
    /// Its columns are not those that were found.
    Differs(String),
    Known {
        name: String,
        wires: Vec<Wire>,
    },
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
            let access = guarded.iter().find(|a| a.table.name == table.name);
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
                name: table.name.clone(),
            };
            watched.tables.insert(watched.key(&table.name), this);
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
            database: &self.database,
            table: &w.name,
        })
    }

    pub(super) fn label(&self, named: Named<'_>) -> String {
        named.table.to_owned()
    }

    pub(super) fn get(&self, name: &str) -> Option<&Watched> {
        self.tables.get(name)
    }

    /// Looks at how the binlog describes a table.
    pub(super) fn map(&self, map: &TableMap) -> Mapped {
        let text = |bytes: &[u8]| self.key(&String::from_utf8_lossy(bytes));
        if text(&map.database) != self.key(&self.database) {
            return Mapped::Other;
        }
        let name = text(&map.table);
        let Some(watched) = self.tables.get(&name) else {
            return Mapped::Other;
        };
        let fit = |(kind, wire): (&Option<Kind>, &Wire)| {
            kind.as_ref().is_none_or(|kind| image::fits(kind, *wire))
        };
        let same = watched.columns.len() == map.columns.len()
            && watched.columns.iter().zip(&map.columns).all(fit);
        if same {
            Mapped::Known {
                name,
                wires: map.columns.clone(),
            }
        } else {
            Mapped::Differs(watched.name.clone())
        }
    }
}

/// Follows foreign keys from a table to those that refer to it, and on to theirs.
fn cascades(table: &Table, tables: &[Table], guarded: &[Access]) -> Cascades {
    let mut found = Cascades::default();
    for (child, reference) in children(&table.name, tables) {
        if reference.on_delete
            && let Some(reached) = reached(child, tables, guarded, |r| r.on_delete)
        {
            found.on_delete.get_or_insert(reached);
        }
        if reference.on_update
            && let Some(reached) = reached(child, tables, guarded, |r| r.on_update)
        {
            let names = reference.key.references.iter();
            let places = names.filter_map(|n| table.columns.iter().position(|c| c.name == *n));
            let (_, all) = found.on_update.get_or_insert((reached, Vec::new()));
            all.extend(places);
        }
    }
    found
}

fn children<'t>(
    parent: &str,
    tables: &'t [Table],
) -> impl Iterator<Item = (&'t Table, &'t Reference)> {
    let all = tables
        .iter()
        .flat_map(|table| table.foreign_keys.iter().map(move |key| (table, key)));
    all.filter(move |(_, key)| key.same_database && key.key.table == parent)
}

/// A guarded table among this one and all that follow it by foreign keys that act.
fn reached(
    first: &Table,
    tables: &[Table],
    guarded: &[Access],
    acts: impl Fn(&Reference) -> bool,
) -> Option<String> {
    let (mut known, mut open) = (vec![first.name.as_str()], vec![first]);
    while let Some(table) = open.pop() {
        if guarded.iter().any(|access| access.table.name == table.name) {
            return Some(table.name.clone());
        }
        for (child, reference) in children(&table.name, tables) {
            if acts(reference) && !known.contains(&child.name.as_str()) {
                known.push(&child.name);
                open.push(child);
            }
        }
    }
    None
}
