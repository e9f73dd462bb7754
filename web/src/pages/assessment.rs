//! The assessment of one incident: its facts, the grade by them, what would change it, and the
//! grades until now. Everything works without script; a preview records nothing.
//!
//! Deliberately not here: how the form is read (`forms::assessment`), and the lines of the page
//! (`assessment_lines`).

use crate::forms::assessment::{Sheet, classes_mark, judged_mark};
use crate::narrate;
use crate::pages::assessment_lines::{self as lines, *};
use crate::pages::incident_parts::Head;
use crate::perform;
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use axum::http::StatusCode;
use desk::CommandError;
use incident::assessing::AssessCommand;
use incident::{Command, Incident, Refusal};
use plan::Act;
use plan::outlook::outlook;

#[derive(Template)]
#[template(path = "assessment.html")]
struct Page<'a> {
    v: View<'a>,
    h: Head,
    i: &'a Incident,
    id: String,
    told: Told,
    version: u32,
    groups: Vec<FactGroup>,
    classes: Vec<ClassRow>,
    classes_mark: String,
    touched_columns: Vec<String>,
    judged: Vec<JudgedRow>,
    judged_mark: String,
    result: ResultView,
    grades: Vec<(u8, String, bool)>,
    levels: Vec<(u8, String, bool)>,
    reason: String,
    regrade: bool,
    lowering: Option<LoweringView>,
    history: Vec<HistoryRow>,
    may_record: bool,
    may_confirm: bool,
    preview: bool,
}

/// What is said above the form.
#[derive(Default)]
pub(crate) struct Told {
    /// Why it was not recorded.
    refused: Option<String>,
    /// Somebody else changed these since the form was made.
    meanwhile: Vec<String>,
    preview: bool,
    faults: usize,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    let Some(incident) = perform::incident(visit) else {
        return Reply::not_found(visit);
    };
    let sheet = Sheet::standing(&incident);
    show(visit, &incident, &sheet, Told::default(), StatusCode::OK)
}

/// What the facts would give. Nothing is recorded.
pub(crate) fn preview(visit: &Visit) -> Reply {
    let Some(incident) = perform::incident(visit) else {
        return Reply::not_found(visit);
    };
    let sheet = Sheet::typed(visit, &incident);
    let faults = sheet.faults(&incident).len();
    let told = Told {
        preview: true,
        faults,
        ..Told::default()
    };
    show(visit, &incident, &sheet, told, status(faults))
}

/// Records the facts.
pub(crate) fn record(visit: &Visit) -> Reply {
    send(visit, false)
}

/// Records the facts and confirms the grade by them.
pub(crate) fn confirm(visit: &Visit) -> Reply {
    send(visit, true)
}

fn send(visit: &Visit, confirms: bool) -> Reply {
    let Some(incident) = perform::incident(visit) else {
        return Reply::not_found(visit);
    };
    let sheet = Sheet::typed(visit, &incident);
    let faults = sheet.faults(&incident).len();
    let confirm = sheet.confirm().filter(|_| confirms);
    if faults > 0 || (confirms && confirm.is_none()) {
        let told = Told {
            preview: true,
            faults,
            ..Told::default()
        };
        return show(
            visit,
            &incident,
            &sheet,
            told,
            StatusCode::UNPROCESSABLE_ENTITY,
        );
    }
    let command = Command::Assess(sheet.command(&incident, confirm));
    match (visit.desk()).execute(visit.operation(), &incident.id, command) {
        Ok(_) if visit.wants_json => Reply::json(&serde_json::json!({ "incident": incident.id })),
        Ok(_) => {
            let done = if confirms {
                "assess-and-confirm"
            } else {
                "assess"
            };
            Reply::see(&format!(
                "/incidents/{}/assessment?done={done}",
                incident.id
            ))
        }
        Err(CommandError::Refused(refusal)) if !visit.wants_json => {
            // What stands now, with what was typed over it.
            let Some(incident) = perform::incident(visit) else {
                return Reply::not_found(visit);
            };
            refused(visit, &incident, &refusal)
        }
        Err(error) => perform::failed(visit, &incident, &error),
    }
}

fn refused(visit: &Visit, incident: &Incident, refusal: &Refusal) -> Reply {
    let sheet = Sheet::typed(visit, incident);
    let told = Told {
        refused: Some(narrate::refusal(visit, refusal).0),
        preview: true,
        ..Told::default()
    };
    show(
        visit,
        incident,
        &sheet,
        told,
        perform::refusal_status(refusal),
    )
}

fn status(faults: usize) -> StatusCode {
    match faults {
        0 => StatusCode::OK,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

fn show(
    visit: &Visit,
    incident: &Incident,
    sheet: &Sheet,
    mut told: Told,
    status: StatusCode,
) -> Reply {
    let v = View::titled(visit, Section::Incidents, "assess-title");
    let stands = Sheet::standing(incident);
    if sheet.seen < stands.seen {
        told.meanwhile = meanwhile(&v, incident, sheet.seen);
    }
    let seen = outlook(&visit.plan, &sheet.figures(incident));
    let may = |act| !incident.closed() && v.may(act);
    let (may_record, may_confirm) = (may(Act::RecordImpact), may(Act::ConfirmGrade));
    let preview = told.preview;
    let chosen = sheet.grade.parse().ok();
    let level = sheet.level.parse().ok();
    let page = Page {
        h: Head::of(&v, incident, "assessment"),
        i: incident,
        id: incident.id.to_string(),
        told,
        version: stands.seen,
        groups: lines::groups(&v, incident, sheet, &stands),
        classes: lines::classes(&v, incident, sheet),
        classes_mark: classes_mark(&stands.classes),
        touched_columns: lines::touched_columns(visit, incident),
        judged: lines::judged(&v, sheet),
        judged_mark: judged_mark(&stands.judged),
        grades: lines::grades(&v, chosen.unwrap_or(seen.assessment.grade.number())),
        levels: lines::levels(&v, level),
        result: lines::result(&v, incident, &seen),
        reason: sheet.reason.clone(),
        regrade: incident.confirmed().is_some(),
        lowering: lines::lowering(&v, incident),
        history: lines::history(&v, incident),
        may_record,
        may_confirm,
        preview,
        v,
    };
    Reply::page_as(status, &page)
}

/// What others did to the assessment since the form was made.
fn meanwhile(v: &View<'_>, incident: &Incident, seen: u32) -> Vec<String> {
    let mut out: Vec<String> = (incident.assessing.changed_since(seen).into_iter())
        .map(|(metric, record)| {
            let values = [
                ("who", v.actor(&record.by).into()),
                ("what", lines::metric(v, metric).into()),
                ("now", v.figure(&incident.figures.number(metric)).into()),
            ];
            v.visit.words().with("assess-meanwhile-fact", &values)
        })
        .collect();
    if out.is_empty() {
        out.push(v.t("assess-meanwhile-other").into_owned());
    }
    out
}

/// A second person's answer to a milder grade.
pub(crate) fn answer_lowering(visit: &Visit, _: &Incident) -> crate::forms::Commands {
    let approve = match visit.form.get("answer") {
        "approve" => true,
        "refuse" => false,
        _ => {
            return Err(Refusal::Bad {
                field: "grade".to_owned(),
                why: incident::refusal::BadValue::Empty,
            });
        }
    };
    Ok(vec![Command::Assess(AssessCommand::AnswerLowering {
        approve,
    })])
}
