//! An expert from outside: let in for one incident, shut out of everything else on every route and
//! verb, and gone when the resource is given back, the access ended or its time over.

use crate::world::{Answer, Person, World};
use axum::http::StatusCode;
use model::{AccountId, IncidentId};
use std::time::Duration;
use web::roles::{Verb, all};

const ACCOUNT: &str = "li.expert";
const PASSWORD: &str = "a passphrase of the expert";

pub struct Case {
    pub world: World,
    lead: Person,
    second: Person,
    id: IncidentId,
}

impl Case {
    /// An incident that has asked for an expert and was granted one.
    pub async fn begin() -> Self {
        let world = World::new();
        world.person("chief", &["cio"]);
        let id = world.attacked();
        let (lead, second) = (world.everything("lead"), world.everything("second"));
        let case = Self {
            world,
            lead,
            second,
            id,
        };
        let asked = [
            ("what", "expert-forensics"),
            ("amount", "1"),
            ("needed_min", "60"),
            ("reason", "disks must be imaged"),
        ];
        case.done(&case.lead, "request-resource", &asked).await;
        let granted = [
            ("request_id", "R-1"),
            ("amount", "1"),
            ("until_min", "1440"),
        ];
        case.done(&case.second, "grant-resource", &granted).await;
        case
    }

    async fn act(&self, who: &Person, name: &str, fields: &[(&str, &str)]) -> Answer {
        let path = format!("/incidents/{}/do/{name}", self.id);
        self.world.post(&path, Some(who), fields).await
    }

    async fn done(&self, who: &Person, name: &str, fields: &[(&str, &str)]) {
        let answer = self.act(who, name, fields).await;
        assert_eq!(
            answer.status,
            StatusCode::SEE_OTHER,
            "{name}: {}",
            answer.body
        );
    }

    async fn invite(&self, pages: &[&str]) -> Answer {
        let mut fields = vec![
            ("request_id", "R-1"),
            ("name", "Li, forensics"),
            ("account", ACCOUNT),
            ("may_act", "1"),
            ("days", "7"),
        ];
        fields.extend(pages.iter().map(|page| ("page", *page)));
        let path = format!("/incidents/{}/guests", self.id);
        self.world.post(&path, Some(&self.lead), &fields).await
    }

    /// The guest, logged in with the password that the link let them set.
    pub async fn guest(&self, pages: &[&str]) -> Person {
        let answer = self.invite(pages).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let token = answer.body.split("/welcome?token=").nth(1);
        let token = token.expect("a link").split('<').next().expect("a token");
        let desk = &self.world.desk;
        let own = desk.set_password_by_link(token.trim(), PASSWORD);
        assert_eq!(own.expect("the link sets a password").as_str(), ACCOUNT);
        self.log_in().expect("the guest logs in")
    }

    fn log_in(&self) -> Option<Person> {
        let token = self.world.desk.login(ACCOUNT, PASSWORD).ok()?;
        let csrf = self.world.desk.session(&token)?.csrf;
        Some(Person {
            cookie: format!("balefire_session={token}"),
            csrf,
        })
    }

    async fn get(&self, path: &str, who: &Person) -> Answer {
        self.world.get(path, Some(who)).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_agrees_sees_what_was_given_and_answers_orders_that_name_them() {
    let case = Case::begin().await;
    let guest = case.guest(&["orders", "findings"]).await;
    let order = |to, text| [("to", to), ("text", text), ("due_min", "60")];
    let named = order("person:li.expert", "image the disk of the gateway");
    case.done(&case.lead, "issue-order", &named).await;
    let others = order("group:response", "stop the nightly job");
    case.done(&case.lead, "issue-order", &others).await;
    let said = [("text", "between us: it may be somebody inside")];
    case.done(&case.lead, "write-note", &said).await;

    assert_eq!(case.get("/", &guest).await.location(), "/guest");
    let before = case.get("/guest", &guest).await;
    assert_eq!(before.status, StatusCode::OK);
    assert!(!before.body.contains("image the disk"), "{}", before.body);
    let early = case
        .act(&guest, "accept-order", &[("order", "O-1"), ("seen", "0")])
        .await;
    assert_ne!(early.status, StatusCode::SEE_OTHER);
    let agreed = case.world.post("/guest/agree", Some(&guest), &[]).await;
    assert_eq!(agreed.location(), "/guest", "{}", agreed.body);
    let page = case.get("/guest", &guest).await.body;
    assert!(page.contains("image the disk"), "{page}");
    assert!(page.contains("orders"), "the findings name their table");
    for hidden in ["nightly job", "between us", "13900001111"] {
        assert!(!page.contains(hidden), "{hidden}");
    }
    case.done(&guest, "accept-order", &[("order", "O-1"), ("seen", "0")])
        .await;
    let result = [("order", "O-1"), ("result", "imaged, SHA-256 noted")];
    case.done(&guest, "complete-order", &result).await;
    let not_theirs = case
        .act(&guest, "accept-order", &[("order", "O-2"), ("seen", "0")])
        .await;
    assert_ne!(not_theirs.status, StatusCode::SEE_OTHER);
    let incident = case.world.desk.incident(&case.id).expect("there");
    assert_eq!(incident.orders[0].state.code(), "done");
    assert_eq!(incident.orders[1].state.code(), "issued");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_other_route_is_shut_to_a_guest() {
    let case = Case::begin().await;
    let guest = case.guest(&["orders", "findings", "timeline"]).await;
    let agreed = case.world.post("/guest/agree", Some(&guest), &[]).await;
    assert_eq!(agreed.status, StatusCode::SEE_OTHER);
    let mut shut = 0;
    for row in all() {
        let own = row.path == "/logout" || row.path.starts_with("/settings/account");
        if row.open_to_guests() || own || row.path == "/" {
            continue;
        }
        let path = row
            .path
            .replace("{id}", case.id.as_str())
            .replace("{source}", crate::world::SMALL_SHOP)
            .replace(['{', '}'], "");
        let answer = match row.verb {
            Verb::Get => case.get(&path, &guest).await,
            Verb::Post => case.world.post(&path, Some(&guest), &[]).await,
        };
        let refused = [StatusCode::FORBIDDEN, StatusCode::UNAUTHORIZED];
        assert!(
            refused.contains(&answer.status),
            "{path}: {}",
            answer.status
        );
        let code_name = &case.world.desk.incident(&case.id).expect("there").code_name;
        assert!(!answer.body.contains(code_name.as_str()), "{path}");
        shut += 1;
    }
    assert!(shut > 120, "{shut}");
    // Orders of an incident that is not theirs are not there.
    let path = "/incidents/i-0000000000000000000/do/accept-order";
    let elsewhere = case
        .world
        .post(path, Some(&guest), &[("order", "O-1"), ("seen", "0")])
        .await;
    assert_eq!(elsewhere.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn access_ends_with_the_act_with_the_resource_and_leaves_no_open_account() {
    let case = Case::begin().await;
    let guest = case.guest(&["orders"]).await;
    assert_eq!(case.get("/guest", &guest).await.status, StatusCode::OK);
    // One expert was granted: a second account is refused, and leaves none behind.
    let fields = [
        ("request_id", "R-1"),
        ("name", "Wu"),
        ("account", "wu.expert"),
        ("page", "orders"),
        ("days", "7"),
    ];
    let path = format!("/incidents/{}/guests", case.id);
    let more = case.world.post(&path, Some(&case.lead), &fields).await;
    assert_ne!(more.status, StatusCode::OK, "{}", more.body);
    let open = |account: &str| {
        let people = case.world.desk.accounts().expect("accounts are read");
        people
            .iter()
            .any(|p| p.id == AccountId::new(account) && !p.disabled)
    };
    assert!(!open("wu.expert"));
    // Given back: at the next look the session is nobody's, and no new one can be opened.
    let back = [
        ("request_id", "R-1"),
        ("amount", "1"),
        ("condition", "good"),
    ];
    case.done(&case.lead, "return-resource", &back).await;
    let after = case.get("/guest", &guest).await;
    assert!(after.location().starts_with("/login"), "{}", after.status);
    assert!(case.log_in().is_none());
    // The account is closed by itself.
    let begun = std::time::Instant::now();
    while open(ACCOUNT) {
        assert!(begun.elapsed() < Duration::from_secs(30), "it stays open");
        testkit::pause(Duration::from_millis(20));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_who_is_suspected_or_whose_access_is_ended_is_out_at_once() {
    let case = Case::begin().await;
    let guest = case.guest(&["orders"]).await;
    let end = [("account", ACCOUNT), ("reason", "the contract was ended")];
    case.done(&case.lead, "end-guest", &end).await;
    let after = case.get("/guest", &guest).await;
    assert!(after.location().starts_with("/login"), "{}", after.status);

    let case = Case::begin().await;
    let guest = case.guest(&["orders"]).await;
    let op = model::Operation {
        actor: model::Actor::Person {
            account: AccountId::new("lead"),
            name: "lead".to_owned(),
            positions: (case.world.desk.plan().positions.iter())
                .map(|p| p.id.clone())
                .collect(),
        },
        reason: "seen at the gateway".to_owned(),
        request: model::RequestId::new("suspect"),
        now: case.world.desk.now(),
    };
    let command = incident::access::AccessCommand::NameSuspect {
        account: AccountId::new(ACCOUNT),
    };
    (case.world.desk)
        .change_access(op, &case.id, command, None)
        .expect("a guest can be suspected");
    let after = case.get("/guest", &guest).await;
    assert!(after.location().starts_with("/login"), "{}", after.status);
}

/// Managing accounts shows every account but those that would tell of an incident kept from whoever
/// manages them, while the guest's access lasts and after it has ended.
#[tokio::test(flavor = "multi_thread")]
async fn a_suspect_who_manages_accounts_meets_no_guest_of_the_incident_about_them() {
    let case = Case::begin().await;
    let manager = case.world.everything("manager");
    case.guest(&["orders"]).await;
    let person = format!("/settings/people/{ACCOUNT}");
    let shown = [
        "/settings/people",
        "/settings/positions",
        "/call-out",
        "/api/v1/people",
        "/api/v1/people?q=li",
    ];
    let own = [person.clone(), format!("/api/v1/people/{ACCOUNT}")];
    for path in shown.into_iter().chain(own.iter().map(String::as_str)) {
        let page = case.get(path, &manager).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
    }
    assert!(
        case.get("/api/v1/people", &manager)
            .await
            .body
            .contains(ACCOUNT)
    );

    let fields = [("account", "manager"), ("reason", "the orders were theirs")];
    case.done(&case.lead, "name-suspect", &fields).await;
    for ended in [false, true] {
        if ended {
            let fields = [("account", ACCOUNT), ("reason", "the disks are imaged")];
            case.done(&case.lead, "end-guest", &fields).await;
        }
        for path in shown {
            let page = case.get(path, &manager).await;
            assert_eq!(page.status, StatusCode::OK, "{path}");
            for told in [ACCOUNT, "Li, forensics"] {
                assert!(!page.body.contains(told), "{path} names the guest");
            }
        }
        for path in &own {
            let page = case.get(path, &manager).await;
            assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        }
        for step in ["link", "disable", "enable", "reset-factor", "end-sessions"] {
            let path = format!("{person}/{step}");
            let met = case.world.post(&path, Some(&manager), &[]).await;
            let nobody = path.replace(ACCOUNT, "nobody-there");
            let nobody = case.world.post(&nobody, Some(&manager), &[]).await;
            assert_eq!(nobody.status, StatusCode::NOT_FOUND, "{path}");
            assert_eq!(met.status, nobody.status, "{path}");
        }
        let seen = case.get(&person, &case.lead).await;
        assert_eq!(seen.status, StatusCode::OK, "others know the guest");
        assert!(seen.body.contains("Li, forensics"));
    }
}

/// What is refused leaves nothing behind: neither a name that is taken nor an account that tells
/// of the incident.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_invitation_leaves_no_account_behind() {
    let case = Case::begin().await;
    let refused = case.invite(&[]).await;
    assert!(refused.status.is_client_error(), "{}", refused.status);
    assert_eq!(
        case.world
            .desk
            .person(&AccountId::new(ACCOUNT))
            .expect("read"),
        None
    );
    let invited = case.invite(&["orders"]).await;
    assert_eq!(invited.status, StatusCode::OK, "{}", invited.body);
}

/// One expert was granted and two are invited at once: one of them comes to nothing after the
/// account was made.
#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_that_came_to_nothing_is_hidden_with_its_incident() {
    let case = Case::begin().await;
    let manager = case.world.everything("manager");
    let (desk, id) = (&case.world.desk, &case.id);
    let start = std::sync::Barrier::new(2);
    let invite = |account: &str| {
        let op = model::Operation {
            actor: model::Actor::Person {
                account: AccountId::new("lead"),
                name: "lead".to_owned(),
                positions: desk.plan().positions.iter().map(|p| p.id.clone()).collect(),
            },
            reason: String::new(),
            request: model::RequestId::new(account),
            now: desk.now(),
        };
        let asked = desk::guests::GuestInvitation {
            account: AccountId::new(account),
            name: account.to_owned(),
            request: "R-1".to_owned(),
            pages: vec![incident::resource::GuestPage::Orders],
            may_act: false,
            until: op.now.plus_s(3600),
        };
        start.wait();
        desk.invite_guest(op, id, asked)
    };
    let (one, two) = std::thread::scope(|threads| {
        let one = threads.spawn(|| invite("expert-one"));
        let two = threads.spawn(|| invite("expert-two"));
        (one.join().expect("a thread"), two.join().expect("a thread"))
    });
    assert!(one.is_ok() ^ two.is_ok(), "one place, one guest");
    let fields = [("account", "manager"), ("reason", "the orders were theirs")];
    case.done(&case.lead, "name-suspect", &fields).await;
    for path in ["/settings/people", "/api/v1/people"] {
        let page = case.get(path, &manager).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(!page.body.contains("expert-"), "{path} names an expert");
    }
    let seen = case.get("/settings/people", &case.second).await;
    assert!(seen.body.contains("expert-"));
}
