//! Every page in both languages on a real desk: nothing missing, nothing inline, nothing of a
//! stranger's text taken as markup.

use crate::story::{Story, story};
use crate::world::{SMALL_SHOP, World};
use axum::http::StatusCode;
use desk::config::Config;
use plan::Lang;
use web::roles::{Verb, all};

/// Every page that answers with HTML to somebody who holds every position.
pub fn pages(story: &Story) -> Vec<String> {
    all()
        .filter(|row| row.verb == Verb::Get)
        .filter(|row| !["/events", "/healthz"].contains(&row.path))
        .filter(|row| {
            ![
                "/api/",
                "/assets/",
                "/journal/",
                "/evidence/proof",
                "/login/oidc",
                // For guests alone.
                "/guest",
                // These open by a secret alone.
                "/answer/",
                "/rota/",
            ]
            .iter()
            .any(|p| row.path.starts_with(p))
        })
        .filter(|row| !row.path.ends_with("{format}") && !row.path.ends_with("{file}"))
        // Files to take along, not pages.
        .filter(|row| !row.path.contains("/timeline/"))
        .map(|row| {
            row.path
                .replace("{id}", &story.incident)
                .replace("{proposal}", &story.proposal)
                .replace("{receipt}", &story.report)
                .replace("{webhook}", &story.webhook)
                .replace("{number}", "1")
                .replace("{source}", SMALL_SHOP)
                .replace("{account}", "everything")
        })
        .collect()
}

/// Whoever is logged in is led on from these.
pub fn for_visitors(path: &str) -> bool {
    ["/login", "/welcome", "/answer/"]
        .iter()
        .any(|p| path.starts_with(p))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_speaks_both_languages_and_runs_nothing_foreign() {
    let story = story().await;
    for lang in Lang::ALL {
        for path in pages(&story) {
            let who = (!for_visitors(&path)).then_some(&story.all);
            let answer = story.world.get_in(&path, who, lang).await;
            let name = format!("{lang} {path}");
            assert_eq!(answer.status, StatusCode::OK, "{name}");
            assert!(
                answer.body.contains(&format!("<html lang=\"{lang}\"")),
                "{name}: another language"
            );
            let policy = answer.header("content-security-policy");
            assert!(
                policy.contains("script-src 'self'")
                    && policy.contains("require-trusted-types-for 'script'"),
                "{name}"
            );
            assert_eq!(answer.header("cache-control"), "no-store", "{name}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{name}");
            assert!(
                !answer.body.contains("<canary"),
                "{name}: a stranger's text is markup"
            );
            for inline in [
                "<style",
                "style=\"",
                " onclick",
                " onload=\"",
                "javascript:",
                "<script>",
            ] {
                assert!(!answer.body.contains(inline), "{name}: {inline}");
            }
            labelled(&name, &answer.body);
        }
    }
    // The canary is there, as text: the walk above would see nothing in empty pages.
    let war_room = story
        .world
        .get(&format!("/incidents/{}", story.incident), Some(&story.all))
        .await;
    assert!(war_room.body.contains("&#60;canary"), "{}", war_room.body);
    let findings = story
        .world
        .get(
            &format!("/incidents/{}/findings", story.incident),
            Some(&story.all),
        )
        .await;
    assert!(findings.body.contains("&#60;canary"), "{}", findings.body);
}

/// Ids are unique, every label names a field, every table has a caption or a heading of its own.
fn labelled(name: &str, html: &str) {
    let values = |attribute: &str| -> Vec<String> {
        html.split(attribute)
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .map(str::to_owned)
            .collect()
    };
    let mut ids = values(" id=\"");
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all, "{name}: an id stands twice");
    for field in values("<label for=\"") {
        assert!(ids.contains(&field), "{name}: no field {field}");
    }
    for cell in html.split("<th").skip(1) {
        let head = cell.split('>').next().unwrap_or("");
        assert!(
            head.starts_with("ead") || head.contains("scope="),
            "{name}: <th{head}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn personal_values_are_masked_but_for_readers_of_evidence() {
    let config = Config::parse("[webhooks]\nallow = [\"127.0.0.1\"]\n").expect("a configuration");
    let world = World::configured(config);
    let incident = world.attacked();
    let reader = world.person("reader", &["security_engineer"]);
    let agent = world.person("agent", &["cs_agent"]);
    let path = format!("/incidents/{incident}/findings");
    let full = world.get(&path, Some(&reader)).await.body;
    let masked = world.get(&path, Some(&agent)).await.body;
    assert!(full.contains("13900001111"), "{full}");
    assert!(
        !masked.contains("13900001111") && masked.contains("••••11"),
        "{masked}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_says_everything_that_is_missing() {
    let config = Config::parse("[webhooks]\nallow = [\"127.0.0.1\"]\n").expect("a configuration");
    let world = World::configured(config);
    let incident = world.attacked();
    let cio = world.person("cio", &["cio"]);
    let path = format!("/incidents/{incident}/do/close");
    let refused = world.post(&path, Some(&cio), &[]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    let missing = refused.body.matches("data-missing>").count();
    let plan = world.desk.plan();
    let stands = world.desk.incident(&incident).expect("the incident");
    let lacks = incident::conditions::missing(
        &plan,
        &stands,
        incident::conditions::Leaving::Incident,
        world.desk.now(),
    );
    assert!(
        missing > 5 && missing == lacks.len(),
        "{missing} of {}",
        lacks.len()
    );
    // What was written is shown again, so that it is not lost.
    let path = format!("/incidents/{incident}/do/issue-order");
    let fields = [
        ("to", "position:nobody"),
        ("text", "Hold every shipment of today."),
        ("due_min", "30"),
    ];
    let refused = world.post(&path, Some(&cio), &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused
            .body
            .contains("<pre>Hold every shipment of today.</pre>"),
        "{}",
        refused.body
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repair_wants_two_people_and_sending_twice_acts_once() {
    let config = Config::parse("[webhooks]\nallow = [\"127.0.0.1\"]\n").expect("a configuration");
    let world = World::configured(config);
    let incident = world.attacked();
    let ciso = world.person("ciso", &["ciso"]);
    let support = world.person("support", &["head_support"]);
    let form = |name: &str| format!("/incidents/{incident}/do/{name}");
    let proposed = world.post(&form("propose-repair"), Some(&ciso), &[]).await;
    assert_eq!(proposed.status, StatusCode::SEE_OTHER, "{}", proposed.body);
    let repair = world
        .desk
        .incident(&incident)
        .expect("the incident")
        .repairs[0]
        .clone();
    let (proposal, digest) = (repair.proposal.to_string(), repair.digest.to_string());
    let page = world
        .get(
            &format!("/incidents/{incident}/repair/{proposal}"),
            Some(&ciso),
        )
        .await
        .body;
    assert!(
        page.contains(&digest) && !page.contains("/do/approve-repair"),
        "{page}"
    );

    let approve = form("approve-repair");
    let stale = "0".repeat(64);
    let fields = |digest, request| {
        [
            ("proposal", proposal.as_str()),
            ("digest", digest),
            ("request", request),
        ]
    };
    let own = world
        .post(&approve, Some(&ciso), &fields(&digest, "once-1"))
        .await;
    assert_eq!(own.status, StatusCode::FORBIDDEN, "{}", own.body);
    let other_digest = world
        .post(&approve, Some(&support), &fields(&stale, "once-2"))
        .await;
    assert_eq!(
        other_digest.status,
        StatusCode::CONFLICT,
        "{}",
        other_digest.body
    );
    for _ in 0..2 {
        let approved = world
            .post(&approve, Some(&support), &fields(&digest, "once-3"))
            .await;
        assert_eq!(approved.status, StatusCode::SEE_OTHER, "{}", approved.body);
    }
    let fields = [("proposal", proposal.as_str())];
    let applied = world
        .post(&form("apply-repair"), Some(&support), &fields)
        .await;
    assert_eq!(applied.status, StatusCode::SEE_OTHER, "{}", applied.body);
    let stands = world.desk.incident(&incident).expect("the incident");
    assert_eq!(stands.findings.open.total(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_investigation_is_read_masked_and_exported_by_those_who_may() {
    let config = Config::parse("[webhooks]\nallow = [\"127.0.0.1\"]\n").expect("a configuration");
    let world = World::configured(config);
    let incident = world.attacked();
    let reader = world.person("reader", &["security_engineer"]);
    let agent = world.person("agent", &["cs_agent"]);
    let findings = world.desk.findings(&desk::FindingFilter {
        incident: Some(incident.clone()),
        limit: 100,
        ..desk::FindingFilter::default()
    });
    let finding = findings
        .iter()
        .find(|f| f.table == "payments")
        .expect("the payment was forged");
    let by_finding = format!("/investigation?about=finding&id={}", finding.id);
    let full = world.get(&by_finding, Some(&reader)).await;
    assert_eq!(full.status, StatusCode::OK);
    assert!(full.body.contains("13900001111"), "{}", full.body);
    let masked = world.get(&by_finding, Some(&agent)).await.body;
    assert!(
        !masked.contains("13900001111") && masked.contains("••••11"),
        "{masked}"
    );
    assert!(
        !masked.contains("/investigation/export"),
        "an agent may not export"
    );

    let row = format!(
        "/investigation?about=row&table=payments&key={}",
        finding.key
    );
    for lang in Lang::ALL {
        let page = world.get_in(&row, Some(&reader), lang).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        labelled(&row, &page.body);
        for wrong in [
            "about=row&table=none&key=1",
            "about=row&table=orders&key=99999",
            "about=person&table=none&key=1",
            "about=finding&id=%3Ccanary%20onload%3Dx%3E",
            "about=window&from=x&until=y",
        ] {
            let page = world
                .get_in(&format!("/investigation?{wrong}"), Some(&reader), lang)
                .await;
            assert_eq!(page.status, StatusCode::NOT_FOUND, "{wrong}");
            assert!(!page.body.contains("<canary"), "{wrong}");
        }
    }
    let window = world
        .get(
            "/investigation?about=window&from=2020-01-01&until=2020-01-02",
            Some(&reader),
        )
        .await;
    assert!(window.body.contains("Nothing was seen"), "{}", window.body);

    let fields = [("about", "finding"), ("id", finding.id.as_str())];
    let collector = world.person(
        "collector",
        &[&world
            .holder_of(plan::Act::CollectEvidence)
            .expect("somebody collects evidence")],
    );
    let archive = world
        .post("/investigation/export", Some(&collector), &fields)
        .await;
    assert_eq!(archive.status, StatusCode::OK);
    assert_eq!(archive.header("content-type"), "application/x-tar");
    assert!(archive.header("content-disposition").contains(".tar"));
    for inside in [
        "report.json",
        "report.html",
        "key.vkey",
        "c2sp.org/tlog-proof@v1",
    ] {
        assert!(archive.body.contains(inside), "{inside}");
    }
    assert!(
        !archive.body.contains("13900001111"),
        "a personal value left the house"
    );

    let page = world.get(&by_finding, Some(&collector)).await.body;
    let keep = format!("/incidents/{incident}/do/keep-investigation");
    assert!(page.contains(&keep), "{page}");
    let kept = world.post(&keep, Some(&collector), &fields).await;
    let there = format!("/incidents/{incident}?done=keep-investigation");
    assert_eq!(kept.location(), there, "{}", kept.body);
    let stands = world.desk.incident(&incident).expect("the incident");
    let item = &stands.evidence.last().expect("evidence").item;
    let file = world.desk.folder().evidence();
    let file = file.join(item.location.trim_start_matches("evidence/"));
    let bytes = std::fs::read(file).expect("the archive is in the folder of evidence");
    assert_eq!(item.sha256, model::Digest::of(&bytes));
    assert!(!item.positions.is_empty() && bytes.starts_with(b"balefire-investigation-"));
    let none = [("about", "finding"), ("id", "none")];
    let refused = world.post(&keep, Some(&collector), &none).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND, "{}", refused.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_stay_as_they_are_when_a_second_person_approves() {
    let config = Config::parse("[webhooks]\nallow = [\"127.0.0.1\"]\n").expect("a configuration");
    let world = World::configured(config);
    let incident = world.attacked();
    let ciso = world.person("ciso", &["ciso"]);
    let cio = world.person("cio", &["cio"]);
    let findings = world.desk.findings(&desk::FindingFilter {
        incident: Some(incident.clone()),
        limit: 100,
        ..desk::FindingFilter::default()
    });
    let payment = (findings.iter().find(|f| f.table == "payments")).expect("the payment");
    let row = format!("{}|payments|{}", payment.source, payment.key);
    let form = |name: &str| format!("/incidents/{incident}/do/{name}");
    let page = format!("/incidents/{incident}/findings");
    let decided = [
        ("topic", "accept-rows"),
        ("row", row.as_str()),
        ("text", "agreed"),
    ];
    let answer = world
        .post(&form("record-decision"), Some(&ciso), &decided)
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let asked = world.desk.acceptances(None).expect("a list");
    assert_eq!(asked.len(), 1);
    let fields = [("acceptance", asked[0].id.as_str())];
    for lang in Lang::ALL {
        for (who, may) in [(&ciso, false), (&cio, true)] {
            let body = world.get_in(&page, Some(who), lang).await.body;
            assert_eq!(body.contains(&form("approve-acceptance")), may, "{body}");
            labelled(&page, &body);
        }
    }
    let own = world
        .post(&form("approve-acceptance"), Some(&ciso), &fields)
        .await;
    assert_eq!(own.status, StatusCode::CONFLICT, "{}", own.body);
    assert!(own.body.contains("second person"), "{}", own.body);
    let done = world
        .post(&form("approve-acceptance"), Some(&cio), &fields)
        .await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    let body = world.get(&page, Some(&ciso)).await.body;
    assert!(body.contains("Lawful as it stands"), "{body}");
    let audit = world.desk.audit_source(&payment.source).expect("an audit");
    assert!(audit.discrepancies.iter().all(|d| d.table != "payments"));
    assert!(!audit.discrepancies.is_empty());
}
