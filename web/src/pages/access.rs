//! Who may see an incident (知悉范围): suspects, who stands in for whom, restriction to positions.

use crate::pages::incident_parts::Head;
use crate::perform;
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use desk::Person;
use incident::Incident;
use incident::access::AccessCommand;
use model::{AccountId, PositionId};

#[derive(Template)]
#[template(path = "access.html")]
struct AccessPage<'a> {
    v: View<'a>,
    i: &'a Incident,
    h: Head,
    suspects: Vec<(AccountId, String)>,
    admitted: Vec<(AccountId, String)>,
    /// Whose place, and who fills it.
    stand_ins: Vec<(String, String)>,
    /// Positions with whether they are named now.
    positions: Vec<(PositionId, String, bool)>,
    people: Vec<Person>,
    /// How far beyond the suspect the plan keeps the incident secret.
    rule: String,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    let Some(incident) = perform::incident(visit) else {
        return Reply::not_found(visit);
    };
    let people = match visit.desk().accounts_for(&visit.viewer()) {
        Ok(people) => people,
        Err(error) => return perform::unreadable(visit, &error, "the accounts cannot be read"),
    };
    let v = View::new(visit, Section::Incidents, incident.code_name.clone());
    let named = |accounts: &std::collections::BTreeSet<AccountId>| {
        let name = |id: &AccountId| {
            let known = people.iter().find(|p| p.id == *id);
            known.map_or_else(|| id.to_string(), |p| p.name.clone())
        };
        accounts
            .iter()
            .map(|id| (id.clone(), name(id)))
            .collect::<Vec<_>>()
    };
    let access = &incident.access;
    let stand_ins = access.stand_ins.iter();
    let positions = visit.plan.positions.iter();
    let page = AccessPage {
        h: Head::of(&v, &incident, "access"),
        suspects: named(&access.suspects),
        admitted: named(&access.admitted),
        stand_ins: stand_ins
            .map(|s| (v.position(&s.position), v.position(&s.by)))
            .collect(),
        positions: positions
            .map(|p| {
                let named = access.positions.contains(&p.id);
                (p.id.clone(), v.pick(&p.title).to_owned(), named)
            })
            .collect(),
        rule: match visit.plan.need_to_know.conceal_from {
            plan::ConcealFrom::SuspectAlone => v.t("access-rule-alone"),
            plan::ConcealFrom::DirectReports => v.t("access-rule-direct"),
            plan::ConcealFrom::AllReports => v.t("access-rule-all"),
        }
        .into_owned(),
        people: people.into_iter().filter(|p| !p.disabled).collect(),
        i: &incident,
        v,
    };
    Reply::page(&page)
}

fn change(visit: &Visit, command: AccessCommand) -> Reply {
    perform::by_desk(visit, |incident| {
        (visit.desk()).change_access(visit.operation(), &incident.id, command.clone(), None)
    })
}

fn account(visit: &Visit) -> AccountId {
    AccountId::new(visit.form.get("account"))
}

pub(crate) fn name_suspect(visit: &Visit) -> Reply {
    let account = account(visit);
    change(visit, AccessCommand::NameSuspect { account })
}

pub(crate) fn clear_suspect(visit: &Visit) -> Reply {
    let account = account(visit);
    change(visit, AccessCommand::ClearSuspect { account })
}

pub(crate) fn admit(visit: &Visit) -> Reply {
    let account = account(visit);
    change(visit, AccessCommand::Admit { account })
}

pub(crate) fn dismiss(visit: &Visit) -> Reply {
    let account = account(visit);
    change(visit, AccessCommand::Dismiss { account })
}

pub(crate) fn restrict(visit: &Visit) -> Reply {
    let all = |field| visit.form.all(field).map(PositionId::new).collect();
    let restrict = AccessCommand::Restrict {
        positions: all("position"),
        seen: Some(all("seen")),
    };
    change(visit, restrict)
}
