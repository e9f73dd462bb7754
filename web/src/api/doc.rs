//! What each address of the API takes and gives: one line an operation, from which the OpenAPI
//! document is made. The words stand in the catalogue under `api-op-ID`.

use crate::roles::Verb;

/// One operation.
#[derive(Debug)]
pub struct Doc {
    pub verb: Verb,
    pub path: &'static str,
    /// Name of the operation for generators of clients.
    pub id: &'static str,
    pub tag: &'static str,
    /// Parameters of the query.
    pub query: &'static [&'static str],
    pub change: Change,
    /// Name of the body's schema.
    pub body: Option<&'static str>,
    /// Name of the answer's schema.
    pub answer: &'static str,
    pub success: u16,
}

/// What a request must bring besides its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    None,
    /// `Idempotency-Key`.
    Once,
    /// `Idempotency-Key` and `If-Match`.
    OnceAt,
}

pub(super) const fn get(
    path: &'static str,
    id: &'static str,
    tag: &'static str,
    query: &'static [&'static str],
    answer: &'static str,
) -> Doc {
    Doc {
        verb: Verb::Get,
        path,
        id,
        tag,
        query,
        change: Change::None,
        body: None,
        answer,
        success: 200,
    }
}

pub(super) const fn post(
    path: &'static str,
    id: &'static str,
    tag: &'static str,
    change: Change,
    body: Option<&'static str>,
    answer: (&'static str, u16),
) -> Doc {
    Doc {
        verb: Verb::Post,
        path,
        id,
        tag,
        query: &[],
        change,
        body,
        answer: answer.0,
        success: answer.1,
    }
}

pub(super) const PAGE: &[&str] = &["limit", "cursor"];

/// Every operation; a test compares them with the role matrix.
pub fn all() -> impl Iterator<Item = &'static Doc> {
    DOCS.iter().chain(super::doc_more::DOCS)
}

/// Those of incidents, reports, sources and webhooks; the others are next door.
static DOCS: &[Doc] = &[
    get("/api/v1/openapi.json", "openapi", "about", &[], "OpenApi"),
    get("/api/v1/session", "session", "about", &[], "Session"),
    get("/api/v1/sources", "sources", "sources", &[], "Sources"),
    get(
        "/api/v1/incidents",
        "incidents",
        "incidents",
        &[
            "q", "risk", "grade", "state", "kind", "from", "until", "order", "limit", "cursor",
        ],
        "IncidentPage",
    ),
    get(
        "/api/v1/incidents/{id}",
        "incident",
        "incidents",
        &[],
        "Incident",
    ),
    get(
        "/api/v1/incidents/{id}/findings",
        "findings",
        "incidents",
        PAGE,
        "FindingPage",
    ),
    get(
        "/api/v1/incidents/{id}/timeline",
        "timeline",
        "incidents",
        PAGE,
        "TimelinePage",
    ),
    get(
        "/api/v1/incidents/{id}/briefs",
        "briefs",
        "incidents",
        PAGE,
        "BriefPage",
    ),
    get(
        "/api/v1/incidents/{id}/briefs/{number}",
        "brief",
        "incidents",
        &[],
        "SentBrief",
    ),
    get(
        "/api/v1/incidents/{id}/assessment",
        "assessment",
        "incidents",
        &[],
        "Assessment",
    ),
    post(
        "/api/v1/incidents/{id}/assessment",
        "assess",
        "incidents",
        Change::OnceAt,
        Some("AssessmentBody"),
        ("Assessment", 200),
    ),
    post(
        "/api/v1/incidents/{id}/merge",
        "merge-incident",
        "incidents",
        Change::OnceAt,
        Some("MergeBody"),
        ("Stands", 200),
    ),
    post(
        "/api/v1/incidents/{id}/split",
        "split-incident",
        "incidents",
        Change::OnceAt,
        Some("SplitBody"),
        ("Stands", 201),
    ),
    post(
        "/api/v1/incidents/{id}/commands",
        "command",
        "incidents",
        Change::OnceAt,
        Some("CommandBody"),
        ("Stands", 200),
    ),
    post(
        "/api/v1/incidents/{id}/acts",
        "act",
        "incidents",
        Change::OnceAt,
        Some("ActBody"),
        ("Stands", 200),
    ),
    post(
        "/api/v1/incidents/{id}/notes",
        "write-note",
        "incidents",
        Change::Once,
        Some("NoteBody"),
        ("Stands", 201),
    ),
    post(
        "/api/v1/reports",
        "report",
        "reports",
        Change::None,
        Some("ReportBody"),
        ("Receipt", 200),
    ),
    post(
        "/api/v1/reports/{receipt}/additions",
        "add-to-report",
        "reports",
        Change::None,
        Some("AdditionBody"),
        ("ReportState", 200),
    ),
    post(
        "/api/v1/intake/mail",
        "intake-mail",
        "reports",
        Change::None,
        Some("Mail"),
        ("MailTaken", 200),
    ),
    get(
        "/api/v1/reports/{receipt}",
        "report-state",
        "reports",
        &[],
        "ReportState",
    ),
    post(
        "/api/v1/reports/{receipt}/incident",
        "open-incident",
        "reports",
        Change::Once,
        None,
        ("Stands", 201),
    ),
    post(
        "/api/v1/reports/{receipt}/decisions",
        "decide-report",
        "reports",
        Change::Once,
        Some("DecisionBody"),
        ("Decided", 200),
    ),
    get(
        "/api/v1/triage/{receipt}",
        "triage-report",
        "reports",
        &[],
        "TriageReport",
    ),
    get(
        "/api/v1/triage",
        "triage",
        "reports",
        &["came", "risk", "waited", "limit", "cursor"],
        "TriagePage",
    ),
    post(
        "/api/v1/sources/{source}/windows",
        "ask-window",
        "sources",
        Change::Once,
        Some("WindowBody"),
        ("Made", 201),
    ),
    post(
        "/api/v1/sources/{source}/windows/{window}/approve",
        "approve-window",
        "sources",
        Change::Once,
        None,
        ("Made", 200),
    ),
    post(
        "/api/v1/sources/{source}/windows/{window}/close",
        "close-window",
        "sources",
        Change::Once,
        None,
        ("Made", 200),
    ),
    get("/api/v1/webhooks", "webhooks", "webhooks", &[], "Webhooks"),
    post(
        "/api/v1/webhooks",
        "make-webhook",
        "webhooks",
        Change::Once,
        Some("WebhookBody"),
        ("Webhook", 201),
    ),
    get(
        "/api/v1/webhooks/{webhook}",
        "webhook",
        "webhooks",
        &[],
        "Webhook",
    ),
    post(
        "/api/v1/webhooks/{webhook}",
        "change-webhook",
        "webhooks",
        Change::OnceAt,
        Some("WebhookChangeBody"),
        ("Webhook", 200),
    ),
    post(
        "/api/v1/webhooks/{webhook}/delete",
        "delete-webhook",
        "webhooks",
        Change::OnceAt,
        None,
        ("Made", 200),
    ),
    post(
        "/api/v1/webhooks/{webhook}/secret",
        "rotate-webhook",
        "webhooks",
        Change::OnceAt,
        Some("WebhookSecretBody"),
        ("Webhook", 200),
    ),
    post(
        "/api/v1/webhooks/{webhook}/test",
        "test-webhook",
        "webhooks",
        Change::Once,
        None,
        ("Made", 200),
    ),
    get(
        "/api/v1/webhooks/{webhook}/deliveries",
        "webhook-deliveries",
        "webhooks",
        &[],
        "WebhookDeliveries",
    ),
    post(
        "/api/v1/webhooks/{webhook}/deliveries/{delivery}/resend",
        "resend-webhook",
        "webhooks",
        Change::Once,
        None,
        ("Made", 200),
    ),
];
