//! Answers to a page: by the signed link in the message, or by a short code that is read out.
//!
//! A link is good for one message of one person and for nothing else, and expires; opening it
//! changes nothing (mail scanners open links), only its form does. A code is six digits, made
//! for one message; wrong ones are counted in the store's single writer, so that many at once
//! cannot get past the limit.
//! Deliberately not here: what an answer does to the incident (room `incident`).

use super::page::{Paged, Receiver};
use crate::account::Person;
use crate::error::CommandError;
use crate::{Desk, DeskError};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use incident::people::CallState;
use incident::{Command, Incident};
use model::{AccountId, Actor, IncidentId, Instant, Operation, OutboxId, RequestId};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::sync::Arc;
use store::{Batch, PutDocument};

/// A link and a code are good for this long after the page was due.
pub const ANSWER_S: i64 = 24 * 3_600;
/// Wrong codes of one person, and of all, within `CODE_WINDOW_S`.
pub const CODE_ATTEMPTS: u32 = 10;
pub const CODE_ATTEMPTS_ALL: u32 = 60;
const CODE_WINDOW_S: i64 = 300;
const CODES: u64 = 1_000_000;
const SEEN: &str = "page_seen";

/// What a link stands for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Ticket {
    page: OutboxId,
    who: AccountId,
    /// Seconds since the epoch.
    until: i64,
}

/// What a person with a link is shown.
#[derive(Clone, Debug)]
pub struct Asked {
    pub page: Paged,
    pub person: Person,
    pub incident: Option<Arc<Incident>>,
    /// It was answered already, by anybody.
    pub answered: bool,
    pub may_refuse: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    #[error("the link is not good or has expired")]
    Link,
    #[error("no open call has this code")]
    Code,
    #[error("too many codes were tried; wait {retry_after_s} s")]
    TooMany { retry_after_s: u32 },
    #[error(transparent)]
    Command(#[from] CommandError),
}

impl From<DeskError> for AnswerError {
    fn from(error: DeskError) -> Self {
        Self::Command(error.into())
    }
}

/// Whoever answers takes it, or says why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Acknowledge,
    Refuse { reason: String },
}

impl Desk {
    /// The token of the link in a message.
    pub(crate) fn answer_token(&self, page: &OutboxId, who: &AccountId, due_at: Instant) -> String {
        let ticket = Ticket {
            page: page.clone(),
            who: who.clone(),
            until: due_at.plus_s(ANSWER_S).0 / 1_000_000,
        };
        // Strings and a number always serialise.
        let text = serde_json::to_vec(&ticket).unwrap_or_default();
        let mac = self.mac(b"link", &text).finalize().into_bytes();
        format!(
            "{}.{}",
            BASE64_URL_SAFE_NO_PAD.encode(&text),
            BASE64_URL_SAFE_NO_PAD.encode(mac)
        )
    }

    /// Six digits for one message of one person.
    pub fn answer_code(&self, page: &OutboxId, who: &AccountId) -> String {
        let mut mac = self.mac(b"code", page.as_str().as_bytes());
        mac.update(&[0]);
        mac.update(who.as_str().as_bytes());
        let bytes = mac.finalize().into_bytes();
        let number = bytes
            .iter()
            .take(8)
            .fold(0_u64, |n, b| n << 8 | u64::from(*b));
        format!("{:06}", number % CODES)
    }

    fn mac(&self, purpose: &[u8], text: &[u8]) -> Hmac<Sha256> {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(self.paging_key()).expect("a key");
        mac.update(purpose);
        mac.update(&[0]);
        mac.update(text);
        mac
    }

    /// What a link asks; changes nothing.
    pub fn asked_by_link(&self, token: &str) -> Result<Asked, AnswerError> {
        let ticket = self.call_ticket(token).ok_or(AnswerError::Link)?;
        let page = self.page(&ticket.page)?.ok_or(AnswerError::Link)?;
        let person = self.enabled_person(&ticket.who)?.ok_or(AnswerError::Link)?;
        self.asked(page, person).ok_or(AnswerError::Link)
    }

    fn call_ticket(&self, token: &str) -> Option<Ticket> {
        let (text, mac) = token.split_once('.')?;
        let text = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let mac = BASE64_URL_SAFE_NO_PAD.decode(mac).ok()?;
        self.mac(b"link", &text).verify_slice(&mac).ok()?;
        let ticket: Ticket = serde_json::from_slice(&text).ok()?;
        (self.now().0 / 1_000_000 < ticket.until).then_some(ticket)
    }

    fn enabled_person(&self, who: &AccountId) -> Result<Option<Person>, DeskError> {
        let mut people = self.accounts()?;
        people.retain(|p| p.id == *who && !p.disabled);
        Ok(people.pop())
    }

    /// `None` where the person may not know of the incident any more.
    fn asked(&self, page: Paged, person: Person) -> Option<Asked> {
        let incident = match &page.incident {
            None => None,
            Some(id) => {
                let viewer = self.viewer(&person.id, &person.positions);
                Some(self.incident_for(&viewer, id)?)
            }
        };
        let call = page.call.and_then(|number| {
            let calls = incident.iter().flat_map(|i| &i.calls);
            calls.into_iter().find(|c| c.call.number == number)
        });
        let answered = match call {
            Some(call) => !matches!(call.state, CallState::Called | CallState::Escalated { .. }),
            None => self.seen_at(&page.id, &person.id).is_some(),
        };
        Some(Asked {
            may_refuse: call.is_some_and(|c| c.state == CallState::Called),
            answered,
            incident: incident.clone(),
            page,
            person,
        })
    }

    /// Answers by the link.
    pub fn answer_by_link(&self, token: &str, answer: &Answer) -> Result<(), AnswerError> {
        let asked = self.asked_by_link(token)?;
        let ticket = self.call_ticket(token).ok_or(AnswerError::Link)?;
        // The ticket itself is the request: sending the form twice answers once.
        let kind = match answer {
            Answer::Acknowledge => "yes",
            Answer::Refuse { .. } => "no",
        };
        let request = format!("link-{kind}-{}-{}", ticket.page, ticket.who);
        self.answer(&asked, answer, request, "")
    }

    /// Answers for whoever reads the code out; `by` is the person who takes it down.
    pub fn answer_by_code(
        &self,
        by: &AccountId,
        code: &str,
        answer: &Answer,
    ) -> Result<Person, AnswerError> {
        let digits: String = code.chars().filter(char::is_ascii_digit).collect();
        self.count_call_code(by)?;
        let now = self.now();
        let mut found = Vec::new();
        for page in self.pages_since(now.plus_s(-ANSWER_S))? {
            for receiver in &page.receivers {
                let Some(who) = &receiver.account else {
                    continue;
                };
                if self.answer_code(&page.id, who) == digits
                    && let Some(person) = self.enabled_person(who)?
                    && let Some(asked) = self.asked(page.clone(), person)
                    && !asked.answered
                {
                    found.push(asked);
                }
            }
        }
        // Two open calls with one code are one in a million: the link or the page is left.
        let (Some(asked), true) = (found.pop(), found.is_empty()) else {
            return Err(AnswerError::Code);
        };
        let request = format!("code-{}-{}", asked.page.id, asked.person.id);
        self.answer(&asked, answer, request, by.as_str())?;
        self.store()
            .clear_login_attempts(&self.code_counter(by.as_str()))
            .map_err(DeskError::from)?;
        Ok(asked.person)
    }

    /// Counted before it is looked at, by the one writer: parallel tries are no more tries.
    fn count_call_code(&self, by: &AccountId) -> Result<(), AnswerError> {
        let now = self.now();
        let since = now.plus_s(-CODE_WINDOW_S);
        for (name, most) in [
            (self.code_counter(by.as_str()), CODE_ATTEMPTS),
            (self.code_counter(""), CODE_ATTEMPTS_ALL),
        ] {
            let oldest = self
                .store()
                .register_login_attempt(&name, now, since, most)
                .map_err(DeskError::from)?;
            if let Some(at) = oldest {
                let left = CODE_WINDOW_S as f64 - now.since_s(at);
                return Err(AnswerError::TooMany {
                    retry_after_s: left.max(1.0) as u32,
                });
            }
        }
        Ok(())
    }

    /// Name of a counter beside those of logins: nobody can fill it by logging in under its name.
    fn code_counter(&self, by: &str) -> String {
        self.counter(b"code counter", by)
    }

    pub(super) fn counter(&self, of: &[u8], by: &str) -> String {
        let mac = self.mac(of, by.as_bytes()).finalize();
        BASE64_URL_SAFE_NO_PAD.encode(mac.into_bytes())
    }

    fn answer(
        &self,
        asked: &Asked,
        answer: &Answer,
        request: String,
        taken_by: &str,
    ) -> Result<(), AnswerError> {
        let (Some(incident), Some(call)) = (&asked.page.incident, asked.page.call) else {
            self.mark_seen(&asked.page.id, &asked.person.id)?;
            return Ok(());
        };
        if asked.answered {
            return Ok(());
        }
        let (command, reason) = match answer {
            Answer::Acknowledge => (Command::Acknowledge { call }, String::new()),
            Answer::Refuse { reason } => (Command::RefuseCall { call }, reason.clone()),
        };
        let reason = match (taken_by, reason.is_empty()) {
            ("", _) => reason,
            (by, given) => {
                // It stays on the record, so it is in the language of the house.
                let words = document::words(self.config().web.language);
                let by = words.with("call-out-by-code-reason", &[("by", by.into())]);
                if given {
                    by
                } else {
                    format!("{reason} ({by})")
                }
            }
        };
        let op = Operation {
            actor: Actor::Person {
                account: asked.person.id.clone(),
                name: asked.person.name.clone(),
                positions: asked.person.positions.clone(),
            },
            reason,
            request: RequestId::new(request),
            now: self.now(),
        };
        self.execute(op, incident, command)?;
        Ok(())
    }

    /// When somebody said that they saw a page that calls nobody out.
    pub(crate) fn seen_at(&self, page: &OutboxId, who: &AccountId) -> Option<Instant> {
        let found = self
            .store()
            .document(SEEN, &format!("{page}/{who}"))
            .ok()??;
        Some(found.at)
    }

    fn mark_seen(&self, page: &OutboxId, who: &AccountId) -> Result<(), DeskError> {
        if self.seen_at(page, who).is_some() {
            return Ok(());
        }
        self.store().commit(Batch {
            documents: vec![PutDocument {
                collection: SEEN,
                id: format!("{page}/{who}"),
                expect_version: None,
                json: "{}".into(),
                at: self.now(),
            }],
            ..Batch::default()
        })?;
        self.touched();
        Ok(())
    }
}

/// When a receiver answered, as far as the incident or the page's own mark says.
pub(crate) fn answered_at(desk: &Desk, page: &Paged, receiver: &Receiver) -> Option<Instant> {
    let who = receiver.account.as_ref()?;
    let Some(number) = page.call else {
        return desk.seen_at(&page.id, who);
    };
    let incident = page
        .incident
        .as_ref()
        .and_then(|id: &IncidentId| desk.incident(id))?;
    let call = incident.calls.iter().find(|c| c.call.number == number)?;
    match &call.state {
        CallState::Acknowledged { by, at } if by.account() == Some(who) => Some(*at),
        _ => None,
    }
}
