//! The hand-over between shifts: the sheet, two signatures, and those of before.

use crate::pages::incident_parts::Head;
use crate::perform;
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use incident::Incident;
use incident::handover::{Handover, Item, Sheet};
use model::{Instant, PositionId};
use plan::Act;

/// Earlier hand-overs shown.
const LAST: usize = 30;

#[derive(Template)]
#[template(path = "handover.html")]
struct Page<'a> {
    v: View<'a>,
    h: Head,
    id: String,
    sheets: Vec<SheetView>,
    before: Vec<SheetView>,
    /// Positions that the reader may hand over.
    mine: Vec<(String, String)>,
    back: String,
}

struct SheetView {
    number: u32,
    code: &'static str,
    position: String,
    remarks: String,
    left: (String, Instant),
    taken: Option<(String, Instant)>,
    digest: String,
    grade: String,
    level: String,
    step: String,
    objective: String,
    rows: (u64, u64),
    ongoing: bool,
    parts: Vec<Part>,
    not_reached: Vec<String>,
    left_out: u32,
    at: Instant,
    /// Facts recorded after the sheet was made.
    since: u32,
    may_take: bool,
    may_withdraw: bool,
}

struct Part {
    code: &'static str,
    lines: Vec<Line>,
}

struct Line {
    id: String,
    text: String,
    due: Option<Instant>,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    let Some(incident) = perform::incident(visit) else {
        return Reply::not_found(visit);
    };
    let i = &*incident;
    let v = View::titled(visit, Section::Incidents, "handover-title");
    let all = i.handovers.iter().rev().take(LAST);
    let (sheets, before): (Vec<_>, Vec<_>) = all
        .map(|handover| sheet_view(&v, i, handover))
        .partition(|sheet| sheet.code == "open");
    let held = v.visit.session.as_ref().map_or(&[][..], |s| &s.positions);
    let writes = !i.closed() && v.may(Act::WriteNote);
    let mine = held.iter().filter(|_| writes);
    let page = Page {
        h: Head::of(&v, i, "handover"),
        id: i.id.to_string(),
        mine: mine.map(|p| (p.to_string(), v.position(p))).collect(),
        back: format!("/incidents/{}/handover", i.id),
        sheets,
        before,
        v,
    };
    Reply::page(&page)
}

fn sheet_view(v: &View<'_>, i: &Incident, handover: &Handover) -> SheetView {
    let sheet = &handover.sheet;
    let plan = &v.visit.plan;
    let open = handover.open(v.now) && !i.closed();
    let mine = handover.left.by.account() == v.account();
    SheetView {
        number: handover.number,
        code: handover.code(v.now),
        position: v.position(&handover.position),
        remarks: handover.remarks.clone(),
        left: (v.actor(&handover.left.by), handover.left.at),
        taken: (handover.taken.as_ref()).map(|signed| (v.actor(&signed.by), signed.at)),
        digest: handover.digest.to_string(),
        grade: v.grade(&sheet.grade),
        level: v
            .tt("incident-level", sheet.level.0.to_string())
            .into_owned(),
        step: {
            let step = plan.step(sheet.step);
            let title = step.map_or("", |s| v.pick(&s.title));
            format!("{} · {title}", sheet.step.code())
        },
        objective: sheet.objective.clone(),
        rows: (sheet.rows_found, sheet.rows_open),
        ongoing: sheet.ongoing,
        parts: parts(v, sheet),
        not_reached: sheet
            .not_reached
            .iter()
            .map(|id| {
                plan.group(id)
                    .map_or(id.as_str(), |g| v.pick(&g.title))
                    .to_owned()
            })
            .collect(),
        left_out: sheet.left_out,
        at: sheet.at,
        since: i.next_sequence.saturating_sub(sheet.sequence + 1),
        may_take: open && !mine && v.may(Act::WriteNote) && fills(v, &handover.position),
        may_withdraw: open && mine,
    }
}

fn fills(v: &View<'_>, position: &PositionId) -> bool {
    let held = v.visit.session.as_ref().map_or(&[][..], |s| &s.positions);
    let stand_ins = (v.visit.plan.position(position)).map_or(&[][..], |p| &p.stand_ins);
    held.contains(position) || stand_ins.iter().any(|p| held.contains(p))
}

fn parts(v: &View<'_>, sheet: &Sheet) -> Vec<Part> {
    let plan = &v.visit.plan;
    let task = |id: &str| {
        let found = plan.steps.iter().flat_map(|s| &s.tasks);
        let found = found.into_iter().find(|t| t.id.as_str() == id);
        found.map_or_else(|| id.to_owned(), |t| v.pick(&t.title).to_owned())
    };
    let clock = |id: &str| {
        let found = plan.clocks.iter().find(|c| c.id.as_str() == id);
        found.map_or_else(|| id.to_owned(), |c| v.pick(&c.title).to_owned())
    };
    let own = |item: &Item| item.text.clone();
    let part = |code, items: &[Item], words: &dyn Fn(&Item) -> String| Part {
        code,
        lines: items
            .iter()
            .map(|item| Line {
                id: item.id.clone(),
                text: words(item),
                due: item.due_at,
            })
            .collect(),
    };
    let all = [
        part("clocks", &sheet.clocks, &|item| clock(&item.id)),
        part("orders", &sheet.orders, &own),
        part("holds", &sheet.holds, &own),
        part("questions", &sheet.questions, &own),
        part("tasks", &sheet.tasks, &|item| task(&item.id)),
        part("decisions", &sheet.decisions, &own),
    ];
    all.into_iter()
        .filter(|part| !part.lines.is_empty())
        .collect()
}
