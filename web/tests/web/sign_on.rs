//! Single sign-on with a real provider: npm's `oidc-provider`, run by Node on loopback.

use crate::world::{Answer, Person, World};
use axum::http::StatusCode;
use desk::config::Config;
use desk::identity::sign_on::config::OidcConfig;
use model::{AccountId, PositionId};
use serde_json::json;
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;
use testkit::SignOnProvider;

const CLIENT: &str = "balefire";
const SECRET: &str = "a secret of the client & more";
const BACK: &str = "http://balefire.example/login/oidc/callback";

/// A browser at the provider's: follows nothing, keeps cookies.
#[derive(Default)]
struct Browser {
    cookies: BTreeMap<String, String>,
}

impl Browser {
    /// Gives the `Location` of the answer.
    fn get(&mut self, url: &str) -> String {
        let rest = url.strip_prefix("http://").expect("plain http on loopback");
        let (host, path) = rest.split_once('/').expect("a path");
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(n, v)| format!("{n}={v}"))
            .collect();
        let mut stream = TcpStream::connect(host).expect("the provider listens");
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .expect("a limit");
        let head = format!(
            "GET /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncookie: {}\r\n\r\n",
            cookies.join("; ")
        );
        stream.write_all(head.as_bytes()).expect("sent");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("an answer");
        let mut location = String::new();
        for line in text.split("\r\n\r\n").next().unwrap_or("").lines() {
            let Some((name, value)) = line.split_once(": ") else {
                continue;
            };
            match name.to_ascii_lowercase().as_str() {
                "location" => location = value.to_owned(),
                "set-cookie" => {
                    let pair = value.split(';').next().unwrap_or("");
                    let (name, value) = pair.split_once('=').expect("a cookie");
                    self.cookies.insert(name.to_owned(), value.to_owned());
                }
                _ => {}
            }
        }
        match location.starts_with('/') {
            true => format!("http://{host}{location}"),
            false => location,
        }
    }

    /// Logs in at the provider as somebody; gives the path and query of our callback.
    fn log_in(&mut self, away: &str, who: &str) -> String {
        let mut url = away.to_owned();
        for _ in 0..8 {
            url = match url.contains("/interaction/") {
                true => self.get(&format!("{url}?login={who}")),
                false => self.get(&url),
            };
            if let Some(rest) = url.strip_prefix("http://balefire.example") {
                return rest.to_owned();
            }
        }
        panic!("the provider sends nobody back; it stopped at {url}");
    }
}

struct Here {
    world: World,
    _provider: SignOnProvider,
    _files: testkit::TempFolder,
}

fn begin() -> Option<Here> {
    let people = json!({
        "lead": { "name": "Lead", "preferred_username": "lead", "groups": ["soc-leads"] },
        "agent": { "name": "Agent", "preferred_username": "ciso", "groups": ["desk", "unknown"] },
        "guest": { "name": "Guest", "preferred_username": "guest", "groups": ["others"] },
    });
    let input = json!({ "people": people, "client": CLIENT, "secret": SECRET, "redirect": BACK });
    let provider = SignOnProvider::start(env!("CARGO_TARGET_TMPDIR"), &input.to_string())?;
    let files = testkit::TempFolder::new();
    let secret = files.join("secret");
    std::fs::write(&secret, format!("{SECRET}\n")).expect("written");
    let positions = |names: &[&str]| names.iter().map(|n| PositionId::new(*n)).collect();
    let oidc = OidcConfig {
        issuer: provider.issuer().to_owned(),
        client_id: CLIENT.into(),
        client_secret_file: Some(secret),
        redirect: BACK.into(),
        ca_file: None,
        allow: vec!["127.0.0.1".into()],
        scope: "openid profile".into(),
        group_claim: "groups".into(),
        groups: BTreeMap::from([
            ("soc-leads".to_owned(), positions(&["ciso", "sysadmin"])),
            ("desk".to_owned(), positions(&["cs_agent"])),
        ]),
    };
    let world = World::configured(Config {
        oidc: Some(oidc),
        ..Config::default()
    });
    Some(Here {
        world,
        _provider: provider,
        _files: files,
    })
}

impl Here {
    /// Goes away to the provider; gives its address and our cookie.
    async fn leave(&self) -> (String, Person) {
        let away = self.world.get("/login/oidc?next=/settings", None).await;
        assert_eq!(away.status, StatusCode::SEE_OTHER, "{}", away.body);
        let cookie = away.header("set-cookie").to_owned();
        assert!(
            cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
            "{cookie}"
        );
        let kept = Person {
            cookie: away.cookie(),
            csrf: String::new(),
        };
        (away.location().to_owned(), kept)
    }
    async fn log_in(&self, who: &str) -> Answer {
        let (url, kept) = self.leave().await;
        let back = Browser::default().log_in(&url, who);
        self.world.get(&back, Some(&kept)).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_of_the_provider_comes_in_with_the_positions_of_their_groups() {
    let Some(here) = begin() else { return };
    let world = &here.world;
    world.person("ciso", &["ciso"]);
    let first = here.log_in("lead").await;
    assert_eq!(first.location(), "/settings", "{}", first.body);
    let lead = world.person_of(&first);
    assert_eq!(
        world.get("/settings/people", Some(&lead)).await.status,
        StatusCode::OK
    );
    // The same person, the same account.
    assert_eq!(here.log_in("lead").await.location(), "/settings");
    let accounts = world.desk.accounts().expect("read");
    assert_eq!(
        accounts.iter().filter(|a| a.id.as_str() == "lead").count(),
        1
    );

    // A name that is taken here is not taken over, whatever the provider calls somebody.
    let agent = world.person_of(&here.log_in("agent").await);
    let token = agent.cookie.split_once('=').expect("a cookie").1;
    let session = world.desk.session(token).expect("a session");
    assert!(
        session.account.as_str().starts_with("sso-"),
        "{}",
        session.account
    );
    assert_eq!(session.positions, [PositionId::new("cs_agent")]);

    let guest = here.log_in("guest").await;
    assert_eq!(guest.status, StatusCode::FORBIDDEN, "no group, no way in");
    assert!(
        world
            .desk
            .person(&AccountId::from("guest"))
            .expect("read")
            .is_none()
    );

    // Disabled here stays disabled, whatever the provider says.
    let op = crate::ways_in::operation(&world.desk, "ciso");
    world
        .desk
        .disable(&op, &AccountId::from("lead"))
        .expect("disabled");
    assert_eq!(here.log_in("lead").await.status, StatusCode::FORBIDDEN);
    assert!(
        world
            .get("/settings", Some(&lead))
            .await
            .location()
            .starts_with("/login")
    );
    // There is no password that opens such an account.
    for password in ["!", "", "any password that is long"] {
        let fields = [("name", "lead"), ("password", password)];
        let answer = world.post("/login", None, &fields).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_counts_only_in_the_browser_that_asked() {
    let Some(here) = begin() else { return };
    let (url, kept) = here.leave().await;
    for wanted in [
        "code_challenge_method=S256",
        "state=",
        "nonce=",
        "response_type=code",
    ] {
        assert!(url.contains(wanted), "{url}");
    }
    let back = Browser::default().log_in(&url, "lead");
    let refused = |answer: &Answer| {
        answer.status == StatusCode::FORBIDDEN && answer.cookie().starts_with("balefire_sign_on=")
    };
    // Somebody else's browser, another login's cookie, a changed state, no code.
    assert!(refused(&here.world.get(&back, None).await));
    let (_, other) = here.leave().await;
    assert!(refused(&here.world.get(&back, Some(&other)).await));
    let changed = back.replace("state=", "state=x");
    assert!(refused(&here.world.get(&changed, Some(&kept)).await));
    assert!(refused(
        &here.world.get("/login/oidc/callback", Some(&kept)).await
    ));
    // The browser that asked; then the code is used up at the provider.
    let good = here.world.get(&back, Some(&kept)).await;
    assert_eq!(good.location(), "/settings", "{}", good.body);
    assert!(refused(&here.world.get(&back, Some(&kept)).await));
}
