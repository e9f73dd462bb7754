//! The settings on a real desk: invitations, four eyes, tokens, emergency codes, own sessions.

use crate::ways_in::{once, operation};
use crate::world::{Answer, PASSWORD, Person, World};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use desk::identity::api_token::Scope;
use model::{AccountId, PositionId};

const NEW_PASSWORD: &str = "another long password of mine";

fn state(world: &World, account: &str) -> String {
    let person = world.desk.person(&AccountId::from(account)).expect("read");
    person.map_or_else(|| "none".to_owned(), |p| p.state_code().to_owned())
}

fn positions(world: &World, account: &str) -> Vec<String> {
    let person = world.desk.person(&AccountId::from(account)).expect("read");
    let positions = person.map(|p| p.positions).unwrap_or_default();
    positions.iter().map(ToString::to_string).collect()
}

fn proposal(world: &World) -> String {
    let all = world.desk.account_proposals().expect("read");
    all[0].id.clone()
}

async fn bearer(world: &World, verb: &str, path: &str, token: &str, cookie: &str) -> Answer {
    let request = Request::builder()
        .method(verb)
        .uri(path)
        .header("authorization", format!("Bearer {token}"))
        .header("cookie", cookie)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::empty());
    world.send(request.expect("a request")).await
}

async fn token_of(world: &World, who: &Person, scopes: &[&str]) -> String {
    let mut fields = vec![("name", "a program"), ("days", "30")];
    fields.extend(scopes.iter().map(|s| ("scope", *s)));
    let made = world.post("/settings/tokens", Some(who), &fields).await;
    once(&made)[0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invited_person_can_do_nothing_until_the_password_is_set() {
    let world = World::new();
    let ciso = world.person("ciso", &["ciso"]);
    let fields = [
        ("account", "agent"),
        ("name", "Agent"),
        ("position", "cs_agent"),
    ];
    let invited = world.post("/settings/people", Some(&ciso), &fields).await;
    let link = once(&invited)[0].clone();
    let token = link.split("token=").nth(1).expect("a token").to_owned();
    assert_eq!(state(&world, "agent"), "invited");
    for password in ["!", "", PASSWORD] {
        let login = [("name", "agent"), ("password", password)];
        let refused = world.post("/login", None, &login).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    }
    // Not by another way in either, and not by another person's decision.
    let other = world
        .desk
        .login_link(&AccountId::from("agent"))
        .expect("a link");
    let by_link = world.post("/login/link", None, &[("token", &other)]).await;
    assert_eq!(by_link.status, StatusCode::UNAUTHORIZED);
    let op = operation(&world.desk, "agent");
    assert!(world.desk.disable(&op, &AccountId::from("ciso")).is_err());

    for _ in 0..2 {
        let page = world.get(&format!("/welcome?token={token}"), None).await;
        assert_eq!(page.status, StatusCode::OK);
    }
    let short = [("token", token.as_str()), ("password", "short")];
    let refused = world.post("/welcome", None, &short).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let good = [("token", token.as_str()), ("password", NEW_PASSWORD)];
    let agent = world.person_of(&world.post("/welcome", None, &good).await);
    assert_eq!(state(&world, "agent"), "active");
    assert_eq!(world.get("/", Some(&agent)).await.status, StatusCode::OK);
    let again = world.post("/welcome", None, &good).await;
    assert_eq!(again.status, StatusCode::UNAUTHORIZED, "a link works once");

    // Disabled and let in again: the password stands, old sessions do not come back.
    let path = |act: &str| format!("/settings/people/agent/{act}");
    world.post(&path("disable"), Some(&ciso), &[]).await;
    assert!(
        world
            .get("/", Some(&agent))
            .await
            .location()
            .starts_with("/login")
    );
    let login = [("name", "agent"), ("password", NEW_PASSWORD)];
    assert_eq!(
        world.post("/login", None, &login).await.status,
        StatusCode::UNAUTHORIZED
    );
    world.post(&path("enable"), Some(&ciso), &[]).await;
    assert!(
        world
            .get("/", Some(&agent))
            .await
            .location()
            .starts_with("/login")
    );
    assert_eq!(world.post("/login", None, &login).await.location(), "/");
}

#[tokio::test(flavor = "multi_thread")]
async fn power_over_accounts_is_given_by_two() {
    let world = World::new();
    let (ciso, admin) = (
        world.person("ciso", &["ciso"]),
        world.person("admin", &["sysadmin"]),
    );
    let agent = world.person("agent", &["cs_agent"]);
    let grant = [
        ("position", "cs_agent"),
        ("position", "sysadmin"),
        ("held", "cs_agent"),
    ];
    let path = "/settings/people/agent/positions";
    let proposed = world.post(path, Some(&ciso), &grant).await;
    assert_eq!(
        proposed.location(),
        "/settings/people?done=settings-proposed"
    );
    assert_eq!(positions(&world, "agent"), ["cs_agent"]);
    let approve = format!("/settings/proposals/{}/approve", proposal(&world));
    let own = world.post(&approve, Some(&ciso), &[]).await;
    assert_eq!(
        own.status,
        StatusCode::FORBIDDEN,
        "the first person approved"
    );
    let target = world.post(&approve, Some(&agent), &[]).await;
    assert_eq!(target.status, StatusCode::FORBIDDEN);
    assert_eq!(positions(&world, "agent"), ["cs_agent"]);
    let done = world.post(&approve, Some(&admin), &[]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    assert_eq!(positions(&world, "agent"), ["cs_agent", "sysadmin"]);
    let twice = world.post(&approve, Some(&admin), &[]).await;
    assert_eq!(twice.status, StatusCode::CONFLICT);
    // One's own grants stay as they are, whoever one is.
    let own = world
        .post("/settings/people/ciso/positions", Some(&ciso), &grant)
        .await;
    assert_eq!(own.status, StatusCode::FORBIDDEN);
    assert_eq!(positions(&world, "ciso"), ["ciso"]);
}

/// Two who have the same page open: the second is told, and what the first gave stays. A proposal
/// is for the positions that stood when it was made.
#[tokio::test(flavor = "multi_thread")]
async fn positions_changed_meanwhile_are_not_overwritten() {
    let world = World::new();
    let (ciso, admin) = (
        world.person("ciso", &["ciso"]),
        world.person("admin", &["sysadmin"]),
    );
    world.person("agent", &["cs_agent"]);
    let path = "/settings/people/agent/positions";
    let fields = |given| {
        [
            ("position", "cs_agent"),
            ("position", given),
            ("held", "cs_agent"),
        ]
    };
    let page = world.get("/settings/people/agent", Some(&ciso)).await;
    assert!(page.body.contains("name=\"held\" value=\"cs_agent\""));
    let proposed = world.post(path, Some(&ciso), &fields("sysadmin")).await;
    assert_eq!(proposed.status, StatusCode::SEE_OTHER, "{}", proposed.body);

    let first = world
        .post(path, Some(&ciso), &fields("legal_counsel"))
        .await;
    assert_eq!(first.status, StatusCode::SEE_OTHER, "{}", first.body);
    let second = world.post(path, Some(&admin), &fields("head_cs")).await;
    assert_eq!(second.status, StatusCode::CONFLICT, "{}", second.body);
    assert!(
        second.body.contains("were changed meanwhile"),
        "{}",
        second.body
    );
    let approve = format!("/settings/proposals/{}/approve", proposal(&world));
    let late = world.post(&approve, Some(&admin), &[]).await;
    assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.body);
    assert_eq!(positions(&world, "agent"), ["cs_agent", "legal_counsel"]);

    // The same of positions asked for with an invitation.
    let fields = [
        ("account", "new"),
        ("name", "New"),
        ("position", "cs_agent"),
        ("position", "sysadmin"),
    ];
    let invited = world.post("/settings/people", Some(&ciso), &fields).await;
    assert_eq!(invited.status, StatusCode::OK, "{}", invited.body);
    let approve = format!("/settings/proposals/{}/approve", proposal(&world));
    let fields = [("position", "auditor"), ("held", "cs_agent")];
    let path = "/settings/people/new/positions";
    let first = world.post(path, Some(&ciso), &fields).await;
    assert_eq!(first.status, StatusCode::SEE_OTHER, "{}", first.body);
    let late = world.post(&approve, Some(&admin), &[]).await;
    assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.body);
    assert_eq!(positions(&world, "new"), ["auditor"]);

    // At the same moment, too, exactly one of them counts.
    let give = |n: usize| {
        let desk = world.desk.clone();
        let op = operation(&desk, "ciso");
        std::thread::spawn(move || {
            let held = ["cs_agent", "legal_counsel"].map(PositionId::new);
            let given = ["head_cs", "head_legal", "marketing_specialist", "auditor"][n];
            let agent = AccountId::from("agent");
            desk.set_positions(&op, &agent, &[PositionId::new(given)], Some(&held))
                .is_ok()
        })
    };
    let threads: Vec<_> = (0..4).map(give).collect();
    let ended = threads.into_iter().map(|t| t.join().expect("it ends"));
    assert_eq!(ended.filter(|given| *given).count(), 1);
    assert_eq!(positions(&world, "agent").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_approvals_at_once_one_counts() {
    let world = World::new();
    world.person("ciso", &["ciso"]);
    for i in 0..4 {
        world.person(&format!("admin{i}"), &["sysadmin"]);
    }
    let grant = [PositionId::new("sysadmin")];
    world.person("agent", &["cs_agent"]);
    let op = operation(&world.desk, "ciso");
    world
        .desk
        .set_positions(&op, &AccountId::from("agent"), &grant, None)
        .expect("proposed");
    let id = proposal(&world);
    let threads: Vec<_> = (0..4)
        .map(|i| {
            let (desk, id) = (world.desk.clone(), id.clone());
            let op = operation(&desk, &format!("admin{i}"));
            std::thread::spawn(move || desk.approve_account_proposal(&op, &id).is_ok())
        })
        .collect();
    let ended = threads.into_iter().map(|t| t.join().expect("it ends"));
    assert_eq!(ended.filter(|approved| *approved).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_a_form_does_not_have_is_refused() {
    let world = World::new();
    let ciso = world.person("ciso", &["ciso"]);
    let agent = world.person("agent", &["cs_agent"]);
    let profile = [("version", "0"), ("mail", "a@b.example")];
    let cases = [
        (
            "/settings/account/profile",
            &agent,
            vec![("reports_to", "")],
        ),
        (
            "/settings/account/profile",
            &agent,
            vec![("position", "cio")],
        ),
        (
            "/settings/account/profile",
            &agent,
            vec![("account", "ciso")],
        ),
        (
            "/settings/people/agent/profile",
            &ciso,
            vec![("password_hash", "x")],
        ),
        (
            "/settings/people/agent/profile",
            &ciso,
            vec![("state", "disabled")],
        ),
        (
            "/settings/people/agent/profile",
            &ciso,
            vec![("positions", "cio")],
        ),
    ];
    for (path, who, extra) in cases {
        let mut fields = profile.to_vec();
        if path.contains("people") {
            fields.push(("name", "Agent"));
        }
        fields.extend(extra.clone());
        let answer = world.post(path, Some(who), &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{extra:?}");
    }
    let (kept, version) = world.desk.profile(&AccountId::from("agent")).expect("read");
    assert_eq!((kept, version), (desk::Profile::default(), 0));
    let saved = world
        .post("/settings/account/profile", Some(&agent), &profile)
        .await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.body);
    // Read at version 0, changed meanwhile: a clear conflict, nothing lost.
    let stale = world
        .post("/settings/account/profile", Some(&agent), &profile)
        .await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_does_what_its_scopes_and_its_owner_may() {
    let world = World::new();
    let ciso = world.person("ciso", &["ciso"]);
    let nobody = world.person("nobody", &[]);
    let token = token_of(&world, &ciso, &["read"]).await;
    assert!(token.starts_with("bfp_"));
    let ok = bearer(&world, "GET", "/api/v1/incidents", &token, "").await;
    assert_eq!(ok.status, StatusCode::OK);
    let powerless = token_of(&world, &nobody, &["read"]).await;
    let answer = bearer(&world, "GET", "/api/v1/incidents", &powerless, "").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "more than its owner");
    let reporter = token_of(&world, &ciso, &["report"]).await;
    let answer = bearer(&world, "GET", "/api/v1/incidents", &reporter, "").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "more than its scopes");
    // Pages take no tokens, and a bad token is nobody even beside a good cookie.
    let page = bearer(&world, "GET", "/incidents", &token, "").await;
    assert!(page.location().starts_with("/login"));
    for bad in ["", "bfp_", "x", &token[..token.len() - 1]] {
        let answer = bearer(&world, "GET", "/api/v1/session", bad, &ciso.cookie).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{bad}");
    }
    // Every GET of the API without the scope is refused, every one of the settings is no API.
    let none = bearer(&world, "GET", "/settings/people", &token, "").await;
    assert!(none.location().starts_with("/login"));

    let seen = world
        .desk
        .tokens(Some(&AccountId::from("ciso")))
        .expect("read");
    assert!(
        seen.iter().any(|t| t.seen_at.is_some()),
        "the last use is noted"
    );
    let id = seen
        .iter()
        .find(|t| t.scopes == [Scope::Read])
        .expect("listed")
        .id
        .clone();
    let foreign = format!("/settings/tokens/{id}/revoke");
    let theirs = world.post(&foreign, Some(&nobody), &[]).await;
    assert_eq!(theirs.status, StatusCode::NOT_FOUND);
    world.post(&foreign, Some(&ciso), &[]).await;
    let revoked = bearer(&world, "GET", "/api/v1/incidents", &token, "").await;
    assert_eq!(revoked.status, StatusCode::UNAUTHORIZED);

    let admin = world.person("admin", &["sysadmin"]);
    let path = "/settings/people/nobody/disable";
    world.post(path, Some(&admin), &[]).await;
    let dead = bearer(&world, "GET", "/api/v1/session", &powerless, "").await;
    assert_eq!(
        dead.status,
        StatusCode::UNAUTHORIZED,
        "outlives its account"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_acts_wants_a_second_person() {
    let world = World::new();
    let (ciso, admin) = (
        world.person("ciso", &["ciso"]),
        world.person("admin", &["sysadmin"]),
    );
    let engineer = world.person("engineer", &["security_engineer"]);
    let fields = [
        ("name", "bot"),
        ("days", "30"),
        ("scope", "act:containment"),
    ];
    let asked = world
        .post("/settings/tokens", Some(&engineer), &fields)
        .await;
    assert_eq!(asked.location(), "/settings/tokens?done=settings-proposed");
    let id = proposal(&world);
    let path = |act: &str| format!("/settings/proposals/{id}/{act}");
    let early = world.post(&path("collect"), Some(&engineer), &[]).await;
    assert_eq!(early.status, StatusCode::CONFLICT);
    world.post(&path("approve"), Some(&admin), &[]).await;
    let thief = world.post(&path("collect"), Some(&ciso), &[]).await;
    assert_eq!(
        thief.status,
        StatusCode::CONFLICT,
        "somebody else collected it"
    );
    let token = once(&world.post(&path("collect"), Some(&engineer), &[]).await)[0].clone();
    let session = world
        .desk
        .session_of_token(&token)
        .unwrap()
        .expect("it is good");
    assert_eq!(session.account, AccountId::from("engineer"));
    assert!(!session.scope_allows(plan::Act::ManageAccounts));
    let again = world.post(&path("collect"), Some(&engineer), &[]).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "shown twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_code_works_once_and_pages_everybody() {
    let world = World::new();
    let (ciso, admin) = (
        world.person("ciso", &["ciso"]),
        world.person("admin", &["sysadmin"]),
    );
    world.person("agent", &["cs_agent"]);
    world.person("writer", &["marketing_specialist", "cs_agent"]);
    world
        .post("/settings/break-glass", Some(&ciso), &[("count", "3")])
        .await;
    let id = proposal(&world);
    let path = |act: &str| format!("/settings/proposals/{id}/{act}");
    world.post(&path("approve"), Some(&admin), &[]).await;
    let codes = once(&world.post(&path("collect"), Some(&ciso), &[]).await);
    assert_eq!(codes.len(), 3);
    let form = |code: &'static str| [("code", code), ("who", "Agent"), ("reason", "chat is down")];
    let wrong = world
        .post("/login/emergency", None, &form("AAAA-AAAA"))
        .await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    let silent = [("code", codes[0].as_str()), ("who", ""), ("reason", "")];
    let refused = world.post("/login/emergency", None, &silent).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let small = codes[0].to_lowercase();
    let fields = [
        ("code", small.as_str()),
        ("who", "Agent"),
        ("reason", "chat is down"),
    ];
    let inside = world.person_of(&world.post("/login/emergency", None, &fields).await);
    assert_eq!(
        world.get("/incidents", Some(&inside)).await.status,
        StatusCode::OK
    );
    let again = world.post("/login/emergency", None, &fields).await;
    assert_eq!(again.status, StatusCode::UNAUTHORIZED, "a code works once");

    let plan = world.desk.plan();
    let leading = plan
        .group(&model::GroupId::new("leading"))
        .expect("the plan has it");
    let rows = world.desk.outbox(None, 100);
    let pages: Vec<_> = rows.iter().filter(|m| m.kind == "alarm").collect();
    let to = |position: &str| {
        let found = pages.iter().find(|m| m.id.as_str().ends_with(position));
        found.unwrap_or_else(|| panic!("nobody told {position}: {pages:?}"))
    };
    for position in leading.everyone() {
        assert!(to(position.as_str()).body.contains("chat is down"));
    }
    // Everybody else learns that it was used, each once, and not what was said of it.
    for position in ["sysadmin", "cs_agent"] {
        assert!(!to(position).body.contains("chat is down"));
    }
    assert_eq!(pages.len(), leading.everyone().len() + 2, "{pages:?}");
    assert_eq!(world.desk.break_glass().expect("read").left, 2);
    // The session ends with the account, as anybody's.
    let off = world
        .post("/settings/people/emergency-1/disable", Some(&admin), &[])
        .await;
    assert_eq!(off.status, StatusCode::SEE_OTHER, "{}", off.body);
    assert!(
        world
            .get("/", Some(&inside))
            .await
            .location()
            .starts_with("/login")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn own_sessions_are_seen_and_ended_and_nobody_elses() {
    let world = World::new();
    let ciso = world.person("ciso", &["ciso"]);
    let agent = world.person("agent", &["cs_agent"]);
    let login = [("name", "agent"), ("password", PASSWORD)];
    let second = world.person_of(&world.post("/login", None, &login).await);
    let id = AccountId::from("agent");
    let token = agent.cookie.split_once('=').expect("a cookie").1;
    let listed = world.desk.sessions(&id, Some(token)).expect("read");
    assert_eq!(listed.len(), 2);
    let other = listed
        .iter()
        .find(|s| !s.own)
        .expect("the second one")
        .id
        .clone();
    let end = format!("/settings/account/sessions/{other}/end");
    let foreign = world.post(&end, Some(&ciso), &[]).await;
    assert_eq!(foreign.status, StatusCode::NOT_FOUND);
    assert_eq!(
        world.get("/settings", Some(&second)).await.status,
        StatusCode::OK
    );
    world.post(&end, Some(&agent), &[]).await;
    assert!(
        world
            .get("/settings", Some(&second))
            .await
            .location()
            .starts_with("/login")
    );

    // A new password asks for the old one, and ends the other sessions.
    let third = world.person_of(&world.post("/login", None, &login).await);
    let path = "/settings/account/password";
    let wrong = [("old", "not my password at all"), ("new", NEW_PASSWORD)];
    let refused = world.post(path, Some(&agent), &wrong).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let right = [("old", PASSWORD), ("new", NEW_PASSWORD)];
    world.post(path, Some(&agent), &right).await;
    assert!(
        world
            .get("/settings", Some(&third))
            .await
            .location()
            .starts_with("/login")
    );
    assert_eq!(
        world.get("/settings", Some(&agent)).await.status,
        StatusCode::OK
    );
    world
        .post("/settings/people/agent/end-sessions", Some(&ciso), &[])
        .await;
    assert!(
        world
            .get("/settings", Some(&agent))
            .await
            .location()
            .starts_with("/login")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_that_nobody_holds_is_a_gap() {
    let world = World::new();
    let ciso = world.person("ciso", &["ciso"]);
    let page = world.get("/settings/positions", Some(&ciso)).await;
    let all = world.desk.plan().positions.len();
    assert_eq!(page.body.matches("data-gap").count(), all - 1);
    let fields = [
        ("account", "legal"),
        ("name", "Legal"),
        ("position", "head_legal"),
    ];
    world.post("/settings/people", Some(&ciso), &fields).await;
    let page = world.get("/settings/positions", Some(&ciso)).await;
    assert_eq!(
        page.body.matches("data-gap").count(),
        all - 1,
        "invited is not held"
    );
}
