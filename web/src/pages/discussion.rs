//! What was said in the war room: notes, decisions, questions, words from other places.
//!
//! Deliberately not here: the course of all events (`timeline`), of which every note is a line.

use crate::pages::incident_parts::{Head, addressed, addressee};
use crate::perform;
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use incident::Incident;
use incident::room::Note;
use model::Instant;
use plan::Act;

/// Notes on one page.
const PAGE: usize = 100;
/// Notes in the war room itself.
const IN_ROOM: usize = 8;
/// Recorded so much later than it was said: worth a word.
const LATE_RECORD_S: f64 = 60.0;

pub(crate) struct NoteLine {
    pub number: u32,
    pub text: String,
    pub mark: &'static str,
    pub who: String,
    pub at: Instant,
    pub recorded: Option<Instant>,
    /// Who said it elsewhere, and where.
    pub said: Option<(String, String)>,
    pub to: Vec<String>,
    pub corrects: Option<u32>,
    pub corrected_by: Option<u32>,
    pub may_correct: bool,
    /// The reader is named.
    pub me: bool,
}

/// What the war room shows of it.
pub(crate) struct Discussion {
    pub notes: Vec<NoteLine>,
    pub all: usize,
    pub may_write: bool,
    pub may_decide: bool,
}

impl Discussion {
    pub fn of(v: &View<'_>, i: &Incident) -> Self {
        let last = i.room.notes.iter().rev().take(IN_ROOM);
        Self {
            notes: last.map(|note| line(v, i, note)).collect(),
            all: i.room.notes.len(),
            may_write: may_write(v, i),
            may_decide: v.may(Act::RecordDecision),
        }
    }
}

fn may_write(v: &View<'_>, i: &Incident) -> bool {
    !i.closed() && v.may(Act::WriteNote)
}

#[derive(Template)]
#[template(path = "discussion.html")]
struct Page<'a> {
    v: View<'a>,
    h: Head,
    id: String,
    d: Discussion,
    show: &'static str,
    older: Option<u32>,
    names: Vec<String>,
    back: String,
    correct: Option<NoteLine>,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    let Some(incident) = perform::incident(visit) else {
        return Reply::not_found(visit);
    };
    let i = &*incident;
    let v = View::titled(visit, Section::Incidents, "discussion-title");
    let show = match visit.query.get("show") {
        "decision" => "decision",
        "question" => "question",
        _ => "all",
    };
    let before = visit.query.get("before").parse().unwrap_or(u32::MAX);
    let wanted = |note: &&Note| note.number < before && (show == "all" || note.mark.code() == show);
    let mut found = i.room.notes.iter().rev().filter(wanted);
    let notes: Vec<NoteLine> = found.by_ref().take(PAGE).map(|n| line(&v, i, n)).collect();
    let more = found.next().is_some();
    let correct = visit.query.get("correct").parse().ok();
    let correct = correct.and_then(|number| i.room.note(number));
    let page = Page {
        h: Head::of(&v, i, "discussion"),
        id: i.id.to_string(),
        older: notes.last().map(|n| n.number).filter(|_| more),
        d: Discussion {
            notes,
            all: i.room.notes.len(),
            may_write: may_write(&v, i),
            may_decide: v.may(Act::RecordDecision),
        },
        show,
        names: names(&v),
        back: format!("/incidents/{}/discussion", i.id),
        correct: correct
            .map(|note| line(&v, i, note))
            .filter(|line| line.may_correct),
        v,
    };
    Reply::page(&page)
}

/// What may stand behind `@`, for those who do not know the names by heart.
fn names(v: &View<'_>) -> Vec<String> {
    let plan = &v.visit.plan;
    let groups = plan.groups.iter().map(|g| v.pick(&g.title).to_owned());
    let positions = plan.positions.iter().map(|p| v.pick(&p.title).to_owned());
    groups.chain(positions).collect()
}

pub(crate) fn line(v: &View<'_>, i: &Incident, note: &Note) -> NoteLine {
    let mine = note.signed.by.account().is_some() && note.signed.by.account() == v.account();
    let me = note.mentions.iter().any(|to| addressed(v, to));
    NoteLine {
        number: note.number,
        text: note.text.clone(),
        mark: note.mark.code(),
        who: v.actor(&note.signed.by),
        at: note.at(),
        recorded: (note.signed.at.since_s(note.at()) > LATE_RECORD_S).then_some(note.signed.at),
        said: (note.said.as_ref()).map(|said| (said.by.clone(), said.place.clone())),
        to: note.mentions.iter().map(|to| addressee(v, to)).collect(),
        corrects: note.corrects,
        corrected_by: note.corrected_by,
        may_correct: mine && note.corrected_by.is_none() && may_write(v, i),
        me,
    }
}
