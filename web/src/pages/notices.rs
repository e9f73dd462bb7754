//! Notices: drafted by one person, approved by legal, sent one by one, and what was delivered.

use crate::pages::incident_parts::{ClockLine, Head, clock_lines};
use crate::perform;
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use incident::Incident;
use incident::communication::{Notice, NoticeKind, NoticeState};
use model::Figure;
use plan::{Act, Lang};

#[derive(Template)]
#[template(path = "notices.html")]
struct NoticesPage<'a> {
    v: View<'a>,
    i: &'a Incident,
    h: Head,
    notices: Vec<NoticeLine<'a>>,
    clocks: Vec<ClockLine>,
    may_draft: bool,
    draft_zh: String,
    draft_en: String,
    audience: i64,
}

struct NoticeLine<'a> {
    n: &'a Notice,
    mark: &'static str,
    texts: Vec<(&'static str, &'a str)>,
    outcome: String,
    mine: bool,
    may_decide: bool,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    let Some(incident) = perform::incident(visit) else {
        return Reply::not_found(visit);
    };
    let v = View::new(visit, Section::Incidents, incident.code_name.clone());
    let draft = |lang: Lang| {
        visit
            .plan
            .text("user_notice")
            .map_or_else(String::new, |t| t.body.in_lang(lang).to_owned())
    };
    let audience = match incident::brief::persons(&incident) {
        Figure::Known { value } => value,
        Figure::Estimated { high, .. } => high,
        Figure::Unknown => 0,
    };
    let page = NoticesPage {
        h: Head::of(&v, &incident, "notices"),
        notices: incident
            .notices
            .iter()
            .rev()
            .map(|n| line(&v, &incident, n))
            .collect(),
        clocks: clock_lines(&v, &incident),
        may_draft: !incident.closed() && visit.may(Act::DraftNotice),
        draft_zh: draft(Lang::Zh),
        draft_en: draft(Lang::En),
        audience,
        i: &incident,
        v,
    };
    Reply::page(&page)
}

fn line<'a>(v: &View<'_>, i: &Incident, n: &'a Notice) -> NoticeLine<'a> {
    let mine = n
        .drafted_by
        .account()
        .is_some_and(|a| Some(a) == v.account());
    NoticeLine {
        mark: match n.state {
            NoticeState::Draft => "warn",
            NoticeState::Approved => "info",
            NoticeState::Rejected { .. } => "bad",
            NoticeState::Sent { failed, .. } => {
                if failed == 0 {
                    "ok"
                } else {
                    "warn"
                }
            }
        },
        texts: n
            .texts
            .iter()
            .map(|(lang, text)| (lang.tag(), text.as_str()))
            .collect(),
        outcome: match &n.state {
            NoticeState::Rejected { by, reason, .. } => format!("{}: {reason}", v.actor(by)),
            NoticeState::Sent {
                delivered, failed, ..
            } => {
                let values = [
                    ("delivered", (*delivered).into()),
                    ("failed", (*failed).into()),
                ];
                v.visit.words().with("told-notice", &values)
            }
            _ => String::new(),
        },
        mine,
        may_decide: !i.closed() && n.state == NoticeState::Draft && v.may(Act::ApproveNotice),
        n,
    }
}
