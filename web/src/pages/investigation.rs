//! Investigation: the life of rows, asked for by finding, row, person or time.
//!
//! Personal values are masked but for those who may read evidence; an export always masks them.

use crate::pages::investigation_lines::{Lines, verdict_code};
use crate::pages::investigation_paper::{archive, export_files};
use crate::perform;
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use axum::http::{StatusCode, header};
use desk::evidence::Collected;
use desk::investigate::{Answer, Investigation, Question, Unanswered, parse_time};
use desk::{CommandError, DeskError};
use document::Value;
use incident::bounds::MAX_NAME_CHARS;
use incident::custody::JournalPosition;
use model::{FindingId, IncidentId, Instant, Operation, SourceName};
use plan::Act;

/// As on every page.
const ZONE: &str = "Asia/Shanghai";
/// For the program's own log.
pub(crate) const FAILED: &str = "an investigation failed";
/// Buttons that fit under an answer.
const MOST_INCIDENTS: usize = 5;
/// An attack begins before somebody opens an incident of it.
const BEFORE_INCIDENT_S: i64 = 600;

#[derive(Template)]
#[template(path = "investigation.html")]
struct InvestigationPage<'a> {
    v: View<'a>,
    asked: Asked,
    sources: Vec<String>,
    tables: Vec<String>,
    /// Why there is no answer.
    why: Option<String>,
    found: Option<(Investigation, Lines)>,
    may_export: bool,
    /// Open incidents that the answer may be evidence in: their ids and names.
    incidents: Vec<(String, String)>,
    /// The proof of an entry is read by those who may read evidence.
    may_prove: bool,
}

/// The fields of the forms, as they were sent.
#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Asked {
    about: String,
    source: String,
    id: String,
    table: String,
    key: String,
    from: String,
    until: String,
}

impl Asked {
    pub(crate) fn of(field: impl Fn(&str) -> String) -> Self {
        Self {
            about: field("about"),
            source: field("source"),
            id: field("id"),
            table: field("table"),
            key: field("key"),
            from: field("from"),
            until: field("until"),
        }
    }

    /// A field's value where its form is the one that was sent.
    fn given(&self, about: &str, value: &str) -> String {
        if self.about == about {
            value.to_owned()
        } else {
            String::new()
        }
    }

    /// `None`: nothing was asked.
    pub(crate) fn question(&self) -> Option<Result<Question, &'static str>> {
        let source = Some(&self.source).filter(|s| !s.is_empty());
        let source = source.map(|s| SourceName::new(s.as_str()));
        let row = !self.table.is_empty() && !self.key.is_empty();
        Some(match self.about.as_str() {
            "finding" if !self.id.is_empty() => Ok(Question::Finding {
                id: FindingId::from(self.id.as_str()),
            }),
            "row" if row => Ok(Question::Row {
                source,
                table: self.table.clone(),
                key: self.key.clone(),
            }),
            "person" if row => Ok(Question::Person {
                source,
                table: self.table.clone(),
                key: self.key.clone(),
            }),
            "window" => match (parse_time(&self.from), parse_time(&self.until)) {
                (Some(from), Some(until)) => Ok(Question::Window {
                    source,
                    from,
                    until,
                }),
                _ => Err("inv-why-time"),
            },
            _ => return None,
        })
    }
}

pub(crate) fn page(visit: &Visit) -> Reply {
    let asked = Asked::of(|name| visit.query.get(name).to_owned());
    let (found, why) = match answered(visit, &asked) {
        None => (None, None),
        Some(Ok(report)) => {
            let lines = Lines::of(&report, visit.words());
            (Some((report, lines)), None)
        }
        Some(Err(NoAnswer::Said(why))) => (None, Some(why)),
        Some(Err(NoAnswer::Inside(error))) => {
            return perform::unreadable(visit, &error, FAILED);
        }
    };
    let status = if why.is_some() {
        StatusCode::NOT_FOUND
    } else {
        StatusCode::OK
    };
    Reply::page_as(status, &shown(visit, asked, found, why))
}

/// Why there is no answer.
pub(crate) enum NoAnswer {
    /// What whoever asked can mend, in their language.
    Said(String),
    Inside(DeskError),
}

/// The answer, or why there is none; `None` where nothing is asked. Values of persons only for who
/// reads evidence.
pub(crate) fn answered(visit: &Visit, asked: &Asked) -> Option<Result<Investigation, NoAnswer>> {
    let in_full = visit.may(Act::ReadEvidence);
    asked.question().map(|question| {
        let said = |key| NoAnswer::Said(visit.words().text(key).into_owned());
        let question = question.map_err(said)?;
        let answer = (visit.desk()).investigate_as(&visit.viewer(), &question, in_full);
        answer.map_err(|why| unanswered(visit, why))
    })
}

fn shown(
    visit: &Visit,
    asked: Asked,
    found: Option<(Investigation, Lines)>,
    why: Option<String>,
) -> InvestigationPage<'_> {
    let config = visit.desk().config();
    let mut tables: Vec<String> = config
        .source
        .iter()
        .flat_map(|s| s.table.iter().map(|t| t.name.clone()))
        .collect();
    tables.sort();
    tables.dedup();
    let concerns = |i: &incident::Incident| {
        let answered = found.as_ref().map(|(report, _)| &report.source);
        answered.is_some() && i.source.as_ref() == answered
    };
    let open = visit.open_incidents();
    let open = open.iter().filter(|i| concerns(i)).take(MOST_INCIDENTS);
    InvestigationPage {
        incidents: open
            .map(|i| (i.id.to_string(), i.code_name.clone()))
            .collect(),
        v: View::titled(visit, Section::Investigation, "inv-title"),
        asked,
        sources: config.source.iter().map(|s| s.name.to_string()).collect(),
        tables,
        why,
        may_export: visit.may(Act::CollectEvidence),
        may_prove: visit.may(Act::ReadEvidence),
        found,
    }
}

fn unanswered(visit: &Visit, why: Unanswered) -> NoAnswer {
    match why.parts() {
        Some((code, names)) => {
            let values: Vec<(&str, Value<'_>)> = names
                .iter()
                .map(|(name, value)| (*name, Value::from(value.as_str())))
                .collect();
            NoAnswer::Said(visit.words().with(&format!("inv-why-{code}"), &values))
        }
        None => NoAnswer::Inside(why.into()),
    }
}

/// The answer with its proofs as one archive.
pub(crate) fn export(visit: &Visit) -> Reply {
    let asked = Asked::of(|name| visit.form.get(name).to_owned());
    let Some(Ok(question)) = asked.question() else {
        return Reply::see("/investigation");
    };
    let made = visit
        .desk()
        .investigate_as(&visit.viewer(), &question, false)
        .and_then(|report| Ok(visit.desk().with_proofs(report, true)?));
    let answer = match made {
        Ok(answer) => answer,
        Err(why) => {
            return match unanswered(visit, why) {
                NoAnswer::Said(why) => {
                    let page = shown(visit, asked, None, Some(why));
                    Reply::page_as(StatusCode::NOT_FOUND, &page)
                }
                NoAnswer::Inside(error) => perform::unreadable(visit, &error, FAILED),
            };
        }
    };
    match packed(visit, &answer) {
        Ok((top, bytes)) => {
            tracing::info!(person = ?visit.session.as_ref().map(|s| &s.account), entries = answer.proofs.len(), "an investigation was exported");
            Reply::bytes("application/x-tar", bytes).with_header(
                header::CONTENT_DISPOSITION,
                &format!("attachment; filename=\"{top}.tar\""),
            )
        }
        Err(error) => {
            tracing::error!(%error, "an investigation could not be exported");
            Reply::refuse(visit, StatusCode::INTERNAL_SERVER_ERROR, "inside")
        }
    }
}

/// The archive's own name and its bytes.
fn packed(visit: &Visit, answer: &Answer) -> Result<(String, Vec<u8>), serde_json::Error> {
    let files = export_files(answer, visit.lang)?;
    let seconds = u64::try_from(answer.report.made_at.0 / 1_000_000).unwrap_or(0);
    let top = format!("balefire-investigation-{seconds}");
    let bytes = archive(&top, &files, seconds);
    Ok((top, bytes))
}

/// The same archive, kept as evidence of the incident.
pub(crate) fn keep(visit: &Visit) -> Reply {
    let asked = Asked::of(|name| visit.form.get(name).to_owned());
    let Some(Ok(question)) = asked.question() else {
        return Reply::see("/investigation");
    };
    perform::by_desk(visit, |incident| {
        keep_answer(visit, &question, &incident.id, visit.operation())
    })
}

/// Takes the answer with its proofs into the custody of an incident.
pub(crate) fn keep_answer(
    visit: &Visit,
    question: &Question,
    incident: &IncidentId,
    op: Operation,
) -> Result<(), CommandError> {
    let failed = |why| match unanswered(visit, why) {
        NoAnswer::Said(why) => DeskError::NotFound(why.into()),
        NoAnswer::Inside(error) => error,
    };
    let viewer = visit.viewer();
    let report = (visit.desk().investigate_as(&viewer, question, false)).map_err(failed)?;
    let answer = visit.desk().with_proofs(report, true)?;
    let (_, bytes) = packed(visit, &answer).map_err(DeskError::from)?;
    let about = Lines::of(&answer.report, visit.words()).about;
    let entries = answer.proofs.iter().map(|proof| JournalPosition {
        log: proof.log.clone(),
        index: proof.index,
    });
    let collected = Collected {
        name: about.chars().take(MAX_NAME_CHARS).collect(),
        kind: "rows".to_owned(),
        source: answer.report.source.to_string(),
        method: format!("balefire {} investigate", env!("CARGO_PKG_VERSION")),
        ending: ".tar",
        bytes,
        positions: entries.collect(),
    };
    (visit.desk()).take_into_custody(op, incident, collected)
}

/// The page's address that asks for a row.
pub(crate) fn row_path(source: &str, table: &str, key: &str) -> String {
    let fields = [
        ("about", "row"),
        ("source", source),
        ("table", table),
        ("key", key),
    ];
    let pairs = fields.map(|(name, value)| format!("{name}={}", encoded(value)));
    format!("/investigation?{}", pairs.join("&"))
}

/// The page's address that asks for the time of an incident and the minutes before it.
pub(crate) fn window_path(
    source: &str,
    opened: &Instant,
    closed: &Option<Instant>,
    now: &Instant,
) -> String {
    let until = closed.unwrap_or(*now);
    format!(
        "/investigation?about=window&source={}&from={}&until={until}",
        encoded(source),
        opened.plus_s(-BEFORE_INCIDENT_S)
    )
}

/// A time as the browser's field for times wants it.
fn local(text: &str) -> String {
    parse_time(text).map_or_else(String::new, |at| at.in_zone(ZONE).replacen(' ', "T", 1))
}

pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::row_path;

    #[test]
    fn a_row_is_named_in_an_address_whatever_its_key() {
        assert_eq!(
            row_path("shop", "order line", "a&b,1"),
            "/investigation?about=row&source=shop&table=order%20line&key=a%26b%2C1"
        );
    }
}
