//! Facts: what happened in an incident, in order, as opaque JSON.

use crate::error::sql;
use crate::page::{MAX_PAGE, counted, stored};
use crate::{Store, StoreError};
use model::{IncidentId, Instant};
use rusqlite::{Connection, Row, params};

/// Facts of one incident at most; a long incident has some thousands.
pub const MAX_FACTS_PER_INCIDENT: u32 = 100_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFact {
    pub incident: IncidentId,
    /// How many facts the incident had when this one was decided: 0 for the first. Another
    /// number is a `Conflict` in the collection `facts`.
    pub sequence: u32,
    pub at: Instant,
    pub json: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFact {
    /// Counts the facts of all incidents in the order of their commits; begins at 1.
    pub number: u64,
    pub incident: IncidentId,
    pub sequence: u32,
    pub at: Instant,
    pub json: String,
}

impl Store {
    /// All facts of an incident, in order; empty when there is no such incident.
    pub fn facts(&self, incident: &IncidentId) -> Result<Vec<StoredFact>, StoreError> {
        self.facts_from(incident, 0)
    }

    /// The facts of an incident from `sequence` on, to catch up.
    pub fn facts_from(
        &self,
        incident: &IncidentId,
        sequence: u32,
    ) -> Result<Vec<StoredFact>, StoreError> {
        self.read("read the facts of an incident", |db| {
            db.prepare_cached(
                "SELECT number, incident, sequence, at, json FROM fact
                 WHERE incident = ?1 AND sequence >= ?2 ORDER BY sequence",
            )?
            .query_map(params![incident.as_str(), sequence], decode)?
            .collect()
        })
    }

    /// Facts of all incidents with a number above `number`, oldest first, at most [`MAX_PAGE`].
    pub fn facts_after(&self, number: u64, limit: u32) -> Result<Vec<StoredFact>, StoreError> {
        self.read("read the latest facts", |db| {
            db.prepare_cached(
                "SELECT number, incident, sequence, at, json FROM fact
                 WHERE number > ?1 ORDER BY number LIMIT ?2",
            )?
            .query_map(params![stored(number), limit.min(MAX_PAGE)], decode)?
            .collect()
        })
    }

    /// Number of the newest fact; 0 when there is none.
    pub fn last_fact(&self) -> Result<u64, StoreError> {
        self.read("read the number of the last fact", |db| {
            db.query_row("SELECT coalesce(max(number), 0) FROM fact", [], |row| {
                row.get(0)
            })
        })
        .map(counted)
    }

    /// Every incident, in the order in which they were opened.
    pub fn incident_ids(&self) -> Result<Vec<IncidentId>, StoreError> {
        self.read("list the incidents", |db| {
            db.prepare_cached("SELECT incident FROM fact WHERE sequence = 0 ORDER BY number")?
                .query_map([], |row| row.get(0).map(IncidentId))?
                .collect()
        })
    }
}

pub(crate) fn insert(db: &Connection, new: &NewFact) -> Result<(), StoreError> {
    let next: u32 = db
        .prepare_cached("SELECT coalesce(max(sequence) + 1, 0) FROM fact WHERE incident = ?1")
        .and_then(|mut find| find.query_row([new.incident.as_str()], |row| row.get(0)))
        .map_err(sql("find the incident's last fact"))?;
    if next != new.sequence {
        return Err(StoreError::Conflict {
            collection: "facts".to_owned(),
            id: new.incident.to_string(),
            expected: Some(u64::from(new.sequence)),
            found: Some(u64::from(next)),
        });
    }
    crate::batch::bound(
        "facts of one incident",
        next as usize + 1,
        MAX_FACTS_PER_INCIDENT as usize,
    )?;
    db.prepare_cached("INSERT INTO fact (incident, sequence, at, json) VALUES (?1, ?2, ?3, ?4)")
        .and_then(|mut insert| {
            insert.execute(params![
                new.incident.as_str(),
                new.sequence,
                new.at.0,
                new.json
            ])
        })
        .map_err(sql("store a fact"))?;
    Ok(())
}

fn decode(row: &Row<'_>) -> rusqlite::Result<StoredFact> {
    Ok(StoredFact {
        number: counted(row.get(0)?),
        incident: IncidentId(row.get(1)?),
        sequence: row.get(2)?,
        at: Instant(row.get(3)?),
        json: row.get(4)?,
    })
}
