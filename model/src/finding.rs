//! A finding: something that a rule, a check or an audit holds to be wrong, named to row and column.

use crate::{Digest, FindingId, Instant, Money, SourceName, Verdict};
use serde::{Deserialize, Serialize};

/// The plan's four risks (风险分析).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Risk {
    /// Data leak 数据泄露
    R1,
    /// Transaction security 交易安全: tampered or forged
    R2,
    /// Insiders 内部人员
    R3,
    /// Third parties 第三方服务
    R4,
}

impl Risk {
    pub const ALL: [Self; 4] = [Self::R1, Self::R2, Self::R3, Self::R4];
    pub const fn code(self) -> &'static str {
        match self {
            Self::R1 => "R1",
            Self::R2 => "R2",
            Self::R3 => "R3",
            Self::R4 => "R4",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// Columns of an existing row were changed unlawfully.
    Altered,
    /// A row that lawfully does not exist.
    Forged,
    /// A lawful row that is gone.
    Deleted,
    /// A check across tables, in the shop's own SQL, failed.
    CheckFailed,
    /// Keeps to the policy, but happened while nobody looked; a person accepts it.
    Unwitnessed,
    /// Breaks the policy, but a maintenance window that two people opened excuses it: counted and listed.
    InWindow,
    /// A lawful change was computed from a tainted column; a person decides.
    TaintedInput,
    /// The shop's schema changed, a key is NULL, a row cannot be read.
    Unreadable,
}

impl FindingKind {
    /// Whether it makes or joins an incident by itself.
    pub const fn alarms(self) -> bool {
        !matches!(self, Self::Unwitnessed | Self::InWindow)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnChange {
    pub name: String,
    /// The lawful value as people read it; `None` where lawfully there is no row.
    pub lawful: Option<String>,
    /// The value that stands there; `None` when the row is gone.
    pub live: Option<String>,
    /// Personal: shown masked, and in full only to those who may read it.
    #[serde(default)]
    pub personal: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub id: FindingId,
    pub risk: Risk,
    pub kind: FindingKind,
    /// Rule that it breaks: see `RuleHit::rule`, `check:NAME`, or `audit`.
    pub rule: String,
    pub source: SourceName,
    pub table: String,
    /// The row's key as people read it.
    pub key: String,
    pub columns: Vec<ColumnChange>,
    pub verdict: Verdict,
    /// Log and entry index of the change.
    pub log: String,
    pub position: u64,
    /// When the guard saw it.
    pub seen_at: Instant,
    /// When the finding was handed to the store, after its entry was fsynced; it is durable one
    /// commit of the store later.
    pub stored_at: Instant,
    /// Money at risk, where the policy names a money column.
    pub at_risk: Option<Money>,
    /// Opaque id of the data subject concerned, to count persons.
    pub subject: Option<String>,
    pub witnessed: bool,
    pub coalesced: bool,
    /// Detail in plain words from a check, or from the database's own error.
    #[serde(default)]
    pub detail: String,
}

impl Finding {
    /// Derived id: the same policy, position and rule give the same finding in every replay.
    pub fn derive_id(policy: &Digest, log: &str, position: u64, rule: &str) -> FindingId {
        let text = format!("{policy}\n{log}\n{position}\n{rule}");
        FindingId(format!("f-{}", Digest::of(text.as_bytes()).short()))
    }
}
