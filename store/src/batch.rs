//! What is stored together: one batch, one transaction.

use crate::StoreError;
use crate::incident_index::{self, IncidentEntry};
use crate::sql::{Connection, SqlError, Value, values};
use model::{Finding, FindingId, IncidentId, Instant, OutboxId, SourceName};

#[derive(Clone, Debug, Default)]
pub struct Batch {
    pub facts: Vec<NewFact>,
    /// Incidents as they stand after these facts.
    pub incidents: Vec<IncidentEntry>,
    pub findings: Vec<FindingRecord>,
    pub assign: Vec<(FindingId, IncidentId)>,
    pub documents: Vec<PutDocument>,
    /// Documents that are no longer kept: `(collection, id)`.
    pub forget: Vec<(&'static str, String)>,
    pub outbox: Vec<NewOutbox>,
    pub outbox_updates: Vec<OutboxUpdate>,
    /// Bytes of journal leaves; their sequence numbers are their indexes in the `record` log.
    pub leaves: Vec<Vec<u8>>,
    /// Named progress marks.
    pub marks: Vec<(String, u64)>,
}

impl Batch {
    /// Nothing is to be stored.
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty()
            && self.incidents.is_empty()
            && self.findings.is_empty()
            && self.assign.is_empty()
            && self.documents.is_empty()
            && self.forget.is_empty()
            && self.outbox.is_empty()
            && self.outbox_updates.is_empty()
            && self.leaves.is_empty()
            && self.marks.is_empty()
    }
    /// Puts another batch behind this one.
    pub fn append(&mut self, mut other: Self) {
        self.facts.append(&mut other.facts);
        self.incidents.append(&mut other.incidents);
        self.findings.append(&mut other.findings);
        self.assign.append(&mut other.assign);
        self.documents.append(&mut other.documents);
        self.forget.append(&mut other.forget);
        self.outbox.append(&mut other.outbox);
        self.outbox_updates.append(&mut other.outbox_updates);
        self.leaves.append(&mut other.leaves);
        self.marks.append(&mut other.marks);
    }
}

#[derive(Clone, Debug)]
pub struct NewFact {
    pub incident: IncidentId,
    /// Must be the next one of the incident.
    pub sequence: u32,
    pub at: Instant,
    pub json: String,
}

#[derive(Clone, Debug)]
pub struct FindingRecord {
    pub finding: Finding,
    pub incident: Option<IncidentId>,
    pub source: SourceName,
}

#[derive(Clone, Debug)]
pub struct PutDocument {
    pub collection: &'static str,
    pub id: String,
    /// `None`: must not be there yet. `Some(v)`: must be at version `v`.
    pub expect_version: Option<u64>,
    pub json: String,
    pub at: Instant,
}

#[derive(Clone, Debug)]
pub struct NewOutbox {
    pub id: OutboxId,
    pub incident: Option<IncidentId>,
    pub channel: String,
    pub kind: String,
    pub due_at: Instant,
    pub json: String,
}

#[derive(Clone, Debug)]
pub struct OutboxUpdate {
    pub id: OutboxId,
    pub change: OutboxChange,
}

#[derive(Clone, Copy, Debug)]
pub enum OutboxChange {
    Sending,
    Sent {
        at: Instant,
    },
    /// Failed; to be tried again then.
    Again {
        due_at: Instant,
    },
}

/// What a committed batch got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// Sequence number of the batch's first leaf, and of the one after its last.
    pub first_leaf: u64,
    pub next_leaf: u64,
    /// Findings that were not there before.
    pub new_findings: Vec<FindingId>,
}

pub(crate) fn put(db: &Connection, batch: &Batch) -> Result<Committed, StoreError> {
    put_facts(db, &batch.facts)?;
    for entry in &batch.incidents {
        incident_index::put(db, entry)
            .map_err(|e| StoreError::of(e, "storing the head of an incident"))?;
    }
    let new_findings = put_findings(db, batch)?;
    put_documents(db, &batch.documents)?;
    for (collection, id) in &batch.forget {
        let sql = "DELETE FROM document WHERE collection = ?1 AND id = ?2";
        db.execute(sql, values![*collection, id.as_str()])
            .map_err(|e| StoreError::of(e, "forgetting a document"))?;
    }
    put_outbox(db, batch).map_err(|e| StoreError::of(e, "storing the outbox"))?;
    let first_leaf =
        put_leaves(db, &batch.leaves).map_err(|e| StoreError::of(e, "storing leaves"))?;
    for (name, value) in &batch.marks {
        let sql = "INSERT INTO mark (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        let value = i64::try_from(*value).unwrap_or(i64::MAX);
        db.execute(sql, values![name, value])
            .map_err(|e| StoreError::of(e, "storing a mark"))?;
    }
    Ok(Committed {
        first_leaf,
        next_leaf: first_leaf + batch.leaves.len() as u64,
        new_findings,
    })
}

fn put_facts(db: &Connection, facts: &[NewFact]) -> Result<(), StoreError> {
    for fact in facts {
        let insert = || {
            let sql = "SELECT coalesce(max(sequence) + 1, 0) FROM fact WHERE incident = ?1";
            let next: i64 = db.one(sql, values![fact.incident.as_str()], |row| row.get(0))?;
            if next != i64::from(fact.sequence) {
                return Ok(false);
            }
            let sql = "INSERT INTO fact (incident, sequence, at, json) VALUES (?1, ?2, ?3, ?4)";
            let incident = fact.incident.as_str();
            db.execute(sql, values![incident, fact.sequence, fact.at.0, &fact.json])?;
            Ok(true)
        };
        let inserted: Result<bool, SqlError> = insert();
        match inserted.map_err(|e| StoreError::of(e, "storing a fact"))? {
            true => {}
            false => return Err(StoreError::conflict("incident", fact.incident.as_str())),
        }
    }
    Ok(())
}

fn put_findings(db: &Connection, batch: &Batch) -> Result<Vec<FindingId>, StoreError> {
    let sql = "INSERT INTO finding (id, source, kind, incident, seen_at, stored_at, json)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING";
    let rows: Vec<Vec<Value<'_>>> = batch
        .findings
        .iter()
        .map(row_of)
        .collect::<Result<_, _>>()?;
    let changed = db
        .execute_all(sql, &rows)
        .map_err(|e| StoreError::of(e, "storing a finding"))?;
    let stored = batch.findings.iter().zip(changed);
    let new = stored.filter(|(_, changed)| *changed > 0);
    let new = new.map(|(record, _)| record.finding.id.clone()).collect();
    for (finding, incident) in &batch.assign {
        let sql = "UPDATE finding SET incident = ?2 WHERE id = ?1";
        let done = db.execute(sql, values![finding.as_str(), incident.as_str()]);
        done.map_err(|e| StoreError::of(e, "assigning a finding"))?;
    }
    Ok(new)
}

fn row_of(record: &FindingRecord) -> Result<Vec<Value<'_>>, serde_json::Error> {
    let finding = &record.finding;
    let kind = serde_json::to_value(finding.kind)?;
    Ok(vec![
        Value::from(finding.id.as_str()),
        Value::from(record.source.as_str()),
        Value::from(kind.as_str().unwrap_or_default().to_owned()),
        Value::from(record.incident.as_ref().map(IncidentId::as_str)),
        Value::from(finding.seen_at.0),
        Value::from(finding.stored_at.0),
        Value::from(serde_json::to_string(finding)?),
    ])
}

fn put_documents(db: &Connection, documents: &[PutDocument]) -> Result<(), StoreError> {
    for document in documents {
        let (collection, id) = (document.collection, document.id.as_str());
        let (at, json) = (document.at.0, &document.json);
        let write = || match document.expect_version {
            None => {
                let sql = "INSERT INTO document (collection, id, version, at, json)
                           VALUES (?1, ?2, 1, ?3, ?4) ON CONFLICT DO NOTHING";
                db.execute(sql, values![collection, id, at, json])
            }
            Some(version) => {
                let sql = "UPDATE document SET version = version + 1, at = ?3, json = ?4
                           WHERE collection = ?1 AND id = ?2 AND version = ?5";
                db.execute(sql, values![collection, id, at, json, version as i64])
            }
        };
        if write().map_err(|e| StoreError::of(e, "storing a document"))? == 0 {
            return Err(StoreError::conflict(collection, id));
        }
    }
    Ok(())
}

fn put_outbox(db: &Connection, batch: &Batch) -> Result<(), SqlError> {
    for row in &batch.outbox {
        let sql = "INSERT INTO outbox (id, incident, channel, kind, state, attempts, created_at, due_at, json)
                   VALUES (?1, ?2, ?3, ?4, 'pending', 0, ?5, ?5, ?6) ON CONFLICT DO NOTHING";
        let values = values![
            row.id.as_str(),
            row.incident.as_ref().map(IncidentId::as_str),
            &row.channel,
            &row.kind,
            row.due_at.0,
            &row.json
        ];
        db.execute(sql, values)?;
    }
    for update in &batch.outbox_updates {
        let id = update.id.as_str();
        match update.change {
            OutboxChange::Sending => {
                let sql = "UPDATE outbox SET state = 'sending' WHERE id = ?1";
                db.execute(sql, values![id])?
            }
            OutboxChange::Sent { at } => {
                let sql = "UPDATE outbox SET state = 'sent', sent_at = ?2 WHERE id = ?1";
                db.execute(sql, values![id, at.0])?
            }
            OutboxChange::Again { due_at } => {
                let sql =
                    "UPDATE outbox SET state = 'pending', attempts = attempts + 1, due_at = ?2
                           WHERE id = ?1";
                db.execute(sql, values![id, due_at.0])?
            }
        };
    }
    Ok(())
}

/// Gives the sequence number of the first leaf.
fn put_leaves(db: &Connection, leaves: &[Vec<u8>]) -> Result<u64, SqlError> {
    let sql = "SELECT coalesce(max(sequence) + 1, 0) FROM leaf";
    let first: i64 = db.one(sql, &[], |row| row.get(0))?;
    let sql = "INSERT INTO leaf (sequence, bytes) VALUES (?1, ?2)";
    let rows: Vec<_> = (first..)
        .zip(leaves)
        .map(|(sequence, leaf)| vec![Value::from(sequence), Value::from(leaf)])
        .collect();
    db.execute_all(sql, &rows)?;
    Ok(first as u64)
}
