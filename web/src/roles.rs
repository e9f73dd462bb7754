//! The role matrix: every route and method, and who may use it. The router is built from this
//! table, so a route without a row cannot exist; what a row does not grant is refused.

pub mod assessment;
pub mod call_out;
pub mod orders;
mod programs;
mod programs_more;
pub mod reports;
pub mod resources;
pub mod room;
pub mod settings;
pub mod sources;
pub mod timeline;
pub mod triage;
pub mod webhooks;

use crate::api;
use crate::app::App;
use crate::forms::{self, Read};
use crate::pages;
use crate::reply::Reply;
use crate::visit::{self, Visit};
use crate::{live, perform, security};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use plan::Act;
use std::sync::Arc;

/// A notice in two languages of 5,000 characters each, percent-encoded, is about 90 KB.
const MAX_FORM_BYTES: usize = 192 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Everybody, without login.
    Public,
    LoggedIn,
    /// One of the positions that the plan gives the act to.
    Act(Act),
    /// An expert from outside, in the incident that let them in.
    Guest,
    /// A program with a token for intake; no person.
    Intake,
    /// Everybody where the operator publishes the journal, else who may read evidence.
    Journal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Get,
    Post,
}

/// One route and method.
pub struct Row {
    pub verb: Verb,
    pub path: &'static str,
    pub needs: Needs,
    serve: Serve,
}

#[derive(Clone, Copy)]
enum Serve {
    Page(fn(&Visit) -> Reply),
    /// A form that may bring files, or JSON.
    Intake(fn(&Visit) -> Reply),
    /// A form of an incident: see [`crate::forms`].
    Commands(Read),
    Stream,
}

const fn page(path: &'static str, needs: Needs, serve: fn(&Visit) -> Reply) -> Row {
    Row {
        verb: Verb::Get,
        path,
        needs,
        serve: Serve::Page(serve),
    }
}
const fn form(path: &'static str, needs: Needs, serve: fn(&Visit) -> Reply) -> Row {
    Row {
        verb: Verb::Post,
        path,
        needs,
        serve: Serve::Page(serve),
    }
}
const fn act(path: &'static str, act: Act, serve: Read) -> Row {
    Row {
        verb: Verb::Post,
        path,
        needs: Needs::Act(act),
        serve: Serve::Commands(serve),
    }
}

const VIEW: Needs = Needs::Act(Act::ViewIncident);

/// Every route of the product; those of a part that has many stand in a file of their own.
pub fn all() -> impl Iterator<Item = &'static Row> {
    let more = reports::ROWS.iter().chain(settings::ROWS);
    let more = more.chain(call_out::ROWS).chain(programs::ROWS);
    let more = more.chain(programs_more::ROWS);
    let more = more.chain(orders::ROWS).chain(room::ROWS);
    let more = more.chain(triage::ROWS).chain(timeline::ROWS);
    let more = more.chain(assessment::ROWS);
    let more = more.chain(resources::ROWS).chain(sources::ROWS);
    let more = more.chain(webhooks::ROWS);
    ROWS.iter().chain(more)
}

/// Where a guest may go besides what is public and their own account: their page, and the answers
/// to orders, which the desk lets through for those that name them. Everything else is shut.
const OF_GUESTS: [&str; 3] = [
    "/incidents/{id}/do/accept-order",
    "/incidents/{id}/do/refuse-order",
    "/incidents/{id}/do/complete-order",
];

impl Row {
    /// A form that stands for commands of an incident, which programs give as they are.
    pub fn is_commands(&self) -> bool {
        matches!(self.serve, Serve::Commands(_))
    }
    /// Whether a program may come with its token: to the API, and to the files and the stream that
    /// answer programs as they are.
    pub fn open_to_tokens(&self) -> bool {
        self.path.starts_with("/api/")
            || (self.verb == Verb::Get && programs::FILES.contains(&self.path))
    }
    pub fn open_to_guests(&self) -> bool {
        matches!(self.needs, Needs::Guest | Needs::Public) || OF_GUESTS.contains(&self.path)
    }
}

/// Every route but those of the files below: reporting, orders, ways in, settings, programs.
pub static ROWS: &[Row] = &[
    // Without login.
    page("/healthz", Needs::Public, api::read::health),
    page("/assets/{hash}/{name}", Needs::Public, pages::asset),
    // Everybody who is logged in.
    form("/logout", Needs::LoggedIn, pages::login::log_out),
    page("/", Needs::LoggedIn, pages::board::page),
    page("/plan", Needs::LoggedIn, pages::plan::page),
    Row {
        verb: Verb::Get,
        path: "/events",
        needs: Needs::LoggedIn,
        serve: Serve::Stream,
    },
    form("/demo/tamper", Needs::LoggedIn, pages::board::tamper),
    // Reading an incident.
    page("/incidents", VIEW, pages::incidents::page),
    page("/incidents/{id}", VIEW, pages::war_room::page),
    page("/incidents/{id}/findings", VIEW, pages::findings::page),
    page("/incidents/{id}/repair", VIEW, pages::repair::list),
    page(
        "/incidents/{id}/repair/{proposal}",
        VIEW,
        pages::repair::page,
    ),
    page("/incidents/{id}/notices", VIEW, pages::notices::page),
    page("/incidents/{id}/report", VIEW, pages::summary::page),
    page(
        "/incidents/{id}/report/{format}",
        VIEW,
        pages::summary::file,
    ),
    page("/incidents/{id}/brief", VIEW, pages::brief::page),
    page("/incidents/{id}/brief/{number}", VIEW, pages::brief::sent),
    page(
        "/incidents/{id}/evidence",
        Needs::Act(Act::ReadEvidence),
        pages::custody::page,
    ),
    page("/investigation", VIEW, pages::investigation::page),
    // Evidence, journal, outbox.
    page(
        "/evidence",
        Needs::Act(Act::ReadEvidence),
        pages::evidence::page,
    ),
    page(
        "/evidence/proof",
        Needs::Act(Act::ReadEvidence),
        pages::evidence::proof,
    ),
    form(
        "/investigation/export",
        Needs::Act(Act::CollectEvidence),
        pages::investigation::export,
    ),
    page("/journal/{*rest}", Needs::Journal, pages::journal::serve),
    page("/outbox", Needs::Act(Act::ReadOutbox), pages::outbox::page),
    // Maintenance windows.
    // Need to know.
    page(
        "/incidents/{id}/access",
        Needs::Act(Act::RestrictAccess),
        pages::access::page,
    ),
    form(
        "/incidents/{id}/do/name-suspect",
        Needs::Act(Act::RestrictAccess),
        pages::access::name_suspect,
    ),
    form(
        "/incidents/{id}/do/clear-suspect",
        Needs::Act(Act::RestrictAccess),
        pages::access::clear_suspect,
    ),
    form(
        "/incidents/{id}/do/restrict",
        Needs::Act(Act::RestrictAccess),
        pages::access::restrict,
    ),
    form(
        "/incidents/{id}/do/admit",
        Needs::Act(Act::RestrictAccess),
        pages::access::admit,
    ),
    form(
        "/incidents/{id}/do/dismiss",
        Needs::Act(Act::RestrictAccess),
        pages::access::dismiss,
    ),
    // Acting.
    form(
        "/reports/{receipt}/open",
        Needs::Act(Act::OpenIncident),
        pages::board::open_incident,
    ),
    act(
        "/incidents/{id}/do/set-figures",
        Act::RecordImpact,
        forms::set_figures,
    ),
    act(
        "/incidents/{id}/do/set-anchors",
        Act::RecordImpact,
        forms::set_anchors,
    ),
    act(
        "/incidents/{id}/do/set-trigger-facts",
        Act::RecordImpact,
        forms::set_trigger_facts,
    ),
    act(
        "/incidents/{id}/do/record-impact",
        Act::RecordImpact,
        forms::record_impact,
    ),
    act(
        "/incidents/{id}/do/confirm-grade",
        Act::ConfirmGrade,
        forms::confirm_grade,
    ),
    act(
        "/incidents/{id}/do/call-out",
        Act::IssueOrder,
        forms::call_out,
    ),
    act(
        "/incidents/{id}/do/acknowledge",
        Act::ViewIncident,
        forms::acknowledge,
    ),
    act(
        "/incidents/{id}/do/refuse-call",
        Act::ViewIncident,
        forms::refuse_call,
    ),
    act(
        "/incidents/{id}/do/complete-task",
        Act::CompleteTask,
        forms::complete_task,
    ),
    act(
        "/incidents/{id}/do/waive-task",
        Act::CompleteTask,
        forms::waive_task,
    ),
    form(
        "/incidents/{id}/do/collect-evidence",
        Needs::Act(Act::CollectEvidence),
        perform::collect_evidence,
    ),
    form(
        "/incidents/{id}/do/keep-investigation",
        Needs::Act(Act::CollectEvidence),
        pages::investigation::keep,
    ),
    act(
        "/incidents/{id}/do/add-evidence",
        Act::CollectEvidence,
        forms::add_evidence,
    ),
    act(
        "/incidents/{id}/do/transfer-evidence",
        Act::CollectEvidence,
        forms::transfer_evidence,
    ),
    act(
        "/incidents/{id}/do/propose-hold",
        Act::ProposeHold,
        forms::propose_hold,
    ),
    act(
        "/incidents/{id}/do/approve-hold",
        Act::ApproveHold,
        forms::approve_hold,
    ),
    act(
        "/incidents/{id}/do/refuse-hold",
        Act::ApproveHold,
        forms::refuse_hold,
    ),
    act(
        "/incidents/{id}/do/lift-hold",
        Act::LiftHold,
        forms::lift_hold,
    ),
    form(
        "/incidents/{id}/do/propose-repair",
        Needs::Act(Act::ProposeRepair),
        perform::propose_repair,
    ),
    act(
        "/incidents/{id}/do/approve-repair",
        Act::ApproveRepair,
        forms::approve_repair,
    ),
    act(
        "/incidents/{id}/do/reject-repair",
        Act::ApproveRepair,
        forms::reject_repair,
    ),
    form(
        "/incidents/{id}/do/approve-acceptance",
        Needs::Act(Act::ApproveRepair),
        perform::approve_acceptance,
    ),
    form(
        "/incidents/{id}/do/refuse-acceptance",
        Needs::Act(Act::AcceptUnwitnessed),
        perform::refuse_acceptance,
    ),
    form(
        "/incidents/{id}/do/apply-repair",
        Needs::Act(Act::ApplyRepair),
        perform::apply_repair,
    ),
    form(
        "/incidents/{id}/do/audit",
        Needs::Act(Act::ProposeRepair),
        perform::audit,
    ),
    act(
        "/incidents/{id}/do/draft-notice",
        Act::DraftNotice,
        forms::draft_notice,
    ),
    act(
        "/incidents/{id}/do/approve-notice",
        Act::ApproveNotice,
        forms::approve_notice,
    ),
    act(
        "/incidents/{id}/do/reject-notice",
        Act::ApproveNotice,
        forms::reject_notice,
    ),
    act(
        "/incidents/{id}/do/file-report",
        Act::FileReport,
        forms::file_report,
    ),
    act(
        "/incidents/{id}/do/waive-duty",
        Act::FileReport,
        forms::waive_duty,
    ),
    act(
        "/incidents/{id}/do/record-decision",
        Act::RecordDecision,
        forms::record_decision,
    ),
    act(
        "/incidents/{id}/do/record-lesson",
        Act::RecordDecision,
        forms::record_lesson,
    ),
    act(
        "/incidents/{id}/do/start-watch",
        Act::CompleteTask,
        forms::start_watch,
    ),
    act(
        "/incidents/{id}/do/advance-step",
        Act::AdvanceStep,
        forms::advance_step,
    ),
    act(
        "/incidents/{id}/do/send-brief",
        Act::RecordDecision,
        forms::send_brief,
    ),
    act(
        "/incidents/{id}/do/handled",
        Act::AdvanceStep,
        forms::handled,
    ),
    act("/incidents/{id}/do/close", Act::Close, forms::close),
];

pub(crate) fn build(app: &Arc<App>) -> Router {
    let mut router = Router::new();
    for row in all() {
        router = router.route(row.path, method(app, row));
    }
    let (missing, method_of, secure) = (app.clone(), app.clone(), app.options.secure);
    router
        .fallback(move |request| {
            nowhere(missing.clone(), StatusCode::NOT_FOUND, "not-found", request)
        })
        .method_not_allowed_fallback(move |request| {
            nowhere(
                method_of.clone(),
                StatusCode::METHOD_NOT_ALLOWED,
                "method",
                request,
            )
        })
        .layer(DefaultBodyLimit::max(MAX_FORM_BYTES))
        .layer(axum::middleware::map_response(
            move |response: Response| async move { security::harden(response, secure) },
        ))
}

fn method(app: &Arc<App>, row: &'static Row) -> MethodRouter {
    let app = app.clone();
    let handler = move |request: Request| answer(app.clone(), row, request);
    match row.verb {
        Verb::Get => get(handler),
        Verb::Post => post(handler),
    }
}

async fn answer(app: Arc<App>, row: &'static Row, request: Request) -> Response {
    let visit = match visit::enter(app, row, request).await {
        Ok(visit) => visit,
        Err(reply) => return reply.into_response(),
    };
    let serve = row.serve;
    let work = move || match serve {
        Serve::Page(page) | Serve::Intake(page) => page(&visit).after(&visit).into_response(),
        Serve::Commands(read) => (perform::commands(&visit, read).after(&visit)).into_response(),
        Serve::Stream => live::events(visit),
    };
    if matches!(serve, Serve::Stream) {
        return work();
    }
    // Pages read and commands wait for an fsync: off the threads that serve the sockets.
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| {
            tracing::error!(%error, "a page broke off");
            let text = "500 · 程序内部出错,已记录 · The program failed; this was logged".to_owned();
            Reply::text(
                StatusCode::INTERNAL_SERVER_ERROR,
                "text/plain; charset=utf-8",
                text,
            )
            .into_response()
        })
}

async fn nowhere(
    app: Arc<App>,
    status: StatusCode,
    key: &'static str,
    request: Request,
) -> Response {
    let (mut parts, _) = request.into_parts();
    let visit = visit::read(&app, &mut parts).await;
    Reply::refuse(&visit, status, key).into_response()
}
