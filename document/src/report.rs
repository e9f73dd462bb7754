//! The summary report of an incident (总结报告, form F-12) as HTML and Markdown, in one language.
//!
//! The same report of an open incident is a draft and says so. Deliberately not here: files, and
//! any word that is neither the catalogue's, the plan's nor the people's own.

mod course;
mod markdown;
mod outcome;
mod overview;
mod page;
pub mod phrase;
mod work;

use incident::{ClosedIncident, Incident};
use model::{Finding, Instant};
use phrase::Phrases;
use plan::{Lang, Plan};

pub use page::STYLE;

/// Findings that a report lists; the rest is counted. At four columns a finding this keeps the
/// page near a megabyte.
pub const MAX_FINDINGS_LISTED: usize = 2_000;

/// What a report needs beside the incident.
#[derive(Clone, Copy, Debug)]
pub struct ReportExtras<'a> {
    /// The incident's findings, in the order in which they are listed.
    pub findings: &'a [Finding],
    pub journal: &'a JournalPositions,
    pub generated_at: Instant,
}

/// Where the journal stood when the report was made.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct JournalPositions {
    pub ledger_size: u64,
    pub record_size: u64,
    /// The signed checkpoint of the root log, as text.
    pub root_checkpoint: String,
}

/// The report as one self-contained, printable HTML page without scripts.
pub fn html(incident: &Incident, plan: &Plan, extras: &ReportExtras<'_>, lang: Lang) -> String {
    page::render(&compose(incident, plan, extras, lang), lang)
}

/// Only the report's body, to stand in a page with its own head and style.
pub fn html_body(
    incident: &Incident,
    plan: &Plan,
    extras: &ReportExtras<'_>,
    lang: Lang,
) -> String {
    page::body(&compose(incident, plan, extras, lang))
}

/// The report as Markdown (CommonMark with tables).
pub fn markdown(incident: &Incident, plan: &Plan, extras: &ReportExtras<'_>, lang: Lang) -> String {
    markdown::render(&compose(incident, plan, extras, lang))
}

/// The summary report proper, which only a closed incident has: (HTML, Markdown).
pub fn summary(
    closed: &ClosedIncident,
    plan: &Plan,
    extras: &ReportExtras<'_>,
    lang: Lang,
) -> (String, String) {
    let report = compose(closed.incident(), plan, extras, lang);
    (page::render(&report, lang), markdown::render(&report))
}

/// A report before it is HTML or Markdown.
struct Report {
    title: String,
    notes: Vec<String>,
    sections: Vec<Section>,
}

struct Section {
    title: String,
    blocks: Vec<Block>,
}

/// A piece of a section; all texts are plain and are escaped where they are rendered.
enum Block {
    Heading(String),
    Paragraph(String),
    Facts(Vec<(String, String)>),
    Table(Table),
    /// A text whose lines stay as they are.
    Text(String),
}

struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// What the parts of the report look at.
struct Subject<'a> {
    incident: &'a Incident,
    plan: &'a Plan,
    extras: &'a ReportExtras<'a>,
    say: Phrases<'a>,
}

fn compose(incident: &Incident, plan: &Plan, extras: &ReportExtras<'_>, lang: Lang) -> Report {
    let say = Phrases::new(plan, lang);
    let on = Subject {
        incident,
        plan,
        extras,
        say,
    };
    let key = if incident.closed() {
        "summary-title"
    } else {
        "summary-draft-title"
    };
    let title = on
        .say
        .words()
        .with(key, &[("name", incident.code_name.as_str().into())]);
    let mut notes = Vec::new();
    if !incident.closed() {
        notes.push(on.say.text("summary-draft-note"));
    }
    if incident.exercise {
        notes.push(on.say.text("summary-exercise-note"));
    }
    let zone = [("zone", phrase::ZONE.into())];
    notes.push(on.say.words().with("summary-zone", &zone));
    let sections = vec![
        overview::overview(&on),
        overview::grade(&on),
        course::course(&on),
        overview::impact(&on),
        work::measures(&on),
        work::findings(&on),
        work::evidence(&on),
        work::containment(&on),
        outcome::communication(&on),
        outcome::lessons(&on),
        outcome::signatures(&on),
    ];
    Report {
        title,
        notes,
        sections,
    }
}

impl Subject<'_> {
    fn section(&self, key: &str, blocks: Vec<Block>) -> Section {
        Section {
            title: self.say.text(key),
            blocks,
        }
    }
    fn heading(&self, key: &str) -> Block {
        Block::Heading(self.say.text(key))
    }
    /// A table with the heads of these keys; a line that says so where there is nothing.
    fn table(&self, head: &[&str], rows: Vec<Vec<String>>) -> Block {
        if rows.is_empty() {
            return Block::Paragraph(self.say.text("summary-none"));
        }
        let head = head.iter().map(|key| self.say.text(key)).collect();
        Block::Table(Table { head, rows })
    }
    fn facts(&self, facts: Vec<(&str, String)>) -> Block {
        Block::Facts(
            facts
                .into_iter()
                .map(|(key, value)| (self.say.text(key), value))
                .collect(),
        )
    }
}
