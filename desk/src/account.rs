//! Accounts and sessions: Argon2id passwords, tokens kept as hashes, login limits kept in the store.

use crate::view::Session;
use crate::{Desk, DeskError};
use argon2::Argon2;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use model::{AccountId, Digest, Instant, PositionId};
use plan::Lang;
use serde::Serialize;
use serde_json::json;
use std::sync::OnceLock;
use store::{Account, LoginLink};

/// Least characters of a password (NIST SP 800-63B-4, 15 without a second factor).
pub const MIN_PASSWORD_CHARS: usize = 15;
/// A longer one is refused before it is hashed.
pub const MAX_PASSWORD_BYTES: usize = 1024;
/// Most characters of the name that others see.
pub const MAX_NAME_CHARS: usize = 120;
/// A session ends after this long, used or not.
pub const SESSION_S: i64 = 12 * 3600;
/// A one-time link is good for this long.
pub const LINK_S: i64 = 3600;
/// Wrong passwords for one account within `LOGIN_WINDOW_S` before it must wait.
pub const LOGIN_ATTEMPTS: u32 = 10;
pub const LOGIN_WINDOW_S: i64 = 300;

#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    #[error("the name or the password is wrong")]
    Wrong,
    #[error("too many attempts; try again in {retry_after_s} s")]
    TooMany { retry_after_s: u32 },
    #[error("the link was used already or has expired")]
    Link,
    #[error(transparent)]
    Desk(#[from] DeskError),
}

impl From<store::StoreError> for LoginError {
    fn from(error: store::StoreError) -> Self {
        Self::Desk(error.into())
    }
}

impl Desk {
    /// Adds a person. The password is never stored, only its Argon2id hash (RFC 9106).
    pub fn add_account(
        &self,
        id: &AccountId,
        name: &str,
        positions: &[PositionId],
        password: &str,
    ) -> Result<(), DeskError> {
        if password.chars().count() < MIN_PASSWORD_CHARS || password.len() > MAX_PASSWORD_BYTES {
            return Err(DeskError::Refused(format!(
                "a password has at least {MIN_PASSWORD_CHARS} characters and at most {MAX_PASSWORD_BYTES} bytes"
            )));
        }
        let plan = self.plan();
        if let Some(unknown) = positions.iter().find(|p| plan.position(p).is_none()) {
            let known: Vec<&str> = plan.positions.iter().map(|p| p.id.as_str()).collect();
            return Err(DeskError::Refused(format!(
                "the plan has no position `{unknown}`; its positions are {}",
                known.join(", ")
            )));
        }
        if id.as_str().is_empty() || id.as_str().len() > 64 {
            return Err(DeskError::Refused(
                "an account name has 1 to 64 bytes".into(),
            ));
        }
        if name.chars().count() > MAX_NAME_CHARS || positions.len() > plan.positions.len() {
            return Err(DeskError::Refused(format!(
                "a name has at most {MAX_NAME_CHARS} characters, and a person holds each position once"
            )));
        }
        let hash = hash(password)?;
        self.put_account(id, name, positions, hash)
    }

    /// Checks the password and opens a session; gives the token for the cookie.
    /// An unknown name takes as long as a wrong password.
    pub fn login(&self, name: &str, password: &str) -> Result<String, LoginError> {
        let now = self.now();
        if let Some(retry_after_s) = self.login_delay(name, now)? {
            return Err(LoginError::TooMany { retry_after_s });
        }
        let id = AccountId::new(name);
        let account = self.account(&id)?.filter(|a| !a.disabled);
        let stored = account
            .as_ref()
            .map_or_else(decoy, |a| a.password_hash.clone());
        if password.is_empty()
            || password.len() > MAX_PASSWORD_BYTES
            || !verify(password, &stored)
            || account.is_none()
        {
            return Err(LoginError::Wrong);
        }
        self.login_succeeded(name)?;
        Ok(self.open_session(&id)?)
    }

    /// Uses a one-time link up and opens a session.
    pub fn login_by_link(&self, token: &str) -> Result<String, LoginError> {
        let account = self.take_link(token)?.ok_or(LoginError::Link)?;
        Ok(self.open_session(&account)?)
    }

    fn put_account(
        &self,
        id: &AccountId,
        name: &str,
        positions: &[PositionId],
        password_hash: String,
    ) -> Result<(), DeskError> {
        let created_at = self.now();
        // The record says who was let in and to which positions, never a password or its hash.
        let leaf =
            json!({ "kind": "account", "account": id, "positions": positions, "at": created_at });
        let account = Account {
            id: id.clone(),
            name: name.to_owned(),
            password_hash,
            positions: positions.to_vec(),
            disabled: false,
            created_at,
        };
        self.store()
            .add_account(account, serde_json::to_vec(&leaf)?)?;
        self.touched();
        Ok(())
    }

    /// Everybody, without passwords.
    pub fn accounts(&self) -> Result<Vec<Person>, DeskError> {
        let person = |a: Account| Person {
            id: a.id,
            name: a.name,
            positions: a.positions,
            disabled: a.disabled,
        };
        Ok(self.store().accounts()?.into_iter().map(person).collect())
    }

    /// Who holds a position now.
    pub fn holders(&self, position: &PositionId) -> Vec<Person> {
        let mut people = self.accounts().unwrap_or_default();
        people.retain(|p| !p.disabled && p.positions.contains(position));
        people
    }

    /// Counts the attempt; seconds to wait when there were too many.
    fn login_delay(&self, name: &str, now: Instant) -> Result<Option<u32>, LoginError> {
        let since = now.plus_s(-LOGIN_WINDOW_S);
        let oldest = self
            .store()
            .register_login_attempt(name, now, since, LOGIN_ATTEMPTS)?;
        Ok(oldest.map(|at| (LOGIN_WINDOW_S as f64 - now.since_s(at)).max(1.0) as u32))
    }

    fn account(&self, id: &AccountId) -> Result<Option<Account>, LoginError> {
        Ok(self.store().account(id)?)
    }

    fn login_succeeded(&self, name: &str) -> Result<(), LoginError> {
        Ok(self.store().clear_login_attempts(name)?)
    }

    fn open_session(&self, account: &AccountId) -> Result<String, DeskError> {
        let (token, csrf, now) = (token()?, token()?, self.now());
        self.store().create_session(
            token_hash(&token),
            account.clone(),
            csrf,
            now,
            now.plus_s(SESSION_S),
        )?;
        Ok(token)
    }

    /// A link token that logs the account in once, within [`LINK_S`].
    pub fn login_link(&self, account: &AccountId) -> Result<String, DeskError> {
        let token = token()?;
        let link = LoginLink {
            token_hash: token_hash(&token),
            account: account.clone(),
            expires_at: self.now().plus_s(LINK_S),
        };
        self.store().add_login_link(link)?;
        Ok(token)
    }

    fn take_link(&self, token: &str) -> Result<Option<AccountId>, LoginError> {
        Ok(self
            .store()
            .take_login_link(&token_hash(token), self.now())?)
    }

    /// The session behind a token; `None` once it ended or its account was disabled.
    pub fn session(&self, token: &str) -> Option<Session> {
        let row = self
            .store()
            .session(&token_hash(token), self.now())
            .ok()??;
        let language = row.language.as_deref().and_then(|l| l.parse().ok());
        Some(Session {
            account: row.account,
            name: row.name,
            positions: row.positions,
            csrf: row.csrf,
            language,
        })
    }

    pub fn logout(&self, token: &str) {
        if let Err(error) = self.store().end_session(&token_hash(token)) {
            tracing::error!(error = %crate::error::chain(&error), "a session could not be ended");
        }
    }

    pub fn set_language(&self, token: &str, lang: Lang) {
        if let Err(error) = self
            .store()
            .set_session_language(&token_hash(token), lang.tag())
        {
            tracing::warn!(error = %crate::error::chain(&error), "the language could not be kept");
        }
    }
}

/// A person as others may see them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Person {
    pub id: AccountId,
    pub name: String,
    pub positions: Vec<PositionId>,
    pub disabled: bool,
}

/// A random token of 256 bits, URL-safe.
pub(crate) fn token() -> Result<String, DeskError> {
    let mut bytes = [0_u8; 32];
    random(&mut bytes)?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// Random bytes from the operating system.
pub(crate) fn random(bytes: &mut [u8]) -> Result<(), DeskError> {
    getrandom::fill(bytes)
        .map_err(|e| DeskError::Refused(format!("the system gives no random numbers: {e}")))
}

/// What the store keeps of a token.
pub(crate) fn token_hash(token: &str) -> String {
    Digest::of(token.as_bytes()).to_string()
}

fn hash(password: &str) -> Result<String, DeskError> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.map(|h| h.to_string())
        .map_err(|e| DeskError::Refused(format!("the password cannot be hashed: {e}")))
}

fn verify(password: &str, stored: &str) -> bool {
    PasswordHash::new(stored).is_ok_and(|parsed| {
        Argon2::default()
            .verify_password(password.as_bytes(), &parsed)
            .is_ok()
    })
}

/// A hash that no password opens, so that unknown names cost the same time.
fn decoy() -> String {
    static DECOY: OnceLock<String> = OnceLock::new();
    DECOY
        .get_or_init(|| hash("no password is like this one").unwrap_or_default())
        .clone()
}
