//! The routes of the assessment.

use super::{Needs, Row, VIEW, act, form, page};
use crate::api;
use crate::pages::assessment;
use plan::Act;

pub static ROWS: &[Row] = &[
    page("/incidents/{id}/assessment", VIEW, assessment::page),
    // Records nothing: whoever may read may try.
    form(
        "/incidents/{id}/assessment/preview",
        VIEW,
        assessment::preview,
    ),
    form(
        "/incidents/{id}/do/assess",
        Needs::Act(Act::RecordImpact),
        assessment::record,
    ),
    form(
        "/incidents/{id}/do/assess-and-confirm",
        Needs::Act(Act::ConfirmGrade),
        assessment::confirm,
    ),
    act(
        "/incidents/{id}/do/answer-lowering",
        Act::ConfirmGrade,
        assessment::answer_lowering,
    ),
    page("/api/v1/incidents/{id}/assessment", VIEW, api::assessment),
    form("/api/v1/incidents/{id}/assessment", VIEW, api::assess),
];
