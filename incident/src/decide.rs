//! From a command to facts, or to a refusal. Pure: the operation brings actor, reason and time.
//!
//! Deliberately not here: folding facts (`apply`), and which act a command is (`authority`).

mod calling;
pub(crate) mod checks;
mod containment;
pub(crate) mod course;
mod duties;
pub(crate) mod people;
mod records;

use crate::authority;
use crate::bounds::{MAX_FACT_BYTES, MAX_REASON_CHARS};
use crate::command::Command;
use crate::fact::Fact;
use crate::incident::Incident;
use crate::refusal::Refusal;
use model::Operation;
use plan::Plan;

pub(crate) use calling::level_calls;
pub(crate) use course::step_entered;

pub(crate) type Decision = Result<Vec<Fact>, Refusal>;

/// What every deciding function looks at.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) op: &'a Operation,
    pub(crate) plan: &'a Plan,
    pub(crate) incident: &'a Incident,
}

/// Answers a command. A request id that is already recorded gives no facts: it is a retry of
/// something done. `plan` is the version that the incident runs under.
pub fn decide(op: &Operation, plan: &Plan, incident: &Incident, command: Command) -> Decision {
    if incident.requests.contains(&op.request) {
        return Ok(Vec::new());
    }
    if incident.closed() && !command.after_closing() {
        return Err(Refusal::Closed);
    }
    authority::check(plan, op, &command)?;
    checks::no_longer("reason", &op.reason, MAX_REASON_CHARS)?;
    let asked = Asked { op, plan, incident };
    let mut facts = dispatch(asked, command)?;
    let done: Vec<Fact> = facts
        .iter()
        .filter_map(|fact| people::follow(asked, fact))
        .collect();
    facts.extend(done);
    facts.iter().try_for_each(fits_into_a_leaf)?;
    Ok(facts)
}

fn dispatch(asked: Asked<'_>, command: Command) -> Decision {
    match command {
        Command::AddFindings { batch, numbers } => course::add_findings(asked, batch, numbers),
        Command::JoinReport { receipt, text } => course::join_report(asked, receipt, text),
        Command::SetFigures { figures } => course::set_figures(asked, figures),
        Command::SetAnchors {
            occurred,
            discovered,
        } => course::set_anchors(asked, occurred, discovered),
        Command::SetTriggerFacts {
            cii,
            personal_information,
            suspected_crime,
            interested_parties,
            unauthorised_payment,
        } => course::set_trigger_facts(
            asked,
            [
                cii,
                personal_information,
                suspected_crime,
                interested_parties,
                unauthorised_payment,
            ],
        ),
        Command::ConfirmGrade { grade, level } => course::confirm_grade(asked, grade, level),
        Command::StartWatch => course::start_watch(asked),
        Command::AdvanceStep => course::advance(asked),
        Command::Handled => course::handled(asked),
        Command::Close => course::close(asked),
        Command::SendBrief => course::send_brief(asked),
        Command::CallOut { to } => calling::call_out(asked, &to),
        Command::Acknowledge { call } => calling::acknowledge(asked, call),
        Command::RefuseCall { call } => calling::refuse(asked, call),
        Command::Escalate { call } => calling::escalate(asked, call),
        Command::PassCall { call } => calling::pass(asked, call),
        Command::IssueOrder {
            to,
            text,
            constraint,
            due_at,
        } => people::issue_order(asked, to, text, constraint, due_at),
        Command::AcceptOrder { order, seen } => people::accept_order(asked, order, seen),
        Command::RefuseOrder { order } => people::refuse_order(asked, order),
        Command::CompleteOrder { order, result } => people::complete_order(asked, order, result),
        Command::WithdrawOrder { order } => people::withdraw_order(asked, order),
        Command::CompleteTask { task, note } => people::complete_task(asked, task, note),
        Command::WaiveTask { task } => people::waive_task(asked, task),
        other => dispatch_work(asked, other),
    }
}

fn dispatch_work(asked: Asked<'_>, command: Command) -> Decision {
    match command {
        Command::ProposeHold { rows, until } => containment::propose_hold(asked, rows, until),
        Command::ApproveHold { hold } => containment::approve_hold(asked, hold),
        Command::RefuseHold { hold } => containment::refuse_hold(asked, hold),
        Command::LiftHold { hold } => containment::lift_hold(asked, hold),
        Command::ExpireHold { hold } => containment::expire_hold(asked, hold),
        Command::ProposeRepair {
            proposal,
            digest,
            source,
            scope,
            counts,
            made_at,
        } => {
            let proposed = Fact::RepairProposed {
                proposal,
                digest,
                source,
                scope,
                counts,
                made_at,
                supersedes: Vec::new(),
            };
            containment::propose_repair(asked, proposed)
        }
        Command::ApproveRepair { proposal, digest } => {
            containment::approve_repair(asked, proposal, digest)
        }
        Command::RejectRepair { proposal } => containment::reject_repair(asked, proposal),
        Command::StartRepair { proposal } => containment::start_repair(asked, proposal),
        Command::RepairApplied { proposal, repaired } => {
            containment::applied(asked, proposal, repaired)
        }
        Command::RepairFailed { proposal, why } => containment::failed(asked, proposal, why),
        Command::RecordAudit {
            source,
            taken_at,
            rows,
            discrepancies,
        } => Ok(vec![Fact::AuditRecorded {
            source,
            taken_at,
            rows,
            discrepancies,
        }]),
        other => dispatch_records(asked, other),
    }
}

fn dispatch_records(asked: Asked<'_>, command: Command) -> Decision {
    match command {
        Command::CollectEvidence { item } => records::collect(asked, item),
        Command::TransferEvidence {
            evidence,
            to,
            purpose,
            sha256,
        } => records::transfer(asked, evidence, to, purpose, sha256),
        Command::DraftNotice {
            kind,
            texts,
            audience,
        } => records::draft_notice(asked, kind, texts, audience),
        Command::ApproveNotice { notice } => records::approve_notice(asked, notice),
        Command::RejectNotice { notice } => records::reject_notice(asked, notice),
        Command::NoticeSent {
            notice,
            delivered,
            failed,
        } => records::notice_sent(asked, notice, delivered, failed),
        Command::FileReport {
            clock,
            filed_at,
            channel,
            receipt,
        } => duties::file(asked, clock, filed_at, channel, receipt),
        Command::WaiveDuty { clock } => duties::waive(asked, clock),
        Command::RecordDecision { topic, text } => records::decision(asked, topic, text),
        Command::RecordLesson { text, measures } => records::lesson(asked, text, measures),
        Command::RecordImpact { impact } => records::impact(asked, impact),
        Command::Access(command) => crate::access::decide(asked, command),
        Command::Order(command) => crate::orders::decide(asked, command),
        Command::Room(command) => crate::room::decide(asked, command),
        Command::Task(command) => crate::tasks::decide(asked, command),
        Command::Handover(command) => crate::handover::decide(asked, command),
        Command::Joining(command) => crate::joining::decide(asked, *command),
        Command::Assess(command) => crate::assessing::decide(asked, command),
        Command::Resource(command) => crate::resource::decide(asked, command),
        // Everything else was answered above.
        _ => Ok(Vec::new()),
    }
}

/// A fact becomes a journal leaf; what is too long for one is refused, never cut.
fn fits_into_a_leaf(fact: &Fact) -> Result<(), Refusal> {
    // Facts are structs of strings and numbers and always serialise; were one not to, it is refused.
    let len = serde_json::to_vec(fact).map_or(usize::MAX, |bytes| bytes.len());
    checks::bound("fact-bytes", len, MAX_FACT_BYTES)
}
