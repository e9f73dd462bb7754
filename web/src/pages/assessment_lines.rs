//! What the assessment's page shows: facts, data classes, judgements, the result with what would
//! change it, and the grades until now.
//!
//! Deliberately not here: recording anything.

use crate::forms::METRICS;
use crate::forms::assessment::{Fault, Sheet, TypedFact};
use crate::view::View;
use crate::visit::Visit;
use desk::FindingFilter;
use incident::Incident;
use incident::assessing::{DataClass, most};
use incident::grading::ConfirmedGrade;
use model::{Grade, Instant, Level};
use plan::grading::{Figures, OpenReason};
use plan::outlook::{Change, Direction, FactChange, Outlook};
use plan::{Act, Metric};
use std::collections::BTreeSet;

/// Findings that are looked at for personal columns.
const FINDINGS_LOOKED_AT: u32 = 500;
/// Columns named on the page.
const MAX_COLUMNS: usize = 12;

/// Facts of one kind under one heading.
pub(crate) struct FactGroup {
    pub code: &'static str,
    pub rows: Vec<FactRow>,
}

pub(crate) struct FactRow {
    pub name: &'static str,
    pub label: String,
    pub unit: &'static str,
    pub state: &'static str,
    pub typed: TypedFact,
    /// Digest of what stands, so that a late form is told from a new one.
    pub mark: String,
    /// The program's own count and its time.
    pub counted: Option<(String, Instant)>,
    /// Who said it, when, and how they know; with an address of this product where it is one.
    pub source: Option<SourceLine>,
    pub fault: Option<String>,
    /// Its last change is younger than the form.
    pub changed: bool,
}

pub(crate) struct SourceLine {
    pub who: String,
    pub at: Instant,
    pub basis: String,
    pub link: bool,
}

pub(crate) struct ClassRow {
    pub code: &'static str,
    pub affected: &'static str,
    pub who: Option<(String, Instant)>,
}

pub(crate) struct JudgedRow {
    pub value: String,
    pub grade: String,
    pub title: String,
    pub ticked: bool,
}

pub(crate) struct ResultView {
    pub grade: u8,
    pub grade_title: String,
    pub level: u8,
    pub level_title: String,
    pub scheme: String,
    pub matched: Vec<(String, String)>,
    pub raised: Vec<String>,
    /// The graver result that the estimates leave possible.
    pub gravest: Option<String>,
    pub unknown: Vec<String>,
    pub open: Vec<(String, String, String)>,
    pub graver: Vec<ChangeLine>,
    pub judgements: Vec<ChangeLine>,
    pub milder: Option<ChangeLine>,
    /// Grade and level that stand confirmed, where the result differs from them.
    pub stands: Option<String>,
    /// Groups that the level calls out and that nobody called yet.
    pub adds: Vec<String>,
}

pub(crate) struct ChangeLine {
    pub facts: Vec<String>,
    pub gives: String,
}

pub(crate) struct LoweringView {
    pub who: String,
    pub at: Instant,
    pub gives: String,
    pub reason: String,
    pub may_approve: bool,
}

pub(crate) struct HistoryRow {
    pub at: Instant,
    pub by: String,
    pub asked_by: Option<String>,
    pub from: Option<String>,
    pub to: String,
    pub grade: u8,
    pub computed: Option<String>,
    pub matched: Vec<String>,
    pub reason: String,
    pub facts: Vec<(String, String, &'static str)>,
}

pub(crate) fn metric(v: &View<'_>, metric: Metric) -> String {
    let name = METRICS.iter().find(|(m, _)| *m == metric);
    name.map_or_else(String::new, |(_, name)| v.tt("metric", name).into_owned())
}

const fn unit(metric: Metric) -> &'static str {
    match metric {
        Metric::DirectLossCny | Metric::MoneyAtRiskCny => "cny",
        Metric::CiiTotalOutageMin | Metric::CiiMainFunctionOutageMin => "minutes",
        Metric::RowsTampered => "rows",
        Metric::OrdersAffected => "orders",
        _ => "persons",
    }
}

const GROUPS: [(&str, &[Metric]); 3] = [
    (
        "business",
        &[
            Metric::OrdersAffected,
            Metric::UsersAffected,
            Metric::RowsTampered,
            Metric::MoneyAtRiskCny,
            Metric::DirectLossCny,
        ],
    ),
    (
        "personal",
        &[Metric::AffectedPersons, Metric::SensitivePersons],
    ),
    (
        "outage",
        &[
            Metric::DailyLifePersons,
            Metric::CiiTotalOutageMin,
            Metric::CiiMainFunctionOutageMin,
        ],
    ),
];

pub(crate) fn groups(
    v: &View<'_>,
    incident: &Incident,
    sheet: &Sheet,
    stands: &Sheet,
) -> Vec<FactGroup> {
    let faults = sheet.faults(incident);
    let of = |metric: &Metric| {
        let find = |sheet: &Sheet| sheet.facts.iter().find(|f| f.metric == *metric).cloned();
        let (typed, standing) = (find(sheet)?, find(stands)?);
        let fault = faults
            .get(metric)
            .map(|fault| fault_text(v, *metric, *fault));
        Some(fact_row(v, incident, sheet.seen, typed, &standing, fault))
    };
    let group = |(code, metrics): (&'static str, &[Metric])| FactGroup {
        code,
        rows: metrics.iter().filter_map(of).collect(),
    };
    GROUPS.into_iter().map(group).collect()
}

fn fact_row(
    v: &View<'_>,
    incident: &Incident,
    seen: u32,
    typed: TypedFact,
    standing: &TypedFact,
    fault: Option<String>,
) -> FactRow {
    let count = incident.assessing.counted.get(&typed.metric);
    let record = incident.assessing.given.get(&typed.metric);
    FactRow {
        name: typed.name,
        label: metric(v, typed.metric),
        unit: unit(typed.metric),
        state: typed.state.code(),
        mark: standing.mark(),
        counted: count.map(|c| (v.figure(&c.figure), c.at)),
        source: record.filter(|r| !r.counted).map(|r| SourceLine {
            who: v.actor(&r.by),
            at: r.at,
            link: is_address(&r.basis),
            basis: r.basis.clone(),
        }),
        fault,
        changed: record.is_some_and(|r| r.version > seen),
        typed,
    }
}

/// An address of the investigation or of an incident, typed as how something is known.
fn is_address(basis: &str) -> bool {
    let ours = basis.starts_with("/investigation") || basis.starts_with("/incidents/");
    ours && basis.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
}

fn fault_text(v: &View<'_>, metric: Metric, fault: Fault) -> String {
    let key = format!("assess-fault-{}", fault.code());
    v.w(&key, "limit", v.num(most(metric)))
}

pub(crate) fn classes(v: &View<'_>, incident: &Incident, sheet: &Sheet) -> Vec<ClassRow> {
    let row = |(class, affected): (&DataClass, &Option<bool>)| ClassRow {
        code: class.code(),
        affected: match affected {
            Some(true) => "yes",
            Some(false) => "no",
            None => "unknown",
        },
        who: (incident.assessing.classes.get(class)).map(|r| (v.actor(&r.by), r.at)),
    };
    sheet.classes.iter().map(row).collect()
}

/// Personal columns that the findings name, as `table.column`.
pub(crate) fn touched_columns(visit: &Visit, incident: &Incident) -> Vec<String> {
    let filter = FindingFilter {
        incident: Some(incident.id.clone()),
        limit: FINDINGS_LOOKED_AT,
        ..FindingFilter::default()
    };
    let findings = visit.desk().findings(&filter);
    let columns: BTreeSet<String> = findings
        .iter()
        .flat_map(|f| {
            let personal = f.columns.iter().filter(|c| c.personal);
            personal.map(|c| format!("{}.{}", f.table, c.name))
        })
        .collect();
    columns.into_iter().take(MAX_COLUMNS).collect()
}

pub(crate) fn judged(v: &View<'_>, sheet: &Sheet) -> Vec<JudgedRow> {
    let rules = v.visit.plan.schemes.first().map_or(&[][..], |s| &s.grades);
    let graver = rules.iter().filter(|rule| rule.grade != Grade::General);
    graver
        .flat_map(|rule| rule.qualitative.iter().map(move |q| (rule.grade, q)))
        .map(|(grade, q)| JudgedRow {
            value: format!("{}:{}", grade.number(), q.id),
            grade: grade.roman().to_owned(),
            title: v.pick(&q.title).to_owned(),
            ticked: sheet.judged.contains(&(grade.number(), q.id.clone())),
        })
        .collect()
}

pub(crate) fn grades(v: &View<'_>, chosen: u8) -> Vec<(u8, String, bool)> {
    let one = |g: &Grade| (g.number(), v.grade(g), g.number() == chosen);
    Grade::ALL.iter().map(one).collect()
}

pub(crate) fn levels(v: &View<'_>, chosen: Option<u8>) -> Vec<(u8, String, bool)> {
    let levels = v.visit.plan.levels.iter();
    levels
        .map(|l| {
            (
                l.level.0,
                v.pick(&l.title).to_owned(),
                chosen == Some(l.level.0),
            )
        })
        .collect()
}

fn level(v: &View<'_>, level: Level) -> String {
    let rule = v.visit.plan.level(level);
    rule.map_or_else(String::new, |l| v.pick(&l.title).to_owned())
}

fn gives(v: &View<'_>, grade: Grade, level_of: Level) -> String {
    format!("{} · {}", v.grade(&grade), level(v, level_of))
}

fn criterion(v: &View<'_>, grade: Grade, id: &str) -> String {
    let schemes = v.visit.plan.schemes.iter();
    let mut rules = schemes.flat_map(|s| &s.grades).filter(|r| r.grade == grade);
    let found = rules.find_map(|rule| {
        let numeric = rule.numeric.iter().find(|c| c.id == id).map(|c| &c.title);
        numeric.or_else(|| {
            rule.qualitative
                .iter()
                .find(|q| q.id == id)
                .map(|q| &q.title)
        })
    });
    found.map_or_else(|| id.to_owned(), |title| v.pick(title).to_owned())
}

pub(crate) fn result(v: &View<'_>, incident: &Incident, seen: &Outlook) -> ResultView {
    let now = &seen.assessment;
    let plan = &v.visit.plan;
    let own = |id: &String| {
        let found = plan.own_criteria.iter().find(|o| o.id == *id);
        found.map_or_else(|| id.clone(), |o| v.pick(&o.title).to_owned())
    };
    let judgement = |c: &&Change| matches!(c.facts[..], [FactChange::Judged { .. }]);
    let graver = || {
        let changes = seen.changes.iter();
        changes.filter(|c| c.direction == Direction::Graver)
    };
    let mut milder = (seen.changes.iter()).filter(|c| c.direction == Direction::Milder);
    let scheme = plan.schemes.iter().find(|s| s.id == now.scheme);
    let beyond = seen.gravest > now.grade || seen.gravest_level.0 < now.level.0;
    let stands = incident
        .confirmed()
        .filter(|c| c.grade != now.grade || c.level != now.level);
    ResultView {
        grade: now.grade.number(),
        grade_title: v.grade(&now.grade),
        level: now.level.0,
        level_title: level(v, now.level),
        scheme: scheme.map_or_else(String::new, |s| v.pick(&s.title).to_owned()),
        matched: (now.matched.iter())
            .map(|(grade, id)| (grade.roman().to_owned(), criterion(v, *grade, id)))
            .collect(),
        raised: now.raised_by.iter().map(own).collect(),
        gravest: beyond.then(|| gives(v, seen.gravest, seen.gravest_level)),
        unknown: seen.unknown.iter().map(|m| metric(v, *m)).collect(),
        open: (now.open.iter())
            .map(|o| {
                let why = match o.why {
                    OpenReason::Unknown => "unknown",
                    OpenReason::WithinEstimate => "within-estimate",
                    OpenReason::NumberUnconfirmed => "number-unconfirmed",
                };
                let why = v.tt("assess-open", why).into_owned();
                (
                    o.grade.roman().to_owned(),
                    criterion(v, o.grade, &o.criterion),
                    why,
                )
            })
            .collect(),
        graver: (graver().filter(|c| !judgement(c)))
            .map(|c| change_line(v, c))
            .collect(),
        judgements: (graver().filter(judgement))
            .map(|c| change_line(v, c))
            .collect(),
        milder: milder.next().map(|c| change_line(v, c)),
        stands: stands.map(|c| gives(v, c.grade, c.level)),
        adds: adds(v, incident, now.level),
    }
}

fn change_line(v: &View<'_>, change: &Change) -> ChangeLine {
    let fact = |fact: &FactChange| match fact {
        FactChange::AtLeast { metric: m, value } => {
            let values = [("what", metric(v, *m).into()), ("n", v.num(value).into())];
            v.visit.words().with("assess-at-least", &values)
        }
        FactChange::AtMost { metric: m, value } => {
            let values = [("what", metric(v, *m).into()), ("n", v.num(value).into())];
            v.visit.words().with("assess-at-most", &values)
        }
        FactChange::Judged {
            grade,
            criterion: id,
        } => v.w("assess-judged", "what", criterion(v, *grade, id)),
        FactChange::NotJudged {
            grade,
            criterion: id,
        } => v.w("assess-not-judged", "what", criterion(v, *grade, id)),
    };
    ChangeLine {
        facts: change.facts.iter().map(fact).collect(),
        gives: gives(v, change.grade, change.level),
    }
}

/// Groups of the level whom no call has gone to.
fn adds(v: &View<'_>, incident: &Incident, level: Level) -> Vec<String> {
    let groups = v.visit.plan.level(level).map_or(&[][..], |l| &l.call_out);
    let uncalled = |id: &&model::GroupId| !incident.calls.iter().any(|c| c.call.group == **id);
    groups
        .iter()
        .filter(uncalled)
        .filter_map(|id| v.visit.plan.group(id))
        .map(|g| v.pick(&g.title).to_owned())
        .collect()
}

pub(crate) fn lowering(v: &View<'_>, incident: &Incident) -> Option<LoweringView> {
    let asked = incident.assessing.lowering.as_ref()?;
    let own = asked.by.account().is_some() && asked.by.account() == v.account();
    Some(LoweringView {
        who: v.actor(&asked.by),
        at: asked.at,
        gives: gives(v, asked.grade, asked.level),
        reason: asked.reason.clone(),
        may_approve: v.may(Act::ConfirmGrade) && !own,
    })
}

/// Newest first.
pub(crate) fn history(v: &View<'_>, incident: &Incident) -> Vec<HistoryRow> {
    let before = std::iter::once(None).chain(incident.grades.iter().map(Some));
    let pairs = before.zip(&incident.grades);
    let mut rows: Vec<HistoryRow> = pairs
        .map(|(before, now)| history_row(v, before, now))
        .collect();
    rows.reverse();
    rows
}

fn history_row(v: &View<'_>, before: Option<&ConfirmedGrade>, c: &ConfirmedGrade) -> HistoryRow {
    let computed = (c.proposed_grade, c.proposed_level) != (c.grade, c.level);
    HistoryRow {
        at: c.at,
        by: v.actor(&c.by),
        asked_by: c.asked_by.as_ref().map(|by| v.actor(by)),
        from: before.map(|b| gives(v, b.grade, b.level)),
        to: gives(v, c.grade, c.level),
        grade: c.grade.number(),
        computed: computed.then(|| gives(v, c.proposed_grade, c.proposed_level)),
        matched: (c.matched.iter())
            .map(|(grade, id)| format!("{} {}", grade.roman(), criterion(v, *grade, id)))
            .collect(),
        reason: c.reason.clone(),
        facts: facts_of(v, &c.figures),
    }
}

fn facts_of(v: &View<'_>, figures: &Figures) -> Vec<(String, String, &'static str)> {
    let known = figures.numbers.iter();
    known
        .map(|(m, figure)| (metric(v, *m), v.figure(figure), v.certainty(figure)))
        .collect()
}
