//! The list of incidents: searched, filtered, a page at a time.
//!
//! The form is a plain GET form, so that every list has an address of its own. Deliberately not
//! here: who may see which incident, which the desk's list already keeps.

use crate::perform;
use crate::reply::Reply;
use crate::view::{Section, View, ZONE};
use crate::visit::Visit;
use askama::Template;
use desk::{IncidentPage, IncidentQuery};
use incident::IncidentHead;
use jiff::ToSpan as _;
use jiff::civil::Date;
use model::{Grade, Instant, Risk};

/// Lines on one page; older incidents follow on the next.
const PAGE: u32 = 50;
/// Lines of one answer of the API.
const MOST: u32 = 200;
/// Characters of a search; the rest is not looked at.
const MAX_WORDS: usize = 200;

/// One incident in a list.
pub(crate) struct IncidentLine {
    pub id: String,
    pub code_name: String,
    pub exercise: bool,
    pub what: String,
    pub grade: String,
    pub grade_number: u8,
    pub level: u8,
    pub step: String,
    pub opened_at: Instant,
    pub closed_at: Option<Instant>,
}

impl IncidentLine {
    pub fn of(v: &View<'_>, head: &IncidentHead) -> Self {
        Self {
            id: head.id.to_string(),
            code_name: head.code_name.clone(),
            exercise: head.exercise,
            what: format!(
                "{} · {}",
                v.tt("incident-category", head.category.code()),
                v.n("incident-found", head.findings)
            ),
            grade: v.grade(&head.grade),
            grade_number: head.grade.number(),
            level: head.level.0,
            step: head.step.code().to_owned(),
            opened_at: head.opened_at,
            closed_at: head.closed_at,
        }
    }
}

/// What the form asked for, as it stands in the fields again.
#[derive(Default)]
struct Asked {
    q: String,
    risk: String,
    grade: String,
    state: String,
    kind: String,
    from: String,
    until: String,
    order: String,
}

const NAMES: [&str; 8] = [
    "q", "risk", "grade", "state", "kind", "from", "until", "order",
];

impl Asked {
    fn of(visit: &Visit) -> Self {
        let get = |name| visit.query.get(name).to_owned();
        Self {
            q: visit.query.get("q").chars().take(MAX_WORDS).collect(),
            risk: get("risk"),
            grade: get("grade"),
            state: get("state"),
            kind: get("kind"),
            from: get("from"),
            until: get("until"),
            order: get("order"),
        }
    }

    /// What is not understood is not asked for: the field shows nothing then.
    fn query(&self) -> IncidentQuery {
        let either = |text: &str, yes: &str, no: &str| {
            (text == yes)
                .then_some(true)
                .or_else(|| (text == no).then_some(false))
        };
        let day = |text: &str| text.parse::<Date>().ok();
        let next = |day: Date| day.checked_add(1.day()).ok();
        IncidentQuery {
            words: self.q.clone(),
            risk: (Risk::ALL.into_iter()).find(|r| r.code().eq_ignore_ascii_case(&self.risk)),
            grade: (Grade::ALL.into_iter()).find(|g| g.number().to_string() == self.grade),
            open: either(&self.state, "open", "closed"),
            exercise: either(&self.kind, "exercise", "real"),
            from: day(&self.from).and_then(begins),
            before: day(&self.until).and_then(next).and_then(begins),
            by_last_fact: self.order == "last",
            ..IncidentQuery::default()
        }
    }

    fn given(&self) -> bool {
        [
            &self.q,
            &self.risk,
            &self.grade,
            &self.state,
            &self.kind,
            &self.from,
            &self.until,
        ]
        .iter()
        .any(|text| !text.is_empty())
    }
    /// Beyond the words: the filters stand open then.
    fn filtered(&self) -> bool {
        self.given() && (self.q.is_empty() || !self.risk.is_empty() || !self.grade.is_empty())
            || !self.state.is_empty()
            || !self.kind.is_empty()
            || !self.from.is_empty()
            || !self.until.is_empty()
    }
}

/// The first moment of a day where the incidents' times are shown.
fn begins(day: Date) -> Option<Instant> {
    let at = day.in_tz(ZONE).ok()?;
    Some(Instant(at.timestamp().as_microsecond()))
}

#[derive(Template)]
#[template(path = "incidents.html")]
struct IncidentsPage<'a> {
    v: View<'a>,
    asked: Asked,
    lines: Vec<IncidentLine>,
    caption: String,
    /// Address of the next page.
    older: Option<String>,
    /// Not on the first page.
    inside: bool,
    first: String,
}

impl IncidentsPage<'_> {
    fn risks(&self) -> Vec<(String, String, bool)> {
        let risk = |r: Risk| {
            let code = r.code().to_ascii_lowercase();
            let name = self.v.tt("incident-risk", &code).into_owned();
            let chosen = code.eq_ignore_ascii_case(&self.asked.risk);
            (code, name, chosen)
        };
        Risk::ALL.into_iter().map(risk).collect()
    }
    fn grades(&self) -> Vec<(String, String, bool)> {
        let grade = |g: Grade| {
            let number = g.number().to_string();
            let chosen = number == self.asked.grade;
            (number, self.v.grade(&g), chosen)
        };
        Grade::ALL.into_iter().map(grade).collect()
    }
}

pub(crate) fn page(visit: &Visit) -> Reply {
    let v = View::titled(visit, Section::Incidents, "nav-incidents");
    let asked = Asked::of(visit);
    let query = IncidentQuery {
        after: visit.query.get("after").to_owned(),
        limit: PAGE,
        ..asked.query()
    };
    let found = match visit.desk().incident_list(&visit.viewer(), &query) {
        Ok(found) => found,
        Err(desk::DeskError::NotFound(_)) => return Reply::see(&address(visit, None)),
        Err(error) => return perform::unreadable(visit, &error, "incidents cannot be listed"),
    };
    Reply::page(&IncidentsPage {
        lines: found
            .heads
            .iter()
            .map(|h| IncidentLine::of(&v, h))
            .collect(),
        caption: match found.more {
            true => v.n("incidents-more-than", found.count),
            false => v.n("incidents-caption", found.count),
        },
        older: found.next.as_deref().map(|next| address(visit, Some(next))),
        inside: !query.after.is_empty(),
        first: address(visit, None),
        asked,
        v,
    })
}

/// The same list from another place.
fn address(visit: &Visit, after: Option<&str>) -> String {
    let mut pairs: Vec<String> = NAMES
        .iter()
        .filter_map(|name| Some(format!("{name}={}", escaped(visit.query.given(name)?))))
        .collect();
    pairs.extend(after.map(|after| format!("after={}", escaped(after))));
    match pairs.is_empty() {
        true => "/incidents".to_owned(),
        false => format!("/incidents?{}", pairs.join("&")),
    }
}

/// Percent-encoded for a query (RFC 3986: everything but the unreserved characters).
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// The page that the API gives: the same fields as the form.
pub(crate) fn asked_page(
    visit: &Visit,
    limit: u32,
    after: String,
) -> Result<IncidentPage, desk::DeskError> {
    let query = IncidentQuery {
        after,
        limit: limit.clamp(1, MOST),
        ..Asked::of(visit).query()
    };
    visit.desk().incident_list(&visit.viewer(), &query)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_where_its_times_are_shown() {
        let asked = Asked {
            from: "2026-03-01".to_owned(),
            until: "2026-03-01".to_owned(),
            ..Asked::default()
        };
        let query = asked.query();
        assert_eq!(query.from, Instant::parse("2026-02-28T16:00:00Z").ok());
        assert_eq!(query.before, Instant::parse("2026-03-01T16:00:00Z").ok());
    }

    #[test]
    fn what_is_not_understood_is_not_asked_for() {
        let asked = Asked {
            risk: "R9".to_owned(),
            grade: "0".to_owned(),
            state: "<b>".to_owned(),
            from: "2026-02-30".to_owned(),
            until: "9999-12-31".to_owned(),
            ..Asked::default()
        };
        let query = asked.query();
        assert!(query.risk.is_none() && query.grade.is_none() && query.open.is_none());
        assert!(query.from.is_none() && query.before.is_none());
    }

    #[test]
    fn an_address_carries_any_text() {
        assert_eq!(escaped("a b&订=%"), "a%20b%26%E8%AE%A2%3D%25");
    }
}
