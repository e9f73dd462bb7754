//! The page behind the link in a message: two steps, so that a mail scanner that opens links
//! answers nothing. It shows no more than the message did.

use crate::reply::Reply;
use crate::view::{Section, View};
use crate::visit::Visit;
use askama::Template;
use axum::http::StatusCode;
use desk::paging::answer::{Answer, AnswerError, Asked};
use incident::{Incident, Refusal};

#[derive(Template)]
#[template(path = "answer.html")]
struct AnswerPage<'a> {
    v: View<'a>,
    asked: &'a Asked,
    code_name: String,
    position: String,
    done: bool,
    problem: Option<String>,
}

pub(crate) fn page(visit: &Visit) -> Reply {
    match visit.desk().asked_by_link(visit.params.get("token")) {
        Ok(asked) => show(visit, StatusCode::OK, &asked, None),
        Err(error) => failed(visit, &error),
    }
}

pub(crate) fn answer(visit: &Visit) -> Reply {
    let token = visit.params.get("token");
    let asked = match visit.desk().asked_by_link(token) {
        Ok(asked) => asked,
        Err(error) => return failed(visit, &error),
    };
    let answer = match visit.form.get("answer") {
        "yes" => Answer::Acknowledge,
        "no" => Answer::Refuse {
            reason: visit.form.get("reason").to_owned(),
        },
        _ => return Reply::refuse(visit, StatusCode::UNPROCESSABLE_ENTITY, "form"),
    };
    match visit.desk().answer_by_link(token, &answer) {
        Ok(()) => Reply::see(&format!("/answer/{token}?done=answer")),
        Err(AnswerError::Command(desk::CommandError::Refused(refusal))) => {
            let (text, _) = crate::narrate::refusal(visit, &refusal);
            let status = match refusal {
                Refusal::ReasonNeeded | Refusal::Bad { .. } => StatusCode::UNPROCESSABLE_ENTITY,
                _ => StatusCode::CONFLICT,
            };
            show(visit, status, &asked, Some(text))
        }
        Err(error) => failed(visit, &error),
    }
}

fn show(visit: &Visit, status: StatusCode, asked: &Asked, problem: Option<String>) -> Reply {
    let v = View::titled(visit, Section::None, "call-out-answer-title");
    let incident = asked.incident.as_deref();
    let page = AnswerPage {
        code_name: incident.map_or_else(String::new, |i: &Incident| i.code_name.clone()),
        position: asked
            .page
            .position
            .as_ref()
            .map_or_else(String::new, |p| v.position(p)),
        done: visit.query.get("done") == "answer",
        asked,
        problem,
        v,
    };
    Reply::page_as(status, &page)
}

/// A bad link looks like one that was never made.
fn failed(visit: &Visit, error: &AnswerError) -> Reply {
    match error {
        AnswerError::Link | AnswerError::Code => Reply::not_found(visit),
        AnswerError::TooMany { .. } => {
            Reply::refuse(visit, StatusCode::TOO_MANY_REQUESTS, "not-found")
        }
        AnswerError::Command(desk::CommandError::UnknownIncident) => Reply::not_found(visit),
        AnswerError::Command(error) => {
            tracing::error!(error = %crate::perform::chain(error), "an answer was not stored");
            Reply::refuse(visit, StatusCode::INTERNAL_SERVER_ERROR, "inside")
        }
    }
}
