//! Emergency codes for the hour in which single sign-on or chat is in the attacker's hands.
//!
//! A code is printed, sealed and put into a safe. Using it opens a short session with the plan's
//! emergency positions, is recorded, and pages everybody of the leading group, in one
//! transaction. Nothing here asks anything outside this process.

use super::membership::AccountRefusal;
use super::people::NO_PASSWORD;
use super::second_factor::{code_of, plain};
use crate::account::{LoginError, attempt_key, token_hash};
use crate::alarm::{ALARM, Alarm};
use crate::{Desk, DeskError};
use model::{AccountId, GroupId, Instant, OutboxId, PositionId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeSet;
use store::{
    Account, AccountChange, AccountState, Batch, EndSessions, NewOutbox, PutDocument, StoreError,
};

const CODES: &str = "break_glass";
/// Codes of one set; making a set ends the one before.
pub const MAX_CODES: u32 = 20;
/// A session by a code ends after this long.
pub const EMERGENCY_S: i64 = 3600;
/// Wrong codes in all, by anybody, within the window: 100 bits need no more.
const ATTEMPTS: u32 = 20;
const WINDOW_S: i64 = 300;
/// Groups of four characters: 120 bits.
const CODE_GROUPS: usize = 6;
const SET: &str = "set";
const MAX_WHO_CHARS: usize = 120;
const MAX_REASON_CHARS: usize = 400;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Set {
    made_at: Option<Instant>,
    made_by: Option<AccountId>,
    codes: Vec<Code>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Code {
    number: u32,
    hash: String,
    #[serde(default)]
    used_at: Option<Instant>,
    #[serde(default)]
    used_by: String,
}

/// What the settings show of the codes.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct BreakGlassStatus {
    pub made_at: Option<Instant>,
    pub made_by: Option<AccountId>,
    pub left: usize,
    /// Number of the code, when it was used, and by whom as they said themselves.
    pub used: Vec<(u32, Instant, String)>,
}

impl Desk {
    pub fn break_glass(&self) -> Result<BreakGlassStatus, DeskError> {
        let (set, _) = self.code_set()?;
        Ok(BreakGlassStatus {
            left: set.codes.iter().filter(|c| c.used_at.is_none()).count(),
            used: (set.codes.iter())
                .filter_map(|c| Some((c.number, c.used_at?, c.used_by.clone())))
                .collect(),
            made_at: set.made_at,
            made_by: set.made_by,
        })
    }

    /// Proposes a new set; by itself where the plan wants no second person for it.
    pub fn ask_break_glass(
        &self,
        op: &model::Operation,
        count: u32,
    ) -> Result<Result<Vec<String>, super::AccountProposal>, DeskError> {
        let actor = self.actor(op)?;
        super::membership::manager(&self.plan(), &actor)?;
        if count == 0 || count > MAX_CODES {
            return Err(AccountRefusal::Full.into());
        }
        let two = plan::PairedAct::BreakGlassCodes;
        if self.plan().four_eyes.contains(&two) {
            let asked = super::Proposed::BreakGlassCodes { count };
            return Ok(Err(self.propose(op, asked)?));
        }
        Ok(Ok(self.make_break_glass(&actor.id, count, Vec::new())?))
    }

    /// Replaces the set; the codes are shown once.
    pub(crate) fn make_break_glass(
        &self,
        by: &AccountId,
        count: u32,
        mut documents: Vec<PutDocument>,
    ) -> Result<Vec<String>, DeskError> {
        let (_, version) = self.code_set()?;
        let codes: Vec<String> = (0..count.min(MAX_CODES))
            .map(|_| code_of(CODE_GROUPS))
            .collect::<Result<_, _>>()?;
        let kept = (1..).zip(&codes).map(|(number, code)| Code {
            number,
            hash: token_hash(&plain(code)),
            used_at: None,
            used_by: String::new(),
        });
        let set = Set {
            made_at: Some(self.now()),
            made_by: Some(by.clone()),
            codes: kept.collect(),
        };
        documents.push(self.document(CODES, SET, version, serde_json::to_string(&set)?));
        let leaf =
            json!({ "kind": "break-glass-codes", "count": count, "by": by, "at": self.now() });
        self.store().commit(Batch {
            documents,
            leaves: vec![serde_json::to_vec(&leaf)?],
            ..Batch::default()
        })?;
        self.touched();
        Ok(codes)
    }

    /// Uses a code up and opens a session. `who` and `reason` are the user's own words, for the record.
    pub fn break_glass_login(
        &self,
        code: &str,
        who: &str,
        reason: &str,
        device: &str,
    ) -> Result<String, LoginError> {
        let (who, reason) = (who.trim(), reason.trim());
        let told = |text: &str, most| {
            !text.is_empty() && text.chars().count() <= most && !text.chars().any(char::is_control)
        };
        if !told(who, MAX_WHO_CHARS) || !told(reason, MAX_REASON_CHARS) {
            return Err(LoginError::Incomplete);
        }
        let now = self.now();
        let key = attempt_key("break-glass", "");
        let since = now.plus_s(-WINDOW_S);
        let tried = self
            .store()
            .register_login_attempt(&key, now, since, ATTEMPTS)?;
        if let Some(oldest) = tried {
            let retry_after_s = (WINDOW_S as f64 - now.since_s(oldest)).max(1.0) as u32;
            return Err(LoginError::TooMany { retry_after_s });
        }
        let (mut set, version) = self.code_set()?;
        let hash = token_hash(&plain(code));
        let found = set
            .codes
            .iter_mut()
            .find(|c| c.hash == hash && c.used_at.is_none());
        let found = found.ok_or(LoginError::Wrong)?;
        found.used_at = Some(now);
        found.used_by = who.to_owned();
        let number = found.number;
        let account = self.emergency_account(number)?;
        let set = self.document(
            CODES,
            SET,
            version,
            serde_json::to_string(&set).map_err(DeskError::from)?,
        );
        let mut change =
            AccountChange::of(&account, &[AccountState::Active, AccountState::Disabled]);
        change.state = Some(AccountState::Active);
        change.name = Some(format!("{who} #{number}"));
        change.positions = Some(self.plan().break_glass.clone());
        change.end_sessions = Some(EndSessions { but: None });
        let leaf = json!({ "kind": "break-glass-used", "code": number, "account": account, "who": who, "reason": reason, "positions": change.positions, "at": now });
        let batch = Batch {
            documents: vec![set],
            outbox: self.alarms(&hash, number, who, reason)?,
            leaves: vec![serde_json::to_vec(&leaf).map_err(DeskError::from)?],
            ..Batch::default()
        };
        // A crash before this: the code is unused and nobody was told. After it: the code is used
        // up, everybody is paged; whoever used it and has no session takes the next code.
        match self.store().change_account(change, batch) {
            Err(StoreError::Conflict { .. }) => return Err(LoginError::Wrong),
            other => drop(other?),
        }
        self.touched();
        Ok(self.open_session_for(&account, device, EMERGENCY_S)?)
    }

    /// The account of one code: what was done with it can be told apart from the others.
    fn emergency_account(&self, number: u32) -> Result<AccountId, DeskError> {
        let id = AccountId::new(format!("emergency-{number}"));
        if self.store().account(&id)?.is_none() {
            let leaf =
                json!({ "kind": "account", "account": id, "positions": [], "at": self.now() });
            let account = Account {
                id: id.clone(),
                name: id.to_string(),
                password_hash: NO_PASSWORD.to_owned(),
                positions: Vec::new(),
                state: AccountState::Disabled,
                created_at: self.now(),
            };
            match self
                .store()
                .add_account(account, serde_json::to_vec(&leaf)?)
            {
                Err(StoreError::Conflict { .. }) | Ok(()) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(id)
    }

    /// Pages to all: the leading group reads who used it and why; everybody else only that it was
    /// used, since a reason may speak of what not everybody may know.
    fn alarms(
        &self,
        hash: &str,
        number: u32,
        who: &str,
        reason: &str,
    ) -> Result<Vec<NewOutbox>, DeskError> {
        let plan = self.plan();
        let group = plan.group(&GroupId::new("leading"));
        let leading: BTreeSet<&PositionId> = group.iter().flat_map(|g| g.everyone()).collect();
        let short: String = hash.chars().rev().take(16).collect();
        let code = ("code".to_owned(), number.to_string());
        let row = |position: &PositionId| {
            let (alarm, values) = match leading.contains(position) {
                true => {
                    let said = [("who", who), ("reason", reason)];
                    let said = said.map(|(name, text)| (name.to_owned(), text.to_owned()));
                    ("break-glass", [vec![code.clone()], said.to_vec()].concat())
                }
                false => ("break-glass-all", vec![code.clone()]),
            };
            let alarm = Alarm {
                alarm: alarm.to_owned(),
                position: position.clone(),
                values,
            };
            Ok(NewOutbox {
                id: OutboxId::new(format!("break-glass-{short}-{position}")),
                incident: None,
                channel: "file".into(),
                kind: ALARM.into(),
                due_at: self.now(),
                json: serde_json::to_string(&alarm)?,
            })
        };
        let others = self.others(&leading)?;
        leading.iter().copied().chain(&others).map(row).collect()
    }

    /// Positions by which everybody is reached who is active and holds none of `leading`; guests,
    /// who know of nothing but their incident, are left out.
    fn others(&self, leading: &BTreeSet<&PositionId>) -> Result<BTreeSet<PositionId>, DeskError> {
        let mut all: BTreeSet<PositionId> = BTreeSet::new();
        for person in self.accounts()? {
            let reached = |p: &PositionId| leading.contains(p) || all.contains(p);
            let away = person.state != AccountState::Active || self.is_guest(&person.positions);
            if away || person.positions.iter().any(reached) {
                continue;
            }
            all.extend(person.positions.first().cloned());
        }
        Ok(all)
    }

    fn code_set(&self) -> Result<(Set, u64), DeskError> {
        match self.store().document(CODES, SET)? {
            Some(found) => Ok((serde_json::from_str(&found.json)?, found.version)),
            None => Ok((Set::default(), 0)),
        }
    }
}
