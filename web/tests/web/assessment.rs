//! The assessment's page: facts there and back, a preview that records nothing, refusals and
//! conflicts that lose nothing typed, and who may do what.

use crate::world::{Answer, Person, World};
use axum::http::StatusCode;
use incident::assessing::DataClass;
use model::{Figure, Grade, IncidentId};
use plan::{Lang, Metric};

/// Every field of the form as a browser would send it.
fn fields(page: &str) -> Vec<(String, String)> {
    let form = page
        .split("id=\"assess\"")
        .nth(1)
        .expect("the form is there");
    let form = form.split("</form>").next().unwrap_or("");
    let mut out = Vec::new();
    let attribute = |tag: &str, name: &str| {
        let found = tag.split(&format!(" {name}=\"")).nth(1)?;
        found.split('"').next().map(str::to_owned)
    };
    for tag in form.split('<').filter(|t| t.starts_with("input ")) {
        let tag = tag.split('>').next().unwrap_or("");
        let kind = attribute(tag, "type").unwrap_or_default();
        let left_out = matches!(kind.as_str(), "radio" | "checkbox") && !tag.contains(" checked");
        let own = |name: &String| !left_out && name != "csrf" && name != "request";
        if let Some(name) = attribute(tag, "name").filter(own) {
            out.push((name, attribute(tag, "value").unwrap_or_default()));
        }
    }
    out
}

struct Form {
    fields: Vec<(String, String)>,
}

impl Form {
    async fn open(world: &World, id: &str, who: &Person) -> Self {
        let page = world
            .get(&format!("/incidents/{id}/assessment"), Some(who))
            .await;
        assert_eq!(page.status, StatusCode::OK);
        Self::of(&page)
    }
    fn of(page: &Answer) -> Self {
        Self {
            fields: fields(&page.body),
        }
    }
    fn set(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(n, _)| n != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }
    async fn send(&self, world: &World, path: &str, who: &Person) -> Answer {
        let fields: Vec<(&str, &str)> = (self.fields.iter())
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        world.post(path, Some(who), &fields).await
    }
}

fn number(world: &World, id: &str, metric: Metric) -> Figure {
    let incident = world
        .desk
        .incident(&IncidentId::new(id))
        .expect("it is there");
    incident.figures.number(metric)
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_go_in_and_come_back_and_a_preview_records_nothing() {
    let world = World::new();
    let id = world.attacked().to_string();
    let ciso = world.person("ciso", &["ciso"]);
    let base = format!("/incidents/{id}");
    let page = world
        .get(&format!("{base}/assessment"), Some(&ciso))
        .await
        .body;
    assert!(
        page.contains("counted by the program"),
        "filled from the findings"
    );
    let form = Form::open(&world, &id, &ciso).await;
    let form = form
        .set("s-affected-persons", "estimated")
        .set("l-affected-persons", "120万")
        .set("h-affected-persons", "12,000,000")
        .set("b-affected-persons", "2000000")
        .set("w-affected-persons", "/investigation?about=<b>")
        .set("c-personal", "yes");
    let preview = form
        .send(&world, &format!("{base}/assessment/preview"), &ciso)
        .await;
    assert_eq!(preview.status, StatusCode::OK);
    assert!(preview.body.contains("preview, nothing recorded"));
    assert!(
        preview
            .body
            .contains("If the estimates come out at their upper bound")
    );
    assert_eq!(
        number(&world, &id, Metric::AffectedPersons),
        Figure::Unknown
    );
    // What the preview gives back is the same form.
    let again = Form::of(&preview).set("c-personal", "yes");
    let done = again
        .send(&world, &format!("{base}/do/assess"), &ciso)
        .await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    let estimate = Figure::Estimated {
        low: 1_200_000,
        high: 12_000_000,
    };
    assert_eq!(number(&world, &id, Metric::AffectedPersons), estimate);
    let incident = world
        .desk
        .incident(&IncidentId::new(id.clone()))
        .expect("there");
    let classes = &incident.assessing.classes;
    assert_eq!(classes[&DataClass::Personal].affected, Some(true));
    assert_eq!(
        incident.assessing.given[&Metric::AffectedPersons].best,
        Some(2_000_000)
    );
    for lang in Lang::ALL {
        let page = world
            .get_in(&format!("{base}/assessment"), Some(&ciso), lang)
            .await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.body.contains("1200000") && !page.body.contains("about=<b>"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_taken_is_named_and_nothing_typed_is_lost() {
    let world = World::new();
    let id = world.attacked().to_string();
    let engineer = world.person("engineer", &["security_engineer"]);
    let path = format!("/incidents/{id}/do/assess");
    for (typed, advice) in [
        ("-5", "cannot be less than 0"),
        ("99999999999999999999", "cannot be more than 10,000,000,000"),
        ("about ten", "not a whole number"),
        ("", "a number is missing"),
    ] {
        let form = Form::open(&world, &id, &engineer).await;
        let form = form
            .set("s-affected-persons", "known")
            .set("v-affected-persons", typed)
            .set("w-affected-persons", "heard \"it\" <i>there</i>");
        let page = form.send(&world, &path, &engineer).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed}");
        assert!(page.body.contains(advice), "{typed}");
        assert!(
            page.body
                .contains("heard &#34;it&#34; &#60;i&#62;there&#60;/i&#62;")
        );
        assert!(page.body.contains(&format!("value=\"{typed}\"")), "{typed}");
    }
    // Another number than the program's needs a word of how it is known.
    let form = Form::open(&world, &id, &engineer).await;
    let form = form
        .set("s-rows-tampered", "known")
        .set("v-rows-tampered", "77");
    let page = form.send(&world, &path, &engineer).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.body.contains("the program counted otherwise"));
    let done = form
        .set("w-rows-tampered", "counted by hand")
        .send(&world, &path, &engineer)
        .await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    let page = world
        .get(&format!("/incidents/{id}/assessment"), Some(&engineer))
        .await
        .body;
    assert!(page.contains("value=\"77\"") && page.contains("counted by the program"));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_see_each_other_and_undo_nothing() {
    let world = World::new();
    let id = world.attacked().to_string();
    let ciso = world.person("ciso", &["ciso"]);
    let engineer = world.person("engineer", &["security_engineer"]);
    let path = format!("/incidents/{id}/do/assess");
    let one = Form::open(&world, &id, &ciso).await;
    let other = Form::open(&world, &id, &engineer).await;
    let one = one
        .set("s-affected-persons", "known")
        .set("v-affected-persons", "4321");
    assert_eq!(
        one.send(&world, &path, &ciso).await.status,
        StatusCode::SEE_OTHER
    );
    let other = other
        .set("s-sensitive-persons", "known")
        .set("v-sensitive-persons", "87");
    let page = other.send(&world, &path, &engineer).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    assert!(page.body.contains("id=\"meanwhile\"") && page.body.contains("4,321"));
    assert!(page.body.contains("value=\"87\""), "what was typed is kept");
    assert_eq!(
        number(&world, &id, Metric::SensitivePersons),
        Figure::Unknown
    );
    // Sent again as it now stands: the other's number is not undone.
    let done = Form::of(&page).send(&world, &path, &engineer).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    assert_eq!(
        number(&world, &id, Metric::AffectedPersons),
        Figure::known(4321)
    );
    assert_eq!(
        number(&world, &id, Metric::SensitivePersons),
        Figure::known(87)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grade_is_confirmed_raised_and_lowered_by_two() {
    let world = World::new();
    let id = world.attacked().to_string();
    let ciso = world.person("ciso", &["ciso"]);
    let cio = world.person("cio", &["cio"]);
    let engineer = world.person("engineer", &["security_engineer"]);
    let base = format!("/incidents/{id}");
    let confirm = format!("{base}/do/assess-and-confirm");
    let answer = format!("{base}/do/answer-lowering");
    let form = Form::open(&world, &id, &ciso).await;
    let form = form
        .set("s-affected-persons", "known")
        .set("v-affected-persons", "1,000,000")
        .set("grade", "3")
        .set("reason", "the dump is ours");
    let theirs = form.send(&world, &confirm, &engineer).await;
    assert_eq!(theirs.status, StatusCode::FORBIDDEN);
    // The form was made before the facts: what they give is shown first.
    let shown = form.send(&world, &confirm, &ciso).await;
    assert_eq!(shown.status, StatusCode::CONFLICT);
    assert!(shown.body.contains("another grade than the one you saw"));
    let again = Form::of(&shown)
        .set("grade", "3")
        .set("reason", "the dump is ours");
    let done = again.send(&world, &confirm, &ciso).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    let grade = || {
        let incident = world
            .desk
            .incident(&IncidentId::new(id.clone()))
            .expect("there");
        incident.confirmed().map(|c| c.grade)
    };
    assert_eq!(grade(), Some(Grade::RelativelyMajor));
    let form = Form::open(&world, &id, &ciso).await;
    let form = form
        .set("s-affected-persons", "known")
        .set("v-affected-persons", "20");
    let preview = form
        .send(&world, &format!("{base}/assessment/preview"), &ciso)
        .await;
    let lower = Form::of(&preview).set("grade", "4");
    let silent = lower.send(&world, &confirm, &ciso).await;
    assert_eq!(
        silent.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "a regrade says why"
    );
    let lower = Form::of(&silent)
        .set("grade", "4")
        .set("reason", "test data only");
    assert_eq!(
        lower.send(&world, &confirm, &ciso).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(grade(), Some(Grade::RelativelyMajor));
    let page = world
        .get(&format!("{base}/assessment"), Some(&cio))
        .await
        .body;
    assert!(page.contains("id=\"lowering\"") && page.contains("test data only"));
    let approve = [("answer", "approve"), ("reason", "I looked at it too")];
    for (who, status) in [
        (&engineer, StatusCode::FORBIDDEN),
        (&ciso, StatusCode::FORBIDDEN),
        (&cio, StatusCode::SEE_OTHER),
    ] {
        assert_eq!(
            world.post(&answer, Some(who), &approve).await.status,
            status
        );
    }
    assert_eq!(grade(), Some(Grade::General));
    for lang in Lang::ALL {
        let page = world
            .get_in(&format!("{base}/assessment"), Some(&engineer), lang)
            .await;
        assert!(page.body.contains("I looked at it too"));
        assert!(
            page.body.contains("1,000,000"),
            "the facts of the first grade"
        );
    }
}

async fn program(world: &World, who: &Person, path: &str, tag: &str, body: &str) -> Answer {
    let key = format!("key-{}", body.len() * 31 + tag.len());
    let request = axum::http::Request::post(path)
        .header("cookie", &who.cookie)
        .header("x-csrf-token", &who.csrf)
        .header("content-type", "application/json")
        .header("idempotency-key", key)
        .header("if-match", tag);
    let body = axum::body::Body::from(body.to_owned());
    world.send(request.body(body).expect("a request")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_read_it_and_change_it_at_the_version_that_they_saw() {
    let world = World::new();
    let id = world.attacked().to_string();
    let ciso = world.person("ciso", &["ciso"]);
    let cs = world.person("marketing", &["marketing_specialist"]);
    let path = format!("/api/v1/incidents/{id}/assessment");
    let read = world.get(&path, Some(&ciso)).await;
    let tag = read.header("etag").to_owned();
    let shown: serde_json::Value = serde_json::from_str(&read.body).expect("JSON");
    assert_eq!(shown["facts"]["rows_tampered"]["source"], "findings");
    assert_eq!(shown["facts"]["direct_loss_cny"]["unit"], "CNY");
    assert!(shown["changes"].as_array().is_some_and(|c| !c.is_empty()));
    let facts = r#"{"facts":{"affected_persons":{"figure":{"certainty":"known","value":1000000}}},
        "judged":[],"classes":{"personal":true},"reason":"the dump",
        "confirm":{"grade":3,"computed_grade":3,"computed_level":2}}"#;
    let theirs = program(&world, &cs, &path, &tag, facts).await;
    assert_eq!(theirs.status, StatusCode::FORBIDDEN, "{}", theirs.body);
    let done = program(&world, &ciso, &path, &tag, facts).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.body);
    assert_ne!(done.header("etag"), tag);
    let after: serde_json::Value = serde_json::from_str(&done.body).expect("JSON");
    assert_eq!(after["history"][0]["grade"], 3);
    assert_eq!(
        after["history"][0]["figures"]["affected_persons"]["value"],
        1_000_000
    );
    let now = done.header("etag").to_owned();
    for (tag, body, status) in [
        (
            tag.as_str(),
            r#"{"facts":{"users_affected":{"figure":{"certainty":"unknown"},"basis":"x"}}}"#,
            412,
        ),
        (
            &now,
            r#"{"facts":{"money_at_risk_cny":{"figure":{"certainty":"known","value":5},"basis":"x","currency":"EUR"}}}"#,
            422,
        ),
        (
            &now,
            r#"{"facts":{"affected_persons":{"figure":{"certainty":"known","value":-1}}}}"#,
            422,
        ),
        (
            &now,
            r#"{"facts":{"affected_persons":{"figure":{"certainty":"estimated","low":9,"high":3}}}}"#,
            422,
        ),
        (
            &now,
            r#"{"facts":{"affected_persons":{"figure":{"certainty":"known","value":9223372036854775807}}}}"#,
            422,
        ),
        (
            &now,
            r#"{"facts":{"affected_persons":{"figure":{"certainty":"known","value":92233720368547758070}}}}"#,
            422,
        ),
        (
            &now,
            r#"{"facts":{"nobody_knows":{"figure":{"certainty":"unknown"}}}}"#,
            422,
        ),
        (&now, r#"{"grade":1}"#, 422),
        (&now, "{}", 409),
    ] {
        let answer = program(&world, &ciso, &path, tag, body).await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {}", answer.body);
    }
}
