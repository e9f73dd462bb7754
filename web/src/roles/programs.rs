//! The routes of programs.

use super::{Needs, Row, VIEW, form, page};
use crate::api;
use plan::Act;

/// What is no page: files to take along and the stream.
pub(super) const FILES: [&str; 7] = [
    "/events",
    "/evidence/proof",
    "/incidents/{id}/report/{format}",
    "/incidents/{id}/timeline/csv",
    "/incidents/{id}/timeline/json",
    "/journal/{*rest}",
    "/triage/{receipt}/files/{file}",
];

pub static ROWS: &[Row] = &[
    page("/api/v1/openapi.json", Needs::Public, api::document),
    page("/api/v1/incidents", VIEW, api::incidents),
    page("/api/v1/incidents/{id}", VIEW, api::incident),
    page("/api/v1/incidents/{id}/findings", VIEW, api::findings),
    page("/api/v1/incidents/{id}/timeline", VIEW, api::timeline),
    page("/api/v1/incidents/{id}/briefs", VIEW, api::briefs::list),
    page(
        "/api/v1/incidents/{id}/briefs/{number}",
        VIEW,
        api::briefs::one,
    ),
    form("/api/v1/incidents/{id}/commands", VIEW, api::command),
    form("/api/v1/incidents/{id}/acts", VIEW, api::incident_act),
    page(
        "/api/v1/incidents/{id}/similar",
        VIEW,
        api::joining::similar,
    ),
    form(
        "/api/v1/incidents/{id}/merge",
        Needs::Act(Act::Close),
        api::joining::merge,
    ),
    form(
        "/api/v1/incidents/{id}/split",
        Needs::Act(Act::Close),
        api::joining::split,
    ),
    form(
        "/api/v1/incidents/{id}/notes",
        Needs::Act(Act::WriteNote),
        api::notes::write,
    ),
    form(
        "/api/v1/reports/{receipt}/incident",
        Needs::Act(Act::OpenIncident),
        api::report_opens,
    ),
    form(
        "/api/v1/reports/{receipt}/decisions",
        Needs::Act(Act::OpenIncident),
        api::triage::decide,
    ),
    page(
        "/api/v1/triage",
        Needs::Act(Act::OpenIncident),
        api::triage::stack,
    ),
    page(
        "/api/v1/triage/{receipt}",
        Needs::Act(Act::OpenIncident),
        api::triage::one,
    ),
    form(
        "/api/v1/sources/{source}/windows",
        Needs::Act(Act::ManageSource),
        api::window_ask,
    ),
    form(
        "/api/v1/sources/{source}/windows/{window}/approve",
        Needs::Act(Act::ApproveRepair),
        api::window_act,
    ),
    form(
        "/api/v1/sources/{source}/windows/{window}/close",
        Needs::Act(Act::ManageSource),
        api::window_act,
    ),
    page("/api/v1/session", Needs::LoggedIn, api::read::session),
    page("/api/v1/sources", Needs::LoggedIn, api::read::sources),
];
