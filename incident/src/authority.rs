//! Which act of the plan each command is, and who else may give it.
//!
//! One table; what a command does not name there nobody may do.

use crate::access::AccessCommand;
use crate::assessing::AssessCommand;
use crate::command::Command;
use crate::learning::Topic;
use crate::orders::OrderCommand;
use crate::refusal::Refusal;
use crate::resource::{GuestCommand, ResourceCommand};
use crate::room::RoomCommand;
use model::{Actor, Operation, PositionId};
use plan::{Act, Plan};

/// Who may give a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authority {
    /// Persons whose positions the plan gives one of these acts.
    Persons(&'static [Act]),
    /// Those persons, and the program itself.
    PersonsOrSystem(&'static [Act]),
    /// The program itself alone.
    System,
    /// Whoever it is for, which the command checks: who holds the position that is called, the
    /// guest who agrees.
    Called,
    /// Anybody: a report is never refused for want of rights.
    Anybody,
}

impl Command {
    pub const fn authority(&self) -> Authority {
        use Authority::{Anybody, Called, Persons, PersonsOrSystem, System};
        match self {
            Self::AddFindings { .. }
            | Self::Escalate { .. }
            | Self::PassCall { .. }
            | Self::ExpireHold { .. }
            | Self::RepairApplied { .. }
            | Self::RepairFailed { .. }
            | Self::RecordAudit { .. }
            | Self::NoticeSent { .. } => System,
            Self::JoinReport { .. } => Anybody,
            Self::Acknowledge { .. } | Self::RefuseCall { .. } => Called,
            Self::SetFigures { .. } | Self::SetAnchors { .. } | Self::SetTriggerFacts { .. } => {
                PersonsOrSystem(&[Act::RecordImpact, Act::ConfirmGrade])
            }
            Self::RecordImpact { .. } => PersonsOrSystem(&[Act::RecordImpact]),
            Self::ConfirmGrade { .. } => Persons(&[Act::ConfirmGrade]),
            Self::CallOut { .. } | Self::IssueOrder { .. } | Self::WithdrawOrder { .. } => {
                Persons(&[Act::IssueOrder])
            }
            Self::AcceptOrder { .. } | Self::RefuseOrder { .. } | Self::CompleteOrder { .. } => {
                Persons(&[Act::AnswerOrder])
            }
            Self::CompleteTask { .. } | Self::Task(_) => Persons(&[Act::CompleteTask]),
            // A waived task opens the way out of its step, so it is theirs who lead from step to step.
            Self::WaiveTask { .. } => Persons(&[Act::AdvanceStep]),
            Self::CollectEvidence { .. } => PersonsOrSystem(&[Act::CollectEvidence]),
            Self::TransferEvidence { .. } => Persons(&[Act::CollectEvidence]),
            Self::ProposeHold { .. } => Persons(&[Act::ProposeHold]),
            Self::ApproveHold { .. } | Self::RefuseHold { .. } => Persons(&[Act::ApproveHold]),
            Self::LiftHold { .. } => Persons(&[Act::LiftHold]),
            Self::ProposeRepair { .. } => Persons(&[Act::ProposeRepair]),
            Self::ApproveRepair { .. } | Self::RejectRepair { .. } => {
                Persons(&[Act::ApproveRepair])
            }
            Self::StartRepair { .. } => Persons(&[Act::ApplyRepair]),
            Self::DraftNotice { .. } => Persons(&[Act::DraftNotice]),
            Self::ApproveNotice { .. } | Self::RejectNotice { .. } => {
                Persons(&[Act::ApproveNotice])
            }
            Self::FileReport { .. } | Self::WaiveDuty { .. } => Persons(&[Act::FileReport]),
            Self::RecordDecision { .. } | Self::RecordLesson { .. } => {
                Persons(&[Act::RecordDecision])
            }
            Self::StartWatch => PersonsOrSystem(&[Act::CompleteTask]),
            Self::SendBrief => PersonsOrSystem(&[Act::RecordDecision]),
            Self::AdvanceStep | Self::Handled => Persons(&[Act::AdvanceStep]),
            Self::Access(AccessCommand::SetStandIns { .. }) => System,
            // Carried on by the program where incidents are merged.
            Self::Access(AccessCommand::NameSuspect { .. }) => {
                PersonsOrSystem(&[Act::RestrictAccess])
            }
            Self::Access(_) => Persons(&[Act::RestrictAccess]),
            Self::Order(OrderCommand::Remind { .. }) => System,
            Self::Order(_) => Persons(&[Act::IssueOrder]),
            Self::Handover(_) | Self::Room(RoomCommand::Write { .. }) => Persons(&[Act::WriteNote]),
            Self::Room(RoomCommand::RemindBrief { .. }) => System,
            Self::Joining(_) => Persons(&[Act::Close]),
            Self::Room(_) => Persons(&[Act::IssueOrder]),
            Self::Assess(AssessCommand::Assess { confirm: None, .. }) => {
                Persons(&[Act::RecordImpact, Act::ConfirmGrade])
            }
            Self::Assess(_) => Persons(&[Act::ConfirmGrade]),
            Self::Resource(resource) => of_resources(resource),
            Self::Close => Persons(&[Act::Close]),
        }
    }

    /// A further act that the command is beside its own, by what it says.
    pub const fn further_act(&self) -> Option<Act> {
        match self {
            Self::RecordDecision {
                topic: Topic::AcceptRows { .. } | Topic::AcceptOpenRows,
                ..
            } => Some(Act::AcceptUnwitnessed),
            _ => None,
        }
    }

    /// Whether it may still be given once the incident is closed: what the outside answers late,
    /// custody, and duties that run from the end of the handling.
    pub const fn after_closing(&self) -> bool {
        matches!(
            self,
            Self::TransferEvidence { .. }
                | Self::FileReport { .. }
                | Self::WaiveDuty { .. }
                | Self::NoticeSent { .. }
                | Self::RecordAudit { .. }
                | Self::Access(_)
        )
    }
}

const fn of_resources(command: &ResourceCommand) -> Authority {
    use Authority::{Called, Persons, System};
    match command {
        ResourceCommand::Remind { .. } => System,
        ResourceCommand::Guest(GuestCommand::Agree { .. }) => Called,
        ResourceCommand::Guest(_) => Persons(&[Act::ManageGuests]),
        ResourceCommand::Grant { .. } | ResourceCommand::Refuse { .. } => {
            Persons(&[Act::GrantResource])
        }
        ResourceCommand::Return { .. } => Persons(&[Act::RequestResource, Act::GrantResource]),
        ResourceCommand::Request { .. } | ResourceCommand::Withdraw { .. } => {
            Persons(&[Act::RequestResource])
        }
    }
}

/// Whether somebody with these positions may give the command, as far as rights go: whether it
/// fits the incident is `decide`'s. Pages use it to leave out what would be refused.
pub fn may(plan: &Plan, positions: &[PositionId], command: &Command) -> bool {
    match command.authority() {
        Authority::Persons(acts) | Authority::PersonsOrSystem(acts) => {
            acts.iter().any(|act| plan.allows(*act, positions))
        }
        Authority::Called | Authority::Anybody => true,
        Authority::System => false,
    }
}

/// Refuses a command that its actor may not give.
pub(crate) fn check(plan: &Plan, op: &Operation, command: &Command) -> Result<(), Refusal> {
    let by_system = matches!(op.actor, Actor::System { .. });
    match command.authority() {
        Authority::PersonsOrSystem(_) | Authority::System | Authority::Anybody if by_system => {
            Ok(())
        }
        Authority::Anybody => Ok(()),
        Authority::System => Err(Refusal::SystemOnly),
        // The called position is compared with the call itself.
        Authority::Called => Ok(()),
        Authority::Persons(acts) | Authority::PersonsOrSystem(acts) => {
            let person = op.actor.account().is_some();
            let allowed = person && acts.iter().any(|a| plan.allows(*a, op.actor.positions()));
            match acts.first() {
                _ if allowed => Ok(()),
                Some(act) => Err(Refusal::NotAllowed { act: *act }),
                None => Err(Refusal::SystemOnly),
            }
        }
    }
}
