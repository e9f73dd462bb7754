//! The outlook held against thousands of seeded cases, on the built-in tables and on others.
//!
//! Deliberately not here: the grade by the law's own numbers (`grading`).

use super::*;
use crate::built_in::plan;
use Metric::*;

const METRICS: [Metric; 10] = [
    AffectedPersons,
    SensitivePersons,
    DirectLossCny,
    CiiTotalOutageMin,
    CiiMainFunctionOutageMin,
    DailyLifePersons,
    RowsTampered,
    OrdersAffected,
    MoneyAtRiskCny,
    UsersAffected,
];

/// SplitMix64: every case can be run again from its seed.
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
    /// Of every size, and often beside a number of the tables.
    fn number(&mut self, near: &[i64]) -> i64 {
        match self.below(4) {
            0 => 0,
            1 => (self.next() >> (1 + self.below(62))) as i64,
            _ => {
                let at = near[self.below(near.len() as u64) as usize];
                (at + self.below(3) as i64 - 1).max(0)
            }
        }
    }
}

/// The built-in tables, in every third case with numbers of their own.
fn tables(random: &mut Seeded) -> Plan {
    let mut plan = plan().clone();
    if random.below(3) == 0 {
        for criterion in plan.schemes[0]
            .grades
            .iter_mut()
            .flat_map(|g| &mut g.numeric)
        {
            criterion.at_least = (random.below(5) > 0).then(|| 1 + random.below(60) as i64);
        }
        for own in &mut plan.own_criteria {
            own.at_least = 1 + random.below(60) as i64;
        }
    }
    plan
}

fn case(seed: u64) -> (Plan, Figures) {
    let mut random = Seeded(seed);
    let plan = tables(&mut random);
    let near: BTreeMap<Metric, Vec<i64>> = thresholds(&plan)
        .into_iter()
        .map(|(metric, set)| (metric, set.into_iter().collect()))
        .collect();
    let mut figures = Figures::default();
    for metric in METRICS {
        let near = near.get(&metric).map_or(&[7][..], |n| n);
        let figure = match random.below(4) {
            0 => Figure::Unknown,
            1 => {
                let (a, b) = (random.number(near), random.number(near));
                Figure::Estimated {
                    low: a.min(b),
                    high: a.max(b),
                }
            }
            _ => Figure::known(random.number(near)),
        };
        figures.numbers.insert(metric, figure);
    }
    for rule in &plan.schemes[0].grades {
        for q in &rule.qualitative {
            if random.below(12) == 0 {
                figures
                    .qualitative
                    .push((rule.grade.number(), q.id.clone()));
            }
        }
    }
    (plan, figures)
}

fn stands(plan: &Plan, figures: &Figures) -> (Grade, Level) {
    let a = assess(plan, figures);
    (a.grade, a.level)
}

/// `a` is at least as grave as `b`, in both.
fn as_grave(a: (Grade, Level), b: (Grade, Level)) -> bool {
    a.0 >= b.0 && a.1.0 <= b.1.0
}

#[test]
fn a_worse_fact_never_lowers_the_grade_or_the_level() {
    for seed in 0..4_000 {
        let (plan, figures) = case(seed);
        let before = stands(&plan, &figures);
        let mut random = Seeded(!seed);
        for metric in METRICS {
            let more = random.below(1 << 40) as i64;
            let worse = match figures.number(metric) {
                Figure::Known { value } => Figure::known(value.saturating_add(more)),
                Figure::Estimated { low, high } => Figure::Estimated {
                    low: low.saturating_add(more),
                    high: high.saturating_add(more),
                },
                Figure::Unknown => Figure::known(more),
            };
            let mut after = figures.clone();
            after.numbers.insert(metric, worse);
            let after = stands(&plan, &after);
            assert!(
                as_grave(after, before),
                "seed {seed} {metric:?}: {before:?} {after:?}"
            );
        }
    }
}

#[test]
fn each_change_changes_the_result_and_a_step_less_does_not() {
    let (mut graver, mut milder) = (0, 0);
    for seed in 0..4_000 {
        let (plan, figures) = case(seed);
        let before = stands(&plan, &figures);
        for change in outlook(&plan, &figures).changes {
            let after = stands(&plan, &change.applied(&figures));
            assert_eq!(
                after,
                (change.grade, change.level),
                "seed {seed} {change:?}"
            );
            assert_ne!(after, before, "seed {seed} {change:?}");
            match change.direction {
                Direction::Graver => {
                    graver += 1;
                    assert!(as_grave(after, before), "seed {seed} {change:?}");
                    assert_eq!(change.facts.len(), 1, "seed {seed}");
                }
                Direction::Milder => {
                    milder += 1;
                    assert!(as_grave(before, after), "seed {seed} {change:?}");
                }
            }
            step_less(seed, &plan, &figures, &change, before, after);
        }
    }
    assert!(graver > 10_000 && milder > 1_000, "{graver} {milder}");
}

fn step_less(
    seed: u64,
    plan: &Plan,
    figures: &Figures,
    change: &Change,
    before: (Grade, Level),
    after: (Grade, Level),
) {
    for place in 0..change.facts.len() {
        let mut less = change.clone();
        match &mut less.facts[place] {
            FactChange::AtLeast { value, .. } => *value -= 1,
            FactChange::AtMost { value, .. } => *value += 1,
            FactChange::Judged { .. } | FactChange::NotJudged { .. } => {
                less.facts.remove(place);
            }
        }
        let stays = stands(plan, &less.applied(figures));
        match change.direction {
            Direction::Graver => assert!(
                stays != after && as_grave(after, stays),
                "seed {seed} {change:?} {stays:?}"
            ),
            // Whatever of it is left out, the level is held.
            Direction::Milder => {
                assert!(stays.1.0 <= before.1.0, "seed {seed} {change:?} {stays:?}");
            }
        }
    }
}

#[test]
fn the_smallest_change_of_each_fact_is_named() {
    // Nothing between what is certain and the number named moves the result.
    for seed in 0..1_000 {
        let (plan, figures) = case(seed);
        let before = stands(&plan, &figures);
        let mut first: BTreeMap<Metric, i64> = BTreeMap::new();
        for change in outlook(&plan, &figures).changes {
            if let [FactChange::AtLeast { metric, value }] = change.facts[..] {
                let least = first.entry(metric).or_insert(value);
                *least = (*least).min(value);
            }
        }
        for (metric, tables) in thresholds(&plan) {
            for value in tables {
                let certain = figures.number(metric).at_least().unwrap_or(-1);
                if value <= certain || first.get(&metric).is_some_and(|named| value >= *named) {
                    continue;
                }
                let mut with = figures.clone();
                with.numbers.insert(metric, Figure::known(value));
                assert_eq!(
                    stands(&plan, &with),
                    before,
                    "seed {seed} {metric:?} {value}"
                );
            }
        }
    }
}

#[test]
fn estimates_give_a_range_and_unknown_figures_are_named() {
    for seed in 0..2_000 {
        let (plan, figures) = case(seed);
        let seen = outlook(&plan, &figures);
        let now = (seen.assessment.grade, seen.assessment.level);
        assert!(
            as_grave((seen.gravest, seen.gravest_level), now),
            "seed {seed}"
        );
        for metric in &seen.unknown {
            assert_eq!(figures.number(*metric), Figure::Unknown, "seed {seed}");
        }
    }
    let mut figures = Figures::default();
    let estimate = Figure::Estimated {
        low: 900_000,
        high: 12_000_000,
    };
    figures.numbers.insert(AffectedPersons, estimate);
    let seen = outlook(plan(), &figures);
    assert_eq!(seen.assessment.grade, Grade::General);
    assert_eq!(seen.gravest, Grade::Major);
    assert!(!seen.unknown.contains(&AffectedPersons));
    assert!(seen.unknown.contains(&DirectLossCny));
    let reach = |grade| {
        let found = seen.changes.iter().find(|c| c.grade == grade);
        found.map(|c| c.facts.clone())
    };
    let at_least = |metric, value| Some(vec![FactChange::AtLeast { metric, value }]);
    assert_eq!(
        reach(Grade::RelativelyMajor),
        at_least(AffectedPersons, 1_000_000)
    );
}

#[test]
fn to_be_milder_everything_that_holds_the_grade_must_fall() {
    let mut figures = Figures::default();
    for metric in METRICS {
        figures.numbers.insert(metric, Figure::known(0));
    }
    figures
        .numbers
        .insert(AffectedPersons, Figure::known(1_200_000));
    figures
        .numbers
        .insert(DirectLossCny, Figure::known(6_000_000));
    let milder = |figures: &Figures| {
        let seen = outlook(plan(), figures);
        seen.changes
            .into_iter()
            .find(|c| c.direction == Direction::Milder)
    };
    // Level Ⅱ comes from the own criterion of 100,000 persons.
    let change = milder(&figures).expect("a milder level is possible");
    assert_eq!(
        (change.grade, change.level),
        (Grade::RelativelyMajor, Level(3))
    );
    figures.numbers.insert(AffectedPersons, Figure::known(500));
    figures.qualitative.push((3, "data".to_owned()));
    let change = milder(&figures).expect("a milder grade is possible");
    assert_eq!((change.grade, change.level), (Grade::General, Level(4)));
    assert_eq!(
        change.facts,
        [
            FactChange::NotJudged {
                grade: Grade::RelativelyMajor,
                criterion: "data".to_owned()
            },
            FactChange::AtMost {
                metric: DirectLossCny,
                value: 4_999_999
            },
        ]
    );
}

#[test]
fn nothing_overflows_at_the_largest_numbers() {
    let mut figures = Figures::default();
    for metric in METRICS {
        let all = Figure::Estimated {
            low: 0,
            high: i64::MAX,
        };
        figures.numbers.insert(metric, all);
    }
    assert_eq!(outlook(plan(), &figures).gravest, Grade::EspeciallyMajor);
    for metric in METRICS {
        figures.numbers.insert(metric, Figure::known(i64::MAX));
    }
    let seen = outlook(plan(), &figures);
    assert_eq!(seen.assessment.grade, Grade::EspeciallyMajor);
    assert!(
        seen.changes
            .iter()
            .all(|c| c.direction == Direction::Milder)
    );
}
