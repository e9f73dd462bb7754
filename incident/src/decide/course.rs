//! Findings, figures, grades, and the way through the steps.

use super::calling::level_calls;
use super::checks::{self, bad, bound, conflict, room, wrong_state};
use super::{Asked, Decision};
use crate::assessing::{self, AssessFact};
use crate::bounds::{
    MAX_CURRENCIES, MAX_FILINGS, MAX_GRADES, MAX_KEYS_PER_COMMAND, MAX_QUALITATIVE, MAX_TEXT_CHARS,
};
use crate::clocks;
use crate::conditions::{self, Leaving};
use crate::fact::{Fact, KeptBrief};
use crate::people::CallReason;
use crate::refusal::{BadValue, MissingItem, Refusal};
use crate::rows::FindingsBatch;
use crate::timeline::Param;
use model::{Digest, Figure, Grade, Instant, Level, ReceiptNo};
use plan::grading::Figures;
use plan::{Metric, Plan, StepId, TaskKind};
use std::collections::BTreeMap;

/// Currency of the law's sums.
const LAWS_CURRENCY: &str = "CNY";
/// Minor units of one yuan.
const FEN: i64 = 100;

pub(super) fn add_findings(
    asked: Asked<'_>,
    batch: FindingsBatch,
    numbers: BTreeMap<Metric, Figure>,
) -> Decision {
    if batch.by_kind.iter().all(|(_, n)| *n == 0) {
        return Err(bad("findings", BadValue::Empty));
    }
    bound("keys", batch.key_count(), MAX_KEYS_PER_COMMAND)?;
    bound("currencies", batch.at_risk.len(), MAX_CURRENCIES)?;
    let numbers = counted(asked, &batch, numbers);
    for figure in numbers.values() {
        checks::figure("figures", *figure)?;
    }
    let mut facts = vec![Fact::FindingsAdded { batch }];
    let (new, beside): (BTreeMap<Metric, Figure>, BTreeMap<Metric, Figure>) = numbers
        .into_iter()
        .partition(|(metric, figure)| displaces(asked, *metric, *figure));
    let known = &asked.incident.assessing.counted;
    let beside: BTreeMap<Metric, Figure> = beside
        .into_iter()
        .filter(|(metric, figure)| known.get(metric).is_none_or(|c| c.figure != *figure))
        .collect();
    if !new.is_empty() {
        let figures = Figures {
            numbers: new,
            qualitative: Vec::new(),
        };
        facts.extend(reassess(asked, &figures, false));
        facts.insert(
            1,
            Fact::FiguresSet {
                figures,
                by_person: false,
            },
        );
    }
    // What a person set otherwise stays in force; the count stays in sight.
    if !beside.is_empty() {
        facts.push(Fact::Assess(AssessFact::Counted { numbers: beside }));
    }
    Ok(facts)
}

/// What the findings alone tell, where triage gave no better number.
fn counted(
    asked: Asked<'_>,
    batch: &FindingsBatch,
    mut numbers: BTreeMap<Metric, Figure>,
) -> BTreeMap<Metric, Figure> {
    let findings = &asked.incident.findings;
    let (rows, users) = findings.counted_with(batch);
    numbers.entry(Metric::RowsTampered).or_insert(rows);
    if users != Figure::known(0) {
        numbers.entry(Metric::UsersAffected).or_insert(users);
    }
    let at_risk = findings.at_risk.iter().chain(&batch.at_risk);
    let yuan = at_risk
        .filter(|money| money.currency == LAWS_CURRENCY)
        .fold(0_i64, |sum, money| {
            sum.saturating_add(money.amount_minor / FEN)
        });
    if yuan > 0 {
        numbers
            .entry(Metric::MoneyAtRiskCny)
            .or_insert(Figure::known(yuan));
    }
    numbers
}

/// A person's figure gives way to the program's only where that is certainly above it.
fn displaces(asked: Asked<'_>, metric: Metric, figure: Figure) -> bool {
    let standing = asked.incident.figures.number(metric);
    if standing == figure {
        return false;
    }
    if !asked.incident.figures_by_person.contains(&metric) {
        return true;
    }
    match (figure.at_least(), standing.at_most()) {
        (Some(least), Some(most)) => least > most,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

pub(super) fn join_report(asked: Asked<'_>, receipt: ReceiptNo, text: String) -> Decision {
    room("reports", asked.incident.reports.len(), MAX_FILINGS)?;
    checks::name("receipt", receipt.as_str())?;
    checks::no_longer("text", &text, MAX_TEXT_CHARS)?;
    if asked.incident.reports.contains(&receipt) {
        return Err(conflict("report", "taken"));
    }
    Ok(vec![Fact::ReportJoined { receipt, text }])
}

pub(crate) fn set_figures(asked: Asked<'_>, figures: Figures) -> Decision {
    bound("qualitative", figures.qualitative.len(), MAX_QUALITATIVE)?;
    for figure in figures.numbers.values() {
        checks::figure("figures", *figure)?;
    }
    // What stands was right by the plan of its day: a later plan does not block what comes next.
    let standing = &asked.incident.figures.qualitative;
    let known = |judged: &(u8, String)| asked.plan.judges(judged) || standing.contains(judged);
    if !figures.qualitative.iter().all(known) {
        return Err(bad("qualitative", BadValue::NotInPlan));
    }
    let by_person = asked.op.actor.account().is_some();
    let mut facts = vec![Fact::FiguresSet {
        figures: figures.clone(),
        by_person,
    }];
    facts.extend(reassess(asked, &figures, by_person));
    Ok(facts)
}

/// The assessment with these figures on top, and the calls that a graver level asks for.
fn reassess(asked: Asked<'_>, more: &Figures, by_person: bool) -> Vec<Fact> {
    let incident = asked.incident;
    let mut figures = incident.figures.clone();
    figures
        .numbers
        .extend(more.numbers.iter().map(|(m, f)| (*m, *f)));
    if by_person {
        figures.qualitative.clone_from(&more.qualitative);
    }
    let assessment = plan::grading::assess(asked.plan, &figures);
    // Until a person confirms, the level only rises; after that, only what is graver than what
    // stood at the confirmation raises it.
    let open = incident
        .confirmed()
        .is_none_or(|confirmed| assessment.level.0 < confirmed.proposed_level.0);
    let level = if open {
        incident.level.graver(assessment.level)
    } else {
        incident.level
    };
    if assessment == incident.assessment && level == incident.level {
        return Vec::new();
    }
    let mut facts = vec![Fact::Assessed { assessment, level }];
    if level != incident.level {
        facts.extend(calls(asked, level));
    }
    facts
}

fn calls(asked: Asked<'_>, level: Level) -> Vec<Fact> {
    let groups = asked
        .plan
        .level(level)
        .map_or(&[][..], |rule| &rule.call_out);
    let made = &asked.incident.calls;
    level_calls(
        asked.plan,
        made,
        groups,
        level,
        CallReason::Level,
        asked.op.now,
    )
}

pub(super) fn set_anchors(
    asked: Asked<'_>,
    occurred: Option<Instant>,
    discovered: Option<Instant>,
) -> Decision {
    let standing = &asked.incident.anchors;
    let new = [
        (occurred, standing.occurred),
        (discovered, standing.discovered),
    ];
    if new.iter().all(|(new, old)| new.is_none() || new == old) {
        return Err(conflict("anchors", "unchanged"));
    }
    for at in [occurred, discovered].into_iter().flatten() {
        checks::past("time", at, asked.op.now)?;
    }
    let after = (
        occurred.or(standing.occurred),
        discovered.or(standing.discovered),
    );
    if let (Some(occurred), Some(discovered)) = after
        && occurred > discovered
    {
        return Err(bad("time", BadValue::Time));
    }
    // A time that clocks already run from moves legal deadlines.
    if new
        .iter()
        .any(|(new, old)| new.is_some() && old.is_some() && new != old)
    {
        checks::reason(asked)?;
    }
    Ok(vec![Fact::AnchorsSet {
        occurred,
        discovered,
    }])
}

pub(super) fn set_trigger_facts(asked: Asked<'_>, new: [Option<bool>; 5]) -> Decision {
    let facts = &asked.incident.trigger_facts;
    let old = [
        facts.cii,
        facts.personal_information,
        facts.suspected_crime,
        facts.interested_parties,
        facts.unauthorised_payment,
    ];
    let pairs = || {
        new.iter()
            .zip(&old)
            .filter(|(new, old)| new.is_some() && new != old)
    };
    if pairs().next().is_none() {
        return Err(conflict("facts", "unchanged"));
    }
    if pairs().any(|(_, old)| old.is_some()) {
        checks::reason(asked)?;
    }
    let [
        cii,
        personal_information,
        suspected_crime,
        interested_parties,
        unauthorised_payment,
    ] = new;
    Ok(vec![Fact::TriggerFactsSet {
        cii,
        personal_information,
        suspected_crime,
        interested_parties,
        unauthorised_payment,
    }])
}

pub(crate) fn confirm_grade(asked: Asked<'_>, grade: Grade, level: Option<Level>) -> Decision {
    let incident = asked.incident;
    let proposed = &incident.assessment;
    let statutory = Level::of_grade(grade);
    let usual = match proposed.raised_by.is_empty() {
        true => statutory,
        false => statutory.graver(proposed.level),
    };
    let level = level.unwrap_or(usual);
    if level.0 < 1 || level.0 > 4 {
        return Err(bad("level", BadValue::Number));
    }
    if level.graver(statutory) != level {
        return Err(bad("level", BadValue::BelowStatutory));
    }
    let regrade = match incident.confirmed() {
        Some(c) if c.grade == grade && c.level == level && !incident.grade_to_confirm() => {
            return Err(conflict("grade", "unchanged"));
        }
        Some(_) => true,
        None => false,
    };
    if regrade || grade != proposed.grade || level != usual {
        checks::reason(asked)?;
    }
    if assessing::lowers_by_one(asked, grade, level) {
        return Ok(vec![Fact::Assess(AssessFact::LoweringAsked {
            grade,
            level,
        })]);
    }
    confirmed(asked, grade, level)
}

/// The grade as it is confirmed, by one person or after a second one.
pub(crate) fn confirmed(asked: Asked<'_>, grade: Grade, level: Level) -> Decision {
    let incident = asked.incident;
    room("grades", incident.grades.len(), MAX_GRADES)?;
    let proposed = &incident.assessment;
    let graver = incident.confirmed().is_none_or(|c| grade > c.grade);
    let classified = if graver {
        Some(asked.op.now)
    } else {
        incident.anchors.classified
    };
    let mut facts = vec![Fact::GradeConfirmed {
        grade,
        level,
        matched: proposed.matched.clone(),
        proposed_grade: proposed.grade,
        proposed_level: proposed.level,
        clock_changes: clocks::changes(asked.plan, incident, grade, classified, asked.op.now),
    }];
    facts.extend(crate::tasks::added(asked, grade));
    facts.extend(calls(asked, level));
    Ok(facts)
}

pub(super) fn start_watch(asked: Asked<'_>) -> Decision {
    if asked.incident.watch.started_at.is_some() {
        return Err(wrong_state("watch", "started"));
    }
    Ok(vec![Fact::WatchStarted])
}

/// The fact that a step begins, with the plan's tasks of the grade and their times.
pub(crate) fn step_entered(plan: &Plan, step: StepId, grade: Grade, now: Instant) -> Fact {
    Fact::StepEntered {
        step,
        target_s: plan.step(step).map_or(0, |s| s.target_s),
        tasks: crate::tasks::planned(plan, step, grade, now),
    }
}

fn nothing_missing(asked: Asked<'_>, leaving: Leaving) -> Result<(), Refusal> {
    let missing = conditions::missing(asked.plan, asked.incident, leaving, asked.op.now);
    if missing.is_empty() {
        Ok(())
    } else {
        Err(Refusal::Missing { missing })
    }
}

pub(super) fn advance(asked: Asked<'_>) -> Decision {
    nothing_missing(asked, Leaving::Step)?;
    let left = asked.incident.step;
    let Some(next) = left.next() else {
        return Ok(Vec::new());
    };
    let mut facts = vec![
        Fact::StepLeft { step: left },
        step_entered(asked.plan, next, asked.incident.grade(), asked.op.now),
    ];
    let watches = |step: &plan::Step| step.tasks.iter().any(|t| t.kind == TaskKind::Watch);
    if asked.plan.step(next).is_some_and(watches) && asked.incident.watch.started_at.is_none() {
        facts.push(Fact::WatchStarted);
    }
    Ok(facts)
}

/// The handling ends once follow-up has begun; clocks of the law run from there.
pub(super) fn handled(asked: Asked<'_>) -> Decision {
    if asked.incident.anchors.handled.is_some() {
        return Err(wrong_state("handling", "ended"));
    }
    if asked.incident.step < StepId::P5 {
        let item = MissingItem::new("step-open", vec![("step", Param::Step(StepId::P5))]);
        return Err(Refusal::Missing {
            missing: vec![item],
        });
    }
    Ok(vec![Fact::HandlingEnded])
}

pub(super) fn close(asked: Asked<'_>) -> Decision {
    nothing_missing(asked, Leaving::Incident)?;
    Ok(vec![Fact::Closed])
}

pub(super) fn send_brief(asked: Asked<'_>) -> Decision {
    let sent = asked.incident.briefs.len();
    room("briefs", sent, crate::bounds::MAX_BRIEFS)?;
    let brief = crate::brief::management(asked.incident, asked.plan, asked.op.now);
    // Texts and numbers always serialise.
    let kept = serde_json::to_string(&brief).ok().map(|text| {
        let digest = Digest::of(text.as_bytes());
        Box::new(KeptBrief { text, digest })
    });
    Ok(vec![Fact::BriefSent {
        number: (sent + 1) as u32,
        kept,
    }])
}
