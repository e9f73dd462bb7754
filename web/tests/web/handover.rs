//! The hand-over on its page: prepared by one, signed by another, the same sheet.

use crate::world::World;
use axum::http::StatusCode;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_shift_is_handed_over_by_two_signatures() {
    let world = World::new();
    let id = world.attacked();
    let (day, night) = (
        world.person("day", &["ciso"]),
        world.person("night", &["ciso"]),
    );
    let clerk = world.person("clerk", &["marketing_specialist"]);
    let page = format!("/incidents/{id}/handover");
    let act = |name: &'static str| format!("/incidents/{id}/do/{name}");
    let empty = world.get(&page, Some(&day)).await.body;
    assert!(empty.contains("do/prepare-handover") && !empty.contains("do/take-handover"));
    let fields = [("position", "ciso"), ("remarks", "call <the bank> at noon")];
    let made = world
        .post(&act("prepare-handover"), Some(&day), &fields)
        .await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.body);
    let own = world.get(&page, Some(&day)).await.body;
    assert!(own.contains("call &#60;the bank&#62; at noon"), "{own}");
    assert!(!own.contains("do/take-handover"), "nobody signs both sides");
    let theirs = world.get(&page, Some(&clerk)).await.body;
    assert!(!theirs.contains("do/take-handover"), "another place");
    let sheet = world.get(&page, Some(&night)).await.body;
    assert!(sheet.contains("do/take-handover"));
    let digest = sheet.split("name=\"digest\" value=\"").nth(1);
    let digest = digest
        .and_then(|rest| rest.split('"').next())
        .expect("a digest")
        .to_owned();
    let sign = [("number", "1"), ("digest", digest.as_str())];
    for (who, status) in [
        (&day, StatusCode::FORBIDDEN),
        (&clerk, StatusCode::CONFLICT),
        (&night, StatusCode::SEE_OTHER),
        (&night, StatusCode::CONFLICT),
    ] {
        let answer = world.post(&act("take-handover"), Some(who), &sign).await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
    let i = world.desk.incident(&id).expect("there");
    assert!(i.handovers[0].taken.is_some());
    // What goes to the position now goes to who took it over, and no longer to who left.
    let chief = world.person("chief", &["cio"]);
    let order = [
        ("to", "position:ciso"),
        ("text", "look at the gateway"),
        ("due_min", "60"),
    ];
    let issued = world.post(&act("issue-order"), Some(&chief), &order).await;
    assert_eq!(issued.status, StatusCode::SEE_OTHER, "{}", issued.body);
    let told = |world: &World| -> Option<Vec<String>> {
        let pages = world.desk.pages_since(i.opened_at).expect("pages are read");
        let order = pages.into_iter().find(|page| {
            page.incident.as_ref() == Some(&id) && page.call.is_none() && page.kind == "page"
        });
        order.map(|page| page.receivers.into_iter().map(|r| r.who).collect())
    };
    let begun = std::time::Instant::now();
    let who = loop {
        if let Some(who) = told(&world) {
            break who;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "no page came");
        testkit::pause(Duration::from_millis(20));
    };
    assert_eq!(who, ["night"]);
}
