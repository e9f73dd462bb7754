//! The ways in under attack: parallel guesses, used codes, old cookies, people who were let go.

use crate::world::{Answer, PASSWORD, Person, World};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use desk::Desk;
use desk::identity::totp;
use model::{AccountId, Actor, Operation, PositionId, RequestId};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use tower::ServiceExt as _;

/// What a person does through the desk itself.
pub fn operation(desk: &Desk, account: &str) -> Operation {
    let person = desk
        .person(&AccountId::from(account))
        .expect("the store answers");
    let person = person.expect("the account is there");
    Operation {
        actor: Actor::Person {
            account: person.id,
            name: person.name,
            positions: person.positions,
        },
        reason: String::new(),
        request: RequestId::new("r"),
        now: desk.now(),
    }
}

/// The lines that a page shows once.
pub fn once(answer: &Answer) -> Vec<String> {
    let parts = answer.body.split("data-once>").skip(1);
    let lines: Vec<String> = parts
        .filter_map(|rest| rest.split('<').next())
        .map(str::to_owned)
        .collect();
    assert!(!lines.is_empty(), "{} {}", answer.status, answer.body);
    lines
}

/// Sets the second factor up through the pages; gives its secret and the recovery codes.
pub async fn set_up_factor(world: &World, account: &str, who: &Person) -> (Vec<u8>, Vec<String>) {
    let shown = world.post("/settings/account/factor", Some(who), &[]).await;
    assert!(shown.body.contains("<svg class=\"qr\""), "{}", shown.body);
    let text = shown.body.split("data-secret>").nth(1).expect("a secret");
    let text = text.split('<').next().unwrap_or("").replace(' ', "");
    let secret = from_base32(&text);
    let wrong = [("code", "000000")];
    let path = "/settings/account/factor/confirm";
    assert_eq!(
        world.post(path, Some(who), &wrong).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert!(
        !world
            .desk
            .second_factor(&AccountId::from(account))
            .expect("read")
            .enrolled
    );
    let code = totp::code(&secret, totp::step_at(world.desk.now()) - 1);
    let codes = once(&world.post(path, Some(who), &[("code", &code)]).await);
    assert_eq!(codes.len(), 10);
    (secret, codes)
}

fn from_base32(text: &str) -> Vec<u8> {
    let (mut held, mut bits, mut out) = (0_u32, 0, Vec::new());
    for c in text.bytes() {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'2'..=b'7' => c - b'2' + 26,
            _ => panic!("{text} is no base32"),
        };
        held = (held << 5) | u32::from(value);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            out.push((held >> bits & 0xff) as u8);
        }
    }
    out
}

fn ticket(answer: &Answer) -> String {
    let rest = answer.body.split("name=\"ticket\" value=\"").nth(1);
    let rest = rest.unwrap_or_else(|| panic!("no second step: {}", answer.body));
    rest.split('"').next().unwrap_or("").to_owned()
}

/// Sends the same form many times at once; gives the answers' status codes.
async fn at_once(world: &World, path: &str, fields: &str, times: usize) -> Vec<StatusCode> {
    let sent = (0..times).map(|_| {
        let request = Request::post(path.to_owned())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(fields.to_owned()))
            .expect("a request");
        tokio::spawn(world.router.clone().oneshot(request))
    });
    let mut out = Vec::new();
    for answer in sent.collect::<Vec<_>>() {
        out.push(answer.await.expect("answered").expect("answered").status());
    }
    out
}

fn count(answers: &[StatusCode], status: StatusCode) -> usize {
    answers.iter().filter(|s| **s == status).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_wrong_passwords_at_once_ten_are_looked_at() {
    let world = World::new();
    world.person("ciso", &["ciso"]);
    for name in ["ciso", "nosuch"] {
        let fields = format!("name={name}&password=wrong+password+here");
        let answers = at_once(&world, "/login", &fields, 200).await;
        assert_eq!(count(&answers, StatusCode::UNAUTHORIZED), 10, "{name}");
        assert_eq!(
            count(&answers, StatusCode::TOO_MANY_REQUESTS),
            190,
            "{name}"
        );
    }
    // The right password waits like any other.
    let right = [("name", "ciso"), ("password", PASSWORD)];
    let late = world.post("/login", None, &right).await;
    assert_eq!(late.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_is_asked_for_and_taken_once() {
    let world = World::new();
    let ciso = world.person("ciso", &["ciso"]);
    let (secret, recovery) = set_up_factor(&world, "ciso", &ciso).await;
    let fields = [("name", "ciso"), ("password", PASSWORD)];
    let first = world.post("/login", None, &fields).await;
    assert!(
        first.cookie().is_empty(),
        "a session before the second step"
    );
    let ticket_text = ticket(&first);
    let code = totp::code(&secret, totp::step_at(world.desk.now()));
    let form = format!("ticket={ticket_text}&code={code}");
    let answers = at_once(&world, "/login/code", &form, 40).await;
    assert_eq!(count(&answers, StatusCode::SEE_OTHER), 1, "{answers:?}");
    // A recovery code works once, dashes or not.
    let code = recovery[0].to_lowercase().replace('-', "");
    for expected in [StatusCode::SEE_OTHER, StatusCode::UNAUTHORIZED] {
        let fields = [("ticket", ticket_text.as_str()), ("code", &code)];
        let answer = world.post("/login/code", None, &fields).await;
        assert_eq!(answer.status, expected);
    }
    assert_eq!(
        world
            .desk
            .second_factor(&AccountId::from("ciso"))
            .expect("read")
            .recovery_left,
        9
    );
    // A one-time link goes past the password, not past the second factor.
    let link = world
        .desk
        .login_link(&AccountId::from("ciso"))
        .expect("a link");
    let by_link = world.post("/login/link", None, &[("token", &link)]).await;
    assert!(by_link.cookie().is_empty());
    ticket(&by_link);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_wrong_codes_at_once_ten_are_looked_at() {
    let world = World::new();
    let ciso = world.person("ciso", &["ciso"]);
    set_up_factor(&world, "ciso", &ciso).await;
    let fields = [("name", "ciso"), ("password", PASSWORD)];
    let ticket = ticket(&world.post("/login", None, &fields).await);
    for guess in ["AAAA-AAAA", "000000"] {
        let form = format!("ticket={ticket}&code={guess}");
        let answers = at_once(&world, "/login/code", &form, 200).await;
        assert_eq!(count(&answers, StatusCode::UNAUTHORIZED), 10, "{guess}");
        assert_eq!(
            count(&answers, StatusCode::TOO_MANY_REQUESTS),
            190,
            "{guess}"
        );
    }
    let forged = [("ticket", "AAAA"), ("code", "000000")];
    let answer = world.post("/login/code", None, &forged).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_name_costs_as_much_as_a_wrong_password() {
    let world = World::new();
    for i in 0..8 {
        world.person(&format!("known{i}"), &["cio"]);
    }
    let mut times: [Vec<Duration>; 2] = Default::default();
    for i in 0..8 {
        for (kind, name) in [format!("known{i}"), format!("nobody{i}")]
            .iter()
            .enumerate()
        {
            let start = Instant::now();
            let fields = [("name", name.as_str()), ("password", "wrong password here")];
            let answer = world.post("/login", None, &fields).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
            times[kind].push(start.elapsed());
        }
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort();
        times[times.len() / 2].as_secs_f64()
    };
    let [mut known, mut unknown] = times;
    let ratio = median(&mut unknown) / median(&mut known);
    // Without the decoy hash an unknown name takes a hundredth of the time.
    assert!((0.4..2.5).contains(&ratio), "{ratio}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_leaves_the_browsers_old_session_behind() {
    let world = World::new();
    let planted = world.person("mallory", &["cs_agent"]);
    world.person("ciso", &["ciso"]);
    let fields = [("name", "ciso"), ("password", PASSWORD)];
    let answer = world.post("/login", Some(&planted), &fields).await;
    let own = world.person_of(&answer);
    assert_ne!(own.cookie, planted.cookie);
    let old = world.get("/settings", Some(&planted)).await;
    assert!(
        old.location().starts_with("/login"),
        "the old session lives on"
    );
    assert_eq!(
        world.get("/settings", Some(&own)).await.status,
        StatusCode::OK
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_must_have_a_second_factor_gets_nowhere_without() {
    let config = desk::config::Config {
        accounts: desk::identity::config::AccountsConfig {
            second_factor: vec![PositionId::new("ciso")],
        },
        ..Default::default()
    };
    let world = World::configured(config);
    let ciso = world.person("ciso", &["ciso"]);
    let agent = world.person("agent", &["cs_agent"]);
    for path in ["/", "/settings/people", "/incidents", "/settings/tokens"] {
        let answer = world.get(path, Some(&ciso)).await;
        assert_eq!(answer.location(), "/settings/account", "{path}");
    }
    let api = world.get("/api/v1/incidents", Some(&ciso)).await;
    assert_eq!(api.status, StatusCode::FORBIDDEN);
    let act = world.post("/settings/break-glass", Some(&ciso), &[]).await;
    assert_eq!(act.status, StatusCode::FORBIDDEN);
    assert_eq!(world.get("/", Some(&agent)).await.status, StatusCode::OK);
    set_up_factor(&world, "ciso", &ciso).await;
    assert_eq!(world.get("/", Some(&ciso)).await.status, StatusCode::OK);
}

#[test]
fn who_is_disabled_is_cut_off_within_a_second() {
    let world = World::new();
    let agent = world.person("agent", &["cs_agent"]);
    world.person("ciso", &["ciso"]);
    let running = web::start(world.desk.clone(), web::WebOptions::default()).expect("it serves");
    let mut stream = TcpStream::connect(running.addr).expect("a connection");
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a time limit");
    let request = format!(
        "GET /events HTTP/1.1\r\nhost: h\r\ncookie: {}\r\n\r\n",
        agent.cookie
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut seen = Vec::new();
    let mut part = [0_u8; 1024];
    while !String::from_utf8_lossy(&seen).contains("event: tick") {
        let n = stream.read(&mut part).expect("the stream begins");
        assert!(n > 0, "{}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&part[..n]);
    }
    let op = operation(&world.desk, "ciso");
    let start = Instant::now();
    world
        .desk
        .disable(&op, &AccountId::from("agent"))
        .expect("disabled");
    // The end of a chunked body, or of the connection.
    let mut rest = Vec::new();
    while !rest.ends_with(b"0\r\n\r\n") {
        match stream.read(&mut part).expect("it ends in time") {
            0 => break,
            n => rest.extend_from_slice(&part[..n]),
        }
    }
    let took = start.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert!(
        world
            .desk
            .session(agent.cookie.split_once('=').expect("a cookie").1)
            .is_none()
    );
    running.stop();
}
