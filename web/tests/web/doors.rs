//! Login, links, reports without login, forged requests, and the end of a live stream.

use crate::world::{PASSWORD, World};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use futures_util::StreamExt as _;
use model::AccountId;
use std::time::Duration;
use tower::ServiceExt as _;

#[tokio::test(flavor = "multi_thread")]
async fn a_login_tells_nothing_and_sets_a_safe_cookie() {
    let world = World::new();
    world.person("ciso", &["ciso"]);
    let page =
        |name: &'static str, password: &'static str| [("name", name), ("password", password)];
    let wrong = world
        .post("/login", None, &page("ciso", "wrong password here"))
        .await;
    let unknown = world
        .post("/login", None, &page("nosuch", "wrong password here"))
        .await;
    assert_eq!(
        (wrong.status, unknown.status),
        (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED)
    );
    let message = |body: &str| {
        body.split("data-message>")
            .nth(1)
            .and_then(|t| t.split('<').next())
            .unwrap_or("")
            .to_owned()
    };
    assert_eq!(message(&wrong.body), message(&unknown.body));
    assert!(!wrong.body.contains("wrong password here"));
    let empty = world.post("/login", None, &page("ciso", "")).await;
    assert_eq!(empty.status, StatusCode::UNAUTHORIZED);
    let fields = [
        ("name", "ciso"),
        ("password", PASSWORD),
        ("next", "//evil.example"),
    ];
    let right = world.post("/login", None, &fields).await;
    assert_eq!(
        (right.status, right.location()),
        (StatusCode::SEE_OTHER, "/")
    );
    let cookie = right.header("set-cookie");
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/"),
        "{cookie}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_at_a_link_does_not_use_it_up() {
    let world = World::new();
    world.person("ciso", &["ciso"]);
    let token = world
        .desk
        .login_link(&AccountId::from("ciso"))
        .expect("a link");
    for _ in 0..3 {
        let seen = world.get(&format!("/login/link?token={token}"), None).await;
        assert_eq!(seen.status, StatusCode::OK);
        assert!(seen.header("set-cookie").is_empty());
    }
    let used = world.post("/login/link", None, &[("token", &token)]).await;
    assert_eq!((used.status, used.location()), (StatusCode::SEE_OTHER, "/"));
    assert!(
        used.cookie().starts_with("balefire_session="),
        "{}",
        used.cookie()
    );
    let again = world.post("/login/link", None, &[("token", &token)]).await;
    assert_eq!(again.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn anybody_reports_and_finds_the_report_again() {
    let world = World::new();
    let page = world.get("/report", None).await;
    assert!(
        !page.body.contains("data-events"),
        "a visitor needs no stream"
    );
    let fields = [
        ("what", "An order was changed\r\nto one yuan"),
        ("when", "today"),
        ("contact", ""),
        ("risk", "R2"),
        ("request", "r-1"),
    ];
    let sent = world.post("/report", None, &fields).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.body);
    let receipt = world.get(sent.location(), None).await;
    assert!(
        receipt.body.contains("An order was changed\nto one yuan")
            && receipt.body.contains("paged"),
        "{}",
        receipt.body
    );
    let twice = world.post("/report", None, &fields).await;
    assert_eq!(
        twice.location(),
        sent.location(),
        "one form made two reports"
    );
    let number = sent
        .location()
        .split("no=")
        .nth(1)
        .and_then(|t| t.split('&').next())
        .unwrap_or("");
    let stored = world.desk.report_by_receipt(number).expect("stored");
    assert_eq!(stored.when, desk::SeenWhen::Today);
    let empty = world
        .post("/report", None, &[("what", " "), ("where", "kept")])
        .await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        empty.body.contains("value=\"kept\""),
        "what was written is lost"
    );
    assert_eq!(
        world.get("/report/receipt?no=NOPE", None).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_of_other_sites_are_refused() {
    let world = World::new();
    let ciso = world.person("ciso", &["ciso"]);
    let fields = [("csrf", ciso.csrf.as_str()), ("lang", "en")];
    for headers in [
        [("sec-fetch-site", "cross-site"), ("host", "h")],
        [
            ("origin", "https://evil.example"),
            ("host", "balefire.example"),
        ],
        [("origin", "null"), ("host", "balefire.example")],
    ] {
        for path in ["/logout", "/look", "/report", "/login"] {
            let answer = world.post_raw(path, Some(&ciso), &fields, &headers).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {headers:?}");
        }
    }
    let own = [
        ("origin", "http://balefire.example"),
        ("host", "balefire.example"),
        ("sec-fetch-site", "same-origin"),
    ];
    assert_eq!(
        world
            .post_raw("/look", Some(&ciso), &fields, &own)
            .await
            .status,
        StatusCode::SEE_OTHER
    );
    let json = Request::post("/report")
        .header("content-type", "application/json")
        .body(Body::from("{}"))
        .expect("a request");
    assert_eq!(
        world.send(json).await.status,
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    );
    let long = "x".repeat(400_000);
    assert_eq!(
        world.post("/report", None, &[("what", &long)]).await.status,
        StatusCode::PAYLOAD_TOO_LARGE
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_stream_ends_with_its_session() {
    let world = World::new();
    let ciso = world.person("ciso", &["ciso"]);
    let request = Request::get("/events")
        .header("cookie", &ciso.cookie)
        .body(Body::empty())
        .expect("a request");
    let response = world
        .router
        .clone()
        .oneshot(request)
        .await
        .expect("an answer");
    assert_eq!(response.status(), StatusCode::OK);
    let mut stream = response.into_body().into_data_stream();
    let first = stream.next().await.expect("a tick").expect("bytes");
    assert!(first.starts_with(b"event: tick"), "{first:?}");
    assert_eq!(
        world.post("/logout", Some(&ciso), &[]).await.location(),
        "/login"
    );
    let rest = async { while stream.next().await.is_some() {} };
    tokio::time::timeout(Duration::from_secs(10), rest)
        .await
        .expect("the stream outlives its session");
}

#[tokio::test(flavor = "multi_thread")]
async fn assets_are_kept_for_ever_under_their_hash() {
    let world = World::new();
    let page = world.get("/login", None).await.body;
    for end in ["balefire.css", "balefire.js", "sign.svg"] {
        let at = page.find(end).expect("the page names it");
        let start = page[..at].rfind("/assets/").expect("its path");
        let path = &page[start..at + end.len()];
        let answer = world.get(path, None).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert!(
            answer.header("cache-control").contains("immutable"),
            "{path}"
        );
    }
}
