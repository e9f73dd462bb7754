//! What the grade could be, and what would change it: the range that the estimates leave open,
//! and for each fact the smallest change that moves the grade or the level.
//!
//! Deliberately not here: the grade itself (`grading`), and words. What is certain decides; this
//! module only says how far the certainty is from the next number of the tables.

use crate::grading::{Assessment, Criterion, Figures, Metric, Scheme, assess};
use crate::{OwnCriterion, Plan};
use model::{Figure, Grade, Level};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// An assessment with what surrounds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outlook {
    /// By what is certain.
    pub assessment: Assessment,
    /// The grade if every estimate turned out at its upper bound; never milder than the assessment's.
    pub gravest: Grade,
    /// The level in that case.
    pub gravest_level: Level,
    /// Figures that nobody knows and that a criterion of a graver grade or level asks for:
    /// what they could do is not bounded by `gravest`.
    pub unknown: Vec<Metric>,
    /// Graver ones first by fact; the milder one, where a change of facts can give it, last.
    pub changes: Vec<Change>,
}

/// Facts that, all together, give another grade or level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub grade: Grade,
    pub level: Level,
    pub direction: Direction,
    /// For a graver result always one; for a milder one all that hold the present result.
    pub facts: Vec<FactChange>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Graver,
    Milder,
}

/// One fact and what it would have to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum FactChange {
    /// The figure is certainly this or more.
    AtLeast { metric: Metric, value: i64 },
    /// The figure is certainly this or less.
    AtMost { metric: Metric, value: i64 },
    /// A person holds the criterion to be met.
    Judged { grade: Grade, criterion: String },
    /// No person holds it to be met any longer.
    NotJudged { grade: Grade, criterion: String },
}

/// What could be, and what would change it.
pub fn outlook(plan: &Plan, figures: &Figures) -> Outlook {
    let assessment = assess(plan, figures);
    let most = assess(plan, &at_their_most(figures));
    let mut changes = graver(plan, figures, &assessment);
    changes.extend(milder(plan, figures, &assessment));
    Outlook {
        gravest: most.grade,
        gravest_level: most.level,
        unknown: unknown(plan, figures, &assessment),
        changes,
        assessment,
    }
}

impl Change {
    /// The figures after the change.
    pub fn applied(&self, figures: &Figures) -> Figures {
        let mut out = figures.clone();
        for fact in &self.facts {
            match fact {
                FactChange::AtLeast { metric, value } | FactChange::AtMost { metric, value } => {
                    out.numbers.insert(*metric, Figure::known(*value));
                }
                FactChange::Judged { grade, criterion } => {
                    out.qualitative.push((grade.number(), criterion.clone()));
                }
                FactChange::NotJudged { grade, criterion } => {
                    let gone = (grade.number(), criterion.clone());
                    out.qualitative.retain(|judged| *judged != gone);
                }
            }
        }
        out
    }
}

fn at_their_most(figures: &Figures) -> Figures {
    let most = |(metric, figure): (&Metric, &Figure)| {
        let figure = match *figure {
            Figure::Estimated { high, .. } => Figure::known(high),
            other => other,
        };
        (*metric, figure)
    };
    Figures {
        numbers: figures.numbers.iter().map(most).collect(),
        qualitative: figures.qualitative.clone(),
    }
}

/// For each metric the smallest number that makes the result graver, then the judgements.
fn graver(plan: &Plan, figures: &Figures, now: &Assessment) -> Vec<Change> {
    let mut out = Vec::new();
    for (metric, thresholds) in thresholds(plan) {
        let certain = figures.number(metric).at_least();
        let beyond = |value: &i64| certain.is_none_or(|certain| *value > certain);
        // A grade and a level may each have a number of their own: both are worth knowing.
        let (mut grade_found, mut level_found) = (false, false);
        for value in thresholds.into_iter().filter(beyond) {
            let facts = vec![FactChange::AtLeast { metric, value }];
            let change = result(plan, figures, facts, Direction::Graver);
            let (by_grade, by_level) = (change.grade > now.grade, change.level.0 < now.level.0);
            if (by_grade && !grade_found) || (by_level && !level_found) {
                grade_found |= by_grade;
                level_found |= by_level;
                out.push(change);
            }
        }
    }
    out.extend(judgements(plan, figures, now));
    out
}

/// Criteria for a person's judgement of every graver grade.
fn judgements(plan: &Plan, figures: &Figures, now: &Assessment) -> Vec<Change> {
    let rules = scheme(plan).map_or(&[][..], |s| &s.grades);
    let graver = rules.iter().filter(|rule| rule.grade > now.grade);
    graver
        .flat_map(|rule| rule.qualitative.iter().map(|q| (rule.grade, q.id.clone())))
        .map(|(grade, criterion)| {
            let facts = vec![FactChange::Judged { grade, criterion }];
            result(plan, figures, facts, Direction::Graver)
        })
        .collect()
}

/// Everything that holds the present grade and level, one step below its number.
fn milder(plan: &Plan, figures: &Figures, now: &Assessment) -> Option<Change> {
    let mut most: BTreeMap<Metric, i64> = BTreeMap::new();
    let mut facts = Vec::new();
    let mut below = |metric: Metric, value: i64| {
        let least = most.entry(metric).or_insert(i64::MAX);
        *least = (*least).min(value.saturating_sub(1));
    };
    let by_grade = Level::of_grade(now.grade) == now.level;
    if by_grade {
        let rule = scheme(plan).and_then(|s| s.grades.iter().find(|r| r.grade == now.grade));
        let rule = rule.filter(|_| now.grade != Grade::General)?;
        for criterion in rule.numeric.iter().filter(|c| met(figures, c)) {
            below(criterion.metric, criterion.at_least?);
        }
        for q in &rule.qualitative {
            if figures
                .qualitative
                .contains(&(now.grade.number(), q.id.clone()))
            {
                facts.push(FactChange::NotJudged {
                    grade: now.grade,
                    criterion: q.id.clone(),
                });
            }
        }
    }
    for own in plan.own_criteria.iter().filter(|own| met_own(figures, own)) {
        // Where the grade holds the level too, an own criterion of that level holds it alone.
        if own.level.0 <= now.level.0 {
            below(own.metric, own.at_least);
        }
    }
    // Fewer than none cannot be.
    if most.values().any(|value| *value < 0) {
        return None;
    }
    let numbers = most.into_iter();
    facts.extend(numbers.map(|(metric, value)| FactChange::AtMost { metric, value }));
    if facts.is_empty() {
        return None;
    }
    let change = result(plan, figures, facts, Direction::Milder);
    (change.level.0 > now.level.0).then_some(change)
}

fn result(plan: &Plan, figures: &Figures, facts: Vec<FactChange>, direction: Direction) -> Change {
    let mut change = Change {
        grade: Grade::General,
        level: Level::of_grade(Grade::General),
        direction,
        facts,
    };
    let after = assess(plan, &change.applied(figures));
    (change.grade, change.level) = (after.grade, after.level);
    change
}

fn scheme(plan: &Plan) -> Option<&Scheme> {
    plan.schemes.first()
}

/// Every number of the tables, by metric, rising. A number that nobody could read is not there.
fn thresholds(plan: &Plan) -> BTreeMap<Metric, BTreeSet<i64>> {
    let mut out: BTreeMap<Metric, BTreeSet<i64>> = BTreeMap::new();
    let rules = scheme(plan).map_or(&[][..], |s| &s.grades);
    for criterion in rules.iter().flat_map(|rule| &rule.numeric) {
        if let Some(value) = criterion.at_least {
            out.entry(criterion.metric).or_default().insert(value);
        }
    }
    for own in &plan.own_criteria {
        out.entry(own.metric).or_default().insert(own.at_least);
    }
    out
}

fn unknown(plan: &Plan, figures: &Figures, now: &Assessment) -> Vec<Metric> {
    let matters = |(metric, thresholds): (Metric, BTreeSet<i64>)| {
        let gravest = Figure::known(*thresholds.last()?);
        let mut with = figures.clone();
        with.numbers.insert(metric, gravest);
        let after = assess(plan, &with);
        let unknown = figures.number(metric) == Figure::Unknown;
        (unknown && (after.grade > now.grade || after.level.0 < now.level.0)).then_some(metric)
    };
    thresholds(plan).into_iter().filter_map(matters).collect()
}

fn met(figures: &Figures, criterion: &Criterion) -> bool {
    let certain = figures.number(criterion.metric).at_least();
    matches!((certain, criterion.at_least), (Some(n), Some(least)) if n >= least)
}

fn met_own(figures: &Figures, own: &OwnCriterion) -> bool {
    let certain = figures.number(own.metric).at_least();
    certain.is_some_and(|n| n >= own.at_least)
}

#[cfg(test)]
mod tests;
