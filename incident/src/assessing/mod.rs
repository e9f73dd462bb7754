//! The assessment as people fill it in: for each fact what is known, from whom, since when and
//! why; which data are affected; and a milder grade that waits for a second person.
//!
//! Deliberately not here: the tables (`plan::grading`), what would change the grade
//! (`plan::outlook`), and the grades themselves (`grading`).

mod decide;

use crate::fact::{Fact, Recorded};
use model::{Actor, Figure, Grade, Instant, Level};
use plan::Metric;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub(crate) use decide::{decide, give, lowers_by_one};

/// Characters of what a fact rests on.
pub const MAX_BASIS_CHARS: usize = 500;
/// Kinds of the lines that these facts make in the course of events.
pub const KINDS: [&str; 3] = ["assessment-given", "lowering-asked", "lowering-refused"];

/// The largest number that a figure of this metric can sensibly be; more is a slip of the hand.
///
/// Persons: more than live on earth. Yuan: a thousand billion. Minutes: ten years.
pub const fn most(metric: Metric) -> i64 {
    match metric {
        Metric::AffectedPersons
        | Metric::SensitivePersons
        | Metric::DailyLifePersons
        | Metric::UsersAffected => 10_000_000_000,
        Metric::DirectLossCny | Metric::MoneyAtRiskCny => 1_000_000_000_000,
        Metric::CiiTotalOutageMin | Metric::CiiMainFunctionOutageMin => 10 * 366 * 24 * 60,
        Metric::RowsTampered | Metric::OrdersAffected => 1_000_000_000_000,
    }
}

/// Classes of data that an assessment asks for. Source: 个人信息保护法 art. 28 (sensitive kinds),
/// GB/T 43697-2024 (important, core).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum DataClass {
    /// Orders, payments, refunds.
    Transactions,
    /// Personal information that is not sensitive: name, telephone, address.
    Personal,
    /// Sensitive: financial accounts.
    FinancialAccounts,
    /// Sensitive of another kind: biometrics, health, whereabouts, minors under 14.
    OtherSensitive,
    /// Passwords, codes and keys that open accounts.
    Credentials,
    Important,
    Core,
}

impl DataClass {
    pub const ALL: [Self; 7] = [
        Self::Transactions,
        Self::Personal,
        Self::FinancialAccounts,
        Self::OtherSensitive,
        Self::Credentials,
        Self::Important,
        Self::Core,
    ];
    pub const fn code(self) -> &'static str {
        match self {
            Self::Transactions => "transactions",
            Self::Personal => "personal",
            Self::FinancialAccounts => "financial-accounts",
            Self::OtherSensitive => "other-sensitive",
            Self::Credentials => "credentials",
            Self::Important => "important",
            Self::Core => "core",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "assess_command", rename_all = "snake_case", deny_unknown_fields)]
pub enum AssessCommand {
    /// Facts that a person gives, and with `confirm` the grade by them.
    Assess {
        /// Version of the assessment that the person looked at.
        seen: u32,
        /// Those that change; the others stay.
        #[serde(default)]
        facts: BTreeMap<Metric, GivenFact>,
        /// All criteria that a person holds to be met; `None`: as they stand.
        #[serde(default)]
        judged: Option<Vec<(u8, String)>>,
        /// `None`: nobody knows.
        #[serde(default)]
        classes: BTreeMap<DataClass, Option<bool>>,
        #[serde(default)]
        confirm: Option<Confirm>,
    },
    /// A second person's answer to a milder grade.
    AnswerLowering { approve: bool },
}

/// One fact as somebody gives it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GivenFact {
    #[serde(default)]
    pub figure: Figure,
    /// The likeliest number within an estimate.
    #[serde(default)]
    pub best: Option<i64>,
    /// How it is known; needed where it differs from the program's own count.
    #[serde(default)]
    pub basis: String,
    /// The program's own count holds again; `figure` is not looked at.
    #[serde(default)]
    pub counted: bool,
}

/// A grade that is confirmed together with the facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirm {
    pub grade: Grade,
    #[serde(default)]
    pub level: Option<Level>,
    /// What the person saw as computed; when the facts give something else, it is shown first.
    pub computed_grade: Grade,
    pub computed_level: Level,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "assess_fact", rename_all = "snake_case")]
pub enum AssessFact {
    /// Beside `FiguresSet`, which carries the numbers: where they come from.
    Given {
        facts: BTreeMap<Metric, GivenFact>,
        classes: BTreeMap<DataClass, Option<bool>>,
    },
    /// The program's count of figures that a person set otherwise.
    Counted {
        numbers: BTreeMap<Metric, Figure>,
    },
    LoweringAsked {
        grade: Grade,
        level: Level,
    },
    LoweringRefused,
}

/// What stands beside the figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Assessing {
    /// Rises with everything that a person does to the assessment.
    #[serde(default)]
    pub version: u32,
    #[serde(default)]
    pub given: BTreeMap<Metric, FactRecord>,
    /// The program's own counts, whether they are in force or not.
    #[serde(default)]
    pub counted: BTreeMap<Metric, Counted>,
    #[serde(default)]
    pub classes: BTreeMap<DataClass, ClassRecord>,
    /// A milder grade that waits for a second person.
    #[serde(default)]
    pub lowering: Option<Lowering>,
}

/// Where a figure comes from that a person gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FactRecord {
    pub best: Option<i64>,
    pub basis: String,
    pub by: Actor,
    pub at: Instant,
    /// Of the assessment, since then.
    pub version: u32,
    /// The program's count was put back in force.
    #[serde(default)]
    pub counted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    pub figure: Figure,
    pub at: Instant,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassRecord {
    /// `None`: nobody knows.
    pub affected: Option<bool>,
    pub by: Actor,
    pub at: Instant,
    pub version: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lowering {
    pub grade: Grade,
    pub level: Level,
    pub by: Actor,
    pub at: Instant,
    pub reason: String,
}

impl AssessFact {
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Given { .. } | Self::Counted { .. } => "assessment-given",
            Self::LoweringAsked { .. } => "lowering-asked",
            Self::LoweringRefused => "lowering-refused",
        }
    }
    /// The program's counts make no line: findings have theirs. What a person gives makes one
    /// with the figures where there are any.
    pub(crate) fn silent(&self) -> bool {
        match self {
            Self::Counted { .. } => true,
            Self::Given { facts, .. } => !facts.is_empty(),
            Self::LoweringAsked { .. } | Self::LoweringRefused => false,
        }
    }
}

impl Assessing {
    /// Facts that somebody else changed since a version, for who still sees the old ones.
    pub fn changed_since(&self, seen: u32) -> Vec<(Metric, &FactRecord)> {
        let later = |(_, record): &(&Metric, &FactRecord)| record.version > seen;
        let records = self.given.iter().filter(later);
        records.map(|(metric, record)| (*metric, record)).collect()
    }

    /// Folds what concerns the assessment; called for every fact.
    pub(crate) fn follow(&mut self, recorded: &Recorded) {
        let (by, at) = (&recorded.operation.actor, recorded.operation.now);
        match &recorded.fact {
            Fact::FiguresSet {
                figures,
                by_person: false,
            } => self.count(&figures.numbers, at),
            Fact::FiguresSet { figures, .. } => {
                self.version = self.version.saturating_add(1);
                for metric in figures.numbers.keys() {
                    let record = record(None, "", by, at, self.version);
                    self.given.insert(*metric, record);
                }
            }
            Fact::GradeConfirmed { .. } => {
                self.version = self.version.saturating_add(1);
                self.lowering = None;
            }
            Fact::Assess(fact) => self.follow_own(fact, recorded),
            _ => {}
        }
    }

    fn follow_own(&mut self, fact: &AssessFact, recorded: &Recorded) {
        let (by, at) = (&recorded.operation.actor, recorded.operation.now);
        match fact {
            AssessFact::Given { facts, classes } => {
                self.version = self.version.saturating_add(1);
                for (metric, given) in facts {
                    let mut record = record(given.best, &given.basis, by, at, self.version);
                    record.counted = given.counted;
                    self.given.insert(*metric, record);
                }
                for (class, affected) in classes {
                    let record = ClassRecord {
                        affected: *affected,
                        by: by.clone(),
                        at,
                        version: self.version,
                    };
                    self.classes.insert(*class, record);
                }
            }
            AssessFact::Counted { numbers } => self.count(numbers, at),
            AssessFact::LoweringAsked { grade, level } => {
                self.version = self.version.saturating_add(1);
                self.lowering = Some(Lowering {
                    grade: *grade,
                    level: *level,
                    by: by.clone(),
                    at,
                    reason: recorded.operation.reason.clone(),
                });
            }
            AssessFact::LoweringRefused => {
                self.version = self.version.saturating_add(1);
                self.lowering = None;
            }
        }
    }

    fn count(&mut self, numbers: &BTreeMap<Metric, Figure>, at: Instant) {
        for (metric, figure) in numbers {
            let counted = Counted {
                figure: *figure,
                at,
            };
            self.counted.insert(*metric, counted);
        }
    }
}

fn record(best: Option<i64>, basis: &str, by: &Actor, at: Instant, version: u32) -> FactRecord {
    FactRecord {
        best,
        basis: basis.to_owned(),
        by: by.clone(),
        at,
        version,
        counted: false,
    }
}
