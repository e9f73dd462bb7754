//! Object access across incidents: whatever is asked of one incident with the names of another
//! one's things, on every route and verb, the other one stays as it is and shows nothing.

use crate::world::{Person, World};
use axum::http::StatusCode;
use model::{IncidentId, RequestId};
use std::collections::BTreeSet;
use web::roles::{Verb, all};

/// Somebody for every position, so that no right is missing, and a second one for four eyes.
struct Two {
    world: World,
    first: Person,
    second: Person,
    /// Has one thing of each kind.
    full: IncidentId,
    /// Has none.
    other: IncidentId,
}

impl Two {
    async fn begin() -> Self {
        let world = World::new();
        let full = world.attacked();
        let (first, second) = (world.everything("first"), world.everything("second"));
        let receipt = world.report("something else altogether");
        let path = format!("/api/v1/reports/{receipt}/incident");
        let key = [
            ("idempotency-key", "open"),
            ("x-csrf-token", first.csrf.as_str()),
        ];
        let opened = world.post_json(&path, &first, &key, "{}").await;
        assert_eq!(opened.status, StatusCode::CREATED, "{}", opened.body);
        let body: serde_json::Value = serde_json::from_str(&opened.body).expect("JSON");
        let other = IncidentId::from(body["id"].as_str().expect("an id"));
        let two = Self {
            world,
            first,
            second,
            full,
            other,
        };
        two.fill().await;
        two
    }

    async fn act(&self, who: &Person, name: &str, fields: &[(&str, &str)]) {
        let path = format!("/incidents/{}/do/{name}", self.full);
        let answer = self.world.post(&path, Some(who), fields).await;
        assert_eq!(
            answer.status,
            StatusCode::SEE_OTHER,
            "{name}: {}",
            answer.body
        );
    }

    /// One thing of each kind, each in a state in which something may be done with it.
    async fn fill(&self) {
        let order = [
            ("to", "position:sysadmin"),
            ("text", "secret-order"),
            ("due_min", "30"),
            ("verify", "yes"),
        ];
        self.act(&self.first, "issue-order", &order).await;
        self.act(&self.first, "write-note", &[("text", "secret-note")])
            .await;
        let handover = [("position", "ciso"), ("remarks", "secret-remark")];
        self.act(&self.first, "prepare-handover", &handover).await;
        self.act(&self.first, "collect-evidence", &[]).await;
        let hold = [
            ("rows", "open"),
            ("until_h", "2"),
            ("reason", "secret-hold"),
        ];
        self.act(&self.first, "propose-hold", &hold).await;
        self.act(&self.first, "propose-repair", &[]).await;
        let notice = [
            ("kind", "user"),
            ("text-zh", "secret-notice"),
            ("text-en", "secret-notice"),
            ("audience", "3"),
        ];
        self.act(&self.first, "draft-notice", &notice).await;
        let row = self.row();
        let accept = [
            ("topic", "accept-rows"),
            ("row", row.as_str()),
            ("text", "secret-accept"),
        ];
        self.act(&self.first, "record-decision", &accept).await;
        self.fill_rest().await;
    }

    /// What was built later: resources, a guest, a brief, tasks, and somebody under suspicion.
    async fn fill_rest(&self) {
        let asked = [
            ("what", "expert-forensics"),
            ("amount", "1"),
            ("needed_min", "60"),
            ("reason", "secret-need"),
        ];
        self.act(&self.first, "request-resource", &asked).await;
        let granted = [
            ("request_id", "R-1"),
            ("amount", "1"),
            ("until_min", "1440"),
        ];
        self.act(&self.second, "grant-resource", &granted).await;
        let guest = [
            ("request_id", "R-1"),
            ("name", "An expert"),
            ("account", "a.guest"),
            ("may_act", "1"),
            ("days", "7"),
            ("page", "orders"),
        ];
        let path = format!("/incidents/{}/guests", self.full);
        let invited = self.world.post(&path, Some(&self.first), &guest).await;
        assert_eq!(invited.status, StatusCode::OK, "{}", invited.body);
        let again = [("what", "expert-forensics"), ("amount", "1")];
        let again = [
            &again[..],
            &[("needed_min", "60"), ("reason", "secret-more")],
        ]
        .concat();
        self.act(&self.first, "request-resource", &again).await;
        self.world.person("suspect", &["sysadmin"]);
        let suspect = [("account", "suspect"), ("reason", "secret-suspicion")];
        self.act(&self.first, "name-suspect", &suspect).await;
    }

    fn row(&self) -> String {
        let findings = self.world.desk.findings(&desk::FindingFilter {
            incident: Some(self.full.clone()),
            limit: 100,
            ..desk::FindingFilter::default()
        });
        let payment = findings
            .iter()
            .find(|f| f.table == "payments")
            .expect("the payment");
        format!("{}|payments|{}", payment.source, payment.key)
    }

    /// Every name under which something of the full incident can be asked for.
    fn names(&self) -> Vec<(&'static str, String)> {
        let i = self.world.desk.incident(&self.full).expect("there");
        let asked = self.world.desk.acceptances(None).expect("a list");
        let mut names = vec![
            ("order", i.orders[0].id.to_string()),
            ("corrects", i.room.notes[0].number.to_string()),
            ("number", i.handovers[0].number.to_string()),
            ("evidence", i.evidence[0].id.to_string()),
            ("hold", i.holds[0].id.to_string()),
            ("proposal", i.repairs[0].proposal.to_string()),
            ("notice", i.notices[0].id.to_string()),
            ("call", i.calls[0].call.number.to_string()),
            ("acceptance", asked[0].id.clone()),
            ("row", self.row()),
            ("seen", "0".to_owned()),
            ("request_id", "R-1".to_owned()),
            ("request", "R-2".to_owned()),
            ("account", "a.guest".to_owned()),
            ("task", i.tasks[0].planned.id.to_string()),
        ];
        names.push(("digest", i.repairs[0].digest.to_string()));
        names
    }

    /// What the full incident is, to the last fact.
    fn picture(&self) -> String {
        let i = self.world.desk.incident(&self.full).expect("there");
        let asked = self.world.desk.acceptances(None).expect("a list");
        let open: Vec<bool> = asked.iter().map(|a| a.is_over()).collect();
        format!("{} {open:?}", serde_json::to_string(&*i).expect("JSON"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_things_of_one_incident_are_out_of_reach_from_another() {
    let two = Two::begin().await;
    let names = two.names();
    let before = two.picture();
    let made = every_command(&two.world, &names).await;
    let mut walked = BTreeSet::new();
    for row in all() {
        let inside = row.path.starts_with("/incidents/{id}")
            || row.path.starts_with("/api/v1/incidents/{id}");
        if !inside {
            continue;
        }
        walked.insert(row.path);
        let path = (row.path.replace("{id}", two.other.as_str()))
            .replace("{proposal}", &names[5].1)
            .replace("{format}", "html");
        match row.verb {
            Verb::Get => {
                let answer = two.world.get(&path, Some(&two.second)).await;
                assert!(
                    !answer.body.contains("secret-"),
                    "{path} shows another incident"
                );
                if row.path.contains("{proposal}") {
                    assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
                }
            }
            Verb::Post if row.path.starts_with("/api/") => {
                let whole = row.path.ends_with("/commands");
                let made = made.iter().filter(|_| whole).cloned();
                for (name, command) in commands(&names).into_iter().chain(made) {
                    let request = RequestId::new(format!("across-{name}"));
                    let headers = [
                        ("idempotency-key", request.as_str()),
                        ("if-match", "*"),
                        ("x-csrf-token", two.second.csrf.as_str()),
                    ];
                    let answer = two
                        .world
                        .post_json(&path, &two.second, &headers, &command)
                        .await;
                    // `O-1` may by now be a thing of this incident too; these names are of one alone.
                    let unique = command.contains("proposal") || command.contains("acceptance");
                    assert!(!(unique && answer.status.is_success()), "{path} {command}");
                    assert!(!answer.status.is_server_error(), "{path} {command}");
                    assert!(!answer.body.contains("secret-"), "{path} {command}");
                }
            }
            Verb::Post => {
                let mut fields: Vec<(&str, &str)> =
                    names.iter().map(|(n, v)| (*n, v.as_str())).collect();
                fields.extend([
                    ("reason", "because"),
                    ("result", "done"),
                    ("text", "x"),
                    ("to", "nobody"),
                    ("due_min", "5"),
                ]);
                let answer = two.world.post(&path, Some(&two.second), &fields).await;
                assert!(!answer.status.is_server_error(), "{path}: {}", answer.body);
            }
        }
        assert!(
            two.picture() == before,
            "{:?} {path} changed another incident",
            row.verb
        );
    }
    assert!(walked.len() > 40, "{walked:?}");
}

/// Every command that the API knows, about the things of the other incident.
async fn every_command(world: &World, names: &[(&str, String)]) -> Vec<(String, String)> {
    let document = world.get("/api/v1/openapi.json", None).await;
    let document: serde_json::Value = serde_json::from_str(&document.body).expect("JSON");
    let body = serde_json::json!({ "$ref": "#/components/schemas/Command" });
    let commands = crate::made::bodies(&document, &body);
    assert!(commands.len() > 60, "{}", commands.len());
    let pointed = commands.into_iter().map(|mut command| {
        point(&mut command, names);
        serde_json::json!({ "command": command, "reason": "because" }).to_string()
    });
    let numbered = pointed.enumerate();
    numbered
        .map(|(n, body)| (format!("made-{n}"), body))
        .collect()
}

/// Puts the names of the other incident's things wherever a part of a command is called so.
fn point(part: &mut serde_json::Value, names: &[(&str, String)]) {
    let serde_json::Value::Object(fields) = part else {
        return;
    };
    for (field, value) in fields.iter_mut() {
        let known = names.iter().find(|(name, _)| name == field);
        match known {
            Some((_, name)) if value.is_string() => *value = name.as_str().into(),
            Some((_, name)) if value.is_u64() => *value = name.parse().unwrap_or(1_u64).into(),
            _ => point(value, names),
        }
    }
}

/// Commands and acts of programs with the other incident's names.
fn commands(names: &[(&'static str, String)]) -> Vec<(String, String)> {
    let of = |wanted: &str| {
        let found = names.iter().find(|(name, _)| *name == wanted);
        found.map_or("", |(_, value)| value.as_str())
    };
    let command =
        |fields: serde_json::Value| serde_json::json!({ "command": fields, "reason": "because" });
    let (order, hold, proposal) = (of("order"), of("hold"), of("proposal"));
    let all = [
        command(serde_json::json!({ "command": "accept_order", "order": order })),
        command(serde_json::json!({ "command": "withdraw_order", "order": order })),
        command(serde_json::json!({ "command": "approve_hold", "hold": hold })),
        command(serde_json::json!({ "command": "lift_hold", "hold": hold })),
        command(
            serde_json::json!({ "command": "approve_repair", "proposal": proposal, "digest": of("digest") }),
        ),
        command(serde_json::json!({ "command": "start_repair", "proposal": proposal })),
        command(serde_json::json!({ "command": "approve_notice", "notice": of("notice") })),
        command(
            serde_json::json!({ "command": "transfer_evidence", "evidence": of("evidence"), "to": "x", "purpose": "x", "sha256": of("digest") }),
        ),
        serde_json::json!({ "act": "apply_repair", "proposal": proposal }),
        serde_json::json!({ "act": "approve_acceptance", "acceptance": of("acceptance") }),
        serde_json::json!({ "act": "refuse_acceptance", "acceptance": of("acceptance") }),
    ];
    let numbered = all.into_iter().enumerate();
    numbered
        .map(|(n, body)| (n.to_string(), body.to_string()))
        .collect()
}
