//! The assessment for programs: facts, the result with what would change it, the grades until
//! now; and facts or a grade given back. Its own version is the entity tag: other parts of the
//! incident may move without a conflict.

use super::guard::{self, Done};
use crate::perform;
use crate::reply::Reply;
use crate::visit::Visit;
use axum::http::{StatusCode, header};
use incident::assessing::{AssessCommand, Confirm, DataClass, GivenFact, most};
use incident::{Command, Incident};
use model::{Figure, Grade, Level};
use plan::Metric;
use plan::outlook::outlook;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The currency of the law's sums; another one is converted by who sends it.
const LAWS_CURRENCY: &str = "CNY";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    #[serde(default)]
    facts: BTreeMap<Metric, FactBody>,
    #[serde(default)]
    judged: Option<Vec<Judged>>,
    #[serde(default)]
    classes: BTreeMap<DataClass, Option<bool>>,
    #[serde(default)]
    confirm: Option<ConfirmBody>,
    #[serde(default)]
    #[expect(
        dead_code,
        reason = "read by the guard; named so that it is not unknown"
    )]
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FactBody {
    #[serde(default)]
    figure: Figure,
    #[serde(default)]
    best: Option<i64>,
    #[serde(default)]
    basis: String,
    #[serde(default)]
    counted: bool,
    #[serde(default)]
    currency: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Judged {
    grade: u8,
    criterion: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfirmBody {
    grade: u8,
    #[serde(default)]
    level: Option<u8>,
    computed_grade: u8,
    computed_level: u8,
}

pub(crate) fn assessment(visit: &Visit) -> Reply {
    let Some(incident) = perform::incident(visit) else {
        return Reply::not_found(visit);
    };
    let etag = guard::etag(incident.assessing.version);
    Reply::json(&shown(visit, &incident)).with_header(header::ETAG, &etag)
}

pub(crate) fn assess(visit: &Visit) -> Reply {
    guard::once(visit, |change| {
        let incident = perform::incident(visit).ok_or_else(|| Reply::not_found(visit))?;
        let seen = guard::if_match(visit)?.unwrap_or(incident.assessing.version);
        if seen != incident.assessing.version {
            return Err(Reply::refuse(
                visit,
                StatusCode::PRECONDITION_FAILED,
                "stale",
            ));
        }
        let command = command(visit, seen, guard::body(visit)?)?;
        guard::within_scope(visit, &command)?;
        let done = (visit.desk()).execute(change.op.clone(), &incident.id, command);
        done.map_err(|error| perform::failed(visit, &incident, &error))?;
        let after = perform::incident(visit).ok_or_else(|| Reply::not_found(visit))?;
        Ok(Done {
            status: StatusCode::OK,
            body: shown(visit, &after),
            version: Some(after.assessing.version),
        })
    })
}

fn command(visit: &Visit, seen: u32, body: Body) -> Result<Command, Reply> {
    let mut facts = BTreeMap::new();
    for (metric, fact) in body.facts {
        let currency = fact.currency.as_deref();
        if currency.is_some_and(|c| !money(metric) || c != LAWS_CURRENCY) {
            let field = format!("facts/{}/currency", code(&metric));
            let advice = "the law's sums are in CNY: convert the amount, and send whole yuan";
            return Err(guard::invalid(visit, &field, advice));
        }
        let at = format!("facts/{}/figure", code(&metric));
        guard::nothing_else(visit, &at, &fact.figure)?;
        let given = GivenFact {
            figure: fact.figure,
            best: fact.best,
            basis: fact.basis,
            counted: fact.counted,
        };
        facts.insert(metric, given);
    }
    let judged = |j: Judged| (j.grade, j.criterion);
    Ok(Command::Assess(AssessCommand::Assess {
        seen,
        facts,
        judged: (body.judged).map(|all| all.into_iter().map(judged).collect()),
        classes: body.classes,
        confirm: body.confirm.map(|c| confirm(visit, &c)).transpose()?,
    }))
}

fn confirm(visit: &Visit, body: &ConfirmBody) -> Result<Confirm, Reply> {
    let wrong = |field: &str| guard::invalid(visit, &format!("confirm/{field}"), "1 to 4");
    let grade = |n: u8, field| Grade::from_number(n).ok_or_else(|| wrong(field));
    let level = |n: u8, field| match n {
        1..=4 => Ok(Level(n)),
        _ => Err(wrong(field)),
    };
    Ok(Confirm {
        grade: grade(body.grade, "grade")?,
        level: body.level.map(|n| level(n, "level")).transpose()?,
        computed_grade: grade(body.computed_grade, "computed_grade")?,
        computed_level: level(body.computed_level, "computed_level")?,
    })
}

const fn money(metric: Metric) -> bool {
    matches!(metric, Metric::DirectLossCny | Metric::MoneyAtRiskCny)
}

/// The name of something that serialises as one, such as a metric.
fn code(named: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(named).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

fn shown(visit: &Visit, incident: &Incident) -> Value {
    let seen = outlook(&visit.plan, &incident.figures);
    let criterion =
        |(grade, id): &(Grade, String)| json!({ "grade": grade.number(), "criterion": id });
    let open: Vec<Value> = (seen.assessment.open.iter())
        .map(|o| json!({ "grade": o.grade.number(), "criterion": o.criterion, "why": o.why }))
        .collect();
    let changes: Vec<Value> = (seen.changes.iter())
        .map(|c| {
            json!({
                "grade": c.grade.number(), "level": c.level, "direction": c.direction,
                "facts": c.facts,
            })
        })
        .collect();
    let history: Vec<Value> = (incident.grades.iter())
        .map(|c| {
            json!({
                "grade": c.grade.number(), "level": c.level, "by": c.by, "asked_by": c.asked_by,
                "at": c.at, "reason": c.reason,
                "matched": c.matched.iter().map(criterion).collect::<Vec<_>>(),
                "figures": c.figures.numbers,
            })
        })
        .collect();
    let lowering = incident.assessing.lowering.as_ref().map(|l| {
        json!({
            "grade": l.grade.number(), "level": l.level, "by": l.by, "at": l.at, "reason": l.reason,
        })
    });
    json!({
        "id": incident.id,
        "version": incident.assessing.version,
        "facts": facts(incident),
        "judged": (incident.figures.qualitative.iter())
            .map(|(grade, id)| json!({ "grade": grade, "criterion": id })).collect::<Vec<_>>(),
        "classes": incident.assessing.classes,
        "computed": {
            "scheme": seen.assessment.scheme,
            "grade": seen.assessment.grade.number(),
            "level": seen.assessment.level,
            "matched": seen.assessment.matched.iter().map(criterion).collect::<Vec<_>>(),
            "raised_by": seen.assessment.raised_by,
            "open": open,
        },
        "gravest": { "grade": seen.gravest.number(), "level": seen.gravest_level },
        "unknown": seen.unknown,
        "changes": changes,
        "in_force": { "grade": incident.grade().number(), "level": incident.level },
        "lowering": lowering,
        "history": history,
    })
}

/// Every figure of the forms, with its unit, its source and the program's own count.
fn facts(incident: &Incident) -> Map<String, Value> {
    let fact = |(metric, _): &(Metric, &str)| {
        let given = incident.assessing.given.get(metric).filter(|g| !g.counted);
        let counted = incident.assessing.counted.get(metric);
        let unit = match metric {
            m if money(*m) => LAWS_CURRENCY,
            Metric::CiiTotalOutageMin | Metric::CiiMainFunctionOutageMin => "minutes",
            Metric::RowsTampered => "rows",
            Metric::OrdersAffected => "orders",
            _ => "persons",
        };
        let source = match (incident.figures_by_person.contains(metric), counted) {
            (true, _) => "person",
            (false, Some(_)) => "findings",
            (false, None) => "none",
        };
        let value = json!({
            "figure": incident.figures.number(*metric),
            "unit": unit,
            "at_most": most(*metric),
            "source": source,
            "given": given,
            "counted": counted,
        });
        (code(metric), value)
    };
    crate::forms::METRICS.iter().map(fact).collect()
}

/// The answer's schema.
pub(super) fn answer_schema() -> Value {
    let whole = json!({ "type": "integer", "minimum": 0 });
    let things = json!({ "type": "array", "items": { "type": "object" } });
    let result = json!({ "type": "object", "required": ["grade", "level"], "properties": {
        "grade": whole, "level": whole,
    } });
    let required = [
        "id", "version", "facts", "judged", "classes", "computed", "gravest", "unknown", "changes",
        "in_force", "history",
    ];
    json!({
        "type": "object",
        "required": required,
        "properties": {
            "id": { "type": "string" }, "version": whole,
            "facts": { "type": "object", "additionalProperties": { "type": "object" } },
            "judged": things, "classes": { "type": "object" },
            "computed": result, "gravest": result, "in_force": result,
            "unknown": { "type": "array", "items": { "type": "string" } },
            "changes": things, "history": things,
            "lowering": { "type": ["object", "null"] },
        },
    })
}

/// The body's schema: what is not named in it is refused.
pub(super) fn body_schema() -> Value {
    let number = json!({ "type": "integer", "minimum": 0 });
    let kind = |of: &str| json!({ "const": of });
    let figure = |of: &str, fields: &[&str]| {
        let mut properties = Map::from_iter([("certainty".to_owned(), kind(of))]);
        properties.extend(fields.iter().map(|f| ((*f).to_owned(), number.clone())));
        let mut required = vec!["certainty"];
        required.extend(fields);
        json!({ "type": "object", "required": required, "properties": properties })
    };
    let figures = [
        figure("known", &["value"]),
        figure("estimated", &["low", "high"]),
        figure("unknown", &[]),
    ];
    let fact = closed(
        &[],
        json!({
            "figure": { "oneOf": figures },
            "best": { "type": ["integer", "null"], "minimum": 0 },
            "basis": { "type": "string", "maxLength": incident::assessing::MAX_BASIS_CHARS },
            "counted": { "type": "boolean" },
            "currency": { "type": ["string", "null"] },
        }),
    );
    let metrics: Map<String, Value> = (crate::forms::METRICS.iter())
        .map(|(metric, _)| (code(metric), fact.clone()))
        .collect();
    let classes: Map<String, Value> = (DataClass::ALL.iter())
        .map(|class| (code(class), json!({ "type": ["boolean", "null"] })))
        .collect();
    let grade = json!({ "type": "integer", "minimum": 1, "maximum": 4 });
    let judged = closed(
        &["grade", "criterion"],
        json!({ "grade": grade, "criterion": { "type": "string" } }),
    );
    let level = json!({ "type": ["integer", "null"], "minimum": 1, "maximum": 4 });
    let mut confirm = closed(
        &["grade", "computed_grade", "computed_level"],
        json!({ "grade": grade, "level": level, "computed_grade": grade, "computed_level": grade }),
    );
    confirm["type"] = json!(["object", "null"]);
    closed(
        &[],
        json!({
            "reason": { "type": ["string", "null"], "maxLength": 1000 },
            "facts": closed(&[], Value::Object(metrics)),
            "judged": { "type": ["array", "null"], "items": judged },
            "classes": closed(&[], Value::Object(classes)),
            "confirm": confirm,
        }),
    )
}

fn closed(required: &[&str], properties: Value) -> Value {
    json!({
        "type": "object", "required": required, "properties": properties,
        "additionalProperties": false,
    })
}
