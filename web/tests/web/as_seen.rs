//! Two people at one form: the second, who never saw what the first wrote, overwrites nothing and
//! gets back what they typed.

use crate::world::{Answer, Person, World};
use axum::http::StatusCode;

/// A form of the war room or beside it: where it stands, what the first writes and what the second.
struct Form {
    act: &'static str,
    page: &'static str,
    first: &'static [(&'static str, &'static str)],
    second: &'static [(&'static str, &'static str)],
}

const FORMS: [Form; 7] = [
    Form {
        act: "set-objective",
        page: "",
        first: &[("text", "stop the payouts")],
        second: &[("text", "find the leak")],
    },
    Form {
        act: "rename",
        page: "/access",
        first: &[("code_name", "Heron"), ("reason", "it is talked about")],
        second: &[("code_name", "Bittern"), ("reason", "the press asked")],
    },
    Form {
        act: "record-impact",
        page: "",
        first: &[("orders", "12"), ("out", "100.00"), ("note", "by the bank")],
        second: &[("orders", "777"), ("out", "5.00"), ("note", "by the shop")],
    },
    Form {
        act: "set-figures",
        page: "",
        first: &[("m-affected-persons", "10"), ("reason", "counted")],
        second: &[("m-affected-persons", "777"), ("reason", "counted again")],
    },
    Form {
        act: "set-trigger-facts",
        page: "",
        first: &[("suspected_crime", "yes"), ("reason", "the log shows it")],
        second: &[
            ("suspected_crime", "no"),
            ("reason", "the log shows nothing"),
        ],
    },
    Form {
        act: "set-anchors",
        page: "",
        first: &[("occurred", "2020-01-02T03:04"), ("reason", "by the log")],
        second: &[("occurred", "2020-01-02T05:06"), ("reason", "by the clerk")],
    },
    Form {
        act: "confirm-grade",
        page: "",
        first: &[("grade", "2"), ("reason", "many are hit")],
        second: &[("grade", "3"), ("reason", "few are hit")],
    },
];

/// The value of a hidden field in the first form of the page that goes to `action`.
fn hidden(body: &str, action: &str, name: &str) -> String {
    let start = body
        .find(&format!("action=\"{action}\""))
        .unwrap_or_else(|| panic!("no form for {action}"));
    let form = body[start..].split("</form>").next().expect("a form");
    let field = format!("name=\"{name}\" value=\"");
    let value = form.split(&field).nth(1).unwrap_or_else(|| {
        panic!("{action} has no field {name}: {form}");
    });
    value.split('"').next().expect("a value").to_owned()
}

struct Room {
    world: World,
    id: String,
}

impl Room {
    fn path(&self, act: &str) -> String {
        format!("/incidents/{}/do/{act}", self.id)
    }
    async fn mark(&self, who: &Person, page: &str, act: &str) -> String {
        let page = format!("/incidents/{}{page}", self.id);
        let answer = self.world.get(&page, Some(who)).await;
        assert_eq!(answer.status, StatusCode::OK, "{page}");
        hidden(&answer.body, &self.path(act), "as-seen")
    }
    async fn act(&self, who: &Person, act: &str, fields: &[(&str, &str)], mark: &str) -> Answer {
        let mut all = fields.to_vec();
        all.push(("as-seen", mark));
        self.world.post(&self.path(act), Some(who), &all).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_did_not_see_what_stands_overwrites_nothing_and_keeps_what_they_typed() {
    let world = World::new();
    let id = world.attacked().to_string();
    let one = world.everything("one");
    let two = world.everything("two");
    let room = Room { world, id };
    for form in &FORMS {
        let act = form.act;
        let (seen_by_one, seen_by_two) = (
            room.mark(&one, form.page, act).await,
            room.mark(&two, form.page, act).await,
        );
        assert_eq!(seen_by_one, seen_by_two, "{act}: both see the same");
        // Something else happens meanwhile: that is nobody's conflict.
        let note = room
            .act(&two, "write-note", &[("text", "a note between")], "")
            .await;
        assert_eq!(note.status, StatusCode::SEE_OTHER, "{}", note.body);

        let request = format!("{act}-first");
        let mut first = form.first.to_vec();
        first.push(("request", &request));
        let done = room.act(&one, act, &first, &seen_by_one).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{act}: {}", done.body);
        let again = room.act(&one, act, &first, &seen_by_one).await;
        assert_eq!(again.status, StatusCode::SEE_OTHER, "{act} sent twice");

        let told = room.act(&two, act, form.second, &seen_by_two).await;
        assert_eq!(told.status, StatusCode::CONFLICT, "{act}");
        assert!(told.body.contains("Nothing was overwritten"), "{act}");
        for (name, typed) in form.second {
            assert!(told.body.contains(typed), "{act}: {name} is lost");
        }
        let fresh = room.mark(&two, form.page, act).await;
        assert_ne!(fresh, seen_by_two, "{act}: the mark follows what stands");
        let done = room.act(&two, act, form.second, &fresh).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{act}: {}", done.body);
    }
    let stands = (room.world.desk)
        .incident(&room.id.as_str().into())
        .expect("it stands");
    assert_eq!(stands.code_name, "Bittern");
    assert_eq!(stands.trigger_facts.suspected_crime, Some(false));
    assert_eq!(stands.impact.note, "by the shop");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_answered_as_it_was_read() {
    let world = World::new();
    let id = world.attacked().to_string();
    let chief = world.person("chief", &["cio"]);
    let admin = world.person("admin", &["sysadmin"]);
    let room = Room { world, id };
    let issue = [
        ("to", "person:admin"),
        ("text", "rotate the keys"),
        ("due_min", "30"),
    ];
    for (number, act) in [
        "accept-order",
        "refuse-order",
        "complete-order",
        "withdraw-order",
    ]
    .into_iter()
    .enumerate()
    {
        let order = format!("O-{}", number + 1);
        let done = room.act(&chief, "issue-order", &issue, "").await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
        if act == "complete-order" {
            let accept = [("order", order.as_str())];
            let done = room.act(&admin, "accept-order", &accept, "0").await;
            assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
        }
        let who = if act == "withdraw-order" {
            &chief
        } else {
            &admin
        };
        let seen = room.mark(who, "", act).await;
        let change = [
            ("order", order.as_str()),
            ("seen", "0"),
            ("text", "rotate all keys"),
            ("due_min", "60"),
            ("reason", "more was touched"),
        ];
        let done = room.act(&chief, "change-order", &change, "").await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
        let answer = [
            ("order", order.as_str()),
            ("reason", "no key at hand"),
            ("result", "one key rotated"),
        ];
        let told = room.act(who, act, &answer, &seen).await;
        assert_eq!(told.status, StatusCode::CONFLICT, "{act}");
        assert!(told.body.contains("no key at hand"), "{act}");
        assert!(told.body.contains("one key rotated"), "{act}");
        let close = [("order", order.as_str()), ("reason", "enough")];
        let done = room.act(&chief, "withdraw-order", &close, "1").await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{act}: {}", done.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_milder_grade_is_approved_as_it_was_read() {
    let world = World::new();
    let id = world.attacked().to_string();
    let [one, two, three] = ["one", "two", "three"].map(|name| world.everything(name));
    let room = Room { world, id };
    let grave = [("grade", "1"), ("reason", "many are hit")];
    let seen = room.mark(&one, "", "confirm-grade").await;
    let done = room.act(&one, "confirm-grade", &grave, &seen).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    let ask = |grade: &'static str| [("grade", grade), ("reason", "fewer than thought")];
    let seen = room.mark(&one, "", "confirm-grade").await;
    let done = room.act(&one, "confirm-grade", &ask("2"), &seen).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);

    let read = room.mark(&two, "/assessment", "answer-lowering").await;
    let refuse = [("answer", "refuse")];
    let done = room.act(&three, "answer-lowering", &refuse, &read).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    let seen = room.mark(&three, "", "confirm-grade").await;
    let done = room.act(&three, "confirm-grade", &ask("4"), &seen).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);

    let approve = [("answer", "approve"), ("reason", "read and agreed")];
    let told = room.act(&two, "answer-lowering", &approve, &read).await;
    assert_eq!(told.status, StatusCode::CONFLICT, "{}", told.body);
    assert!(told.body.contains("read and agreed"));
    let stands = (room.world.desk).incident(&room.id.as_str().into());
    assert_eq!(stands.expect("it stands").grade().number(), 1);
}
