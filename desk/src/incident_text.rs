//! What the index is told of an incident: its head, and the parts of its text that are new.
//!
//! A long record is searched in parts, so that one more line does not index all lines again;
//! words that are asked for together must then stand in one part, or in the names.
//! Deliberately not here: what a fact's text is (room `incident`) and the words of it (room `store`).

use crate::DeskError;
use crate::held::{Facts, Held};
use incident::{Incident, IncidentHead, search_text};
use store::{IncidentEntry, TextPart};

/// Bytes of text in one part before the next begins.
const PART_BYTES: usize = 16 * 1024;

/// Where the last part of an incident's text begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TextMark {
    part: u16,
    /// Sequence number of its first fact.
    from: usize,
}

impl TextMark {
    pub fn of(facts: &Facts) -> Self {
        Self::default().walk(facts, |_, _| {})
    }

    /// Gives each part from here on to `part`, and where the last one begins.
    fn walk(mut self, facts: &Facts, mut part: impl FnMut(u16, &str)) -> Self {
        let mut body = String::new();
        for (place, recorded) in (self.from..).zip(facts.from(self.from)) {
            let text = search_text::text(recorded);
            if !body.is_empty() && body.len() + text.len() > PART_BYTES {
                part(self.part, &body);
                body.clear();
                self.part = self.part.saturating_add(1);
                self.from = place;
            }
            body.push_str(&text);
        }
        part(self.part, &body);
        self
    }
}

/// The entry of an incident after new facts; `before` is how it stood.
pub(crate) fn entry(
    before: Option<&Held>,
    now: &Incident,
    facts: &Facts,
) -> Result<(IncidentEntry, TextMark), DeskError> {
    let last_at = facts.last().map_or(now.opened_at, |r| r.operation.now);
    let head = IncidentHead::of(now, last_at);
    let names = search_text::names(now);
    // What stands beside each part has changed: all of them are written again.
    let same = |before: &&Held| {
        let b = &before.incident;
        (b.risk, b.grade(), b.closed(), b.exercise)
            == (head.risk, head.grade, head.closed(), head.exercise)
            && search_text::names(b) == names
    };
    let (mark, wordless) = match before.filter(same) {
        Some(before) => {
            let mut new = facts.from(before.recorded.len());
            (before.text, new.all(|r| search_text::text(r).is_empty()))
        }
        None => (TextMark::default(), false),
    };
    let mut parts = Vec::new();
    let mark = match wordless {
        true => mark,
        false => mark.walk(facts, |part, body| {
            if part <= TextPart::MOST {
                parts.push(TextPart::new(part, &names, body));
            }
        }),
    };
    let entry = IncidentEntry {
        id: now.id.clone(),
        opened_at: now.opened_at,
        closed_at: head.closed_at,
        last_at,
        risk: now.risk.code(),
        grade: head.grade.number(),
        exercise: now.exercise,
        active: now.active(),
        restricted: !now.access.open(),
        source: now.source.clone(),
        accepted_rows: head.rows_accepted,
        head: serde_json::to_string(&head)?,
        parts,
    };
    Ok((entry, mark))
}
