//! Merging and splitting on their page: pointers both ways, what goes on where, who is kept out,
//! and what is refused.

use crate::world::{Answer, Person, World};
use axum::http::StatusCode;
use desk::{NewReport, ReportState};
use model::{AccountId, Actor, IncidentId, Operation, PositionId, ReceiptNo, RequestId, Risk};
use plan::Lang;
use std::time::Duration;

fn reported(world: &World, what: &str, concerns: &str) -> ReceiptNo {
    let request = RequestId::new(format!("request-of-{}", world.desk.now().0));
    let report = NewReport {
        risk: Some(Risk::R1),
        concerns: concerns.to_owned(),
        ..NewReport::new(what, Lang::En, request)
    };
    world
        .desk
        .report(report)
        .expect("a report is stored")
        .report
}

/// Opens an incident from a report, as somebody of legal.
fn opened(world: &World, report: &ReceiptNo) -> IncidentId {
    let op = Operation {
        actor: Actor::Person {
            account: AccountId::new("legal"),
            name: "legal".to_owned(),
            positions: vec![PositionId::new("head_legal")],
        },
        reason: String::new(),
        request: RequestId::new(format!("open-{report}")),
        now: world.desk.now(),
    };
    let opened = world.desk.open_incident_from_report(op, report);
    opened.expect("an incident")
}

async fn join(
    world: &World,
    who: &Person,
    id: &IncidentId,
    what: &str,
    fields: &[(&str, &str)],
) -> Answer {
    let path = format!("/incidents/{id}/do/{what}");
    world.post(&path, Some(who), fields).await
}

fn kinds(world: &World, id: &IncidentId) -> Vec<String> {
    let incident = world.desk.incident(id).expect("there");
    incident.timeline.iter().map(|l| l.kind.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merged_incident_goes_on_in_the_other_and_later_findings_join_it() {
    let world = World::new();
    let boss = world.person("boss", &["cio"]);
    let legal = world.person("legal", &["head_legal"]);
    world.person("agent", &["cs_agent"]);
    let into = opened(
        &world,
        &reported(&world, "customers' data are for sale", ""),
    );
    let second = reported(&world, "odd amounts", "");
    let absorbed = world.attacked();
    let attacked = world.desk.incident(&absorbed).expect("there");
    let rows = attacked.findings.open.total();

    let to = into.to_string();
    let reason = ("reason", "the same attacker");
    for (fields, status) in [
        (
            &[("into", to.as_str())][..],
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (&[("into", absorbed.as_str()), reason], StatusCode::CONFLICT),
        (&[("into", "i-none"), reason], StatusCode::NOT_FOUND),
    ] {
        let refused = join(&world, &boss, &absorbed, "merge", fields).await;
        assert_eq!(refused.status, status, "{}", refused.body);
    }
    let forbidden = join(&world, &legal, &absorbed, "merge", &[("into", &to), reason]).await;
    assert_eq!(forbidden.status, StatusCode::FORBIDDEN);
    // Nothing of what was refused stays, in neither of the two.
    for id in [&absorbed, &into] {
        let line = kinds(&world, id)
            .into_iter()
            .find(|k| k == "merged-into" || k == "absorbed");
        assert_eq!(line, None);
    }
    // Half of it by itself nobody gives.
    let half = incident::Command::Joining(Box::new(incident::joining::JoiningCommand::MergeInto {
        into: into.clone(),
        access: Default::default(),
    }));
    let op = Operation {
        actor: Actor::Person {
            account: AccountId::new("boss"),
            name: "boss".to_owned(),
            positions: vec![PositionId::new("cio")],
        },
        reason: "half".to_owned(),
        request: RequestId::new("half"),
        now: world.desk.now(),
    };
    assert!(world.desk.execute(op, &absorbed, half).is_err());

    let merged = join(&world, &boss, &absorbed, "merge", &[("into", &to), reason]).await;
    assert_eq!(merged.status, StatusCode::SEE_OTHER, "{}", merged.body);
    assert_eq!(
        merged.location(),
        format!("/incidents/{into}/joining?done=joining")
    );
    let (one, other) = (
        world.desk.incident(&absorbed).expect("there"),
        world.desk.incident(&into).expect("there"),
    );
    assert!(one.closed() && !other.closed());
    assert_eq!(one.joining.merged_into.as_ref(), Some(&into));
    assert_eq!(other.joining.absorbed[0].incident, absorbed);
    assert_eq!(
        other.findings.open.total(),
        rows,
        "its open rows go on here"
    );
    assert_eq!(one.findings.open.total(), rows, "and stay readable there");
    assert!(other.anchors.discovered <= one.anchors.discovered);
    for (id, text) in [(&absorbed, to.as_str()), (&into, absorbed.as_str())] {
        for lang in Lang::ALL {
            let page = world
                .get_in(&format!("/incidents/{id}/joining"), Some(&boss), lang)
                .await;
            assert_eq!(page.status, StatusCode::OK);
            assert!(page.body.contains(text), "each points to the other");
        }
    }
    let again = join(&world, &boss, &absorbed, "merge", &[("into", &to), reason]).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    let back = join(
        &world,
        &boss,
        &into,
        "merge",
        &[("into", absorbed.as_str()), reason],
    )
    .await;
    assert_eq!(back.status, StatusCode::CONFLICT, "no circle");

    // A report joined to the merged one, and what the guard finds later, come to the other.
    let path = format!("/triage/{second}");
    let fields = [("decision", "join"), ("incident", absorbed.as_str())];
    let joined = world.post(&path, Some(&boss), &fields).await;
    assert_eq!(
        joined.location(),
        format!("/incidents/{into}"),
        "{}",
        joined.body
    );
    let before = other.findings.total();
    let intruder = world.shop.intruder();
    intruder
        .busy_timeout(Duration::from_secs(5))
        .expect("a timeout is set");
    let paid = world.shop.orders_in("paid");
    intruder
        .execute("UPDATE orders SET total_minor = 2 WHERE id = ?1", [paid[1]])
        .expect("the intruder writes");
    let start = world.desk.now();
    let mut seen = 0;
    while world.desk.incident(&into).expect("there").findings.total() == before {
        assert!(
            world.desk.now().since_s(start) < 20.0,
            "no later finding came"
        );
        seen = world.desk.wait_for_change(seen, Duration::from_millis(200));
    }
    assert_eq!(world.desk.open_incidents().len(), 1, "no third incident");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_kept_out_of_one_is_kept_out_of_both() {
    let world = World::new();
    let security = world.person("security", &["ciso"]);
    let boss = world.person("boss", &["cio"]);
    let agent = world.person("agent", &["head_cs"]);
    world.person("legal", &["head_legal"]);
    let about = opened(&world, &reported(&world, "agents sell data", "agent"));
    let open = opened(&world, &reported(&world, "data are for sale", ""));
    let path = |id: &IncidentId| format!("/incidents/{id}");
    assert_eq!(
        world.get(&path(&open), Some(&agent)).await.status,
        StatusCode::OK
    );
    let fields = [("into", open.as_str()), ("reason", "one and the same")];
    let merged = join(&world, &security, &about, "merge", &fields).await;
    assert_eq!(merged.status, StatusCode::SEE_OTHER, "{}", merged.body);
    for id in [&about, &open] {
        assert_eq!(
            world.get(&path(id), Some(&agent)).await.status,
            StatusCode::NOT_FOUND
        );
        assert_eq!(
            world.get(&path(id), Some(&boss)).await.status,
            StatusCode::OK
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_and_rows_split_off_are_an_incident_of_their_own() {
    let world = World::new();
    let boss = world.person("boss", &["cio"]);
    world.person("legal", &["head_legal"]);
    let id = world.attacked();
    let report = reported(&world, "something else altogether", "");
    let fields = [("decision", "join"), ("incident", id.as_str())];
    let joined = world
        .post(&format!("/triage/{report}"), Some(&boss), &fields)
        .await;
    assert_eq!(joined.status, StatusCode::SEE_OTHER, "{}", joined.body);
    let before = world.desk.incident(&id).expect("there");
    let filter = desk::FindingFilter {
        incident: Some(id.clone()),
        limit: 100,
        ..Default::default()
    };
    let found = world.desk.findings(&filter);
    let chosen = found
        .iter()
        .find(|f| f.table == "refunds")
        .expect("a forged refund");
    let reason = ("reason", "another attacker");
    let nothing = join(&world, &boss, &id, "split", &[reason]).await;
    assert_eq!(nothing.status, StatusCode::CONFLICT);
    let unknown = join(&world, &boss, &id, "split", &[reason, ("report", "R-NONE")]).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND, "{}", unknown.body);
    let fields = [
        reason,
        ("report", report.as_str()),
        ("finding", chosen.id.as_str()),
    ];
    let split = join(&world, &boss, &id, "split", &fields).await;
    assert_eq!(split.status, StatusCode::SEE_OTHER, "{}", split.body);
    // Whoever chose the same from a page that they opened before moves nothing a second time.
    for chosen in [("report", report.as_str()), ("finding", chosen.id.as_str())] {
        let late = join(&world, &boss, &id, "split", &[reason, chosen]).await;
        let told = matches!(late.status, StatusCode::CONFLICT | StatusCode::NOT_FOUND);
        assert!(told, "{} {}", late.status, late.body);
    }
    let new = split.location().trim_start_matches("/incidents/");
    let new = IncidentId::new(new.split('/').next().expect("an id"));
    let (rest, own) = (
        world.desk.incident(&id).expect("there"),
        world.desk.incident(&new).expect("there"),
    );
    assert_eq!(rest.joining.split_into, std::slice::from_ref(&new));
    assert_eq!(own.joining.split_from.as_ref(), Some(&id));
    assert_eq!(own.reports, std::slice::from_ref(&report));
    assert!(!rest.reports.contains(&report));
    assert_eq!(own.findings.counts.total(), 1);
    assert_eq!(
        rest.findings.counts.total() + 1,
        before.findings.counts.total()
    );
    assert!(
        own.confirmed().is_none(),
        "its grade is to be assessed anew"
    );
    let view = world
        .desk
        .report_named(&report)
        .expect("read")
        .expect("there");
    assert_eq!(
        view.state,
        ReportState::Joined {
            incident: new.clone()
        }
    );
    let moved = world.desk.findings(&desk::FindingFilter {
        incident: Some(new.clone()),
        limit: 100,
        ..Default::default()
    });
    assert!(
        moved
            .iter()
            .all(|f| f.table == "refunds" && f.key == chosen.key)
    );
    assert!(!moved.is_empty());
}

/// A suspicion that comes up later reaches what hangs together already, from either side; what the
/// naming says of one says nothing of incidents that have nothing to do with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_suspect_named_later_is_kept_out_of_what_was_merged_and_split_before() {
    let world = World::new();
    let boss = world.person("boss", &["cio"]);
    world.person("legal", &["head_legal"]);
    let (agent, clerk) = (
        world.person("agent", &["head_cs"]),
        world.person("clerk", &["head_marketing"]),
    );
    let merged = opened(&world, &reported(&world, "data are for sale", ""));
    let whole = opened(&world, &reported(&world, "agents sell data", ""));
    let other = opened(&world, &reported(&world, "something else", ""));
    let more = reported(&world, "a second seller", "");
    let fields = [("decision", "join"), ("incident", whole.as_str())];
    let path = format!("/triage/{more}");
    let joined = world.post(&path, Some(&boss), &fields).await;
    assert_eq!(joined.status, StatusCode::SEE_OTHER, "{}", joined.body);
    let fields = [("into", whole.as_str()), ("reason", "one and the same")];
    let done = join(&world, &boss, &merged, "merge", &fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    let fields = [("report", more.as_str()), ("reason", "another seller")];
    let done = join(&world, &boss, &whole, "split", &fields).await;
    let part = done.location().trim_start_matches("/incidents/");
    let part = IncidentId::new(part.split('/').next().expect("an id"));

    let family = [&merged, &whole, &part];
    let seen = async |who: &Person, id: &IncidentId| {
        let page = world.get(&format!("/incidents/{id}"), Some(who)).await;
        page.status
    };
    for (suspect, person, at) in [("agent", &agent, &part), ("clerk", &clerk, &merged)] {
        for id in family {
            assert_eq!(seen(person, id).await, StatusCode::OK, "{suspect}");
        }
        let fields = [("account", suspect), ("reason", "the logs name them")];
        let named = join(&world, &boss, at, "name-suspect", &fields).await;
        assert_eq!(named.status, StatusCode::SEE_OTHER, "{}", named.body);
        for id in family {
            assert_eq!(seen(person, id).await, StatusCode::NOT_FOUND, "{suspect}");
            assert_eq!(seen(&boss, id).await, StatusCode::OK);
        }
        assert_eq!(seen(person, &other).await, StatusCode::OK, "{suspect}");
    }
    // What was merged is one matter, a part is another: the suspicion there ends by itself.
    let fields = [("account", "agent"), ("reason", "it was somebody else")];
    let cleared = join(&world, &boss, &whole, "clear-suspect", &fields).await;
    assert_eq!(cleared.status, StatusCode::SEE_OTHER, "{}", cleared.body);
    assert_eq!(seen(&agent, &whole).await, StatusCode::OK);
    assert_eq!(seen(&agent, &merged).await, StatusCode::OK);
    assert_eq!(seen(&agent, &part).await, StatusCode::NOT_FOUND);
}

/// A person's operation at the desk, beside the pages.
fn by(world: &World, account: &str, position: &str, request: &str) -> Operation {
    Operation {
        actor: Actor::Person {
            account: AccountId::new(account),
            name: account.to_owned(),
            positions: vec![PositionId::new(position)],
        },
        reason: "the logs name them".to_owned(),
        request: RequestId::new(request),
        now: world.desk.now(),
    }
}

/// Takes one report more into an incident, and makes an incident of its own of it.
async fn part_of(world: &World, boss: &Person, whole: &IncidentId, what: &str) -> IncidentId {
    let more = reported(world, what, "");
    let fields = [("decision", "join"), ("incident", whole.as_str())];
    let path = format!("/triage/{more}");
    let joined = world.post(&path, Some(boss), &fields).await;
    assert_eq!(joined.status, StatusCode::SEE_OTHER, "{}", joined.body);
    let fields = [("report", more.as_str()), ("reason", "somebody else")];
    let done = join(world, boss, whole, "split", &fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    let part = done.location().trim_start_matches("/incidents/");
    IncidentId::new(part.split('/').next().expect("an id"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspicion_reaches_what_hung_together_before_a_merge() {
    let world = World::new();
    let boss = world.person("boss", &["cio"]);
    world.person("legal", &["head_legal"]);
    let (agent, clerk) = (
        world.person("agent", &["head_cs"]),
        world.person("clerk", &["head_marketing"]),
    );
    let about = opened(&world, &reported(&world, "agents sell data", "agent"));
    let whole = opened(&world, &reported(&world, "data are for sale", ""));
    let part = part_of(&world, &boss, &whole, "a second seller").await;
    let fields = [("account", "clerk"), ("reason", "the logs name them")];
    let named = join(&world, &boss, &whole, "name-suspect", &fields).await;
    assert_eq!(named.status, StatusCode::SEE_OTHER, "{}", named.body);
    let fields = [("account", "clerk"), ("reason", "another seller")];
    let cleared = join(&world, &boss, &part, "clear-suspect", &fields).await;
    assert_eq!(cleared.status, StatusCode::SEE_OTHER, "{}", cleared.body);

    let fields = [("into", whole.as_str()), ("reason", "one and the same")];
    let merged = join(&world, &boss, &about, "merge", &fields).await;
    assert_eq!(merged.status, StatusCode::SEE_OTHER, "{}", merged.body);
    for id in [&about, &whole, &part] {
        let page = world.get(&format!("/incidents/{id}"), Some(&agent)).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{id}");
    }
    // Whoever was cleared of the part stays so: the merge brought nothing new against them there.
    let page = world.get(&format!("/incidents/{part}"), Some(&clerk)).await;
    assert_eq!(page.status, StatusCode::OK);
    let line = world.desk.incident(&part).expect("there");
    let named = (line.timeline.iter()).filter(|l| l.kind == "suspect-named");
    assert_eq!(named.count(), 2, "the clerk before, the agent now");
}

/// A suspect of one incident who commands another that hangs together with it shuts nobody out
/// there who looks into them.
#[tokio::test(flavor = "multi_thread")]
async fn a_suspect_changes_nothing_where_they_are_suspected() {
    let world = World::new();
    let boss = world.person("boss", &["cio"]);
    world.person("legal", &["head_legal"]);
    let (security, agent) = (
        world.person("security", &["ciso"]),
        world.person("agent", &["head_cs"]),
    );
    let whole = opened(&world, &reported(&world, "data are for sale", ""));
    let part = part_of(&world, &boss, &whole, "the CISO's own account").await;
    let fields = [("account", "security"), ("reason", "the logs name them")];
    let named = join(&world, &boss, &part, "name-suspect", &fields).await;
    assert_eq!(named.status, StatusCode::SEE_OTHER, "{}", named.body);
    let fields = [("account", "security"), ("reason", "not in this one")];
    let cleared = join(&world, &boss, &whole, "clear-suspect", &fields).await;
    assert_eq!(cleared.status, StatusCode::SEE_OTHER, "{}", cleared.body);

    let fields = [("account", "agent"), ("reason", "they look too closely")];
    let named = join(&world, &security, &whole, "name-suspect", &fields).await;
    assert_eq!(named.status, StatusCode::SEE_OTHER, "{}", named.body);
    let seen = async |who: &Person, id: &IncidentId| {
        let page = world.get(&format!("/incidents/{id}"), Some(who)).await;
        page.status
    };
    assert_eq!(seen(&agent, &whole).await, StatusCode::NOT_FOUND);
    assert_eq!(seen(&agent, &part).await, StatusCode::OK);
    assert_eq!(seen(&security, &part).await, StatusCode::NOT_FOUND);
    // Nor does the course of events that they may read name what they may not.
    let api = format!("/api/v1/incidents/{whole}/timeline?limit=100");
    let ends = ["/timeline", "/timeline/csv", "/timeline/json", "/joining"];
    let pages = ends.map(|end| format!("/incidents/{whole}{end}"));
    for path in pages.iter().chain([&api]) {
        for (who, knows) in [(&boss, true), (&security, false)] {
            let page = world.get(path, Some(who)).await;
            assert_eq!(page.status, StatusCode::OK, "{path}");
            assert_eq!(page.body.contains(part.as_str()), knows, "{path}");
        }
    }
}

/// Whatever comes first, naming or splitting: the part knows the suspect.
#[tokio::test(flavor = "multi_thread")]
async fn naming_and_splitting_at_once_leave_no_part_open_to_the_suspect() {
    let world = World::new();
    world.person("boss", &["cio"]);
    world.person("legal", &["head_legal"]);
    world.person("agent", &["head_cs"]);
    let agent = AccountId::new("agent");
    for round in 0..12 {
        let whole = opened(&world, &reported(&world, "data are for sale", ""));
        let more = reported(&world, "a second seller", "");
        let op = |what: &str| by(&world, "boss", "cio", &format!("{what}-{round}"));
        let decision = desk::ReportDecision::Join {
            incident: whole.clone(),
        };
        let joined = (world.desk).decide_report(op("join"), &more, decision, None);
        joined.expect("joined");
        let start = std::sync::Barrier::new(2);
        let part = std::thread::scope(|threads| {
            let (desk, naming) = (&world.desk, op("name"));
            let naming = threads.spawn(|| {
                start.wait();
                let account = agent.clone();
                let command = incident::access::AccessCommand::NameSuspect { account };
                desk.change_access(naming, &whole, command, None)
            });
            let split = desk::joining::Split {
                reports: vec![more.clone()],
                findings: Vec::new(),
            };
            start.wait();
            let part = world.desk.split_incident(op("split"), &whole, &split);
            naming.join().expect("a thread").expect("named");
            part.expect("split")
        });
        for id in [&whole, &part] {
            let incident = world.desk.incident(id).expect("there");
            assert!(incident.access.suspects.contains(&agent), "round {round}");
        }
    }
}

/// What may be one case is shown where it can be merged, with the reason; nothing else, and nothing
/// that its reader may not know of.
#[tokio::test(flavor = "multi_thread")]
async fn incidents_that_may_be_one_case_are_suggested_with_the_reason() {
    let world = World::new();
    let boss = world.person("boss", &["cio"]);
    world.person("legal", &["head_legal"]);
    world.person("admin", &["sysadmin"]);
    let words = "the payee of order 7731 was changed and the money went to a stranger";
    let first = opened(&world, &reported(&world, words, ""));
    let again = format!("{words}, seen again");
    let second = opened(&world, &reported(&world, &again, ""));
    let other = opened(
        &world,
        &reported(&world, "a laptop was lost on a train", ""),
    );
    let page = |who: &Person, id: &IncidentId| {
        let (path, who) = (format!("/incidents/{id}/joining"), who.clone());
        async { world.get(&{ path }, Some(&{ who })).await.body }
    };
    let similar = |body: &str| {
        let part = body
            .split("id=\"merge\"")
            .nth(1)
            .expect("the form to merge");
        let list = part.split("<form").next().expect("what stands before it");
        list.to_owned()
    };
    let shown = similar(&page(&boss, &first).await);
    assert!(shown.contains(&format!("/incidents/{second}")), "{shown}");
    assert!(shown.contains("7731"), "why: {shown}");
    assert!(!shown.contains(other.as_str()), "{shown}");
    let none = similar(&page(&boss, &other).await);
    assert!(!none.contains("/incidents/"), "{none}");

    // Whoever may not know of the other one gets no hint of it.
    let name = [("account", "boss"), ("reason", "the log names the account")];
    let third = world.everything("third");
    let path = format!("/incidents/{second}/do/name-suspect");
    let named = world.post(&path, Some(&third), &name).await;
    assert_eq!(named.status, StatusCode::SEE_OTHER, "{}", named.body);
    let shown = similar(&page(&boss, &first).await);
    assert!(!shown.contains(second.as_str()), "{shown}");
    let path = format!("/api/v1/incidents/{first}/similar");
    let told = world.get(&path, Some(&third)).await.body;
    assert!(told.contains(second.as_str()), "{told}");
    let told = world.get(&path, Some(&boss)).await.body;
    assert!(!told.contains(second.as_str()), "{told}");
}
