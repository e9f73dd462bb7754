//! The plan's six steps (应急处置流程) with their tasks and their entry and exit conditions.

use crate::Words;
use model::{Grade, GroupId, PositionId};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum StepId {
    /// Report and first assessment 事故报告及初步评估
    P1,
    /// Orders and resources 指令下达与资源调配
    P2,
    /// Technical analysis and data recovery 技术分析与数据恢复
    P3,
    /// User communication and information release 用户沟通与信息发布
    P4,
    /// Follow-up and restoration 后续支持与恢复
    P5,
    /// Clean-up and summary report 现场清理与总结报告
    P6,
}

impl StepId {
    pub const ALL: [Self; 6] = [Self::P1, Self::P2, Self::P3, Self::P4, Self::P5, Self::P6];
    pub const fn code(self) -> &'static str {
        match self {
            Self::P1 => "P1",
            Self::P2 => "P2",
            Self::P3 => "P3",
            Self::P4 => "P4",
            Self::P5 => "P5",
            Self::P6 => "P6",
        }
    }
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.code() == code)
    }
    pub fn next(self) -> Option<Self> {
        Self::ALL.into_iter().find(|s| *s > self)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    pub id: StepId,
    pub title: Words,
    pub purpose: Words,
    /// Own target for the whole step, in seconds from its start; ours, not the law's.
    pub target_s: u32,
    pub entry: Vec<Condition>,
    pub exit: Vec<Condition>,
    pub tasks: Vec<TaskTemplate>,
}

/// What must be true before a step is entered or left; the incident engine evaluates it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// At least one report or finding stands.
    Reported,
    /// The groups of the level are called out.
    CalledOut,
    /// The lead or the deputy of each group called out has acknowledged.
    LeadsReached,
    /// A person confirmed the grade.
    GradeConfirmed,
    /// At least one order was issued.
    OrderIssued,
    /// Every order issued is accepted, refused with a reason, done or withdrawn.
    OrdersAnswered,
    /// Every order is done, refused or withdrawn.
    OrdersDone,
    /// At least one piece of evidence is in custody.
    EvidenceCollected,
    /// Affected rows are held, or a decision says why not.
    LossContained,
    /// Every finding of altered, forged or deleted rows is repaired or decided on by a person.
    DataRecovered,
    /// An audit after the repair found nothing.
    AuditClean,
    /// The notice to users is approved and sent, or a decision says why none is needed.
    UsersTold,
    /// Every statutory duty is filed, not applicable, or waived with a reason. Clocks that start
    /// when handling ends (anchor `Handled`) are not counted: they run on after the close.
    DutiesMet,
    /// No new finding for the watch interval of the plan (`Plan::watch_quiet_s`).
    WatchedQuiet,
    /// Holds are lifted or expired.
    HoldsLifted,
    /// The required tasks of the step are done or waived.
    TasksDone,
    /// Lessons and follow-up measures with owners are recorded.
    LessonsRecorded,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskTemplate {
    /// Unique in the plan, for example `p3-collect-evidence`.
    pub id: String,
    pub title: Words,
    pub detail: Words,
    pub group: GroupId,
    /// Position that does it by default.
    pub owner: PositionId,
    /// Own target in seconds from the start of the step.
    pub target_s: u32,
    /// Without it the step cannot be left.
    pub required: bool,
    pub kind: TaskKind,
    /// Tasks of this step or an earlier one that are settled before this one is begun.
    #[serde(default)]
    pub after: Vec<String>,
    /// It may be begun before those, with a reason on the record.
    #[serde(default)]
    pub early: bool,
    /// Only from this statutory grade up; `None`: at every grade.
    #[serde(default)]
    pub from_grade: Option<Grade>,
}

impl TaskTemplate {
    pub fn applies_at(&self, grade: Grade) -> bool {
        self.from_grade.is_none_or(|from| grade >= from)
    }
}

/// What the product does for the task, so that the page can lead there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    Manual,
    ConfirmGrade,
    IssueOrders,
    CollectEvidence,
    Hold,
    ProposeRepair,
    ApplyRepair,
    Audit,
    Notice,
    FileReport,
    Watch,
    Cleanup,
    Lessons,
}
