//! Accounts, sessions, one-time links and login attempts. Tokens are kept as hashes only.

use crate::sql::{Connection, Row, SqlError, Value, values};
use crate::{Batch, Store, StoreError};
use model::{AccountId, Instant, PositionId};
use serde::{Deserialize, Serialize};
use std::sync::atomic::Ordering;

#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    pub id: AccountId,
    pub name: String,
    /// PHC string.
    pub password_hash: String,
    pub positions: Vec<PositionId>,
    pub state: AccountState,
    pub created_at: Instant,
}

/// Whether an account may act. Only an active one has sessions; see `desk::membership` for the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountState {
    /// A one-time link was made; no password is set yet.
    Invited,
    Active,
    Disabled,
}

impl AccountState {
    /// As the column `disabled` keeps it: 0 is the only value that lets anybody in.
    pub(crate) const fn number(self) -> i64 {
        match self {
            Self::Active => 0,
            Self::Disabled => 1,
            Self::Invited => 2,
        }
    }
    /// An unknown number lets nobody in.
    const fn of(number: i64) -> Self {
        match number {
            0 => Self::Active,
            2 => Self::Invited,
            _ => Self::Disabled,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct SessionRow {
    pub account: AccountId,
    pub name: String,
    pub positions: Vec<PositionId>,
    pub csrf: String,
    pub expires_at: Instant,
    pub language: Option<String>,
    pub seen_at: Option<Instant>,
}

#[derive(Clone, Debug)]
pub struct NewSession {
    pub token_hash: String,
    pub account: AccountId,
    pub csrf: String,
    pub at: Instant,
    pub expires_at: Instant,
    /// What the browser said of itself, cut short; free text of a stranger.
    pub device: String,
}

#[derive(Clone, Debug)]
pub struct LoginLink {
    pub token_hash: String,
    pub account: AccountId,
    pub expires_at: Instant,
}

/// Attempts are forgotten after this long at the latest.
const LONGEST_WINDOW_S: i64 = 3600;

const ACCOUNT: &str =
    "SELECT id, name, password_hash, positions, disabled, created_at FROM account";

impl Store {
    /// Adds an account, with a leaf of the `record` log; a name that is taken is a conflict.
    pub fn add_account(&self, account: Account, leaf: Vec<u8>) -> Result<(), StoreError> {
        let leaves = vec![leaf];
        self.add_account_with(
            account,
            Batch {
                leaves,
                ..Batch::default()
            },
        )
    }

    /// The same with what is stored with the account or not at all.
    pub fn add_account_with(&self, account: Account, batch: Batch) -> Result<(), StoreError> {
        let positions = serde_json::to_string(&account.positions)?;
        let added = self.write(move |db| {
            let sql =
                "INSERT INTO account (id, name, password_hash, positions, disabled, created_at)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";
            let values = values![
                account.id.as_str(),
                &account.name,
                &account.password_hash,
                &positions,
                account.state.number(),
                account.created_at.0
            ];
            if db
                .execute(sql, values)
                .map_err(|e| StoreError::of(e, "adding an account"))?
                == 0
            {
                return Err(StoreError::conflict("account", account.id.as_str()));
            }
            crate::batch::put(db, &batch).map(drop)
        });
        self.account_changed(added)
    }

    /// Rises whenever an account is added or changed by this process; for who keeps something
    /// that names people.
    pub fn accounts_changed(&self) -> u64 {
        self.inner.accounts.load(Ordering::SeqCst)
    }

    pub(crate) fn account_changed<T>(&self, done: Result<T, StoreError>) -> Result<T, StoreError> {
        if done.is_ok() {
            self.inner.accounts.fetch_add(1, Ordering::SeqCst);
        }
        done
    }

    pub fn account(&self, id: &AccountId) -> Result<Option<Account>, StoreError> {
        let sql = format!("{ACCOUNT} WHERE id = ?1");
        self.read(|db| db.optional(&sql, values![id.as_str()], account))
    }

    pub fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        let sql = format!("{ACCOUNT} ORDER BY id LIMIT 10000");
        self.read(|db| db.query(&sql, &[], account))
    }

    pub fn create_session(&self, new: NewSession) -> Result<(), StoreError> {
        self.write(move |db| {
            let done = || -> Result<(), SqlError> {
                db.execute("DELETE FROM session WHERE expires_at <= ?1", values![new.at.0])?;
                let sql = "INSERT INTO session (token_hash, account, csrf, created_at, expires_at, device, seen_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?4)";
                db.execute(sql, values![&new.token_hash, new.account.as_str(), &new.csrf, new.at.0, new.expires_at.0, &new.device])?;
                Ok(())
            };
            done().map_err(|e| StoreError::of(e, "opening a session"))
        })
    }

    /// The session of a token hash, when it has not ended and its account is not disabled.
    pub fn session(
        &self,
        token_hash: &str,
        now: Instant,
    ) -> Result<Option<SessionRow>, StoreError> {
        let sql = "SELECT a.id, a.name, a.positions, s.csrf, s.expires_at, s.language, s.seen_at
                   FROM session s JOIN account a ON a.id = s.account
                   WHERE s.token_hash = ?1 AND s.expires_at > ?2 AND a.disabled = 0";
        self.read(|db| db.optional(sql, values![token_hash, now.0], session))
    }

    pub fn end_session(&self, token_hash: &str) -> Result<(), StoreError> {
        self.one(
            "DELETE FROM session WHERE token_hash = ?1",
            vec![token_hash.to_owned()],
        )
    }

    pub fn set_session_language(&self, token_hash: &str, language: &str) -> Result<(), StoreError> {
        let values = vec![token_hash.to_owned(), language.to_owned()];
        self.one(
            "UPDATE session SET language = ?2 WHERE token_hash = ?1",
            values,
        )
    }

    fn one(&self, sql: &'static str, values: Vec<String>) -> Result<(), StoreError> {
        self.write(move |db| {
            let values: Vec<Value<'_>> = values.iter().map(Value::from).collect();
            db.execute(sql, &values)
                .map(drop)
                .map_err(|e| StoreError::of(e, "writing a session"))
        })
    }

    /// Counts one attempt for the name, unless `limit` were made since `since`; then the time of
    /// the oldest of them. Counted inside the writer, so that parallel logins cannot pass the limit.
    pub fn register_login_attempt(
        &self,
        name: &str,
        now: Instant,
        since: Instant,
        limit: u32,
    ) -> Result<Option<Instant>, StoreError> {
        let name = name.to_owned();
        self.write(move |db| {
            attempt(db, &name, now, since, limit).map_err(|e| StoreError::of(e, "counting a login"))
        })
    }

    /// The right password ends the count.
    pub fn clear_login_attempts(&self, name: &str) -> Result<(), StoreError> {
        self.one(
            "DELETE FROM login_attempt WHERE name = ?1",
            vec![name.to_owned()],
        )
    }

    pub fn add_login_link(&self, link: LoginLink) -> Result<(), StoreError> {
        self.write(move |db| {
            let sql =
                "INSERT INTO login_link (token_hash, account, expires_at) VALUES (?1, ?2, ?3)";
            let done = db.execute(
                sql,
                values![&link.token_hash, link.account.as_str(), link.expires_at.0],
            );
            done.map(drop)
                .map_err(|e| StoreError::of(e, "storing a login link"))
        })
    }

    /// Uses the link up; its account, if it was there and had not expired.
    pub fn take_login_link(
        &self,
        token_hash: &str,
        now: Instant,
    ) -> Result<Option<AccountId>, StoreError> {
        let token_hash = token_hash.to_owned();
        self.write(move |db| {
            let sql = "DELETE FROM login_link WHERE token_hash = ?1 RETURNING account, expires_at";
            let taken = db
                .optional(sql, values![&token_hash], |row| {
                    Ok((row.get::<String>(0)?, row.get::<i64>(1)?))
                })
                .map_err(|e| StoreError::of(e, "using a login link"))?;
            Ok(taken
                .filter(|(_, expires)| *expires > now.0)
                .map(|(account, _)| AccountId(account)))
        })
    }
}

fn attempt(
    db: &Connection,
    name: &str,
    now: Instant,
    since: Instant,
    limit: u32,
) -> Result<Option<Instant>, SqlError> {
    // Names have windows of their own; what is older than the longest is nobody's.
    let long_ago = now.plus_s(-LONGEST_WINDOW_S).0.min(since.0);
    db.execute("DELETE FROM login_attempt WHERE at < ?1", values![long_ago])?;
    let sql = "SELECT count(*), min(at) FROM login_attempt WHERE name = ?1 AND at >= ?2";
    let (count, oldest): (u32, Option<i64>) = db.one(sql, values![name, since.0], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    if count >= limit {
        return Ok(oldest.map(Instant));
    }
    db.execute(
        "INSERT INTO login_attempt (name, at) VALUES (?1, ?2)",
        values![name, now.0],
    )?;
    Ok(None)
}

fn account(row: &Row<'_>) -> Result<Account, SqlError> {
    Ok(Account {
        id: AccountId(row.get(0)?),
        name: row.get(1)?,
        password_hash: row.get(2)?,
        positions: positions(&row.get::<String>(3)?),
        state: AccountState::of(row.get(4)?),
        created_at: Instant(row.get(5)?),
    })
}

fn session(row: &Row<'_>) -> Result<SessionRow, SqlError> {
    Ok(SessionRow {
        account: AccountId(row.get(0)?),
        name: row.get(1)?,
        positions: positions(&row.get::<String>(2)?),
        csrf: row.get(3)?,
        expires_at: Instant(row.get(4)?),
        language: row.get(5)?,
        seen_at: row.get::<Option<i64>>(6)?.map(Instant),
    })
}

/// A list that does not parse gives no rights.
fn positions(json: &str) -> Vec<PositionId> {
    serde_json::from_str(json).unwrap_or_default()
}
