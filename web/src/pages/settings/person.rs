//! One person, as somebody who manages accounts sees and changes them.

use super::account::{PROFILE_FIELDS, ProfileFields, read_profile};
use super::people::{all_positions, link, mark, state, titles};
use super::{failed, once, only};
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use desk::DeskError;
use desk::account::Person;
use desk::identity::people::Outcome;
use desk::identity::sessions::SessionView;
use model::{AccountId, PositionId};

#[derive(Template)]
#[template(path = "settings_person.html")]
struct PersonPage<'a> {
    v: View<'a>,
    p: Person,
    f: ProfileFields,
    held: String,
    state: &'static str,
    mark: &'static str,
    own: bool,
    factor: bool,
    positions: Vec<(PositionId, String, bool)>,
    sessions: Vec<SessionView>,
    others: Vec<Person>,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    match build(visit) {
        Ok(Some(page)) => Reply::page(&page),
        Ok(None) => Reply::not_found(visit),
        Err(error) => failed(visit, &error, super::people::HERE),
    }
}

fn build(visit: &Visit) -> Result<Option<PersonPage<'_>>, DeskError> {
    let (desk, id) = (visit.desk(), target(visit));
    let Some(p) = desk.person_for(&visit.viewer(), &id)? else {
        return Ok(None);
    };
    let v = View::new(visit, Section::Settings, p.name.clone());
    let (profile, version) = desk.profile(&id)?;
    let positions = all_positions(&v).into_iter();
    let mut others = desk.accounts_for(&visit.viewer())?;
    others.retain(|o| o.id != id && !o.disabled);
    Ok(Some(PersonPage {
        f: ProfileFields::of(&profile, version),
        held: titles(&v, &p.positions),
        state: state(&p),
        mark: mark(&p),
        own: v.account() == Some(&id),
        factor: desk.second_factor(&id)?.enrolled,
        positions: positions
            .map(|(id, title)| {
                let held = p.positions.contains(&id);
                (id, title, held)
            })
            .collect(),
        sessions: desk.sessions(&id, visit.token.as_deref())?,
        others,
        p,
        v,
    }))
}

fn target(visit: &Visit) -> AccountId {
    AccountId::new(visit.params.get("account"))
}

pub(crate) fn save(visit: &Visit) -> Reply {
    let mut fields = PROFILE_FIELDS.to_vec();
    fields.extend(["name", "reports_to"]);
    if let Err(reply) = only(visit, &fields) {
        return reply;
    }
    let save = || {
        let id = target(visit);
        let (mut known, _) = visit.desk().profile(&id)?;
        known.reports_to = visit.form.given("reports_to").map(AccountId::new);
        let (profile, version) = read_profile(visit, known)?;
        let name = visit.form.get("name");
        visit
            .desk()
            .edit_person(&visit.operation(), &id, name, &profile, version)
    };
    done(visit, save().map(|()| Outcome::Done), "profile")
}

pub(crate) fn set_positions(visit: &Visit) -> Reply {
    if let Err(reply) = only(visit, &["position", "held"]) {
        return reply;
    }
    let all = |field| -> Vec<PositionId> { visit.form.all(field).map(PositionId::new).collect() };
    let (op, id) = (visit.operation(), target(visit));
    let asked = (visit.desk()).set_positions(&op, &id, &all("position"), Some(&all("held")));
    done(visit, asked, "positions")
}

pub(crate) fn new_link(visit: &Visit) -> Reply {
    step(visit, "link", |desk, op, id| {
        Ok(Outcome::Link(desk.new_link(op, id)?))
    })
}
pub(crate) fn disable(visit: &Visit) -> Reply {
    step(visit, "disabled", desk::Desk::disable)
}
pub(crate) fn enable(visit: &Visit) -> Reply {
    step(visit, "enabled", desk::Desk::enable)
}
pub(crate) fn reset_factor(visit: &Visit) -> Reply {
    step(visit, "factor-reset", desk::Desk::reset_second_factor)
}
pub(crate) fn end_sessions(visit: &Visit) -> Reply {
    step(visit, "sessions-ended", |desk, op, id| {
        desk.end_all_sessions(op, id).map(|()| Outcome::Done)
    })
}

type Work = fn(&desk::Desk, &model::Operation, &AccountId) -> Result<Outcome, DeskError>;

fn step(visit: &Visit, what: &str, work: Work) -> Reply {
    if let Err(reply) = only(visit, &[]) {
        return reply;
    }
    done(
        visit,
        work(visit.desk(), &visit.operation(), &target(visit)),
        what,
    )
}

fn done(visit: &Visit, result: Result<Outcome, DeskError>, what: &str) -> Reply {
    let here = format!("{}/{}", super::people::HERE, target(visit));
    match result {
        Ok(Outcome::Done) => Reply::see(&format!("{here}?done=settings-{what}")),
        Ok(Outcome::Proposed(_)) => {
            Reply::see(&format!("{}?done=settings-proposed", super::people::HERE))
        }
        Ok(Outcome::Link(token)) => {
            let lines = vec![link(visit, &token)];
            once(visit, "people", "settings-link", lines, super::people::HERE)
        }
        Err(error) => failed(visit, &error, &here),
    }
}
