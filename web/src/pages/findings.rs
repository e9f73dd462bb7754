//! The findings of an incident: row and column, lawful and live value, money at risk.
//!
//! Personal values are masked but for those who may read evidence.

use crate::pages::incident_parts::Head;
use crate::perform;
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use desk::FindingFilter;
use desk::accept_rows::Acceptance;
use incident::Incident;
use incident::rows::RowState;
use model::{ColumnChange, Finding, FindingId, FindingKind, Instant};
use plan::Act;

/// Findings on one page; the rest follows on the next.
const PAGE: u32 = 100;

pub(crate) struct FindingLine {
    pub id: String,
    pub kind: &'static str,
    pub mark: &'static str,
    pub rule: String,
    pub table: String,
    pub key: String,
    /// `SOURCE|TABLE|KEY`, as the forms name a row.
    pub row: String,
    pub columns: Vec<ColumnLine>,
    pub at_risk: Option<String>,
    pub seen_at: Instant,
    pub place: String,
    pub detail: String,
    pub witnessed: bool,
    pub coalesced: bool,
    pub state: Option<&'static str>,
    /// Who wrote it by the server's log, as it is said.
    pub logged: Option<String>,
}

pub(crate) struct ColumnLine {
    pub name: String,
    pub lawful: Option<String>,
    pub live: Option<String>,
    pub masked: bool,
}

impl ColumnLine {
    pub fn of(change: &ColumnChange, in_full: bool) -> Self {
        let masked = change.personal && !in_full;
        let shown = |value: &Option<String>| {
            value
                .as_ref()
                .map(|v| if masked { mask(v) } else { v.clone() })
        };
        Self {
            name: change.name.clone(),
            lawful: shown(&change.lawful),
            live: shown(&change.live),
            masked,
        }
    }
}

/// Leaves at most the last two characters, and never more than a quarter of the value.
fn mask(value: &str) -> String {
    let chars: Vec<char> = value.chars().collect();
    let keep = (chars.len() / 4).min(2);
    let tail: String = chars[chars.len() - keep..].iter().collect();
    format!("••••{tail}")
}

pub(crate) fn kind_code(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::Altered => "altered",
        FindingKind::Forged => "forged",
        FindingKind::Deleted => "deleted",
        FindingKind::CheckFailed => "check-failed",
        FindingKind::Unwitnessed => "unwitnessed",
        FindingKind::TaintedInput => "tainted-input",
        FindingKind::InWindow => "in-window",
        FindingKind::Unreadable => "unreadable",
    }
}

fn line(v: &View<'_>, incident: &Incident, f: &Finding, in_full: bool) -> FindingLine {
    let tracked = incident.findings.row(&f.source, &f.table, &f.key);
    FindingLine {
        id: f.id.to_string(),
        kind: kind_code(f.kind),
        mark: if f.kind.alarms() { "bad" } else { "warn" },
        rule: v.known("rule", &f.rule).into_owned(),
        table: f.table.clone(),
        key: f.key.clone(),
        row: format!("{}|{}|{}", f.source, f.table, f.key),
        columns: f
            .columns
            .iter()
            .map(|c| ColumnLine::of(c, in_full))
            .collect(),
        at_risk: f.at_risk.as_ref().map(|m| v.yuan(m)),
        seen_at: f.seen_at,
        place: format!("{} #{}", f.log, f.position),
        detail: f.detail.clone(),
        logged: None,
        witnessed: f.witnessed,
        coalesced: f.coalesced,
        state: tracked.map(|row| match row.state {
            RowState::Open => "open",
            RowState::Repaired => "repaired",
            RowState::Accepted => "accepted",
        }),
    }
}

/// The first findings of an incident, with every personal value masked.
pub(crate) fn masked(v: &View<'_>, incident: &Incident, most: u32) -> Vec<FindingLine> {
    let filter = FindingFilter {
        incident: Some(incident.id.clone()),
        limit: most,
        ..FindingFilter::default()
    };
    let findings = v.visit.desk().findings_told(&filter);
    let lines = findings.iter();
    lines
        .map(|told| line(v, incident, &told.finding, false))
        .collect()
}

#[derive(Template)]
#[template(path = "findings.html")]
struct FindingsPage<'a> {
    v: View<'a>,
    i: &'a Incident,
    h: Head,
    lines: Vec<FindingLine>,
    next: Option<String>,
    masked: bool,
    may_hold: bool,
    may_decide: bool,
    acceptances: Vec<AcceptanceLine>,
}

/// Rows that somebody wants to stay as they are.
struct AcceptanceLine {
    a: Acceptance,
    rows: Vec<AcceptedLine>,
    may_approve: bool,
    may_refuse: bool,
    open: bool,
}

struct AcceptedLine {
    finding: String,
    table: String,
    key: String,
    columns: Vec<ColumnLine>,
}

fn acceptances(visit: &Visit, incident: &Incident) -> Vec<AcceptanceLine> {
    let all = visit.desk().acceptances(incident.source.as_ref());
    let all = all.unwrap_or_else(|error| {
        tracing::error!(error = %perform::chain(&error), "the rows to be accepted cannot be read");
        Vec::new()
    });
    let op = visit.operation();
    let may = visit.may(Act::ApproveRepair);
    let in_full = visit.may(Act::ReadEvidence);
    let line = |row: &desk::accept_rows::AcceptedRow| AcceptedLine {
        finding: row.finding.to_string(),
        table: row.table.clone(),
        key: row.key.clone(),
        columns: row
            .columns
            .iter()
            .map(|c| ColumnLine::of(c, in_full))
            .collect(),
    };
    let mine = all.into_iter().filter(|a| a.concerns(incident));
    mine.map(|a| {
        let (open, own) = (a.open(op.now).is_ok(), a.asked_by_same(&op));
        AcceptanceLine {
            rows: a.rows.iter().map(line).collect(),
            may_approve: may && open && !own,
            may_refuse: open && (may || own),
            open,
            a,
        }
    })
    .collect()
}

pub(crate) fn page(visit: &Visit) -> Reply {
    let Some(incident) = perform::incident(visit) else {
        return Reply::not_found(visit);
    };
    let v = View::new(visit, Section::Incidents, incident.code_name.clone());
    let in_full = visit.may(Act::ReadEvidence);
    let filter = FindingFilter {
        incident: Some(incident.id.clone()),
        after: visit.query.given("after").map(FindingId::from),
        limit: PAGE,
        ..FindingFilter::default()
    };
    let findings = visit.desk().findings_told(&filter);
    let full = findings.len() >= PAGE as usize;
    let next = findings
        .last()
        .filter(|_| full)
        .map(|f| f.finding.id.to_string());
    let lines: Vec<FindingLine> = findings
        .iter()
        .map(|told| FindingLine {
            logged: (told.logged.as_ref()).map(|w| document::logged_writer(visit.words(), w)),
            ..line(&v, &incident, &told.finding, in_full)
        })
        .collect();
    let page = FindingsPage {
        h: Head::of(&v, &incident, "findings"),
        masked: lines.iter().any(|l| l.columns.iter().any(|c| c.masked)),
        lines,
        next,
        acceptances: acceptances(visit, &incident),
        may_hold: !incident.closed() && visit.may(Act::ProposeHold),
        may_decide: !incident.closed() && visit.may(Act::RecordDecision),
        i: &incident,
        v,
    };
    Reply::page(&page)
}

#[cfg(test)]
mod tests {
    use super::mask;

    #[test]
    fn a_masked_value_tells_little() {
        for (value, shown) in [
            ("13800138000", "••••00"),
            ("王小明", "••••"),
            ("", "••••"),
            ("abcd", "••••d"),
        ] {
            assert_eq!(mask(value), shown);
        }
    }
}
