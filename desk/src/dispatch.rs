//! Dispatch: outbox rows become messages and holds, at least once, with a stable id.
//!
//! ```text
//! pending ─► marked sending ─► realised ─► marked sent
//!               │ crash: back to pending at the start; the receiver knows the id and
//!               │ takes it once, or sees that it may be a duplicate
//! ```

use crate::{Desk, DeskError, Told};
use connect::contain::{HeldAction, HeldRow, Hold, HoldList};
use connect::notify::OutboxMessage;
use incident::containment::HoldState;
use incident::resource::ResourceNews;
use incident::{Command, Effect, Page};
use model::{
    Actor, HoldId, IncidentId, Instant, Operation, OutboxId, PositionId, ReceiptNo, RequestId,
};
use plan::Lang;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::time::Duration;
use store::OutboxRow;

/// Rows realised at once; each is one fsync of a small file.
const AT_ONCE: u32 = 64;
/// How long dispatch waits for a change before it looks by itself.
const IDLE: Duration = Duration::from_millis(200);
/// Seconds until a failed row is tried again, doubled each time up to an hour.
const RETRY_S: i64 = 5;
const RETRY_MOST_S: i64 = 3_600;

/// Kind of the rows that page the leading group when somebody reports.
pub(crate) const REPORT: &str = "report";

/// What such a row holds.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ReportPage {
    pub report: ReceiptNo,
    pub position: PositionId,
}

/// Runs until `stopped` says so.
pub(crate) fn run(desk: &Desk, stopped: impl Fn() -> bool) {
    let mut seen = 0;
    while !stopped() {
        match turn(desk) {
            Ok(0) => seen = desk.store().wait_for_change(seen, IDLE),
            Ok(_) => {}
            Err(error) => {
                tracing::error!(error = %crate::error::chain(&error), "the outbox cannot be worked on");
                // What was being sent goes back to pending; this thread alone sends.
                drop(desk.store().outbox_recover());
                seen = desk.store().wait_for_change(seen, IDLE);
            }
        }
    }
}

/// Realises what is due; gives the number of rows.
fn turn(desk: &Desk) -> Result<usize, DeskError> {
    let mut due = desk.store().outbox_due(desk.now(), AT_ONCE)?;
    // What goes to people on duty has its own thread.
    due.retain(|row| !crate::paging::is_page(&row.kind));
    for row in &due {
        desk.outbox_sending(&row.id)?;
        fail::fail_point!("outbox-before-send");
        let outcome = match row.kind.as_str() {
            crate::people_report::by_mail::RECEIPT => desk.send_receipt(row),
            _ => realise(desk, row),
        };
        fail::fail_point!("outbox-after-send");
        match outcome {
            Ok(()) => desk.outbox_sent(&row.id)?,
            Err(error) => {
                let wait_s = (RETRY_S << row.attempts.min(10)).min(RETRY_MOST_S);
                tracing::warn!(id = %row.id, error = %crate::error::chain(&error), wait_s, "an outbox row failed; it is tried again");
                desk.outbox_retry(&row.id, desk.now().plus_s(wait_s))?;
            }
        }
    }
    Ok(due.len())
}

fn realise(desk: &Desk, row: &OutboxRow) -> Result<(), DeskError> {
    let effect: Effect = serde_json::from_str(&row.json)?;
    let exercise = effect.exercise();
    match &effect {
        // The paging thread's.
        Effect::Page { .. } | Effect::Brief { .. } => Ok(()),
        // An exercise never touches the real outside: the hold list is the shop's.
        Effect::Hold { .. } | Effect::LiftHold { .. } if exercise => Ok(()),
        // Lifted while its placing was tried again: it must not come back.
        Effect::Hold { hold, .. } if has_ended(desk, row, hold) => Ok(()),
        Effect::Hold {
            hold, rows, until, ..
        } => {
            let rows = rows
                .iter()
                .flat_map(|t| {
                    t.keys.iter().map(|k| HeldRow {
                        table: t.table.clone(),
                        key: k.clone(),
                    })
                })
                .collect();
            Ok(hold_list(desk)?.place(Hold {
                id: outside_id(row, hold),
                incident: row.incident.clone().unwrap_or_else(|| IncidentId::new("")),
                rows,
                forbids: vec![HeldAction::Ship, HeldAction::Refund],
                from: row.created_at,
                until: *until,
            })?)
        }
        Effect::LiftHold { hold, .. } => {
            Ok(hold_list(desk)?.lift(&outside_id(row, hold)).map(drop)?)
        }
        Effect::SendNotice {
            notice,
            texts,
            audience,
            ..
        } => {
            for (lang, text) in texts {
                let id = format!("{}-{lang}", row.id);
                let subject = text.lines().next().unwrap_or_default();
                let message = message(row, &id, "users", subject, text, desk.now());
                desk.file_sink().write(&message)?;
            }
            // The file takes the notice for all of them; nobody tells us who has read it.
            let sent = Command::NoticeSent {
                notice: notice.clone(),
                delivered: *audience,
                failed: 0,
            };
            system(desk, row, sent)
        }
    }
}

/// The row may be seen a moment before the incident shows the hold as active, so only an end counts.
fn has_ended(desk: &Desk, row: &OutboxRow, hold: &HoldId) -> bool {
    let incident = row.incident.as_ref().and_then(|id| desk.incident(id));
    let ended = |state: &HoldState| !matches!(state, HoldState::Proposed | HoldState::Active);
    incident.is_some_and(|i| i.holds.iter().any(|h| h.id == *hold && ended(&h.state)))
}

fn hold_list(desk: &Desk) -> Result<HoldList, DeskError> {
    Ok(HoldList::open(desk.folder().holds())?)
}

/// Holds are numbered within their incident; the shop's list has many incidents.
fn outside_id(row: &OutboxRow, hold: &HoldId) -> HoldId {
    let incident = row.incident.as_ref().map_or("", IncidentId::as_str);
    HoldId::new(format!("{incident}/{hold}"))
}

/// What follows from an effect comes back as a command like everybody else's.
fn system(desk: &Desk, row: &OutboxRow, command: Command) -> Result<(), DeskError> {
    let Some(id) = &row.incident else {
        return Ok(());
    };
    let op = Operation {
        actor: Actor::system("dispatch"),
        reason: String::new(),
        request: RequestId::new(format!("outbox-{}", row.id)),
        now: desk.now(),
    };
    desk.execute(op, id, command)
        .map(drop)
        .map_err(|e| DeskError::Refused(Told::new("said").with("text", e)))
}

fn message(
    row: &OutboxRow,
    id: &str,
    to: &str,
    subject: &str,
    body: &str,
    at: Instant,
) -> OutboxMessage {
    let mut content = Map::new();
    let mut put = |name: &str, value: Value| drop(content.insert(name.to_owned(), value));
    put("incident", json!(row.incident));
    put("kind", json!(row.kind));
    put("to", json!(to));
    put("subject", json!(subject));
    put("body", json!(body));
    put("possible_duplicate", json!(row.attempts > 0));
    OutboxMessage {
        id: OutboxId::new(id),
        at,
        content,
    }
}

pub(crate) fn page_words(
    desk: &Desk,
    row: &OutboxRow,
    page: &Page,
    plan: &plan::Plan,
    lang: Lang,
) -> (String, String) {
    let words = document::words(lang);
    let code = row
        .incident
        .as_ref()
        .and_then(|id| desk.incident(id))
        .map_or(String::new(), |i| i.code_name.clone());
    let title = plan
        .position(page.position())
        .map_or("", |p| p.title.in_lang(lang));
    let zone = |at: Instant| at.in_zone("Asia/Shanghai");
    let (key, due, what) = match page {
        Page::CallOut { due_at, level, .. } => {
            ("page-call-out", zone(*due_at), level.0.to_string())
        }
        Page::Order {
            due_at,
            order,
            overdue,
            ..
        } => {
            let key = match overdue {
                0 => "page-order",
                1 => "page-order-late",
                _ => "page-order-escalated",
            };
            (key, zone(*due_at), order.to_string())
        }
        Page::BriefSoon { due_at, .. } => ("page-brief-soon", zone(*due_at), String::new()),
        Page::Resource {
            request,
            what,
            news,
            due_at,
            ..
        } => {
            let entry = plan.registered(what).map(|e| e.title.in_lang(lang));
            let key = match news {
                ResourceNews::Asked => "page-resource-asked",
                ResourceNews::Granted => "page-resource-granted",
                ResourceNews::Refused => "page-resource-refused",
                ResourceNews::LateAnswer => "page-resource-late-answer",
                ResourceNews::LateReturn => "page-resource-late-return",
            };
            let what = format!("{request} {}", entry.unwrap_or(what));
            (key, zone(*due_at), what)
        }
        Page::Mention { note, .. } => ("page-mention", String::new(), note.to_string()),
    };
    let values = [
        ("code", code.into()),
        ("position", title.into()),
        ("due", due.into()),
        ("what", what.into()),
    ];
    (
        words.with(&format!("{key}-subject"), &values),
        words.with(&format!("{key}-body"), &values),
    )
}

pub(crate) fn brief_words(
    desk: &Desk,
    row: &OutboxRow,
    number: u32,
    lang: Lang,
) -> (String, String) {
    let words = document::words(lang);
    let code = row
        .incident
        .as_ref()
        .and_then(|id| desk.incident(id))
        .map_or(String::new(), |i| i.code_name.clone());
    let values = [("code", code.into()), ("number", number.into())];
    (
        words.with("page-brief-subject", &values),
        words.with("page-brief-body", &values),
    )
}
