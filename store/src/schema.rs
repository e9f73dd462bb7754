//! The tables, as numbered scripts. Times are integer microseconds since the epoch, UTC.

use crate::StoreError;
use rusqlite::Connection;

/// Script N brings schema N-1 to N. A script that was released is never changed.
const SCRIPTS: [&str; 4] = [
    "
CREATE TABLE fact (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    incident TEXT NOT NULL, sequence INTEGER NOT NULL, at INTEGER NOT NULL, json TEXT NOT NULL,
    UNIQUE (incident, sequence));
CREATE TABLE finding (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE, source TEXT NOT NULL, kind TEXT NOT NULL, incident TEXT,
    seen_at INTEGER NOT NULL, stored_at INTEGER NOT NULL, json TEXT NOT NULL);
CREATE INDEX finding_incident ON finding (incident, number);
CREATE INDEX finding_source ON finding (source, number);
CREATE TABLE document (
    collection TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, at INTEGER NOT NULL,
    json TEXT NOT NULL, PRIMARY KEY (collection, id)) WITHOUT ROWID;
CREATE TABLE outbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE, incident TEXT, channel TEXT NOT NULL, kind TEXT NOT NULL,
    state TEXT NOT NULL, attempts INTEGER NOT NULL, created_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL, sent_at INTEGER, json TEXT NOT NULL);
CREATE INDEX outbox_due ON outbox (due_at) WHERE state = 'pending';
CREATE INDEX outbox_incident ON outbox (incident, number);
CREATE TABLE leaf (sequence INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TABLE mark (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE account (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, password_hash TEXT NOT NULL, positions TEXT NOT NULL,
    disabled INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE session (
    token_hash TEXT PRIMARY KEY, account TEXT NOT NULL REFERENCES account (id), csrf TEXT NOT NULL,
    created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, language TEXT) WITHOUT ROWID;
CREATE INDEX session_account ON session (account);
CREATE TABLE login_attempt (name TEXT NOT NULL, at INTEGER NOT NULL);
CREATE INDEX login_attempt_name ON login_attempt (name, at);
CREATE TABLE login_link (
    token_hash TEXT PRIMARY KEY, account TEXT NOT NULL REFERENCES account (id),
    expires_at INTEGER NOT NULL) WITHOUT ROWID;
",
    "
ALTER TABLE session ADD COLUMN device TEXT;
ALTER TABLE session ADD COLUMN seen_at INTEGER;
",
    // The index of incidents. Each list's index holds all that it is filtered by.
"
CREATE TABLE incident (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE, opened_at INTEGER NOT NULL, closed_at INTEGER, last_at INTEGER NOT NULL,
    risk TEXT NOT NULL, grade INTEGER NOT NULL, exercise INTEGER NOT NULL, active INTEGER NOT NULL,
    restricted INTEGER NOT NULL, source TEXT, accepted_rows INTEGER NOT NULL);
CREATE INDEX incident_opened ON incident (opened_at, id, closed_at, risk, grade, exercise);
CREATE INDEX incident_last ON incident (last_at, id, opened_at, closed_at, risk, grade, exercise);
CREATE INDEX incident_active ON incident (active) WHERE active = 1;
CREATE INDEX incident_restricted ON incident (restricted) WHERE restricted = 1;
CREATE INDEX incident_accepted ON incident (source, accepted_rows) WHERE accepted_rows > 0;
CREATE TABLE incident_head (number INTEGER PRIMARY KEY, json TEXT NOT NULL);
CREATE VIRTUAL TABLE incident_text USING fts5 (
    names, body, tags, content = '', contentless_delete = 1, columnsize = 1,
    tokenize = 'ascii tokenchars _');
CREATE INDEX fact_opening ON fact (number) WHERE sequence = 0;
",
    // Counts by kind without reading the findings; those that wait for an incident.
    "
CREATE INDEX finding_kind ON finding (source, kind);
CREATE INDEX finding_waiting ON finding (source, number) WHERE incident IS NULL;
",
];

pub(crate) fn migrate(db: &mut Connection) -> Result<(), StoreError> {
    let failed = |e| StoreError::of(e, "bringing the schema up to date");
    let known = SCRIPTS.len() as u32;
    let found: u32 = db
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(failed)?;
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    // All scripts in one transaction: a crash leaves the old schema or the new one.
    let transaction = db.transaction().map_err(failed)?;
    for script in &SCRIPTS[found as usize..] {
        transaction.execute_batch(script).map_err(failed)?;
    }
    transaction
        .pragma_update(None, "user_version", known)
        .map_err(failed)?;
    transaction.commit().map_err(failed)
}
