//! Whatever is asked, in whatever order and by whomever: nothing panics, replay gives the same
//! incident, no effect has an id twice, a refusal changes nothing, a retry does nothing.

use crate::world::{World, altered, digest, person, rows};
use incident::communication::NoticeKind;
use incident::containment::RepairScope;
use incident::custody::EvidenceItem;
use incident::grading::Impact;
use incident::learning::{Measure, Topic};
use incident::people::Addressee;
use incident::rows::RowCounts;
use incident::{Command, decide};
use model::{
    Actor, Figure, Grade, GroupId, Level, Operation, PositionId, ProposalId, RequestId, SourceName,
};
use plan::grading::Figures;
use plan::{Lang, Metric};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Commands that are drawn; `n` picks among their objects.
const COMMANDS: u8 = 46;

fn first(world: &World, which: u8, n: u8) -> Command {
    let text = || "text".to_owned();
    let later = world.now.plus_s(600);
    let small = u32::from(n % 6) + 1;
    let order = || model::OrderId::new(format!("O-{small}"));
    let task = || {
        let tasks = &world.incident.tasks;
        tasks[usize::from(n) % tasks.len()].planned.id.clone()
    };
    match which {
        0 => {
            let keys = [n.to_string(), (n / 2).to_string()];
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            let batch = altered(&keys, world.now);
            Command::AddFindings {
                batch,
                numbers: BTreeMap::new(),
            }
        }
        1 => {
            let value = i64::from(n) * 100_000;
            let numbers = BTreeMap::from([(Metric::DirectLossCny, Figure::Known { value })]);
            Command::SetFigures {
                figures: Figures {
                    numbers,
                    qualitative: vec![],
                },
            }
        }
        2 => Command::SetAnchors {
            occurred: Some(world.now.plus_s(-i64::from(n))),
            discovered: None,
        },
        3 => Command::SetTriggerFacts {
            cii: Some(n.is_multiple_of(2)),
            personal_information: Some(n.is_multiple_of(3)),
            suspected_crime: None,
            interested_parties: None,
            unauthorised_payment: None,
        },
        4 => Command::ConfirmGrade {
            grade: Grade::ALL[usize::from(n % 4)],
            level: None,
        },
        5 => Command::ConfirmGrade {
            grade: Grade::General,
            level: Some(Level(n % 6)),
        },
        6 => Command::CallOut {
            to: Addressee::Group(GroupId::from("legal")),
        },
        7 => Command::Acknowledge { call: small },
        8 => Command::RefuseCall { call: small },
        9 => Command::Escalate { call: small },
        10 => {
            let to = Addressee::Position(PositionId::from("sysadmin"));
            Command::IssueOrder {
                to,
                text: text(),
                constraint: text(),
                due_at: later,
            }
        }
        11 => Command::AcceptOrder {
            seen: None,
            order: order(),
        },
        12 => Command::RefuseOrder { order: order() },
        13 => Command::CompleteOrder {
            order: order(),
            result: text(),
        },
        14 => Command::WithdrawOrder { order: order() },
        15 => Command::CompleteTask {
            task: task(),
            note: text(),
        },
        16 => Command::WaiveTask { task: task() },
        17 => Command::CollectEvidence { item: item(world) },
        18 => Command::TransferEvidence {
            evidence: format!("E-{small}").as_str().into(),
            to: text(),
            purpose: text(),
            sha256: digest(),
        },
        19 | 20 => Command::Handled,
        21..=23 => Command::AdvanceStep,
        24 => Command::Close,
        _ => second(world, which, n),
    }
}

fn second(world: &World, which: u8, n: u8) -> Command {
    let text = || "text".to_owned();
    let small = u32::from(n % 4) + 1;
    let hold = || model::HoldId::new(format!("H-{small}"));
    let proposal = || ProposalId::new(format!("p-{small}"));
    let notice = || model::NoticeId::new(format!("N-{small}"));
    let clocks = &world.plan.clocks;
    let clock = || clocks[usize::from(n) % clocks.len()].id.clone();
    let counts = RowCounts {
        altered: 1,
        ..RowCounts::default()
    };
    let source = || SourceName::from("shop");
    match which {
        25 => Command::ProposeHold {
            rows: rows(&["1"]),
            until: world.now.plus_s(900),
        },
        26 => Command::ApproveHold { hold: hold() },
        27 => Command::RefuseHold { hold: hold() },
        28 => Command::LiftHold { hold: hold() },
        29 => Command::ExpireHold { hold: hold() },
        30 => Command::ProposeRepair {
            proposal: proposal(),
            digest: digest(),
            source: source(),
            scope: RepairScope::AllOpen,
            counts,
            made_at: world.now,
        },
        31 => Command::ApproveRepair {
            proposal: proposal(),
            digest: digest(),
        },
        32 => Command::RejectRepair {
            proposal: proposal(),
        },
        33 => Command::StartRepair {
            proposal: proposal(),
        },
        34 => Command::RepairApplied {
            proposal: proposal(),
            repaired: counts,
        },
        35 => Command::RepairFailed {
            proposal: proposal(),
            why: text(),
        },
        36 => Command::RecordAudit {
            source: source(),
            taken_at: world.now,
            rows: 9,
            discrepancies: u64::from(n % 2),
        },
        37 => {
            let texts = BTreeMap::from([(Lang::En, text())]);
            Command::DraftNotice {
                kind: NoticeKind::User,
                texts,
                audience: 1,
            }
        }
        38 => Command::ApproveNotice { notice: notice() },
        39 => Command::NoticeSent {
            notice: notice(),
            delivered: 1,
            failed: 0,
        },
        40 => Command::FileReport {
            clock: clock(),
            filed_at: world.now,
            channel: text(),
            receipt: text(),
        },
        41 => Command::WaiveDuty { clock: clock() },
        42 => {
            let topic = match n % 3 {
                0 => Topic::NoHold,
                1 => Topic::NoNotice,
                _ => Topic::AcceptOpenRows,
            };
            Command::RecordDecision {
                topic,
                text: text(),
            }
        }
        43 => {
            let (owner, due_at) = (PositionId::from("ciso"), world.now.plus_s(9));
            let measures = vec![Measure {
                text: text(),
                owner,
                due_at,
            }];
            Command::RecordLesson {
                text: text(),
                measures,
            }
        }
        44 => {
            let orders = Figure::known(i64::from(n));
            Command::RecordImpact {
                impact: Impact {
                    orders,
                    ..Impact::default()
                },
            }
        }
        _ => Command::SendBrief,
    }
}

fn item(world: &World) -> EvidenceItem {
    let text = || "text".to_owned();
    EvidenceItem {
        name: text(),
        kind: text(),
        source: text(),
        witness: None,
        collected_at: world.now,
        method: text(),
        sha256: digest(),
        size_bytes: 1,
        positions: Vec::new(),
        location: text(),
    }
}

/// The program, two who hold every position, and one who holds none that matters.
fn actor(world: &World, who: u8) -> Actor {
    let all: Vec<&str> = world.plan.positions.iter().map(|p| p.id.as_str()).collect();
    match who {
        0 => crate::world::system(),
        1..=4 => person("one", &all),
        5..=7 => person("other", &all),
        _ => person("auditor", &["auditor"]),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_course_holds_together(
        asks in proptest::collection::vec((0..COMMANDS, 0..9_u8, any::<u8>(), 0..1000_i64), 1..120),
        exercise in any::<bool>(),
    ) {
        let mut world = World::opened(exercise);
        for (which, who, n, secs) in asks {
            world.later(secs);
            let command = first(&world, which, n);
            let actor = if matches!(command.authority(), incident::Authority::System) {
                crate::world::system()
            } else {
                actor(&world, who)
            };
            let before = (world.incident.next_sequence, world.facts.len());
            match world.give(&actor, "because", command.clone()) {
                Ok(facts) => prop_assert_eq!(world.facts.len(), before.1 + facts.len()),
                Err(refusal) => {
                    prop_assert_eq!(world.incident.next_sequence, before.0);
                    prop_assert!(!refusal.to_string().is_empty());
                }
            }
        }
        world.check();
        // The last request once more is a retry, and makes nothing.
        let last = world.facts.last().unwrap().operation.clone();
        prop_assert_eq!(decide(&last, world.plan, &world.incident, Command::SendBrief), Ok(vec![]));
        let fresh = Operation { request: RequestId::from("fresh"), ..last };
        let _ = decide(&fresh, world.plan, &world.incident, Command::Close);
    }
}
