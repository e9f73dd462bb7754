//! Resources of one incident, and the register with what is where.
//!
//! Deliberately not here: who may grant what, and whether it is free (rooms `incident`, `desk`).

use crate::pages::guest::{self, GuestLine};
use crate::pages::incident_parts::Head;
use crate::perform;
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use incident::Incident;
use incident::resource::{RequestState, ResourceRequest};
use model::{Instant, PositionId};
use plan::{Act, RegisterEntry, ResourceKind};

/// Minutes to choose from: until when it is needed, and for how long.
const NEEDED: [u32; 6] = [15, 30, 60, 240, 1440, 4320];
const FOR: [u32; 6] = [60, 240, 1440, 4320, 10080, 43200];

#[derive(Template)]
#[template(path = "resources.html")]
struct Page<'a> {
    v: View<'a>,
    h: Head,
    id: String,
    rows: Vec<Row>,
    may_ask: bool,
    entries: Vec<(String, String)>,
    orders: Vec<(String, String)>,
    tasks: Vec<(String, String)>,
    needed: [u32; 6],
    lent: [u32; 6],
    may_guests: bool,
    most_days: u32,
}

struct Row {
    id: String,
    title: String,
    code: &'static str,
    mark: &'static str,
    late: bool,
    why: String,
    purpose: String,
    asker: String,
    asked_at: Instant,
    needed_by: Instant,
    grantor: String,
    second: bool,
    /// What became of it: by whom, and with which words.
    answer: Option<(&'static str, String, String)>,
    until: Option<Instant>,
    out: Option<String>,
    terms: Option<String>,
    returns: Vec<String>,
    /// As the amount field takes it.
    asked_value: String,
    out_value: String,
    may_answer: bool,
    may_withdraw: bool,
    may_return: bool,
    may_write_off: bool,
    guests: Vec<GuestLine>,
    may_invite: bool,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    let Some(incident) = perform::incident(visit) else {
        return Reply::not_found(visit);
    };
    let i = &*incident;
    let v = View::titled(visit, Section::Orders, "resources-title");
    let mut rows: Vec<Row> = i.resources.requests.iter().map(|r| row(&v, i, r)).collect();
    let rank = |r: &Row| match r.code {
        "asked" => 0,
        "granted" => 1,
        _ => 2,
    };
    rows.reverse();
    rows.sort_by_key(|r| (rank(r), !r.late));
    let register = visit.plan.register.iter();
    Reply::page(&Page {
        h: Head::of(&v, i, "resources"),
        id: i.id.to_string(),
        rows,
        may_ask: !i.closed() && v.may(Act::RequestResource) && !visit.plan.register.is_empty(),
        entries: register
            .map(|e| (e.id.clone(), e.said(e.quantity, visit.lang)))
            .collect(),
        orders: (i.orders.iter().filter(|o| o.open()))
            .map(|o| (format!("order:{}", o.id), format!("{} {}", o.id, o.text)))
            .collect(),
        tasks: (i.tasks.iter().filter(|t| t.open()))
            .map(|t| {
                let id = t.planned.id.as_str();
                (format!("task:{id}"), task_title(&v, id))
            })
            .collect(),
        needed: NEEDED,
        lent: FOR,
        may_guests: !i.closed() && v.may(Act::ManageGuests),
        most_days: visit.plan.guests.as_ref().map_or(0, |g| g.most_days),
        v,
    })
}

/// The reader holds the position, or one that stands in for it.
fn answers_for(v: &View<'_>, position: &PositionId) -> bool {
    let held = v.visit.session.as_ref().map_or(&[][..], |s| &s.positions);
    let known = v.visit.plan.position(position);
    let stand_ins = known.map_or(&[][..], |p| &p.stand_ins);
    held.contains(position) || stand_ins.iter().any(|p| held.contains(p))
}

fn task_title(v: &View<'_>, id: &str) -> String {
    let mut all = v.visit.plan.steps.iter().flat_map(|s| &s.tasks);
    let found = all.find(|t| t.id == id);
    found.map_or_else(|| id.to_owned(), |t| v.pick(&t.title).to_owned())
}

fn said(v: &View<'_>, what: &str, amount: i64) -> String {
    let entry = v.visit.plan.registered(what);
    entry.map_or_else(
        || format!("{what} × {amount}"),
        |e| e.said(amount, v.visit.lang),
    )
}

/// What the amount field takes: yuan with two digits for a budget.
fn value(entry: Option<&RegisterEntry>, amount: i64) -> String {
    match entry.is_some_and(|e| e.currency.is_some()) {
        true => format!("{}.{:02}", amount / 100, amount % 100),
        false => amount.to_string(),
    }
}

fn row(v: &View<'_>, i: &Incident, r: &ResourceRequest) -> Row {
    let entry = v.visit.plan.registered(&r.what);
    let me = v.account();
    let mine = me.is_some() && r.asked.by.account() == me;
    let second = entry.is_some_and(|e| e.four_eyes);
    let open = !i.closed();
    let answers = answers_for(v, &r.grantor) && v.may(Act::GrantResource);
    let order = r.order.as_ref().map(ToString::to_string);
    let task = r.task.as_ref().map(|id| task_title(v, id.as_str()));
    Row {
        id: r.id.clone(),
        title: said(v, &r.what, r.amount),
        code: r.code(),
        mark: match r.code() {
            "asked" => "warn",
            "granted" => "info",
            "back" => "ok",
            _ => "off",
        },
        late: open && r.late(v.now).is_some(),
        why: r.why.clone(),
        purpose: order.or(task).unwrap_or_default(),
        asker: v.actor(&r.asked.by),
        asked_at: r.asked.at,
        needed_by: r.needed_by,
        grantor: v.position(&r.grantor),
        second,
        answer: answer(v, r),
        until: r.grant().filter(|_| r.out() > 0).map(|g| g.until),
        out: (r.out() > 0).then(|| said(v, &r.what, r.out())),
        terms: entry
            .filter(|_| r.grant().is_some())
            .and_then(|e| terms(v, e)),
        returns: (r.returned.iter())
            .map(|b| {
                let how = v.tt("incident-returned", b.condition.code());
                let what = said(v, &r.what, b.amount);
                format!("{what} · {how} · {} {}", v.actor(&b.signed.by), b.reason)
            })
            .collect(),
        asked_value: value(entry, r.amount),
        out_value: value(entry, r.out()),
        may_answer: open && r.asked() && answers && !(second && mine),
        may_withdraw: open && r.asked() && mine,
        may_return: open
            && r.out() > 0
            && (v.may(Act::RequestResource) || v.may(Act::GrantResource)),
        may_write_off: answers_for(v, &r.grantor),
        guests: guest::lines(v, i, &r.id),
        may_invite: entry.is_some_and(|e| e.kind == ResourceKind::Expert)
            && guest::may_invite(v, i, &r.id, r.out()),
    }
}

fn answer(v: &View<'_>, r: &ResourceRequest) -> Option<(&'static str, String, String)> {
    match &r.state {
        RequestState::Asked => None,
        RequestState::Granted(g) => {
            let some = said(v, &r.what, g.amount);
            let words = match g.conditions.is_empty() {
                true => some,
                false => format!("{some} · {}", g.conditions),
            };
            Some(("resources-granted-by", v.actor(&g.signed.by), words))
        }
        RequestState::Refused { signed, reason } => {
            Some(("resources-refused-by", v.actor(&signed.by), reason.clone()))
        }
        RequestState::Withdrawn { signed, reason } => Some((
            "resources-withdrawn-by",
            v.actor(&signed.by),
            reason.clone(),
        )),
    }
}

/// Firm, contract and contact: for those who may request or grant, once the expert is granted.
fn terms(v: &View<'_>, entry: &RegisterEntry) -> Option<String> {
    let terms = entry.expert.as_ref()?;
    if entry.kind != ResourceKind::Expert {
        return None;
    }
    let values = [
        ("firm", v.pick(&terms.firm).into()),
        ("contract", v.pick(&terms.contract).into()),
        ("contact", v.pick(&terms.contact).into()),
        ("hours", v.pick(&terms.hours).into()),
    ];
    Some(v.visit.words().with("resources-terms", &values))
}

#[derive(Template)]
#[template(path = "register.html")]
struct Register<'a> {
    v: View<'a>,
    rows: Vec<Entry>,
}

struct Entry {
    title: String,
    note: String,
    kind: String,
    whole: String,
    in_use: String,
    gone: Option<String>,
    free: String,
    none_free: bool,
    grantor: String,
    second: bool,
    terms: Option<String>,
    /// Addresses and names of the incidents that hold some.
    incidents: Vec<(String, String)>,
}

pub(crate) fn register(visit: &Visit) -> Reply {
    let v = View::titled(visit, Section::Orders, "resources-register");
    let used = match visit.desk().register_use(&visit.viewer()) {
        Ok(used) => used,
        Err(error) => return perform::unreadable(visit, &error, "the register cannot be read"),
    };
    let quantity = |e: &RegisterEntry, n: i64| match e.money(n) {
        Some(money) => money.to_string(),
        None => n.to_string(),
    };
    let pairs = visit.plan.register.iter().zip(used);
    let rows = pairs
        .map(|(e, used)| {
            let left = e.quantity.saturating_sub(used.out);
            let left = left.saturating_sub(used.written_off).max(0);
            Entry {
                title: v.pick(&e.title).to_owned(),
                note: v.pick(&e.note).to_owned(),
                kind: v.tt("plan-register", e.kind.code()).into_owned(),
                whole: quantity(e, e.quantity),
                in_use: quantity(e, used.out),
                gone: (used.written_off > 0).then(|| quantity(e, used.written_off)),
                free: quantity(e, left),
                none_free: left == 0,
                grantor: v.position(&e.grantor),
                second: e.four_eyes,
                terms: terms(&v, e).filter(|_| v.may(Act::RequestResource)),
                incidents: (used.incidents.iter())
                    .map(|i| {
                        (
                            format!("/incidents/{}/resources", i.id),
                            i.code_name.clone(),
                        )
                    })
                    .collect(),
            }
        })
        .collect();
    Reply::page(&Register { v, rows })
}
