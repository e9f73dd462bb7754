//! The pages of outgoing webhooks: made, shown once, changed by one person at a time.

use crate::ways_in::once;
use crate::world::World;
use axum::http::StatusCode;
use desk::config::Config;

const HERE: &str = "/settings/webhooks";

/// Nobody listens there: what is sent fails, which these tests do not look at.
const URL: &str = "http://127.0.0.1:9/in/TOKENPATH";

fn world() -> World {
    let config = Config::parse("[webhooks]\nallow = [\"127.0.0.1\"]\n").expect("a configuration");
    World::configured(config)
}

fn fields<'a>(name: &'a str, url: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![("name", name), ("url", url), ("kind", "incident.opened")]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_shown_once_and_words_of_people_stay_words() {
    let world = world();
    let admin = world.person("admin", &["sysadmin"]);
    let agent = world.person("agent", &["cs_agent"]);
    let name = "<script>x</script>{{7*7}}${7*7}";
    let refused = world.post(HERE, Some(&agent), &fields(name, URL)).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let made = world.post(HERE, Some(&admin), &fields(name, URL)).await;
    let secret = once(&made)[0].clone();
    assert!(secret.starts_with("whsec_"), "{secret}");
    let id = world.desk.webhooks()[0].id.clone();
    let one = format!("{HERE}/{id}");
    for path in [HERE, one.as_str()] {
        let page = world.get(path, Some(&admin)).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(!page.body.contains("<script>x"), "{path}");
        assert!(page.body.contains("{{7*7}}"), "{path}");
        assert!(!page.body.contains(&secret[6..]) && !page.body.contains("TOKENPATH"));
    }
    let (rotate, switch) = (format!("{one}/rotate"), format!("{one}/switch"));
    let turned = [("seen", "1"), ("hours", "24")];
    let second = once(&world.post(&rotate, Some(&admin), &turned).await)[0].clone();
    assert_ne!(secret, second);
    // Who saw the version before is told, and nothing is done.
    let off = [("seen", "1"), ("on", "no")];
    let late = world.post(&switch, Some(&admin), &off).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(world.desk.webhooks()[0].enabled);
    let off = [("seen", "2"), ("on", "no")];
    let done = world.post(&switch, Some(&admin), &off).await;
    assert_eq!(done.location(), format!("{one}?done=webhooks-switched"));
    let tested = world.post(&format!("{one}/test"), Some(&admin), &[]).await;
    assert_eq!(tested.status, StatusCode::CONFLICT);
    let delete = format!("{one}/delete");
    let gone = world.post(&delete, Some(&admin), &[("seen", "3")]).await;
    assert_eq!(gone.location(), format!("{HERE}?done=webhooks-deleted"));
    let page = world.get(&one, Some(&admin)).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_form_cannot_mean_is_refused_in_words() {
    let world = world();
    let admin = world.person("admin", &["sysadmin"]);
    for (name, url, status) in [
        (
            "inside",
            "https://169.254.169.254/",
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            "plain",
            "http://93.184.216.34/",
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        ("two\r\nlines", URL, StatusCode::UNPROCESSABLE_ENTITY),
        (
            "turned \u{202e}around",
            URL,
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
    ] {
        let answer = world.post(HERE, Some(&admin), &fields(name, url)).await;
        assert_eq!(answer.status, status, "{name}");
    }
    let mut more = fields("details", URL);
    more.push(("details", "yes"));
    let answer = world.post(HERE, Some(&admin), &more).await;
    assert_eq!(
        answer.status,
        StatusCode::FORBIDDEN,
        "no authority for details"
    );
    more.retain(|(name, _)| *name != "details");
    more.push(("created_by", "somebody"));
    let answer = world.post(HERE, Some(&admin), &more).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(world.desk.webhooks().is_empty());
}

#[test]
fn every_kind_and_refusal_has_its_words_in_both_languages() {
    use desk::webhooks::{EventKind, OffWhy, WebhookRefusal};
    for lang in plan::Lang::ALL {
        let words = document::words(lang);
        for kind in EventKind::ALL.into_iter().chain([EventKind::Test]) {
            let key = kind.code().replace(['.', '_'], "-");
            assert!(words.has(&format!("webhooks-kind-{key}")), "{key}");
        }
        for refusal in WebhookRefusal::ALL {
            let key = format!("webhooks-refusal-{}", refusal.code());
            assert!(words.has(&key), "{key}");
        }
        for why in [OffWhy::Gone, OffWhy::Failing, OffWhy::Behind] {
            assert!(words.has(&format!("webhooks-off-{}", why.code())));
            assert!(words.has(&format!("webhooks-off-why-{}", why.code())));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_gets_the_secret_once_and_changes_only_what_it_saw() {
    const API: &str = "/api/v1/webhooks";
    let world = world();
    let admin = world.person("admin", &["sysadmin"]);
    let send = async |path: &str, key: &str, version: &str, body: &str| {
        let headers = [
            ("x-csrf-token", admin.csrf.as_str()),
            ("idempotency-key", key),
            ("if-match", version),
        ];
        world.post_json(path, &admin, &headers, body).await
    };
    let body = format!(r#"{{"name":"SOC","url":"{URL}","kinds":["incident.opened"]}}"#);
    let made = send(API, "k1", "*", &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let hook: serde_json::Value = serde_json::from_str(&made.body).expect("JSON");
    let (id, secret) = (
        hook["id"].as_str().unwrap(),
        hook["secret"].as_str().unwrap(),
    );
    assert_eq!(made.header("etag"), "\"1\"");
    // Sent twice it acts once, and the secret is neither shown again nor stored in the open.
    let again = send(API, "k1", "*", &body).await;
    assert_eq!(again.status, StatusCode::CREATED);
    assert!(again.body.contains(id) && !again.body.contains(&secret[6..]));
    assert_eq!(world.desk.webhooks().len(), 1);
    let one = format!("{API}/{id}");
    let read = world.get(&one, Some(&admin)).await;
    assert!(!read.body.contains(&secret[6..]) && !read.body.contains("TOKENPATH"));
    assert_eq!(read.header("etag"), "\"1\"");
    for body in [
        r#"{"created_by":"x"}"#,
        r#"{"kinds":["access.restricted"]}"#,
        r#"{"kinds":[]}"#,
        r#"{"url":"https://169.254.169.254/"}"#,
    ] {
        let refused = send(&one, "k2", "\"1\"", body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
    }
    let changed = send(&one, "k3", "\"1\"", r#"{"name":"SOC 2"}"#).await;
    assert_eq!(
        (changed.status, changed.header("etag")),
        (StatusCode::OK, "\"2\"")
    );
    let stale = send(&one, "k4", "\"1\"", r#"{"enabled":false}"#).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    let details = send(&one, "k5", "\"2\"", r#"{"details":true}"#).await;
    assert_eq!(details.status, StatusCode::FORBIDDEN, "{}", details.body);
    let turned = send(
        &format!("{one}/secret"),
        "k6",
        "\"2\"",
        r#"{"overlap_h":24}"#,
    )
    .await;
    assert!(turned.body.contains("whsec_") && turned.body.contains("old_secret_until"));
    let tested = send(&format!("{one}/test"), "k7", "*", "").await;
    assert_eq!(tested.status, StatusCode::OK, "{}", tested.body);
    let log = world.get(&format!("{one}/deliveries"), Some(&admin)).await;
    assert!(log.body.contains("webhook.test"), "{}", log.body);
    let gone = send(&format!("{one}/delete"), "k8", "\"3\"", "").await;
    assert_eq!(gone.status, StatusCode::OK, "{}", gone.body);
    assert_eq!(
        world.get(&one, Some(&admin)).await.status,
        StatusCode::NOT_FOUND
    );
}
