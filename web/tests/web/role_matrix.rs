//! Walks every row of the role matrix as a visitor, as somebody without the act, as somebody with
//! it, and with a wrong form token.

use crate::world::{Answer, Person, SMALL_SHOP, World};
use axum::http::StatusCode;
use std::collections::{BTreeMap, BTreeSet};
use web::roles::{Needs, Row, Verb, all};

struct Walk {
    world: World,
    nobody: Person,
    holders: BTreeMap<String, Person>,
    incident: String,
}

impl Walk {
    fn begin() -> Self {
        let world = World::new();
        let incident = world.attacked().to_string();
        let nobody = world.person("nobody", &[]);
        Self {
            world,
            nobody,
            holders: BTreeMap::new(),
            incident,
        }
    }
    fn path(&self, row: &Row) -> String {
        row.path
            .replace("{id}", &self.incident)
            .replace("{proposal}", "p-none")
            .replace("{source}", SMALL_SHOP)
            .replace("{window}", "w-none")
            .replace("{account}", "none")
            .replace("{session}", "none")
            .replace("{token}", "none")
            .replace("{receipt}", "none")
            .replace("{file}", "none")
            .replace("{format}", "html")
            .replace("{hash}/{name}", "0000/none.css")
            .replace("{*rest}", "record/checkpoint")
    }
    async fn ask(&self, row: &Row, who: Option<&Person>, csrf: Option<&str>) -> Answer {
        let path = self.path(row);
        match row.verb {
            Verb::Get => self.world.get(&path, who).await,
            Verb::Post => {
                let token = csrf.unwrap_or_else(|| who.map_or("", |p| p.csrf.as_str()));
                self.world
                    .post_raw(&path, who, &[("csrf", token)], &[("x-csrf-token", token)])
                    .await
            }
        }
    }
    /// Somebody who may use the row; each position logs in once.
    fn holder(&mut self, row: &Row) -> Person {
        let position = match row.needs {
            Needs::Act(act) => self
                .world
                .holder_of(act)
                .expect("the plan gives every act of the matrix"),
            Needs::Journal => self
                .world
                .holder_of(plan::Act::ReadEvidence)
                .expect("somebody reads evidence"),
            _ => "cio".to_owned(),
        };
        let known = self.holders.contains_key(&position);
        if !known || row.path == "/logout" {
            let name = if known {
                format!("{position}-again")
            } else {
                position.clone()
            };
            let person = self.world.person(&name, &[&position]);
            if known {
                return person;
            }
            self.holders.insert(position.clone(), person);
        }
        self.holders[&position].clone()
    }
}

fn turned_away(answer: &Answer) -> bool {
    answer.status == StatusCode::UNAUTHORIZED || answer.location().starts_with("/login")
}

/// The refusals of the doors themselves; an incident may still refuse for its own reasons.
fn shut(answer: &Answer) -> bool {
    answer.status == StatusCode::FORBIDDEN
        && [
            "Not allowed",
            "The form has expired",
            "Request from another site",
        ]
        .iter()
        .any(|t| answer.body.contains(t))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_keeps_to_its_row() {
    let mut walk = Walk::begin();
    // Logging out ends the session that the walk still needs: last.
    let mut rows: Vec<&Row> = all().collect();
    rows.sort_by_key(|row| row.path == "/logout");
    for row in rows {
        let name = format!("{:?} {}", row.verb, row.path);
        let visitor = walk.ask(row, None, None).await;
        let without = walk.ask(row, Some(&walk.nobody), None).await;
        let holder = walk.holder(row);
        if row.verb == Verb::Post && row.needs != Needs::Public {
            for wrong in ["", "0000", walk.nobody.csrf.as_str()] {
                let forged = walk.ask(row, Some(&holder), Some(wrong)).await;
                assert!(
                    shut(&forged),
                    "{name}: a wrong token was taken: {}",
                    forged.status
                );
            }
        }
        let with = walk.ask(row, Some(&holder), None).await;
        match row.needs {
            Needs::Guest => {
                // A guest's only: guests.rs has one.
                assert!(turned_away(&visitor), "{name}: {}", visitor.status);
                assert!(shut(&without) && shut(&with), "{name}: open to staff");
                continue;
            }
            Needs::Intake => {
                // A token's only: reports_by_mail.rs has one.
                assert!(turned_away(&visitor), "{name}: {}", visitor.status);
                assert!(shut(&without) && shut(&with), "{name}: open to a person");
                continue;
            }
            Needs::Public => assert!(
                !shut(&visitor) && !visitor.location().starts_with("/login?"),
                "{name}: closed to visitors"
            ),
            Needs::LoggedIn => {
                assert!(
                    turned_away(&visitor),
                    "{name}: open to visitors: {}",
                    visitor.status
                );
                assert!(!shut(&without), "{name}: closed to somebody logged in");
            }
            Needs::Act(_) | Needs::Journal => {
                assert!(
                    turned_away(&visitor),
                    "{name}: open to visitors: {}",
                    visitor.status
                );
                assert!(
                    shut(&without),
                    "{name}: open without the act: {}",
                    without.status
                );
            }
        }
        assert!(
            !shut(&with),
            "{name}: closed to those who may: {}",
            with.body
        );
        assert!(with.status.as_u16() < 500, "{name}: {}", with.status);
    }
}

#[test]
fn no_route_stands_twice_and_few_are_public() {
    let mut seen = BTreeSet::new();
    for row in all() {
        assert!(
            seen.insert((row.verb == Verb::Post, row.path)),
            "{} stands twice",
            row.path
        );
    }
    let public: Vec<String> = all()
        .filter(|row| row.needs == Needs::Public)
        .map(|row| format!("{:?} {}", row.verb, row.path))
        .collect();
    expect_test::expect![[r#"
        Get /healthz
        Get /assets/{hash}/{name}
        Get /report
        Post /report
        Post /report/receipt
        Post /chat/{channel}
        Post /api/v1/reports
        Post /api/v1/reports/{receipt}/additions
        Get /api/v1/reports/{receipt}
        Get /report/receipt
        Get /login
        Post /login
        Get /login/link
        Post /login/link
        Get /login/oidc
        Get /login/oidc/callback
        Post /login/code
        Get /login/emergency
        Post /login/emergency
        Get /welcome
        Post /welcome
        Post /look
        Get /answer/{token}
        Post /answer/{token}
        Get /rota/{token}/duty.ics
        Get /api/v1/openapi.json"#]]
    .assert_eq(&public.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_row_is_not_there() {
    let world = World::new();
    let person = world.everything("all");
    for path in [
        "/admin",
        "/incidents/x/do/add-findings",
        "/api/v1/nothing",
        "/journal",
    ] {
        assert_eq!(
            world.get(path, Some(&person)).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    assert_eq!(
        world.post("/plan", Some(&person), &[]).await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
    let problem = world.get("/api/v1/incidents/none", Some(&person)).await;
    assert_eq!(problem.header("content-type"), "application/problem+json");
    expect_test::expect![[r#"{"detail":"The address may be wrong, or what it named does not exist.","status":404,"title":"No such page","type":"urn:balefire:problem:not-found"}"#]]
        .assert_eq(&problem.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_journal_is_open_and_nothing_else() {
    let world = World::with(web::WebOptions {
        public_journal: true,
        ..web::WebOptions::default()
    });
    let checkpoint = world.get("/journal/record/checkpoint", None).await;
    assert_eq!(checkpoint.status, StatusCode::OK);
    assert!(checkpoint.body.contains("balefire"), "{}", checkpoint.body);
    assert!(turned_away(&world.get("/evidence", None).await));
    assert_eq!(
        world.get("/journal/../keys/log.key", None).await.status,
        StatusCode::NOT_FOUND
    );
}
