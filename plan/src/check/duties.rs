//! What must be done: steps and their tasks, exit conditions, clocks, grading tables.

use super::{Found, GapCode};
use crate::{Anchor, Condition, Plan, Step, StepId, TaskKind};
use model::Risk;

pub(super) fn steps(plan: &Plan, found: &mut Found) {
    for id in StepId::ALL {
        found.add_if(plan.step(id).is_none(), GapCode::StepMissing, || {
            format!("steps.{}", id.code())
        });
    }
    for step in &plan.steps {
        let place = format!("steps.{}", step.id.code());
        found.add_if(step.tasks.is_empty(), GapCode::StepWithoutTask, || {
            format!("{place}.tasks")
        });
        tasks(plan, step, &place, found);
        for condition in &step.exit {
            found.add_if(
                !can_be_met(plan, step, *condition),
                GapCode::ExitNeverMet,
                || format!("{place}.exit ({condition:?})"),
            );
        }
    }
}

fn tasks(plan: &Plan, step: &Step, place: &str, found: &mut Found) {
    for task in &step.tasks {
        let place = format!("{place}.tasks.{}", task.id);
        let owner = || format!("{place}.owner ({})", task.owner);
        let unknown = plan.position(&task.owner).is_none();
        found.add_if(unknown, GapCode::TaskUnknownOwner, owner);
        match plan.group(&task.group) {
            None => found.add(
                GapCode::TaskUnknownGroup,
                format!("{place}.group ({})", task.group),
            ),
            Some(group) => {
                let outside = !unknown && !group.everyone().contains(&&task.owner);
                found.add_if(outside, GapCode::TaskOwnerOutsideGroup, owner);
            }
        }
        let beyond = task.target_s > step.target_s;
        found.add_if(beyond, GapCode::TaskBeyondStep, || {
            format!("{place}.target_s")
        });
    }
}

/// Whether a required task of this step or an earlier one brings the condition about. Conditions
/// that the program itself brings about, or the people called, need none.
fn can_be_met(plan: &Plan, step: &Step, condition: Condition) -> bool {
    needed(condition).iter().all(|kind| {
        plan.steps
            .iter()
            .filter(|earlier| earlier.id <= step.id)
            .flat_map(|earlier| &earlier.tasks)
            .any(|task| task.required && task.kind == *kind)
    })
}

const fn needed(condition: Condition) -> &'static [TaskKind] {
    match condition {
        Condition::Reported
        | Condition::CalledOut
        | Condition::LeadsReached
        | Condition::TasksDone => &[],
        Condition::GradeConfirmed => &[TaskKind::ConfirmGrade],
        Condition::OrderIssued | Condition::OrdersAnswered | Condition::OrdersDone => {
            &[TaskKind::IssueOrders]
        }
        Condition::EvidenceCollected => &[TaskKind::CollectEvidence],
        Condition::LossContained => &[TaskKind::Hold],
        Condition::DataRecovered => &[TaskKind::ProposeRepair, TaskKind::ApplyRepair],
        Condition::AuditClean => &[TaskKind::Audit],
        Condition::UsersTold => &[TaskKind::Notice],
        Condition::DutiesMet => &[TaskKind::FileReport],
        Condition::WatchedQuiet => &[TaskKind::Watch],
        Condition::HoldsLifted => &[TaskKind::Cleanup],
        Condition::LessonsRecorded => &[TaskKind::Lessons],
    }
}

pub(super) fn clocks(plan: &Plan, found: &mut Found) {
    for clock in &plan.clocks {
        let place = format!("clocks.{}", clock.id);
        let recipient = &clock.recipient;
        let nobody = recipient.zh.trim().is_empty() && recipient.en.trim().is_empty();
        found.add_if(nobody, GapCode::ClockWithoutRecipient, || {
            format!("{place}.recipient")
        });
        let other =
            |id: &model::ClockId| plan.clocks.iter().any(|c| c.id == *id && c.id != clock.id);
        let follows = clock.follows.as_ref().is_some_and(other);
        let waits = clock.anchor == Anchor::FiledPrevious || clock.follows.is_some();
        found.add_if(waits && !follows, GapCode::ClockFollowsNothing, || {
            format!("{place}.follows")
        });
        let unsure = clock.confidence != "high";
        found.add_if(unsure, GapCode::ClockUnconfirmed, || {
            format!("{place} ({})", clock.confidence)
        });
    }
}

pub(super) fn grading(plan: &Plan, found: &mut Found) {
    found.add_if(plan.schemes.is_empty(), GapCode::SchemeMissing, || {
        "schemes".to_owned()
    });
    for risk in Risk::ALL {
        let missing = !plan.risks.iter().any(|entry| entry.risk == risk);
        found.add_if(missing, GapCode::RiskMissing, || {
            format!("risks.{}", risk.code())
        });
    }
    for scheme in &plan.schemes {
        for rule in &scheme.grades {
            for criterion in &rule.numeric {
                let unsure = criterion.at_least.is_none() || criterion.confidence != "high";
                found.add_if(unsure, GapCode::NumberUnconfirmed, || {
                    let (scheme, grade) = (&scheme.id, rule.grade.number());
                    format!("schemes.{scheme}.grades.{grade}.{}", criterion.id)
                });
            }
        }
    }
}
