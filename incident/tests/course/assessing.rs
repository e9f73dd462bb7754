//! The assessment: facts with their source, the program's count beside a person's figure, two at
//! once, confirming by what was seen, and a milder grade by two persons.

use crate::world::{World, altered, holder, system};
use incident::assessing::{AssessCommand, Confirm, DataClass, GivenFact, most};
use incident::refusal::BadValue;
use incident::{Command, Fact, Refusal};
use model::{Figure, Grade, Level};
use plan::Metric;
use std::collections::BTreeMap;

fn fact(figure: Figure, basis: &str) -> GivenFact {
    GivenFact {
        figure,
        best: None,
        basis: basis.to_owned(),
        counted: false,
    }
}

fn assess(seen: u32, facts: &[(Metric, GivenFact)], confirm: Option<Confirm>) -> Command {
    Command::Assess(AssessCommand::Assess {
        seen,
        facts: facts.iter().cloned().collect(),
        judged: None,
        classes: BTreeMap::new(),
        confirm,
    })
}

fn confirm(grade: Grade, level: u8) -> Confirm {
    Confirm {
        grade,
        level: None,
        computed_grade: grade,
        computed_level: Level(level),
    }
}

fn answer(approve: bool) -> Command {
    Command::Assess(AssessCommand::AnswerLowering { approve })
}

const PERSONS: Metric = Metric::AffectedPersons;

#[test]
fn a_persons_figure_stands_and_the_programs_count_stays_in_sight() {
    let mut world = World::new();
    let engineer = holder("security_engineer");
    let now = world.now;
    let batch = |keys: &[&str]| Command::AddFindings {
        batch: altered(keys, now),
        numbers: BTreeMap::new(),
    };
    world.done(&system(), batch(&["1", "2"]));
    let rows = Metric::RowsTampered;
    let version = world.incident.assessing.version;
    let silent = assess(version, &[(rows, fact(Figure::known(9), " "))], None);
    let empty = Refusal::Bad {
        field: "basis".to_owned(),
        why: BadValue::Empty,
    };
    assert_eq!(world.refused(&engineer, silent), empty);
    let told = fact(Figure::known(9), "/investigation?about=row");
    world.done(&engineer, assess(version, &[(rows, told.clone())], None));
    world.done(&system(), batch(&["3"]));
    let state = &world.incident;
    assert_eq!(state.figures.number(rows), Figure::known(9));
    assert_eq!(state.assessing.counted[&rows].figure, Figure::known(3));
    assert_eq!(state.assessing.given[&rows].basis, told.basis);
    assert_eq!(state.assessing.given[&rows].by, engineer);
    // Back to the program's count, and from then on it moves again.
    let back = GivenFact {
        counted: true,
        ..GivenFact::clone(&told)
    };
    let version = state.assessing.version;
    world.done(&engineer, assess(version, &[(rows, back)], None));
    assert_eq!(world.incident.figures.number(rows), Figure::known(3));
    world.done(&system(), batch(&["4"]));
    assert_eq!(world.incident.figures.number(rows), Figure::known(4));
    world.check();
}

#[test]
fn values_beyond_their_bounds_are_refused() {
    let mut world = World::new();
    let engineer = holder("security_engineer");
    let best = |low, high, best| GivenFact {
        best: Some(best),
        ..fact(Figure::Estimated { low, high }, "")
    };
    let too_large = most(PERSONS) + 1;
    for given in [
        fact(Figure::known(-1), ""),
        fact(Figure::known(i64::MIN), ""),
        fact(Figure::known(too_large), ""),
        fact(Figure::known(i64::MAX), ""),
        fact(Figure::Estimated { low: 5, high: 4 }, ""),
        fact(
            Figure::Estimated {
                low: 0,
                high: too_large,
            },
            "",
        ),
        best(5, 9, 4),
        best(5, 9, 10),
        GivenFact {
            best: Some(5),
            ..fact(Figure::known(5), "")
        },
        fact(Figure::known(5), &"x".repeat(501)),
    ] {
        let refusal = world.refused(&engineer, assess(0, &[(PERSONS, given.clone())], None));
        assert!(
            matches!(refusal, Refusal::Bad { .. }),
            "{given:?} {refusal:?}"
        );
    }
    let nothing = assess(0, &[], None);
    assert!(matches!(
        world.refused(&engineer, nothing),
        Refusal::Conflict { .. }
    ));
    world.done(
        &engineer,
        assess(0, &[(PERSONS, best(5, most(PERSONS), 9))], None),
    );
    let classes = Command::Assess(AssessCommand::Assess {
        seen: world.incident.assessing.version,
        facts: BTreeMap::new(),
        judged: Some(vec![(3, "no-such".to_owned())]),
        classes: BTreeMap::from([(DataClass::Personal, Some(true))]),
        confirm: None,
    });
    assert!(matches!(
        world.refused(&engineer, classes),
        Refusal::Bad { .. }
    ));
    world.check();
}

#[test]
fn of_two_at_once_the_second_is_told_what_changed() {
    let mut world = World::new();
    let (one, other) = (holder("ciso"), holder("security_engineer"));
    let seen = world.incident.assessing.version;
    let first = fact(Figure::known(500), "the dump");
    world.done(&one, assess(seen, &[(PERSONS, first)], None));
    let second = assess(seen, &[(PERSONS, fact(Figure::known(7), ""))], None);
    let conflict = Refusal::Conflict {
        what: "assessment".to_owned(),
        why: "changed".to_owned(),
    };
    assert_eq!(world.refused(&other, second), conflict);
    let changed = world.incident.assessing.changed_since(seen);
    assert_eq!(changed.len(), 1);
    assert_eq!((changed[0].0, &changed[0].1.by), (PERSONS, &one));
    // The program's own counts are nobody's edit: they make no conflict.
    let seen = world.incident.assessing.version;
    let batch = altered(&["1"], world.now);
    let numbers = BTreeMap::new();
    world.done(&system(), Command::AddFindings { batch, numbers });
    world.done(
        &other,
        assess(seen, &[(PERSONS, fact(Figure::known(7), ""))], None),
    );
    world.check();
}

#[test]
fn a_grade_is_confirmed_only_as_it_was_seen_and_keeps_its_facts() {
    let mut world = World::new();
    let ciso = holder("ciso");
    let many = [(PERSONS, fact(Figure::known(1_000_000), ""))];
    let unseen = assess(0, &many, Some(confirm(Grade::General, 4)));
    let conflict = Refusal::Conflict {
        what: "grade".to_owned(),
        why: "computed".to_owned(),
    };
    assert_eq!(world.refused(&ciso, unseen), conflict);
    let calls = world.incident.calls.len();
    let seen = confirm(Grade::RelativelyMajor, 2);
    let facts = world.done(&ciso, assess(0, &many, Some(seen)));
    let confirmed = world.incident.confirmed().unwrap();
    assert_eq!(confirmed.grade, Grade::RelativelyMajor);
    assert_eq!(confirmed.figures.number(PERSONS), Figure::known(1_000_000));
    assert_eq!(
        confirmed.matched,
        [(Grade::RelativelyMajor, "persons".to_owned())]
    );
    // The graver level calls out whom it adds, each once.
    assert!(world.incident.calls.len() > calls, "{facts:?}");
    let mut called: Vec<_> = (world.incident.calls.iter())
        .map(|c| (c.call.group.clone(), c.call.position.clone()))
        .collect();
    let all = called.len();
    called.sort();
    called.dedup();
    assert_eq!(called.len(), all, "nobody is called twice at once");
    let engineer = holder("security_engineer");
    let version = world.incident.assessing.version;
    let theirs = assess(version, &[], Some(seen));
    assert!(matches!(
        world.refused(&engineer, theirs),
        Refusal::NotAllowed { .. }
    ));
    world.check();
}

#[test]
fn a_milder_grade_takes_two_persons_and_a_graver_one_does_not() {
    let mut world = World::new();
    let (cio, ciso) = (holder("cio"), holder("ciso"));
    let set = |grade| Command::ConfirmGrade { grade, level: None };
    world.done(&ciso, set(Grade::RelativelyMajor));
    world.done(&ciso, set(Grade::Major));
    assert!(matches!(
        world.refused(&cio, answer(true)),
        Refusal::WrongState { .. }
    ));
    let asked = world.done(&ciso, set(Grade::General));
    assert!(matches!(asked[0].fact, Fact::Assess(_)));
    assert_eq!(
        world.incident.grade(),
        Grade::Major,
        "until a second one agrees"
    );
    assert_eq!(world.refused(&ciso, answer(true)), Refusal::SamePerson);
    let engineer = holder("security_engineer");
    assert!(matches!(
        world.refused(&engineer, answer(true)),
        Refusal::NotAllowed { .. }
    ));
    world.done(&cio, answer(false));
    assert_eq!(world.incident.assessing.lowering, None);
    world.done(&ciso, set(Grade::General));
    world.done(&cio, answer(true));
    let confirmed = world.incident.confirmed().unwrap();
    assert_eq!((confirmed.grade, &confirmed.by), (Grade::General, &cio));
    assert_eq!(confirmed.asked_by.as_ref(), Some(&ciso));
    assert_eq!(confirmed.reason, "because of the test\nbecause of the test");
    assert_eq!(world.incident.assessing.lowering, None);
    // A graver one in between settles what was asked.
    world.done(&ciso, set(Grade::Major));
    world.done(&ciso, set(Grade::General));
    world.done(&ciso, set(Grade::EspeciallyMajor));
    assert!(matches!(
        world.refused(&cio, answer(true)),
        Refusal::WrongState { .. }
    ));
    world.check();
}
