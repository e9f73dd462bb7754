//! The index of incidents: a row, a head and the searchable words of each, written in the
//! transaction of its facts. Everything in it can be made again from the facts.
//!
//! Deliberately not here: what stands in a head (room `incident`), and reading (`incident_list`).

use crate::search::{TextPart, fts5, tsvector};
use crate::sql::{Connection, Dialect, SqlError, values};
use model::{IncidentId, Instant, SourceName};

/// Parts of an incident's text have ids of their own: the incident's number, then the part's.
pub(crate) const PARTS: i64 = TextPart::MOST as i64 + 1;

/// An incident as the lists know it.
#[derive(Clone, Debug)]
pub struct IncidentEntry {
    pub id: IncidentId,
    pub opened_at: Instant,
    pub closed_at: Option<Instant>,
    /// When its last fact was recorded.
    pub last_at: Instant,
    /// `R1` to `R4`
    pub risk: &'static str,
    /// 1 is the gravest.
    pub grade: u8,
    pub exercise: bool,
    /// Open, or something of it is still being done: it is held in memory from the start.
    pub active: bool,
    /// Not everybody may know of it: who may is read at the start.
    pub restricted: bool,
    pub source: Option<SourceName>,
    /// Rows of its source that a person decided may stay as they are.
    pub accepted_rows: u64,
    /// What a list shows of it, as JSON.
    pub head: String,
    /// The parts of its text that are new or changed.
    pub parts: Vec<TextPart>,
}

impl IncidentEntry {
    /// What can be filtered by, as words beside the text: a filter and a question are one look-up.
    fn tags(&self) -> String {
        let state = if self.closed_at.is_some() {
            "closed"
        } else {
            "open"
        };
        let kind = if self.exercise { "exercise" } else { "real" };
        let risk = self.risk.to_ascii_lowercase();
        format!("_{risk} _grade{} _{state} _{kind}", self.grade)
    }
}

pub(crate) fn put(db: &Connection, entry: &IncidentEntry) -> Result<(), SqlError> {
    let sql = "INSERT INTO incident (id, opened_at, closed_at, last_at, risk, grade, exercise, active,
               restricted, source, accepted_rows) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
               ON CONFLICT (id) DO UPDATE SET closed_at = excluded.closed_at, last_at = excluded.last_at,
               risk = excluded.risk, grade = excluded.grade, active = excluded.active,
               restricted = excluded.restricted, accepted_rows = excluded.accepted_rows RETURNING number";
    let values = values![
        entry.id.as_str(),
        entry.opened_at.0,
        entry.closed_at.map(|at| at.0),
        entry.last_at.0,
        entry.risk,
        entry.grade,
        entry.exercise,
        entry.active,
        entry.restricted,
        entry.source.as_ref().map(SourceName::as_str),
        i64::try_from(entry.accepted_rows).unwrap_or(i64::MAX)
    ];
    let number: i64 = db.one(sql, values, |row| row.get(0))?;
    let sql = "INSERT INTO incident_head (number, json) VALUES (?1, ?2)
               ON CONFLICT (number) DO UPDATE SET json = excluded.json";
    db.execute(sql, values![number, &entry.head])?;
    let tags = entry.tags();
    for part in &entry.parts {
        let place = number * PARTS + i64::from(part.part);
        match db.dialect() {
            Dialect::Sqlite => fts5::put(db, place, part, &tags)?,
            Dialect::Postgres => tsvector::put(db, place, part, &tags)?,
        }
    }
    Ok(())
}
