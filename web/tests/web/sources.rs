//! The pages of the sources: what they show, and windows that two people open.

use crate::world::{Answer, Person, SMALL_SHOP, World};
use axum::http::StatusCode;
use desk::audit_part::Part;
use desk::window::Window;
use model::SourceName;
use plan::Lang;
use testkit::small_shop_policy;
use web::WebOptions;

fn path(end: &str) -> String {
    format!("/sources/{SMALL_SHOP}{end}")
}

fn shop() -> SourceName {
    assert_eq!(small_shop_policy().source.as_str(), SMALL_SHOP);
    SourceName::new(SMALL_SHOP)
}

/// A form with every field right; the test changes one of them.
const FIELDS: [(&str, &str); 5] = [
    ("ticket", "CHG-17"),
    ("reason", "the price list is put right"),
    ("table", "orders"),
    ("most_rows", "200"),
    ("until", "soon"),
];

impl World {
    async fn ask(&self, who: &Person, other: Option<(&str, &str)>) -> Answer {
        let soon = self.desk.now().plus_s(3_600).in_zone("Asia/Shanghai");
        let soon = soon[..16].replace(' ', "T");
        let fields = FIELDS.map(|(name, value)| match other {
            Some((wrong, value)) if wrong == name => (name, value),
            _ if name == "until" => (name, soon.as_str()),
            _ => (name, value),
        });
        self.post(&path("/windows"), Some(who), &fields).await
    }

    fn only_window(&self) -> Window {
        let mut windows = self.desk.windows(None).expect("windows are read");
        assert_eq!(windows.len(), 1, "{windows:?}");
        windows.remove(0)
    }

    async fn act(&self, who: &Person, id: &str, act: &str) -> Answer {
        let path = path(&format!("/windows/{id}/{act}"));
        self.post(&path, Some(who), &[]).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_is_asked_for_by_one_and_approved_by_another() {
    let world = World::new();
    let asker = world.everything("asker");
    let other = world.everything("other");
    let asked = world.ask(&asker, None).await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER, "{}", asked.body);
    assert_eq!(asked.location(), path("/windows?done=ask-window"));
    let window = world.only_window();
    assert_eq!((window.most_rows, window.approved_by), (200, None));

    // Whoever asked sees no button, and is refused when posting all the same.
    let page = world.get(&path("/windows"), Some(&asker)).await.body;
    assert!(
        page.contains("CHG-17") && page.contains("another person must approve"),
        "{page}"
    );
    assert!(
        !page.contains(&format!("/windows/{}/approve", window.id)),
        "{page}"
    );
    let alone = world.act(&asker, &window.id, "approve").await;
    assert_eq!(alone.status, StatusCode::FORBIDDEN);
    assert!(
        alone.body.contains("You asked for this window"),
        "{}",
        alone.body
    );
    assert_eq!(world.only_window().approved_by, None);

    let page = world.get(&path("/windows"), Some(&other)).await.body;
    assert!(
        page.contains(&format!("/windows/{}/approve", window.id)),
        "{page}"
    );
    let approved = world.act(&other, &window.id, "approve").await;
    assert_eq!(approved.status, StatusCode::SEE_OTHER, "{}", approved.body);
    assert_eq!(world.only_window().approved_by.as_deref(), Some("other"));
    let twice = world.act(&other, &window.id, "approve").await;
    assert_eq!(twice.status, StatusCode::CONFLICT);
    let closed = world.act(&asker, &window.id, "close").await;
    assert_eq!(closed.status, StatusCode::SEE_OTHER, "{}", closed.body);
    assert!(world.only_window().closed_at.is_some());
    let nowhere = world.act(&other, "w-none", "approve").await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_without_measure_is_refused_and_what_was_written_is_kept() {
    let world = World::new();
    let asker = world.everything("asker");
    for wrong in [
        ("ticket", " "),
        ("table", "staff"),
        ("table", ""),
        ("most_rows", "0"),
        ("most_rows", "many"),
        ("most_rows", "-1"),
        ("until", ""),
        ("until", "2001-01-01T00:00"),
        ("until", "2999-01-01T00:00"),
        ("until", "<canary onload=x>"),
    ] {
        let refused = world.ask(&asker, Some(wrong)).await;
        assert_eq!(
            refused.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{wrong:?}"
        );
        assert!(refused.body.contains("Not asked for."), "{wrong:?}");
        assert!(
            refused
                .body
                .contains("value=\"the price list is put right\""),
            "{wrong:?}: what was written is lost"
        );
        assert!(!refused.body.contains("<canary"), "{}", refused.body);
    }
    assert_eq!(world.desk.windows(None).unwrap(), []);
    let unknown = world
        .post("/sources/none/windows", Some(&asker), &[("ticket", "x")])
        .await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    // Whoever may not ask is offered no form.
    let agent = world.person("agent", &["cs_agent"]);
    let page = world.get(&path("/windows"), Some(&agent)).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.body.contains("name=\"ticket\""), "{}", page.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_overview_says_how_each_source_stands() {
    let world = World::new();
    let reader = world.person("reader", &["ciso"]);
    let page = world.get("/sources", Some(&reader)).await.body;
    for told in [
        "Following",
        "Alarms on",
        "SQLite file",
        "A file carries none",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
    assert!(page.contains(&format!("href=\"{}\"", path(""))), "{page}");
    assert!(
        page.contains("<a href=\"/sources\" aria-current=\"page\">"),
        "{page}"
    );
    world.desk.stop();
    let stopped = world.get("/sources", Some(&reader)).await;
    assert_eq!(stopped.status, StatusCode::OK);
    assert!(!stopped.body.contains(">Following<"), "{}", stopped.body);
    let none = world.get("/sources/none", Some(&reader)).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn partial_audits_say_what_they_covered_and_name_what_differs() {
    let world = World::new();
    world.attacked();
    let reader = world.person("reader", &["ciso"]);
    let before = world.get(&path(""), Some(&reader)).await.body;
    assert!(before.contains("No part was audited yet"), "{before}");
    let all = 1_000_000;
    let report = (world.desk)
        .audit_part(&shop(), Part::InTurn { rows: all })
        .expect("a part is audited");
    assert_eq!(report.discrepancies.len(), 3);
    world
        .desk
        .audit_part(
            &shop(),
            Part::Sample {
                rows: report.total / 4,
            },
        )
        .expect("a sample is audited");
    let page = world.get(&path(""), Some(&reader)).await.body;
    for told in [
        "100 %",
        "25.0 %",
        "3 rows differ",
        "total_minor",
        "Last whole round",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
    // Values of rows are not shown here, only which columns differ.
    assert!(!page.contains("13900001111"), "{page}");
    let zh = world.get_in(&path(""), Some(&reader), Lang::Zh).await.body;
    assert!(
        zh.contains("全部漏查的概率") && zh.contains("3 行不符"),
        "{zh}"
    );
}

/// What differs belongs to the incident about whoever did it; to them every row stands.
#[tokio::test(flavor = "multi_thread")]
async fn a_suspect_meets_no_row_of_their_incident_in_partial_audits() {
    let world = World::new();
    let id = world.attacked();
    let (reader, lead) = (world.everything("reader"), world.everything("lead"));
    world.person("boss", &["cio"]);
    let rows = 1_000_000;
    let report = (world.desk).audit_part(&shop(), Part::InTurn { rows });
    assert_eq!(report.expect("an audit").discrepancies.len(), 3);
    let api = format!("/api/v1/sources/{SMALL_SHOP}");
    let turn = async || {
        let source = world.get(&api, Some(&reader)).await.body;
        let source: serde_json::Value = serde_json::from_str(&source).expect("JSON");
        source["audits"]["turns"][0].clone()
    };
    assert_eq!(turn().await["differing"], 3);
    let fields = [("account", "reader"), ("reason", "the logs name them")];
    let named = format!("/incidents/{id}/do/name-suspect");
    let named = world.post(&named, Some(&lead), &fields).await;
    assert_eq!(named.status, StatusCode::SEE_OTHER, "{}", named.body);
    let now = turn().await;
    assert_eq!(now["differing"], 0);
    assert_eq!(now["named"], serde_json::json!([]));
    let page = world.get(&path(""), Some(&reader)).await.body;
    assert!(page.contains("Last whole round"), "{page}");
    assert!(
        !page.contains("differ</span>") && !page.contains("3 rows"),
        "{page}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_witnessed_is_listed() {
    let unseen = "UPDATE orders SET total_minor = total_minor + 1 WHERE id IN
        (SELECT id FROM orders WHERE status = 'placed' LIMIT 2)";
    let world = World::after(unseen, WebOptions::default());
    let reader = world.person("reader", &["ciso"]);
    let page = world.get(&path("/unwitnessed"), Some(&reader)).await.body;
    assert!(
        page.contains("2 changes, oldest first") && page.contains("total_minor"),
        "{page}"
    );
    let overview = world.get("/sources", Some(&reader)).await.body;
    assert!(overview.contains("2 unwitnessed changes"), "{overview}");
    // Nobody was alarmed by it: calling it lawful makes no false alarm.
    let found = world.desk.unwitnessed(&shop(), None).findings;
    let op = model::Operation {
        actor: model::Actor::Person {
            account: "chief".into(),
            name: "chief".to_owned(),
            positions: vec!["ciso".into()],
        },
        reason: String::new(),
        request: model::RequestId::new("judged"),
        now: world.desk.now(),
    };
    (world.desk)
        .judge_finding(&op, &found[0].id, true, "the shop's own")
        .expect("an opinion is stored");
    world.desk.stop();
    let report = world.desk.shadow_report(&shop(), 31).expect("a report");
    assert_eq!(
        (report.days.len(), report.false_alarms_a_day),
        (1, 0.0),
        "{report:?}"
    );
    let empty = World::new();
    let reader = empty.person("reader", &["ciso"]);
    let page = empty.get(&path("/unwitnessed"), Some(&reader)).await.body;
    assert!(page.contains("No unwitnessed change."), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repair_says_which_rows_it_leaves_to_a_person() {
    let world = World::new();
    let forged = "INSERT INTO orders (id, status, total_minor, currency, customer_id, phone)
        SELECT 990017, 'paid', 5, currency, customer_id, phone FROM orders LIMIT 1";
    world
        .shop
        .intruder()
        .execute_batch(forged)
        .expect("the intruder writes");
    let incident = world.attacked();
    let engineer = world.everything("engineer");
    let form = format!("/incidents/{incident}/do/propose-repair");
    let proposed = world.post(&form, Some(&engineer), &[]).await;
    assert_eq!(proposed.status, StatusCode::SEE_OTHER, "{}", proposed.body);
    let stands = world.desk.incident(&incident).expect("the incident");
    let proposal = stands.repairs.last().expect("a repair").proposal.clone();
    let page = world
        .get(
            &format!("/incidents/{incident}/repair/{proposal}"),
            Some(&engineer),
        )
        .await
        .body;
    let left = page.split("id=\"left\"").nth(1).unwrap_or("");
    assert!(left.contains("orders 990017"), "{page}");
    assert!(
        left.contains("does not say how a forged row is set aside"),
        "{left}"
    );
    assert!(page.contains("1 row left to a person"), "{page}");
}
