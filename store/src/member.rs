//! Changes of an account and of its sessions, each in one transaction with its leaf of the record.
//!
//! Deliberately not here: who may make them (room `desk`, `membership`).

use crate::sql::{Connection, Row, SqlError, values};
use crate::{AccountState, Batch, Committed, Store, StoreError};
use model::{AccountId, Instant, PositionId};
use std::collections::BTreeSet;

/// Sessions of one account on one page.
const SESSIONS: u32 = 200;

/// What becomes of an account; `None` stays as it is.
#[derive(Clone, Debug)]
pub struct AccountChange {
    pub id: AccountId,
    /// Only while the account is in one of these states; otherwise it is a conflict.
    pub from: Vec<AccountState>,
    /// Only while it holds exactly these positions; otherwise it is a conflict.
    pub held: Option<Vec<PositionId>>,
    pub state: Option<AccountState>,
    pub name: Option<String>,
    pub password_hash: Option<String>,
    pub positions: Option<Vec<PositionId>>,
    /// Ends sessions and links, but for the session of this token hash.
    pub end_sessions: Option<EndSessions>,
}

#[derive(Clone, Debug)]
pub struct EndSessions {
    pub but: Option<String>,
}

impl AccountChange {
    pub fn of(id: &AccountId, from: &[AccountState]) -> Self {
        Self {
            id: id.clone(),
            from: from.to_vec(),
            held: None,
            state: None,
            name: None,
            password_hash: None,
            positions: None,
            end_sessions: None,
        }
    }
}

/// A session as its owner and the administrator see it.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenSession {
    pub token_hash: String,
    pub account: AccountId,
    pub created_at: Instant,
    pub expires_at: Instant,
    pub seen_at: Option<Instant>,
    pub device: String,
}

impl Store {
    /// Changes the account and stores the batch in one transaction.
    pub fn change_account(
        &self,
        change: AccountChange,
        batch: Batch,
    ) -> Result<Committed, StoreError> {
        let done = self.write(move |db| {
            let changed =
                apply(db, &change).map_err(|e| StoreError::of(e, "changing an account"))?;
            if !changed? {
                return Err(StoreError::conflict("account", change.id.as_str()));
            }
            crate::batch::put(db, &batch)
        });
        self.account_changed(done)
    }

    /// Sessions that have not ended, last used first.
    pub fn sessions_of(
        &self,
        account: &AccountId,
        now: Instant,
    ) -> Result<Vec<OpenSession>, StoreError> {
        let sql = "SELECT token_hash, account, created_at, expires_at, seen_at, device FROM session
                   WHERE account = ?1 AND expires_at > ?2 ORDER BY coalesce(seen_at, created_at) DESC LIMIT ?3";
        self.read(|db| {
            let row = |row: &Row<'_>| {
                Ok(OpenSession {
                    token_hash: row.get(0)?,
                    account: AccountId(row.get(1)?),
                    created_at: Instant(row.get(2)?),
                    expires_at: Instant(row.get(3)?),
                    seen_at: row.get::<Option<i64>>(4)?.map(Instant),
                    device: row.get::<Option<String>>(5)?.unwrap_or_default(),
                })
            };
            db.query(sql, values![account.as_str(), now.0, SESSIONS], row)
        })
    }

    /// Notes that a session is in use.
    pub fn session_seen(&self, token_hash: &str, now: Instant) -> Result<(), StoreError> {
        let token_hash = token_hash.to_owned();
        self.write(move |db| {
            db.execute(
                "UPDATE session SET seen_at = ?2 WHERE token_hash = ?1",
                values![&token_hash, now.0],
            )
            .map(drop)
            .map_err(|e| StoreError::of(e, "noting a session's use"))
        })
    }
}

/// Whether the account was there as the change wants it.
fn apply(
    db: &Connection,
    change: &AccountChange,
) -> Result<Result<bool, serde_json::Error>, SqlError> {
    let id = change.id.as_str();
    let states: Vec<i64> = change.from.iter().map(|s| s.number()).collect();
    let sql = "SELECT disabled, positions FROM account WHERE id = ?1";
    let row = |row: &Row<'_>| Ok((row.get::<i64>(0)?, row.get::<String>(1)?));
    let Some((state, positions)) = db.optional(sql, values![id], row)? else {
        return Ok(Ok(false));
    };
    if let Some(held) = &change.held {
        let known: Result<BTreeSet<PositionId>, _> = serde_json::from_str(&positions);
        match known {
            Ok(known) if known == held.iter().cloned().collect() => {}
            Ok(_) => return Ok(Ok(false)),
            Err(error) => return Ok(Err(error)),
        }
    }
    if !states.contains(&state) {
        return Ok(Ok(false));
    }
    if let Some(positions) = &change.positions {
        let json = match serde_json::to_string(positions) {
            Ok(json) => json,
            Err(error) => return Ok(Err(error)),
        };
        db.execute(
            "UPDATE account SET positions = ?2 WHERE id = ?1",
            values![id, json],
        )?;
    }
    db.execute(
        "UPDATE account SET disabled = coalesce(?2, disabled), name = coalesce(?3, name), password_hash = coalesce(?4, password_hash) WHERE id = ?1",
        values![id, change.state.map(AccountState::number), &change.name, &change.password_hash],
    )?;
    if let Some(end) = &change.end_sessions {
        db.execute(
            "DELETE FROM session WHERE account = ?1 AND token_hash <> ?2",
            values![id, end.but.as_deref().unwrap_or_default()],
        )?;
        db.execute("DELETE FROM login_link WHERE account = ?1", values![id])?;
    }
    Ok(Ok(true))
}
