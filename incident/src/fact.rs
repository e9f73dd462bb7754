//! What happened in an incident. Facts are stored and journaled; they are never changed.
//!
//! A fact carries results (a number, a due time, an assessment), so that folding it needs
//! neither the plan nor the tables. Who did it, why and when stand in the operation beside it.

use crate::access::{Access, AccessFact};
use crate::assessing::AssessFact;
use crate::category::Category;
use crate::communication::NoticeKind;
use crate::containment::RepairScope;
use crate::custody::EvidenceItem;
use crate::grading::{ClockChange, Impact};
use crate::handover::HandoverFact;
use crate::joining::JoiningFact;
use crate::learning::{Measure, Topic};
use crate::open::Origin;
use crate::orders::OrderFact;
use crate::people::{Addressee, Call, PlannedTask};
use crate::resource::ResourceFact;
use crate::room::RoomFact;
use crate::rows::{FindingsBatch, RowCounts, TableRows};
use crate::tasks::TaskFact;
use model::{
    ClockId, Digest, EvidenceId, Grade, HoldId, IncidentId, Instant, Level, NoticeId, Operation,
    OrderId, ProposalId, ReceiptNo, Risk, SourceName, TaskId,
};
use plan::grading::Figures;
use plan::{Assessment, Lang, StepId};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;

/// A fact as it is stored: its place in the incident, and the operation that made it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// Counts from 0 within the incident, without gaps.
    pub sequence: u32,
    pub operation: Operation,
    pub fact: Fact,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum Fact {
    /// Always the first one, and only the first one.
    Opened(Box<Opening>),
    FindingsAdded {
        batch: FindingsBatch,
    },
    ReportJoined {
        receipt: ReceiptNo,
        text: String,
    },
    FiguresSet {
        figures: Figures,
        /// True when a person set them.
        by_person: bool,
    },
    /// What the tables say, and the level that is in force because of it.
    Assessed {
        assessment: Assessment,
        level: Level,
    },
    AnchorsSet {
        occurred: Option<Instant>,
        discovered: Option<Instant>,
    },
    TriggerFactsSet {
        cii: Option<bool>,
        personal_information: Option<bool>,
        suspected_crime: Option<bool>,
        interested_parties: Option<bool>,
        unauthorised_payment: Option<bool>,
    },
    GradeConfirmed {
        grade: Grade,
        level: Level,
        matched: Vec<(Grade, String)>,
        proposed_grade: Grade,
        proposed_level: Level,
        clock_changes: Vec<ClockChange>,
    },
    CalledOut {
        call: Call,
    },
    CallAcknowledged {
        call: u32,
    },
    CallRefused {
        call: u32,
    },
    CallEscalated {
        call: u32,
        to: Option<u32>,
    },
    OrderIssued {
        order: OrderId,
        number: u32,
        to: Addressee,
        text: String,
        constraint: String,
        due_at: Instant,
    },
    OrderAccepted {
        order: OrderId,
    },
    OrderRefused {
        order: OrderId,
    },
    OrderCompleted {
        order: OrderId,
        result: String,
    },
    OrderWithdrawn {
        order: OrderId,
    },
    TaskCompleted {
        task: TaskId,
        note: String,
        /// The fact before it did what the task asks for.
        by_itself: bool,
    },
    TaskWaived {
        task: TaskId,
    },
    EvidenceCollected {
        evidence: EvidenceId,
        item: EvidenceItem,
    },
    EvidenceTransferred {
        evidence: EvidenceId,
        to: String,
        purpose: String,
        sha256: Digest,
        intact: bool,
    },
    HoldProposed {
        hold: HoldId,
        rows: Vec<TableRows>,
        until: Instant,
    },
    HoldApproved {
        hold: HoldId,
    },
    HoldRefused {
        hold: HoldId,
    },
    HoldLifted {
        hold: HoldId,
    },
    HoldExpired {
        hold: HoldId,
    },
    RepairProposed {
        proposal: ProposalId,
        digest: Digest,
        source: SourceName,
        scope: RepairScope,
        counts: RowCounts,
        made_at: Instant,
        /// Proposals that were not approved yet and whose place it takes.
        supersedes: Vec<ProposalId>,
    },
    RepairApproved {
        proposal: ProposalId,
        digest: Digest,
    },
    RepairRejected {
        proposal: ProposalId,
    },
    RepairStarted {
        proposal: ProposalId,
    },
    RepairApplied {
        proposal: ProposalId,
        repaired: RowCounts,
    },
    RepairFailed {
        proposal: ProposalId,
        why: String,
    },
    AuditRecorded {
        source: SourceName,
        taken_at: Instant,
        rows: u64,
        discrepancies: u64,
    },
    NoticeDrafted {
        notice: NoticeId,
        kind: NoticeKind,
        texts: BTreeMap<Lang, String>,
        audience: u64,
    },
    NoticeApproved {
        notice: NoticeId,
    },
    NoticeRejected {
        notice: NoticeId,
    },
    NoticeSent {
        notice: NoticeId,
        /// Recipients that it was handed over for; a channel that tells of delivery is not there yet.
        delivered: u64,
        failed: u64,
    },
    ReportFiled {
        clock: ClockId,
        filed_at: Instant,
        channel: String,
        receipt: String,
    },
    DutyWaived {
        clock: ClockId,
    },
    DecisionRecorded {
        number: u32,
        topic: Topic,
        text: String,
    },
    LessonRecorded {
        number: u32,
        text: String,
        measures: Vec<Measure>,
    },
    ImpactRecorded {
        impact: Impact,
    },
    WatchStarted,
    StepEntered {
        step: StepId,
        target_s: u32,
        tasks: Vec<PlannedTask>,
    },
    StepLeft {
        step: StepId,
    },
    HandlingEnded,
    BriefSent {
        number: u32,
        /// `None` for those from before briefs were kept as they went out.
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            deserialize_with = "as_it_went_out"
        )]
        kept: Option<Box<KeptBrief>>,
    },
    Access(AccessFact),
    Order(OrderFact),
    Room(RoomFact),
    Task(TaskFact),
    Handover(HandoverFact),
    Joining(Box<JoiningFact>),
    Assess(AssessFact),
    Resource(ResourceFact),
    Closed,
}

/// The brief that went out, byte for byte, and its digest: what it says can be held against the
/// digest by whoever has the two, whatever this program has become since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptBrief {
    /// A [`ManagementBrief`](crate::brief::ManagementBrief) in JSON.
    pub text: String,
    /// SHA-256 of the text.
    pub digest: Digest,
}

/// Facts from before the text was kept hold the brief in parts; what was sent then cannot be told
/// byte for byte, so it is none of those kept.
fn as_it_went_out<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Box<KeptBrief>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Kept {
        Text(Box<KeptBrief>),
        InParts {
            #[serde(rename = "brief")]
            _brief: serde::de::IgnoredAny,
        },
    }
    let kept = Option::<Kept>::deserialize(from)?;
    Ok(kept.and_then(|kept| match kept {
        Kept::Text(kept) => Some(kept),
        Kept::InParts { .. } => None,
    }))
}

/// How an incident begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opening {
    pub id: IncidentId,
    pub exercise: bool,
    pub code_name: String,
    pub plan_version: String,
    pub plan_digest: Digest,
    pub risk: Risk,
    pub category: Category,
    pub discovered_at: Instant,
    pub occurred_at: Option<Instant>,
    pub source: Option<SourceName>,
    pub origin: Origin,
    /// Who may see it from the first moment.
    #[serde(default, skip_serializing_if = "Access::open")]
    pub access: Access,
}
