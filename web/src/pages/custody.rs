//! Evidence in custody (证据保管链): what was taken, its hash, and every hand-over.

use crate::pages::incident_parts::Head;
use crate::perform;
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use incident::Incident;
use plan::Act;

#[derive(Template)]
#[template(path = "custody.html")]
struct CustodyPage<'a> {
    v: View<'a>,
    i: &'a Incident,
    h: Head,
    may_collect: bool,
    may_transfer: bool,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    let Some(incident) = perform::incident(visit) else {
        return Reply::not_found(visit);
    };
    let v = View::new(visit, Section::Incidents, incident.code_name.clone());
    let may = visit.may(Act::CollectEvidence);
    let page = CustodyPage {
        h: Head::of(&v, &incident, "custody"),
        may_collect: may && !incident.closed(),
        may_transfer: may,
        i: &incident,
        v,
    };
    Reply::page(&page)
}
