//! A subscription: where events of which kinds go, and the secrets that sign them.
//!
//! URL and secrets are sealed where they are stored; pages, answers and logs see the URL's origin
//! alone. Deliberately not here: what is sent (`event`) and when (`worker`).

use super::kind::EventKind;
use crate::account::random;
use crate::{Desk, DeskError};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use connect::outbound::Target;
use model::{AccountId, Instant};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use thiserror::Error;

/// Subscriptions of one company.
pub const MAX_WEBHOOKS: usize = 20;
pub const MAX_NAME_CHARS: usize = 80;
/// Longest time for which a secret that was exchanged stays good: a week.
pub const MAX_OVERLAP_H: u32 = 168;
/// Of a secret; the standard allows 24 to 64.
const KEY_BYTES: usize = 32;
const SECRET: &str = "webhook secret";
const URL: &str = "webhook url";

/// Why a subscription was left as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WebhookRefusal {
    #[error("only who manages channels may do this")]
    NotAllowed,
    #[error("only who decides who may see incidents may send details out, or change where they go")]
    Details,
    #[error("a name has 1 to 80 characters, without line breaks or hidden signs")]
    Name,
    #[error("choose at least one kind of event")]
    Kinds,
    #[error("the URL cannot be used: https://, a host, no user name, no #fragment, 2,048 bytes")]
    Url,
    #[error("plain http is refused; use https, or have the host named under [webhooks] allow")]
    Plain,
    #[error("the host leads inside; have it named under [webhooks] allow if that is meant")]
    Inward,
    #[error("the host has no address")]
    NoHost,
    #[error("there are 20 subscriptions already; delete one first")]
    Full,
    #[error("it was changed by somebody else meanwhile; look at it again")]
    Changed,
    #[error("it is switched off; switch it on first")]
    Off,
    #[error("6 test events an hour are enough; wait a little")]
    Tests,
    #[error("an old secret stays good for at most 168 hours")]
    Overlap,
    #[error("it is waiting to be sent already")]
    Waiting,
    #[error("what it is about is kept from others now; it is not sent")]
    Withheld,
}

impl WebhookRefusal {
    pub const ALL: [Self; 15] = [
        Self::NotAllowed,
        Self::Details,
        Self::Name,
        Self::Kinds,
        Self::Url,
        Self::Plain,
        Self::Inward,
        Self::NoHost,
        Self::Full,
        Self::Changed,
        Self::Off,
        Self::Tests,
        Self::Overlap,
        Self::Waiting,
        Self::Withheld,
    ];
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotAllowed => "not-allowed",
            Self::Details => "details",
            Self::Name => "name",
            Self::Kinds => "kinds",
            Self::Url => "url",
            Self::Plain => "plain",
            Self::Inward => "inward",
            Self::NoHost => "no-host",
            Self::Full => "full",
            Self::Changed => "changed",
            Self::Off => "off",
            Self::Tests => "tests",
            Self::Overlap => "overlap",
            Self::Waiting => "waiting",
            Self::Withheld => "withheld",
        }
    }
}

/// Why nothing is sent on a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OffWhy {
    /// A person switched it off.
    Person,
    /// The receiver answered 410.
    Gone,
    /// Nothing was taken for five days.
    Failing,
    /// So many events wait that no more are kept.
    Behind,
}

impl OffWhy {
    pub const fn code(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Gone => "gone",
            Self::Failing => "failing",
            Self::Behind => "behind",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Subscription {
    pub id: String,
    pub name: String,
    /// Sealed: a receiver's URL often holds a token.
    url: String,
    /// Scheme, host and port.
    pub origin: String,
    pub kinds: BTreeSet<EventKind>,
    /// More than ids, grade and link is sent.
    pub details: bool,
    pub off: Option<(OffWhy, Instant)>,
    pub created_by: AccountId,
    pub created_at: Instant,
    pub changed_at: Instant,
    /// Sealed.
    secret: String,
    pub secret_at: Instant,
    /// Sealed, and good until then.
    old_secret: Option<(String, Instant)>,
    /// Facts up to this number are not for it.
    pub after_fact: u64,
}

/// What a person says of a new subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewWebhook {
    pub name: String,
    pub url: String,
    pub kinds: BTreeSet<EventKind>,
    pub details: bool,
}

/// What a person changes; `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookChange {
    pub name: Option<String>,
    pub url: Option<String>,
    pub kinds: Option<BTreeSet<EventKind>>,
    pub details: Option<bool>,
    pub enabled: Option<bool>,
}

/// A subscription as people and programs see it: never a secret, never the whole URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WebhookView {
    pub id: String,
    pub version: u64,
    pub name: String,
    /// Scheme, host and port of the URL.
    pub origin: String,
    pub kinds: BTreeSet<EventKind>,
    pub details: bool,
    pub enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub off_why: Option<OffWhy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub off_at: Option<Instant>,
    pub created_by: AccountId,
    pub created_at: Instant,
    pub changed_at: Instant,
    pub secret_at: Instant,
    /// Until then the secret before this one signs too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_secret_until: Option<Instant>,
    /// Since then nothing was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Instant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<Instant>,
}

impl Subscription {
    pub fn wants(&self, kind: EventKind) -> bool {
        self.off.is_none() && self.kinds.contains(&kind)
    }

    /// Everything but the sealed parts, which [`Desk::set_url`] and [`Desk::set_secret`] fill.
    pub fn begin(id: String, asked: &NewWebhook, by: AccountId, now: Instant) -> Self {
        Self {
            id,
            name: asked.name.trim().to_owned(),
            url: String::new(),
            origin: String::new(),
            kinds: asked.kinds.clone(),
            details: asked.details,
            off: None,
            created_by: by,
            created_at: now,
            changed_at: now,
            secret: String::new(),
            secret_at: now,
            old_secret: None,
            after_fact: 0,
        }
    }

    pub fn view(&self, version: u64, health: super::queue::Health, now: Instant) -> WebhookView {
        let old = self.old_secret.as_ref().map(|(_, until)| *until);
        WebhookView {
            id: self.id.clone(),
            version,
            name: self.name.clone(),
            origin: self.origin.clone(),
            kinds: self.kinds.clone(),
            details: self.details,
            enabled: self.off.is_none(),
            off_why: self.off.map(|(why, _)| why),
            off_at: self.off.map(|(_, at)| at),
            created_by: self.created_by.clone(),
            created_at: self.created_at,
            changed_at: self.changed_at,
            secret_at: self.secret_at,
            old_secret_until: old.filter(|until| *until > now),
            failing_since: health.failing_since,
            delivered_at: health.delivered_at,
        }
    }
}

pub(super) fn check_name(name: &str) -> Result<(), WebhookRefusal> {
    let name = name.trim();
    let fits = (1..=MAX_NAME_CHARS).contains(&name.chars().count());
    let odd = |sign: char| sign.is_control() || super::queue::is_hidden(sign);
    match fits && !name.chars().any(odd) {
        true => Ok(()),
        false => Err(WebhookRefusal::Name),
    }
}

pub(super) fn check_kinds(kinds: &BTreeSet<EventKind>) -> Result<(), WebhookRefusal> {
    match kinds.is_empty() || kinds.contains(&EventKind::Test) {
        true => Err(WebhookRefusal::Kinds),
        false => Ok(()),
    }
}

impl Desk {
    pub(super) fn set_url(&self, to: &mut Subscription, url: &str) -> Result<(), DeskError> {
        use connect::outbound::OutboundError as E;
        let target = Target::parse(url).map_err(|_| WebhookRefusal::Url)?;
        (self.webhooks_parts().outbound.check(&target)).map_err(|error| match error {
            E::Inward { .. } => WebhookRefusal::Inward,
            E::Plain => WebhookRefusal::Plain,
            _ => WebhookRefusal::NoHost,
        })?;
        to.url = self.seal(&purpose(URL, &to.id), url.trim().as_bytes())?;
        to.origin = target.origin();
        Ok(())
    }

    /// Makes a secret and gives its text, this once. The one before stays good until then.
    pub(super) fn set_secret(
        &self,
        to: &mut Subscription,
        old_until: Option<Instant>,
    ) -> Result<String, DeskError> {
        let mut key = [0_u8; KEY_BYTES];
        random(&mut key)?;
        let sealed = self.seal(&purpose(SECRET, &to.id), &key)?;
        let before = std::mem::replace(&mut to.secret, sealed);
        to.old_secret = old_until.map(|until| (before, until));
        to.secret_at = self.now();
        Ok(format!("whsec_{}", BASE64_STANDARD.encode(key)))
    }

    pub(super) fn target_of(&self, of: &Subscription) -> Option<Target> {
        let url = self.unseal(&purpose(URL, &of.id), &of.url)?;
        Target::parse(&String::from_utf8(url).ok()?).ok()
    }

    /// The keys that sign now, the newest first.
    pub(super) fn keys_of(&self, of: &Subscription, now: Instant) -> Vec<Vec<u8>> {
        let old = of.old_secret.iter().filter(|(_, until)| *until > now);
        let sealed = std::iter::once(&of.secret).chain(old.map(|(sealed, _)| sealed));
        sealed
            .filter_map(|text| self.unseal(&purpose(SECRET, &of.id), text))
            .collect()
    }
}

/// What is sealed for one subscription opens for no other.
fn purpose(what: &str, id: &str) -> String {
    format!("{what} {id}")
}
