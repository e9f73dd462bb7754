//! Versioned JSON documents (proposals, reports, notices, settings): the last version and its
//! number; older ones stand in the journal.

use crate::error::sql;
use crate::page::{counted, stored};
use crate::{Page, PageRequest, Store, StoreError};
use model::Instant;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

const COLUMNS: &str = "number, collection, id, version, created_at, at, json";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutDocument {
    pub collection: &'static str,
    pub id: String,
    /// `None`: must not be there yet and becomes version 1. `Some(v)`: must stand at `v` and
    /// becomes `v + 1`. Otherwise `Conflict`.
    pub expect_version: Option<u64>,
    pub json: String,
    pub at: Instant,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Counts documents in the order in which they were first stored.
    pub number: u64,
    pub collection: String,
    pub id: String,
    pub version: u64,
    pub created_at: Instant,
    /// When this version was stored.
    pub at: Instant,
    pub json: String,
}

impl Store {
    pub fn document(&self, collection: &str, id: &str) -> Result<Option<Document>, StoreError> {
        self.read("read a document", |db| {
            db.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM document WHERE collection = ?1 AND id = ?2"
            ))?
            .query_row([collection, id], decode)
            .optional()
        })
    }

    /// A collection, newest first by first storing, so that a new version moves nothing.
    pub fn documents(
        &self,
        collection: &str,
        page: PageRequest,
    ) -> Result<Page<Document>, StoreError> {
        self.documents_under(collection, "", page)
    }

    /// Those of a collection whose id begins with `prefix` (for example `INCIDENT/`).
    pub fn documents_under(
        &self,
        collection: &str,
        prefix: &str,
        page: PageRequest,
    ) -> Result<Page<Document>, StoreError> {
        // Compared by characters and not by LIKE, whose marks the prefix may contain.
        let items = self.read("list documents", |db| {
            db.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM document
                 WHERE collection = ?1 AND substr(id, 1, length(?2)) = ?2 AND number < ?3
                 ORDER BY number DESC LIMIT ?4"
            ))?
            .query_map(
                params![collection, prefix, page.bound(), page.fetch()],
                decode,
            )?
            .collect::<Result<Vec<_>, _>>()
        })?;
        Ok(Page::cut(items, page, |document| document.number))
    }
}

pub(crate) fn put(db: &Connection, put: &PutDocument) -> Result<(), StoreError> {
    let rows = match put.expect_version {
        None => db
            .prepare_cached(
                "INSERT INTO document (collection, id, version, created_at, at, json)
                 VALUES (?1, ?2, 1, ?3, ?3, ?4) ON CONFLICT (collection, id) DO NOTHING",
            )
            .and_then(|mut insert| {
                insert.execute(params![put.collection, put.id, put.at.0, put.json])
            }),
        Some(version) => db
            .prepare_cached(
                "UPDATE document SET version = version + 1, at = ?3, json = ?4
                 WHERE collection = ?1 AND id = ?2 AND version = ?5",
            )
            .and_then(|mut update| {
                update.execute(params![
                    put.collection,
                    put.id,
                    put.at.0,
                    put.json,
                    stored(version)
                ])
            }),
    }
    .map_err(sql("store a document"))?;
    if rows == 1 {
        return Ok(());
    }
    let found: Option<i64> = db
        .prepare_cached("SELECT version FROM document WHERE collection = ?1 AND id = ?2")
        .and_then(|mut find| {
            find.query_row([put.collection, &put.id], |row| row.get(0))
                .optional()
        })
        .map_err(sql("read a document's version"))?;
    Err(StoreError::Conflict {
        collection: put.collection.to_owned(),
        id: put.id.clone(),
        expected: put.expect_version,
        found: found.map(counted),
    })
}

fn decode(row: &Row<'_>) -> rusqlite::Result<Document> {
    Ok(Document {
        number: counted(row.get(0)?),
        collection: row.get(1)?,
        id: row.get(2)?,
        version: counted(row.get(3)?),
        created_at: Instant(row.get(4)?),
        at: Instant(row.get(5)?),
        json: row.get(6)?,
    })
}
