//! The outbox: every effect on the outside world as a row with a stable id.
//!
//! ```text
//! pending ──claim──► sending ──► sent
//!    ▲                 │
//!    └──failed, crash──┘        pending ──► cancelled
//! ```
//! There is no `failed` to rest in: what did not go out is due again.

use crate::error::sql;
use crate::finding::parse;
use crate::page::{MAX_PAGE, counted};
use crate::{Page, PageRequest, Store, StoreError};
use model::{IncidentId, Instant, OutboxId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

const COLUMNS: &str = "number, id, incident, channel, kind, state, due_at, changed_at, attempts, possible_duplicate, note, json";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOutbox {
    /// The receiver sees it; the same id a second time stores nothing.
    pub id: OutboxId,
    pub incident: Option<IncidentId>,
    pub channel: String,
    pub kind: String,
    pub due_at: Instant,
    pub json: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxUpdate {
    pub id: OutboxId,
    pub at: Instant,
    pub change: OutboxChange,
}

/// A step of the drawing above. From another state than drawn it is a `Conflict` in `outbox`,
/// so that of two dispatchers one alone gets to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutboxChange {
    /// pending -> sending. Store it before sending: a crash afterwards then shows as a possible duplicate.
    Claim,
    /// sending -> sent; `receipt` is what the channel answered.
    Sent { receipt: String },
    /// sending -> pending, due again at `next_due`.
    Failed {
        next_due: Instant,
        error: String,
        /// It may have arrived all the same (no answer, a cut line).
        maybe_delivered: bool,
    },
    /// pending -> cancelled: it is no longer wanted.
    Cancel { reason: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutboxState {
    Pending,
    Sending,
    Sent,
    Cancelled,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxRow {
    pub number: u64,
    pub id: OutboxId,
    pub incident: Option<IncidentId>,
    pub channel: String,
    pub kind: String,
    pub state: OutboxState,
    pub due_at: Instant,
    /// When the state last changed; `None` while it is as it was stored.
    pub changed_at: Option<Instant>,
    /// How often sending was begun.
    pub attempts: u32,
    /// An earlier attempt may have arrived; the receiver tells by the id.
    pub possible_duplicate: bool,
    /// Receipt, last error, or reason of the cancelling.
    pub note: String,
    pub json: String,
}

impl Store {
    pub fn outbox_row(&self, id: &OutboxId) -> Result<Option<OutboxRow>, StoreError> {
        self.read("read an outbox row", |db| {
            db.prepare_cached(&format!("SELECT {COLUMNS} FROM outbox WHERE id = ?1"))?
                .query_row([id.as_str()], decode)
                .optional()
        })
    }

    /// Pending rows that are due at `now`, the longest due first, at most [`MAX_PAGE`].
    pub fn outbox_due(&self, now: Instant, limit: u32) -> Result<Vec<OutboxRow>, StoreError> {
        self.read("read what is due", |db| {
            db.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM outbox WHERE state = 'pending' AND due_at <= ?1
                 ORDER BY due_at, number LIMIT ?2"
            ))?
            .query_map(params![now.0, limit.min(MAX_PAGE)], decode)?
            .collect()
        })
    }

    /// When the next pending row is due, so that a dispatcher knows how long it may wait.
    pub fn outbox_next_due(&self) -> Result<Option<Instant>, StoreError> {
        self.read("read when something is due", |db| {
            db.query_row(
                "SELECT min(due_at) FROM outbox WHERE state = 'pending'",
                [],
                |row| row.get::<_, Option<i64>>(0),
            )
        })
        .map(|due| due.map(Instant))
    }

    /// All rows, newest first.
    pub fn outbox(&self, page: PageRequest) -> Result<Page<OutboxRow>, StoreError> {
        let items = self.read("list the outbox", |db| {
            db.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM outbox WHERE number < ?1 ORDER BY number DESC LIMIT ?2"
            ))?
            .query_map(params![page.bound(), page.fetch()], decode)?
            .collect::<Result<Vec<_>, _>>()
        })?;
        Ok(Page::cut(items, page, |row| row.number))
    }

    /// The rows of one incident, newest first.
    pub fn outbox_of(
        &self,
        incident: &IncidentId,
        page: PageRequest,
    ) -> Result<Page<OutboxRow>, StoreError> {
        let items = self.read("list the outbox of an incident", |db| {
            db.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM outbox WHERE incident = ?1 AND number < ?2
                 ORDER BY number DESC LIMIT ?3"
            ))?
            .query_map(
                params![incident.as_str(), page.bound(), page.fetch()],
                decode,
            )?
            .collect::<Result<Vec<_>, _>>()
        })?;
        Ok(Page::cut(items, page, |row| row.number))
    }
}

/// Puts back what a crash left in `sending`. At the start nobody can be sending, since the
/// store's lock lets one process in.
pub(crate) fn recover(db: &Connection) -> Result<(), StoreError> {
    db.execute(
        "UPDATE outbox SET state = 'pending', possible_duplicate = 1 WHERE state = 'sending'",
        [],
    )
    .map(drop)
    .map_err(sql("put back what was being sent"))
}

/// True when it was not there before.
pub(crate) fn insert(db: &Connection, new: &NewOutbox) -> Result<bool, StoreError> {
    db.prepare_cached(
        "INSERT INTO outbox (id, incident, channel, kind, state, due_at, json)
         VALUES (?1, ?2, ?3, ?4, 'pending', ?5, ?6) ON CONFLICT (id) DO NOTHING",
    )
    .and_then(|mut insert| {
        insert.execute(params![
            new.id.as_str(),
            new.incident.as_ref().map(IncidentId::as_str),
            new.channel,
            new.kind,
            new.due_at.0,
            new.json,
        ])
    })
    .map(|rows| rows == 1)
    .map_err(sql("store an outbox row"))
}

pub(crate) fn update(db: &Connection, update: &OutboxUpdate) -> Result<(), StoreError> {
    let (id, at) = (update.id.as_str(), update.at.0);
    let run = |statement: &str, bound: &[&dyn rusqlite::ToSql]| {
        db.prepare_cached(statement)
            .and_then(|mut prepared| prepared.execute(bound))
    };
    let rows = match &update.change {
        OutboxChange::Claim => run(
            "UPDATE outbox SET state = 'sending', changed_at = ?2, attempts = attempts + 1
             WHERE id = ?1 AND state = 'pending'",
            params![id, at],
        ),
        OutboxChange::Sent { receipt } => run(
            "UPDATE outbox SET state = 'sent', changed_at = ?2, note = ?3
             WHERE id = ?1 AND state = 'sending'",
            params![id, at, receipt],
        ),
        OutboxChange::Failed {
            next_due,
            error,
            maybe_delivered,
        } => run(
            "UPDATE outbox SET state = 'pending', changed_at = ?2, note = ?3, due_at = ?4,
                 possible_duplicate = max(possible_duplicate, ?5)
             WHERE id = ?1 AND state = 'sending'",
            params![id, at, error, next_due.0, maybe_delivered],
        ),
        OutboxChange::Cancel { reason } => run(
            "UPDATE outbox SET state = 'cancelled', changed_at = ?2, note = ?3
             WHERE id = ?1 AND state = 'pending'",
            params![id, at, reason],
        ),
    }
    .map_err(sql("change an outbox row"))?;
    if rows == 1 {
        return Ok(());
    }
    let known: i64 = db
        .query_row("SELECT count(*) FROM outbox WHERE id = ?1", [id], |row| {
            row.get(0)
        })
        .map_err(sql("look for an outbox row"))?;
    if known == 0 {
        return Err(StoreError::missing("outbox", id));
    }
    Err(StoreError::Conflict {
        collection: "outbox".to_owned(),
        id: id.to_owned(),
        expected: None,
        found: None,
    })
}

fn decode(row: &Row<'_>) -> rusqlite::Result<OutboxRow> {
    Ok(OutboxRow {
        number: counted(row.get(0)?),
        id: OutboxId(row.get(1)?),
        incident: row.get::<_, Option<String>>(2)?.map(IncidentId),
        channel: row.get(3)?,
        kind: row.get(4)?,
        state: parse(5, row.get::<_, String>(5)?.into())?,
        due_at: Instant(row.get(6)?),
        changed_at: row.get::<_, Option<i64>>(7)?.map(Instant),
        attempts: row.get(8)?,
        possible_duplicate: row.get(9)?,
        note: row.get(10)?,
        json: row.get(11)?,
    })
}
