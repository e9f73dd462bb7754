//! The report of an incident: whole in both languages, without power in any text, and every word
//! of the incident room in the catalogue.

use document::report::phrase::Phrases;
use document::report::{JournalPositions, ReportExtras, html, markdown};
use incident::category::Subclass;
use incident::communication::NoticeKind;
use incident::containment::RepairScope;
use incident::custody::EvidenceItem;
use incident::learning::{Measure, Topic};
use incident::people::{Addressee, CallState};
use incident::rows::{FindingsBatch, RowCounts};
use incident::{
    Category, Command, Incident, OpenRequest, Origin, Refusal, access, brief, clocks, conditions,
    decide, open, refusal, timeline,
};
use model::{
    AccountId, Actor, ColumnChange, Digest, EvidenceId, Figure, Finding, FindingKind, Grade,
    HoldId, IncidentId, Instant, Money, NoticeId, Operation, OrderId, PositionId, ProposalId,
    ReceiptNo, RequestId, Risk, SourceName, TaskId, Verdict,
};
use plan::grading::Figures;
use plan::{Lang, Metric, Plan};
use std::collections::BTreeMap;

const EVIL: &str = "<script>alert(1)</script> | [x](https://evil.example) *b*\n# h";

struct World {
    incident: Incident,
    requests: u32,
    now: Instant,
}

fn plan() -> &'static Plan {
    plan::built_in::plan()
}

fn person(position: &str) -> Actor {
    Actor::Person {
        account: AccountId::from(position),
        name: format!("<b>{position}</b>"),
        positions: vec![PositionId::from(position)],
    }
}

impl World {
    fn new() -> Self {
        let now = Instant::parse("2026-11-22T08:00:00Z").unwrap();
        let actor = Actor::Reporter;
        let request = RequestId::from("open");
        let op = Operation {
            actor,
            reason: String::new(),
            request,
            now,
        };
        let receipt = ReceiptNo::from("R-1");
        let request = OpenRequest {
            id: IncidentId::from("i-1"),
            exercise: false,
            code_name: format!("Lantern {EVIL}"),
            risk: Risk::R2,
            category: Category::DataSecurity {
                subclass: Subclass::Tampering,
            },
            discovered_at: now,
            occurred_at: None,
            source: Some(SourceName::from("shop")),
            origin: Origin::Report {
                receipt,
                text: "odd".to_owned(),
            },
            access: incident::access::Access::default(),
        };
        let facts = Incident::record_opening(&op, open(&op, plan(), request));
        let mut incident = Incident::opened(&facts[0]).unwrap();
        facts[1..].iter().for_each(|f| incident.apply(f));
        Self {
            incident,
            requests: 0,
            now,
        }
    }

    fn give(&mut self, actor: &Actor, command: Command) -> Result<(), Refusal> {
        self.requests += 1;
        let op = Operation {
            actor: actor.clone(),
            reason: EVIL.to_owned(),
            request: RequestId::new(format!("r-{}", self.requests)),
            now: self.now,
        };
        let facts = decide(&op, plan(), &self.incident, command)?;
        for fact in self.incident.record(&op, facts) {
            self.incident.apply(&fact);
        }
        Ok(())
    }

    fn done(&mut self, position: &str, command: Command) {
        let actor = match position {
            "system" => Actor::system("test"),
            position => person(position),
        };
        self.give(&actor, command.clone())
            .unwrap_or_else(|r| panic!("{command:?}: {r}"));
    }
}

fn finding() -> Finding {
    Finding {
        id: "f-1".into(),
        risk: Risk::R2,
        kind: FindingKind::Altered,
        rule: "frozen".to_owned(),
        source: SourceName::from("shop"),
        table: "orders".to_owned(),
        key: "17".to_owned(),
        columns: vec![
            ColumnChange {
                name: "total_minor".to_owned(),
                lawful: Some("12900".to_owned()),
                live: Some("1".to_owned()),
                personal: false,
            },
            ColumnChange {
                name: "phone".to_owned(),
                lawful: Some("13800138000".to_owned()),
                live: Some(EVIL.to_owned()),
                personal: true,
            },
        ],
        verdict: Verdict::Unlawful,
        log: "ledger/0".to_owned(),
        position: 4711,
        seen_at: Instant::from_secs(1_795_334_400),
        stored_at: Instant::from_secs(1_795_334_400),
        at_risk: Some(Money::new(12_900, "CNY")),
        subject: Some("s-1".to_owned()),
        witnessed: true,
        coalesced: false,
        detail: String::new(),
    }
}

fn evidence(now: Instant) -> EvidenceItem {
    EvidenceItem {
        name: EVIL.to_owned(),
        kind: "disk".to_owned(),
        source: "shop".to_owned(),
        witness: None,
        collected_at: now,
        method: "cp 9.1".to_owned(),
        sha256: Digest::of(b"x"),
        size_bytes: 1,
        positions: Vec::new(),
        location: "safe".to_owned(),
    }
}

fn people(w: &mut World) {
    for batch in FindingsBatch::of(&[finding()]) {
        w.done(
            "system",
            Command::AddFindings {
                batch,
                numbers: BTreeMap::new(),
            },
        );
    }
    w.done(
        "system",
        Command::JoinReport {
            receipt: "R-2".into(),
            text: String::new(),
        },
    );
    let numbers = BTreeMap::from([(
        Metric::AffectedPersons,
        Figure::Estimated { low: 1, high: 9 },
    )]);
    w.done(
        "cio",
        Command::SetFigures {
            figures: Figures {
                numbers,
                qualitative: vec![],
            },
        },
    );
    w.done(
        "cio",
        Command::SetAnchors {
            occurred: Some(w.now),
            discovered: None,
        },
    );
    w.done(
        "cio",
        Command::ConfirmGrade {
            grade: Grade::RelativelyMajor,
            level: None,
        },
    );
    let call = w
        .incident
        .calls
        .iter()
        .find(|c| c.call.position.as_str() == "cio")
        .unwrap();
    let call = call.call.number;
    w.done("cio", Command::Acknowledge { call });
    let called = |c: &&incident::people::CallOut| {
        c.state == CallState::Called && c.call.position.as_str() == "head_legal"
    };
    let call = w.incident.calls.iter().find(called).unwrap().call.number;
    w.done("head_legal", Command::RefuseCall { call });
    let call = w
        .incident
        .calls
        .iter()
        .rfind(|c| c.state == CallState::Called)
        .unwrap();
    let call = call.call.number;
    w.now = w.now.plus_s(3600);
    w.done("system", Command::Escalate { call });
    for n in 1..=3 {
        let to = Addressee::Position(PositionId::from("sysadmin"));
        let (text, due_at) = (EVIL.to_owned(), w.now.plus_s(60));
        w.done(
            "cio",
            Command::IssueOrder {
                to,
                text,
                constraint: EVIL.to_owned(),
                due_at,
            },
        );
        let order = OrderId::new(format!("O-{n}"));
        match n {
            1 => {
                w.done(
                    "sysadmin",
                    Command::AcceptOrder {
                        seen: None,
                        order: order.clone(),
                    },
                );
                w.done(
                    "sysadmin",
                    Command::CompleteOrder {
                        order,
                        result: EVIL.to_owned(),
                    },
                );
            }
            2 => w.done("sysadmin", Command::RefuseOrder { order }),
            _ => w.done("cio", Command::WithdrawOrder { order }),
        }
    }
    let task = TaskId::from("p1-receive-report");
    w.done(
        "security_engineer",
        Command::CompleteTask {
            task,
            note: EVIL.to_owned(),
        },
    );
    w.done(
        "cio",
        Command::WaiveTask {
            task: TaskId::from("p1-assess-scope"),
        },
    );
}

fn work(w: &mut World) {
    let item = evidence(w.now);
    w.done("security_engineer", Command::CollectEvidence { item });
    let (evidence, to, purpose) = (
        EvidenceId::from("E-1"),
        "police".to_owned(),
        EVIL.to_owned(),
    );
    let sha256 = Digest::of(b"y");
    w.done(
        "head_legal",
        Command::TransferEvidence {
            evidence,
            to,
            purpose,
            sha256,
        },
    );
    for n in 1..=3 {
        let rows = incident::rows::TableRows {
            source: "shop".into(),
            table: "orders".to_owned(),
            keys: vec!["17".to_owned()],
        };
        let until = w.now.plus_s(60);
        w.done(
            "security_engineer",
            Command::ProposeHold {
                rows: vec![rows],
                until,
            },
        );
        let hold = HoldId::new(format!("H-{n}"));
        if n == 3 {
            w.done("ciso", Command::RefuseHold { hold });
            continue;
        }
        w.done("ciso", Command::ApproveHold { hold: hold.clone() });
        if n == 1 {
            w.done("ciso", Command::LiftHold { hold });
        } else {
            w.now = until;
            w.done("system", Command::ExpireHold { hold });
        }
    }
    let counts = RowCounts {
        altered: 1,
        ..RowCounts::default()
    };
    for id in ["p-1", "p-2", "p-3"] {
        let (proposal, digest) = (ProposalId::from(id), Digest::of(id.as_bytes()));
        let propose = Command::ProposeRepair {
            proposal: proposal.clone(),
            digest,
            source: "shop".into(),
            scope: RepairScope::AllOpen,
            counts,
            made_at: w.now,
        };
        w.done("security_engineer", propose);
        if id == "p-1" {
            w.done("ciso", Command::RejectRepair { proposal });
            continue;
        }
        w.done(
            "ciso",
            Command::ApproveRepair {
                proposal: proposal.clone(),
                digest,
            },
        );
        w.done(
            "sysadmin",
            Command::StartRepair {
                proposal: proposal.clone(),
            },
        );
        match id {
            "p-2" => w.done(
                "system",
                Command::RepairFailed {
                    proposal,
                    why: EVIL.to_owned(),
                },
            ),
            _ => w.done(
                "system",
                Command::RepairApplied {
                    proposal,
                    repaired: counts,
                },
            ),
        }
    }
    let (source, taken_at) = (SourceName::from("shop"), w.now);
    w.done(
        "system",
        Command::RecordAudit {
            source,
            taken_at,
            rows: 9,
            discrepancies: 0,
        },
    );
}

fn words(w: &mut World) {
    for n in 1..=2 {
        let texts = BTreeMap::from([(Lang::Zh, EVIL.to_owned())]);
        w.done(
            "head_cs",
            Command::DraftNotice {
                kind: NoticeKind::User,
                texts,
                audience: 2,
            },
        );
        let notice = NoticeId::new(format!("N-{n}"));
        if n == 1 {
            w.done("head_legal", Command::RejectNotice { notice });
            continue;
        }
        w.done(
            "head_legal",
            Command::ApproveNotice {
                notice: notice.clone(),
            },
        );
        w.done(
            "system",
            Command::NoticeSent {
                notice,
                delivered: 1,
                failed: 1,
            },
        );
    }
    let facts = Command::SetTriggerFacts {
        cii: Some(false),
        personal_information: Some(true),
        suspected_crime: None,
        interested_parties: None,
        unauthorised_payment: None,
    };
    w.done("cio", facts);
    let clock = plan().clocks[0].id.clone();
    let (filed_at, channel) = (w.now, EVIL.to_owned());
    w.done(
        "head_legal",
        Command::FileReport {
            clock,
            filed_at,
            channel,
            receipt: "1".to_owned(),
        },
    );
    w.done(
        "head_legal",
        Command::WaiveDuty {
            clock: plan().clocks[1].id.clone(),
        },
    );
    w.done(
        "cio",
        Command::RecordDecision {
            topic: Topic::NoHold,
            text: EVIL.to_owned(),
        },
    );
    let (text, owner, due_at) = (
        EVIL.to_owned(),
        PositionId::from("sysadmin"),
        w.now.plus_s(9),
    );
    let measures = vec![Measure {
        text,
        owner,
        due_at,
    }];
    w.done(
        "cio",
        Command::RecordLesson {
            text: EVIL.to_owned(),
            measures,
        },
    );
    let mut impact = incident::grading::Impact {
        orders: Figure::known(1),
        ..Default::default()
    };
    impact.money.insert("CNY".to_owned(), Default::default());
    w.done("cio", Command::RecordImpact { impact });
    w.done("system", Command::StartWatch);
    w.done("system", Command::SendBrief);
}

fn worked() -> World {
    let mut world = World::new();
    people(&mut world);
    work(&mut world);
    words(&mut world);
    world
}

fn both(world: &World, lang: Lang) -> (String, String) {
    let journal = JournalPositions {
        ledger_size: 20_000,
        record_size: 99,
        root_checkpoint: "balefire/root\n3\nabc=\n\n— balefire/root xyz\n".to_owned(),
    };
    let extras = ReportExtras {
        findings: &[finding()],
        journal: &journal,
        generated_at: world.now,
    };
    let page = html(&world.incident, plan(), &extras, lang);
    (page, markdown(&world.incident, plan(), &extras, lang))
}

#[test]
fn a_report_is_whole_in_both_languages() {
    let mut world = worked();
    for lang in Lang::ALL {
        let (page, text) = both(&world, lang);
        assert_eq!(page.matches("<h2>").count(), 11);
        assert_eq!(text.matches("\n## ").count(), 11);
        for told in [
            "frozen",
            "12900",
            "ledger/0 4711",
            "20000",
            "balefire/root",
            "R-2",
            "O-3",
        ] {
            assert!(page.contains(told) && text.contains(told), "{lang}: {told}");
        }
        assert!(!page.contains("13800138000") && !text.contains("13800138000"));
        let draft = document::words(lang).text("summary-draft-note");
        assert!(page.contains(&*draft) && text.contains(&*draft));
    }
    world.incident.status = incident::Status::Closed {
        at: world.now,
        by: person("cio"),
    };
    let (page, _) = both(&world, Lang::Zh);
    assert!(page.contains("事件总结报告") && !page.contains("草稿"));
}

#[test]
fn no_text_of_people_has_power() {
    let world = worked();
    for lang in Lang::ALL {
        let (page, text) = both(&world, lang);
        assert!(!page.contains("<script") && !page.contains("<b>"));
        // A notice's own text stands as code, behind four blanks, where nothing has power.
        for line in text.lines().filter(|line| !line.starts_with("    ")) {
            let bare = line.replace("\\]", "");
            assert!(!bare.contains('<') && !bare.contains("://"), "{line}");
            assert!(!bare.contains("]("), "{line}");
            let cells = line.replace("\\|", "").matches('|').count();
            assert!(cells == 0 || line.starts_with('|'), "{line}");
        }
    }
}

#[test]
fn every_line_of_the_course_has_its_words() {
    let world = worked();
    let told: Vec<&str> = world
        .incident
        .timeline
        .iter()
        .map(|e| e.kind.as_str())
        .collect();
    // What is not told here is told nowhere but at the end of a whole run.
    let rest = ["step-left", "handling-ended", "closed"];
    for kind in timeline::KINDS {
        let reached = told.contains(&kind) || rest.contains(&kind);
        assert!(reached, "the test's incident never has the line {kind}");
    }
    for lang in Lang::ALL {
        let phrases = Phrases::new(plan(), lang);
        for line in &world.incident.timeline {
            assert!(!phrases.event(line).contains('{'));
        }
        for line in brief::five_lines(&world.incident, plan(), world.now) {
            phrases.brief(&line);
        }
        for leaving in [conditions::Leaving::Step, conditions::Leaving::Incident] {
            for item in conditions::missing(plan(), &World::new().incident, leaving, world.now) {
                phrases.missing(&item);
            }
        }
    }
}

#[test]
fn the_catalogue_has_every_code_of_the_incident_room() {
    let mut codes: Vec<String> = Vec::new();
    codes.extend(Refusal::CODES.map(|c| format!("refusal-{c}")));
    codes.extend(conditions::CODES.map(|c| format!("missing-{c}")));
    codes.extend(timeline::KINDS.map(|c| format!("event-{c}")));
    codes.extend(access::KINDS.map(|c| format!("event-{c}")));
    codes.extend(incident::orders::KINDS.map(|c| format!("event-{c}")));
    codes.extend(incident::handover::KINDS.map(|c| format!("event-{c}")));
    codes.extend(incident::joining::KINDS.map(|c| format!("event-{c}")));
    codes.extend(incident::room::KINDS.map(|c| format!("event-{c}")));
    codes.extend(incident::resource::KINDS.map(|c| format!("event-{c}")));
    codes.extend(incident::tasks::KINDS.map(|c| format!("event-{c}")));
    codes.extend(incident::assessing::KINDS.map(|c| format!("event-{c}")));
    codes.extend(refusal::BadValue::ALL.map(|b| format!("bad-{}", b.code())));
    codes.extend(plan::Act::ALL.map(|a| format!("act-{}", a.code().replace('_', "-"))));
    codes.extend(Subclass::ALL.map(|s| format!("category-{}", s.code())));
    codes.extend(NoticeKind::ALL.map(|n| format!("notice-{}", n.code())));
    codes.extend(Risk::ALL.map(|r| format!("risk-{}", r.code().to_lowercase())));
    for code in codes {
        let key = format!("incident-{code}");
        for lang in Lang::ALL {
            assert!(document::words(lang).has(&key), "{lang} lacks {key}");
        }
    }
}

#[test]
fn every_refusal_has_its_words() {
    let mut world = worked();
    let strange = Command::AcceptOrder {
        seen: None,
        order: OrderId::from("O-99"),
    };
    let mut refusals = vec![
        Refusal::Closed,
        Refusal::ReasonNeeded,
        Refusal::SamePerson,
        Refusal::SystemOnly,
        Refusal::Bound {
            bound: "orders".to_owned(),
            limit: 500,
        },
        Refusal::Bad {
            field: "due".to_owned(),
            why: refusal::BadValue::Time,
        },
        Refusal::Conflict {
            what: "repair".to_owned(),
            why: "digest".to_owned(),
        },
    ];
    refusals.push(world.give(&person("sysadmin"), strange).unwrap_err());
    refusals.push(world.give(&person("auditor"), Command::Close).unwrap_err());
    refusals.push(world.give(&person("cio"), Command::Close).unwrap_err());
    let answered = Command::AcceptOrder {
        seen: None,
        order: OrderId::from("O-1"),
    };
    refusals.push(
        world
            .give(&person("sysadmin"), answered.clone())
            .unwrap_err(),
    );
    refusals.push(world.give(&person("head_cs"), answered).unwrap_err());
    for lang in Lang::ALL {
        let phrases = Phrases::new(plan(), lang);
        let told: Vec<String> = refusals.iter().map(|r| phrases.refusal(r)).collect();
        assert!(
            told.iter()
                .all(|t| !t.is_empty() && !t.contains("incident-")),
            "{told:?}"
        );
    }
    let codes: std::collections::BTreeSet<_> = refusals.iter().map(Refusal::code).collect();
    assert_eq!(codes.len(), Refusal::CODES.len());
    assert!(!clocks::clocks(plan(), &world.incident, world.now).is_empty());
}
