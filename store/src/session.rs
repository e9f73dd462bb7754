//! Sessions, kept under the SHA-256 of their token: who reads the store cannot take one over.

use crate::batch::AccessChange;
use crate::error::sql;
use crate::{Account, Store, StoreError, account};
use model::{AccountId, Digest, Instant};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// Sessions of one account at most; the oldest gives way to a new one.
pub const MAX_SESSIONS_PER_ACCOUNT: u32 = 32;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// SHA-256 of the token that the browser holds.
    pub token: Digest,
    pub account: AccountId,
    pub created_at: Instant,
    pub seen_at: Instant,
    pub expires_at: Instant,
    pub csrf: String,
}

/// A session that is in force, with its account as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveSession {
    pub session: Session,
    pub account: Account,
}

impl Store {
    /// `None` when there is no such session, it has expired, or its account is disabled.
    pub fn session(&self, token: &Digest, now: Instant) -> Result<Option<LiveSession>, StoreError> {
        self.read("read a session", |db| {
            db.prepare_cached(&format!(
                "SELECT token, account, session.created_at, seen_at, expires_at, csrf, {}
                 FROM session JOIN account ON account.id = session.account
                 WHERE token = ?1 AND expires_at > ?2 AND disabled = 0",
                account::COLUMNS
            ))?
            .query_row(params![token.0, now.0], |row| {
                Ok(LiveSession {
                    session: decode(row)?,
                    account: account::decode(row, 6)?,
                })
            })
            .optional()
        })
    }

    /// See [`AccessChange::CreateSession`].
    pub fn create_session(&self, session: Session) -> Result<(), StoreError> {
        self.change_access(AccessChange::CreateSession(session))
    }

    /// See [`AccessChange::TouchSession`]. Wakes nobody; durable all the same, so call it once a
    /// minute for a session and not at each request.
    pub fn touch_session(
        &self,
        token: Digest,
        seen_at: Instant,
        expires_at: Instant,
    ) -> Result<(), StoreError> {
        self.write_quietly(move |db| touch(db, &token, seen_at, expires_at))
    }

    pub fn end_session(&self, token: Digest) -> Result<(), StoreError> {
        self.change_access(AccessChange::EndSession(token))
    }

    /// Ends every session and login link of an account.
    pub fn end_sessions_of(&self, account: AccountId) -> Result<(), StoreError> {
        self.change_access(AccessChange::EndSessionsOf(account))
    }

    /// Forgets sessions and login links that have expired; how many sessions.
    pub fn forget_expired(&self, now: Instant) -> Result<u64, StoreError> {
        self.write_quietly(move |db| {
            db.execute("DELETE FROM login_link WHERE expires_at <= ?1", [now.0])
                .map_err(sql("forget expired login links"))?;
            db.execute("DELETE FROM session WHERE expires_at <= ?1", [now.0])
                .map(|rows| rows as u64)
                .map_err(sql("forget expired sessions"))
        })
    }
}

pub(crate) fn create(db: &Connection, session: &Session) -> Result<(), StoreError> {
    account::require_enabled(db, &session.account)?;
    db.prepare_cached(
        "INSERT INTO session (token, account, created_at, seen_at, expires_at, csrf)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )
    .and_then(|mut insert| {
        insert.execute(params![
            session.token.0,
            session.account.as_str(),
            session.created_at.0,
            session.seen_at.0,
            session.expires_at.0,
            session.csrf,
        ])
    })
    .map_err(sql("store a session"))?;
    db.prepare_cached(
        "DELETE FROM session WHERE account = ?1 AND token <> ?3 AND token NOT IN (
             SELECT token FROM session WHERE account = ?1 AND token <> ?3
             ORDER BY created_at DESC, token LIMIT ?2)",
    )
    .and_then(|mut delete| {
        delete.execute(params![
            session.account.as_str(),
            MAX_SESSIONS_PER_ACCOUNT - 1,
            session.token.0
        ])
    })
    .map(drop)
    .map_err(sql("end the oldest sessions"))
}

pub(crate) fn touch(
    db: &Connection,
    token: &Digest,
    seen_at: Instant,
    expires_at: Instant,
) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE session SET seen_at = ?2, expires_at = ?3 WHERE token = ?1")
        .and_then(|mut update| update.execute(params![token.0, seen_at.0, expires_at.0]))
        .map(drop)
        .map_err(sql("touch a session"))
}

pub(crate) fn end(db: &Connection, token: &Digest) -> Result<(), StoreError> {
    db.prepare_cached("DELETE FROM session WHERE token = ?1")
        .and_then(|mut delete| delete.execute([token.0]))
        .map(drop)
        .map_err(sql("end a session"))
}

pub(crate) fn end_all(db: &Connection, account: &AccountId) -> Result<(), StoreError> {
    for statement in [
        "DELETE FROM session WHERE account = ?1",
        "DELETE FROM login_link WHERE account = ?1",
    ] {
        db.prepare_cached(statement)
            .and_then(|mut delete| delete.execute([account.as_str()]))
            .map_err(sql("end the sessions of an account"))?;
    }
    Ok(())
}

fn decode(row: &Row<'_>) -> rusqlite::Result<Session> {
    Ok(Session {
        token: Digest(row.get(0)?),
        account: AccountId(row.get(1)?),
        created_at: Instant(row.get(2)?),
        seen_at: Instant(row.get(3)?),
        expires_at: Instant(row.get(4)?),
        csrf: row.get(5)?,
    })
}
