//! What can be searched of an incident: the words of people and the names of things.
//!
//! Only what every reader of the incident sees anyway: the texts of its timeline's lines, and
//! those longer texts that a line leaves out. Row values, sealed personal values and contact
//! data never stand in a fact's text, so they cannot be found here. Where evidence lies and who
//! handled it needs a right of its own and is left out.
//! Deliberately not here: how text becomes words (room `store`).

use crate::fact::{Fact, Recorded};
use crate::incident::Incident;
use crate::open::Origin;
use crate::timeline::{Param, line_of};
use model::Actor;

/// Names that an incident is known by: code name, id, receipts, source.
pub fn names(incident: &Incident) -> String {
    let mut names = vec![incident.code_name.as_str(), incident.id.as_str()];
    names.extend(incident.reports.iter().map(|r| r.as_str()));
    names.extend(incident.room.former_names.iter().map(String::as_str));
    names.extend(incident.source.as_ref().map(|s| s.as_str()));
    names.join("\n")
}

/// The words of one fact, a line each; empty where it has none.
pub fn text(recorded: &Recorded) -> String {
    let mut out = String::new();
    let mut add = |text: &str| {
        if !text.trim().is_empty() {
            out.push_str(text);
            out.push('\n');
        }
    };
    let (_, params) = line_of(&recorded.fact);
    for (_, param) in &params {
        if let Param::Text(text) = param {
            add(text);
        }
    }
    match &recorded.fact {
        Fact::Opened(opening) => {
            if let Origin::Report { receipt, text } = &opening.origin {
                add(receipt.as_str());
                add(text);
            }
        }
        Fact::ReportJoined { text, .. } => add(text),
        Fact::OrderIssued { constraint, .. } => add(constraint),
        Fact::TaskCompleted { note, .. } => add(note),
        Fact::NoticeDrafted { texts, .. } => texts.values().for_each(|t| add(t)),
        Fact::ImpactRecorded { impact } => add(&impact.note),
        Fact::LessonRecorded { measures, .. } => measures.iter().for_each(|m| add(&m.text)),
        _ => {}
    }
    add(&recorded.operation.reason);
    // Who said it belongs to what was said; a fact without words is not found by its author.
    if let Actor::Person { name, .. } = &recorded.operation.actor
        && !out.is_empty()
    {
        out.push_str(name);
        out.push('\n');
    }
    out
}
