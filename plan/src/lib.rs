//! The contingency plan as versioned data: who does what at which grade, in which step,
//! under which clock; its checker, its diff, its grading tables.
//!
//! Deliberately not here: I/O, clock reads, and what happens in one incident (room `incident`).

pub mod built_in;
pub mod call_stage;
pub mod check;
pub mod clock;
pub mod diff;
pub mod grading;
pub mod order;
pub mod outlook;
pub mod register;
pub mod step;
pub mod words;

pub use call_stage::{CallStage, CallStages};
pub use clock::{Anchor, Deadline, Direction, StatutoryClock};
pub use grading::{Assessment, Criterion, GradeRule, Metric, Scheme};
pub use order::{OrderConstraint, OrderRules};
pub use register::{ExpertTerms, GuestRules, RegisterEntry, ResourceKind};
pub use step::{Condition, Step, StepId, TaskKind, TaskTemplate};
pub use words::{Lang, Words};

use model::{Digest, GroupId, Level, PositionId, Risk};
use serde::{Deserialize, Serialize};

/// A whole plan (预案): an approved version of it runs an incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// For example `1.0`; each incident records the version that it runs under.
    pub version: String,
    /// Date, `YYYY-MM-DD`.
    pub effective_from: String,
    pub approval: Approval,
    pub title: Words,
    pub goals: Vec<Words>,
    pub scope: Vec<Words>,
    pub legal_basis: Vec<Words>,
    pub principles: Vec<Words>,
    pub risks: Vec<RiskEntry>,
    pub positions: Vec<Position>,
    pub groups: Vec<Group>,
    /// Response levels 1 (highest) to 4: whom each one calls out.
    pub levels: Vec<LevelRule>,
    /// The statutory grading tables that apply, the first one gives the statutory grade.
    pub schemes: Vec<Scheme>,
    /// Own criteria; they may raise the internal level, never lower it.
    pub own_criteria: Vec<OwnCriterion>,
    pub clocks: Vec<StatutoryClock>,
    pub steps: Vec<Step>,
    #[serde(default)]
    pub orders: OrderRules,
    /// Seconds without a new finding until `Condition::WatchedQuiet` holds; ours, not the law's.
    pub watch_quiet_s: u32,
    /// From whom an incident is kept when somebody is suspected, and who then stands in.
    #[serde(default)]
    pub need_to_know: NeedToKnow,
    /// Who may do what.
    pub authority: Vec<AuthorityRule>,
    /// Acts that one person proposes and another approves.
    #[serde(default)]
    pub four_eyes: Vec<PairedAct>,
    /// Positions that a sealed emergency code gives for a short time.
    #[serde(default)]
    pub break_glass: Vec<PositionId>,
    pub resources: Vec<Resource>,
    /// What an incident may draw on.
    #[serde(default)]
    pub register: Vec<RegisterEntry>,
    /// Experts from outside as guests; `None`: nobody is let in.
    #[serde(default)]
    pub guests: Option<GuestRules>,
    pub evaluation: Vec<EvaluationRule>,
    pub forms: Vec<Form>,
    /// Outside contacts (annex A): authorities, partners, experts.
    pub contacts: Vec<Contact>,
    /// Texts of messages and notices with `{name}` places.
    pub texts: Vec<TextTemplate>,
    /// Classes of events (事件分类); GB/T 20986-2023 has ten.
    #[serde(default)]
    pub classes: Vec<EventClass>,
    /// The terms annex: the Chinese term and its English rendering.
    #[serde(default)]
    pub terms: Vec<Words>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventClass {
    /// Number in the standard, `1` to `10`.
    pub id: String,
    pub title: Words,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Position that approves; the person and date are recorded at approval.
    pub by: PositionId,
    #[serde(default)]
    pub approved_on: Option<String>,
    #[serde(default)]
    pub changes: Vec<Words>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RiskEntry {
    pub risk: Risk,
    pub title: Words,
    pub description: Words,
    pub impact_text: Words,
    pub detected_by: Vec<Words>,
    /// 1 (rare) to 5 (almost certain).
    pub likelihood: u8,
    /// 1 (slight) to 5 (ruinous).
    pub impact: u8,
    pub owner: PositionId,
    pub measures: Vec<Words>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    pub id: PositionId,
    pub title: Words,
    /// Who stands in, in order, when the holder is absent or is the suspect.
    #[serde(default)]
    pub stand_ins: Vec<PositionId>,
    /// Usual number of holders; more than one for engineers and agents.
    #[serde(default)]
    pub several: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    pub id: GroupId,
    pub title: Words,
    pub duties: Vec<Words>,
    pub lead: PositionId,
    #[serde(default)]
    pub deputy: Option<PositionId>,
    pub members: Vec<PositionId>,
}

impl Group {
    /// Lead, deputy and members, in call order, each once.
    pub fn everyone(&self) -> Vec<&PositionId> {
        let mut out = vec![&self.lead];
        for position in self.deputy.iter().chain(&self.members) {
            if !out.contains(&position) {
                out.push(position);
            }
        }
        out
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevelRule {
    pub level: Level,
    pub title: Words,
    /// Groups that are called out, in order.
    pub call_out: Vec<GroupId>,
    /// Everyone in each group at once; else the lead alone, and the others in turn when nobody
    /// answers.
    pub everyone: bool,
    /// Seconds until an unanswered call goes to the next person.
    pub ack_within_s: u32,
    /// Times of single stages of calling, where they differ from that.
    #[serde(default, skip_serializing_if = "CallStages::is_empty")]
    pub stages: CallStages,
    /// Seconds between one-page briefs to the senior management.
    pub brief_every_s: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnCriterion {
    pub id: String,
    pub metric: Metric,
    /// At least this much ...
    pub at_least: i64,
    /// ... gives at least this level.
    pub level: Level,
    pub title: Words,
}

/// An act that the plan gives to some positions only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    OpenIncident,
    ViewIncident,
    ConfirmGrade,
    IssueOrder,
    AnswerOrder,
    CompleteTask,
    CollectEvidence,
    ReadEvidence,
    ProposeHold,
    ApproveHold,
    LiftHold,
    ProposeRepair,
    ApproveRepair,
    ApplyRepair,
    AcceptUnwitnessed,
    DraftNotice,
    ApproveNotice,
    FileReport,
    RecordDecision,
    RecordImpact,
    AdvanceStep,
    Close,
    ManageAccounts,
    ManageSource,
    ManageRota,
    ReadOutbox,
    /// Read the record log entry by entry; it tells of every incident.
    ReadRecord,
    /// Say who may see an incident, and who must not.
    RestrictAccess,
    /// Switch channels on and off, and try them.
    ManageChannels,
    /// Say something in the war room.
    WriteNote,
    RequestResource,
    GrantResource,
    /// Let an expert from outside in, and put them out.
    ManageGuests,
}

impl Act {
    pub const ALL: [Self; 33] = [
        Self::OpenIncident,
        Self::ViewIncident,
        Self::ConfirmGrade,
        Self::IssueOrder,
        Self::AnswerOrder,
        Self::CompleteTask,
        Self::CollectEvidence,
        Self::ReadEvidence,
        Self::ProposeHold,
        Self::ApproveHold,
        Self::LiftHold,
        Self::ProposeRepair,
        Self::ApproveRepair,
        Self::ApplyRepair,
        Self::AcceptUnwitnessed,
        Self::DraftNotice,
        Self::ApproveNotice,
        Self::FileReport,
        Self::RecordDecision,
        Self::RecordImpact,
        Self::AdvanceStep,
        Self::Close,
        Self::ManageAccounts,
        Self::ManageSource,
        Self::ManageRota,
        Self::ReadOutbox,
        Self::ReadRecord,
        Self::RestrictAccess,
        Self::ManageChannels,
        Self::WriteNote,
        Self::RequestResource,
        Self::GrantResource,
        Self::ManageGuests,
    ];
    /// Acts of which one person must not do both sides (four eyes).
    pub const FOUR_EYES: [(Self, Self); 4] = [
        (Self::ProposeHold, Self::ApproveHold),
        (Self::ProposeRepair, Self::ApproveRepair),
        (Self::DraftNotice, Self::ApproveNotice),
        (Self::RequestResource, Self::GrantResource),
    ];
    /// As it is written in the plan's data, for example `approve_repair`.
    pub fn code(self) -> String {
        // A unit variant always serialises as its name.
        match serde_json::to_value(self) {
            Ok(serde_json::Value::String(code)) => code,
            _ => String::new(),
        }
    }
}

/// An act that may want a second person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PairedAct {
    /// Giving somebody a position that may manage accounts.
    GrantManageAccounts,
    /// Taking the second factor off an account, so that a new one can be set up.
    ResetSecondFactor,
    /// Making sealed emergency codes.
    BreakGlassCodes,
    /// An API token that can do more than read and report.
    ActToken,
    /// A milder grade or level than the one confirmed: it relaxes duties and calls nobody.
    LowerGrade,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorityRule {
    pub act: Act,
    pub positions: Vec<PositionId>,
}

/// From whom an incident about a suspected insider is kept (涉事人员回避).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NeedToKnow {
    pub conceal_from: ConcealFrom,
    /// Positions that stand in, in order, when a place's own stand-ins may not know either.
    #[serde(default)]
    pub last_resort: Vec<PositionId>,
}

/// Whom beside the suspect an incident is kept from: people whom the suspect could ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConcealFrom {
    SuspectAlone,
    /// Also those who report to the suspect.
    DirectReports,
    /// Also those who report to them, and so on down.
    #[default]
    AllReports,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    pub id: String,
    /// `security_tool`, `communication`, `backup`, `training`.
    pub kind: String,
    pub title: Words,
    pub purpose: Words,
    pub owner: PositionId,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluationRule {
    /// `plan_review`, `event_analysis`, `training_effect`, `user_feedback`.
    pub id: String,
    pub title: Words,
    pub rule: Words,
    /// Months between two; `None` after each event.
    #[serde(default)]
    pub every_months: Option<u32>,
    pub owner: PositionId,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// `F-01` and so on.
    pub id: String,
    pub title: Words,
    pub fields: Vec<Words>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    pub id: String,
    pub title: Words,
    /// What is called: number, site, or `fill in` places of the operator.
    pub reach: Words,
    /// `authority`, `police`, `partner`, `expert`, `internal`.
    pub kind: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextTemplate {
    /// `call_out`, `user_notice`, `police_report`, `management_brief`, ...
    pub id: String,
    pub title: Words,
    pub body: Words,
}

impl Plan {
    pub fn group(&self, id: &GroupId) -> Option<&Group> {
        self.groups.iter().find(|g| g.id == *id)
    }
    pub fn position(&self, id: &PositionId) -> Option<&Position> {
        self.positions.iter().find(|p| p.id == *id)
    }
    pub fn step(&self, id: StepId) -> Option<&Step> {
        self.steps.iter().find(|s| s.id == id)
    }
    pub fn level(&self, level: Level) -> Option<&LevelRule> {
        self.levels.iter().find(|l| l.level == level)
    }
    pub fn registered(&self, id: &str) -> Option<&RegisterEntry> {
        self.register.iter().find(|e| e.id == id)
    }
    /// Whether a scheme has this criterion, by the number of its grade and its id, for a person to
    /// judge.
    pub fn judges(&self, (grade, id): &(u8, String)) -> bool {
        let mut rules = self.schemes.iter().flat_map(|s| &s.grades);
        rules.any(|r| r.grade.number() == *grade && r.qualitative.iter().any(|q| q.id == *id))
    }
    pub fn text(&self, id: &str) -> Option<&TextTemplate> {
        self.texts.iter().find(|t| t.id == id)
    }
    /// Whether one of the positions may do the act. An act without a rule is nobody's.
    pub fn allows(&self, act: Act, positions: &[PositionId]) -> bool {
        let rule = self.authority.iter().find(|r| r.act == act);
        rule.is_some_and(|r| r.positions.iter().any(|p| positions.contains(p)))
    }
    /// Names the plan's content: SHA-256 of its JSON.
    pub fn digest(&self) -> Digest {
        // A struct of strings and numbers always serialises.
        Digest::of(&serde_json::to_vec(self).unwrap_or_default())
    }
}
