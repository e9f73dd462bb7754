//! Merging an incident into another, and splitting reports and rows off it (合并与拆分).
//!
//! Deliberately not here: what may be merged (room `incident`), and how both change at once (`desk`).

use crate::pages::incident_parts::Head;
use crate::pages::triage_words::AlikeCase;
use crate::perform;
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use desk::joining::Split;
use desk::{CommandError, FindingFilter};
use incident::Incident;
use model::{FindingId, IncidentId, ReceiptNo};
use plan::Act;
use std::collections::BTreeSet;

/// Rows offered to be split off; more are split in a second step.
const MAX_ROWS: u32 = 200;
/// Open incidents offered to merge into.
const MAX_OFFERED: usize = 100;

#[derive(Template)]
#[template(path = "joining.html")]
struct JoiningPage<'a> {
    v: View<'a>,
    i: &'a Incident,
    h: Head,
    /// Incidents that this one hangs together with, as far as the reader may know of them.
    into: Option<Named>,
    absorbed: Vec<(Named, usize, usize)>,
    split_into: Vec<Named>,
    split_from: Option<Named>,
    /// What may be one case with this one, and why.
    similar: Vec<AlikeCase>,
    offered: Vec<Named>,
    reports: Vec<(ReceiptNo, String)>,
    rows: Vec<(FindingId, String)>,
    may: bool,
}

struct Named {
    id: IncidentId,
    name: String,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    let Some(incident) = perform::incident(visit) else {
        return Reply::not_found(visit);
    };
    let i = &*incident;
    let v = View::new(visit, Section::Incidents, i.code_name.clone());
    let named = |id: &IncidentId| {
        visit.incident(id).map(|found| Named {
            id: found.id.clone(),
            name: found.code_name.clone(),
        })
    };
    let joining = &i.joining;
    let may = !i.closed() && v.may(Act::Close);
    let open = visit.open_incidents().into_iter();
    let others = open.filter(|o| o.id != i.id && o.exercise == i.exercise);
    let absorbed = joining.absorbed.iter();
    let similar = match may {
        true => visit.desk().incidents_similar(&visit.viewer(), i),
        false => Ok(Vec::new()),
    };
    let similar = match similar {
        Ok(similar) => similar,
        Err(error) => return perform::unreadable(visit, &error, "similar incidents"),
    };
    let page = JoiningPage {
        similar: similar.iter().map(|a| AlikeCase::of(&v, a)).collect(),
        h: Head::of(&v, i, "joining"),
        into: joining.merged_into.as_ref().and_then(named),
        absorbed: absorbed
            .filter_map(|c| Some((named(&c.incident)?, c.orders.len(), c.tasks.len())))
            .collect(),
        split_into: joining.split_into.iter().filter_map(named).collect(),
        split_from: joining.split_from.as_ref().and_then(named),
        offered: match may {
            true => others
                .take(MAX_OFFERED)
                .map(|o| Named {
                    id: o.id.clone(),
                    name: o.code_name.clone(),
                })
                .collect(),
            false => Vec::new(),
        },
        reports: match may {
            true => reports(visit, i),
            false => Vec::new(),
        },
        rows: match may {
            true => rows(visit, i),
            false => Vec::new(),
        },
        may,
        i,
        v,
    };
    Reply::page(&page)
}

fn reports(visit: &Visit, i: &Incident) -> Vec<(ReceiptNo, String)> {
    let words = |name: &ReceiptNo| {
        let report = visit.desk().report_named(name).ok().flatten();
        report.map_or_else(String::new, |r| r.what)
    };
    i.reports.iter().map(|r| (r.clone(), words(r))).collect()
}

/// One line a row, by its first finding.
fn rows(visit: &Visit, i: &Incident) -> Vec<(FindingId, String)> {
    let found = visit.desk().findings(&FindingFilter {
        incident: Some(i.id.clone()),
        limit: MAX_ROWS,
        ..FindingFilter::default()
    });
    let mut seen = BTreeSet::new();
    let mut rows = Vec::new();
    for finding in found {
        let row = format!("{} / {} {}", finding.source, finding.table, finding.key);
        if seen.insert(row.clone()) {
            rows.push((finding.id, row));
        }
    }
    rows
}

pub(crate) fn merge(visit: &Visit) -> Reply {
    let Some(incident) = perform::incident(visit) else {
        return Reply::not_found(visit);
    };
    let into = IncidentId::new(visit.form.get("into"));
    let merged = (visit.desk()).merge_incidents(visit.operation(), &incident.id, &into);
    went(visit, &incident, merged.map(|()| into))
}

pub(crate) fn split(visit: &Visit) -> Reply {
    let Some(incident) = perform::incident(visit) else {
        return Reply::not_found(visit);
    };
    let split = Split {
        reports: visit.form.all("report").map(ReceiptNo::new).collect(),
        findings: visit.form.all("finding").map(FindingId::new).collect(),
    };
    let made = (visit.desk()).split_incident(visit.operation(), &incident.id, &split);
    went(visit, &incident, made)
}

/// On to the incident in which it goes on.
fn went(visit: &Visit, before: &Incident, done: Result<IncidentId, CommandError>) -> Reply {
    match done {
        Ok(id) if visit.wants_json => {
            Reply::json(&serde_json::json!({ "incident": id, "done": true }))
        }
        Ok(id) => Reply::see(&format!("/incidents/{id}/joining?done=joining")),
        Err(error) => perform::failed(visit, before, &error),
    }
}
