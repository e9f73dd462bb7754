//! Sessions as their owners and the administrators see them, and their end.

use super::membership::{AccountRefusal, Step};
use crate::account::{EMERGENCY, token_hash};
use crate::view::Session;
use crate::{Desk, DeskError, Told};
use model::{AccountId, Instant, Operation};
use serde::Serialize;
use store::{AccountChange, AccountState, EndSessions};

/// Characters of a session's hash that name it: enough to tell any two apart, useless as a token.
const ID_CHARS: usize = 24;
/// The use of a session is noted at most so often.
const SEEN_EVERY_S: i64 = 60;

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SessionView {
    pub id: String,
    pub device: String,
    pub created_at: Instant,
    pub expires_at: Instant,
    pub seen_at: Option<Instant>,
    /// The one that asks.
    pub own: bool,
}

impl Desk {
    /// The session behind a token; `None` once it ended or its account was disabled, and where
    /// it cannot be read.
    pub fn session(&self, token: &str) -> Option<Session> {
        self.find_session(token).ok().flatten()
    }

    /// The same, for whoever tells a session that ended from a store that is away.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn find_session(&self, token: &str) -> Result<Option<Session>, DeskError> {
        let (hash, now) = (token_hash(token), self.now());
        let Some(row) = self.store().session(&hash, now)? else {
            return Ok(None);
        };
        // A guest's ends with their access, by the time of this look.
        if self.is_guest(&row.positions) && self.guest_access(&row.account).is_none() {
            return Ok(None);
        }
        if row.seen_at.is_none_or(|at| at.plus_s(SEEN_EVERY_S) <= now)
            && let Err(error) = self.store().session_seen(&hash, now)
        {
            tracing::warn!(error = %crate::error::chain(&error), "a session's use could not be noted");
        }
        let language = row.language.as_deref().and_then(|l| l.parse().ok());
        let wanted = self.config().accounts.wants_second_factor(&row.positions);
        // What cannot be read counts as missing.
        let needs_second_factor = wanted
            && !self.has_second_factor(&row.account).unwrap_or(false)
            && !self.signs_in_elsewhere(&row.account).unwrap_or(false)
            && !row.account.as_str().starts_with(EMERGENCY);
        Ok(Some(Session {
            account: row.account,
            name: row.name,
            positions: row.positions,
            csrf: row.csrf,
            language,
            scopes: None,
            needs_second_factor,
        }))
    }

    /// `token` is the session that asks, when it is one of them.
    pub fn sessions(
        &self,
        account: &AccountId,
        token: Option<&str>,
    ) -> Result<Vec<SessionView>, DeskError> {
        let own = token.map(token_hash);
        let open = self.store().sessions_of(account, self.now())?;
        let view = |s: store::OpenSession| SessionView {
            id: short(&s.token_hash),
            own: own.as_ref() == Some(&s.token_hash),
            device: s.device,
            created_at: s.created_at,
            expires_at: s.expires_at,
            seen_at: s.seen_at,
        };
        Ok(open.into_iter().map(view).collect())
    }

    /// Ends one session of the account; the id of another account's session is not found.
    pub fn end_session_of(&self, account: &AccountId, id: &str) -> Result<(), DeskError> {
        let open = self.store().sessions_of(account, self.now())?;
        let found = open.iter().find(|s| short(&s.token_hash) == id);
        let found = found.ok_or_else(|| DeskError::NotFound(Told::new("session-unknown")))?;
        self.store().end_session(&found.token_hash)?;
        self.touched();
        Ok(())
    }

    /// Ends all sessions of one's own account but the one that asks.
    pub fn end_other_sessions(&self, account: &AccountId, token: &str) -> Result<(), DeskError> {
        let mut change = AccountChange::of(account, &[AccountState::Active]);
        change.end_sessions = Some(EndSessions {
            but: Some(token_hash(token)),
        });
        self.change_member(change, "sessions-ended", account, Vec::new())
    }

    /// An administrator ends all sessions of somebody.
    pub fn end_all_sessions(&self, op: &Operation, account: &AccountId) -> Result<(), DeskError> {
        let (_, target, ruling) = self.rule(op, account, &Step::EndSessions)?;
        debug_assert_eq!(ruling, super::membership::Ruling::Now);
        let by = op.actor.account().ok_or(AccountRefusal::NotActive)?;
        let mut change = AccountChange::of(&target.id, &[AccountState::Active]);
        change.end_sessions = Some(EndSessions { but: None });
        self.change_member(change, "sessions-ended", by, Vec::new())
    }

    /// Whether a session is still good, without noting its use: for the stream.
    pub fn session_lives(&self, token: &str) -> bool {
        let found = self.store().session(&token_hash(token), self.now());
        matches!(found, Ok(Some(_)))
    }
}

fn short(token_hash: &str) -> String {
    let letters = token_hash.chars().filter(char::is_ascii_alphanumeric);
    let all: Vec<char> = letters.collect();
    // From the end: a digest's text begins with the name of its algorithm.
    all[all.len().saturating_sub(ID_CHARS)..].iter().collect()
}
