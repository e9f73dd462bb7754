//! Questions to the store.

use crate::sql::{Row, SqlError, Value, values};
use crate::{Store, StoreError};
use model::{Finding, FindingId, IncidentId, Instant, OutboxId, SourceName};

/// Rows of one page at most.
const PAGE: u32 = 10_000;

#[derive(Clone, Debug, PartialEq)]
pub struct FactRow {
    /// Rises over all incidents.
    pub number: u64,
    pub incident: IncidentId,
    pub sequence: u32,
    pub json: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    pub id: String,
    pub version: u64,
    pub at: Instant,
    pub json: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct OutboxRow {
    pub id: OutboxId,
    pub incident: Option<IncidentId>,
    pub channel: String,
    pub kind: String,
    pub state: String,
    pub attempts: u32,
    pub created_at: Instant,
    pub due_at: Instant,
    pub sent_at: Option<Instant>,
    pub json: String,
}

/// Which findings; oldest first.
#[derive(Clone, Debug, Default)]
pub struct FindingQuery {
    pub incident: Option<IncidentId>,
    pub source: Option<SourceName>,
    pub after: Option<FindingId>,
    /// Only those that joined no incident.
    pub unassigned: bool,
    pub limit: u32,
}

impl Store {
    /// Facts of one incident in order.
    pub fn facts(&self, incident: &IncidentId) -> Result<Vec<FactRow>, StoreError> {
        let sql = "SELECT number, incident, sequence, json FROM fact WHERE incident = ?1 ORDER BY sequence";
        self.read(|db| db.query(sql, values![incident.as_str()], fact))
    }

    /// Facts of all incidents after a number, in the order in which they were stored.
    pub fn facts_after(&self, number: u64, limit: u32) -> Result<Vec<FactRow>, StoreError> {
        let sql = "SELECT number, incident, sequence, json FROM fact WHERE number > ?1 ORDER BY number LIMIT ?2";
        self.read(|db| db.query(sql, values![number as i64, limit.min(PAGE)], fact))
    }

    /// The number of the newest fact of all; 0 where there is none.
    pub fn last_fact(&self) -> Result<u64, StoreError> {
        let sql = "SELECT coalesce(max(number), 0) FROM fact";
        let found: i64 = self.read(|db| db.one(sql, &[], |row| row.get(0)))?;
        Ok(found as u64)
    }

    pub fn incident_ids(&self) -> Result<Vec<IncidentId>, StoreError> {
        let sql = "SELECT incident FROM fact WHERE sequence = 0 ORDER BY number";
        self.read(|db| db.query(sql, &[], |row| row.get(0).map(IncidentId)))
    }

    pub fn findings(&self, query: &FindingQuery) -> Result<Vec<Finding>, StoreError> {
        // Only the conditions that are asked for: with all of them no index would serve.
        let mut sql = "SELECT json FROM finding WHERE number > coalesce((SELECT number FROM finding WHERE id = ?1), 0)".to_owned();
        let mut values = vec![Value::from(query.after.as_ref().map(FindingId::as_str))];
        let mut and = |condition: &str, value| {
            values.push(Value::from(value));
            sql.push_str(&format!(" AND {condition} = ?{}", values.len()));
        };
        if let Some(incident) = &query.incident {
            and("incident", incident.as_str());
        }
        if let Some(source) = &query.source {
            and("source", source.as_str());
        }
        if query.unassigned {
            sql.push_str(" AND incident IS NULL");
        }
        let limit = query.limit.min(PAGE);
        sql.push_str(&format!(" ORDER BY number LIMIT {limit}"));
        let rows: Vec<String> = self.read(|db| db.query(&sql, &values, |row| row.get(0)))?;
        rows.iter()
            .map(|json| Ok(serde_json::from_str(json)?))
            .collect()
    }

    pub fn finding(&self, id: &FindingId) -> Result<Option<Finding>, StoreError> {
        let sql = "SELECT json FROM finding WHERE id = ?1";
        let found: Option<String> =
            self.read(|db| db.optional(sql, values![id.as_str()], |row| row.get(0)))?;
        Ok(found.map(|json| serde_json::from_str(&json)).transpose()?)
    }

    /// Number of findings of a source by kind.
    pub fn finding_counts(&self, source: &SourceName) -> Result<Vec<(String, u64)>, StoreError> {
        let sql = "SELECT kind, count(*) FROM finding WHERE source = ?1 GROUP BY kind";
        self.read(|db| {
            db.query(sql, values![source.as_str()], |row| {
                Ok((row.get(0)?, row.get::<i64>(1)? as u64))
            })
        })
    }

    pub fn document(&self, collection: &str, id: &str) -> Result<Option<Document>, StoreError> {
        let sql = "SELECT id, version, at, json FROM document WHERE collection = ?1 AND id = ?2";
        self.read(|db| db.optional(sql, values![collection, id], document))
    }

    /// Documents of a collection, newest first.
    pub fn documents(&self, collection: &str, limit: u32) -> Result<Vec<Document>, StoreError> {
        let sql = "SELECT id, version, at, json FROM document WHERE collection = ?1 ORDER BY at DESC, id LIMIT ?2";
        self.read(|db| db.query(sql, values![collection, limit.min(PAGE)], document))
    }

    /// Ids of documents that were last written before `at`, oldest first.
    pub fn documents_before(
        &self,
        collection: &str,
        at: Instant,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        let sql =
            "SELECT id FROM document WHERE collection = ?1 AND at < ?2 ORDER BY at, id LIMIT ?3";
        self.read(|db| {
            let values = values![collection, at.0, limit.min(PAGE)];
            db.query(sql, values, |row| row.get(0))
        })
    }

    /// Pending rows that are due, oldest first.
    pub fn outbox_due(&self, now: Instant, limit: u32) -> Result<Vec<OutboxRow>, StoreError> {
        let sql = format!(
            "{OUTBOX} WHERE state = 'pending' AND due_at <= ?1 ORDER BY due_at, number LIMIT ?2"
        );
        self.read(|db| db.query(&sql, values![now.0, limit.min(PAGE)], outbox))
    }

    /// Newest first; with `before`, those that are older than that row.
    pub fn outbox(
        &self,
        incident: Option<&IncidentId>,
        before: Option<&OutboxId>,
        limit: u32,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        let sql = format!(
            "{OUTBOX} WHERE (?1 IS NULL OR incident = ?1) AND (?2 IS NULL OR number < (SELECT number FROM outbox WHERE id = ?2)) ORDER BY number DESC LIMIT ?3"
        );
        self.read(|db| {
            let incident = incident.map(IncidentId::as_str);
            let values = values![incident, before.map(OutboxId::as_str), limit.min(PAGE)];
            db.query(&sql, values, outbox)
        })
    }

    /// At the start: rows that were being sent when the process died go back to pending, counted as tried.
    pub fn outbox_recover(&self) -> Result<usize, StoreError> {
        self.write(|db| {
            let sql = "UPDATE outbox SET state = 'pending', attempts = attempts + 1 WHERE state = 'sending'";
            db.execute(sql, &[])
                .map(|rows| rows as usize)
                .map_err(|e| StoreError::of(e, "recovering the outbox"))
        })
    }

    /// After the clock went back, and at the start, when it may have: what waits for a time that is
    /// still to come is due now. Rows wait for nothing but the next try.
    pub fn outbox_hasten(&self, now: Instant) -> Result<usize, StoreError> {
        self.write(move |db| {
            let sql = "UPDATE outbox SET due_at = ?1 WHERE state = 'pending' AND due_at > ?1";
            db.execute(sql, values![now.0])
                .map(|rows| rows as usize)
                .map_err(|e| StoreError::of(e, "hastening the outbox"))
        })
    }

    pub fn leaf_count(&self) -> Result<u64, StoreError> {
        let sql = "SELECT coalesce(max(sequence) + 1, 0) FROM leaf";
        self.read(|db| db.one(sql, &[], |row| row.get::<i64>(0)))
            .map(|n| n as u64)
    }

    pub fn leaves_from(&self, sequence: u64, limit: u32) -> Result<Vec<Vec<u8>>, StoreError> {
        let sql = "SELECT bytes FROM leaf WHERE sequence >= ?1 ORDER BY sequence LIMIT ?2";
        self.read(|db| {
            let values = values![sequence as i64, limit.min(PAGE)];
            db.query(sql, values, |row| row.get(0))
        })
    }

    pub fn mark(&self, name: &str) -> Result<Option<u64>, StoreError> {
        let sql = "SELECT value FROM mark WHERE name = ?1";
        let found = self.read(|db| db.optional(sql, values![name], |row| row.get::<i64>(0)))?;
        Ok(found.map(|n| n as u64))
    }
}

const OUTBOX: &str = "SELECT id, incident, channel, kind, state, attempts, created_at, due_at, sent_at, json FROM outbox";

fn fact(row: &Row<'_>) -> Result<FactRow, SqlError> {
    Ok(FactRow {
        number: row.get::<i64>(0)? as u64,
        incident: IncidentId(row.get(1)?),
        sequence: row.get(2)?,
        json: row.get(3)?,
    })
}

fn document(row: &Row<'_>) -> Result<Document, SqlError> {
    Ok(Document {
        id: row.get(0)?,
        version: row.get::<i64>(1)? as u64,
        at: Instant(row.get(2)?),
        json: row.get(3)?,
    })
}

fn outbox(row: &Row<'_>) -> Result<OutboxRow, SqlError> {
    Ok(OutboxRow {
        id: OutboxId(row.get(0)?),
        incident: row.get::<Option<String>>(1)?.map(IncidentId),
        channel: row.get(2)?,
        kind: row.get(3)?,
        state: row.get(4)?,
        attempts: row.get(5)?,
        created_at: Instant(row.get(6)?),
        due_at: Instant(row.get(7)?),
        sent_at: row.get::<Option<i64>>(8)?.map(Instant),
        json: row.get(9)?,
    })
}
