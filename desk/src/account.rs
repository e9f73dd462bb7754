//! Accounts and sessions: Argon2id passwords, tokens kept as hashes, login limits kept in the store.

use crate::identity::AccountRefusal;
use crate::{Desk, DeskError, Told};
use argon2::Argon2;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use model::{AccountId, Digest, Instant, PositionId};
use plan::Lang;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};
use store::{Account, AccountState, LoginLink, NewSession};

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
/// Between the password and the second factor.
const TICKET_S: i64 = 300;
/// Passwords hashed at a time: each takes 19 MiB and a core.
const HASHERS: u32 = 4;
/// Passwords that wait for their turn; half of the threads that serve pages.
const MAX_WAITING: u32 = 48;
const MAX_DEVICE_CHARS: usize = 200;

#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    #[error("the name or the password is wrong")]
    Wrong,
    #[error("too many attempts; try again in {retry_after_s} s")]
    TooMany { retry_after_s: u32 },
    #[error("the link was used already or has expired")]
    Link,
    /// The password was right; the ticket goes back with a code.
    #[error("the second factor is missing")]
    SecondFactor { ticket: String },
    #[error("say who you are and why")]
    Incomplete,
    #[error(transparent)]
    SignOn(#[from] crate::identity::sign_on::SignOnError),
    #[error(transparent)]
    Desk(#[from] DeskError),
}

impl From<AccountRefusal> for LoginError {
    fn from(refusal: AccountRefusal) -> Self {
        Self::Desk(refusal.into())
    }
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
        check_password(password)?;
        let plan = self.plan();
        if let Some(unknown) = positions.iter().find(|p| plan.position(p).is_none()) {
            let known: Vec<&str> = plan.positions.iter().map(|p| p.id.as_str()).collect();
            return Err(DeskError::Refused(
                Told::new("position-unknown")
                    .with("position", unknown)
                    .with("known", known.join(", ")),
            ));
        }
        if id.as_str().is_empty() || id.as_str().len() > 64 {
            return Err(DeskError::Refused(Told::new("account-name")));
        }
        if name.chars().count() > MAX_NAME_CHARS || positions.len() > plan.positions.len() {
            return Err(DeskError::Refused(
                Told::new("person-name").with("most", MAX_NAME_CHARS),
            ));
        }
        let hash = hash_slowly(password)?;
        self.put_account(id, name, positions, hash)
    }

    /// As [`Desk::login_from`], without a word about the device.
    pub fn login(&self, name: &str, password: &str) -> Result<String, LoginError> {
        self.login_from(name, password, "")
    }

    /// Checks the password and opens a session; gives the token for the cookie. Who has a second
    /// factor gets a ticket for [`Desk::login_with_code`] instead.
    /// An unknown name takes as long as a wrong password, and so does an account that is not active.
    pub fn login_from(
        &self,
        name: &str,
        password: &str,
        device: &str,
    ) -> Result<String, LoginError> {
        let key = attempt_key("password", name);
        self.count_login(&key)?;
        let id = AccountId::new(name);
        let account = self.account(&id)?;
        let account = account.filter(|a| a.state == AccountState::Active);
        let stored = match &account {
            Some(a) if a.password_hash.starts_with('$') => a.password_hash.clone(),
            _ => decoy(),
        };
        let short = !password.is_empty() && password.len() <= MAX_PASSWORD_BYTES;
        let right = verify(password, &stored).ok_or(LoginError::TooMany { retry_after_s: 1 })?;
        if !right || !short || account.is_none() {
            return Err(LoginError::Wrong);
        }
        self.store().clear_login_attempts(&key)?;
        self.pass(&id, device)
    }

    /// The second step: the ticket of the first one, and a code of the app or a recovery code.
    pub fn login_with_code(
        &self,
        ticket: &str,
        code: &str,
        device: &str,
    ) -> Result<String, LoginError> {
        let waiting: Option<Waiting> = self.read_ticket(SECOND_STEP, ticket);
        let waiting = waiting.ok_or(LoginError::Link)?;
        let account = self.account(&waiting.account)?;
        // A ticket ends with the password that it was given for, and with the account.
        let same = |a: &Account| {
            a.state == AccountState::Active && token_hash(&a.password_hash) == waiting.password
        };
        if !account.as_ref().is_some_and(same) {
            return Err(LoginError::Link);
        }
        match self.take_second_factor(&waiting.account, code) {
            Ok(()) => Ok(self.open_session(&waiting.account, device)?),
            Err(DeskError::Account(AccountRefusal::WrongSecret)) => Err(LoginError::Wrong),
            Err(DeskError::Account(AccountRefusal::TooMany)) => Err(LoginError::TooMany {
                retry_after_s: crate::identity::second_factor::CODE_WINDOW_S as u32,
            }),
            Err(error) => Err(error.into()),
        }
    }

    /// Uses a one-time link up and opens a session, past the password but not past the second factor.
    pub fn login_by_link(&self, token: &str) -> Result<String, LoginError> {
        let account = self.take_link(token)?.ok_or(LoginError::Link)?;
        let found = self.account(&account)?;
        if !found.is_some_and(|a| a.state == AccountState::Active) {
            return Err(LoginError::Link);
        }
        self.pass(&account, "")
    }

    /// The password was right: in, or on to the second step.
    fn pass(&self, id: &AccountId, device: &str) -> Result<String, LoginError> {
        if !self.has_second_factor(id)? {
            return Ok(self.open_session(id, device)?);
        }
        let account = self.account(id)?.ok_or(LoginError::Wrong)?;
        let waiting = Waiting {
            account: id.clone(),
            password: token_hash(&account.password_hash),
        };
        let until = self.now().plus_s(TICKET_S);
        let ticket = self.ticket(SECOND_STEP, waiting, until)?;
        Err(LoginError::SecondFactor { ticket })
    }

    /// One's own password once more, before something that a borrowed session must not do.
    pub(crate) fn check_own_password(
        &self,
        id: &AccountId,
        password: &str,
    ) -> Result<(), DeskError> {
        let now = self.now();
        let key = attempt_key("own-password", id.as_str());
        let since = now.plus_s(-LOGIN_WINDOW_S);
        let tried = self
            .store()
            .register_login_attempt(&key, now, since, LOGIN_ATTEMPTS)?;
        if tried.is_some() {
            return Err(AccountRefusal::TooMany.into());
        }
        let account = self.store().account(id)?.ok_or(AccountRefusal::State)?;
        let right = verify(password, &account.password_hash).ok_or(AccountRefusal::TooMany)?;
        if password.len() > MAX_PASSWORD_BYTES || !right {
            return Err(AccountRefusal::WrongSecret.into());
        }
        Ok(self.store().clear_login_attempts(&key)?)
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
            state: AccountState::Active,
            created_at,
        };
        self.store()
            .add_account(account, serde_json::to_vec(&leaf)?)?;
        self.touched();
        Ok(())
    }

    /// Everybody, without passwords.
    pub fn accounts(&self) -> Result<Vec<Person>, DeskError> {
        let accounts = self.store().accounts()?.into_iter();
        Ok(accounts.map(Person::of).collect())
    }

    /// Who holds a position now.
    pub fn holders(&self, position: &PositionId) -> Vec<Person> {
        let mut people = self.accounts().unwrap_or_default();
        people.retain(|p| p.holds(position));
        people
    }

    /// Counts the attempt before anything is looked at.
    fn count_login(&self, key: &str) -> Result<(), LoginError> {
        let now = self.now();
        let since = now.plus_s(-LOGIN_WINDOW_S);
        let oldest = self
            .store()
            .register_login_attempt(key, now, since, LOGIN_ATTEMPTS)?;
        match oldest {
            None => Ok(()),
            Some(at) => Err(LoginError::TooMany {
                retry_after_s: (LOGIN_WINDOW_S as f64 - now.since_s(at)).max(1.0) as u32,
            }),
        }
    }

    fn account(&self, id: &AccountId) -> Result<Option<Account>, LoginError> {
        Ok(self.store().account(id)?)
    }

    fn open_session(&self, account: &AccountId, device: &str) -> Result<String, DeskError> {
        self.open_session_for(account, device, SESSION_S)
    }

    /// A session under a new token, never one that a browser brought along.
    pub(crate) fn open_session_for(
        &self,
        account: &AccountId,
        device: &str,
        seconds: i64,
    ) -> Result<String, DeskError> {
        let (token, csrf, at) = (token()?, token()?, self.now());
        let readable = device.chars().filter(|c| !c.is_control());
        self.store().create_session(NewSession {
            token_hash: token_hash(&token),
            account: account.clone(),
            csrf,
            at,
            expires_at: at.plus_s(seconds),
            device: readable.take(MAX_DEVICE_CHARS).collect(),
        })?;
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

    pub(crate) fn take_link(&self, token: &str) -> Result<Option<AccountId>, LoginError> {
        Ok(self
            .store()
            .take_login_link(&token_hash(token), self.now())?)
    }

    pub fn logout(&self, token: &str) {
        if let Err(error) = self.store().end_session(&token_hash(token)) {
            tracing::error!(error = %crate::error::chain(&error), "a session could not be ended");
        }
        // Its streams look again.
        self.touched();
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
    pub state: AccountState,
    pub created_at: Instant,
}

impl Person {
    /// `invited`, `active` or `disabled`.
    pub const fn state_code(&self) -> &'static str {
        match self.state {
            AccountState::Invited => "invited",
            AccountState::Active => "active",
            AccountState::Disabled => "disabled",
        }
    }
    /// The account of an emergency code: nobody's for longer than an hour.
    pub fn is_emergency(&self) -> bool {
        self.id.as_str().starts_with(EMERGENCY)
    }
    /// Holds a position now, for longer than an hour.
    pub(crate) fn holds(&self, position: &PositionId) -> bool {
        let active = self.state == AccountState::Active;
        active && !self.is_emergency() && self.positions.contains(position)
    }
    pub(crate) fn of(account: Account) -> Self {
        Self {
            id: account.id,
            name: account.name,
            positions: account.positions,
            disabled: account.state == AccountState::Disabled,
            state: account.state,
            created_at: account.created_at,
        }
    }
}

/// Accounts of emergency codes begin so; nobody else's may.
pub(crate) const EMERGENCY: &str = "emergency-";
const SECOND_STEP: &str = "second step of a login";

/// Who gave the right password and owes a code.
#[derive(Serialize, Deserialize)]
struct Waiting {
    account: AccountId,
    /// Digest of the password's hash.
    password: String,
}

/// Under which attempts are counted: what strangers type becomes a name of one length, and no
/// name of one kind is another kind's.
pub(crate) fn attempt_key(kind: &str, name: &str) -> String {
    format!("{kind}/{}", token_hash(name))
}

pub(crate) fn check_password(password: &str) -> Result<(), DeskError> {
    let long = password.chars().count() >= MIN_PASSWORD_CHARS;
    match long && password.len() <= MAX_PASSWORD_BYTES {
        true => Ok(()),
        false => Err(AccountRefusal::Password.into()),
    }
}

/// A random token of 256 bits, URL-safe.
pub(crate) fn token() -> Result<String, DeskError> {
    let mut bytes = [0_u8; 32];
    random(&mut bytes)?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// Random bytes from the operating system.
pub(crate) fn random(bytes: &mut [u8]) -> Result<(), DeskError> {
    getrandom::fill(bytes).map_err(|e| DeskError::Refused(Told::new("no-random").with("why", e)))
}

/// What the store keeps of a token.
pub(crate) fn token_hash(token: &str) -> String {
    Digest::of(token.as_bytes()).to_string()
}

/// Lets [`HASHERS`] hash at a time. The others wait, each in a thread that its request holds;
/// `None` when so many wait that pages would have to wait with them.
fn in_turn<T>(work: impl FnOnce() -> T) -> Option<T> {
    static HERE: Mutex<(u32, u32)> = Mutex::new((0, 0));
    static FREE: Condvar = Condvar::new();
    struct Place;
    impl Drop for Place {
        fn drop(&mut self) {
            HERE.lock().unwrap_or_else(PoisonError::into_inner).0 -= 1;
            FREE.notify_one();
        }
    }
    let mut here = HERE.lock().unwrap_or_else(PoisonError::into_inner);
    if here.1 >= MAX_WAITING {
        return None;
    }
    here.1 += 1;
    let full = |(busy, _): &mut (u32, u32)| *busy >= HASHERS;
    let here = FREE.wait_while(here, full);
    let mut here = here.unwrap_or_else(PoisonError::into_inner);
    *here = (here.0 + 1, here.1 - 1);
    drop(here);
    let _place = Place;
    Some(work())
}

pub(crate) fn hash_slowly(password: &str) -> Result<String, DeskError> {
    in_turn(|| hash(password)).unwrap_or_else(|| Err(AccountRefusal::TooMany.into()))
}

fn hash(password: &str) -> Result<String, DeskError> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.map(|h| h.to_string())
        .map_err(|e| DeskError::Refused(Told::new("no-hash").with("why", e)))
}

/// `None`: too many are being looked at already.
fn verify(password: &str, stored: &str) -> Option<bool> {
    // A password of any length costs the same: one that is too long is wrong whatever it is.
    let password = password.as_bytes();
    let password = &password[..password.len().min(MAX_PASSWORD_BYTES)];
    let Ok(parsed) = PasswordHash::new(stored) else {
        return Some(false);
    };
    in_turn(|| Argon2::default().verify_password(password, &parsed).is_ok())
}

/// A hash that no password opens, so that unknown names cost the same time.
fn decoy() -> String {
    static DECOY: OnceLock<String> = OnceLock::new();
    DECOY
        .get_or_init(|| hash("no password is like this one").unwrap_or_default())
        .clone()
}
