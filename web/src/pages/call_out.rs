//! Call-out and schedule: who is on duty, which calls run and how far each message came, the
//! schedules, and the ways to answer, to test and to subscribe.
//!
//! Deliberately not here: edits of the rota (`rota`) and the page behind a link (`answer`).

use crate::pages::rota_form::{Outcome, Typed, field_of, preview};
use crate::pages::schedule::{LayerLine, Names, ScheduleCard, name, zones};
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use axum::http::StatusCode;
use desk::paging::answer::{Answer, AnswerError};
use desk::paging::view::PageView;
use desk::rota_refusal::RotaRefusal;
use desk::{CommandError, DeskError};
use incident::rota::{Absence, Covers, Schedule};
use model::{AccountId, Instant};
use plan::Act;

const MAX_SHOWN: usize = 40;

#[derive(Template)]
#[template(path = "call_out.html")]
struct CallOutPage<'a> {
    v: View<'a>,
    duty: Vec<DutyLine>,
    pages: Vec<PageView>,
    weeks: Vec<ScheduleCard>,
    zones: Vec<(&'static str, String)>,
    absences: Vec<AbsenceLine>,
    people: Vec<(AccountId, String)>,
    may_manage: bool,
    has_feed: bool,
    today: String,
    problem: Option<String>,
    typed: Typed<'a>,
    preview: Option<ScheduleCard>,
}

struct DutyLine {
    group: String,
    position: String,
    people: Vec<String>,
    scheduled: bool,
    gap: bool,
    next: Option<(Instant, String)>,
}

struct AbsenceLine {
    absence: Absence,
    name: String,
    mine: bool,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    show(visit, StatusCode::OK, Outcome::default())
}

/// The page again, with what a form would change; nothing is stored.
pub(crate) fn previewed(visit: &Visit, schedule: Schedule) -> Reply {
    let preview = Some(schedule);
    show(
        visit,
        StatusCode::OK,
        Outcome {
            preview,
            ..Outcome::default()
        },
    )
}

/// The page again, with what went wrong.
pub(crate) fn refused(visit: &Visit, error: &CommandError) -> Reply {
    let (status, text) = match error {
        CommandError::Refused(refusal) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            crate::narrate::refusal(visit, refusal).0,
        ),
        CommandError::UnknownIncident | CommandError::Stale { .. } => {
            return Reply::not_found(visit);
        }
        CommandError::Desk(error) => {
            let status = match error {
                DeskError::NotFound(_) => StatusCode::NOT_FOUND,
                DeskError::Rota(refusal) => rota_status(refusal),
                error if error.is_away() => StatusCode::SERVICE_UNAVAILABLE,
                DeskError::Refused(_) | DeskError::Store(_) => StatusCode::CONFLICT,
                _ => StatusCode::INTERNAL_SERVER_ERROR,
            };
            (status, crate::narrate::desk_error(visit.words(), error))
        }
    };
    let field = match error {
        CommandError::Desk(DeskError::Rota(refusal)) => field_of(refusal, visit.form.get("form")),
        _ => "",
    };
    let problem = Some(text);
    let preview = None;
    let outcome = Outcome {
        problem,
        field,
        preview,
    };
    show(visit, status, outcome)
}

/// The page again, with what went wrong at one of its small forms.
fn told(visit: &Visit, status: StatusCode, text: String) -> Reply {
    let problem = Some(text);
    show(
        visit,
        status,
        Outcome {
            problem,
            ..Outcome::default()
        },
    )
}

pub(crate) fn rota_status(refusal: &RotaRefusal) -> StatusCode {
    match refusal {
        gone if gone.is_gone() => StatusCode::NOT_FOUND,
        there if there.is_conflict() => StatusCode::CONFLICT,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

fn show(visit: &Visit, status: StatusCode, outcome: Outcome) -> Reply {
    let desk = visit.desk();
    let read = || -> Result<_, DeskError> {
        Ok((
            desk.accounts_for(&visit.viewer())?,
            desk.schedules()?,
            desk.absences()?,
            desk.recent_pages(&visit.viewer())?,
        ))
    };
    let (accounts, schedules, absences, pages) = match read() {
        Ok(read) => read,
        Err(error) => {
            return crate::perform::unreadable(visit, &error, "the rota cannot be read");
        }
    };
    let v = View::titled(visit, Section::CallOut, "nav-call-out");
    let names: Names = accounts
        .iter()
        .map(|p| (p.id.clone(), p.name.clone()))
        .collect();
    let typed = Typed::of(&visit.form, &outcome);
    let preview = outcome.preview.map(|schedule| {
        let id = visit.form.get("schedule");
        let kept = schedules.iter().find(|kept| kept.id == id);
        preview(&v, &names, schedule, kept)
    });
    let weeks: Vec<ScheduleCard> = schedules
        .into_iter()
        .map(|kept| ScheduleCard::of(&v, &names, kept))
        .collect();
    let me = v.account().cloned();
    let now = v.now;
    let page = CallOutPage {
        duty: duty(&v, &weeks),
        pages: pages.into_iter().take(MAX_SHOWN).collect(),
        absences: absences
            .into_iter()
            .filter(|a| a.to > now)
            .map(|absence| AbsenceLine {
                name: name(&names, &absence.who),
                mine: Some(&absence.who) == me.as_ref(),
                absence,
            })
            .collect(),
        people: accounts
            .into_iter()
            .filter(|p| !p.disabled)
            .map(|p| (p.id, p.name))
            .collect(),
        may_manage: visit.may(Act::ManageRota),
        has_feed: me.is_some_and(|me| desk.has_feed(&me)),
        today: now.in_zone("Asia/Shanghai").chars().take(10).collect(),
        zones: zones(visit.words(), now),
        weeks,
        problem: outcome.problem,
        typed,
        preview,
        v,
    };
    Reply::page_as(status, &page)
}

/// The lead and the deputy of every group, and every position with a schedule.
fn duty(v: &View<'_>, weeks: &[ScheduleCard]) -> Vec<DutyLine> {
    let plan = &v.visit.plan;
    let duties = v.visit.desk().duties();
    let mut out = Vec::new();
    for group in &plan.groups {
        for position in std::iter::once(&group.lead).chain(&group.deputy) {
            let on_duty = duties.on_duty(position, v.now);
            let covering = weeks.iter().find(|w| match &w.kept.schedule.covers {
                Covers::Position(id) => id == position,
                Covers::Group(id) => *id == group.id && group.lead == *position,
            });
            out.push(DutyLine {
                group: v.pick(&group.title).to_owned(),
                position: v.position(position),
                people: on_duty.people.into_iter().map(|p| p.name).collect(),
                scheduled: on_duty.scheduled,
                gap: on_duty.gap,
                next: covering.and_then(|w| w.next.clone()),
            });
        }
    }
    out
}

pub(crate) fn code(visit: &Visit) -> Reply {
    let Some(session) = &visit.session else {
        return Reply::not_found(visit);
    };
    let answer = match visit.form.get("answer") {
        "no" => Answer::Refuse {
            reason: visit.form.get("reason").to_owned(),
        },
        _ => Answer::Acknowledge,
    };
    let outcome = (visit.desk()).answer_by_code(&session.account, visit.form.get("code"), &answer);
    match outcome {
        Ok(_) => Reply::see("/call-out?done=code"),
        Err(AnswerError::Code | AnswerError::Link) => {
            let text = visit.words().text("call-out-code-wrong").into_owned();
            told(visit, StatusCode::UNPROCESSABLE_ENTITY, text)
        }
        Err(AnswerError::TooMany { retry_after_s }) => {
            let n = [("n", i64::from(retry_after_s).into())];
            let text = visit.words().with("login-too-many", &n);
            told(visit, StatusCode::TOO_MANY_REQUESTS, text)
        }
        Err(AnswerError::Command(error)) => refused(visit, &error),
    }
}

pub(crate) fn test(visit: &Visit) -> Reply {
    let Some(session) = &visit.session else {
        return Reply::not_found(visit);
    };
    match visit.desk().test_call(&session.account) {
        Ok(_) => Reply::see("/call-out?done=test-call"),
        Err(error) => refused(visit, &error.into()),
    }
}

/// The address is shown once; only its hash is kept.
pub(crate) fn new_feed(visit: &Visit) -> Reply {
    let Some(session) = &visit.session else {
        return Reply::not_found(visit);
    };
    match visit.desk().new_feed(&session.account) {
        Ok(token) => {
            let line = visit.desk().outside(&format!("/rota/{token}/duty.ics"));
            let key = "call-out-feed-once";
            crate::pages::settings::once(visit, "", key, vec![line], "/call-out")
        }
        Err(error) => refused(visit, &error.into()),
    }
}

pub(crate) fn revoke_feed(visit: &Visit) -> Reply {
    let Some(session) = &visit.session else {
        return Reply::not_found(visit);
    };
    match visit.desk().revoke_feed(&session.account) {
        Ok(()) => Reply::see("/call-out?done=feed-revoked"),
        Err(error) => refused(visit, &error.into()),
    }
}

pub(crate) fn feed(visit: &Visit) -> Reply {
    match visit.desk().feed(visit.params.get("token"), "balefire") {
        Some(text) => Reply::text(StatusCode::OK, "text/calendar; charset=utf-8", text),
        None => Reply::not_found(visit),
    }
}

/// The emergency sheet, to be printed; its file in the data folder is laid out for paper.
#[derive(Template)]
#[template(path = "call_out_sheet.html")]
struct SheetPage<'a> {
    v: View<'a>,
    text: String,
}

pub(crate) fn sheet(visit: &Visit) -> Reply {
    match visit.desk().emergency_sheet(visit.lang) {
        Ok(sheet) => Reply::page(&SheetPage {
            v: View::titled(visit, Section::CallOut, "call-out-sheet-title"),
            text: document::emergency::text(&sheet),
        }),
        Err(error) => refused(visit, &error.into()),
    }
}

/// What may be done with a rotation among others.
fn layer_moves(layer: &LayerLine, all: usize) -> [(&'static str, bool); 3] {
    let (up, down) = (layer.index + 1 < all, layer.index > 0);
    [("up", up), ("down", down), ("remove", true)]
}

/// The mark of a message's state.
pub(crate) fn mark(state: &str) -> &'static str {
    match state {
        "acknowledged" | "delivered" | "sent" => "ok",
        "failed-over" => "warn",
        _ => "info",
    }
}
