//! Accounts: who may log in. The password's hash (PHC string) is made and checked elsewhere.

use crate::batch::{AccessChange, Batch};
use crate::error::sql;
use crate::finding::unreadable;
use crate::{Store, StoreError, session};
use model::{AccountId, Instant, PositionId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::fmt;

pub(crate) const COLUMNS: &str =
    "account.id, name, password_hash, positions, disabled, account.created_at, language";

#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    pub id: AccountId,
    /// As colleagues read it.
    pub name: String,
    /// PHC string (`$argon2id$...`); empty for an account that only comes in by login links.
    pub password_hash: String,
    pub positions: Vec<PositionId>,
    pub disabled: bool,
    pub created_at: Instant,
    /// `zh-CN` or `en`.
    pub language: String,
}

/// Without the hash: accounts end up in logs.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("id", &self.id)
            .field("positions", &self.positions)
            .field("disabled", &self.disabled)
            .finish_non_exhaustive()
    }
}

impl Store {
    pub fn account(&self, id: &AccountId) -> Result<Option<Account>, StoreError> {
        self.read("read an account", |db| {
            db.prepare_cached(&format!("SELECT {COLUMNS} FROM account WHERE id = ?1"))?
                .query_row([id.as_str()], |row| decode(row, 0))
                .optional()
        })
    }

    /// Every account, by id.
    pub fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        self.read("list the accounts", |db| {
            db.prepare_cached(&format!("SELECT {COLUMNS} FROM account ORDER BY id"))?
                .query_map([], |row| decode(row, 0))?
                .collect()
        })
    }

    /// See [`AccessChange::AddAccount`].
    pub fn add_account(&self, account: Account) -> Result<(), StoreError> {
        self.change_access(AccessChange::AddAccount(account))
    }

    /// See [`AccessChange::PutAccount`].
    pub fn put_account(&self, account: Account) -> Result<(), StoreError> {
        self.change_access(AccessChange::PutAccount(account))
    }

    pub(crate) fn change_access(&self, change: AccessChange) -> Result<(), StoreError> {
        self.commit(Batch {
            access: vec![change],
            ..Batch::default()
        })
        .map(drop)
    }
}

pub(crate) fn add(db: &Connection, account: &Account) -> Result<(), StoreError> {
    if find(db, &account.id)?.is_some() {
        return Err(StoreError::Conflict {
            collection: "accounts".to_owned(),
            id: account.id.to_string(),
            expected: None,
            found: None,
        });
    }
    write(db, account)
}

pub(crate) fn put(db: &Connection, account: &Account) -> Result<(), StoreError> {
    if let Some(before) = find(db, &account.id)?
        && (account.disabled
            || account.password_hash != before.password_hash
            || account.positions != before.positions)
    {
        // Whoever came in under the old password or positions must not stay.
        session::end_all(db, &account.id)?;
    }
    write(db, account)
}

/// The account, unless it is missing or disabled.
pub(crate) fn require_enabled(db: &Connection, id: &AccountId) -> Result<(), StoreError> {
    match find(db, id)? {
        Some(account) if !account.disabled => Ok(()),
        _ => Err(StoreError::missing("accounts", id.as_str())),
    }
}

fn find(db: &Connection, id: &AccountId) -> Result<Option<Account>, StoreError> {
    db.prepare_cached(&format!("SELECT {COLUMNS} FROM account WHERE id = ?1"))
        .and_then(|mut find| {
            find.query_row([id.as_str()], |row| decode(row, 0))
                .optional()
        })
        .map_err(sql("look for an account"))
}

fn write(db: &Connection, account: &Account) -> Result<(), StoreError> {
    // A list of strings always serialises.
    let positions = serde_json::to_string(&account.positions).unwrap_or_default();
    db.prepare_cached(
        "INSERT INTO account (id, name, password_hash, positions, disabled, created_at, language)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name,
             password_hash = excluded.password_hash, positions = excluded.positions,
             disabled = excluded.disabled, language = excluded.language",
    )
    .and_then(|mut put| {
        put.execute(params![
            account.id.as_str(),
            account.name,
            account.password_hash,
            positions,
            account.disabled,
            account.created_at.0,
            account.language,
        ])
    })
    .map(drop)
    .map_err(sql("store an account"))
}

/// Reads [`COLUMNS`] from column `at` on.
pub(crate) fn decode(row: &Row<'_>, at: usize) -> rusqlite::Result<Account> {
    let positions: String = row.get(at + 3)?;
    Ok(Account {
        id: AccountId(row.get(at)?),
        name: row.get(at + 1)?,
        password_hash: row.get(at + 2)?,
        positions: serde_json::from_str(&positions).map_err(|error| unreadable(at + 3, error))?,
        disabled: row.get(at + 4)?,
        created_at: Instant(row.get(at + 5)?),
        language: row.get(at + 6)?,
    })
}
