//! A desk on which something of everything has happened, each free text a canary.

use crate::world::{Answer, Person, World};
use axum::http::StatusCode;
use desk::config::Config;

pub const CANARY: &str = "<canary onload=x>\"'&lt;";

pub struct Story {
    pub world: World,
    pub all: Person,
    pub incident: String,
    pub proposal: String,
    pub report: String,
    pub webhook: String,
    /// Where somebody comes back with the receipt of a report.
    pub receipt: String,
    /// By which somebody sets their password.
    pub invitation: String,
}

/// Name of a form, and its fields as `name=value`; `%` stands for the canary, `#` for a hash.
const FORMS: [(&str, &str); 23] = [
    ("confirm-grade", "grade=4 level=2 reason=%"),
    (
        "issue-order",
        "to=position:ciso text=% constraint=% due_min=30",
    ),
    (
        "issue-order",
        "to=group:response text=% constraint=% due_min=30",
    ),
    ("accept-order", "order=O-1"),
    ("complete-order", "order=O-1 result=%"),
    ("refuse-order", "order=O-2 reason=%"),
    ("record-decision", "topic=general text=%"),
    (
        "record-lesson",
        "text=% measure=% owner=ciso measure_days=3",
    ),
    ("propose-hold", "rows=open until_h=4 reason=%"),
    ("draft-notice", "kind=user text-zh=% text-en=% audience=3"),
    (
        "add-evidence",
        "name=% kind=log source=% witness=% method=% sha256=# size_bytes=12 location=%",
    ),
    ("transfer-evidence", "evidence=E-1 to=% purpose=% sha256=#"),
    (
        "record-impact",
        "orders=2 persons=1 persons-high=3 out=12.50 note=%",
    ),
    ("send-brief", "reason=%"),
    ("set-objective", "text=% objective=%"),
    ("write-note", "text=%"),
    ("write-note", "text=% mark=decision"),
    ("write-note", "text=% mark=question"),
    ("prepare-handover", "position=ciso remarks=%"),
    (
        "request-resource",
        "what=expert-forensics amount=1 needed_min=60 reason=%",
    ),
    (
        "request-resource",
        "what=standby-database-server amount=2 needed_min=60 reason=%",
    ),
    ("name-suspect", "account=suspect reason=%"),
    ("admit", "account=helper reason=%"),
];

/// An incident with something of everything in it, each free text a canary.
pub async fn story() -> Story {
    let config = Config::parse("[webhooks]\nallow = [\"127.0.0.1\"]\n").expect("a configuration");
    let world = World::configured(config);
    let incident = world.attacked().to_string();
    // Two that are alike, so that one is suggested for the other.
    world.report(&format!("{CANARY} again"));
    let report = world.report(CANARY).to_string();
    let all = world.everything("everything");
    let other = world.everything(CANARY);
    for account in ["suspect", "helper"] {
        world.person(account, &["cs_agent"]);
    }
    let form = |name: &str| format!("/incidents/{incident}/do/{name}");
    let hash = "a".repeat(64);
    for (name, fields) in FORMS {
        let pairs: Vec<(&str, &str)> = fields
            .split(' ')
            .filter_map(|pair| pair.split_once('='))
            .map(|(field, value)| match value {
                "%" => (field, CANARY),
                "#" => (field, hash.as_str()),
                plain => (field, plain),
            })
            .collect();
        let answer = world.post(&form(name), Some(&other), &pairs).await;
        assert_eq!(
            answer.status,
            StatusCode::SEE_OTHER,
            "{name}: {}",
            answer.body
        );
        assert_eq!(
            answer.location(),
            format!("/incidents/{incident}?done={name}")
        );
    }
    for name in ["propose-repair", "audit", "collect-evidence"] {
        let answer = world.post(&form(name), Some(&other), &[]).await;
        assert_eq!(
            answer.status,
            StatusCode::SEE_OTHER,
            "{name}: {}",
            answer.body
        );
    }
    absorb(&world, &other, &incident).await;
    on_duty(&world, &all, &incident).await;
    powers(&world, &all).await;
    let told = sent(&world, &all, "/report", &[("what", CANARY)]).await;
    let receipt = told.location().to_owned();
    let invited = [
        ("account", "invited"),
        ("name", CANARY),
        ("position", "cs_agent"),
    ];
    let invited = sent(&world, &all, "/settings/people", &invited).await;
    let link = invited.body.split("/welcome?token=").nth(1);
    let invitation = link.and_then(|rest| rest.split('<').next());
    let invitation = invitation.expect("a link").trim().to_owned();
    // Nobody listens there.
    let hook = [
        ("name", CANARY),
        ("url", "http://127.0.0.1:9/in"),
        ("kind", "incident.opened"),
    ];
    let made = world.post("/settings/webhooks", Some(&all), &hook).await;
    assert!(made.status.is_success(), "{}", made.body);
    let webhook = world.desk.webhooks()[0].id.clone();
    let incidents = world.desk.open_incidents();
    let stands = incidents
        .iter()
        .find(|i| i.id.as_str() == incident)
        .expect("the incident");
    let proposal = stands
        .repairs
        .last()
        .expect("a repair")
        .proposal
        .to_string();
    Story {
        world,
        all,
        incident,
        proposal,
        report,
        webhook,
        receipt,
        invitation,
    }
}

async fn sent(world: &World, who: &Person, path: &str, fields: &[(&str, &str)]) -> Answer {
    let answer = world.post(path, Some(who), fields).await;
    let fine = answer.status.is_success() || answer.status == StatusCode::SEE_OTHER;
    assert!(fine, "{path}: {} {}", answer.status, answer.body);
    answer
}

/// A second incident, which becomes part of the first.
async fn absorb(world: &World, who: &Person, into: &str) {
    let receipt = world.report("odd amounts since noon");
    let reason = ("reason", CANARY);
    let opened = sent(world, who, &format!("/reports/{receipt}/open"), &[reason]).await;
    let second = opened.location().trim_start_matches("/incidents/");
    let second = second.split('?').next().unwrap_or_default().to_owned();
    let path = format!("/incidents/{second}/do/merge");
    sent(world, who, &path, &[("into", into), reason]).await;
}

/// A rota with somebody's turn swapped, an absence, and an expert from outside.
async fn on_duty(world: &World, who: &Person, incident: &str) {
    world.person("deputy", &["cio"]);
    let rota = [
        ("title", CANARY),
        ("covers", "position:cio"),
        ("zone", "Europe/Berlin"),
        ("from", "2026-01-05"),
        ("hand_over", "09:00"),
        ("n", "1"),
        ("unit", "weeks"),
        ("weekday", "1"),
        ("people", "everything,deputy"),
    ];
    sent(world, who, "/call-out/schedule", &rota).await;
    let kept = world.desk.schedules().expect("read").remove(0);
    let swap = [
        ("schedule", kept.id.as_str()),
        ("version", "1"),
        ("who", "deputy"),
        ("from", "2030-12-01T09:00"),
        ("to", "2030-12-02T09:00"),
    ];
    sent(world, who, "/call-out/override", &swap).await;
    let away = [("from", "2030-12-01T09:00"), ("to", "2030-12-02T09:00")];
    sent(world, who, "/call-out/absence", &away).await;
    let granted = [
        ("request_id", "R-1"),
        ("amount", "1"),
        ("until_min", "1440"),
    ];
    let path = format!("/incidents/{incident}/do/grant-resource");
    sent(world, who, &path, &granted).await;
    let expert = [
        ("request_id", "R-1"),
        ("name", CANARY),
        ("account", "an.expert"),
        ("may_act", "1"),
        ("days", "7"),
        ("page", "orders"),
    ];
    sent(
        world,
        who,
        &format!("/incidents/{incident}/guests"),
        &expert,
    )
    .await;
}

/// A token, a token and a grant that wait for a second person, and emergency codes.
async fn powers(world: &World, who: &Person) {
    let token = [("name", CANARY), ("days", "30"), ("scope", "read")];
    sent(world, who, "/settings/tokens", &token).await;
    let strong = [
        ("name", CANARY),
        ("days", "30"),
        ("scope", "act:containment"),
    ];
    sent(world, who, "/settings/tokens", &strong).await;
    let grant = [
        ("position", "cs_agent"),
        ("position", "sysadmin"),
        ("held", "cs_agent"),
    ];
    sent(world, who, "/settings/people/helper/positions", &grant).await;
}
