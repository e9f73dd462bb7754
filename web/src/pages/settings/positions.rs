//! Who holds which position of the plan, who stands in, and where the plan has nobody.

use super::failed;
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use desk::DeskError;
use desk::account::Person;
use plan::Act;

struct PositionLine {
    title: String,
    holders: Vec<Person>,
    invited: usize,
    stand_ins: Vec<(String, bool)>,
    groups: String,
    /// Neither a holder nor anybody who stands in.
    helpless: bool,
}

#[derive(Template)]
#[template(path = "settings_positions.html")]
struct PositionsPage<'a> {
    v: View<'a>,
    tab: &'static str,
    lines: Vec<PositionLine>,
    gaps: usize,
    manages: bool,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    match build(visit) {
        Ok(page) => Reply::page(&page),
        Err(error) => failed(visit, &error, "/settings"),
    }
}

fn build(visit: &Visit) -> Result<PositionsPage<'_>, DeskError> {
    let v = View::titled(visit, Section::Settings, "settings-tab-positions");
    let people = visit.desk().accounts_for(&visit.viewer())?;
    let plan = &visit.plan;
    let holds = |id: &model::PositionId, state: &str| -> Vec<Person> {
        let held = people.iter();
        held.filter(|p| p.state_code() == state && p.positions.contains(id))
            .filter(|p| !p.is_emergency())
            .cloned()
            .collect()
    };
    let comma = v.t("common-list-comma").into_owned();
    let mut lines = Vec::new();
    for position in &plan.positions {
        let holders = holds(&position.id, "active");
        let stand_ins: Vec<(String, bool)> = (position.stand_ins.iter())
            .map(|id| (v.position(id), !holds(id, "active").is_empty()))
            .collect();
        let groups: Vec<&str> = (plan.groups.iter())
            .filter(|g| g.everyone().contains(&&position.id))
            .map(|g| v.pick(&g.title))
            .collect();
        lines.push(PositionLine {
            title: v.pick(&position.title).to_owned(),
            invited: holds(&position.id, "invited").len(),
            helpless: holders.is_empty() && !stand_ins.iter().any(|(_, held)| *held),
            groups: groups.join(&comma),
            holders,
            stand_ins,
        });
    }
    Ok(PositionsPage {
        gaps: lines.iter().filter(|l| l.holders.is_empty()).count(),
        manages: visit.may(plan::Act::ManageAccounts),
        tab: "positions",
        lines,
        v,
    })
}
