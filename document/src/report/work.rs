//! Measures, findings, evidence, holds and repair.

use super::phrase::duration;
use super::{Block, MAX_FINDINGS_LISTED, Section, Subject};
use incident::containment::{Hold, Repair, RepairState};
use incident::custody::Evidence;
use incident::people::{CallOut, CallState, Order, OrderState, Signed, Task, TaskState};
use incident::rows::count;
use model::{ColumnChange, Finding, FindingKind};

pub(super) fn measures(on: &Subject<'_>) -> Section {
    let (i, say) = (on.incident, &on.say);
    let orders = i.orders.iter().map(|o| order(on, o)).collect();
    let tasks = i.tasks.iter().map(|t| task(on, t)).collect();
    let decisions = i
        .decisions
        .iter()
        .map(|d| {
            let topic = say.code(&format!("topic-{}", d.topic.code()));
            vec![
                d.number.to_string(),
                say.time(d.at),
                topic,
                d.text.clone(),
                say.actor(&d.by),
            ]
        })
        .collect();
    let head = |names: &[&str]| {
        names
            .iter()
            .map(|n| format!("summary-{n}"))
            .collect::<Vec<_>>()
    };
    let table = |names: &[&str], rows| {
        let head = head(names);
        on.table(&head.iter().map(String::as_str).collect::<Vec<_>>(), rows)
    };
    let blocks = vec![
        on.heading("summary-times"),
        table(
            &["step", "entered", "left", "target", "took", "in-time"],
            steps(on),
        ),
        on.heading("summary-calls"),
        table(
            &[
                "number", "group", "position", "role", "time", "state", "answered", "by",
            ],
            i.calls.iter().map(|c| call(on, c)).collect(),
        ),
        on.heading("summary-orders"),
        table(
            &[
                "number", "to", "text", "issued", "due", "state", "result", "by",
            ],
            orders,
        ),
        on.heading("summary-tasks"),
        table(
            &["step", "task", "owner", "due", "state", "by", "result"],
            tasks,
        ),
        on.heading("summary-decisions"),
        table(&["number", "time", "topic", "text", "by"], decisions),
    ];
    on.section("summary-measures", blocks)
}

fn steps(on: &Subject<'_>) -> Vec<Vec<String>> {
    let (say, now) = (&on.say, on.extras.generated_at);
    let row = |s: &incident::incident::StepRecord| {
        let left = s.left_at.map_or_else(String::new, |at| say.time(at));
        let in_time = say.text(if s.late(now) {
            "summary-no"
        } else {
            "summary-yes"
        });
        vec![
            format!("{} {}", s.step.code(), say.step(s.step)),
            say.time(s.entered_at),
            left,
            duration(f64::from(s.target_s)),
            duration(s.took_s(now)),
            in_time,
        ]
    };
    on.incident.steps.iter().map(row).collect()
}

fn call(on: &Subject<'_>, c: &CallOut) -> Vec<String> {
    let say = &on.say;
    let (state, at, by) = match &c.state {
        CallState::Called => ("called", None, None),
        CallState::Acknowledged { by, at } => ("acknowledged", Some(*at), Some(by)),
        CallState::Refused { by, at, .. } => ("refused", Some(*at), Some(by)),
        CallState::Escalated { at, .. } => ("escalated", Some(*at), None),
    };
    vec![
        c.call.number.to_string(),
        say.group(&c.call.group),
        say.position(&c.call.position),
        say.code(&format!("role-{}", c.call.role.code())),
        say.time(c.called_at),
        say.code(&format!("state-{state}")),
        at.map_or_else(String::new, |at| say.time(at)),
        by.map_or_else(String::new, |by| say.actor(by)),
    ]
}

fn order(on: &Subject<'_>, o: &Order) -> Vec<String> {
    let say = &on.say;
    let (result, by) = match &o.state {
        OrderState::Issued => (String::new(), None),
        OrderState::Accepted => (String::new(), o.accepted.as_ref().map(|s| &s.by)),
        OrderState::Refused {
            by, reason: text, ..
        }
        | OrderState::Withdrawn {
            by, reason: text, ..
        }
        | OrderState::Done {
            by, result: text, ..
        } => (text.clone(), Some(by)),
    };
    let text = match o.constraint.is_empty() {
        true => o.text.clone(),
        false => format!("{} [{}]", o.text, o.constraint),
    };
    vec![
        o.id.to_string(),
        say.addressee(&o.to),
        text,
        say.time(o.issued_at),
        say.time(o.due_at),
        say.code(&format!("state-{}", o.state.code())),
        result,
        by.map_or_else(String::new, |by| say.actor(by)),
    ]
}

fn task(on: &Subject<'_>, t: &Task) -> Vec<String> {
    let say = &on.say;
    let (by, note) = match &t.state {
        TaskState::Open => (String::new(), String::new()),
        TaskState::Done { by, at, note: text }
        | TaskState::Waived {
            by,
            at,
            reason: text,
        } => (
            format!("{} · {}", say.actor(by), say.time(*at)),
            text.clone(),
        ),
    };
    vec![
        t.step.code().to_owned(),
        say.task(&t.planned.id),
        say.position(&t.planned.owner),
        say.time(t.planned.due_at),
        say.code(&format!("state-{}", t.state.code())),
        by,
        note,
    ]
}

pub(super) fn findings(on: &Subject<'_>) -> Section {
    let all = on.extras.findings;
    let shown = &all[..all.len().min(MAX_FINDINGS_LISTED)];
    let numbers = [("n", all.len().into()), ("shown", shown.len().into())];
    let note = on.say.words().with("summary-findings-note", &numbers);
    let rows = shown.iter().flat_map(|f| finding(on, f)).collect();
    let head = [
        "summary-kind",
        "summary-row",
        "summary-column",
        "summary-lawful",
        "summary-live",
        "summary-seen",
        "summary-rule",
        "summary-journal-position",
    ];
    on.section(
        "summary-findings",
        vec![Block::Paragraph(note), on.table(&head, rows)],
    )
}

/// A line for each column; personal values are masked, whoever reads the report.
fn finding(on: &Subject<'_>, f: &Finding) -> Vec<Vec<String>> {
    let say = &on.say;
    let kind = say.code(&format!("finding-{}", finding_code(f.kind)));
    let value = |column: &ColumnChange, value: &Option<String>| match value {
        None => say.text("summary-absent"),
        Some(_) if column.personal => say.text("summary-masked"),
        Some(text) => text.clone(),
    };
    let line = |column: String, lawful: String, live: String| {
        vec![
            kind.clone(),
            format!("{} {} {}", f.source, f.table, f.key),
            column,
            lawful,
            live,
            say.time(f.seen_at),
            f.rule.clone(),
            format!("{} {}", f.log, f.position),
        ]
    };
    if f.columns.is_empty() {
        return vec![line(String::new(), String::new(), f.detail.clone())];
    }
    let columns = f.columns.iter();
    columns
        .map(|c| line(c.name.clone(), value(c, &c.lawful), value(c, &c.live)))
        .collect()
}

const fn finding_code(kind: FindingKind) -> &'static str {
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

pub(super) fn evidence(on: &Subject<'_>) -> Section {
    let (i, say, journal) = (on.incident, &on.say, on.extras.journal);
    let mut blocks = Vec::new();
    if i.evidence.is_empty() {
        blocks.push(Block::Paragraph(say.text("summary-none")));
    }
    for item in &i.evidence {
        custody(on, item, &mut blocks);
    }
    blocks.push(on.heading("summary-journal"));
    blocks.push(on.facts(vec![
        ("summary-ledger-size", journal.ledger_size.to_string()),
        ("summary-record-size", journal.record_size.to_string()),
    ]));
    if !journal.root_checkpoint.is_empty() {
        blocks.push(Block::Paragraph(say.text("summary-checkpoint")));
        blocks.push(Block::Text(journal.root_checkpoint.clone()));
    }
    blocks.push(Block::Paragraph(say.text("summary-verify")));
    on.section("summary-evidence", blocks)
}

fn custody(on: &Subject<'_>, e: &Evidence, blocks: &mut Vec<Block>) {
    let say = &on.say;
    let positions: Vec<String> = e
        .item
        .positions
        .iter()
        .map(|p| format!("{} {}", p.log, p.index))
        .collect();
    blocks.push(Block::Heading(format!("{} {}", e.id, e.item.name)));
    blocks.push(on.facts(vec![
        ("summary-kind", e.item.kind.clone()),
        ("summary-source", e.item.source.clone()),
        (
            "summary-collected",
            format!("{} · {}", say.time(e.item.collected_at), say.actor(&e.collected_by)),
        ),
        ("summary-witness", e.item.witness.clone().unwrap_or_else(|| say.text("summary-none"))),
        ("summary-method", e.item.method.clone()),
        ("summary-hash", e.item.sha256.to_string()),
        ("summary-size", e.item.size_bytes.to_string()),
        ("summary-location", e.item.location.clone()),
        ("summary-journal-position", positions.join(", ")),
    ]));
    if e.transfers.is_empty() {
        return;
    }
    let transfer = |t: &incident::custody::Transfer| {
        let intact = say.code(if t.intact {
            "hash-intact"
        } else {
            "hash-differs"
        });
        vec![
            say.time(t.at),
            say.actor(&t.by),
            t.to.clone(),
            t.purpose.clone(),
            intact,
        ]
    };
    let head = [
        "summary-time",
        "summary-by",
        "summary-to",
        "summary-purpose",
        "summary-intact",
    ];
    blocks.push(on.table(&head, e.transfers.iter().map(transfer).collect()));
}

pub(super) fn containment(on: &Subject<'_>) -> Section {
    let i = on.incident;
    let audits = i.audits.iter().map(|a| {
        let (rows, differ) = (a.rows.to_string(), a.discrepancies.to_string());
        vec![a.source.to_string(), on.say.time(a.taken_at), rows, differ]
    });
    let blocks = vec![
        on.heading("summary-holds"),
        on.table(
            &[
                "summary-number",
                "summary-rows",
                "summary-reason",
                "summary-proposed-by",
                "summary-approved-by",
                "summary-until",
                "summary-state",
            ],
            i.holds.iter().map(|h| hold(on, h)).collect(),
        ),
        on.heading("summary-repairs"),
        on.table(
            &[
                "summary-proposal",
                "summary-digest",
                "summary-repaired",
                "summary-proposed-by",
                "summary-approved-by",
                "summary-state",
            ],
            i.repairs.iter().map(|r| repair(on, r)).collect(),
        ),
        on.heading("summary-audits"),
        on.table(
            &[
                "summary-source",
                "summary-taken",
                "summary-rows-checked",
                "summary-discrepancies",
            ],
            audits.collect(),
        ),
    ];
    on.section("summary-containment", blocks)
}

fn signed(on: &Subject<'_>, signed: Option<&Signed>) -> String {
    signed.map_or_else(String::new, |s| {
        format!("{} · {}", on.say.actor(&s.by), on.say.time(s.at))
    })
}

fn hold(on: &Subject<'_>, h: &Hold) -> Vec<String> {
    vec![
        h.id.to_string(),
        count(&h.rows).to_string(),
        h.reason.clone(),
        on.say.actor(&h.proposed_by),
        signed(on, h.approved.as_ref()),
        on.say.time(h.until),
        on.say.code(&format!("state-{}", h.state.code())),
    ]
}

fn repair(on: &Subject<'_>, r: &Repair) -> Vec<String> {
    let counts = match &r.state {
        RepairState::Applied { repaired, .. } => *repaired,
        _ => r.counts,
    };
    let state = on.say.code(&format!("state-{}", r.state.code()));
    let state = match &r.state {
        RepairState::Applied { at, .. } => format!("{state} · {}", on.say.time(*at)),
        RepairState::Failed { at, why } => format!("{state} · {} · {why}", on.say.time(*at)),
        RepairState::Rejected { at, reason, .. } => {
            format!("{state} · {} · {reason}", on.say.time(*at))
        }
        _ => state,
    };
    vec![
        r.proposal.to_string(),
        r.digest.to_string(),
        format!(
            "{} / {} / {}",
            counts.altered, counts.forged, counts.deleted
        ),
        format!(
            "{} · {}",
            on.say.actor(&r.proposed_by),
            on.say.time(r.proposed_at)
        ),
        signed(on, r.approved.as_ref()),
        state,
    ]
}
