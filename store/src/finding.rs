//! Findings: stored once by id, assigned to an incident later, listed by filter.

use crate::error::sql;
use crate::page::{MAX_PAGE, counted, stored};
use crate::{Page, PageRequest, Store, StoreError};
use model::{Finding, FindingId, FindingKind, IncidentId, Instant, SourceName};
use rusqlite::types::{Type, Value};
use rusqlite::{Connection, OptionalExtension as _, Row, params, params_from_iter};
use serde_json::Value as Json;

const COLUMNS: &str = "number, incident, json";

#[derive(Clone, Debug, PartialEq)]
pub struct FindingRecord {
    pub finding: Finding,
    /// The incident it joins at once, where that is known.
    pub incident: Option<IncidentId>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct StoredFinding {
    /// Counts findings in the order of their commits; begins at 1.
    pub number: u64,
    pub incident: Option<IncidentId>,
    pub finding: Finding,
}

/// Every part that is set must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FindingFilter {
    pub incident: Option<IncidentId>,
    /// Only findings that no incident has taken.
    pub unassigned: bool,
    pub source: Option<SourceName>,
    pub kind: Option<FindingKind>,
    /// Stored at this moment or later.
    pub since: Option<Instant>,
}

impl FindingFilter {
    /// Conditions joined by AND (`true` when there are none) and what is bound to their marks.
    fn conditions(&self) -> (String, Vec<Value>) {
        let mut conditions = vec!["1 = 1"];
        let mut bound = Vec::new();
        let mut also = |condition, value: Value| {
            conditions.push(condition);
            bound.push(value);
        };
        if let Some(incident) = &self.incident {
            also("incident = ?", incident.0.clone().into());
        }
        if let Some(source) = &self.source {
            also("source = ?", source.0.clone().into());
        }
        if let Some(kind) = self.kind {
            also("kind = ?", kind_name(kind).into());
        }
        if let Some(since) = self.since {
            also("stored_at >= ?", since.0.into());
        }
        if self.unassigned {
            conditions.push("incident IS NULL");
        }
        (conditions.join(" AND "), bound)
    }
}

impl Store {
    pub fn finding(&self, id: &FindingId) -> Result<Option<StoredFinding>, StoreError> {
        self.read("read a finding", |db| {
            db.prepare_cached(&format!("SELECT {COLUMNS} FROM finding WHERE id = ?1"))?
                .query_row([id.as_str()], decode)
                .optional()
        })
    }

    /// Findings that the filter lets through, newest first.
    pub fn findings(
        &self,
        filter: &FindingFilter,
        page: PageRequest,
    ) -> Result<Page<StoredFinding>, StoreError> {
        let (conditions, mut bound) = filter.conditions();
        bound.extend([Value::from(page.bound()), Value::from(page.fetch())]);
        let query = format!(
            "SELECT {COLUMNS} FROM finding WHERE {conditions} AND number < ? ORDER BY number DESC LIMIT ?"
        );
        let items = self.read("list findings", |db| {
            db.prepare_cached(&query)?
                .query_map(params_from_iter(bound), decode)?
                .collect::<Result<Vec<_>, _>>()
        })?;
        Ok(Page::cut(items, page, |finding| finding.number))
    }

    /// Findings with a number above `number`, oldest first, at most [`MAX_PAGE`].
    pub fn findings_after(
        &self,
        number: u64,
        limit: u32,
    ) -> Result<Vec<StoredFinding>, StoreError> {
        self.read("read the latest findings", |db| {
            db.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM finding WHERE number > ?1 ORDER BY number LIMIT ?2"
            ))?
            .query_map(params![stored(number), limit.min(MAX_PAGE)], decode)?
            .collect()
        })
    }

    /// How many findings of each kind the filter lets through; kinds without any are left out.
    pub fn finding_counts(
        &self,
        filter: &FindingFilter,
    ) -> Result<Vec<(FindingKind, u64)>, StoreError> {
        let (conditions, bound) = filter.conditions();
        let query = format!(
            "SELECT kind, count(*) FROM finding WHERE {conditions} GROUP BY kind ORDER BY kind"
        );
        self.read("count findings", |db| {
            db.prepare_cached(&query)?
                .query_map(params_from_iter(bound), |row| {
                    let kind = parse(0, Json::String(row.get(0)?))?;
                    Ok((kind, counted(row.get(1)?)))
                })?
                .collect()
        })
    }
}

/// True when it was not there before.
pub(crate) fn insert(db: &Connection, record: &FindingRecord) -> Result<bool, StoreError> {
    let finding = &record.finding;
    // A struct of strings, numbers and enums always serialises.
    let json = serde_json::to_string(finding).unwrap_or_default();
    db.prepare_cached(
        "INSERT INTO finding (id, incident, source, kind, stored_at, json)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (id) DO NOTHING",
    )
    .and_then(|mut insert| {
        insert.execute(params![
            finding.id.as_str(),
            record.incident.as_ref().map(IncidentId::as_str),
            finding.source.as_str(),
            kind_name(finding.kind),
            finding.stored_at.0,
            json,
        ])
    })
    .map(|rows| rows == 1)
    .map_err(sql("store a finding"))
}

pub(crate) fn assign(
    db: &Connection,
    id: &FindingId,
    incident: &IncidentId,
) -> Result<(), StoreError> {
    let rows = db
        .prepare_cached("UPDATE finding SET incident = ?2 WHERE id = ?1")
        .and_then(|mut update| update.execute([id.as_str(), incident.as_str()]))
        .map_err(sql("assign a finding"))?;
    if rows == 0 {
        return Err(StoreError::missing("findings", id.as_str()));
    }
    Ok(())
}

/// The name in JSON is the name in SQL.
fn kind_name(kind: FindingKind) -> String {
    match serde_json::to_value(kind) {
        Ok(Json::String(name)) => name,
        // An enum without data serialises to its name.
        _ => String::new(),
    }
}

fn decode(row: &Row<'_>) -> rusqlite::Result<StoredFinding> {
    let json: String = row.get(2)?;
    let finding = serde_json::from_str(&json).map_err(|error| unreadable(2, error))?;
    Ok(StoredFinding {
        number: counted(row.get(0)?),
        incident: row.get::<_, Option<String>>(1)?.map(IncidentId),
        finding,
    })
}

pub(crate) fn parse<T: serde::de::DeserializeOwned>(
    column: usize,
    json: Json,
) -> rusqlite::Result<T> {
    serde_json::from_value(json).map_err(|error| unreadable(column, error))
}

pub(crate) fn unreadable(column: usize, error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}
