//! What of an assessment goes on in the incident that absorbs another, and what fills the impact.

use crate::world::{World, altered, holder, system};
use incident::assessing::{AssessCommand, DataClass, GivenFact};
use incident::grading::Impact;
use incident::joining::{Carried, JoiningCommand};
use incident::{Command, brief};
use model::{Figure, IncidentId};
use plan::Metric;
use std::collections::BTreeMap;

/// Somebody gives these figures, and says that passwords are affected.
fn assess(world: &mut World, figures: &[(Metric, Figure)]) {
    let facts = figures.iter().map(|(metric, figure)| {
        let fact = GivenFact {
            figure: *figure,
            basis: "the bank's list".to_owned(),
            ..GivenFact::default()
        };
        (*metric, fact)
    });
    let command = AssessCommand::Assess {
        seen: world.incident.assessing.version,
        facts: facts.collect(),
        judged: None,
        classes: [(DataClass::Credentials, Some(true))].into(),
        confirm: None,
    };
    world.done(&holder("security_engineer"), Command::Assess(command));
}

fn counted(world: &mut World, numbers: &[(Metric, Figure)]) {
    let batch = altered(&["1"], world.now);
    let numbers: BTreeMap<Metric, Figure> = numbers.iter().copied().collect();
    world.done(&system(), Command::AddFindings { batch, numbers });
}

fn absorb(world: &mut World, other: &World) {
    let command = JoiningCommand::Absorb {
        carried: Box::new(Carried {
            incident: IncidentId::new("i-there"),
            ..Carried::of(&other.incident)
        }),
        access: world.incident.access.clone(),
    };
    let command = Command::Joining(Box::new(command));
    world
        .give(&holder("cio"), "the same attacker", command)
        .expect("absorbed");
    world.check();
}

#[test]
fn what_people_gave_goes_on_where_it_is_news() {
    let (mut here, mut there) = (World::new(), World::new());
    let (persons, loss) = (Metric::AffectedPersons, Metric::DirectLossCny);
    let (orders, users) = (Metric::OrdersAffected, Metric::UsersAffected);
    assess(
        &mut there,
        &[
            (persons, Figure::known(2_000_000)),
            (loss, Figure::known(5)),
            (orders, Figure::Estimated { low: 1, high: 900 }),
            (users, Figure::known(3)),
        ],
    );
    assess(&mut here, &[(loss, Figure::known(70))]);
    counted(
        &mut here,
        &[(orders, Figure::known(40)), (users, Figure::known(30))],
    );
    let before = here.incident.assessment.grade;
    absorb(&mut here, &there);
    let now = |metric| here.incident.figures.number(metric);
    assert_eq!(now(persons), Figure::known(2_000_000), "nobody knew it");
    assert_eq!(now(loss), Figure::known(70), "known here, and more");
    assert_eq!(
        now(orders),
        Figure::Estimated { low: 40, high: 900 },
        "it may be more than is counted, and is never less"
    );
    assert_eq!(now(users), Figure::known(30), "it is less than is counted");
    assert!(here.incident.assessment.grade > before, "graded anew");
    let record = &here.incident.assessing.given[&persons];
    assert_eq!(record.basis, there.incident.code_name, "it says whence");
    let class = &here.incident.assessing.classes[&DataClass::Credentials];
    assert_eq!(class.affected, Some(true));
}

#[test]
fn nothing_is_given_where_the_other_one_knows_nothing_more() {
    let (mut here, there) = (World::new(), World::new());
    assess(&mut here, &[(Metric::AffectedPersons, Figure::known(7))]);
    let version = here.incident.assessing.version;
    absorb(&mut here, &there);
    assert_eq!(here.incident.assessing.version, version);
}

#[test]
fn the_impact_is_filled_from_what_is_counted_and_assessed() {
    let mut world = World::new();
    let orders = |world: &World| brief::affected_orders(&world.incident);
    let persons = |world: &World| brief::persons(&world.incident);
    assert_eq!(orders(&world), Figure::Unknown);
    counted(&mut world, &[(Metric::OrdersAffected, Figure::known(12))]);
    assert_eq!(orders(&world), Figure::known(12));
    let counted_persons = persons(&world);
    let guess = Figure::Estimated { low: 90, high: 400 };
    assess(
        &mut world,
        &[
            (Metric::AffectedPersons, guess),
            (Metric::UsersAffected, Figure::known(50)),
        ],
    );
    assert_ne!(persons(&world), counted_persons);
    assert_eq!(persons(&world), guess, "the graver of what people gave");
    let impact = Impact {
        orders: Figure::known(13),
        persons: Figure::known(88),
        ..Impact::default()
    };
    world.done(&holder("cio"), Command::RecordImpact { impact });
    assert_eq!(
        (orders(&world), persons(&world)),
        (Figure::known(13), Figure::known(88)),
        "what is recorded of the impact itself comes first"
    );
}

/// A plan that no longer asks what was judged: the merge goes on, and what counts is what it asks.
#[test]
fn a_criterion_that_the_plan_no_longer_has_stops_no_merge() {
    let (mut here, mut there) = (World::new(), World::new());
    let criterion = |grade: u8| {
        let rules = &plan::built_in::plan().schemes[0].grades;
        let rule = rules.iter().find(|r| r.grade.number() == grade);
        let criterion = rule.and_then(|r| r.qualitative.first());
        (grade, criterion.expect("somebody judges it").id.clone())
    };
    let (kept, gone) = (criterion(2), criterion(3));
    let judge = |world: &mut World, judged: &(u8, String)| {
        let command = AssessCommand::Assess {
            seen: world.incident.assessing.version,
            facts: BTreeMap::new(),
            judged: Some(vec![judged.clone()]),
            classes: BTreeMap::new(),
            confirm: None,
        };
        world.done(&holder("security_engineer"), Command::Assess(command));
    };
    judge(&mut here, &gone);
    judge(&mut there, &kept);
    assess(&mut there, &[(Metric::AffectedPersons, Figure::known(9))]);
    let without = |criterion: &(u8, String)| -> &'static plan::Plan {
        let mut plan = plan::built_in::plan().clone();
        let rules = plan.schemes.iter_mut().flat_map(|s| &mut s.grades);
        let rules = rules.filter(|r| r.grade.number() == criterion.0);
        rules.for_each(|r| r.qualitative.retain(|q| q.id != criterion.1));
        Box::leak(Box::new(plan))
    };
    here.plan = without(&gone);
    absorb(&mut here, &there);
    let judged = &here.incident.figures.qualitative;
    assert!(
        judged.contains(&kept) && judged.contains(&gone),
        "{judged:?}"
    );

    let mut later = World::new();
    later.plan = without(&kept);
    absorb(&mut later, &there);
    assert_eq!(later.incident.figures.qualitative, Vec::new());
    let persons = later.incident.figures.number(Metric::AffectedPersons);
    assert_eq!(persons, Figure::known(9), "the rest goes on");
}
