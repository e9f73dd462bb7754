//! Orders on their pages: issued to a person, accepted, checked by another, changed; forms of a
//! version that no longer stands are refused.

use crate::world::{Person, World};
use axum::http::StatusCode;

async fn act(
    world: &World,
    incident: &str,
    who: &Person,
    name: &str,
    fields: &[(&str, &str)],
) -> StatusCode {
    let path = format!("/incidents/{incident}/do/{name}");
    world.post(&path, Some(who), fields).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_to_a_person_goes_its_whole_way() {
    let world = World::new();
    let incident = world.attacked().to_string();
    let cio = world.person("cio", &["cio"]);
    let admin = world.person("admin", &["sysadmin"]);
    let other = world.person("other", &["sysadmin"]);
    let issue = [
        ("to", "person:admin"),
        ("text", "rotate <keys>"),
        ("due_min", "30"),
        ("bind", "evidence_first"),
        ("bind", "no_wipe"),
    ];
    let done = StatusCode::SEE_OTHER;
    assert_eq!(
        act(&world, &incident, &cio, "issue-order", &issue).await,
        done
    );
    let nobody = [("to", "person:no-such"), ("text", "x"), ("due_min", "30")];
    assert_eq!(
        act(&world, &incident, &cio, "issue-order", &nobody).await,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let mine = world.get("/orders", Some(&admin)).await.body;
    assert!(mine.contains("rotate &#60;keys&#62;"), "{mine}");
    assert!(mine.contains("do/accept-order"), "one tap accepts");
    let theirs = world.get("/orders", Some(&other)).await.body;
    assert!(!theirs.contains("rotate"), "somebody else's order");
    let first = [("order", "O-1"), ("seen", "0")];
    assert_eq!(
        act(&world, &incident, &other, "accept-order", &first).await,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        act(&world, &incident, &admin, "accept-order", &first).await,
        done
    );
    let change = [
        ("order", "O-1"),
        ("seen", "0"),
        ("text", "rotate all keys"),
        ("due_min", "60"),
        ("reason", "more was touched"),
    ];
    assert_eq!(
        act(&world, &incident, &cio, "change-order", &change).await,
        done
    );
    for (who, name, fields) in [
        (&cio, "change-order", &change[..]),
        (&admin, "accept-order", &first[..]),
    ] {
        let stale = act(&world, &incident, who, name, fields).await;
        assert_eq!(stale, StatusCode::CONFLICT, "{name} of an old version");
    }
    let second = [
        ("order", "O-1"),
        ("seen", "1"),
        ("result", "rotated"),
        ("reason", "no"),
    ];
    assert_eq!(
        act(&world, &incident, &admin, "accept-order", &second).await,
        done
    );
    assert_eq!(
        act(&world, &incident, &admin, "complete-order", &second).await,
        done
    );
    assert_eq!(
        act(&world, &incident, &admin, "verify-order", &second).await,
        StatusCode::FORBIDDEN
    );
    let queue = world.get("/orders", Some(&cio)).await.body;
    assert!(
        queue.contains("do/verify-order"),
        "the check is the issuer's work"
    );
    assert_eq!(
        act(&world, &incident, &cio, "send-back-order", &second).await,
        done
    );
    assert_eq!(
        act(&world, &incident, &admin, "complete-order", &second).await,
        done
    );
    assert_eq!(
        act(&world, &incident, &cio, "verify-order", &second).await,
        done
    );
    for show in ["", "?show=mine", "?show=group", "?show=all"] {
        let path = format!("/incidents/{incident}/orders{show}");
        for lang in plan::Lang::ALL {
            let page = world.get_in(&path, Some(&cio), lang).await;
            assert_eq!(page.status, StatusCode::OK, "{path}");
        }
    }
    let page = world
        .get(&format!("/incidents/{incident}/orders"), Some(&cio))
        .await
        .body;
    assert!(page.contains("rotate all keys") && page.contains("rotate &#60;keys&#62;"));
    let line = world
        .get(&format!("/incidents/{incident}/timeline"), Some(&cio))
        .await
        .body;
    assert!(line.contains("checked by a second person"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_check_at_once_check_once() {
    let world = World::new();
    let incident = world.attacked().to_string();
    let (cio, ciso) = (
        world.person("cio", &["cio"]),
        world.person("ciso", &["ciso"]),
    );
    let admin = world.person("admin", &["sysadmin"]);
    let issue = [
        ("to", "position:sysadmin"),
        ("text", "x"),
        ("due_min", "30"),
        ("verify", "yes"),
    ];
    act(&world, &incident, &cio, "issue-order", &issue).await;
    let fields = [("order", "O-1"), ("seen", "0"), ("result", "r")];
    act(&world, &incident, &admin, "accept-order", &fields).await;
    act(&world, &incident, &admin, "complete-order", &fields).await;
    let (one, two) = tokio::join!(
        act(&world, &incident, &cio, "verify-order", &fields),
        act(&world, &incident, &ciso, "verify-order", &fields),
    );
    let mut both = [one, two];
    both.sort();
    assert_eq!(both, [StatusCode::SEE_OTHER, StatusCode::CONFLICT]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_wait_on_the_page_and_begin_early_with_a_reason() {
    let world = World::new();
    let incident = world.attacked().to_string();
    let cio = world.person("cio", &["cio"]);
    let ciso = world.person("ciso", &["ciso"]);
    let path = format!("/incidents/{incident}/orders");
    let page = world.get(&path, Some(&ciso)).await.body;
    assert!(
        page.contains("Register and check the report</span>"),
        "{page}"
    );
    assert!(
        page.contains("from major (Ⅱ"),
        "tasks of graver grades are announced"
    );
    let early = [("task", "p1-assess-scope"), ("reason", "")];
    assert_eq!(
        act(&world, &incident, &ciso, "start-task", &early).await,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let early = [
        ("task", "p1-assess-scope"),
        ("reason", "the <cause> is plain"),
    ];
    assert_eq!(
        act(&world, &incident, &ciso, "start-task", &early).await,
        StatusCode::SEE_OTHER
    );
    let page = world.get(&path, Some(&cio)).await.body;
    assert!(page.contains("the &#60;cause&#62; is plain"), "{page}");
    for show in ["?show=mine", "?show=group"] {
        let page = world.get(&format!("{path}{show}"), Some(&ciso)).await;
        assert!(page.body.contains("task-p1-assess-scope"), "{show}");
    }
    let mine = world
        .get(&format!("{path}?show=mine"), Some(&cio))
        .await
        .body;
    assert!(
        !mine.contains("task-p1-assess-scope"),
        "somebody else's task"
    );
}
