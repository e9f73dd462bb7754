//! Two persons for a hold, a repair and a notice: one person does not pass, whatever positions
//! that person holds.

use crate::world::{World, digest, person, rows};
use incident::communication::NoticeKind;
use incident::containment::RepairScope;
use incident::rows::RowCounts;
use incident::{Command, Refusal};
use model::{Digest, HoldId, NoticeId, PositionId, ProposalId, SourceName};
use plan::Lang;
use std::collections::BTreeMap;

/// One person in every position of the plan, and another one likewise.
fn two() -> (World, model::Actor, model::Actor) {
    let world = World::new();
    let all: Vec<&str> = world.plan.positions.iter().map(|p| p.id.as_str()).collect();
    let (one, other) = (person("one", &all), person("other", &all));
    (world, one, other)
}

#[test]
fn a_hold_needs_a_second_person() {
    let (mut world, one, other) = two();
    let until = world.now.plus_s(60);
    world.done(
        &one,
        Command::ProposeHold {
            rows: rows(&["1"]),
            until,
        },
    );
    let approve = Command::ApproveHold {
        hold: HoldId::from("H-1"),
    };
    assert_eq!(world.refused(&one, approve.clone()), Refusal::SamePerson);
    // Fewer positions, another name of the same account: still the same person.
    let again = person("one", &["ciso"]);
    assert_eq!(world.refused(&again, approve.clone()), Refusal::SamePerson);
    world.done(&other, approve);
    world.check();
}

#[test]
fn a_repair_needs_a_second_person_and_the_digest_that_was_looked_at() {
    let (mut world, one, other) = two();
    let proposal = ProposalId::from("p-1");
    world.done(
        &one,
        Command::ProposeRepair {
            proposal: proposal.clone(),
            digest: digest(),
            source: SourceName::from("shop"),
            scope: RepairScope::AllOpen,
            counts: RowCounts {
                forged: 1,
                ..RowCounts::default()
            },
            made_at: world.now,
        },
    );
    let approve = |digest| Command::ApproveRepair {
        proposal: proposal.clone(),
        digest,
    };
    assert_eq!(world.refused(&one, approve(digest())), Refusal::SamePerson);
    let differs = world.refused(&other, approve(Digest::of(b"another")));
    assert_eq!(differs.code(), "conflict");
    let unapproved = world.refused(
        &one,
        Command::StartRepair {
            proposal: proposal.clone(),
        },
    );
    assert_eq!(unapproved.code(), "wrong-state");
    world.done(&other, approve(digest()));
    world.check();
}

#[test]
fn a_notice_needs_a_second_person() {
    let (mut world, one, other) = two();
    let texts = BTreeMap::from([(Lang::En, "text".to_owned())]);
    world.done(
        &one,
        Command::DraftNotice {
            kind: NoticeKind::User,
            texts,
            audience: 1,
        },
    );
    let approve = Command::ApproveNotice {
        notice: NoticeId::from("N-1"),
    };
    assert_eq!(world.refused(&one, approve.clone()), Refusal::SamePerson);
    world.done(&other, approve);
}

#[test]
fn the_program_approves_nothing_and_nobody_acts_without_the_position() {
    let (mut world, one, _) = two();
    let until = world.now.plus_s(60);
    world.done(
        &one,
        Command::ProposeHold {
            rows: rows(&["1"]),
            until,
        },
    );
    let approve = Command::ApproveHold {
        hold: HoldId::from("H-1"),
    };
    for actor in [
        crate::world::system(),
        model::Actor::Reporter,
        person("agent", &["cs_agent"]),
    ] {
        assert_eq!(world.refused(&actor, approve.clone()).code(), "not-allowed");
    }
    let cio = PositionId::from("cio");
    assert!(incident::may(
        world.plan,
        std::slice::from_ref(&cio),
        &approve
    ));
    let propose = Command::ProposeHold {
        rows: rows(&["1"]),
        until,
    };
    assert!(!incident::may(world.plan, &[cio], &propose));
}

#[test]
fn a_row_found_again_while_its_repair_ran_stays_open_until_an_audit_is_clean() {
    let (mut world, one, other) = two();
    let find = |world: &mut World| {
        let batch = crate::world::altered(&["1", "2"], world.now);
        let numbers = BTreeMap::new();
        world.done(
            &crate::world::system(),
            Command::AddFindings { batch, numbers },
        );
    };
    find(&mut world);
    let proposal = ProposalId::from("p-1");
    let counts = RowCounts {
        altered: 2,
        ..RowCounts::default()
    };
    world.done(
        &one,
        Command::ProposeRepair {
            proposal: proposal.clone(),
            digest: digest(),
            source: SourceName::from("shop"),
            scope: RepairScope::Rows {
                rows: rows(&["1", "2"]),
            },
            counts,
            made_at: world.now,
        },
    );
    world.done(
        &other,
        Command::ApproveRepair {
            proposal: proposal.clone(),
            digest: digest(),
        },
    );
    world.done(
        &one,
        Command::StartRepair {
            proposal: proposal.clone(),
        },
    );
    world.later(1);
    let batch = crate::world::altered(&["2"], world.now);
    let again = Command::AddFindings {
        batch,
        numbers: BTreeMap::new(),
    };
    world.done(&crate::world::system(), again);
    let applied = Command::RepairApplied {
        proposal,
        repaired: counts,
    };
    world.done(&crate::world::system(), applied);
    assert_eq!(world.incident.findings.open.altered, 1);
    for (discrepancies, open) in [(1, 1), (0, 0)] {
        let audit = Command::RecordAudit {
            source: SourceName::from("shop"),
            taken_at: world.now,
            rows: 9,
            discrepancies,
        };
        world.done(&crate::world::system(), audit);
        assert_eq!(world.incident.findings.open.altered, open);
    }
    world.check();
}
