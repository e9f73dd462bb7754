//! What the pages do, programs can do: every page and form has its operation of the API, or a
//! written reason why it is a person's alone.

use crate::world::World;
use plan::Lang;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use web::roles::{Verb, all};

/// What a program does instead of a page or a form.
enum Other {
    /// Operations of the API.
    Api(&'static str),
    /// It is no page: a program comes to the same address with its token.
    AsItIs,
    /// Why there is none.
    No(&'static str),
}
use Other::{Api, AsItIs, No};

const WAY_IN: &str = "a way in for a person; programs come with a token";
const SECRET: &str = "a person gives a password or a second factor to no program";
const PART: &str = "it only leads on to other pages";

/// By method and path; forms of an incident that are one command each are found by themselves.
const OTHERS: &[(&str, Other)] = &[
    ("GET /healthz", No("it answers programs as it is")),
    ("GET /assets/{hash}/{name}", No("files of the pages")),
    ("GET /events", AsItIs),
    ("POST /logout", No(WAY_IN)),
    (
        "POST /chat/{channel}",
        No("a chat's own way in; programs write notes"),
    ),
    ("POST /look", No("how the pages look in one browser")),
    ("POST /demo/tamper", No("the demonstration's attacker")),
    ("GET /", Api("incidents triage duty")),
    ("GET /plan", Api("plan")),
    ("GET /incidents", Api("incidents")),
    ("GET /incidents/{id}", Api("incident timeline clocks")),
    ("GET /incidents/{id}/findings", Api("findings")),
    ("GET /incidents/{id}/repair", Api("incident")),
    ("GET /incidents/{id}/repair/{proposal}", Api("repair")),
    ("GET /incidents/{id}/notices", Api("notices filings clocks")),
    (
        "GET /incidents/{id}/report",
        Api("incident timeline clocks decisions lessons"),
    ),
    ("GET /incidents/{id}/report/{format}", AsItIs),
    ("GET /incidents/{id}/brief", Api("current-brief briefs")),
    ("GET /incidents/{id}/brief/{number}", Api("brief")),
    ("GET /incidents/{id}/evidence", Api("evidence")),
    ("GET /incidents/{id}/access", Api("access")),
    ("GET /incidents/{id}/assessment", Api("assessment")),
    ("GET /incidents/{id}/orders", Api("incident")),
    (
        "GET /incidents/{id}/resources",
        Api("incident-resources guests"),
    ),
    ("GET /incidents/{id}/discussion", Api("notes")),
    ("GET /incidents/{id}/handover", Api("handovers")),
    ("GET /incidents/{id}/timeline", Api("timeline")),
    ("GET /incidents/{id}/timeline/csv", AsItIs),
    ("GET /incidents/{id}/timeline/json", AsItIs),
    (
        "GET /incidents/{id}/joining",
        Api("incident similar-incidents findings"),
    ),
    ("GET /investigation", Api("investigation")),
    ("POST /investigation/export", Api("investigation")),
    ("GET /sources", Api("sources")),
    ("GET /sources/{source}", Api("source")),
    ("GET /sources/{source}/windows", Api("windows")),
    ("POST /sources/{source}/windows", Api("ask-window")),
    (
        "POST /sources/{source}/windows/{window}/approve",
        Api("approve-window"),
    ),
    (
        "POST /sources/{source}/windows/{window}/close",
        Api("close-window"),
    ),
    ("GET /sources/{source}/unwitnessed", Api("unwitnessed")),
    (
        "GET /evidence",
        No("what it shows is under /journal, for programs as it is"),
    ),
    ("GET /evidence/proof", AsItIs),
    ("GET /journal/{*rest}", AsItIs),
    ("GET /outbox", Api("outbox")),
    ("POST /incidents/{id}/do/name-suspect", Api("act")),
    ("POST /incidents/{id}/do/clear-suspect", Api("act")),
    ("POST /incidents/{id}/do/restrict", Api("act")),
    ("POST /incidents/{id}/do/admit", Api("act")),
    ("POST /incidents/{id}/do/dismiss", Api("act")),
    ("POST /reports/{receipt}/open", Api("open-incident")),
    ("POST /incidents/{id}/do/collect-evidence", Api("act")),
    (
        "POST /incidents/{id}/do/keep-investigation",
        Api("keep-investigation"),
    ),
    ("POST /incidents/{id}/do/propose-repair", Api("act")),
    ("POST /incidents/{id}/do/approve-acceptance", Api("act")),
    ("POST /incidents/{id}/do/refuse-acceptance", Api("act")),
    ("POST /incidents/{id}/do/apply-repair", Api("act")),
    ("POST /incidents/{id}/do/audit", Api("act")),
    ("POST /incidents/{id}/assessment/preview", Api("assessment")),
    ("POST /incidents/{id}/do/assess", Api("assess")),
    ("POST /incidents/{id}/do/assess-and-confirm", Api("assess")),
    ("POST /incidents/{id}/do/merge", Api("merge-incident")),
    ("POST /incidents/{id}/do/split", Api("split-incident")),
    ("POST /incidents/{id}/guests", Api("invite-guest")),
    ("GET /call-out", Api("duty schedules absences pages")),
    (
        "GET /call-out/sheet",
        No("it is printed; its file lies in the data folder"),
    ),
    ("POST /call-out/code", Api("answer-call")),
    ("POST /call-out/test", Api("test-call")),
    (
        "POST /call-out/feed",
        No("the address of one's own calendar"),
    ),
    (
        "POST /call-out/feed/revoke",
        No("the address of one's own calendar"),
    ),
    ("POST /call-out/absence", Api("add-absence")),
    ("POST /call-out/absence/end", Api("end-absence")),
    (
        "POST /call-out/schedule",
        Api("make-schedule save-schedule"),
    ),
    ("POST /call-out/retire", Api("retire-schedule")),
    ("POST /call-out/override", Api("save-schedule")),
    ("POST /call-out/override/end", Api("save-schedule")),
    ("POST /call-out/layer", Api("save-schedule")),
    (
        "GET /answer/{token}",
        No("the link in a message, for who reads it"),
    ),
    ("POST /answer/{token}", Api("answer-call")),
    (
        "GET /rota/{token}/duty.ics",
        No("it answers programs as it is"),
    ),
    ("GET /orders", Api("incidents incident")),
    ("GET /report", Api("report")),
    ("POST /report", Api("report")),
    ("GET /report/receipt", Api("report-state")),
    ("POST /report/receipt", Api("add-to-report")),
    ("GET /triage", Api("triage")),
    ("GET /triage/{receipt}", Api("triage-report")),
    ("POST /triage/{receipt}", Api("decide-report")),
    ("GET /triage/{receipt}/files/{file}", AsItIs),
    ("GET /resources", Api("register plan")),
    ("GET /guest", No("an outside expert is no program")),
    ("POST /guest/agree", No("an outside expert is no program")),
    ("GET /login", No(WAY_IN)),
    ("POST /login", No(WAY_IN)),
    ("GET /login/link", No(WAY_IN)),
    ("POST /login/link", No(WAY_IN)),
    ("GET /login/oidc", No(WAY_IN)),
    ("GET /login/oidc/callback", No(WAY_IN)),
    ("POST /login/code", No(WAY_IN)),
    ("GET /login/emergency", No(WAY_IN)),
    ("POST /login/emergency", No(WAY_IN)),
    ("GET /welcome", No(WAY_IN)),
    ("POST /welcome", No(WAY_IN)),
    ("GET /settings", No(PART)),
    ("GET /settings/account", Api("own-profile own-sessions")),
    ("POST /settings/account/password", No(SECRET)),
    ("POST /settings/account/profile", Api("save-own-profile")),
    ("POST /settings/account/factor", No(SECRET)),
    ("POST /settings/account/factor/confirm", No(SECRET)),
    ("POST /settings/account/recovery", No(SECRET)),
    (
        "POST /settings/account/sessions/end-others",
        Api("end-other-sessions"),
    ),
    (
        "POST /settings/account/sessions/{session}/end",
        Api("end-own-session"),
    ),
    ("GET /settings/positions", Api("plan people")),
    ("GET /settings/tokens", Api("tokens account-proposals")),
    ("POST /settings/tokens", Api("make-token")),
    ("POST /settings/tokens/{token}/revoke", Api("revoke-token")),
    (
        "POST /settings/proposals/{proposal}/collect",
        Api("collect-proposal"),
    ),
    (
        "POST /settings/proposals/{proposal}/refuse",
        Api("refuse-proposal"),
    ),
    (
        "POST /settings/proposals/{proposal}/approve",
        Api("approve-proposal"),
    ),
    ("GET /settings/channels", Api("channels")),
    (
        "POST /settings/channels/{channel}/test",
        Api("test-channel"),
    ),
    (
        "POST /settings/channels/{channel}/switch",
        Api("switch-channel"),
    ),
    ("GET /settings/people", Api("people account-proposals")),
    ("POST /settings/people", Api("invite")),
    ("POST /settings/break-glass", Api("emergency-codes")),
    ("GET /settings/people/{account}", Api("person")),
    (
        "POST /settings/people/{account}/profile",
        Api("save-person"),
    ),
    (
        "POST /settings/people/{account}/positions",
        Api("set-positions"),
    ),
    ("POST /settings/people/{account}/link", Api("new-link")),
    ("POST /settings/people/{account}/disable", Api("disable")),
    ("POST /settings/people/{account}/enable", Api("enable")),
    (
        "POST /settings/people/{account}/reset-factor",
        Api("reset-factor"),
    ),
    (
        "POST /settings/people/{account}/end-sessions",
        Api("end-sessions-of"),
    ),
    ("GET /settings/webhooks", Api("webhooks")),
    ("POST /settings/webhooks", Api("make-webhook")),
    (
        "GET /settings/webhooks/{webhook}",
        Api("webhook webhook-deliveries"),
    ),
    (
        "POST /settings/webhooks/{webhook}/change",
        Api("change-webhook"),
    ),
    (
        "POST /settings/webhooks/{webhook}/switch",
        Api("change-webhook"),
    ),
    (
        "POST /settings/webhooks/{webhook}/rotate",
        Api("rotate-webhook"),
    ),
    (
        "POST /settings/webhooks/{webhook}/delete",
        Api("delete-webhook"),
    ),
    (
        "POST /settings/webhooks/{webhook}/test",
        Api("test-webhook"),
    ),
    (
        "POST /settings/webhooks/{webhook}/deliveries/{delivery}/resend",
        Api("resend-webhook"),
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_the_pages_do_programs_can_do() {
    let world = World::new();
    let document = world.get_in("/api/v1/openapi.json", None, Lang::En).await;
    let document: Value = serde_json::from_str(&document.body).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let operations = paths.values().flat_map(|path| path.as_object()).flatten();
    let ids: BTreeSet<&str> = operations
        .filter_map(|(_, operation)| operation["operationId"].as_str())
        .collect();
    let others: BTreeMap<&str, &Other> = OTHERS.iter().map(|(row, other)| (*row, other)).collect();
    assert_eq!(others.len(), OTHERS.len(), "none twice");
    let mut faults = Vec::new();
    let mut rows = BTreeSet::new();
    for row in all().filter(|row| !row.path.starts_with("/api/")) {
        let verb = match row.verb {
            Verb::Get => "GET",
            Verb::Post => "POST",
        };
        let name = format!("{verb} {}", row.path);
        match others.get(name.as_str()) {
            // One command each, which `command` takes as it is.
            None if row.is_commands() => {}
            None => faults.push(format!("{name}: no counterpart is named")),
            Some(No(why)) => assert!(!why.is_empty()),
            Some(AsItIs) if row.open_to_tokens() => {}
            Some(AsItIs) => faults.push(format!("{name}: no token opens it")),
            Some(Api(named)) => {
                for id in named.split(' ').filter(|id| !ids.contains(id)) {
                    faults.push(format!("{name}: no operation {id}"));
                }
            }
        }
        rows.insert(name);
    }
    for name in others.keys().filter(|name| !rows.contains(**name)) {
        faults.push(format!("{name}: no such route"));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
