//! The routes of programs for an incident's parts, call-out, settings and one's own account.

use super::{Needs, Row, VIEW, form, page};
use crate::api::{channels, duty, investigation, own, parts, people, standing};
use plan::Act;

pub static ROWS: &[Row] = &[
    page("/api/v1/investigation", VIEW, investigation::answer),
    form(
        "/api/v1/incidents/{id}/investigation",
        Needs::Act(Act::CollectEvidence),
        investigation::keep,
    ),
    page(
        "/api/v1/sources/{source}/unwitnessed",
        VIEW,
        investigation::unwitnessed,
    ),
    page("/api/v1/incidents/{id}/clocks", VIEW, standing::clocks),
    page("/api/v1/incidents/{id}/brief", VIEW, standing::brief),
    page("/api/v1/register", VIEW, standing::register),
    page("/api/v1/sources/{source}", VIEW, standing::source),
    page("/api/v1/incidents/{id}/notes", VIEW, parts::notes),
    page("/api/v1/incidents/{id}/handovers", VIEW, parts::handovers),
    page("/api/v1/incidents/{id}/resources", VIEW, parts::resources),
    page("/api/v1/incidents/{id}/guests", VIEW, parts::guests),
    form(
        "/api/v1/incidents/{id}/guests",
        Needs::Act(Act::ManageGuests),
        parts::invite_guest,
    ),
    page("/api/v1/incidents/{id}/notices", VIEW, parts::notices),
    page("/api/v1/incidents/{id}/filings", VIEW, parts::filings),
    page("/api/v1/incidents/{id}/decisions", VIEW, parts::decisions),
    page("/api/v1/incidents/{id}/lessons", VIEW, parts::lessons),
    page(
        "/api/v1/incidents/{id}/evidence",
        Needs::Act(Act::ReadEvidence),
        parts::evidence,
    ),
    page(
        "/api/v1/incidents/{id}/access",
        Needs::Act(Act::RestrictAccess),
        parts::access,
    ),
    page(
        "/api/v1/incidents/{id}/repairs/{proposal}",
        VIEW,
        parts::repair,
    ),
    page("/api/v1/plan", Needs::LoggedIn, parts::plan),
    page("/api/v1/sources/{source}/windows", VIEW, parts::windows),
    page("/api/v1/duty", VIEW, duty::duty),
    page("/api/v1/schedules", VIEW, duty::schedules),
    page("/api/v1/schedules/{schedule}", VIEW, duty::schedule),
    form(
        "/api/v1/schedules",
        Needs::Act(Act::ManageRota),
        duty::make_schedule,
    ),
    form(
        "/api/v1/schedules/{schedule}",
        Needs::Act(Act::ManageRota),
        duty::save_schedule,
    ),
    form(
        "/api/v1/schedules/{schedule}/retire",
        Needs::Act(Act::ManageRota),
        duty::retire_schedule,
    ),
    page("/api/v1/absences", VIEW, duty::absences),
    form("/api/v1/absences", Needs::LoggedIn, duty::add_absence),
    form("/api/v1/absences/end", Needs::LoggedIn, duty::end_absence),
    page("/api/v1/pages", VIEW, duty::pages),
    form("/api/v1/pages/answer", VIEW, duty::answer),
    form("/api/v1/pages/test", Needs::LoggedIn, duty::test_call),
    page(
        "/api/v1/channels",
        Needs::Act(Act::ManageChannels),
        channels::list,
    ),
    form(
        "/api/v1/channels/{channel}/test",
        Needs::Act(Act::ManageChannels),
        channels::test,
    ),
    form(
        "/api/v1/channels/{channel}/switch",
        Needs::Act(Act::ManageChannels),
        channels::switch,
    ),
    page(
        "/api/v1/outbox",
        Needs::Act(Act::ReadOutbox),
        channels::outbox,
    ),
    page(
        "/api/v1/people",
        Needs::Act(Act::ManageAccounts),
        people::list,
    ),
    page(
        "/api/v1/people/{account}",
        Needs::Act(Act::ManageAccounts),
        people::one,
    ),
    form(
        "/api/v1/people",
        Needs::Act(Act::ManageAccounts),
        people::invite,
    ),
    form(
        "/api/v1/people/{account}/profile",
        Needs::Act(Act::ManageAccounts),
        people::save,
    ),
    form(
        "/api/v1/people/{account}/positions",
        Needs::Act(Act::ManageAccounts),
        people::set_positions,
    ),
    form(
        "/api/v1/people/{account}/link",
        Needs::Act(Act::ManageAccounts),
        people::new_link,
    ),
    form(
        "/api/v1/people/{account}/disable",
        Needs::Act(Act::ManageAccounts),
        people::disable,
    ),
    form(
        "/api/v1/people/{account}/enable",
        Needs::Act(Act::ManageAccounts),
        people::enable,
    ),
    form(
        "/api/v1/people/{account}/reset-factor",
        Needs::Act(Act::ManageAccounts),
        people::reset_factor,
    ),
    form(
        "/api/v1/people/{account}/end-sessions",
        Needs::Act(Act::ManageAccounts),
        people::end_sessions,
    ),
    page(
        "/api/v1/account-proposals",
        Needs::Act(Act::ManageAccounts),
        people::proposals,
    ),
    form(
        "/api/v1/account-proposals/{proposal}/approve",
        Needs::Act(Act::ManageAccounts),
        people::approve,
    ),
    form(
        "/api/v1/account-proposals/{proposal}/refuse",
        Needs::LoggedIn,
        people::refuse,
    ),
    form(
        "/api/v1/account-proposals/{proposal}/collect",
        Needs::LoggedIn,
        people::collect,
    ),
    form(
        "/api/v1/break-glass",
        Needs::Act(Act::ManageAccounts),
        people::emergency_codes,
    ),
    page("/api/v1/account/profile", Needs::LoggedIn, own::profile),
    form("/api/v1/account/profile", Needs::LoggedIn, own::save),
    page("/api/v1/account/sessions", Needs::LoggedIn, own::sessions),
    form(
        "/api/v1/account/sessions/{session}/end",
        Needs::LoggedIn,
        own::end_session,
    ),
    form(
        "/api/v1/account/end-other-sessions",
        Needs::LoggedIn,
        own::end_others,
    ),
    page("/api/v1/tokens", Needs::LoggedIn, own::tokens),
    form("/api/v1/tokens", Needs::LoggedIn, own::make_token),
    form(
        "/api/v1/tokens/{token}/revoke",
        Needs::LoggedIn,
        own::revoke_token,
    ),
];
