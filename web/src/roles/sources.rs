//! The routes of sources, their windows, and what nobody saw change.

use super::{Needs, Row, VIEW, form, page};
use crate::pages::{source, sources};
use plan::Act;

pub static ROWS: &[Row] = &[
    page("/sources", VIEW, sources::page),
    page("/sources/{source}", VIEW, source::page),
    page("/sources/{source}/windows", VIEW, source::windows),
    page("/sources/{source}/unwitnessed", VIEW, source::unwitnessed),
    form(
        "/sources/{source}/windows",
        Needs::Act(Act::ManageSource),
        source::ask_window,
    ),
    form(
        "/sources/{source}/windows/{window}/approve",
        Needs::Act(Act::ApproveRepair),
        source::approve_window,
    ),
    form(
        "/sources/{source}/windows/{window}/close",
        Needs::Act(Act::ManageSource),
        source::close_window,
    ),
];
