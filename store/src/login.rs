//! Login attempts counted before the password is looked at, and login links that work once.
//!
//! Both are decided on the writer thread, one after the other, so that parallel requests cannot
//! pass a limit or use a link twice.

use crate::batch::AccessChange;
use crate::error::sql;
use crate::{Store, StoreError, account};
use model::{AccountId, Digest, Instant};
use rusqlite::{Connection, OptionalExtension as _, params};

/// Subjects counted at a time. When there are more (somebody tries names in bulk), those whose
/// window has passed are forgotten; where none has, new subjects are refused.
pub const MAX_LOGIN_COUNTERS: u32 = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptLimit {
    /// Attempts allowed within one window.
    pub attempts: u32,
    /// The window begins with the first attempt.
    pub window_s: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// Look at the password now; `left` more may follow within the window.
    Allowed { left: u32 },
    /// Do not look at the password; at `until` the window ends.
    Refused { until: Instant },
}

/// A link that logs an account in, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginLink {
    /// SHA-256 of the token in the link.
    pub token: Digest,
    pub account: AccountId,
    pub expires_at: Instant,
}

impl Store {
    /// Counts one attempt of `subject`: an account name as it was typed, known or not, or an address.
    pub fn register_login_attempt(
        &self,
        subject: &str,
        now: Instant,
        limit: AttemptLimit,
    ) -> Result<Attempt, StoreError> {
        let subject = subject.to_owned();
        self.write_quietly(move |db| count_attempt(db, &subject, now, limit))
    }

    /// Begins anew, after a login that succeeded.
    pub fn clear_login_attempts(&self, subject: &str) -> Result<(), StoreError> {
        let subject = subject.to_owned();
        self.write_quietly(move |db| {
            db.execute("DELETE FROM login_attempt WHERE subject = ?1", [&subject])
                .map(drop)
                .map_err(sql("clear login attempts"))
        })
    }

    /// See [`AccessChange::CreateLoginLink`].
    pub fn create_login_link(&self, link: LoginLink) -> Result<(), StoreError> {
        self.change_access(AccessChange::CreateLoginLink(link))
    }

    /// Uses a link up. `None` when it is unknown, used, expired, or its account is disabled.
    pub fn take_login_link(
        &self,
        token: Digest,
        now: Instant,
    ) -> Result<Option<AccountId>, StoreError> {
        self.write_quietly(move |db| {
            db.prepare_cached(
                "UPDATE login_link SET used_at = ?2
                 WHERE token = ?1 AND used_at IS NULL AND expires_at > ?2
                     AND account IN (SELECT id FROM account WHERE disabled = 0)
                 RETURNING account",
            )
            .and_then(|mut take| {
                take.query_row(params![token.0, now.0], |row| row.get(0).map(AccountId))
                    .optional()
            })
            .map_err(sql("take a login link"))
        })
    }
}

pub(crate) fn create_link(db: &Connection, link: &LoginLink) -> Result<(), StoreError> {
    account::require_enabled(db, &link.account)?;
    db.execute(
        "INSERT INTO login_link (token, account, expires_at) VALUES (?1, ?2, ?3)",
        params![link.token.0, link.account.as_str(), link.expires_at.0],
    )
    .map(drop)
    .map_err(sql("store a login link"))
}

fn count_attempt(
    db: &Connection,
    subject: &str,
    now: Instant,
    limit: AttemptLimit,
) -> Result<Attempt, StoreError> {
    let found: Option<(u32, i64)> = db
        .prepare_cached("SELECT attempts, window_start FROM login_attempt WHERE subject = ?1")
        .and_then(|mut find| {
            find.query_row([subject], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })
        .map_err(sql("read login attempts"))?;
    // Where the clock jumped back, the window begins at the new now: nobody is locked out for as
    // long as the jump.
    let (attempts, start) = found.map_or((0, now), |(n, at)| (n, Instant(at).min(now)));
    let until = start.plus_s(limit.window_s);
    let (attempts, start) = if until <= now {
        (0, now)
    } else {
        (attempts, start)
    };
    if attempts >= limit.attempts {
        put_counter(db, subject, attempts, start)?;
        return Ok(Attempt::Refused { until });
    }
    if found.is_none() && !room_for_counter(db, now, limit)? {
        return Ok(Attempt::Refused {
            until: now.plus_s(limit.window_s),
        });
    }
    put_counter(db, subject, attempts + 1, start)?;
    Ok(Attempt::Allowed {
        left: limit.attempts - attempts - 1,
    })
}

fn put_counter(
    db: &Connection,
    subject: &str,
    attempts: u32,
    start: Instant,
) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO login_attempt (subject, attempts, window_start) VALUES (?1, ?2, ?3)
         ON CONFLICT (subject) DO UPDATE SET attempts = excluded.attempts,
             window_start = excluded.window_start",
    )
    .and_then(|mut put| put.execute(params![subject, attempts, start.0]))
    .map(drop)
    .map_err(sql("count a login attempt"))
}

fn room_for_counter(
    db: &Connection,
    now: Instant,
    limit: AttemptLimit,
) -> Result<bool, StoreError> {
    let count = || {
        db.prepare_cached("SELECT count(*) FROM login_attempt")
            .and_then(|mut count| count.query_row([], |row| row.get::<_, u32>(0)))
            .map_err(sql("count login counters"))
    };
    if count()? < MAX_LOGIN_COUNTERS {
        return Ok(true);
    }
    db.execute(
        "DELETE FROM login_attempt WHERE window_start <= ?1",
        [now.plus_s(-limit.window_s).0],
    )
    .map_err(sql("forget old login counters"))?;
    Ok(count()? < MAX_LOGIN_COUNTERS)
}
