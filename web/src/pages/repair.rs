//! Repairs: what would be written to the shop, row by row, and the two people who decide it.

use crate::pages::findings::ColumnLine;
use crate::pages::incident_parts::Head;
use crate::perform;
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use incident::Incident;
use incident::containment::{Repair, RepairState};
use model::proposal::SetAside;
use model::{ProposalId, RepairAction, RepairStep};
use plan::Act;

/// Steps shown on one page; the digest covers all of them.
const PAGE: usize = 200;

#[derive(Template)]
#[template(path = "repairs.html")]
struct RepairsPage<'a> {
    v: View<'a>,
    i: &'a Incident,
    h: Head,
    repairs: Vec<&'a Repair>,
    may_propose: bool,
}

pub(crate) fn list(visit: &Visit) -> Reply {
    let Some(incident) = perform::incident(visit) else {
        return Reply::not_found(visit);
    };
    let v = View::new(visit, Section::Incidents, incident.code_name.clone());
    let page = RepairsPage {
        h: Head::of(&v, &incident, "repair"),
        repairs: incident.repairs.iter().rev().collect(),
        may_propose: !incident.closed() && visit.may(Act::ProposeRepair),
        i: &incident,
        v,
    };
    Reply::page(&page)
}

pub(crate) fn mark(state: &RepairState) -> &'static str {
    match state {
        RepairState::Proposed => "warn",
        RepairState::Approved | RepairState::Applying { .. } => "info",
        RepairState::Applied { .. } => "ok",
        RepairState::Failed { .. } | RepairState::Rejected { .. } => "bad",
        RepairState::Superseded { .. } => "off",
    }
}

struct StepLine {
    /// Key of the catalogue that says what is done to the row.
    action: &'static str,
    table: String,
    key: String,
    columns: Vec<ColumnLine>,
    sql: String,
    parameters: Vec<String>,
    position: u64,
}

#[derive(Template)]
#[template(path = "repair.html")]
struct RepairPage<'a> {
    v: View<'a>,
    i: &'a Incident,
    h: Head,
    r: &'a Repair,
    ledger_size: Option<u64>,
    steps: Vec<StepLine>,
    all: usize,
    next: Option<usize>,
    from: usize,
    /// The reader proposed it: approving is another person's.
    mine: bool,
    may_decide: bool,
    may_apply: bool,
    why: String,
    left: Vec<LeftLine>,
    left_all: usize,
}

/// A row that the proposal leaves to a person, and why, in plain English.
struct LeftLine {
    row: String,
    reason: String,
}

impl LeftLine {
    fn of(told: &str) -> Self {
        let (row, reason) = told.split_once(": ").unwrap_or((told, ""));
        Self {
            row: row.to_owned(),
            reason: reason.to_owned(),
        }
    }
}

pub(crate) fn page(visit: &Visit) -> Reply {
    let id = ProposalId::new(visit.params.get("proposal"));
    let incident = perform::incident(visit);
    // The proposal is looked for in this incident: another incident's is not shown under this one's rights.
    let Some((incident, repair)) = incident
        .as_deref()
        .and_then(|i| Some((i, i.repairs.iter().find(|r| r.proposal == id)?)))
    else {
        return Reply::not_found(visit);
    };
    let v = View::new(visit, Section::Incidents, incident.code_name.clone());
    let proposal = visit.desk().proposal(&id);
    let in_full = visit.may(Act::ReadEvidence);
    let from: usize = visit.query.get("from").parse().unwrap_or(0);
    let all = proposal.as_ref().map_or(0, |p| p.proposal.steps.len());
    let steps = proposal
        .iter()
        .flat_map(|p| &p.proposal.steps)
        .skip(from)
        .take(PAGE);
    let mine = repair
        .proposed_by
        .account()
        .is_some_and(|a| Some(a) == v.account());
    let open = !incident.closed();
    let page = RepairPage {
        h: Head::of(&v, incident, "repair"),
        steps: steps.map(|s| step_line(s, in_full)).collect(),
        ledger_size: proposal.as_ref().map(|p| p.proposal.ledger_size),
        all,
        next: (from + PAGE < all).then_some(from + PAGE),
        from,
        mine,
        may_decide: open && repair.state == RepairState::Proposed && visit.may(Act::ApproveRepair),
        may_apply: open && repair.state == RepairState::Approved && visit.may(Act::ApplyRepair),
        left: (proposal.iter().flat_map(|p| &p.left_out).take(PAGE))
            .map(|told| LeftLine::of(told))
            .collect(),
        left_all: proposal.as_ref().map_or(0, |p| p.left_out.len()),
        why: match &repair.state {
            RepairState::Failed { why, .. } => why.clone(),
            RepairState::Rejected { by, reason, .. } => format!("{}: {reason}", v.actor(by)),
            _ => String::new(),
        },
        r: repair,
        i: incident,
        v,
    };
    Reply::page(&page)
}

fn step_line(step: &RepairStep, in_full: bool) -> StepLine {
    let columns: Vec<ColumnLine> = step
        .columns
        .iter()
        .map(|c| ColumnLine::of(c, in_full))
        .collect();
    let personal = columns.iter().any(|c| c.masked);
    StepLine {
        action: match step.action {
            RepairAction::RestoreColumns => "repair-action-restore",
            RepairAction::Reinsert => "repair-action-reinsert",
            RepairAction::Void => match step.set_aside {
                SetAside::Mark => "repair-action-void",
                SetAside::Delete => "repair-aside-delete",
                SetAside::Entry => "repair-aside-entry",
            },
        },
        table: step.table.clone(),
        key: step.key.clone(),
        sql: step.sql.clone(),
        // Bound values hold what the columns hold: masked together.
        parameters: step
            .parameters
            .iter()
            .map(|p| {
                if personal {
                    "••••".to_owned()
                } else {
                    p.as_ref().to_string()
                }
            })
            .collect(),
        columns,
        position: step.position,
    }
}
