//! What people and the program may ask of an incident.
//!
//! One request id stands for one command: a caller that sends several commands for one request
//! gives each its own id (for example `REQUEST/1`), since a repeated id is taken for a retry.

use crate::access::AccessCommand;
use crate::assessing::AssessCommand;
use crate::communication::NoticeKind;
use crate::containment::RepairScope;
use crate::custody::EvidenceItem;
use crate::grading::Impact;
use crate::handover::HandoverCommand;
use crate::joining::JoiningCommand;
use crate::learning::{Measure, Topic};
use crate::orders::OrderCommand;
use crate::people::Addressee;
use crate::resource::{GuestCommand, ResourceCommand};
use crate::room::RoomCommand;
use crate::rows::{FindingsBatch, RowCounts, TableRows};
use crate::tasks::TaskCommand;
use model::{
    ClockId, Digest, EvidenceId, Figure, Grade, HoldId, Instant, Level, NoticeId, OrderId,
    ProposalId, SourceName, TaskId,
};
use plan::grading::Figures;
use plan::{Lang, Metric};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// System (triage). `numbers` are figures that triage can count; they never displace a
    /// person's figure but where they are certainly above it.
    #[schemars(skip)]
    AddFindings {
        batch: FindingsBatch,
        #[serde(default)]
        numbers: BTreeMap<Metric, Figure>,
    },
    SetFigures {
        figures: Figures,
    },
    /// Parts that are `None` stay as they are. Changing a known time needs a reason.
    SetAnchors {
        #[serde(default)]
        occurred: Option<Instant>,
        #[serde(default)]
        discovered: Option<Instant>,
    },
    /// Parts that are `None` stay as they are.
    SetTriggerFacts {
        #[serde(default)]
        cii: Option<bool>,
        #[serde(default)]
        personal_information: Option<bool>,
        #[serde(default)]
        suspected_crime: Option<bool>,
        #[serde(default)]
        interested_parties: Option<bool>,
        #[serde(default)]
        unauthorised_payment: Option<bool>,
    },
    /// Confirms the proposed grade, or sets another with a reason. `level` raises the internal level.
    ConfirmGrade {
        grade: Grade,
        #[serde(default)]
        level: Option<Level>,
    },
    CallOut {
        to: Addressee,
    },
    Acknowledge {
        call: u32,
    },
    /// The operation's reason says why.
    RefuseCall {
        call: u32,
    },
    /// System (call-out): the call reaches nobody, whoever is next is called at once.
    #[schemars(skip)]
    PassCall {
        call: u32,
    },
    /// System (clock): the call was not answered in time.
    #[schemars(skip)]
    Escalate {
        call: u32,
    },
    IssueOrder {
        to: Addressee,
        text: String,
        #[serde(default)]
        constraint: String,
        due_at: Instant,
    },
    AcceptOrder {
        order: OrderId,
        /// The version that the person looked at; a changed order is read again first.
        #[serde(default)]
        seen: Option<u32>,
    },
    RefuseOrder {
        order: OrderId,
    },
    CompleteOrder {
        order: OrderId,
        result: String,
    },
    WithdrawOrder {
        order: OrderId,
    },
    CompleteTask {
        task: TaskId,
        #[serde(default)]
        note: String,
    },
    WaiveTask {
        task: TaskId,
    },
    CollectEvidence {
        item: EvidenceItem,
    },
    TransferEvidence {
        evidence: EvidenceId,
        to: String,
        purpose: String,
        sha256: Digest,
    },
    /// The operation's reason says why.
    ProposeHold {
        rows: Vec<TableRows>,
        until: Instant,
    },
    ApproveHold {
        hold: HoldId,
    },
    RefuseHold {
        hold: HoldId,
    },
    LiftHold {
        hold: HoldId,
    },
    /// System (clock).
    #[schemars(skip)]
    ExpireHold {
        hold: HoldId,
    },
    #[schemars(skip)]
    ProposeRepair {
        proposal: ProposalId,
        digest: Digest,
        source: SourceName,
        scope: RepairScope,
        counts: RowCounts,
        made_at: Instant,
    },
    ApproveRepair {
        proposal: ProposalId,
        digest: Digest,
    },
    RejectRepair {
        proposal: ProposalId,
    },
    /// A person sets an approved repair going; the answer comes as `RepairApplied` or `RepairFailed`.
    #[schemars(skip)]
    StartRepair {
        proposal: ProposalId,
    },
    /// System (repair).
    #[schemars(skip)]
    RepairApplied {
        proposal: ProposalId,
        repaired: RowCounts,
    },
    /// System (repair).
    #[schemars(skip)]
    RepairFailed {
        proposal: ProposalId,
        why: String,
    },
    /// System (audit).
    #[schemars(skip)]
    RecordAudit {
        source: SourceName,
        taken_at: Instant,
        rows: u64,
        discrepancies: u64,
    },
    DraftNotice {
        kind: NoticeKind,
        texts: BTreeMap<Lang, String>,
        audience: u64,
    },
    ApproveNotice {
        notice: NoticeId,
    },
    RejectNotice {
        notice: NoticeId,
    },
    /// System (dispatch).
    #[schemars(skip)]
    NoticeSent {
        notice: NoticeId,
        /// Recipients that it was handed over for; a channel that tells of delivery is not there yet.
        delivered: u64,
        failed: u64,
    },
    FileReport {
        clock: ClockId,
        filed_at: Instant,
        channel: String,
        receipt: String,
    },
    /// The operation's reason says why the duty is not owed.
    WaiveDuty {
        clock: ClockId,
    },
    RecordDecision {
        topic: Topic,
        text: String,
    },
    RecordLesson {
        text: String,
        #[serde(default)]
        measures: Vec<Measure>,
    },
    RecordImpact {
        impact: Impact,
    },
    StartWatch,
    AdvanceStep,
    /// The handling has ended (处置结束); clocks that run from there start.
    Handled,
    Close,
    /// System (clock): the management's brief of the level's cadence is due.
    SendBrief,
    /// Who may see the incident.
    Access(AccessCommand),
    Order(OrderCommand),
    /// What is said in the war room.
    Room(RoomCommand),
    Task(TaskCommand),
    /// A shift ends.
    Handover(HandoverCommand),
    /// Half of a merge or a split; the desk gives both halves at once.
    #[schemars(skip)]
    Joining(Box<JoiningCommand>),
    Assess(AssessCommand),
    Resource(ResourceCommand),
    /// Somebody reported more about it; the receipt of that report.
    #[schemars(skip)]
    JoinReport {
        receipt: model::ReceiptNo,
        #[serde(default)]
        text: String,
    },
}

impl Command {
    /// Only ever a part of an act of the desk, which has to do the rest of it: the other half of a
    /// merge, the report that is joined, the plan of a repair, the guest's account. Whoever may do
    /// the act still cannot ask for the part alone.
    pub const fn part_of_an_act(&self) -> bool {
        matches!(
            self,
            Self::Joining(_)
                | Self::JoinReport { .. }
                | Self::ProposeRepair { .. }
                | Self::StartRepair { .. }
                | Self::Resource(ResourceCommand::Guest(GuestCommand::Invite { .. }))
        )
    }
}
