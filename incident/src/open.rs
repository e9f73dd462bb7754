//! How an incident begins: opened by findings, or by somebody's report.

use crate::access::Access;
use crate::bounds::{MAX_NAME_CHARS, MAX_TEXT_CHARS};
use crate::category::Category;
use crate::decide::{level_calls, step_entered};
use crate::fact::{Fact, Opening};
use crate::people::CallReason;
use model::{GroupId, IncidentId, Instant, Operation, ReceiptNo, Risk, SourceName};
use plan::grading::Figures;
use plan::{Plan, StepId};
use serde::{Deserialize, Serialize};

/// What is known when an incident begins. The caller makes the id (random) and has bounded the texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenRequest {
    pub id: IncidentId,
    /// An exercise never touches the real outside.
    pub exercise: bool,
    pub code_name: String,
    pub risk: Risk,
    pub category: Category,
    pub discovered_at: Instant,
    /// `None`: not known.
    pub occurred_at: Option<Instant>,
    pub source: Option<SourceName>,
    pub origin: Origin,
    /// Who may see it from the first moment.
    #[serde(default)]
    pub access: Access,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "origin", rename_all = "snake_case")]
pub enum Origin {
    /// The guard's findings; they follow by `Command::AddFindings`.
    Findings,
    /// Somebody's report.
    Report { receipt: ReceiptNo, text: String },
}

/// The plan's leading group, which every report pages at once.
pub const LEADING_GROUP: &str = "leading";

/// The facts that begin an incident: opened, step P1 with its tasks, the first assessment, the
/// call-out of the level; the leading group is called in any case. Never fails: whoever sees
/// something odd is heard first.
pub fn open(op: &Operation, plan: &Plan, request: OpenRequest) -> Vec<Fact> {
    let assessment = plan::grading::assess(plan, &Figures::default());
    let level = assessment.level;
    let mut groups = plan
        .level(level)
        .map(|rule| rule.call_out.clone())
        .unwrap_or_default();
    let leading = plan
        .group(&GroupId::from(LEADING_GROUP))
        .or_else(|| plan.groups.first());
    if let Some(leading) = leading
        && !groups.contains(&leading.id)
    {
        groups.insert(0, leading.id.clone());
    }
    let mut facts = vec![
        Fact::Opened(Box::new(Opening {
            id: request.id,
            exercise: request.exercise,
            code_name: cut(request.code_name, MAX_NAME_CHARS),
            plan_version: plan.version.clone(),
            plan_digest: plan.digest(),
            risk: request.risk,
            category: request.category,
            discovered_at: request.discovered_at,
            occurred_at: request.occurred_at,
            source: request.source,
            origin: bounded(request.origin),
            access: request.access,
        })),
        step_entered(plan, StepId::P1, assessment.grade, op.now),
        Fact::Assessed { assessment, level },
    ];
    facts.extend(level_calls(
        plan,
        &[],
        &groups,
        level,
        CallReason::Opened,
        op.now,
    ));
    facts
}

/// A report is cut rather than refused; the whole of it is kept with its receipt by the caller.
fn bounded(origin: Origin) -> Origin {
    match origin {
        Origin::Findings => Origin::Findings,
        Origin::Report { receipt, text } => Origin::Report {
            receipt,
            text: cut(text, MAX_TEXT_CHARS),
        },
    }
}

fn cut(text: String, max_chars: usize) -> String {
    match text.char_indices().nth(max_chars) {
        Some((end, _)) => text[..end].to_owned(),
        None => text,
    }
}
