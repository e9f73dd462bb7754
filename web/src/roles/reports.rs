//! The routes of reporting: no login, with files, for people and programs.

use super::{Needs, Row, Serve, Verb, page};
use crate::reply::Reply;
use crate::visit::Visit;
use crate::{api, pages};

/// Where a chat hands on what is said to our robot.
pub(crate) const CHAT: &str = "/chat/";
/// Where a mail is posted to.
pub(crate) const MAIL: &str = "/api/v1/intake/mail";

pub static ROWS: &[Row] = &[
    page("/report", Needs::Public, pages::report::page),
    intake("/report", pages::report::send),
    intake("/report/receipt", pages::receipt::add),
    intake("/chat/{channel}", pages::chat::hear),
    intake("/api/v1/reports", pages::report::send),
    intake(
        "/api/v1/reports/{receipt}/additions",
        pages::receipt::api_add,
    ),
    Row {
        verb: Verb::Post,
        path: MAIL,
        needs: Needs::Intake,
        serve: Serve::Intake(api::mail::take),
    },
    page(
        "/api/v1/reports/{receipt}",
        Needs::Public,
        pages::receipt::api,
    ),
    page("/report/receipt", Needs::Public, pages::receipt::page),
];

const fn intake(path: &'static str, serve: fn(&Visit) -> Reply) -> Row {
    Row {
        verb: Verb::Post,
        path,
        needs: Needs::Public,
        serve: Serve::Intake(serve),
    }
}

impl Row {
    pub(crate) fn takes_files(&self) -> bool {
        matches!(self.serve, Serve::Intake(_))
    }
}
