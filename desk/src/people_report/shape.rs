//! A report by a person as it comes in, and as it is kept.

use super::receipt::Receipt;
use super::uploads::{Attachment, KeptFile};
use incident::access::Access;
use model::{AccountId, IncidentId, Instant, ReceiptNo, RequestId, Risk};
use plan::Lang;
use serde::{Deserialize, Serialize};

/// What a reporter sends, by whichever way: the page, the API, a mail, a detector.
/// [`crate::Desk::report`] is the one door for all of them.
///
/// `NewReport { where_seen: .., ..NewReport::new(what, lang, request) }` stays right when fields
/// are added.
#[derive(Debug)]
pub struct NewReport {
    /// At most [`super::MAX_TEXT`] characters; the only part that is needed.
    pub what: String,
    pub when: SeenWhen,
    /// As the reporter wrote it; empty: unknown.
    pub when_text: String,
    pub where_seen: String,
    /// `None`: not sure.
    pub risk: Option<Risk>,
    /// How to reach the sender (a mail address, a number); empty: no way but the receipt.
    pub contact: String,
    /// Whom it concerns, as the reporter wrote it: a person's name or account, or a position. The
    /// report is kept from whoever is meant, and from those whom they could ask.
    pub concerns: String,
    /// Nothing about the sender is kept: `contact` and the account of `via` are dropped.
    pub anonymous: bool,
    /// From [`crate::Uploads`]; removed again when the report is not stored.
    pub files: Vec<KeptFile>,
    pub via: Via,
    /// More come in than can be heard one by one: stored as ever, but the leading group gets one
    /// page a minute for all of them.
    pub crowded: bool,
    /// The receipt goes to `contact` by mail.
    pub receipt_by_mail: bool,
    pub lang: Lang,
    /// The sender's own name for the request (at least 16 random characters): the same request
    /// with the same words and files gives the same receipt and no second report.
    pub request: RequestId,
}

impl NewReport {
    pub fn new(what: impl Into<String>, lang: Lang, request: RequestId) -> Self {
        Self {
            what: what.into(),
            when: SeenWhen::Unknown,
            when_text: String::new(),
            where_seen: String::new(),
            risk: None,
            contact: String::new(),
            concerns: String::new(),
            anonymous: false,
            files: Vec::new(),
            via: Via::Page,
            crowded: false,
            receipt_by_mail: false,
            lang,
            request,
        }
    }
}

/// When it was seen, as people say it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeenWhen {
    /// It goes on, or was seen just now.
    Now,
    Today,
    Yesterday,
    Earlier,
    #[default]
    Unknown,
}

impl SeenWhen {
    pub const ALL: [Self; 5] = [
        Self::Now,
        Self::Today,
        Self::Yesterday,
        Self::Earlier,
        Self::Unknown,
    ];
    pub const fn code(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::Today => "today",
            Self::Yesterday => "yesterday",
            Self::Earlier => "earlier",
            Self::Unknown => "unknown",
        }
    }
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|w| w.code() == code)
    }
}

/// How a report came.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "via", rename_all = "snake_case")]
pub enum Via {
    #[default]
    Page,
    /// By the API, with whose token; `None` without one.
    Api {
        account: Option<AccountId>,
    },
    Mail,
    /// A detector outside, by its name.
    Detector {
        name: String,
    },
}

impl Via {
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Api { .. } => "api",
            Self::Mail => "mail",
            Self::Detector { .. } => "detector",
        }
    }
}

/// What the sender gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The sender's secret; shown once and kept nowhere.
    pub receipt: Receipt,
    /// The report's name among staff.
    pub report: ReceiptNo,
    /// How many positions were paged.
    pub paged: u32,
}

/// A report as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReportView {
    /// The report's own name, `R-7K2F9-QXM4T`; the sender's receipt is not kept.
    pub receipt: ReceiptNo,
    pub received_at: Instant,
    pub what: String,
    pub when_text: String,
    pub where_seen: String,
    pub risk: Option<Risk>,
    pub contact: String,
    pub state: ReportState,
    /// How many people were paged when it came in.
    pub paged: u32,
    #[serde(default)]
    pub when: SeenWhen,
    #[serde(default)]
    pub anonymous: bool,
    #[serde(default)]
    pub via: Via,
    /// The sender's language.
    #[serde(default)]
    pub lang: Option<Lang>,
    #[serde(default)]
    pub files: Vec<Attachment>,
    /// What sender and triage said since, oldest first.
    #[serde(default)]
    pub talk: Vec<Said>,
    /// What triage decided, oldest first.
    #[serde(default)]
    pub decided: Vec<Decided>,
    /// Whom it concerns, as the reporter wrote it.
    #[serde(default)]
    pub concerns: String,
    /// Who may read it until it belongs to an incident, which then says so itself.
    #[serde(default)]
    pub access: Access,
}

impl ReportView {
    /// The sender said something that triage has not answered by a word or a decision.
    pub fn has_news(&self) -> bool {
        let last = self.talk.last();
        let news = last.filter(|said| said.by_sender);
        news.is_some_and(|said| self.decided.last().is_none_or(|d| d.at < said.at))
    }
    /// Triage asked and the sender has not answered.
    pub fn waits_for_sender(&self) -> bool {
        self.talk.last().is_some_and(|said| !said.by_sender)
    }
    /// Whether it lies in the stack of triage.
    pub fn waiting(&self) -> bool {
        self.state == ReportState::Received || self.has_news()
    }
}

/// One message between the sender and triage. Who of triage asked stands in the record only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Said {
    pub at: Instant,
    pub by_sender: bool,
    pub text: String,
    /// Names of the files that came with it.
    #[serde(default)]
    pub files: Vec<String>,
    #[serde(default)]
    pub request: String,
}

/// What triage decided on a report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decided {
    pub at: Instant,
    pub by: String,
    pub what: DecisionKind,
    pub reason: String,
    #[serde(default)]
    pub request: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecisionKind {
    Opened,
    Joined,
    Rejected,
    /// A rejection or a duplicate taken back.
    Reopened,
    Duplicate,
    Moved,
}

impl DecisionKind {
    pub const fn code(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Joined => "joined",
            Self::Rejected => "rejected",
            Self::Reopened => "reopened",
            Self::Duplicate => "duplicate",
            Self::Moved => "moved",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ReportState {
    Received,
    Joined { incident: IncidentId },
    Rejected,
    Duplicate { of: ReceiptNo },
    Closed,
}

impl ReportState {
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Joined { .. } => "joined",
            Self::Rejected => "rejected",
            Self::Duplicate { .. } => "duplicate",
            Self::Closed => "closed",
        }
    }
}
