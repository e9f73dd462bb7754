//! Evidence and journal: the logs with their signed roots, and how an outsider checks them.

use crate::narrate;
use crate::pages::error;
use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use axum::http::header;
use desk::LogStatus;

#[derive(Template)]
#[template(path = "evidence.html")]
struct EvidencePage<'a> {
    v: View<'a>,
    logs: Vec<LogStatus>,
    vkey: String,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    let v = View::titled(visit, Section::Evidence, "nav-evidence");
    Reply::page(&EvidencePage {
        v,
        logs: visit.desk().logs(),
        vkey: visit.desk().vkey(),
    })
}

/// A proof of one entry as a file: a third party checks it offline.
pub(crate) fn proof(visit: &Visit) -> Reply {
    let log = visit.query.get("log");
    let Ok(index) = visit.query.get("entry").parse::<u64>() else {
        return Reply::not_found(visit);
    };
    if visit
        .desk()
        .log_reader(log)
        .is_none_or(|reader| index >= reader.size())
    {
        return Reply::not_found(visit);
    }
    if !crate::pages::journal::may_read_entry(visit, log, index) {
        return Reply::not_found(visit);
    }
    match visit.desk().prove(log, index) {
        Ok(bundle) => {
            let name = format!("{}-{index}.tlog-proof", log.replace('/', "-"));
            Reply::bytes("text/plain; charset=utf-8", bundle.into_bytes()).with_header(
                header::CONTENT_DISPOSITION,
                &format!("attachment; filename=\"{name}\""),
            )
        }
        Err(why) => {
            tracing::error!(error = %crate::perform::chain(&why), "no proof was made");
            error::refused_elsewhere(visit, narrate::desk_error(visit.words(), &why), Vec::new())
        }
    }
}
