//! The plan in force, to be read: groups, steps, levels, clocks.

use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use plan::clock::Deadline;
use plan::{Plan, StatutoryClock};

#[derive(Template)]
#[template(path = "plan.html")]
struct PlanPage<'a> {
    v: View<'a>,
    plan: &'a Plan,
    digest: String,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    let plan = &*visit.plan;
    let v = View::titled(visit, Section::Plan, "nav-plan");
    Reply::page(&PlanPage {
        v,
        plan,
        digest: plan.digest().short(),
    })
}

pub(crate) fn deadline(v: &View<'_>, clock: &StatutoryClock) -> String {
    match clock.deadline {
        Deadline::Hours { value } => v.span((value * 3600.0) as i64),
        Deadline::CalendarDays { value } => v.n("common-days", value),
        Deadline::Immediate => v.t("deadline-immediate").into_owned(),
        Deadline::UndueDelay => v.t("deadline-undue-delay").into_owned(),
    }
}

/// Who is called, and how long until the next.
fn stages(v: &View<'_>, level: &plan::LevelRule) -> String {
    document::call_stages(v.visit.words(), level)
}

fn groups_called(v: &View<'_>, level: &plan::LevelRule) -> String {
    let titles: Vec<&str> = level
        .call_out
        .iter()
        .filter_map(|id| v.visit.plan.group(id))
        .map(|g| v.pick(&g.title))
        .collect();
    titles.join(&v.t("common-list-comma"))
}
