//! Statutory grading (定级) from figures: which criterion matched, which are open, what would change it.

use crate::{OwnCriterion, Plan, Words};
use model::{Figure, Grade, Level};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is measured. Numbers are whole: persons, yuan (CNY, whole), minutes, rows.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Distinct citizens whose personal information leaked.
    AffectedPersons,
    SensitivePersons,
    /// Direct economic loss in whole yuan.
    DirectLossCny,
    CiiTotalOutageMin,
    CiiMainFunctionOutageMin,
    /// Persons whose daily life (shopping included) is affected.
    DailyLifePersons,
    /// Own criteria: rows of orders, payments, refunds tampered with or forged.
    RowsTampered,
    /// Own criteria: orders affected.
    OrdersAffected,
    /// Own criteria: money at risk, whole yuan.
    MoneyAtRiskCny,
    /// Own criteria: users whose transactions are affected.
    UsersAffected,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scheme {
    /// `cn_cac_2025`
    pub id: String,
    pub title: Words,
    pub effective_from: String,
    pub grades: Vec<GradeRule>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GradeRule {
    pub grade: Grade,
    pub numeric: Vec<Criterion>,
    /// A person judges these.
    pub qualitative: Vec<Qualitative>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Criterion {
    pub id: String,
    pub metric: Metric,
    /// At least this much (以上 includes the number). `None`: the number could not be read
    /// in the official text; it needs legal confirmation and is never guessed.
    #[serde(default)]
    pub at_least: Option<i64>,
    pub confidence: String,
    pub title: Words,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Qualitative {
    pub id: String,
    pub title: Words,
    pub confidence: String,
}

/// The figures of an incident and the qualitative criteria that a person holds to be met.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Figures {
    #[serde(default)]
    pub numbers: BTreeMap<Metric, Figure>,
    /// `(grade number, criterion id)`, judged by a person.
    #[serde(default)]
    pub qualitative: Vec<(u8, String)>,
}

/// What the tables say about the figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    pub scheme: String,
    /// The statutory grade by what is certain.
    pub grade: Grade,
    /// Criteria that matched, `(grade, criterion id)`; empty for 一般, which is the rest.
    pub matched: Vec<(Grade, String)>,
    /// Criteria that could match within the estimates, or whose figure is unknown, or whose number needs legal confirmation.
    pub open: Vec<OpenCriterion>,
    /// The internal level: the graver of the statutory grade's and that of the own criteria.
    pub level: Level,
    /// Own criteria that raised it.
    pub raised_by: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenCriterion {
    pub grade: Grade,
    pub criterion: String,
    pub why: OpenReason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpenReason {
    /// Nobody knows the figure yet.
    Unknown,
    /// The upper bound of the estimate would reach it.
    WithinEstimate,
    /// The law's number needs legal confirmation.
    NumberUnconfirmed,
}

/// Grades an incident by its figures: the first scheme gives the statutory grade by what is
/// certain, the own criteria may raise the level and never lower it.
///
/// A criterion is met from its number on (以上 includes the number). Among `open` stand only
/// criteria that would make the grade graver. A metric that nobody named is unknown.
pub fn assess(plan: &Plan, figures: &Figures) -> Assessment {
    let Some(scheme) = plan.schemes.first() else {
        return with_own_criteria(plan, figures, String::new(), Grade::General, vec![], vec![]);
    };
    let mut rules: Vec<&GradeRule> = scheme.grades.iter().collect();
    rules.sort_by_key(|rule| rule.grade.number());
    let mut matched: Vec<(Grade, String)> = Vec::new();
    let mut open = Vec::new();
    let mut met_by_graver: Vec<Metric> = Vec::new();
    for rule in rules {
        for criterion in &rule.numeric {
            let figure = figures.number(criterion.metric);
            match reaches(figure, criterion.at_least) {
                Reach::Met if met_by_graver.contains(&criterion.metric) => {}
                Reach::Met => {
                    met_by_graver.push(criterion.metric);
                    matched.push((rule.grade, criterion.id.clone()));
                }
                Reach::Open(why) => open.push(OpenCriterion {
                    grade: rule.grade,
                    criterion: criterion.id.clone(),
                    why,
                }),
                Reach::Missed => {}
            }
        }
        for criterion in &rule.qualitative {
            let judged = (rule.grade.number(), criterion.id.clone());
            if figures.qualitative.contains(&judged) {
                matched.push((rule.grade, criterion.id.clone()));
            }
        }
    }
    let grade = matched
        .iter()
        .map(|(grade, _)| *grade)
        .max()
        .unwrap_or(Grade::General);
    open.retain(|criterion| criterion.grade > grade);
    with_own_criteria(plan, figures, scheme.id.clone(), grade, matched, open)
}

impl Figures {
    /// The figure of a metric; unknown when nobody gave one.
    pub fn number(&self, metric: Metric) -> Figure {
        self.numbers.get(&metric).copied().unwrap_or_default()
    }
}

enum Reach {
    Met,
    Missed,
    Open(OpenReason),
}

fn reaches(figure: Figure, at_least: Option<i64>) -> Reach {
    let Some(threshold) = at_least else {
        // Whatever the law's number is, nobody affected does not reach it.
        return match figure.at_most() {
            Some(most) if most <= 0 => Reach::Missed,
            _ => Reach::Open(OpenReason::NumberUnconfirmed),
        };
    };
    match (figure.at_least(), figure.at_most()) {
        (Some(least), _) if least >= threshold => Reach::Met,
        (_, Some(most)) if most >= threshold => Reach::Open(OpenReason::WithinEstimate),
        (_, Some(_)) => Reach::Missed,
        (_, None) => Reach::Open(OpenReason::Unknown),
    }
}

fn with_own_criteria(
    plan: &Plan,
    figures: &Figures,
    scheme: String,
    grade: Grade,
    matched: Vec<(Grade, String)>,
    open: Vec<OpenCriterion>,
) -> Assessment {
    let statutory = Level::of_grade(grade);
    let met = |own: &&OwnCriterion| {
        let least = figures.number(own.metric).at_least();
        least.is_some_and(|least| least >= own.at_least)
    };
    let level = plan
        .own_criteria
        .iter()
        .filter(met)
        .fold(statutory, |level, own| level.graver(own.level));
    // Only those that gave the level are its reason.
    let raised_by = plan
        .own_criteria
        .iter()
        .filter(met)
        .filter(|own| level != statutory && own.level == level)
        .map(|own| own.id.clone())
        .collect();
    Assessment {
        scheme,
        grade,
        matched,
        open,
        level,
        raised_by,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::built_in::plan;
    use expect_test::{Expect, expect};

    /// Every metric known to be nought, but for those given: only they stay open.
    fn figures(given: &[(Metric, Figure)]) -> Figures {
        use Metric::*;
        let all = [
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
        let mut numbers: BTreeMap<Metric, Figure> =
            all.map(|metric| (metric, Figure::known(0))).into();
        numbers.extend(given.iter().copied());
        Figures {
            numbers,
            qualitative: vec![],
        }
    }

    fn shown(a: &Assessment) -> String {
        let matched: Vec<String> = a
            .matched
            .iter()
            .map(|(g, id)| format!("{}:{id}", g.number()))
            .collect();
        let open: Vec<String> = a
            .open
            .iter()
            .map(|o| format!("{}:{}={:?}", o.grade.number(), o.criterion, o.why))
            .collect();
        format!(
            "grade {} level {} by [{}] raised by [{}] open [{}]",
            a.grade.number(),
            a.level.0,
            matched.join(" "),
            a.raised_by.join(" "),
            open.join(" ")
        )
    }

    fn check(metric: Metric, cases: &[Figure], expected: Expect) {
        let lines = cases.iter().map(|figure| {
            let assessment = assess(plan(), &figures(&[(metric, *figure)]));
            format!("{figure:?}: {}", shown(&assessment))
        });
        expected.assert_eq(&lines.collect::<Vec<_>>().join("\n"));
    }

    fn known<const N: usize>(values: [i64; N]) -> [Figure; N] {
        values.map(Figure::known)
    }

    #[test]
    fn persons_at_the_bounds() {
        check(
            Metric::AffectedPersons,
            &known([
                0,
                999,
                999_999,
                1_000_000,
                9_999_999,
                10_000_000,
                99_999_999,
                100_000_000,
                i64::MAX,
            ]),
            expect![[r#"
                Known { value: 0 }: grade 4 level 4 by [] raised by [] open []
                Known { value: 999 }: grade 4 level 4 by [] raised by [] open []
                Known { value: 999999 }: grade 4 level 2 by [] raised by [persons-100k] open []
                Known { value: 1000000 }: grade 3 level 2 by [3:persons] raised by [persons-100k] open []
                Known { value: 9999999 }: grade 3 level 2 by [3:persons] raised by [persons-100k] open []
                Known { value: 10000000 }: grade 2 level 2 by [2:persons] raised by [] open []
                Known { value: 99999999 }: grade 2 level 2 by [2:persons] raised by [] open []
                Known { value: 100000000 }: grade 1 level 1 by [1:persons] raised by [] open []
                Known { value: 9223372036854775807 }: grade 1 level 1 by [1:persons] raised by [] open []"#]],
        );
    }

    #[test]
    fn direct_loss_at_the_bounds() {
        check(
            Metric::DirectLossCny,
            &known([
                4_999_999,
                5_000_000,
                19_999_999,
                20_000_000,
                99_999_999,
                100_000_000,
            ]),
            expect![[r#"
                Known { value: 4999999 }: grade 4 level 4 by [] raised by [] open []
                Known { value: 5000000 }: grade 3 level 3 by [3:loss] raised by [] open []
                Known { value: 19999999 }: grade 3 level 3 by [3:loss] raised by [] open []
                Known { value: 20000000 }: grade 2 level 2 by [2:loss] raised by [] open []
                Known { value: 99999999 }: grade 2 level 2 by [2:loss] raised by [] open []
                Known { value: 100000000 }: grade 1 level 1 by [1:loss] raised by [] open []"#]],
        );
    }

    #[test]
    fn numbers_that_the_law_does_not_yield_stay_open() {
        check(
            Metric::CiiTotalOutageMin,
            &known([0, 1, 9, 10, 359, 360]),
            expect![[r#"
                Known { value: 0 }: grade 4 level 4 by [] raised by [] open []
                Known { value: 1 }: grade 4 level 4 by [] raised by [] open [2:cii_total=NumberUnconfirmed]
                Known { value: 9 }: grade 4 level 4 by [] raised by [] open [2:cii_total=NumberUnconfirmed]
                Known { value: 10 }: grade 3 level 3 by [3:cii_total] raised by [] open [2:cii_total=NumberUnconfirmed]
                Known { value: 359 }: grade 3 level 3 by [3:cii_total] raised by [] open [2:cii_total=NumberUnconfirmed]
                Known { value: 360 }: grade 1 level 1 by [1:cii_total] raised by [] open []"#]],
        );
        check(
            Metric::DailyLifePersons,
            &known([0, 1, 999_999, 1_000_000]),
            expect![[r#"
                Known { value: 0 }: grade 4 level 4 by [] raised by [] open []
                Known { value: 1 }: grade 4 level 4 by [] raised by [] open [3:life=NumberUnconfirmed]
                Known { value: 999999 }: grade 4 level 4 by [] raised by [] open [3:life=NumberUnconfirmed]
                Known { value: 1000000 }: grade 2 level 2 by [2:life] raised by [] open []"#]],
        );
    }

    #[test]
    fn estimates_grade_by_their_least_and_stay_open_up_to_their_most() {
        let estimated = |low, high| Figure::Estimated { low, high };
        check(
            Metric::AffectedPersons,
            &[
                estimated(0, 999_999),
                estimated(999_999, 1_000_000),
                estimated(1_000_000, 10_000_000),
                estimated(5, i64::MAX),
                Figure::Unknown,
            ],
            expect![[r#"
                Estimated { low: 0, high: 999999 }: grade 4 level 4 by [] raised by [] open []
                Estimated { low: 999999, high: 1000000 }: grade 4 level 2 by [] raised by [persons-100k] open [3:persons=WithinEstimate]
                Estimated { low: 1000000, high: 10000000 }: grade 3 level 2 by [3:persons] raised by [persons-100k] open [2:persons=WithinEstimate]
                Estimated { low: 5, high: 9223372036854775807 }: grade 4 level 4 by [] raised by [] open [1:persons=WithinEstimate 2:persons=WithinEstimate 3:persons=WithinEstimate]
                Unknown: grade 4 level 4 by [] raised by [] open [1:persons=Unknown 2:persons=Unknown 3:persons=Unknown]"#]],
        );
    }

    #[test]
    fn nothing_known_is_general_and_all_open() {
        let assessment = assess(plan(), &Figures::default());
        assert_eq!(assessment.grade, Grade::General);
        assert_eq!(assessment.level, Level(4));
        let numeric: usize = plan().schemes[0]
            .grades
            .iter()
            .map(|g| g.numeric.len())
            .sum();
        assert_eq!(assessment.open.len(), numeric);
    }

    #[test]
    fn a_person_judges_what_has_no_number() {
        let mut figures = figures(&[(Metric::DirectLossCny, Figure::known(6_000_000))]);
        figures.qualitative = vec![(2, "data".into()), (1, "no-such-criterion".into())];
        expect!["grade 2 level 2 by [2:data 3:loss] raised by [] open []"]
            .assert_eq(&shown(&assess(plan(), &figures)));
    }

    #[test]
    fn own_criteria_raise_the_level_and_never_the_grade_nor_lower_anything() {
        check(
            Metric::RowsTampered,
            &known([0, 1, 4, 5, 499, 500]),
            expect![[r#"
                Known { value: 0 }: grade 4 level 4 by [] raised by [] open []
                Known { value: 1 }: grade 4 level 4 by [] raised by [] open []
                Known { value: 4 }: grade 4 level 4 by [] raised by [] open []
                Known { value: 5 }: grade 4 level 3 by [] raised by [rows-5] open []
                Known { value: 499 }: grade 4 level 3 by [] raised by [rows-5] open []
                Known { value: 500 }: grade 4 level 2 by [] raised by [rows-500] open []"#]],
        );
        check(
            Metric::MoneyAtRiskCny,
            &known([9_999, 10_000, 1_000_000, 5_000_000]),
            expect![[r#"
                Known { value: 9999 }: grade 4 level 4 by [] raised by [] open []
                Known { value: 10000 }: grade 4 level 3 by [] raised by [money-10k] open []
                Known { value: 1000000 }: grade 4 level 2 by [] raised by [money-1m] open []
                Known { value: 5000000 }: grade 4 level 1 by [] raised by [money-5m] open []"#]],
        );
        let both = figures(&[
            (Metric::DirectLossCny, Figure::known(100_000_000)),
            (Metric::RowsTampered, Figure::known(5)),
        ]);
        expect!["grade 1 level 1 by [1:loss] raised by [] open []"]
            .assert_eq(&shown(&assess(plan(), &both)));
    }

    #[test]
    fn a_plan_without_a_scheme_has_its_own_criteria_only() {
        let mut bare = plan().clone();
        bare.schemes.clear();
        let rows = figures(&[(Metric::RowsTampered, Figure::known(5))]);
        expect!["grade 4 level 3 by [] raised by [rows-5] open []"]
            .assert_eq(&shown(&assess(&bare, &rows)));
    }
}
