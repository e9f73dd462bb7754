//! People: who has an account, in which state, with which positions; invitations; emergency codes.

use super::proposals::{ProposalLine, waiting};
use super::{failed, once, only};
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use desk::DeskError;
use desk::account::Person;
use desk::identity::break_glass::BreakGlassStatus;
use model::{AccountId, PositionId};
use plan::Act;

pub(crate) const HERE: &str = "/settings/people";
/// People on one page; the search finds the others.
const SHOWN: usize = 200;
/// Codes in a set when nobody says otherwise.
const CODES: u32 = 5;

pub(crate) struct PersonLine {
    pub p: Person,
    pub positions: String,
    pub mark: &'static str,
    pub state: &'static str,
    pub factor: bool,
}

#[derive(Template)]
#[template(path = "settings_people.html")]
struct PeoplePage<'a> {
    v: View<'a>,
    tab: &'static str,
    people: Vec<PersonLine>,
    found: usize,
    query: String,
    positions: Vec<(PositionId, String)>,
    proposals: Vec<ProposalLine>,
    codes: BreakGlassStatus,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    match build(visit) {
        Ok(page) => Reply::page(&page),
        Err(error) => failed(visit, &error, "/settings"),
    }
}

fn build(visit: &Visit) -> Result<PeoplePage<'_>, DeskError> {
    let v = View::titled(visit, Section::Settings, "settings-tab-people");
    let query = visit.query.get("q").to_lowercase();
    let mut people = Vec::new();
    for p in visit.desk().accounts_for(&visit.viewer())? {
        let positions = titles(&v, &p.positions);
        let text = format!("{} {} {positions}", p.id, p.name).to_lowercase();
        if text.contains(&query) {
            people.push((p, positions));
        }
    }
    people.sort_by(|(a, _), (b, _)| (a.disabled, &a.name).cmp(&(b.disabled, &b.name)));
    let found = people.len();
    people.truncate(SHOWN);
    let line = |(p, positions): (Person, String)| {
        Ok(PersonLine {
            positions,
            mark: mark(&p),
            state: state(&p),
            factor: visit.desk().second_factor(&p.id)?.enrolled,
            p,
        })
    };
    Ok(PeoplePage {
        tab: "people",
        people: people
            .into_iter()
            .map(line)
            .collect::<Result<_, DeskError>>()?,
        found,
        query: visit.query.get("q").to_owned(),
        positions: all_positions(&v),
        proposals: waiting(&v)?,
        codes: visit.desk().break_glass()?,
        v,
    })
}

pub(crate) fn all_positions(v: &View<'_>) -> Vec<(PositionId, String)> {
    let positions = v.visit.plan.positions.iter();
    positions
        .map(|p| (p.id.clone(), v.pick(&p.title).to_owned()))
        .collect()
}

pub(crate) fn titles(v: &View<'_>, positions: &[PositionId]) -> String {
    let titles: Vec<String> = positions.iter().map(|p| v.position(p)).collect();
    titles.join(v.t("common-list-comma").as_ref())
}

pub(crate) fn state(p: &Person) -> &'static str {
    p.state_code()
}

pub(crate) fn mark(p: &Person) -> &'static str {
    match p.state_code() {
        "active" => "ok",
        "invited" => "warn",
        _ => "off",
    }
}

/// Makes the account; the link is shown once, for whoever passes it on.
pub(crate) fn invite(visit: &Visit) -> Reply {
    if let Err(reply) = only(visit, &["account", "name", "position"]) {
        return reply;
    }
    let id = AccountId::new(visit.form.get("account"));
    let positions: Vec<PositionId> = visit.form.all("position").map(PositionId::new).collect();
    let name = visit.form.get("name");
    match visit
        .desk()
        .invite(&visit.operation(), &id, name, &positions)
    {
        Ok(invited) => {
            let key = match invited.proposed {
                None => "settings-invited",
                Some(_) => "settings-invited-two",
            };
            once(
                visit,
                "people",
                key,
                vec![link(visit, &invited.token)],
                HERE,
            )
        }
        Err(error) => failed(visit, &error, HERE),
    }
}

/// As the browser knows this server; the path alone where it does not say.
pub(crate) fn link(visit: &Visit, token: &str) -> String {
    format!("{}/welcome?token={token}", visit.base)
}

/// Proposes a new set of emergency codes.
pub(crate) fn break_glass(visit: &Visit) -> Reply {
    if let Err(reply) = only(visit, &["count"]) {
        return reply;
    }
    let count = visit.form.get("count").parse().unwrap_or(CODES);
    match visit.desk().ask_break_glass(&visit.operation(), count) {
        Ok(Ok(codes)) => once(visit, "people", "settings-codes", codes, HERE),
        Ok(Err(_)) => Reply::see(&format!("{HERE}?done=settings-proposed")),
        Err(error) => failed(visit, &error, HERE),
    }
}
