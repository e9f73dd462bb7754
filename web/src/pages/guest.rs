//! The one page of a guest, and how a guest is let in and out.
//!
//! Deliberately not here: whether access stands (room `desk` asks the time and the incident), and
//! what a guest may do (room `incident`).

use crate::forms;
use crate::pages::findings::{self, FindingLine};
use crate::pages::orders::{self, Row};
use crate::pages::settings::people::link;
use crate::perform;
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use desk::guests::{GuestAccess, GuestInvitation};
use incident::people::Addressee;
use incident::resource::{GuestCommand, GuestPage, ResourceCommand};
use incident::{Command, Incident};
use model::{AccountId, Instant};
use plan::Act;

/// Findings and lines of the timeline that a guest is shown, newest first.
const MOST: usize = 200;
const DAY_S: i64 = 86_400;

#[derive(Template)]
#[template(path = "guest.html")]
struct Page<'a> {
    v: View<'a>,
    i: &'a Incident,
    until: Instant,
    /// The plan's words, until the guest has agreed to them.
    words: Option<String>,
    may_act: bool,
    rows: Option<Vec<Row>>,
    findings: Option<Vec<FindingLine>>,
    timeline: Option<Vec<(Instant, String, String)>>,
}

fn access(visit: &Visit) -> Option<GuestAccess> {
    visit.desk().guest_access(&visit.session.as_ref()?.account)
}

pub(crate) fn page(visit: &Visit) -> Reply {
    let Some(access) = access(visit) else {
        return Reply::not_found(visit);
    };
    let i = &*access.incident;
    let v = View::new(visit, Section::Guest, i.code_name.clone());
    let me = &access.guest.account;
    let mine = |to: &Addressee| matches!(to, Addressee::Person(p) if p.account == *me);
    let orders = i.orders.iter().rev().filter(|o| mine(&o.to));
    let rows = |_| orders.map(|o| orders::row(&v, i, o, "/guest")).collect();
    let lines = i.timeline.iter().rev().take(MOST);
    let timeline = |_| {
        let line = |entry| crate::narrate::event(visit, entry);
        lines
            .map(|e| (e.at, line(e), v.actor(&e.actor)))
            .collect::<Vec<_>>()
    };
    let shows = |page| access.shows(page).then_some(());
    let rules = visit.plan.guests.as_ref();
    let words = rules.map_or_else(String::new, |r| v.pick(&r.confidentiality).to_owned());
    Reply::page(&Page {
        until: access.guest.until,
        words: access.guest.agreed.is_none().then_some(words),
        may_act: access.guest.may_act,
        rows: shows(GuestPage::Orders).map(rows),
        findings: shows(GuestPage::Findings).map(|()| findings::masked(&v, i, MOST as u32)),
        timeline: shows(GuestPage::Timeline).map(timeline),
        i,
        v,
    })
}

pub(crate) fn agree(visit: &Visit) -> Reply {
    let Some(access) = access(visit) else {
        return Reply::not_found(visit);
    };
    let account = access.guest.account.clone();
    let command = Command::Resource(ResourceCommand::Guest(GuestCommand::Agree { account }));
    match (visit.desk()).execute(visit.operation(), &access.incident.id, command) {
        Ok(_) => Reply::see("/guest"),
        Err(error) => perform::failed(visit, &access.incident, &error),
    }
}

/// Makes the account and shows its link, once.
pub(crate) fn invite(visit: &Visit) -> Reply {
    let Some(incident) = perform::incident(visit) else {
        return Reply::not_found(visit);
    };
    let (pages, until) = match forms::guest_scope(visit) {
        Ok(scope) => scope,
        Err(refusal) => return perform::refused(visit, &incident, &refusal),
    };
    let asked = GuestInvitation {
        account: AccountId::new(visit.form.get("account").trim()),
        name: visit.form.get("name").to_owned(),
        request: visit.form.get("request_id").to_owned(),
        pages,
        may_act: visit.form.ticked("may_act"),
        until,
    };
    match (visit.desk()).invite_guest(visit.operation(), &incident.id, asked) {
        Ok(token) => Reply::page(&Invited {
            v: View::titled(visit, Section::Orders, "guest-invited-title"),
            link: link(visit, &token),
            back: format!("/incidents/{}/resources", incident.id),
        }),
        Err(error) => perform::failed(visit, &incident, &error),
    }
}

#[derive(Template)]
#[template(path = "guest_invited.html")]
struct Invited<'a> {
    v: View<'a>,
    link: String,
    back: String,
}

/// A guest as the page of resources shows them.
pub(crate) struct GuestLine {
    pub account: String,
    pub name: String,
    pub pages: Vec<(&'static str, bool)>,
    pub may_act: bool,
    pub until: Instant,
    pub agreed: bool,
    pub here: bool,
    /// Whole days that are left, at least one, for the form.
    pub days: i64,
}

/// The guests of the incident: those who are here first.
pub(crate) fn lines(v: &View<'_>, i: &Incident, request: &str) -> Vec<GuestLine> {
    let guests = i.resources.guests.iter().filter(|g| g.request == request);
    let mut lines: Vec<GuestLine> = guests
        .map(|g| GuestLine {
            account: g.account.to_string(),
            name: g.name.clone(),
            pages: GuestPage::ALL
                .map(|p| (p.code(), g.pages.contains(&p)))
                .to_vec(),
            may_act: g.may_act,
            until: g.until,
            agreed: g.agreed.is_some(),
            here: i.guest_now(&g.account, v.now).is_some(),
            days: (g.until.since_s(v.now) / DAY_S as f64).ceil().max(1.0) as i64,
        })
        .collect();
    lines.sort_by_key(|g| !g.here);
    lines
}

/// Whether the reader may let experts in, and none of those granted is without an account.
pub(crate) fn may_invite(v: &View<'_>, i: &Incident, request: &str, out: i64) -> bool {
    let here = lines(v, i, request).iter().filter(|g| g.here).count();
    !i.closed() && v.may(Act::ManageGuests) && i64::try_from(here).is_ok_and(|n| n < out)
}
