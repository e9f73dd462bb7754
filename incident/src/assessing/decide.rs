//! From an assessment to facts, or to a refusal. Pure.

use super::{
    AssessCommand, AssessFact, Confirm, DataClass, GivenFact, Lowering, MAX_BASIS_CHARS, most,
};
use crate::decide::{Asked, Decision, checks, course};
use crate::fact::Fact;
use crate::grading::ConfirmedGrade;
use crate::refusal::{BadValue, Refusal};
use model::{Figure, Grade, Level};
use plan::grading::Figures;
use plan::{Metric, PairedAct};
use std::collections::BTreeMap;

pub(crate) fn decide(asked: Asked<'_>, command: AssessCommand) -> Decision {
    match command {
        AssessCommand::Assess {
            seen,
            facts,
            judged,
            classes,
            confirm,
        } => {
            if seen != asked.incident.assessing.version {
                return Err(checks::conflict("assessment", "changed"));
            }
            let given = record(asked, facts, judged, classes)?;
            match confirm {
                Some(confirm) => record_and_confirm(asked, given, confirm),
                None if given.is_empty() => Err(checks::conflict("assessment", "unchanged")),
                None => Ok(given),
            }
        }
        AssessCommand::AnswerLowering { approve } => answer(asked, approve),
    }
}

/// Whether the plan wants a second person for what would be milder than what stands.
pub(crate) fn lowers_by_one(asked: Asked<'_>, grade: Grade, level: Level) -> bool {
    let milder = |c: &ConfirmedGrade| grade < c.grade || level.0 > c.level.0;
    asked.plan.four_eyes.contains(&PairedAct::LowerGrade)
        && asked.incident.confirmed().is_some_and(milder)
}

fn record(
    asked: Asked<'_>,
    given: BTreeMap<Metric, GivenFact>,
    judged: Option<Vec<(u8, String)>>,
    classes: BTreeMap<DataClass, Option<bool>>,
) -> Decision {
    let incident = asked.incident;
    let mut facts = BTreeMap::new();
    for (metric, fact) in given {
        let fact = sound(asked, metric, fact)?;
        if changes(asked, metric, &fact) {
            facts.insert(metric, fact);
        }
    }
    let standing = &incident.figures.qualitative;
    let qualitative = judged.unwrap_or_else(|| standing.clone());
    let known = |class: &DataClass| incident.assessing.classes.get(class);
    let classes: BTreeMap<DataClass, Option<bool>> = classes
        .into_iter()
        .filter(|(class, affected)| known(class).and_then(|c| c.affected) != *affected)
        .collect();
    give(asked, facts, qualitative, classes)
}

/// The facts of what is given, with what follows from it for the grade.
pub(crate) fn give(
    asked: Asked<'_>,
    facts: BTreeMap<Metric, GivenFact>,
    qualitative: Vec<(u8, String)>,
    classes: BTreeMap<DataClass, Option<bool>>,
) -> Decision {
    let standing = &asked.incident.figures.qualitative;
    let same_judgement = qualitative.len() == standing.len()
        && qualitative.iter().all(|judged| standing.contains(judged));
    let figures = Figures {
        numbers: facts.iter().map(|(m, f)| (*m, f.figure)).collect(),
        qualitative,
    };
    let mut out = Vec::new();
    if !facts.is_empty() || !same_judgement {
        out = course::set_figures(asked, figures)?;
    }
    if !facts.is_empty() || !classes.is_empty() {
        // Right after the numbers, before what follows from them.
        let at = usize::from(!out.is_empty());
        out.insert(at, Fact::Assess(AssessFact::Given { facts, classes }));
    }
    Ok(out)
}

/// The fact within its bounds, with the program's count where that is to hold again.
fn sound(asked: Asked<'_>, metric: Metric, fact: GivenFact) -> Result<GivenFact, Refusal> {
    let counted = asked.incident.assessing.counted.get(&metric);
    if fact.counted {
        let counted = counted.ok_or_else(|| checks::unknown("figure", ""))?;
        return Ok(GivenFact {
            figure: counted.figure,
            best: None,
            ..fact
        });
    }
    checks::figure("figures", fact.figure)?;
    checks::no_longer("basis", &fact.basis, MAX_BASIS_CHARS)?;
    if fact.figure.at_most().is_some_and(|n| n > most(metric)) {
        return Err(checks::bad("figures", BadValue::TooLarge));
    }
    let within = match (fact.figure, fact.best) {
        (_, None) => true,
        (Figure::Estimated { low, high }, Some(best)) => (low..=high).contains(&best),
        (_, Some(_)) => false,
    };
    if !within {
        return Err(checks::bad("figures", BadValue::Number));
    }
    // What the program counted is overruled with a reason, never in silence.
    if counted.is_some_and(|c| c.figure != fact.figure) && fact.basis.trim().is_empty() {
        return Err(checks::bad("basis", BadValue::Empty));
    }
    Ok(fact)
}

fn changes(asked: Asked<'_>, metric: Metric, fact: &GivenFact) -> bool {
    let incident = asked.incident;
    if incident.figures.number(metric) != fact.figure {
        return true;
    }
    match incident.assessing.given.get(&metric) {
        Some(record) => {
            record.best != fact.best
                || record.counted != fact.counted
                || (!fact.counted && record.basis != fact.basis)
        }
        None => {
            let told = fact.best.is_some() || !fact.basis.trim().is_empty();
            !fact.counted && told
        }
    }
}

/// The grade is confirmed on top of the facts, as if they had been recorded before.
fn record_and_confirm(asked: Asked<'_>, mut facts: Vec<Fact>, confirm: Confirm) -> Decision {
    let mut after = asked.incident.clone();
    for recorded in after.record(asked.op, facts.clone()) {
        after.apply(&recorded);
    }
    let computed = &after.assessment;
    if (computed.grade, computed.level) != (confirm.computed_grade, confirm.computed_level) {
        return Err(checks::conflict("grade", "computed"));
    }
    let then = Asked {
        incident: &after,
        ..asked
    };
    facts.extend(course::confirm_grade(then, confirm.grade, confirm.level)?);
    Ok(facts)
}

fn answer(asked: Asked<'_>, approve: bool) -> Decision {
    let Some(Lowering {
        grade, level, by, ..
    }) = &asked.incident.assessing.lowering
    else {
        return Err(checks::wrong_state("grade", "settled"));
    };
    if !approve {
        // Whoever asked may take it back too.
        return Ok(vec![Fact::Assess(AssessFact::LoweringRefused)]);
    }
    checks::second_person(asked, by)?;
    course::confirmed(asked, *grade, *level)
}
