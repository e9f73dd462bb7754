//! One source: its days, its audits of a part, its maintenance windows, what nobody witnessed.
//!
//! The acts are the desk's own, as the command line has them; a window needs a second person.

use crate::forms;
use crate::narrate;
use crate::pages::error;
use crate::pages::findings::ColumnLine;
use crate::pages::sources::{DAYS, SourceCard, card, path_of};
use crate::perform;
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use axum::http::StatusCode;
use desk::DeskError;
use desk::audit_turns::Turn;
use desk::daybook::Day;
use desk::window::{NewWindow, Window};
use model::{FindingId, Instant, SourceName};
use plan::Act;

/// Newest turns of partial audits that are shown, whatever they found.
const TURNS: usize = 6;
/// Turns that are shown at most: older ones stay while their rows differed.
const MOST_TURNS: usize = 20;
/// Windows on one page; older ones stay in the journal.
const WINDOWS: usize = 100;

#[derive(Template)]
#[template(path = "source.html")]
struct SourcePage<'a> {
    v: View<'a>,
    c: SourceCard,
    tab: &'static str,
    turns: Vec<Turn>,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    let name = visit.params.get("source");
    let v = View::new(visit, Section::Sources, name);
    let days = visit.query.get("days").parse().unwrap_or(DAYS);
    match card(&v, name, days) {
        Ok(mut c) => {
            let turns = std::mem::take(&mut c.audits.turns).into_iter().enumerate();
            let shown = turns.filter(|(i, turn)| *i < TURNS || turn.differing > 0);
            let turns = shown.map(|(_, turn)| turn).take(MOST_TURNS).collect();
            c.shadow.days.reverse();
            Reply::page(&SourcePage {
                tab: "state",
                turns,
                c,
                v,
            })
        }
        Err(reply) => reply,
    }
}

/// The kinds of a day's findings, most first, as the pages name them.
fn kinds(v: &View<'_>, day: &Day) -> Vec<(String, u64)> {
    let mut kinds: Vec<(String, u64)> = (day.findings.iter())
        .map(|(kind, count)| (v.known("incident-finding", kind).into_owned(), *count))
        .collect();
    kinds.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    kinds
}

fn mib(bytes: &Option<u64>) -> Option<String> {
    bytes.map(|bytes| format!("{:.1} MiB", bytes as f64 / 1_048_576.0))
}

fn cpu(seconds: &Option<f64>) -> Option<String> {
    seconds.map(|s| format!("{s:.1} s"))
}

fn kind_key(kind: impl serde::Serialize) -> String {
    let kind = serde_json::to_value(kind).ok();
    kind.and_then(|k| k.as_str().map(str::to_owned))
        .unwrap_or_default()
}

struct WindowLine {
    w: Window,
    state: &'static str,
    mark: &'static str,
    tables: String,
    /// The reader asked for it: approving is another person's.
    mine: bool,
    may_approve: bool,
    may_close: bool,
}

/// The fields of the form, as they were sent.
#[derive(Default)]
struct Asked {
    ticket: String,
    reason: String,
    tables: Vec<String>,
    most_rows: String,
    from: String,
    until: String,
}

#[derive(Template)]
#[template(path = "source_windows.html")]
struct WindowsPage<'a> {
    v: View<'a>,
    c: SourceCard,
    tab: &'static str,
    windows: Vec<WindowLine>,
    may_ask: bool,
    problem: Option<String>,
    asked: Asked,
}

pub(crate) fn windows(visit: &Visit) -> Reply {
    show_windows(visit, StatusCode::OK, None)
}

fn show_windows(visit: &Visit, status: StatusCode, problem: Option<String>) -> Reply {
    let name = visit.params.get("source");
    let v = View::new(visit, Section::Sources, name);
    let c = match card(&v, name, 1) {
        Ok(c) => c,
        Err(reply) => return reply,
    };
    let windows = match visit.desk().windows(Some(&c.s.name)) {
        Ok(windows) => windows,
        Err(error) => return super::sources::failed(visit, &error),
    };
    let field = |name: &str| visit.form.get(name).to_owned();
    let page = WindowsPage {
        tab: "windows",
        windows: (windows.into_iter().take(WINDOWS))
            .map(|w| window_line(&v, w))
            .collect(),
        may_ask: visit.may(Act::ManageSource),
        problem,
        asked: Asked {
            ticket: field("ticket"),
            reason: field("reason"),
            tables: visit.form.all("table").map(str::to_owned).collect(),
            most_rows: field("most_rows"),
            from: field("from"),
            until: field("until"),
        },
        c,
        v,
    };
    Reply::page_as(status, &page)
}

fn window_line(v: &View<'_>, w: Window) -> WindowLine {
    let state = window_state(&w, v.now);
    let mine = v.account().is_some_and(|account| w.is_asked_by(account));
    let over = matches!(state, "closed" | "ended");
    WindowLine {
        state,
        mark: match state {
            "asked" => "warn",
            "open" => "info",
            "coming" => "ok",
            _ => "off",
        },
        tables: w.tables.join(v.t("common-list-comma").as_ref()),
        mine,
        may_approve: state == "asked" && !mine && v.may(Act::ApproveRepair),
        may_close: !over && v.may(Act::ManageSource),
        w,
    }
}

pub(crate) fn window_state(w: &Window, now: Instant) -> &'static str {
    match w {
        _ if w.closed_at.is_some() => "closed",
        _ if w.until <= now => "ended",
        _ if w.approved_by.is_none() => "asked",
        _ if w.used >= w.most_rows => "used-up",
        _ if w.from > now => "coming",
        _ => "open",
    }
}

/// Puts a window before somebody else for approval.
pub(crate) fn ask_window(visit: &Visit) -> Reply {
    let name = visit.params.get("source");
    let wrong = |key: &str| {
        let text = visit.words().text(key).into_owned();
        show_windows(visit, StatusCode::UNPROCESSABLE_ENTITY, Some(text))
    };
    let now = visit.desk().now();
    let from = forms::time(visit, "from").map(|at| at.unwrap_or(now));
    let (Ok(from), Ok(Some(until))) = (from, forms::time(visit, "until")) else {
        return wrong("sources-window-wrong");
    };
    let Ok(most_rows) = visit.form.get("most_rows").replace([',', ' '], "").parse() else {
        return wrong("sources-window-wrong");
    };
    let new = NewWindow {
        source: SourceName::new(name),
        ticket: visit.form.get("ticket").to_owned(),
        reason: visit.form.get("reason").to_owned(),
        tables: visit.form.all("table").map(str::to_owned).collect(),
        most_rows,
        from,
        until,
    };
    match visit.desk().ask_window(&visit.operation(), new) {
        Ok(window) => done(window.source.as_str(), "ask-window"),
        Err(DeskError::UnknownSource(_)) => Reply::not_found(visit),
        Err(DeskError::Refused(why)) => {
            tracing::info!(%why, "a window was refused");
            wrong("sources-window-wrong")
        }
        Err(error) => not_done(visit, &error),
    }
}

pub(crate) fn approve_window(visit: &Visit) -> Reply {
    let id = visit.params.get("window");
    let asked_by_me = visit.session.as_ref().is_some_and(|session| {
        let windows = visit.desk().windows(None).unwrap_or_default();
        (windows.iter()).any(|w| w.id == id && w.is_asked_by(&session.account))
    });
    match visit.desk().approve_window(&visit.operation(), id) {
        Ok(window) => done(window.source.as_str(), "approve-window"),
        // The desk has refused it; here is only said why.
        Err(DeskError::Refused(_)) if asked_by_me => {
            let text = visit.words().text("sources-window-mine").into_owned();
            error::refused_at(visit, StatusCode::FORBIDDEN, text, back(visit))
        }
        Err(DeskError::Refused(_)) => {
            let text = visit.words().text("sources-window-late").into_owned();
            error::refused_at(visit, StatusCode::CONFLICT, text, back(visit))
        }
        Err(error) => not_done(visit, &error),
    }
}

pub(crate) fn close_window(visit: &Visit) -> Reply {
    let id = visit.params.get("window");
    match visit.desk().close_window(&visit.operation(), id) {
        Ok(window) => done(window.source.as_str(), "close-window"),
        Err(error) => not_done(visit, &error),
    }
}

fn done(source: &str, what: &str) -> Reply {
    Reply::see(&format!("{}/windows?done={what}", path_of(source)))
}

/// The windows of the address's source.
fn back(visit: &Visit) -> String {
    format!("{}/windows", path_of(visit.params.get("source")))
}

fn not_done(visit: &Visit, error: &DeskError) -> Reply {
    if matches!(error, DeskError::NotFound(_)) {
        return Reply::not_found(visit);
    }
    tracing::warn!(error = %perform::chain(error), "a window was left as it is");
    let text = narrate::desk_error(visit.words(), error);
    error::refused_at(visit, StatusCode::CONFLICT, text, back(visit))
}

struct UnwitnessedLine {
    id: String,
    table: String,
    key: String,
    rule: String,
    columns: Vec<ColumnLine>,
    seen_at: Instant,
    coalesced: bool,
}

#[derive(Template)]
#[template(path = "source_unwitnessed.html")]
struct UnwitnessedPage<'a> {
    v: View<'a>,
    c: SourceCard,
    tab: &'static str,
    lines: Vec<UnwitnessedLine>,
    next: Option<String>,
    masked: bool,
    first: bool,
}

pub(crate) fn unwitnessed(visit: &Visit) -> Reply {
    let name = visit.params.get("source");
    let v = View::new(visit, Section::Sources, name);
    let c = match card(&v, name, 1) {
        Ok(c) => c,
        Err(reply) => return reply,
    };
    let in_full = visit.may(Act::ReadEvidence);
    let after = visit.query.given("after").map(FindingId::from);
    let first = after.is_none();
    let found = visit
        .desk()
        .unwitnessed_for(&visit.viewer(), &c.s.name, after);
    let lines: Vec<UnwitnessedLine> = (found.findings.iter())
        .map(|f| UnwitnessedLine {
            id: f.id.to_string(),
            table: f.table.clone(),
            key: f.key.clone(),
            rule: v.known("rule", &f.rule).into_owned(),
            columns: (f.columns.iter())
                .map(|change| ColumnLine::of(change, in_full))
                .collect(),
            seen_at: f.seen_at,
            coalesced: f.coalesced,
        })
        .collect();
    Reply::page(&UnwitnessedPage {
        tab: "unwitnessed",
        masked: lines.iter().any(|l| l.columns.iter().any(|c| c.masked)),
        lines,
        next: found.next.map(|id| id.to_string()),
        first,
        c,
        v,
    })
}
